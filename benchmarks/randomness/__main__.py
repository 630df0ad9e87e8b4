"""Run the tests and keep the record: see ``--help`` and docs/noise.md."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.randomness import battery, dieharder, pvalues, tails
from benchmarks.randomness.selfcheck import caught, is_sound, self_check
from benchmarks.randomness.sources import Source
from benchmarks.randomness.words import words

RESULT = pathlib.Path(__file__).parents[1] / "results" / "randomness.json"
CONTROL = RESULT.with_stem("randomness_control")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.randomness", description="Evidence for the noise by counter."
    )
    parser.add_argument("--normals", type=int, default=100_000_000, help="numbers of each type (default: %(default)s)")
    parser.add_argument("--minutes", type=float, help="take no new normals after so many minutes")
    parser.add_argument("--bits", action="store_true", help="pipe the raw words to dieharder, a choice of its tests")
    parser.add_argument("--full", action="store_true", help="with --bits: dieharder -a, about an hour for each order")
    parser.add_argument("--seed", type=int, default=0, help="of every stream (default: %(default)s)")
    parser.add_argument("--self-check", action="store_true", help="only show that broken generators are caught")
    parser.add_argument("--control", action="store_true", help="only dieharder on its own AES, to compare with")
    parser.add_argument("--out", type=pathlib.Path, default=RESULT, help="where the record goes")
    return parser


def environment() -> dict[str, Any]:
    packages = {name: version(name) for name in ("isoperimetry", "numpy", "scipy", "numba")}
    return {"versions": {**packages, "python": platform.python_version()}, "machine": platform.machine()}


def peak_memory() -> float | None:
    """Return the most megabytes that this process held, where the system tells."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 if sys.platform == "darwin" else 2**-10) / 1e6)


def measure(source: Source, options: argparse.Namespace) -> tuple[list[pvalues.Result], dict[str, int]]:
    results, amounts = [], {}
    began, budget = time.perf_counter(), float("inf") if options.minutes is None else 60 * options.minutes
    for share, dtype in ((0.5, np.float32), (1.0, np.float64)):
        deadline = began + share * budget
        found, n = battery.normals(source, dtype, options.normals, lambda d=deadline: time.perf_counter() > d)
        results += found
        amounts[f"{np.dtype(dtype)} normals"] = n
        print(f"{n:,} normals of {np.dtype(dtype)} after {time.perf_counter() - began:.0f} s", flush=True)
    found, by_order = words(source, options.normals // 8)
    results += found
    amounts.update({f"words by {order}": n for order, n in by_order.items()})
    return pvalues.with_uniformity(results, "all"), amounts


def summary(results: list[pvalues.Result]) -> dict[str, Any]:
    smallest = min(results, key=lambda result: result.p)
    return {
        "tests": len(results),
        "smallest_p": float(f"{smallest.p:.3g}"),
        "smallest_p_of": f"{smallest.group}: {smallest.test}",
        "smallest_adjusted_p": float(f"{min(pvalues.holm([result.p for result in results])):.3g}"),
        "uniformity_of_p": float(f"{results[-1].p:.3g}"),
        "failed": [f"{result.group}: {result.test}, adjusted p = {p:.1e}" for p, result in caught(results)],
    }


def as_text(record: dict[str, Any]) -> str:
    """Return JSON in which each row that has room in a line is one."""

    def join(match: re.Match[str]) -> str:
        row = re.sub(r"\s*\n\s*", " ", match[0])
        return row if len(row) < 160 else match[0]

    return re.sub(r"[{\[][^{}\[\]]*[}\]]", join, json.dumps(record, indent=1)) + "\n"


def main(argv: list[str] | None = None) -> int:
    options = arguments().parse_args(argv)
    if options.control:
        if not dieharder.installed():
            print(dieharder.MISSING)
            return 1
        CONTROL.write_text(as_text({**environment(), **dieharder.control(options.seed)}))
        return 0
    began = time.perf_counter()
    checked = self_check(options.seed)
    for name, row in checked.items():
        print(f"self-check, {name}: {row['failed']} of {row['tests']} tests fail; {row.get('worst', 'none')}")
    if options.self_check:
        return 0 if is_sound(checked) else 1
    source = Source(options.seed)
    results, amounts = measure(source, options)
    record: dict[str, Any] = {
        "command": " ".join(["python -m benchmarks.randomness", *(sys.argv[1:] if argv is None else argv)]),
        **environment(),
        "seed": options.seed,
        "amounts": amounts,
        "layouts": battery.LAYOUTS,
        "summary": summary(results),
        "self_check": checked,
        "tails": tails.table(),
        "p": {},
    }
    for result in results:
        record["p"].setdefault(result.group, {})[result.test] = float(f"{result.p:.4g}")
    record["seconds_without_dieharder"] = round(time.perf_counter() - began)
    record["peak_megabytes"] = peak_memory()
    failed = not is_sound(checked) or bool(record["summary"]["failed"])
    if options.bits or options.full:
        bits = record["dieharder"] = dieharder.bits(source, options.full)
        if "missing" not in bits:
            text = subprocess.run(["dieharder", "-h"], capture_output=True, text=True, check=False).stdout
            record["versions"]["dieharder"] = next(iter(dieharder.VERSION.findall(text)), "unknown")
            # A line fails below 1e-6 on either side: one of 100 good lines does in one run of 5000.
            failed |= any(row["failed"] for row in bits["orders"].values())
        else:
            print(bits["missing"])
    record["seconds"] = round(time.perf_counter() - began)
    record["nice"] = os.nice(0) if hasattr(os, "nice") else None
    options.out.write_text(as_text(record))
    print(json.dumps(record["summary"], indent=1), f"\nwritten to {options.out}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
