"""UNCHECKED compiled kernels, for use inside your own ``numba.njit`` code.

NOTHING HERE CHECKS ITS ARGUMENTS: outside the domain the result is NaN, and a loop trusts the shapes it is given. From
Python call the checked functions instead: `isoperimetry.special` and `isoperimetry.bounds`.

Every kernel can be run as plain Python through its attribute ``py_func``.

- `isoperimetry.kernels.normal`: ``ndtr, log_ndtr, ndtri, ndtri_exp, mills_ratio, erfcx, pdf, log_pdf, log_profile,
  log_profile_exp`` (scalar to scalar) and ``fill_ndtr, ...`` (loops over contiguous float64 arrays)
- `isoperimetry.kernels.logspace`: ``log1mexp, logaddexp, logsubexp``
- `isoperimetry.kernels.philox`: random bits and normals by (key, counter), and the loops of `isoperimetry.streams`
"""
