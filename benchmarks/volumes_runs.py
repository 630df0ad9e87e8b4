"""Runs of `volume` on the problems, seed by seed in processes of one thread each, and what they say together."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import multiprocessing
import os
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from scipy import stats

from benchmarks import problems
from benchmarks.volumes_peers import Run

CONFIDENCE = 0.95
SEED = 0x5EED  # of samplers: streams of it are Philox keys, problems are built by PCG64
LEAST_CALLS = 500  # of the estimator itself, for a figure of its efficiency
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
PROMISES = ("EXACT", "FINITE_SAMPLE", "LOWER_ONLY")
TRUTH_ERROR = 2e-3  # no truth is less certain
LEVEL = 1e-6  # at which coverage below the promise is a failure


class Late(BaseException):
    """A run took too long; no Exception, so that nothing on the way takes it for a failure of the function."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A call of `volume` but for its seed.

    Attributes
    ----------
    problem, form, method : str
        Which problem, how it is posed, and by which method it is solved.
    n_samples : int
        The budget.
    rel_error : float or None
        The relative width at which to stop.
    purpose : str
        A name in the stream, so that no two parts of the benchmark share noise.
    limit : float
        Seconds after which a run is given up.
    """

    problem: str
    form: str = "margin"
    method: str = "auto"
    n_samples: int = 10_000
    rel_error: float | None = None
    purpose: str = "efficiency"
    limit: float = 60.0

    @property
    def label(self) -> str:
        """The method and what it was given, in words."""
        return self.method if self.form == "margin" else f"{self.method}, {self.form}"


def run(task: Task, seed: int) -> dict[str, Any]:
    """Return what one call of `volume` says: a dictionary of `Run`, and what only ours tell."""
    from isoperimetry.estimators import volume
    from isoperimetry.streams import Stream

    problem = problems.get(task.problem)
    stream = Stream(seed=SEED).split(task.purpose, task.problem, task.form, task.method, seed)
    started = time.perf_counter()
    try:
        with _limit(task.limit):
            found = volume(
                problem.posed(task.form), method=task.method, n_samples=task.n_samples, rel_error=task.rel_error,
                confidence=CONFIDENCE, rng=stream,
            )  # fmt: skip
    except (Exception, Late) as error:
        words = f"no answer in {task.limit:g} s" if isinstance(error, Late) else " ".join(str(error).split())
        return {"failed": f"{type(error).__name__}: {words}"[:200], "seconds": time.perf_counter() - started}
    truth = problem.log_truth
    slack = math.log1p(problem.truth_error)
    return {
        "ratio": math.exp(min(found.log_value - truth, 700.0)),
        "above": bool(found.log_interval[1] >= truth - slack),
        "below": bool(found.log_interval[0] <= truth + slack),
        "in_spread": bool(found.log_spread[0] <= truth + slack and truth - slack <= found.log_spread[1]),
        "width": math.exp(min(found.log_interval[1], 0.0)) / problem.truth,
        "calls": found.n_calls - found.n_guard - found.n_search,
        "search": found.n_search, "guard": found.n_guard, "gradients": found.n_gradients,
        "guarantee": found.guarantee.name, "given": found.given, "residual": found.residual, "used": found.method,
        "stopped": found.stopped, "seconds": found.seconds,
    }  # fmt: skip


def run_some(task: Task, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return the runs of some seeds; after one that took too long, the others are not begun."""
    found: list[dict[str, Any]] = []
    for seed in seeds:
        late = bool(found) and found[-1].get("failed", "").startswith(("Late", "not begun"))
        found.append({"failed": "not begun, as one before took too long"} if late else run(task, seed))
    return found


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raise `Late` in this thread after so many seconds, where the system has timers."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: Any) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


class Pool:
    """Processes, of one thread each, that run tasks."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or os.cpu_count() or 1
        kept = {name: os.environ.get(name) for name in ONE_THREAD}
        os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # the children read it when they import NumPy
        try:
            self._pool = ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn"))
            list(self._pool.map(math.sqrt, range(4 * self.workers)))
        finally:
            for name, value in kept.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})

    def each(self, function: Callable[[Task], Task], tasks: Sequence[Task]) -> list[Task]:
        """Return what a function makes of each task."""
        return list(self._pool.map(function, tasks))

    def map(self, tasks: Sequence[tuple[Task, int]]) -> Iterator[tuple[Task, list[dict[str, Any]]]]:
        """Return each task with its runs, for the seeds from 0 to its number of seeds, in order."""
        waiting = []
        for task, n in tasks:
            size = max(1, -(-n // (4 * self.workers)))
            blocks = [range(first, min(first + size, n)) for first in range(0, n, size)]
            waiting.append((task, [self._pool.submit(run_some, task, block) for block in blocks]))
        for task, futures in waiting:
            yield task, [found for future in futures for found in future.result()]

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: Any) -> None:
        self._pool.shutdown(cancel_futures=True)


def of_peer(problem: problems.Problem, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the runs of a peer in the same form."""
    found: list[dict[str, Any]] = []
    for one in runs:
        if one.failed:
            found.append({"failed": one.failed, "calls": one.calls, "seconds": one.seconds})
            continue
        entry = {"ratio": one.value / problem.truth, "calls": one.calls, "search": 0, "guard": 0}
        entry |= {"gradients": one.gradients, "seconds": one.seconds, "guarantee": "", "used": ""}
        if not math.isnan(one.low):
            slack = problem.truth_error
            inside = one.low <= problem.truth * (1 + slack) and problem.truth * (1 - slack) <= one.high
            entry |= {"below": inside, "above": inside, "in_spread": inside, "guarantee": "none stated"}
        found.append(entry)
    return found


def summarise(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a row of the table: bias, scatter, cost and coverage of the runs that ended."""
    done = [one for one in runs if "failed" not in one]
    row: dict[str, Any] = {"n": len(runs), "ok": len(done)}
    if len(done) < len(runs):
        row["failures"] = dict(Counter(one["failed"] for one in runs if "failed" in one).most_common(3))
    if not done:
        return row
    ratios = [one["ratio"] for one in done]
    mean, scatter = statistics.fmean(ratios), statistics.stdev(ratios) if len(ratios) > 1 else math.nan
    cv = scatter / mean if mean > 0 else math.nan
    # Three standard errors, or what is as improbable where few runs tell the scatter.
    error = (
        float(stats.t.isf(1.35e-3, len(ratios) - 1)) * scatter / math.sqrt(len(ratios)) if len(ratios) > 1 else math.inf
    )
    for key in ("calls", "search", "guard", "gradients"):
        row[key] = statistics.fmean(one[key] for one in done)
    row |= {
        "mean": mean, "median": statistics.median(ratios), "cv": cv,
        "seconds": statistics.median(one["seconds"] for one in done),
        "biased": bool(abs(mean - 1.0) > 0.02 + error),
        "guarantees": dict(Counter(one["guarantee"] for one in done if one["guarantee"])),
        "used": dict(Counter(one["used"] for one in done if one["used"])),
    }  # fmt: skip
    if abs(mean - 1.0) > TRUTH_ERROR + error:
        row["off"] = mean - 1.0
    if row["calls"] >= LEAST_CALLS and not row["biased"] and not math.isnan(cv):
        row["w10"] = row["calls"] * cv * cv * 100.0
        row["w10_se"] = row["w10"] * math.sqrt(2.0 / (len(ratios) - 1))  # of normal estimates
    with_limits = [one for one in done if "below" in one]
    if with_limits:
        row["covered"] = sum(one["below"] and one["above"] for one in with_limits) / len(with_limits)
        row["in_spread"] = sum(one["in_spread"] for one in with_limits) / len(with_limits)
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}


def coverage(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each guarantee that was given, how often it held, and whether the promise of all of them was kept.

    A lower limit only is judged by its lower limit. What is asymptotic or rests on ideal moves promises nothing for a
    finite number of draws: it is reported, not judged. Which guarantee a run gives may depend on its draws, so that the
    promise is one for all runs: a share of at least `CONFIDENCE` gives no promise that is broken.
    """
    done = [one for one in runs if "failed" not in one]
    broken = sum(one["guarantee"] in PROMISES and not _held(one) for one in done)
    p = float(stats.binom.sf(broken - 1, len(done), 1 - CONFIDENCE))  # of so many or more
    rows: list[dict[str, Any]] = []
    for guarantee in sorted({one["guarantee"] for one in done}):
        group = [one for one in done if one["guarantee"] == guarantee]
        held = sum(map(_held, group))
        rows.append(
            {
                "guarantee": guarantee, "given": group[0].get("given", ""), "n": len(group), "held": held,
                "share": held / len(group),
                "interval": sum(one["below"] and one["above"] for one in group) / len(group),
                "spread": sum(one["in_spread"] for one in group) / len(group),
                "upper_over_truth": statistics.median(one["width"] for one in group), "broken": broken, "p": p,
                "verdict": ("ok" if p >= LEVEL else "FAILS") if guarantee in PROMISES else "not promised",
            }
        )  # fmt: skip
    if failed := [one["failed"] for one in runs if "failed" in one]:
        rows.append({"guarantee": "FAILED", "n": len(failed), "given": Counter(failed).most_common(1)[0][0]})
    return rows


def _held(one: dict[str, Any]) -> bool:
    return bool(one["below"] and (one["above"] or one["guarantee"] == "LOWER_ONLY"))
