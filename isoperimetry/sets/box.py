"""The box with faces across the axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.sets._faces import Faces
from isoperimetry.sets.base import describe


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Box(Faces):
    """The box ``{x: low_i <= x_i <= high_i for all i}``, boundary included.

    Its measure is exact, and so are those of its enlargements in the largest-entry norm, and of all enlargements of
    its complement. The l2 enlargement of a box itself is rounded at the edges and is refused.

    Parameters
    ----------
    low, high : array, shape (dim,)
        The ends in each coordinate, low <= high, in the unit of the inputs; -inf and inf leave a side open.

    Raises
    ------
    ValueError
        If the shapes differ or are not (dim,), an end is NaN, or low > high somewhere.

    Examples
    --------
    >>> import math
    >>> from isoperimetry.sets import Complement
    >>> box = Box([-1.0] * 784, [1.0] * 784)
    >>> round(box.log_volume(), 9)
    -299.264674701
    >>> round(box.enlarged_volume(2.0, p=math.inf), 6), Complement(box).enlarged_volume(1.0)
    (0.120091, 1.0)
    """

    low: Array
    high: Array

    if TYPE_CHECKING:  # what the constructor takes; the fields say what it keeps

        def __init__(self, low: ArrayLike, high: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        low, high = as_ends("low", self.low), as_ends("high", self.high)
        if low.shape != high.shape:
            raise ValueError(f"low has shape {low.shape} but high has shape {high.shape}: the shapes must be equal.")
        _validate.refuse("low", low, (low > high) | (low == np.inf), "<= high and below inf", "it is the lower end.")
        _validate.refuse("high", high, high == -np.inf, "above -inf", "it is the upper end.")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    def __repr__(self) -> str:
        return f"Box({describe('low', self.low)}{f', high={self.high.tolist()}' if self.dim <= 4 else ''})"

    @property
    def _ends(self) -> tuple[Array, Array]:
        return self.low, self.high


def as_ends(name: str, value: ArrayLike) -> Array:
    """Return a read-only copy of ends, shape (dim,), infinities allowed."""
    ends = _validate.as_float(name, value).copy()
    if ends.ndim != 1 or ends.size == 0:
        raise ValueError(f"{name} has shape {ends.shape} but must have shape (dim,): one number for each coordinate.")
    _validate.refuse(name, ends, np.isnan(ends), "a number", "it bounds a coordinate; inf or -inf leaves it open.")
    ends.flags.writeable = False
    return ends
