"""The problems of the benchmark of volumes have the measures that they claim, and its rows say what the runs said."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import problems, volumes, volumes_page, volumes_peers, volumes_runs
from benchmarks.slices import ball_measure
from isoperimetry import special
from isoperimetry.errors import NotExact

SMALL = [name for name in problems.NAMES if name != "P1_large"]


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("P1", 1e-6), ("P3", 1e-6), ("P4", 1e-6), ("P5", 8.796e-7), ("P5_n100", 3.824e-7), ("P6", 9.897e-7),
        ("P7", 3.196e-5), ("P9", 1e-6), ("P10", 1e-9),
    ],
)  # fmt: skip
def test_measures(name: str, truth: float) -> None:
    assert problems.get(name).truth == pytest.approx(truth, rel=2e-4)


def test_sixteen_faces_are_hardly_correlated() -> None:
    problem = problems.get("P2")
    assert problem.truth == pytest.approx(1.230832e-4, rel=3e-5)  # of other random normals
    independent = -math.expm1(np.log1p(-special.ndtr(-np.linspace(4, 5, 16))).sum())
    assert problem.truth == pytest.approx(independent, rel=1e-4)
    assert problem.truth < special.ndtr(-np.linspace(4, 5, 16)).sum()


def test_radius_of_the_far_ball() -> None:
    ball = problems.get("P4").error_set
    assert ball.radius == pytest.approx(197.2178, abs=5e-5)
    assert ball_measure(197.2178**2, 200.0, 784) == pytest.approx(1e-6, rel=2e-4)


@pytest.mark.parametrize("name", SMALL)
def test_forms_are_the_same_errors(name: str) -> None:
    problem = problems.get(name)
    rng = problems.generator(99)
    x = rng.standard_normal((40, problem.dim))
    if problem.design is not None:  # points on either side of the boundary
        foot = problem.design[np.arange(40) % len(problem.design)]
        x = foot * np.where(np.arange(40) % 3 == 0, 1.02, 0.98)[:, None]
        at_foot = problem.function(problem.design)
        np.testing.assert_allclose(at_foot, 0.0, atol=1e-9)
        assert np.linalg.norm(problem.design, axis=1).min() == pytest.approx(problem.nearest, rel=1e-12)
    margins = problem.function(x)
    if problem.error_set is not None:
        assert np.array_equal(problem.error_set.contains(x), margins <= 0)
        assert problem.error_set.signed_distance(np.zeros(problem.dim)) == pytest.approx(problem.nearest, rel=1e-9)
        try:
            exact = problem.error_set.log_volume()
        except NotExact:
            assert name == "P2"
        else:
            assert exact == pytest.approx(problem.log_truth, abs=1e-8)
    if problem.features is not None:
        weights, function, gradient = problem.features
        np.testing.assert_allclose(function(x @ weights.T), margins, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(gradient(x @ weights.T) @ weights, problem.gradient(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SMALL)
def test_gradients(name: str) -> None:
    problem = problems.get(name)
    rng = problems.generator(98)
    x, step = rng.standard_normal((5, problem.dim)), 1e-6
    along = rng.standard_normal((5, problem.dim))
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    slope = (problem.function(x + step * along) - problem.function(x - step * along)) / (2 * step)
    np.testing.assert_allclose(np.einsum("ij,ij->i", problem.gradient(x), along), slope, rtol=1e-5, atol=1e-6)


def test_network_has_its_design_point() -> None:
    """Walk to the nearest error by steps to the tangent plane: it is where it was found when the measure was."""
    problem = problems.get("P6")
    assert problem.function(np.zeros((1, 784)))[0] > 0
    x = np.zeros((1, 784))
    least = math.inf
    for _ in range(60):
        value, gradient = problem.function(x)[0], problem.gradient(x)[0]
        x = 0.5 * x + 0.5 * ((gradient @ x[0] - value) / (gradient @ gradient) * gradient)[None]
        if abs(problem.function(x)[0]) < 0.02 * np.linalg.norm(gradient):
            least = min(least, float(np.linalg.norm(x)))
    assert least == pytest.approx(problem.nearest, rel=0.02)


def test_problems_and_samplers_share_no_noise() -> None:
    assert volumes_runs.SEED != problems.ENTROPY
    built = problems.get("P1").design[0] / problems.get("P1").nearest
    for seed in range(4):
        drawn = np.random.default_rng(seed).standard_normal(784)
        assert abs(drawn @ built) / np.linalg.norm(drawn) < 5.2 / math.sqrt(784)  # 2e-7 each


def _run(ratio: float, **what: Any) -> dict[str, Any]:
    limits = {"below": True, "above": True, "in_spread": True, "width": 2.0, "guarantee": "FINITE_SAMPLE"}
    cost = {"calls": 1000, "search": 10, "guard": 20, "gradients": 3, "seconds": 0.1, "used": "line"}
    return {"ratio": ratio, **limits, **cost, **what}


def test_a_row_says_what_the_runs_said() -> None:
    runs = [_run(1 + (-1) ** i * 0.1) for i in range(20)] + [{"failed": "ValueError: no"}]
    row = volumes_runs.summarise(runs)
    assert (row["ok"], row["n"], row["failures"]) == (20, 21, {"ValueError: no": 1})
    assert row["mean"] == pytest.approx(1.0) and not row["biased"]
    assert row["w10"] == pytest.approx(1000 * 0.01 * 20 / 19 * 100)
    biased = volumes_runs.summarise([_run(0.5 + 0.01 * (-1) ** i) for i in range(20)])
    assert biased["biased"] and "w10" not in biased
    assert volumes_page.w10({**biased, "form": "margin"}) == "BIASED"
    slightly = volumes_runs.summarise([_run(0.991)] * 20)
    assert not slightly["biased"] and slightly["off"] == pytest.approx(-0.009)
    assert volumes_page.w10(slightly) == "no scatter (off by -0.9 %)"
    assert volumes_page.w10(volumes_runs.summarise([_run(1.0)] * 20)) == "exact"
    few = volumes_runs.summarise([_run(1 + (-1) ** i * 0.1, calls=400) for i in range(20)])
    assert "w10" not in few  # not from runs as short as that
    assert volumes_runs.summarise([{"failed": "Late: no"}])["ok"] == 0


def test_coverage_is_judged_by_what_was_promised() -> None:
    missed = [_run(1.0, above=False)] * 150 + [_run(1.0)] * 850
    (row,) = volumes_runs.coverage(missed)
    assert row["held"] == 850 and row["verdict"] == "FAILS"
    (row,) = volumes_runs.coverage([{**one, "guarantee": "LOWER_ONLY"} for one in missed])
    assert row["held"] == 1000 and row["verdict"] == "ok" and row["interval"] == 0.85
    (row,) = volumes_runs.coverage([{**one, "guarantee": "ASYMPTOTIC"} for one in missed])
    assert row["verdict"] == "not promised"
    (row,) = volumes_runs.coverage([_run(1.0, above=False)] * 50 + [_run(1.0)] * 950)
    assert row["verdict"] == "ok"
    # A guarantee that is given when it is wrong only, but seldom, breaks no promise.
    seldom = [_run(1.0, above=False)] * 30 + [_run(1.0, guarantee="ASYMPTOTIC")] * 970
    assert [row["verdict"] for row in volumes_runs.coverage(seldom)] == ["not promised", "ok"]


def test_runs_of_ours_cover_and_are_counted() -> None:
    task = volumes_runs.Task(problem="P1_n2_common", method="crude", n_samples=2000, purpose="test")
    runs = volumes_runs.run_some(task, range(100))
    assert all(one["calls"] + one["search"] == 2000 and one["guarantee"] == "FINITE_SAMPLE" for one in runs)
    (row,) = volumes_runs.coverage(runs)
    assert row["verdict"] == "ok"
    summary = volumes_runs.summarise(runs)
    assert summary["mean"] == pytest.approx(1.0, abs=5 * math.sqrt(0.99 / 0.01 / 2000 / 100))  # 6e-7
    assert summary["w10"] == pytest.approx(9900, rel=5 * math.sqrt(2.5 / 99))
    again = volumes_runs.run_some(task, range(2))
    assert [{**one, "seconds": 0} for one in again] == [{**one, "seconds": 0} for one in runs[:2]]
    wrong = volumes_runs.run(volumes_runs.Task(problem="P1_n2", form="features", method="crude"), 0)
    assert wrong["failed"].startswith("ValueError: form='features'")


def test_a_run_that_takes_too_long_is_given_up() -> None:
    task = volumes_runs.Task(problem="P2", form="margin", method="crude", n_samples=10**8, purpose="test", limit=0.2)
    first, second = volumes_runs.run_some(task, range(2))
    assert first["failed"] == "Late: no answer in 0.2 s" and second["failed"].startswith("not begun")


def test_every_task_can_be_posed() -> None:
    tasks = volumes.efficiency_tasks(SMALL, volumes.METHODS) + volumes.coverage_tasks(SMALL, volumes.METHODS)
    assert {task.method for task in tasks} == set(volumes.METHODS)
    for task in tasks:
        assert task.form in problems.get(task.problem).forms
        assert problems.get(task.problem).posed(task.form).dim == problems.get(task.problem).dim
    for name, method in volumes.GOALS:
        assert any((task.problem, task.method, task.form) == (name, method, "margin") for task in tasks)


def test_page_and_picture(tmp_path: Path) -> None:
    row = {"problem": "P2", "method": "mixture", "form": "margin", "n_samples": 3000, "goal": 100.0, "reached": False}
    row |= volumes_runs.summarise([_run(1 + (-1) ** i * 0.1) for i in range(20)])
    failed = {"problem": "P2", "method": "OpenTURNS FORM", "form": "margin"} | volumes_runs.summarise(
        [{"failed": "a|b"}]
    )
    (covers,) = volumes_runs.coverage([_run(1.0)] * 20)
    threads = {"speed_up": 1.9, "range": [1.8, 2.0], "same_bits": True, "load_before": 0.1, "goal": 1.8}
    speed = {"set": "ball", "ns": 40.0, "naive_ns": 2e6, "set_up": 0.01, "factor": 5e4, "least": 4e4, "most": 6e4}
    record = {
        "machine": {"cores": 2}, "problems": [volumes_page.describe(problems.get("P2"))], "efficiency": [row],
        "peers": [failed], "coverage": [{**row, **covers, "rel_error": None}],
        "large": [{"set": "black box", "failed": "no answer in 300 s"}],
        "speed": [{**speed, "goal": 4e4, "reached": True}],
        "threads": {**threads, "reached": True},
        "trace": [{"method": "line", "steps": [{"calls": 9, "ratio": 1.0, "low": 0.9, "high": 1.2}]}],
    }  # fmt: skip
    json.dumps(record, allow_nan=False)
    volumes_page.write(record, tmp_path / "page.md", tmp_path / "picture.png")
    page = (tmp_path / "page.md").read_text()
    assert "| mixture | 20/20 | 1 |" in page and "(goal 100, missed)" in page and "a/b (1)" in page
    assert (tmp_path / "picture.png").stat().st_size > 5000
    assert len(volumes_page.failures(record)) == 2  # the goal, and the large run


def test_peer_answers_and_failures_are_told() -> None:
    pytest.importorskip("openturns")
    form, line = (volumes_peers.run(f"OpenTURNS {name}", problems.get("P1_n2"), 10_001) for name in ("FORM", "line"))
    assert form.value == pytest.approx(1e-6, rel=1e-9) and math.isnan(form.low) and 0 < form.calls < 100
    assert line.value == pytest.approx(1e-6, rel=1e-9) and not line.failed
    row = volumes_runs.summarise(volumes_runs.of_peer(problems.get("P1_n2"), [form, line]))
    assert row["ok"] == 2 and row["mean"] == pytest.approx(1.0)


def test_a_peer_that_does_not_answer_is_a_failure() -> None:
    pytest.importorskip("openturns")
    first, second = volumes_peers.run_apart("OpenTURNS subset", "P2", [1, 2], limit=0.01)
    assert first.failed == "no answer in 0.01 s" and second.failed.startswith("not begun")
