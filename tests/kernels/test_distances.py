from __future__ import annotations

import itertools
import math

import numba
import numpy as np
import pytest

from isoperimetry.kernels import distances, rates
from isoperimetry.kernels.normal import fill_mills_ratio, log_ndtr, ndtri
from tests import naive
from tests.kernels import test_assembly as machine_code

INF, NAN = math.inf, math.nan
ONE = np.array([1.0])
RATES = np.array([0.0, 1e-300, 1e-9, 0.07, 0.3, 0.5, 0.6, 0.93, 1 - 1e-12, 1.0, NAN])
SIGMAS, EPS, LEVELS = [0.5, INF, NAN, 0.0], [0.0, 0.5, INF, NAN], [0.5, 0.0, 1.0, 0.1, NAN]


def table(*columns: list[float] | np.ndarray) -> list[np.ndarray]:
    return [np.array(column) for column in zip(*itertools.product(*columns), strict=True)]


def z_of(mu: float) -> float:
    if mu in (0, 0.5, 1):
        return {0: -INF, 0.5: 0.0, 1: INF}[mu]
    return NAN if math.isnan(mu) else naive.ndtri(mu)


def times(length: float, sigma: float) -> float:
    return length if length in (0, INF, -INF) and not math.isnan(sigma) else length * sigma


def required_sigma(mu: float, eps: float, f: float) -> float:
    if math.isnan(mu) or math.isnan(eps) or math.isnan(f):
        return NAN
    if f == 0 or mu == 0:
        return 0.0
    room = -z_of(mu) - z_of(f)
    if eps == 0 and room >= -1e-12:
        return 0.0
    return eps / room if room > 1e-12 else INF


def test_half_spaces_against_the_definition() -> None:
    mu, sigma = table(RATES, SIGMAS)
    out = np.empty_like(mu)
    assert distances.fill_halfspace_distance(mu, 0, sigma, out) == np.sum((sigma == 0) & (mu > 0) & (mu < 1))
    expected = [times(-z_of(m), s) for m, s in zip(mu, sigma, strict=True)]
    wrong, slow = (sigma == 0) & (mu > 0) & (mu < 1), (mu > 0) & (mu < 1e-20) | (mu > 0.999) & (mu < 1)
    possible = ~wrong & ~slow  # the slow probit ends at -38, and loses digits next to 1
    np.testing.assert_allclose(out[possible], np.array(expected)[possible], rtol=1e-9)


def test_required_sigma_against_the_definition() -> None:
    mu, eps, fraction = table(np.array([0.0, 1e-9, 0.07, 0.3, 0.5, 0.6, 1.0, NAN]), EPS, LEVELS)
    out = np.empty_like(mu)
    assert distances.fill_required_sigma(mu, 0, eps, fraction, out) == 0
    expected = [required_sigma(*row) for row in zip(mu, eps, fraction, strict=True)]
    np.testing.assert_allclose(out, expected, rtol=1e-9)


@pytest.mark.parametrize("conditional", [0, 1])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.999])
def test_quantiles_against_the_definition(q: float, conditional: int) -> None:
    mu = np.array([0.0, 1e-9, 0.07, 0.3, 0.49, 0.51, 0.6, 0.93, 0.99999, 1.0, NAN])
    out = np.empty_like(mu)
    assert distances.fill_quantile_distance_bound(mu, 0, np.array([q]), 2 * ONE, conditional, out) == 0
    for m, actual in zip(mu.tolist(), out.tolist(), strict=True):
        if m in (0, 1) or math.isnan(m):
            expected = {0: INF, 1: 0.0}.get(m, NAN)
        elif conditional:
            expected = 2 * (naive.ndtri(1 - m) - naive.ndtri((1 - q) * (1 - m)))
        else:
            expected = 2 * max(0.0, naive.ndtri(q) - naive.ndtri(m))
        assert actual == pytest.approx(expected, rel=1e-7, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("drop", [1e-12, 1e-3, 0.1, math.log(2), 7.0, 36.0])
def test_steps_in_the_tail_solve_their_equation(drop: float) -> None:
    """Every start must be good enough for one step of Newton's method, on both sides of each switch."""
    z = np.array([1e-300, 1e-9, 0.1, 1.0, 3.0, 8.0, 37.0, 500.0, 999.9, 1000.1, 1e5, 1e9, 1e150])
    log_rate = np.array([log_ndtr(-x) for x in z])  # as log(1 - mu)
    out, q = np.empty_like(z), -math.expm1(-drop)
    distances.fill_quantile_distance_bound(log_rate, 3, np.array([q]), ONE, 1, out)
    mills, there = np.empty_like(z), np.empty_like(z)
    probits = np.empty_like(z)
    rates.fill_probits(log_rate, 3, probits)
    fill_mills_ratio(probits, mills)
    fill_mills_ratio(probits + out, there)
    # log Phi(-z) - log Phi(-z - step), by the ratio of the Mills ratios, to the rounding of this sum itself
    found = out * (probits + 0.5 * out) - np.log(there / mills)
    exact = -math.log1p(-q)
    np.testing.assert_allclose(found, exact, rtol=2e-15 * max(1.0, 0.3 / drop), atol=5e-16)
    if drop < 1e-9:  # the difference has no digits: the first term of the series of log Phi(-z - step) is the truth
        np.testing.assert_allclose(out[3:], exact * mills[3:], rtol=1e-9)


LOOPS = [
    ("fill_halfspace_distance", (RATES, SIGMAS), ()),
    ("fill_required_sigma", (RATES, EPS, LEVELS), ()),
    ("fill_quantile_distance_bound", (RATES, [0.5, 0.1, NAN], SIGMAS), (0,)),
    ("fill_quantile_distance_bound", (RATES, [0.5, 0.1, NAN], SIGMAS), (1,)),
]


@pytest.mark.parametrize("form", range(4))
@pytest.mark.parametrize(("name", "columns", "options"), LOOPS, ids=[f"{loop[0]}{loop[2]}" for loop in LOOPS])
def test_plain_python_and_single_elements_have_the_same_bits(
    name: str, columns: tuple[np.ndarray, ...], options: tuple[int, ...], form: int
) -> None:
    rate, *others = table(*columns)
    with np.errstate(divide="ignore"):
        rate = np.log(rate) if form % 2 else rate
    loop, out, plain = getattr(distances, name), np.empty_like(rate), np.empty_like(rate)
    count = loop(rate, form, *others, *options, out)
    with np.errstate(all="ignore"):
        assert loop.py_func(rate, form, *others, *options, plain) == count
    np.testing.assert_array_equal(plain, out)
    alone = np.empty_like(rate)
    single = [loop(rate[i : i + 1], form, *(x[i : i + 1] for x in others), *options, alone[i : i + 1])
              for i in range(rate.size)]  # fmt: skip
    assert sum(single) == count
    np.testing.assert_array_equal(alone, out)
    assert not np.any(np.signbit(out) & (out == 0))


def test_blocks_join() -> None:
    n = 2 * rates.BLOCK + 3
    rng = np.random.default_rng(3)
    mu, sigma, q, out = rng.random(n), 1 + rng.random(n), 0.1 + 0.8 * rng.random(n), np.empty(n)
    distances.fill_quantile_distance_bound(mu, 0, q, sigma, 0, out)
    expected = [
        s * max(0.0, ndtri(p) - ndtri(m)) for m, p, s in zip(mu.tolist(), q.tolist(), sigma.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(out, expected)
    distances.fill_halfspace_distance(mu, 0, sigma, out)
    np.testing.assert_array_equal(out, [-s * ndtri(m) for m, s in zip(mu.tolist(), sigma.tolist(), strict=True)])


@pytest.mark.skipif(numba.config.DISABLE_JIT or not machine_code.has_vectors(), reason="no vectors")
def test_machine_code_is_vectors() -> None:
    x = np.zeros(9)
    text = machine_code.assembly(distances._tail_steps, (x, x, x, np.zeros(18)))
    assert machine_code.count_vector_loops(text, "d") >= 3
    assert machine_code.called(text) == set()
