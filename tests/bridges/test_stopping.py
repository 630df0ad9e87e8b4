"""The rule looks at fixed numbers of draws, and its intervals hold at all of them at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from isoperimetry.intervals import beta_binomial
from isoperimetry_bridges.torch.stopping import StoppingRule, looks


def test_looks_are_one_grid_cut_at_the_budget() -> None:
    grid = looks(10**6)
    assert grid[0] == 64 and grid[-1] == 10**6
    assert all(1 < b / a < 1.2 for a, b in itertools.pairwise(grid))
    for budget in (1, 63, 64, 65, 5000):
        assert looks(budget) == (*(look for look in grid if look < budget), budget)


def test_when_it_holds() -> None:
    errors, draws = np.array([0, 64, 5, 100, 10_000]), np.array([64, 64, 1000, 10_000, 1_000_000])
    assert StoppingRule(rel_error=0.1).holds(errors, draws).tolist() == [False, False, False, True, True]
    assert StoppingRule(rel_error=0.01).holds(errors, draws).tolist() == [False, False, False, False, True]
    assert StoppingRule(threshold=0.5).holds(errors, draws).tolist() == [True] * 5
    assert StoppingRule(threshold=0.01).holds(errors, draws).tolist() == [False, True, False, False, False]
    assert not StoppingRule().holds(errors, draws).any() and not StoppingRule().sequential
    assert StoppingRule(rel_error=0.1).holds(errors[:0], draws[:0]).tolist() == []


@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_the_interval_at_the_stop_covers(rate: float, seed: int, at_most: Callable[..., None]) -> None:
    rule, grid, rng = StoppingRule(rel_error=0.1, threshold=rate * 1.05), looks(4000), np.random.default_rng(seed)
    draws, missed, runs = np.array(grid), 0, 600
    steps = np.diff(draws, prepend=0)
    for _ in range(runs):
        errors = np.cumsum(rng.binomial(steps, rate))
        holds = rule.holds(errors, draws)
        stop = int(holds.argmax()) if holds.any() else -1
        interval = beta_binomial(int(errors[stop]), int(draws[stop]))
        missed += not interval.low <= rate <= interval.high
    at_most(missed, runs, 0.05)
