"""How often the audit convicts perfect attacks and bad ones; the tables of docs/audit.md.

``python -m benchmarks.audit_power`` runs it at full size (some minutes) and writes ``results/audit_power.json`` and the
tables. Attacks are simulated with the exact distances of sets of the library; every audit is one call of
`audit_attack`.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks import timing
from isoperimetry import report
from isoperimetry.checks import AuditVerdict, audit_attack, plan
from isoperimetry.sets import Ball, Complement, ErrorSet, HalfSpace, Slab

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "audit.md"
SEED = 20_261_124
Distances = NDArray[np.float64]

# A perfect attack is convicted with at most this probability; 1e-6 is how often its binomial test may err.
LEVEL, ERROR = 0.1, 1e-6
SETS: dict[str, ErrorSet] = {
    "half-space": HalfSpace([0.6, 0.8], 1.6448536269514722),
    "slab": Slab([1.0, 0.0], 2.0, 0.45),
    "ball": Ball([2.0, 1.0, 0.0], 1.2),
    "outside of a ball": Complement(Ball(np.zeros(10), 4.2786722)),
}
TESTS: dict[str, dict[str, Any]] = {
    "median": {},
    "quantiles 1/4, 1/2, 3/4": {"q": (0.25, 0.5, 0.75)},
    "radii 1, 2, 3": {"radii": (1.0, 2.0, 3.0)},
    "all radii": {"method": "dkw"},
}
OTHERS: dict[str, dict[str, Any]] = {
    "median, correct starts": {"conditional": True},
    "median, sequential": {"sampling": "sequential"},
}
# The chance is in the distances, or else in the counts, where plugging in the rate that was measured would fail.
SIZES = {"100,000 draws, 60 starts": (100_000, 60), "300 draws, 1000 starts": (300, 1000)}


@dataclasses.dataclass(frozen=True)
class Attack:
    """Distances ``factor`` times too long, and nothing found from a share ``failing`` of the starts not in error."""

    factor: float = 1.0
    failing: float = 0.0

    def __call__(self, nearest: Distances, rng: np.random.Generator) -> Distances:
        failed = (rng.random(nearest.size) < self.failing) & (nearest > 0)
        return np.where(failed, math.inf, self.factor * nearest)

    def __str__(self) -> str:
        parts = [f"{self.factor:g} x too long"] if self.factor != 1 else []
        parts += [f"{100 * self.failing:g} % fail"] if self.failing else []
        return ", ".join(parts) or "nearest errors"


ATTACKS = [
    *(Attack(factor=factor) for factor in (1.1, 1.2, 1.5, 2.0)),
    *(Attack(failing=share) for share in (0.25, 0.5, 0.75)),
    Attack(factor=1.2, failing=0.25),
]


def convictions(
    error_set: ErrorSet,
    attack: Attack,
    test: Mapping[str, Any],
    *,
    draws: int,
    starts: int,
    runs: int,
    rng: np.random.Generator,
    confidence: float,
) -> int:
    """Return how many of ``runs`` audits convict the attack."""
    rate, count = error_set.volume(), 0
    for _ in range(runs):
        points = rng.standard_normal((starts, error_set.dim))
        distances = attack(np.maximum(np.asarray(error_set.signed_distance(points)), 0.0), rng)
        audit = audit_attack(
            distances[distances > 0] if test.get("conditional") else distances,
            errors=int(rng.binomial(draws, rate)),
            trials=draws,
            sigma=1.0,
            confidence=confidence,
            **{"conditional": False, **test},
        )
        count += audit.verdict is AuditVerdict.ATTACK_FAILING
    return count


def level_rows(runs: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return how often perfect attacks are convicted, each case held to its level by a binomial test."""
    allowed = int(stats.binom.isf(ERROR, runs, LEVEL))
    rows = []
    for test, options in {**TESTS, **OTHERS}.items():
        for size, (draws, starts) in SIZES.items():
            row: dict[str, Any] = {"test": test, "size": size}
            for name, error_set in SETS.items():
                found = convictions(
                    error_set, Attack(), options, draws=draws, starts=starts, runs=runs, rng=rng, confidence=1 - LEVEL
                )
                if found > allowed:
                    raise AssertionError(f"{test} on {name}: {found} of {runs} perfect attacks convicted at {LEVEL}")
                row[name] = found / runs
            rows.append(row)
    return rows


def power_rows(
    runs: int, rng: np.random.Generator, *, rate: float = 0.01, draws: int = 10_000, starts: int = 200
) -> list[dict[str, Any]]:
    """Return how often bad attacks on a half-space are convicted at confidence 0.999, and the exact power."""
    offset = -stats.norm.ppf(rate)
    radii = tuple((offset + stats.norm.ppf([0.25, 0.5, 0.75])).tolist())
    tests = {**TESTS, "radii of the quartiles": {"radii": radii}}
    del tests["radii 1, 2, 3"]
    rows = []
    for attack in ATTACKS:
        exact = plan(rate, factor=attack.factor, failing=attack.failing, draws=draws, starts=starts).power
        row: dict[str, Any] = {"attack": str(attack), "starts": starts, "exact": exact}
        for name, options in tests.items():
            row[name] = (
                convictions(
                    HalfSpace([1.0], offset), attack, options,
                    draws=draws, starts=starts, runs=runs, rng=rng, confidence=0.999,
                )
                / runs
            )  # fmt: skip
        error = max(
            stats.binom.isf(ERROR, runs, exact) / runs - exact, exact - stats.binom.ppf(ERROR, runs, exact) / runs
        )
        if abs(row["median"] - exact) > error:
            raise AssertionError(f"{attack}, {starts} starts: power {row['median']}, but exactly {exact}")
        rows.append(row)
    return rows


def needed_rows(rate: float = 0.01) -> list[dict[str, Any]]:
    """Return the least starts that convict with probability 0.9, for some numbers of draws, by `plan`."""
    rows = []
    for attack in ATTACKS[:-1]:
        row: dict[str, Any] = {"attack": str(attack)}
        for draws in (1_000, 10_000, 100_000, 1_000_000):
            try:
                row[f"{draws:,}"] = plan(rate, factor=attack.factor, failing=attack.failing, draws=draws).starts
            except ValueError:
                row[f"{draws:,}"] = "-"
        best = plan(rate, factor=attack.factor, failing=attack.failing)
        row["cheapest"] = f"{best.draws:,} and {best.starts:,}"
        rows.append(row)
    return rows


def replace_table(text: str, name: str, table: str) -> str:
    """Return the page with the table between the markers of this name replaced."""
    begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError(f"{PAGE.name} has no place for the table {name!r}.")
    return f"{head}{begin}{table}{end}{tail}"


def main(runs: int) -> None:
    rng = np.random.default_rng(SEED)
    tables: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "level": lambda: level_rows(runs, rng),
        "power": lambda: [*power_rows(runs, rng, starts=200), *power_rows(runs, rng, starts=1000)],
        "needed": needed_rows,
    }
    record: dict[str, Any] = {"machine": timing.machine(), "seed": SEED, "runs": runs}
    page = PAGE.read_text(encoding="utf-8")
    for name, make in tables.items():
        record[name] = make()
        table = report.to_markdown(record[name], list(record[name][0]))
        page = replace_table(page, name, table)
        print(f"\n{table}", flush=True)
    PAGE.write_text(page, encoding="utf-8")
    timing.write("audit_power", record)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="audits for each number in the tables")
    main(parser.parse_args().runs)
