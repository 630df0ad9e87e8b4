"""The pieces of the functions of the normal distribution, for `normal` (scalars) and `_loops` (vectors) alike.

Each function has a central piece, and outer ones that are made in stages: a loop over a stage needs few registers and
is fast. The same stages in the same order give scalars and loops the same bits. The pieces of the quantile are in
`_quantile`. The tables are printed by ``tests/reference/fit_normal.py``; the highest power comes first.
"""

from __future__ import annotations

import math

from isoperimetry.kernels._bits import fma, horner, poly
from isoperimetry.kernels._elementary import exp_parts, log_of_parts, log_parts, power_of_2, two_sum
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels._quantile import SQRT_2PI, SQRT_2PI_LOW
from isoperimetry.kernels._tail import FAR, minus_half_square, times

INNER = 1.125
"""Up to this size of x, Phi(x) is 1/2 plus an odd function, at no loss of digits."""

END = 40.0
"""Beyond this size of x the tail is less than any number."""

INV_SQRT_2PI, INV_SQRT_2PI_LOW = 0.3989422804014327, -2.49232720227773e-17
HALF_LOG_2PI, HALF_LOG_2PI_LOW = 0.9189385332046728, -3.8782941580672414e-17

# ((Phi(x) - 1/2) / x - 1 / sqrt(2 pi)) / x**2 for |x| <= INNER, in powers of x**2, the constant apart.
# Error 2.9e-18 of Phi(-x).
_INNER_0 = -0.06649038006690489
_INNER = (
    3.775469194986078e-12,
    -1.0896103362173264e-10,
    2.2663466893976083e-09,
    -4.121859823790692e-08,
    6.659634153982287e-07,
    -9.444653405908169e-06,
    0.00011543468674316318,
    -0.0011873282153208975,
    0.009973557010020515,
)

# (-log(1 - p) - p - p**2 / 2) / p**3 for 0 <= p <= 0.131. Error 3.4e-18 of the logarithm.
_LOG1M_TOP = (
    -0.0002519415738936936,
    0.12359076398901188,
    -0.4267146337733858,
    0.3333333333334848,
)
_LOG1M_BOTTOM = (
    -0.252704581134289,
    1.2933802152094849,
    -2.0301439012631395,
    1.0,
)


@kernel(inline=True)
def inner_ndtr(x: float) -> tuple[float, float]:
    """Return Phi(x) for |x| <= INNER as a sum of two, the second one small."""
    square = x * x
    square_low = fma(x, x, -square)
    slope = fma(square, _INNER_0, INV_SQRT_2PI)
    rest = fma(square * square, poly(square, _INNER), fma(square_low, _INNER_0, INV_SQRT_2PI_LOW))
    slope_low = fma(square, _INNER_0, INV_SQRT_2PI - slope) + rest
    product = x * slope
    high = 0.5 + product
    low = ((0.5 - high) + product) + fma(x, slope_low, fma(x, slope, -product))
    total = high + low
    return total, (high - total) + low


@kernel(inline=True)
def exp_of_tail(x: float) -> tuple[float, float, float]:
    """Return (p, p_low, scale) with exp(-x**2 / 2) = 2**-200 scale (1 + p + p_low), at END where x is beyond."""
    y, y_low = minus_half_square(END if abs(x) > END else x)
    k, p, p_low = exp_parts(y, y_low)
    return p, p_low, power_of_2(k + 200.0)


@kernel(inline=True)
def tail(w: float, w_low: float, p: float, p_low: float, scale: float) -> tuple[float, float]:
    """Return Phi(-|x|) as a sum of two, given W(|x|) and what `exp_of_tail` says of x."""
    v, low = times(w, w_low, p, p_low)
    total = v + low
    rest = (v - total) + low
    return total * scale * 2.0**-200, rest * scale * 2.0**-200  # in two steps, down to the smallest numbers


@kernel(inline=True)
def outer_ndtr(x: float, high: float, low: float) -> float:
    """Return Phi(x), given Phi(-|x|) as a sum of two."""
    rest = 1.0 - high
    upper = rest + (((1.0 - rest) - high) - low)
    return upper if x > 0.0 else high + low


@kernel(inline=True)
def inner_log_ndtr(high: float, low: float) -> float:
    """Return the logarithm of high + low, for a probability that is a normal number."""
    k, f = log_parts(high)
    total, rest = log_of_parts(k, f, low * power_of_2(-k))
    return total + rest


@kernel(inline=True)
def lower_log_ndtr(x: float, w: float, w_low: float) -> float:
    """Return log(Phi(x)) for x < -INNER, given W(-x)."""
    y, y_low = minus_half_square(x)
    k, f = log_parts(w)
    high, low = log_of_parts(k, f, w_low * power_of_2(-k))
    total, error = two_sum(y, high)
    return y if x < -FAR else total + (error + (low + y_low))


@kernel(inline=True)
def upper_log_ndtr(high: float, low: float) -> float:
    """Return log(1 - high - low) for a tail of at most 0.131."""
    ratio = horner(high, _LOG1M_TOP) / horner(high, _LOG1M_BOTTOM)
    rest: float = fma(high * high, fma(high, ratio, 0.5), fma(low, high, low))  # 1 + high: 1 / (1 - high), nearly
    return 0.0 - (high + rest)  # never -0.0


@kernel(inline=True)
def _times_sqrt_2pi(v: float, low: float) -> tuple[float, float]:
    product = SQRT_2PI * v
    return product, fma(SQRT_2PI, low, fma(SQRT_2PI_LOW, v, fma(SQRT_2PI, v, -product)))


@kernel(inline=True)
def inner_mills_ratio(x: float) -> tuple[float, float]:
    """Return M(x) for |x| <= INNER as a sum of two: sqrt(2 pi) exp(x**2 / 2) Phi(-x)."""
    high, low = inner_ndtr(-x)
    y, y_low = minus_half_square(x)
    k, p, p_low = exp_parts(-y, -y_low)
    v, v_low = times(high, low, p, p_low)
    scale = power_of_2(k)
    return _times_sqrt_2pi(v * scale, v_low * scale)


@kernel(inline=True)
def upper_mills_ratio(x: float, w: float, w_low: float) -> tuple[float, float]:
    """Return M(x) for x > INNER as a sum of two, given W(x)."""
    high, low = _times_sqrt_2pi(w, w_low)
    return 1.0 / x if x > FAR else high, 0.0 if x > FAR else low


@kernel(inline=True)
def lower_mills_ratio(x: float, w: float, w_low: float) -> tuple[float, float, float]:
    """Return (m, m_low, scale) with M(x) = scale (m + m_low) for x < -INNER, given W(-x).

    It is sqrt(2 pi) (exp(x**2 / 2) - W(-x)); beyond END the scale is too large for any number.
    """
    y, y_low = minus_half_square(x if x > -END else -END)
    k, p, p_low = exp_parts(-y, -y_low)
    v, v_low = times(SQRT_2PI, SQRT_2PI_LOW, p, p_low)
    most = k if k < 1000.0 else 1000.0
    scale = power_of_2(most)
    a = v * scale
    b, b_low = _times_sqrt_2pi(w, w_low)
    total = a - b
    return total, ((a - total) - b) + fma(v_low, scale, -b_low), power_of_2(k - most)


@kernel(inline=True)
def log_density(high: float, low: float) -> float:
    """Return log(phi(high + low)) for |low| <= |high|."""
    z = high + low
    z_low = (high - z) + low
    y, y_low = minus_half_square(z)
    total, error = two_sum(y, -HALF_LOG_2PI)
    return y if y == -math.inf else total + (error + (fma(-z, z_low, y_low) - HALF_LOG_2PI_LOW))
