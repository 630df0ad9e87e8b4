from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from isoperimetry import special
from isoperimetry.bounds import enlargement, halfspace_distance
from isoperimetry.errors import NotExact
from isoperimetry.sets import Complement, ErrorSet, HalfSpace, Slab, UnionOfHalfSpaces
from isoperimetry.testing.strategies import sigmas
from tests.sets.routes import assert_nan_passes

INF = math.inf


def plane_pair(first, second, rho):
    """Two half-planes with unit normals of that inner product."""
    return UnionOfHalfSpaces([[1.0, 0.0], [rho, math.sqrt(1 - rho * rho)]], [first, second])


def exact_pair(first, second, cosine, digits=30):
    """The logs of the measure of two half-planes and of the rest: an mpmath integral over the first coordinate."""
    with mpmath.workdps(digits):
        h, k, rho = mpmath.mpf(first), mpmath.mpf(second), mpmath.mpf(cosine)
        root = mpmath.sqrt(1 - rho * rho)

        def tail(x):
            return mpmath.erfc(x / mpmath.sqrt(2)) / 2

        def integral(function):  # mpmath stops at an absolute error
            top = max(function(t) for t in edges)
            return top * mpmath.quad(lambda t: function(t) / top, edges)

        edges = [h, *(h - mpmath.mpf(40) / 2**j for j in range(15))]
        kink = k / rho if rho else h - 2
        edges = sorted({*edges, *(kink + d * root / abs(rho or 1) for d in range(-9, 10, 2))})
        edges = [t for t in edges if t <= h]
        added = integral(lambda t: mpmath.npdf(t) * tail((k - rho * t) / root))
        missed = integral(lambda t: mpmath.npdf(t) * tail((rho * t - k) / root))
        inside = tail(h) + added
        if inside < missed:
            return mpmath.log(inside), mpmath.log1p(-inside)
        return mpmath.log1p(-missed), mpmath.log(missed)


def equicorrelated(m, rho):
    """m unit normals in m + 1 dimensions, each two with the inner product rho."""
    return np.hstack([np.full((m, 1), math.sqrt(rho)), math.sqrt(1 - rho) * np.eye(m)])


def equicorrelated_log_volume(m, rho, offset):
    """Given the common factor, the half-spaces are independent."""

    def log_density(t):
        alone = special.log_ndtr((math.sqrt(rho) * t - offset) / math.sqrt(1 - rho))
        any_of_them = math.log(-math.expm1(m * math.log1p(-math.exp(alone)))) if alone > -600 else alone + math.log(m)
        return any_of_them - 0.5 * (t * t + math.log(2 * math.pi))

    middle = optimize.minimize_scalar(lambda t: -log_density(t), bounds=(0, offset), method="bounded").x
    top = log_density(middle)
    pieces = [
        integrate.quad(lambda t: math.exp(log_density(t) - top), a, b, epsrel=1e-12, epsabs=0)[0]
        for a, b in ((middle - 9, middle), (middle, middle + 9))
    ]
    return top + math.log(sum(pieces))


def test_the_definition():
    union = UnionOfHalfSpaces([[2.0, 0.0], [0.0, 3.0]], [1.0, 2.0])
    points = np.array([[1.0, 0.0], [0.0, 0.0], [3.0, 3.0], [0.0, 1.5]])
    assert union.dim == 2 and isinstance(union, ErrorSet)
    assert union.contains(points).tolist() == [True, False, True, False]
    assert union.signed_distance(points) == pytest.approx([0.0, 1.0, -math.sqrt(5), 0.5], abs=1e-15)
    assert union.signed_distance(points.reshape(2, 1, 2, 2)).shape == (2, 1, 2)
    assert isinstance(union.signed_distance(points[0]), float) and union.contains(points[0]) is True
    assert repr(union) == "UnionOfHalfSpaces(normals=[[2.0, 0.0], [0.0, 3.0]], offsets=[1.0, 2.0])"
    assert repr(UnionOfHalfSpaces(np.eye(3), [1.0] * 3)) == "UnionOfHalfSpaces(m=3, dim=3)"
    for array in (union.normals, union.offsets, union.units):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 3.0
    normals, offsets = np.eye(2), np.ones(2)
    kept = UnionOfHalfSpaces(normals, offsets)
    normals[0, 0] = offsets[0] = 5.0
    assert kept.normals[0, 0] == kept.offsets[0] == 1


def test_table_of_published_decimals():
    two, three = plane_pair(1.2, 1.7, -0.4), UnionOfHalfSpaces(np.eye(3), [1.5] * 3)
    assert two.volume() == pytest.approx(0.15902473764161234570, rel=1e-14)
    assert two.enlarged_volume(0.5) == pytest.approx(0.34900099451915169000, rel=1e-14)
    assert three.volume() == pytest.approx(0.18733017142620368470, rel=1e-14)


@pytest.mark.parametrize("rho", [-0.96875, -0.5, 0.125, 0.75, 0.9921875])
@pytest.mark.parametrize("offsets", [(0.0, 0.5), (1.0, -2.0), (-3.0, -4.0), (3.0, 3.5), (12.0, 14.0)])
def test_pairs_against_mpmath(offsets, rho):
    # The root of 1 - rho**2 is rounded in the normal: cosine and sine are those of the nearest angle, to half an ulp.
    union = plane_pair(*offsets, rho)
    inside, outside = exact_pair(*offsets, rho, digits=40)
    change = 4e-16 * (1 + max(map(abs, offsets)) ** 2 / (1 - rho * rho))
    assert union.log_volume() == pytest.approx(float(inside), rel=2e-13 + change, abs=0)
    assert union.complement_log_volume() == pytest.approx(float(outside), rel=2e-13 + change, abs=0)
    assert union.volume() == pytest.approx(float(mpmath.exp(inside)), rel=2e-13 + change)


def test_deep_tails_and_many_inputs():
    # A single one and orthogonal ones, a thousand sigma away.
    one = UnionOfHalfSpaces([[3.0, 4.0]], [1000.0])
    assert one.log_volume() == special.log_ndtr(-1000.0) and one.complement_log_volume() == 0
    axes = UnionOfHalfSpaces(np.eye(4, 150_528), [450.0] * 4)
    assert axes.log_volume() == pytest.approx(special.log_ndtr(-450.0) + math.log(4), rel=1e-15)
    assert axes.log_volume() < -1e5
    assert axes.complement_log_volume(450.0 * np.eye(1, 150_528)[0]) == pytest.approx(-math.log(2), rel=1e-15)
    # Nearly everything: both of a pair are missed with a probability below the smallest float.
    nearly = plane_pair(-60.0, -61.0, 0.5)
    assert nearly.log_volume() == 0
    # P[G1 < -60, G2 < -61] is at most that of the mean of the two, and at least the square of the tail.
    middle = special.log_ndtr(-60.5 / math.sqrt(0.75))
    assert middle - 20 < nearly.complement_log_volume() < middle < -2400
    # The pair of a union with log P = -2000 adds to the single ones, whose overlap is far smaller.
    b = -special.ndtri_exp(-2000.0)
    assert plane_pair(b, b, 0.5).log_volume() == pytest.approx(-2000 + math.log(2), rel=1e-15)
    # Center and scale, in 150,528 dimensions with normals that are not along axes.
    n = 150_528
    rng = np.random.default_rng(0)
    normals = np.linalg.qr(rng.normal(size=(n, 2)))[0].T
    many = UnionOfHalfSpaces(normals, [5.0, 6.0])
    assert "enlarged_volume" in many.capabilities
    assert many.volume(2.0 * normals[0] - normals[1], 0.5) == pytest.approx(
        UnionOfHalfSpaces(np.eye(2), [3.0, 7.0]).volume(sigma=0.5), rel=1e-11
    )


@given(
    st.lists(st.tuples(st.floats(-4, 4), st.floats(0.1, 6.1)), min_size=1, max_size=2),
    sigmas(),
    st.floats(0, 3),
    st.floats(-2, 2),
)
@example([(1.0, 0.1), (-1.0, 0.1 + math.pi)], 1.0, 1.5, 0.0)
def test_laws(parts, sigma, length, shift):
    offsets, angles = (np.array(column) for column in zip(*parts, strict=True))
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    union, eps, center = UnionOfHalfSpaces(normals, offsets * sigma), length * sigma, sigma * np.array([shift, 0.5])
    mu, rest = union.volume(center, sigma), Complement(union).volume(center, sigma)
    assert mu + rest == pytest.approx(1, abs=1e-14)
    assert math.exp(union.log_volume(center, sigma)) == pytest.approx(mu, rel=1e-12)
    # Its enlargement is that of the parts, in any norm, and beats no bound.
    for p in (1, 1.5, 2, INF):
        with np.errstate(divide="ignore"):
            reach = np.linalg.norm(normals, ord=INF if p == 1 else 1 if p == INF else p / (p - 1), axis=1)
        grown = UnionOfHalfSpaces(normals, offsets * sigma - eps * reach).volume(center, sigma)
        assert union.enlarged_volume(eps, center, sigma, p=p) == pytest.approx(grown, rel=1e-10)
    assert union.enlarged_volume(eps, center, sigma) >= enlargement(min(mu, 1.0), eps, sigma) - 1e-12
    singles = [HalfSpace(row, b).volume(center, sigma) for row, b in zip(normals, offsets * sigma, strict=True)]
    assert max(singles) * (1 - 1e-13) <= mu <= sum(singles) * (1 + 1e-13)
    # With the complement of the polyhedron convex, the distance of a point outside is within these limits.
    gap = union.signed_distance(center)
    if gap > 0:
        low, high = (halfspace_distance(share, sigma) for share in (mu, mu / len(singles)))
        assert low - 1e-9 * sigma <= gap <= high + 1e-9 * sigma


def test_membership_by_monte_carlo(rng):
    union = UnionOfHalfSpaces([[1.0, 2.0, -1.0], [-1.0, 0.5, 0.25]], [0.5, 0.9])
    apart = UnionOfHalfSpaces(
        [[1.0, 2.0, 0.0], [2.0, -1.0, 0.0], [2.0, -1.0, 3.0], [0.5, -0.25, 0.0]],
        [0.8, 1.0, 1.1, 2.0],
    )
    center, sigma, eps, n = np.array([0.2, -0.1, 0.3]), 0.7, 0.3, 100_000
    x = center + sigma * rng.standard_normal((n, 3))
    for errors in (union, apart):
        inside, distance = errors.contains(x), errors.signed_distance(x)
        assert np.array_equal(inside, distance <= 0)
        for p, q in ((1, INF), (2, 2), (INF, 1)):
            along = np.linalg.norm(errors.units, ord=q, axis=1)
            near = ((errors.offsets - x @ errors.units.T) / along).min(axis=1) <= eps
            if p == 2:
                assert np.array_equal(near, distance <= eps)
            for count, share in (
                (inside.sum(), errors.volume(center, sigma)),
                (near.sum(), errors.enlarged_volume(eps, center, sigma, p=p)),
            ):
                assert abs(count - n * share) < 4.9 * math.sqrt(n * share * (1 - share))  # fails once in a million


def test_equal_opposite_and_redundant_normals():
    normal = np.array([1.0, 2.0, -3.0])
    single = HalfSpace(normal, 1.0)
    # A scaled copy adds nothing, whichever of the two is larger.
    for offsets in ([1.0, 1.0], [1.0, 4.0], [4.0, 1.0]):
        union = UnionOfHalfSpaces([normal, 7.3 * normal], offsets)
        assert union.log_volume() == pytest.approx(single.log_volume(), rel=1e-14)
        assert union.signed_distance(normal) == pytest.approx(single.signed_distance(normal), rel=1e-14)
        assert union.complement_enlarged_volume(0.5) == pytest.approx(single.complement_enlarged_volume(0.5), rel=1e-13)
    # Opposite ones leave a slab.
    union, slab = UnionOfHalfSpaces([normal, -2 * normal], [1.0, 2.0]), Complement(Slab(normal, -0.5, 1.5))
    center = np.array([0.3, 0.0, 0.1])
    for sigma in (0.01, 0.5, 3.0):
        assert union.log_volume(center, sigma) == pytest.approx(slab.log_volume(center, sigma), rel=1e-12)
        for p in (1, 2, INF):
            for eps in (0.1, 0.9):
                assert union.complement_enlarged_volume(eps, center, sigma, p=p) == pytest.approx(
                    slab.complement_enlarged_volume(eps, center, sigma, p=p), rel=1e-12
                )
    assert union.complement_capabilities == union.capabilities
    x = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, -3.0], [-5.0, 0.0, 1.0]])
    assert union.signed_distance(x) == pytest.approx(slab.signed_distance(x), rel=1e-14)


def test_a_union_that_covers_the_space():
    for normals, offsets in (
        ([[1.0, 2.0], [-1.0, -2.0]], [-1.0, 0.5]),
        ([[1.0, 2.0, 2.0], [-1.0, -2.0, -2.0], [2.0, 1.0, -2.0]], [-1.0, 0.5, 3.0]),
    ):
        whole = UnionOfHalfSpaces(normals, offsets)
        x = np.zeros(whole.dim)
        assert whole.signed_distance(x) == -INF and whole.contains(x)
        assert whole.volume() == 1 and whole.log_volume() == 0
        assert whole.complement_volume() == 0 and whole.complement_log_volume() == -INF
        assert whole.volume(sigma=[0.0, 1e-300]).tolist() == [1, 1]
        assert whole.enlarged_volume([0.0, 1.0, INF], sigma=0.0).tolist() == [1, 1, 1]
        assert whole.complement_enlarged_volume(INF) == 0
    triangle = UnionOfHalfSpaces([[1.0, 0.0], [-0.5, math.sqrt(0.75)], [-0.5, -math.sqrt(0.75)]], [-0.1] * 3)
    assert triangle.signed_distance([3.0, 1.0]) == -INF
    touching = UnionOfHalfSpaces([[1.0], [-1.0]], [1.0, -1.0])
    assert touching.signed_distance([4.0]) == -3 and touching.volume() == 1 and touching.complement_volume() == 0


@pytest.mark.parametrize("angle", [1e-3, 1e-6, 1e-9, 1e-12])
def test_near_parallel_normals(angle):
    # Sine and cosine of the true angle between the given vectors are 1 to rounding, and the angle.
    for offset in (0.5, 5.0, 40.0):
        near = UnionOfHalfSpaces([[1.0, 0.0], [1.0, angle]], [offset, offset])
        # P[G1 < b, G2 >= b] is, up to (angle b)**2, the density at b times E[(angle G)_+]
        added = angle / math.sqrt(2 * math.pi) * math.exp(stats.norm.logpdf(offset) - special.log_ndtr(-offset))
        log_volume = near.log_volume()
        assert log_volume == pytest.approx(
            special.log_ndtr(-offset) + math.log1p(added), abs=max((angle * (1 + offset)) ** 2, 2e-15 * abs(log_volume))
        )
        wedge = UnionOfHalfSpaces([[1.0, 0.0], [-1.0, angle]], [offset, offset])
        assert wedge.log_volume() == pytest.approx(special.log_ndtr(-offset) + math.log(2), rel=3e-15)
    # Nearly opposite ones that overlap leave a thin wedge far away: its corner is the nearest correct point.
    cover = UnionOfHalfSpaces([[1.0, 0.0], [-1.0, angle]], [-1.0, -1.0])
    far = math.hypot(1.0, (1 + math.hypot(1.0, angle)) / angle)
    assert cover.signed_distance([0.0, 0.0]) == pytest.approx(-far, rel=1e-3 * 1e-12 / angle + 1e-12)


def test_depth_against_an_optimizer(rng):
    solved = 0
    for _ in range(25):
        m, dim = int(rng.integers(2, 6)), int(rng.integers(2, 5))
        normals, offsets = rng.normal(size=(m, dim)), rng.normal(size=m)
        union, x = UnionOfHalfSpaces(normals, offsets), 2 * rng.normal(size=dim)
        depth = -union.signed_distance(x)
        if not union.contains(x):
            assert depth == pytest.approx(-(offsets - union.units @ x).min(), rel=1e-14)
            continue
        empty = optimize.linprog(np.zeros(dim), union.units, offsets, bounds=(None, None)).status == 2
        assert empty == (depth == INF)
        if empty:
            continue
        found = optimize.minimize(
            lambda y, x=x: np.sum((y - x) ** 2),
            x,
            jac=lambda y, x=x: 2 * (y - x),
            constraints={
                "type": "ineq",
                "fun": lambda y, u=union: u.offsets - u.units @ y,
                "jac": lambda y, u=union: -u.units,
            },
            method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-14},
        )
        solved += found.success
        if found.success:
            assert depth == pytest.approx(math.sqrt(found.fun), rel=1e-6, abs=1e-6)
    assert solved > 5


@pytest.mark.parametrize(("rho", "offset"), [(0.25, 9.0), (0.25, 40.0), (0.5, 12.0)])
def test_many_correlated_rare_errors(rho, offset):
    union = UnionOfHalfSpaces(equicorrelated(16, rho), [offset] * 16)
    assert "volume" not in union.capabilities  # not for every center
    log_volume = union.log_volume()
    assert log_volume == pytest.approx(equicorrelated_log_volume(16, rho, offset), abs=1e-9)
    assert union.complement_volume() == pytest.approx(-math.expm1(log_volume), rel=1e-15)
    # Enlargements too, and at once for several scales.
    assert union.enlarged_volume(0.5, sigma=[0.5, 1.0]) == pytest.approx(
        [math.exp(equicorrelated_log_volume(16, rho, (offset - 0.5) / s)) for s in (0.5, 1.0)], rel=2e-9
    )


def test_correlated_half_spaces_that_are_refused():
    union = UnionOfHalfSpaces(equicorrelated(16, 0.5), [1.0] * 16)
    with pytest.raises(
        NotExact,
        match=r"exact measure here: 16 correlated half-spaces overlap, and inclusion-exclusion of pairs",
    ):
        union.volume()
    for call in (
        union.log_volume, union.complement_volume, union.distance_law, lambda: union.enlarged_volume(0.1),
        lambda: union.volume(sigma=INF), lambda: union.complement_enlarged_volume(0.1),
    ):  # fmt: skip
        with pytest.raises(NotExact):
            call()
    # Membership and distance are known nevertheless, and measures without noise.
    assert union.capabilities == {"contains", "signed_distance"}
    assert union.signed_distance(np.zeros(17)) == 1
    assert union.volume(sigma=0.0) == union.volume(sigma=1e-300) == union.enlarged_volume(0.9, sigma=0.0) == 0
    assert union.volume(np.ones(17), 1e-300) == union.enlarged_volume(1.0, sigma=0.0) == union.enlarged_volume(INF) == 1
    # A share of nearly all may be known, though not the little that is left: overlaps are much of it.
    nearly = UnionOfHalfSpaces([[1.0, 0.0], [-1.0, 1e-3], [-1.0, 0.0], [-1.0, -1e-3]], [-7.0, 8.0, 8.0, 8.0])
    assert nearly.volume() == pytest.approx(1 - HalfSpace([1.0], 7.0).volume(), rel=1e-12)
    with pytest.raises(NotExact, match="UnionOfHalfSpaces leaves too little here"):
        nearly.complement_volume()


def test_edges():
    union = plane_pair(1.0, 2.0, 0.5)
    assert union.volume(sigma=[0.0, INF, 1e-320]).tolist() == [0, pytest.approx(2 / 3), 0]
    assert union.log_volume(sigma=1e-320) == -INF and union.volume([1.0, 0.0], 0.0) == 1
    assert union.enlarged_volume([0.5, 1.0, INF], sigma=0.0).tolist() == [0, 1, 1]
    assert union.enlarged_volume([0.9, 1.0], sigma=0.0, p=INF).tolist() == [0, 1]
    with pytest.raises(NotExact, match="UnionOfHalfSpaces has no exact measure of its enlargement for p=2"):
        union.complement_enlarged_volume(0.1)
    assert union.complement_enlarged_volume([0.0, INF]).tolist() == [union.complement_volume(), 1]
    # In 1.0005-norm the reach is nearly that in the 1-norm: high powers of small entries do not vanish.
    even = UnionOfHalfSpaces([[0.5] * 4], [1.0])
    assert even.enlarged_volume(0.3, p=1.0005) == pytest.approx(
        HalfSpace([0.5] * 4, 1.0).enlarged_volume(0.3, p=1.0005)
    )
    assert_nan_passes(plane_pair(1.0, 2.0, 0.5).__class__([[1.0, 0.0], [-1.0, 0.0]], [1.0, 2.0]))


@pytest.mark.parametrize(
    ("normals", "offsets", "message"),
    [
        ([1.0, 0.0], [1.0], r"normals has shape \(2,\) but must have shape \(m, dim\)"),
        ([[1.0, 0.0], [0.0, 0.0]], [1.0, 1.0], r"normals\[1\] must have a non-zero entry"),
        ([[1.0, math.nan]], [1.0], "finite"), ([[1.0, 0.0]], [1.0, 2.0], r"offsets has shape \(2,\) but must"),
        ([[1.0, 0.0]], [INF], "finite"), (np.empty((0, 2)), [], r"must have shape \(m, dim\)"),
    ],
)  # fmt: skip
def test_wrong_arguments(normals, offsets, message):
    with pytest.raises(ValueError, match=message):
        UnionOfHalfSpaces(normals, offsets)


def test_what_a_linear_classifier_gets_wrong(rng):
    weights, biases = rng.standard_normal((6, 5)), rng.standard_normal(6)
    x = 2 * rng.standard_normal((500, 5))
    predicted = np.argmax(x @ weights.T + biases, axis=1)
    for label in range(6):
        errors = UnionOfHalfSpaces.of_linear_classifier(weights, biases, label)
        assert np.array_equal(errors.contains(x), predicted != label)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [0.0, 0.0], 0), "weights has shape"),
        (([[1.0, 2.0]], [0.0], 0), "weights has shape"),
        (([[1.0], [2.0]], [0.0], 0), "biases has shape"),
        (([[1.0], [2.0]], [0.0, 1.0], 2), "label=2 must be below 2"),
        (([[1.0], [1.0]], [0.0, 1.0], 0), "weights must differ"),
    ],
)
def test_a_linear_classifier_of_wrong_shape(arguments, message):
    with pytest.raises(ValueError, match=message):
        UnionOfHalfSpaces.of_linear_classifier(*arguments)
