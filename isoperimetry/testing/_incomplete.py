"""Incomplete gamma and beta functions in mpmath, in logarithms: series of positive terms and continued fractions.

Everything runs at the precision of the caller. `reference` holds the public forms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import inf, mp


def _positive_series(ratio: Callable[[int], Any]) -> Any:
    """Return 1 + ratio(1) + ratio(1) ratio(2) + ... for ratios that fall below 1 and stay there."""
    term = total = mp.mpf(1)
    k = 0
    while True:
        k += 1
        factor = ratio(k)
        term *= factor
        total += term
        if factor < 1 and term * factor < (1 - factor) * total * mp.eps:
            return total


def _fraction(first: Any, term: Callable[[int], tuple[Any, Any]]) -> Any:
    """Return first + a1 / (b1 + a2 / (b2 + ...)), term(k) = (ak, bk), by Lentz's method."""
    value = c = first
    d = mp.mpf(0)
    k = 0
    while True:
        k += 1
        a, b = term(k)
        d = 1 / (b + a * d)
        c = b + a / c
        value *= c * d
        if abs(c * d - 1) < mp.eps * 8:
            return value


def log_complement(log_p: Any) -> Any:
    """Return log(1 - exp(log_p))."""
    return mp.log1p(-mp.exp(log_p)) if log_p < -1 else mp.log(-mp.expm1(log_p))


def log_gamma_tails(a: Any, x: Any) -> tuple[Any, Any]:
    """Return (log P(a, x), log Q(a, x)), the regularised incomplete gamma functions."""
    if x <= 0 or x == inf:
        return (mp.mpf(0), -inf) if x > 0 else (-inf, mp.mpf(0))
    log_density = a * mp.log(x) - x - mp.loggamma(a)
    if x > a + 1 + 6 * mp.sqrt(a):
        upper = log_density - mp.log(_fraction(x + 1 - a, lambda k: (-k * (k - a), x + 2 * k + 1 - a)))
        return log_complement(upper), upper
    lower = log_density - mp.log(a) + mp.log(_positive_series(lambda k: x / (a + k)))
    return lower, log_complement(lower)


def log_ball_tails(radius: Any, dim: Any, center_distance: Any) -> tuple[Any, Any]:
    """Return the logs of P[|Z + D e| <= r] and of its complement as Poisson mixtures of central ones."""
    a, x, m = dim / 2, radius**2 / 2, center_distance**2 / 2
    if m == 0 or x == 0 or x == inf:
        return log_gamma_tails(a, x)
    lower = _mixture(a, x, m, True)
    if lower < -1:
        return lower, log_complement(lower)
    upper = _mixture(a, x, m, False)
    return log_complement(upper), upper


def _mixture(a: Any, x: Any, m: Any, lower: bool) -> Any:
    """Sum Poisson(j; m) P(a + j, x), or Q, from the term that no rounding reaches, so that each step of P or Q adds."""
    few = int(1.2 * mp.dps) + 10

    def log_term(j: int) -> Any:
        """Return the log of a rough bound of a term, with Chernoff's bound of P or Q."""
        shape = a + j
        tail = shape * mp.log(x / shape) + shape - x if (shape > x) == lower else mp.mpf(0)
        return j * mp.log(m) - m - mp.loggamma(j + 1) + tail

    mode = max(0, int((mp.sqrt(a * a + 4 * m * x) - a) / 2))
    step = max(1, int(mp.sqrt(mode + 1)))
    floor = log_term(mode) - 2.31 * few - 20
    top, bottom = mode + step, mode
    while log_term(top) > floor:
        top += step
    while bottom > 0 and log_term(bottom) > floor:
        bottom = max(0, bottom - step)
    start, end, way = (top, bottom, -1) if lower else (bottom, top, 1)
    tail = mp.exp(log_gamma_tails(a + start, x)[0 if lower else 1])
    poisson = mp.exp(start * mp.log(m) - m - mp.loggamma(start + 1))
    # x**A exp(-x) / Gamma(A + 1), the difference of P or Q at A and A + 1
    shape = a + start - (1 if lower else 0)
    jump = mp.exp(shape * mp.log(x) - x - mp.loggamma(shape + 1))
    total = mp.mpf(0)
    for j in range(start, end + way, way):
        total += poisson * tail
        tail += jump
        if lower:
            poisson *= j / m
            jump *= (a + j - 1) / x
        else:
            poisson *= m / (j + 1)
            jump *= x / (a + j + 1)
    return mp.log(total)


def betaln(a: Any, b: Any) -> Any:
    """Return log B(a, b)."""
    with mp.extradps(max(0, int(1.1 * mpmath.mag(a + b) / 3.3)) + 5):
        return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def log_beta_tails(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """Return (log I_x(a, b), log(1 - I_x(a, b)))."""
    if x <= 0 or x >= 1:
        return (mp.mpf(0), -inf) if x >= 1 else (-inf, mp.mpf(0))
    if x > (a + 1) / (a + b + 2):
        lower, upper = log_beta_tails(b, a, 1 - x)
        return upper, lower
    log_density = a * mp.log(x) + b * mp.log1p(-x) - betaln(a, b)

    def term(k: int) -> tuple[Any, Any]:
        m = k // 2
        if k % 2:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), mp.mpf(1)
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), mp.mpf(1)

    lower = log_density - mp.log(a) - mp.log(_fraction(mp.mpf(1), term))
    return lower, log_complement(lower)


def _lower_quantile(a: Any, b: Any, log_p: Any) -> Any:
    """Return x with log I_x(a, b) = log_p, by Newton's method in the logit, where log I_x is concave."""
    logit = min((log_p + mp.log(a) + betaln(a, b)) / a, mp.mpf(0))

    def step(logit: Any) -> Any:
        x = 1 / (1 + mp.exp(-logit))
        value = log_beta_tails(a, b, x)[0]
        log_slope = a * mp.log(x) + b * mp.log1p(-x) - betaln(a, b) - value
        return (value - log_p) * mp.exp(-log_slope)

    width = mp.mpf(1)
    while step(logit) > 0:  # from the left of the root it is never passed
        logit, width = logit - width, 2 * width
    for _ in range(10000):
        change = step(logit)
        logit -= change
        if abs(change) < mp.mpf(2) ** (-0.6 * mp.prec):  # the next step is below the precision
            return 1 / (1 + mp.exp(step(logit) - logit))
    raise ArithmeticError("Newton's method did not settle.")


def log_beta_quantile(a: Any, b: Any, log_p: Any, log_q: Any) -> Any:
    """Return log x, where log I_x(a, b) = log_p and exp(log_p) + exp(log_q) = 1."""
    if log_p == -inf or log_q == -inf:
        return log_p if log_p == -inf else mp.mpf(0)
    if log_p <= log_q:
        return mp.log(_lower_quantile(a, b, log_p))
    return mp.log1p(-_lower_quantile(b, a, log_q))
