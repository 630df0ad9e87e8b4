"""Sets made from other sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry._validate import Array
from isoperimetry.sets.base import Capability, ComplementedSet
from isoperimetry.sets.law import DistanceLaw, log_within


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Complement:
    """The points outside ``error_set``, as exact as that set is.

    The boundary belongs to one of the two only, which no Gaussian noise and no distance sees.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`
        The set to turn inside out; a complement gives back the set itself.

    Raises
    ------
    TypeError
        If ``error_set`` cannot answer for its complement.

    Examples
    --------
    >>> from isoperimetry.sets import Slab
    >>> errors = Complement(Slab([1.0, 0.0], center_offset=0.0, half_width=2.0))
    >>> errors.signed_distance([0.5, 7.0])
    1.5
    >>> round(errors.volume(), 6)
    0.0455
    """

    error_set: ComplementedSet

    def __post_init__(self) -> None:
        if not isinstance(self.error_set, ComplementedSet):
            raise TypeError(
                f"error_set={self.error_set!r} must be a set of isoperimetry.sets: "
                "its complement needs the three complement_ methods."
            )

    def __repr__(self) -> str:
        return f"Complement({self.error_set!r})"

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return self.error_set.dim

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact."""
        return self.error_set.complement_capabilities

    @property
    def complement_capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact for the set inside."""
        return self.error_set.capabilities

    def contains(self, x: ArrayLike) -> bool | NDArray[np.bool_]:
        """Return whether points, shape (dim,) or (n, dim), lie outside the set inside."""
        inside = self.error_set.contains(x)
        return not inside if isinstance(inside, bool) else ~inside

    def signed_distance(self, x: ArrayLike) -> float | Array:
        """Return the l2 distance of points to the boundary: positive outside this set, negative inside."""
        return -self.error_set.signed_distance(x)

    def volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure under ``N(center, sigma**2 I)``, accurate where it is tiny."""
        return self.error_set.complement_volume(center, sigma)

    def log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure, finite where the measure underflows."""
        return self.error_set.complement_log_volume(center, sigma)

    def enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps``, in the l_p norm, of this set."""
        return self.error_set.complement_enlarged_volume(eps, center, sigma, p=p)

    def _log_within(
        self, eps: Array, center: ArrayLike | None, sigma: ArrayLike, *, of_complement: bool = False
    ) -> tuple[Array, Array]:
        return log_within(self.error_set, eps, center, sigma, of_complement=not of_complement)

    def distance_law(self, center: ArrayLike | None = None, sigma: float = 1.0) -> DistanceLaw:
        """Return the distribution of the l2 distance of a noisy sample to this set."""
        self.error_set.complement_enlarged_volume(sigma, center, sigma)  # refuses what is not exact
        return DistanceLaw(self, center, sigma)

    def complement_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the set inside."""
        return self.error_set.volume(center, sigma)

    def complement_log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure of the set inside."""
        return self.error_set.log_volume(center, sigma)

    def complement_enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps``, in the l_p norm, of the set inside."""
        return self.error_set.enlarged_volume(eps, center, sigma, p=p)
