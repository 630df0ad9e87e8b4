"""The standard normal distribution in float64, from the center to tails of measure exp(-1e300). UNCHECKED scalars.

Phi is the distribution function, phi the density and ``M(x) = Phi(-x) / phi(x)`` the Mills ratio. Outside the domain
the result is NaN, and NaN passes through. The loops ``fill_*`` take contiguous float64 arrays of shape (n,) and give
the bits of the scalars; ``out`` may be the input itself.
"""

from __future__ import annotations

from isoperimetry.kernels._bits import fma
from isoperimetry.kernels._formulas import (
    END,
    INNER,
    INV_SQRT_2PI,
    INV_SQRT_2PI_LOW,
    exp_of_tail,
    inner_log_ndtr,
    inner_mills_ratio,
    inner_ndtr,
    log_density,
    lower_log_ndtr,
    lower_mills_ratio,
    outer_ndtr,
    tail,
    upper_log_ndtr,
    upper_mills_ratio,
)
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels._loops import (
    fill_log_ndtr,
    fill_log_profile,
    fill_log_profile_exp,
    fill_mills_ratio,
    fill_ndtr,
    fill_ndtri,
    fill_ndtri_exp,
)
from isoperimetry.kernels._quantile import (
    LOG_DEEP,
    LOG_LOWER,
    LOG_UPPER,
    LOWER,
    UPPER,
    central_quantile,
    deep_quantile,
    less_half,
    minus_2_log,
    one_less,
    outer_quantile,
)
from isoperimetry.kernels._tail import FAR, scaled_tail, tail_variable, times

__all__ = [
    "erfcx",
    "fill_log_ndtr",
    "fill_log_profile",
    "fill_log_profile_exp",
    "fill_mills_ratio",
    "fill_ndtr",
    "fill_ndtri",
    "fill_ndtri_exp",
    "log_ndtr",
    "log_pdf",
    "log_profile",
    "log_profile_exp",
    "mills_ratio",
    "ndtr",
    "ndtri",
    "ndtri_exp",
    "pdf",
]

SQRT_2, SQRT_2_LOW = 1.4142135623730951, -9.667293313452913e-17
INV_SQRT_PI, INV_SQRT_PI_LOW = 0.5641895835477563, 7.66772980658294e-18
SQRT_2_OVER_PI, SQRT_2_OVER_PI_LOW = 0.7978845608028654, -4.98465440455546e-17


@kernel(inline=True)
def _scaled_tail(x: float) -> tuple[float, float]:
    t, t_low, reciprocal = tail_variable(x)
    return scaled_tail(x, t, t_low, reciprocal)


@kernel(inline=True)
def _tail(x: float) -> tuple[float, float]:
    w, w_low = _scaled_tail(x)
    p, p_low, scale = exp_of_tail(x)
    return tail(w, w_low, p, p_low, scale)


@kernel
def ndtr(x: float) -> float:
    """Return Phi(x)."""
    if abs(x) <= INNER:
        high, low = inner_ndtr(x)
        return high + low
    high, low = _tail(x)
    return outer_ndtr(x, high, low)


@kernel
def log_ndtr(x: float) -> float:
    """Return log(Phi(x))."""
    if abs(x) <= INNER:
        high, low = inner_ndtr(x)
        return inner_log_ndtr(high, low)
    if x > 0.0:
        high, low = _tail(x)
        return upper_log_ndtr(high, low)
    high, low = _scaled_tail(x)
    return lower_log_ndtr(x, high, low)


@kernel(inline=True)
def _quantile(p: float) -> tuple[float, float]:
    """Return the quantile but for its sign, where it is far out."""
    if LOWER <= p <= UPPER:
        q = p - 0.5
        return central_quantile(q, p - (q + 0.5))
    rest = 1.0 - p if p > 0.5 else p
    a, a_low = minus_2_log(rest, 0.0)
    return outer_quantile(rest, a, a_low)


@kernel
def ndtri(p: float) -> float:
    """Return Phi^-1(p); -inf at 0, inf at 1, NaN outside [0, 1]."""
    high, low = _quantile(p)
    z = high + low
    return z if p >= LOWER else -z


@kernel(inline=True)
def _quantile_exp(y: float) -> tuple[float, float]:
    """Return the quantile but for its sign, where it is far out."""
    if LOG_LOWER <= y <= LOG_UPPER:
        high, low = less_half(y)
        return central_quantile(high, low)
    if y < LOG_LOWER:
        return deep_quantile(y) if y < LOG_DEEP else outer_quantile(1.0, -2.0 * y, 0.0)
    rest, rest_low = one_less(y)
    high, low = minus_2_log(rest, rest_low)
    return outer_quantile(rest, high, low)


@kernel
def ndtri_exp(y: float) -> float:
    """Return Phi^-1(exp(y)); -inf at -inf, inf at 0, NaN above."""
    high, low = _quantile_exp(y)
    z = high + low
    return -z if y < LOG_LOWER else z


@kernel(inline=True)
def _mills_parts(x: float) -> tuple[float, float, float]:
    if abs(x) <= INNER:
        high, low = inner_mills_ratio(x)
        return high, low, 1.0
    w, w_low = _scaled_tail(x)
    if x < 0.0:
        return lower_mills_ratio(x, w, w_low)
    high, low = upper_mills_ratio(x, w, w_low)
    return high, low, 1.0


@kernel
def mills_ratio(x: float) -> float:
    """Return M(x) = Phi(-x) / phi(x)."""
    high, low, scale = _mills_parts(x)
    return (high + low) * scale


@kernel
def erfcx(x: float) -> float:
    """Return exp(x**2) erfc(x) = sqrt(2 / pi) M(sqrt(2) x)."""
    if x > FAR:  # then it is 1 / (sqrt(pi) x)
        first = INV_SQRT_PI / x
        rest = (fma(-first, x, INV_SQRT_PI) + INV_SQRT_PI_LOW) / x
        return first + rest if first > 0.0 else first
    x = -END if x < -END else x
    z = SQRT_2 * x
    z_low = fma(SQRT_2_LOW, x, fma(SQRT_2, x, -z))
    high, low, scale = _mills_parts(z)
    slope = fma(z, high, -1.0 / scale) if z < 100.0 else -high * high  # M' = x M - 1, which cancels
    low = fma(z_low, slope, low)
    product = SQRT_2_OVER_PI * high
    product_low: float = fma(SQRT_2_OVER_PI, low, fma(SQRT_2_OVER_PI_LOW, high, fma(SQRT_2_OVER_PI, high, -product)))
    return (product + product_low) * scale


@kernel
def log_pdf(x: float) -> float:
    """Return log(phi(x))."""
    return log_density(x, 0.0)


@kernel
def pdf(x: float) -> float:
    """Return phi(x)."""
    p, p_low, scale = exp_of_tail(x)
    high, low = times(INV_SQRT_2PI, INV_SQRT_2PI_LOW, p, p_low)
    return (high + low) * scale * 2.0**-200


@kernel
def log_profile(mu: float) -> float:
    """Return the log of the Gaussian profile, log(phi(Phi^-1(mu))); -inf at 0 and 1."""
    high, low = _quantile(mu)
    return log_density(high, low)


@kernel
def log_profile_exp(log_mu: float) -> float:
    """Return the log of the Gaussian profile at exp(log_mu)."""
    high, low = _quantile_exp(log_mu)
    return log_density(high, low)
