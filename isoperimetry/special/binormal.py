"""The bivariate normal distribution: the probability of a quadrant, in logarithms."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.special._apply import apply

__all__ = ["log_binormal_sf"]


def _root(rho: ArrayLike) -> float | Array:
    array = _validate.as_float("rho", rho)
    return _validate.like_input(np.sqrt(np.maximum((1.0 - array) * (1.0 + array), 0.0)))


@overload
def log_binormal_sf(h: float, k: float, rho: float, *, root: float | None = None, out: None = None) -> float: ...
@overload
def log_binormal_sf(
    h: ArrayLike, k: ArrayLike, rho: ArrayLike, *, root: ArrayLike | None = None, out: Array | None = None
) -> float | Array: ...
def log_binormal_sf(
    h: ArrayLike, k: ArrayLike, rho: ArrayLike, *, root: ArrayLike | None = None, out: Array | None = None
) -> float | Array:
    r"""Logarithm of the probability that two correlated standard normals are both large.

    .. math:: \log P[G_1 \ge h, \; G_2 \ge k], \qquad E \, G_1 G_2 = \rho

    This is the measure of the intersection of two half-spaces whose unit normals have the inner product ``rho``.

    Parameters
    ----------
    h : float or array, shape S1
        First thresholds, any real numbers or infinities, in units of the standard deviation.
    k : float or array, shape S2, broadcast with S1
        Second thresholds.
    rho : float or array, shape S3, broadcast with S1
        Correlations, in [-1, 1].
    root : float or array, shape S4, broadcast with S1, optional
        ``sqrt(1 - rho**2)``. Pass it where it is known to more digits than ``rho`` tells, which near 1 and -1 has few:
        for an angle, ``rho=cos(angle)`` and ``root=sin(angle)``.
    out : float64 array, shape broadcast(S1, S2, S3, S4), optional
        Where to put the result; it may overlap an argument.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        <= 0; -inf if a threshold is inf, the logarithm of a normal tail if one is -inf. NaN if ``rho`` is outside
        [-1, 1], ``root`` negative, or ``rho**2 + root**2`` not 1.

    Raises
    ------
    TypeError
        If ``h``, ``k``, ``rho`` or ``root`` does not hold real numbers or ``out`` is not a float64 array.
    ValueError
        If the shapes do not broadcast, or ``out`` has another shape than the result or is read-only.

    Notes
    -----
    Relative error of the probability below 1e-13 plus what a change of ``h`` and ``k`` in their last digit makes; a
    result near 0 has the relative error of the probability that it is the complement of. Source: panels of
    Gauss-Legendre points on the conditional tail (see `isoperimetry.kernels.binormal`).

    Examples
    --------
    >>> import math
    >>> round(math.exp(log_binormal_sf(0.0, 0.0, 0.5)), 12)  # 1/4 + asin(1/2) / (2 pi)
    0.333333333333
    >>> round(log_binormal_sf(400.0, 300.0, -0.9), 6)
    -1226333.117966
    """
    return apply("binormal", "log_binormal_sf", out, h=h, k=k, rho=rho, root=_root(rho) if root is None else root)
