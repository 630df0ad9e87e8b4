"""Upper limits of the distance from uniform points of a ball to a set in it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.bounds import sphere
from isoperimetry.bounds._spaces import as_dim
from isoperimetry.bounds.ball.enlargements import SPACE, UNIFORM
from isoperimetry.bounds.rate import Rate, evaluate, read_rate
from isoperimetry.bounds.sources import LEVY_1951
from isoperimetry.bounds.theorem import Theorem


def quantile_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    q: ArrayLike = 0.5,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest q-quantile of the distance from uniform points of a ball to a set of measure ``mu`` in it.

    *Theorem: typical sample*, for every set.

    .. math:: Q_q(d(X, E)) \le 2 r \sin(\max(0,\, \theta_{n+2}(q) - \theta_{n+2}(\mu)) / 2)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Dimension n >= 1 of the ball.
    radius : float or array, shape S3
        Radius r of the ball, > 0.
    q : float or array, shape S4
        Level of the quantile, in (0, 1): the least t with P[d <= t] >= q.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Upper limit in the unit of ``radius``: inf at mu = 0, 0 where mu >= q.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``dim`` is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `BALL_DISTANCE`.

    Examples
    --------
    >>> round(quantile_distance_bound(0.01, dim=10, q=0.9), 6)
    1.025326
    """
    lifted = as_dim(dim).astype(np.int64) + 2
    bound = sphere.quantile_distance_bound(
        mu, q=q, dim=lifted, radius=radius, metric="chord", log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )
    return _without_information(bound, read_rate(mu, log_mu, accuracy, log_accuracy))


def median_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest median of the distance from uniform points of a ball to a set of measure ``mu`` in it.

    *Theorem: typical sample*, for every set.

    .. math:: \mathrm{med}\, d(X, E) \le 2 r \sin(\max(0,\, \pi / 2 - \theta_{n+2}(\mu)) / 2)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Dimension n >= 1 of the ball.
    radius : float or array, shape S3
        Radius r of the ball, > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit in the unit of ``radius``: inf at mu = 0, 0 where mu >= 1/2.

    Raises
    ------
    TypeError, ValueError
        As `quantile_distance_bound`.

    Notes
    -----
    Theorem: `BALL_DISTANCE`.

    Examples
    --------
    >>> round(median_distance_bound(0.01, dim=10), 6)
    0.673134
    """
    return quantile_distance_bound(
        mu, dim=dim, radius=radius, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def mean_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest mean of the distance from uniform points of a ball to a set of measure ``mu`` in it.

    *Theorem: typical sample*, for every set.

    .. math:: E\, d(X, E) \le 2 r\, E \sin((\Theta_{n+2} - \theta_{n+2}(\mu))_+ / 2)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Dimension n >= 1 of the ball.
    radius : float or array, shape S3
        Radius r of the ball, > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit in the unit of ``radius``: inf at mu = 0, 0 only at mu = 1.

    Raises
    ------
    TypeError, ValueError
        As `quantile_distance_bound`.

    Notes
    -----
    Theorem: `BALL_DISTANCE`. The angle Theta from a pole is that of a uniform point of the sphere in n + 2 dimensions.

    Examples
    --------
    >>> round(mean_distance_bound(0.01, dim=10), 6)
    0.666418
    """
    lifted = as_dim(dim).astype(np.int64) + 2
    bound = sphere.mean_distance_bound(
        mu, dim=lifted, radius=radius, metric="chord", log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )
    return _without_information(bound, read_rate(mu, log_mu, accuracy, log_accuracy))


def _without_information(bound: float | Array, rate: Rate) -> float | Array:
    """Return the bound, and inf where the set may be empty: the diameter bounds the distance to a point only."""
    return evaluate(
        lambda bound: np.where((rate.z == -math.inf) & ~np.isnan(bound), math.inf, bound), rate, bound=np.asarray(bound)
    )


BALL_DISTANCE = Theorem(
    name="BALL_DISTANCE",
    statement=(
        "The q-quantile of the distance from a uniform point of a ball of radius r in R^n to a set of measure mu in it "
        "is at most 2 r sin((theta(q) - theta(mu)) / 2) for mu <= q, with the angles of caps of the sphere in R^(n+2), "
        "and the mean is at most that of the chords to such a cap."
    ),
    formula=(
        r"\mathrm{med}\,d(X, E) \leq 2r\,\sin\left(\frac{\pi}{4} - \frac{\theta_{n+2}(\mu)}{2}\right),"
        r" \quad \mu \leq \frac{1}{2}"
    ),
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM,),
    direction="upper limit of a quantile of the distance from uniform points",
    source=LEVY_1951,
    bound=quantile_distance_bound,
    extremal=None,
    tightness="Not attained; of the right order 1 / sqrt(n) for slices of the ball by a half-space.",
    proof="By BALL_ENLARGEMENT the share of points within eps reaches q at the latest where that of the cap does.",
    mistake="",
)
