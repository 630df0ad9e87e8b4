"""Compile ahead what the public functions need: all of `isoperimetry.special`, the noise of both types, the bounds."""

from __future__ import annotations

import inspect
import time
from functools import partial
from importlib import import_module
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


def _bounds() -> dict[str, partial[Any]]:
    """Return a call of each loop of the bounds; all its arguments are arrays, or integers that choose a formula."""
    calls = {}
    for module in ("distances", "enlargements", "moments"):
        home = import_module(f"isoperimetry.kernels.{module}")
        for name, loop in vars(home).items():
            if name.startswith("fill_") and loop.py_func.__module__ == home.__name__:
                parameters = inspect.signature(loop.py_func).parameters.values()
                arguments = [0 if parameter.annotation == "int" else np.full(1, 0.5) for parameter in parameters]
                calls[name.removeprefix("fill_")] = partial(loop, *arguments)
    return calls


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
        Seconds for each function of `isoperimetry.special`, and then for each loop of the bounds, in the order in which
        they were compiled. A kernel that several need is counted where it is needed first.

    Notes
    -----
    Where compiled code is kept, and how to keep it in an image or a read-only install, is in docs/first-use.md.

    Examples
    --------
    >>> seconds = warmup()
    >>> list(seconds)[: len(special.__all__)] == special.__all__
    True
    """
    seconds: dict[str, float] = {}
    groups = {name: _calls(name) for name in special.__all__} | {name: [call] for name, call in _bounds().items()}
    with as_progress(progress).start("compiling kernels", total=len(groups)) as stage:
        for name, calls in groups.items():
            start = time.perf_counter()
            for call in calls:
                call()
            seconds[name] = time.perf_counter() - start
            stage.advance()
    return seconds
