"""Draws are judged alike however they are cut, batched and spread over workers; faults are told in one sentence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry.special import ndtr
from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch import Classifier, judging
from isoperimetry_bridges.torch.judging import Judge
from isoperimetry_bridges.torch.noise import Run, noise_stream, noisy_images
from isoperimetry_bridges.torch.timing import Stopwatch

LABELS = torch.tensor([0, 0])


def runs_of(seed: int, *cuts: tuple[int, float, int, int]) -> list[Run]:
    root = as_stream(seed)
    return [Run(i, sigma, noise_stream(root, "count", i), first, count) for i, sigma, first, count in cuts]


@pytest.fixture
def mixed(seed: int) -> list[Run]:
    return runs_of(seed, (0, 0.3, 0, 700), (1, 0.6, 5, 1), (0, 1.2, 2, 350), (1, 0.2, 0, 49))


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("size", [1, 7, 100, 4000])
def test_answers_are_those_of_the_draws(exact: Any, mixed: list[Run], workers: int, size: int) -> None:
    images = exact.images(2)
    images[1] += 0.1
    expected, margins = [], []
    for run in mixed:
        draws = noisy_images(images[run.image], run.sigma, stream=run.stream, first=run.first, count=run.count)
        margins.append(-exact.half_space(0.3)(draws)[:, 1])
        expected.append(margins[-1] < 0)
    classifier = Classifier(exact.half_space(0.3), batch_size=size)
    with Judge(classifier, images, LABELS, workers=workers) as judge:
        judged = judge.judge(mixed, margins=True)
        errors, ties = judge.count(mixed)
    assert np.array_equal(judged.wrong, torch.cat(expected).numpy())
    assert judged.margins is not None and np.allclose(judged.margins, torch.cat(margins).numpy(), atol=1e-5)
    assert errors.tolist() == [int(part.sum()) for part in expected] and not ties.any()
    assert judge.n_calls == 2 * 1100
    assert not [thread for thread in threading.enumerate() if "serve" in thread.name]


def test_cuts_do_not_matter_and_counts_add_up(
    exact: Any, mixed: list[Run], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = runs_of(seed, (0, 0.3, 0, 1), (0, 0.3, 1, 511), (0, 0.3, 512, 188), (1, 0.6, 5, 1), (0, 1.2, 2, 349))
    cut += runs_of(seed, (0, 1.2, 351, 1), (1, 0.2, 0, 49))
    with Judge(Classifier(exact.half_space(0.3)), exact.images(2), LABELS) as judge:
        assert np.array_equal(judge.judge(cut).wrong, judge.judge(mixed).wrong)
        whole, _ = judge.count(mixed)
        monkeypatch.setattr(judging, "ROWS_AT_ONCE", 64)
        assert judge.count(mixed)[0].tolist() == whole.tolist()
        assert judge.count([])[0].tolist() == []


def test_labels_go_with_their_images(exact: Any, seed: int) -> None:
    runs = runs_of(seed, (0, 1.0, 0, 100), (1, 1.0, 0, 100))
    with Judge(Classifier(exact.constant(1)), exact.images(2), torch.tensor([0, 1])) as judge:
        assert judge.count(runs)[0].tolist() == [100, 0]


class Limited(nn.Module):
    """A half-space that has no memory for more than ``most`` images at once."""

    def __init__(self, inner: nn.Module, most: int) -> None:
        super().__init__()
        self.inner, self.most = inner, most

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        out: Tensor = self.inner(x)
        return out


@pytest.mark.parametrize("workers", [1, 3])
def test_out_of_memory_halves_the_batch_and_changes_no_answer(exact: Any, mixed: list[Run], workers: int) -> None:
    inner = exact.half_space(0.3)
    with Judge(Classifier(inner), exact.images(2), LABELS) as judge:
        expected = judge.judge(mixed).wrong
    classifier = Classifier(Limited(inner, 100).eval())
    with Judge(classifier, exact.images(2), LABELS, workers=workers) as judge:
        assert np.array_equal(judge.judge(mixed).wrong, expected)
        assert judge.batch_size == classifier.batch_size(exact.dim) == 64
    with (
        Judge(Classifier(Limited(inner, 0).eval()), exact.images(2), LABELS, workers=workers) as judge,
        pytest.raises(ModelError, match="memory does not suffice for one input"),
    ):
        judge.judge(mixed)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_answer_names_image_and_draw(exact: Any, seed: int, workers: int, value: float) -> None:
    runs = runs_of(seed, (0, 0.3, 0, 700), (1, 0.6, 10, 500))
    draw = noisy_images(exact.images()[0], 0.6, stream=runs[1].stream, first=444, count=1)
    key = float(draw[0, 0, 0, 0])

    def logits(x: Tensor) -> Tensor:
        out = torch.stack([torch.zeros(len(x)), x[:, 0, 0, 1]], 1)
        out[x[:, 0, 0, 0] == key] = value
        return out

    with (
        Judge(Classifier(exact.module(logits)), exact.images(2), LABELS, workers=workers) as judge,
        pytest.raises(ModelError, match=r"draw 444 around images\[1\] at sigma=0\.6"),
    ):
        judge.judge(runs)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_a_model_raises_ends_the_work_and_the_threads(exact: Any, seed: int, error: type[BaseException]) -> None:
    def logits(x: Tensor) -> Tensor:
        raise error("here")

    before = threading.active_count()
    expected = ModelError if error is ZeroDivisionError else error
    with (
        pytest.raises(expected, match="here"),
        Judge(Classifier(exact.module(logits)), exact.images(2), LABELS, workers=3) as judge,
    ):
        judge.judge(runs_of(seed, (0, 0.3, 0, 10_000)))
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="closed"):
        judge.judge(runs_of(seed, (0, 0.3, 0, 1)))


@pytest.mark.parametrize("make", [lambda m: m.double(), lambda m: m.bfloat16()])
def test_other_types(exact: Any, seed: int, surely: Callable[..., None], make: Callable[[Any], Any]) -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(exact.dim, 2))
    with torch.no_grad():
        weight = torch.stack([torch.zeros(exact.dim), exact.normal()])
        linear[1].weight.copy_(weight)
        linear[1].bias.copy_(torch.tensor([1.0, 0.7]) - weight @ exact.images()[0].flatten())
    classifier = Classifier(make(linear).eval())
    images = exact.images(2).to(classifier.input_dtype)
    with Judge(classifier, images, LABELS) as judge:
        (errors,), (ties,) = judge.count(runs_of(seed, (0, 0.6, 0, 20_000)))
    if classifier.dtype == torch.float64:
        surely(int(errors), 20_000, float(ndtr(-0.5)))
        assert ties == 0
    else:
        assert abs(errors - 20_000 * float(ndtr(-0.5))) < 1500
        assert ties > 500  # the slack is 64 epsilons of 1/128: half of the largest logit, which is about 1


def test_one_logit_and_a_criterion_of_the_user(exact: Any, seed: int, surely: Callable[..., None]) -> None:
    inner = exact.half_space(0.3)
    single = Classifier(exact.module(lambda x: inner(x)[:, 1]))
    own = Classifier(
        exact.module(lambda x: {"score": inner(x)[:, 1]}), error=lambda out, bar: out["score"] > bar.flatten(1)[:, 0]
    )
    runs = runs_of(seed, (0, 0.6, 0, 5000))
    with Judge(single, exact.images(2), LABELS) as one, Judge(own, exact.images(2), torch.zeros(2, 1, 3)) as other:
        assert np.array_equal(one.judge(runs).wrong, other.judge(runs).wrong)
        surely(int(one.count(runs)[0][0]), 5000, float(ndtr(-0.5)))
        margins = other.judge(runs, margins=True).margins
    assert margins is not None and np.isnan(margins).all()


def test_a_model_that_cannot_be_copied_works_in_the_callers_thread(exact: Any, seed: int) -> None:
    module = exact.half_space(0.3)
    module.lock = threading.Lock()
    with Judge(Classifier(module), exact.images(2), LABELS, workers=3) as judge:
        assert judge.workers == 1
        assert judge.judge(runs_of(seed, (0, 0.6, 0, 5000))).wrong.any()


def test_the_callers_threads_of_torch_stay(exact: Any, seed: int) -> None:
    before, seen = torch.get_num_threads(), set()

    def logits(x: Tensor) -> Tensor:
        seen.add((threading.get_ident(), torch.get_num_threads()))
        return torch.zeros(len(x), 2)

    try:
        torch.set_num_threads(4)
        with Judge(Classifier(exact.module(logits), batch_size=10), exact.images(2), LABELS, workers=2) as judge:
            judge.judge(runs_of(seed, (0, 0.6, 0, 2000)))
            assert torch.get_num_threads() == 4
        assert {threads for _, threads in seen} == {2}
        assert threading.get_ident() not in {ident for ident, _ in seen}
    finally:
        torch.set_num_threads(before)


def test_the_clock(exact: Any, seed: int) -> None:
    clock = Stopwatch()
    with Judge(Classifier(exact.constant()), exact.images(2), LABELS, clock=clock, workers=2) as judge:
        judge.judge(runs_of(seed, (0, 0.6, 0, 1000)))
    assert set(clock.seconds) == {"noise", "forward", "tally"}
    assert all(seconds > 0 for seconds in clock.seconds.values())
