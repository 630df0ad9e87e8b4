"""Arithmetic with the logarithms of probabilities: ``log(1 - p)``, ``log(p + q)`` and ``log(p - q)``. Unchecked."""

from __future__ import annotations

import math

from isoperimetry.kernels._jit import kernel

LOG_2 = math.log(2.0)


@kernel
def log1mexp(x: float) -> float:
    """Return ``log(1 - exp(x))`` for x <= 0; NaN for x > 0.

    The switch is at -log(2), where ``1 - exp(x)`` is 1/2: nearer to 0 the difference itself would cancel, further
    away its logarithm (M. Maechler 2012, Accurately Computing log(1 - exp(-|a|)), package Rmpfr).
    """
    if not x <= 0.0:
        return math.nan
    if x == 0.0:
        return -math.inf
    if x > -LOG_2:
        return math.log(-math.expm1(x))
    return math.log1p(-math.exp(x))


@kernel
def logaddexp(x: float, y: float) -> float:
    """Return ``log(exp(x) + exp(y))``; NaN if either is NaN."""
    if x == y:  # both may be the same infinity, whose difference is NaN
        return x + LOG_2
    if x > y:
        return x + math.log1p(math.exp(y - x))
    return y + math.log1p(math.exp(x - y))


@kernel
def logsubexp(x: float, y: float) -> float:
    """Return ``log(exp(x) - exp(y))`` for x >= y; NaN for x < y and for x = inf, -inf at x = y."""
    if not (y <= x < math.inf):
        return math.nan
    if x == y:
        return -math.inf
    return x + log1mexp(y - x)
