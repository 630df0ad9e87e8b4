"""The shell: the points between two spheres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.sets._radial import Radial
from isoperimetry.sets.ball import as_radius
from isoperimetry.sets.base import describe, fixed_point


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shell(Radial):
    """The shell ``{x: inner <= |x - center| <= outer}``, both spheres included.

    Its measure and those of its enlargements in l2, and of its complement, are exact for any center of the noise, in
    any dimension and at any thickness. In other norms they are refused, as for a ball.

    Parameters
    ----------
    center : array, shape (dim,)
        The common center of the spheres, finite.
    inner : float
        Radius of the hole, >= 0 and finite, in the unit of the inputs; 0 is no hole: a ball.
    outer : float
        Radius, >= inner; inf is all outside the hole.

    Raises
    ------
    ValueError
        If the center is not one finite vector, or a radius is out of range.

    Examples
    --------
    >>> errors = Shell([0.0, 0.0], inner=1.0, outer=2.0)
    >>> errors.signed_distance([[0.0, 0.0], [0.0, 1.25], [0.0, 5.0]]).tolist()
    [1.0, -0.25, 3.0]
    >>> round(errors.volume(), 9), round(errors.enlarged_volume(1.0), 9)
    (0.471195376, 0.988891003)
    """

    center: Array
    inner: float
    outer: float

    if TYPE_CHECKING:  # what the constructor takes; the fields say what it keeps

        def __init__(self, center: ArrayLike, inner: float, outer: float) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", fixed_point("center", self.center))
        object.__setattr__(self, "inner", as_radius("inner", self.inner))
        object.__setattr__(self, "outer", as_radius("outer", self.outer))
        if self.inner == math.inf:
            raise ValueError("inner=inf must be finite: it is the radius of the hole.")
        if self.outer < self.inner:
            raise ValueError(f"outer={self.outer!r} must be >= inner={self.inner!r}: pass the smaller radius first.")

    def __repr__(self) -> str:
        return f"Shell({describe('center', self.center)}, inner={self.inner!r}, outer={self.outer!r})"

    @property
    def _radii(self) -> tuple[float, float]:
        return (self.inner if self.inner > 0 else -math.inf), self.outer
