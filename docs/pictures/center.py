"""Pictures of what is said about the center itself: predictions, the worst case, affine classifiers, the noise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry import bounds
from isoperimetry.sets import Ball, Orthant, Slab, UnionOfHalfSpaces
from isoperimetry.special import ndtri
from pictures import sets
from pictures.style import BOUND, FILL, GREYS, NAMES, TINTS, WRONG, axes, label, of_measure, page, percent


@page(
    "HALFSPACE_DISTANCE",
    "The half-space prediction",
    example="""
        from isoperimetry.bounds import halfspace_distance
        round(halfspace_distance(mu=0.01, sigma=0.1), 6)
        round(halfspace_distance(mu=0.6, sigma=0.1), 6)  # the center is itself an error
    """,
    near=("GAUSSIAN_DISTANCE", "CENTER_WORST_CASE", "CENTER_AFFINE", "HALFSPACE_DISTANCE_NORM"),
)
def halfspace_distance(ax: Any) -> None:
    """Distance of the center to error sets of other shapes, against their error rate.

    They lie on both sides of the half-space: for the center its distance is a prediction and bounds nothing.
    """
    mu = np.geomspace(1e-5, 0.499, 120)
    far = [sets.outside(rate, 10).signed_distance(np.zeros(10)) for rate in mu]
    corner = [Orthant([-ndtri(math.sqrt(rate))] * 2) for rate in mu]
    near = [max(0.0, error_set.signed_distance(np.zeros(2))) for error_set in corner]
    nine = [sets.crossed(rate).signed_distance(np.zeros(9)) for rate in mu]
    for grey, distances in zip(GREYS, (far, nine, near), strict=False):
        ax.plot(mu, distances, color=grey, linewidth=1.4)
    ax.plot(mu, np.zeros(mu.size), color=GREYS[3], linewidth=3, solid_capstyle="butt")
    ax.plot(mu, bounds.halfspace_distance(mu), color=BOUND, linewidth=2.6)
    label(ax, 1.6e-2, 5.3, "outside of a ball, n = 10", NAMES, to=(4e-3, 5.1))
    label(ax, 0.012, 3.8, "9 half-spaces\nat right angles", NAMES, to=(6e-3, 3.15))
    label(ax, 1.5e-5, 2.1, "half-space: the prediction", BOUND, fontweight="bold", to=(3e-4, 3.43))
    label(ax, 1.5e-5, 1.3, "quadrant, where two scores are high", NAMES, to=(3e-3, 2.26))
    label(ax, 1.5e-5, 0.4, "ball that touches the center, at any rate", NAMES)
    axes(
        ax, "error rate in noise $\\mu$", "distance of the center / $\\sigma$", xlim=(1e-5, 0.6), ylim=(-0.05, 6.6),
        xscale="log",
    )  # fmt: skip
    percent(ax.xaxis)


@page(
    "HALFSPACE_RATE",
    "The error rate at another noise scale",
    example="""
        from isoperimetry.bounds import error_rate_at_sigma
        round(error_rate_at_sigma(mu=0.01, sigma=0.1, sigma_new=0.2), 6)
        print(f"{error_rate_at_sigma(mu=0.01, sigma=0.1, sigma_new=0.05):.4g}")
    """,
    near=("HALFSPACE_DISTANCE", "GAUSSIAN_REQUIRED_SIGMA"),
)
def halfspace_rate(ax: Any) -> None:
    """Error rates at other noise scales of sets that all have the rate 1 % at the scale sigma.

    Only the half-space follows the formula: the others must be measured at each scale.
    """
    scale = np.geomspace(0.3, 4, 160)
    ball = of_measure(lambda radius: Ball([2.0] + [0.0] * 9, radius), 0.01, 0.5, 6.0)
    shapes = (sets.outside(0.01, 100), ball, Slab([1.0], 2.0, 0.0925))
    for error_set, grey in zip(shapes, GREYS, strict=False):
        ax.plot(scale, np.maximum(error_set.volume(sigma=scale), 1e-9), color=grey, linewidth=1.4)
    rate = bounds.error_rate_at_sigma(0.01, 1.0, scale)
    ax.plot(scale, rate, color=BOUND, linewidth=2.6)
    ax.plot(1, 0.01, "o", color=BOUND, markersize=7)
    label(ax, 2.2, 0.05, "half-space:\nthe prediction", BOUND, fontweight="bold", to=(1.9, 0.11))
    label(ax, 0.95, 0.3, "outside of a ball,\nn = 100", NAMES, ha="right", to=(1.24, 0.3))
    label(ax, 2.15, 3e-4, "ball, n = 10,\nto one side", NAMES, ha="left", to=(1.7, 6e-4))
    label(ax, 2.8, 1.0e-2, "thin slab to one side", NAMES, ha="center", to=(2.5, 2.2e-2))
    axes(
        ax, "noise scale $\\sigma' / \\sigma$", "error rate $\\mu'$", xlim=(0.3, 4), ylim=(1e-6, 1), xscale="log",
        yscale="log", xticks=[0.3, 0.5, 1, 2, 4], xticklabels=["0.3", "0.5", "1", "2", "4"],
    )  # fmt: skip
    ax.minorticks_off()


@page(
    "NOISE_NORM",
    "How long noise is",
    example="""
        from isoperimetry.bounds import halfspace_distance, noise_norm
        round(noise_norm(dim=150528), 4)
        round(noise_norm(dim=150528) / halfspace_distance(mu=0.01), 2)
    """,
    near=("CENTER_WORST_CASE", "LIPSCHITZ_TAIL", "GAUSSIAN_DISTANCE"),
)
def noise_norm(ax: Any) -> None:
    """Mean length of the noise against the dimension, beside the distance that an error rate of 1 % allows.

    The dimensions marked are those of MNIST, CIFAR-10 and ImageNet images.
    """
    dim = np.unique(np.geomspace(1, 1e6, 200).astype(int))
    ax.plot(dim, bounds.noise_norm(dim), color=BOUND, linewidth=2.6)
    distance = bounds.median_distance_bound(0.01)
    ax.axhline(distance, color=GREYS[2], linewidth=1.6)
    label(ax, 1e6, distance * 0.7, "median distance of an error, at most: 2.33, in every dimension", NAMES, ha="right")
    for n in (784, 3072, 150528):
        length = bounds.noise_norm(n)
        ax.plot([n, n], [distance, length], color=BOUND, linewidth=1, linestyle=":")
        ax.plot(n, length, "o", color=BOUND)
        label(ax, n * 0.82, length * 1.3, f"n = {n:,}: {length / distance:.0f} times", BOUND, ha="right")
    label(ax, 1.3, 15, "mean length of the noise", BOUND, fontweight="bold", to=(60, 7.7))
    axes(ax, "dimension $n$", "length / $\\sigma$", xlim=(1, 1e6), ylim=(0.7, 1500), xscale="log", yscale="log")


@page(
    "CENTER_WORST_CASE",
    "The worst case for the input itself",
    example="""
        from isoperimetry.bounds import halfspace_distance, worst_case_distance
        round(worst_case_distance(mu=0.01, sigma=0.1, dim=784), 6)
        round(halfspace_distance(mu=0.01, sigma=0.1), 6)  # what a half-space would have
    """,
    near=("HALFSPACE_DISTANCE", "CENTER_AFFINE", "NOISE_NORM"),
)
def worst_case(ax: Any) -> None:
    """How far the center may be from all errors, against the dimension.

    Everything from 0 up to the curve occurs at that error rate; the prediction of the half-space is one value of many.
    """
    dim = np.unique(np.geomspace(1, 1e6, 160).astype(int))
    for mu, tint in ((1e-6, TINTS[1]), (0.01, BOUND), (0.5, TINTS[3])):
        most = bounds.worst_case_distance(mu, dim=dim)
        main = mu == 0.01
        ax.plot(dim, most, color=tint, linewidth=2.8 if main else 1.3)
        if main:
            ax.fill_between(dim, most, 2000, color=FILL, linewidth=0)
    label(ax, 6, 45, "no error set of measure 1 %", BOUND)
    label(ax, 700, 12, "outside of a ball, 1 %:\nthe worst case", BOUND, fontweight="bold", to=(300, 18.7))
    label(ax, 1.4, 9, "$\\mu = 10^{-6}$", TINTS[1], to=(2.2, 5.5))
    label(ax, 2.2, 0.85, "$\\mu = 1/2$", TINTS[3], to=(1.6, 0.95))
    ax.axhline(bounds.halfspace_distance(0.01), color=GREYS[2], linewidth=1.6)
    label(ax, 1e6, 1.75, "half-space, 1 %: 2.33", NAMES, ha="right")
    label(ax, 1e6, 0.85, "below: all possible at 1 %, down to errors that touch the center", NAMES, ha="right")
    axes(
        ax, "dimension $n$", "distance of the center / $\\sigma$", xlim=(1, 1e6), ylim=(0.6, 1500), xscale="log",
        yscale="log",
    )  # fmt: skip


@page(
    "CENTER_CONVEX",
    "Convex error sets",
    example="""
        from isoperimetry.bounds import convex_distance_bound
        round(convex_distance_bound(mu=0.01), 6)
        round(convex_distance_bound(mu=0.01, parts=9), 6)
    """,
    near=("HALFSPACE_DISTANCE", "CENTER_WORST_CASE", "CENTER_AFFINE"),
)
def convex(ax: Any) -> None:
    """Distance of the center to convex error sets, and to one that surrounds it, against their error rate.

    The nearest point of a convex set has all of it behind a hyperplane. Errors all around are farther than the bound.
    """
    mu = np.geomspace(1e-5, 0.9, 160)
    low = mu < 0.49
    corner = [Orthant([-ndtri(math.sqrt(rate))] * 2) for rate in mu]
    near = [max(0.0, error_set.signed_distance(np.zeros(2))) for error_set in corner]
    far = [max(0.0, sets.outside(rate, 10).signed_distance(np.zeros(10))) for rate in mu]
    bound = bounds.convex_distance_bound(mu)
    ax.plot(mu, far, color=WRONG, linewidth=1.8, linestyle="--")
    ax.plot(mu, near, color=GREYS[0], linewidth=1.4)
    ax.plot(mu[low], np.zeros(mu[low].size), color=GREYS[3], linewidth=3, solid_capstyle="butt")
    ax.fill_between(mu, bound, 7, color=FILL, linewidth=0)
    ax.plot(mu, bound, color=BOUND, linewidth=2.6)
    label(ax, 2e-3, 4.2, "no convex set", BOUND)
    label(ax, 3e-5, 2.4, "half-space: the bound", BOUND, fontweight="bold", to=(3e-4, 3.43))
    label(ax, 1.5e-5, 1.2, "quadrant, where two scores are high", NAMES, to=(3e-3, 2.26))
    label(ax, 1.5e-5, 0.35, "ball that touches the center", NAMES)
    label(ax, 8e-3, 5.9, "outside of a ball, n = 10:\nnot convex", WRONG, to=(4e-3, 5.1))
    axes(
        ax, "error rate in noise $\\mu$", "distance of the center / $\\sigma$", xlim=(1e-5, 1), ylim=(-0.05, 6.6),
        xscale="log",
    )  # fmt: skip
    percent(ax.xaxis)


@page(
    "CENTER_AFFINE",
    "Affine classifiers",
    example="""
        from isoperimetry.bounds import affine_classifier_distance
        low, high = affine_classifier_distance(mu=0.01, sigma=0.1, classes=10)
        round(low, 6), round(high, 6)
    """,
    near=("HALFSPACE_DISTANCE", "CENTER_WORST_CASE", "GENERATOR_MULTICLASS"),
)
def affine(ax: Any) -> None:
    """Distance of the center to the errors of affine classifiers with an error rate of 1 %, by number of classes.

    Dots: exact unions of K - 1 half-spaces at right angles, equally far (black), or each a tenth farther than the one
    before (grey).
    """
    classes = np.unique(np.geomspace(2, 1000, 60).astype(int))
    limits = np.array([bounds.affine_classifier_distance(0.01, classes=int(k)) for k in classes])
    ax.fill_between(classes, limits[:, 1], 5, color=FILL, linewidth=0)
    ax.fill_between(classes, 0, limits[:, 0], color=FILL, linewidth=0)
    ax.plot(classes, limits, color=BOUND, linewidth=2.6)
    few = np.array([2, 3, 4, 6, 10, 18, 32, 56, 100])
    equal = [sets.crossed(0.01, int(k) - 1).signed_distance(np.zeros(k - 1)) for k in few]
    ax.plot(few, equal, "o", color=GREYS[0], markersize=5)

    def fan(first: float, k: int) -> Any:
        return UnionOfHalfSpaces(np.eye(k - 1), first * 1.1 ** np.arange(k - 1))

    spread = [of_measure(lambda first, k=k: fan(first, int(k)), 0.01, 1.0, 4.0).offsets[0] for k in few]
    ax.plot(few, spread, "s", color=GREYS[3], markersize=5)
    label(ax, 220, 3.72, "upper limit", BOUND, fontweight="bold")
    label(ax, 200, 2.1, "lower limit", BOUND, fontweight="bold", ha="center")
    label(ax, 30, 3.9, "no affine classifier", BOUND, ha="right", fontsize=11)
    label(ax, 14, 2.95, "equally far", NAMES, to=(18, 3.24))
    label(ax, 130, 2.62, "one after another", NAMES, to=(100, 2.55))
    axes(
        ax, "number of classes $K$", "distance of the center / $\\sigma$", xlim=(2, 1000), ylim=(1.8, 4.6),
        xscale="log", xticks=[2, 10, 100, 1000], xticklabels=["2", "10", "100", "1000"],
    )  # fmt: skip
    ax.minorticks_off()
