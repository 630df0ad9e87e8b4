"""Print the polynomials of isoperimetry/kernels/philox.py: ``python tests/reference/fit_philox.py`` (mpmath, 5 s).

Each is minimax in relative error over its range (Remez' exchange), rounded one coefficient after the other from the
lowest on, the rest being fitted again each time. Changed coefficients are changed bits of every stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp, mpf

mp.dps = 40
GRID = 400

Function = Callable[[Any], Any]


def minimax(function: Function, high: Any, degree: int, fixed: list[Any]) -> tuple[list[Any], Any]:
    """Return the coefficients on [0, high] whose first are ``fixed``, and the largest relative error on a grid."""
    n_free = degree + 1 - len(fixed)
    grid = [high * (1 - mp.cos(mp.pi * i / GRID)) / 2 for i in range(GRID + 1)]
    values = [function(t) for t in grid]
    points = [high * (1 - mp.cos(mp.pi * (i + mpf(1) / 2) / (n_free + 1))) / 2 for i in range(n_free + 1)]
    for _ in range(12):
        matrix, right = mp.matrix(n_free + 1, n_free + 1), mp.matrix(n_free + 1, 1)
        for i, t in enumerate(points):
            for k in range(n_free):
                matrix[i, k] = t ** (k + len(fixed)) / function(t)
            matrix[i, n_free] = (-1) ** i
            right[i] = 1 - sum(c * t**k for k, c in enumerate(fixed)) / function(t)
        solution = mp.lu_solve(matrix, right)
        found = fixed + [solution[k] for k in range(n_free)]
        errors = [mp.polyval(found[::-1], t) / value - 1 for t, value in zip(grid, values, strict=True)]
        peaks: list[int] = []
        for i, error in enumerate(errors):
            if not peaks or (error > 0) != (errors[peaks[-1]] > 0):
                peaks.append(i)
            elif abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = i
        while len(peaks) > n_free + 1:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) <= n_free:
            break
        points = [grid[i] for i in peaks]
    return found, max(map(abs, errors))


def rounded(function: Function, high: Any, degree: int, dtype: Any) -> tuple[list[float], Any]:
    """Return coefficients of the type, and their largest relative error on a grid."""
    fixed: list[Any] = []
    while len(fixed) <= degree:
        found, _ = minimax(function, high, degree, fixed)
        fixed.append(mpf(float(dtype(float(found[len(fixed)])))))
    grid = [high * mpf(i) / 1000 for i in range(1001)]
    return [float(c) for c in fixed], max(abs(mp.polyval(fixed[::-1], t) / function(t) - 1) for t in grid)


def log_ratio(t: Any) -> Any:
    """-2 log(m) / s with s = (m - 1) / (m + 1) and t = s**2."""
    return -4 * mp.atanh(mp.sqrt(t)) / mp.sqrt(t) if t else mpf(-4)


def sine(t: Any) -> Any:
    """sin(pi/2 w) / w with t = w**2."""
    return mp.sin(mp.pi / 2 * mp.sqrt(t)) / mp.sqrt(t) if t else mp.pi / 2


def cosine(t: Any) -> Any:
    """cos(pi/2 w) with t = w**2."""
    return mp.cos(mp.pi / 2 * mp.sqrt(t))


def main() -> None:
    largest = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2
    for dtype, degrees in ((np.float64, (7, 6, 7)), (np.float32, (3, 3, 4))):
        for function, high, degree in zip((log_ratio, sine, cosine), (largest, 0.25, 0.25), degrees, strict=True):
            coefficients, error = rounded(function, mpf(high), degree, dtype)
            print(f"{function.__name__}, {dtype.__name__}: relative error {mp.nstr(error, 3)}\n  {coefficients}")


if __name__ == "__main__":
    main()
