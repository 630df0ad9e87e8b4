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


def apply(module: str, name: str, out: Array | None, **arguments: ArrayLike) -> float | Array:
    """Map ``kernels.<module>.<name>`` over arrays that broadcast, with its loop ``fill_<name>(*arrays, out)``.

    Scalars alone give a float. The scalar and the loop must agree to the bit.
    """
    scalar, fill = _kernels(module, name)
    if out is None and all(type(value) is float for value in arguments.values()):
        return scalar(*arguments.values())
    named = {key: _validate.as_float(key, value) for key, value in arguments.items()}
    shape = _validate.broadcast_shape(**named)
    arrays = [np.broadcast_to(array, shape) for array in named.values()]
    if out is None:
        if not shape:
            return scalar(*map(float, arrays))
        result = np.empty(shape)
    else:
        _check_out(out, shape)
        # A loop reads and writes contiguous memory, and must not write what it has yet to read.
        direct = out.flags.c_contiguous and out.flags.aligned and out.dtype.isnative
        overlaps = any(np.may_share_memory(array, out) for array in arrays)
        result = out if direct and not overlaps else np.empty(shape)
    fill(*(np.ascontiguousarray(array).reshape(-1) for array in arrays), result.reshape(-1))
    if out is None:
        return result
    if result is not out:
        out[...] = result
    return out
