"""Sets that are moved: translated, rotated and scaled, without a matrix of the size of the space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.errors import NotExact
from isoperimetry.sets.base import (
    ANY_NORM,
    EXACT,
    Capability,
    ComplementedSet,
    as_center,
    as_norm,
    fixed_point,
    one_number,
)
from isoperimetry.sets.law import DistanceLaw, log_within

Turn = Callable[[Array], Array]


@dataclass(frozen=True, slots=True, eq=False)
class _Matrix:
    """The inverse of the rotation by an orthogonal matrix, of rows of points."""

    matrix: Array

    def __call__(self, points: Array) -> Array:
        return np.asarray(points @ self.matrix)


@dataclass(frozen=True, slots=True, eq=False)
class _Mirrors:
    """Reflections one after the other, each along a unit vector: two are a rotation."""

    mirrors: tuple[Array, ...]

    def __call__(self, points: Array) -> Array:
        for mirror in self.mirrors:
            points = points - 2.0 * (points @ mirror)[:, None] * mirror
        return points


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Moved:
    """The image ``{factor * turn(y) + shift: y in error_set}`` of a set: made by `translate`, `rotate` and `scale`.

    It is as exact as the set: ``N(center, sigma**2 I)`` is moved back to it. Enlargements in other norms than l2 are
    lost to a rotation.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`
        The set to be moved.
    shift : array, shape (dim,)
        Where the origin goes, in the unit of the inputs.
    factor : float
        By which lengths grow, > 0.
    turn_back : callable or None
        The inverse of the rotation, of rows of points (n, dim); None: no rotation.
    """

    error_set: ComplementedSet
    shift: Array
    factor: float
    turn_back: Turn | None

    def __repr__(self) -> str:
        words = [repr(self.error_set)]
        if self.turn_back is not None:
            words.append("rotated")
        if self.factor != 1:
            words.append(f"scaled by {self.factor!r}")
        if self.shift.any():
            words.append(f"shifted by {self.shift.tolist() if self.dim <= 4 else f'a vector, dim={self.dim}'}")
        return f"Moved({', '.join(words)})"

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return self.error_set.dim

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact."""
        return self._known(self.error_set.capabilities)

    @property
    def complement_capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact for the complement."""
        return self._known(self.error_set.complement_capabilities)

    def contains(self, x: ArrayLike) -> bool | NDArray[np.bool_]:
        """Return whether points, shape (..., dim), lie in the set, boundary included."""
        return self.error_set.contains(self._back("x", x))

    def signed_distance(self, x: ArrayLike) -> float | Array:
        """Return the l2 distance of points to the boundary: positive outside the set, negative inside."""
        return self.factor * self.error_set.signed_distance(self._back("x", x))

    def volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure under ``N(center, sigma**2 I)``."""
        return self.error_set.volume(self._center(center), self._length("sigma", sigma))

    def log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure, finite where the measure underflows."""
        return self.error_set.log_volume(self._center(center), self._length("sigma", sigma))

    def enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps``, in the l_p norm, of the set."""
        distance = self._length("eps", eps)
        return self.error_set.enlarged_volume(
            distance, self._center(center), self._length("sigma", sigma), p=self._norm(p, distance)
        )

    def complement_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the complement."""
        return self.error_set.complement_volume(self._center(center), self._length("sigma", sigma))

    def complement_log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure of the complement."""
        return self.error_set.complement_log_volume(self._center(center), self._length("sigma", sigma))

    def complement_enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps``, in the l_p norm, of the complement."""
        distance = self._length("eps", eps)
        return self.error_set.complement_enlarged_volume(
            distance, self._center(center), self._length("sigma", sigma), p=self._norm(p, distance)
        )

    def _log_within(
        self, eps: Array, center: ArrayLike | None, sigma: ArrayLike, *, of_complement: bool = False
    ) -> tuple[Array, Array]:
        length, scale = self._length("eps", eps), self._length("sigma", sigma)
        return log_within(self.error_set, length, self._center(center), scale, of_complement=of_complement)

    def distance_law(self, center: ArrayLike | None = None, sigma: float = 1.0) -> DistanceLaw:
        """Return the distribution of the l2 distance of a noisy sample to the set."""
        if "enlarged_volume" not in self.capabilities:
            raise NotExact(
                f"{type(self.error_set).__name__} has no exact measure of its enlargements, and so its distances no "
                "exact law: estimate it."
            )
        return DistanceLaw(self, center, sigma)

    def _known(self, capabilities: frozenset[Capability]) -> frozenset[Capability]:
        return capabilities if self.turn_back is None else capabilities - (ANY_NORM - EXACT)

    def _norm(self, p: float, distance: Array) -> float:
        """Return the norm in which the set itself is enlarged."""
        if as_norm(p) == 2 or self.turn_back is None:
            return p
        if np.any((distance > 0) & np.isfinite(distance)):
            raise NotExact(f"A rotated set has no exact enlargement for p={p:g}: the norm is turned with it.")
        return 2

    def _length(self, name: str, value: ArrayLike) -> Array:
        what = "a length, in the unit of the inputs"
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(_validate.as_nonnegative(name, value, what) / self.factor)

    def _center(self, center: ArrayLike | None) -> Array:
        if center is None:
            return self._back("center", np.zeros(self.dim))
        return self._back("center", as_center(center, dim=self.dim, owner=type(self).__name__))

    def _back(self, name: str, points: ArrayLike) -> Array:
        array = _validate.as_points(name, points, dim=self.dim, owner=type(self).__name__) - self.shift
        if self.turn_back is not None:
            array = self.turn_back(array.reshape(-1, self.dim)).reshape(array.shape)
        with np.errstate(over="ignore", under="ignore"):
            return array if self.factor == 1 else np.asarray(array / self.factor)


def translate(error_set: ComplementedSet, shift: ArrayLike) -> Moved:
    """Return the set moved by a vector.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`
        The set to be moved.
    shift : array, shape (dim,)
        The vector, finite, in the unit of the inputs.

    Returns
    -------
    Moved
        As exact as ``error_set``.

    Examples
    --------
    >>> from isoperimetry.sets import Cone
    >>> import math
    >>> translate(Cone(math.pi / 4, dim=3), [2.0, 0.0, 0.0]).signed_distance([0.0, 0.0, 0.0])
    2.0
    """
    return _moved(error_set, fixed_point("shift", shift), 1.0, None)


def scale(error_set: ComplementedSet, factor: float) -> Moved:
    """Return the set with all its points multiplied by a number, about the origin.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`
        The set to be scaled.
    factor : float
        The number, finite and > 0.

    Returns
    -------
    Moved
        As exact as ``error_set``.

    Examples
    --------
    >>> from isoperimetry.sets import HalfSpace
    >>> scale(HalfSpace([1.0, 0.0], 2.0), 3.0).signed_distance([0.0, 0.0])
    6.0
    """
    number = one_number(
        "factor", factor, lambda t: (t > 0) & np.isfinite(t), "finite and > 0", "it multiplies lengths."
    )
    return _moved(error_set, np.zeros(_checked(error_set).dim), number, None)


def rotate(
    error_set: ComplementedSet,
    matrix: ArrayLike | None = None,
    *,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
) -> Moved:
    """Return the set rotated about the origin: by a matrix, or in the plane of two directions.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`
        The set to be rotated.
    matrix : array, shape (dim, dim), optional
        An orthogonal matrix; points x become ``matrix @ x``.
    start, end : array, shape (dim,), optional
        Instead: the rotation in their plane that takes the direction of ``start`` to that of ``end``. It needs two
        vectors only, whatever the dimension.

    Returns
    -------
    Moved
        As exact as ``error_set``, in l2.

    Raises
    ------
    TypeError
        If neither or both of the forms are given.
    ValueError
        If the matrix is not orthogonal, or the directions are zero or opposite.

    Examples
    --------
    >>> from isoperimetry.sets import HalfSpace
    >>> turned = rotate(HalfSpace([1.0, 0.0], 2.0), start=[1.0, 0.0], end=[0.0, 1.0])
    >>> turned.signed_distance([9.0, 1.0])
    1.0
    """
    dim = _checked(error_set).dim
    if (matrix is None) == (start is None) or (start is None) != (end is None):
        raise TypeError("A rotation is given by matrix, or by start= and end=: pass one of the two forms.")
    if matrix is not None:
        turn = _as_matrix(matrix, dim)
        return _moved(error_set, np.zeros(dim), 1.0, _Matrix(turn))
    first, second = (_direction(name, vector, dim) for name, vector in (("start", start), ("end", end)))
    middle = first + second
    length = float(np.linalg.norm(middle))
    if length < 1e-4:  # the plane would have lost 4 of its 16 digits
        raise ValueError("start and end must not be opposite: their plane would be any plane. Rotate in two steps.")
    return _moved(error_set, np.zeros(dim), 1.0, _Mirrors((middle / length, first)))


def _checked(error_set: ComplementedSet) -> ComplementedSet:
    if not isinstance(error_set, ComplementedSet):
        raise TypeError(f"error_set={error_set!r} must be a set of isoperimetry.sets.")
    return error_set


def _moved(error_set: ComplementedSet, shift: Array, factor: float, turn_back: Turn | None) -> Moved:
    dim = _checked(error_set).dim
    if shift.shape != (dim,):
        raise ValueError(
            f"{type(error_set).__name__} has dim={dim} but shift has shape {shift.shape}: it must be (dim,)."
        )
    if isinstance(error_set, Moved) and turn_back is None and error_set.turn_back is None:  # one move instead of two
        shift, factor = shift + factor * error_set.shift, factor * error_set.factor
        error_set = error_set.error_set
    shift.flags.writeable = False
    return Moved(error_set, shift, factor, turn_back)


def _direction(name: str, value: ArrayLike | None, dim: int) -> Array:
    vector = fixed_point(name, value if value is not None else [])
    if vector.shape != (dim,):
        raise ValueError(f"{name} has shape {vector.shape} but must have shape ({dim},): it is a direction.")
    largest = np.abs(vector).max()
    if largest == 0:
        raise ValueError(f"{name} must have a non-zero entry: it is a direction.")
    return np.asarray(vector / largest / np.linalg.norm(vector / largest))


def _as_matrix(matrix: ArrayLike, dim: int) -> Array:
    array = _validate.as_float("matrix", matrix).copy()
    if array.shape != (dim, dim):
        raise ValueError(f"matrix has shape {array.shape} but must have shape ({dim}, {dim}): it acts on all inputs.")
    _validate.refuse("matrix", array, ~np.isfinite(array), "finite", "it is a rotation.")
    if np.abs(array @ array.T - np.eye(dim)).max() > 1e-12 * np.sqrt(dim):
        raise ValueError("matrix must be orthogonal: its rows must be unit vectors at right angles, to 1e-12.")
    array.flags.writeable = False
    return array
