"""What is left of elementary functions when their leading terms are taken away, where a plain difference would cancel.

Scalars, UNCHECKED. Tails of large parameters are made of these: a term of 1e5 enters the exponent, but its first orders
are known to cancel, so that only the remainder is computed.
"""

from __future__ import annotations

import math

from isoperimetry.kernels._jit import kernel

HALF_LOG_2PI = 0.9189385332046728
KEEP_26_BITS = 2.0**27

# 2 / (2 k + 3): of log1p(u) = 2 atanh(s), s = u / (2 + u), below s**2 = 1/9; and 1 / (2 k + 3) is that of atan.
_ODD = (
    2.0 / 35.0, 2.0 / 33.0, 2.0 / 31.0, 2.0 / 29.0, 2.0 / 27.0, 2.0 / 25.0, 2.0 / 23.0, 2.0 / 21.0, 2.0 / 19.0,
    2.0 / 17.0, 2.0 / 15.0, 2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0,
)  # fmt: skip
# B_2k / (2 k (2 k - 1)), the highest first (Stirling's series).
_STIRLING = (
    -3617.0 / 122400.0, 1.0 / 156.0, -691.0 / 360360.0, 1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0,
    1.0 / 12.0,
)  # fmt: skip
# -Euler's constant, then (-1)**k zeta(k) / k from k = 2 on, the highest first
_ZETA = (
    -0.11133426586956469, 0.12550966952474304, -0.14404989676884614, 0.16955717699740822,
    -0.207385551028674, 0.27058080842778454, -0.40068563438653143, 0.8224670334241132,
    -0.5772156649015329,
)  # fmt: skip


@kernel(inline=True)
def leading_bits(x: float) -> float:
    """Return x rounded to 26 bits, so that a product of two such numbers is exact; for abs(x) < 1e300."""
    big = x * KEEP_26_BITS
    return (x + big) - big


@kernel
def log1p_remainder(u: float) -> float:
    """Return ``u - log1p(u)`` >= 0, for u > -1.

    Relative error below 6 * 2**-52. Near 0 it is the series of ``2 atanh(u / (2 + u))``, whose first term is
    ``u - u**2 / (2 + u)``.
    """
    if not -0.5 <= u <= 1.0:
        return math.inf if u <= -1.0 else u - math.log1p(u)
    s = u / (2.0 + u)
    t = s * s
    total = 0.0
    for c in _ODD:
        total = total * t + c
    return s * (u - t * total)


@kernel
def atan_remainder(x: float) -> float:
    """Return ``x - atan(x)``; the series is used where the difference would cancel."""
    t = x * x
    if t > 1.0 / 9.0:
        return x - math.atan(x)
    total = 0.0
    for c in _ODD:
        total = c - total * t
    return 0.5 * x * t * total


@kernel
def stirling_remainder(x: float) -> float:
    """Return log Gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) for x > 0, which falls like 1 / (12 x).

    Stirling's series from 10 on, where its eighth term is below the last digit; recurrence up to there.
    """
    shift = 0.0
    while x < 10.0:
        shift += (x + 0.5) * math.log1p(1.0 / x) - 1.0 if x > 1e-300 else -0.5 * math.log(x) - 1.0
        x += 1.0
    inverse = 1.0 / x
    t = inverse * inverse
    total = 0.0
    for c in _STIRLING:
        total = total * t + c
    return shift + total * inverse


@kernel
def log_gamma_ratio(a: float, step: float) -> float:
    """Return log(Gamma(a + step) / Gamma(a)) for a > 0 and a + step > 0, without the loss of a difference at huge a."""
    if not (a > 0.0 and a + step > 0.0 and a < math.inf and step < math.inf):
        return math.nan
    total = a + step
    u = step / a
    change = stirling_remainder(total) - stirling_remainder(a)
    return step * math.log(total) - a * log1p_remainder(u) - 0.5 * math.log(total / a) + change


@kernel
def log_gamma_1p(a: float) -> float:
    """Return log Gamma(1 + a) for a > -1, near 0 by its Taylor series."""
    if abs(a) > 0.01:
        return math.lgamma(1.0 + a)
    total = 0.0
    for c in _ZETA:
        total = total * a + c
    return a * total
