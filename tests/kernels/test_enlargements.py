from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from isoperimetry.kernels import enlargements, rates
from isoperimetry.kernels.normal import log_ndtr, ndtr, ndtri
from tests import naive

INF, NAN = math.inf, math.nan
RATES = np.array([0.0, 1e-300, 1e-9, 0.07, 0.3, 0.5, 0.6, 0.93, 1 - 1e-12, 1.0, NAN])
SIGMAS, EPS, FRACTIONS = [0.5, INF, NAN, 0.0], [0.0, 1e-18, 0.5, INF, NAN], [0.5, 0.0, 1.0, 0.1, NAN]


def table(*columns: list[float] | np.ndarray) -> list[np.ndarray]:
    return [np.array(column) for column in zip(*itertools.product(*columns), strict=True)]


def moved(mu: float, eps: float, sigma: float) -> float:
    """Return the measure of a half-space of measure mu at a distance eps."""
    if math.isnan(mu + eps + sigma) and not mu + eps + sigma == INF:
        return NAN
    if eps == 0 or mu in (0, 1) or (sigma == INF and eps < INF):
        return mu
    return 1.0 if eps == INF or sigma == 0 else naive.ndtr(naive.ndtri(mu) + eps / sigma)


def usual(mu: np.ndarray) -> np.ndarray:
    """Tell which rates the slow version can do, whose probit is -38 at least."""
    return (mu == 0) | (mu > 1e-20) | np.isnan(mu)


def test_enlargements_against_the_definition() -> None:
    mu, eps, sigma = table(RATES, EPS, SIGMAS)
    out = np.empty_like(mu)
    wrong = (sigma == 0) & (mu > 0) & (mu < 1)
    assert enlargements.fill_enlargement(mu, 0, eps, sigma, 0, 0, out) == wrong.sum()
    expected = np.array([moved(*row) for row in zip(mu.tolist(), eps.tolist(), sigma.tolist(), strict=True)])
    chosen = ~wrong & usual(mu)
    np.testing.assert_allclose(out[chosen], expected[chosen], rtol=1e-9)
    logs, rest = np.empty_like(mu), np.empty_like(mu)
    enlargements.fill_enlargement(mu, 0, eps, sigma, 1, 0, logs)
    enlargements.fill_enlargement(mu, 0, eps, sigma, 1, 1, rest)
    np.testing.assert_allclose(np.exp(logs[chosen]), expected[chosen], rtol=1e-9)
    np.testing.assert_allclose(np.exp(rest[chosen]), 1 - expected[chosen], rtol=1e-3, atol=1e-15)


def test_other_scales_against_the_definition() -> None:
    mu, sigma, new = table(RATES[3:], [0.5, 2.0, INF, NAN], [0.5, INF, NAN, 0.0])
    out, logs = np.empty_like(mu), np.empty_like(mu)
    assert enlargements.fill_error_rate_at_sigma(mu, 0, sigma, new, 0, out) == 0
    enlargements.fill_error_rate_at_sigma(mu, 0, sigma, new, 1, logs)
    for m, s, t, actual, log in zip(*(x.tolist() for x in (mu, sigma, new, out, logs)), strict=True):
        if math.isnan(m) or math.isnan(s) or math.isnan(t):
            expected = NAN
        elif s == t or m == 1 or (m == 0.5 and t > 0):
            expected = m
        elif m == 0.5:
            expected = 1.0
        else:
            ratio = INF if s == INF or t == 0 else s / t
            expected = naive.ndtr(naive.ndtri(m) * ratio)
        assert actual == pytest.approx(expected, rel=1e-9, abs=1e-300, nan_ok=True)
        assert math.exp(log) == pytest.approx(expected, rel=1e-9, abs=1e-300, nan_ok=True)


def test_required_rates_against_the_definition() -> None:
    eps, fraction, sigma = table(EPS, FRACTIONS, SIGMAS)
    out, logs = np.empty_like(eps), np.empty_like(eps)
    assert enlargements.fill_required_error_rate(eps, fraction, sigma, 0, out) == 0
    enlargements.fill_required_error_rate(eps, fraction, sigma, 1, logs)
    for e, f, s, actual, log in zip(*(x.tolist() for x in (eps, fraction, sigma, out, logs)), strict=True):
        # the largest set that may be left: that whose enlargement leaves the fraction f outside
        still = e == 0 and not math.isnan(s)
        expected = 1 - f if still else (1 - moved(f, e, s) if f > 0 else moved(f, e, s) * 0 + 1)
        assert actual == pytest.approx(expected, rel=1e-9, abs=1e-15, nan_ok=True)
        assert math.exp(log) == pytest.approx(expected, rel=1e-9, abs=1e-15, nan_ok=True)


LOOPS = [
    ("fill_enlargement", (RATES, EPS, SIGMAS), options) for options in ((0, 0), (1, 0), (1, 1))
] + [("fill_error_rate_at_sigma", (RATES, SIGMAS, SIGMAS), options) for options in ((0,), (1,))]  # fmt: skip


@pytest.mark.parametrize("form", range(4))
@pytest.mark.parametrize(("name", "columns", "options"), LOOPS, ids=[f"{loop[0]}{loop[2]}" for loop in LOOPS])
def test_plain_python_and_single_elements_have_the_same_bits(
    name: str, columns: tuple[np.ndarray, ...], options: tuple[int, ...], form: int
) -> None:
    rate, *others = table(*columns)
    with np.errstate(divide="ignore"):
        rate = np.log(rate) if form % 2 else rate
    loop, out, plain, alone = (getattr(enlargements, name), *(np.empty_like(rate) for _ in range(3)))
    count = loop(rate, form, *others, *options, out)
    with np.errstate(all="ignore"):
        assert loop.py_func(rate, form, *others, *options, plain) == count
    np.testing.assert_array_equal(plain, out)
    single = [loop(rate[i : i + 1], form, *(x[i : i + 1] for x in others), *options, alone[i : i + 1])
              for i in range(rate.size)]  # fmt: skip
    assert sum(single) == count
    np.testing.assert_array_equal(alone, out)


@pytest.mark.parametrize("log", [0, 1])
def test_plain_python_has_the_bits_of_required_rates(log: int) -> None:
    eps, fraction, sigma = table(EPS, FRACTIONS, SIGMAS)
    loop, out, plain, alone = enlargements.fill_required_error_rate, *(np.empty_like(eps) for _ in range(3))
    loop(eps, fraction, sigma, log, out)
    with np.errstate(all="ignore"):
        assert loop.py_func(eps, fraction, sigma, log, plain) == 0
    np.testing.assert_array_equal(plain, out)
    for i in range(eps.size):
        loop(eps[i : i + 1], fraction[i : i + 1], sigma[i : i + 1], log, alone[i : i + 1])
    np.testing.assert_array_equal(alone, out)


def test_blocks_join() -> None:
    n = 2 * rates.BLOCK + 3
    rng = np.random.default_rng(3)
    mu, eps, sigma, out = rng.random(n), rng.random(n), 1 + rng.random(n), np.empty(n)
    rows = list(zip(mu.tolist(), eps.tolist(), sigma.tolist(), strict=True))
    enlargements.fill_enlargement(mu, 0, eps, sigma, 0, 0, out)
    np.testing.assert_array_equal(out, [max(m, ndtr(ndtri(m) + e / s)) for m, e, s in rows])
    enlargements.fill_error_rate_at_sigma(mu, 0, sigma, eps, 1, out)
    np.testing.assert_array_equal(out, [log_ndtr(ndtri(m) * (s / e)) for m, e, s in rows])
    enlargements.fill_required_error_rate(eps, mu, sigma, 0, out)
    np.testing.assert_array_equal(out, [min(1 - m, ndtr(-ndtri(m) - e / s)) for m, e, s in rows])


def test_neighbours_that_stay_change_no_bits() -> None:
    """The unmoved logarithms are made for whole blocks, where one element moves by nothing or nearly nothing."""
    rng = np.random.default_rng(4)
    rate = np.concatenate([-np.exp(rng.uniform(-40, 8, 500)), np.log(rng.random(500))])
    n, one = rate.size, np.array([1.0])
    for form, options in itertools.product((1, 3), ((1, 0), (1, 1))):
        alone, beside = np.empty(n), np.empty(n + 1)
        enlargements.fill_enlargement(rate, form, np.array([1e-3]), one, *options, alone)
        enlargements.fill_enlargement(
            np.append(rate, -1.0), form, np.append(np.full(n, 1e-3), 0.0), one, *options, beside
        )
        np.testing.assert_array_equal(beside[:n], alone)
        assert beside[n] == (-1.0 if (form == 1) != options[1] else math.log(-math.expm1(-1.0)))
