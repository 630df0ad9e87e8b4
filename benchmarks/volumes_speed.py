"""Time and memory of volumes: a black box in 150,528 dimensions, sampling in few coordinates, two threads.

What is timed runs in a process of its own in which BLAS has one thread: its threads wait for each other, so that on a
busy machine more of them are slower.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import problems
from isoperimetry import sets
from isoperimetry.streams import Stream

DIM, FACES = 150_528, 16
ROOT = Path(__file__).parent.parent
LARGE_SECONDS, LARGE_BYTES = 10.0, 1e9
FACTORS = {"union of 16 half-spaces": 10_000.0, "half-space": 40_000.0, "ball": 40_000.0}
"""How many times faster than a naive sample a reduced one is to be."""

FEW = 100
THREADS_GOAL = 1.8
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_LARGE = """
import json, pathlib, resource, sys, time
started = time.perf_counter()
from benchmarks import problems
from isoperimetry.estimators import volume
from isoperimetry.streams import Stream
problem = problems.get("P1_large")
ready, cpu = time.perf_counter(), time.process_time()
found = volume(problem.posed("margin"), rel_error=0.1, rng=Stream(seed=1).split("large"))
seconds, cpu = time.perf_counter() - ready, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
status = pathlib.Path("/proc/self/status")
if status.exists():  # Linux counts the parent's pages in the former
    peak = next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({
    "seconds": seconds, "cpu": cpu, "start": ready - started, "peak_bytes": peak, "log_value": found.log_value,
    "log_truth": problem.log_truth, "log_interval": found.log_interval, "guarantee": found.guarantee.name,
    "method": found.method, "n_calls": found.n_calls, "n_guard": found.n_guard, "n_search": found.n_search,
    "n_gradients": found.n_gradients,
}))
"""


def large(*, one_thread: bool, limit: float = 300.0) -> dict[str, Any]:
    """Return time and peak memory of a black box with n = 150,528 and mu = 1e-12, with BLAS on one or all threads."""
    load, environment = _load(), dict(os.environ) | (ONE_THREAD if one_thread else {})
    known = {"set": f"black-box half-space, BLAS on {'one thread' if one_thread else 'all threads'}"}
    try:
        child = subprocess.run(
            [sys.executable, "-c", _LARGE], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return known | {"failed": f"no answer in {limit:g} s"}
    if child.returncode:
        words = child.stderr.strip().splitlines() or ["the process died"]
        return known | {"failed": words[-1][:300]}
    found: dict[str, Any] = known | json.loads(child.stdout) | {"load_before": round(load, 2)}
    found["ratio"] = math.exp(found["log_value"] - found["log_truth"])
    found["reached"] = found["seconds"] < LARGE_SECONDS and found["peak_bytes"] < LARGE_BYTES
    return found


def _naive(inside: Callable[[np.ndarray], np.ndarray], rows: int) -> Callable[[], int]:
    """Return what one writes first: draw points, test them, count."""
    rng = np.random.default_rng(3)
    return lambda: int(np.count_nonzero(inside(rng.standard_normal((rows, DIM)))))


def reduced(*, quick: bool = False, rounds: int = 5) -> list[dict[str, Any]]:
    """Return the time of a sample for sets in 150,528 dimensions, in the coordinates that matter and by NumPy.

    Closed forms are not used. What a call costs before it draws is timed apart, by one of few samples. Before they are
    timed, counts are compared with the measures that the closed forms give.
    """
    from isoperimetry.estimators import volume

    rng = problems.generator(20)
    normals = rng.standard_normal((FACES, DIM))
    units = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    offsets = np.linspace(4.0, 5.0, FACES)
    columns, shift = np.ascontiguousarray(units.T), np.zeros(DIM)
    shift[:4] = 1.0
    radius = math.sqrt(DIM) - 3.0
    cases: dict[str, tuple[Any, Callable[[np.ndarray], np.ndarray], int]] = {
        "union of 16 half-spaces": (
            sets.UnionOfHalfSpaces(units, offsets), lambda x: (x @ columns >= offsets).any(axis=1), 100_000_000,
        ),
        "half-space": (sets.HalfSpace(units[0], 3.0), lambda x: x @ units[0] >= 3.0, 200_000_000),
        "ball": (sets.Ball(shift, radius), lambda x: ((x - shift) ** 2).sum(axis=1) <= radius**2, 20_000_000),
    }  # fmt: skip
    rows = 8 if quick else 64
    table = []
    with ThreadPoolExecutor(1) as one:
        for name, (error_set, inside, most) in cases.items():
            n = most // 5 if quick else most
            naive = _naive(inside, rows)

            def count(samples: int, error_set: Any = error_set) -> Any:
                stream = Stream(seed=2).split("reduced", samples)
                return volume(error_set, method="crude", n_samples=samples, rng=stream, executor=one)

            ours, theirs, set_up = [], [], []
            estimate = count(n)  # warm, and checked
            exact = _log_measure(error_set)
            z = (estimate.value - math.exp(exact)) / math.sqrt(math.exp(exact) / n)
            if abs(z) > 5.0:  # 6e-7 of right ones
                raise AssertionError(f"{name}: the count is {z:.1f} standard errors from the measure")
            naive()
            for _ in range(rounds if not quick else 2):
                start = time.perf_counter()
                count(FEW)
                set_up.append(time.perf_counter() - start)
                start = time.perf_counter()
                count(n)
                ours.append((time.perf_counter() - start - set_up[-1]) / (n - FEW) * 1e9)
                start = time.perf_counter()
                naive()
                theirs.append((time.perf_counter() - start) / rows * 1e9)
            factor = statistics.median(theirs) / statistics.median(ours)
            table.append(
                {
                    "set": name, "n_samples": n, "ns": statistics.median(ours), "naive_ns": statistics.median(theirs),
                    "set_up": statistics.median(set_up), "factor": factor, "least": min(theirs) / max(ours),
                    "most": max(theirs) / min(ours), "z": z, "goal": FACTORS[name], "reached": factor >= FACTORS[name],
                }
            )  # fmt: skip
    return table


def _log_measure(error_set: Any) -> float:
    """Return the exact measure, or that of a union of half-spaces by inclusion and exclusion, to 1e-8."""
    if isinstance(error_set, sets.UnionOfHalfSpaces):
        return problems.log_pairs(error_set.units, error_set.offsets)
    return float(error_set.log_volume())


def threads(*, quick: bool = False, rounds: int = 7) -> dict[str, Any]:
    """Return how many times faster plain counting in full dimension is with two threads than with one; same bits."""
    from isoperimetry.estimators import CrudeMonteCarlo, volume

    error_set = sets.HalfSpace(problems.generator(21).standard_normal(3072), 3.0)
    method = CrudeMonteCarlo(reduce=False)
    n = 100_000 if quick else 400_000
    times: dict[int, list[float]] = {1: [], 2: []}
    answers = set()
    load = _load()
    for turn in range((3 if quick else rounds) + 1):
        for workers, found in times.items():
            with ThreadPoolExecutor(workers) as pool:
                start = time.perf_counter()
                estimate = volume(
                    error_set, method=method, n_samples=n, rng=Stream(seed=4).split("threads"), executor=pool
                )
                seconds = time.perf_counter() - start
            answers.add((estimate.log_value, estimate.log_interval))
            if turn:  # the first is warm-up
                found.append(seconds)
    ratios = sorted(a / b for a, b in zip(times[1], times[2], strict=True))
    return {
        "n_samples": n, "dim": 3072, "seconds": statistics.median(times[1]), "speed_up": statistics.median(ratios),
        "range": [ratios[0], ratios[-1]], "same_bits": len(answers) == 1, "load_before": round(load, 2),
        "goal": THREADS_GOAL, "reached": len(answers) == 1 and statistics.median(ratios) >= THREADS_GOAL,
    }  # fmt: skip


def _load() -> float:
    """Return how busy the machine is; near 0 if times are to be quoted."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0


def traces() -> list[dict[str, Any]]:
    """Return an estimate with its limits as the calls go by: three methods on the network."""
    from isoperimetry.estimators import volume

    problem = problems.get("P6")
    found = []
    for method, n_samples in (("line", 30_000), ("mixture", 200_000), ("splitting", 1_000_000)):
        try:
            estimate = volume(
                problem.posed("margin"),
                method=method,
                rel_error=0.02,
                n_samples=n_samples,
                rng=Stream(seed=8).split(method),
            )
        except Exception as error:
            found.append({"method": method, "failed": f"{type(error).__name__}: {error}"[:200]})
            continue
        steps = [
            {
                "calls": step.n_calls, "ratio": math.exp(step.log_value - problem.log_truth),
                "low": math.exp(step.log_low - problem.log_truth), "high": math.exp(step.log_high - problem.log_truth),
            }
            for step in estimate.trace
        ]  # fmt: skip
        found.append(
            {"method": method, "search": estimate.n_search, "guarantee": estimate.guarantee.name, "steps": steps}
        )
    return found


def apart(part: str, *, quick: bool) -> Any:
    """Return what `reduced` or `threads` returns in a process in which BLAS has one thread."""
    command = [sys.executable, "-m", "benchmarks.volumes_speed", part, *(["--quick"] if quick else [])]
    child = subprocess.run(command, cwd=ROOT, env=dict(os.environ) | ONE_THREAD, stdout=subprocess.PIPE, check=True)
    return json.loads(child.stdout)


if __name__ == "__main__":
    print(json.dumps({"speed": reduced, "threads": threads}[sys.argv[1]](quick="--quick" in sys.argv)))
