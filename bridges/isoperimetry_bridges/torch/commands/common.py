"""What the commands share: which words they were called with, where they may write, and how they stop."""

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


def command_line(context: typer.Context) -> list[str]:
    """Return the words that repeat a command: its name, and the options that were given, however it was started."""
    words = context.command_path.split()
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if source is None or source.name != "COMMANDLINE":
            continue
        value, option = context.params[str(parameter.name)], parameter.opts[0]
        if isinstance(value, bool):
            words.append(option if value else parameter.secondary_opts[0])
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [option, str(one)]
    return words


def refuse_no_folder(option: str, path: Path | None) -> None:
    """Refuse, before hours of work, a file that could not be written after them."""
    if path is None:
        return
    if path.is_dir():
        raise ValueError(f"{option}={str(path)!r} is a folder: name a file to write.")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{option}={str(path)!r}: the folder {str(path.parent)!r} does not exist: make it first.")


@contextmanager
def saying_out() -> Iterator[None]:
    """Say --out where the store of another run is in the way: on the command line nothing else chooses a folder."""
    advice = "give this run a new folder"
    try:
        yield
    except ValueError as error:
        if type(error) is ValueError and advice in str(error):
            raise ValueError(str(error).replace(advice, "give this run another --out")) from error
        raise


@contextmanager
def stopping_in_order(store: Path) -> Iterator[None]:
    """Answer the first Ctrl-C at once in words, and let work in hand be finished; the second one ends the program.

    If the work stops without a result, it is said that what was measured is kept, but for an error before anything new
    was: then the same command would end in the same way. A store without counts is taken away.
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

    found = _n_measurements(store)
    before: Any = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except BaseException as error:
        kept = _n_measurements(store)
        if kept > found or (kept and isinstance(error, KeyboardInterrupt)):
            typer.echo(f"What was measured is kept in {store}: the same command goes on from there.", err=True)
        elif not kept and ranks().size == 1:
            # A model that is mended is another one, which the header of a store would refuse.
            shutil.rmtree(store, ignore_errors=True)
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def _n_measurements(store: Path) -> int:
    """Return how many entries a store, or the ones in folders of it, have besides the digests of the images."""
    folders = {path.parent for path in store.rglob("rank*-*.jsonl")}
    return sum(not name.startswith("image/") for folder in folders for name in Store(folder).names())
