from __future__ import annotations

import json
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.intervals import BetaBinomialSequence, beta_binomial
from isoperimetry.intervals.sequence import SHARE, log_martingale, lower_limit, upper_limit
from isoperimetry.results import Intervals

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
    ulp = math.ulp(rate) * abs(trials * rate - errors) / (rate * (1 - rate))  # of the rate
    assert log_martingale(errors, trials, v, 0.5, 0.5) == pytest.approx(float(truth), abs=1e-13 + 2 * ulp, rel=1e-12)


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


def runs_passed(limit, rate: float, n_draws: int, n_runs: int, rng: np.random.Generator, **options) -> int:
    """Return how many runs of draws have a lower limit above, or an upper one below, the rate at any time."""
    passed = 0
    for _ in range(n_runs):
        draws = rng.random(n_draws) < rate
        ends = np.flatnonzero(draws) if limit == "low" else np.append(np.flatnonzero(draws[1:]), n_draws - 1)
        intervals = beta_binomial(np.cumsum(draws)[ends], ends + 1, **options)
        passed += bool((intervals.low > rate).any() if limit == "low" else (intervals.high < rate).any())
    return passed


@pytest.mark.parametrize("expected_trials", [None, 1000])
@pytest.mark.parametrize(("side", "limit"), [("lower", "low"), ("two-sided", "low"), ("upper", "high")])
def test_coverage_at_every_stopping_time(
    side: str, limit: str, expected_trials: int | None, rng: np.random.Generator
) -> None:
    """A lower limit grows at errors, an upper one falls until the next: it passes the rate there or never."""
    rate, n_runs, level = 0.02, 400, 0.2
    options = {"confidence": 1 - level, "side": side, "expected_trials": expected_trials}
    passed = runs_passed(limit, rate, 1500, n_runs, rng, **options)
    # fails with probability 1e-6 if the limit were passed exactly as often as allowed
    assert passed <= stats.binom.isf(1e-6, n_runs, level)
    assert passed > 0  # the test sees passages at all


@pytest.mark.parametrize("expected_trials", [None, 30])
@pytest.mark.parametrize("side", ["lower", "upper", "two-sided"])
@pytest.mark.parametrize("rate", [0.03, 0.3, 0.5, 0.9])
def test_coverage_exact(rate: float, side: str, expected_trials: int | None) -> None:
    """The probability that any of the first 60 intervals misses the rate, by enumeration of all counts."""
    level, last = 0.3, 60
    mass = np.ones(1)  # of the counts whose intervals have all held so far
    for t in range(1, last + 1):
        mass = np.convolve(mass, [1 - rate, rate])
        intervals = beta_binomial(np.arange(t + 1), t, confidence=1 - level, side=side, expected_trials=expected_trials)
        mass[(intervals.low > rate) | (intervals.high < rate)] = 0.0
    assert 1 - mass.sum() <= level
    assert mass.sum() < 1 - level / 20  # some are missed: the bound is not empty


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
    sequence = BetaBinomialSequence(0.99, side="lower", expected_trials=500)
    assert (sequence.interval.low, sequence.interval.high) == (0.0, 1.0)
    for errors, trials in ((0, 100), (3, 250), (7, 650)):
        sequence.update(errors, trials)
    assert sequence.interval == beta_binomial(10, 1000, confidence=0.99, side="lower", expected_trials=500)
    assert "errors=10, trials=1000" in repr(sequence)


@pytest.mark.parametrize("side", ["lower", "upper", "two-sided"])
@pytest.mark.parametrize("expected_trials", [None, 2000])
def test_arrays_hold_the_intervals_of_single_counts(side: str, expected_trials: int | None) -> None:
    errors, trials = np.array([[0, 1, 10], [5, 1000, 999]]), np.array([5, 1000, 1000])
    options = {"side": side, "expected_trials": expected_trials, "a": 0.5, "b": 2.0}
    found = beta_binomial(np.minimum(errors, trials), trials, **options)
    assert isinstance(found, Intervals) and found.shape == (2, 3)
    for index in np.ndindex(2, 3):
        k, n = int(min(errors[index], trials[index[1]])), int(trials[index[1]])
        assert found[index] == beta_binomial(k, n, **options)


def test_narrowest_where_it_is_expected() -> None:
    """Where all is normal the best mixture is 1.396 times as narrow at 1e5 draws; 5 % of the capital are elsewhere."""

    def width(trials: int, expected: int | None) -> float:
        interval = beta_binomial(trials // 10, trials, expected_trials=expected)
        return interval.high - interval.low

    assert SHARE == 0.95
    assert width(10**5, None) / width(10**5, 10**5) == pytest.approx(1.396 / 1.007, rel=0.005)
    assert all(width(10**5, 10**5) < width(10**5, n) for n in (10**4, 3 * 10**4, 3 * 10**5, 10**6))
    assert width(1000, 10**7) < 1.3 * width(1000, None)  # and not ruined where it is not


def shard(errors: int, trials: int, **options) -> BetaBinomialSequence:
    sequence = BetaBinomialSequence(**{"confidence": 0.95, **options})
    sequence.update(errors, trials)
    return sequence


def test_merged_shards_are_one_sequence() -> None:
    first, second, third = shard(3, 400), shard(0, 100), shard(9, 800)
    merged = first.merge(second)
    assert (merged.errors, merged.trials) == (3, 500)
    assert (first.errors, second.trials) == (3, 100)  # both stay as they are
    both = merged.merge(third)
    assert both.interval == first.merge(third).merge(second).interval == beta_binomial(12, 1300)
    assert set(both.shards) == {*first.shards, *second.shards, *third.shards}
    both.update(1, 10)
    assert (both.errors, merged.errors) == (13, 3)


def test_coverage_of_shards_that_stop_by_their_own_counts(rng: np.random.Generator) -> None:
    """Four shards, each of which stops when its own rate looks large, or gives up; the total misses rarely enough."""
    rate, level, n_runs, passed = 0.05, 0.2, 800, 0
    for _ in range(n_runs):
        errors = trials = 0
        for _ in range(4):
            counts = np.cumsum(rng.random(300) < rate)
            looks = np.flatnonzero(counts > 0.1 * np.arange(1, 301) + 1)
            stop = int(looks[0]) if looks.size else 299
            errors, trials = errors + int(counts[stop]), trials + stop + 1
        passed += beta_binomial(errors, trials, confidence=1 - level, side="lower").low > rate
    assert 0 < passed <= stats.binom.isf(1e-6, n_runs, level)  # fails with probability 1e-6 at the level itself


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        (shard(1, 10, confidence=0.9), ValueError, "confidence=0.9 of the other sequence must be 0.95"),
        (shard(1, 10, side="lower"), ValueError, "side='lower' of the other"),
        (shard(1, 10, a=1.0), ValueError, "a=1.0 of the other"),
        (shard(1, 10, expected_trials=7), ValueError, "expected_trials=7 of the other"),
        (3, TypeError, "other=3 must be a BetaBinomialSequence"),
    ],
)
def test_what_cannot_be_merged(other: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        shard(1, 10).merge(other)


def test_no_draw_counts_twice() -> None:
    first, second = shard(3, 400), shard(1, 100)
    merged = first.merge(second)
    copy = BetaBinomialSequence.from_dict(first.to_dict())
    for pair in ((first, first), (merged, first), (second, merged), (merged, merged), (copy, first), (copy, merged)):
        with pytest.raises(ValueError, match=r"hold draws of the shard '[0-9a-f]{16}': these would count twice"):
            pair[0].merge(pair[1])


def test_state_survives_json() -> None:
    sequence = shard(3, 400, side="upper", expected_trials=10**4, a=0.25).merge(
        shard(5, 10**12, side="upper", expected_trials=10**4, a=0.25)
    )
    again = BetaBinomialSequence.from_dict(json.loads(json.dumps(sequence.to_dict())))
    assert again.to_dict() == sequence.to_dict()
    assert again.interval == sequence.interval
    for state, message in (
        ({**sequence.to_dict(), "errors": 10**13}, "errors=10000000000000 must be <="),
        ({**sequence.to_dict(), "shards": []}, "shards="),
        ({**sequence.to_dict(), "draws": 1}, "draws is missing or unknown"),
        ({"errors": 1}, "is missing or unknown"),
    ):
        with pytest.raises(ValueError, match=message):
            BetaBinomialSequence.from_dict(state)


def test_limits_keep_their_logarithms() -> None:
    interval = beta_binomial(1, 10**12, side="lower")
    assert math.exp(interval.log_low) == pytest.approx(interval.low, rel=1e-14)
    nearly = beta_binomial(10**12, 10**12, side="lower")
    assert nearly.log_low == pytest.approx(math.log1p(-beta_binomial(0, 10**12, side="upper").high), rel=1e-12)
    assert lower_limit(10, 1000, 0.05) == pytest.approx(beta_binomial(10, 1000, side="lower").low, rel=1e-14)
    assert upper_limit(10, 1000, 0.05) == pytest.approx(beta_binomial(10, 1000, side="upper").high, rel=1e-14)


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
        (lambda: beta_binomial([1, 3], 2), ValueError, r"errors has 1 entry .* errors\[1\]=3: all must be <= trials"),
        (lambda: beta_binomial(1, 2, expected_trials=0), ValueError, "expected_trials=0 must be >= 1"),
        (lambda: beta_binomial(1, 2, expected_trials=1e3), TypeError, "expected_trials=1000.0 must be an integer"),
        (lambda: beta_binomial(1, 2, a="1"), TypeError, "a='1' must be a real number"),
        (lambda: BetaBinomialSequence(0.9, side="both"), ValueError, "side='both' must be one of"),
        (lambda: BetaBinomialSequence(1.0), ValueError, "confidence=1.0 must be"),
        (lambda: BetaBinomialSequence(0.9).update(0.5, 1), TypeError, "errors=0.5 must be an integer"),
    ],
)
def test_bad_input(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
