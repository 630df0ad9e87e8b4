"""UNCHECKED compiled kernels, for use inside your own ``numba.njit`` code.

NOTHING HERE CHECKS ITS ARGUMENTS: outside the domain the result is NaN, and a loop trusts the shapes it is given. From
Python call the checked functions instead: `isoperimetry.special` and `isoperimetry.bounds`.

Every kernel can be run as plain Python, to the same bits, through its attribute ``py_func``. Numba's disk cache looks
at the file of a function alone: if you cache a function of yours that calls these kernels (``cache=True``), it keeps
the kernels of the version with which it was compiled until its own file changes.

- `isoperimetry.kernels.normal`: ``ndtr, log_ndtr, ndtri, ndtri_exp, mills_ratio, erfcx, pdf, log_pdf, log_profile,
  log_profile_exp`` (scalar to scalar) and ``fill_ndtr, ...`` (loops over contiguous float64 arrays)
- `isoperimetry.kernels.gamma`: ``log_gammainc, log_gammaincc, log_chi2_cdf, log_chi2_sf, log_ball_probability,
  log_ball_complement``
- `isoperimetry.kernels.gamma_inverse`: ``log_chi2_isf, log_chi2_ppf``
- `isoperimetry.kernels.beta`: ``betaln, log_betainc, log_betaincc, log_betainc_tail, log_betainc_inv,
  log_betaincc_inv, betainc_quantile``
- `isoperimetry.kernels.binormal`: ``log_binormal_sf``
- `isoperimetry.kernels.rates`, `distances`, `enlargements` and `moments`: the loops ``fill_<bound>`` of the Gaussian
  bounds over contiguous arrays of error rates in one of four forms
- `isoperimetry.kernels.quadratic`: ``log_quadratic_tails`` of a quadratic form in normals
- `isoperimetry.kernels.boxes`, `geometry`, `halfspaces`, `quadric` and `radial`: the loops of error sets, membership
  and signed distances of the rows of an array
- `isoperimetry.kernels.counts` and `martingale`: ``limit, fill_limits`` of Clopper-Pearson and of the beta-binomial
  sequence, from arrays of counts
- `isoperimetry.kernels.wealth`: ``fill_signals, log_peak_capital``, the capital of bets on the mean of a sequence
- `isoperimetry.kernels.logspace`: ``log1mexp, logaddexp, logsubexp``
- `isoperimetry.kernels.philox`: ``philox4x32`` (random words by key and counter), ``normals32, normals64`` (those of a
  sample), ``add_normals32, add_normals64`` (loops over contiguous arrays of the same width, as in
  `isoperimetry.streams`)
- `isoperimetry.kernels.chi`: ``chi, fill_chi`` (the radius of Gaussian noise by key and sample)
- `isoperimetry.kernels.sampling`: ``count_sums32, count_sums64, count_union32, count_union64`` (noisy samples drawn,
  tested and counted in one loop, of the tiles in `isoperimetry.kernels.tiles`), ``count_function`` (the same for a
  compiled function of yours), ``fill_function, value_of``
"""
