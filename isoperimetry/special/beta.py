"""The incomplete beta function and its inverse, in logarithms: binomial tails, Clopper-Pearson limits, caps."""

from __future__ import annotations

from typing import overload

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.special._apply import apply

__all__ = ["betaln", "log_betainc", "log_betainc_inv", "log_betaincc", "log_betaincc_inv"]


@overload
def betaln(a: float, b: float, *, out: None = None) -> float: ...
@overload
def betaln(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def betaln(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Logarithm of the beta function.

    .. math:: \log B(a, b) = \log \Gamma(a) + \log \Gamma(b) - \log \Gamma(a + b)

    Parameters
    ----------
    a : float or array, shape S1
        Parameters, in [1e-30, 1e30].
    b : float or array, shape S2, broadcast with S1
        Parameters, in [1e-30, 1e30].
    out : float64 array, shape broadcast(S1, S2), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        NaN outside the range.

    Raises
    ------
    TypeError
        If ``a`` or ``b`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    Written with Stirling remainders: no difference of large numbers. The tests hold the error to 12 * 2**-52 of the
    larger one of abs(result) and 1; docs/accuracy.md has what was measured.

    Examples
    --------
    >>> round(betaln(1e12, 3.0), 9)
    -82.199916167
    >>> round(betaln(0.5, 0.5), 12)
    1.144729885849
    """
    return apply("beta", "betaln", out, a=a, b=b)


@overload
def log_betainc(a: float, b: float, x: float, *, out: None = None) -> float: ...
@overload
def log_betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def log_betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Logarithm of the regularised incomplete beta function.

    .. math:: \log I_x(a, b) = \log \int_0^x t^{a - 1} (1 - t)^{b - 1} \, dt - \log B(a, b)

    The probability of at least :math:`k` errors in :math:`n` draws at rate x is :math:`I_x(k, n - k + 1)`.

    Parameters
    ----------
    a : float or array, shape S1
        Parameters, in [1e-30, 1e30].
    b : float or array, shape S2, broadcast with S1
        Parameters, in [1e-30, 1e30].
    x : float or array, shape S3, broadcast with S1
        Numbers in [0, 1]. If x is near 1 and 1 - x is known, pass that: I_x(a, b) = 1 - I_{1 - x}(b, a).
    out : float64 array, shape broadcast(S1, S2, S3), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        <= 0; -inf at x = 0, 0 at x = 1, NaN outside the domain.

    Raises
    ------
    TypeError
        If ``a``, ``b`` or ``x`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    Relative error below 24 * 2**-52, as the tests hold, times -log(-result) where that is above 1: a result near 0 is
    the probability of the other side, which comes from its logarithm. docs/accuracy.md has what was measured. Sources:
    NIST Handbook of Mathematical Functions, 8.17.9, along the steepest descent, and the continued fraction of DiDonato
    and Morris (1992); see `isoperimetry.kernels.beta`. (`scipy.special.betainc` is 0 below 1e-308.)

    Examples
    --------
    >>> round(log_betainc(1.0, 1e12, 1e-14), 9)
    -4.610166019
    >>> round(log_betainc(75263.5, 0.5, 0.25), 6)
    -104343.408551
    """
    return apply("beta", "log_betainc", out, a=a, b=b, x=x)


@overload
def log_betaincc(a: float, b: float, x: float, *, out: None = None) -> float: ...
@overload
def log_betaincc(a: ArrayLike, b: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def log_betaincc(a: ArrayLike, b: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Logarithm of the complement of the regularised incomplete beta function.

    .. math:: \log (1 - I_x(a, b)) = \log I_{1 - x}(b, a)

    The probability of at most :math:`k` errors in :math:`n` draws at rate x is :math:`1 - I_x(k + 1, n - k)`. The
    cap of the unit sphere in :math:`n` dimensions beyond height c > 0 has the measure
    :math:`(1 - I_{c^2}(1/2, (n - 1)/2)) / 2`.

    Parameters
    ----------
    a : float or array, shape S1
        Parameters, in [1e-30, 1e30].
    b : float or array, shape S2, broadcast with S1
        Parameters, in [1e-30, 1e30].
    x : float or array, shape S3, broadcast with S1
        Numbers in [0, 1]. If x is near 1 and 1 - x is known, pass that: I_x(a, b) = 1 - I_{1 - x}(b, a).
    out : float64 array, shape broadcast(S1, S2, S3), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        <= 0; 0 at x = 0, -inf at x = 1, NaN outside the domain.

    Raises
    ------
    TypeError
        If ``a``, ``b`` or ``x`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    As for `log_betainc`.

    Examples
    --------
    >>> import math
    >>> round(log_betaincc(0.5, 75263.5, 0.01) - math.log(2), 9)
    -761.001413088
    """
    return apply("beta", "log_betaincc", out, a=a, b=b, x=x)


@overload
def log_betainc_inv(a: float, b: float, log_p: float, *, out: None = None) -> float: ...
@overload
def log_betainc_inv(a: ArrayLike, b: ArrayLike, log_p: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def log_betainc_inv(a: ArrayLike, b: ArrayLike, log_p: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Logarithm of the quantile of the beta distribution, the inverse of `log_betainc` in ``x``.

    .. math:: \log x \quad \text{with} \quad \log I_x(a, b) = \log p

    Parameters
    ----------
    a : float or array, shape S1
        Parameters, in [1e-30, 1e30].
    b : float or array, shape S2, broadcast with S1
        Parameters, in [1e-30, 1e30].
    log_p : float or array, shape S3, broadcast with S1
        Logarithms of probabilities, <= 0.
    out : float64 array, shape broadcast(S1, S2, S3), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        <= 0; -inf at -inf, 0 at 0, NaN outside the domain. Finite where x itself underflows. If x is near 1, its
        complement is the result of `log_betaincc_inv` with a and b exchanged.

    Raises
    ------
    TypeError
        If ``a``, ``b`` or ``log_p`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    Halley's method in log(x / (1 - x)), on the tail whose probability is below 1/2. Relative error below 8 * 2**-52, as
    the tests hold, times 1 / min(a, b) where that is above 1 (what an error of ``log_p`` moves the quantile by), and
    times -log(-result) where that is above 1. docs/accuracy.md has what was measured.

    Examples
    --------
    >>> import math
    >>> round(math.exp(log_betainc_inv(10.0, 991.0, math.log(0.05))), 12)  # Clopper-Pearson: 10 errors in 1000 draws
    0.005435140145
    >>> log_betainc_inv(1.0, 1.0, -1e6)
    -1000000.0
    """
    return apply("beta", "log_betainc_inv", out, a=a, b=b, log_p=log_p)


@overload
def log_betaincc_inv(a: float, b: float, log_p: float, *, out: None = None) -> float: ...
@overload
def log_betaincc_inv(a: ArrayLike, b: ArrayLike, log_p: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def log_betaincc_inv(a: ArrayLike, b: ArrayLike, log_p: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Logarithm of the upper quantile of the beta distribution, the inverse of `log_betaincc` in ``x``.

    .. math:: \log x \quad \text{with} \quad \log (1 - I_x(a, b)) = \log p

    Parameters
    ----------
    a : float or array, shape S1
        Parameters, in [1e-30, 1e30].
    b : float or array, shape S2, broadcast with S1
        Parameters, in [1e-30, 1e30].
    log_p : float or array, shape S3, broadcast with S1
        Logarithms of probabilities, <= 0.
    out : float64 array, shape broadcast(S1, S2, S3), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        <= 0; 0 at -inf, -inf at 0, NaN outside the domain. Finite where x itself underflows. If x is near 1, its
        complement is the result of `log_betainc_inv` with a and b exchanged.

    Raises
    ------
    TypeError
        If ``a``, ``b`` or ``log_p`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    As for `log_betainc_inv`.

    Examples
    --------
    >>> import math
    >>> round(math.exp(log_betaincc_inv(11.0, 990.0, math.log(0.025))), 12)  # 10 errors in 1000 draws, two-sided 0.95
    0.018313243055
    """
    return apply("beta", "log_betaincc_inv", out, a=a, b=b, log_p=log_p)
