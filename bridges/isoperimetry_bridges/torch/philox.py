"""Philox noise in plain torch, for devices without a kernel of their own; the draws are those of every other device.

Counters, words and the bits of radius and angle are exactly those of `isoperimetry.kernels.philox`, whose docstring
says what they are; logarithm, root, sine and cosine are torch's, so that a normal differs from the CPU kernel's by a
few units of its last place.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

KEY, DRAW, IMAGE, SIGMA = range(4)
"""Columns of a table of rows: key and draw, of 64 bits, index of the image, bits of sigma in the type of the noise."""

_MULTIPLIERS, _WEYL = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85)
_LOW32 = (1 << 32) - 1
_HALF_PI = math.pi / 2

_CHUNK = {"cpu": 1 << 15, "other": 1 << 20}
"""Counters at work at once, of 77 bytes each (float64: 97): they stay in a CPU's cache, and keep a device busy."""


class Philox:
    """Makes standard normals of many keys and draws at once, in memory that is used again by the next call.

    Parameters
    ----------
    size : int
        Largest number of counters in one call.
    dtype : torch.dtype
        float32, with 4 normals a counter, or float64, with 2: the two types have different noise.
    device : torch.device

    Examples
    --------
    >>> maker = Philox(10, torch.float32, torch.device("cpu"))
    >>> zero = torch.zeros(1, 1, dtype=torch.int64)
    >>> [f"{int(word):08x}" for word in maker.words((zero, zero, zero, zero), (zero, zero), count=1)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """

    def __init__(self, size: int, dtype: torch.dtype, device: torch.device) -> None:
        self._ints = torch.empty((6, size), dtype=torch.int64, device=device)
        self._floats = torch.empty((3, size), dtype=dtype, device=device)
        self._flags = torch.empty(size, dtype=torch.bool, device=device)
        self._normals = torch.empty(size * (4 if dtype == torch.float32 else 2), dtype=dtype, device=device)

    def words(
        self, counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[Tensor, Tensor], count: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the four random words of Philox4x32-10 for each counter.

        Parameters
        ----------
        counter : 4 tensors of int64, shapes (n, 1) or (1, count)
            Words of 32 bits, the lowest first.
        key : 2 tensors of int64, shape (n, 1)
            Likewise.
        count : int

        Returns
        -------
        4 tensors of int64, shape (n, count)
            In [0, 2**32); they share memory with the next call.
        """
        n = len(key[0])
        c0, c2, *spare = self._ints[:, : n * count].view(6, n, count)
        c0.copy_(counter[0])
        c2.copy_(counter[2])
        c1, c3 = counter[1], counter[3]
        k0, k1 = key
        for number in range(10):
            p0, p1 = spare[:2] if number % 2 else spare[2:]
            # The product of two words fills 64 bits; that it wraps as a signed number changes none of them. Words 1
            # and 3 are only ever part of an exclusive or, so that they may keep their high bits until the end.
            torch.mul(c0, _MULTIPLIERS[0], out=p0)
            torch.mul(c2, _MULTIPLIERS[1], out=p1)
            for word, product, other, mixed in (c0, p1, c1, k0), (c2, p0, c3, k1):
                torch.bitwise_right_shift(product, 32, out=word)
                word.bitwise_xor_(other).bitwise_xor_(mixed).bitwise_and_(_LOW32)
            c1, c3 = p1, p0
            k0, k1 = (k0 + _WEYL[0]) & _LOW32, (k1 + _WEYL[1]) & _LOW32
        return c0, c1.bitwise_and_(_LOW32), c2, c3.bitwise_and_(_LOW32)

    def normals(self, key: Tensor, draw: Tensor, first: int, count: int) -> Tensor:
        """Return the normals of the blocks ``first`` to ``first + count - 1`` of coordinates of each row.

        Parameters
        ----------
        key, draw : Tensor of int64, shape (n,)
            The 64 bits of the stream's key and of the index of the draw.
        first, count : int
            A block has 4 coordinates in float32 and 2 in float64.

        Returns
        -------
        Tensor, shape (n, 4 * count) or (n, 2 * count)
            Shares memory with the next call.
        """
        single = self._normals.dtype == torch.float32
        block = torch.arange(first, first + count, device=key.device).unsqueeze(0)
        high = (block >> 32) | ((1 if single else 2) << 30)
        rows = [word.unsqueeze(1) for half in (draw, key) for word in (half & _LOW32, (half >> 32) & _LOW32)]
        w0, w1, w2, w3 = self.words((block & _LOW32, high, rows[0], rows[1]), (rows[2], rows[3]), count)
        size = len(key) * count
        z = self._normals[: size * (4 if single else 2)].view(len(key), count, -1)
        spare = self._ints[4, :size].view_as(w0)  # free after an even number of rounds
        if single:
            self._write_32(z[..., :2], w0, w1, spare)
            self._write_32(z[..., 2:], w2, w3, spare)
        else:
            self._write_64(z, w0, w1, w2, w3, spare)
        return z.view(len(key), -1)

    def _write_32(self, z: Tensor, a: Tensor, b: Tensor, spare: Tensor) -> None:
        """Write into the two columns of z the normals of two words: ``a`` makes the radius and ``b`` the angle."""
        near, log_u, flag = *self._floats[:2, : a.numel()].view(2, *a.shape), self._flags[: a.numel()].view_as(a)
        # Read with a sign, the bits are u where it is below 1/2, else u - 1: near 1 the logarithm needs the latter.
        near.copy_(torch.bitwise_xor(a, 1 << 31, out=spare).sub_(1 << 31)).mul_(2.0**-32).add_(2.0**-33)
        log_u.copy_(near).masked_fill_(torch.le(near, 0, out=flag), 1).log_()
        log_u.add_(near.clamp_(max=0).log1p_())  # one of the two is 0
        torch.bitwise_left_shift(b, 2, out=spare).bitwise_or_(2).bitwise_and_(_LOW32)
        near.copy_(spare.bitwise_xor_(1 << 31).sub_(1 << 31)).mul_(2.0**-32)
        self._write(z, log_u, near, b, spare)

    def _write_64(self, z: Tensor, w0: Tensor, w1: Tensor, w2: Tensor, w3: Tensor, spare: Tensor) -> None:
        """Write into the two columns of z the normals of two words of 64 bits."""
        log_u, w = self._floats[:2, : w0.numel()].view(2, *w0.shape)
        log_u.copy_(w1.bitwise_left_shift_(20).bitwise_or_(w0.bitwise_right_shift_(12)))
        log_u.add_(0.5).mul_(2.0**-52).log_()
        torch.bitwise_and(w3, 0x3FFFFFFF, out=spare).bitwise_left_shift_(22)
        w.copy_(spare.bitwise_or_(w2.bitwise_right_shift_(10)).bitwise_or_(1)).mul_(2.0**-52).sub_(0.5)
        self._write(z, log_u, w, w3, spare)

    def _write(self, z: Tensor, log_u: Tensor, w: Tensor, bits: Tensor, spare: Tensor) -> None:
        """Write normals of radius and angle; of the bits, 31 swaps the two, and 30 is a sign."""
        x, flag = self._floats[2, : w.numel()].view_as(w), self._flags[: w.numel()].view_as(w)
        radius = log_u.mul_(-2).sqrt_()
        w.mul_(_HALF_PI)
        torch.cos(w, out=x).mul_(radius)
        y = w.sin_().mul_(radius)
        x.mul_(torch.bitwise_right_shift(bits, 29, out=spare).bitwise_and_(2).sub_(1).neg_())
        torch.ge(bits, 1 << 31, out=flag)
        torch.where(flag, y, x, out=z[..., 0])
        torch.where(flag, x, y, out=z[..., 1])


def add_noise(out: Tensor, centers: Tensor, rows: Tensor, bounds: tuple[float, float] | None) -> None:
    """Write ``centers[image] + sigma * z`` into the rows of ``out``, each of its own image, sigma, key and draw.

    Parameters
    ----------
    out : Tensor, shape (n, dim)
        Receives the result; float32 or float64.
    centers : Tensor, shape (n_images, dim)
        Of the type and on the device of ``out``.
    rows : Tensor of int64, shape (n, 4)
        On the same device: the columns `KEY`, `DRAW`, `IMAGE` and `SIGMA`.
    bounds : (float, float) or None
        Clip the result to this box.
    """
    n, dim = out.shape
    single = out.dtype == torch.float32
    per_block = 4 if single else 2
    n_blocks = -(-dim // per_block)
    chunk = _CHUNK["cpu" if out.device.type == "cpu" else "other"]
    n_columns = max(1, min(n_blocks, chunk))
    n_rows = min(n, chunk // n_columns)
    if not out.numel():
        return
    maker = Philox(n_rows * n_columns, out.dtype, out.device)
    sigmas = rows[:, SIGMA].contiguous().view(out.dtype)[:: 2 if single else 1].unsqueeze(1)
    for start in range(0, n, n_rows):
        part = slice(start, start + n_rows)
        for block in range(0, n_blocks, n_columns):
            count = min(n_columns, n_blocks - block)
            z = maker.normals(rows[part, KEY], rows[part, DRAW], block, count)
            columns = slice(per_block * block, min(dim, per_block * (block + count)))
            place = out[part, columns]
            torch.addcmul(
                centers[:, columns].index_select(0, rows[part, IMAGE]), sigmas[part], z[:, : place.shape[1]], out=place
            )
            if bounds is not None:
                place.clamp_(*bounds)
