"""Chi-square tails and volumes of balls under the normal distribution, in logarithms. UNCHECKED scalars and loops.

Everything is one integral. For X = |Z + D e|**2 in dimension n, with t = r**2,

    P[X <= t] = (1 / 2 pi i) int exp(E(s)) ds / s,   E(s) = s t - (n / 2) log q - D**2 s / q,   q = 1 + 2 s,

over a path from -i inf to i inf right of the pole at 0; left of it the integral is -P[X > t]. The path is the parabola
``q = q0 (1 + i theta)**2`` through the saddle point of the integrand. Along it the integrand is a bell without
oscillation for every n, so that nothing cancels, and the trapezoidal rule converges exponentially: 13 points suffice
for large parameters, some 40 for small ones, where ``theta = sinh(u)`` shortens the flanks. The error that the nearby
pole causes is known in closed form, and subtracted. E is written with `remainders`, so that its error is that of the
result. Any point q0 on the right side would do; the saddle point need not be exact.

Sources: the integral is the inversion of the Laplace transform; A. Gil, J. Segura, N. M. Temme (2014), Algorithm 939:
computation of the Marcum Q-function, ACM TOMS 40, integrate along the steepest descent. The trapezoidal rule and its
correction for a pole: L. N. Trefethen, J. A. C. Weideman (2014), SIAM Review 56.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.logspace import LOG_2, log1mexp
from isoperimetry.kernels.remainders import atan_remainder, leading_bits, log1p_remainder, log_gamma_1p

Array = NDArray[np.float64]

DIGITS = 40.0  # -log of the error of the trapezoidal rule
POINTS = 5000  # never reached for dim > 1e-300
WIDE = 400.0  # below this curvature the bell is wide enough for its flanks to matter
LEAST_DIM, LARGEST_DIM = 1e-30, 1e30  # NaN outside: squares and quotients of what follows stay finite inside
FLAT = 1e60  # beyond this radius a ball is a half-space, whatever the dimension


@kernel
def _log_tail(t: float, log_t: float, n: float, delta: float, root: float, gap: float, lower: bool) -> float:
    """Return log P[X <= t] or log P[X > t], for 0 < t < inf, n > 0, root = sqrt(t delta) and gap = t - n - delta."""
    # The saddle point without the pole solves t q = n + delta / q. About it, delta / q is replaced by its tangent in q;
    # then the saddle point with the pole solves a quadratic equation.
    center = 0.5 * (n + math.hypot(n, 2.0 * root))  # t q there
    scaled = t * (1.0 + (root / center) ** 2)
    shifted = n + 2.0 * root * (root / center)
    tilt = (center - t) / center
    b = gap + delta * tilt * tilt - 2.0  # scaled - shifted - 2, which would cancel
    width = math.hypot(b, math.sqrt(8.0 * scaled))
    total = scaled + shifted + 2.0 + width
    if lower:
        s = 2.0 / (b + width) if b > 0.0 else (width - b) / (4.0 * scaled) if scaled > 0.0 else math.inf
        tq = 0.5 * total / (1.0 + (root / center) ** 2)
    else:
        s = -2.0 / (width - b) if b < 0.0 else -(width + b) / (4.0 * scaled)
        tq = 2.0 * t * (shifted / total)
    if abs(s) < 0.4:
        q = 1.0 + 2.0 * s
        tq = t * q
        kappa = 0.5 * q / s
        noncentral = delta / q
        slope = gap + 2.0 * s * (t + noncentral)
        e = s * gap + 0.5 * n * log1p_remainder(2.0 * s) + 2.0 * noncentral * s * s
        depth = 2.0 * abs(s) / (q + math.sqrt(q))
    else:
        inverse = t / tq
        kappa = 1.0 / (1.0 - inverse)
        noncentral = delta * inverse
        slope = tq - n - noncentral
        e = (
            0.5 * (tq - t)
            - 0.5 * n * (math.log(tq / t) if t > 1e-280 else math.log(tq) - log_t)
            - 0.5 * delta * (1.0 - inverse)
        )
        depth = abs(1.0 - math.sqrt(inverse))
    if e < -1e18:  # the rest is beyond its last digit, and the phase has none left
        return e
    curvature = tq + n + 3.0 * noncentral
    wide = curvature < WIDE
    # Shift the path by y to either side: there the integrand is exp(up) or exp(down) times as large, and the error of
    # the rule that times exp(-2 pi y / h).
    shift = 8.9 / math.sqrt(curvature)
    if wide:
        shift = min(0.6, shift)
    y = math.sin(shift) if wide else shift
    square = 0.5 * tq * y * y
    up = square - slope * y + n * log1p_remainder(-y) + noncentral * y * y * (1.5 - y) / ((1.0 - y) * (1.0 - y))
    down = square + slope * y + n * log1p_remainder(y) + noncentral * y * y * (1.5 + y) / ((1.0 + y) * (1.0 + y))
    h = 2.0 * math.pi * shift / (DIGITS + max(up, down))
    total = 0.5
    for k in range(1, POINTS):
        theta, weight = k * h, 1.0
        if wide:
            theta = math.sinh(theta)
            weight = math.sqrt(1.0 + theta * theta)
        v = theta * theta
        c = 1.0 / (1.0 + v)
        bend = noncentral * v * c
        size = weight * math.exp(-0.5 * (tq * v + n * math.log1p(v) + bend * (1.0 + 2.0 * c)))
        if size < 1e-18:
            break
        phase = slope * theta + n * atan_remainder(theta) + bend * theta * (1.0 + c)
        p, r = 1.0 - kappa * v, 2.0 * kappa * theta
        real, imaginary = 1.0 + kappa * v, theta * (p - 2.0 * kappa)
        total += size * (math.cos(phase) * real - math.sin(phase) * imaginary) / (p * p + r * r)
    value = 2.0 * abs(kappa) * total * h / math.pi  # q0 / s0 = 2 kappa
    if depth < y:  # the shifted path has passed the pole
        exponent = 2.0 * math.pi * (math.asin(depth) if wide else depth) / h
        value -= math.exp(-e - exponent) / -math.expm1(-exponent)
    return e + math.log(value) if value > 0.0 else math.nan


@kernel
def _log_upper_tail_of_few(t: float, n: float, delta: float) -> float:
    """Return log P[X > t] for n < 1/2 and delta, t delta of order 1 at most, where it can be as small as n + delta.

    That order would be lost in the sum above. The integral of exp(s t) / s is zero left of the pole, so that 1 can be
    taken from the rest of the integrand; the path is that of about one dimension.
    """
    q = 2.0 / (t + 3.0 + math.sqrt((t + 3.0) * (t + 3.0) - 4.0 * t))
    s = 0.5 * (q - 1.0)
    log_q = math.log(q)
    h = 0.08
    total = 0.0
    for k in range(POINTS):
        theta = math.sinh(k * h)
        v = theta * theta
        c = 1.0 / (1.0 + v)
        size = (1.0 if k == 0 else 2.0) * math.exp(-0.5 * t * q * v)
        # the logarithm of the transform: -(n / 2) log q - delta (1 - 1 / q) / 2
        u = -0.5 * n * (log_q + math.log1p(v)) - 0.5 * delta * (1.0 - (2.0 * c - 1.0) * c / q)
        w = -n * math.atan(theta) - delta * theta * c * c / q
        half = math.sin(0.5 * w)
        real, imaginary = math.expm1(u) * math.cos(w) - 2.0 * half * half, math.exp(u) * math.sin(w)
        # times exp(i phase) (1 + i theta) q / s and the weight, both divided by 1 + v, which may overflow
        phase = t * q * theta
        f, g = math.cos(phase), math.sin(phase)
        p, r = 0.5 * (q * (2.0 * c - 1.0) - c), q * theta * c
        d = q * math.sqrt(c) / (p * p + r * r)
        x, y = (p + theta * r) * d, (theta * p - r) * d
        total -= size * ((x * f - y * g) * real - (x * g + y * f) * imaginary)
        if size < 1e-19:
            break
    return s * t + math.log(total * h / (2.0 * math.pi)) if total > 0.0 else math.nan


@kernel
def _log_probability(t: float, log_t: float, n: float, delta: float, root: float, gap: float, lower: bool) -> float:
    """Return log P[X <= t] or log P[X > t], the one near 0 from the other."""
    few = n < 0.5 and delta < 4.0 and root < 1.0
    if few and t < 1e-16:
        log_p = 0.5 * n * (log_t - LOG_2) - log_gamma_1p(0.5 * n) - 0.5 * delta
        return log_p if lower else log1mexp(log_p)
    side = gap < 0.0 and not few
    first = 0.0
    for _ in range(2):  # one place for each call: every further one is compiled again
        if few and not side:
            first = _log_upper_tail_of_few(t, n, delta)
        else:
            first = _log_tail(t, log_t, n, delta, root, gap, side)
        if first <= -0.5:
            break
        side = not side  # the other is the smaller one
    else:
        side = not side
    return first if side == lower else log1mexp(first)


@kernel
def _log_chi2(x: float, dim: float, lower: bool) -> float:
    if not (LEAST_DIM <= dim <= LARGEST_DIM and x >= 0.0):
        return math.nan
    if x == 0.0:
        return -math.inf if lower else 0.0
    if x > FLAT * FLAT:
        return 0.0 if lower else -0.5 * x
    return _log_probability(x, math.log(x), dim, 0.0, 0.0, x - dim, lower)


@kernel
def log_chi2_cdf(x: float, dim: float) -> float:
    """Return log P[X <= x] for a chi-square X of ``dim`` > 0 degrees of freedom, a real number."""
    return _log_chi2(x, dim, True)


@kernel
def log_chi2_sf(x: float, dim: float) -> float:
    """Return log P[X > x]."""
    return _log_chi2(x, dim, False)


@kernel
def log_gammainc(a: float, x: float) -> float:
    """Return the log of the regularised lower incomplete gamma function P(a, x)."""
    return _log_chi2(2.0 * x, 2.0 * a, True)


@kernel
def log_gammaincc(a: float, x: float) -> float:
    """Return the log of the regularised upper incomplete gamma function Q(a, x)."""
    return _log_chi2(2.0 * x, 2.0 * a, False)


@kernel
def _log_ball(r: float, dim: float, d: float, lower: bool) -> float:
    d = abs(d)
    if not (LEAST_DIM <= dim <= LARGEST_DIM and r >= 0.0 and d >= 0.0) or (r == math.inf and d == math.inf):
        return math.nan
    if r == 0.0:
        return -math.inf if lower else 0.0
    if max(r, d) > FLAT:  # the next number is 1e44 away: on the boundary, or far from it
        if r == d:
            return -LOG_2
        return 0.0 if (r > d) == lower else -0.5 * (r - d) * (r - d)
    a, b = leading_bits(r), leading_bits(d)
    high = a * a - b * b  # both squares are exact
    back = high - a * a
    low = (a * a - (high - back)) - (b * b + back)
    gap = (high - dim) + (low + ((r - a) * (r + a) - (d - b) * (d + b)))
    return _log_probability(r * r, 2.0 * math.log(r), dim, d * d, r * d, gap, lower)


@kernel
def log_ball_probability(radius: float, dim: float, center_distance: float) -> float:
    """Return log P[|Z + D e| <= radius] for a standard normal Z in R**dim and D = ``center_distance``."""
    return _log_ball(radius, dim, center_distance, True)


@kernel
def log_ball_complement(radius: float, dim: float, center_distance: float) -> float:
    """Return log P[|Z + D e| > radius]."""
    return _log_ball(radius, dim, center_distance, False)


@kernel
def fill_log_chi2_cdf(x: Array, dim: Array, out: Array) -> None:
    """Write log P[X <= x[i]] in dim[i] dimensions to out[i]."""
    for i in range(x.size):
        out[i] = log_chi2_cdf(float(x[i]), float(dim[i]))


@kernel
def fill_log_chi2_sf(x: Array, dim: Array, out: Array) -> None:
    """Write log P[X > x[i]] in dim[i] dimensions to out[i]."""
    for i in range(x.size):
        out[i] = log_chi2_sf(float(x[i]), float(dim[i]))


@kernel
def fill_log_ball_probability(radius: Array, dim: Array, center_distance: Array, out: Array) -> None:
    """Write the log of the measure of each ball to out[i]."""
    for i in range(radius.size):
        out[i] = log_ball_probability(float(radius[i]), float(dim[i]), float(center_distance[i]))


@kernel
def fill_log_ball_complement(radius: Array, dim: Array, center_distance: Array, out: Array) -> None:
    """Write the log of the measure outside each ball to out[i]."""
    for i in range(radius.size):
        out[i] = log_ball_complement(float(radius[i]), float(dim[i]), float(center_distance[i]))
