"""Quantiles of the chi-square distribution, the squared norm of normal noise, from and in logarithms."""

from __future__ import annotations

from typing import overload

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.special._apply import apply

__all__ = ["log_chi2_isf", "log_chi2_ppf"]


@overload
def log_chi2_isf(log_q: float, *, dim: float, out: None = None) -> float: ...
@overload
def log_chi2_isf(log_q: ArrayLike, *, dim: ArrayLike, out: Array | None = None) -> float | Array: ...
def log_chi2_isf(log_q: ArrayLike, *, dim: ArrayLike, out: Array | None = None) -> float | Array:
    r"""Logarithm of the upper quantile of the chi-square distribution, the inverse of `log_chi2_sf` in ``x``.

    .. math:: \log x \quad \text{with} \quad \log P[|Z|^2 > x] = \log q

    Parameters
    ----------
    log_q : float or array, shape S1
        Logarithms of probabilities, <= 0.
    dim : float or array, shape S2, broadcast with S1
        Degrees of freedom, a real number in [1e-30, 1e30].
    out : float64 array, shape broadcast(S1, S2), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        -inf at 0, inf at -inf, NaN outside the domain.

    Raises
    ------
    TypeError
        If ``log_q`` or ``dim`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    Newton's method on the tail whose probability is below 1/2. Relative error of x below 1e-13 for ``dim`` up to 1e9,
    as the tests hold, plus what an error of ``log_q`` in its last digit makes.

    Examples
    --------
    >>> import math
    >>> round(math.exp(log_chi2_isf(math.log(0.01), dim=784) / 2), 9)  # 1 % of the noise vectors are longer
    29.648758814
    >>> round(math.exp(log_chi2_isf(-3.0, dim=2)), 12)
    6.0
    """
    return apply("gamma_inverse", "log_chi2_isf", out, log_q=log_q, dim=dim)


@overload
def log_chi2_ppf(log_p: float, *, dim: float, out: None = None) -> float: ...
@overload
def log_chi2_ppf(log_p: ArrayLike, *, dim: ArrayLike, out: Array | None = None) -> float | Array: ...
def log_chi2_ppf(log_p: ArrayLike, *, dim: ArrayLike, out: Array | None = None) -> float | Array:
    r"""Logarithm of the quantile of the chi-square distribution, the inverse of `log_chi2_cdf` in ``x``.

    .. math:: \log x \quad \text{with} \quad \log P[|Z|^2 \le x] = \log p

    Parameters
    ----------
    log_p : float or array, shape S1
        Logarithms of probabilities, <= 0.
    dim : float or array, shape S2, broadcast with S1
        Degrees of freedom, a real number in [1e-30, 1e30].
    out : float64 array, shape broadcast(S1, S2), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        -inf at -inf, inf at 0, NaN outside the domain. Finite where x itself underflows.

    Raises
    ------
    TypeError
        If ``log_p`` or ``dim`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    As for `log_chi2_isf`.

    Examples
    --------
    >>> import math
    >>> round(math.exp(log_chi2_ppf(-67.453441716923396, dim=150528) / 2), 9)
    380.0
    """
    return apply("gamma_inverse", "log_chi2_ppf", out, log_p=log_p, dim=dim)
