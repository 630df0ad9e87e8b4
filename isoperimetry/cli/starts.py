"""Group the distances that an attack reached by image, and check that what belongs to an image is the same."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from isoperimetry.cli.rows import read_rows

MOST_COUNT = 2**63  # counts are kept in 64 bits


@dataclasses.dataclass(slots=True, kw_only=True)
class Starts:
    """The rows of one image; ``place`` is the first of them. All repeat what is not the distance."""

    place: str
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
        A table with one row a start, see `isoperimetry.cli.rows.read_rows`: columns distance (inf, empty, null or no
        entry: the attack failed), errors, trials and sigma, perhaps image and sampling; others are not read.

    Raises
    ------
    ValueError
        If the file is no such table; the message names the line or the row.
    MissingDependency
        If it takes a package that is not installed.
    OSError
        If the file cannot be read.
    """
    images: dict[str, Starts] = {}
    named = None
    for place, row in read_rows(path):
        named = "image" in row if named is None else named
        if named != ("image" in row):
            raise ValueError(f"{path}, {place}, names {'no' if named else 'an'} image, unlike the rows above.")
        _add_row(images, f"{path}, {place},", place, row)
    if not images:
        raise ValueError(f"{path} has no row of data: write one row a start of the attack.")
    return images


def _add_row(images: dict[str, Starts], where: str, place: str, row: Mapping[str, Any]) -> None:
    name = _name(where, row)
    count = "a whole number >= 0 and < 2**63"
    shared = {
        "errors": _parse(where, "errors", row.get("errors"), _whole, count),
        "trials": _parse(where, "trials", row.get("trials"), _whole, count),
        "sigma": _parse(where, "sigma", row.get("sigma"), _real, "a number > 0"),
        "sampling": "fixed" if row.get("sampling") in (None, "") else row["sampling"],
    }
    image = images.setdefault(name, Starts(place=place, distances=[], **shared))
    for key, here in shared.items():
        if here != getattr(image, key):
            raise ValueError(
                f"{where} has {key}={here} but {image.place} has {getattr(image, key)}: errors, trials, sigma and "
                "sampling must be the same in all rows of an image."
            )
    distance = row.get("distance")
    failed = distance is None or distance == ""
    rule = "a number >= 0, or inf or empty or null where the attack failed"
    image.distances.append(math.inf if failed else _parse(where, "distance", distance, _real, rule))


def _name(where: str, row: Mapping[str, Any]) -> str:
    if "image" not in row:
        return ""
    name = row["image"]
    if isinstance(name, float) and name.is_integer():
        name = int(name)  # numbers beside which a program had to leave a gap
    if name is None or name == "":
        raise ValueError(f"{where} names no image: fill the column or leave it out.")
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise ValueError(f"{where} has image={name!r}, which must be text or a whole number.")
    return str(name)


def _parse(where: str, name: str, value: Any, kind: Callable[[Any], float], rule: str) -> Any:
    # Python reads 1_000 as a number; in a table it is a slip.
    odd = isinstance(value, bool) or (isinstance(value, str) and "_" in value)
    try:
        number = math.nan if odd else kind(value)
    except (ValueError, TypeError, OverflowError):
        number = math.nan
    if math.isnan(number) or number < 0:
        raise ValueError(f"{where} has {name}={value!r}, which must be {rule}.")
    return number


def _real(value: Any) -> float:
    return float(value)


def _whole(value: Any) -> int:
    """Return a whole number; 20.0 is one, as programs write a column of counts beside which there was a gap."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            value = float(value)
    number = int(value)
    if number != value or number >= MOST_COUNT:
        raise ValueError(value)
    return number
