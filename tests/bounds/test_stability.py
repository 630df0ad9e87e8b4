from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import NOISE_STABILITY, log_noise_stability, noise_stability
from isoperimetry.testing import reference
from isoperimetry.testing.strategies import error_rates, log_error_rates

correlations = st.floats(-1.0, 1.0)


@pytest.mark.parametrize("rho", [-0.95, -0.3, 0.2, 0.6, 0.99])
@pytest.mark.parametrize(("form", "value"), [("mu", 0.01), ("mu", 0.7), ("log_mu", -300.0), ("accuracy", 1e-6)])
def test_table(form, value, rho):
    exact = reference.log_noise_stability(**{form: value}, rho=rho, digits=20)
    expected = float(exact)
    # the probit is right to an ulp, which moves the log by as much as a**2 / (1 + rho)
    slack = 1e-13 + 4e-16 * (abs(expected) + 1)
    assert log_noise_stability(**{form: value}, rho=rho) == pytest.approx(
        expected, abs=slack * min(1, abs(expected)), rel=1e-15
    )
    assert noise_stability(**{form: value}, rho=rho) == pytest.approx(math.exp(expected), rel=2 * slack, abs=1e-300)


def test_table_of_published_decimals():
    assert noise_stability(0.1, 0.6) == pytest.approx(0.039017465045129032297, rel=1e-13)


def pairs(rng, n, dim, rho):
    first = rng.standard_normal((n, dim))
    return first, rho * first + math.sqrt(1 - rho**2) * rng.standard_normal((n, dim))


@pytest.mark.parametrize("rho", [-0.6, 0.3, 0.9])
def test_equality_on_extremal(rho, rng):
    half_space = NOISE_STABILITY.extremal(0.1, dim=2)
    first, second = pairs(rng, 100_000, 2, rho)
    p = noise_stability(0.1, rho)
    count = np.count_nonzero(half_space.contains(first) & half_space.contains(second))
    assert abs(count - p * 100_000) <= 4.9 * math.sqrt(100_000 * p) + 1


def test_holds_for_a_disc_and_a_slab(rng):
    """A disc and a strip about the center, both of measure 0.1, at rho = 0.6 and at -0.6."""
    radius, width = math.sqrt(-2 * math.log(0.9)), 0.12566134685507416
    n = 100_000
    for rho in (0.6, -0.6):
        first, second = pairs(rng, n, 2, rho)
        disc = np.mean((np.linalg.norm(first, axis=1) <= radius) & (np.linalg.norm(second, axis=1) <= radius))
        strip = np.mean((abs(first[:, 0]) <= width) & (abs(second[:, 0]) <= width))
        for share in (disc, strip):
            slack = 4.9 * math.sqrt(0.02 / n)
            limit = noise_stability(0.1, rho)
            assert share <= limit + slack if rho > 0 else share >= limit - slack
        if rho > 0:
            assert disc == pytest.approx(0.0148, abs=4.9 * math.sqrt(0.0148 / n) + 1e-4)


@given(error_rates(), log_error_rates(), correlations, correlations)
def test_laws(mu, log_mu, first, second):
    low, high = sorted((first, second))
    assert noise_stability(mu, 0.0) == pytest.approx(mu**2, rel=1e-12, abs=1e-300)
    assert noise_stability(mu, 1.0) == mu and log_noise_stability(log_mu=log_mu, rho=1.0) == log_mu
    assert noise_stability(mu, low) <= noise_stability(mu, high) * (1 + 1e-11) + 1e-300
    assert noise_stability(mu, high) <= mu * (1 + 1e-12)
    log = log_noise_stability(log_mu=log_mu, rho=high)
    assert log <= log_mu + 1e-12 * (1 + abs(log_mu))
    if high >= 0:
        assert log >= 2 * log_mu - 1e-12 * (1 + abs(log_mu))
    # P[both] + P[neither] = 1 - 2 P[one alone], and the complement has the same pairs that differ
    rest = noise_stability(accuracy=mu, rho=high)
    assert rest - noise_stability(mu, high) == pytest.approx(1 - 2 * mu, abs=1e-13)


def test_limits():
    inf = math.inf
    assert noise_stability([0.0, 0.3, 1.0], [[-1.0], [0.0], [1.0]])[:, [0, 2]].tolist() == [[0, 1]] * 3
    assert noise_stability([0.3, 0.7], -1.0).tolist() == pytest.approx([0, 0.4], abs=1e-15)
    assert log_noise_stability([0.0, 1.0], 0.5).tolist() == [-inf, 0]
    assert log_noise_stability(log_mu=-1e8, rho=0.0) == pytest.approx(-2e8, rel=1e-14)
    assert noise_stability(0.5, 0.5) == pytest.approx(1 / 3, rel=1e-14)
    assert np.isnan(noise_stability([math.nan, 0.1], [0.5, math.nan])).all()
    assert noise_stability([], 0.5).shape == (0,) and type(noise_stability(0.1, 0)) is float
    with pytest.raises(ValueError, match=r"rho=1\.5 must be in \[-1, 1\]"):
        noise_stability(0.1, 1.5)
    with pytest.raises(TypeError, match="rho must be given too"):
        noise_stability(0.1)
    with pytest.raises(TypeError, match="pass exactly one of mu"):
        noise_stability(0.1, 0.5, accuracy=0.9)


def test_assumptions_matter():
    """Below rho = 0 the half-space has the least: a strip about the center, which is symmetric, has far more."""
    width = 0.12566134685507416  # P[|G| <= width] = 0.1
    assert noise_stability(0.1, -0.99) < 1e-10
    # Y is near -X, so that both are in the strip with a probability of at least 0.1 - P[|X + Y| > width / 2 ...] > 0.03
    rng = np.random.default_rng(0)
    first, second = pairs(rng, 10_000, 1, -0.99)
    assert np.mean((abs(first) <= width) & (abs(second) <= width)) > 0.03
