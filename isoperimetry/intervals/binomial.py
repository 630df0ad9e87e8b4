"""Exact intervals of an error rate from a number of draws that was fixed in advance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import SupportsIndex

from isoperimetry import _validate
from isoperimetry.intervals._stable import log_probability
from isoperimetry.results import Guarantee, Interval, Side

METHOD = "Clopper-Pearson"
SIDES: tuple[Side, ...] = ("two-sided", "lower", "upper")

# (errors, trials, level) -> limit of the rate
Limit = Callable[[float, float, float], float]


def clopper_pearson(
    errors: SupportsIndex, trials: SupportsIndex, *, confidence: float = 0.95, side: Side = "two-sided"
) -> Interval:
    r"""Interval of an error rate from ``errors`` among ``trials`` independent draws.

    The number of draws must be fixed before the first one. If the counts decide when to stop, use `beta_binomial`.

    .. math:: P_{\mu_L}[K \ge k] = \alpha, \qquad P_{\mu_U}[K \le k] = \alpha

    with :math:`\alpha` = 1 - confidence for one side and half of that for each of two sides.

    Parameters
    ----------
    errors : int
        Draws that were errors, 0 <= errors <= trials.
    trials : int
        Draws, >= 0; tested up to 1e12.
    confidence : float
        Probability, whatever the rate is, that the interval contains it; in (0, 1).
    side : {"two-sided", "lower", "upper"}
        The limit that carries the confidence. Upper bounds of distances need "lower".

    Returns
    -------
    Interval
        ``low`` is 0 without errors, ``high`` is 1 if all draws are errors, both are trivial without draws.

    Raises
    ------
    TypeError
        If a count is no integer.
    ValueError
        If ``errors`` is negative or above ``trials``, or ``confidence`` is outside (0, 1).

    Notes
    -----
    Source: Clopper, Pearson (1934), The use of confidence or fiducial limits illustrated in the case of the binomial,
    Biometrika 26. Exact for every number of draws, and conservative because counts are discrete.

    Examples
    --------
    >>> interval = clopper_pearson(10, 1000)
    >>> round(interval.low, 6), round(interval.high, 6)
    (0.004806, 0.018313)
    >>> print(clopper_pearson(0, 1000, side="upper"))
    [0, 0.002992] (upper, 0.95, Clopper-Pearson)
    """
    n_errors, n_trials = _validate.as_errors_of_trials(errors, trials)
    return make_interval(n_errors, n_trials, confidence, side, lower_limit, upper_limit, METHOD)


def make_interval(
    errors: int, trials: int, confidence: float, side: Side, lower: Limit, upper: Limit, method: str
) -> Interval:
    """Return the interval with these one-sided limits; two sides share the level equally."""
    confidence = _validate.as_confidence(confidence)
    _validate.as_choice("side", side, SIDES)
    level = (1.0 - confidence) / (2 if side == "two-sided" else 1)
    return Interval(
        low=0.0 if side == "upper" else lower(errors, trials, level),
        high=1.0 if side == "lower" else upper(errors, trials, level),
        confidence=confidence,
        side=side,
        method=method,
        guarantee=Guarantee.FINITE_SAMPLE,
    )


# The functions below check nothing and take real counts, which plans need ("today's proportions in more draws").


def probability_at_most(count: float, trials: float, rate: float) -> float:
    """Return P[K <= count] for a binomial K."""
    from scipy import special as sc

    if count >= trials:
        return 1.0
    return float(sc.betainc(trials - count, count + 1, 1.0 - rate)) if count >= 0 else 0.0


def probability_at_least(count: float, trials: float, rate: float) -> float:
    """Return P[K >= count] for a binomial K."""
    from scipy import special as sc

    if count <= 0:
        return 1.0
    return float(sc.betainc(count, trials - count + 1, rate)) if count <= trials else 0.0


def lower_limit(errors: float, trials: float, level: float) -> float:
    """Return the rate at which P[K >= errors] = level."""
    from scipy import special as sc

    if errors <= 0:
        return 0.0
    if errors >= trials:
        return math.exp(math.log(level) / trials)
    a, b = errors, trials - errors + 1
    start = float(sc.betaincinv(a, b, level))
    if not 0 < start < 1:
        # Boost's inverse gives NaN at tiny levels. P[K >= k] <= C(n, k) rate**k, so this lies left of the root, from
        # where Newton's method in logarithms, on a concave function, cannot overshoot.
        start = math.exp((math.log(level) + math.log(a) + float(sc.betaln(a, b))) / a)
    return _polish(sc.betainc, a, b, level, start, 1)


def upper_limit(errors: float, trials: float, level: float) -> float:
    """Return the rate at which P[K <= errors] = level."""
    from scipy import special as sc

    if errors >= trials:
        return 1.0
    if errors <= 0:
        return -math.expm1(math.log(level) / trials)
    if 2 * errors > trials:
        return 1.0 - lower_limit(trials - errors, trials, level)
    a, b = errors + 1, trials - errors
    return _polish(sc.betaincc, a, b, level, float(sc.betainccinv(a, b, level)), -1)


def _polish(tail: Callable[..., float], a: float, b: float, level: float, rate: float, sign: int) -> float:
    # Boost's inverse is off by up to 1e-7 of the rate at a few errors in 1e9 draws (measured with scipy 1.17); its
    # forward function is good to 1e-10 there. A few Newton steps on log tail against log rate carry that over.
    last = math.inf
    for _ in range(100):
        value = float(tail(a, b, rate))
        if not 0 < value < 1:
            break
        # the derivative of the tail in log rate is a P[K = a] for a + b - 1 draws
        step = sign * math.log(value / level) * value / (a * math.exp(log_probability(a, a + b - 1, rate)))
        if not abs(step) < last:
            break
        last = abs(step)
        rate = min(rate * math.exp(-step), 1.0 - 2.0**-53)
    return rate
