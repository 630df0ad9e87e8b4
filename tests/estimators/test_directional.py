"""Directional sampling: against exact volumes, in closed form and by scans, and same bits everywhere.

Monte Carlo tolerances are 5 standard errors, which a right estimator passes with probability 1 - 6e-7 a comparison.
"""

from __future__ import annotations

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from scipy import stats

from isoperimetry import special
from isoperimetry.estimators import DirectionalSampling, Margin, Membership, volume
from isoperimetry.estimators.base import Run
from isoperimetry.estimators.directional import DirectionalPlan
from isoperimetry.estimators.execution import Blocks
from isoperimetry.estimators.record import RunRecord
from isoperimetry.estimators.setup import make_problem
from isoperimetry.estimators.values import log_mean, relative_deviation
from isoperimetry.progress import as_progress
from isoperimetry.results import Guarantee
from isoperimetry.sets import Ball, Complement, HalfSpace, Shell, Slab, Union, UnionOfHalfSpaces
from isoperimetry.streams import Stream

OUTSIDE = Complement(Ball(np.zeros(784), math.exp(0.5 * special.log_chi2_isf(math.log(1e-6), dim=784))))


def made(error_set: Any, seed: int, lines: int, center: Any = None) -> DirectionalPlan:
    """Return a plan with the values of so many lines."""
    method = DirectionalSampling()
    middle = np.zeros(error_set.dim) if center is None else np.array(center)
    run = Run(
        stream=Stream(seed=seed), confidence=0.95, rel_error=None, n_samples=10_000,
        blocks=Blocks(None, RunRecord(None)), progress=as_progress(None),
    )  # fmt: skip
    plan = method.plan(make_problem(error_set, middle, 1.0, method), run)
    assert isinstance(plan, DirectionalPlan)
    plan.add(plan.task(0, lines))
    return plan


def polygon(sides: int, distance: float) -> UnionOfHalfSpaces:
    """Return all that is outside a regular polygon."""
    angles = np.arange(sides) * 2 * math.pi / sides
    return UnionOfHalfSpaces(np.column_stack((np.cos(angles), np.sin(angles))), np.full(sides, distance))


SETS = {
    "outside a ball": (Complement(Ball([0.5, 0.0, 0.3], 4.5)), None),
    "half-space": (HalfSpace([1.0, 2.0, 2.0], 3.0), None),
    "outside a slab": (Complement(Slab([1.0, 1.0, 0.0], 0.5, 4.0)), None),
    "shell": (Shell([0.1, 0.0, 0.2, 0.0], 3.5, 3.8), None),
    "around": (Ball([0.2, 0.1], 1.0), None),
    "union": (Union(Ball([2.0, 0.0], 0.5), HalfSpace([-1.0, 0.0], 3.0)), None),
    "moved": (Complement(Ball([1.0, 2.0, 3.0], 4.0)), [1.2, 2.1, 3.0]),
    "one dimension": (HalfSpace([-1.0], 2.5), None),
}


@pytest.mark.parametrize("name", SETS)
def test_known_lines_are_unbiased(name: str) -> None:
    error_set, center = SETS[name]
    plan = made(error_set, 1, 4096, center)
    log_x = np.array(plan._values)
    truth = error_set.log_volume(np.zeros(error_set.dim) if center is None else center, 1.0)
    error = relative_deviation(log_x) / math.sqrt(len(log_x))
    assert abs(math.exp(log_mean(log_x) - truth) - 1.0) < 5 * error + 1e-12
    found = plan.summary(0.95, sequential=False)
    assert found.guarantee is Guarantee.LOWER_ONLY and found.log_interval[0] < truth and found.given == ""
    assert plan.n_calls == plan.n_units == 4096


@pytest.mark.parametrize("name", ["outside a ball", "outside a slab", "around", "one dimension"])
def test_scanned_rays_agree(name: str) -> None:
    error_set, center = SETS[name]
    plan = made(Margin(error_set.signed_distance, dim=error_set.dim), 2, 1024, center)
    log_x, truth = np.array(plan._values), error_set.log_volume()
    error = relative_deviation(log_x) / math.sqrt(len(log_x))
    assert abs(math.exp(log_mean(log_x) - truth) - 1.0) < 5 * error + 1e-4
    found = plan.summary(0.95, sequential=False)
    assert found.guarantee is Guarantee.ASYMPTOTIC and found.log_interval == found.log_spread


def test_two_crossings_of_a_ray_are_kept() -> None:
    shell = Shell(np.zeros(5), 2.5, 5.5)
    plan = made(Margin(shell.signed_distance, dim=5), 3, 16)
    np.testing.assert_allclose(plan._values, shell.log_volume(), rtol=1e-4)


def test_both_rays_of_a_line_count() -> None:
    for error_set in (HalfSpace([-1.0], 2.5), Margin(lambda x: 2.5 + x[:, 0], dim=1)):
        plan = made(error_set, 9, 16)
        np.testing.assert_allclose(plan._values, special.log_ndtr(-2.5), rtol=1e-4)


def test_outside_a_ball_is_exact_in_one_line() -> None:
    truth = OUTSIDE.log_volume()
    known = made(OUTSIDE, 4, 1)
    assert abs(known._values[0] - truth) < 1e-9 and known.n_calls == 1
    scanned = made(Margin(lambda x: 30.0 - np.sqrt((x**2).sum(axis=1)), dim=784), 4, 1)
    assert scanned._values[0] == pytest.approx(special.log_ball_complement(30.0, dim=784), abs=1e-4)
    estimate = volume(OUTSIDE, method="directional", n_samples=200, rng=4)
    assert abs(estimate.log_value - truth) < 1e-9 and estimate.rel_error < 1e-9
    assert estimate.method == "directional" and truth - 0.5 < estimate.log_interval[0] < truth + 1e-9


def test_errors_far_out_are_scanned_for() -> None:
    """Beyond 30 sigma, where ndtr is 5e-198."""
    plan = made(Margin(lambda x: 30.0 - np.sqrt((x**2).sum(axis=1)), dim=2), 5, 16)
    np.testing.assert_allclose(plan._values, -450.0, rtol=1e-6)
    tiny = made(Complement(Ball([0.0, 0.0], 42.92)), 5, 16)
    np.testing.assert_allclose(tiny._values, -0.5 * 42.92**2, rtol=1e-12)


def test_lower_limits_cover() -> None:
    """Binomial test at 1e-6 of 200 limits at 95 %."""
    error_set = polygon(5, 3.0)
    angles = np.linspace(0, 2 * math.pi, 100_001)[:-1]
    nearest = 3.0 / np.cos((angles + math.pi / 5) % (2 * math.pi / 5) - math.pi / 5)
    truth = math.log(np.exp(-0.5 * nearest**2).mean())
    limits = []
    for seed in range(200):
        limits.append(made(error_set, 1000 + seed, 48).summary(0.95, sequential=True).log_interval[0])
    missed = sum(limit > truth for limit in limits)
    assert stats.binom.sf(missed - 1, 200, 0.05) > 1e-6
    assert np.median(limits) > truth - 1.0


@pytest.mark.parametrize("known", [True, False])
def test_blocks_and_threads_change_no_bit(known: bool) -> None:
    rng = np.random.default_rng([6, 1])
    weights, ends = rng.standard_normal((6, 7)), rng.standard_normal(7) / 3

    def network(x: np.ndarray) -> np.ndarray:  # as products of matrices in float32, it depends on the number of rows
        return np.asarray(4.0 - np.abs(x[:, 0]) + np.maximum(x @ weights, 0.0) @ ends + 1e-9 * len(x))

    error_set: Any = SETS["union"][0] if known else Margin(network, dim=6, batch=23)
    results = []
    for block_size, workers in ((None, 0), (1, 0), (33, 3), (4096, 2)):
        pool = ThreadPoolExecutor(workers) if workers else None
        method = DirectionalSampling(block_size=block_size)
        results.append(volume(error_set, method=method, n_samples=6000, rng=7, executor=pool))
        if pool is not None:
            pool.shutdown()
    assert all(result == results[0] for result in results)


def test_tasks_travel() -> None:
    task = made(SETS["union"][0], 9, 16).task
    assert pickle.loads(pickle.dumps(task))(0, 40) == task(0, 40)


def test_margins_that_say_little() -> None:
    never = made(Margin(lambda x: np.ones(len(x)), dim=3), 8, 16)
    assert never.summary(0.95, sequential=False).log_value == -math.inf
    assert never.notes() == ("No line met an error: the method saw nothing of the set.",)
    always = made(Margin(lambda x: -np.ones(len(x)), dim=3), 8, 16)
    assert always.summary(0.95, sequential=False).log_value == 0.0
    assert always.details()["lines_without_error"] == 0 and not always.notes()
    endless = made(Margin(lambda x: np.where((x**2).sum(axis=1) > 9.0, -1.0, math.inf), dim=3), 8, 16)
    truth = special.log_ball_complement(3.0, dim=3)
    assert endless.summary(0.95, sequential=False).log_value == pytest.approx(truth, abs=1e-3)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="block_size=0 must be"):
        DirectionalSampling(block_size=0)
    with pytest.raises(ValueError, match="needs a Margin"):
        volume(Membership(lambda x: x[:, 0] > 3.0, dim=3), method="directional")
    assert DirectionalSampling().settings() == {"name": "directional"}
