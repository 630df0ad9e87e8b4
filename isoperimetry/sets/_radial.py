"""Sets of points whose distance from a center, in all coordinates or the first ones, lies between two radii."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.sets._compiled import loop
from isoperimetry.sets.base import ANY_NORM, EXACT, Capability, Shape

LOG_2 = math.log(2.0)
THIN = 0.3  # a shell over which the log of neither tail changes by this is integrated: its difference loses digits


class Radial(Shape):
    """``{x: inner <= |(x_1, ..., x_k) - center| <= outer}``; inner is -inf if there is no hole."""

    __slots__ = ()

    center: Array

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return self.center.size

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact: those in l2, and all if the set lies along one coordinate."""
        return ANY_NORM if self.center.size == 1 else EXACT

    @property
    def _radii(self) -> tuple[float, float]:
        raise NotImplementedError

    def _gap(self, x: Array) -> Array:
        inner, outer = self._radii
        distance = np.empty(len(x))
        loop("geometry", "fill_distances")(x, self.center, distance)
        if outer == math.inf:
            gap = inner - distance
            return np.asarray(np.where(np.isnan(distance), np.nan, gap)) if inner == -math.inf else gap
        beyond = np.subtract(distance, outer)
        return beyond if inner == -math.inf else np.maximum(inner - distance, beyond)

    def _log_measures(self, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
        if p != 2 and self.center.size > 1 and np.any(reach != 0):
            self._refuse_enlargement(p)
        inner, outer = self._radii
        if inner == -math.inf and outer == math.inf:
            return np.zeros(reach.shape), np.full(reach.shape, -math.inf)
        k = self.center.size
        apart = length(self.center - center[:k])
        # Of noise this small nothing is left but the side of the boundary; smaller, quotients would be inf / inf.
        sizes = [abs(size) for size in (inner, outer, apart) if math.isfinite(size)]
        scale = np.maximum(sigma, 1e-250 * np.maximum(max(sizes), np.abs(reach)))
        hole, whole = np.full(reach.shape, -math.inf), np.full(reach.shape, math.inf)
        low = hole if inner == -math.inf else (inner - reach) / scale
        high = whole if outer == math.inf else (outer + reach) / scale
        width = whole if inner == -math.inf or outer == math.inf else ((outer - inner) + 2 * reach) / scale
        return log_shell(low, high, width, k, np.full(reach.shape, apart) / scale)


def length(vector: Array) -> float:
    """Return the l2 norm of a vector, with the pairwise sum of NumPy and without overflow."""
    largest = float(np.abs(vector).max(initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    scale = math.ldexp(1.0, math.frexp(largest)[1])
    return scale * math.sqrt(float(np.square(vector / scale).sum()))


def log_shell(low: Array, high: Array, width: Array, dim: int, distance: Array) -> tuple[Array, Array]:
    """Return the logs of the measures of a shell and of the rest.

    Parameters
    ----------
    low, high : arrays, shape (n,)
        Radii in units of the noise. A negative ``low`` is no hole; ``width`` <= 0 is no shell.
    width : array, shape (n,)
        high - low, which the two may have lost.
    dim : int
        Dimension, >= 1.
    distance : array, shape (n,)
        Distances of the center of the noise from that of the shell, in the same unit.
    """
    hole = low > 0
    low, high = np.where(hole, low, 0.0), np.maximum(high, 0.0)
    below_high = _log_ball("log_ball_probability", high, dim, distance)
    above_high = _log_ball("log_ball_complement", high, dim, distance)
    if not hole.any():
        return below_high + 0.0, above_high + 0.0
    below_low = _log_ball("log_ball_probability", low, dim, distance)
    above_low = _log_ball("log_ball_complement", low, dim, distance)
    outside = np.logaddexp(below_low, above_high)
    with np.errstate(divide="ignore", invalid="ignore", under="ignore", over="ignore"):
        # Of the two ways to write the difference, that with the larger share left has more digits.
        lower, upper = _fall(below_high, below_low), _fall(above_low, above_high)
        one_sided = np.where(
            lower > upper, below_high + np.log(-np.expm1(-lower)), above_low + np.log(-np.expm1(-upper))
        )
        inside = np.where(outside < -LOG_2, np.log1p(-np.exp(outside)), one_sided)
    thin = hole & (np.maximum(lower, upper) < THIN) & (width > 0) & np.isfinite(below_high) & np.isfinite(above_low)
    inside = np.where(np.isfinite(below_high) & np.isfinite(above_low), inside, -math.inf)
    if thin.any():
        inside[thin] = _log_thin_shell(low[thin], width[thin], dim, distance[thin])
    inside = np.where(width > 0, np.where(hole, inside, below_high), -math.inf)
    with np.errstate(divide="ignore", under="ignore"):
        # Where the rest is nearly all, its log comes from the shell.
        rest = np.where(inside < -LOG_2, np.log1p(-np.exp(inside)), outside)
    return np.minimum(inside, 0.0) + 0.0, np.where(hole, np.minimum(rest, 0.0), above_high) + 0.0


def _log_ball(name: str, radius: Array, dim: int, distance: Array) -> Array:
    return np.asarray(getattr(special, name)(radius, dim=float(dim), center_distance=distance))


def _fall(high: Array, low: Array) -> Array:
    """Return ``high - low`` of two logs, also where both are the same infinity."""
    return np.where(high == low, 0.0, high - low)


@functools.cache
def _gauss_legendre() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(20)
    return np.asarray(0.5 * (1 + nodes)), np.asarray(0.5 * weights)


def _log_thin_shell(low: Array, width: Array, dim: int, distance: Array) -> Array:
    """Integrate the density over shells, across each of which it hardly changes."""
    nodes, weights = _gauss_legendre()
    radius: NDArray[np.float64] = low[:, None] + width[:, None] * nodes
    density = np.empty(radius.size)
    loop("radial", "fill_log_distance_density")(
        radius.ravel(), np.full(radius.size, float(dim)), np.repeat(distance, nodes.size), density
    )
    values: Array = density.reshape(radius.shape)
    top = np.maximum(values.max(axis=1), -1e300)
    with np.errstate(divide="ignore", under="ignore"):
        return np.asarray(top + np.log(width) + np.log(np.exp(values - top[:, None]) @ weights))
