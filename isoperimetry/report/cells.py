"""Cells and tables: texts for reading, and values to sort by."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any

from isoperimetry.report.text import format_value


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes
    ----------
    text : str
    value : float or str
        What it is sorted by; NaN goes last.
    tone : str
        Of a verdict, else "".
    href : str
        Where a click on it leads, else "".
    """

    text: str
    value: float | str
    tone: str = ""
    href: str = ""

    @property
    def known(self) -> bool:
        """Whether there is something to sort by."""
        return self.value == self.value and self.value != ""

    @property
    def prose(self) -> bool:
        """Whether its lines must be broken."""
        return len(self.text) > 36

    @property
    def key(self) -> str:
        """The value as JavaScript reads it."""
        if isinstance(self.value, str) or math.isfinite(self.value):
            return str(self.value)
        return "Infinity" if self.value > 0 else "-Infinity"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its caption; of each column the heading and whether it holds numbers."""

    caption: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[Cell, ...], ...]

    def plain(self) -> list[dict[str, str]]:
        """Return the texts, a dictionary a row."""
        return [{h: cell.text for (h, _), cell in zip(self.columns, row, strict=True)} for row in self.rows]


def make_table(caption: str, headings: Sequence[str], rows: Iterable[tuple[Cell, ...]], *, words: int) -> Table:
    """Return a table whose first ``words`` columns hold words, the others numbers."""
    columns = tuple((heading, place >= words) for place, heading in enumerate(headings))
    return Table(caption=caption, columns=columns, rows=tuple(rows))


def or_nan(value: Any) -> float:
    """Return a number, NaN for None."""
    return math.nan if value is None else float(value)


def sortable(value: Any) -> float | str:
    """Return what a value is sorted by."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def any_cell(value: Any) -> Cell:
    """Return a cell for a value of any kind."""
    if value in ("inf", "-inf", "nan"):
        value = float(value)
    if isinstance(value, dict):
        value = [f"{key}: {format_value(entry)}" for key, entry in value.items()]
    if isinstance(value, str) and re.fullmatch("[a-z0-9_]+", value):
        value = value.replace("_", " ")  # a name of the code
    return Cell(format_value(value), sortable(value) if value is not None else math.nan)


def text_cell(value: Any) -> Cell:
    """Return a cell of words."""
    return Cell(format_value(value), sortable("" if value is None else value))


def length_cell(value: Any) -> Cell:
    """Return a cell for a length."""
    number = or_nan(value)
    text = f"{number:.3f}" if number == 0 or abs(number) >= 0.1 else f"{number:#.3g}"
    return Cell("–" if math.isnan(number) else "none" if math.isinf(number) else text, number)  # noqa: RUF001


def bound_cell(value: Any) -> Cell:
    """Return a cell for an upper bound of a length, rounded up."""
    number = or_nan(value)
    if not math.isfinite(number) or number == 0:
        return length_cell(value)
    digits = max(3, 2 - math.floor(math.log10(abs(number))))
    return Cell(str(Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_CEILING)), number)


def found_cell(value: Any) -> Cell:
    """Return a cell for the distance of an error that an attack found; inf: none."""
    cell = length_cell(value)
    return Cell("none found", cell.value) if cell.text == "none" else cell


def ratio_cell(value: Any) -> Cell:
    """Return a cell for a quotient."""
    number = or_nan(value)
    return Cell("–" if math.isnan(number) else "none found" if math.isinf(number) else f"{number:.2f}", number)  # noqa: RUF001


def _hundred(rate: float) -> str:
    return f"{100 * rate:.2f}"


def percent_cell(value: Any) -> Cell:
    """Return a cell for a rate."""
    number = or_nan(value)
    return Cell("–" if math.isnan(number) else f"{_hundred(number)} %", number)  # noqa: RUF001
