"""Certified radii of smoothed classifiers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from isoperimetry.bounds import (
    certified_radius,
    certified_radius_laplace,
    certified_radius_uniform,
    halfspace_distance,
)
from isoperimetry.sets import HalfSpace
from isoperimetry.special import ndtri_exp
from isoperimetry.testing import error_rates, error_sets, sigmas

rates = error_rates(low=1e-12)


def probit(error_set, center, sigma):
    """The probit of the error rate around a point, from the log of the smaller of the two probabilities."""
    log_mu = error_set.log_volume(center, sigma)
    return ndtri_exp(log_mu) if log_mu < -0.5 else -ndtri_exp(error_set.complement_log_volume(center, sigma))


@given(error_rates(high=0.5), rates, rates, st.floats(1e-6, 1), sigmas())
def test_radius_is_the_halfspace_distance_and_compares_two_classes(error, p_a, p_b, share, sigma):
    distance = halfspace_distance(error, sigma)
    assert certified_radius(error_rate=error, sigma=sigma) == pytest.approx(distance, rel=1e-15)
    assert certified_radius(1 - error, sigma=sigma) == halfspace_distance(accuracy=1 - error, sigma=sigma)
    p_b = min(p_b, 1 - p_a)
    radius, swapped = certified_radius(p_a, p_b, sigma=sigma), certified_radius(p_b, p_a, sigma=sigma)
    signed = (halfspace_distance(p_b, sigma) - halfspace_distance(p_a, sigma)) / 2
    # One of two swapped classes is ahead: the difference is the radius with a sign.
    assert radius - swapped == pytest.approx(signed, rel=1e-12, abs=1e-15 * sigma) and min(radius, swapped) == 0
    assert certified_radius(min(p_a, 0.5), min(p_a, 0.5), sigma=sigma) == 0
    assert certified_radius(p_a * (1 - share), p_b * (1 - share), sigma=sigma) >= 0
    assert certified_radius(p_a * (1 - share), p_b, sigma=sigma) <= radius
    assert certified_radius(p_a, p_b * (1 - share), sigma=sigma) >= radius
    if p_a > 0.5:
        two = certified_radius(p_a, 1 - p_a, sigma=sigma)
        assert two == pytest.approx(certified_radius(p_a, sigma=sigma), rel=1e-14)


@settings(max_examples=50)
@given(error_sets(kinds=("half-space", "slab", "ball")), st.integers(0, 999), st.floats(1e-3, 4), sigmas())
def test_probit_of_the_error_rate_changes_by_the_step_over_sigma_at_most(error_set, seed, length, sigma):
    center, step = np.random.default_rng(seed).standard_normal((2, error_set.dim))
    step *= length / np.linalg.norm(step)
    before, after = probit(error_set, center, 1.0), probit(error_set, center + step, 1.0)
    assume(math.isfinite(before) and math.isfinite(after))
    assert abs(after - before) <= length + 1e-9
    half_space = HalfSpace(step, 0.3 * sigma)
    change = probit(half_space, sigma * step, sigma) - probit(half_space, np.zeros(error_set.dim), sigma)
    assert change == pytest.approx(length, rel=1e-12)


@given(rates, rates, sigmas())
@example(p_a=0.9999999999989999, p_b=1e-12, scale=1.0)
def test_radii_of_laplace_and_uniform_noise(p_a, p_b, scale):
    p_b = min(p_b, 1 - p_a)
    published = max(scale / 2 * math.log(p_a / p_b), -scale * math.log(1 - p_a + p_b)) if p_a > p_b else 0.0
    assert certified_radius_laplace(p_a, p_b, scale=scale) >= published - 1e-14 * scale  # some ulp of 27
    if p_a > 0.5:
        two = certified_radius_laplace(p_a, scale=scale)
        assert two == pytest.approx(certified_radius_laplace(p_a, 1 - p_a, scale=scale), rel=1e-14)
    uniform = certified_radius_uniform(p_a, half_width=scale)
    assert uniform == pytest.approx(scale * max(2 * p_a - 1, 0), rel=1e-15, abs=1e-16 * scale)
    both = certified_radius_uniform(p_a, p_b, half_width=scale)
    assert both == pytest.approx(scale * max(p_a - p_b, 0), rel=1e-14, abs=3e-16 * scale)
