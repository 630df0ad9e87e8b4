"""The decorator of the reference functions: numbers are read exactly, results rounded to the digits asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from mpmath import mp

Number = Any  # an int, float, str or mpmath.mpf (mpmath has no types)
GUARD = 40  # digits beyond those asked for: a float that is not 1/2 or 1 differs from them by 1e-17 at least


def at_precision(function: Callable[..., Any]) -> Callable[..., Any]:
    """Read the numbers exactly, run ``function`` with guard digits and round its result to ``digits``."""

    def read(value: Number) -> Any:
        if isinstance(value, list | tuple):
            return [read(item) for item in value]
        return value if value is None or isinstance(value, bool) else mp.mpf(value)

    @functools.wraps(function)
    def wrapped(*args: Number, digits: int = 60, **kwargs: Number) -> Any:
        with mp.workdps(digits + GUARD):
            result = function(*map(read, args), **{name: read(value) for name, value in kwargs.items()})
        with mp.workdps(digits):
            return +result

    return wrapped
