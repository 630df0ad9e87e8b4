"""Half-spaces that are proved to cover an error set: what makes a two-sided interval rigorous at any measure.

A convex set that does not hold the center of the noise lies beyond the tangent plane at its nearest point. For any
direction the plane is put at the least product with a point of the set, in closed form, so that a direction that is
rounded, or not quite the best one, costs a little width and never the proof.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry._validate import Array
from isoperimetry.estimators.reduction._frames import _forward
from isoperimetry.sets.ball import Ball
from isoperimetry.sets.box import Box
from isoperimetry.sets.cone import Conical
from isoperimetry.sets.cylinder import Cylinder
from isoperimetry.sets.halfspace import HalfSpace
from isoperimetry.sets.halfspaces import UnionOfHalfSpaces
from isoperimetry.sets.moved import Moved
from isoperimetry.sets.orthant import Orthant
from isoperimetry.sets.paraboloid import Paraboloid
from isoperimetry.sets.shell import Shell
from isoperimetry.sets.slab import Slab
from isoperimetry.sets.transform import Complement
from isoperimetry.sets.union import Union

LARGEST = 2**25
"""Entries of the normals of a cover, at most: 256 MiB."""

MARGIN = 1e-12
"""By which offsets are reduced, of themselves and, for the rounding of products, of the distance from the origin."""

Faces = tuple[Array, Array]  # unit normals (m, dim), and the distances (m,) of the planes from the center


def half_space_cover(error_set: Any, center: Array, sigma: float) -> tuple[Array, Array] | None:
    """Return half-spaces whose union holds an error set, proved, in units of the noise.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`
        Half-spaces and their unions; balls, boxes, orthants, cylinders, slabs, shells, convex cones, wedges and
        paraboloids; the complements that are made of these; unions and images of all of them.
    center : array, shape (dim,)
        Center of the noise.
    sigma : float
        Scale of the noise, > 0, in the unit of the inputs.

    Returns
    -------
    tuple of arrays, or None
        Unit ``normals``, shape (m, dim), and ``offsets``, shape (m,), all > 0: the errors are at ``center + sigma * u``
        with ``normals[i] @ u >= offsets[i]`` for some i. None where no cover is known, and where the center lies in
        one of its half-spaces.

    Examples
    --------
    >>> normals, offsets = half_space_cover(Ball([0.0, 5.0], 2.0), np.zeros(2), 0.5)
    >>> normals.tolist(), offsets.round(6).tolist()
    ([[0.0, 1.0]], [6.0])
    """
    faces = _faces(error_set, center)
    if faces is None or len(faces[1]) == 0:
        return None
    normals, gaps = faces
    lengths = np.linalg.norm(normals, axis=1)
    rounding = MARGIN * np.abs(gaps) + 1e-3 * MARGIN * float(np.linalg.norm(center))
    offsets = (gaps - rounding) / (lengths * sigma) * (1.0 - MARGIN)
    if not (np.isfinite(offsets).all() and (offsets > 0).all()):
        return None
    return np.ascontiguousarray(normals / lengths[:, None]), offsets


def _faces(error_set: Any, center: Array) -> Faces | None:
    """Return the half-spaces ``{x: normals_i.(x - center) >= gaps_i}`` of a cover, as they come."""
    if isinstance(error_set, Moved):
        return _moved(error_set, center)
    if isinstance(error_set, Union):
        found = [_faces(part, center) for part in error_set.parts]
        known = [faces for faces in found if faces is not None]
        if len(known) < len(found) or sum(faces[0].size for faces in known) > LARGEST:
            return None
        return np.concatenate([faces[0] for faces in known]), np.concatenate([faces[1] for faces in known])
    if isinstance(error_set, Complement):
        return _of_complement(error_set.error_set, center)
    if isinstance(error_set, HalfSpace):
        return error_set.unit[None], np.array([error_set.offset - center @ error_set.unit])
    if isinstance(error_set, UnionOfHalfSpaces):
        return error_set.units, error_set.offsets - error_set.units @ center
    return _tangent(error_set, center)


def _moved(moved: Moved, center: Array) -> Faces | None:
    forward = None if moved.turn_back is None else _forward(moved.turn_back)
    if moved.turn_back is not None and forward is None:
        return None
    faces = _faces(moved.error_set, moved._center(center))
    if faces is None:
        return None
    normals = faces[0] if forward is None else forward(np.asarray(faces[0]))
    return np.asarray(normals), moved.factor * faces[1]  # seen from the center, a move changes lengths only


def _of_complement(inner: Any, center: Array) -> Faces | None:
    """Return the cover of what is outside a set."""
    if isinstance(inner, Complement):
        return _faces(inner.error_set, center)
    if isinstance(inner, Moved):
        return _faces(Moved(Complement(inner.error_set), inner.shift, inner.factor, inner.turn_back), center)
    if isinstance(inner, HalfSpace):
        return -inner.unit[None], np.array([center @ inner.unit - inner.offset])
    if isinstance(inner, Slab):
        along = float(center @ inner.unit) - inner.center_offset
        return np.array([inner.unit, -inner.unit]), np.array([inner.half_width - along, inner.half_width + along])
    if isinstance(inner, Box | Orthant):
        low, high = inner._ends
        return _outside_box(low - center, high - center)
    if isinstance(inner, Shell) and inner.outer == math.inf:
        return _tangent(Ball(inner.center, inner.inner), center)
    # The rest of the space is a convex body that opens the other way.
    mirror = np.where(np.arange(center.size) == 0, -1.0, 1.0)
    mirrored: Any = None
    if isinstance(inner, Conical) and inner._half_angle >= math.pi / 2:
        mirrored = _cone(math.pi - inner._half_angle, mirror * center)
    elif isinstance(inner, Paraboloid) and inner.curvature <= 0:
        mirrored = _paraboloid(-inner.offset, -inner.curvature, mirror * center)
    return None if mirrored is None else (mirrored[0] * mirror, mirrored[1])


def _outside_box(low: Array, high: Array) -> Faces | None:
    """Return the half-spaces beyond the faces of a box, seen from the center."""
    below, above = np.flatnonzero(low > -np.inf), np.flatnonzero(high < np.inf)
    if (below.size + above.size) * low.size > LARGEST:
        return None
    normals = np.zeros((below.size + above.size, low.size))
    normals[np.arange(below.size), below] = -1.0
    normals[np.arange(below.size, len(normals)), above] = 1.0
    return normals, np.concatenate([-low[below], high[above]])


def _tangent(body: Any, center: Array) -> Faces | None:
    """Return the half-space beyond the nearest point of a convex body that does not hold the center."""
    if isinstance(body, Slab):
        along = float(center @ body.unit) - body.center_offset
        side = -1.0 if along > 0 else 1.0
        return side * body.unit[None], np.array([abs(along) - body.half_width])
    if isinstance(body, Ball | Cylinder | Shell):
        radius = body.outer if isinstance(body, Shell) else body.radius
        normal = np.zeros(center.size)
        normal[: body.center.size] = body.center - center[: body.center.size]
        length = float(np.linalg.norm(normal))
        return (normal[None] / length, np.array([length - radius])) if length > radius else None
    if isinstance(body, Box | Orthant):
        low, high = body._ends
        normal = np.maximum(low - center, 0.0) - np.maximum(center - high, 0.0)
        seen = normal != 0
        if not seen.any() or not np.isfinite(normal).all() or np.any(low > high):
            return None
        # The least product with a point of the box is at the faces that are nearer.
        nearest = np.where(normal > 0, low - center, high - center)[seen]
        length = float(np.linalg.norm(normal))
        return normal[None] / length, np.array([nearest @ normal[seen] / length])
    if isinstance(body, Conical) and body._half_angle <= math.pi / 2:
        return _cone(body._half_angle, center)
    if isinstance(body, Paraboloid) and body.curvature >= 0:
        return _paraboloid(body.offset, body.curvature, center)
    return None


def _cone(half_angle: float, center: Array) -> Faces | None:
    """Return the tangent half-space of a convex cone around the first axis: its plane goes through the apex."""
    cosine, sine = (0.0, 1.0) if half_angle == math.pi / 2 else (math.cos(half_angle), math.sin(half_angle))
    along, across = float(center[0]), float(np.linalg.norm(center[1:]))
    if across * cosine <= along * sine:
        return None
    if along * cosine + across * sine <= 0:  # the apex is nearest
        normal = -center / float(np.linalg.norm(center))
    else:
        normal = center * (-cosine / across)
        normal[0] = sine
    return normal[None], np.array([-float(normal @ center)])


def _paraboloid(offset: float, curvature: float, center: Array) -> Faces | None:
    """Return the tangent half-space of a convex paraboloid around the first axis."""
    along, across = float(center[0]), float(np.linalg.norm(center[1:]))
    if along >= offset + 0.5 * curvature * across * across:
        return None
    # The nearest point has the distance r from the axis at which r + slope (height - along) = across, slope = k r.
    low, high = 0.0, across
    for _ in range(200):
        r = 0.5 * (low + high)
        over = r + curvature * r * (offset + 0.5 * curvature * r * r - along) > across
        low, high = (low, r) if over else (r, high)
    slope = curvature * low
    normal = np.zeros(center.size)
    if across > 0:
        normal[:] = center * (-slope / across)
    normal[0] = 1.0
    least = offset - (0.5 * slope * slope / curvature if curvature > 0 else 0.0)  # of normal.x over the body
    gap = least - float(normal @ center)
    length = math.hypot(1.0, slope)
    return normal[None] / length, np.array([gap / length])
