"""Bounds of a quantile from order statistics: no assumption on the distribution, ties and infinities allowed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry.intervals.binomial import probability_at_least, probability_at_most


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


def _arguments(values: ArrayLike, q: float, confidence: float) -> tuple[_validate.Array, float, float]:
    array = as_sample("values", values, "pass the sample whose quantile is wanted.")
    _validate.refuse("values", array, np.isnan(array), "a number or an infinity", "leave out what was not measured.")
    return array, as_level(q), 1.0 - _validate.as_confidence(confidence)


def as_sample(name: str, values: ArrayLike, advice: str) -> _validate.Array:
    """Return a non-empty array of shape (M,)."""
    array = _validate.as_float(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape} but must have one axis: pass one number for each draw.")
    if array.size == 0:
        raise ValueError(f"{name} is empty: {advice}")
    return array
