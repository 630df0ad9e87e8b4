from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.intervals import clopper_pearson
from isoperimetry.intervals.binomial import lower_limit, probability_at_least, probability_at_most, upper_limit
from isoperimetry.results import Interval, Intervals
from isoperimetry.testing import assert_covers

counts = st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.floats(1e-12, 0.49)


def tail(errors: int, trials: int, rate: float) -> mp.mpf:
    """P[K >= errors] as an exact sum, with enough digits for what cancels."""
    x = mp.mpf(rate)
    return 1 - mp.fsum(mp.binomial(trials, i) * x**i * (1 - x) ** (trials - i) for i in range(errors))


def slope(errors: int, trials: int, rate: float) -> mp.mpf:
    """The derivative of `tail`, which turns an error of the level into one of the rate."""
    x = mp.mpf(rate)
    return errors * mp.binomial(trials, errors) * x ** (errors - 1) * (1 - x) ** (trials - errors)


@pytest.mark.parametrize(
    ("errors", "trials", "side", "low", "high"),
    [
        (10, 1000, "lower", 0.0054351401447067733352, 1.0),
        (10, 1000, "two-sided", 0.0048055106910493071916, 0.018313243055112452223),
        (0, 1000, "upper", 0.0, 0.0029912495450952962443),
        (1000, 1000, "lower", 0.99700875045490470376, 1.0),
        (0, 0, "two-sided", 0.0, 1.0),
    ],
)
def test_table(errors: int, trials: int, side: str, low: float, high: float) -> None:
    interval = clopper_pearson(errors, trials, side=side)
    assert interval.low == pytest.approx(low, rel=2e-15)
    assert interval.high == pytest.approx(high, rel=2e-15)


@pytest.mark.parametrize("errors", [1, 2, 7, 60])
@pytest.mark.parametrize("trials", [61, 1000, 10**6, 10**9, 10**12])
@pytest.mark.parametrize("level", [0.45, 0.05, 5e-4, 1e-12, 5e-300])
def test_limits_solve_their_equations(errors: int, trials: int, level: float) -> None:
    with mp.workdps(400):
        rate = lower_limit(errors, trials, level)
        assert abs((tail(errors, trials, rate) - level) / slope(errors, trials, rate)) < 1e-11 * rate
        if level > 1e-16:
            rate = upper_limit(errors, trials, level)
            excess = 1 - tail(errors + 1, trials, rate) - level
            assert abs(excess / slope(errors + 1, trials, rate)) < 1e-11 * rate


@given(counts, levels)
def test_laws(count: tuple[int, int], level: float) -> None:
    errors, trials = count
    low, high = lower_limit(errors, trials, level), upper_limit(errors, trials, level)
    assert 0 <= low <= errors / trials <= high <= 1
    assert low == pytest.approx(1 - upper_limit(trials - errors, trials, level), rel=1e-9, abs=1e-15)
    assert lower_limit(errors, trials, level / 2) <= low  # nested
    if errors < trials:
        assert lower_limit(errors + 1, trials, level) > low
    if trials < 10**6:
        assert lower_limit(3 * errors, 3 * trials, level) >= low
        assert upper_limit(3 * errors, 3 * trials, level) <= high
    if errors:
        assert probability_at_least(errors, trials, low) == pytest.approx(level, rel=1e-7)


@pytest.mark.parametrize("confidence", [0.9, 0.999])
def test_coverage_exact(confidence: float) -> None:
    """Sums the probabilities of all counts: no rate is left out more often than allowed, and some nearly as often."""
    trials, level = 50, 1 - confidence
    low = np.array([lower_limit(k, trials, level) for k in range(trials + 1)])
    high = np.array([upper_limit(k, trials, level) for k in range(trials + 1)])
    missed_low, missed_high = [], []
    for rate in np.linspace(0.001, 0.999, 999):
        mass = stats.binom.pmf(np.arange(trials + 1), trials, rate)
        missed_low.append(mass[low > rate].sum())
        missed_high.append(mass[high < rate].sum())
    for missed in (missed_low, missed_high):
        assert 0.8 * level < max(missed) <= level * (1 + 1e-12)


@pytest.mark.parametrize("side", ["two-sided", "lower", "upper"])
@pytest.mark.parametrize("confidence", [0.3, 0.9, 0.999])
def test_coverage_of_all_counts(side: str, confidence: float) -> None:
    assert_covers(
        lambda errors, trials: clopper_pearson(errors, trials, confidence=confidence, side=side), confidence=confidence,
        trials=(1, 2, 5, 20, 100),
    )  # fmt: skip


@pytest.mark.parametrize("side", ["two-sided", "lower", "upper"])
def test_arrays_hold_the_intervals_of_single_counts(side: str, rng: np.random.Generator) -> None:
    trials = np.array([1, 10, 1000, 10**12])
    errors = np.minimum(rng.integers(0, 12, (30, 4)), trials)
    errors[0] = trials
    intervals = clopper_pearson(errors, trials, side=side)
    assert isinstance(intervals, Intervals) and intervals.shape == (30, 4)
    for index in np.ndindex(30, 4):
        assert intervals[index] == clopper_pearson(int(errors[index]), int(trials[index[1]]), side=side)
    assert isinstance(clopper_pearson(np.int32(3), np.array(10)), Interval)  # 0-d is a scalar
    assert clopper_pearson([], []).shape == (0,)
    assert clopper_pearson(np.array([3], dtype=np.uint8), 200)[0] == clopper_pearson(3, 200)


def test_logarithms(rng: np.random.Generator) -> None:
    """Of a limit next to 1 a float64 keeps no digits; its logarithm does, and so does the distance."""
    trials, level = 10**12, 0.05
    interval = clopper_pearson(trials, trials, side="lower")
    assert interval.log_low == pytest.approx(math.log(level) / trials, rel=1e-14)
    with mp.workdps(40):
        z = -mp.sqrt(2) * mp.erfinv(2 * mp.e ** (mp.log(mp.mpf(1 - interval.confidence)) / trials) - 1)
    assert interval.distance_upper_bound() == 0
    assert interval.distance(2.0)[1] == pytest.approx(2 * float(z), rel=1e-14)
    upper = clopper_pearson(0, trials, side="upper")
    assert upper.log_high == pytest.approx(math.log(-math.log(level) / trials), rel=1e-12)
    many = clopper_pearson(rng.integers(0, 1000, 50), 1000)
    assert np.exp(many.log_low) == pytest.approx(many.low, rel=1e-14)
    assert np.exp(many.log_high) == pytest.approx(many.high, rel=1e-14)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=40), st.floats(0.01, 0.999)
)
def test_mirrored(counts: list[tuple[int, int]], confidence: float) -> None:
    errors, others = np.array(counts).T
    given = clopper_pearson(errors, errors + others, confidence=confidence)
    mirrored = clopper_pearson(others, errors + others, confidence=confidence)
    np.testing.assert_allclose(mirrored.low, 1 - given.high, rtol=1e-12, atol=1e-15)
    assert np.all((given.low <= given.high) & (given.low >= 0) & (given.high <= 1))


def test_distance_reverses_the_limits() -> None:
    interval = clopper_pearson(10, 1000)
    low, high = interval.distance(sigma=2.0)
    assert (low, high) == pytest.approx((2 * 2.0899033109951947473, 2 * 2.5895186599142424065), rel=1e-14)
    assert clopper_pearson(0, 1000).distance()[1] == math.inf
    assert clopper_pearson(0, 1000, side="upper").distance()[0] == pytest.approx(2.7487390629626344298, rel=1e-13)


def test_binomial_probabilities() -> None:
    assert probability_at_most(5, 20, 0.5) == pytest.approx(0.020694732666015625, rel=1e-14)
    assert probability_at_most(22, 60, 0.5) == pytest.approx(0.025946947964460715871, rel=1e-14)
    assert probability_at_most(23, 60, 0.5) == pytest.approx(0.046230490536461865334, rel=1e-14)
    assert probability_at_most(-1, 5, 0.5) == 0 and probability_at_most(5, 5, 0.5) == 1
    assert probability_at_least(0, 5, 0.5) == 1 and probability_at_least(6, 5, 0.5) == 0
    assert probability_at_most(3, 9, 0.2) + probability_at_least(4, 9, 0.2) == pytest.approx(1, rel=1e-15)


@pytest.mark.parametrize(
    ("errors", "trials", "options", "error", "message"),
    [
        (11, 10, {}, ValueError, "errors=11 must be <= trials=10"),
        (-1, 10, {}, ValueError, "errors=-1 must be >= 0"),
        (1.5, 10, {}, TypeError, "errors=1.5 must be an integer"),
        (math.nan, 10, {}, TypeError, "errors=nan must be an integer"),
        (1, "10", {}, TypeError, "trials='10' must be an integer"),
        (
            [1, 11],
            10,
            {},
            ValueError,
            r"errors has 1 entry outside its range, the first is errors\[1\]=11: all must be <=",
        ),
        ([1, -1], 10, {}, ValueError, r"errors\[1\]=-1: all must be >= 0"),
        (1, [10, -3], {}, ValueError, r"trials\[1\]=-3: all must be >= 0"),
        ([1.0, 2.0], 10, {}, TypeError, "errors has entries of type float64 but must hold integers"),
        ([1, math.nan], 10, {}, TypeError, "errors has entries of type float64"),
        ([True], 10, {}, TypeError, "errors has entries of type bool"),
        (np.ma.masked_array([1, 2], [True, False]), 10, {}, TypeError, "errors is a masked array"),
        (np.array([2**63], dtype=np.uint64), 10, {}, ValueError, "must be < "),
        ([1, 2, 3], [10, 10], {}, ValueError, r"The shapes of errors \(3,\), trials \(2,\) do not broadcast"),
        (1, 10, {"confidence": [0.9, 0.95]}, ValueError, "confidence="),
        (1, 10, {"confidence": 0.0}, ValueError, "confidence=0.0"),
        (1, 10, {"confidence": 95}, ValueError, "confidence=95 must be one number in"),
        (1, 10, {"confidence": math.nan}, ValueError, "confidence=nan"),
        (1, 10, {"side": "left"}, ValueError, "side='left' must be one of"),
    ],
)
def test_bad_input(errors: object, trials: int, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        clopper_pearson(errors, trials, **options)
