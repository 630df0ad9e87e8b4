"""Weather: snow, frost, fog, and spatter of rain or mud on the lens."""

from __future__ import annotations

import math
import os

import torch
from torch import Tensor

from isoperimetry_bridges.torch.corruptions import outlines
from isoperimetry_bridges.torch.corruptions.filters import gaussian_filter, luma
from isoperimetry_bridges.torch.corruptions.frost import frost_pictures
from isoperimetry_bridges.torch.corruptions.movement import blur_along, enlarge, middle_size
from isoperimetry_bridges.torch.corruptions.parameters import Parameters
from isoperimetry_bridges.torch.corruptions.random import NoiseFor

_WATER = (175 / 255, 238 / 255, 238 / 255)
_MUD = (63 / 255, 42 / 255, 20 / 255)

_AT_ONCE = 1 << 17
"""Pixels for which spatter works at once on a CPU, so that what it makes of them stays in the cache."""


def snow(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Let snow fall on images: they get brighter and greyer, and flakes are added twice, the second time upside down.

    Parameters
    ----------
    x : Tensor of float32, shape (n, c, h, w)
        In [0, 1].
    parameters : (mean, deviation, zoom, threshold, radius, sigma, weight)
        Of the flakes: normal noise, enlarged ``zoom`` times and cut below ``threshold``; radius and sigma of the blur
        of their fall; and the weight of the image against its brightened self.
    noise : NoiseFor
        The normals that are seen once they are enlarged, and an angle, for each image.

    Returns
    -------
    Tensor, shape (n, c, h, w)
        Not clamped.
    """
    mean, deviation, zoom, *_ = parameters
    h, w = x.shape[-2:]
    flakes = noise.normals(1, middle_size(h, zoom), middle_size(w, zoom)).mul_(deviation).add_(mean)
    return snow_of(x, flakes, noise.uniforms(low=-135.0, high=-45.0).tolist(), parameters)


def snow_of(x: Tensor, flakes: Tensor, angles: list[float], parameters: Parameters) -> Tensor:
    """Return images under the snow of given flakes, before they are enlarged, and angles in degrees."""
    _, _, zoom, threshold, radius, sigma, weight = parameters
    h, w = x.shape[-2:]
    layer = enlarge(flakes, zoom)
    layer = torch.where(layer < threshold, 0, layer).clamp_(0, 1)
    layer = blur_along(layer, int(radius), sigma, angles)[..., :h, :w].mul(255).round_().div_(255)
    brighter = luma(x).mul(1.5).add_(0.5)
    out = torch.maximum(x, brighter).mul_(1 - weight).add_(x, alpha=weight)
    return out.add_(layer + layer.flip(-2, -1))


def frost(
    x: Tensor, parameters: Parameters, noise: NoiseFor, *, folder: str | os.PathLike[str] | None = None
) -> Tensor:
    """Lay a random part of a random picture of frost over each image.

    Parameters
    ----------
    x : Tensor of float32, shape (n, c, h, w)
        In [0, 1].
    parameters : (weight of the image, weight of the frost, step)
        Of the picture every pixel is taken, or with a step of 5 every fifth.
    noise : NoiseFor
        Picture, row and column for each image.
    folder : path, optional
        Where the pictures are; see `frost_source`.

    Returns
    -------
    Tensor, shape (n, c, h, w)
        Not clamped.

    Raises
    ------
    ValueError
        If ``folder`` has no such pictures.
    """
    own, other, step = parameters
    h, w = x.shape[-2:]
    pictures = frost_pictures(folder, int(step), (h, w), x.shape[1], x.device)
    words = noise.words(3).tolist()
    out = x * own
    for image, (which, row, column) in zip(out, words, strict=True):
        picture = pictures[which * len(pictures) >> 32]
        top, left = row * (picture.shape[1] - h) >> 32, column * (picture.shape[2] - w) >> 32
        image.add_(picture[:, top : top + h, left : left + w], alpha=other)
    return out


def fog(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Lay fog over images: a plasma fractal is added, and contrast is lost in proportion to it.

    Parameters
    ----------
    x : Tensor of float32, shape (n, c, h, w)
        In [0, 1].
    parameters : (weight, decay)
        Of the fog; see `plasma` for the decay.
    noise : NoiseFor
        One uniform number for each point of the fractal.

    Returns
    -------
    Tensor, shape (n, c, h, w)
    """
    weight, decay = parameters
    h, w = x.shape[-2:]
    size = 2 ** max(1, math.ceil(math.log2(max(h, w))))
    field = plasma(noise.uniforms(size, size, low=-1.0), decay)[:, None, :h, :w]
    brightest = x.amax((1, 2, 3), keepdim=True)
    return (x + weight * field).mul_(brightest / (brightest + weight))


def plasma(steps: Tensor, decay: float) -> Tensor:
    """Return random fields by the diamond-square algorithm, on a torus, scaled to [0, 1].

    From one point to all: the middle of every square becomes the mean of its corners, and the middle of every diamond
    that of its own, plus a random step; at each halving of the squares the steps become ``decay**2`` times smaller.

    Parameters
    ----------
    steps : Tensor of float32, shape (n, size, size)
        Random numbers in [-1, 1], that of each point at its place; ``size`` is a power of two, and at least 2.
    decay : float
        1 is as rough as white noise; the larger, the smoother.

    Returns
    -------
    Tensor, shape (n, size, size)

    Examples
    --------
    >>> field = plasma(torch.rand(2, 32, 32) * 2 - 1, 3.0)
    >>> float(field.min()), float(field.max())
    (0.0, 1.0)
    """
    size = steps.shape[1]
    field = torch.zeros_like(steps)
    stride, scale = size, 1.0
    while stride >= 2:
        half = stride // 2
        # Points of the coarse lattice, of the middles of its squares, and the two kinds of middles of its diamonds.
        corners, middles = field[:, ::stride, ::stride].contiguous(), field[:, half::stride, half::stride]
        total = corners + corners.roll(-1, 1)
        center = (total + total.roll(-1, 2)).div_(4).add_(steps[:, half::stride, half::stride], alpha=scale)
        middles.copy_(center)
        across = (center + center.roll(1, 1)).add_(corners).add_(corners.roll(-1, 2)).div_(4)
        torch.add(across, steps[:, ::stride, half::stride], alpha=scale, out=field[:, ::stride, half::stride])
        upright = (center + center.roll(1, 2)).add_(corners).add_(corners.roll(-1, 1)).div_(4)
        torch.add(upright, steps[:, half::stride, ::stride], alpha=scale, out=field[:, half::stride, ::stride])
        stride, scale = half, scale / decay**2
    field -= field.amin((1, 2), keepdim=True)
    return field.div_(field.amax((1, 2), keepdim=True))


def spatter(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Spatter water (severities 1 to 3) or mud (4 and 5) on the lens.

    Parameters
    ----------
    x : Tensor of float32, shape (n, c, h, w)
        In [0, 1].
    parameters : (mean, deviation, sigma, threshold, strength, mud)
        The liquid is normal noise of this mean and deviation, blurred by ``sigma``, where it is above ``threshold``;
        ``strength`` is the largest weight of water, or the sigma that rounds the drops of mud; ``mud`` is 0 or 1.
    noise : NoiseFor
        One normal for each pixel.

    Returns
    -------
    Tensor, shape (n, c, h, w)
        Not clamped.
    """
    mean, deviation, sigma, threshold, strength, mud = parameters
    n, _, h, w = x.shape
    size = max(1, _AT_ONCE // (h * w)) if x.device.type == "cpu" else max(1, n)
    normals = noise.normals(h, w)
    out = torch.empty_like(x)
    for first in range(0, n, size):
        part = slice(first, first + size)
        liquid = gaussian_filter(normals[part].mul_(deviation).add_(mean), sigma)
        liquid = torch.where(liquid < threshold, 0, liquid)
        out[part] = _mud(x[part], liquid > threshold, strength) if mud else _water(x[part], liquid, strength)
    return out


def _water(x: Tensor, liquid: Tensor, strength: float) -> Tensor:
    """Return images under water of a thickness, with the light that the rims of its drops catch; (n, h, w)."""
    liquid = (liquid * 255).clamp_(max=255).floor_()
    depth = outlines.distances(outlines.edges(liquid, 50, 150))
    depth = outlines.box_sums(depth).div_(9 * outlines.UNIT).floor_()
    light = outlines.emboss(outlines.equalized(depth, outlines.FARTHEST + 1))
    layer = liquid.mul_(outlines.box_sums(light).div_(9).round_())
    # Where there is no water at all, the image stays as it is; the published program divides 0 by 0.
    layer.mul_(strength / layer.amax((1, 2), keepdim=True).clamp_(min=1))
    return x + layer.unsqueeze(1) * _color(_WATER, x)


def _mud(x: Tensor, drops: Tensor, sigma: float) -> Tensor:
    """Return images behind drops of mud, rounded and then shrunk by a blur; (n, h, w) of bool."""
    cover = gaussian_filter(drops.float(), sigma).unsqueeze(1)
    cover = torch.where(cover < 0.8, 0, cover)
    return x * (1 - cover) + cover * _color(_MUD, x)


def _color(color: tuple[float, float, float], x: Tensor) -> Tensor:
    """Return a color, or its grey for grey images, shape (1, c, 1, 1)."""
    channels = torch.tensor(color, device=x.device).view(1, 3, 1, 1)
    return luma(channels) if x.shape[1] == 1 else channels
