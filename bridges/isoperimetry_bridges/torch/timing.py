"""Where the time of a check goes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds by name, in the order in which the names first came up.

    Examples
    --------
    >>> clock = Stopwatch()
    >>> with clock("noise"):
    ...     pass
    >>> list(clock.seconds)
    ['noise']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add the time spent inside to ``name``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    @staticmethod
    def total(clocks: Iterable[Stopwatch]) -> dict[str, float]:
        """Return the seconds by name, summed over clocks that ran side by side."""
        seconds: dict[str, float] = {}
        for clock in clocks:
            for name, spent in clock.seconds.items():
                seconds[name] = seconds.get(name, 0.0) + spent
        return seconds
