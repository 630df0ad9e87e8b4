"""Mistakes found in published notes: each is caught by the checks that the right formula passes."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from isoperimetry.bounds import (
    GAUSSIAN_DISTANCE,
    GAUSSIAN_ENLARGEMENT,
    GAUSSIAN_MEAN_DISTANCE,
    HALFSPACE_DISTANCE,
    enlargement,
    halfspace_distance,
    mean_distance_bound,
    median_distance_bound,
    quantile_distance_bound,
)
from isoperimetry.sets import Complement, HalfSpace, Slab
from isoperimetry.special import ndtr
from isoperimetry.testing.assertions import assert_theorem

HALF_SPACE = HalfSpace([3.0, 4.0], 0.4)  # mu = 0.0228 at sigma = 0.2
SETS = (HALF_SPACE, Slab([1.0, 0.0], 0.3, 0.1), Complement(Slab([0.0, 1.0], 0.05, 0.5)))


def fails(theorem, mistake):
    """Say whether one of the sets refutes the theorem with a wrong formula, after all agreed to the right one."""
    for error_set in SETS:
        if all(holds is not False for holds in theorem.check(error_set).values()):
            assert_theorem(theorem, error_set, sigma=0.2)
    try:
        for error_set in SETS:
            if all(holds is not False for holds in theorem.check(error_set).values()):
                assert_theorem(dataclasses.replace(theorem, bound=mistake), error_set, sigma=0.2)
    except AssertionError:
        return True
    return False


def test_the_distribution_function_for_its_inverse():
    assert fails(HALFSPACE_DISTANCE, lambda *, log_mu, sigma: -sigma * ndtr(math.exp(log_mu)))
    assert halfspace_distance(0.01, 0.1) > 0 > -0.1 * ndtr(0.01)


def test_within_for_beyond():
    # P[d <= eps] <= Phi(a - eps / sigma) for P[d > eps] <= Phi(a - eps / sigma).
    assert fails(
        GAUSSIAN_ENLARGEMENT, lambda *, log_mu, eps, sigma: 1 - enlargement(log_mu=log_mu, eps=eps, sigma=sigma)
    )
    assert enlargement(0.01, 1.0) == pytest.approx(0.092362248, rel=1e-8)


@pytest.mark.parametrize(
    ("theorem", "right"),
    [
        (GAUSSIAN_ENLARGEMENT, enlargement),
        (GAUSSIAN_DISTANCE, quantile_distance_bound),
        (GAUSSIAN_MEAN_DISTANCE, mean_distance_bound),
        (HALFSPACE_DISTANCE, halfspace_distance),
    ],
)
def test_a_dropped_sigma(theorem, right):
    def without_sigma(**arguments):
        return right(**{**arguments, "sigma": 1.0})

    def upside_down(**arguments):
        return right(**{**arguments, "sigma": 1 / arguments["sigma"]})

    # A bound that is only too large is not refuted by any set: its equality on half-spaces is what it misses.
    exact = dataclasses.replace(theorem, direction="equal to what it bounds")
    assert_theorem(exact, HALF_SPACE, sigma=0.2)
    for mistake in (without_sigma, upside_down):
        with pytest.raises(AssertionError):
            assert_theorem(dataclasses.replace(exact, bound=mistake), HALF_SPACE, sigma=0.2)


def test_the_median_bound_for_the_mean():
    def median(*, log_mu, sigma, conditional):
        return median_distance_bound(log_mu=log_mu, sigma=sigma, conditional=conditional)

    assert fails(GAUSSIAN_MEAN_DISTANCE, median)
    assert median_distance_bound(0.6) == 0 < mean_distance_bound(0.6)


def test_the_unconditional_curve_for_correct_starts():
    def unconditional(*, log_mu, sigma, q, conditional):
        return quantile_distance_bound(log_mu=log_mu, sigma=sigma, q=q)

    assert fails(GAUSSIAN_DISTANCE, unconditional)
    # Larger by a tenth, a third and three quarters where a tenth, a fifth and three tenths of the samples are wrong.
    ratios = [median_distance_bound(mu, conditional=True) / median_distance_bound(mu) for mu in (0.1, 0.2, 0.3)]
    assert ratios == pytest.approx([1.10, 1.30, 1.74], abs=0.01)


def test_the_average_rate_of_several_inputs():
    # A tenth of the inputs is always wrong, the others never: nothing is nearer than the errors of that tenth.
    inputs = [HalfSpace([1.0], -math.inf)] + 9 * [HalfSpace([1.0], math.inf)]
    rates = np.array([error_set.volume() for error_set in inputs])
    for eps in (0.5, 2.0, 10.0):
        truth = np.mean([error_set.enlarged_volume(eps) for error_set in inputs])
        assert truth == pytest.approx(0.1) and np.mean(enlargement(rates, eps)) == pytest.approx(0.1)
        assert enlargement(rates.mean(), eps) > 1.5 * truth


def test_the_dimension_is_in_no_bound():
    offsets = {halfspace_distance(HALF_SPACE.volume(sigma=0.2), 0.2)}
    for dim in (1, 2, 784, 150528):
        normal = np.zeros(dim)
        normal[-1] = 7.0
        offsets.add(halfspace_distance(HalfSpace(normal, 0.4).volume(sigma=0.2), 0.2))
    assert len(offsets) == 1 and offsets.pop() == pytest.approx(0.4, rel=1e-15)
    # The length of the noise over the distance for an ImageNet image, and what ten times fewer errors buy.
    assert math.sqrt(150528) / halfspace_distance(0.01) == pytest.approx(166.77616672243972034, rel=1e-14)
    assert halfspace_distance(0.001) / halfspace_distance(0.01) == pytest.approx(1.3284, abs=5e-5)
    assert halfspace_distance(1e-20) / halfspace_distance(0.01) == pytest.approx(3.9815, abs=5e-5)
