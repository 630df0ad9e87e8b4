"""What the adapters promise whatever a package does: nothing changes in the process, and failures are said."""

from __future__ import annotations

import math
import random
import sys
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry.errors import IsoperimetryError, MissingDependency, ModelError
from isoperimetry_bridges.torch.attacks import adapters
from isoperimetry_bridges.torch.classifier import Classifier


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return an adapter whose package does what a function says: ``act(model, eps, x, labels)``."""
    monkeypatch.setitem(sys.modules, "torchattacks", SimpleNamespace())

    def make(act: Any, **settings: Any) -> Any:
        return adapters.Torchattacks(lambda model, eps: lambda x, y: act(model, eps, x, y), **settings)

    return make


def state(classifier: Classifier) -> list[Any]:
    """Return everything that an attack may not change."""
    cudnn = torch.backends.cudnn
    return [
        torch.random.get_rng_state().tolist(),
        random.getstate(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        (cudnn.enabled, cudnn.benchmark, cudnn.deterministic),
        sys.gettrace(),
        [part.training for part in classifier.module.modules()],
        [(weight.requires_grad, weight.grad) for weight in classifier.module.parameters()],
        [value.clone().tolist() for value in classifier.module.state_dict().values()],
        classifier.fingerprint(),
    ]


def network() -> nn.Module:
    layers = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    net = nn.Sequential(*layers).eval()
    net[0].weight.requires_grad_(False)  # one that the user has frozen
    return net


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("grad", [False, True])
def test_what_a_package_changes_is_put_back(scripted: Any, exact: Any, fails: bool, grad: bool) -> None:
    classifier = Classifier(network())
    label = int(classifier.predict(exact.images())[0])

    def act(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        assert torch.is_grad_enabled()
        torch.manual_seed(1), random.seed(1), np.random.seed(1)  # noqa: NPY002, TID251
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
        torch.backends.cudnn.deterministic = not torch.backends.cudnn.deterministic
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        sys.settrace(None)
        with torch.enable_grad():
            model.train()
            model.requires_grad_(True)
            x = x.requires_grad_(True)
            model(x).sum().backward()
            model.zero_grad()
        for part in classifier.module.modules():  # as a package that finds the module itself would
            part.training = True
        for weight in classifier.module.parameters():
            weight.requires_grad_(True)
        if fails:
            raise RuntimeError("halfway")
        return x + 0.1 * eps

    def trace(*_: Any) -> None:
        return None

    outer = sys.gettrace()
    try:
        sys.settrace(trace)
        with torch.set_grad_enabled(grad):
            before = state(classifier)
            if fails:
                with pytest.raises(adapters.AttackFailed):
                    scripted(act)(classifier, exact.images(2), label, scale=0.1)
            else:
                scripted(act)(classifier, exact.images(2), label, scale=0.1)
            after = state(classifier)
    finally:
        sys.settrace(outer)
    assert after == before


def test_the_model_is_deaf_to_mode_device_and_gradients(scripted: Any, exact: Any) -> None:
    classifier = Classifier(network())
    label = int(classifier.predict(exact.images())[0])

    def act(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        model.train()
        first = model(x)
        assert not model.training and not any(part.training for part in model.modules())
        assert torch.equal(first, model.double()(x))  # batch statistics, or float64 weights, would change it
        assert next(model.parameters()).device.type == "cpu"
        return x

    scripted(act)(classifier, exact.images(3), label, scale=0.1)


@pytest.mark.parametrize("what", ["blank", "nan", "unmoved", "one infinite"])
def test_a_package_that_found_nothing_is_infinity(scripted: Any, exact: Any, what: str) -> None:
    def act(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        if what == "one infinite":
            x[:, 0, 0, 0] = torch.inf
            return x
        return {"blank": torch.zeros_like(x), "nan": torch.full_like(x, torch.nan), "unmoved": x}[what]

    # The blank image is an error here: it is not what was found.
    blank_is_wrong = exact.module(lambda x: torch.stack([x.flatten(1).sum(1), torch.full((len(x),), 4.0)], 1))
    classifier = Classifier(blank_is_wrong)
    assert classifier.predict(torch.zeros(1, *exact.shape)).item() == 1
    for box in (None, (0.0, 1.0)):
        found = scripted(act)(classifier, exact.images(2), 0, scale=0.5, box=box)
        assert (found.distances == math.inf).all()
        assert torch.equal(found.points, exact.images(2))


@pytest.mark.parametrize("box", [None, (0.0, 1.0), (-1.0, 3.0)])
def test_the_unit_of_a_package_that_knows_0_1_only(scripted: Any, exact: Any, box: Any) -> None:
    seen: list[tuple[Tensor, float]] = []

    def act(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        seen.append((x.clone(), eps))
        return x + 0.99 * eps * exact.normal().view(1, *exact.shape)  # to the edge of the radius

    attack, start, radius = scripted(act, radius=3.0), exact.images(), 3 * 0.2
    within, beyond = (Classifier(exact.half_space(factor * radius)) for factor in (0.985, 1.0))
    assert attack(within, start, 0, scale=0.2, box=box).distances == pytest.approx([0.985 * radius], rel=1e-4)
    assert attack(beyond, start, 0, scale=0.2, box=box).distances == math.inf
    low, high = box or (0.5 - 2 * radius, 0.5 + 2 * radius)
    for x, eps in seen:
        assert eps == pytest.approx(radius / (high - low))
        assert torch.allclose(x, (start - low) / (high - low), atol=1e-6)


def test_an_answer_is_verified_and_measured_here(scripted: Any, exact: Any) -> None:
    def act(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        far = x + 5 * eps * exact.normal().view(1, *exact.shape)  # beyond the radius, and beyond the boundary
        far[1] = x[1] - eps * exact.normal().view(exact.shape)  # not an error at all, whatever the package says
        return far

    found = scripted(act)(Classifier(exact.half_space(0.5)), exact.images(2), 0, scale=0.2)
    assert found.distances == pytest.approx([0.5, math.inf], rel=1e-4)


def test_a_package_without_gradients(scripted: Any, exact: Any) -> None:
    inner = exact.half_space(0.5)

    class Detached(nn.Module):
        differentiable = False

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = inner(x.detach()).detach()
            return answer

    def free(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        noise = torch.randn(64, *x.shape)
        tries = x + eps * noise / noise.flatten(2).norm(dim=2).view(64, -1, 1, 1, 1)
        wrong = (model(tries.flatten(0, 1)).argmax(1).view(64, -1) != y).double()
        return tries[wrong.argmax(0), torch.arange(len(x))]

    def needy(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        x.requires_grad_(True)
        return x + torch.autograd.grad(model(x).sum(), x)[0]

    classifier = Classifier(Detached().eval())
    found = scripted(free)(classifier, exact.images(3), 0, scale=1.0)
    assert np.isfinite(found.distances).all() and (found.distances >= 0.5 - 1e-5).all()
    with pytest.raises(adapters.AttackFailed, match="no gradient"):
        scripted(needy)(classifier, exact.images(3), 0, scale=1.0)


def test_memory_that_does_not_suffice_shrinks_the_batch(scripted: Any, exact: Any) -> None:
    sizes = []

    def act(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        sizes.append(len(x))
        if len(x) > 2:
            raise torch.OutOfMemoryError("no memory")
        return x + 3 * eps * exact.normal().view(1, *exact.shape)

    classifier = Classifier(exact.half_space(0.5), batch_size=8)
    found = scripted(act)(classifier, exact.images(5), 0, scale=0.2)
    assert found.distances == pytest.approx([0.5] * 5, rel=1e-4)
    assert sizes[0] == 5 and max(sizes[-3:]) <= 2 and sum(size for size in sizes if size <= 2) == 5


def test_failures_are_one_sentence(scripted: Any, exact: Any) -> None:
    def act(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        raise TypeError("a strange setting\nand more")

    with pytest.raises(adapters.AttackFailed) as caught:
        scripted(act, name="theirs")(Classifier(exact.half_space(0.5)), exact.images(), 0, scale=0.2)
    assert str(caught.value) == "The attack 'theirs' raised TypeError: a strange setting"
    assert isinstance(caught.value, IsoperimetryError)


def test_errors_of_the_model_stay_what_they_are(scripted: Any, exact: Any) -> None:
    wild = exact.module(lambda x: torch.where(x.flatten(1)[:, :2] > 0.6, torch.nan, x.flatten(1)[:, :2] + 1e-3))
    with pytest.raises(ModelError, match="NaN"):
        scripted(lambda model, eps, x, y: model(x + eps) if len(x) else x)(
            Classifier(wild), exact.images(), 0, scale=0.2
        )


@pytest.mark.parametrize("rule", ["error", "margin"])
def test_other_criteria_are_refused(scripted: Any, exact: Any, rule: str) -> None:
    classifier = Classifier(exact.half_space(0.5), **{rule: lambda outputs, labels: outputs[:, 0] - labels})
    with pytest.raises(ValueError, match="error= or margin=") as caught:
        scripted(lambda model, eps, x, y: x)(classifier, exact.images(), 0, scale=0.2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("radius", [0, -1.0, math.nan, math.inf])
def test_bad_radii_are_refused(radius: float) -> None:
    with pytest.raises(ValueError, match="radius="):
        adapters.AutoAttack(radius=radius)


MISSING = {
    "foolbox": (lambda: adapters.Foolbox(object()), "pip install foolbox"),
    "torchattacks": (lambda: adapters.Torchattacks(print), "pip install --no-deps torchattacks"),
    "art": (lambda: adapters.Art(print), "pip install adversarial-robustness-toolbox"),
    "pyautoattack": (lambda: adapters.AutoAttack(), "pip install pyautoattack"),
}


@pytest.mark.parametrize("package", MISSING)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, exact: Any, package: str) -> None:
    make, how = MISSING[package]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency) as caught:
        make()(Classifier(exact.half_space(0.5)), exact.images(), 0, scale=0.2)
    assert f"the package '{package}'" in str(caught.value) and str(caught.value).endswith(how)
    assert "\n" not in str(caught.value)


def test_names() -> None:
    class DDNAttack:
        pass

    def pgd(model: Any, eps: float) -> Any:
        return None

    assert adapters.Foolbox(DDNAttack()).name == "foolbox DDNAttack"
    assert adapters.Torchattacks(pgd).name == "torchattacks pgd"
    assert adapters.Art(lambda model, eps: None).name == "art"
    assert adapters.AutoAttack(name="AutoAttack, l2").name == "AutoAttack, l2"
    assert "0x" not in repr(adapters.Torchattacks(pgd))


def test_one_search_at_a_time(scripted: Any, exact: Any) -> None:
    inside, most = [], []

    def act(model: nn.Module, eps: float, x: Tensor, y: Tensor) -> Tensor:
        inside.append(1)
        most.append(len(inside))
        drawn = torch.rand(3)
        threading.Event().wait(0.01)
        assert torch.equal(torch.cat([drawn, torch.rand(3)]), expected)
        inside.pop()
        return x

    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected = torch.cat([torch.rand(3), torch.rand(3)])
    classifier = Classifier(exact.half_space(0.5))
    failures: list[BaseException] = []

    def search() -> None:
        try:
            scripted(act)(classifier, exact.images(), 0, scale=0.2)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert max(most) == 1 and len(most) == 4
