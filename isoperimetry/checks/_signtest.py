"""The tests behind every verdict on distances from noisy points, on plain numbers. Nothing is checked here."""

from __future__ import annotations

import abc
import functools
import math
from collections.abc import Callable

import numpy as np

from isoperimetry import bounds
from isoperimetry._validate import Array
from isoperimetry.checks.verdict import LEAST_P_VALUE, AuditPoint
from isoperimetry.intervals import binomial, order, sequence
from isoperimetry.intervals.binomial import probability_at_least, probability_at_most

# Plans beyond this many draws are reported as impossible.
MOST_SAMPLES = 1e12
# The largest fraction that is claimed: where the curve is rounded to 1, a single start would else convict.
MOST_FRACTION = 1.0 - 2.0**-53


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
    return starts_beyond((1.0 - confidence) / 2, q)


def starts_beyond(level: float, q: float) -> int:
    """Return the least M with (1 - q)**M <= level, as the test computes it where both sides are equal."""
    least = math.ceil(math.log(level) / math.log1p(-q) - 1e-9)
    return least if probability_at_most(0, least, q) <= level else least + 1


class SignTest(abc.ABC):
    """Whether more distances lie beyond points of the theorem's curve than a set of this error rate allows.

    Half of the level goes to the lower limit of the error rate. At that limit the theorem promises pairs (q, radius):
    from a fraction q of the starts the nearest error lies within the radius. The other half of the level, shared by
    the pairs, goes to the numbers of distances within. If the limit is right, each number is at least a binomial one
    with probability q, and too small with at most its share. Nothing is assumed about how counts and distances depend
    on each other.

    Parameters
    ----------
    distances : array, shape (M,)
        Sorted. Those that count.
    errors, trials : int
        Counts behind the error rate.
    scale : float
        The sigma of the theorem, with the stretch of norm and covariance.
    conditional : bool
        Use the curve for correct starts.
    doubtful : bool
        It is not known which starts were left out: `consistent` then uses the nearer, unconditional curve.
    sampling : {"fixed", "sequential"}
        Which limits of the error rate are valid.
    """

    def __init__(
        self,
        distances: Array,
        errors: int,
        trials: int,
        *,
        scale: float,
        conditional: bool,
        doubtful: bool,
        sampling: str,
    ) -> None:
        self.distances, self.size = distances, distances.size
        self.errors, self.trials = errors, trials
        self.scale = scale
        self.conditional, self.doubtful = conditional, doubtful
        limits = sequence if sampling == "sequential" else binomial
        self.lower: binomial.Limit = limits.lower_limit
        self.upper: binomial.Limit = limits.upper_limit

    # --- the curve, and what lies within

    @abc.abstractmethod
    def pairs(self, rate: float, *, conditional: bool) -> list[tuple[float, float]]:
        """Return what the theorem promises at this error rate: pairs (q, radius)."""

    @property
    @abc.abstractmethod
    def n_pairs(self) -> int:
        """How many pairs share the level."""

    def radius(self, rate: float, q: float, *, conditional: bool) -> float:
        """Return what the q-quantile of the nearest distances cannot exceed."""
        return float(bounds.quantile_distance_bound(rate, self.scale, q=q, conditional=conditional))

    def allowance(self, rate: float, q: float) -> float:
        """Return a distance that half-spaces allow if the error rate is at most ``rate``: within it lies no proof."""
        return self.radius(rate, q, conditional=self.conditional and not self.doubtful)

    def count_within(self, distance: float) -> int:
        """Return the number of distances <= ``distance``."""
        return int(np.searchsorted(self.distances, distance, side="right"))

    # --- the tests, nested in their level

    def rejects(self, level: float) -> bool:
        """Return whether the test at ``level`` convicts."""
        return any(self._rejects(level, index) for index in range(self.n_pairs))

    def consistent(self, level: float) -> bool:
        """Return whether no half-space of an error rate up to its upper limit could be convicted."""
        return self._consistent(self.trials, self.size, level)

    def points(self, level: float, *, testable: bool) -> tuple[AuditPoint, ...]:
        """Return the outcome at each pair; p-values are 1 and nothing is missed unless ``testable``."""
        rate, share = self.lower(self.errors, self.trials, level / 2), level / 2 / self.n_pairs
        found = []
        for index, (q, radius) in enumerate(self.pairs(rate, conditional=self.conditional)):
            within = self.count_within(radius)
            p_value = least_level(functools.partial(self._rejects, index=index), level) if testable else 1.0
            missed = max(0.0, q - binomial.upper_limit(within, self.size, share)) if p_value <= level else 0.0
            found.append(AuditPoint(q=q, radius=radius, n_within=within, p_value=p_value, missed_fraction=missed))
        return tuple(found)

    def _rejects(self, level: float, index: int) -> bool:
        rate = self.lower(self.errors, self.trials, level / 2)
        q, radius = self.pairs(rate, conditional=self.conditional)[index]
        return probability_at_most(self.count_within(radius), self.size, q) <= level / 2 / self.n_pairs

    def _convicts(self, trials: float, starts: float, level: float) -> bool:
        # Whether today's proportions would convict in other numbers of draws and starts.
        rate = self.lower(self.errors / self.trials * trials, trials, level / 2)
        share = starts / self.size
        return any(
            probability_at_most(self.count_within(radius) * share, starts, q) <= level / 2 / self.n_pairs
            for q, radius in self.pairs(rate, conditional=self.conditional)
        )

    def _consistent(self, trials: float, starts: float, level: float) -> bool:
        errors = self.errors * (trials / self.trials) if self.trials else 0.0
        rate = self.upper(errors, trials, level / 2)
        share = starts / self.size
        return all(
            probability_at_least(self.count_within(radius) * share, starts, q) <= level / 2 / self.n_pairs
            for q, radius in self.pairs(rate, conditional=self.conditional and not self.doubtful)
        )

    # --- what else is reported

    def least_starts(self, level: float) -> int:
        """Return a number of starts below which the test can never convict, whatever the counts; 0 if unknown."""
        return 0

    def quantile(self, q: float) -> float:
        """Return the lower q-quantile of the distances."""
        return float(self.distances[max(math.ceil(q * self.size - 1e-9), 1) - 1])

    def quantile_limits(self, q: float, level: float) -> tuple[float, float]:
        """Return the limits of the q-quantile, each at ``level``; 0 and inf where there are too few distances."""
        share = level / self.n_pairs
        low, high = order.lower_rank(self.size, q, share), order.upper_rank(self.size, q, share)
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
        more_starts = _least_factor(lambda factor: self.would_decide(trials, factor * starts, level), starts)
        more_trials = _least_factor(lambda factor: self.would_decide(factor * trials, starts, level), trials)
        if more_starts <= more_trials and more_starts < math.inf:
            return trials, _ceil(more_starts * starts)
        if more_trials < math.inf:
            return _ceil(more_trials * trials), starts
        both = _least_factor(
            lambda factor: self.would_decide(factor * trials, factor * starts, level), max(trials, starts)
        )
        return _ceil(both * trials), _ceil(both * starts)

    def would_decide(self, trials: float, starts: float, level: float) -> bool:
        """Return whether today's proportions in these numbers of draws and starts would decide."""
        return self._convicts(trials, starts, level) or self._consistent(trials, starts, level)


def least_level(rejects: Callable[[float], bool], level: float) -> float:
    """Return the least level at which a nested test rejects; ``level`` is tried first, so that both always agree.

    The tests are nested: with the level, the limit of the rate grows, a radius and the count within it shrink, or the
    fraction promised within it grows.
    """
    if rejects(level):
        if rejects(LEAST_P_VALUE):
            return LEAST_P_VALUE
        low, high, most = math.log(LEAST_P_VALUE), math.log(level), level
    elif rejects(1.0):
        low, high, most = math.log(level), 0.0, 1.0
    else:
        return 1.0
    while high - low > 1e-10:
        middle = 0.5 * (low + high)
        if rejects(math.exp(middle)):
            high = middle
        else:
            low = middle
    return min(math.exp(high), most)


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
