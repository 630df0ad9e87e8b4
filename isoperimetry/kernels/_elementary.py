"""Exponential and logarithm in float64 with the digits that one float64 leaves out, for loops that become vectors.

Calls to the C library would keep LLVM from making vectors of a loop, and lose the low parts. Everywhere a product
meets a sum, `fma` says how it is rounded, so that scalars, vectors and plain Python have the same bits.

The tables are printed by ``tests/reference/fit_normal.py``; the highest power comes first.
"""

from __future__ import annotations

from isoperimetry.kernels._bits import U, as_float64, as_word64, fma, poly
from isoperimetry.kernels._jit import kernel

LOG_2, LOG_2_LOW = 0.6931471805599453, 2.3190468138462996e-17
_LOG2_E = 1.4426950408889634
_TO_INTEGER = 1.5 * 2.0**52  # adding it rounds to an integer, which the low bits then hold in two's complement

# (exp(r) - 1 - r) / r**2 for |r| <= log(2) / 2. Error 1.8e-17 of exp(r) - 1.
_EXP = (
    2.505377067768271e-08,
    2.76260246631138e-07,
    2.7557407522189967e-06,
    2.4801505305237006e-05,
    0.00019841269719063484,
    0.0013888888931540423,
    0.008333333333389512,
    0.041666666666576826,
    0.16666666666666588,
    0.5000000000000006,
)

# (2 atanh(s) - 2 s) / s**3 for |s| <= 1 / (3 + sqrt(8)), in powers of s**2. Error 1.2e-18 of the logarithm.
_LOG = (
    0.14795973007434685,
    0.15314048203248132,
    0.1818356441803026,
    0.2222219857143748,
    0.2857142874240399,
    0.39999999999414615,
    0.6666666666666734,
)

_ONE_BITS, _ROOT_HALF_BITS, _FRACTION = U(0x3FF0000000000000), U(0x3FE6A09E667F3BCD), U(0x000FFFFFFFFFFFFF)
_TO_ROOT_HALF = _ONE_BITS - _ROOT_HALF_BITS
_TWO52_BITS, _TWO52_AND_BIAS = U(0x4330000000000000), 2.0**52 + 1023
_BIAS, _52 = U(1023), U(52)


@kernel(inline=True)
def two_sum(a: float, b: float) -> tuple[float, float]:
    """Return a + b and what its rounding left out (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@kernel(inline=True)
def power_of_2(k: float) -> float:
    """Return 2**k for an integral k in [-1022, 1023]."""
    return as_float64((as_word64(k + _TO_INTEGER) + _BIAS) << _52)


@kernel(inline=True)
def exp_parts(y: float, y_low: float) -> tuple[float, float, float]:
    """Return (k, p, p_low) with exp(y + y_low) = 2**k (1 + p + p_low), k integral and |p| < 0.42, for |y| < 2000.

    p is as good as it can be relatively, also where it is near 0, so that ``p + p_low`` is expm1 where k is 0.
    """
    k = fma(y, _LOG2_E, _TO_INTEGER) - _TO_INTEGER
    r = fma(-k, LOG_2, y)  # exact: a multiple of 2**-53, or of the last place of y, below 1/2
    low = fma(-k, LOG_2_LOW, y_low)
    z = r + low
    z_low = (r - z) + low
    rest = fma(z * z, poly(z, _EXP), fma(z_low, z, z_low))
    p = z + rest
    return k, p, (z - p) + rest


@kernel(inline=True)
def log_parts(u: float) -> tuple[float, float]:
    """Return (k, f) with u = 2**k (1 + f), k integral and 1 + f in [sqrt(1/2), sqrt(2)), for a normal u > 0."""
    shifted = as_word64(u) + _TO_ROOT_HALF
    k = as_float64((shifted >> _52) | _TWO52_BITS) - _TWO52_AND_BIAS
    return k, as_float64((shifted & _FRACTION) + _ROOT_HALF_BITS) - 1.0


@kernel(inline=True)
def log_ratio(s: float) -> float:
    """Return log((1 + s) / (1 - s)) for |s| <= 1 / (3 + sqrt(8)), rounded a few times."""
    z = s * s
    value: float = fma(s * z, poly(z, _LOG), s + s)
    return value


@kernel(inline=True)
def log_of_parts(k: float, f: float, f_low: float) -> tuple[float, float]:
    """Return the logarithm of 2**k (1 + f + f_low) as a sum of two, the second one small.

    With s = f / (2 + f), log(1 + f) = f - f**2 / 2 + s (f**2 / 2 + R(s**2)): the large terms need no series.
    """
    s = f / (2.0 + f)
    half_square = 0.5 * f * f
    z = s * s
    rest = fma(s, fma(z, poly(z, _LOG), half_square), -half_square)
    rest = fma(f_low, fma(f, f, 1.0 - f), rest)  # 1 / (1 + f), nearly
    a = k * LOG_2
    high = a + f  # |a| is 0 or above |f|
    low = fma(k, LOG_2_LOW, fma(k, LOG_2, -a)) + (((a - high) + f) + rest)
    return high, low
