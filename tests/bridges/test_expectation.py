"""A random model as a deterministic one: fixed draws, the same for a row in any company, near the mean of many."""

from __future__ import annotations

import random
import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.models import expectation


class Dropping(nn.Module):
    """Dropout at test time, in features; the same weights every time."""

    def __init__(self, p: float = 0.4) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.first, self.last, self.p = nn.Linear(16, 24), nn.Linear(24, 3), p
        for weight in self.parameters():
            weight.data = torch.randn(weight.shape, generator=generator) * 0.4

    def forward(self, x: Tensor) -> Tensor:
        features = torch.relu(self.first(x.flatten(1)))
        answer: Tensor = self.last(nn.functional.dropout(features, self.p, training=True))
        return answer


class Resizing(nn.Module):
    """Random resizing and padding, with the generators of Python and NumPy; not for vmap where ``loops``."""

    def __init__(self, loops: bool) -> None:
        super().__init__()
        self.loops = loops
        self.weights = nn.Parameter(torch.linspace(-1, 1, 3 * 36).reshape(3, 36))

    def forward(self, x: Tensor) -> Tensor:
        size = random.randint(3, 6)
        left = int(np.random.randint(0, 7 - size))  # noqa: NPY002
        if self.loops and float(x.detach().sum()) < -1e9:
            return x
        x = nn.functional.interpolate(x, (size, size))
        x = nn.functional.pad(x, (left, 6 - size - left, left, 6 - size - left))
        return x.flatten(1) @ self.weights.T


def dropout_layer() -> nn.Module:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 3)).eval()
    net[2].train()
    return net


MODELS = {
    "functional dropout": lambda: Dropping().eval(),
    "dropout layer left in training mode": dropout_layer,
    "random resizing": lambda: Resizing(False).eval(),
    "random resizing, row by row": lambda: Resizing(True).eval(),
}


@pytest.fixture(params=MODELS)
def module(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    made: nn.Module = MODELS[request.param]()
    return made


@pytest.fixture
def images() -> Tensor:
    return torch.rand(7, 1, 4, 4, generator=torch.Generator().manual_seed(1))


def test_the_random_model_is_refused(images: Tensor) -> None:
    labels = torch.zeros(7, dtype=torch.int64)
    with pytest.raises(ModelError, match="differently"):
        Classifier(Dropping().eval()).check(images, labels)


def test_it_passes_the_check(module: nn.Module, images: Tensor) -> None:
    Classifier(expectation(module)).check(images, torch.zeros(7, dtype=torch.int64))


def test_a_row_has_the_same_answer_in_any_company(module: nn.Module, images: Tensor) -> None:
    whole = expectation(module)
    together = whole(images)
    order = torch.tensor([5, 0, 3, 3, 6])
    assert torch.allclose(whole(images[order]), together[order], atol=1e-5)
    for row in range(7):
        assert torch.allclose(whole(images[row : row + 1])[0], together[row], atol=1e-5)


def test_draws_differ_from_each_other_and_between_seeds(module: nn.Module, images: Tensor) -> None:
    singles = [expectation(module, n_draws=1, seed=seed)(images) for seed in range(6)]
    assert len({tuple(single.flatten().tolist()) for single in singles}) > 1
    assert torch.equal(expectation(module, seed=4)(images), expectation(module, seed=4)(images))


def test_one_by_one_and_vectorised_are_the_same_draws(images: Tensor) -> None:
    for make in (lambda: Dropping().eval(), dropout_layer, lambda: Resizing(False).eval()):
        torch.manual_seed(0)
        fast = expectation(make())
        torch.manual_seed(0)
        slow = expectation(make())
        slow.vectorised = False
        assert torch.allclose(fast(images), slow(images), atol=1e-5)
        assert fast.vectorised is True
    loops = expectation(Resizing(True).eval())
    assert torch.allclose(loops(images), expectation(Resizing(False).eval())(images), atol=1e-5)
    assert loops.vectorised is False


def test_it_is_close_to_the_mean_over_many_draws(images: Tensor, seed: int) -> None:
    n_draws, n_reference = 300, 20_000
    mean = expectation(Dropping().eval(), n_draws=n_draws)(images[:1]).exp()[0]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        many = Dropping().eval()(images[:1].expand(n_reference, -1, -1, -1)).softmax(1)
    error = many.std(0) * (1 / n_draws + 1 / n_reference) ** 0.5
    # Draws are bounded and many: 5.5 standard errors fail with a probability below 1e-6 for three classes.
    assert ((mean - many.mean(0)).abs() < 5.5 * error).all()
    assert (many.std(0) > 0.02).all()  # otherwise nothing was tested


def test_probabilities_are_averaged(images: Tensor) -> None:
    parts = [expectation(Dropping().eval(), n_draws=4)._draw(images, draw).exp() for draw in range(4)]
    answer = expectation(Dropping().eval(), n_draws=4)(images)
    assert torch.allclose(answer.exp(), torch.stack(parts).mean(0), atol=1e-6)
    assert torch.allclose(answer.exp().sum(1), torch.ones(7), atol=1e-5)


def test_gradients(module: nn.Module) -> None:
    whole = expectation(module, n_draws=2).double()
    x = torch.rand(2, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_(True)
    assert torch.autograd.gradcheck(whole, (x,), fast_mode=True)


def test_all_generators_and_modes_are_put_back(module: nn.Module, images: Tensor) -> None:
    whole = expectation(module)
    modes = [part.training for part in module.modules()]

    def state() -> tuple[Any, ...]:
        return torch.random.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002

    before = state()
    whole(images)
    assert state() == before
    assert [part.training for part in module.modules()] == modes
    assert not any(part.training for part in whole.modules())


def test_weights_are_shared_and_the_module_is_not(images: Tensor) -> None:
    module = dropout_layer()
    whole = expectation(module)
    assert {id(weight) for weight in whole.parameters()} == {id(weight) for weight in module.parameters()}
    before = whole(images)
    module.train()
    assert torch.equal(whole(images), before)


def test_threads_do_not_disturb_each_other(images: Tensor) -> None:
    whole = expectation(Dropping().eval())
    expected = whole(images)
    wrong: list[int] = []

    def ask(index: int) -> None:
        wrong.extend(index for _ in range(5) if not torch.equal(whole(images), expected))

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_fingerprints_name_the_draws() -> None:
    made = [Classifier(expectation(Dropping().eval(), **options)) for options in ({}, {"seed": 1}, {"n_draws": 8}, {})]
    prints = [classifier.fingerprint() for classifier in made]
    assert len(set(prints[:3])) == 3 and prints[0] == prints[3]


def test_one_logit_and_logits_attributes(images: Tensor) -> None:
    class One(Dropping):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)[:, :1]

    assert expectation(One().eval())(images).shape == (7, 2)


def test_bad_arguments() -> None:
    module = Dropping().eval()
    for options in ({"n_draws": 0}, {"n_draws": 2.5}, {"n_draws": True}, {"seed": -1}):
        with pytest.raises(ValueError, match="must be an integer"):
            expectation(module, **options)
    with pytest.raises(TypeError, match=r"torch\.nn\.Module"):
        expectation(print)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="normalises by the batch"):
        expectation(nn.Sequential(nn.BatchNorm2d(1)))


def test_a_module_that_fails_says_so(images: Tensor) -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise KeyError("weights")

    with pytest.raises(ModelError, match="raised KeyError"):
        Classifier(expectation(Broken().eval())).logits(images)
