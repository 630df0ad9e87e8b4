"""Distances to boxes with faces across the axes, for the rows of an array. UNCHECKED loops.

Four sums and maxima side by side, as one alone would wait for itself. A NaN in a row gives NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel

Array = NDArray[np.float64]


@kernel(inline=True)
def _beyond(x: float, low: float, high: float) -> float:
    """Return how far a coordinate is beyond the nearer end, negative inside."""
    below, above = low - x, x - high
    return below if below > above else above


@kernel(inline=True)
def _square(gap: float) -> float:
    outside = gap if gap > 0.0 else 0.0
    return outside * outside


@kernel(inline=True)
def _larger(a: float, b: float) -> float:
    return a if a > b else b


@kernel
def _norm_of_gaps(x: Array, low: Array, high: Array, largest: float) -> float:
    """Return the l2 norm of the gaps when their squares would overflow or underflow."""
    total = 0.0
    for j in range(x.size):
        gap = _beyond(x[j], low[j], high[j])
        if gap > 0.0:
            total += (gap / largest) ** 2
    return largest * math.sqrt(total)


@kernel
def fill_box_gaps(x: Array, low: Array, high: Array, out: Array) -> None:
    """Write the signed distance of each row of x from the box to out: the l2 norm of the gaps, or minus the depth."""
    n, dim = x.shape
    whole = dim - dim % 4
    for i in range(n):
        row = x[i]
        a = b = c = d = -math.inf
        p = q = r = s = 0.0
        total = 0.0
        for j in range(0, whole, 4):
            e = _beyond(row[j], low[j], high[j])
            f = _beyond(row[j + 1], low[j + 1], high[j + 1])
            g = _beyond(row[j + 2], low[j + 2], high[j + 2])
            h = _beyond(row[j + 3], low[j + 3], high[j + 3])
            a, b, c, d = _larger(e, a), _larger(f, b), _larger(g, c), _larger(h, d)
            p, q, r, s = p + _square(e), q + _square(f), r + _square(g), s + _square(h)
            total += (row[j] + row[j + 1]) + (row[j + 2] + row[j + 3])
        for j in range(whole, dim):
            e = _beyond(row[j], low[j], high[j])
            a, p = _larger(e, a), p + _square(e)
            total += row[j]
        largest, square = _larger(_larger(a, b), _larger(c, d)), (p + q) + (r + s)
        if largest <= 0.0:
            out[i] = largest
        elif 1e-280 < square < 1e280 or largest == math.inf:
            out[i] = math.sqrt(square)
        else:
            out[i] = _norm_of_gaps(row, low, high, largest)
        if math.isnan(total):  # perhaps of infinities, which are no mistake
            for j in range(dim):
                if math.isnan(row[j]):
                    out[i] = math.nan


@kernel
def fill_in_box(x: Array, low: Array, high: Array, out: NDArray[np.bool_]) -> None:
    """Write whether each row of x lies in the box; a row is left at its first block with a coordinate outside."""
    n, dim = x.shape
    for i in range(n):
        inside = True
        for start in range(0, dim, 256):
            row, least, most = x[i, start : start + 256], low[start : start + 256], high[start : start + 256]
            count = 0
            for j in range(row.size):  # no branch, so that it becomes vectors
                count += int(row[j] >= least[j]) & int(row[j] <= most[j])
            if count < row.size:
                inside = False
                break
        out[i] = inside
