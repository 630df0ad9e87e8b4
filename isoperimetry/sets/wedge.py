"""The wedge of the plane."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isoperimetry.sets.base import one_number
from isoperimetry.sets.cone import Conical


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Wedge(Conical):
    """The wedge of the plane between the rays at ``-angle / 2`` and ``angle / 2``, boundary included.

    Its apex is the origin; it is the cone of dimension 2. Its measure and those of its enlargements in l2, and of its
    complement, are exact for any center of the noise. In other norms they are refused, except for the half-plane.

    Parameters
    ----------
    angle : float
        Full angle, in [0, 2 pi], in radians: 0 is a ray, pi the half-plane, 2 pi the plane; beyond pi it is the
        complement of a convex wedge.

    Raises
    ------
    ValueError
        If the angle is out of range.

    Notes
    -----
    For noise at the apex the enlargement of a convex wedge is ``angle / (2 pi) + Phi(eps) - 1/2 + (pi - angle) / (2 pi)
    * (1 - exp(-eps**2 / 2))`` at sigma = 1. All else is one integral, as for a cone.

    Examples
    --------
    >>> errors = Wedge(1.0)
    >>> errors.signed_distance([[-3.0, 4.0], [2.0, 0.0]]).round(9).tolist()
    [5.0, -0.958851077]
    >>> round(errors.volume(), 9), round(errors.enlarged_volume(0.8), 9)
    (0.159154943, 0.540640292)
    """

    angle: float

    def __post_init__(self) -> None:
        angle = one_number(
            "angle", self.angle, lambda t: (t >= 0) & (t <= 2 * math.pi), "in [0, 2 pi]", "it is in radians."
        )
        object.__setattr__(self, "angle", angle)

    def __repr__(self) -> str:
        return f"Wedge(angle={self.angle!r})"

    @property
    def dim(self) -> int:
        """Dimension of the space: 2."""
        return 2

    @property
    def _half_angle(self) -> float:
        return 0.5 * self.angle
