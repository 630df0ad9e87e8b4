"""A small battery on the raw words, for where no dieharder is installed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from benchmarks.randomness import pvalues
from benchmarks.randomness.pvalues import Result
from benchmarks.randomness.sources import ORDERS, Source

COUNTERS = 2**17
"""Of a chunk: 2 MB."""

BIRTHDAYS = 4096
"""Drawn in a year of 2**32 days, of which about BIRTHDAYS**3 / 4 / 2**32 = 4 spacings equal another one."""

# Pairs of equal spacings less triples, which count twice and hold three pairs (the spacings are Dirichlet's).
_M, _DAYS = BIRTHDAYS, 2.0**32
EQUAL = _M * (_M - 1) * (_M - 2) / (4 * _DAYS) - math.comb(_M - 1, 3) * _M * (_M - 1) / (3 * _DAYS**2)

_BINOMIAL = special.binom(32, np.arange(33)) / 2.0**32


class Words:
    """Sums over chunks of words of shape (counters, 4)."""

    def __init__(self) -> None:
        self.n = self.changes = self.equal_spacings = self.years = 0
        self.ones = np.zeros((4, 32), np.int64)
        self.bytes, self.serial = np.zeros(256, np.int64), np.zeros((2, 65536), np.int64)
        self.weights, self.p = np.zeros((2, 33), np.int64), []

    def add(self, words: Any) -> None:
        flat = np.ascontiguousarray(words).ravel()
        self.n += flat.size
        for bit in range(32):
            self.ones[:, bit] += (words >> np.uint32(bit) & np.uint32(1)).sum(axis=0, dtype=np.int64)
        self.changes += int(np.bitwise_count((flat ^ flat >> np.uint32(1)) & np.uint32(0x7FFFFFFF)).sum(dtype=np.int64))
        self.bytes += np.bincount(flat.view(np.uint8), minlength=256)
        for row, shift in zip(self.serial, (24, 0), strict=True):
            byte = (flat >> np.uint32(shift) & np.uint32(255)).astype(np.int64)
            row += np.bincount(byte[:-1:2] * 256 + byte[1::2], minlength=65536)
        for row, (a, b) in zip(
            self.weights, ((words[:-1:2], words[1::2]), (words[:, :3:2], words[:, 1::2])), strict=True
        ):
            row += np.bincount(np.bitwise_count(a ^ b).ravel(), minlength=33)
        for days in (flat, words[:, 0]):
            years = np.sort(days[: days.size // BIRTHDAYS * BIRTHDAYS].reshape(-1, BIRTHDAYS), axis=1)
            spacings = np.sort(np.diff(years.astype(np.int64), axis=1), axis=1)
            self.equal_spacings += int((np.diff(spacings, axis=1) == 0).sum())
            self.years += len(years)
        radii = words[:, 0] | words[:, 1].astype(np.uint64) << np.uint64(32)
        self.p.append(pvalues.of_uniforms(((radii >> np.uint64(12)) + 0.5) / 2.0**52))

    def results(self, group: str) -> list[Result]:
        per_place = self.n // 4
        z = (2 * self.ones - per_place) / math.sqrt(per_place)
        inner = 31 * self.n
        found = [
            ("monobit", pvalues.of_normal(float(z.sum()) / math.sqrt(z.size))),
            ("each of the 128 bits of a counter", pvalues.of_chi_square(float((z**2).sum()), z.size)),
            ("runs: changes of bit inside words", pvalues.of_normal((2 * self.changes - inner) / math.sqrt(inner))),
            ("bytes", pvalues.of_counts(self.bytes)),
            ("pairs of top bytes of neighbouring words", pvalues.of_counts(self.serial[0])),
            ("pairs of low bytes of neighbouring words", pvalues.of_counts(self.serial[1])),
            ("bits changed from a counter to the next", self._weights(0)),
            ("bits changed from a word to the next", self._weights(1)),
        ]
        results = [Result(group, name, p, self.n) for name, p in found]
        equal, mean = self.equal_spacings, self.years * EQUAL
        p = pvalues.of_poisson(equal, mean)
        results.append(
            Result(group, f"birthday spacings: {equal} equal, expected {mean:.0f}", p, self.years * BIRTHDAYS)
        )
        p = pvalues.of_smallest(self.p)
        results.append(Result(group, f"uniforms of the radii, smallest p of {len(self.p)}", p, self.n // 4, False))
        if len(self.p) > 10:
            p = pvalues.of_uniforms(self.p)
            results.append(Result(group, f"uniforms of the radii, uniformity of {len(self.p)} p", p, self.n // 4))
        return results

    def _weights(self, row: int) -> float:
        """Chi-square of Hamming weights, the rare ones together."""
        expected = _BINOMIAL * self.weights[row].sum()
        low = int(np.argmax(np.cumsum(expected) >= 20))
        cuts = [0, *range(low + 1, 33 - low)]
        return pvalues.of_counts(np.add.reduceat(self.weights[row], cuts), np.add.reduceat(_BINOMIAL, cuts))


def words(source: Source, n_counters: int) -> tuple[list[Result], dict[str, int]]:
    """Return the results, and how many words each order gave; hashed names are slow and give a sixteenth."""
    found, amounts = [], {}
    for order in ORDERS:
        tests = Words()
        size = min(COUNTERS, n_counters)
        for start in range(0, max(size, n_counters // 16 if order == "name" else n_counters), size):
            tests.add(source.words(order, start, size))
        found += tests.results(f"words by {order}")
        amounts[order] = tests.n
    return found, amounts
