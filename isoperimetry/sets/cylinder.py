"""The cylinder: a ball in the first coordinates, whatever the others are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.sets._radial import Radial
from isoperimetry.sets.ball import as_radius
from isoperimetry.sets.base import describe, fixed_point


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cylinder(Radial):
    """The cylinder ``{x: |(x_1, ..., x_k) - center| <= radius}``, boundary included: a ball in k of dim coordinates.

    Its measures are those of the ball in k dimensions. Enlargements in other norms than l2 are exact for k = 1, where
    it is a slab, and refused else.

    Parameters
    ----------
    center : array, shape (k,)
        Center of the ball in the first k coordinates, finite.
    radius : float
        >= 0, in the unit of the inputs; inf is the whole space.
    dim : int
        Dimension of the space, >= k.

    Raises
    ------
    ValueError
        If the center is not one finite vector, the radius is negative or NaN, or ``dim`` is below k.
    TypeError
        If ``dim`` is not an integer.

    Examples
    --------
    >>> errors = Cylinder([0.0, 3.0], radius=1.0, dim=784)
    >>> errors.signed_distance([0.0] * 784)
    2.0
    >>> round(errors.volume(), 9), round(errors.enlarged_volume(2.0), 9)
    (0.01082945, 0.432520238)
    """

    center: Array
    radius: float
    dim: int = field()

    if TYPE_CHECKING:  # what the constructor takes; the fields say what it keeps

        def __init__(self, center: ArrayLike, radius: float, dim: int) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", fixed_point("center", self.center))
        object.__setattr__(self, "radius", as_radius("radius", self.radius))
        dim: Any = _validate.as_count("dim", self.dim, low=1)
        object.__setattr__(self, "dim", dim)
        if dim < self.center.size:
            raise ValueError(f"dim={dim} must be >= {self.center.size}: the center has that many coordinates.")

    def __repr__(self) -> str:
        return f"Cylinder({describe('center', self.center)}, radius={self.radius!r}, dim={self.dim})"

    @property
    def _radii(self) -> tuple[float, float]:
        return -math.inf, self.radius
