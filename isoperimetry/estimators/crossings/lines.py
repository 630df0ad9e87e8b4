"""The arithmetic behind crossings: products of rows, a line seen from a center, and roots without cancellation.

A result for a row does not depend on the other rows, to the bit, which a product of matrices of any height would not
keep: rows are multiplied one by one, or in tiles of one height. Directions have shape (n, dim), one for each line, or
(dim,), one for all. NumPy's warnings are silenced by the caller: quotients by 0 are meant, and `Pieces.of` finds NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array
from isoperimetry.estimators.crossings.pieces import Pieces

COLUMNS = 8192  # of longer vectors BLAS would share the sum among threads, in an order that depends on their number
TILE = 64
FEW = 16  # so many vectors are multiplied one by one as fast as in tiles
BLOCK = 2**18  # entries of an array in between: some megabytes
SMALLEST, LARGEST = 1e-200, 1e200  # of squares that have all their digits
CANCELLED = 1e-3  # below this share of a difference, it is computed in another way


class Seen(NamedTuple):
    """Lines seen from a point: at t, the distance is the root of ``(ahead + speed * t)**2 + beside**2``.

    ``speed`` is the length of the direction, ``size`` the distance at t = 0; shape (n,) each.
    """

    ahead: Array
    speed: Array
    beside: Array
    size: Array


def dots(x: Array, y: Array) -> Array:
    """Return the inner products of the last axes."""
    total = np.vecdot(x[..., :COLUMNS], y[..., :COLUMNS])
    for start in range(COLUMNS, x.shape[-1], COLUMNS):
        total = total + np.vecdot(x[..., start : start + COLUMNS], y[..., start : start + COLUMNS])
    return np.asarray(total)


def products(x: Array, vectors: Array) -> Array:
    """Return the inner products of rows x, shape (n, dim), with vectors, shape (k, dim), as (n, k)."""
    if len(vectors) <= FEW:
        return dots(x[:, None, :], np.ascontiguousarray(vectors))
    result = np.empty((len(x), len(vectors)))
    for start in range(0, len(x), TILE):
        tile = x[start : start + TILE]
        if len(tile) == TILE:
            result[start : start + TILE] = tile @ vectors.T
        else:
            result[start:] = (np.vstack((tile, np.zeros((TILE - len(tile), x.shape[1])))) @ vectors.T)[: len(tile)]
    return result


def blocks(n: int, dim: int) -> Iterator[slice]:
    """Return slices of n rows whose arrays in between fit into the cache."""
    rows = max(1, BLOCK // dim)
    return (slice(start, start + rows) for start in range(0, n, rows))


def of_rows(directions: Array, rows: slice | NDArray[np.intp]) -> Array:
    """Return the directions of some of the lines."""
    return directions if directions.ndim == 1 else directions[rows]


def seen_from(center: Array | None, points: Array, directions: Array) -> Seen:
    """Return how lines look from ``center``, shape (dim,), or from the origin."""
    n, dim = points.shape
    parts = np.empty((4, n))
    for rows in blocks(n, dim):
        offset = points[rows] if center is None else points[rows] - center
        parts[:, rows] = _seen(offset, of_rows(directions, rows))
    return Seen(*parts)


def _seen(offset: Array, directions: Array) -> Array:
    squares, lengths = dots(offset, offset), np.broadcast_to(dots(directions, directions), len(offset))
    wild = ~(_are_plain(squares, offset) & _are_plain(lengths, directions))
    if wild.any():
        return _seen_of_any_size(offset, directions, wild)
    return _seen_of_good_size(offset, directions, squares, lengths)


def _are_plain(squares: Array, rows: Array) -> NDArray[np.bool_]:
    """Return whether squares of lengths have all their digits; 0 has, where it is no underflow."""
    plain = (squares >= SMALLEST) & (squares <= LARGEST)
    none = np.flatnonzero(squares == 0)
    if none.size:
        plain[none] = ~of_rows(rows, none).any(axis=-1)
    return plain


def _seen_of_good_size(offset: Array, directions: Array, squares: Array, lengths: Array) -> Array:
    speed = np.sqrt(lengths)
    pace = np.where(speed > 0, speed, 1.0)
    ahead = dots(offset, directions) / pace
    beside = squares - ahead * ahead
    near = np.flatnonzero(beside < CANCELLED * squares)
    if near.size:
        own = of_rows(directions, near)
        rest = offset[near] - (ahead / pace)[near, None] * own
        beside[near] = dots(rest, rest) if offset.shape[1] > 1 else 0.0
    return np.array([ahead, speed, np.sqrt(beside), np.sqrt(squares)])


def _seen_of_any_size(offset: Array, directions: Array, wild: NDArray[np.bool_]) -> Array:
    """Return the parts where the squares of some lines are no floats."""
    own = np.broadcast_to(directions, offset.shape)
    result = np.zeros((4, len(offset)))
    rows = np.flatnonzero(~wild)
    if rows.size:
        result[:, rows] = _seen(offset[rows], own[rows])
    rows = np.flatnonzero(wild)
    place, pace = np.abs(offset[rows]).max(axis=1), np.abs(own[rows]).max(axis=1)
    start = offset[rows] / np.where(place > 0, place, 1.0)[:, None]
    step = own[rows] / np.where(pace > 0, pace, 1.0)[:, None]
    ahead, speed, beside, size = _seen_of_good_size(start, step, dots(start, start), dots(step, step))
    result[:, rows] = ahead * place, speed * pace, beside * place, size * place
    return result


def where_positive(value: Array, slope: Array | float) -> Pieces:
    """Return where ``value + slope * t >= 0``."""
    slope = np.broadcast_to(slope, value.shape)
    root = -value / slope
    low, high = np.where(slope > 0, root, -np.inf), np.where(slope < 0, root, np.inf)
    return Pieces.of(np.where((slope == 0) & ~(value >= 0), np.inf, low)[:, None], high[:, None])


def roots(a: Array, b: Array, c: Array, discriminant: Array) -> tuple[Array, Array]:
    """Return the real roots of ``a t**2 + 2 b t + c``, the smaller first, where the discriminant is not negative.

    ``a`` = 0 is taken for the limit from above, so that one root is infinite. Neither root is a difference.
    """
    q = -(b + np.copysign(np.sqrt(np.maximum(discriminant, 0.0)), b))
    first = np.where(q == 0, 0.0, q / (a + 0.0))
    second = np.where(q == 0, 0.0, c / q)
    return np.minimum(first, second), np.maximum(first, second)


def where_not_positive(a: Array, b: Array, c: Array) -> Pieces:
    """Return where ``a t**2 + 2 b t + c <= 0``."""
    largest = np.max(np.abs([a, b, c]), axis=0)
    scale = np.ldexp(1.0, -np.clip(np.frexp(largest)[1], -1000, 1000))
    a, b, c = a * scale, b * scale, c * scale
    discriminant = b * b - a * c
    low, high = roots(a, b, c, discriminant)
    crossed = discriminant > 0
    between = crossed & (a >= 0)
    beyond = crossed & (a < 0)
    whole = np.where((a == 0) & (b == 0), c <= 0, ~crossed & (a < 0))
    first = np.where(whole | beyond, -np.inf, np.where(between, low, np.inf))
    first[~np.isfinite(largest)] = np.nan
    first_end = np.where(beyond, low, np.where(between, high, np.inf))
    if not beyond.any():
        return Pieces.of(first[:, None], first_end[:, None])
    second = np.where(beyond, high, np.inf)
    return Pieces.of(np.stack((first, second), 1), np.stack((first_end, np.full(len(a), np.inf)), 1))
