"""Capital of a mixture of bets against a mean, in logs: what the betting intervals are made of. UNCHECKED.

A bettor stakes a fraction b in [0, 1] of the capital on a draw with return r >= -1, whose mean is at most 0 under the
hypothesis, and then has 1 + b r times as much. The capital of a mixture is the weighted sum of those of its bettors.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._jit import kernel

Array = NDArray[np.float64]

CAUTION = 0.25
"""Squared ranges that a variance starts with: that of a fair coin, the largest that the range allows."""

MOST = 1e6
"""Cap of a signal, where what was seen does not vary."""

LARGE, HUGE, TINY = 1e100, 1e300, 1e-200
"""Capital above `LARGE`, or below its inverse, is rescaled; above `HUGE` and below `TINY` it is given away."""


@kernel
def fill_signals(log_x: Array, out: Array) -> None:
    """Write, for each draw, mean / standard deviation of the draws before it: the unit of an adaptive bet.

    ``log_x`` and ``out`` have shape (n,); -inf is the logarithm of the value 0. All is kept in units of the largest
    value so far, so that values of any size do, and none depends on a later one.
    """
    top, mean, squares, least = -math.inf, 0.0, 0.0, 0.0
    for i in range(log_x.size):
        if i == 0:
            out[i] = 1.0
        elif top == -math.inf:  # a value in i + 1 draws would have this ratio at most
            out[i] = 1.0 / math.sqrt(i + 1.0)
        else:
            variance = (CAUTION * (1.0 - least) * (1.0 - least) + squares) / (i + 1.0)
            out[i] = mean / math.sqrt(variance) if mean < MOST * math.sqrt(variance) else MOST
        value = 0.0
        if log_x[i] > top:
            shrink = math.exp(top - log_x[i])
            mean, squares, least = mean * shrink, squares * shrink * shrink, least * shrink
            top, value = log_x[i], 1.0
        elif log_x[i] > -math.inf:
            value = math.exp(log_x[i] - top)
        least = value if i == 0 or value < least else least
        step = value - mean
        mean += step / (i + 1.0)
        squares += step * (value - mean)


@kernel
def log_peak_capital(
    values: Array,
    point: float,
    unit: float,
    signals: Array,
    fractions: Array,
    multiples: Array,
    most: float,
    weights: Array,
) -> float:
    """Return the largest logarithm that the capital of a mixture reaches in a game that starts with 1.

    The return of draw i is ``(values[i] - point) / unit``. The steady bettors stake a fixed fraction, the adaptive ones
    ``min(multiple * signals[i], most)``.

    Parameters
    ----------
    values, signals : array, shape (n,)
        The draws, and what `fill_signals` says of them.
    point, unit : float
        So that no return is below -1; ``unit`` > 0.
    fractions, multiples : array, shape (J,)
        The bettors, J a multiple of 4; fractions in [0, 1], multiples >= 0.
    most : float
        Largest adaptive stake, in [0, 1].
    weights : array, shape (2, J)
        Their shares of the first capital, >= 0, with sum 1.

    Returns
    -------
    float
        At least 0, the capital before the first draw.
    """
    size = fractions.size
    steady, adaptive = weights[0].copy(), weights[1].copy()
    result, log_scale, peak = 0.0, 0.0, 0.0
    for i in range(values.size):
        gain, signal = (values[i] - point) / unit, signals[i]
        for j in range(size):
            steady[j] *= 1.0 + fractions[j] * gain
        for j in range(size):
            stake = multiples[j] * signal
            stake = stake if stake < most else most
            adaptive[j] *= 1.0 + stake * gain
        # Four sums, for a processor that adds four numbers at once.
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for j in range(size // 4):
            s0 += steady[4 * j] + adaptive[4 * j]
            s1 += steady[4 * j + 1] + adaptive[4 * j + 1]
            s2 += steady[4 * j + 2] + adaptive[4 * j + 2]
            s3 += steady[4 * j + 3] + adaptive[4 * j + 3]
        total = (s0 + s1) + (s2 + s3)
        peak = total if total > peak else peak
        if total > LARGE or total * LARGE < 1.0:
            if total == 0.0:
                break
            result = max(result, math.log(min(peak, HUGE)) + log_scale)
            factor = 1.0 / LARGE if total > LARGE else LARGE
            for j in range(size):
                steady[j] = min(steady[j], HUGE) * factor
                adaptive[j] = min(adaptive[j], HUGE) * factor
            log_scale -= math.log(factor)
            peak = 0.0
        elif i % 16 == 15:  # smaller numbers take the processor's slow path; less capital is always allowed
            for j in range(size):
                steady[j] = steady[j] if steady[j] > TINY else 0.0
                adaptive[j] = adaptive[j] if adaptive[j] > TINY else 0.0
    return max(result, math.log(min(peak, HUGE)) + log_scale) if peak > 0.0 else result
