"""Print the tables of coefficients of isoperimetry/kernels/normal.py. Run: python tests/reference/fit_normal.py.

Each function is interpolated at Chebyshev nodes in 60 digits and rewritten in powers, the highest power first. The
guess of the quantile is a weighted least-squares fit of a rational function, iterated towards the least maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import mpmath
import numpy as np
from mpmath import mp

from isoperimetry.testing import reference

DIGITS = 60
SCALE, SHIFT = 3.5, 0.8125


def fit(f: Callable[[Any], Any], low: Any, high: Any, count: int) -> list[Any]:
    """Return the coefficients, in powers of x from 0, of the polynomial through ``count`` Chebyshev nodes."""
    with mp.workdps(DIGITS):
        return _interpolate(f, mp.mpf(low), mp.mpf(high), count)


def _interpolate(f: Callable[[Any], Any], low: Any, high: Any, count: int) -> list[Any]:
    middle, half = (high + low) / 2, (high - low) / 2
    angles = [mp.pi * (k + mp.mpf(1) / 2) / count for k in range(count)]
    values = [f(middle + half * mp.cos(angle)) for angle in angles]
    coefficients = [mp.mpf(0)] * count
    previous, current = [mp.mpf(0)], [mp.mpf(1)]  # the Chebyshev polynomials of u = (x - middle) / half, in powers of x
    for j in range(count):
        scale = mp.mpf(2 if j else 1) / count
        weight = scale * mpmath.fsum(v * mp.cos(j * angle) for v, angle in zip(values, angles, strict=True))
        for i, c in enumerate(current):
            coefficients[i] += weight * c
        step = (2 if j else 1) / half
        following = [mp.mpf(0)] * (len(current) + 1)
        for i, c in enumerate(current):
            following[i + 1] += step * c
            following[i] -= step * middle * c
        for i, c in enumerate(previous if j else []):
            following[i] -= c
        previous, current = current, following
    return coefficients


def show(name: str, coefficients: Iterable[Any]) -> None:
    """Print a table, the highest power first."""
    print(f"{name} = (")
    for c in reversed(list(coefficients)):
        print(f"    {float(c)!r},")
    print(")")


def tail_coefficients() -> list[Any]:
    """(x + SHIFT) Phi(-x) exp(x**2 / 2) for x >= 0, in t = (x - SCALE) / (x + SCALE)."""

    def scaled_tail(t: Any) -> Any:
        x = SCALE * (1 + t) / (1 - t)
        return (x + SHIFT) * reference.mills_ratio(x) / mp.sqrt(2 * mp.pi)

    return fit(scaled_tail, -1, 1, 27)


def center_coefficients() -> list[Any]:
    """(Phi(x) - 1/2) / x for |x| < 0.678, in t = x**2."""
    return fit(lambda t: mp.erf(mp.sqrt(t / 2)) / 2 / mp.sqrt(t), 0, "0.46", 10)


def quantile_coefficients() -> list[Any]:
    """(Phi^-1(1/2 + q) / q - sqrt(2 pi)) / q**2 for |q| <= 1/4, in t = q**2."""

    def quantile(t: Any) -> Any:
        return (reference.ndtri(mp.mpf(1) / 2 + mp.sqrt(t)) / mp.sqrt(t) - mp.sqrt(2 * mp.pi)) / t

    return fit(quantile, 0, "0.0625", 15)


def guess(top: int, bottom: int) -> tuple[list[float], list[float]]:
    """Fit r - x by P(r) / Q(r), Q(0) = 1, with the error relative to r."""
    r = np.sqrt(2 * np.log(4)) * 10.0 ** np.linspace(0, 6, 401)
    h = np.array([float(s + reference.ndtri_exp(-(mp.mpf(s) ** 2) / 2)) for s in r])
    columns = np.hstack([r[:, None] ** np.arange(top + 1), -h[:, None] * r[:, None] ** np.arange(1, bottom + 1)])
    weight, q, best = 1 / r, np.ones_like(r), (np.inf, columns[0])
    for i in range(40):
        scaled = columns * (weight / q)[:, None]
        size = np.abs(scaled).max(axis=0)
        c = np.linalg.lstsq(scaled / size, h * weight / q, rcond=None)[0] / size
        q = 1 + np.polyval(np.append(c[:top:-1], 0), r)
        error = np.abs(np.polyval(c[top::-1], r) / q - h) / r
        best = min(best, (error.max(), c), key=lambda pair: pair[0])
        if i > 5:
            weight = weight * (0.3 + error / error.max()) ** 0.7
    print(f"# guess: relative error {best[0]:.2g}")
    return list(best[1][: top + 1]), [1.0, *best[1][top + 1 :]]


if __name__ == "__main__":
    tail = tail_coefficients()
    with mp.workdps(DIGITS):
        print(f"_TAIL_0, _TAIL_0_LOW = {float(tail[0])!r}, {float(tail[0] - float(tail[0]))!r}")
    show("_TAIL", tail[1:])
    show("_CENTER", center_coefficients())
    show("_QUANTILE", quantile_coefficients())
    numerator, denominator = guess(3, 4)
    show("_GUESS_NUMERATOR", numerator)
    show("_GUESS_DENOMINATOR", denominator)
