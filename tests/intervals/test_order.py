from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.intervals import quantile_lower_bound, quantile_upper_bound, rate_quantile
from isoperimetry.intervals.order import lower_rank, upper_rank

# few values, so that ties are common
samples = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, math.inf]), min_size=1, max_size=80)
rates = st.floats(0.02, 0.98)


@pytest.mark.parametrize(("size", "level", "rank"), [(20, 0.05, 6), (60, 0.05, 24), (100, 0.025, 40), (5, 0.05, 1)])
def test_table(size: int, level: float, rank: int) -> None:
    assert quantile_lower_bound(np.arange(1, size + 1), confidence=1 - level) == rank
    assert lower_rank(size, 0.5, level) == rank


def test_too_few_draws() -> None:
    assert quantile_lower_bound([1.0, 2.0, 3.0, 4.0], confidence=0.95) == -math.inf
    assert quantile_upper_bound([1.0, 2.0, 3.0, 4.0], confidence=0.95) == math.inf


def test_infinities_and_order() -> None:
    values = [math.inf] * 15 + [3.0] * 5
    assert quantile_lower_bound(values, confidence=0.95) == math.inf
    assert quantile_lower_bound(values[::-1], confidence=0.95) == math.inf
    assert quantile_lower_bound(values[4:], confidence=0.95) == 3.0


@given(st.integers(1, 300), rates, st.floats(1e-9, 0.5))
def test_ranks_by_definition(size: int, q: float, level: float) -> None:
    below = stats.binom.cdf(np.arange(-1, size + 1), size, q)  # P[K <= j - 1] for j = 0 ... size + 1
    near = np.abs(below - level) < 1e-12
    if not near.any():
        assert lower_rank(size, q, level) == np.flatnonzero(below <= level).max()
    above = stats.binom.sf(np.arange(-1, size + 1), size, q)
    if not (np.abs(above - level) < 1e-12).any():
        assert upper_rank(size, q, level) == np.flatnonzero(above <= level).min()


@given(samples, rates, st.floats(0.5, 0.9999))
def test_laws(values: list[float], q: float, confidence: float) -> None:
    low = quantile_lower_bound(values, q=q, confidence=confidence)
    high = quantile_upper_bound(values, q=q, confidence=confidence)
    assert low <= high
    assert low <= quantile_lower_bound(values, q=q, confidence=confidence - 0.4)
    assert low <= quantile_lower_bound(values, q=q + (1 - q) / 2, confidence=confidence)
    mirrored = quantile_upper_bound([-value for value in values], q=1 - q, confidence=confidence)
    level = 1 - confidence
    ranks = [lower_rank(len(values), q, level * (1 + shift)) for shift in (-1e-9, 1e-9)]
    if ranks[0] == ranks[1]:  # else the level is a binomial probability to rounding
        assert mirrored == -low


@given(samples, st.floats(0.1, 0.9), st.sampled_from([0.0, 0.5, 0.7, 1.0, 2.0]), st.floats(0.5, 0.9999))
def test_bound_exceeds_iff_the_count_is_small(values: list[float], q: float, limit: float, confidence: float) -> None:
    from isoperimetry.intervals.binomial import probability_at_most

    within = sum(value <= limit for value in values)
    rejected = probability_at_most(within, len(values), q) <= 1 - confidence
    assert (quantile_lower_bound(values, q=q, confidence=confidence) > limit) == rejected


@pytest.mark.parametrize("size", [20, 60])
@pytest.mark.parametrize("q", [0.1, 0.5])
def test_coverage_exact(size: int, q: float) -> None:
    """For a continuous distribution A_(j) exceeds the quantile iff at most j - 1 draws are below it."""
    rank = lower_rank(size, q, 0.05)
    assert rank == 0 or stats.binom.cdf(rank - 1, size, q) <= 0.05 < stats.binom.cdf(rank, size, q)


ATOMS = np.array([0.0, 1.0, 3.0, math.inf])


@pytest.mark.parametrize("mass", [(0.2, 0.3, 0.1, 0.4), (0.05, 0.05, 0.0, 0.9), (0.5, 0.0, 0.25, 0.25)])
@pytest.mark.parametrize("q", [0.05, 0.5, 0.6, 0.9])
def test_coverage_with_ties_and_infinity_exact(mass: tuple[float, ...], q: float) -> None:
    """All samples of 9 draws from four atoms, with their multinomial probabilities."""
    size, level = 9, 0.1
    quantile = ATOMS[np.flatnonzero(np.cumsum(mass) >= q - 1e-12)[0]]
    upper_quantile = ATOMS[np.flatnonzero(np.cumsum(mass) > q + 1e-12)[0]]  # both, and all between, are q-quantiles
    missed_low = missed_high = 0.0
    for a in range(size + 1):
        for b in range(size + 1 - a):
            for c in range(size + 1 - a - b):
                counts = (a, b, c, size - a - b - c)
                chance = stats.multinomial.pmf(counts, size, mass)
                sample = np.repeat(ATOMS, counts)
                missed_low += chance * (quantile_lower_bound(sample, q=q, confidence=1 - level) > quantile)
                missed_high += chance * (quantile_upper_bound(sample, q=q, confidence=1 - level) < upper_quantile)
    assert max(missed_low, missed_high) <= level * (1 + 1e-12)


def test_quantile_of_rates() -> None:
    rates = np.linspace(0, 1, 41) ** 2
    interval = rate_quantile(rates, q=0.3, confidence=0.9)
    assert interval.low == quantile_lower_bound(rates, q=0.3, confidence=0.95)
    assert interval.high == quantile_upper_bound(rates, q=0.3, confidence=0.95)
    lower = rate_quantile(rates, q=0.3, confidence=0.95, side="lower")
    assert (lower.low, lower.high) == (interval.low, 1.0)
    few = rate_quantile([0.1, 0.2], q=0.5)
    assert (few.low, few.high) == (0.0, 1.0)
    # The rate decides the distance: the distances of the same members, by order statistics of their own.
    from isoperimetry.special import ndtri

    distances = -2.0 * np.asarray(ndtri(rates))
    expected = [bound(distances, q=0.7, confidence=0.95) for bound in (quantile_lower_bound, quantile_upper_bound)]
    assert interval.distance(2.0) == pytest.approx(expected, rel=1e-14)
    for bad, message in (([0.1, 1.2], "all must be in"), ([], "rates is empty"), ([math.nan], "rates has 1 entry")):
        with pytest.raises(ValueError, match=message):
            rate_quantile(bad)
    with pytest.raises(ValueError, match="side='both'"):
        rate_quantile([0.1], side="both")


@pytest.mark.parametrize(
    ("values", "options", "error", "message"),
    [
        ([], {}, ValueError, "values is empty"),
        ([1.0, math.nan], {}, ValueError, r"values has 1 entry outside its range, the first is values\[1\]=nan"),
        ([[1.0]], {}, ValueError, r"values has shape \(1, 1\)"),
        ([1.0], {"q": 1.0}, ValueError, "q=1.0 must be one number in"),
        ([1.0], {"confidence": 0}, ValueError, "confidence=0 must be"),
        (["a"], {}, TypeError, "must be a real number"),
    ],
)
def test_bad_input(values: list, options: dict, error: type[Exception], message: str) -> None:
    for bound in (quantile_lower_bound, quantile_upper_bound):
        with pytest.raises(error, match=message):
            bound(values, **{"confidence": 0.9, **options})
