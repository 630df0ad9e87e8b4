from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    GAUSSIAN_MEAN_DISTANCE,
    GAUSSIAN_SECOND_MOMENT,
    half_space_of_measure,
    log_mean_distance_bound,
    mean_distance_bound,
    median_distance_bound,
    quantile_distance_bound,
    second_moment_distance_bound,
)
from isoperimetry.special import log_ndtr, ndtr
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_theorem, assert_ulp
from isoperimetry.testing.strategies import error_rates, error_sets, log_error_rates, sigmas

RATES = (
    [("mu", mu) for mu in (1e-300, 1e-17, 0.01, 0.3, 0.5, 0.6, 0.9, 0.97, 0.978, 0.999)]
    + [("accuracy", rate) for rate in (1e-300, 1e-20, 1e-5, 0.0227, 0.0228, 0.1)]
    + [("log_mu", log) for log in (-1e300, -1e6, -3.0, -0.694, -0.1, -1e-5, -1e-300)]
    + [("log_accuracy", log) for log in (-700.0, -100.0, -4.0, -0.7)]
)


@pytest.mark.parametrize(("form", "value"), RATES)
def test_table(form, value):
    # The factor 1 - mu is as good as the input; a tail of size exp(y) from y = log keeps |y| ulp of the log.
    rate, size = {form: value}, 8 + (abs(value) if form.startswith("log") and value > -750 else 0)
    given = {**rate, "digits": 30}
    assert_ulp(mean_distance_bound(**rate), reference.mean_distance_bound(**given), size)
    conditional = reference.mean_distance_bound(**given, conditional=True)
    assert_ulp(mean_distance_bound(**rate, conditional=True), conditional, 8)
    assert_ulp(log_mean_distance_bound(**rate), reference.log_mean_distance_bound(**given), 4, absolute=4e-15)
    assert_ulp(log_mean_distance_bound(**rate, conditional=True), mpmath.log(conditional), 4, absolute=4e-15)
    # Twenty ulp where 1 + x^2 - x / M(x) is taken as it stands, up to x = 2.
    square = reference.second_moment_distance_bound(**given)
    assert_ulp(second_moment_distance_bound(**rate), square, size + 20)
    if form != "log_accuracy" and value not in (1e-300, -1e-300, -1e300):
        with mpmath.workdps(40):
            accuracy = 1 - {"mu": mpmath.mpf, "accuracy": lambda x: 1 - mpmath.mpf(x), "log_mu": mpmath.exp}[form](
                value
            )
            assert_ulp(second_moment_distance_bound(**rate, conditional=True), square / accuracy, 30)


def test_table_of_published_decimals():
    assert mean_distance_bound(0.01, 0.1) == pytest.approx(0.23297365375038907380, rel=1e-14)
    assert mean_distance_bound(0.3) == pytest.approx(0.71477297309570231196, rel=1e-14)
    assert mean_distance_bound(accuracy=0.001) == pytest.approx(0.00027685777089617689015, rel=1e-14)
    assert log_mean_distance_bound(log_accuracy=log_ndtr(-20.0)) == pytest.approx(-206.91783850942509785, rel=1e-14)
    assert log_mean_distance_bound(log_accuracy=log_ndtr(-1000.0)) == pytest.approx(-500014.73445209115845, rel=1e-14)
    assert second_moment_distance_bound(0.01) == pytest.approx(6.4097776410974464901, rel=1e-14)
    assert mean_distance_bound(0.01, conditional=True) == pytest.approx(2.3532692298019098364, rel=1e-14)


@given(error_rates(low=1e-12, high=1 - 1e-9), sigmas(low=1e-3, high=1e3))
def test_equality_on_extremal(mu, sigma):
    half_space = half_space_of_measure(mu, sigma)
    t = sigma * np.linspace(0, 60, 60_001)
    survival = 1 - np.asarray(half_space.enlarged_volume(t, sigma=sigma))
    # The trapezoidal rule with its correction at the left end, where the integrand does not vanish smoothly.
    h, slope = t[1], (survival[1] - survival[0]) / t[1]
    mean = h * (survival.sum() - survival[0] / 2) + h * h / 12 * slope
    assert mean_distance_bound(mu, sigma) == pytest.approx(mean, rel=1e-7, abs=1e-9 * sigma)
    square = 2 * h * (t * survival).sum() + h * h / 6 * survival[0]
    assert second_moment_distance_bound(mu, sigma) == pytest.approx(square, rel=1e-7, abs=1e-9 * sigma**2)


@given(st.data(), sigmas())
def test_holds(data, sigma):
    error_set = data.draw(error_sets(scale=sigma))
    assert_theorem(GAUSSIAN_MEAN_DISTANCE, error_set, sigma=sigma)
    assert_theorem(GAUSSIAN_SECOND_MOMENT, error_set, sigma=sigma)


@given(error_rates(), error_rates(low=1e-12), log_error_rates(), st.integers(-20, 20))
@example(mu=1.713908431542013e-15, medium=0.5, log_mu=-1.0, power=0)
@example(mu=1e-16, medium=0.5, log_mu=-1.0, power=0)
def test_laws(mu, medium, log_mu, power):
    mean, a = mean_distance_bound(mu), quantile_distance_bound(mu, q=0.5)
    assert mean >= a and mean >= 0
    if 1e-13 < mu:  # the difference is mu / a
        assert mean > a
    assert mean_distance_bound(mu, 2.0**power) == 2.0**power * mean
    assert second_moment_distance_bound(mu, 2.0**power) == 4.0**power * second_moment_distance_bound(mu)
    if mu <= 0.5:
        assert mean - mean_distance_bound(accuracy=mu) == pytest.approx(a, abs=1e-15 * (1 + a))
        assert second_moment_distance_bound(mu) + second_moment_distance_bound(accuracy=mu) == pytest.approx(
            1 + a * a, rel=1e-14
        )
    assert second_moment_distance_bound(mu) >= mean * mean * (1 - 1e-14)
    assert mean_distance_bound(mu, conditional=True) * (1 - mu) == pytest.approx(mean, rel=1e-14)
    assert second_moment_distance_bound(mu, conditional=True) * (1 - mu) == pytest.approx(
        second_moment_distance_bound(mu), rel=1e-14
    )
    assert log_mean_distance_bound(mu, 3.0) == pytest.approx(math.log(3 * mean), abs=1e-13)
    assert mean_distance_bound(mu / 2) >= mean
    assert log_mean_distance_bound(log_mu=log_mu) >= log_mean_distance_bound(log_mu=log_mu / 2)
    # Convex in the error rate.
    middle = mean_distance_bound((mu + medium) / 2)
    assert middle <= (mean + mean_distance_bound(medium)) / 2 * (1 + 1e-12)


@pytest.mark.parametrize("mu", [1e-6, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_the_mean_is_the_integral_of_the_quantiles(mu):
    nodes, weights = np.polynomial.legendre.leggauss(60)
    start = -median_distance_bound(mu) if mu < 0.5 else median_distance_bound(accuracy=mu)
    u = start + (8.2 - start) * (nodes + 1) / 2  # q = Phi(u), from q = mu on
    density = np.exp(-u * u / 2) / math.sqrt(2 * math.pi) * (8.2 - start) / 2
    integral = weights @ (quantile_distance_bound(mu, q=ndtr(u)) * density)
    assert mean_distance_bound(mu) == pytest.approx(integral, abs=1e-8)


def test_limits():
    inf = math.inf
    for conditional in (False, True):
        for sigma in (0.0, 1.0, inf):
            for function in (mean_distance_bound, second_moment_distance_bound):
                assert function([0.0, 1.0], sigma, conditional=conditional).tolist() == [inf, 0]
            logs = log_mean_distance_bound([0.0, 1.0], sigma, conditional=conditional)
            assert logs.tolist() == [inf, -inf]
        assert mean_distance_bound([0.3, 0.5, 0.7], inf, conditional=conditional).tolist() == [inf] * 3
        assert log_mean_distance_bound(0.7, inf, conditional=conditional) == inf
    assert mean_distance_bound(0.5) == pytest.approx(1 / math.sqrt(2 * math.pi), rel=1e-15)
    assert second_moment_distance_bound(0.5) == 0.5
    assert mean_distance_bound(1e-300) == median_distance_bound(1e-300)
    assert second_moment_distance_bound(log_mu=-1e300) == pytest.approx(2e300, rel=1e-15)
    assert second_moment_distance_bound(0.01, 1e-200) == 0.0  # underflow, not NaN
    assert log_mean_distance_bound(log_accuracy=-1e300) == pytest.approx(-1e300, rel=1e-15)
    assert mean_distance_bound(log_accuracy=-1e300) == 0.0


def test_assumptions_matter():
    # One rate for several inputs: a tenth always wrong, the others never; the true mean is infinite.
    assert mean_distance_bound(0.1) < 1.4 and np.mean(mean_distance_bound([1.0] + 9 * [0.0])) == math.inf
    # A distribution that is not Gaussian: mass 0.1 in the set, the rest 5 away from it.
    assert 0.9 * 5 > 3 * mean_distance_bound(0.1)
    # Among the samples outside only the conditional bound holds: a half-space attains it.
    assert mean_distance_bound(0.4, conditional=True) > 1.6 * mean_distance_bound(0.4)
