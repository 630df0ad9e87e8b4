from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp

from isoperimetry.kernels.gamma import log_chi2_cdf, log_chi2_sf
from isoperimetry.kernels.gamma_inverse import fill_log_chi2_isf, fill_log_chi2_ppf, log_chi2_isf, log_chi2_ppf
from isoperimetry.kernels.logspace import log1mexp
from isoperimetry.testing import reference

EPS = 2.0**-52
anything = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
dims = st.sampled_from([1.0, 2.0, 3.0, 10.0, 784.0, 150528.0, 1e9]) | st.floats(1.0, 1e9)
logs = st.floats(-18.0, 6.0).map(lambda e: -(10.0**e))
SIDES = [(log_chi2_isf, log_chi2_sf, reference.log_chi2_sf), (log_chi2_ppf, log_chi2_cdf, reference.log_chi2_cdf)]


@pytest.mark.parametrize("side", SIDES, ids=["isf", "ppf"])
@pytest.mark.parametrize("dim", [1.0, 2.0, 10.0, 784.0, 150528.0])
@pytest.mark.parametrize("log_tail", [-1e-10, -0.1, -0.7, -4.6, -100.0, -1e5])
def test_against_the_tail_in_mpmath(side, dim, log_tail):
    """The true tail at the returned x, less the wanted one, over the slope: the relative error of x."""
    inverse, _, truth = side
    y = inverse(log_tail, dim)
    if y < -700:
        return

    def at(log_x):
        return truth(mp.exp(mp.mpf(log_x)), dim, digits=30)

    h = 1e-6 / math.sqrt(dim)
    slope = float((at(y + h) - at(y - h)) / (2 * h))
    moved = 2 * EPS * abs(log_tail / slope)  # what the last digit of the tail is worth
    assert abs(float(at(y) - log_tail) / slope) <= 1e-13 + moved + EPS * abs(y)


@given(logs, dims)
@example(-0.6931471805599453, 1.0)
@example(-math.log(2), 150528.0)
@example(-1e-17, 1e9)
def test_round_trip(log_tail, dim):
    for inverse, tail, _ in SIDES:
        y = inverse(log_tail, dim)
        if -700 < y < 700:
            # one ulp of log x, and 16 units of the tail; the slope of the tail in log x is at most x + dim
            slack = (abs(y) + 2) * EPS * min(math.exp(y) + dim, 10 * (1 - log_tail) * (1 + math.sqrt(dim)))
            slack += 20 * EPS * max(abs(log_tail), 1e-300) * max(1.0, -math.log(abs(log_tail)))
            back = tail(math.exp(y), dim)
            assert back == pytest.approx(log_tail, abs=slack)


@given(logs, logs, dims)
def test_monotone_and_the_two_sides_agree(first, second, dim):
    low, high = sorted((first, second))
    slack = 1e-13 * (1 + abs(log_chi2_ppf(low, dim)))
    assert log_chi2_ppf(low, dim) <= log_chi2_ppf(high, dim) + slack
    assert log_chi2_isf(low, dim) >= log_chi2_isf(high, dim) - slack
    if -30 < low < -1e-3:
        other = log1mexp(low)
        slack = 1e-13 + 4 * EPS / min(abs(low), 1.0)
        assert log_chi2_isf(low, dim) == pytest.approx(log_chi2_ppf(other, dim), abs=slack, rel=slack)


@pytest.mark.parametrize("form", ["compiled", "py_func"])
def test_limits(form):
    isf, ppf = (f if form == "compiled" else f.py_func for f in (log_chi2_isf, log_chi2_ppf))
    assert isf(-math.inf, 3.0) == math.inf and isf(0.0, 3.0) == -math.inf
    assert ppf(-math.inf, 3.0) == -math.inf and ppf(0.0, 3.0) == math.inf
    assert isf(-1e300, 5.0) == pytest.approx(math.log(2e300), rel=1e-15)
    assert isf(-1.7e308, 5.0) == pytest.approx(math.log(1.7e308) + math.log(2), rel=1e-15)
    assert ppf(-1e300, 4.0) == pytest.approx(-5e299, rel=1e-15)
    assert isf(-3.0, 2.0) == pytest.approx(math.log(6.0), rel=1e-15)
    assert ppf(math.log1p(-math.exp(-3.0)), 2.0) == pytest.approx(math.log(6.0), rel=1e-14)
    for bad in ((1e-9, 3.0), (math.nan, 3.0), (-1.0, math.nan), (-1.0, 0.0), (-1.0, math.inf)):
        assert math.isnan(isf(*bad)) and math.isnan(ppf(*bad))


@given(anything, st.floats(1e-30, 1e30))
@example(log_tail=-1.0, dim=1e-30)
@example(log_tail=-50.0, dim=1e-25)
def test_any_float(log_tail, dim):
    for function in (log_chi2_isf, log_chi2_ppf):
        value = function(log_tail, dim)
        assert math.isnan(value) == (not log_tail <= 0)


def test_loop_has_the_bits_of_the_scalar():
    tail, dim = np.array([-1e5, -20.0, -0.7, -1e-3]), np.array([3.0, 784.0, 1.0, 1e6])
    for loop, scalar in ((fill_log_chi2_isf, log_chi2_isf), (fill_log_chi2_ppf, log_chi2_ppf)):
        for form in (loop, loop.py_func):
            out = np.empty(4)
            form(tail, dim, out)
            assert out.tolist() == [scalar(float(t), float(n)) for t, n in zip(tail, dim, strict=True)]
