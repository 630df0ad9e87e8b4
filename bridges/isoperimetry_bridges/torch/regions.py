"""Numbers of draws at which a search for sigma may stop, and the counts at each that a rate does not reject."""

from __future__ import annotations

import dataclasses
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from isoperimetry.special import ndtri

Array: TypeAlias = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """At the true scale the errors of ``trials`` draws are in [least, most] at all looks, with the confidence."""

    trials: int
    least: int
    most: int


# Looks from half the number of draws that a half-space would need, five in four of it apart. Most of the error level is
# spent around that number, the rest around three times as many, for rates that grow more slowly with the scale. A
# half-space at a rate of 1 % so takes 1.6 times the draws of a number fixed in advance, whose interval is as wide as
# was asked for only on the average; this one is so always.
_FIRST, _RATIO = 0.5, 1.25


def _spent(t: float) -> float:
    """Return the share of the error level that is spent up to t times the draws that a half-space needs."""
    return 0.7 / (1 + (1.1 / t) ** 5) + 0.3 / (1 + (3 / t) ** 2)


def plan_looks(n_samples: int, *, error_rate: float, confidence: float, rel_error: float | None) -> tuple[Look, ...]:
    """Return the looks of a search: one, or with ``rel_error`` several up to ``n_samples``, fixed in advance.

    The errors among the first n draws, at a scale with exactly the wanted rate, are a binomial random walk, whatever
    the model. The regions [least, most] are computed from its distribution, look by look: the probability that it has
    left them on a side by look j is at most a share d_j of the level of that side. So the true scale is in the set of
    scales with counts in the region, at all looks, with probability ``confidence``, however the search stops.

    Examples
    --------
    >>> plan_looks(1000, error_rate=0.01, confidence=0.95, rel_error=None)
    (Look(trials=1000, least=4, most=17),)
    """
    level = (1 - confidence) / 2
    trials, shares = [n_samples], [1.0]
    if rel_error is not None:
        needed = _draws_needed(error_rate, confidence, rel_error)
        trials = []
        size = _FIRST * needed
        while size < 0.9 * n_samples:
            trials.append(math.ceil(size))
            size *= _RATIO
        trials.append(n_samples)
        shares = [_spent(n / needed) for n in trials[:-1]] + [1.0]
    return _regions(trials, shares, error_rate, level)


def _draws_needed(error_rate: float, confidence: float, rel_error: float) -> float:
    """Return with how many draws an interval of sigma has this half-width, if the errors are a half-space."""
    z = abs(float(ndtri(error_rate)))
    slope = max(z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi), 0.5 * error_rate)  # of the rate by log sigma
    quantile = -float(ndtri((1 - confidence) / 2))
    return max(error_rate * (1 - error_rate) * (quantile / (rel_error * slope)) ** 2, 4 / error_rate)


def _regions(trials: list[int], shares: list[float], rate: float, level: float) -> tuple[Look, ...]:
    looks = []
    walk, first = np.ones(1), 0  # probabilities of the counts first, first + 1, ... of walks that are still inside
    lost = [0.0, 0.0]
    before = 0
    for size, share in zip(trials, shares, strict=True):
        least, steps = _binomial(size - before, rate)
        walk, first = np.convolve(walk, steps), first + least
        before = size
        below = np.concatenate([[0.0], np.cumsum(walk)])
        above = np.concatenate([[0.0], np.cumsum(walk[::-1])])
        n_low = int(np.searchsorted(below, share * level - lost[0], side="right")) - 1
        n_high = int(np.searchsorted(above, share * level - lost[1], side="right")) - 1
        n_low, n_high = max(n_low, 0), max(n_high, 0)
        lost[0] += below[n_low]
        lost[1] += above[n_high]
        walk = walk[n_low : len(walk) - n_high]
        looks.append(Look(size, first + n_low, first + n_low + len(walk) - 1))
        first += n_low
    return tuple(looks)


def _binomial(trials: int, rate: float) -> tuple[int, Array]:
    """Return the least number of errors, and the probabilities from there on; less than 1e-20 in all is left out."""
    reach = 12 * math.sqrt(trials * rate * (1 - rate)) + 60
    k = np.arange(max(0, math.floor(trials * rate - reach)), min(trials, math.ceil(trials * rate + reach)) + 1)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    choose = log_factorials[-1] - log_factorials[k] - log_factorials[trials - k]
    return int(k[0]), np.exp(choose + k * math.log(rate) + (trials - k) * math.log1p(-rate))
