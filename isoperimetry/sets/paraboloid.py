"""The paraboloid of revolution."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from isoperimetry._validate import Array
from isoperimetry.sets._compiled import loop
from isoperimetry.sets._radial import length
from isoperimetry.sets._revolution import Bodies, Index, log_measures
from isoperimetry.sets.base import EXACT, Capability, Shape, one_number
from isoperimetry.sets.cone import DEEPEST, FARTHEST, as_dimension, both_sides, one_side

SHARPEST = 1e90  # curvature in units of the noise beyond which a moved paraboloid is a moved ray, to all digits,
FLATTEST = 1e-230  # and below which it is a half-space; heights times it must not underflow


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Paraboloid(Shape):
    """The paraboloid ``{x: x_1 >= offset + curvature / 2 * |(x_2, ..., x_dim)|**2}``, boundary included.

    Its measure and those of its enlargements in l2, and of its complement, are exact for any center of the noise. In
    other norms they are refused, except for curvature 0.

    Parameters
    ----------
    offset : float
        Position of the vertex along the first axis, finite, in the unit of the inputs.
    curvature : float
        Curvature at the vertex, finite, in 1 / unit: 0 is a half-space, positive a convex set, negative the complement
        of a convex set that opens the other way.
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
    Measures are an integral along the axis over the law of the distance from it, to a relative error of 1e-11 of the
    probability. The surface at a distance is parallel to the paraboloid: its sections are roots of a cubic, and so is
    the nearest point of the boundary.

    Examples
    --------
    >>> errors = Paraboloid(2.0, curvature=0.5, dim=3)
    >>> errors.signed_distance([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]]).tolist()
    [2.0, -1.0]
    >>> round(errors.volume(), 12), round(errors.enlarged_volume(2.0), 9)
    (0.009973041067, 0.403336792)
    """

    offset: float
    curvature: float
    dim: int = field()

    def __post_init__(self) -> None:
        offset = one_number("offset", self.offset, np.isfinite, "finite", "it is a position along the axis.")
        curvature = one_number("curvature", self.curvature, np.isfinite, "finite", "0 is a half-space.")
        object.__setattr__(self, "offset", offset)
        object.__setattr__(self, "curvature", curvature)
        object.__setattr__(self, "dim", as_dimension(self.dim))

    def __repr__(self) -> str:
        return f"Paraboloid(offset={self.offset!r}, curvature={self.curvature!r}, dim={self.dim})"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact: those in l2."""
        return EXACT

    def _gap(self, x: Array) -> Array:
        gap = np.empty(len(x))
        loop("geometry", "fill_paraboloid_gaps")(x, self.offset, self.curvature, gap)
        return gap

    def _log_measures(self, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
        if p != 2 and self.curvature != 0 and np.any(reach != 0):
            self._refuse_enlargement(p)
        ahead, across = float(center[0]) - self.offset, length(center[1:])
        if self.curvature < 0:  # the complement of the convex one that opens the other way
            outside, inside = _convex(-reach, -ahead, across, sigma, -self.curvature, self.dim - 1)
            return inside, outside
        return _convex(reach, ahead, across, sigma, self.curvature, self.dim - 1)


def _convex(reach: Array, ahead: float, across: float, sigma: Array, curvature: float, m: int) -> tuple[Array, Array]:
    """Return the logs of the measures of a convex paraboloid moved by ``reach`` and of the rest."""
    with np.errstate(over="ignore"):
        eps, position, beside = reach / sigma, ahead / sigma, across / sigma
        bend = curvature * sigma
    if curvature == 0:
        return both_sides(eps + position)
    inside, outside = np.full(reach.shape, -math.inf), np.zeros(reach.shape)  # without limit of the noise: a ray
    wide = ~np.isfinite(bend)
    gap = np.empty(1)
    loop("geometry", "fill_paraboloid_gaps")(np.array([[ahead, across]]), 0.0, curvature, gap)
    with np.errstate(over="ignore"):
        far = (np.abs(gap - reach) / sigma > DEEPEST) | (np.abs(eps) + np.abs(position) + beside > FARTHEST)
    far &= ~wide
    inside[far], outside[far] = one_side(gap - reach[far], sigma[far])
    rest = np.flatnonzero(~wide & ~far)
    if rest.size:
        bodies = _moved(eps[rest], position[rest], beside[rest], bend[rest], m)
        inside[rest], outside[rest] = log_measures(bodies)
    return inside, outside


def _moved(eps: Array, position: Array, beside: Array, bend: Array, m: int) -> Bodies:
    """Return paraboloids moved by eps: parallel surfaces, which meet the axis at a point if moved in by 1 / bend."""
    bend = np.where(eps == 0, bend, np.clip(bend, FLATTEST, SHARPEST))
    with np.errstate(over="ignore"):
        scaled = bend * eps
        tip = np.where(scaled >= -1, -eps, 0.5 * (scaled * scaled + 1) / bend) - position
        tip = np.minimum(tip, FARTHEST)

    def radius(owner: Index, height: Array) -> Array:
        curvature, moved = bend[owner], scaled[owner]
        plain = moved == 0
        result = np.sqrt(2 * height) / np.sqrt(curvature)
        if not plain.all():
            moved_radius = np.empty(height.size)
            loop("geometry", "fill_paraboloid_radii")(curvature * height, moved, moved_radius)
            result = np.where(plain, result, moved_radius / curvature)
        return result

    return Bodies(tip, beside, m, radius, np.zeros(eps.shape))
