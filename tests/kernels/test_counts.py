from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.kernels import counts
from isoperimetry.kernels.beta import betainc_quantile
from isoperimetry.kernels.normal import ndtri
from isoperimetry.testing import reference

FORMS = ["compiled", "py_func"]
TOLERANCE = 5e-14  # of both ways together, relative

sizes = st.integers(0, 3) | st.floats(0.0, 12.0).map(lambda e: int(10.0**e))
levels = st.sampled_from([0.25, 0.05, 0.025, 0.005, 1e-4, 1.1e-7, 0.4, 1e-9]) | st.floats(1e-12, 0.49)


def kernel(name: str, form: str) -> Any:
    function = getattr(counts, name)
    return function if form == "compiled" else function.py_func


def options(level: float) -> tuple[float, float, float]:
    return math.log(level), math.log1p(-level), ndtri(level)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", [0.2, 0.025, 5e-5, 1e-6])
@pytest.mark.parametrize(
    ("errors", "trials"),
    [(1, 2), (2, 3), (2, 10**6), (3, 40), (4, 14), (17, 101), (150, 160), (999, 1000), (1, 10**12), (7, 10**12),
     (60, 10**12), (500, 1000), (2500, 5100)],
)  # fmt: skip
def test_mpmath(errors: int, trials: int, level: float, form: str) -> None:
    confidence = 1 - level
    truth = reference.clopper_pearson_lower(errors, trials, confidence=confidence)
    x, y, log_x = kernel("lower_limit", form)(float(errors), float(trials - errors), *options(1 - confidence))
    assert x == pytest.approx(float(truth), rel=TOLERANCE)
    assert y == pytest.approx(float(1 - truth), rel=TOLERANCE)
    assert log_x == pytest.approx(float(mp.log(truth)), rel=1e-12)


@given(sizes, sizes, levels)
@example(2, 4, 0.25)
@example(4, 12, 0.025)
@example(399, 398, 0.2)  # either side of what the series takes
@example(400, 400, 0.25)
@example(400, 400, 1.1e-7)
@example(400, 10**12, 0.25)
@example(10**6, 1, 1e-6)  # several steps
@example(399, 10**12, 0.25)
def test_other_way(errors: int, others: int, level: float) -> None:
    x, y, log_x = counts.lower_limit(float(errors), float(others), *options(level))
    if errors == 0:
        assert (x, y, log_x) == (0.0, 1.0, -math.inf)
        return
    expected = betainc_quantile(float(errors), others + 1.0, math.log(level), math.log1p(-level))
    assert (x, y) == pytest.approx(expected, rel=TOLERANCE)
    assert math.exp(log_x) == pytest.approx(x, rel=1e-14)
    rate, log_rate = counts.limit(float(others), float(errors), *options(level), True)
    assert rate == y
    assert log_rate == pytest.approx(math.log1p(-x) if x < 0.5 else math.log(y), rel=1e-15)


def test_counts_that_are_not_whole_lie_between(rng: np.random.Generator) -> None:
    grid = np.linspace(1.0, 4.0, 61)
    limits = [counts.lower_limit(float(k), 50.0, *options(0.05))[0] for k in grid]
    assert np.all(np.diff(limits) > 0)
    assert limits[::20] == [counts.lower_limit(k, 50.0, *options(0.05))[0] for k in (1.0, 2.0, 3.0, 4.0)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("upper", [False, True])
def test_loop_has_the_bits_of_single_calls(form: str, upper: bool, rng: np.random.Generator) -> None:
    """Counts repeat, slots collide, and what is looked up is what would be computed."""
    size = 400 if form == "py_func" else 20000
    errors, others = rng.integers(0, 9, size).astype(float), rng.integers(0, 2000, size).astype(float)
    others[:5] = 1e15
    others[size // 2 :] = 30.0
    rates, logs = np.full((2, size), math.nan)
    kernel("fill_limits", form)(errors, others, *options(0.025), upper, rates, logs)
    single = [counts.limit(float(k), float(n), *options(0.025), upper) for k, n in zip(errors, others, strict=True)]
    assert np.array_equal(np.stack([rates, logs], axis=1), single)


def test_table_of_remainders() -> None:
    for n in range(1, 40):
        truth = math.lgamma(n) - ((n - 0.5) * math.log(n) - n + 0.5 * math.log(2 * math.pi))
        assert counts._stirling(float(n)) == pytest.approx(truth, abs=1e-14 * max(1, n * math.log(n)))
