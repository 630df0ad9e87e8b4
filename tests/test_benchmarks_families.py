"""The benchmark of chi-square, balls and beta measures a few points, in the units that the tests use."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import numpy as np
import pytest

from benchmarks import accuracy_families, accuracy_special
from tests.kernels import test_beta, test_gamma

FIRST = {region.function: region for region in reversed(accuracy_families.REGIONS)}


def test_what_is_held_is_what_the_tests_hold() -> None:
    held = {**dict.fromkeys(test_gamma.NAMES, test_gamma.PROMISED), **test_beta.PROMISED, "betaln": 12}
    assert held == accuracy_families.FUNCTIONS
    a, b = np.array([0.5, 3.0]), np.array([7.0, 0.25])
    for name in test_beta.PROMISED:
        expected = [test_beta.promised(name, *pair) for pair in zip(a, b, strict=True)]
        assert accuracy_families.held(name, (a, b)).tolist() == expected


@pytest.mark.parametrize("function", accuracy_families.FUNCTIONS)
def test_one_region_of_each_function(function: str) -> None:
    record = accuracy_families.measure(FIRST[function], 3)
    json.dumps(record, allow_nan=False)
    assert record["points"] == 3 and record["over"] == 0
    assert record["errors"]["ours"]["worst_finite"] <= record["held"]
    assert function in accuracy_families.table([record])


def test_the_points_are_where_the_name_says() -> None:
    """Eight standard deviations from the mean, and more, the one probability is small and the other near 1."""
    for region in accuracy_families.REGIONS:
        place = region.name.rpartition("; ")[2]
        if place in accuracy_families.PLACES and region.function.startswith(("log_chi2", "log_ball")):
            values = accuracy_families.OURS[region.function](*region.points(20))
            assert np.all(np.isfinite(values))
            if place == "near 1":
                assert np.all(values > math.log(0.8))  # not closer: 1/2 degree of freedom is much at 0
            elif place == "small":
                assert np.all(values < math.log(0.2))


def test_an_error_in_each_unit() -> None:
    assert accuracy_families.error("betaln", 0.5 + 2.0**-52, Decimal("0.5")) == 1.0
    assert accuracy_families.error("betaln", math.nan, Decimal(1)) == math.inf
    assert accuracy_families.error("log_chi2_sf", -8.0, Decimal(-8) - 8 * Decimal(2) ** -52) == pytest.approx(1.0)
    small = Decimal("-5e-308")  # a normal number
    assert accuracy_families.error("log_chi2_sf", float(small), small) < 1e-2
    tiny = accuracy_families.truths("log_chi2_cdf", [(1e18, 3.0), (2.0, 2.0)])
    assert tiny[0] == 0 and float(tiny[1]) == pytest.approx(math.log(-math.expm1(-1.0)), rel=1e-15)


def test_a_record_with_a_result_that_is_not_finite() -> None:
    record = {"worst_finite": None, "not_finite": 3}
    assert accuracy_families._cell(record, 3) == "not finite at 100%; else -"


def test_the_page_has_a_place_for_the_table() -> None:
    page = accuracy_special.PAGE.read_text()
    assert "a new table" in accuracy_special.put_between_markers(page, "families", "a new table")
