"""Draws from the tails beyond half-spaces: one is chosen by its share, and noise is moved along its normal into it.

With S half-spaces that hold a draw, ``mubar * [error] / S`` is an unbiased estimate of the errors in their union, mubar
being the sum of their measures (Karp, Luby 1983; Owen, Maximov, Chertkov 2019). It lies in [0, mubar], whatever the
measure. All is done in logarithms.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.estimators.base import Run
from isoperimetry.estimators.problem import Problem, cut
from isoperimetry.estimators.spaces import normals
from isoperimetry.streams import Stream

ROWS = 1024
"""Draws in a call of the function, at most."""

PILOT, PILOT_SHARE, PILOT_ROWS = 2048, 0.05, 256
"""Draws of a pilot: at most, of the budget, and in a call."""

PILOT_ERRORS = 100
"""Errors that are enough for a pilot, for each of the offsets that it tries."""

GRAM = 1024
"""Half-spaces up to which the products of their normals with each other are kept."""

IN_CACHE = 1 << 15
"""Numbers that are moved at a time."""

BETTING_EXCESS = 1.7
"""Variance of rounded values over that of the values themselves, from which bets on these say more than counts."""


@dataclasses.dataclass(frozen=True, eq=False)
class Tails:
    """The mixture of the tails of half-spaces ``{u: normals_i.u >= offsets_i}``, by sample index.

    Attributes
    ----------
    problem : Problem
        For the noise.
    normals, offsets : array, shape (m, dim) and (m,)
        The half-spaces; the normals have length 1.
    key, choices : int
        Keys of the noise of the draws, and of what chooses the half-spaces and the places in their tails.
    """

    problem: Problem
    normals: Array
    offsets: Array
    key: int
    choices: int

    @classmethod
    def of(cls, problem: Problem, normals: Array, offsets: Array, stream: Stream) -> Tails:
        """Return the mixture with the noise of a stream."""
        return cls(problem, normals, offsets, stream.split("noise").key, stream.split("choice").key)

    @cached_property
    def log_rates(self) -> Array:
        """Logs of the measures of the half-spaces."""
        return np.asarray(special.log_ndtr(-self.offsets))

    @property
    def log_total(self) -> float:
        """Log of the sum of the measures."""
        return float(np.logaddexp.reduce(self.log_rates))

    @cached_property
    def _shares(self) -> Array:
        """The distribution function of the choice."""
        return np.cumsum(np.exp(self.log_rates - self.log_total))

    @cached_property
    def _gram(self) -> Array:
        return np.asarray(self.normals @ self.normals.T)

    @property
    def rows(self) -> int:
        """Draws in a call."""
        return min(self.problem.batch, ROWS)

    def batches(self, first: int, n: int) -> Iterator[tuple[int, int]]:
        """Return (first, rows) of the calls for n draws."""
        return cut(first, n, self.rows)

    def draw(self, first: int, n: int) -> tuple[Array, Array, Array]:
        """Return draws, their products with the normals, and one more uniform number each."""
        u = self.problem.normals(self.key, first, n)
        choice = normals(3, self.choices, first, n)
        each = np.arange(n)
        chosen = np.minimum(np.searchsorted(self._shares, special.ndtr(choice[:, 0])), len(self.offsets) - 1)
        # U p for a uniform U, in logs: the place beyond the plane, as far in the tail as the floats go.
        place = -np.asarray(special.ndtri_exp(np.asarray(special.log_ndtr(choice[:, 1])) + self.log_rates[chosen]))
        products = u @ self.normals.T
        shift = place - products[each, chosen]
        for low, size in cut(0, n, max(1, IN_CACHE // self.problem.dim)):
            part = slice(low, low + size)
            u[part] += shift[part, None] * self.normals[chosen[part]]
        if len(self.offsets) <= GRAM:
            products += shift[:, None] * self._gram[chosen]
        else:
            products = u @ self.normals.T
        products[each, chosen] = np.maximum(place, self.offsets[chosen])
        return u, products, np.asarray(special.ndtr(choice[:, 2]))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """What a few draws say about half-spaces.

    Attributes
    ----------
    best : int
        Which of the offsets that were tried.
    share : float
        Estimate over the sum of the measures of the half-spaces, 0 if no error was seen.
    rel_variance : float
        Variance of a draw over the squared mean; inf if no error was seen.
    bets : bool
        Whether bets on the values beat counts of rounded values.
    draws, errors : int
        Counts.
    """

    best: int
    share: float
    rel_variance: float
    bets: bool
    draws: int
    errors: int


def pilot(problem: Problem, run: Run, directions: Array, tries: list[Array]) -> Pilot:
    """Try half-spaces with several offsets, all on the same draws; the calls are counted in ``run``.

    Smaller offsets leave fewer errors outside, which only the guard sees, but less of the draws are errors. The best
    have the least sum of the variance at the budget and the squared loss against the last, which are the smallest.
    """
    tails = Tails.of(problem, directions, tries[-1], run.stream.split("mixture", "pilot"))
    most = int(min(PILOT, max(PILOT_SHARE * run.n_samples, 32)))
    draws = errors = 0
    found: list[Array] = []  # for each error, how many of the half-spaces hold it, for each of the offsets
    for first, rows in cut(0, most, min(tails.rows, PILOT_ROWS)):
        u, products, _ = tails.draw(first, rows)
        inside = products[problem.contains(u)]
        found.append(np.stack([(inside >= offsets).sum(axis=1) for offsets in tries], axis=1))
        draws, errors = draws + rows, errors + len(inside)
        if errors >= PILOT_ERRORS * len(tries):
            break
    run.spend(draws)
    if errors == 0:
        return Pilot(best=0, share=0.0, rel_variance=math.inf, bets=False, draws=draws, errors=0)
    counts = np.concatenate(found).astype(np.float64)
    weights = 1.0 / counts[:, -1]  # in units of the sum of the measures of the largest half-spaces
    one = float(weights.mean())
    wanted = run.n_samples if run.rel_error is None else min(run.n_samples, 4.0 / run.rel_error**2)
    tried: list[tuple[float, Pilot]] = []
    for index, (offsets, held_by) in enumerate(zip(tries, counts.T, strict=True)):
        held = held_by > 0
        of_largest = math.exp(float(np.logaddexp.reduce(special.log_ndtr(-offsets))) - tails.log_total)
        mean = float(weights[held].sum()) / draws / of_largest
        square = float((weights[held] / held_by[held]).sum()) / draws / of_largest
        spread = max(square / mean**2 - 1.0, 0.0) if mean > 0 else math.inf
        # One error more on the side that costs: seeing none outside is no proof that there are none.
        lost = (float(weights[~held].sum()) + one) / (float(weights.sum()) + one)
        bets = mean * (1.0 - mean) > BETTING_EXCESS * (square - mean * mean)
        here = Pilot(best=index, share=mean, rel_variance=spread, bets=bets, draws=draws, errors=errors)
        tried.append((spread / wanted + lost**2, here))
    return min(tried, key=lambda pair: pair[0])[1]
