"""The benchmark of coverage excludes rates where the intervals do, adds up its chances, and sees broken promises."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from benchmarks import coverage
from isoperimetry.intervals.binomial import SIDES
from isoperimetry.results import Side

NAMES = ("clopper_pearson", "beta_binomial", "beta_binomial, expected_trials")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", NAMES)
def test_barriers_are_where_intervals_exclude_the_rate(name: str, side: Side) -> None:
    for rate in (1e-3, 0.1, 0.5):
        found = coverage.barrier(name, side, rate, 40)
        t, k = (x[np.tril_indices(41)] for x in np.indices((41, 41)))
        ends = coverage.interval_of(name, k, t, side)
        outside = (k >= found.high[t]) | (k <= found.low[t])
        assert np.array_equal(outside, (ends.low > rate) | (ends.high < rate))


def test_chance_is_that_of_all_paths() -> None:
    for name, rate in (("clopper_pearson", 0.3), ("clopper_pearson", 0.01), ("beta_binomial", 0.02)):
        found = coverage.barrier(name, "two-sided", rate, 10)
        draws = np.array(list(itertools.product((0, 1), repeat=10)))
        chances = np.prod(np.where(draws == 1, rate, 1 - rate), axis=1)
        expected = chances[found.excludes(draws.cumsum(axis=1))].sum()
        assert 0 < expected < 1
        assert coverage.chance_of_ever(rate, found) == pytest.approx(expected, abs=1e-13)


def test_barrier_that_is_wrong_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = coverage._least_refuting
    for shift in (-1, 1):
        monkeypatch.setattr(coverage, "_least_refuting", lambda *args, shift=shift: right(*args) + shift)
        with pytest.raises(AssertionError, match="the barrier is not where"):
            coverage.barrier("beta_binomial", "lower", 0.1, 40)


def test_promises_are_kept_and_broken_ones_are_seen() -> None:
    rows = coverage.ever_rows(300, 200) + coverage.fixed_rows((100,)) + coverage.betting_rows(300, 20)
    rows += coverage.sample_rows(20, 100)
    assert coverage.failures(rows) == []  # the seed is fixed
    json.dumps(rows, allow_nan=False)
    rates = {f"{rate:g}" for rate in coverage.RATES}
    assert rates <= set(coverage.table(rows).splitlines()[0].replace("|", " ").split())

    contrast = next(row for row in rows if not row["promised"] and row["rate"] == 0.5 and row["side"] == "two-sided")
    assert contrast["p_value"] < coverage.ERROR and contrast["exact"] > 0.2
    assert len(coverage.failures([{**contrast, "promised": True}])) == 2  # exact, and by its runs
    assert len(coverage.failures([{**contrast, "exact": contrast["exact"] / 2}])) == 1
    kept = coverage.judged({**contrast, "promised": True, "exact": 0.05}, 10, 200)
    assert coverage.failures([kept]) == []


def test_table_goes_between_its_markers() -> None:
    page = coverage.PAGE.read_text(encoding="utf-8")
    assert coverage.insert(page, "new").count("new" + coverage.END) == 1
    with pytest.raises(ValueError, match="no place for the table"):
        coverage.insert("a page", "new")
