"""Tails of a quadratic form in normals, in logarithms. UNCHECKED.

The form is ``W = q + sum_r [ w_r sum_{i in r} g_i**2 + l_i g_i ]`` with independent standard normals g, given by the
weights w_r (any sign, zero allowed), the number h_r of normals that share a weight, and ``m_r = sum_i l_i**2``. Nothing
is divided by a weight, so that none is too small. With the logarithm of its transform,

    E(s) = q s + sum_r [ -(h_r / 2) log p_r + m_r s**2 / (2 p_r) ],   p_r = 1 - 2 w_r s,

    P[W >= 0] = (1 / 2 pi i) int exp(E(s)) ds / s

over a path right of the pole at 0; left of it the integral is -P[W < 0]. The path leaves the real axis at the saddle
point of the whole integrand, and bends to the side where exp(E) decays even without a Gaussian part:

    s(theta) = s0 + a (bend (cosh(theta) - 1) + i sqrt(1 - bend**2) sinh(theta)),   a = 1 / sqrt(second derivative).

All singularities are real, so that it may. Along it the integrand is a bell for large parameters, and falls like an
exponential of an exponential, or at least exponentially, for small ones; nothing cancels, as it starts at its largest
value. The trapezoidal rule converges exponentially; its step is halved until two results agree. E is written in
remainders beyond the first order, so that its error is that of the result. Any s0 on the right side would do.

Sources: the integral is the inversion of the Laplace transform; S. O. Rice (1980), Distribution of quadratic forms in
normal random variables - evaluation by numerical integration, SIAM J. Sci. Stat. Comput. 1, takes the path through the
saddle point; R. Lugannani, S. Rice (1980), Adv. Appl. Prob. 12. The rule: L. N. Trefethen, J. A. C. Weideman (2014),
SIAM Review 56.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.logspace import log1mexp
from isoperimetry.kernels.remainders import atan_remainder, log1p_remainder

Array = NDArray[np.float64]

DONE, UNSETTLED = 0, 1  # status: two steps of the rule agreed, or none did

BEND = 0.38268343236508977  # sin(pi / 8): below that of pi / 4, beyond which a Gaussian part would not decay
STEP = 0.25  # of the first rule; a quarter of it gives all digits nearly always
HALVINGS = 7
AGREEMENT = 1e-12  # of two rules: the errors change sign, so that those of coarse ones may agree by chance
POINTS = 20000
NEGLIGIBLE = 1e-18
CANCELLED = 1e3  # more than that lost to cancellation along a path, and another one is tried
DEEP = -1e18  # beyond, only the exponent counts: the rest is below its last digit
LARGEST = 1e154  # squares are finite up to here
LAST = 34.0  # log of the ratio s / (end - s) at which p has its last bits


@kernel
def _base(s: float, weight: Array, count: Array, square: Array, constant: float, edge: float) -> float:
    """Return the coefficient of s in E: the mean of the terms where ``w s`` is small, the edge of the others.

    ``constant`` is W at g = 0, ``edge`` is W without its squares; from one of them it is a sum that does not cancel.
    """
    inner = outer = low = 0.0  # sums of m / (4 w), and of the compensation
    for r in range(weight.size):
        w = weight[r]
        if w != 0.0:
            if abs(2.0 * w * s) > 1.0:
                outer += abs(square[r] / (4.0 * w))
            else:
                inner += abs(square[r] / (4.0 * w))
    from_edge = abs(edge) + inner < abs(constant) + outer  # false for an edge that is not a number
    total = edge if from_edge else constant
    for r in range(weight.size):
        w = weight[r]
        near = not abs(2.0 * w * s) > 1.0
        term = count[r] * w if near else 0.0
        if w != 0.0 and near == from_edge:
            term += square[r] / (4.0 * w) if near else -square[r] / (4.0 * w)
        new = total + term
        low += (total - new) + term if abs(total) >= abs(term) else (term - new) + total
        total = new
    return total + low


@kernel
def _slopes(
    s: float, base: float, weight: Array, count: Array, square: Array, constant: float, edge: float
) -> tuple[float, float]:
    """Return the first and the second derivative of E."""
    low, first, second = 0.0, base, 0.0
    for r in range(weight.size):
        w, m, h = weight[r], square[r], count[r]
        u = 2.0 * w * s
        inverse = 1.0 / (1.0 - u)
        if abs(u) > 1.0:
            term = (h * w + 0.25 * (m / w) * inverse) * inverse
        else:
            term = (h * w * u + m * s * (1.0 - 0.5 * u) * inverse) * inverse
        new = first + term
        low += (first - new) + term if abs(first) >= abs(term) else (term - new) + first
        first = new
        second += (2.0 * h * w * w + m * inverse) * inverse * inverse
    return first + low if abs(first) < math.inf else first, second


@kernel
def _exponent(s: float, base: float, weight: Array, count: Array, square: Array) -> float:
    """Return E(s). The sum is compensated: 1e5 terms would lose three digits."""
    total, low = base * s, 0.0
    for r in range(weight.size):
        w, m, h = weight[r], square[r], count[r]
        u = 2.0 * w * s
        p = 1.0 - u
        if abs(u) > 1.0:
            term = -0.5 * h * math.log(p) + 0.25 * (m / w) * (s / p)
        else:
            term = 0.5 * h * log1p_remainder(-u) + 0.5 * m * s * (s / p)
        new = total + term
        low += (total - new) + term if abs(total) >= abs(term) else (term - new) + total
        total = new
    return total + low if abs(total) < math.inf else total


@kernel
def _saddle(
    upper: bool, weight: Array, count: Array, square: Array, constant: float, edge: float
) -> tuple[float, float, float, float]:
    """Return a point near the minimum of ``E(s) - log|s|`` on one side of the pole, and there base, E' and E''."""
    end = math.inf
    for r in range(weight.size):
        w = weight[r] if upper else -weight[r]
        if w > 0.0:
            end = min(end, 0.5 / w)
    sign = 1.0 if upper else -1.0
    # by bisection in log(s), or in log(s / (end - s)) up to a singularity
    low = math.log(1.0 / LARGEST) - (math.log(end) if end < math.inf else 0.0)
    high = LAST if end < math.inf else math.log(LARGEST)
    s = base = first = second = 0.0
    for _ in range(100):
        x = math.exp(0.5 * (low + high))
        part = 1.0 / (1.0 + x) if end < math.inf else 1.0
        s = sign * (end * (x * part) if end < math.inf else x)
        base = _base(s, weight, count, square, constant, edge)
        first, second = _slopes(s, base, weight, count, square, constant, edge)
        if s * first > 1.0:
            high = 0.5 * (low + high)
        else:
            low = 0.5 * (low + high)
        if (high - low) * part * math.sqrt(1.0 + s * s * second) < 0.02:
            break
    return s, base, first, second


@kernel
def _change(
    x: float, y: float, s: float, first: float, weight: Array, count: Array, square: Array, edge: float
) -> tuple[float, float]:
    """Return real and imaginary part of E(s + u) - E(s) for u = x + i y, y >= 0, where ``first`` is E'(s)."""
    real = imaginary = 0.0
    near, near_size, far, far_size = edge, abs(edge), first, abs(first)
    square_real, square_imaginary = x * x - y * y, 2.0 * x * y
    for r in range(weight.size):
        w, m, h = weight[r], square[r], count[r]
        p = 1.0 - 2.0 * w * s
        t = 2.0 * w / p
        a, b = t * x, t * y
        c, v = 1.0 - a, a * a + b * b
        if v < 0.5:
            # -log(1 - z) - z for z = t u, and u**2 / (1 - z)
            tangent = b / c
            real += 0.5 * h * (0.5 * log1p_remainder(v - 2.0 * a) - 0.5 * v)
            imaginary += 0.5 * h * (a * tangent - atan_remainder(tangent))
            if m != 0.0:
                k = 0.5 * m / (p * p * p * (c * c + b * b))
                real += k * (square_real * c - square_imaginary * b)
                imaginary += k * (square_imaginary * c + square_real * b)
            if w == 0.0:
                slope = m * s
                near += slope
                near_size += abs(slope)
            else:
                slope, size = h * w / p + 0.25 * m / (w * p * p), abs(h * w / p) + 0.25 * m / abs(w * p * p)
                near += slope
                near_size += size
        else:
            # -log(1 - z) and z / (1 - z); what is linear in z is taken from the slope
            v = c * c + b * b
            real -= 0.25 * h * math.log(v)
            imaginary += 0.5 * h * math.atan2(b, c)
            if m != 0.0:
                k = 0.125 * m / (w * w * p * v)
                real += k * (a * c - b * b)
                imaginary += k * b
            slope = h * w / p + 0.25 * m / (w * p * p)
            far -= slope
            far_size += abs(h * w / p) + 0.25 * m / abs(w * p * p)
    slope = near if near_size < far_size else far
    return real + slope * x, imaginary + slope * y


@kernel
def _integral(
    bend: float, s: float, first: float, second: float, weight: Array, count: Array, square: Array, edge: float
) -> float:
    """Return the integral over one path, in units of exp(E(s)) / pi; NaN if no two steps of the rule agree."""
    a = 1.0 / math.sqrt(second + 1.0 / (s * s))
    straight = math.sqrt(1.0 - bend * bend)
    ratio = a / abs(s)
    sign = math.copysign(1.0, s)
    total = size = 0.5 * straight
    value = math.inf
    step = STEP
    for halving in range(HALVINGS + 1):
        small = 0
        for k in range(1, POINTS):
            if halving > 0 and k % 2 == 0:
                continue
            theta = k * step
            half = math.sinh(0.5 * theta)
            sine, cosine = math.sinh(theta), 1.0 + 2.0 * half * half
            x, y = bend * 2.0 * half * half, straight * sine  # u / a
            real, imaginary = _change(a * x, a * y, s, first, weight, count, square, edge)
            # times s' / s = (bend sinh + i straight cosh) / (sign / ratio + x + i y)
            c, d = bend * sine, straight * cosine
            e = sign / ratio + x
            # squares of large numbers are not made
            modulus = math.hypot(e, y)
            e, f = e / modulus, y / modulus
            c, d = (c * e + d * f) / modulus, (d * e - c * f) / modulus
            exponential = math.exp(real)
            weight_of_point = exponential * math.hypot(c, d) / ratio
            if not weight_of_point < 1e15:
                return math.nan
            total += sign * exponential * (c * math.sin(imaginary) + d * math.cos(imaginary)) / ratio
            size += weight_of_point
            small = small + 1 if weight_of_point < NEGLIGIBLE else 0
            if small == 2:
                break
        old, value = value, total * step
        if abs(value - old) <= AGREEMENT * value:
            return value * ratio if size < CANCELLED * total else math.nan
        step *= 0.5
    return math.nan


@kernel
def _log_tail(
    upper: bool, weight: Array, count: Array, square: Array, constant: float, edge: float
) -> tuple[float, int]:
    """Return log P[W >= 0] or log P[W < 0], neither being 0 or 1, and a status."""
    s, base, first, second = _saddle(upper, weight, count, square, constant, edge)
    e = _exponent(s, base, weight, count, square)
    if not e > DEEP:
        return e, DONE
    # What is linear in s in the end decays to the right or to the left; a path the other way, or straight up, is the
    # second choice.
    side = -BEND if edge > 0.0 else BEND
    for bend in (side, 0.0, -side):
        value = _integral(bend, s, first, second, weight, count, square, edge)
        if value > 0.0:
            return e + math.log(value / math.pi), DONE
    return math.nan, UNSETTLED


@kernel
def log_quadratic_tails(
    weight: Array, count: Array, square: Array, constant: float, edge: float
) -> tuple[float, float, int]:
    """Return log P[W >= 0], log P[W < 0] and a status, `DONE` or `UNSETTLED` (then both are NaN).

    ``weight``, ``count`` and ``square`` are w, h and m, the largest of the weights and of the roots of ``square`` about
    1 in size; ``constant`` is W at g = 0, and ``edge`` what is left of it without the squares, ``constant - sum m / (4
    w)`` over the weights that are not zero, which the caller may know better; NaN if it is not known.
    """
    positive = negative = flat = False
    for r in range(weight.size):
        positive |= weight[r] > 0.0
        negative |= weight[r] < 0.0
        flat |= weight[r] == 0.0 and square[r] > 0.0
    if edge != edge:
        edge = constant
        for r in range(weight.size):
            if weight[r] != 0.0:
                edge -= square[r] / (4.0 * weight[r])
    always = constant >= 0.0 if not (positive or negative) else edge >= 0.0
    if not flat and not negative and always:
        return 0.0, -math.inf, DONE
    if not flat and not positive and (not always or (negative and edge == 0.0)):
        return -math.inf, 0.0, DONE
    if abs(constant) == math.inf:
        return (0.0, -math.inf, DONE) if constant > 0.0 else (-math.inf, 0.0, DONE)
    mean = constant
    for r in range(weight.size):
        mean += count[r] * weight[r]
    upper = mean < 0.0
    log_p = 0.0
    for _ in range(2):
        log_p, status = _log_tail(upper, weight, count, square, constant, edge)
        if status != DONE:
            return math.nan, math.nan, status
        if log_p <= -0.5:
            break
        upper = not upper  # the other is the smaller one
    else:
        upper = not upper
    log_p = min(log_p, 0.0)
    return (log_p, log1mexp(log_p), DONE) if upper else (log1mexp(log_p), log_p, DONE)
