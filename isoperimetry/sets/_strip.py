"""Sets between two parallel hyperplanes: everything about them is exact on the line along their normal."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.sets._line import Line, log_measure, log_outside, measure, outside
from isoperimetry.sets.base import ANY_NORM, Capability, Shape, as_norm, as_reach, as_sigma


class Strip(Shape):
    """``{x: low <= unit.x <= high}``; a half-space has ``high = inf``. Subclasses are frozen dataclasses."""

    __slots__ = ()

    normal: Array
    unit: Array

    @property
    def _line(self) -> Line:
        raise NotImplementedError

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return self.unit.size

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact: all of them."""
        return ANY_NORM

    def log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure, finite where the measure underflows. Parameters as in `volume`."""
        return _validate.like_input(log_measure(self._seen_from(center), as_sigma(sigma)))

    def enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps``, in the l_p norm, of the set."""
        scale, reach, line = as_sigma(sigma), self._reach(eps, p), self._seen_from(center)
        return _validate.like_input(
            _validate.broadcast(lambda reach, sigma: measure(line.grown(reach), sigma), eps=reach, sigma=scale)
        )

    def complement_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the complement, accurate where it is tiny. Parameters as in `volume`."""
        lower, upper = self._seen_from(center).ends(as_sigma(sigma))
        return _validate.like_input(outside(lower, upper))

    def complement_log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure of the complement. Parameters as in `volume`."""
        return _validate.like_input(log_outside(self._seen_from(center), as_sigma(sigma)))

    def complement_enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps`` of the complement. Parameters as in `enlarged_volume`."""
        scale, reach, line = as_sigma(sigma), self._reach(eps, p), self._seen_from(center)

        def share(reach: Array, sigma: Array) -> Array:
            beyond = outside(*line.grown(-reach).ends(sigma, closed=False))
            # A complement that reaches the middle from both sides covers the line, unless there is no complement.
            covered = (reach >= line.half) & np.isfinite(line.half) & ~np.isnan(beyond)
            return np.where(covered, 1.0, beyond)

        return _validate.like_input(_validate.broadcast(share, eps=reach, sigma=scale))

    def _seen_from(self, center: ArrayLike | None) -> Line:
        return self._line if center is None else self._line.seen_from(float(self._center(center) @ self.unit))

    def _log_measures(self, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
        grown = self._line.seen_from(float(center @ self.unit)).grown(np.sign(reach) * self._reach(np.abs(reach), p))
        gone = np.asarray(grown.half) < 0  # its complement meets in the middle
        inside, outside = log_measure(grown, sigma), log_outside(grown, sigma)
        return np.where(gone, -math.inf, inside), np.where(gone, 0.0, outside)

    def _gap(self, x: Array) -> Array:
        along = x @ self.unit
        return np.maximum(self._line.low - along, along - self._line.high)

    def _reach(self, eps: ArrayLike, p: float) -> Array:
        """Return how far an l_p ball of radius ``eps`` reaches along the normal: eps * |unit|_q, 1/p + 1/q = 1."""
        distance, power = as_reach(eps), as_norm(p)
        # The exponent 1 of the dual of l_inf must be exact, hence the two ends apart.
        dual = 1.0 if power == math.inf else math.inf if power == 1 else power / (power - 1)
        largest = np.abs(self.unit).max()  # taken out, as high powers of entries below 1 underflow
        return np.asarray(distance * (1.0 if dual == 2 else largest * np.linalg.norm(self.unit / largest, ord=dual)))


def unit_normal(owner: str, normal: ArrayLike) -> tuple[Array, Array]:
    """Return read-only copies of ``normal`` and of ``normal / |normal|`` after checking them."""
    vector = _validate.as_float("normal", normal).copy()
    if vector.ndim != 1 or vector.size == 0:
        raise ValueError(f"normal has shape {vector.shape} but must have shape (dim,): {owner} has one normal.")
    _validate.refuse("normal", vector, ~np.isfinite(vector), "finite", "it is a direction.")
    largest = np.abs(vector).max()
    if largest == 0:
        raise ValueError("normal must have a non-zero entry: it is a direction.")
    scaled = vector / largest  # so that the norm neither overflows nor underflows
    unit = scaled / np.linalg.norm(scaled)
    vector.flags.writeable = unit.flags.writeable = False
    return vector, unit
