"""The noise itself: its length, and two correlated draws of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import log_noise_stability, noise_norm, noise_stability
from isoperimetry.testing import dims, error_rates, log_error_rates, sigmas


@given(dims() | st.integers(1, 200_000), sigmas())
def test_mean_length_of_the_noise(dim, sigma):
    length, longer = noise_norm(dim), noise_norm(dim + 1)
    assert math.sqrt(dim - 0.5) <= length <= math.sqrt(2 * dim**2 / (2 * dim + 1)) * (1 + 4e-16)
    assert length * longer == pytest.approx(dim, rel=1e-12)
    assert noise_norm(dim, sigma) == pytest.approx(sigma * length, rel=1e-15)


@given(error_rates(), log_error_rates(), st.floats(0, 1), st.floats(0, 1))
def test_noise_stability_grows_from_the_square_of_the_rate_to_the_rate(mu, log_mu, rho, other):
    assert noise_stability(mu, [0.0, 1.0]) == pytest.approx(np.array([mu**2, mu]), rel=1e-11, abs=1e-300)
    assert log_noise_stability(log_mu=log_mu, rho=0.0) == pytest.approx(2 * log_mu, rel=1e-12)
    assert log_noise_stability(log_mu=log_mu, rho=1.0) == pytest.approx(log_mu, rel=1e-12)
    low, high = sorted((rho, other))
    less, more = (log_noise_stability(log_mu=log_mu, rho=rho) for rho in (low, high))
    assert less <= more + 1e-11 * abs(more)
