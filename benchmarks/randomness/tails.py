"""How the tails of the transform compare with the normal law, from its finitely many radii."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

MOST_TERMS = 2**26


def lattice_tail(t: float, bits: int) -> float:
    """Return P(Z > t), t > 0, for Z = R cos(A) with A uniform and R**2 = -2 log((k + 1/2) / 2**bits), k uniform."""
    n = min(2**bits, math.floor(2.0**bits * math.exp(-t * t / 2) + 0.5))  # the k whose radius exceeds t
    if n > MOST_TERMS:
        return float(special.ndtr(-t))  # the sum differs by less than 1e-8 of itself there
    total = 0.0
    for start in range(0, n, 2**16):
        k = np.arange(start, min(n, start + 2**16))
        total += float(np.arccos(t / np.sqrt(-2 * np.log((k + 0.5) / 2.0**bits))).sum())
    return total / math.pi / 2.0**bits


def end(bits: int) -> float:
    """Return the largest radius."""
    return math.sqrt(2 * (bits + 1) * math.log(2))


def table() -> dict[str, Any]:
    """Return the end of the tails, and how far P(Z > t) is off that of the normal law, relatively, up to some t."""
    found: dict[str, Any] = {}
    for name, bits, start, stops in (
        ("float32", 32, 4.0, (5.0, 5.5, 6.0, 6.5)),
        ("float64", 52, 6.5, (7.0, 7.5, 8.0, 8.5)),
    ):
        t = np.arange(start, stops[-1] + 0.005, 0.01)
        off = np.array([abs(lattice_tail(float(x), bits) / special.ndtr(-x) - 1) for x in t])
        found[name] = {
            "radius_bits": bits,
            "end": round(end(bits), 4),
            "probability_beyond_the_end": float(f"{2 * special.ndtr(-end(bits)):.3g}"),
            "largest_relative_error_of_tail_up_to": {str(x): float(f"{off[t < x + 0.005].max():.2g}") for x in stops},
        }
    return found
