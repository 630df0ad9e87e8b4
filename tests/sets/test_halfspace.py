from __future__ import annotations

import dataclasses
import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.sets import Capability, ErrorSet, HalfSpace
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import dims, sigmas


def test_the_definition():
    half_space = HalfSpace([3.0, 4.0], 2.0)  # {x: 3 x_1 + 4 x_2 >= 10}
    points = np.array([[2.0, 1.0], [2.0, 0.99], [5.0, 5.0]])
    assert half_space.dim == 2 and isinstance(half_space, ErrorSet)
    assert half_space.contains(points).tolist() == [True, False, True]
    assert half_space.contains(points[0]) is True
    assert half_space.signed_distance(points) == pytest.approx([0.0, 0.008, -5.0], abs=1e-15)
    assert type(half_space.signed_distance(points[0])) is float
    assert half_space.signed_distance([0.0, 0.0]) == 2.0
    assert half_space.capabilities == half_space.complement_capabilities == set(get_args(Capability))
    assert repr(half_space) == "HalfSpace(normal=[3.0, 4.0], offset=2.0)"
    assert repr(HalfSpace(np.ones(784), 1.5)) == "HalfSpace(dim=784, offset=1.5)"


@pytest.mark.parametrize("offset", [-9.0, -1.0, 0.1, 3.0, 38.0, 1e4])
def test_table(offset):
    half_space = HalfSpace([1.0], offset)
    assert_ulp(half_space.log_volume(), reference.log_ndtr(-offset), 2)
    assert_ulp(half_space.volume(), reference.ndtr(-offset), 2)
    assert_ulp(half_space.complement_volume(), reference.ndtr(offset), 2)
    assert_ulp(half_space.complement_log_volume(), reference.log_ndtr(offset), 2)


@given(dims(max_dim=784), st.integers(0, 999), st.floats(-8, 30), sigmas(), st.floats(0, 8))
def test_translation_rotation_and_scale(dim, seed, offset, sigma, length):
    rng = np.random.default_rng(seed)
    normal, center = rng.standard_normal((2, dim))
    half_space = HalfSpace(normal, offset * sigma)
    expected = half_space.log_volume(sigma=sigma)
    assert expected == pytest.approx(HalfSpace([1.0], offset).log_volume(), rel=1e-12)
    shifted = HalfSpace(normal, offset * sigma + center @ normal / np.linalg.norm(normal))
    assert shifted.signed_distance(center) == pytest.approx(offset * sigma, rel=1e-11, abs=1e-12)
    if sigma > 1e-2:
        assert shifted.log_volume(center, sigma) == pytest.approx(expected, rel=1e-9)
    assert HalfSpace(1e-200 * normal, offset).volume() == pytest.approx(
        HalfSpace(1e200 * normal, offset).volume(), rel=1e-12
    )
    # An enlargement is the half-space moved back.
    moved = HalfSpace(normal, (offset - length) * sigma)
    assert half_space.enlarged_volume(length * sigma, sigma=sigma) == pytest.approx(moved.volume(sigma=sigma), rel=1e-9)


def test_membership_by_monte_carlo(rng):
    half_space, center, sigma, n = HalfSpace([1.0, -2.0, 2.0], 1.0), np.array([0.3, 0.0, -0.2]), 0.8, 100_000
    x = center + sigma * rng.standard_normal((n, 3))
    inside, distance = half_space.contains(x), half_space.signed_distance(x)
    assert np.array_equal(inside, distance <= 0)
    for count, p in (
        (inside.sum(), half_space.volume(center, sigma)),
        ((distance <= 0.5).sum(), half_space.enlarged_volume(0.5, center, sigma)),
        ((-distance <= 0.1).sum(), half_space.complement_enlarged_volume(0.1, center, sigma)),
    ):
        assert abs(count - n * p) < 4.9 * math.sqrt(n * p * (1 - p))  # fails once in a million


@pytest.mark.parametrize("p", [1, 1.0001, 1.5, 2, 3, 50, math.inf])
def test_enlargement_in_other_norms(p, rng):
    normal = rng.standard_normal(5)
    half_space = HalfSpace(normal, 2.0)
    # The nearest point of the boundary in l_p: Hoelder's equality case, by a formula of its own.
    unit = normal / np.linalg.norm(normal)
    if p == math.inf:
        direction = np.sign(unit)
    elif p == 1:
        direction = np.where(np.abs(unit) == np.abs(unit).max(), np.sign(unit), 0.0)
    else:
        direction = np.sign(unit) * (np.abs(unit) / np.abs(unit).max()) ** (1 / (p - 1))
    step = direction / np.linalg.norm(direction, ord=p)  # of l_p length 1
    assert half_space.enlarged_volume(0.5, p=p) == pytest.approx(
        HalfSpace(normal, 2.0 - 0.5 * step @ unit).volume(), rel=1e-12
    )
    grown = [half_space.enlarged_volume(0.5, p=q) for q in (1, p, math.inf)]
    assert grown == sorted(grown)


def test_broadcasting_and_edges():
    inf = math.inf
    half_space = HalfSpace([0.0, 1.0], 1.0)
    sigma, eps = np.array([0.5, 1.0, 2.0]), np.array([[0.0], [0.3]])
    table = half_space.enlarged_volume(eps, sigma=sigma)
    assert table.shape == (2, 3) and np.array_equal(table[0], half_space.volume(sigma=sigma))
    assert type(half_space.volume()) is float and type(half_space.log_volume()) is float
    # Without noise all mass is at the center; the boundary belongs to the set, and to the closure of its complement.
    assert half_space.volume([0.0, 2.0], 0.0) == half_space.volume([0.0, 1.0], 0.0) == 1
    assert half_space.volume([0.0, 0.9], 0.0) == half_space.complement_volume([0.0, 1.0], 0.0) == 0
    assert half_space.log_volume([0.0, 0.9], 0.0) == half_space.complement_log_volume([0.0, 1.0], 0.0) == -inf
    assert half_space.enlarged_volume([0.9, 1.0], [0.0, 0.0], 0.0).tolist() == [0, 1]
    assert half_space.complement_enlarged_volume([0.0, 0.9, 1.0], [0.0, 2.0], 0.0).tolist() == [0, 0, 1]
    assert half_space.complement_enlarged_volume(0.0, [0.0, 1.0], 0.0) == 1
    assert half_space.volume(sigma=inf) == 0.5
    # The empty set has no neighbourhood, at any distance; the whole space has no complement.
    empty, whole = HalfSpace([1.0], inf), HalfSpace([1.0], -inf)
    for sigma in (0.0, 1.0, inf):
        assert empty.enlarged_volume([0.0, 1.0, inf], sigma=sigma).tolist() == [0, 0, 0]
        assert whole.enlarged_volume([0.0, 1.0, inf], sigma=sigma).tolist() == [1, 1, 1]
        assert whole.complement_enlarged_volume([0.0, 1.0, inf], sigma=sigma).tolist() == [0, 0, 0]
        assert empty.complement_enlarged_volume([0.0, 1.0, inf], sigma=sigma).tolist() == [1, 1, 1]
    assert empty.signed_distance([0.0]) == inf and not empty.contains([0.0]) and whole.contains([0.0])
    assert half_space.enlarged_volume(inf) == half_space.complement_enlarged_volume(inf) == 1
    for value in (
        half_space.volume(sigma=math.nan),
        half_space.log_volume([math.nan, 0.0]),
        empty.volume(sigma=math.nan),
        half_space.enlarged_volume(math.nan),
        half_space.complement_enlarged_volume(math.nan),
        half_space.signed_distance([0.0, math.nan]),
    ):
        assert math.isnan(value)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: HalfSpace([0.0, 0.0], 1.0), ValueError, "normal must have a non-zero entry"),
        (lambda: HalfSpace([1.0, math.nan], 1.0), ValueError, r"the first is normal\[1\]=nan"),
        (lambda: HalfSpace([[1.0]], 1.0), ValueError, r"normal has shape \(1, 1\)"),
        (lambda: HalfSpace([], 1.0), ValueError, r"normal has shape \(0,\)"),
        (lambda: HalfSpace([1.0], math.nan), ValueError, "offset=nan must be a number"),
        (lambda: HalfSpace([1.0], [1.0, 2.0]), ValueError, r"offset has shape \(2,\)"),
        (lambda: HalfSpace([1.0], "1"), TypeError, "offset='1' must be a real number"),
        (lambda: HalfSpace(np.ones(9), 1.0).contains(np.ones((5, 8))), ValueError, r"dim=9 but x has shape \(5, 8\)"),
        (lambda: HalfSpace([1.0], 1.0).volume([1.0, 2.0]), ValueError, r"dim=1 but center has shape \(2,\)"),
        (lambda: HalfSpace([1.0], 1.0).volume([[1.0]]), ValueError, r"center has shape \(1, 1\)"),
        (lambda: HalfSpace([1.0], 1.0).volume(sigma=-1.0), ValueError, r"sigma=-1\.0 must be >= 0"),
        (lambda: HalfSpace([1.0], 1.0).enlarged_volume(-1.0), ValueError, r"eps=-1\.0 must be >= 0"),
        (lambda: HalfSpace([1.0], 1.0).enlarged_volume(1.0, p=0.5), ValueError, r"p=0\.5 must be >= 1"),
        (lambda: HalfSpace([1.0], 1.0).enlarged_volume([1.0, 2.0], sigma=[1.0, 2.0, 3.0]), ValueError, "not broadcast"),
    ],
)  # fmt: skip
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_it_is_frozen_and_keeps_its_own_copy():
    normal = np.array([1.0, 0.0])
    half_space = HalfSpace(normal, 1.0)
    normal[:] = 7.0
    assert half_space.normal.tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        half_space.normal[0] = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        half_space.offset = 2.0
