"""Gaussian noise around an image, keyed by (seed, purpose, image, draw).

A draw is named by those four, so that it does not depend on the batch size, on the order of work or on what was drawn
before; and an audit, which uses the purposes ``count`` and ``start``, never sees a draw that chose its sigma.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from isoperimetry.streams import Stream, add_noise

Purpose = Literal["search", "count", "start", "attack"]


def noise_stream(root: Stream, purpose: Purpose, image_id: int | str) -> Stream:
    """Return the stream of one purpose and image.

    Examples
    --------
    >>> from isoperimetry.streams import as_stream
    >>> noise_stream(as_stream(7), "count", 3) == noise_stream(as_stream(7), "start", 3)
    False
    """
    return root.split(purpose, image_id)


def noisy_images(
    image: Tensor,
    sigma: float,
    *,
    stream: Stream,
    first: int,
    count: int,
    bounds: tuple[float, float] | None = None,
    buffer: np.ndarray[tuple[int, int], np.dtype[np.float32]] | None = None,
) -> Tensor:
    """Return draws ``first`` to ``first + count - 1`` of image + sigma * z.

    Parameters
    ----------
    image : Tensor, shape (channels, height, width), float32
    sigma : float
        Standard deviation of the noise, in the unit of the image.
    stream : Stream
        From `noise_stream`.
    first, count : int
        Which draws.
    bounds : (float, float), optional
        Clip the result to this box; default: not clipped.
    buffer : array, shape (>= count, dim), float32, optional
        Memory to use again; the result then shares it until the next call.

    Returns
    -------
    Tensor, shape (count, channels, height, width), float32, on the CPU
    """
    flat = image.detach().cpu().reshape(-1).numpy()
    out = np.empty((count, flat.size), np.float32) if buffer is None else buffer[:count]
    add_noise(flat, sigma, stream=stream, first=first, out=out)
    batch = torch.from_numpy(out).view(count, *image.shape)
    return batch if bounds is None else batch.clamp_(*bounds)
