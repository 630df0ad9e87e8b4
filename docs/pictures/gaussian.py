"""Pictures of the theorems about typical noisy samples. Noise of scale 1: lengths are in units of sigma."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoperimetry import bounds
from pictures import sets
from pictures.style import BOUND, FILL, GREYS, NAMES, PALE, TINTS, WRONG, axes, label, page, percent

SHAPES = (
    ("two half-spaces, far apart", sets.two_sides),
    ("outside of a ball, n = 784", sets.outside),
    ("ball, n = 10", sets.ball),
    ("slab", sets.slab),
)


@page(
    "GAUSSIAN_ENLARGEMENT",
    "Enlargement in Gaussian noise",
    example="""
        from isoperimetry.bounds import enlargement
        round(enlargement(mu=0.01, eps=0.1, sigma=0.1), 6)
        round(enlargement(mu=0.01, eps=0.3, sigma=0.1), 6)
    """,
    near=("GAUSSIAN_DISTANCE", "GAUSSIAN_PROFILE", "NORM_DISTANCE", "SPHERE_ENLARGEMENT"),
)
def enlargement(ax: Any) -> None:
    """Share of the noisy samples within eps of sets that all hold 1 % of them.

    The half-space grows the least: no set has a curve below it.
    """
    eps = np.linspace(0, 4.6, 200)
    least = bounds.enlargement(0.01, eps)
    ax.fill_between(eps, 0, least, color=FILL, linewidth=0)
    for (_, make), grey in zip(SHAPES, GREYS, strict=True):
        ax.plot(eps, make(0.01).enlarged_volume(eps), color=grey, linewidth=1.4)
    ax.plot(eps, least, color=BOUND, linewidth=2.6)
    label(ax, 3.0, 0.6, "half-space: the bound", BOUND, fontweight="bold")
    label(ax, 3.4, 0.2, "no set", BOUND, ha="center")
    for (name, make), (x, y), at in zip(
        SHAPES, ((2.55, 0.3), (2.75, 0.42), (1.42, 0.78), (0.25, 0.6)), (0.4, 0.55, 0.7, 0.5), strict=True
    ):
        to = float(np.interp(at, make(0.01).enlarged_volume(eps), eps)), at
        label(ax, x, y, name, NAMES, to=to, ha="left" if x > 2 else "right")
    axes(ax, "$\\varepsilon / \\sigma$", "share of the samples within $\\varepsilon$", xlim=(0, 4.6), ylim=(0, 1.02))
    percent(ax.yaxis)


@page(
    "GAUSSIAN_DISTANCE",
    "The distance of a typical noisy sample",
    example="""
        from isoperimetry.bounds import median_distance_bound, quantile_distance_bound
        round(median_distance_bound(mu=0.01, sigma=0.1), 6)
        round(quantile_distance_bound(mu=0.01, sigma=0.1, q=0.9), 6)
        round(median_distance_bound(log_mu=-1e6, sigma=0.1), 6)
    """,
    near=("GAUSSIAN_ENLARGEMENT", "GAUSSIAN_MEAN_DISTANCE", "HALFSPACE_DISTANCE", "CENTER_WORST_CASE"),
)
def distance(ax: Any) -> None:
    """Median distance from noisy samples to sets of other shapes, against their error rate.

    All lie below the curve of the half-space; a slab about the center lies far below it, however thin it is.
    """
    mu, few = np.geomspace(1e-5, 0.6, 200), np.geomspace(1e-5, 0.499, 12)
    most = bounds.median_distance_bound(mu)
    ax.fill_between(mu, most, 6, color=FILL, linewidth=0)
    for (_, make), grey in zip(SHAPES, GREYS, strict=True):
        medians = [make(rate).distance_law().quantile(0.5) for rate in few]
        ax.plot(few, medians, color=grey, linewidth=1.2, marker="o", markersize=3.5)
    ax.plot(mu, most, color=BOUND, linewidth=2.6)
    label(ax, 4e-3, 3.7, "half-space: the bound", BOUND, fontweight="bold")
    label(ax, 0.1, 4.4, "no set", BOUND, ha="center")
    label(ax, 2.4e-5, 2.56, "outside of a ball, n = 784", NAMES, rotation=-10, rotation_mode="anchor")
    label(ax, 2.4e-5, 3.2, "two half-spaces, far apart", NAMES, rotation=-12, rotation_mode="anchor")
    label(ax, 2.4e-5, 1.9, "ball, n = 10", NAMES, rotation=-7, rotation_mode="anchor")
    label(ax, 2.4e-5, 0.5, "slab", NAMES)
    axes(ax, "error rate in noise $\\mu$", "median distance / $\\sigma$", xlim=(1e-5, 0.6), ylim=(0, 4.8), xscale="log")
    percent(ax.xaxis)


@page(
    "GAUSSIAN_MEAN_DISTANCE",
    "The mean distance of noisy samples",
    example="""
        from isoperimetry.bounds import mean_distance_bound, median_distance_bound
        round(mean_distance_bound(mu=0.3), 6), round(median_distance_bound(mu=0.3), 6)
        round(mean_distance_bound(mu=0.3, conditional=True), 6)
    """,
    near=("GAUSSIAN_DISTANCE", "GAUSSIAN_SECOND_MOMENT", "SPHERE_MEAN_DISTANCE"),
)
def mean(ax: Any) -> None:
    """Mean distance from noisy samples to a set, against its error rate.

    All lie below the bound of the mean and, where errors are frequent, above the bound of the median, which bounds no
    mean.
    """
    mu, few = np.linspace(0.005, 1, 300), np.linspace(0.1, 0.98, 18) ** 2
    most = bounds.mean_distance_bound(mu)
    ax.fill_between(mu, most, 3, color=FILL, linewidth=0)
    for (name, make), grey in zip(SHAPES, GREYS, strict=True):
        if name != "ball, n = 10":
            means = [make(rate).distance_law().moment(1) for rate in few]
            ax.plot(few, means, color=grey, linewidth=1.2, marker="o", markersize=3.5)
    ax.plot(mu, bounds.median_distance_bound(mu), color=WRONG, linestyle=(0, (4, 2)))
    ax.plot(mu, most, color=BOUND, linewidth=2.6)
    label(ax, 0.26, 0.95, "half-space: the bound of the mean", BOUND, fontweight="bold")
    label(ax, 0.52, 0.5, "bound of the median:\nnot of the mean", WRONG, to=(0.42, 0.2))
    _names(ax, ((0.03, 0.3), (0.27, 1.3), None, (0.03, 0.52)), ((0.2, 0.58), (0.135, 0.83), None, (0.072, 0.72)))
    axes(ax, "error rate in noise $\\mu$", "mean distance / $\\sigma$", xlim=(0, 1), ylim=(0, 2.1))
    percent(ax.xaxis)


@page(
    "GAUSSIAN_SECOND_MOMENT",
    "The mean square of the distance",
    example="""
        from isoperimetry.bounds import second_moment_distance_bound
        round(second_moment_distance_bound(mu=0.01), 6)
        round(second_moment_distance_bound(mu=0.01, sigma=0.1), 8)
    """,
    near=("GAUSSIAN_MEAN_DISTANCE", "GAUSSIAN_DISTANCE"),
)
def second_moment(ax: Any) -> None:
    """Mean square of the distance from noisy samples to a set, against its error rate."""
    mu, few = np.linspace(0.005, 1, 300), np.linspace(0.1, 0.98, 18) ** 2
    most = bounds.second_moment_distance_bound(mu)
    ax.fill_between(mu, most, 9, color=FILL, linewidth=0)
    for (name, make), grey in zip(SHAPES, GREYS, strict=True):
        if name != "ball, n = 10":
            squares = [make(rate).distance_law().moment(2) for rate in few]
            ax.plot(few, squares, color=grey, linewidth=1.2, marker="o", markersize=3.5)
    ax.plot(mu, most, color=BOUND, linewidth=2.6)
    label(ax, 0.1, 3.0, "half-space: the bound", BOUND, fontweight="bold")
    label(ax, 0.5, 3.6, "no set", BOUND, ha="center")
    places = (0.02, 0.15), (0.3, 1.9), None, (0.02, 0.5)
    _names(ax, places, ((0.2, 0.53), (0.135, 0.98), None, (0.072, 0.86)))
    axes(ax, "error rate in noise $\\mu$", "mean of (distance / $\\sigma$)$^2$", xlim=(0, 1), ylim=(0, 5))
    percent(ax.xaxis)


@page(
    "GAUSSIAN_REQUIRED_RATE",
    "The error rate that robustness requires",
    example="""
        from isoperimetry.bounds import required_error_rate
        print(f"{required_error_rate(eps=0.5, sigma=0.25):.4g}")
        print(f"{required_error_rate(eps=0.5, sigma=0.25, robust_fraction=0.9):.4g}")
    """,
    near=("GAUSSIAN_REQUIRED_SIGMA", "GAUSSIAN_ENLARGEMENT"),
)
def required_rate(ax: Any) -> None:
    """Largest error rate of a model that is robust at radius eps on a share f of the noisy samples.

    Errors in a slab need a smaller rate for the same robustness: the bound is necessary, and enough for half-spaces.
    """
    eps = np.linspace(0, 5, 200)
    for f, tint in zip((0.1, 0.5, 0.9, 0.99), TINTS, strict=True):
        main = f == 0.5
        rate = bounds.required_error_rate(eps, robust_fraction=f)
        ax.plot(eps, rate, color=BOUND if main else tint, linewidth=2.8 if main else 1.5)
        at = int(np.argmin(abs(np.log(rate) - np.log(2e-6) if f > 0.5 else eps - 4.5)))
        weight = "bold" if main else "normal"
        label(ax, eps[at] + 0.08, rate[at] * 2.2, f"f = {f:g}", BOUND if main else tint, fontweight=weight)
    few = np.geomspace(3e-7, 0.45, 16)
    ax.plot([sets.slab(rate).distance_law().quantile(0.5) for rate in few], few, color=PALE, linewidth=1.4)
    label(ax, 0.75, 3e-6, "slab, f = 0.5", NAMES)
    axes(
        ax, "$\\varepsilon / \\sigma$", "largest possible error rate $\\mu$", xlim=(0, 5), ylim=(1e-7, 1), yscale="log"
    )


@page(
    "GAUSSIAN_REQUIRED_SIGMA",
    "The noise scale that robustness requires",
    example="""
        from isoperimetry.bounds import required_sigma
        round(required_sigma(eps=0.5, mu=0.01), 6)
        round(required_sigma(eps=0.5, mu=0.01, robust_fraction=0.9), 6)
    """,
    near=("GAUSSIAN_REQUIRED_RATE", "HALFSPACE_RATE"),
)
def required_sigma(ax: Any) -> None:
    """Least noise scale at which the error rate may be mu if the radius is eps for a share f of the samples.

    A curve ends at mu = 1 - f: with more errors no noise scale is large enough.
    """
    for f, tint in zip((0.1, 0.5, 0.9, 0.99), TINTS, strict=True):
        main = f == 0.5
        mu = np.geomspace(1e-7, (1 - f) * 0.999, 400)
        least = bounds.required_sigma(1.0, mu, robust_fraction=f)
        color = BOUND if main else tint
        ax.plot(mu, least, color=color, linewidth=2.8 if main else 1.5)
        if main:
            ax.fill_between(mu, 0, least, color=FILL, linewidth=0)
        at = int(np.argmax(least > {0.1: 0.6, 0.5: 1.2}.get(f, 2.0)))
        weight = "bold" if main else "normal"
        if f < 0.5:
            label(ax, 0.85, 0.25, f"f = {f:g}", color, ha="right", to=(mu[at], least[at]))
        else:
            label(ax, mu[at] * 0.75, least[at], f"f = {f:g}", color, ha="right", fontweight=weight)
    label(ax, 1e-4, 0.12, "impossible for f = 0.5", BOUND, ha="center")
    axes(ax, "error rate in noise $\\mu$", "$\\sigma / \\varepsilon$", xlim=(1e-7, 1), ylim=(0, 2.5), xscale="log")


@page(
    "GAUSSIAN_PROFILE",
    "The Gaussian profile",
    example="""
        from isoperimetry.bounds import gaussian_profile, log_gaussian_profile
        round(gaussian_profile(mu=0.01), 6), round(gaussian_profile(mu=0.5), 6)
        round(log_gaussian_profile(log_mu=-1e6), 6)
    """,
    near=("GAUSSIAN_ENLARGEMENT", "GAUSSIAN_FUNCTIONAL"),
)
def profile(ax: Any) -> None:
    """Speed at which sets start to grow, their Gaussian boundary measure, against their measure.

    The dotted line has the slope sqrt(2 / pi), the least ratio of boundary to measure that a set up to 1/2 can have.
    """
    mu, step = np.linspace(0.002, 0.998, 160), 1e-5
    least = bounds.gaussian_profile(mu)
    ax.fill_between(mu, 0, least, color=FILL, linewidth=0)
    for (name, make), grey in zip(SHAPES, GREYS, strict=True):
        if name != "outside of a ball, n = 784":
            growth = [(make(rate).enlarged_volume(step) - rate) / step for rate in mu]
            ax.plot(mu, growth, color=grey, linewidth=1.4)
    ax.plot(mu, least, color=BOUND, linewidth=2.6)
    ax.plot([0, 0.5], [0, least.max()], color=BOUND, linewidth=1, linestyle=":")
    label(ax, 0.5, 0.33, "half-space: the bound", BOUND, ha="center", fontweight="bold")
    label(ax, 0.5, 0.12, "no set", BOUND, ha="center")
    label(ax, 0.34, 0.745, "slab", NAMES, ha="right", to=(0.4, 0.705))
    label(ax, 0.83, 0.5, "ball, n = 10", NAMES, to=(0.76, 0.43))
    label(ax, 0.72, 0.66, "two half-spaces,\nfar apart", NAMES, to=(0.59, 0.68))
    axes(ax, "measure $\\mu$", "boundary measure $\\times\\ \\sigma$", xlim=(0, 1), ylim=(0, 0.8))


Places = tuple[tuple[float, float] | None, ...]


Places = tuple[tuple[float, float] | None, ...]


def _names(ax: Any, places: Places, points: Places) -> None:
    """Write the names of the sets at places of the picture, with lines to points of their curves."""
    for (name, _), place, point in zip(SHAPES, places, points, strict=True):
        if place:
            label(ax, *place, name, NAMES, to=point)
