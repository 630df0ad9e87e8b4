"""A margin for every set of ours: at most 0 inside, the signed distance where that is known, less than it elsewhere."""

from __future__ import annotations

import numpy as np

from isoperimetry._validate import Array
from isoperimetry.sets import Complement, Moved, Union
from isoperimetry.sets.base import ComplementedSet


def margin(error_set: ComplementedSet, points: Array) -> Array:
    """Return margins of points, shape (n, dim) to (n,): signed distances, but for the depth where parts overlap.

    There, the distance to the boundary of the deepest part is less than that to the boundary of the union, which has no
    closed form: enough for an estimator, which asks for the sign and for the way down.
    """
    if isinstance(error_set, Union):
        return np.asarray(np.min([margin(part, points) for part in error_set.parts], axis=0))
    if isinstance(error_set, Complement):
        return -margin(error_set.error_set, points)
    if isinstance(error_set, Moved):
        return error_set.factor * margin(error_set.error_set, error_set._back("points", points))
    return np.asarray(error_set.signed_distance(points))


def has_margin(error_set: ComplementedSet) -> bool:
    """Return whether all parts of a set know their distances."""
    if isinstance(error_set, Union):
        return all(has_margin(part) for part in error_set.parts)
    if isinstance(error_set, Complement | Moved):
        return has_margin(error_set.error_set)
    return "signed_distance" in error_set.capabilities
