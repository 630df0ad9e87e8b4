"""Where the functions are measured: regions that cover the domain, and the hard places in it.

Hard are the places where an implementation changes its formula, where the result is near 0 (1/2 and log(1/2) for the
quantiles), where a probability or a result is subnormal, and where other libraries were seen to lose digits.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isoperimetry import special

Draw = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Region:
    """One region of one function; ``limit`` is the largest error in ulp that is promised there."""

    function: str
    name: str
    draw: Draw
    limit: float

    def points(self, n: int) -> np.ndarray:
        """Return at least ``n`` different points in increasing order, the same in every run."""
        rng = np.random.default_rng(zlib.crc32(f"{self.function} {self.name}".encode()))
        points = np.unique(self.draw(rng, n))
        while points.size < n:  # many are drawn twice where floats are few
            points = np.union1d(points, self.draw(rng, n // 4 + 2))
        return points


def uniform(low: float, high: float) -> Draw:
    return lambda rng, n: np.append(rng.uniform(low, high, n - 2), (low, high))


def log_uniform(low: float, high: float) -> Draw:
    """Return points between two numbers of one sign that are uniform in the logarithm of their size."""
    sign, ends = math.copysign(1, low), np.array((low, high))
    least, most = sorted(math.log10(abs(end)) for end in (low, high))
    return lambda rng, n: np.append(sign * 10 ** rng.uniform(least, most, n - 2), ends)


def around(*centers: float, nearest: float = 1e-16, farthest: float = 1e-1) -> Draw:
    """Return points about each center, at log-uniform distances relative to it, among them its 32 neighbours."""

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        middle = rng.choice(np.array(centers), n)
        away = rng.choice((-1.0, 1.0), n) * 10 ** rng.uniform(math.log10(nearest), math.log10(farthest), n)
        steps = np.arange(-16, 17)
        close = [center + steps * np.spacing(center) for center in centers]
        return np.concatenate([middle + middle * away, *close])

    return draw


def below_one(nearest: float, farthest: float) -> Draw:
    return lambda rng, n: 1 - 10 ** rng.uniform(math.log10(nearest), math.log10(farthest), n)


def subnormal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return subnormal numbers of all sizes, the least of all among them."""
    smallest = math.ulp(0.0)
    return np.append(np.floor(2 ** rng.uniform(0, 52, n - 1)) * smallest, smallest)


TINY, LARGEST_Y = 2.3e-308, 1e300
LOG_004, LOG_HALF = math.log(0.04), math.log(0.5)
# The switches of this and the other libraries: AS241 at 0.075 and 0.425 from 1/2, Cephes at exp(-2), others at 0.02425.
SWITCHES = (0.005, 0.02, 0.02425, 0.025, 0.04, 0.075, math.exp(-2), 0.25, 0.425, 0.575, 0.75, 0.925, 0.98, 0.995)
OWN_LOG_SWITCHES = around(math.log(0.075), math.log(0.925), -745.0, farthest=2e-1)

_DRAWS: dict[str, dict[str, tuple[Draw, float]]] = {
    "ndtri": {
        "0 to 1, uniform": (uniform(TINY, 1 - 2**-53), 1),
        "2.3e-308 to 0.01, log-uniform": (log_uniform(TINY, 0.01), 1),
        "0 to 0.075, uniform": (uniform(TINY, 0.075), 1),
        "around the switches of formulas": (around(*SWITCHES, farthest=4e-3), 1),
        "around this library's switches, 0.075 and 0.925": (around(0.075, 0.925, farthest=3e-2), 1),
        "1/2 and around it, 1e-16 to 1e-1": (around(0.5, farthest=0.2), 1),
        "subnormal p": (subnormal, 1),
        "1 - 1e-16 to 1 - 1e-1": (below_one(1.2e-16, 1e-1), 1),
    },
    "ndtri_exp": {
        "-1e300 to -745, log-uniform": (log_uniform(-LARGEST_Y, -745), 1),
        "-1e7 to -1e5, log-uniform": (log_uniform(-1e7, -1e5), 1),
        "-745 to log 0.04, uniform": (uniform(-745, LOG_004), 1),
        "-3.3 to -0.01, uniform": (uniform(-3.3, -0.01), 1),
        "around the switches of formulas": (around(*np.log(SWITCHES).tolist(), farthest=3e-2), 1),
        "around this library's switches, log 0.075, log 0.925 and -745": (OWN_LOG_SWITCHES, 1),
        "log(1/2) and around it": (around(LOG_HALF), 1),
        "-0.05 to -1e-300, log-uniform": (log_uniform(-0.05, -1e-300), 1),
    },
    "ndtr": {
        "-38.6 to -37.5: subnormal results": (uniform(-38.6, -37.5), 1),
        "-37.5 to -5": (uniform(-37.5, -5), 1),
        "-5 to 0": (uniform(-5, 0), 1),
        "0 to 8.3": (uniform(0, 8.3), 1),
        "around the switches at -1.125 and 1.125": (around(-1.125, 1.125), 1),
    },
    "log_ndtr": {
        "-1e154 to -38, log-uniform": (log_uniform(-1e154, -38), 1),
        "-38 to -5": (uniform(-38, -5), 1),
        "-5 to 0": (uniform(-5, 0), 1),
        "0 to 8": (uniform(0, 8), 1),
        "around the switches at -1.125 and 1.125": (around(-1.125, 1.125), 1),
        "8 to 37.5": (uniform(8, 37.5), 1),
        "37.5 to 38.6: subnormal results": (uniform(37.5, 38.6), 1),
    },
    "mills_ratio": {
        "-37.6 to -5": (uniform(-37.6, -5), 1),
        "-5 to 0": (uniform(-5, 0), 1),
        "0 to 8": (uniform(0, 8), 1),
        "around the switches at -1.125 and 1.125": (around(-1.125, 1.125), 1),
        "8 to 1e300, log-uniform": (log_uniform(8, 1e300), 1),
    },
    "log_profile": {
        "around this library's switches, 0.075 and 0.925": (around(0.075, 0.925, farthest=3e-2), 1.1),
        "subnormal mu": (subnormal, 1.1),
        "0 to 1, uniform": (uniform(TINY, 1 - 2**-53), 1.1),
        "2.3e-308 to 0.01, log-uniform": (log_uniform(TINY, 0.01), 1.1),
        "1 - 1e-16 to 1 - 1e-1": (below_one(1.2e-16, 1e-1), 1.1),
    },
    "log_profile_exp": {
        "around this library's switches, log 0.075, log 0.925 and -745": (OWN_LOG_SWITCHES, 1.1),
        "log(1/2) and around it": (around(LOG_HALF), 1.1),
        "-1e300 to -745, log-uniform": (log_uniform(-LARGEST_Y, -745), 1.1),
        "-745 to -0.05, uniform": (uniform(-745, -0.05), 1.1),
        "-0.05 to -1e-300, log-uniform": (log_uniform(-0.05, -1e-300), 1.1),
    },
}
FUNCTIONS = tuple(function for function in _DRAWS if hasattr(special, function))
REGIONS = [
    Region(function=function, name=name, draw=draw, limit=limit)
    for function in FUNCTIONS
    for name, (draw, limit) in _DRAWS[function].items()
]
