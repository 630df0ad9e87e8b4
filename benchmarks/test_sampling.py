"""Speed of volumes by counting: fused loops beside NumPy and torch, two threads beside one, chi beside chi-square.

Run ``python -m benchmarks.test_sampling`` for the tables, or ``python -m pytest benchmarks/test_sampling.py`` for the
goals. One core, except where it says two threads; the command starts itself anew with the threads of NumPy's matrix
products held to one, for pytest set OPENBLAS_NUM_THREADS=1. All take turns in one process, and each answer is compared
with the exact volume before anything is timed. Theirs draw a chunk of samples, of a size that suits them, test it and
count.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest

from benchmarks import timing
from isoperimetry import sets
from isoperimetry.estimators.fused import FusedCount, fused_count
from isoperimetry.kernels.chi import fill_chi
from isoperimetry.streams import Stream

KEY = Stream(seed=1).split("benchmark").key
DIMS = (784, 3072, 150_528)
CHUNK = 1 << 17  # numbers in a chunk of theirs, about what the second-level cache holds
ROWS = 16  # samples in a chunk of theirs at least, as they share the weights
FACES = 16
COORDINATES = 4_000_000  # in a timed call, about
CHI_DOFS = (784, 150_527)
CHI_SIZE = 100_000
# How many times faster than which peer, in dimensions from 3072 on, except for the union.
GOALS: dict[str, dict[str, dict[str, float]]] = {
    "half-space": {
        "ours, float64": {"numpy, float64": 6.5},
        "ours, float32": {"numpy, float32": 12, "torch, float32": 5},
    },
    "ball": {"ours, float64": {"numpy, float64": 6.5}, "ours, float32": {"numpy, float32": 12, "torch, float32": 5}},
    f"union of {FACES}": {"ours, float64": {"numpy, float64": 4}},
}
SETS = tuple(GOALS)
LEAST_DIM = {"half-space": 3072, "ball": 3072, f"union of {FACES}": 784}

Cases = dict[str, Callable[[], int]]


class Problem(NamedTuple):
    """A set about the origin, its exact volume in noise of scale 1, and membership by arrays of any kind."""

    error_set: Any
    volume: float
    inside: Callable[[Any, Any], Any]  # of points, and of a function that makes constants of their kind


def problem(name: str, dim: int) -> Problem:
    draw = np.random.default_rng(dim)
    if name == "half-space":
        half = sets.HalfSpace(draw.standard_normal(dim), 0.5)
        return Problem(half, half.volume(), lambda x, like: x @ like(half.unit) >= 0.5)
    if name == "ball":
        middle = draw.standard_normal(dim) / math.sqrt(dim)
        ball = sets.Ball(middle, math.sqrt(dim + 1))
        return Problem(ball, ball.volume(), lambda x, like: ((x - like(middle)) ** 2).sum(1) <= dim + 1)
    # Orthogonal normals, so that the volume is exact: they are independent.
    normals = np.linalg.qr(draw.standard_normal((dim, FACES)))[0].T
    union = sets.UnionOfHalfSpaces(normals, np.full(FACES, 2.0))
    alone = sets.HalfSpace(np.ones(1), 2.0).volume()
    return Problem(union, -math.expm1(FACES * math.log1p(-alone)), lambda x, like: (x @ like(normals).T >= 2.0).any(1))


def cases(name: str, dim: int, n: int) -> tuple[Cases, float]:
    """Return ways to count among n samples, and the exact volume."""
    task = problem(name, dim)
    chunk = min(n, max(ROWS, CHUNK // dim))
    found: Cases = {}
    for dtype in (np.float64, np.float32):
        found[f"numpy, {np.dtype(dtype)}"] = _numpy_way(task, dim, n, chunk, dtype)
    torch = _torch()
    if torch is not None:
        found["torch, float32"] = _torch_way(torch, task, dim, n, chunk)
    for dtype in (np.float64, np.float32):
        found[f"ours, {np.dtype(dtype)}"] = _ours(fused(task.error_set, dim, dtype), n)
    return found, task.volume


def fused(error_set: Any, dim: int, dtype: Any) -> FusedCount:
    count = fused_count(error_set, np.zeros(dim), 1.0, dtype)
    assert count is not None
    return count


def _ours(count: FusedCount, n: int) -> Callable[[], int]:
    first = iter(range(0, 2**62, n))  # other samples each time, as theirs
    return lambda: count(KEY, next(first), n)


def _numpy_way(task: Problem, dim: int, n: int, chunk: int, dtype: Any) -> Callable[[], int]:
    generator, constants = np.random.default_rng(1), {}

    def like(a: Any) -> Any:
        return constants.setdefault(id(a), a.astype(dtype))

    def run() -> int:
        total = 0
        for start in range(0, n, chunk):
            x = generator.standard_normal((min(chunk, n - start), dim), dtype=dtype)
            total += int(np.count_nonzero(task.inside(x, like)))
        return total

    return run


def _torch_way(torch: Any, task: Problem, dim: int, n: int, chunk: int) -> Callable[[], int]:
    generator, constants = torch.Generator().manual_seed(1), {}

    def like(a: Any) -> Any:
        if id(a) not in constants:
            constants[id(a)] = torch.from_numpy(a.astype(np.float32))
        return constants[id(a)]

    def run() -> int:
        total = 0
        for start in range(0, n, chunk):
            x = torch.randn((min(chunk, n - start), dim), generator=generator, dtype=torch.float32)
            total += int(torch.count_nonzero(task.inside(x, like)))
        return total

    return run


def _torch() -> Any:
    """Return the module torch, held to one thread, or None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    return torch


def check(name: str, run: Callable[[], int], n: int, volume: float, least: int = 2000) -> None:
    """Compare the share of at least so many samples with the exact volume."""
    calls = max(1, -(-least // n))
    share = sum(run() for _ in range(calls)) / (calls * n)
    error = math.sqrt(volume * (1 - volume) / (calls * n))
    assert abs(share - volume) < 5 * error, f"{name}: {share} is not within 5 standard errors {error} of {volume}"


def run(name: str, dim: int) -> timing.Times:
    """Check the answers and return the times in ns a coordinate."""
    n = max(288, COORDINATES // dim // 288 * 288) if dim < 100_000 else 288
    ways, volume = cases(name, dim, n)
    for label, way in ways.items():
        check(f"{name}, {dim}, {label}", way, n, volume, 2000 if dim < 100_000 else 288)
    return timing.time_in_turns(ways, n * dim, rounds=7)


def thread_cases(dtype: Any) -> tuple[Cases, int]:
    """Return a fused half-space by one and by two threads, the same count, and its numbers."""
    dim, n = 3072, 20 * 288
    count = fused(problem("half-space", dim).error_set, dim, dtype)
    pool = ThreadPoolExecutor(1)

    def two() -> int:
        other = pool.submit(count, KEY, n // 2, n - n // 2)
        return count(KEY, 0, n // 2) + other.result()

    assert two() == count(KEY, 0, n), "two threads must count as one does"
    return {"one thread": lambda: count(KEY, 0, n), "two threads": two}, n * dim


def chi_cases(dof: int) -> Cases:
    """Return ways to make chi-distributed numbers, each checked for its mean square."""
    out, generator = np.empty(CHI_SIZE), np.random.default_rng(1)

    def ours() -> int:
        fill_chi(out, float(dof), np.uint64(KEY), np.uint64(0))
        return 0

    def theirs() -> int:
        np.sqrt(generator.chisquare(dof, CHI_SIZE), out=out)
        return 0

    found: Cases = {"numpy": theirs, "ours": ours}
    for label, way in found.items():
        way()
        assert abs((out * out).mean() / dof - 1) < 5 * math.sqrt(2 / dof / CHI_SIZE), label
    return found


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("name", SETS)
def test_goals(name: str, dim: int) -> None:
    times = run(name, dim)
    if dim < LEAST_DIM[name]:
        return
    short = {}
    for ours, peers in GOALS[name].items():
        for peer, goal in peers.items():
            if peer in times and timing.median_ratio(times, ours, peer) < goal:
                short[ours, peer] = timing.spread(times, ours, peer), goal
    assert not short, f"{name}, {dim}: times faster (median, range) and the goal {short}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_threads(dtype: Any) -> None:
    """Two threads at least 1.8 times one. It needs two cores that are free."""
    ways, size = thread_cases(dtype)
    found = timing.spread(timing.time_in_turns(ways, size), "two threads", "one thread")
    assert found[0] >= 1.8, f"{np.dtype(dtype)}: two threads are (median, range) {found} times one"


def test_chi() -> None:
    """A chi-distributed number in 25 ns or less, and faster than numpy's."""
    times = timing.time_in_turns(chi_cases(CHI_DOFS[-1]), CHI_SIZE)
    assert sorted(times["ours"])[len(times["ours"]) // 2] <= 25
    assert timing.median_ratio(times, "ours", "numpy") > 1


def main() -> None:
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        command = [sys.executable, "-m", "benchmarks.test_sampling"]
        os.execve(sys.executable, command, {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
    machine = timing.machine()
    print(machine)
    for name in timing.missing_peers():
        print(f"{name} is not installed: its rows are left out.")
    record: dict[str, Any] = {"machine": machine, "rows": [], "threads": [], "chi": []}
    for name in SETS:
        for dim in DIMS:
            times = run(name, dim)
            for dtype in ("float64", "float32"):
                ours, to = f"ours, {dtype}", f"numpy, {dtype}"
                peers = (to, f"torch, {dtype}", ours)
                part = {label: times[label] for label in peers if label in times}
                table = timing.rows(part, to, ours=ours, set=name, dim=dim, dtype=dtype)
                timing.show(f"{name}, n = {dim}, {dtype}", table, to)
                record["rows"] += table
    for dtype in (np.float64, np.float32):
        ways, size = thread_cases(dtype)
        times = timing.time_in_turns(ways, size)
        table = timing.rows(times, "one thread", ours="two threads", dtype=str(np.dtype(dtype)))
        timing.show(f"half-space, n = 3072, {np.dtype(dtype)}", table, "one thread")
        record["threads"] += table
    for dof in CHI_DOFS:
        table = timing.rows(timing.time_in_turns(chi_cases(dof), CHI_SIZE), "numpy", dof=dof)
        timing.show(f"chi, {dof} degrees of freedom", table, "numpy")
        record["chi"] += table
    timing.write("sampling", record)


if __name__ == "__main__":
    main()
