"""p-values, all two-sided: a fit that is too good is a failure as well."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

FAILURE = 1e-6
"""An adjusted p-value below this is a failure."""


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """One test: its p-value, the amount of data, and whether p is uniform and nearly independent of the others."""

    group: str
    test: str
    p: float
    n: int
    uniform: bool = True

    def to_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "p": float(f"{self.p:.4g}")}


def of_normal(z: float) -> float:
    return float(special.erfc(abs(z) / math.sqrt(2)))


def of_chi_square(statistic: float, df: int) -> float:
    return min(1.0, 2 * float(min(special.chdtr(df, statistic), special.chdtrc(df, statistic))))


def of_counts(counts: Any, probabilities: Any = None) -> float:
    """Chi-square of counts against probabilities (equal ones by default)."""
    counts = np.asarray(counts, float).ravel()
    expected = counts.sum() * (np.full(counts.size, 1 / counts.size) if probabilities is None else probabilities)
    return of_chi_square(float(((counts - expected) ** 2 / expected).sum()), counts.size - 1)


def of_binomial(count: int, n: int, probability: float) -> float:
    """Return twice the smaller exact tail, ``count`` included."""
    lower = special.betaincc(count + 1, n - count, probability) if count < n else 1.0
    upper = special.betainc(count, n - count + 1, probability) if count else 1.0
    return min(1.0, 2 * float(min(lower, upper)))


def of_poisson(count: int, mean: float) -> float:
    return min(1.0, 2 * float(min(special.gammaincc(count + 1, mean), special.gammainc(count, mean) if count else 1.0)))


def of_uniforms(u: Any) -> float:
    """Kolmogorov and Smirnov's test of uniformity, with Stephens' correction for the size."""
    u = np.sort(np.asarray(u, float), axis=None)
    steps = np.arange(u.size + 1) / u.size
    distance = max((steps[1:] - u).max(), (u - steps[:-1]).max())
    root = math.sqrt(u.size)
    return float(special.kolmogorov((root + 0.12 + 0.11 / root) * distance))


def of_anderson_darling(statistic: float) -> float:
    """Return the tail of the limiting law of A**2, a sum of squared normals with weights 1 / (j (j + 1)).

    Smirnov's formula for such sums: integrals between the inverse weights 2 and 6, 12 and 20, 30 and 42, ..., where the
    product of all ``1 - y / (j (j + 1))`` is negative; it is ``-cos(pi / 2 sqrt(1 + 4 y)) / (pi y)``. Below 2, where
    more than three integrals matter, by Marsaglia and Marsaglia (2004), Evaluating the Anderson-Darling distribution.
    """
    z = statistic
    if z < 2:
        series = 2.00012 + (0.247105 - (0.0649821 - (0.0347962 - (0.0116720 - 0.00168691 * z) * z) * z) * z) * z
        return 1 - math.exp(-1.2337141 / z) / math.sqrt(z) * series
    tail = 0.0
    angle = (np.arange(400) + 0.5) * (math.pi / 400)  # a substitution that leaves no singularity at the ends
    for sign, low, high in ((1, 2, 6), (-1, 12, 20), (1, 30, 42)):
        y = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
        product = np.abs(np.cos(np.pi / 2 * np.sqrt(1 + 4 * y))) / (np.pi * y)
        steps = (high - low) / 2 * np.sin(angle) * (math.pi / 400)
        tail += sign * float((np.exp(-z * y / 2) / (y * np.sqrt(product)) * steps).sum()) / math.pi
    return tail


def of_smallest(p: Sequence[float]) -> float:
    """p-value of the smallest of independent ones."""
    return -math.expm1(len(p) * math.log1p(-min(min(p), 1 - 2**-53)))


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the order of ``p``."""
    order, adjusted, worst = np.argsort(p), np.empty(len(p)), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = worst
    return adjusted.tolist()


def with_uniformity(results: list[Result], group: str) -> list[Result]:
    """Add the test that the p-values so far are uniform."""
    p = [result.p for result in results if result.uniform]
    return [*results, Result(group, f"uniformity of {len(p)} p-values", of_uniforms(p), len(p), uniform=False)]
