"""The measure of a union of half-spaces: independent groups; pairs are exact, larger ones lie between limits."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.errors import NotExact

INDEPENDENT = 2e-15  # a product of unit vectors below this is rounding
RELATIVE = 1e-9  # what "exact" allows


class Groups:
    """The unit normals, sorted into groups that are orthogonal to one another."""

    __slots__ = ("exact", "gram", "members", "pairs", "parallel", "roots")

    def __init__(self, units: Array) -> None:
        gram = np.ascontiguousarray(np.clip(units @ units.T, -1.0, 1.0))
        self.members = _components(np.abs(gram) > INDEPENDENT)
        self.exact = max(map(len, self.members)) <= 2
        self.pairs: list[NDArray[np.int64]] = []
        self.roots: list[Array] = []
        for group in self.members:
            pairs = np.array(list(combinations(group, 2)), dtype=np.int64).reshape(-1, 2)
            cosines = gram[pairs[:, 0], pairs[:, 1]]
            sines = np.sqrt((1 - cosines) * (1 + cosines))
            # From the vectors, as 1 - cosine**2 loses the digits of small angles.
            for k in np.flatnonzero(np.abs(cosines) >= 0.9):
                i, j = pairs[k]
                sines[k] = _sine(units[i], units[j])
                if sines[k] == 0:
                    gram[i, j] = gram[j, i] = -1.0
            self.pairs.append(pairs)
            self.roots.append(sines)
        gram.flags.writeable = False
        self.gram = gram
        self.parallel = len(units) == 1 or (len(units) == 2 and gram[0, 1] == -1)


def _sine(first: Array, second: Array) -> float:
    """Return the sine of the angle of two unit vectors that are not equal; 0 if they are opposite."""
    both = first + second
    if np.abs(both).max() <= 1e-15:
        return 0.0
    return 0.5 * float(np.linalg.norm(first - second) * np.linalg.norm(both))


def _components(linked: NDArray[np.bool_]) -> list[list[int]]:
    """Return the connected components of a graph, each in increasing order."""
    left, components = set(range(len(linked))), []
    while left:
        found, front = set(), {min(left)}
        while front:
            found |= front
            front = {int(j) for i in front for j in np.flatnonzero(linked[i])} - found
        components.append(sorted(found))
        left -= found
    return components


def log_measures(groups: Groups, offsets: Array) -> tuple[Array, Array]:
    """Return the logs of the measure of a union and of its complement, for standardised offsets, shape (m, s)."""
    inside = np.full(offsets.shape[1], -math.inf)
    outside = np.zeros(offsets.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        for group, pairs, roots in zip(groups.members, groups.pairs, groups.roots, strict=True):
            more, rest = _group(groups.gram, np.array(group), pairs, roots, offsets)
            if len(groups.members) > 1 and np.isnan(rest).any():
                raise NotExact(
                    f"UnionOfHalfSpaces has no exact measure here: what {len(group)} correlated half-spaces leave to "
                    "the others is not known. Estimate it with isoperimetry.volume."
                )
            inside = np.logaddexp(inside, more + outside)  # what the group adds is what was outside of the others
            outside = outside + rest
        inside = np.where(outside < -math.log(2), np.log1p(-np.exp(outside)), inside)
    return np.minimum(inside, 0.0) + 0.0, np.minimum(outside, 0.0) + 0.0


def _group(
    gram: Array, members: NDArray[np.int64], pairs: NDArray[np.int64], roots: Array, offsets: Array
) -> tuple[Array, Array]:
    alone = np.asarray(special.log_ndtr(-offsets[members]))
    if len(members) == 1:
        return alone[0], np.asarray(special.log_ndtr(offsets[members[0]]))
    first, second = offsets[pairs[:, 0]], offsets[pairs[:, 1]]
    rho, root = gram[pairs[:, 0], pairs[:, 1]][:, None], roots[:, None]
    if len(members) == 2:
        # What is in the second and not in the first.
        beyond = np.asarray(special.log_binormal_sf(second, -first, -rho, root=root))
        neither = np.asarray(special.log_binormal_sf(-first, -second, rho, root=root))
        return np.logaddexp(alone[0], beyond[0]), neither[0]
    both = np.asarray(special.log_binormal_sf(first, second, rho, root=root))
    # Without noise to speak of, logarithms overflow: nothing, or everything, is inside.
    never = np.all(alone == -math.inf, axis=0)
    ever = np.any(np.asarray(special.log_ndtr(offsets[members])) == -math.inf, axis=0)
    inside, outside = np.where(ever, 0.0, -math.inf), np.where(ever, -math.inf, 0.0)
    open_ = ~never & ~ever
    if open_.any():
        inside[open_], outside[open_] = _between_limits(members, pairs, alone[:, open_], both[:, open_])
    return inside, outside


def _between_limits(
    members: NDArray[np.int64], pairs: NDArray[np.int64], alone: Array, both: Array
) -> tuple[Array, Array]:
    """Return the logs of measure and rest where Bonferroni's lower limit and Hunter's upper limit agree, or refuse.

    The rest is NaN where only that of the measure is known to the digits that "exact" asks for.

    The sum of all single measures, less those of all pairs, is too small; less those of the pairs of a tree, too large.
    """
    top = alone.max(axis=0)
    singles = np.exp(alone - top).sum(axis=0)
    shares = np.exp(both - top)
    lower = singles - shares.sum(axis=0)
    upper = np.array([singles[k] - _heaviest_tree(members, pairs, shares[:, k]) for k in range(singles.size)])
    gap = upper - lower
    if not np.all(gap <= RELATIVE * lower):
        worst = int(np.argmax(np.where(lower > 0, gap / np.abs(lower), math.inf)))
        tells = "does not tell it"
        if 0 < gap[worst] < lower[worst]:
            tells = f"tells it to a relative {gap[worst] / lower[worst]:.1e} only, above {RELATIVE:g}"
        raise NotExact(
            f"UnionOfHalfSpaces has no exact measure here: {len(members)} correlated half-spaces overlap, and "
            f"inclusion-exclusion of pairs {tells}. Estimate it with isoperimetry.volume."
        )
    log_share = top + np.log(0.5 * (lower + upper))
    rest_is_known = gap <= RELATIVE * (np.exp(-top) - upper)
    return log_share, np.where(rest_is_known, np.log1p(-np.exp(log_share)), math.nan)


def _heaviest_tree(members: NDArray[np.int64], pairs: NDArray[np.int64], weights: Array) -> float:
    """Return the weight of the heaviest spanning tree (Kruskal)."""
    root = {int(i): int(i) for i in members}

    def find(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    total = 0.0
    for k in np.argsort(-weights, kind="stable"):
        a, b = find(int(pairs[k, 0])), find(int(pairs[k, 1]))
        if a != b:
            root[a] = b
            total += float(weights[k])
    return total
