"""Measurements as a table for other programs: Parquet or CSV, in the form that ``isoperimetry audit FILE`` reads."""

from __future__ import annotations

import csv
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from isoperimetry.checks import Measurement
from isoperimetry.errors import MissingDependency, RecordError
from isoperimetry.results import to_json

Row = dict[str, Any]

# Columns of a table of starts that the audit refuses, as it takes them as options for all rows.
_OPTIONS = frozenset(
    ("confidence", "q", "radius", "radii", "method", "conditional", "independent", "dependent", "norm", "dim", "cov")
) | {"checked"}


def export_parquet(records: Iterable[Measurement], path: str | os.PathLike[str], *, confidence: float = 0.95) -> None:
    """Write measurements to a Parquet file, or to a CSV file if its name says so: the whole file or none.

    Measurements without distances make one row each: image, sigma, errors, trials, ties, rate_low, rate_high (the
    interval of the error rate), confidence, sampling, clipping, dim. Measurements with distances make one row for each
    start, as ``isoperimetry audit FILE`` reads it: image, distance (inf: nothing was found), errors, trials, sigma,
    sampling, clipping, start (the number of the start). All else in the ``provenance``, such as model and seed, follows
    in columns of its own, lists and dictionaries as JSON.

    Parameters
    ----------
    records : iterable of Measurement
        All with distances or all without. Their images are named by ``provenance["image"]``; where that is missing, by
        their place in ``records``. One with distances must have the form that the audit takes for granted: l2 distances
        that were found from noisy starts, one measurement an image. Whether starts in error were left out is no column:
        pass it to the audit (``--conditional`` or ``--every-start``).
    path : path
        Ends in ``.parquet`` or ``.csv``; a file that is there is replaced.
    confidence : float, default 0.95
        Of the intervals.

    Raises
    ------
    ValueError
        If there is nothing to write, or a measurement does not have that form.
    MissingDependency
        If pyarrow is missing, which a CSV file does not need.
    RecordError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "rates.csv"
    >>> export_parquet([Measurement(errors=10, trials=1000, sigma=0.1, provenance={"image": 3, "seed": 7})], path)
    >>> print(path.read_text().strip())
    image,sigma,errors,trials,ties,rate_low,rate_high,confidence,sampling,clipping,dim,seed
    3,0.1,10,1000,,0.004805...,0.01831...,0.95,fixed,false,,7
    """
    path, given = Path(path), list(records)
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise ValueError(f"path={str(path)!r} must end in .parquet or .csv: the suffix tells the form of the table.")
    for index, record in enumerate(given):
        if not isinstance(record, Measurement):
            raise TypeError(f"records[{index}] is a {type(record).__name__}: it must be a Measurement.")
    if not given:
        raise ValueError("records is empty: there is nothing to write.")
    with_distances = [bool(record.distances) for record in given]
    if any(with_distances):
        if not all(with_distances):
            raise ValueError(
                f"records[{with_distances.index(False)}] has no distances but others have: write a file for each kind."
            )
        rows = _start_rows(given)
    else:
        rows = _rate_rows(given, confidence)
    write = _write_csv if path.suffix.lower() == ".csv" else _write_parquet
    write(path, _as_columns(rows))


def _rate_rows(records: list[Measurement], confidence: float) -> list[Row]:
    rows = []
    for index, record in enumerate(records):
        interval = record.error_rate(confidence=confidence)
        own = {
            "image": record.provenance.get("image", index),
            "sigma": record.sigma,
            "errors": record.errors,
            "trials": record.trials,
            "ties": record.provenance.get("ties"),
            "rate_low": interval.low,
            "rate_high": interval.high,
            "confidence": confidence,
            "sampling": record.sampling,
            "clipping": record.clipping,
            "dim": record.dim,
        }
        rows.append(own | _others(record.provenance, own))
    return rows


def _start_rows(records: list[Measurement]) -> list[Row]:
    rows: list[Row] = []
    seen: set[str] = set()
    for index, record in enumerate(records):
        _check_starts(index, record)
        image = record.provenance.get("image", index)
        if str(image) in seen:
            raise ValueError(
                f"records[{index}] is of image {image!r}, as one above: the audit takes one measurement an image, so "
                "write a file for each noise scale or attack."
            )
        seen.add(str(image))
        shared = {
            "errors": record.errors,
            "trials": record.trials,
            "sigma": record.sigma,
            "sampling": record.sampling,
            "clipping": record.clipping,
        }
        others = _others(record.provenance, {"image", "distance", "start", *shared}, _OPTIONS)
        for start, distance in enumerate(record.distances):
            rows.append({"image": image, "distance": distance, **shared, "start": start, **others})
    return rows


def _check_starts(index: int, record: Measurement) -> None:
    for name, wanted in (("origin", "noisy"), ("kind", "found"), ("norm", 2.0)):
        value = getattr(record, name)
        if value != wanted:
            raise ValueError(
                f"records[{index}] has {name}={value!r} but must have {wanted!r}: a table of starts holds l2 distances "
                "that an attack found from noisy points."
            )


def _others(provenance: Mapping[str, object], own: Iterable[str], left_out: frozenset[str] = frozenset()) -> Row:
    """Return what else is known, under names that no column has; tables of starts have fewer."""
    taken = set(own)
    found = {}
    for key, value in provenance.items():
        if key == "image" or (key == "ties" and "ties" in taken) or key.lower() in left_out:
            continue
        name = f"provenance_{key}" if key.lower() in taken else key
        found[name] = value
    return found


def _as_columns(rows: list[Row]) -> dict[str, list[Any]]:
    """Return the columns in the order in which rows first name them, each of one type; None where a row has nothing."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _one_type([_as_cell(row.get(name)) for row in rows]) for name in names}


def _as_cell(value: Any) -> Any:
    if hasattr(value, "item") and not getattr(value, "shape", None):
        value = value.item()  # a NumPy number
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return json.dumps(to_json(value), allow_nan=False)


def _one_type(cells: list[Any]) -> list[Any]:
    types = {type(cell) for cell in cells if cell is not None}
    integers = [cell for cell in cells if type(cell) is int]
    if types == {int, float} and all(abs(cell) <= 2**53 for cell in integers):
        return [None if cell is None else float(cell) for cell in cells]
    # Integers that no column of Parquet takes, such as long seeds, are text.
    low, high = min(integers, default=0), max(integers, default=0)
    if len(types) <= 1 and -(2**63) <= low and high < 2 ** (63 if low < 0 else 64):
        return cells
    return [cell if cell is None or isinstance(cell, str) else _as_text(cell) for cell in cells]


def _as_text(cell: bool | int | float) -> str:
    return str(cell).lower() if isinstance(cell, bool) else repr(cell)


def _write_parquet(path: Path, columns: dict[str, list[Any]]) -> None:
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise MissingDependency(f"Writing {path}", "pyarrow", "parquet") from None
    arrays = {}
    for name, cells in columns.items():
        kind = None  # taken from the cells
        if all(cell is None for cell in cells):
            kind = arrow.int64() if name in ("ties", "dim") else arrow.string()
        elif any(type(cell) is int and cell >= 2**63 for cell in cells):
            kind = arrow.uint64()
        arrays[name] = arrow.array(cells, type=kind)
    with _replacing(path) as partial:
        parquet.write_table(arrow.table(arrays), partial)


def _write_csv(path: Path, columns: dict[str, list[Any]]) -> None:
    with _replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for cells in zip(*columns.values(), strict=True):
            writer.writerow(["" if cell is None else _csv_text(cell) for cell in cells])


def _csv_text(cell: Any) -> str:
    return cell if isinstance(cell, str) else _as_text(cell)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a file beside ``path`` to write, which takes its place once it is whole."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise RecordError(
            f"{str(path)!r} cannot be written ({error.strerror or error}): choose another place, or free some space."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
