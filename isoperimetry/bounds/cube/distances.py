"""Upper limits of the distance from uniform points of a cube to a set in it."""

from __future__ import annotations

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.bounds import gaussian
from isoperimetry.bounds.cube.enlargements import SPACE, UNIFORM, as_scale
from isoperimetry.bounds.sources import BARTHE_MAUREY_2000
from isoperimetry.bounds.theorem import Theorem


def quantile_distance_bound(
    mu: ArrayLike | None = None,
    *,
    side: ArrayLike = 1.0,
    q: ArrayLike = 0.5,
    p: float = 2,
    dim: ArrayLike | None = None,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest q-quantile of the distance from uniform points of a cube to a set of measure ``mu`` in it.

    *Theorem: typical sample*, for every set.

    .. math:: Q_q(d_p(X, E)) \le \frac{s}{\sqrt{2 \pi}} \max(0,\, \Phi^{-1}(q) - \Phi^{-1}(\mu)),
              \qquad p \ge 2

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    side : float or array, shape S2
        Side s of the cube, > 0; for a box its longest side.
    q : float or array, shape S3
        Level of the quantile, in (0, 1): the least t with P[d <= t] >= q.
    p : float
        The distances are measured in the l_p norm, p in [1, inf]; the bound is the same for all p >= 2.
    dim : int or array of int, shape S4, optional
        Dimension n >= 1 of the cube; needed for p < 2 only.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Upper limit in the unit of ``side``: inf at mu = 0, 0 where mu >= q.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `CUBE_DISTANCE`. For p < 2 it is multiplied by n**(1/p - 1/2).

    Examples
    --------
    >>> round(quantile_distance_bound(0.01, q=0.9), 6)
    1.439344
    """
    return gaussian.quantile_distance_bound(
        mu, as_scale(side, p, dim, mu=mu, q=q), q=q, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def median_distance_bound(
    mu: ArrayLike | None = None,
    *,
    side: ArrayLike = 1.0,
    p: float = 2,
    dim: ArrayLike | None = None,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest median of the distance from uniform points of a cube to a set of measure ``mu`` in it.

    *Theorem: typical sample*, for every set.

    .. math:: \mathrm{med}\, d_p(X, E) \le \max\!\left(0,\, -\frac{s}{\sqrt{2 \pi}}\, \Phi^{-1}(\mu)\right),
              \qquad p \ge 2

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    side : float or array, shape S2
        Side s of the cube, > 0; for a box its longest side.
    p : float
        The distances are measured in the l_p norm, p in [1, inf]; the bound is the same for all p >= 2.
    dim : int or array of int, shape S3, optional
        Dimension n >= 1 of the cube; needed for p < 2 only.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit in the unit of ``side``: inf at mu = 0, 0 where mu >= 1/2.

    Raises
    ------
    TypeError, ValueError
        As `quantile_distance_bound`.

    Notes
    -----
    Theorem: `CUBE_DISTANCE`.

    Examples
    --------
    >>> round(median_distance_bound(0.01), 12)
    0.928078525877
    """
    return gaussian.median_distance_bound(
        mu, as_scale(side, p, dim, mu=mu), log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def mean_distance_bound(
    mu: ArrayLike | None = None,
    *,
    side: ArrayLike = 1.0,
    p: float = 2,
    dim: ArrayLike | None = None,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest mean of the distance from uniform points of a cube to a set of measure ``mu`` in it.

    *Theorem: typical sample*, for every set.

    .. math:: E\, d_p(X, E) \le \frac{s}{\sqrt{2 \pi}} (\varphi(a) + a\, \Phi(a)), \quad a = -\Phi^{-1}(\mu),
              \qquad p \ge 2

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    side : float or array, shape S2
        Side s of the cube, > 0; for a box its longest side.
    p : float
        The distances are measured in the l_p norm, p in [1, inf]; the bound is the same for all p >= 2.
    dim : int or array of int, shape S3, optional
        Dimension n >= 1 of the cube; needed for p < 2 only.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit in the unit of ``side``: inf at mu = 0, 0 only at mu = 1.

    Raises
    ------
    TypeError, ValueError
        As `quantile_distance_bound`.

    Notes
    -----
    Theorem: `CUBE_DISTANCE`.

    Examples
    --------
    >>> round(mean_distance_bound(0.01), 12)
    0.929430407006
    """
    return gaussian.mean_distance_bound(
        mu, as_scale(side, p, dim, mu=mu), log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


CUBE_DISTANCE = Theorem(
    name="CUBE_DISTANCE",
    statement=(
        "The q-quantile of the distance from a uniform point of a cube of side s to a set of measure mu in it is at "
        "most s / sqrt(2 pi) max(0, Phi^-1(q) - Phi^-1(mu)), and the mean at most s / sqrt(2 pi) (phi(a) + a Phi(a)), "
        "a = -Phi^-1(mu)."
    ),
    formula=r"\mathrm{med}\,d(X, E) \leq \max\left(0, -\frac{s}{\sqrt{2\pi}}\,\Phi^{-1}(\mu)\right)",
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM,),
    direction="upper limit of a quantile of the distance from uniform points",
    source=BARTHE_MAUREY_2000,
    bound=quantile_distance_bound,
    extremal=None,
    tightness="Not attained for mu < 1/2; for a half-cube the median distance is (1/2 - mu) s.",
    proof="By CUBE_ENLARGEMENT the distance to a half-space in Gaussian noise dominates the distance in the cube.",
    mistake="No 1 / sqrt(n) is gained in l_inf: for half-cubes all l_p distances are the same.",
)
