"""The search for sigma(x0, mu) at one image: octaves, all draws once, and the few that matter followed down."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator, Sequence
from typing import TypeAlias, TypeVar

import numpy as np

from isoperimetry.intervals import beta_binomial
from isoperimetry_bridges.torch.arguments import ImageId
from isoperimetry_bridges.torch.rays import Answer, Question, Rays, Rows, Search
from isoperimetry_bridges.torch.regions import Look
from isoperimetry_bridges.torch.scales import SigmaSearch, SigmaStatus

# The scales that may be looked at: from 2**-12 to 4 times the width of the input box, 0.07 % apart, so that the ends of
# an interval of +-1 % lose nothing to the grid.
OCTAVES, STEPS_PER_OCTAVE = (-12, 2), 1024

# Draws at each octave: the first shows where a rate of some per cent begins, which is all that most images need; the
# others come only where an octave is neither surely below the wanted rate nor clearly above.
FIRST_DRAWS, GROWTH = 16, 4
PILOT = 256  # draws that find the scale at which all are judged
STEP_BACK = 16  # on the grid, where the draws that were taken for right or wrong are not
TOO_WIDE = 1.3  # than wanted: a look with this width in prospect is left out
LEAST_RING = 64  # draws next to the errors, by margin, that are checked at the least

Result = TypeVar("Result")
Step: TypeAlias = Generator[list[Question], list[Answer], Result]


def grid(width: float) -> list[float]:
    """Return all scales, for inputs in a box of this width."""
    low, high = (octave * STEPS_PER_OCTAVE for octave in OCTAVES)
    return [width * 2.0 ** (step / STEPS_PER_OCTAVE) for step in range(low, high + 1)]


@dataclasses.dataclass(slots=True)
class _Passages:
    """Indices of the grid: surely below the wanted rate, next to it, surely above; None: there is none."""

    low: int | None
    nearest: int
    high: int | None


class Bracketing:
    """The search at one image.

    Parameters
    ----------
    image : int or str
    sigmas : sequence of float
        From `grid`.
    looks : sequence of Look
    error_rate, confidence : float
    rel_error : float or None
        Stop at the first look with an interval of this half-width.
    """

    def __init__(
        self,
        image: ImageId,
        sigmas: Sequence[float],
        looks: Sequence[Look],
        *,
        error_rate: float,
        confidence: float,
        rel_error: float | None,
    ) -> None:
        self.image, self.sigmas, self.looks = image, sigmas, looks
        self.error_rate, self.confidence, self.rel_error = error_rate, confidence, rel_error
        self.rays = Rays(sigmas)
        self.last = len(sigmas) - 1
        self.octaves = range(0, self.last + 1, STEPS_PER_OCTAVE)
        self.drawn = dict.fromkeys(self.octaves, 0)  # draws judged at each octave in the coarse phase
        # With six standard deviations more errors than wanted, the upper end of the interval is below it for sure.
        n = looks[min(3, len(looks) - 1)].trials
        self.aim = min(error_rate + 6 * math.sqrt(error_rate * (1 - error_rate) / n), (1 + error_rate) / 2)

    def search(self) -> Search:
        """Ask, be answered, and return the record in the end."""
        upper = yield from self._find_upper()
        if upper is None:
            return (yield from self._never_reached())
        n, n_checked, measured = 0, 0, 0.0
        found = _Passages(upper - 400, upper - 300, upper - 150)
        for look in self.looks:
            n = look.trials
            upper = yield from self._judge_all(upper, look)
            if self.rays.errors(upper, n) < self._wanted(n):  # the rate does not rise to the wanted one after all
                if look is self.looks[-1] or upper == self.last:
                    return (yield from self._never_reached(n, upper))
                continue
            if self.rel_error is not None and look is not self.looks[-1]:
                # Widths go as those of the regions: where this look is too early, nothing is followed for it.
                spread = (look.most - look.least) / n
                if measured and self._width(found) * spread / measured > TOO_WIDE * self.rel_error:
                    continue
                measured = spread
            found = yield from self._passages(upper, look, found)
            bottom = found.high == 0  # surely above at the smallest scale: more draws would not bound sigma from below
            if self.rel_error is None or bottom or self._width(found) <= self.rel_error:
                # Before it counts as narrow enough: the draws that were taken for right are looked at.
                found, n_checked = yield from self._confirm(upper, look, found)
                if self.rel_error is None or bottom or self._width(found) <= self.rel_error:
                    break
        else:
            found, n_checked = yield from self._confirm(upper, look, found)
        falls = yield from self._falls_again(max(upper, found.high or 0))
        status = SigmaStatus.NOT_MONOTONE if falls else SigmaStatus.BRACKETED
        if found.nearest == 0:
            status = SigmaStatus.BELOW_RANGE
        marks = {upper, found.nearest, *(index for index in (found.low, found.high) if index is not None)}
        return self._record(status, found, upper, n, n_checked, marks)

    def _record(
        self, status: SigmaStatus, found: _Passages, upper: int, n: int, n_checked: int, marks: set[int]
    ) -> SigmaSearch:
        rays, never = self.rays, status is SigmaStatus.NEVER_REACHED
        looks = {index: (rays.errors(index, drawn), drawn) for index, drawn in self.drawn.items() if drawn}
        looks |= {index: (rays.errors(index, n), n) for index in marks}
        right = np.setdiff1d(np.arange(n), rays.wrong(upper, n))
        return SigmaSearch.make(
            image=self.image,
            status=status,
            sigma=math.inf if never else self.sigmas[found.nearest],
            errors=rays.errors(found.nearest, n),
            trials=n,
            error_rate=self.error_rate,
            low=0.0 if found.low is None else self.sigmas[found.low],
            high=math.inf if found.high is None else self.sigmas[found.high],
            confidence=self.confidence,
            upper=self.sigmas[upper],
            n_followed=rays.asked(found.nearest, n),
            n_checked=n_checked,
            n_reentered=int(np.isin(right, rays.wrong_by(upper, n)).sum()),
            n_calls=1 + rays.n_calls,
            looks=tuple((self.sigmas[index], *looks[index]) for index in sorted(looks)),
        )

    def _wanted(self, n: int) -> int:
        return max(1, round(self.error_rate * n))

    def _aimed(self, n: int, deviations: float) -> float:
        """Return how many errors of n draws say that the rate is what is aimed at: some standard deviations more."""
        expected = self.aim * n
        return min(expected + deviations * math.sqrt(expected * (1 - self.aim)), (n + expected) / 2)

    def _side(self, errors: int, trials: int) -> int:
        """Return 1 or -1 where a rate is surely above or below the wanted one, for all octaves at once; else 0."""
        level = (1 - self.confidence) / len(self.octaves)
        interval = beta_binomial(errors, trials, confidence=1 - level)
        return 1 if interval.low > self.error_rate else -1 if interval.high < self.error_rate else 0

    # --- where to judge all draws -------------------------------------------------------------------------------------

    def _find_upper(self) -> Step[int | None]:
        """Return a scale where the rate is somewhat above the wanted one; None where no octave reaches that."""
        octave = yield from self._first_octave()
        n = min(PILOT, self.looks[0].trials)
        if octave is None or n <= self.drawn[octave]:
            return octave
        aimed = math.ceil(self._aimed(n, 1))
        while (yield from self.rays.count(octave, n)) < aimed:
            above = octave + STEPS_PER_OCTAVE
            if above > self.last or self.rays.errors(above, self.drawn[above]) < self.rays.errors(
                octave, self.drawn[above]
            ):
                return octave
            octave = above
        return (yield from self.rays.passage(aimed, octave - STEPS_PER_OCTAVE // 2, octave, n, fine=64))

    def _first_octave(self) -> Step[int | None]:
        """Return the first octave with a rate clearly above the wanted one.

        More and more draws at those that may have it, up to those of the first look: then the first that reaches it.
        """
        n = self.looks[0].trials
        size = min(FIRST_DRAWS, n)
        undecided = list(self.octaves)
        while True:
            yield from self.rays.ask([(index, np.arange(size)) for index in undecided])
            self.drawn |= dict.fromkeys(undecided, size)
            for index in undecided:
                if self.rays.errors(index, size) >= self._aimed(size, 2):
                    return index
            undecided = [index for index in undecided if self._side(self.rays.errors(index, size), size) >= 0]
            if size == n or not undecided:
                break
            size = min(GROWTH * size, n)
        for wanted in (self.looks[0].most + 1, self._wanted(n)):
            for index in undecided:
                if self.rays.errors(index, n) >= wanted:
                    return index
        return None

    def _judge_all(self, upper: int, look: Look) -> Step[int]:
        """Judge all draws at ``upper``, and again at a larger scale while the errors are too few to bound sigma."""
        n = look.trials
        yield from self.rays.ask([(upper, np.arange(n))])
        while (errors := self.rays.errors(upper, n)) <= look.most and upper < self.last:
            missing = math.log2((look.most + 1 + 2 * math.sqrt(look.most + 1)) / max(errors, 1))
            step = min(max(math.ceil(STEPS_PER_OCTAVE * missing / 4), 64), STEPS_PER_OCTAVE)
            higher = min(upper + step, self.last)
            yield from self.rays.ask([(higher, np.arange(n))])
            if self.rays.errors(higher, n) <= errors:  # it does not grow any more
                break
            upper = higher
        if self.rays.errors(upper, n) < self._wanted(n):
            yield from self.rays.ask([(self.last, np.arange(n))])
            if self.rays.errors(self.last, n) >= self._wanted(n):
                return self.last
        return upper

    # --- the followed draws -------------------------------------------------------------------------------------------

    def _passages(self, upper: int, look: Look, hint: _Passages) -> Step[_Passages]:
        n, rays = look.trials, self.rays
        high: int | None = None
        if rays.errors(upper, n) > look.most:
            start = upper if hint.high is None else hint.high
            high = yield from rays.passage(look.most + 1, start, upper, n)
        last = upper if high is None else high
        nearest = yield from rays.passage(self._wanted(n), hint.nearest, last, n)
        low: int | None = None
        if look.least > 0:
            start = nearest if hint.low is None else hint.low
            passed = yield from rays.passage(look.least, start, nearest, n)
            low = passed - 1 if passed > 0 else None
        return _Passages(low, nearest, high)

    def _width(self, found: _Passages) -> float:
        if found.low is None or found.high is None:
            return math.inf
        return (self.sigmas[found.high] - self.sigmas[found.low]) / (2 * self.sigmas[found.nearest])

    def _confirm(self, upper: int, look: Look, found: _Passages) -> Step[tuple[_Passages, int]]:
        """Judge at the scales that matter all draws that may be errors there; move the scales where some are.

        Draws that are right at ``upper`` are judged in order of their margin, those nearest to an error first, until of
        a whole ring of them none is an error at a smaller scale; in the end these are all draws.
        """
        n, rays = look.trials, self.rays
        order = rays.right_by_margin(upper, n)
        errors = rays.wrong(upper, n)
        inner, outer = 0, min(max(LEAST_RING, len(errors) // 2), len(order))
        while True:
            followed = np.sort(np.concatenate([errors, order[:outer]]))
            found = yield from self._settle(upper, look, found, followed)
            ring = order[inner:outer]
            scales = [index for index in (found.low, found.nearest) if index is not None]
            if outer == len(order) or not any(np.isin(ring, rays.wrong(index, n)).any() for index in scales):
                return found, outer
            inner, outer = outer, min(3 * outer, len(order))

    def _settle(self, upper: int, look: Look, found: _Passages, followed: Rows) -> Step[_Passages]:
        """Return the passages by the errors among ``followed``, judged at each scale: nothing is taken for granted."""
        n, rays = look.trials, self.rays

        def count(index: int) -> Step[int]:
            yield from rays.ask([(index, followed)])
            return rays.errors(index, n)

        high = found.high
        if high is not None:
            yield from rays.ask([(high, rays.wrong_by(high, n))])  # enough of these: the others need not be asked
            while high < upper and rays.errors(high, n) <= look.most:
                high = min(high + STEP_BACK, upper)
                yield from count(high)
        low = found.low
        step = STEP_BACK
        while low is not None and (yield from count(low)) >= look.least:
            low, step = (low - step, 2 * step) if low >= step else (None, step)
        nearest, wanted = found.nearest, self._wanted(n)
        # The count at the passage is off by what was taken for granted: go to where the count crosses.
        bottom = -1 if low is None else low
        down = (yield from count(nearest)) > wanted
        while (errors := (yield from count(nearest))) != wanted:
            following = nearest - STEP_BACK if down else nearest + STEP_BACK
            if (errors > wanted) != down or not bottom < following < (upper if high is None else high):
                break
            nearest = following
        return _Passages(low, nearest, high)

    # --- what lies above and below ------------------------------------------------------------------------------------

    def _falls_again(self, above: int) -> Step[bool]:
        """Whether the rate is surely below the wanted one at an octave beyond; draws are added where it may be."""
        octaves = [index for index in self.octaves if index > above]
        n = self.looks[0].trials
        while True:
            sides = [
                self._side(self.rays.errors(index, size), size) for index in octaves if (size := self.drawn[index])
            ]
            if any(side < 0 for side in sides):
                return True
            asked = [
                (index, np.arange(size)) for index in octaves if (size := self._more(index, n)) > self.drawn[index]
            ]
            if not asked:
                return False
            yield from self.rays.ask(asked)
            self.drawn |= {index: len(rays) for index, rays in asked}

    def _more(self, index: int, most: int) -> int:
        """Return how many draws an octave needs next: none where its rate is likely above the wanted one."""
        size = self.drawn[index]
        errors = self.rays.errors(index, size)
        likely = errors >= self.error_rate * size + 2 * math.sqrt(self.error_rate * size) and errors >= 2
        return size if likely else min(max(GROWTH * size, FIRST_DRAWS), most)

    def _never_reached(self, n: int | None = None, upper: int | None = None) -> Step[SigmaSearch]:
        """Judge all draws of the first look at the largest scale, and return the record of it."""
        n = n or self.looks[0].trials
        look = next(look for look in self.looks if look.trials == n)
        yield from self.rays.ask([(self.last, np.arange(n))])
        errors = self.rays.errors(self.last, n)
        low: int | None = None
        if errors < look.least:
            low = self.last
        elif look.least > 0:
            low = (yield from self.rays.passage(look.least, self.last, self.last, n)) - 1
        found = _Passages(None if low == -1 else low, self.last, None)
        return self._record(SigmaStatus.NEVER_REACHED, found, self.last, n, 0, {self.last})
