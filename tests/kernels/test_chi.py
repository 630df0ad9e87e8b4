"""Chi-distributed numbers by counter: their distribution, their independence of the blocks, and bits that must stay."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.kernels import chi, philox

U = np.uint64
KEY, FIRST = U(0x0123456789ABCDEF), U(1 << 40)
PLAIN = bool(numba.config.DISABLE_JIT)
DOFS = (1.0, 1.25, 2.0, 3.0, 10.0, 784.0, 150_527.0, 1e9)
compiled_only = pytest.mark.skipif(PLAIN, reason="too many numbers for plain Python")


def fill(dof: float, n: int, key: Any = KEY, first: Any = FIRST) -> Any:
    out = np.full(n, np.nan)
    chi.fill_chi(out, dof, key, first)
    return out


@compiled_only
@pytest.mark.parametrize("dof", DOFS)
def test_distribution(dof: float) -> None:
    # Kolmogorov's test, and moments of the square in standard errors: each fails for one good key in 1e6.
    x = fill(dof, 400_000, key=U(1 + int(dof)))
    assert stats.kstest(x, stats.chi(dof).cdf).pvalue > 1e-6
    square = x * x / dof
    error = math.sqrt(2 / dof / x.size)
    assert abs(square.mean() - 1) < 4.9 * error
    spread = ((square - 1) ** 2).mean() * dof / 2
    kurtosis = 3 + 12 / dof
    assert abs(spread - 1) < 4.9 * math.sqrt((kurtosis - 1) / x.size)


@compiled_only
@pytest.mark.parametrize("dof", [1.0, 1.25, 2.0, 3.0, 784.0])
def test_tails(dof: float) -> None:
    """What lies beyond the quantiles of 1e-4 on both sides: Poisson with mean 100, beyond these once in 1e6."""
    x = fill(dof, 1_000_000, key=U(77))
    below, above = stats.chi(dof).ppf(1e-4), stats.chi(dof).isf(1e-4)
    for count in (np.sum(x < below), np.sum(x > above)):
        assert 53 <= count <= 157


@pytest.mark.parametrize("dof", DOFS)
def test_any_part_alone(dof: float) -> None:
    n = 30 if PLAIN else 700
    whole = fill(dof, n)
    assert (whole > 0).all() and np.isfinite(whole).all()
    assert (fill(dof, n - 13, first=FIRST + U(13)) == whole[13:]).all()
    assert [chi.chi(dof, KEY, FIRST + U(i)) for i in range(n)] == whole.tolist()
    assert fill(dof, 0).size == 0


@compiled_only
@pytest.mark.parametrize("dof", DOFS)
def test_plain_python_gives_the_same_bits(dof: float, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = fill(dof, 40)
    for name, function in list(vars(chi).items()):
        if hasattr(function, "py_func"):
            monkeypatch.setattr(chi, name, function.py_func)
    with np.errstate(all="ignore"):
        assert fill(dof, 40).tolist() == expected.tolist()


GOLDEN = {
    1.0: "0x1.b72bfca056c35p+3",
    1.25: "0x1.1993caf422089p+4",
    3.0: "0x1.021e88d259a2dp+5",
    150_527.0: "0x1.e507433965973p+12",
}


@pytest.mark.parametrize("dof", GOLDEN)
def test_bits_do_not_change(dof: float) -> None:
    """A change of these values changes everybody's results."""
    assert float(sum(fill(dof, 20))).hex() == GOLDEN[dof]


def naive(dof: float, key: int, sample: int) -> Any:
    """The documented map from counter to number, to 40 digits."""
    tag = 3 << 62

    def words(block: int) -> list[int]:
        return [int(w) for w in philox.philox4x32(U(tag | block), U(sample), U(key))]

    def normal(block: int) -> Any:
        w = words(block)
        return mpmath.mpf(float(philox._box_muller64(U(w[0] | w[1] << 32), U(w[2] | w[3] << 32))[0]))

    def uniform(low: int, high: int) -> Any:
        return (mpmath.mpf(((high << 32) | low) >> 12) + 0.5) / 2**52

    with mpmath.workdps(40):
        if dof == 1:
            return abs(normal(0))
        shape = mpmath.mpf(dof) / 2 + (1 if dof < 2 else 0)
        d = shape - mpmath.mpf(1) / 3
        for attempt in range(100):
            x, w = normal(2 * attempt), words(2 * attempt + 1)
            v = (1 + x / mpmath.sqrt(9 * d)) ** 3
            if v > 0 and mpmath.log(uniform(w[0], w[1])) < x * x / 2 + d - d * v + d * mpmath.log(v):
                boost = uniform(w[2], w[3]) ** (1 / mpmath.mpf(dof)) if dof < 2 else 1
                return mpmath.sqrt(2 * d * v) * boost
    raise AssertionError("no attempt was accepted")


@pytest.mark.parametrize("dof", [1.0, 1.0001, 1.5, 2.0, 2.5, 10.0, 784.0, 1e9])
def test_the_method_is_that_of_marsaglia_and_tsang(dof: float) -> None:
    n = 20 if PLAIN else 300
    for i, got in enumerate(fill(dof, n).tolist()):
        exact = naive(dof, int(KEY), int(FIRST) + i)
        # Some ulp, and what the rounding of t is beside 1 + t: 3/2 sqrt(1 + t) of it, times sqrt(2 d).
        assert abs(got - exact) <= 1e-14 * exact + 4e-16 * math.sqrt(dof)


@given(t=st.floats(-0.5, 3.0), d=st.floats(2 / 3, 5e8), u=st.floats(2.0**-53, 1 - 2.0**-53))
def test_the_quick_test_accepts_only_what_the_exact_one_does(t: float, d: float, u: float) -> None:
    if chi._passes(t, d, u):
        with mpmath.workdps(40):
            x = mpmath.mpf(t)
            fall = d * (3 * x - 3 * mpmath.log(1 + x) - 1.5 * x * x + x**3)
            assert u < mpmath.exp(-fall) * (1 + mpmath.mpf(2) ** -50)


@given(t=st.floats(-1.5, 3.0), d=st.floats(2 / 3, 5e8), share=st.floats(0.01, 3.0))
def test_the_exact_test_is_exact(t: float, d: float, share: float) -> None:
    with mpmath.workdps(40):
        x = mpmath.mpf(t)
        limit = mpmath.exp(-d * (3 * x - 3 * mpmath.log(1 + x) - 1.5 * x * x + x**3)) if t > -1 else mpmath.mpf(0)
        u = float(share * limit)
        if not 2.0**-53 < u < 1:
            u = 0.5
        if abs(mpmath.log(u) - (mpmath.log(limit) if limit else -mpmath.inf)) > 1e-12 * (1 + d * t * t):
            assert chi._is_accepted(t, d, u) == (u < limit)


def test_no_word_is_shared_with_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counters carry the tag 3, those of `philox` 1 and 2."""
    seen: list[int] = []
    original = philox.philox4x32

    def record(low: Any, high: Any, key: Any) -> Any:
        seen.append(int(low))
        assert (int(high), int(key)) == (5, 9)
        return original(low, high, key)

    for name, function in list(vars(chi).items()):
        if hasattr(function, "py_func"):
            monkeypatch.setattr(chi, name, function.py_func)
    monkeypatch.setattr(chi, "philox4x32", record)
    with np.errstate(all="ignore"):
        for dof in (1.0, 1.5, 2.0, 40.0):
            chi.chi(dof, U(9), U(5))
    assert seen[0] == 3 << 62 and seen[1:3] == [3 << 62, 3 << 62 | 1]
    assert {low >> 62 for low in seen} == {3}
    assert {int(philox._TAG32) >> 62, int(philox._TAG64) >> 62} == {1, 2}
