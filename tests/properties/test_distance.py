"""Distances from typical samples: quantiles, means, and samples outside the error set."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    halfspace_distance,
    log_mean_distance_bound,
    mean_distance_bound,
    median_distance_bound,
    quantile_distance_bound,
    second_moment_distance_bound,
)
from isoperimetry.special import log_ndtr, ndtr
from isoperimetry.testing import error_rates, log_error_rates, sigmas

NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)
levels = st.floats(1e-12, 1 - 1e-12)


@given(error_rates(), levels, levels, sigmas())
@example(mu=0.5, q=0.5, other=0.7, sigma=1.0)
@example(mu=0.3, q=0.3, other=0.3, sigma=1.0)
def test_quantile_bounds_increase_and_vanish_up_to_the_rate(mu, q, other, sigma):
    assume(q == mu or abs(q - mu) > 1e-12 * mu)
    bound = quantile_distance_bound(mu, sigma, q=q)
    assert (bound == 0) == (q <= mu) and bound >= 0
    low, high = (quantile_distance_bound(mu, sigma, q=level) for level in sorted((q, other)))
    assert low <= high
    assert median_distance_bound(mu, sigma) == quantile_distance_bound(mu, sigma, q=0.5)


@given(log_error_rates(), st.floats(-7, 7), st.floats(-7, 7))
@example(log_mu=-34.0, a=0.0, b=0.0)
def test_mean_bound_as_a_function_of_the_halfspace_distance(log_mu, a, b):
    def mean(a):
        return mean_distance_bound(log_mu=log_ndtr(-a))

    distance = halfspace_distance(log_mu=log_mu)
    near, far = mean_distance_bound(log_mu=log_mu), mean_distance_bound(log_accuracy=log_mu)
    assert near - far == pytest.approx(distance, abs=1e-15 * (1 + abs(distance)))
    assert near >= max(distance, 0) and mean(a) > max(a, 0) and math.isfinite(log_mean_distance_bound(log_mu=log_mu))
    # What the mean is beyond the distance a, about phi(a) / a**2, is less than rounding from a = 8 on.
    assert near == distance if distance > 10 else near > distance or distance > 7
    # By differences of second order: h**2 / 6 times 0.25, and rounding / h.
    assert (mean(a + 1e-4) - mean(a - 1e-4)) / 2e-4 == pytest.approx(ndtr(a), abs=1e-9)
    assert mean((a + b) / 2) <= (mean(a) + mean(b)) / 2 + 1e-14


@given(error_rates(), sigmas())
def test_mean_bound_is_the_integral_of_the_quantile_bounds(mu, sigma):
    # Over q = ndtr(t) from mu on; beyond t = 8 are 1e-15 of the samples.
    low = max(-halfspace_distance(mu), -9.0)
    half = (8 - low) / 2
    t = low + half * (NODES + 1)
    density = np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    integral = half * np.sum(WEIGHTS * density * quantile_distance_bound(mu, sigma, q=ndtr(t)))
    assert integral == pytest.approx(mean_distance_bound(mu, sigma), rel=1e-8, abs=1e-13 * sigma)


@given(log_error_rates(), st.floats(0.01, 0.99), sigmas())
def test_moments_and_conditional_bounds_agree(log_mu, q, sigma):
    rate = {"log_mu": log_mu, "sigma": sigma}
    mean, share = mean_distance_bound(**rate), -math.expm1(log_mu)
    assert second_moment_distance_bound(**rate) >= mean**2 * (1 - 1e-14)
    assert mean_distance_bound(**rate, conditional=True) * share == pytest.approx(mean, rel=1e-13)
    every, outside = (quantile_distance_bound(**rate, q=q, conditional=flag) for flag in (False, True))
    assert outside >= every
    if log_mu < -40:
        assert outside == pytest.approx(every, rel=1e-15)
    elif -30 < log_mu < -1e-3:
        assert outside > every


@given(log_error_rates(), log_error_rates(), sigmas())
def test_conditional_median_decreases_in_the_rate(first, second, sigma):
    low, high = sorted((first, second))
    far, near = (median_distance_bound(log_mu=rate, sigma=sigma, conditional=True) for rate in (low, high))
    assert near <= far * (1 + 1e-13)
