"""Special functions on scalars and arrays: float64, NaN outside the domain, accurate where others underflow.

Names and edges are those of `scipy.special` where it has the function. Numba is imported, and a loop compiled or read
from its cache, at the first call. For your own compiled code take the scalars of `isoperimetry.kernels`.
"""

from __future__ import annotations

from isoperimetry.special.beta import betaln, log_betainc, log_betainc_inv, log_betaincc, log_betaincc_inv
from isoperimetry.special.binormal import log_binormal_sf
from isoperimetry.special.chi2 import log_chi2_isf, log_chi2_ppf
from isoperimetry.special.gamma import log_ball_complement, log_ball_probability, log_chi2_cdf, log_chi2_sf
from isoperimetry.special.noise import philox_normals
from isoperimetry.special.normal import (
    log_ndtr,
    log_profile,
    log_profile_exp,
    mills_ratio,
    ndtr,
    ndtri,
    ndtri_exp,
)

__all__ = [
    "betaln",
    "log_ball_complement",
    "log_ball_probability",
    "log_betainc",
    "log_betainc_inv",
    "log_betaincc",
    "log_betaincc_inv",
    "log_binormal_sf",
    "log_chi2_cdf",
    "log_chi2_isf",
    "log_chi2_ppf",
    "log_chi2_sf",
    "log_ndtr",
    "log_profile",
    "log_profile_exp",
    "mills_ratio",
    "ndtr",
    "ndtri",
    "ndtri_exp",
    "philox_normals",
]
