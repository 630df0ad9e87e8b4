"""What the modules of the other spaces share: arguments that are counts, the level of a quantile, assumptions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.bounds.rate import Rate, read_rate
from isoperimetry.bounds.theorem import Assumption, undecided


def as_integers(name: str, value: ArrayLike, *, low: int, what: str) -> Array:
    """Return integers >= ``low`` as float64; ``what`` says in words what they are."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name}={value!r} must be an integer or an array of integers: it is {what}.")
    numbers = array.astype(np.float64)
    _validate.refuse(name, numbers, numbers < low, f">= {low}", f"it is {what}.")
    return numbers


def as_dim(value: ArrayLike, *, low: int = 1) -> Array:
    """Return dimensions >= ``low`` as float64."""
    return as_integers("dim", value, low=low, what="a dimension")


def as_level(q: ArrayLike) -> Rate:
    """Return the level of a quantile, which must be in (0, 1), in the form of a rate."""
    return read_rate(_validate.as_level("q", q), None, None, None)


def assumption(name: str, text: str) -> Assumption:
    """Return an assumption about the samples, which looking at the error set cannot decide."""
    return Assumption(name=name, text=text, holds=undecided)
