from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry import special
from isoperimetry.errors import NotExact
from isoperimetry.sets import Box, Complement, ErrorSet, HalfSpace, Orthant, UnionOfHalfSpaces
from isoperimetry.testing.strategies import sigmas
from tests.sets.routes import assert_nan_passes

INF = math.inf


def test_the_definition():
    orthant = Orthant([1.0, -INF, 2.0])
    points = np.array([[1.0, 0.0, 2.0], [-2.0, 9.0, -2.0], [2.0, -9.0, 4.0], [0.0, 0.0, 5.0]])
    assert orthant.dim == 3 and isinstance(orthant, ErrorSet)
    assert orthant.contains(points).tolist() == [True, False, True, False]
    assert orthant.signed_distance(points).tolist() == [0.0, 5.0, -1.0, 1.0]
    assert repr(orthant) == "Orthant(thresholds=[1.0, -inf, 2.0])" and repr(Orthant([0.0] * 9)) == "Orthant(dim=9)"
    with pytest.raises(ValueError, match="read-only"):
        orthant.thresholds[0] = 3.0


def test_logs_against_mpmath():
    for thresholds in ([1.0, 2.0], [-3.0, 0.5, 7.0], [-9.0, -10.0], [38.0, 40.0], [-39.0, -41.0], [0.0]):
        with mpmath.workdps(900):
            product = mpmath.fprod(mpmath.erfc(mpmath.mpf(t) / mpmath.sqrt(2)) / 2 for t in thresholds)
            inside, outside = float(mpmath.log(product)), float(mpmath.log1p(-product))
        orthant = Orthant(thresholds)
        assert orthant.log_volume() == pytest.approx(inside, rel=2e-15, abs=0)
        assert orthant.complement_log_volume() == pytest.approx(outside, rel=1e-14, abs=0)
        assert orthant.complement_volume() == pytest.approx(math.exp(outside), rel=1e-12)


def test_deep_tails_and_many_inputs():
    n = 150_528
    many = Orthant(np.zeros(n))
    assert many.log_volume() == pytest.approx(-n * math.log(2), rel=1e-13) and many.complement_volume() == 1
    assert many.signed_distance(np.full(n, -1.0)) == pytest.approx(math.sqrt(n), rel=1e-13)
    assert Orthant([1000.0]).log_volume() == special.log_ndtr(-1000.0)
    assert Orthant(np.full(n, -1000.0)).complement_log_volume() == pytest.approx(
        special.log_ndtr(-1000.0) + math.log(n), rel=1e-14
    )


@given(st.lists(st.floats(-4, 4), min_size=1, max_size=4), sigmas(), st.floats(0, 2), st.floats(-2, 2))
def test_laws(thresholds, sigma, length, shift):
    thresholds, center, eps = sigma * np.array(thresholds), np.full(len(thresholds), shift * sigma), length * sigma
    orthant, other = Orthant(thresholds), Complement(Orthant(thresholds))
    mu = orthant.volume(center, sigma)
    assert mu + other.volume(center, sigma) == pytest.approx(1, abs=1e-14)
    # It is a box, and its complement a union of half-spaces.
    box = Box(thresholds, np.full(len(thresholds), INF))
    beyond = UnionOfHalfSpaces(-np.eye(len(thresholds)), -thresholds)
    assert orthant.log_volume(center, sigma) == box.log_volume(center, sigma)
    assert other.log_volume(center, sigma) == pytest.approx(beyond.log_volume(center, sigma), rel=1e-12)
    for p in (1, 2, INF):
        assert other.enlarged_volume(eps, center, sigma, p=p) == pytest.approx(
            beyond.enlarged_volume(eps, center, sigma, p=p), rel=1e-11
        )
    grown = Orthant(thresholds - eps).volume(center, sigma)
    assert orthant.enlarged_volume(eps, center, sigma, p=INF) == pytest.approx(grown, rel=1e-11)
    x = center + sigma * np.random.default_rng(0).standard_normal((20, len(thresholds)))
    assert -orthant.signed_distance(x) == pytest.approx(beyond.signed_distance(x), rel=1e-10, abs=1e-13 * sigma)


def test_membership_by_monte_carlo(rng):
    orthant, center, sigma, eps, n = Orthant([0.5, -0.3, -INF]), np.array([0.9, 0.1, 3.0]), 0.7, 0.25, 100_000
    x = center + sigma * rng.standard_normal((n, 3))
    lacking, distance = np.max(orthant.thresholds - x, axis=1), orthant.signed_distance(x)
    for count, p in (
        (orthant.contains(x).sum(), orthant.volume(center, sigma)),
        ((lacking <= eps).sum(), orthant.enlarged_volume(eps, center, sigma, p=INF)),
        ((-distance <= eps).sum(), orthant.complement_enlarged_volume(eps, center, sigma)),
    ):
        assert abs(count - n * p) < 4.9 * math.sqrt(n * p * (1 - p))  # fails once in a million


def test_edges():
    orthant = Orthant([1.0, 2.0])
    assert orthant.volume([1.0, 2.0], 0.0) == 1 and orthant.volume(sigma=[0.0, INF]).tolist() == [0, 0.25]
    assert orthant.volume([1.0, 2.0], 5e-324) == 0.25
    assert orthant.enlarged_volume(INF) == 1 and Orthant([-INF]).volume() == 1
    assert orthant.complement_enlarged_volume([0.9, 1.0], [2.0, 4.0], 0.0).tolist() == [0, 1]
    assert_nan_passes(Orthant([-INF, 1.0]))
    with pytest.raises(NotExact, match="Orthant has no exact measure of its enlargement for p=2"):
        orthant.enlarged_volume(0.1)
    half = HalfSpace([0.0, 1.0], 2.0)
    for p in (1, 2, INF):
        assert Orthant([-INF, 2.0]).enlarged_volume(0.3, p=p) == pytest.approx(
            half.enlarged_volume(0.3, p=p), rel=1e-14
        )


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ([INF], "below inf"),
        ([math.nan], "a number"),
        (1.0, r"must have shape \(dim,\)"),
        ([[1.0]], r"must have shape \(dim,\)"),
    ],
)
def test_wrong_arguments(thresholds, message):
    with pytest.raises(ValueError, match=message):
        Orthant(thresholds)
