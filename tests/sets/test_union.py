from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.errors import NotExact
from isoperimetry.sets import (
    Ball,
    Box,
    Complement,
    ErrorSet,
    HalfSpace,
    Orthant,
    Shell,
    Slab,
    Union,
    UnionOfHalfSpaces,
    scale,
    translate,
)
from isoperimetry.testing.strategies import sigmas
from tests.sets.routes import assert_nan_passes

INF = math.inf


def apart(dim=2):
    """A ball, a shell, a box and a half-space: the ball and the shell are 0.5 apart, the others further."""
    axis = np.eye(dim)[0]
    box = Box(np.where(axis > 0, 5.0, -0.5), np.where(axis > 0, 6.0, 0.5))
    return Union(Ball(np.zeros(dim), 1.0), Shell(-3.0 * axis, 0.5, 1.5), box, HalfSpace(axis, 9.0))


def test_the_definition():
    union = Union(Ball([3.0, 0.0], 1.0), Slab([0.0, 1.0], 5.0, 1.0))
    points = np.array([[0.0, 0.0], [3.0, 0.5], [0.0, 5.5], [0.0, 3.0], [3.0, 2.0]])
    assert union.dim == 2 and isinstance(union, ErrorSet)
    assert union.contains(points).tolist() == [False, True, True, False, False]
    assert union.signed_distance(points).tolist() == [2.0, -0.5, -0.5, 1.0, 1.0]
    assert union.signed_distance(points.reshape(5, 1, 2)).shape == (5, 1) and union.contains(points[1]) is True
    assert repr(union) == f"Union({union.sets[0]!r}, {union.sets[1]!r})"
    # A union of one set is that set.
    ball = Ball([3.0, 0.0], 1.0)
    assert Union(ball).capabilities == ball.capabilities
    assert (
        Union(ball).enlarged_volume([0.0, 0.5], sigma=0.7).tolist()
        == ball.enlarged_volume([0.0, 0.5], sigma=0.7).tolist()
    )
    assert Union(ball).log_volume() == ball.log_volume()
    assert Union(Orthant([0.0, 0.0])).enlarged_volume(0.1, p=INF) == Orthant([0.0, 0.0]).enlarged_volume(0.1, p=INF)


def test_half_spaces_are_merged():
    normals, offsets = np.array([[1.0, 0.5], [-1.0, 0.25], [0.0, 2.0]]), np.array([1.0, 2.0, 1.5])
    first, second, third = (HalfSpace(row, b) for row, b in zip(normals, offsets, strict=True))
    together = UnionOfHalfSpaces(normals[:2], offsets[:2])
    x = np.random.default_rng(0).normal(size=(20, 2)) * 2
    union = Union(first, second)
    assert (
        union.capabilities == together.capabilities
        and union.complement_capabilities == together.complement_capabilities
    )
    assert union.log_volume(sigma=[0.2, 1.0]) == pytest.approx(together.log_volume(sigma=[0.2, 1.0]), rel=1e-14)
    assert union.enlarged_volume(0.3, p=1) == pytest.approx(together.enlarged_volume(0.3, p=1), rel=1e-14)
    assert np.array_equal(union.signed_distance(x), together.signed_distance(x))
    # However they are nested, and with copies of one another among them.
    everything = UnionOfHalfSpaces(normals, offsets)
    copies = UnionOfHalfSpaces(np.vstack([normals[0], 3 * normals[0]]), [1.0, 4.0])
    for nested in (
        Union(Union(first, second), third),
        Union(together, third),
        Union(third, together),
        Union(copies, second, third),
    ):
        assert len(nested.parts) == 1 and nested.dim == 2
        assert nested.signed_distance(x) == pytest.approx(everything.signed_distance(x), rel=1e-12, abs=1e-14)
        assert np.array_equal(nested.contains(x), everything.contains(x))
    # Balls of a union are parts of the larger one too.
    assert len(Union(Union(Ball([9.0, 9.0], 1.0), first), Union(second, Ball([-9.0, 9.0], 1.0))).parts) == 3


@given(sigmas(), st.lists(st.floats(-6, 6), min_size=2, max_size=2), st.floats(0, 0.25))
def test_disjoint_parts_add_up(sigma, center, length):
    union, center = apart(), np.array(center)
    scale = min(max(sigma, 1e-2), 1e2)
    logs = [part.log_volume(center, scale) for part in union.sets]
    assert union.log_volume(center, scale) == pytest.approx(np.logaddexp.reduce(logs), rel=1e-13, abs=1e-15)
    mu, rest = union.volume(center, scale), union.complement_volume(center, scale)
    assert mu == pytest.approx(sum(math.exp(log) for log in logs), rel=1e-12)
    assert mu + rest == pytest.approx(1, abs=1e-14)
    balls = Union(Ball([0.0, 0.0], 1.0), Ball([2.5, 0.0], 1.0), Ball([-2.5, 0.0], 1.0))
    grown = sum(ball.enlarged_volume(length, center, scale) for ball in balls.sets)
    assert balls.enlarged_volume(length, center, scale) == pytest.approx(grown, rel=1e-12)
    # Of the complement, up to any distance, as parts that shrink stay apart.
    for eps in (length, 0.9):
        shrunk = 1 - sum(1 - ball.complement_enlarged_volume(eps, center, scale) for ball in balls.sets)
        assert Complement(balls).enlarged_volume(eps, center, scale) == pytest.approx(shrunk, abs=1e-14)


def test_several_distances_at_once():
    # None among them takes digits from the others: here the volume is 1e-30.
    union = Union(Ball([3.0, 0.0], 0.5), Ball([-9.0, 0.0], 0.5))
    eps = [0.0, 0.1, 0.4]
    grown = union.enlarged_volume(eps, sigma=0.25)
    assert grown.tolist() == [union.enlarged_volume(e, sigma=0.25) for e in eps]
    assert grown[0] == pytest.approx(union.volume(sigma=0.25), rel=1e-15) and grown[0] < 1e-20
    rest = union.complement_enlarged_volume(eps, [3.0, 0.0], 0.05)
    assert rest.tolist() == [union.complement_enlarged_volume(e, [3.0, 0.0], 0.05) for e in eps]
    assert rest[0] == pytest.approx(union.complement_volume([3.0, 0.0], 0.05), rel=1e-15) and rest[0] < 1e-20


def test_membership_by_monte_carlo(rng):
    union, center, sigma, n = apart(), np.array([-0.3, 0.4]), 2.5, 100_000
    x = center + sigma * rng.standard_normal((n, 2))
    inside, distance = union.contains(x), union.signed_distance(x)
    assert np.array_equal(inside, distance <= 0)
    for count, p in (
        (inside.sum(), union.volume(center, sigma)),
        (inside.sum(), math.exp(union.log_volume(center, sigma))),
        ((~inside).sum(), union.complement_volume(center, sigma)),
        ((-distance <= 0.3).sum(), union.complement_enlarged_volume(0.3, center, sigma)),
    ):
        assert abs(count - n * p) < 4.9 * math.sqrt(n * p * (1 - p))  # fails once in a million
    balls = Union(Ball([0.0, 0.0], 1.0), Ball([2.5, 0.0], 1.0))
    near, p = (balls.signed_distance(x) <= 0.2).sum(), balls.enlarged_volume(0.2, center, sigma)
    assert abs(near - n * p) < 4.9 * math.sqrt(n * p * (1 - p))


def test_enlargement_up_to_the_room():
    balls = Union(Ball([0.0, 0.0], 1.0), Ball([2.5, 0.0], 1.0))
    assert "enlarged_volume" not in balls.capabilities and "enlarged_volume" in balls.complement_capabilities
    assert balls.enlarged_volume(0.25) > balls.enlarged_volume(0.2)
    with pytest.raises(NotExact, match="its parts may overlap"):
        balls.enlarged_volume(0.26)
    with pytest.raises(NotExact):
        balls.distance_law()
    assert balls.enlarged_volume(INF) == 1
    # A large-entry ball of radius eps reaches sqrt(2) eps, and a 1-norm ball eps.
    boxes = Union(Box([0.0, 0.0], [1.0, 1.0]), Box([3.0, 0.0], [4.0, 1.0]))
    sides = [box.enlarged_volume(0.2, p=INF) for box in boxes.sets]
    assert boxes.enlarged_volume(0.2, p=INF) == pytest.approx(sum(sides), rel=1e-14)
    with pytest.raises(NotExact):
        boxes.enlarged_volume(1.1, p=INF)
    # The distance of the complement has a law.
    law = Complement(balls).distance_law()
    assert law.cdf(law.quantile(0.999)) == pytest.approx(0.999, rel=1e-11)


def test_touching_and_overlapping_parts():
    touching = Union(Box([-2.0, 0.0], [0.0, 1.0]), Box([0.0, 0.0], [3.0, 1.0]))
    assert touching.signed_distance([[5.0, 0.5], [-2.0, 2.0]]).tolist() == [2.0, 1.0]
    assert touching.contains([[0.0, 0.5], [9.0, 9.0]]).tolist() == [True, False]
    # The common side is no boundary.
    with pytest.raises(NotExact, match=r"Union has no exact depth for x\[1\], which lies within reach of two parts"):
        touching.signed_distance([[5.0, 0.5], [-0.25, 0.5]])
    assert touching.signed_distance([-0.75, 0.5]) == -0.5  # that side is further than others
    overlapping = Union(Ball([0.0, 0.0], 1.0), Ball([1.0, 0.0], 1.0))
    assert overlapping.signed_distance([-0.75, 0.0]) == -0.25
    with pytest.raises(NotExact):
        overlapping.signed_distance([0.5, 0.0])
    for union in (touching, overlapping):
        assert union.capabilities == union.complement_capabilities == {"contains"}
        for call in (
            union.volume,
            union.complement_volume,
            union.log_volume,
            union.complement_log_volume,
            union.distance_law,
        ):
            with pytest.raises(NotExact):
                call()
        with pytest.raises(NotExact):
            union.complement_enlarged_volume(0.1)
    # Without noise membership is enough.
    assert overlapping.volume([0.5, 0.0], 0.0) == overlapping.enlarged_volume([0.0, 0.2, INF], [0.5, 0.0], 0.0)[1] == 1
    assert overlapping.volume([5.0, 0.0], 0.0) == 0 and overlapping.enlarged_volume(3.0, [5.0, 0.0], 0.0) == 1


def test_a_part_that_outweighs_the_rest():
    ball, far = Ball([4.0, 0.0], 1.0), HalfSpace([1.0, 0.0], 12.0)
    slab = Slab([0.0, 1.0], 15.0, 1.0)
    union = Union(
        ball, slab, Box([4.0, -30.0], [5.0, -14.0])
    )  # the slab and the box may meet the ball, for all it knows
    assert union.capabilities >= {"contains"}
    assert union.log_volume() == pytest.approx(ball.log_volume(), rel=1e-12)
    assert union.complement_volume() == pytest.approx(ball.complement_volume(), rel=1e-15)
    crossing = Union(Slab([1.0, 0.0], 4.0, 0.5), Slab([0.0, 1.0], 9.0, 0.5))
    assert crossing.capabilities == {"contains"}
    assert crossing.log_volume() == pytest.approx(Slab([1.0, 0.0], 4.0, 0.5).log_volume(), abs=1e-9)
    assert crossing.enlarged_volume(0.5) == pytest.approx(Slab([1.0, 0.0], 4.0, 1.0).volume(), rel=1e-9)
    with pytest.raises(NotExact, match="could add more than"):
        crossing.volume([0.0, 5.0])
    # Here the measure is known, but not the little that is left.
    mostly = Union(Slab([1.0, 0.0], 0.0, 9.0), Slab([0.0, 1.0], 9.0, 0.5))
    assert mostly.volume() == pytest.approx(Slab([1.0, 0.0], 0.0, 9.0).volume(), rel=1e-9)
    with pytest.raises(NotExact, match="Union leaves too little here for an exact measure of the rest"):
        mostly.complement_volume()
    # Where parts overlap, a union shrinks by less than they do: a thin one that shrinks to nothing has its effect.
    with pytest.raises(NotExact, match="Union has no exact measure of its enlargement"):
        Union(Ball([0.0, 0.0], 1.0), Slab([1.0, 0.0], 1.0, 0.05)).complement_enlarged_volume(0.2, sigma=0.1)
    # An empty part adds nothing.
    nothing = HalfSpace([1.0, 0.0], INF)
    assert Union(nothing, ball).log_volume() == ball.log_volume() and Union(nothing, far).volume() == far.volume()
    assert Union(nothing, ball).signed_distance([4.0, 0.5]) == -0.5


def test_tails_and_edges():
    union = Union(Ball(np.zeros(150_528), 300.0), Ball(np.full(150_528, 2.0), 300.0))
    single = Ball(np.zeros(150_528), 300.0)
    assert union.log_volume() == pytest.approx(single.log_volume(), rel=1e-12) and union.log_volume() < -8e3
    assert union.log_volume(np.ones(150_528)) == pytest.approx(
        single.log_volume(np.ones(150_528)) + math.log(2), rel=1e-12
    )
    balls = apart()
    pair = Union(Ball([0.0, 0.0], 1.0), Ball([9.0, 0.0], 1.0))
    assert pair.log_volume([0.0, 0.0], 1e-200) == 0 and pair.complement_log_volume([0.0, 0.0], 1e-200) == -INF
    assert balls.volume(sigma=[0.0, INF]).tolist() == [1, 0.5] and balls.volume([1.2, 0.0], 0.0) == 0
    assert balls.enlarged_volume([0.1, 0.2, INF], [1.2, 0.0], 0.0) == pytest.approx([0, 1, 1])
    assert balls.complement_enlarged_volume([0.9, 1.0, INF], [0.0, 0.0], 0.0).tolist() == [0, 1, 1]
    assert_nan_passes(Union(Ball([3.0, 0.0], 1.0), Ball([-3.0, 0.0], 1.0)))
    far, near = 60.0, 20 + 1e-8
    covering = Union(Slab([1.0], 0.0, 20.0), Box([near], [far]), Box([-far], [-near]))
    assert covering.log_volume() == pytest.approx(0, abs=1e-15) and covering.volume() == 1
    with pytest.raises(NotExact, match="Union leaves too little here"):
        covering.complement_volume()


def test_moved_balls_are_told_apart():
    union = Union(translate(Ball([0.0, 0.0], 1.0), [5.0, 0.0]), Ball([0.0, 0.0], 1.0))
    assert union.volume() == pytest.approx(Union(Ball([5.0, 0.0], 1.0), Ball([0.0, 0.0], 1.0)).volume(), rel=1e-12)
    both = Union(translate(Ball([0.0, 0.0], 1.0), [5.0, 0.0]), scale(Ball([-2.0, 0.0], 0.5), 2.0))
    assert both.volume() == pytest.approx(Union(Ball([5.0, 0.0], 1.0), Ball([-4.0, 0.0], 1.0)).volume(), rel=1e-12)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="Union needs at least one set"):
        Union()
    with pytest.raises(TypeError, match="must be a set of"):
        Union(Ball([0.0], 1.0), 3)
    with pytest.raises(ValueError, match=r"have the dimensions \[1, 2\]: they must be equal"):
        Union(Ball([0.0], 1.0), Ball([0.0, 0.0], 1.0))
    with pytest.raises(ValueError, match="Union has dim=2 but x has shape"):
        apart().contains([1.0])
