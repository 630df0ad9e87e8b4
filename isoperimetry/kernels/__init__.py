"""UNCHECKED compiled kernels, for use inside your own ``numba.njit`` code.

NOTHING HERE CHECKS ITS ARGUMENTS: outside the domain the result is NaN, and a loop trusts the shapes it is given. From
Python call the checked functions instead: `isoperimetry.special` and `isoperimetry.bounds`.

Every kernel can be run as plain Python through its attribute ``py_func``.

- `isoperimetry.kernels.normal`: ``ndtr, log_ndtr, ndtri, ndtri_exp, mills_ratio, erfcx, pdf, log_pdf, log_profile,
  log_profile_exp`` (scalar to scalar) and ``fill_ndtr, ...`` (loops over contiguous float64 arrays)
- `isoperimetry.kernels.logspace`: ``log1mexp, logaddexp, logsubexp``
- `isoperimetry.kernels.philox`: ``philox4x32`` (random words by key and counter), ``normals32, normals64`` (those of a
  sample), ``add_normals32, add_normals64`` (loops over contiguous arrays of the same width, as in
  `isoperimetry.streams`)
"""
