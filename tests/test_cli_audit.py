"""``isoperimetry audit``: the forms of its file, one meaning in all of them, and what it tests."""

from __future__ import annotations

import csv
import json
import math
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from isoperimetry import checks, cli
from isoperimetry.cli.rows import read_rows
from isoperimetry.cli.starts import read_starts

CAT = [0.9] * 18 + [math.inf, 0.0, 0.1]
DOG = [0.25, 0.05, math.inf, 0.125] * 6
ROWS = [
    *({"image": "cat", "distance": d, "errors": 20, "trials": 1000, "sigma": 0.1} for d in CAT),
    *({"image": "7", "distance": d, "errors": 35, "trials": 1200, "sigma": 0.2, "sampling": "sequential"} for d in DOG),
]


def run(*words):
    return CliRunner(env={"COLUMNS": "120"}).invoke(cli.app, ["audit", *map(str, words)])


def refused(file, *parts, options=()):
    """Assert that a file is refused with exit code 2 and one line that has these parts."""
    result = run(file, *options)
    assert result.exit_code == 2, (result.exit_code, result.stdout, result.stderr)
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("isoperimetry: error: ")
    for part in (file.name, *parts):
        assert part in result.stderr, result.stderr


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["sigma", "image", "distance", "errors", "trials", "sampling"])
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")  # inf becomes Infinity


def write_strict_lines(path, rows):
    strict = [{**row, "distance": "inf" if row["distance"] == math.inf else row["distance"]} for row in rows]
    path.write_text("\n\n".join(json.dumps(row, allow_nan=False) for row in strict), encoding="utf-8-sig")


def write_lines_without_failures(path, rows):
    kept = [{key: cell for key, cell in row.items() if cell != math.inf} for row in rows]
    write_lines(path, [{**row, "errors": float(row["errors"]), "note": None} for row in kept])


def columns(rows):
    cells = {name: [row[name] for row in rows] for name in ("image", "distance", "errors", "trials", "sigma")}
    return {**cells, "sampling": [row.get("sampling", "fixed") for row in rows]}


def write_npz(path, rows):
    np.savez_compressed(path, **columns(rows), x0=np.zeros((3, 3)))


def write_npz_of_floats(path, rows):
    arrays = {name: np.array(cells) for name, cells in columns(rows).items()}
    np.savez(path, **{**arrays, "errors": arrays["errors"].astype(float), "trials": arrays["trials"].astype(np.uint16)})


def write_parquet(path, rows):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = columns(rows)
    table["distance"] = [None if d == math.inf else d for d in table["distance"]]
    parquet.write_table(pyarrow.table({**table, "more": [[1, 2]] * len(rows)}), path)


FORMS = [
    ("a.csv", write_csv),
    ("a", write_csv),
    ("a.jsonl", write_lines),
    ("a.NDJSON", write_strict_lines),
    ("b.jsonl", write_lines_without_failures),
    ("a.npz", write_npz),
    ("b.npz", write_npz_of_floats),
    ("a.parquet", write_parquet),
]


@pytest.mark.parametrize(("name", "write"), FORMS, ids=[f"{n}-{w.__name__}" for n, w in FORMS])
def test_every_form_says_the_same(tmp_path, name, write):
    file, out = tmp_path / name, tmp_path / "out.json"
    write(file, ROWS)
    result = run(file, "--json", out)
    audits = [
        checks.audit_attack(CAT, errors=20, trials=1000, sigma=0.1),
        checks.audit_attack(DOG, errors=35, trials=1200, sigma=0.2, sampling="sequential"),
    ]
    assert result.exit_code == 1, result.output
    assert "cat" in result.stdout and "at least 1 of 2" in result.stdout
    found = json.loads(out.read_text("utf-8"))
    assert [audit.pop("image") for audit in found["audits"]] == ["cat", "7"]
    assert found["audits"] == [json.loads(json.dumps(audit.to_dict())) for audit in audits]
    assert found["family"]["convicted"] == [0]


def test_an_image_alone_needs_no_name_and_one_number_stands_for_all(tmp_path):
    np.savez(tmp_path / "s.npz", distance=np.float32([0.9] * 30), errors=20, trials=np.int64(1000), sigma=0.1)
    result = run(tmp_path / "s.npz")
    assert (
        result.exit_code == 1 and "20/1000" in result.stdout and "0/30" in result.stdout and "Holm" not in result.stdout
    )
    np.savez(tmp_path / "one.npz", distance=0.5, errors=[20], trials=[1000], sigma=0.1, image="x")
    (start,) = read_starts(tmp_path / "one.npz").values()
    assert start.distances == [0.5] and start.place == "row [0]"


def test_images_may_be_numbers(tmp_path):
    shared = {"errors": 20, "trials": 1000, "sigma": 0.1}
    np.savez(tmp_path / "i.npz", distance=[1.0, 2.0, 3.0], image=[3, 5, 3], **shared)
    assert {name: start.distances for name, start in read_starts(tmp_path / "i.npz").items()} == {
        "3": [1.0, 3.0],
        "5": [2.0],
    }
    write_lines(tmp_path / "i.jsonl", [{"image": image, "distance": 1, **shared} for image in (3, 3.0, "3")])
    assert list(read_starts(tmp_path / "i.jsonl")) == ["3"]


GOOD = {"distance": 1.0, "errors": 2, "trials": 10, "sigma": 0.5}


def without(*names, **more):
    return {name: cell for name, cell in {**GOOD, **more}.items() if name not in names}


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        ([], ["no row"]),
        ([without("sigma", "errors")], ["lacks the column errors, sigma (found: distance, trials)", "each line"]),
        ([without("distance")] * 2, ["lacks the column distance"]),
        ([GOOD, without("trials")], ["line 2", "trials=None", "whole number"]),
        ([{**GOOD, "distance": math.nan}], ["line 1", "distance=nan", "inf or empty or null"]),
        ([{**GOOD, "distance": -1}], ["distance=-1"]),
        ([{**GOOD, "distance": True}], ["distance=True"]),
        ([{**GOOD, "distance": [0.5]}], ["distance=[0.5]"]),
        ([{**GOOD, "distance": "far"}], ["distance='far'"]),
        ([{**GOOD, "errors": 2.5}], ["errors=2.5", "whole number"]),
        ([{**GOOD, "errors": math.inf}], ["errors=inf", "whole number"]),
        ([{**GOOD, "errors": -1}], ["errors=-1"]),
        ([{**GOOD, "errors": "2.5"}], ["errors='2.5'"]),
        ([{**GOOD, "trials": True}], ["trials=True"]),
        ([{**GOOD, "sigma": None}], ["sigma=None", "a number > 0"]),
        ([{**GOOD, "sigma": 10**400}], ["sigma=1000"]),
        ([GOOD, {**GOOD, "sigma": 0.25}], ["line 2", "sigma=0.25", "line 1 has 0.5"]),
        ([GOOD, {**GOOD, "sampling": "sequential"}], ["line 2", "sampling=sequential", "line 1 has fixed"]),
        ([{**GOOD, "sampling": 3}], ["sampling=3", "'sequential'"]),
        ([{**GOOD, "image": None}], ["line 1", "names no image"]),
        ([{**GOOD, "image": 1.5}], ["image=1.5", "text or a whole number"]),
        ([{**GOOD, "image": True}], ["image=True"]),
        ([{**GOOD, "image": "a"}, GOOD], ["line 2", "names no image, unlike the rows above"]),
        ([GOOD, {**GOOD, "image": "a"}], ["line 2", "names an image, unlike the rows above"]),
        ([{**GOOD, "Distance": 1}], ["distance twice"]),
        ([GOOD, {**GOOD, "confidence": 0.9}], ["column confidence", "option"]),
        ([GOOD, [1]], ["line 2", "one JSON object"]),
    ],
)
def test_json_lines_are_refused(tmp_path, rows, parts):
    write_lines(tmp_path / "bad.jsonl", rows)
    refused(tmp_path / "bad.jsonl", *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b'{"distance": 1,\n"errors": 2}', ["line 1", "one JSON object"]),
        (b"[" * 100_000, ["line 1", "one JSON object"]),
        (b'{"sigma": ' + b"1" * 5000 + b"}", ["line 1", "one JSON object"]),
        (b"\xff\xfe", ["JSON lines in UTF-8"]),
        (b'{"distance": 1, "distance": 2, "errors": 1, "trials": 2, "sigma": 1}', ["distance twice"]),
        (b"\n \n", ["no row"]),
    ],
)
def test_what_is_no_json_lines_is_refused(tmp_path, text, parts):
    (tmp_path / "bad.ndjson").write_bytes(text)
    refused(tmp_path / "bad.ndjson", *parts)


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        (without("trials"), ["lacks the column trials (found: distance, errors, sigma)", "arrays"]),
        ({**GOOD, "distance": [1.0, math.nan]}, ["row [1]", "distance=nan"]),
        ({**GOOD, "distance": [1.0, -0.5]}, ["row [1]", "distance=-0.5"]),
        ({**GOOD, "distance": np.ones((2, 3))}, ["distance of shape (2, 3)", "flat"]),
        ({**GOOD, "distance": [1.0] * 3, "errors": [1, 2]}, ["errors of shape (2,)", "as many as distance has, 3"]),
        ({**GOOD, "distance": [1.0] * 3, "errors": [2, 2, 3]}, ["row [2]", "errors=3", "row [0] has 2"]),
        ({**GOOD, "distance": []}, ["no row"]),
        ({**GOOD, "distance": [True]}, ["distance=True"]),
        ({**GOOD, "distance": [1j]}, ["distance=1j"]),
        ({**GOOD, "distance": np.array(["1", "x"])}, ["row [1]", "distance='x'"]),
        ({**GOOD, "sigma": math.nan}, ["sigma=nan"]),
        ({**GOOD, "errors": np.datetime64("2020-01-01")}, ["errors=datetime.date"]),
        ({**GOOD, "q": 0.5}, ["column q", "option"]),
        ({**GOOD, "Sigma": 0.5}, ["sigma twice"]),
    ],
)
def test_npz_is_refused(tmp_path, arrays, parts):
    np.savez(tmp_path / "bad.npz", **arrays)
    refused(tmp_path / "bad.npz", *parts)


def test_npz_is_never_unpickled(tmp_path):
    class Loud:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    names = np.array([Loud(), "b"], dtype=object)
    np.savez(tmp_path / "bad.npz", image=names, **{**GOOD, "distance": [1.0, 2.0]})
    refused(tmp_path / "bad.npz", "no Python objects")
    np.savez(tmp_path / "fine.npz", note=names, **{**GOOD, "distance": [1.0, 2.0]})  # a column that is not read
    assert read_starts(tmp_path / "fine.npz")[""].distances == [1.0, 2.0]
    names.dump(tmp_path / "pickle.npz")
    refused(tmp_path / "pickle.npz", "NPZ file")


def test_what_is_no_npz_is_refused(tmp_path):
    np.savez(tmp_path / "cut.npz", **{**GOOD, "distance": np.linspace(1, 2, 500)})
    whole = (tmp_path / "cut.npz").read_bytes()
    np.save(tmp_path / "one.npy", [1.0])
    for content in (
        b"",
        b"distance\n1\n",
        b"PK\x03\x04\xff",
        whole[: len(whole) // 2],
        (tmp_path / "one.npy").read_bytes(),
    ):
        (tmp_path / "bad.npz").write_bytes(content)
        refused(tmp_path / "bad.npz", "NPZ file")
    flipped = bytearray(whole)
    flipped[1000] ^= 0xFF  # inside the numbers: the checksum of the archive tells
    (tmp_path / "bad.npz").write_bytes(bytes(flipped))
    refused(tmp_path / "bad.npz", "NPZ file")


def test_parquet_is_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def write(**arrays):
        parquet.write_table(pyarrow.table(arrays), tmp_path / "bad.parquet")

    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    refused(tmp_path / "bad.parquet", "Parquet file")
    one = {name: [value] for name, value in GOOD.items()}
    write(**{name: cells for name, cells in one.items() if name != "sigma"})
    refused(tmp_path / "bad.parquet", "lacks the column sigma (found: distance, errors, trials)")
    write(**{**one, "distance": [[1.0]]})
    refused(tmp_path / "bad.parquet", "row [0]", "distance=[1.0]")
    write(**{**one, "distance": [math.nan]})
    refused(tmp_path / "bad.parquet", "distance=nan")
    write(**{**one, "errors": pyarrow.array([None], pyarrow.int64())})
    refused(tmp_path / "bad.parquet", "errors=None")
    write(**one, Sigma=[0.5])
    refused(tmp_path / "bad.parquet", "sigma twice")
    write(**one, radius=[0.5])
    refused(tmp_path / "bad.parquet", "column radius", "option")
    write(**{name: cells * 0 for name, cells in one.items()})
    refused(tmp_path / "bad.parquet", "no row")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    refused(tmp_path / "a.parquet", "needs the package 'pyarrow'", 'pip install "isoperimetry[parquet]"')


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a.npy", "a.parquet.gz"])
def test_other_suffixes_are_refused(tmp_path, name):
    refused(tmp_path / name, "No such file")
    (tmp_path / name).write_text("distance,errors,trials,sigma\n1,2,10,1\n")
    refused(tmp_path / name, ".csv, .jsonl, .ndjson, .npz, .parquet")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".ndjson", ".npz"])
def test_what_is_no_file_is_told(tmp_path, suffix):
    refused(tmp_path / f"none{suffix}", "No such file")
    (tmp_path / f"folder{suffix}").mkdir()
    refused(tmp_path / f"folder{suffix}", "directory")


def test_csv_counts_may_be_whole_floats(tmp_path):
    (tmp_path / "a.csv").write_text("distance,errors,trials,sigma\n0.5,20.0,1e3,1e-1\nInfinity,20,1000,.1\n")
    (start,) = read_starts(tmp_path / "a.csv").values()
    assert (start.errors, start.trials, start.sigma, start.distances) == (20, 1000, 0.1, [0.5, math.inf])
    assert [place for place, _ in read_rows(tmp_path / "a.csv")] == ["line 2", "line 3"]


def npz(tmp_path, distances, **more):
    np.savez(tmp_path / "s.npz", distance=distances, **{"errors": 20, "trials": 1000, "sigma": 0.1, **more})
    return tmp_path / "s.npz"


HALF = [0.2] * 100 + [math.inf] * 100


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {}),
        (["--q", 0.75], {"q": 0.75}),
        (["--q", 0.5, "--q", 0.75], {"q": (0.5, 0.75)}),
        (["--radius", 0.4], {"radii": 0.4}),
        (["--radius", 0.2, "--radius", 0.4], {"radii": (0.2, 0.4)}),
        (["--method", "dkw"], {"method": "dkw"}),
    ],
)
def test_what_is_tested(tmp_path, words, options):
    result = run(npz(tmp_path, HALF), *words, "--json", tmp_path / "out.json")
    expected = checks.audit_attack(HALF, errors=20, trials=1000, sigma=0.1, **options)
    assert result.exit_code == (expected.verdict is checks.AuditVerdict.ATTACK_FAILING), result.output
    (found,) = json.loads((tmp_path / "out.json").read_text("utf-8"))["audits"]
    found.pop("image")
    assert found == json.loads(json.dumps(expected.to_dict()))
    for line in expected.reasons:
        assert line.startswith("found:") or line in result.stdout
    assert (" q " in result.stdout.splitlines()[2]) == bool(options and options != {"q": 0.75})


def test_the_table_tells_which_quantile_of_several(tmp_path):
    # 0.28 is beyond the bound of the median and within that of the upper quartile
    file = npz(tmp_path, [0.28] * 200 + HALF, image=np.repeat(["long", "half"], 200))
    lines = run(file, "--q", 0.5, "--q", 0.75).stdout.splitlines()
    (long,) = (line.split() for line in lines if line.startswith("long"))
    (half,) = (line.split() for line in lines if line.startswith("half"))
    assert long[4:6] == ["0.5", "0.28"] and half[4:6] == ["0.75", "inf"]
    assert "0/200" in long and "100/200" in half


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--q", 0.5, "--q", 1.5], ["q", "(0, 1)"]),
        (["--radius", 0], ["radii", "(0, inf)"]),
        (["--radius", 0.1, "--q", 0.25], ["q and radii are both given"]),
        (["--method", "t-test"], ["method='t-test'", "'dkw'"]),
        (["--method", "dkw", "--radius", 1], ["method='dkw'"]),
    ],
)
def test_options_are_refused(tmp_path, words, parts):
    refused(npz(tmp_path, HALF), *parts, options=words)
