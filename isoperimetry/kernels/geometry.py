"""Distances from a point, and to bodies of revolution about the first axis, for the rows of an array. UNCHECKED.

Each row is summed in eight strands, because the order of a sum is kept and one strand would wait for itself; so they
fill a vector. The strands overflow for lengths beyond 1e154 and lose digits for lengths below 1e-140: such rows, and no
others, are scaled and summed again. In a body of revolution a point is the pair of ``along``, its first coordinate, and
``across``, its distance from the axis.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel

Array = NDArray[np.float64]

LEAST_SQUARE, LARGEST_SQUARE = 1e-280, 1e300  # of a length whose parts may be squared without care
STEPS = 100  # Newton's method needs some ten


@kernel(inline=True)
def _square_of_gap(x: float, y: float) -> float:
    return (x - y) * (x - y)


@kernel
def _scaled_distance(row: Array, center: Array) -> float:
    """Return the distance of a row from a point whose squares would overflow or underflow."""
    largest = 0.0
    for j in range(center.size):
        gap = abs(row[j] - center[j])
        if gap > largest:
            largest = gap
    if largest == 0.0 or largest == math.inf:
        return largest
    total = 0.0
    for j in range(center.size):
        gap = (row[j] - center[j]) / largest
        total += gap * gap
    return largest * math.sqrt(total)


@kernel
def row_distance(row: Array, center: Array) -> float:
    """Return the distance of the first entries of ``row`` from ``center``, which may be shorter."""
    n = center.size
    whole = n - n % 8
    a = b = c = d = e = f = g = h = 0.0
    for j in range(0, whole, 8):
        a += _square_of_gap(row[j], center[j])
        b += _square_of_gap(row[j + 1], center[j + 1])
        c += _square_of_gap(row[j + 2], center[j + 2])
        d += _square_of_gap(row[j + 3], center[j + 3])
        e += _square_of_gap(row[j + 4], center[j + 4])
        f += _square_of_gap(row[j + 5], center[j + 5])
        g += _square_of_gap(row[j + 6], center[j + 6])
        h += _square_of_gap(row[j + 7], center[j + 7])
    rest = 0.0
    for j in range(whole, n):
        rest += _square_of_gap(row[j], center[j])
    total = ((a + b) + (c + d)) + ((e + f) + (g + h)) + rest
    if LEAST_SQUARE < total < LARGEST_SQUARE or math.isnan(total):
        return math.sqrt(total)
    return _scaled_distance(row, center)


@kernel
def fill_distances(x: Array, center: Array, out: Array) -> None:
    """Write the distance of each row's first entries from ``center``, shape (k,), to out; x has shape (n, dim >= k)."""
    for i in range(x.shape[0]):
        out[i] = row_distance(x[i], center)


@kernel(inline=True)
def cone_gap(along: float, across: float, cosine: float, sine: float) -> float:
    """Return the signed distance to the cone whose half angle, at most pi / 2, has this cosine and sine."""
    beside = across * cosine - along * sine
    if along * cosine + across * sine > 0.0 or beside <= 0.0:
        return beside
    square = along * along + across * across  # behind the plane through the apex across the edge, the apex is nearest
    return math.sqrt(square) if LEAST_SQUARE < square < LARGEST_SQUARE else math.hypot(along, across)


@kernel
def fill_cone_gaps(x: Array, cosine: float, sine: float, out: Array) -> None:
    """Write the signed distance of each row to the cone about the first axis with its apex at the origin to out.

    A negative cosine is the complement of the cone that opens the other way.
    """
    side = 1.0 if cosine >= 0.0 else -1.0
    origin = np.zeros(x.shape[1] - 1)
    plane = origin.size == 1
    for i in range(x.shape[0]):
        across = abs(x[i, 1]) if plane else row_distance(x[i, 1:], origin)
        out[i] = side * cone_gap(side * x[i, 0], across, side * cosine, sine)


@kernel
def nearest_on_parabola(ahead: float, across: float) -> float:
    """Return s >= 0 of the nearest point (s**2 / 2, s) of a parabola: the one positive root of the cubic.

    ``s**3 + 2 (1 - ahead) s = 2 across``. Newton's method descends to it from above, as the cubic is convex there;
    written as a quotient it has no difference that cancels.
    """
    p = 2.0 * (1.0 - ahead)
    third: float = (2.0 * across) ** (1.0 / 3.0)
    s = min(third, 2.0 * across / p) if p > 0.0 else third + math.sqrt(-p)
    for _ in range(STEPS):
        if not s > 0.0:
            break
        step = (2.0 * s * s * s + 2.0 * across) / (3.0 * s * s + p)
        if not step < s:
            break
        s = step
    return s


@kernel
def paraboloid_gap(ahead: float, across: float, curvature: float) -> float:
    """Return the signed distance to ``{ahead >= curvature / 2 * across**2}`` for curvature >= 0.

    With the scaled nearest point s it is that of the height, ``curvature / 2 * across**2 - ahead``, times
    ``sqrt(1 + s**2) / (1 + s (across + s) / 2)``: so it has the sign of the height, and no cancellation of its own.
    """
    scaled = curvature * across
    below = 0.5 * scaled * across - ahead
    s = nearest_on_parabola(curvature * ahead, scaled)
    return below * math.sqrt(1.0 + s * s) / (1.0 + 0.5 * s * (scaled + s))


@kernel
def fill_paraboloid_gaps(x: Array, offset: float, curvature: float, out: Array) -> None:
    """Write the signed distance of each row to ``{x_1 >= offset + curvature / 2 |x'|**2}`` to out.

    A negative curvature is the complement of the paraboloid that opens the other way.
    """
    side = 1.0 if curvature >= 0.0 else -1.0
    origin = np.zeros(x.shape[1] - 1)
    plane = origin.size == 1
    for i in range(x.shape[0]):
        across = abs(x[i, 1]) if plane else row_distance(x[i, 1:], origin)
        out[i] = side * paraboloid_gap(side * (x[i, 0] - offset), across, side * curvature)


@kernel
def paraboloid_radius(height: float, reach: float) -> float:
    """Return the radius of a section of ``{signed distance <= reach}`` of ``{x_1 >= across**2 / 2}``.

    ``height`` >= 0 is that of the section above the tip of the body. Its surface is parallel to the paraboloid: the
    point (s**2 / 2, s) goes to (s**2 / 2 - reach / q, s (1 + reach / q)), q = sqrt(1 + s**2), as long as this is not
    beyond the axis. For a reach below -1 the tip is where q = -reach. With q above its value b at the tip by x,

        x**3 + 3 b x**2 + 2 (b**2 - 1 + kept - height) x = 2 b height,   kept = 1 + reach at b = 1 and 0 else;

    the left-hand side and Newton's method are as in `nearest_on_parabola`.
    """
    b, kept = 1.0, 1.0 + reach
    if reach < -1.0:
        b, kept = -reach, 0.0
    linear = 2.0 * ((b - 1.0) * (b + 1.0) + kept - height)
    x = 2.0 * height / (b + math.sqrt(b * b + 2.0 * height))
    if reach < 0.0:  # the parallel body is wider: q there is above that of the paraboloid
        x = (2.0 * b * height) ** (1.0 / 3.0) + math.sqrt(max(0.0, -linear))
        if linear > 0.0:
            x = min(x, 2.0 * b * height / linear)
    for _ in range(STEPS):
        if not x > 0.0:
            break
        step = (2.0 * x * x * x + 3.0 * b * x * x + 2.0 * b * height) / (3.0 * x * x + 6.0 * b * x + linear)
        if not step < x:
            break
        x = step
    return math.sqrt(x * (x + 2.0 * b) + (b - 1.0) * (b + 1.0)) * (x + kept) / (x + b)


@kernel
def fill_paraboloid_radii(height: Array, reach: Array, out: Array) -> None:
    """Write the radius of a section of each body to out."""
    for i in range(height.size):
        out[i] = paraboloid_radius(float(height[i]), float(reach[i]))
