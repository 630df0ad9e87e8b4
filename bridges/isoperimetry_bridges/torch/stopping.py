"""When enough draws were judged: at fixed numbers of draws, by intervals that are valid at all of them at once."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoperimetry.bounds import halfspace_distance
from isoperimetry.intervals import beta_binomial

FIRST_LOOK, LOOKS_PER_OCTAVE = 64, 4


def looks(n_samples: int) -> tuple[int, ...]:
    """Return the numbers of draws at which a count may stop: 64, four an octave, and ``n_samples`` itself.

    They depend on nothing else, so that a count stops at the same draw for any batch size and number of workers.

    Examples
    --------
    >>> looks(200)
    (64, 76, 90, 107, 128, 152, 181, 200)
    """
    grid = (math.floor(FIRST_LOOK * 2 ** (step / LOOKS_PER_OCTAVE)) for step in itertools.count())
    return (*itertools.takewhile(lambda look: look < n_samples, grid), n_samples)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoppingRule:
    """What ends the count of one image and scale before its budget; the first of the two that holds does.

    Attributes
    ----------
    rel_error : float or None
        Stop when the interval of the half-space distance has a half-width of at most this times the distance's
        absolute value. Never so without an error, or without a right answer: that end of the interval is infinite. And
        not near a rate of 1/2, where the distance is 0: see ``threshold``.
    threshold : float or None
        Stop when the interval of the rate lies on one side of this.
    confidence : float
        Of the interval `isoperimetry.intervals.beta_binomial`, at all looks at once.
    """

    rel_error: float | None = None
    threshold: float | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what is no rule."""
        if self.rel_error is not None and not 0 < self.rel_error < math.inf:
            raise ValueError(f"rel_error={self.rel_error!r} must be finite and > 0: write 0.05 for 5 per cent.")
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise ValueError(f"threshold={self.threshold!r} must be in (0, 1): it is an error rate.")
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence={self.confidence!r} must be in (0, 1): write 0.95 for 95 per cent.")

    @property
    def sequential(self) -> bool:
        """Whether there is anything to stop for."""
        return self.rel_error is not None or self.threshold is not None

    def holds(self, errors: NDArray[Any], draws: NDArray[Any]) -> NDArray[np.bool_]:
        """Return at which of some pairs of counts, arrays of one shape (n,), the count may stop."""
        enough = np.zeros(len(errors), bool)
        if not self.sequential or not len(errors):
            return enough
        intervals = beta_binomial(errors, draws, confidence=self.confidence)
        if self.threshold is not None:
            enough |= (intervals.low > self.threshold) | (intervals.high < self.threshold)
        if self.rel_error is not None:
            low, high = intervals.distance()
            middle = np.abs(halfspace_distance(errors / draws, 1.0))
            bounded = np.isfinite(low) & np.isfinite(high)
            width = np.subtract(high, low, out=np.full(len(errors), math.inf), where=bounded)
            enough |= bounded & (width / 2 <= self.rel_error * middle)
        return enough
