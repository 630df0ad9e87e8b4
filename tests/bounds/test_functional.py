from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import GAUSSIAN_FUNCTIONAL, bobkov_gap, gaussian_profile
from isoperimetry.special import ndtr
from isoperimetry.testing import reference
from isoperimetry.testing.strategies import sigmas

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(100)


def pdf(x):
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def test_table():
    values, slopes, weights = [0.1, 0.5, 0.999, 0.0], [0.3, 0.0, 2.0, 1e-3], [1.0, 2.0, 3.0, 0.5]
    for sigma in (0.5, 3.0):
        expected = float(reference.bobkov_gap(values, slopes, sigma=sigma, weights=weights, digits=20))
        assert bobkov_gap(values, slopes, sigma=sigma, weights=weights) == pytest.approx(expected, rel=1e-14)
        expected = float(reference.bobkov_gap(values, slopes, sigma=sigma, digits=20))
        assert bobkov_gap(values, slopes, sigma=sigma) == pytest.approx(expected, rel=1e-14)


def test_table_of_published_decimals():
    f = ndtr(NODES - 0.7)
    mean = float(f @ WEIGHTS / WEIGHTS.sum())
    assert mean == pytest.approx(0.31030897321884483985, rel=1e-12)
    assert gaussian_profile(mean) == pytest.approx(0.35294659120276646298, rel=1e-12)
    # f = (1 + sin x) / 4 + 1 / 10: both sides to five digits
    f, slope = (1 + np.sin(NODES)) / 4 + 0.1, abs(np.cos(NODES)) / 4
    assert gaussian_profile(float(f @ WEIGHTS / WEIGHTS.sum())) == pytest.approx(0.37040, abs=5e-6)
    gap = bobkov_gap(f, slope, weights=WEIGHTS)  # |cos| has corners, so that the rule is right to three digits
    assert gap == pytest.approx(0.37992 - 0.37040, abs=2e-4)


@given(st.floats(-1.5, 1.5), st.floats(-2.0, 2.0), sigmas())
def test_equality_on_extremal(slope, shift, sigma):
    """f = Phi(s x + b), whose gradient is s phi(s x + b); x in units of sigma."""
    z = slope * NODES + shift
    gap = bobkov_gap(ndtr(z), abs(slope) * pdf(z) / sigma, sigma=sigma, weights=WEIGHTS)
    assert gap == pytest.approx(0.0, abs=1e-9)


@given(st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3), st.floats(0.2, 2.0))
def test_holds_for_smooth_functions(coefficients, sigma):
    """f = Phi(polynomial), by the trapezoidal rule: the integrand has corners where the slope changes its sign."""
    x = np.linspace(-12, 12, 4001)
    polynomial = np.polynomial.Polynomial(coefficients)
    z = polynomial(x * sigma)
    gap = bobkov_gap(ndtr(z), abs(polynomial.deriv()(x * sigma)) * pdf(z), sigma=sigma, weights=pdf(x))
    assert gap >= -1e-5


@given(st.floats(0.01, 0.99), sigmas())
def test_laws(value, sigma):
    f, slope = np.array([value, 0.3, 0.8]), np.array([0.2, 0.0, 1.0])
    gap = bobkov_gap(f, slope, sigma=sigma)
    assert gap == pytest.approx(bobkov_gap(1 - f, slope, sigma=sigma), rel=1e-12)
    assert gap == pytest.approx(bobkov_gap(f[::-1], slope[::-1], sigma=sigma), rel=1e-12)
    assert gap == pytest.approx(bobkov_gap(f, slope / 8, sigma=8 * sigma), rel=1e-12)
    assert gap <= bobkov_gap(f, 2 * slope, sigma=sigma)
    assert bobkov_gap([value, value], [0.0, 0.0]) == pytest.approx(0.0, abs=1e-15)


def test_limits():
    assert bobkov_gap([0.0, 1.0], [0.0, 0.0]) == pytest.approx(-gaussian_profile(0.5))  # no slope: not a smooth one
    assert bobkov_gap([0.0], [0.0]) == bobkov_gap([1.0], [0.0]) == 0.0
    assert bobkov_gap([[0.1, 0.9], [0.5, 0.5]], [1.0, 1.0]).shape == (2,)
    assert math.isnan(bobkov_gap([0.1, math.nan], [1.0, 1.0]))
    assert bobkov_gap([0.1, 0.2], [math.inf, 1.0]) == math.inf
    assert GAUSSIAN_FUNCTIONAL([0.5], [1.0]) == bobkov_gap([0.5], [1.0])
    with pytest.raises(ValueError, match=r"values has 1 entry outside .* \[0, 1\]"):
        bobkov_gap([0.1, 1.2], [1.0, 1.0])
    with pytest.raises(ValueError, match=r"gradient_norms .* >= 0"):
        bobkov_gap([0.1, 0.2], [1.0, -1.0])
    with pytest.raises(ValueError, match=r"weights has shape \(3,\)"):
        bobkov_gap([0.1, 0.2], [1.0, 1.0], weights=[1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="weights are all zero"):
        bobkov_gap([0.1, 0.2], [1.0, 1.0], weights=[0.0, 0.0])
    with pytest.raises(ValueError, match=r"values has shape \(\)"):
        bobkov_gap(0.1, 1.0)
    with pytest.raises(ValueError, match="broadcast"):
        bobkov_gap([0.1, 0.2], [1.0, 1.0, 1.0])


def test_assumptions_matter():
    """With the slope of a narrower noise the inequality is false; so it is without the profile under the root."""
    z = NODES - 0.7
    assert bobkov_gap(ndtr(z), pdf(z), sigma=0.5, weights=WEIGHTS) < -0.05
    mean = float(ndtr(z) @ WEIGHTS / WEIGHTS.sum())
    assert float(pdf(z) @ WEIGHTS / WEIGHTS.sum()) < gaussian_profile(mean)
