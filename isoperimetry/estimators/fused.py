"""Counts of noisy samples in a set without an array of samples: draw, test and count in one compiled loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array
from isoperimetry.sets import Ball, Box, Complement, HalfSpace, Shell, Slab, UnionOfHalfSpaces


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FusedCount:
    """A compiled loop with all its arguments but the samples. It can be pickled; `fused_count` makes it.

    A call runs on one thread and without the GIL. Samples are those of `isoperimetry.streams.add_noise` with the same
    key, index and type, and counts of parts add up to the count of the whole, to the last sample.

    Examples
    --------
    >>> import numpy as np
    >>> from isoperimetry.sets import HalfSpace
    >>> from isoperimetry.streams import Stream
    >>> count = fused_count(HalfSpace([3.0, 4.0], 1.0), np.zeros(2), 1.0)
    >>> key = Stream(seed=5).key
    >>> count(key, 0, 1000), count(key, 0, 400) + count(key, 400, 600)
    (181, 181)
    """

    loop: str
    arguments: tuple[Any, ...]
    outside: bool = False

    def __repr__(self) -> str:
        return f"FusedCount({self.loop!r}, outside={self.outside})"

    @property
    def noise_bytes(self) -> int:
        """Memory that a call needs for random words and noise; for a user's function it holds a sample at least."""
        from isoperimetry.kernels import sampling

        sample = 8 * int(self.arguments[1].size) if self.loop == "count_function" else 0
        return max(sampling.NOISE_BYTES, sample)

    def __call__(self, key: int, first: int, n: int) -> int:
        """Return how many of the samples ``first`` to ``first + n - 1`` are in the set.

        Parameters
        ----------
        key : int
            The key of the noise, in [0, 2**64): `isoperimetry.streams.Stream.key`.
        first, n : int
            Index of the first sample and their number, >= 0; ``first + n`` is at most 2**64.
        """
        from isoperimetry.kernels import sampling

        inside = int(getattr(sampling, self.loop)(*self.arguments, np.uint64(key), np.uint64(first), n))
        return n - inside if self.outside else inside


def fused_count(error_set: Any, center: Array, sigma: float, dtype: Any = np.float64) -> FusedCount | None:
    """Return the loop that counts noisy samples in a set, or None if there is none for that set.

    Half-spaces see the noise along their normals only, and balls their distance: a sample is counted as
    ``error_set.contains`` would count the row of ``add_noise``, unless it is within rounding of the boundary. For boxes
    the two are the same. In float32 the set is rounded to float32 too, except for its distances from the center, which
    are computed in float64; sums as `isoperimetry.kernels.sampling` says.

    Parameters
    ----------
    error_set : set of `isoperimetry.sets`
        A half-space, slab, ball, shell, box or union of half-spaces, or the complement of one of these.
    center : array of float64, shape (dim,)
        Center of the noise, finite, in the unit of the inputs.
    sigma : float
        Its scale, finite and >= 0, in the same unit.
    dtype : float32 or float64
        Type of the noise.

    Returns
    -------
    FusedCount or None
    """
    if isinstance(error_set, Complement):
        inner = fused_count(error_set.error_set, center, sigma, dtype)
        return None if inner is None else FusedCount(inner.loop, inner.arguments, not inner.outside)
    kind, sigma = np.dtype(dtype), float(sigma)
    if isinstance(error_set, HalfSpace):
        return _strip(error_set.unit, error_set.offset, math.inf, center, sigma, kind)
    if isinstance(error_set, Slab):
        middle, half = error_set.center_offset, error_set.half_width
        return _strip(error_set.unit, middle - half, middle + half, center, sigma, kind)
    if isinstance(error_set, Ball):
        return _shell(error_set.center, -math.inf, error_set.radius, center, sigma, kind)
    if isinstance(error_set, Shell):
        inner_radius = error_set.inner if error_set.inner > 0 else -math.inf
        return _shell(error_set.center, inner_radius, error_set.outer, center, sigma, kind)
    if isinstance(error_set, Box):
        return _box(error_set, center, sigma, kind)
    if isinstance(error_set, UnionOfHalfSpaces):
        return _union(error_set, center, sigma, kind)
    return None


def compiled_count(function: Callable[[Any], Any], center: Array, sigma: float) -> FusedCount:
    """Return the loop that counts the samples for which a user's compiled function is true.

    The function is compiled into the loop, at the first call in each process. It gets a float64 vector of shape (dim,),
    which it must neither change nor keep, as the memory is used again.

    Parameters
    ----------
    function : compiled function
        ``f(x: float64[:]) -> bool``, made with ``numba.njit``; `compiled_value` tells what it returns.
    center : array of float64, shape (dim,)
        Center of the noise.
    sigma : float
        Scale of the noise, finite and >= 0.

    Examples
    --------
    >>> import numba
    >>> import numpy as np
    >>> in_corner = numba.njit(lambda x: x[0] > 0.5 and x[1] > 0.5)
    >>> compiled_count(in_corner, np.zeros(2), 1.0)(7, 0, 1000)
    100
    """
    return FusedCount("count_function", (function, np.array(center, np.float64), float(sigma)))


def compiled_rows(function: Callable[[Any], Any], x: Array) -> NDArray[np.bool_]:
    """Return whether a user's compiled function is true, for each row of x, shape (n, dim)."""
    from isoperimetry.kernels import sampling

    rows = np.require(x, np.float64, ["C", "A", "W"])  # one type, so that it is compiled once
    inside = np.empty(len(rows), np.bool_)
    sampling.fill_function(function, rows, inside)
    return inside


def compiled_value(function: Callable[[Any], Any], x: Array) -> Any:
    """Return what a user's compiled function returns for one vector: it should be a boolean or an integer.

    The loops take anything for true or false that Numba does, such as a score, which is true almost always.
    """
    from isoperimetry.kernels import sampling

    return sampling.value_of(function, np.require(x, np.float64, ["C", "A", "W"]))


def _filled(rows: list[Array], dtype: np.dtype[Any], filling: tuple[float, ...]) -> NDArray[Any]:
    """Return the terms of each coordinate, with those that add nothing after them to whole blocks."""
    dim = rows[0].size
    per_block = 4 if dtype == np.float32 else 2  # as in kernels.philox
    terms = np.empty((len(rows), -(-dim // per_block) * per_block), dtype)
    for row, values, rest in zip(terms, rows, filling, strict=True):
        row[:dim], row[dim:] = values, rest
    return terms


def _sums(dtype: np.dtype[Any], *arguments: Any) -> FusedCount:
    return FusedCount("count_sums32" if dtype == np.float32 else "count_sums64", arguments)


def _strip(unit: Array, low: float, high: float, center: Array, sigma: float, dtype: np.dtype[Any]) -> FusedCount:
    from isoperimetry.kernels import sampling

    terms = _filled([unit], dtype, (0.0,))
    return _sums(dtype, sampling.PRODUCTS, terms, _along(unit, center), sigma, low, high)


def _along(unit: Array, center: Array) -> float:
    return float(np.sum(unit * center))  # not a matrix product, of which the bits depend on the threads


def _shell(middle: Array, inner: float, outer: float, center: Array, sigma: float, dtype: np.dtype[Any]) -> FusedCount:
    from isoperimetry.kernels import sampling

    shift = center - middle
    # In units of a power of 2 of about the largest of them, squares neither overflow nor underflow.
    unit = math.frexp(max(sigma, float(np.abs(shift).max())))[1]
    with np.errstate(over="ignore", under="ignore"):
        terms = _filled([np.full(shift.size, np.ldexp(sigma, -unit)), np.ldexp(shift, -unit)], dtype, (0.0, 0.0))
        low, high = (float(np.square(np.ldexp(radius, -unit))) for radius in (max(inner, 0.0), outer))
    return _sums(dtype, sampling.SQUARES, terms, 0.0, 1.0, -math.inf if inner < 0 else low, high)


def _box(box: Box, center: Array, sigma: float, dtype: np.dtype[Any]) -> FusedCount:
    from isoperimetry.kernels import sampling

    with np.errstate(over="ignore", under="ignore"):
        low, high, x, scale = (np.asarray(a).astype(dtype) for a in (box.low, box.high, center, sigma))
    # The numbers of this type that are in the box are those between these.
    low = np.where(low < box.low, np.nextafter(low, dtype.type(np.inf)), low)
    high = np.where(high > box.high, np.nextafter(high, dtype.type(-np.inf)), high)
    rows = [np.full(box.dim, scale), x, low, high]
    terms = _filled(rows, dtype, (0.0, 0.0, -np.inf, np.inf))
    return _sums(dtype, sampling.FACES, terms, 0.0, 1.0, -math.inf, 0.0)


def _union(union: UnionOfHalfSpaces, center: Array, sigma: float, dtype: np.dtype[Any]) -> FusedCount:
    from isoperimetry.kernels import sampling, tiles

    m, dim = union.units.shape
    rows, columns = -(-dim // sampling.COLUMNS) * sampling.COLUMNS, -(-m // tiles.NORMALS) * tiles.NORMALS
    normals, middles, offsets = np.zeros((rows, columns), dtype), np.zeros(columns), np.full(columns, np.inf)
    normals[:dim, :m], offsets[:m] = union.units.T, union.offsets
    middles[:m] = [_along(unit, center) for unit in union.units]
    return FusedCount("count_union32" if dtype == np.float32 else "count_union64", (normals, middles, sigma, offsets))
