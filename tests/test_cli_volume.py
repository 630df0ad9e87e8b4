"""``isoperimetry volume``: JSON in, a table, JSON or a figure out."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from isoperimetry import cli, sets
from isoperimetry.estimators import volume

BALL = {"type": "Ball", "center": {"repeat": 0.1, "dim": 150_528}, "radius": 350}
UNION = {"type": "UnionOfHalfSpaces", "normals": [[1, 0, 0], [1, 1, 0], [1, 1, 1]], "offsets": [2.0, 2.5, 2.2]}


def run(*words):
    return CliRunner().invoke(cli.app, ["volume", "--quiet", *map(str, words)])


def test_a_closed_form():
    result = run(json.dumps(BALL))
    assert result.exit_code == 0
    lines = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    assert "e-713" in lines["measure"] and "EXACT" in lines["guarantee"] and "57.19" in lines["half-space distance"]
    assert "calls" not in lines


def test_an_estimate_is_that_of_the_function(tmp_path):
    file = tmp_path / "union.json"
    file.write_text(json.dumps(UNION))
    result = run(file, "--sigma", "1.5", "--center", "[0, 0, 0.5]", "--samples", "5000", "--seed", "3", "--json")
    expected = volume(sets.from_description(UNION), sigma=1.5, center=[0.0, 0.0, 0.5], n_samples=5000, rng=3).to_dict()
    found = json.loads(result.stdout)
    assert {**found, "seconds": 0} == json.loads(json.dumps({**expected, "seconds": 0}))


def test_the_table_says_what_it_rests_on_and_what_it_cost(tmp_path):
    pytest.importorskip("matplotlib")
    figure = tmp_path / "run.png"
    result = run(json.dumps(UNION), "--samples", "5000", "--seed", "3", "--plot", figure, "--record", tmp_path / "run")
    assert result.exit_code == 0, result.output
    for word in ("interval", "spread", "FINITE_SAMPLE", "half-space distance", "calls", "seed", "Drawn to"):
        assert word in result.stdout
    assert figure.read_bytes().startswith(b"\x89PNG") and (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.json"], "must be JSON or the path of a file of it"),
        (['{"type": "Ball",'], "SET must be JSON: "),
        (['{"type": "Ball"}'], "center"),
        (['{"type": "Boll"}'], "'Boll' must be one of"),
        ([json.dumps(BALL), "--center", "[1]"], "--center has 1 numbers but must have 150528"),
        ([json.dumps(BALL), "--sigma", "0"], "sigma=0.0 must be one finite number > 0"),
        ([json.dumps(UNION), "--method", "guess"], "method='guess' must be one of"),
    ],
)
def test_bad_input_is_one_line(words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["volume", *words])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and message in error


def test_cells_are_not_cut_on_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    result = run(json.dumps(UNION), "--samples", "5000", "--seed", "3")
    cells = ("FINITE_SAMPLE", "half-space distance", "5,000", "crude")
    assert all(cell in result.stdout for cell in cells), result.stdout
