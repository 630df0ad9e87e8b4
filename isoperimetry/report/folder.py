"""A results folder, as ``isoperimetry check`` and ``isoperimetry reproduce`` leave it: read, and checked again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from isoperimetry.report.audits import gate_again
from isoperimetry.report.files import read_json, read_optional, read_windows
from isoperimetry.report.measured import ModelResults
from isoperimetry.report.pictures import Pictures
from isoperimetry.report.reading import read_model

FORMAT = 1
KINDS = ("check", "reproduce")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Results:
    """What a folder of results holds.

    Attributes
    ----------
    folder : Path
    name : str
        The folder's own name; of a part of a reproduction that of its subject.
    kind : {"check", "reproduce"}
    record : dict
        results.json as it is: settings, seed, source, versions, machine, reading.
    models : tuple of ModelResults
        With every audit made again from its distances and counts.
    pictures : Pictures
        Empty where the folder has none.
    windows : dict of str to dict of str to array
        Church windows by the name of the model.
    corruptions, thesis, defects : dict or None
        The files of these names.
    parts : tuple of Results
        The subjects of a reproduction.
    gates : tuple of dict
        For each model that was gated "model", "met" and a "sentence", from its counts.
    """

    folder: Path
    name: str
    kind: str
    record: dict[str, Any]
    models: tuple[ModelResults, ...]
    pictures: Pictures
    windows: dict[str, dict[str, NDArray[Any]]]
    corruptions: dict[str, Any] | None = None
    thesis: dict[str, Any] | None = None
    defects: dict[str, Any] | None = None
    parts: tuple[Results, ...] = ()
    gates: tuple[dict[str, Any], ...] = ()

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the check was asked for."""
        settings: Mapping[str, Any] = self.record.get("settings", {})
        return settings

    def leaves(self) -> Iterator[Results]:
        """Yield the checks in it: itself, or its parts."""
        if self.kind == "check":
            yield self
        for part in self.parts:
            yield from part.leaves()

    def __str__(self) -> str:
        held = [model.name for leaf in self.leaves() for model in leaf.models]
        return f"{self.name}: {self.kind} of {', '.join(held) or 'no model'}"


def load(folder: str | os.PathLike[str]) -> Results:
    """Read a results folder, and make every audit in it again from its distances and counts.

    Parameters
    ----------
    folder : path
        With ``results.json``, as ``isoperimetry check --out`` leaves it. ``pictures.npz``, ``windows.npz``,
        ``corruptions.json``, ``thesis.json`` and ``defects.json`` are read where they are.

    Returns
    -------
    Results

    Raises
    ------
    ValueError
        If it is no such folder, a file of it is damaged or of another format, two models in it have one name, or a
        verdict in it does not follow from its numbers.

    Examples
    --------
    >>> load("no-such-folder")
    Traceback (most recent call last):
        ...
    ValueError: no-such-folder is no folder: give the folder that 'isoperimetry check --out' wrote.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ValueError(f"{path} is no folder: give the folder that 'isoperimetry check --out' wrote.")
    return _load(path, path.resolve().name)


def _load(path: Path, name: str) -> Results:
    file = path / "results.json"
    if not file.is_file():
        if (path / "store").is_dir():
            raise ValueError(f"{path} holds a check that has not finished: run the same command again, it goes on.")
        raise ValueError(f"{path} holds no results.json: give the folder that 'isoperimetry check --out' wrote.")
    record = read_json(file)
    kind = record.get("kind", "check" if "models" in record else None)
    if kind not in KINDS:
        raise ValueError(f"{file} is no record of 'isoperimetry check' or 'reproduce': give the folder of one.")
    if record.get("format") != FORMAT:
        raise ValueError(
            f"{file} has format={record.get('format')!r} but this version reads format={FORMAT}: use the version that "
            "wrote it."
        )
    pictures = Pictures(path / "pictures.npz", note=str(record.get("pictures") or ""))
    dim = record["dim"] if isinstance(record.get("dim"), int) else None
    models = tuple(
        read_model(model, where=str(file), dim=dim or pictures.dim(number))
        for number, model in enumerate(_models(record, file))
    )
    _refuse_one_name(models, file)
    parts = _parts(path, record) if kind == "reproduce" else ()
    return Results(
        folder=path,
        name=name,
        kind=kind,
        record=record,
        models=models,
        pictures=pictures,
        windows=read_windows(path / "windows.npz"),
        **{key: read_optional(path / f"{key}.json") for key in ("corruptions", "thesis", "defects")},
        parts=parts,
        gates=tuple(gate_again(gate, where=str(file)) for gate in record.get("gates") or ()),
    )


def _models(record: Mapping[str, Any], file: Path) -> list[dict[str, Any]]:
    models = record.get("models", [])
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise ValueError(f"{file}: 'models' must be a list of objects: it is no record of a check, or is damaged.")
    return models


def _refuse_one_name(models: tuple[ModelResults, ...], file: Path) -> None:
    seen: dict[str, str] = {}
    for model in models:
        if model.name in seen:
            kind = "the same model" if seen[model.name] == model.fingerprint else "different models"
            raise ValueError(
                f"{file} has {kind} twice under the name {model.name!r} ({seen[model.name]} and {model.fingerprint}): "
                "check each under a name of its own."
            )
        seen[model.name] = model.fingerprint


def _parts(path: Path, record: Mapping[str, Any]) -> tuple[Results, ...]:
    """Return the subjects: those that the record lists, else the folders that hold results."""
    listed = record.get("subjects")
    names = list(listed) if listed else sorted(file.parent.name for file in path.glob("*/results.json"))
    parts = []
    for name in names:
        inner = path / str(name)
        if Path(str(name)).name != str(name) or not inner.is_dir():
            raise ValueError(f"{path / 'results.json'} lists {name!r}, which is no folder beside it: copy it whole.")
        parts.append(_load(inner, str(name)))
    if not parts:
        raise ValueError(f"{path} is a reproduction without a subject: run it again, it goes on.")
    return tuple(parts)
