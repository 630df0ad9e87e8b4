"""Frozen records of what was measured or proved: the base `Record`, `Source`, `Guarantee`, `Interval`, `Intervals`."""

from __future__ import annotations

import dataclasses
import decimal
import enum
import html
import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate, special
from isoperimetry._validate import Array

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
    log_low, log_high : float
        Their natural logarithms, which keep what floats lose below 1e-308 and next to 1. Taken from the limits if they
        are not given.
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
    log_low: float = math.nan
    log_high: float = math.nan
    confidence: float
    side: Side
    method: str
    guarantee: Guarantee = Guarantee.FINITE_SAMPLE

    def __post_init__(self) -> None:
        """Take the logarithms that were not given from the limits."""
        for name, rate in (("log_low", self.low), ("log_high", self.high)):
            if math.isnan(getattr(self, name)):
                object.__setattr__(self, name, math.log(rate) if rate > 0 else -math.inf)

    def __str__(self) -> str:
        limits = f"[{at_least(self.low, 4)}, {at_most(self.high, 4)}]"
        return f"{limits} ({self.side}, {at_least(self.confidence, 6)}, {self.method})"

    def distance(self, sigma: float = 1.0) -> tuple[float, float]:
        """Return the interval (low, high) of the half-space distance ``-sigma * ndtri(rate)``.

        The map decreases, so the limits change places: ``high`` comes from the lower limit of the rate. It bounds the
        median distance of noisy samples for every error set, if it is positive; see `distance_upper_bound`. ``low``
        assumes a half-space. An interval with ``side`` "lower" puts the whole confidence on ``high``.

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
        low, high = _distances(self, _as_sigma(sigma))
        return float(low), float(high)

    def distance_upper_bound(self, sigma: float = 1.0, *, q: float = 0.5) -> float:
        """Return the theorem's bound of the q-quantile of the distances of noisy samples to their nearest error.

        It holds for every error set, at least with the confidence of the interval, and uses the lower limit alone: that
        of a one-sided interval (``side`` "lower") is the sharpest, that of an "upper" one says nothing (inf).

        Parameters
        ----------
        sigma : float
            Scale of the noise, > 0, in the unit of the inputs.
        q : float
            Level of the quantile, in (0, 1); 1/2 is the median.

        Examples
        --------
        >>> from isoperimetry.intervals import clopper_pearson
        >>> round(clopper_pearson(10, 1000, side="lower").distance_upper_bound(sigma=1.0), 6)
        2.546841
        """
        return float(_distance_upper_bound(self, _as_sigma(sigma), q))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intervals(Record):
    """Certified intervals of many rates in [0, 1]: an `Interval` for each entry, in arrays.

    ``intervals[i]`` is an `Interval`, ``intervals[2:5]`` and ``intervals[mask]`` are `Intervals`.

    Attributes
    ----------
    low, high, log_low, log_high : array, shape S
        As of `Interval`; not to be written to.
    confidence : float
        Of each interval for itself: that all hold at once is less likely.
    side : {"two-sided", "lower", "upper"}
        Which of the limits carries the confidence.
    method : str
        How they were made, for instance "Clopper-Pearson".
    guarantee : Guarantee
        What they rest on.
    """

    low: Array
    high: Array
    log_low: Array
    log_high: Array
    confidence: float
    side: Side
    method: str
    guarantee: Guarantee = Guarantee.FINITE_SAMPLE

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for name in _ENDS:
            view = np.asarray(getattr(self, name), dtype=np.float64).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the arrays."""
        return self.low.shape

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, index: Any) -> Interval | Intervals:
        what: dict[str, Any] = {
            "confidence": self.confidence, "side": self.side, "method": self.method, "guarantee": self.guarantee
        }  # fmt: skip
        ends: dict[str, Any] = {name: getattr(self, name)[index] for name in _ENDS}
        if np.ndim(ends["low"]):
            return Intervals(**ends, **what)
        return Interval(**{name: float(end) for name, end in ends.items()} | what)

    def __iter__(self) -> Iterator[Interval | Intervals]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Intervals):
            return NotImplemented
        same = all(
            getattr(self, name) == getattr(other, name) for name in ("confidence", "side", "method", "guarantee")
        )
        return same and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in _ENDS)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.low.size} intervals ({self.side}, {at_least(self.confidence, 6)}, {self.method})"

    __repr__ = __str__

    def distance(self, sigma: ArrayLike = 1.0) -> tuple[Array, Array]:
        """Return the intervals (low, high) of the half-space distances, as `Interval.distance` does.

        Parameters
        ----------
        sigma : float or array, broadcast with the intervals
            Scale of the noise, > 0, in the unit of the inputs.
        """
        return _distances(self, _as_sigma(sigma))

    def distance_upper_bound(self, sigma: ArrayLike = 1.0, *, q: float = 0.5) -> Array:
        """Return the theorem's bounds, as `Interval.distance_upper_bound` does.

        Parameters
        ----------
        sigma : float or array, broadcast with the intervals
            Scale of the noise, > 0, in the unit of the inputs.
        q : float
            Level of the quantile, in (0, 1).
        """
        return _distance_upper_bound(self, _as_sigma(sigma), q)


_ENDS = ("low", "high", "log_low", "log_high")


def _probits(rate: float | Array, log_rate: float | Array) -> Array:
    """Return ndtri(rate), from the logarithm where the rate has lost digits: 1e-10 of the result next to 1."""
    rate, log_rate = np.asarray(rate), np.asarray(log_rate)
    from_rate = (rate > 1e-300) & (rate < 1 - 2.0**-20)
    if from_rate.all():
        return np.asarray(special.ndtri(rate))
    return np.where(from_rate, special.ndtri(rate), special.ndtri_exp(log_rate))


def _distances(interval: Interval | Intervals, sigma: Array) -> tuple[Array, Array]:
    high, low = _probits(interval.high, interval.log_high), _probits(interval.low, interval.log_low)
    return -sigma * high + 0.0, -sigma * low + 0.0


def _distance_upper_bound(interval: Interval | Intervals, sigma: Array, q: float) -> Array:
    level = _validate.as_level("q", q)
    if level.ndim or not level == level:
        raise ValueError(f"q={q!r} must be one number in (0, 1): it is the level of a quantile, 0.5 is the median.")
    return np.asarray(sigma * np.maximum(0.0, special.ndtri(level) - _probits(interval.low, interval.log_low)))


def _as_sigma(sigma: ArrayLike) -> Array:
    array = _validate.as_float("sigma", sigma)
    _validate.refuse(
        "sigma", array, ~((array > 0) & (array < math.inf)), "finite and > 0", "it is the scale of the noise."
    )
    return array
