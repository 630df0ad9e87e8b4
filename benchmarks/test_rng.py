"""Gaussian noise against numpy's and torch's: nanoseconds a number on one core, and what a second thread brings.

Run ``python -m benchmarks.test_rng`` for the table, or ``pytest benchmarks/test_rng.py`` for the goals. All are timed
in turns in one process, so that the ratios are good on a noisy machine: compare those, not the times.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from isoperimetry.streams import Stream, add_noise, standard_normals

ROUNDS, SECONDS = 9, 0.03
RESULT = pathlib.Path(__file__).parent / "results" / "rng.json"
STREAM = Stream(seed=1)
SHAPES = ((128, 784), (1334, 784), (13_340, 784), (8, 150_528), (330_000, 3))
THREADS_FROM = 4_000_000  # a second thread has work for milliseconds from here on


def time_in_turns(cases: dict[str, Callable[[], object]], size: int) -> dict[str, list[float]]:
    """Return for each case ROUNDS times in ns a number, the cases taking turns."""
    repeats, times = {}, {name: [] for name in cases}
    for name, run in cases.items():
        run()  # warm: compiled, pages touched
        start = time.perf_counter()
        run()
        repeats[name] = max(1, int(SECONDS / (time.perf_counter() - start)))
    for _ in range(ROUNDS):
        for name, run in cases.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                run()
            times[name].append((time.perf_counter() - start) / repeats[name] / size * 1e9)
    return times


def noise_cases(dtype: Any, n: int, dim: int) -> dict[str, Callable[[], object]]:
    """Return ways to make ``center + sigma * z`` in the shape (n, dim), each into memory of its own."""
    generator, center = np.random.default_rng(1), np.linspace(0, 1, dim).astype(dtype)
    ours, theirs = np.empty((n, dim), dtype), np.empty((n, dim), dtype)
    sigma = dtype(0.4)

    def numpy_way() -> None:
        generator.standard_normal(out=theirs, dtype=dtype)
        np.multiply(theirs, sigma, out=theirs)
        np.add(theirs, center, out=theirs)

    cases: dict[str, Callable[[], object]] = {
        "numpy": numpy_way,
        "numpy, z alone": lambda: generator.standard_normal(out=theirs, dtype=dtype),
        "ours": lambda: add_noise(center, 0.4, stream=STREAM, out=ours, n_threads=1),
    }
    if n * dim >= THREADS_FROM:
        cases["ours, two threads"] = lambda: add_noise(center, 0.4, stream=STREAM, out=ours, n_threads=2)
    try:
        import torch
    except ImportError:
        return cases
    torch.set_num_threads(1)
    tensor, middle = torch.empty((n, dim), dtype=getattr(torch, np.dtype(dtype).name)), torch.from_numpy(center)
    return {**cases, "torch": lambda: tensor.normal_().mul_(0.4).add_(middle)}


def check_answer(dtype: Any) -> None:
    z = standard_normals(1000, 784, stream=STREAM, dtype=dtype).astype(float)
    assert abs(z.mean()) < 0.006 and abs(z.var() - 1) < 0.008  # 5 standard errors


def ratios(times: dict[str, list[float]], name: str, to: str = "numpy") -> list[float]:
    return sorted(a / b for a, b in zip(times[to], times[name], strict=True))


def test_goals() -> None:
    """One core, 1e6 numbers, same run: at least 5 times numpy in float64, 9 times in float32."""
    for dtype, goal in ((np.float64, 5), (np.float32, 9)):
        check_answer(dtype)
        found = statistics.median(ratios(time_in_turns(noise_cases(dtype, 1334, 784), 1334 * 784), "ours"))
        assert found >= goal, f"{np.dtype(dtype)}: {found:.1f} times numpy, the goal is {goal}"


def main() -> None:
    start = time.perf_counter()
    standard_normals(1, 1, stream=STREAM, dtype=np.float32)
    standard_normals(1, 1, stream=STREAM)
    first_call = time.perf_counter() - start
    packages = {name: importlib.metadata.version(name) for name in ("numpy", "numba")}
    machine: dict[str, Any] = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **packages,
    }
    if hasattr(os, "getloadavg"):
        machine["load_before"] = os.getloadavg()[0]  # others on the machine: near 0 if the times are to be quoted
    print(machine)
    print(f"first call of both types, with the import of Numba: {first_call:.2f} s")
    rows = []
    for dtype in (np.float32, np.float64):
        check_answer(dtype)
        for n, dim in SHAPES:
            times = time_in_turns(noise_cases(dtype, n, dim), n * dim)
            print(f"\n{np.dtype(dtype)}, ({n}, {dim})")
            for name, found in times.items():
                ratio, nanoseconds = ratios(times, name), statistics.median(found)
                middle, low, high = (round(value, 2) for value in (statistics.median(ratio), ratio[0], ratio[-1]))
                print(f"  {name:20s}{nanoseconds:8.2f} ns   {middle:6.2f} times numpy [{low:.2f}, {high:.2f}]")
                row = {"dtype": str(np.dtype(dtype)), "shape": [n, dim], "case": name, "ns": round(nanoseconds, 3)}
                rows.append({**row, "times_numpy": middle, "range": [low, high]})
    record = {"machine": machine, "rounds": ROUNDS, "first_call_s": round(first_call, 2), "rows": rows}
    RESULT.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nwritten to {RESULT}")


def processor() -> str:
    """Return the processor's name, where Linux tells it."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
