"""Timing side by side: the cases take turns in one process, so that their ratios are good on a noisy machine."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

ROUNDS, SECONDS = 9, 0.03
RESULTS = pathlib.Path(__file__).parent / "results"
PACKAGES = ("isoperimetry", "numpy", "scipy", "numba", "torch", "mkl")

Times = dict[str, list[float]]


def time_in_turns(cases: Mapping[str, Callable[[], object]], size: int, *, rounds: int = ROUNDS) -> Times:
    """Return for each case ``rounds`` times in ns a number, the cases taking turns."""
    repeats: dict[str, int] = {}
    times: Times = {name: [] for name in cases}
    for name, run in cases.items():
        run()  # warm: compiled, pages touched
        start = time.perf_counter()
        run()
        repeats[name] = max(1, int(SECONDS / (time.perf_counter() - start)))
    for _ in range(rounds):
        for name, run in cases.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                run()
            times[name].append((time.perf_counter() - start) / repeats[name] / size * 1e9)
    return times


def ratios(times: Times, name: str, to: str) -> list[float]:
    """Return how many times faster ``name`` is than ``to``, round by round, in increasing order."""
    return sorted(a / b for a, b in zip(times[to], times[name], strict=True))


def median_ratio(times: Times, name: str, to: str) -> float:
    return statistics.median(ratios(times, name, to))


def spread(times: Times, name: str, to: str) -> tuple[float, float, float]:
    """Return the median, least and largest ratio, rounded to two places."""
    ratio = ratios(times, name, to)
    return round(statistics.median(ratio), 2), round(ratio[0], 2), round(ratio[-1], 2)


def versions() -> dict[str, str | None]:
    """Return the versions of the packages that are compared, None for those that are not installed."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def machine() -> dict[str, Any]:
    """Return what the times depend on."""
    record: dict[str, Any] = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **versions(),
    }
    if hasattr(os, "getloadavg"):
        record["load_before"] = round(os.getloadavg()[0], 2)  # near 0 if the times are to be quoted
    return record


def processor() -> str:
    """Return the processor's name, where Linux tells it."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def rows(times: Times, to: str, *, ours: str = "ours", **what: Any) -> list[dict[str, Any]]:
    """Return a row for each case: its median time, and how many times faster than it ``ours`` is.

    ``to`` is the case that all are compared with as well.
    """
    table = []
    for name, found in times.items():
        row = {**what, "case": name, "ns": round(statistics.median(found), 3)}
        for key, (middle, low, high) in {
            f"times_{to}": spread(times, name, to),
            "ours_is_faster": spread(times, ours, name),
        }.items():
            row |= {key: middle, f"{key}_range": [low, high]}
        table.append(row)
    return table


def show(title: str, table: list[dict[str, Any]], to: str) -> None:
    """Print the rows of one title, each with a note if it has one."""
    print(f"\n{title}\n  {'':22s}{'ns/number':>10s}   {'times ' + to:>24s}   {'ours is faster by':>24s}")
    for row in table:
        line = f"  {row['case']:22s}{row['ns']:10.2f}"
        for key in (f"times_{to}", "ours_is_faster"):
            low, high = row[f"{key}_range"]
            line += f"   {f'{row[key]:.2f} [{low:.2f}, {high:.2f}]':>24s}"
        print(f"{line}   {row.get('note', '')}".rstrip(), flush=True)


def missing_peers() -> list[str]:
    """Return the names of the peers that are not installed, whose rows are left out."""
    return [name for name, version in versions().items() if version is None]


def write(name: str, record: dict[str, Any]) -> None:
    """Write the record to ``results/<name>.json``."""
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    print(f"\nwritten to {path.relative_to(RESULTS.parent.parent)}")
