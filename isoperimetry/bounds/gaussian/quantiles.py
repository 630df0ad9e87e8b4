"""Upper limits of the quantiles of the distance from noisy samples to an error set."""

from __future__ import annotations

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import FORD_2019
from isoperimetry.bounds.rate import compiled
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem


def quantile_distance_bound(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    q: ArrayLike = 0.5,
    conditional: bool = False,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest q-quantile of the distance from noisy samples to an error set of measure ``mu``.

    *Theorem: typical noisy sample*, for every error set. It says nothing about the center itself.

    .. math::
        Q_q(d(X, E)) \le \sigma \max(0,\, \Phi^{-1}(q) - \Phi^{-1}(\mu)), \qquad
        Q_q(d(X, E) \mid X \notin E) \le \sigma \left(\Phi^{-1}(1 - \mu) - \Phi^{-1}((1 - q)(1 - \mu))\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    q : float or array, shape S3
        Level of the quantile, in (0, 1): the least t with P[d <= t] >= q.
    conditional : bool
        True: among the samples outside the error set only, as when an attack starts from correct samples.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit in the unit of ``sigma``: inf at mu = 0; without ``conditional`` 0 where mu >= q.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given.
    ValueError
        If an argument is out of range, or ``sigma`` is 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `GAUSSIAN_DISTANCE`. Near mu = 1 the double ``mu`` has lost the information: pass ``accuracy``.
    The mean may be larger than the median bound: see `mean_distance_bound`.

    Examples
    --------
    >>> round(quantile_distance_bound(0.01, q=0.9), 6)
    3.607899
    >>> round(quantile_distance_bound(0.01, conditional=True), 6)
    2.338881
    """
    rates = (mu, log_mu, accuracy, log_accuracy)
    return compiled("distances.quantile_distance_bound", rates, options=(int(conditional),), q=q, sigma=sigma)


def median_distance_bound(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    conditional: bool = False,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest median of the distance from noisy samples to an error set of measure ``mu``.

    *Theorem: typical noisy sample*, for every error set. It says nothing about the center itself.

    .. math:: \mathrm{med}\, d(X, E) \le \max(0,\, -\sigma \, \Phi^{-1}(\mu))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    conditional : bool
        True: among the samples outside the error set only, as when an attack starts from correct samples.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Upper limit in the unit of ``sigma``: inf at mu = 0; without ``conditional`` 0 where mu >= 1/2.

    Raises
    ------
    TypeError, ValueError
        As `quantile_distance_bound`.

    Notes
    -----
    Theorem: `GAUSSIAN_DISTANCE`. The mean may be larger than this bound: see `mean_distance_bound`.

    Examples
    --------
    >>> round(median_distance_bound(0.01, sigma=0.1), 6)
    0.232635
    >>> median_distance_bound(0.7)
    0.0
    """
    return quantile_distance_bound(
        mu, sigma, conditional=conditional, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


GAUSSIAN_DISTANCE = Theorem(
    name="GAUSSIAN_DISTANCE",
    statement=(
        "The median distance from a noisy sample to a set of Gaussian measure mu is at most -sigma Phi^-1(mu), and 0 "
        "from mu = 1/2 on; the q-quantile is at most sigma max(0, Phi^-1(q) - Phi^-1(mu)), and among the samples "
        "outside the set sigma (Phi^-1(1 - mu) - Phi^-1((1 - q)(1 - mu)))."
    ),
    formula=r"\mathrm{med}\,d(X, E) \leq \max(0, -\sigma\,\Phi^{-1}(\mu))",
    label="theorem: typical noisy sample",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER),
    direction="upper limit of a quantile of the distance from noisy samples",
    source=FORD_2019,
    bound=quantile_distance_bound,
    extremal=half_space_of_measure,
    tightness=(
        "Equality for half-spaces at every q; for q > mu every other set, up to null sets, has smaller quantiles."
    ),
    proof=(
        "The share of samples within eps is the measure of the enlargement by eps. It reaches q at the latest "
        "where that of the half-space of the same measure does, and the distance to a half-space is a shifted "
        "normal number cut off at 0."
    ),
    mistake=(
        "It is a statement about noisy samples. The center itself may be farther from every error, or nearer "
        "to one: for it the same number is a prediction that assumes a half-space."
    ),
)
