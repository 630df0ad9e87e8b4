"""The union of half-spaces: what a linear classifier of several classes gets wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.sets._compiled import loop
from isoperimetry.sets._groups import Groups, log_measures
from isoperimetry.sets.base import ANY_NORM, EXACT, Capability, Shape

ROWS = 16384  # of points at a time, so that their products need little memory


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UnionOfHalfSpaces(Shape):
    """The union of the half-spaces ``{x: normals_i.x >= offsets_i |normals_i|}``.

    Half-spaces with orthogonal normals are independent in Gaussian noise, so that the measure is exact where the
    correlated ones come in pairs at most. For others it is found by inclusion and exclusion of pairs, where the
    inequalities of Bonferroni and Hunter agree to 1e-9 of it, as for rare errors; elsewhere it is refused.

    Parameters
    ----------
    normals : array, shape (m, dim)
        Directions into the half-spaces, none of them zero; their lengths do not matter.
    offsets : array, shape (m,)
        Signed distances of the boundaries from the origin, along the normals, finite, in the unit of the inputs: of a
        score ``w.x + b`` that is positive on errors, -b / |w|. See `of_linear_classifier`.

    Raises
    ------
    ValueError
        If the shapes do not match, a normal is zero, or an entry is not finite.

    Examples
    --------
    >>> errors = UnionOfHalfSpaces([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]], [1.5, 1.5, 1.5])
    >>> round(errors.volume(), 9)
    0.187330171
    >>> errors.signed_distance([[0.0, 0.0, 0.0], [2.0, 0.0, 1.75]]).round(6).tolist()
    [1.5, -0.559017]
    """

    normals: Array
    offsets: Array
    units: Array = field(init=False)
    _kept: Array = field(init=False)
    _depths: Array = field(init=False)
    _spanned: Array = field(init=False)
    _groups: Groups = field(init=False)

    if TYPE_CHECKING:  # what the constructor takes; the fields say what it keeps

        def __init__(self, normals: ArrayLike, offsets: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        normals, units = _unit_normals(self.normals)
        offsets = _validate.as_float("offsets", self.offsets).copy()
        if offsets.shape != (len(normals),):
            raise ValueError(
                f"offsets has shape {offsets.shape} but must have shape ({len(normals)},): one for each normal."
            )
        _validate.refuse("offsets", offsets, ~np.isfinite(offsets), "finite", "it is a signed distance.")
        kept, depths = _without_duplicates(units, offsets)
        groups = Groups(kept)
        # The normals in an orthonormal basis of the space that they span.
        spanned = np.ascontiguousarray(np.linalg.qr(kept.T).R.T)
        for array in (offsets, units, kept, depths, spanned):
            array.flags.writeable = False
        for name, value in (
            ("normals", normals), ("offsets", offsets), ("units", units), ("_kept", kept), ("_depths", depths),
            ("_spanned", spanned), ("_groups", groups),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    @classmethod
    def of_linear_classifier(cls, weights: ArrayLike, biases: ArrayLike, label: int) -> UnionOfHalfSpaces:
        """Return the inputs that a linear classifier with scores ``weights @ x + biases`` does not give a label.

        Parameters
        ----------
        weights : array, shape (classes, dim)
            One row for each class.
        biases : array, shape (classes,)
            Added to the scores.
        label : int
            The right class, in [0, classes).

        Returns
        -------
        UnionOfHalfSpaces
            One half-space for each other class: where its score is at least that of the label.

        Raises
        ------
        ValueError
            If the shapes do not match, there is one class only, or two classes have the same weights.

        Examples
        --------
        >>> errors = UnionOfHalfSpaces.of_linear_classifier([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], [0.0, 0.0, -1.0], 0)
        >>> round(errors.signed_distance([1.0, 0.0]), 6), errors.contains([[1.0, 0.5], [1.0, 1.5]]).tolist()
        (0.707107, [False, True])
        """
        rows, added = _validate.as_float("weights", weights), _validate.as_float("biases", biases)
        if rows.ndim != 2 or len(rows) < 2 or rows.shape[1] == 0:
            raise ValueError(
                f"weights has shape {rows.shape} but must have shape (classes, dim), with 2 classes or more."
            )
        if added.shape != (len(rows),):
            raise ValueError(f"biases has shape {added.shape} but must have shape ({len(rows)},): one for each class.")
        right = _validate.as_count("label", label)
        if right >= len(rows):
            raise ValueError(f"label={right} must be below {len(rows)}: there are so many classes, counted from 0.")
        normals, shifts = np.delete(rows - rows[right], right, axis=0), np.delete(added[right] - added, right)
        lengths = np.linalg.norm(normals, axis=1)
        if not lengths.all():
            raise ValueError(
                "weights must differ between the label and every other class: equal rows have no boundary."
            )
        return cls(normals, shifts / lengths)

    def __repr__(self) -> str:
        if self.normals.size > 8:
            return f"UnionOfHalfSpaces(m={len(self.normals)}, dim={self.dim})"
        return f"UnionOfHalfSpaces(normals={self.normals.tolist()}, offsets={self.offsets.tolist()})"

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return int(self.normals.shape[1])

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact for every center and noise scale."""
        return ANY_NORM if self._groups.exact else frozenset(("contains", "signed_distance"))

    @property
    def complement_capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact for the complement, whose enlargement is rounded where faces meet."""
        exact = self.capabilities
        return exact if self._groups.parallel else exact - (ANY_NORM - EXACT) - {"enlarged_volume", "distance_law"}

    def _inside(self, x: Array) -> NDArray[np.bool_]:
        inside = np.empty(len(x), np.bool_)
        for start in range(0, len(x), ROWS):
            part = slice(start, start + ROWS)
            loop("halfspaces", "fill_in_union")(x[part] @ self._kept.T, self._depths, inside[part])
        return inside

    def _gap(self, x: Array) -> Array:
        gaps = np.empty(len(x))
        for start in range(0, len(x), ROWS):
            part = slice(start, start + ROWS)
            products = np.ascontiguousarray(x[part] @ self._kept.T)
            loop("halfspaces", "fill_union_gaps")(products, self._depths, self._groups.gram, self._spanned, gaps[part])
        return gaps

    def _log_measures(self, reach: Array, center: Array, sigma: Array, p: float) -> tuple[Array, Array]:
        if np.any(reach < 0) and not self._groups.parallel:
            self._refuse_enlargement(p)
        offsets = (self._depths - self._kept @ center)[:, None] - self._along(p)[:, None] * reach
        with np.errstate(over="ignore", under="ignore"):
            return log_measures(self._groups, offsets / sigma)

    def _along(self, p: float) -> Array:
        """Return how far an l_p ball of radius 1 reaches along each normal: |unit|_q, 1/p + 1/q = 1."""
        if p == 2:
            return np.ones(len(self._kept))
        # The exponent 1 of the dual of l_inf must be exact, hence the two ends apart.
        dual = 1.0 if p == math.inf else math.inf if p == 1 else p / (p - 1)
        largest = np.abs(self._kept).max(axis=1)  # taken out, as high powers of entries below 1 underflow
        with np.errstate(under="ignore"):
            return np.asarray(largest * np.linalg.norm(self._kept / largest[:, None], ord=dual, axis=1))


def _unit_normals(normals: ArrayLike) -> tuple[Array, Array]:
    """Return read-only copies of the normals and of the unit vectors along them."""
    array = _validate.as_float("normals", normals).copy()
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"normals has shape {array.shape} but must have shape (m, dim): one normal in each row.")
    _validate.refuse("normals", array, ~np.isfinite(array), "finite", "its rows are directions.")
    largest = np.abs(array).max(axis=1)
    if not largest.all():
        row = int(np.argmin(largest))
        raise ValueError(f"normals[{row}] must have a non-zero entry: it is a direction.")
    scaled = array / largest[:, None]  # so that norms neither overflow nor underflow
    units = scaled / np.linalg.norm(scaled, axis=1)[:, None]
    array.flags.writeable = False
    return array, units


def _without_duplicates(units: Array, offsets: Array) -> tuple[Array, Array]:
    """Return the half-spaces that are not inside another one with the same normal, to rounding."""
    gram = units @ units.T
    kept: list[int] = []
    for i in np.argsort(offsets, kind="stable"):
        if not any(gram[i, j] > 0.999 and np.abs(units[i] - units[j]).max() <= 1e-15 for j in kept):
            kept.append(int(i))
    kept.sort()
    return np.ascontiguousarray(units[kept]), np.ascontiguousarray(offsets[kept])
