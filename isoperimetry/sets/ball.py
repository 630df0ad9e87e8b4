"""The ball."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.sets._radial import Radial
from isoperimetry.sets.base import describe, fixed_point, one_number


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ball(Radial):
    """The ball ``{x: |x - center| <= radius}``, boundary included.

    Its measure and those of its enlargements in l2 are exact for any center of the noise and in any dimension. In
    other norms the enlargement of a ball is none, and refused (in one dimension all norms are the same).

    Parameters
    ----------
    center : array, shape (dim,)
        Its center, finite.
    radius : float
        >= 0, in the unit of the inputs; inf is the whole space.

    Raises
    ------
    ValueError
        If the center is not one finite vector, or the radius is negative or NaN.

    Notes
    -----
    Measures are those of `isoperimetry.special.log_ball_probability`, the noncentral chi-square distribution function.

    Examples
    --------
    >>> errors = Ball([0.0, 3.0], radius=1.0)
    >>> errors.signed_distance([[0.0, 0.0], [0.0, 3.5]]).tolist()
    [2.0, -0.5]
    >>> round(Ball([0.0] * 784, radius=20.0).log_volume(), 9)
    -74.990575919
    """

    center: Array
    radius: float

    if TYPE_CHECKING:  # what the constructor takes; the fields say what it keeps

        def __init__(self, center: ArrayLike, radius: float) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", fixed_point("center", self.center))
        object.__setattr__(self, "radius", as_radius("radius", self.radius))

    def __repr__(self) -> str:
        return f"Ball({describe('center', self.center)}, radius={self.radius!r})"

    @property
    def _radii(self) -> tuple[float, float]:
        return -math.inf, self.radius


def as_radius(name: str, value: float) -> float:
    """Return a radius, which may be infinite, after checking it."""
    return one_number(name, value, lambda t: t >= 0, ">= 0", "it is a radius, in the unit of the inputs.")
