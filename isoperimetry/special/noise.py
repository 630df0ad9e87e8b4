"""Gaussian noise by key and counter: the checked front of `isoperimetry.kernels.philox`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isoperimetry import _noise, _validate

__all__ = ["philox_normals"]


def philox_normals(
    key: int,
    counter: int,
    shape: int | tuple[int, ...],
    dtype: DTypeLike = np.float64,
    *,
    start: int = 0,
    n_threads: int | None = None,
) -> NDArray[Any]:
    """Return standard normals that are a function of (key, sample, coordinate) and of nothing else.

    There is no state: equal arguments give equal bits in any order, thread, process and block size. The noise of a
    named stream is ``philox_normals(stream.key, first, (n, dim), dtype)``, the same bits as
    `isoperimetry.streams.standard_normals`.

    Parameters
    ----------
    key : int
        Which noise, in [0, 2**64). Different keys, 0 and 1 as well, give unrelated noise; keys made of names are
        `isoperimetry.streams.Stream.key`.
    counter : int
        Index of the first sample, in [0, 2**64), as is that of the last one.
    shape : int or tuple of int
        The last axis counts the coordinates of a sample, and the axes before it count samples, the last of them
        fastest (C order): ``(dim,)`` or ``dim`` is the sample ``counter`` alone, and row i of ``(n, dim)`` is the
        sample ``counter + i``. The next unused sample is ``counter + math.prod(shape[:-1])``.
    dtype : float32 or float64
        The two types are different noise, neither being the other one rounded.
    start : int
        First coordinate, for a part of long samples: column j is the coordinate ``start + j``, below 2**63.
    n_threads : int, optional
        Threads to use; by default one, and from 2**21 numbers on as many as Numba would (the variable
        NUMBA_NUM_THREADS, else the cores). It does not change a bit of the result.

    Returns
    -------
    array of ``dtype``, shape ``shape``
        The first coordinates of a sample do not depend on how many are asked for.

    Raises
    ------
    TypeError
        If ``key``, ``counter`` or an axis is no integer, or ``dtype`` is another type.
    ValueError
        If ``key``, a sample's index or a coordinate is outside its range, or ``shape`` has a negative axis or no axis.

    Notes
    -----
    Philox4x32-10 (Salmon, Moraes, Dror, Shaw (2011). Parallel random numbers: as easy as 1, 2, 3. SC'11) and the
    transform of Box and Muller (1958). The normals end at 8.57 (float32: 6.76), what 52 (32) random bits allow. The
    map to the counter, the bits of the transform and its accuracy are in `isoperimetry.kernels.philox`; the statistical
    evidence and what the ends mean for rare events in docs/noise.md.

    A picture is one sample: make a batch of them as ``(n, channels * height * width)`` and reshape it. Asked for as
    ``(n, channels, height, width)`` each line of pixels would be a sample, and use up an index.

    Examples
    --------
    >>> batch = philox_normals(7, 40, (3, 5))
    >>> bool((batch[2] == philox_normals(7, 42, 5)).all())
    True
    >>> bool((batch[2, 3:] == philox_normals(7, 42, 2, start=3)).all())
    True
    >>> float(philox_normals(0, 0, 1, np.float32)[0]).hex()
    '0x1.46ef160000000p-1'
    """
    axes = shape if isinstance(shape, tuple | list) else (shape,)
    sizes = tuple(_validate.as_count("shape", axis) for axis in axes)
    if not sizes:
        raise ValueError("shape=() must have an axis, the last one counts coordinates: for one number write shape=1.")
    n, dim = math.prod(sizes[:-1]), sizes[-1]
    word, first = _noise.as_key("key", key), _noise.as_first("counter", counter, n)
    kind, begin, n_threads = _noise.as_dtype(dtype), _noise.as_start("start", start, dim), _noise.as_threads(n_threads)
    return _noise.standard(n, dim, kind, word, first, n_threads, start=begin).reshape(sizes)
