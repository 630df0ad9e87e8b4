"""The reduction of error sets: the same kinds of sets, in the few dimensions in which they look at noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.estimators.reduction._basis import orthonormal
from isoperimetry.estimators.reduction._frames import Frame
from isoperimetry.estimators.reduction._parts import MOST, part_of
from isoperimetry.sets.base import ComplementedSet, as_center

LARGEST = 2**26  # entries of the directions: half a gigabyte


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SetReduction:
    """An error set in the dimensions in which it looks at noise around a center: made by `reduce_set`.

    Under ``N(center, sigma**2 I)`` a point x has the coordinates y = ``project(x)`` with the law of sigma times
    ``rank`` standard normals and, if ``dof`` is not 0, the chi law with ``dof`` degrees of freedom as the last one. The
    reduced set contains y where the full one contains x, and has the same signed distance there.

    Attributes
    ----------
    error_set : set of `isoperimetry.sets`
        The reduced set, in ``rank`` dimensions, or ``rank + 1`` where the distance from the span of the basis matters.
    rank : int
        Directions that the set sees.
    dof : int
        Dimensions at right angles to them if the set sees the distance from their span, else 0.
    basis : array, shape (dim, rank)
        The directions, orthonormal.
    center : array, shape (dim,)
        Center of the noise, the origin of the reduced space.
    """

    error_set: ComplementedSet
    rank: int
    dof: int
    basis: Array
    center: Array

    def __repr__(self) -> str:
        return f"SetReduction({self.error_set!r}, dim={self.center.size}, rank={self.rank}, dof={self.dof})"

    def project(self, x: ArrayLike) -> Array:
        """Return the coordinates of points.

        Parameters
        ----------
        x : array, shape (N, dim)
            Points, one a row, in the unit of the inputs.

        Returns
        -------
        array, shape (N, error_set.dim)
            Positions along the basis from the center and, if ``dof`` is not 0, the distance from its span.

        Raises
        ------
        ValueError
            If the shape does not fit.
        """
        rows = self._rows("x", x, self.center.size) - self.center
        along = rows @ self.basis
        if not self.dof:
            return np.asarray(along)
        return np.column_stack([along, np.linalg.norm(rows - along @ self.basis.T, axis=1)])

    def lift(self, y: ArrayLike) -> Array:
        """Return points with given coordinates.

        Parameters
        ----------
        y : array, shape (N, error_set.dim)
            Points of the reduced space, one a row.

        Returns
        -------
        array, shape (N, dim)
            The nearest to the center of the points with these coordinates; at a distance from the span of the basis,
            one of them: all have the same.

        Raises
        ------
        ValueError
            If the shape does not fit.
        """
        rows = self._rows("y", y, self.error_set.dim)
        points = self.center + rows[:, : self.rank] @ self.basis.T
        if not self.dof:
            return np.asarray(points)
        # The coordinate axis that the basis has least of, less its part in the span.
        place = int(np.argmin(np.square(self.basis).sum(axis=1)))
        aside = -(self.basis @ self.basis[place])
        aside[place] += 1.0
        aside -= self.basis @ (self.basis.T @ aside)
        return np.asarray(points + rows[:, self.rank :] * (aside / np.linalg.norm(aside)))

    def _rows(self, name: str, value: ArrayLike, dim: int) -> Array:
        rows = _validate.as_points(name, value, dim=dim, owner="SetReduction")
        if rows.ndim != 2:
            raise ValueError(f"{name} has shape {rows.shape} but must have shape (N, {dim}): one point in each row.")
        return rows


def reduce_set(error_set: ComplementedSet, center: ArrayLike | None = None) -> SetReduction | None:
    """Return an error set in the few dimensions in which it looks at noise, if they are few.

    Half-spaces and slabs look along their normals, boxes and orthants along the coordinates that they bound, balls
    along the line to their center and at the distance from it, cones and paraboloids along their axis and at the
    distance from it too. Unions, complements and moved sets look where their parts do.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`
        The full set.
    center : array, shape (dim,), optional
        Center of the noise, finite; None: the origin.

    Returns
    -------
    SetReduction or None
        The set in rank dimensions, or one more; None where that does not pay, as the rank is above 512 or not below
        dim - 1, or where the set is not made of those of the library.

    Raises
    ------
    TypeError
        If ``error_set`` is no set that answers for its complement.
    ValueError
        If the center is not one finite point of the space.

    Notes
    -----
    A sample of the reduced problem costs ``rank`` normals instead of ``dim``, and membership in as many dimensions. For
    that the directions are orthonormalised once: about 20 ms for 16 half-spaces in 150 528 dimensions.

    Examples
    --------
    >>> from isoperimetry.sets import Ball
    >>> ball = Ball([3.0] + 783 * [0.0], radius=27.0)
    >>> reduction = reduce_set(ball)
    >>> reduction.error_set, reduction.rank, reduction.dof
    (Ball(center=[3.0, 0.0], radius=27.0), 1, 783)

    The volume, from 2 numbers for each sample instead of 784:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.column_stack([rng.standard_normal(100_000), np.sqrt(rng.chisquare(783, 100_000))])
    >>> round(float(reduction.error_set.contains(y).mean()), 2), round(ball.volume(), 2)
    (0.05, 0.05)
    """
    if not isinstance(error_set, ComplementedSet):
        raise TypeError(f"error_set={error_set!r} must be a set of isoperimetry.sets.")
    dim = error_set.dim
    point = np.zeros(dim)
    if center is not None:
        point = as_center(center, dim=dim, owner=type(error_set).__name__).copy()
        _validate.refuse("center", point, np.isnan(point), "finite", "it is one point of the space.")
    if dim <= 2:
        return None
    part = part_of(error_set, Frame(-point))
    if part is None or part.directions.size > LARGEST:
        return None
    directions = part.directions
    if not len(directions) and not part.round:  # a set that sees nothing, the whole space: along any direction
        basis, coordinates = np.eye(1, dim), np.empty((0, 1))
    else:
        basis, coordinates = orthonormal(directions)
    rank = len(basis)
    if rank > MOST or rank + 1 >= dim:
        return None
    if part.round:
        coordinates = np.column_stack([coordinates, np.zeros(len(coordinates))])
    for array in (basis, point):
        array.flags.writeable = False
    return SetReduction(
        error_set=part.build(coordinates), rank=rank, dof=dim - rank if part.round else 0, basis=basis.T, center=point
    )
