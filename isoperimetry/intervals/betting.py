"""Limits of a mean by betting against it: for values in [0, 1] or weights without a cap, valid whenever one stops."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.intervals.binomial import SIDES
from isoperimetry.results import Guarantee, Interval, Side

# A bettor who stakes a fraction of the capital before each draw on the mean being larger than m can expect no gain if
# it is at most m. So the capital rarely becomes large (Ville), and all m against which it did are refuted. The capital
# is shared at the start among 32 bettors: a mixture keeps what its best member won up to its share, where one bet that
# is tuned to a number of draws is ruined, or asleep, at others. 16 stake fixed fractions, which are never far wrong; 16
# stake multiples of mean / standard deviation so far, right for rare, tiny and hardly varying values. No stake depends
# on m, so that the capital falls with m and is convex in log(m): a limit is one root.

METHOD = "betting"

TOLERANCE = 1e-9
"""Relative excess of the logarithm of the capital over what refutes, at a limit."""

LEAST = -690.0
"""Logarithm of the least ratio of a limit to the largest value: what is below is 0."""


def betting_interval(
    x: ArrayLike, *, confidence: float = 0.95, side: Side = "two-sided", expected_draws: SupportsIndex | None = None
) -> Interval:
    r"""Interval of the mean of values in [0, 1], valid at every number of draws simultaneously.

    .. math:: K_t(m) = \sum_j w_j \prod_{i \le t} \left(1 + \lambda_{ji} \left(\frac{x_i}{m} - 1\right)\right)

    is a non-negative supermartingale at all m that are not below the mean. The lower limit is the least m against which
    the capital never reached 2 / (1 - confidence); the upper limit is that of 1 - x. Each holds alone with half of the
    error probability. No two of the draws need be independent: the mean of each, given those before, must be the same.

    Parameters
    ----------
    x : array, shape (n,)
        The values in [0, 1], in the order in which they were drawn.
    confidence : float
        Probability, whatever the distribution is, that the intervals of all beginnings of ``x`` contain the mean; in
        (0, 1).
    side : {"two-sided", "lower", "upper"}
        The limit that carries the confidence.
    expected_draws : int, optional
        Number of draws, >= 1, at which the interval is to be narrowest, chosen before the first one. It is then about a
        seventh narrower there, unless only a few values matter. The interval is valid at all numbers anyway.

    Returns
    -------
    Interval
        ``low`` is 0 if all values are 0, ``high`` is 1 if all are 1, both are trivial without draws.

    Raises
    ------
    TypeError
        If ``x`` holds no real numbers, or ``expected_draws`` is no integer.
    ValueError
        If ``x`` has not one axis, or a value is NaN or outside [0, 1], or ``confidence`` is outside (0, 1).

    Notes
    -----
    Sources: Waudby-Smith, Ramdas (2024), Estimating means of bounded random variables by betting, J. R. Stat. Soc. B
    86; Cover (1991), Universal portfolios, Math. Finance 1; Ville (1939), Étude critique de la notion de collectif.
    For counts of errors use `beta_binomial`, or `clopper_pearson` if the number of draws is fixed.

    Examples
    --------
    >>> interval = betting_interval([0.2, 0.4] * 500)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.29, 0.3095)
    """
    values = _sample(
        "x", x, lambda v: (v >= 0) & (v <= 1), "in [0, 1]", "divide by the largest value that is possible."
    )
    confidence, draws = _validate.as_confidence(confidence), _validate.as_expected("expected_draws", expected_draws)
    _validate.as_choice("side", side, SIDES)
    level = (1.0 - confidence) / (2 if side == "two-sided" else 1)
    low = 0.0 if side == "upper" else math.exp(log_lower_limit(_logs(values), level=level, expected_draws=draws))
    high = 1.0 if side == "lower" else _upper_limit(values, level, draws)
    # Limits that cross refute the assumptions, or are among the few that may fail.
    return _interval(min(low, high), max(low, high), confidence, side)


def betting_lower_bound(
    x: ArrayLike, *, confidence: float = 0.95, expected_draws: SupportsIndex | None = None
) -> Interval:
    """Lower limit of a rate from unbiased values >= 0 without a cap, valid at every number of draws simultaneously.

    For importance weights of any size: that of `betting_interval`, which needs no upper end of the values.

    Parameters
    ----------
    x : array, shape (n,)
        Values >= 0 whose mean is the rate, in the order in which they were drawn.
    confidence : float
        Probability, whatever the distribution is, that the limits of all beginnings of ``x`` are <= the mean.
    expected_draws : int, optional
        As for `betting_interval`.

    Returns
    -------
    Interval
        With ``side`` "lower": ``low`` is 0 if no value is positive and at most 1, as a rate is; ``high`` is 1. It is 0
        also where the limit is below the floats: see `log_betting_lower_bound`.

    Raises
    ------
    TypeError
        If ``x`` holds no real numbers, or ``expected_draws`` is no integer.
    ValueError
        If ``x`` has not one axis, or a value is negative, NaN or infinite, or ``confidence`` is outside (0, 1).

    Notes
    -----
    Sources: those of `betting_interval`. There is no such upper limit: a rare draw may hold any part of the mean.

    Examples
    --------
    >>> print(betting_lower_bound([1e-300, 3e-300] * 500))
    [1.909e-300, 1] (lower, 0.95, betting)
    """
    values = _sample(
        "x", x, lambda v: (v >= 0) & (v < math.inf), "finite and >= 0", "they are unbiased estimates of a rate."
    )
    confidence, draws = _validate.as_confidence(confidence), _validate.as_expected("expected_draws", expected_draws)
    log_low = log_lower_limit(_logs(values), level=1.0 - confidence, expected_draws=draws)
    return _interval(math.exp(min(log_low, 0.0)), 1.0, confidence, "lower")


def log_betting_lower_bound(
    log_x: ArrayLike, *, confidence: float = 0.95, expected_draws: SupportsIndex | None = None
) -> float:
    """Logarithm of the limit of `betting_lower_bound`, from the logarithms of the values.

    Parameters
    ----------
    log_x : array, shape (n,)
        Natural logarithms of the values, -inf for the value 0; tested from -1e6 on.
    confidence : float
        As for `betting_lower_bound`.
    expected_draws : int, optional
        As for `betting_interval`.

    Returns
    -------
    float
        The logarithm of a lower limit of the mean; -inf if no value is positive. Not cut off at 0.

    Raises
    ------
    TypeError
        If ``log_x`` holds no real numbers, or ``expected_draws`` is no integer.
    ValueError
        If ``log_x`` has not one axis, or holds NaN or inf, or ``confidence`` is outside (0, 1).

    Examples
    --------
    >>> round(log_betting_lower_bound([-1000.0, -1001.0] * 500), 3)
    -1000.426
    """
    logs = _sample("log_x", log_x, lambda v: v < math.inf, "< inf and no NaN", "they are logarithms of estimates.")
    level = 1.0 - _validate.as_confidence(confidence)
    return log_lower_limit(logs, level=level, expected_draws=_validate.as_expected("expected_draws", expected_draws))


# The functions below check nothing. The mean is ever beyond a limit at ``level`` with at most that probability; a limit
# only tightens as values are added, so that it may be asked for at each look at the draws so far.


def log_mean_interval(
    log_x: Array, log_cap: float, *, level: float, expected_draws: int | None = None
) -> tuple[float, float]:
    """Return the logs of two-sided limits of the mean of values in [0, exp(log_cap)], which err at ``level`` in all."""
    low = log_lower_limit(log_x, level=level / 2, expected_draws=expected_draws)
    high = log_upper_limit(log_x, log_cap, level=level / 2, expected_draws=expected_draws)
    return min(low, high), max(low, high)


def log_lower_limit(log_x: Array, *, level: float, expected_draws: int | None = None) -> float:
    """Return the log of a lower limit of the mean of values >= 0, given their logs; -inf if none is positive."""
    from isoperimetry.kernels.wealth import fill_signals

    top = float(log_x.max(initial=-math.inf))
    if top == -math.inf:
        return -math.inf
    log_x = np.array(log_x)
    values, signals = np.exp(log_x - top), np.empty_like(log_x)
    fill_signals(log_x, signals)
    log_capital = _log_capital(level, expected_draws)

    def excess(u: float) -> float:
        m = math.exp(u)
        return log_capital(values, m, m, signals)

    center = min(math.log(values.mean()), 0.0)
    return top + _safe_root(excess, center, _relative_width(signals, level), 0.0)


def log_upper_limit(log_x: Array, log_cap: float, *, level: float, expected_draws: int | None = None) -> float:
    """Return the log of an upper limit of the mean of values in [0, exp(log_cap)], given their logs."""
    values = np.exp(np.minimum(log_x - log_cap, 0.0))
    return min(log_cap, log_cap + math.log(_upper_limit(values, level, expected_draws)))


def _upper_limit(values: Array, level: float, expected_draws: int | None) -> float:
    # As the lower limit 1 - m of 1 - x, with v = log(1 - m). Near 0 the returns are taken from x and m themselves.
    from isoperimetry.kernels.wealth import fill_signals

    if values.min(initial=1.0) == 1.0:
        return 1.0
    negative, complement, signals = -values, 1.0 - values, np.empty(values.shape)
    fill_signals(np.log1p(negative, where=values < 1, out=np.full(values.shape, -math.inf)), signals)
    log_capital = _log_capital(level, expected_draws)

    def excess(v: float) -> float:
        if v < -0.7:
            return log_capital(complement, math.exp(v), math.exp(v), signals)
        m = -math.expm1(v)
        return log_capital(negative, -m, 1.0 - m, signals)

    right = math.log1p(-float(values.min()))
    center = min(math.log1p(-min(float(values.mean()), 1 - 2.0**-53)), right)
    return -math.expm1(_safe_root(excess, center, _relative_width(signals, level), right))


def _log_capital(level: float, expected_draws: int | None) -> Callable[[Array, float, float, Array], float]:
    """Return the function of (values, point, unit, signals) that is >= 0 where m is refuted at ``level``."""
    from isoperimetry.kernels.wealth import log_peak_capital

    fractions, multiples, most, weights = _bettors(expected_draws)
    target = max(-math.log(level), 2.0**-53)
    multiples = multiples * math.sqrt(2 * target)

    def function(values: Array, point: float, unit: float, signals: Array) -> float:
        return log_peak_capital(values, point, unit, signals, fractions, multiples, most, weights) / target - 1.0

    return function


@functools.lru_cache(maxsize=16)
def _bettors(expected_draws: int | None) -> tuple[Array, Array, float, Array]:
    """Return the fixed fractions, the multiples for log(1 / level) = 1/2, the largest of their stakes, and the shares.

    With returns of mean g and variance v, a stake b wins n (b g - b**2 v / 2), most at b = g / v; where that is just
    enough, log(1 / level), b = sqrt(2 log(1 / level) / (n v)). The shares fall off with the octaves away from it,
    slowly where n is not known: half a share costs only log(2) of a logarithm of about 6.
    """
    octaves = np.arange(16.0)
    fixed = 1.0 / (1.0 + ((octaves - 4.0) / 3.0) ** 2)
    if expected_draws is None:
        center, spread, share, most = 2000, 1.5, 0.8, 0.75
    else:
        center, spread, share, most = expected_draws, 0.25, 0.9, 0.6
    adaptive = 1.0 / (1.0 + ((octaves - 8.0) / spread) ** 2)
    weights = np.stack([(1.0 - share) * fixed / fixed.sum(), share * adaptive / adaptive.sum()])
    return 2.0**-octaves, 2.0 ** (octaves - 8.0) / math.sqrt(center), most, weights


def _relative_width(signals: Array, level: float) -> float:
    """Return about how far the logarithm of the limit is from that of the mean, for the first step."""
    cost = -2 * (math.log(level) - 2) / len(signals)
    return cost + math.sqrt(cost) / float(signals[-1])


def _safe_root(excess: Callable[[float], float], center: float, width: float, right: float) -> float:
    """Return the root of a decreasing convex function, or a little less; -inf if it is below `LEAST`.

    The line through two points left of the root meets zero left of it too, so that the steps come from the side on
    which a limit is safe, and soon double their digits. ``excess`` must be >= -1, with -1 at ``right``; the first steps
    take it for a parabola with its bottom at ``center``, as it is for many draws.
    """
    left, right_value = center - width, -1.0
    value = excess(left)
    while value < 0:
        if left <= LEAST:
            return -math.inf
        right, right_value = left, value
        width *= 1.05 * min(1.0 / math.sqrt(max(1.0 + value, 0.01)), 2.0)
        left = max(center - width, LEAST)
        value = excess(left)
    step = 0.9 * width * (1.0 - 1.0 / math.sqrt(1.0 + value))
    for _ in range(100):
        if value <= TOLERANCE:
            break
        point = left + step
        if not left < point < right:
            # The chord meets zero right of the root.
            point = left + 0.5 * value * (right - left) / (value - right_value)
            if not left < point < right:
                break
        point_value = excess(point)
        if point_value >= 0:
            step = point_value * (point - left) / (value - point_value) if value > point_value else math.inf
            left, value = point, point_value
        else:
            right, right_value, step = point, point_value, math.inf
    return left


def _sample(name: str, x: ArrayLike, good: Callable[[Array], NDArray[np.bool_]], rule: str, advice: str) -> Array:
    array = _validate.as_float(name, x)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape} but must have one axis: pass one number for each draw.")
    _validate.refuse(name, array, ~good(array), rule, advice)
    return array


def _logs(values: Array) -> Array:
    return np.log(values, where=values > 0, out=np.full(values.shape, -math.inf))


def _interval(low: float, high: float, confidence: float, side: Side) -> Interval:
    return Interval(
        low=low, high=high, confidence=confidence, side=side, method=METHOD, guarantee=Guarantee.FINITE_SAMPLE
    )
