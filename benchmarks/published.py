"""Confidence sequences of a rate as they were published: plain, slow, and no part of the library.

For `benchmarks.test_intervals`. Howard, Ramdas, McAuliffe, Sekhon (2021), Time-uniform, nonparametric, nonasymptotic
confidence sequences, Ann. Statist. 49. Each is two-sided at the confidence 1 - ALPHA, of ``errors`` among ``trials``.
Their package confseq has no wheel for this Python: `test_published_values` compares these formulas with values that its
own tests hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import optimize, special

ALPHA = 0.05


def best_rho(variance: float, alpha: float) -> float:
    """Return the parameter of the two-sided normal mixture that is narrowest at this total variance (eq. 3.7)."""
    w = -special.lambertw(-(alpha**2) / math.e, k=-1).real
    return float(variance / (w - 1.0))


def normal_mixture(errors: int, trials: int, t_opt: float, alpha: float = ALPHA) -> tuple[float, float]:
    """Proposition 5 with the variance 1/4 that a rate has at most."""
    v, rho = trials / 4, best_rho(t_opt / 4, alpha)
    radius = math.sqrt((v + rho) * math.log((v + rho) / (alpha**2 * rho))) / trials
    return max(0.0, errors / trials - radius), min(1.0, errors / trials + radius)


def stitched(v: float, alpha: float, v_min: float, c: float, s: float = 1.4, eta: float = 2.0) -> float:
    """Return the polynomial stitched boundary of Theorem 1, one-sided."""
    k1, k2 = (eta**0.25 + eta**-0.25) / math.sqrt(2), (math.sqrt(eta) + 1) / 2
    v = max(v, v_min)
    level = s * math.log(math.log(eta * v / v_min)) + math.log(special.zeta(s) / (alpha * math.log(eta) ** s))
    return math.sqrt(k1**2 * v * level + (k2 * c * level) ** 2) + k2 * c * level


def stitched_interval(errors: int, trials: int, t_opt: float, alpha: float = ALPHA) -> tuple[float, float]:
    """Theorem 1 for a rate: sums of X - m are sub-gamma with the variance t m (1 - m) and the scale (1 - 2 m) / 3."""

    def excess(m: float, sign: float) -> float:
        bound = stitched(trials * m * (1 - m), alpha / 2, t_opt * m * (1 - m) / 10, sign * (1 - 2 * m) / 3)
        return sign * (errors - trials * m) - bound

    return ends(lambda m: excess(m, 1.0), lambda m: excess(m, -1.0), errors, trials)


def beta_mixture(errors: int, trials: int, t_opt: float, alpha: float = ALPHA) -> tuple[float, float]:
    """Proposition 7: a Beta mixture whose mean is the candidate itself, tuned by the normal one."""

    def excess(m: float) -> float:
        gh = m * (1 - m)
        size = max(best_rho(t_opt * gh, alpha) - gh, 1e-3 * gh) / gh
        a, b = size * m, size * (1 - m)
        value = special.betaln(a + errors, b + trials - errors) - special.betaln(a, b)
        return float(value - special.xlogy(errors, m) - special.xlog1py(trials - errors, -m) + math.log(alpha))

    return ends(excess, excess, errors, trials)


def ends(
    lower: Callable[[float], float], upper: Callable[[float], float], errors: int, trials: int
) -> tuple[float, float]:
    """Return the rates next to errors / trials on either side at which ``lower`` and ``upper`` become positive."""
    center = errors / trials
    low, high = 0.0, 1.0
    if errors and lower(1e-15) > 0:
        low = optimize.brentq(lower, 1e-15, center, xtol=1e-300, rtol=1e-12)
    if errors < trials and upper(1 - 1e-12) > 0:
        high = optimize.brentq(upper, max(center, 1e-15), 1 - 1e-12, xtol=1e-300, rtol=1e-12)
    return float(low), float(high)
