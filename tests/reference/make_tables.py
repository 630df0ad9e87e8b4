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

NORMAL_DIM = 150528.0  # an image of 224 by 224 pixels with three colors
DIMS = (1.0, 2.0, 3.0, 10.0, 99.5, 784.0, 3072.0, NORMAL_DIM)
Points = list[tuple[float, ...]]


def _squared_norms() -> Points:
    points: Points = [(0.0, 5.0), (TINY, 1.0), (1e-300, 3.0), (1e15, 3.0), (1.0, 1e-6), (1e-200, 1e-3), (1e7, 1e7)]
    for dim in DIMS:
        around_the_mean = (dim + z * math.sqrt(2 * dim) for z in (0.0, 1e-9, *(draw.uniform(-9, 9) for _ in range(10))))
        points += [(x, dim) for x in around_the_mean if x > 0]
        points += [(dim * ratio, dim) for ratio in (0.09, 0.5, 0.9, 1.1, 2.0, 5.0, 10.0 ** draw.uniform(-9, 0))]
    points += [(10.0 ** draw.uniform(-6, 2), 10.0 ** draw.uniform(-4, 0)) for _ in range(COUNT)]
    return points


def _balls() -> Points:
    points: Points = [
        (20.0, 784.0, 0.0), (380.0, 150528.0, 0.0), (1.0, 5.0, 3.0), (20.0, 784.0, 5.0), (40.0, 3072.0, 10.0),
        (350.0, 150528.0, 30.0), (0.0, 3.0, 1.0), (0.5, 1.0, 40.0), (1e-200, 2.0, 1.0), (5.0, 3.0, 5.0),
        (1e3, 3.0, 1e3 + 2), (172.0, 150528.0, 20.0), (388.0, 150528.0, 450.0), (1.0, 0.01, 0.5),
    ]  # fmt: skip
    for dim in (1.0, 2.0, 7.5, 784.0, NORMAL_DIM):
        for _ in range(12):
            distance = 10.0 ** draw.uniform(-3, 2)
            mean, variance = dim + distance**2, 2 * dim + 4 * distance**2
            points.append((math.sqrt(abs(mean + draw.uniform(-9, 9) * math.sqrt(variance))), dim, distance))
            points.append((math.sqrt(dim) * 10.0 ** draw.uniform(-0.5, 0.5), dim, distance))
    return points


def _beta_points() -> Points:
    points: Points = [
        (10.0, 991.0, 0.0054351401447067733), (0.5, 75263.5, 0.01), (75263.5, 0.5, 0.25), (1.0, 1e12, 1e-14),
        (2.0, 3.0, 0.0), (2.0, 3.0, 1.0), (1e8, 1e8, 0.5), (5e4, 1e5, 1 / 3), (1e-3, 5.0, 0.1), (1e-5, 1e-3, 0.3),
        (60.0, 1e12 - 59, 5e-11), (3.0, 1e12, 1e-300), (7.0, 0.5, 1 - 2**-53),
    ]  # fmt: skip
    pairs = [
        (0.5, 75263.5),
        (0.5, 391.5),
        (1.0, 1000.0),
        (7.0, 1e9),
        (60.0, 1e12),
        (30.0, 31.0),
        (0.4, 0.7),
        (400.0, 9e3),
    ]
    for a, b in pairs:
        mean, scale = a / (a + b), math.sqrt(a * b / (a + b) ** 3)
        candidates = [mean + draw.uniform(-9, 9) * scale for _ in range(8)]
        candidates += [mean, mean * 10.0 ** draw.uniform(-9, 0), mean ** draw.uniform(0, 1)]
        points += [(a, b, x) for x in candidates if 0 < x < 1]
        points += [(b, a, 1 - x) for x in candidates if 0 < x < 1]
    points += [(10.0 ** draw.uniform(-1, 4), 10.0 ** draw.uniform(-1, 4), draw.random()) for _ in range(2 * COUNT)]
    return points


def _beta_quantiles() -> Points:
    points: Points = [(10.0, 991.0, math.log(0.05)), (1.0, 1.0, -1e6), (2.0, 3.0, 0.0), (1e8, 1e8, MINUS_LOG_2)]
    pairs = [
        (0.5, 75263.5),
        (1.0, 1000.0),
        (7.0, 1e9),
        (60.0, 1e12),
        (30.0, 31.0),
        (0.4, 0.7),
        (400.0, 9e3),
        (3.0, 2.0),
    ]
    for a, b in pairs:
        for log_p in (-1e6, -437.5, -1e-300, MINUS_LOG_2, -(10.0 ** draw.uniform(-16, 6)), math.log(draw.random())):
            points += [(a, b, log_p), (b, a, log_p)]
    return points


def _pairs() -> Points:
    sizes = [1e-30, 1e-9, 0.01, 0.5, 1.0, 2.5, 9.999, 10.0, 1e3, 1e12, 1e30]
    points: Points = [(a, b) for a in sizes for b in sizes]
    return [*points, *((10.0 ** draw.uniform(-3, 13), 10.0 ** draw.uniform(-3, 13)) for _ in range(COUNT))]


# Functions of several arguments: their names and the points.
FAMILIES: dict[str, tuple[Callable[..., Any], str, Points]] = {
    "log_chi2_cdf": (reference.log_chi2_cdf, "x,dim", (norms := _squared_norms())),
    "log_chi2_sf": (reference.log_chi2_sf, "x,dim", norms),
    "log_ball_probability": (reference.log_ball_probability, "radius,dim,center_distance", (balls := _balls())),
    "log_ball_complement": (reference.log_ball_complement, "radius,dim,center_distance", balls),
    "betaln": (reference.betaln, "a,b", _pairs()),
    "log_betainc": (reference.log_betainc, "a,b,x", (betas := _beta_points())),
    "log_betaincc": (reference.log_betaincc, "a,b,x", betas),
    "log_betainc_inv": (reference.log_betainc_inv, "a,b,log_p", (quantiles := _beta_quantiles())),
    "log_betaincc_inv": (reference.log_betaincc_inv, "a,b,log_p", quantiles),
}


def write(name: str) -> None:
    """Write one table, sorted by input."""
    if name in FAMILIES:
        function, header, points = FAMILIES[name]
    else:
        function, groups = TABLES[name]
        header, points = "input", [(x,) for group in groups for x in group]
    inputs = {tuple(map(float, point)) for point in points}
    lines = [
        "# script: tests/reference/make_tables.py",
        f"# precision: mpmath {mpmath.__version__}, {DIGITS} digits",
        f"# date: {datetime.date.today().isoformat()}",
        f"{header},value",
    ]
    for point in sorted(inputs):
        with mp.workdps(DIGITS):
            value = function(*map(mp.mpf, point))
        lines.append(",".join([*(x.hex() for x in point), mpmath.nstr(value, 30, min_fixed=0, max_fixed=0)]))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for table in sys.argv[1:] or [*TABLES, *FAMILIES]:
        write(table)
