"""What an error set can be asked (`ErrorSet`, `ComplementedSet`), and the frame that the sets of the library share."""

from __future__ import annotations

import math
from typing import Any, Literal, NoReturn, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.errors import NotExact
from isoperimetry.sets.law import DistanceLaw

Capability = Literal[
    "contains", "signed_distance", "volume", "log_volume", "enlarged_volume", "enlarged_volume_inf", "distance_law"
]

VOLUMES: frozenset[Capability] = frozenset(("contains", "signed_distance", "volume", "log_volume"))
"""The capabilities of a set whose own measure is exact, but not that of its enlargements."""

EXACT: frozenset[Capability] = VOLUMES | {"enlarged_volume", "distance_law"}
"""The capabilities of a set that answers every question about l2 distances exactly."""

ANY_NORM: frozenset[Capability] = EXACT | {"enlarged_volume_inf"}
"""Those of a set whose enlargements in the largest-entry norm are exact too."""


@runtime_checkable
class ErrorSet(Protocol):
    """A set of inputs that a classifier gets wrong.

    A user's set needs only `dim` and `contains`; `capabilities` names the methods whose answers are exact.
    Measures are taken under ``N(center, sigma**2 I)``; ``center=None`` is the origin.
    """

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact."""
        ...

    def contains(self, x: ArrayLike) -> bool | NDArray[np.bool_]:
        """Return whether the points ``x``, shape (..., dim), lie in the set."""
        ...

    def signed_distance(self, x: ArrayLike) -> float | Array:
        """Return the l2 distance of ``x`` to the boundary: positive outside the set, negative inside."""
        ...

    def volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the set."""
        ...

    def log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure, finite where the measure underflows."""
        ...

    def enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps``, in the l_p norm, of the set."""
        ...


@runtime_checkable
class ComplementedSet(ErrorSet, Protocol):
    """An error set that answers for its complement too, without the cancellation of 1 - volume."""

    @property
    def complement_capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact for the complement."""
        ...

    def complement_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the complement."""
        ...

    def complement_log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure of the complement."""
        ...

    def complement_enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps``, in the l_p norm, of the complement."""
        ...


class Shape:
    """The frame of an exact set: it checks arguments and decides the edges; subclasses, frozen dataclasses, compute.

    A subclass has ``dim`` (a field or a property) and the methods

    - ``_gap(x)``: signed distances of points, shape (n, dim) to (n,); inf everywhere for an empty set, -inf for the
      whole space;
    - ``_inside(x)``: membership, if there is a cheaper way than ``_gap(x) <= 0``;
    - ``_log_measures(reach, center, sigma, p)``: for flat arrays ``reach`` (finite) and ``sigma`` (> 0, perhaps inf) of
      one length and one ``center``, shape (dim,): the logs of the measure of the points whose signed distance, in the
      l_p norm, is at most ``reach``, and of that of the others. A positive reach enlarges the set, a negative one
      enlarges its complement. What is not exact is refused, or NaN for the one of the two that is not.
    """

    __slots__ = ()

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        raise NotImplementedError

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact."""
        return EXACT

    @property
    def complement_capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact for the complement."""
        return self.capabilities

    def contains(self, x: ArrayLike) -> bool | NDArray[np.bool_]:
        """Return whether points lie in the set, boundary included.

        Parameters
        ----------
        x : array, shape (dim,) or (..., dim)
            One point, or one a row.

        Returns
        -------
        bool or array of bool, shape () or (...)
        """
        points, shape = self._points(x)
        inside = self._inside(points)
        return inside.reshape(shape) if shape else bool(inside[0])

    def signed_distance(self, x: ArrayLike) -> float | Array:
        """Return the l2 distance of points to the boundary: positive outside the set, negative inside.

        Parameters
        ----------
        x : array, shape (dim,) or (..., dim)
            One point, or one a row.

        Returns
        -------
        float or array, shape () or (...)
            Distance in the unit of ``x``; minus the depth for a point inside.
        """
        points, shape = self._points(x)
        return _validate.like_input(self._gap(points).reshape(shape))

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
        return _validate.like_input(self._asked(*self._log_shares(np.zeros(()), center, sigma, 2.0)))

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

        Raises
        ------
        NotExact
            If the enlargement in that norm has no exact measure.
        """
        inside, outside = self._log_shares(as_reach(eps), center, sigma, as_norm(p))
        return _linear(self._asked(inside, outside), outside)

    def complement_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the complement, accurate where it is tiny. Parameters as in `volume`."""
        return self.complement_enlarged_volume(0.0, center, sigma)

    def complement_log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure of the complement. Parameters as in `volume`."""
        inside, outside = self._log_shares(np.zeros(()), center, sigma, 2.0)
        return _validate.like_input(self._asked(outside, inside))

    def complement_enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps`` of the complement. Parameters as in `enlarged_volume`."""
        inside, outside = self._log_shares(0.0 - as_reach(eps), center, sigma, as_norm(p))
        return _linear(self._asked(outside, inside), inside)

    def distance_law(self, center: ArrayLike | None = None, sigma: float = 1.0) -> DistanceLaw:
        """Return the distribution of the l2 distance of a noisy sample to the set.

        Parameters
        ----------
        center : array, shape (dim,), optional
            Center of the noise; None: the origin.
        sigma : float
            Scale of the noise, > 0 and finite, in the unit of the inputs.

        Returns
        -------
        DistanceLaw
            Its distribution function, quantiles and moments.

        Raises
        ------
        NotExact
            If the enlargements of the set have no exact measure.
        """
        law = DistanceLaw(self, center, sigma)
        self.enlarged_volume(law.sigma, center, law.sigma)  # refuses what is not exact
        return law

    def _log_within(
        self, eps: Array, center: ArrayLike | None, sigma: ArrayLike, *, of_complement: bool = False
    ) -> tuple[Array, Array]:
        """Return the logs of the shares of the samples within ``eps`` of the set, or its complement, and beyond."""
        inside, outside = self._log_shares(0.0 - eps if of_complement else eps, center, sigma, 2.0)
        return (outside, inside) if of_complement else (inside, outside)

    def _inside(self, x: Array) -> NDArray[np.bool_]:
        return np.asarray(self._gap(x) <= 0)

    def _gap(self, x: Array) -> Array:
        raise NotImplementedError

    def _log_measures(self, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
        raise NotImplementedError

    def _points(self, x: ArrayLike) -> tuple[Array, tuple[int, ...]]:
        """Return points as rows, C-contiguous, and the shape of the answer."""
        points = _validate.as_points("x", x, dim=self.dim, owner=type(self).__name__)
        return np.ascontiguousarray(points.reshape(-1, self.dim)), points.shape[:-1]

    def _center(self, center: ArrayLike | None) -> Array:
        """Return the center of the noise, shape (dim,)."""
        if center is None:
            return np.zeros(self.dim)
        return as_center(center, dim=self.dim, owner=type(self).__name__)

    def _log_shares(self, reach: Array, center: ArrayLike | None, sigma: ArrayLike, p: float) -> tuple[Array, Array]:
        """Return the logs of the measures of the points up to ``reach`` from the set and of the others, edges too."""
        point, scale = self._center(center), as_sigma(sigma)
        shape = _validate.broadcast_shape(eps=reach, sigma=scale)
        far, wide = np.broadcast_to(reach, shape).ravel(), np.broadcast_to(scale, shape).ravel()
        inside, outside = np.full(far.shape, math.nan), np.full(far.shape, math.nan)
        plain = (wide > 0) & np.isfinite(far) & bool(np.isfinite(point).all())
        if plain.any():
            inside[plain], outside[plain] = self._log_measures(far[plain], point, wide[plain], p)
        edge = ~plain & ~np.isnan(wide) & ~np.isnan(far)
        if edge.any() and np.isfinite(point).all():
            within = self._reaches_center(point, far[edge], wide[edge], p)
            inside[edge] = np.where(within, 0.0, -math.inf)
            outside[edge] = np.where(within, -math.inf, 0.0)
        return inside.reshape(shape), outside.reshape(shape)

    def _reaches_center(self, point: Array, reach: Array, sigma: Array, p: float) -> NDArray[np.bool_]:
        """Return whether a set grown without limit, or by ``reach`` without noise, holds all samples."""
        within = np.full(reach.shape, bool(self._inside(point[None])[0]))
        if not np.any(reach < 0 if within.all() else reach > 0):  # the distance, not always known, does not matter
            return within
        gap = float(self._gap(point[None])[0])
        # The set has its boundary, but an enlarged complement has the points at that distance.
        grown = np.where(reach > 0, gap <= reach, np.where(reach < 0, gap < reach, within))
        finite = (sigma == 0) & (reach != 0) & np.isfinite(reach)
        if p != 2 and math.isfinite(gap) and finite.any():
            # Noise of the smallest scale leaves nothing to the side that does not hold the center.
            inside, outside = self._log_measures(reach[finite], point, np.full(int(finite.sum()), 5e-324), p)
            grown[finite] = np.where(reach[finite] > 0, inside > -math.inf, outside == -math.inf)
        return np.where(np.isinf(reach), (gap < math.inf) & (reach > 0) | (gap == -math.inf), grown)

    def _asked(self, share: Array, rest: Array) -> Array:
        """Return the logs that were asked for, if they are known where the others are."""
        if np.any(np.isnan(share) & ~np.isnan(rest)):
            raise NotExact(
                f"{type(self).__name__} leaves too little here for an exact measure of the rest: only that of the "
                "larger share is known. Estimate it with isoperimetry.volume."
            )
        return share

    def _refuse_enlargement(self, p: float) -> NoReturn:
        raise NotExact(
            f"{type(self).__name__} has no exact measure of its enlargement for p={p:g}: "
            "use a set that has it among its capabilities, or count the noisy samples that are so near."
        )


def as_norm(p: float) -> float:
    """Return the power of an l_p norm after checking it."""
    return one_number("p", p, lambda t: t >= 1, ">= 1", "it names an l_p norm; math.inf is the largest entry.")


def as_reach(eps: ArrayLike) -> Array:
    """Return distances after checking them."""
    return _validate.as_nonnegative("eps", eps, "a distance")


def as_sigma(sigma: ArrayLike) -> Array:
    """Return noise scales after checking them."""
    return _validate.as_nonnegative("sigma", sigma, "the scale of the noise, in the unit of the inputs")


def as_center(center: ArrayLike, *, dim: int, owner: str, name: str = "center") -> Array:
    """Return one point of the space after checking it; NaN passes through."""
    if np.ndim(center) == 0 and isinstance(center, int | float):
        raise ValueError(f"{name}={center!r} must be a point of shape ({dim},): the scale of the noise is sigma=.")
    point = _validate.as_points(name, center, dim=dim, owner=owner)
    if point.ndim != 1:
        raise ValueError(f"{name} has shape {point.shape} but must have shape ({dim},): it is one point.")
    _validate.refuse(name, point, np.isinf(point), "finite", "it is one point of the space.")
    return np.ascontiguousarray(point)


def fixed_point(name: str, value: ArrayLike) -> Array:
    """Return a read-only copy of a vector that a set keeps: shape (dim,), finite."""
    point = _validate.as_float(name, value).copy()
    if point.ndim != 1 or point.size == 0:
        raise ValueError(f"{name} has shape {point.shape} but must have shape (dim,): flatten an image with ravel().")
    _validate.refuse(name, point, ~np.isfinite(point), "finite", "it is one point of the space.")
    point.flags.writeable = False
    return point


def one_number(name: str, value: float, good: Any, rule: str, advice: str) -> float:
    """Return ``value`` as a float where it is one number and ``good``."""
    number = _validate.as_float(name, value)
    if number.ndim:
        raise ValueError(f"{name} has shape {number.shape} but must be one number: {advice}")
    _validate.refuse(name, number, ~np.asarray(good(number)), rule, advice)
    return float(number)


def describe(name: str, vector: Array) -> str:
    """Return a vector in words for a one-line repr: in full when short, else its dimension."""
    return f"{name}={vector.tolist()}" if vector.size <= 4 else f"dim={vector.size}"


def _linear(log_share: Array, log_rest: Array) -> float | Array:
    """Return a probability from its log, or from that of the rest where this has more digits."""
    with np.errstate(under="ignore"):
        less = (log_share < log_rest) | np.isnan(log_rest)
        return _validate.like_input(np.where(less, np.exp(log_share), -np.expm1(log_rest)) + 0.0)
