"""Noise of any covariance and distances in any l_p norm: one number takes the place of sigma in every bound."""

from __future__ import annotations

import math
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array


def noise_stretch(
    norm: float = 2,
    *,
    dim: SupportsIndex | None = None,
    sigma: float = 1.0,
    cov: ArrayLike | tuple[ArrayLike, ArrayLike] | None = None,
) -> float:
    r"""Return the scale that replaces ``sigma`` in the theorem for noise N(center, sigma**2 cov) and an l_p norm.

    With :math:`\Sigma = T T^\top` the covariance and any Borel set E of measure :math:`\mu`,

    .. math:: P[d_N(X, E) \le \varepsilon] \ge \Phi(\Phi^{-1}(\mu) + \varepsilon / \Lambda),
              \qquad \Lambda = \sup \{ N(T v) : |v|_2 \le 1 \},

    with equality for a half-space, so that :math:`\Lambda` cannot be improved: in l_inf there is no gain over l2.

    Parameters
    ----------
    norm : float
        p of the l_p norm in which the distances are measured, in [1, inf].
    dim : int, optional
        Dimension of the space, >= 1. Needed for p < 2 without ``cov``; otherwise only compared with ``cov``.
    sigma : float
        Scale of the noise, >= 0, in the unit of the inputs.
    cov : array of shape (dim,) or (dim, dim), or a pair of arrays of shapes (dim, rank) and (rank,), optional
        Covariance of the noise at sigma = 1: a vector is the diagonal, a matrix must be symmetric and positive
        semi-definite, a pair (factors, weights) as a tuple is ``factors @ diag(weights) @ factors.T`` with weights
        >= 0. Without it the noise is isotropic.

    Returns
    -------
    float
        The scale, in the unit of ``sigma``: sigma * max(1, dim**(1/p - 1/2)) for isotropic noise.

    Raises
    ------
    ValueError
        If ``norm`` is below 1, ``dim`` is missing, ``cov`` is no covariance, or ``cov`` is not diagonal and p is
        neither 2 nor inf: the supremum has no closed form there. A pair is never taken for diagonal.

    Notes
    -----
    Proof: the linear map T stretches l2 distances of the standard Gaussian by at most the returned scale; the rest is
    Sudakov, Tsirel'son (1974) and Borell (1975). Diagonal covariance and p < 2: Hölder's inequality.

    Examples
    --------
    >>> noise_stretch(math.inf, dim=784, sigma=0.1)
    0.1
    >>> noise_stretch(1, dim=784, sigma=0.5)
    14.0
    >>> noise_stretch(2, cov=[[4.0, 0.0], [0.0, 1.0]])
    2.0
    """
    return named_stretch("norm", norm, dim=dim, sigma=sigma, cov=cov)


def named_stretch(
    name: str,
    norm: float,
    *,
    dim: SupportsIndex | None = None,
    sigma: float = 1.0,
    cov: ArrayLike | tuple[ArrayLike, ArrayLike] | None = None,
) -> float:
    """Return `noise_stretch` for an argument that is called ``name`` where it is given."""
    p = _as_norm(norm, name)
    scale = _validate.as_nonnegative("sigma", sigma, "the scale of the noise")
    if scale.ndim:
        raise ValueError(f"sigma has shape {scale.shape}: it must be one number.")
    n = None if dim is None else _validate.as_count("dim", dim, low=1)
    if isinstance(cov, tuple):
        return float(scale) * _stretch_of_root(_as_root(cov, n), p, name)
    if cov is not None:
        return float(scale) * _stretch_of_cov(_as_cov(cov, n), p, name)
    if p >= 2:
        return float(scale)
    if n is None:
        raise ValueError(f"{name}={norm!r} needs dim: below p = 2 the scale grows with the dimension.")
    return float(scale * math.pow(n, 1 / p - 0.5))


def _as_norm(norm: float, name: str = "norm") -> float:
    array = _validate.as_float(name, norm)
    if array.ndim or not array >= 1:
        raise ValueError(f"{name}={norm!r} must be one number in [1, inf]: l_p with p < 1 is no norm.")
    return float(array)


def _as_cov(cov: ArrayLike, dim: int | None) -> Array:
    array = _validate.as_float("cov", cov)
    if array.ndim not in (1, 2) or array.size == 0 or array.shape[0] != array.shape[-1]:
        raise ValueError(f"cov has shape {array.shape}: it must be (dim,), the diagonal, or (dim, dim).")
    if dim is not None and array.shape[0] != dim:
        raise ValueError(f"cov has shape {array.shape} but dim={dim}: its axes must have length dim.")
    _validate.refuse("cov", array, ~np.isfinite(array), "finite", "it is a covariance.")
    diagonal = array if array.ndim == 1 else np.diagonal(array)
    _validate.refuse("cov", diagonal, diagonal < 0, ">= 0 on the diagonal", "these are variances.")
    if array.ndim == 2 and np.count_nonzero(array) == np.count_nonzero(diagonal):
        return diagonal
    if array.ndim == 2 and not np.allclose(array, array.T, rtol=1e-10, atol=0):
        raise ValueError("cov is not symmetric: it must be a covariance matrix.")
    return array


def _as_root(cov: tuple[ArrayLike, ArrayLike], dim: int | None) -> Array:
    """Return T of shape (dim, rank) with cov = T T^t."""
    if len(cov) != 2:
        raise ValueError(f"cov is a tuple of {len(cov)}: a pair (factors, weights) is of low rank.")
    factors, weights = _validate.as_float("cov[0]", cov[0]), _validate.as_float("cov[1]", cov[1])
    if factors.ndim != 2 or factors.size == 0 or weights.shape != factors.shape[1:]:
        raise ValueError(
            f"cov has factors of shape {factors.shape} and weights of shape {weights.shape}: "
            "they must be (dim, rank) and (rank,)."
        )
    if dim is not None and factors.shape[0] != dim:
        raise ValueError(f"cov has factors of shape {factors.shape} but dim={dim}: their first axis must be dim.")
    _validate.refuse("cov[0]", factors, ~np.isfinite(factors), "finite", "these are the axes of a covariance.")
    bad = (weights < 0) | ~np.isfinite(weights)
    _validate.refuse("cov[1]", weights, bad, ">= 0 and finite", "these are variances.")
    root: Array = factors * np.sqrt(weights)
    return root


def _stretch_of_root(root: Array, p: float, name: str) -> float:
    if p == 2:
        return float(np.linalg.norm(root, 2))
    if p == math.inf:
        return float(np.linalg.norm(root, axis=1).max())
    raise _no_closed_form(p, name)


def _no_closed_form(p: float, name: str) -> ValueError:
    return ValueError(
        f"{name}={p:g} with a covariance that is not diagonal has no known scale in closed form: "
        f"use {name} 2 or inf, or a diagonal cov."
    )


def _stretch_of_cov(cov: Array, p: float, name: str) -> float:
    if cov.ndim == 1:
        deviations = np.sqrt(cov)
        largest = float(deviations.max())
        if p >= 2 or largest == 0:
            return largest
        # sup of |t v|_p over |v|_2 <= 1 is |t|_r with 1/r = 1/p - 1/2; the largest entry is taken out against overflow
        r = 2 * p / (2 - p)
        return largest * math.pow(float(np.sum((deviations / largest) ** r)), 1 / r)
    eigenvalues = np.linalg.eigvalsh(cov)
    if eigenvalues[0] < -1e-10 * eigenvalues[-1]:
        raise ValueError(f"cov has the eigenvalue {eigenvalues[0]:.3g}: it must be positive semi-definite.")
    if p == 2:
        return math.sqrt(float(eigenvalues[-1]))
    if p == math.inf:
        return math.sqrt(float(np.diagonal(cov).max()))
    raise _no_closed_form(p, name)
