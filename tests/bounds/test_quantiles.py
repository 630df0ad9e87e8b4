from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    GAUSSIAN_DISTANCE,
    halfspace_distance,
    mean_distance_bound,
    median_distance_bound,
    quantile_distance_bound,
    required_error_rate,
)
from isoperimetry.sets import Complement, HalfSpace, Slab
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_theorem, assert_ulp
from isoperimetry.testing.strategies import error_rates, error_sets, log_error_rates, sigmas

levels = st.floats(0.001, 0.999)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize(
    ("form", "value"),
    [("mu", mu) for mu in (1e-300, 1e-17, 0.01, 0.3, 0.4999, 0.5001, 0.8, 0.99)]
    + [("accuracy", rate) for rate in (1e-300, 1e-9, 0.03)]
    + [("log_mu", log) for log in (-1e300, -1e6, -3.0, -0.693, -1e-9)]
    + [("log_accuracy", log) for log in (-1e12, -1e6, -30.0, -0.694)],
)
def test_table(form, value, q, conditional):
    actual = quantile_distance_bound(**{form: value}, q=q, conditional=conditional)
    truth = reference.quantile_distance_bound(**{form: value}, q=q, conditional=conditional, digits=30)
    # A difference of two probits; the conditional one at mu > 1/2 is found by itself, to 1 / |log(1 - q)| ulp.
    assert_ulp(actual, truth, 4 + 4 / -math.log1p(-q), absolute=1e-15)


def test_table_of_published_decimals():
    assert quantile_distance_bound(0.01, q=0.9) == pytest.approx(3.6078994395854415679, rel=1e-14)
    assert quantile_distance_bound(0.01, 0.3, q=0.1) == pytest.approx(0.3 * 1.0447963084962406339, rel=1e-14)
    assert quantile_distance_bound(0.3, q=0.25) == 0
    assert median_distance_bound(0.01, conditional=True) == pytest.approx(2.3388813435489103640, rel=1e-14)
    assert quantile_distance_bound(0.2, q=0.9, conditional=True) == pytest.approx(2.2466927938825467611, rel=1e-14)
    # The lower limit of 10 errors in 1000 draws at level 0.025, where the audit's example starts.
    low = 0.0048055106910493071916
    assert median_distance_bound(low) == pytest.approx(2.5895186599142424065, rel=1e-14)
    assert median_distance_bound(low, conditional=True) == pytest.approx(2.5955415108130418109, rel=1e-14)


@given(error_rates(high=0.99), levels, st.booleans(), sigmas())
def test_equality_on_extremal(mu, q, conditional, sigma):
    half_space = GAUSSIAN_DISTANCE.extremal(mu, sigma, dim=2)
    eps = quantile_distance_bound(mu, sigma, q=q, conditional=conditional)
    level = mu + (1 - mu) * q if conditional else max(q, mu)
    assert half_space.enlarged_volume(eps, sigma=sigma) == pytest.approx(level, rel=1e-12)


@given(st.data(), sigmas())
def test_holds(data, sigma):
    assert_theorem(GAUSSIAN_DISTANCE, data.draw(error_sets(scale=sigma)), sigma=sigma)


@given(st.data())
def test_only_half_spaces_attain_it(data):
    error_set = data.draw(error_sets(half_spaces=False, kinds=("slab",)))
    mu = error_set.volume()
    if 1e-6 < mu < 0.4:
        eps = median_distance_bound(mu)
        # The slabs of this width are the nearest to half-spaces: what lies beyond them has measure 1e-15 and less.
        assert error_set.enlarged_volume(eps) >= 0.5 - 1e-12
        if isinstance(error_set, Complement):
            inner = error_set.error_set
            if abs(inner.center_offset) + inner.half_width < 4:
                assert error_set.enlarged_volume(eps) > 0.5 + 1e-6


@given(error_rates(), log_error_rates(), levels, levels, sigmas())
def test_laws(mu, log_mu, first, second, sigma):
    low, high = sorted((first, second))
    assert median_distance_bound(mu, sigma) == quantile_distance_bound(mu, sigma, q=0.5)
    assert median_distance_bound(mu, sigma) == max(0.0, halfspace_distance(mu, sigma))
    assert quantile_distance_bound(mu, q=low) <= quantile_distance_bound(mu, q=high)
    assert quantile_distance_bound(mu, 8 * sigma, q=low) == 8 * quantile_distance_bound(mu, sigma, q=low)
    assert quantile_distance_bound(low, q=low) == quantile_distance_bound(high, q=low) == 0
    assert quantile_distance_bound(low, q=high) > 0 or high < low * (1 + 1e-12)
    # Among the samples outside it is larger, by nothing that a double sees for tiny mu, and falls with mu too.
    inside = quantile_distance_bound(log_mu=log_mu, q=low)
    outside = quantile_distance_bound(log_mu=log_mu, q=low, conditional=True)
    assert outside >= inside
    if -30 < log_mu < -1e-6 and low > 0.01:
        assert outside > inside
        assert median_distance_bound(log_mu=log_mu / 2, conditional=True) <= median_distance_bound(
            log_mu=log_mu, conditional=True
        ) * (1 + 1e-14)
    # Conditioning is a quantile of a higher level among all.
    if mu < 0.9:
        level = mu + (1 - mu) * low
        assert quantile_distance_bound(mu, q=low, conditional=True) == pytest.approx(
            quantile_distance_bound(mu, q=level), rel=1e-9, abs=1e-11
        )


@given(st.floats(0, 8), st.floats(0.01, 0.99), sigmas())
def test_inverse_of_the_required_rate(length, fraction, sigma):
    required = required_error_rate(length * sigma, sigma, robust_fraction=fraction)
    back = quantile_distance_bound(required, sigma, q=1 - fraction)
    assert back == pytest.approx(length * sigma, abs=1e-13 * sigma)


def test_limits():
    inf = math.inf
    assert median_distance_bound([0.0, 0.5, 0.7, 1.0]).tolist() == [inf, 0, 0, 0]
    assert median_distance_bound([0.0, 0.3, 0.5, 0.7, 1.0], inf).tolist() == [inf, inf, 0, 0, 0]
    assert median_distance_bound([0.0, 1.0], 0.0).tolist() == [inf, 0]
    assert median_distance_bound([0.0, 1.0], conditional=True).tolist() == [inf, 0]
    assert median_distance_bound([0.0, 1.0], 0.0, conditional=True).tolist() == [inf, 0]
    assert math.copysign(1, median_distance_bound(0.5)) == 1 == math.copysign(1, median_distance_bound(0.7))
    assert median_distance_bound(0.7, inf, conditional=True) == inf
    # 1 - mu = exp(-1e300): the samples outside are log(2) / |z| from the set.
    deep = median_distance_bound(log_accuracy=-1e300, conditional=True)
    assert deep == pytest.approx(math.log(2) / math.sqrt(2e300), rel=1e-14)
    for q in (0.0, 1.0, -0.1, 1.1):
        with pytest.raises(ValueError, match=f"q={q}"):
            quantile_distance_bound(0.1, q=q)
    with pytest.raises(ValueError, match=r"the first is q\[1\]=1\.0"):
        quantile_distance_bound(0.1, q=[0.5, 1.0])


def test_assumptions_matter():
    # Noise twice as wide along the normal: the median of a half-space is beyond the bound for the narrower scale.
    normal, sigma = np.array([1.0, 0.0]), np.array([2.0, 1.0])
    half_space = HalfSpace(normal, 2.0 * halfspace_distance(0.01))
    noise = sigma * np.random.default_rng(1).standard_normal((20_000, 2))
    distances = np.maximum(half_space.signed_distance(noise), 0.0)
    assert np.median(distances) > 1.9 * median_distance_bound(0.01, 1.0)
    # The mean is not bounded by the median bound, and neither is the center: a thin shell of errors far out.
    assert mean_distance_bound(0.3) > 1.3 * median_distance_bound(0.3)
    outside = Complement(Slab([1.0], 0.0, 3.0))
    assert outside.signed_distance([0.0]) > median_distance_bound(outside.volume())
