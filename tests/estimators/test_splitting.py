"""Splitting: unbiased whatever the moves are worth, honest where it finds nothing, the same bits everywhere.

Failure probability of a statistical test below: 1e-6 (5 standard errors, or as said). Problems are fixed; the noise is
that of streams of `SEED`.
"""

from __future__ import annotations

import math
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

from isoperimetry.estimators import Margin, Membership, Splitting, volume
from isoperimetry.estimators.moves import Noise, pcn, slice_move
from isoperimetry.estimators.particles import (
    LastParticleTask,
    ReplicaTask,
    Schedule,
    Walk,
    run_last_particle,
    run_pilot,
    run_replica,
)
from isoperimetry.estimators.setup import make_problem
from isoperimetry.estimators.splitting import _many
from isoperimetry.estimators.values import log_spread
from isoperimetry.results import Guarantee
from isoperimetry.streams import Stream

SEED = int(os.environ.get("ISOPERIMETRY_TEST_SEED", "20240611"))
ROOT = Stream(seed=SEED).split("splitting")
STANDARD_ERRORS = 5.0


def problem_of(function, dim):
    return make_problem(Margin(function, dim=dim), np.zeros(dim), 1.0, Splitting())


def half_space(dim, distance):
    normal = np.full(dim, dim**-0.5)
    return lambda x: distance - x @ normal


def corner(x):
    return 3.0 - x.min(axis=1)


def values(problem, schedule, n, name):
    replicas = [run_replica(problem, ROOT.split(name, i), schedule) for i in range(n)]
    return np.array([replica["log_value"] for replica in replicas])


def assert_unbiased(log_x, log_mu):
    x = np.exp(log_x - log_mu)
    error = x.std(ddof=1) / math.sqrt(len(x))
    assert error < 0.15, "the test is too weak"
    assert abs(x.mean() - 1.0) < STANDARD_ERRORS * error


# Values


@pytest.mark.parametrize("move", ["pcn", "slice"])
def test_few_particles_and_bad_moves_are_unbiased(move):
    # Eight particles and one short step: a method whose levels follow the particles is 10 to 20 % too large here.
    schedule = Schedule(levels=(1.2, 0.6, 0.0), steps=(0.3, 0.3), seeds=2, chain=4, move=move)
    log_x = values(problem_of(half_space(2, 2.0), 2), schedule, 6000 if move == "pcn" else 3000, f"bad {move}")
    assert_unbiased(log_x, stats.norm.logsf(2.0))


@pytest.mark.parametrize(("dim", "log10_mu"), [(2, -6), (100, -6), (2, -15)])
def test_rare_half_spaces_are_unbiased(dim, log10_mu):
    distance = -stats.norm.ppf(10.0**log10_mu)
    problem = problem_of(half_space(dim, distance), dim)
    pilot = run_pilot(
        problem, ROOT.split("pilot", dim), seeds=30, chain=10, kill=0.85, move="pcn", budget=10**6
    )  # fmt: skip
    assert pilot.why == "" and abs(pilot.log_value - math.log(10.0) * log10_mu) < 4.0
    schedule = Schedule(
        levels=pilot.schedule.levels, steps=pilot.schedule.steps, seeds=100, chain=10, move="pcn"
    )  # fmt: skip
    assert_unbiased(values(problem, schedule, 100, f"rare {dim} {log10_mu}"), math.log(10.0) * log10_mu)


@pytest.mark.parametrize(
    ("function", "rate"),
    [
        (lambda x: np.floor(3.0 * (2.5 - x[:, 0])), stats.norm.sf(2.5 - 1.0 / 3.0)),  # few values
        (lambda x: np.where(x[:, 0] > 2.6, -1.0, np.maximum(5.0 - x[:, 0], 3.0)), stats.norm.sf(2.6)),  # a cliff
        (lambda x: np.where(x[:, 0] < 1.0, math.inf, 2.5 - x[:, 0]), stats.norm.sf(2.5)),  # infinite at first
    ],
    ids=["integers", "cliff", "infinite"],
)
def test_ties_are_unbiased(function, rate):
    problem = problem_of(function, 2)
    pilot = run_pilot(problem, ROOT.split("ties"), seeds=20, chain=4, kill=0.75, move="pcn", budget=10**5)
    assert all(high > low for high, low in zip(pilot.schedule.levels, pilot.schedule.levels[1:], strict=False))
    assert_unbiased(values(problem, pilot.schedule, 1500, "ties"), math.log(rate))


def test_a_lower_limit_fails_as_rarely_as_it_says():
    # 40 particles and one move: values scatter by a factor, which the limit must bear
    problem, mu = problem_of(corner, 2), stats.norm.sf(3.0) ** 2
    seeds, missed = 100, 0
    for seed in range(seeds):
        method = Splitting(particles=40, moves=3, replicas=8)
        estimate = volume(Margin(corner, dim=2), method=method, n_samples=25_000, rng=ROOT.split("cover", seed))
        assert estimate.guarantee is Guarantee.LOWER_ONLY and estimate.details["replicas"] == 8
        assert estimate.log_interval[0] <= estimate.log_value
        missed += estimate.log_interval[0] > math.log(mu)
    assert problem.has_margin
    assert missed <= stats.binom.isf(1e-6, seeds, 0.025)


def test_default_run_finds_the_corner():
    estimate = volume(Margin(corner, dim=2), method="splitting", n_samples=60_000, rng=ROOT.split("default"))
    mu = stats.norm.sf(3.0) ** 2
    half = 0.5 * (estimate.log_spread[1] - estimate.log_spread[0]) / 2.2  # about one standard error
    assert abs(estimate.log_value - math.log(mu)) < STANDARD_ERRORS * half
    assert estimate.log_interval[0] > math.log(mu) - 2.0
    assert estimate.n_calls <= 66_000
    assert estimate.details["replicas"] >= 8 and estimate.details["extinct"] == 0
    levels = estimate.details["levels"]
    assert len(levels["level"]) == len(levels["log_value"]) == len(levels["ancestors"]) == estimate.details["steps"]
    assert 0.15 < estimate.details["moved"] < 0.6


# The last particle


def ideal(self, u, found, bound, step):
    """Draw from the law of (u0, u1) given 4 - u0 <= bound, as no Markov chain does."""
    self.calls += len(u)
    tail = stats.norm.sf(4.0 - bound)
    u[:, 0] = stats.norm.isf(tail * self.noise.uniforms(len(u)))
    u[:, 1] = self.noise.normals(self.noise.take(len(u)), len(u))[:, 0]
    found[:] = 4.0 - u[:, 0]
    return 1.0


def test_kills_are_poisson_with_ideal_moves(monkeypatch):
    monkeypatch.setattr(Walk, "go", ideal)
    problem = problem_of(lambda x: 4.0 - x[:, 0], 2)
    table = Schedule(levels=(0.0,), steps=(), seeds=1, chain=2, move="pcn")
    particles, runs, log_mu = 10, 150, stats.norm.logsf(4.0)
    found = [
        run_last_particle(
            problem, ROOT.split("ideal", i), particles=particles, moves=1, table=table, most_calls=10**6
        )
        for i in range(runs)
    ]  # fmt: skip
    kills = np.array([run["kills"] for run in found])
    mean = -particles * log_mu
    assert abs(kills.mean() - mean) < STANDARD_ERRORS * math.sqrt(mean / runs)
    assert 0.5 < kills.var(ddof=1) / mean < 1.7  # 6 standard errors
    assert abs(np.mean([run["log_value"] for run in found]) - kills.mean() * math.log1p(-0.1)) < 1e-9


def test_last_particle_interval_covers():
    # P[|u| > r] = exp(-r**2 / 2) in the plane; many moves are nearly ideal there
    length, seeds, covered = 4.4, 30, 0
    for seed in range(seeds):
        estimate = volume(
            Margin(lambda x: length - np.hypot(x[:, 0], x[:, 1]), dim=2), rng=ROOT.split("last", seed),
            method=Splitting(kill=1, particles=8, moves=30, replicas=1), n_samples=30_000,
        )  # fmt: skip
        assert estimate.guarantee is Guarantee.IDEAL_MOVES and "mix perfectly" in estimate.given
        assert estimate.details["replicas"] == 1 and len(estimate.details["kills"]) == 1
        low, high = estimate.log_spread
        assert low < estimate.log_value < high
        covered += low <= -0.5 * length**2 <= high
    assert covered >= stats.binom.ppf(1e-6, seeds, 0.95)


def test_replicas_of_the_last_particle_are_pooled():
    one, four = (
        volume(
            Margin(corner, dim=2), method=Splitting(kill=1, particles=10, moves=5, replicas=n), n_samples=60_000,
            rng=ROOT.split("pooled"),
        )
        for n in (1, 4)
    )  # fmt: skip
    width = [estimate.log_spread[1] - estimate.log_spread[0] for estimate in (one, four)]
    assert 1.6 < width[0] / width[1] < 2.6
    assert four.details["kills"][0] == one.details["kills"][0]


# Moves


@pytest.mark.parametrize("move", ["pcn", "slice"])
def test_moves_leave_the_conditional_law(move):
    n, distance = 3000, 2.0
    problem = problem_of(lambda x: distance - x[:, 0], 3)
    noise = Noise(problem, ROOT.split("law", move))
    start = Noise(problem, ROOT.split("law", "start"))
    u = start.normals(start.take(n), n)
    u[:, 0] = stats.norm.isf(stats.norm.sf(distance) * start.uniforms(n))
    found, before = problem.margin(u), u.copy()
    calls = 0
    for _ in range(6):
        asked, taken = (
            pcn(problem, noise, u, found, 0.0, 0.6)
            if move == "pcn"
            else slice_move(problem, noise, u, found, 0.0)
        )  # fmt: skip
        calls += asked
        assert 0.1 * n < taken <= n <= asked
    assert (found <= 0).all() and np.array_equal(found, problem.margin(u))
    assert (u != before).any(axis=1).mean() > 0.9
    truncated = 1.0 - stats.norm.sf(u[:, 0]) / stats.norm.sf(distance)
    assert stats.kstest(truncated, "uniform").pvalue > 1e-6
    for column in (1, 2):
        assert stats.kstest(u[:, column], "norm").pvalue > 1e-6
    assert abs(np.corrcoef(u[:, 0], u[:, 1])[0, 1]) < 5.0 / math.sqrt(n)
    # what is far from the law is drawn to it: the test above has something to see
    assert abs(np.corrcoef(before[:, 1], u[:, 1])[0, 1]) < 0.9


# The same bits


@pytest.mark.parametrize("method", [{"particles": 60, "moves": 2}, {"kill": 1, "particles": 5, "moves": 2}])
def test_same_bits_for_blocks_and_threads(method):
    wanted = {"n_samples": 30_000, "rng": ROOT.split("bits")}
    alone = volume(Margin(corner, dim=2), method=Splitting(**method, replicas=10), **wanted)
    for block_size in (1, 3):
        assert alone == volume(
            Margin(corner, dim=2), method=Splitting(**method, replicas=10, block_size=block_size), **wanted
        )
    with ThreadPoolExecutor(3) as pool:
        assert alone == volume(
            Margin(corner, dim=2), method=Splitting(**method, replicas=10), executor=pool, **wanted
        )  # fmt: skip


def test_tasks_are_pickled():
    problem = problem_of(corner, 2)
    schedule = Schedule(levels=(1.0, 0.0), steps=(0.5,), seeds=5, chain=4, move="pcn")
    for task in (
        ReplicaTask(problem, ROOT, schedule),
        LastParticleTask(problem, ROOT, schedule, 4, 2, most_calls=10_000),
    ):
        assert pickle.loads(pickle.dumps(task))(0, 2) == task(0, 1) + task(1, 1)


# Where there is nothing to follow


@pytest.mark.parametrize("kill", [0.8, 1])
def test_plateau_ends_in_a_note(kill):
    estimate = volume(
        Margin(lambda x: np.where(x[:, 0] > 6.0, -1.0, 1.0), dim=2), method=Splitting(kill=kill), n_samples=20_000,
        rng=ROOT.split("plateau"),
    )  # fmt: skip
    assert estimate.log_value == -math.inf and estimate.log_interval[0] == -math.inf
    assert estimate.interval.high < 1e-3 or kill == 1  # of the plain draws
    assert any("same margin" in note for note in estimate.notes)
    assert any("died out" in note for note in estimate.notes)
    assert estimate.details["extinct"] == estimate.details["replicas"]


@pytest.mark.parametrize("kill", [0.8, 1])
def test_no_error_ends_with_the_budget(kill):
    estimate = volume(
        Margin(lambda x: 0.1 + np.exp(-x[:, 0]), dim=2), method=Splitting(kill=kill), n_samples=20_000,
        rng=ROOT.split("nothing"),
    )  # fmt: skip
    assert estimate.log_value == -math.inf
    assert any("a quarter of n_samples" in note for note in estimate.notes)
    assert estimate.n_calls < 30_000
    assert estimate.spread[1] < 0.01


def test_common_errors_need_no_levels():
    estimate = volume(Margin(lambda x: 0.5 - x[:, 0], dim=3), method="splitting", n_samples=20_000, rng=ROOT)
    assert estimate.details["steps"] <= 2
    assert abs(estimate.value / stats.norm.sf(0.5) - 1.0) < 0.2


def test_replicas_that_disagree_are_told():
    # the larger part, beyond 2.9, shows itself only past 2.6: few replicas come across it
    def deceptive(x):
        return np.minimum(4.2 - x[:, 0], np.clip(12.0 * (2.9 - x[:, 1]), None, 5.0))

    estimate = volume(
        Margin(deceptive, dim=20), method=Splitting(particles=50, moves=1), n_samples=40_000, rng=ROOT.split("P7")
    )
    assert any("disagree" in note for note in estimate.notes)


def test_spread_is_wide_where_replicas_scatter_by_factors():
    # log-normal values with a standard deviation of 2.5 in the logarithm, mean exp(-100)
    rng = np.random.default_rng([SEED, 77])
    runs, covered, student = 400, 0, 0
    for log_x in -100.0 - 0.5 * 2.5**2 + 2.5 * rng.standard_normal((runs, 20)):
        low, high = _many(log_x, 0.95)
        covered += low <= -100.0 <= high
        low, high = log_spread(log_x, 0.95)
        student += low <= -100.0 <= high
    assert covered >= stats.binom.ppf(1e-6, runs, 0.92)  # .94, as that of Cox is approximate
    assert student < stats.binom.isf(1e-6, runs, 0.75)  # which is why


# Settings


def test_rel_error_ends_the_run():
    estimate = volume(
        Margin(half_space(10, 3.0), dim=10),
        method="splitting",
        rel_error=0.3,
        n_samples=400_000,
        rng=ROOT.split("stop"),
    )
    assert estimate.stopped == "rel_error" and estimate.rel_error <= 0.3
    assert estimate.n_calls < 200_000


def test_particles_are_bounded_by_memory(monkeypatch):
    import isoperimetry.estimators.splitting as module

    monkeypatch.setattr(module, "MEMORY", 8 * 50 * 60)
    estimate = volume(
        Margin(half_space(50, 3.0), dim=50), method=Splitting(particles=500, moves=1), n_samples=30_000, rng=ROOT
    )
    assert estimate.details["particles"] <= 60
    assert any("256 MiB" in note for note in estimate.notes)


@pytest.mark.parametrize("n", [1, 3])
def test_few_replicas_have_a_spread(n):
    estimate = volume(Margin(corner, dim=2), method=Splitting(replicas=n), n_samples=30_000, rng=ROOT.split("few"))
    low, high = estimate.log_spread
    assert estimate.details["replicas"] == n and low < estimate.log_value < high < low + 6.0


@pytest.mark.parametrize("n_samples", [100, 1000])
def test_tiny_budgets(n_samples):
    estimate = volume(Margin(corner, dim=2), method="splitting", n_samples=n_samples, rng=ROOT)
    assert estimate.log_value <= 0 and estimate.interval.low <= stats.norm.sf(3.0) ** 2 <= estimate.interval.high


def test_bad_settings():
    for settings, message in (
        ({"kill": 0.05}, "kill=0.05 must be a share"),
        ({"kill": 0.999}, "kill=0.999 must be a share"),
        ({"kill": 2}, "kill=2 must be a share"),
        ({"move": "walk"}, "move='walk' must be one of"),
        ({"particles": 1}, "particles=1 must be >= 2"),
        ({"moves": 0}, "moves=0 must be >= 1"),
        ({"replicas": 0}, "replicas=0 must be >= 1"),
    ):
        with pytest.raises(ValueError, match=message):
            Splitting(**settings)
    with pytest.raises(ValueError, match="needs a Margin"):
        volume(Membership(lambda x: x[:, 0] > 3, dim=2), method="splitting")
