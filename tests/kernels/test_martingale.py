from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.kernels import martingale

FORMS = ["compiled", "py_func"]
SHARE = 0.95
TARGET = -math.log(0.05)

totals = st.floats(0.0, 9.0).map(lambda e: int(10.0**e)).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def kernel(name: str, form: str) -> Any:
    function = getattr(martingale, name)
    return function if form == "compiled" else function.py_func


def truth(errors: int, others: int, logit: float, a: float, b: float, one_sided: bool) -> mp.mpf:
    """The average of the likelihood ratio over Beta(a, b), or over its part right of the rate."""
    m = 1 / (1 + mp.exp(-mp.mpf(logit)))
    log_m, log_rest = mp.log(m), -mp.log(1 + mp.exp(mp.mpf(logit)))
    value = mp.log(mp.beta(a + errors, b + others)) - mp.log(mp.beta(a, b)) - errors * log_m - others * log_rest
    if one_sided:
        after = mp.betainc(a + errors, b + others, m, 1, regularized=True)
        value += mp.log(after) - mp.log(mp.betainc(a, b, m, 1, regularized=True))
    return mp.exp(value)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize(
    ("errors", "others", "rate"),
    [(10, 990, 0.004), (10, 990, 0.01), (10, 990, 0.03), (0, 40, 0.05), (40, 0, 0.9), (3, 4, 0.2), (1, 300, 1e-6),
     (500, 500, 0.45), (2000, 8000, 0.19), (2000, 8000, 0.1)],
)  # fmt: skip
@pytest.mark.parametrize("strength", [0.0, 5.0, 120.0])
def test_mpmath(errors: int, others: int, rate: float, strength: float, one_sided: bool, form: str) -> None:
    logit = math.log(rate / (1 - rate))
    with mp.workdps(60):
        expected = truth(errors, others, logit, 0.5, 0.5, one_sided)
        if strength:
            m = 1 / (1 + mp.exp(-mp.mpf(logit)))
            near = truth(errors, others, logit, strength * m, strength * (1 - m), one_sided)
            expected = (1 - mp.mpf(SHARE)) * expected + mp.mpf(SHARE) * near
        expected = float(mp.log(expected))
    found = kernel("log_capital", form)(float(errors), float(others), logit, 0.5, 0.5, strength, SHARE, one_sided)
    assert found == pytest.approx(expected, abs=2e-12, rel=2e-13)


@given(totals, st.sampled_from([0.05, 0.3, 1e-6]), st.sampled_from([0.0, 0.001, 0.12, 30.0]), st.booleans())
@example((1, 1000), 0.05, 0.12, True)
@example((0, 0), 0.05, 0.12, True)
@example((1000, 1000), 0.05, 0.12, True)
@example((500000, 1000000), 0.05, 0.12, True)
def test_limit_is_where_the_capital_crosses(
    count: tuple[int, int], level: float, relative: float, one_sided: bool
) -> None:
    """All rates left of it are refuted and none between it and the share of errors: the capital crosses once."""
    errors, trials = count
    strength, target = relative * trials, -math.log(level)
    given = (0.5, 0.5, strength, SHARE, one_sided)
    v = martingale.lower_logit(float(errors), float(trials - errors), target, *given)
    if errors == 0:
        assert v == -math.inf
        return
    right = math.log(errors / (trials - errors)) if errors < trials else v + 5
    assert v <= right

    def excess(point: float) -> float:
        return martingale.log_capital(float(errors), float(trials - errors), point, *given) - target

    slack = 1e-9 + 1e-13 * trials  # an ulp of the rate
    assert excess(v) >= -slack
    assert all(excess(v - step) > -slack for step in (1e-3, 0.01, 0.1, 1.0, 10.0, 100.0))
    assert all(excess(v + t * (right - v)) < slack for t in (0.01, 0.1, 0.3, 0.5, 0.8, 1.0))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("one_sided", [False, True])
def test_loop(form: str, upper: bool, one_sided: bool) -> None:
    errors, others = np.array([0.0, 1.0, 5.0, 10.0, 30.0, 0.0]), np.array([0.0, 9.0, 0.0, 990.0, 30.0, 20.0])
    rates, logs = np.full((2, 6), math.nan)
    options = (TARGET, 0.3, 0.7, 25.0, SHARE, one_sided)
    kernel("fill_limits", form)(errors, others, *options, upper, rates, logs)
    single = [martingale.limit(float(k), float(n), *options, upper) for k, n in zip(errors, others, strict=True)]
    np.testing.assert_allclose(np.stack([rates, logs], axis=1), single, rtol=1e-12)
    mirrored = [
        martingale.limit(float(n), float(k), TARGET, 0.7, 0.3, 25.0, SHARE, one_sided, not upper)[0]
        for k, n in zip(errors, others, strict=True)
    ]
    np.testing.assert_allclose(rates, 1 - np.array(mirrored), rtol=1e-12, atol=1e-16)
    assert np.all(np.exp(logs) == pytest.approx(rates, rel=1e-13))


def test_a_mixture_can_be_expected_to_gain_nothing() -> None:
    """The sum over all counts of 12 draws, weighted with their probabilities at the rate that is bet against."""
    for rate in (0.03, 0.5):
        logit, n = math.log(rate / (1 - rate)), 12
        mass = [math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(n + 1)]
        for strength, one_sided in ((0.0, False), (3.0, False), (0.0, True), (3.0, True)):
            capital = [
                math.exp(martingale.log_capital(float(k), float(n - k), logit, 0.5, 0.5, strength, SHARE, one_sided))
                for k in range(n + 1)
            ]
            assert np.dot(mass, capital) == pytest.approx(1, rel=1e-12)
