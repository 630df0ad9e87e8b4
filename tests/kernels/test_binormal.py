from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.kernels import normal
from isoperimetry.kernels.binormal import fill_log_binormal_sf, log_binormal_sf
from isoperimetry.kernels.logspace import log1mexp, logaddexp
from isoperimetry.testing._binormal import log_binormal_sf as truth

EPS = 2.0**-52
anything = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
thresholds = st.floats(-6.0, 6.0) | st.floats(-300.0, 300.0)
angles = st.floats(0.0, math.pi) | st.floats(-12.0, -1.0).map(lambda e: 10.0**e)
angles |= angles.map(lambda angle: math.pi - angle)

CASES = [
    (1.2, 1.7, -0.4), (0.0, 0.0, 0.5), (3.0, 2.0, 0.95), (-3.0, -2.0, 0.95), (-1.0, 2.5, -0.8), (1.0, 0.6, 0.6),
    (40.0, 39.0, 0.9), (40.0, -3.0, 0.2), (400.0, 300.0, -0.9), (1e4, 7e3, 0.5), (3.0, 3.0, 1 - 1e-9),
    (300.0, 300.0, 1 - 1e-9), (-0.5, 0.5001, -1 + 1e-6), (-0.5, -0.4, -1 + 1e-6), (-0.01, -0.02, -0.9999),
    (-5.0, -5.0, -0.3), (-20.0, -21.0, 0.7), (0.7, -0.7, 0.0), (5.0, 4.5, 0.9), (2.0, -9.0, -0.99),
    (1e-16, 0.0, 0.9243), (1e-300, -1e-16, 0.9243),  # the last panel may be a sliver
]  # fmt: skip


def root_of(rho: float) -> float:
    return math.sqrt((1 - rho) * (1 + rho))


@pytest.mark.parametrize("form", ["compiled", "py_func"])
@pytest.mark.parametrize("case", CASES)
def test_against_polar_coordinates(case: tuple[float, float, float], form: str) -> None:
    h, k, rho = case
    expected = float(truth(h, k, rho, digits=20))
    function = log_binormal_sf if form == "compiled" else log_binormal_sf.py_func
    value = function(h, k, rho, root_of(rho))
    # half an ulp of the root, for rho near 1, is as much as one of rho
    assert value == pytest.approx(expected, rel=1e-13, abs=1e-13 * min(1.0, abs(expected)))


def test_root_has_the_last_digits() -> None:
    """Angle 1e-9: the cosine is 1 in float64. The wedge beyond a corner far out is that of the angle."""
    angle = 1e-9
    for h, k in ((1e9, 1e9), (1e9, 1e9 + 1.0), (2.0, 2.0)):
        for sign in (1.0, -1.0):
            k = abs(k) if sign > 0 else -abs(k)
            expected = float(truth(h, k, sign, angle, digits=20))
            value = log_binormal_sf(h, k, sign, angle)
            assert value == pytest.approx(expected, rel=4 * EPS, abs=1e-12 * min(1.0, abs(expected)))


def test_known_values() -> None:
    """Two half-spaces at 1.2 and 1.7 of correlation -0.4, and moved by 1/2: from the measure of their union."""
    for move, union in ((0.0, 0.15902473764161234570), (0.5, 0.34900099451915169000)):
        h, k = 1.2 - move, 1.7 - move
        both = normal.ndtr(-h) + normal.ndtr(-k) - union
        assert math.exp(log_binormal_sf(h, k, -0.4, root_of(-0.4))) == pytest.approx(both, abs=4 * EPS)


@given(angles)
@example(math.pi / 2)
@example(1e-12)
def test_quadrant_at_the_origin_is_a_wedge(angle: float) -> None:
    """Its opening is pi minus the angle of the normals, whose cosine is the correlation."""
    rho, root = math.cos(angle), abs(math.sin(angle))
    opening = math.pi - angle if angle < 3.0 else math.atan2(root, -rho)
    value = log_binormal_sf(0.0, 0.0, rho, root)
    if opening > 1e-15:
        assert value == pytest.approx(math.log(opening / (2 * math.pi)), rel=1e-13, abs=1e-13)


@given(thresholds, thresholds, angles)
def test_symmetric_and_splits_half_spaces(h: float, k: float, angle: float) -> None:
    """P(h, k; rho) + P(h, -k; -rho) = Phi(-h), all positive."""
    rho, root = math.cos(angle), math.sin(angle)
    value = log_binormal_sf(h, k, rho, root)
    assert value == log_binormal_sf(k, h, rho, root)
    total = logaddexp(value, log_binormal_sf(h, -k, -rho, root))
    expected = normal.log_ndtr(-h)
    assert total == pytest.approx(expected, rel=4 * EPS, abs=1e-13)


@given(thresholds, thresholds, angles)
def test_near_1_it_is_the_complement(h: float, k: float, angle: float) -> None:
    """1 - P is the measure of the union of two half-spaces: the larger one at least, their sum at most."""
    rho, root = math.cos(angle), math.sin(angle)
    value = log_binormal_sf(h, k, rho, root)
    one, two = normal.log_ndtr(h), normal.log_ndtr(k)
    outside = log1mexp(value) if value < 0.0 else -math.inf
    slack = 1e-13 + 4 * EPS * abs(max(one, two))
    if max(one, two) > -700:
        assert max(one, two) - slack <= outside <= logaddexp(one, two) + slack


@given(thresholds, thresholds, angles, st.floats(1e-9, 1.0))
def test_monotone_in_thresholds_and_correlation(h: float, k: float, angle: float, more: float) -> None:
    rho, root = math.cos(angle), math.sin(angle)
    value = log_binormal_sf(h, k, rho, root)
    slack = 1e-13 * min(1.0, abs(value)) + 8 * EPS * abs(value)
    assert log_binormal_sf(h + more, k, rho, root) <= value + slack
    if angle + more < math.pi:
        assert log_binormal_sf(h, k, math.cos(angle + more), math.sin(angle + more)) <= value + slack


def test_limits() -> None:
    inf, nan = math.inf, math.nan
    for form in (log_binormal_sf, log_binormal_sf.py_func):
        assert form(inf, 0.0, 0.5, root_of(0.5)) == -inf
        assert form(inf, -inf, 0.5, root_of(0.5)) == -inf
        assert form(-inf, -inf, 0.5, root_of(0.5)) == 0.0
        assert form(1.0, -inf, -0.5, root_of(0.5)) == normal.log_ndtr(-1.0)
        assert form(1e200, 1.0, 0.5, root_of(0.5)) == -inf
        assert form(-1e300, -1e300, -0.5, root_of(0.5)) == 0.0
        assert form(1.0, 2.0, 1.0, 0.0) == normal.log_ndtr(-2.0)
        assert form(1.0, -1.0, -1.0, 0.0) == -inf
        assert form(-1.0, -2.0, -1.0, 0.0) == pytest.approx(math.log(normal.ndtr(2.0) - normal.ndtr(-1.0)), rel=1e-14)
        assert form(1.0, -2.0, -1.0, 0.0) == pytest.approx(math.log(normal.ndtr(2.0) - normal.ndtr(1.0)), rel=1e-14)
        assert form(-0.0, -1e-9, -1.0, 0.0) == pytest.approx(math.log(1e-9 / math.sqrt(2 * math.pi)), rel=1e-14)
        for bad in ((nan, 0.0, 0.0, 1.0), (0.0, nan, 0.0, 1.0), (0.0, 0.0, nan, 1.0), (0.0, 0.0, 0.0, nan),
                    (0.0, 0.0, 1.1, 0.0), (0.0, 0.0, 0.0, -1.0), (0.0, 0.0, 0.5, 0.5)):  # fmt: skip
            assert math.isnan(form(*bad))


@given(anything, anything, st.floats(-1.0, 1.0))
@example(-1e308, 1e308, -1.0 + 2**-53)
@example(1e-300, -1e-300, -1.0 + 2**-53)
def test_any_float(h: float, k: float, rho: float) -> None:
    for form in (log_binormal_sf, log_binormal_sf.py_func):
        value = form(h, k, rho, root_of(rho))
        assert math.isnan(value) if math.isnan(h) or math.isnan(k) else value <= 0.0


def test_loop_has_the_bits_of_the_scalar() -> None:
    h, k, rho = (np.array(column) for column in zip(*CASES, strict=True))
    root = np.array([root_of(r) for r in rho])
    expected = [log_binormal_sf(*map(float, row)) for row in zip(h, k, rho, root, strict=True)]
    for loop in (fill_log_binormal_sf, fill_log_binormal_sf.py_func):
        out = np.empty_like(h)
        loop(h, k, rho, root, out)
        np.testing.assert_array_equal(out, expected)


def test_without_compilation() -> None:
    """NUMBA_DISABLE_JIT=1 runs the inner kernels as plain Python too, to the same bits."""
    values = [log_binormal_sf(h, k, rho, root_of(rho)) for h, k, rho in CASES]
    program = f"""
import math
from isoperimetry.kernels.binormal import log_binormal_sf
for (h, k, rho), value in zip({CASES!r}, {values!r}):
    assert log_binormal_sf(h, k, rho, math.sqrt((1 - rho) * (1 + rho))) == value, (h, k, rho)
"""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-W", "error", "-c", program], env=environment, check=True)
