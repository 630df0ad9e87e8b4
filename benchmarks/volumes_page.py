"""What `benchmarks.volumes` measured, as lines on the screen, as the page docs/volumes-table.md and as its picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.problems import Problem

ROOT = Path(__file__).parent.parent
PAGE, PICTURE = ROOT / "docs" / "volumes-table.md", ROOT / "docs" / "images" / "volumes.png"
EXACT_CV = 1e-9
SHOWN_FROM = 4  # runs of a row that is drawn
Row = Mapping[str, Any]

# Okabe and Ito (2008); peers have hollow marks, so that nobody needs the colours.
_MARKS = {
    "mixture": ("#0072B2", "o"), "line": ("#009E73", "s"), "importance": ("#56B4E9", "^"),
    "directional": ("#E69F00", "v"), "splitting": ("#CC79A7", "D"), "auto": ("#222222", "*"),
    "OpenTURNS line": ("#009E73", "s"), "OpenTURNS subset": ("#CC79A7", "D"),
}  # fmt: skip
_INK, _PALE, _WRONG = "#333333", "#d9d9d9", "#D55E00"


def describe(problem: Problem) -> dict[str, Any]:
    """Return what the page says about a problem."""
    return {
        "name": problem.name, "title": problem.title, "truth": problem.truth, "nearest": problem.nearest,
        "certainty": problem.certainty,
    }  # fmt: skip


def method(row: Row) -> str:
    """Return the method in words, with the form of the problem where it is not the black box."""
    return str(row["method"]) + {"margin": "", "set": ", set", "features": ", features"}[row["form"]]


def w10(row: Row) -> str:
    """Return the calls for 10 %, or why there is no such figure."""
    if not row.get("ok"):
        return "FAILED"
    if row["biased"]:
        return "BIASED"
    if row.get("cv") is None:
        return "-"
    off = f" (off by {100 * row['off']:+.2g} %)" if "off" in row else ""
    if row["cv"] < EXACT_CV:
        return f"no scatter{off}" if off else "exact"
    if row.get("w10") is None:
        return f"few calls{off}"
    return f"{_count(row['w10'])} ± {_count(row['w10_se'])}{off}"


def guarantee(row: Row) -> str:
    """Return the guarantees that the runs gave, the most frequent first."""
    return ", ".join(name for name, _ in sorted(row.get("guarantees", {}).items(), key=lambda item: -item[1])) or "none"


def line(row: Row) -> str:
    """Return a row for the screen."""
    head = f"{row['problem']:15s}{method(row):22s}{row['ok']:4d}/{row['n']:<4d}"
    if not row["ok"]:
        return f"{head}FAILED  {_reason(row)}"
    cv = "-" if row["cv"] is None else f"{row['cv']:.3g}"
    goal = "" if "goal" not in row else f"  goal {row['goal']:g}: {_reached(row)}"
    failed = f"  ({_reason(row)})" if row["ok"] < row["n"] else ""
    return (
        f"{head}mean {row['mean']:<9.4g} cv {cv:9s} calls {row['calls']:<9,.0f} search {row['search']:<7,.0f} "
        f"grad {row['gradients']:<6,.0f} guard {row['guard']:<7,.0f} {row['seconds']:<8.3g} s  W10% {w10(row):16s} "
        f"covers {_share(row.get('covered'))} spread {_share(row.get('in_spread'))} {guarantee(row)}{goal}{failed}"
    )


def coverage_line(row: Row) -> str:
    """Return a row of the coverage for the screen."""
    head = f"{row['problem']:15s}{method(row):22s}"
    if row["guarantee"] == "FAILED":
        return f"{head}{row['n']:5d} FAILED  {row['given']}"
    stopped = "" if row["rel_error"] is None else f", stopped at {row['rel_error']:g}"
    return (
        f"{head}{row['guarantee']:14s} {row['held']:5d}/{row['n']:<5d} = {row['share']:.3f}  interval "
        f"{row['interval']:.3f}  spread {row['spread']:.3f}  {row['verdict']}  ({row['n_samples']:,} calls{stopped})"
    )


def large_line(row: Row) -> str:
    """Return the large black box for the screen."""
    if "failed" in row:
        return f"{row['set']}, n = 150,528: FAILED  {row['failed']}"
    return (
        f"{row['set']}, n = 150,528, mu = 1e-12: {row['seconds']:.2f} s ({row['cpu']:.1f} s of processors), "
        f"{row['peak_bytes'] / 1e6:.0f} MB, estimate / true {row['ratio']:.4f}, {row['method']}, {row['guarantee']}, "
        f"{row['n_calls']:,} calls ({row['n_search']:,} search, {row['n_guard']:,} guard), {row['n_gradients']} "
        f"gradients  goal {_reached(row)}"
    )


def speed_line(row: Row) -> str:
    """Return the speed of a reduced set for the screen."""
    return (
        f"{row['set']}, n = 150,528: {row['ns']:.4g} ns a sample after {1e3 * row['set_up']:.3g} ms, NumPy "
        f"{row['naive_ns'] / 1e6:.2f} ms: {_count(row['factor'])} times [{_count(row['least'])}, {_count(row['most'])}]"
        f"  goal {row['goal']:,.0f} {_reached(row)}"
    )


def threads_line(row: Row) -> str:
    """Return the two threads for the screen."""
    low, high = row["range"]
    return (
        f"2 threads against 1: {row['speed_up']:.2f} [{low:.2f}, {high:.2f}], same bits: {row['same_bits']}, load "
        f"before {row['load_before']}  goal {row['goal']} {_reached(row)}"
    )


def failures(record: Row) -> list[str]:
    """Return a sentence for each goal that was missed and each promise that did not hold."""
    found = [
        f"MISSED {row['problem']} {method(row)}: {w10(row)} for a goal of {row['goal']:g}"
        for row in record.get("efficiency", ()) if "goal" in row and not row["reached"]
    ]  # fmt: skip
    found += [
        f"FAILED {row['problem']} {method(row)}: {_reason(row)}"
        for row in record.get("efficiency", ()) if row["ok"] < row["n"]
    ]  # fmt: skip
    found += [
        f"COVERAGE {coverage_line(row)}" for row in record.get("coverage", ())
        if row["guarantee"] == "FAILED" or row["verdict"] == "FAILS"
    ]  # fmt: skip
    found += [large_line(row) for row in record.get("large", ()) if not row.get("reached")]
    found += [speed_line(row) for row in record.get("speed", ()) if not row["reached"]]
    return found + [threads_line(row) for row in (record.get("threads"),) if row and not row["reached"]]


def write(record: Row, page: Path = PAGE, picture: Path = PICTURE) -> None:
    """Write the page and its picture."""
    draw(record).savefig(picture, dpi=100, metadata={"Software": None})
    page.write_text(markdown(record))
    print(f"written to {page.name} and {picture.name}")


def markdown(record: Row) -> str:
    """Return the page."""
    ours, peers = record["efficiency"], record.get("peers", [])
    parts = [_HEAD.format(cores=record["machine"]["cores"]), _problem_table(record["problems"])]
    for problem in record["problems"]:
        rows = [row for row in (*ours, *peers) if row["problem"] == problem["name"]]
        parts += [f"### {problem['name']}: {problem['title']}", _efficiency_table(rows)]
    parts += [_COVERAGE, _coverage_table(record["coverage"]), "## Time and memory"]
    parts += [f"- {text}" for text in (*map(large_line, record["large"]), *map(speed_line, record["speed"]))]
    return "\n\n".join([*parts, f"- {threads_line(record['threads'])}"]).replace("\n\n- ", "\n- ") + "\n"


_HEAD = """# Volumes: every method on every problem

Made by `python -m benchmarks.volumes` on a machine with {cores} cores; the numbers behind it are in
`benchmarks/results/volumes.json`. Do not edit.

![Calls for 10 % by problem and method, and one run as its calls go by](images/volumes.png)

All numbers are relative to a measure known beforehand. **Calls** are those of the estimator itself; the search for
design points, with its gradients, and the plain draws of the guard are beside it. **W10%** is calls times the squared
coefficient of variation times 100: what a scatter of 10 % takes, from runs of at least 500 calls, with its standard
error. BIASED: the mean is off by more than three standard errors and 2 %, so that more calls do not help; "off by" is a
smaller bias that is certain. FAILED: no run ended with a number. **Covers**: share of the runs whose 95 % interval
holds the measure; spread: that of the asymptotic limits. Where the number is exact, both limits are rounding. Sets of
ours have limits that are proved without a draw; an estimate outside is moved to them, so that plain draws of a set
average below the measure where its cover is tight."""

_COVERAGE = """## Coverage

Share of runs in which what the guarantee promises at 95 % holds: both limits, or the lower one for LOWER_ONLY. Which
guarantee a run gives may depend on its draws, so that the promise is one for all runs of a method: it FAILS if so many
broken promises have a probability below 1e-6. What is ASYMPTOTIC or rests on IDEAL_MOVES promises nothing at these
budgets, and is shown as it is."""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _problem_table(problems: Sequence[Row]) -> str:
    return _table(
        ("problem", "errors", "measure", "nearest error", "known from"),
        [(p["name"], p["title"], f"{p['truth']:.5g}", f"{p['nearest']:.4g}", p["certainty"]) for p in problems],
    )


def _efficiency_table(rows: Sequence[Row]) -> str:
    head = (
        "method", "runs", "mean / true", "CV", "calls", "search", "gradients", "guard", "seconds", "W10%", "covers",
        "guarantee",
    )  # fmt: skip
    return _table(head, [_cells(row) for row in rows])


def _cells(row: Row) -> list[str]:
    cells = [method(row), f"{row['ok']}/{row['n']}"]
    if not row["ok"]:
        return [*cells, *["-"] * 7, "FAILED", "-", _reason(row)]
    peer = row["method"].startswith("OpenTURNS")
    limits = _share(row.get("covered")) + ("" if peer else f" (spread {_share(row.get('in_spread'))})")
    found = _reason(row) if row["ok"] < row["n"] else guarantee(row)
    goal = "" if "goal" not in row else f" (goal {row['goal']:g}{'' if row['reached'] else ', missed'})"
    return [
        *cells, f"{row['mean']:.3g}", "-" if row["cv"] is None else f"{row['cv']:.2g}", _count(row["calls"]),
        _count(row["search"]), _count(row["gradients"]), _count(row["guard"]), f"{row['seconds']:.2g}",
        w10(row) + goal, limits, found,
    ]  # fmt: skip


def _coverage_table(rows: Sequence[Row]) -> str:
    head = (
        "problem", "method", "calls", "stopped at", "guarantee", "holds", "two-sided", "spread",
        "median upper limit / true", "verdict",
    )  # fmt: skip
    cells = []
    for row in rows:
        stopped = "-" if row["rel_error"] is None else f"{row['rel_error']:g}"
        start = [row["problem"], method(row), f"{row['n_samples']:,}", stopped, row["guarantee"]]
        if row["guarantee"] == "FAILED":
            cells.append([*start, f"{row['n']} runs", "-", "-", "-", row["given"]])
            continue
        held = f"{row['held']}/{row['n']}"
        limits = [f"{row['interval']:.3f}", f"{row['spread']:.3f}", f"{row['upper_over_truth']:.3g}"]
        cells.append([*start, held, *limits, row["verdict"]])
    return _table(head, cells)


def draw(record: Row) -> Figure:
    """Return the picture: calls for 10 %, and one run's limits as the calls go by."""
    figure = Figure(figsize=(12, 6.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    _draw_efficiency(left, record)
    _draw_traces(right, record.get("trace", []))
    for ax in (left, right):
        ax.tick_params(colors=_INK)
        ax.grid(color=_PALE, linewidth=0.6)
        ax.set_axisbelow(True)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    return figure


def _draw_efficiency(ax: Any, record: Row) -> None:
    names = [problem["name"] for problem in record["problems"]]
    seen = set()
    for row in (*record["efficiency"], *record.get("peers", ())):
        shown = row["form"] == "margin" and row["method"] in _MARKS and row["ok"] >= SHOWN_FROM
        if not shown or row.get("w10") is None or row["cv"] < EXACT_CV:
            continue
        color, mark = _MARKS[row["method"]]
        peer = row["method"].startswith("OpenTURNS")
        ax.plot(
            max(row["w10"], 1.0), names.index(row["problem"]), mark, markersize=9, color=color, alpha=0.9,
            fillstyle="none" if peer else "full", markeredgewidth=1.8 if peer else 0.8,
            label=None if row["method"] in seen else row["method"],
        )  # fmt: skip
        seen.add(row["method"])
    for (name, _), goal in _goals(record).items():
        ax.plot([goal, goal], [names.index(name) - 0.3, names.index(name) + 0.3], color=_WRONG, linewidth=1.6)
    ax.set_xscale("log")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel("calls for a scatter of 10 %, from 1 up (red: goal; without mark: biased or exact)", color=_INK)
    if seen:
        ax.legend(frameon=False, fontsize=9, ncols=4, loc="lower left", bbox_to_anchor=(0.0, 1.0))


def _goals(record: Row) -> dict[tuple[str, str], float]:
    return {(row["problem"], row["method"]): row["goal"] for row in record["efficiency"] if "goal" in row}


def _draw_traces(ax: Any, runs: Sequence[Row]) -> None:
    for run in runs:
        if "failed" in run:
            continue
        steps = [step for step in run["steps"] if step["ratio"] > 0]
        color = _MARKS[run["method"]][0]
        calls = [step["calls"] for step in steps]
        ax.fill_between(calls, [s["low"] for s in steps], [min(s["high"], 1e6) for s in steps], color=color, alpha=0.18)
        ax.plot(calls, [s["ratio"] for s in steps], color=color, linewidth=2, label=f"{run['method']}")
    ax.axhline(1.0, color=_INK, linewidth=1, linestyle=":")
    ax.set_xscale("log")
    ax.set_ylim(0.5, 1.5)
    ax.set_xlabel("calls of the estimator", color=_INK)
    ax.set_ylabel("estimate and 95 % limits, relative to the measure", color=_INK)
    ax.set_title("ReLU network 784-64-10, mu = 9.9e-7", color=_INK, fontsize=11, loc="left")
    if runs:
        ax.legend(frameon=False, fontsize=9)


def _reason(row: Row) -> str:
    return "; ".join(f"{text} ({count})" for text, count in row.get("failures", {}).items()).replace("|", "/")


def _reached(row: Row) -> str:
    return "reached" if row["reached"] else "MISSED"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _count(value: float) -> str:
    """Return a number of calls with the digits that it is worth."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if value < 10:
        return f"{value:.2g}"
    digits = max(0, math.floor(math.log10(value)) - 2)
    return f"{round(value / 10**digits) * 10**digits:,d}"
