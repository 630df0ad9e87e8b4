"""The sign test at quantiles of the distances: their levels are fixed, what bounds them comes from the error rate."""

from __future__ import annotations

from typing import Any

from isoperimetry._validate import Array
from isoperimetry.checks._signtest import SignTest, starts_beyond


class QuantileTest(SignTest):
    """The sign test at the quantiles of the levels ``q``, which share the level of the test; see `SignTest`.

    Parameters
    ----------
    distances, errors, trials, **options
        As for `SignTest`.
    q : tuple of float
        Levels of the quantiles, in (0, 1).
    """

    def __init__(self, distances: Array, errors: int, trials: int, *, q: tuple[float, ...], **options: Any) -> None:
        super().__init__(distances, errors, trials, **options)
        self.q = q

    @property
    def n_pairs(self) -> int:
        """How many quantiles share the level."""
        return len(self.q)

    def pairs(self, rate: float, *, conditional: bool) -> list[tuple[float, float]]:
        """Return (q, D): the q-quantile of the nearest distances cannot exceed D."""
        return [(q, self.radius(rate, q, conditional=conditional)) for q in self.q]

    def least_starts(self, level: float) -> int:
        """Return the number of starts that can convict if all lie beyond the bound of the largest quantile."""
        return starts_beyond(level / 2 / len(self.q), max(self.q))
