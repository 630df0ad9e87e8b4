"""Values and nearest points of quadrics ``{x: q(x) = 0}``, ``q(x) = sum_i (a_i x_i + b_i) x_i + c``. UNCHECKED.

The point of ``{q >= 0}`` nearest to a point x outside is, with the gradient g of q at x and one multiplier v >= 0,

    y_i = x_i + (v / 2) g_i / (1 - v a_i),   sum_i g_i**2 v (2 - v a_i) / (4 (1 - v a_i)**2) = -q(x),

and v <= 1 / max a: there the left-hand side grows with v, so that there is one root, and it is the global minimum, as
a problem with one quadratic constraint has no duality gap (S. Boyd, L. Vandenberghe 2004, Convex Optimization, appendix
B). If the gradient has no part along the largest a, the sum may stay below -q(x) (the hard case): then v = 1 / max a,
and what is missing is a step of free direction along it. Inside, q changes its sign. Only the sums of g_i**2 over the
coordinates that share one a are needed.

Newton's method solves for the logarithm of the sum in that of ``v / (1 - v max a)``, in which it is nearly a line.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel

Array = NDArray[np.float64]
Index = NDArray[np.int64]

LANES = 32  # so many sums run side by side: the order of one is kept, and it would wait for itself
STEPS = 200  # Newton's method needs some five; bisection between two floats would need a hundred
BESIDE = 1e-100  # 1 - v max a so near to 0 that no other term sees it, and its square can be inverted
LARGEST = 1e150


@kernel
def _sum(x: Array, lanes: Array) -> float:
    lanes[:] = 0.0
    whole = x.size - x.size % LANES
    for j in range(0, whole, LANES):
        for k in range(LANES):
            lanes[k] += x[j + k]
    total = 0.0
    for j in range(whole, x.size):
        total += x[j]
    for k in range(LANES):
        total += lanes[k]
    return total


@kernel
def _value(x: Array, a: Array, b: Array, c: float, lanes: Array) -> float:
    lanes[:] = 0.0
    whole = x.size - x.size % LANES
    for j in range(0, whole, LANES):
        for k in range(LANES):
            lanes[k] += (a[j + k] * x[j + k] + b[j + k]) * x[j + k]
    total = c
    for j in range(whole, x.size):
        total += (a[j] * x[j] + b[j]) * x[j]
    for k in range(LANES):
        total += lanes[k]
    return total


@kernel
def fill_values(x: Array, a: Array, b: Array, c: float, out: Array) -> None:
    """Write q of each row of x, shape (n, dim), to out; a and b have shape (dim,)."""
    lanes = np.empty(LANES)
    for i in range(x.shape[0]):
        out[i] = _value(x[i], a, b, c, lanes)


@kernel
def _prepare(curvature: Array, rest: Array, ratio: Array) -> tuple[float, int]:
    """Return the largest curvature and its place, and write 1 - v a as ``rest + t ratio`` for a variable t.

    Where the largest curvature is > 0, t = 1 - v max a, so that nothing cancels where this is small; else t = x.
    """
    place = 0
    largest = 0.0
    for r in range(curvature.size):
        largest = max(largest, abs(curvature[r]))
        if curvature[r] > curvature[place]:
            place = r
    top = curvature[place]
    for r in range(curvature.size):
        ratio[r] = curvature[r] / (top if top > 0.0 else -(largest if largest > 0.0 else 1.0))
        rest[r] = 1.0 - ratio[r] if top > 0.0 else 1.0
    return top if top > 0.0 else -(largest if largest > 0.0 else 1.0), place


@kernel
def _sums(t: float, rest: Array, ratio: Array, square: Array, first: Array, second: Array) -> None:
    """Write the terms ``g**2 (1 + p) / p**2`` and ``g**2 / p**3``, p = 1 - v a."""
    for r in range(square.size):
        p = rest[r] + t * ratio[r]
        inverse = 1.0 / p
        k = square[r] * inverse * inverse
        first[r] = k + k * p
        second[r] = k * inverse


@kernel
def _step_length(t: float, rest: Array, ratio: Array, square: Array, first: Array, lanes: Array) -> float:
    """Return the root of ``sum g**2 / p**2``."""
    for r in range(square.size):
        inverse = 1.0 / (rest[r] + t * ratio[r])
        first[r] = square[r] * inverse * inverse
    return math.sqrt(_sum(first, lanes))


@kernel
def _distance(target: float, scale: float, place: int, rest: Array, ratio: Array, square: Array, work: Array) -> float:
    """Return the distance from a point with q = -target < 0 to {q >= 0}, which is not empty.

    ``square`` are the sums of g**2 over each curvature; scale, place, rest and ratio are those of `_prepare`.
    """
    n = square.size
    first, second, lanes = work[0, :n], work[1, :n], work[2, :LANES]
    bounded = scale > 0.0  # so is v
    if bounded and square[place] < 1e-200 * target * scale:  # it moves the nearest point by 1e-100 of the distance
        square[place] = 0.0
        _sums(BESIDE, rest, ratio, square, first, second)
        value = 0.25 / scale * _sum(first, lanes)
        if value <= target:
            along = 0.5 / scale * _step_length(BESIDE, rest, ratio, square, first, lanes)
            return math.hypot(along, math.sqrt((target - value) / scale))
    for r in range(n):
        first[r] = square[r] * ratio[r]
    total = _sum(square, lanes)
    if total == 0.0:
        return 0.0
    mean, scale = scale * _sum(first, lanes) / total, abs(scale)
    # the start is exact if all curvatures are the mean one
    excess = 4.0 * target / total
    x = 0.5 * excess * scale
    if 1.0 + mean * excess > 0.0:
        z = 1.0 / math.sqrt(1.0 + mean * excess)
        x = scale * excess * z * z / (1.0 + z)
        if bounded:
            x = x / (1.0 - x) if x < 1.0 else 1.0
    low, high = 0.0, math.inf
    t = v = 0.0
    for _ in range(STEPS):
        w = 1.0 / (1.0 + x) if bounded else 1.0
        t = w if bounded else x
        v = x * w / scale
        _sums(t, rest, ratio, square, first, second)
        value = 0.25 * v * _sum(first, lanes)
        if value < target:
            low = x
        else:
            high = x
        # d log(value) / d log(x)
        slope = 0.5 * v * w * _sum(second, lanes) / value
        step = math.log(target / value) / slope
        new = x * math.exp(min(max(step, -30.0), 30.0))
        if not low < new < high:
            if abs(step) < 1e-14:
                break
            if high == math.inf:
                new = 1e10 * x
            elif low == 0.0:
                new = 1e-10 * x
            else:
                new = math.sqrt(low) * math.sqrt(high)
        if not low < new < high or new > LARGEST:
            break
        x = new
        if abs(step) < 1e-8:  # the next step would be the square of this one
            w = 1.0 / (1.0 + x) if bounded else 1.0
            t = w if bounded else x
            v = x * w / scale
            break
    return 0.5 * v * _step_length(t, rest, ratio, square, first, lanes)


@kernel
def _distance_to_ellipsoid(edge: float, scale: float, ratio: Array, square: Array, work: Array) -> float:
    """Return the distance from a point with q < 0 to {q >= 0}, where q is at most ``edge`` >= 0.

    There ``sum g**2 / (4 |a| p**2) = edge``, which does not cancel for a small ellipsoid far away. The inverse of the
    root of the sum is increasing and concave in v: Newton's method ascends to the solution, and for a sphere the first
    step is exact.
    """
    n = square.size
    first, second, lanes = work[0, :n], work[1, :n], work[2, :LANES]
    if edge == 0.0:  # v is infinite
        for r in range(n):
            first[r] = square[r] / (ratio[r] * ratio[r]) if square[r] > 0.0 else 0.0
        return 0.5 / scale * math.sqrt(_sum(first, lanes))
    x = 0.0
    for _ in range(STEPS):
        for r in range(n):
            inverse = 1.0 / (1.0 + x * ratio[r])
            k = square[r] * inverse * inverse
            first[r] = k / ratio[r] if k > 0.0 else 0.0
            second[r] = k * inverse
        value = _sum(first, lanes)
        change = value * (math.sqrt(0.25 * value / (edge * scale)) - 1.0) / _sum(second, lanes)
        if not change > 0.0:
            break
        x += change
        if change < 1e-8 * x:  # the next one would be the square of this one
            break
    for r in range(n):
        inverse = 1.0 / (1.0 + x * ratio[r])
        first[r] = square[r] * inverse * inverse
    return 0.5 * x / scale * math.sqrt(_sum(first, lanes))


@kernel
def _nearest(
    target: float, edge: float, scale: float, place: int, rest: Array, ratio: Array, square: Array, work: Array
) -> float:
    if scale < 0.0 and edge < target:
        return _distance_to_ellipsoid(max(edge, 0.0), -scale, ratio, square, work)
    return _distance(target, scale, place, rest, ratio, square, work)


@kernel
def _squares(x: Array, a: Array, b: Array, group: Index, square: Array, work: Array) -> None:
    """Write the sums of the squared gradient over the coordinates of each group."""
    n = x.size
    squares = square if square.size == n else work[0, :n]
    for j in range(n):
        g = 2.0 * a[j] * x[j] + b[j]
        squares[j] = g * g
    if square.size == 1:
        square[0] = _sum(squares, work[2, :LANES])
    elif square.size < n:
        square[:] = 0.0
        for j in range(n):
            square[group[j]] += squares[j]


@kernel
def fill_gaps(
    x: Array,
    a: Array,
    b: Array,
    c: float,
    group: Index,
    curvature: Array,
    edge: float,
    empty: bool,
    whole: bool,
    out: Array,
) -> None:
    """Write the signed distance of each row of x to {q >= 0} to out.

    ``group[i]`` is the place of a[i] in ``curvature``, which has either every a[i] in its place, or each value once;
    ``edge`` is q without its squares, its largest or least value if all a are <= 0 or >= 0, and NaN if q has a linear
    part where a is 0; ``empty`` and ``whole`` tell whether the set is empty, or everything.
    """
    n, dim = x.shape
    m = curvature.size
    square, work = np.empty(m), np.empty((3, max(LANES, dim)))
    rest, ratio, other_rest, other_ratio = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    scale, place = _prepare(curvature, rest, ratio)
    other_scale, other_place = _prepare(-curvature, other_rest, other_ratio)
    for i in range(n):
        value = _value(x[i], a, b, c, work[2, :LANES])
        if value != value:
            out[i] = math.nan
        elif empty or whole:
            out[i] = math.inf if empty else -math.inf
        elif value == 0.0:
            out[i] = 0.0
        else:
            _squares(x[i], a, b, group, square, work)
            if value < 0.0:
                out[i] = _nearest(-value, edge, scale, place, rest, ratio, square, work)
            else:
                out[i] = -_nearest(value, -edge, other_scale, other_place, other_rest, other_ratio, square, work)
