"""Noise with independent Laplace coordinates and Euclidean distances."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array, as_nonnegative, as_positive
from isoperimetry.bounds._spaces import as_level, assumption
from isoperimetry.bounds.rate import Rate, evaluate, given, log1mexp, read_rate, shrink, stretch
from isoperimetry.bounds.sources import BOBKOV_HOUDRE_1997
from isoperimetry.bounds.theorem import Theorem

__all__ = [
    "LAPLACE_ENLARGEMENT",
    "enlargement",
    "log_enlargement",
    "log_enlargement_complement",
    "median_distance_bound",
    "quantile_distance_bound",
]

SPACE = "R^n with independent Laplace coordinates of scale b"
LAPLACE_NOISE = assumption(
    "Laplace noise",
    "The coordinates of the noise are independent Laplace numbers of one scale; distances are Euclidean.",
)
_LOG_2 = math.log(2.0)
_FACTOR = 2.0 * math.sqrt(6.0)  # what the profile may lose from one coordinate to many


def enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    scale: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least share of samples with Laplace noise that lie within ``eps`` of an error set of measure ``mu``.

    *Theorem: typical sample*, for every error set, in every dimension.

    .. math:: P[d(X, E) \le \epsilon] \ge F\!\left(F^{-1}(\mu) + \frac{\epsilon}{2 \sqrt{6}\, b}\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``scale``.
    scale : float or array, shape S3
        Scale b of each coordinate, with density exp(-abs(x) / b) / (2 b), > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Lower limit of a probability: exactly ``mu`` at eps = 0, 0 at mu = 0 (the set may be empty).

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, ``eps`` is left out.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `LAPLACE_ENLARGEMENT`. F is the distribution function of the Laplace distribution of scale 1.

    Examples
    --------
    >>> round(enlargement(0.01, 1.0), 12)
    0.01226450402
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return _grow(
        rate, rate.linear, eps, scale, lambda log, rest: np.where(log <= rest, np.exp(log), -np.expm1(rest)), np.maximum
    )


def log_enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    scale: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `enlargement`, finite where that underflows.

    *Theorem: typical sample*, for every error set, in every dimension.

    .. math:: \log P[d(X, E) \le \epsilon] \ge \log F\!\left(F^{-1}(\mu) + \frac{\epsilon}{2 \sqrt{6}\, b}\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``scale``.
    scale : float or array, shape S3
        Scale b of each coordinate, with density exp(-abs(x) / b) / (2 b), > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Lower limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `LAPLACE_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement(log_mu=-1000.0, eps=1.0), 6)
    -999.795876
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return _grow(rate, rate.log, eps, scale, lambda log, rest: log, np.maximum)


def log_enlargement_complement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    scale: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of the largest share of samples farther than ``eps`` from an error set of measure ``mu``.

    *Theorem: typical sample*, for every error set, in every dimension.

    .. math:: \log P[d(X, E) > \epsilon] \le \log F\!\left(-F^{-1}(\mu) - \frac{\epsilon}{2 \sqrt{6}\, b}\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``scale``.
    scale : float or array, shape S3
        Scale b of each coordinate, with density exp(-abs(x) / b) / (2 b), > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `LAPLACE_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement_complement(0.5, 100.0), 6)
    -21.105562
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return _grow(rate, rate.log_complement, eps, scale, lambda log, rest: rest, np.minimum)


def quantile_distance_bound(
    mu: ArrayLike | None = None,
    *,
    scale: ArrayLike = 1.0,
    q: ArrayLike = 0.5,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest q-quantile of the distance from samples with Laplace noise to an error set of measure ``mu``.

    *Theorem: typical sample*, for every error set, in every dimension.

    .. math:: Q_q(d(X, E)) \le 2 \sqrt{6}\, b \max(0,\, F^{-1}(q) - F^{-1}(\mu))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    scale : float or array, shape S2
        Scale b of each coordinate, with density exp(-abs(x) / b) / (2 b), > 0.
    q : float or array, shape S3
        Level of the quantile, in (0, 1): the least t with P[d <= t] >= q.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit in the unit of ``scale``: inf at mu = 0, 0 where mu >= q.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `LAPLACE_ENLARGEMENT`, solved for the distance.

    Examples
    --------
    >>> round(quantile_distance_bound(0.01, q=0.9), 6)
    27.049524
    """
    rate, level = read_rate(mu, log_mu, accuracy, log_accuracy), as_level(q)

    def formula(scale: Array, q: Array) -> Array:
        length = np.where(rate.z >= level.z, 0.0, _FACTOR * (_quantile(level) - _quantile(rate)))
        return stretch(np.where(np.isnan(rate.z) | np.isnan(q), math.nan, np.maximum(length, 0.0)), scale)

    return evaluate(formula, rate, scale=as_positive("scale", scale, "the scale of the noise"), q=level.value)


def median_distance_bound(
    mu: ArrayLike | None = None,
    *,
    scale: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest median of the distance from samples with Laplace noise to an error set of measure ``mu``.

    *Theorem: typical sample*, for every error set, in every dimension.

    .. math:: \mathrm{med}\, d(X, E) \le 2 \sqrt{6}\, b \max(0,\, \log(1 / (2 \mu)))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    scale : float or array, shape S2
        Scale b of each coordinate, with density exp(-abs(x) / b) / (2 b), > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Upper limit in the unit of ``scale``: inf at mu = 0, 0 where mu >= 1/2.

    Raises
    ------
    TypeError, ValueError
        As `quantile_distance_bound`.

    Notes
    -----
    Theorem: `LAPLACE_ENLARGEMENT`, solved for the distance.

    Examples
    --------
    >>> round(median_distance_bound(0.01), 6)
    19.16492
    """
    return quantile_distance_bound(mu, scale=scale, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)


def _quantile(rate: Rate) -> Array:
    """Return the quantile of the Laplace distribution of scale 1."""
    return np.where(rate.z > 0, -rate.log_complement - _LOG_2, rate.log + _LOG_2)


def _grow(
    rate: Rate,
    start: Array,
    eps: ArrayLike | None,
    scale: ArrayLike,
    choose: Callable[[Array, Array], Array],
    limit: Callable[[Array, Array], Array],
) -> float | Array:
    """Return what ``choose`` makes of the logs of the measure and of its complement, and ``start`` without growth."""
    (distance,) = given(eps=eps)

    def formula(eps: Array, scale: Array) -> Array:
        step = shrink(eps, _FACTOR * scale)
        x = _quantile(rate) + step
        # Up to the median the log of the measure itself moves; beyond it, that of the complement.
        rest = np.where(rate.z > 0, rate.log_complement - step, -x - _LOG_2)
        log = np.where(x <= 0, rate.log + step, np.log1p(-np.exp(rest)))
        rest = np.where(x <= 0, log1mexp(np.minimum(log, 0.0)), rest)
        still = ((step == 0) & ~np.isnan(rate.z)) | ((rate.z == -math.inf) & ~np.isnan(step))
        return np.where(still, start, limit(choose(log, rest), start))

    return evaluate(
        formula, rate, eps=as_nonnegative("eps", distance, "a distance"),
        scale=as_positive("scale", scale, "the scale of the noise"),
    )  # fmt: skip


LAPLACE_ENLARGEMENT = Theorem(
    name="LAPLACE_ENLARGEMENT",
    statement=(
        "With independent Laplace noise of scale b in each coordinate a set of measure mu grows in l2 at least as a "
        "half-line does on the line at 2 sqrt(6) times the scale: "
        "P[d(X, E) <= eps] >= F(F^-1(mu) + eps / (2 sqrt(6) b))."
    ),
    formula=r"P[d(X, E) \leq \varepsilon] \geq F\left(F^{-1}(\mu) + \frac{\varepsilon}{2\sqrt{6}\,b}\right)",
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(LAPLACE_NOISE,),
    direction="lower limit of the share of samples within eps of the set",
    source=BOBKOV_HOUDRE_1997,
    bound=enlargement,
    extremal=None,
    tightness="The same in every dimension; the constant is not sharp. On the line it is 1 in place of 2 sqrt(6).",
    proof=(
        "On the line the profile is min(p, 1 - p) / b. A functional inequality that passes to products shows that no "
        "power of the distribution has a profile below 1 / (2 sqrt(6)) of that; integrate it over the distance."
    ),
    mistake=(
        "No bound of the Gaussian form holds: far out, a half-space along an axis grows by the factor exp(eps / b) "
        "only. Nor may the factor 2 sqrt(6) be dropped in more than one dimension."
    ),
)
