"""Special functions on scalars and arrays: float64, NaN outside the domain, accurate where others underflow.

Names and edges are those of `scipy.special` where it has the function. Numba is imported, and a loop compiled or read
from its cache, at the first call. For your own compiled code take the scalars of `isoperimetry.kernels`.
"""

from __future__ import annotations

from isoperimetry.special.normal import log_ndtr, mills_ratio, ndtr, ndtri, ndtri_exp

__all__ = ["log_ndtr", "mills_ratio", "ndtr", "ndtri", "ndtri_exp"]
