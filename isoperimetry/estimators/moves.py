"""Moves that leave N(0, I), given that the margin is at most a bound, as it is: what splitting spreads its copies by.

A row of points moves for itself, and all rows are asked about in common calls. A move is a function of the noise and of
the row alone, so that its bits do not depend on what else is moved.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.spaces import normals
from isoperimetry.streams import Stream

NARROWEST = 1e-9
"""Radians: a slice that has shrunk to this is the point itself, if the margin there contradicts its own answer."""

STEP_LEAST, STEP_MOST = 1e-4, 1.0


@dataclasses.dataclass(slots=True)
class Noise:
    """Normals and uniforms of a stream, one after the other.

    Attributes
    ----------
    problem : Problem
        Whose normals they are.
    stream : Stream
        Of one replica.
    rows, numbers : int
        How many points and how many uniforms were taken.
    """

    problem: Problem
    stream: Stream
    rows: int = 0
    numbers: int = 0
    _keys: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self._keys = self.stream.split("points").key, self.stream.split("numbers").key

    def take(self, n: int) -> int:
        """Return the index of the first of n rows of normals that nobody else gets."""
        first = self.rows
        self.rows += n
        return first

    def normals(self, first: int, n: int) -> Array:
        """Return rows of normals by index, shape (n, dim)."""
        return self.problem.normals(self._keys[0], first, n)

    def uniforms(self, n: int) -> Array:
        """Return the next uniforms in (0, 1), shape (n,)."""
        first = self.numbers
        self.numbers += n
        return np.asarray(special.ndtr(normals(1, self._keys[1], first, n)[:, 0]))


def pcn(problem: Problem, noise: Noise, u: Array, found: Array, bound: float, step: float) -> tuple[int, int]:
    """Move rows of u by a step of the preconditioned Crank-Nicolson chain, in place.

    The proposal ``sqrt(1 - step**2) u + step xi`` keeps N(0, I) as it is; it is taken where its margin is at most the
    bound (Cotter, Roberts, Stuart, White 2013, MCMC methods for functions, Statist. Sci. 28).

    Parameters
    ----------
    problem : Problem
        Gives the margin.
    noise : Noise
        Of the replica.
    u : array, shape (n, dim)
        Points with margins of at most the bound; changed.
    found : array, shape (n,)
        Their margins; changed.
    bound : float
        The most that a margin may be.
    step : float
        In (0, 1]; 1 draws afresh.

    Returns
    -------
    tuple of int
        Calls, and how many proposals were taken.
    """
    start, stay, taken = noise.take(len(u)), math.sqrt(1.0 - step * step), 0
    for first, rows in problem.batches(0, len(u)):
        here = slice(first, first + rows)
        proposed = noise.normals(start + first, rows)
        proposed *= step
        proposed += stay * u[here]
        margin = problem.margin(proposed)
        good = np.flatnonzero(margin <= bound)
        u[first + good], found[first + good] = proposed[good], margin[good]
        taken += len(good)
    return len(u), taken


def slice_move(problem: Problem, noise: Noise, u: Array, found: Array, bound: float) -> tuple[int, int]:
    """Move rows of u by elliptical slice sampling, in place; arguments and result as for `pcn`.

    A point on the ellipse through u and a fresh draw, at an angle in a bracket that shrinks towards u until its margin
    is at most the bound (Murray, Adams, MacKay 2010, Elliptical slice sampling, AISTATS 13). There is no step to tune,
    and every row moves; each shrink is a call.
    """
    calls, start = 0, noise.take(len(u))
    for first, rows in problem.batches(0, len(u)):
        other = noise.normals(start + first, rows)
        angle = 2.0 * math.pi * noise.uniforms(rows)
        low, high = angle - 2.0 * math.pi, angle.copy()
        left = np.arange(rows)
        while left.size:
            at = angle[left][:, None]
            proposed = np.cos(at) * u[first + left] + np.sin(at) * other[left]
            margin = problem.margin(proposed)
            calls += len(left)
            good = margin <= bound
            u[first + left[good]], found[first + left[good]] = proposed[good], margin[good]
            left = left[~good]
            tried = angle[left]
            low[left] = np.where(tried < 0, tried, low[left])
            high[left] = np.where(tried > 0, tried, high[left])
            left = left[high[left] - low[left] > NARROWEST]
            if left.size:
                angle[left] = low[left] + (high[left] - low[left]) * noise.uniforms(left.size)
    return calls, len(u)
