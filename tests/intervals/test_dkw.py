from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.intervals import dkw_band, quantile_lower_bound

samples = st.lists(st.sampled_from([-math.inf, 0.0, 0.5, 1.0, 2.0, math.inf]), min_size=1, max_size=300)
sides = st.sampled_from(["two-sided", "lower", "upper"])
ATOMS, MASS = np.array([0.0, 1.0, 2.0, math.inf]), np.array([0.4, 0.2, 0.15, 0.25])


def test_margin() -> None:
    assert dkw_band(range(60), confidence=0.975, side="upper").margin == pytest.approx(
        math.sqrt(math.log(1 / 0.025) / 120), rel=1e-14
    )
    assert dkw_band(range(60), confidence=0.95).margin == pytest.approx(math.sqrt(math.log(2 / 0.05) / 120), rel=1e-14)


@given(samples, st.floats(0.5, 0.9999), sides, st.floats(-1, 3) | st.sampled_from([-math.inf, 0.5, 2.0, math.inf]))
def test_band_by_definition(values: list[float], confidence: float, side: str, t: float) -> None:
    band = dkw_band(values, confidence=confidence, side=side)
    for before in (False, True):
        share = np.mean([v < t if before else v <= t for v in values])
        low, high = band(t, before=before)
        if t == (-math.inf if before else math.inf):
            assert low == high == (0.0 if before else 1.0)
            continue
        assert low == (0.0 if side == "upper" else max(0.0, share - band.margin))
        assert high == (1.0 if side == "lower" else min(1.0, share + band.margin))
        assert isinstance(low, float)
    assert np.array_equal(band([t, t])[0], [band(t)[0]] * 2)


@given(samples, st.floats(0.5, 0.9999), sides, st.floats(0.01, 0.99))
def test_quantiles_turn_the_band_around(values: list[float], confidence: float, side: str, q: float) -> None:
    """The low end is the least t at which the upper limit reaches q, the high end that of the lower limit."""
    band = dkw_band(values, confidence=confidence, side=side)
    low, high = band.quantile(q)
    assert low <= high
    points = sorted(set(values))

    def share(t: float) -> float:
        return sum(v <= t for v in values) / len(values)

    if side == "lower" or q <= band.margin:
        assert low == -math.inf
    else:
        assert low == min((t for t in points if share(t) >= q - band.margin), default=math.inf)
    if side == "upper" or q + band.margin > 1:
        assert high == math.inf
    else:
        assert high == min(t for t in points if share(t) >= q + band.margin)
    if side != "lower":  # one quantile alone is bounded more sharply; not quite always, as counts are discrete
        alone = quantile_lower_bound(values, q=q, confidence=1 - (1 - confidence) / (2 if side == "two-sided" else 1))
        assert alone >= low or abs(q - 0.5) > 0.3 or len(values) < 20


@pytest.mark.parametrize("side", ["two-sided", "lower", "upper"])
def test_coverage_exact(side: str) -> None:
    """All samples of 12 draws from four atoms, one of them infinity, with their probabilities."""
    size, confidence = 12, 0.8
    missed = 0.0
    truth, truth_before = np.cumsum(MASS), np.cumsum(MASS) - MASS
    for counts in itertools.product(range(size + 1), repeat=3):
        if sum(counts) > size:
            continue
        every = (*counts, size - sum(counts))
        band = dkw_band(np.repeat(ATOMS, every), confidence=confidence, side=side)
        low, high = band(ATOMS)
        low_before, high_before = band(ATOMS, before=True)
        slack = 1e-12
        holds = np.all((low <= truth + slack) & (truth - slack <= high))
        holds &= np.all((low_before <= truth_before + slack) & (truth_before - slack <= high_before))
        missed += 0.0 if holds else float(stats.multinomial.pmf(every, size, MASS))
    assert 0 < missed <= 1 - confidence


def test_coverage_is_nearly_attained(rng: np.random.Generator) -> None:
    """For a continuous distribution the band is nearly exact: 4000 runs with 500 draws each."""
    level, runs, size = 0.1, 4000, 500
    draws = np.sort(rng.random((runs, size)), axis=1)
    margin = dkw_band(range(size), confidence=1 - level, side="upper").margin
    missed = int((draws - np.arange(size) / size > margin).any(axis=1).sum())
    assert missed <= stats.binom.isf(1e-6, runs, level)  # fails with probability 1e-6 at the level itself
    assert missed > 0.6 * runs * level


def test_record() -> None:
    band = dkw_band([3.0, math.inf, 1.0], confidence=0.9)
    assert json.loads(json.dumps(band.to_dict(), allow_nan=False))["values"] == [1.0, 3.0, "inf"]
    assert str(band) == "3 draws +- 0.7066 (two-sided, 0.9, DKW-Massart)"
    assert band == dkw_band([1.0, math.inf, 3.0], confidence=0.9) != dkw_band([1.0, 3.0], confidence=0.9)
    assert np.isnan(band(math.nan)).all()
    with pytest.raises(ValueError, match="read-only"):
        band.values[0] = 0.0


@pytest.mark.parametrize(
    ("values", "options", "error", "message"),
    [
        ([], {}, ValueError, "values is empty"),
        ([1.0, math.nan], {}, ValueError, r"the first is values\[1\]=nan"),
        ([[1.0]], {}, ValueError, r"values has shape \(1, 1\)"),
        (["a"], {}, TypeError, "must be a real number"),
        ([1.0], {"confidence": 95}, ValueError, "confidence=95 must be one number"),
        ([1.0], {"confidence": 0.4, "side": "lower"}, ValueError, "confidence=0.4 must be >= 0.5 for one side"),
        ([1.0], {"side": "both"}, ValueError, "side='both' must be one of"),
    ],
)
def test_bad_input(values: list, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        dkw_band(values, **options)
    with pytest.raises(ValueError, match=r"q=1\.0 must be one number"):
        dkw_band([1.0]).quantile(1.0)
