"""Searches side by side and what is known of rays: answers reach who asked, and nothing is asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch.judging import Judged
from isoperimetry_bridges.torch.noise import Run
from isoperimetry_bridges.torch.rays import SIDE_BY_SIDE, Question, Rays, Search, run_searches


class FakeJudge:
    """A draw is wrong where image + number of the draw + scale is at least 10; the margin tells the three apart."""

    def __init__(self) -> None:
        self.rounds: list[tuple[Run, ...]] = []

    def judge(self, runs: Sequence[Run], *, margins: bool = False) -> Judged:
        self.rounds.append(tuple(runs))
        values = np.concatenate([run.image + run.sigma + np.arange(run.first, run.first + run.count) for run in runs])
        return Judged(values >= 10, values < 0, (10 - values).astype(np.float32) if margins else None)


def asking(questions: list[list[Question]], answers: list[Any]) -> Search:
    for question in questions:
        answers.append((yield question))
    return "record"  # type: ignore[return-value]


def test_one_round_judges_what_all_searches_ask() -> None:
    judge: Any = FakeJudge()
    heard: dict[int, list[Any]] = {3: [], 5: []}
    first = asking([[Question(0.5, np.array([0, 1, 2, 7, 8])), Question(2.0, np.array([4]))]], heard[3])
    second = asking([[Question(1.0, np.array([6]))], [Question(3.0, np.array([0, 2]))]], heard[5])
    streams = [as_stream(1), as_stream(2)]
    done = []
    found = run_searches(
        judge, [(3, streams[0], first), (5, streams[1], second)], lambda index, record: done.append((index, record))
    )
    assert found == {3: "record", 5: "record"}
    assert done == [(3, "record"), (5, "record")]
    assert judge.rounds == [
        (
            Run(3, 0.5, streams[0], 0, 3),
            Run(3, 0.5, streams[0], 7, 2),
            Run(3, 2.0, streams[0], 4, 1),
            Run(5, 1.0, streams[1], 6, 1),
        ),
        (Run(5, 3.0, streams[1], 0, 1), Run(5, 3.0, streams[1], 2, 1)),
    ]
    (((wrong, margins), (wrong2, margins2)),) = heard[3]
    assert wrong.tolist() == [False, False, False, True, True]
    assert margins.tolist() == [6.5, 5.5, 4.5, -0.5, -1.5]
    assert (wrong2.tolist(), margins2.tolist()) == ([False], [1.0])
    assert [[margin.tolist() for _, margin in answers] for answers in heard[5]] == [[[-2.0]], [[2.0, 0.0]]]


def test_not_all_searches_are_at_work_at_once() -> None:
    judge: Any = FakeJudge()
    n = 2 * SIDE_BY_SIDE + 1
    searches = [(i, as_stream(i), asking([[Question(1.0, np.array([0]))]] * (1 + i % 3), [])) for i in range(n)]
    found = run_searches(judge, searches)
    assert sorted(found) == list(range(n))
    assert max(len(runs) for runs in judge.rounds) == SIDE_BY_SIDE
    assert [run.image for runs in judge.rounds for run in runs].count(1) == 2


def answer(walk: Any, truth: Any, asked: list[tuple[float, list[int]]]) -> Any:
    """Run a generator of questions, with ``truth(sigma, ray)``; return its result."""
    answers = None
    while True:
        try:
            questions = walk.send(answers)
        except StopIteration as end:
            return end.value
        asked += [(question.sigma, question.rays.tolist()) for question in questions]
        answers = [
            (np.array([truth(q.sigma, ray) for ray in q.rays]), np.array([ray - 50 for ray in q.rays], np.float32))
            for q in questions
        ]


def test_nothing_is_asked_twice() -> None:
    rays, asked = Rays([float(i) for i in range(10)]), []  # type: ignore[var-annotated]
    truth = lambda sigma, ray: sigma >= ray  # noqa: E731
    answer(rays.ask([(4, np.arange(3)), (6, np.array([1, 8]))]), truth, asked)
    answer(rays.ask([(4, np.arange(6)), (6, np.array([8]))]), truth, asked)
    assert asked == [(4.0, [0, 1, 2]), (6.0, [1, 8]), (4.0, [3, 4, 5])]
    assert rays.n_calls == 8
    assert rays.errors(4, 6) == 5
    assert rays.errors(4, 3) == 3
    assert rays.asked(6, 9) == 2
    assert rays.wrong(4, 6).tolist() == [0, 1, 2, 3, 4]
    assert rays.right_by_margin(4, 6).tolist() == [5]


def test_a_count_asks_only_where_no_other_scale_tells() -> None:
    rays, asked = Rays([float(i) for i in range(100)]), []  # type: ignore[var-annotated]
    truth = lambda sigma, ray: sigma >= 10 * ray  # noqa: E731
    assert answer(rays.count(50, 10), truth, asked) == 6
    assert answer(rays.count(20, 10), truth, asked) == 3
    assert answer(rays.count(35, 10), truth, asked) == 4
    assert answer(rays.count(50, 12), truth, asked) == 6
    assert asked == [(50.0, list(range(10))), (20.0, [0, 1, 2, 3, 4, 5]), (35.0, [3, 4, 5]), (50.0, [10, 11])]


@pytest.mark.parametrize("hint", [-5, 0, 3, 41, 42, 43, 90, 99, 500])
@pytest.mark.parametrize("wanted", [1, 5, 10])
def test_a_passage_is_the_first_scale_with_so_many_errors(hint: int, wanted: int) -> None:
    rays = Rays([float(i) for i in range(100)])
    truth = lambda sigma, ray: sigma >= 9 * ray + 1  # noqa: E731
    assert answer(rays.passage(wanted, hint, 99, 11), truth, []) == 9 * (wanted - 1) + 1
    everywhere = Rays([float(i) for i in range(100)])
    assert answer(everywhere.passage(wanted, hint, 99, 11), lambda sigma, ray: True, []) == 0


def test_wrong_counts_where_a_ray_is_right_again() -> None:
    rays = Rays([float(i) for i in range(10)])
    answer(rays.ask([(3, np.arange(4)), (7, np.arange(4))]), lambda sigma, ray: sigma == 3 and ray < 2, [])
    assert answer(rays.count(7, 4), lambda sigma, ray: pytest.fail("asked"), []) == 2
    assert rays.errors(7, 4) == 0
    assert rays.wrong_by(7, 4).tolist() == [0, 1]
    assert rays.right_by_margin(7, 4).tolist() == [0, 1, 2, 3]
