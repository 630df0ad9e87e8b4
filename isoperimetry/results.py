"""Frozen records of what was measured or proved: `Record` (the base), `Source`, `Guarantee`, `Interval`."""

from __future__ import annotations

import dataclasses
import enum
import html
import math
from typing import Any, Literal

import numpy as np

from isoperimetry import special

Side = Literal["two-sided", "lower", "upper"]


def to_json(value: Any) -> Any:
    """Return ``value`` in types that strict JSON knows: infinities and NaN become strings, arrays become lists."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, np.generic | np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


class Record:
    """Base of the frozen result records: a JSON-safe dictionary and a table for notebooks."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-safe values; infinity is the string "inf"."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {field.name: to_json(getattr(self, field.name)) for field in fields}

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>"
            for name, value in self.to_dict().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


class Guarantee(enum.Enum):
    """What the interval of a Monte Carlo number rests on."""

    EXACT = "exact"
    FINITE_SAMPLE = "finite sample"
    LOWER_ONLY = "lower limit only"
    IDEAL_MOVES = "ideal moves"
    ASYMPTOTIC = "asymptotic"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source(Record):
    """Where a statement was published."""

    authors: str
    year: int
    title: str
    venue: str
    number: str = ""

    def __str__(self) -> str:
        number = f", {self.number}" if self.number else ""
        return f"{self.authors} ({self.year}). {self.title}. {self.venue}{number}."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Interval(Record):
    """A certified interval of a rate in [0, 1].

    Attributes
    ----------
    low, high : float
        The limits; the side that is not bounded is 0 or 1.
    confidence : float
        The probability, whatever the rate is, with which the interval contains it.
    side : {"two-sided", "lower", "upper"}
        Which of the limits carries the confidence.
    method : str
        How it was made, for instance "Clopper-Pearson".
    guarantee : Guarantee
        What it rests on.
    """

    low: float
    high: float
    confidence: float
    side: Side
    method: str
    guarantee: Guarantee = Guarantee.FINITE_SAMPLE

    def __str__(self) -> str:
        return f"[{self.low:.4g}, {self.high:.4g}] ({self.side}, {self.confidence:g}, {self.method})"

    def distance(self, sigma: float = 1.0) -> tuple[float, float]:
        """Return the interval (low, high) of the half-space distance ``-sigma * ndtri(rate)``.

        The map decreases, so the limits change places: ``high`` comes from the lower limit of the rate. It bounds the
        median distance of noisy samples for every error set; ``low`` assumes a half-space.

        Parameters
        ----------
        sigma : float
            Scale of the noise, > 0, in the unit of the inputs.

        Examples
        --------
        >>> from isoperimetry.intervals import clopper_pearson
        >>> low, high = clopper_pearson(10, 1000).distance(sigma=1.0)
        >>> round(low, 6), round(high, 6)
        (2.089903, 2.589519)
        """
        if not 0 < sigma < math.inf:
            raise ValueError(f"sigma={sigma!r} must be finite and > 0: it is the scale of the noise.")
        return tuple(-sigma * special.ndtri(rate) + 0.0 for rate in (self.high, self.low))  # type: ignore[return-value]
