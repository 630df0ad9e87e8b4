"""Signed distances to unions of half-spaces, from the excesses ``v_i = unit_i.x - offset_i``. UNCHECKED loops.

Outside, the distance is the least of those to the half-spaces. Inside, it is the distance to the polyhedron
``{y: unit_i.y <= offset_i}`` of the points outside. Its square is the largest value of ``2 lam.v - |lam @ normals|**2``
over lam >= 0, for the normals in coordinates of the space that they span: a small problem that does not see the
dimension of the inputs. It is solved by the active set method (C. L. Lawson, R. J. Hanson 1974, Solving Least Squares
Problems, chapter 23), with steps along null directions, as normals may depend on one another.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel

Array = NDArray[np.float64]

DEPENDENT = 1e-14  # the sine of an angle below this is rounding
POSITIVE = 1e-12  # so is a coefficient of a normal that is a combination of others


@kernel
def _extend(normals: Array, active: NDArray[np.int64], n: int, factor: Array, basis: Array) -> float:
    """Write row n of the factor and of the basis for normal active[n]; return the sine of its angle with the first n.

    The normals are ``factor @ basis``, by Gram-Schmidt, twice, as products of normals lose the digits of small angles.
    """
    size = normals.shape[1]
    for k in range(size):
        basis[n, k] = normals[active[n], k]
    for j in range(n):
        factor[n, j] = 0.0
    for _ in range(2):
        for j in range(n):
            along = 0.0
            for k in range(size):
                along += basis[j, k] * basis[n, k]
            for k in range(size):
                basis[n, k] -= along * basis[j, k]
            factor[n, j] += along
    square = 0.0
    for k in range(size):
        square += basis[n, k] * basis[n, k]
    pivot = math.sqrt(square)
    factor[n, n] = pivot
    for k in range(size):
        basis[n, k] = basis[n, k] / pivot if pivot > 0.0 else 0.0
    return pivot


@kernel
def _back(factor: Array, n: int, right: Array, out: Array) -> None:
    """Write to out[:n] the solution of ``factor.T @ out = right``."""
    for i in range(n - 1, -1, -1):
        total = right[i]
        for j in range(i + 1, n):
            total -= factor[j, i] * out[j]
        out[i] = total / factor[i, i]


@kernel
def union_depth(v: Array, normals: Array) -> float:
    """Return the distance of a point to where no v_i is positive: 0 if none is here, inf if there is no such place."""
    m, size = normals.shape
    lam, trial, along, move = np.zeros(m), np.empty(m), np.empty(m + 1), np.zeros(size)
    active, factor, basis = np.empty(m + 1, np.int64), np.zeros((m + 1, m + 1)), np.zeros((m + 1, size))
    n = 0
    depth = scale = 0.0
    for i in range(m):
        scale = max(scale, abs(v[i]))
    for _ in range(10 * m + 10):
        new, most = -1, 1e-14 * max(scale, depth)
        for i in range(m):
            rest = v[i]
            for k in range(size):
                rest -= normals[i, k] * move[k]
            if rest > most and lam[i] == 0.0:
                new, most = i, rest
        if new < 0:
            break
        active[n] = new
        if _extend(normals, active, n, factor, basis) <= DEPENDENT:
            # The normal is a combination of the active ones: move along it until one of them is let go.
            _back(factor, n, factor[n], trial)
            length, gone = math.inf, -1
            for j in range(n):
                if trial[j] > POSITIVE and lam[active[j]] < length * trial[j]:
                    length, gone = lam[active[j]] / trial[j], j
            if gone < 0:
                return math.inf
            for j in range(n):
                lam[active[j]] -= length * trial[j]
            lam[new] = length
            lam[active[gone]] = 0.0
            active[gone] = new
        else:
            n += 1
        while True:
            for i in range(n):
                _extend(normals, active, i, factor, basis)
                along[i] = v[active[i]]
                for j in range(i):
                    along[i] -= factor[i, j] * along[j]
                along[i] /= factor[i, i]
            _back(factor, n, along, trial)
            length, gone = 1.0, -1
            for j in range(n):
                if trial[j] <= 0.0:
                    here = lam[active[j]]
                    share = here / (here - trial[j]) if here > trial[j] else 0.0
                    if share < length or gone < 0:
                        length, gone = share, j
            for j in range(n):
                lam[active[j]] += length * (trial[j] - lam[active[j]])
            if gone < 0:
                break
            lam[active[gone]] = 0.0
            for j in range(gone, n - 1):
                active[j] = active[j + 1]
            n -= 1
        depth = 0.0
        for j in range(n):
            depth = math.hypot(depth, along[j])
        for k in range(size):
            move[k] = 0.0
            for j in range(n):
                move[k] += along[j] * basis[j, k]
    return depth


@kernel
def fill_union_gaps(products: Array, offsets: Array, gram: Array, normals: Array, out: Array) -> None:
    """Write the signed distances of points to out, given unit_i.x in the rows of ``products``.

    ``normals``, shape (m, rank), are the unit normals in an orthonormal basis, and ``gram`` their products.
    """
    n, m = products.shape
    v = np.empty(m)
    for i in range(n):
        most, total = -math.inf, 0.0
        which = 0
        for j in range(m):
            v[j] = products[i, j] - offsets[j]
            total += v[j]
            if v[j] > most:
                most, which = v[j], j
        if not abs(total) < math.inf:
            out[i] = math.nan if math.isnan(total) else -most
        elif most <= 0.0:
            out[i] = 0.0 - most
        else:
            alone = True  # nearest is a point of the deepest half-space's own face, unless another one holds that
            for j in range(m):
                if v[j] - gram[which, j] * most > 0.0 and j != which:
                    alone = False
            out[i] = -most if alone else -union_depth(v, normals)


@kernel
def fill_in_union(products: Array, offsets: Array, out: NDArray[np.bool_]) -> None:
    """Write whether any unit_i.x reaches its offset."""
    n, m = products.shape
    for i in range(n):
        inside = False
        for j in range(m):
            inside |= products[i, j] >= offsets[j]
        out[i] = inside
