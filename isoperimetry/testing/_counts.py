"""Roots by Newton's method, and the Clopper-Pearson limits, in mpmath; `reference` hands them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import mp

from isoperimetry.testing._precision import Number, at_precision


def newton(step: Callable[[Any], Any], z: Any) -> Any:
    """Return the limit of ``z - step(z)``."""
    for _ in range(1000):
        change = step(z)
        z -= change
        if abs(change) <= abs(z) * mp.mpf(2) ** (-0.6 * mp.prec):  # the next step is below the precision
            return z - step(z)
    raise ArithmeticError("Newton's method did not settle.")


def _binomial_tail(errors: int, trials: int, p: Any) -> tuple[Any, Any]:
    """Return (P[K = errors], P[K >= errors]) for K binomial; summed from ``errors`` upwards until nothing is added."""
    first = mp.binomial(trials, errors) * p**errors * (1 - p) ** (trials - errors)
    term = total = first
    for i in range(errors, trials):
        term *= (trials - i) * p / ((i + 1) * (1 - p))
        if term < total * mp.eps * mp.mpf(10) ** -5:
            break
        total += term
    return first, total


def _lower_limit(errors: int, trials: int, alpha: Any) -> Any:
    """Return p with P[K >= errors] = alpha, by Newton's method in log p; the log of the tail is concave there."""
    if errors == 0:
        return mp.mpf(0)
    if errors == trials:
        return alpha ** (mp.mpf(1) / trials)

    def step(log_p: Any) -> Any:
        p = mp.exp(log_p)
        first, tail = _binomial_tail(errors, trials, p)
        return mp.log(tail / alpha) * tail / (errors * first)  # the derivative of the tail in log p is errors * first

    return mp.exp(newton(step, mp.log(alpha / mp.binomial(trials, errors)) / errors))


@at_precision
def clopper_pearson_lower(errors: Number, trials: Number, *, confidence: Number = 0.95) -> Any:
    """Return the one-sided lower limit: the rate at which as many errors, or more, have probability 1 - confidence."""
    return _lower_limit(int(errors), int(trials), 1 - mp.mpf(confidence))


@at_precision
def clopper_pearson_upper(errors: Number, trials: Number, *, confidence: Number = 0.95) -> Any:
    """Return the one-sided upper limit: the rate at which as few errors, or fewer, have probability 1 - confidence."""
    return 1 - _lower_limit(int(trials) - int(errors), int(trials), 1 - mp.mpf(confidence))
