"""The journal: what was written is read again to the bit, a torn end is passed over, damage is told, disks fill up."""

from __future__ import annotations

import errno
import json
import math
import os
import struct
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoperimetry import journal as module
from isoperimetry.errors import RecordError
from isoperimetry.journal import Journal, differing, plain, same_entry

FORM = "test 1"
HEADER = {"problem": "x"}


def writer(path: Path) -> tuple[Journal, list[object]]:
    journal = Journal(path, FORM)
    journal.acquire()
    try:
        entries = list(journal.read())
        if journal.header is None:
            journal.start(HEADER)
    except ValueError:
        journal.close()
        raise
    return journal, entries


def write(path: Path, *entries: object) -> None:
    journal, _ = writer(path)
    with journal:
        for entry in entries:
            journal.append(entry)


def read(path: Path) -> list[object]:
    return list(Journal(path, FORM).read())


def bits(value: object) -> object:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("d", value)
    if isinstance(value, list):
        return [bits(item) for item in value]
    return {key: bits(item) for key, item in value.items()} if isinstance(value, dict) else value


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None))
entries = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(entries, max_size=4))
def test_entries_are_read_again_to_the_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("journal") / "file"
    write(path, *values)
    again = read(path)
    assert bits(again) == bits(values) and all(map(same_entry, again, values))


def test_every_cut_leaves_what_was_whole(tmp_path):
    path = tmp_path / "file"
    write(path, {"n": 1}, {"n": 2}, [math.inf])
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        lines = sum(end <= length for end in ends)
        expected = [{"n": 1}, {"n": 2}, [math.inf]][: max(lines - 1, 0)]
        assert read(path) == expected and path.read_bytes() == whole[:length]  # reading changes nothing
        journal, found = writer(path)
        with journal:
            assert found == expected
            for entry in ([{"n": 1}, {"n": 2}, [math.inf]])[len(found) :]:
                journal.append(entry)
        assert path.read_bytes() == whole


def test_zeros_at_the_end_are_a_torn_line(tmp_path):
    path = tmp_path / "file"
    write(path, 1, 2)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(100))  # as some file systems leave a file after a power cut
    assert read(path) == [1, 2]
    write(path)
    assert path.read_bytes() == whole


def test_every_flipped_byte_is_told_and_nothing_is_cut(tmp_path):
    path = tmp_path / "file"
    write(path, {"n": 1}, {"n": 2})
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        line = whole.count(b"\n", 0, place) + 1
        if place == len(whole) - 1:  # the last newline: not told apart from a torn line
            assert read(path) == [{"n": 1}]
            continue
        foreign = place < len(b'{"crc":')
        told = "must be a file of an earlier run" if foreign else f"file, line {line}, is damaged .* (delete it|move)"
        for attempt in (read, writer):
            with pytest.raises(ValueError, match=told):
                attempt(path)
        assert path.read_bytes() == bytes(damaged)
    path.write_bytes(whole[:last])  # what the message advises
    assert read(path) == [{"n": 1}]


def test_who_appends_excludes_others_and_readers_follow(tmp_path):
    path = tmp_path / "file"
    reader = Journal(path, FORM)
    with pytest.raises(FileNotFoundError):
        list(reader.read())
    journal, _ = writer(path)
    with journal:
        if journal.locked:
            with pytest.raises(BlockingIOError, match="in use by another process"):
                Journal(path, FORM).acquire()
        assert list(reader.read()) == [] and reader.header == {"format": FORM, **HEADER}
        journal.append("a")
        journal.append("b")
        assert list(reader.read()) == ["a", "b"]
        with path.open("ab") as file:
            file.write(b'{"crc":12,"en')
        assert list(reader.read()) == []
    left = writer(path)
    assert left[1] == ["a", "b"]  # it is free again
    del left
    assert writer(path)[1] == ["a", "b"]  # a journal that nobody closed holds nothing


def test_a_reader_goes_on_as_the_one_who_appends(tmp_path):
    path = tmp_path / "file"
    write(path, "a")
    journal = Journal(path, FORM)
    assert list(journal.read()) == ["a"]
    write(path, "b")
    with journal:
        journal.acquire()
        with pytest.raises(ValueError, match=r"call acquire\(\) and read\(\) first"):
            journal.append("too early: line b is not yet read")
        assert list(journal.read()) == ["b"]
        journal.append("c")
    assert read(path) == ["a", "b", "c"]


def test_misuse_is_told(tmp_path):
    journal = Journal(tmp_path / "file", FORM)
    journal.acquire()
    with journal:
        assert list(journal.read()) == []
        with pytest.raises(ValueError, match=r"no header yet: call start\(\)"):
            journal.append(1)
        journal.start(HEADER)
        with pytest.raises(ValueError, match="has a header already"):
            journal.start(HEADER)
        with pytest.raises(TypeError):
            journal.append({1, 2})
        journal.append(1)
    with pytest.raises(ValueError, match=r"call acquire\(\)"):
        journal.append(2)
    assert read(tmp_path / "file") == [1]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ValueError, match="became shorter"):
        list(journal.read())


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"{}\n", b"\x00" * 9, b'{"crc', "format"])
def test_files_of_others_are_left_alone(tmp_path, content):
    if content == "format":
        body = json.dumps({"format": "another 1"}).encode()
        content = b'{"crc":%d,"entry":%s}\n' % (zlib.crc32(body), body)
    path = tmp_path / "file"
    path.write_bytes(content)
    if content == b'{"crc':  # a torn header: ours
        assert read(path) == []
        return
    for attempt in (read, writer):
        with pytest.raises(ValueError, match="must be a file of an earlier run, or not exist yet"):
            attempt(path)
    assert path.read_bytes() == content


def test_a_file_that_was_deleted_under_its_lock_is_not_written_to(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.touch()
    monkeypatch.setattr(module, "_lock", lambda descriptor: path.unlink() or True)  # between opening and locking
    with pytest.raises(BlockingIOError):
        Journal(path, FORM).acquire()


class FullDisk:
    """``os.write`` on a disk with room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room, self.write = room, os.write

    def __call__(self, descriptor: int, data: memoryview) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = self.write(descriptor, data[: self.room])
        self.room -= taken
        return taken


@pytest.mark.parametrize("room", [0, 1, 30])
def test_a_full_disk_loses_nothing(tmp_path, monkeypatch, room):
    path = tmp_path / "file"
    journal, _ = writer(path)
    with journal:
        journal.append({"n": 1})
        whole = path.read_bytes()
        disk = FullDisk(room)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", disk)
            with pytest.raises(RecordError, match=r"cannot be written .* finished before is kept, so free") as caught:
                journal.append({"n": 2})
        assert isinstance(caught.value, OSError) and os.strerror(errno.ENOSPC) in str(caught.value)
        assert path.read_bytes() == whole
        journal.append({"n": 2})  # there is room again
    assert read(path) == [{"n": 1}, {"n": 2}]


def test_a_sync_that_fails_is_told(tmp_path, monkeypatch):
    path = tmp_path / "file"
    journal, _ = writer(path)
    monkeypatch.setattr(module, "SYNC_EVERY", 0.0)

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            with pytest.raises(RecordError):
                journal.append(1)
        journal.append(2)
    assert read(path) == [1, 2]
    journal, _ = writer(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(RecordError):
            journal.close()
    assert writer(path)[1] == [1, 2]  # it was closed all the same


def test_syncs_are_at_most_one_a_second(tmp_path, monkeypatch):
    synced: list[int] = []
    now = [100.0]
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    journal, _ = writer(tmp_path / "file")
    synced.clear()
    with journal:
        for _ in range(100):
            now[0] += 0.05
            journal.append(0)
        assert 4 <= len(synced) <= 5
        synced.clear()
    assert len(synced) == 1  # at the end


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_an_interrupted_line_is_absent_or_whole(tmp_path, monkeypatch, when):
    path = tmp_path / "file"
    journal, _ = writer(path)
    real = os.write

    def interrupted(descriptor: int, data: memoryview) -> int:
        real(descriptor, data[: {"before": 0, "between": 9, "after": len(data)}[when]])
        raise KeyboardInterrupt

    with journal:
        journal.append("a")
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", interrupted)
            with pytest.raises(KeyboardInterrupt):
                journal.append("b")
        journal.append("c")
    assert read(path) == (["a", "b", "c"] if when == "after" else ["a", "c"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_does_not_write_into_its_parents_file(tmp_path):
    code = f"""
        import os
        from isoperimetry.journal import Journal
        with Journal({str(tmp_path / "file")!r}, {FORM!r}) as journal:
            journal.acquire(), list(journal.read()), journal.start({{}})
            if os.fork() == 0:
                try:
                    journal.append("child")
                except RuntimeError as error:
                    assert "a fork must open its own file" in str(error)
                    os._exit(7)
            assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
            journal.append("parent")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    assert read(tmp_path / "file") == ["parent"]


LIMITED = """
import resource, sys
from isoperimetry.errors import RecordError
from isoperimetry.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))  # the system stops writes there, as if full
with Journal(sys.argv[1], "test 1") as journal:
    journal.acquire(), list(journal.read()), journal.start({})
    kept = 0
    try:
        while True:
            journal.append({"n": kept})
            kept += 1
    except RecordError as error:
        print(kept, error)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a limit of the size of files")
def test_a_file_that_the_system_stops_is_whole(tmp_path):
    path = tmp_path / "file"
    told = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True).stdout
    kept, message = told.split(" ", 1)
    assert "what was finished before is kept" in message and int(kept) > 10
    assert read(path) == [{"n": n} for n in range(int(kept))]
    assert path.read_bytes().endswith(b"}\n")


def test_small_helpers():
    assert differing({"a": 1, "b": math.nan}, {"b": math.nan, "c": 2, "a": 1.0}) == ["c"]
    assert not same_entry([1, {"x": 2}], [1, {"x": 3}])
    import numpy as np

    assert plain({"x": np.arange(2), "y": (np.float64(0.5), [np.bool_(True)])}) == {"x": [0, 1], "y": [0.5, [True]]}


def test_reading_takes_linear_time_and_no_memory_of_its_own(tmp_path):
    import tracemalloc

    path = tmp_path / "file"
    journal, _ = writer(path)
    with journal:
        for n in range(20_000):
            journal.append({"n": n, "text": "x" * 100})
    tracemalloc.start()
    count = sum(1 for _ in Journal(path, FORM).read())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000 and path.stat().st_size > 2_500_000 and peak < 500_000
