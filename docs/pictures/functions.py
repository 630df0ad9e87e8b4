"""Pictures of what is said about functions of noise, and about pairs of noisy samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry import bounds
from isoperimetry.bounds import lipschitz
from isoperimetry.sets import Ball, Complement, Slab
from isoperimetry.special import ndtr, ndtri
from pictures.style import BOUND, FILL, GREYS, NAMES, axes, label, page, percent


@page(
    "GAUSSIAN_FUNCTIONAL",
    "Bobkov's inequality for functions",
    example="""
        import numpy as np
        from isoperimetry.bounds import bobkov_gap
        x = np.random.default_rng(0).normal(size=100_000)
        values, slopes = 0.1 + (1 + np.sin(x)) / 4, np.abs(np.cos(x)) / 4
        round(bobkov_gap(values, slopes), 3)
    """,
    near=("GAUSSIAN_PROFILE", "LIPSCHITZ_TAIL"),
)
def functional(ax: Any) -> None:
    """Right side of the inequality minus the left, for functions of noise on the line, by how steep they are.

    Phi of a linear function has no gap. The other two become indicators: of an interval, and of two half-lines.
    """
    nodes = np.linspace(-9, 9, 18001)
    weights = np.exp(-(nodes**2) / 2)
    weights /= weights.sum()
    steepness = np.geomspace(0.1, 60, 60)
    gaps: list[list[float]] = [[], [], []]
    for s in steepness:
        up, down = s * (nodes - 0.5), s * (nodes + 0.5)
        bells = [s * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) for z in (up, down)]
        far = s * (nodes - 1), s * (nodes + 1)
        others = [s * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) for z in far]
        pairs = (
            (ndtr(up), bells[0]),
            (ndtr(down) - ndtr(up), abs(bells[1] - bells[0])),
            (ndtr(far[0]) + ndtr(-far[1]), abs(others[0] - others[1])),
        )
        for gap, (values, slopes) in zip(gaps, pairs, strict=True):
            gap.append(bounds.bobkov_gap(values, slopes, weights=weights))
    ax.fill_between(steepness, -1, 0, color=FILL, linewidth=0)
    ax.plot(steepness, gaps[1], color=GREYS[1], linewidth=1.6)
    ax.plot(steepness, gaps[2], color=GREYS[3], linewidth=1.6)
    ax.plot(steepness, gaps[0], color=BOUND, linewidth=2.6)
    label(ax, 8, -0.025, "$\\Phi$(linear): equality", BOUND, ha="center", fontweight="bold")
    label(ax, 0.12, -0.025, "no function", BOUND)
    label(ax, 1.2, 0.25, "towards an interval", NAMES, ha="right", to=(2.35, 0.2))
    label(ax, 9, 0.17, "towards two half-lines", NAMES, to=(6, 0.13))
    axes(
        ax, "steepness $s$ (times $\\sigma$)", "right side $-$ left side", xlim=(0.1, 60), ylim=(-0.05, 0.36),
        xscale="log",
    )  # fmt: skip


@page(
    "NOISE_STABILITY",
    "Two noisy copies at once",
    example="""
        from isoperimetry.bounds import noise_stability
        round(noise_stability(mu=0.1, rho=0.6), 6)
        round(noise_stability(mu=0.1, rho=0.0), 6)  # independent: mu squared
    """,
    near=("GAUSSIAN_ENLARGEMENT", "SMOOTHING_RADIUS"),
)
def stability(ax: Any) -> None:
    """Probability that two noisy samples of correlation rho are both errors, for sets with an error rate of 10 %.

    The half-space has the largest; the other sets are exact too, by integrals of their measures.
    """
    mu = 0.1
    rho = np.concatenate([np.linspace(0, 0.96, 49), np.linspace(0.965, 1, 25)])
    radius, half = math.sqrt(-2 * math.log1p(-mu)), -ndtri((1 - mu) / 2)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    disc, layer = [], []
    for r in rho[:-1]:
        s = math.sqrt(1 - r * r)
        at = radius * (nodes + 1) / 2
        inner = np.array([Ball([0.0, 0.0], radius).volume(center=[r * x, 0.0], sigma=s) for x in at])
        disc.append(radius / 2 * np.sum(weights * at * np.exp(-(at**2) / 2) * inner))
        at = half * nodes
        inner = np.array([Slab([1.0], 0.0, half).volume(center=[r * x], sigma=s) for x in at])
        layer.append(half * np.sum(weights * np.exp(-(at**2) / 2) / math.sqrt(2 * math.pi) * inner))
    most = bounds.noise_stability(mu, rho)
    ax.fill_between(rho, most, 0.11, color=FILL, linewidth=0)
    ax.plot(rho, [*layer, mu], color=GREYS[1], linewidth=1.6)
    ax.plot(rho, [*disc, mu], color=GREYS[3], linewidth=1.6)
    ax.plot(rho, most, color=BOUND, linewidth=2.6)
    label(ax, 0.42, 0.042, "half-space: the bound", BOUND, ha="right", fontweight="bold")
    label(ax, 0.2, 0.085, "no set", BOUND, ha="center")
    label(ax, 0.62, 0.005, "disc", NAMES, to=(0.7, 0.0175))
    label(ax, 0.83, 0.015, "slab", NAMES, to=(0.8, 0.0225))
    axes(ax, "correlation $\\rho$", "both are errors", xlim=(0, 1), ylim=(0, 0.105))
    percent(ax.yaxis)


@page(
    "LIPSCHITZ_TAIL",
    "Lipschitz functions hardly vary",
    example="""
        from isoperimetry.bounds import lipschitz_tail
        print(f"{lipschitz_tail(t=0.3, lipschitz=1.0, sigma=0.1):.4g}")
        print(f"{lipschitz_tail(t=0.3, lipschitz=1.0, sigma=0.1, around='mean'):.4g}")
    """,
    near=("GAUSSIAN_ENLARGEMENT", "NOISE_NORM", "GAUSSIAN_FUNCTIONAL"),
)
def tail(ax: Any) -> None:
    """Probability that 1-Lipschitz functions of noise exceed their median by t.

    A linear function attains the bound; the length of the noise and its largest coordinate stay below it. Around the
    mean the bound is the larger, dashed one.
    """
    t = np.linspace(0, 5, 200)
    most = lipschitz.lipschitz_tail(t, 1.0)
    ax.fill_between(t, most, 2, color=FILL, linewidth=0)
    n = 100
    middle = -ndtri(-math.expm1(math.log(0.5) / n))
    ax.plot(t, -np.expm1(n * np.log1p(-ndtr(-(middle + t)))), color=GREYS[3], linewidth=1.6)
    median = bounds.worst_case_distance(0.5, dim=10)
    length = [Complement(Ball(np.zeros(10), median + step)).volume() for step in t]
    ax.plot(t, length, color=GREYS[1], linewidth=1.6)
    ax.plot(t, lipschitz.lipschitz_tail(t, 1.0, around="mean"), color=BOUND, linewidth=1.4, linestyle=(0, (4, 2)))
    ax.plot(t, most, color=BOUND, linewidth=2.6)
    label(ax, 2.9, 0.35, "around the mean: the bound", BOUND, to=(2.5, 0.044))
    label(ax, 3.5, 0.05, "linear: the bound\naround the median", BOUND, fontweight="bold", to=(3.3, 4.8e-4))
    label(ax, 0.15, 2e-5, "length of the noise,\nn = 10", NAMES, to=(2.6, 1.9e-4))
    label(ax, 0.15, 6e-7, "largest of 100\ncoordinates", NAMES, to=(2.85, 6e-6))
    axes(ax, "$t / (L\\,\\sigma)$", "probability to exceed by $t$", xlim=(0, 5), ylim=(1e-7, 1.2), yscale="log")
