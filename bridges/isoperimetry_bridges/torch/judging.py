"""Noisy images made and judged batch by batch: the one place where errors among keyed draws are decided."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import threading
from bisect import bisect_right
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.faults import is_out_of_memory, not_finite
from isoperimetry_bridges.torch.noise import NoiseSource, Run
from isoperimetry_bridges.torch.parallel import can_be_copied
from isoperimetry_bridges.torch.timing import Stopwatch

ROWS_AT_ONCE = 1 << 20
"""Rows whose answers are held at once where only counts are wanted."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Answers for the draws of some runs, in their order.

    Attributes
    ----------
    wrong : array of bool, shape (n,)
        Which draws are errors.
    near : array of bool, shape (n,)
        Ties: the margin is within the classifier's slack, so that other arithmetic might decide otherwise.
    margins : array of float32, shape (n,), or None
        Where they were asked for; NaN where the criterion has none.
    """

    wrong: NDArray[np.bool_]
    near: NDArray[np.bool_]
    margins: NDArray[np.float32] | None = None


class _Rows:
    """The draws of some runs, one after the other."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)
        self.starts = [0, *itertools.accumulate(run.count for run in self.runs)]
        self.total = self.starts.pop()

    def cut(self, first: int, count: int) -> list[Run]:
        """Return the runs that rows ``first`` to ``first + count - 1`` are made of."""
        found = []
        at = bisect_right(self.starts, first) - 1
        while count:
            run = self.runs[at]
            skip = first - self.starts[at]
            part = min(count, run.count - skip)
            found.append(run if part == run.count else Run(run.image, run.sigma, run.stream, run.first + skip, part))
            first, count, at = first + part, count - part, at + 1
        return found

    def images(self) -> Tensor:
        """Return the index of the image of each row, int64."""
        indices = np.array([run.image for run in self.runs], np.int64)
        return torch.from_numpy(np.repeat(indices, [run.count for run in self.runs]))


class _Job:
    """Rows to be judged, the answers so far, and which rows are at work."""

    def __init__(self, rows: _Rows, device: torch.device, margins: bool) -> None:
        self.rows, self.total = rows, rows.total
        self.images = rows.images().to(device)
        self.answers = torch.zeros((3, self.total), dtype=torch.bool, device=device)
        self.margins = torch.empty(self.total, device=device) if margins else None
        self.taken = self.finished = 0
        self.failure: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.finished == self.taken and (self.taken == self.total or self.failure is not None)

    def result(self) -> Judged:
        """Return the answers, fetched from the device; refuse those of a broken model."""
        wrong, near, broken = self.answers.cpu().numpy()
        if broken.any():
            (run,) = self.rows.cut(int(broken.argmax()), 1)
            where = f" for draw {run.first} around images[{run.image}] at sigma={run.sigma:g}"
            raise not_finite(where=where)
        return Judged(wrong, near, None if self.margins is None else self.margins.cpu().numpy())


class _Lane:
    """What judges one batch after the other: a classifier, the memory of a batch, a watch."""

    def __init__(
        self, classifier: Classifier, source: NoiseSource, shape: torch.Size, labels: Tensor, clock: Stopwatch
    ) -> None:
        self.classifier, self.source, self.labels, self.clock = classifier, source, labels, clock
        self.shape, self.dim = shape, shape.numel()
        self.buffer: Tensor | None = None

    def work(self, job: _Job, first: int, count: int) -> None:
        """Judge rows ``first`` to ``first + count - 1``; in smaller batches where the memory does not suffice."""
        end = first + count
        while first < end:
            size = self.classifier.batch_size(self.dim)
            count, too_large = min(size, end - first), False
            try:
                self._judge(job, first, count, size)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                too_large = True
            if too_large:  # here, where nothing of the failed call is held any more
                self.buffer = None
                if self.source.device.type == "cuda":
                    torch.cuda.empty_cache()
                self.classifier.shrink_batch(size)
            else:
                first += count

    def _judge(self, job: _Job, first: int, count: int, size: int) -> None:
        with self.clock("noise"):
            if self.buffer is None or len(self.buffer) < size:
                self.buffer = torch.empty((size, *self.shape), dtype=self.source.dtype, device=self.source.device)
            batch = self.buffer[:size]
            self.source.fill(job.rows.cut(first, count), batch)
            rows = job.images[first : first + count]
            if count < size:
                # A float32 model may round differently at another batch size: the last batch is as large as all.
                batch[count:] = batch[0]
                rows = torch.cat([rows, rows[:1].expand(size - count)])
        with self.clock("forward"):
            found = self.classifier.judge(batch, self.labels[rows])
        with self.clock("tally"):
            for row, answer in enumerate((found.wrong, found.near, found.broken)):
                job.answers[row, first : first + count] = answer[:count]
            if job.margins is not None:
                job.margins[first : first + count] = found.margins[:count]


class Pending:
    """Answers that may still be in the making; `result` waits for them."""

    def __init__(self, judge: Judge, job: _Job) -> None:
        self._judge, self._job = judge, job

    def result(self) -> Judged:
        """Return the answers as soon as all are there.

        Raises
        ------
        ModelError
            If the model raised an error, or one of its answers is NaN or infinite, or memory does not suffice for one
            input.
        """
        return self._judge._finish(self._job)


class Judge:
    """Judges draws around images in batches that mix images and scales.

    All batches have the classifier's counting size; the last is filled up. Where memory does not suffice, the size is
    halved, for this classifier and its copies, and the batch is done again. Answers come in the order of the runs. But
    for ties, they do not depend on how these are cut, on the workers or on the batch size.

    On a CPU every thread that torch may use takes whole batches, with a copy of the classifier that shares the weights:
    small models are faster so. A model that cannot be copied, or is compiled, works in the caller's thread. Elsewhere
    batches are sent to the device one after the other, and nothing waits for it before answers are fetched.

    Parameters
    ----------
    classifier : Classifier
    images : Tensor, shape (n, ...), of ``classifier.input_dtype``, on the CPU
    labels : Tensor, shape (n,) or (n, ...)
        As `as_tensors` returns them.
    clip : bool, default False
        Clip noisy images to the input box before the model sees them.
    clock : Stopwatch, optional
        Gets the seconds spent on noise, forward passes and tallying, summed over threads.
    workers : int, optional
        Number of threads; 1: all is done in the caller's thread. Default: `torch.get_num_threads`, 1 elsewhere than on
        a CPU.

    Examples
    --------
    >>> from isoperimetry.streams import as_stream
    >>> from isoperimetry_bridges.torch.noise import noise_stream
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)).eval()
    >>> stream = noise_stream(as_stream(7), "count", 0)
    >>> with Judge(Classifier(linear), torch.zeros(1, 1, 2, 2), torch.tensor([0])) as judge:
    ...     judged = judge.judge([Run(0, 0.1, stream, 0, 100), Run(0, 0.2, stream, 0, 50)])
    >>> judged.wrong.shape
    (150,)
    """

    def __init__(
        self,
        classifier: Classifier,
        images: Tensor,
        labels: Tensor,
        *,
        clip: bool = False,
        clock: Stopwatch | None = None,
        workers: int | None = None,
    ) -> None:
        self.classifier, self.images, self.labels, self.clip = classifier, images, labels, clip
        self.clock = clock or Stopwatch()
        self.n_calls = 0
        device = classifier.device
        self._threads = torch.get_num_threads()
        self.workers = (workers or self._threads) if device.type == "cpu" else 1
        if self.workers > 1 and (classifier.compiled or not can_be_copied(classifier)):
            self.workers = 1
        source = NoiseSource(
            images,
            device=device,
            bounds=classifier.bounds if clip else None,
            n_threads=1 if self.workers > 1 else None,
        )
        own = [classifier] if self.workers == 1 else [copy.deepcopy(classifier) for _ in range(self.workers)]
        self._lanes = [_Lane(one, source, images.shape[1:], labels.to(device), self.clock) for one in own]
        self._pool: list[threading.Thread] = []
        self._jobs: list[_Job] = []
        self._changed = threading.Condition()
        self._closed = False

    @property
    def batch_size(self) -> int:
        """Number of draws that are sent through the model at once."""
        return self.classifier.batch_size(self._lanes[0].dim)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads, after the batches at work."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._pool:
            thread.join()
        self._pool = []

    def judge(self, runs: Sequence[Run], *, margins: bool = False) -> Judged:
        """Return which draws of ``runs`` are errors and which are ties, and their margins on demand; see `Pending`."""
        return self.submit(runs, margins=margins).result()

    def count(self, runs: Sequence[Run]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the numbers of errors and of ties in each run; the memory does not grow with the number of draws."""
        rows = _Rows(runs)
        errors, ties = np.zeros(len(runs), np.int64), np.zeros(len(runs), np.int64)
        for first in range(0, rows.total, ROWS_AT_ONCE):
            count = min(ROWS_AT_ONCE, rows.total - first)
            judged = self.judge(rows.cut(first, count))
            # The runs that the rows belong to, and where each of them ends among these.
            low, high = bisect_right(rows.starts, first) - 1, bisect_right(rows.starts, first + count - 1)
            ends = [min(end - first, count) for end in rows.starts[low + 1 : high]] + [count]
            begin = 0
            for at, end in zip(range(low, high), ends, strict=True):
                errors[at] += np.count_nonzero(judged.wrong[begin:end])
                ties[at] += np.count_nonzero(judged.near[begin:end])
                begin = end
        return errors, ties

    def submit(self, runs: Sequence[Run], *, margins: bool = False) -> Pending:
        """Let the threads, or the device, begin with ``runs``, after those that were submitted before."""
        if self._closed:
            raise RuntimeError("This judge was closed: make another one.")
        job = _Job(_Rows(runs), self.classifier.device, margins)
        if self.workers == 1:
            self._work_here(job)
            return Pending(self, job)
        if not self._pool:
            self._start()
        with self._changed:
            self._jobs.append(job)
            self._changed.notify_all()
        return Pending(self, job)

    def _work_here(self, job: _Job) -> None:
        while job.taken < job.total:
            count = min(self.batch_size, job.total - job.taken)
            self._lanes[0].work(job, job.taken, count)
            job.taken = job.finished = job.taken + count

    def _finish(self, job: _Job) -> Judged:
        with self._changed:
            while not job.done:
                self._changed.wait()
        if job.failure is not None:
            raise job.failure
        self.n_calls += job.total
        with self.clock("tally"):
            return job.result()

    def _start(self) -> None:
        # Torch's number of threads belongs to the thread that sets it, but new ones begin with the last that was set.
        ready = threading.Barrier(self.workers + 1)
        each = max(1, self._threads // self.workers)

        def serve(lane: _Lane) -> None:
            torch.get_num_threads()  # torch reads the common number at a thread's first question, and never again
            torch.set_num_threads(each)
            ready.wait()
            self._serve(lane)

        self._pool = [threading.Thread(target=serve, args=(lane,), daemon=True) for lane in self._lanes]
        for thread in self._pool:
            thread.start()
        ready.wait()
        torch.set_num_threads(self._threads)

    def _serve(self, lane: _Lane) -> None:
        while (taken := self._take()) is not None:
            job, first, count = taken
            failure: BaseException | None = None
            try:
                lane.work(job, first, count)
            except BaseException as error:
                failure = error
            with self._changed:
                job.finished += count
                job.failure = job.failure or failure
                if job.done:
                    self._changed.notify_all()

    def _take(self) -> tuple[_Job, int, int] | None:
        """Return the next batch of the first job that has one left, as soon as there is one; None: the end."""
        with self._changed:
            while not self._closed:
                while self._jobs:
                    job = self._jobs[0]
                    if job.taken < job.total and job.failure is None:
                        first = job.taken
                        count = min(self.batch_size, job.total - first)
                        job.taken += count
                        return job, first, count
                    self._jobs.pop(0)
                self._changed.wait()
        return None
