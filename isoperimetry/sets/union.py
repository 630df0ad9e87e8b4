"""Unions of any sets: exact where the parts are half-spaces or disjoint, or where one of them outweighs the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array
from isoperimetry.errors import NotExact
from isoperimetry.sets._strip import Strip
from isoperimetry.sets.ball import Ball
from isoperimetry.sets.base import EXACT, VOLUMES, Capability, ComplementedSet, Shape
from isoperimetry.sets.box import Box
from isoperimetry.sets.halfspace import HalfSpace
from isoperimetry.sets.halfspaces import UnionOfHalfSpaces
from isoperimetry.sets.moved import Moved
from isoperimetry.sets.shell import Shell
from isoperimetry.sets.slab import Slab
from isoperimetry.sets.transform import Complement

RELATIVE = 1e-9  # what "exact" allows


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Union(Shape):
    """The points in any of several sets.

    Half-spaces among them become one `UnionOfHalfSpaces`, and unions their parts. The measure is exact where all parts
    are disjoint, which is recognised for sets that lie in balls apart from the others, or where what the smaller parts
    can add is below 1e-9 of it; elsewhere it is refused. So is the depth of a point that lies within reach of two
    parts, and the measure of a complement of which parts leave less than rounding can tell.

    Parameters
    ----------
    *sets : set of `isoperimetry.sets`
        The parts, one or more, all of one dimension.

    Raises
    ------
    TypeError
        If there is no part, or one cannot answer for its complement.
    ValueError
        If the dimensions differ.

    Examples
    --------
    >>> from isoperimetry.sets import Ball
    >>> errors = Union(Ball([3.0, 0.0], 1.0), Ball([-3.0, 0.0], 0.5))
    >>> errors.signed_distance([[0.0, 0.0], [3.0, 0.25]]).tolist()
    [2.0, -0.75]
    >>> round(errors.volume(), 9)
    0.012529217
    """

    sets: tuple[ComplementedSet, ...]
    parts: tuple[ComplementedSet, ...] = field(init=False)
    _room: float = field(init=False)

    def __init__(self, *sets: ComplementedSet) -> None:
        if not sets:
            raise TypeError("Union needs at least one set: Union(first, second, ...).")
        for part in sets:
            if isinstance(part, list | tuple):
                raise TypeError("Union takes its sets one by one: write Union(*sets).")
            if not isinstance(part, ComplementedSet):
                raise TypeError(f"{part!r} must be a set of isoperimetry.sets: a union asks for complements too.")
        dims = [part.dim for part in sets]
        if len(set(dims)) > 1:
            raise ValueError(f"The sets of a union have the dimensions {dims}: they must be equal.")
        parts = _merged(sets)
        object.__setattr__(self, "sets", sets)
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "_room", _room(parts))

    def __repr__(self) -> str:
        return f"Union({', '.join(map(repr, self.sets))})"

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return self.sets[0].dim

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact for every center and noise scale; of other parts, what their data allow.

        Disjoint parts may meet when they grow, so that enlargements are exact up to that distance only.
        """
        if len(self.parts) == 1:
            return self.parts[0].capabilities
        if self._room > 0:
            return frozenset[Capability].intersection(VOLUMES, *(part.capabilities for part in self.parts))
        return frozenset(("contains",))

    @property
    def complement_capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact for the complement."""
        if len(self.parts) == 1:
            return self.parts[0].complement_capabilities
        if self._room > 0:  # parts that shrink stay disjoint
            return frozenset[Capability].intersection(EXACT, *(part.complement_capabilities for part in self.parts))
        return frozenset(("contains",))

    def _inside(self, x: Array) -> NDArray[np.bool_]:
        inside = np.zeros(len(x), np.bool_)
        for part in self.parts:
            inside |= np.asarray(part.contains(x))
        return inside

    def _gap(self, x: Array) -> Array:
        gaps = np.array([np.asarray(part.signed_distance(x)) for part in self.parts])
        nearest = np.asarray(gaps.min(axis=0))
        if len(gaps) == 1 or self._room > 0:
            return nearest
        # The ball that a part leaves around a point inside it is free of other parts where they are that far.
        others = np.sort(gaps, axis=0)[1]
        unknown = (
            (nearest < 0) & (nearest > -math.inf) & (others <= -nearest * (1 + RELATIVE))
        )  # parts that touch are not apart
        if unknown.any():
            row = int(np.argmax(unknown))
            raise NotExact(
                f"Union has no exact depth for x[{row}], which lies within reach of two parts: use contains, or pass "
                "disjoint parts."
            )
        return nearest

    def _log_measures(self, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
        pairs = [_both_logs(part, reach, center, sigma, p) for part in self.parts]
        if len(pairs) == 1:
            return pairs[0]
        shares, rests = (np.array(column) for column in zip(*pairs, strict=True))
        spread = self.dim ** max(0.0, 0.5 - 1 / p)  # of an l_p ball of radius 1, in l2
        if self._room <= 0 or not np.all(2 * spread * np.maximum(reach, 0.0) <= self._room):
            if np.any(reach < 0):  # where parts overlap, a union shrinks by less than its parts
                self._refuse_enlargement(p)
            return _dominated(shares, rests)
        total = np.logaddexp.reduce(shares, axis=0)
        error = 0.0 if not reach.any() or all(map(_knows_both, self.parts)) else 1e-16 * len(pairs)
        return np.minimum(total, 0.0), _rest(shares, rests, error)


def _merged(sets: Sequence[ComplementedSet]) -> tuple[ComplementedSet, ...]:
    """Return the parts, those of unions apart, with all half-spaces in one of them."""
    sets = [part for one in sets for part in (one.parts if isinstance(one, Union) else (one,))]
    faces = [(part, _faces(part)) for part in sets]
    flat = [found for _, found in faces if found is not None]
    rest = tuple(part for part, found in faces if found is None)
    if len(flat) < 2:
        return tuple(sets)
    normals, offsets = (np.concatenate(column) for column in zip(*flat, strict=True))
    return (UnionOfHalfSpaces(normals, offsets), *rest)


def _faces(part: ComplementedSet) -> tuple[Array, Array] | None:
    """Return the unit normals and the offsets of the half-spaces of which a set is the union, if it is one."""
    if isinstance(part, HalfSpace):
        return (part.unit[None], np.array([part.offset])) if math.isfinite(part.offset) else None
    if isinstance(part, UnionOfHalfSpaces):
        return part.units, part.offsets
    if isinstance(part, Moved) and part.turn_back is None:
        found = _faces(part.error_set)
        return None if found is None else (found[0], part.factor * found[1] + found[0] @ part.shift)
    if isinstance(part, Complement):
        inner = part.error_set
        if isinstance(inner, Complement):
            return _faces(inner.error_set)
        if isinstance(inner, HalfSpace) and math.isfinite(inner.offset):
            return -inner.unit[None], np.array([-inner.offset])
        if isinstance(inner, Slab) and math.isfinite(inner.half_width):
            ends = [inner.center_offset + inner.half_width, inner.half_width - inner.center_offset]
            return np.array([inner.unit, -inner.unit]), np.array(ends)
    return None


def _hull(part: ComplementedSet) -> tuple[Array, float] | None:
    """Return the center and the radius of a ball that holds a set, if there is one."""
    if isinstance(part, Ball):
        return part.center, part.radius
    if isinstance(part, Shell):
        return part.center, part.outer
    if isinstance(part, Box) and np.isfinite(part.low).all() and np.isfinite(part.high).all():
        return 0.5 * (part.low + part.high), 0.5 * float(np.linalg.norm(part.high - part.low))
    if isinstance(part, Moved) and part.turn_back is None and (hull := _hull(part.error_set)) is not None:
        return part.factor * hull[0] + part.shift, part.factor * hull[1]
    return None


def _room(parts: Sequence[ComplementedSet]) -> float:
    """Return a distance that all parts are apart; -inf where that cannot be told."""
    room = math.inf
    for i, first in enumerate(parts):
        for second in parts[:i]:
            known = [-math.inf]
            for hull, other in ((_hull(first), second), (_hull(second), first)):
                if hull is not None and "signed_distance" in other.capabilities:
                    known.append(float(other.signed_distance(hull[0])) - hull[1])
            room = min(room, max(known))
    return room


def _knows_both(part: ComplementedSet) -> bool:
    """Return whether a part tells the measures of what is within reach and of what is not, both in logs."""
    return isinstance(part, Shape) and not isinstance(part, Strip)


def _both_logs(part: ComplementedSet, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
    """Return the logs of the measures of a part, grown or shrunk, and of its complement."""
    if isinstance(part, Shape) and _knows_both(part):
        return part._log_shares(reach, center, sigma, p)
    if not reach.any():
        return np.asarray(part.log_volume(center, sigma)), np.asarray(part.complement_log_volume(center, sigma))
    share = np.asarray(part.enlarged_volume(np.maximum(reach, 0.0), center, sigma, p=p))
    rest = np.asarray(part.complement_enlarged_volume(np.maximum(-reach, 0.0), center, sigma, p=p))
    share, rest = np.where(reach >= 0, share, 1 - rest), np.where(reach > 0, 1 - share, rest)
    with np.errstate(divide="ignore"):
        return np.log(share), np.log(rest)


def _rest(shares: Array, rests: Array, error: float) -> Array:
    """Return the log of what disjoint parts leave: the complement of the largest, less the others.

    It is NaN where the rounding of the logs, or an ``error`` of the numbers behind them, is too much of it.
    """
    largest = np.argmax(shares, axis=0)
    index = np.arange(shares.shape[1])
    others = shares.copy()
    others[largest, index] = -math.inf
    left, taken = rests[largest, index], np.logaddexp.reduce(others, axis=0)
    with np.errstate(invalid="ignore"):
        share = np.where(taken == -math.inf, 1.0, -np.expm1(np.minimum(taken - left, 0.0)))  # of what the largest left
        lost = (share < 1e-6) & np.isfinite(taken) | (error > 0.1 * RELATIVE * np.exp(left) * share)
    with np.errstate(divide="ignore"):
        return np.where(lost, math.nan, left + np.log(share))


def _dominated(shares: Array, rests: Array) -> tuple[Array, Array]:
    """Return the measure where the largest part alone, and all of them added up, agree; refuse otherwise.

    The rest is NaN where only that of the measure is known to the digits that "exact" asks for.
    """
    largest, total = shares.max(axis=0), np.logaddexp.reduce(shares, axis=0)
    with np.errstate(invalid="ignore"):
        if not np.all((total - largest <= RELATIVE) | (total == largest)):
            raise NotExact(
                "Union has no exact measure here: its parts may overlap, and the smaller ones could add more than "
                f"{RELATIVE:g} of it. Estimate it with isoperimetry.volume."
            )
        rest = rests[np.argmax(shares, axis=0), np.arange(shares.shape[1])]
        others = np.logaddexp.reduce(np.sort(shares, axis=0)[:-1], axis=0)
        rest_is_known = (others - rest <= math.log(RELATIVE)) | (others == -math.inf)
    return largest, np.where(rest_is_known, rest, math.nan)
