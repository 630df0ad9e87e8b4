"""Speed of the functions of `isoperimetry.special` on one core, beside scipy, torch and MKL.

Run ``python -m benchmarks.test_special`` for the table, or ``python -m pytest benchmarks/test_special.py`` for the
goals. All write into an array that is there already, and take turns in one process: compare the ratios, not the times.
Every answer is compared with scipy's before it is timed.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pytest

from benchmarks import mkl, peers, timing
from benchmarks.regions import LARGEST_Y, LOG_004, Draw, log_uniform, uniform
from isoperimetry import special

SIZES = (1_000, 1_000_000)
# The arguments that are timed: function -> name -> how they are drawn.
CASES: dict[str, dict[str, Draw]] = {
    "ndtri": {"uniform": uniform(1e-300, 1 - 2**-53), "tails 1e-300..1e-2": log_uniform(1e-300, 1e-2)},
    "ndtri_exp": {
        "-745..log 0.04": uniform(-745, LOG_004),
        "-1e300..log 0.04, log-uniform": log_uniform(-LARGEST_Y, LOG_004),
        "-3.2..-0.01": uniform(-3.2, -0.01),
        "-0.05..-1e-300, log-uniform": log_uniform(-0.05, -1e-300),
    },
    **{
        function: {
            "-38..38": uniform(-38, 38),
            "-38..0": uniform(-38, 0),
            "normal(0, 1)": lambda rng, n: rng.standard_normal(n),
        }
        for function in ("ndtr", "log_ndtr")
    },
    "mills_ratio": {"-37..0": uniform(-37, 0), "0..38": uniform(0, 38)},
}
# At 1e6 numbers: function, arguments, and how many times faster than which peer.
GOALS: list[tuple[str, str, dict[str, float]]] = [
    ("ndtri", "uniform", {"scipy": 7, "MKL HA": 4}),
    ("ndtri", "tails 1e-300..1e-2", {"scipy": 9, "MKL HA": 100}),
    ("ndtri_exp", "-745..log 0.04", {"scipy": 12}),
    ("ndtri_exp", "-1e300..log 0.04, log-uniform", {"scipy": 12}),
    ("ndtri_exp", "-3.2..-0.01", {"scipy": 5}),
    ("ndtri_exp", "-0.05..-1e-300, log-uniform", {"scipy": 5}),
    *(("ndtr", name, {"scipy": 5.0, "MKL HA": 2.0}) for name in CASES["ndtr"]),
    *(("log_ndtr", name, {"scipy": 5.0}) for name in CASES["log_ndtr"]),
]
# What scipy itself may be wrong by: thousands of ulp; subnormal results, which it flushes to 0; 1e-15 at log(1/2).
RELATIVE, ABSOLUTE = 3e-11, {"ndtr": 1e-309, "log_ndtr": 1e-309, "ndtri_exp": 1e-14}


def arguments(function: str, name: str, size: int) -> np.ndarray:
    x = CASES[function][name](np.random.default_rng(1), size)
    np.random.default_rng(2).shuffle(x)
    return x


def differences(function: str, x: np.ndarray, calls: dict[str, peers.Call], out: np.ndarray) -> dict[str, float]:
    """Return for each implementation the largest relative difference to scipy beyond what scipy may be wrong by."""
    with np.errstate(all="ignore"):
        calls["scipy"]()
        theirs, found = out.copy(), {}
        for name, call in calls.items():
            out.fill(np.nan)
            call()
            away = np.abs(out - theirs) - ABSOLUTE.get(function, 0.0)
            found[name] = float(np.max(np.where(np.isnan(away), np.inf, away / np.abs(theirs))))
    return found


def run(function: str, name: str, size: int, modes: tuple[str, ...] = ("HA",)) -> tuple[timing.Times, dict[str, str]]:
    """Check the answers, ours strictly, and return the times and notes on those of others that are wrong."""
    x, out = arguments(function, name, size), np.empty(size)
    calls = peers.bind(function, x, out, modes=modes)
    away = differences(function, x, calls, out)
    assert away["ours"] <= RELATIVE, f"{function}, {name}: {away['ours']:.1e} from scipy"
    notes = {other: f"wrong by up to {value:.0e} of the result" for other, value in away.items() if value > RELATIVE}
    return timing.time_in_turns(calls, size), notes


@pytest.mark.parametrize(("function", "name", "goal"), GOALS, ids=[f"{goal[0]}: {goal[1]}" for goal in GOALS])
def test_goals(function: str, name: str, goal: dict[str, float]) -> None:
    times, _ = run(function, name, SIZES[-1])
    found = {peer: timing.spread(times, "ours", peer) for peer in goal if peer in times}
    short = {peer: ratio for peer, ratio in found.items() if ratio[0] < goal[peer]}
    assert not short, f"{function}, {name}: times faster than (median, range) {short}, the goal is {goal}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", nargs="+", choices=CASES, default=list(CASES))
    chosen = parser.parse_args().functions
    machine = timing.machine()
    print(machine)
    for name in timing.missing_peers():
        print(f"{name} is not installed: its rows are left out.")
    first_call = {}
    for function in chosen:
        start = time.perf_counter()
        getattr(special, function)(np.full(3, 0.1 if function == "ndtri" else -0.1))
        first_call[function] = round(time.perf_counter() - start, 3)
    print(f"first calls, in s, with the import of Numba in the first: {first_call}")
    rows: list[dict[str, Any]] = []
    for function in chosen:
        for name in CASES[function]:
            for size in SIZES:
                times, notes = run(function, name, size, modes=tuple(mkl.MODES))
                table = timing.rows(times, "scipy", function=function, arguments=name, size=size)
                for row in table:
                    if note := notes.get(row["case"]):
                        row["note"] = note
                timing.show(f"{function}, {name}, {size:,} numbers", table, "scipy")
                rows += table
    if chosen == list(CASES):
        timing.write("special", {"machine": machine, "rounds": timing.ROUNDS, "first_call_s": first_call, "rows": rows})


if __name__ == "__main__":
    main()
