from __future__ import annotations

import hashlib
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

from isoperimetry.kernels import _elementary, _formulas, _quantile, _tail, normal
from tests import naive
from tests.reference import fit_normal
from tests.tables import load, worst_error

# The documentation promises 1 ulp, and 1.1 for the profile, which no point of the tables needs;
# `python -m benchmarks.accuracy_special` looks at more points.
NAMES = [
    "ndtr", "log_ndtr", "ndtri", "ndtri_exp", "mills_ratio", "erfcx", "pdf", "log_pdf", "log_profile",
    "log_profile_exp",
]  # fmt: skip
LOOPS = ["ndtr", "log_ndtr", "ndtri", "ndtri_exp", "mills_ratio", "log_profile", "log_profile_exp"]
EPS = 2.0**-52

anything = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
rates = st.floats(0.0, 1.0)


def kernel(name: str) -> Any:
    return getattr(normal, name)


def same(a: float, b: float) -> bool:
    """Tell whether two floats have the same bits, up to the kind of NaN."""
    return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["compiled", "py_func"])
def test_table(name: str, form: str) -> None:
    rows = load(name)
    function = kernel(name) if form == "compiled" else kernel(name).py_func
    error, i = worst_error([function(x) for x, _ in rows], [truth for _, truth in rows])
    assert error <= 1, f"{name}({rows[i][0]!r}) is {error:.3g} ulp off"


def bits_of_tables() -> str:
    """Return a hash of the bits of all functions, scalars and loops, on the inputs of all tables."""
    digest = hashlib.sha256()
    for name in NAMES:
        x = np.array([x for x, _ in load(name)])
        values = [np.array([kernel(name)(float(point)) for point in x])]
        if name in LOOPS:
            values.append(np.empty_like(x))
            kernel(f"fill_{name}")(x, values[1])
        for array in values:
            digest.update(array.tobytes())
    return digest.hexdigest()


def test_plain_python_has_the_bits_of_compiled_code() -> None:
    """NUMBA_DISABLE_JIT=1 runs every line as plain Python, the inlined pieces and the loops too."""
    paths = [str(Path(__file__).parents[2]), *sys.path]
    program = f"import sys; sys.path[:0] = {paths!r}; from tests.kernels import test_normal as t; "
    program += "assert t.normal.ndtr is t.normal.ndtr.py_func; print(t.bits_of_tables())"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == bits_of_tables()


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("ndtr", np.linspace(-8, 8, 33)),
        ("log_ndtr", np.linspace(-8, 5, 27)),
        ("ndtri", [1e-200, 1e-20, 1e-3, 0.1, 0.25, 0.3, 0.6, 0.75, 0.9, 0.999]),
        ("ndtri_exp", [-500.0, -50.0, -5.0, -1.5, -1.386, -1.0, -0.5, -0.2877, -0.2, -0.01]),
        ("mills_ratio", [-5.0, -1.0, -0.5, 0.0, 0.5, 3.0, 20.0]),
        ("erfcx", np.linspace(-5, 5, 21)),
        ("pdf", np.linspace(-9, 9, 19)),
        ("log_pdf", np.linspace(-9, 9, 19)),
        ("log_profile", [1e-100, 0.01, 0.5, 0.9]),
        ("log_profile_exp", [-500.0, -5.0, -0.01]),
    ],
)
def test_naive(name: str, points: Any) -> None:
    for x in points:
        expected = getattr(naive, name)(float(x))
        assert kernel(name)(float(x)) == pytest.approx(expected, rel=1e-9, abs=1e-12), x


@pytest.mark.parametrize("name", LOOPS)
def test_loop_has_the_bits_of_the_scalar(name: str, rng: np.random.Generator) -> None:
    x = np.concatenate([[x for x, _ in load(name)], rng.uniform(-40, 40, 1000), rng.uniform(0, 1, 1000)])
    out = np.empty_like(x)
    kernel(f"fill_{name}")(x, out)
    assert all(same(value, kernel(name)(float(point))) for value, point in zip(out.tolist(), x, strict=True))
    kernel(f"fill_{name}")(x, x)  # in place
    np.testing.assert_array_equal(x, out)


# The values were found independently: quadrature and secant, and Newton's method on erfc, agree to 1e-35.
@pytest.mark.parametrize(
    ("y", "expected"),
    [(-300 * math.log(10), -37.047096299361199237), (-1e6, -1414.2077829910173270), (-1e12, -1414213.5623624311554),
     (-1e-20, 9.2623400897984075737)],
)  # fmt: skip
def test_known_values(y: float, expected: float) -> None:
    assert normal.ndtri_exp(y) == pytest.approx(expected, rel=4 * EPS)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("ndtr", 0.0, 0.5), ("ndtr", -math.inf, 0.0), ("ndtr", math.inf, 1.0), ("ndtr", -1e300, 0.0),
        ("log_ndtr", -math.inf, -math.inf), ("log_ndtr", math.inf, 0.0), ("log_ndtr", -1.7e308, -math.inf),
        ("ndtri", 0.0, -math.inf), ("ndtri", 1.0, math.inf), ("ndtri", 0.5, 0.0), ("ndtri", -0.0, -math.inf),
        ("ndtri", -5e-324, math.nan), ("ndtri", 1 + EPS, math.nan), ("ndtri", math.inf, math.nan),
        ("ndtri_exp", 0.0, math.inf), ("ndtri_exp", -math.inf, -math.inf), ("ndtri_exp", 5e-324, math.nan),
        ("ndtri_exp", math.inf, math.nan), ("ndtri_exp", -0.0, math.inf),
        ("mills_ratio", math.inf, 0.0), ("mills_ratio", -math.inf, math.inf), ("mills_ratio", -37.7, math.inf),
        ("mills_ratio", -37.655, math.inf), ("mills_ratio", -37.67, math.inf), ("erfcx", -26.63, math.inf),
        ("erfcx", 0.0, 1.0), ("erfcx", math.inf, 0.0), ("erfcx", -math.inf, math.inf), ("erfcx", -26.7, math.inf),
        ("pdf", math.inf, 0.0), ("pdf", -math.inf, 0.0), ("log_pdf", math.inf, -math.inf),
        ("log_profile", 0.0, -math.inf), ("log_profile", 1.0, -math.inf), ("log_profile", 2.0, math.nan),
        ("log_profile_exp", -math.inf, -math.inf), ("log_profile_exp", 0.0, -math.inf),
        *((name, math.nan, math.nan) for name in NAMES),
    ],
)  # fmt: skip
def test_limits(name: str, x: float, expected: float) -> None:
    for value in (kernel(name)(x), kernel(name).py_func(x)):
        assert same(value, expected), value


@given(anything)
@example(-39.0)
@example(-1.3862943611198906)
@example(1e18)
def test_any_float(x: float) -> None:
    """No exception, a number of the right range, and NaN just for NaN and outside the domain."""
    nan = math.isnan(x)
    ranges = {
        "ndtr": (0, 1, nan), "log_ndtr": (-math.inf, 0, nan), "mills_ratio": (0, math.inf, nan),
        "erfcx": (0, math.inf, nan), "pdf": (0, 0.4, nan), "log_pdf": (-math.inf, -0.9, nan),
        "ndtri": (-38.5, 8.3, not 0 <= x <= 1), "ndtri_exp": (-math.inf, math.inf, not x <= 0),
        "log_profile": (-math.inf, -0.9, not 0 <= x <= 1), "log_profile_exp": (-math.inf, -0.9, not x <= 0),
    }  # fmt: skip
    for name, (low, high, is_nan) in ranges.items():
        value = kernel(name)(x)
        assert math.isnan(value) == is_nan, name
        if name == "ndtri" and x in (0, 1):
            continue
        assert is_nan or low <= value <= high, (name, value)
        plain = kernel(name).py_func(x)
        assert same(plain, value) or plain == pytest.approx(value, rel=8 * EPS, abs=5e-324), (name, plain, value)


@given(anything.filter(math.isfinite), anything.filter(math.isfinite))
@pytest.mark.parametrize(
    ("name", "sign"), [("ndtr", 1), ("log_ndtr", 1), ("ndtri", 1), ("ndtri_exp", 1), ("mills_ratio", -1), ("erfcx", -1)]
)
def test_monotone(name: str, sign: int, x: float, y: float) -> None:
    if name == "ndtri":
        x, y = abs(math.remainder(x, 1)), abs(math.remainder(y, 1))
    if name == "ndtri_exp":
        x, y = -abs(x), -abs(y)
    low, high = sorted((x, y))
    left, right = sign * kernel(name)(low), sign * kernel(name)(high)
    slack = 0.0 if left == right or math.isinf(left) or math.isinf(right) else 2 * math.ulp(left)
    assert left <= right + slack


@given(rates)
def test_quantile_is_antisymmetric(p: float) -> None:
    p = max(p, 1.0 - p)  # then 1 - p is exact
    assert normal.ndtri(p) == -normal.ndtri(1.0 - p)


@given(st.floats(-1e150, 8.0))
@example(-1000.0)
@example(-0.675)
@example(1e-12)
def test_quantile_inverts_log_ndtr(x: float) -> None:
    y = normal.log_ndtr(x)
    # 1 ulp of y moves the quantile by that times dz/dy, the Mills ratio at -x
    tolerance = 1.001 * math.ulp(y) * normal.mills_ratio(-x) + math.ulp(x)
    assert abs(normal.ndtri_exp(y) - x) <= tolerance


@given(st.floats(-37.5, 5.0))
def test_quantile_inverts_ndtr(x: float) -> None:
    p = normal.ndtr(x)
    tolerance = 1.001 * math.ulp(p) * normal.mills_ratio(-x) / p + math.ulp(x)
    assert abs(normal.ndtri(p) - x) <= tolerance


@given(st.floats(-37.0, 5.0))
def test_log_and_linear_forms_agree(x: float) -> None:
    p = normal.ndtr(x)
    assert normal.log_ndtr(x) == pytest.approx(math.log(p), rel=4 * EPS, abs=4 * EPS)
    mu = min(p, 0.4)
    assert normal.ndtri_exp(math.log(mu)) == pytest.approx(normal.ndtri(mu), rel=8 * EPS)
    assert normal.log_profile_exp(math.log(mu)) == pytest.approx(normal.log_profile(mu), rel=16 * EPS)


@given(st.floats(-30.0, 1e12))
def test_mills_ratio_joins_the_functions(x: float) -> None:
    ratio = normal.mills_ratio(x)
    assert normal.log_ndtr(-x) == pytest.approx(math.log(ratio) + normal.log_pdf(x), rel=8 * EPS, abs=1e-13)
    if x > -20:
        # x / sqrt(2) is rounded, which moves erfcx by up to 2 x**2 EPS, relatively, on the left
        slack = 8 * EPS + (x * x * EPS if x < 0 else 0)
        assert normal.erfcx(x / math.sqrt(2)) == pytest.approx(math.sqrt(2 / math.pi) * ratio, rel=slack)


@given(st.floats(1e-12, 1e6))
def test_mills_ratio_is_between_its_bounds(x: float) -> None:
    """2 / (x + sqrt(x**2 + 4)) < M(x) < 4 / (3 x + sqrt(x**2 + 8)) (Birnbaum 1942, Sampford 1953)."""
    ratio = normal.mills_ratio(x)
    assert 2 / (x + math.sqrt(x * x + 4)) * (1 - 8 * EPS) <= ratio <= 4 / (3 * x + math.sqrt(x * x + 8)) * (1 + 8 * EPS)


def test_coefficients_are_those_of_the_script() -> None:
    def rounded(coefficients: list[Any]) -> tuple[float, ...]:
        return tuple(float(c) for c in reversed(coefficients))

    fitted = {name: getattr(fit_normal, name)()[:2] for name in fit_normal.TABLES}
    one_sided = {
        "exponential": _elementary._EXP, "logarithm": _elementary._LOG, "tail_slope": _tail._SLOPE,
        "center_slope": _quantile._SLOPE, "deep": _quantile._DEEP,
        "tail": (*_tail._TAIL, _tail._TAIL_0), "inner": (*_formulas._INNER, _formulas._INNER_0),
    }  # fmt: skip
    for name, table in one_sided.items():
        assert table == rounded(fitted.pop(name)[0]), name
    two_sided = {
        "center": (_quantile._CENTER_TOP, _quantile._CENTER_BOTTOM),
        "outer": (_quantile._OUTER_TOP, _quantile._OUTER_BOTTOM),
        "log_of_complement": (_formulas._LOG1M_TOP, _formulas._LOG1M_BOTTOM),
    }
    for name, tables in two_sided.items():
        assert tables == tuple(map(rounded, fitted.pop(name))), name
    assert not fitted


@pytest.mark.parametrize("name", fit_normal.TABLES)
def test_tables_are_as_good_as_they_say(name: str) -> None:
    """The error of a table is a sixth of an ulp at most, that of a slope 2 %: it only scales a low part."""
    error = getattr(fit_normal, name)()[2]
    assert error < (0.02 if "slope" in name else 2e-17)


def test_kernels_can_be_called_from_compiled_code() -> None:
    from isoperimetry.kernels._jit import kernel as compile_kernel

    def total(x: Any) -> float:
        s = 0.0
        for i in range(x.size):
            s += normal.ndtri(normal.ndtr(x[i]))
        return s

    compiled = compile_kernel(total)
    x = np.linspace(-3, 3, 7) + 0.125
    assert compiled(x) == pytest.approx(7 * 0.125, rel=1e-12)
    assert compiled.py_func(x) == pytest.approx(7 * 0.125, rel=1e-12)
