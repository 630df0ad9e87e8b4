"""Images side by side give what images one after the other give, and an error in one of them ends all."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry.progress import Progress, as_progress
from isoperimetry_bridges.torch import (
    CheckSettings,
    Classifier,
    ProjectedGradient,
    Transfer,
    audit,
    check_model,
    find_sigma,
    measure_error_rate,
)
from isoperimetry_bridges.torch.parallel import each_image

CPU = torch.device("cpu")


@pytest.fixture
def threads() -> Iterator[Any]:
    """Return the function that sets torch's number of threads; it is put back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def run_all(module: nn.Module, seed: int) -> list[Any]:
    """Return what every function that works image by image returns, as plain values."""
    classifier, images, labels = Classifier(module), torch.full((4, 1, 4, 4), 0.5), [0] * 4
    settings = CheckSettings(error_rate=0.02, n_search=100, n_samples=700, n_starts=15)
    transfer = Transfer(source=classifier, attack=ProjectedGradient(steps=40, steps_to_edge=30))
    return [
        [m.to_dict() for m in measure_error_rate(classifier, images, labels, sigma=0.4, n_samples=700, rng=seed)],
        [s.to_dict() for s in find_sigma(classifier, images, labels, n_samples=100, rng=seed)],
        [a.to_dict() for a in audit(classifier, images, labels, sigma=0.4, n_samples=700, n_starts=15, rng=seed)],
        [
            image.to_dict()
            for image in check_model(
                classifier, images, labels, settings=settings, others=["ddn", transfer], rng=seed
            ).images
        ],
    ]


@pytest.mark.parametrize("count", [2, 3, 8])
def test_the_number_of_threads_does_not_matter(exact: Any, seed: int, threads: Any, count: int) -> None:
    threads(1)
    alone = run_all(exact.half_space(0.85), seed)
    threads(count)
    assert run_all(exact.half_space(0.85), seed) == alone
    assert torch.get_num_threads() == count


def test_results_come_in_order_although_work_does_not(exact: Any, threads: Any) -> None:
    threads(4)
    seen: list[tuple[int, int | None]] = []

    def job(classifier: Classifier, index: int) -> int:
        time.sleep(0.02 * (4 - index))
        return index

    progress = as_progress(lambda done, total, text: seen.append((done, total)))
    with progress.start("jobs", 5) as stage:
        assert each_image(Classifier(exact.constant()), job, 5, stage, device=CPU) == [0, 1, 2, 3, 4]
    assert seen == [(done, 5) for done in range(6)]


def test_no_more_threads_than_torch_has(exact: Any, threads: Any) -> None:
    threads(3)
    lock, running, most = threading.Lock(), [0], [0]

    def job(classifier: Classifier, index: int) -> None:
        assert torch.get_num_threads() == 1
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with lock:
            running[0] -= 1

    with Progress().start("jobs") as stage:
        each_image(Classifier(exact.constant()), job, 9, stage, device=CPU)
    assert most[0] == 3


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_in_one_image_ends_all(exact: Any, seed: int, threads: Any, count: int) -> None:
    threads(count)
    done: list[int] = []

    def job(classifier: Classifier, index: int) -> None:
        if index == 1:
            raise ModelError("this one")
        time.sleep(0.01)
        done.append(index)

    with Progress().start("jobs") as stage, pytest.raises(ModelError, match="this one"):
        each_image(Classifier(exact.constant()), job, 100, stage, device=CPU)
    assert len(done) < 50
    assert torch.get_num_threads() == count
    # NaN that comes up in the noise only.
    module = exact.margin(0.85, lambda margin: torch.where(margin < -1.5, float("nan"), margin)).eval()
    with pytest.raises(ModelError, match="NaN"):
        measure_error_rate(Classifier(module), exact.images(4), [0] * 4, sigma=0.4, n_samples=2000, rng=seed)


class TakesNotes(nn.Module):
    """Keeps its last input on itself, and answers by it a little later: not safe to share between threads."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 16))
        self.note = torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        self.note = x.flatten(1)
        time.sleep(1e-4)
        margin = self.note @ self.weight - 1.0
        return torch.stack([torch.zeros_like(margin), margin], 1)


def test_a_module_that_keeps_notes_is_safe(threads: Any, seed: int) -> None:
    images, labels = torch.full((6, 1, 4, 4), 0.5), [0] * 6
    counts = []
    for count in (1, 4):
        threads(count)
        found = measure_error_rate(Classifier(TakesNotes().eval()), images, labels, sigma=0.5, n_samples=2000, rng=seed)
        counts.append([m.errors for m in found])
    assert counts[0] == counts[1]
    assert min(counts[0]) > 0


class KeepsNoCopy(TakesNotes):
    """Holds what cannot be copied: a lock, or a tensor that was computed from a weight (as `weight_norm` does)."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.held = threading.Lock() if what == "lock" else self.weight * 2


@pytest.mark.parametrize("what", ["lock", "computed weight"])
def test_a_module_that_cannot_be_copied_works_too(threads: Any, seed: int, what: str) -> None:
    threads(2)
    images, labels = torch.full((3, 1, 4, 4), 0.5), [0] * 3
    found = measure_error_rate(Classifier(KeepsNoCopy(what).eval()), images, labels, sigma=0.5, n_samples=300, rng=seed)
    plain = measure_error_rate(Classifier(TakesNotes().eval()), images, labels, sigma=0.5, n_samples=300, rng=seed)
    assert [m.errors for m in found] == [m.errors for m in plain]


def test_a_copy_shares_the_weights_and_nothing_else() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)).eval()
    classifier = Classifier(module, bounds=(-1.0, 2.0), mean=[0.2], std=[0.3], name="mine")
    twin = copy.deepcopy(classifier)
    assert (twin.name, twin.bounds, twin.device) == (classifier.name, classifier.bounds, classifier.device)
    assert twin.fingerprint() == classifier.fingerprint()
    assert twin.module is not module
    assert not any(part.training for part in twin.module.modules())
    parameters, buffers = dict(module.named_parameters()), dict(module.named_buffers())
    assert len(parameters) == 6
    assert len(buffers) == 3
    for name, parameter in twin.module.named_parameters():
        assert parameter is parameters[name]
    for name, buffer in twin.module.named_buffers():
        assert torch.equal(buffer, buffers[name])
        assert buffer.data_ptr() != buffers[name].data_ptr()
    x = torch.rand(4, 1, 4, 4)
    assert np.array_equal(twin.logits(x).detach(), classifier.logits(x).detach())


class WritesBuffers(nn.Module):
    """Works in a buffer of its own, and counts its calls in another one."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 16))
        self.register_buffer("room", torch.zeros(512, 16))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        room = self.get_buffer("room")
        with torch.no_grad():
            self.get_buffer("calls").add_(1)
            room[: len(x)] = x.flatten(1)
        time.sleep(1e-4)
        flat = x.flatten(1)
        margin = (flat + (room[: len(x)] - flat).detach()) @ self.weight - 1.0
        return torch.stack([torch.zeros_like(margin), margin], 1)


def test_a_module_that_writes_to_its_buffers_is_safe(threads: Any, seed: int) -> None:
    found, calls = [], []
    settings = CheckSettings(sigma=0.5, n_samples=2000, n_starts=5)
    for count in (1, 4):
        threads(count)
        module = WritesBuffers().eval()
        result = check_model(Classifier(module), torch.full((6, 1, 4, 4), 0.5), [0] * 6, settings=settings, rng=seed)
        found.append(([image.to_dict() for image in result.images], result.fingerprint))
        calls.append(float(module.get_buffer("calls")))
    assert found[0] == found[1]
    # Most of the work is done by copies, where there are threads: the rest is the first look of each stage, and the
    # attack from the images themselves, which are one batch.
    assert calls[1] < calls[0] / 3


class Caches(nn.Module):
    """Computes something from its weights when it is first called, and keeps it."""

    def __init__(self, *, at_once: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 16))
        self.kept = self.weight.detach() * 2 if at_once else None

    def forward(self, x: Tensor) -> Tensor:
        if self.kept is None:
            self.kept = self.weight * 2
        margin = (x.flatten(1) * self.kept) @ self.weight - 9.0
        return torch.stack([torch.zeros_like(margin), margin], 1)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("n_images", [1, 3])
def test_a_module_that_keeps_something_from_its_first_call(threads: Any, seed: int, count: int, n_images: int) -> None:
    threads(count)
    settings = CheckSettings(sigma=0.5, n_samples=700, n_starts=10)
    images = torch.full((n_images, 1, 4, 4), 0.5)
    found = []
    for at_once in (False, True):
        classifier = Classifier(Caches(at_once=at_once).eval())
        result = check_model(classifier, images, [0] * n_images, settings=settings, rng=seed)
        found.append([image.to_dict() for image in result.images])
    assert found[0] == found[1]
    blocked = {"PGD": 0, "tangent": 0}
    assert all(0 < image["errors"] < 700 and image["blocked"] == blocked for image in found[0])


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("count", [1, 3])
def test_a_first_layer_that_works_in_place(exact: Any, seed: int, threads: Any, count: int, normalised: bool) -> None:
    threads(count)
    inner = exact.half_space(0.85)
    in_place, plain = exact.module(lambda x: inner(-x.neg_())), exact.module(inner)
    given = {"mean": [0.1], "std": [0.9]} if normalised else {}
    images, found = torch.full((3, 1, 4, 4), 0.5), []
    settings = CheckSettings(error_rate=0.02, n_search=100, n_samples=700, n_starts=15)
    for module in (in_place, plain):
        classifier, labels = Classifier(module, **given), Classifier(plain, **given).predict(images)
        x = images.clone()
        found.append(
            [
                [one.to_dict() for one in check_model(classifier, x, labels, settings=settings, rng=seed).images],
                [one.errors for one in measure_error_rate(classifier, x, labels, sigma=0.4, n_samples=700, rng=seed)],
                [one.to_dict() for one in find_sigma(classifier, x, labels, n_samples=100, rng=seed)],
                classifier.predict(x).tolist(),
                classifier.logits(x).tolist(),
            ]
        )
        assert torch.equal(x, images)
    assert found[0] == found[1]
    assert all(image["clean_distances"]["PGD"] != "inf" for image in found[0][0])


# --- results as soon as they are there --------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_each_result_is_handed_over_once_by_the_callers_thread(exact: Any, threads: Any, count: int) -> None:
    threads(count)
    got: list[tuple[int, int]] = []
    with Progress().start("jobs") as stage:
        each_image(
            Classifier(exact.constant()), lambda _, index: index, 20, stage, device=CPU,
            done=lambda index: got.append((index, threading.get_ident())),
        )  # fmt: skip
    assert sorted(index for index, _ in got) == list(range(20))
    assert {ident for _, ident in got} == {threading.get_ident()}


@pytest.mark.parametrize("error", [ModelError("this one"), KeyboardInterrupt()])
def test_what_was_at_work_when_an_error_came_is_not_lost(exact: Any, threads: Any, error: BaseException) -> None:
    threads(2)
    started, got = threading.Event(), []

    def job(classifier: Classifier, index: int) -> int:
        if index == 0:
            assert started.wait(10)
            raise error
        started.set()
        time.sleep(0.1)
        return index

    with Progress().start("jobs") as stage, pytest.raises(type(error)):
        each_image(Classifier(exact.constant()), job, 50, stage, device=CPU, done=got.append)
    assert 1 in got
    assert len(got) == len(set(got)) < 10
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("count", [1, 3])
def test_an_error_in_what_gets_the_results_ends_all(exact: Any, threads: Any, count: int) -> None:
    threads(count)
    n_jobs: list[int] = []

    def full(index: int) -> None:
        raise OSError("no space left")

    def job(classifier: Classifier, index: int) -> int:
        n_jobs.append(index)
        time.sleep(0.01)
        return index

    with Progress().start("jobs") as stage, pytest.raises(OSError, match="no space left"):
        each_image(Classifier(exact.constant()), job, 100, stage, device=CPU, done=full)
    assert len(n_jobs) < 50
    assert torch.get_num_threads() == count
