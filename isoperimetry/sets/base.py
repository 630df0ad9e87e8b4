"""What an error set can be asked: the protocols `ErrorSet` and `ComplementedSet`."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry._validate import Array

Capability = Literal["contains", "signed_distance", "volume", "log_volume", "enlarged_volume"]

EXACT: frozenset[Capability] = frozenset(("contains", "signed_distance", "volume", "log_volume", "enlarged_volume"))
"""The capabilities of a set that answers every question exactly, up to rounding."""


@runtime_checkable
class ErrorSet(Protocol):
    """A set of inputs that a classifier gets wrong.

    A user's set needs only `dim` and `contains`; `capabilities` names the methods whose answers are exact.
    Measures are taken under ``N(center, sigma**2 I)``; ``center=None`` is the origin.
    """

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Names of the methods that are exact."""
        ...

    def contains(self, x: ArrayLike) -> bool | NDArray[np.bool_]:
        """Return whether the points ``x``, shape (..., dim), lie in the set."""
        ...

    def signed_distance(self, x: ArrayLike) -> float | Array:
        """Return the l2 distance of ``x`` to the boundary: positive outside the set, negative inside."""
        ...

    def volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the set."""
        ...

    def log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure, finite where the measure underflows."""
        ...

    def enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps``, in the l_p norm, of the set."""
        ...


@runtime_checkable
class ComplementedSet(ErrorSet, Protocol):
    """An error set that answers for its complement too, without the cancellation of 1 - volume."""

    def complement_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the measure of the complement."""
        ...

    def complement_log_volume(self, center: ArrayLike | None = None, sigma: ArrayLike = 1.0) -> float | Array:
        """Return the logarithm of the measure of the complement."""
        ...

    def complement_enlarged_volume(
        self, eps: ArrayLike, center: ArrayLike | None = None, sigma: ArrayLike = 1.0, *, p: float = 2
    ) -> float | Array:
        """Return the measure of the points within ``eps``, in the l_p norm, of the complement."""
        ...
