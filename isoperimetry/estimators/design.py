"""Design points: the points of the boundary of the errors that are, each in its surroundings, nearest to the center.

In standard normal space the nearest errors are the most likely ones, so that directions, half-spaces and shifts of the
samplers all come from here. None of these needs a point that is exact: a poor one costs variance, not truth.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.errors import IsoperimetryError
from isoperimetry.estimators.base import Run
from isoperimetry.estimators.descent import descend
from isoperimetry.estimators.problem import Problem
from isoperimetry.streams import Stream

SHARE = 0.1
"""Of the budget, for a search."""

FIRST_WAVE, WAVE, STARTS = 8, 24, 600
"""Starts that run together, and all of them at most."""

NUMBERS = 1 << 21
"""In the starting points of a wave, about; a descent holds eight times as many."""

KEPT = 1 << 24
"""Numbers in the points that are kept, about."""

SCALES = (0.3, 1.0, 3.0, 2.0)
"""Lengths of starts, in those of a noisy sample. Seen from far away, far pieces are nearest as often as near ones."""

SURE = 0.05
"""A half-space is that of a known point if less than this share of it is outside that one's."""


NEGLIGIBLE = 1e-4
"""Share of the measure for which no search goes on."""


class NoDesignPoint(IsoperimetryError, ValueError):
    """A search found no point at which the margin changes its sign."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class DesignPoints:
    """Points of the boundary, nearest first.

    Attributes
    ----------
    directions : array, shape (m, dim)
        Unit vectors from the center to the points.
    betas : array, shape (m,)
        Their distances, ascending, > 0, in units of the noise.
    margins : array, shape (m,)
        Margins there, 0 but for what the search left, in units of the noise: divided by the slope along the ray.
    n_starts : int
        How many descents there were.
    note : str
        What a reader should know if the search was cut short.
    """

    directions: Array
    betas: Array
    margins: Array
    n_starts: int
    note: str = ""

    @property
    def points(self) -> Array:
        """The points, shape (m, dim)."""
        return self.betas[:, None] * self.directions


def design_points(problem: Problem, run: Run, *, starts: int | None = None) -> DesignPoints:
    """Return the design points that descents find: from the center, from what `Margin.near` holds, from noisy points.

    The search ends when many starts in a row found nothing new, at a tenth of the budget, or after ``starts``. Its
    calls are counted in ``run``, and what it found is remembered there, so that asking again costs nothing.

    Raises
    ------
    NoDesignPoint
        If there is none, or the center itself is an error.
    """
    name = f"design points {starts}"
    if name not in run.memo:
        try:
            run.memo[name] = _search(problem, run, starts)
        except NoDesignPoint as failure:
            run.memo[name] = failure
    found = run.memo[name]
    if isinstance(found, NoDesignPoint):
        raise found
    if found.note and found.note not in run.notes:
        run.notes.append(found.note)
    return found  # type: ignore[no-any-return]


def _search(problem: Problem, run: Run, starts: int | None) -> DesignPoints:
    spent_before = run.n_search + run.n_search_gradients
    budget = max(SHARE * run.n_samples, 1.0)
    gradient_cost = sum(problem.gradient_cost)
    most = STARTS if starts is None else starts
    rows = max(1, min(WAVE, NUMBERS // problem.dim, int(budget / (8 * gradient_cost))))
    pieces = _Pieces(problem.dim)
    stream = run.stream.split("design")
    near = problem.near
    least = 1 + len(near)
    begun = 0
    complete = False
    while begun < most:
        left = budget - (run.n_search + run.n_search_gradients - spent_before)
        complete = begun >= least and pieces.finished(begun)
        if begun > 0 and (left <= 4 * gradient_cost or complete):
            break
        wave = min(rows if begun else min(rows, FIRST_WAVE), most - begun)
        u = _starts(problem, near, stream, begun, wave)
        if begun == 0 and float(run.ask_margin(problem, u[:1])[0]) <= 0:
            raise NoDesignPoint(
                "The center of the noise is an error itself, so that errors are no rare event to be searched for: use "
                "method='crude'."
            )
        # The first descent may go on beyond the share, as without it there is nothing to sample from.
        allowed = left if begun else max(left, min(20.0 * gradient_cost, 0.5 * run.n_samples))
        for row, direction, beta, margin in descend(problem, run, u, stream.split("kick", begun), allowed):
            pieces.add(begun + row, direction, beta, margin)
        begun += wave
    if not pieces.betas:
        raise NoDesignPoint(
            f"{begun} descents of the margin found no point where it changes its sign: errors are too far away, or the "
            "margin does not lead to them. Use method='splitting' or method='crude'."
        )
    note = ""
    if starts is None and not complete and begun < most:
        note = (
            f"The search for design points ended with its share of the budget, after {begun} descents, the last new "
            f"point at number {pieces.last_new}: there may be more, and parts of the set missing in the estimate."
        )
        if problem.gradient_cost[0] > 0:
            note += " Slopes by differences are dear: pass gradient=, or reduction=."
    return dataclasses.replace(pieces.sorted(begun), note=note)


def _starts(problem: Problem, near: Array, stream: Stream, first: int, n: int) -> Array:
    """Return the starts by index: the center, then those that the caller knows, then noise of several lengths."""
    u = problem.normals(stream.key, first, n)
    index = np.arange(first, first + n)
    u *= np.where(index == 0, 0.0, np.array(SCALES)[index % len(SCALES)])[:, None]
    known = (index > 0) & (index <= len(near))
    u[known] = near[index[known] - 1]
    return u


class _Pieces:
    """The half-spaces found so far, without those that others stand for."""

    def __init__(self, dim: int) -> None:
        self.directions: list[Array] = []
        self.betas: list[float] = []
        self.margins: list[float] = []
        self.most = max(4, KEPT // dim)
        self.last_new = 0

    def add(self, start: int, direction: Array, beta: float, margin: float) -> None:
        """Take a point, unless its half-space is known; a nearer one replaces those that it stands for."""
        if any(_stands_for(d @ direction, b, beta) for d, b in zip(self.directions, self.betas, strict=True)):
            return
        keep = [
            i for i, (d, b) in enumerate(zip(self.directions, self.betas, strict=True))
            if not _stands_for(direction @ d, beta, b)
        ]  # fmt: skip
        # Else it is a better version of one that was known, or too far away to matter.
        if len(keep) == len(self.betas) and beta < self._farthest():
            self.last_new = start + 1
        self.directions = [self.directions[i] for i in keep] + [direction]
        self.betas = [self.betas[i] for i in keep] + [beta]
        self.margins = [self.margins[i] for i in keep] + [margin]
        if len(self.betas) > self.most:
            farthest = int(np.argmax(self.betas))
            del self.directions[farthest], self.betas[farthest], self.margins[farthest]

    def _farthest(self) -> float:
        """Return the distance at which a half-space has a negligible share of the measure of the nearest."""
        if not self.betas:
            return math.inf
        return -float(special.ndtri_exp(special.log_ndtr(-min(self.betas)) + math.log(NEGLIGIBLE)))

    def finished(self, begun: int) -> bool:
        """Return whether more starts are unlikely to find more, or would find more for ever."""
        endless = begun >= 64 and len(self.betas) > 0.9 * begun  # a round boundary: each start has a point of its own
        return endless or begun - self.last_new >= 16 + 6 * sum(beta < self._farthest() for beta in self.betas)

    def sorted(self, begun: int) -> DesignPoints:
        """Return the points, nearest first."""
        order = np.argsort(self.betas, kind="stable")
        return DesignPoints(
            np.array([self.directions[i] for i in order]),
            np.array(self.betas)[order],
            np.array(self.margins)[order],
            begun,
        )


def _stands_for(cosine: Any, beta: float, other: float) -> bool:
    """Return whether the half-space at ``beta`` holds all but little of the one at ``other``, at an angle from it."""
    typical = other + 1.0 / max(other, 1.0)  # about the mean of the tail beyond the other plane
    sine = math.sqrt(max(1.0 - float(cosine) ** 2, 1e-30))
    return bool(special.ndtr((beta - float(cosine) * typical) / sine) < SURE)
