"""Gaussian noise by counter: the value of every coordinate of every sample is a function of (key, sample, coordinate).

No state: any part of any sample can be made alone, in any order, by any thread, to the same bits.

**Bits.** Philox4x32-10 turns a counter of 128 bits and a key of 64 into four words of 32 random bits (Salmon, Moraes,
Dror, Shaw (2011). Parallel random numbers: as easy as 1, 2, 3. SC'11, section 4.3).

**Counter.** The words 2 and 3 are the sample's index, low half first, and the words 0 and 1 the block of coordinates,
with the type of the numbers in the two highest bits (1: float32, 2: float64), so that the two types are independent
noise. Block b holds the coordinates 4b to 4b + 3 in float32 and 2b, 2b + 1 in float64. The map is injective for all
samples below 2**64 and all coordinates below 2**63.

**Normals.** Box and Muller (1958), A note on the generation of random normal deviates: the radius from
u = (k + 1/2) / 2**52 with 52 random bits k, the angle from 53 bits more (float32: (k + 1/2) / 2**32, and 32 bits). So
a normal ends at sqrt(106 log 2) = 8.57 (float32: sqrt(66 log 2) = 6.76), is symmetric and never zero. The logarithm,
sine and cosine are polynomials, for LLVM makes no vectors of calls to the C library; each is minimax in relative error
over its range (tests/reference/fit_philox.py). Against the exact transform of the same bits: at most 2.9 ulp seen
(float32: 4.6 ulp).

Wherever a product meets a sum, `fma` says how it is rounded, and the rest are single IEEE operations: the bits are the
same on every machine. A change of the bits is a breaking change.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._bits import U as _U
from isoperimetry.kernels._bits import as_float32, as_float64, as_word32, fma, signed32
from isoperimetry.kernels._elementary import log_parts
from isoperimetry.kernels._jit import kernel

PER_BLOCK32, PER_BLOCK64 = 4, 2
"""Coordinates in a block."""

_MULTIPLIER_0, _MULTIPLIER_1 = _U(0xD2511F53), _U(0xCD9E8D57)
_WEYL_0, _WEYL_1 = _U(0x9E3779B9), _U(0xBB67AE85)
_LOW32 = _U(0xFFFFFFFF)
_TAG32, _TAG64 = _U(1 << 62), _U(2 << 62)
_0, _1, _2, _12, _23, _32 = _U(0), _U(1), _U(2), _U(12), _U(23), _U(32)


@kernel(inline=True)
def philox4x32(low: Any, high: Any, key: Any) -> Any:
    """Return the four random words of one counter.

    Parameters
    ----------
    low, high : uint64
        The counter: its words 0, 1 and 2, 3, the lower half of each pair first.
    key : uint64
        The key, likewise.

    Returns
    -------
    tuple of 4 uint64
        Words of 32 random bits, each in the low half of a uint64.
    """
    c0, c1, c2, c3 = low & _LOW32, low >> _32, high & _LOW32, high >> _32
    k0, k1 = key & _LOW32, key >> _32
    for _ in range(10):
        p0, p1 = _MULTIPLIER_0 * c0, _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (p1 >> _32) ^ c1 ^ k0, p1 & _LOW32, (p0 >> _32) ^ c3 ^ k1, p0 & _LOW32
        k0, k1 = (k0 + _WEYL_0) & _LOW32, (k1 + _WEYL_1) & _LOW32
    return c0, c1, c2, c3


# -2 log(m) = s L(s**2) with s = (m - 1) / (m + 1), for m in [sqrt(1/2), sqrt(2)). Relative error 1.2e-18.
_L0, _L1, _L2, _L3 = -4.0, -1.3333333333333468, -0.7999999999883411, -0.5714285748377778
_L4, _L5, _L6, _L7 = -0.4444439724416999, -0.36367123759067616, -0.30628222198754584, -0.29590723478382513
# sin(pi/2 w) = w S(w**2) and cos(pi/2 w) = C(w**2) for |w| <= 1/2. Relative errors 3.9e-17 and 3.1e-19.
_S0, _S1, _S2, _S3 = 1.5707963267948966, -0.645964097506228, 0.07969262624527505, -0.004681754119169904
_S4, _S5, _S6 = 0.00016044104873502344, -3.598279487867576e-06, 5.585287825328048e-08
_C0, _C1, _C2, _C3 = 1.0, -1.2337005501361697, 0.2536695079010417, -0.02086348076318097
_C4, _C5, _C6, _C7 = 0.0009192602726323787, -2.520202744692398e-05, 4.710334096517494e-07, -6.289399107947598e-09
_MINUS_2_LOG_2 = -1.3862943611198906

_BELOW_1 = 1 - 2.0**-53
_ONE_BITS = _U(0x3FF0000000000000)
_ONE_BITS_ODD = _ONE_BITS | _1
_TOP_BIT = _U(1 << 63)


@kernel(inline=True)
def _box_muller64(a: Any, b: Any) -> Any:
    """Return two float64 normals of two words of 64 random bits: ``a`` makes the radius and ``b`` the angle."""
    u = as_float64((a >> _12) | _ONE_BITS) - _BELOW_1  # exact: the 52 high bits and a half
    exponent, f = log_parts(u)
    s = f / (f + 2.0)
    t = s * s
    p = fma(_L7, t, _L6)
    p = fma(p, t, _L5)
    p = fma(p, t, _L4)
    p = fma(p, t, _L3)
    p = fma(p, t, _L2)
    p = fma(p, t, _L1)
    p = fma(p, t, _L0)
    radius = math.sqrt(fma(exponent, _MINUS_2_LOG_2, s * p))

    # Bit 63 swaps the two, bit 62 is a sign, the next 52 with the last set are the offset: odd, so that it is never 0.
    w = as_float64(((b << _2) >> _12) | _ONE_BITS_ODD) - 1.5
    t = w * w
    p = fma(_S6, t, _S5)
    p = fma(p, t, _S4)
    p = fma(p, t, _S3)
    p = fma(p, t, _S2)
    p = fma(p, t, _S1)
    p = fma(p, t, _S0)
    q = fma(_C7, t, _C6)
    q = fma(q, t, _C5)
    q = fma(q, t, _C4)
    q = fma(q, t, _C3)
    q = fma(q, t, _C2)
    q = fma(q, t, _C1)
    q = fma(q, t, _C0)
    x, y = math.copysign(radius * q, as_float64(b << _1)), radius * (w * p)
    swap = (b & _TOP_BIT) != _0
    return (y if swap else x), (x if swap else y)


# As above in float32: relative errors 8.0e-10, 2.8e-8 (that of rounding pi/2) and 4.4e-10.
_F = np.float32
_L0F, _L1F, _L2F, _L3F = _F(-4.0), _F(-1.333335518836975), _F(-0.7995517253875732), _F(-0.5974138975143433)
_S0F, _S1F = _F(1.5707963705062866), _F(-0.645966649055481)
_S2F, _S3F = _F(0.07971252501010895), _F(-0.004685971420258284)
_C0F, _C1F, _C2F = _F(1.0), _F(-1.2337005138397217), _F(0.25366854667663574)
_C3F, _C4F = _F(-0.020855596289038658), _F(0.0008944863803753389)
_MINUS_2_LOG_2F = _F(-1.3862943611198906)
_0F, _1F, _2F = _F(0), _F(1), _F(2)
_ULP32, _HALF_ULP32 = _F(2.0**-32), _F(2.0**-33)
_ROOT_HALF_BITS32, _FRACTION32, _BIAS32 = _U(0x3F3504F3), _U(0x7FFFFF), _F(127)
_TO_ROOT_HALF32 = _U(0x3F800000) - _ROOT_HALF_BITS32
_TOP_BIT32 = _U(1 << 31)


@kernel(inline=True)
def _box_muller32(a: Any, b: Any) -> Any:
    """Return two float32 normals of two words of 32 random bits: ``a`` makes the radius and ``b`` the angle."""
    # Read with a sign, the bits are u where it is below 1/2, else u - 1: near 1 the logarithm needs the latter exactly.
    near = fma(signed32(a), _ULP32, _HALF_ULP32)
    u = near if near > _0F else near + _1F
    shifted = (as_word32(u) + _TO_ROOT_HALF32) & _LOW32
    exponent = signed32(shifted >> _23) - _BIAS32
    f = as_float32((shifted & _FRACTION32) + _ROOT_HALF_BITS32) - _1F
    f = near if exponent == _0F else f
    s = f / (f + _2F)
    t = s * s
    p = fma(_L3F, t, _L2F)
    p = fma(p, t, _L1F)
    p = fma(p, t, _L0F)
    radius = _F(math.sqrt(fma(exponent, _MINUS_2_LOG_2F, s * p)))

    # Bit 31 swaps the two, bit 30 is a sign, the others with a half are the offset, which therefore is never 0.
    w = signed32((b << _2) | _2) * _ULP32
    t = w * w
    p = fma(_S3F, t, _S2F)
    p = fma(p, t, _S1F)
    p = fma(p, t, _S0F)
    q = fma(_C4F, t, _C3F)
    q = fma(q, t, _C2F)
    q = fma(q, t, _C1F)
    q = fma(q, t, _C0F)
    x, y = _F(math.copysign(radius * q, as_float32(b << _1))), radius * (w * p)
    swap = (b & _TOP_BIT32) != _0
    return (y if swap else x), (x if swap else y)


@kernel
def normals32(key: Any, sample: Any, block: Any) -> Any:
    """Return the 4 float32 normals of one block of coordinates of one sample; the arguments are uint64."""
    w0, w1, w2, w3 = philox4x32(block | _TAG32, sample, key)
    z0, z1 = _box_muller32(w0, w1)
    z2, z3 = _box_muller32(w2, w3)
    return z0, z1, z2, z3


@kernel
def normals64(key: Any, sample: Any, block: Any) -> Any:
    """Return the 2 float64 normals of one block of coordinates of one sample; the arguments are uint64."""
    w0, w1, w2, w3 = philox4x32(block | _TAG64, sample, key)
    return _box_muller64(w0 | (w1 << _32), w2 | (w3 << _32))


# The loops go over the counters in groups that stay in the first-level cache with all that is made of them: counters,
# words, normals, delivery. A group runs across the ends of rows, so that short rows fill the vectors as well.
_GROUP = 256


@kernel
def _list_counters(counters: Any, first_block: Any, sample: Any, block: int, n_blocks: int, n: int) -> None:
    i = row = 0
    while i < n:
        take = min(n_blocks - block, n - i)
        start, index = first_block + _U(block), sample + _U(row)
        for j in range(take):
            counters[_U(i + j)] = start + _U(j)
            counters[_U(i + j + _GROUP)] = index
        i += take
        block = 0
        row += 1


@kernel
def _make_words32(words: Any, counters: Any, key: Any, n: int) -> None:
    for i in range(n):
        w0, w1, w2, w3 = philox4x32(counters[i], counters[i + _GROUP], key)
        words[i] = w0
        words[i + _GROUP] = w1
        words[i + 2 * _GROUP] = w2
        words[i + 3 * _GROUP] = w3


@kernel
def _make_words64(counters: Any, key: Any, n: int) -> None:
    for i in range(n):
        w0, w1, w2, w3 = philox4x32(counters[i], counters[i + _GROUP], key)
        counters[i] = w0 | (w1 << _32)
        counters[i + _GROUP] = w2 | (w3 << _32)


@kernel
def _make_normals32(normals: Any, words: Any, n: int) -> None:
    for i in range(n):
        z0, z1 = _box_muller32(_U(words[i]), _U(words[i + _GROUP]))
        z2, z3 = _box_muller32(_U(words[i + 2 * _GROUP]), _U(words[i + 3 * _GROUP]))
        normals[4 * i] = z0
        normals[4 * i + 1] = z1
        normals[4 * i + 2] = z2
        normals[4 * i + 3] = z3


@kernel
def _make_normals64(normals: Any, words: Any, n: int) -> None:
    for i in range(n):
        z0, z1 = _box_muller64(words[i], words[i + _GROUP])
        normals[2 * i] = z0
        normals[2 * i + 1] = z1


@kernel
def _deliver(
    flat: Any, center: Any, sigma: Any, normals: Any, per_block: int, row: int, block: int, n_blocks: int, n: int
) -> None:
    i = 0
    while i < n:
        take = min(n_blocks - block, n - i)
        column = per_block * block
        start = row * center.size + column
        for j in range(min(per_block * take, center.size - column)):
            # Unsigned indices cannot be negative, so that short rows are spared the handling of that case.
            flat[_U(start + j)] = fma(sigma, normals[_U(per_block * i + j)], center[_U(column + j)])
        i += take
        block = 0
        row += 1


@kernel
def add_normals32(
    out: NDArray[np.float32],
    center: NDArray[np.float32],
    sigma: Any,
    key: Any,
    first: Any,
    begin: int,
    end: int,
    skip: int = 0,
) -> None:
    """Write ``center + sigma * z`` into rows of ``out``; row i takes the noise z of the sample ``first + i``.

    Parameters
    ----------
    out : array of float32, shape (n, dim), C-contiguous
        Receives the result, each entry rounded once. The noise is stored nowhere else.
    center : array of float32, shape (dim,)
        Added to every row.
    sigma : float32
        Scale of the noise.
    key, first : uint64
        The key and the index of the first sample.
    begin, end : int
        The blocks to fill, counted through the rows, each of which has ``ceil(dim / PER_BLOCK32)``: 0 and n times
        that for the whole of ``out``. Calls for separate ranges may run at the same time.
    skip : int
        Column 0 of ``out`` is the first coordinate of this block of the sample, 0 for its beginning; below 2**62.
    """
    n_blocks = -(-center.size // PER_BLOCK32)
    flat = out.reshape(out.size)
    counters = np.empty(2 * _GROUP, np.uint64)
    words = np.empty(4 * _GROUP, np.uint32)
    normals = np.empty(PER_BLOCK32 * _GROUP, np.float32)
    for start in range(begin, end, _GROUP):
        n = min(_GROUP, end - start)
        row = start // n_blocks
        block = start - row * n_blocks
        _list_counters(counters, _TAG32 + _U(skip), first + _U(row), block, n_blocks, n)
        _make_words32(words, counters, key, n)
        _make_normals32(normals, words, n)
        _deliver(flat, center, sigma, normals, PER_BLOCK32, row, block, n_blocks, n)


@kernel
def add_normals64(
    out: NDArray[np.float64],
    center: NDArray[np.float64],
    sigma: Any,
    key: Any,
    first: Any,
    begin: int,
    end: int,
    skip: int = 0,
) -> None:
    """Do what `add_normals32` does in float64; a row has ``ceil(dim / PER_BLOCK64)`` blocks."""
    n_blocks = -(-center.size // PER_BLOCK64)
    flat = out.reshape(out.size)
    counters = np.empty(2 * _GROUP, np.uint64)
    normals = np.empty(PER_BLOCK64 * _GROUP, np.float64)
    for start in range(begin, end, _GROUP):
        n = min(_GROUP, end - start)
        row = start // n_blocks
        block = start - row * n_blocks
        _list_counters(counters, _TAG64 + _U(skip), first + _U(row), block, n_blocks, n)
        _make_words64(counters, key, n)
        _make_normals64(normals, counters, n)
        _deliver(flat, center, sigma, normals, PER_BLOCK64, row, block, n_blocks, n)
