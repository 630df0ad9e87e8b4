"""Half-spaces: the distance, its error rate, and its error rate at another noise scale."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.bounds import error_rate_at_sigma, halfspace_distance, log_error_rate_at_sigma
from isoperimetry.special import log_ndtr
from isoperimetry.testing import error_rates, log_error_rates, sigmas

gaps = st.floats(-11.9, -0.1).map(lambda decade: 10.0**decade)


@given(error_rates(), log_error_rates(), gaps)
def test_distance_decreases_in_the_error_rate(mu, log_mu, gap):
    assert halfspace_distance(mu * (1 - gap)) > halfspace_distance(mu)
    assert halfspace_distance(log_mu=log_mu * (1 + gap)) > halfspace_distance(log_mu=log_mu)


@given(error_rates(), log_error_rates(), st.floats(0.5, 1 - 1e-12))
def test_distance_changes_sign_with_the_complement(mu, log_mu, high):
    assert halfspace_distance(accuracy=mu) == pytest.approx(-halfspace_distance(mu), rel=1e-14)
    assert halfspace_distance(log_accuracy=log_mu) == pytest.approx(-halfspace_distance(log_mu=log_mu), rel=1e-14)
    assert halfspace_distance(1 - high) == pytest.approx(-halfspace_distance(high), rel=1e-14)  # 1 - high is exact
    assert halfspace_distance(0.5) == halfspace_distance(accuracy=0.5) == 0


@given(log_error_rates(), sigmas(), sigmas(low=1e-3, high=1e3), st.integers(-40, 40))
def test_distance_scales_with_sigma(log_mu, sigma, factor, power):
    distance = halfspace_distance(log_mu=log_mu, sigma=sigma)
    # Both products are rounded: half an ulp each, for factor * sigma too.
    assert halfspace_distance(log_mu=log_mu, sigma=factor * sigma) == pytest.approx(factor * distance, rel=4e-16)
    assert halfspace_distance(log_mu=log_mu, sigma=2.0**power * sigma) == 2.0**power * distance


@given(error_rates(high=0.4), st.floats(0.4, 0.6))
def test_linear_and_log_rates_have_the_same_distance(mu, middle):
    assert halfspace_distance(log_mu=math.log(mu)) == pytest.approx(halfspace_distance(mu), rel=1e-13)
    assert halfspace_distance(log_mu=math.log(middle)) == pytest.approx(halfspace_distance(middle), abs=1e-15)


@given(log_error_rates(low=-1e12, high=-1e-3), sigmas())
def test_distance_leads_back_to_the_error_rate(log_mu, sigma):
    distance = halfspace_distance(log_mu=log_mu, sigma=sigma)
    assert log_ndtr(-distance / sigma) == pytest.approx(log_mu, rel=1e-13)


@given(log_error_rates(high=-0.7), sigmas(), sigmas(low=1e-3, high=1e3), sigmas(low=1e-3, high=1e3))
@example(log_mu=-0.71875, sigma=1.0, first=1000.0, second=0.01)
def test_other_noise_scales_compose_and_leave_the_distance(log_mu, sigma, first, second):
    new, last = first * sigma, second * sigma
    log_new = log_error_rate_at_sigma(log_mu=log_mu, sigma=sigma, sigma_new=new)
    direct = log_error_rate_at_sigma(log_mu=log_mu, sigma=sigma, sigma_new=last)
    assert log_error_rate_at_sigma(log_mu=log_mu, sigma=sigma, sigma_new=sigma) == log_mu
    distance = halfspace_distance(log_mu=log_mu, sigma=sigma)
    # Near 1/2 the log has lost digits of the probit: about 1e-16 of it, in the unit of its own scale.
    lost = 3e-16 * first / second * (distance / last + 1)
    assert log_error_rate_at_sigma(log_mu=log_new, sigma=new, sigma_new=last) == pytest.approx(
        direct, rel=1e-12, abs=lost
    )
    assert halfspace_distance(log_mu=log_new, sigma=new) == pytest.approx(distance, rel=1e-12, abs=1e-15 * new)
    far = error_rate_at_sigma(log_mu=log_mu, sigma=sigma, sigma_new=1e12 * sigma)
    assert far == pytest.approx(0.5, abs=1e-12 * distance / sigma) and far < 0.5 + 1e-15


def test_neither_the_dimension_nor_ten_times_fewer_errors_move_the_distance_much():
    # An ImageNet image: the noise is that much longer than the distance.
    assert math.sqrt(150528) / halfspace_distance(0.01) == pytest.approx(166.77616672243972034, rel=1e-14)
    assert halfspace_distance(0.001) / halfspace_distance(0.01) == pytest.approx(1.3284, abs=5e-5)
    assert halfspace_distance(1e-20) / halfspace_distance(0.01) == pytest.approx(3.9815, abs=5e-5)
