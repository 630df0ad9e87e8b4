"""Particles that follow a margin down: the pilot that fixes the levels, a replica, and the last-particle method.

Levels that are chosen from the particles they then judge make the product of shares biased as soon as moves do not mix
perfectly: copies resemble their parents, and die together. Here a pilot chooses levels and steps once, and the
replicas, which share no noise with it, take them as they are: their values are unbiased for any moves, however bad.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoperimetry._validate import Array
from isoperimetry.estimators.moves import STEP_LEAST, STEP_MOST, Noise, pcn, slice_move
from isoperimetry.estimators.problem import Problem
from isoperimetry.streams import Stream

ACCEPTANCE = 0.4
"""Share of the proposals that a step is tuned to."""

GAIN = 0.7
"""Of the tuning: a step is multiplied by exp(GAIN * (acceptance - ACCEPTANCE)) after each move of the pilot."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What a pilot has fixed for the replicas.

    Attributes
    ----------
    levels : tuple of float
        Falling bounds of the margin; the last is 0.
    steps : tuple of float
        Of the moves within each level but the last.
    seeds : int
        Particles that go on at a level.
    chain : int
        Points of the chain that each of them starts, itself included: there are ``seeds * chain`` particles.
    move : str
        "pcn" or "slice".
    """

    levels: tuple[float, ...]
    steps: tuple[float, ...]
    seeds: int
    chain: int
    move: str

    @property
    def particles(self) -> int:
        """Number of particles."""
        return self.seeds * self.chain


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """What a pilot found.

    Attributes
    ----------
    schedule : Schedule
        For the replicas; with the pilot's own number of seeds.
    log_value : float
        Rough logarithm of the measure; of the lowest level where the pilot has not reached the errors.
    calls : int
        Rows of the margin it took.
    calls_a_move : float
        Rows of the margin that a move of one particle takes.
    why : str
        "" if it reached the errors; else "plateau" (all particles have the same margin) or "budget".
    """

    schedule: Schedule
    log_value: float
    calls: int
    calls_a_move: float
    why: str


class Walk:
    """Moves particles, and counts."""

    def __init__(self, problem: Problem, noise: Noise, move: str) -> None:
        self.problem, self.noise, self.move = problem, noise, move
        self.calls = self.tried = self.taken = self.moved = 0

    def draw(self, n: int) -> tuple[Array, Array]:
        """Return n fresh points and their margins."""
        u = self.noise.normals(self.noise.take(n), n)
        self.calls += n
        return u, self.problem.margin(u)

    def go(self, u: Array, found: Array, bound: float, step: float) -> float:
        """Move points once; return the share that did."""
        if self.move == "slice":
            calls, taken = slice_move(self.problem, self.noise, u, found, bound)
        else:
            calls, taken = pcn(self.problem, self.noise, u, found, bound, step)
        self.calls += calls
        self.tried += calls
        self.taken += taken
        self.moved += len(u)
        return taken / calls


def run_pilot(
    problem: Problem, stream: Stream, *, seeds: int, chain: int, kill: float, move: str, budget: int
) -> Pilot:
    """Return levels that stop a share ``kill`` of the particles, and steps with the wanted acceptance."""
    walk = Walk(problem, Noise(problem, stream), move)
    n = seeds * chain
    last = max(round((1.0 - kill) * n), 1) - 1
    u, found = walk.draw(n)
    levels: list[float] = []
    steps: list[float] = []
    bound, step, log_value, why = math.inf, 0.5, 0.0, ""
    while True:
        level = float(np.partition(found, last)[last])
        if level <= 0:
            break
        if level >= bound:  # ties, as of a margin of few values: go to the next one that was seen
            lower = found[found < bound]
            why = "" if lower.size else "plateau"
            level = max(float(lower.max()), 0.0) if lower.size else 0.0
        if why or level <= 0:
            break
        if walk.calls + (n - seeds) > budget:
            why = "budget"
            break
        alive = np.flatnonzero(found <= level)
        log_value += math.log(len(alive) / n)
        chosen = _spread(alive, found, seeds, walk.noise)
        u[:seeds], found[:seeds] = u[chosen], found[chosen]
        for _, here, there in _chain(seeds, chain):
            u[there], found[there] = u[here], found[here]
            share = walk.go(u[there], found[there], level, step)
            if move == "pcn":
                step = min(max(step * math.exp(GAIN * (share - ACCEPTANCE)), STEP_LEAST), STEP_MOST)
        levels.append(level)
        steps.append(step)
        bound = level
    errors = np.count_nonzero(found <= 0)
    schedule = Schedule(levels=(*levels, 0.0), steps=tuple(steps), seeds=seeds, chain=chain, move=move)
    calls_a_move = walk.tried / walk.moved if walk.moved else 1.0
    log_value += math.log(errors / n) if errors else 0.0
    return Pilot(schedule=schedule, log_value=log_value, calls=walk.calls, calls_a_move=calls_a_move, why=why)


def run_replica(problem: Problem, stream: Stream, schedule: Schedule) -> dict[str, Any]:
    """Return an unbiased value of the measure, as its logarithm, and what happened on the way.

    A level's share of survivors multiplies the value. Chains of a fixed length start from a fixed number of survivors,
    each chosen the same number of times on average, and all points of the chains are particles (Dau, Chopin 2022), so
    that these stand for the law within the level whatever the moves are worth. Which of them count was fixed before:
    this is what makes the value unbiased.
    """
    walk = Walk(problem, Noise(problem, stream), schedule.move)
    n, seeds = schedule.particles, schedule.seeds
    u, found = walk.draw(n)
    origin = np.arange(n)
    log_value, shares, accepted, ancestors = 0.0, [], [], []
    for number, level in enumerate(schedule.levels):
        alive = np.flatnonzero(found <= level)
        shares.append(len(alive) / n)
        ancestors.append(len(np.unique(origin[alive])))
        if not len(alive):
            log_value = -math.inf
            break
        log_value += math.log(len(alive) / n)
        if number == len(schedule.steps):
            break
        chosen = _spread(alive, found, seeds, walk.noise)
        u[:seeds], found[:seeds], origin[:seeds] = u[chosen], found[chosen], origin[chosen]
        moved = 0.0
        for _, here, there in _chain(seeds, schedule.chain):
            u[there], found[there], origin[there] = u[here], found[here], origin[here]
            moved += walk.go(u[there], found[there], level, schedule.steps[number])
        accepted.append(moved / (schedule.chain - 1))
    return {
        "log_value": log_value, "calls": walk.calls, "shares": shares, "acceptance": accepted, "ancestors": ancestors,
        "tried": walk.tried, "taken": walk.taken,
    }  # fmt: skip


def run_last_particle(
    problem: Problem, stream: Stream, *, particles: int, moves: int, table: Schedule, most_calls: int
) -> dict[str, Any]:
    """Kill the worst particle, again and again, and replace it by a copy of another that was moved.

    With moves that mix perfectly the number of kills is Poisson with mean ``-particles log(mu)`` (Guyader, Hengartner,
    Matzner-Lober 2011, Simulation and estimation of extreme quantiles and extreme probabilities, Appl. Math. Optim.
    64). Particles of equal margin die together.
    """
    walk = Walk(problem, Noise(problem, stream), table.move)
    u, found = walk.draw(particles)
    known = np.array(table.levels[: len(table.steps)])[::-1], np.array(table.steps)[::-1]
    kills, log_value, why = 0, 0.0, ""
    while (level := float(found.max())) > 0:
        killed = np.flatnonzero(found >= level)
        if len(killed) == particles or walk.calls > most_calls:
            why = "plateau" if len(killed) == particles else "budget"
            log_value = -math.inf
            break
        kills += len(killed)
        log_value += math.log1p(-len(killed) / particles)
        alive = np.flatnonzero(found < level)
        parents = alive[(walk.noise.uniforms(len(killed)) * len(alive)).astype(np.int64)]
        copies, theirs = u[parents], found[parents]
        step = float(np.interp(level, *known)) if len(known[0]) else 0.5
        for _ in range(moves):
            walk.go(copies, theirs, math.nextafter(level, -math.inf), step)
        u[killed], found[killed] = copies, theirs
    return {
        "log_value": log_value, "calls": walk.calls, "kills": kills, "why": why, "tried": walk.tried,
        "taken": walk.taken,
    }  # fmt: skip


def _chain(seeds: int, chain: int) -> list[tuple[int, slice, slice]]:
    """Return, for each point of a chain after the first, where the point before and where it are kept."""
    cuts = [slice(i * seeds, (i + 1) * seeds) for i in range(chain)]
    return [(i, cuts[i - 1], cuts[i]) for i in range(1, chain)]


def _spread(alive: NDArray[np.intp], found: Array, seeds: int, noise: Noise) -> NDArray[np.intp]:
    """Return indices of survivors, each ``seeds / len(alive)`` times on average, spread over their margins."""
    order = alive[np.argsort(found[alive], kind="stable")]
    at = (np.arange(seeds) + noise.uniforms(1)[0]) * (len(order) / seeds)
    chosen: NDArray[np.intp] = order[np.minimum(at.astype(np.intp), len(order) - 1)]
    return chosen


@dataclasses.dataclass(frozen=True, slots=True)
class ReplicaTask:
    """Runs the replicas first, ..., first + n - 1, each with a stream of its own."""

    problem: Problem
    stream: Stream
    schedule: Schedule

    def __call__(self, first: int, n: int) -> list[dict[str, Any]]:
        """Return what each replica found."""
        return [run_replica(self.problem, self.stream.split(i), self.schedule) for i in range(first, first + n)]


@dataclasses.dataclass(frozen=True, slots=True)
class LastParticleTask:
    """Runs last-particle replicas, as `ReplicaTask` does."""

    problem: Problem
    stream: Stream
    table: Schedule
    particles: int
    moves: int
    most_calls: int

    def __call__(self, first: int, n: int) -> list[dict[str, Any]]:
        """Return what each replica found."""
        return [
            run_last_particle(
                self.problem, self.stream.split(i), particles=self.particles, moves=self.moves, table=self.table,
                most_calls=self.most_calls,
            )
            for i in range(first, first + n)
        ]  # fmt: skip
