from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.errors import NotExact
from isoperimetry.sets import Ball, Cylinder, ErrorSet
from isoperimetry.testing.strategies import sigmas
from tests.sets.routes import assert_laws, assert_nan_passes, assert_simulation_agrees


def test_the_definition():
    cylinder = Cylinder([0.0, 1.0], 2.0, dim=4)
    points = np.array([[0.0, 1.0, 9.0, 9.0], [0.0, 3.0, 0.0, 0.0], [3.0, 5.0, 0.0, 7.0]])
    assert cylinder.dim == 4 and isinstance(cylinder, ErrorSet)
    assert cylinder.contains(points).tolist() == [True, True, False]
    assert cylinder.signed_distance(points).tolist() == [-2, 0, 3]
    assert repr(cylinder) == "Cylinder(center=[0.0, 1.0], radius=2.0, dim=4)"


@given(st.integers(1, 6), st.integers(0, 5), st.integers(0, 99), st.floats(0, 6), sigmas(), st.floats(0, 4))
def test_it_is_the_ball_in_fewer_dimensions(k, more, seed, radius, sigma, eps):
    rng = np.random.default_rng(seed)
    center, noise = sigma * rng.standard_normal(k), sigma * rng.standard_normal(k + more)
    cylinder, ball = Cylinder(center, radius * sigma, dim=k + more), Ball(center, radius * sigma)
    assert cylinder.log_volume(noise, sigma) == ball.log_volume(noise[:k], sigma)
    assert cylinder.complement_log_volume(noise, sigma) == ball.complement_log_volume(noise[:k], sigma)
    assert cylinder.enlarged_volume(eps, noise, sigma) == ball.enlarged_volume(eps, noise[:k], sigma)
    assert cylinder.signed_distance(noise) == ball.signed_distance(noise[:k])
    assert_laws(cylinder, noise, sigma, eps * sigma)


def test_by_simulation(rng):
    assert_simulation_agrees(Cylinder([1.0, -0.5], 1.1, dim=4), np.array([0.3, 0.0, -0.2, 9.0]), 0.8, 0.4, rng)


def test_norms():
    # With one coordinate every norm measures the distance from it.
    slab = Cylinder([1.0], 0.5, dim=3)
    assert "enlarged_volume_inf" in slab.capabilities
    assert slab.enlarged_volume(0.3, p=math.inf) == slab.enlarged_volume(0.3, p=1) == slab.enlarged_volume(0.3)
    with pytest.raises(NotExact, match="Cylinder has no exact measure of its enlargement for p=inf"):
        Cylinder([1.0, 0.0], 0.5, dim=3).enlarged_volume(0.3, p=math.inf)


def test_edges():
    cylinder = Cylinder([3.0, 4.0], 5.0, dim=3)
    assert cylinder.volume(sigma=[0.0, math.inf]).tolist() == [1, 0]
    assert cylinder.volume([3.0, 4.0, 1e300], 1e-3) == 1
    assert Cylinder([0.0], math.inf, dim=2).volume() == 1 and Cylinder([0.0], 0.0, dim=2).volume() == 0
    assert_nan_passes(Cylinder([3.0, 4.0, 0.0], 5.0, dim=3))
    # What the other coordinates are does not matter to the distance, but a center with NaN is no center.
    assert cylinder.signed_distance([3.0, 4.0, math.nan]) == -5 and math.isnan(cylinder.volume([3.0, 4.0, math.nan]))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0.0, 0.0], 1.0, 1), ValueError, "dim=1 must be >= 2: the center has that many coordinates"),
        (([0.0], 1.0, 2.0), TypeError, r"dim=2\.0 must be an integer"),
        (([0.0], -1.0, 2), ValueError, r"radius=-1\.0 must be >= 0"),
        (([math.nan], 1.0, 2), ValueError, r"the first is center\[0\]=nan"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Cylinder(*arguments)
