from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    SMOOTHING_RADIUS,
    SMOOTHING_RADIUS_LAPLACE,
    SMOOTHING_RADIUS_UNIFORM,
    certified_radius,
    certified_radius_laplace,
    certified_radius_uniform,
    enlargement,
    halfspace_distance,
)
from isoperimetry.sets import Ball, HalfSpace, Slab
from isoperimetry.special import ndtr, ndtri, ndtri_exp
from isoperimetry.testing import reference
from isoperimetry.testing.strategies import error_rates, sigmas

RADII = [(certified_radius, "sigma"), (certified_radius_laplace, "scale"), (certified_radius_uniform, "half_width")]
rates = st.floats(1e-12, 1 - 1e-12)


def laplace_cdf(x):
    return math.exp(x) / 2 if x < 0 else 1 - math.exp(-x) / 2


def teng(p_a, p_b):
    return max(math.log(p_a / p_b) / 2, -math.log(1 - p_a + p_b))


@pytest.mark.parametrize(("function", "name"), RADII)
@pytest.mark.parametrize(
    "arguments",
    [{"p_a": 0.99}, {"p_a": 0.5001}, {"p_a": 0.3}, {"p_a": 0.9, "p_b": 0.05}, {"p_a": 0.4, "p_b": 0.35},
     {"p_a": 0.7, "p_b": 0.6}, {"p_a": 0.6, "p_b": 1e-20}, {"error_rate": 1e-30}, {"log_error_rate": -1e4},
     {"log_error_rate": -1e-3}, {"error_rate": 1e-3, "p_b": 1e-5}],
)  # fmt: skip
def test_table(function, name, arguments):
    expected = float(getattr(reference, function.__name__)(**arguments, **{name: 0.25}, digits=20))
    assert function(**arguments, **{name: 0.25}) == pytest.approx(expected, rel=1e-14, abs=1e-16)


def test_table_of_published_decimals():
    assert certified_radius(0.99, sigma=0.25) == pytest.approx(0.58158696851021027522, rel=1e-14)
    assert certified_radius(0.9, 0.05, sigma=0.5) == pytest.approx(0.73160129812401829546, rel=1e-14)
    assert certified_radius_laplace(0.99, scale=1.0) == pytest.approx(3.9120230054281460586, rel=1e-14)
    assert certified_radius_laplace(0.9, 0.05, scale=1.0) == pytest.approx(1.9560115027140730293, rel=1e-14)
    assert teng(0.9, 0.05) == pytest.approx(1.8971199848858813020, rel=1e-14)
    assert certified_radius_uniform(0.99, half_width=1.0) == pytest.approx(0.98, rel=1e-14)


@given(error_rates(high=0.499), sigmas())
def test_equality_on_extremal(mu, sigma):
    """For a half-space of errors the center may move exactly so far until both classes are as likely."""
    half_space = SMOOTHING_RADIUS.extremal(mu, sigma, dim=2)
    radius = certified_radius(error_rate=mu, sigma=sigma)
    assert half_space.volume(center=[radius, 0.0], sigma=sigma) == pytest.approx(0.5, abs=1e-13)
    assert radius == half_space.offset


@given(st.floats(1e-6, 0.499), st.floats(0.1, 5.0))
def test_equality_on_the_half_spaces_of_the_other_noises(mu, length):
    beyond = SMOOTHING_RADIUS_LAPLACE.extremal(mu, length, dim=2).offset
    assert certified_radius_laplace(error_rate=mu, scale=length) == pytest.approx(beyond, rel=1e-14)
    assert laplace_cdf(-beyond / length) == pytest.approx(mu, rel=1e-12)  # its measure at the center
    beyond = SMOOTHING_RADIUS_UNIFORM.extremal(mu, length, dim=2).offset
    assert certified_radius_uniform(error_rate=mu, half_width=length) == pytest.approx(beyond, rel=1e-14)
    assert (length - beyond) / (2 * length) == pytest.approx(mu, rel=1e-9)


@given(st.floats(-2.0, 2.0), st.floats(0.1, 2.0), st.floats(0.0, 3.0), st.floats(0.3, 3.0))
def test_probit_of_a_smoothed_classifier_is_lipschitz(place, size, step, sigma):
    half_space, slab = HalfSpace([3.0, 4.0], place), Slab([1.0, 0.0], place, size)
    move = np.array([0.6, 0.8]) * step
    for error_set in (half_space, slab, Ball([place, 0.5], size)):
        here, there = (ndtri_exp(float(error_set.log_volume(center=c, sigma=sigma))) for c in ([0.0, 0.0], move))
        assert abs(here - there) <= step / sigma + 1e-9
        if error_set is half_space:
            assert there - here == pytest.approx(step / sigma, abs=1e-11)


@given(rates, rates, rates)
def test_laws(first, second, third):
    low, high = sorted((first, second))
    assert certified_radius(high) == pytest.approx(max(0.0, halfspace_distance(1 - high)), rel=1e-9, abs=1e-9)
    assert certified_radius(error_rate=low) == max(0.0, halfspace_distance(low))
    for function, name in RADII:
        unit = {name: 0.5}
        assert function(first, first, **unit) == 0
        assert min(function(first, second, **unit), function(second, first, **unit)) == 0
        assert function(low, third, **unit) <= function(high, third, **unit)
        assert function(third, low, **unit) >= function(third, high, **unit)
        assert function(high, 1 - high, **unit) == pytest.approx(function(high, **unit), rel=1e-12, abs=1e-15)
        assert function(low, **{name: 2.0}) == 4 * function(low, **unit)
        assert function(error_rate=1 - high, **unit) == pytest.approx(function(high, **unit), rel=1e-3, abs=1e-14)
        assert function(log_error_rate=math.log(low), **unit) == pytest.approx(
            function(error_rate=low, **unit), rel=1e-13, abs=1e-15
        )
    # linear in the rate
    assert certified_radius_uniform(high, low, half_width=3.0) == pytest.approx(3 * (high - low), rel=1e-12, abs=1e-15)


@given(rates, rates)
def test_laplace_radius_is_at_least_the_published_one(first, second):
    p_b, p_a = sorted((first, second))
    assume(p_a + p_b <= 1)
    assert certified_radius_laplace(p_a, p_b, scale=1.0) >= teng(p_a, p_b) * (1 - 1e-9) - 1e-12
    if p_a > 0.5:
        assert certified_radius_laplace(p_a, 1 - p_a, scale=1.0) == pytest.approx(
            certified_radius_laplace(p_a, scale=1.0), rel=1e-14, abs=1e-16
        )


def test_limits():
    inf = math.inf
    for function, name in RADII:
        unit = {name: 1.0}
        top = 1.0 if name == "half_width" else inf
        assert function([0.0, 0.5, 1.0], **unit).tolist() == [0, 0, top]
        assert function(1.0, 1.0, **unit) == function(0.0, 0.0, **unit) == 0
        assert function(error_rate=[0.0, 1.0], **unit).tolist() == [top, 0]
        assert function(log_error_rate=[-inf, 0.0], **unit).tolist() == [top, 0]
        assert function([0.3, 0.7], **{name: 0.0}).tolist() == [0, 0]
        assert function([0.3, 0.7], **{name: inf}).tolist() == [0, inf]
        assert np.isnan(function([math.nan, 0.7, 0.7], [0.1, math.nan, 0.1], **{name: [1, 1, math.nan]})).all()
        assert math.isnan(function(math.nan, **unit)) and function([], **unit).shape == (0,)
        with pytest.raises(TypeError, match="given as p_a and error_rate: pass exactly one"):
            function(0.9, error_rate=0.1, **unit)
        with pytest.raises(TypeError, match="given as nothing"):
            function(**unit)
        for key in ("p_a", "p_b", "error_rate"):
            with pytest.raises(ValueError, match=rf"{key}=1\.7 must be in \[0, 1\]"):
                function(**({"p_a": 0.9} if key == "p_b" else {}), **{key: 1.7}, **unit)
        with pytest.raises(ValueError, match=f"{name}=-1.0 must be >= 0"):
            function(0.9, **{name: -1.0})
    assert certified_radius(log_error_rate=-1e300) == pytest.approx(math.sqrt(2e300), rel=1e-12)
    assert certified_radius_laplace(log_error_rate=-1e300, scale=1.0) == 1e300


def test_assumptions_matter():
    """Narrower noise than claimed: the smoothed classifier changes its mind before the radius is reached."""
    radius = certified_radius(error_rate=0.01, sigma=1.0)
    wall = HalfSpace([1.0], halfspace_distance(0.01, sigma=0.5))
    assert wall.volume(sigma=0.5) == pytest.approx(0.01) and wall.volume(center=[radius], sigma=0.5) > 0.5


def test_slope_of_the_smoothed_classifier():
    """1 / (sigma sqrt(2 pi)) is attained by a half-space through the center; half of sqrt(2 / pi), which is loose."""
    h = 1e-4
    slope = (ndtr(h) - ndtr(-h)) / (2 * h)
    least = 1 / math.sqrt(2 * math.pi)
    assert slope == pytest.approx(least, rel=1e-8) and slope > 0.999 * least
    signed = ((2 * ndtr(h) - 1) - (2 * ndtr(-h) - 1)) / (2 * h)  # the same half-space with values in [-1, 1]
    assert signed == pytest.approx(math.sqrt(2 / math.pi), rel=1e-8) and signed > least


def test_no_larger_laplace_radius_for_two_classes():
    """The half-space is as likely as not at the radius; the published one for p_b < 1 - p_a can be enlarged."""
    wall = SMOOTHING_RADIUS_LAPLACE.extremal(0.01, 1.0)
    radius = certified_radius_laplace(0.99, scale=1.0)
    assert laplace_cdf(radius * (1 + 1e-9) - wall.offset) > 0.5 >= laplace_cdf(radius * (1 - 1e-9) - wall.offset)
    assert teng(0.99, 0.01) == pytest.approx(radius, rel=1e-14)
    assert certified_radius_laplace(0.9, 0.05, scale=1.0) > teng(0.9, 0.05) + 0.05


def test_duality_with_the_enlargement():
    """As far as a center must move to be wrong half the time, half of the noisy samples are at most from errors."""
    assert enlargement(0.01, certified_radius(error_rate=0.01)) == pytest.approx(0.5, abs=1e-15)
    assert certified_radius(0.99) == pytest.approx(-ndtri(0.01), rel=1e-13)
