"""OpenTURNS on the same problems: first-order reliability, subset simulation, experimental line sampling.

Each peer is a function of a problem and a seed; the calls are the rows that it asks for. Its settings are those of the
documentation, with three favours: independent normal marginals in place of ``Normal(n)``, which would apply a dense
n x n transform to each point; our exact gradient; and line sampling as it does best. Runs go through a child process,
since some do not end: what does not answer in time, raises or dies is reported as FAILED with its reason.
"""

from __future__ import annotations

import dataclasses
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks import problems

ROOM_TO_START = 30.0
"""Seconds that a child process has for its imports and the problem."""

SUBSET_BLOCK, SUBSET_BLOCKS, LINES = 1000, 2, 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """What one run said, or why it said nothing.

    Attributes
    ----------
    value : float
        Its estimate, NaN if it failed.
    low, high : float
        Its 95 % interval, NaN if it has none.
    calls, gradients : int
        Rows that it asked for.
    seconds : float
        Wall time.
    failed : str
        Why there is no estimate, "" if there is.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    calls: int = 0
    gradients: int = 0
    seconds: float = 0.0
    failed: str = ""


class _Posed:
    """A problem as OpenTURNS takes it, with its calls counted."""

    def __init__(self, problem: problems.Problem, seed: int) -> None:
        import openturns as ot

        ot.Log.Show(ot.Log.NONE)
        ot.TBB.Disable()
        self.calls = self.gradients = 0
        self._problem = problem
        dim = problem.dim
        self.start = np.random.default_rng([seed, dim]).standard_normal(dim)
        function = ot.PythonFunction(dim, 1, func_sample=self._margins, gradient=self._gradient)
        normals = ot.RandomVector(ot.JointDistribution([ot.Normal()] * dim))
        output = ot.CompositeRandomVector(function, normals)
        self.event = ot.ThresholdEvent(output, ot.LessOrEqual(), 0.0)

    def _margins(self, points: Any) -> Any:
        u = np.array(points, dtype=np.float64, ndmin=2)
        self.calls += len(u)
        return self._problem.function(u)[:, None]

    def _gradient(self, point: Any) -> Any:
        self.gradients += 1
        return self._problem.gradient(np.array(point, dtype=np.float64)[None]).T


def _design_point(posed: _Posed) -> Any:
    """Return the result of the search from near the center, where gradients may vanish."""
    import openturns as ot

    solver = ot.AbdoRackwitz()
    solver.setStartingPoint(0.1 * posed.start)
    algorithm = ot.FORM(solver, posed.event)
    algorithm.run()
    return algorithm.getResult()


def form(posed: _Posed) -> tuple[float, float]:
    """Return the measure of the tangent half-space at the point that is found; there is no interval."""
    return float(_design_point(posed).getEventProbability()), math.nan


def subset(posed: _Posed) -> tuple[float, float]:
    """Return the estimate of subset simulation, 2000 points a level, and its half-width."""
    import openturns as ot

    algorithm = ot.SubsetSampling(posed.event)
    algorithm.setBlockSize(SUBSET_BLOCK)
    algorithm.setMaximumOuterSampling(SUBSET_BLOCKS)
    return _run(algorithm)


def line(posed: _Posed) -> tuple[float, float]:
    """Return the estimate of 100 lines along the direction of the design point, and its half-width.

    These are the settings in which it does best. By default it adapts the direction, which above a few dimensions loses
    the set (1 line of 100 meets a half-space in 784), and looks in the opposite direction too, for twice the calls.
    """
    import openturns as ot
    from openturns import experimental

    found = _design_point(posed)
    algorithm = experimental.LineSampling(posed.event, found.getStandardSpaceDesignPoint(), ot.MediumSafe())
    algorithm.setAdaptiveImportantDirection(False)
    algorithm.setSearchOppositeDirection(False)
    algorithm.setBlockSize(1)
    algorithm.setMaximumOuterSampling(LINES)
    algorithm.setMaximumCoefficientOfVariation(0.0)
    return _run(algorithm)


def _run(algorithm: Any) -> tuple[float, float]:
    algorithm.run()
    result = algorithm.getResult()
    return float(result.getProbabilityEstimate()), 0.5 * float(result.getConfidenceLength(0.95))


PEERS: dict[str, Callable[[_Posed], tuple[float, float]]] = {
    "OpenTURNS FORM": form,
    "OpenTURNS subset": subset,
    "OpenTURNS line": line,
}


def run(name: str, problem: problems.Problem, seed: int) -> Run:
    """Return what the peer says about a problem, in this process."""
    import openturns as ot

    posed = _Posed(problem, seed)
    ot.RandomGenerator.SetSeed(seed)
    start = time.perf_counter()
    value, half, failed = math.nan, math.nan, ""
    try:
        value, half = PEERS[name](posed)
    except Exception as error:
        failed = f"{type(error).__name__}: {' '.join(str(error).split())}"[:160]
    return Run(
        value=value, low=value - half, high=value + half, calls=posed.calls, gradients=posed.gradients,
        seconds=time.perf_counter() - start, failed=failed or ("" if math.isfinite(value) else "not a number"),
    )  # fmt: skip


def run_apart(name: str, problem_name: str, seeds: Sequence[int], *, limit: float) -> list[Run]:
    """Return the runs of some seeds from a child process that has ``limit`` seconds for each.

    A run that does not end fails, and so do those after it, which are not begun.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_serve, args=(theirs, name, problem_name, list(seeds)), daemon=True)
    child.start()
    theirs.close()
    runs: list[Run] = []
    reason = ""
    try:
        started = ours.poll(ROOM_TO_START) and ours.recv()
        reason = "" if started else "did not start"
        while not reason and len(runs) < len(seeds):
            if not ours.poll(limit):
                reason = f"no answer in {limit:g} s"
                break
            runs.append(Run(**ours.recv()))
    except EOFError:
        reason = "the process died"
    finally:
        child.kill()
        child.join()
        ours.close()
    rest = len(seeds) - len(runs)
    return runs + [Run(failed=reason), *[Run(failed=f"not begun, as one before: {reason}")] * (rest - 1)] * (rest > 0)


def _serve(pipe: Connection, name: str, problem_name: str, seeds: list[int]) -> None:
    """Run the seeds and send what is found, in the child."""
    os.environ["OMP_NUM_THREADS"] = "1"
    problem = problems.get(problem_name)
    pipe.send("ready")
    for seed in seeds:
        pipe.send(dataclasses.asdict(run(name, problem, seed)))
