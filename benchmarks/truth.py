"""Errors in ulp against 60-digit mpmath, fast enough for 20,000 points a region.

The truth t of each point is held as the float64 nearest to it and the rest, (t - nearest) / ulp(nearest), so that the
errors of any number of implementations are plain float64 arithmetic afterwards; the rest keeps its digits where the
result is subnormal.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from mpmath import mp
from numpy.typing import NDArray
from scipy.special import erfcx, ndtri, ndtri_exp

from isoperimetry.testing import reference

DIGITS = 60
_CHUNK = 250
_SETTLED, _CLOSE, _STEPS = 1e-12, 1e-3, 8
_LOG_SQRT_2PI = "0.91893853320467274178032973640561763986139747363778341281715154"

Array = NDArray[np.float64]
Truth = tuple[Array, Array]


def quantile(residual_over_slope: Callable[[Any], Any], start: float, direct: Callable[[], Any]) -> Any:
    """Return the root z of a residual F(z) - p, from a float64 that is near it, by Newton's steps at 60 digits.

    The error of the start is step = (F(z) - p) / F'(z) but for c step**2, c = |F'' / (2 F')|. For F = Phi, c is
    |z| / 2; for F = log Phi it is at most 0.4 + |z| / 2 above 0, and below at most 0.4 and about 1 / (2 |z|). So c |z|
    is below 800 for all results in float64, and after a step below 1e-12 |z|, as from a result that is right to 12
    digits, at most 800e-24 |z| is left: less than 1e-5 ulp. A start that is no help (NaN, or no digits right) is not
    used: ``direct`` solves at 60 digits.
    """
    if math.isfinite(start):
        z = mp.mpf(start)
        for _ in range(_STEPS):
            step = residual_over_slope(z)
            z -= step
            if abs(step) <= _SETTLED * abs(z):
                return z
            if abs(step) > _CLOSE * abs(z):  # Newton's method need not converge from there
                break
    return direct()


def _ndtri(p: float, start: float) -> Any:
    def newton(z: Any) -> Any:
        return (reference.ndtr(z, digits=DIGITS) - p) / mp.npdf(z)

    return quantile(newton, start, lambda: reference.ndtri(p, digits=DIGITS))


def _ndtri_exp(y: float, start: float) -> Any:
    def newton(z: Any) -> Any:  # the slope of log Phi is 1 / M(-z)
        return (reference.log_ndtr(z, digits=DIGITS) - y) * reference.mills_ratio(-z, digits=DIGITS)

    return quantile(newton, start, lambda: reference.ndtri_exp(y, digits=DIGITS))


def _log_density(z: Any) -> Any:
    return -z * z / 2 - mp.mpf(_LOG_SQRT_2PI)


_EXACT: dict[str, Callable[[float, float], Any]] = {
    "ndtr": lambda x, _: reference.ndtr(x, digits=DIGITS),
    "log_ndtr": lambda x, _: reference.log_ndtr(x, digits=DIGITS),
    "mills_ratio": lambda x, _: reference.mills_ratio(x, digits=DIGITS),
    "ndtri": _ndtri,
    "ndtri_exp": _ndtri_exp,
    "log_profile": lambda p, z: _log_density(_ndtri(p, z)),
    "log_profile_exp": lambda y, z: _log_density(_ndtri_exp(y, z)),
}


def exact(function: str, x: float, start: float = math.nan) -> Any:
    """Return the value of ``function`` at exactly the float ``x``; ``start`` is a float64 quantile near the truth."""
    with mp.workdps(DIGITS):
        return _EXACT[function](x, start)


def _chunk(function: str, xs: list[float], starts: list[float]) -> list[tuple[float, float]]:
    found = []
    with mp.workdps(DIGITS):
        for x, start in zip(xs, starts, strict=True):
            truth = _EXACT[function](x, start)
            nearest = float(truth)
            found.append((nearest, float((truth - nearest) / math.ulp(nearest))))
    return found


class Workers:
    """A context in which `truths` uses ``n`` processes; none for 1."""

    def __init__(self, n: int | None = None) -> None:
        self.n = n or os.cpu_count() or 1
        # Spawned, not forked: torch and MKL may have threads by now.
        self.pool = ProcessPoolExecutor(self.n, multiprocessing.get_context("spawn")) if self.n > 1 else None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)

    def truths(self, function: str, x: Array, starts: Array) -> Truth:
        """Return the nearest float64 and the rest in ulp for each x; ``starts`` are quantiles near the truth."""
        pieces = [slice(i, i + _CHUNK) for i in range(0, x.size, _CHUNK)]
        jobs = [[function] * len(pieces), [x[s].tolist() for s in pieces], [starts[s].tolist() for s in pieces]]
        run = map if self.pool is None else self.pool.map
        found = np.array([pair for part in run(_chunk, *jobs) for pair in part]).reshape(-1, 2)
        return found[:, 0], found[:, 1]


def errors_in_ulp(values: Array, truth: Truth) -> Array:
    """Return |value - truth| / ulp(nearest float64 of the truth), inf where the value is not finite.

    The difference to the nearest float64 is exact where it is small, so that the error is good to 1e-15 of itself.
    """
    nearest, rest = truth
    with np.errstate(all="ignore"):
        errors = np.abs((values - nearest) / np.spacing(np.abs(nearest)) - rest)
    return np.where(np.isfinite(values), errors, np.inf)


def condition(function: str, x: Array, value: Array) -> Array:
    """Return |x f'(x) / f(x)|: by how many times its own relative size a small change of x moves the result."""
    found: Array
    with np.errstate(all="ignore"):
        if function == "ndtr":
            found = x / _mills(-x)
        elif function == "log_ndtr":
            found = x / _mills(-x) / value
        elif function == "mills_ratio":  # from 1e3 on the difference has no digits left, and the ratio is 1 / x
            found = np.where(x > 1e3, 1.0, x * (x - 1 / _mills(x)))
        elif function == "ndtri":
            found = _mills(-value) / value
        elif function == "ndtri_exp":
            found = x * _mills(-value) / value
        elif function == "log_profile":
            found = ndtri(x) * _mills(-ndtri(x)) / value
        elif function == "log_profile_exp":
            found = x * ndtri_exp(x) * _mills(-ndtri_exp(x)) / value
        else:
            raise ValueError(f"function={function!r} has no condition number here.")
    return np.abs(found)


def _mills(t: Array) -> Array:
    ratio: Array = math.sqrt(math.pi / 2) * erfcx(t / math.sqrt(2))
    return ratio
