"""Pictures of the theorems about words of bits and other products, where the distance counts letters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry.bounds import hamming
from isoperimetry.special import ndtr, ndtri
from pictures.style import BOUND, FILL, GREYS, NAMES, OTHER, WRONG, axes, label, page, percent


@page(
    "HAMMING_ENLARGEMENT",
    "Enlargement of sets of words",
    example="""
        from isoperimetry.bounds import hamming
        round(hamming.enlargement(mu=2**-7, steps=10, dim=100), 6)
        round(hamming.enlargement(mu=2**-7, steps=20, dim=100), 6)
    """,
    near=("HAMMING_DISTANCE", "PRODUCT_DISTANCE", "CUBE_ENLARGEMENT"),
)
def enlargement(ax: Any) -> None:
    """Share of the words of 100 bits within t bits of sets that hold at least one word in 128.

    Balls grow the least. A subcube, the words that begin with seven zeros, grows much faster.
    """
    steps = np.arange(0, 31)
    least = np.array([hamming.enlargement(2.0**-7, int(t), dim=100) for t in steps])
    ax.fill_between(steps, 0, least, step="post", color=FILL, linewidth=0)
    subcube = [sum(math.comb(7, i) for i in range(min(7, t) + 1)) / 128 for t in range(31)]
    ax.step(steps, subcube, where="post", color=GREYS[1], linewidth=1.5)
    t = np.linspace(0, 30, 200)
    ax.plot(t, ndtr(ndtri(2.0**-7) + 2 * t / 10), color="black", linewidth=1.2, linestyle=(0, (1, 2)))
    ax.step(steps, least, where="post", color=BOUND, linewidth=2.6)
    label(ax, 15, 0.4, "ball: the bound", BOUND, fontweight="bold", to=(12.2, 0.46))
    label(ax, 19, 0.74, "dotted: half-space in Gaussian\nnoise of scale $\\sqrt{n} / 2$", "black", to=(15.4, 0.747))
    label(ax, 5.5, 0.8, "subcube", NAMES, to=(4.0, 0.75))
    axes(ax, "bits $t$", "share of the words within $t$ bits", xlim=(0, 30), ylim=(0, 1.02))
    percent(ax.yaxis)


@page(
    "HAMMING_DISTANCE",
    "How many bits to flip",
    example="""
        from isoperimetry.bounds import hamming
        hamming.quantile_distance_bound(mu=0.0105, dim=100)
        hamming.quantile_distance_bound(mu=0.0105, dim=784, q=0.9)
    """,
    near=("HAMMING_ENLARGEMENT", "PRODUCT_DISTANCE"),
)
def distance(ax: Any) -> None:
    """Largest median number of bits between a random word and a set that holds 1 % of the words, by their length.

    Balls that hold just so many words attain it. It follows half of the Gaussian distance times sqrt(n). The bound for
    letters of any kind is larger.
    """
    dim = np.unique(np.concatenate([np.arange(8, 200), np.arange(200, 1001, 4)]))
    most = hamming.median_distance_bound(0.01, dim=dim)
    ax.fill_between(dim, most, 80, step="post", color=FILL, linewidth=0)
    ax.plot(dim, hamming.product_median_distance_bound(0.01, dim=dim), color=OTHER, linewidth=1.8)
    ax.plot(dim, -ndtri(0.01) * np.sqrt(dim) / 2, color="black", linewidth=1.2, linestyle=(0, (1, 2)))
    ax.step(dim, most, where="post", color=BOUND, linewidth=2.2)
    label(ax, 560, 21, "ball of words of bits: the bound", BOUND, fontweight="bold", ha="center")
    label(ax, 30, 38, "dotted: $-\\Phi^{-1}(\\mu)\\,\\sqrt{n} / 2$", "black", to=(250, 18.5))
    label(ax, 700, 50, "letters of any kind", OTHER, ha="right")
    axes(ax, "length $n$ of the words", "median distance in bits", xlim=(0, 1000), ylim=(0, 70))


@page(
    "PRODUCT_DISTANCE",
    "Letters of any kind",
    example="""
        from isoperimetry.bounds import hamming
        round(hamming.product_median_distance_bound(mu=0.01, dim=100), 4)
        round(hamming.product_tail(mu=0.01, distance=30, dim=100), 6)
    """,
    near=("HAMMING_ENLARGEMENT", "HAMMING_DISTANCE", "LIPSCHITZ_TAIL"),
)
def product(ax: Any) -> None:
    """Probability that a sample of 100 letters is at least so many letters from a set of measure 1 %.

    The true probabilities for a ball of words of bits stay below the bound. Without its shift t0 it would be the dashed
    line, which they exceed.
    """
    mu = math.exp(hamming.log_ball_measure(38, dim=100))
    distance = np.linspace(0, 46, 300)
    most = hamming.product_tail(mu, distance, dim=100)
    ax.fill_between(distance, most, 1.1, color=FILL, linewidth=0)
    letters = np.arange(1, 47)
    true = [1 - hamming.enlargement(mu * (1 + 1e-9), int(k) - 1, dim=100) for k in letters]
    ax.step(letters, true, where="pre", color=GREYS[1], linewidth=1.6)
    ax.plot(distance, np.exp(-2 * distance**2 / 100), color=WRONG, linestyle=(0, (4, 2)))
    ax.plot(distance, most, color=BOUND, linewidth=2.6)
    shift = hamming.product_mean_distance_bound(mu, dim=100)
    ax.plot([shift, shift], [0, 1], color=BOUND, linewidth=1, linestyle=":")
    label(ax, shift + 0.6, 0.04, "$t_0$", BOUND)
    label(ax, 26, 0.62, "the bound", BOUND, fontweight="bold", to=(19.6, 0.66))
    label(ax, 0.4, 0.12, "without $t_0$: false", WRONG, to=(8.5, 0.24))
    label(ax, 0.6, 0.55, "words of bits", NAMES, to=(11.4, 0.55))
    axes(ax, "letters $t_0 + t$", "probability of that distance or more", xlim=(0, 46), ylim=(0, 1.05))
