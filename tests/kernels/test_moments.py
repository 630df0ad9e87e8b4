from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.kernels import moments, rates
from isoperimetry.kernels.normal import ndtri
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from tests import naive
from tests.kernels import test_assembly as machine_code

INF, NAN = math.inf, math.nan
ONE = np.array([1.0])
RATES = np.array([0.0, 1e-300, 1e-9, 0.07, 0.3, 0.5, 0.6, 0.93, 1 - 1e-12, 1.0, NAN])
SIGMAS = [0.5, INF, NAN, 0.0]


def table(*columns: list[float] | np.ndarray) -> list[np.ndarray]:
    return [np.array(column) for column in zip(*itertools.product(*columns), strict=True)]


def truths(x: float) -> tuple[Any, Any]:
    """Return 1 / M(x) - x and 1 + x**2 - x / M(x) to 30 digits at least; what cancels is twice the digits of x**2."""
    digits = 50 + int(4 * math.log10(1 + x))
    with mpmath.workdps(digits):
        slope = 1 / reference.mills_ratio(x, digits=digits)
        y = mpmath.mpf(x)
        return slope - y, 1 + y * y - y * slope


@given(st.floats(0, 12) | st.floats(0, 1e4) | st.floats(-300, 2).map(lambda e: 10.0**e))
@example(0.0)
def test_moments_beyond_a_point(x: float) -> None:
    excess, square = truths(x)
    assert_ulp(moments.excess.py_func(x), excess, 3)
    assert_ulp(moments.square.py_func(x), square, 4)


def test_moments_beyond_a_point_at_the_edges() -> None:
    assert moments.square.py_func(0.0) == 1.0  # so that the second moment at 1/2 is 1/2
    assert moments.excess.py_func(INF) == 0 == moments.square.py_func(INF)
    assert moments.excess.py_func(1e150) == pytest.approx(1e-150, rel=1e-15)
    assert moments.square.py_func(1.4e154) == pytest.approx(1e-308, rel=0.03)  # no overflow on the way
    assert math.isnan(moments.excess.py_func(NAN)) and math.isnan(moments.square.py_func(NAN))


@pytest.mark.parametrize("mu", [1e-9, 0.07, 0.3, 0.5, 0.6, 0.93, 0.9999])
def test_against_integrals(mu: float) -> None:
    """The means of max(0, G - z) and of its square, by the trapezoidal rule with its correction at the kink."""
    z, h = naive.ndtri(mu), 1e-4
    t = np.arange(0.0, 14.0 - min(z, 0.0), h)
    density = np.exp(-((z + t) ** 2) / 2) / math.sqrt(2 * math.pi)
    mean = h * (t * density).sum() + h * h / 12 * density[0]
    square = h * (t * t * density).sum()
    out, rate = np.empty(1), np.array([mu])
    for conditional, scale in ((0, 1.0), (1, 1 - mu)):
        moments.fill_mean_distance_bound(rate, 0, 2 * ONE, conditional, out)
        assert out[0] == pytest.approx(2 * mean / scale, rel=1e-8)
        moments.fill_log_mean_distance_bound(rate, 0, 2 * ONE, conditional, out)
        assert math.exp(out[0]) == pytest.approx(2 * mean / scale, rel=1e-8)
        moments.fill_second_moment_distance_bound(rate, 0, 2 * ONE, conditional, out)
        assert out[0] == pytest.approx(4 * square / scale, rel=1e-6)
    moments.fill_gaussian_profile(rate, 0, 2 * ONE, out)
    assert out[0] == pytest.approx(density[0] / 2, rel=1e-9)
    moments.fill_log_gaussian_profile(rate, 0, 2 * ONE, out)
    assert math.exp(out[0]) == pytest.approx(density[0] / 2, rel=1e-9)


LOOPS = [
    *itertools.product(
        ["fill_mean_distance_bound", "fill_log_mean_distance_bound", "fill_second_moment_distance_bound"], [(0,), (1,)]
    ),
    *itertools.product(["fill_gaussian_profile", "fill_log_gaussian_profile"], [()]),
]


@pytest.mark.parametrize("form", range(4))
@pytest.mark.parametrize(("name", "options"), LOOPS, ids=[f"{loop[0]}{loop[1]}" for loop in LOOPS])
def test_plain_python_and_single_elements_have_the_same_bits(name: str, options: tuple[int, ...], form: int) -> None:
    rate, sigma = table(RATES, SIGMAS)
    with np.errstate(divide="ignore"):
        rate = np.log(rate) if form % 2 else rate
    loop, out, plain, alone = (getattr(moments, name), *(np.empty_like(rate) for _ in range(3)))
    count = loop(rate, form, sigma, *options, out)
    inside = ~np.isin(rate, [-INF, 0.0] if form % 2 else [0.0, 1.0]) & ~np.isnan(rate)
    assert count == np.sum((sigma == 0) & inside)
    with np.errstate(all="ignore"):
        assert loop.py_func(rate, form, sigma, *options, plain) == count
    np.testing.assert_array_equal(plain, out)
    for i in range(rate.size):
        loop(rate[i : i + 1], form, sigma[i : i + 1], *options, alone[i : i + 1])
    np.testing.assert_array_equal(alone, out)
    unknown = np.isnan(rate) | np.isnan(sigma)
    np.testing.assert_array_equal(np.isnan(out), unknown)


@pytest.mark.parametrize(("name", "options"), LOOPS, ids=[f"{loop[0]}{loop[1]}" for loop in LOOPS])
def test_blocks_join(name: str, options: tuple[int, ...]) -> None:
    n = 2 * rates.BLOCK + 3
    rng = np.random.default_rng(3)
    mu, sigma = rng.random(n), 1 + rng.random(n)
    loop, out, part = getattr(moments, name), np.empty(n), np.empty(100)
    loop(mu, 0, sigma, *options, out)
    for begin in (0, rates.BLOCK - 50, 2 * rates.BLOCK - 97):
        here = slice(begin, begin + 100)
        loop(mu[here], 0, sigma[here], *options, part)
        np.testing.assert_array_equal(out[here], part)
    if name == "fill_gaussian_profile":
        density = [naive.pdf(ndtri(m)) / s for m, s in zip(mu.tolist(), sigma.tolist(), strict=True)]
        np.testing.assert_allclose(out, density, rtol=1e-12)


@pytest.mark.skipif(numba.config.DISABLE_JIT or not machine_code.has_vectors(), reason="no vectors")
def test_machine_code_is_vectors() -> None:
    x = np.zeros(9)
    for loop, arguments, expected in (
        (moments._means, (x, 0, x, 0, x, x), 1),
        (moments._logs, (x, x), 1),
        (moments.fill_second_moment_distance_bound, (x, 0, x, 0, x), 1),
        (moments.fill_gaussian_profile, (x, 0, x, x), 1),
    ):
        text = machine_code.assembly(loop, arguments)
        assert machine_code.count_vector_loops(text, "d") >= expected, loop.py_func.__name__
        assert machine_code.called(text) == set()
