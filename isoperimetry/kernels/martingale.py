"""The capital of a bet against an error rate, a mixture of beta distributions, and the rates that it refutes.

UNCHECKED. A rate x is refuted where the likelihood of the counts at other rates, averaged over a distribution that was
chosen before the draws, is 1 / level times that at x. With g(a, b) = x**a y**b / B(a, b), y = 1 - x, the average over
Beta(a, b) is g(a, b) / g(a + errors, b + others): two numbers of moderate size whatever the counts are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.beta import _gap, _log_density, log_betainc_tail
from isoperimetry.kernels.counts import MANY, _fraction, _series
from isoperimetry.kernels.logspace import log1mexp, logaddexp

Array = NDArray[np.float64]

FARTHEST = 700.0  # logit beyond which a rate is a limit of 0 or 1
SMALL = 1e-25  # a sharper mixture than this is left out, which only lowers the capital


@kernel
def rate_of_logit(v: float) -> tuple[float, float, float]:
    """Return x = 1 / (1 + exp(-v)), 1 - x and log x."""
    e = math.exp(-abs(v))
    small, large = e / (1.0 + e), 1.0 / (1.0 + e)
    if v > 0.0:
        return large, small, -math.log1p(e)
    return small, large, v - math.log1p(e)


@kernel
def _log_right(a: float, b: float, x: float, y: float, gap: float, log_density: float) -> float:
    """Return the logarithm of the part of Beta(a, b) that is right of x, gap = a y - b x."""
    few = min(a, b)
    far = gap * gap > 25.0 * (a + b) * x * y  # where the series loses digits
    if gap < 0.0 or few < 0.01 or (few >= MANY and far):  # right of the mean; or nearly all is left of it
        return log_betainc_tail(b, a, y, x, True)
    ratio = _series(a + b, x, y, gap) if few >= MANY else _fraction(a, b, x, y, gap)
    return log1mexp(min(log_density + math.log(ratio), 0.0))


@kernel
def _log_average(errors: float, others: float, x: float, y: float, a: float, b: float, one_sided: bool) -> float:
    """Return the logarithm of the average likelihood over Beta(a, b), or over its part right of x, by that at x."""
    c, d = a + errors, b + others
    gap_before, gap_after = _gap(a, b, x, y), _gap(c, d, x, y)
    before, after = _log_density(a, b, x, y, gap_before), _log_density(c, d, x, y, gap_after)
    value = before - after
    if one_sided:
        value += _log_right(c, d, x, y, gap_after, after) - _log_right(a, b, x, y, gap_before, before)
    return value


@kernel
def log_capital(
    errors: float, others: float, logit: float, a: float, b: float, strength: float, share: float, one_sided: bool
) -> float:
    """Return the logarithm of the capital against the rate x = 1 / (1 + exp(-logit)), which begins with 1.

    Parameters
    ----------
    errors, others : float
        Draws that were errors and those that were not, >= 0.
    logit : float
        In (-700, 700).
    a, b : float
        Of the mixture Beta(a, b), > 0.
    strength, share : float
        If strength > 0, this share of the first capital, in (0, 1), is on Beta(strength x, strength (1 - x)), whose
        mean is the rate that is bet against.
    one_sided : bool
        Truncate the mixtures to larger rates.
    """
    x, y, _ = rate_of_logit(logit)
    value = _log_average(errors, others, x, y, a, b, one_sided)
    if strength * min(x, y) < SMALL:
        return value + math.log1p(-share) if strength > 0.0 else value
    near = _log_average(errors, others, x, y, strength * x, strength * y, one_sided)
    return logaddexp(math.log1p(-share) + value, math.log(share) + near)


@kernel
def lower_logit(
    errors: float, others: float, target: float, a: float, b: float, strength: float, share: float, one_sided: bool
) -> float:
    """Return the least logit at which `log_capital` is below ``target`` > 0; -inf if it is below -700.

    Left of errors / (errors + others), where it is at most 0, the capital falls.
    """
    if errors <= 0.0:
        return -math.inf
    right = min(math.log(errors / others), FARTHEST) if others > 0.0 else FARTHEST
    reach = math.sqrt(2.0 * target + math.log1p(errors + others))
    if others > errors * 1e-3:
        left = right - reach * math.sqrt(1.0 / errors + 1.0 / others)
    else:  # all but all draws are errors: the likelihood is about x**errors
        left = -math.log(math.expm1(0.5 * reach * reach / errors))
        left = min(left, right) - 1.0
    left, low = max(left, -FARTHEST), 0.0
    high, width = -target, max(0.25 * (right - left), 1e-8)
    for step in range(2):  # with both sides first, which is cheap
        truncated = step == 1
        if truncated and not one_sided:
            break
        low = log_capital(errors, others, left, a, b, strength, share, truncated) - target
        if truncated:  # the limit is a little to the right of that from both sides
            slope = errors - (errors + others) / (1.0 + math.exp(-left))
            middle = left + 1.5 * low / slope
            right, high = max(right, left), -target
            if 0.0 < low and left < middle < right:
                value = log_capital(errors, others, middle, a, b, strength, share, truncated) - target
                if value < 0.0:
                    right, high = middle, value
        while low < 0.0:
            if left <= -FARTHEST:
                return -math.inf
            right, high = left, low
            left, width = max(left - width, -FARTHEST), 2.0 * width
            low = log_capital(errors, others, left, a, b, strength, share, truncated) - target
        refuted = left
        # T. R. Chandrupatla 1997, A new hybrid quadratic/bisection algorithm, Advances in Engineering Software 28.
        point, value, other, opposite, third, beyond = right, high, left, low, left, low
        t = high / (high - low)
        if not 0.05 < t < 0.95:
            t = 0.5
        for _ in range(100):
            trial = point + t * (other - point)
            found = log_capital(errors, others, trial, a, b, strength, share, truncated) - target
            if (found < 0.0) == (value < 0.0):
                third, beyond = point, value
            else:
                third, beyond, other, opposite = other, opposite, point, value
            point, value = trial, found
            if value >= 0.0:
                refuted = max(refuted, point)
            if abs(value) <= 1e-15 * target:
                refuted = point
                break
            tolerance = 5e-16 * max(1.0, abs(point)) / max(abs(other - point), 1e-300)
            if tolerance > 0.5:
                break
            xi, phi = (point - other) / (third - other), (value - opposite) / (beyond - opposite)
            t = 0.5
            if phi * phi < xi and (1.0 - phi) * (1.0 - phi) < 1.0 - xi:
                t = value / (opposite - value) * (beyond / (opposite - beyond))
                t += (third - point) / (other - point) * (value / (beyond - value)) * (opposite / (beyond - opposite))
            t = min(1.0 - tolerance, max(tolerance, t))
        left = refuted
        right = min(math.log(errors / others), FARTHEST) if others > 0.0 else FARTHEST
    return left


@kernel
def limit(
    errors: float,
    others: float,
    target: float,
    a: float,
    b: float,
    strength: float,
    share: float,
    one_sided: bool,
    upper: bool,
) -> tuple[float, float]:
    """Return the least (``upper``: the largest) rate that is not refuted, and its logarithm."""
    if upper:
        v = -lower_logit(others, errors, target, b, a, strength, share, one_sided)
    else:
        v = lower_logit(errors, others, target, a, b, strength, share, one_sided)
    rate, _, log_rate = rate_of_logit(v)
    return rate, log_rate


@kernel
def fill_limits(
    errors: Array,
    others: Array,
    target: float,
    a: float,
    b: float,
    strength: float,
    share: float,
    one_sided: bool,
    upper: bool,
    rates: Array,
    logs: Array,
) -> None:
    """Write `limit` to ``rates[i]`` and ``logs[i]``, each at i."""
    for i in range(errors.size):
        k, n = float(errors[i]), float(others[i])
        rates[i], logs[i] = limit(k, n, target, a, b, strength, share, one_sided, upper)
