"""Frozen records of what was measured or proved: `Record` (the base), `Source`, `Guarantee`, `Interval`."""

from __future__ import annotations

import dataclasses
import decimal
import enum
import html
import math
from typing import Any, Literal

import numpy as np

from isoperimetry import special

Side = Literal["two-sided", "lower", "upper"]


def to_json(value: Any) -> Any:
    """Return ``value`` in types that strict JSON knows: infinities and NaN become strings, arrays become lists.

    An object with a method ``to_dict``, such as a record or a stream, becomes its dictionary.
    """
    if not isinstance(value, type) and callable(getattr(value, "to_dict", None)):
        return to_json(value.to_dict())
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


def at_most(value: float, digits: int = 2) -> str:
    """Return ``value`` in decimal, rounded up: for upper limits, bounds and p-values.

    Read back as a float, the text is at least ``value``; it is its shortest form where that has few enough digits.

    Parameters
    ----------
    value : float
        Any float; NaN and the infinities are named.
    digits : int
        Significant digits, >= 1.

    Examples
    --------
    >>> at_most(0.0004024), at_most(0.3), at_most(1e-300), at_most(0.99999, 3)
    ('0.00041', '0.3', '1e-300', '1')
    """
    return _rounded(value, digits, decimal.ROUND_CEILING)


def at_least(value: float, digits: int = 3) -> str:
    """Return ``value`` in decimal, rounded down: for lower limits, and for what holds "at least".

    Read back as a float, the text is at most ``value``; it is its shortest form where that has few enough digits.

    Parameters
    ----------
    value : float
        Any float; NaN and the infinities are named.
    digits : int
        Significant digits, >= 1.

    Examples
    --------
    >>> at_least(0.0027109), at_least(0.3), at_least(0.99999), at_least(5e-324)
    ('0.00271', '0.3', '0.999', '5e-324')
    """
    return _rounded(value, digits, decimal.ROUND_FLOOR)


def _rounded(value: float, digits: int, rounding: str) -> str:
    value = float(value)
    if value == 0 or not math.isfinite(value):
        return f"{value + 0.0:g}"
    # The shortest decimal that reads back as this float stands for it: the exact one would turn 0.3 into 0.299. Reading
    # is monotone, so that rounding the decimal up (down) cannot lead to a smaller (larger) float.
    rounded = decimal.Context(prec=digits, rounding=rounding).normalize(decimal.Decimal(repr(value)))
    return f"{rounded:f}" if -5 < rounded.adjusted() < 16 else f"{rounded:e}"


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
        limits = f"[{at_least(self.low, 4)}, {at_most(self.high, 4)}]"
        return f"{limits} ({self.side}, {at_least(self.confidence, 6)}, {self.method})"

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
