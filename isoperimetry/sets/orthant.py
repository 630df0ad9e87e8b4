"""The orthant: the inputs above a threshold in every coordinate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.sets._faces import Faces
from isoperimetry.sets.base import describe
from isoperimetry.sets.box import as_ends


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Orthant(Faces):
    """The orthant ``{x: x_i >= thresholds_i for all i}``, boundary included.

    Its measure is exact, and so are those of its enlargements in the largest-entry norm, and of all enlargements of
    its complement. The l2 enlargement of an orthant with two thresholds or more is rounded at its corner: refused.

    Parameters
    ----------
    thresholds : array, shape (dim,)
        The least values, below inf, in the unit of the inputs; -inf leaves a coordinate free.

    Raises
    ------
    ValueError
        If the shape is not (dim,), or a threshold is NaN or inf.

    Examples
    --------
    >>> corner = Orthant([1.0, 2.0, -float("inf")])
    >>> round(corner.volume(), 9)
    0.003609428
    >>> corner.signed_distance([[1.0, 1.0, 7.0], [3.0, 3.0, 7.0]]).tolist()
    [1.0, -1.0]
    """

    thresholds: Array
    _open: Array = field(init=False)

    if TYPE_CHECKING:  # what the constructor takes; the fields say what it keeps

        def __init__(self, thresholds: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        thresholds = as_ends("thresholds", self.thresholds)
        _validate.refuse("thresholds", thresholds, thresholds == np.inf, "below inf", "it is the least value.")
        object.__setattr__(self, "thresholds", thresholds)
        object.__setattr__(self, "_open", np.full(thresholds.shape, np.inf))

    def __repr__(self) -> str:
        return f"Orthant({describe('thresholds', self.thresholds)})"

    @property
    def _ends(self) -> tuple[Array, Array]:
        return self.thresholds, self._open
