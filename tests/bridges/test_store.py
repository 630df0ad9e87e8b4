"""The store: what was added survives kill -9, processes share a folder, another run is refused, shards are merged."""

from __future__ import annotations

import errno
import math
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from isoperimetry.errors import RecordError
from isoperimetry_bridges.torch import store as module
from isoperimetry_bridges.torch.store import Store, as_store, merge_stores

HEADER = {"model": "0f3a", "n_samples": 100, "sigmas": [0.1, 0.2]}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(folder: Path, results: dict[str, object], *, rank: int = 0, header: dict[str, object] = HEADER) -> None:
    with Store(folder, rank=rank) as store:
        store.begin(header)
        for name, result in results.items():
            store.add(name, result)


def test_results_come_back_to_the_bit(tmp_path):
    folder = tmp_path / "a" / "run"
    given = {"x": np.array([0.1, -math.inf, math.nan, 5e-324]), "n": np.int64(2**40), "t": (1, "\ud800")}
    with Store(folder) as store:
        assert not folder.exists()  # nothing is made for who only looks
        store.begin(HEADER)
        store.add("image 3", given)
        now = store.get("image 3")
    with Store(folder) as store:
        again = store.get("image 3")
        assert store.names() == ["image 3"] and store.get("image 4") is None and store.header == HEADER
    assert repr(now) == repr(again) == repr({"x": [0.1, -math.inf, math.nan, 5e-324], "n": 2**40, "t": [1, "\ud800"]})
    assert len(files(folder)) == 1 and files(folder)[0].startswith("rank0-")


def test_files_of_the_dead_are_used_again_and_those_of_the_living_are_not(tmp_path):
    for n in range(3):
        fill(tmp_path, {f"image {n}": n})
    assert len(files(tmp_path)) == 1
    with Store(tmp_path) as first, Store(tmp_path) as second:
        first.begin(HEADER)
        second.begin(HEADER)
        assert len(files(tmp_path)) == 2
        first.add("from first", 1)
        second.add("from second", 2)
        assert first.get("from second") is None
        first.refresh(), second.refresh()
        assert first.get("from second") == 2 and second.get("from first") == 1
        reader = Store(tmp_path)  # which has no file of its own
        second.add("later", 3)
        reader.refresh()
        assert set(reader.names()) == {"image 0", "image 1", "image 2", "from first", "from second", "later"}
    fill(tmp_path, {"from rank 1": 0}, rank=1)
    assert [name.split("-")[0] for name in files(tmp_path)] == ["rank0", "rank0", "rank1"]


def test_a_file_of_another_machine_is_read_and_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(module.platform, "node", lambda: "elsewhere")
    fill(tmp_path, {"a": 1})
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.undo()
    with Store(tmp_path) as store:
        store.begin(HEADER)
        store.add("b", 2)
        assert set(store.names()) == {"a", "b"} and len(files(tmp_path)) == 2
    assert all(path.read_bytes() == content for path, content in before.items())


def test_where_there_are_no_locks_no_file_is_written_twice(tmp_path, monkeypatch):
    monkeypatch.setattr("isoperimetry.journal._lock", lambda descriptor: False)
    fill(tmp_path, {"a": 1})
    fill(tmp_path, {"b": 2})
    assert len(files(tmp_path)) == 2 and set(Store(tmp_path).names()) == {"a", "b"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"model": "1b2c"},
            r'written by another model .* \(model \("0f3a", here "1b2c"\)\): give this run a new folder',
        ),
        (
            {"n_samples": 200},
            r"is of another run, it differs in n_samples \(100, here 200\): give this run a new folder",
        ),
        (
            {"sigmas": [0.1], "clip": True},
            r"differs in clip \(null, here true\), sigmas \(\[0.1, 0.2\], here \[0.1\]\)",
        ),
        ({"sigmas": [0.5] * 40}, r"differs in sigmas \(\[0.1, 0.2\], here \[0.5, 0.5, .*\.\.\.\):"),
    ],
)
def test_another_run_is_refused(tmp_path, change, told):
    fill(tmp_path, {"a": 1})
    before = files(tmp_path)
    with Store(tmp_path) as store, pytest.raises(ValueError, match=told):
        store.begin({**HEADER, **change})
    assert files(tmp_path) == before
    with Store(tmp_path) as store:
        store.begin(dict(reversed(HEADER.items())))
        with pytest.raises(ValueError, match="another"):
            store.begin({**HEADER, **change})
        store.begin(HEADER)


def test_two_that_begin_different_runs_at_once_do_not_mix(tmp_path, monkeypatch):
    with Store(tmp_path) as one, Store(tmp_path, rank=1) as other:

        def meanwhile(folder: Path) -> None:
            one.begin(HEADER)
            one.add("a", 1)

        monkeypatch.setattr(other, "_left_behind", meanwhile)
        with pytest.raises(ValueError, match=r"files of different runs, rank0-.*\.jsonl differs .* n_samples"):
            other.begin({**HEADER, "n_samples": 7})
        assert [name.split("-")[0] for name in files(tmp_path)] == ["rank0"]
        with pytest.raises(ValueError, match=r"call begin\(header\)"):
            other.add("a", 1)


def test_equal_results_are_one_and_others_contradict(tmp_path):
    with Store(tmp_path) as store:
        store.begin(HEADER)
        store.add("a", {"errors": 3, "x": math.nan})
        size = sum(path.stat().st_size for path in tmp_path.iterdir())
        store.add("a", {"x": math.nan, "errors": 3})
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) == size
        with pytest.raises(
            ValueError, match=r"'a' is .*\"errors\": 3.* in rank0-.* but .*\"errors\": 4.* in what is ad"
        ):
            store.add("a", {"errors": 4, "x": math.nan})
        assert store.get("a")["errors"] == 3
    with Store(tmp_path, rank=1) as first, Store(tmp_path, rank=2) as second:
        first.begin(HEADER)
        second.begin(HEADER)
        first.add("b", 1)
        second.add("b", 1)
        first.refresh()
        first.add("c", [0.0] * 100 + [1.5])
        second.add("c", [0.0] * 100 + [2.5])
        for _ in range(2):  # not only the first time
            with pytest.raises(
                ValueError, match=r"'c' is \.\.\..* 1.5\] in rank1-.* but .* 2.5\] in rank2-.*jsonl, so"
            ):
                first.refresh()
    with pytest.raises(ValueError, match="contradicts itself"):
        Store(tmp_path)


def test_a_damaged_line_is_named(tmp_path):
    fill(tmp_path, {"a": 1, "b": 2})
    path = tmp_path / files(tmp_path)[0]
    path.write_bytes(path.read_bytes().replace(b'"result":1', b'"result":7'))
    with pytest.raises(ValueError, match=f"{path.name}, line 2, is damaged"):
        Store(tmp_path)


def test_folders_of_others_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match=r"holds 'thesis.tex' and no file of a store: give an empty or a new folder"):
        Store(tmp_path)
    with pytest.raises(ValueError, match="is a file: it must be a folder"):
        Store(tmp_path / "thesis.tex")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".hidden").touch()
    fill(tmp_path / "run", {"a": 1})
    (tmp_path / "run" / "table.parquet").touch()  # beside ours it does no harm
    assert Store(tmp_path / "run").names() == ["a"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "rank0-1.jsonl").write_text("{}\n")
    with pytest.raises(ValueError, match=r"rank0-1.jsonl must be a file of an earlier run"):
        Store(tmp_path / "other")


def test_misuse_is_told(tmp_path):
    for rank in (-1, True, "0"):
        with pytest.raises(ValueError, match=r"rank=.* must be an int >= 0"):
            Store(tmp_path, rank=rank)
    store = Store(tmp_path)
    with pytest.raises(ValueError, match=r"call begin\(header\) before add"):
        store.add("a", 1)
    with pytest.raises(TypeError, match="header must be made of numbers, texts, lists and dictionaries"):
        store.begin({"model": object()})
    store.begin(HEADER)
    with pytest.raises(TypeError, match="result of 'a' must be made of"):
        store.add("a", {1, 2})
    with pytest.raises(ValueError, match=r"result=None of 'a' says nothing"):
        store.add("a", None)
    for name in ("", 3):
        with pytest.raises(TypeError, match="must be a text"):
            store.add(name, 1)
    store.close()
    store.close()
    with pytest.raises(ValueError, match="is closed: open it again"):
        store.add("a", 1)
    store.begin(HEADER)
    store.add("a", 1)
    store.close()
    assert Store(tmp_path).names() == ["a"]


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Store(tmp_path) as store:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(RecordError):
                store.begin(HEADER)
        assert files(tmp_path) == []
        store.begin(HEADER)
        store.add("a", 1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(RecordError, match="what was finished before is kept"):
                store.add("b", 2)
        assert store.get("b") is None
        store.add("b", 2)
    assert Store(tmp_path).names() == ["a", "b"]


def test_threads_may_add_at_once(tmp_path):
    with Store(tmp_path) as store:
        store.begin(HEADER)

        def work(k: int) -> None:
            for n in range(200):
                store.add(f"{k}/{n}", {"n": n, "pad": "x" * (n % 50)})
                store.add(f"shared/{n}", n)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        names = store.names()
    again = Store(tmp_path)
    assert again.names() == names and len(names) == 5 * 200
    assert all(again.get(f"shared/{n}") == n for n in range(200))
    (file,) = tmp_path.iterdir()
    assert file.read_bytes().count(b"\n") == 1 + 5 * 200  # each once


def test_nothing_is_kept_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with as_store(None) as store:
        store.begin(HEADER)
        store.add("a", (1, 2))
        store.refresh()
        assert store.get("a") == [1, 2] and store.names() == ["a"]
        with pytest.raises(ValueError, match="store='memory' contradicts itself: 'a'"):
            store.add("a", [1, 3])
        with pytest.raises(ValueError, match="differs in n_samples"):
            store.begin({**HEADER, "n_samples": 1})
    assert list(tmp_path.iterdir()) == []


def test_stores_of_the_caller_stay_open(tmp_path):
    with Store(tmp_path) as store:
        with as_store(store) as same:
            assert same is store
            same.begin(HEADER)
        store.add("a", 1)
    with as_store(str(tmp_path), rank=2) as opened:
        opened.begin(HEADER)
        opened.add("b", 2)
    with pytest.raises(ValueError, match="is closed"):
        opened.add("c", 3)
    with as_store(tmp_path) as opened:
        assert set(opened.names()) == {"a", "b"} and any(name.startswith("rank2-") for name in files(tmp_path))
    with pytest.raises(TypeError, match="store=3 must be a folder, a Store or None"):
        as_store(3)


def test_shards_are_merged(tmp_path):
    fill(tmp_path / "one", {"a": 1, "b": 2})
    fill(tmp_path / "two", {"b": 2, "c": 3})
    fill(tmp_path / "two", {"d": 4}, rank=1)
    folders = [tmp_path / "one", str(tmp_path / "two")]
    assert merge_stores(folders, tmp_path / "all") == 4
    assert merge_stores(folders, tmp_path / "all") == 0
    merged = Store(tmp_path / "all")
    assert {name: merged.get(name) for name in merged.names()} == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert merged.header == HEADER and len(files(tmp_path / "all")) == 1
    shutil.copytree(tmp_path / "one", tmp_path / "copied")  # files of several machines may also be put side by side
    shutil.copytree(tmp_path / "two", tmp_path / "copied", dirs_exist_ok=True)
    assert set(Store(tmp_path / "copied").names()) == {"a", "b", "c", "d"}


def test_shards_that_do_not_fit_are_refused(tmp_path):
    fill(tmp_path / "one", {"a": 1, "b": 2})
    fill(tmp_path / "two", {"b": 20})
    with pytest.raises(
        ValueError, match=r"'b' is 2 in rank0-.* but 20 in .*two.rank0-.*\.jsonl, so they were not meas"
    ):
        merge_stores([tmp_path / "one", tmp_path / "two"], tmp_path / "all")
    assert Store(tmp_path / "all").get("b") == 2
    fill(tmp_path / "three", {"c": 3}, header={**HEADER, "n_samples": 7})
    with pytest.raises(ValueError, match="differs in n_samples"):
        merge_stores([tmp_path / "one", tmp_path / "three"], tmp_path / "some")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty' holds no file of a store"):
        merge_stores([tmp_path / "empty"], tmp_path / "some")
    with pytest.raises(ValueError, match=r"nowhere' must be the folder of a store"):
        merge_stores([tmp_path / "nowhere"], tmp_path / "some")


# Victims are forked, and the file of the store is imported by itself, as importing takes seconds. A victim reports each
# result after `add` returned.
KILLS = """
import importlib.util, os, random, signal, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("store", sys.argv[2])
store = importlib.util.module_from_spec(spec)
spec.loader.exec_module(store)
Store = store.Store

def result(n):
    return {"n": n, "x": [n / 3.0] * (n % 20), "pad": "x" * (300_000 if n % 8 == 5 else 0)}

def work(folder, report):
    with Store(folder) as store:
        store.begin({"model": "0f3a"})
        known = len(store.names())
        for n in range(known, 10**9):
            store.add(f"image {n}", result(n))
            os.write(report, b"%d\\n" % n)

random.seed(20)
torn = added = 0
for round in range(48):
    folder, report = Path(sys.argv[1]) / f"run {round // 8}", Path(sys.argv[1]) / f"report {round // 8}"
    child = os.fork()
    if child == 0:
        work(folder, os.open(report, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
        os._exit(1)
    time.sleep(random.uniform(0.0, 0.06))
    os.kill(child, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    reported = report.read_bytes().count(b"\\n") if report.exists() else 0
    names = Store(folder).names()
    assert names == [f"image {n}" for n in range(len(names))], names
    assert reported <= len(names) <= reported + round % 8 + 1, (reported, len(names))
    if folder.exists():
        contents = [path.read_bytes() for path in folder.iterdir()]
        torn += sum(content[-1:] not in (b"", b"\\n") for content in contents)
        assert sum(content.count(b"\\n") > 0 for content in contents) <= 1
    if round % 8 == 7:
        store = Store(folder)
        assert all(store.get(name) == result(n) for n, name in enumerate(names))
        added += len(names)
print(added, "results", torn, "torn lines")
assert added > 20
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_nothing_is_lost_by_kills_at_any_time(tmp_path):
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLS, str(tmp_path), module.__file__],
        capture_output=True,
        text=True,
        env=quiet,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    print(run.stdout)
