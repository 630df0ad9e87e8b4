"""Measures of error sets: calls, bias and coverage of every method on problems with known answers, beside OpenTURNS.

``python -m benchmarks.volumes`` measures everything, for about 40 minutes on two cores, and writes
``results/volumes.json``, the page docs/volumes-table.md and its picture. ``--quick`` takes two minutes and writes
nothing. ``--problems`` and ``--methods`` choose rows, ``--parts`` chooses parts, and a choice writes nothing either.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks import problems, timing, volumes_page, volumes_peers, volumes_speed
from benchmarks.volumes_runs import CONFIDENCE, Pool, Task, coverage, of_peer, run, summarise

SEEDS, FEW, PEER_SEEDS = 60, 40, 5
"""Seeds of a row: of quick methods, of splitting, of peers."""

COVERAGE_SEEDS = 1000
CALLS, MANY_CALLS = 1000, 100_000
"""Calls of the estimator itself: of methods that know where to look, and of splitting."""

PROBLEMS = ("P1", "P1_n784_1e-15", "P2", "P3", "P4", "P5", "P5_n100", "P6", "P7", "P8", "P9", "P10")
QUICK_PROBLEMS = ("P2", "P4", "P5_n100", "P6", "P7")
METHODS = ("auto", "mixture", "line", "importance", "directional", "splitting", "crude")
CRUDE_FROM = 1e-5  # below it, plain draws of a sensible number say nothing
PEER_LIMIT = 60.0
PARTS = ("efficiency", "peers", "coverage", "large", "speed", "threads", "trace")

GOALS = {
    ("P2", "mixture"): 100.0,
    ("P4", "line"): 220.0,
    ("P5", "line"): 30.0,
    ("P5_n100", "line"): 240.0,
    ("P6", "line"): 180.0,
}
"""Calls for 10 %, by problem and method, posed as a black box with its gradient."""


def efficiency_tasks(names: Sequence[str], methods: Sequence[str]) -> list[Task]:
    """Return the rows of the table of ours; budgets are set by `with_budget`."""
    tasks = []
    for name in names:
        problem = problems.get(name)
        for form in problem.forms:
            for method in methods:
                rare = problem.truth < CRUDE_FROM
                if (
                    (method == "crude" and rare)
                    or (form == "set" and method not in ("mixture", "line", "crude"))
                    or (form == "features" and method not in ("auto", "mixture", "line"))
                ):
                    continue
                tasks.append(Task(problem=name, form=form, method=method, limit=120.0))
    return tasks


def with_budget(task: Task) -> Task:
    """Return the task with a budget that leaves the estimator itself the calls it should have.

    A budget pays for the search and the guard too, which takes half of what a small one leaves. So a first run, whose
    noise no row uses, tells what the search needs.
    """
    if task.method in ("crude", "splitting"):
        return dataclasses.replace(task, n_samples=MANY_CALLS + 15_000 * (task.method == "splitting"))
    pilot = run(dataclasses.replace(task, purpose="pilot", n_samples=20 * CALLS), 0)
    searched = int(pilot.get("search", 10 * CALLS))
    return dataclasses.replace(task, n_samples=searched + 2 * CALLS)


def measure_efficiency(pool: Pool, tasks: Sequence[Task], *, seeds: int, few: int) -> list[dict[str, Any]]:
    """Return a row for each task."""
    table = []
    budgeted = [(task, few if task.method == "splitting" else seeds) for task in pool.each(with_budget, tasks)]
    for task, runs in pool.map(budgeted):
        row = {"problem": task.problem, "method": task.method, "form": task.form, "n_samples": task.n_samples}
        row |= summarise(runs)
        goal = GOALS.get((task.problem, task.method)) if task.form == "margin" else None
        if goal is not None:
            row |= {"goal": goal, "reached": row.get("w10") is not None and row["w10"] <= goal}
        table.append(row)
        print(volumes_page.line(row), flush=True)
    return table


def measure_peers(names: Sequence[str], *, seeds: int, limit: float = PEER_LIMIT) -> list[dict[str, Any]]:
    """Return a row for each problem and peer; two run at a time."""
    pairs = [(name, peer) for name in names for peer in volumes_peers.PEERS]

    def measure(pair: tuple[str, str]) -> dict[str, Any]:
        name, peer = pair
        # Seeds of its own kind of generator; problems use none of them.
        runs = volumes_peers.run_apart(peer, name, range(10_001, 10_001 + seeds), limit=limit)
        row = {"problem": name, "method": peer, "form": "margin"} | summarise(of_peer(problems.get(name), runs))
        print(volumes_page.line(row), flush=True)
        return row

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(measure, pairs))


def coverage_tasks(names: Sequence[str], methods: Sequence[str]) -> list[Task]:
    """Return the runs whose intervals are judged: small budgets, since every number of draws must keep the promise."""
    tasks = []

    def add(name: str, form: str, method: str, n_samples: int, rel_error: float | None = None) -> None:
        if name.split("_")[0] in {one.split("_")[0] for one in names} and method in methods:
            tasks.append(
                Task(
                    problem=name, form=form, method=method, n_samples=n_samples, rel_error=rel_error,
                    purpose="coverage" if rel_error is None else "coverage, stopped", limit=120.0,
                )
            )  # fmt: skip

    add("P1_n2_common", "margin", "crude", 2000)
    add("P1_n2_common", "margin", "crude", 100_000, 0.3)
    add("P2", "set", "crude", 20_000)
    add("P7", "set", "crude", 20_000)
    for name in ("P1_n2", "P2", "P3", "P4", "P5", "P5_n100", "P6", "P7", "P8", "P9", "P10"):
        for method in ("auto", "mixture", "line"):
            add(name, "margin", method, 3000)
        if name not in ("P3", "P8"):
            add(name, "margin", "importance", 3000)
    for name in ("P1", "P2", "P4", "P5", "P5_n100", "P7", "P8", "P9", "P10"):
        add(name, "set", "mixture", 2000)
    for name in ("P2", "P8"):
        add(name, "set", "mixture", 100_000, 0.05)
    for name in ("P2", "P4", "P5", "P7", "P9", "P10"):
        add(name, "set", "line", 2000)
    add("P5_n100", "margin", "mixture", 60_000, 0.2)
    add("P4", "set", "line", 20_000, 0.1)
    add("P6", "features", "mixture", 3000)
    add("P6", "features", "line", 3000)
    add("P3", "margin", "directional", 2000)
    add("P3", "set", "directional", 2000)
    add("P1_n2", "margin", "directional", 4000)
    add("P1_n2", "margin", "splitting", 30_000)
    add("P5_n100", "margin", "splitting", 30_000)
    return tasks


def measure_coverage(pool: Pool, tasks: Sequence[Task], *, seeds: int, few: int) -> list[dict[str, Any]]:
    """Return a row for each task and guarantee that it gave; ``few`` seeds where runs are slow or promise nothing."""
    table = []
    slow = [task.method == "splitting" or (task.method == "line" and task.form != "set") for task in tasks]
    for task, runs in pool.map([(task, few if less else seeds) for task, less in zip(tasks, slow, strict=True)]):
        for found in coverage(runs):
            row = {
                "problem": task.problem, "method": task.method, "form": task.form, "n_samples": task.n_samples,
                "rel_error": task.rel_error, **found,
            }  # fmt: skip
            table.append(row)
            print(volumes_page.coverage_line(row), flush=True)
    return table


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two minutes, a few seeds; nothing is written")
    parser.add_argument("--seeds", type=int, help=f"seeds of the coverage, {COVERAGE_SEEDS} by default")
    parser.add_argument("--problems", nargs="+", choices=problems.NAMES, metavar="NAME", help=", ".join(problems.NAMES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, metavar="METHOD")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    chosen = parser.parse_args(arguments)
    started = time.perf_counter()
    quick = chosen.quick
    names = chosen.problems or (QUICK_PROBLEMS if quick else PROBLEMS)
    seeds = chosen.seeds or (10 if quick else COVERAGE_SEEDS)
    record: dict[str, Any] = {"machine": timing.machine(), "confidence": CONFIDENCE, "quick": quick}
    record["problems"] = [volumes_page.describe(problems.get(name)) for name in names]
    parts = chosen.parts
    with Pool() as pool:
        if "efficiency" in parts:
            tasks = efficiency_tasks(names, chosen.methods)
            record["efficiency"] = measure_efficiency(
                pool, tasks, seeds=8 if quick else min(SEEDS, max(seeds, 10)), few=2 if quick else FEW
            )
        if "coverage" in parts:
            tasks = coverage_tasks(names, chosen.methods)
            record["coverage"] = measure_coverage(pool, tasks, seeds=seeds, few=max(4, seeds // 4))
    if "peers" in parts:
        peer_names = [name for name in names if name in ("P5_n100", "P1_n2")] if quick else names
        record["peers"] = measure_peers(peer_names, seeds=2 if quick else PEER_SEEDS)
    # What is timed comes when nothing else runs.
    if "large" in parts:
        record["large"] = [volumes_speed.large(one_thread=one) for one in (False, True)]
        print(*map(volumes_page.large_line, record["large"]), sep="\n", flush=True)
    if "speed" in parts:
        record["speed"] = volumes_speed.apart("speed", quick=quick)
        print(*map(volumes_page.speed_line, record["speed"]), sep="\n", flush=True)
    if "threads" in parts:
        record["threads"] = volumes_speed.apart("threads", quick=quick)
        print(volumes_page.threads_line(record["threads"]), flush=True)
    if "trace" in parts:
        record["trace"] = volumes_speed.traces()
    record["minutes"] = round((time.perf_counter() - started) / 60, 1)
    failures = volumes_page.failures(record)
    print(f"\n{record['minutes']} minutes", *failures, sep="\n")
    if not quick and chosen.problems is None and set(parts) == set(PARTS) and set(chosen.methods) == set(METHODS):
        timing.write("volumes", record)
        volumes_page.write(record)
    return record


if __name__ == "__main__":
    main()
