"""Orthonormal bases of the span of a few long rows: products of matrices only, and no digit of a small angle lost.

A QR factorisation of 16 rows of 150 528 entries takes ten times as long as their products with one another. These know
small angles to half of the digits only, so that rows that are nearly dependent are left to a next round: what the basis
leaves of them is computed from the rows themselves, scaled up, and orthonormalised in turn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array

TOLERANCE = 1e-12  # of its length: a row that is no further from the span of others adds nothing to it
WELL = 1e6  # the square of an inverse factor up to which one round keeps 1e-13: singular values above 1e-3
BEST = 100.0  # and up to which a basis is orthonormal to that without a second pass
LEAST = 1e-4  # square of the sine of the angle from which a row belongs to a round


def orthonormal(rows: Array, tolerance: float = TOLERANCE) -> tuple[Array, Array]:
    """Return an orthonormal basis of the span of rows, and the coordinates of the rows in it.

    Parameters
    ----------
    rows : array, shape (m, n)
        Of length 1 or 0 each.
    tolerance : float
        The distance from the span of other rows up to which a row is taken to lie in it.

    Returns
    -------
    basis : array, shape (k, n)
        Orthonormal rows.
    coordinates : array, shape (m, k)
        ``coordinates @ basis`` are the rows, up to the tolerance and rounding.
    """
    count, dim = rows.shape
    gram = rows @ rows.T
    inverse, factor = _inverse(gram) if count <= dim else (None, None)
    if inverse is not None and factor is not None:
        size = float(np.square(inverse).sum())
        if size <= WELL and tolerance * tolerance * size < 1:
            # An identity says that the rows are the basis, to the bit.
            basis = inverse @ rows
            if size <= BEST:
                return basis, factor
            again, second = _inverse(basis @ basis.T)
            if again is not None and second is not None:
                return again @ basis, factor @ second
    return _in_rounds(rows, gram, tolerance)


def _inverse(gram: Array) -> tuple[Array, Array] | tuple[None, None]:
    """Return the inverse of the Cholesky factor and the factor, if there is one."""
    if gram.shape[0] == 0:
        return gram, gram
    try:
        factor = np.linalg.cholesky(gram)
        return np.asarray(np.linalg.inv(factor)), np.asarray(factor)
    except np.linalg.LinAlgError:
        return None, None


def _in_rounds(rows: Array, gram: Array, tolerance: float) -> tuple[Array, Array]:
    basis = np.empty((0, rows.shape[1]))
    left, rest = np.arange(len(rows)), rows
    while left.size and len(basis) < rows.shape[1]:
        taken = _independent(gram, rows.shape[1] - len(basis))
        basis = np.concatenate([basis, _added(basis, rest[taken])])
        left = np.delete(left, taken)
        rest = rows[left] - (rows[left] @ basis.T) @ basis
        lengths = np.linalg.norm(rest, axis=1)
        far = lengths > tolerance
        left, rest = left[far], rest[far] / lengths[far, None]
        gram = rest @ rest.T
    return basis, rows @ basis.T


def _added(basis: Array, rows: Array) -> Array:
    """Return an orthonormal basis of rows, less their part in another basis; the angles among them are not small.

    The second pass takes away what rounding has left in the first.
    """
    for _ in range(2):
        if len(basis):
            rows = rows - (rows @ basis.T) @ basis
        factor = np.linalg.cholesky(rows @ rows.T)
        rows = np.linalg.inv(factor) @ rows
    return rows


def _independent(gram: Array, most: int) -> NDArray[np.intp]:
    """Return the indices of rows at large angles to the span of those before, by Cholesky's method with pivots."""
    count = len(gram)
    factor = np.zeros((count, min(most, count)))
    left = gram.diagonal().copy()
    taken: list[int] = []
    while len(taken) < factor.shape[1]:
        pivot = int(np.argmax(left))
        if left[pivot] < LEAST:
            break
        k = len(taken)
        column = gram[:, pivot] - factor[:, :k] @ factor[pivot, :k]
        factor[:, k] = column / np.sqrt(left[pivot])
        left = left - np.square(factor[:, k])
        taken.append(pivot)
        left[taken] = -1.0
    return np.array(taken, dtype=np.intp)
