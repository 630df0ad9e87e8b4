"""Exact intervals of an error rate from a number of draws that was fixed in advance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import SupportsIndex

from isoperimetry import _validate
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
    from isoperimetry.kernels.beta import log_betaincc

    if count >= trials:
        return 1.0
    return math.exp(log_betaincc(count + 1.0, float(trials - count), float(rate))) if count >= 0 else 0.0


def probability_at_least(count: float, trials: float, rate: float) -> float:
    """Return P[K >= count] for a binomial K."""
    from isoperimetry.kernels.beta import log_betainc

    if count <= 0:
        return 1.0
    return math.exp(log_betainc(float(count), trials - count + 1.0, float(rate))) if count <= trials else 0.0


def lower_limit(errors: float, trials: float, level: float) -> float:
    """Return the rate at which P[K >= errors] = level."""
    from isoperimetry.kernels.beta import betainc_quantile

    if errors <= 0:
        return 0.0
    if errors >= trials:
        return math.exp(math.log(level) / trials)
    rate, _ = betainc_quantile(float(errors), trials - errors + 1.0, math.log(level), math.log1p(-level))
    return rate


def upper_limit(errors: float, trials: float, level: float) -> float:
    """Return the rate at which P[K <= errors] = level."""
    from isoperimetry.kernels.beta import betainc_quantile

    if errors >= trials:
        return 1.0
    if errors <= 0:
        return -math.expm1(math.log(level) / trials)
    rate, _ = betainc_quantile(errors + 1.0, float(trials - errors), math.log1p(-level), math.log(level))
    return rate
