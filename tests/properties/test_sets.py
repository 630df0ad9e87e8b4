"""Error sets against the theorems: their exact measures know nothing of the bounds."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from isoperimetry import bounds
from isoperimetry.bounds.efficiency import efficiency
from isoperimetry.sets import (
    Ball,
    Box,
    Complement,
    Cylinder,
    HalfSpace,
    Orthant,
    Quadric,
    Slab,
    UnionOfHalfSpaces,
    Wedge,
    rotate,
    translate,
)
from isoperimetry.testing import dims, error_sets, sigmas

FAST = ("half-space", "slab", "ball", "cylinder", "shell", "half-spaces", "complement of a box", "moved")
SLOW = ("cone", "wedge", "paraboloid")
TWICE = UnionOfHalfSpaces([[1.0, 0.0], [2.0, 0.0]], [0.7, 1.1])
few = settings(max_examples=30)


def rate_of(error_set, sigma=1.0):
    """The measure of a set as the argument of a bound: by the log of the smaller of it and its complement."""
    log_mu = error_set.log_volume(sigma=sigma)
    return {"log_mu": log_mu} if log_mu < -0.5 else {"log_accuracy": error_set.complement_log_volume(sigma=sigma)}


def excess(error_set, eps, sigma=1.0):
    """The measure of the points within eps of a set, less the theorem's."""
    return error_set.enlarged_volume(eps, sigma=sigma) - bounds.enlargement(**rate_of(error_set, sigma), eps=eps)


def matrix(dim, seed):
    """A matrix of normals: for covariances and, by its QR decomposition, for rotations."""
    return np.random.default_rng(seed).standard_normal((dim, dim))


seeds, small = st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 10])


@pytest.mark.parametrize("kinds", [FAST, SLOW])
@few
@given(st.data(), st.floats(0, 8))
def test_no_set_grows_less_than_the_halfspace_of_its_measure(kinds, data, eps):
    error_set = data.draw(error_sets(kinds=kinds))
    assert excess(error_set, eps) >= -1e-12
    half_spaces = HalfSpace([3.0, 4.0], eps - 2), Slab([0.0, -1.0], 99.5, 99.0), Wedge(math.pi), TWICE
    assert [excess(half_space, eps) for half_space in half_spaces] == pytest.approx([0] * 4, abs=1e-12)
    others = Slab([1.0], 1.5, 1.0), Wedge(3.0), UnionOfHalfSpaces([[1.0, 0.0], [1.0, 1.0]], [0.7, 1.1])
    assert all(excess(other, eps) > 1e-5 for other in others if 0.1 < eps < 3)


@few
@given(error_sets(), st.floats(0.05, 0.95), st.floats(-8, 1), dims(max_dim=784))
def test_efficiency_is_one_for_halfspaces_alone(error_set, q, offset, dim):
    share = efficiency(error_set, q=q)
    bound = bounds.quantile_distance_bound(**rate_of(error_set), q=q)
    assert math.isnan(share) if bound in (0, math.inf) else share <= 1 + 1e-10 / min(bound, 1)
    assert efficiency(HalfSpace(np.ones(dim), -offset), q=0.99) == pytest.approx(1, rel=1e-9)
    far = Complement(Ball(np.zeros(150528), math.sqrt(150528) + 1.64))  # a hundredth of the samples is outside
    assert efficiency(far) == pytest.approx(math.sqrt(0.5), abs=1e-3)


def test_gaussian_bounds_do_not_know_the_dimension(rng):
    names = "enlargement quantile_distance_bound mean_distance_bound second_moment_distance_bound gaussian_profile"
    for name in (*names.split(), "required_error_rate", "required_sigma", "halfspace_distance"):
        assert not {"dim", "n"} & set(inspect.signature(getattr(bounds, name)).parameters)
    rates = {HalfSpace(5 * np.eye(1, n)[0], 0.4).volume(sigma=0.2) for n in (1, 2, 784, 150528)}
    assert len(rates) == 1 and bounds.halfspace_distance(rates.pop(), 0.2) == pytest.approx(0.4, rel=1e-15)
    distances = [
        HalfSpace(rng.standard_normal(n), 1.3).signed_distance(rng.standard_normal((4000, n))) for n in (2, 500)
    ]
    assert stats.ks_2samp(*distances).pvalue > 1e-6  # fails once in a million


@given(small, seeds, st.floats(-8, 40), sigmas())
def test_rotations_and_shifts_leave_the_halfspace_distance(dim, seed, offset, sigma):
    normal, shift, *_ = matrix(dim, seed)
    turn = np.linalg.qr(matrix(dim, seed + 1))[0]
    moved = translate(rotate(HalfSpace(normal, offset * sigma), turn), sigma * shift)
    rate = {"log_mu": moved.log_volume(sigma * shift, sigma)}
    if offset < 0:
        rate = {"log_accuracy": moved.complement_log_volume(sigma * shift, sigma)}
    # The shifted offset is rounded in units of the shift.
    expected = pytest.approx(offset * sigma, rel=1e-12, abs=1e-14 * sigma)
    assert bounds.halfspace_distance(**rate, sigma=sigma) == expected
    assert moved.signed_distance(sigma * shift) == expected


@given(st.sampled_from([1, 2, 3, 10]), st.sampled_from([1, 700, 150528]), st.floats(0, 4), st.floats(0.1, 6))
def test_further_coordinates_change_nothing_and_products_multiply(k, extra, distance, size):
    center = distance * np.ones(k) / math.sqrt(k)
    ball, cylinder = Ball(center, size), Cylinder(center, size, k + extra)
    origins = np.zeros(k), np.zeros(k + extra)
    assert cylinder.log_volume() == pytest.approx(ball.log_volume(), rel=1e-12)
    assert cylinder.enlarged_volume(0.7) == pytest.approx(ball.enlarged_volume(0.7), rel=1e-12)
    assert cylinder.signed_distance(origins[1]) == pytest.approx(ball.signed_distance(origins[0]), abs=1e-14)
    low = np.append(center - size, [-9.0] * min(extra, 700))
    whole, left, right = (Box(part, part + 2 * size) for part in (low, low[:k], low[k:]))
    assert whole.log_volume() == pytest.approx(left.log_volume() + right.log_volume(), rel=1e-12)
    corner, first, second = (Orthant(part) for part in (low, low[:k], low[k:]))
    assert corner.log_volume() == pytest.approx(first.log_volume() + second.log_volume(), rel=1e-12)


@given(error_sets(), sigmas(), dims(), st.floats(-6, 6))
def test_worst_case_distance_of_the_center_is_that_outside_a_ball(error_set, sigma, dim, gap):
    rate = rate_of(error_set)
    distance = max(0.0, error_set.signed_distance(np.zeros(error_set.dim)))
    assert distance <= bounds.worst_case_distance(**rate, dim=error_set.dim) * (1 + 1e-10)
    radius = sigma * max(math.sqrt(dim) + gap, 0.1)
    outside = Complement(Ball(np.zeros(dim), radius))
    worst = bounds.worst_case_distance(**rate_of(outside, sigma), sigma=sigma, dim=dim)
    assert worst == pytest.approx(radius, rel=1e-10)


@given(error_sets() | st.lists(st.floats(-8, 8), min_size=1, max_size=9).map(Orthant))
def test_a_set_and_its_complement_make_one_in_both_spaces(error_set):
    assert error_set.volume() + error_set.complement_volume() == pytest.approx(1, abs=1e-14)
    for linear, log in (
        (error_set.volume(), error_set.log_volume()),
        (error_set.complement_volume(), error_set.complement_log_volume()),
    ):
        if linear > 1e-290:
            assert math.exp(log) == pytest.approx(linear, rel=1e-11)


@given(dims(max_dim=784), seeds, st.floats(-3, 3), st.floats(-6, 6))
def test_quadrics_of_equal_weights_are_balls_and_signs_turn_them_around(dim, seed, decade, gap):
    weight = 10.0**decade
    center = matrix(1, seed)[0, 0] * np.ones(dim) / math.sqrt(dim)
    radius = max(math.sqrt(dim) + gap, 0.05)
    diagonal, slope, constant = np.full(dim, weight), -2 * weight * center, weight * (center @ center - radius**2)
    outside = Quadric(diagonal, slope, constant)
    assert outside.volume() == pytest.approx(Complement(Ball(center, radius)).volume(), abs=1e-9)
    weights = diagonal * np.random.default_rng(seed).uniform(-1, 1, dim)
    quadric, turned = Quadric(weights, slope, constant), Quadric(-weights, -slope, -constant)
    assert quadric.volume() + turned.volume() == pytest.approx(1, abs=1e-9)
