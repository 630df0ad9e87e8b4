"""What the loops of the bounds share: blocks, an error rate in its four forms, and lengths at the edges. UNCHECKED.

A loop ``fill_<bound>(rate, form, ..., out)`` walks over blocks that stay in the cache, each in a few stages that LLVM
turns into vectors, and returns how many elements are out of range: the caller then looks for the one to name. ``form``
is 0 for mu, 1 for log(mu), 2 for 1 - mu and 3 for log(1 - mu); ``form ^ 2`` is that of the complement. ``rate`` and
``out`` have shape (n,); every other array has shape (n,) or (1,). ``out`` must overlap no other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._bits import fma
from isoperimetry.kernels._elementary import LOG_2, exp_parts, log_of_parts, log_parts, power_of_2, two_sum
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.normal import fill_ndtri, fill_ndtri_exp

Array = NDArray[np.float64]

MU, LOG_MU, ACCURACY, LOG_ACCURACY = range(4)

BLOCK = 4096
"""Elements of a block: a few arrays of them fit the second-level cache, and what a call costs is spread over many."""


@kernel(inline=True)
def length_of_block(n: int) -> int:
    """Return the length of arrays for blocks of n elements in all."""
    return BLOCK if n > BLOCK else n


@kernel
def spread(values: Array, n: int) -> Array:
    """Return copies of a single value for `part`, as many as the longest block has."""
    return np.full(length_of_block(n) if values.size == 1 else 0, values[0])


@kernel(inline=True)
def part(values: Array, copies: Array, begin: int, size: int) -> Array:
    """Return what a block needs of an array of shape (n,) or (1,)."""
    return copies[:size] if values.size == 1 else values[begin : begin + size]


@kernel(inline=True)
def stretch(length: float, sigma: float) -> float:
    """Return ``length * sigma`` where 0 stays 0 without bound on the noise and inf stays inf without noise."""
    product = length * sigma
    decided = ((length == 0.0) | (abs(length) == math.inf)) & (sigma == sigma)
    return (length if decided else product) + 0.0  # never -0.0


@kernel(inline=True)
def shrink(eps: float, sigma: float) -> float:
    """Return ``eps / sigma`` for lengths >= 0 where 0 stays 0 without noise and inf stays inf in boundless noise."""
    ratio = eps / sigma
    decided = ((eps == 0.0) | (eps == math.inf)) & (sigma == sigma)
    return eps if decided else ratio


@kernel(inline=True)
def bad_sigma(sigma: float, z: float) -> bool:
    """Tell whether a scale of the noise is out of range: without noise a rate is 0 or 1."""
    return (sigma < 0.0) | ((sigma == 0.0) & (abs(z) < math.inf))


@kernel(inline=True)
def exp_and_rest(y: float) -> tuple[float, float]:
    """Return exp(y) and 1 - exp(y) for y <= 0, without cancellation."""
    k, p, p_low = exp_parts(-800.0 if y < -800.0 else y, 0.0)
    v = 1.0 + p
    v += ((1.0 - v) + p) + p_low
    power = v * power_of_2(k + 200.0) * 2.0**-200  # in two steps, down to the smallest numbers
    scale = power_of_2(-100.0 if k < -100.0 else k)
    high, low = two_sum(1.0 - scale, -(scale * p))
    return power, high + fma(-scale, p_low, low)


@kernel(inline=True)
def log_of(u: float, u_low: float) -> float:
    """Return log(u + u_low) for u >= 0 and a small u_low, which is 0 where u is subnormal."""
    up = u <= 1.0
    k, f = log_parts(u * (2.0**54 if up else 2.0**-54))
    shift = 54.0 if up else -54.0
    high, low = log_of_parts(k - shift, f, u_low * (2.0**54 if up else 2.0**-54) * power_of_2(-k))
    edge = u if u > 0.0 else (-math.inf if u == 0.0 else math.nan)
    return high + low if (u > 0.0) & (u < math.inf) else edge


@kernel(inline=True)
def log_less(p: float) -> float:
    """Return log(1 - p) for a probability p."""
    rest = 1.0 - p
    return log_of(rest, (1.0 - rest) - p)


@kernel
def fill_probits(rate: Array, form: int, z: Array) -> int:
    """Write the probits of a block to z; return how many rates are out of range."""
    linear = form == MU or form == ACCURACY
    if linear:
        fill_ndtri(rate, z)
    else:
        fill_ndtri_exp(rate, z)
    if form >= ACCURACY:
        for i in range(z.size):
            z[i] = 0.0 - z[i]
    low, high = (0.0, 1.0) if linear else (-math.inf, 0.0)
    bad = 0
    for i in range(rate.size):
        bad += (rate[i] < low) | (rate[i] > high)
    return bad


@kernel
def fill_linear(rate: Array, form: int, out: Array) -> None:
    """Write the error rates of a block; those of the complement with ``form ^ 2``."""
    if form == MU:
        for i in range(out.size):
            out[i] = rate[i]
    elif form == ACCURACY:
        for i in range(out.size):
            out[i] = 1.0 - rate[i]
    elif form == LOG_MU:
        for i in range(out.size):
            out[i] = exp_and_rest(rate[i])[0]
    else:
        for i in range(out.size):
            out[i] = exp_and_rest(rate[i])[1]


@kernel
def fill_log(rate: Array, form: int, out: Array) -> None:
    """Write the logarithms of the error rates of a block; those of the complement with ``form ^ 2``."""
    if form == LOG_MU:
        for i in range(out.size):
            out[i] = rate[i]
    elif form == MU:
        for i in range(out.size):
            out[i] = log_of(rate[i], 0.0)
    elif form == ACCURACY:
        for i in range(out.size):
            out[i] = log_less(rate[i])
    else:  # log(1 - exp(y)): from 1 - exp(y) near 0, from exp(y) else (Maechler 2012)
        for i in range(out.size):
            power, rest = exp_and_rest(rate[i])
            out[i] = rest if rate[i] > -LOG_2 else power
        for i in range(out.size):
            near = rate[i] > -LOG_2
            rest = 1.0 - out[i]
            rest_low = (1.0 - rest) - out[i]
            out[i] = log_of(out[i] if near else rest, 0.0 if near else rest_low)


@kernel
def fill_both(rate: Array, form: int, own: Array, other: Array) -> None:
    """Write the error rates of a block and their complements."""
    if form == MU or form == ACCURACY:
        for i in range(own.size):
            rest = 1.0 - rate[i]
            own[i] = rate[i] if form == MU else rest
            other[i] = rest if form == MU else rate[i]
    else:
        for i in range(own.size):
            power, rest = exp_and_rest(rate[i])
            own[i] = power if form == LOG_MU else rest
            other[i] = rest if form == LOG_MU else power


@kernel
def fill_tail(rate: Array, form: int, z: Array, out: Array) -> None:
    """Write the smaller of the error rate and its complement, given the probits."""
    own = form < ACCURACY  # what is given is the rate, not the complement
    if form == MU or form == ACCURACY:
        for i in range(out.size):
            rest = 1.0 - rate[i]
            out[i] = rest if (z[i] > 0.0) == own else rate[i]
    else:
        for i in range(out.size):
            power, rest = exp_and_rest(rate[i])
            out[i] = rest if (z[i] > 0.0) == own else power
