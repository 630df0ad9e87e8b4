"""Density of the distance of a normal sample from a point, in logarithms, for shells too thin for a difference.

UNCHECKED scalars and a loop. In dimension n = a + 1 a sample at distance r from a point, whose mean is at distance D,
is r tanh(s) along the line through both and w = r / cosh(s) beside it. The density of r is

    sqrt(2 / pi) / (2**(a / 2) Gamma(a / 2)) * int w**a exp(-w**2 / 2 - (r tanh(s) - D)**2 / 2) ds,

a bell, positive and analytic, for which the trapezoidal rule converges exponentially (L. N. Trefethen, J. A. C.
Weideman (2014), SIAM Review 56). At its top T = tanh(s) is a root of ``r D (1 - T**2) = a T``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.logspace import logaddexp
from isoperimetry.kernels.normal import log_pdf
from isoperimetry.kernels.remainders import log1p_remainder, stirling_remainder

Array = NDArray[np.float64]

LOG_PI = 1.1447298858494002
STEP, WIDTHS = 0.125, 0.4  # of the rule: at most STEP, as the bell is analytic up to pi / 4, and WIDTHS of its width
SMALLEST = -42.0  # log of the terms left out


@kernel
def _log_fall(x: float, a: float, top: float, rest: float) -> float:
    """Return the log of the integrand at x from its top, over that at the top; ``rest`` is 1 - top."""
    sinh = math.sinh(x)
    if abs(x) < 1.0:
        half = math.sinh(0.5 * x)
        u = top * sinh + 2.0 * half * half
        q, log_q = 1.0 + u, math.log1p(u)
    else:
        q = 0.5 * (math.exp(x) * (1.0 + top) + math.exp(-x) * rest)
        log_q = math.log(q)
    return a * (top * sinh / q - log_q)


@kernel
def log_distance_density(r: float, n: float, distance: float) -> float:
    """Return the log of the density of |Z + D e| at r > 0 for a standard normal Z in dimension n, a whole number."""
    if n == 1.0:
        return logaddexp(log_pdf(r - distance), log_pdf(r + distance))
    a, z = n - 1.0, r * distance
    root = math.hypot(a, 2.0 * z)
    top = 2.0 * z / (a + root)
    beside = 2.0 * a / (a + root)  # 1 - top**2
    rest = beside / (1.0 + top)
    h = min(STEP, WIDTHS / math.sqrt(beside * (a + 2.0 * z * top)))
    total = 1.0
    for side in (-1.0, 1.0):
        k = 1
        while True:
            fall = _log_fall(side * k * h, a, top, rest)
            if not fall > SMALLEST:
                break
            total += math.exp(fall)
            k += 1
    w = r * math.sqrt(beside)
    along = r * top - distance
    central = 0.5 * math.log(0.5 * a) - stirling_remainder(0.5 * a)
    # a log w - w**2 / 2 with its value at w**2 = a, which Stirling's formula takes away
    bell = -0.5 * a * log1p_remainder((w - math.sqrt(a)) * (w + math.sqrt(a)) / a)
    if w * w < 0.3 * a:  # near -1 the argument of the remainder has lost digits
        bell = a * (math.log(w) - 0.5 * math.log(a) + 0.5) - 0.5 * w * w
    return central - LOG_PI + bell - 0.5 * along * along + math.log(total * h)


@kernel
def fill_log_distance_density(r: Array, n: Array, distance: Array, out: Array) -> None:
    """Write the log of each density to out[i]."""
    for i in range(r.size):
        out[i] = log_distance_density(float(r[i]), float(n[i]), float(distance[i]))
