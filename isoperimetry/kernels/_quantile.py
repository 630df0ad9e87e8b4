"""The quantile of the standard normal in two pieces: next to the median, and in the tail as a function of log p.

The tables are printed by ``tests/reference/fit_normal.py``; the highest power comes first.
"""

from __future__ import annotations

import math

from isoperimetry.kernels._bits import fma, horner
from isoperimetry.kernels._elementary import LOG_2, exp_parts, log_of_parts, log_parts, log_ratio, power_of_2, two_sum
from isoperimetry.kernels._jit import kernel

SQRT_2PI, SQRT_2PI_LOW = 2.5066282746310007, -1.8328579980459167e-16
LOG_SQRT_8PI = 1.612085713764618

LOWER, UPPER = 0.075, 0.925
"""The probabilities between which the central piece is good."""

LOG_LOWER, LOG_UPPER, LOG_DEEP = math.log(LOWER), math.log(UPPER), -745.0
"""Their logarithms, and that of the smallest number: below, there is another piece."""

_SQUARE = 185 / 1024  # just above (UPPER - 1/2)**2
_CUBIC = 2.6249349909537364  # (2 pi)**1.5 / 6, of the series of the quantile

# ((Phi^-1(1/2 + q) / q - sqrt(2 pi)) / q**2 - _CUBIC) / q**2 in powers of v = _SQUARE - q**2, for 0 <= v <= _SQUARE:
# all coefficients are positive. Error 7.9e-19 of the quantile.
_CENTER_TOP = (
    381.18383594182075,
    129973.58682432133,
    274876.8068132755,
    183971.02472415482,
    53563.08320396169,
    7510.005207550327,
    497.39499096255463,
    12.459470114877762,
)
_CENTER_BOTTOM = (
    50690.43737579015,
    129080.23215047701,
    109033.80661393979,
    42140.833163059,
    8397.184906062914,
    889.4728009996772,
    47.44101042429332,
    1.0,
)
# The derivative of Phi^-1(1/2 + q) in powers of q**2, to 0.4 %: for the digits that q leaves out.
_SLOPE = (
    6030.388055193953,
    -1218.3908055023626,
    132.6582434732197,
    5.279541908919474,
    2.516450117144895,
)
# r + Phi^-1(exp(-r**2 / 2)) - _OUTER_CONSTANT, small where the quantile is, in powers of s = r - _OUTER_SHIFT, for
# 2.27 <= r <= 38.7. Error 4.7e-18 of the quantile.
_OUTER_SHIFT, _OUTER_CONSTANT = 2.25, 0.75
_OUTER_TOP = (
    -6.062833295062903e-17,
    -3.4941097322458336e-11,
    -1.0335257688934157e-08,
    -9.111393184459173e-07,
    -3.3890529232164334e-05,
    -0.0006228790376786844,
    -0.006212467579618611,
    -0.0353605444880518,
    -0.11325471626175063,
    -0.17640298422671333,
    -0.059063752913431744,
    0.09195929590092436,
)
_OUTER_BOTTOM = (
    4.6699221687653286e-11,
    1.4246787015130732e-08,
    1.3270887487854973e-06,
    5.3828588434148155e-05,
    0.0011215532417015131,
    0.013271407333191324,
    0.09485905001547475,
    0.4189909659281208,
    1.115818331253796,
    1.6319684914520947,
    1.0,
)
# ((r + Phi^-1(exp(-r**2 / 2))) r - g) r**2 in powers of g = log(r sqrt(2 pi)), for 38.4 <= r <= 1e9. Error 1.2e-18 of
# the quantile.
_DEEP = (
    9.16290216743856e-08,
    -5.544777334575282e-06,
    0.0001492513597334083,
    -0.002343111985402516,
    0.023595750618137,
    -0.1574783894565603,
    0.6918094927001243,
    -1.403993168644543,
    1.8985869234037838,
    -0.7359088604059258,
)


@kernel(inline=True)
def central_quantile(q: float, q_low: float) -> tuple[float, float]:
    """Return Phi^-1(1/2 + q + q_low) between LOWER and UPPER as a sum of two, the second one smaller."""
    t = q * q
    v = _SQUARE - t
    ratio = horner(v, _CENTER_TOP) / horner(v, _CENTER_BOTTOM)
    cubic = fma(t, ratio, _CUBIC)
    cubic_low = fma(t, ratio, _CUBIC - cubic)
    slope = fma(t, cubic, SQRT_2PI)
    slope_low = fma(t, cubic, SQRT_2PI - slope) + fma(fma(q, q, -t), cubic, fma(t, cubic_low, SQRT_2PI_LOW))
    x = q * slope
    return x, fma(q_low, horner(t, _SLOPE), fma(q, slope_low, fma(q, slope, -x)))


@kernel(inline=True)
def outer_quantile(p: float, a: float, a_low: float) -> tuple[float, float]:
    """Return -Phi^-1(p) for p <= LOWER as a sum of two, given a + a_low = -2 log(p).

    p itself decides the edges alone: infinity at 0, NaN below.
    """
    r = math.sqrt(a if a > 1.0 else 1.0)  # the least is 5, where p is a probability
    r_low = fma(-r, r, a) + a_low  # times 2 r
    s = r - _OUTER_SHIFT
    bottom = horner(s, _OUTER_BOTTOM)
    twice = r + r
    change = fma(twice, horner(s, _OUTER_TOP), -(r_low * bottom)) / (twice * bottom)
    x = r - _OUTER_CONSTANT
    x_low = ((r - x) - _OUTER_CONSTANT) - change
    edge = math.inf if p == 0.0 else math.nan
    return x if p > 0.0 else edge, x_low


@kernel(inline=True)
def deep_quantile(y: float) -> tuple[float, float]:
    """Return -Phi^-1(exp(y)) for y <= LOG_DEEP as a sum of two.

    With r = sqrt(-2 y) and g = log(r sqrt(2 pi)) it is r - h / r, h = g + (g**2 / 2 - g + 1) / r**2 + O(g**3 / r**4).
    """
    quarter = -0.5 * y
    root = math.sqrt(quarter if not quarter < 1.0 else 1.0)  # the least is 372, where y is deep
    r = root + root  # no overflow at the largest -y
    k, f = log_parts(root)
    both = 1.0 / (r * (2.0 + f))  # one division for two quotients: h needs only 13 digits
    inverse, s = both * (2.0 + f), (f * r) * both
    g = fma(k, LOG_2, log_ratio(s)) + LOG_SQRT_8PI
    h = fma(horner(g, _DEEP), inverse * inverse, g)
    remainder = fma(-root, root, quarter)
    return r, fma(2.0, remainder, -h) * inverse if r < math.inf else 0.0


@kernel(inline=True)
def minus_2_log(p: float, p_low: float) -> tuple[float, float]:
    """Return -2 log(p + p_low) for 0 < p <= 1 as a sum of two; p may be subnormal, and p_low is 0 then."""
    k, f = log_parts(p * 2.0**54)
    f_low = p_low * 2.0**54 * power_of_2(-k)
    high, low = log_of_parts(k - 54.0, f, f_low)
    total = high + low
    return -2.0 * total, -2.0 * ((high - total) + low)


@kernel(inline=True)
def less_half(y: float) -> tuple[float, float]:
    """Return exp(y) - 1/2 for y between LOG_LOWER and LOG_UPPER as a sum of two.

    Next to log(1/2) it is expm1(y + log(2)) / 2, to all digits.
    """
    k, p, p_low = exp_parts(y, 0.0)
    scale = power_of_2(k)
    q, q_low = two_sum(scale - 0.5, scale * p)
    return q, fma(scale, p_low, q_low)


@kernel(inline=True)
def one_less(y: float) -> tuple[float, float]:
    """Return 1 - exp(y) for y > LOG_UPPER as a sum of two, the second one small; NaN for y > 0."""
    _, p, p_low = exp_parts(y, 0.0)
    rest = -(p + p_low)
    return rest if y <= 0.0 else math.nan, (-p - rest) - p_low
