"""Probability of a quadrant under the bivariate normal distribution, in logarithms. UNCHECKED scalars and a loop.

For standard normals G1, G2 of correlation rho let ``root = sqrt(1 - rho**2)`` and

    P = P[G1 >= h, G2 >= k] = int_h^inf phi(u) Phi((rho u - k) / root) du.

With h >= k, the place where the density is largest in the quadrant decides how this is written. If it is the corner,
the large exponents cancel by hand: with x = (k - rho h) / root > 0, y = (h - rho k) / root >= 0 and the Mills ratio M,

    P = phi(h) phi(x) root int_0^inf exp(-y s - s**2 / 2) M(x - rho s) ds.

If it is a point of the edge G1 = h, then Phi above starts at 1/2 or more and h**2 / 2 is the one large exponent. If the
quadrant holds the origin, P comes from 1 - P, a sum of two such probabilities, unless that is near 1. Every
integrand is log-concave and has the scale of a normal density or of its tail, so that panels of 3 standard deviations
with 16 Gauss-Legendre points give all digits; where Phi is 1 to the last digit, the rest is a normal tail.

Sources: R. L. Plackett (1954), A reduction formula for normal multivariate integrals, Biometrika 41, for the problem;
Z. Drezner, G. O. Wesolowsky (1990), J. Statist. Comput. Simul. 35, has fixed panels for absolute accuracy. The form at
the corner is the usual integral with its exponents collected, so that tails beyond the smallest float64 keep their
digits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._bits import fma
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.logspace import logaddexp, logsubexp
from isoperimetry.kernels.normal import log_ndtr, log_pdf, mills_ratio, ndtr

Array = NDArray[np.float64]

LOG_2PI = 1.8378770664093453
SURE = 9.0  # 1 - Phi(9) = 1e-19
PANEL = 3.0  # in standard deviations of the narrowest factor
FALL = 16.0  # the most by which the exponent of the leading factor falls in one panel
# Of the sum: a log-concave integrand is past its mode then, and what follows is smaller still. The last panel before an
# end may be a sliver, which says nothing.
NEGLIGIBLE = 1e-18
FAR = 12.0  # no need to start further from the mode
NEAR = 0.99  # a correlation above has its last digits from the root
HUGE = 1e160  # its square is no number
EQUAL = 1e-290  # at most this root is 0

# The positive half of the 16 Gauss-Legendre nodes on [-1, 1], and their weights
_NODES = np.array([
    0.0950125098376374402, 0.281603550779258913, 0.458016777657227386, 0.617876244402643748,
    0.755404408355003034, 0.865631202387831744, 0.944575023073232576, 0.989400934991649933,
])  # fmt: skip
_WEIGHTS = np.array([
    0.189450610455068496, 0.182603415044923589, 0.169156519395002538, 0.149595988816576732,
    0.124628971255533872, 0.0951585116824927848, 0.0622535239386478929, 0.0271524594117540949,
])  # fmt: skip


@kernel
def _difference(k: float, h: float, rho: float, root: float) -> float:
    """Return k - rho h. Near rho = 1 and -1 the last digits of the correlation are those of ``root``."""
    if abs(rho) <= NEAR:
        product: float = fma(-rho, h, k)
        return product
    rest = root * root / (1.0 + abs(rho)) * h  # (1 - |rho|) h
    return (k - h) + rest if rho > 0.0 else (k + h) - rest


@kernel
def _edge_panel(a: float, b: float, h: float, x: float, slope: float) -> float:
    """Return the integral of exp(-h t - t**2 / 2) Phi(x + slope (t - a)) over [a, b]."""
    half = 0.5 * (b - a)
    total = 0.0
    for i in range(16):
        node = -_NODES[7 - i] if i < 8 else _NODES[i - 8]
        weight = _WEIGHTS[7 - i] if i < 8 else _WEIGHTS[i - 8]
        q = half * (1.0 + node)
        t = a + q
        total += weight * math.exp(-t * (h + 0.5 * t)) * ndtr(x + slope * q)
    return total * half


@kernel
def _corner_panel(a: float, b: float, x: float, y: float, rho: float) -> float:
    """Return the integral of exp(-y s - s**2 / 2) M(x - rho s) over [a, b]."""
    half = 0.5 * (b - a)
    total = 0.0
    for i in range(16):
        node = -_NODES[7 - i] if i < 8 else _NODES[i - 8]
        weight = _WEIGHTS[7 - i] if i < 8 else _WEIGHTS[i - 8]
        s = a + half * (1.0 + node)
        total += weight * math.exp(-s * (y + 0.5 * s)) * mills_ratio(x - rho * s)
    return total * half


@kernel
def _log_edge(h: float, k: float, rho: float, root: float) -> float:
    """Return log P where rho h >= k: Phi starts at 1/2 or more. If h < 0 then rho < 0."""
    h = max(h, -FAR)  # for h < 0 the mode of the integrand is within 1 of the origin
    gap = -_difference(k, h, rho, root)
    x, slope = gap / root, rho / root
    narrow, fall = PANEL / max(1.0, abs(slope)), FALL / max(h, 1.0)
    width = min(narrow, fall)
    end = math.inf  # where Phi is sure
    start = 0.0
    total = 0.0
    if slope >= 0.0:
        if x >= SURE:
            return log_ndtr(-h)
        if slope > 0.0:
            end = (SURE - x) / slope
    elif x > SURE:
        start = (gap - SURE * root) / -rho
        # Phi is sure up to here. Its slope is left out
        wide = min(PANEL, fall)
        t = 0.0
        while t < start:
            upper = min(t + wide, start)
            part = _edge_panel(t, upper, h, math.inf, 0.0)
            total += part
            if part <= NEGLIGIBLE * total and upper - t > 0.5 * wide:
                return log_pdf(h) + math.log(total)
            t = upper
        x = SURE
    t = 0.0
    while start + t < end:
        upper = min(t + width, end - start)
        part = _edge_panel(start + t, start + upper, h, x + slope * t, slope)
        total += part
        if part <= NEGLIGIBLE * total and upper - t > 0.5 * width:
            return log_pdf(h) + math.log(total)
        t = upper
    if end < math.inf:
        total += math.exp(-end * (h + 0.5 * end)) * mills_ratio(h + end)
    return log_pdf(h) + math.log(total)


@kernel
def _log_corner(h: float, k: float, rho: float, root: float) -> float:
    """Return log P where k > rho h and h > rho k, h >= k and h > 0."""
    x = _difference(k, h, rho, root) / root
    y = max(_difference(h, k, rho, root) / root, 0.0)
    log_scale = math.log(root) - LOG_2PI - 0.5 * (h * h + x * x)
    if log_scale == -math.inf:
        return log_scale
    width = min(PANEL, FALL / max(y, 1.0))
    end = (x + SURE) / rho if rho > 0.0 else math.inf
    s = 0.0
    total = 0.0
    while s < end:
        upper = min(s + width, end)
        part = _corner_panel(s, upper, x, y, rho)
        total += part
        if part <= NEGLIGIBLE * total and upper - s > 0.5 * width:
            return log_scale + math.log(total)
        s = upper
    return logaddexp(log_scale + math.log(total), log_ndtr(-(h + root * end)))


@kernel
def _log_outer(h: float, k: float, rho: float, root: float) -> float:
    """Return log P for h >= k, h >= 0: the quadrant has the origin outside or on its edge."""
    if _difference(k, h, rho, root) > 0.0:
        return _log_corner(h, k, rho, root)
    return _log_edge(h, k, rho, root)


@kernel
def log_binormal_sf(h: float, k: float, rho: float, root: float) -> float:
    """Return log P[G1 >= h, G2 >= k] for standard normals of correlation rho, with root = sqrt(1 - rho**2).

    NaN unless -1 <= rho <= 1, root >= 0 and rho**2 + root**2 is 1 to six digits.
    """
    if not (abs(rho) <= 1.0 and root >= 0.0 and abs(rho * rho + root * root - 1.0) < 1e-6) or h != h or k != k:
        return math.nan
    if abs(rho) > NEAR:
        rho = math.copysign(math.sqrt((1.0 - root) * (1.0 + root)), rho)
    if h < k:
        h, k = k, h
    if h > HUGE:
        return -math.inf
    if k == -math.inf:
        return log_ndtr(-h)
    if root <= EQUAL:
        if rho > 0.0:
            return log_ndtr(-h)
        if not h < -k:
            return -math.inf
        if h <= 0.0:  # the interval [h, -k] holds 0: from both tails
            outside = ndtr(h) + ndtr(k)
            if outside < 0.75:
                return math.log1p(-outside)
            return math.log(0.5 * (math.erf(-h * math.sqrt(0.5)) + math.erf(-k * math.sqrt(0.5))))
        return logsubexp(log_ndtr(-h), log_ndtr(k))
    inside = h <= 0.0
    first, second, sign = (-k, h, -rho) if inside else (h, k, rho)
    log_p = _log_outer(first, second, sign, root)
    if not inside:
        return log_p
    outside = ndtr(h) + math.exp(log_p)
    if rho >= 0.0 or outside <= 0.75:
        return math.log1p(-outside) + 0.0  # 0 where it underflows, not -0
    return _log_edge(h, k, rho, root)


@kernel
def fill_log_binormal_sf(h: Array, k: Array, rho: Array, root: Array, out: Array) -> None:
    """Write the log of the probability of each quadrant to out[i]."""
    for i in range(h.size):
        out[i] = log_binormal_sf(float(h[i]), float(k[i]), float(rho[i]), float(root[i]))
