from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from isoperimetry.bounds import (
    mean_distance_bound,
    quantile_distance_bound,
    second_moment_distance_bound,
)
from isoperimetry.errors import NotExact
from isoperimetry.sets import Ball, Box, Complement, DistanceLaw, HalfSpace, Slab, UnionOfHalfSpaces
from isoperimetry.testing.strategies import sigmas

INF = math.inf


@given(st.floats(-5, 30), sigmas(), st.floats(0.001, 0.999))
def test_the_law_of_a_half_space(offset, sigma, q):
    law = HalfSpace([3.0, 4.0], offset * sigma).distance_law(sigma=sigma)
    mu = stats.norm.sf(offset)
    # The sample is at N(offset, 1) standard deviations from the half-space, or inside.
    assert law.cdf([0.0, 1.7 * sigma, INF]) == pytest.approx([mu, stats.norm.cdf(1.7 - offset), 1], rel=1e-11)
    expected = sigma * max(0.0, offset + special.ndtri(q))
    assert law.quantile(q) == pytest.approx(expected, rel=1e-12, abs=1e-12 * sigma)
    # Moments of a normal variable cut off at 0.
    first = stats.norm.pdf(offset) + offset * stats.norm.cdf(offset)
    second = (1 + offset**2) * stats.norm.cdf(offset) + offset * stats.norm.pdf(offset)
    assert law.moment() == pytest.approx(sigma * first, rel=1e-11, abs=1e-12 * sigma)
    assert law.moment(2) == pytest.approx(sigma**2 * second, rel=1e-11, abs=1e-11 * sigma**2)


@given(st.floats(0.02, 0.98), sigmas(), st.floats(0.01, 0.99))
def test_half_spaces_attain_the_bounds(mu, sigma, q):
    law = HalfSpace([1.0], -special.ndtri(mu) * sigma).distance_law(sigma=sigma)
    for conditional in (False, True):
        bound = quantile_distance_bound(mu, sigma, q=q, conditional=conditional)
        assert law.quantile(q, conditional=conditional) == pytest.approx(bound, rel=1e-9, abs=1e-12 * sigma)
    assert law.moment() == pytest.approx(mean_distance_bound(mu, sigma), rel=1e-10)
    assert law.moment(2) == pytest.approx(second_moment_distance_bound(mu, sigma), rel=1e-9)


def test_conditional_quantiles():
    # Of the samples outside: P[0 < d <= t] / P[d > 0] = q.
    for error_set, center, sigma in (
        (HalfSpace([1.0, 0.0], 0.5), [0.2, 0.0], 0.7),
        (Complement(Ball([0.0, 0.0], 2.0)), [0.5, 0.0], 1.1),
        (UnionOfHalfSpaces([[1.0, 0.0], [0.5, 1.0]], [0.1, 0.3]), [-0.2, 0.1], 0.4),
    ):
        law = error_set.distance_law(center, sigma)
        for q in (1e-6, 0.3, 0.999):
            distance, mu = law.quantile(q, conditional=True), law.cdf(0.0)
            assert (law.cdf(distance) - mu) / (1 - mu) == pytest.approx(q, rel=1e-9, abs=1e-14)
            assert distance >= law.quantile(q) > -1e-300
        assert law.quantile(0.5 * law.cdf(0.0)) == 0


@pytest.mark.parametrize("width", [1.0, 1e-2, 1e-4])
def test_distances_that_are_all_small(width):
    # Between two half-spaces there is little room: an integral that misses it would be off by all of it.
    law = Complement(Slab([1.0], 0.0, width)).distance_law()

    def beyond(t):
        return special.ndtr(width - t) - special.ndtr(t - width)

    assert law.moment() == pytest.approx(integrate.quad(beyond, 0, width, epsabs=0)[0], abs=1e-11)
    assert law.moment(2) == pytest.approx(integrate.quad(lambda t: 2 * t * beyond(t), 0, width, epsabs=0)[0], abs=1e-11)


def test_far_sets():
    for offset in (1e3, 1e6):
        law = HalfSpace([1.0], offset).distance_law()
        assert law.moment() == pytest.approx(offset, rel=1e-12)
        assert law.moment(2) == pytest.approx(offset**2 + 1, rel=1e-12)
        assert law.moment(4) == pytest.approx(offset**4 + 6 * offset**2 + 3, rel=1e-12)
        for q in (1e-300, 1e-10, 0.5, 1 - 1e-6):
            assert law.quantile(q) == pytest.approx(offset + special.ndtri(q), rel=1e-12)
    whole_dimension = Complement(Ball(np.zeros(150_528), 500.0)).distance_law()
    assert whole_dimension.quantile(0.5) == pytest.approx(500 - math.sqrt(stats.chi2.ppf(0.5, 150_528)), rel=1e-10)


def test_simulated_distances(rng):
    union, center, sigma, n = (
        UnionOfHalfSpaces([[1.0, 0.0], [0.5, 1.0]], [0.8, 0.9]),
        np.array([-0.2, 0.1]),
        0.6,
        100_000,
    )
    law = union.distance_law(center, sigma)
    d = np.maximum(union.signed_distance(center + sigma * rng.standard_normal((n, 2))), 0.0)
    for power in (1, 2, 3):
        values = d**power
        assert abs(values.mean() - law.moment(power)) < 4.9 * values.std() / math.sqrt(n)
    for q in (0.4, 0.9):
        assert abs((d <= law.quantile(q)).mean() - q) < 4.9 * math.sqrt(q * (1 - q) / n)


def test_edges():
    empty, whole = HalfSpace([1.0], INF).distance_law(), HalfSpace([1.0], -INF).distance_law()
    assert empty.quantile(0.5) == empty.moment() == empty.quantile(0.5, conditional=True) == INF
    assert whole.quantile(0.5) == whole.quantile(0.5, conditional=True) == whole.moment() == 0
    unknown = HalfSpace([1.0], 1.0).distance_law([math.nan])
    assert math.isnan(unknown.quantile(0.5)) and math.isnan(unknown.moment()) and math.isnan(unknown.cdf(1.0))
    assert math.isnan(HalfSpace([1.0], 1.0).distance_law().quantile(math.nan))
    law = DistanceLaw(HalfSpace([1.0], 1.0), center=[0.5], sigma=2)
    assert repr(law) == "DistanceLaw(HalfSpace(normal=[1.0], offset=1.0), sigma=2.0)"
    assert law.cdf(np.zeros((2, 0))).shape == (2, 0) and isinstance(law.cdf(1.0), float)
    # A later change of the caller's center does not reach the law.
    center = np.array([0.5])
    law = HalfSpace([1.0], 1.0).distance_law(center)
    before = law.cdf(0.0)
    center[0] = 9.0
    assert law.cdf(0.0) == before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.distance_law(sigma=0.0), ValueError, r"sigma=0\.0 must be > 0"),
        (lambda s: s.distance_law(sigma=INF), ValueError, "must be one finite number > 0"),
        (lambda s: s.distance_law(sigma=math.nan), ValueError, "must be one finite number > 0"),
        (lambda s: s.distance_law(sigma=[1.0, 2.0]), ValueError, "must be one finite number > 0"),
        (lambda s: s.distance_law().quantile(0.0), ValueError, r"q=0\.0 must be in \(0, 1\)"),
        (lambda s: s.distance_law().quantile(1.5), ValueError, r"q=1\.5 must be in \[0, 1\]"),
        (lambda s: s.distance_law().quantile([0.5, 1.0]), ValueError, r"q has 1 entry .* q\[1\]=1\.0"),
        (lambda s: s.distance_law().moment(0), ValueError, "power=0 must be >= 1"),
        (lambda s: s.distance_law().moment(1.0), TypeError, "power=1.0 must be an integer"),
        (lambda s: s.distance_law().cdf(-1.0), ValueError, r"eps=-1\.0 must be >= 0"),
        (lambda s: s.distance_law([1.0, 2.0]).cdf(1.0), ValueError, "center has shape"),
        (lambda s: Box([0.0, 0.0], [1.0, 1.0]).distance_law(), NotExact, "Box has no exact measure"),
    ],
)  # fmt: skip
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call(HalfSpace([1.0], 1.0))


def test_many_levels_at_once():
    law = HalfSpace([1.0], 2.0).distance_law()
    levels = [[0.01, 0.5], [0.9, math.nan]]
    found = law.quantile(levels)
    assert found.shape == (2, 2) and math.isnan(found[1, 1])
    assert found.ravel()[:3].tolist() == [law.quantile(q) for q in (0.01, 0.5, 0.9)]
