"""The export: tables keep every bit, the audit reads what it needs, and a file is there whole or not at all."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from isoperimetry import cli
from isoperimetry.checks import Measurement, audit_attack
from isoperimetry.errors import MissingDependency, RecordError
from isoperimetry_bridges.torch.export import export_parquet

SUFFIXES = (".parquet", ".csv")


def read(path: Path) -> list[dict[str, object]]:
    """Return the rows; those of CSV as text."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    parquet = pytest.importorskip("pyarrow.parquet")
    return parquet.read_table(path).to_pylist()


def as_text(cell: object) -> str:
    return "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)


def rates() -> list[Measurement]:
    about = {"model": "0f3a", "seed": 2**64 - 1, "path": [], "agreement": {"low": 0.99}, "autocast": None}
    return [
        Measurement(errors=10, trials=1000, sigma=0.1, dim=16, provenance={"image": 3, "ties": 2, **about}),
        Measurement(
            errors=0, trials=500, sigma=1 / 3, sampling="sequential", clipping=True,
            provenance={"image": np.int64(4), "seed": 7, "looks": [[100, 0], [500, 0]], "sigma": 9.0},
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_row_a_measurement(tmp_path, suffix):
    given, path = rates(), tmp_path / f"rates{suffix}"
    export_parquet(given, path, confidence=0.9)
    intervals = [record.error_rate(confidence=0.9) for record in given]
    rows = [
        {
            "image": 3, "sigma": 0.1, "errors": 10, "trials": 1000, "ties": 2, "rate_low": intervals[0].low,
            "rate_high": intervals[0].high, "confidence": 0.9, "sampling": "fixed", "clipping": False, "dim": 16,
            "model": "0f3a", "seed": 2**64 - 1, "path": "[]", "agreement": '{"low": 0.99}', "autocast": None,
            "looks": None, "provenance_sigma": None,
        },
        {
            "image": 4, "sigma": 1 / 3, "errors": 0, "trials": 500, "ties": None, "rate_low": intervals[1].low,
            "rate_high": intervals[1].high, "confidence": 0.9, "sampling": "sequential", "clipping": True, "dim": None,
            "model": None, "seed": 7, "path": None, "agreement": None, "autocast": None,
            "looks": "[[100, 0], [500, 0]]", "provenance_sigma": 9.0,
        },
    ]  # fmt: skip
    if suffix == ".csv":
        rows = [{name: as_text(cell) for name, cell in row.items()} for row in rows]
    found = read(path)
    assert found == rows and list(found[0]) == list(rows[0])
    assert os.listdir(tmp_path) == [path.name]


def test_columns_have_the_types_of_their_numbers(tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")

    def schema(*provenances):
        records = [Measurement(errors=1, trials=9, sigma=0.1, provenance=about) for about in provenances]
        export_parquet(records, tmp_path / "t.parquet")
        return {field.name: field.type for field in parquet.read_schema(tmp_path / "t.parquet")}

    types = schema({"seed": 1, "x": 1, "y": 1, "z": None}, {"seed": 2**63, "x": 0.5, "y": "b", "w": True})
    assert types["seed"] == pyarrow.uint64() and types["x"] == pyarrow.float64() and types["y"] == pyarrow.string()
    assert types["ties"] == types["dim"] == types["errors"] == types["image"] == pyarrow.int64()
    assert types["z"] == pyarrow.string() and types["w"] == types["clipping"] == pyarrow.bool_()
    types = schema({"seed": 2**70, "x": 2**60, "image": 1}, {"seed": 1, "x": 0.5, "image": "b"})
    assert types["seed"] == types["x"] == types["image"] == pyarrow.string()
    assert [row["seed"] for row in read(tmp_path / "t.parquet")] == [str(2**70), "1"]
    assert [row["image"] for row in read(tmp_path / "t.parquet")] == ["1", "b"]
    assert schema({"seed": -1}, {"seed": 2**63})["seed"] == pyarrow.string()


FOUND = {
    "cat": Measurement(
        errors=20, trials=1000, sigma=0.1, conditional=False, dim=16, distances=[0.9] * 28 + [math.inf, 0.0, 1 / 3],
        provenance={"image": "cat", "seed": 7, "confidence": 0.9, "Norm": 3, "dim": 9, "start": "x", "checked": []},
    ),
    "dog": Measurement(
        errors=350, trials=1200, sigma=0.2, conditional=False, sampling="sequential", clipping=True,
        distances=[0.25, 0.05, math.inf, 0.125] * 6, provenance={"image": "dog", "ties": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_audit_reads_the_starts(tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"starts{suffix}"
    export_parquet(FOUND.values(), path)
    out = tmp_path / "out.json"
    words = ["audit", str(path), "--every-start", "--confidence", "0.999", "--json", str(out)]
    result = CliRunner(env={"COLUMNS": "120"}).invoke(cli.app, words)
    assert result.exit_code == 1, (result.stdout, result.stderr)  # the cat convicts
    audits = {audit.pop("image"): audit for audit in json.loads(out.read_text())["audits"]}
    for image, record in FOUND.items():
        expected = audit_attack(
            record.distances, errors=record.errors, trials=record.trials, sigma=record.sigma, sampling=record.sampling,
            conditional=False, confidence=0.999,
        )  # fmt: skip
        assert audits[image] == json.loads(json.dumps(expected.to_dict()))
    rows = read(path)
    names = ["image", "distance", "errors", "trials", "sigma", "sampling", "clipping", "start", "seed"]
    assert list(rows[0]) == [*names, "provenance_start", "ties"]
    assert [float(row["distance"]) for row in rows] == [d for record in FOUND.values() for d in record.distances]
    assert [int(row["start"]) for row in rows] == [*range(31), *range(24)]


def test_images_without_a_name_are_numbered(tmp_path):
    path = tmp_path / "starts.csv"
    export_parquet([Measurement(errors=1, trials=9, sigma=0.1, distances=[0.5]) for _ in range(2)], path)
    assert [row["image"] for row in read(path)] == ["0", "1"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"origin": "clean"}, "records[1] has origin='clean' but must have 'noisy'"),
        ({"kind": "certified"}, "records[1] has kind='certified' but must have 'found'"),
        ({"norm": math.inf, "dim": 4}, "records[1] has norm=inf but must have 2.0"),
        ({"distances": ()}, "records[1] has no distances but others have: write a file for each kind"),
        ({"provenance": {"image": 0}}, "records[1] is of image 0, as one above"),
    ],
)
def test_starts_that_the_audit_would_misread_are_refused(tmp_path, change, told):
    right = {"errors": 1, "trials": 9, "sigma": 0.1, "distances": [0.5]}
    records = [Measurement(**right), Measurement(**{**right, **change})]
    with pytest.raises(ValueError, match=re.escape(told)):
        export_parquet(records, tmp_path / "starts.csv")
    assert os.listdir(tmp_path) == []


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.parquet or \.csv"):
        export_parquet(rates(), tmp_path / "rates.json")
    with pytest.raises(ValueError, match="records is empty"):
        export_parquet([], tmp_path / "rates.csv")
    with pytest.raises(TypeError, match=r"records\[0\] is a dict: it must be a Measurement"):
        export_parquet([{"errors": 1}], tmp_path / "rates.csv")
    with pytest.raises(ValueError, match="confidence"):
        export_parquet(rates(), tmp_path / "rates.csv", confidence=95)
    with pytest.raises(RecordError, match=r"rates\.csv' cannot be written \(No such file or directory\): choose anoth"):
        export_parquet(rates(), tmp_path / "nowhere" / "rates.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RecordError, match="cannot be written"):
        export_parquet(rates(), tmp_path / "folder.csv")
    assert os.listdir(tmp_path) == ["folder.csv"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"rates{suffix}"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RecordError, match="No space left"):
            export_parquet(rates(), path)
    assert path.read_text() == "old" and os.listdir(tmp_path) == [path.name]
    export_parquet(rates(), path)
    assert len(read(path)) == 2


def test_without_pyarrow_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    with pytest.raises(MissingDependency, match=r"pip install \"isoperimetry\[parquet\]\""):
        export_parquet(rates(), tmp_path / "rates.parquet")
    export_parquet(rates(), tmp_path / "rates.csv")
