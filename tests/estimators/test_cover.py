"""Covers by half-spaces: proved, so that no point of the set is ever outside; and no larger than they must be."""

import math

import numpy as np
import pytest

from isoperimetry import sets
from isoperimetry.estimators import cover as module
from isoperimetry.estimators.cover import half_space_cover

SIGMA = 0.7


def noise_of(n):
    return np.random.default_rng(np.random.SeedSequence(11, spawn_key=(n,)))


matrix = np.linalg.qr(np.random.default_rng(5).standard_normal((4, 4))).Q

CONVEX = {
    "half-space": (sets.HalfSpace([1.0, -2.0, 0.5], 1.5), np.array([0.3, 0.1, -0.2])),
    "ball": (sets.Ball([2.0, 1.0, 0.0], 1.2), np.array([-0.5, 0.2, 0.1])),
    "box at an edge": (sets.Box([1.0, -1.0, 0.5], [2.0, 1.0, 3.0]), np.zeros(3)),
    "box, half open": (sets.Box([1.0, -np.inf, -2.0], [np.inf, np.inf, -0.5]), np.zeros(3)),
    "orthant": (sets.Orthant([0.5, -np.inf, 1.0]), np.array([0.1, 3.0, 0.2])),
    "cylinder": (sets.Cylinder([2.0, 1.0], 1.0, dim=4), np.array([0.0, -0.5, 1.0, 1.0])),
    "slab, below": (sets.Slab([1.0, 1.0], 2.0, 0.5), np.array([0.2, 0.1])),
    "slab, above": (sets.Slab([1.0, 1.0], -2.0, 0.5), np.array([0.2, 0.1])),
    "cone, edge": (sets.Cone(0.6, dim=3), np.array([0.5, 1.5, -1.0])),
    "cone, apex": (sets.Cone(0.6, dim=3), np.array([-1.5, 0.2, 0.1])),
    "cone, flat": (sets.Cone(math.pi / 2, dim=3), np.array([-1.0, 0.4, 0.1])),
    "wedge": (sets.Wedge(1.0), np.array([0.3, -1.2])),
    "wedge, apex": (sets.Wedge(1.0), np.array([-1.3, -0.2])),
    "paraboloid": (sets.Paraboloid(1.0, 0.5, dim=3), np.array([0.5, 1.5, 1.0])),
    "paraboloid, axis": (sets.Paraboloid(1.0, 0.5, dim=3), np.zeros(3)),
    "paraboloid, flat": (sets.Paraboloid(1.0, 0.0, dim=3), np.array([0.1, 1.0, 1.0])),
    "paraboloid, beside": (sets.Paraboloid(-1.0, 2.0, dim=2), np.array([3.0, 4.0])),
    "shell": (sets.Shell([3.0, 0.0], 0.5, 1.0), np.zeros(2)),
    "moved": (sets.scale(sets.translate(sets.Ball([1.0, 2.0], 0.5), [1.0, 0.0]), 1.5), np.array([0.2, 0.1])),
    "turned": (sets.rotate(sets.Cone(0.5, dim=4), matrix), np.array([0.5, -1.0, 2.0, 0.3])),
    "mirrored": (
        sets.rotate(sets.Paraboloid(1.5, 0.3, dim=3), start=[1.0, 0.0, 0.0], end=[0.0, 1.0, 1.0]),
        np.array([0.3, 0.1, 0.0]),
    ),
    "complement of a half-space": (sets.Complement(sets.HalfSpace([1.0, 0.0], -1.0)), np.array([0.5, 2.0])),
    "complement of a blunt cone": (sets.Complement(sets.Cone(2.5, dim=3)), np.array([1.0, 0.5, 0.2])),
    "complement of a blunt paraboloid": (
        sets.Complement(sets.Paraboloid(-1.0, -0.5, dim=3)), np.array([1.0, 0.5, 0.2])
    ),
    "complement of an endless shell": (sets.Complement(sets.Shell([2.0, 0.0], 1.0, math.inf)), np.zeros(2)),
    "complement of a moved half-space": (
        sets.Complement(sets.translate(sets.HalfSpace([1.0, 0.0], -3.0), [1.0, 1.0])), np.array([0.5, 2.0])
    ),
}  # fmt: skip

SEVERAL = {
    "union of half-spaces": (
        sets.UnionOfHalfSpaces(noise_of(1).standard_normal((5, 3)), np.full(5, 1.2)), np.zeros(3), 5
    ),
    "union": (
        sets.Union(sets.Ball([3.0, 0.0], 1.0), sets.HalfSpace([0.0, 1.0], 2.0), sets.HalfSpace([-1.0, 1.0], 2.0)),
        np.array([0.1, 0.2]), 3,
    ),
    "outside a slab": (sets.Complement(sets.Slab([1.0, 1.0], 0.3, 1.5)), np.array([0.2, 0.1]), 2),
    "outside a box": (sets.Complement(sets.Box([-1.0, -np.inf, -2.0], [1.5, 2.0, np.inf])), np.zeros(3), 4),
    "outside a moved box": (
        sets.Complement(sets.rotate(sets.Box([-1.0] * 4, [1.5] * 4), matrix)), np.full(4, 0.1), 8
    ),
    "outside an orthant": (sets.Complement(sets.Orthant([-1.0, -2.0, -np.inf])), np.zeros(3), 2),
}  # fmt: skip


def in_cover(cover, u):
    normals, offsets = cover
    return (u @ normals.T >= offsets).any(axis=1)


def near_the_planes(cover, rng, n, gap):
    """Return noise that is moved to within ``gap`` of a plane of the cover, on the outer side."""
    normals, offsets = cover
    u = rng.standard_normal((n, normals.shape[1])) * np.geomspace(1e-3, 30.0, n)[:, None]
    each = rng.integers(len(offsets), size=n)
    along = np.einsum("ij,ij->i", u, normals[each])
    return u + (offsets[each] - gap - along)[:, None] * normals[each]


@pytest.mark.parametrize("name", [*CONVEX, *SEVERAL])
def test_all_noise_of_the_set_are_covered(name):
    error_set, center, *_ = {**CONVEX, **SEVERAL}[name]
    cover = half_space_cover(error_set, center, SIGMA)
    rng = noise_of(2)
    wide = rng.standard_normal((40_000, error_set.dim)) * np.geomspace(0.5, 20.0, 40_000)[:, None]
    for u in (wide, near_the_planes(cover, rng, 20_000, 1e-9), near_the_planes(cover, rng, 20_000, -1e-9)):
        errors = error_set.contains(center + SIGMA * u)
        assert in_cover(cover, u)[errors].all()
    assert error_set.contains(center + SIGMA * wide).sum() > 100


@pytest.mark.parametrize("name", CONVEX)
def test_one_half_space_at_the_distance_of_a_convex_set(name):
    error_set, center = CONVEX[name]
    normals, offsets = half_space_cover(error_set, center, SIGMA)
    assert normals.shape == (1, error_set.dim)
    assert np.linalg.norm(normals) == pytest.approx(1.0, abs=1e-15)
    distance = error_set.signed_distance(center) / SIGMA
    assert offsets[0] == pytest.approx(distance, rel=1e-9)
    assert offsets[0] < distance  # rounded to the safe side


@pytest.mark.parametrize("name", SEVERAL)
def test_several_half_spaces(name):
    error_set, center, count = SEVERAL[name]
    normals, offsets = half_space_cover(error_set, center, SIGMA)
    assert normals.shape == (count, error_set.dim)
    assert np.allclose(np.linalg.norm(normals, axis=1), 1.0, rtol=0, atol=1e-15)
    assert offsets.min() == pytest.approx(error_set.signed_distance(center) / SIGMA, rel=1e-9)


def test_a_union_of_half_spaces_is_its_own_cover():
    union = sets.UnionOfHalfSpaces([[3.0, 4.0], [-1.0, 0.0]], [2.0, 3.0])
    normals, offsets = half_space_cover(union, np.array([0.5, 0.0]), 0.5)
    assert normals.tolist() == [[0.6, 0.8], [-1.0, 0.0]]
    assert offsets == pytest.approx([3.4, 7.0], rel=1e-11)


def test_far_from_the_origin():
    center = np.full(3, 1e6)
    error_set = sets.Ball(center + np.array([4.0, 0.0, 0.0]), 1.0)
    cover = half_space_cover(error_set, center, 1.0)
    assert cover[1][0] == pytest.approx(3.0, abs=1e-8)
    touching = error_set.center - np.array([error_set.radius, 0.0, 0.0])
    assert in_cover(cover, touching[None] - center).all()


@pytest.mark.parametrize(
    "error_set",
    [
        sets.Ball([0.0, 0.5], 1.0),  # it holds the center
        sets.HalfSpace([1.0, 0.0], -1.0),
        sets.UnionOfHalfSpaces([[1.0, 0.0], [0.0, 1.0]], [1.0, -0.5]),
        sets.Complement(sets.Ball([0.0, 0.0], 2.0)),  # no finite number of half-spaces
        sets.Cone(2.0, dim=2),
        sets.Paraboloid(1.0, -0.1, dim=2),
        sets.Quadric([1.0, 1.0], [0.0, 0.0], -4.0),
        sets.Union(sets.HalfSpace([1.0, 0.0], 2.0), sets.Shell([0.0, 0.0], 2.0, math.inf)),
        sets.Box([-1.0, -1.0], [1.0, 1.0]),
    ],
)
def test_no_cover(error_set):
    assert half_space_cover(error_set, np.zeros(2), 1.0) is None


def test_no_cover_that_does_not_fit_in_memory(monkeypatch):
    outside = sets.Complement(sets.Box([-3.0] * 10, [3.0] * 10))
    assert half_space_cover(outside, np.zeros(10), 1.0) is not None
    monkeypatch.setattr(module, "LARGEST", 199)
    assert half_space_cover(outside, np.zeros(10), 1.0) is None
