"""The pieces of lines in each set of the library."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.estimators.crossings import lines
from isoperimetry.estimators.crossings.bodies import between, in_cone, in_half_spaces, in_paraboloid, within
from isoperimetry.estimators.crossings.lines import dots, of_rows, products, seen_from, where_positive
from isoperimetry.estimators.crossings.pieces import Pieces
from isoperimetry.sets import (
    Ball,
    Box,
    Complement,
    Cone,
    Cylinder,
    ErrorSet,
    HalfSpace,
    Moved,
    Orthant,
    Paraboloid,
    Quadric,
    Shell,
    Slab,
    Union,
    UnionOfHalfSpaces,
    Wedge,
)
from isoperimetry.sets.moved import Turn, _Matrix, _Mirrors

FARTHEST = 1e150


def line_pieces(error_set: ErrorSet, points: ArrayLike, directions: ArrayLike) -> Pieces | None:
    """Return where the lines ``points[i] + t * directions[i]`` lie in a set.

    Parameters
    ----------
    error_set : ErrorSet
        Any set of `isoperimetry.sets`, made of any others.
    points : array, shape (n, dim)
        A point of each line, finite, in the unit of the inputs.
    directions : array, shape (n, dim) or (dim,)
        Directions of the lines, or the one of all: finite, not zero, of any length; t counts them.

    Returns
    -------
    Pieces or None
        All intervals of t, exact to rounding of the ends; None if the set, or a part of it, is not one of the
        library's. The result for a line does not depend on the others, to the bit.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, a direction is zero, or a crossing is beyond the floats.

    Notes
    -----
    Ends carry the rounding of the coordinates and distances that they come from: about 1e-16 of the distance to the
    center of a ball, so 1e-10 where that is a million. What is thinner than the floats there is lost.

    Examples
    --------
    >>> from isoperimetry.sets import Ball, Complement
    >>> lines = [[0.0, 0.0], [0.0, 3.0]], [1.0, 0.0]
    >>> pieces = line_pieces(Complement(Ball([2.0, 0.0], 1.0)), *lines)
    >>> pieces.low.tolist(), pieces.high.tolist()
    ([[-inf, 3.0], [-inf, inf]], [[1.0, inf], [inf, inf]])
    """
    owner = type(error_set).__name__
    start = _validate.as_points("points", points, dim=error_set.dim, owner=owner)
    along = _validate.as_points("directions", directions, dim=error_set.dim, owner=owner)
    if start.ndim != 2:
        raise ValueError(f"points has shape {start.shape} but must have shape (n, {error_set.dim}): one for each line.")
    if along.ndim != 1 and along.shape != start.shape:
        raise ValueError(
            f"directions has shape {along.shape} but must have shape {start.shape} or ({error_set.dim},): one for each "
            "line, or one for all."
        )
    _validate.refuse("directions", along, ~np.isfinite(along), "finite", "it is a direction.")
    with np.errstate(all="ignore"):
        along, unit = _of_good_size(np.ascontiguousarray(along))
        found = _pieces(error_set, _near(np.ascontiguousarray(start)), along)
        if found is None or unit is None:
            return found
        return Pieces.of(found.low / unit, found.high / unit)


def _of_good_size(directions: Array) -> tuple[Array, Array | None]:
    """Return directions whose squares are floats, and by what they were divided; None: they were so before."""
    squares = dots(directions, directions)
    if np.all((squares > lines.SMALLEST) & (squares < lines.LARGEST)):
        return directions, None
    largest = np.abs(directions).max(axis=-1, keepdims=True)
    if not largest.all():
        row = f"[{int(np.argmin(largest))}]" if directions.ndim > 1 else ""
        raise ValueError(f"directions{row} must have a non-zero entry: it is a direction.")
    return directions / largest, largest


def _near(points: Array) -> Array:
    """Return points after checking that products of their coordinates are floats."""
    if points.size and not -FARTHEST <= points.min() <= points.max() <= FARTHEST:
        bad = ~(np.abs(points) <= FARTHEST)
        _validate.refuse("points", points, bad, f"finite, up to {FARTHEST:g}", "take a larger unit of the inputs.")
    return points


@functools.singledispatch
def _pieces(error_set: object, points: Array, directions: Array) -> Pieces | None:
    return None


@_pieces.register
def _(error_set: HalfSpace, points: Array, directions: Array) -> Pieces | None:
    return where_positive(dots(points, error_set.unit) - error_set.offset, dots(directions, error_set.unit))


@_pieces.register
def _(error_set: Slab, points: Array, directions: Array) -> Pieces | None:
    along, slope = dots(points, error_set.unit), dots(directions, error_set.unit)
    above = where_positive(along - (error_set.center_offset - error_set.half_width), slope)
    return above.intersection(where_positive(error_set.center_offset + error_set.half_width - along, -slope))


@_pieces.register
def _(error_set: UnionOfHalfSpaces, points: Array, directions: Array) -> Pieces | None:
    return in_half_spaces(error_set.units, error_set.offsets, points, directions)


@_pieces.register
def _(error_set: Ball, points: Array, directions: Array) -> Pieces | None:
    return within(seen_from(error_set.center, points, directions), error_set.radius)


@_pieces.register
def _(error_set: Shell, points: Array, directions: Array) -> Pieces | None:
    seen = seen_from(error_set.center, points, directions)
    outer = within(seen, error_set.outer)
    return outer.intersection(within(seen, error_set.inner).complement()) if error_set.inner > 0 else outer


@_pieces.register
def _(error_set: Cylinder, points: Array, directions: Array) -> Pieces | None:
    k = error_set.center.size
    return within(seen_from(error_set.center, points[:, :k], directions[..., :k]), error_set.radius)


@_pieces.register
def _(error_set: Box, points: Array, directions: Array) -> Pieces | None:
    return between(error_set.low, error_set.high, points, directions)


@_pieces.register
def _(error_set: Orthant, points: Array, directions: Array) -> Pieces | None:
    return between(error_set.thresholds, np.full(error_set.dim, np.inf), points, directions)


@_pieces.register
def _(error_set: Cone, points: Array, directions: Array) -> Pieces | None:
    return in_cone(error_set.half_angle, points, directions)


@_pieces.register
def _(error_set: Wedge, points: Array, directions: Array) -> Pieces | None:
    return in_cone(0.5 * error_set.angle, points, directions)


@_pieces.register
def _(error_set: Paraboloid, points: Array, directions: Array) -> Pieces | None:
    return in_paraboloid(error_set.offset, error_set.curvature, points, directions)


@_pieces.register
def _(error_set: Quadric, points: Array, directions: Array) -> Pieces | None:
    n = len(points)
    straight, own = dots(directions, error_set.b), np.atleast_2d(directions)
    if isinstance(error_set.A, tuple):
        factors, weights = error_set.A
        x, y = products(points, factors.T), products(own, factors.T)
        bend, mixed, value = dots(y * y, weights), dots(x * y, weights), dots(x * x, weights)
    elif error_set.A.ndim == 2:
        x, y = products(points, error_set.A), products(own, error_set.A)
        bend, value = dots(y, own), dots(x, points)
        mixed = 0.5 * (dots(x, directions) + dots(y, points))  # as the matrix is symmetric to rounding only
    else:
        mixed, value = np.empty(n), np.empty(n)
        bend = dots(error_set.A * own, own)
        for rows in lines.blocks(n, points.shape[1]):
            x = error_set.A * points[rows]
            mixed[rows], value[rows] = dots(x, of_rows(directions, rows)), dots(x, points[rows])
    value = value + dots(points, error_set.b) + error_set.c
    return lines.where_not_positive(*np.broadcast_arrays(-bend, -(mixed + 0.5 * straight), -value))


@_pieces.register
def _(error_set: Union, points: Array, directions: Array) -> Pieces | None:
    total = _pieces(error_set.parts[0], points, directions)
    for part in error_set.parts[1:]:
        found = None if total is None else _pieces(part, points, directions)
        total = None if found is None or total is None else total.union(found)
    return total


@_pieces.register
def _(error_set: Complement, points: Array, directions: Array) -> Pieces | None:
    found = _pieces(error_set.error_set, points, directions)
    return None if found is None else found.complement()


@_pieces.register
def _(error_set: Moved, points: Array, directions: Array) -> Pieces | None:
    start, along = points - error_set.shift, np.atleast_2d(directions)
    if error_set.turn_back is not None:
        start, along = _turned(error_set.turn_back, start), _turned(error_set.turn_back, along)
    if error_set.factor != 1:
        start = start / error_set.factor
    start = _near(start)
    found = _pieces(error_set.error_set, start, along.reshape(directions.shape))
    if found is None or error_set.factor == 1:
        return found
    return Pieces.of(found.low * error_set.factor, found.high * error_set.factor)


def _turned(turn: Turn, rows: Array) -> Array:
    """Return ``turn(rows)``, by products that do not depend on the number of rows."""
    if isinstance(turn, _Matrix):
        return products(rows, turn.matrix.T)
    if not isinstance(turn, _Mirrors):
        return turn(rows)
    for mirror in turn.mirrors:
        rows = rows - 2.0 * dots(rows, mirror)[:, None] * mirror
    return rows
