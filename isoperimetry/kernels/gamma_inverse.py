"""Quantiles of the chi-square distribution from logarithms of probabilities. UNCHECKED scalars and loops.

The distribution function and the survival function of log X are log-concave, so that Newton's method for their logs
never passes the root once it is on the one side, and every step from the other side leads there. Upper start: P[X > n +
2 sqrt(n L) + 2 L] <= exp(-L); lower start: P[X < n - 2 sqrt(n L)] <= exp(-L) (B. Laurent, P. Massart (2000), Annals of
Statistics 28, Lemma 1) or P[X < x] <= (x / 2)**(n / 2) / Gamma(1 + n / 2), whichever is nearer.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.gamma import LARGEST_DIM, LEAST_DIM, log_chi2_cdf, log_chi2_sf
from isoperimetry.kernels.logspace import LOG_2, log1mexp
from isoperimetry.kernels.remainders import HALF_LOG_2PI, log1p_remainder, log_gamma_1p, stirling_remainder

Array = NDArray[np.float64]

STEPS = 200  # five to eight are usual
FAR = 1e100  # -2 log q for an x so far out that the dimension does not count
DEEP = -1e10
SMALL = -40.0  # log x below which the density is a power of x


@kernel
def _log_density(x: float, log_x: float, a: float) -> float:
    """Return the log of the density of log X at ``x``, a = dim / 2; its large terms cancel by hand near x = 2 a."""
    u = (0.5 * x - a) / a
    if -0.9 < u < 10.0:
        return 0.5 * math.log(a) - HALF_LOG_2PI - stirling_remainder(a) - a * log1p_remainder(u)
    return a * (log_x - LOG_2) - 0.5 * x - (log_gamma_1p(a) - math.log(a))


@kernel
def _newton(y: float, target: float, dim: float, lower: bool) -> float:
    for _ in range(STEPS):
        x = math.exp(y)
        value = log_chi2_cdf(x, dim) if lower else log_chi2_sf(x, dim)
        if value > DEEP:
            slope = math.exp(_log_density(x, y, 0.5 * dim) - value)
        else:  # the difference of the logs has lost its digits, but the slope has come near its limit
            slope = abs(0.5 * (x - dim))
        step = (value - target) / slope
        if lower:
            step = -step
        if not abs(step) < math.inf:
            return math.nan
        y += step
        if abs(step) * (1.0 + math.sqrt(dim)) < 1e-7:  # the next one is below the precision
            return y
    return y


@kernel
def _log_power_quantile(log_p: float, a: float) -> float:
    """Return log x with (x / 2)**a / Gamma(1 + a) = exp(log_p), which is the lower tail near 0."""
    return (log_p + log_gamma_1p(a)) / a + LOG_2


@kernel
def _log_upper_quantile(log_q: float, dim: float) -> float:
    """Return log x with log P[X > x] = log_q, for log_q <= -log(2)."""
    depth = -2.0 * log_q
    if depth > FAR:
        return math.log(-log_q) + LOG_2
    if dim < 1.0:  # nearly all of the mass may be at 0, and so the quantile
        start = _log_power_quantile(log1mexp(log_q), 0.5 * dim)
        if start < SMALL:
            return start
    return _newton(math.log(dim + math.sqrt(2.0 * dim * depth) + depth), log_q, dim, False)


@kernel
def _log_lower_quantile(log_p: float, dim: float) -> float:
    """Return log x with log P[X <= x] = log_p, for log_p <= -log(2)."""
    a = 0.5 * dim
    start = _log_power_quantile(log_p, a)
    if start < SMALL or log_p == -math.inf:
        return start
    near = dim - 2.0 * math.sqrt(-dim * log_p)
    if near > 0.0:
        start = max(start, math.log(near))
    return _newton(start, log_p, dim, True)


@kernel
def _log_quantile(log_tail: float, dim: float, lower: bool) -> float:
    if not (log_tail <= 0.0 and LEAST_DIM <= dim <= LARGEST_DIM):
        return math.nan
    if log_tail > -LOG_2:
        log_tail, lower = log1mexp(log_tail), not lower
    return _log_lower_quantile(log_tail, dim) if lower else _log_upper_quantile(log_tail, dim)


@kernel
def log_chi2_isf(log_q: float, dim: float) -> float:
    """Return log x with log P[X > x] = ``log_q`` for a chi-square X; inf at -inf, -inf at 0."""
    return _log_quantile(log_q, dim, False)


@kernel
def log_chi2_ppf(log_p: float, dim: float) -> float:
    """Return log x with log P[X <= x] = ``log_p``; -inf at -inf, inf at 0."""
    return _log_quantile(log_p, dim, True)


@kernel
def fill_log_chi2_isf(log_q: Array, dim: Array, out: Array) -> None:
    """Write the logs of upper quantiles to out[i]."""
    for i in range(log_q.size):
        out[i] = log_chi2_isf(float(log_q[i]), float(dim[i]))


@kernel
def fill_log_chi2_ppf(log_p: Array, dim: Array, out: Array) -> None:
    """Write the logs of lower quantiles to out[i]."""
    for i in range(log_p.size):
        out[i] = log_chi2_ppf(float(log_p[i]), float(dim[i]))
