"""The defence that replaces pixels by their neighbours and smooths what comes out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch.zoo.defences.base import Defence, refuse_no_integer, refuse_no_positive


class PixelDeflection(Defence):
    """Some pixels replaced by others nearby, and wavelet coefficients shrunk afterwards.

    Source: Prakash, Moran, Garber, DiLillo, Storer (2018), "Deflecting adversarial attacks with pixel deflection", made
    free of randomness: which pixel goes where is drawn once for the model, not for each call, and without regard to the
    map of what matters to the network. It masks because pixels that were replaced have no gradient, and because the
    shrinkage (Haar wavelet, one level, soft thresholds of BayesShrink: Chang, Yu, Vetterli 2000) is done before the
    network, by a library that passes no gradient on.

    Parameters
    ----------
    network : torch.nn.Module
    deflections : int, default 50
        How many pixels are replaced, >= 0, in each image.
    window : int, default 3
        How far away the replacement lies at most, in pixels, up or down and left or right; >= 1.
    sigma : float, default 0.04
        The noise that the thresholds are made for, > 0, in the unit of the pixel values.
    seed : int, default 0
        Of the draw.
    shape : (int, int, int), default (1, 28, 28)
        Channels, height and width of the images.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        deflections: int = 50,
        window: int = 3,
        sigma: float = 0.04,
        seed: int = 0,
        shape: Sequence[int] = (1, 28, 28),
    ) -> None:
        super().__init__(network)
        refuse_no_integer("deflections", deflections, 0, math.inf, "it is a number of pixels")
        refuse_no_integer("window", window, 1, math.inf, "it is a distance in pixels")
        refuse_no_integer("seed", seed, 0, 2**63 - 1, "it starts the draw")
        refuse_no_positive("sigma", sigma, "it is a scale of noise")
        self.deflections, self.window, self.sigma, self.seed = deflections, window, float(sigma), seed
        self.shape = tuple(shape)
        self.sources: Tensor
        self.register_buffer("sources", self._draw())

    def extra_repr(self) -> str:
        """Return what tells two of these apart."""
        return f"deflections={self.deflections}, window={self.window}, sigma={self.sigma}, seed={self.seed}"

    def _draw(self) -> Tensor:
        """Return for each entry of an image which entry it takes its value from."""
        channels, height, width = self.shape
        generator = torch.Generator().manual_seed(self.seed)

        def integer(low: int, high: int) -> int:
            return int(torch.randint(low, high + 1, (), generator=generator))

        sources = torch.arange(channels * height * width).view(channels, height, width)
        for k in range(self.deflections):
            i, j = integer(0, height - 1), integer(0, width - 1)
            # One after the other, in one image: a pixel that was replaced may be passed on.
            up = integer(max(0, i - self.window), min(height - 1, i + self.window))
            left = integer(max(0, j - self.window), min(width - 1, j + self.window))
            sources[k % channels, i, j] = sources[k % channels, up, left]
        return sources.flatten()

    def transform(self, x: Tensor) -> Tensor:
        """Return the deflected and smoothed images, in [0, 1]."""
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x has images of shape {tuple(x.shape[1:])} but shape={self.shape} was given.")
        return self._shrink(x.flatten(1)[:, self.sources].view_as(x)).clamp_(0, 1)

    def _shrink(self, x: Tensor) -> Tensor:
        """Return the images with the details of one level of the Haar wavelet shrunk."""
        height, width = x.shape[2:]
        x = nn.functional.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        top, low = x[:, :, ::2], x[:, :, 1::2]
        mean, change = top + low, top - low
        bands = [part for rows in (mean, change) for part in (_pair(rows, 1), _pair(rows, -1))]
        noise = self.sigma**2
        for k in (1, 2, 3):
            power = bands[k].square().mean((2, 3), keepdim=True)
            threshold = noise / torch.sqrt((power - noise).clamp_min(torch.finfo(x.dtype).eps))
            bands[k] = torch.sign(bands[k]) * (bands[k].abs() - threshold).clamp_min(0)
        # The transform is its own inverse: half the sum and half the difference, twice.
        mean, change = _spread(bands[0], bands[1]), _spread(bands[2], bands[3])
        out = torch.empty_like(x)
        out[:, :, ::2], out[:, :, 1::2] = mean + change, mean - change
        return out[:, :, :height, :width] / 2


def _pair(rows: Tensor, sign: int) -> Tensor:
    """Return half the sum, or difference, of neighbours in a row: with those of the columns a Haar coefficient."""
    return (rows[..., ::2] + sign * rows[..., 1::2]) / 2


def _spread(even: Tensor, odd: Tensor) -> Tensor:
    return torch.stack([even + odd, even - odd], -1).flatten(-2)
