"""Files that are whole or not there: each is written beside its place, and takes it once it is finished."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside ``path`` to write, which takes its place at the end, and goes if that is not reached."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as strict JSON."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to a compressed NPZ file."""
    named: Any = arrays  # numpy's first parameter is called `file`, which no array here is
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **named)
