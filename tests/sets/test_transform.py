from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.sets import Complement, ErrorSet, HalfSpace, Slab
from isoperimetry.testing.strategies import error_sets, sigmas


@given(st.data(), sigmas(), st.floats(0, 5))
def test_a_complement_is_the_other_side(data, sigma, length):
    error_set = data.draw(error_sets(dim=3, scale=sigma))
    other, back = Complement(error_set), Complement(Complement(error_set))
    x = sigma * np.random.default_rng(0).standard_normal((20, 3))
    assert isinstance(other, ErrorSet) and other.dim == 3
    assert other.capabilities == error_set.complement_capabilities and back.capabilities == error_set.capabilities
    assert np.array_equal(other.contains(x), ~error_set.contains(x)) and other.contains(x[0]) is not error_set.contains(
        x[0]
    )
    assert np.array_equal(other.signed_distance(x), -error_set.signed_distance(x))
    assert other.volume(sigma=sigma) + error_set.volume(sigma=sigma) == pytest.approx(1, abs=1e-14)
    assert other.log_volume(sigma=sigma) == error_set.complement_log_volume(sigma=sigma)
    eps = length * sigma
    if "enlarged_volume" in other.capabilities:
        assert other.enlarged_volume(eps, sigma=sigma) >= other.volume(sigma=sigma) * (1 - 1e-13)
    assert back.volume(sigma=sigma) == error_set.volume(sigma=sigma)
    assert back.log_volume(sigma=sigma) == error_set.log_volume(sigma=sigma)
    assert back.enlarged_volume(eps, sigma=sigma) == error_set.enlarged_volume(eps, sigma=sigma)
    assert back.complement_log_volume(sigma=sigma) == other.log_volume(sigma=sigma)


def test_the_complement_of_a_half_space_is_one():
    half_space, other = HalfSpace([3.0, 4.0], 2.0), Complement(HalfSpace([-3.0, -4.0], -2.0))
    for eps in (0.0, 0.5, 3.0):
        assert other.enlarged_volume(eps) == pytest.approx(half_space.enlarged_volume(eps), rel=1e-15)
    assert other.log_volume([0.1, 0.2], 0.01) == pytest.approx(half_space.log_volume([0.1, 0.2], 0.01), rel=1e-14)
    assert repr(other) == "Complement(HalfSpace(normal=[-3.0, -4.0], offset=-2.0))"


def test_a_tiny_complement_keeps_its_digits():
    far = Complement(Slab([1.0], 0.0, 40.0))
    assert far.log_volume() == pytest.approx(-804.60844201065 + math.log(2), abs=1e-6)
    assert 0 < Complement(Slab([1.0], 0.0, 20.0)).volume() < 1e-88


def test_a_set_that_cannot_answer_is_refused():
    class Membership:
        dim = 2

        def contains(self, x):
            return True

    with pytest.raises(TypeError, match=r"error_set=.*Membership.* must be a set of isoperimetry.sets"):
        Complement(Membership())
