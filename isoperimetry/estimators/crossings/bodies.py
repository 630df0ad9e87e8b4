"""Where lines lie in balls, boxes, cones, paraboloids and half-spaces, of which the sets are made."""

from __future__ import annotations

import math

import numpy as np

from isoperimetry._validate import Array
from isoperimetry.estimators.crossings.lines import (
    Seen,
    blocks,
    of_rows,
    products,
    roots,
    seen_from,
    where_not_positive,
    where_positive,
)
from isoperimetry.estimators.crossings.pieces import Pieces


def within(seen: Seen, radius: float) -> Pieces:
    """Return where lines are within a distance."""
    if radius == math.inf:
        return Pieces.where(np.ones(len(seen.ahead), np.bool_))
    ahead, speed, beside, size = seen
    unit = radius if radius > 0 else 1.0
    half = radius * np.sqrt(np.maximum((radius - beside) / unit, 0.0) * ((radius + beside) / unit))
    far = -(ahead + np.copysign(half, ahead))
    # The other root is the product of both over this one, unless it is a sum too.
    product = np.where(far == 0, 0.0, (size - radius) * ((size + radius) / far))
    near = np.where(np.abs(ahead) < 0.5 * half, np.copysign(half, ahead) - ahead, product)
    ends = np.minimum(near, far) / speed, np.maximum(near, far) / speed
    still, inside = speed == 0, size <= radius
    met = ~(half <= 0)  # NaN too, which is reported
    low = np.where(still, np.where(inside, -np.inf, np.inf), np.where(met, ends[0], np.inf))
    return Pieces.of(low[:, None], np.where(still | ~met, np.inf, ends[1])[:, None])


def between(low: Array, high: Array, points: Array, directions: Array) -> Pieces:
    """Return where lines are between faces across the axes: from the last one entered to the first one left."""
    n, dim = points.shape
    enter, leave = np.empty(n), np.empty(n)
    steps = directions + 0.0  # no zero is negative, so that quotients by it have the sign of the gap
    if steps.ndim == 1 and not steps.all():  # often an axis: faces along all lines only let them in or not
        still, moving = steps == 0, steps != 0
        ends = low[moving], high[moving], points[:, moving], steps[moving]
        inside = np.empty(n, np.bool_)
        for rows in blocks(n, dim):
            x = points[rows, still]
            inside[rows] = np.all((x >= low[still]) & (x <= high[still]), axis=1)
        return between(*ends).intersection(Pieces.where(inside))
    for rows in blocks(n, dim):
        step = of_rows(steps, rows)
        first, second = (low - points[rows]) / step, (high - points[rows]) / step
        if not np.all(step):  # 0 / 0: on a face, and so between
            first[np.isnan(first)], second[np.isnan(second)] = -np.inf, np.inf
        enter[rows] = np.minimum(first, second).max(axis=1)
        leave[rows] = np.maximum(first, second).min(axis=1)
    return Pieces.of(enter[:, None], leave[:, None])


def in_cone(half_angle: float, points: Array, directions: Array) -> Pieces:
    """Return where the angle of lines to the first axis is at most ``half_angle``."""
    height, climb = points[:, 0], np.broadcast_to(directions[..., 0], len(points))
    if half_angle == math.pi:
        return Pieces.where(np.ones(len(points), np.bool_))
    if half_angle == math.pi / 2:
        return where_positive(height, climb)
    across = seen_from(None, points[:, 1:], directions[..., 1:])
    cosine, sine = math.cos(half_angle), math.sin(half_angle)
    if cosine < 0:  # the complement of the cone that opens the other way
        return _in_convex_cone(-cosine, sine, -height, -climb, across).complement()
    return _in_convex_cone(cosine, sine, height, climb, across)


def _in_convex_cone(cosine: float, sine: float, height: Array, climb: Array, across: Seen) -> Pieces:
    """Return the intervals of one of the two halves of ``|across| cosine <= |height| sine``.

    The discriminant, ``b**2 - a c`` of the double cone, is written as a sum, of which no term cancels where the line
    climbs more steeply than the edge.
    """
    scale = np.ldexp(1.0, np.frexp(np.maximum(np.abs(height), across.size))[1])  # lengths come out in this unit
    height, ahead, beside, size = (length / scale for length in (height, across.ahead, across.beside, across.size))
    speed = across.speed
    a = (cosine * speed - sine * np.abs(climb)) * (cosine * speed + sine * np.abs(climb))
    b = cosine**2 * ahead * speed - sine**2 * height * climb
    c = (cosine * size - sine * np.abs(height)) * (cosine * size + sine * np.abs(height))
    moment = height * speed - climb * ahead
    discriminant = cosine**2 * (sine**2 * moment * moment - a * beside * beside)
    first, second = roots(a, b, c, discriminant)
    first, second = first * scale, second * scale
    apex = -(height / np.where(climb == 0, 1.0, climb)) * scale  # where lines along the edge or axis pass it
    steep = a < 0
    along = (a == 0) & (b == 0)
    up, down = steep & (climb > 0), steep & (climb < 0)
    through = ~steep & ~along & (moment > 0) & (discriminant > 0)
    edge = along & (c <= 0)
    low = np.select(
        [up, down, through, edge & (climb > 0), edge & (climb < 0)], [second, -np.inf, first, apex, -np.inf], np.inf
    )
    high = np.select([down, through, edge & (climb < 0)], [first, second, apex], np.inf)
    return Pieces.of(low[:, None], high[:, None])


def in_paraboloid(offset: float, curvature: float, points: Array, directions: Array) -> Pieces:
    """Return where ``x_1 >= offset + curvature / 2 * |(x_2, ..., x_dim)|**2``."""
    side = 1.0 if curvature >= 0 else -1.0  # else the complement of the one that opens the other way
    height, climb = side * (points[:, 0] - offset), side * np.broadcast_to(directions[..., 0], len(points))
    bend = abs(curvature)
    if bend == 0:
        return where_positive(height, climb)
    across = seen_from(None, points[:, 1:], directions[..., 1:])
    convex = where_not_positive(
        0.5 * bend * across.speed * across.speed,
        0.5 * (bend * across.ahead * across.speed - climb),
        0.5 * bend * across.size * across.size - height,
    )
    return convex if side > 0 else convex.complement()


def in_half_spaces(units: Array, offsets: Array, points: Array, directions: Array) -> Pieces:
    """Return where any of ``units @ x >= offsets``: those that lines enter make one half-line, those they leave one."""
    gaps = offsets - products(points, units)
    slopes = np.broadcast_to(products(np.atleast_2d(directions), units), gaps.shape)
    crossings = gaps / slopes
    enter = np.where(slopes > 0, crossings, np.inf).min(axis=1)
    leave = np.where(slopes < 0, crossings, -np.inf).max(axis=1)
    enter[np.any((slopes == 0) & (gaps <= 0), axis=1)] = -np.inf
    edge = np.full(len(gaps), np.inf)
    return Pieces.of(np.stack((-edge, enter), 1), np.stack((leave, edge), 1))
