"""The measure of an interval of the line under normal noise, in both tails and for intervals of any width."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isoperimetry import special
from isoperimetry._validate import Array


class Line(NamedTuple):
    """A strip on the line along its normal. ``half`` is kept, as (high - low) / 2 loses digits of a thin strip."""

    low: float | Array
    high: float | Array
    half: float | Array

    def seen_from(self, origin: float) -> Line:
        """Return the strip with its ends measured from ``origin``."""
        return Line(self.low - origin, self.high - origin, self.half)

    def grown(self, reach: Array) -> Line:
        """Return the strip with its ends moved outwards; an end at infinity stays: nothing is near an empty set."""
        with np.errstate(invalid="ignore"):
            low, high = (
                np.where(np.isinf(end) & ~np.isnan(reach), end, end + move)
                for end, move in ((self.low, -reach), (self.high, reach))
            )
            return Line(low, high, self.half + reach)

    def ends(self, sigma: Array, *, closed: bool = True) -> tuple[Array, Array]:
        """Return the ends in units of ``sigma``; ``closed`` says whether they belong to the strip.

        That matters only without noise, when all mass is at the center: one on the boundary is 0 / 0.
        """
        inside = math.inf if closed else -math.inf
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return _ratio(self.low, sigma, -inside), _ratio(self.high, sigma, inside)


def _ratio(end: float | Array, sigma: Array, on_boundary: float) -> Array:
    ratio = np.where(np.isinf(end) & ~np.isnan(sigma), end, end / sigma)
    return np.where((np.asarray(end) == 0) & (sigma == 0), on_boundary, ratio)


@functools.cache
def _gauss_legendre() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(20)
    return np.asarray(nodes), np.asarray(weights)


def outside(lower: Array, upper: Array) -> Array:
    """Return the standard normal measure below one end and above another."""
    return np.asarray(special.ndtr(lower) + np.asarray(special.ndtr(-upper)))


def measure(line: Line, sigma: Array) -> Array:
    """Return the measure of a strip, without a logarithm in between, which would cost digits."""
    lower, upper = line.ends(sigma)
    if np.all(line.high == math.inf):
        return np.asarray(special.ndtr(-lower))
    thin, middle, share = _thin_part(line, sigma)
    lower, upper = _reflect(lower, upper)
    on_one_side = np.asarray(special.ndtr(-lower)) - np.asarray(special.ndtr(-upper))
    wide = np.where(lower > 0, on_one_side, 1.0 - outside(lower, upper))
    with np.errstate(over="ignore", under="ignore"):  # far out, where the measure is 0
        return np.where(thin, share * np.exp(-0.5 * middle * middle), wide)


def log_measure(line: Line, sigma: Array) -> Array:
    """Return the log of the measure of a strip, with full relative accuracy of the measure."""
    lower, upper = line.ends(sigma)
    if np.all(line.high == math.inf):
        return np.asarray(special.log_ndtr(-lower))
    thin, middle, share = _thin_part(line, sigma)
    lower, upper = _reflect(lower, upper)
    near, far = np.asarray(special.log_ndtr(-lower)), np.asarray(special.log_ndtr(-upper))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        on_one_side = np.where(near == -math.inf, near, near + np.log1p(-np.exp(far - near)))
        wide = np.where(lower > 0, on_one_side, np.log1p(-outside(lower, upper)))
        return np.where(thin, np.log(share) - 0.5 * middle * middle, wide)


def log_outside(line: Line, sigma: Array) -> Array:
    """Return the log of the measure of what a strip leaves, from the strip where that is the smaller one."""
    inside = measure(line, sigma)
    lower, upper = line.ends(sigma)
    with np.errstate(divide="ignore", invalid="ignore"):
        tails = np.logaddexp(special.log_ndtr(lower), special.log_ndtr(-upper))
        return np.where(inside < 0.5, np.log1p(-inside), tails)


def _reflect(lower: Array, upper: Array) -> tuple[Array, Array]:
    """Return the interval, or its mirror image, that lies on the right of 0 or around it."""
    left = upper < 0
    return np.where(left, -upper, lower), np.where(left, -lower, upper)


def _thin_part(line: Line, sigma: Array) -> tuple[NDArray[np.bool_], Array, Array]:
    """Return where a strip is thin, its middle there, and its measure over exp(-middle**2 / 2).

    Both ends of a thin strip have nearly the same distribution function, whose difference cancels. The density hardly
    changes across it, so that 20 nodes integrate it to rounding.
    """
    with np.errstate(all="ignore"):
        width, middle = line.half / sigma, 0.5 * (line.low + line.high) / sigma
        thin = (width <= 0.5) & (np.abs(middle) * width <= 1)
    width, middle = np.where(thin, width, 0.0), np.where(thin, middle, 0.0)
    nodes, weights = _gauss_legendre()
    step = width[..., None] * nodes
    mean = np.exp(-step * (middle[..., None] + 0.5 * step)) @ weights
    return thin, middle, np.asarray(width * mean / math.sqrt(2 * math.pi))
