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
        (1, 10, {"confidence": 95}, ValueError, "confidence=95 must be one number in"),
        (1, 10, {"confidence": math.nan}, ValueError, "confidence=nan"),
        (1, 10, {"side": "left"}, ValueError, "side='left' must be one of"),
    ],
)
def test_bad_input(errors: object, trials: int, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        clopper_pearson(errors, trials, **options)
