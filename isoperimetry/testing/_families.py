"""The public reference functions of the gamma and beta families; `reference` hands them on."""

from __future__ import annotations

from typing import Any

from mpmath import mp

from isoperimetry.testing import _incomplete
from isoperimetry.testing._precision import Number, at_precision


@at_precision
def log_chi2_cdf(x: Number, dim: Number) -> Any:
    """Return log P[|Z|**2 <= x] for a standard normal Z."""
    return _incomplete.log_gamma_tails(dim / 2, x / 2)[0]


@at_precision
def log_chi2_sf(x: Number, dim: Number) -> Any:
    """Return log P[|Z|**2 > x] for a standard normal Z."""
    return _incomplete.log_gamma_tails(dim / 2, x / 2)[1]


@at_precision
def log_ball_probability(radius: Number, dim: Number, center_distance: Number = 0) -> Any:
    """Return log P[|Z + D e| <= radius]."""
    return _incomplete.log_ball_tails(radius, dim, mp.mpf(center_distance))[0]


@at_precision
def log_ball_complement(radius: Number, dim: Number, center_distance: Number = 0) -> Any:
    """Return log P[|Z + D e| > radius]."""
    return _incomplete.log_ball_tails(radius, dim, mp.mpf(center_distance))[1]


@at_precision
def betaln(a: Number, b: Number) -> Any:
    """Return log B(a, b)."""
    return _incomplete.betaln(a, b)


@at_precision
def log_betainc(a: Number, b: Number, x: Number) -> Any:
    """Return log I_x(a, b)."""
    return _incomplete.log_beta_tails(a, b, x)[0]


@at_precision
def log_betaincc(a: Number, b: Number, x: Number) -> Any:
    """Return log(1 - I_x(a, b))."""
    return _incomplete.log_beta_tails(a, b, x)[1]


@at_precision
def log_betainc_inv(a: Number, b: Number, log_p: Number) -> Any:
    """Return log x with log I_x(a, b) = log_p."""
    return _incomplete.log_beta_quantile(a, b, log_p, _incomplete.log_complement(log_p))


@at_precision
def log_betaincc_inv(a: Number, b: Number, log_p: Number) -> Any:
    """Return log x with log(1 - I_x(a, b)) = log_p."""
    return _incomplete.log_beta_quantile(a, b, _incomplete.log_complement(log_p), log_p)
