"""Crossings of lines: against membership point by point, exact measures and, in the far tails, against mpmath."""

from __future__ import annotations

import math
from dataclasses import dataclass

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoperimetry.estimators.crossings import Pieces, line_pieces, log_line_measure, log_radial_measure
from isoperimetry.sets import (
    Ball,
    Box,
    Complement,
    Cone,
    Cylinder,
    HalfSpace,
    Orthant,
    Paraboloid,
    Quadric,
    Shell,
    Slab,
    Union,
    UnionOfHalfSpaces,
    Wedge,
    rotate,
    scale,
    translate,
)
from isoperimetry.testing.strategies import error_sets

INF = math.inf
KINDS = (
    "half-space", "slab", "ball", "shell", "cylinder", "box", "orthant", "cone", "wedge", "paraboloid", "dense",
    "diagonal", "low rank", "half-spaces", "many half-spaces", "union", "complement", "moved", "nested",
)  # fmt: skip
ALL_KINDS = ("half-space", "slab", "ball", "cylinder", "shell", "half-spaces", "complement of a box", "moved", "cone")


def random_set(kind, dim, rng):
    """Return a set whose boundary typical noise meets."""
    z = rng.standard_normal
    radius = math.sqrt(dim) + rng.uniform(-0.5, 1.5)
    match kind:
        case "half-space":
            return HalfSpace(z(dim), rng.uniform(-2, 2))
        case "slab":
            return Slab(z(dim), rng.uniform(-1, 1), rng.uniform(0.1, 2))
        case "ball":
            return Ball(z(dim) / math.sqrt(dim), radius)
        case "shell":
            return Shell(z(dim) / math.sqrt(dim), radius - 0.3, radius + 0.3)
        case "cylinder":
            k = int(rng.integers(1, min(dim, 3) + 1))
            return Cylinder(z(k), rng.uniform(0.3, 2), dim)
        case "box":
            return Box(-1 - 3 * rng.random(dim), np.where(rng.random(dim) < 0.2, INF, 1 + 3 * rng.random(dim)))
        case "orthant":
            return Orthant(np.where(rng.random(dim) < 0.3, -INF, -2 + z(dim)))
        case "cone":
            return Cone(rng.uniform(0.2, math.pi - 0.2), dim)
        case "wedge":
            return Wedge(rng.uniform(0.2, 2 * math.pi - 0.2))
        case "paraboloid":
            return Paraboloid(rng.uniform(-2, 2), rng.uniform(-1, 1) * 4 / dim, dim)
        case "dense":
            matrix = z((dim, dim))
            return Quadric(matrix + matrix.T, z(dim), rng.uniform(-2, 2) * dim)
        case "diagonal":
            return Quadric(z(dim), z(dim), rng.uniform(-2, 2) * math.sqrt(dim))
        case "low rank":
            k = min(dim, 3)
            return Quadric((z((dim, k)), z(k)), z(dim), rng.uniform(-2, 2) * math.sqrt(dim))
        case "half-spaces":
            return UnionOfHalfSpaces(z((3, dim)), rng.uniform(0, 2, 3))
        case "many half-spaces":
            return UnionOfHalfSpaces(z((40, dim)), rng.uniform(1, 4, 40))
        case "union":
            return Union(*(random_set(part, dim, rng) for part in ("ball", "slab", "half-space", "box")))
        case "complement":
            return Complement(random_set("shell", dim, rng))
        case "moved":
            return random_move(random_set(str(rng.choice(["box", "diagonal", "shell"])), dim, rng), rng)
        case _:
            part = str(rng.choice(["union", "complement", "moved", "slab"]))
            first, second = random_set(part, dim, rng), random_set("shell", dim, rng)
            return Complement(Union(random_move(Complement(first), rng), Complement(Union(second, first))))


def random_move(error_set, rng):
    """Return the set turned, in one of the two ways, scaled and shifted."""
    dim = error_set.dim
    if rng.random() < 0.5 and dim > 1:
        turned = rotate(error_set, start=rng.standard_normal(dim), end=rng.standard_normal(dim))
    else:
        turned = rotate(error_set, np.linalg.qr(rng.standard_normal((dim, dim)))[0])
    return translate(scale(turned, rng.uniform(0.7, 1.4)), rng.standard_normal(dim) / math.sqrt(dim))


def holds(pieces, t):
    """Return whether numbers t, shape (n, k), lie in the pieces of each line."""
    return ((t[:, :, None] > pieces.low[:, None]) & (t[:, :, None] < pieces.high[:, None])).any(axis=2)


def check_form(pieces, n):
    """Check that intervals are sorted and disjoint, and unused entries last."""
    assert pieces.low.shape == pieces.high.shape and len(pieces.low) == n and pieces.low.shape[1] >= 1
    used = pieces.low < INF
    assert np.all(pieces.low[used] < pieces.high[used]) and np.all(pieces.high[~used] == INF)
    assert np.all(pieces.low[:, 1:] > pieces.high[:, :-1]) or not used[:, 1:].any() or _gaps_are_open(pieces, used)
    assert np.all(np.diff(used.astype(int), axis=1) <= 0)
    assert pieces.low.shape[1] == 1 or used[:, -1].any()


def _gaps_are_open(pieces, used):
    return bool(np.all((pieces.low[:, 1:] > pieces.high[:, :-1])[used[:, 1:]]))


def check_membership(error_set, points, directions, rng, slack=1e-6):
    """Check pieces against `contains`, at random t and on both sides of every end."""
    pieces = line_pieces(error_set, points, directions)
    n = len(points)
    check_form(pieces, n)
    steps = np.broadcast_to(directions, points.shape)
    unit = 1 / np.linalg.norm(steps, axis=1)[:, None]
    ends = np.concatenate([pieces.low, pieces.high], axis=1)
    finite = np.isfinite(ends)
    near = slack * np.maximum(unit, np.abs(np.where(finite, ends, 0.0)))
    safe = np.where(finite, ends, 0.0)
    t = np.concatenate(
        [safe - near, safe + near, unit * rng.standard_normal((n, 12)), 9 * unit * rng.standard_normal((n, 8))], axis=1
    )
    gap = np.where(finite[:, None, :], np.abs(t[:, :, None] - safe[:, None, :]) - 0.5 * near[:, None, :], INF)
    decided = np.all(gap > 0, axis=2) & (np.abs(t) < 1e8 * unit)  # farther out, membership is rounding
    x = points[:, None, :] + np.where(decided, t, 0.0)[:, :, None] * steps[:, None, :]
    wrong = decided & (holds(pieces, t) != error_set.contains(x))
    assert not wrong.any(), (error_set, np.argwhere(wrong)[:3], t[wrong][:3])
    return pieces


def random_lines(n, dim, rng, one):
    """Return points and directions of any length, in general position or, some of them, along axes."""
    points = rng.standard_normal((n, dim))
    if one:
        return points, 3.0 * rng.standard_normal(dim)
    directions = rng.standard_normal((n, dim)) * 10.0 ** rng.uniform(-2, 2, (n, 1))
    for i in range(0, n, 4):
        directions[i] = 2.0 * np.eye(1, dim, i % dim)[0]
    return points, directions


# 1 Membership.


def exists(kind, dim):
    return dim == 2 if kind == "wedge" else dim > 1 or kind not in ("cone", "paraboloid")


@pytest.mark.parametrize(("kind", "dim"), [(kind, dim) for kind in KINDS for dim in range(1, 7) if exists(kind, dim)])
def test_pieces_are_where_the_set_contains_the_points(kind, dim, rng):
    for trial in range(4):
        error_set = random_set(kind, dim, rng)
        check_membership(error_set, *random_lines(24, dim, rng, one=trial % 2 == 0), rng)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("wedge", "nested")])
def test_pieces_in_many_dimensions(kind, rng):
    check_membership(random_set(kind, 784, rng), *random_lines(9, 784, rng, one=False), rng)


@settings(max_examples=60)
@given(error_sets(kinds=ALL_KINDS) | error_sets(dim=2, kinds=("wedge", "paraboloid")), st.integers(0, 2**32 - 1))
def test_pieces_of_shipped_strategies(error_set, seed):
    rng = np.random.default_rng(seed)
    check_membership(error_set, *random_lines(5, error_set.dim, rng, one=bool(seed % 2)), rng)


@pytest.mark.parametrize(("radius", "distance", "dim"), [(197.2178, 200.0, 784), (1e6, 1e6 + 4, 784), (1e-3, 200.0, 3)])
def test_far_balls(radius, distance, dim, rng):
    axis = rng.standard_normal(dim)
    axis /= np.linalg.norm(axis)
    points = rng.standard_normal((20, dim))
    if radius < 1:  # lines that pass the middle at up to twice the radius
        points *= 1e-3
    ball = Ball(distance * axis, radius)
    pieces = check_membership(ball, points, axis, rng, slack=1e-8 if radius < 1 else 1e-6)
    met = pieces.low[:, 0] < INF
    assert met.any()
    # The nearest point of the axis to the ball's center is the middle of each chord.
    along = distance - points[met] @ axis
    assert np.allclose(0.5 * (pieces.low[met, 0] + pieces.high[met, 0]), along, rtol=1e-14, atol=0)
    half = [_exact_half(point, axis, distance, radius) for point in points[met]]
    assert np.allclose(0.5 * (pieces.high[met, 0] - pieces.low[met, 0]), half, rtol=1e-8 if radius < 1 else 1e-12)


def _exact_half(point, axis, distance, radius):
    with mpmath.workdps(40):
        w = [mpmath.mpf(float(p)) - mpmath.mpf(float(c)) for p, c in zip(point, distance * axis, strict=True)]
        a = sum(mpmath.mpf(float(v)) ** 2 for v in axis)
        b = sum(mpmath.mpf(float(v)) * q for v, q in zip(axis, w, strict=True))
        return float(mpmath.sqrt(b**2 - a * (sum(q * q for q in w) - mpmath.mpf(radius) ** 2)) / a)


def test_first_crossing_of_a_huge_ball(rng):
    """The distance from its center is rounded to 1e-10, and so is the crossing."""
    axis = np.eye(1, 784)[0]
    points = rng.standard_normal((50, 784))
    points[:, 0] = 0.0
    first = line_pieces(Ball((1e6 + 4) * axis, 1e6), points, axis).low[:, 0]
    rho = np.linalg.norm(points, axis=1)
    exact = [
        float(mpmath.mpf(10) ** 6 + 4 - mpmath.sqrt(mpmath.mpf(10) ** 12 - mpmath.mpf(float(r)) ** 2)) for r in rho
    ]
    assert np.allclose(first, exact, rtol=0, atol=1e-9)


@pytest.mark.parametrize("half_angle", [0.1, 0.7, math.pi / 4, 1.5, 2.0, 3.0])
def test_lines_along_the_edge_of_a_cone(half_angle, rng):
    """One of the two roots is at infinity, or so far away that rounding decides on which side."""
    turn = rng.standard_normal((30, 2))
    turn /= np.linalg.norm(turn, axis=1)[:, None]
    directions = np.column_stack([np.full(30, math.cos(half_angle)), math.sin(half_angle) * turn])
    for tilt in (0.0, 1e-15, -1e-9, 1e-6):
        tilted = directions + tilt * np.array([1.0, 0.0, 0.0])
        check_membership(Cone(half_angle, 3), rng.standard_normal((30, 3)), tilted, rng)
    through = line_pieces(Cone(half_angle, 3), 2.0 * directions, np.array([-1.0, 0.0, 0.0]))
    assert np.all(np.abs(np.concatenate([through.low, through.high], axis=1)).min(axis=1) < 1e-12)


def test_dimension_of_an_image(rng):
    dim = 150528
    points, direction = rng.standard_normal((3, dim)), rng.standard_normal(dim)
    direction /= np.linalg.norm(direction)
    factors = rng.standard_normal((dim, 2)) / math.sqrt(dim)
    for error_set in (
        Ball(10 * direction, math.sqrt(dim)),
        Quadric(np.ones(dim), np.zeros(dim), -float(dim)),
        Quadric((factors, np.array([1.0, -2.0])), direction, -1.0),
        Cylinder(np.zeros(4), 2.0, dim),
        Complement(Box(np.full(dim, -5.0), np.full(dim, 5.0))),
        Paraboloid(-3.0, 1e-5, dim),
        translate(scale(Cone(1.5, dim), 2.0), -5 * direction),
    ):
        check_membership(error_set, points, direction, rng)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_does_not_see_the_others(kind, rng):
    """The same bits for any split of the lines."""
    dim = 2 if kind == "wedge" else 30
    error_set = random_set(kind, dim, rng)
    for one in (True, False):
        points, directions = random_lines(150, dim, rng, one)
        whole = line_pieces(error_set, points, directions)
        for rows in (slice(0, 1), slice(17, 24), slice(60, 150)):
            part = line_pieces(error_set, points[rows], directions if one else directions[rows])
            width = part.low.shape[1]
            assert np.array_equal(part.low, whole.low[rows, :width]) and np.all(whole.low[rows, width:] == INF)
            assert np.array_equal(part.high, whole.high[rows, :width])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [2.0**40, 2.0**-600])
def test_t_counts_directions(kind, factor, rng):
    dim = 2 if kind == "wedge" else 4
    error_set = random_set(kind, dim, rng)
    points, directions = random_lines(20, dim, rng, one=False)
    base, longer = line_pieces(error_set, points, directions), line_pieces(error_set, points, factor * directions)
    assert np.allclose(longer.low * factor, base.low, rtol=1e-12, atol=1e-14)
    assert np.allclose(longer.high * factor, base.high, rtol=1e-12, atol=1e-14)


# 2 Degenerate lines and sets.


def only(pieces):
    """Return the intervals of the one line."""
    return [(a, b) for a, b in zip(pieces.low[0].tolist(), pieces.high[0].tolist(), strict=True) if a < b]


@pytest.mark.parametrize(
    ("error_set", "point", "direction", "expected"),
    [
        (HalfSpace([1, 0], INF), [0, 0], [1, 0], []),
        (HalfSpace([1, 0], INF), [0, 0], [-1, 0], []),
        (HalfSpace([1, 0], -INF), [0, 0], [1, 0], [(-INF, INF)]),
        (HalfSpace([1, 0], -INF), [0, 0], [0, 1], [(-INF, INF)]),
        (HalfSpace([1, 0], 1.0), [0, 0], [0, 1], []),
        (HalfSpace([1, 0], 1.0), [1, 0], [0, 1], [(-INF, INF)]),
        (HalfSpace([1, 0], 1.0), [0, 0], [-2, 0], [(-INF, -0.5)]),
        (Slab([1, 0], 0.0, 1.0), [0.5, 0], [0, 1], [(-INF, INF)]),
        (Slab([1, 0], 0.0, 1.0), [1.5, 0], [0, 1], []),
        (Slab([1, 0], 0.0, INF), [1.5, 0], [1, 1], [(-INF, INF)]),
        (Slab([1, 0], 1.0, 0.0), [0, 0], [1, 0], []),
        (Ball([3, 0], 0.0), [0, 0], [1, 0], []),
        (Ball([3, 0], INF), [0, 0], [1, 0], [(-INF, INF)]),
        (Ball([3, 0], 1.0), [0, 1], [1, 0], []),
        (Ball([0, 0], 3.0), [0, 0], [1, 0], [(-3.0, 3.0)]),
        (Ball([0, 0], 3.0), [-3, 0], [1, 0], [(0.0, 6.0)]),
        (Complement(Ball([0, 0], 0.0)), [0, 0], [1, 0], [(-INF, INF)]),
        (Shell([0, 0], 1.0, 2.0), [0, 0], [0, 4], [(-0.5, -0.25), (0.25, 0.5)]),
        (Shell([0, 0], 0.0, 2.0), [0, 0], [0, 1], [(-2.0, 2.0)]),
        (Shell([0, 0], 1.0, INF), [0, 0], [0, 1], [(-INF, -1.0), (1.0, INF)]),
        (Shell([0, 0], 1.0, 1.0), [0, 0], [0, 1], []),
        (Shell([0, 0], 1.0, 2.0), [1.5, 0], [0, 2], [(-math.sqrt(1.75) / 2, math.sqrt(1.75) / 2)]),
        (Cylinder([0], 1.0, 2), [0.5, 0], [0, 1], [(-INF, INF)]),
        (Cylinder([0], 1.0, 2), [1.5, 0], [0, 1], []),
        (Box([0, 0], [1, 1]), [0, 0.5], [0, 1], [(-0.5, 0.5)]),
        (Box([0, 0], [1, 1]), [1, 0.5], [-0.0, 1], [(-0.5, 0.5)]),
        (Box([0, 0], [1, 1]), [2, 0.5], [0, 1], []),
        (Box([0, -INF], [1, INF]), [0.5, 0.5], [0, 1], [(-INF, INF)]),
        (Orthant([-INF, -INF]), [0, 0], [1, 1], [(-INF, INF)]),
        (Orthant([0, -INF]), [0, 0], [0, 1], [(-INF, INF)]),
        (Cone(0.0, 2), [0, 0], [2, 0], [(0.0, INF)]),
        (Cone(0.0, 2), [0, 1], [2, 0], []),
        (Cone(0.0, 2), [4, 0], [-2, 0], [(-INF, 2.0)]),
        (Cone(0.0, 2), [4, 0], [0, 1], []),
        (Cone(math.pi, 2), [4, 0], [0, 1], [(-INF, INF)]),
        (Cone(math.pi / 2, 2), [4, 0], [0, 1], [(-INF, INF)]),
        (Cone(math.pi / 2, 2), [4, 0], [1, 1], [(-4.0, INF)]),
        (Cone(math.pi / 4, 3), [0, 0, 0], [1, 0, 0], [(0.0, INF)]),
        (Cone(math.pi / 4, 3), [0, 0, 0], [-1, 0, 0], [(-INF, 0.0)]),
        (Cone(math.pi / 4, 3), [0, 0, 0], [0, 1, 0], []),
        (Wedge(2 * math.pi), [0, 1], [1, 0], [(-INF, INF)]),
        (Paraboloid(1.0, 0.0, 2), [0, 0], [0, 1], []),
        (Paraboloid(1.0, 0.0, 2), [2, 0], [0, 1], [(-INF, INF)]),
        (Paraboloid(1.0, 2.0, 2), [0, 2], [1, 0], [(5.0, INF)]),
        (Paraboloid(1.0, 2.0, 2), [1, 0], [0, 1], []),
        (Paraboloid(1.0, 2.0, 2), [5, 0], [0, 1], [(-2.0, 2.0)]),
        (Paraboloid(1.0, -2.0, 2), [-3, 0], [0, 1], [(-INF, -2.0), (2.0, INF)]),
        (Quadric([0, 0], [0, 0], 0.0), [0, 0], [0, 1], [(-INF, INF)]),
        (Quadric([0, 0], [0, 0], -1.0), [0, 0], [0, 1], []),
        (Quadric([0, 0], [2, 0], -1.0), [0, 0], [1, 1], [(0.5, INF)]),
        (Quadric([1, 1], [0, 0], 0.0), [0, 0], [0, 1], [(-INF, INF)]),
        (Quadric([-1, -1], [0, 0], 0.0), [0, 0], [0, 1], []),
        (Quadric([1e200, 0], [0, 1e190], -1e200), [0, 0], [1, 0], [(-INF, -1.0), (1.0, INF)]),
        (Quadric([1e-200, 0], [0, 1], -1e-200), [0, 0], [1, 0], [(-INF, -1.0), (1.0, INF)]),
        (Union(HalfSpace([1, 0], 1.0), Complement(HalfSpace([1, 0], 1.0))), [0, 0], [1, 0], [(-INF, INF)]),
        (UnionOfHalfSpaces([[1, 0], [0, 1]], [1.0, 2.0]), [0, 0], [0, 0.5], [(4.0, INF)]),
        (UnionOfHalfSpaces([[1, 0], [0, 1]], [1.0, 2.0]), [1, 0], [0, 0.5], [(-INF, INF)]),
    ],
)
def test_degenerate(error_set, point, direction, expected):
    for turned, wanted in ((1, expected), (-1, [(-b, -a) for a, b in expected[::-1]])):
        pieces = line_pieces(error_set, [point], [turned * np.asarray(direction, float)])
        check_form(pieces, 1)
        assert np.allclose(np.array(only(pieces)).ravel(), np.array(wanted).ravel(), rtol=1e-15, atol=0)
    opposite = line_pieces(Complement(error_set), [point], [np.asarray(direction, float)])
    check_form(opposite, 1)
    total = np.exp(log_line_measure(opposite)) + np.exp(log_line_measure(line_pieces(error_set, [point], direction)))
    assert total == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("size", [1e-180, 1e-140, 1e140])
def test_lengths_of_any_unit(size, rng):
    points, directions = random_lines(12, 3, rng, one=False)
    for error_set in (Ball([0.5, 0, 1], 2.0), Cone(1.0, 3), HalfSpace([1, 2, 3], 0.4), Shell([0, 0, 1], 0.5, 1.5)):
        base = line_pieces(error_set, points, directions)
        moved = line_pieces(scale(error_set, size), size * points, size * directions)
        assert np.allclose(moved.low, base.low, rtol=1e-10) and np.allclose(moved.high, base.high, rtol=1e-10)
    ball = line_pieces(Ball([0.5 * size, 0, size], 2.0 * size), size * points, directions)
    base = line_pieces(Ball([0.5, 0, 1], 2.0), points, directions)
    assert np.allclose(ball.low / size, base.low, rtol=1e-10) and np.allclose(ball.high / size, base.high, rtol=1e-10)


def test_no_lines():
    pieces = line_pieces(Union(Ball([0.0, 0.0], 1.0), Box([2.0, 2.0], [3.0, 3.0])), np.empty((0, 2)), [1.0, 0.0])
    assert pieces.low.shape == (0, 1)
    assert log_line_measure(pieces).shape == log_radial_measure(pieces, 2).shape == (0,)


@dataclass(frozen=True)
class OwnBall:
    """A set that the library does not know, though it can answer for its complement."""

    dim: int = 2
    capabilities: frozenset = frozenset()
    complement_capabilities: frozenset = frozenset()

    def _none(self, *args, **kwargs):
        raise NotImplementedError

    contains = signed_distance = volume = log_volume = enlarged_volume = distance_law = _none
    complement_volume = complement_log_volume = complement_enlarged_volume = _none


@pytest.mark.parametrize(
    "error_set",
    [
        OwnBall(),
        Complement(OwnBall()),
        translate(OwnBall(), [1.0, 0.0]),
        Union(HalfSpace([1.0, 0.0], 2.0), OwnBall()),
        Complement(Union(OwnBall(), HalfSpace([1.0, 0.0], 2.0), Slab([0.0, 1.0], 0.0, 1.0))),
    ],
)
def test_other_sets_have_no_closed_form(error_set):
    assert line_pieces(error_set, [[0.0, 0.0]], [1.0, 0.0]) is None


@pytest.mark.parametrize(
    ("points", "directions", "words"),
    [
        ([0.0, 0.0], [1.0, 0.0], r"points has shape \(2,\) but must have shape \(n, 2\)"),
        ([[0.0, 0.0, 0.0]], [1.0, 0.0], "Ball has dim=2 but points has shape"),
        ([[0.0, 0.0]], [1.0], "Ball has dim=2 but directions has shape"),
        ([[0.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]], r"directions has shape \(2, 2\) but must have shape \(1, 2\)"),
        ([[0.0, 0.0]], [0.0, 0.0], "directions must have a non-zero entry"),
        ([[0.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]], r"directions\[1\] must have a non-zero entry"),
        ([[0.0, math.nan]], [1.0, 0.0], "points has 1 entry outside its range"),
        ([[0.0, 1e200]], [1.0, 0.0], "points has 1 entry outside its range"),
        ([[0.0, 1.0]], [1.0, INF], "directions has 1 entry outside its range"),
    ],
)
def test_refusals(points, directions, words):
    with pytest.raises(ValueError, match=words):
        line_pieces(Ball([0.0, 0.0], 1.0), points, directions)


def test_crossings_beyond_the_floats_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        line_pieces(Quadric([1e300, -1e300], [0.0, 0.0], 0.0), [[1e149, 1e149]], [1.0, 0.0])


def test_points_moved_beyond_the_floats_are_refused():
    with pytest.raises(ValueError, match="points has 1 entry outside its range"):
        line_pieces(scale(Ball([0.0, 0.0], 1.0), 1e-200), [[0.0, 1.0]], [1.0, 0.0])


# 3 The algebra of intervals.

ends = st.integers(-4, 4) | st.sampled_from([-INF, INF])
interval_lists = st.lists(st.tuples(ends, ends), min_size=3, max_size=3)


def pieces_of(rows):
    array = np.array(rows, float)
    return Pieces.of(array[:, :, 0], array[:, :, 1])


@given(st.lists(interval_lists, min_size=4, max_size=4), st.lists(interval_lists, min_size=4, max_size=4))
def test_algebra(first_rows, second_rows):
    t = np.broadcast_to(np.arange(-5.0, 5.0) + 0.5, (4, 10))
    first, second = pieces_of(first_rows), pieces_of(second_rows)
    plain = np.array([[any(a < x < b for a, b in row) for x in t[0]] for row in first_rows])
    assert np.array_equal(holds(first, t), plain)
    for result, expected in (
        (first.union(second), holds(first, t) | holds(second, t)),
        (first.intersection(second), holds(first, t) & holds(second, t)),
        (first.complement(), ~holds(first, t)),
        (first.union(second.complement()), holds(first, t) | ~holds(second, t)),
    ):
        check_form(result, 4)
        assert np.array_equal(holds(result, t), expected)
    again = first.complement().complement()
    assert np.array_equal(again.low, first.low) and np.array_equal(again.high, first.high)


def test_pieces_refuse_nan():
    with pytest.raises(ValueError, match="must not be NaN"):
        Pieces.of([[math.nan]], [[1.0]])


# 4 Measures.


def exact_line(intervals):
    with mpmath.workdps(60):
        total = mpmath.mpf(0)
        for low, high in intervals:
            if low > 0:
                low, high = -high, -low  # the lower tail, where nothing cancels
            total += mpmath.ncdf(high) - mpmath.ncdf(low)
        return mpmath.log(total)


@pytest.mark.parametrize(
    "intervals",
    [
        [(40.0, 41.0)],
        [(-41.0, -40.0)],
        [(40.0, INF)],
        [(-INF, -1000.0)],
        [(1000.0, 1000.001)],
        [(-1000.001, -1000.0)],
        [(1000.0, 1000.0 + 2**-40)],
        [(-1e-9, 1e-9)],
        [(-0.5, 3.0)],
        [(-INF, -40.0), (40.0, INF)],
        [(-41.0, -40.0), (40.5, 40.75), (1000.0, INF)],
        [(-INF, 40.0)],
    ],
)
def test_line_measure_in_the_tails(intervals):
    low, high = np.array(intervals).T[:, None, :]
    exact = exact_line(intervals)
    found = log_line_measure(Pieces.of(low, high))[0]
    # Ends are exact here: the error is that of the logarithm's last digits, or of the measure where this is near 1.
    assert abs(float(exact - mpmath.mpf(float(found)))) <= 8 * 2**-52 * max(1.0, abs(float(exact)))


def test_measures_of_nothing_and_of_all():
    whole, nothing = Pieces.of([[-INF]], [[INF]]), Pieces.of([[INF]], [[INF]])
    assert log_line_measure(whole).tolist() == [0.0] == log_radial_measure(whole, 7).tolist()
    assert log_line_measure(nothing).tolist() == [-INF] == log_radial_measure(nothing, 7).tolist()
    behind = Pieces.of([[-5.0]], [[-1.0]])
    assert log_radial_measure(behind, 7).tolist() == [-INF]
    mixed = Pieces.of([[-INF, 7.0], [1.0, 5.0]], [[INF, 8.0], [2.0, 6.0]])
    assert log_line_measure(mixed)[0] == 0.0 and log_line_measure(mixed)[1] > -3
    with pytest.raises(TypeError, match=r"dof=2\.5 must be an integer"):
        log_radial_measure(whole, 2.5)


def test_shares_of_all_are_no_more_than_all(rng):
    """Logs of sums may round above 0, which no log of a probability may."""
    cuts = np.sort(rng.standard_normal((300, 6)), axis=1)
    edge = np.full((300, 1), INF)
    line = log_line_measure(Pieces(np.hstack([-edge, cuts]), np.hstack([cuts, edge])))
    cuts = np.sqrt(np.sort(rng.chisquare(5, (300, 6)), axis=1))
    radial = log_radial_measure(Pieces(np.hstack([-edge, cuts]), np.hstack([cuts, edge])), 5)
    for logs in (line, radial):
        assert np.all(logs <= 0) and np.all(logs > -1e-14)


@pytest.mark.parametrize(("dim", "radius"), [(1, 0.3), (3, 2.0), (784, 35.0), (784, 20.0), (150528, 400.0)])
def test_one_direction_is_exact_for_a_centered_ball(dim, radius):
    ball = Ball(np.zeros(dim), radius)
    start, direction = np.zeros((1, dim)), np.eye(1, dim)[0]
    outside = log_radial_measure(line_pieces(Complement(ball), start, direction), dim)
    assert outside[0] == Complement(ball).log_volume()
    assert log_radial_measure(line_pieces(ball, start, direction), dim)[0] == ball.log_volume()
    shell = Shell(np.zeros(dim), radius, radius + 0.01)
    assert log_radial_measure(line_pieces(shell, start, -direction), dim)[0] == pytest.approx(
        shell.log_volume(), rel=1e-12
    )


@pytest.mark.parametrize(
    ("low", "high", "dof"),
    [(0.0, 20.0, 784), (40.0, 41.0, 784), (36.0, INF, 784), (300.0, 301.0, 150528), (400.0, 400.01, 150528),
     (388.0, 388.0001, 150528), (40.0, 40.5, 1), (0.0, 1e-3, 5), (1e-3, 2e-3, 5)],
)  # fmt: skip
def test_radial_measure_in_the_tails(low, high, dof):
    with mpmath.workdps(60):
        a, top = mpmath.mpf(dof) / 2, mpmath.mpf(high) if high < INF else mpmath.mpf(10) * dof

        def log_density(r):
            return (dof - 1) * mpmath.log(r) - r * r / 2 - (a - 1) * mpmath.log(2) - mpmath.loggamma(a)

        # By quadrature in pieces, scaled by the largest value, which is at an end or at the mode.
        mode = mpmath.sqrt(max(dof - 1, 0))
        peak = min(max(mode, mpmath.mpf(low)), top)
        scale_ = log_density(peak) if peak > 0 else mpmath.mpf(0)
        width = min(1, 30 / (1 + abs(peak - (dof - 1) / peak))) if peak > 0 else 1
        first, last = max(mpmath.mpf(low), peak - 40 * width), min(top, peak + 40 * width)
        nodes = mpmath.linspace(first, last, 41)
        exact = scale_ + mpmath.log(
            mpmath.quad(lambda r: mpmath.exp(log_density(r) - scale_) if r > 0 else mpmath.mpf(0), nodes)
        )
    found = log_radial_measure(Pieces.of([[low]], [[high]]), dof)[0]
    assert float(exact) == pytest.approx(found, rel=1e-12, abs=1e-12)


# 5 Averages over lines are measures: 5 standard errors, which one test in two million exceeds.

TRUTHS = {
    "half-space": HalfSpace([1.0, -2.0, 0.5], 1.5),
    "slab": Slab([1.0, 1.0, 0.0], 1.0, 0.4),
    "ball": Ball([1.0, 2.0, 0.0], 1.3),
    "complement": Complement(Ball([0.5, 0.2, 0.0], 3.3)),
    "shell": Shell([0.0, 1.0, 1.0], 1.0, 1.7),
    "cylinder": Cylinder([1.0, 1.0], 0.8, 3),
    "box": Box([-0.5, -1.0, 0.3], [1.0, 2.0, INF]),
    "orthant": Orthant([0.5, -0.5, -INF]),
    "wide cone": Cone(2.2, 3),
    "cone": translate(Cone(0.6, 3), [-1.0, 0.2, 0.0]),
    "wedge": Wedge(0.9),
    "paraboloid": Paraboloid(0.5, 0.7, 3),
    "hollow paraboloid": Paraboloid(0.5, -0.7, 3),
    "ellipsoid": Complement(Quadric([2.0, 0.5, 1.0], [-4.0, 0.0, 0.3], 1.0)),
    "hyperboloid": Quadric(np.array([[1.0, 0.5, 0], [0.5, -1.0, 0.2], [0, 0.2, 0.3]]), [0.5, 0, 1.0], -1.0),
    "half-spaces": UnionOfHalfSpaces([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], [1.0, 1.5, 2.0]),
    "union": Union(Ball([3.0, 0.0], 1.0), Ball([-3.0, 0.0], 1.5)),
}


def mean_is(log_measures, truth):
    values = np.exp(log_measures)
    error = values.std(ddof=1) / math.sqrt(values.size)
    assert abs(values.mean() - truth) <= 5 * error + 1e-12 * truth
    return error / truth


@pytest.mark.parametrize("name", TRUTHS)
def test_average_over_parallel_lines(name, rng):
    error_set = TRUTHS[name]
    direction = rng.standard_normal(error_set.dim)
    direction /= np.linalg.norm(direction)
    noise = rng.standard_normal((20_000, error_set.dim))
    points = noise - np.outer(noise @ direction, direction)
    assert mean_is(log_line_measure(line_pieces(error_set, points, direction)), error_set.volume()) < 0.05


@pytest.mark.parametrize("name", TRUTHS)
def test_average_over_rays(name, rng):
    error_set = TRUTHS[name]
    noise = rng.standard_normal((20_000, error_set.dim))
    directions = noise / np.linalg.norm(noise, axis=1)[:, None]
    pieces = line_pieces(error_set, np.zeros(noise.shape), directions)
    assert mean_is(log_radial_measure(pieces, error_set.dim), error_set.volume()) < 0.05


def test_a_millionth_in_784_dimensions(rng):
    axis = np.eye(1, 784)[0]
    ball = Ball(200.0 * axis, 197.2178)
    assert 5e-7 < ball.volume() < 5e-6
    points = rng.standard_normal((2000, 784)) * (1 - axis)
    assert mean_is(log_line_measure(line_pieces(ball, points, axis)), ball.volume()) < 0.02
