"""Limits of an error rate from counts: Clopper-Pearson in loops, one value of the incomplete beta function each.

UNCHECKED. The lower limit for k errors in n draws at the level p solves I_x(a, b) = p for a = k, b = n - k + 1; the
upper limit is 1 minus that with errors and others exchanged. In the logit u = log(x / y), y = 1 - x, the density of the
beta distribution is g(u) = x**a y**b / B(a, b), and all derivatives of its logarithm are polynomials in x. So

- a start with an error of about 1e-3 standard deviations: the expansion of Cornish and Fisher, for which the cumulants
  of the logit are polygamma functions of a and b;
- I / g there: a continued fraction (few errors), or the Taylor series of log g under a Gaussian integral (many);
- one step of fourth order, from the series of the inverse. What is further away takes a second one.

What this does not reach (levels above 1/4 or below 1e-7, counts that are not whole) is left to
`isoperimetry.kernels.beta`. Counts that were seen a short while ago are looked up: many have the same number of draws.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.beta import _exponent, _gap, betainc_quantile
from isoperimetry.kernels.normal import mills_ratio
from isoperimetry.kernels.remainders import HALF_LOG_2PI, stirling_remainder

Array = NDArray[np.float64]

MOST_LEVEL, LEAST_LEVEL = math.log(0.25), math.log(1e-7)  # of the fast way
MANY = 400.0  # from here on, of both a and b, the series has an error of 1e-14
SLOTS = 4096  # for counts seen before
NEAR = 0.004  # a step of fourth order from here leaves 1e-13

# of 0 (never used) to 15
_STIRLING_REMAINDERS = np.array([0.0] + [stirling_remainder.py_func(float(i)) for i in range(1, 16)])


@kernel
def _stirling(n: float) -> float:
    """Return `stirling_remainder` of a whole number."""
    return float(_STIRLING_REMAINDERS[int(n)]) if n < 16.0 else stirling_remainder(n)


@kernel
def _short_remainder(u: float) -> float:
    """Return u - log1p(u) for abs(u) < 1/4, by the first terms of the series of `log1p_remainder`."""
    s = u / (2.0 + u)
    t = s * s
    total = 2.0 / 15.0 + t * (2.0 / 17.0 + t * (2.0 / 19.0))
    total = 2.0 / 3.0 + t * (
        2.0 / 5.0 + t * (2.0 / 7.0 + t * (2.0 / 9.0 + t * (2.0 / 11.0 + t * (2.0 / 13.0 + t * total))))
    )
    return s * (u - t * total)


@kernel
def _divergence(a: float, b: float, x: float, y: float, p: float, q: float, gap: float) -> float:
    """Return a log(x / p) + b log(y / q), p = a / (a + b) and q = 1 - p the mean."""
    d = gap / (a + b)
    u, v = d / x, -d / y
    if abs(u) < 0.25 and abs(v) < 0.25:
        return a * _short_remainder(u) + b * _short_remainder(v) - u * (gap / y)
    return _exponent(a, b, x, y, d, p, q, gap)


@kernel
def _fraction(a: float, b: float, x: float, y: float, gap: float) -> float:
    """Return I_x(a, b) / g left of the mean, by the continued fraction of `isoperimetry.kernels.beta`.

    Numerator and denominator by their own recurrences, without a division on the way from one round to the next.
    """
    inverse = 1.0 / (a + 1.0)
    last_top, last_bottom = 1.0, 0.0
    top, bottom = a * ((gap + 1.0) * inverse), 1.0
    total, rise, n = a + b - 1.0, 1.0 + y, 0.0
    for _ in range(1000):
        n += 1.0
        xn = x * inverse
        inverse = 1.0 / (a + 2.0 * n + 1.0)
        t = n * (b - n) * xn
        below = n + t + (a + n) * ((gap + 1.0 + n * rise) * inverse)
        above = t * (a + n - 1.0) * ((total + n) * xn)
        top, last_top = below * top + above * last_top, top
        bottom, last_bottom = below * bottom + above * last_bottom, bottom
        left, right = top * last_bottom, bottom * last_top
        if abs(left - right) <= 1e-15 * abs(right):
            break
        if bottom > 1e100:
            top, bottom, last_top, last_bottom = top * 1e-100, bottom * 1e-100, last_top * 1e-100, last_bottom * 1e-100
    return bottom / top


@kernel
def _series(total: float, x: float, y: float, gap: float) -> float:
    """Return I_x(a, b) / g for large a and b, near or left of the mean: int exp(log g(u - s) - log g(u)) ds over s > 0.

    In units of t = s / size, 1 / size**2 = (a + b) x y, the exponent is -c t - t**2 / 2 plus a polynomial that is small
    as size is; its exponential is expanded up to size**6. The moments of t come from the Mills ratio by recurrence,
    which loses digits where c is large, c > 5 say.
    """
    w = x * y
    size = 1.0 / math.sqrt(total * w)
    c, skew, square = gap * size, size * (y - x), size * size
    p3 = skew / 6.0
    p4 = -square * (1.0 - 6.0 * w) / 24.0
    p5 = square * skew * (1.0 - 12.0 * w) / 120.0
    p6 = -square * square * (1.0 - w * (30.0 - 120.0 * w)) / 720.0
    p7 = square * square * skew * (1.0 - w * (60.0 - 360.0 * w)) / 5040.0
    p8 = -square * square * square * (1.0 - w * (126.0 - w * (1680.0 - 5040.0 * w))) / 40320.0
    s3, s4 = p3 * p3, p4 * p4
    # coefficients of t**3, t**4, ...
    c7 = p3 * p4 + p7
    c8 = p3 * p5 + 0.5 * s4 + p8
    c9 = p3 * s3 / 6.0 + p3 * p6 + p4 * p5
    c10 = 0.5 * s3 * p4 + p3 * p7 + p4 * p6 + 0.5 * p5 * p5
    c11 = 0.5 * p3 * (p3 * p5 + s4)
    c12 = s3 * s3 / 24.0 + 0.5 * s3 * p6 + p3 * p4 * p5 + p4 * s4 / 6.0
    c13 = p3 * s3 * p4 / 6.0
    c14 = p3 * s3 * p5 / 6.0 + 0.25 * s3 * s4
    c15 = p3 * s3 * s3 / 120.0
    c16 = s3 * s3 * p4 / 24.0
    c18 = s3 * s3 * s3 / 720.0
    m0 = mills_ratio(c)
    m1 = 1.0 - c * m0
    m2 = m0 - c * m1
    m3 = 2.0 * m1 - c * m2
    m4 = 3.0 * m2 - c * m3
    m5 = 4.0 * m3 - c * m4
    m6 = 5.0 * m4 - c * m5
    m7 = 6.0 * m5 - c * m6
    m8 = 7.0 * m6 - c * m7
    m9 = 8.0 * m7 - c * m8
    m10 = 9.0 * m8 - c * m9
    m11 = 10.0 * m9 - c * m10
    m12 = 11.0 * m10 - c * m11
    m13 = 12.0 * m11 - c * m12
    m14 = 13.0 * m12 - c * m13
    m15 = 14.0 * m13 - c * m14
    m16 = 15.0 * m14 - c * m15
    m17 = 16.0 * m15 - c * m16
    m18 = 17.0 * m16 - c * m17
    rest = c18 * m18 + c16 * m16 + c15 * m15 + c14 * m14 + c13 * m13 + c12 * m12 + c11 * m11 + c10 * m10
    rest += c9 * m9 + c8 * m8 + c7 * m7 + (p6 + 0.5 * s3) * m6 + p5 * m5 + p4 * m4 + p3 * m3
    return size * (m0 + rest)


@kernel
def _start(a: float, b: float, z: float) -> float:
    """Return about the logit of the quantile of the beta distribution where that of a normal one is z.

    The logit is a difference of logarithms of gamma variables, so that its cumulants are polygamma functions; those of
    v + 1/2 have short series in 1 / v.
    """
    p, q = 1.0 / (a - 0.5), 1.0 / (b - 0.5)
    pp, qq = p * p, q * q
    mean = math.log(q * (a - 0.5)) + (pp * (1.0 - 0.175 * pp) - qq * (1.0 - 0.175 * qq)) / 24.0
    variance = p * (1.0 - pp * (1.0 - 0.35 * pp) / 12.0) + q * (1.0 - qq * (1.0 - 0.35 * qq) / 12.0)
    third = qq * (1.0 - 0.25 * qq) - pp * (1.0 - 0.25 * pp)
    fourth = p * pp * (2.0 - pp) + q * qq * (2.0 - qq)
    fifth = 6.0 * (qq * qq - pp * pp)
    size = math.sqrt(variance)
    g1 = third / (variance * size)
    g2 = fourth / (variance * variance)
    g3 = fifth / (variance * variance * size)
    s = z * z
    w = z + g1 * (s - 1.0) / 6.0 + z * (g2 * (s - 3.0) / 24.0 - g1 * g1 * (2.0 * s - 5.0) / 36.0)
    w += g3 * (s * (s - 6.0) + 3.0) / 120.0 - g1 * g2 * (s * (s - 5.0) + 2.0) / 24.0
    w += g1 * g1 * g1 * (s * (12.0 * s - 53.0) + 17.0) / 324.0
    return mean + size * w


@kernel
def lower_limit(errors: float, others: float, log_p: float, log_q: float, z: float) -> tuple[float, float, float]:
    """Return x, 1 - x and log x for the rate x at which so many errors, or more, have the probability p.

    Parameters
    ----------
    errors, others : float
        Draws that were errors and those that were not, >= 0. Real counts are those that plans need.
    log_p, log_q : float
        Logarithms of p and 1 - p, below 0.
    z : float
        The quantile of the normal distribution at p.
    """
    if errors <= 0.0:
        return 0.0, 1.0, -math.inf
    if others <= 0.0:
        log_x = log_p / errors
        return math.exp(log_x), -math.expm1(log_x), log_x
    if errors == 1.0:
        log_y = log_q / (others + 1.0)
        x, y = -math.expm1(log_y), math.exp(log_y)
    else:
        x, y = _lower_quantile(errors, others + 1.0, log_p, log_q, z)
    return x, y, math.log(x) if x < 0.5 else math.log1p(-y)


@kernel
def _lower_quantile(a: float, b: float, log_p: float, log_q: float, z: float) -> tuple[float, float]:
    """Return x and 1 - x with log I_x(a, b) = log_p, for a, b > 1."""
    if not LEAST_LEVEL <= log_p <= MOST_LEVEL or a != math.floor(a) or b != math.floor(b):
        return betainc_quantile(a, b, log_p, log_q)
    total = a + b
    p, q = a / total, b / total
    root = math.sqrt(a * q)
    constant = _stirling(total) - _stirling(a) - _stirling(b) - HALF_LOG_2PI - log_p  # and log(root)
    logit = _start(a, b, z)
    e = math.exp(-abs(logit))
    large = 1.0 / (1.0 + e)
    x, y = (e * large, large) if logit <= 0.0 else (large, e * large)
    if x > p:  # the lower quarter is left of the mean
        x, y = p, q
    for _ in range(20):
        gap = _gap(a, b, x, y)
        ratio = _series(total, x, y, gap) if a >= MANY and b >= MANY else _fraction(a, b, x, y, gap)
        exponent = constant + _divergence(a, b, x, y, p, q, gap)
        # The quantile is at u + h with h = r + h2 r**2 / 2 + ..., r = (p - I) / g.
        r = math.exp(min(-exponent, 700.0)) / root - ratio
        v = total * x * y
        h2, h3 = -gap, 2.0 * gap * gap + v
        h4 = v * (y - x) - gap * (7.0 * v + 6.0 * gap * gap)
        reach = abs(r) * (abs(gap) + math.sqrt(v))
        if reach > 0.5:  # too far for the series; the logarithm of I is concave in u
            step = -ratio * (math.log(ratio * root) + exponent)
        else:
            step = r * (1.0 + r * (h2 / 2.0 + r * (h3 / 6.0 + r * h4 / 24.0)))
        if abs(step) < 0.01:
            e = 1.0 + step * (1.0 + step * (1.0 / 2 + step * (1.0 / 6 + step * (1.0 / 24 + step * (1.0 / 120)))))
        else:
            e = math.exp(step)
        scale = 1.0 / (y + x * e)
        x, y = x * e * scale, y * scale
        if reach < NEAR:
            return x, y
    return betainc_quantile(a, b, log_p, log_q)


@kernel
def limit(errors: float, others: float, log_p: float, log_q: float, z: float, upper: bool) -> tuple[float, float]:
    """Return the lower or the upper limit, 1 minus the lower one of what are no errors, and its logarithm."""
    if upper:
        y, x, _ = lower_limit(others, errors, log_p, log_q, z)
        return x, math.log(x) if x < 0.5 else math.log1p(-y)
    x, _, log_x = lower_limit(errors, others, log_p, log_q, z)
    return x, log_x


@kernel
def fill_limits(
    errors: Array, others: Array, log_p: float, log_q: float, z: float, upper: bool, rates: Array, logs: Array
) -> None:
    """Write `limit` to ``rates[i]`` and ``logs[i]``, each at i."""
    slots = 1
    while slots < errors.size and slots < SLOTS:
        slots *= 2
    last = np.full(slots, -1)  # where the counts of a slot were seen last
    for i in range(errors.size):
        k, n = float(errors[i]), float(others[i])
        slot = (int(k) * 31 + int(n) * 17) & (slots - 1) if k + n < 1e15 else 0
        j = last[slot]
        if j >= 0 and errors[j] == k and others[j] == n:
            rates[i], logs[i] = rates[j], logs[j]
        else:
            rates[i], logs[i] = limit(k, n, log_p, log_q, z, upper)
            last[slot] = i
