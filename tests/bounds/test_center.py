from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    CENTER_AFFINE,
    CENTER_CONVEX,
    CENTER_WORST_CASE,
    affine_classifier_distance,
    convex_distance_bound,
    halfspace_distance,
    worst_case_distance,
)
from isoperimetry.sets import Ball, Complement, HalfSpace, Slab, UnionOfHalfSpaces
from isoperimetry.special import log_ball_complement, ndtr
from isoperimetry.testing import reference
from isoperimetry.testing.strategies import error_rates, error_sets, log_error_rates, sigmas

dims = st.sampled_from([1, 2, 3, 10, 784, 150528])


CASES = [("mu", 0.01), ("mu", 0.49), ("mu", 0.8), ("log_mu", -1e3), ("accuracy", 1e-30)]


@pytest.mark.parametrize(("form", "value", "dim"), [(*case, dim) for case in CASES for dim in (1, 3, 784)])
def test_table(form, value, dim):
    expected = float(reference.worst_case_distance(**{form: value}, dim=dim, digits=20))
    assert worst_case_distance(**{form: value}, dim=dim) == pytest.approx(expected, rel=2e-14)


def test_table_of_published_decimals():
    known = {2: 3.0348542587702927017, 10: 4.8175980694693034633, 784: 29.648758814116641819,
             150528: 389.62465826544948816}  # fmt: skip
    np.testing.assert_allclose(worst_case_distance(0.01, dim=list(known)), list(known.values()), rtol=1e-14)
    low, high = affine_classifier_distance(0.01, classes=10)
    assert low == pytest.approx(2.3263478740408411009, rel=1e-14)
    assert high == pytest.approx(3.0588043564590728565, rel=1e-14)
    both = reference.affine_classifier_distance("0.01", classes=10, digits=20)
    assert (low, high) == (pytest.approx(float(both[0]), rel=1e-14), pytest.approx(float(both[1]), rel=1e-14))


@given(error_rates(low=1e-100, high=1 - 1e-9), sigmas(), dims)
def test_equality_on_extremal(mu, sigma, dim):
    radius = worst_case_distance(mu, sigma, dim=dim)
    measure = log_ball_complement(radius / sigma, dim=dim)
    # an ulp of the radius moves the log by at most the hazard R**2 or so
    slack = 1e-11 + 4e-16 * (radius / sigma) ** 2
    assert measure == pytest.approx(math.log(mu), abs=slack)
    if dim <= 10:
        errors = CENTER_WORST_CASE.extremal(mu, sigma, dim=dim)
        assert errors.signed_distance(np.zeros(dim)) == pytest.approx(radius, rel=1e-14)
        assert float(errors.log_volume(sigma=sigma)) == pytest.approx(math.log(mu), abs=slack)


@given(st.floats(-2.0, 2.0), st.floats(0.1, 3.0), sigmas())
def test_holds(place, size, sigma):
    """No set is farther from the center than the worst case."""
    center = np.array([place, 0.0, 0.0]) * sigma
    sets = [
        Slab([1.0, 0.0, 0.0], place * sigma, size * sigma), HalfSpace([1.0, 0.0, 0.0], place * sigma),
        Complement(Slab([1.0, 0.0, 0.0], 0.0, size * sigma)), Ball(center, size * sigma),
        Complement(Ball(center, size * sigma)),
    ]  # fmt: skip
    for error_set in sets:
        log_mu = float(error_set.log_volume(sigma=sigma))
        true = max(0.0, float(error_set.signed_distance(np.zeros(3))))
        assert true <= worst_case_distance(log_mu=min(log_mu, 0.0), sigma=sigma, dim=3) * (1 + 1e-12)


@pytest.mark.parametrize(("spread", "classes"), [(2.0, 3), (5.0, 5), (0.3, 10)])
def test_holds_for_affine_classifiers(spread, classes, rng):
    """Random polyhedra about the center; the error rate by Monte Carlo with its error on either side."""
    normals = rng.standard_normal((classes - 1, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets = 1.0 + spread * rng.random(classes - 1)
    x = rng.standard_normal((50_000, 3))
    mu = np.mean((x @ normals.T >= offsets).any(axis=1))
    error = 4.9 * math.sqrt(mu / 50_000)
    low, _ = affine_classifier_distance(min(mu + error, 1.0), classes=classes)
    _, high = affine_classifier_distance(max(mu - error, 0.0), classes=classes)
    assert low <= offsets.min() <= high


@given(error_rates(), log_error_rates(), sigmas(), dims, st.integers(2, 1000))
def test_laws(mu, log_mu, sigma, dim, classes):
    distance = worst_case_distance(mu, sigma, dim=dim)
    assert distance >= halfspace_distance(mu, sigma) * (1 - 1e-12)
    assert distance >= worst_case_distance(mu + (1 - mu) / 2, sigma, dim=dim) * (1 - 1e-12)
    assert worst_case_distance(mu, 2 * sigma, dim=dim) == 2 * distance
    assert worst_case_distance(mu, sigma, dim=dim + 1) > distance * (1 - 1e-12)
    low, high = affine_classifier_distance(log_mu=log_mu, sigma=sigma, classes=classes)
    assert 0 <= low <= high <= worst_case_distance(log_mu=log_mu, sigma=sigma, dim=1000) or classes > 2
    assert low == max(0.0, halfspace_distance(log_mu=log_mu, sigma=sigma))
    assert affine_classifier_distance(mu, sigma, classes=2)[0] == affine_classifier_distance(mu, sigma, classes=2)[1]
    assert high <= affine_classifier_distance(log_mu=log_mu, sigma=sigma, classes=classes + 1)[1]
    if dim == 1:  # a pair of half-lines: mu is twice the tail
        assert worst_case_distance(mu, sigma, dim=1) == pytest.approx(halfspace_distance(mu / 2, sigma), rel=1e-9)


def test_limits():
    inf = math.inf
    assert worst_case_distance([0.0, 1.0], [[0.0], [1.0]], dim=3).tolist() == [[inf, 0]] * 2
    assert worst_case_distance([0.0, 0.3, 1.0], inf, dim=3).tolist() == [inf, inf, 0]
    assert worst_case_distance(log_mu=-1e300, dim=5) == pytest.approx(math.sqrt(2e300), rel=1e-12)
    assert math.isnan(worst_case_distance(math.nan, dim=2)) and worst_case_distance([], dim=2).shape == (0,)
    assert affine_classifier_distance(0.0, classes=5) == (inf, inf)
    assert affine_classifier_distance(1.0, classes=2) == (0, 0)
    assert affine_classifier_distance(1.0, 0.0, classes=2) == (0, 0)
    assert affine_classifier_distance(0.7, classes=2) == (0, 0)  # such a center is not correct
    low, high = affine_classifier_distance([0.5, 0.9, math.nan], classes=10)
    assert low.tolist()[:2] == [0, 0] and high[0] > high[1] > 1 and np.isnan([low[2], high[2]]).all()
    assert CENTER_AFFINE(0.01, classes=3) == affine_classifier_distance(0.01, classes=3)
    for bad, error in ((0, ValueError), (2.5, TypeError)):
        with pytest.raises(error, match="dim"):
            worst_case_distance(0.1, dim=bad)
    with pytest.raises(ValueError, match="classes=1 must be >= 2"):
        affine_classifier_distance(0.1, classes=1)
    with pytest.raises(TypeError, match=r"classes=2\.5 must be an integer"):
        affine_classifier_distance(0.1, classes=2.5)
    with pytest.raises(ValueError, match=r"sigma.*> 0 where 0 < mu < 1"):
        worst_case_distance(0.1, 0.0, dim=2)
    with pytest.raises(TypeError, match="pass exactly one of mu"):
        worst_case_distance(dim=2)


def test_assumptions_matter():
    """A needle of errors touches the center; errors outside a ball are beyond the limits for convex regions."""
    wedge_free = Slab([1.0, 0.0], 0.05, 0.05)  # it touches the center, and its rate is small
    low, _ = affine_classifier_distance(wedge_free.volume(), classes=2)
    assert wedge_free.signed_distance([0.0, 0.0]) == 0 and low > 1.5
    outside = CENTER_WORST_CASE.extremal(0.01, dim=784)
    _, high = affine_classifier_distance(0.01, classes=10)
    assert outside.signed_distance(np.zeros(784)) > 9 * high
    # wider noise than claimed
    far = HalfSpace([1.0], 2 * worst_case_distance(0.01, dim=1))
    assert ndtr(-far.offset / 2.0) == pytest.approx(0.005) and far.offset > worst_case_distance(0.005, dim=1)


@given(error_sets(kinds=("slab", "ball", "cylinder", "half-space")), sigmas())
def test_convex_sets_are_no_farther(error_set, sigma):
    gap = max(0.0, error_set.signed_distance(np.zeros(error_set.dim)))
    log_mu = error_set.log_volume(sigma=sigma)
    if CENTER_CONVEX.check(error_set)["convex error set"]:
        assert gap <= convex_distance_bound(log_mu=log_mu, sigma=sigma) * (1 + 1e-9) + 1e-9 * sigma


def test_convex_parts():
    assert convex_distance_bound(0.01) == pytest.approx(2.3263478740408411009, rel=1e-14)
    assert convex_distance_bound(0.01, parts=9) == pytest.approx(3.0588043564590728565, rel=1e-14)
    assert convex_distance_bound([0.0, 0.5, 0.7, 1.0]).tolist() == [math.inf, 0.0, 0.0, 0.0]
    for parts in (1, 2, 9):
        truth = reference.convex_distance_bound("0.01", parts=parts, digits=20)
        assert convex_distance_bound(0.01, parts=parts) == pytest.approx(float(truth), rel=1e-13)
        assert convex_distance_bound(0.01, parts=parts) == affine_classifier_distance(0.01, classes=parts + 1)[1]
    # Where the errors surround the center they may be farther.
    around = Complement(Ball([0.0] * 10, 4.0))
    assert around.signed_distance([0.0] * 10) > convex_distance_bound(around.volume())
    assert CENTER_CONVEX.check(around)["convex error set"] is None
    # Two half-spaces far apart nearly attain it for two parts.
    two = UnionOfHalfSpaces([[1.0], [-1.0]], [4.0, 4.0])
    assert convex_distance_bound(log_mu=two.log_volume(), parts=2) == pytest.approx(4.0, rel=1e-12)
