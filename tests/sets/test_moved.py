from __future__ import annotations

import math
import pickle

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
    Moved,
    Orthant,
    Shell,
    Slab,
    UnionOfHalfSpaces,
    rotate,
    scale,
    translate,
)
from isoperimetry.testing.strategies import sigmas
from tests.sets.routes import assert_nan_passes

INF = math.inf
SETS = [
    HalfSpace([1.0, 2.0, -2.0], 0.7), Slab([1.0, 2.0, -2.0], 0.5, 0.4), Ball([0.5, 0.0, 1.0], 1.2),
    Shell([0.5, 0.0, 1.0], 0.4, 1.2), Box([-1.0, 0.0, -INF], [0.5, 1.5, 0.7]), Orthant([0.1, -INF, -0.2]),
    UnionOfHalfSpaces([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]], [0.9, 1.2]), Complement(Ball([0.5, 0.0, 1.0], 2.0)),
]  # fmt: skip


def random_rotation(rng, dim=3):
    return np.linalg.qr(rng.normal(size=(dim, dim)))[0]


def assert_same(first, second, center, sigma, tolerance=1e-12):
    """Two sets have the same measures; equal to rounding, as ends of length 1 are known to 1e-16."""
    for name in ("log_volume", "complement_log_volume", "volume", "complement_volume"):
        assert getattr(first, name)(*center[:1], sigma) == pytest.approx(
            getattr(second, name)(*center[1:], sigma), rel=tolerance, abs=1e-300
        )


def test_the_definition():
    ball = Ball([1.0, 0.0], 1.0)
    moved = translate(scale(rotate(ball, [[0.0, -1.0], [1.0, 0.0]]), 2.0), [3.0, 0.0])  # a quarter turn
    same = Ball([3.0, 2.0], 2.0)
    x = np.array([[3.0, 2.0], [3.0, 0.0], [9.0, 2.0], [0.0, 0.0]])
    assert isinstance(moved, ErrorSet) and moved.dim == 2 and moved.capabilities == ball.capabilities
    assert moved.contains(x).tolist() == same.contains(x).tolist() == [True, True, False, False]
    assert moved.signed_distance(x) == pytest.approx(same.signed_distance(x), abs=1e-15)
    assert moved.contains(x[0]) is True and isinstance(moved.signed_distance(x[0]), float)
    assert moved.signed_distance(x.reshape(2, 2, 1, 2)).shape == (2, 2, 1)
    assert_same(moved, same, ([1.0, 0.5], [1.0, 0.5]), 0.8)
    for eps in (0.0, 0.7, [0.1, INF]):
        assert moved.enlarged_volume(eps, [1.0, 0.5], 0.8) == pytest.approx(same.enlarged_volume(eps, [1.0, 0.5], 0.8))
        assert moved.complement_enlarged_volume(eps, [1.0, 0.5], 0.8) == pytest.approx(
            same.complement_enlarged_volume(eps, [1.0, 0.5], 0.8)
        )
    assert moved.distance_law([1.0, 0.5], 0.8).quantile(0.5) == pytest.approx(
        same.distance_law([1.0, 0.5], 0.8).quantile(0.5), rel=1e-12
    )
    assert repr(translate(scale(ball, 2.0), [3.0, 0.0])) == f"Moved({ball!r}, scaled by 2.0, shifted by [3.0, 0.0])"
    assert repr(rotate(ball, np.eye(2))) == f"Moved({ball!r}, rotated)"


@pytest.mark.parametrize("error_set", SETS, ids=lambda s: type(s).__name__)
@given(data=st.data(), sigma=sigmas())
def test_invariance(error_set, data, sigma):
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    matrix, shift, center = random_rotation(rng), rng.normal(size=3), rng.normal(size=3)
    sigma = min(max(sigma, 0.05), 1e3)
    # The noise moves with the set; a log near -1000 has the errors of 1000 times those of its ends.
    images = [
        (translate(error_set, shift), center + shift),
        (rotate(error_set, matrix), matrix @ center),
        (translate(rotate(error_set, matrix), shift), matrix @ center + shift),
        (rotate(translate(error_set, shift), matrix), matrix @ (center + shift)),
    ]
    for moved, image in images:
        assert_same(moved, error_set, (image, center), sigma, tolerance=1e-12 * (1 + 10 / sigma**2))
        assert moved.signed_distance(image) == pytest.approx(error_set.signed_distance(center), rel=1e-12, abs=1e-14)
    bigger = scale(error_set, 3.0)
    assert bigger.log_volume(3 * center, 3 * sigma) == pytest.approx(error_set.log_volume(center, sigma), rel=1e-12)
    assert bigger.signed_distance(3 * center) == pytest.approx(3 * error_set.signed_distance(center), rel=1e-12)


@pytest.mark.parametrize("error_set", SETS, ids=lambda s: type(s).__name__)
def test_inverse_moves(error_set, rng):
    matrix, shift, x = random_rotation(rng), rng.normal(size=3), rng.normal(size=(50, 3)) * 2
    there = translate(scale(rotate(error_set, matrix), 0.25), shift)
    back = rotate(scale(translate(there, -shift), 4.0), matrix.T)
    assert back.signed_distance(x) == pytest.approx(error_set.signed_distance(x), rel=1e-12, abs=1e-14)
    assert_same(back, error_set, (x[0], x[0]), 0.9)
    # Moves without a rotation become one, which knows all norms still.
    twice = scale(translate(scale(error_set, 2.0), shift), 3.0)
    assert isinstance(twice, Moved) and twice.error_set is error_set and twice.capabilities == error_set.capabilities
    assert twice.factor == 6 and np.array_equal(twice.shift, 3 * shift)
    same = translate(translate(error_set, shift), -shift)
    assert same.log_volume(x[0]) == error_set.log_volume(x[0])


def test_rotations_in_a_plane(rng):
    n = 150_528
    start, end = rng.normal(size=n), rng.normal(size=n)
    turned = rotate(HalfSpace(start, 2.0), start=3 * start, end=5 * end)
    x, straight = rng.normal(size=(3, n)), HalfSpace(end, 2.0)
    assert turned.signed_distance(x) == pytest.approx(straight.signed_distance(x), rel=1e-12)
    assert turned.log_volume(x[0], 0.1) == pytest.approx(straight.log_volume(x[0], 0.1), rel=1e-12)
    # As in the plane, so in space: what is at right angles to it stays.
    start, end = np.array([1.0, 0.0, 0.0]), np.array([1.0, math.sqrt(3), 0.0])
    c, s = 0.5, math.sqrt(0.75)
    matrix, points = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]), rng.normal(size=(20, 3))
    box = SETS[4]
    by_plane, by_matrix = rotate(box, start=start, end=end), rotate(box, matrix)
    assert by_plane.signed_distance(points) == pytest.approx(by_matrix.signed_distance(points), rel=1e-13, abs=1e-15)
    assert rotate(box, start=start, end=start).signed_distance(points) == pytest.approx(
        box.signed_distance(points), abs=1e-15
    )
    back = rotate(by_plane, start=end, end=start)
    assert back.signed_distance(points) == pytest.approx(box.signed_distance(points), rel=1e-13, abs=1e-15)


def test_membership_by_monte_carlo(rng):
    moved = translate(scale(rotate(SETS[4], random_rotation(rng)), 1.5), [0.4, -0.2, 0.1])
    center, sigma, n = np.array([0.3, 0.1, 0.0]), 1.1, 100_000
    x = center + sigma * rng.standard_normal((n, 3))
    inside, distance = moved.contains(x), moved.signed_distance(x)
    assert np.array_equal(inside, distance <= 0)
    for count, p in (
        (inside.sum(), moved.volume(center, sigma)),
        ((-distance <= 0.2).sum(), moved.complement_enlarged_volume(0.2, center, sigma)),
    ):
        assert abs(count - n * p) < 4.9 * math.sqrt(n * p * (1 - p))  # fails once in a million


def test_norms_that_a_rotation_turns():
    box = Box([-1.0, 0.0], [0.5, 1.5])
    turned, shifted = rotate(box, start=[1.0, 0.0], end=[1.0, 1.0]), translate(scale(box, 2.0), [1.0, 0.0])
    assert "enlarged_volume_inf" in shifted.capabilities and "enlarged_volume_inf" not in turned.capabilities
    assert "enlarged_volume_inf" not in turned.complement_capabilities
    assert shifted.enlarged_volume(0.4, [1.0, 1.0], 2.0, p=INF) == pytest.approx(
        box.enlarged_volume(0.2, [0.0, 0.5], 1.0, p=INF), rel=1e-14
    )
    for call in (turned.enlarged_volume, turned.complement_enlarged_volume):
        with pytest.raises(
            NotExact, match="A rotated set has no exact enlargement for p=inf: the norm is turned with it"
        ):
            call([0.0, 0.1], p=INF)
        with pytest.raises(ValueError, match=r"p=0\.0 must be >= 1"):
            call(0.1, p=0)
        assert call([0.0, INF], p=1).tolist() == call([0.0, INF]).tolist()
    # What the set refuses, its image does, in both forms.
    with pytest.raises(NotExact, match="Box has no exact measure"):
        turned.enlarged_volume(0.1)
    for moved in (turned, shifted):
        with pytest.raises(NotExact):
            moved.distance_law()


def test_edges():
    moved = translate(rotate(Ball([3.0, 4.0], 5.0), start=[1.0, 0.0], end=[0.0, 1.0]), [0.0, 1.0])
    assert_nan_passes(moved)
    assert moved.volume(sigma=[0.0, INF]).tolist() == [0, 0] and moved.volume([-4.0, 4.0], 0.0) == 1
    tiny = scale(HalfSpace([1.0, 0.0], 1.0), 1e-300)
    assert tiny.signed_distance([1e-300, 7.0]) == 0 and tiny.enlarged_volume(1e20) == 1
    assert tiny.volume(sigma=1e-300) == HalfSpace([1.0, 0.0], 1.0).volume()
    with pytest.raises(ValueError, match="read-only"):
        translate(SETS[0], [1.0, 2.0, 3.0]).shift[0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        scale(translate(SETS[0], [1.0, 2.0, 3.0]), 2.0).shift[0] = 5.0
    shift = np.array([1.0, 2.0, 3.0])
    moved = translate(SETS[0], shift)
    shift[0] = 9.0
    assert moved.shift[0] == 1


@pytest.mark.parametrize(
    "error_set", [*SETS, rotate(SETS[0], np.eye(3)), rotate(SETS[0], start=[1.0, 0, 0], end=[1.0, 1, 0])]
)
def test_sets_can_be_sent_to_another_process(error_set):
    copy = pickle.loads(pickle.dumps(error_set))
    assert copy.log_volume() == error_set.log_volume() and repr(copy) == repr(error_set)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: translate(SETS[0], [1.0, 2.0]), ValueError, r"HalfSpace has dim=3 but shift has shape \(2,\)"),
        (lambda: translate(SETS[0], [1.0, 2.0, INF]), ValueError, "finite"),
        (lambda: translate(3, [1.0]), TypeError, "error_set=3 must be a set"),
        (lambda: scale(SETS[0], 0.0), ValueError, r"factor=0\.0 must be finite and > 0"),
        (lambda: scale(SETS[0], math.nan), ValueError, "factor=nan"),
        (lambda: scale(SETS[0], [1.0, 2.0]), ValueError, "must be one number"),
        (lambda: rotate(SETS[0]), TypeError, "pass one of the two forms"),
        (lambda: rotate(SETS[0], np.eye(3), start=[1, 0, 0], end=[0, 1, 0]), TypeError, "pass one of the two forms"),
        (lambda: rotate(SETS[0], start=[1.0, 0.0, 0.0]), TypeError, "pass one of the two forms"),
        (lambda: rotate(SETS[0], np.eye(2)), ValueError, r"matrix has shape \(2, 2\) but must have shape \(3, 3\)"),
        (lambda: rotate(SETS[0], 1.001 * np.eye(3)), ValueError, "matrix must be orthogonal"),
        (lambda: rotate(SETS[0], np.full((3, 3), math.nan)), ValueError, "finite"),
        (lambda: rotate(SETS[0], start=[1, 0, 0], end=[-2, 0, 0]), ValueError, "must not be opposite"),
        (lambda: rotate(SETS[0], start=[1, 0, 0], end=[0, 0, 0]), ValueError, "end must have a non-zero entry"),
        (lambda: rotate(SETS[0], start=[1, 0, 0], end=[0, 1]), ValueError, r"end has shape \(2,\)"),
        (lambda: translate(SETS[0], [0.0] * 3).volume([1.0]), ValueError, "Moved has dim=3 but center has shape"),
        (lambda: translate(SETS[0], [0.0] * 3).volume([INF, 0, 0]), ValueError, "must be finite"),
        (lambda: translate(SETS[0], [0.0] * 3).volume(sigma=-1.0), ValueError, r"sigma=-1\.0 must be >= 0"),
        (lambda: translate(SETS[0], [0.0] * 3).enlarged_volume(-1.0), ValueError, r"eps=-1\.0 must be >= 0"),
    ],
)  # fmt: skip
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
