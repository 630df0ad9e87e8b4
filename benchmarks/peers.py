"""The functions of `isoperimetry.special` and the same functions elsewhere, each as a call from one array to another.

``bind(function, x, out)`` gives the calls by name, ours first. What a package has not is left out, and so is a package
that is not installed. Torch and MKL run on one thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.special

from benchmarks import mkl
from isoperimetry import special

Call = Callable[[], object]

SQRT_HALF, SQRT_HALF_PI = math.sqrt(0.5), math.sqrt(math.pi / 2)
_MKL = {"ndtri": "CdfNormInv", "ndtr": "CdfNorm", "mills_ratio": "Erfcx"}


def bind(function: str, x: np.ndarray, out: np.ndarray, *, modes: tuple[str, ...] = ("HA",)) -> dict[str, Call]:
    """Return the calls that put ``function(x)`` into ``out``, MKL in each of the ``modes``."""
    ours = getattr(special, function)
    calls: dict[str, Call] = {"ours": lambda: ours(x, out=out)}
    for name, call in (("scipy", _scipy(function, x, out)), ("torch", _torch(function, x, out))):
        if call is not None:
            calls[name] = call
    if mkl.library() is not None and function in _MKL:
        calls |= {f"MKL {mode}": _mkl(function, x, out, mode) for mode in modes}
    return calls


def _as_mills_ratio(erfcx: Callable[[np.ndarray], object], x: np.ndarray, out: np.ndarray) -> Call:
    """Return the call for a package that has the scaled complementary error function, with as little else as can be."""

    def call() -> None:
        np.multiply(x, SQRT_HALF, out=out)
        erfcx(out)
        np.multiply(out, SQRT_HALF_PI, out=out)

    return call


def _scipy(function: str, x: np.ndarray, out: np.ndarray) -> Call | None:
    if function == "mills_ratio":
        return _as_mills_ratio(lambda inner: scipy.special.erfcx(inner, out=inner), x, out)
    theirs = getattr(scipy.special, function, None)
    return None if theirs is None else lambda: theirs(x, out=out)


def _torch(function: str, x: np.ndarray, out: np.ndarray) -> Call | None:
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    source, target = torch.from_numpy(x), torch.from_numpy(out)
    if function == "mills_ratio":
        return _as_mills_ratio(lambda _: torch.special.erfcx(target, out=target), x, out)
    theirs = getattr(torch.special, function, None)
    return None if theirs is None else lambda: theirs(source, out=target)


def _mkl(function: str, x: np.ndarray, out: np.ndarray, mode: str) -> Call:
    if function == "mills_ratio":
        inner = mkl.bind("Erfcx", out, out, mode)
        return _as_mills_ratio(lambda _: inner(), x, out)
    return mkl.bind(_MKL[function], x, out, mode)
