"""Compiled loops for sets, imported with Numba at the first call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any


@functools.cache
def loop(module: str, name: str) -> Callable[..., Any]:
    """Return ``isoperimetry.kernels.<module>.<name>``."""
    function: Callable[..., Any] = getattr(import_module(f"isoperimetry.kernels.{module}"), name)
    return function
