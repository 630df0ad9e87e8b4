"""Images of 8 bits: from and to floating point, through Pillow however their bytes lie, and as JPEG files."""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from isoperimetry.errors import MissingDependency

QUALITY = 85
"""Of the published files of ImageNet-C."""


def floats_of(images: Tensor) -> Tensor:
    """Return images as float32 in [0, 1], channel by channel in memory."""
    if images.dtype == torch.uint8:  # ordered as bytes, which are fewer
        return images.contiguous().float().div_(255)
    return images.to(torch.float32).contiguous()


def bytes_of(images: Tensor) -> Tensor:
    """Return images as the nearest uint8, in the memory format of these."""
    return images if images.dtype == torch.uint8 else _narrowed((255 * images.to(torch.float32)).round_())


def write(levels: Tensor, out: Tensor) -> None:
    """Write whole grey levels, uint8 or float32, into images of uint8, or divided by 255 into floating point."""
    if out.dtype != torch.uint8:
        torch.div(levels.float(), 255, out=out)
        return
    levels = _narrowed(levels)
    if _is_woven(out) and not _is_woven(levels):
        for channel in range(3):  # takes half the time of copying all at once
            out[:, channel] = levels[:, channel]
    else:
        out.copy_(levels)


def through_jpeg(levels: Tensor, quality: int, *, optimize: bool = False) -> Tensor:
    """Return images as they come back from JPEG files.

    Parameters
    ----------
    levels : Tensor of uint8 or float32, shape (n, 1 or 3, h, w)
        Whole numbers from 0 to 255. Grey images are compressed as grey: as r = g = b they would come back the same.
    quality : int
        From 1 to 95.
    optimize : bool
        Make smaller files; the images are the same.

    Returns
    -------
    Tensor of uint8, shape (n, 1 or 3, h, w)
        On the device of ``levels``, in their memory format.
    """
    pillow = pillow_images()
    if pillow is None:
        raise MissingDependency("JPEG files", "pillow", "report")

    def pressed(image: Any) -> Any:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality, optimize=optimize)
        return pillow.open(file, formats=("JPEG",))

    return through_pillow(_narrowed(levels), pillow, pressed).to(levels.device)


def through_pillow(levels: Tensor, pillow: ModuleType, change: Any) -> Tensor:
    """Return what a function makes of images of Pillow, one by one.

    Parameters
    ----------
    levels : Tensor of uint8, shape (n, 1 or 3, h, w)
        With channels last in memory, bytes lie as Pillow takes them; others it weaves itself.
    pillow : module
        ``PIL.Image``.
    change : callable
        From an image to one of the same size and mode.

    Returns
    -------
    Tensor of uint8, shape (n, 1 or 3, h, w)
        On the CPU, in the memory format of ``levels``.
    """
    levels = levels.cpu()
    woven = _is_woven(levels)
    levels = levels if woven else levels.contiguous()
    out = torch.empty_like(levels)
    channels, height, width = levels.shape[1:]
    # Channels that lie together are one row of bytes; others are one each.
    before, after = ((x.permute(0, 2, 3, 1).unsqueeze(1) if woven else x).numpy() for x in (levels, out))
    mode = "L" if channels == 1 else "RGB"
    parts = (mode,) if woven or channels == 1 else tuple(mode)
    canvas = pillow.new(mode, (width, height))  # one for all: a new one for each takes longer than to fill it
    for pixels, place in zip(before, after, strict=True):
        if len(parts) == 1:
            canvas.frombytes(pixels.data.cast("B"))
        else:
            canvas = pillow.merge(mode, [pillow.frombuffer("L", (width, height), x, "raw", "L", 0, 1) for x in pixels])
        with change(canvas) as image:
            for part, name in zip(place, parts, strict=True):
                part.data.cast("B")[:] = image.tobytes("raw", name)
    return out


def pillow_images() -> ModuleType | None:
    """Return ``PIL.Image``, None without Pillow."""
    try:
        import PIL.Image
    except ImportError:
        return None
    return PIL.Image


def _is_woven(x: Tensor) -> bool:
    """Return whether the channels of a pixel lie together in memory."""
    return x.shape[1] == 3 and x.is_contiguous(memory_format=torch.channels_last)


def _narrowed(levels: Tensor) -> Tensor:
    """Return whole numbers from 0 to 255 as uint8; by way of 16 bits, which is 4 times as fast on a CPU."""
    return levels if levels.dtype == torch.uint8 else levels.to(torch.int16).to(torch.uint8)
