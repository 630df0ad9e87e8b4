"""What every set of the package must do, whatever its shape."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from scipy import stats

from isoperimetry import sets
from isoperimetry.bounds import enlargement
from isoperimetry.errors import NotExact
from isoperimetry.sets import (
    Ball,
    Box,
    Complement,
    ErrorSet,
    HalfSpace,
    Orthant,
    Slab,
    Union,
    UnionOfHalfSpaces,
    rotate,
    scale,
    translate,
)
from isoperimetry.sets.base import ComplementedSet
from tests.sets.routes import assert_nan_passes

INF = math.inf
CENTER = np.array([0.2, -0.1, 0.3])
CORRELATED = UnionOfHalfSpaces([[1.0, 0.1, 0.2], [0.2, 1.0, 0.1], [0.1, 0.2, 1.0]], [0.5, 0.5, 0.5])
PLANES = UnionOfHalfSpaces([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]], [0.9, 1.2])

EXAMPLES = [
    HalfSpace([1.0, 2.0, -2.0], 0.7),
    Slab([1.0, 2.0, -2.0], 0.5, 0.4),
    Ball([0.5, 0.0, 1.0], 1.2),
    sets.Shell([0.5, 0.0, 1.0], 0.4, 1.2),
    sets.Cylinder([0.5, 0.1], 0.9, dim=3),
    sets.Cone(0.7, dim=3),
    sets.Paraboloid(0.5, 0.8, dim=3),
    Box([-1.0, 0.0, -INF], [0.5, 1.5, 0.7]),
    Box([-1.0, -INF, -INF], [0.5, INF, INF]),
    Orthant([0.1, -INF, -0.2]),
    Orthant([0.1, -INF, -INF]),
    PLANES,
    UnionOfHalfSpaces([[1.0, 2.0, 0.0], [-1.0, -2.0, 0.0]], [0.9, 1.2]),
    CORRELATED,
    Union(HalfSpace([1.0, 2.0, 0.0], 0.9), HalfSpace([0.0, 1.0, 1.0], 1.2)),
    Union(Ball([0.0, 0.0, 0.0], 1.0), Ball([2.2, 0.0, 0.0], 1.0)),
    Union(Box([-1.0] * 3, [0.5] * 3), Box([2.0] * 3, [3.0] * 3)),
    Union(Ball([0.0, 0.0, 0.0], 1.0), Ball([0.5, 0.0, 0.0], 1.0)),
    translate(scale(Box([-1.0, 0.0, -INF], [0.5, 1.5, 0.7]), 1.5), [0.1, 0.2, 0.3]),
    rotate(Ball([0.5, 0.0, 1.0], 1.2), start=[1.0, 0.0, 0.0], end=[1.0, 1.0, 0.0]),
    rotate(Box([-1.0, -INF, -INF], [0.5, INF, INF]), start=[1.0, 0.0, 0.0], end=[1.0, 1.0, 0.0]),
]
WITH_COMPLEMENTS = [*EXAMPLES, *map(Complement, EXAMPLES)]
KNOWN = [one for one in EXAMPLES if "volume" in one.capabilities]


def name(error_set):
    return repr(error_set)[:60]


QUESTIONS = {
    "contains": lambda s: s.contains(CENTER),
    # A point that is deep in all parts of the unions here.
    "signed_distance": lambda s: s.signed_distance([0.25, 0.0, 0.0]),
    "volume": lambda s: s.volume(CENTER, 0.8),
    "log_volume": lambda s: s.log_volume(CENTER, 0.8),
    "enlarged_volume": lambda s: s.enlarged_volume([0.0, 0.3], CENTER, 0.8),
    "enlarged_volume_inf": lambda s: s.enlarged_volume([0.0, 0.3], CENTER, 0.8, p=INF),
    "distance_law": lambda s: s.distance_law(CENTER, 0.8).quantile(0.9),
}


@pytest.mark.parametrize("error_set", WITH_COMPLEMENTS, ids=name)
@pytest.mark.parametrize("capability", QUESTIONS)
def test_capabilities_are_kept_and_nothing_else_is_answered(error_set, capability):
    assert isinstance(error_set, ErrorSet) and isinstance(error_set, ComplementedSet)
    if capability in error_set.capabilities:
        assert not np.any(np.isnan(QUESTIONS[capability](error_set)))
    elif isinstance(error_set, Union | Complement) and len(getattr(error_set, "parts", ())) != 1 and (
        capability == "enlarged_volume_inf"
    ):  # fmt: skip
        # Up to a distance it may be known, though not up to any: it is never NaN.
        try:
            assert not np.any(np.isnan(QUESTIONS[capability](error_set)))
        except NotExact:
            pass
    else:
        with pytest.raises(NotExact):
            QUESTIONS[capability](error_set)


@pytest.mark.parametrize("error_set", KNOWN, ids=name)
def test_measures_of_set_and_complement_add_up(error_set):
    other = Complement(error_set)
    for sigma in (0.05, 0.3, 1.0, 20.0):
        mu, rest = error_set.volume(CENTER, sigma), other.volume(CENTER, sigma)
        assert mu + rest == pytest.approx(1, abs=1e-14)
        for of, value in ((error_set, mu), (other, rest)):
            log = of.log_volume(CENTER, sigma)
            assert log <= 0 and math.exp(log) == pytest.approx(value, rel=1e-11, abs=1e-300)
            if 0 < value < 1:
                # No center is further away than from the complement of a ball of that measure.
                worst = sigma * math.sqrt(stats.chi2.isf(value, 3))
                assert of.signed_distance(CENTER) <= worst * (1 + 1e-10)


@pytest.mark.parametrize("error_set", WITH_COMPLEMENTS, ids=name)
def test_enlargements_beat_no_bound(error_set):
    if "enlarged_volume" not in error_set.capabilities:
        pytest.skip("it is not exact")
    eps = np.array([0.0, 0.1, 0.5, 1.5, INF])
    for sigma in (0.3, 1.0):
        mu, grown = error_set.volume(CENTER, sigma), error_set.enlarged_volume(eps, CENTER, sigma)
        assert grown[0] == pytest.approx(mu, rel=1e-12) and np.all(np.diff(grown) >= -1e-13) and grown[-1] == 1
        assert np.all(grown >= enlargement(min(mu, 1.0), eps, sigma) - 1e-12)


@pytest.mark.parametrize("error_set", KNOWN, ids=name)
def test_moving_everything_changes_nothing(error_set, rng):
    matrix, shift = np.linalg.qr(rng.normal(size=(3, 3)))[0], rng.normal(size=3)
    moved = translate(rotate(error_set, matrix), shift)
    for sigma in (0.3, 1.0):
        assert moved.volume(matrix @ CENTER + shift, sigma) == pytest.approx(error_set.volume(CENTER, sigma), rel=1e-11)
    for x in rng.normal(size=(5, 3)):
        try:
            expected = error_set.signed_distance(x)
        except NotExact:
            continue
        assert moved.signed_distance(matrix @ x + shift) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("error_set", WITH_COMPLEMENTS, ids=name)
def test_shapes_and_inputs(error_set, rng):
    x = np.where(np.arange(24).reshape(2, 4, 3) == 5, 0.0, 5 * rng.normal(size=(2, 4, 3)))
    copy = x.copy()
    inside = error_set.contains(x)
    assert inside.shape == (2, 4) and inside.dtype == np.bool_
    assert [error_set.contains(row) for row in x.reshape(-1, 3)] == inside.ravel().tolist()
    assert type(error_set.contains(x[0, 0])) is bool
    assert (
        error_set.contains(np.asfortranarray(x)).tolist()
        == error_set.contains(x[::-1])[::-1].tolist()
        == inside.tolist()
    )
    assert (
        error_set.contains(np.empty((0, 3))).shape == (0,)
        and error_set.contains(x.tolist()).tolist() == inside.tolist()
    )
    if "signed_distance" in error_set.capabilities:
        gaps = error_set.signed_distance(x)
        assert gaps.shape == (2, 4) and np.array_equal(gaps <= 0, inside)
        one = error_set.signed_distance(x[0, 0])  # products of matrices depend on the number of rows in the last digit
        assert type(one) is float and one == pytest.approx(gaps[0, 0], rel=1e-12)
        assert error_set.signed_distance(np.empty((2, 0, 3))).shape == (2, 0)
        assert error_set.signed_distance(x.astype(np.float32)) == pytest.approx(gaps, rel=1e-5, abs=1e-5)
    if "volume" in error_set.capabilities:
        sigma, center = np.array([[0.5], [1.0]]), CENTER.copy()
        assert error_set.volume(center, sigma).shape == (2, 1) and type(error_set.volume(center)) is float
        assert (
            error_set.volume(center, 1)
            == error_set.volume(center.tolist(), 1.0)
            == error_set.volume(center, sigma)[1, 0]
        )
        assert error_set.volume() == error_set.volume(np.zeros(3)) and type(error_set.log_volume()) is float
        assert np.array_equal(center, CENTER) and sigma.tolist() == [[0.5], [1.0]]
    assert np.array_equal(x, copy)
    for bad in ([1.0, 2.0], 1.0, np.ones((3, 2))):
        with pytest.raises(ValueError, match="the last axis must equal dim"):
            error_set.contains(bad)


@pytest.mark.parametrize("error_set", WITH_COMPLEMENTS, ids=name)
def test_without_noise_and_without_limit_of_it(error_set, rng):
    for x in (*(2 * rng.normal(size=(4, 3))), np.array([0.25, 0.0, 0.0])):
        inside = error_set.contains(x)
        assert error_set.volume(x, 0.0) == error_set.enlarged_volume(0.0, x, 0.0) == inside
        assert error_set.log_volume(x, 0.0) == (0 if inside else -INF)
        if "signed_distance" in error_set.capabilities or isinstance(error_set, Union):
            assert error_set.enlarged_volume(INF, x, 0.0) == 1
        if not inside and "signed_distance" in error_set.capabilities and (gap := error_set.signed_distance(x)):
            near = error_set.enlarged_volume([0.999 * gap, 1.001 * gap, INF], x, 0.0)
            assert near.tolist() == [0, 1, 1]
    if "volume" in error_set.capabilities:
        everywhere = error_set.volume(CENTER, [1e-300, INF])
        assert everywhere[0] == error_set.contains(CENTER) and 0 <= everywhere[1] <= 1
        assert error_set.volume(CENTER, 1e100) == pytest.approx(everywhere[1], abs=1e-12)


@pytest.mark.parametrize(
    "error_set", [one for one in WITH_COMPLEMENTS if "enlarged_volume" in one.capabilities], ids=name
)
def test_nan_passes(error_set):
    if isinstance(error_set, Complement):  # a point of NaN lies in no set
        assert math.isnan(error_set.volume(sigma=math.nan)) and math.isnan(error_set.enlarged_volume(math.nan))
    else:
        assert_nan_passes(error_set)


def test_every_public_set_is_among_the_examples():
    used = {type(one) for one in EXAMPLES} | {Complement, sets.Wedge}  # a wedge is a cone of the plane
    used |= {getattr(sets, "Quadric", Complement)}  # known by an integral only
    for one in sets.__all__:
        value = getattr(sets, one)
        if inspect.isclass(value) and hasattr(value, "contains") and value is not ErrorSet:
            assert value in used, one
