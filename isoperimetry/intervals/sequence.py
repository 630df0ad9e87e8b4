"""Intervals of an error rate that hold at all numbers of draws at once, so that the counts may decide when to stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import SupportsIndex

from isoperimetry import _validate
from isoperimetry.intervals._stable import log_ratio, stirling_remainder
from isoperimetry.intervals.binomial import make_interval
from isoperimetry.results import Interval, Side

METHOD = "beta-binomial sequence"


def beta_binomial(
    errors: SupportsIndex,
    trials: SupportsIndex,
    *,
    confidence: float = 0.95,
    side: Side = "two-sided",
    a: float = 0.5,
    b: float = 0.5,
) -> Interval:
    r"""Interval of an error rate, valid at every number of draws simultaneously.

    With :math:`S` errors in :math:`t` draws and a Beta(a, b) mixture over the alternatives,

    .. math:: \log M_t(m) = \log B(a + S, b + t - S) - \log B(a, b) - S \log m - (t - S) \log(1 - m)

    is the logarithm of a non-negative martingale at the true rate; the interval holds the rates where it stays below
    log(1 / (1 - confidence)). One-sided limits truncate the mixture to the rates beyond m, a supermartingale for every
    rate on the other side of m.

    Parameters
    ----------
    errors : int
        Errors so far, 0 <= errors <= trials.
    trials : int
        Draws so far, >= 0; tested up to 1e12.
    confidence : float
        Probability, whatever the rate is, that the interval contains it at all times; in (0, 1).
    side : {"two-sided", "lower", "upper"}
        The limit that carries the confidence. Upper bounds of distances need "lower".
    a, b : float
        The mixture, > 0. It must be chosen before the draws; 1/2 suits rates of every size.

    Returns
    -------
    Interval
        ``low`` is 0 without errors, ``high`` is 1 if all draws are errors, both are trivial without draws.

    Raises
    ------
    TypeError
        If a count is no integer.
    ValueError
        If ``errors`` is negative or above ``trials``, ``confidence`` outside (0, 1), or ``a`` or ``b`` not > 0.

    Notes
    -----
    Sources: Robbins (1970), Statistical methods related to the law of the iterated logarithm, Ann. Math. Statist. 41;
    Ville (1939), Étude critique de la notion de collectif.

    Examples
    --------
    >>> interval = beta_binomial(10, 1000)
    >>> round(interval.low, 6), round(interval.high, 6)
    (0.002406, 0.026164)
    """
    n_errors, n_trials = _validate.as_errors_of_trials(errors, trials)
    _check_mixture(a, b)
    one_sided = side != "two-sided"

    def lower(s: float, t: float, level: float) -> float:
        return _expit(_lower_logit(s, t, level, a, b, one_sided)) if s > 0 else 0.0

    def upper(s: float, t: float, level: float) -> float:
        return _expit(-_lower_logit(t - s, t, level, b, a, one_sided)) if s < t else 1.0

    if not one_sided:
        # One martingale bounds both ends at the whole level: undo the halving that independent limits need.
        two_low, two_high = lower, upper
        return make_interval(
            n_errors, n_trials, confidence, side,
            lambda s, t, level: two_low(s, t, 2 * level), lambda s, t, level: two_high(s, t, 2 * level), METHOD,
        )  # fmt: skip
    return make_interval(n_errors, n_trials, confidence, side, lower, upper, METHOD)


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

    Examples
    --------
    >>> sequence = BetaBinomialSequence(0.95)
    >>> for errors in (3, 5, 2):
    ...     sequence.update(errors, 400)
    >>> sequence.errors, sequence.trials
    (10, 1200)
    >>> print(sequence.interval)
    [0.00198, 0.02196] (two-sided, 0.95, beta-binomial sequence)
    """

    __slots__ = ("a", "b", "confidence", "errors", "side", "trials")

    def __init__(self, confidence: float, a: float = 0.5, b: float = 0.5, *, side: Side = "two-sided") -> None:
        self.confidence = _validate.as_confidence(confidence)
        _check_mixture(a, b)
        self.a, self.b, self.side = a, b, side
        self.errors = self.trials = 0

    def update(self, errors: SupportsIndex, trials: SupportsIndex) -> None:
        """Add the next ``trials`` draws, ``errors`` of which were errors."""
        n_errors, n_trials = _validate.as_errors_of_trials(errors, trials)
        self.errors += n_errors
        self.trials += n_trials

    @property
    def interval(self) -> Interval:
        """The interval for all draws so far."""
        totals = self.errors, self.trials
        return beta_binomial(*totals, confidence=self.confidence, side=self.side, a=self.a, b=self.b)

    def __repr__(self) -> str:
        return f"BetaBinomialSequence({self.interval}, errors={self.errors}, trials={self.trials})"


# The functions below check nothing and take real counts, as in `isoperimetry.intervals.binomial`.


def lower_limit(errors: float, trials: float, level: float) -> float:
    """Return the one-sided lower limit at ``level`` with the mixture Beta(1/2, 1/2)."""
    return _expit(_lower_logit(errors, trials, level, 0.5, 0.5, True)) if errors > 0 else 0.0


def upper_limit(errors: float, trials: float, level: float) -> float:
    """Return the one-sided upper limit at ``level`` with the mixture Beta(1/2, 1/2)."""
    if errors >= trials:
        return 1.0
    return _expit(-_lower_logit(trials - errors, trials, level, 0.5, 0.5, True))


def log_martingale(errors: float, trials: float, logit: float, a: float, b: float) -> float:
    """Return log M_t at the rate 1 / (1 + exp(-logit)), as a divergence from p = (a + S)/(a + b + t)."""
    rate, complement = _expit(logit), _expit(-logit)
    x, y = a + errors, b + trials - errors
    p, p_complement = x / (x + y), y / (x + y)
    gap = p - rate if rate < complement else complement - p_complement
    result = a * math.log(p) + b * math.log(p_complement) + 0.5 * math.log(2 * math.pi / (x * p_complement))
    result += stirling_remainder(x) + stirling_remainder(y) - stirling_remainder(x + y)
    result -= math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    if errors > 0:
        result += errors * log_ratio(p, rate, gap, -_softplus(-logit))
    if errors < trials:
        result += (trials - errors) * log_ratio(p_complement, complement, -gap, -_softplus(logit))
    return result


def _lower_logit(errors: float, trials: float, level: float, a: float, b: float, one_sided: bool) -> float:
    # The martingale is convex in the logit and decreases left of errors/trials, so Newton's method from a point where
    # it is too large goes up to the root without passing it.
    target = -math.log(level)
    right = math.log(errors / (trials - errors)) if errors < trials else 750.0
    left, width = min(right, math.log((a + errors) / (b + trials - errors))), 1.0

    def two_sided_excess(v: float) -> tuple[float, float]:
        return log_martingale(errors, trials, v, a, b) - target, trials * _expit(v) - errors

    while two_sided_excess(left)[0] < 0:
        left, width = left - width, 2 * width
    root = _decreasing_root(two_sided_excess, left, right)
    if not one_sided:
        return root

    from isoperimetry.kernels.beta import betaln, log_betainc_tail

    x, y = a + errors, b + trials - errors
    log_beta = betaln(x, y)

    def one_sided_excess(v: float) -> tuple[float, float]:
        rate, complement = _expit(v), _expit(-v)
        above, prior_above = (
            log_betainc_tail(y, x, complement, rate, True),
            log_betainc_tail(b, a, complement, rate, True),
        )
        value = log_martingale(errors, trials, v, a, b) + (above - prior_above) - target
        # The slope only guides the steps, so the prior's share in it is left out.
        log_density = -x * _softplus(-v) - y * _softplus(v) - log_beta
        return value, trials * rate - errors - math.exp(log_density - above)

    # At the two-sided root the truncated mixture is larger than the whole one (rates left of the root have likelihood
    # ratios below 1), at errors/trials it is at most 1: the one-sided root lies between.
    return _decreasing_root(one_sided_excess, root, right)


def _decreasing_root(function: Callable[[float], tuple[float, float]], left: float, right: float) -> float:
    # Newton's method on function(v) = (value, slope), held within a bracket.
    point = left
    for _ in range(200):
        value, slope = function(point)
        if value >= 0:
            left = point
        else:
            right = point
        following = point - value / slope if slope < 0 else right
        if not left <= following <= right:
            following = 0.5 * (left + right)
        step, point = following - point, following
        if abs(step) <= 4e-16 * max(1.0, abs(point)):
            break
    return point


def _expit(v: float) -> float:
    if v >= 0:
        return 1.0 / (1.0 + math.exp(-v))
    return math.exp(v) / (1.0 + math.exp(v))


def _softplus(v: float) -> float:
    return max(v, 0.0) + math.log1p(math.exp(-abs(v)))


def _check_mixture(a: float, b: float) -> None:
    for name, value in (("a", a), ("b", b)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name}={value!r} must be finite and > 0: it is a parameter of the Beta mixture.")
