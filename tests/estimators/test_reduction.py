from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.errors import NotExact
from isoperimetry.estimators.reduction import Reduction, SetReduction, reduce, reduce_set
from isoperimetry.estimators.reduction._basis import orthonormal
from isoperimetry.sets import (
    Ball,
    Box,
    Complement,
    Cone,
    Cylinder,
    HalfSpace,
    Moved,
    Orthant,
    Paraboloid,
    Quadric,
    Shell,
    Slab,
    Union,
    UnionOfHalfSpaces,
    Wedge,
    describe,
    from_description,
    rotate,
    scale,
    translate,
)
from isoperimetry.testing.strategies import error_sets

INF = math.inf
RNG = np.random.default_rng(20260101)


# Linear features.


def some_features(kind):
    n = 40
    a = RNG.normal(size=(7, n))
    return {
        "general": a, "one row": a[:1], "more rows than inputs": RNG.normal(size=(90, 12)),
        "dependent": np.vstack([a, a[2] - 3 * a[4], 1e9 * a[1], a[:3].sum(axis=0)]),
        "nearly dependent": np.vstack([a, a[2] + 1e-10 * RNG.normal(size=n), a[2] + 1e-5 * RNG.normal(size=n)]),
        "a zero row": np.vstack([a, np.zeros(n)]), "nothing": np.zeros((2, n)), "axes": np.eye(9)[[4, 1, 7]],
        "all sizes": a * 10.0 ** np.arange(-150, 151, 50)[:, None], "square": RNG.normal(size=(30, 30)),
        "integers": np.arange(12).reshape(3, 4), "a cluster": np.ones((6, n)) + 1e-4 * RNG.normal(size=(6, n)),
        "a wide cluster": np.ones((6, n)) + 1e-2 * RNG.normal(size=(6, n)),
    }[kind]  # fmt: skip


RANKS = {
    "general": 7, "one row": 1, "more rows than inputs": 12, "dependent": 7, "nearly dependent": 9, "a zero row": 7,
    "nothing": 0, "axes": 3, "all sizes": 7, "square": 30, "integers": 2, "a cluster": 6, "a wide cluster": 6,
}  # fmt: skip


@pytest.mark.parametrize("kind", RANKS)
def test_the_factor_has_the_covariance_of_the_features(kind):
    features = some_features(kind)
    reduction = reduce(features)
    rows, (m, n), k = np.asarray(features, dtype=float), np.shape(features), RANKS[kind]
    assert (reduction.dim, reduction.rank) == (n, k) and reduction.factor.shape == (m, k)
    assert np.array_equal(reduction.A, rows)
    size = np.maximum(np.linalg.norm(rows, axis=1), 1e-300)[:, None]
    # Row by row, whatever the units of the features are.
    assert reduction.factor @ reduction.basis.T / size == pytest.approx(rows / size, abs=1e-12)
    assert reduction.factor / size @ (reduction.factor / size).T == pytest.approx(
        (rows / size) @ (rows / size).T, abs=1e-12
    )
    assert reduction.basis.T @ reduction.basis == pytest.approx(np.eye(k), abs=1e-13)
    assert repr(reduction) == f"Reduction(m={m}, dim={n}, rank={k})"


def test_small_singular_values_are_kept_and_rounding_is_not():
    axes = np.linalg.qr(RNG.normal(size=(50, 6)))[0].T
    for gap in (1e-3, 1e-6, 1e-9, 1e-11):
        rows = np.vstack([axes[:5], axes[:5].mean(axis=0) + gap * axes[5]])
        reduction = reduce(rows)
        assert reduction.rank == 6
        # What the small value says is known too: the part of the last row outside of the others.
        outside = reduction.factor[5] - reduction.factor[:5].mean(axis=0)
        assert np.linalg.norm(outside) == pytest.approx(gap, rel=1e-15 / gap + 1e-10)
    for gap in (0.0, 1e-14):
        assert reduce(np.vstack([axes[:5], axes[:5].mean(axis=0) + gap * axes[5]])).rank == 5
    rough = np.vstack([axes[:5], axes[:5].mean(axis=0) + 1e-7 * axes[5]])
    assert reduce(rough, tolerance=1e-6).rank == 5 and reduce(rough, tolerance=1e-8).rank == 6


def test_features_have_their_law():
    """Means and covariances of 40 000 features of full and of reduced noise: 5 standard errors, 1e-6 a number."""
    rng, n_samples, sigma = np.random.default_rng(5), 40_000, 0.7
    for kind in ("dependent", "more rows than inputs"):
        features = some_features(kind)[-8:]
        features = features / np.linalg.norm(features, axis=1)[:, None]
        reduction, center = reduce(features), rng.normal(size=features.shape[1])
        full = (center + sigma * rng.standard_normal((n_samples, center.size))) @ features.T
        few = reduction.features(center, sigma, rng.standard_normal((n_samples, reduction.rank)))
        for y in (full, few):
            assert np.abs(y.mean(axis=0) - features @ center).max() < 5.3 * sigma / math.sqrt(n_samples)
            error = np.cov(y.T) - sigma**2 * features @ features.T
            assert np.abs(error).max() < 5.3 * sigma**2 * math.sqrt(2 / n_samples)


def test_features_gradients_and_inputs_agree(rng):
    features = some_features("dependent")
    reduction, center, sigma = reduce(features), rng.normal(size=40), 0.3
    z, step = rng.normal(size=(5, 7)), 1e-6

    def function(y):  # of features, some of them 1e9 in size
        return np.tanh(y / np.linalg.norm(features, axis=1)).sum(axis=1)

    y = reduction.features(center, sigma, z)
    size = np.linalg.norm(features, axis=1)
    gradient = reduction.pull_back((1 - np.tanh(y / size) ** 2) / size, sigma)
    for j in range(7):
        up, down = (function(reduction.features(center, sigma, z + s * np.eye(7)[j])) for s in (step, -step))
        assert gradient[:, j] == pytest.approx((up - down) / (2 * step), abs=1e-8)
    # The input that is lifted has those features, and is as far away as z; nothing shorter has them.
    change = reduction.lift(z)
    assert features @ (center + sigma * change).T / size[:, None] == pytest.approx(y.T / size[:, None], abs=1e-12)
    assert np.linalg.norm(change, axis=1) == pytest.approx(np.linalg.norm(z, axis=1), rel=1e-13)
    assert change == pytest.approx(change @ reduction.basis @ reduction.basis.T, abs=1e-13)
    assert reduction.features(None, sigma, z) + reduction.image(center) == pytest.approx(y, rel=1e-12)
    assert np.array_equal(reduction.features(center, 0.0, z)[0], reduction.image(center))


def test_a_reduction_is_a_value(rng):
    features = some_features("general")
    reduction = reduce(features)
    copy = pickle.loads(pickle.dumps(reduction))
    z = rng.normal(size=(3, 7))
    assert isinstance(copy, Reduction) and np.array_equal(copy.features(None, 1.0, z), reduction.features(None, 1.0, z))
    features[0, 0] = 99.0
    assert reduction.A[0, 0] != 99
    for array in (reduction.A, reduction.factor, reduction.basis):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        reduction.rank = 3


def test_features_of_imagenet_size():
    rows = np.random.default_rng(0).normal(size=(16, 150_528))
    for features in (rows, np.vstack([rows[:12], rows[3] + 1e-8 * rows[14], rows[:3].sum(axis=0)])):
        reduction = reduce(features)
        size = np.linalg.norm(features, axis=1)
        gram = features @ features.T / np.outer(size, size)
        assert reduction.factor @ reduction.factor.T / np.outer(size, size) == pytest.approx(gram, abs=1e-13)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.integers(1, 6), st.integers(0, 12))
def test_orthonormal_bases(seed, m, n, rank, digits):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(m, rank)) @ rng.normal(size=(rank, n)) + 10.0**-digits * rng.normal(size=(m, n))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    basis, coordinates = orthonormal(rows)
    assert basis @ basis.T == pytest.approx(np.eye(len(basis)), abs=1e-12)
    assert coordinates @ basis == pytest.approx(rows, abs=1e-11)
    assert len(basis) >= np.linalg.matrix_rank(rows, tol=1e-10 * math.sqrt(m))


MATRIX = np.arange(6.0).reshape(2, 3)
LINEAR = reduce(MATRIX)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: reduce([1.0, 2.0]), ValueError, "A has shape (2,) but must have shape (m, dim)"),
        (lambda: reduce(np.empty((0, 3))), ValueError, "A has shape (0, 3) but must have shape (m, dim)"),
        (lambda: reduce(MATRIX + np.array([0, INF, 0])), ValueError, "A has 2 entries outside"),
        (lambda: reduce(MATRIX * math.nan), ValueError, "A has 6 entries outside its range"),
        (lambda: reduce([["a"]]), TypeError, "A=[['a']] must be a real number"),
        (lambda: reduce(MATRIX, tolerance=0), ValueError, "tolerance=0.0 must be in [1e-14, 1)"),
        (lambda: reduce(MATRIX, tolerance=math.nan), ValueError, "tolerance=nan must be in [1e-14, 1)"),
        (lambda: reduce(MATRIX, tolerance="1"), TypeError, "tolerance='1' must be a real number"),
        (lambda: LINEAR.features([0, 0], 1.0, np.zeros((1, 2))), ValueError, "Reduction has dim=3 but center has"),
        (lambda: LINEAR.features(None, -1.0, np.zeros((1, 2))), ValueError, "sigma=-1.0 must be finite and >= 0"),
        (lambda: LINEAR.features(None, [1.0], np.zeros((1, 2))), ValueError, "sigma has shape (1,) but must be one"),
        (lambda: LINEAR.features(None, 1.0, np.zeros(2)), ValueError, "z has shape (2,) but must have shape (N, 2)"),
        (lambda: LINEAR.features(None, 1.0, np.zeros((4, 3))), ValueError, "z has shape (4, 3) but must have"),
        (lambda: LINEAR.pull_back(np.zeros((4, 3)), 1.0), ValueError, "gradient_y has shape (4, 3) but must have"),
        (lambda: LINEAR.pull_back(np.zeros((4, 2)), INF), ValueError, "sigma=inf must be finite"),
        (lambda: LINEAR.lift(np.zeros(2)), ValueError, "z has shape (2,) but must have shape (N, 2)"),
        (lambda: reduce_set(3.0), TypeError, "error_set=3.0 must be a set of isoperimetry.sets."),
        (lambda: reduce_set(SETS["ball"], [1.0]), ValueError, "Ball has dim=6 but center has shape (1,)"),
        (lambda: reduce_set(SETS["ball"], [math.nan] * 6), ValueError, "center has 6 entries outside its range"),
        (lambda: reduce_set(SETS["ball"], [INF] * 6), ValueError, "center has 6 entries outside its range"),
        (lambda: reduce_set(SETS["ball"], 1.0), ValueError, "center=1.0 must be a point of shape (6,)"),
        (lambda: reduce_set(SETS["ball"]).project(np.zeros(6)), ValueError, "x has shape (6,) but must have shape"),
        (lambda: reduce_set(SETS["ball"]).project(np.zeros((1, 5))), ValueError, "SetReduction has dim=6 but x has"),
        (lambda: reduce_set(SETS["ball"]).lift(np.zeros((1, 6))), ValueError, "SetReduction has dim=2 but y has shape"),
    ],
)  # fmt: skip
def test_bad_input(call, error, message):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert text.startswith(message) and "\n" not in text and text.endswith("."), text


# Sets: what each looks like in 6 to 50 dimensions, with boundaries where noise of scale 1 around a center is.


def point(n, length):
    x = RNG.normal(size=n)
    return length * x / np.linalg.norm(x)


def matrix(n):
    return np.linalg.qr(RNG.normal(size=(n, n)))[0]


N = 12
BASE = {
    "half-space": HalfSpace(point(50, 3.0), 0.8), "empty": HalfSpace(point(6, 3.0), INF),
    "slab": Slab(point(6, 1.0), 0.5, 0.7),
    "half-spaces": UnionOfHalfSpaces(RNG.normal(size=(5, 30)), 1.0 + np.arange(5)),
    "more half-spaces than rank": UnionOfHalfSpaces(RNG.normal(size=(9, 3)) @ RNG.normal(size=(3, N)), np.ones(9)),
    "ball": Ball(point(6, 1.0), 2.3),
    "ball at the origin": Ball(np.zeros(N), 3.4), "whole space": Ball(np.ones(N), INF),
    "shell": Shell(point(50, 2.0), 6.9, 7.6), "shell without end": Shell(point(N, 2.0), 3.9, INF),
    "cylinder": Cylinder([0.5, -1.0, 0.3], 1.6, N), "cylinder of most coordinates": Cylinder(point(N - 2, 1.0), 3.2, N),
    "cylinder of all": Cylinder(point(N, 1.0), 3.4, N), "orthant": Orthant([-INF, 0.3, -0.4, *8 * [-INF], -0.5]),
    "no orthant": Orthant(np.full(N, -INF)), "box": Box([-1.0, *8 * [-INF], 0.0, -INF], [1.2, *8 * [INF], INF, 0.5]),
    "cone": Cone(1.3, N), "wide cone": Cone(2.0, 6), "paraboloid": Paraboloid(-1.0, 0.2, N),
    "paraboloid outside": Paraboloid(0.5, -0.1, 30),
    "low-rank quadric": Quadric((RNG.normal(size=(N, 2)), [1.0, -0.7]), point(N, 2.0), 0.4),
    "quadric of low rank, dense": Quadric(np.outer(np.ones(N), np.ones(N)), point(N, 1.0), -9.0),
    "diagonal quadric": Quadric([2.0, *10 * [0.5], -1.0], point(N, 2.0), -5.0),
    "diagonal quadric with zeros": Quadric([2.0, *10 * [0.0], -1.0], point(N, 2.0), 0.5),
    "sphere as quadric": Quadric(np.full(N, -1.0), np.zeros(N), 11.0),
    "plane as quadric": Quadric(np.zeros(N), point(N, 1.0), 0.3),
}  # fmt: skip
SETS = {
    **BASE,
    "complement": Complement(BASE["cylinder"]),
    "translated cone": translate(BASE["cone"], point(N, 1.0)),
    "scaled paraboloid": translate(scale(BASE["paraboloid"], 1.4), point(N, 0.5)),
    "turned box": translate(rotate(BASE["box"], matrix(11)), point(11, 0.5)),
    "turned cylinder": rotate(
        translate(rotate(BASE["cylinder"], matrix(N)), point(N, 0.4)), start=point(N, 1.0), end=point(N, 1.0)
    ),
    "turned cylinder of most": scale(rotate(BASE["cylinder of most coordinates"], matrix(N)), 1.1),
    "turned cone": rotate(translate(BASE["cone"], point(N, 1.0)), start=point(N, 1.0), end=point(N, 1.0)),
    "turned orthant": scale(rotate(BASE["orthant"], matrix(N)), 0.6),
    "turned quadric": translate(scale(rotate(BASE["diagonal quadric"], matrix(N)), 1.2), point(N, 1.0)),
    "turned low-rank quadric": translate(scale(rotate(BASE["low-rank quadric"], matrix(N)), 1.2), point(N, 1.0)),
    "moved half-spaces": translate(scale(rotate(BASE["half-spaces"], matrix(30)), 2.0), point(30, 1.0)),
    "moved shell": rotate(translate(scale(BASE["shell without end"], 0.9), point(N, 1.0)), matrix(N)),
    "union of half-spaces": Union(HalfSpace(point(N, 1.0), 1.5), Complement(HalfSpace(point(N, 1.0), -1.4))),
    "union of kinds": Union(
        translate(Cone(0.4, N), 3 * np.eye(N)[0]), Ball(-2.5 * np.ones(N), 6.0), HalfSpace(np.ones(N), 1.5),
        rotate(Cylinder([3.0], 0.2, N), start=np.eye(N)[0], end=np.eye(N)[3]),
    ),
    "union of two balls": Union(Ball([2.0] + (N - 1) * [0.0], 3.2), Ball([-2.5] + (N - 1) * [0.0], 3.3)),
    "union in a union": Complement(
        Union(Union(BASE["slab"], BASE["ball"]), translate(BASE["wide cone"], point(6, 2.0)))
    ),
}  # fmt: skip


def distances(error_set, x):
    """Signed distances, and where they are exact: unions refuse points inside that are near two parts."""
    result = np.full(len(x), np.nan)
    for i, one in enumerate(x):
        try:
            result[i] = error_set.signed_distance(one)
        except NotExact:
            result[i] = np.nan
    return result


def assert_same_at(error_set, reduction, x):
    y = reduction.project(x)
    full, few = distances(error_set, x), distances(reduction.error_set, y)
    # A rotation that is gone may let a reduced union know more, or, where one has come, less.
    known = ~np.isnan(full) & ~np.isnan(few)
    assert known.all() or "Union" in str(describe(error_set))
    finite = known & np.isfinite(full)
    assert few[finite] == pytest.approx(full[finite], abs=1e-9 * (1 + np.abs(x).max()))
    assert np.array_equal(few[known & ~finite], full[known & ~finite])
    apart = ~(np.abs(full) < 1e-9)  # at the boundary itself rounding decides
    assert np.array_equal(error_set.contains(x)[apart], reduction.error_set.contains(y)[apart])


@pytest.mark.parametrize("name", SETS)
def test_reduced_sets_are_the_full_ones_point_by_point(name, rng):
    error_set = SETS[name]
    n = error_set.dim
    for center in (None, rng.normal(size=n) / math.sqrt(n), np.eye(n)[0]):
        reduction = reduce_set(error_set, center)
        assert isinstance(reduction, SetReduction)
        k, dof = reduction.rank, reduction.dof
        assert k + 1 < n and dof in (0, n - k) and reduction.error_set.dim == k + (dof > 0)
        assert reduction.basis.shape == (n, k)
        assert reduction.basis.T @ reduction.basis == pytest.approx(np.eye(k), abs=1e-13)
        middle = np.zeros(n) if center is None else center
        assert np.array_equal(reduction.center, middle)
        x = np.vstack([middle, middle + rng.choice([0.1, 1.0, 4.0], size=(60, 1)) * rng.normal(size=(60, n))])
        assert_same_at(error_set, reduction, x)
        y = reduction.project(x)
        assert reduction.project(reduction.lift(y)) == pytest.approx(y, abs=1e-12)
        assert np.linalg.norm(reduction.lift(y) - middle, axis=1) == pytest.approx(np.linalg.norm(y, axis=1), abs=1e-12)


@pytest.mark.parametrize("name", SETS)
def test_reduced_volumes_are_the_full_ones(name, rng):
    """Counts of 20 000 points of either law differ by less than 5 standard errors: fails once in a million."""
    error_set, n_samples, sigma = SETS[name], 20_000, 1.1
    center = rng.normal(size=error_set.dim) / math.sqrt(error_set.dim)
    reduction = reduce_set(error_set, center)
    z = rng.standard_normal((n_samples, reduction.rank))
    if reduction.dof:
        z = np.column_stack([z, np.sqrt(rng.chisquare(reduction.dof, n_samples))])
    few = float(np.mean(reduction.error_set.contains(sigma * z)))
    full = float(np.mean(error_set.contains(center + sigma * rng.standard_normal((n_samples, error_set.dim)))))
    mean = 0.5 * (few + full)
    assert abs(few - full) <= 5 * math.sqrt(2 * mean * (1 - mean) / n_samples)
    if "log_volume" in error_set.capabilities:
        exact = error_set.volume(center, sigma)
        assert abs(few - exact) <= 5 * math.sqrt(exact * (1 - exact) / n_samples) + 1e-12
        if not reduction.dof and "log_volume" in reduction.error_set.capabilities:
            assert reduction.error_set.log_volume(sigma=sigma) == pytest.approx(
                error_set.log_volume(center, sigma), rel=1e-10, abs=1e-14
            )
    if name not in ("empty", "whole space", "no orthant"):
        assert 0.003 < full < 0.997  # the test says something


KINDS = ("half-space", "slab", "ball", "cylinder", "shell", "half-spaces", "complement of a box", "moved", "cone",
         "paraboloid")  # fmt: skip


@given(error_sets(kinds=KINDS), st.integers(0, 2**32 - 1))
def test_any_set(error_set, seed):
    n, rng = error_set.dim, np.random.default_rng(seed)
    center = rng.choice([0.0, 1.0]) * rng.normal(size=n)
    reduction = reduce_set(error_set, center)
    if n <= 2:
        assert reduction is None
    if reduction is not None:
        assert_same_at(error_set, reduction, center + rng.normal(size=(8, n)))


@given(st.lists(error_sets(dim=10, kinds=KINDS), min_size=2, max_size=4), st.integers(0, 2**32 - 1))
def test_any_union(parts, seed):
    rng = np.random.default_rng(seed)
    union, center = Union(*parts), rng.normal(size=10)
    reduction = reduce_set(union, center)
    if reduction is not None:
        assert_same_at(union, reduction, center + rng.normal(size=(8, 10)))


def test_what_is_found():
    ball = reduce_set(Ball([3.0, *9 * [0.0]], 2.0), [1.0, *9 * [0.0]])
    assert isinstance(ball.error_set, Ball) and ball.error_set.center.tolist() == [2, 0] and ball.error_set.radius == 2
    assert (ball.rank, ball.dof) == (1, 9) and repr(ball).startswith("SetReduction(Ball(center=[2.0, 0.0]")
    assert (reduce_set(SETS["ball at the origin"]).rank, reduce_set(SETS["ball at the origin"]).dof) == (0, N)
    flat = reduce_set(SETS["half-space"])
    assert isinstance(flat.error_set, HalfSpace) and (flat.rank, flat.dof) == (1, 0)
    # Directions that parts share count once.
    assert reduce_set(SETS["more half-spaces than rank"]).rank == 3
    assert reduce_set(SETS["union of two balls"]).rank == 1
    box = Union(Box([-1.0, -1.0, *8 * [-INF]], [1.0, 1.0, *8 * [INF]]), Slab(np.eye(10)[0], 0.0, 9.0))
    assert reduce_set(box).rank == 2 and reduce_set(Complement(box)).dof == 0
    # Coordinates stay coordinates: no rotation is needed.
    assert isinstance(reduce_set(SETS["box"]).error_set, Box) and isinstance(
        reduce_set(SETS["orthant"]).error_set, Orthant
    )
    assert (reduce_set(SETS["cylinder of most coordinates"]).rank, reduce_set(SETS["cylinder"]).rank) == (3, 3)
    assert reduce_set(SETS["diagonal quadric"]).rank == 3 and reduce_set(SETS["diagonal quadric with zeros"]).dof == 0
    assert reduce_set(SETS["sphere as quadric"]).rank == 0


def test_what_does_not_pay():
    many = 1100
    for error_set in (
        HalfSpace([1.0, 0.0], 0.5), Wedge(1.0), Box([-1.0] * 9, [1.0] * 9), UnionOfHalfSpaces(np.eye(5), np.ones(5)),
        Ball([1.0, 0.0], 1.0), Orthant([0.0] * 8 + [-INF]), Quadric(np.arange(20.0), np.zeros(20), 1.0),
        Box([-1.0] * 600 + [-INF] * (many - 600), [INF] * many), Cylinder([0.0] * 900, 30.0, 2000),
        Union(HalfSpace(np.eye(many)[0], 1.0), Box([-1.0] * 600 + [-INF] * (many - 600), [INF] * many)),
        Union(*(Box([-INF] * i + [-1.0] * 300 + [-INF] * (many - i - 300), [INF] * many) for i in (0, 300))),
    ):  # fmt: skip
        assert reduce_set(error_set) is None
    assert reduce_set(Box([-1.0] * 100 + [-INF] * (many - 100), [INF] * many)).rank == 100
    turned_by_a_function = Moved(Ball([1.0, 0, 0, 0, 0], 1.0), np.zeros(5), 1.0, lambda x: x[:, ::-1])
    assert reduce_set(turned_by_a_function) is None
    assert reduce_set(Union(turned_by_a_function, HalfSpace(np.ones(5), 1.0))) is None


def test_a_set_of_imagenet_size():
    n = 150_528
    normals = np.random.default_rng(1).normal(size=(16, n))
    error_set, center = UnionOfHalfSpaces(normals, np.linspace(1, 3, 16)), normals[0] / 400
    reduction = reduce_set(error_set, center)
    assert reduction.rank == 16
    assert_same_at(error_set, reduction, center + np.random.default_rng(2).normal(size=(4, n)))
    two = Union(Ball(normals[1] / 100, 388.0), Complement(Shell(normals[2] / 50, 387.0, 390.0)))
    reduction = reduce_set(two, center)
    assert (reduction.rank, reduction.dof) == (2, n - 2)
    assert_same_at(two, reduction, center + np.random.default_rng(2).normal(size=(4, n)))


def test_a_set_reduction_is_a_value(rng):
    for name in ("union of kinds", "turned cylinder of most", "turned low-rank quadric"):
        reduction = reduce_set(SETS[name], np.full(N, 0.1))
        copy = pickle.loads(pickle.dumps(reduction))
        back = from_description(describe(reduction.error_set))
        y = reduction.project(rng.normal(size=(50, N)))
        assert np.array_equal(copy.error_set.contains(y), reduction.error_set.contains(y))
        assert np.array_equal(back.contains(y), reduction.error_set.contains(y))
        with pytest.raises(ValueError, match="read-only"):
            reduction.basis[0, 0] = 1.0
