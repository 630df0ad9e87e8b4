"""The data that the normals are tested on: where in the space of keys and counters each chunk lies."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.randomness import pvalues
from benchmarks.randomness.normals import FUNCTIONS, Marginal, Products, Serial
from benchmarks.randomness.pvalues import Result
from benchmarks.randomness.sources import Source

DIM, ROWS = 784, 334
"""Of a chunk: 261,856 numbers, 2 MB."""

SPREAD = 0x9E3779B97F4A7C15
"""Multiples of this modulo 2**64 are spread evenly: 2**64 over the golden ratio."""

LAYOUTS = (
    "consecutive samples of one key, from 0",
    "samples spread over all 64 bits of the index, one key",
    "named streams, one a chunk",
    "keys and samples spread over all 64 bits",
    "consecutive samples of 3 coordinates",
)


def chunk(source: Source, dtype: Any, i: int) -> Any:
    """Return chunk ``i``, shape (samples, coordinates); the layouts take turns."""
    turn, layout = divmod(i, len(LAYOUTS))
    key = source.stream.split("chunks").key
    # From 1 on: nothing may be tested twice as if it were independent.
    far = (turn + 1) * SPREAD % (2**64 - 2**20)
    if layout == 4:
        return source.normals(dtype, source.stream.split("short").key, turn * (DIM * ROWS // 3), DIM * ROWS // 3, 3)
    places = (
        (key, turn * ROWS),
        (key, far),
        (source.stream.split("chunks", turn).key, 0),
        (turn * SPREAD % 2**64, far),
    )
    return source.normals(dtype, *places[layout], ROWS, DIM)


def neighbours(source: Source, dtype: Any, size: int) -> list[Result]:
    """Return tests of 64 pairs of neighbours each; a pair gives one correlation of ``size`` numbers."""
    root, products = source.stream.split("neighbours"), Products()
    key = root.key

    def noise(key: int, sample: int) -> Any:
        return source.normals(dtype, key, sample, 1, size)[0]

    here = noise(key, 0)
    pairs: dict[str, Callable[[int], tuple[Any, Any]]] = {
        "keys that differ in one bit": lambda j: (here, noise(key ^ 1 << j, 0)),
        "keys 0, 1, 2, ...": lambda j: (noise(j, 0), noise(j + 1, 0)),
        "streams of neighbouring names": lambda j: (noise(root.split(j).key, 0), noise(root.split(j + 1).key, 0)),
        "samples that differ in one bit": lambda j: (here, noise(key, 1 << j)),
    }
    for name, pair in pairs.items():
        sums: dict[str, list[float]] = {function: [] for function in FUNCTIONS}
        for j in range(64):
            a, b = pair(j)
            for function, f in FUNCTIONS.items():
                sums[function].append(float(np.einsum("i,i->", f(a), f(b))))
        for function, totals in sums.items():
            products.add(f"{name}, 64 pairs", function, np.array(totals), size)
    return products.results(f"{np.dtype(dtype)}: neighbours")


def spectra(source: Source, dtype: Any, size: int, repeats: int = 4) -> list[Result]:
    """Return tests that the spectrum is flat: of long rows, and of one coordinate over many samples."""
    found = []
    for name, shape in (("row", (1, size)), ("first coordinate of samples", (size, 1))):
        for i in range(repeats):
            key = source.stream.split("spectra", i).key
            power = (
                np.abs(np.fft.rfft(source.normals(dtype, key, i * SPREAD % 2**63, *shape).ravel())[1:-1]) ** 2 / size
            )
            total, p = np.cumsum(power), {}
            p["ordinates are exponential"] = pvalues.of_uniforms(-np.expm1(-power))
            p["cumulative periodogram"] = pvalues.of_uniforms(total[:-1] / total[-1])
            p["largest ordinate"] = -math.expm1(power.size * math.log1p(-math.exp(-power.max())))
            found += [
                Result(f"{np.dtype(dtype)}: spectrum", f"{name} {i}, {test}", value, size) for test, value in p.items()
            ]
    return found


def normals(
    source: Source, dtype: Any, total: int, late: Callable[[], bool] = lambda: False
) -> tuple[list[Result], int]:
    """Return the results on about ``total`` normals, fewer if it grows ``late``, and how many it were."""
    name = str(np.dtype(dtype))
    marginal, serial = (
        Marginal(32 if dtype is np.float32 else 52),
        {dim: Serial(4 if dtype is np.float32 else 2) for dim in (DIM, 3)},
    )
    for i in range(max(len(LAYOUTS), math.ceil(total / (DIM * ROWS)))):
        z = chunk(source, dtype, i)
        marginal.add(z)
        serial[z.shape[1]].add(z)
        if late() and i >= len(LAYOUTS):
            break
    long = total >= 5 * 10**7
    side, length = (DIM * 64, 2**19) if long else (2**12, 2**14)
    found = marginal.results(f"{name}: law")
    for dim, tests in serial.items():
        found += tests.results(f"{name}: serial, rows of {dim}")
    found += neighbours(source, dtype, side) + spectra(source, dtype, length)
    return found, marginal.n + 4 * 2 * 64 * side + 8 * length
