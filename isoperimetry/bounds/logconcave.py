"""Log-concave distributions: at least as curved as a Gaussian in any dimension, or any on the line."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array, as_float, as_nonnegative, refuse
from isoperimetry.bounds import gaussian
from isoperimetry.bounds._spaces import assumption
from isoperimetry.bounds.rate import evaluate, given, read_rate
from isoperimetry.bounds.sources import BAKRY_LEDOUX_1996, BOBKOV_1996
from isoperimetry.bounds.theorem import Theorem

__all__ = [
    "LINE_ENLARGEMENT",
    "LOGCONCAVE_ENLARGEMENT",
    "enlargement",
    "enlargement_on_line",
    "log_enlargement",
    "log_enlargement_complement",
]

Function = Callable[[Array], ArrayLike]

STRONGLY = assumption(
    "strongly log-concave",
    "The samples have a density exp(-V), on R^n or a convex part of it, with Hess V >= I / sigma**2; distances are l2.",
)
ON_LINE = assumption("log-concave on the line", "The samples are real numbers whose density has a concave logarithm.")
_TOLERANCE = 1e-6  # of cdf(ppf(p)) = p, which is wrong by much more where the functions are not what they should be


def enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    sigma: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least share of a strongly log-concave distribution within ``eps`` of a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math:: P[d(X, E) \le \epsilon] \ge \Phi\!\left(\Phi^{-1}(\mu) + \epsilon / \sigma\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``sigma``.
    sigma : float or array, shape S3
        Scale of the potential: Hess V >= I / sigma**2; >= 0, in the unit of the inputs.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Lower limit of a probability: exactly ``mu`` at eps = 0, 0 at mu = 0 (the set may be empty).

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``eps`` is left out.
    ValueError
        If an argument is out of range, or ``sigma`` is 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `LOGCONCAVE_ENLARGEMENT`. Every bound for Gaussian noise, of distances too, holds with this sigma: for
    instance for Gaussian noise conditioned on a convex set.

    Examples
    --------
    >>> round(enlargement(0.01, 1.0, sigma=1.0), 6)
    0.092362
    """
    return gaussian.enlargement(mu, eps, sigma, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)


def log_enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    sigma: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `enlargement`, finite where that underflows.

    *Theorem: typical sample*, for every set.

    .. math:: \log P[d(X, E) \le \epsilon] \ge \log \Phi\!\left(\Phi^{-1}(\mu) + \epsilon / \sigma\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``sigma``.
    sigma : float or array, shape S3
        Scale of the potential: Hess V >= I / sigma**2; >= 0, in the unit of the inputs.
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
    Theorem: `LOGCONCAVE_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement(log_mu=-1e6, eps=1000.0, sigma=1.0), 6)
    -85790.989057
    """
    return gaussian.log_enlargement(mu, eps, sigma, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)


def log_enlargement_complement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    sigma: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of the largest share of the distribution farther than ``eps`` from a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math:: \log P[d(X, E) > \epsilon] \le \log \Phi\!\left(-\Phi^{-1}(\mu) - \epsilon / \sigma\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``sigma``.
    sigma : float or array, shape S3
        Scale of the potential: Hess V >= I / sigma**2; >= 0, in the unit of the inputs.
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
    Theorem: `LOGCONCAVE_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement_complement(0.3, eps=40.0, sigma=1.0), 6)
    -783.756739
    """
    return gaussian.log_enlargement_complement(
        mu, eps, sigma, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def enlargement_on_line(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    cdf: Function,
    ppf: Function,
    sf: Function | None = None,
    isf: Function | None = None,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least share of a log-concave distribution on the line within ``eps`` of a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math::
        P[d(X, E) \le \epsilon] \ge \min\left(F(F^{-1}(\mu) + \epsilon),\; 1 - F(F^{-1}(1 - \mu) - \epsilon)\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of the samples.
    cdf, ppf : callable
        The distribution function F and its inverse: arrays of float64 to arrays of the same shape.
    sf, isf : callable, optional
        1 - F and its inverse; without them small probabilities above the median have absolute accuracy only.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Lower limit of a probability: exactly ``mu`` at eps = 0, 0 at mu = 0 (the set may be empty).

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``eps`` is left out.
    ValueError
        If an argument is out of range, a function returns another shape, or cdf(ppf(mu)) is not mu: then the two
        are not inverse to each other, or the distribution has atoms. NaN is passed through.

    Notes
    -----
    Theorem: `LINE_ENLARGEMENT`. The accuracy is that of the given functions; there is no form in logarithms.

    Examples
    --------
    >>> from scipy.stats import gumbel_r
    >>> round(enlargement_on_line(0.01, 1.0, cdf=gumbel_r.cdf, ppf=gumbel_r.ppf), 6)
    0.02695
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    (distance,) = given(eps=eps)

    def formula(eps: Array) -> Array:
        inside = (rate.z > -math.inf) & (rate.z < math.inf)
        p, rest = np.where(inside, rate.linear, 0.5), np.where(inside, rate.complement, 0.5)
        # From the median on, the quantile comes from the smaller one of the two probabilities.
        left = (
            _call("ppf", ppf, p) if isf is None else np.where(p <= 0.5, _call("ppf", ppf, p), _call("isf", isf, rest))
        )
        right = (
            _call("ppf", ppf, rest)
            if isf is None
            else np.where(p <= 0.5, _call("isf", isf, p), _call("ppf", ppf, rest))
        )
        back = _call("cdf", cdf, left)
        refuse(
            "mu", p, np.abs(back - p) > _TOLERANCE, "equal to cdf(ppf(mu))",
            "ppf must be the inverse of cdf, and the distribution must have no atoms.",
        )  # fmt: skip
        far = eps == math.inf
        low, high = left + np.where(far, 0.0, eps), right - np.where(far, 0.0, eps)
        to_left = _call("cdf", cdf, low)
        to_right = 1.0 - _call("cdf", cdf, high) if sf is None else _call("sf", sf, high)
        grown = np.clip(np.minimum(to_left, to_right), rate.linear, 1.0)
        grown = np.where(far, 1.0, grown)
        still = (~inside & ~np.isnan(eps)) | ((eps == 0) & ~np.isnan(rate.z))
        return np.where(still, rate.linear, np.where(np.isnan(rate.z) | np.isnan(eps), math.nan, grown))

    return evaluate(formula, rate, eps=as_nonnegative("eps", distance, "a distance"))


def _call(name: str, function: Function, x: Array) -> Array:
    if not callable(function):
        raise TypeError(f"{name}={function!r} must be a function of arrays, such as scipy.stats.norm.{name}.")
    result = as_float(name, function(x))
    if result.shape != np.shape(x):
        raise ValueError(f"{name} returned shape {result.shape} for shape {np.shape(x)}: it must work on arrays.")
    if name in ("cdf", "sf"):
        wrong = ~((result >= 0) & (result <= 1)) & ~np.isnan(x)
        refuse(f"{name}(x)", result, wrong, "in [0, 1]", "it is a probability, whatever the number x is.")
    return result


LOGCONCAVE_ENLARGEMENT = Theorem(
    name="LOGCONCAVE_ENLARGEMENT",
    statement=(
        "If the density of the samples is exp(-V) with Hess V >= I / sigma^2, on R^n or a convex part of it, then a "
        "set of measure mu grows at least as a half-space does in N(0, sigma^2 I): "
        "P[d(X, E) <= eps] >= Phi(Phi^-1(mu) + eps / sigma)."
    ),
    formula=r"P[d(X, E) \leq \varepsilon] \geq \Phi\left(\Phi^{-1}(\mu) + \frac{\varepsilon}{\sigma}\right)",
    label="theorem: typical sample",
    space="R^n with a strongly log-concave distribution",
    assumptions=(STRONGLY,),
    direction="lower limit of the share of samples within eps of the set",
    source=BAKRY_LEDOUX_1996,
    bound=enlargement,
    extremal=gaussian.half_space_of_measure,
    tightness="Equality for half-spaces in Gaussian noise; a more curved density lets every set grow faster.",
    proof=(
        "The optimal transport of N(0, sigma^2 I) to such a distribution stretches no distance (Caffarelli 2000): "
        "enlarge the preimage of the set. Or by Bobkov's inequality along the heat flow."
    ),
    mistake="Log-concavity alone is not enough: Laplace noise is log-concave, and no such bound holds for it.",
)
LINE_ENLARGEMENT = Theorem(
    name="LINE_ENLARGEMENT",
    statement=(
        "For a log-concave distribution on the line with distribution function F half-lines grow the least: "
        "P[d(X, E) <= eps] >= min(F(F^-1(mu) + eps), 1 - F(F^-1(1 - mu) - eps))."
    ),
    formula=(
        r"P[d(X, E) \leq \varepsilon] \geq "
        r"\min\left(F(F^{-1}(\mu) + \varepsilon),\; 1 - F(F^{-1}(1 - \mu) - \varepsilon)\right)"
    ),
    label="theorem: typical sample",
    space="the line with a log-concave distribution",
    assumptions=(ON_LINE,),
    direction="lower limit of the share of samples within eps of the set",
    source=BOBKOV_1996,
    bound=enlargement_on_line,
    extremal=None,
    tightness="Equality for the half-line, to the left or to the right, that grows the less.",
    proof=(
        "The density at the quantile p is a concave function of p exactly if the density is log-concave. Therefore the "
        "boundary of a union of intervals is never less than that of one of the two half-lines of the same measure."
    ),
    mistake="For heavier tails it fails: two far half-lines of a Cauchy distribution grow more slowly than one.",
)
