"""The one way in which a compiled function is mapped over scalars and arrays.

Numba is imported, and the loop compiled or read from its cache, at the first call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array

_FLOAT64 = np.dtype(np.float64)


@functools.cache
def _kernels(module: str, name: str) -> tuple[Callable[..., float], Callable[..., None]]:
    home = import_module(f"isoperimetry.kernels.{module}")
    return getattr(home, name), getattr(home, f"fill_{name}")


def _check_out(out: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(out, np.ndarray) or out.dtype != np.float64:
        kind = f"dtype {out.dtype}" if isinstance(out, np.ndarray) else f"type {type(out).__name__}"
        raise TypeError(f"out has {kind}: it must be a float64 array.")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape} but the result has shape {shape}: the shapes must be equal.")
    if not out.flags.writeable:
        raise ValueError("out is read-only: pass an array that can be written to.")


def _is_plain(array: Any) -> bool:
    """Tell whether a loop takes the array as it is; Numba would compile anew for one that may not be written to."""
    return type(array) is np.ndarray and array.dtype is _FLOAT64 and array.flags.carray


def _flat(array: Array) -> Array:
    return np.require(array, np.float64, ["C", "A", "W"]).reshape(-1)


def apply(module: str, name: str, out: Array | None, **arguments: ArrayLike) -> float | Array:
    """Map ``kernels.<module>.<name>`` over arrays that broadcast, with its loop ``fill_<name>(*arrays, out)``.

    Scalars alone give a float. The scalar and the loop must agree to the bit, and a loop must allow ``out`` to be the
    input itself.
    """
    scalar, fill = _kernels(module, name)
    values = tuple(arguments.values())
    numbers = [float(value) for value in values if isinstance(value, float)]
    if out is None and len(numbers) == len(values):
        return scalar(*numbers)
    first = values[0]
    if len(values) == 1 and isinstance(first, np.ndarray) and first.ndim and _is_plain(first):  # the common case
        result = np.empty(first.shape) if out is None else out
        if out is None or (_is_plain(out) and out.shape == first.shape and _may_write(out, first)):
            fill(first.reshape(-1), result.reshape(-1))
            return result
    named = {key: _validate.as_float(key, value) for key, value in arguments.items()}
    shape = _validate.broadcast_shape(**named)
    arrays = [np.broadcast_to(array, shape) for array in named.values()]
    if out is None:
        if not shape:
            return scalar(*map(float, arrays))
        result = np.empty(shape)
    else:
        _check_out(out, shape)
        direct = _is_plain(out) and all(_may_write(out, array) for array in arrays)
        result = out if direct else np.empty(shape)
    fill(*map(_flat, arrays), result.reshape(-1))
    if out is None:
        return result
    if result is not out:
        out[...] = result
    return out


def _may_write(out: Array, array: Array) -> bool:
    """Tell whether a loop that writes to ``out`` leaves what it has yet to read of ``array``."""
    return out is array or not np.may_share_memory(out, array)
