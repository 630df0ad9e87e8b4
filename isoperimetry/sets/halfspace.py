"""The half-space: the extremal set of Gaussian isoperimetry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.sets._line import Line
from isoperimetry.sets._strip import Strip, unit_normal
from isoperimetry.sets.base import describe, one_number


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HalfSpace(Strip):
    """The half-space ``{x: normal.x >= offset |normal|}``, boundary included.

    Parameters
    ----------
    normal : array, shape (dim,)
        Direction into the set, not zero; its length does not matter.
    offset : float
        Signed distance of the boundary from the origin, along the normal, in the unit of the inputs; inf is the empty
        set, -inf the whole space.

    Raises
    ------
    ValueError
        If the normal is zero, not finite or not one vector, or the offset is NaN.

    Examples
    --------
    >>> errors = HalfSpace([3.0, 4.0], offset=2.0)
    >>> errors.signed_distance([[0.0, 0.0], [3.0, 4.0]]).tolist()
    [2.0, -3.0]
    >>> round(errors.volume(sigma=1.0), 6)
    0.02275
    """

    normal: Array
    offset: float
    unit: Array = field(init=False)

    if TYPE_CHECKING:  # what the constructor takes; the fields say what it keeps

        def __init__(self, normal: ArrayLike, offset: float) -> None: ...

    def __post_init__(self) -> None:
        normal, unit = unit_normal("HalfSpace", self.normal)
        object.__setattr__(self, "normal", normal)
        object.__setattr__(self, "unit", unit)
        offset = one_number("offset", self.offset, lambda t: ~np.isnan(t), "a number", "it is a signed distance.")
        object.__setattr__(self, "offset", offset)

    def __repr__(self) -> str:
        return f"HalfSpace({describe('normal', self.normal)}, offset={self.offset!r})"

    @property
    def _line(self) -> Line:
        return Line(self.offset, math.inf, math.inf)
