"""The published search: the looks it takes, and its known shortcomings, which are kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from isoperimetry_bridges.torch.ford2019 import published_search
from isoperimetry_bridges.torch.scales import SigmaSearch, SigmaStatus


def run(passage: float, *, width: float = 1.0, n_samples: int = 1000) -> tuple[list[float], SigmaSearch]:
    """Return the scales asked for where the rate is 2 % from ``passage`` on and 0 below, and the record."""
    asked = []
    search = published_search("a", width=width, error_rate=0.01, n_samples=n_samples, confidence=0.95)
    questions = next(search)
    while True:
        (question,) = questions
        assert list(question.rays) == list(range(n_samples))
        asked.append(question.sigma)
        wrong = np.arange(n_samples) < (0.02 * n_samples if question.sigma >= passage else 0)
        try:
            questions = search.send([(wrong, np.zeros(n_samples, np.float32))])
        except StopIteration as end:
            return asked, end.value


def test_the_path_of_a_passage_above_the_start() -> None:
    asked, found = run(0.3)
    # Doubled from 0.1 to 0.2 and 0.4, then halved between 0.2 and 0.4 until the bracket is narrower than 0.001.
    assert asked[:6] == pytest.approx([0.1, 0.2, 0.4, 0.3, 0.25, 0.275])
    assert len(asked) == 3 + 8
    assert found.sigma == pytest.approx(0.3, abs=1e-3)
    assert found.status is SigmaStatus.BRACKETED


def test_the_path_of_a_passage_below_the_start() -> None:
    asked, found = run(0.03)
    assert asked[:4] == pytest.approx([0.1, 0.05, 0.025, 0.0375])
    assert found.sigma == pytest.approx(0.03, abs=1e-3)


def test_up_it_goes_to_the_middle_where_that_is_smaller_than_the_double() -> None:
    asked, _ = run(0.95)
    assert asked[:6] == pytest.approx([0.1, 0.2, 0.4, 0.7, 0.85, 0.925])


def test_what_it_returns_was_not_measured() -> None:
    asked, found = run(0.3)
    assert found.sigma not in asked  # the rate is that of the last look
    assert found.errors in (0, 20)
    assert (asked[-1], found.errors, 1000) in found.looks


def test_it_has_no_interval_and_counts_its_passes() -> None:
    asked, found = run(0.3, n_samples=200)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(found.rel_error)
    assert math.isnan(found.distance_low)
    assert found.distance == pytest.approx(2.3263 * found.sigma, rel=1e-4)
    assert found.n_calls == 200 * len(asked) + 1
    assert found.preset == "ford2019"


def test_an_end_of_its_bracket_is_named() -> None:
    _, found = run(7.0)
    assert found.status is SigmaStatus.NEVER_REACHED
    assert found.sigma == pytest.approx(1, abs=1e-3)
    _, found = run(0.0)
    assert found.status is SigmaStatus.BELOW_RANGE
    assert found.sigma < 1e-3


def test_scales_are_in_units_of_the_box() -> None:
    one, two = run(0.3), run(0.6, width=2.0)
    assert two[0] == pytest.approx([2 * sigma for sigma in one[0]])
    assert two[1].sigma == pytest.approx(2 * one[1].sigma)


def test_it_returns_what_find_sigma_does(exact: Any, seed: int) -> None:
    from isoperimetry_bridges.torch import Classifier, find_sigma

    (found,) = find_sigma(
        Classifier(exact.half_space(0.5)), exact.images(), [0], n_samples=1000, rng=seed, preset="ford2019"
    )
    assert found.status is SigmaStatus.BRACKETED
    assert 0.5 / 2.8 < found.sigma < 0.5 / 1.9
    assert found.image == 0
