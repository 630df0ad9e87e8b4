"""The assertion that an interval contains the rate as often as it promises, by enumeration: no simulation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from isoperimetry import _validate
from isoperimetry._validate import Array


def assert_covers(
    interval_function: Callable[[int, int], Any],
    *,
    confidence: float = 0.95,
    trials: Sequence[int] = (1, 2, 5, 20, 100),
    rates: Sequence[float] = (),
    tolerance: float = 1e-12,
) -> None:
    """Assert that an interval from counted errors contains the true rate with the promised probability.

    For each number of trials all counts are enumerated, with their binomial probabilities, at every rate where the
    coverage can be lowest: on either side of each limit that the function returns. So a failure is a proof, and for
    these numbers of trials a pass is one too.

    Parameters
    ----------
    interval_function : callable
        Takes (errors, trials) and returns an interval: a pair (low, high), or an object with ``low`` and ``high``.
    confidence : float
        The promised probability, in (0, 1).
    trials : sequence of int
        The numbers of trials, each >= 1. The work grows with the square of them.
    rates : sequence of float
        Further rates to look at, in [0, 1].
    tolerance : float
        Slack of the probability, for rounding.

    Raises
    ------
    AssertionError
        Naming the rate and the number of trials with the least coverage, or the count whose interval is none.

    Examples
    --------
    >>> from isoperimetry import clopper_pearson
    >>> assert_covers(clopper_pearson, confidence=0.95, trials=(1, 20))
    >>> def normal_approximation(errors, trials):
    ...     rate = errors / trials
    ...     margin = 1.96 * (rate * (1 - rate) / trials) ** 0.5
    ...     return rate - margin, rate + margin
    >>> assert_covers(normal_approximation, confidence=0.95, trials=(20,))
    Traceback (most recent call last):
        ...
    AssertionError: The interval of 20 trials covers the rate 5e-324 with probability 0.0000: 0.95 was promised.
    """
    level = _validate.as_confidence(confidence)
    further = _validate.as_rate("rates", rates)
    for number in trials:
        n = _validate.as_count("trials", number, low=1)
        limits = np.array([_limits(interval_function, errors, n) for errors in range(n + 1)])
        wrong = ~(limits[:, 0] <= limits[:, 1])  # NaN too
        if wrong.any():
            errors = int(np.argmax(wrong))
            low, high = limits[errors].tolist()
            raise AssertionError(
                f"The interval of {errors} errors in {n} trials is [{low!r}, {high!r}]: it must be one."
            )
        ends = np.concatenate([limits.ravel(), further, [0.0, 1.0]])
        candidates = np.unique(np.concatenate([ends, np.nextafter(ends, -1.0), np.nextafter(ends, 2.0)]))
        candidates = candidates[(candidates >= 0) & (candidates <= 1)]
        coverage = _coverage(limits, n, candidates)
        worst = int(np.argmin(coverage))
        if not coverage[worst] >= level - tolerance:
            raise AssertionError(
                f"The interval of {n} trials covers the rate {float(candidates[worst])!r} with probability "
                f"{coverage[worst]:.4f}: {level:g} was promised."
            )


def _limits(interval_function: Callable[[int, int], Any], errors: int, trials: int) -> tuple[float, float]:
    interval = interval_function(errors, trials)
    if hasattr(interval, "low") and hasattr(interval, "high"):
        return float(interval.low), float(interval.high)
    low, high = interval
    return float(low), float(high)


def _coverage(limits: Array, trials: int, rates: Array) -> Array:
    """Return the probability of the counts whose interval contains the rate, for each rate."""
    counts = np.arange(trials + 1)
    log_choose = np.array([_log_choose(trials, k) for k in range(trials + 1)])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = counts * np.log(rates)[:, None]
        log_q = (trials - counts) * np.log1p(-rates)[:, None]
    log_p[:, 0], log_q[:, -1] = 0.0, 0.0  # no errors, or nothing else, whatever the rate
    contains = (limits[:, 0] <= rates[:, None]) & (rates[:, None] <= limits[:, 1])
    return np.asarray(np.where(contains, np.exp(log_choose + log_p + log_q), 0.0).sum(axis=1))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
