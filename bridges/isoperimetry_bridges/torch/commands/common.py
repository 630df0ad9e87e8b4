"""What the commands share: whose model and data, and how they stop."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from isoperimetry_bridges.torch.distributed import ranks
from isoperimetry_bridges.torch.store import Store


@contextmanager
def stopping_in_order(store: Path) -> Iterator[None]:
    """Answer the first Ctrl-C at once in words, and let work in hand be finished; the second one ends the program.

    If the work stops without a result, it is said that what was measured is kept; a store without counts is taken away.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []

    def stop(signal_number: int, frame: FrameType | None) -> None:
        if pressed:
            os._exit(130)
        pressed.append(signal_number)
        typer.echo("Stopping: work in hand is finished first. Press Ctrl-C again to stop at once.", err=True)
        raise KeyboardInterrupt

    before: Any = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except BaseException:
        if _holds_measurements(store):
            typer.echo(f"What was measured is kept in {store}: the same command goes on from there.", err=True)
        elif ranks().size == 1:  # a model that is mended is another one, which the header of a store would refuse
            shutil.rmtree(store, ignore_errors=True)
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def _holds_measurements(store: Path) -> bool:
    """Whether a store, or one in a folder of it, has more than the digests of the images."""
    folders = {path.parent for path in store.rglob("rank*-*.jsonl")}
    return any(not name.startswith("image/") for folder in folders for name in Store(folder).names())
