"""A problem: the measure of ``{u: the point of u is an error}`` for u ~ N(0, I), as every estimator sees it.

It is pickled and sent to workers, so that it holds data and functions only. Calls are counted by who makes them: a row
of `contains` or of `margin` is a call.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array
from isoperimetry.errors import FunctionError
from isoperimetry.estimators.functions import Margin, Membership
from isoperimetry.estimators.spaces import Inputs, Space, normals

Bools = NDArray[np.bool_]

SET_NUMBERS = 1 << 17
"""Numbers in a batch of points of our own sets, about: 1 MiB stays in the second-level cache."""

STEP = 1e-5
"""Of finite differences, in units of the noise."""


class Target(Protocol):
    """What is asked about points; ``has_margin``, ``has_gradient`` and ``knows_lines`` say what it can answer."""

    @property
    def has_margin(self) -> bool: ...  # noqa: D102
    @property
    def has_gradient(self) -> bool: ...  # noqa: D102
    @property
    def knows_lines(self) -> bool: ...  # noqa: D102
    @property
    def batch(self) -> int: ...  # noqa: D102
    def contains(self, points: Array) -> Bools: ...  # noqa: D102
    def margin(self, points: Array) -> Array: ...  # noqa: D102
    def gradient(self, points: Array) -> Array: ...  # noqa: D102
    def pieces(self, points: Array, directions: Array) -> Any: ...  # noqa: D102
    def counter(self, space: Space) -> Any: ...  # noqa: D102


def cut(first: int, n: int, size: int) -> Iterator[tuple[int, int]]:
    """Return (first, rows) of the parts of n samples: cut at multiples of the size, wherever a block begins."""
    end = first + n
    while first < end:
        rows = min(size - first % size, end - first)
        yield first, rows
        first += rows


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """P[error] for u ~ N(0, I_dim).

    Attributes
    ----------
    space : Space
        How u becomes a point.
    target : Target
        What is asked about points.
    input_dim : int
        Dimension of the inputs, whatever the points are.
    description : dict
        JSON-safe, for the record of a run.
    cover : tuple of arrays or None
        Half-spaces ``{u: normals_i.u >= offsets_i}``, normals of length 1, shapes (m, dim) and (m,), whose union is
        PROVED to hold all errors.
    log_limits : tuple of 2 floats
        Logarithms of limits of the measure that are PROVED without a draw: (-inf, 0) if nothing is known.
    basis : array or None
        Of a reduced set the directions of the inputs that it looks at, shape (input_dim, rank).
    """

    space: Space
    target: Target
    input_dim: int
    description: dict[str, Any]
    cover: tuple[Array, Array] | None = None
    log_limits: tuple[float, float] = (-math.inf, 0.0)
    basis: Array | None = None

    @property
    def dim(self) -> int:
        """Number of standard normals."""
        return self.space.dim

    @property
    def sigma(self) -> float:
        """Scale of the noise, in the unit of the inputs."""
        return self.space.sigma

    @property
    def has_margin(self) -> bool:
        """Whether `margin` can be asked."""
        return self.target.has_margin

    @property
    def knows_lines(self) -> bool:
        """Whether `line_pieces` can be asked."""
        return self.target.knows_lines and self.space.linear

    @property
    def near(self) -> Array:
        """Where the caller of a function knows errors to be near, shape (k, dim)."""
        points = getattr(getattr(self.target, "record", None), "near", None)
        if points is None or not isinstance(self.space, Inputs):
            return np.zeros((0, self.dim))
        return np.asarray((points - self.space.center) / self.sigma)

    @property
    def batch(self) -> int:
        """Rows in a call of the function: a property of the problem, so that bits do not depend on blocks."""
        return self.target.batch

    @cached_property
    def releases_gil(self) -> bool:
        """Whether counting runs in compiled code, so that threads help."""
        return not isinstance(self.target, FunctionTarget) or bool(getattr(self.target.record, "compiled", False))

    @cached_property
    def _fused(self) -> Any:
        """The compiled loop that draws and counts, or None; made once, also in each worker."""
        return self.target.counter(self.space)

    def normals(self, key: int, first: int, n: int) -> Array:
        """Return u of the samples first, ..., first + n - 1, shape (n, dim)."""
        return normals(self.dim, key, first, n)

    def batches(self, first: int, n: int) -> Iterator[tuple[int, int]]:
        """Return (first, rows) of the calls for n samples: cut at multiples of the batch, wherever a block begins."""
        return cut(first, n, self.batch)

    def contains(self, u: Array) -> Bools:
        """Return which rows of u, shape (n, dim), are errors: n calls."""
        return self.target.contains(self.space.points(u))

    def margin(self, u: Array) -> Array:
        """Return the margins of rows of u, in batches, at most 0 on errors: n calls."""
        result = np.empty(len(u))
        for first, rows in self.batches(0, len(u)):
            result[first : first + rows] = self.target.margin(self.space.points(u[first : first + rows]))
        return result

    def gradient(self, u: Array) -> Array:
        """Return the gradients of the margin at rows of u, in batches; `gradient_cost` says what a row costs."""
        result = np.empty_like(u)
        if self.target.has_gradient:
            for first, rows in self.batches(0, len(u)):
                part = u[first : first + rows]
                slopes = self.target.gradient(self.space.points(part))
                result[first : first + rows] = self.space.pull_back(part, slopes)
            return result
        for row, out in zip(u, result, strict=True):
            here = self.margin(row[None])[0]
            for start in range(0, self.dim, self.batch):
                axes = np.arange(start, min(start + self.batch, self.dim))
                moved = np.tile(row, (len(axes), 1))
                moved[np.arange(len(axes)), axes] += STEP
                out[axes] = (self.margin(moved) - here) / STEP
        return result

    @property
    def gradient_cost(self) -> tuple[int, int]:
        """Calls and gradients that a row of `gradient` takes."""
        return (0, 1) if self.target.has_gradient else (self.dim + 1, 0)

    def line_pieces(self, u: Array, a: Array) -> Any:
        """Return all the intervals of t in which u + t a is an error, as `Pieces`; a is (dim,) or (n, dim)."""
        points = self.space.points(u)
        return self.target.pieces(points, np.broadcast_to(self.space.direction(a), points.shape))

    def count(self, key: int, first: int, n: int) -> int:
        """Return how many of the samples first, ..., first + n - 1 are errors: n calls, on one thread."""
        if self._fused is not None:
            return int(self._fused(key, first, n))
        draws = (self.space.draw(key, start, rows) for start, rows in self.batches(first, n))
        return sum(int(np.count_nonzero(self.target.contains(points))) for points in draws)


@dataclasses.dataclass(frozen=True, eq=False)
class SetTarget:
    """A set of `isoperimetry.sets`, in whatever coordinates."""

    error_set: Any
    has_margin: bool
    knows_lines: bool
    dtype: str = "float64"

    has_gradient = False

    @property
    def batch(self) -> int:
        """Rows at a time."""
        return int(min(max(SET_NUMBERS // self.error_set.dim, 1), 8192))

    def contains(self, points: Array) -> Bools:
        """Return membership."""
        return np.asarray(self.error_set.contains(points))

    def margin(self, points: Array) -> Array:
        """Return signed distances, but for depths where parts of a union overlap."""
        from isoperimetry.estimators.margins import margin

        return margin(self.error_set, points)

    def gradient(self, points: Array) -> Array:
        """Not known."""
        raise NotImplementedError

    def pieces(self, points: Array, directions: Array) -> Any:
        """Return the pieces of lines, in closed form."""
        from isoperimetry.estimators.crossings import line_pieces

        return line_pieces(self.error_set, points, directions)

    def counter(self, space: Space) -> Any:
        """Return the compiled loop that draws and counts, or None."""
        from isoperimetry.estimators.fused import fused_count

        if not isinstance(space, Inputs):
            return None
        return fused_count(self.error_set, space.center, space.sigma, dtype=np.dtype(self.dtype))


@dataclasses.dataclass(frozen=True, eq=False)
class FunctionTarget:
    """A user's `Membership` or `Margin`: every answer is checked."""

    record: Membership | Margin

    @property
    def has_margin(self) -> bool:
        """Whether it is a margin."""
        return isinstance(self.record, Margin)

    @property
    def has_gradient(self) -> bool:
        """Whether it came with its gradient."""
        return getattr(self.record, "gradient", None) is not None

    @property
    def knows_lines(self) -> bool:
        """Whether it came with its pieces of lines."""
        return getattr(self.record, "pieces", None) is not None

    @property
    def batch(self) -> int:
        """Rows in a call."""
        return self.record.batch

    def contains(self, points: Array) -> Bools:
        """Return membership."""
        if isinstance(self.record, Margin):
            return self.margin(points) <= 0
        if self.record.compiled:
            from isoperimetry.estimators.fused import compiled_rows

            return np.asarray(ask_function("function", lambda x: compiled_rows(self.record.function, x), points))
        answer = np.asarray(ask_function("function", self.record.function, points))
        if answer.shape != (len(points),):
            raise FunctionError(
                f"function returned shape {answer.shape} for {len(points)} points but must return ({len(points)},): "
                "one answer a row."
            )
        if answer.dtype != np.bool_:
            raise FunctionError(
                f"function returned {answer.dtype} but must return bool: a membership says yes or no; for a score, "
                "which is at most 0 on errors, use Margin."
            )
        return answer

    def margin(self, points: Array) -> Array:
        """Return the margins."""
        return _floats("function", ask_function("function", self.record.function, points), (len(points),))

    def gradient(self, points: Array) -> Array:
        """Return the gradients with respect to the points."""
        gradient = getattr(self.record, "gradient")  # noqa: B009
        return _floats("gradient", ask_function("gradient", gradient, points), points.shape)

    def pieces(self, points: Array, directions: Array) -> Any:
        """Return the pieces of lines as the user knows them."""
        from isoperimetry.estimators.crossings import Pieces

        pieces = getattr(self.record, "pieces")  # noqa: B009
        low, high = ask_function("pieces", lambda x: pieces(x, directions), points)
        low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        if low.ndim != 2 or low.shape != high.shape or len(low) != len(points) or np.isnan(low + high).any():
            raise FunctionError(
                f"pieces returned shapes {low.shape} and {high.shape} but must return two arrays ({len(points)}, k), "
                "without NaN: the intervals of each line."
            )
        return Pieces(low, high)

    def counter(self, space: Space) -> Any:
        """Return the compiled loop that draws and counts, or None."""
        if not (isinstance(self.record, Membership) and self.record.compiled and isinstance(space, Inputs)):
            return None
        from isoperimetry.estimators.fused import compiled_count

        return compiled_count(self.record.function, space.center, space.sigma)


def ask_function(name: str, function: Any, points: Array) -> Any:
    """Return what a user's function answers about some points; whatever it raises becomes a FunctionError."""
    try:
        return function(points)
    except FunctionError:
        raise
    except Exception as error:
        raise FunctionError(
            f"{name} raised {type(error).__name__}: {' '.join(str(error).split()) or 'no message'}; it was asked about "
            f"points of shape {points.shape}."
        ) from error


def _floats(name: str, answer: Any, shape: tuple[int, ...]) -> Array:
    values = np.asarray(answer)
    if values.shape != shape:
        raise FunctionError(f"{name} returned shape {values.shape} but must return {shape}: one answer a row.")
    if values.dtype.kind not in "iuf":
        raise FunctionError(f"{name} returned {values.dtype} but must return real numbers.")
    values = values.astype(np.float64, copy=False)
    bad = np.isnan(values)
    if bad.any():
        raise FunctionError(
            f"{name} returned {int(bad.sum())} NaN among {values.size} numbers: an answer that is not a number is "
            "neither an error nor none. Return math.inf for points that are certainly none."
        )
    return values
