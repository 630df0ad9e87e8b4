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

from isoperimetry.kernels import gamma
from isoperimetry.kernels.logspace import logaddexp
from tests import naive
from tests.tables import error_in_units, load_several

NAMES = ["log_chi2_cdf", "log_chi2_sf", "log_ball_probability", "log_ball_complement"]
PROMISED = 16  # units of tests.tables.error_in_units
EPS = 2.0**-52

anything = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
dims = st.sampled_from([1.0, 2.0, 3.0, 784.0, 3072.0, 150528.0]) | st.floats(0.5, 1e6)
deviations = st.floats(-8.0, 8.0)
distances = st.just(0.0) | st.floats(1e-3, 1e3)


def kernel(name: str) -> Any:
    return getattr(gamma, name)


def squared_radius(dim: float, distance: float, z: float) -> float:
    """Return a squared radius z standard deviations from the mean, or in the lower tail if that would be negative."""
    mean, deviation = dim + distance**2, math.sqrt(2 * dim + 4 * distance**2)
    return max(mean + z * deviation, mean * math.exp(min(z, 0.0)))


@pytest.mark.parametrize("form", ["compiled", "py_func"])
@pytest.mark.parametrize("name", NAMES)
def test_table(name: str, form: str) -> None:
    function = kernel(name) if form == "compiled" else kernel(name).py_func
    for arguments, truth in load_several(name):
        assert error_in_units(function(*arguments), truth) <= PROMISED, (arguments, truth)


def test_tables_without_compilation() -> None:
    """NUMBA_DISABLE_JIT=1 runs every line as plain Python, the inner kernels too."""
    program = f"""
from isoperimetry.kernels import gamma
from tests.tables import error_in_units, load_several
for name in {NAMES!r}:
    for arguments, truth in load_several(name):
        assert error_in_units(getattr(gamma, name)(*arguments), truth) <= {PROMISED}, (name, arguments)
"""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-W", "error", "-c", program], env=environment, check=True)


@pytest.mark.parametrize("dim", [2, 4, 10, 30])
@pytest.mark.parametrize("ratio", [0.3, 0.8, 1.0, 1.5, 3.0])
def test_naive(dim: int, ratio: float) -> None:
    x = ratio * dim
    for name in ("log_chi2_cdf", "log_chi2_sf"):
        assert kernel(name)(x, float(dim)) == pytest.approx(getattr(naive, name)(x, dim), rel=1e-8, abs=1e-11)
    for name in ("log_ball_probability", "log_ball_complement"):
        for distance in (0.5, 3.0):
            expected = getattr(naive, name)(math.sqrt(x), dim, distance)
            assert kernel(name)(math.sqrt(x), float(dim), distance) == pytest.approx(expected, rel=1e-7, abs=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_loop_has_the_bits_of_the_scalar(name: str) -> None:
    arguments = [np.array(column) for column in zip(*(row for row, _ in load_several(name)), strict=True)]
    expected = np.array([kernel(name)(*map(float, row)) for row in zip(*arguments, strict=True)])
    for loop in (kernel(f"fill_{name}"), kernel(f"fill_{name}").py_func):
        out = np.empty_like(arguments[0])
        loop(*arguments, out)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("x", "dim", "cdf", "sf"),
    [
        (0.0, 3.0, -math.inf, 0.0), (math.inf, 3.0, 0.0, -math.inf), (-1.0, 3.0, math.nan, math.nan),
        (math.nan, 3.0, math.nan, math.nan), (1.0, math.nan, math.nan, math.nan), (1.0, 0.0, math.nan, math.nan),
        (1.0, -1.0, math.nan, math.nan), (1.0, math.inf, math.nan, math.nan), (0.0, math.nan, math.nan, math.nan),
        (1e200, 3.0, 0.0, -5e199), (6.0, 2.0, math.log(-math.expm1(-3.0)), -3.0),
    ],
)  # fmt: skip
def test_limits(x: float, dim: float, cdf: float, sf: float) -> None:
    for form in (gamma.log_chi2_cdf, gamma.log_chi2_cdf.py_func):
        assert form(x, dim) == pytest.approx(cdf, rel=4 * EPS, nan_ok=True)
    for form in (gamma.log_chi2_sf, gamma.log_chi2_sf.py_func):
        assert form(x, dim) == pytest.approx(sf, rel=4 * EPS, nan_ok=True)


@pytest.mark.parametrize(
    ("radius", "dim", "distance", "inside", "outside"),
    [
        (0.0, 3.0, 1.0, -math.inf, 0.0), (math.inf, 3.0, 1.0, 0.0, -math.inf), (1.0, 3.0, math.inf, -math.inf, 0.0),
        (math.inf, 3.0, math.inf, math.nan, math.nan), (-1.0, 3.0, 0.0, math.nan, math.nan),
        (1.0, 0.0, 0.0, math.nan, math.nan), (1.0, 3.0, math.nan, math.nan, math.nan),
        (1e100, 3.0, 1e100, -math.log(2), -math.log(2)), (1e100, 3.0, 3e100, -2e200, 0.0),
        (3e100, 3.0, 1e100, 0.0, -2e200),
    ],
)  # fmt: skip
def test_limits_of_balls(radius: float, dim: float, distance: float, inside: float, outside: float) -> None:
    for sign in (1.0, -1.0):
        value = gamma.log_ball_probability(radius, dim, sign * distance)
        assert value == pytest.approx(inside, rel=4 * EPS, nan_ok=True)
        value = gamma.log_ball_complement(radius, dim, sign * distance)
        assert value == pytest.approx(outside, rel=4 * EPS, nan_ok=True)


@given(anything, anything, anything)
@example(1e-300, 1e-30, 1.0)
@example(1e-3, 1e-17, 1.0)
@example(1e16, 1e-5, 1e5)
@example(0.77, 0.37, 7e26)
@example(1e60, 1e30, 1e60)
def test_any_float(x: float, dim: float, distance: float) -> None:
    """No exception, compiled or not, a number <= 0, and NaN just for NaN and outside the domain."""
    domain = gamma.LEAST_DIM <= dim <= gamma.LARGEST_DIM and x >= 0
    balls = domain and not math.isnan(distance) and not (x == math.inf and abs(distance) == math.inf)
    for name, arguments, inside in (
        ("log_chi2_cdf", (x, dim), domain), ("log_chi2_sf", (x, dim), domain),
        ("log_ball_probability", (x, dim, distance), balls), ("log_ball_complement", (x, dim, distance), balls),
    ):  # fmt: skip
        for form in (kernel(name), kernel(name).py_func):
            value = form(*arguments)
            assert value <= 0 if inside else math.isnan(value), (name, value)


@given(dims, distances, deviations)
@example(150528.0, 0.0, 0.0)
def test_the_two_sides_are_complements(dim: float, distance: float, z: float) -> None:
    radius = math.sqrt(squared_radius(dim, distance, z))
    inside = gamma.log_ball_probability(radius, dim, distance)
    outside = gamma.log_ball_complement(radius, dim, distance)
    assert abs(math.expm1(logaddexp(inside, outside))) <= PROMISED * EPS


@given(dims, deviations)
def test_balls_at_the_center_are_those_of_chi2(dim: float, z: float) -> None:
    radius = math.sqrt(squared_radius(dim, 0.0, z))
    x = radius * radius  # rounded, by half an ulp
    # the slope of log P in log x is at most x / 2 + dim / 2 in the lower tail and in the upper one
    slack = PROMISED * EPS + EPS * min(0.5 * (x + dim), 20 + 12 * math.sqrt(dim))
    ball, chi2 = gamma.log_ball_probability(radius, dim, 0.0), gamma.log_chi2_cdf(x, dim)
    assert ball == pytest.approx(chi2, rel=max(slack, slack / abs(chi2) if chi2 < -1 else slack * 60))
    tiny = gamma.log_ball_probability(radius, dim, 1e-170)  # its square is no number
    assert tiny == ball


@given(dims, deviations)
def test_recurrence_in_the_dimension(dim: float, z: float) -> None:
    """Q(a + 1, x) = Q(a, x) + x**a exp(-x) / Gamma(a + 1), all positive."""
    x = squared_radius(dim, 0.0, z)
    a, t = 0.5 * dim, 0.5 * x
    log_jump = a * math.log(t) - t - math.lgamma(a + 1)
    below, above = gamma.log_chi2_sf(x, dim), gamma.log_chi2_sf(x, dim + 2)
    slack = 8 * EPS * (a * abs(math.log(t)) + t + abs(math.lgamma(a + 1)) + 30)  # of the jump, as it is written here
    assert logaddexp(below, log_jump) == pytest.approx(above, rel=slack, abs=slack)


@given(dims, distances, deviations, st.floats(1e-6, 3.0), st.floats(1e-6, 3.0))
def test_monotone(dim: float, distance: float, z: float, more: float, further: float) -> None:
    """Growing balls have more measure, balls further away and of more dimensions less."""
    radius = math.sqrt(squared_radius(dim, distance, z))
    value = gamma.log_ball_probability(radius, dim, distance)
    slack = PROMISED * EPS * abs(value) * max(1.0, -math.log(abs(value) or 1.0))
    assert gamma.log_ball_probability(radius + more, dim, distance) >= value - slack
    assert gamma.log_ball_probability(radius, dim + more, distance) <= value + slack
    assert gamma.log_ball_probability(radius, dim, distance + further) <= value + slack


@given(st.floats(1e-3, 30.0), st.floats(0.0, 30.0))
def test_one_dimension_is_the_normal_distribution(radius: float, distance: float) -> None:
    """P[|G + D| > r] by erfc; D + r and D - r are rounded, which moves the log by up to r + D ulp of them."""
    outside = 0.5 * math.erfc((radius + distance) / math.sqrt(2)) + 0.5 * math.erfc((radius - distance) / math.sqrt(2))
    if outside > 1e-290:
        slack = 4 * EPS * (1 + (radius + distance) ** 2)
        assert gamma.log_ball_complement(radius, 1.0, distance) == pytest.approx(
            math.log(outside), rel=slack, abs=slack
        )
