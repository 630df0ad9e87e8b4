"""Images as files in memory: JPEG as Pillow writes and reads it."""

from __future__ import annotations

import io
from types import ModuleType

import torch
from torch import Tensor

from isoperimetry.errors import MissingDependency

QUALITY = 85
"""Of the published files of ImageNet-C."""


def through_jpeg(levels: Tensor, quality: int, *, optimize: bool = False) -> Tensor:
    """Return images as they come back from JPEG files.

    Parameters
    ----------
    levels : Tensor of float32, shape (n, 1 or 3, h, w)
        Whole numbers from 0 to 255. Grey images are compressed as grey: as r = g = b they would come back the same.
    quality : int
        From 1 to 95.
    optimize : bool
        Make smaller files; the images are the same.

    Returns
    -------
    Tensor of float32, shape (n, 1 or 3, h, w)
        Whole numbers from 0 to 255, on the device of ``levels``.
    """
    pillow = _pillow()
    channels, height, width = levels.shape[1:]
    mode, raw = ("L", "L") if channels == 1 else ("RGB", "RGBX")
    host = levels.cpu()
    # A pixel of three channels is one number of 24 bits, exact in float32: Pillow reads and writes it with a padding
    # byte, which is much faster than to weave the channels.
    packed = host[:, 0].to(torch.uint8)
    if channels == 3:
        packed = host[:, 0].add(host[:, 1], alpha=256).add_(host[:, 2], alpha=65536).to(torch.int32)
    found = torch.empty(packed.shape, dtype=packed.dtype)
    for place, back in zip(packed.numpy(), found.numpy(), strict=True):
        file = io.BytesIO()
        image = pillow.frombuffer(mode, (width, height), place.data.cast("B"), "raw", raw, 0, 1)
        image.save(file, "JPEG", quality=quality, optimize=optimize)
        with pillow.open(file, formats=("JPEG",)) as image:
            back.data.cast("B")[:] = image.tobytes("raw", raw)
    found = found.to(levels.device)
    if channels == 1:
        return found.unsqueeze(1).float()
    out = torch.empty_like(levels)
    for channel, part in enumerate((found, found >> 8, found >> 16)):
        out[:, channel] = part.bitwise_and(255)
    return out


def _pillow() -> ModuleType:
    try:
        import PIL.Image
    except ImportError:
        raise MissingDependency("JPEG files", "pillow", "report") from None
    return PIL.Image
