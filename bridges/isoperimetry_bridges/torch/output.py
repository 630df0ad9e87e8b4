"""Where the results of a check go: the store while it runs, then results.json, pictures and figure, the terminal."""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from isoperimetry.errors import MissingDependency
from isoperimetry.terminal import write_out
from isoperimetry_bridges.torch.files import replacing, write_json
from isoperimetry_bridges.torch.gate import Gate
from isoperimetry_bridges.torch.pictures import save_pictures, why_not_drawn
from isoperimetry_bridges.torch.records import CheckSettings, ModelCheck
from isoperimetry_bridges.torch.summary import WIDE, image_tables, model_table

_VERSIONED = ("isoperimetry", "torch", "numpy", "numba", "scipy")


def environment() -> dict[str, Any]:
    """Return versions and machine, as JSON-safe values."""
    return {
        "versions": {name: version(name) for name in _VERSIONED} | {"python": platform.python_version()},
        "machine": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "float32_matmul_precision": torch.get_float32_matmul_precision(),
        },
    }


def file_digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


class Output:
    """The output folder of one check.

    Everything measured is kept at once in the folder ``store``, from which the same check goes on after any
    interruption; it goes when ``results.json`` holds everything.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    settings : CheckSettings
    about : mapping
        What else is needed to repeat the run: command, seed, source, data; JSON-safe.

    Raises
    ------
    MissingDependency
        If the figure cannot be drawn, said before anything is measured.
    OSError
        If the folder cannot be written to, likewise.
    """

    def __init__(self, folder: Path, settings: CheckSettings, about: Mapping[str, Any]) -> None:
        if find_spec("matplotlib") is None:
            raise MissingDependency("The figure of a check", "matplotlib", "report")
        self.settings = settings
        self.about = {"settings": settings.to_dict(), **about, **environment()}
        self.results, self.pictures, self.figure = (
            folder / name for name in ("results.json", "pictures.npz", "figure.png")
        )
        self.store = folder / "store"
        self.store.mkdir(parents=True, exist_ok=True)

    def store_of(self, number: int) -> Path:
        """Return the folder of the store of a model, by its number in the check."""
        return self.store / f"model{number}"

    def save(
        self, checked: Sequence[ModelCheck], words: str, seconds: float, *, gates: Sequence[Gate] = ()
    ) -> list[Path]:
        """Write results.json, pictures.npz where images can be drawn, and figure.png where one was audited.

        Parameters
        ----------
        checked : sequence of ModelCheck
        words : str
            The reading.
        seconds : float
        gates : sequence of Gate, optional
            One for each model.

        Returns
        -------
        list of Path
            What was written.
        """
        unseen = why_not_drawn(checked)
        record = {
            "format": 1,
            "kind": "check",
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "unit": "of the inputs: noise, distances and each model's bounds (its input box) share it",
            **self.about,
            "models": [result.to_dict() for result in checked],
            "gates": [one.to_dict() for one in gates],
            "reading": words,
            "pictures": unseen,
            "seconds": seconds,
        }
        write_json(self.results, record)
        # What is left of an earlier run would belong to other results.
        self.pictures.unlink(missing_ok=True)
        self.figure.unlink(missing_ok=True)
        written = [self.results]
        if unseen is None:
            save_pictures(self.pictures, checked)
            written.append(self.pictures)
        return written + self._draw(checked)

    def _draw(self, checked: Sequence[ModelCheck]) -> list[Path]:
        from isoperimetry.plots import distance_against_error_rate

        groups = {model.name: [image.audit for image in model.audited if image.audit is not None] for model in checked}
        if not any(groups.values()):
            return []
        named = {model.name: model.family.convicted for model in checked if model.family is not None}
        axes = distance_against_error_rate(groups, convicted=named)
        axes.set_title(f"{checked[0].attack} from noisy copies, against the error rate in noise", loc="left")
        with replacing(self.figure) as partial:
            axes.figure.savefig(partial, format="png", dpi=150, bbox_inches="tight")  # type: ignore[union-attr]
        return [self.figure]


def show(checked: Sequence[ModelCheck], settings: CheckSettings, words: str, *, seconds: float, verbose: bool) -> None:
    """Print the tables, the time where it is asked for, and the reading."""
    console = Console(emoji=False)
    if not console.is_terminal:
        # A file or a pipe has no width of its own: the tables keep their columns.
        console = Console(width=WIDE, emoji=False)
    with console.capture() as capture:
        for result in checked:
            for table in image_tables(result, settings, width=console.width):
                console.print(table, "")
        console.print(model_table(checked, settings), "")
        noise = (
            "clipped to the box, attacks confined to it"
            if settings.clip
            else "not clipped, attacks not confined to the box"
        )
        console.print(f"Noise: {noise}.", highlight=False)
        if verbose:
            for result in checked:
                parts = ", ".join(f"{name} {spent:.1f} s" for name, spent in result.seconds.items())
                console.print(f"{result.name}: {parts}.", highlight=False, markup=False)
            console.print(f"In all: {seconds:.1f} s.", highlight=False)
        console.print(f"\n{words}", highlight=False, markup=False)
    write_out(capture.get() + "\n")
