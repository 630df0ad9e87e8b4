"""`Interval` and `Intervals`: logarithms, entries, the map to distances."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from isoperimetry import bounds
from isoperimetry.intervals import clopper_pearson
from isoperimetry.results import Interval, Intervals
from isoperimetry.special import ndtri, ndtri_exp

TEN = clopper_pearson(10, 1000)


def test_logarithms_are_taken_from_the_limits_or_given() -> None:
    plain = Interval(low=0.0, high=0.5, confidence=0.9, side="two-sided", method="test")
    assert (plain.log_low, plain.log_high) == (-math.inf, math.log(0.5))
    tiny = Interval(low=0.0, high=1.0, log_low=-1e5, confidence=0.9, side="lower", method="test")
    assert tiny.log_low == -1e5
    assert tiny.distance(0.5)[1] == pytest.approx(-0.5 * ndtri_exp(-1e5), rel=1e-15)
    assert tiny.distance_upper_bound(0.5) == tiny.distance(0.5)[1]
    assert json.loads(json.dumps(plain.to_dict(), allow_nan=False))["log_low"] == "-inf"


def test_the_theorem_takes_the_lower_limit() -> None:
    """B1: the limit for one side is sharper, an upper limit says nothing, and no bound is negative."""
    one = clopper_pearson(10, 1000, side="lower")
    assert one.distance_upper_bound(1.0) == pytest.approx(2.5468414697017451810, rel=1e-13)
    assert TEN.distance_upper_bound(1.0) == pytest.approx(2.5895186599142424065, rel=1e-13)
    assert clopper_pearson(10, 1000, side="upper").distance_upper_bound() == math.inf
    assert clopper_pearson(0, 1000).distance_upper_bound(3.0) == math.inf
    assert clopper_pearson(990, 1000).distance_upper_bound() == 0.0
    for q in (0.1, 0.5, 0.9):
        assert one.distance_upper_bound(0.3, q=q) == pytest.approx(
            bounds.quantile_distance_bound(one.low, 0.3, q=q), rel=1e-14
        )


def test_distances_of_arrays() -> None:
    errors, trials, sigmas = np.array([0, 3, 10, 500, 1000]), 1000, np.array([0.1, 0.5, 1.0, 2.0, 3.0])
    many = clopper_pearson(errors, trials)
    low, high = many.distance(sigmas)
    upper = many.distance_upper_bound(sigmas, q=0.7)
    for i, k in enumerate(errors):
        single = clopper_pearson(int(k), trials)
        assert single.distance(sigmas[i]) == (low[i], high[i])
        assert single.distance_upper_bound(sigmas[i], q=0.7) == upper[i]
    assert many.distance_upper_bound(sigmas[:, None]).shape == (5, 5)
    assert isinstance(TEN.distance()[0], float) and isinstance(TEN.distance_upper_bound(), float)


def test_a_rate_next_to_1_is_taken_from_its_logarithm() -> None:
    """The two ways agree where they change places."""
    for rate in (1 - 2.0**-20, 1 - 2.0**-20 + 2.0**-52, 1e-300, 0.9e-300):
        interval = Interval(low=rate, high=rate, confidence=0.9, side="two-sided", method="test")
        assert interval.distance()[0] == pytest.approx(-ndtri(rate), rel=1e-10)


def test_entries() -> None:
    many = clopper_pearson([[0, 1], [2, 3], [4, 5]], 20)
    assert many[1, 0] == clopper_pearson(2, 20)
    assert many[1] == clopper_pearson([2, 3], 20) and many[1].shape == (2,)
    assert many[many.low > 0.05].low.tolist() == [value for value in many.low.ravel() if value > 0.05]
    assert len(many) == 3 and [row.shape for row in many] == [(2,)] * 3
    assert list(many[0]) == [clopper_pearson(0, 20), clopper_pearson(1, 20)]
    assert many != many[0] and many != "many"
    assert str(many) == repr(many) == "6 intervals (two-sided, 0.95, Clopper-Pearson)"
    with pytest.raises(ValueError, match="read-only"):
        many.low[0] = 0.5
    record = json.loads(json.dumps(many.to_dict(), allow_nan=False))
    assert record["log_low"][0][0] == "-inf" and np.array_equal(record["high"], many.high)
    assert "Intervals" in many._repr_html_()
    with pytest.raises(TypeError, match="unhashable"):
        hash(many)


def test_what_is_written_elsewhere_does_not_change() -> None:
    low = np.array([0.1, 0.2])
    made = Intervals(
        low=low, high=low + 0.1, log_low=np.log(low), log_high=np.log(low + 0.1), confidence=0.9, side="two-sided",
        method="test",
    )  # fmt: skip
    low[0] = 0.05  # the user's own array stays writeable
    assert made.low.shape == (2,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: x.distance(0.0), ValueError, "sigma=0.0 must be finite and > 0"),
        (lambda x: x.distance(math.inf), ValueError, "sigma=inf must be finite"),
        (lambda x: x.distance(math.nan), ValueError, "sigma=nan must be finite"),
        (lambda x: x.distance_upper_bound("1"), TypeError, "sigma='1' must be a real number"),
        (lambda x: x.distance_upper_bound(1.0, q=1.0), ValueError, "q=1.0 must be in"),
        (lambda x: x.distance_upper_bound(1.0, q=math.nan), ValueError, "q=nan must be one number"),
    ],
)
def test_bad_input(call, error: type[Exception], message: str) -> None:
    for interval in (TEN, clopper_pearson([10], 1000)):
        with pytest.raises(error, match=message):
            call(interval)
    with pytest.raises((ValueError, TypeError), match="sigma"):
        TEN.distance([1.0, -2.0])


def test_ndtri_of_the_limits() -> None:
    assert TEN.distance(2.0) == (-2 * ndtri(TEN.high), -2 * ndtri(TEN.low))
