from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.kernels import beta
from isoperimetry.kernels.gamma import log_chi2_cdf
from isoperimetry.kernels.logspace import log1mexp, logaddexp
from tests import naive
from tests.tables import error_in_units, load_several

# In units of tests.tables.error_in_units. A quantile moves by up to 1 / min(a, b) times the error of the log of the
# probability: that many units, if it is more than 1.
PROMISED = {"log_betainc": 24, "log_betaincc": 24, "log_betainc_inv": 8, "log_betaincc_inv": 8}
NAMES = ["betaln", *PROMISED]
EPS = 2.0**-52

anything = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
sizes = st.sampled_from([0.5, 1.0, 2.0, 60.0, 75263.5]) | st.floats(-0.5, 12.0).map(lambda e: 10.0**e)
deviations = st.floats(-8.0, 8.0)
log_probabilities = st.floats(-300.0, 6.0).map(lambda e: -(10.0**e))


def kernel(name: str) -> Any:
    return getattr(beta, name)


def promised(name: str, a: float, b: float) -> float:
    return PROMISED[name] * (max(1.0, 1 / min(a, b)) if name.endswith("inv") else 1.0)


def point(a: float, b: float, z: float) -> tuple[float, float]:
    """Return x about z standard deviations from the mean, in the logit, and 1 - x."""
    logit = math.log(a / b) + z * math.sqrt((a + b) / (a * b))
    x, y = 1 / (1 + math.exp(-logit)), 1 / (1 + math.exp(logit))
    return (x, 1 - x) if x < y else (1 - y, y)


@pytest.mark.parametrize("form", ["compiled", "py_func"])
@pytest.mark.parametrize("name", PROMISED)
def test_table(name: str, form: str) -> None:
    function = kernel(name) if form == "compiled" else kernel(name).py_func
    for arguments, truth in load_several(name):
        assert error_in_units(function(*arguments), truth) <= promised(name, *arguments[:2]), (arguments, truth)


@pytest.mark.parametrize("form", ["compiled", "py_func"])
def test_table_of_betaln(form: str) -> None:
    function = beta.betaln if form == "compiled" else beta.betaln.py_func
    for (a, b), truth in load_several("betaln"):
        assert abs(function(a, b) - float(truth)) <= 12 * EPS * max(1.0, abs(float(truth))), (a, b)


def test_tables_without_compilation() -> None:
    """NUMBA_DISABLE_JIT=1 runs every line as plain Python, the inner kernels too."""
    program = """
from isoperimetry.kernels import beta
from tests.kernels.test_beta import PROMISED, promised
from tests.tables import error_in_units, load_several
for name in PROMISED:
    for arguments, truth in load_several(name):
        error = error_in_units(getattr(beta, name)(*arguments), truth)
        assert error <= promised(name, *arguments[:2]), (name, arguments)
"""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-W", "error", "-c", program], env=environment, check=True)


@pytest.mark.parametrize("a", [1, 2, 7, 30])
@pytest.mark.parametrize("b", [1, 3, 40])
def test_naive(a: int, b: int) -> None:
    assert beta.betaln(float(a), float(b)) == pytest.approx(naive.betaln(a, b), rel=1e-9, abs=1e-12)
    for x in (0.02, 0.2, 0.5, 0.9):
        for name in ("log_betainc", "log_betaincc"):
            expected = getattr(naive, name)(a, b, x)
            assert kernel(name)(float(a), float(b), x) == pytest.approx(expected, rel=1e-8, abs=1e-12)
    for log_p in (-20.0, -2.0, -0.1):
        for name in ("log_betainc_inv", "log_betaincc_inv"):
            expected = getattr(naive, name)(a, b, log_p)
            assert kernel(name)(float(a), float(b), log_p) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_loop_has_the_bits_of_the_scalar(name: str) -> None:
    arguments = [np.array(column) for column in zip(*(row for row, _ in load_several(name)), strict=True)]
    expected = np.array([kernel(name)(*map(float, row)) for row in zip(*arguments, strict=True)])
    for loop in (kernel(f"fill_{name}"), kernel(f"fill_{name}").py_func):
        out = np.empty_like(arguments[0])
        loop(*arguments, out)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("name", "a", "b", "x", "expected"),
    [
        ("log_betainc", 2.0, 3.0, 0.0, -math.inf), ("log_betainc", 2.0, 3.0, 1.0, 0.0),
        ("log_betaincc", 2.0, 3.0, 0.0, 0.0), ("log_betaincc", 2.0, 3.0, 1.0, -math.inf),
        ("log_betainc", 1.0, 1.0, 5e-324, math.log(5e-324)), ("log_betainc", 3.0, 1.0, 0.25, 3 * math.log(0.25)),
        ("log_betaincc", 1.0, 1.0, 1 - 2**-53, -53 * math.log(2)),
        ("log_betainc_inv", 2.0, 3.0, 0.0, 0.0), ("log_betainc_inv", 2.0, 3.0, -math.inf, -math.inf),
        ("log_betaincc_inv", 2.0, 3.0, 0.0, -math.inf), ("log_betaincc_inv", 2.0, 3.0, -math.inf, 0.0),
        ("log_betainc_inv", 1.0, 1.0, -1e6, -1e6), ("log_betainc_inv", 4.0, 1.0, -1e300, -2.5e299),
        *(
            (name, *bad, math.nan)
            for name in PROMISED
            for bad in ((0.0, 1.0, -0.5), (1.0, -1.0, -0.5), (math.nan, 1.0, -0.5), (1.0, math.inf, -0.5),
                        (1.0, 1.0, math.nan), (1.0, 1.0, 1.5), (0.0, 1.0, 0.5))
        ),
    ],
)  # fmt: skip
def test_limits(name: str, a: float, b: float, x: float, expected: float) -> None:
    for form in (kernel(name), kernel(name).py_func):
        assert form(a, b, x) == pytest.approx(expected, rel=4 * EPS, nan_ok=True)


@given(anything, anything, anything)
@example(75263.5, 0.5, -142450.54613872807)
@example(1e-30, 1e30, 5e-324)
@example(1e30, 1e-30, 1 - 2**-53)
@example(1e15, 1e30, 1e-15)
def test_any_float(a: float, b: float, x: float) -> None:
    """No exception, compiled or not, a number <= 0, and NaN just for NaN and outside the domain."""
    domain = beta.LEAST <= a <= beta.LARGEST and beta.LEAST <= b <= beta.LARGEST
    for name in PROMISED:
        for form in (kernel(name), kernel(name).py_func):
            argument = x if name in ("log_betainc", "log_betaincc") else -abs(x)
            inside = domain and (0 <= x <= 1 if argument is x else not math.isnan(x))
            value = form(a, b, argument)
            assert value <= 0 if inside else math.isnan(value), (name, value)


@given(sizes, sizes, deviations)
@example(1e6, 1e6, 0.0)
def test_the_two_tails_are_complements(a: float, b: float, z: float) -> None:
    x, _ = point(a, b, z)
    assert abs(math.expm1(logaddexp(beta.log_betainc(a, b, x), beta.log_betaincc(a, b, x)))) <= 24 * EPS


@given(sizes, sizes, deviations)
def test_symmetry(a: float, b: float, z: float) -> None:
    """I_x(a, b) = 1 - I_y(b, a): the same computation, but for ties."""
    x, y = point(a, b, z)
    one, two = beta.log_betainc_tail(a, b, x, y, True), beta.log_betainc_tail(b, a, y, x, False)
    assert one == two or ((a == b or x == y) and one == pytest.approx(two, rel=48 * EPS))
    if 1 - y == x and 1 - x == y:
        assert beta.log_betainc(a, b, x) == one and beta.log_betaincc(b, a, y) == two


@given(sizes, sizes, deviations)
def test_recurrence(a: float, b: float, z: float) -> None:
    """I_x(a, b) = I_x(a + 1, b) + x**a y**b / (a B(a, b)), all positive."""
    x, y = point(a, b, z)
    if min(a, b) > 1e6:  # then the jump, as it is written here, has no digit
        return
    log_jump = a * math.log(x) + b * math.log(y) - math.log(a) - beta.betaln(a, b)
    slack = 16 * EPS * (a * abs(math.log(x)) + b * abs(math.log(y)) + abs(beta.betaln(a, b)) + 30)
    sum_of_both = logaddexp(beta.log_betainc(a + 1, b, x), log_jump)
    # a + 1 is rounded, and so is the larger one of x and y: b and a times half an ulp
    slack += EPS * (a + b) * (abs(math.log(x)) + abs(math.log(y)))
    assert sum_of_both == pytest.approx(beta.log_betainc(a, b, x), rel=slack, abs=slack)


@given(sizes, sizes, deviations, st.floats(1e-9, 1.0))
def test_monotone(a: float, b: float, z: float, more: float) -> None:
    x, y = point(a, b, z)
    value = beta.log_betainc(a, b, x)
    slack = 24 * EPS * abs(value) * max(1.0, -math.log(abs(value) or 1.0))
    assert beta.log_betainc(a, b, x + more * y) >= value - slack
    assert beta.log_betainc(a * (1 + more), b, x) <= value + slack
    assert beta.log_betainc(a, b * (1 + more), x) >= value - slack


@given(sizes, sizes, log_probabilities)
@example(2.0, 3.0, math.log(0.5))
@example(75263.5, 0.5, -1e5)
@example(1.0, 1e12, -1e-300)
@example(60.0, 1e12, -437.5)
def test_quantiles_invert(a: float, b: float, log_p: float) -> None:
    """Both x and y = 1 - x come back, so that no tail is lost; the logs differ by what some ulp of x move."""
    log_q = log1mexp(log_p)
    x, y = beta.betainc_quantile(a, b, log_p, log_q)
    if min(x, y) < 1e-300:
        return
    lower, target = (True, log_p) if log_p < log_q else (False, log_q)
    value = beta.log_betainc_tail(a, b, x, y, lower)
    density = a * math.log(x) + b * math.log(y) - beta.betaln(a, b) - value
    # d log tail / d logit is at most a (or b) by concavity, and the density over the tail
    slope = min(a if lower else b, math.exp(min(density, 700.0)) * 2 if max(a, b) < 1e6 else math.inf)
    assert value == pytest.approx(target, rel=24 * EPS, abs=24 * EPS + 6 * EPS * slope)
    assert beta.log_betainc_inv(a, b, log_p) == pytest.approx(math.log(x) if x < y else math.log1p(-y), rel=4 * EPS)
    assert beta.log_betaincc_inv(b, a, log_p) == pytest.approx(math.log(y) if y < x else math.log1p(-x), rel=4 * EPS)


@given(sizes, sizes, log_probabilities, log_probabilities)
def test_quantiles_are_monotone(a: float, b: float, one: float, two: float) -> None:
    low, high = sorted((one, two))
    left, right = beta.log_betainc_inv(a, b, low), beta.log_betainc_inv(a, b, high)
    assert left <= right + 8 * EPS * abs(right)


@given(st.floats(0.5, 100.0), deviations)
def test_gamma_is_the_limit_of_beta(a: float, z: float) -> None:
    """For b to infinity, b X is gamma: the difference is of the order of (a + x)**2 / b."""
    t = a * math.exp(z / math.sqrt(a))
    b = 1e14
    expected = log_chi2_cdf(2 * t, 2 * a)
    assert beta.log_betainc(a, b, t / b) == pytest.approx(expected, rel=1e-13 + (a + t + 1) ** 2 / b)
