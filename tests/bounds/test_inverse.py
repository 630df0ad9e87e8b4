from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    GAUSSIAN_REQUIRED_RATE,
    GAUSSIAN_REQUIRED_SIGMA,
    enlargement,
    half_space_of_measure,
    halfspace_distance,
    log_required_error_rate,
    median_distance_bound,
    quantile_distance_bound,
    required_error_rate,
    required_sigma,
)
from isoperimetry.sets import HalfSpace
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_theorem, assert_ulp
from isoperimetry.testing.strategies import error_rates, error_sets, sigmas

fractions = st.floats(0.01, 0.99)


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.9])
@pytest.mark.parametrize("eps", [1e-9, 0.2, 2.0, 100.0, 2000.0])
def test_table(eps, fraction):
    truth = reference.log_required_error_rate(eps, robust_fraction=fraction, digits=30)
    # The sum of a probit and eps is right to two ulp, and d log Phi / dz is at most |z| + 1.
    assert_ulp(log_required_error_rate(eps, robust_fraction=fraction), truth, 4, absolute=4e-16 * (eps + 3) * (eps + 4))
    truth = reference.required_error_rate(eps, robust_fraction=fraction, digits=30)
    slack = 4e-16 * (eps + 3) * (eps + 4) * float(truth)
    assert_ulp(required_error_rate(eps, robust_fraction=fraction), truth, 4, absolute=slack + 5e-324)
    for form, value in (("mu", 1e-4), ("accuracy", 1 - 1e-9), ("log_mu", -1e6)):
        truth = reference.required_sigma(eps, **{form: value}, robust_fraction=fraction, digits=30)
        assert_ulp(required_sigma(eps, **{form: value}, robust_fraction=fraction), truth, 8)


def test_table_of_published_decimals():
    assert required_error_rate(2.0) == pytest.approx(0.022750131948179207200, rel=1e-14)
    assert required_error_rate(0.2, 0.1, robust_fraction=0.9) == pytest.approx(0.00051618822964380845100, rel=1e-13)
    assert log_required_error_rate(100.0) == pytest.approx(-5005.5242086942050886, rel=1e-14)
    assert log_required_error_rate(2000.0) == pytest.approx(-2000008.5198412427466, rel=1e-14)
    assert required_sigma(0.5, 0.01) == pytest.approx(0.21492916239199660489, rel=1e-14)
    assert required_sigma(0.5, 0.01, robust_fraction=0.9) == pytest.approx(0.47856218090935099282, rel=1e-14)
    assert required_sigma(0.5, 0.01, robust_fraction=0.1) == pytest.approx(0.13858479383157405708, rel=1e-14)


@given(error_rates(high=0.99), st.floats(0, 6), sigmas())
def test_equality_on_extremal(mu, length, sigma):
    half_space = half_space_of_measure(mu, sigma)
    fraction = 1 - half_space.enlarged_volume(length * sigma, sigma=sigma)
    if 1e-3 < fraction < 1 - 1e-3:
        assert required_error_rate(length * sigma, sigma, robust_fraction=fraction) == pytest.approx(mu, rel=1e-9)
        if length > 1e-3:
            allowed = required_sigma(length * sigma, mu, robust_fraction=fraction)
            assert allowed == pytest.approx(sigma, rel=1e-9)


@given(st.data(), sigmas())
def test_holds(data, sigma):
    error_set = data.draw(error_sets(scale=sigma))
    assert_theorem(GAUSSIAN_REQUIRED_RATE, error_set, sigma=sigma)
    assert_theorem(GAUSSIAN_REQUIRED_SIGMA, error_set, sigma=sigma)


@given(error_rates(), fractions, st.floats(0, 40), st.floats(0, 40), sigmas())
@example(mu=0.9899999999999999, fraction=0.01, first=0.0, second=0.0, sigma=1.0)
def test_laws(mu, fraction, first, second, sigma):
    small, large = sorted((first, second))
    assert required_error_rate(0.0, sigma, robust_fraction=fraction) == 1 - fraction
    assert required_error_rate(large, robust_fraction=fraction) <= required_error_rate(small, robust_fraction=fraction)
    assert required_error_rate(large) <= required_error_rate(large, 2.0)
    log = log_required_error_rate(small * sigma, sigma, robust_fraction=fraction)
    assert math.exp(log) == pytest.approx(
        required_error_rate(small * sigma, sigma, robust_fraction=fraction), rel=1e-12, abs=1e-300
    )
    assert log == pytest.approx(log_required_error_rate(small, robust_fraction=fraction), rel=1e-13, abs=1e-15)
    # The inverse of the enlargement: what may lie within eps is 1 - f.
    required = required_error_rate(small, robust_fraction=fraction)
    if required > 1e-290:
        assert enlargement(required, small) == pytest.approx(1 - fraction, rel=1e-11)
        assert quantile_distance_bound(required, q=1 - fraction) == pytest.approx(small, abs=1e-12)
    # The inverse of the median bound, in mu and in sigma.
    if mu < 0.4:
        distance = median_distance_bound(mu, sigma)
        assert log_required_error_rate(distance, sigma) == pytest.approx(math.log(mu), rel=1e-11)
        assert required_sigma(distance, mu) == pytest.approx(sigma, rel=1e-14)
    # The least sigma is enough, and a little less is not.
    least = required_sigma(1.0, mu, robust_fraction=fraction)
    if least < 1e6 and mu > 1e-290:
        assert mu <= required_error_rate(1.0, least * (1 + 1e-9), robust_fraction=fraction) * (1 + 1e-12)
        assert mu > required_error_rate(1.0, least * 0.999, robust_fraction=fraction)
    elif least == math.inf:
        assert halfspace_distance(mu) <= -halfspace_distance(fraction)


def test_limits():
    inf = math.inf
    assert required_error_rate(1.0, robust_fraction=[0.0, 1.0]).tolist() == [1, 0]
    assert required_error_rate(inf, robust_fraction=[0.0, 0.5, 1.0]).tolist() == [1, 0, 0]
    assert required_error_rate(0.0, robust_fraction=[0.0, 0.3, 1.0]).tolist() == [1, 0.7, 0]
    assert required_error_rate(1.0, [0.0, inf], robust_fraction=0.25).tolist() == [0, 0.75]
    assert required_error_rate(0.0, 0.0, robust_fraction=0.25) == 0.75
    assert log_required_error_rate(1.0, robust_fraction=[0.0, 1.0]).tolist() == [0, -inf]
    assert log_required_error_rate(1e150) == pytest.approx(-5e299, rel=1e-15)
    assert required_error_rate([]).shape == (0,)
    for arguments in ((math.nan,), (1.0, math.nan)):
        assert math.isnan(required_error_rate(*arguments)) and math.isnan(log_required_error_rate(*arguments))
    assert math.isnan(required_error_rate(1.0, robust_fraction=math.nan))
    assert math.isnan(required_sigma(0.0, 0.0, robust_fraction=math.nan))
    # No sigma allows it; any does; the same for each way to ask for nothing.
    assert required_sigma(0.5, [0.5, 0.6, 1.0]).tolist() == [inf] * 3
    assert required_sigma(0.5, 0.01, robust_fraction=1.0) == required_sigma(inf, 0.01) == inf
    assert required_sigma(0.5, 0.0) == required_sigma(inf, 0.0) == required_sigma(0.5, 1.0, robust_fraction=0.0) == 0
    assert required_sigma(0.0, [0.3, 0.5, 0.7]).tolist() == [0, 0, inf]
    for bad in ({"eps": -1.0}, {"sigma": -1.0}, {"robust_fraction": 1.5}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))}="):
            required_error_rate(**{"eps": 1.0, **bad})


def test_assumptions_matter():
    # Noise that is wider along the normal leaves more errors than the narrower scale would allow.
    half_space = HalfSpace([1.0, 0.0], 4.0)
    wide = half_space.volume(sigma=2.0)
    assert 1 - half_space.enlarged_volume(4.0, sigma=2.0) == 0.5
    assert wide <= required_error_rate(4.0, 2.0) * (1 + 1e-15)
    assert wide > 100 * required_error_rate(4.0, 1.0)
    # A mixture over inputs: nine in ten robust at any radius, yet a rate of 0.1.
    pooled, robust_fraction = 0.1, 0.9
    assert pooled > 100 * required_error_rate(3.0, robust_fraction=robust_fraction)
