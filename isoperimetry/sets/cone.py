"""The circular cone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoperimetry import _validate, special
from isoperimetry._validate import Array
from isoperimetry.sets._compiled import loop
from isoperimetry.sets._radial import length
from isoperimetry.sets._revolution import LOG_2, Bodies, Index, log_measures
from isoperimetry.sets.base import EXACT, Capability, Shape, one_number

DEEPEST = 1e7  # in units of the noise: from there on no digit of a log is left after the point, the leading term is all
FARTHEST = 1e100  # and here not even the distance from the boundary can be told


class Conical(Shape):
    """``{x: the angle between x and the first axis is at most half_angle}``. Subclasses are frozen dataclasses."""

    __slots__ = ()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact: those in l2."""
        return EXACT

    @property
    def _half_angle(self) -> float:
        raise NotImplementedError

    def _gap(self, x: Array) -> Array:
        if self._half_angle == math.pi:
            return np.asarray(np.where(np.isnan(x).any(axis=1), np.nan, -np.inf))
        gap = np.empty(len(x))
        loop("geometry", "fill_cone_gaps")(x, *self._slope, gap)
        return gap

    def _inside(self, x: Array) -> NDArray[np.bool_]:
        if self.dim > 2 or self._half_angle == math.pi:
            return np.asarray(self._gap(x) <= 0)
        cosine, sine = self._slope
        return np.asarray(np.abs(x[:, 1]) * cosine - x[:, 0] * sine <= 0)  # to the bit the sign of the distance

    @property
    def _slope(self) -> tuple[float, float]:
        """Return the cosine and the sine of the half angle; exact for a half-space."""
        angle = self._half_angle
        return (0.0, 1.0) if angle == math.pi / 2 else (math.cos(angle), math.sin(angle))

    def _log_measures(self, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
        if p != 2 and np.any(reach != 0) and self._half_angle not in (math.pi / 2, math.pi):
            self._refuse_enlargement(p)
        along, across = float(center[0]), length(center[1:])
        if self._half_angle == math.pi:
            return np.zeros(reach.shape), np.full(reach.shape, -math.inf)
        if self._half_angle > math.pi / 2:  # the complement of the convex cone that opens the other way
            outside, inside = self._convex(-reach, -along, across, sigma)
            return inside, outside
        return self._convex(reach, along, across, sigma)

    def _convex(self, reach: Array, along: float, across: float, sigma: Array) -> tuple[Array, Array]:
        """Return the logs of the measures of a convex cone moved by ``reach`` and of the rest."""
        cosine, sine = self._slope
        cosine = abs(cosine)
        if cosine == 0:
            with np.errstate(over="ignore"):
                return both_sides((reach + along) / sigma)
        inside, outside = np.full(reach.shape, -math.inf), np.zeros(reach.shape)
        # A ray has no measure, and nothing inside it; the inside of a cone is the cone with its apex moved.
        some = reach > 0 if sine == 0 else np.full(reach.shape, True)
        position = along + (np.minimum(reach, 0.0) / sine if sine > 0 else np.zeros(reach.shape))
        grown = np.maximum(reach, 0.0)
        gap = np.empty(reach.size)
        loop("geometry", "fill_cone_gaps")(np.stack([position, np.full(reach.size, across)], axis=1), cosine, sine, gap)
        with np.errstate(over="ignore"):
            eps, ahead, beside = grown / sigma, position / sigma, np.full(reach.shape, across) / sigma
            far = some & (np.abs(gap - grown) / sigma > DEEPEST) | (np.abs(ahead) + beside + eps > FARTHEST)
        inside[far], outside[far] = one_side(gap[far] - grown[far], sigma[far])
        closed = some & ~far & (ahead == 0) & (beside == 0) & ((eps == 0) | (self.dim == 2))
        if closed.any():
            inside[closed], outside[closed] = self._at_apex(eps[closed], cosine, sine)
        rest = np.flatnonzero(some & ~closed & ~far)
        if rest.size:
            bodies = _grown_cones(eps[rest], ahead[rest], beside[rest], cosine, sine, self.dim - 1)
            inside[rest], outside[rest] = log_measures(bodies)
        return inside, outside

    def _at_apex(self, eps: Array, cosine: float, sine: float) -> tuple[Array, Array]:
        """Return the logs for noise at the apex: the share of a cap, or an enlarged wedge."""
        if self.dim == 2:
            # The wedge, the half-strips beside its edges, and the sector beyond the apex.
            angle = math.atan2(sine, cosine) / math.pi
            with np.errstate(under="ignore", divide="ignore"):
                sides = 0.5 * np.exp(special.log_chi2_cdf(eps * eps, dim=1.0))
                inside = np.log(angle + sides - (0.5 - angle) * np.expm1(-0.5 * eps * eps))
                outside = special.log_ndtr(-eps)
                beyond = math.log(0.5 - angle) - 0.5 * eps * eps if angle < 0.5 else np.full(eps.shape, -math.inf)
                return np.asarray(inside), np.logaddexp(outside, beyond)
        half = 0.5 * (self.dim - 1)
        if sine < cosine:
            log_cap = special.log_betainc(half, 0.5, sine * sine) - LOG_2
        else:
            log_cap = special.log_betaincc(0.5, half, cosine * cosine) - LOG_2
        return np.full(eps.shape, log_cap), np.full(eps.shape, math.log1p(-math.exp(log_cap)) + 0.0)


def _grown_cones(eps: Array, ahead: Array, beside: Array, cosine: float, sine: float, m: int) -> Bodies:
    """Return convex cones enlarged by eps: rounded at the apex."""
    slope, start = sine / cosine, eps * (cosine / (1 + sine))
    joint = start * cosine  # eps (1 - sine) without its cancellation

    def radius(owner: Index, height: Array) -> Array:
        edge = slope * height + start[owner]
        return np.where(height < joint[owner], np.sqrt(np.maximum(height * (2 * eps[owner] - height), 0.0)), edge)

    return Bodies(-ahead - eps, beside, m, radius, joint)


def both_sides(z: Array) -> tuple[Array, Array]:
    """Return the logs of the standard normal measures below z and above."""
    return np.asarray(special.log_ndtr(z)), np.asarray(special.log_ndtr(-z))


def one_side(gap: Array, sigma: Array) -> tuple[Array, Array]:
    """Return the logs of the measures of a set and of the rest, so far from the boundary that its distance says all."""
    with np.errstate(over="ignore", invalid="ignore"):
        depth = gap / sigma
        small = np.where(gap == 0, -LOG_2, -0.5 * depth * depth)
    large = np.where(gap == 0, -LOG_2, 0.0)
    return np.where(gap < 0, large, small), np.where(gap < 0, small, large)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cone(Conical):
    """The circular cone ``{x: x_1 >= |x| cos(half_angle)}``, boundary included: apex at the origin, axis ``e_1``.

    Its measure and those of its enlargements in l2, and of its complement, are exact for any center of the noise. In
    other norms they are refused, except for the half-space.

    Parameters
    ----------
    half_angle : float
        Angle between the axis and the edge, in [0, pi], in radians: 0 is a ray, pi / 2 (the float ``math.pi / 2``) a
        half-space, pi the whole space; beyond pi / 2 it is the complement of a convex cone.
    dim : int
        Dimension of the space, >= 2.

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If ``dim`` is not an integer.

    Notes
    -----
    At the apex it is the measure of a cap of the sphere, an incomplete beta function. Elsewhere it is an integral along
    the axis over the law of the distance from it, to a relative error of 1e-11 of the probability. A grown cone is
    rounded at its apex; a shrunk one has its apex at ``eps / sin(half_angle)``.

    Examples
    --------
    >>> import math
    >>> errors = Cone(math.pi / 3, dim=3)
    >>> errors.signed_distance([[-1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]).round(12).tolist()
    [1.0, -1.732050807569]
    >>> round(errors.volume(), 12), round(errors.volume([5.0, 1.0, 0.0]), 9)
    (0.25, 0.99988339)
    """

    half_angle: float
    dim: int = field()

    def __post_init__(self) -> None:
        angle = one_number(
            "half_angle", self.half_angle, lambda t: (t >= 0) & (t <= math.pi), "in [0, pi]", "it is in radians."
        )
        object.__setattr__(self, "half_angle", angle)
        object.__setattr__(self, "dim", as_dimension(self.dim))

    def __repr__(self) -> str:
        return f"Cone(half_angle={self.half_angle!r}, dim={self.dim})"

    @property
    def _half_angle(self) -> float:
        return self.half_angle


def as_dimension(value: Any) -> int:
    """Return the dimension of a space that has an axis and something across it."""
    dim = _validate.as_count("dim", value, low=1)
    if dim < 2:
        raise ValueError(f"dim={dim} must be >= 2: the set has an axis and a coordinate across it.")
    return dim
