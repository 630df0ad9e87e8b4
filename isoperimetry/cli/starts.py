"""Read the distances that an attack reached, one row a noisy start, from a CSV file of any program."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_NEEDED = ("distance", "errors", "trials", "sigma")
_OPTIONS = ("confidence", "q", "conditional", "independent", "dependent", "norm", "dim", "cov")


@dataclasses.dataclass(slots=True, kw_only=True)
class Starts:
    """The rows of one image; ``line`` is the first of them. All repeat what is not the distance."""

    line: int
    errors: int
    trials: int
    sigma: float
    sampling: Any
    distances: list[float]


def read_starts(path: Path) -> dict[str, Starts]:
    """Return the rows by image, in the order of the file; the only image is "" where there is no column ``image``.

    Parameters
    ----------
    path : Path
        CSV in UTF-8 whose first row names the columns distance (inf or empty: the attack failed), errors, trials and
        sigma, perhaps image and sampling; others are not read.

    Raises
    ------
    ValueError
        If the file is no such table; the message names the line.
    OSError
        If the file cannot be read.
    """
    images: dict[str, Starts] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_header(path, header)
            for cells in reader:
                if cells:
                    _add_row(images, path, reader.line_num, header, cells)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} must be a CSV file in UTF-8: {error}. Write one row a start.") from error
    if not images:
        raise ValueError(f"{path} has no row below its header: write one row a start of the attack.")
    return images


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise ValueError(
            f"{path} lacks the column {', '.join(missing)} (found: {', '.join(header) or 'none'}): the first row must "
            "name the columns distance, errors, trials, sigma, and may name image and sampling."
        )
    for name in header:
        if header.count(name) > 1 and name in (*_NEEDED, "image", "sampling"):
            raise ValueError(f"{path} has the column {name} twice: keep one.")
        if name in _OPTIONS:
            raise ValueError(f"{path} has a column {name}: the audit takes it as an option for all rows, see --help.")


def _add_row(images: dict[str, Starts], path: Path, line: int, header: list[str], cells: list[str]) -> None:
    where = f"{path}, line {line},"
    if len(cells) != len(header):
        raise ValueError(f"{where} has {len(cells)} cells but the header has {len(header)}: write one for each column.")
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    name = row.get("image", "")
    if "image" in row and not name:
        raise ValueError(f"{where} names no image: fill the column or leave it out.")
    shared = {
        "errors": _parse(where, row, "errors", int, "a whole number >= 0"),
        "trials": _parse(where, row, "trials", int, "a whole number >= 0"),
        "sigma": _parse(where, row, "sigma", float, "a number > 0"),
        "sampling": row.get("sampling") or "fixed",
    }
    image = images.setdefault(name, Starts(line=line, distances=[], **shared))
    for key, here in shared.items():
        if here != getattr(image, key):
            raise ValueError(
                f"{where} has {key}={here} but line {image.line} has {getattr(image, key)}: errors, trials, sigma and "
                "sampling must be the same in all rows of an image."
            )
    row["distance"] = row["distance"] or "inf"
    rule = "a number >= 0, or inf or empty where the attack failed"
    image.distances.append(_parse(where, row, "distance", float, rule))


def _parse(where: str, row: Mapping[str, str], name: str, kind: Callable[[str], Any], rule: str) -> Any:
    try:
        value = kind(row[name])
    except ValueError:
        value = math.nan
    if math.isnan(value) or value < 0:
        raise ValueError(f"{where} has {name}={row[name]!r}, which must be {rule}.")
    return value
