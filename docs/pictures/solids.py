"""Pictures of the theorems in the cube and in the ball."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq

from isoperimetry.bounds import ball, cube, sphere
from pictures.style import BOUND, FILL, GREYS, NAMES, axes, label, page, percent

NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)


@page(
    "CUBE_ENLARGEMENT",
    "Enlargement in the cube",
    example="""
        from isoperimetry.bounds import cube
        round(cube.enlargement(mu=0.01, eps=0.5), 6)
        round(cube.enlargement(mu=0.01, eps=127.5, side=255.0), 6)  # pixels from 0 to 255
    """,
    near=("CUBE_DISTANCE", "BALL_ENLARGEMENT", "HAMMING_ENLARGEMENT", "SMOOTHING_RADIUS_UNIFORM"),
)
def cube_enlargement(ax: Any) -> None:
    """Share of the cube within eps of sets that hold 10 % of it, or half of it.

    Half-cubes grow by eps, and the bound for half of the cube touches their line. For 10 % a quarter disc in a corner
    grows less at first than the half-cube, and still more than the bound.
    """
    eps = np.linspace(0, 0.9, 200)
    for mu in (0.1, 0.5):
        least = cube.enlargement(mu, eps)
        ax.fill_between(eps, 0, least, color=FILL, linewidth=0, alpha=1 if mu == 0.1 else 0.4)
        ax.plot(eps, least, color=BOUND, linewidth=2.6)
        ax.plot(eps, np.minimum(1, mu + eps), color=GREYS[0], linewidth=1.4)
    radius = math.sqrt(0.4 / math.pi)
    short = eps[eps < 1 - radius]
    ax.plot(short, math.pi / 4 * (radius + short) ** 2, color=GREYS[3], linewidth=1.6)
    label(ax, 0.53, 0.3, "the bound,\n$\\mu$ = 10 %", BOUND, fontweight="bold", to=(0.45, 0.42))
    label(ax, 0.03, 0.95, "the bound, $\\mu$ = 50 %", BOUND, fontweight="bold", to=(0.42, 0.85))
    label(ax, 0.26, 0.66, "half-cube", NAMES, to=(0.19, 0.69))
    label(ax, 0.05, 0.33, "half-cube", NAMES, to=(0.26, 0.36))
    label(ax, 0.03, 0.455, "quarter disc in\na corner, n = 2", NAMES, to=(0.56, 0.665))
    axes(ax, "$\\varepsilon / s$", "share of the cube within $\\varepsilon$", xlim=(0, 0.9), ylim=(0, 1.02))
    percent(ax.yaxis)


@page(
    "CUBE_DISTANCE",
    "The distance in the cube",
    example="""
        from isoperimetry.bounds import cube
        round(cube.median_distance_bound(mu=0.01), 6)
        round(cube.mean_distance_bound(mu=0.01), 6)
        round(cube.median_distance_bound(mu=0.01, p=1, dim=784), 4)
    """,
    near=("CUBE_ENLARGEMENT", "GAUSSIAN_DISTANCE", "BALL_DISTANCE"),
)
def cube_distance(ax: Any) -> None:
    """Largest median distance in the unit cube, against the measure of the set, and that of two kinds of sets.

    Among sets of small measure a quarter disc in a corner is farther than a half-cube.
    """
    mu = np.linspace(0.002, 0.55, 200)
    most = cube.median_distance_bound(mu)
    ax.fill_between(mu, most, 1.3, color=FILL, linewidth=0)
    ax.plot(mu, np.maximum(0, 0.5 - mu), color=GREYS[0], linewidth=1.4)
    small = mu[mu < 0.5]
    ax.plot(small, 2 / math.sqrt(math.pi) * (math.sqrt(0.5) - np.sqrt(small)), color=GREYS[3], linewidth=1.6)
    ax.plot(mu, most, color=BOUND, linewidth=2.6)
    label(ax, 0.13, 0.62, "the bound", BOUND, fontweight="bold")
    label(ax, 0.35, 0.8, "no set", BOUND)
    label(ax, 0.02, 0.2, "half-cube", NAMES, to=(0.1, 0.4))
    label(ax, 0.22, 0.42, "quarter disc in a corner, n = 2", NAMES, to=(0.12, 0.41))
    axes(ax, "measure $\\mu$", "median distance / $s$", xlim=(0, 0.55), ylim=(0, 1.15))


@page(
    "BALL_ENLARGEMENT",
    "Enlargement in the ball",
    example="""
        from isoperimetry.bounds import ball
        round(ball.enlargement(mu=0.01, eps=0.2, dim=10), 6)
        round(ball.gaussian_enlargement(mu=0.01, eps=0.2, dim=10), 6)  # a little weaker
    """,
    near=("BALL_DISTANCE", "SPHERE_ENLARGEMENT", "CUBE_ENLARGEMENT"),
)
def ball_enlargement(ax: Any) -> None:
    """Share of the unit ball in 10 dimensions within eps of sets that hold 1 % of it.

    A slice by a half-space comes near to the bound; the dotted line is its Gaussian form.
    """
    n, mu, eps = 10, 0.01, np.linspace(0, 1.5, 76)
    least = ball.enlargement(mu, eps, dim=n)
    ax.fill_between(eps, 0, least, color=FILL, linewidth=0)
    ax.plot(eps, np.minimum(1, mu ** (1 / n) + eps) ** n, color=GREYS[0], linewidth=1.4)
    ax.plot(eps, 1 - np.maximum(0, (1 - mu) ** (1 / n) - eps) ** n, color=GREYS[3], linewidth=1.6)
    ax.plot(eps, [_slice(mu, e, n) for e in eps], color=GREYS[1], linewidth=1.4)
    ax.plot(eps, ball.gaussian_enlargement(mu, eps, dim=n), color=BOUND, linewidth=1.4, linestyle=(0, (1, 2)))
    ax.plot(eps, least, color=BOUND, linewidth=2.6)
    label(ax, 0.95, 0.5, "the bound,\nand its Gaussian form", BOUND, fontweight="bold", to=(0.75, 0.51))
    label(ax, 0.44, 0.6, "slice", NAMES, to=(0.66, 0.51))
    label(ax, 0.45, 0.92, "shell at the rim", NAMES, to=(0.24, 0.92))
    label(ax, 0.45, 0.8, "ball in the middle", NAMES, to=(0.35, 0.78))
    axes(ax, "$\\varepsilon / r$", "share of the ball within $\\varepsilon$", xlim=(0, 1.5), ylim=(0, 1.02))
    percent(ax.yaxis)


@page(
    "BALL_DISTANCE",
    "The distance in the ball",
    example="""
        from isoperimetry.bounds import ball
        round(ball.median_distance_bound(mu=0.01, dim=784), 6)
        round(ball.median_distance_bound(mu=0.01, dim=3), 6)
    """,
    near=("BALL_ENLARGEMENT", "SPHERE_DISTANCE", "CUBE_DISTANCE"),
)
def ball_distance(ax: Any) -> None:
    """Largest median distance in the unit ball to sets that hold 1 % of it, against the dimension.

    Slices by a half-space are almost as far; a shell at the rim is much nearer, as almost all of a ball is at its rim.
    """
    dim = np.unique(np.geomspace(2, 1000, 24).astype(int))
    most = ball.median_distance_bound(0.01, dim=dim)
    ax.fill_between(dim, most, 4, color=FILL, linewidth=0)
    slices = [brentq(lambda eps, n=n: _slice(0.01, eps, int(n)) - 0.5, 0, 1.9) for n in dim]
    ax.plot(dim, slices, color=GREYS[1], linewidth=1.2, marker="o", markersize=4)
    ax.plot(dim, 0.5 ** (1 / dim) - 0.01 ** (1 / dim), color=GREYS[0], linewidth=1.4)
    ax.plot(dim, 0.99 ** (1 / dim) - 0.5 ** (1 / dim), color=GREYS[3], linewidth=1.6)
    ax.plot(dim, most, color=BOUND, linewidth=2.6)
    label(ax, 100, 0.6, "the bound", BOUND, fontweight="bold", to=(40, 0.36))
    label(ax, 200, 1.2, "no set", BOUND)
    label(ax, 16, 1.35, "slices by a half-space", NAMES, to=(13, 0.6))
    label(ax, 2.6, 0.03, "shell at the rim", NAMES, to=(7, 0.09))
    label(ax, 110, 0.0155, "ball in the middle", NAMES, ha="center")
    axes(ax, "dimension $n$", "median distance / $r$", xlim=(2, 1000), ylim=(5e-4, 2), xscale="log", yscale="log")


def _slice(mu: float, eps: float, n: int) -> float:
    """Return the share of the unit ball within eps of its part {x_1 >= c} of measure mu <= 1/2.

    The first coordinate has the law of one on the sphere in n + 2 dimensions. A point below the slice, at x_1 = u, is
    within eps if it is within sqrt(eps**2 - (c - u)**2) of the disc of radius sqrt(1 - c**2), across the axis.
    """
    c = math.cos(sphere.cap_angle(mu, dim=n + 2))
    low = max(-1.0, c - eps)
    angle = (np.arccos(low) - np.arccos(c)) / 2 * NODES + (np.arccos(low) + np.arccos(c)) / 2
    u = np.cos(angle)
    reach = np.sqrt(1 - c * c) + np.sqrt(np.maximum(0, eps**2 - (c - u) ** 2))
    radius = np.minimum(np.sin(angle), reach)
    unit = math.exp(math.lgamma(n / 2 + 1) - math.lgamma((n + 1) / 2)) / math.sqrt(math.pi)
    return mu + unit * (np.arccos(low) - np.arccos(c)) / 2 * float(np.sum(WEIGHTS * radius ** (n - 1) * np.sin(angle)))
