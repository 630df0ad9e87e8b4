"""The generator under test, and broken ones that the same tests must catch."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from isoperimetry.kernels import philox
from isoperimetry.kernels._jit import kernel
from isoperimetry.special import philox_normals
from isoperimetry.streams import Stream

ORDERS = {
    "block": "counters by coordinate block: blocks 0, 1, 2, ... of one sample",
    "sample": "counters by sample: block 0 of the samples 0, 1, 2, ...",
    "key": "keys by number: the first counter of the keys 0, 1, 2, ...",
    "name": "keys by name: the first counter of the streams split off by the names 0, 1, 2, ...",
}
U = np.uint64
TAG = {np.float32: 1 << 62, np.float64: 2 << 62}


@kernel
def _fill_words(out: Any, low: Any, high: Any, key: Any) -> None:
    for i in range(len(low)):
        w0, w1, w2, w3 = philox.philox4x32(low[i], high[i], key[i])
        out[i, 0] = w0
        out[i, 1] = w1
        out[i, 2] = w2
        out[i, 3] = w3


class Source:
    """The library's generator.

    Parameters
    ----------
    seed : int
        Seed of every stream used.
    """

    def __init__(self, seed: int) -> None:
        self.stream = Stream(seed=seed).split("randomness")

    def raw(self, low: Any, high: Any, key: Any) -> Any:
        """Return the words of counters, shape (n, 4) of uint32."""
        out = np.empty((len(low), 4), np.uint32)
        _fill_words(out, low, high, key)
        return out

    def words(self, order: str, start: int, n: int) -> Any:
        """Return the words of ``n`` counters of one of ORDERS, shape (n, 4) of uint32."""
        ramp, fixed = U(start) + np.arange(n, dtype=U), functools.partial(np.full, n, dtype=U)
        low, high, key = fixed(TAG[np.float64]), fixed(0), fixed(self.stream.split(order).key)
        if order == "block":
            return self.raw(ramp | U(TAG[np.float64]), high, key)
        if order == "sample":
            return self.raw(low, ramp, key)
        if order == "name":
            ramp = np.fromiter((self.stream.split("name", i).key for i in range(start, start + n)), U, n)
        return self.raw(low, high, ramp)

    def normals(self, dtype: Any, key: int, first: int, n: int, dim: int) -> Any:
        """Return noise, shape (n, dim), widened to float64."""
        return philox_normals(key, first, (n, dim), dtype, n_threads=1).astype(np.float64, copy=False)


class Plain(Source):
    """Philox and the transform once more in plain NumPy, independent of the library, with any number of rounds."""

    def __init__(self, seed: int, rounds: int) -> None:
        super().__init__(seed)
        self.rounds = rounds

    def raw(self, low: Any, high: Any, key: Any) -> Any:
        out = np.empty((len(low), 4), np.uint32)
        for start in range(0, len(low), 2**14):  # the many arrays between stay small
            part = slice(start, start + 2**14)
            out[part] = self._raw(low[part], high[part], key[part])
        return out

    def _raw(self, low: Any, high: Any, key: Any) -> Any:
        mask, half = U(0xFFFFFFFF), U(32)
        c0, c1, c2, c3, k0, k1 = low & mask, low >> half, high & mask, high >> half, key & mask, key >> half
        for _ in range(self.rounds):
            p0, p1 = U(0xD2511F53) * c0, U(0xCD9E8D57) * c2
            c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & mask, (p0 >> half) ^ c3 ^ k1, p0 & mask
            k0, k1 = (k0 + U(0x9E3779B9)) & mask, (k1 + U(0xBB67AE85)) & mask
        return np.stack([c0, c1, c2, c3], axis=1)

    def normals(self, dtype: Any, key: int, first: int, n: int, dim: int) -> Any:
        per_block = 4 if dtype is np.float32 else 2
        blocks = -(-dim // per_block)
        low = np.tile(np.arange(blocks, dtype=U) | U(TAG[dtype]), n)
        words = self.raw(low, np.repeat(U(first) + np.arange(n, dtype=U), blocks), np.full(n * blocks, key, U))
        words = words.reshape(-1, 2).astype(U)
        if dtype is np.float64:
            words = (words[:, 0] | words[:, 1] << U(32)).reshape(-1, 2)
        bits = 32 if dtype is np.float32 else 64
        a, b = words[:, 0] >> U(0 if bits == 32 else 12), words[:, 1]
        radius = np.sqrt(-2 * np.log((a + 0.5) / (2.0**32 if bits == 32 else 2.0**52)))
        if bits == 32:  # bit 31 swaps, bit 30 is a sign, 30 bits and a half are the offset within a quarter turn
            offset = (((b & U(0x3FFFFFFF)) + 0.5) / 2.0**30 + 0.5) % 1 - 0.5
        else:
            offset = (((b >> U(10)) & U(2**52 - 1)) | U(1)) / 2.0**52 - 0.5
        x, y = radius * np.cos(np.pi / 2 * offset), radius * np.sin(np.pi / 2 * offset)
        x = np.where(b >> U(bits - 2) & U(1), -x, x)
        swap = (b >> U(bits - 1)).astype(bool)
        pairs = np.stack([np.where(swap, y, x), np.where(swap, x, y)], axis=1)
        return pairs.reshape(n, -1)[:, :dim]


class Clipped(Source):
    """Normals that end at 4 sigma."""

    def normals(self, dtype: Any, key: int, first: int, n: int, dim: int) -> Any:
        return np.clip(super().normals(dtype, key, first, n, dim), -4, 4)


class Correlated(Source):
    """Each sample has a correlation of 2 % with the one before."""

    def normals(self, dtype: Any, key: int, first: int, n: int, dim: int) -> Any:
        z = super().normals(dtype, key, first, n + 1, dim)
        return 0.02 * z[:-1] + (1 - 0.02**2) ** 0.5 * z[1:]


class Deaf(Source):
    """The lowest bit of the key changes nothing."""

    def normals(self, dtype: Any, key: int, first: int, n: int, dim: int) -> Any:
        return super().normals(dtype, key & ~1, first, n, dim)


BROKEN = {
    "Philox with 2 rounds": functools.partial(Plain, rounds=2),
    "normals that end at 4 sigma": Clipped,
    "correlation of 2 % between samples": Correlated,
    "deaf to the lowest bit of the key": Deaf,
}
