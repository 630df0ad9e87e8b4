"""Tails of a quadratic form with positive weights in mpmath, in logarithms: Ruben's mixture of chi-squares.

Results have the precision of the caller. H. Ruben (1962), Probability content of regions under spherical normal
distributions IV, Ann. Math. Statist. 33.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mpmath import mp

from isoperimetry.testing._incomplete import log_gamma_tails


def log_quadratic_tails(
    weights: Sequence[Any], counts: Sequence[int], shifts: Sequence[Any], x: Any
) -> tuple[Any, Any]:
    """Return the logs of P[Q <= x] and P[Q > x] for ``Q = sum_r w_r chi2(h_r, d_r)``.

    Weights w_r > 0, degrees of freedom h_r, noncentralities d_r >= 0 (sums of squared means), x > 0. The terms of the
    mixture are positive; the number of them grows like max w / min w and like the noncentralities, and the time with
    its square. An upper tail may be as small as 1e-60.
    """
    precision = +mp.eps  # a number: the constant itself follows the digits
    with mp.extradps(70):  # what is left of the mixture is a difference
        lower, upper = _mixture(weights, counts, shifts, x, precision)
    return +lower, +upper


def _mixture(
    weights: Sequence[Any], counts: Sequence[int], shifts: Sequence[Any], x: Any, precision: Any
) -> tuple[Any, Any]:
    w, d = [mp.mpf(value) for value in weights], [mp.mpf(value) for value in shifts]
    x = mp.mpf(x)
    beta, total = min(w), sum(counts)
    rates = [1 - beta / value for value in w]
    mixture = [mp.exp(-sum(d) / 2) * mp.fprod((beta / v) ** (mp.mpf(h) / 2) for v, h in zip(w, counts, strict=True))]
    powers = [mp.mpf(1)] * len(w)
    growth = [mp.mpf(0)]
    lower = upper = mp.mpf(0)
    rest = mp.mpf(1)
    k = 0
    while True:
        below, above = (mp.exp(tail) for tail in log_gamma_tails(mp.mpf(total) / 2 + k, x / (2 * beta)))
        lower += mixture[k] * below
        upper += mixture[k] * above
        rest -= mixture[k]
        if rest * below < precision * lower and rest < precision * upper:
            return mp.log(lower), mp.log(upper)
        k += 1
        before = powers
        powers = [power * rate for power, rate in zip(before, rates, strict=True)]
        central = mp.fsum(h * power for h, power in zip(counts, powers, strict=True))
        shifted = mp.fsum(s / v * power for s, v, power in zip(d, w, before, strict=True))
        growth.append(central + k * beta * shifted)
        mixture.append(mp.fsum(growth[k - r] * mixture[r] for r in range(k)) / (2 * k))
