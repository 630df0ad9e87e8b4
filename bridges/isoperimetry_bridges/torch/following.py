"""The draws that matter followed to the scales that matter, and what was taken for granted on the way looked at."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

import numpy as np

from isoperimetry_bridges.torch.rays import Answer, Question, Rays, Rows
from isoperimetry_bridges.torch.regions import Look

LEAST_RING = 64  # draws next to the errors, by margin, that are checked at the least
FINE = 8  # steps of the grid, where draws enter again and their count is asked for scale by scale
TIGHT = 96  # steps above the interval: a second scale at which all draws are judged, where draws enter again

Result = TypeVar("Result")
Step: TypeAlias = Generator[list[Question], list[Answer], Result]


@dataclasses.dataclass(frozen=True, slots=True)
class Passages:
    """Indices of the grid: surely below the wanted rate, next to it, surely above; None: there is none."""

    low: int | None
    nearest: int
    high: int | None


class Follower:
    """Follows the rays of one image from a scale ``upper``, at which all were judged.

    Parameters
    ----------
    rays : Rays
    error_rate : float
    """

    def __init__(self, rays: Rays, error_rate: float) -> None:
        self.rays, self.error_rate = rays, error_rate

    def wanted(self, n: int) -> int:
        """Return the wanted number of errors of n draws."""
        return max(1, round(self.error_rate * n))

    def width(self, found: Passages) -> float:
        """Return half the width of an interval over sigma; inf where it has an end missing."""
        if found.low is None or found.high is None:
            return math.inf
        sigmas = self.rays.sigmas
        return (sigmas[found.high] - sigmas[found.low]) / (2 * sigmas[found.nearest])

    def reentered(self, upper: int, n: int) -> int:
        """Return how many of n draws are right at ``upper`` and were found wrong at a smaller scale."""
        return len(np.setdiff1d(self.rays.wrong_by(upper, n), self.rays.wrong(upper, n)))

    def passages(self, upper: int, look: Look, hint: Passages) -> Step[Passages]:
        """Return the passages if each ray, once in the errors, stays there; this asks few questions."""
        n, rays = look.trials, self.rays
        high: int | None = None
        if rays.errors(upper, n) > look.most:
            high = yield from rays.passage(look.most + 1, upper if hint.high is None else hint.high, upper, n)
        last = upper if high is None else high
        nearest = yield from rays.passage(self.wanted(n), hint.nearest, last, n)
        low: int | None = None
        if look.least > 0:
            passed = yield from rays.passage(look.least, nearest if hint.low is None else hint.low, nearest, n)
            low = passed - 1 if passed > 0 else None
        return Passages(low, nearest, high)

    def confirm(self, upper: int, look: Look, found: Passages) -> Step[tuple[Passages, int, int]]:
        """Judge at the scales that matter all draws that may be errors there; move the scales where some are.

        Draws that are right at ``upper`` are judged in order of their margin, those nearest to an error first, until of
        a whole ring of them none is an error at ``low`` or ``nearest``; in the end these are all draws. But before a
        second ring all draws are judged just above the interval, where fewer are right that enter it again.

        Returns
        -------
        passages, upper, number of draws right at ``upper`` that were judged
        """
        n, rays = look.trials, self.rays
        order, errors = rays.right_by_margin(upper, n), rays.wrong(upper, n)
        inner, outer = 0, min(max(LEAST_RING, len(errors) // 2), len(order))
        while True:
            followed = np.sort(np.concatenate([errors, order[:outer]]))
            closer = upper if found.high is None else found.high + TIGHT
            if closer + TIGHT < upper and not (yield from self._clean(found, followed, order[inner:outer], n)):
                yield from rays.ask([(closer, np.arange(n))])
                if rays.errors(closer, n) > look.most:
                    upper = closer
                    order, errors = rays.right_by_margin(upper, n), rays.wrong(upper, n)
                    inner, outer = 0, min(max(LEAST_RING, len(errors) // 2), len(order))
                    continue
            found = yield from self._settle(upper, look, found, followed)
            if outer == len(order) or (yield from self._clean(found, followed, order[inner:outer], n)):
                return found, upper, outer
            inner, outer = outer, min(3 * outer, len(order))

    def _clean(self, found: Passages, followed: Rows, ring: Rows, n: int) -> Step[bool]:
        """Whether no draw of the ring is an error at the scales that matter."""
        scales = [index for index in (found.low, found.nearest) if index is not None]
        yield from self.rays.ask([(index, followed) for index in scales])
        return not any(np.isin(ring, self.rays.wrong(index, n)).any() for index in scales)

    def _settle(self, upper: int, look: Look, found: Passages, followed: Rows) -> Step[Passages]:
        """Return the passages by the errors among ``followed``, judged at each scale: nothing is taken for granted."""
        n, rays, wanted = look.trials, self.rays, self.wanted(look.trials)

        def count(index: int) -> Step[int]:
            yield from rays.ask([(index, followed)])
            return rays.errors(index, n)

        for index in (found.low, found.nearest):
            if index is not None:
                yield from count(index)
        if found.high is not None:  # enough errors are enough: the other draws need not be asked there
            yield from rays.ask([(found.high, rays.wrong_by(found.high, n))])
            kept = rays.errors(found.high, n) > look.most
        else:
            kept = True
        if kept and not self.reentered(upper, n):
            return found
        low, high = found.low, found.high
        if high is not None:
            high = (yield from self._crossing(count, look.most + 1, high, upper))[1]
        last = upper if high is None else high
        below, above = yield from self._crossing(count, wanted, found.nearest, last)
        nearest = above
        if below >= 0 and wanted - (yield from count(below)) < (yield from count(above)) - wanted:
            nearest = below
        if look.least > 0:
            below, _ = yield from self._crossing(count, look.least, nearest if low is None else low, above)
            low = below if below >= 0 else None
        return Passages(low, nearest, high)

    def _crossing(self, count: Callable[[int], Step[int]], wanted: int, start: int, last: int) -> Step[tuple[int, int]]:
        """Return indices, `FINE` apart or nearer, with fewer errors than ``wanted`` at the first and not at the second.

        The second is ``last`` at the most, whatever the count there, and the first -1 if there are never fewer.
        """
        low, high, step = -1, last, FINE
        at = min(start, last - 1)
        while low < at < high:
            if (yield from count(at)) >= wanted:
                high, at = at, max(at - step, 0)
            else:
                low, at = at, at + step
            step *= 2
        while high - low > FINE:
            middle = (low + high) // 2
            if (yield from count(middle)) >= wanted:
                high = middle
            else:
                low = middle
        if low == -1 < high and (yield from count(0)) < wanted:
            low = 0
        return low, high
