"""Searches for design points: all pieces, at their distances, at kinks too, for few calls."""

import tracemalloc

import numpy as np
import pytest

from isoperimetry.estimators.base import Run
from isoperimetry.estimators.design import NoDesignPoint, design_points
from isoperimetry.estimators.execution import Blocks
from isoperimetry.estimators.functions import Margin
from isoperimetry.estimators.record import RunRecord
from isoperimetry.estimators.setup import make_problem
from isoperimetry.progress import as_progress
from isoperimetry.streams import Stream


def problem_noise(*names):
    """Return a generator for problems, apart from the noise of every sampler."""
    return np.random.default_rng(np.random.SeedSequence(20, spawn_key=names))


def make_run(seed=0, n_samples=100_000):
    return Run(
        stream=Stream(seed=seed, path=("design points",)), confidence=0.95, rel_error=None, n_samples=n_samples,
        blocks=Blocks(None, RunRecord(None)), progress=as_progress(None),
    )  # fmt: skip


def search(margin, seed=0, n_samples=100_000, **options):
    problem = make_problem(margin, np.zeros(margin.dim), 1.0, "auto")
    run = make_run(seed, n_samples)
    return design_points(problem, run, **options), run


def largest(planes, offsets, *, sign=1.0):
    """Return the margin that is the largest (or, with sign -1, the least) of ``offsets - planes @ x``."""

    def values(x):
        return sign * (offsets - x @ planes.T)

    return Margin(
        lambda x: sign * values(x).max(axis=1), dim=planes.shape[1],
        gradient=lambda x: -planes[values(x).argmax(axis=1)],
    )  # fmt: skip


def units(rng, m, n):
    planes = rng.standard_normal((m, n))
    return planes / np.linalg.norm(planes, axis=1, keepdims=True)


def network(n=60, hidden=40):
    rng = problem_noise(6)
    first, shift = rng.standard_normal((hidden, n)) / np.sqrt(n), rng.standard_normal(hidden)
    last = rng.standard_normal(hidden) * np.sqrt(2 / hidden)
    level = 4.2 * np.linalg.norm(first.T @ (last * (shift > 0)))
    at_0 = np.maximum(shift, 0) @ last
    return Margin(
        lambda x: np.maximum(x @ first.T + shift, 0) @ last - at_0 + level, dim=n,
        gradient=lambda x: ((x @ first.T + shift > 0) * last) @ first,
    )  # fmt: skip


def test_a_half_space_is_found_at_once():
    normal = units(problem_noise(1), 1, 784)
    points, run = search(largest(normal, np.array([4.75])), starts=1)
    assert points.betas.tolist() == pytest.approx([4.75], rel=1e-12)
    assert points.directions[0] == pytest.approx(normal[0], abs=1e-14)
    assert points.points[0] == pytest.approx(4.75 * normal[0], abs=1e-12)
    assert run.n_search_gradients == 2 and run.n_search <= 4 and points.n_starts == 1


def test_all_pieces_of_a_union():
    found, gradients = [], []
    offsets = np.linspace(4.0, 5.0, 16)
    union = largest(units(problem_noise(2), 16, 784), offsets, sign=-1.0)
    for seed in range(12):
        points, run = search(union, seed)
        found.append(len(points.betas))
        gradients.append(run.n_search_gradients)
        assert set(points.betas.round(9)) <= set(offsets.round(9))
        assert (np.diff(points.betas) >= 0).all()
    assert max(gradients) <= 1500
    assert sum(count == 16 for count in found) >= 10 and max(found) == 16


@pytest.mark.parametrize("corners", [2, 3])
def test_the_corner_of_an_intersection(corners):
    planes = np.eye(10)[:corners]
    points, run = search(largest(planes, np.full(corners, 5.0)))
    assert points.betas.tolist() == pytest.approx([5.0 * np.sqrt(corners)], rel=1e-4)
    assert points.directions[0] @ planes.sum(axis=0) == pytest.approx(np.sqrt(corners), rel=1e-6)
    assert run.n_search_gradients < 400


def test_a_network_with_kinks():
    margin = network()
    points, _ = search(margin)
    gradient = margin.gradient(points.points)
    assert (np.abs(margin.function(points.points)) <= 1e-3 * np.linalg.norm(gradient, axis=1)).all()
    # No direction near that of the nearest point reaches the boundary clearly sooner.
    noise = problem_noise(7).standard_normal((4000, margin.dim)) * np.geomspace(1e-3, 0.3, 4000)[:, None] / 8.0
    directions = points.directions[0] + noise
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert margin.function(points.betas[0] * directions).min() > -0.03 * np.linalg.norm(gradient[0])


def test_a_curved_boundary():
    normal = units(problem_noise(3), 1, 50)[0]

    def margin(x):
        along = x @ normal
        return 4.0 - along + 0.01 * (np.square(x).sum(axis=1) - along**2)

    points, _ = search(Margin(margin, dim=50, gradient=lambda x: -normal + 0.02 * (x - (x @ normal)[:, None] * normal)))
    assert points.betas.tolist() == pytest.approx([4.0], rel=1e-4)


def test_where_a_ray_leaves_the_errors_is_no_design_point():
    def gradient(x):
        return np.where(x[:, :1] < 4.25, -1.0, 1.0) * np.eye(5)[0]

    points, _ = search(Margin(lambda x: np.abs(x[:, 0] - 4.25) - 0.25, dim=5, gradient=gradient))
    assert points.betas.tolist() == pytest.approx([4.0], rel=1e-9)


def test_nearly_parallel_pieces_are_one_and_others_are_kept():
    for angle, count in ((0.01, 1), (0.3, 2)):
        planes = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        points, _ = search(largest(planes, np.full(2, 4.0), sign=-1.0))
        assert len(points.betas) == count, angle


def test_without_gradients():
    normal = units(problem_noise(4), 1, 30)
    plain = Margin(lambda x: 5.0 - x @ normal[0], dim=30)
    points, run = search(plain, n_samples=20_000)
    assert points.betas.tolist() == pytest.approx([5.0], rel=1e-6)
    assert run.n_search_gradients == 0 and 60 <= run.n_search <= 2_500
    # A share that pays for less than one descent is overdrawn, as nothing could be sampled without a point.
    points, run = search(plain, n_samples=500)
    assert len(points.betas) == 1 and run.n_search <= 250


def test_a_flat_center():
    def margin(x):
        return np.minimum(5.0 - x[:, 0], 4.0)

    points, _ = search(Margin(margin, dim=8, gradient=lambda x: np.where(x[:, :1] > 1.0, -1.0, 0.0) * np.eye(8)[0]))
    assert points.betas.tolist() == pytest.approx([5.0], rel=1e-9)


def test_points_that_are_certainly_no_errors():
    def margin(x):
        return np.where(x[:, 1] > 3.0, np.inf, 5.0 - x[:, 0])

    points, _ = search(Margin(margin, dim=4, gradient=lambda x: np.tile(-np.eye(4)[0], (len(x), 1))))
    assert points.betas.tolist() == pytest.approx([5.0], rel=1e-9)


def test_nothing_to_find():
    flat = Margin(lambda x: np.ones(len(x)), dim=3, gradient=np.zeros_like)
    with pytest.raises(NoDesignPoint, match="descents of the margin found no point"):
        search(flat)
    with pytest.raises(ValueError, match="center of the noise is an error itself"):
        search(largest(np.eye(3)[:1], np.array([-0.5])))


def test_a_search_is_made_once():
    problem = make_problem(largest(np.eye(3), np.full(3, 4.0), sign=-1.0), np.zeros(3), 1.0, "auto")
    run = make_run()
    points = design_points(problem, run)
    calls = run.n_search
    assert design_points(problem, run) is points and run.n_search == calls
    flat = make_problem(Margin(lambda x: np.ones(len(x)), dim=3, gradient=np.zeros_like), np.zeros(3), 1.0, "auto")
    other = make_run()
    spent = []
    for _ in range(2):
        with pytest.raises(NoDesignPoint):
            design_points(flat, other)
        spent.append(other.n_search + other.n_search_gradients)
    assert spent[0] == spent[1] > 0


def test_a_round_boundary_ends_the_search():
    sphere = Margin(
        lambda x: 30.0 - np.linalg.norm(x, axis=1), dim=100,
        gradient=lambda x: -x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300),
    )  # fmt: skip
    points, run = search(sphere)
    assert points.betas == pytest.approx(30.0, rel=1e-6)
    assert points.n_starts <= 100 and run.n_search + run.n_search_gradients <= 10_000


def test_the_same_points_for_the_same_stream():
    margin = network()
    first, again = (search(margin, 3, starts=12)[0] for _ in range(2))
    assert np.array_equal(first.betas, again.betas) and np.array_equal(first.directions, again.directions)


def test_large_spaces_in_little_memory():
    normal = np.full(100_000, 100_000**-0.5)
    far = Margin(lambda x: 7.0 - x @ normal, dim=100_000, gradient=lambda x: np.tile(-normal, (len(x), 1)))
    tracemalloc.start()
    try:
        points, _ = search(far, n_samples=1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert points.betas.tolist() == pytest.approx([7.0], rel=1e-9)
    assert peak < 400e6
