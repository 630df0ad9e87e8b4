"""Pictures of other norms and of noise that is stronger in some directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoperimetry import bounds
from pictures.style import BOUND, FILL, GREYS, NAMES, TINTS, WRONG, axes, label, page


@page(
    "HALFSPACE_DISTANCE_NORM",
    "The half-space prediction in other norms",
    example="""
        import numpy as np
        from isoperimetry.bounds import halfspace_distance_norm
        round(halfspace_distance_norm(mu=0.01, normal=np.ones(784), p=np.inf), 6)
        round(halfspace_distance_norm(mu=0.01, normal=[3, -4, 0], p=1), 6)
    """,
    near=("HALFSPACE_DISTANCE", "NORM_DISTANCE"),
)
def halfspace_distance_norm(ax: Any) -> None:
    """Distance of the center to half-spaces with an error rate of 1 % in 784 dimensions, in every l_p norm.

    The more coordinates the normal has, the shorter the l_inf distance and the longer the l1 distance.
    """
    inverse = np.linspace(0, 1, 61)
    for count, color in ((784, BOUND), (100, TINTS[1]), (10, TINTS[0]), (1, GREYS[1])):
        normal = np.concatenate([np.ones(count), np.zeros(784 - count)])
        norms = [1 / r if r else np.inf for r in inverse]
        distances = [bounds.halfspace_distance_norm(0.01, normal, p=p) for p in norms]
        ax.plot(inverse, distances, color=color, linewidth=2.6 if count == 784 else 1.6)
        spot = 36 if count == 1 else 51
        at = distances[spot] * {784: 1.5, 100: 0.72, 10: 0.72, 1: 0.8}[count]
        text = "normal across 1 coordinate" if count == 1 else f"{count}" + " coordinates" * (count == 784)
        label(ax, inverse[spot], at, text, NAMES if count == 1 else color, ha="left" if count == 1 else "right")
    ax.plot(0.5, bounds.halfspace_distance(0.01), "o", color=BOUND, markersize=7)
    label(ax, 0.47, 4.0, "2.33 in l2", BOUND, ha="right", to=(0.5, 2.45))
    axes(
        ax, "norm $p$", "l$_p$ distance of the center / $\\sigma$", xlim=(0, 1), ylim=(0.06, 100), yscale="log",
        xticks=[0, 0.25, 0.5, 0.75, 1], xticklabels=["$\\infty$", "4", "2", "4/3", "1"],
    )  # fmt: skip


@page(
    "NORM_DISTANCE",
    "Other norms and unequal noise",
    example="""
        import numpy as np
        from isoperimetry.bounds import median_distance_bound_norm
        round(median_distance_bound_norm(mu=0.01, cov=[4.0, 1.0]), 6)
        round(median_distance_bound_norm(mu=0.01, dim=784, p=np.inf), 6)
        round(median_distance_bound_norm(mu=0.01, dim=784, p=1), 4)
    """,
    near=("GAUSSIAN_DISTANCE", "HALFSPACE_DISTANCE_NORM"),
)
def norm_distance(ax: Any) -> None:
    """Median distance of noisy samples to half-spaces of measure 1 %, in noise of scale 2 and 1 along two axes.

    Each norm has its bound (blue), which half-spaces of one direction attain. In l2 it has the largest scale: with the
    smallest, or their root mean square, it is false.
    """
    turn = np.linspace(0, np.pi / 2, 121)
    cov = np.array([4.0, 1.0])
    for p, grey, style in ((1, GREYS[0], "-"), (2, GREYS[1], "-"), (np.inf, GREYS[3], "-")):
        bound = bounds.median_distance_bound_norm(0.01, cov=cov, p=p)
        ax.axhline(bound, color=BOUND, linewidth=2.6 if p == 2 else 1.4)
        normals = np.column_stack([np.cos(turn), np.sin(turn)])
        distances = [bounds.halfspace_distance_norm(0.01, normal, p=p, cov=cov) for normal in normals]
        ax.plot(np.degrees(turn), distances, color=grey, linewidth=1.5, linestyle=style)
    two, one = (bounds.median_distance_bound_norm(0.01, cov=cov, p=p) for p in (2, 1))
    ax.fill_between([0, 90], two, 7, color=FILL, linewidth=0, zorder=0)
    for scale, text in ((1.0, "smallest scale: false"), (np.sqrt(2.5), "root mean square: false")):
        ax.axhline(scale * bounds.median_distance_bound(0.01), color=WRONG, linewidth=1.4, linestyle=(0, (4, 2)))
        low = scale == 1
        y = scale * bounds.median_distance_bound(0.01) + (-0.17 if low else 0.17)
        label(ax, 1 if low else 89, y, text, WRONG, ha="left" if low else "right")
    label(ax, 89, two + 0.18, "bound in l2 and l_inf", BOUND, ha="right", fontweight="bold")
    label(ax, 89, one + 0.18, "bound in l1", BOUND, ha="right")
    label(ax, 56, 4.3, "l1", GREYS[0], to=(51.5, 4.38))
    label(ax, 47, 3.0, "l2", GREYS[1], to=(51, 3.4))
    label(ax, 20, 2.9, "l_inf", GREYS[2], to=(25, 3.3))
    axes(
        ax, "direction of the normal: angle to the axis of scale 2, in degrees", "median distance",
        xlim=(0, 90), ylim=(1.6, 5.9), xticks=range(0, 91, 15),
    )  # fmt: skip
