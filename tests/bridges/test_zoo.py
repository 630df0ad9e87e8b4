"""The shipped classifiers and images are what the training log says, and the masked one hides its gradients only."""

from __future__ import annotations

import gzip
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch import Classifier, DecoupledDirectionNorm, Transfer, zoo
from isoperimetry_bridges.torch.attacks.gradients import Gradients
from isoperimetry_bridges.torch.zoo import train as training
from isoperimetry_bridges.torch.zoo.networks import PIXEL_MEAN, PIXEL_STD, QuantizedConvNet, SmallConvNet

FOLDER = Path(zoo.__file__).parent
TRAINED = (*zoo.NETWORKS, "masked")
LOG = json.loads((FOLDER / "training_log.json").read_text())["models"]
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
needs_debian = pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")


@pytest.fixture(scope="module")
def models() -> dict[str, Classifier]:
    return {name: zoo.load_classifier(name) for name in TRAINED}


@pytest.fixture(scope="module")
def images() -> tuple[Tensor, Tensor]:
    return zoo.load_images()


def test_images(images: tuple[Tensor, Tensor]) -> None:
    x, labels = images
    assert x.shape == (400, 1, 28, 28)
    assert x.dtype == torch.float32
    assert (float(x.min()), float(x.max())) == (0.0, 1.0)
    assert labels.shape == (400,)
    assert set(labels.tolist()) == set(range(10))


@needs_debian
def test_images_are_the_first_of_the_test_set(images: tuple[Tensor, Tensor]) -> None:
    x, labels = training.load(DEBIAN, "t10k")
    assert torch.equal(images[0], x[:400])
    assert torch.equal(images[1], labels[:400])


def test_models(models: dict[str, Classifier], images: tuple[Tensor, Tensor]) -> None:
    assert zoo.MODELS == ("clean", "noisy", "masked")
    assert zoo.NETWORKS == ("clean", "noise0.1", "noise0.2", "noisy", "adversarial")
    assert set(LOG) == set(TRAINED)
    for name, classifier in models.items():
        assert classifier.name == name
        assert classifier.bounds == (0.0, 1.0)
        classifier.check(*images)
        assert classifier.logits(images[0][:2]).shape == (2, 10)
    assert len({classifier.fingerprint() for classifier in models.values()}) == 6
    assert models["clean"].fingerprint() == zoo.load_classifier("clean").fingerprint()
    assert sum(p.numel() for p in models["clean"].module.parameters()) == 49_002


@pytest.mark.parametrize("name", TRAINED)
def test_accuracy_is_that_of_the_log(
    models: dict[str, Classifier], images: tuple[Tensor, Tensor], surely: Callable[..., None], name: str
) -> None:
    x, labels = images
    right = int((models[name].predict(x) == labels).sum())
    surely(right, 400, LOG[name]["test_accuracy"])
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(5))
    right = int((models[name].predict(x + 0.4 * noise) == labels).sum())
    surely(right, 400, LOG[name]["test_accuracy_noise_0.4"])


@needs_debian
@pytest.mark.slow
def test_accuracy_is_exactly_that_of_the_log(models: dict[str, Classifier]) -> None:
    x, labels = training.load(DEBIAN, "t10k")
    for name, classifier in models.items():
        # Another machine may round a few near ties differently.
        assert training.accuracy(classifier.module, x, labels) == pytest.approx(LOG[name]["test_accuracy"], abs=5e-4)


def test_the_defence_costs_little_accuracy_and_noise_training_helps_in_noise() -> None:
    assert abs(LOG["masked"]["test_accuracy"] - LOG["clean"]["test_accuracy"]) < 0.01
    assert LOG["clean"]["test_accuracy"] > 0.9
    assert LOG["noisy"]["test_accuracy_noise_0.4"] > LOG["clean"]["test_accuracy_noise_0.4"] + 0.2


@pytest.mark.parametrize(
    ("name", "least", "in_noise", "attacked"),
    [
        ("clean", 0.91, {0.4: 0.40}, None),
        ("noise0.1", 0.90, {0.1: 0.89, 0.4: 0.5}, (0.5, 0.5)),
        ("noise0.2", 0.89, {0.2: 0.88, 0.4: 0.7}, (0.5, 0.65)),
        ("noisy", 0.87, {0.4: 0.84}, None),
        ("adversarial", 0.82, {0.2: 0.80, 0.4: 0.58}, (1.5, 0.64)),
    ],
)
def test_what_each_training_bought(
    name: str, least: float, in_noise: dict[float, float], attacked: tuple[float, float] | None
) -> None:
    assert LOG[name]["test_accuracy"] >= least
    for sigma, accuracy in in_noise.items():
        assert LOG[name][f"test_accuracy_noise_{sigma}"] >= accuracy
    if attacked:
        assert LOG[name][f"accuracy_l2_pgd_{attacked[0]}"] >= attacked[1]


def test_adversarial_training_resists_the_attack_in_the_log(
    models: dict[str, Classifier], images: tuple[Tensor, Tensor], surely: Callable[..., None]
) -> None:
    x, labels = images[0][:200], images[1][:200]
    torch.manual_seed(3)
    moved = training.ascend(models["adversarial"].module, x, labels, eps=1.5, steps=20)
    lengths = (moved - x).flatten(1).norm(dim=1)
    assert float(lengths.max()) <= 1.5 * (1 + 1e-5)
    assert float(lengths.median()) > 1.49
    surely(int((models["adversarial"].predict(moved) == labels).sum()), 200, LOG["adversarial"]["accuracy_l2_pgd_1.5"])
    random = x + 1.5 * nn.functional.normalize(torch.randn_like(x).flatten(1)).view_as(x)
    assert int((models["adversarial"].predict(random) == labels).sum()) > 0.7 * 200
    moved = training.ascend(models["clean"].module, x, labels, eps=1.5, steps=20)
    assert int((models["clean"].predict(moved) == labels).sum()) <= 4


def test_the_masked_gradient_is_exactly_zero(models: dict[str, Classifier], images: tuple[Tensor, Tensor]) -> None:
    x, labels = images[0][:100], images[1][:100]
    starts = torch.cat([x, x + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(6))])
    gradient = Gradients(models["masked"], "PGD")(starts, labels.repeat(2)).gradient
    assert not gradient.any()
    gradient = Gradients(models["clean"], "PGD")(starts, labels.repeat(2)).gradient
    assert (gradient.flatten(1).norm(dim=1) > 0).all()


def test_the_errors_behind_the_mask_are_found_by_transfer(
    models: dict[str, Classifier], images: tuple[Tensor, Tensor]
) -> None:
    start, label = images[0][:1], int(images[1][0])
    starts = start + 0.1 * torch.randn(20, 1, 28, 28, generator=torch.Generator().manual_seed(7))
    blind = DecoupledDirectionNorm(steps=30)(models["masked"], starts, label, scale=1.0)
    assert np.isinf(blind.distances[blind.blocked]).all()
    assert blind.blocked.sum() + (blind.distances == 0).sum() == 20
    attack = Transfer(source=models["clean"], attack=DecoupledDirectionNorm(steps=30))
    found = attack(models["masked"], starts, label, scale=1.0)
    direct = attack.attack(models["clean"], starts, label, scale=1.0)
    assert np.isfinite(found.distances).all()
    assert (models["masked"].predict(found.points) != label).all()
    assert np.median(found.distances) < 1.5 * np.median(direct.distances)


def test_the_mask_is_the_clean_network_behind_rounding(models: dict[str, Classifier]) -> None:
    clean, masked = models["clean"].module, models["masked"].module
    assert isinstance(masked, QuantizedConvNet)
    for name, value in clean.state_dict().items():
        assert torch.equal(masked.state_dict()[name], value)
    values = masked.activate(torch.linspace(-3, 30, 5000), 1)
    assert len(set(values.tolist())) == masked.levels == 32
    assert float(values.min()) == 0.0
    assert float(values.max()) == pytest.approx(float(masked.high[1]))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"name='mine' must be one of 'clean', 'noise0.1', 'noise0.2', 'noisy', .*'saturated'\."
    ):
        zoo.load_classifier("mine")


def test_nothing_is_fetched_and_nothing_is_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a connection or an unpickling was tried")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("pickle.load", refuse)
    monkeypatch.setattr("pickle.loads", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    for name in zoo.NETWORKS + zoo.DEFENCES:
        zoo.load_classifier(name)
    zoo.load_images()


def test_what_is_shipped() -> None:
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert {path.suffix for path in files} <= {".py", ".safetensors", ".npz", ".json", ".md", ""}
    assert sum(path.stat().st_size for path in files) < 1_000_000
    licence = (FOLDER / "LICENSE-fashion-mnist").read_text()
    assert "MIT" in licence
    assert "Zalando" in licence
    for name in TRAINED:
        with safetensors.safe_open(FOLDER / f"{name}.safetensors", "pt") as stored:
            assert (set(stored.keys()) == {"high"}) == (name == "masked")
            half = name in ("noise0.1", "noise0.2", "adversarial")
            assert {stored.get_tensor(key).dtype for key in stored.keys()} == {torch.float16 if half else torch.float32}


# --- the training script ----------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder in the form of Debian's package: 256 and 90 small pictures of noise, brighter by class."""
    random = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    for part, count in (("train", 256), ("t10k", 90)):
        labels = random.integers(0, 10, count).astype(np.uint8)
        images = (random.random((count, 28, 28)) * 20 + 20 * labels[:, None, None]).astype(np.uint8)
        for name, array in ((f"{part}-images-idx3-ubyte.gz", images), (f"{part}-labels-idx1-ubyte.gz", labels)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            (folder / name).write_bytes(gzip.compress(head + array.tobytes()))
    return folder


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what the training script sets for its whole process; one thread is enough here."""
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)
    torch.use_deterministic_algorithms(False)


def test_idx_files_are_read(data: Path) -> None:
    x, labels = training.load(data, "train")
    assert x.shape == (256, 1, 28, 28)
    assert x.dtype == torch.float32
    assert 0 <= float(x.min()) <= float(x.max()) <= 1
    bright = x.flatten(1).mean(1)
    assert torch.corrcoef(torch.stack([bright, labels.float()]))[0, 1] > 0.99


@pytest.mark.usefixtures("settings")
def test_training_repeats_and_writes_what_the_zoo_loads(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("clean", "noise0.2", "adversarial")
    monkeypatch.setattr(training, "RECIPES", {name: training.RECIPES[name] for name in few})
    monkeypatch.setattr(training, "ATTACK_STEPS", 2)
    monkeypatch.setattr(training, "N_SHIPPED", 60)
    outs = [tmp_path / "one", tmp_path / "two"]

    def run(out: Path, *only: str) -> None:
        wanted = ["--only", *only] if only else []
        monkeypatch.setattr(sys, "argv", ["train", "--data", str(data), "--out", str(out), "--epochs", "1", *wanted])
        training.main()

    run(outs[0])
    run(outs[1], "clean", "masked", "noise0.2")
    first = (outs[1] / "noise0.2.safetensors").read_bytes()
    (outs[1] / "clean.safetensors").write_bytes(b"stays as it is")
    run(outs[1], "adversarial")
    assert (outs[1] / "noise0.2.safetensors").read_bytes() == first
    assert (outs[1] / "clean.safetensors").read_bytes() == b"stays as it is"
    names = sorted(os.listdir(outs[0]))
    weights = [f"{name}.safetensors" for name in (*few, "masked")]
    assert names == sorted(os.listdir(outs[1])) == sorted([*weights, "fashion_mnist_test.npz", "training_log.json"])
    for name in names:
        if name.endswith(".safetensors") and name != "clean.safetensors":
            assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()
    logs = [json.loads((out / "training_log.json").read_text())["models"] for out in outs]
    assert set(logs[0]) == set(logs[1]) == {*few, "masked"}
    for name in logs[0]:
        for key in (key for key in logs[0][name] if key != "history"):
            assert logs[0][name][key] == logs[1][name][key]
    assert len({(outs[0] / name).read_bytes() for name in weights}) == len(weights)
    clean, masked = SmallConvNet(), QuantizedConvNet()
    clean.load_state_dict(safetensors.torch.load_file(outs[0] / "clean.safetensors"))
    masked.load_state_dict({**clean.state_dict(), **safetensors.torch.load_file(outs[0] / "masked.safetensors")})
    log = json.loads((outs[0] / "training_log.json").read_text())
    x, labels = training.load(data, "t10k")
    assert log["models"]["clean"]["test_accuracy"] == training.accuracy(clean.eval(), x, labels)
    assert log["models"]["masked"]["test_accuracy"] == training.accuracy(masked.eval(), x, labels)
    # The range is the largest activation on the training images, in each layer.
    with torch.no_grad():
        first = torch.relu(clean.conv1((training.load(data, "train")[0] - PIXEL_MEAN) / PIXEL_STD))
    assert float(masked.high[0]) == pytest.approx(float(first.max()), rel=1e-6)
    with np.load(outs[0] / "fashion_mnist_test.npz") as shipped:
        assert np.array_equal(shipped["images"], (x[:60] * 255).round().to(torch.uint8).numpy())
        assert shipped["images"].dtype == np.uint8
        assert np.array_equal(shipped["labels"], labels[:60].numpy())
    assert "clean" in capsys.readouterr().out


def test_the_number_of_levels_is_in_the_fingerprint() -> None:
    def fingerprint(levels: int) -> str:
        network = QuantizedConvNet(levels)
        torch.nn.init.ones_(network.linear.weight)
        for parameter in network.parameters():
            torch.nn.init.constant_(parameter, 0.01)
        return Classifier(network.eval()).fingerprint()

    assert fingerprint(8) == fingerprint(8)
    assert len({fingerprint(levels) for levels in (8, 9, 64)}) == 3
