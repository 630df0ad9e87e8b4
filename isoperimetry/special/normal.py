"""Functions of the normal distribution: float64, accurate in both tails, NaN outside the domain."""

from __future__ import annotations

from typing import overload

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.special._apply import apply

__all__ = ["log_ndtr", "log_profile", "log_profile_exp", "mills_ratio", "ndtr", "ndtri", "ndtri_exp"]


@overload
def ndtr(x: float, *, out: None = None) -> float: ...
@overload
def ndtr(x: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def ndtr(x: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Distribution function of the standard normal: the probability of a value <= ``x``.

    .. math:: \Phi(x) = \int_{-\infty}^x e^{-t^2 / 2} \, dt / \sqrt{2 \pi}

    Parameters
    ----------
    x : float or array, shape S
        Any numbers.
    out : float64 array, shape S, optional
        Where to put the result; it may overlap ``x``.

    Returns
    -------
    float or array, shape S
        In [0, 1]; 0 below -38.5, where the probability is under the smallest number: then use `log_ndtr`.

    Raises
    ------
    TypeError
        If ``x`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If ``out`` has another shape than ``x`` or is read-only.

    Notes
    -----
    Within 1 ulp, subnormal results included. Table: docs/accuracy.md.

    Examples
    --------
    >>> ndtr(0.0)
    0.5
    >>> f"{ndtr(-37.0):.12e}"
    '5.725571222525e-300'
    """
    return apply("normal", "ndtr", out, x=x)


@overload
def log_ndtr(x: float, *, out: None = None) -> float: ...
@overload
def log_ndtr(x: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def log_ndtr(x: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Logarithm of the distribution function of the standard normal.

    .. math:: \log \Phi(x)

    Parameters
    ----------
    x : float or array, shape S
        Any numbers.
    out : float64 array, shape S, optional
        Where to put the result; it may overlap ``x``.

    Returns
    -------
    float or array, shape S
        <= 0; finite down to about x = -1.8e154.

    Raises
    ------
    TypeError
        If ``x`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If ``out`` has another shape than ``x`` or is read-only.

    Notes
    -----
    Within 1 ulp, also in the upper tail, where the result is near 0. Table: docs/accuracy.md.

    Examples
    --------
    >>> round(log_ndtr(-1414.2077829910173), 6)
    -1000000.0
    >>> f"{log_ndtr(33.0):.12e}"
    '-4.061185620916e-239'
    """
    return apply("normal", "log_ndtr", out, x=x)


@overload
def ndtri(p: float, *, out: None = None) -> float: ...
@overload
def ndtri(p: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def ndtri(p: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Quantile of the standard normal, the inverse of `ndtr`.

    .. math:: \Phi^{-1}(p)

    Parameters
    ----------
    p : float or array, shape S
        Probabilities. Those above 1 - 1e-8 have lost digits that their complements 1 - p still have: pass the
        complement and change the sign of the result.
    out : float64 array, shape S, optional
        Where to put the result; it may overlap ``p``.

    Returns
    -------
    float or array, shape S
        -inf at 0, inf at 1, NaN outside [0, 1] (as scipy; the functions of `isoperimetry.bounds` raise there).

    Raises
    ------
    TypeError
        If ``p`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If ``out`` has another shape than ``p`` or is read-only.

    Notes
    -----
    Within 1 ulp, also next to 1/2, where the result is near 0, and for subnormal ``p``. Table: docs/accuracy.md.

    Examples
    --------
    >>> round(ndtri(0.01), 6)
    -2.326348
    >>> ndtri([0.0, 0.5, 1.0]).tolist()
    [-inf, 0.0, inf]
    """
    return apply("normal", "ndtri", out, p=p)


@overload
def ndtri_exp(y: float, *, out: None = None) -> float: ...
@overload
def ndtri_exp(y: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def ndtri_exp(y: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Quantile of the standard normal at a probability given by its logarithm, the inverse of `log_ndtr`.

    .. math:: \Phi^{-1}(e^y)

    Parameters
    ----------
    y : float or array, shape S
        Logarithms of probabilities, so that those below 1e-308 and those next to 1 can be told apart.
    out : float64 array, shape S, optional
        Where to put the result; it may overlap ``y``.

    Returns
    -------
    float or array, shape S
        -inf at -inf, inf at 0, NaN above 0 (as scipy; the functions of `isoperimetry.bounds` raise there).

    Raises
    ------
    TypeError
        If ``y`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If ``out`` has another shape than ``y`` or is read-only.

    Notes
    -----
    Within 1 ulp, also next to log(1/2), where the result is near 0, and down to the largest negative number. Table:
    docs/accuracy.md.

    Examples
    --------
    >>> round(ndtri_exp(-1e6), 9)
    -1414.207782991
    >>> round(ndtri_exp(-1e-300), 12)
    37.047096299361
    """
    return apply("normal", "ndtri_exp", out, y=y)


@overload
def mills_ratio(x: float, *, out: None = None) -> float: ...
@overload
def mills_ratio(x: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def mills_ratio(x: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Mills ratio of the standard normal: the upper tail over the density.

    .. math:: M(x) = \Phi(-x) / \varphi(x) = \sqrt{\pi / 2} \, \mathrm{erfcx}(x / \sqrt 2)

    Parameters
    ----------
    x : float or array, shape S
        Any numbers.
    out : float64 array, shape S, optional
        Where to put the result; it may overlap ``x``.

    Returns
    -------
    float or array, shape S
        > 0, falling like 1 / x; inf below about -37.65, 0 at inf.

    Raises
    ------
    TypeError
        If ``x`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If ``out`` has another shape than ``x`` or is read-only.

    Notes
    -----
    Within 1 ulp. Table: docs/accuracy.md.

    Examples
    --------
    >>> round(mills_ratio(0.0), 12)
    1.253314137316
    >>> mills_ratio(1e300)
    1e-300
    """
    return apply("normal", "mills_ratio", out, x=x)


@overload
def log_profile(mu: float, *, out: None = None) -> float: ...
@overload
def log_profile(mu: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def log_profile(mu: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Logarithm of the Gaussian profile, the density of the standard normal at its quantile.

    .. math:: \log I(\mu) = \log \varphi(\Phi^{-1}(\mu))

    Parameters
    ----------
    mu : float or array, shape S
        Probabilities. Those above 1 - 1e-8 have lost digits: pass the complement, which has the same profile.
    out : float64 array, shape S, optional
        Where to put the result; it may overlap ``mu``.

    Returns
    -------
    float or array, shape S
        At most -log(2 pi) / 2; -inf at 0 and 1, NaN outside [0, 1] (`isoperimetry.gaussian_profile` raises there).

    Raises
    ------
    TypeError
        If ``mu`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If ``out`` has another shape than ``mu`` or is read-only.

    Notes
    -----
    Within 1.1 ulp. Table: docs/accuracy.md.

    Examples
    --------
    >>> round(log_profile(0.5), 12)
    -0.918938533205
    >>> round(log_profile(1e-300), 9)
    -687.16261064
    """
    return apply("normal", "log_profile", out, mu=mu)


@overload
def log_profile_exp(log_mu: float, *, out: None = None) -> float: ...
@overload
def log_profile_exp(log_mu: ArrayLike, *, out: Array | None = None) -> float | Array: ...
def log_profile_exp(log_mu: ArrayLike, *, out: Array | None = None) -> float | Array:
    r"""Logarithm of the Gaussian profile at a probability given by its logarithm.

    .. math:: \log I(e^{\log \mu})

    Parameters
    ----------
    log_mu : float or array, shape S
        Logarithms of probabilities, so that those below 1e-308 and those next to 1 can be told apart.
    out : float64 array, shape S, optional
        Where to put the result; it may overlap ``log_mu``.

    Returns
    -------
    float or array, shape S
        At most -log(2 pi) / 2; -inf at -inf and 0, NaN above 0.

    Raises
    ------
    TypeError
        If ``log_mu`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If ``out`` has another shape than ``log_mu`` or is read-only.

    Notes
    -----
    Within 1.1 ulp. Table: docs/accuracy.md.

    Examples
    --------
    >>> round(log_profile_exp(-1e6), 6)
    -999992.745675
    """
    return apply("normal", "log_profile_exp", out, log_mu=log_mu)
