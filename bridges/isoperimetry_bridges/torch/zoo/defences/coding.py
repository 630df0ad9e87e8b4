"""Defences that code an image with fewer values: fewer bits, and JPEG."""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry.errors import MissingDependency
from isoperimetry_bridges.torch.zoo.defences.base import Defence, refuse_no_integer

Bytes: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]


def _pillow() -> ModuleType:
    try:
        import PIL.Image
    except ImportError:
        raise MissingDependency("zoo.defences.JpegCompression", "pillow", "report") from None
    return PIL.Image


class BitDepth(Defence):
    """Pixel values rounded to ``2**bits`` levels.

    Source: Xu, Evans, Qi (2018), "Feature squeezing: detecting adversarial examples in deep neural networks". It masks
    because rounding is flat: its derivative is zero wherever there is one.

    Parameters
    ----------
    network : torch.nn.Module
    bits : int, default 3
        In [1, 8].

    Examples
    --------
    >>> BitDepth(torch.nn.Identity(), bits=1).transform(torch.tensor([0.2, 0.7]))
    tensor([0., 1.])
    """

    def __init__(self, network: nn.Module, *, bits: int = 3) -> None:
        super().__init__(network)
        refuse_no_integer("bits", bits, 1, 8, "it is what is kept of 8 bits")
        self.bits = bits

    def extra_repr(self) -> str:
        """Return what tells two of these apart."""
        return f"bits={self.bits}"

    def transform(self, x: Tensor) -> Tensor:
        """Return the rounded images."""
        steps = 2**self.bits - 1
        levels: Tensor = torch.round(x * steps) / steps
        return levels


class JpegCompression(Defence):
    """Images rounded to 8 bits, encoded as JPEG and decoded again, by Pillow.

    Source: Dziugaite, Ghahramani, Roy (2016), "A study of the effect of JPG compression on adversarial images". It
    masks because the coefficients of the cosine transform are rounded, and because the coder is no torch function.

    Images of one channel are coded many at a time, as tiles of one picture whose sides are multiples of the coder's
    blocks of 8 by 8: blocks are coded by themselves, so each image comes out as if it were coded alone. Those of three
    channels (RGB) are coded one by one.

    Parameters
    ----------
    network : torch.nn.Module
    quality : int, default 75
        In [1, 100], as Pillow means it; 75 is its default.

    Raises
    ------
    MissingDependency
        Without Pillow, which the extra ``report`` installs.
    """

    def __init__(self, network: nn.Module, *, quality: int = 75) -> None:
        super().__init__(network)
        refuse_no_integer("quality", quality, 1, 100, "it is that of JPEG files")
        _pillow()
        self.quality = quality

    def extra_repr(self) -> str:
        """Return what tells two of these apart."""
        return f"quality={self.quality}"

    def transform(self, x: Tensor) -> Tensor:
        """Return the decoded images."""
        if x.shape[1] not in (1, 3):
            raise ValueError(f"x has {x.shape[1]} channels but JPEG takes 1 (grey) or 3 (RGB).")
        height, width = x.shape[2:]
        values = (x * 255).round().to(torch.uint8).cpu()
        if x.shape[1] == 3:
            pictures = values.permute(0, 2, 3, 1).numpy()
            coded = np.stack([self._code(picture) for picture in pictures]).transpose(0, 3, 1, 2)
        else:
            # What the coder does at the right and the lower edge: it repeats the last column and row.
            tiles = nn.functional.pad(values[:, 0].float(), (0, -width % 8, 0, -height % 8), mode="replicate")
            tall, wide = tiles.shape[1:]
            most = max(65_500 // tall, 1)  # the coder takes no more rows
            stacks = [part.reshape(-1, wide).to(torch.uint8).numpy() for part in torch.split(tiles, most)]
            coded = np.concatenate([self._code(stack) for stack in stacks]).reshape(-1, 1, tall, wide)
        return torch.from_numpy(coded[:, :, :height, :width] / np.float32(255)).to(x)

    def _code(self, picture: Bytes) -> Bytes:
        image, file = _pillow(), io.BytesIO()
        image.fromarray(picture).save(file, "jpeg", quality=self.quality)
        return np.asarray(image.open(file))
