"""Tests of the normals. Each collects sums over chunks, so that memory does not grow with the amount of data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from benchmarks.randomness import pvalues
from benchmarks.randomness.pvalues import Result
from benchmarks.randomness.tails import lattice_tail

# Of He_k(Z) / sqrt(k!), Z normal: E of the fourth power. Over n the excess kurtosis of a mean of n; with n 20 times as
# large, the mean is normal as far out as a failing p-value.
FOURTH_POWERS = {k: 0.0 for k in range(1, 9)}
_X, _WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
for _k in FOURTH_POWERS:
    _values = special.eval_hermitenorm(_k, _X) / math.sqrt(math.factorial(_k))
    FOURTH_POWERS[_k] = float(_WEIGHTS @ _values**4 / math.sqrt(2 * math.pi))

# Functions with mean 0 and variance 1, whose products are tested.
FUNCTIONS = {
    "values": lambda z: z,
    "squares": lambda z: (z * z - 1) / math.sqrt(2),
    "absolute values": lambda z: (np.abs(z) - math.sqrt(2 / math.pi)) / math.sqrt(1 - 2 / math.pi),
}


# einsum and not @: BLAS would take all cores.
class Products:
    """Sums of products that have mean 0 and variance 1 for independent normals; a matrix of them is one test."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str], tuple[Any, int]] = {}

    def add(self, name: str, function: str, total: Any, n: int) -> None:
        before = self.sums.get((name, function), (0.0, 0))
        self.sums[name, function] = before[0] + total, before[1] + n

    def results(self, group: str) -> list[Result]:
        found = []
        for (name, function), (total, n) in self.sums.items():
            z = np.asarray(total).ravel() / math.sqrt(n)
            p = pvalues.of_normal(float(z[0])) if z.size == 1 else pvalues.of_chi_square(float(z @ z), z.size)
            # Absolute values follow the squares, so their p-values tell nothing new about uniformity.
            found.append(Result(group, f"{name}, {function}", p, n * z.size, function != "absolute values"))
        return found


class Marginal:
    """The law of single numbers: moments, tests of each chunk, bins, tails."""

    BINS = 4096
    LEVELS = (3.0, 4.0, 5.0, 6.0)

    def __init__(self, bits: int) -> None:
        self.tails = [2 * lattice_tail(level, bits) for level in self.LEVELS]
        self.n, self.moments, self.beyond = 0, np.zeros(9), np.zeros(len(self.LEVELS), int)
        self.bins = np.zeros(self.BINS, np.int64)
        self.p: dict[str, list[float]] = {"Kolmogorov-Smirnov": [], "Anderson-Darling": []}

    def add(self, z: Any) -> None:
        z = np.sort(z, axis=None)
        self.n += z.size
        before, last = np.ones_like(z), z
        for k in range(1, 9):
            self.moments[k] += last.sum() / math.sqrt(math.factorial(k))
            before, last = last, z * last - k * before
        self.beyond += [
            int(np.searchsorted(z, -t, "left") + z.size - np.searchsorted(z, t, "right")) for t in self.LEVELS
        ]
        u = special.ndtr(z)
        self.bins += np.bincount(np.minimum((u * self.BINS).astype(np.int64), self.BINS - 1), minlength=self.BINS)
        self.p["Kolmogorov-Smirnov"].append(pvalues.of_uniforms(u))
        odd = 2 * np.arange(z.size) + 1
        statistic = -z.size - float(np.einsum("i,i->", odd, np.log(u) + np.log(special.ndtr(-z[::-1])))) / z.size
        self.p["Anderson-Darling"].append(pvalues.of_anderson_darling(statistic))

    def results(self, group: str) -> list[Result]:
        found = [
            Result(
                group, f"mean of Hermite polynomial {k}", pvalues.of_normal(self.moments[k] / math.sqrt(self.n)), self.n
            )
            for k in range(1, 9)
            if self.n > 20 * FOURTH_POWERS[k]
        ]
        for name, p in self.p.items():
            found.append(Result(group, f"{name}, smallest p of {len(p)} chunks", pvalues.of_smallest(p), self.n, False))
            if len(p) > 10:
                found.append(
                    Result(group, f"{name}, uniformity of p over {len(p)} chunks", pvalues.of_uniforms(p), self.n)
                )
        found.append(Result(group, f"{self.BINS} bins of equal probability", pvalues.of_counts(self.bins), self.n))
        for level, tail, count in zip(self.LEVELS, self.tails, self.beyond, strict=True):
            name = f"beyond {level:g} sigma: {count}, expected {self.n * tail:.4g}"
            p = pvalues.of_binomial(int(count), self.n, tail)
            found.append(Result(group, name, p, self.n, uniform=self.n * tail > 1000))
        return found


class Serial:
    """Correlation across coordinates and samples, within and between blocks of a counter, and norms of rows."""

    COORDINATES = (1, 2, 3, 4, 5, 8, 16, 64, 256, 512)
    SAMPLES = (1, 2, 3, 4, 8, 64, 256)
    CELLS = 64

    def __init__(self, per_block: int) -> None:
        self.per_block, self.products, self.norms, self.n = per_block, Products(), [], 0
        self.cells = {
            name: np.zeros((self.CELLS, self.CELLS), np.int64)
            for name in ("radius and angle of a pair", "radii of neighbouring pairs", "angles of neighbouring pairs")
        }

    def add(self, z: Any) -> None:
        rows, dim = z.shape
        for name, function in FUNCTIONS.items():
            f = function(z)
            for lag in (lag for lag in self.COORDINATES if lag < dim):
                self._multiply(f"coordinates {lag} apart", name, f[:, :-lag], f[:, lag:])
            for lag in (lag for lag in self.SAMPLES if lag < rows):
                self._multiply(f"samples {lag} apart", name, f[:-lag], f[lag:])
            if dim > 1:
                self._multiply("next sample, next coordinate", name, f[:-1, :-1], f[1:, 1:])
                self._multiply("next sample, coordinate before", name, f[:-1, 1:], f[1:, :-1])
            if dim % self.per_block == 0:
                self._add_blocks(name, f.reshape(rows, -1, self.per_block))
        if dim % self.per_block == 0:
            self._add_pairs(z)
            self.norms.append(special.chdtr(dim, np.einsum("ij,ij->i", z, z)))

    def _multiply(self, test: str, function: str, a: Any, b: Any) -> None:
        self.products.add(test, function, float(np.einsum("ij,ij->", a, b)), a.size)

    def _add_blocks(self, function: str, f: Any) -> None:
        per, flat = self.per_block, f.reshape(-1, self.per_block)
        above = np.triu_indices(per, 1)
        self.products.add("within a block", function, np.einsum("ni,nj->ij", flat, flat)[above], len(flat))
        for name, a, b in (("block and next block", f[:, :-1], f[:, 1:]), ("same block of next sample", f[:-1], f[1:])):
            a, b = a.reshape(-1, per), b.reshape(-1, per)
            self.products.add(f"{name}, all {per * per} pairs", function, np.einsum("ni,nj->ij", a, b), len(a))

    def _add_pairs(self, z: Any) -> None:
        x, y = z[:, ::2], z[:, 1::2]
        radius = np.minimum((np.exp(-0.5 * (x * x + y * y)) * self.CELLS).astype(np.int64), self.CELLS - 1)
        angle = np.minimum(((np.arctan2(y, x) / (2 * np.pi) + 0.5) * self.CELLS).astype(np.int64), self.CELLS - 1)
        places = ((radius, angle), (radius[:, :-1:2], radius[:, 1::2]), (angle[:, :-1:2], angle[:, 1::2]))
        for cells, (a, b) in zip(self.cells.values(), places, strict=True):
            cells += np.bincount((a * self.CELLS + b).ravel(), minlength=cells.size).reshape(cells.shape)

    def results(self, group: str) -> list[Result]:
        found = self.products.results(group)
        for name, cells in self.cells.items():
            if cells.sum() > 20 * cells.size:
                found.append(Result(group, f"{name}, {cells.size} cells", pvalues.of_counts(cells), int(cells.sum())))
        if self.norms:
            norms = np.concatenate(self.norms)
            found.append(Result(group, "squared norms of rows", pvalues.of_uniforms(norms), norms.size))
        return found
