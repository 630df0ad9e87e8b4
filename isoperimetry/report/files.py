"""Files of a results folder, each read whole or refused in a sentence."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_json(file: Path) -> dict[str, Any]:
    """Return a file that holds one JSON object; strict, so that no NaN comes in.

    Raises
    ------
    ValueError
        If it is cut off, or holds something else.
    """

    def refuse(word: str) -> None:
        raise ValueError(f"{file} holds {word}, which is no JSON: infinities and NaN must be strings.")

    try:
        record = json.loads(file.read_text(encoding="utf-8"), parse_constant=refuse)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"{file} is cut off or damaged{line}: copy it again whole, or run the check again.") from error
    if not isinstance(record, dict):
        raise ValueError(f"{file} holds a JSON {type(record).__name__} and no object: it is no record of a check.")
    return record


def read_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an NPZ file, none if there is no file; nothing in it is run.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    if not file.is_file():
        return {}
    try:
        # numpy leaves a file open that it cannot read.
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file} is cut off or damaged: copy it again whole, or remove it.") from error


def read_windows(file: Path) -> dict[str, dict[str, NDArray[Any]]]:
    """Return church windows by the name of their model."""
    windows: dict[str, dict[str, NDArray[Any]]] = {}
    for key, array in read_arrays(file).items():
        name, _, entry = key.rpartition("/")  # a model's name may hold slashes
        windows.setdefault(name, {})[entry] = np.asarray(array)
    return windows


def read_optional(file: Path) -> dict[str, Any] | None:
    """Return a JSON file, None if there is none; ``corruptions.json`` with its counts checked."""
    record = read_json(file) if file.is_file() else None
    if record is not None and file.stem == "corruptions":
        models = record.get("models")
        whole = isinstance(models, dict) and all(_is_counted(entry) for entry in models.values())
        if not models or not whole:
            raise ValueError(
                f"{file} lacks models with their 'errors' and 'trials': it is of another kind, or damaged."
            )
    return record


def _is_counted(entry: Any) -> bool:
    """Return whether an entry holds the errors of one model under corruptions."""
    if not isinstance(entry, dict) or not isinstance(entry.get("errors"), dict) or not entry["errors"]:
        return False
    counts = [count for errors in entry["errors"].values() for count in errors]
    trials = entry.get("trials")
    return isinstance(trials, int) and trials > 0 and all(isinstance(n, int) and 0 <= n <= trials for n in counts)
