from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    HALFSPACE_DISTANCE,
    HALFSPACE_RATE,
    error_rate_at_sigma,
    half_space_of_measure,
    halfspace_distance,
    log_error_rate_at_sigma,
)
from isoperimetry.sets import Complement, HalfSpace, Slab
from isoperimetry.special import log_ndtr
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_theorem, assert_ulp
from isoperimetry.testing.strategies import dims, error_rates, log_error_rates, sigmas

# -Phi^-1(10**-k), k = 1..20, from two methods that agree to 35 digits.
POWERS_OF_TEN = """
1.28155156554460046697 2.32634787404084110089 3.09023230616781354154 3.71901648545568056439 4.26489079392282462850
4.75342430882289894819 5.19933758219281693159 5.61200124417478873155 5.99780701500768687156 6.36134090240405620470
6.70602315549513628727 7.03448382530113192981 7.34879610280067751754 7.65062809293526881642 7.94134532617099678097
8.22208221613043561268 8.49379322410959807444 8.75729034878231506388 9.01327115312667428126 9.26234008979840757372
""".split()


def half_spaces(sigma=1.0):
    normals = st.tuples(dims(max_dim=784), st.integers(0, 999)).map(
        lambda pair: np.random.default_rng(pair[1]).standard_normal(pair[0])
    )
    return st.builds(HalfSpace, normals, st.floats(-8, 40).map(lambda offset: offset * sigma))


@pytest.mark.parametrize(
    ("form", "value"),
    [("mu", mu) for mu in (5e-324, 1e-300, 1e-20, 0.01, 0.25, 0.4999, 0.5001, 0.75, 0.99, 1 - 2**-53)]
    + [("accuracy", rate) for rate in (1e-300, 1e-5, 0.3, 0.99)]
    + [("log_mu", log) for log in (-1e300, -1e16, -1e6, -4.6e5, -745.0, -2.0, -0.694, -0.693, -0.1, -1e-20, -1e-300)]
    + [("log_accuracy", log) for log in (-1e6, -1.0, -1e-9)],
)
def test_table(form, value):
    # One ulp for the probit, half for the product.
    assert_ulp(
        halfspace_distance(**{form: value}, sigma=0.1), reference.halfspace_distance(**{form: value}, sigma=0.1), 2
    )


def test_table_of_published_decimals():
    assert [halfspace_distance(10.0**-k) for k in range(1, 21)] == pytest.approx(
        list(map(float, POWERS_OF_TEN)), rel=1e-15
    )
    assert halfspace_distance(1e-300) == pytest.approx(37.047096299361199237, rel=1e-15)
    assert halfspace_distance(log_mu=-1e6) == pytest.approx(1414.2077829910173270, rel=1e-15)
    assert halfspace_distance(log_mu=-1e12) == pytest.approx(1414213.5623624311554, rel=1e-15)
    assert halfspace_distance(accuracy=0.001) == pytest.approx(-3.0902323061678135415, rel=1e-15)
    assert halfspace_distance(log_mu=-1e-20) == -halfspace_distance(1e-20)
    assert error_rate_at_sigma(0.01, 1.0, 2.0) == pytest.approx(0.12237946934590258729, rel=1e-14)
    assert log_error_rate_at_sigma(0.01, 1.0, 0.5) == pytest.approx(-13.321962907302467827, rel=1e-14)
    assert log_error_rate_at_sigma(0.01, 0.3, 0.03) == pytest.approx(-274.66238410359428633, rel=1e-14)


@given(st.data(), sigmas())
def test_equality_on_extremal(data, sigma):
    half_space = data.draw(half_spaces(sigma))
    distance = half_space.signed_distance(np.zeros(half_space.dim))
    assert halfspace_distance(log_mu=half_space.log_volume(sigma=sigma), sigma=sigma) == pytest.approx(
        distance, rel=1e-12, abs=1e-15 * sigma
    )
    made = half_space_of_measure(log_mu=half_space.log_volume(sigma=sigma), sigma=sigma, dim=3)
    assert made.log_volume(sigma=sigma) == pytest.approx(half_space.log_volume(sigma=sigma), rel=1e-12)


@given(st.data(), sigmas())
def test_holds(data, sigma):
    half_space = data.draw(half_spaces(sigma))
    center = sigma * np.random.default_rng(data.draw(st.integers(0, 99))).standard_normal(half_space.dim)
    for error_set in (half_space, Complement(half_space)):
        assert_theorem(HALFSPACE_DISTANCE, error_set, center=center, sigma=sigma)
        assert_theorem(HALFSPACE_RATE, error_set, center=center, sigma=sigma)


@given(error_rates(), log_error_rates(), sigmas(), st.integers(-20, 20))
def test_laws(mu, log_mu, sigma, power):
    distance = halfspace_distance(mu, sigma)
    assert halfspace_distance(accuracy=mu, sigma=sigma) == -distance + 0.0
    assert halfspace_distance(mu, 2.0**power * sigma) == 2.0**power * distance
    assert halfspace_distance(log_mu=log_mu, sigma=sigma) > halfspace_distance(log_mu=log_mu * (1 - 1e-9), sigma=sigma)
    assert halfspace_distance(log_mu=math.log(mu)) == pytest.approx(distance / sigma, rel=1e-13, abs=4e-16 / (1 - mu))
    assert log_ndtr(-halfspace_distance(log_mu=log_mu, sigma=sigma) / sigma) == pytest.approx(log_mu, rel=3e-12)
    assert error_rate_at_sigma(mu, sigma, sigma) == mu
    assert error_rate_at_sigma(mu, sigma, 1e300) == pytest.approx(0.5)
    # There and back over a third scale, and the distance does not notice.
    log_new = log_error_rate_at_sigma(log_mu=log_mu, sigma=sigma, sigma_new=0.7 * sigma)
    if log_new < -1e-300:
        there = log_error_rate_at_sigma(log_mu=log_new, sigma=0.7 * sigma, sigma_new=3 * sigma)
        assert there == pytest.approx(log_error_rate_at_sigma(log_mu=log_mu, sigma=1, sigma_new=3), rel=1e-11)
        moved = halfspace_distance(log_mu=log_new, sigma=0.7 * sigma)
        assert moved == pytest.approx(halfspace_distance(log_mu=log_mu, sigma=sigma), rel=1e-12)


def test_limits():
    inf = math.inf
    assert halfspace_distance(0.0) == halfspace_distance(log_mu=-inf) == halfspace_distance(accuracy=1) == inf
    assert halfspace_distance(1.0) == halfspace_distance(log_mu=0.0) == halfspace_distance(log_accuracy=-inf) == -inf
    assert math.copysign(1, halfspace_distance(0.5)) == math.copysign(1, halfspace_distance(accuracy=0.5)) == 1
    assert halfspace_distance(0.5) == halfspace_distance(0.5, inf) == 0
    assert halfspace_distance([0.0, 1.0], 0.0).tolist() == [inf, -inf]
    assert halfspace_distance([0.0, 0.3, 0.7, 1.0], inf).tolist() == [inf, inf, -inf, -inf]
    assert halfspace_distance(5e-324) < 38.5 and halfspace_distance(1 - 2**-53) == pytest.approx(-8.2095, abs=1e-4)
    assert error_rate_at_sigma([0.0, 1.0], 0.0, [[0.0], [1.0], [inf]]).tolist() == [[0, 1]] * 3
    assert error_rate_at_sigma([0.3, 0.5, 0.7], 1.0, 0.0).tolist() == [0, 1, 1]  # the closed boundary is an error
    assert error_rate_at_sigma([0.3, 0.5, 0.7], inf, 1.0).tolist() == [0, 0.5, 1]
    assert error_rate_at_sigma([0.3, 0.5, 0.7], 1.0, inf).tolist() == [0.5, 0.5, 0.5]
    assert error_rate_at_sigma(0.3, inf, inf) == 0.3
    assert log_error_rate_at_sigma([0.0, 0.3, 1.0], 1.0, 0.0).tolist() == [-inf, -inf, 0]
    assert half_space_of_measure(0.0).volume() == 0 and half_space_of_measure(1.0).volume() == 1
    with pytest.raises(ValueError, match="dim=0 must be >= 1"):
        half_space_of_measure(0.1, dim=0)
    with pytest.raises(ValueError, match=r"sigma_new=-1\.0 must be >= 0"):
        error_rate_at_sigma(0.1, 1.0, -1.0)


def test_assumptions_matter():
    # The errors of a slab are farther from its center than the formula says, those of a strip nearer.
    outside, strip = Complement(Slab([1.0], 0.0, 2.0)), Slab([1.0], 1.1, 0.1)
    assert outside.signed_distance([0.0]) > 1.1 * halfspace_distance(outside.volume())
    assert 0 < strip.signed_distance([0.0]) < 0.7 * halfspace_distance(strip.volume())
    assert strip.volume(sigma=3.0) < 0.5 * error_rate_at_sigma(strip.volume(), 1.0, 3.0)
    with pytest.raises(ValueError, match=r"does not apply to Slab.*half-space"):
        assert_theorem(HALFSPACE_DISTANCE, strip)


def test_clean_image_counterexample():
    # Errors outside a ball around the center, n = 300, sigma = 1/4, mu = 1 %: 4.74 away, where the formula says 0.58.
    with mpmath.workdps(30):
        outside = mpmath.gammainc(150, (4.74 / 0.25) ** 2 / 2, regularized=True)
    assert float(outside) == pytest.approx(0.01, rel=0.05)
    assert halfspace_distance(0.01, 0.25) == pytest.approx(0.5816, abs=1e-4)
