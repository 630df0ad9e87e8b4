"""Beta functions as divergences plus Stirling remainders.

Differences of log-gamma values lose all digits after the third at 1e12 draws; these forms keep the error below 1e-8.
"""

from __future__ import annotations

import math

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def stirling_remainder(x: float) -> float:
    """Return log Gamma(x) - ((x - 1/2) log x - x + log(2 pi)/2), which tends to 0."""
    if x < 20:  # the series leaves less than 1e-15 from here on
        return math.lgamma(x) - ((x - 0.5) * math.log(x) - x + HALF_LOG_2PI)
    inverse = 1.0 / (x * x)
    return (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x


def log_ratio(numerator: float, denominator: float, gap: float, log_denominator: float) -> float:
    """Return log(numerator / denominator), given gap = numerator - denominator and the logarithm of the latter.

    The gap is more exact than the quotient where they are close, the logarithm finite where the denominator underflows.
    """
    if abs(gap) < 0.5 * denominator:
        return math.log1p(gap / denominator)
    return math.log(numerator) - log_denominator
