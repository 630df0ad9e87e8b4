"""From what a user passes to a problem: the set or the function, in the few coordinates that matter."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import numpy as np

from isoperimetry import _validate, special
from isoperimetry._validate import Array
from isoperimetry.errors import NotExact
from isoperimetry.estimators.base import Method
from isoperimetry.estimators.functions import Margin, Membership
from isoperimetry.estimators.margins import has_margin
from isoperimetry.estimators.problem import FunctionTarget, Problem, SetTarget
from isoperimetry.estimators.spaces import Coordinates, Features, Inputs
from isoperimetry.sets import Union
from isoperimetry.sets.base import ComplementedSet

ROUNDING = 2e-9


def as_error_set(error_set: Any) -> Any:
    """Return a set of ours, a Membership or a Margin; another object with ``dim`` and ``contains`` becomes one."""
    if isinstance(error_set, Membership | Margin | ComplementedSet):
        return error_set
    contains, dim = getattr(error_set, "contains", None), getattr(error_set, "dim", None)
    if not callable(contains) or dim is None:
        raise TypeError(
            f"error_set={error_set!r} must be a set of isoperimetry.sets, a Membership, a Margin, or have dim and "
            "contains(x): wrap a function as Membership(function, dim=...)."
        )
    size = _validate.as_count("error_set.dim", dim, low=1)
    distance = getattr(error_set, "signed_distance", None)
    if callable(distance):
        _compare(error_set, size)
        return Margin(distance, dim=size)
    return Membership(contains, dim=size, compiled=False)


def _compare(error_set: Any, dim: int) -> None:
    """Raise if the membership and the signed distance of a user's set disagree."""
    from isoperimetry.estimators.spaces import normals

    x = normals(dim, 0x636F6D70, 0, 8)
    x *= np.geomspace(0.1, 10.0, 8)[:, None]
    inside, near = np.asarray(error_set.contains(x)), np.asarray(error_set.signed_distance(x))
    if inside.shape != near.shape or np.any(inside != (near <= 0)):
        raise ValueError(
            f"error_set={type(error_set).__name__} disagrees with itself: contains(x) must be signed_distance(x) <= 0."
        )


def make_problem(
    error_set: Any, center: Array, sigma: float, method: str | Method, *, described: bool = True
) -> Problem:
    """Return the problem of a checked set, center and scale; it is described, for a record, if that is wanted."""
    reduces = isinstance(method, str) or method.reduces
    if isinstance(error_set, Membership | Margin):
        return _of_function(error_set, center, sigma, method)
    from isoperimetry.estimators.reduction import reduce_set
    from isoperimetry.sets import describe

    description = {"set": digest(json.dumps(describe(error_set), sort_keys=True))} if described else {}
    reduced = reduce_set(error_set, center) if reduces else None
    dtype = "float64" if isinstance(method, str) else getattr(method, "dtype", "float64")
    if reduced is None:
        target = SetTarget(error_set, has_margin(error_set), _knows_lines(error_set), dtype)
        cover = _cover(error_set, center, sigma)
        limits = _proved_limits(error_set, center, sigma, cover)
        return Problem(Inputs(center, sigma), target, error_set.dim, description, cover, limits)
    target = SetTarget(reduced.error_set, has_margin(reduced.error_set), _knows_lines(reduced.error_set))
    space = Coordinates(reduced.rank, reduced.dof, sigma)
    cover = _cover(reduced.error_set, np.zeros(space.dim), sigma)
    if cover is not None and not space.linear and cover[0][:, -1].any():
        cover = None  # the length of the rest is not a coordinate of u
    limits = _proved_limits(error_set, center, sigma, cover)
    return Problem(space, target, error_set.dim, description, cover, limits, reduced.basis)


def _of_function(record: Membership | Margin, center: Array, sigma: float, method: str | Method) -> Problem:
    if not isinstance(method, str) and method.needs_margin and isinstance(record, Membership):
        raise ValueError(
            f"method={method.name!r} needs a Margin: a Membership does not say how far a point is from an error. Pass "
            "Margin(function, dim=...), or method='crude'."
        )
    function = getattr(record.function, "py_func", record.function)
    name = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', type(function).__name__)}"
    description: dict[str, Any] = {"function": name, "dim": record.dim, "batch": record.batch}
    if getattr(record, "near", None) is not None:
        description["near"] = digest(np.ascontiguousarray(getattr(record, "near")).tobytes())  # noqa: B009
    target = FunctionTarget(record)
    if record.reduction is None:
        return Problem(Inputs(center, sigma), target, record.dim, description)
    description["A"] = digest(np.ascontiguousarray(record.reduction.A).tobytes())
    start = record.reduction.image(center)
    return Problem(Features(record.reduction, start, sigma), target, record.dim, description)


def digest(text: str | bytes) -> str:
    """Return a short name for a content."""
    return hashlib.blake2b(text.encode() if isinstance(text, str) else text, digest_size=16).hexdigest()


def _knows_lines(error_set: ComplementedSet) -> bool:
    from isoperimetry.estimators.crossings import line_pieces

    axis = np.zeros((1, error_set.dim))
    axis[0, 0] = 1.0
    return line_pieces(error_set, np.zeros((1, error_set.dim)), axis) is not None


def _proved_limits(
    error_set: ComplementedSet, center: Array, sigma: float, cover: tuple[Array, Array] | None
) -> tuple[float, float]:
    """Return logarithms of limits of the measure that need no draw.

    It is at most that of a cover. A union has at least the measure of its largest part, at most that of all together,
    and at least that less the overlaps of pairs (Bonferroni), which are at most those of their half-spaces.
    """
    low, high = -math.inf, 0.0
    if cover is not None:
        high = min(high, float(np.logaddexp.reduce(special.log_ndtr(-cover[1]))))
    if isinstance(error_set, Union):
        try:
            parts = np.array([float(part.log_volume(center, sigma)) for part in error_set.parts])
        except NotExact:
            return low, high
        together = float(np.logaddexp.reduce(parts))
        overlap = _log_overlaps(error_set, parts, center, sigma) - together
        low = max(float(parts.max()), together + math.log1p(-math.exp(overlap)) if overlap < 0 else -math.inf)
        high = min(high, together)
    # "Exact" is to 1e-9 of the measure: so much is left on either side.
    return low - ROUNDING, min(high + ROUNDING, 0.0)


def _log_overlaps(union: Union, log_parts: Array, center: Array, sigma: float) -> float:
    """Return the logarithm of a limit of the sum of the measures of the intersections of pairs of parts."""
    covers = [_cover(part, center, sigma) for part in union.parts]
    total = -math.inf
    for i, first in enumerate(covers):
        for j, second in enumerate(covers[:i]):
            both = float(min(log_parts[i], log_parts[j]))
            if first is not None and second is not None and len(first[1]) == len(second[1]) == 1:
                correlation = float(np.clip(first[0][0] @ second[0][0], -1.0, 1.0))
                both = min(both, float(special.log_binormal_sf(first[1][0], second[1][0], correlation)))
            total = float(np.logaddexp(total, both))
    return total


def _cover(error_set: ComplementedSet, center: Array, sigma: float) -> tuple[Array, Array] | None:
    from isoperimetry.estimators.cover import half_space_cover

    return half_space_cover(error_set, center, sigma)
