from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoperimetry.errors import NotExact
from isoperimetry.sets import Complement, Cone, ErrorSet, HalfSpace
from isoperimetry.testing.strategies import sigmas
from tests.sets.routes import (
    assert_laws,
    assert_nan_passes,
    assert_simulation_agrees,
    distance_to_curve,
    log_volume_by_rings,
    volume_by_rings,
)

PI = math.pi


def point(dim, along, across):
    """A center with its part across the axis spread over the other coordinates."""
    rest = np.zeros(dim - 1)
    rest[:2] = (across * 0.6, across * 0.8) if dim > 2 else across
    return np.concatenate([[along], rest])


def edge(half_angle, eps):
    """Return the least position along the axis at a distance r from it of the cone moved by eps."""
    sine, cosine = math.sin(half_angle), math.cos(half_angle)

    def position(r):
        if eps <= 0:
            return r * cosine / sine - eps / sine
        if r < eps * cosine:
            return -((eps * eps - r * r) ** 0.5)
        return (r - eps / cosine) * cosine / sine

    return position


def test_the_definition():
    cone = Cone(PI / 4, dim=3)
    points = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.5], [1.0, 2.0, 0.0], [-3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert cone.dim == 3 and isinstance(cone, ErrorSet)
    assert cone.contains(points).tolist() == [True, True, False, False, True]
    assert cone.signed_distance(points) == pytest.approx([-math.sqrt(0.5), -math.sqrt(0.125), math.sqrt(0.5), 3, 0])
    wide = Cone(3 * PI / 4, dim=3)  # all but the cone around -e_1
    assert wide.signed_distance(points * [-1, 1, 1]) == pytest.approx(-cone.signed_distance(points), abs=1e-15)
    assert repr(cone) == f"Cone(half_angle={PI / 4!r}, dim=3)"


@given(st.floats(0.01, 3.13), st.integers(2, 5), st.integers(0, 999))
def test_signed_distance_by_search(half_angle, dim, seed):
    x = 3 * np.random.default_rng(seed).standard_normal(dim)
    along, across = x[0], np.linalg.norm(x[1:])
    expected = distance_to_curve(
        lambda t: (t * math.cos(half_angle), t * math.sin(half_angle)), along, across, 2 * np.linalg.norm(x)
    )
    cone, inside = Cone(half_angle, dim), math.atan2(across, along) <= half_angle
    assert cone.signed_distance(x) == pytest.approx(-expected if inside else expected, abs=3e-8)
    assert cone.contains(x) == inside


def test_table_of_published_decimals():
    # The share of a cap; in three dimensions it is (1 - cos) / 2.
    assert Cone(1.0, 784).log_volume() == pytest.approx(-138.78699741522591436, rel=1e-15)
    assert Cone(PI - 1.0, 784).complement_log_volume() == pytest.approx(-138.78699741522591436, rel=1e-15)
    for half_angle in (1e-9, 0.3, 1.0, 1.5, 2.0, 3.1, PI - 1e-6):
        volume = math.sin(half_angle / 2) ** 2
        assert Cone(half_angle, 3).volume() == pytest.approx(volume, rel=1e-14)
        assert Cone(half_angle, 3).complement_volume() == pytest.approx(math.cos(half_angle / 2) ** 2, rel=1e-9)
    # One integral gives the same as the closed form, at a center next to the apex.
    for dim in (3, 10, 784, 150528):
        for half_angle in (0.3, 1.0, 1.5, 2.0):
            cone = Cone(half_angle, dim)
            near = cone.log_volume(point(dim, 1e-17, 1e-17))
            assert near == pytest.approx(cone.log_volume(), rel=1e-14, abs=1e-12)


@pytest.mark.parametrize("half_angle", [0.1, 0.7, 1.4, 1.56])
@pytest.mark.parametrize("eps", [-0.5, 0.0, 0.3, 3.0])
@pytest.mark.parametrize(("dim", "along", "across"), [(3, 2.0, 1.0), (2, -1.0, 0.5), (8, 4.0, 0.0), (51, 5.0, 2.0)])
def test_by_rings(half_angle, eps, dim, along, across):
    center, cone = point(dim, along, across), Cone(half_angle, dim)
    expected = volume_by_rings(edge(half_angle, eps), dim - 1, along, across, [max(eps * math.cos(half_angle), 0.0)])
    wide, mirrored = Cone(PI - half_angle, dim), center * np.array([-1.0] + [1.0] * (dim - 1))
    if eps >= 0:
        assert cone.enlarged_volume(eps, center) == pytest.approx(expected, rel=1e-9)
        assert wide.complement_enlarged_volume(eps, mirrored) == pytest.approx(expected, rel=1e-9)
    else:
        assert 1 - cone.complement_enlarged_volume(-eps, center) == pytest.approx(expected, rel=1e-9, abs=1e-14)
        assert 1 - wide.enlarged_volume(-eps, mirrored) == pytest.approx(expected, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    ("half_angle", "dim", "along", "across", "eps"),
    [
        (0.7, 784, -440.0, 3.0, 0.0), (0.3, 3, -30.0, 20.0, 1.0), (1.4, 10, -460.0, 20.0, 0.5),
        (1.2, 150528, 20.0, 30.0, 0.0), (1.2, 150528, 100.0, 0.0, 2.0), (0.5, 784, 10.0, 400.0, 0.0),
    ],
)  # fmt: skip
def test_tails(half_angle, dim, along, across, eps):
    expected = log_volume_by_rings(edge(half_angle, eps), dim - 1, along, across, eps * math.cos(half_angle))
    inside, _ = Cone(half_angle, dim)._log_measures(np.array([eps]), point(dim, along, across), np.ones(1), 2.0)
    assert expected < -400
    # An ulp of the half angle, or of the law of the distance, moves the log by some ulp.
    assert inside[0] == pytest.approx(float(expected), rel=4e-15, abs=1e-11)


@settings(max_examples=20)
@given(
    st.floats(0.01, 3.1),
    st.integers(2, 6),
    st.floats(-5, 5),
    st.floats(0, 5),
    sigmas(low=1e-3, high=1e3),
    st.floats(0, 3),
)
def test_laws(half_angle, dim, along, across, sigma, eps):
    assert_laws(Cone(half_angle, dim), point(dim, along * sigma, across * sigma), sigma, eps * sigma)


def test_by_simulation(rng):
    for half_angle in (0.6, 2.2):
        assert_simulation_agrees(Cone(half_angle, 4), np.array([0.5, 0.2, -0.4, 0.3]), 0.8, 0.5, rng)


def test_many_at_once():
    cone, center = Cone(0.8, 5), point(5, 0.4, 1.0)
    eps, sigma = np.array([[0.0], [0.1], [2.0]]), np.array([1e-3, 0.5, 1.0, 30.0])
    table = cone.enlarged_volume(eps, center, sigma)
    each = [[cone.enlarged_volume(e, center, s) for s in sigma] for e in eps.ravel()]
    assert table == pytest.approx(np.array(each), rel=1e-12)


def test_edges():
    inf = math.inf
    ray, plane, whole = Cone(0.0, 3), Cone(PI / 2, 3), Cone(PI, 3)
    half_space = HalfSpace([1.0, 0.0, 0.0], 0.0)
    center = np.array([0.3, 0.4, -1.0])
    assert ray.volume(center) == 0 and ray.log_volume() == -inf and ray.complement_volume(center) == 1
    assert ray.contains([2.0, 0.0, 0.0]) and ray.signed_distance([5.0, 3.0, 4.0]) == 5
    assert 0 < ray.enlarged_volume(0.5, center) < 1 and ray.complement_enlarged_volume(0.1) == 1
    assert ray.enlarged_volume(0.5, center) == pytest.approx(Cone(1e-9, 3).enlarged_volume(0.5, center), rel=1e-7)
    for eps in (0.0, 0.7):
        for name in ("enlarged_volume", "complement_enlarged_volume"):
            expected = getattr(half_space, name)(eps, center)
            assert getattr(plane, name)(eps, center, p=1) == pytest.approx(expected, rel=1e-15)
    assert plane.signed_distance(center) == -0.3 and plane.contains([0.0, 7.0, 0.0])
    assert Cone(PI / 2 - 1e-12, 3).volume(center) == pytest.approx(plane.volume(center), rel=1e-10)
    assert whole.volume(center, [0.0, 1.0, inf]).tolist() == [1, 1, 1] and whole.contains([-1.0, 0.0, 0.0])
    assert whole.complement_enlarged_volume([1.0, inf]).tolist() == [0, 0] and whole.signed_distance(center) == -inf
    cone = Cone(0.8, 3)
    assert cone.volume(sigma=inf) == cone.volume() == cone.volume(sigma=1e-300)
    assert cone.volume(center, [1e300, inf]) == pytest.approx(cone.volume() * np.ones(2), rel=1e-12)
    assert cone.volume([1.0, 0.0, 0.1], [0.0, 5e-324, 1e-200]).tolist() == [1, 1, 1]
    assert cone.volume([-1.0, 0.0, 0.1], [0.0, 5e-324, 1e-200]).tolist() == [0, 0, 0]
    assert cone.log_volume([-1.0, 0.0, 0.0], 1e-100) == pytest.approx(-0.5e200, rel=1e-12)
    assert cone.enlarged_volume([0.9, 1.1, inf], [-1.0, 0.0, 0.0], 0.0).tolist() == [0, 1, 1]
    assert cone.complement_enlarged_volume([0.7, 0.72], [1.0, 0.0, 0.0], 0.0).tolist() == [0, 1]
    assert cone.enlarged_volume(1e-300) == pytest.approx(cone.volume(), rel=1e-11)
    assert_nan_passes(cone)
    assert_nan_passes(whole)


def test_distances_beyond_the_apex_are_those_to_a_ball():
    law = Cone(1e-3, 6).distance_law([-9.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert law.quantile(0.5) == pytest.approx(9.27, abs=0.05)
    other = Complement(Cone(0.5, 3)).distance_law([3.0, 0.0, 0.0])
    assert other.cdf(other.quantile(0.9)) == pytest.approx(0.9, rel=1e-11)


def test_other_norms_are_refused():
    with pytest.raises(NotExact, match="Cone has no exact measure of its enlargement for p=inf"):
        Cone(1.0, 3).enlarged_volume(0.1, p=math.inf)
    assert Cone(1.0, 3).enlarged_volume(0.0, p=math.inf) == Cone(1.0, 3).volume()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-0.1, 3), ValueError, r"half_angle=-0\.1 must be in \[0, pi\]: it is in radians"),
        ((4.0, 3), ValueError, r"half_angle=4\.0 must be in \[0, pi\]"),
        ((math.nan, 3), ValueError, "half_angle=nan must be in"),
        ((1.0, 1), ValueError, "dim=1 must be >= 2: the set has an axis and a coordinate across it"),
        ((1.0, 3.0), TypeError, r"dim=3\.0 must be an integer"),
        (("x", 3), TypeError, "half_angle='x' must be a real number"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Cone(*arguments)
