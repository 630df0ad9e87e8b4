"""The quadric: where a polynomial of second degree is not negative."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.errors import NotExact
from isoperimetry.sets._compiled import loop
from isoperimetry.sets.base import VOLUMES, Capability, Shape, describe, fixed_point, one_number

EPS = 2.0**-52


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Quadric(Shape):
    """The set ``{x: x.Ax + b.x + c >= 0}``, boundary included.

    Ellipsoids and their complements, paraboloids, cones and hyperboloids, for any center of the noise. Its own measure
    is exact, that of its enlargements is not known and refused.

    Parameters
    ----------
    A : array, shape (dim, dim) or (dim,), or tuple of arrays (factors, weights), shapes (dim, k) and (k,)
        The symmetric matrix; its diagonal, where it has nothing else; or ``factors @ diag(weights) @ factors.T``. The
        last two never become a matrix.
    b : array, shape (dim,)
        The linear part.
    c : float
        The constant.

    Raises
    ------
    ValueError
        If the shapes do not fit, ``A`` is not symmetric, or a number is not finite.

    Notes
    -----
    The measure is that of a quadratic form in normals, by numerical inversion of its Laplace transform: see
    `isoperimetry.kernels.quadratic`. Relative error of the probability below 1e-12 plus some 2**-52 times its
    logarithm and times the size of the terms that cancel in ``c``; 784 different eigenvalues take a few milliseconds,
    150 528 one to two seconds. Eigenvalues of a matrix or of factors below ``dim * 2**-52`` of the largest are taken
    for 0, which they are but for rounding. The signed distance, by Newton's method in one multiplier, is the global
    minimum: see `isoperimetry.kernels.quadric`.

    Examples
    --------
    >>> outside_an_ellipse = Quadric([2.0, 0.5], [-4.0, 0.0], 1.0)
    >>> round(outside_an_ellipse.complement_volume(), 12)
    0.242406770136
    >>> round(outside_an_ellipse.signed_distance([1.0, 0.0]), 12)
    0.707106781187
    """

    A: Array | tuple[Array, Array]
    b: Array
    c: float
    _axes: Array | None = field(init=False)
    _curvature: Array = field(init=False)
    _slope: Array = field(init=False)
    _edge: float = field(init=False)
    _weights: Array = field(init=False)
    _group: NDArray[np.int64] = field(init=False)
    _counts: Array = field(init=False)

    if TYPE_CHECKING:  # what the constructor takes; the fields say what it keeps

        def __init__(self, A: ArrayLike | tuple[ArrayLike, ArrayLike], b: ArrayLike, c: float) -> None: ...

    def __post_init__(self) -> None:
        b = fixed_point("b", self.b)
        c = one_number("c", self.c, np.isfinite, "finite", "it is the constant of the polynomial.")
        matrix = _as_matrix(self.A, b.size)
        axes, curvature, slope = _diagonal_form(matrix, b)
        weights, group, counts = np.unique(curvature, return_inverse=True, return_counts=True)
        if weights.size == curvature.size:  # nothing to sort
            weights, group = curvature, np.arange(curvature.size)
        bent = curvature != 0
        with np.errstate(over="ignore"):
            edge = c - _sum(slope[bent] * (slope[bent] / curvature[bent]) / 4)
        values = {
            "A": matrix, "b": b, "c": c, "_axes": axes, "_curvature": curvature, "_slope": slope, "_edge": edge,
            "_weights": weights, "_group": group.astype(np.int64), "_counts": counts.astype(np.float64),
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        kind = "low rank" if isinstance(self.A, tuple) else "diagonal" if self.A.ndim == 1 else "dense"
        words = f"A={self.A.tolist()}" if isinstance(self.A, np.ndarray) and self.A.size <= 4 else f"A {kind}"
        return f"Quadric({words}, {describe('b', self.b)}, c={self.c!r})"

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return self.b.size

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact: those of the set itself, not of its enlargements."""
        return VOLUMES

    def _inside(self, x: Array) -> NDArray[np.bool_]:
        if isinstance(self.A, tuple):
            factors, weights = self.A
            return np.asarray(np.square(x @ factors) @ weights + x @ self.b + self.c >= 0)
        if self.A.ndim == 2:
            return np.asarray(np.einsum("ij,ij->i", x @ self.A, x) + x @ self.b + self.c >= 0)
        values = np.empty(len(x))
        loop("quadric", "fill_values")(_plain(x), self._curvature, self._slope, self.c, values)
        return values >= 0

    def _gap(self, x: Array) -> Array:
        flat = bool(self._slope[self._curvature == 0].any())
        empty = not flat and bool((self._curvature <= 0).all()) and self._edge < 0
        whole = not flat and bool((self._curvature >= 0).all()) and self._edge >= 0
        form = (self._curvature, self._slope, self.c, self._group, self._weights, math.nan if flat else self._edge)
        gaps = np.empty(len(x))
        loop("quadric", "fill_gaps")(_plain(self._coordinates(x)), *form, empty, whole, gaps)
        return gaps

    def _log_measures(self, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
        if reach.any():
            self._refuse_enlargement(p)
        y = self._coordinates(center)
        gradient = 2 * self._curvature * y + self._slope
        constant = self.c + _sum((self._curvature * y + self._slope) * y)
        edge = self._edge + _sum(self._slope * y * (self._curvature == 0))
        steepest = float(np.abs(gradient).max())
        squares = np.square(gradient / steepest if steepest > 0 else gradient)
        squares = np.bincount(self._group, squares, self._weights.size)
        largest = float(np.abs(self._weights).max())
        tails = loop("quadratic", "log_quadratic_tails")
        inside, outside = np.empty(sigma.size), np.empty(sigma.size)
        for i, scale in enumerate(sigma.tolist()):
            bend, slope, (first, second) = _units(largest, steepest, scale)
            numbers = (constant / first / second, edge / first / second)
            inside[i], outside[i], status = tails(self._weights * bend, self._counts, squares * slope, *numbers)
            if status:
                raise NotExact(
                    f"{self!r} has no exact measure for sigma={scale!r}: its integral did not settle; estimate it."
                )
        return inside, outside

    def _coordinates(self, x: Array) -> Array:
        return x if self._axes is None else np.asarray(x @ self._axes)


def _units(largest: float, steepest: float, scale: float) -> tuple[float, float, tuple[float, float]]:
    """Return factors of the weights and of the squares, and divisors of the constant, by which no number is above 1.

    The polynomial of ``center + scale * normal`` has second-order coefficients up to ``largest * scale**2`` and slopes
    up to ``steepest * scale``; it is divided by the larger of the two, whose square may not be a float.
    """
    if largest == 0:
        return 0.0, 1.0, (scale, steepest) if steepest > 0 else (1.0, 1.0)
    if largest * scale >= steepest:
        return 1 / largest, (steepest / largest / scale) ** 2, (scale, max(largest * scale, 5e-324))
    return scale / steepest, 1.0, (scale, steepest)


def _as_matrix(value: object, dim: int) -> Array | tuple[Array, Array]:
    """Return read-only copies of ``A`` in its form after checking it."""
    shapes = f"(dim, dim), (dim,), or a tuple of factors (dim, k) and weights (k,), where b has dim={dim}."
    if isinstance(value, tuple) and len(value) == 2 and np.ndim(value[0]) == 2:
        factors, weights = (_as_finite(f"A[{i}]", part) for i, part in enumerate(value))
        if factors.shape[0] != dim or weights.shape != factors.shape[1:]:
            raise ValueError(f"A has shapes {factors.shape} and {weights.shape} but must have {shapes}")
        return factors, weights
    matrix = _as_finite("A", value)
    if matrix.shape not in ((dim,), (dim, dim)):
        raise ValueError(f"A has shape {matrix.shape} but must have {shapes}")
    if matrix.ndim == 2:
        wrong = np.abs(matrix - matrix.T) > 1e-12 * np.abs(matrix).max()
        _validate.refuse("A", matrix, wrong, "that of a symmetric matrix", "pass (A + A.T) / 2, the same polynomial.")
    return matrix


def _as_finite(name: str, value: object) -> Array:
    array = _validate.as_float(name, value).copy()  # type: ignore[arg-type]
    _validate.refuse(name, array, ~np.isfinite(array), "finite", "it is a coefficient of the polynomial.")
    array.flags.writeable = False
    return array


def _diagonal_form(matrix: Array | tuple[Array, Array], b: Array) -> tuple[Array | None, Array, Array]:
    """Return axes (None: the coordinates), shape (dim, m), and the coefficients along them; along others all are 0."""
    if isinstance(matrix, np.ndarray):
        if matrix.ndim == 1:
            return None, matrix.copy(), b.copy()
        diagonal = matrix.diagonal().copy()
        if not (matrix - np.diag(diagonal)).any():
            return None, diagonal, b.copy()
        curvature, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    else:
        axes, corner = np.linalg.qr(matrix[0])
        core = (corner * matrix[1]) @ corner.T
        curvature, turn = np.linalg.eigh((core + core.T) / 2)
        axes = axes @ turn
    bent = np.abs(curvature) > b.size * EPS * np.abs(curvature).max(initial=0.0)
    axes, curvature = axes[:, bent], curvature[bent]
    if curvature.size < b.size:
        # One more axis, along which the polynomial is linear.
        rest = b - axes @ (axes.T @ b)
        rest = rest - axes @ (axes.T @ rest)  # what rounding has left
        length = float(np.linalg.norm(rest))
        if length > 8 * EPS * math.sqrt(b.size) * np.linalg.norm(b):
            axes, curvature = np.column_stack((axes, rest / length)), np.append(curvature, 0.0)
        elif not curvature.size:
            axes, curvature = np.eye(b.size, 1), np.zeros(1)
    return np.ascontiguousarray(axes), curvature, axes.T @ b


def _sum(terms: Array) -> float:
    """Return the sum, rounded once: the large terms of a center far away cancel."""
    try:
        return math.fsum(terms.tolist())
    except (OverflowError, ValueError):  # beyond the range, or infinities of both signs
        return math.nan


def _plain(x: Array) -> Array:
    """Return an array that a loop takes as it is; it would be compiled anew for one that may not be written to."""
    return np.require(x, np.float64, ["C", "A", "W"])
