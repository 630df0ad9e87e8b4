"""The file of finished blocks: nothing written is lost, nothing torn is read, no other run is mixed in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from isoperimetry.estimators import Membership, volume
from isoperimetry.estimators.record import RunRecord, plain

HEADER = {"problem": {"set": "x"}, "stream": {"seed": 1, "path": []}}


def test_results_are_read_again(tmp_path):
    path = tmp_path / "run"
    result = plain({"errors": np.int64(3), "logs": np.array([-0.1, -np.inf, 1e-320])})
    with RunRecord(path) as record:
        record.begin(HEADER)
        record.add("crude/0+8", result)
    with RunRecord(path) as record:
        record.begin(HEADER)
        assert record.get("crude/0+8") == result and record.get("crude/8+8") is None


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_line_is_cut_off_and_the_rest_is_kept(tmp_path, cut):
    path = tmp_path / "run"
    with RunRecord(path) as record:
        record.begin(HEADER)
        record.add("a/0+1", {"errors": 1})
        record.add("a/1+1", {"errors": 2})
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with RunRecord(path) as record:
        record.begin(HEADER)
        assert record.get("a/0+1") == {"errors": 1} and record.get("a/1+1") is None
        record.add("a/1+1", {"errors": 2})
    assert path.read_bytes() == whole


def test_a_flipped_byte_is_told_and_nothing_is_lost(tmp_path):
    path = tmp_path / "run"
    with RunRecord(path) as record:
        record.begin(HEADER)
        record.add("a/0+1", {"errors": 1})
        record.add("a/1+1", {"errors": 2})
    whole = path.read_bytes()
    damaged = whole.replace(b'"errors":1', b'"errors":7')
    path.write_bytes(damaged)
    with pytest.raises(
        ValueError, match=r"^record='.*run', line 2, is damaged .*: delete it, and what it held will be"
    ):
        RunRecord(path)
    assert path.read_bytes() == damaged
    lines = whole.splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])  # as the message says
    with RunRecord(path) as record:
        record.begin(HEADER)
        assert record.get("a/0+1") is None and record.get("a/1+1") == {"errors": 2}


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    path = tmp_path / "run"
    path.write_bytes(
        b'{"crc":4024160093,"entry":{"format":"isoperimetry run 1","problem":{"set":"x"},'
        b'"stream":{"seed":1,"path":[]}}}\n'
        b'{"crc":1153189546,"entry":{"name":"crude/0+8","result":{"errors":3,"logs":[-0.1,-Infinity,1e-320]}}}\n'
    )
    with RunRecord(path) as record:
        record.begin(HEADER)
        assert record.get("crude/0+8") == {"errors": 3, "logs": [-0.1, -np.inf, 1e-320]}


def test_another_run_is_refused(tmp_path):
    path = tmp_path / "run"
    with RunRecord(path) as record:
        record.begin(HEADER)
        with pytest.raises(ValueError, match="in use by another run"):
            RunRecord(path)
    with RunRecord(path) as record, pytest.raises(ValueError, match="differs in stream: give this run a new file"):
        record.begin({**HEADER, "stream": {"seed": 2, "path": []}})


@pytest.mark.parametrize("content", [b"measure,rate\n1,2\n", b'{"a": 1}\n'])
def test_a_file_of_somebody_else_is_left_alone(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    if content.startswith(b"{"):
        entry = json.dumps({"format": "another"}, separators=(",", ":")).encode()
        import zlib

        content = b'{"crc":%d,"entry":%s}\n' % (zlib.crc32(entry), entry)
        path.write_bytes(content)
    with pytest.raises(ValueError, match="must be a file of an earlier run"):
        RunRecord(path)
    assert path.read_bytes() == content


SLOW = """
import sys, time
from isoperimetry.estimators import CrudeMonteCarlo, Membership, volume
def corner(x):
    time.sleep(0.02)
    return (x > 0.5).all(axis=1)
estimate = volume(Membership(corner, dim=3, batch=100), n_samples=6000, rng=7, record=sys.argv[1],
                  method=CrudeMonteCarlo(block_size=200))
print(repr(estimate.log_value), estimate.n_calls)
"""


def test_a_run_that_was_killed_goes_on_and_gives_the_same_answer(tmp_path):
    path = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", SLOW, str(path)], stdout=subprocess.DEVNULL) as victim:
        deadline = time.monotonic() + 120
        while not path.exists() or path.read_bytes().count(b"\n") < 5:
            assert time.monotonic() < deadline and victim.poll() is None
            time.sleep(0.01)
        victim.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    done = path.read_bytes().count(b"\n")
    resumed = subprocess.run([sys.executable, "-c", SLOW, str(path)], capture_output=True, text=True, check=True)
    whole = subprocess.run(
        [sys.executable, "-c", SLOW, str(tmp_path / "other")], capture_output=True, text=True, check=True
    )
    assert resumed.stdout == whole.stdout
    assert 5 <= done < path.read_bytes().count(b"\n")


def test_the_file_knows_the_noise(tmp_path):
    calls = []

    def corner(x):
        calls.append(len(x))
        return (x > 0.5).all(axis=1)

    first = volume(Membership(corner, dim=3), n_samples=5000, record=tmp_path / "run")
    asked = sum(calls)
    again = volume(Membership(corner, dim=3), n_samples=5000, record=tmp_path / "run")
    assert again == first and sum(calls) - asked == first.n_search  # nothing was drawn again
    with pytest.raises(ValueError, match="differs in n_samples"):
        volume(Membership(corner, dim=3), n_samples=6000, record=tmp_path / "run")
