"""What several corruptions share: Gaussian filters with the borders of the published code, brightness, 8 bits."""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Border = Literal["nearest", "reflect"]

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601), as OpenCV and Pillow have them."""

_SLACK = torch.tensor(2.0**-10)
"""Of a grey level: what float32 may be below a whole number that float64 would reach."""


def luma(x: Tensor) -> Tensor:
    """Return the grey of images, shape (n, 1, h, w); grey images as they are."""
    if x.shape[1] == 1:
        return x
    red, green, blue = LUMA
    return (red * x[:, :1]).add_(x[:, 1:2], alpha=green).add_(x[:, 2:], alpha=blue)


def truncated(x: Tensor) -> Tensor:
    """Return 255 x, clamped to [0, 255], without its fraction, as if converted to uint8; ``x`` is overwritten."""
    return torch.add(_SLACK, x, alpha=255.0, out=x).clamp_(0.0, 255.0).floor_()


def gaussian_filter(x: Tensor, sigma: float, *, border: Border = "nearest", truncate: float = 4.0) -> Tensor:
    """Return images filtered by a normal density of standard deviation ``sigma``, cut off at ``truncate`` of them.

    The filter is a matrix for each side of the image, and what lies beyond a border is folded back into it. As in
    SciPy, "nearest" repeats the last pixel and "reflect" mirrors with it.

    Parameters
    ----------
    x : Tensor of float32, shape (..., h, w)
    sigma : float
        In pixels; 0 changes nothing.
    border : {"nearest", "reflect"}
    truncate : float

    Returns
    -------
    Tensor, shape (..., h, w)

    Examples
    --------
    >>> flat = gaussian_filter(torch.ones(1, 1, 8, 8), 2.0)
    >>> bool((flat - 1).abs().max() < 1e-6)
    True
    """
    if int(truncate * sigma + 0.5) < 1:
        return x
    radius = int(truncate * sigma + 0.5)
    rows, columns = (_matrix(size, float(sigma), border, float(truncate), str(x.device)) for size in x.shape[-2:])
    half = torch.empty_like(x)
    for block, reach in _blocks(x.shape[-1], radius):
        torch.matmul(x[..., reach], columns[block, reach].T, out=half[..., block])
    out = torch.empty_like(x)
    for block, reach in _blocks(x.shape[-2], radius):
        torch.matmul(rows[block, reach], half[..., reach, :], out=out[..., block, :])
    return out


def _blocks(size: int, radius: int) -> list[tuple[slice, slice]]:
    """Return slices of the output, and of what the filter reads for them: far from its diagonal the matrix is zero."""
    step = max(32, radius)
    return [
        (slice(first, min(first + step, size)), slice(max(0, first - radius), min(first + step + radius, size)))
        for first in range(0, size, step)
    ]


@functools.lru_cache(maxsize=64)
def _matrix(size: int, sigma: float, border: Border, truncate: float, device: str) -> Tensor:
    """Return the filter of one axis as a matrix, float32, shape (size, size)."""
    radius = int(truncate * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    places = np.arange(size)[:, None] + offsets
    if border == "nearest":
        places = places.clip(0, size - 1)
    else:
        places = places % (2 * size)
        places = np.minimum(places, 2 * size - 1 - places)
    matrix = np.zeros((size, size))
    np.add.at(matrix, (np.arange(size)[:, None], places), weights)
    return torch.from_numpy(matrix).to(device, torch.float32)
