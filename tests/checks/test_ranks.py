"""Spearman's correlation against scipy and against all orders; its interval by simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.random import default_rng
from scipy import stats

from isoperimetry.checks.ranks import rank_correlation
from isoperimetry.results import Guarantee

SEED = 81


@pytest.mark.parametrize("n", [4, 7, 12, 40])
@pytest.mark.parametrize("tied", [False, True])
def test_correlation_is_scipys(n: int, tied: bool) -> None:
    rng = default_rng([SEED, n, tied])
    x, y = rng.integers(0, 4 if tied else 10**9, (2, n)).astype(float)
    found = rank_correlation(x, y)
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    if n > 9:
        assert found.p_value == pytest.approx(stats.spearmanr(x, y).pvalue, rel=1e-9)
        assert found.p_value_method == "t approximation"


def test_p_value_counts_all_orders_with_ties() -> None:
    x, y = [1.0, 2.0, 2.0, 4.0, 5.0], [3.0, 1.0, 4.0, 4.0, 9.0]
    found = rank_correlation(x, y)
    others = [abs(stats.spearmanr(x, order).statistic) for order in itertools.permutations(y)]
    assert found.p_value == pytest.approx(np.mean(np.array(others) >= abs(found.rho) - 1e-9))
    assert found.p_value_method == "all orders"


def test_a_perfect_order_of_nine() -> None:
    found = rank_correlation(range(9), [-k for k in range(9)])
    assert found.rho == -1
    assert found.p_value == 2 / math.factorial(9)
    assert found.low == -1
    nearest = 1 - 12 / (9**3 - 9)  # two neighbours exchanged
    assert found.high == pytest.approx(math.tanh(-math.atanh(nearest) + 1.959964 * math.sqrt((1 + nearest**2 / 2) / 6)))


def test_interval_is_bonett_and_wrights() -> None:
    x = np.arange(12.0)
    y = x[[1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]]
    found = rank_correlation(x, y, confidence=0.9)
    half = stats.norm.isf(0.05) * math.sqrt((1 + found.rho**2 / 2) / 9)
    assert found.low == pytest.approx(math.tanh(math.atanh(found.rho) - half), rel=1e-9)
    assert found.high == pytest.approx(math.tanh(math.atanh(found.rho) + half), rel=1e-9)
    assert (found.method, found.guarantee) == ("Bonett-Wright", Guarantee.ASYMPTOTIC)


@pytest.mark.parametrize("r", [0.0, 0.6])
def test_interval_covers(r: float) -> None:
    rng, runs = default_rng([SEED, int(10 * r)]), 800
    truth = 6 / math.pi * math.asin(r / 2)  # of normal pairs with this correlation
    covered = 0
    for _ in range(runs):
        x, noise = rng.standard_normal((2, 25))
        found = rank_correlation(x, r * x + math.sqrt(1 - r**2) * noise)
        covered += found.low <= truth <= found.high
    # An asymptotic 95 % interval: at n = 25 it must reach 92 %, and not be far too wide. Failure probability 1e-6 each.
    assert stats.binom.cdf(covered, runs, 0.92) > 1e-6
    assert stats.binom.sf(covered - 1, runs, 0.975) > 1e-6


def test_infinite_distances_are_ranked() -> None:
    assert rank_correlation([1, 2, 3, math.inf], [1, 2, 3, 4]).rho == 1


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([1, 2, 3], [1, 2, 3], "at least 4"),
        ([1, 2, 3, 4], [1, 2, 3], "give pairs"),
        ([1, 2, 3, math.nan], [1, 2, 3, 4], "must be a number"),
        ([1, 2, 3, 4], [5, 5, 5, 5], "y holds 4 equal"),
        ([[1, 2], [3, 4]], [1, 2, 3, 4], "one axis"),
    ],
)
def test_refusals(x: list[float], y: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rank_correlation(x, y)
    with pytest.raises(ValueError, match="confidence"):
        rank_correlation([1, 2, 3, 4], [1, 2, 3, 4], confidence=95)
