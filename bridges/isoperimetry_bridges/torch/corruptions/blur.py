"""Blur without a direction: out of focus, through frosted glass, Gaussian."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from isoperimetry_bridges.torch.corruptions.filters import gaussian_filter, truncated
from isoperimetry_bridges.torch.corruptions.parameters import Parameters
from isoperimetry_bridges.torch.corruptions.random import NoiseFor


def gaussian_blur(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x under a Gaussian filter; beyond the border its last pixel goes on."""
    return gaussian_filter(x, parameters[0])


def defocus_blur(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x under a softened disk; at the border the image is mirrored, its last pixel not repeated."""
    radius, softening = parameters
    disk = _disk(float(radius), float(softening))
    reach = len(disk) // 2
    height, width = x.shape[-2:]
    if reach == 0:
        return x
    # By Fourier transforms: the time does not depend on the radius. Sizes are rounded up to fast ones; what wraps
    # around stays outside the image.
    size = (_fast_size(height + 2 * reach), _fast_size(width + 2 * reach))
    transform = _transform(float(radius), float(softening), size, str(x.device))
    spectrum = torch.fft.rfft2(_mirrored(x, reach), s=size)
    wide: Tensor = torch.fft.irfft2(spectrum.mul_(transform), s=size)
    return wide[..., reach : reach + height, reach : reach + width]


def glass_blur(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x blurred, with each pixel replaced by a random one near by, and blurred again.

    The published loop exchanges pixels, from the last one to the first, through views of one array: what it does is to
    copy the neighbour as it is at that time, which may itself have been replaced before. Here each pixel finds out
    which pixel of the image ends up in it.
    """
    sigma, reach, rounds = parameters[0], int(parameters[1]), int(parameters[2])
    n, channels, height, width = x.shape
    smooth = gaussian_filter(x, sigma)
    levels = truncated(smooth.clone() if smooth is x else smooth)
    sources = None
    for _ in range(rounds):
        found = _replaced(n, height, width, reach, noise)
        sources = found if sources is None else sources.gather(1, found)
    if sources is not None:
        sources = sources.unsqueeze(1).expand(n, channels, height * width)
        levels = levels.reshape(n, channels, -1).gather(2, sources).view_as(x)
    return gaussian_filter(levels.div_(255), sigma)


def _replaced(n: int, height: int, width: int, reach: int, noise: NoiseFor) -> Tensor:
    """Return for each pixel the index of the one that a round puts there, int64, shape (n, height * width)."""
    pixels = torch.arange(height * width, device=noise.device).view(height, width)
    rows, columns = height - 2 * reach, width - 2 * reach
    if rows <= 0 or columns <= 0:
        return pixels.view(1, -1).expand(n, -1)
    inside = (slice(reach + 1, height - reach + 1), slice(reach + 1, width - reach + 1))
    right, down = noise.integers(2, rows, columns, low=-reach, high=reach).unbind(1)
    source = pixels.repeat(n, 1, 1)
    source[:, *inside] += down * width + right
    source = source.view(n, -1)
    if reach == 1:
        return source  # up or to the left: never replaced before
    # Of what was replaced before, go on to what was put there; twice as far at each step.
    done = torch.zeros_like(pixels, dtype=torch.bool)
    done[inside] = True
    before = done.view(-1)[source] & (source > pixels.view(1, -1))
    onward = torch.where(before, source, pixels.view(1, -1))
    while True:
        further = onward.gather(1, onward)
        if torch.equal(further, onward):
            return source.gather(1, onward)
        onward = further


@functools.lru_cache(maxsize=64)
def _disk(radius: float, softening: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the kernel of a disk softened by a small Gaussian one, without the zeros around it."""
    reach, soft = (8, 1) if radius <= 8 else (int(radius), 2)
    line = np.arange(-reach, reach + 1)
    disk = (line[:, None] ** 2 + line**2 <= radius**2).astype(float)
    disk /= disk.sum()
    weights = np.exp(-0.5 * (np.arange(-soft, soft + 1) / softening) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        wide = np.pad(disk, [(soft, soft) if axis == a else (0, 0) for a in (0, 1)], mode="reflect")
        disk = np.apply_along_axis(np.convolve, axis, wide, weights, mode="valid")
    kept = np.flatnonzero(disk.max(0) > 1e-9 * disk.max())
    inner = slice(int(kept[0]), int(kept[-1]) + 1)
    return disk[inner, inner]


@functools.lru_cache(maxsize=32)
def _transform(radius: float, softening: float, size: tuple[int, int], device: str) -> Tensor:
    """Return the Fourier transform of the disk around pixel 0; the disk is symmetric, so it is real."""
    disk = _disk(radius, softening)
    reach = len(disk) // 2
    around = np.zeros(size)
    around[: len(disk), : len(disk)] = disk
    around = np.roll(around, (-reach, -reach), (0, 1))
    transform: Tensor = torch.fft.rfft2(torch.from_numpy(around)).real
    return transform.float().to(device)


def _mirrored(x: Tensor, reach: int) -> Tensor:
    height, width = x.shape[-2:]
    if reach < min(height, width):
        return pad(x, (reach, reach, reach, reach), mode="reflect")
    for axis, size in ((-2, height), (-1, width)):  # mirrored more than once
        place = torch.arange(-reach, size + reach, device=x.device) % max(1, 2 * (size - 1))
        x = x.index_select(axis, torch.minimum(place, 2 * (size - 1) - place).clamp_(min=0))
    return x


@functools.lru_cache(maxsize=256)
def _fast_size(least: int) -> int:
    """Return the smallest multiple of 4 from ``least`` on without prime factors above 5."""
    size = least + -least % 4
    while True:
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
        size += 4
