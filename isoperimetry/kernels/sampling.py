"""Count noisy samples in a set: each is drawn, tested and forgotten, so that no array of samples is ever made.

The sample i is ``center + sigma * z`` with the noise z that `philox` gives to (key, i), that is the row i of
`isoperimetry.streams.add_noise` of the same type. The loops go over tiles of samples (`tiles`), in one thread and
without the GIL; of a tile there are in memory the random words of one block of coordinates and a sum for each sample,
`NOISE_BYTES` at most, whatever the number of samples and the dimension.

Sums. Within `STRAND` blocks of coordinates, counted from the beginning of the sample, products are added one after the
other by `fma` in the type of the noise; what a strand adds up to is added in float64. This order depends on nothing but
the dimension, so that a sample is counted alike in any tile, and counts of parts add up to the count of the whole. In
float32 the errors are those of sums of `STRAND` blocks and do not grow with the dimension: about 3e-7 of the spread of
the product with a unit normal, and 3e-6 of that of the squared distance, far below what any count can resolve.

UNCHECKED. Coordinates fill whole blocks: what is beyond the dimension has zero terms, which add nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry.kernels._bits import U
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.philox import _TAG32, _TAG64, PER_BLOCK32, PER_BLOCK64, add_normals64
from isoperimetry.kernels.tiles import (
    NORMALS,
    SAMPLES,
    add_faces32,
    add_faces64,
    add_products32,
    add_products64,
    add_projections,
    add_squares32,
    add_squares64,
    begin_tile,
    hold32,
    hold64,
    make_words32,
    make_words64,
    rows_of_tile,
    whole_rows,
)

STRAND = 64
"""Blocks of coordinates whose products are added in the type of the noise."""

PRODUCTS, SQUARES, FACES = 0, 1, 2
"""What `count_sums32` and `count_sums64` add up; see there."""

COLUMNS = 8
"""Coordinates of a tile that are held for the products with several normals."""

NOISE_BYTES = SAMPLES * (2 * 8 + 4 * 4 + COLUMNS * 8)
"""Memory for counters, random words and noise that one call holds, at most; sums and results are apart from it."""


@kernel
def _end_strand(totals: Any, sums: Any, rows: int) -> float:
    """Add the sums to the totals and begin them anew; return the least total."""
    least = math.inf
    for i in range(rows):
        totals[i] += float(sums[i])
        sums[i] = 0
    for i in range(rows):
        least = min(least, totals[i])
    return least


@kernel
def _count_between(totals: Any, middle: float, scale: float, low: float, high: float, rows: int) -> int:
    count = 0
    for i in range(rows):
        value = middle + scale * totals[i]
        count += int(low <= value) & int(value <= high)
    return count


@kernel
def count_sums32(
    kind: int, terms: Any, middle: float, scale: float, low: float, high: float, key: Any, first: Any, n: int
) -> int:
    """Return for how many of n samples ``low <= middle + scale * total <= high``, with float32 noise.

    Parameters
    ----------
    kind : int
        What the total is the sum of, over the coordinates: `PRODUCTS` ``terms[0] * z``; `SQUARES`
        ``(terms[0] * z + terms[1])**2``; `FACES` the faces that ``x = terms[0] * z + terms[1]`` is outside of, being
        below ``terms[2]`` or above ``terms[3]``, where any number above 0 stands for some.
    terms : array of float32, shape (1, 2 or 4, dim), C-contiguous
        ``dim`` is a multiple of `philox.PER_BLOCK32`. Coordinates that only fill up a block must add nothing.
    middle, scale, low, high : float
        The test, in float64.
    key, first : uint64
        The key and the index of the first sample.
    n : int
        Number of samples.

    Returns
    -------
    int
        The count, the sum of those of any parts of the n samples.
    """
    parts, words = np.empty(2 * SAMPLES, np.uint64), np.empty(4 * SAMPLES, np.uint32)
    sums, totals = np.zeros(SAMPLES, np.float32), np.empty(SAMPLES)
    n_blocks = terms.shape[1] // PER_BLOCK32
    count = done = 0
    while done < n:
        sample = first + U(done)
        rows = rows_of_tile(sample, n - done)
        whole = whole_rows(rows)
        totals[:] = 0.0
        begin_tile(parts, _TAG32, sample, key, whole)
        for start in range(0, n_blocks, STRAND):
            for block in range(start, min(start + STRAND, n_blocks)):
                make_words32(words, parts, U(block), sample, key, whole)
                if kind == PRODUCTS:
                    add_products32(sums, words, terms, PER_BLOCK32 * block, whole)
                elif kind == SQUARES:
                    add_squares32(sums, words, terms, PER_BLOCK32 * block, whole)
                else:
                    add_faces32(sums, words, terms, PER_BLOCK32 * block, whole)
            if _end_strand(totals, sums, whole) > 0.0 and kind == FACES:
                break  # all are outside already
        count += _count_between(totals, middle, scale, low, high, rows)
        done += rows
    return count


@kernel
def count_sums64(
    kind: int, terms: Any, middle: float, scale: float, low: float, high: float, key: Any, first: Any, n: int
) -> int:
    """Do what `count_sums32` does with float64 noise; ``terms`` are float64, in blocks of `philox.PER_BLOCK64`."""
    parts, words = np.empty(2 * SAMPLES, np.uint64), np.empty(2 * SAMPLES, np.uint64)
    sums, totals = np.zeros(SAMPLES), np.empty(SAMPLES)
    n_blocks = terms.shape[1] // PER_BLOCK64
    count = done = 0
    while done < n:
        sample = first + U(done)
        rows = rows_of_tile(sample, n - done)
        whole = whole_rows(rows)
        totals[:] = 0.0
        begin_tile(parts, _TAG64, sample, key, whole)
        for start in range(0, n_blocks, STRAND):
            for block in range(start, min(start + STRAND, n_blocks)):
                make_words64(words, parts, U(block), sample, key, whole)
                if kind == PRODUCTS:
                    add_products64(sums, words, terms, PER_BLOCK64 * block, whole)
                elif kind == SQUARES:
                    add_squares64(sums, words, terms, PER_BLOCK64 * block, whole)
                else:
                    add_faces64(sums, words, terms, PER_BLOCK64 * block, whole)
            if _end_strand(totals, sums, whole) > 0.0 and kind == FACES:
                break  # all are outside already
        count += _count_between(totals, middle, scale, low, high, rows)
        done += rows
    return count


@kernel
def _count_reached(totals: Any, middles: Any, scale: float, offsets: Any, rows: int) -> int:
    count = 0
    for i in range(rows):
        inside = False
        for k in range(offsets.size):
            inside |= middles[k] + scale * totals[i + k * SAMPLES] >= offsets[k]
        count += int(inside)
    return count


@kernel
def _project(sums: Any, z: Any, normals: Any, column: int, rows: int) -> None:
    """Add the products of the held coordinates with all normals."""
    for normal in range(0, normals.shape[1], NORMALS):
        for held in range(0, COLUMNS, 4):
            add_projections(sums, z, normals, column + held, held, normal, rows)


@kernel
def count_union32(normals: Any, middles: Any, scale: float, offsets: Any, key: Any, first: Any, n: int) -> int:
    """Return for how many of n samples any ``middle + scale * (normal.z)`` reaches its offset, with float32 noise.

    The normals are taken a few columns at a time, for all samples of a tile: so they are read once a tile from wherever
    they are, which for 16 normals in 150,528 dimensions is not the cache.

    Parameters
    ----------
    normals : array of float32, shape (dim, m), C-contiguous
        ``dim`` is a multiple of `COLUMNS` and m one of `NORMALS`. Coordinates beyond the dimension are zero.
    middles, offsets : arrays of float64, shape (m,)
        The test. A normal that only fills up the array has an infinite offset.
    scale : float
        In float64.
    key, first : uint64
        The key and the index of the first sample.
    n : int
        Number of samples.

    Returns
    -------
    int
        The count, the sum of those of any parts of the n samples.
    """
    parts, words = np.empty(2 * SAMPLES, np.uint64), np.empty(4 * SAMPLES, np.uint32)
    z = np.empty(COLUMNS * SAMPLES, np.float32)
    sums, totals = np.zeros(offsets.size * SAMPLES, np.float32), np.empty(offsets.size * SAMPLES)
    dim, strand = normals.shape[0], STRAND * PER_BLOCK32
    count = done = 0
    while done < n:
        sample = first + U(done)
        rows = rows_of_tile(sample, n - done)
        whole = whole_rows(rows)
        totals[:] = 0.0
        begin_tile(parts, _TAG32, sample, key, whole)
        for start in range(0, dim, strand):
            for column in range(start, min(start + strand, dim), COLUMNS):
                for held in range(0, COLUMNS, PER_BLOCK32):
                    make_words32(words, parts, U((column + held) // PER_BLOCK32), sample, key, whole)
                    hold32(z, words, held, whole)
                _project(sums, z, normals, column, whole)
            _end_strand(totals, sums, sums.size)
        count += _count_reached(totals, middles, scale, offsets, rows)
        done += rows
    return count


@kernel
def count_union64(normals: Any, middles: Any, scale: float, offsets: Any, key: Any, first: Any, n: int) -> int:
    """Do what `count_union32` does with float64 noise and normals."""
    parts, words = np.empty(2 * SAMPLES, np.uint64), np.empty(2 * SAMPLES, np.uint64)
    z = np.empty(COLUMNS * SAMPLES)
    sums, totals = np.zeros(offsets.size * SAMPLES), np.empty(offsets.size * SAMPLES)
    dim, strand = normals.shape[0], STRAND * PER_BLOCK64
    count = done = 0
    while done < n:
        sample = first + U(done)
        rows = rows_of_tile(sample, n - done)
        whole = whole_rows(rows)
        totals[:] = 0.0
        begin_tile(parts, _TAG64, sample, key, whole)
        for start in range(0, dim, strand):
            for column in range(start, min(start + strand, dim), COLUMNS):
                for held in range(0, COLUMNS, PER_BLOCK64):
                    make_words64(words, parts, U((column + held) // PER_BLOCK64), sample, key, whole)
                    hold64(z, words, held, whole)
                _project(sums, z, normals, column, whole)
            _end_strand(totals, sums, sums.size)
        count += _count_reached(totals, middles, scale, offsets, rows)
        done += rows
    return count


@kernel(cached=False)
def count_function(function: Any, center: Any, sigma: float, key: Any, first: Any, n: int) -> int:
    """Return for how many of n samples ``function(x)`` is true, x being the float64 row of `add_normals64`.

    The function is compiled into the loop. As it needs whole samples, they are drawn into an array: as many as fit into
    `NOISE_BYTES`, but at least one.

    Parameters
    ----------
    function : compiled function
        From a contiguous float64 array, shape (dim,), to a boolean or an integer. It must neither keep nor change the
        array, which is used again for later samples. See `value_of` for what it returns.
    center : array of float64, shape (dim,), C-contiguous
        Center of the noise.
    sigma : float
        Scale of the noise.
    key, first : uint64
        The key and the index of the first sample.
    n : int
        Number of samples.

    Returns
    -------
    int
        The count, the sum of those of any parts of the n samples.
    """
    x = np.empty((max(1, NOISE_BYTES // (8 * center.size)), center.size))
    n_blocks = -(-center.size // PER_BLOCK64)
    count = 0
    for start in range(0, n, x.shape[0]):
        rows = min(x.shape[0], n - start)
        add_normals64(x, center, sigma, key, first + U(start), 0, rows * n_blocks)
        for i in range(rows):
            if function(x[i]):
                count += 1
    return count


@kernel(cached=False)
def fill_function(function: Any, x: Any, out: Any) -> None:
    """Write whether ``function(row)`` is true for each row of x, float64 and C-contiguous, to out."""
    for i in range(x.shape[0]):
        out[i] = bool(function(x[i]))


@kernel(cached=False)
def value_of(function: Any, x: Any) -> Any:
    """Return what ``function(x)`` returns, so that a caller can look whether it is a boolean or an integer at all."""
    return function(x)
