"""Philox noise on CUDA in one pass: image + sigma * z is written once, and the noise is stored nowhere.

The arithmetic is that of `isoperimetry.kernels.philox`, whose docstring says what counters, words and normals are: the
same bits make the radius and the angle, and the same polynomials the logarithm, sine and cosine. The device's division
and root may differ in the last places. Importing this needs the package ``triton``, which comes with torch for CUDA.
"""

from __future__ import annotations

import os
from typing import Any

import torch
import triton  # type: ignore[import-not-found,import-untyped,unused-ignore]
import triton.language as tl  # type: ignore[import-not-found,import-untyped,unused-ignore]
from torch import Tensor

_M0, _M1 = tl.constexpr(0xD2511F53), tl.constexpr(0xCD9E8D57)
_W0, _W1 = tl.constexpr(0x9E3779B9), tl.constexpr(0xBB67AE85)
_BIT30, _BIT31 = tl.constexpr(1 << 30), tl.constexpr(1 << 31)
_BIT62, _BIT63 = tl.constexpr(1 << 62), tl.constexpr(1 << 63)
_ULP32, _HALF_ULP32 = tl.constexpr(2.0**-32), tl.constexpr(2.0**-33)
_ROOT_HALF32, _EXPONENT32 = tl.constexpr(0x3F3504F3), tl.constexpr(0xFF800000)
_ONE64, _ONE_ODD64 = tl.constexpr(0x3FF0000000000000), tl.constexpr(0x3FF0000000000001)
_ROOT_HALF64 = tl.constexpr(0x3FE6A09E667F3BCD)
_TO_ROOT_HALF64 = tl.constexpr(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
_FRACTION64 = tl.constexpr(0x000FFFFFFFFFFFFF)
_BELOW_1 = tl.constexpr(1 - 2.0**-53)
_MINUS_2_LOG_2 = tl.constexpr(-1.3862943611198906)
_MINUS_2_LOG_2_ULP = tl.constexpr(-1.3862943611198906 * 2.0**-23)

_PTX = torch.version.cuda is not None and os.environ.get("TRITON_INTERPRET") != "1"
"""Whether the device is NVIDIA's, whose own reciprocal and root are then called by name; no interpreter knows them."""

TILE, WARPS = 256, 2
"""Counters of a tile, each of which makes 4 normals in float32 and 2 in float64, and warps of 32 threads for them."""

TILES = 4
"""Tiles of a program, which follow one another in a row: what belongs to the row is made once for all."""


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _words(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    for _ in tl.static_range(10):
        # One wide product has both halves; each is one instruction of the device.
        p0, p1 = c0.to(tl.uint64) * _M0, c2.to(tl.uint64) * _M1
        c0, c1 = (p1 >> 32).to(tl.uint32) ^ c1 ^ k0, p1.to(tl.uint32)
        c2, c3 = (p0 >> 32).to(tl.uint32) ^ c3 ^ k1, p0.to(tl.uint32)
        k0, k1 = k0 + _W0, k1 + _W1
    return c0, c1, c2, c3


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _quotient(x, y, PTX: tl.constexpr):  # type: ignore[no-untyped-def]
    # For ordinary numbers: the general division spends six instructions on subnormal and huge ones.
    if PTX:
        return x * tl.inline_asm_elementwise(
            "rcp.approx.ftz.f32 $0, $1;", "=f,f", [y], dtype=tl.float32, is_pure=True, pack=1
        )
    else:
        return x / y


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _root(x, PTX: tl.constexpr):  # type: ignore[no-untyped-def]
    if PTX:
        return tl.inline_asm_elementwise(
            "sqrt.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
        )
    else:
        return tl.sqrt(x)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _pair32(a, b, PTX: tl.constexpr):  # type: ignore[no-untyped-def]
    near = a.to(tl.int32, bitcast=True).to(tl.float32) * _ULP32 + _HALF_ULP32
    u = tl.where(near > 0, near, near + 1.0)
    # u = 2**k (1 + f); the bits of k stay where they are in a float, which saves shifting them down and up again.
    bits = u.to(tl.uint32, bitcast=True)
    exponent = (bits - _ROOT_HALF32) & _EXPONENT32
    f = (bits - exponent).to(tl.float32, bitcast=True) - 1.0
    f = tl.where(exponent == 0, near, f)
    s = _quotient(f, f + 2.0, PTX)
    t = s * s
    p = t * -0.5974138975143433 + -0.7995517253875732
    p = p * t + -1.333335518836975
    p = p * t + -4.0
    radius = _root(exponent.to(tl.int32, bitcast=True).to(tl.float32) * _MINUS_2_LOG_2_ULP + s * p, PTX)

    w = ((b << 2) | 2).to(tl.int32, bitcast=True).to(tl.float32) * _ULP32
    t = w * w
    p = t * -0.004685971420258284 + 0.07971252501010895
    p = p * t + -0.645966649055481
    p = p * t + 1.5707963705062866
    q = t * 0.0008944863803753389 + -0.020855596289038658
    q = q * t + 0.25366854667663574
    q = q * t + -1.2337005138397217
    q = q * t + 1.0
    x = ((radius * q).to(tl.uint32, bitcast=True) | ((b << 1) & _BIT31)).to(tl.float32, bitcast=True)
    y = radius * (w * p)
    swap = b >= _BIT31
    return tl.where(swap, y, x), tl.where(swap, x, y)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _pair64(a, b):  # type: ignore[no-untyped-def]
    u = ((a >> 12) | _ONE64).to(tl.float64, bitcast=True) - _BELOW_1
    shifted = u.to(tl.uint64, bitcast=True) + _TO_ROOT_HALF64
    exponent = ((shifted >> 52).to(tl.int32) - 1023).to(tl.float64)
    f = ((shifted & _FRACTION64) + _ROOT_HALF64).to(tl.float64, bitcast=True) - 1.0
    s = f / (f + 2.0)
    t = s * s
    p = t * -0.29590723478382513 + -0.30628222198754584
    p = p * t + -0.36367123759067616
    p = p * t + -0.4444439724416999
    p = p * t + -0.5714285748377778
    p = p * t + -0.7999999999883411
    p = p * t + -1.3333333333333468
    p = p * t + -4.0
    radius = tl.sqrt(exponent * _MINUS_2_LOG_2 + s * p)

    w = (((b << 2) >> 12) | _ONE_ODD64).to(tl.float64, bitcast=True) - 1.5
    t = w * w
    p = t * 5.585287825328048e-08 + -3.598279487867576e-06
    p = p * t + 0.00016044104873502344
    p = p * t + -0.004681754119169904
    p = p * t + 0.07969262624527505
    p = p * t + -0.645964097506228
    p = p * t + 1.5707963267948966
    q = t * -6.289399107947598e-09 + 4.710334096517494e-07
    q = q * t + -2.520202744692398e-05
    q = q * t + 0.0009192602726323787
    q = q * t + -0.02086348076318097
    q = q * t + 0.2536695079010417
    q = q * t + -1.2337005501361697
    q = q * t + 1.0
    x = ((radius * q).to(tl.uint64, bitcast=True) | ((b << 1) & _BIT63)).to(tl.float64, bitcast=True)
    y = radius * (w * p)
    swap = b >= _BIT63
    return tl.where(swap, y, x), tl.where(swap, x, y)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _add_noise(  # type: ignore[no-untyped-def]
    out,
    centers,
    table,
    n,
    dim,
    tiles,
    SINGLE: tl.constexpr,
    LOW: tl.constexpr,
    HIGH: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCKS: tl.constexpr,
    PTX: tl.constexpr,
):
    PER_BLOCK: tl.constexpr = 4 if SINGLE else 2

    # What belongs to a row: its key, draw, image and sigma. 64-bit rows, for rows * dim may pass 2**31.
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    there = row < n
    line = table + 4 * row
    key = tl.load(line, mask=there, other=0).to(tl.uint64, bitcast=True)
    draw = tl.load(line + 1, mask=there, other=0).to(tl.uint64, bitcast=True)
    image = tl.load(line + 2, mask=there, other=0)
    scale = tl.load(line + 3, mask=there, other=0)
    k0, k1 = key.to(tl.uint32), (key >> 32).to(tl.uint32)
    c2, c3 = draw.to(tl.uint32), (draw >> 32).to(tl.uint32)
    if SINGLE:
        sigma = scale.to(tl.int32).to(tl.float32, bitcast=True)
    else:
        sigma = scale.to(tl.float64, bitcast=True)

    start = tl.program_id(1) * tiles
    for tile in range(start, tl.minimum(start + tiles, tl.cdiv(dim, PER_BLOCK * BLOCKS))):
        # A tile begins at a multiple of a power of two: the high half of the block is the same for all of it.
        first = tl.cast(tile, tl.int64) * BLOCKS
        c0 = first.to(tl.uint32) + tl.arange(0, BLOCKS).to(tl.uint32)[None, :]
        c1 = (first >> 32).to(tl.uint32) | (_BIT30 if SINGLE else _BIT31)
        w0, w1, w2, w3 = _words(tl.broadcast_to(c0, (ROWS, BLOCKS)), c1, c2, c3, k0, k1)
        if SINGLE:
            z0, z1 = _pair32(w0, w1, PTX)
            z2, z3 = _pair32(w2, w3, PTX)
            z = tl.interleave(tl.interleave(z0, z2), tl.interleave(z1, z3))
        else:
            z0, z1 = _pair64(w0 | (w1.to(tl.uint64) << 32), w2 | (w3.to(tl.uint64) << 32))
            z = tl.interleave(z0, z1)
        column = first * PER_BLOCK + tl.arange(0, PER_BLOCK * BLOCKS)[None, :]
        mask = there & (column < dim)
        x = sigma * z + tl.load(centers + image * dim + column, mask=mask, other=0.0)
        if LOW is not None:
            x = tl.minimum(tl.maximum(x, tl.full((1, 1), LOW, x.dtype)), tl.full((1, 1), HIGH, x.dtype))
        tl.store(out + row * dim + column, x, mask=mask)


def add_noise(out: Tensor, centers: Tensor, rows: Tensor, bounds: tuple[float, float] | None) -> None:
    """Do what `isoperimetry_bridges.torch.philox.add_noise` does, in one launch on the device's current stream.

    Parameters
    ----------
    out : Tensor, shape (n, dim), contiguous
        Receives the result; float32 or float64.
    centers : Tensor, shape (n_images, dim), contiguous
        Of the type and on the device of ``out``.
    rows : Tensor of int64, shape (n, 4), contiguous
        On the same device: key, draw, image and the bits of sigma.
    bounds : (float, float) or None
        Clip the result to this box.
    """
    n, dim = out.shape
    if not out.numel():
        return
    single = out.dtype == torch.float32
    per_block = 4 if single else 2
    # Short rows share a tile; a grid has at most 65,535 programs along a row.
    blocks = min(TILE, triton.next_power_of_2(-(-dim // per_block)))
    n_rows = TILE // blocks
    n_tiles = -(-dim // (per_block * blocks))
    tiles = max(TILES, -(-n_tiles // 65535))
    low, high = (None, None) if bounds is None else bounds
    kernel: Any = _add_noise[-(-n // n_rows), -(-n_tiles // tiles)]
    with torch.cuda.device_of(out):  # type: ignore[no-untyped-call,unused-ignore]
        # Fused multiply-adds are asked for: the CPU kernel has them, and triton's default is about to change.
        kernel(
            *(out, centers, rows, n, dim, tiles, single, low, high, n_rows, blocks, _PTX),
            num_warps=WARPS,
            enable_fp_fusion=True,
        )
