"""The regularised incomplete beta function and its inverse, in logarithms. UNCHECKED scalars and loops.

As in `isoperimetry.kernels.gamma`, everything is one integral: with y = 1 - x

    I_x(a, b) = (1 / 2 pi i) int exp(E(s)) ds / (s - x),   E(s) = a log(x / s) + b log(y / (1 - s)),

over a path that crosses the real axis between x and 1; left of x the integral is -I_y(b, a) (NIST Handbook of
Mathematical Functions, 8.17.9). For a <= b, to which the symmetry leads, the path is the parabola
``s = s0 (1 + i theta)**2`` through the saddle point of the integrand; s0, the step and the correction for the pole are
found as there. If a or b is below 100, a continued fraction is as good and faster.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.logspace import log1mexp
from isoperimetry.kernels.remainders import (
    HALF_LOG_2PI,
    atan_remainder,
    leading_bits,
    log1p_remainder,
    log_gamma_1p,
    log_gamma_ratio,
    stirling_remainder,
)

Array = NDArray[np.float64]

LEAST, LARGEST = 1e-30, 1e30  # of a and b; NaN outside: squares and quotients of what follows stay finite inside
DIGITS = 40.0  # -log of the error of the trapezoidal rule
POINTS = 2000
FEW = 100.0  # up to here the continued fraction is faster
WIDE = 400.0  # below this curvature the bell is wide enough for its flanks to matter


@kernel
def betaln(a: float, b: float) -> float:
    """Return log B(a, b) for a, b > 0."""
    if not (LEAST <= a <= LARGEST and LEAST <= b <= LARGEST):
        return math.nan
    a, b = min(a, b), max(a, b)
    total = a + b
    if total <= 1.0:  # B = (1 / a + 1 / b) Gamma(1 + a) Gamma(1 + b) / Gamma(1 + a + b)
        return math.log(total / b) - math.log(a) + log_gamma_1p(a) + log_gamma_1p(b) - log_gamma_1p(total)
    rest = stirling_remainder(b) - stirling_remainder(total) - b * math.log1p(a / b)
    if a < 1.0:
        return log_gamma_1p(a) - math.log(a) - a * math.log(total) + 0.5 * math.log1p(a / b) + a + rest
    return rest - a * math.log1p(b / a) - 0.5 * math.log(a / (1.0 + a / b)) + HALF_LOG_2PI + stirling_remainder(a)


@kernel
def _gap(a: float, b: float, x: float, y: float) -> float:
    """Return a y - b x for y = 1 - x, with the digits that y (or x) lost when it was rounded."""
    x_low = (1.0 - x) - y if x > y else 0.0
    y_low = (1.0 - y) - x if x <= y else 0.0
    a_high, b_high, x_high, y_high = leading_bits(a), leading_bits(b), leading_bits(x), leading_bits(y)
    high = a_high * y_high - b_high * x_high  # both products are exact
    low = a_high * ((y - y_high) + y_low) + (a - a_high) * y
    return high + (low - (b_high * ((x - x_high) + x_low) + (b - b_high) * x))


@kernel
def _exponent(a: float, b: float, x: float, y: float, d: float, s: float, r: float, gap: float) -> float:
    """Return a log(x / s) + b log(y / r) for s = x + d, r = 1 - s and gap = a y - b x."""
    u, v = d / x, -d / y
    if abs(u) < 0.5 and abs(v) < 0.5:
        return a * log1p_remainder(u) + b * log1p_remainder(v) - u * (gap / y)
    left = -math.log1p(u) if abs(u) < 0.5 else math.log(x / s)
    right = -math.log1p(v) if abs(v) < 0.5 else math.log(y / r)
    return a * left + b * right


@kernel
def _log_density(a: float, b: float, x: float, y: float, gap: float) -> float:
    """Return log(x**a y**b / B(a, b)), the slope of I_x in the logit log(x / y)."""
    total = a + b
    exponent = _exponent(a, b, x, y, gap / total, a / total, b / total, gap)
    remainders = stirling_remainder(total) - stirling_remainder(a) - stirling_remainder(b)
    return exponent + remainders + 0.5 * math.log(a * (b / total)) - HALF_LOG_2PI


@kernel
def _log_fraction(a: float, b: float, x: float, y: float, gap: float) -> float:
    """Return log I_x(a, b) for x up to the mean, where gap = a - (a + b) x >= 0, by a continued fraction.

    About sqrt(min(a, b)) / 2 rounds suffice, so that for a small one this is faster than the integral. It is the even
    part of Gauss's fraction (A. R. DiDonato, A. H. Morris 1992, Algorithm 708, ACM TOMS): written with the gap, it does
    not cancel at x near 1. Evaluated by Lentz's method.
    """
    value = a * ((gap + 1.0) / (a + 1.0))
    c, d = value, 0.0
    for n in range(1, 500):
        k = a + 2.0 * n
        t = n * (b - n) * (x / (k - 1.0))
        below = n + t + (a + n) * ((gap + 1.0 + n * (1.0 + y)) / (k + 1.0))
        above = t * (a + n - 1.0) * ((a + b + n - 1.0) * (x / (k - 1.0)))
        d = 1.0 / (below + above * d)
        c = below + above / c
        factor = c * d
        value *= factor
        if abs(factor - 1.0) < 2e-16:
            break
    return _log_density(a, b, x, y, gap) - math.log(value)


@kernel
def _log_tail(a: float, b: float, x: float, y: float, gap: float, lower: bool) -> float:
    """Return log I_x(a, b) or log I_y(b, a), for a <= b and 0 < x < 1."""
    total = a + b
    k = gap + (y - x)
    width = math.hypot(k, 2.0 * math.sqrt(total + 1.0) * math.sqrt(x * y))
    # The saddle point solves (a + b + 1) d**2 - k d - x y = 0, d = s - x. Each of d, s and 1 - s without cancellation:
    left, right = a + 1.0 + total * x, b + 1.0 + total * y
    if lower:
        d = 0.5 * (width + k) / (total + 1.0) if k > 0.0 else 2.0 * x * (y / (width - k))
        s, r = 0.5 * (left + width) / (total + 1.0), 2.0 * b * (y / (right + width))
    else:
        d = -0.5 * (width - k) / (total + 1.0) if k < 0.0 else -2.0 * x * (y / (width + k))
        s, r = 2.0 * a * (x / (left + width)), 0.5 * (right + width) / (total + 1.0)
    e = _exponent(a, b, x, y, d, s, r, gap)
    if e < -1e18:  # the rest is beyond its last digit, and the phase has none left
        return e
    rho = s / r
    slope = 2.0 * (total * d - gap) / r if abs(d) < 0.5 * min(x, y) else 2.0 * (b * rho - a)
    kappa = s / d
    depth = abs(d) / (s + math.sqrt(x * s))
    curvature = 2.0 * a + 2.0 * b * rho * (1.0 + 2.0 * rho)
    wide = curvature < WIDE
    # as in the gamma family; s = 1 is the other end of what the shifted path may reach
    shift = min(8.9 / math.sqrt(curvature), 0.7 * r / (s + math.sqrt(s)))
    if wide:
        shift = min(0.6, shift)
    z = math.sin(shift) if wide else shift
    left, right = rho * z * (2.0 - z), -rho * z * (2.0 + z)
    square = b * rho * z * z
    up = square - slope * z + 2.0 * a * log1p_remainder(-z) + b * log1p_remainder(left)
    down = square + slope * z + 2.0 * a * log1p_remainder(z) + b * log1p_remainder(right)
    h = 2.0 * math.pi * shift / (DIGITS + max(up, down, 0.0))
    area = 0.5
    for i in range(1, POINTS):
        theta, weight = i * h, 1.0
        if wide:
            theta = math.sinh(theta)
            weight = math.sqrt(1.0 + theta * theta)
        v = theta * theta
        q = rho * v
        size = weight * math.exp(-a * math.log1p(v) - 0.5 * b * math.log1p(q * (2.0 + q + 4.0 * rho)))
        p, t = 1.0 - kappa * v, 2.0 * kappa * theta
        if size * (1.0 + theta) < 1e-18 * (abs(p) + abs(t)):
            break
        c = 2.0 * rho * theta / (1.0 + q)
        phase = slope * theta + 2.0 * a * atan_remainder(theta) - b * (c * q + atan_remainder(c))
        real, imaginary = 1.0 + kappa * v, theta * (p - 2.0 * kappa)
        area += size * (math.cos(phase) * real - math.sin(phase) * imaginary) / (p * p + t * t)
    value = 2.0 * abs(kappa) * area * h / math.pi
    if depth < z:  # the shifted path has passed the pole
        exponent = 2.0 * math.pi * (math.asin(depth) if wide else depth) / h
        value -= math.exp(-e - exponent) / -math.expm1(-exponent)
    return e + math.log(value) if value > 0.0 else math.nan


@kernel
def _log_power_law(a: float, b: float, x: float) -> float:
    """Return log(x**a / (a B(a, b))) for a <= 1, which is near 0 for small a."""
    if b > 1.0:
        log_k = log_gamma_ratio(b, a) - log_gamma_1p(a)
    else:
        log_k = (log_gamma_1p(a + b) - log_gamma_1p(a) - log_gamma_1p(b)) - math.log1p(a / b)
    return log_k + a * math.log(x)


@kernel
def _log_lower_of_few(a: float, b: float, x: float) -> float:
    """Return log I_x(a, b) for a, b <= 1 and x <= 1/2 by the power series, whose terms are positive."""
    term, total = 1.0, 0.0
    for k in range(1, 80):
        term *= (k - b) * x / k
        total += term / (a + k)
        if term < 1e-18:
            break
    return min(0.0, _log_power_law(a, b, x) + math.log1p(a * total))


@kernel
def _log_upper_of_few(a: float, b: float, x: float, y: float) -> float:
    """Return log I_y(b, a) for small a and b > 1, where it is of the order of a.

    That order would be lost in the sum above. Without (x / s)**a the integral is zero left of x, so that 1 can be taken
    from this factor; the path is that of a = 1.
    """
    left = 2.0 + (1.0 + b) * x
    width = math.hypot(2.0 * y - (1.0 + b) * x, 2.0 * math.sqrt(2.0 + b) * math.sqrt(x * y))
    s = 2.0 * x / (left + width)
    d = s - x
    rho, kappa = s / (1.0 - s), s / d
    log_ratio = math.log(x / s)
    h = 0.08
    area = 0.0
    for i in range(POINTS):
        theta = math.sinh(i * h)
        v = theta * theta
        q = rho * v
        size = math.sqrt(1.0 + v) * math.exp(-0.5 * b * math.log1p(q * (2.0 + q + 4.0 * rho)))
        u, w = a * (log_ratio - math.log1p(v)), -2.0 * a * math.atan(theta)
        half = math.sin(0.5 * w)
        f, g = math.expm1(u) * math.cos(w) - 2.0 * half * half, math.exp(u) * math.sin(w)
        phase = b * math.atan(2.0 * rho * theta / (1.0 + q))
        p, t = 1.0 - kappa * v, 2.0 * kappa * theta
        if size * (1.0 + theta) * (1.0 + abs(u / a)) < 1e-18 * (abs(p) + abs(t)):
            break
        real, imaginary = 1.0 + kappa * v, theta * (p - 2.0 * kappa)
        e, j = math.cos(phase), math.sin(phase)
        real, imaginary = real * e - imaginary * j, real * j + imaginary * e
        area += (0.5 if i == 0 else 1.0) * size * (real * f - imaginary * g) / (p * p + t * t)
    return math.log(2.0 * abs(kappa) * area * h / math.pi) - b * math.log1p(-d / y)


@kernel
def _log_probability(a: float, b: float, x: float, y: float, lower: bool) -> float:
    """Return log I_x(a, b) or log I_y(b, a), the one near 0 from the other."""
    if b <= 1.0 and a <= 1.0:
        if x > y:
            a, b, x, y, lower = b, a, y, x, not lower
        first = _log_lower_of_few(a, b, x)
        return first if lower else log1mexp(first)
    if a > b:
        a, b, x, y, lower = b, a, y, x, not lower
    gap = _gap(a, b, x, y)
    few = a < 0.25
    if few and x * (1.0 + b) < 1e-17:
        first = _log_power_law(a, b, x)
        return first if lower else log1mexp(first)
    side = gap > 0.0
    first = 0.0
    if a < FEW and not few and (side or a >= 3.0):  # above the mean, few degrees of freedom take many rounds
        if not side:
            a, b, x, y, gap = b, a, y, x, -gap
        first = _log_fraction(a, b, x, y, gap)
        return first if side == lower else log1mexp(first)
    side = side and not few
    for _ in range(2):  # one place for each call: every further one is compiled again
        if few and not side:
            first = _log_upper_of_few(a, b, x, y)
        else:
            first = _log_tail(a, b, x, y, gap, side)
        if first <= -0.5:
            break
        side = not side  # the other is the smaller one
    else:
        side = not side
    return first if side == lower else log1mexp(first)


@kernel
def log_betainc_tail(a: float, b: float, x: float, y: float, lower: bool) -> float:
    """Return log I_x(a, b), or log(1 - I_x(a, b)); y must be 1 - x, the smaller one of the two is taken as exact."""
    if not (LEAST <= a <= LARGEST and LEAST <= b <= LARGEST and 0.0 <= x <= 1.0):
        return math.nan
    if x == 0.0 or y == 0.0:
        return -math.inf if (x == 0.0) == lower else 0.0
    return _log_probability(a, b, x, y, lower)


@kernel
def log_betainc(a: float, b: float, x: float) -> float:
    """Return log I_x(a, b)."""
    return log_betainc_tail(a, b, x, 1.0 - x, True)


@kernel
def log_betaincc(a: float, b: float, x: float) -> float:
    """Return log(1 - I_x(a, b))."""
    return log_betainc_tail(a, b, x, 1.0 - x, False)


@kernel
def _lower_quantile(a: float, b: float, log_p: float) -> tuple[float, float, float]:
    """Return x with log I_x(a, b) = log_p <= log(1/2), and y = 1 - x and log x, by Halley's method in the logit.

    The logarithm of I_x is concave in the logit for all a and b, so that Newton's method would do from the left; steps
    out of the bracket are replaced by its middle. At the last step the error is cubed from 1e-6.
    """
    log_k = _log_power_law(a, b, 1.0) if a < 1.0 else -(math.log(a) + betaln(a, b))
    log_x = (log_p - log_k) / a  # I_x = k x**a for tiny x
    if log_x + math.log1p(b) < -40.0:
        return math.exp(log_x), 1.0, log_x
    t = math.sqrt(-2.0 * log_p)
    z = (2.30753 + 0.27061 * t) / (1.0 + 0.99229 * t + 0.04481 * t * t) - t  # the normal quantile to 0.003
    logit = math.log(a / b) + z * math.sqrt(1.0 / a + 1.0 / b)
    if log_x < -0.01:
        power = log_x - math.log(-math.expm1(log_x))
        logit = max(logit, power) if b >= 1.0 else power  # a bound from the left or from the right
    logit = max(-700.0, min(logit, 700.0))
    x, y = 1.0 / (1.0 + math.exp(-logit)), 1.0 / (1.0 + math.exp(logit))
    low, high = -745.0, 745.0
    for _ in range(100):
        gap = _gap(a, b, x, y)
        value = _log_probability(a, b, x, y, True)
        f = value - log_p
        logit = math.log(x) - math.log(y)
        if f <= 0.0:
            low = logit
        if f >= 0.0:
            high = logit
        slope = math.exp(min(700.0, _log_density(a, b, x, y, gap) - value))
        step = -f / slope if slope > 0.0 else math.copysign(1000.0, -f)
        step /= max(0.5, min(1.0 + 0.5 * step * (gap - slope), 2.0))
        if not low <= logit + step <= high and abs(f) > 1e-9:
            step = 0.5 * (low + high) - logit
        step = max(-300.0, min(step, 300.0))
        x, y = x / (x + y * math.exp(-step)), y / (y + x * math.exp(step))
        if not abs(f) > 1e-6 or abs(step) < 1e-16:
            break
    return x, y, math.log(x) if x < 0.5 else math.log1p(-y)


@kernel
def betainc_quantile(a: float, b: float, log_p: float, log_q: float) -> tuple[float, float]:
    """Return x and 1 - x, where log I_x(a, b) = log_p and log(1 - I_x(a, b)) = log_q; the smaller one is used."""
    swap = log_p > log_q
    if swap:
        a, b, log_p = b, a, log_q
    x, y, _ = _lower_quantile(a, b, log_p)
    return (y, x) if swap else (x, y)


@kernel
def _log_betainc_inv(a: float, b: float, log_p: float, log_q: float) -> float:
    """Return log x, where log I_x(a, b) = log_p and exp(log_p) + exp(log_q) = 1."""
    if not (LEAST <= a <= LARGEST and LEAST <= b <= LARGEST and log_p <= 0.0 and log_q <= 0.0):
        return math.nan
    if log_p == -math.inf or log_q == -math.inf:
        return log_p if log_p == -math.inf else 0.0
    swap = log_p > log_q
    if swap:
        a, b, log_p = b, a, log_q
    x, y, log_x = _lower_quantile(a, b, log_p)
    if not swap:
        return log_x
    return math.log(y) if y < 0.5 else math.log1p(-x)


@kernel
def log_betainc_inv(a: float, b: float, log_p: float) -> float:
    """Return log x for log I_x(a, b) = log_p."""
    return _log_betainc_inv(a, b, log_p, log1mexp(log_p))


@kernel
def log_betaincc_inv(a: float, b: float, log_p: float) -> float:
    """Return log x for log(1 - I_x(a, b)) = log_p."""
    return _log_betainc_inv(a, b, log1mexp(log_p), log_p)


@kernel
def fill_betaln(a: Array, b: Array, out: Array) -> None:
    """Write log B(a[i], b[i]) to out[i]."""
    for i in range(a.size):
        out[i] = betaln(float(a[i]), float(b[i]))


@kernel
def fill_log_betainc(a: Array, b: Array, x: Array, out: Array) -> None:
    """Write log I_x(a, b) to out[i], each at i."""
    for i in range(a.size):
        out[i] = log_betainc(float(a[i]), float(b[i]), float(x[i]))


@kernel
def fill_log_betaincc(a: Array, b: Array, x: Array, out: Array) -> None:
    """Write log(1 - I_x(a, b)) to out[i], each at i."""
    for i in range(a.size):
        out[i] = log_betaincc(float(a[i]), float(b[i]), float(x[i]))


@kernel
def fill_log_betainc_inv(a: Array, b: Array, log_p: Array, out: Array) -> None:
    """Write log x with log I_x(a, b) = log_p to out[i], each at i."""
    for i in range(a.size):
        out[i] = log_betainc_inv(float(a[i]), float(b[i]), float(log_p[i]))


@kernel
def fill_log_betaincc_inv(a: Array, b: Array, log_p: Array, out: Array) -> None:
    """Write log x with log(1 - I_x(a, b)) = log_p to out[i], each at i."""
    for i in range(a.size):
        out[i] = log_betaincc_inv(float(a[i]), float(b[i]), float(log_p[i]))
