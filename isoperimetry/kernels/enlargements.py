"""The loops of the bounds that are a measure at a moved probit. UNCHECKED; see `isoperimetry.kernels.rates`.

With ``log`` not 0 they write logarithms.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.normal import fill_log_ndtr, fill_ndtr, fill_ndtri
from isoperimetry.kernels.rates import (
    ACCURACY,
    BLOCK,
    bad_sigma,
    fill_linear,
    fill_log,
    fill_probits,
    length_of_block,
    part,
    shrink,
    spread,
)

Array = NDArray[np.float64]


@kernel
def _measure(z: Array, log: int, out: Array) -> None:
    """Write the measures of a block of probits, not in their place: where arrays overlap, loops are no vectors."""
    if log != 0:
        fill_log_ndtr(z, out)
    else:
        fill_ndtr(z, out)


@kernel
def _unmoved(rate: Array, form: int, log: int, out: Array) -> None:
    """Write the rates of a block as they were given, or their logarithms."""
    if log != 0:
        fill_log(rate, form, out)
    else:
        fill_linear(rate, form, out)


@kernel
def fill_enlargement(
    rate: Array, form: int, eps: Array, sigma: Array, log: int, complement: int, out: Array
) -> int:  # fmt: skip
    """Write the least measure of the enlargement by eps, or the largest one of its complement."""
    n, bad = out.size, 0
    lengths, scales = spread(eps, n), spread(sigma, n)
    size = length_of_block(n)
    shift, moved, start = np.empty(size), np.empty(size), np.empty(size)
    sign = -1.0 if complement != 0 else 1.0
    for begin in range(0, n, BLOCK):
        r, y = rate[begin : begin + BLOCK], out[begin : begin + BLOCK]
        e, s = part(eps, lengths, begin, y.size), part(sigma, scales, begin, y.size)
        bad += fill_probits(r, form, y)
        n_close = 0
        for i in range(y.size):
            bad += bad_sigma(s[i], y[i]) | (e[i] < 0.0)
            n_close += e[i] <= 1e-6 * (1.0 + abs(y[i])) * s[i]
        for i in range(y.size):
            z, move = y[i], shrink(e[i], s[i])
            far = z + move
            # An empty set stays empty at any distance; so does one of measure 0, which may be empty.
            moved[i] = sign * (z if (z == -math.inf) & (move == move) else far)
            shift[i] = move
        _measure(moved[: y.size], log, y)
        # The theorem never says less than the rate, which rounding on the way through the probit might. Where all move
        # by more than that, no logarithms are needed.
        if log == 0 or n_close > 0:
            _unmoved(r, form ^ 2 if complement != 0 else form, log, start[: y.size])
            for i in range(y.size):
                unmoved = (shift[i] == 0.0) | (sign * start[i] > sign * y[i])
                y[i] = start[i] if unmoved else y[i]
    return bad


@kernel
def fill_error_rate_at_sigma(
    rate: Array, form: int, sigma: Array, sigma_new: Array, log: int, out: Array
) -> int:  # fmt: skip
    """Write the error rate of a half-space at another scale of the noise."""
    n, bad = out.size, 0
    scales, others = spread(sigma, n), spread(sigma_new, n)
    moved, start = np.empty(length_of_block(n)), np.empty(length_of_block(n))
    for begin in range(0, n, BLOCK):
        r, y = rate[begin : begin + BLOCK], out[begin : begin + BLOCK]
        s, t = part(sigma, scales, begin, y.size), part(sigma_new, others, begin, y.size)
        bad += fill_probits(r, form, y)
        n_same = 0
        for i in range(y.size):
            bad += bad_sigma(s[i], y[i]) | (t[i] < 0.0)
            n_same += s[i] == t[i]
        for i in range(y.size):
            z = y[i]
            other = z * (s[i] / t[i])
            # A rate of 0, 1/2 or 1 stays so at every scale, but for the center alone (without noise) on the boundary,
            # which belongs to the set.
            fixed = math.inf if (z == 0.0) & (t[i] == 0.0) else z
            other = fixed if (z == 0.0) | (abs(z) == math.inf) else other
            moved[i] = other if (s[i] == s[i]) & (t[i] == t[i]) else math.nan
        _measure(moved[: y.size], log, y)
        if n_same > 0:
            _unmoved(r, form, log, start[: y.size])
            for i in range(y.size):
                y[i] = start[i] if s[i] == t[i] else y[i]
    return bad


@kernel
def fill_required_error_rate(eps: Array, fraction: Array, sigma: Array, log: int, out: Array) -> int:
    """Write the largest error rate that lets a fraction of the samples be farther than eps from all errors."""
    n, bad = out.size, 0
    lengths, scales, fractions = spread(eps, n), spread(sigma, n), spread(fraction, n)
    size = length_of_block(n)
    probits, shift, moved, start = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    fill_ndtri(fractions, probits[: fractions.size])
    _unmoved(fractions, ACCURACY, log, start[: fractions.size])
    for begin in range(0, n, BLOCK):
        y = out[begin : begin + BLOCK]
        e, s = part(eps, lengths, begin, y.size), part(sigma, scales, begin, y.size)
        f = part(fraction, fractions, begin, y.size)
        if fraction.size > 1:
            fill_ndtri(f, probits[: y.size])
            _unmoved(f, ACCURACY, log, start[: y.size])
        for i in range(y.size):
            bad += (e[i] < 0.0) | (s[i] < 0.0) | (f[i] < 0.0) | (f[i] > 1.0)
        for i in range(y.size):
            move = shrink(e[i], s[i])
            far = -probits[i] - move
            moved[i] = math.inf if (f[i] == 0.0) & (move == move) else far
            shift[i] = move
        _measure(moved[: y.size], log, y)
        for i in range(y.size):
            unmoved = (shift[i] == 0.0) | (start[i] < y[i])
            y[i] = start[i] if unmoved else y[i]
    return bad
