"""Speed of the error sets: membership and distances beside NumPy, and exact volumes in high dimension.

Run ``python -m benchmarks.test_sets`` for the table, or ``python -m pytest benchmarks/test_sets.py`` for the goals. The
NumPy expressions are what one would write by hand, with the threads that its matrix products use; ours and theirs take
turns in one process, and their answers are compared before they are timed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from benchmarks import timing
from isoperimetry import sets

Array = np.ndarray
POINTS, DIM = 100_000, 784
FACES, LARGE_DIM = 16, 3072


SAME = 0.8  # where both are one and the same matrix product, at the speed of the memory or of the multipliers


class Task(NamedTuple):
    """A set, the points, and the obvious expressions for its signed distance and for its membership."""

    error_set: Any
    distance: Callable[[Array], Array]
    contains: Callable[[Array], Array]
    dim: int = DIM
    goal: float = 1.0


def tasks() -> dict[str, Task]:
    rng = np.random.default_rng(5)
    normal, center = rng.standard_normal(DIM), rng.standard_normal(DIM)
    unit, axis = normal / np.linalg.norm(normal), np.eye(1, DIM)[0]
    low, high = np.full(DIM, -3.0), np.full(DIM, 3.0)
    weights, slope = rng.uniform(0.5, 2.0, DIM), rng.standard_normal(DIM)
    normals = rng.standard_normal((FACES, LARGE_DIM))
    units, offsets = normals / np.linalg.norm(normals, axis=1)[:, None], np.full(FACES, 2.0)

    def box_gap(x: Array) -> Array:
        gaps = np.maximum(low - x, x - high)
        most = gaps.max(axis=1)
        return np.where(most <= 0, most, np.sqrt((np.maximum(gaps, 0) ** 2).sum(axis=1)))

    def norm(x: Array) -> Array:
        return np.sqrt(((x - center) ** 2).sum(axis=1))

    def cone_angle(x: Array) -> Array:
        return np.arctan2(np.sqrt((x[:, 1:] ** 2).sum(axis=1)), x[:, 0])

    def cone_gap(x: Array) -> Array:
        along, across = x[:, 0], np.sqrt((x[:, 1:] ** 2).sum(axis=1))
        beyond = np.arctan2(across, along) - 1.5
        size = np.hypot(along, across)
        return np.where(beyond < math.pi / 2, size * np.sin(beyond), size)

    radius, thick = math.sqrt(2 * DIM), 0.5
    return {
        "half-space": Task(sets.HalfSpace(normal, 2.0), lambda x: 2.0 - x @ unit, lambda x: x @ unit >= 2.0, goal=SAME),
        "slab": Task(
            sets.Slab(normal, 1.0, 0.5),
            lambda x: np.abs(x @ unit - 1.0) - 0.5,
            lambda x: np.abs(x @ unit - 1.0) <= 0.5,
            goal=SAME,
        ),
        "ball": Task(
            sets.Ball(center, radius),
            lambda x: norm(x) - radius,
            lambda x: ((x - center) ** 2).sum(axis=1) <= radius**2,
        ),
        "shell": Task(
            sets.Shell(center, radius - thick, radius + thick),
            lambda x: np.abs(norm(x) - radius) - thick,
            lambda x: np.abs(norm(x) - radius) <= thick,
        ),
        "box": Task(sets.Box(low, high), box_gap, lambda x: ((x >= low) & (x <= high)).all(axis=1)),
        "cone": Task(sets.Cone(1.5, DIM), cone_gap, lambda x: cone_angle(x) <= 1.5),
        "quadric": Task(
            sets.Quadric(weights, slope, -1.2 * DIM),
            lambda x: np.full(len(x), np.nan),  # NumPy has no expression for it
            lambda x: (x * x) @ weights + x @ slope >= 1.2 * DIM,
        ),
        f"union of {FACES} half-spaces": Task(
            sets.UnionOfHalfSpaces(normals, offsets),
            lambda x: np.min([b - x @ w for w, b in zip(units, offsets, strict=True)], axis=0),
            lambda x: np.any([x @ w >= b for w, b in zip(units, offsets, strict=True)], axis=0),
            LARGE_DIM,
            3.0,
        ),
        f"union of {FACES} half-spaces, one matrix product": Task(
            sets.UnionOfHalfSpaces(normals, offsets),
            lambda x: (offsets - x @ units.T).min(axis=1),
            lambda x: (x @ units.T >= offsets).any(axis=1),
            LARGE_DIM,
            SAME,
        ),
        "paraboloid": Task(
            sets.Paraboloid(-DIM / 10, 0.2, DIM),
            lambda x: np.full(len(x), np.nan),
            lambda x: x @ axis >= -DIM / 10 + 0.1 * ((x * x).sum(axis=1) - (x @ axis) ** 2),
        ),
    }


def run(name: str, what: str, points: int = POINTS) -> timing.Times:
    """Compare the answers and return the times in ns a coordinate."""
    task = tasks()[name]
    x = np.random.default_rng(1).standard_normal((points * DIM // task.dim, task.dim))
    theirs = task.distance if what == "signed_distance" else task.contains
    ours = getattr(task.error_set, what)
    first, second = ours(x), theirs(x)
    if what == "contains":
        assert np.mean(first != second) < 1e-4, f"{name}: membership differs beyond rounding at the boundary"
    else:
        inside = second <= 0 if "union" in name else np.isnan(second)  # the depth in a union takes more than a minimum
        assert np.allclose(np.where(inside, 0.0, first), np.where(inside, 0.0, second), rtol=1e-9, atol=1e-9), name
        if np.isnan(second).all():
            return timing.time_in_turns({"ours": lambda: ours(x)}, x.size, rounds=5)
    return timing.time_in_turns({"ours": lambda: ours(x), "numpy": lambda: theirs(x)}, x.size, rounds=5)


VOLUMES: dict[str, tuple[Callable[[], Callable[[], float]], float]] = {
    "ball, n = 150,528": (lambda: sets.Ball(np.zeros(150_528), 380.0).log_volume, 5e-3),
    "ball off center, n = 150,528": (lambda: sets.Ball(np.full(150_528, 0.1), 350.0).log_volume, 5e-3),
    "box, n = 150,528": (lambda: sets.Box(np.full(150_528, -3.0), np.full(150_528, 3.0)).log_volume, 0.1),
    "quadric, 784 different weights": (lambda: _quadric(784).log_volume, 1.0),
    "quadric, 150,528 different weights": (lambda: _quadric(150_528).log_volume, 20.0),
    "cone off its apex, n = 784": (lambda: sets.translate(sets.Cone(1.5, 784), np.eye(1, 784)[0]).log_volume, 0.1),
    "paraboloid, n = 784": (lambda: sets.Paraboloid(2.0, 0.01, 784).log_volume, 0.1),
    "two half-spaces, n = 150,528": (
        lambda: sets.UnionOfHalfSpaces(np.random.default_rng(2).standard_normal((2, 150_528)), [3.0, 4.0]).log_volume,
        5e-3,
    ),
}


def _quadric(dim: int) -> sets.Quadric:
    weights = np.random.default_rng(3).uniform(0.5, 2.0, dim)
    return sets.Quadric(weights, np.full(dim, 0.1), -1.5 * dim)


def volume_times(name: str, rounds: int = 7) -> list[float]:
    """Return seconds a call, in increasing order."""
    call = VOLUMES[name][0]()
    first = call()
    assert math.isfinite(first)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        assert call() == first
        times.append(time.perf_counter() - start)
    return sorted(times)


@pytest.mark.parametrize("what", ["contains", "signed_distance"])
@pytest.mark.parametrize("name", tasks())
def test_goals(name: str, what: str) -> None:
    times = run(name, what)
    if "numpy" in times:
        ratio = timing.spread(times, "ours", "numpy")
        assert ratio[0] >= tasks()[name].goal, f"{name}: times faster than NumPy (median, range) {ratio}"


@pytest.mark.parametrize("name", VOLUMES)
def test_volumes(name: str) -> None:
    assert statistics.median(volume_times(name)) < VOLUMES[name][1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=POINTS, help="points at n = 784; fewer at a larger n")
    points = parser.parse_args().points
    record: dict[str, Any] = {"machine": timing.machine(), "points": points, "rows": [], "volumes": []}
    for name in tasks():
        for what in ("contains", "signed_distance"):
            times = run(name, what, points)
            if "numpy" in times:
                table = timing.rows(times, "numpy", set=name, method=what)
                timing.show(f"{name}: {what}", table, "numpy")
            else:
                table = [{"set": name, "method": what, "case": "ours", "ns": statistics.median(times["ours"])}]
                print(f"\n{name}: {what}\n  ours {table[0]['ns']:.2f} ns a coordinate")
            record["rows"] += table
    print("\nexact log_volume, warm")
    for name in VOLUMES:
        seconds = volume_times(name)
        low, high = seconds[0], seconds[-1]
        row = {"set": name, "ms": round(1e3 * statistics.median(seconds), 3), "range": [1e3 * low, 1e3 * high]}
        print(f"  {name:40s}{row['ms']:10.2f} ms  [{1e3 * low:.2f}, {1e3 * high:.2f}]", flush=True)
        record["volumes"].append(row)
    timing.write("sets", record)


if __name__ == "__main__":
    main()
