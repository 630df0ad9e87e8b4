"""Pictures of the theorems on the sphere, mostly of radius sqrt(n), where coordinates are about standard normal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry import bounds
from isoperimetry.bounds import sphere
from isoperimetry.special import ndtr
from pictures.style import BOUND, FILL, GREYS, NAMES, TINTS, WRONG, axes, label, page, percent

DIMS = ((3, TINTS[0]), (10, TINTS[1]), (784, BOUND))


def two_caps(mu: float, eps: Any, dim: int) -> Any:
    """Return the share of a sphere of radius sqrt(dim) within eps of two opposite caps of measure mu / 2 each."""
    return np.minimum(1, 2 * np.minimum(0.5, sphere.enlargement(mu / 2, eps, dim=dim, radius=math.sqrt(dim))))


@page(
    "SPHERE_ENLARGEMENT",
    "Enlargement on the sphere",
    example="""
        from isoperimetry.bounds import enlargement, sphere
        round(sphere.enlargement(mu=0.01, eps=1.0, dim=784, radius=28.0), 6)
        round(enlargement(mu=0.01, eps=1.0, sigma=1.0), 6)  # the limit of large dimensions
    """,
    near=("SPHERE_DISTANCE", "SPHERE_GAUSSIAN_ENLARGEMENT", "GAUSSIAN_ENLARGEMENT", "BALL_ENLARGEMENT"),
)
def enlargement(ax: Any) -> None:
    """Share of the sphere of radius sqrt(n) within eps of a cap of 1 %, and of two opposite caps that share the 1 %.

    From n = 784 on the caps cannot be told apart from half-spaces in Gaussian noise.
    """
    eps = np.linspace(0, 4.6, 200)
    for dim, color in DIMS:
        share = sphere.enlargement(0.01, eps, dim=dim, radius=math.sqrt(dim))
        ax.plot(eps, share, color=color, linewidth=2.8 if dim == 784 else 1.8)
    ax.plot(eps, two_caps(0.01, eps, 10), color=GREYS[2], linewidth=1.4)
    ax.plot(eps, bounds.enlargement(0.01, eps), color="black", linewidth=1.3, linestyle=(0, (1, 2)))
    label(ax, 3.3, 0.6, "n = 784, and dotted\nthe Gaussian limit", BOUND, fontweight="bold", to=(2.75, 0.66))
    label(ax, 3.3, 0.38, "n = 10", TINTS[1], to=(2.3, 0.47))
    label(ax, 3.3, 0.24, "n = 3", TINTS[1], to=(1.75, 0.335))
    label(ax, 0.9, 0.72, "two caps,\nn = 10", NAMES, ha="right", to=(2.17, 0.62))
    axes(
        ax,
        "$\\varepsilon$, along the sphere",
        "share of the sphere within $\\varepsilon$",
        xlim=(0, 4.6),
        ylim=(0, 1.02),
    )
    percent(ax.yaxis)


@page(
    "SPHERE_DISTANCE",
    "The distance on the sphere",
    example="""
        from isoperimetry.bounds import sphere
        round(sphere.median_distance_bound(mu=0.01, dim=784), 6)  # on the unit sphere
        round(sphere.quantile_distance_bound(mu=0.01, dim=784, q=0.9), 6)
        round(sphere.median_distance_bound(mu=0.01, dim=784, metric="chord"), 6)
    """,
    near=("SPHERE_ENLARGEMENT", "SPHERE_MEAN_DISTANCE", "GAUSSIAN_DISTANCE"),
)
def distance(ax: Any) -> None:
    """Largest median distance along the sphere of radius sqrt(n), against the measure of the set.

    Caps attain it; two opposite caps, in grey, stay below the line of their dimension.
    """
    mu = np.geomspace(1e-6, 0.55, 200)
    for dim, color in DIMS:
        most = sphere.median_distance_bound(mu, dim=dim, radius=math.sqrt(dim))
        ax.plot(mu, most, color=color, linewidth=2.8 if dim == 784 else 1.8)
    ax.plot(mu, bounds.median_distance_bound(mu), color="black", linewidth=1.3, linestyle=(0, (1, 2)))
    few = np.geomspace(1e-6, 0.49, 14)
    from scipy.optimize import brentq

    medians = [brentq(lambda eps, rate=rate: float(two_caps(rate, eps, 10)) - 0.5, 0, 6) for rate in few]
    ax.plot(few, medians, color=GREYS[2], linewidth=1.2, marker="o", markersize=3.5)
    label(ax, 1e-3, 4.3, "n = 784, and dotted\nthe Gaussian limit", BOUND, fontweight="bold", to=(2e-4, 3.55))
    label(ax, 2e-6, 3.55, "n = 10", TINTS[1])
    label(ax, 2e-6, 2.45, "n = 3", TINTS[1])
    label(ax, 5e-5, 1.5, "two caps, n = 10", NAMES, to=(1.5e-3, 2.37))
    axes(ax, "measure $\\mu$", "median distance along the sphere", xlim=(1e-6, 0.6), ylim=(0, 5), xscale="log")


@page(
    "SPHERE_MEAN_DISTANCE",
    "The mean distance on the sphere",
    example="""
        from isoperimetry.bounds import sphere
        round(sphere.mean_distance_bound(mu=0.01, dim=784), 6)
        round(sphere.median_distance_bound(mu=0.01, dim=784), 6)
    """,
    near=("SPHERE_DISTANCE", "GAUSSIAN_MEAN_DISTANCE"),
)
def mean(ax: Any) -> None:
    """Largest mean distance to an error on the unit sphere, against the dimension.

    It falls like 1 / sqrt(n) for every error rate; far fewer errors move the line up by a small factor only.
    """
    dim = np.unique(np.geomspace(3, 1e6, 60).astype(int))
    for mu, color in ((0.01, BOUND), (1e-6, TINTS[1]), (1e-20, TINTS[0])):
        most = sphere.mean_distance_bound(mu, dim=dim)
        ax.plot(dim, most, color=color, linewidth=2.6 if mu == 0.01 else 1.8)
        text = "$\\mu$ = 1 %" if mu == 0.01 else f"$\\mu = 10^{{{round(math.log10(mu))}}}$"
        label(ax, 1.15e6, most[-1], text, color)
    ax.plot(dim, math.sqrt(2) / np.sqrt(dim), color=GREYS[2], linewidth=1.2, linestyle=(0, (4, 2)))
    label(ax, 3e4, 0.0028, "slope of 1 / $\\sqrt{n}$", NAMES, ha="right", to=(3e5, math.sqrt(2 / 3e5)))
    axes(
        ax, "dimension $n$", "mean distance on the unit sphere", xlim=(3, 1e6), ylim=(1e-3, 4), xscale="log",
        yscale="log",
    )  # fmt: skip


@page(
    "SPHERE_GAUSSIAN_ENLARGEMENT",
    "Gaussian form of the bound on the sphere",
    example="""
        from isoperimetry.bounds import sphere
        round(sphere.gaussian_enlargement(mu=0.5, eps=0.1, dim=100), 6)
        round(sphere.enlargement(mu=0.5, eps=0.1, dim=100), 6)  # the cap: a little more
    """,
    near=("SPHERE_ENLARGEMENT", "LOGCONCAVE_ENLARGEMENT", "GAUSSIAN_ENLARGEMENT"),
)
def gaussian_form(ax: Any) -> None:
    """How much more a half-sphere grows than the bound says, for n = 10 and radius sqrt(n).

    With n - 2 in the bound it always grows more; with n - 1 the bound says too much for small distances.
    """
    eps = np.linspace(0, 4, 200)
    share = sphere.enlargement(0.5, eps, dim=10, radius=math.sqrt(10))
    bound = sphere.gaussian_enlargement(0.5, eps, dim=10, radius=math.sqrt(10))
    wrong = ndtr(eps * math.sqrt(9 / 10))
    ax.fill_between(eps, -1, 0, color=FILL, linewidth=0)
    ax.axhline(0, color=BOUND, linewidth=2.6)
    ax.plot(eps, share - bound, color=GREYS[1])
    ax.plot(eps, share - wrong, color=WRONG, linestyle=(0, (4, 2)))
    label(ax, 2.2, 0.009, "with $n - 2$", NAMES)
    label(ax, 1.45, -0.0032, "with $n - 1$: false", WRONG)
    label(ax, 3.97, -0.0062, "less than the bound", BOUND, ha="right")
    axes(
        ax, "$\\varepsilon$, along the sphere of radius $\\sqrt{n}$", "share of the sphere $-$ bound", xlim=(0, 4),
        ylim=(-0.0075, 0.0135),
    )  # fmt: skip
