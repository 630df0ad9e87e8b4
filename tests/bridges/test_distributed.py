"""Ranks take disjoint shares of the images, and none of them waits for one that is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

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


WAITING = """
import sys, time
from isoperimetry_bridges.torch.distributed import joined
with joined() as mine:
    print("joined", flush=True)
    if mine.rank == 1:
        sys.stdin.readline()
    print(mine.wait(), flush=True)
"""


@pytest.fixture
def start() -> Any:
    """Start two ranks; they are ended at the end of the test, whatever happens."""
    running: list[subprocess.Popen[str]] = []

    def run(source: str) -> list[subprocess.Popen[str]]:
        port = free_port()
        for rank in range(2):
            command = [sys.executable, "-c", source]
            running.append(
                subprocess.Popen(
                    command,
                    env=rank_environment(rank, 2, port),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        return running

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("killed", [False, True])
def test_a_rank_waits_for_those_that_live(start: Callable[[str], list[subprocess.Popen[str]]], killed: bool) -> None:
    first, second = start(WAITING)
    for process in (first, second):
        assert process.stdout is not None
        assert process.stdout.readline() == "joined\n"
    time.sleep(0.3)
    assert first.poll() is None  # it waits
    if killed:
        second.send_signal(signal.SIGKILL)
    else:
        assert second.communicate("go on\n", timeout=60)[0] == "True\n"
    assert first.communicate(timeout=60)[0] == ("False\n" if killed else "True\n")
