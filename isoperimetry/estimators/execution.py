"""Blocks of work on any executor: submitted and taken in order and kept in a record, so that bits do not depend on it.

A task is a picklable callable of (first, n), units of work by index, and its result is made of numbers and lists. What
it returns is a function of these alone, so that a block may run twice, or on another machine, and change nothing.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from typing import Any

from isoperimetry.errors import FunctionError, IsoperimetryError
from isoperimetry.estimators.record import RunRecord, plain

Task = Callable[[int, int], Any]
Block = tuple[int, int]


class ExecutorFailed(IsoperimetryError, RuntimeError):
    """An executor stopped working."""


class Blocks:
    """Runs blocks on an executor and remembers the finished ones.

    Parameters
    ----------
    executor : concurrent.futures.Executor or None
        Where to run; None: here, in threads where the work releases the GIL.
    record : RunRecord
        What is finished already, and where to keep what is finished.
    """

    def __init__(self, executor: Executor | None, record: RunRecord) -> None:
        self._executor, self._record = executor, record
        self._own: ThreadPoolExecutor | None = None
        self.workers = _workers(executor)

    def map(self, name: str, task: Task, blocks: Iterable[Block], *, threads: bool = False) -> Iterator[Any]:
        """Return the results of ``task(first, n)``, in the order of the blocks.

        Parameters
        ----------
        name : str
            Under which the results are kept.
        task : callable
            See the module's docstring.
        blocks : iterable of (first, n)
            The work.
        threads : bool
            Whether threads help, if there is no executor.
        """
        pool = self._executor
        if pool is None and threads:
            if self._own is None:
                self._own = ThreadPoolExecutor(self.workers)
            pool = self._own
        waiting: deque[tuple[str, Any]] = deque()
        remaining = iter(blocks)
        try:
            while True:
                while len(waiting) < 2 * self.workers or (pool is None and not waiting):
                    if (block := next(remaining, None)) is None:
                        break
                    waiting.append(self._start(pool, f"{name}/{block[0]}+{block[1]}", task, block))
                if not waiting:
                    return
                label, result = waiting.popleft()
                if isinstance(result, Future):
                    result = plain(self._wait(result, label))
                    self._record.add(label, result)
                yield result
        finally:
            for _, result in waiting:
                if isinstance(result, Future):
                    result.cancel()

    def close(self) -> None:
        """End the threads that were started here."""
        if self._own is not None:
            self._own.shutdown(wait=True, cancel_futures=True)

    def _start(self, pool: Executor | None, label: str, task: Task, block: Block) -> tuple[str, Any]:
        found = self._record.get(label)
        if found is not None:
            return label, found
        if pool is None:
            result = plain(task(*block))
            self._record.add(label, result)
            return label, result
        try:
            return label, pool.submit(task, *block)
        except FunctionError:
            raise
        except Exception as error:
            raise self._failed(error, label) from error

    def _wait(self, future: Future[Any], label: str) -> Any:
        try:
            return future.result()
        except FunctionError:
            raise
        except (Exception, CancelledError, BrokenExecutor) as error:
            raise self._failed(error, label) from error

    def _failed(self, error: BaseException, label: str) -> ExecutorFailed:
        words = " ".join(str(error).split())[:200]
        advice = "start a new one and run again; with record=FILE the finished blocks are not repeated."
        if "pickle" in words:
            advice = "its processes must be able to import the function: define it in a module, not inside another one."
        return ExecutorFailed(
            f"executor={type(self._executor).__name__} failed at block {label} ({type(error).__name__}: {words}): "
            f"{advice}"
        )


def _workers(executor: Executor | None) -> int:
    """Return how many blocks run at once, to keep twice as many submitted."""
    if executor is None:
        return max(1, int(os.environ.get("NUMBA_NUM_THREADS", 0)) or os.cpu_count() or 1)
    known = getattr(executor, "_max_workers", None)
    client = getattr(executor, "_client", None)  # that of Dask
    if client is not None:
        known = sum(client.nthreads().values())
    return int(known) if isinstance(known, int) and known > 0 else 16
