"""Draws followed along their rays x0 + sigma z: what is known of each, and the questions of many searches at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.judging import Judge
from isoperimetry_bridges.torch.noise import Run
from isoperimetry_bridges.torch.scales import SigmaSearch

Rows: TypeAlias = NDArray[np.int64]
Answer: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.float32]]


SIDE_BY_SIDE = 64
"""Searches at work at once: enough to fill batches, few enough that some end early, and can be kept."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Asks which of the draws ``rays``, in increasing order, are errors at a scale, and by which margin."""

    sigma: float
    rays: Rows


Search: TypeAlias = Generator[list[Question], list[Answer], SigmaSearch]
"""The search at one image: yields questions, gets their answers, returns its record."""


def run_searches(
    judge: Judge,
    searches: Sequence[tuple[int, Stream, Search]],
    done: Callable[[int, SigmaSearch], object] = lambda index, found: None,
) -> dict[int, SigmaSearch]:
    """Run searches side by side: a round judges what all of them ask, in batches that mix images and scales.

    Parameters
    ----------
    judge : Judge
    searches : sequence of (index, stream, search)
        Index of the image, the stream of its draws, its search.
    done : callable
        ``done(index, record)`` is called as soon as a search ends.
    """
    found: dict[int, SigmaSearch] = {}
    streams = {index: stream for index, stream, _ in searches}
    waiting = [(index, search) for index, _, search in reversed(searches)]
    active: dict[int, Search] = {}
    answers: dict[int, list[Answer]] = {}
    while active or waiting:
        while waiting and len(active) < SIDE_BY_SIDE:
            index, search = waiting.pop()
            active[index] = search
        asked: dict[int, list[Question]] = {}
        for index, search in list(active.items()):
            try:
                asked[index] = search.send(answers[index]) if index in answers else next(search)
            except StopIteration as end:
                found[index] = end.value
                done(index, end.value)
                del active[index]
        runs = [
            run
            for index, questions in asked.items()
            for question in questions
            for run in _runs(index, streams[index], question)
        ]
        if not runs:
            continue
        judged = judge.judge(runs, margins=True)
        margins = np.zeros(0, np.float32) if judged.margins is None else judged.margins
        at = 0
        for index, questions in asked.items():
            ends = at + np.cumsum([len(question.rays) for question in questions])
            parts = [slice(end - len(question.rays), end) for end, question in zip(ends, questions, strict=True)]
            answers[index] = [(judged.wrong[part], margins[part]) for part in parts]
            at = int(ends[-1])
    return found


def _runs(index: int, stream: Stream, question: Question) -> Iterator[Run]:
    """Return draws with consecutive numbers as one run."""
    for part in np.split(question.rays, np.flatnonzero(np.diff(question.rays) != 1) + 1):
        yield Run(index, question.sigma, stream, int(part[0]), len(part))


FIRST_STEP = 32
_NEVER = np.iinfo(np.int64).max


class Rays:
    """What is known of the draws 0, 1, ... of one image, at the scales of a fixed grid.

    A ray that was found wrong at a scale is taken for wrong at larger ones, and one found right for right at smaller
    ones, by `count`, which so asks few questions. Where the two contradict each other, wrong counts.

    Parameters
    ----------
    sigmas : sequence of float
        The grid.
    """

    def __init__(self, sigmas: Sequence[float]) -> None:
        self.sigmas, self.n_calls = sigmas, 0
        self._wrong_from = np.empty(0, np.int64)  # smallest index at which the ray was wrong
        self._right_to = np.empty(0, np.int64)  # largest index at which it was right
        self._answers: dict[int, NDArray[np.int8]] = {}  # by index: 1 right, 2 wrong, 0 not asked
        self._margins: dict[int, NDArray[np.float32]] = {}

    def _grow(self, size: int) -> None:
        if size > (have := len(self._wrong_from)):
            self._wrong_from = np.append(self._wrong_from, np.full(size - have, _NEVER))
            self._right_to = np.append(self._right_to, np.full(size - have, -1))

    def _at(self, index: int) -> NDArray[np.int8]:
        size = len(self._wrong_from)
        old = self._answers.get(index, np.empty(0, np.int8))
        if len(old) < size:
            self._answers[index] = np.append(old, np.zeros(size - len(old), np.int8))
            margins = self._margins.get(index, np.empty(0, np.float32))
            self._margins[index] = np.append(margins, np.full(size - len(margins), np.nan, np.float32))
        return self._answers[index]

    def ask(self, places: Sequence[tuple[int, Rows]]) -> Generator[list[Question], list[Answer], None]:
        """Ask for rays at indices of the grid, at different ones at once; never again for what was answered."""
        new = []
        for _, rays in places:
            if len(rays):
                self._grow(int(rays.max()) + 1)
        for index, rays in places:
            missing = rays[self._at(index)[rays] == 0]
            if len(missing):
                new.append((index, missing))
        if not new:
            return
        answers = yield [Question(self.sigmas[index], rays) for index, rays in new]
        for (index, rays), (wrong, margins) in zip(new, answers, strict=True):
            self.n_calls += len(rays)
            self._at(index)[rays] = np.where(wrong, 2, 1)
            self._margins[index][rays] = margins
            errors, others = rays[wrong], rays[~wrong]
            self._wrong_from[errors] = np.minimum(self._wrong_from[errors], index)
            self._right_to[others] = np.maximum(self._right_to[others], index)

    def count(self, index: int, size: int) -> Generator[list[Question], list[Answer], int]:
        """Return the number of errors among draws 0 to ``size - 1``; asks only where no other scale tells."""
        self._grow(size)
        open_rays = np.flatnonzero((self._wrong_from[:size] > index) & (self._right_to[:size] < index))
        yield from self.ask([(index, open_rays)])
        return int((self._wrong_from[:size] <= index).sum())

    def passage(
        self, wanted: int, hint: int, last: int, size: int, fine: int = 1
    ) -> Generator[list[Question], list[Answer], int]:
        """Return the smallest index, up to ``last``, at which at least ``wanted`` of ``size`` draws are errors.

        ``last`` must be such an index. Begins at ``hint``, steps down or up, each time twice as far, and halves, to
        ``fine`` steps of the grid.
        """
        low, high, step = -1, last, FIRST_STEP
        at = min(hint, last - 1)
        while low < at < high:
            if (yield from self.count(at, size)) >= wanted:
                high = at
                at = max(at - step, 0)
            else:
                low = at
                at += step
            step *= 2
        while high - low > fine:
            middle = (low + high) // 2
            if (yield from self.count(middle, size)) >= wanted:
                high = middle
            else:
                low = middle
        return high

    def asked(self, index: int, size: int) -> int:
        """Return how many of the draws were judged at an index."""
        return int((self._at(index)[:size] > 0).sum())

    def errors(self, index: int, size: int) -> int:
        """Return how many of the draws were judged, and found wrong, at an index."""
        return int((self._at(index)[:size] == 2).sum())

    def wrong(self, index: int, size: int) -> Rows:
        """Return which of the draws were judged, and found wrong, at an index."""
        return np.flatnonzero(self._at(index)[:size] == 2)

    def wrong_by(self, index: int, size: int) -> Rows:
        """Return which of the draws are taken for wrong at an index."""
        return np.flatnonzero(self._wrong_from[:size] <= index)

    def right_by_margin(self, index: int, size: int) -> Rows:
        """Return the draws that were right at an index, those nearest to an error first; by number without margins."""
        rays = np.flatnonzero(self._at(index)[:size] == 1)
        return rays[np.argsort(self._margins[index][rays], kind="stable")]
