"""Write the reference tables, one text file for each function. Run: python tests/reference/make_tables.py [NAME ...].

The inputs are the ends of each range, points spread at random over it (or over the logarithms of its distance from a
point where something happens), and floats that have been troublesome. The values have 30 digits.
"""

from __future__ import annotations

import datetime
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
from mpmath import mp

from isoperimetry.testing import reference

FOLDER = Path(__file__).parent / "tables"
DIGITS = 60
COUNT = 24  # points for each range


def spread(low: float, high: float) -> list[float]:
    """Return points uniform in [low, high], with both ends."""
    return [low, high, *(draw.uniform(low, high) for _ in range(COUNT))]


def powers(low: float, high: float, *, sign: int = 1, about: float = 0.0) -> list[float]:
    """Return the points about + sign * 10**u, u uniform in [low, high], with both ends."""
    return [about + sign * 10.0**u for u in spread(low, high)]


def around(point: float, low: float, high: float = -2.0) -> list[float]:
    """Return the point, its two neighbours, and points on both sides of it."""
    neighbours = [math.nextafter(point, -math.inf), math.nextafter(point, math.inf)]
    return [point, *neighbours, *powers(low, high, about=point), *powers(low, high, sign=-1, about=point)]


def _erfcx(x: Any) -> Any:
    return 2 * reference.mills_ratio(x * mp.sqrt(2)) / mp.sqrt(2 * mp.pi)


def _log_pdf(x: Any) -> Any:
    return -x * x / 2 - mp.log(2 * mp.pi) / 2


TINY = 5e-324
LARGEST = sys.float_info.max
MINUS_LOG_2 = -math.log(2)

draw = random.Random(20240229)
TABLES: dict[str, tuple[Callable[[Any], Any], tuple[list[float], ...]]] = {
    "ndtr": (reference.ndtr, (
        [0.0, TINY, -TINY, -40.0, 40.0], around(-0.675, -16), around(0.675, -16), around(-37.6, -12),
        around(-39.0, -12), spread(-38.6, -37.5), spread(-37.5, -20), spread(-20, -5), spread(-5, -0.675),
        spread(-0.675, 0.675), spread(0.675, 8.5), powers(-20, -1), powers(-20, -1, sign=-1),
    )),
    "log_ndtr": (reference.log_ndtr, (
        [0.0, TINY, -TINY, -1e154, 40.0], around(-0.675, -16), around(0.675, -16), powers(1.6, 154, sign=-1),
        spread(-40, -5), spread(-5, -0.675), spread(-0.675, 0), spread(0, 0.675), spread(0.675, 8), spread(8, 38.4),
        powers(-20, -1), powers(-20, -1, sign=-1),
    )),
    "ndtri": (reference.ndtri, (
        [0.5, TINY, 2.2250738585072014e-308, 1 - 2**-53, 0.999], [10.0**-k for k in range(1, 21)], around(0.5, -16, -1),
        around(0.25, -16), around(0.75, -16), powers(-323, -10), powers(-10, -1), spread(0.01, 0.25),
        spread(0.25, 0.75), spread(0.75, 0.999), powers(-16, -2, sign=-1, about=1.0),
    )),
    "ndtri_exp": (reference.ndtri_exp, (
        [-TINY, -1e-300, -1.0, -745.2, -4.6e5, -1e6, -1e12, -1e15, -1e18, -1e300, -LARGEST], around(MINUS_LOG_2, -16),
        around(2 * MINUS_LOG_2, -15), around(math.log(0.75), -16), powers(-300, -17, sign=-1), powers(-17, -1, sign=-1),
        spread(-0.28, -0.01), spread(-1.4, -0.28), spread(-4, -1.38), spread(-745, -4), powers(2.8, 4, sign=-1),
        powers(4, 6.5, sign=-1), powers(6.5, 20, sign=-1), powers(20, 308, sign=-1),
    )),
    "mills_ratio": (reference.mills_ratio, (
        [0.0, TINY, -TINY, 1e300, LARGEST], spread(-37.65, -37.6), spread(-37.6, -5), spread(-5, 0), spread(0, 2),
        spread(2, 10), powers(1, 10), powers(10, 307), powers(-20, -1),
    )),
    "erfcx": (_erfcx, (
        [0.0, TINY, -TINY, 1e8, 1e300], spread(-26.628, -26.6), spread(-26.6, -5), spread(-5, 0), spread(0, 2),
        spread(2, 10), powers(1, 9), powers(9, 307), powers(-20, -1),
    )),
    "pdf": (mp.npdf, ([0.0, TINY, 40.0], spread(-37.5, -5), spread(-5, 5), spread(5, 37.5))),
    "log_pdf": (_log_pdf, ([0.0, TINY, 1e153], spread(-5, 5), powers(0, 153), powers(-20, 0))),
    "log_profile": (reference.log_gaussian_profile, (
        [0.5, TINY, 1e-300, 0.01, 1 - 2**-53], powers(-323, -1), spread(0.1, 0.9),
    )),
    "log_profile_exp": (lambda y: reference.log_gaussian_profile(log_mu=y), (
        [-1e-300, -1.0, -1e6], powers(-300, 0, sign=-1), powers(0, 300, sign=-1),
    )),
    "log1mexp": (lambda x: mp.log(-mp.expm1(x)) if x > -1 else mp.log1p(-mp.exp(x)), (
        [-TINY, -745.0], around(MINUS_LOG_2, -16), powers(-300, 0, sign=-1), spread(-700, -0.01),
    )),
}  # fmt: skip


def write(name: str) -> None:
    """Write one table, sorted by input."""
    function, groups = TABLES[name]
    inputs = {float(x) for group in groups for x in group}
    lines = [
        "# script: tests/reference/make_tables.py",
        f"# precision: mpmath {mpmath.__version__}, {DIGITS} digits",
        f"# date: {datetime.date.today().isoformat()}",
        "input,value",
    ]
    for x in sorted(inputs):
        with mp.workdps(DIGITS):
            value = function(mp.mpf(x))
        lines.append(f"{x.hex()},{mpmath.nstr(value, 30, min_fixed=0, max_fixed=0)}")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for table in sys.argv[1:] or TABLES:
        write(table)
