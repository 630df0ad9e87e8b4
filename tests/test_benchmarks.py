"""The benchmarks import, measure a few points, and find the truth that a direct solution finds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mpmath import mp

from benchmarks import accuracy_special, mkl, regions, test_bounds, timing, truth
from isoperimetry import special
from isoperimetry.testing import reference


@pytest.mark.parametrize("name", ["test_special", "test_rng", "test_accuracy", "accuracy_figure"])
def test_modules_import(name: str) -> None:
    __import__(f"benchmarks.{name}")


@pytest.mark.parametrize(
    "region",
    [region for region in regions.REGIONS if region.function in ("ndtri", "ndtri_exp")],
    ids=lambda region: f"{region.function}: {region.name}",
)
def test_the_step_from_a_float_finds_the_quantile(region: regions.Region) -> None:
    points = region.points(20)
    for x in points[:: max(1, points.size // 8)].tolist():
        direct = getattr(reference, region.function)(x, digits=60)
        for start in (getattr(special, region.function)(x), float(direct) * (1 + 1e-14)):
            found = truth.exact(region.function, x, start)
            assert abs(found - direct) <= 1e-3 * math.ulp(float(direct))


def test_a_start_without_digits_is_no_harm() -> None:
    direct = reference.ndtri(0.3, digits=60)
    for start in (math.nan, math.inf, 30.0, 0.5, 0.0):
        with mp.workdps(60):
            assert abs(truth.exact("ndtri", 0.3, start) - direct) < 1e-20


def test_errors_in_ulp() -> None:
    third = mp.mpf(1) / 3
    nearest, ulp = float(third), math.ulp(1 / 3)
    rest = float((third - nearest) / ulp)
    values = np.array([nearest, nearest + ulp, nearest - 2 * ulp, math.nan, -math.inf])
    found = truth.errors_in_ulp(values, (np.full(5, nearest), np.full(5, rest)))
    assert found[:3] == pytest.approx([abs(rest), 1 - rest, 2 + rest], abs=1e-15)
    assert np.isinf(found[3:]).all()


def test_accuracy_of_one_region() -> None:
    region = next(region for region in regions.REGIONS if region.name == "-1e7 to -1e5, log-uniform")
    with truth.Workers(1) as workers:
        measured = accuracy_special.measure(region, 20, workers)
    record = measured.to_dict()
    assert record["points"] >= 20
    assert record["errors"]["ours"]["worst"] < 4
    assert record["condition"] == pytest.approx(0.5, abs=1e-3)
    assert record["errors"]["scipy"]["worst"] > 100  # scipy 1.17 loses 3 digits here
    assert "| -1e7 to -1e5, log-uniform | 1 |" in accuracy_special.table("ndtri_exp", [measured])


def test_regions_are_repeatable_and_inside_the_domain() -> None:
    for region in regions.REGIONS:
        points = region.points(20)
        assert points.size >= 20
        assert np.array_equal(points, region.points(20))
        assert np.isfinite(points).all()
        if region.function == "ndtri":
            assert 0 < points.min() <= points.max() < 1
        if region.function == "ndtri_exp":
            assert points.max() < 0


def test_page_keeps_its_markers() -> None:
    page = "before\n<!-- tables: how -->\nold\n<!-- end -->\nafter\n"
    once = accuracy_special.put_between_markers(page, "tables", "new")
    assert once == "before\n<!-- tables: how -->\n\nnew\n\n<!-- end -->\nafter\n"
    assert accuracy_special.put_between_markers(once, "tables", "new") == once
    assert accuracy_special.put_between_markers(accuracy_special.PAGE.read_text(), "tables", "new")


def test_ratios() -> None:
    times = {"ours": [1.0, 2.0, 4.0], "theirs": [2.0, 8.0, 8.0]}
    assert timing.spread(times, "ours", "theirs") == (2.0, 2.0, 4.0)
    rows = timing.rows(times, "theirs", size=3)
    assert rows[1]["case"] == "theirs" and rows[1]["ours_is_faster"] == 2.0 and rows[0]["times_theirs"] == 2.0


@pytest.mark.parametrize("name", [*test_bounds.CASES, *test_bounds.DISTANCES])
def test_bounds_are_what_their_special_functions_give(name: str) -> None:
    for rates in test_bounds.RATES:
        ours, calls, answer = test_bounds.bind(name, rates, 300)
        results = [function(x) for function, x in calls]
        expected = answer(*results)
        np.testing.assert_allclose(ours(), expected, test_bounds.RELATIVE, test_bounds.ABSOLUTE)
        with pytest.raises(AssertionError):  # another number is noticed
            np.testing.assert_allclose(ours(), 1.001 * np.asarray(expected), test_bounds.RELATIVE, test_bounds.ABSOLUTE)


def test_ratio_of_a_bound_to_its_special_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SECONDS", 1e-3)
    row = test_bounds.run("enlargement", "mu, uniform in (0, 1)", size=500, rounds=3)
    assert row["special_functions"] == ["ndtri", "ndtr"]
    low, high = row["ratio_range"]
    assert 0 < low <= row["ratio"] <= high and row["ns"] > 0 and row["special_ns"] > 0


@pytest.mark.skipif(mkl.library() is None, reason="the package mkl is not installed")
def test_mkl_answers() -> None:
    x, out = np.array([0.25, 0.5, 0.75]), np.empty(3)
    mkl.bind("CdfNormInv", x, out)()
    assert out == pytest.approx([-0.6744897501960817, 0, 0.6744897501960817], abs=1e-15)
    for dtype in (np.float32, np.float64):
        z = np.full(10_000, np.nan, dtype)
        mkl.normals("Philox", z)()
        assert abs(z.mean()) < 0.06 and abs(z.std() - 1) < 0.05
