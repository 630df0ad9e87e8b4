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
from torch import Tensor

from isoperimetry_bridges.torch import Classifier, DecoupledDirectionNorm, Transfer, zoo
from isoperimetry_bridges.torch.attacks.gradients import Gradients
from isoperimetry_bridges.torch.zoo import train as training
from isoperimetry_bridges.torch.zoo.networks import PIXEL_MEAN, PIXEL_STD, QuantizedConvNet, SmallConvNet

FOLDER = Path(zoo.__file__).parent
LOG = json.loads((FOLDER / "training_log.json").read_text())["models"]
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
needs_debian = pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")


@pytest.fixture(scope="module")
def models() -> dict[str, Classifier]:
    return {name: zoo.load_classifier(name) for name in zoo.MODELS}


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
    for name, classifier in models.items():
        assert classifier.name == name
        assert classifier.bounds == (0.0, 1.0)
        classifier.check(*images)
        assert classifier.logits(images[0][:2]).shape == (2, 10)
    assert len({classifier.fingerprint() for classifier in models.values()}) == 3
    assert models["clean"].fingerprint() == zoo.load_classifier("clean").fingerprint()
    assert sum(p.numel() for p in models["clean"].module.parameters()) == 49_002


@pytest.mark.parametrize("name", zoo.MODELS)
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
    with pytest.raises(ValueError, match="name='mine' must be one of 'clean', 'noisy', 'masked'"):
        zoo.load_classifier("mine")


def test_nothing_is_fetched_and_nothing_is_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a connection or an unpickling was tried")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("pickle.load", refuse)
    monkeypatch.setattr("pickle.loads", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    for name in zoo.MODELS:
        zoo.load_classifier(name)
    zoo.load_images()


def test_what_is_shipped() -> None:
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert {path.suffix for path in files} <= {".py", ".safetensors", ".npz", ".json", ".md", ""}
    assert sum(path.stat().st_size for path in files) < 1_000_000
    licence = (FOLDER / "LICENSE-fashion-mnist").read_text()
    assert "MIT" in licence
    assert "Zalando" in licence
    for name in zoo.MODELS:
        with safetensors.safe_open(FOLDER / f"{name}.safetensors", "pt") as stored:
            assert (set(stored.keys()) == {"high"}) == (name == "masked")


# --- the training script ----------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder in the form of Debian's package: 256 and 450 small pictures of noise, brighter by class."""
    random = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    for part, count in (("train", 256), ("t10k", 450)):
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
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        monkeypatch.setattr(sys, "argv", ["train", "--data", str(data), "--out", str(out), "--epochs", "1"])
        training.main()
    names = sorted(os.listdir(outs[0]))
    weights = [f"{name}.safetensors" for name in zoo.MODELS]
    assert names == sorted([*weights, "fashion_mnist_test.npz", "training_log.json"])
    for name in names:
        if name.endswith(".safetensors"):
            assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()
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
        assert np.array_equal(shipped["images"], (x[:400] * 255).round().to(torch.uint8).numpy())
        assert shipped["images"].dtype == np.uint8
        assert np.array_equal(shipped["labels"], labels[:400].numpy())
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
