"""What `streams` and `special` share: checks of the arguments of noise by counter, and the kernels run in threads.

Numba is imported, and the loop compiled or read from its cache, at the first call.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isoperimetry import _validate

N_SAMPLES = 2**64
"""A sample's index has 64 bits."""

N_COORDINATES = 2**63
"""The map to the counter is injective for so many coordinates of a sample."""

PARALLEL_FROM = 1 << 21
"""Below this many normals, one or two milliseconds of work, starting threads does not pay."""


def as_integer(name: str, value: Any, what: str) -> int:
    """Return an integer; ``what`` says in words what it must be."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}={value!r} must be {what}: a bool is taken for a mistake.")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r} must be {what}.") from None


def as_key(name: str, value: Any) -> int:
    """Return a key of the generator, in [0, 2**64)."""
    key = as_integer(name, value, "an integer: the key of a named stream is Stream(seed=...).split(...).key")
    if not 0 <= key < 2**64:
        raise ValueError(f"{name}={key} must be in [0, 2**64): it has 64 bits.")
    return key


def as_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return the type of the normals: float32 or float64 in the machine's byte order."""
    kind = np.dtype(dtype)
    if kind not in (np.float32, np.float64):
        raise TypeError(f"dtype={kind} must be float32 or float64.")
    return kind


def as_first(name: str, value: Any, n: int) -> int:
    """Return the index of the first of ``n`` samples, the last of which must have an index below 2**64."""
    first = _validate.as_count(name, value)
    if first + n > N_SAMPLES:
        raise ValueError(f"{name}={first} must be at most 2**64 - {n}: the index of a sample has 64 bits.")
    return first


def as_start(name: str, value: Any, dim: int) -> int:
    """Return the first of ``dim`` coordinates, the last of which must be below 2**63."""
    start = _validate.as_count(name, value)
    if start + dim > N_COORDINATES:
        raise ValueError(f"{name}={start} must be at most 2**63 - {dim}: a sample has 2**63 coordinates.")
    return start


def as_threads(n_threads: Any) -> int | None:
    """Return a number of threads, or None for the default."""
    return None if n_threads is None else _validate.as_count("n_threads", n_threads, low=1)


def standard(
    n: int, dim: int, dtype: np.dtype[Any], key: int, first: int, n_threads: int | None, *, start: int = 0
) -> NDArray[Any]:
    """Return the standard normals of ``n`` samples from coordinate ``start`` on, shape (n, dim); all is checked."""
    per_block = 4 if dtype == np.float32 else 2  # as in kernels.philox, which would import Numba for an empty array
    skip, lead = divmod(start, per_block)
    out = np.empty((n, lead + dim if dim else 0), dtype)
    # Adding zero to a normal, which is never zero itself, is exact.
    fill(out, np.zeros(out.shape[1], dtype), dtype.type(1), key, first, n_threads, skip)
    return np.ascontiguousarray(out[:, lead:]) if lead and dim else out


def fill(
    out: NDArray[Any], center: Any, sigma: Any, key: int, first: int, n_threads: int | None, skip: int = 0
) -> None:
    """Write ``center + sigma * z`` into the rows of ``out`` with the kernel of its type; the arguments are checked.

    Column 0 of ``out`` is the first coordinate of block ``skip``.
    """
    if not out.size:
        return
    import numba

    from isoperimetry.kernels import philox

    single = out.dtype == np.float32
    loop: Callable[..., None] = philox.add_normals32 if single else philox.add_normals64
    per_block = philox.PER_BLOCK32 if single else philox.PER_BLOCK64
    n_blocks = out.shape[0] * -(-out.shape[1] // per_block)
    if n_threads is None:
        n_threads = numba.config.NUMBA_NUM_THREADS if out.size >= PARALLEL_FROM else 1
    if n_threads == 1 or n_blocks == 1:
        loop(out, center, sigma, np.uint64(key), np.uint64(first), 0, n_blocks, skip)
        return
    # Several parts a thread, so that one that the system holds up does not hold up the rest.
    n_parts = min(4 * n_threads, n_blocks)
    cuts = [n_blocks * part // n_parts for part in range(n_parts + 1)]
    parts = iter(range(n_parts))  # shared by the threads: to take the next one is a single step under the GIL

    def work() -> None:
        for part in parts:
            loop(out, center, sigma, np.uint64(key), np.uint64(first), cuts[part], cuts[part + 1], skip)

    # Plain threads around a kernel without the GIL, not Numba's own: those end the process when two threads of the
    # caller meet in them (workqueue) or after a fork (OpenMP), and both happen under an executor.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(n_threads - 1) as pool:
        helpers = [pool.submit(work) for _ in range(n_threads - 1)]
        work()
        for helper in helpers:
            helper.result()
