"""The test behind every verdict on distances from noisy points, on plain numbers. Nothing is checked here."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from isoperimetry import bounds
from isoperimetry._validate import Array
from isoperimetry.checks.verdict import LEAST_P_VALUE
from isoperimetry.intervals import binomial, order, sequence
from isoperimetry.intervals.binomial import probability_at_least, probability_at_most

# Plans beyond this many draws are reported as impossible.
MOST_SAMPLES = 1e12


def least_starts(*, confidence: float, q: float = 0.5) -> int:
    """Return the number of starts below which `audit_attack` can never convict, all of them lying beyond the bound.

    Parameters
    ----------
    confidence : float
        Of the audit, in (0, 1).
    q : float
        Level of the quantile that is tested, in (0, 1).

    Returns
    -------
    int

    Examples
    --------
    >>> least_starts(confidence=0.999)
    11
    """
    return math.ceil(math.log((1.0 - confidence) / 2) / math.log1p(-q) - 1e-9)


class SignTest:
    """Whether more distances lie beyond the bound than a set of this error rate allows.

    Half of the level goes to the lower limit of the error rate, half to the number of distances beyond the bound at
    that limit. If the limit is right, the bound is at least the true q-quantile of the nearest distances, so that each
    distance is beyond it with probability at most 1 - q; the count of distances within is then too small with
    probability at most the second half. Nothing is assumed about how counts and distances depend on each other.

    Parameters
    ----------
    distances : array, shape (M,)
        Sorted. Those that count.
    errors, trials : int
        Counts behind the error rate.
    scale : float
        The sigma of the theorem, with the stretch of norm and covariance.
    q : float
        Level of the quantile.
    conditional : bool
        Use the bound for correct starts.
    doubtful : bool
        It is not known which starts were left out: `consistent` then uses the smaller, unconditional bound.
    sampling : {"fixed", "sequential"}
        Which limits of the error rate are valid.
    """

    __slots__ = ("conditional", "distances", "doubtful", "errors", "lower", "q", "scale", "size", "trials", "upper")

    def __init__(
        self,
        distances: Array,
        errors: int,
        trials: int,
        *,
        scale: float,
        q: float,
        conditional: bool,
        doubtful: bool,
        sampling: str,
    ) -> None:
        self.distances, self.size = distances, distances.size
        self.errors, self.trials = errors, trials
        self.scale, self.q = scale, q
        self.conditional, self.doubtful = conditional, doubtful
        limits = sequence if sampling == "sequential" else binomial
        self.lower: binomial.Limit = limits.lower_limit
        self.upper: binomial.Limit = limits.upper_limit

    def bound(self, rate: float) -> float:
        """Return what the q-quantile of the nearest distances cannot exceed if the error rate is at least ``rate``."""
        return self._bound(rate, self.conditional)

    def allowance(self, rate: float) -> float:
        """Return a distance that half-spaces allow if the error rate is at most ``rate``: within it lies no proof."""
        return self._bound(rate, self.conditional and not self.doubtful)

    def count_within(self, distance: float) -> int:
        """Return the number of distances <= ``distance``."""
        return int(np.searchsorted(self.distances, distance, side="right"))

    def rejects(self, level: float) -> bool:
        """Return whether the test at ``level`` convicts."""
        rate = self.lower(self.errors, self.trials, level / 2)
        return probability_at_most(self.count_within(self.bound(rate)), self.size, self.q) <= level / 2

    def consistent(self, level: float) -> bool:
        """Return whether the upper limit of the q-quantile is within `allowance` at the upper limit of the rate."""
        allowance = self.allowance(self.upper(self.errors, self.trials, level / 2))
        return probability_at_least(self.count_within(allowance), self.size, self.q) <= level / 2

    def p_value(self, level: float) -> float:
        """Return the least level at which the test rejects; ``level`` is tried first, so that both always agree.

        The tests are nested: with the level, the limit of the rate grows, the bound and the count within it shrink.
        """
        if self.rejects(level):
            if self.rejects(LEAST_P_VALUE):
                return LEAST_P_VALUE
            low, high, most = math.log(LEAST_P_VALUE), math.log(level), level
        elif self.rejects(1.0):
            low, high, most = math.log(level), 0.0, 1.0
        else:
            return 1.0
        while high - low > 1e-10:
            middle = 0.5 * (low + high)
            if self.rejects(math.exp(middle)):
                high = middle
            else:
                low = middle
        return min(math.exp(high), most)

    def quantile(self) -> float:
        """Return the lower q-quantile of the distances."""
        return float(self.distances[max(math.ceil(self.q * self.size - 1e-9), 1) - 1])

    def quantile_limits(self, level: float) -> tuple[float, float]:
        """Return the limits of the q-quantile, each at ``level``; 0 and inf where there are too few distances."""
        low, high = order.lower_rank(self.size, self.q, level), order.upper_rank(self.size, self.q, level)
        return (
            float(self.distances[low - 1]) if low else 0.0,
            float(self.distances[high - 1]) if high <= self.size else math.inf,
        )

    def samples_to_decide(self, level: float) -> tuple[float, float]:
        """Return trials and starts at which today's proportions would decide at ``level``.

        More of one of both where that is enough (of the one that needs the smaller factor), else the same factor for
        both; (inf, inf) where no number would do.
        """
        trials, starts = float(self.trials), float(self.size)
        if not trials:
            return math.inf, math.inf
        more_starts = _least_factor(lambda factor: self._would_decide(trials, factor * starts, level), starts)
        more_trials = _least_factor(lambda factor: self._would_decide(factor * trials, starts, level), trials)
        if more_starts <= more_trials and more_starts < math.inf:
            return trials, _ceil(more_starts * starts)
        if more_trials < math.inf:
            return _ceil(more_trials * trials), starts
        both = _least_factor(
            lambda factor: self._would_decide(factor * trials, factor * starts, level), max(trials, starts)
        )
        return _ceil(both * trials), _ceil(both * starts)

    def _bound(self, rate: float, conditional: bool) -> float:
        return float(bounds.quantile_distance_bound(rate, self.scale, q=self.q, conditional=conditional))

    def _would_decide(self, trials: float, starts: float, level: float) -> bool:
        errors = self.errors / self.trials * trials
        share = starts / self.size
        within = self.count_within(self.bound(self.lower(errors, trials, level / 2))) * share
        if probability_at_most(within, starts, self.q) <= level / 2:
            return True
        allowed = self.count_within(self.allowance(self.upper(errors, trials, level / 2))) * share
        return probability_at_least(allowed, starts, self.q) <= level / 2


def _ceil(number: float) -> float:
    return float(math.ceil(number)) if number < math.inf else number


def _least_factor(decides: Callable[[float], bool], size: float) -> float:
    # The least factor, to 0.1 %, at which a monotone ``decides`` is true, inf if none keeps ``size`` times it possible.
    low, high, most = 1.0, 2.0, MOST_SAMPLES / size
    if not decides(most):
        return math.inf
    while not decides(high):
        low, high = high, min(2 * high, most)
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        if decides(middle):
            high = middle
        else:
            low = middle
    return high
