"""The profile: the least measure of a boundary."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.bounds import bobkov_gap, enlargement, gaussian_profile, halfspace_distance, log_gaussian_profile
from isoperimetry.special import ndtr
from isoperimetry.testing import error_rates, log_error_rates, sigmas

LOG_HALF = math.log(0.5)
ROOT_2_PI = math.sqrt(2 * math.pi)
_nodes, _weights = np.polynomial.legendre.leggauss(400)
X, WEIGHTS = 9 * _nodes, 9 * _weights * np.exp(-((9 * _nodes) ** 2) / 2) / ROOT_2_PI


@given(log_error_rates(), error_rates(), error_rates(), st.floats(0.01, 0.99), sigmas())
def test_profile_is_symmetric_concave_and_the_first_growth(log_mu, mu, other, middle, sigma):
    assert log_gaussian_profile(log_mu=log_mu) == pytest.approx(log_gaussian_profile(log_accuracy=log_mu), rel=1e-14)
    mean = (gaussian_profile(mu) + gaussian_profile(other)) / 2
    assert gaussian_profile((mu + other) / 2) >= mean * (1 - 1e-14)
    # One-sided differences of second order: error h**2 / 3 times a third derivative below 1, and rounding / h.
    at_0, at_1, at_2 = (enlargement(mu, step * sigma, sigma) for step in (0, 1e-4, 2e-4))
    assert (4 * at_1 - at_2 - 3 * at_0) / 2e-4 == pytest.approx(gaussian_profile(mu, sigma) * sigma, abs=1e-8)
    h = 1e-3 * min(middle, 1 - middle)
    left, at, right = gaussian_profile(middle + h * np.array([-1, 0, 1]))
    assert at * (left - 2 * at + right) / h**2 == pytest.approx(-1, rel=1e-6)


@given(log_error_rates(high=LOG_HALF))
@example(log_mu=LOG_HALF)
def test_profile_lies_between_its_simple_bounds(log_mu):
    log_profile, slack = log_gaussian_profile(log_mu=log_mu), 4e-16 * (1 - log_mu)
    assert 0.5 * math.log(2 / math.pi) + log_mu <= log_profile + slack
    assert log_profile <= log_mu + 0.5 * math.log(-2 * log_mu) + slack


@given(log_error_rates(high=LOG_HALF))
@example(log_mu=-1e6)
def test_distance_is_below_its_simple_bound_and_near_it_in_the_tail(log_mu):
    a, square = halfspace_distance(log_mu=log_mu), 2 * max(LOG_HALF - log_mu, 0.0)
    assert a <= math.sqrt(square) + 1e-15
    if a > 1e-3:
        # Since the Mills ratio is more than 1 / (a + 1 / a).
        assert a**2 >= (square - 2 * math.log(math.sqrt(math.pi / 2) * (a + 1 / a))) * (1 - 1e-14) - 1e-14


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 0.49), st.floats(0.1, 4), st.floats(0, 7), sigmas())
def test_functional_inequality_with_equality_for_soft_halfspaces(slope, shift, height, wave, phase, sigma):
    # The slope is per sigma: X is the noise over sigma.
    density = np.exp(-((slope * X + shift) ** 2) / 2) / ROOT_2_PI
    soft = bobkov_gap(ndtr(slope * X + shift), abs(slope) * density / sigma, sigma=sigma, weights=WEIGHTS)
    assert soft == pytest.approx(0, abs=1e-9)
    values, gradient = 0.5 + height * np.sin(wave * X + phase), height * wave * np.cos(wave * X + phase)
    gap = bobkov_gap(values, abs(gradient) / sigma, sigma=sigma, weights=WEIGHTS)
    assert gap >= -1e-12 and (gap > 1e-6 or height * wave < 0.1)
