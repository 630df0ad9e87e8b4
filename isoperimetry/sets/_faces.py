"""Sets with faces across the axes: products of intervals, whose measure is the product of theirs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.sets._compiled import loop
from isoperimetry.sets._line import Line, log_measure
from isoperimetry.sets.base import ANY_NORM, VOLUMES, Capability, Shape

LOG_2 = math.log(2.0)


class Faces(Shape):
    """``{x: low_i <= x_i <= high_i}``, ends at infinity allowed. Subclasses are frozen dataclasses."""

    __slots__ = ()

    @property
    def _ends(self) -> tuple[Array, Array]:
        """Return the lower and the upper ends, shape (dim,) each."""
        raise NotImplementedError

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return self._ends[0].size

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact.

        The enlargement in l2 is rounded at the edges, so that it is no product, unless only one coordinate is bounded.
        """
        return ANY_NORM if self._bounded().sum() <= 1 else VOLUMES | {"enlarged_volume_inf"}

    @property
    def complement_capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact for the complement: all, as its enlargement moves the faces inwards."""
        return ANY_NORM

    def _bounded(self) -> NDArray[np.bool_]:
        low, high = self._ends
        return np.isfinite(low) | np.isfinite(high)

    def _inside(self, x: Array) -> NDArray[np.bool_]:
        inside = np.empty(len(x), np.bool_)
        loop("boxes", "fill_in_box")(x, *self._ends, inside)
        return inside

    def _gap(self, x: Array) -> Array:
        gaps = np.empty(len(x))
        loop("boxes", "fill_box_gaps")(x, *self._ends, gaps)
        return gaps

    def _log_measures(self, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
        bounded = self._bounded()
        if p != math.inf and np.any(reach > 0) and bounded.sum() > 1:
            self._refuse_enlargement(p)
        low, high = (end[bounded] for end in self._ends)
        with np.errstate(over="ignore"):
            line = Line(low - center[bounded], high - center[bounded], 0.5 * (high - low))
        inside, outside = np.zeros(sigma.shape), np.full(sigma.shape, -math.inf)
        if bounded.any():
            for i in range(sigma.size):  # a few scales and reaches, but perhaps 150,528 faces
                inside[i], outside[i] = _log_product(line.grown(reach[i]), sigma[i])
        return inside, outside


def _log_product(line: Line, sigma: Array) -> tuple[float, float]:
    """Return the logs of the measure of a product of intervals and of its complement."""
    if np.any(np.asarray(line.half) <= 0):
        return -math.inf, 0.0
    inside = float(np.sum(log_measure(line, sigma)))
    if inside < -1e-16:
        return inside, math.log(-math.expm1(inside)) if inside > -LOG_2 else math.log1p(-math.exp(inside)) + 0.0
    # The complement is the sum of all tails, to rounding; it may be below the smallest float.
    lower, upper = line.ends(sigma)
    tails = np.concatenate([np.asarray(special.log_ndtr(end)).ravel() for end in (lower, -upper)])
    top = float(tails.max())
    if top == -math.inf:
        return inside, top
    with np.errstate(under="ignore"):
        return inside, top + math.log(float(np.sum(np.exp(tails - top))))
