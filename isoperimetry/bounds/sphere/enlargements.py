"""The least growth of a set on a sphere: Lévy's inequality and its comparison with Gaussian noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array, as_choice, as_nonnegative, as_positive
from isoperimetry.bounds import gaussian
from isoperimetry.bounds._spaces import as_dim, assumption
from isoperimetry.bounds.rate import Rate, evaluate, given, read_rate, shrink
from isoperimetry.bounds.sources import BAKRY_LEDOUX_1996, LEVY_1951
from isoperimetry.bounds.sphere.caps import Place, place_of_rate
from isoperimetry.bounds.theorem import Theorem

Metric = Literal["geodesic", "chord"]

SPACE = "sphere S^(n-1)(r) in R^n with the uniform distribution"
UNIFORM = assumption("uniform on the sphere", "The samples are uniform on one sphere, on which the error set lies too.")


def enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    metric: Metric = "geodesic",
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least share of the sphere that lies within ``eps`` of a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math:: P[d(X, E) \le \epsilon] \ge \mathrm{cap}(\theta(\mu) + \epsilon / r),
              \qquad \mathrm{cap}(\theta(\mu)) = \mu

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``radius``.
    dim : int or array of int, shape S3
        Dimension n >= 2 of the space around the sphere.
    radius : float or array, shape S4
        Radius r of the sphere, > 0.
    metric : {"geodesic", "chord"}
        Distances along the sphere, or straight through the ball: ``eps`` = 2 r sin(geodesic / (2 r)).
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Lower limit of a probability: exactly ``mu`` at eps = 0, 0 at mu = 0 (the set may be empty), 1 where the cap
        covers the sphere.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, ``eps`` is left out, or ``dim`` is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `SPHERE_ENLARGEMENT`. With radius = sigma * sqrt(dim) it tends to `isoperimetry.bounds.enlargement`.

    Examples
    --------
    >>> import math
    >>> round(enlargement(0.01, 1.0, dim=784, radius=28.0), 12)
    0.092384682731
    >>> enlargement(0.5, math.pi / 2, dim=3)
    1.0
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return _grow(
        rate, rate.linear, eps, dim, radius, metric,
        lambda place, dim, start: np.maximum(place.measure(dim), start),
    )  # fmt: skip


def log_enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    metric: Metric = "geodesic",
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `enlargement`, finite where that underflows.

    *Theorem: typical sample*, for every set.

    .. math:: \log P[d(X, E) \le \epsilon] \ge \log \mathrm{cap}(\theta(\mu) + \epsilon / r)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``radius``.
    dim : int or array of int, shape S3
        Dimension n >= 2 of the space around the sphere.
    radius : float or array, shape S4
        Radius of the sphere, > 0.
    metric : {"geodesic", "chord"}
        Distances along the sphere, or straight through the ball.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Lower limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `SPHERE_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement(log_mu=-1e5, eps=0.5, dim=150528), 6)
    -22237.008555
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return _grow(
        rate, rate.log, eps, dim, radius, metric,
        lambda place, dim, start: np.maximum(place.log_measure(dim), start),
    )  # fmt: skip


def log_enlargement_complement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    metric: Metric = "geodesic",
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of the largest share of the sphere farther than ``eps`` from a set of measure ``mu``.

    *Theorem: typical sample*, for every set. It is the log of 1 - `enlargement`, without cancellation.

    .. math:: \log P[d(X, E) > \epsilon] \le \log \mathrm{cap}(\pi - \theta(\mu) - \epsilon / r)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``radius``.
    dim : int or array of int, shape S3
        Dimension n >= 2 of the space around the sphere.
    radius : float or array, shape S4
        Radius of the sphere, > 0.
    metric : {"geodesic", "chord"}
        Distances along the sphere, or straight through the ball.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Upper limit of the natural logarithm of a probability, <= 0; -inf where the cap covers the sphere.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `SPHERE_ENLARGEMENT`. From mu = 1/2 on it is at most (1/2) cos(eps / r)**(n - 1), and that at most
    (1/2) exp(-(n - 1) eps**2 / (2 r**2)).

    Examples
    --------
    >>> round(log_enlargement_complement(0.5, 0.1, dim=150528), 6)
    -758.469042
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return _grow(
        rate, rate.log_complement, eps, dim, radius, metric,
        lambda place, dim, start: np.minimum(place.log_measure(dim, complement=True), start),
    )  # fmt: skip


def gaussian_enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Lower limit of `enlargement` that has the form of the Gaussian one.

    *Theorem: typical sample*, for every set. Geodesic distances, and chords too, as these are shorter.

    .. math:: P[d(X, E) \le \epsilon] \ge \Phi\!\left(\Phi^{-1}(\mu) + \epsilon \sqrt{n - 2} / r\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``radius``.
    dim : int or array of int, shape S3
        Dimension n >= 3 of the space around the sphere.
    radius : float or array, shape S4
        Radius r of the sphere, > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Lower limit of a probability, in [0, 1]. Logarithms: the Gaussian functions with sigma = r / sqrt(n - 2).

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `SPHERE_GAUSSIAN_ENLARGEMENT`.

    Examples
    --------
    >>> round(gaussian_enlargement(0.01, 1.0, dim=784, radius=28.0), 12)
    0.092151143113
    """
    length, n = as_positive("radius", radius, "a radius"), as_dim(dim, low=3)
    sigma = np.asarray(evaluate(lambda radius, dim: radius / np.sqrt(dim - 2.0), radius=length, dim=n))
    return gaussian.enlargement(mu, eps, sigma, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)


def as_angle(length: Array, radius: Array, metric: Metric) -> Array:
    """Return the angle under which a length appears from the center."""
    if metric == "geodesic":
        return shrink(length, radius)
    return 2.0 * np.arcsin(np.minimum(shrink(length, 2.0 * radius), 1.0))


def as_metric(metric: Metric) -> Metric:
    """Return ``metric`` if it is one of the two."""
    return "chord" if as_choice("metric", metric, ("geodesic", "chord")) == "chord" else "geodesic"


def _grow(
    rate: Rate,
    start: Array,
    eps: ArrayLike | None,
    dim: ArrayLike,
    radius: ArrayLike,
    metric: Metric,
    measure: Callable[[Place, Array, Array], Array],
) -> float | Array:
    """Return ``measure`` of the cap that has grown by ``eps``, and ``start`` where it did not grow."""
    (distance,) = given(eps=eps)
    kind = as_metric(metric)

    def formula(eps: Array, dim: Array, radius: Array) -> Array:
        angle = as_angle(eps, radius, kind)
        grown = measure(place_of_rate(rate, dim).moved(angle), dim, start)
        # A set of measure 0 may be empty and stays so at any distance.
        still = ((angle == 0) & ~np.isnan(rate.z)) | ((rate.z == -math.inf) & ~np.isnan(angle))
        return np.where(still, start, grown)

    return evaluate(
        formula, rate, eps=as_nonnegative("eps", distance, "a distance"), dim=as_dim(dim, low=2),
        radius=as_positive("radius", radius, "a radius"),
    )  # fmt: skip


SPHERE_ENLARGEMENT = Theorem(
    name="SPHERE_ENLARGEMENT",
    statement=(
        "Of all sets of measure mu on a sphere of radius r, caps grow the least when enlarged: "
        "P[d(X, E) <= eps] >= cap(theta(mu) + eps / r), where cap(theta) is the measure of the cap of angular radius "
        "theta and cap(theta(mu)) = mu."
    ),
    formula=r"P[d(X, E) \leq \varepsilon] \geq \mathrm{cap}\left(\theta(\mu) + \frac{\varepsilon}{r}\right)",
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM,),
    direction="lower limit of the share of the sphere within eps of the set",
    source=LEVY_1951,
    bound=enlargement,
    extremal=None,
    tightness="Equality for caps at every eps, in geodesic and in chord distance.",
    proof=(
        "Reflect the set in one hyperplane after another and keep, of each pair of points, the one nearer to a fixed "
        "pole: this keeps the measure and does not increase that of the enlargements, and a cap is left at the end. "
        "The chord is an increasing function of the geodesic distance."
    ),
    mistake=(
        "A chord taken for a geodesic distance gives a bound that is valid but too weak; a geodesic distance taken for "
        "a chord claims too much."
    ),
)
SPHERE_GAUSSIAN_ENLARGEMENT = Theorem(
    name="SPHERE_GAUSSIAN_ENLARGEMENT",
    statement=(
        "On a sphere of radius r in R^n, n >= 3, a set of measure mu grows at least as a half-space does in Gaussian "
        "noise of scale r / sqrt(n - 2): P[d(X, E) <= eps] >= Phi(Phi^-1(mu) + eps sqrt(n - 2) / r)."
    ),
    formula=(r"P[d(X, E) \leq \varepsilon] \geq \Phi\left(\Phi^{-1}(\mu) + \frac{\varepsilon\,\sqrt{n - 2}}{r}\right)"),
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM,),
    direction="lower limit of the share of the sphere within eps of the set",
    source=BAKRY_LEDOUX_1996,
    bound=gaussian_enlargement,
    extremal=None,
    tightness="Strict for 0 < mu < 1; an equality in the limit of large n with r = sigma sqrt(n).",
    proof=(
        "The Ricci curvature of the sphere is (n - 2) / r^2, and a bound of the curvature from below by 1 / sigma^2 is "
        "all that the Gaussian inequality needs: the heat flow of the sphere mixes at least as fast as that of "
        "N(0, sigma^2)."
    ),
    mistake="With n - 1 in place of n - 2 the inequality is false: at mu = 1/2 caps grow too slowly for it.",
)
