"""Blur by movement: of the camera along a line (motion blur), and towards the scene (zoom blur)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from isoperimetry_bridges.torch.corruptions.parameters import Parameters
from isoperimetry_bridges.torch.corruptions.random import NoiseFor

_NO_WEIGHT = 2.0**-26
"""Pixels of this weight or less, at the end of a kernel, are less than the rounding of the sum."""


def motion_blur(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Blur images along a line, at an angle between -45 and 45 degrees that each image draws.

    Parameters
    ----------
    x : Tensor of float32, shape (n, c, h, w)
    parameters : (radius, sigma)
        Of the kernel, in pixels.
    noise : NoiseFor
        One uniform number for each image.

    Returns
    -------
    Tensor, shape (n, c, h, w)

    Examples
    --------
    >>> from isoperimetry.streams import as_stream
    >>> noise = NoiseFor([as_stream(7).split(image) for image in range(2)])
    >>> motion_blur(torch.rand(2, 3, 32, 32), (6, 1.5), noise).shape
    torch.Size([2, 3, 32, 32])
    """
    radius, sigma = parameters
    return blur_along(x, int(radius), sigma, noise.uniforms(low=-45.0, high=45.0).tolist())


def zoom_blur(x: Tensor, parameters: Parameters, noise: NoiseFor | None = None) -> Tensor:
    """Return the mean of images and of their zooms to the middle.

    Parameters
    ----------
    x : Tensor of float32, shape (n, c, h, w)
    parameters : (end, step)
        Of the zoom factors, which begin at 1.
    noise : NoiseFor, optional
        Not used: nothing is drawn.

    Returns
    -------
    Tensor, shape (n, c, h, w)

    Examples
    --------
    >>> blurred = zoom_blur(torch.ones(2, 3, 32, 32), (1.26, 0.01))
    >>> bool((blurred - 1).abs().max() < 1e-6)
    True
    """
    h, w = x.shape[-2:]
    factors = np.arange(1, *parameters)  # as published: rounding gives some severities one factor more than expected
    # With channels last the interpolation on a CPU takes half the time.
    x = x.contiguous(memory_format=torch.channels_last)
    total = x.clone()
    for factor in factors.tolist():
        total.add_(clipped_zoom(x, factor)[:, :, :h, :w])
    return total.div_(len(factors) + 1).contiguous()


def clipped_zoom(x: Tensor, factor: float) -> Tensor:
    """Return the middle of images, enlarged by linear interpolation to their own size or a little more.

    Parameters
    ----------
    x : Tensor of float32, shape (n, c, h, w)
    factor : float
        At least 1.

    Returns
    -------
    Tensor, shape (n, c, H, W), H - h and W - w between 0 and ``factor``

    Examples
    --------
    >>> clipped_zoom(torch.arange(16.0).view(1, 1, 4, 4), 2.0)[0, 0, 0]
    tensor([5.0000, 5.3333, 5.6667, 6.0000])
    """
    return enlarge(middle(x, factor), factor)


def middle(x: Tensor, factor: float) -> Tensor:
    """Return the part of images, a view, that fills the image after a zoom by ``factor``."""
    rows, columns = middle_size(x.shape[-2], factor), middle_size(x.shape[-1], factor)
    top, left = (x.shape[-2] - rows) // 2, (x.shape[-1] - columns) // 2
    return x[..., top : top + rows, left : left + columns]


def middle_size(size: int, factor: float) -> int:
    """Return the length of that part, for one side of the image."""
    return math.ceil(size / factor)


def enlarge(part: Tensor, factor: float) -> Tensor:
    """Return images enlarged by linear interpolation, the pixels of the corners being kept."""
    size = [round(side * factor) for side in part.shape[-2:]]
    if list(part.shape[-2:]) == size:
        return part
    return functional.interpolate(part, size=size, mode="bilinear", align_corners=True)


def blur_along(x: Tensor, radius: int, sigma: float, angles: Sequence[float]) -> Tensor:
    """Blur each image in the direction of its angle, by the half of a normal density that lies ahead.

    The kernel is that of ImageMagick: 2 radius + 1 pixels on a line from each pixel, rounded to whole ones; pixels
    beyond the border are those of the border.

    Parameters
    ----------
    x : Tensor of float32, shape (n, c, h, w)
    radius : int
        In pixels.
    sigma : float
        Standard deviation, in pixels.
    angles : sequence of n floats
        In degrees: 0 takes pixels to the right, 90 those below.

    Returns
    -------
    Tensor, shape (n, c, h, w)

    Examples
    --------
    >>> row = torch.tensor([0.0, 0.0, 1.0, 0.0]).view(1, 1, 1, 4)
    >>> [round(value, 3) for value in blur_along(row, 1, 1.0, [0.0]).flatten().tolist()]
    [0.078, 0.348, 0.574, 0.0]
    """
    density = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    weights = (density / density.sum()).tolist()
    while weights[-1] < _NO_WEIGHT:
        weights.pop()
    places = [_line(2 * radius + 1, angle)[: len(weights)] for angle in angles]
    if x.device.type != "cpu":
        return _gather_shifted(x, places, weights)
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    for image, place, target in zip(x, places, out, strict=True):
        _add_shifted(image, place, weights, target)
    return out


def _line(width: int, angle: float) -> list[tuple[int, int]]:
    """Return rows and columns of the pixels of the line, relative to its first."""
    down, right = width * math.sin(math.radians(angle)), width * math.cos(math.radians(angle))
    length = math.hypot(down, right)
    return [(math.ceil(i * down / length - 0.5), math.ceil(i * right / length - 0.5)) for i in range(width)]


def _add_shifted(image: Tensor, places: list[tuple[int, int]], weights: list[float], out: Tensor) -> None:
    """Write the weighted sum of shifted versions of one image into ``out``."""
    (up, down), (left, right) = ((max(0, -min(side)), max(0, *side)) for side in zip(*places, strict=True))
    h, w = image.shape[-2:]
    wide = functional.pad(image.unsqueeze(0), (left, right, up, down), mode="replicate")[0]
    out.zero_()
    for (row, column), weight in zip(places, weights, strict=True):
        out.add_(wide[:, up + row : up + row + h, left + column : left + column + w], alpha=weight)


def _gather_shifted(x: Tensor, places: list[list[tuple[int, int]]], weights: list[float]) -> Tensor:
    """Return the same for all images at once: one operation for each pixel of the line, whatever the number of images.

    A device has more work to start an operation than to do it; on a CPU it would be several times slower.
    """
    reach = max((abs(step) for place in places for pair in place for step in pair), default=0)
    h, w = x.shape[-2:]
    wide = functional.pad(x, (reach, reach, reach, reach), mode="replicate")
    windows = wide.unfold(2, h, 1).unfold(3, w, 1)
    steps = torch.tensor(places, device=x.device).view(len(x), len(weights), 2) + reach
    images = torch.arange(len(x), device=x.device)
    out = torch.zeros_like(x, memory_format=torch.contiguous_format)
    for i, weight in enumerate(weights):
        out.add_(windows[images, :, steps[:, i, 0], steps[:, i, 1]], alpha=weight)
    return out
