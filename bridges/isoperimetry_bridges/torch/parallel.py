"""Many images at once on a CPU: a thread an image, each with its own arithmetic.

Small models are faster so than with all cores inside one operation, and a core that is busy with something else holds
up one image, not all: inside an operation every thread waits for the slowest.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

import torch

from isoperimetry.progress import Progress

Tools = TypeVar("Tools")
Result = TypeVar("Result")


def can_be_copied(tools: object) -> bool:
    """Return whether copies of ``tools`` can work side by side."""
    # Not so: a module that holds a lock or a file, or a tensor computed from its weights, as old weight_norm does.
    try:
        copy.deepcopy(tools)
    except Exception:
        return False
    return True


def each_image(
    tools: Tools,
    job: Callable[[Tools, int], Result],
    count: int,
    stage: Progress,
    *,
    device: torch.device,
    done: Callable[[Result], object] = lambda result: None,
) -> list[Result]:
    """Return ``[job(tools, 0), ..., job(tools, count - 1)]`` and advance ``stage`` by one for each.

    ``tools`` are what a job works with: a classifier on ``device``, or several things among them one. On a CPU the jobs
    share the threads that torch would use inside one operation (`torch.get_num_threads`): at most one thread an image,
    and with fewer images than threads several threads inside each operation. Every job then gets a copy of the tools,
    with the same weights, so that a module or an attack which keeps notes on itself is safe. Elsewhere, and where the
    tools cannot be copied, the jobs run one after the other. ``done`` gets each result as soon as it is there, in the
    caller's thread. The first error ends all; jobs that are at work then are waited for, and go to ``done`` too.
    """
    threads = torch.get_num_threads()
    workers = min(threads, count) if device.type == "cpu" else 1
    if workers <= 1 or not can_be_copied(tools):
        results = []
        for index in range(count):
            results.append(job(tools, index))
            done(results[-1])
            stage.advance(1)
        return results
    pool = ThreadPoolExecutor(workers)
    waiting: set[Future[Result]] = set()
    try:
        torch.set_num_threads(threads // workers)
        futures: list[Future[Result]] = [
            pool.submit(lambda index=i: job(copy.deepcopy(tools), index))  # type: ignore[misc]
            for i in range(count)
        ]
        waiting = set(futures)
        for future in as_completed(futures):
            waiting.discard(future)
            done(future.result())
            stage.advance(1)
    except BaseException:
        # It has to be waited for the jobs at work anyhow: what they return is kept too.
        pool.shutdown(cancel_futures=True)
        for future in waiting:
            if not future.cancelled() and future.exception() is None:
                done(future.result())
        raise
    finally:
        pool.shutdown()
        torch.set_num_threads(threads)
    return [future.result() for future in futures]
