"""``isoperimetry check``: exit codes, one line for each bad input, and files that can be recomputed."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from isoperimetry.checks import audit_attack, audit_many
from isoperimetry.cli import main
from isoperimetry.intervals import clopper_pearson
from isoperimetry_bridges.torch import (
    Classifier,
    ProjectedGradient,
    TangentProjection,
    zoo,
)
from isoperimetry_bridges.torch.audit import attack_scale
from isoperimetry_bridges.torch.judging import Judge
from isoperimetry_bridges.torch.output import environment
from isoperimetry_bridges.torch.store import Store

SOURCE = '''
import os

import torch

NORMAL = torch.linspace(-1.0, 1.3, 16)
NORMAL = NORMAL / NORMAL.norm()


class Model(torch.nn.Module):
    """A half-space of errors at 0.85 from the gray image, class 0 elsewhere; never class 2."""

    def __init__(self, change=lambda margin: margin):
        super().__init__()
        self.change = change

    def forward(self, x):
        margin = self.change((x - 0.5).flatten(1) @ NORMAL - 0.85)
        return torch.stack([torch.zeros_like(margin), margin, torch.full_like(margin, -50.0)], 1)


def sound():
    return Model().eval()


def masked():
    return Model(lambda margin: torch.round(64 * margin + 0.5) / 64).eval()


def training():
    return Model().train()


def nan():
    return Model(lambda margin: margin * float("nan")).eval()


def nan_in_noise():
    return Model(lambda margin: torch.where(margin < -1, float("nan"), margin)).eval()


def asserts():
    return raising(AssertionError("no such size\\nand more"))


def lacks_a_key():
    return raising(KeyError("head"))


def raising(error):
    def change(margin):
        raise error

    return Model(change).eval()


def backwards():
    return Model(lambda margin: margin.sigmoid().mul_(2.0).exp_().add_(-2.0)).eval()


class Late(Model):
    """Fails on noisy copies of a bright image, and on that image alone, but not on it among others."""

    def __init__(self, error, brightness=0.9):
        super().__init__()
        self.error, self.brightness = error, brightness

    def forward(self, x):
        if (x.flatten(1).mean(1) > self.brightness).all() and "MENDED" not in os.environ:
            raise self.error
        return super().forward(x)


def late():
    return Late(KeyError("late")).eval()


def interrupted():
    return Late(KeyboardInterrupt()).eval()


def interrupted_at_once():
    return Late(KeyboardInterrupt(), -9.0).eval()


def strange_name():
    from isoperimetry_bridges.torch import Classifier

    return Classifier(Model().eval(), name="net [/x] [bold]b[/bold] :smile: gr\\u00f6\\u00dfe")


def random():
    return Model(lambda margin: margin + 0.01 * torch.randn(margin.shape)).eval()


def wrong_shape():
    return torch.nn.Identity().eval()


def raises():
    raise RuntimeError("no weights here\\nand more")


def nothing():
    return None
'''

SMALL = ["--samples", "2000", "--search-samples", "200", "--error-rate", "0.02", "--starts", "40"]
MINIMAL = ["--samples", "100", "--search-samples", "100", "--starts", "2", "--images", "1", "--sigma", "0.4"]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a working directory with a user's models and data."""
    modules = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "their_models.py").write_text(SOURCE)
    gray = np.full((3, 1, 4, 4), 0.5, np.float32)
    save(tmp_path / "data.npz", gray, [0, 0, 0])
    yield tmp_path
    for name in set(sys.modules) - modules:
        if name.startswith("their_"):
            del sys.modules[name]


def save(path: Path, images: Any, labels: Any) -> None:
    np.savez(path, images=images, labels=np.asarray(labels))


@pytest.fixture
def run(folder: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the program in this process: (exit code, standard output, standard error)."""

    def call(*words: str, model: str | None = "sound", data: str | None = "data.npz") -> tuple[int, str, str]:
        own = ["--model", f"their_models:{model}" if ":" not in model else model] if model is not None else []
        own += ["--data", data] if data is not None else []
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            main(["check", *own, "--out", "out", *words])
        captured = capfd.readouterr()
        return int(exit.value.code or 0), captured.out, captured.err

    return call


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def results(out: Path) -> Any:
    return strict((out / "results.json").read_text())


def drawn(out: Path) -> dict[str, Any]:
    with np.load(out / "pictures.npz", allow_pickle=False) as file:
        return dict(file)


def outcomes(path: Path) -> list[str]:
    """Return how the cases of a JUnit file went."""
    cases = ElementTree.parse(path).getroot().findall("testsuite/testcase")
    return [case[0].tag if len(case) else "passed" for case in cases]


def number(value: Any) -> float:
    return float(value)  # "inf" is a string in strict JSON


def recompute(record: Any) -> None:
    """Recompute verdicts, p-values and intervals from the stored counts and distances alone."""
    confidence = record["settings"]["confidence"]
    for model in record["models"]:
        audits = []
        for image in model["images"]:
            if image["audit"] is None:
                continue
            distances = [number(d) for d in image["noisy_distances"][model["attack"]]]
            audit = audit_attack(
                distances, errors=image["errors"], trials=image["trials"], sigma=image["sigma"], confidence=confidence,
                conditional=False, checked=("verified", "deterministic"),
            )  # fmt: skip
            assert audit.to_dict() == image["audit"]
            audits.append(audit)
            interval = clopper_pearson(image["errors"], image["trials"], confidence=image["error_rate"]["confidence"])
            assert interval.to_dict() == image["error_rate"]
        if audits:
            assert audit_many(audits, confidence=confidence).to_dict() == model["family"]
        else:
            assert model["family"] is None


def is_png(path: Path) -> bool:
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


# --- the program, from outside ----------------------------------------------------------------------------------------


def outside(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-m", "isoperimetry", "check", *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_a_sound_model_exits_with_0(folder: Path) -> None:
    done = outside(folder, "--model", "their_models:sound", "--data", "data.npz", *SMALL, "--seed", "3")
    assert (done.returncode, done.stderr) == (0, "")
    out = folder / "isoperimetry-check"
    record = results(out)
    recompute(record)
    assert is_png(out / "figure.png")
    assert sorted(path.name for path in out.iterdir()) == ["figure.png", "pictures.npz", "results.json"]
    assert "results.json" in done.stdout
    assert record["reading"] in " ".join(done.stdout.split())


def test_a_masked_model_exits_with_1(folder: Path) -> None:
    done = outside(folder, "--model", "their_models:masked", "--data", "data.npz", *SMALL, "--out", "there")
    assert (done.returncode, done.stderr) == (1, "")
    record = results(folder / "there")
    recompute(record)
    assert record["models"][0]["family"]["n_convicted"] == 3
    assert "provably misses errors" in done.stdout


def test_a_wrong_path_exits_with_2_and_one_line(folder: Path) -> None:
    done = outside(folder, "--model", "their_models:sound", "--data", "nowhere.npz")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere.npz" in done.stderr
    assert done.stdout == ""


# --- results.json -----------------------------------------------------------------------------------------------------


def test_everything_to_recompute_is_stored(run: Run, folder: Path) -> None:
    code, _, err = run(*SMALL, "--seed", "7", "--images", "2", model="masked")
    assert (code, err) == (1, "")
    record = results(folder / "out")
    recompute(record)
    assert (record["kind"], record["seed"], record["gates"]) == ("check", 7, [])
    assert record["command"] == (
        "isoperimetry check --model their_models:masked --data data.npz --images 2 --error-rate 0.02 --samples 2000 "
        "--search-samples 200 --starts 40 --seed 7 --out out"
    )
    assert record["source"] == "their_models:masked"
    settings = record["settings"]
    assert settings["sigma"] is None
    assert settings["clip"] is False
    assert (settings["error_rate"], settings["n_search"]) == (0.02, 200)
    assert (settings["n_samples"], settings["n_starts"], settings["confidence"]) == (2000, 40, 0.999)
    assert "pixel" in record["unit"] or "input" in record["unit"]
    assert {"isoperimetry", "torch", "numpy", "python"} <= set(record["versions"])
    assert record["versions"]["torch"] == torch.__version__
    (model,) = record["models"]
    assert len(model["fingerprint"]) == 16
    assert model["device"] == "cpu"
    assert model["bounds"] == [0, 1]
    assert model["batch_size"] == 512
    assert (model["attack"], model["others"]) == ("PGD", ["tangent"])
    assert model["attacks"] == [repr(ProjectedGradient()), repr(TangentProjection())]
    assert (record["n_images"], record["of_images"], record["data"]) == (2, 3, "data.npz")
    assert record["data_sha256"] == hashlib.sha256((folder / "data.npz").read_bytes()).hexdigest()[:16]
    assert record["machine"]["cores"] == os.cpu_count()
    assert record["machine"]["threads"] == torch.get_num_threads()
    assert len(model["images"]) == 2
    assert len(model["joint_missed"]) == 2
    for joint, image in zip(model["joint_missed"], model["images"], strict=True):
        assert 0 < joint < image["audit"]["missed_fraction"]
    for image in model["images"]:
        assert image["search"]["looks"]
        assert image["search"]["status"] == "bracketed"
        assert image["trials"] == 2000
        assert len(image["noisy_distances"]["PGD"]) == 40
        assert image["attack_scale"] == attack_scale(image["errors"], 2000, image["sigma"])
        assert image["audit"]["verdict"] == "attack failing"
        assert image["clean_distances"]["PGD"] == "inf"


def without_times(record: Any) -> Any:
    """Return what two runs must have in common."""
    del record["created"], record["seconds"]
    for model in record["models"]:
        del model["seconds"]
    return record


def test_the_same_seed_gives_the_same_numbers(run: Run, folder: Path) -> None:
    records = []
    for seed in ("5", "5", "6"):
        code, _, _ = run(*SMALL, "--images", "1", "--seed", seed)
        assert code == 0
        records.append(without_times(results(folder / "out")))
    assert records[0] == records[1]
    assert records[0]["models"] != records[2]["models"]


def test_sigma_attack_and_clip_are_passed_on(run: Run, folder: Path) -> None:
    code, out, _ = run(*MINIMAL, "--attack", "ddn", "--clip", "--confidence", "0.99")
    assert code == 0
    record = results(folder / "out")
    recompute(record)
    assert (record["settings"]["sigma"], record["settings"]["clip"]) == (0.4, True)
    assert record["settings"]["confidence"] == 0.99
    assert record["models"][0]["attack"] == "DDN"
    assert record["models"][0]["images"][0]["status"] == "given"
    assert "clipped to the box" in out
    code, out, _ = run(*MINIMAL)
    assert "not clipped" in out


def test_where_the_time_went(run: Run) -> None:
    _, out, _ = run(*MINIMAL, "--verbose")
    assert re.search(r"sound: error rate [0-9.]+ s, PGD [0-9.]+ s, tangent [0-9.]+ s", out)
    _, plain, _ = run(*MINIMAL)
    assert "error rate 0" not in plain


def test_images_that_cannot_be_audited(run: Run, folder: Path) -> None:
    # All wrong without noise: there is nothing to draw, but something to write.
    save(folder / "wrong.npz", np.full((2, 1, 4, 4), 0.5), [2, 2])
    (folder / "out").mkdir()
    (folder / "out" / "figure.png").write_text("of other results")
    code, out, err = run(*SMALL, "--pictures", "0", "--junit", "junit.xml", data="wrong.npz")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert err.startswith(
        "isoperimetry: error: images: none of 2 could be audited, as 2 of 2 are wrong without noise: check labels"
    )
    assert "2 of 2 images are wrong without noise: check labels and normalisation. No image could be audited" in out
    assert "(images 0, 1)" in out
    assert outcomes(folder / "junit.xml") == ["error"]
    assert out.count("  already wrong  ") == 2
    assert "figure.png" not in out
    record = results(folder / "out")
    assert [image["status"] for image in record["models"][0]["images"]] == ["already wrong"] * 2
    assert [path.name for path in (folder / "out").iterdir()] == ["results.json"]
    recompute(record)
    assert record["pictures"] == "No pictures were asked for."
    # A gate is not met by that, rather than badly asked for.
    code, out, err = run(*SMALL, "--sigma", "0.4", "--max-error", "0.9", data="wrong.npz")
    assert (code, err) == (1, "")
    assert "not met" in out
    assert run(*SMALL, "--sigma", "0.4", "--max-error", "1", data="wrong.npz")[0] == 0
    # Some of them.
    save(folder / "some.npz", np.full((2, 1, 4, 4), 0.5), [2, 0])
    code, out, err = run(*SMALL, data="some.npz")
    assert (code, err) == (0, "")
    assert "1 wrong" in out
    assert "check labels" not in out  # half of them may be a hard data set
    recompute(results(folder / "out"))
    assert is_png(folder / "out" / "figure.png")


def test_starts_without_errors_among_others_can_be_drawn(run: Run, folder: Path) -> None:
    # With few starts some images have a start in error and some have none: both kinds of curve in one figure.
    code, _, err = run("--samples", "500", "--starts", "20", "--sigma", "0.5", "--seed", "1")
    assert (code, err) == (0, "")
    audits = [image["audit"] for image in results(folder / "out")["models"][0]["images"]]
    assert len({audit["n_zero"] > 0 for audit in audits}) == 2, "choose another seed"
    assert is_png(folder / "out" / "figure.png")


def test_old_results_are_replaced_whole(run: Run, folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "results.json").write_text("x" * 100_000)
    code, _, _ = run(*MINIMAL)
    assert code == 0
    results(folder / "out")


def test_images_that_cannot_be_drawn(run: Run, folder: Path) -> None:
    save(folder / "two.npz", np.full((1, 2, 2, 4), 0.5), [0])
    code, out, err = run(*MINIMAL)
    assert {"model0/0/image", "model0/0/noisy"} <= set(drawn(folder / "out"))
    code, out, err = run(*MINIMAL, data="two.npz")
    assert (code, err) == (0, "")
    assert "Inputs of shape (2, 2, 4) cannot be drawn" in results(folder / "out")["pictures"]
    assert not (folder / "out" / "pictures.npz").exists()  # that of the first run was of other results
    assert "pictures.npz" not in out


def test_8_bit_images(run: Run, folder: Path) -> None:
    save(folder / "bytes.npz", np.full((1, 1, 4, 4), 128, np.uint8), np.array([0], np.uint8))
    code, _, err = run(*MINIMAL, data="bytes.npz")
    assert (code, err) == (0, "")


# --- what is kept when a run ends early or nobody reads ---------------------------------------------------------------

FAST = ["--samples", "300", "--starts", "4", "--sigma", "0.4", "--quiet"]
SLOW = ["--samples", "40000", *FAST[2:]]


@pytest.fixture
def bright(folder: Path) -> str:
    """Return the data on which a model fails that fails late: on the last of three images."""
    images = np.full((3, 1, 4, 4), 0.5)
    images[2] = 0.95
    save(folder / "bright_last.npz", images, [0, 0, 0])
    return "bright_last.npz"


@pytest.mark.parametrize(("model", "code"), [("late", 2), ("interrupted", 130)])
def test_what_was_measured_is_kept_and_gone_on_with(
    run: Run, folder: Path, bright: str, monkeypatch: Any, model: str, code: int
) -> None:
    # Fails on the bright image when it is attacked; errors have been counted then.
    got, out, err = run(*SLOW, "--seed", "4", model=model, data=bright)
    assert got == code
    assert out.strip() == ""
    store = folder / "out" / "store" / "model0"
    assert f"What was measured is kept in {Path('out') / 'store'}: the same command goes on from there." in err
    assert not (folder / "out" / "results.json").exists()
    kept = [name for name in Store(store).names() if name.startswith("count/")]
    assert kept
    # Another seed is another run; the same command goes on, with what a run in one go gives; its store goes then.
    got, _, err = run(*SLOW, "--seed", "5", model=model, data=bright)
    assert (got, err.count("seed (4, here 5)")) == (2, 1)
    assert "give this run another --out or the old settings" in err
    monkeypatch.setenv("MENDED", "1")
    counted: list[int] = []
    judge = Judge.submit
    monkeypatch.setattr(Judge, "submit", lambda self, runs, **rest: counted.append(1) or judge(self, runs, **rest))
    assert run(*SLOW, "--seed", "4", model=model, data=bright)[0] == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["figure.png", "pictures.npz", "results.json"]
    resumed, n_resumed = without_times(results(folder / "out")), len(counted)
    pictures = drawn(folder / "out")
    assert run(*SLOW, "--seed", "4", model=model, data=bright)[0] == 0
    assert without_times(results(folder / "out")) == resumed
    again = drawn(folder / "out")
    assert {f"model0/{image}/error" for image in range(3)} <= set(pictures)
    assert pictures.keys() == again.keys()
    assert all(np.array_equal(pictures[name], again[name]) for name in pictures)
    assert n_resumed == 0 < len(counted)  # no draw was counted twice


def test_a_run_that_measured_nothing_leaves_nothing(run: Run, folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(Classifier, "check", lambda *_: None)
    code, _, err = run(*FAST, model="interrupted_at_once")
    assert code == 130
    assert "kept" not in err
    assert list((folder / "out").iterdir()) == []


def test_results_outlive_a_figure_that_cannot_be_drawn(run: Run, folder: Path, monkeypatch: Any) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    (folder / "out").mkdir()
    (folder / "out" / "figure.png").write_text("of other results")
    code, _, err = run(*FAST)
    assert (code, len(err.splitlines())) == (2, 1)
    recompute(results(folder / "out"))
    assert not (folder / "out" / "figure.png").exists()


def test_a_figure_that_cannot_be_drawn_is_said_before_anything_is_measured(
    run: Run, folder: Path, bright: str, monkeypatch: Any
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = run(*FAST, model="interrupted", data=bright)
    assert (code, out) == (2, "")
    assert err == (
        "isoperimetry: error: The figure of a check needs the package 'matplotlib'. Install it with: "
        'pip install "isoperimetry[report]"\n'
    )
    assert not (folder / "out").exists()


@pytest.mark.parametrize("where", ["a file", "below a file", "store is a file"])
def test_a_folder_that_cannot_be_written_to_is_said_before_anything_is_measured(
    run: Run, folder: Path, bright: str, where: str
) -> None:
    out = folder / "taken"
    if where == "store is a file":
        out.mkdir()
        (out / "store").write_text("mine")
    else:
        out.write_text("mine")
    given = out / "deeper" if where == "below a file" else out
    code, printed, err = run(*FAST, "--out", str(given), model="interrupted", data=bright)
    assert (code, printed) == (2, "")
    assert len(err.splitlines()) == 1
    assert str(out) in err
    assert out.is_dir() or out.read_text() == "mine"


@pytest.mark.parametrize(("model", "code"), [("sound", 0), ("masked", 1)])
def test_a_reader_that_goes_away_loses_nothing(folder: Path, model: str, code: int) -> None:
    read, write = os.pipe()
    os.close(read)
    words = ["check", "--model", f"their_models:{model}", "--data", "data.npz", *SMALL, "--verbose"]
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "isoperimetry", *words],
            cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}, stdout=closed,
            stderr=subprocess.PIPE, text=True, timeout=300, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (code, "")
    recompute(results(folder / "isoperimetry-check"))
    assert is_png(folder / "isoperimetry-check" / "figure.png")


def test_any_name_can_be_shown(run: Run, folder: Path) -> None:
    name = "net [/x] [bold]b[/bold] :smile: gr\u00f6\u00dfe"
    code, out, err = run(*FAST, "--max-error", "0.9", model="strange_name")
    assert (code, err) == (0, "")
    assert f"{name}: does PGD miss errors?" in out
    assert f"{name}: mean error rate" in out
    assert f"not convicted on {name}" in " ".join(out.split())
    assert results(folder / "out")["models"][0]["name"] == name
    # Where the terminal has no such letters, too.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "ascii"}
    words = ["check", "--model", "their_models:strange_name", "--data", "data.npz", *FAST]
    done = subprocess.run(
        [sys.executable, "-m", "isoperimetry", *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "net [/x] [bold]b[/bold] :smile: gr??e: does PGD miss errors?" in done.stdout


def test_the_readings_comparison_is_about_the_shipped_models(run: Run, folder: Path) -> None:
    # A model of the user may be called "clean": it is compared with nothing.
    (folder / "their_clean.py").write_text(SOURCE + "\n\nclean = noisy = sound\n")
    for name in ("clean", "noisy"):
        code, _, _ = run(*FAST, model=f"their_clean:{name}")
        assert code == 0
        record = results(folder / "out")
        assert record["models"][0]["name"] == name
        assert "trained in noise" not in record["reading"]


def test_environment() -> None:
    found = environment()
    assert strict(json.dumps(found, allow_nan=False)) == found
    assert set(found) == {"versions", "machine"}
    assert set(found["versions"]) == {"isoperimetry", "torch", "numpy", "numba", "scipy", "python"}
    assert found["versions"]["numpy"] == np.__version__
    assert found["versions"]["python"] == platform.python_version()
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        assert environment()["machine"]["float32_matmul_precision"] == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert found["machine"]["float32_matmul_precision"] == before


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_the_gate(run: Run, folder: Path) -> None:
    # The error rate is 1.68 % at sigma = 0.4; 3 x 2000 draws show that it is below 4 %, and not that it is below 1.5 %.
    gate = ["--samples", "2000", "--starts", "2", "--sigma", "0.4", "--junit", "junit.xml", "--summary", "summary.md"]
    gate.append("--max-error")
    code, out, err = run(*gate, "0.04")
    assert (code, err) == (0, "")
    assert "gate 0.04" in out
    (met,) = results(folder / "out")["gates"]
    images = results(folder / "out")["models"][0]["images"]
    assert (met["errors"], met["trials"]) == (sum(image["errors"] for image in images), 6000)
    assert met["limit"] == clopper_pearson(met["errors"], 6000, confidence=0.999, side="upper").high
    assert (met["model"], met["max_error"], met["confidence"], met["met"]) == ("sound", 0.04, 0.999, True)
    assert outcomes(folder / "junit.xml") == ["passed", "passed"]
    code, out, _ = run(*gate, "0.015")
    assert code == 1
    assert not results(folder / "out")["gates"][0]["met"]
    assert outcomes(folder / "junit.xml") == ["failure", "passed"]
    (properties,) = ElementTree.parse(folder / "junit.xml").getroot().findall("testsuite/properties")
    values = {one.get("name"): one.get("value") for one in properties}
    assert values["version of torch"] == torch.__version__
    assert (values["seed"], values["setting sigma"]) == ("0", "0.4")
    assert "--max-error 0.015" in str(values["command"])
    # Summaries follow one another, as the steps of a job do.
    first, second = (folder / "summary.md").read_text().split("### ")[1:]
    assert first.startswith("isoperimetry check: passed\n")
    assert second.startswith("isoperimetry check: failed\n\n- **sound**: ")
    assert "gate 0.015: not met" in second
    assert run(*gate, "1")[0] == 0
    # A conviction exits with 1 whatever the gate says.
    assert run(*gate, "0.04", "--starts", "40", model="masked")[0] == 1
    assert outcomes(folder / "junit.xml") == ["passed", "failure"]


def test_images_that_are_wrong_without_noise_count_in_the_gate(run: Run, folder: Path) -> None:
    # Two of four images are of class 2, which the model never answers: it errs on half of all noisy images.
    save(folder / "half.npz", np.full((4, 1, 4, 4), 0.5), [0, 2, 0, 2])
    code, _, _ = run(*SMALL, "--sigma", "0.4", "--max-error", "0.3", data="half.npz")
    assert code == 1
    code, _, _ = run(*SMALL, "--sigma", "0.4", "--max-error", "0.6", data="half.npz")
    assert code == 0


# --- bad input --------------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "data without a model": ([], {"model": None}, "--model and --data"),
    "model without data": ([], {"data": None}, "--model and --data"),
    "wrong path": ([], {"data": "nowhere.npz"}, "nowhere.npz"),
    "a folder": ([], {"data": "."}, "data='.'"),
    "no NPZ file": ([], {"data": "their_models.py"}, "NPZ"),
    "no labels in it": ([], {"data": "no_labels.npz"}, "'labels'"),
    "labels are no integers": ([], {"data": "float_labels.npz"}, "labels has dtype"),
    "label out of range": ([], {"data": "labels.npz"}, "labels[1]=3"),
    "negative label": ([], {"data": "negative.npz"}, "labels[0]=-1"),
    "images outside the box": ([], {"data": "outside.npz"}, "images[1]"),
    "NaN in an image": ([], {"data": "nan.npz"}, "images[0]"),
    "images without channels": ([], {"data": "flat.npz"}, "channels"),
    "images of another size": ([], {"data": "size.npz"}, "(3, 1, 5, 5)"),
    "more labels than images": ([], {"data": "many.npz"}, "labels has shape"),
    "no colon": ([], {"model": "their_models:"}, "module:factory"),
    "module does not exist": ([], {"model": "nowhere:sound"}, "'nowhere' does not exist"),
    "factory does not exist": ([], {"model": "missing"}, "no function 'missing'"),
    "factory raises": ([], {"model": "raises"}, "no weights here"),
    "factory returns nothing": ([], {"model": "nothing"}, "NoneType"),
    "training mode": ([], {"model": "training"}, "training mode"),
    "NaN logits": ([], {"model": "nan"}, "NaN"),
    "NaN logits in noise": ([], {"model": "nan_in_noise"}, "NaN"),
    "answers differently twice": ([], {"model": "random"}, "differently"),
    "no logits": ([], {"model": "wrong_shape"}, "logits of shape"),
    "unknown device": (["--device", "nonsense"], {}, "nonsense"),
    "an assertion of the model": ([], {"model": "asserts"}, "it raised AssertionError: no such size"),
    "a key that the model lacks": ([], {"model": "lacks_a_key"}, "it raised KeyError: 'head'"),
    "an error in noise": ([], {"model": "late", "data": "bright.npz"}, "it raised KeyError: 'late'"),
    "an error backwards": (SMALL, {"model": "backwards"}, "gradient cannot be computed: it raised RuntimeError"),
    "gate without sigma": (["--max-error", "0.1"], {}, "--max-error needs --sigma"),
    "gate at zero": (["--max-error", "0", "--sigma", "0.4"], {}, "--max-error=0.0 must be in (0, 1]"),
    "gate below zero": (["--max-error", "-0.1", "--sigma", "0.4"], {}, "--max-error=-0.1 must be in (0, 1]"),
    "gate of NaN": (["--max-error", "nan", "--sigma", "0.4"], {}, "--max-error=nan must be in (0, 1]"),
    "gate at little confidence": (
        ["--max-error", "0.1", "--sigma", "0.4", "--confidence", "0.89"],
        {},
        "--confidence=0.89 must be at least 0.9",
    ),
    "gate above 1": (["--max-error", "10", "--sigma", "0.4"], {}, "--max-error=10"),
    "a folder for a file of CI": (["--summary", "."], {}, "--summary='.' is a folder"),
    "no folder for a file of CI": (["--junit", "no/junit.xml"], {}, "the folder 'no' does not exist"),
    "pictures below zero": (["--pictures", "-1"], {}, "Invalid value for '--pictures'"),
    "no images": (["--images", "0"], {}, "Invalid value for '--images'"),
    "sigma of zero": (["--sigma", "0"], {}, "sigma=0"),
    "negative sigma": (["--sigma", "-1"], {}, "sigma=-1"),
    "sigma is no number": (["--sigma", "much"], {}, "Invalid value for '--sigma'"),
    "samples are no number": (["--samples", "1e4"], {}, "Invalid value for '--samples'"),
    "no draws": (["--samples", "0"], {}, "Invalid value for '--samples'"),
    "no starts": (["--starts", "0"], {}, "Invalid value for '--starts'"),
    "no draws to search": (["--search-samples", "0"], {}, "Invalid value for '--search-samples'"),
    "too few draws to search": (["--search-samples", "20"], {}, "n_samples=20"),
    "error rate in per cent": (["--error-rate", "1"], {}, "error_rate=1"),
    "confidence in per cent": (["--confidence", "99.9"], {}, "confidence=99.9"),
    "unknown attack": (["--attack", "fgsm"], {}, "fgsm"),
    "negative seed": (["--seed", "-1"], {}, "Invalid value for '--seed'"),
    "unknown option": (["--sigmas", "1"], {}, "--sigmas"),
    "out is a file": (["--out", "data.npz"], {}, "data.npz"),
}


@pytest.fixture
def bad_files(folder: Path) -> None:
    gray = np.full((3, 1, 4, 4), 0.5)
    np.savez(folder / "no_labels.npz", images=gray)
    save(folder / "float_labels.npz", gray, [0.0, 0.0, 0.0])
    save(folder / "labels.npz", gray, [0, 3, 0])
    save(folder / "negative.npz", gray, [-1, 0, 0])
    save(folder / "outside.npz", gray * np.array([1.0, 2.1, 1.0]).reshape(3, 1, 1, 1), [0, 0, 0])
    save(folder / "nan.npz", gray * np.nan, [0, 0, 0])
    save(folder / "flat.npz", gray[:, 0, 0, 0], [0, 0, 0])
    save(folder / "size.npz", np.full((3, 1, 5, 5), 0.5), [0, 0, 0])
    save(folder / "many.npz", gray, [0, 0, 0, 0])
    save(folder / "bright.npz", np.stack([gray[0] * 1.9, gray[0]]), [0, 0])


@pytest.mark.usefixtures("bad_files")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_exits_with_2_and_one_line(run: Run, folder: Path, name: str) -> None:
    words, given, expected = BAD[name]
    code, _, err = run(*words, "--quiet", **given)
    assert code == 2, err
    lines = err.splitlines()
    if lines[0].startswith("What was measured is kept"):  # the model failed late
        del lines[0]
    assert len(lines) == 1
    assert lines[0].startswith("isoperimetry: error: ")
    assert expected in lines[0]
    assert "internal" not in lines[0]
    assert not (folder / "out" / "results.json").exists()
    assert not (folder / "out" / "images.jsonl").exists()


# --- the shipped classifiers ------------------------------------------------------------------------------------------


def test_the_default_run(run: Run, folder: Path) -> None:
    # As `isoperimetry check`, with less of everything: the masked model is convicted, and still the exit code is 0.
    few = ["--images", "1", "--samples", "1000", "--search-samples", "100", "--starts", "20", "--confidence", "0.9"]
    code, out, err = run(*few, "--junit", "junit.xml", model=None, data=None)
    assert (code, err) == (0, "")
    assert outcomes(folder / "junit.xml") == ["passed", "passed", "skipped"]
    record = results(folder / "out")
    recompute(record)
    assert {f"model{number}/0/error" for number in range(3)} <= set(drawn(folder / "out"))
    assert [model["name"] for model in record["models"]] == ["clean", "noisy", "masked"]
    convicted = {model["name"]: model["family"]["n_convicted"] for model in record["models"]}
    assert convicted == {"clean": 0, "noisy": 0, "masked": 1}
    (masked,) = record["models"][2]["images"]
    transfer = [name for name in masked["noisy_distances"] if "transfer" in name]
    assert transfer
    assert all(number(d) < np.inf for d in masked["noisy_distances"][transfer[0]])
    assert "provably misses errors on masked" in " ".join(out.split())
    assert "; from clean to noisy, trained in noise, of 1 images the noise scale tolerated is larger on" in " ".join(
        out.split()
    )
    assert "data_sha256" not in record
    assert (record["source"], record["of_images"]) == ("shipped classifiers and images", 400)
    for model in record["models"]:
        assert model["fingerprint"] == zoo.load_classifier(model["name"]).fingerprint()
    clean = record["models"][0]["fingerprint"]
    assert any(clean in attack for attack in record["models"][2]["attacks"])
    assert is_png(folder / "out" / "figure.png")
