"""Noise in every value of an image: Gaussian, of photons, of dead and saturated sensors, speckle.

Each has exactly the law of the published function. Normals are compared with thresholds where that function draws
uniform numbers, which is the same law.
"""

from __future__ import annotations

import functools
from statistics import NormalDist

import torch
from torch import Tensor
from torch.nn.functional import hardshrink

from isoperimetry_bridges.torch.corruptions.parameters import Parameters
from isoperimetry_bridges.torch.corruptions.random import NoiseFor

_END = 6.8
"""Float32 normals end before."""

_BINS = 512
_LEVELS = 255

_FAR = 1e6
"""Out of [0, 1], to which the result is clamped."""

_NOTHING = 2.0**-10
"""What is left of a grey level by the rounding of float32."""


def gaussian_noise(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x + sigma z."""
    return noise.around(x, parameters[0])


def speckle_noise(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x (1 + sigma z)."""
    return noise.around(torch.ones_like(x), parameters[0]).mul_(x)


def impulse_noise(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x with a fraction of its values, in each channel on its own, at 0 or 1 with equal chances."""
    beyond = hardshrink(noise.normals(*x.shape[1:]), NormalDist().inv_cdf(1 - parameters[0] / 2))
    return x.add(beyond, alpha=_FAR)  # the rest is 0


def shot_noise(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return Poisson numbers of mean ``photons * x``, divided by ``photons``.

    A Poisson number of any mean is the sum of one whose mean belongs to the 8-bit level below x and one for the rest.
    The first is looked up: it counts the thresholds below a normal. The rest is 0 in images of 8 bits.
    """
    photons = parameters[0]
    starts, thresholds = (table.to(x.device) for table in _poisson_tables(photons))
    width = thresholds.shape[1]
    rest = _LEVELS * x
    level = (rest + _NOTHING).floor_()
    rest -= level
    z = noise.normals(*x.shape[1:])
    place = (z + _END).mul_(_BINS / (2 * _END)).floor_().add_(level, alpha=_BINS).int().view(-1)
    count = starts.view(-1).index_select(0, place).view_as(z)
    first = level.mul_(width)
    for _ in range(_steps(photons)):
        place = (first + count).int().view(-1)
        threshold = thresholds.view(-1).index_select(0, place).view_as(z)
        count += torch.gt(z, threshold, out=threshold)
    if float(rest.amax()) > _NOTHING:
        count += _small_poisson(rest.sub_(_NOTHING).clamp_(min=0).mul_(photons / _LEVELS), photons, noise)
    return count.div_(photons)


def _small_poisson(mean: Tensor, photons: float, noise: NoiseFor) -> Tensor:
    """Return Poisson numbers of means up to one grey level of light, by adding up their probabilities."""
    u = torch.special.ndtr(noise.normals(*mean.shape[1:]).double())
    probability = mean.double().neg().exp_()
    below, count = probability.clone(), torch.zeros_like(u)
    number, left = 0, 1.0
    largest = torch.tensor(photons / _LEVELS, dtype=torch.float64)
    while left > 1e-12:  # beyond, no float32 normal reaches
        number += 1
        count += u > below
        probability.mul_(mean).div_(number)
        below += probability
        left = float(torch.special.gammainc(torch.tensor(float(number), dtype=torch.float64), largest))
    return count.float()


@functools.lru_cache(maxsize=32)
def _poisson_tables(photons: float) -> tuple[Tensor, Tensor]:
    """Return how to turn a normal into a Poisson number of each level's mean.

    Returns
    -------
    starts : Tensor of float32, shape (256, bins)
        How many thresholds are below the bin.
    thresholds : Tensor of float32, shape (256, width)
        The number is more than k if the normal is above threshold k; the last ones are infinite.
    """
    means = torch.arange(_LEVELS + 1, dtype=torch.float64) * (photons / _LEVELS)
    width, end = 16, torch.tensor(photons, dtype=torch.float64)
    while float(torch.special.gammainc(torch.tensor(float(width), dtype=torch.float64), end)) > 1e-12:
        width += 16
    counts = torch.arange(width, dtype=torch.float64)
    shape, mean = (counts + 1).expand(len(means), -1), means.unsqueeze(1).expand(-1, width)
    # Each tail from the function that has its digits.
    at_most, more = torch.special.gammaincc(shape, mean), torch.special.gammainc(shape, mean)
    thresholds = torch.where(at_most < 0.5, torch.special.ndtri(at_most), -torch.special.ndtri(more))
    thresholds[0] = torch.inf
    edges = torch.linspace(-_END, _END, _BINS + 1, dtype=torch.float64)[:-1] - 1e-3
    starts = torch.searchsorted(thresholds, edges.expand(_LEVELS + 1, -1).contiguous())
    padded = torch.cat([thresholds, torch.full_like(thresholds[:, :8], torch.inf)], 1)
    return starts.float(), padded.float()


@functools.lru_cache(maxsize=32)
def _steps(photons: float) -> int:
    """Return the largest number of thresholds in a bin."""
    starts, thresholds = _poisson_tables(photons)
    edges = torch.linspace(-_END, _END, _BINS + 1)[1:] + 1e-3
    ends = torch.searchsorted(thresholds, edges.expand(_LEVELS + 1, -1).contiguous())
    return int((ends - starts).max())
