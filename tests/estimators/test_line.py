"""Line sampling: against exact volumes, in closed form and by calls; roots, pairs, scans, and same bits everywhere.

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
from isoperimetry.errors import FunctionError
from isoperimetry.estimators import LineSampling, Margin, Membership, RunFailed, reduce, volume
from isoperimetry.estimators.base import Run
from isoperimetry.estimators.bundles import Bundle, Trend, opposites_differ
from isoperimetry.estimators.execution import Blocks
from isoperimetry.estimators.line import LinePlan
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.record import RunRecord
from isoperimetry.estimators.roots import TOLERANCE, Lines, Reach, scan, search
from isoperimetry.estimators.setup import make_problem
from isoperimetry.estimators.values import log_mean, log_spread, relative_deviation, student_quantile
from isoperimetry.progress import as_progress
from isoperimetry.results import Guarantee
from isoperimetry.sets import (
    Ball,
    Complement,
    HalfSpace,
    Paraboloid,
    Quadric,
    Shell,
    Slab,
    Union,
    UnionOfHalfSpaces,
)
from isoperimetry.streams import Stream


def axis(dim: int, tilt: float = 0.0) -> np.ndarray:
    """Return the first axis, turned by a little towards the others."""
    a = np.full(dim, tilt / math.sqrt(dim))
    a[0] += 1.0
    return a / np.linalg.norm(a)


def as_problem(error_set: Any, method: LineSampling, center: np.ndarray | None = None) -> Problem:
    return make_problem(error_set, np.zeros(error_set.dim) if center is None else center, 1.0, method)


def as_run(seed: int, n_samples: int = 10_000) -> Run:
    return Run(
        stream=Stream(seed=seed), confidence=0.95, rel_error=None, n_samples=n_samples,
        blocks=Blocks(None, RunRecord(None)), progress=as_progress(None),
    )  # fmt: skip


def made(error_set: Any, seed: int, pairs: int, **settings: Any) -> LinePlan:
    """Return a plan with the values of so many pairs of lines."""
    method = LineSampling(**settings)
    plan = method.plan(as_problem(error_set, method), as_run(seed))
    assert isinstance(plan, LinePlan)
    plan.add(plan.task(0, pairs))
    return plan


def excess(log_x: np.ndarray, log_truth: float) -> float:
    """Return how far the mean of values is from the truth, in standard errors."""
    error = relative_deviation(log_x) / math.sqrt(len(log_x))
    return (math.exp(log_mean(log_x) - log_truth) - 1.0) / max(error, 1e-12)


def skew_quadric(dim: int) -> Quadric:
    """Return a set beyond a boundary that bends unequally: ``x_1 >= 3.5 + sum k_i x_i**2``."""
    bend = np.linspace(-0.03, 0.06, dim)
    bend[0] = 0.0
    return Quadric(-bend, axis(dim), -3.5)


SETS = {
    "far ball": Ball(200.0 * axis(784), 197.2178),
    "paraboloid": Paraboloid(4.0, 0.02, dim=100),
    "flat paraboloid": Paraboloid(4.0, 0.002, dim=784),
    "union": UnionOfHalfSpaces([axis(8), axis(8, 1.0)], [3.5, 3.7]),
    "outside a slab": Complement(Slab(axis(5), 0.0, 3.0)),
    "quadric": skew_quadric(30),
    "thin shell": Shell(30.0 * axis(10), 26.0, 26.2),
    "small ball": Ball(3.0 * axis(3), 0.7),
    "large": Ball(4000.0 * axis(3072), 3995.6),
    "likely": HalfSpace(axis(4), 0.3),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("tilt", [0.0, 0.15])
def test_known_lines_are_unbiased(name: str, tilt: float) -> None:
    error_set = SETS[name]
    plan = made(error_set, 1, 64 if error_set.dim > 1000 else 512, direction=axis(error_set.dim, tilt))
    log_x = np.array(plan._values)
    assert abs(excess(log_x, error_set.log_volume())) < 5
    assert plan.n_calls == 2 * len(log_x)
    found = plan.summary(0.95, sequential=False)
    assert found.guarantee is Guarantee.LOWER_ONLY and found.given == "" and found.log_interval[1] == 0.0
    assert found.log_interval[0] < error_set.log_volume()


@pytest.mark.parametrize("name", SETS)
def test_searched_lines_agree(name: str) -> None:
    error_set = SETS[name]
    margin = Margin(error_set.signed_distance if name != "quadric" else quadric_margin, dim=error_set.dim)
    plan = made(margin, 2, 64 if error_set.dim > 1000 else 512, direction=axis(error_set.dim))
    log_x = np.array(plan._values)
    error = relative_deviation(log_x) / math.sqrt(len(log_x))
    assert abs(math.exp(log_mean(log_x) - error_set.log_volume()) - 1.0) < 5 * error + TOLERANCE  # of inexact roots
    assert error < 0.07
    found = plan.summary(0.95, sequential=False)
    assert found.guarantee is Guarantee.ASYMPTOTIC and found.log_interval == found.log_spread
    assert plan.task.course is not None
    assert plan.task.course.everywhere == (name in ("outside a slab", "thin shell", "small ball"))


def quadric_margin(x: np.ndarray) -> np.ndarray:
    bend = np.linspace(-0.03, 0.06, 30)
    bend[0] = 0.0
    return np.asarray(3.5 - x[:, 0] + x**2 @ bend)


def test_calls_for_ten_percent() -> None:
    """The estimator's own calls for a coefficient of variation of 10 % stay below those of peers."""
    for name, most in (("far ball", 25.0), ("flat paraboloid", 2.0), ("paraboloid", 70.0)):
        margin = Margin(SETS[name].signed_distance, dim=SETS[name].dim)
        plan = made(margin, 3, 256, direction=axis(margin.dim))
        assert 100 * plan.cost * relative_deviation(np.array(plan._values)) ** 2 < most
        assert plan.n_calls / (2 * plan.n_units) < 2.6  # one to two, and the share of scanned lines


def test_design_point_is_searched() -> None:
    margin = Margin(lambda x: 5.0 - x @ axis(6, 2.0), dim=6, gradient=lambda x: np.tile(-axis(6, 2.0), (len(x), 1)))
    estimate = volume(margin, method="line", n_samples=1000, rng=4)
    assert abs(estimate.log_value - float(special.log_ndtr(-5.0))) < 1e-4
    assert estimate.method == "line" and estimate.n_search > 0


def test_other_design_points_are_named() -> None:
    def margin(x: np.ndarray) -> np.ndarray:
        return np.minimum(4.0 - x[:, 0], 4.2 + x[:, 0])

    def gradient(x: np.ndarray) -> np.ndarray:
        return np.outer(np.where(4.0 - x[:, 0] < 4.2 + x[:, 0], -1.0, 1.0), axis(6))

    estimate = volume(Margin(margin, dim=6, gradient=gradient), method="line", n_samples=2000, rng=4)
    assert any("design points; lines follow the nearest" in note for note in estimate.notes)
    both = math.log(stats.norm.sf(4.0) + stats.norm.sf(4.2))  # these lines pass the other side too
    assert estimate.log_value == pytest.approx(both, abs=2 * TOLERANCE)


def test_a_tail_below_all_floats() -> None:
    half_space = HalfSpace(axis(12), 42.83)
    known = volume(half_space, method=LineSampling(direction=axis(12)), n_samples=200, rng=5)
    assert abs(known.log_value / half_space.log_volume() - 1.0) < 1e-12
    assert known.log_value - 0.5 < known.log_interval[0] < known.log_value
    margin = Margin(lambda x: 42.83 - x[:, 0], dim=12)
    asked = volume(margin, method=LineSampling(direction=axis(12)), n_samples=500, rng=6)
    assert abs(asked.log_value / half_space.log_volume() - 1.0) < 1e-12


def test_lower_limits_cover() -> None:
    """Binomial test at 1e-6 of 200 limits at 95 %."""
    error_set = Paraboloid(3.0, 0.2, dim=10)
    truth = error_set.log_volume()
    plans = [made(error_set, 1000 + seed, 32, direction=axis(10)) for seed in range(200)]
    limits = [plan.summary(0.95, sequential=True).log_interval[0] for plan in plans]
    missed = sum(limit > truth for limit in limits)
    assert stats.binom.sf(missed - 1, 200, 0.05) > 1e-6
    assert np.median(limits) > truth - 1.0


def test_spread_covers_about_as_often_as_it_says() -> None:
    margin = Margin(Paraboloid(4.0, 0.02, dim=100).signed_distance, dim=100)
    truth, hits = SETS["paraboloid"].log_volume(), 0
    for seed in range(100):
        low, high = made(margin, 3000 + seed, 32, direction=axis(100)).summary(0.95, sequential=False).log_spread
        hits += low <= truth <= high
    assert stats.binom.cdf(hits, 100, 0.9) > 1e-6  # asymptotic: 0.93 was measured


@pytest.mark.parametrize("known", [True, False])
def test_blocks_and_threads_change_no_bit(known: bool) -> None:
    rng = np.random.default_rng([6, 1])
    weights, ends = rng.standard_normal((40, 7)), rng.standard_normal(7) / 3

    def network(x: np.ndarray) -> np.ndarray:  # as products of matrices in float32, it depends on the number of rows
        return np.asarray(6.0 - x @ axis(40) + np.maximum(x @ weights, 0.0) @ ends + 1e-9 * len(x))

    error_set: Any = Paraboloid(4.0, 0.02, dim=40) if known else Margin(network, dim=40, batch=23)
    results = []
    for block_size, workers in ((None, 0), (1, 0), (33, 3), (4096, 2)):
        method = LineSampling(direction=axis(40, 0.1), block_size=block_size)
        pool = ThreadPoolExecutor(workers) if workers else None
        results.append(volume(error_set, method=method, n_samples=3000, rng=7, executor=pool))
        if pool is not None:
            pool.shutdown()
    assert all(result == results[0] for result in results)


def test_tasks_travel() -> None:
    """A task that was pickled gives the same bits; so does another grouping of its units."""
    for error_set in (SETS["paraboloid"], SETS["small ball"]):
        task = made(error_set, 16, 16, direction=axis(error_set.dim, 0.2)).task
        copy = pickle.loads(pickle.dumps(task))
        whole = copy(0, 48)["log_values"]
        assert whole == task(0, 48)["log_values"] == task(0, 16)["log_values"] + task(16, 32)["log_values"]


def test_a_wanted_width_is_reached() -> None:
    margin = Margin(SETS["far ball"].signed_distance, dim=784)
    estimate = volume(margin, method=LineSampling(direction=axis(784)), rel_error=0.05, rng=17)
    assert estimate.stopped == "rel_error" and estimate.rel_error <= 0.05
    assert estimate.n_calls - estimate.n_guard - estimate.n_search < 1500
    assert abs(estimate.log_value - SETS["far ball"].log_volume()) < 0.15  # 5 errors and more


def test_scan_finds_what_the_pilot_missed() -> None:
    """A piece that one line in 200 meets shows in the scanned lines, which is said."""

    def margin(x: np.ndarray) -> np.ndarray:
        return np.minimum(4.5 - x[:, 0], np.maximum(np.abs(x[:, 0] - 1.5) - 0.5, 2.6 - x[:, 1]))

    plan = made(Margin(margin, dim=6), 8, 4096, direction=axis(6))
    assert plan.task.course is not None and not plan.task.course.everywhere
    assert plan.details()["lines_with_other_crossings"] > 0
    assert any("scan='all'" in note for note in plan.notes())
    truth = float(
        np.logaddexp(special.log_ndtr(-4.5), special.log_ndtr(-2.6) + math.log(stats.norm.sf(1.0) - stats.norm.sf(2.0)))
    )
    everywhere = made(Margin(margin, dim=6), 8, 4096, direction=axis(6), scan="all")
    assert abs(excess(np.array(everywhere._values), truth)) < 5
    assert not everywhere.notes()


def test_scan_finds_the_end_of_a_layer() -> None:
    """A layer before a half-space that would hide its end from a scan with wider steps."""
    plan = made(
        Margin(lambda x: np.minimum(np.abs(x[:, 0] - 3.15) - 0.15, 5.2 - x[:, 0]), dim=4), 18, 16, direction=axis(4)
    )
    truth = math.log(stats.norm.sf(3.0) - stats.norm.sf(3.3))
    assert plan.summary(0.95, sequential=False).log_value == pytest.approx(truth, abs=5e-4)


def test_lines_that_lie_in_the_set_are_reported() -> None:
    def margin(x: np.ndarray) -> np.ndarray:
        return np.minimum(4.0 - x[:, 0], 2.8 - x[:, 1])

    plan = made(Margin(margin, dim=5), 9, 1024, direction=axis(5))
    within = plan.details()["lines_within"]
    assert 0 < within < 30
    assert any("nearly all along" in note for note in plan.notes())
    truth = math.log(stats.norm.sf(4.0) + stats.norm.sf(2.8) - stats.norm.sf(4.0) * stats.norm.sf(2.8))
    assert abs(excess(np.array(plan._values), truth)) < 5


def test_margins_that_say_little() -> None:
    at = {"direction": axis(3)}
    cases = {
        "never": (lambda x: np.ones(len(x)), -math.inf),
        "always": (lambda x: -np.ones(len(x)), 0.0),
        "endless": (lambda x: np.where(x[:, 0] > 3.0, -1.0, math.inf), float(special.log_ndtr(-3.0))),
        "two values": (lambda x: np.where(x[:, 0] >= 3.0, -1.0, 1.0), float(special.log_ndtr(-3.0))),
        "cut off": (lambda x: np.maximum(3.0 - x[:, 0], 0.0), float(special.log_ndtr(-3.0))),
        "wild slopes": (lambda x: np.expm1(8.0 * (3.0 - x[:, 0])), float(special.log_ndtr(-3.0))),
        "kinked": (lambda x: np.maximum(3.0 - x[:, 0], 40.0 * (3.0 - x[:, 0])), float(special.log_ndtr(-3.0))),
        "slow": (lambda x: np.exp(-x[:, 0]) - math.exp(-3.0), float(special.log_ndtr(-3.0))),
    }
    for name, (function, truth) in cases.items():
        plan = made(Margin(function, dim=3), 10, 16, **at)
        found = plan.summary(0.95, sequential=False)
        assert found.log_value == pytest.approx(truth, abs=3 * TOLERANCE), name
    nothing = made(Margin(cases["never"][0], dim=3), 10, 16, **at)
    assert nothing.summary(0.95, sequential=False).log_spread == (-math.inf, -math.inf)
    assert nothing.notes() == ("No line met an error: the method saw nothing of the set.",)


def test_functions_that_fail() -> None:
    asked = 0

    def margin(x: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(x)
        return np.full(len(x), math.nan) if asked > 12_000 else 4.0 - x[:, 0]

    with pytest.raises(RunFailed, match="NaN"):
        volume(Margin(margin, dim=3), method=LineSampling(direction=axis(3)), n_samples=30_000, rng=1)
    with pytest.raises(FunctionError, match="NaN"):
        made(Margin(lambda x: np.full(len(x), math.nan), dim=3), 1, 16, direction=axis(3))


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="scan='some' must be"):
        LineSampling(scan="some")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="block_size=0 must be"):
        LineSampling(block_size=0)
    for direction in (np.zeros(3), [1.0, math.inf, 0.0], np.eye(3), [1.0, math.nan, 0.0]):
        with pytest.raises(ValueError, match="direction has shape"):
            LineSampling(direction=direction)
    with pytest.raises(ValueError, match=r"direction has shape \(3,\) but must have shape \(4,\)"):
        volume(HalfSpace(axis(4), 3.0), method=LineSampling(direction=axis(3)))
    with pytest.raises(ValueError, match="needs a Margin"):
        volume(Membership(lambda x: x[:, 0] > 3.0, dim=3), method=LineSampling(direction=axis(3)))


def test_reduced_functions() -> None:
    A = np.zeros((3, 50))
    A[0, :4], A[1, 4:9], A[2, 9] = 1.0, 0.5, 2.0
    reduction = reduce(A)
    margin = Margin(lambda y: 9.0 - y[:, 0] + 0.05 * y[:, 1] ** 2, dim=50, reduction=reduction)
    plan = made(margin, 11, 256, direction=A[0])
    y = np.linspace(-9.0, 9.0, 20001)
    truth = math.log(
        np.trapezoid(stats.norm.pdf(y) * stats.norm.sf((9.0 + 0.05 * 1.25 * y**2) / 2.0), y)
    )  # y_0 is 2 z_0 and y_1 is sqrt(1.25) z_1
    assert abs(excess(np.array(plan._values), truth)) < 5
    with pytest.raises(ValueError, match="direction must move the features"):
        made(margin, 11, 16, direction=np.eye(50)[49])


def test_pieces_of_a_user_are_a_fact() -> None:
    def pieces(points: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = (4.0 - points[:, 0]) / directions[:, 0]
        return t[:, None], np.full((len(t), 1), np.inf)

    margin = Margin(lambda x: 4.0 - x[:, 0], dim=5, pieces=pieces)
    found = made(margin, 12, 16, direction=axis(5)).summary(0.95, sequential=False)
    assert found.guarantee is Guarantee.LOWER_ONLY and found.given == "that pieces returns all intervals"
    assert found.log_value == pytest.approx(float(special.log_ndtr(-4.0)), rel=1e-12)


def test_settings_are_json_safe() -> None:
    first, second = LineSampling(direction=[1.0, 2.0]).settings(), LineSampling(direction=[1.0, 2.1]).settings()
    assert first["direction"] != second["direction"] and isinstance(first["direction"], str)
    assert LineSampling().settings() == {"name": "line", "direction": None, "scan": "auto"}


# Pairs


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("dim", [1, 2, 5, 300])
def test_pairs_have_the_law_of_lines(dim: int, mirrored: bool) -> None:
    method = LineSampling()
    problem = as_problem(HalfSpace(axis(dim), 1.0), method)
    a = axis(dim, 0.7)
    base = Bundle(problem, 99, a, mirrored).base(0, 2000)
    assert np.abs(base @ a).max() < 1e-12
    squares = (base**2).sum(axis=1)
    if dim == 1:
        assert np.all(np.abs(base) < 1e-12)
        return
    # Each line alone is normal across a: both the radius and a coordinate pass a test of their law at 1e-6.
    across = np.linalg.svd(a[None])[2][1]
    for part in (0, 1):
        assert stats.kstest(squares[part::2], stats.chi2(dim - 1).cdf).pvalue > 1e-6
        assert stats.kstest(base[part::2] @ across, stats.norm.cdf).pvalue > 1e-6
    below, above = stats.chi2.cdf(squares[0::2], dim - 1), stats.chi2.sf(squares[1::2], dim - 1)
    np.testing.assert_allclose(below, above, rtol=1e-9, atol=1e-12)
    cosines = (base[0::2] * base[1::2]).sum(axis=1) / np.sqrt(squares[0::2] * squares[1::2])
    if mirrored:
        np.testing.assert_allclose(cosines, -1.0, rtol=1e-12)
    else:
        assert abs(cosines.mean()) < 5 / math.sqrt(2000)


def test_pairs_offset_what_bends_alike() -> None:
    """Against independent lines, whose values have twice the variance of the means of two."""
    plan = made(SETS["paraboloid"], 13, 1000, direction=axis(100))
    lone = relative_deviation(special.log_ndtr(-(4.0 + 0.01 * stats.chi2.rvs(99, size=4000, random_state=1))))
    assert relative_deviation(np.array(plan._values)) ** 2 < 0.3 * lone**2


def test_mirrors_where_sides_differ() -> None:
    rng = np.random.default_rng([14, 1])
    base = rng.standard_normal((16, 3))
    base[1::2] = -base[0::2]
    assert opposites_differ(base, base[:, 0], 3)
    assert not opposites_differ(base, base[:, 0] ** 2 - base[:, 1] ** 2, 3)
    assert not opposites_differ(base, np.full(16, np.inf), 3)


def test_trend_is_shrunk() -> None:
    rng = np.random.default_rng([15, 1])
    base = rng.standard_normal((16, 50))
    squares = (base**2).sum(axis=1)
    exact = Trend.fit(base, 3.0 + 0.01 * (squares - 50.0), 50)
    assert (exact.middle, exact.slope) == (pytest.approx(3.0), pytest.approx(0.01))
    noise = rng.standard_normal(16)
    assert abs(Trend.fit(base, noise, 50).slope) < abs(np.polyfit(squares, noise, 1)[0])


# Roots


def lines_of(function: Any) -> Lines:
    return Lines(as_problem(Margin(function, dim=1), LineSampling()), np.zeros((1, 1)), np.ones(1))


RATE = Reach(-9.0, 20.0, lambda t: np.maximum(t, 1.0))


@pytest.mark.parametrize(
    ("function", "most"),
    [
        (lambda t: 5.0 - t, 2), (lambda t: (5.0 - t) * (1 + 0.1 * t), 5), (lambda t: 125.0 - t**3, 7),
        (lambda t: np.where(t < 5, 5.0 - t, 50.0 * (5.0 - t)), 12), (lambda t: np.sign(5.0 - t), 25),
        (lambda t: np.where(t < 5, np.inf, -1.0), 25), (lambda t: np.where(t < 5, 1.0, -np.inf), 25),
        (lambda t: np.tanh(50 * (5.0 - t)), 25),
    ],
)  # fmt: skip
@pytest.mark.parametrize("start", [-3.0, 3.9, 4.99, 5.0, 5.3, 12.0])
def test_roots(function: Any, most: int, start: float) -> None:
    lines = lines_of(lambda x: function(x[:, 0]))
    root = search(lines, np.zeros(1, np.intp), np.array([start]), RATE).roots[0]
    assert abs(root - 5.0) * 5.0 < 2 * TOLERANCE
    assert lines.calls <= most + 5  # strides to the sign change


def test_a_known_slope_saves_calls() -> None:
    lines = lines_of(lambda x: 5.1 - 1.1 * x[:, 0])
    search(lines, np.zeros(1, np.intp), np.array([5.1 / 1.1 + 1e-6]), RATE, slope=-1.1, doubt=0.0)
    assert lines.calls == 1
    search(lines, np.zeros(1, np.intp), np.array([4.0]), RATE, slope=-1.0, doubt=0.0)
    assert lines.calls <= 1 + 4


def test_roots_that_do_not_exist() -> None:
    for value, root in ((1.0, math.inf), (-1.0, -math.inf)):
        lines = lines_of(lambda x, value=value: np.full(len(x), value))
        assert search(lines, np.zeros(1, np.intp), np.array([3.0]), RATE).roots[0] == root
        assert lines.calls < 8


def test_scan_keeps_all_sign_changes() -> None:
    lines = lines_of(lambda x: np.prod(x - np.array([-3.0, -1.2, 0.9, 2.6, 5.1]), axis=1))
    nodes = np.arange(-6.0, 8.0, 1.0)[None]
    for roots in ([math.nan], [5.1 - 1e-9]):  # enters the set downwards of -3, in (-1.2, 0.9) and (2.6, 5.1)
        if math.isfinite(roots[0]):
            roots = [2.6]
            lines = lines_of(lambda x: -np.prod(x - np.array([-3.0, -1.2, 0.9, 2.6, 5.1])[::-1], axis=1) * -1.0)
        pieces = scan(lines, np.zeros(1, np.intp), nodes - 0.05, np.array(roots), RATE)
        used = pieces.low[0] < np.inf
        np.testing.assert_allclose(pieces.low[0][used], [-np.inf, -1.2, 2.6], atol=1e-4)
        np.testing.assert_allclose(pieces.high[0][used], [-3.0, 0.9, 5.1], atol=1e-4)


# Values


@pytest.mark.parametrize("dof", [1, 2, 7, 1000])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.975, 1 - 1e-9])
def test_student_quantile(dof: int, confidence: float) -> None:
    assert student_quantile(confidence, dof) == pytest.approx(stats.t.isf((1 - confidence) / 2, dof), rel=1e-9)


def test_spread_of_logs() -> None:
    logs = np.log([1.0, 2.0, 4.0, 9.0])
    low, high = log_spread(logs, 0.9)
    for shift in (-1e6, 100.0):
        assert log_spread(logs + shift, 0.9) == (pytest.approx(low + shift), pytest.approx(high + shift))
    assert 0.5 * (low + high) == pytest.approx(math.log(4.0))
    assert high - low == pytest.approx(2 * stats.t.isf(0.05, 3) * np.std([1, 2, 4, 9], ddof=1) / 4.0 / 2.0)
    assert log_spread(np.zeros(1), 0.9) == (-math.inf, 0.0)
    assert relative_deviation(np.full(3, -np.inf)) == 0.0
    both = Union(HalfSpace([1.0, 0.0], 3.0), HalfSpace([0.0, 1.0], 3.0))
    assert made(both, 1, 16, direction=[1.0, 1.0]).n_units == 16
