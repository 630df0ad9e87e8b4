from __future__ import annotations

import math

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from isoperimetry.kernels import remainders

EPS = 2.0**-52


def check(value: float, truth: mp.mpf, ulp: float) -> None:
    assert abs(value - truth) <= ulp * EPS * abs(truth) + 5e-324


@given(
    st.floats(-0.999, 10.0).filter(lambda u: abs(u) > 1e-150 or not u) | st.floats(-15.0, 0.0).map(lambda e: 10.0**e)
)
def test_log1p_remainder(u: float) -> None:
    with mp.workdps(400):
        for form in (remainders.log1p_remainder, remainders.log1p_remainder.py_func):
            check(form(u), mp.mpf(u) - mp.log1p(mp.mpf(u)), 6)


@given(
    st.floats(-100.0, 100.0).filter(lambda x: abs(x) > 1e-100 or not x) | st.floats(-15.0, 0.0).map(lambda e: 10.0**e)
)
def test_atan_remainder(x: float) -> None:
    with mp.workdps(400):
        # from 1/3 on it is a difference whose terms are at most 30 times as large
        for form in (remainders.atan_remainder, remainders.atan_remainder.py_func):
            check(form(x), mp.mpf(x) - mp.atan(mp.mpf(x)), 32)


@given(st.floats(-20.0, 20.0).map(lambda e: 10.0**e))
def test_stirling_remainder(x: float) -> None:
    with mp.workdps(90):
        t = mp.mpf(x)
        truth = mp.loggamma(t) - ((t - 0.5) * mp.log(t) - t + mp.log(2 * mp.pi) / 2)
        for form in (remainders.stirling_remainder, remainders.stirling_remainder.py_func):
            # below 10 it is a sum of up to ten terms, each the difference of two that are next to 1
            assert abs(form(x) - truth) <= 6 * EPS * abs(truth) + (12 * EPS if x < 10 else 0)


@given(st.floats(-3.0, 15.0).map(lambda e: 10.0**e), st.floats(-0.9, 10.0))
def test_log_gamma_ratio(a: float, ratio: float) -> None:
    step = ratio * a
    with mp.workdps(90):
        truth = mp.loggamma(mp.mpf(a) + mp.mpf(step)) - mp.loggamma(mp.mpf(a))
        size = abs(step * math.log(a + step)) + a * remainders.log1p_remainder(step / a) + 3
        for form in (remainders.log_gamma_ratio, remainders.log_gamma_ratio.py_func):
            # a + step is rounded, which moves the result by half an ulp of it times the digamma function
            slack = 0.5 * math.ulp(a + step) * (abs(math.log(a + step)) + 1 / (a + step))
            assert abs(form(a, step) - truth) <= 12 * EPS * size + slack


@given(st.floats(-0.9, 2.0) | st.floats(-300.0, -2.0).map(lambda e: 10.0**e))
def test_log_gamma_1p(a: float) -> None:
    with mp.workdps(400):
        truth = mp.loggamma(1 + mp.mpf(a))
        # beyond the series 1 + a is rounded
        for form in (remainders.log_gamma_1p, remainders.log_gamma_1p.py_func):
            slack = 16 * EPS if abs(a) > 0.01 else 0
            assert abs(form(a) - truth) <= 6 * EPS * abs(truth) + slack / (1 + min(a, 0.0)) + 5e-324


@pytest.mark.parametrize("x", [1 / 3, 0.51, 1.0, math.nextafter(1.0, 2.0), -0.5, math.nextafter(-0.5, -1.0)])
def test_switches(x: float) -> None:
    with mp.workdps(400):
        check(remainders.log1p_remainder(x), mp.mpf(x) - mp.log1p(mp.mpf(x)), 6)
        check(remainders.atan_remainder(x), mp.mpf(x) - mp.atan(mp.mpf(x)), 32)


def test_domain() -> None:
    assert remainders.log1p_remainder(-1.0) == math.inf
    assert math.isnan(remainders.log1p_remainder(math.nan))
    for a, step in ((-1.0, 2.0), (1.0, -1.0), (math.nan, 1.0), (math.inf, 1.0), (1.0, math.inf)):
        assert math.isnan(remainders.log_gamma_ratio(a, step))
    assert [float(mpmath.zeta(k) / k) for k in (2, 4, 6)] == [remainders._ZETA[k] for k in (7, 5, 3)]
