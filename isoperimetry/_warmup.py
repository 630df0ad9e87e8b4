"""Compile ahead what the public functions need: all of `isoperimetry.special`, and the noise of both types."""

from __future__ import annotations

import inspect
import time
from functools import partial
from typing import Any

import numpy as np

from isoperimetry import special
from isoperimetry.progress import ProgressLike, as_progress


def _calls(name: str) -> list[partial[Any]]:
    """Return calls of a function of `isoperimetry.special` that need each kernel of it once."""
    function = getattr(special, name)
    if name == "philox_normals":
        return [partial(function, 0, 0, 1, dtype) for dtype in (np.float32, np.float64)]
    parameters = inspect.signature(function).parameters.values()
    names = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    # The others map a scalar kernel and a loop over numbers. What is compiled does not depend on the numbers, and no
    # number is an error.
    return [partial(function, **dict.fromkeys(names, value)) for value in (0.5, np.full(1, 0.5))]


def warmup(*, progress: ProgressLike = None) -> dict[str, float]:
    """Compile every kernel that the public functions use, or load it from the disk cache.

    Each is otherwise compiled at its first call. Call it where the time does not matter: when an image is built, before
    a cluster job starts its workers, before something is timed. A second call finds nothing to do. Where nothing is
    compiled (``NUMBA_DISABLE_JIT=1``), nor is it here.

    Parameters
    ----------
    progress : bool, callable, Progress or None
        See `isoperimetry.progress.as_progress`; by default silence.

    Returns
    -------
    dict of str to float
        Seconds for each function of `isoperimetry.special`, in the order in which they were compiled. A kernel that
        several need is counted where it is needed first.

    Notes
    -----
    Where compiled code is kept, and how to keep it in an image or a read-only install, is in docs/first-use.md.

    Examples
    --------
    >>> seconds = warmup()
    >>> sorted(seconds) == sorted(special.__all__)
    True
    """
    seconds: dict[str, float] = {}
    with as_progress(progress).start("compiling kernels", total=len(special.__all__)) as stage:
        for name in special.__all__:
            start = time.perf_counter()
            for call in _calls(name):
                call()
            seconds[name] = time.perf_counter() - start
            stage.advance()
    return seconds
