"""The search for sigma(x0, mu) at one image: octaves, all draws once, and the few that matter followed down."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from isoperimetry.intervals import beta_binomial
from isoperimetry_bridges.torch.arguments import ImageId
from isoperimetry_bridges.torch.following import Follower, Passages, Step
from isoperimetry_bridges.torch.rays import Rays, Search
from isoperimetry_bridges.torch.regions import Look
from isoperimetry_bridges.torch.scales import SigmaSearch, SigmaStatus

# The scales that may be looked at: from 2**-12 to 4 times the width of the input box, 0.07 % apart, so that the ends of
# an interval of +-1 % lose nothing to the grid.
OCTAVES, STEPS_PER_OCTAVE = (-12, 2), 1024

# Draws at each octave: the first shows where a rate of some per cent begins, which is all that most images need; the
# others come only where an octave is neither surely below the wanted rate nor clearly above.
FIRST_DRAWS, GROWTH = 16, 4
PILOT = 256  # draws that find the scale at which all are judged
TOO_WIDE = 1.3  # than wanted: a look with this width in prospect is left out


def grid(width: float) -> list[float]:
    """Return all scales, for inputs in a box of this width."""
    low, high = (octave * STEPS_PER_OCTAVE for octave in OCTAVES)
    return [width * 2.0 ** (step / STEPS_PER_OCTAVE) for step in range(low, high + 1)]


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
        Stop at the first look with an interval of this half-width; None: there is one look.
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
        self.error_rate, self.confidence, self.rel_error = error_rate, confidence, rel_error or math.inf
        self.rays = Rays(sigmas)
        self.follow = Follower(self.rays, error_rate)
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
        found = Passages(upper - 400, upper - 300, upper - 150)
        for look in self.looks:
            n = look.trials
            upper = yield from self._judge_all(upper, look)
            if self.rays.errors(upper, n) < self.follow.wanted(n):  # the rate does not rise to the wanted one after all
                if look is self.looks[-1] or upper == self.last:
                    return (yield from self._never_reached(n, upper))
                continue
            if look is not self.looks[-1]:
                # Widths go as those of the regions: where this look is too early, nothing is followed for it.
                spread = (look.most - look.least) / n
                if measured and self.follow.width(found) * spread / measured > TOO_WIDE * self.rel_error:
                    continue
                measured = spread
            found = yield from self.follow.passages(upper, look, found)
            bottom = found.high == 0  # surely above at the smallest scale: more draws would not bound sigma from below
            enough = bottom or look is self.looks[-1]
            # With draws that enter again the passages are too low, and may be too wide.
            factor = TOO_WIDE if self.follow.reentered(upper, n) else 1.0
            if enough or self.follow.width(found) <= factor * self.rel_error:
                # Before it counts as narrow enough: the draws that were taken for right are looked at.
                found, upper, n_checked = yield from self.follow.confirm(upper, look, found)
                if enough or self.follow.width(found) <= self.rel_error:
                    break
        falls = yield from self._falls_again(max(upper, found.high or 0))
        status = SigmaStatus.NOT_MONOTONE if falls else SigmaStatus.BRACKETED
        if found.nearest == 0:
            status = SigmaStatus.BELOW_RANGE
        marks = {upper, found.nearest, *(index for index in (found.low, found.high) if index is not None)}
        return self._record(status, found, upper, n, n_checked, marks)

    def _record(
        self, status: SigmaStatus, found: Passages, upper: int, n: int, n_checked: int, marks: set[int]
    ) -> SigmaSearch:
        rays, never = self.rays, status is SigmaStatus.NEVER_REACHED
        looks = {index: (rays.errors(index, drawn), drawn) for index, drawn in self.drawn.items() if drawn}
        looks |= {index: (rays.errors(index, n), n) for index in marks}
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
            n_reentered=self.follow.reentered(upper, n),
            n_calls=1 + rays.n_calls,
            looks=tuple((self.sigmas[index], *looks[index]) for index in sorted(looks)),
        )

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
        for wanted in (self.looks[0].most + 1, self.follow.wanted(n)):
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
        if self.rays.errors(upper, n) < self.follow.wanted(n):
            yield from self.rays.ask([(self.last, np.arange(n))])
            if self.rays.errors(self.last, n) >= self.follow.wanted(n):
                return self.last
        return upper

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
        found = Passages(None if low == -1 else low, self.last, None)
        return self._record(SigmaStatus.NEVER_REACHED, found, self.last, n, 0, {self.last})
