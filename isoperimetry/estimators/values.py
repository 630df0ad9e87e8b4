"""What independent, unbiased values of a measure say about it, from their logarithms: mean, scatter, lower limit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.estimators.base import Pair, Summary
from isoperimetry.results import Guarantee


def log_mean(log_x: Array) -> float:
    """Return the logarithm of the mean of values, from theirs."""
    return float(np.logaddexp.reduce(log_x) - math.log(len(log_x)))


def relative_deviation(log_x: Array) -> float:
    """Return the standard deviation of values over their mean; 0 if all are 0, inf for less than two."""
    if len(log_x) < 2:
        return math.inf
    top = float(log_x.max())
    if top == -math.inf:
        return 0.0
    x = np.exp(log_x - top)
    return float(x.std(ddof=1) / x.mean())


def student_quantile(confidence: float, dof: int) -> float:
    """Return t with P[abs(T) <= t] = confidence for Student's T."""
    log_x = float(special.log_betainc_inv(0.5 * dof, 0.5, math.log1p(-confidence)))
    return math.sqrt(dof * -math.expm1(log_x)) * math.exp(-0.5 * log_x)


def log_spread(log_x: Array, confidence: float) -> Pair:
    """Return the logarithms of the ASYMPTOTIC limits of the mean: Student's, on the logarithmic scale.

    Values of lines are skewed to the right like a log-normal, for which these limits cover better than those that are
    symmetric about the mean.
    """
    if len(log_x) < 2:
        return -math.inf, 0.0
    middle = log_mean(log_x)
    if middle == -math.inf:
        return -math.inf, -math.inf
    half = student_quantile(confidence, len(log_x) - 1) * relative_deviation(log_x) / math.sqrt(len(log_x))
    return middle - half, middle + half


def normal_log_spread(log_mean: float, rel_error: float, high: float, confidence: float) -> Pair:
    """Return ASYMPTOTIC limits in logs of a mean >= 0 with a relative standard error; ``high`` is the upper one of 0.

    They are symmetric in the logarithm, which suits a mean of few large values better than limits that may be negative.
    """
    if log_mean == -math.inf:
        return -math.inf, high
    width = -float(special.ndtri(0.5 * (1.0 - confidence))) * rel_error
    return log_mean - width, log_mean + width


def summarise(log_x: ArrayLike, confidence: float, *, bias: float = 0.0, given: str = "") -> Summary:
    """Return the summary of values: with a lower limit that is proved if they have no ``bias``.

    Else the relative bias that each may have widens the spread.
    """
    logs = np.asarray(log_x, dtype=np.float64)
    low, high = log_spread(logs, confidence)
    spread = low - bias, high + bias
    value = min(log_mean(logs), 0.0)
    if bias > 0:
        return Summary(
            log_value=value, log_interval=spread, log_spread=spread, guarantee=Guarantee.ASYMPTOTIC, given=given
        )  # fmt: skip
    from isoperimetry.intervals.betting import log_betting_lower_bound

    low = log_betting_lower_bound(logs, confidence=confidence)
    return Summary(
        log_value=value, log_interval=(min(low, value), 0.0), log_spread=spread, guarantee=Guarantee.LOWER_ONLY,
        given=given,
    )  # fmt: skip
