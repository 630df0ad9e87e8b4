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
SCALE, WIDTH, SHIFT = 5.0, 11.6875, 0.5
_TAIL_0, _TAIL_0_LOW = 0.41976307640201227, -2.4473279068109523e-17
_TAIL = (
    -4.459944071839737e-11,
    7.090535428537812e-12,
    5.892863631620162e-10,
    -2.0549996184414548e-10,
    -5.046683839244462e-09,
    4.1256388375864615e-09,
    3.826388279581369e-08,
    -6.860281925850625e-08,
    -2.492867631275283e-07,
    9.826267326141534e-07,
    5.660192133419854e-07,
    -1.1106640450034706e-05,
    2.453059314473348e-05,
    4.4175760982510773e-05,
    -0.0004861336970302228,
    0.001904278097619232,
    -0.005065942839384306,
    0.010217435879789226,
    -0.01583963375685812,
    0.017451042118987778,
    -0.0076696908884114805,
    -0.021391019074447744,
)
# Its derivative, nearly: for the digits that t leaves out.
_SLOPE = (
    0.11034420001924232,
    -0.07921981369569511,
    0.021835004556835506,
    -0.01572100675790194,
    -0.019624432229244496,
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
