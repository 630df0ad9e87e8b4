"""Errors of the chi-square, ball and incomplete beta functions in the unit of their tests, beside scipy's.

    python -m benchmarks.accuracy_families                 # 200 points a region: some minutes on two cores
    python -m benchmarks.accuracy_families --points 20     # a quick look, printed only

Writes ``results/accuracy_families.json`` and a table of ``docs/accuracy.md``, with 200 points a region or more.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import mpmath
import numpy as np
import scipy.special
import scipy.stats

from benchmarks import timing
from benchmarks.accuracy_special import PAGE, number, plain, put_between_markers
from benchmarks.truth import DIGITS, Workers
from isoperimetry import special
from isoperimetry.testing import reference
from tests.tables import error_in_units

ENOUGH = 200  # points a region for a result that is kept
DIM = 150528  # of an image of 224 x 224 x 3
FUNCTIONS = {  # and what their tests hold, in units
    "log_chi2_cdf": 16,
    "log_chi2_sf": 16,
    "log_ball_probability": 16,
    "log_ball_complement": 16,
    "betaln": 12,
    "log_betainc": 24,
    "log_betaincc": 24,
    "log_betainc_inv": 8,
    "log_betaincc_inv": 8,
}
_UPPER = ("log_chi2_sf", "log_ball_complement", "log_betaincc")  # small above the mean
_CHUNK = 10
LEAST_NORMAL = 2.0**-1022

Array = Any
Columns = tuple[Array, ...]
Draw = Callable[[np.random.Generator, int], Columns]


@dataclass(frozen=True, kw_only=True)
class Region:
    """Where a function is measured; ``draw`` returns its arguments, arrays of shape (points,)."""

    function: str
    name: str
    draw: Draw
    share: float = 1.0  # of the points, where mpmath is slow

    def points(self, n: int) -> Columns:
        """Return up to n points, all different."""
        rng = np.random.default_rng(zlib.crc32(f"{self.function}: {self.name}".encode()))
        return tuple(np.unique(np.array(self.draw(rng, max(2, round(n * self.share)))), axis=1))


def _between(rng: np.random.Generator, low: float, high: float, n: int) -> Array:
    """Return log-uniform numbers."""
    return np.exp(rng.uniform(math.log(low), math.log(high), n))


# Standard deviations from the mean: the middle, the tail of small probability, the one of probability near 1.
PLACES = {"within 8 sd": (-8.0, 8.0), "small": (8.0, 200.0), "near 1": (-36.0, -8.0)}


def _deviations(function: str, place: str, rng: np.random.Generator, n: int) -> Array:
    z = rng.uniform(*PLACES[place], n)
    return z if function in _UPPER else -z


def _squared_radius(mean: Array, deviation: Array, z: Array) -> Array:
    """Return what is z standard deviations from the mean, or in the lower tail if that would be negative."""
    return np.maximum(mean + z * deviation, mean * np.exp(np.minimum(z, 0.0)))


def _chi2(function: str, low: float, high: float, place: str) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> Columns:
        dim = _between(rng, low, high, n) if low < high else np.full(n, float(low))
        return _squared_radius(dim, np.sqrt(2 * dim), _deviations(function, place, rng, n)), dim

    return draw


def _ball(function: str, dim: float, place: str) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> Columns:
        distance = _between(rng, 0.1, 100.0, n)
        z = _deviations(function, place, rng, n)
        square = _squared_radius(dim + distance**2, np.sqrt(2 * dim + 4 * distance**2), z)
        return np.sqrt(square), np.full(n, float(dim)), distance

    return draw


def _sizes(low: float, high: float) -> Draw:
    return lambda rng, n: (_between(rng, low, high, n), _between(rng, low, high, n))


def _caps(rng: np.random.Generator, n: int) -> Columns:
    return np.full(n, 0.5), (rng.integers(3, DIM + 1, n) - 1) / 2


_CAPS = "caps: a = 1/2, b = 75263.5"
SIZES: dict[str, Draw] = {
    "a, b in 1 to 100": _sizes(1.0, 100.0),
    "a, b in 1e2 to 1e6": _sizes(1e2, 1e6),
    "1 to 60 errors in 1e12 trials": lambda rng, n: (rng.integers(1, 61, n).astype(float), np.full(n, 1e12)),
    _CAPS: lambda rng, n: (np.full(n, 0.5), np.full(n, (DIM - 1) / 2)),
}
LEVELS = {"p = 0.05 to 1e-9": (0.05, 1e-9), "p = 1e-190 to 1e-300": (1e-190, 1e-300)}  # and the two ends


def _beta(function: str, sizes: Draw, place: str) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> Columns:
        a, b = sizes(rng, n)
        z = _deviations(function, place, rng, n)
        logit = np.log(a / b) + z * np.sqrt((a + b) / (a * b))
        return a, b, scipy.special.expit(np.where(logit > 20.0, rng.uniform(15.0, 20.0, n), logit))

    return draw


def _quantile(sizes: Draw, levels: tuple[float, ...]) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> Columns:
        log_p = rng.uniform(*np.log(levels[::-1]), n)
        log_p[:2] = np.log(levels)
        return *sizes(rng, n), log_p

    return draw


def _regions() -> list[Region]:
    found = []
    dims = {"dim in 0.5 to 3": (0.5, 3.0), "dim in 3 to 1e3": (3.0, 1e3), f"dim = {DIM}": (DIM, DIM)}
    for function in ("log_chi2_cdf", "log_chi2_sf"):
        for (name, ends), place in itertools.product(dims.items(), PLACES):
            found.append(Region(function=function, name=f"{name}; {place}", draw=_chi2(function, *ends, place)))
    for function in ("log_ball_probability", "log_ball_complement"):
        for dim, place in itertools.product((784, DIM), PLACES):
            found.append(Region(function=function, name=f"dim = {dim}; {place}", draw=_ball(function, dim, place)))
    sizes_of_betaln = {**SIZES, f"caps: a = 1/2, b = (n - 1)/2, n to {DIM}": _caps}
    sizes_of_betaln.pop(_CAPS)
    found += [Region(function="betaln", name=name, draw=sizes) for name, sizes in sizes_of_betaln.items()]
    for function in ("log_betainc", "log_betaincc"):
        for (name, sizes), place in itertools.product(SIZES.items(), PLACES):
            found.append(Region(function=function, name=f"{name}; {place}", draw=_beta(function, sizes, place)))
    for function in ("log_betainc_inv", "log_betaincc_inv"):
        for (name, sizes), (level, levels) in itertools.product(SIZES.items(), LEVELS.items()):
            # mpmath takes a second for each of these
            share = 0.1 if function == "log_betaincc_inv" and name == _CAPS and levels[0] == 0.05 else 1.0
            draw = _quantile(sizes, levels)
            found.append(Region(function=function, name=f"{name}; {level}", draw=draw, share=share))
    return found


REGIONS = _regions()


def _log(p: Array, q: Array) -> Array:
    """Return log p by the smaller one of p and q = 1 - p."""
    return np.where(p < 0.5, np.log(p), np.log1p(-q))


_B = scipy.special
OURS: dict[str, Callable[..., Array]] = {
    **{name: getattr(special, name) for name in FUNCTIONS},
    "log_chi2_cdf": lambda x, dim: special.log_chi2_cdf(x, dim=dim),
    "log_chi2_sf": lambda x, dim: special.log_chi2_sf(x, dim=dim),
    "log_ball_probability": lambda r, dim, d: special.log_ball_probability(r, dim=dim, center_distance=d),
    "log_ball_complement": lambda r, dim, d: special.log_ball_complement(r, dim=dim, center_distance=d),
}
SCIPY: dict[str, Callable[..., Array]] = {
    "log_chi2_cdf": scipy.stats.chi2.logcdf,
    "log_chi2_sf": scipy.stats.chi2.logsf,
    "log_ball_probability": lambda r, dim, d: scipy.stats.ncx2.logcdf(r * r, dim, d * d),
    "log_ball_complement": lambda r, dim, d: scipy.stats.ncx2.logsf(r * r, dim, d * d),
    "betaln": _B.betaln,
    "log_betainc": lambda a, b, x: _log(_B.betainc(a, b, x), _B.betaincc(a, b, x)),
    "log_betaincc": lambda a, b, x: _log(_B.betaincc(a, b, x), _B.betainc(a, b, x)),
    "log_betainc_inv": lambda a, b, y: _log(_B.betaincinv(a, b, np.exp(y)), _B.betainccinv(b, a, np.exp(y))),
    "log_betaincc_inv": lambda a, b, y: _log(_B.betainccinv(a, b, np.exp(y)), _B.betaincinv(b, a, np.exp(y))),
}


def truths(function: str, points: list[tuple[float, ...]]) -> list[Decimal]:
    exact = (getattr(reference, function)(*point, digits=DIGITS) for point in points)
    # what is far below float64 may have an exponent too large for Decimal
    return [Decimal(mpmath.nstr(value, DIGITS) if abs(value) > 1e-300 * mpmath.mpf(1e-100) else 0) for value in exact]


def _of_scipy(function: str, points: list[tuple[float, ...]]) -> list[float]:
    with np.errstate(all="ignore"):
        return np.asarray(SCIPY[function](*np.array(points).T)).tolist()


def _chunk(function: str, points: list[tuple[float, ...]]) -> tuple[list[Decimal], list[float]]:
    """Return what takes time: the truths, and scipy's values."""
    return truths(function, points), _of_scipy(function, points)


def error(function: str, value: float, truth: Decimal) -> float:
    """Return the error in the unit of the function's tests.

    `tests.tables.error_in_units` has an absolute unit below 1e-307. Between that and the least normal number this one
    is still relative.
    """
    size = abs(float(truth))
    if not math.isfinite(value):
        return math.inf
    if function != "betaln" and not LEAST_NORMAL <= size <= 1e-307:
        return error_in_units(value, truth)
    unit = 2.0**-52 * (max(1.0, size) if function == "betaln" else size * -math.log(size))
    return float(abs(Decimal(value) - truth) / Decimal(unit))


def held(function: str, columns: Columns) -> Array:
    """Return what the tests hold at each point: a quantile moves by up to 1 / min(a, b) times the error of log p."""
    limit = np.full(columns[0].size, float(FUNCTIONS[function]))
    return limit * np.maximum(1.0, 1 / np.minimum(*columns[:2])) if function.endswith("inv") else limit


def measure(region: Region, n_points: int, pool: ProcessPoolExecutor | None = None) -> dict[str, Any]:
    """Return the record of one region."""
    columns = region.points(n_points)
    points = list(zip(*(column.tolist() for column in columns), strict=True))
    chunks = [points[i : i + _CHUNK] for i in range(0, len(points), _CHUNK)]
    run = map if pool is None else pool.map
    exact: list[Decimal] = []
    values: dict[str, list[float]] = {"ours": np.asarray(OURS[region.function](*columns)).tolist(), "scipy": []}
    for part, of_scipy in run(_chunk, [region.function] * len(chunks), chunks):
        exact += part
        values["scipy"] += of_scipy
    limits = held(region.function, columns)
    found = {}
    for name in values:
        errors = np.array([error(region.function, *pair) for pair in zip(values[name], exact, strict=True)])
        finite = errors[np.isfinite(errors)]
        found[name] = {
            "worst_finite": number(finite.max()) if finite.size else None,
            "not_finite": int(errors.size - finite.size),
            "worst_at": [value.hex() for value in points[int(np.argmax(errors))]],
        }
        if name == "ours":
            over = int(np.sum(errors > limits))
    what = {"function": region.function, "region": region.name, "points": len(points)}
    return {**what, "held": float(limits.max()), "over": over, "errors": found}


def _cell(found: dict[str, Any], points: int) -> str:
    worst = "-" if found["worst_finite"] is None else plain(found["worst_finite"])
    if not found["not_finite"]:
        return worst
    return f"not finite at {found['not_finite'] / points:.0%}; else {worst}"


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["| function | where | points | held | isoperimetry | scipy |", "| --- | --- |" + " ---: |" * 4]
    for row in rows:
        cells = [f"`{row['function']}`", row["region"], str(row["points"]), f"{row['held']:g}"]
        cells += [_cell(found, row["points"]) for found in row["errors"].values()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def heading() -> str:
    versions = timing.versions()
    names = ", ".join(f"{name} {versions[name]}" for name in ("isoperimetry", "numpy", "scipy", "numba"))
    return f"Worst error in units, against mpmath at {DIGITS} digits; {timing.processor()}; {names}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=ENOUGH, help="points a region")
    parser.add_argument("--processes", type=int, help="the default is one for each core")
    arguments = parser.parse_args()
    began, rows = time.perf_counter(), []
    with Workers(arguments.processes) as workers:
        for region in REGIONS:
            rows.append(measure(region, arguments.points, workers.pool))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
    for row in rows:
        if row["over"]:
            print(f"\nOver the limit at {row['over']} points: {row['function']}, {row['region']}")
    print(f"\n{time.perf_counter() - began:.0f} s")
    if arguments.points < ENOUGH:
        return
    timing.write("accuracy_families", {"digits": DIGITS, "machine": timing.machine(), "rows": rows})
    PAGE.write_text(put_between_markers(PAGE.read_text(), "families", f"{heading()}\n\n{table(rows)}"))


if __name__ == "__main__":
    main()
