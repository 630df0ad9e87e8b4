"""What each kind of set sees of a point: a few directions, and for some the distance from all of them.

A part names the directions, as seen from the center of the noise, and makes the same set in the coordinates along an
orthonormal basis of their span. A set that is round about them has the distance from the span as one more coordinate:
a ball is a ball in the plane of that and of the direction of its center.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array
from isoperimetry.estimators.reduction._frames import Frame, completed
from isoperimetry.sets import (
    Ball,
    Box,
    Complement,
    Cone,
    Cylinder,
    HalfSpace,
    Moved,
    Orthant,
    Paraboloid,
    Quadric,
    Shell,
    Slab,
    Union,
    UnionOfHalfSpaces,
)
from isoperimetry.sets.base import ComplementedSet
from isoperimetry.sets.moved import _Matrix

MOST = 512  # directions: beyond, a sample of the reduced problem costs about what one of many problems does itself

Index = NDArray[np.intp]
Build = Callable[[Array], ComplementedSet]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The directions that a set sees, unit rows of shape (p, n), and how it is made from their coordinates, (p, k)."""

    directions: Array
    round: bool
    build: Build


def part_of(error_set: ComplementedSet, frame: Frame) -> Part | None:
    """Return what a set sees; None if it is none of the known kinds, or sees too much."""
    match error_set:
        case Moved():
            inner = frame.inside(error_set)
            return None if inner is None else part_of(error_set.error_set, inner)
        case Complement():
            part = part_of(error_set.error_set, frame)
            return None if part is None else Part(part.directions, part.round, _outside(part.build))
        case Union():
            return _union(error_set, frame)
        case HalfSpace() | Slab() | UnionOfHalfSpaces():
            return _flat(error_set, frame)
        case Ball() | Shell():
            return _ball(error_set, frame)
        case Cylinder():
            return _cylinder(error_set, frame)
        case Box():
            return _faces(error_set.low, error_set.high, frame, Box)
        case Orthant():
            whole = np.full(error_set.dim, np.inf)
            return _faces(error_set.thresholds, whole, frame, lambda low, _: Orthant(low))
        case Cone():
            return _about_axis(lambda size: Cone(error_set.half_angle, size), frame)
        case Paraboloid():
            return _about_axis(lambda size: Paraboloid(error_set.offset, error_set.curvature, size), frame)
        case Quadric():
            return _quadric(error_set, frame)
    return None


def _outside(build: Build) -> Build:
    return lambda coordinates: Complement(build(coordinates))


def _union(error_set: Union, frame: Frame) -> Part | None:
    parts = []
    for one in error_set.sets:
        part = part_of(one, frame)
        if part is None:
            return None
        parts.append(part)
    ends = np.cumsum([len(part.directions) for part in parts])[:-1]
    # The directions of one part are not copied: they may be large.
    known = [part.directions for part in parts if len(part.directions)]
    directions = known[0] if len(known) == 1 else np.concatenate([part.directions for part in parts])

    def build(coordinates: Array) -> ComplementedSet:
        pieces = np.split(coordinates, ends)
        return Union(*(part.build(piece) for part, piece in zip(parts, pieces, strict=True)))

    return Part(directions, any(part.round for part in parts), build)


def _flat(error_set: HalfSpace | Slab | UnionOfHalfSpaces, frame: Frame) -> Part:
    units = error_set.units if isinstance(error_set, UnionOfHalfSpaces) else error_set.unit[None]
    directions = frame.turned(units)
    shifts = directions @ frame.origin

    def build(coordinates: Array) -> ComplementedSet:
        if isinstance(error_set, UnionOfHalfSpaces):
            return UnionOfHalfSpaces(coordinates, frame.factor * error_set.offsets + shifts)
        shift = float(shifts[0])
        if isinstance(error_set, HalfSpace):
            return HalfSpace(coordinates[0], frame.factor * error_set.offset + shift)
        return Slab(coordinates[0], frame.factor * error_set.center_offset + shift, frame.factor * error_set.half_width)

    return Part(directions, False, build)


def _ball(error_set: Ball | Shell, frame: Frame) -> Part:
    directions, length = _direction(frame.image(error_set.center))

    def build(coordinates: Array) -> ComplementedSet:
        center = length @ coordinates
        if isinstance(error_set, Ball):
            return Ball(center, frame.factor * error_set.radius)
        return Shell(center, frame.factor * error_set.inner, frame.factor * error_set.outer)

    return Part(directions, True, build)


def _cylinder(error_set: Cylinder, frame: Frame) -> Part | None:
    dim, across = error_set.dim, error_set.center.size
    if across <= dim - across + 2:
        return _upright(np.arange(across), frame, lambda size: Cylinder(error_set.center, error_set.radius, size))
    # A ball in most coordinates: what it sees are the others, its center and the distance from them.
    along = np.arange(across, dim)
    center = np.zeros(dim)
    center[:across] = error_set.center
    moved = Frame(frame.image(center), frame.factor, frame.turns)
    return _upright(
        along, moved, lambda size: Cylinder(np.zeros(size - along.size), error_set.radius, size), round_=True, last=True
    )


def _faces(low: Array, high: Array, frame: Frame, make: Callable[[Array, Array], ComplementedSet]) -> Part | None:
    bounded = np.flatnonzero(np.isfinite(low) | np.isfinite(high))
    return _upright(
        bounded,
        frame,
        lambda size: make(_padded(low[bounded], size, -math.inf), _padded(high[bounded], size, math.inf)),
    )


def _about_axis(make: Callable[[int], ComplementedSet], frame: Frame) -> Part | None:
    return _upright(np.arange(1), frame, make, round_=True)


def _quadric(error_set: Quadric, frame: Frame) -> Part | None:
    axes, curvature, slope, dim = error_set._axes, error_set._curvature, error_set._slope, error_set.dim
    common = 0.0  # of the directions that are not axes
    if curvature.size == dim:
        values, counts = np.unique(curvature, return_counts=True)
        common = float(values[np.argmax(counts)])
    apart = np.flatnonzero(curvature != common)
    if _too_many(apart.size, dim):
        return None
    own = _unit_rows(apart, dim) if axes is None else np.ascontiguousarray(axes[:, apart].T)
    linear = np.where(curvature == common, slope, 0.0)
    rest, steepness = _direction(linear if axes is None else axes @ linear)

    def make(size: int) -> ComplementedSet:
        second = _padded(curvature[apart], size, common)
        return Quadric(second, _padded(np.concatenate([slope[apart], steepness]), size, 0.0), error_set.c)

    return _placed(np.concatenate([own, rest]), frame, make, round_=common != 0)


def _upright(
    coordinates: Index,
    frame: Frame,
    make: Callable[[int], ComplementedSet],
    *,
    round_: bool = False,
    last: bool = False,
) -> Part | None:
    """Return the part of a set with some coordinates for axes."""
    dim = frame.origin.size
    if _too_many(coordinates.size, dim):
        return None
    return _placed(_unit_rows(coordinates, dim), frame, make, round_=round_, last=last)


def _placed(
    axes: Array, frame: Frame, make: Callable[[int], ComplementedSet], *, round_: bool, last: bool = False
) -> Part:
    """Return the part of a set with orthonormal axes, which in fewer dimensions are its first, or last, coordinates.

    One that is round about its axes sees its origin too.
    """
    directions = frame.turned(axes)
    count = len(axes)
    if round_:
        away, length = _direction(frame.origin)
        directions = np.concatenate([directions, away]) if len(away) else directions
    else:
        length = directions @ frame.origin  # along the axes: no more matters

    def build(coordinates: Array) -> ComplementedSet:
        size = coordinates.shape[1]
        shift = length @ coordinates[count:] if round_ else length @ coordinates
        matrix = completed(coordinates[:count].T, last=last)
        error_set = make(size)
        straight = np.array_equal(matrix, np.eye(size))
        if straight and frame.factor == 1 and not shift.any():
            return error_set
        for array in (shift, matrix):
            array.flags.writeable = False
        return Moved(error_set, shift, frame.factor, None if straight else _Matrix(matrix))

    return Part(directions, round_, build)


def _direction(vector: Array) -> tuple[Array, Array]:
    """Return a vector as a unit row and its length, both empty for the origin: shapes (1, n) and (1,), or 0."""
    largest = float(np.abs(vector).max())
    if largest == 0:
        return np.empty((0, vector.size)), np.empty(0)
    scaled = vector / largest
    length = float(np.linalg.norm(scaled))
    return scaled[None] / length, np.array([largest * length])


def _too_many(count: int, dim: int) -> bool:
    return count > MOST or count + 1 >= dim


def _unit_rows(places: Index, dim: int) -> Array:
    rows = np.zeros((places.size, dim))
    rows[np.arange(places.size), places] = 1.0
    return rows


def _padded(values: Array, size: int, rest: float) -> Array:
    """Return values and the same number for all other coordinates."""
    full = np.full(size, rest)
    full[: values.size] = values
    return full
