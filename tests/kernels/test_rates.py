from __future__ import annotations

import math
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.kernels import rates
from isoperimetry.kernels.normal import ndtri, ndtri_exp
from isoperimetry.testing.assertions import assert_ulp
from tests.kernels import test_assembly as machine_code

INF, NAN = math.inf, math.nan
LINEAR = [0.0, 5e-324, 1e-310, 1e-300, 1e-17, 2.0**-53, 0.01, 0.3, 0.5, math.nextafter(0.5, 1), 0.7, 1 - 2.0**-53, 1.0]
LOGS = [-INF, -1e300, -745.2, -745.0, -720.0, -700.0, -50.0, -3.0, -0.7, -0.6931, -0.1, -1e-9, -1e-300, -5e-324, 0.0]
FORMS = (rates.MU, rates.LOG_MU, rates.ACCURACY, rates.LOG_ACCURACY)
FILLS = ("fill_linear", "fill_log")


def values_of(form: int) -> np.ndarray:
    return np.array([*(LOGS if form % 2 else LINEAR), NAN])


def truth(name: str, form: int, value: float) -> Any:
    """Return the error rate, or its logarithm, to 40 digits."""
    if math.isnan(value):
        return NAN
    with mpmath.workdps(400 if -1e4 < value else 40):
        given = mpmath.mpf(value)
        rate = mpmath.exp(given) if form % 2 else given
        if form >= 2:
            rate = -mpmath.expm1(given) if form % 2 else 1 - given
        if name == "fill_linear":
            return rate
        return given if form == rates.LOG_MU else (mpmath.log(rate) if rate else -INF)


@pytest.mark.parametrize("how", ["compiled", "py_func"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FILLS)
def test_readings(name: str, form: int, how: str) -> None:
    values, loop = values_of(form), getattr(rates, name)
    out = np.empty_like(values)
    with np.errstate(all="ignore"):
        (loop if how == "compiled" else loop.py_func)(values, form, out)
    assert_ulp(out, [truth(name, form, x) for x in values.tolist()], 1)


@given(st.floats(0, 1), st.floats(-800, 0) | st.floats(-2, 0))
@example(1e-9, -1e-9)
def test_readings_of_any_rate(linear: float, log: float) -> None:
    for form in FORMS:
        value, out = log if form % 2 else linear, np.empty(1)
        for name in FILLS:
            getattr(rates, name)(np.array([value]), form, out)
            # log(1 - exp(y)) is rounded twice: 0.65 ulp of the first number are 1.4 of the result at most.
            twice = name == "fill_log" and form == rates.LOG_ACCURACY
            assert_ulp(out[0], truth(name, form, value), 2.1 if twice else 1)


@pytest.mark.parametrize("form", FORMS)
def test_probits_and_tails(form: int) -> None:
    values = values_of(form)
    z, tail, both = np.empty_like(values), np.empty_like(values), np.empty((2, values.size))
    assert rates.fill_probits(values, form, z) == 0
    function, sign = (ndtri_exp if form % 2 else ndtri), (1 if form < 2 else -1)
    np.testing.assert_array_equal(z, [sign * function(x) for x in values])
    assert not np.any(np.signbit(z) & (z == 0))
    rates.fill_tail(values, form, z, tail)
    for row, other in zip(both, (form, form ^ 2), strict=True):
        rates.fill_linear(values, other, row)
    np.testing.assert_array_equal(tail, np.where(z > 0, both[1], both[0]))
    assert np.nanmax(tail) <= 0.5
    plain = np.empty_like(values)
    with np.errstate(all="ignore"):
        assert rates.fill_probits.py_func(values, form, plain) == 0
        np.testing.assert_array_equal(plain, z)
        rates.fill_tail.py_func(values, form, z, plain)
    np.testing.assert_array_equal(plain, tail)


@pytest.mark.parametrize(
    ("form", "bad"), [(0, [-1e-300, 1.1, INF, -INF]), (1, [1e-300, INF]), (2, [-0.1, 2.0]), (3, [5e-324, 1.0])]
)
def test_what_is_out_of_range_is_counted(form: int, bad: list[float]) -> None:
    values = np.concatenate([values_of(form), bad, [-0.0]])
    assert rates.fill_probits(values, form, np.empty_like(values)) == len(bad)


def test_edges_of_lengths() -> None:
    stretch, shrink, bad = rates.stretch.py_func, rates.shrink.py_func, rates.bad_sigma.py_func
    assert stretch(0.0, INF) == 0 and stretch(INF, 0.0) == INF and stretch(-INF, 0.0) == -INF
    assert math.copysign(1, stretch(-0.0, 1.0)) == 1 == math.copysign(1, stretch(0.0, 2.0))
    assert stretch(3.0, 0.5) == 1.5 and math.isnan(stretch(0.0, NAN)) and math.isnan(stretch(NAN, 1.0))
    with np.errstate(all="ignore"):
        zero = np.float64(0.0)
        assert shrink(zero, zero) == 0 and shrink(INF, INF) == INF and shrink(np.float64(1.0), zero) == INF
        assert shrink(3.0, 2.0) == 1.5 and shrink(1.0, INF) == 0
        assert math.isnan(shrink(0.0, NAN)) and math.isnan(shrink(INF, NAN)) and math.isnan(shrink(NAN, 1.0))
    assert bad(-1.0, INF) and bad(0.0, 0.3) and bad(-0.0, 0.3)
    assert not (bad(0.0, INF) or bad(0.0, -INF) or bad(NAN, 0.3) or bad(0.0, NAN) or bad(1.0, 0.3))


def test_parts_of_blocks() -> None:
    n = rates.BLOCK + 5
    one, many = np.array([3.0]), np.arange(float(n))
    for spread in (rates.spread, rates.spread.py_func):
        assert spread(one, n).tolist() == [3.0] * rates.BLOCK and spread(one, 7).size == 7 and spread(many, n).size == 0
        np.testing.assert_array_equal(rates.part.py_func(one, spread(one, n), rates.BLOCK, 5), [3.0] * 5)
        np.testing.assert_array_equal(rates.part.py_func(many, spread(many, n), rates.BLOCK, 5), many[-5:])


@pytest.mark.skipif(numba.config.DISABLE_JIT or not machine_code.has_vectors(), reason="no vectors")
@pytest.mark.parametrize("name", [*FILLS, "fill_tail"])
def test_machine_code_is_vectors(name: str) -> None:
    x = np.zeros(9)
    arguments = (x, 1, x, x) if name == "fill_tail" else (x, 1, x)
    text = machine_code.assembly(getattr(rates, name), arguments)
    assert machine_code.count_vector_loops(text, "d") >= {"fill_linear": 2, "fill_log": 4, "fill_tail": 1}[name]
    assert machine_code.called(text) == set()
