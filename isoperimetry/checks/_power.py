"""The exact power of the audit on half-spaces, and the least numbers of draws and starts that reach one."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from isoperimetry import bounds, special
from isoperimetry._validate import Array
from isoperimetry.checks._signtest import starts_beyond
from isoperimetry.intervals import order
from isoperimetry.intervals.binomial import lower_limit, probability_at_most

# Beyond this many, draws and starts are reported as impossible.
MOST_DRAWS, MOST_STARTS = 10**12, 10**9
# Numbers of errors farther from their mean than this many standard deviations are left out (2e-15 on each side).
REACH = 8.0
# Blocks of numbers of errors: in the power that is reported, and while numbers are searched.
FINE, COARSE = 2000, 80


class HalfspacePower:
    """The power of the sign test against an attack on a half-space whose distances are too long.

    All lengths are in units of sigma, on which nothing depends.

    Parameters
    ----------
    rate : float
        Error rate, in (0, 1).
    factor : float
        Found distance / nearest distance, >= 1.
    failing : float
        Share of the correct starts from which nothing is found, in [0, 1).
    confidence, q, conditional
        Of the audit.
    """

    def __init__(
        self, rate: float, *, factor: float, failing: float, confidence: float, q: float, conditional: bool
    ) -> None:
        self.rate, self.factor, self.failing = rate, factor, failing
        self.level, self.q, self.conditional = (1.0 - confidence) / 2, q, conditional

    def within(self, rate_low: Array) -> Array:
        """Return how probable a distance within the bound at these lower limits of the error rate is."""
        radius = np.asarray(bounds.quantile_distance_bound(rate_low, q=self.q, conditional=self.conditional))
        near = np.asarray(bounds.enlargement(self.rate, radius / self.factor))
        found = (1.0 - self.failing) * (near - self.rate)
        result: Array = found / (1.0 - self.rate) if self.conditional else self.rate + found
        # without a limit of the rate the bound is inf, and even searches that failed lie within
        return np.where(rate_low > 0, result, 1.0)

    @cached_property
    def within_at_best(self) -> float:
        """The same at the error rate itself, which infinitely many draws would give."""
        return float(self.within(np.array([self.rate]))[0])

    def convicting(self, starts: int) -> int:
        """Return the largest number of starts within the bound that still convicts, -1 if none does."""
        return order.lower_rank(starts, self.q, self.level) - 1

    def starts_for(self, within: int) -> int:
        """Return the least number of starts of which ``within`` may lie within the bound of a conviction."""
        low = max(within, starts_beyond(self.level, self.q) - 1)
        high = 2 * low + 2
        while probability_at_most(within, high, self.q) > self.level:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            if probability_at_most(within, middle, self.q) <= self.level:
                high = middle
            else:
                low = middle
        return high

    def limit(self, starts: int) -> float:
        """Return the power that no number of draws exceeds."""
        return probability_at_most(self.convicting(starts), starts, self.within_at_best)

    def power(self, draws: int, starts: int, *, blocks: int = FINE) -> float:
        """Return the probability of a conviction; with more errors than ``blocks``, they are taken in blocks."""
        within = self.convicting(starts)
        if within < 0:
            return 0.0
        weights, chances = self.spread(draws, blocks=blocks)
        return power_at(weights, chances, within, starts)

    def spread(self, draws: int, *, blocks: int = FINE) -> tuple[Array, Array]:
        """Return probabilities of numbers of errors, and for each how probable a distance within its bound is."""
        mean, deviation = draws * self.rate, math.sqrt(draws * self.rate * (1.0 - self.rate))
        first = max(0, math.floor(mean - REACH * deviation - REACH))
        last = min(draws, math.ceil(mean + REACH * deviation + REACH))
        edges = np.unique(np.linspace(first, last + 1, min(blocks, last + 1 - first) + 1).round())
        # P[K < edge] = 1 - I_mu(edge, N - edge + 1)
        below = np.where(edges > 0, 1.0, 0.0)
        inner = (edges > 0) & (edges <= draws)
        below[inner] = -np.expm1(np.asarray(special.log_betainc(edges[inner], draws + 1.0 - edges[inner], self.rate)))
        middles = (edges[:-1] + edges[1:] - 1) / 2
        lows = np.array([lower_limit(errors, draws, self.level) for errors in middles.tolist()])
        return np.diff(below), self.within(lows)


def power_at(weights: Array, chances: Array, within: int, starts: int) -> float:
    """Return the probability that at most ``within`` of the starts lie within the bound."""
    if within >= starts:
        return 1.0
    convicted = np.exp(np.asarray(special.log_betaincc(within + 1.0, float(starts - within), chances)))
    return float(weights @ convicted)


def least_starts_for(model: HalfspacePower, draws: int, target: float) -> int:
    """Return the least number of starts that reach the power ``target`` with these draws; 0 if none does."""
    weights, chances = model.spread(draws)
    if float(weights[chances < model.q].sum()) < target:
        return 0

    def enough(within: int) -> bool:
        starts = model.starts_for(within)
        return power_at(weights, chances, within, starts) >= target

    low, high = -1, 0
    while not enough(high):
        low, high = high, 2 * high + 1
        if high > MOST_STARTS:
            return 0
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return model.starts_for(high)


def least_draws(
    model: HalfspacePower, starts: int, target: float, *, fewest: int = 1, most: int = MOST_DRAWS, exact: bool = True
) -> int:
    """Return the least number of draws in [fewest, most], to 0.1 %, that reach the power ``target``; 0 if none does.

    Unless ``exact``, errors are counted in coarse blocks, so that the power may be too low by 0.001.
    """
    if model.limit(starts) < target:
        return 0
    low, high = 0, max(fewest, 1)
    while model.power(high, starts, blocks=COARSE) < target:
        if high >= most:
            return 0
        low, high = high, min(4 * high, most)
    while high - low > max(1, high // 1000) and high > fewest:
        middle = (low + high) // 2
        if model.power(middle, starts, blocks=COARSE) >= target:
            high = middle
        else:
            low = middle
    high = max(high, fewest)
    while exact and model.power(high, starts) < target:
        high += max(1, high // 1000)
    return high
