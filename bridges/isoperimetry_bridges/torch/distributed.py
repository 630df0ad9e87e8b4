"""Several processes, one job: each rank of ``torchrun`` takes its share of the images, and no rank waits for another.

Ranks do not talk while they work: what they measure is named by image and draw and goes into one folder (`Store`), a
file a process. So a rank that is killed takes nothing with it, and the same command again, with as many ranks as you
like, goes on where all of them were.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import distributed

from isoperimetry.errors import IsoperimetryError
from isoperimetry_bridges.torch.faults import raised

Result = TypeVar("Result")

# All ranks are started together: one that is not there by then will not come.
JOINING = datetime.timedelta(minutes=10)
# Ranks finish at very different times: the wait at the end is no sign that something hangs.
PATIENCE = datetime.timedelta(days=7)


@dataclasses.dataclass(frozen=True, slots=True)
class Ranks:
    """Which of how many processes this is.

    Attributes
    ----------
    rank, size : int
        0 <= rank < size; rank 0 writes the results.
    local : int
        The rank on this machine, by which it takes a GPU.
    group : process group, optional
        Over which they wait for one another; default: that of all processes.
    """

    rank: int = 0
    size: int = 1
    local: int = 0
    group: Any = dataclasses.field(default=None, repr=False, compare=False)

    def share(self, count: int) -> list[int]:
        """Return which of ``count`` images this rank measures: every ``size``-th from ``rank`` on.

        Examples
        --------
        >>> Ranks(1, 3).share(8)
        [1, 4, 7]
        """
        return list(range(self.rank, count, self.size))

    def device(self, device: str | None) -> str | None:
        """Return the device of this rank: where ``cuda`` is asked for, the GPU of its number."""
        if device != "cuda" or self.size == 1:
            return device
        return f"cuda:{self.local % max(torch.cuda.device_count(), 1)}"

    def wait(self) -> bool:
        """Wait until all ranks are here; return False if one of them has gone for good."""
        if self.size == 1:
            return True
        try:
            distributed.barrier(self.group)
        except RuntimeError:  # the connection to a rank that was killed is closed
            return False
        return True


def ranks() -> Ranks:
    """Return the rank that ``torchrun`` gave to this process; alone without it.

    Raises
    ------
    ValueError
        If the variables RANK and WORLD_SIZE make no sense.
    """
    size, rank = (_number(name, low) for name, low in (("WORLD_SIZE", 1), ("RANK", 0)))
    if size is None or rank is None:
        return Ranks()
    if rank >= size:
        raise ValueError(f"RANK={rank} must be below WORLD_SIZE={size}: torchrun sets both.")
    return Ranks(rank, size, _number("LOCAL_RANK", 0) or 0)


def _number(name: str, low: int) -> int | None:
    text = os.environ.get(name)
    if text is None:
        return None
    if not text.isdecimal() or int(text) < low:
        raise ValueError(f"{name}={text!r} must be an integer >= {low}: torchrun sets it.")
    return int(text)


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the other ranks, over gloo, and leave them at the end.

    Raises
    ------
    IsoperimetryError
        If not all ranks are there after ten minutes.
    """
    mine = ranks()
    if mine.size == 1:
        yield mine
        return
    try:
        distributed.init_process_group("gloo", timeout=JOINING)
    except RuntimeError as error:
        raise IsoperimetryError(
            f"Rank {mine.rank} of {mine.size} waited {JOINING.total_seconds():g} s for the others, and not all came: "
            f"start all ranks of a run together, with one WORLD_SIZE and MASTER_ADDR (torch {raised(error)})."
        ) from error
    try:
        # A group of its own: what has joined may wait for days.
        yield dataclasses.replace(mine, group=distributed.new_group(backend="gloo", timeout=PATIENCE))
    finally:
        distributed.destroy_process_group()


def on_all_ranks(run: Callable[[int, Sequence[int]], Result], count: int) -> tuple[Result | None, bool]:
    """Measure ``count`` images on all ranks.

    Parameters
    ----------
    run : callable
        ``run(rank, images)`` measures those images and keeps in a store of this rank what it measures. Rank 0 runs it
        once more, for all images: what the ranks have kept is found in the store, and what a rank that is gone has left
        undone is measured then.
    count : int
        Number of images.

    Returns
    -------
    result, complete
        What the last run returned on rank 0, None on the others; and whether all ranks were there to the end.
    """
    with joined() as mine:
        complete = True
        if mine.size > 1:
            if chosen := mine.share(count):
                run(mine.rank, chosen)
            complete = mine.wait()
            if mine.rank:
                if not complete:  # perhaps rank 0, which would have written the results
                    print(
                        "A rank is gone: if no results are written, run the same command again, which goes on from "
                        "what is kept.",
                        file=sys.stderr,
                    )
                return None, complete
            if not complete:
                print("A rank is gone: what it left undone is measured by rank 0.", file=sys.stderr)
        return run(mine.rank, range(count)), complete
