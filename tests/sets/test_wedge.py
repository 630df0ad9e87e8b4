from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate

from isoperimetry.errors import NotExact
from isoperimetry.sets import Cone, ErrorSet, HalfSpace, Wedge
from isoperimetry.special import log_binormal_sf, ndtr
from isoperimetry.testing.strategies import sigmas
from tests.sets.routes import assert_laws, assert_nan_passes, assert_simulation_agrees

PI = math.pi
angles = st.floats(0.05, 6.2)


def micro(low, high):
    return st.floats(low, high).map(lambda t: round(t, 6))


def quadrant(angle, reach, center):
    """Return the log of the measure of a convex wedge with its edges moved inwards by ``reach``: two half-planes."""
    half = 0.5 * angle
    normals = [(math.sin(half), -math.cos(half)), (math.sin(half), math.cos(half))]
    thresholds = [reach - normal[0] * center[0] - normal[1] * center[1] for normal in normals]
    return log_binormal_sf(*thresholds, -math.cos(angle), root=math.sin(angle))


def by_parts(angle, eps, center):
    """Return the measure of an enlarged convex wedge: the wedge, two half-strips at its edges, and a sector."""
    total = math.exp(quadrant(angle, 0.0, center))
    for sign in (1, -1):
        direction = np.array([math.cos(angle / 2), sign * math.sin(angle / 2)])
        along, beside = direction @ center, np.array([-direction[1], direction[0]]) * sign @ center
        total += ndtr(along) * (ndtr(eps - beside) - ndtr(-beside))

    def density(t, r):
        x = np.array([r * math.cos(t), r * math.sin(t)]) - center
        return r * math.exp(-0.5 * x @ x) / (2 * PI)

    first = angle / 2 + PI / 2
    return total + integrate.dblquad(density, 0, eps, first, 2 * PI - first, epsabs=1e-13, epsrel=1e-11)[0]


def test_the_definition():
    wedge = Wedge(PI / 2)
    points = np.array([[1.0, 0.5], [0.0, 3.0], [-2.0, 0.0], [4.0, 0.0]])
    assert wedge.dim == 2 and isinstance(wedge, ErrorSet)
    assert wedge.contains(points).tolist() == [True, False, False, True]
    assert wedge.signed_distance(points) == pytest.approx([-0.5 * math.sqrt(0.5), 3 * math.sqrt(0.5), 2, -math.sqrt(8)])
    assert repr(wedge) == f"Wedge(angle={PI / 2!r})"
    assert np.array_equal(wedge.signed_distance(points), Cone(PI / 4, 2).signed_distance(points))


def test_table_of_published_decimals():
    assert Wedge(1.0).volume() == pytest.approx(0.15915494309189533577, rel=1e-15)
    assert Wedge(1.0).enlarged_volume(0.8) == pytest.approx(0.54064029155145572752, rel=1e-15)
    assert Wedge(4.2).enlarged_volume(0.6) == pytest.approx(0.8638, abs=5e-5)


@given(st.floats(1e-3, PI), st.floats(1e-6, 30))
def test_enlarged_at_the_apex(angle, eps):
    share = angle / (2 * PI)
    grown = share + math.erf(eps / math.sqrt(2)) / 2 + (0.5 - share) * -math.expm1(-eps * eps / 2)
    rest = math.erfc(eps / math.sqrt(2)) / 2 + (0.5 - share) * math.exp(-eps * eps / 2)
    wedge = Wedge(angle)
    assert wedge.enlarged_volume(eps) == pytest.approx(grown, rel=1e-13)
    # The integral, at a center as good as the apex, and the measure of the rest.
    inside, outside = wedge._log_measures(np.array([eps]), np.array([1e-200, 0.0]), np.ones(1), 2.0)
    assert math.exp(inside[0]) == pytest.approx(grown, rel=1e-11)
    if rest > 1e-300:
        assert math.exp(outside[0]) == pytest.approx(rest, rel=1e-11)


@given(st.floats(0.05, 3.1), micro(0, 4), micro(-40, 40), micro(-40, 40))
@example(angle=1.0, reach=0.0, along=-450.0, across=3.0)
@example(angle=1.0, reach=0.0, along=-3.0, across=3.0)
def test_two_half_planes(angle, reach, along, across):
    """Shrunk, a wedge is a wedge: at any center and in any tail the measure is that of a bivariate normal quadrant."""
    center = np.array([along, across])
    log_share = quadrant(angle, reach, center)
    inside, outside = Wedge(angle)._log_measures(np.array([-reach]), center, np.ones(1), 2.0)
    # An error in the last digit of the thresholds, of size 60 at most, moves a log of 1e5 by that times its root.
    assert inside[0] == pytest.approx(log_share, rel=1e-12, abs=2e-11)
    wide = Wedge(2 * PI - angle)
    assert wide.complement_log_volume(-center) == pytest.approx(quadrant(angle, 0.0, center), rel=1e-12, abs=2e-11)
    assert wide.enlarged_volume(reach, -center) == pytest.approx(math.exp(outside[0]), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("angle", [0.3, 1.5, 3.0])
@pytest.mark.parametrize("eps", [0.2, 1.5])
@pytest.mark.parametrize("center", [(0.5, 0.3), (-1.0, 0.8), (2.0, -1.5)])
def test_by_parts(angle, eps, center):
    center = np.array(center)
    assert Wedge(angle).enlarged_volume(eps, center) == pytest.approx(by_parts(angle, eps, center), rel=1e-9)
    assert Wedge(2 * PI - angle).complement_enlarged_volume(eps, -center) == pytest.approx(
        by_parts(angle, eps, center), rel=1e-9
    )


@settings(max_examples=20)
@given(angles, st.floats(-4, 4), st.floats(-4, 4), sigmas(low=1e-3, high=1e3), st.floats(0, 3))
def test_laws(angle, along, across, sigma, eps):
    assert_laws(Wedge(angle), sigma * np.array([along, across]), sigma, eps * sigma)


def test_the_half_plane_attains_the_bound():
    half_plane, wedge = HalfSpace([1.0, 0.0], 0.0), Wedge(PI)
    for eps in (0.0, 0.5, 3.0):
        for center, p in (([0.7, 3.0], 2), ([0.0, 0.0], 2), ([0.7, 3.0], math.inf)):
            expected = half_plane.enlarged_volume(eps, center, p=p)
            assert wedge.enlarged_volume(eps, center, p=p) == pytest.approx(expected, rel=1e-15)


def test_by_simulation(rng):
    for angle in (1.2, 4.2):
        assert_simulation_agrees(Wedge(angle), np.array([0.4, -0.3]), 0.7, 0.4, rng)


def test_edges():
    inf = math.inf
    ray, plane = Wedge(0.0), Wedge(2 * PI)
    assert ray.volume([1.0, 0.0]) == 0 and ray.contains([1.0, 0.0])
    # A ray grown by eps at its apex: half a strip and half a disc.
    half = 0.5 * (math.erf(0.5 / math.sqrt(2)) - math.expm1(-0.125))
    assert ray.enlarged_volume(0.5) == pytest.approx(half, rel=1e-14)
    assert plane.volume(sigma=[0.0, 1.0, inf]).tolist() == [1, 1, 1] and plane.complement_enlarged_volume(3.0) == 0
    assert Wedge(1.0).volume(sigma=[0.5, inf]) == pytest.approx([0.5 / PI, 0.5 / PI], rel=1e-15)
    assert Wedge(1.0).enlarged_volume([0.0, inf], sigma=0.0).tolist() == [1, 1]
    assert_nan_passes(Wedge(1.0))


def test_other_norms_are_refused():
    with pytest.raises(NotExact, match="Wedge has no exact measure of its enlargement for p=1"):
        Wedge(1.0).enlarged_volume(0.1, p=1)


@pytest.mark.parametrize("angle", [-0.1, 6.3, math.nan])
def test_wrong_arguments(angle):
    with pytest.raises(ValueError, match=r"angle=.* must be in \[0, 2 pi\]: it is in radians"):
        Wedge(angle)
