"""Where lines cross an error set that is known by its margin alone: roots by few calls, for many lines at once.

A search starts at a predicted root and takes secant steps; from the first sign change on, they stay in a bracket. It
stops when the step that is left, times the doubt in the slope, moves the measure by a part of the tolerance: that step
is taken and not asked about. A scan asks about nodes all along a line and searches every sign change between them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array
from isoperimetry.estimators.crossings import Pieces
from isoperimetry.estimators.problem import Problem

Rows = NDArray[np.intp]
Bools = NDArray[np.bool_]

TOLERANCE = 1e-4
"""Relative error of the measure of a line that an inexact root may make, about: far below the scatter of lines."""

DOUBT = 0.1
"""Least relative doubt in a slope: the set may bend, or have a kink, where nothing was asked."""

MOST_CALLS = 100
"""On one root. A bracket halves in three, so that only a margin that is no function gets there."""

RESTLESS = 6
"""Calls without a sign change, after which steps have their full length."""


class Lines:
    """The lines ``base[i] + t * directions[i]`` of a problem; ``calls`` counts the points asked about.

    Parameters
    ----------
    problem : Problem
        With a margin.
    base : array, shape (m, dim)
        A point of each line.
    directions : array, shape (dim,) or (m, dim)
        Of length 1.
    """

    def __init__(self, problem: Problem, base: Array, directions: Array) -> None:
        self._problem, self._base, self._directions = problem, base, directions
        self.calls = 0

    def margin(self, rows: Rows, t: Array) -> Array:
        """Return the margins at the points t of lines by number, in batches of the problem."""
        size = self._problem.batch
        answers = np.empty(len(rows))
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            own = self._directions if self._directions.ndim == 1 else self._directions[rows[part]]
            answers[part] = self._problem.margin(self._base[rows[part]] + t[part, None] * own)
        self.calls += len(rows)
        return answers


@dataclasses.dataclass(frozen=True, slots=True)
class Reach:
    """How far lines are searched and how exactly.

    Attributes
    ----------
    floor, ceiling : float
        Where a search gives up.
    rate : callable
        Relative change of the measure with a root, at points t.
    tolerance : float
        Relative error of the measure that is left, about.
    """

    floor: float
    ceiling: float
    rate: Callable[[Array], Array]
    tolerance: float = TOLERANCE


class Found(NamedTuple):
    """Roots, and the slopes of the margin near them: NaN where the search took no secant."""

    roots: Array
    slopes: Array


def search(
    lines: Lines,
    rows: Rows,
    start: Array,
    reach: Reach,
    *,
    slope: float = np.nan,
    doubt: float = 1.0,
    bracket: tuple[Array, Array] | None = None,
    leaving: Bools | None = None,
) -> Found:
    """Return one crossing of each line.

    Parameters
    ----------
    lines : Lines
        Which they are.
    rows : array of int, shape (m,)
        Those that are searched.
    start : array, shape (m,)
        Where the searches begin.
    reach : Reach
        How far they go.
    slope, doubt : float
        Of the margin along the lines, < 0, if it is known, and its relative uncertainty.
    bracket : pair of arrays, optional
        Points before and after the crossing. Without them: a search goes on until it finds such points.
    leaving : array of bool, optional
        Lines that leave the set at the crossing; None: all enter it.

    Returns
    -------
    Found
        -inf for lines that are in the set down to the floor, inf for those outside it up to the ceiling.
    """
    sign = np.ones(len(rows)) if leaving is None else np.where(leaving, -1.0, 1.0)
    low, high = (np.full(len(rows), -np.inf), np.full(len(rows), np.inf)) if bracket is None else bracket
    low, high = low.copy(), high.copy()
    roots, slopes = np.full(len(rows), np.nan), np.full(len(rows), slope)
    doubts = np.full(len(rows), doubt)
    t = start.copy()
    last, last_value, older, older_value = (np.full(len(rows), np.nan) for _ in range(4))
    goal_width = high - low  # what a bracket must come below within three calls
    stride = np.ones(len(rows))
    active: Rows = np.arange(len(rows))
    for call in range(MOST_CALLS):
        if not active.size:
            break
        here = t[active]
        answer = lines.margin(rows[active], here)
        value = sign[active] * answer
        after = (answer <= 0) != (sign[active] < 0)
        high[active] = np.where(after, here, high[active])
        low[active] = np.where(after, low[active], here)
        with np.errstate(all="ignore"):
            secant = (value - last_value[active]) / (here - last[active])
            usable = np.isfinite(secant) & (secant < 0)
            # A slope is doubtful as far as those of the last three points differ.
            across = (value - older_value[active]) / (here - older[active])
            changed = np.fmax(np.abs(secant / slopes[active] - 1.0), np.abs(secant / across - 1.0))
            doubts[active] = np.where(usable, np.where(np.isfinite(changed), changed, 1.0), doubts[active])
            slopes[active] = np.where(usable, secant, slopes[active])
            goal = here - value / slopes[active]
            # A margin of exactly 0 does not say how deep in the set a point is, if the margin is cut off there.
            good = np.isfinite(goal) & (value != 0) & (goal >= low[active]) & (goal <= high[active])
            good &= usable | np.isnan(last[active])
            away = np.fmin(np.abs(goal - here), np.where(last_value[active] != 0, np.abs(goal - last[active]), np.nan))
            error = np.maximum(doubts[active], DOUBT) * away * reach.rate(goal)
        # So the next point is just beside it: mostly that ends the search.
        beside = (value == 0) & (last_value[active] != 0)
        bottom, top = low[active], high[active]
        width = top - bottom
        older[active], older_value[active] = last[active], last_value[active]
        last[active], last_value[active] = here, value
        done = good & (error <= reach.tolerance)
        roots[active[done]] = goal[done]
        middle = 0.5 * (bottom + np.where(np.isfinite(width), top, bottom))
        with np.errstate(invalid="ignore"):
            tight = ~done & np.isfinite(width) & (width * reach.rate(middle) <= reach.tolerance)
        roots[active[tight]] = middle[tight]
        inside = ~done & after & (here <= reach.floor) & (bottom == -np.inf)
        outside = ~done & ~after & (here >= reach.ceiling) & (top == np.inf)
        roots[active[inside]], roots[active[outside]] = -np.inf, np.inf
        done |= tight | inside | outside
        # The next points: by the secant, in a bracket that must halve in three calls, else a stride in the direction
        # in which the crossing must be.
        step = np.where(good, np.clip(goal - here, -stride[active], stride[active]), np.inf)
        full = np.where(after, -stride[active], stride[active])
        blind = ~good | (call >= RESTLESS)
        free = np.clip(here + np.where(blind, full, step), reach.floor, reach.ceiling)
        slow = np.isfinite(width) & ((call % 3 == 2) & (width > 0.5 * goal_width[active]))
        if call % 3 == 2:
            goal_width[active] = width
        t[active] = np.where(np.isfinite(width), np.where(good & ~slow, goal, middle), free)
        near = 0.99 * reach.tolerance / reach.rate(here)
        t[active] = np.where(beside, np.where(after, here - near, here + near), t[active])
        stride[active] *= 2.0
        active = active[~done]
    roots[active] = 0.5 * (low[active] + high[active])
    return Found(roots, slopes)


def scan(lines: Lines, rows: Rows, nodes: Array, roots: Array, reach: Reach) -> Pieces:
    """Return the pieces of lines in the set as nodes along them show it: every sign change between nodes is kept.

    Parameters
    ----------
    lines : Lines
        Which they are.
    rows : array of int, shape (m,)
        Those that are scanned.
    nodes : array, shape (m, k)
        Where to ask, increasing.
    roots : array, shape (m,)
        Where lines are known to enter the set; others are not finite.
    reach : Reach
        How exactly roots are searched.
    """
    m, k = nodes.shape
    inside = (lines.margin(np.repeat(rows, k), nodes.ravel()) <= 0).reshape(m, k)
    known = np.isfinite(roots)
    # A known root is a node outside followed by one inside; where there is none, the last node is repeated.
    twice = np.where(known, roots, nodes[:, -1])
    t = np.column_stack((nodes, twice, twice))
    state = np.column_stack((inside, np.where(known, False, inside[:, -1]), np.where(known, True, inside[:, -1])))
    order = np.argsort(t, axis=1, kind="stable")
    t, state = np.take_along_axis(t, order, 1), np.take_along_axis(state, order, 1)
    cut = np.where(state[:, :-1] != state[:, 1:], 0.5 * (t[:, :-1] + t[:, 1:]), np.nan)
    line, gap = np.nonzero((state[:, :-1] != state[:, 1:]) & (t[:, :-1] < t[:, 1:]))
    if line.size:
        bracket = t[line, gap], t[line, gap + 1]
        cut[line, gap] = search(
            lines, rows[line], cut[line, gap], reach, bracket=bracket, leaving=state[line, gap]
        ).roots  # fmt: skip
    # Between two nodes a line is in the set from the first, or from the cut, to the second, or to the cut.
    low = np.where(state[:, :-1], t[:, :-1], np.where(state[:, 1:], cut, np.inf))
    high = np.where(state[:, 1:], t[:, 1:], np.where(state[:, :-1], cut, np.inf))
    first, last = np.where(state[:, 0], -np.inf, np.inf), np.where(state[:, -1], t[:, -1], np.inf)
    first_end = np.where(state[:, 0], t[:, 0], np.inf)
    return Pieces.of(
        np.column_stack((first, low, last)), np.column_stack((first_end, high, np.full(m, np.inf)))
    )  # fmt: skip
