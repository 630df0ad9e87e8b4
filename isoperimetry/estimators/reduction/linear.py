"""The reduction of a function that looks at its input through linear features: their exact law, in their rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.estimators.reduction._basis import TOLERANCE, orthonormal
from isoperimetry.sets.base import as_center, one_number

LEAST = 1e-14  # of the length of a row: what rounding may leave of one in the span of others


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Reduction:
    """The law of the features ``A x`` of noise in their own dimension: made by `reduce`.

    For x of the law ``N(center, sigma**2 I)`` the features are ``A center + sigma * factor @ z``, exactly, with
    standard normals z in ``rank`` dimensions; ``A = factor @ basis.T`` to rounding.

    Attributes
    ----------
    A : array, shape (m, dim)
        The linear features, one a row.
    dim : int
        Dimension n of the inputs.
    rank : int
        Dimension k of the noise that the features see.
    factor : array, shape (m, rank)
        ``factor @ factor.T`` is ``A @ A.T``.
    basis : array, shape (dim, rank)
        The orthonormal directions of the inputs that the features see: ``z = basis.T @ (x - center) / sigma``.
    rest : bool
        Whether a function of the features also gets, as its last feature, the length of the noise that ``A`` does not
        see: sigma times a chi variate with ``dim - rank`` degrees of freedom.
    """

    A: Array
    dim: int
    rank: int
    factor: Array
    basis: Array
    rest: bool = False

    def __repr__(self) -> str:
        return f"Reduction(m={len(self.A)}, dim={self.dim}, rank={self.rank}{', and the rest' if self.rest else ''})"

    def image(self, center: ArrayLike | None = None) -> Array:
        """Return the features of the center of the noise, which cost more than the noise does.

        Parameters
        ----------
        center : array, shape (dim,), optional
            The center; None: the origin.

        Returns
        -------
        array, shape (m,)
            ``A @ center``; add ``sigma * z @ factor.T`` for features of many blocks of noise.
        """
        if center is None:
            return np.zeros(len(self.A))
        return np.asarray(self.A @ as_center(center, dim=self.dim, owner="Reduction"))

    def features(self, center: ArrayLike | None, sigma: float, z: ArrayLike) -> Array:
        """Return the features of noisy inputs.

        Parameters
        ----------
        center : array, shape (dim,), or None
            Center of the noise; None: the origin.
        sigma : float
            Scale of the noise, >= 0 and finite, in the unit of the inputs.
        z : array, shape (N, rank)
            Standard normals.

        Returns
        -------
        array, shape (N, m)
            Features with the law of ``A x``.

        Raises
        ------
        ValueError
            If a shape does not fit, or ``sigma`` is out of range.
        """
        scale, rows = _scale(sigma), _rows("z", z, self.rank, "rank")
        return np.asarray(self.image(center) + scale * (rows @ self.factor.T))

    def pull_back(self, gradient_y: ArrayLike, sigma: float) -> Array:
        """Return gradients with respect to z from those with respect to the features.

        Parameters
        ----------
        gradient_y : array, shape (N, m)
            Gradients of a function of the features, one a row.
        sigma : float
            Scale of the noise, >= 0 and finite, in the unit of the inputs.

        Returns
        -------
        array, shape (N, rank)
            Gradients of the function of z.

        Raises
        ------
        ValueError
            If a shape does not fit, or ``sigma`` is out of range.
        """
        scale, rows = _scale(sigma), _rows("gradient_y", gradient_y, len(self.A), "m")
        return np.asarray(scale * (rows @ self.factor))

    def lift(self, z: ArrayLike) -> Array:
        """Return the shortest changes of the input, in units of sigma, that move the features as z does.

        Parameters
        ----------
        z : array, shape (N, rank)
            Points of the reduced problem, one a row.

        Returns
        -------
        array, shape (N, dim)
            Changes u with ``A u = factor z``, of the length of z: the input is ``center + sigma * u``.

        Raises
        ------
        ValueError
            If the shape does not fit.
        """
        return np.asarray(_rows("z", z, self.rank, "rank") @ self.basis.T)


def reduce(A: ArrayLike, *, rest: bool = False, tolerance: float | None = None) -> Reduction:
    """Return the exact law of linear features of Gaussian noise, in as many dimensions as they have rank.

    A function f(x) = g(A x) of an input with noise, such as a network with its first layer A, is a function of a few
    normals: as many as A has rows at most, whatever the dimension of the input is.

    Parameters
    ----------
    A : array, shape (m, dim)
        Linear features, one a row; there may be more of them than dimensions.
    rest : bool
        True for a function that also looks at the length of what ``A`` does not see of ``x - center``: it gets that as
        its last feature. A function of ``|x - center|`` alone has ``A = zeros((1, dim))``.
    tolerance : float, optional
        In [1e-14, 1): a row within this part of its length from the span of others is taken to lie in it. None:
        1e-12. Rows of float32 that should be dependent need about 1e-6.

    Returns
    -------
    Reduction
        The factor of the covariance of the features, and how to go to and fro.

    Raises
    ------
    ValueError
        If ``A`` is not a finite matrix, or ``tolerance`` is out of range.
    TypeError
        If ``A`` does not hold real numbers.

    Notes
    -----
    Rows are scaled to length 1 first, so that units of features do not matter, and orthonormalised by products of
    matrices: 16 rows of 150 528 entries take about 20 ms, and twice the memory of ``A``.

    Examples
    --------
    The first layer of a network has 3 neurons; it sees 2 of the 1000 dimensions of its noisy inputs.

    >>> import numpy as np
    >>> weights = np.zeros((3, 1000))
    >>> weights[0, 0], weights[1, 1], weights[2, :2] = 2.0, 1.0, [2.0, 1.0]
    >>> reduction = reduce(weights)
    >>> reduction.rank, reduction.factor.round(6).tolist()
    (2, [[2.0, 0.0], [0.0, 1.0], [2.0, 1.0]])

    Activations of noisy inputs, from 2 normals each instead of 1000:

    >>> z = np.random.default_rng(0).standard_normal((5, reduction.rank))
    >>> hidden = np.maximum(reduction.features(np.ones(1000), 0.1, z), 0.0)
    >>> hidden.shape
    (5, 3)
    """
    matrix = _validate.as_float("A", A).copy()
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"A has shape {matrix.shape} but must have shape (m, dim): one feature in each row.")
    largest = np.maximum(matrix.max(axis=1), -matrix.min(axis=1))
    if not np.isfinite(largest).all():
        _validate.refuse("A", matrix, ~np.isfinite(matrix), "finite", "its rows are linear features.")
    part = TOLERANCE
    if tolerance is not None:
        part = one_number(
            "tolerance", tolerance, lambda t: (t >= LEAST) & (t < 1), f"in [{LEAST:g}, 1)",
            "it is a part of the length of a row, and less of it is rounding.",
        )  # fmt: skip
    largest[largest == 0] = 1.0
    rows = matrix / largest[:, None]  # so that the lengths neither overflow nor underflow
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    lengths[lengths == 0] = 1.0
    rows /= lengths[:, None]
    basis, coordinates = orthonormal(rows, part)
    factor = coordinates * lengths[:, None] * largest[:, None]
    for array in (matrix, factor, basis):
        array.flags.writeable = False
    return Reduction(A=matrix, dim=matrix.shape[1], rank=len(basis), factor=factor, basis=basis.T, rest=bool(rest))


def _scale(sigma: float) -> float:
    return one_number(
        "sigma", sigma, lambda t: (t >= 0) & np.isfinite(t), "finite and >= 0", "it is the scale of the noise."
    )


def _rows(name: str, value: ArrayLike, size: int, what: str) -> Array:
    rows = _validate.as_float(name, value)
    if rows.ndim != 2 or rows.shape[1] != size:
        raise ValueError(
            f"{name} has shape {rows.shape} but must have shape (N, {size}): one point in each row, {what}={size}."
        )
    return rows
