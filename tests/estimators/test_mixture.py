"""The half-space mixture: unbiased, rigorous at any measure, the same bits however it is run."""

import json
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, chi2, norm

from isoperimetry import sets, special
from isoperimetry.estimators import mixture, tails
from isoperimetry.estimators.base import Run, drive
from isoperimetry.estimators.execution import Blocks
from isoperimetry.estimators.front import volume
from isoperimetry.estimators.functions import Margin, Membership
from isoperimetry.estimators.mixture import HalfSpaceMixture
from isoperimetry.estimators.record import RunRecord
from isoperimetry.estimators.reduction import reduce
from isoperimetry.estimators.setup import make_problem
from isoperimetry.progress import as_progress
from isoperimetry.results import Guarantee
from isoperimetry.streams import Stream

FIVE = norm.isf(5e-7) / norm.isf(0.025)  # half of an ASYMPTOTIC 95 % interval, to the error level 1e-6


def problem_noise(*names):
    """Return a generator for problems, apart from the noise of every sampler."""
    return np.random.default_rng(np.random.SeedSequence(30, spawn_key=names))


def units(rng, m, n):
    planes = rng.standard_normal((m, n))
    return planes / np.linalg.norm(planes, axis=1, keepdims=True)


def half_space(n, beta):
    normal = units(problem_noise(1, n), 1, n)[0]
    return Margin(lambda x: beta - x @ normal, dim=n, gradient=lambda x: np.tile(-normal, (len(x), 1)))


def union(planes, offsets):
    return Margin(
        lambda x: (offsets - x @ planes.T).min(axis=1), dim=planes.shape[1],
        gradient=lambda x: -planes[(offsets - x @ planes.T).argmin(axis=1)],
    )  # fmt: skip


def curved(n, beta=4.0, kappa=0.05):
    """Return a paraboloid as a margin, and its measure by an integral along its axis."""
    normal = units(problem_noise(5, n), 1, n)[0]

    def margin(x):
        along = x @ normal
        return beta - along + 0.5 * kappa * (np.square(x).sum(axis=1) - along**2)

    def gradient(x):
        return -normal + kappa * (x - (x @ normal)[:, None] * normal)

    truth = quad(lambda t: norm.pdf(t) * chi2.cdf(2 * (t - beta) / kappa, n - 1), beta, beta + 12, epsabs=0, limit=200)[
        0
    ]
    return Margin(margin, dim=n, gradient=gradient), truth


def network():
    rng = problem_noise(6)
    n, hidden = 60, 40
    first, shift = rng.standard_normal((hidden, n)) / np.sqrt(n), rng.standard_normal(hidden)
    last = rng.standard_normal(hidden) * np.sqrt(2 / hidden)
    level = 2.2 * np.linalg.norm(first.T @ (last * (shift > 0)))
    at_0 = np.maximum(shift, 0) @ last
    return Margin(
        lambda x: np.maximum(x @ first.T + shift, 0) @ last - at_0 + level, dim=n,
        gradient=lambda x: ((x @ first.T + shift > 0) * last) @ first,
    )  # fmt: skip


def make_run(seed, n_samples=100_000, rel_error=None):
    return Run(
        stream=Stream(seed=seed, path=("mixture",)), confidence=0.95, rel_error=rel_error, n_samples=n_samples,
        blocks=Blocks(None, RunRecord(None)), progress=as_progress(None),
    )  # fmt: skip


def own(margin, seed, budget, *, rel_error=None, method=None):
    """Return the plan's own summary, without a guard."""
    problem = make_problem(margin, np.zeros(margin.dim), 1.0, "auto")
    run = make_run(seed, 20_000, rel_error)
    plan = (method or HalfSpaceMixture()).plan(problem, run)
    outcome = drive(plan, run, "mixture", budget, 0.95)
    return outcome.summary, plan, run


def agrees(estimate, log_truth):
    """Return whether the spread, widened to an error level of 1e-6, holds the truth."""
    low, high = estimate.log_spread
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    return abs(log_truth - middle) <= FIVE * half


@pytest.mark.parametrize("log_mu", [math.log(1e-6), math.log(1e-300), -5000.0])
def test_a_half_space_at_any_measure(log_mu):
    beta = -special.ndtri_exp(log_mu)
    estimate = volume(half_space(784, beta), method="mixture", n_samples=8000, rng=1)
    assert estimate.log_value == pytest.approx(log_mu, abs=1e-12 * abs(log_mu) + 1e-12)
    assert estimate.guarantee is Guarantee.FINITE_SAMPLE
    assert log_mu - 0.005 < estimate.log_interval[0] <= estimate.log_value
    assert estimate.interval.high < 0.001 and estimate.residual > 0 and "plain draws" in estimate.given
    assert estimate.details["half_spaces"] == 1 and estimate.details["q"] == 1.0
    assert estimate.distance.value == pytest.approx(beta, rel=1e-9)


def test_a_union_in_many_dimensions_is_nearly_free():
    planes, offsets = units(problem_noise(2), 16, 784), np.linspace(4.0, 5.0, 16)
    rates = norm.sf(offsets)
    cosines = planes @ planes.T
    pairs = [
        math.exp(special.log_binormal_sf(offsets[i], offsets[j], cosines[i, j])) for i in range(16) for j in range(i)
    ]
    truth = rates.sum() - sum(pairs)  # the triples are below 1e-8 of it
    ratios = []
    for seed in range(8):
        summary, plan, run = own(union(planes, offsets), seed, 2048)
        if plan.details()["half_spaces"] == 16:
            ratios.append(math.exp(summary.log_value) / truth)
        assert run.n_search_gradients <= 1500
    assert len(ratios) >= 6
    assert plan.n_calls * np.var(ratios, ddof=1) * 100 < 20  # calls for a coefficient of variation of 10 %
    assert np.abs(np.array(ratios) - 1.0).max() < 0.005


def test_it_is_unbiased():
    # Correlated half-spaces, of which only a part is an error, so that values are 0, 1/3, 1/2 and 1.
    planes = np.array([[1.0, 0.0], [0.9, math.sqrt(0.19)], [0.8, -0.6]])
    offsets = np.full(3, 3.5)

    def margin(x):
        return np.maximum((offsets - x @ planes.T).min(axis=1), x[:, 1] - 0.5)

    def density(y):
        start = ((offsets - planes[:, 1] * y) / planes[:, 0]).min()
        return norm.pdf(y) * norm.sf(start)

    truth = quad(density, -12.0, 0.5, epsabs=0, epsrel=1e-10, limit=500, points=[-3.0, -1.0, 0.0])[0]
    method = HalfSpaceMixture(normals=planes, offsets=offsets)
    ratios = [
        math.exp(own(Margin(margin, dim=2), seed, 1024, method=method)[0].log_value) / truth for seed in range(60)
    ]
    assert abs(np.mean(ratios) - 1.0) < 5 * np.std(ratios, ddof=1) / math.sqrt(len(ratios))
    assert np.std(ratios, ddof=1) < 0.04


@pytest.mark.parametrize("rel_error", [None, 0.3])
@pytest.mark.parametrize("several", [False, True])
def test_coverage(rel_error, several):
    if several:
        planes, offsets = np.eye(12)[:2], np.array([3.0, 3.2])
        inside = union(planes, offsets)
        margin = Margin(lambda x: np.maximum(inside.function(x), x[:, 5]), dim=12)  # half of the union
        truth = 0.5 * (norm.sf(offsets).sum() - norm.sf(offsets).prod())
        method = HalfSpaceMixture(normals=planes, offsets=offsets)
    else:
        margin, truth = curved(12)
        method = HalfSpaceMixture(slack=0.1)
    missed, widths = 0, []
    for seed in range(100):
        summary, _, _ = own(margin, seed, 3000, rel_error=rel_error, method=method)
        low, high = summary.log_interval
        missed += not low <= math.log(truth) <= high
        widths.append((math.exp(high) - math.exp(low)) / truth)
    assert missed <= binom.isf(1e-6, 100, 0.05)
    assert np.median(widths) < 0.7


def test_values_that_do_not_vary_are_bet_on():
    # All draws are errors, in two half-spaces each: rounding would lose all of that.
    planes = np.array([[1.0, 0.0], [1.0, 0.0]])
    offsets = np.array([4.0, 4.0])
    method = HalfSpaceMixture(normals=planes, offsets=offsets)
    summary, plan, _ = own(union(planes, offsets), 1, 2048, method=method)
    assert plan.ordered and plan.counts == {2: 2048}
    assert summary.log_value == pytest.approx(norm.logsf(4.0), abs=1e-12)
    low, high = summary.log_interval
    assert low <= norm.logsf(4.0) <= high and high - low < 0.02


def test_one_half_space_has_clopper_pearson():
    from isoperimetry.intervals import beta_binomial, clopper_pearson

    margin, _ = curved(12)
    summary, plan, _ = own(margin, 3, 2048, method=HalfSpaceMixture(slack=0.0))
    limits = clopper_pearson(plan.errors, 2048)
    total = norm.logsf(4.0)
    assert 0 < plan.errors < 2048 and plan.whole == plan.errors
    assert summary.log_interval == pytest.approx(
        (total + math.log(limits.low), total + math.log(limits.high)), abs=1e-9
    )
    # A run that was ended from outside has an interval that holds at every number of draws.
    limits = beta_binomial(plan.errors, 2048)
    low, high = plan.summary(0.95, sequential=True).log_interval
    assert (low, high) == pytest.approx((total + math.log(limits.low), total + math.log(limits.high)), abs=1e-9)


def test_a_network():
    margin = network()
    estimate = volume(margin, method="mixture", n_samples=40_000, rng=4)
    plain = volume(margin, method="crude", n_samples=400_000, rng=5)
    assert plain.log_interval[0] < estimate.log_value < plain.log_interval[1]
    assert estimate.log_interval[0] < plain.log_value < estimate.log_interval[1]
    assert estimate.details["slack"] >= 0 and 0.01 < estimate.details["q"] < 1


PROVED = {
    "correlated": (sets.UnionOfHalfSpaces([[1.0, 0.0], [0.8, 0.6]], [3.0, 3.1]), np.zeros(2)),
    "box": (sets.Box([3.0, -1.0, 0.5], [4.0, 1.0, 3.0]), np.zeros(3)),
    "outside a box": (sets.Complement(sets.Box([-3.0] * 3, [3.5] * 3)), np.array([0.1, 0.0, 0.2])),
    "ball": (sets.Ball([5.0, 0.0], 2.0), np.array([0.5, 0.5])),
    "wedge": (sets.translate(sets.Wedge(2.0), [2.0, 0.0]), np.zeros(2)),
    "two": (sets.Union(sets.Ball([5.0, 0.0], 1.5), sets.Ball([-4.0, 0.0], 1.0)), np.zeros(2)),
    "moved": (sets.rotate(sets.Box([3.0, -1.0], [4.0, 2.0]), start=[1.0, 0.0], end=[1.0, 2.0]), np.zeros(2)),
}


@pytest.mark.parametrize("name", PROVED)
def test_with_a_proved_cover(name):
    error_set, center = PROVED[name]
    estimate = volume(error_set, center=center, sigma=0.9, method="mixture", n_samples=20_000, rng=6)
    truth = error_set.log_volume(center, 0.9)
    assert agrees(estimate, truth)
    assert estimate.guarantee is Guarantee.FINITE_SAMPLE and "prove" in estimate.given
    assert estimate.residual == 0 and estimate.n_guard == 0
    assert estimate.log_interval[0] <= estimate.log_value <= estimate.log_interval[1] < 0
    assert estimate.log_interval[1] - estimate.log_interval[0] < 0.25


def test_without_a_proved_cover():
    # In its few coordinates a cone sees the distance from its axis, of which half-spaces are no cover.
    cone = sets.translate(sets.Cone(1.0, dim=30), [2.5, *[0.0] * 29])
    estimate = volume(cone, method="mixture", n_samples=40_000, rng=6)
    assert agrees(estimate, cone.log_volume()) and estimate.residual > 0
    assert estimate.log_interval[0] < cone.log_volume() < estimate.log_interval[1]


def test_the_wanted_width_ends_the_run():
    margin, truth = curved(12)
    estimate = volume(margin, method="mixture", rel_error=0.2, rng=7)
    assert estimate.stopped == "rel_error" and estimate.n_calls < 40_000
    low, high = estimate.log_spread
    assert low - 0.1 < math.log(truth) < high + 0.1
    proved = volume(sets.Ball([5.0, 0.0], 2.0), method="mixture", rel_error=0.1, rng=7)
    assert proved.stopped == "rel_error" and proved.rel_error <= 0.1


def test_half_spaces_of_the_caller():
    outside = Membership(lambda x: np.abs(x[:, 0] - 1.0) > 4.0, dim=3)  # a membership is enough
    with pytest.raises(ValueError, match="needs a Margin"):
        volume(outside, method="mixture")
    method = HalfSpaceMixture(normals=[[2.0, 0.0, 0.0], [-1.0, 0.0, 0.0]], offsets=[5.0, 3.0])
    estimate = volume(outside, center=[0.5, 0.0, 0.0], sigma=0.8, method=method, n_samples=8000, rng=8)
    truth = np.logaddexp(norm.logsf(4.5 / 0.8), norm.logsf(3.5 / 0.8))
    assert estimate.log_value == pytest.approx(truth, abs=1e-12)
    assert "passed by the caller" in estimate.given and estimate.n_guard > 0 and estimate.residual > 0
    # What a wrong claim leaves out is seen by the guard: here one half-space of two, at 1 sigma.
    wrong = HalfSpaceMixture(normals=[[1.0, 0.0, 0.0]], offsets=[4.0])
    estimate = volume(
        Margin(lambda x: np.minimum(4.0 - x[:, 0], 1.0 + x[:, 1]), dim=3), method=wrong, n_samples=20_000, rng=8
    )
    assert estimate.interval.low < norm.sf(1.0) < estimate.interval.high
    assert estimate.value == pytest.approx(norm.sf(1.0), rel=0.05)


def test_half_spaces_of_the_caller_in_few_dimensions():
    A = problem_noise(9).standard_normal((2, 30))
    center = problem_noise(10).standard_normal(30)
    margin = Margin(lambda y: 20.0 - y[:, 0], reduction=reduce(A))
    scale = np.linalg.norm(A[0])
    method = HalfSpaceMixture(normals=A[:1], offsets=[20.0 / scale])
    estimate = volume(margin, center=center, sigma=0.7, method=method, n_samples=5000, rng=9)
    assert estimate.log_value == pytest.approx(norm.logsf((20.0 - A[0] @ center) / (0.7 * scale)), abs=1e-9)
    with pytest.raises(ValueError, match="combinations of the rows of A"):
        volume(margin, method=HalfSpaceMixture(normals=np.eye(30)[:1], offsets=[1.0]))


def test_sets_in_full_dimension_with_half_spaces_of_the_caller():
    ball = sets.Ball([6.0, 0.0, 0.0], 2.0)
    method = HalfSpaceMixture(normals=[[1.0, 0.0, 0.0]], offsets=[4.0])
    estimate = volume(ball, method=method, n_samples=40_000, rng=10)
    assert agrees(estimate, ball.log_volume()) and estimate.details["betas"] == [4.0]


def same(first, second):
    return all(
        getattr(first, name) == getattr(second, name)
        for name in ("log_value", "log_interval", "log_spread", "n_calls", "details", "trace")
    )


@pytest.mark.parametrize("rel_error", [None, 0.1])
def test_the_same_bits_however_it_is_run(rel_error):
    margin = curved(12)[0]
    options = {"n_samples": 40_000, "rng": 11, "rel_error": rel_error}
    usual = volume(margin, method="mixture", **options)
    for size in (1, 1024, 5000):
        assert same(usual, volume(margin, method=HalfSpaceMixture(block_size=size), **options))
    with ThreadPoolExecutor(2) as pool:
        assert same(usual, volume(margin, method="mixture", executor=pool, **options))
    assert usual.log_value != volume(margin, method="mixture", **(options | {"rng": 12})).log_value


def test_the_record_of_a_run(tmp_path):
    margin, file = curved(12)[0], tmp_path / "run"
    first = volume(margin, method="mixture", n_samples=20_000, rng=11, record=file)
    again = volume(margin, method="mixture", n_samples=20_000, rng=11, record=file)
    assert same(first, again)


def test_interrupted():
    margin, truth = curved(12)
    asked = 0

    def function(x):
        nonlocal asked
        asked += len(x)
        if asked > 30_000:
            raise KeyboardInterrupt
        return margin.function(x)

    estimate = volume(Margin(function, dim=12, gradient=margin.gradient), method="mixture", n_samples=60_000, rng=13)
    assert estimate.stopped == "interrupted" and 0 < estimate.details["draws"] <= 30_000
    assert estimate.log_interval[0] < math.log(truth) < estimate.log_interval[1]
    assert agrees(estimate, math.log(truth))


def test_no_errors_in_the_half_spaces():
    claim = HalfSpaceMixture(normals=[[1.0, 0.0]], offsets=[5.0])
    estimate = volume(Margin(lambda x: np.full(len(x), 1.0), dim=2), method=claim, n_samples=2000, rng=14)
    assert estimate.value == 0 and estimate.interval.low == 0 and 0 < estimate.interval.high < 0.01


def test_nothing_to_sample_from():
    estimate = volume(Margin(lambda x: np.full(len(x), 1.0), dim=2), method="mixture", n_samples=2000, rng=14)
    assert estimate.method == "crude" and estimate.guarantee is Guarantee.FINITE_SAMPLE
    assert estimate.value == 0 and estimate.interval.low == 0 and 0 < estimate.interval.high < 0.01
    assert estimate.notes[0].startswith("method='mixture' could not begin, and the estimate is that of plain draws.")


def test_a_pilot_finds_how_much_slack_pays():
    # Beyond a corner of the safe region, two half-spaces at 45 degrees cut off what is between them.
    def concave(x):
        return 4.0 - np.hypot(np.maximum(x[:, 0], 0.0), x[:, 1])

    problem = make_problem(Margin(concave, dim=2), np.zeros(2), 1.0, "auto")
    betas = np.array([4.0])
    tries = [betas, betas - 0.25, betas - 0.5]
    found = tails.pilot(problem, make_run(1), np.eye(2)[:1], tries)
    assert found.best == 2 and 0 < found.share < 1 and found.draws <= tails.PILOT
    flat = make_problem(half_space(5, 4.0), np.zeros(5), 1.0, "auto")
    normal = units(problem_noise(1, 5), 1, 5)
    run = make_run(1)
    found = tails.pilot(flat, run, normal, tries)
    assert found.best == 0 and found.share == pytest.approx(1.0, abs=0.1) and run.n_search == found.draws


def test_many_half_spaces_take_another_path(monkeypatch):
    planes, offsets = units(problem_noise(20), 6, 8), np.full(6, 2.0)
    problem = make_problem(union(planes, offsets), np.zeros(8), 1.0, "auto")
    mixed = tails.Tails.of(problem, planes, offsets, Stream(seed=1))
    u, products, _ = mixed.draw(7, 500)
    assert products == pytest.approx(u @ planes.T, abs=1e-12)
    assert (products >= offsets).any(axis=1).all()
    monkeypatch.setattr(tails, "GRAM", 1)
    again, other, _ = mixed.draw(7, 500)
    assert np.array_equal(u, again) and other == pytest.approx(products, abs=1e-12)


def test_a_task_can_be_sent_to_a_worker():
    problem = make_problem(sets.Ball([5.0, 0.0], 2.0), np.zeros(2), 1.0, "auto")
    plan = HalfSpaceMixture().plan(problem, make_run(1))
    assert pickle.loads(pickle.dumps(plan.task))(64, 100) == plan.task(64, 100)


def test_settings():
    settings = HalfSpaceMixture(normals=[[1.0, 0.0]], offsets=[2.0], slack=0.1).settings()
    assert json.loads(json.dumps(settings)) == settings and settings["name"] == "mixture"
    other = HalfSpaceMixture(normals=[[1.0, 0.0]], offsets=[2.5], slack=0.1).settings()
    assert settings != other


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"normals": [[1.0, 0.0]]}, TypeError, "pass both or none"),
        ({"normals": [1.0, 0.0], "offsets": [1.0]}, ValueError, "must have shapes"),
        ({"normals": [[1.0, 0.0]], "offsets": [1.0, 2.0]}, ValueError, "must have shapes"),
        ({"normals": [[0.0, 0.0]], "offsets": [1.0]}, ValueError, "> 0"),
        ({"normals": [[np.nan, 0.0]], "offsets": [1.0]}, ValueError, "finite"),
        ({"normals": [[1.0, 0.0]], "offsets": [np.inf]}, ValueError, "finite"),
        ({"slack": -0.1}, ValueError, ">= 0"),
        ({"slack": math.inf}, ValueError, "finite"),
        ({"starts": 0}, ValueError, "starts=0"),
        ({"block_size": 0.5}, TypeError, "integer"),
    ],
)
def test_wrong_settings(options, error, text):
    with pytest.raises(error, match=text):
        HalfSpaceMixture(**options)


def test_normals_of_another_dimension():
    with pytest.raises(ValueError, match=r"must have shape \(m, 5\)"):
        volume(half_space(5, 4.0), method=HalfSpaceMixture(normals=[[1.0, 0.0]], offsets=[1.0]))


def test_a_million_looks_do_not_need_a_million_numbers(monkeypatch):
    monkeypatch.setattr(mixture, "MOST_BETS", 1000)
    margin, _ = curved(12)
    summary, plan, _ = own(margin, 1, 4096, rel_error=0.01)
    assert not plan.ordered and not plan.places and summary.log_interval[0] < summary.log_value


@pytest.mark.slow
def test_images_in_little_memory():
    import tracemalloc

    margin = half_space(150_528, 7.03)
    tracemalloc.start()
    try:
        estimate = volume(margin, method="mixture", n_samples=1000, rng=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert estimate.log_value == pytest.approx(special.log_ndtr(-7.03), abs=1e-10)
    assert peak < 500e6
