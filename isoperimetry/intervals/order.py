"""Bounds of a quantile from order statistics: no assumption on the distribution, ties and infinities allowed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry.intervals.binomial import SIDES, probability_at_least, probability_at_most
from isoperimetry.results import Guarantee, Interval, Side


def quantile_lower_bound(values: ArrayLike, *, q: float = 0.5, confidence: float) -> float:
    r"""Lower confidence bound of the q-quantile of a distribution, from independent draws.

    The largest order statistic :math:`A_{(j)}` with :math:`P[\mathrm{Bin}(M, q) \le j - 1] \le 1 -` confidence.

    Parameters
    ----------
    values : array, shape (M,)
        The draws, in any order and unit; infinities count, NaN is refused.
    q : float
        Level of the quantile, in (0, 1).
    confidence : float
        Probability, whatever the distribution is, that the bound is <= its q-quantile, in (0, 1).

    Returns
    -------
    float
        The bound; -inf if the draws are too few for any.

    Raises
    ------
    ValueError
        If ``values`` is empty, not one-dimensional or holds NaN, or ``q`` or ``confidence`` is outside (0, 1).

    Notes
    -----
    Source: David, Nagaraja (2003), Order Statistics, 3rd edition, section 7.1.

    Examples
    --------
    >>> quantile_lower_bound(range(20), confidence=0.95)
    5.0
    """
    array, q, level = _arguments(values, q, confidence)
    rank = lower_rank(array.size, q, level)
    return float(np.partition(array, rank - 1)[rank - 1]) if rank else -math.inf


def quantile_upper_bound(values: ArrayLike, *, q: float = 0.5, confidence: float) -> float:
    r"""Upper confidence bound of the q-quantile of a distribution, from independent draws.

    The smallest order statistic :math:`A_{(j)}` with :math:`P[\mathrm{Bin}(M, q) \ge j] \le 1 -` confidence.

    Parameters
    ----------
    values : array, shape (M,)
        The draws, in any order and unit; infinities count, NaN is refused.
    q : float
        Level of the quantile, in (0, 1).
    confidence : float
        Probability, whatever the distribution is, that the bound is >= its q-quantile, in (0, 1).

    Returns
    -------
    float
        The bound; inf if the draws are too few for any.

    Raises
    ------
    ValueError
        If ``values`` is empty, not one-dimensional or holds NaN, or ``q`` or ``confidence`` is outside (0, 1).

    Notes
    -----
    Source: David, Nagaraja (2003), Order Statistics, 3rd edition, section 7.1.

    Examples
    --------
    >>> quantile_upper_bound(range(20), confidence=0.95)
    14.0
    """
    array, q, level = _arguments(values, q, confidence)
    rank = upper_rank(array.size, q, level)
    return float(np.partition(array, rank - 1)[rank - 1]) if rank <= array.size else math.inf


def rate_quantile(rates: ArrayLike, *, q: float = 0.5, confidence: float = 0.95, side: Side = "two-sided") -> Interval:
    r"""Interval of the q-quantile of error rates over a population, from the exact rates of independent members.

    For instance the median error rate of all images, from those of a sample of images whose rates are known without
    error. The map to half-space distances decreases, so that `Interval.distance` is of their (1 - q)-quantile.

    Parameters
    ----------
    rates : array, shape (M,)
        The rates, in [0, 1], in any order; known, not estimated.
    q : float
        Level of the quantile, in (0, 1).
    confidence : float
        Probability, whatever the distribution is, that the interval contains its q-quantile, in (0, 1).
    side : {"two-sided", "lower", "upper"}
        The limit that carries the confidence; two limits share the error probability equally.

    Returns
    -------
    Interval
        ``low`` is 0 and ``high`` is 1 if the draws are too few for any.

    Raises
    ------
    ValueError
        If ``rates`` is empty, not one-dimensional, holds NaN or anything outside [0, 1], or ``q`` or ``confidence`` is
        outside (0, 1).

    Notes
    -----
    Source: that of `quantile_lower_bound`.

    Examples
    --------
    >>> interval = rate_quantile([0.001, 0.002, 0.003, 0.01, 0.02, 0.1] * 5, q=0.5)
    >>> interval.low, interval.high
    (0.002, 0.02)
    >>> low, high = interval.distance(sigma=0.25)
    >>> round(low, 4), round(high, 4)
    (0.5134, 0.7195)
    """
    array, q, level = _arguments(rates, q, confidence, "rates")
    _validate.as_rate("rates", array)
    _validate.as_choice("side", side, SIDES)
    level, size = level / (2 if side == "two-sided" else 1), array.size
    ordered = np.sort(array)
    low = 0 if side == "upper" else lower_rank(size, q, level)
    high = size + 1 if side == "lower" else upper_rank(size, q, level)
    return Interval(
        low=float(ordered[low - 1]) if low else 0.0, high=float(ordered[high - 1]) if high <= size else 1.0,
        confidence=float(confidence), side=side, method="order statistics", guarantee=Guarantee.FINITE_SAMPLE,
    )  # fmt: skip


def lower_rank(size: int, q: float, level: float) -> int:
    """Return the largest j in 1..size with P[Bin(size, q) <= j - 1] <= level, or 0."""
    low, high = 0, size + 1
    while high - low > 1:
        rank = (low + high) // 2
        if probability_at_most(rank - 1, size, q) <= level:
            low = rank
        else:
            high = rank
    return low


def upper_rank(size: int, q: float, level: float) -> int:
    """Return the smallest j in 1..size with P[Bin(size, q) >= j] <= level, or size + 1."""
    low, high = 0, size + 1
    while high - low > 1:
        rank = (low + high) // 2
        if probability_at_least(rank, size, q) <= level:
            high = rank
        else:
            low = rank
    return high


def as_level(q: float) -> float:
    """Return the level of a quantile, strictly between 0 and 1."""
    array = _validate.as_float("q", q)
    if array.ndim or not 0 < array < 1:
        raise ValueError(f"q={q!r} must be one number in (0, 1): it is the level of a quantile, 0.5 is the median.")
    return float(array)


def _arguments(
    values: ArrayLike, q: float, confidence: float, name: str = "values"
) -> tuple[_validate.Array, float, float]:
    array = as_sample(name, values, "pass the sample whose quantile is wanted.")
    _validate.refuse(name, array, np.isnan(array), "a number or an infinity", "leave out what was not measured.")
    return array, as_level(q), 1.0 - _validate.as_confidence(confidence)


def as_sample(name: str, values: ArrayLike, advice: str) -> _validate.Array:
    """Return a non-empty array of shape (M,)."""
    array = _validate.as_float(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape} but must have one axis: pass one number for each draw.")
    if array.size == 0:
        raise ValueError(f"{name} is empty: {advice}")
    return array
