"""Pictures of other distributions: log-concave ones, Laplace noise, and images of noise under a generator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry.bounds import generator, laplace, logconcave
from isoperimetry.sets import Complement, Wedge
from isoperimetry.special import ndtr, ndtri
from pictures.style import BOUND, FILL, GREYS, NAMES, TINTS, WRONG, axes, label, page, percent


@page(
    "LOGCONCAVE_ENLARGEMENT",
    "Strongly log-concave distributions",
    example="""
        from isoperimetry.bounds import logconcave
        round(logconcave.enlargement(mu=0.01, eps=1.0, sigma=1.0), 6)
    """,
    near=("GAUSSIAN_ENLARGEMENT", "LINE_ENLARGEMENT", "GENERATOR_ENLARGEMENT"),
)
def strongly(ax: Any) -> None:
    """Share of the samples within eps of half-lines that hold 5 % of them, for distributions of the kind assumed.

    They grow at least as fast as a half-line does in Gaussian noise; the more curved the faster.
    """
    eps = np.linspace(0, 3.6, 150)
    least = logconcave.enlargement(0.05, eps, sigma=1.0)
    ax.fill_between(eps, 0, least, color=FILL, linewidth=0)
    x = np.linspace(-7, 7, 56001)
    gauss = np.exp(-(x**2) / 2)
    shapes = (
        (np.where(abs(x) <= 1, gauss, 0.0), "Gaussian cut off at 1", (0.55, 0.9), 0.85),
        (gauss * np.exp(-(x**4)), "$\\exp(-x^2/2 - x^4)$", (0.15, 0.72), 0.6),
        (np.where(x >= 0, gauss, 0.0), "half of a Gaussian", (2.3, 0.72), 0.75),
    )
    for (density, name, place, height), grey in zip(shapes, GREYS, strict=False):
        beyond = np.cumsum(density[::-1])[::-1] / density.sum()
        start = np.interp(-0.05, -beyond, x)
        growth = np.interp(start - eps, x, beyond)
        ax.plot(eps, growth, color=grey, linewidth=1.5)
        label(ax, *place, name, NAMES, to=(float(np.interp(height, growth, eps)), height))
    ax.plot(eps, least, color=BOUND, linewidth=2.6)
    label(ax, 2.3, 0.4, "Gaussian: the bound", BOUND, fontweight="bold", to=(1.75, 0.54))
    axes(ax, "$\\varepsilon / \\sigma$", "share of the samples within $\\varepsilon$", xlim=(0, 3.6), ylim=(0, 1.02))
    percent(ax.yaxis)


@page(
    "LINE_ENLARGEMENT",
    "Log-concave distributions on the line",
    example="""
        from scipy.stats import gumbel_r
        from isoperimetry.bounds import logconcave
        round(logconcave.enlargement_on_line(0.01, 1.0, cdf=gumbel_r.cdf, ppf=gumbel_r.ppf), 6)
    """,
    near=("LOGCONCAVE_ENLARGEMENT", "LAPLACE_ENLARGEMENT"),
)
def line(ax: Any) -> None:
    """Share of Gumbel numbers within eps of sets that hold 10 % of them.

    The right tail is the longer one, so that the half-line there grows the least. Two half-lines, or an interval, grow
    more.
    """
    from scipy.stats import gumbel_r

    mu, eps = 0.1, np.linspace(0, 4, 150)
    cdf, ppf = gumbel_r.cdf, gumbel_r.ppf
    least = logconcave.enlargement_on_line(mu, eps, cdf=cdf, ppf=ppf)
    ax.fill_between(eps, 0, least, color=FILL, linewidth=0)
    left = cdf(ppf(mu) + eps)
    middle = cdf(ppf(0.55) + eps) - cdf(ppf(0.45) - eps)
    both = np.minimum(1, cdf(ppf(mu / 2) + eps) + 1 - cdf(ppf(1 - mu / 2) - eps))
    for share, grey in ((left, GREYS[0]), (middle, GREYS[3]), (both, GREYS[1])):
        ax.plot(eps, share, color=grey, linewidth=1.5)
    ax.plot(eps, least, color=BOUND, linewidth=2.6)
    label(ax, 2.4, 0.35, "right half-line: the bound", BOUND, fontweight="bold", to=(1.75, 0.465))
    for share, name, place, height in (
        (left, "left half-line", (2.9, 0.66), 0.7),
        (middle, "interval in\nthe middle", (0.05, 0.8), 0.7),
        (both, "both sides", (2.9, 0.76), 0.85),
    ):
        label(ax, *place, name, NAMES, to=(float(np.interp(height, share, eps)), height))
    axes(ax, "$\\varepsilon$", "share of the samples within $\\varepsilon$", xlim=(0, 4), ylim=(0, 1.02))
    percent(ax.yaxis)


@page(
    "LAPLACE_ENLARGEMENT",
    "Laplace noise",
    example="""
        from isoperimetry.bounds import laplace
        round(laplace.enlargement(mu=0.01, eps=10.0, scale=1.0), 6)
        round(laplace.median_distance_bound(mu=0.01, scale=1.0), 6)
    """,
    near=("LINE_ENLARGEMENT", "SMOOTHING_RADIUS_LAPLACE", "GAUSSIAN_ENLARGEMENT"),
)
def laplace_noise(ax: Any) -> None:
    """Share of the noisy samples within eps of sets that hold one sample in a million, in Laplace noise.

    Half-spaces across one coordinate grow by the factor exp(eps / b), far more slowly than the Gaussian formula at the
    same variance would say: it does not hold here. The bound is the same in every dimension, and not sharp.
    """
    mu, eps = 1e-6, np.linspace(0, 30, 200)
    least = laplace.enlargement(mu, eps, scale=1.0)
    ax.fill_between(eps, 1e-8, least, color=FILL, linewidth=0)
    axis = np.where(eps < math.log(0.5 / mu), mu * np.exp(np.minimum(eps, 13.2)), 1 - 0.25 / mu * np.exp(-eps))
    ax.plot(eps, axis, color=GREYS[1], linewidth=1.6)
    wrong = ndtr(ndtri(mu) + eps / math.sqrt(2))
    ax.plot(eps, wrong, color=WRONG, linestyle=(0, (4, 2)))
    ax.plot(eps, least, color=BOUND, linewidth=2.6)
    label(ax, 14, 4e-6, "the bound, in all dimensions", BOUND, fontweight="bold")
    label(ax, 12, 3e-2, "half-space across a coordinate", NAMES, to=(9.6, 1.6e-2))
    label(ax, 0.5, 2.3, "Gaussian formula: false", WRONG, to=(5, 0.11))
    axes(
        ax,
        "$\\varepsilon / b$",
        "share of the samples within $\\varepsilon$",
        xlim=(0, 30),
        ylim=(5e-7, 6),
        yscale="log",
    )


@page(
    "GENERATOR_ENLARGEMENT",
    "Images of a generator",
    example="""
        from isoperimetry.bounds import generator
        round(generator.enlargement(mu=0.01, eps=2.0, lipschitz=2.0), 6)
    """,
    near=("GENERATOR_MULTICLASS", "GAUSSIAN_ENLARGEMENT", "LOGCONCAVE_ENLARGEMENT"),
)
def generated(ax: Any) -> None:
    """Share of the generated samples within eps of a set that holds 1 % of them, by the Lipschitz constant L.

    The bounds are attained by g(z) = L z. A generator that contracts somewhere, L tanh(z), lets its sets grow faster.
    """
    eps = np.linspace(0, 6, 200)
    for stretch, color in ((1.0, BOUND), (2.0, TINTS[1]), (4.0, TINTS[0])):
        share = generator.enlargement(0.01, eps, lipschitz=stretch)
        ax.plot(eps, share, color=color, linewidth=2.6 if stretch == 1 else 1.8)
        at = int(np.argmin(abs(share - {1.0: 0.5, 2.0: 0.45, 4.0: 0.12}[stretch])))
        text = f"L = {stretch:g}: the bound" if stretch == 1 else f"L = {stretch:g}"
        label(ax, eps[at] + 0.12, share[at] - 0.02, text, color, fontweight="bold" if stretch == 1 else "normal")
    edge = math.tanh(-ndtri(0.01))
    level = edge - eps[eps < 1.9]
    ax.plot(eps[eps < 1.9], ndtr(-np.arctanh(level)), color=GREYS[1], linewidth=1.5)
    label(ax, 0.1, 0.95, "tanh(z)", NAMES, to=(1.4, 0.66))
    axes(ax, "$\\varepsilon$", "share of the samples within $\\varepsilon$", xlim=(0, 6), ylim=(0, 1.02))
    percent(ax.yaxis)


@page(
    "GENERATOR_MULTICLASS",
    "Many classes of a generator",
    example="""
        from isoperimetry.bounds import generator
        round(generator.multiclass([0.1] * 10, eps=1.0, lipschitz=1.0), 6)
        round(generator.multiclass([0.5, 0.5], eps=1.0, lipschitz=1.0), 6)
    """,
    near=("GENERATOR_ENLARGEMENT", "CENTER_AFFINE"),
)
def multiclass(ax: Any) -> None:
    """Share of the generated samples with another class within eps, for K classes that are equally frequent.

    Two classes divided by a hyperplane attain the bound; three sectors of the plane are above that for K = 3.
    """
    eps = np.linspace(0, 3, 150)
    for count, color in ((2, BOUND), (3, TINTS[3]), (10, TINTS[1]), (100, TINTS[0])):
        share = [generator.multiclass([1 / count] * count, float(e), lipschitz=1.0) for e in eps]
        ax.plot(eps, share, color=color, linewidth=2.6 if count == 2 else 1.7)
    rest = Complement(Wedge(2 * math.pi / 3))
    sectors = [1 - 3 * (1 - rest.enlarged_volume(float(e))) for e in eps]
    ax.plot(eps, sectors, color=GREYS[1], linewidth=1.5, linestyle="-")
    ax.plot(eps, 1 - np.exp(-(eps**2) / 2), color="black", linewidth=1.2, linestyle=(0, (1, 2)))
    label(ax, 1.6, 0.55, "K = 2: the bound", BOUND, fontweight="bold", to=(1.05, 0.705))
    label(ax, 1.6, 0.43, "K = 3", TINTS[3], to=(0.72, 0.625))
    label(ax, 0.03, 0.84, "K = 10", TINTS[1], to=(0.72, 0.74))
    label(ax, 0.03, 0.95, "K = 100", TINTS[1], to=(0.62, 0.86))
    label(ax, 1.6, 0.31, "three sectors of the plane", NAMES, to=(0.5, 0.51))
    label(ax, 1.6, 0.19, "dotted: $1 - \\exp(-\\varepsilon^2/(2L^2))$", "black", to=(0.66, 0.195))
    axes(ax, "$\\varepsilon / L$", "share with another class within $\\varepsilon$", xlim=(0, 3), ylim=(0, 1.02))
    percent(ax.yaxis)
