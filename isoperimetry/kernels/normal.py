"""The standard normal distribution in float64, from the center to tails of measure exp(-1e300). UNCHECKED scalars.

Phi is the distribution function, phi the density and ``M(x) = Phi(-x) / phi(x)`` the Mills ratio. Outside the domain
the result is NaN, and NaN passes through. The loops ``fill_*`` take contiguous arrays of shape (n,); ``float`` in them
keeps NumPy's scalars, which warn, out of the plain Python form.

The tables are printed by ``tests/reference/fit_normal.py``; the highest power comes first.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel

Array = NDArray[np.float64]

# A constant and, where the last digit matters, what its float64 leaves out: relative for factors, absolute for terms.
SQRT_2PI, SQRT_2PI_LOW = 2.5066282746310007, -7.312045493924427e-17
INV_SQRT_2PI, INV_SQRT_2PI_LOW = 0.3989422804014327, -6.247337834861335e-17
LOG_2, LOG_2_LOW = 0.6931471805599453, 2.3190468138462996e-17
LOG_4, LOG_4_LOW = 1.3862943611198906, 4.638093627692599e-17
HALF_LOG_2PI = 0.9189385332046728
SQRT_2 = 1.4142135623730951
INV_SQRT_PI = 0.5641895835477563
LOG_THREE_QUARTERS = -0.2876820724517809
EXP_MINUS_200 = 1.3838965267367376e-87

KEEP_26_BITS, KEEP_20_BITS = 2.0**27, 2.0**33  # for _leading_bits
CENTER = 0.675  # just above Phi^-1(3/4): on this side of it Phi is 1/2 plus an odd function, without cancellation

# (x + 13/16) Phi(-x) exp(x**2 / 2) for x >= 0 in powers of t = (x - 3.5) / (x + 3.5), the constant apart. The function
# is between 0.39 and 0.48, so that t and the other terms add little rounding error. Interpolation error 1e-17.
_TAIL_0, _TAIL_0_LOW = 0.4586134750453547, 2.572258472397199e-17
_TAIL = (
    -1.2139908167893911e-10,
    -5.287967587099838e-10,
    4.2965411897902194e-10,
    4.861087875843888e-09,
    3.4363515354197316e-09,
    -1.9701043386434416e-08,
    -3.833211373799091e-08,
    3.1990307112900677e-08,
    1.9455570968858372e-07,
    1.2493905632508155e-07,
    -6.598534642417419e-07,
    -1.3582396318264632e-06,
    1.4539260053121945e-06,
    7.899746941640138e-06,
    -1.2521437924388916e-07,
    -4.059445909018053e-05,
    -2.0829473719208283e-05,
    0.0002242995517905381,
    0.0001228016232150166,
    -0.0014985467752389632,
    0.0005216914403144921,
    0.010673177744398715,
    -0.03383079897470832,
    0.049604996642054956,
    -0.022811028286104727,
    -0.0626238755711197,
)
# (Phi(x) - 1/2) / x for |x| < 0.678 in powers of x**2. Interpolation error 1e-20.
_CENTER = (
    -1.0187448625614697e-10,
    2.262839820262438e-09,
    -4.1220940620045935e-08,
    6.659674863489083e-07,
    -9.444655883219436e-06,
    0.0001154346875698933,
    -0.0011873282154771852,
    0.009973557010035699,
    -0.06649038006690544,
    0.3989422804014327,
)
# (Phi^-1(1/2 + q) / q - sqrt(2 pi)) / q**2 for |q| <= 1/4 in powers of q**2. Interpolation error of the quantile 1e-18.
_QUANTILE = (
    341593086.1789778,
    -68983723.11499526,
    15473438.220117817,
    -95717.78838487006,
    333890.4983791573,
    71391.08022845768,
    20832.719403141742,
    5872.1123201697965,
    1689.8946251478308,
    496.27328141744744,
    149.8297990780481,
    47.03578747176061,
    15.667608963302982,
    5.77253353861172,
    2.6249349909537365,
)
# r - P(r) / Q(r) with r = sqrt(-2 log p) is within 1e-6 r of -Phi^-1(p) for p <= 1/4.
_GUESS_NUMERATOR = (
    0.002640528261011864,
    0.2912729184671048,
    2.7903478623124127,
    2.762388554758302,
)
_GUESS_DENOMINATOR = (
    0.0003404680398314877,
    0.06103959125767791,
    1.0123957436496283,
    2.531334442806721,
    1.0,
)


@kernel(inline=True)
def _poly(x: float, coefficients: tuple[float, ...]) -> float:
    total = 0.0
    for c in coefficients:
        total = total * x + c
    return total


@kernel(inline=True)
def _leading_bits(x: float, scale: float) -> float:
    """Round x to 53 - k bits, for scale = 2**k: from k = 27 on the square of the result is exact.

    The product is exact too, so that it does not matter whether it is contracted with the sum.
    """
    big = x * scale
    return (x + big) - big


@kernel(inline=True)
def _expm1_tiny(a: float) -> float:
    """Return exp(a) - 1 for |a| < 4e-5."""
    return a + a * a * (0.5 + a / 6.0)


@kernel(inline=True)
def _scaled_tail(x: float) -> tuple[float, float]:
    """Return (w, r) with Phi(-x) exp(x**2 / 2) = w (1 + r), for finite x >= 0.

    r holds the rounding errors of the two sums, so that w (1 + r) is good to about half an ulp, that of the division.
    """
    t = 1.0 - 7.0 / (x + 3.5)
    rest = t * _poly(t, _TAIL)
    numerator = _TAIL_0 + rest
    numerator_low = (rest - (numerator - _TAIL_0)) + _TAIL_0_LOW
    denominator = x + 0.8125
    part = denominator - x
    denominator_low = (x - (denominator - part)) + (0.8125 - part)
    w = numerator / denominator
    return w, (numerator_low - w * denominator_low) / numerator


@kernel(inline=True)
def _lower_tail(x: float) -> float:
    """Return Phi(-x) for x >= 0."""
    if x > 39.0:
        return 0.0
    z = _leading_bits(x, KEEP_26_BITS)
    low = _expm1_tiny(-0.5 * (x - z) * (x + z))  # exp(-x**2 / 2) = exp(-z**2 / 2) (1 + low): the square keeps its ulp
    w, w_low = _scaled_tail(x)
    if x > 37.6:  # the exponential alone would be subnormal and lose digits
        value = w * math.exp(200.0 - 0.5 * z * z)
        return (value + value * (low + w_low)) * EXP_MINUS_200
    value = w * math.exp(-0.5 * z * z)
    return value + value * (low + w_low)


@kernel(inline=True)
def _upper_half(x: float) -> tuple[float, float]:
    """Return (v, low) with Phi(x) = v + low for x >= 0; low is the rounding error of the last sum."""
    if x < CENTER:
        part = x * _poly(x * x, _CENTER)
        v = 0.5 + part
        return v, part - (v - 0.5)
    tail = _lower_tail(x)
    v = 1.0 - tail
    return v, (1.0 - v) - tail


@kernel
def ndtr(x: float) -> float:
    """Return Phi(x)."""
    if abs(x) < CENTER:
        return 0.5 + x * _poly(x * x, _CENTER)
    tail = _lower_tail(abs(x))
    return tail if x < 0.0 else 1.0 - tail


@kernel
def log_ndtr(x: float) -> float:
    """Return log(Phi(x))."""
    if x < -CENTER:
        if x == -math.inf:
            return x
        w, w_low = _scaled_tail(-x)
        return (math.log(w) + w_low) - 0.5 * x * x
    if x < 0.0:
        return math.log(ndtr(x))
    if x > 39.0:
        return 0.0
    return math.log1p(-ndtr(-x))


@kernel(inline=True)
def _central_quantile(q: float) -> float:
    """Return Phi^-1(1/2 + q) for |q| <= 1/4."""
    t = q * q
    return q * SQRT_2PI + q * (t * _poly(t, _QUANTILE) + SQRT_2PI * SQRT_2PI_LOW)


@kernel(inline=True)
def _tail_quantile(y: float, a: float, b: float) -> float:
    """Return -Phi^-1(exp(-y)) for y >= log(4), where y - log(4) = a + b and b is 0 or -log(4).

    One step of third order on ``F(x) = x**2 / 2 - log W(x) = y``, W the scaled tail; F' = 1 / M and F'' / F' =
    1 / M - x. The guess has so few bits that the difference of y and half its square is exact, and log(4) is split off
    both y and -log W, which are largest, compared with x, where they are next to it: the residual has the accuracy of W
    and the result is rounded once.
    """
    if y > 1e18:  # log(4 pi y) is beyond the last digit of 2 y
        return 2.0 * math.sqrt(0.5 * y)
    r = math.sqrt(2.0 * y)
    z = _leading_bits(r - _poly(r, _GUESS_NUMERATOR) / _poly(r, _GUESS_DENOMINATOR), KEEP_20_BITS)
    w, w_low = _scaled_tail(z)
    mills = SQRT_2PI * w
    residual = ((a - 0.5 * z * z) + b) + (math.log(4.0 * w) + (w_low - LOG_4_LOW if b != 0.0 else w_low))
    step = residual * mills
    bend = 1.0 / mills - z if z < 1e4 else 1.0 / z  # the difference cancels
    return z + step * (1.0 - 0.5 * step * bend)


@kernel
def ndtri(p: float) -> float:
    """Return Phi^-1(p); -inf at 0, inf at 1, NaN outside [0, 1]."""
    if not 0.0 <= p <= 1.0:
        return math.nan
    q = p - 0.5  # exact where it is used: for p >= 1/4
    if abs(q) <= 0.25:
        return _central_quantile(q)
    if p == 0.0:
        return -math.inf
    if p == 1.0:
        return math.inf
    a = -math.log(4.0 * (p if q < 0.0 else 1.0 - p))
    x = _tail_quantile(a + LOG_4, a, 0.0)
    return -x if q < 0.0 else x


@kernel
def ndtri_exp(y: float) -> float:
    """Return Phi^-1(exp(y)); -inf at -inf, inf at 0, NaN above."""
    if not y <= 0.0:
        return math.nan
    if y < -LOG_4:
        return -_tail_quantile(-y, -y, -LOG_4)
    if y < LOG_THREE_QUARTERS:  # y + LOG_2 is exact, so that the result is good to its last digits near log(1/2) too
        return _central_quantile(0.5 * math.expm1((y + LOG_2) + LOG_2_LOW))
    if y == 0.0:
        return math.inf
    a = -math.log(-4.0 * math.expm1(y))
    return _tail_quantile(a + LOG_4, a, 0.0)


@kernel
def mills_ratio(x: float) -> float:
    """Return M(x) = Phi(-x) / phi(x)."""
    if x >= 0.0:
        if x == math.inf:
            return 0.0
        w, w_low = _scaled_tail(x)
        value = SQRT_2PI * w
        return value + value * (w_low + SQRT_2PI_LOW)
    if x < -37.66:
        return math.inf
    z = _leading_bits(x, KEEP_26_BITS)
    v, v_low = _upper_half(-x)
    low = _expm1_tiny(0.5 * (x - z) * (x + z)) + (v_low / v + SQRT_2PI_LOW)
    value = v * math.exp(0.5 * z * z)
    return SQRT_2PI * (value + value * low)  # only the last product can overflow


@kernel
def erfcx(x: float) -> float:
    """Return exp(x**2) erfc(x)."""
    if x > 1e8:  # 1 / (2 x**2) is beyond the last digit
        return INV_SQRT_PI / x
    if x < -26.64:
        return math.inf
    w, w_low = _scaled_tail(SQRT_2 * abs(x))
    half = w + w * w_low
    if x >= 0.0:
        return 2.0 * half
    z = _leading_bits(x, KEEP_26_BITS)
    e = math.exp(z * z)
    return 2.0 * (e + (e * _expm1_tiny((x - z) * (x + z)) - half))  # only the last product can overflow


@kernel
def log_pdf(x: float) -> float:
    """Return log(phi(x))."""
    return -0.5 * x * x - HALF_LOG_2PI


@kernel
def pdf(x: float) -> float:
    """Return phi(x)."""
    if abs(x) > 39.0:
        return 0.0
    z = _leading_bits(x, KEEP_26_BITS)
    value = INV_SQRT_2PI * math.exp(-0.5 * z * z)
    return value + value * (_expm1_tiny(-0.5 * (x - z) * (x + z)) + INV_SQRT_2PI_LOW)


@kernel
def log_profile(mu: float) -> float:
    """Return the log of the Gaussian profile, log(phi(Phi^-1(mu))); -inf at 0 and 1."""
    return log_pdf(ndtri(mu))


@kernel
def log_profile_exp(log_mu: float) -> float:
    """Return the log of the Gaussian profile at exp(log_mu)."""
    return log_pdf(ndtri_exp(log_mu))


@kernel
def fill_ndtr(x: Array, out: Array) -> None:
    """Write Phi(x[i]) to out[i]."""
    for i in range(x.size):
        out[i] = ndtr(float(x[i]))


@kernel
def fill_log_ndtr(x: Array, out: Array) -> None:
    """Write log(Phi(x[i])) to out[i]."""
    for i in range(x.size):
        out[i] = log_ndtr(float(x[i]))


@kernel
def fill_ndtri(p: Array, out: Array) -> None:
    """Write Phi^-1(p[i]) to out[i]."""
    for i in range(p.size):
        out[i] = ndtri(float(p[i]))


@kernel
def fill_ndtri_exp(y: Array, out: Array) -> None:
    """Write Phi^-1(exp(y[i])) to out[i]."""
    for i in range(y.size):
        out[i] = ndtri_exp(float(y[i]))


@kernel
def fill_mills_ratio(x: Array, out: Array) -> None:
    """Write M(x[i]) to out[i]."""
    for i in range(x.size):
        out[i] = mills_ratio(float(x[i]))
