"""The folder of a reproduction: whose it is, and the list of what it holds."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isoperimetry_bridges.torch.files import write_json


def refuse_other(folder: Path) -> None:
    """Refuse a folder that holds anything else than a reproduction."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"out={str(folder)!r} is a file: it must be a folder, or not exist yet.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    results, kind = folder / "results.json", None
    if results.is_file():
        try:
            kind = json.loads(results.read_text()).get("kind")
        except (ValueError, AttributeError):
            kind = "damaged"
    elif any(folder.glob("*/store/run")):
        return  # begun, and not finished
    if kind != "reproduce":
        raise ValueError(f"out={str(folder)!r} holds other results or files: give an empty or a new folder.")


def write_contents(folder: Path, about: Mapping[str, Any], seconds: float) -> None:
    """Write which subjects the folder holds, those of earlier calls too."""
    from isoperimetry_bridges.torch.output import environment  # here, as it imports what writes to the terminal

    subjects = {}
    for file in sorted(folder.glob("*/results.json")):
        record = json.loads(file.read_text())
        subjects[file.parent.name] = {
            "models": [model["name"] for model in record["models"]],
            "settings": record["reproduce"]["settings"],
            "seconds": record["seconds"],
        }
    quick = any(one["settings"]["quick"] for one in subjects.values())
    record = {
        "format": 1,
        "kind": "reproduce",
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **about,
        **environment(),
        "subjects": subjects,
        "reading": "A quick look, too small for conclusions." if quick else "See the subjects.",
        "seconds": seconds,
    }
    write_json(folder / "results.json", record)
