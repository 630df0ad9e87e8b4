"""Train the shipped classifiers from Debian's package ``dataset-fashion-mnist`` and cut the shipped test images.

Run from a checkout with the package installed; every number of the run goes to ``training_log.json``::

    apt-get install dataset-fashion-mnist
    python -m isoperimetry_bridges.torch.zoo.train --out bridges/isoperimetry_bridges/torch/zoo

Two plain trainings, with the same recipe and seed, differ in one thing: ``noisy`` sees each image under fresh Gaussian
noise of scale 0.4 (unclipped). ``masked`` is not trained: it is ``clean`` with quantised activations, whose range is
measured on training images. Same seed, machine type, torch version and thread count: same weights.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch.zoo.networks import QuantizedConvNet, SmallConvNet

SEED = 20261122
N_SHIPPED = 400


def read_idx(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the array held by one gzipped IDX file of unsigned bytes."""
    data = gzip.decompress(path.read_bytes())
    n_axes = data[3]
    shape = np.frombuffer(data, ">u4", n_axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * n_axes).reshape(shape)


def load(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Return images (n, 1, 28, 28) in [0, 1] and labels (n,) of ``part``, "train" or "t10k"."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return torch.from_numpy(images.copy())[:, None].float() / 255, torch.from_numpy(labels.copy()).long()


@torch.inference_mode()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the fraction of images that the model gets right."""
    batches = zip(torch.split(images, 500), torch.split(labels, 500), strict=True)
    right = sum(int((model(x).argmax(1) == y).sum()) for x, y in batches)
    return right / len(labels)


def train(
    images: Tensor, labels: Tensor, *, sigma: float, epochs: int, say: Callable[[str], None]
) -> tuple[SmallConvNet, list[dict[str, float]]]:
    """Return a trained net and one record per epoch; ``sigma`` is the scale of the noise on the training images."""
    torch.manual_seed(SEED)
    model = SmallConvNet()
    batch = 128
    steps = epochs * (len(labels) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    history = []
    for epoch in range(epochs):
        start, total = time.perf_counter(), 0.0
        order = torch.randperm(len(labels))
        for chosen in torch.split(order[: steps // epochs * batch], batch):
            x = images[chosen]
            flip = torch.rand(len(x)) < 0.5
            x = torch.where(flip[:, None, None, None], x.flip(3), x)
            x = x + sigma * torch.randn_like(x)
            loss = nn.functional.cross_entropy(model(x), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(x)
        record = {"epoch": epoch + 1, "loss": total / (steps // epochs * batch), "seconds": time.perf_counter() - start}
        history.append(record)
        say(f"sigma={sigma} epoch {epoch + 1}/{epochs} loss {record['loss']:.4f} ({record['seconds']:.0f} s)")
    return model.eval(), history


@torch.inference_mode()
def quantize(clean: SmallConvNet, images: Tensor, levels: int) -> QuantizedConvNet:
    """Return the clean net with quantised activations; the range is the largest activation seen on ``images``."""
    masked = QuantizedConvNet(levels)
    masked.load_state_dict(clean.state_dict(), strict=False)
    seen = torch.zeros(3)

    class Probe(SmallConvNet):
        def activate(self, x: Tensor, layer: int) -> Tensor:
            seen[layer] = torch.maximum(seen[layer], x.max())
            return torch.relu(x)

    probe = Probe()
    probe.load_state_dict(clean.state_dict())
    probe(images)
    masked.high.copy_(seen)
    return masked.eval()


def main() -> None:
    """Train, measure and write everything that ships."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--levels", type=int, default=32)
    arguments = parser.parse_args()

    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    images, labels = load(arguments.data, "train")
    test_images, test_labels = load(arguments.data, "t10k")
    log: dict[str, Any] = {
        "seed": SEED,
        "epochs": arguments.epochs,
        "levels": arguments.levels,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "models": {},
    }
    models: dict[str, SmallConvNet] = {}
    for name, sigma in (("clean", 0.0), ("noisy", 0.4)):
        models[name], history = train(images, labels, sigma=sigma, epochs=arguments.epochs, say=print)
        log["models"][name] = {"training_sigma": sigma, "history": history}
    models["masked"] = quantize(models["clean"], images[:1000], arguments.levels)
    log["models"]["masked"] = {"from": "clean", "activation_range": models["masked"].get_buffer("high").tolist()}

    noise = torch.Generator().manual_seed(SEED)
    noisy_images = test_images + 0.4 * torch.randn(test_images.shape, generator=noise)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, model in models.items():
        entry = log["models"][name]
        entry["test_accuracy"] = accuracy(model, test_images, test_labels)
        entry["test_accuracy_noise_0.4"] = accuracy(model, noisy_images, test_labels)
        print(name, entry["test_accuracy"], entry["test_accuracy_noise_0.4"])
        # The defence has no weights of its own: only the range of its activations is stored.
        state = {"high": models["masked"].get_buffer("high")} if name == "masked" else model.state_dict()
        (arguments.out / f"{name}.safetensors").write_bytes(safetensors.torch.save(state))
    np.savez_compressed(
        arguments.out / "fashion_mnist_test.npz",
        images=(test_images[:N_SHIPPED] * 255).round().to(torch.uint8).numpy(),
        labels=test_labels[:N_SHIPPED].numpy(),
    )
    (arguments.out / "training_log.json").write_text(json.dumps(log, indent=1) + "\n")


if __name__ == "__main__":
    main()
