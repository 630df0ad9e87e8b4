"""Ranks take disjoint shares of the images, and none of them waits for one that is gone."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch

from isoperimetry.errors import IsoperimetryError
from isoperimetry_bridges.torch import distributed
from isoperimetry_bridges.torch.distributed import Ranks, ranks


def rank_environment(rank: int, size: int, port: int) -> dict[str, str]:
    """Return what torchrun sets for a rank on this machine."""
    named = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
    return os.environ | {name: str(value) for name, value in named.items()} | {"MASTER_ADDR": "127.0.0.1"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [0, 1, 7, 16])
def test_shares_make_up_the_whole(size: int, count: int) -> None:
    shares = [Ranks(rank, size).share(count) for rank in range(size)]
    assert sorted(image for share in shares for image in share) == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert ranks() == Ranks(0, 1, 0)
    assert ranks().wait()


def test_the_rank_is_that_of_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert ranks() == Ranks(5, 8, 1)
    assert ranks().device("cpu") == "cpu"
    assert ranks().device(None) is None


@pytest.mark.parametrize(("rank", "size"), [("2", "2"), ("-1", "2"), ("0", "0"), ("x", "2"), ("0", "1.5")])
def test_ranks_that_make_no_sense_are_refused(monkeypatch: pytest.MonkeyPatch, rank: str, size: str) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", size)
    with pytest.raises(ValueError, match="torchrun sets"):
        ranks()


@pytest.mark.parametrize("rank", [0, 1])
def test_ranks_that_never_come_are_told(monkeypatch: pytest.MonkeyPatch, rank: int) -> None:
    for name, value in rank_environment(rank, 2, free_port()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "JOINING", datetime.timedelta(seconds=1))
    with pytest.raises(IsoperimetryError, match=f"Rank {rank} of 2 waited 1 s for the others") as error:
        distributed.on_all_ranks(lambda rank, images: None, 3)
    assert "\n" not in str(error.value)
    assert not torch.distributed.is_initialized()


# --- the commands on two ranks ----------------------------------------------------------------------------------------

MODELS = """
import os
import time

import torch

from isoperimetry_bridges.torch import Classifier

NORMAL = torch.linspace(-1.0, 1.3, 16)
NORMAL = NORMAL / NORMAL.norm()


class Model(torch.nn.Module):
    # Errors are a half-space at 0.85 from the gray image. A process with SLOW takes its time for each batch.

    def __init__(self, distance):
        super().__init__()
        self.register_buffer("distance", torch.tensor(distance))

    def forward(self, x):
        time.sleep(float(os.environ.get("SLOW", 0)))
        margin = (x - 0.5).flatten(1) @ NORMAL - self.distance
        return torch.stack([torch.zeros_like(margin), margin], 1)


def small_batches(distance=0.85):
    return Classifier(Model(distance).eval(), batch_size=16)


def another():
    return small_batches(0.86)
"""
N_IMAGES = 5

# Imports and loads compiled code once, as that takes seconds, and forks a process for each command; each runs as by
# ``python -m``, or ``-c``.
NURSERY = """
import json, os, runpy, signal, sys
import matplotlib.pyplot, numpy
import isoperimetry_bridges.torch.commands.check, isoperimetry_bridges.torch.commands.measure
from isoperimetry import bounds, intervals, streams
streams.add_noise(numpy.zeros(1), 1.0, stream=streams.as_stream(0), out=numpy.empty((1, 1), numpy.float32))
bounds.median_distance_bound(intervals.clopper_pearson(1, 100, confidence=0.95).low, 1.0)
assert len(os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else "1") == 1  # else no fork is safe
children = []
for line in sys.stdin:
    task = json.loads(line)
    if "poll" in task:
        pid, status = os.waitpid(task["poll"], os.WNOHANG)
        if pid:
            children.remove(pid)
        print(os.waitstatus_to_exitcode(status) if pid else "null", flush=True)
        continue
    child = os.fork()
    if child == 0:
        os.environ.update(task["environment"])
        os.chdir(task["folder"])
        for number, name in enumerate(("/dev/null", task["out"], task["err"])):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
        sys.path[0] = ""
        sys.argv[1:] = task["words"]
        if task["words"][0] == "-c":
            exec(task["words"][1])
            sys.exit(0)
        runpy.run_module("isoperimetry_bridges.torch", run_name="__main__", alter_sys=True)
        sys.exit("the program returned")
    children.append(child)
    print(child, flush=True)
for child in children:
    os.kill(child, signal.SIGKILL)
"""


class Child:
    """A command that runs in a process of its own."""

    def __init__(self, ask: Callable[[Any], Any], folder: Path, number: int, words: list[str], extra: dict[str, str]):
        self.ask, self.outputs, self.code = ask, [folder / f"{name}{number}.txt" for name in ("out", "err")], None
        out, err = map(str, self.outputs)
        self.pid = ask({"folder": str(folder), "words": words, "environment": extra, "out": out, "err": err})

    def poll(self) -> int | None:
        if self.code is None:
            self.code = self.ask({"poll": self.pid})
        return self.code

    def wait(self) -> tuple[int, str, str]:
        until(lambda: self.poll() is not None)
        out, err = (path.read_text() for path in self.outputs)
        assert self.code is not None
        return self.code, out, err

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.poll() is None, self.wait()
        os.kill(self.pid, number)


Launch = Callable[..., Child]


def until(holds: Callable[[], object], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Launch]:
    """Return a function that starts the program in a folder: launch(folder, *words, **variables of the environment)."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    own = {name: text for name, text in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    own |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", NURSERY], env=own, **pipes) as process:
        assert process.stdin is not None and process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def ask(task: Any) -> Any:
            print(json.dumps(task), file=stdin, flush=True)
            return json.loads(stdout.readline())

        number = iter(range(1000))
        yield lambda folder, *words, **extra: Child(ask, folder, next(number), list(words), extra)


OWN = ["--model", "their_slow_models:small_batches", "--data", "data.npz", "--quiet", "--seed", "3"]
MEASURE = ["measure", *OWN, "--sigma", "0.4", "--sigma", "0.5", "--samples", "1000"]
CHECK = ["check", *OWN, "--sigma", "0.4", "--samples", "300", "--starts", "20"]
RESULTS = {"measure": "measurements.json", "check": "results.json"}


VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_")


def launch_ranks(
    nursery: Launch, folder: Path, *words: str, slow: Mapping[int, str] = MappingProxyType({})
) -> list[Child]:
    """Start two ranks; those in ``slow`` sleep so many seconds in each batch."""
    port, started = free_port(), []
    for rank in range(2):
        mine = {name: text for name, text in rank_environment(rank, 2, port).items() if name.startswith(VARIABLES)}
        started.append(nursery(folder, *words, **mine, **({"SLOW": slow[rank]} if rank in slow else {})))
    return started


WAITING = """
import os, time
from isoperimetry_bridges.torch.distributed import joined
with joined() as mine:
    print("joined", flush=True)
    while mine.rank == 1 and not os.path.exists("go"):
        time.sleep(0.01)
    print(mine.wait(), flush=True)
"""


@pytest.mark.parametrize("killed", [False, True])
def test_a_rank_waits_for_those_that_live(nursery: Launch, tmp_path: Path, killed: bool) -> None:
    first, second = launch_ranks(nursery, tmp_path, "-c", WAITING)
    until(lambda: all(child.outputs[0].exists() and child.outputs[0].read_text() for child in (first, second)))
    time.sleep(0.3)
    assert first.poll() is None  # it waits
    if killed:
        second.kill()
    else:
        (tmp_path / "go").touch()
        assert second.wait() == (0, "joined\nTrue\n", "")
    assert first.wait()[:2] == (0, f"joined\n{not killed}\n")


def recorded(path: Path) -> tuple[Any, list[float]]:
    """Return results but for times and the words of the command, and the distances from the images themselves.

    These are not the same to the bit: ranks put other images together into a batch of an attack, and a product of
    float32 matrices rounds differently with its companions.
    """
    record, clean = json.loads(path.read_text()), []
    del record["created"]
    for name in ("seconds", "command"):
        record.pop(name, None)
    for model in record.get("models", ()):
        del model["seconds"]
        for image in model["images"]:
            clean += image.pop("clean_distances").values()
    return record, clean


def assert_same(path: Path, wanted: tuple[Any, list[float]]) -> None:
    record, clean = recorded(path)
    assert record == wanted[0]
    assert clean == pytest.approx(wanted[1], rel=1e-3)


def kept(out: Path, rank: int) -> set[str]:
    """Return the names that a rank has entered in the store."""
    lines = [line for path in out.rglob(f"rank{rank}-*.jsonl") for line in path.read_text().splitlines()[1:]]
    entries = [json.loads(line)["entry"] for line in lines if line.endswith("}")]
    return {entry["name"] for entry in entries}


def images_of(names: set[str]) -> set[int]:
    return {int(name.split("/")[1]) for name in names}


def write_theirs(folder: Path) -> Path:
    (folder / "their_slow_models.py").write_text(MODELS)
    images = np.full((N_IMAGES, 1, 4, 4), 0.5) + 0.01 * np.arange(N_IMAGES).reshape(-1, 1, 1, 1)
    np.savez(folder / "data.npz", images=images, labels=np.zeros(N_IMAGES, int))
    return folder


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Return a folder with a model and data."""
    return write_theirs(tmp_path)


@pytest.fixture(scope="module")
def alone(nursery: Launch, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what one process writes and prints, by command."""
    folder = write_theirs(tmp_path_factory.mktemp("alone"))
    started = {words[0]: nursery(folder, *words, "--out", words[0]) for words in (MEASURE, CHECK)}
    found = {}
    for command, child in started.items():
        code, out, err = child.wait()
        assert (code, err) == (0, "")
        found[command] = recorded(folder / command / RESULTS[command]), out
    return found


def test_two_ranks_measure_what_one_process_does(nursery: Launch, theirs: Path, alone: dict[str, Any]) -> None:
    first, second = launch_ranks(nursery, theirs, *MEASURE, "--out", "out")
    assert second.wait() == (0, "", "")
    assert first.wait() == (0, alone["measure"][1].replace("measure/", "out/"), "")
    assert_same(theirs / "out" / "measurements.json", alone["measure"][0])
    for rank, share in enumerate(({0, 2, 4}, {1, 3})):
        assert images_of({name for name in kept(theirs / "out", rank) if name.startswith("count/")}) == share


def test_two_ranks_check_what_one_process_does(nursery: Launch, theirs: Path, alone: dict[str, Any]) -> None:
    first, second = launch_ranks(nursery, theirs, *CHECK, "--out", "out")
    assert second.wait() == (0, "", "")
    code, out, err = first.wait()
    assert (code, err) == (0, "")
    assert_same(theirs / "out" / "results.json", alone["check"][0])
    assert "Written" in out
    assert sorted(path.name for path in (theirs / "out").iterdir()) == ["figure.png", "pictures.npz", "results.json"]


@pytest.mark.parametrize(("command", "stage"), [("measure", "count/"), ("check", "count/"), ("check", "attack/")])
def test_a_killed_rank_is_made_up_for(
    nursery: Launch, theirs: Path, alone: dict[str, Any], command: str, stage: str
) -> None:
    words = {"measure": MEASURE, "check": CHECK}[command]
    first, second = launch_ranks(nursery, theirs, *words, "--out", "out", slow={1: "0.03"})
    until(lambda: any(name.startswith(stage) for name in kept(theirs / "out", 1)))
    second.kill()
    code, _, err = first.wait()
    assert code == 0
    assert "A rank is gone: what it left undone is measured by rank 0." in err
    assert second.wait()[0] == -signal.SIGKILL
    assert_same(theirs / "out" / RESULTS[command], alone[command][0])
    # What the dead rank kept was not measured again, and the rest was.
    dead, living = kept(theirs / "out", 1), kept(theirs / "out", 0)
    assert images_of({name for name in dead if name.startswith(stage)}) <= {1, 3}
    last = "count/" if command == "measure" else "attack/"
    assert images_of({name for name in living if name.startswith(last)}) >= {0, 2, 3, 4}
    assert dead.isdisjoint(living)


def test_after_rank_0_is_killed_the_same_command_goes_on(nursery: Launch, theirs: Path, alone: dict[str, Any]) -> None:
    first, second = launch_ranks(nursery, theirs, *MEASURE, "--out", "out", slow={0: "0.03"})
    until(lambda: any(name.startswith("count/") for name in kept(theirs / "out", 0)))
    first.kill()
    code, out, err = second.wait()
    assert (code, out) == (0, "")
    assert "A rank is gone: if no results are written, run the same command again" in err
    assert not (theirs / "out" / "measurements.json").exists()
    assert first.wait()[0] == -signal.SIGKILL
    before = kept(theirs / "out", 0)
    shutil.copytree(theirs / "out", theirs / "copy")
    again = [
        *launch_ranks(nursery, theirs, *MEASURE, "--out", "out"),  # as two ranks, and as one process
        nursery(theirs, *MEASURE, "--out", "copy"),
    ]
    for child in again:
        code, _, err = child.wait()
        assert (code, err) == (0, "")
    for folder in ("out", "copy"):
        assert_same(theirs / folder / "measurements.json", alone["measure"][0])
        assert before < kept(theirs / folder, 0)
        assert len(list((theirs / folder / "store").iterdir())) == 2  # the file of the dead is appended to


def test_bad_options_end_all_ranks_in_a_line_each(nursery: Launch, theirs: Path) -> None:
    for child in launch_ranks(nursery, theirs, *MEASURE, "--sigma", "0", "--out", "out"):
        code, out, err = child.wait()
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert "must be finite and > 0" in err
    assert not (theirs / "out").exists()


@pytest.mark.slow
def test_by_torchrun(theirs: Path, alone: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", f"--master-port={free_port()}"]
    done = subprocess.run(
        [*command, "-m", "isoperimetry_bridges.torch", *MEASURE, "--out", "out"], cwd=theirs,
        env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, alone["measure"][1].replace("measure/", "out/"))
    assert_same(theirs / "out" / "measurements.json", alone["measure"][0])
    assert len(list((theirs / "out" / "store").iterdir())) == 2
