"""The slab: the points near a hyperplane."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.sets._line import Line
from isoperimetry.sets._strip import Strip, unit_normal
from isoperimetry.sets.base import describe, one_number


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Slab(Strip):
    """The slab ``{x: |normal.x / |normal| - center_offset| <= half_width}``, boundary included.

    Parameters
    ----------
    normal : array, shape (dim,)
        Direction across the slab, not zero; its length does not matter.
    center_offset : float
        Signed distance of the middle hyperplane from the origin, finite, in the unit of the inputs.
    half_width : float
        Half the thickness, >= 0, in the unit of the inputs; inf is the whole space.

    Raises
    ------
    ValueError
        If the normal is zero, not finite or not one vector, or a length is out of range.

    Examples
    --------
    >>> errors = Slab([1.0, 0.0], center_offset=1.5, half_width=0.5)
    >>> round(errors.volume(), 6), round(errors.enlarged_volume(0.5), 6)
    (0.135905, 0.302328)
    """

    normal: Array
    center_offset: float
    half_width: float
    unit: Array = field(init=False)

    if TYPE_CHECKING:  # what the constructor takes; the fields say what it keeps

        def __init__(self, normal: ArrayLike, center_offset: float, half_width: float) -> None: ...

    def __post_init__(self) -> None:
        normal, unit = unit_normal("Slab", self.normal)
        object.__setattr__(self, "normal", normal)
        object.__setattr__(self, "unit", unit)
        middle = one_number("center_offset", self.center_offset, np.isfinite, "finite", "it is a signed distance.")
        half_width = one_number("half_width", self.half_width, lambda t: t >= 0, ">= 0", "it is a distance.")
        object.__setattr__(self, "center_offset", middle)
        object.__setattr__(self, "half_width", half_width)

    def __repr__(self) -> str:
        normal = describe("normal", self.normal)
        return f"Slab({normal}, center_offset={self.center_offset!r}, half_width={self.half_width!r})"

    @property
    def _line(self) -> Line:
        return Line(self.center_offset - self.half_width, self.center_offset + self.half_width, self.half_width)
