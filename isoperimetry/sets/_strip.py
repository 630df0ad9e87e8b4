"""Sets between two parallel hyperplanes: everything about them is exact on the line along their normal."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate, special
from isoperimetry._validate import Array
from isoperimetry.sets._line import Line, log_measure, measure, outside
from isoperimetry.sets.base import EXACT, Capability


class Strip:
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
        return EXACT

    def contains(self, x: ArrayLike) -> bool | NDArray[np.bool_]:
        """Return whether points lie in the set, boundary included.

        Parameters
        ----------
        x : array, shape (dim,) or (n, dim)
            One point, or one a row.

        Returns
        -------
        bool or array of bool, shape () or (n,)
        """
        inside = np.asarray(self._gap(x) <= 0)
        return bool(inside) if inside.ndim == 0 else inside

    def signed_distance(self, x: ArrayLike) -> float | Array:
        """Return the l2 distance of points to the boundary: positive outside the set, negative inside.

        Parameters
        ----------
        x : array, shape (dim,) or (n, dim)
            One point, or one a row.

        Returns
        -------
        float or array, shape () or (n,)
            Distance in the unit of ``x``; minus the depth for a point inside.
        """
        return _validate.like_input(self._gap(x))

    def volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the set under ``N(center, sigma**2 I)``.

        Parameters
        ----------
        center : array, shape (dim,), optional
            Center of the noise; None: the origin.
        sigma : float or array, shape S
            Scale of the noise, >= 0 (0: all mass at the center), in the unit of the inputs.

        Returns
        -------
        float or array, shape S
            Probability in [0, 1].
        """
        return self.enlarged_volume(0.0, center, sigma)

    def log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure, finite where the measure underflows. Parameters as in `volume`."""
        return _validate.like_input(log_measure(self._seen_from(center), _as_sigma(sigma)))

    def enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps`` of the set.

        Parameters
        ----------
        eps : float or array, shape S1
            Distance, >= 0, in the unit of the inputs.
        center : array, shape (dim,), optional
            Center of the noise; None: the origin.
        sigma : float or array, shape S2
            Scale of the noise, >= 0 (0: all mass at the center), in the unit of the inputs.
        p : float
            Norm in which ``eps`` is measured, >= 1, inf included.

        Returns
        -------
        float or array, shape broadcast(S1, S2)
            Probability in [0, 1]. An empty set has none at any distance.
        """
        scale, reach, line = _as_sigma(sigma), self._reach(eps, p), self._seen_from(center)
        return _validate.like_input(
            _validate.broadcast(lambda reach, sigma: measure(line.grown(reach), sigma), eps=reach, sigma=scale)
        )

    def complement_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the complement, accurate where it is tiny. Parameters as in `volume`."""
        lower, upper = self._seen_from(center).ends(_as_sigma(sigma))
        return _validate.like_input(outside(lower, upper))

    def complement_log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure of the complement. Parameters as in `volume`."""
        line, scale = self._seen_from(center), _as_sigma(sigma)
        inside = measure(line, scale)
        lower, upper = line.ends(scale)
        tails = np.logaddexp(special.log_ndtr(lower), special.log_ndtr(-upper))
        with np.errstate(divide="ignore"):
            return _validate.like_input(np.where(inside < 0.5, np.log1p(-inside), tails))

    def complement_enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps`` of the complement. Parameters as in `enlarged_volume`."""
        scale, reach, line = _as_sigma(sigma), self._reach(eps, p), self._seen_from(center)

        def share(reach: Array, sigma: Array) -> Array:
            beyond = outside(*line.grown(-reach).ends(sigma, closed=False))
            # A complement that reaches the middle from both sides covers the line, unless there is no complement.
            covered = (reach >= line.half) & np.isfinite(line.half) & ~np.isnan(sigma)
            return np.where(covered, 1.0, beyond)

        return _validate.like_input(_validate.broadcast(share, eps=reach, sigma=scale))

    def _seen_from(self, center: ArrayLike | None) -> Line:
        if center is None:
            return self._line
        point = _validate.as_points("center", center, dim=self.dim, owner=type(self).__name__)
        if point.ndim != 1:
            raise ValueError(f"center has shape {point.shape} but must have shape ({self.dim},): it is one point.")
        return self._line.seen_from(float(point @ self.unit))

    def _gap(self, x: ArrayLike) -> Array:
        along = _validate.as_points("x", x, dim=self.dim, owner=type(self).__name__) @ self.unit
        return np.maximum(self._line.low - along, along - self._line.high)

    def _reach(self, eps: ArrayLike, p: float) -> Array:
        """Return how far an l_p ball of radius ``eps`` reaches along the normal: eps * |unit|_q, 1/p + 1/q = 1."""
        distance = _validate.as_nonnegative("eps", eps, "a distance")
        power = one_number("p", p, lambda t: t >= 1, ">= 1", "it names an l_p norm; math.inf is the largest entry.")
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


def one_number(name: str, value: float, good: Callable[[Array], NDArray[np.bool_]], rule: str, advice: str) -> float:
    """Return ``value`` as a float where it is one number and ``good``."""
    number = _validate.as_float(name, value)
    if number.ndim:
        raise ValueError(f"{name} has shape {number.shape} but must be one number: {advice}")
    _validate.refuse(name, number, ~np.asarray(good(number)), rule, advice)
    return float(number)


def describe(normal: Array) -> str:
    """Return the normal in words for a one-line repr: in full when short, else its dimension."""
    return f"normal={normal.tolist()}" if normal.size <= 4 else f"dim={normal.size}"


def _as_sigma(sigma: ArrayLike) -> Array:
    return _validate.as_nonnegative("sigma", sigma, "the scale of the noise, in the unit of the inputs")
