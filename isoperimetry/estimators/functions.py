"""The user's own error sets: a membership function or a margin, with what may be known about it beside its values."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array

if TYPE_CHECKING:
    from isoperimetry.estimators.reduction import Reduction

ROW_NUMBERS = 1 << 20
"""Numbers in a batch of rows, about, unless the user says how many rows: 8 MiB."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False, init=False)
class Membership:
    """An error set by its membership function.

    Parameters
    ----------
    function : callable
        Either compiled with ``numba.njit``, ``f(x: float64[:]) -> bool`` for one point, which it must not change or
        keep; it is compiled into the loop that draws and counts. Or any callable on a batch, ``f(x) -> bool[n]`` for x
        of shape (n, dim), float64. The answer must be a function of the point alone.
    dim : int
        Dimension of the inputs; not needed with a ``reduction``.
    reduction : Reduction, optional
        From `reduce`: the function looks only at ``A x`` and takes that in place of x, shape (m,) or (n, m); with its
        ``rest`` one more, the length of the rest.
    batch : int, optional
        Most rows in a call of a batch function, >= 1; by default about 2**20 numbers.
    compiled : bool, optional
        Whether ``function`` is the first kind; by default, whether Numba compiled it.

    Notes
    -----
    Without a margin a rare error gives no hint of where it is: only plain draws are left, which see nothing below
    about 3 / n_samples. Pass a `Margin` for rare errors.

    Examples
    --------
    >>> from isoperimetry.estimators import volume
    >>> corner = Membership(lambda x: (x > 1.0).all(axis=1), dim=2)
    >>> estimate = volume(corner, n_samples=20_000, rng=1)
    >>> estimate.interval.low < 0.02517 < estimate.interval.high
    True
    """

    function: Callable[[Any], Any]
    dim: int
    reduction: Reduction | None
    batch: int
    compiled: bool

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        dim: int | None = None,
        reduction: Reduction | None = None,
        batch: int | None = None,
        compiled: bool | None = None,
    ) -> None:
        _set(self, "function", _callable("function", function))
        is_compiled = hasattr(function, "py_func")
        _set(self, "compiled", is_compiled if compiled is None else bool(compiled))
        if self.compiled and not is_compiled and os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0"):
            raise TypeError(f"function={function!r} must be compiled by numba.njit: pass compiled=False for a batch.")
        _set_space(self, dim, reduction, batch)


@dataclasses.dataclass(frozen=True, slots=True, eq=False, init=False)
class Margin:
    """An error set by a margin: ``{x: margin(x) <= 0}``. Rare errors are found by following it down.

    Parameters
    ----------
    function : callable
        ``f(x) -> float[n]`` for x of shape (n, dim), float64: at most 0 on errors, for instance the score of the right
        class less the best of the others. It must be a function of the point alone.
    dim : int
        Dimension of the inputs; not needed with a ``reduction``.
    gradient : callable, optional
        ``gradient(x) -> float[n, dim]``, that of the margin with respect to x. Without it, finite differences take
        ``dim + 1`` calls.
    reduction : Reduction, optional
        From `reduce`: the function looks only at ``A x`` and takes that in place of x, shape (n, m), as does the
        gradient.
    pieces : callable, optional
        ``pieces(points, directions) -> (low, high)``, arrays of shape (n, k): for each of the lines ``points[i] + t *
        directions[i]`` ALL the intervals of t on it that are errors, disjoint, with (inf, inf) for what is unused. With
        it, line and directional sampling have a lower limit that is proved.
    batch : int, optional
        Most rows in a call, >= 1; by default about 2**20 numbers.
    near : array, shape (k, dim), optional
        Inputs near which errors may be, for instance what an attack found: the search for design points starts from
        these too. Where they lie changes how much the estimate scatters, not what it estimates. Not with a reduction.

    Examples
    --------
    >>> import numpy as np
    >>> from isoperimetry.estimators import volume
    >>> weights = np.full(784, 1.0)
    >>> rare = Margin(lambda x: 224.0 - x @ weights, dim=784, gradient=lambda x: np.tile(-weights, (len(x), 1)))
    >>> estimate = volume(rare, rel_error=0.1, rng=1)  # mu = ndtr(-8) = 6.2e-16
    >>> round(estimate.log_value, 6), estimate.guarantee.name
    (-35.013437, 'FINITE_SAMPLE')
    """

    function: Callable[[Any], Any]
    dim: int
    gradient: Callable[[Any], Any] | None
    reduction: Reduction | None
    pieces: Callable[[Any, Any], Any] | None
    batch: int
    near: Array | None

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        dim: int | None = None,
        gradient: Callable[[Any], Any] | None = None,
        reduction: Reduction | None = None,
        pieces: Callable[[Any, Any], Any] | None = None,
        batch: int | None = None,
        near: ArrayLike | None = None,
    ) -> None:
        _set(self, "function", _callable("function", function))
        _set(self, "gradient", None if gradient is None else _callable("gradient", gradient))
        _set(self, "pieces", None if pieces is None else _callable("pieces", pieces))
        _set_space(self, dim, reduction, batch)
        _set(self, "near", None if near is None else _near(near, self))


def _set(record: Any, name: str, value: Any) -> None:
    object.__setattr__(record, name, value)


def _callable(name: str, value: Any) -> Any:
    if not callable(value):
        raise TypeError(f"{name}={value!r} must be callable: it is asked about points of the space.")
    return value


def _near(near: ArrayLike, record: Margin) -> Array:
    """Return the starts of a search, checked."""
    points = _validate.as_float("near", near).copy()
    if record.reduction is not None:
        raise TypeError("near= holds inputs, of which a reduction keeps only A x: pass one of the two.")
    if points.ndim != 2 or points.shape[1] != record.dim:
        raise ValueError(f"near has shape {points.shape} but must have shape (k, {record.dim}): one input a row.")
    _validate.refuse("near", points, ~np.isfinite(points), "finite", "they are points of the space.")
    return points


def _set_space(record: Any, dim: int | None, reduction: Reduction | None, batch: int | None) -> None:
    """Check the dimension and what is looked at of it, and set them."""
    if reduction is not None and not hasattr(reduction, "factor"):
        raise TypeError(f"reduction={reduction!r} must be made by reduce(A).")
    if dim is None:
        if reduction is None:
            raise TypeError("dim= is missing: say how many coordinates an input has.")
        dim = reduction.dim
    size = _validate.as_count("dim", dim, low=1)
    if reduction is not None and size != reduction.dim:
        raise ValueError(f"dim={size} must be {reduction.dim}: the matrix of the reduction has so many columns.")
    seen = size if reduction is None else len(reduction.factor) + reduction.rest
    rows = max(1, ROW_NUMBERS // seen) if batch is None else _validate.as_count("batch", batch, low=1)
    for name, value in (("dim", size), ("reduction", reduction), ("batch", min(rows, 4096) if batch is None else rows)):
        _set(record, name, value)
