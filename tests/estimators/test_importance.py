"""Importance sampling at the design points: unbiased, with a lower limit that holds, at any measure."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.stats import binom, norm

from isoperimetry import special
from isoperimetry.estimators.base import Run, drive
from isoperimetry.estimators.execution import Blocks
from isoperimetry.estimators.front import volume
from isoperimetry.estimators.functions import Margin
from isoperimetry.estimators.importance import ImportanceSampling
from isoperimetry.estimators.record import RunRecord
from isoperimetry.estimators.setup import make_problem
from isoperimetry.progress import as_progress
from isoperimetry.results import Guarantee
from isoperimetry.streams import Stream


def half_space(n, beta):
    rng = np.random.default_rng(np.random.SeedSequence(40, spawn_key=(n,)))
    normal = rng.standard_normal(n)
    normal /= np.linalg.norm(normal)
    return Margin(lambda x: beta - x @ normal, dim=n, gradient=lambda x: np.tile(-normal, (len(x), 1)))


def two_sides(n=10, low=3.5, high=3.0):
    """Return ``{x_1 >= high or x_1 <= -low}`` and its measure."""

    def gradient(x):
        return np.where(high - x[:, :1] < low + x[:, :1], -1.0, 1.0) * np.eye(n)[0]

    margin = Margin(lambda x: np.minimum(high - x[:, 0], low + x[:, 0]), dim=n, gradient=gradient)
    return margin, norm.sf(high) + norm.sf(low)


def own(margin, seed, budget):
    problem = make_problem(margin, np.zeros(margin.dim), 1.0, "auto")
    run = Run(
        stream=Stream(seed=seed, path=("importance",)), confidence=0.95, rel_error=None, n_samples=20_000,
        blocks=Blocks(None, RunRecord(None)), progress=as_progress(None),
    )  # fmt: skip
    plan = ImportanceSampling().plan(problem, run)
    return drive(plan, run, "importance", budget, 0.95).summary, plan


@pytest.mark.parametrize("log_mu", [math.log(1e-6), math.log(1e-300), -5000.0])
def test_a_half_space_at_any_measure(log_mu):
    beta = -special.ndtri_exp(log_mu)
    estimate = volume(half_space(300, beta), method="importance", n_samples=12_000, rng=1)
    low, high = estimate.log_spread
    five = norm.isf(5e-7) / norm.isf(0.025)
    assert abs(estimate.log_value - log_mu) < five * 0.5 * (high - low) and high - low < 1.0
    assert estimate.guarantee is Guarantee.LOWER_ONLY
    assert log_mu - 0.8 < estimate.log_interval[0] < log_mu
    assert estimate.details["betas"] == pytest.approx([beta], rel=1e-9)


def test_it_is_unbiased_over_several_pieces():
    margin, truth = two_sides()
    summaries = [own(margin, seed, 1024) for seed in range(60)]
    ratios = np.array([math.exp(summary.log_value) / truth for summary, _ in summaries])
    assert all(len(plan.weigh.betas) == 2 for _, plan in summaries)
    assert abs(ratios.mean() - 1.0) < 5 * ratios.std(ddof=1) / math.sqrt(60)
    # What the spread says is what the estimates do.
    said = np.mean([summary.log_spread[1] - summary.log_spread[0] for summary, _ in summaries]) / (2 * 1.96)
    assert 0.6 < said / ratios.std(ddof=1) < 1.6


def test_the_lower_limit_holds():
    margin, truth = two_sides()
    lows = np.array([own(margin, seed, 512)[0].log_interval[0] for seed in range(100)])
    assert np.sum(lows > math.log(truth)) <= binom.isf(1e-6, 100, 0.05)
    assert np.median(lows) > math.log(0.5 * truth)


def test_the_same_bits_however_it_is_run():
    margin, _ = two_sides()
    usual = volume(margin, method="importance", n_samples=15_000, rng=3)
    with ThreadPoolExecutor(2) as pool:
        others = [
            volume(margin, method=ImportanceSampling(block_size=1500), n_samples=15_000, rng=3),
            volume(margin, method="importance", n_samples=15_000, rng=3, executor=pool),
        ]
    for other in others:
        assert (usual.log_value, usual.log_interval, usual.log_spread, usual.details) == (
            other.log_value, other.log_interval, other.log_spread, other.details,
        )  # fmt: skip


def test_interrupted():
    margin, truth = two_sides()
    asked = 0

    def function(x):
        nonlocal asked
        asked += len(x)
        if asked > 16_000:
            raise KeyboardInterrupt
        return margin.function(x)

    estimate = volume(Margin(function, dim=10, gradient=margin.gradient), method="importance", n_samples=40_000, rng=4)
    assert estimate.stopped == "interrupted" and estimate.details["draws"] > 0
    assert estimate.log_interval[0] < math.log(truth) < estimate.log_interval[1]


def test_no_errors_seen():
    narrow = Margin(lambda x: np.where(np.abs(x[:, 0] - 4.0) < 1e-12, 0.0, 4.0 - x[:, 0] + 1e-9), dim=1)
    problem = make_problem(narrow, np.zeros(1), 1.0, "auto")
    run = Run(
        stream=Stream(seed=1), confidence=0.95, rel_error=None, n_samples=10_000, blocks=Blocks(None, RunRecord(None)),
        progress=as_progress(None),
    )  # fmt: skip
    plan = ImportanceSampling().plan(problem, run)
    plan.add({"draws": 100, "errors": [], "log_weights": []})
    summary = plan.summary(0.95, sequential=False)
    assert summary.log_value == -math.inf and summary.log_interval == (-math.inf, 0.0)
    assert plan.details()["effective_draws"] == 0


def test_a_task_can_be_sent_to_a_worker():
    from isoperimetry import sets

    problem = make_problem(sets.Ball([5.0, 0.0], 2.0), np.zeros(2), 1.0, "auto")
    run = Run(
        stream=Stream(seed=1), confidence=0.95, rel_error=None, n_samples=10_000, blocks=Blocks(None, RunRecord(None)),
        progress=as_progress(None),
    )  # fmt: skip
    plan = ImportanceSampling().plan(problem, run)
    assert pickle.loads(pickle.dumps(plan.task))(64, 100) == plan.task(64, 100)


def test_nothing_to_sample_from():
    estimate = volume(Margin(lambda x: np.full(len(x), 1.0), dim=2), method="importance", n_samples=2000, rng=14)
    assert estimate.method == "crude" and "method='importance' could not begin" in estimate.notes[0]


@pytest.mark.parametrize("name", ["starts", "block_size"])
def test_wrong_settings(name):
    with pytest.raises(ValueError, match=f"{name}=0"):
        ImportanceSampling(**{name: 0})
    with pytest.raises(TypeError, match="integer"):
        ImportanceSampling(**{name: 1.5})
