"""Chi-square tails and volumes of balls under the normal distribution, in logarithms: exact in any dimension."""

from __future__ import annotations

from typing import overload

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.special._apply import apply

__all__ = ["log_ball_complement", "log_ball_probability", "log_chi2_cdf", "log_chi2_sf"]


@overload
def log_chi2_cdf(x: float, *, dim: float, out: None = None) -> float: ...
@overload
def log_chi2_cdf(x: ArrayLike, *, dim: ArrayLike, out: Array | None = None) -> float | Array: ...
def log_chi2_cdf(x: ArrayLike, *, dim: ArrayLike, out: Array | None = None) -> float | Array:
    r"""Logarithm of the chi-square distribution function: a squared norm is at most ``x``.

    .. math:: \log P[|Z|^2 \le x] = \log P(\mathrm{dim} / 2, x / 2)

    for a standard normal :math:`Z` in dimension ``dim``, with the regularised lower incomplete gamma function.

    Parameters
    ----------
    x : float or array, shape S1
        Squared norms, >= 0.
    dim : float or array, shape S2, broadcast with S1
        Degrees of freedom, a real number in [1e-30, 1e30].
    out : float64 array, shape broadcast(S1, S2), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        <= 0; -inf at 0, 0 at inf, NaN for negative ``x`` and outside the range of ``dim``.

    Raises
    ------
    TypeError
        If ``x`` or ``dim`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    Relative error below 16 * 2**-52, as the tests hold, times -log(-result) where that is above 1: a result near 0 is
    the probability of the other side, which comes from its logarithm. docs/accuracy.md has what was measured. Source:
    the inverse Laplace transform along the steepest descent (see `isoperimetry.kernels.gamma`).
    `scipy.stats.chi2.logcdf` is -inf where the probability is below about 1e-308.

    Examples
    --------
    >>> round(log_chi2_cdf(380.0**2, dim=150528), 9)
    -67.453441717
    >>> round(log_chi2_cdf(75264.0, dim=150528), 6)
    -14542.869595
    """
    return apply("gamma", "log_chi2_cdf", out, x=x, dim=dim)


@overload
def log_chi2_sf(x: float, *, dim: float, out: None = None) -> float: ...
@overload
def log_chi2_sf(x: ArrayLike, *, dim: ArrayLike, out: Array | None = None) -> float | Array: ...
def log_chi2_sf(x: ArrayLike, *, dim: ArrayLike, out: Array | None = None) -> float | Array:
    r"""Logarithm of the chi-square survival function: a squared norm is above ``x``.

    .. math:: \log P[|Z|^2 > x] = \log Q(\mathrm{dim} / 2, x / 2)

    for a standard normal :math:`Z` in dimension ``dim``, with the regularised upper incomplete gamma function.

    Parameters
    ----------
    x : float or array, shape S1
        Squared norms, >= 0.
    dim : float or array, shape S2, broadcast with S1
        Degrees of freedom, a real number in [1e-30, 1e30].
    out : float64 array, shape broadcast(S1, S2), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        <= 0; 0 at 0, -inf at inf, NaN for negative ``x`` and outside the range of ``dim``.

    Raises
    ------
    TypeError
        If ``x`` or ``dim`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    As for `log_chi2_cdf`.

    Examples
    --------
    >>> log_chi2_sf(6.0, dim=2)
    -3.0
    >>> round(log_chi2_sf(400.0**2, dim=150528), 9)
    -146.807886265
    """
    return apply("gamma", "log_chi2_sf", out, x=x, dim=dim)


@overload
def log_ball_probability(radius: float, *, dim: float, center_distance: float = 0.0, out: None = None) -> float: ...
@overload
def log_ball_probability(
    radius: ArrayLike, *, dim: ArrayLike, center_distance: ArrayLike = 0.0, out: Array | None = None
) -> float | Array: ...
def log_ball_probability(
    radius: ArrayLike, *, dim: ArrayLike, center_distance: ArrayLike = 0.0, out: Array | None = None
) -> float | Array:
    r"""Logarithm of the measure of a ball under the standard normal distribution.

    .. math:: \log P[|Z + D e| \le r]

    for a standard normal :math:`Z` in dimension ``dim``, a unit vector :math:`e` and the distance :math:`D` between the
    two centers: the noncentral chi-square distribution function at :math:`r^2`.

    Parameters
    ----------
    radius : float or array, shape S1
        Radii, >= 0, in units of the standard deviation.
    dim : float or array, shape S2, broadcast with S1
        Dimension, a real number in [1e-30, 1e30].
    center_distance : float or array, shape S3, broadcast with S1, optional
        Distances of the center of the ball from that of the distribution, in the same unit; the sign does not matter.
    out : float64 array, shape broadcast(S1, S2, S3), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        <= 0; -inf at radius 0, NaN for a negative radius, outside the range of ``dim``, and if both lengths are inf.

    Raises
    ------
    TypeError
        If ``radius``, ``dim`` or ``center_distance`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    Accuracy and source as for `log_chi2_cdf`. (`scipy.stats.ncx2.logcdf` is -inf where the probability is below about
    1e-300.)

    Examples
    --------
    >>> round(log_ball_probability(350.0, dim=150528, center_distance=30.0), 9)
    -1582.802907385
    >>> round(log_ball_probability(1.0, dim=1), 12)
    -0.381715146302
    """
    return apply("gamma", "log_ball_probability", out, radius=radius, dim=dim, center_distance=center_distance)


@overload
def log_ball_complement(radius: float, *, dim: float, center_distance: float = 0.0, out: None = None) -> float: ...
@overload
def log_ball_complement(
    radius: ArrayLike, *, dim: ArrayLike, center_distance: ArrayLike = 0.0, out: Array | None = None
) -> float | Array: ...
def log_ball_complement(
    radius: ArrayLike, *, dim: ArrayLike, center_distance: ArrayLike = 0.0, out: Array | None = None
) -> float | Array:
    r"""Logarithm of the measure outside a ball under the standard normal distribution.

    .. math:: \log P[|Z + D e| > r]

    with the letters of `log_ball_probability`.

    Parameters
    ----------
    radius : float or array, shape S1
        Radii, >= 0, in units of the standard deviation.
    dim : float or array, shape S2, broadcast with S1
        Dimension, a real number in [1e-30, 1e30].
    center_distance : float or array, shape S3, broadcast with S1, optional
        Distances of the center of the ball from that of the distribution, in the same unit; the sign does not matter.
    out : float64 array, shape broadcast(S1, S2, S3), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        <= 0; 0 at radius 0, -inf at inf, NaN as in `log_ball_probability`.

    Raises
    ------
    TypeError
        If ``radius``, ``dim`` or ``center_distance`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    As for `log_ball_probability`.

    Examples
    --------
    >>> round(log_ball_complement(2.0, dim=2), 12)
    -2.0
    >>> round(log_ball_complement(395.0, dim=150528, center_distance=30.0), 6)
    -37.049094
    """
    return apply("gamma", "log_ball_complement", out, radius=radius, dim=dim, center_distance=center_distance)
