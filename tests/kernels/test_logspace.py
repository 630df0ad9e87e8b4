from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from isoperimetry.kernels import logspace
from tests import naive
from tests.tables import load, worst_error

EPS = 2.0**-52
FORMS = ["compiled", "py_func"]
logs = st.floats(-1e300, 700.0)


def kernel(name: str, form: str = "compiled") -> Any:
    function = getattr(logspace, name)
    return function if form == "compiled" else function.py_func


@pytest.mark.parametrize("form", FORMS)
def test_table(form: str) -> None:
    rows = load("log1mexp")
    error, i = worst_error([kernel("log1mexp", form)(x) for x, _ in rows], [truth for _, truth in rows])
    assert error <= 2, f"log1mexp({rows[i][0]!r}) is {error:.3g} ulp off"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("log1mexp", [(-30.0,), (-1.0,), (-0.7,), (-0.6931471805599453,), (-0.69,), (-0.01,)]),
        ("logaddexp", [(0.0, 0.0), (-3.0, 2.0), (5.0, -7.5), (-20.0, -20.1)]),
        ("logsubexp", [(0.0, -1.0), (2.0, 1.9), (-5.0, -300.0), (-20.0, -20.1)]),
    ],
)
def test_naive(name: str, points: list[tuple[float, ...]], form: str) -> None:
    for arguments in points:
        assert kernel(name, form)(*arguments) == pytest.approx(getattr(naive, name)(*arguments), rel=1e-11)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("log1mexp", (0.0,), -math.inf), ("log1mexp", (-0.0,), -math.inf), ("log1mexp", (-math.inf,), 0.0),
        ("log1mexp", (5e-324,), math.nan), ("log1mexp", (math.inf,), math.nan), ("log1mexp", (math.nan,), math.nan),
        ("logaddexp", (-math.inf, -math.inf), -math.inf), ("logaddexp", (math.inf, math.inf), math.inf),
        ("logaddexp", (-math.inf, math.inf), math.inf), ("logaddexp", (-math.inf, -3.0), -3.0),
        ("logaddexp", (-3.0, -math.inf), -3.0), ("logaddexp", (math.nan, 1.0), math.nan),
        ("logaddexp", (1.0, math.nan), math.nan), ("logaddexp", (-1e308, 1e308), 1e308),
        ("logaddexp", (math.nan, math.inf), math.nan), ("logaddexp", (math.inf, math.nan), math.nan),
        ("logsubexp", (1.0, 1.0), -math.inf), ("logsubexp", (-math.inf, -math.inf), -math.inf),
        ("logsubexp", (-3.0, -math.inf), -3.0), ("logsubexp", (1.0, 2.0), math.nan),
        ("logsubexp", (math.inf, 1.0), math.nan), ("logsubexp", (1.0, math.nan), math.nan),
        ("logsubexp", (math.nan, 1.0), math.nan),
    ],
)  # fmt: skip
def test_limits(name: str, arguments: tuple[float, ...], expected: float, form: str) -> None:
    value = kernel(name, form)(*arguments)
    assert math.isnan(value) if math.isnan(expected) else value == expected


@given(st.floats(), st.floats())
def test_any_float(x: float, y: float) -> None:
    for form in FORMS:
        assert not kernel("log1mexp", form)(x) > 0
        assert math.isnan(kernel("logaddexp", form)(x, y)) == (math.isnan(x) or math.isnan(y))
        assert math.isnan(kernel("logsubexp", form)(x, y)) == (not y <= x < math.inf)


@given(st.floats(-700.0, -1e-300))
@example(-math.log(2))
def test_log1mexp_is_its_own_inverse(x: float) -> None:
    y = logspace.log1mexp(x)
    assume(y < 0)
    # dx = dy exp(y - x): 2 ulp of y, and the rounding of the way back
    tolerance = 3 * math.ulp(y) * math.exp(min(y - x, 700.0)) + 4 * math.ulp(x)
    assert abs(logspace.log1mexp(y) - x) <= tolerance


@given(logs, logs)
@example(0.0, 0.0)
def test_logaddexp_laws(x: float, y: float) -> None:
    total = logspace.logaddexp(x, y)
    assert total == logspace.logaddexp(y, x)
    assert max(x, y) <= total <= max(x, y) + math.log(2) + math.ulp(max(abs(x), abs(y), 1.0))


@given(logs, st.floats(1e-12, 1e3))
def test_logsubexp_undoes_logaddexp(x: float, gap: float) -> None:
    y = x - gap
    assume(y < x)
    difference = logspace.logsubexp(x, y)
    assert logspace.logaddexp(difference, y) == pytest.approx(x, rel=4 * EPS, abs=4 * EPS)
