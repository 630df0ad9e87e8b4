"""Random numbers of a corruption: of each image by its own stream, so that batches, devices and order change nothing.

A corruption is a function of images, the parameters of its severity, and the noise of these images::

    def fog(x: Tensor, parameters: tuple[float, ...], noise: NoiseFor) -> Tensor:
        '''x has shape (n, c, h, w), float32 in [0, 1], c = 1 or 3; so has the result, and it is clamped afterwards.'''

It draws whatever shapes it likes, in an order that depends on the shape of the images and the parameters alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.noise import NoiseSource, Run
from isoperimetry_bridges.torch.philox import Philox

_LOW32 = (1 << 32) - 1
_TAG = 3 << 30
"""Of the counters of words; those of normals have 1 and 2 there, so that the two are independent."""

_CHUNK = {"cpu": 1 << 15, "other": 1 << 20}
"""Counters at work at once, as in `isoperimetry_bridges.torch.philox`."""


class NoiseFor:
    """Draws for a batch of images, each from its own stream.

    Every call is a new draw, independent of those before: the first call of one run is the first of any other, whatever
    images are in the batch. All methods return one row for each image. Words and integers have the same bits on every
    device; normals and uniform numbers are the same to a few units in the last place.

    Parameters
    ----------
    streams : sequence of n Stream
        One for each image.
    device : torch.device or str
        Where the numbers are wanted.

    Examples
    --------
    >>> from isoperimetry.streams import as_stream
    >>> streams = [as_stream(7).split("fog", image) for image in range(3)]
    >>> both, alone = NoiseFor(streams), NoiseFor(streams[2:])
    >>> both.uniforms(8, 8).shape, bool((both.uniforms(4)[2] == alone.uniforms(4)[0]).any())
    (torch.Size([3, 8, 8]), False)
    >>> bool((both.uniforms(4)[2] == NoiseFor(streams).uniforms(4)[2]).any())
    False
    """

    def __init__(self, streams: Sequence[Stream], device: torch.device | str = "cpu") -> None:
        self.streams = tuple(streams)
        self.device = torch.device(device)
        self._draw = 0

    @functools.cached_property
    def _key(self) -> tuple[Tensor, Tensor]:
        keys = np.array([stream.key for stream in self.streams], np.uint64).view(np.int64)
        key = torch.from_numpy(keys).to(self.device).unsqueeze(1)
        return key & _LOW32, (key >> 32) & _LOW32

    def __len__(self) -> int:
        return len(self.streams)

    def normals(self, *shape: int) -> Tensor:
        """Return independent standard normals, float32, shape (n, *shape)."""
        return self._fill(torch.zeros((1, *shape), device=self.device), [0] * len(self), 1.0)

    def around(self, centers: Tensor, sigma: float) -> Tensor:
        """Return ``centers + sigma * z`` for standard normals z, one pass: faster than the sum of `normals`.

        Parameters
        ----------
        centers : Tensor of float32, shape (n, ...)
        sigma : float

        Returns
        -------
        Tensor of float32, shape (n, ...)
        """
        return self._fill(centers, range(len(self)), sigma)

    def uniforms(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Return independent uniform numbers between ``low`` and ``high``, float32, shape (n, *shape).

        They are made from normals, whose distribution function is a uniform number: on a CPU that is the fastest way.
        """
        half = 0.5 * (high - low)
        uniform = self.normals(*shape).mul_(math.sqrt(0.5)).erf_().mul_(half)
        return uniform.add_(low + half) if low + half else uniform

    def integers(self, *shape: int, low: int, high: int) -> Tensor:
        """Return independent integers from ``low`` to ``high - 1``, int64, shape (n, *shape).

        Each has its probability to 2**-32, the chance of a word.
        """
        return self.words(*shape).mul_(high - low).bitwise_right_shift_(32).add_(low)

    def words(self, *shape: int) -> Tensor:
        """Return independent words of 32 random bits, int64 in [0, 2**32), shape (n, *shape)."""
        out = torch.empty((len(self), *shape), dtype=torch.int64, device=self.device)
        self._write_words(out)
        return out

    def _fill(self, centers: Tensor, which: Sequence[int], sigma: float) -> Tensor:
        draw = self._next()
        out = torch.empty((len(self), *centers.shape[1:]), device=self.device)
        runs = [Run(image, sigma, stream, draw, 1) for image, stream in zip(which, self.streams, strict=True)]
        return NoiseSource(centers, device=self.device).fill(runs, out)

    def _next(self) -> int:
        self._draw += 1
        return self._draw - 1

    def _write_words(self, out: Tensor) -> None:
        """Write words into ``out``, int64, four to a counter."""
        draw = torch.full((1, 1), self._next(), device=self.device)
        n, dim = len(out), math.prod(out.shape[1:])
        flat, n_blocks = out.view(n, dim), -(-dim // 4)
        chunk = _CHUNK["cpu" if self.device.type == "cpu" else "other"]
        n_columns = min(n_blocks, chunk)
        if not flat.numel():
            return
        n_rows = min(n, max(1, chunk // n_columns))
        maker = Philox(n_rows * n_columns, torch.float32, self.device)
        high = torch.full((1, 1), _TAG, device=self.device)
        for start in range(0, n, n_rows):
            rows = slice(start, start + n_rows)
            key = (self._key[0][rows], self._key[1][rows])
            for first in range(0, n_blocks, n_columns):
                count = min(n_columns, n_blocks - first)
                block = torch.arange(first, first + count, device=self.device).unsqueeze(0)
                words = maker.words((block, high, draw, torch.zeros_like(draw)), key, count)
                place = flat[rows, 4 * first : 4 * (first + count)]
                for number, word in enumerate(words):
                    part = place[:, number::4]
                    part.copy_(word[:, : part.shape[1]])
