from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    GAUSSIAN_PROFILE,
    enlargement,
    gaussian_profile,
    half_space_of_measure,
    halfspace_distance,
    log_gaussian_profile,
)
from isoperimetry.sets import HalfSpace
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_theorem, assert_ulp
from isoperimetry.testing.strategies import error_rates, error_sets, log_error_rates, sigmas


@pytest.mark.parametrize(
    ("form", "value"),
    [("mu", mu) for mu in (1e-300, 1e-10, 0.01, 0.4, 0.5, 0.7, 0.999)]
    + [("accuracy", 1e-300), ("accuracy", 0.2)]
    + [("log_mu", -1e300), ("log_mu", -1e6), ("log_mu", -0.7), ("log_mu", -1e-9), ("log_accuracy", -1e6)],
)
def test_table(form, value):
    rate = {form: value}
    assert_ulp(log_gaussian_profile(**rate), reference.log_gaussian_profile(**rate, digits=30), 4)
    if value > -700:
        assert_ulp(gaussian_profile(**rate), reference.gaussian_profile(**rate, digits=30), 4)


def test_table_of_published_decimals():
    assert gaussian_profile(0.5) == pytest.approx(0.39894228040143267794, rel=1e-15)
    assert gaussian_profile(0.01, 0.1) == pytest.approx(0.26652142203458048132, rel=1e-14)
    assert log_gaussian_profile(1e-300) == pytest.approx(-687.16261064027580437, rel=1e-14)
    assert log_gaussian_profile(log_mu=-1e6) == pytest.approx(-999992.74567471738304, rel=1e-15)


@given(error_rates(low=1e-6, high=1 - 1e-6), sigmas())
def test_equality_on_extremal(mu, sigma):
    half_space, step = half_space_of_measure(mu, sigma), 1e-4 * sigma
    grown = [half_space.enlarged_volume(eps, sigma=sigma) for eps in (0.0, step / 2, step)]
    slope = (4 * grown[1] - 3 * grown[0] - grown[2]) / step
    assert gaussian_profile(mu, sigma) == pytest.approx(slope, rel=1e-6, abs=1e-10 / sigma)


@given(st.data(), sigmas())
def test_holds(data, sigma):
    assert_theorem(GAUSSIAN_PROFILE, data.draw(error_sets(scale=sigma)), sigma=sigma)


@given(error_rates(high=0.5), error_rates(), log_error_rates(), st.integers(-20, 20))
def test_laws(mu, other, log_mu, power):
    profile, a = gaussian_profile(mu), halfspace_distance(mu)
    assert gaussian_profile(accuracy=mu) == profile == gaussian_profile(mu, 2.0**power) * 2.0**power
    assert log_gaussian_profile(mu) == pytest.approx(math.log(profile), rel=1e-14, abs=1e-15)
    assert log_gaussian_profile(log_mu=log_mu) == log_gaussian_profile(log_accuracy=log_mu)
    # Concave, between its two classical limits, and the slope of the enlargement.
    middle = gaussian_profile((mu + other) / 2)
    assert middle >= (profile + gaussian_profile(other)) / 2 * (1 - 1e-14)
    assert math.sqrt(2 / math.pi) * mu <= profile * (1 + 1e-15)
    assert profile <= mu * math.sqrt(2 * math.log(1 / mu))
    assert math.sqrt(8 / math.pi) * mu * (1 - mu) <= profile * (1 + 1e-15)
    assert a <= math.sqrt(2 * math.log(1 / (2 * mu))) + 1e-15
    if 1e-3 < mu:
        assert (enlargement(mu, 1e-6) - mu) / 1e-6 == pytest.approx(profile, rel=1e-5)
        h = 1e-3 * mu  # I I'' = -1 and I' = a
        low, high = gaussian_profile(mu - h), gaussian_profile(mu + h)
        assert (high - low) / (2 * h) == pytest.approx(a, abs=1e-4)
        assert profile * (high - 2 * profile + low) / h**2 == pytest.approx(-1, rel=1e-3)


def test_limits():
    inf = math.inf
    for sigma in (0.0, 1.0, inf):
        assert gaussian_profile([0.0, 1.0], sigma).tolist() == [0, 0]
        assert log_gaussian_profile([0.0, 1.0], sigma).tolist() == [-inf, -inf]
    assert gaussian_profile(0.3, inf) == 0 and log_gaussian_profile(0.3, inf) == -inf
    assert gaussian_profile(5e-324) == pytest.approx(0.0, abs=1e-321)
    assert gaussian_profile(log_mu=-1e6) == 0.0
    assert log_gaussian_profile(log_mu=-1e300) == -1e300


def test_assumptions_matter():
    # Noise of another scale along the normal: the boundary of a half-space weighs half as much.
    half_space = HalfSpace([1.0], 2.0 * halfspace_distance(0.1))
    growth = (half_space.enlarged_volume(1e-6, sigma=2.0) - half_space.volume(sigma=2.0)) / 1e-6
    assert growth == pytest.approx(gaussian_profile(0.1, 2.0), rel=1e-5)
    assert growth < 0.6 * gaussian_profile(0.1, 1.0)
    # The Cheeger constant is sqrt(2 / pi); with 1 / sqrt(2 pi) in its place the inequality is loose everywhere.
    rates = np.linspace(0.01, 0.5, 50)
    assert np.min(gaussian_profile(rates) / rates) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-12)
