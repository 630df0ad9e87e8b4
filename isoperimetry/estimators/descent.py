"""Descents to the nearest zeros of a margin, many at once: linear steps, and planes of several gradients at kinks.

The linear step (Hasofer, Lind 1974; Rackwitz, Fiessler 1978) goes to the nearest point at which the linearised margin
is zero, and back where a merit function does not fall (Zhang, Der Kiureghian 1995). At a kink, as networks have, it
jumps between the planes that meet there. A step that is not taken whole is therefore the sign to use the planes of the
last gradients together: the nearest point at which none of the linearised margins is positive.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array
from isoperimetry.estimators.base import Run
from isoperimetry.estimators.problem import Bools, Problem
from isoperimetry.streams import Stream

Ints = NDArray[np.int64]

CLOSE = 0.03
"""Distance from the boundary, in units of the noise, at which a point may stay: samplers need no exact one."""

NEAR = 0.5
"""That from which the last root, along the ray from the center, is looked for."""

PLANES, SWEEPS = 6, 150
"""Gradients that are remembered, and rounds over them to find the corner at which they meet."""

STEPS, HALVINGS, RAY_STEPS = 40, 5, 8
"""Of a descent, of a step, and of the last root."""

PATIENCE, GAIN = 5, 1e-3
"""Steps after which a descent ends that did not come nearer by this share."""

STILL = 3e-3
"""Length of a step, relative to the distance from the center, at which a descent has arrived."""

KICKS = (0.3, 1.0, 3.0)
"""Noise, in its own scale, that a start gets whose gradient is zero."""

Found = tuple[int, Array, float, float]


def descend(problem: Problem, run: Run, u: Array, stream: Stream, allowed: float) -> Iterator[Found]:
    """Return (row, direction, beta, margin) of the starts that reached the boundary from the side of the center.

    ``u``, shape (rows, dim), is changed. The search ends when its calls and gradients exceed ``allowed``.
    """
    spent = run.n_search + run.n_search_gradients
    descents = _Descents(problem, run, u, stream)
    for _ in range(STEPS):
        if not descents.running.any() or run.n_search + run.n_search_gradients - spent >= allowed:
            break
        descents.step()
    return descents.found()


class _Descents:
    """The rows of a wave: where they are, what they know, and the best that they have seen."""

    def __init__(self, problem: Problem, run: Run, u: Array, stream: Stream) -> None:
        self.problem, self.run, self.stream = problem, run, stream
        n, dim = u.shape
        self.u, self.margin = u, run.ask_margin(problem, u)
        self.running = np.isfinite(self.margin)
        self.kinked, self.kicks = np.zeros(n, np.bool_), np.zeros(n, np.int64)
        self.penalty, self.seen = np.zeros(n), np.zeros(n, np.int64)
        self.planes, self.offsets = np.zeros((n, PLANES, dim)), np.zeros((n, PLANES))
        # The best points by the distance at which the boundary crosses the ray, as their gradients say.
        self.best, self.idle = np.full(n, np.inf), np.zeros(n, np.int64)
        self.best_u, self.best_margin, self.best_slope, self.best_fall = u.copy(), *np.zeros((3, n))

    def step(self) -> None:
        """Ask for gradients, and move all that still run."""
        rows = np.flatnonzero(self.running)
        gradient = self.run.ask_gradient(self.problem, self.u[rows])
        slope = _lengths(gradient)
        good = np.isfinite(slope) & (slope > 0)
        if not good.all():
            self._kick(rows[~good])
            rows, gradient, slope = rows[good], gradient[good], slope[good]
        u, margin = self.u[rows], self.margin[rows]
        length = _lengths(u)
        self._remember(rows, u, margin, gradient, slope, length)
        offset = margin - np.einsum("ij,ij->i", gradient, u)
        slot = self.seen[rows] % PLANES
        self.planes[rows, slot], self.offsets[rows, slot] = gradient, offset
        self.seen[rows] += 1
        target = (gradient / slope[:, None]) * (-offset / slope)[:, None]  # no square that would overflow
        at_kinks = np.flatnonzero(self.kinked[rows])
        if at_kinks.size:
            corners, met = self._corners(rows[at_kinks], slot[at_kinks], slope[at_kinks])
            target[at_kinks[met]] = corners[met]
        step = target - u
        arrived = (_lengths(step) <= STILL * np.maximum(1.0, length)) & (np.abs(margin) <= CLOSE * slope)
        on = ~arrived & (self.idle[rows] < PATIENCE)
        self.running[rows[~on]] = False
        # The merit falls along the step if the penalty exceeds the length of its ends over the slope.
        penalty = np.maximum(self.penalty[rows], 2.0 * np.maximum(length, _lengths(target)) / slope)
        self.penalty[rows] = penalty
        merit = 0.5 * length**2 + penalty * np.abs(margin)
        self.kinked[rows[on]] |= self._move(rows[on], u[on], step[on], merit[on])

    def _kick(self, rows: Ints) -> None:
        """Move the starts at which the margin is flat to where it may not be; give them up after the last kick."""
        for row in rows:
            if self.kicks[row] == len(KICKS):
                self.running[row] = False
                continue
            kick = int(self.kicks[row])
            self.u[row] += KICKS[kick] * self.problem.normals(self.stream.split(kick).key, int(row), 1)[0]
            self.kicks[row] += 1
        self.margin[rows] = self.run.ask_margin(self.problem, self.u[rows])
        self.running[rows] &= np.isfinite(self.margin[rows])

    def _remember(self, rows: Ints, u: Array, margin: Array, gradient: Array, slope: Array, length: Array) -> None:
        """Keep the points that are better than those before; count the steps without any."""
        with np.errstate(invalid="ignore", divide="ignore"):
            fall = -np.einsum("ij,ij->i", gradient, u) / length
            crossing = length + margin / fall
        near = (length > 0) & (np.abs(margin) <= NEAR * slope) & (fall > 0) & (crossing > 0)
        better = near & (crossing < self.best[rows])
        self.idle[rows] = np.where(near & (crossing < (1.0 - GAIN) * self.best[rows]), 0, self.idle[rows] + near)
        found = rows[better]
        self.best[found], self.best_u[found] = crossing[better], u[better]
        self.best_margin[found], self.best_slope[found], self.best_fall[found] = (
            margin[better], slope[better], fall[better],
        )  # fmt: skip

    def _move(self, rows: Ints, u: Array, step: Array, merit: Array) -> Bools:
        """Take the steps, halved until the merit falls; return which had to be."""
        scale, waiting = np.ones(rows.size), np.arange(rows.size)
        for halving in range(HALVINGS + 1):
            if waiting.size == 0:
                break
            trial = u[waiting] + scale[waiting, None] * step[waiting]
            found = self.run.ask_margin(self.problem, trial)
            new = 0.5 * np.square(_lengths(trial)) + self.penalty[rows[waiting]] * np.abs(found)
            good = (new < merit[waiting]) | ((halving == HALVINGS) & np.isfinite(found))
            self.u[rows[waiting[good]]], self.margin[rows[waiting[good]]] = trial[good], found[good]
            waiting = waiting[~good]
            scale[waiting] *= 0.5
        return np.asarray(scale < 1.0)

    def _corners(self, rows: Ints, newest: Ints, slope: Array) -> tuple[Array, Bools]:
        """Return the points nearest to the center at which no linearised margin is positive, and which there are.

        They are ``-weights @ planes`` with weights >= 0, found one after the other (Hildreth 1957). A plane that says
        more than the margin that was found here is of no use: the margin is not convex there.
        """
        planes, offsets = self.planes[rows], self.offsets[rows]
        here = np.einsum("ijk,ik->ij", planes, self.u[rows]) + offsets
        useful = here <= (self.margin[rows] + CLOSE * slope)[:, None]
        useful &= np.arange(PLANES) < self.seen[rows, None]
        useful[np.arange(rows.size), newest] = True
        gram = planes @ planes.transpose(0, 2, 1)
        own = np.where(useful, np.diagonal(gram, axis1=1, axis2=2), 1.0)
        weights = np.zeros(offsets.shape)
        for _ in range(SWEEPS):
            for j in range(PLANES):
                value = offsets[:, j] - np.einsum("ij,ij->i", gram[:, j], weights)
                weights[:, j] = np.where(useful[:, j], np.maximum(0.0, weights[:, j] + value / own[:, j]), 0.0)
        values = offsets - np.einsum("ijk,ik->ij", gram, weights)
        met = (np.where(useful, values, -np.inf).max(axis=1) <= CLOSE * slope) & weights.any(axis=1)
        return -np.einsum("ij,ijk->ik", weights, planes), met

    def found(self) -> Iterator[Found]:
        """Go from the best points to the boundary, along the rays from the center, and return where they are on it."""
        rows = np.flatnonzero(self.best < np.inf)
        length = _lengths(self.best_u[rows])
        direction = self.best_u[rows] / length[:, None]
        beta, value, fall = length, self.best_margin[rows], self.best_fall[rows]
        for _ in range(RAY_STEPS):
            open_ = np.flatnonzero(np.abs(value) > 1e-5 * fall)
            if open_.size == 0:
                break
            there = beta[open_] + value[open_] / fall[open_]
            found = self.run.ask_margin(self.problem, there[:, None] * direction[open_])
            with np.errstate(invalid="ignore", divide="ignore"):
                secant = (value[open_] - found) / (there - beta[open_])
            fall[open_] = np.where(np.isfinite(secant) & (secant > 0), secant, 2.0 * fall[open_])
            better = np.abs(found) < np.abs(value[open_])
            beta[open_[better]], value[open_[better]] = there[better], found[better]
        for row, way, distance, rest, rate in zip(rows, direction, beta, value, fall, strict=True):
            if distance > 0 and abs(rest) <= CLOSE * self.best_slope[row]:
                yield int(row), way, float(distance), float(rest / rate)


def _lengths(vectors: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)))
