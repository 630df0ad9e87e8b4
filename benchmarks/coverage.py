"""How often intervals miss the truth: at a fixed number of draws, and ever up to 100,000 draws, as a table.

``python -m benchmarks.coverage`` takes some minutes, writes ``results/coverage.json`` and the table of
docs/intervals.md, and fails if an interval misses more often than it promises (binomial test at 1e-6). ``--quick`` is a
try at small size that writes nothing. How often the audit convicts perfect attacks is in `benchmarks.audit_power`.

Whether an interval of counts excludes a rate depends on the errors k and the draws t alone: it does where k is at least
``high[t]``, or at most ``low[t]``. With these barriers the chance of ever being excluded is a sum over counts that
takes t steps, so that it stands beside the simulation, which it must agree with.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks import timing
from isoperimetry import report
from isoperimetry.intervals import (
    beta_binomial,
    betting_interval,
    betting_lower_bound,
    clopper_pearson,
    dkw_band,
    quantile_lower_bound,
    quantile_upper_bound,
)
from isoperimetry.intervals.binomial import SIDES
from isoperimetry.intervals.sequence import _limits
from isoperimetry.results import Side

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "intervals.md"
BEGIN, END = "<!-- coverage -->\n", "\n<!-- /coverage -->"
SEED = 20_261_125
PATHS, VALUES, SAMPLES = 0, 1, 2  # spawn keys: what a seed is for

LEVEL, ERROR = 0.05, 1e-6  # nominal, and how often a test of an interval that keeps its promise may err
HORIZON, EXPECTED = 100_000, 10_000
RATES = (1e-6, 1e-4, 0.01, 0.1, 0.5)
FIXED = (100, 10_000, 1_000_000)
# Beta(a, b) with these means: most values are next to 0, or to either end
BETAS = {1e-6: (0.01, 9999.99), 1e-4: (0.01, 99.99), 0.01: (0.01, 0.99), 0.1: (0.1, 0.9), 0.5: (0.5, 0.5)}
NEGLIGIBLE = 1e-17

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Barrier:
    """Counts that exclude a rate after t draws: ``high[t]`` or more, ``low[t]`` or fewer; shape (T + 1,) each."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    def excludes(self, errors: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Return for each path of counts, shape (paths, T), whether the rate is ever excluded."""
        return np.asarray(((errors >= self.high[1:]) | (errors <= self.low[1:])).any(axis=1))


def interval_of(name: str, errors: Any, trials: Any, side: Side) -> Any:
    """Return the `Interval` or `Intervals` of this row, by the public function."""
    if name == "clopper_pearson":
        return clopper_pearson(errors, trials, confidence=1 - LEVEL, side=side)
    expected = None if name == "beta_binomial" else EXPECTED
    return beta_binomial(errors, trials, confidence=1 - LEVEL, side=side, expected_trials=expected)


def barrier(name: str, side: Side, rate: float, horizon: int) -> Barrier:
    """Return the counts whose intervals exclude the rate, checked with the intervals themselves."""
    draws = np.arange(horizon + 1)
    low, high = np.full(horizon + 1, -1), draws + 1
    if name == "clopper_pearson":
        share = LEVEL / (2 if side == "two-sided" else 1)
        if side != "upper":  # least k with P[K >= k] <= share
            high[1:] = stats.binom.isf(share, draws[1:], rate).astype(np.int64) + 1
        if side != "lower":  # largest k with P[K <= k] <= share
            low[1:] = draws[1:] - (stats.binom.isf(share, draws[1:], 1 - rate).astype(np.int64) + 1)
    else:
        expected = None if name == "beta_binomial" else EXPECTED
        if side != "upper":
            high = _least_refuting(side, expected, rate, horizon)
        if side != "lower":
            low = draws - _least_refuting(side, expected, 1 - rate, horizon)
    result = Barrier(low, high)
    _check(name, side, rate, result)
    return result


def _least_refuting(side: Side, expected: int | None, rate: float, horizon: int) -> NDArray[np.int64]:
    """Return, for each number of draws, the least count of errors that refutes the rate from above; or draws + 1.

    One more draw adds 0 or 1 to it, so that a walk finds all. The capital at the rate says what is refuted, in a
    hundredth of the time that a limit takes; correct draws are errors of the rate 1 - rate, as the mixture is even.
    """
    from isoperimetry.kernels.martingale import log_capital

    target, a, b, strength, share, one_sided = _limits(1 - LEVEL, side, 0.5, 0.5, expected).options
    logit = math.log(rate) - math.log1p(-rate)

    def refutes(k: int, t: int) -> bool:
        capital: float = log_capital(float(k), float(t - k), logit, a, b, strength, share, one_sided)
        return k > rate * t and capital >= target

    result, k = np.empty(horizon + 1, np.int64), 1
    result[0] = k
    for t in range(1, horizon + 1):
        while k <= t and not refutes(k, t):
            k += 1
        result[t] = k
    return result


def _check(name: str, side: Side, rate: float, found: Barrier) -> None:
    """Compare with the intervals of the counts at the barrier, and one before it, at some numbers of draws."""
    draws = np.unique(np.geomspace(1, found.low.size - 1, 300).astype(np.int64))
    # At the barrier itself an interval ends; ties are a matter of rounding.
    below, above = rate * (1 - 1e-9), rate * (1 + 1e-9)
    for step in (0, 1):
        k = found.high[draws] - step
        t, k = draws[k <= draws], k[k <= draws]
        ends = interval_of(name, k, t, side).low
        odd = ends < below if step == 0 else ends > above
        k_low = found.low[draws] + step
        t_low, k_low = draws[k_low >= 0], k_low[k_low >= 0]
        ends_low = interval_of(name, k_low, t_low, side).high
        odd_low = ends_low > above if step == 0 else ends_low < below
        if np.any(odd) or np.any(odd_low):
            raise AssertionError(f"{name}, {side}, rate {rate}: the barrier is not where the interval excludes it")


def chance_of_ever(rate: float, found: Barrier) -> float:
    """Return the probability that the rate is ever excluded, to 1e-9: errors are followed until they are outside."""
    inside, first, lost = np.array([1.0]), 0, 0.0  # P[not yet excluded, first + i errors]
    lows, highs = found.low.tolist(), found.high.tolist()
    for t in range(1, len(lows)):
        grown = np.empty(inside.size + 1)
        np.multiply(inside, 1 - rate, out=grown[:-1])
        grown[-1] = 0.0
        grown[1:] += rate * inside
        start, stop = max(lows[t] + 1 - first, 0), max(highs[t] - first, 0)
        inside, first = grown[start:stop], first + start
        if inside.size == 0:
            return 1.0
        if inside[0] < NEGLIGIBLE:
            lost += float(inside[0])
            inside, first = inside[1:], first + 1
        if inside.size and inside[-1] < NEGLIGIBLE:
            lost += float(inside[-1])
            inside = inside[:-1]
    return max(1.0 - float(inside.sum()) - lost, 0.0)


def generator(*key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=key))


def paths(rate_index: int, horizon: int, runs: int, block: int = 10) -> Iterator[NDArray[np.int32]]:
    """Yield the counts of errors along paths of draws, shape (block, horizon) each."""
    for i, begin in enumerate(range(0, runs, block)):
        rng = generator(PATHS, rate_index, i)
        draws = rng.random((min(block, runs - begin), horizon)) < RATES[rate_index]
        yield np.cumsum(draws, axis=1, dtype=np.int32)


def judged(row: Row, missed: int, runs: int, level: float = LEVEL) -> Row:
    """Return the row with what was missed and the probability of so many, or more, at the level."""
    p_value = float(stats.binom.sf(missed - 1, runs, level))
    return {**row, "missed": missed, "runs": runs, "share": missed / runs, "level": level, "p_value": p_value}


def fixed_rows(sizes: Sequence[int] = FIXED) -> list[Row]:
    """Return the exact probability that Clopper-Pearson misses, at numbers of draws that are fixed."""
    rows = []
    for trials in sizes:
        for side in SIDES:
            for rate in RATES:
                reach = 12 * math.sqrt(trials * rate * (1 - rate)) + 60  # all but 1e-20 of the counts
                counts = np.arange(
                    max(0, math.floor(trials * rate - reach)), min(trials, math.ceil(trials * rate + reach)) + 1
                )
                ends = interval_of("clopper_pearson", counts, trials, side)
                held = (ends.low <= rate) & (rate <= ends.high)
                exact = float(stats.binom.pmf(counts[~held], trials, rate).sum())
                what = {"interval": "clopper_pearson", "side": side, "rate": rate, "when": f"at {trials:,}"}
                rows.append({**what, "promised": True, "level": LEVEL, "exact": exact})
    return rows


def ever_rows(horizon: int, runs: int) -> list[Row]:
    """Return how often the rate is ever excluded: draws stop at the worst moment, if there is one up to the horizon."""
    rows = []
    for index, rate in enumerate(RATES):
        cases = [
            (name, side, barrier(name, side, rate, horizon))
            for name in ("beta_binomial", "beta_binomial, expected_trials", "clopper_pearson")
            for side in SIDES
        ]
        missed = [0] * len(cases)
        for errors in paths(index, horizon, runs):
            for i, (_, _, found) in enumerate(cases):
                missed[i] += int(found.excludes(errors).sum())
        for count, (name, side, found) in zip(missed, cases, strict=True):
            what = {"interval": name, "side": side, "rate": rate, "when": f"ever up to {horizon:,}"}
            exact = chance_of_ever(rate, found)
            # Clopper-Pearson promises nothing here: it is what goes wrong if its counts decide when to stop.
            what |= {"promised": name != "clopper_pearson", "exact": exact}
            rows.append(judged(what, count, runs))
    return rows


def betting_rows(horizon: int, runs: int) -> list[Row]:
    """Return how often the mean of values is ever excluded; a betting limit remembers all numbers of draws so far."""
    rows = []
    for index, (mean, (a, b)) in enumerate(BETAS.items()):
        below = above = weights = 0
        for i in range(runs):
            rng = generator(VALUES, index, i)
            interval = betting_interval(rng.beta(a, b, horizon), confidence=1 - LEVEL)
            below, above = below + (interval.high < mean), above + (interval.low > mean)
            # Weights exp(2 z - 2) have mean 1, no cap, and an effective sample size of 2 %.
            values = mean * np.exp(2 * rng.standard_normal(horizon // 10) - 2)
            weights += betting_lower_bound(values, confidence=1 - LEVEL).low > mean
        what: Row = {"interval": "betting_interval", "rate": mean, "when": f"ever up to {horizon:,}", "promised": True}
        rows.append(judged({**what, "side": "two-sided"}, below + above, runs))
        rows.append(judged({**what, "side": "low end of two"}, above, runs, LEVEL / 2))
        rows.append(judged({**what, "side": "high end of two"}, below, runs, LEVEL / 2))
        bound = {"interval": "betting_lower_bound", "side": "lower", "when": f"ever up to {horizon // 10:,}"}
        rows.append(judged({**what, **bound}, weights, runs))
    return rows


def sample_rows(size: int, runs: int) -> list[Row]:
    """Return how often bounds of quantiles and the band of a distribution miss, at a fixed number of draws."""
    level, true_median = 1 - LEVEL, 0.5
    missed = dict.fromkeys(
        [("quantile_lower_bound", "lower"), ("quantile_upper_bound", "upper"), *(("dkw_band", side) for side in SIDES)],
        0,
    )
    for i in range(runs):
        values = generator(SAMPLES, i).random(size)  # of any distribution, only the ranks matter
        missed["quantile_lower_bound", "lower"] += quantile_lower_bound(values, confidence=level) > true_median
        missed["quantile_upper_bound", "upper"] += quantile_upper_bound(values, confidence=level) < true_median
        ordered = np.sort(values)
        for side in SIDES:
            band = dkw_band(values, confidence=level, side=side)
            high, low = band(ordered, before=True)[1], band(ordered)[0]  # the gaps are largest at the jumps
            missed["dkw_band", side] += bool(np.any(ordered > high) or np.any(ordered < low))
    what = {"rate": 0.5, "when": f"at {size:,}", "promised": True}
    return [judged({"interval": name, "side": side, **what}, count, runs) for (name, side), count in missed.items()]


def failures(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each broken promise, and for each simulation that its exact probability contradicts."""
    found = []
    for row in rows:
        what = f"{row['interval']}, {row['side']}, rate {row['rate']:g}, {row['when']}"
        if row["promised"] and row.get("exact", 0.0) > row["level"] + 1e-9:
            found.append(f"{what}: misses with probability {row['exact']:.6f}, above {row['level']}.")
        if "missed" not in row:
            continue
        told = f"{what}: {row['missed']} of {row['runs']} runs missed"
        if row["promised"] and row["p_value"] < ERROR:
            found.append(f"{told}, at level {row['level']}.")
        if "exact" in row:
            below = stats.binom.cdf(row["missed"], row["runs"], row["exact"])
            above = stats.binom.sf(row["missed"] - 1, row["runs"], row["exact"])
            if min(below, above) < ERROR / 2:
                found.append(f"{told}, but the probability is {row['exact']:.6f}.")
    return found


def table(rows: Sequence[Row]) -> str:
    """Return a line for each interval, side and time, with a column for each rate."""
    lines: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = (row["interval"], row["side"], row["when"])
        level = f"{100 * row['level']:g}" if row["promised"] else "none"
        line = lines.setdefault(key, {"interval": f"`{key[0]}`", "side": key[1], "draws": key[2], "promise": level})
        parts = [_percent(row["exact"])] if "exact" in row else []
        parts += [f"({_percent(row['share'])})"] if "share" in row else []
        line[f"{row['rate']:g}"] = " ".join(parts)
    head = ["interval", "side", "draws", "promise", *(f"{rate:g}" for rate in RATES)]
    return report.to_markdown([{name: "" for name in head} | line for line in lines.values()], head)


def _percent(share: float) -> str:
    if share < 1e-9:  # what rounding leaves of 1 - 1
        return "0"
    return f"{100 * share:.2g}" if share < 0.0995 else f"{100 * share:.0f}"


def insert(text: str, content: str) -> str:
    """Return the page with the content between its markers."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} has no place for the table of coverage: put {BEGIN!r} and {END!r} there.")
    return f"{head}{begin}{content}{end}{tail}"


def measure(*, quick: bool) -> dict[str, Any]:
    """Return the record of all parts."""
    horizon, runs, betting = (2_000, 400, 60) if quick else (HORIZON, 2_000, 700)
    record: dict[str, Any] = {"machine": timing.machine(), "seed": SEED, "level": LEVEL, "expected_trials": EXPECTED}
    begin = time.perf_counter()
    record["rows"] = fixed_rows() + ever_rows(horizon, runs) + betting_rows(horizon, betting) + sample_rows(100, runs)
    record["seconds"] = round(time.perf_counter() - begin, 1)
    return record


def show(rows: Sequence[Row]) -> None:
    print(f"{'interval':33s}{'side':17s}{'draws':20s}{'rate':>7s}{'exact':>9s}{'share':>9s}{'runs':>6s}{'p':>9s}")
    for row in rows:
        numbers = "".join(f"{row[key]:9.5f}" if key in row else " " * 9 for key in ("exact", "share"))
        tail = f"{row['runs']:6d}{row['p_value']:9.2g}" if "runs" in row else ""
        note = "" if row["promised"] else "  promises nothing here"
        print(f"{row['interval']:33s}{row['side']:17s}{row['when']:20s}{row['rate']:7g}{numbers}{tail}{note}")


def main(*, quick: bool) -> None:
    record = measure(quick=quick)
    rows = record["rows"]
    show(rows)
    broken = failures(rows)
    if not quick:
        PAGE.write_text(insert(PAGE.read_text(encoding="utf-8"), table(rows)), encoding="utf-8")
        timing.write("coverage", record)
    if broken:
        raise SystemExit("\n".join(broken))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs; nothing is written")
    main(quick=parser.parse_args().quick)
