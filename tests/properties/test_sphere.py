"""The sphere: caps, and Gaussian noise as its limit."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.bounds import enlargement, median_distance_bound, sphere
from isoperimetry.special import ndtr, ndtri
from isoperimetry.testing import dims, error_rates

spheres = dims().filter(lambda dim: dim > 1)
angles = st.floats(1e-3, math.pi - 1e-3)


@given(spheres, angles, st.floats(1e-9, 1))
def test_caps_and_their_angles(dim, theta, share):
    smaller = min(theta, math.pi - theta)
    # The angle is rounded to 4e-16, at a density of at most sqrt(n / 6).
    assert sphere.cap_measure(math.pi - theta, dim=dim) == pytest.approx(
        1 - sphere.cap_measure(theta, dim=dim), abs=1e-15 * (1 + math.sqrt(dim))
    )
    assert sphere.cap_measure(math.pi / 2, dim=dim) == pytest.approx(0.5, abs=1e-15 * math.sqrt(dim))
    assert sphere.cap_measure(theta, dim=2) == pytest.approx(theta / math.pi, rel=1e-13)
    assert sphere.cap_measure(theta, dim=3) == pytest.approx((1 - math.cos(theta)) / 2, rel=1e-9)
    log_cap = sphere.log_cap_measure(smaller, dim=dim)
    assert sphere.log_cap_measure(smaller * (1 - share), dim=dim) <= log_cap
    assert sphere.cap_angle(log_mu=log_cap, dim=dim) == pytest.approx(smaller, rel=1e-10)
    assert sphere.cap_angle(log_accuracy=log_cap, dim=dim) == pytest.approx(math.pi - smaller, rel=1e-10)


@given(spheres, error_rates(high=0.5), st.floats(0, 1), error_rates(low=1e-8))
def test_sphere_tends_to_gaussian_noise(dim, mu, share, other):
    radius, a = math.sqrt(dim), median_distance_bound(mu)
    geodesic, chord = (
        sphere.median_distance_bound(mu, dim=dim, radius=radius, metric=metric) for metric in ("geodesic", "chord")
    )
    assert abs(geodesic - a) <= 5 * (a**3 + a + 1) / dim and chord <= geodesic
    eps = share * math.pi * radius
    grown = sphere.enlargement(other, eps, dim=dim, radius=radius)
    assert abs(grown - enlargement(other, eps)) <= 5 / dim


@given(spheres.filter(lambda dim: dim > 2), error_rates(), st.floats(0, 1), st.floats(0.1, 10))
@example(dim=3, mu=0.5, share=1e-3, radius=1.0)
def test_sphere_grows_faster_than_a_gaussian_of_curvature_n_minus_2(dim, mu, share, radius):
    eps = share * math.pi * radius

    def gaussian(mu, eps, k):
        return ndtr(ndtri(mu) + eps * math.sqrt(k) / radius)

    assert sphere.enlargement(mu, eps, dim=dim, radius=radius) >= gaussian(mu, eps, dim - 2) - 1e-12
    small = 0.01 * radius / math.sqrt(dim)
    hemisphere = sphere.enlargement(0.5, small, dim=dim, radius=radius)
    assert gaussian(0.5, small, dim - 2) <= hemisphere < gaussian(0.5, small, dim - 1) - 1e-9
    assert sphere.gaussian_enlargement(mu, eps, dim=dim, radius=radius) == pytest.approx(
        gaussian(mu, eps, dim - 2), rel=1e-9, abs=1e-300
    )
