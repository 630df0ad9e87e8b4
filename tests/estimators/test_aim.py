"""The direction of lines and the stretch of their base points: better lines, the same truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import isoperimetry as iso
from isoperimetry.estimators import LineSampling, Margin, volume
from isoperimetry.estimators.aim import aim
from isoperimetry.estimators.base import Run
from isoperimetry.estimators.bundles import Bundle, Stretch
from isoperimetry.estimators.execution import Blocks
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.record import RunRecord
from isoperimetry.estimators.setup import make_problem
from isoperimetry.progress import as_progress
from isoperimetry.streams import Stream

DIM = 40


def run_of(problem: Problem, n_samples: int = 20_000) -> Run:
    return Run(
        stream=Stream(seed=5), confidence=0.95, rel_error=None, n_samples=n_samples,
        blocks=Blocks(None, RunRecord(None)), progress=as_progress(None),
    )  # fmt: skip


def problem_of(margin: Margin) -> Problem:
    return make_problem(margin, np.zeros(margin.dim), 1.0, LineSampling())


def roof(angle: float = 0.3, beta: float = 5.0) -> Margin:
    """Two planes that meet in front of the center: the errors are beyond either."""
    normals = np.zeros((2, DIM))
    normals[:, 0], normals[:, 1] = math.cos(angle), (math.sin(angle), -math.sin(angle))
    return Margin(
        lambda x: (beta - x @ normals.T).min(axis=1),
        dim=DIM,
        gradient=lambda x: -normals[(x @ normals.T).argmax(axis=1)],
    )


def trough(kappa: float = 0.14, beta: float = 5.0) -> Margin:
    """A boundary that bends to the center along the second axis."""

    def gradient(x: np.ndarray) -> np.ndarray:
        slope = np.zeros_like(x)
        slope[:, 0], slope[:, 1] = -1.0, -kappa * x[:, 1]
        return slope

    return Margin(lambda x: beta - x[:, 0] - 0.5 * kappa * x[:, 1] ** 2, dim=DIM, gradient=gradient)


def trough_measure(kappa: float = 0.14, beta: float = 5.0) -> float:
    z = np.linspace(-12, 12, 200_001)
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return float(np.trapezoid(density * iso.special.ndtr(-(beta - 0.5 * kappa * z * z)), z))


def test_a_plane_keeps_its_direction() -> None:
    normal = np.eye(DIM)[3]
    problem = problem_of(
        Margin(lambda x: 5.0 - x[:, 3], dim=DIM, gradient=lambda x: np.tile(-normal, (len(x), 1)))
    )  # fmt: skip
    run = run_of(problem)
    found = aim(problem, run, normal, 5.0)
    assert found.direction is normal and found.stretch is None
    assert run.n_search <= 80 and run.n_search_gradients == 16


def test_without_a_gradient_nothing_is_asked() -> None:
    problem = problem_of(Margin(lambda x: 5.0 - x[:, 0] - 0.2 * x[:, 1] ** 2, dim=DIM))
    run = run_of(problem)
    found = aim(problem, run, np.eye(DIM)[0], 5.0)
    assert found.stretch is None and run.n_search == 0


def test_lines_turn_to_the_mean_normal() -> None:
    problem = problem_of(roof())
    one = np.zeros(DIM)
    one[:2] = math.cos(0.15), math.sin(0.15)
    found = aim(problem, run_of(problem), one, 5.0)
    assert found.direction[0] > 0.992 > one[0]
    assert found.direction @ found.direction == pytest.approx(1.0)


def test_base_points_are_stretched_along_a_bend() -> None:
    problem = problem_of(trough())
    found = aim(problem, run_of(problem), np.eye(DIM)[0], 5.0)
    assert found.stretch is not None
    widest = int(found.stretch.scales.argmax())
    assert abs(found.stretch.axes[widest, 1]) > 0.95
    assert found.stretch.scales[widest] > 1.3
    assert np.abs(found.stretch.axes @ found.direction).max() < 1e-9
    gram = found.stretch.axes @ found.stretch.axes.T
    assert np.allclose(gram, np.eye(len(gram)), atol=1e-9)


def test_stretched_points_have_their_law() -> None:
    problem = problem_of(trough())
    axes = np.zeros((2, DIM))
    axes[0, 1], axes[1, 2] = 1.0, 1.0
    bundle = Bundle(problem, 4711, np.eye(DIM)[0], False, Stretch(axes, np.array([1.6, 1.2])))
    base = bundle.base(0, 50_000)
    weights = np.exp(bundle.weighed(base, np.zeros(len(base))))
    assert weights.max() <= 1.6 * 1.2 * (1 + 1e-12)
    for values in (np.ones(len(base)), base[:, 1] ** 2, base[:, 2] ** 2, base[:, 3] ** 2):
        each = weights * values
        assert abs(each.mean() - 1.0) < 5 * each.std() / math.sqrt(len(each))
    assert not base[:, 0].any()


@pytest.mark.parametrize("name", ["roof", "trough"])
def test_the_estimate_stays_true(name: str) -> None:
    margin = roof() if name == "roof" else trough()
    if name == "roof":
        both = math.exp(float(iso.special.log_binormal_sf(5.0, 5.0, math.cos(0.6))))
        truth = 2 * float(iso.special.ndtr(-5.0)) - both
    else:
        truth = trough_measure()
    found = [volume(margin, method="line", n_samples=3000, rng=np.random.SeedSequence([7100, k])) for k in range(30)]
    ratios = np.array([estimate.value for estimate in found]) / truth
    error = ratios.std(ddof=1) / math.sqrt(len(ratios))
    assert abs(ratios.mean() - 1.0) < 5 * error + 5e-3  # beside the tolerance of searches
    assert error < 0.05


def test_a_stretch_saves_calls() -> None:
    plain = LineSampling(direction=np.eye(DIM)[0])
    scatter = [
        np.std(
            [
                volume(trough(), method=method, n_samples=6000, rng=np.random.SeedSequence([7100, k])).log_value
                for k in range(12)
            ]
        )
        for method in (plain, "line")
    ]
    assert scatter[1] < 0.8 * scatter[0]


def test_starts_of_the_caller_are_followed() -> None:
    # A second half-space whose margin is flat but near it: no descent from the center or from noise gets there.
    def margin(x: np.ndarray) -> np.ndarray:
        return np.minimum(4.5 - x[:, 0], np.minimum(4.6 - x[:, 1], 0.05))

    def gradient(x: np.ndarray) -> np.ndarray:
        slope = np.zeros_like(x)
        first = 4.5 - x[:, 0] < np.minimum(4.6 - x[:, 1], 0.05)
        second = ~first & (4.6 - x[:, 1] < 0.05)
        slope[first, 0], slope[second, 1] = -1.0, -1.0
        return slope

    def points(near: Any) -> int:
        rare = Margin(margin, dim=DIM, gradient=gradient, near=near)
        found = volume(rare, method="mixture", n_samples=20_000, rng=3)
        return int(found.details["half_spaces"])

    assert points(4.59 * np.eye(DIM)[:2]) == 2
    assert points(np.zeros((0, DIM))) == points(None)


@pytest.mark.parametrize(
    ("near", "error", "message"),
    [
        (np.zeros(DIM), ValueError, "near has shape"),
        (np.zeros((2, 3)), ValueError, "near has shape"),
        (np.full((1, DIM), np.nan), ValueError, "near"),
        ("here", TypeError, "near"),
    ],
)
def test_bad_starts_are_refused(near: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Margin(lambda x: x[:, 0], dim=DIM, near=near)
    with pytest.raises(TypeError, match="pass one of the two"):
        Margin(lambda x: x[:, 0], reduction=iso.reduce(np.eye(3)), near=np.zeros((1, 3)))
