from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import isoperimetry
from isoperimetry import bounds, checks, cli

ROOT = Path(isoperimetry.__file__).parents[1]
HEADER = "image,distance,errors,trials,sigma\n"


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("NO_COLOR", "FORCE_COLOR", "ISOPERIMETRY_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return lambda *words: CliRunner().invoke(cli.app, [str(word) for word in words])


def process(*words, code=None, path=(), **variables):
    """Run the program, or other code, in a process of its own."""
    env = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS", *variables)}
    env["PYTHONPATH"] = os.pathsep.join([*map(str, path), str(ROOT), env.get("PYTHONPATH", "")])
    command = [sys.executable, *(["-c", code] if code else ["-m", "isoperimetry"]), *map(str, words)]
    return subprocess.run(
        command, env={**env, **variables}, capture_output=True, text=True, encoding="utf-8", timeout=120
    )


@pytest.fixture
def table(tmp_path):
    def write(text, name="starts.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def rows(image, distances, errors=20, trials=1000, sigma=0.1):
    return "".join(f"{image},{distance},{errors},{trials},{sigma}\n" for distance in distances)


@pytest.fixture
def bridge(tmp_path):
    """Make a folder with an installed bridge that adds commands; importing it is loud."""
    package = tmp_path / "loud_bridge"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("print('IMPORTED')\n")
    (package / "deep" / "__init__.py").write_text("import sys\nsys.modules['torch'] = sys\n")
    (package / "deep" / "commands.py").write_text(
        '''"""Commands of a bridge."""
from __future__ import annotations
from typing import Annotated
import typer

def check(model: Annotated[str, typer.Option(help="Where the model is.")] = "zoo", fail: int = 0) -> int:
    """Check a model against the bound.

    More about it.

    Parameters
    ----------
    model : str
        Hidden from the command line.
    """
    print("checked", model)
    return fail

def crash() -> None:
    raise RuntimeError("a bug")

def interrupt() -> None:
    raise KeyboardInterrupt

def refuse() -> None:
    raise OSError(28, "No space left on device", "out.json")
'''
    )
    info = tmp_path / "loud_bridge-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud-bridge\nVersion: 1.0\n")
    names = ["check-it = loud_bridge.deep.commands:check", "bound = loud_bridge.deep.commands:check"]
    names += [f"{name} = loud_bridge.deep.commands:{name}" for name in ("crash", "interrupt", "refuse", "vanished")]
    (info / "entry_points.txt").write_text(
        "\n".join(["[isoperimetry.commands]", *names, "gone = no_such_module:f", "odd = odd_module:f"])
    )
    (tmp_path / "odd_module.py").write_text("not python")
    return tmp_path


def one_line(result, *parts):
    """Assert that a run ended with exit code 2 and one line on standard error that has these parts."""
    code = result.exit_code if hasattr(result, "exit_code") else result.returncode
    assert code == 2, (code, result.stdout, result.stderr)
    assert result.stderr.count("\n") == 1 and result.stderr.endswith("\n"), result.stderr
    assert result.stderr.startswith("isoperimetry: error: ")
    for part in parts:
        assert part in result.stderr
    return True


# bound


def test_bound_prints_every_bound_with_what_it_is(run):
    result = run("bound", "--mu", 0.01, "--sigma", 0.1, "--eps", 0.1)
    assert result.exit_code == 0 and result.stderr == ""
    lines = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    assert "0.232635" in lines["half-space distance"] and "2.32635" in lines["half-space distance"]
    assert "prediction" in lines["half-space distance"] and "no bound" in lines["half-space distance"]
    assert "0.232635" in lines["median distance"] and "at most" in lines["median distance"]
    assert "0.232974" in lines["mean distance"]
    assert "0.0923622" in lines["share within 0.1"] and "at least" in lines["share within 0.1"]


def test_bound_without_eps_has_no_share(run):
    assert "share" not in run("bound", "--mu", 0.01).stdout


@pytest.mark.parametrize(
    "option, value",
    [("mu", 0.01), ("log-mu", -1e6), ("accuracy", 0.99), ("log-accuracy", -1e-20), ("mu", 0), ("mu", 1), ("mu", 0.7)],
)
def test_bound_as_json_equals_the_functions(run, option, value):
    result = run("bound", f"--{option}", value, "--sigma", 0.5, "--eps", 2, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout, parse_constant=pytest.fail)
    rate = {option.replace("-", "_"): float(value)}
    assert found["sigma"] == 0.5 and found["eps"] == 2.0 and found[next(iter(rate))] == float(value)
    for name in ("halfspace_distance", "median_distance_bound", "mean_distance_bound"):
        assert float(found[name]) == getattr(bounds, name)(sigma=0.5, **rate)
    for name in ("enlargement", "log_enlargement"):
        assert float(found[name]) == getattr(bounds, name)(eps=2.0, sigma=0.5, **rate)


def test_bound_shows_shares_that_underflow(run):
    result = run("bound", "--log-mu", -1e6, "--eps", 1000)
    assert "exp(-85791)" in result.stdout


def test_bound_rounds_bounds_up_and_shares_down(run):
    text = run("bound", "--mu", 0.02, "--eps", 1).stdout
    median, mean, share = (
        float(re.findall(rf"{name}\s+([\d.]+)", text)[0]) for name in ("median distance", "mean distance", "within 1")
    )
    assert 0 <= median - bounds.median_distance_bound(0.02) < 1e-5
    assert 0 <= mean - bounds.mean_distance_bound(0.02) < 1e-5
    assert 0 <= bounds.enlargement(0.02, 1.0) - share < 1e-6


@pytest.mark.parametrize(
    "words, parts",
    [
        ([], ["--mu 0.01"]),
        (["--mu", 0.1, "--log-mu", -1], ["--mu", "--log-mu"]),
        (["--mu", 1.7], ["mu=1.7", "in [0, 1]", "percentage"]),
        (["--log-mu", 1], ["log_mu=1.0", "<= 0"]),
        (["--mu", "1%"], ["--mu", "isoperimetry bound --help"]),
        (["--mu", "nan"], ["mu=nan", "must be a number"]),
        (["--mu", 0.1, "--sigma", -1], ["sigma=-1.0", ">= 0"]),
        (["--mu", 0.1, "--sigma", 0], ["sigma=0.0"]),
        (["--mu", 0.1, "--eps", -1], ["eps=-1.0"]),
        (["--nu", 0.1], ["--nu", "isoperimetry bound --help"]),
        (["0.01"], ["0.01", "isoperimetry bound --help"]),
    ],
)
def test_bound_refuses(run, words, parts):
    assert one_line(run("bound", *words), *parts)


# audit


def test_audit_convicts_with_exit_code_1(run, table, tmp_path):
    distances = [0.9] * 18 + ["inf", ""] + [0.1] * 2
    file = table(HEADER.replace("image,", "") + rows("", distances).replace("\n,", "\n").lstrip(","))
    result = run("audit", file, "--json", tmp_path / "out.json")
    assert result.exit_code == 1 and result.stderr == ""
    numbers = [0.9] * 18 + [float("inf")] * 2 + [0.1] * 2
    expected = checks.audit_attack(numbers, errors=20, trials=1000, sigma=0.1)
    assert expected.verdict is checks.AuditVerdict.ATTACK_FAILING
    assert "provably misses errors" in result.stdout and "2/22" in result.stdout
    found = json.loads((tmp_path / "out.json").read_text("utf-8"), parse_constant=pytest.fail)
    (audit,) = found["audits"]
    assert audit["verdict"] == expected.verdict.value
    assert audit["p_value"] == expected.p_value and audit["n_failed"] == 2
    assert found["family"]["n_convicted"] == 1 and found["version"] and found["file"].endswith("starts.csv")


def test_audit_of_a_good_attack_ends_with_0(run, table):
    file = table(HEADER + rows("cat", [0.1 * (1 + i / 50) for i in range(30)]))
    result = run("audit", file)
    assert result.exit_code == 0 and "cat" in result.stdout and "provably" not in result.stdout


def test_audit_judges_images_together(run, table):
    file = table(HEADER + rows("cat", [0.9] * 40) + rows("dog", [0.1] * 40, errors=30, sigma=0.2) + rows("cat", [0.8]))
    result = run("audit", file)
    assert result.exit_code == 1
    assert "at least 1 of 2" in result.stdout
    assert "20/1000" in result.stdout and "30/1000" in result.stdout and "0/41" in result.stdout


def test_audit_says_what_it_rests_on_once(run, table):
    file = table(HEADER + rows("cat", [0.0] + [0.9] * 39) + rows("dog", [0.0] * 30 + [0.1] * 10))
    text = run("audit", file).stdout
    assert text.count("- assumed: every error was verified.") == 1
    # A convicted image says what its own conviction assumes, and nothing of what all share.
    assert "- image dog: broken: 30 of 40 starts are already wrong" in text and text.count("image cat") == 1
    assert "- image cat: assumed: the starts are other draws than those counted" in text
    alone = run("audit", table(HEADER + rows("cat", [0.0] + [0.9] * 39), "alone.csv")).stdout
    assert "found:" not in alone and "assumed: Gaussian noise" in alone and "Holm" not in alone


def test_audit_exits_by_the_family_not_by_one_of_many(run, table):
    # 12 of 12 beyond the bound: p is at least 2**-12, enough for one image at 0.001 and not for one of 20.
    text = HEADER + rows("bad", [0.9] * 12) + "".join(rows(f"good{i}", [0.1] * 12) for i in range(19))
    alone = run("audit", table(HEADER + rows("bad", [0.9] * 12), "alone.csv"))
    assert alone.exit_code == 1
    together = run("audit", table(text))
    assert together.exit_code == 0 and "none of 20" in together.stdout


def test_audit_passes_its_options_on(run, table, tmp_path):
    file = table("distance,errors,trials,sigma,sampling\n" + "0.1,20,1000,0.1,sequential\n" * 9)
    options = ["--confidence", 0.9, "--q", 0.25, "--conditional", "--dependent", "--json", tmp_path / "o.json"]
    assert run("audit", file, *options).exit_code == 0
    (audit,) = json.loads((tmp_path / "o.json").read_text("utf-8"))["audits"]
    assert (audit["confidence"], audit["q"], audit["conditional"]) == (0.9, 0.25, True)
    assert (audit["independent"], audit["sampling"]) == (False, "sequential")
    for words, conditional in (((), True), (("--every-start",), False)):
        run("audit", file, *words, "--json", tmp_path / "o.json")
        (audit,) = json.loads((tmp_path / "o.json").read_text("utf-8"))["audits"]
        assert audit["conditional"] is conditional


def test_audit_reads_what_spreadsheets_write(run, table):
    text = (
        "\ufeffSigma, Distance ,errors,trials,note\r\n" + '0.1,0.9,20,1000,"a, b"\r\n\r\n' * 15 + "0.10,,20,1000,\r\n"
    )
    result = run("audit", table(text))
    assert result.exit_code == 1 and "0/16" in result.stdout


@pytest.mark.parametrize(
    "text, parts",
    [
        ("", ["distance", "found: none"]),
        ("a;b\n", ["lacks the column distance, errors, trials, sigma", "a;b"]),
        (HEADER, ["no row"]),
        ("distance,errors,trials\n1,1,1\n", ["lacks the column sigma"]),
        ("distance,distance,errors,trials,sigma\n1,1,1,1,1\n", ["distance twice"]),
        ("distance,errors,trials,sigma,q\n1,1,1,1,1\n", ["column q", "option"]),
        (HEADER + "a,1,1,10\n", ["line 2", "4 cells", "5"]),
        (HEADER + "a,far,1,10,1\n", ["line 2", "distance='far'", "inf or empty"]),
        (HEADER + "a,nan,1,10,1\n", ["distance='nan'"]),
        (HEADER + "a,-1,1,10,1\n", ["distance='-1'"]),
        (HEADER + "a,1,1.5,10,1\n", ["errors='1.5'", "whole number"]),
        (HEADER + "a,1,1,,1\n", ["trials=''"]),
        (HEADER + "a,1,1,10,wide\n", ["sigma='wide'"]),
        (HEADER + "a,1,1,10,0\n", ["image 'a'", "sigma=0.0"]),
        (HEADER + "a,1,11,10,1\n", ["image 'a'", "errors=11 must be <= trials=10"]),
        (HEADER + ",1,1,10,1\n", ["line 2", "names no image"]),
        (HEADER + "a,1,1,10,1\n" * 2 + "a,1,2,10,1\n", ["line 4", "errors=2", "line 2 has 1"]),
        (HEADER + "a,1,1,10,1\nb,1,1,10,1\nb,1,1,10,2\n", ["line 4", "sigma=2", "line 3 has 1"]),
        ("distance,errors,trials,sigma,sampling\n1,1,10,1,random\n", ["sampling='random'", "'sequential'"]),
        (HEADER + 'a,"1,1,10,1\n', ["CSV"]),
    ],
)
def test_audit_refuses_tables(run, table, text, parts):
    file = table(text)
    assert one_line(run("audit", file), file.name, *parts)


def test_audit_refuses_files_that_are_none(run, tmp_path):
    assert one_line(run("audit", tmp_path / "none.csv"), "none.csv", "No such file")
    assert one_line(run("audit", tmp_path), "directory")
    binary = tmp_path / "images.npz"
    binary.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    assert one_line(run("audit", binary), "images.npz", "NPZ file")


@pytest.mark.parametrize(
    "options, parts",
    [
        (["--confidence", 99.9], ["confidence=99.9", "(0, 1)"]),
        (["--q", 1], ["q[0]=1.0", "in (0, 1)"]),
        (["--json", "no/such/folder/out.json"], ["no/such/folder/out.json", "No such file"]),
        (["--norm", 2], ["--norm"]),
    ],
)
def test_audit_refuses_options(run, table, options, parts):
    file = table(HEADER + rows("a", [0.1] * 20))
    assert one_line(run("audit", file, *options), *parts)
    assert one_line(run("audit"), "file", "isoperimetry audit --help")


# theorems


def names_in(text):
    return re.findall(r"^([A-Z][A-Z_]+)\b", text, flags=re.MULTILINE)


def test_theorems_are_listed(run):
    result = run("theorems")
    assert result.exit_code == 0 and result.stderr == ""
    assert names_in(result.stdout) == [theorem.name for theorem in bounds.THEOREMS]
    assert "isoperimetry theorems NAME" in result.stdout


@pytest.mark.parametrize("columns", [20, 60, 250])
def test_the_list_of_theorems_is_never_cut(run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = run("theorems").stdout
    assert "…" not in text and names_in(text) == [theorem.name for theorem in bounds.THEOREMS]
    words = re.sub(r"\s+", "", "".join(re.sub(r"^[A-Z][A-Z_]+\b", "", line) for line in text.splitlines()))
    for theorem in bounds.THEOREMS:
        assert re.sub(r"\s+", "", theorem.statement) in words


@pytest.mark.parametrize(
    "options", [{"space": "sphere"}, {"assumption": "Half-Space"}, {"direction": "LOWER", "space": "cube"}]
)
def test_theorems_can_be_filtered(run, options):
    expected = [theorem.name for theorem in bounds.THEOREMS.search(**options)]
    words = [word for name, text in options.items() for word in (f"--{name}", text)]
    assert 0 < len(expected) < 5 and names_in(run("theorems", *words).stdout) == expected
    found = json.loads(run("theorems", "--json", *words).stdout, parse_constant=pytest.fail)
    assert [record["name"] for record in found] == expected


@pytest.mark.parametrize("name", ["SPHERE_MEAN_DISTANCE", "sphere-mean-distance", "Sphere_Mean-Distance"])
def test_a_theorem_is_shown_whole(run, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "30")
    theorem = bounds.THEOREMS["SPHERE_MEAN_DISTANCE"]
    result = run("theorems", name)
    assert result.exit_code == 0 and result.stdout == theorem.describe()
    assert "\n@misc{gilmer2018adversarial,\n" in result.stdout and f"Formula: {theorem.formula}\n" in result.stdout


def test_theorems_as_json(run):
    found = json.loads(run("theorems", "noise-norm", "--json").stdout, parse_constant=pytest.fail)
    assert found == bounds.THEOREMS["NOISE_NORM"].to_dict()
    found = json.loads(run("theorems", "--json").stdout, parse_constant=pytest.fail)
    assert [record["name"] for record in found] == [theorem.name for theorem in bounds.THEOREMS]
    assert all(record["formula"] and record["proof"] and record["source"]["year"] for record in found)


@pytest.mark.parametrize(
    "words, parts",
    [
        (["no-such-theorem"], ["theorem='no-such-theorem'", "must be the name of a theorem"]),
        (["DISTANCE"], ["'DISTANCE'", "Perhaps NORM_DISTANCE or"]),
        (["noise-norm", "other"], ["other", "isoperimetry theorems --help"]),
        (["--source", "Borell"], ["--source"]),
    ],
)
def test_theorems_refuses(run, words, parts):
    assert one_line(run("theorems", *words), *parts)


# the program


def test_a_missing_command_shows_the_help_and_what_is_wrong(run):
    result = run()
    assert one_line(result, "command is missing")
    assert "theorems" in result.stdout and "Exit codes" in result.stdout


def test_an_unknown_command_is_told_apart_from_a_typo(run):
    assert one_line(run("boun"), "'boun'", "Did you mean 'bound'")
    assert one_line(run("prove"), "'prove'", "isoperimetry --help")


@pytest.mark.parametrize("command", ["bound", "audit", "theorems"])
def test_help_of_every_command(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0 and f"isoperimetry {command}" in result.stdout
    assert "Parameters" not in result.stdout


def test_version(run):
    result = run("--version")
    assert result.exit_code == 0 and result.stdout.startswith("isoperimetry ") and len(result.stdout.split()) >= 2


def test_debug_shows_the_traceback_wherever_it_stands(run, monkeypatch):
    for words in (["--debug", "bound", "--mu", 2], ["bound", "--mu", 2, "--debug"]):
        result = run(*words)
        assert result.exit_code == 2 and "Traceback" in result.stderr
        assert result.stderr.splitlines()[-1].startswith("isoperimetry: error: mu=2.0")
    monkeypatch.setenv("ISOPERIMETRY_DEBUG", "1")
    assert "Traceback" in run("bound", "--mu", 2).stderr
    monkeypatch.setenv("ISOPERIMETRY_DEBUG", "0")
    assert one_line(run("bound", "--mu", 2))


def test_colours_and_markup_are_left_to_the_terminal(run, monkeypatch, table):
    file = table(HEADER + rows("[red]cat[/red]", [0.1] * 12))
    result = run("audit", file)
    assert "[red]cat[/red]" in result.stdout and "\x1b" not in result.stdout


@pytest.mark.parametrize("columns", ["20", "80"])
def test_tables_are_never_cut(run, monkeypatch, table, columns):
    monkeypatch.setenv("COLUMNS", columns)
    name = "a_very_long_name_of_an_image_without_any_space_in_it.png"
    result = run("audit", table(HEADER + rows(name, [0.123456] * 12)))
    assert name in result.stdout and "0.1235" in result.stdout and "…" not in result.stdout


def test_the_program_in_a_process():
    result = process("bound", "--mu", "0.01", "--sigma", "0.1", NO_COLOR="1")
    assert (result.returncode, result.stderr) == (0, "")
    assert "0.232635" in result.stdout and "…" not in result.stdout and "\x1b" not in result.stdout
    assert one_line(process("bound", "--mu", "2"), "mu=2.0")


def test_output_survives_an_encoding_without_the_characters():
    result = process("bound", "--mu", "0.01", PYTHONIOENCODING="ascii")
    assert result.returncode == 0 and "2.32635" in result.stdout


def test_a_reader_that_goes_away_changes_neither_the_work_nor_its_exit_code(table, tmp_path):
    file = table(HEADER + rows("cat", [0.9] * 40))
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "isoperimetry", "audit", str(file), "--json", str(tmp_path / "out.json")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=env)
    os.close(write)
    assert (result.returncode, result.stderr) == (1, "")
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["family"]["n_convicted"] == 1


def test_bound_imports_no_runtime():
    code = """
import sys
import tomllib
from isoperimetry import cli
try:
    cli.main(["bound", "--mu", "0.01", "--eps", "1"])
except SystemExit as end:
    assert end.code == 0
loaded = {"torch", "matplotlib", "hypothesis", "mpmath", "isoperimetry_bridges"} & set(sys.modules)
assert not loaded, loaded
"""
    result = process(code=code)
    assert result.returncode == 0, result.stderr


# commands of bridges


def test_help_lists_the_commands_of_bridges_without_importing_them(bridge):
    result = process("--help", path=[bridge])
    assert result.returncode == 0 and "IMPORTED" not in result.stdout
    assert "check-it" in result.stdout and "Check a model against the bound." in result.stdout
    assert "Commands of a bridge." in result.stdout  # the module's line, where the function has none
    assert result.stdout.count(" bound ") == 1 and "gone" in result.stdout


def test_own_commands_are_neither_replaced_nor_do_they_import_bridges(bridge):
    result = process("bound", "--mu", "0.01", path=[bridge])
    assert result.returncode == 0 and "IMPORTED" not in result.stdout and "2.32635" in result.stdout


def test_help_of_a_command_of_a_bridge(bridge):
    result = process("check-it", "--help", path=[bridge])
    assert result.returncode == 0 and "IMPORTED" in result.stdout
    assert "isoperimetry check-it" in result.stdout and "Where the model is." in result.stdout
    assert "More about it." in result.stdout and "Hidden" not in result.stdout


def test_command_of_a_bridge_runs_and_gives_its_exit_code(bridge):
    result = process("check-it", "--model", "mine", path=[bridge])
    assert (result.returncode, result.stderr) == (0, "") and "checked mine" in result.stdout
    assert process("check-it", "--fail", "1", path=[bridge]).returncode == 1
    assert one_line(process("check-it", "--mdel", "x", path=[bridge]), "--mdel", "isoperimetry check-it --help")


def test_errors_of_bridges(bridge):
    assert one_line(process("refuse", path=[bridge]), "out.json: No space left on device")
    assert one_line(process("gone", path=[bridge]), "'gone'", "no_such_module")
    assert one_line(process("vanished", path=[bridge]), "'vanished'", "vanished")
    crash = process("crash", path=[bridge])
    assert process("interrupt", path=[bridge]).returncode == 130
    assert crash.returncode == 3 and "Traceback" in crash.stderr and "report" in crash.stderr.splitlines()[-1]


def test_commands_of_the_own_bridges_have_a_summary_without_their_runtime():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"][cli.GROUP]
    assert "check" in declared
    code = f"""
import sys
import tomllib
from importlib.metadata import EntryPoint
from isoperimetry.cli import program
for name, value in {declared!r}.items():
    assert program._summary(EntryPoint(name, value, program.GROUP)).endswith("."), name
assert not {{"torch", "isoperimetry_bridges"}} & set(sys.modules)
"""
    result = process(code=code, path=[ROOT / "bridges"])
    assert result.returncode == 0, result.stderr
