"""Upper limits of the distance from the points of a sphere to a set on it."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import special
from isoperimetry._validate import Array, as_positive
from isoperimetry.bounds._spaces import as_dim, as_level
from isoperimetry.bounds.rate import Rate, evaluate, read_rate, stretch
from isoperimetry.bounds.sources import GILMER_2018, LEVY_1951
from isoperimetry.bounds.sphere.caps import Place, place_of_rate
from isoperimetry.bounds.sphere.enlargements import SPACE, UNIFORM, Metric, as_metric
from isoperimetry.bounds.theorem import Theorem

_NODES = 64  # of the Gauss-Legendre rule; 48 already give all digits
_CUTOFF = 45.0  # the rest is below exp(-45)


def quantile_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    q: ArrayLike = 0.5,
    metric: Metric = "geodesic",
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest q-quantile of the distance from uniform points of a sphere to a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math:: Q_q(d(X, E)) \le r \max(0,\, \theta(q) - \theta(\mu))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Dimension n >= 2 of the space around the sphere.
    radius : float or array, shape S3
        Radius r of the sphere, > 0.
    q : float or array, shape S4
        Level of the quantile, in (0, 1): the least t with P[d <= t] >= q.
    metric : {"geodesic", "chord"}
        Distances along the sphere, or straight through the ball: 2 r sin(geodesic / (2 r)).
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Upper limit in the unit of ``radius``; 0 where mu >= q. At mu = 0 it is pi r (a chord: 2 r), the largest
        distance on the sphere: E may be empty, and then there is no distance.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``dim`` is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `SPHERE_DISTANCE`.

    Examples
    --------
    >>> round(quantile_distance_bound(0.01, dim=784, radius=28.0, q=0.9), 6)
    3.609789
    """
    rate, level, kind = read_rate(mu, log_mu, accuracy, log_accuracy), as_level(q), as_metric(metric)

    def formula(dim: Array, radius: Array, q: Array) -> Array:
        angle = _step(place_of_rate(rate, dim), place_of_rate(level, dim))
        angle = np.where(rate.z == -math.inf, math.pi, np.where(rate.z >= level.z, 0.0, angle))
        unknown = np.isnan(rate.z) | np.isnan(q)
        return stretch(np.where(unknown, math.nan, angle if kind == "geodesic" else 2.0 * np.sin(0.5 * angle)), radius)

    return evaluate(
        formula, rate, dim=as_dim(dim, low=2), radius=as_positive("radius", radius, "a radius"), q=level.value
    )


def median_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    metric: Metric = "geodesic",
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest median of the distance from uniform points of a sphere to a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math:: \mathrm{med}\, d(X, E) \le r \max(0,\, \pi / 2 - \theta(\mu))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Dimension n >= 2 of the space around the sphere.
    radius : float or array, shape S3
        Radius r of the sphere, > 0.
    metric : {"geodesic", "chord"}
        Distances along the sphere, or straight through the ball.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit in the unit of ``radius``; 0 where mu >= 1/2. At mu = 0 it is pi r (a chord: 2 r): E may be empty.

    Raises
    ------
    TypeError, ValueError
        As `quantile_distance_bound`.

    Notes
    -----
    Theorem: `SPHERE_DISTANCE`. At most -r Phi^-1(mu) / sqrt(n - 2), and about that in high dimension.

    Examples
    --------
    >>> round(median_distance_bound(0.01, dim=784, radius=28.0), 12)
    2.327234032798
    """
    return quantile_distance_bound(
        mu, dim=dim, radius=radius, metric=metric, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def mean_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    metric: Metric = "geodesic",
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest mean of the distance from uniform points of a sphere to a set of measure ``mu``.

    *Theorem: typical sample*, for every set. Along the sphere it is larger than the median bound for rates in (0, 1).

    .. math:: E\, d(X, E) \le r \int_{\theta(\mu)}^{\pi} (1 - \mathrm{cap}(s)) \, ds

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Dimension n >= 2 of the space around the sphere.
    radius : float or array, shape S3
        Radius r of the sphere, > 0.
    metric : {"geodesic", "chord"}
        Distances along the sphere, or straight through the ball.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit in the unit of ``radius``; 0 only at mu = 1. At mu = 0 it is pi r (a chord: 2 r): E may be empty.

    Raises
    ------
    TypeError, ValueError
        As `quantile_distance_bound`.

    Notes
    -----
    Theorem: `SPHERE_MEAN_DISTANCE`. By a Gauss-Legendre rule on the density of the angle, whose terms are positive.

    Examples
    --------
    >>> round(mean_distance_bound(0.01, dim=784, radius=28.0), 9)
    2.330618306
    """
    rate, kind = read_rate(mu, log_mu, accuracy, log_accuracy), as_metric(metric)

    def formula(dim: Array, radius: Array) -> Array:
        length = _mean(rate, dim, kind)
        length = np.where(rate.z == -math.inf, math.pi if kind == "geodesic" else 2.0, length)
        return stretch(np.where(rate.z == math.inf, 0.0, length), radius)

    return evaluate(formula, rate, dim=as_dim(dim, low=2), radius=as_positive("radius", radius, "a radius"))


def _step(first: Place, second: Place) -> Array:
    """Return the angle from one rim to another that is farther south, from the nearest pole or the equator."""
    polar = (np.maximum(first.near, second.near) < math.pi / 4) & (first.south == second.south)
    from_pole = np.where(first.south, first.near - second.near, second.near - first.near)
    heights = [np.where(place.south, -place.height, place.height) for place in (first, second)]
    return np.where(polar, from_pole, heights[0] - heights[1])


def _mean(rate: Rate, dim: Array, metric: Metric) -> Array:
    """Return the mean of the distance to a cap of the unit sphere.

    With the height H of the point and h of the rim it is E f(h - H)+, f odd; f(h - H)+ - f(H - h)+ = f(h - H) leads
    from a cap to its complement.
    """
    place = place_of_rate(rate, dim)
    beyond = _mean_beyond(place.near, place.height, dim, metric)
    if metric == "geodesic":
        whole = place.height
    else:  # E 2 sin((h - H) / 2) = 2 sin(h / 2) E cos(H / 2)
        right = np.full_like(dim, math.pi / 2)
        whole = 2.0 * np.sin(0.5 * place.height) * (1.0 - 2.0 * _mean_beyond(right, 0.0 * dim, dim, "half sine"))
    return np.where(place.south, beyond, whole + beyond)


def _mean_beyond(near: Array, height: Array, dim: Array, metric: str) -> Array:
    """Return E f(H - h)+ for the height H of a uniform point and h >= 0, whose angle from the pole is ``near``.

    The density of H at h + v over that at h is exp(k log(cos v - tan(h) sin v)), k = n - 2, at most
    exp(-k (v**2 / 2 + v tan h)), so that the integral ends where that is below exp(-45).
    """
    near, height, dim = (array[..., np.newaxis] for array in np.broadcast_arrays(near, height, dim))
    nodes, weights = _gauss_legendre()
    k = dim - 2.0
    slope = np.tan(np.where(near < height, math.pi / 2 - near, height))
    slope = np.where(near < height, 1.0 / np.tan(near), slope)
    reach = 2.0 * _CUTOFF / (k * (slope + np.sqrt(slope * slope + 2.0 * _CUTOFF / k)))
    end = np.where(k == 0, near, np.minimum(near, reach))
    v = end * nodes
    half_sine = np.sin(0.5 * v)
    log_ratio = np.where(k == 0, 0.0, k * np.log1p(-(2.0 * half_sine * half_sine + slope * np.sin(v))))
    length = {"geodesic": v, "chord": 2.0 * half_sine, "half sine": 2.0 * np.sin(0.25 * v) ** 2}[metric]
    area = end[..., 0] * np.sum(weights * length * np.exp(log_ratio), axis=-1)
    log_cosine = np.where(near < height, np.log(np.sin(near)), np.log1p(-2.0 * np.sin(0.5 * height) ** 2))
    log_density = np.where(k == 0, 0.0, k * log_cosine) - np.asarray(special.betaln(0.5, 0.5 * (dim - 1.0)))
    return np.asarray(np.where((area == 0) | (near[..., 0] == 0), 0.0, np.exp(log_density[..., 0] + np.log(area))))


@functools.cache
def _gauss_legendre() -> tuple[Array, Array]:
    """Return nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return 0.5 * (nodes + 1.0), 0.5 * weights


SPHERE_DISTANCE = Theorem(
    name="SPHERE_DISTANCE",
    statement=(
        "The q-quantile of the distance from a uniform point of a sphere of radius r to a set of measure mu is at most "
        "r max(0, theta(q) - theta(mu)), where the cap of angular radius theta(mu) has measure mu; the median is at "
        "most r (pi/2 - theta(mu)) up to mu = 1/2."
    ),
    formula=r"\mathrm{med}\,d(X, E) \leq r\,\max\left(0, \frac{\pi}{2} - \theta(\mu)\right)",
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM,),
    direction="upper limit of a quantile of the distance from uniform points",
    source=LEVY_1951,
    bound=quantile_distance_bound,
    extremal=None,
    tightness="Equality for caps at every q.",
    proof="The share of points within eps reaches q at the latest where that of the cap of the same measure does.",
    mistake="It is no bound for the mean, which is larger along the sphere: see SPHERE_MEAN_DISTANCE.",
)
SPHERE_MEAN_DISTANCE = Theorem(
    name="SPHERE_MEAN_DISTANCE",
    statement=(
        "The mean distance from a uniform point of a sphere of radius r to a set of measure mu is at most the integral "
        "of r (1 - cap(s)) over s from theta(mu) to pi, where cap(theta(mu)) = mu."
    ),
    formula=r"E\,d(X, E) \leq r \int_{\theta(\mu)}^{\pi} (1 - \mathrm{cap}(s))\,ds",
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM,),
    direction="upper limit of the mean distance from uniform points",
    source=GILMER_2018,
    bound=mean_distance_bound,
    extremal=None,
    tightness="Equality for caps; for n large it is about that of Gaussian noise of scale r / sqrt(n).",
    proof=(
        "By the enlargement the distance to the cap of the same measure dominates the distance to the set; the mean is "
        "the integral of the share of points that are farther away."
    ),
    mistake=(
        "The order 1 / sqrt(n) of the distance does not say that errors are common: it holds for an error rate mu "
        "however small, and is proportional to the probit of mu."
    ),
)
