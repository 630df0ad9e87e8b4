"""Pictures of the certificates of smoothed classifiers: how an error rate grows when the center moves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry import bounds
from isoperimetry.sets import Ball, Slab
from isoperimetry.special import ndtr, ndtri
from pictures import sets
from pictures.style import BOUND, FILL, GREYS, NAMES, axes, label, of_measure, page, percent


@page(
    "SMOOTHING_RADIUS",
    "The radius of a smoothed classifier",
    example="""
        from isoperimetry.bounds import certified_radius, median_distance_bound
        round(certified_radius(0.99, sigma=0.25), 6)
        round(median_distance_bound(0.01, sigma=0.25), 6)  # the same half-space
        round(certified_radius(0.9, 0.05, sigma=0.5), 6)
    """,
    near=("GAUSSIAN_DISTANCE", "SMOOTHING_RADIUS_LAPLACE", "SMOOTHING_RADIUS_UNIFORM", "NOISE_STABILITY"),
)
def gaussian(ax: Any) -> None:
    """Error rate in noise at points beside the center, for error sets that all have 1 % at the center.

    The half-space grows fastest. Up to its distance, 2.33, no set makes errors the majority: the number that bounds the
    median distance of noisy samples from above bounds the distance to points of another majority from below.
    """
    step = np.linspace(0, 5, 101)
    radius = bounds.certified_radius(0.99)
    most = ndtr(ndtri(0.01) + step)
    ball = of_measure(lambda size: Ball([3.5, 0.0, 0.0], size), 0.01, 0.1, 3.4)
    layer = of_measure(lambda half: Slab([1.0], 3.0, half), 0.01, 0.01, 2.9)
    ax.fill_between(step, most, 1, color=FILL, linewidth=0)
    for error_set, grey in ((sets.outside(0.01, 10), GREYS[0]), (layer, GREYS[1]), (ball, GREYS[3])):
        lengths = [np.concatenate([[s], np.zeros(error_set.dim - 1)]) for s in step]
        ax.plot(step, [error_set.volume(center=center) for center in lengths], color=grey, linewidth=1.5)
    ax.plot(step, most, color=BOUND, linewidth=2.6)
    ax.plot([0, radius, radius], [0.5, 0.5, 0], color=BOUND, linewidth=1, linestyle=":")
    ax.plot(radius, 0.5, "o", color=BOUND, markersize=7)
    label(ax, radius + 0.08, 0.04, "$R$ = 2.33", BOUND)
    label(ax, 2.3, 0.72, "half-space: the bound", BOUND, ha="right", fontweight="bold", to=(2.86, 0.7))
    label(ax, 0.9, 0.9, "no set", BOUND)
    label(ax, 5.05, 0.865, "outside of a\nball, n = 10", NAMES)
    label(ax, 5.05, 0.28, "ball, n = 3", NAMES)
    label(ax, 5.05, 0.09, "slab", NAMES)
    axes(ax, "distance from the center / $\\sigma$", "error rate there", xlim=(0, 5.9), ylim=(0, 1))
    percent(ax.yaxis)


@page(
    "SMOOTHING_RADIUS_LAPLACE",
    "Smoothing by Laplace noise",
    example="""
        from isoperimetry.bounds import certified_radius_laplace
        round(certified_radius_laplace(0.99, scale=1.0), 6)
        round(certified_radius_laplace(0.9, 0.05, scale=1.0), 6)
    """,
    near=("SMOOTHING_RADIUS", "SMOOTHING_RADIUS_UNIFORM", "LAPLACE_ENLARGEMENT"),
)
def laplace(ax: Any) -> None:
    """Certified l1 radius by the probability of the second class, where the first has 90 %.

    Below: the older formula. Both agree where there are two classes only; a rarer second class helps more than it says.
    """
    second = np.geomspace(1e-4, 0.1, 100)
    radius = bounds.certified_radius_laplace(0.9, second, scale=1.0)
    older = np.maximum(np.log(0.9 / second) / 2, -np.log(1 - 0.9 + second))
    ax.plot(second, older, color=GREYS[2], linewidth=1.8)
    ax.plot(second, radius, color=BOUND, linewidth=2.6)
    ax.plot(0.1, radius[-1], "o", color=BOUND, markersize=7)
    label(ax, 1.2e-3, 4.3, "certified radius", BOUND, fontweight="bold")
    label(ax, 2e-4, 3.2, "older formula", NAMES)
    label(ax, 0.085, 1.25, "two classes:\nthe same", BOUND, ha="right")
    axes(
        ax, "probability of the second class $p_B$", "l1 radius / $b$", xlim=(1e-4, 0.11), ylim=(0.8, 5.5), xscale="log"
    )
    percent(ax.xaxis)


@page(
    "SMOOTHING_RADIUS_UNIFORM",
    "Smoothing by uniform noise",
    example="""
        from isoperimetry.bounds import certified_radius_uniform
        round(certified_radius_uniform(0.99, half_width=1.0), 6)
        round(certified_radius_uniform(0.9, 0.05, half_width=0.5), 6)
    """,
    near=("SMOOTHING_RADIUS", "SMOOTHING_RADIUS_LAPLACE", "CUBE_ENLARGEMENT"),
)
def uniform(ax: Any) -> None:
    """Error rate in uniform noise at points beside the center, for half-spaces that all have 1 % at the center.

    A half-space across one coordinate grows fastest; those across the diagonal of several coordinates more slowly.
    """
    step = np.linspace(0, 3.2, 161)
    most = np.minimum(1, 0.01 + step / 2)
    ax.fill_between(step, most, 1, color=FILL, linewidth=0)
    for count, grey in ((2, GREYS[0]), (3, GREYS[1]), (6, GREYS[3])):
        ax.plot(step, _diagonal(count, step), color=grey, linewidth=1.5)
        x = float(np.interp(0.3, _diagonal(count, step), step))
        label(ax, x + 0.05, 0.29, f"{count}" + " coordinates" * (count == 6), NAMES)
    ax.plot(step, most, color=BOUND, linewidth=2.6)
    radius = bounds.certified_radius_uniform(0.99, half_width=1.0)
    ax.plot([0, radius, radius], [0.5, 0.5, 0], color=BOUND, linewidth=1, linestyle=":")
    ax.plot(radius, 0.5, "o", color=BOUND, markersize=7)
    label(ax, radius + 0.05, 0.04, f"$R$ = {radius:.2f}", BOUND)
    label(ax, 0.1, 0.72, "half-space across\none coordinate:\nthe bound", BOUND, fontweight="bold", to=(1.2, 0.61))
    axes(ax, "l1 distance from the center / $\\lambda$", "error rate there", xlim=(0, 3.2), ylim=(0, 1))
    percent(ax.yaxis)


def _diagonal(count: int, step: Any) -> Any:
    """Return the rate of {sum of count coordinates >= c}, 1 % at the center, by the law of a sum of uniform numbers."""
    from scipy.optimize import brentq

    def beyond(c: Any) -> Any:
        """Return the probability that a sum of numbers uniform on [0, 1] is at most (count - c) / 2."""
        x = np.clip((count - np.asarray(c, float)) / 2, 0, count)
        terms = [(-1) ** k * math.comb(count, k) * np.maximum(x - k, 0) ** count for k in range(count + 1)]
        return sum(terms) / math.factorial(count)

    edge = brentq(lambda c: float(beyond(c)) - 0.01, 0, count)
    return beyond(edge - step)
