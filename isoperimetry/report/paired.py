"""One quantity on the same images for two models: how often it is larger, and a sign test."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

from isoperimetry.report.measured import ImageResults, median
from isoperimetry.report.text import three_digits
from isoperimetry.results import Record, at_most


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Paired(Record):
    """One quantity on the same images for two models.

    Attributes
    ----------
    what : str
    n, more, fewer, ties : int
        Images; those on which the second model has the larger value, the smaller one, the same.
    first, second : float
        Medians.
    p_value : float
        Two-sided sign test of "larger as often as smaller", for this quantity alone.
    """

    what: str
    n: int
    more: int
    fewer: int
    ties: int
    first: float
    second: float
    p_value: float

    def sentence(self, second: str) -> str:
        """Return it in words, with the name of the second model."""
        tied = f", the same on {self.ties}" if self.ties else ""
        return (
            f"{self.what[:1].upper()}{self.what[1:]}: larger for {second} on {self.more} of {self.n} images{tied} "
            f"(median {say(self.first)}, then {say(self.second)}; sign test p = {at_most(self.p_value)})."
        )


def paired(
    what: str, pairs: Sequence[tuple[ImageResults, ImageResults]], value: Callable[[ImageResults], float]
) -> list[Paired]:
    """Return the quantity on the images where both models have it; nothing where there is none."""
    values = [(value(a), value(b)) for a, b in pairs]
    values = [(a, b) for a, b in values if not math.isnan(a) and not math.isnan(b)]
    if not values:
        return []
    more, fewer = sum(b > a for a, b in values), sum(b < a for a, b in values)
    return [
        Paired(
            what=what,
            n=len(values),
            more=more,
            fewer=fewer,
            ties=len(values) - more - fewer,
            first=median(a for a, _ in values),
            second=median(b for _, b in values),
            p_value=sign_test(more, fewer),
        )
    ]


def sign_test(more: int, fewer: int) -> float:
    """Return the two-sided p-value of "larger as often as smaller", ties left out.

    Examples
    --------
    >>> sign_test(5, 0), sign_test(2, 2)
    (0.0625, 1.0)
    """
    n = more + fewer
    tail = sum(math.comb(n, k) for k in range(max(more, fewer), n + 1))
    return min(1.0, float(2 * tail / 2**n))  # whole numbers, so that no n is too large


def say(value: float) -> str:
    """Return a length or a rate for reading."""
    return "none found" if math.isinf(value) else "-" if math.isnan(value) else three_digits(value)
