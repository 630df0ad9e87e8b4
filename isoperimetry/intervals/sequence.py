"""Intervals of an error rate that hold at all numbers of draws at once, so that the counts may decide when to stop."""

from __future__ import annotations

import functools
import math
import secrets
from typing import Any, SupportsIndex, cast, overload

from isoperimetry import _validate
from isoperimetry.intervals.binomial import SIDES, Count, Counts, Limits, intervals_from, read_counts
from isoperimetry.results import Interval, Intervals, Side

METHOD = "beta-binomial sequence"

SHARE = 0.95
"""Share of the first capital on the mixture that is made for the expected number of draws."""


@overload
def beta_binomial(
    errors: Count,
    trials: Count,
    *,
    confidence: float = 0.95,
    side: Side = "two-sided",
    a: float = 0.5,
    b: float = 0.5,
    expected_trials: SupportsIndex | None = None,
) -> Interval: ...
@overload
def beta_binomial(
    errors: Counts,
    trials: Count | Counts,
    *,
    confidence: float = 0.95,
    side: Side = "two-sided",
    a: float = 0.5,
    b: float = 0.5,
    expected_trials: SupportsIndex | None = None,
) -> Intervals: ...
@overload
def beta_binomial(
    errors: Count,
    trials: Counts,
    *,
    confidence: float = 0.95,
    side: Side = "two-sided",
    a: float = 0.5,
    b: float = 0.5,
    expected_trials: SupportsIndex | None = None,
) -> Intervals: ...
def beta_binomial(
    errors: Any,
    trials: Any,
    *,
    confidence: float = 0.95,
    side: Side = "two-sided",
    a: float = 0.5,
    b: float = 0.5,
    expected_trials: SupportsIndex | None = None,
) -> Interval | Intervals:
    r"""Interval of an error rate, valid at every number of draws simultaneously.

    With :math:`S` errors in :math:`t` draws and a Beta(a, b) mixture over the alternatives,

    .. math:: \log M_t(m) = \log B(a + S, b + t - S) - \log B(a, b) - S \log m - (t - S) \log(1 - m)

    is the logarithm of a non-negative martingale at the true rate; the interval holds the rates where it stays below
    log(1 / (1 - confidence)). One-sided limits truncate the mixture to the rates beyond m, a supermartingale for every
    rate on the other side of m.

    Parameters
    ----------
    errors : int or array of int, shape S1
        Errors so far, 0 <= errors <= trials.
    trials : int or array of int, shape S2, broadcast with S1
        Draws so far, >= 0; tested up to 1e12.
    confidence : float
        Probability, whatever the rate is, that the interval contains it at all times; in (0, 1).
    side : {"two-sided", "lower", "upper"}
        The limit that carries the confidence. Upper bounds of distances need "lower".
    a, b : float
        The mixture, > 0. It must be chosen before the draws; 1/2 suits rates of every size.
    expected_trials : int, optional
        Number of draws, >= 1, at which the interval is to be narrowest, chosen before the first one. It is then up to
        a third narrower there, and somewhat wider far away; it is valid at all numbers anyway.

    Returns
    -------
    Interval or Intervals
        For two integers an `Interval`, otherwise `Intervals` of shape broadcast(S1, S2). ``low`` is 0 without errors,
        ``high`` is 1 if all draws are errors, both are trivial without draws.

    Raises
    ------
    TypeError
        If a count is no integer.
    ValueError
        If any ``errors`` is negative or above ``trials``, ``confidence`` outside (0, 1), ``a`` or ``b`` not > 0, or the
        shapes do not broadcast.

    Notes
    -----
    Sources: Robbins (1970), Statistical methods related to the law of the iterated logarithm, Ann. Math. Statist. 41;
    Ville (1939), Étude critique de la notion de collectif. With ``expected_trials`` 95 % of the capital are on
    a Beta mixture whose mean is m itself: Howard, Ramdas, McAuliffe, Sekhon (2021), Time-uniform, nonparametric,
    nonasymptotic confidence sequences, Ann. Statist. 49, propositions 5 and 7. Widths: docs/intervals.md.

    Examples
    --------
    >>> interval = beta_binomial(10, 1000)
    >>> round(interval.low, 6), round(interval.high, 6)
    (0.002406, 0.026164)
    >>> print(beta_binomial(10, 1000, expected_trials=1000))
    [0.002893, 0.02246] (two-sided, 0.95, beta-binomial sequence)
    """
    mixture = _as_mixture(a, b)
    draws = _validate.as_expected("expected_trials", expected_trials)
    confidence = _validate.as_confidence(confidence)
    _validate.as_choice("side", side, SIDES)
    n_errors, n_trials = read_counts(errors, trials)
    limits = _limits(confidence, side, *mixture, draws)
    return intervals_from(n_errors, n_trials, limits, confidence=confidence, side=side, method=METHOD)


class BetaBinomialSequence:
    """A confidence sequence for an error rate: add counts as they come, read the interval whenever wanted.

    The state is two counts; the interval is that of `beta_binomial` for the totals.

    Parameters
    ----------
    confidence : float
        Probability, whatever the rate is, that all intervals contain it, in (0, 1).
    a, b : float
        The mixture, > 0, chosen before the draws.
    side : {"two-sided", "lower", "upper"}
        The limit that carries the confidence.
    expected_trials : int, optional
        As for `beta_binomial`; of all shards together, if sequences are to be merged.

    Attributes
    ----------
    errors, trials : int
        The totals so far.
    shards : tuple of str
        The names of the sequences that were merged into this one; a new one has a random name of its own.

    Examples
    --------
    >>> sequence = BetaBinomialSequence(0.95)
    >>> for errors in (3, 5, 2):
    ...     sequence.update(errors, 400)
    >>> sequence.errors, sequence.trials
    (10, 1200)
    >>> print(sequence.interval)
    [0.00198, 0.02196] (two-sided, 0.95, beta-binomial sequence)
    >>> other = BetaBinomialSequence(0.95)
    >>> other.update(4, 800)
    >>> print(sequence.merge(other).interval)
    [0.002111, 0.01645] (two-sided, 0.95, beta-binomial sequence)
    """

    __slots__ = ("a", "b", "confidence", "errors", "expected_trials", "shards", "side", "trials")

    confidence: float
    a: float
    b: float
    side: Side
    expected_trials: int | None
    errors: int
    trials: int
    shards: tuple[str, ...]

    def __init__(
        self,
        confidence: float,
        a: float = 0.5,
        b: float = 0.5,
        *,
        side: Side = "two-sided",
        expected_trials: SupportsIndex | None = None,
    ) -> None:
        self.confidence = _validate.as_confidence(confidence)
        self.a, self.b = _as_mixture(a, b)
        _validate.as_choice("side", side, SIDES)
        self.side = side
        self.expected_trials = _validate.as_expected("expected_trials", expected_trials)
        self.errors = self.trials = 0
        self.shards = (secrets.token_hex(8),)

    def update(self, errors: SupportsIndex, trials: SupportsIndex) -> None:
        """Add the next ``trials`` draws, ``errors`` of which were errors."""
        n_errors, n_trials = _validate.as_errors_of_trials(errors, trials)
        self.errors += n_errors
        self.trials += n_trials

    @property
    def interval(self) -> Interval:
        """The interval for all draws so far."""
        limits = _limits(self.confidence, self.side, self.a, self.b, self.expected_trials)
        interval = intervals_from(
            self.errors, self.trials, limits, confidence=self.confidence, side=self.side, method=METHOD
        )
        return cast(Interval, interval)

    def merge(self, other: BetaBinomialSequence) -> BetaBinomialSequence:
        """Return the sequence of the draws of both, for shards that draw independently from the same distribution.

        Each shard may stop by its own counts: as if the second had begun where the first ended, the merged total is
        one point on the path of one sequence of draws, and the interval holds on the whole path. For the same reason
        it holds at all mergers along one order of arrival, provided that neither what is waited for nor what is left
        out depends on the counts that are not yet in. It does not hold for the best of several selections of shards,
        nor if shards that are slow because they err are dropped at a deadline: that cannot be seen here.

        Parameters
        ----------
        other : BetaBinomialSequence
            With the same confidence, side, mixture and expected number of draws, and no draws in common.

        Returns
        -------
        BetaBinomialSequence
            A new one; both stay as they are.

        Raises
        ------
        TypeError
            If ``other`` is no such sequence.
        ValueError
            If the settings differ, or the two share draws: the same shard, a copy, or one that was merged before.
        """
        if not isinstance(other, BetaBinomialSequence):
            raise TypeError(f"other={other!r} must be a BetaBinomialSequence: draws are merged by their counts.")
        for name in ("confidence", "side", "a", "b", "expected_trials"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                raise ValueError(
                    f"{name}={theirs!r} of the other sequence must be {ours!r}, as here: a limit that holds at all "
                    f"times belongs to one bet, chosen before the draws."
                )
        common = sorted(set(self.shards) & set(other.shards))
        if common:
            raise ValueError(
                f"Both sequences hold draws of the shard {common[0]!r}: these would count twice. Merge each shard once."
            )
        result = self._like(self.errors + other.errors, self.trials + other.trials)
        result.shards = (*self.shards, *other.shards)
        return result

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON-safe values, for `from_dict`."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "shards"} | {
            "shards": list(self.shards)
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> BetaBinomialSequence:
        """Return the sequence whose `to_dict` was ``state``.

        Parameters
        ----------
        state : dict
            As `to_dict` returns it, also by way of JSON.

        Returns
        -------
        BetaBinomialSequence
            It continues the same shard, so that it is not merged with the one that was saved.

        Raises
        ------
        ValueError
            If an entry is missing, unknown or out of range.

        Examples
        --------
        >>> sequence = BetaBinomialSequence(0.95, side="lower")
        >>> sequence.update(3, 100)
        >>> BetaBinomialSequence.from_dict(sequence.to_dict()).interval == sequence.interval
        True
        """
        odd = sorted(set(state) ^ set(cls.__slots__))
        if odd:
            raise ValueError(
                f"state must have the entries that to_dict writes: {', '.join(odd)} is missing or unknown."
            )
        options = {name: state[name] for name in ("a", "b", "side", "expected_trials")}
        result = cls(state["confidence"], **options)
        result.update(state["errors"], state["trials"])
        shards = state["shards"]
        if not (isinstance(shards, list | tuple) and shards and all(isinstance(name, str) for name in shards)):
            raise ValueError(f"shards={shards!r} must be a list of names, as to_dict writes it.")
        result.shards = tuple(shards)
        return result

    def _like(self, errors: int, trials: int) -> BetaBinomialSequence:
        result = BetaBinomialSequence(
            self.confidence, self.a, self.b, side=self.side, expected_trials=self.expected_trials
        )
        result.errors, result.trials = errors, trials
        return result

    def __repr__(self) -> str:
        return f"BetaBinomialSequence({self.interval}, errors={self.errors}, trials={self.trials})"


# The functions below check nothing and take real counts, as in `isoperimetry.intervals.binomial`.


def lower_limit(errors: float, trials: float, level: float) -> float:
    """Return the one-sided lower limit at ``level`` with the mixture Beta(1/2, 1/2)."""
    return _one_limit(errors, trials - errors, level)[0]


def upper_limit(errors: float, trials: float, level: float) -> float:
    """Return the one-sided upper limit at ``level`` with the mixture Beta(1/2, 1/2)."""
    return _one_limit(trials - errors, errors, level)[1]


def log_martingale(errors: float, trials: float, logit: float, a: float, b: float) -> float:
    """Return log M_t at the rate 1 / (1 + exp(-logit)), as a divergence from p = (a + S)/(a + b + t)."""
    from isoperimetry.kernels.martingale import log_capital

    return log_capital(float(errors), float(trials - errors), float(logit), float(a), float(b), 0.0, SHARE, False)


def _one_limit(errors: float, others: float, level: float) -> tuple[float, float]:
    from isoperimetry.kernels.martingale import lower_logit, rate_of_logit

    v = lower_logit(float(errors), float(others), -math.log(level), 0.5, 0.5, 0.0, SHARE, True)
    return rate_of_logit(v)[:2]


@functools.lru_cache(maxsize=64)
def _limits(confidence: float, side: Side, a: float, b: float, expected_trials: int | None) -> Limits:
    from isoperimetry.kernels.martingale import fill_limits, limit

    level, one_sided = 1.0 - confidence, side != "two-sided"  # one martingale bounds both ends at the whole level
    strength = 0.0 if expected_trials is None else _strength(expected_trials, level, one_sided)
    target = max(-math.log(level), 2.0**-53)
    return Limits(fill_limits, limit, (target, a, b, strength, SHARE, one_sided))


def _strength(expected_trials: int, level: float, one_sided: bool) -> float:
    """Return a + b of the mixture that is narrowest at ``expected_trials``.

    For normal draws of variance v the best mixing variance is 1 / (n v / (w - 1)), with w - log(w) = 1 - 2 log(level),
    and twice the level for one side; a Beta distribution with mean m has it for a + b + 1 = n / (w - 1).
    """
    right = 1.0 - 2.0 * math.log(min(2.0 * level if one_sided else level, 0.9))
    w = right + math.log(right)
    for _ in range(50):
        w -= (w - math.log(w) - right) * w / (w - 1.0)
    return max(expected_trials / (w - 1.0) - 1.0, 0.1)


def _as_mixture(a: float, b: float) -> tuple[float, float]:
    for name, value in (("a", a), ("b", b)):
        array = _validate.as_float(name, value)
        if array.ndim or not 0 < array < math.inf:
            raise ValueError(f"{name}={value!r} must be finite and > 0: it is a parameter of the Beta mixture.")
    return float(a), float(b)
