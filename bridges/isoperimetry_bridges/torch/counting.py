"""Counts of errors around many images and scales at once, in rounds: stopped by a rule, kept in a store, resumed."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from isoperimetry.progress import Progress
from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import ImageId
from isoperimetry_bridges.torch.judging import Judge, Judged, Pending
from isoperimetry_bridges.torch.noise import Run
from isoperimetry_bridges.torch.stopping import StoppingRule, looks
from isoperimetry_bridges.torch.store import Store

BATCHES_A_ROUND = 32
"""Batches for each worker between two looks at the counts, at which these are stored: seconds for most models."""

OnMargins = Callable[[ImageId, float, int, NDArray[np.float32]], object]


@dataclasses.dataclass(slots=True, kw_only=True)
class Cell:
    """The count around one image at one scale: of draws 0 to ``draws - 1``; ``planned`` are at work or counted."""

    index: int
    image_id: ImageId
    sigma: float
    stream: Stream
    draws: int = 0
    errors: int = 0
    ties: int = 0
    planned: int = 0
    looks: list[list[int]] = dataclasses.field(default_factory=list)
    finished: bool = False

    def key(self, kind: str, first: int) -> str:
        """Return the name, in a store, of counts that begin with the draw ``first``."""
        return f"{kind}/{json.dumps(self.image_id)}/{self.sigma.hex()}/{first}"


@dataclasses.dataclass(slots=True)
class _Part:
    """Draws of a cell in a round, ``first`` to ``first + count - 1``; then the counts of the cell at some of them."""

    cell: Cell
    first: int
    count: int
    marks: list[tuple[int, int, int]] = dataclasses.field(default_factory=list)  # draws, errors, ties so far


class Counts:
    """All cells, counted in rounds; a round has draws of many of them.

    Which draws make up a round depends on the counts, the batch size and the number of workers alone, not on the clock,
    so that a run repeats.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        rule: StoppingRule,
        n_samples: int,
        store: Store | None,
        on_margins: OnMargins | None,
    ) -> None:
        self.rule, self.n_samples, self.store, self.on_margins = rule, n_samples, store, on_margins
        self.grid = looks(n_samples) if rule.sequential else (n_samples,)
        self.kind = "looks" if rule.sequential else "count"
        self.left, self.n_cells = deque(cells), len(cells)
        if store is not None:
            for cell in cells:
                self._resume(cell, store)
            self._sweep()

    @property
    def n_done(self) -> int:
        """Number of draws that are not to be judged any more: counted, or left out after a stop."""
        return self.n_samples * self.n_cells - sum(self.n_samples - cell.draws for cell in self.left)

    def run(self, judge: Judge, stage: Progress) -> None:
        """Count until every cell has its draws, or the rule stops it; ``stage`` advances by draws."""
        waiting: deque[tuple[list[_Part], Pending]] = deque()
        # Without a rule the next round needs nothing of this one: the workers never wait for it.
        ahead = 1 if self.rule.sequential else 2
        name, began = judge.classifier.name, time.perf_counter()
        while True:
            while len(waiting) < ahead and (parts := self._next_round(judge)):
                runs = [Run(p.cell.index, p.cell.sigma, p.cell.stream, p.first, p.count) for p in parts]
                waiting.append((parts, judge.submit(runs, margins=self.on_margins is not None)))
            if not waiting:
                return
            parts, pending = waiting.popleft()
            advanced = self._keep(parts, pending.result())
            speed = judge.n_calls / (time.perf_counter() - began)
            stage.describe(f"{name}: error rates, {speed:.3g} images/s")
            stage.advance(advanced)

    def _next_look(self, draws: int) -> int:
        return next((look for look in self.grid if look > draws), self.n_samples)

    def _next_round(self, judge: Judge) -> list[_Part]:
        step = judge.workers * judge.batch_size
        room, parts = BATCHES_A_ROUND * step, []
        for cell in self.left:
            if room <= 0:
                break
            if count := min(self._next_look(cell.planned) - cell.planned, room):
                parts.append(_Part(cell, cell.planned, count))
                room -= count
        # Whole batches for all workers: draws beyond a look are not lost unless the rule stops there.
        spare = -sum(part.count for part in parts) % step
        for part in parts:
            extra = min(spare, self.n_samples - part.first - part.count)
            part.count += extra
            spare -= extra
            part.cell.planned = part.first + part.count
        return parts

    def _keep(self, parts: list[_Part], judged: Judged) -> int:
        """Add the answers of a round to the cells, up to where the rule stops; return by how much the work is less."""
        errors = np.concatenate([[0], np.cumsum(judged.wrong, dtype=np.int64)])
        ties = np.concatenate([[0], np.cumsum(judged.near, dtype=np.int64)])
        row = 0
        for part in parts:
            cell, end = part.cell, part.first + part.count
            for draws in [*(look for look in self.grid if part.first < look < end), end]:
                at = row + draws - part.first
                found = (cell.errors + int(errors[at] - errors[row]), cell.ties + int(ties[at] - ties[row]))
                part.marks.append((draws, *found))
            row += part.count
        self._stop(parts)
        row = advanced = 0
        for part in parts:
            cell = part.cell
            advanced += self.n_samples - cell.draws
            for mark in part.marks:
                self._add(cell, mark)
            advanced -= 0 if cell.finished else self.n_samples - cell.draws
            if self.on_margins is not None and judged.margins is not None:
                end = row + cell.draws - part.first
                self.on_margins(cell.image_id, cell.sigma, part.first, judged.margins[row:end])
            row += part.count
        self._sweep()
        return advanced

    def _add(self, cell: Cell, mark: tuple[int, int, int]) -> None:
        name = cell.key(self.kind, cell.draws)
        draws, errors, ties = mark
        if self.store is not None and self.store.get(name) is None:
            self.store.add(name, [draws - cell.draws, errors - cell.errors, ties - cell.ties])
        self._advance(cell, mark)

    def _stop(self, parts: list[_Part]) -> None:
        """Cut off the marks after the first look at which the rule holds, and call these cells finished."""
        if not self.rule.sequential:
            return
        grid = set(self.grid)
        marks = [(part, at) for part in parts for at, (draws, *_) in enumerate(part.marks) if draws in grid]
        counts = np.array([part.marks[at][:2] for part, at in marks], np.int64).reshape(-1, 2)
        for (part, at), holds in zip(marks, self.rule.holds(counts[:, 1], counts[:, 0]), strict=True):
            if holds and not part.cell.finished:
                part.cell.finished = True
                del part.marks[at + 1 :]

    def _advance(self, cell: Cell, mark: tuple[int, int, int]) -> None:
        cell.draws, cell.errors, cell.ties = mark
        cell.finished = cell.finished or cell.draws == self.n_samples
        if self.rule.sequential and cell.draws in self.grid:
            cell.looks.append([cell.draws, cell.errors])

    def _sweep(self) -> None:
        self.left = deque(cell for cell in self.left if not cell.finished)

    def _resume(self, cell: Cell, store: Store) -> None:
        """Read what a store has of a cell: entries that follow one another, up to where the rule stops."""
        part = _Part(cell, 0, 0)
        draws = errors = ties = 0
        while found := store.get(cell.key(self.kind, draws)):
            count, more_errors, more_ties = found
            if draws + count > self._next_look(draws):  # written with other numbers of draws to look at
                break
            draws, errors, ties = draws + count, errors + more_errors, ties + more_ties
            part.marks.append((draws, errors, ties))
        self._stop([part])
        for mark in part.marks:
            self._advance(cell, mark)
        cell.planned = cell.draws
