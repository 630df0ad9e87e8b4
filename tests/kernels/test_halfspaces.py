from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import optimize

from isoperimetry.kernels import halfspaces


def slow_depth(v, normals):
    """The least length of a y with normals @ y >= v, by trying all sets of faces on which it may lie; inf if none."""
    m, size = normals.shape
    best = math.inf
    for k in range(min(m, size) + 1):
        for chosen in itertools.combinations(range(m), k):
            face = normals[list(chosen)]
            y = np.linalg.lstsq(face, v[list(chosen)], rcond=None)[0] if k else np.zeros(size)
            if np.all(normals @ y >= v - 1e-9 * (1 + np.abs(v).max())):
                best = min(best, float(np.linalg.norm(y)))
    return best


def depth(v, normals):
    compiled = halfspaces.union_depth(v, normals)
    assert compiled == pytest.approx(halfspaces.union_depth.py_func(v, normals), rel=1e-15)
    return compiled


def units(rows):
    return rows / np.linalg.norm(rows, axis=1)[:, None]


@pytest.mark.parametrize("degenerate", [False, True])
@pytest.mark.parametrize(("m", "size"), [(1, 1), (2, 1), (2, 2), (3, 2), (4, 3), (6, 2), (6, 4), (7, 3)])
def test_depth_against_all_faces(m, size, degenerate, rng):
    found_empty = 0
    for _ in range(30):
        # Small integers make normals that are equal, opposite or depend on one another, and ties.
        normals = rng.integers(-2, 3, size=(m, size)) if degenerate else rng.normal(size=(m, size))
        normals = units(np.where(np.abs(normals).sum(axis=1)[:, None] == 0, 1.0, normals).astype(float))
        v = rng.integers(-1, 3, size=m).astype(float) if degenerate else rng.normal(size=m) + 0.5
        expected = slow_depth(v, normals)
        # An independent view on emptiness.
        feasible = optimize.linprog(np.zeros(size), A_ub=-normals, b_ub=-v, bounds=(None, None)).status == 0
        assert feasible == math.isfinite(expected)
        found_empty += not feasible
        # A corner that is far for its excesses is as badly conditioned.
        assert depth(v, normals) == pytest.approx(expected, rel=1e-14 * (10 + min(expected, 1e9)), abs=1e-14)
    if m > size + 2:  # so many directions hardly leave a place
        assert found_empty


@pytest.mark.parametrize("angle", [1e-1, 1e-4, 1e-7, 1e-10])
def test_depth_near_degenerate_angles(angle):
    # Two normals: nearly opposite with a far corner in a thin wedge, and nearly parallel.
    c, s = math.cos(angle), math.sin(angle)
    opposite, parallel = np.array([[1.0, 0.0], [-c, s]]), np.array([[1.0, 0.0], [c, s]])
    v = np.array([1.0, 2.0])
    assert depth(v, opposite) == pytest.approx(math.hypot(1.0, (2.0 + c) / s), rel=1e-13)
    assert depth(v, parallel) == 2.0
    assert depth(np.array([2.0, 2.0]), parallel) == pytest.approx(2 / math.cos(angle / 2), rel=1e-14)


def test_depth_at_the_edges():
    plane = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    assert depth(np.array([-1.0, -2.0, -3.0]), plane) == 0
    assert depth(np.array([1.0, -1.0, 0.0]), plane) == 1  # between two opposite faces that touch
    assert depth(np.array([1.0, -0.5, 0.0]), plane) == math.inf
    assert depth(np.array([3e-200, -1.0, 4e-200]), plane) == 0  # below the rounding of the other excess
    assert depth(np.array([3e150, -4e150, 4e150]), plane) == pytest.approx(5e150)


def test_loops_against_slow_versions(rng):
    normals = units(rng.normal(size=(5, 3)))
    gram, offsets = normals @ normals.T, rng.normal(size=5) + 2
    products = rng.normal(size=(60, 3)) * 2 @ normals.T
    products[7, 1] = math.nan
    inside, gaps = np.empty(60, np.bool_), np.empty(60)
    halfspaces.fill_in_union(products, offsets, inside)
    halfspaces.fill_union_gaps(products, offsets, gram, normals, gaps)
    again = np.empty(60, np.bool_), np.empty(60)
    halfspaces.fill_in_union.py_func(products, offsets, again[0])
    halfspaces.fill_union_gaps.py_func(products, offsets, gram, normals, again[1])
    np.testing.assert_array_equal(inside, again[0])
    np.testing.assert_allclose(gaps, again[1], rtol=1e-15)
    assert 5 < inside.sum() < 55
    for i, row in enumerate(products):
        v = row - offsets
        if i == 7:
            assert math.isnan(gaps[i]) and inside[i] == np.any(v >= 0)
        else:
            expected = -slow_depth(v, normals) if v.max() > 0 else -v.max()
            assert inside[i] == (v.max() >= 0) and gaps[i] == pytest.approx(expected, rel=1e-12)
