"""The loops of the normal distribution over arrays.

A function has several pieces; `_groups` sorts the elements by the piece that they need. A piece is a few stages of
`_formulas`, each a short loop that LLVM turns into vectors. The stages hand on their results in rows of one array:
with several arrays each loop would first have to check that they do not overlap.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._formulas import (
    INNER,
    exp_of_tail,
    inner_log_ndtr,
    inner_mills_ratio,
    inner_ndtr,
    log_density,
    lower_log_ndtr,
    lower_mills_ratio,
    outer_ndtr,
    tail,
    upper_log_ndtr,
    upper_mills_ratio,
)
from isoperimetry.kernels._groups import GROUP, N_WORDS, copy, gather, put_back, sort, whole_vectors
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels._quantile import (
    LOG_DEEP,
    LOG_LOWER,
    LOG_UPPER,
    LOWER,
    UPPER,
    central_quantile,
    deep_quantile,
    less_half,
    minus_2_log,
    one_less,
    outer_quantile,
)
from isoperimetry.kernels._tail import scaled_tail, tail_variable

Array = NDArray[np.float64]

# Where the rows of an array of stages begin.
_ROW = GROUP + 24  # rows a power of two apart would compete for the same places of the cache
T0, T1, T2, T3, T4 = (row * _ROW for row in range(5))
N_STAGES = 5 * _ROW

# The least and the largest element of each kind but the last, which takes the rest.
_INNER_LOW, _INNER_HIGH = np.array([-INNER]), np.array([INNER])
_CENTRAL_LOW, _CENTRAL_HIGH = np.array([LOWER]), np.array([UPPER])
_EXP_LOW = np.array([LOG_LOWER, LOG_DEEP, -math.inf])
_EXP_HIGH = np.array([LOG_UPPER, math.nextafter(LOG_LOWER, -1e9), math.nextafter(LOG_DEEP, -1e9)])


@kernel(inline=True)
def _fill(x: Array, out: Array, low: Array, high: Array, piece: Any) -> None:
    """Write the function of x[i] to out[i] whose pieces are ``piece(kind, x, n, y, stages)``."""
    n_kinds = low.size + 1
    a, part_a, part_b, stages = np.empty(GROUP), np.empty(GROUP), np.empty(GROUP), np.empty(N_STAGES)
    words, index = np.empty(n_kinds * N_WORDS, np.uint64), np.empty(GROUP, np.uint64)
    for begin in range(0, x.size, GROUP):
        here, there = x[begin : begin + GROUP], out[begin : begin + GROUP]
        most, alone = sort(here, low, high, words)
        if not alone:
            copy(here, a)  # as ``out`` may be ``x``
        piece(most, here, here.size, there, stages)
        for step in range(1, 1 if alone else n_kinds):
            kind = (most + step) % n_kinds
            m = gather(a[: here.size], words, kind, index, part_a)
            if m > 0:
                piece(kind, part_a, whole_vectors(m), part_b, stages)
                put_back(part_b, m, index, there)


@kernel(inline=True)
def _scaled_tails(x: Array, n: int, stages: Array) -> None:
    """Write W(|x|) to the rows T0 and T1."""
    for i in range(n):
        stages[T0 + i], stages[T1 + i], stages[T2 + i] = tail_variable(x[i])
    for i in range(n):
        stages[T0 + i], stages[T1 + i] = scaled_tail(x[i], stages[T0 + i], stages[T1 + i], stages[T2 + i])


@kernel(inline=True)
def _factors(x: Array, n: int, stages: Array) -> None:
    """Write the factors of Phi(-|x|) to the rows: W(|x|) to T0 and T1, the exponential to T2, T3 and T4."""
    _scaled_tails(x, n, stages)
    for i in range(n):
        stages[T2 + i], stages[T3 + i], stages[T4 + i] = exp_of_tail(x[i])


@kernel(inline=True)
def _tail(stages: Array, i: int) -> tuple[float, float]:
    return tail(stages[T0 + i], stages[T1 + i], stages[T2 + i], stages[T3 + i], stages[T4 + i])


@kernel
def _ndtr(kind: int, x: Array, n: int, y: Array, stages: Array) -> None:
    if kind == 0:
        for i in range(n):
            high, low = inner_ndtr(x[i])
            y[i] = high + low
    else:
        _factors(x, n, stages)
        for i in range(n):
            high, low = _tail(stages, i)
            y[i] = outer_ndtr(x[i], high, low)


@kernel
def fill_ndtr(x: Array, out: Array) -> None:
    """Write Phi(x[i]) to out[i]."""
    _fill(x, out, _INNER_LOW, _INNER_HIGH, _ndtr)


@kernel
def _log_ndtr(kind: int, x: Array, n: int, y: Array, stages: Array) -> None:
    if kind == 0:
        for i in range(n):
            stages[T0 + i], stages[T1 + i] = inner_ndtr(x[i])
        for i in range(n):
            y[i] = inner_log_ndtr(stages[T0 + i], stages[T1 + i])
        return
    n_upper = 0
    for i in range(n):
        n_upper += x[i] > 0.0
    if n_upper > 0:
        _factors(x, n, stages)
        for i in range(n):
            high, low = _tail(stages, i)
            stages[T2 + i] = upper_log_ndtr(high, low)
    else:
        _scaled_tails(x, n, stages)
    for i in range(n):
        lower = lower_log_ndtr(x[i], stages[T0 + i], stages[T1 + i])
        y[i] = stages[T2 + i] if x[i] > 0.0 else lower


@kernel
def fill_log_ndtr(x: Array, out: Array) -> None:
    """Write log(Phi(x[i])) to out[i]."""
    _fill(x, out, _INNER_LOW, _INNER_HIGH, _log_ndtr)


@kernel
def _mills_ratio(kind: int, x: Array, n: int, y: Array, stages: Array) -> None:
    if kind == 0:
        for i in range(n):
            high, low = inner_mills_ratio(x[i])
            y[i] = high + low
        return
    n_lower = 0
    for i in range(n):
        n_lower += x[i] < 0.0
    _scaled_tails(x, n, stages)
    if n_lower == 0:
        for i in range(n):
            high, low = upper_mills_ratio(x[i], stages[T0 + i], stages[T1 + i])
            y[i] = high + low
        return
    for i in range(n):
        high, low = upper_mills_ratio(x[i], stages[T0 + i], stages[T1 + i])
        stages[T2 + i] = high + low
    for i in range(n):
        high, low, scale = lower_mills_ratio(x[i], stages[T0 + i], stages[T1 + i])
        y[i] = (high + low) * scale if x[i] < 0.0 else stages[T2 + i]


@kernel
def fill_mills_ratio(x: Array, out: Array) -> None:
    """Write M(x[i]) to out[i]."""
    _fill(x, out, _INNER_LOW, _INNER_HIGH, _mills_ratio)


@kernel(inline=True)
def _finish(high: float, low: float, upper: bool, profile: bool) -> float:
    """Return the quantile, which is negative unless ``upper``, or the log of the density there."""
    if profile:
        return log_density(high, low)
    z = high + low
    return z if upper else -z


@kernel(inline=True)
def _make_quantiles(kind: int, p: Array, n: int, y: Array, stages: Array, profile: bool) -> None:
    if kind == 0:
        for i in range(n):
            q = p[i] - 0.5
            high, low = central_quantile(q, p[i] - (q + 0.5))
            y[i] = _finish(high, low, True, profile)
        return
    for i in range(n):
        rest = 1.0 - p[i] if p[i] > 0.5 else p[i]
        stages[T0 + i], stages[T1 + i] = minus_2_log(rest, 0.0)
    for i in range(n):
        rest = 1.0 - p[i] if p[i] > 0.5 else p[i]
        high, low = outer_quantile(rest, stages[T0 + i], stages[T1 + i])
        y[i] = _finish(high, low, p[i] > 0.5, profile)


@kernel(inline=True)
def _make_quantiles_exp(kind: int, x: Array, n: int, y: Array, stages: Array, profile: bool) -> None:
    if kind == 0:
        for i in range(n):
            stages[T0 + i], stages[T1 + i] = less_half(x[i])
        for i in range(n):
            high, low = central_quantile(stages[T0 + i], stages[T1 + i])
            y[i] = _finish(high, low, True, profile)
    elif kind == 1:
        for i in range(n):
            high, low = outer_quantile(1.0, -2.0 * x[i], 0.0)
            y[i] = _finish(high, low, False, profile)
    elif kind == 2:
        for i in range(n):
            high, low = deep_quantile(x[i])
            y[i] = _finish(high, low, False, profile)
    else:
        for i in range(n):
            stages[T0 + i], stages[T1 + i] = one_less(x[i])
        for i in range(n):
            stages[T1 + i], stages[T2 + i] = minus_2_log(stages[T0 + i], stages[T1 + i])
        for i in range(n):
            high, low = outer_quantile(stages[T0 + i], stages[T1 + i], stages[T2 + i])
            y[i] = _finish(high, low, True, profile)


@kernel
def _ndtri(kind: int, p: Array, n: int, y: Array, stages: Array) -> None:
    _make_quantiles(kind, p, n, y, stages, False)


@kernel
def fill_ndtri(p: Array, out: Array) -> None:
    """Write Phi^-1(p[i]) to out[i]."""
    _fill(p, out, _CENTRAL_LOW, _CENTRAL_HIGH, _ndtri)


@kernel
def _log_profile(kind: int, mu: Array, n: int, y: Array, stages: Array) -> None:
    _make_quantiles(kind, mu, n, y, stages, True)


@kernel
def fill_log_profile(mu: Array, out: Array) -> None:
    """Write log(phi(Phi^-1(mu[i]))) to out[i]."""
    _fill(mu, out, _CENTRAL_LOW, _CENTRAL_HIGH, _log_profile)


@kernel
def _ndtri_exp(kind: int, y: Array, n: int, z: Array, stages: Array) -> None:
    _make_quantiles_exp(kind, y, n, z, stages, False)


@kernel
def fill_ndtri_exp(y: Array, out: Array) -> None:
    """Write Phi^-1(exp(y[i])) to out[i]."""
    _fill(y, out, _EXP_LOW, _EXP_HIGH, _ndtri_exp)


@kernel
def _log_profile_exp(kind: int, log_mu: Array, n: int, y: Array, stages: Array) -> None:
    _make_quantiles_exp(kind, log_mu, n, y, stages, True)


@kernel
def fill_log_profile_exp(log_mu: Array, out: Array) -> None:
    """Write log(phi(Phi^-1(exp(log_mu[i])))) to out[i]."""
    _fill(log_mu, out, _EXP_LOW, _EXP_HIGH, _log_profile_exp)
