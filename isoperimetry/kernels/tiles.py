"""The noise of `philox` for a tile of samples, one block of coordinates at a time: the same bits, and never stored.

A tile is up to `SAMPLES` successive samples. The loops here run over the samples, so that a vector holds one coordinate
of several samples: sums over coordinates then stay in their lanes, and what belongs to a coordinate is a constant.

That order also saves two of the ten rounds of Philox. Of the counter, the words 0 and 1 are the block's and the words 2
and 3 the sample's. The first round does not mix them yet: two words of its result depend on the sample alone, and two
on the block alone. So the multiplications of the second round are done once for each sample, by `begin_tile`, and once
for each block, by `block_words`; only the last eight rounds are left for each pair.

A loop makes normals of the words of a block and adds them to the sums of its kind, one for each sample; ``terms[:, k]``
are the constants of coordinate k. For sums with many normals the noise of a few coordinates is held (`hold64`,
`add_projections`).

UNCHECKED. The samples of a tile have the upper half of their index in common, and blocks are below 2**32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from isoperimetry.kernels._bits import U, fma
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.philox import (
    _LOW32,
    _MULTIPLIER_0,
    _MULTIPLIER_1,
    _WEYL_0,
    _WEYL_1,
    _box_muller32,
    _box_muller64,
)

SAMPLES = 288
"""Samples in a tile, and the distance of two rows of every buffer of a tile."""

LANES = 32
"""Loops run over whole groups of so many samples: a vector of any width, and several at a time."""

NORMALS = 4
"""Products with normals are made for so many at a time, so that they share the load of a coordinate."""

_32 = U(32)
_STEP, _2_STEPS, _3_STEPS = U(SAMPLES), U(2 * SAMPLES), U(3 * SAMPLES)


@kernel
def rows_of_tile(sample: Any, left: int) -> int:
    """Return how many of the next ``left`` samples are in the tile that begins with ``sample``."""
    rows = min(left, SAMPLES)
    to_carry = int(_LOW32 - (sample & _LOW32)) + 1  # of the lower half of the index into the upper one
    return min(rows, to_carry)


@kernel
def whole_rows(rows: int) -> int:
    """Return the number of samples over which the loops run for ``rows`` of them."""
    return -(-rows // LANES) * LANES


@kernel
def begin_tile(parts: Any, tag: Any, sample: Any, key: Any, rows: int) -> None:
    """Write the share of the samples in the first two rounds to ``parts``, shape (2 * SAMPLES,) of uint64.

    ``tag`` is `philox._TAG32` or `philox._TAG64`.
    """
    mixed = (tag >> _32) ^ (key & _LOW32)
    for i in range(rows):
        product = _MULTIPLIER_1 * ((sample + U(i)) & _LOW32)
        parts[i] = product
        parts[i + SAMPLES] = _MULTIPLIER_0 * (((product >> _32) ^ mixed) & _LOW32)


@kernel(inline=True)
def block_words(block: Any, sample: Any, key: Any) -> Any:
    """Return the share of a block in the first two rounds: three words, mixed with the keys, and the keys of the third.

    Like the kernels below it takes the first sample of the tile and the key, all uint64.
    """
    k0, k1 = key & _LOW32, key >> _32
    product = _MULTIPLIER_0 * (block & _LOW32)
    second = _MULTIPLIER_1 * ((product >> _32) ^ (sample >> _32) ^ k1)
    k0, k1 = (k0 + _WEYL_0) & _LOW32, (k1 + _WEYL_1) & _LOW32
    first, third = (second >> _32) ^ k0, (product & _LOW32) ^ k1
    return first, second & _LOW32, third, (k0 + _WEYL_0) & _LOW32, (k1 + _WEYL_1) & _LOW32


@kernel(inline=True)
def _last_rounds(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Return the four words; of them and of the arguments, the lower halves count, and the upper ones are anything.

    To mask the factors of a product, instead of the words, costs nothing where the processor multiplies halves.
    """
    for _ in range(8):
        p0, p1 = _MULTIPLIER_0 * (c0 & _LOW32), _MULTIPLIER_1 * (c2 & _LOW32)
        c0, c1, c2, c3 = (p1 >> _32) ^ c1 ^ k0, p1, (p0 >> _32) ^ c3 ^ k1, p0
        k0, k1 = (k0 + _WEYL_0) & _LOW32, (k1 + _WEYL_1) & _LOW32
    return c0, c1, c2, c3


@kernel
def make_words32(words: Any, parts: Any, block: Any, sample: Any, key: Any, rows: int) -> None:
    """Write the words of one block of each sample to ``words``, shape (4 * SAMPLES,) of uint32."""
    first, second, third, k0, k1 = block_words(block, sample, key)
    for i in range(rows):
        product = parts[i + SAMPLES]
        c0, c1, c2, c3 = _last_rounds(parts[i] ^ first, second, (product >> _32) ^ third, product, k0, k1)
        words[i] = c0 & _LOW32
        words[i + SAMPLES] = c1 & _LOW32
        words[i + 2 * SAMPLES] = c2 & _LOW32
        words[i + 3 * SAMPLES] = c3 & _LOW32


@kernel(inline=True)
def normals_of32(words: Any, i: Any) -> Any:
    """Return the 4 normals of sample i of the tile."""
    z0, z1 = _box_muller32(U(words[i]), U(words[i + SAMPLES]))
    z2, z3 = _box_muller32(U(words[i + 2 * SAMPLES]), U(words[i + 3 * SAMPLES]))
    return z0, z1, z2, z3


@kernel
def make_words64(words: Any, parts: Any, block: Any, sample: Any, key: Any, rows: int) -> None:
    """Write the words of one block of each sample, two and two as one, to ``words``, shape (2 * SAMPLES,) of uint64."""
    first, second, third, k0, k1 = block_words(block, sample, key)
    for i in range(rows):
        product = parts[i + SAMPLES]
        c0, c1, c2, c3 = _last_rounds(parts[i] ^ first, second, (product >> _32) ^ third, product, k0, k1)
        words[i] = (c0 & _LOW32) | (c1 << _32)
        words[i + SAMPLES] = (c2 & _LOW32) | (c3 << _32)


@kernel(inline=True)
def normals_of64(words: Any, i: Any) -> Any:
    """Return the 2 normals of sample i of the tile."""
    return _box_muller64(words[i], words[i + SAMPLES])


@kernel(inline=True)
def _square_added(scale: Any, z: Any, shift: Any, total: Any) -> Any:
    gap = fma(scale, z, shift)
    return fma(gap, gap, total)


@kernel(inline=True)
def _beyond(scale: Any, z: Any, shift: Any, low: Any, high: Any) -> Any:
    x = fma(scale, z, shift)
    return (x < low) | (x > high)


@kernel
def add_products32(sums: Any, words: Any, terms: Any, column: int, rows: int) -> None:
    """Add ``terms[0] * z``."""
    t0, t1, t2, t3 = terms[0, column], terms[0, column + 1], terms[0, column + 2], terms[0, column + 3]
    for i in range(rows):
        z0, z1, z2, z3 = normals_of32(words, i)
        sums[i] = fma(z3, t3, fma(z2, t2, fma(z1, t1, fma(z0, t0, sums[i]))))


@kernel
def add_products64(sums: Any, words: Any, terms: Any, column: int, rows: int) -> None:
    """Add ``terms[0] * z``."""
    t0, t1 = terms[0, column], terms[0, column + 1]
    for i in range(rows):
        z0, z1 = normals_of64(words, i)
        sums[i] = fma(z1, t1, fma(z0, t0, sums[i]))


@kernel
def add_squares32(sums: Any, words: Any, terms: Any, column: int, rows: int) -> None:
    """Add ``(terms[0] * z + terms[1])**2``."""
    s0, s1, s2, s3 = terms[0, column], terms[0, column + 1], terms[0, column + 2], terms[0, column + 3]
    t0, t1, t2, t3 = terms[1, column], terms[1, column + 1], terms[1, column + 2], terms[1, column + 3]
    for i in range(rows):
        z0, z1, z2, z3 = normals_of32(words, i)
        total = _square_added(s1, z1, t1, _square_added(s0, z0, t0, sums[i]))
        sums[i] = _square_added(s3, z3, t3, _square_added(s2, z2, t2, total))


@kernel
def add_squares64(sums: Any, words: Any, terms: Any, column: int, rows: int) -> None:
    """Add ``(terms[0] * z + terms[1])**2``."""
    s0, s1 = terms[0, column], terms[0, column + 1]
    t0, t1 = terms[1, column], terms[1, column + 1]
    for i in range(rows):
        z0, z1 = normals_of64(words, i)
        sums[i] = _square_added(s1, z1, t1, _square_added(s0, z0, t0, sums[i]))


@kernel
def add_faces32(sums: Any, words: Any, terms: Any, column: int, rows: int) -> None:
    """Set the sum to 1 where ``terms[0] * z + terms[1]`` is below ``terms[2]`` or above ``terms[3]``."""
    s0, s1, s2, s3 = terms[0, column], terms[0, column + 1], terms[0, column + 2], terms[0, column + 3]
    t0, t1, t2, t3 = terms[1, column], terms[1, column + 1], terms[1, column + 2], terms[1, column + 3]
    l0, l1, l2, l3 = terms[2, column], terms[2, column + 1], terms[2, column + 2], terms[2, column + 3]
    h0, h1, h2, h3 = terms[3, column], terms[3, column + 1], terms[3, column + 2], terms[3, column + 3]
    one = np.float32(1)
    for i in range(rows):
        z0, z1, z2, z3 = normals_of32(words, i)
        outside = _beyond(s0, z0, t0, l0, h0) | _beyond(s1, z1, t1, l1, h1)
        outside |= _beyond(s2, z2, t2, l2, h2) | _beyond(s3, z3, t3, l3, h3)
        sums[i] = one if outside else sums[i]


@kernel
def add_faces64(sums: Any, words: Any, terms: Any, column: int, rows: int) -> None:
    """Set the sum to 1 where ``terms[0] * z + terms[1]`` is below ``terms[2]`` or above ``terms[3]``."""
    s0, s1 = terms[0, column], terms[0, column + 1]
    t0, t1 = terms[1, column], terms[1, column + 1]
    l0, l1 = terms[2, column], terms[2, column + 1]
    h0, h1 = terms[3, column], terms[3, column + 1]
    for i in range(rows):
        z0, z1 = normals_of64(words, i)
        outside = _beyond(s0, z0, t0, l0, h0) | _beyond(s1, z1, t1, l1, h1)
        sums[i] = 1.0 if outside else sums[i]


@kernel
def hold32(z: Any, words: Any, column: int, rows: int) -> None:
    """Write the noise of a block to ``z``, from row ``column`` on; a row has `SAMPLES` numbers."""
    start = U(column * SAMPLES)
    for i in range(rows):
        z0, z1, z2, z3 = normals_of32(words, i)
        j = U(i) + start
        z[j] = z0
        z[j + _STEP] = z1
        z[j + _2_STEPS] = z2
        z[j + _3_STEPS] = z3


@kernel
def hold64(z: Any, words: Any, column: int, rows: int) -> None:
    """Write the noise of a block to ``z``, from row ``column`` on; a row has `SAMPLES` numbers."""
    start = U(column * SAMPLES)
    for i in range(rows):
        z0, z1 = normals_of64(words, i)
        j = U(i) + start
        z[j] = z0
        z[j + _STEP] = z1


@kernel
def add_projections(sums: Any, z: Any, normals: Any, column: int, held: int, normal: int, rows: int) -> None:
    """Add the products of 4 coordinates with `NORMALS` normals, whose 16 factors stay in registers.

    ``normals`` has shape (coordinates, normals); the noise of its row ``column`` is row ``held`` of ``z``, and the sums
    of normal k are row k of ``sums``.
    """
    a0, a1 = normals[column, normal], normals[column, normal + 1]
    a2, a3 = normals[column, normal + 2], normals[column, normal + 3]
    b0, b1 = normals[column + 1, normal], normals[column + 1, normal + 1]
    b2, b3 = normals[column + 1, normal + 2], normals[column + 1, normal + 3]
    c0, c1 = normals[column + 2, normal], normals[column + 2, normal + 1]
    c2, c3 = normals[column + 2, normal + 2], normals[column + 2, normal + 3]
    d0, d1 = normals[column + 3, normal], normals[column + 3, normal + 1]
    d2, d3 = normals[column + 3, normal + 2], normals[column + 3, normal + 3]
    start, noise = U(normal * SAMPLES), U(held * SAMPLES)
    for i in range(rows):
        j, k = U(i) + noise, U(i) + start  # unsigned: that an index is not negative need not be looked at
        a, b, c, d = z[j], z[j + _STEP], z[j + _2_STEPS], z[j + _3_STEPS]
        sums[k] = fma(d, d0, fma(c, c0, fma(b, b0, fma(a, a0, sums[k]))))
        sums[k + _STEP] = fma(d, d1, fma(c, c1, fma(b, b1, fma(a, a1, sums[k + _STEP]))))
        sums[k + _2_STEPS] = fma(d, d2, fma(c, c2, fma(b, b2, fma(a, a2, sums[k + _2_STEPS]))))
        sums[k + _3_STEPS] = fma(d, d3, fma(c, c3, fma(b, b3, fma(a, a3, sums[k + _3_STEPS]))))
