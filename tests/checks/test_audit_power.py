"""The benchmark of level and power at modest size, and the page that quotes it."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import audit_power, timing
from isoperimetry import report


def test_sets_have_the_measure_that_is_quoted() -> None:
    for error_set in audit_power.SETS.values():
        assert error_set.volume() == pytest.approx(0.05, abs=0.005)


def test_level_at_modest_size(rng: np.random.Generator) -> None:
    """`level_rows` itself refuses a share above the level, with failure probability 1e-6 each."""
    rows = audit_power.level_rows(25, rng)
    assert len(rows) == 12 and all(row[name] <= 0.45 for row in rows for name in audit_power.SETS)


def test_power_at_modest_size(rng: np.random.Generator) -> None:
    """`power_rows` itself compares the median test with its exact power."""
    rows = {row["attack"]: row for row in audit_power.power_rows(25, rng, draws=2000, starts=60)}
    powers = [rows[f"{factor:g} x too long"]["exact"] for factor in (1.1, 1.2, 1.5, 2.0)]
    assert powers == sorted(powers) and powers[-1] > 0.98
    assert rows["75 % fail"]["all radii"] == 1
    # the median does not look where a quarter of the searches fail
    assert rows["25 % fail"]["median"] < rows["25 % fail"]["all radii"]


def test_a_wrong_level_is_noticed(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_power, "Attack", lambda: audit_power.ATTACKS[3])
    with pytest.raises(AssertionError, match=r"perfect attacks convicted at 0\.1"):
        audit_power.level_rows(20, rng)


def test_page_quotes_the_results_and_its_examples_run() -> None:
    record = json.loads((timing.RESULTS / "audit_power.json").read_text(encoding="utf-8"))
    page = audit_power.PAGE.read_text(encoding="utf-8")
    for name in ("level", "power", "needed"):
        table = report.to_markdown(record[name], list(record[name][0]))
        assert audit_power.replace_table(page, name, table) == page
    outcome = doctest.testfile(
        str(Path(audit_power.PAGE)), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert outcome.attempted >= 10 and outcome.failed == 0
    with pytest.raises(ValueError, match="no place for the table 'other'"):
        audit_power.replace_table(page, "other", "")


def test_the_table_of_starts_is_what_plan_says() -> None:
    record = json.loads((timing.RESULTS / "audit_power.json").read_text(encoding="utf-8"))
    assert record["needed"] == audit_power.needed_rows()
