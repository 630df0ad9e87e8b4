"""``isoperimetry measure``: scales, rules, tables; what any end of it leaves behind, and how it goes on from there."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isoperimetry import journal
from isoperimetry.bounds import median_distance_bound
from isoperimetry.cli import main
from isoperimetry.intervals import clopper_pearson
from isoperimetry_bridges.torch.judging import Judge
from isoperimetry_bridges.torch.store import Store
from tests.bridges.test_distributed import MEASURE, N_IMAGES, Launch, kept, nursery, recorded, until, write_theirs

__all__ = ["nursery"]  # a fixture

Run = Callable[..., tuple[int, str, str]]
SIGMAS = (0.4, 0.5)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a working directory with a user's models and data."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    yield write_theirs(tmp_path)
    sys.modules.pop("their_slow_models", None)


@pytest.fixture
def run(folder: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the program in this process: (exit code, standard output, standard error)."""

    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            main([*words])
        captured = capfd.readouterr()
        return int(exit.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of draws of each round that is judged."""
    counts: list[int] = []
    submit = Judge.submit

    def count(self: Judge, runs: Any, **rest: Any) -> Any:
        counts.append(sum(run.count for run in runs))
        return submit(self, runs, **rest)

    monkeypatch.setattr(Judge, "submit", count)
    return counts


def measurements(out: str | Path = "out") -> list[Any]:
    found: list[Any] = json.loads((Path(out) / "measurements.json").read_text())["measurements"]
    return found


def counts(out: str | Path = "out") -> list[tuple[int, float, int, int]]:
    return [(one["provenance"]["image"], one["sigma"], one["errors"], one["trials"]) for one in measurements(out)]


# --- what is written and printed --------------------------------------------------------------------------------------


def test_several_scales_are_measured_and_told(
    run: Run, surely: Callable[[int, int, float], None], judged: list[int]
) -> None:
    from scipy.stats import norm

    code, out, err = run(*MEASURE, "--out", "out", "--export", "rates.parquet")
    assert (code, err) == (0, "")
    found = measurements()
    assert [(one["provenance"]["image"], one["sigma"]) for one in found] == [
        (image, sigma) for image in range(N_IMAGES) for sigma in SIGMAS
    ]
    normal = np.linspace(-1.0, 1.3, 16)
    for one in found:
        brightness = 0.01 * one["provenance"]["image"]
        distance = 0.85 - brightness * normal.sum() / np.linalg.norm(normal)
        surely(one["errors"], one["trials"], norm.sf(distance / one["sigma"]))
        assert (one["trials"], one["sampling"], one["clipping"]) == (1000, "fixed", False)
    record = json.loads(Path("out/measurements.json").read_text())
    assert (record["source"], record["data"]) == ("their_slow_models:small_batches", "data.npz")
    # The printed rows: image, sigma, errors, draws, rate, interval, ties, bound, as recomputed from the counts.
    rows = [re.findall(r"[^\s\[\],]+", line) for line in out.splitlines() if re.match(r" +\d", line)]
    assert len(rows) == len(found)
    for row, one in zip(rows, found, strict=True):
        errors, trials = one["errors"], one["trials"]
        interval = clopper_pearson(errors, trials, confidence=0.95)
        lower = clopper_pearson(errors, trials, confidence=0.95, side="lower").low
        assert row[:4] == [str(one["provenance"]["image"]), f"{one['sigma']:g}", str(errors), str(trials)]
        assert float(row[4]) == pytest.approx(100 * errors / trials, rel=5e-3)
        assert [float(end) for end in row[5:7]] == pytest.approx([100 * interval.low, 100 * interval.high], rel=5e-3)
        assert int(row[7]) == one["provenance"]["ties"]
        bound = median_distance_bound(lower, one["sigma"])
        assert bound <= float(row[8]) <= bound * 1.001  # an upper bound is not rounded down
    assert "Written: out/measurements.json and rates.parquet" in " ".join(out.split())
    assert "wrong without noise" not in out
    # The tables; the second one costs no draw.
    import pyarrow.parquet as parquet

    table = parquet.read_table("rates.parquet").to_pydict()
    assert list(zip(*(table[name] for name in ("image", "sigma", "errors", "trials")), strict=True)) == counts()
    n_judged = len(judged)
    assert run(*MEASURE, "--out", "out", "--export", "rates.csv")[0] == 0
    assert len(judged) == n_judged
    lines = [line.split(",") for line in Path("rates.csv").read_text().splitlines()]
    assert lines[0][:4] == ["image", "sigma", "errors", "trials"]
    assert [(int(a), float(b), int(c), int(d)) for a, b, c, d, *_ in lines[1:]] == counts()


def test_labels_that_do_not_fit_are_told(run: Run, folder: Path) -> None:
    data = dict(np.load("data.npz"))
    labels = np.ones(N_IMAGES, int)
    labels[0] = 0
    np.savez("off.npz", **(data | {"labels": labels}))
    words = ["off.npz" if word == "data.npz" else word for word in MEASURE]
    code, out, err = run(*words, "--samples", "20", "--out", "out")
    assert (code, err) == (0, "")
    told = f"{N_IMAGES - 1} of {N_IMAGES} images are wrong without noise: check labels and normalisation."
    assert told in " ".join(out.split())
    wrong = {one["provenance"]["image"]: one["provenance"]["wrong_without_noise"] for one in measurements()}
    assert wrong == {image: image > 0 for image in range(N_IMAGES)}


def test_more_draws_go_on_from_the_store(run: Run, judged: list[int]) -> None:
    for samples, out in (("600", "out"), ("1000", "out"), ("1000", "at_once")):
        assert run(*MEASURE[:-1], samples, "--out", out)[0] == 0
    assert counts("out") == counts("at_once")
    cells = N_IMAGES * len(SIGMAS)
    assert sum(judged) == cells * (600 + 400 + 1000)


def test_rules_stop_early(run: Run, judged: list[int]) -> None:
    many = [*MEASURE[:-1], "20000", "--images", "1"]
    drawn = {}
    for rule in (["--rel-error", "0.1"], ["--threshold", "0.2"], ["--rel-error", "0.1", "--threshold", "0.2"]):
        name = "".join(rule)
        before = sum(judged)
        code, out, err = run(*many, *rule, "--out", name)
        assert (code, err) == (0, "")
        found = measurements(name)
        assert [one["sampling"] for one in found] == ["sequential"] * 2
        assert all(one["provenance"]["looks"][-1] == [one["trials"], one["errors"]] for one in found)
        assert all(str(one["trials"]) in out for one in found)
        drawn[name] = [one["trials"] for one in found]
        assert sum(drawn[name]) <= sum(judged) - before < 20_000
    # The first rule to hold stops.
    both = [min(pair) for pair in zip(drawn["--rel-error0.1"], drawn["--threshold0.2"], strict=True)]
    assert drawn["--rel-error0.1--threshold0.2"] == both


def test_clipping_is_recorded_and_is_another_run(run: Run) -> None:
    few = [*MEASURE[:-1], "200", "--images", "1", "--out", "out"]
    assert run(*few, "--clip")[0] == 0
    assert all(one["clipping"] for one in measurements())
    code, _, err = run(*few)
    assert (code, err.count("\n")) == (2, 1)
    assert "clip (true, here false)" in err


@pytest.fixture
def begun(run: Run, folder: Path) -> bytes:
    assert run(*MEASURE[:-1], "100", "--images", "1", "--out", "begun")[0] == 0
    (path,) = (folder / "begun" / "store").iterdir()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--seed", "4"], "seed (3, here 4)"),
        (["--model", "their_slow_models:another"], "written by another model"),
        (["--data", "other.npz"], "another image or label with the id 0"),
    ],
)
def test_another_run_is_refused(run: Run, folder: Path, begun: bytes, words: list[str], expected: str) -> None:
    np.savez(folder / "other.npz", images=np.full((1, 1, 4, 4), 0.6), labels=[0])
    results = (folder / "begun" / "measurements.json").read_bytes()
    code, out, err = run(*MEASURE[:-1], "200", "--images", "1", "--out", "begun", *words)
    assert (code, out) == (2, "")
    line = err.splitlines()[-1]
    assert line.startswith("isoperimetry: error: ") and expected in line
    assert [path.read_bytes() for path in (folder / "begun" / "store").iterdir()] == [begun]
    assert (folder / "begun" / "measurements.json").read_bytes() == results


BAD: dict[str, tuple[list[str], str]] = {
    "no sigma": ([], "Missing option '--sigma'"),
    "sigma of zero": (["--sigma", "0"], "must be finite and > 0"),
    "negative sigma": (["--sigma", "0.4", "--sigma", "-1"], "must be finite and > 0"),
    "infinite sigma": (["--sigma", "inf"], "must be finite and > 0"),
    "sigma that is not a number": (["--sigma", "nan"], "must be finite and > 0"),
    "a sigma twice": (["--sigma", "0.4", "--sigma", "0.4"], "twice"),
    "text as sigma": (["--sigma", "much"], "Invalid value for '--sigma'"),
    "a table of another form": (["--sigma", "1", "--export", "rates.txt"], "must end in .parquet or .csv"),
    "a table nowhere": (["--sigma", "1", "--export", "nowhere/rates.csv"], "'nowhere' does not exist"),
    "model without data": (["--sigma", "1", "--data"], "--model and --data must be given together"),
    "no images": (["--sigma", "1", "--data", "empty.npz"], "images"),
    "a relative error of zero": (["--sigma", "1", "--rel-error", "0"], "rel_error=0.0"),
    "a threshold in per cent": (["--sigma", "1", "--threshold", "5"], "threshold=5.0"),
    "a confidence in per cent": (["--sigma", "1", "--confidence", "95"], "confidence=95.0"),
    "no draws": (["--sigma", "1", "--samples", "0"], "Invalid value for '--samples'"),
    "out is a file": (["--sigma", "1", "--out", "data.npz"], "data.npz"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_exits_with_2_and_one_line(run: Run, folder: Path, name: str) -> None:
    np.savez(folder / "empty.npz", images=np.empty((0, 1, 4, 4)), labels=np.empty(0, int))
    words, expected = BAD[name]
    given = {"--model": "their_slow_models:small_batches", "--data": "data.npz", "--out": "out"}
    if words[-1:] == ["--data"]:
        del given["--data"]
        words = words[:-1]
    before = {path.name for path in folder.iterdir()}
    code, out, err = run("measure", *(word for pair in given.items() for word in pair), *words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("isoperimetry: error: ") and expected in err and "internal" not in err
    assert {path.name for path in folder.iterdir()} == before


def test_a_missing_package_is_said_before_anything_is_measured(run: Run, monkeypatch: Any, judged: list[int]) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, err = run(*MEASURE, "--export", "rates.parquet", "--out", "out")
    assert (code, err.count("\n"), judged) == (2, 1, [])
    assert "needs the package 'pyarrow'" in err


@pytest.mark.parametrize("command", ["measure", "check"])
def test_help(run: Run, monkeypatch: Any, command: str) -> None:
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    text = " ".join(re.sub("[│╭╰─╮╯]", " ", out).split())
    if command == "check":
        assert all(name in text.partition("--attack")[2][:150] for name in ("tangent", "ddn", "pgd", "boundary"))
    else:
        for option in ("sigma", "samples", "rel-error", "threshold", "export", "seed"):
            assert f"--{option} " in text
        assert "the same command goes on" in text


# --- how it may end ---------------------------------------------------------------------------------------------------


class FullDisk:
    """``os.write`` on a disk with room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room, self.write = room, os.write

    def __call__(self, descriptor: int, data: Any) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = self.write(descriptor, bytes(data)[: self.room])
        self.room -= taken
        return taken


@pytest.mark.parametrize("room", [0, 1000])
def test_a_full_disk_loses_nothing(run: Run, folder: Path, judged: list[int], room: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal.os, "write", FullDisk(room))
        code, out, err = run(*MEASURE, "--out", "out")
    assert (code, out) == (2, "")
    *before, line = err.splitlines()
    assert line.startswith("isoperimetry: error: ") and "No space left on device" in line and "free some space" in line
    assert len(before) == (room > 0) and all("What was measured is kept in out/store" in one for one in before)
    stored = counted(folder / "out" / "store")
    assert (stored > 0) == (room > 0)
    judged.clear()
    assert run(*MEASURE, "--out", "out")[0] == 0
    assert sum(judged) == N_IMAGES * len(SIGMAS) * 1000 - stored
    assert run(*MEASURE, "--out", "at_once")[0] == 0
    assert counts("out") == counts("at_once")


def counted(store: Path) -> int:
    """Return how many draws a store has counts of."""
    if not store.exists():
        return 0
    read = Store(store)
    return sum(read.get(name)[0] for name in read.names() if name.startswith("count/"))  # type: ignore[index]


def test_results_that_cannot_be_written_can_be_later(run: Run, monkeypatch: Any, judged: list[int]) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_text", fail)
        code, _, err = run(*MEASURE, "--out", "out")
    assert (code, err.count("\n")) == (2, 1)
    assert "measurements.json' cannot be written (No space left on device): what was measured is kept" in err
    judged.clear()
    assert run(*MEASURE, "--out", "out")[0] == 0
    assert judged == []


def test_any_end_and_then_again_is_as_one_run(nursery: Launch, run: Run, folder: Path, judged: list[int]) -> None:
    # Three kills at random times, then Ctrl-C, each after more was kept; then to the end.
    words = [*MEASURE, "--out", "out"]
    random, out = np.random.default_rng(7), folder / "out"
    for number in (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGINT):
        before = kept(out, 0)
        child = nursery(folder, *words, SLOW="0.01")
        until(lambda before=before: len(kept(out, 0)) > len(before) + 5 * (not before))
        time.sleep(random.uniform(0, 0.2))
        child.kill(number)
        code, printed, err = child.wait()
        assert printed == ""
        assert not (out / "measurements.json").exists()
        assert before < kept(out, 0)
        if number == signal.SIGKILL:
            assert (code, err) == (-signal.SIGKILL, "")
    assert code == 130
    assert err.splitlines() == [
        "Stopping: work in hand is finished first. Press Ctrl-C again to stop at once.",
        "What was measured is kept in out/store: the same command goes on from there.",
    ]
    stored, total = counted(out / "store"), N_IMAGES * len(SIGMAS) * 1000
    assert 0 < stored < total
    assert run(*words)[0] == 0
    assert sum(judged) == total - stored
    assert run(*MEASURE, "--out", "at_once")[0] == 0
    assert recorded(out / "measurements.json") == recorded(folder / "at_once" / "measurements.json")
    assert len(list((out / "store").iterdir())) == 1
