"""Enlargements: how the least measure of all points within a distance grows."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry import special
from isoperimetry.bounds import (
    enlargement,
    halfspace_distance,
    log_enlargement,
    log_enlargement_complement,
    log_required_error_rate,
    quantile_distance_bound,
)
from isoperimetry.sets import HalfSpace, Slab
from isoperimetry.special import log_ndtr
from isoperimetry.testing import error_rates, log_error_rates, sigmas

LOG_HALF = math.log(0.5)
steps = st.floats(0, 40)


def tail(rate, eps, sigma):
    """The enlargement as the argument of a bound: by the log of the smaller of it and its complement."""
    log_grown = log_enlargement(**rate, eps=eps, sigma=sigma)
    if log_grown < LOG_HALF:
        return {"log_mu": log_grown}
    return {"log_accuracy": log_enlargement_complement(**rate, eps=eps, sigma=sigma)}


@given(error_rates(), log_error_rates(), steps, st.floats(0, 1), st.floats(0, 1), sigmas())
def test_enlargement_starts_at_the_rate_and_is_monotone(mu, log_mu, step, share, factor, sigma):
    eps = step * sigma
    assert enlargement(mu, 0, sigma) == mu and log_enlargement(log_mu=log_mu, eps=0, sigma=sigma) == log_mu
    grown = log_enlargement(log_mu=log_mu, eps=eps, sigma=sigma)
    slack = 1e-13 * abs(grown)
    assert log_enlargement(log_mu=log_mu, eps=share * eps, sigma=sigma) <= grown + slack
    assert log_enlargement(log_mu=log_mu * (2 - share), eps=eps, sigma=sigma) <= grown + slack
    assert log_enlargement(log_mu=log_mu, eps=eps, sigma=sigma * (1 + factor)) <= grown + slack


@given(log_error_rates(), steps, steps, sigmas())
def test_two_enlargements_are_one(log_mu, first, second, sigma):
    there = tail({"log_mu": log_mu}, first * sigma, sigma)
    twice, once = tail(there, second * sigma, sigma), tail({"log_mu": log_mu}, (first + second) * sigma, sigma)
    if twice.keys() == once.keys():
        assert list(twice.values()) == pytest.approx(list(once.values()), rel=1e-11)
    else:  # both are 1/2 but for rounding
        assert [*twice.values(), *once.values()] == pytest.approx([LOG_HALF] * 2, rel=1e-11)


@given(error_rates(), log_error_rates(), steps, sigmas())
def test_enlargement_is_a_probability_of_at_least_the_rate(mu, log_mu, step, sigma):
    assert mu <= enlargement(mu, step * sigma, sigma) <= 1
    log_grown = log_enlargement(log_mu=log_mu, eps=step * sigma, sigma=sigma)
    log_rest = log_enlargement_complement(log_mu=log_mu, eps=step * sigma, sigma=sigma)
    assert log_mu <= log_grown <= 0 and math.isfinite(log_rest) and log_rest <= 0


@given(log_error_rates(), steps, sigmas())
def test_complement_of_the_enlargement_grows_back_to_the_complement(log_mu, step, sigma):
    eps = step * sigma
    grown = tail({"log_mu": log_mu}, eps, sigma)
    (form, value), other = *grown.items(), {"log_mu": "log_accuracy", "log_accuracy": "log_mu"}
    rest = {other[form]: value}
    # An error of ulp(40) of the probit, times its slope.
    assert log_enlargement_complement(**rest, eps=eps, sigma=sigma) == pytest.approx(log_mu, rel=1e-11, abs=1e-14)
    rate = log_enlargement(log_accuracy=log_mu, eps=0)
    assert log_enlargement(**rest, eps=eps, sigma=sigma) == pytest.approx(rate, rel=1e-11, abs=1e-14)


@given(log_error_rates(high=LOG_HALF), sigmas())
@example(log_mu=LOG_HALF, sigma=1.0)
def test_at_the_halfspace_distance_the_enlargement_is_a_half(log_mu, sigma):
    distance = max(halfspace_distance(log_mu=log_mu, sigma=sigma), 0.0)  # log(0.5) is rounded up
    half = enlargement(log_mu=log_mu, eps=distance, sigma=sigma)
    assert half == pytest.approx(0.5, abs=1e-14 + 4e-16 * distance / sigma)
    assert log_required_error_rate(distance, sigma) == pytest.approx(log_mu, abs=1e-11 * max(-log_mu, 1))
    assert log_ndtr(-distance / sigma) == pytest.approx(log_mu, rel=1e-12)


@given(st.floats(1e-3, 40), st.integers(1, 2**20 - 1).map(lambda k: k / 2**20), sigmas())
def test_required_rate_inverts_the_quantile_bound(step, fraction, sigma):
    eps = step * sigma
    log_mu = log_required_error_rate(eps, sigma, robust_fraction=fraction)
    q = 1 - fraction  # exact
    assert quantile_distance_bound(log_mu=log_mu, sigma=sigma, q=q) == pytest.approx(eps, abs=1e-13 * sigma)


@given(st.floats(-6, 6), st.floats(0.01, 6), st.floats(-6, 6), st.floats(0.01, 6), st.floats(0, 1))
def test_probits_of_mixed_intervals_are_concave(first, half, second, other_half, share):
    # Ehrhard's inequality: the mixture of two intervals, point by point, is the interval of the mixed ends.
    mixed = Slab([1.0], share * first + (1 - share) * second, share * half + (1 - share) * other_half)
    sets = (mixed, Slab([1.0], first, half), Slab([1.0], second, other_half))
    middle, left, right = (special.ndtri_exp(error_set.log_volume()) for error_set in sets)
    assert middle >= share * left + (1 - share) * right - 1e-9


@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(0, 1))
def test_parallel_half_spaces_mix_without_a_loss(first, second, share):
    mixed = HalfSpace([1.0], share * first + (1 - share) * second)
    probits = [special.ndtri_exp(HalfSpace([1.0], offset).log_volume()) for offset in (first, second)]
    assert special.ndtri_exp(mixed.log_volume()) == pytest.approx(
        share * probits[0] + (1 - share) * probits[1], abs=1e-6 if min(first, second) < -5 else 1e-9
    )
