"""Cost of the first use, in fresh processes: ``python -m benchmarks.test_import_time``.

Goals: ``python -m pytest benchmarks/test_import_time.py``, on one core that is free.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import pytest

from benchmarks import timing

RUNS, COLD_RUNS = 9, 5

GOALS = {
    "import beyond numpy": 0.030,
    "first array call, warm, in all": 0.75,
    "second kernel, warm": 0.010,
    "both kernels, cold": 3.0,
}
"""Seconds."""

IMPORT = """
import json, time
import numpy
start = time.perf_counter()
import isoperimetry
print(json.dumps({"import beyond numpy": time.perf_counter() - start}))
"""

CALLS = """
import json, sys, time
start = time.perf_counter()
import numpy as np
x = np.linspace(0.05, 0.95, 10)
after_numpy = time.perf_counter()
from isoperimetry import special
special.ndtri(x)
after_first, now = time.perf_counter(), time.time()
special.ndtr(x)
after_second = time.perf_counter()
print(json.dumps({
    "numpy alone": after_numpy - start,
    "first array call, beyond numpy": after_first - after_numpy,
    "first array call, in all": now - float(sys.argv[1]),
    "second kernel": after_second - after_first,
}))
"""

WARMUP = """
import json, time
import numpy
start = time.perf_counter()
import isoperimetry
isoperimetry.warmup()
print(json.dumps({"warmup()": time.perf_counter() - start}))
"""


def run(code: str, cache: pathlib.Path | str) -> dict[str, float]:
    """Run the code in a fresh process that keeps its compiled code in ``cache``; return what it prints."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    environment["NUMBA_CACHE_DIR"] = str(cache)
    command = [sys.executable, "-c", code, str(time.time())]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure_import(runs: int = RUNS) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as cache:
        return {"import beyond numpy": [run(IMPORT, cache)["import beyond numpy"] for _ in range(runs)]}


def measure_calls(cold_runs: int = COLD_RUNS, runs: int = RUNS) -> dict[str, list[float]]:
    cold: list[dict[str, float]] = []
    for _ in range(cold_runs):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(run(CALLS, cache))
            warm = [run(CALLS, cache) for _ in range(runs if len(cold) == cold_runs else 0)]
    return {
        "numpy alone": [each["numpy alone"] for each in warm],
        "first array call, warm, beyond numpy": [each["first array call, beyond numpy"] for each in warm],
        "first array call, warm, in all": [each["first array call, in all"] for each in warm],
        "second kernel, warm": [each["second kernel"] for each in warm],
        "both kernels, cold": [each["first array call, beyond numpy"] + each["second kernel"] for each in cold],
    }


def measure_warmup(cold_runs: int = 1, runs: int = RUNS) -> dict[str, list[float]]:
    for_all: list[float] = []
    for _ in range(cold_runs):
        with tempfile.TemporaryDirectory() as cache:
            for_all.append(run(WARMUP, cache)["warmup()"])
            warm = [run(WARMUP, cache)["warmup()"] for _ in range(runs if len(for_all) == cold_runs else 0)]
    return {"warmup(), cold": for_all, "warmup(), warm": warm}


def main(runs: int, cold_runs: int) -> None:
    record: dict[str, Any] = {"machine": timing.machine(), "unit": "s", "rows": []}
    times = measure_import(runs) | measure_calls(cold_runs, runs) | measure_warmup(1, runs)
    print(f"{'':40s}{'median':>10s}{'least':>10s}{'most':>10s}{'runs':>6s}{'goal':>8s}")
    for name, found in times.items():
        low, middle, high = min(found), statistics.median(found), max(found)
        goal = GOALS.get(name)
        print(f"{name:40s}{middle:10.4f}{low:10.4f}{high:10.4f}{len(found):6d}{goal or '':>8}")
        row = {"case": name, "median": middle, "least": low, "most": high}
        record["rows"].append({key: round(x, 5) if isinstance(x, float) else x for key, x in row.items()})
        record["rows"][-1] |= {"runs": len(found), "goal": goal}
    timing.write("import_time", record)


@functools.cache
def measured() -> dict[str, list[float]]:
    return measure_import() | measure_calls()


@pytest.mark.parametrize("name", GOALS)
def test_goal(name: str) -> None:
    found = measured()[name]
    assert statistics.median(found) <= GOALS[name], found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="processes with a warm cache")
    parser.add_argument("--cold-runs", type=int, default=COLD_RUNS, help="processes with an empty cache")
    options = parser.parse_args()
    main(options.runs, options.cold_runs)
