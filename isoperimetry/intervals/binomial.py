"""Exact intervals of an error rate from a number of draws that was fixed in advance."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from isoperimetry import _validate
from isoperimetry.results import Guarantee, Interval, Intervals, Side

METHOD = "Clopper-Pearson"
SIDES: tuple[Side, ...] = ("two-sided", "lower", "upper")

Count = int | np.integer[Any]
Counts = NDArray[Any] | Sequence[Any]

# (errors, trials, level) -> limit of the rate
Limit = Callable[[float, float, float], float]


class Limits(NamedTuple):
    """Compiled loop and scalar function of a limit, and what both take between the counts and ``upper``."""

    fill: Callable[..., None]
    one: Callable[..., tuple[float, float]]
    options: tuple[Any, ...]


@overload
def clopper_pearson(
    errors: Count,
    trials: Count,
    *,
    confidence: float = 0.95,
    side: Side = "two-sided",
) -> Interval: ...
@overload
def clopper_pearson(
    errors: Counts,
    trials: Count | Counts,
    *,
    confidence: float = 0.95,
    side: Side = "two-sided",
) -> Intervals: ...
@overload
def clopper_pearson(
    errors: Count,
    trials: Counts,
    *,
    confidence: float = 0.95,
    side: Side = "two-sided",
) -> Intervals: ...
def clopper_pearson(
    errors: Any, trials: Any, *, confidence: float = 0.95, side: Side = "two-sided"
) -> Interval | Intervals:
    r"""Interval of an error rate from ``errors`` among ``trials`` independent draws.

    The number of draws must be fixed before the first one. If the counts decide when to stop, use `beta_binomial`.

    .. math:: P_{\mu_L}[K \ge k] = \alpha, \qquad P_{\mu_U}[K \le k] = \alpha

    with :math:`\alpha` = 1 - confidence for one side and half of that for each of two sides.

    Parameters
    ----------
    errors : int or array of int, shape S1
        Draws that were errors, 0 <= errors <= trials.
    trials : int or array of int, shape S2, broadcast with S1
        Draws, >= 0; tested up to 1e12.
    confidence : float
        Probability, whatever the rate is, that the interval contains it; in (0, 1). Of each interval for itself.
    side : {"two-sided", "lower", "upper"}
        The limit that carries the confidence. Upper bounds of distances need "lower".

    Returns
    -------
    Interval or Intervals
        For two integers an `Interval`, otherwise `Intervals` of shape broadcast(S1, S2). ``low`` is 0 without errors,
        ``high`` is 1 if all draws are errors, both are trivial without draws.

    Raises
    ------
    TypeError
        If a count is no integer.
    ValueError
        If any ``errors`` is negative or above ``trials``, ``confidence`` is outside (0, 1), or the shapes do not
        broadcast.

    Notes
    -----
    Source: Clopper, Pearson (1934), The use of confidence or fiducial limits illustrated in the case of the binomial,
    Biometrika 26. Exact for every number of draws, and conservative because counts are discrete.

    Accuracy: a relative error of 1e-12 or less, of the limits, their complements and their logarithms, for up to 1e12
    draws.

    Examples
    --------
    >>> interval = clopper_pearson(10, 1000)
    >>> round(interval.low, 6), round(interval.high, 6)
    (0.004806, 0.018313)
    >>> print(clopper_pearson(0, 1000, side="upper"))
    [0, 0.002992] (upper, 0.95, Clopper-Pearson)
    >>> clopper_pearson([0, 10], 1000, side="lower").distance_upper_bound(sigma=0.5).round(4).tolist()
    [inf, 1.2734]
    """
    confidence = _validate.as_confidence(confidence)
    _validate.as_choice("side", side, SIDES)
    n_errors, n_trials = read_counts(errors, trials)
    from isoperimetry.kernels.counts import fill_limits, limit

    level = (1.0 - confidence) / (2 if side == "two-sided" else 1)
    limits = Limits(fill_limits, limit, _levels(level))
    return intervals_from(n_errors, n_trials, limits, confidence=confidence, side=side, method=METHOD)


@functools.lru_cache(maxsize=256)
def _levels(level: float) -> tuple[float, float, float]:
    from isoperimetry.kernels.normal import ndtri

    return math.log(level), math.log1p(-level), ndtri(level)


def read_counts(errors: Any, trials: Any) -> tuple[Any, Any]:
    """Return (errors, trials), two integers or two int64 arrays of one shape, with 0 <= errors <= trials."""
    if np.ndim(errors) == 0 and np.ndim(trials) == 0:
        return _validate.as_errors_of_trials(*(x.item() if isinstance(x, np.ndarray) else x for x in (errors, trials)))
    n_errors, n_trials = (_as_counts(name, value) for name, value in (("errors", errors), ("trials", trials)))
    shape = _validate.broadcast_shape(errors=n_errors, trials=n_trials)  # type: ignore[arg-type]
    n_errors, n_trials = np.broadcast_to(n_errors, shape), np.broadcast_to(n_trials, shape)
    _validate.refuse(
        "errors", n_errors, n_errors > n_trials, "<= trials", "pass errors first, then trials."  # type: ignore[arg-type]
    )  # fmt: skip
    return n_errors, n_trials


def _as_counts(name: str, value: Any) -> NDArray[np.int64]:
    if hasattr(value, "mask") and hasattr(value, "filled"):
        raise TypeError(f"{name} is a masked array: its mask would be lost. Pass the counts that are to be used.")
    array = np.asarray(value)
    if array.size == 0 and array.dtype.kind in "fO":  # an empty list is one of no numbers
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has entries of type {array.dtype} but must hold integers: they are counts.")
    if array.dtype.kind == "u":
        _validate.refuse(name, array, array > np.iinfo(np.int64).max, "< 2**63", "it is a count.")
    array = array.astype(np.int64, copy=False)
    _validate.refuse(name, array, array < 0, ">= 0", "it is a count.")
    return array


def intervals_from(
    errors: Any, trials: Any, limits: Limits, *, confidence: float, side: Side, method: str
) -> Interval | Intervals:
    """Return what these limits make of the counts of `read_counts`."""
    fill, one, options = limits
    if isinstance(errors, int):
        k, n = float(errors), float(trials - errors)
        low, log_low = (0.0, -math.inf) if side == "upper" else one(k, n, *options, False)
        high, log_high = (1.0, 0.0) if side == "lower" else one(k, n, *options, True)
        return Interval(
            low=low, high=high, log_low=log_low, log_high=log_high, confidence=confidence, side=side, method=method,
            guarantee=Guarantee.FINITE_SAMPLE,
        )  # fmt: skip
    counts = np.array(errors, dtype=np.float64).reshape(-1)
    others = np.array(trials - errors, dtype=np.float64).reshape(-1)
    ends = np.empty((4, counts.size))
    ends[0], ends[1], ends[2], ends[3] = 0.0, 1.0, -math.inf, 0.0
    if side != "upper":
        fill(counts, others, *options, False, ends[0], ends[2])
    if side != "lower":
        fill(counts, others, *options, True, ends[1], ends[3])
    lows, highs, log_lows, log_highs = ends.reshape(4, *errors.shape)
    return Intervals(
        low=lows, high=highs, log_low=log_lows, log_high=log_highs, confidence=confidence, side=side, method=method,
        guarantee=Guarantee.FINITE_SAMPLE,
    )  # fmt: skip


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
    return _one_limit(errors, trials - errors, level)[0]


def upper_limit(errors: float, trials: float, level: float) -> float:
    """Return the rate at which P[K <= errors] = level."""
    return _one_limit(trials - errors, errors, level)[1]


def _one_limit(errors: float, others: float, level: float) -> tuple[float, float, float]:
    from isoperimetry.kernels.counts import lower_limit as limit

    return limit(float(errors), float(others), *_levels(level))
