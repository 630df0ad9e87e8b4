"""Measures of balls and paraboloids by scipy, as integrals along the axis: apart from those of the library."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy import integrate, optimize, stats


def _integral(of_slice: Callable[[float], float], low: float, high: float) -> float:
    """Return the normal integral of what a slice across the axis holds, in 40 pieces."""
    pieces = itertools.pairwise(np.linspace(low, high, 41))

    def weighted(t: float) -> float:
        return float(stats.norm.pdf(t)) * of_slice(t)

    return sum(integrate.quad(weighted, *piece, epsabs=0, epsrel=1e-10)[0] for piece in pieces)


def ball_measure(square: float, distance: float, dim: int) -> float:
    """Return the measure of a ball of squared radius ``square`` whose center is ``distance`` away, far from 0."""
    return _integral(lambda t: float(stats.chi2.cdf(square - (t - distance) ** 2, dim - 1)), 0.0, 12.0)


def ball_square(distance: float, dim: int, mu: float) -> float:
    """Return the squared radius with which a ball has the measure mu."""

    def excess(square: float) -> float:
        return math.log(ball_measure(square, distance, dim) / mu)

    return float(optimize.brentq(excess, (distance - 8.0) ** 2, distance**2, xtol=1e-9, rtol=1e-14))


def paraboloid_measure(vertex: float, curvature: float, dim: int) -> float:
    """Return the measure of a paraboloid whose vertex is nearest to the center."""
    return _integral(lambda t: float(stats.chi2.cdf(2 * (t - vertex) / curvature, dim - 1)), vertex, vertex + 10.0)
