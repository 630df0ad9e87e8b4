from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import pytest

from isoperimetry.kernels._jit import kernel, parallel_kernel


@kernel
def reciprocal(x: float) -> float:
    return 1.0 / x


@kernel(inline=True)
def add_small(x: float) -> float:
    return (x + 1e-17) - x


@kernel
def call_inlined(x: float) -> float:
    return add_small(x) + reciprocal(x)


@parallel_kernel
def square_all(x: Any, out: Any) -> None:
    for i in numba.prange(x.size):
        out[i] = x[i] * x[i]


def test_plain_function_is_kept() -> None:
    for function in (reciprocal, add_small, call_inlined):
        assert function.py_func(4.0) == function(4.0)
    assert reciprocal.py_func.__name__ == "reciprocal"


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_options() -> None:
    assert reciprocal(0.0) == math.inf  # no exception
    assert math.isnan(reciprocal(math.nan))  # no assumption that there are no NaN
    assert add_small(1.0) == 0.0  # sums are not reordered: 1e-17 would be left
    assert call_inlined(0.0) == math.inf


def test_parallel_loop() -> None:
    x = np.linspace(-3, 3, 1001)
    compiled, plain = np.empty_like(x), np.empty_like(x)
    square_all(x, compiled)
    square_all.py_func(x, plain)
    np.testing.assert_array_equal(compiled, x * x)
    np.testing.assert_array_equal(plain, x * x)


def test_functions_that_cannot_be_cached_still_compile() -> None:
    """A function typed at a prompt comes from no file, so that there is no place for a cache."""
    scope: dict[str, Any] = {}
    exec("def double(x):\n    return 2.0 * x", scope)
    assert kernel(scope["double"])(1.5) == 3.0
