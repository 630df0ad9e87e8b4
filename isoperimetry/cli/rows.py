"""The rows of a table, one a noisy start, as CSV, JSON lines, NPZ and Parquet files hold them."""

from __future__ import annotations

import contextlib
import csv
import json
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import Any

from isoperimetry.errors import MissingDependency

NEEDED = ("distance", "errors", "trials", "sigma")
COLUMNS = ("image", *NEEDED, "sampling")
# What the audit takes for all rows at once: a column of it would be passed over in silence.
_OPTIONS = (
    "confidence", "q", "radius", "radii", "method", "conditional", "independent", "dependent", "norm", "dim", "cov",
    "checked",
)  # fmt: skip
# What others call the image: passed over, it would pool images, for which the bound does not hold.
_LIKE_IMAGE = ("image_id", "image id", "image-id", "imageid", "image_index", "image_name", "images", "img", "img_id")
_NPZ_ERRORS = (ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)

# Where a row stands, such as "line 3", and its cells by the lower-case names of their columns.
Row = tuple[str, dict[str, Any]]


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a file, whose form is told by its suffix; without a suffix it is CSV.

    Parameters
    ----------
    path : Path
        ``.csv``: UTF-8, the first row names the columns. ``.jsonl``, ``.ndjson``: a JSON object a line. ``.npz``: an
        array a column, of numbers or text, where one number stands for all rows. ``.parquet``: needs pyarrow.

    Yields
    ------
    (str, dict)
        The place of the row, "line 3" counted from 1 or "row [3]" counted from 0, and its cells: text from CSV, else
        what the file holds; None where it holds nothing. There are keys for columns in `COLUMNS`, and perhaps others.

    Raises
    ------
    ValueError
        If the file is no such table, or lacks a column of `NEEDED`.
    MissingDependency
        If it takes a package that is not installed.
    OSError
        If the file cannot be read.
    """
    if path.suffix.lower() not in _READERS:
        with path.open("rb"):
            pass  # that there is no such file is told before its name is judged
        known = ", ".join(filter(None, _READERS))
        raise ValueError(f"{path} must end in {known}: the suffix tells the form of the table.")
    return _READERS[path.suffix.lower()](path)


def _csv_rows(path: Path) -> Iterator[Row]:
    with _read_as(path, "a CSV file in UTF-8", UnicodeDecodeError, csv.Error):
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_columns(path, header, "the first row must name the columns")
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise ValueError(
                        f"{path}, line {reader.line_num}, has {len(cells)} cells but the header has {len(header)}: "
                        "write one for each column."
                    )
                yield f"line {reader.line_num}", dict(zip(header, map(str.strip, cells), strict=True))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys in order, twice where it has them twice."""


def _json_rows(path: Path) -> Iterator[Row]:
    rule = "each line must have the keys"
    checked: set[str] = set()
    any_distance = False
    with _read_as(path, "JSON lines in UTF-8", UnicodeDecodeError), path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            names, values = _json_object(path, number, line)
            if not checked or not checked.issuperset(names) or len(names) > len(set(names)):
                # no distance means that the attack failed, unless no line has one
                _check_columns(path, names if "distance" in names else [*names, "distance"], rule)
                checked.update(names)
            any_distance = any_distance or "distance" in names
            yield f"line {number}", dict(zip(names, values, strict=True))
    if checked and not any_distance:
        _check_columns(path, sorted(checked), rule)


def _json_object(path: Path, number: int, line: str) -> tuple[list[str], list[Any]]:
    try:
        pairs = json.loads(line, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}, line {number}, must be one JSON object: {_say(error)}.") from error
    if not isinstance(pairs, _Pairs):
        raise ValueError(f'{path}, line {number}, must be one JSON object, such as {{"distance": 0.5, ...}}.')
    return [name.strip().lower() for name, _ in pairs], [value for _, value in pairs]


def _npz_rows(path: Path) -> Iterator[Row]:
    import numpy as np

    what = "an NPZ file with arrays of numbers or text and no Python objects"
    with path.open("rb") as file:
        with _read_as(path, what, *_NPZ_ERRORS):
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it holds one array without a name")
        names = {name.strip().lower(): name for name in archive.files}
        _check_columns(path, [name.strip().lower() for name in archive.files], "it must have the arrays")
        with _read_as(path, what, *_NPZ_ERRORS):
            arrays = {name: np.asarray(archive[key]) for name, key in names.items() if name in COLUMNS}
    shape = arrays["distance"].shape
    if len(shape) > 1:
        raise ValueError(f"{path} has the array distance of shape {shape}, which must be flat: one number a start.")
    size = arrays["distance"].size
    cells: list[Iterable[Any]] = []
    for name, array in arrays.items():
        if array.shape not in ((), (size,)):
            raise ValueError(
                f"{path} has the array {name} of shape {array.shape}, which must be one value, or as many as "
                f"distance has, {size}."
            )
        cells.append(repeat(array.item(), size) if array.shape == () else array.tolist())
    return _from_columns(list(arrays), cells)


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise MissingDependency(f"Reading {path}", "pyarrow", "parquet") from None
    errors = (ValueError, KeyError, TypeError, NotImplementedError, OSError)
    with path.open("rb") as file:
        with _read_as(path, "a Parquet file", *errors):
            table = parquet.ParquetFile(file)
            found = list(table.schema_arrow.names)
        _check_columns(path, [name.strip().lower() for name in found], "it must have the columns")
        names = {name.strip().lower(): name for name in found if name.strip().lower() in COLUMNS}
        with _read_as(path, "a Parquet file", *errors):
            read = table.read(columns=list(names.values()))
            cells = [read.column(name).to_pylist() for name in names.values()]
    return _from_columns(list(names), cells)


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".csv": _csv_rows,
    "": _csv_rows,
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".npz": _npz_rows,
    ".parquet": _parquet_rows,
}


def _from_columns(names: list[str], cells: list[Iterable[Any]]) -> Iterator[Row]:
    for index, row in enumerate(zip(*cells, strict=True)):
        yield f"row [{index}]", dict(zip(names, row, strict=True))


def _check_columns(path: Path, names: Collection[str], rule: str) -> None:
    names = list(names)
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise ValueError(
            f"{path} lacks the column {', '.join(missing)} (found: {', '.join(names) or 'none'}): {rule} distance, "
            "errors, trials, sigma, and may name image and sampling."
        )
    for name in names:
        if name in COLUMNS and names.count(name) > 1:
            raise ValueError(f"{path} has the column {name} twice: keep one.")
        if name in _OPTIONS:
            raise ValueError(f"{path} has a column {name}: the audit takes it as an option for all rows, see --help.")
        if name in _LIKE_IMAGE and "image" not in names:
            raise ValueError(
                f"{path} has a column {name} but none named image: rename it, as all rows would count for one image."
            )


@contextlib.contextmanager
def _read_as(path: Path, what: str, *errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise ValueError(f"{path} must be {what}: {_say(error)}. Write one row a start.") from error


def _say(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
