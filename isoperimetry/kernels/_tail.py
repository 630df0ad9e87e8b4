"""The scaled tail W(x) = Phi(-x) exp(x**2 / 2) of the standard normal for x >= INNER, and what turns it into the tail.

All are sums of two float64, so that what is made of them is rounded once. The tables are printed by
``tests/reference/fit_normal.py``; the highest power comes first.
"""

from __future__ import annotations

from isoperimetry.kernels._bits import fma, horner, poly
from isoperimetry.kernels._jit import kernel

FAR = 1e10
"""From this size of x on the scaled tail no longer shows beside x**2 / 2."""

# (x + SHIFT) W(x) in powers of t = 1 - WIDTH / (x + SCALE), the constant apart. It is between 0.39 and 0.42 for all
# x >= INNER, so that the other terms add little rounding error.
SCALE, WIDTH, SHIFT = 5.0, 12.25, 0.5
_TAIL_0 = 0.4187662854215754
_TAIL_0_LOW = 1.2597252501351572e-17
_TAIL = (
    -1.5646577011083678e-11,
    -1.4584714169361634e-11,
    2.2327318846992717e-10,
    1.3821630304454937e-10,
    -2.1389561697255443e-09,
    -2.9466327021369683e-11,
    1.87814386580297e-08,
    -1.961233366507618e-08,
    -1.4843975640091905e-07,
    4.3925124453510563e-07,
    6.269402072134221e-07,
    -6.345660246921321e-06,
    1.1890221564322192e-05,
    3.548163326572195e-05,
    -0.0003197529643248611,
    0.0012444407033575715,
    -0.0033806623005314465,
    0.007038576079230651,
    -0.01130842312406458,
    0.012807933049163566,
    -0.004966938896979797,
    -0.02098111884421301,
)
# Its derivative, nearly: for the digits that t leaves out.
_SLOPE = (
    0.07459447915297704,
    -0.055817118703671426,
    0.018085136454084303,
    -0.010188836565682672,
    -0.019802447895418084,
)


@kernel(inline=True)
def scaled_tail(x: float) -> tuple[float, float]:
    """Return W(|x|) for |x| >= INNER, at FAR where it is beyond, as a sum of two, the second one small."""
    x = FAR if abs(x) > FAR else abs(x)
    d, e = x + SCALE, x + SHIFT
    d_low, e_low = x - (d - SCALE), x - (e - SHIFT)  # exact
    inverse = 1.0 / (d * e)  # one division for two reciprocals, good to 2 ulp, whose errors the remainders repair
    d_inverse, e_inverse = inverse * e, inverse * d
    part = WIDTH * d_inverse
    t = 1.0 - part
    t_low = -fma(-part, d_low, fma(-part, d, WIDTH)) * d_inverse
    rest = t * poly(t, _TAIL)
    top = _TAIL_0 + rest
    top_low = fma(t_low, horner(t, _SLOPE), (rest - (top - _TAIL_0)) + _TAIL_0_LOW)
    w = top * e_inverse
    return w, (fma(-w, e_low, fma(-w, e, top)) + top_low) * e_inverse


@kernel(inline=True)
def minus_half_square(x: float) -> tuple[float, float]:
    """Return -x**2 / 2 as a sum of two."""
    half = 0.5 * x
    y = -(half * x)
    return y, -fma(half, x, y)


@kernel(inline=True)
def times(w: float, w_low: float, p: float, p_low: float) -> tuple[float, float]:
    """Return (w + w_low) (1 + p + p_low) as a sum of two, the second one small, for |p| < 1/2."""
    product = w * p
    v = w + product
    low = fma(w, p_low, fma(w_low, p, w_low)) + fma(w, p, -product)
    return v, ((w - v) + product) + low
