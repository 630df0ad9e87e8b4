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
# x >= INNER, so that the other terms add little rounding error. Relative error 1.9e-17.
SCALE, WIDTH, SHIFT = 5.0, 12.25, 0.5
_TAIL_0 = 0.4187662854215754
_TAIL_0_LOW = 5.2301112368158685e-18
_TAIL = (
    -1.4098133274471749e-11,
    1.372452702801272e-10,
    1.3569363527318088e-10,
    -1.9347194740918603e-09,
    -2.386934391929903e-11,
    1.8507459196597405e-08,
    -1.9619271591149408e-08,
    -1.4821156837951303e-07,
    4.392565064378954e-07,
    6.268181429483293e-07,
    -6.345662760514888e-06,
    1.1890263488674336e-05,
    3.54816340160226e-05,
    -0.0003197529732992639,
    0.0012444407032234537,
    -0.003380662299411125,
    0.0070385760792437664,
    -0.011308423124136274,
    0.012807933049162981,
    -0.004966938896978008,
    -0.020981118844213,
)
# Its derivative, to 1.3 % of the function where t is -1 and better as it grows: for the digits that t leaves out.
_SLOPE = (
    -0.1280593191277974,
    0.044633971622760796,
    0.01656039878873198,
    -0.01937594301471769,
)


@kernel(inline=True)
def tail_variable(x: float) -> tuple[float, float, float]:
    """Return (t, t_low, reciprocal of |x| + SHIFT) for `scaled_tail`, at FAR where x is beyond."""
    x = FAR if abs(x) > FAR else abs(x)
    d, e = x + SCALE, x + SHIFT
    inverse = 1.0 / (d * e)  # one division for two reciprocals, good to 2 ulp, whose errors the remainders repair
    d_inverse = inverse * e
    part = WIDTH * d_inverse
    d_low = x - (d - SCALE)  # exact
    return 1.0 - part, -fma(-part, d_low, fma(-part, d, WIDTH)) * d_inverse, inverse * d


@kernel(inline=True)
def scaled_tail(x: float, t: float, t_low: float, reciprocal: float) -> tuple[float, float]:
    """Return W(|x|) for |x| >= INNER, at FAR where it is beyond, as a sum of two, the second one small."""
    x = FAR if abs(x) > FAR else abs(x)
    rest = t * poly(t, _TAIL)
    top = _TAIL_0 + rest
    top_low = fma(t_low, horner(t, _SLOPE), (rest - (top - _TAIL_0)) + _TAIL_0_LOW)
    e = x + SHIFT
    w = top * reciprocal
    return w, (fma(-w, x - (e - SHIFT), fma(-w, e, top)) + top_low) * reciprocal


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
