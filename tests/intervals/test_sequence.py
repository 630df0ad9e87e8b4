from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.intervals import BetaBinomialSequence, beta_binomial
from isoperimetry.intervals.sequence import log_martingale, lower_limit

counts = st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
mixtures = st.floats(0.05, 50)
confidences = st.floats(0.5, 1 - 1e-9)


def logit(rate: float) -> float:
    return math.log(rate) - math.log1p(-rate)


@pytest.mark.parametrize(
    ("errors", "options", "low", "high"),
    [
        (10, {}, 0.0024064682835968922058, 0.026164430376455363487),
        (10, {"a": 1, "b": 1}, 0.0020754812028412134452, 0.027941747443633189694),
        (10, {"side": "lower"}, 0.0024165213019869542962, 1.0),
        (0, {}, 0.0, 0.0069975025214264116233),
        (990, {"side": "upper"}, 0.0, 1 - 0.0024165213019869542962),
    ],
)
def test_table(errors: int, options: dict, low: float, high: float) -> None:
    interval = beta_binomial(errors, 1000, **options)
    assert interval.low == pytest.approx(low, rel=1e-14)
    assert interval.high == pytest.approx(high, rel=1e-14)


@pytest.mark.parametrize(
    ("errors", "trials", "rate"),
    [
        (10, 1000, 0.005),
        (3, 10, 0.1),
        (0, 10**12, 1e-11),
        (10**12, 10**12, 0.99999999),
        (10**6, 10**12, 0.99e-6),
        (5 * 10**11, 10**12, 0.499999),
        (5 * 10**11, 10**12, 0.50001),
    ],
)
def test_log_martingale_against_mpmath(errors: int, trials: int, rate: float) -> None:
    v = logit(rate)
    with mp.workdps(50):
        m, half = 1 / (1 + mp.exp(-mp.mpf(v))), mp.mpf(1) / 2

        def lbeta(x: mp.mpf, y: mp.mpf) -> mp.mpf:
            return mp.loggamma(x) + mp.loggamma(y) - mp.loggamma(x + y)

        truth = lbeta(half + errors, half + trials - errors) - lbeta(half, half)
        truth -= errors * mp.log(m) + (trials - errors) * mp.log(1 - m)
    assert log_martingale(errors, trials, v, 0.5, 0.5) == pytest.approx(float(truth), abs=1e-9, rel=1e-12)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.floats(0.01, 0.99), mixtures, mixtures, st.randoms())
def test_is_a_betting_product(draws: list[bool], rate: float, a: float, b: float, random) -> None:
    random.shuffle(draws)  # the order cannot matter
    total, errors = 0.0, 0
    for index, draw in enumerate(draws):
        guess = (a + errors) / (a + b + index)
        total += math.log1p((guess - rate) / (rate * (1 - rate)) * (draw - rate))
        errors += draw
    assert log_martingale(errors, len(draws), logit(rate), a, b) == pytest.approx(total, abs=1e-9)


@given(counts, confidences, mixtures, mixtures)
def test_laws(count: tuple[int, int], confidence: float, a: float, b: float) -> None:
    errors, trials = count
    interval = beta_binomial(errors, trials, confidence=confidence, a=a, b=b)
    assert 0 <= interval.low <= errors / trials <= interval.high <= 1
    mirrored = beta_binomial(trials - errors, trials, confidence=confidence, a=b, b=a)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - interval.high, 1 - interval.low), abs=1e-10)
    for end in (interval.low, interval.high):
        if 1e-12 < end < 1 - 1e-6:
            excess = log_martingale(errors, trials, logit(end), a, b) + math.log(1 - confidence)
            assert excess == pytest.approx(0, abs=1e-7)
    wider = beta_binomial(errors, trials, confidence=0.5 + confidence / 2, a=a, b=b)
    assert wider.low <= interval.low and interval.high <= wider.high
    one_sided = beta_binomial(errors, trials, confidence=confidence, a=a, b=b, side="lower")
    assert interval.low * (1 - 1e-12) <= one_sided.low <= errors / trials


@pytest.mark.parametrize("side", ["lower", "two-sided"])
def test_coverage_at_every_stopping_time(side: str, rng: np.random.Generator) -> None:
    """A lower limit grows only at errors, so these are the times at which it may pass the true rate."""
    rate, n_draws, n_runs, level = 0.02, 1500, 600, 0.1
    passed = 0
    for _ in range(n_runs):
        times = np.flatnonzero(rng.random(n_draws) < rate) + 1
        passed += any(
            beta_binomial(k + 1, int(t), confidence=1 - level, side=side).low > rate for k, t in enumerate(times)
        )
    # fails with probability 1e-6 if the limit were passed exactly as often as allowed
    assert passed <= stats.binom.isf(1e-6, n_runs, level)
    assert passed > 0  # the test sees passages at all


def test_fixed_interval_would_be_passed(rng: np.random.Generator) -> None:
    """The limit for a fixed number of draws is passed more often than its level if it is looked at all along."""
    from isoperimetry.intervals import clopper_pearson

    rate, n_draws, n_runs, level = 0.02, 1500, 400, 0.05
    passed = 0
    for _ in range(n_runs):
        times = np.flatnonzero(rng.random(n_draws) < rate) + 1
        passed += any(
            clopper_pearson(k + 1, int(t), confidence=1 - level, side="lower").low > rate for k, t in enumerate(times)
        )
    assert passed > stats.binom.isf(1e-6, n_runs, level)


def test_streaming_equals_totals() -> None:
    sequence = BetaBinomialSequence(0.99, side="lower")
    assert (sequence.interval.low, sequence.interval.high) == (0.0, 1.0)
    for errors, trials in ((0, 100), (3, 250), (7, 650)):
        sequence.update(errors, trials)
    assert sequence.interval == beta_binomial(10, 1000, confidence=0.99, side="lower")
    assert "errors=10, trials=1000" in repr(sequence)


@pytest.mark.parametrize(("errors", "trials"), [(1, 10**12), (10**6, 10**12), (10**12, 10**12), (5, 5), (1, 1)])
@pytest.mark.parametrize("level", [0.5, 0.05, 5e-301])
def test_extremes_are_finite_and_ordered(errors: int, trials: int, level: float) -> None:
    low = lower_limit(errors, trials, level)
    assert 0 <= low <= errors / trials
    assert low > 0 or level < 1e-300


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: beta_binomial(3, 2), ValueError, "errors=3 must be <= trials=2"),
        (lambda: beta_binomial(1, 2, a=0), ValueError, "a=0 must be finite and > 0"),
        (lambda: beta_binomial(1, 2, b=math.inf), ValueError, "b=inf must be finite"),
        (lambda: beta_binomial(1, 2, side="both"), ValueError, "side='both' must be one of"),
        (lambda: BetaBinomialSequence(1.0), ValueError, "confidence=1.0 must be"),
        (lambda: BetaBinomialSequence(0.9).update(0.5, 1), TypeError, "errors=0.5 must be an integer"),
    ],
)
def test_bad_input(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
