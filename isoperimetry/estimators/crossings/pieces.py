"""Pieces of many lines: finite unions of intervals, with union, intersection and complement for all lines at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The parts of n lines that lie in a set: disjoint intervals in increasing order, with gaps between them.

    Ends belong to no side: a single point is no interval, as no measure sees it. Make one with `of`, which sorts and
    merges what it gets.

    Parameters
    ----------
    low, high : arrays, shape (n, m)
        The ends, in [-inf, inf]; m >= 1 is the largest number of intervals of a line, and both ends of an entry that a
        line does not use are inf.

    Examples
    --------
    >>> first = Pieces.of([[0.0, 5.0]], [[2.0, 6.0]])
    >>> both = first.intersection(Pieces.of([[1.0]], [[5.5]]))
    >>> both.low.tolist(), both.high.tolist()
    ([[1.0, 5.0]], [[2.0, 5.5]])
    >>> first.complement().low.tolist()
    [[-inf, 2.0, 6.0]]
    """

    low: Array
    high: Array

    @classmethod
    def of(cls, low: object, high: object) -> Pieces:
        """Return the union of the intervals [low, high] of each row, arrays of shape (n, m); low >= high is none.

        Raises
        ------
        ValueError
            If an end is NaN, which comparisons would take for no interval.
        """
        starts, stops = np.array(low, np.float64), np.array(high, np.float64)
        if np.isnan(starts).any() or np.isnan(stops).any():
            raise ValueError(
                "low and high must not be NaN: a line meets the set where no float reaches; change the unit of lengths."
            )
        empty = ~(starts < stops)
        starts[empty] = stops[empty] = np.inf
        if starts.shape[1] == 1:
            return cls(starts, stops)
        order = np.argsort(starts, axis=1, kind="stable")
        starts, stops = np.take_along_axis(starts, order, 1), np.take_along_axis(stops, order, 1)
        reached = np.maximum.accumulate(stops, axis=1)
        first, last = np.ones(starts.shape, np.bool_), np.ones(starts.shape, np.bool_)
        first[:, 1:] = last[:, :-1] = starts[:, 1:] > reached[:, :-1]  # else it continues the one before
        place = np.cumsum(first, axis=1) - 1
        merged = np.full(starts.shape, np.inf), np.full(starts.shape, np.inf)
        for result, ends, chosen in ((merged[0], starts, first), (merged[1], reached, last)):
            rows, columns = np.nonzero(chosen)
            result[rows, place[rows, columns]] = ends[rows, columns]
        used = max(1, int((merged[0] < np.inf).sum(axis=1).max(initial=0)))
        return cls(np.ascontiguousarray(merged[0][:, :used]), np.ascontiguousarray(merged[1][:, :used]))

    @classmethod
    def where(cls, whole: NDArray[np.bool_]) -> Pieces:
        """Return the whole line where ``whole``, shape (n,), is true, and nothing elsewhere."""
        return cls(np.where(whole, -np.inf, np.inf)[:, None], np.full((len(whole), 1), np.inf))

    def union(self, other: Pieces) -> Pieces:
        """Return what lies in one of both or in both."""
        return Pieces.of(np.hstack((self.low, other.low)), np.hstack((self.high, other.high)))

    def intersection(self, other: Pieces) -> Pieces:
        """Return what lies in both."""
        low = np.maximum(self.low[:, :, None], other.low[:, None, :])
        high = np.minimum(self.high[:, :, None], other.high[:, None, :])
        shape = len(low), low.shape[1] * low.shape[2]
        return Pieces.of(low.reshape(shape), high.reshape(shape))

    def complement(self) -> Pieces:
        """Return the gaps between the intervals, and what lies before the first and after the last."""
        edge = np.full((len(self.low), 1), np.inf)
        return Pieces.of(np.hstack((-edge, self.high)), np.hstack((self.low, edge)))
