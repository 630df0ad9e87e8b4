from __future__ import annotations

import dataclasses
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.bounds import median_distance_bound
from isoperimetry.errors import NotExact
from isoperimetry.sets import Ball, Complement, Cylinder, ErrorSet, Slab
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import dims, sigmas
from tests.sets.routes import assert_laws, assert_nan_passes, assert_simulation_agrees


def at_distance(dim, distance):
    """A center at that distance from the origin, in a direction that is not an axis but has an exact length."""
    center = np.zeros(dim)
    center[: min(dim, 4)] = distance / 2 if dim >= 4 else 0.0
    if dim < 4:
        center[0] = distance
    return center


def test_the_definition():
    ball = Ball([1.0, 2.0], 5.0)
    points = np.array([[1.0, 2.0], [4.0, 6.0], [4.0, 6.01], [1.0, 9.0]])
    assert ball.dim == 2 and isinstance(ball, ErrorSet)
    assert ball.contains(points).tolist() == [True, True, False, False]
    assert ball.signed_distance(points) == pytest.approx([-5.0, 0.0, 0.008, 2.0], abs=1e-5)
    assert ball.signed_distance([4.0, 6.0]) == 0 and ball.contains([1.0, 2.0]) is True
    assert "enlarged_volume_inf" not in ball.capabilities and "distance_law" in ball.complement_capabilities
    assert (
        repr(ball) == "Ball(center=[1.0, 2.0], radius=5.0)" and repr(Ball(np.ones(9), 1)) == "Ball(dim=9, radius=1.0)"
    )


@pytest.mark.parametrize(
    ("dim", "distance", "radius", "log_volume"),
    [
        (784, 0, 20, -74.990575918994473521),
        (150528, 0, 380, -67.453441716923396391),
        (5, 3, 1, -7.1995465949159024928),
        (784, 5, 20, -81.195378990065386677),
        (3072, 10, 40, -294.03289984256815519),
        (150528, 30, 350, -1582.8029073849649288),
    ],
)
def test_table_of_published_decimals(dim, distance, radius, log_volume):
    ball = Ball(at_distance(dim, distance), float(radius))
    assert_ulp(ball.log_volume(), log_volume, 8)
    assert_ulp(Ball(np.zeros(dim), 2.0 * radius).log_volume(2 * at_distance(dim, distance), 2.0), log_volume, 8)


@pytest.mark.parametrize(
    ("dim", "distance", "radius"), [(784, 440.0, 3.0), (150528, 30.0, 100.0), (3, 450.0, 2.0), (150528, 600.0, 400.0)]
)
def test_tails_of_1e_minus_5_digits(dim, distance, radius):
    log_volume = Ball(at_distance(dim, distance), radius).log_volume()
    assert log_volume < -5e4
    assert_ulp(log_volume, reference.log_ball_probability(radius, dim=dim, center_distance=distance, digits=40), 16)


@given(dims(), st.floats(0, 40), st.floats(1e-3, 40), sigmas(), st.floats(0, 5))
def test_laws(dim, distance, radius, sigma, eps):
    radius += math.sqrt(dim - 1) if radius > 20 else 0.0
    assert_laws(Ball(at_distance(dim, distance * sigma), radius * sigma), np.zeros(dim), sigma, eps * sigma)


@given(st.floats(-5, 5), st.floats(0.01, 6), st.floats(0, 3), sigmas())
def test_on_a_line_it_is_an_interval(center, radius, eps, sigma):
    ball, slab = Ball([center * sigma], radius * sigma), Slab([1.0], center * sigma, radius * sigma)
    assert ball.capabilities == slab.capabilities
    for p in (1, 2, math.inf):
        for method in ("enlarged_volume", "complement_enlarged_volume"):
            both = [getattr(error_set, method)(eps * sigma, sigma=sigma, p=p) for error_set in (ball, slab)]
            assert both[0] == pytest.approx(both[1], rel=1e-11, abs=1e-15)


def test_by_simulation(rng):
    assert_simulation_agrees(Ball([1.0, -0.5, 0.3], 1.4), np.array([0.3, 0.0, -0.2]), 0.8, 0.4, rng)


@pytest.mark.parametrize(
    ("dim", "outside", "inside"),
    [
        (2, 0.798438, 0.445176), (10, 0.757049, 0.626303), (100, 0.725155, 0.686128), (784, 0.713850, 0.699992),
        (150528, 0.707605, 0.706606),
    ],
)  # fmt: skip
def test_balls_are_not_extremal(dim, outside, inside):
    # The median distance over its bound, for a measure of 1%: near 1 / sqrt(2) in high dimension.
    bound, center = median_distance_bound(0.01), np.zeros(dim)
    ball, hole = Ball(center, math.sqrt(stats.chi2.ppf(0.01, dim))), Ball(center, math.sqrt(stats.chi2.isf(0.01, dim)))
    assert ball.volume() == pytest.approx(0.01, rel=1e-9) and hole.complement_volume() == pytest.approx(0.01, rel=1e-9)
    assert ball.distance_law().quantile(0.5) / bound == pytest.approx(inside, abs=5.1e-7)
    assert Complement(hole).distance_law().quantile(0.5) / bound == pytest.approx(outside, abs=5.1e-7)


def test_the_worst_case_of_the_distance():
    for dim, distance in ((2, 3.0348542587702927017), (10, 4.8175980694693034633), (784, 29.648758814116641819)):
        hole = Ball(np.zeros(dim), distance)
        assert hole.complement_volume() == pytest.approx(0.01, rel=1e-11)
        assert Complement(hole).signed_distance(np.zeros(dim)) == distance


def test_edges():
    inf, center = math.inf, np.array([3.0, 4.0])
    point, whole, ball = Ball(center, 0.0), Ball(center, inf), Ball(center, 5.0)
    assert point.volume() == 0 and point.log_volume() == -inf and point.complement_volume() == 1
    assert point.enlarged_volume(0.5) == Ball(center, 0.5).volume() and point.enlarged_volume(inf) == 1
    assert point.contains(center) and point.volume(center, 0.0) == 1 and point.volume(sigma=0.0) == 0
    assert whole.volume(sigma=[0.0, 1.0, inf]).tolist() == [1, 1, 1] and whole.signed_distance(center) == -inf
    assert whole.complement_enlarged_volume([0.0, 1.0, inf]).tolist() == [0, 0, 0]
    # Without noise all mass is at the origin, which is on the boundary; without limit of the noise none is in the ball.
    assert ball.volume(sigma=[0.0, inf]).tolist() == [1, 0] and ball.complement_volume(sigma=inf) == 1
    assert ball.enlarged_volume([0.0, 1.0, inf], sigma=inf).tolist() == [0, 0, 1]
    assert ball.complement_volume(center, 0.0) == 0
    assert ball.complement_enlarged_volume([4.9, 5.0, 6.0, inf]).tolist()[1:] == [1, 1, 1]
    assert ball.complement_enlarged_volume([0.0, 4.0, 5.0, inf], center, 0.0).tolist() == [0, 0, 1, 1]
    # Nothing is left but the side of the boundary, whatever overflows.
    assert ball.log_volume(sigma=[5e-324, 1e-200]).tolist() == [-math.log(2)] * 2
    assert ball.volume([0.1, 0.0], [5e-324, 1e-300]).tolist() == [1, 1]
    assert ball.volume([-0.1, 0.0], [5e-324, 1e-300]).tolist() == [0, 0]
    assert Ball([1e200, 1e200], 1e200).signed_distance([0.0, 0.0]) == pytest.approx(
        (math.sqrt(2) - 1) * 1e200, rel=1e-15
    )
    assert Ball([1e-200, 1e-200], 0.0).signed_distance([0.0, 0.0]) == pytest.approx(math.sqrt(2) * 1e-200, rel=1e-15)
    assert Ball([1e200, 1e200], 1e200).volume(sigma=1e200) == pytest.approx(Ball([1.0, 1.0], 1.0).volume(), rel=1e-14)
    assert_nan_passes(ball)


def test_other_norms_are_refused():
    ball = Ball([0.0, 0.0], 1.0)
    assert ball.enlarged_volume(0.0, p=math.inf) == ball.volume()
    with pytest.raises(NotExact, match="Ball has no exact measure of its enlargement for p=inf: use a set"):
        ball.enlarged_volume(0.1, p=math.inf)
    with pytest.raises(NotExact, match="for p=1"):
        ball.complement_enlarged_volume(0.1, p=1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Ball([0.0], -1.0), ValueError, r"radius=-1\.0 must be >= 0: it is a radius"),
        (lambda: Ball([0.0], math.nan), ValueError, "radius=nan must be >= 0"),
        (lambda: Ball([0.0], [1.0, 2.0]), ValueError, r"radius has shape \(2,\) but must be one number"),
        (lambda: Ball([0.0, math.inf], 1.0), ValueError, r"the first is center\[1\]=inf: all must be finite"),
        (lambda: Ball([[0.0]], 1.0), ValueError, r"center has shape \(1, 1\) but must have shape \(dim,\)"),
        (lambda: Ball([], 1.0), ValueError, r"center has shape \(0,\)"),
        (lambda: Ball("a", 1.0), TypeError, "center='a' must be a real number"),
        (lambda: Ball([0.0, 0.0], 1.0).contains([0.0]), ValueError, r"Ball has dim=2 but x has shape \(1,\)"),
        (lambda: Ball([0.0, 0.0], 1.0).volume([0.0]), ValueError, r"Ball has dim=2 but center has shape \(1,\)"),
        (lambda: Ball([0.0], 1.0).enlarged_volume(-1.0), ValueError, r"eps=-1\.0 must be >= 0"),
        (lambda: Ball([0.0], 1.0).volume(sigma=-1.0), ValueError, r"sigma=-1\.0 must be >= 0"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_it_is_frozen_and_keeps_its_own_copy():
    center = np.zeros(3)
    ball = Ball(center, 1.0)
    center[:] = 7.0
    assert ball.center.tolist() == [0, 0, 0] and not ball.center.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        ball.radius = 2.0


def test_an_image_takes_milliseconds():
    ball = Ball(at_distance(150528, 30.0), 350.0)
    center = np.zeros(150528)
    ball.log_volume(center)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        ball.log_volume(center)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.02  # 1 ms on a quiet machine


def test_a_cylinder_is_a_ball_in_fewer_dimensions():
    assert Cylinder([1.0, 2.0], 1.0, dim=7).log_volume() == Ball([1.0, 2.0], 1.0).log_volume()
