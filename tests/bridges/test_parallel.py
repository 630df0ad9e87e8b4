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
    for one, other in zip(twin.module.state_dict().values(), module.state_dict().values(), strict=True):
        assert one.data_ptr() == other.data_ptr()
    x = torch.rand(4, 1, 4, 4)
    assert np.array_equal(twin.logits(x).detach(), classifier.logits(x).detach())
