"""Errors of the functions of `isoperimetry.special` in ulp, beside scipy's, torch's and MKL's at the same points.

    python -m benchmarks.accuracy_special                  # 20,000 points a region: some minutes on two cores
    python -m benchmarks.accuracy_special --points 500     # a quick look
    python -m benchmarks.accuracy_special --functions ndtri ndtr    # printed only, nothing is written

Writes ``results/accuracy.json``, the tables of ``docs/accuracy.md`` and ``docs/images/accuracy.png``.
"""

from __future__ import annotations

import argparse
import math
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peers, timing
from benchmarks.regions import FUNCTIONS, REGIONS, Region
from benchmarks.truth import DIGITS, Workers, condition, errors_in_ulp
from isoperimetry import special

PAGE = Path(__file__).parent.parent / "docs" / "accuracy.md"
PICTURE = PAGE.parent / "images" / "accuracy.png"
COLUMNS = {"ours": "isoperimetry", "scipy": "scipy", "torch": "torch", "MKL HA": "MKL HA"}
_QUANTILE_OF = {"ndtri": "ndtri", "log_profile": "ndtri", "ndtri_exp": "ndtri_exp", "log_profile_exp": "ndtri_exp"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The errors of all implementations in one region; the arrays have one shape (points,)."""

    region: Region
    x: np.ndarray
    errors: dict[str, np.ndarray]
    condition: float

    def to_dict(self) -> dict[str, Any]:
        found = {name: self._one(errors) for name, errors in self.errors.items()}
        what = {"function": self.region.function, "region": self.region.name, "points": self.x.size}
        return {**what, "limit": self.region.limit, "condition": number(self.condition), "errors": found}

    def _one(self, errors: np.ndarray) -> dict[str, Any]:
        worst = int(np.argmax(errors))
        found = {"worst": number(errors[worst]), "percent_99": number(np.quantile(errors, 0.99, method="lower"))}
        return {**found, "worst_at": float(self.x[worst]).hex(), "not_finite": int(np.isinf(errors).sum())}


def number(value: float) -> float | str:
    """Return the value to 4 digits, as JSON can hold it."""
    return float(f"{value:.4g}") if math.isfinite(value) else str(float(value))


def measure(region: Region, n_points: int, workers: Workers) -> Measured:
    x = region.points(n_points)
    quantile = _QUANTILE_OF.get(region.function)
    # Newton's steps start from our own result; where they end does not depend on it (see `truth.quantile`).
    starts = np.full(x.size, math.nan) if quantile is None else np.asarray(getattr(special, quantile)(x))
    truth = workers.truths(region.function, x, starts)
    errors, out = {}, np.empty(x.size)
    for name, call in peers.bind(region.function, x, out).items():
        out.fill(np.nan)
        with np.errstate(all="ignore"):
            call()
        errors[name] = errors_in_ulp(out, truth)
    conditions = condition(region.function, x, truth[0])  # inf or NaN where the result is 0
    worst = float(conditions[np.isfinite(conditions)].max())
    return Measured(region=region, x=x, errors=errors, condition=worst)


def plain(value: float | str) -> str:
    """Return a number of a record as people read it: two places, or a power of ten."""
    value = float(value)
    if not math.isfinite(value):
        return "inf"
    if 0.01 <= value < 100 or value == 0:
        return f"{value:.2f}"
    return f"{value:.0f}" if 1 < value < 10_000 else re.sub(r"e([+-])0*", r"e\1", f"{value:.1e}").replace("e+", "e")


def table(function: str, measured: list[Measured]) -> str:
    """Return a Markdown table of one function: worst error and, in brackets, what 99 % of the points are within."""
    named = [name for name in COLUMNS if name in measured[0].errors]
    head = ["argument", "promised", *(COLUMNS[name] for name in named), "condition"]
    lines = [f"### `{function}`", "", f"| {' | '.join(head)} |", "| --- |" + " ---: |" * (len(head) - 1)]
    for one in measured:
        record = one.to_dict()
        cells = [record["region"], f"{record['limit']:g}"]
        for name in named:
            found = record["errors"][name]
            cell = f"{plain(found['worst'])} ({plain(found['percent_99'])})"
            if share := found["not_finite"] / record["points"]:
                finite = one.errors[name][np.isfinite(one.errors[name])]
                cell = f"not finite at {max(share, 1e-4):.2%}; else {plain(finite.max()) if finite.size else '-'}"
            cells.append(cell)
        lines.append(f"| {' | '.join([*cells, plain(record['condition'])])} |")
    absent = [name for name in COLUMNS if name not in named]
    if absent:
        not_installed = timing.missing_peers()
        why = {True: "is not installed", False: "has no such function"}
        lines += ["", "; ".join(f"{name} {why[name.split()[0].lower() in not_installed]}" for name in absent) + "."]
    return "\n".join(lines)


def put_between_markers(page: str, name: str, text: str) -> str:
    """Return the page with the text between ``<!-- name: ... -->`` and ``<!-- end -->``."""
    pattern = re.compile(rf"(<!-- {name}:[^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
    assert len(pattern.findall(page)) == 1, f"the page must have one place for {name}"
    return pattern.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", page)


def heading(n_points: int) -> str:
    names = ", ".join(f"{name} {version or 'not installed'}" for name, version in timing.versions().items())
    return (
        f"At least {n_points:,} points in each row, against mpmath at {DIGITS} digits; {timing.processor()}; {names}. "
        "Worst error in ulp and, in brackets, the error that 99 % of the points do not exceed."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=20_000, help="points a region, at least")
    parser.add_argument("--functions", nargs="+", choices=FUNCTIONS, default=FUNCTIONS)
    parser.add_argument("--processes", type=int, help="the default is one for each core")
    arguments = parser.parse_args()
    began, tables, measured = time.perf_counter(), [], []
    print(heading(arguments.points))
    with Workers(arguments.processes) as workers:
        for function in arguments.functions:
            regions = [region for region in REGIONS if region.function == function]
            found = [measure(region, arguments.points, workers) for region in regions]
            tables.append(table(function, found))
            print(f"\n{tables[-1]}", flush=True)
            measured += found
    over = [one.to_dict() for one in measured if one.errors["ours"].max() > one.region.limit]
    for record in over:
        print(f"\nOver the limit: {record['function']}, {record['region']}: {record['errors']['ours']}")
    print(f"\n{time.perf_counter() - began:.0f} s")
    if set(arguments.functions) != set(FUNCTIONS):
        return
    rows = [one.to_dict() for one in measured]
    timing.write("accuracy", {"digits": DIGITS, "machine": timing.machine(), "rows": rows})
    text = "\n\n".join([heading(arguments.points), *tables])
    PAGE.write_text(put_between_markers(PAGE.read_text(), "tables", text))
    from benchmarks.accuracy_figure import draw  # matplotlib only where it is needed

    draw(measured).savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
