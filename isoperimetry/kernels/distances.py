"""The loops of the bounds that are a difference of probits. UNCHECKED; see `isoperimetry.kernels.rates`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.moments import excess
from isoperimetry.kernels.normal import fill_ndtri, fill_ndtri_exp
from isoperimetry.kernels.rates import (
    BLOCK,
    bad_sigma,
    fill_both,
    fill_log,
    fill_probits,
    length_of_block,
    log_less,
    log_of,
    part,
    spread,
    stretch,
)

Array = NDArray[np.float64]
Places = NDArray[np.int64]

DEEP = 1e-290
"""Smaller products of probabilities have lost digits: their logarithms take over."""


@kernel
def fill_halfspace_distance(rate: Array, form: int, sigma: Array, out: Array) -> int:
    """Write the signed distance from the center to a half-space."""
    n, bad = out.size, 0
    scales = spread(sigma, n)
    for begin in range(0, n, BLOCK):
        y = out[begin : begin + BLOCK]
        s = part(sigma, scales, begin, y.size)
        bad += fill_probits(rate[begin : begin + BLOCK], form, y)
        for i in range(y.size):
            bad += bad_sigma(s[i], y[i])
            y[i] = stretch(-y[i], s[i])
    return bad


@kernel
def fill_required_sigma(rate: Array, form: int, eps: Array, fraction: Array, out: Array) -> int:
    """Write the least scale of the noise at which a fraction of the samples may be farther than eps from all errors."""
    n, bad = out.size, 0
    lengths, fractions = spread(eps, n), spread(fraction, n)
    probits = np.empty(length_of_block(n))
    fill_ndtri(fractions, probits[: fractions.size])
    for begin in range(0, n, BLOCK):
        y = out[begin : begin + BLOCK]
        e, f = part(eps, lengths, begin, y.size), part(fraction, fractions, begin, y.size)
        bad += fill_probits(rate[begin : begin + BLOCK], form, y)
        if fraction.size > 1:
            fill_ndtri(f, probits[: y.size])
        for i in range(y.size):
            bad += (e[i] < 0.0) | (f[i] < 0.0) | (f[i] > 1.0)
            z = y[i]
            room = -z - probits[i]
            ratio = e[i] / room
            sigma = ratio if room > 0.0 else math.inf
            # No demand, no errors, or no distance beyond what the error rate itself leaves.
            free = (f[i] == 0.0) | (z == -math.inf) | ((e[i] == 0.0) & (room >= 0.0))
            known = (e[i] == e[i]) & (z == z) & (f[i] == f[i])
            y[i] = (0.0 if free else sigma) if known else math.nan
    return bad


@kernel
def fill_quantile_distance_bound(
    rate: Array, form: int, q: Array, sigma: Array, conditional: int, out: Array
) -> int:  # fmt: skip
    """Write the largest q-quantile of the distance, of that outside the set if ``conditional`` is not 0."""
    n, bad = out.size, 0
    levels, scales = spread(q, n), spread(sigma, n)
    probits, log_rest = np.empty(length_of_block(n)), np.empty(length_of_block(n))
    outside, stages, places = _room(length_of_block(n) if conditional != 0 else 0)
    fill_ndtri(levels, probits[: levels.size])
    _log_rest(levels, log_rest)
    for begin in range(0, n, BLOCK):
        r, y = rate[begin : begin + BLOCK], out[begin : begin + BLOCK]
        p, s = part(q, levels, begin, y.size), part(sigma, scales, begin, y.size)
        bad += fill_probits(r, form, y)
        if q.size > 1:
            fill_ndtri(p, probits[: y.size])
        if conditional != 0:
            if q.size > 1:
                _log_rest(p, log_rest)
            _conditional(r, form, p, log_rest, y, outside[: y.size], stages, places)
            for i in range(y.size):
                bad += bad_sigma(s[i], y[i]) | (p[i] <= 0.0) | (p[i] >= 1.0)
                inside = probits[i] - y[i]
                length = 0.0 if inside <= 0.0 else inside
                # It is never the smaller one, which rounding might make it for tiny mu.
                y[i] = stretch(length if length > outside[i] else outside[i], s[i])
        else:
            for i in range(y.size):
                bad += bad_sigma(s[i], y[i]) | (p[i] <= 0.0) | (p[i] >= 1.0)
                inside = probits[i] - y[i]
                y[i] = stretch(0.0 if inside <= 0.0 else inside, s[i])
    return bad


@kernel
def _room(size: int) -> tuple[Array, Array, Places]:
    return np.empty(size), np.empty(5 * size), np.empty(size, np.int64)


@kernel
def _log_rest(q: Array, out: Array) -> None:
    for i in range(q.size):
        out[i] = log_less(q[i])


@kernel
def _conditional(
    rate: Array, form: int, q: Array, log_rest: Array, z: Array, out: Array, stages: Array, places: Places
) -> None:
    """Write ``ndtri(s) - ndtri((1 - q) s)``, s = 1 - mu, which is >= 0; ``log_rest`` is log(1 - q)."""
    n = z.size  # rows of one array, as the loops want arrays that do not overlap
    own, other, level, end = stages[:n], stages[n : 2 * n], stages[2 * n : 3 * n], stages[3 * n : 4 * n]
    fill_both(rate, form, own, other)
    for i in range(n):
        low, high = (1.0 - q[i]) * other[i], own[i] + q[i] * other[i]  # they add up to 1, and neither cancels
        level[i] = low if low < high else high
        out[i] = low
    fill_ndtri(level, end)
    n_upper, n_deep = 0, 0
    for i in range(n):
        n_upper += z[i] > 0.0
        n_deep += (out[i] < DEEP) & (z[i] < math.inf)
        out[i] = -z[i] - (end[i] if level[i] == out[i] else -end[i])
    if n_deep > 0:
        _from_logs(rate, form, log_rest, z, level, out, own, end)
    if n_upper > 0:
        _upper(log_rest, z, out, stages, places)


@kernel
def _from_logs(
    rate: Array, form: int, log_rest: Array, z: Array, level: Array, out: Array, logs: Array, end: Array
) -> None:
    """Replace the differences of two probits where the second one is that of too small a number."""
    fill_log(rate, form ^ 2, logs)
    for i in range(out.size):
        logs[i] += log_rest[i]
    fill_ndtri_exp(logs, end)
    for i in range(out.size):
        out[i] = -z[i] - end[i] if level[i] < DEEP else out[i]


@kernel
def _upper(log_rest: Array, z: Array, out: Array, stages: Array, places: Places) -> None:
    """Replace the differences of two probits where both are in the upper tail."""
    count = 0
    for i in range(out.size):
        places[count] = i
        count += z[i] > 0.0
    x, drop, step = stages[:count], stages[count : 2 * count], stages[2 * count : 3 * count]
    for j in range(count):
        i = places[j]
        x[j], drop[j], step[j] = z[i], -log_rest[i], out[i]
    _tail_steps(x, drop, step, stages[3 * count : 5 * count])
    for j in range(count):
        out[places[j]] = step[j]


@kernel
def _tail_steps(x: Array, drop: Array, step: Array, stages: Array) -> None:
    """Replace the steps that take the log of the upper normal tail at x > 0 down by ``drop`` by better ones.

    For mu near 1 the two probits are nearly equal and their difference loses all digits. But up to x = 1000 it is good
    to 1e-12, and one step of Newton's method for f(step) = log Phi(-x - step) - log Phi(-x) + drop makes it exact, as
    f'' is at most 1. Beyond, and for the shortest steps, the series of f to the second order is as good a start; below
    1e-6 its own error, of the third order, is less than the rounding of f.
    """
    mills, there = stages[: x.size], stages[x.size :]
    for j in range(x.size):
        more = excess(x[j])
        mills[j] = 1.0 / (x[j] + more)
        bend = more * mills[j]  # 1 - x M = -M**2 f'', in (0, 1]
        start = mills[j] * (2.0 * drop[j] / (1.0 + math.sqrt(1.0 + 2.0 * bend * drop[j])))
        step[j] = step[j] if (x[j] < 1e3) & (start > 1e-4) else start
    for j in range(x.size):
        end = x[j] + step[j]
        there[j] = 1.0 / (end + excess(end))
    for j in range(x.size):
        change = there[j] * ((log_of(there[j] / mills[j], 0.0) - step[j] * (x[j] + 0.5 * step[j])) + drop[j])
        better = step[j] if step[j] < 1e-6 else step[j] + change
        step[j] = better if x[j] < math.inf else 0.0 * drop[j]
