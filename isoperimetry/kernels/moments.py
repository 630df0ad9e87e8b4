"""The loops of the bounds of moments and of the profile. UNCHECKED; see `isoperimetry.kernels.rates`.

All come from two functions of x >= 0, the first two moments of G - x for a standard normal G beyond x, which no
subtraction makes: they are quotients of polynomials in ``t = 1 - 2 SCALE / (x + SCALE)``, printed by
``tests/reference/fit_moments.py``, the highest power first. A rate beyond 1/2 has z > 0. With ``tail``, the smaller one
of the rate and its complement, and x = |z|, the means of max(0, G - z) and of its square are

- ``tail excess(x)`` and ``tail square(x)`` where z > 0,
- ``x + tail excess(x)`` and ``1 + x**2 - tail square(x)`` elsewhere, and ``1 - tail`` is the complement.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._bits import fma, horner
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.normal import fill_log_profile, fill_log_profile_exp
from isoperimetry.kernels.rates import (
    ACCURACY,
    BLOCK,
    MU,
    bad_sigma,
    fill_log,
    fill_probits,
    fill_tail,
    length_of_block,
    log_of,
    part,
    spread,
    stretch,
)

Array = NDArray[np.float64]

SCALE = 4.0
# (x + SHIFT) excess(x) - CONSTANT. Error 1.3e-17 of the excess.
EXCESS_SHIFT, EXCESS_CONSTANT = 1.25, 1.0625
EXCESS_TOP = (
    2.4272329755869418e-05,
    -0.0004605397175822514,
    0.002562327429779035,
    -0.014028940324352273,
    0.0339808427640749,
    -0.09597651844197416,
    0.11222817876845251,
    -0.1818527881406704,
    0.029741181304885657,
    0.004066719366236725,
    -0.168497132296628,
    0.12193750856972314,
)
EXCESS_BOTTOM = (
    6.031191718945897e-06,
    0.00016906244043524043,
    0.0005150111984004969,
    0.007122508933903019,
    0.006055716233391069,
    0.08624119141619131,
    0.017184872928555674,
    0.44430497180877865,
    -0.01973692754479068,
    1.0659274688943945,
    -0.10739169328818986,
    1.0,
)
# ((x + SHIFT)**2 square(x) - CONSTANT) / (1 + t), so that square(0) is 1. Error 5.7e-18 of the square.
SQUARE_SHIFT, SQUARE_CONSTANT = 1.5, 2.25
SQUARE_TOP = (
    1.683253685885756e-05,
    -0.000975727493558138,
    0.0015353794639185445,
    -0.01572904080655066,
    -0.017831827206861967,
    0.03367205034142227,
    -0.41130913190873586,
    0.7053389172320607,
    -1.546539021577444,
    1.5798542523695205,
    -1.493046029449427,
    0.7015355167740002,
)
SQUARE_BOTTOM = (
    2.1121834927261937e-05,
    0.00024297506737187903,
    0.0017599303511850527,
    0.006528818994143642,
    0.02851634563428804,
    0.05203186613581523,
    0.1951016862970298,
    0.1708056278182911,
    0.6903576443767695,
    0.22476080529321535,
    1.2809264231235076,
    0.05676939287182648,
    1.0,
)


@kernel(inline=True)
def excess(x: float) -> float:
    """Return ``E[G - x | G > x] = 1 / M(x) - x`` for x >= 0, with the Mills ratio M."""
    t = 1.0 - 2.0 * SCALE / (x + SCALE)
    bottom = horner(t, EXCESS_BOTTOM)
    value: float = fma(EXCESS_CONSTANT, bottom, horner(t, EXCESS_TOP)) / (bottom * (x + EXCESS_SHIFT))
    return value


@kernel(inline=True)
def square(x: float) -> float:
    """Return ``E[(G - x)**2 | G > x] = 1 - x excess(x)`` for x >= 0."""
    t = 1.0 - 2.0 * SCALE / (x + SCALE)
    root, bottom = x + SQUARE_SHIFT, horner(t, SQUARE_BOTTOM)
    top = fma(SQUARE_CONSTANT, bottom, (1.0 + t) * horner(t, SQUARE_TOP))
    value: float = top / (bottom * root) / root  # one after the other: no overflow
    return value


@kernel
def fill_mean_distance_bound(rate: Array, form: int, sigma: Array, conditional: int, out: Array) -> int:
    """Write the largest mean distance, among the samples outside the set if ``conditional`` is not 0."""
    n, bad = out.size, 0
    scales, tail = spread(sigma, n), np.empty(length_of_block(n))
    for begin in range(0, n, BLOCK):
        y = out[begin : begin + BLOCK]
        bad += _means(rate[begin : begin + BLOCK], form, part(sigma, scales, begin, y.size), conditional, tail, y)
        s = part(sigma, scales, begin, y.size)
        for i in range(y.size):
            y[i] = stretch(y[i], s[i])
    return bad


@kernel
def _means(rate: Array, form: int, sigma: Array, conditional: int, tail: Array, y: Array) -> int:
    """Write the means of a block in units of sigma."""
    bad = fill_probits(rate, form, y)
    fill_tail(rate, form, y, tail[: y.size])
    for i in range(y.size):
        bad += bad_sigma(sigma[i], y[i])
    for i in range(y.size):
        z, x = y[i], abs(y[i])
        more = excess(x)
        mean = (0.0 if z > 0.0 else x) + tail[i] * more
        outside = more if z > 0.0 else mean / (1.0 - tail[i])
        y[i] = outside if conditional != 0 else mean
    return bad


@kernel
def fill_second_moment_distance_bound(rate: Array, form: int, sigma: Array, conditional: int, out: Array) -> int:
    """Write the largest mean square of the distance, among those outside the set if ``conditional`` is not 0."""
    n, bad = out.size, 0
    scales, tail = spread(sigma, n), np.empty(length_of_block(n))
    for begin in range(0, n, BLOCK):
        r, y = rate[begin : begin + BLOCK], out[begin : begin + BLOCK]
        s = part(sigma, scales, begin, y.size)
        bad += fill_probits(r, form, y)
        fill_tail(r, form, y, tail[: y.size])
        for i in range(y.size):
            bad += bad_sigma(s[i], y[i])
        for i in range(y.size):
            z, x = y[i], abs(y[i])
            beyond = square(x)
            mean = tail[i] * beyond if z > 0.0 else (1.0 + x * x) - tail[i] * beyond
            outside = beyond if z > 0.0 else mean / (1.0 - tail[i])
            y[i] = outside if conditional != 0 else mean
        for i in range(y.size):
            y[i] = stretch(stretch(y[i], s[i]), s[i])
    return bad


@kernel
def fill_log_mean_distance_bound(rate: Array, form: int, sigma: Array, conditional: int, out: Array) -> int:
    """Write the logarithm of the largest mean distance."""
    n, bad = out.size, 0
    size = length_of_block(n)
    scales, tail, log_rest, logs = spread(sigma, n), np.empty(size), np.empty(size), np.empty(size)
    _logs(scales, logs)
    for begin in range(0, n, BLOCK):
        r, y = rate[begin : begin + BLOCK], out[begin : begin + BLOCK]
        s = part(sigma, scales, begin, y.size)
        if sigma.size > 1:
            _logs(s, logs)
        bad += fill_probits(r, form, y)
        fill_tail(r, form, y, tail[: y.size])
        n_upper = 0
        for i in range(y.size):
            bad += bad_sigma(s[i], y[i])
            n_upper += y[i] > 0.0
        if n_upper > 0 and conditional == 0:
            fill_log(r, form ^ 2, log_rest[: y.size])
        for i in range(y.size):
            x = abs(y[i])
            more = excess(x)
            mean = x + tail[i] * more
            outside = mean / (1.0 - tail[i]) if conditional != 0 else mean
            tail[i] = more if y[i] > 0.0 else outside
        for i in range(y.size):
            z = y[i]
            length = log_of(tail[i], 0.0)
            beyond = log_rest[i] + length
            value = (beyond if (z > 0.0) & (conditional == 0) else length) + logs[i]
            # At 0 and 1 the rate decides, whatever the noise.
            y[i] = -z if (abs(z) == math.inf) & (s[i] == s[i]) else value
    return bad


@kernel
def _logs(values: Array, out: Array) -> None:
    for i in range(values.size):
        out[i] = log_of(values[i], 0.0)


@kernel
def fill_gaussian_profile(rate: Array, form: int, sigma: Array, out: Array) -> int:
    """Write the least boundary measure: the density is the tail over the Mills ratio.

    So it is as accurate as the given rate, where exp(-z**2 / 2) would lose z**2 ulp.
    """
    n, bad = out.size, 0
    scales, tail = spread(sigma, n), np.empty(length_of_block(n))
    for begin in range(0, n, BLOCK):
        r, y = rate[begin : begin + BLOCK], out[begin : begin + BLOCK]
        s = part(sigma, scales, begin, y.size)
        bad += fill_probits(r, form, y)
        fill_tail(r, form, y, tail[: y.size])
        for i in range(y.size):
            bad += bad_sigma(s[i], y[i])
        for i in range(y.size):
            x = abs(y[i])
            density = tail[i] * (x + excess(x)) / s[i]
            y[i] = 0.0 if (x == math.inf) & (s[i] == s[i]) else density
    return bad


@kernel
def fill_log_gaussian_profile(rate: Array, form: int, sigma: Array, out: Array) -> int:
    """Write the logarithm of the least boundary measure; that of a rate is that of its complement."""
    n, bad = out.size, 0
    scales, logs = spread(sigma, n), np.empty(length_of_block(n))
    _logs(scales, logs)
    linear = form == MU or form == ACCURACY
    high = 1.0 if linear else 0.0
    low = 0.0 if linear else -math.inf
    for begin in range(0, n, BLOCK):
        r, y = rate[begin : begin + BLOCK], out[begin : begin + BLOCK]
        s = part(sigma, scales, begin, y.size)
        if sigma.size > 1:
            _logs(s, logs)
        if linear:
            fill_log_profile(r, y)
        else:
            fill_log_profile_exp(r, y)
        for i in range(y.size):
            bad += (r[i] < low) | (r[i] > high) | bad_sigma(s[i], y[i])
        for i in range(y.size):
            y[i] = y[i] if (y[i] == -math.inf) & (s[i] == s[i]) else y[i] - logs[i]
    return bad
