from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import optimize

from isoperimetry.errors import NotExact
from isoperimetry.sets import Complement, ErrorSet, HalfSpace, Paraboloid
from isoperimetry.testing.strategies import sigmas
from tests.sets.routes import (
    assert_laws,
    assert_nan_passes,
    assert_simulation_agrees,
    distance_to_curve,
    log_volume_by_rings,
    volume_by_rings,
)


def point(dim, along, across):
    rest = np.zeros(dim - 1)
    rest[:2] = (across * 0.6, across * 0.8) if dim > 2 else across
    return np.concatenate([[along], rest])


def edge(offset, curvature, reach):
    """Return the least position along the axis, at a distance r from it, of the parallel body, by solving for it."""

    def foot(s):
        return reach / math.sqrt(1 + (curvature * s) ** 2)

    def position(r):
        if reach == 0:
            return offset + curvature / 2 * r * r
        r = float(r)
        low, high = max(0.0, r - max(reach, 0.0)), r - min(reach, 0.0) + 1e-9
        if reach < 0:  # past the axis the parallel curve has crossed itself
            low = max(low, math.sqrt(max(0.0, (curvature * reach) ** 2 - 1)) / curvature)
        across = lambda s: s + curvature * s * foot(s) - r  # noqa: E731
        s = optimize.brentq(across, low, high, xtol=1e-15) if across(low) < 0 else low
        return offset + curvature / 2 * s * s - foot(s)

    return position


def closed_form(offset, curvature):
    """Return the log of the measure in three dimensions."""
    with mpmath.workdps(60 + int(offset**2) + int(1 / curvature**2)):
        t, k = mpmath.mpf(offset), mpmath.mpf(curvature)
        shift = mpmath.exp(t / k + 1 / (2 * k * k)) * mpmath.ncdf(-(t + 1 / k))
        return float(mpmath.log(mpmath.ncdf(-t) - shift)), float(mpmath.log(mpmath.ncdf(t) + shift))


def test_the_definition():
    paraboloid = Paraboloid(1.0, 2.0, dim=3)
    points = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.3, 0.0, 0.0], [1.0, 3.0, 4.0]])
    assert paraboloid.dim == 3 and isinstance(paraboloid, ErrorSet)
    assert paraboloid.contains(points).tolist() == [True, True, False, True, False]
    gap = paraboloid.signed_distance(points)
    assert gap[:4] == pytest.approx([0, 0, 1, -0.3], abs=1e-15) and 3 < gap[4] < 5
    # Beyond the focal point the vertex is no longer nearest.
    assert paraboloid.signed_distance([3.0, 0.0, 0.0]) == pytest.approx(-math.sqrt(2 * 2 / 2 - 1 / 4), rel=1e-15)
    assert repr(paraboloid) == "Paraboloid(offset=1.0, curvature=2.0, dim=3)"


@given(st.floats(-4, 4), st.floats(-30, 30), st.floats(-9, 9), st.floats(0, 9))
@example(offset=0.0, curvature=1.0, along=1.0, across=0.0)
@example(offset=0.0, curvature=1.0, along=5.0, across=0.0)
@example(offset=0.0, curvature=1.0, along=5.0, across=1e-9)
@example(offset=0.0, curvature=-25.0, along=-3.0, across=0.1)
def test_signed_distance_by_search(offset, curvature, along, across):
    end = 2 * (across + math.sqrt(2 * abs(along - offset) / max(abs(curvature), 1e-3)) + 1)
    expected = distance_to_curve(lambda s: (offset + curvature / 2 * s * s, s), along, across, end)
    gap = Paraboloid(offset, curvature, 2).signed_distance([along, -across])
    height = along - offset - curvature / 2 * across**2
    assert abs(gap) == pytest.approx(expected, rel=1e-7, abs=1e-7) and gap * height <= 0


@given(st.floats(-3, 6), st.floats(0, 3), st.just(0.0) | st.floats(1e-6, 3))
def test_the_nearest_point_is_on_the_boundary(log_curvature, along, across):
    """At curvatures up to 1e6, in exact arithmetic: the point at the distance found, along the normal, is on it."""
    curvature = 10.0**log_curvature
    gap = Paraboloid(0.0, curvature, 2).signed_distance([along, across])
    with mpmath.workdps(50):
        k, y, r = mpmath.mpf(curvature), mpmath.mpf(along), mpmath.mpf(across)
        roots = (
            mpmath.polyroots([k * k / 2, 0, 1 - k * y, -r], maxsteps=500, extraprec=500)
            if r
            else [mpmath.sqrt(2 * (y / k - 1 / k**2)) if k * y > 1 else mpmath.mpf(0)]
        )
        feet = [mpmath.re(s) for s in roots if abs(mpmath.im(s)) < 1e-20]
        least = min(mpmath.hypot(y - k / 2 * s * s, r - s) for s in feet)
        height = k / 2 * r * r - y
        # The height is rounded once, whose error is divided by the slope of the surface there.
        rounding = 4e-16 * float((abs(y) + k * r * r) / mpmath.sqrt(1 + (k * r) ** 2))
        assert gap == pytest.approx(float(least if height > 0 else -least), rel=4e-15, abs=rounding + 1e-300)


def test_table_of_published_decimals():
    assert Paraboloid(2.0, 0.5, 3).volume() == pytest.approx(0.0099730410670269967168, rel=1e-13)
    for offset, curvature in ((0.0, 1.0), (5.0, 0.1), (-3.0, 2.0), (30.0, 0.5), (1.0, 50.0), (-8.0, 0.3)):
        paraboloid = Paraboloid(offset, curvature, 3)
        inside, outside = closed_form(offset, curvature)
        assert paraboloid.log_volume() == pytest.approx(inside, rel=2e-15, abs=1e-12)
        assert paraboloid.complement_log_volume() == pytest.approx(outside, rel=1e-11)
        mirrored = Paraboloid(-offset, -curvature, 3)
        assert mirrored.log_volume() == paraboloid.complement_log_volume()


@pytest.mark.parametrize("curvature", [0.05, 0.7, 4.0])
@pytest.mark.parametrize("reach", [-2.0, -0.4, 0.0, 0.3, 2.0])
@pytest.mark.parametrize(("dim", "along", "across"), [(3, 2.0, 1.0), (2, -1.0, 0.5), (9, 4.0, 0.0)])
def test_by_rings(curvature, reach, dim, along, across):
    center = point(dim, along, across)
    expected = volume_by_rings(edge(0.5, curvature, reach), dim - 1, along, across)
    paraboloid = Paraboloid(0.5, curvature, dim)
    wide, mirrored = Paraboloid(-0.5, -curvature, dim), center * np.array([-1.0] + [1.0] * (dim - 1))
    for of, where, inside in ((paraboloid, center, True), (wide, mirrored, False)):
        if (reach >= 0) == inside:
            grown = of.enlarged_volume(abs(reach), where)
        else:
            grown = of.complement_enlarged_volume(abs(reach), where)
        truth = expected if reach >= 0 else 1 - expected
        assert grown == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize(
    ("offset", "curvature", "dim", "along", "across"),
    [
        (440.0, 0.01, 784, 0.0, 3.0), (20.0, 0.5, 3, -400.0, 20.0), (1.0, 0.01, 150528, 0.0, 0.0),
        (1.0, 3.0, 784, 2.0, 5.0), (0.0, 1e-3, 3072, -20.0, 30.0),
    ],
)  # fmt: skip
def test_tails(offset, curvature, dim, along, across):
    expected = log_volume_by_rings(lambda r: offset + mpmath.mpf(curvature) / 2 * r * r, dim - 1, along, across)
    log_volume = Paraboloid(offset, curvature, dim).log_volume(point(dim, along, across))
    assert log_volume == pytest.approx(float(expected), abs=1e-11 + 4e-15 * float(-expected))


@settings(max_examples=20)
@given(
    st.floats(-4, 4), st.floats(-3, 3), st.integers(2, 6), st.floats(-4, 4), st.floats(0, 4),
    sigmas(low=1e-3, high=1e3), st.floats(0, 3),
)  # fmt: skip
def test_laws(offset, curvature, dim, along, across, sigma, eps):
    paraboloid = Paraboloid(offset * sigma, curvature / sigma, dim)
    assert_laws(paraboloid, point(dim, along * sigma, across * sigma), sigma, eps * sigma)


def test_curvature_away_from_the_center_makes_a_set_smaller():
    tail = HalfSpace([1.0, 0.0, 0.0], 2.0).volume()
    volumes = [Paraboloid(2.0, curvature, 3).volume() for curvature in (-1.0, -0.1, -1e-9, 0.0, 1e-9, 0.1, 1.0)]
    assert volumes == sorted(volumes, reverse=True) and volumes[3] == pytest.approx(tail, rel=1e-15)
    assert volumes[2] == pytest.approx(tail, rel=1e-8) and volumes[4] == pytest.approx(tail, rel=1e-8)


def test_by_simulation(rng):
    for curvature in (0.8, -0.8):
        paraboloid = Paraboloid(0.3, curvature, 4)
        for eps in (0.3, 1.5):
            assert_simulation_agrees(paraboloid, np.array([0.5, 0.2, -0.4, 0.3]), 0.8, eps, rng)


def test_edges():
    inf, center = math.inf, np.array([1.0, 0.5, 0.0])
    paraboloid, flat = Paraboloid(0.5, 2.0, 3), Paraboloid(0.5, 0.0, 3)
    half_space = HalfSpace([1.0, 0.0, 0.0], 0.5)
    for eps in (0.0, 0.7, inf):
        for name in ("enlarged_volume", "complement_enlarged_volume"):
            expected = getattr(half_space, name)(eps, center)
            assert getattr(flat, name)(eps, center, p=1) == pytest.approx(expected, rel=1e-15)
    assert flat.signed_distance(center) == -0.5
    # With more and more noise it is a ray, and its complement everything.
    assert paraboloid.volume(sigma=inf) == 0 and paraboloid.complement_volume(sigma=inf) == 1
    assert Paraboloid(0.5, -2.0, 3).volume(sigma=inf) == 1
    assert paraboloid.volume(sigma=1e300) < 1e-100 and paraboloid.volume(sigma=1e6) < paraboloid.volume(sigma=1e3)
    assert paraboloid.volume(center, [0.0, 5e-324, 1e-200]).tolist() == [1, 1, 1]
    assert paraboloid.volume([0.0, 0.0, 0.0], [0.0, 5e-324, 1e-200]).tolist() == [0, 0, 0]
    assert paraboloid.volume([0.5, 0.0, 0.0], 1e-9) == pytest.approx(0.5, abs=1e-8)
    assert paraboloid.enlarged_volume([0.0, 0.4, 0.6, inf], [0.0, 0.0, 0.0], 0.0).tolist() == [0, 0, 1, 1]
    # Inside, at the center of curvature of the vertex and beyond.
    assert paraboloid.complement_enlarged_volume([0.49, 0.51], [1.0, 0.0, 0.0], 0.0).tolist() == [0, 1]
    assert paraboloid.complement_enlarged_volume([1e3, inf]).tolist() == [1, 1]
    assert 0 < Paraboloid(0.0, 1e200, 3).enlarged_volume(1.0) < 1
    assert Paraboloid(0.0, 1e-200, 3).volume() == pytest.approx(0.5, rel=1e-14)
    assert Paraboloid(1e300, 1.0, 3).log_volume() == -inf
    assert_nan_passes(paraboloid)


def test_distances():
    law = Complement(Paraboloid(0.0, 1.0, 3)).distance_law([4.0, 0.0, 0.0], 0.01)
    assert law.quantile(0.5) == pytest.approx(math.sqrt(7.0), abs=0.02)


def test_other_norms_are_refused():
    paraboloid = Paraboloid(0.5, 2.0, 3)
    with pytest.raises(NotExact, match="Paraboloid has no exact measure of its enlargement for p=inf"):
        paraboloid.complement_enlarged_volume(0.1, p=math.inf)
    assert paraboloid.enlarged_volume(0.0, p=math.inf) == paraboloid.volume()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((math.inf, 1.0, 3), ValueError, "offset=inf must be finite: it is a position along the axis"),
        ((0.0, math.nan, 3), ValueError, "curvature=nan must be finite: 0 is a half-space"),
        ((0.0, [1.0], 3), ValueError, r"curvature has shape \(1,\) but must be one number"),
        ((0.0, 1.0, 1), ValueError, "dim=1 must be >= 2"),
        ((0.0, 1.0, True), ValueError, "dim=1 must be >= 2"),
        ((0.0, 1.0, "3"), TypeError, "dim='3' must be an integer"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Paraboloid(*arguments)
