"""What is peculiar to the real packages; skipped where they are not installed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch.attacks import DecoupledDirectionNorm, adapters
from isoperimetry_bridges.torch.classifier import Classifier

BOX = (0.0, 1.0)


@pytest.fixture(scope="module")
def problem() -> tuple[Classifier, Tensor, Tensor]:
    """Return a random network with six classes, images, and its classes."""
    generator = torch.Generator().manual_seed(20250)
    net = nn.Sequential(nn.Flatten(), nn.Linear(2 * 8 * 8, 32), nn.ReLU(), nn.Linear(32, 6)).eval()
    for weight in net.parameters():
        weight.data = torch.randn(weight.shape, generator=generator) * 0.15
    classifier = Classifier(net, mean=(0.5, 0.5), std=(0.25, 0.25))
    images = torch.rand(8, 2, 8, 8, generator=generator)
    return classifier, images, classifier.predict(images)


def compare(attack: Any, problem: Any, least: float, most: float, box: Any = BOX) -> None:
    """Compare an attack's distances with those of our own."""
    classifier, images, labels = problem
    own = DecoupledDirectionNorm()(classifier, images, labels, scale=0.3, box=box).distances
    found = attack(classifier, images, labels, scale=0.3, box=box)
    assert classifier.wrong(found.points, labels).numpy()[np.isfinite(found.distances)].all()
    assert found.points.min() >= 0 and found.points.max() <= 1 if box else True
    assert least < np.median(found.distances / own) < most


@pytest.mark.parametrize("box", [BOX, None])
@pytest.mark.parametrize("name", ["DDNAttack", "L2FMNAttack", "L2DeepFoolAttack"])
def test_foolbox_minimum_norm(real: Any, problem: Any, name: str, box: Any) -> None:
    attack = getattr(real("foolbox").attacks, name)(steps=60)
    compare(adapters.Foolbox(attack), problem, 0.7, 1.4, box)


def test_foolbox_repeated(real: Any, problem: Any) -> None:
    attacks = real("foolbox").attacks
    compare(adapters.Foolbox(attacks.L2PGD(steps=20).repeat(2)), problem, 0.7, 4.0)


def test_foolbox_blank_images_are_no_find(real: Any, problem: Any) -> None:
    classifier, images, labels = problem
    weak = real("foolbox").attacks.L2CarliniWagnerAttack(steps=1, binary_search_steps=1, initial_const=1e-6)
    found = adapters.Foolbox(weak)(classifier, images, labels, scale=0.3, box=BOX)
    assert (found.distances == np.inf).all()
    assert torch.equal(found.points, images)


@pytest.mark.parametrize("box", [BOX, None])
def test_torchattacks(real: Any, problem: Any, box: Any) -> None:
    package = real("torchattacks")
    made: dict[str, Any] = {
        "FAB": lambda model, eps: package.FAB(model, norm="L2", eps=eps, steps=10, n_classes=6),
        "CW": lambda model, eps: package.CW(model, c=10, steps=50, lr=eps / 5),
        "APGD": lambda model, eps: package.APGD(model, norm="L2", eps=eps, steps=20),
    }
    compare(adapters.Torchattacks(made["FAB"]), problem, 0.7, 1.3, box)
    compare(adapters.Torchattacks(made["CW"]), problem, 0.7, 6.0, box)
    compare(adapters.Torchattacks(made["APGD"]), problem, 0.7, 2.5, box)


@pytest.mark.parametrize("box", [BOX, None])
def test_art(real: Any, problem: Any, box: Any) -> None:
    evasion = real("art.attacks.evasion")
    compare(adapters.Art(lambda model, eps: evasion.DeepFool(model, verbose=False)), problem, 0.7, 1.4, box)


def test_art_without_gradients(real: Any, problem: Any) -> None:
    evasion = real("art.attacks.evasion")
    classifier, images, labels = problem

    class Silent(nn.Module):
        differentiable = False

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = classifier.module(x.detach()).detach()
            return answer

    silent = Classifier(Silent().eval(), mean=(0.5, 0.5), std=(0.25, 0.25))
    few = images[:3], labels[:3]
    attack = adapters.Art(
        lambda model, eps: evasion.HopSkipJump(model, targeted=False, max_iter=3, max_eval=200, verbose=False)
    )
    found = attack(silent, *few, scale=0.3, box=BOX)
    assert (found.distances > 0).all()
    assert (found.distances < 1.0).all()


@pytest.mark.parametrize("box", [BOX, None])
def test_autoattack(real: Any, problem: Any, box: Any) -> None:
    real("pyautoattack")
    tracer = sys.gettrace()
    compare(adapters.AutoAttack(attacks=("apgd-ce", "apgd-t", "fab-t")), problem, 0.7, 2.5, box)
    assert sys.gettrace() is tracer


def test_autoattack_in_its_standard_version(real: Any, problem: Any) -> None:
    real("pyautoattack")
    compare(adapters.AutoAttack(radius=6.0), problem, 0.7, 5.0)


def test_autoattack_with_two_classes(real: Any, exact: Any) -> None:
    real("pyautoattack")
    found = adapters.AutoAttack()(Classifier(exact.half_space(0.4)), exact.images(2), 0, scale=0.4)
    assert (found.distances >= 0.4 - 1e-5).all() and np.isfinite(found.distances).all()
