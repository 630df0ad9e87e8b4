"""Train the shipped classifiers from Debian's package ``dataset-fashion-mnist`` and cut the shipped test images.

Run from a checkout with the package installed; every number of the run goes to ``training_log.json``::

    apt-get install dataset-fashion-mnist
    python -m isoperimetry_bridges.torch.zoo.train --out bridges/isoperimetry_bridges/torch/zoo

With ``--only NAME ...`` the other files, and what the log says of them, stay as they are. All trainings have the same
seed and recipe but for what is done to the images: fresh Gaussian noise (unclipped), or l2 adversarial training (Madry,
Makelov, Schmidt, Tsipras, Vladu 2018, "Towards deep learning models resistant to adversarial attacks"). ``masked`` is
not trained: it is ``clean`` with quantised activations, whose range is measured on training images. Same seed, machine
type, torch version and number of threads: same weights.
"""

from __future__ import annotations

import argparse
import dataclasses
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
ATTACK_STEPS = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """What the training images go through: Gaussian noise of scale ``sigma``, or l2 ascent of radius ``eps``.

    ``half`` says that weights are rounded to float16 after training, and stored so.
    """

    sigma: float = 0.0
    eps: float = 0.0
    steps: int = 7
    half: bool = False


RECIPES = {
    "clean": Recipe(),
    "noisy": Recipe(sigma=0.4),
    "noise0.1": Recipe(sigma=0.1, half=True),
    "noise0.2": Recipe(sigma=0.2, half=True),
    "adversarial": Recipe(eps=1.5, half=True),
}


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


def ascend(model: nn.Module, x: Tensor, labels: Tensor, *, eps: float, steps: int) -> Tensor:
    """Return inputs at l2 distances of at most ``eps`` with a large loss: projected gradient ascent, random start.

    Inputs are not clipped: noise is not either, and distances are measured in the whole space.
    """

    def norms(values: Tensor) -> Tensor:
        length: Tensor = torch.linalg.vector_norm(values, dim=(1, 2, 3), keepdim=True)
        return length.clamp_min(1e-12)

    shift = torch.randn_like(x)
    # A point that is uniform in the ball: its radius is eps U^(1/n).
    shift = shift * (eps * torch.rand(len(x), 1, 1, 1) ** (1 / x[0].numel()) / norms(shift))
    for _ in range(steps):
        point = (x + shift).requires_grad_()
        (slope,) = torch.autograd.grad(nn.functional.cross_entropy(model(point), labels, reduction="sum"), point)
        shift = shift + 2.5 * eps / steps * slope / norms(slope)
        shift = shift * (eps / norms(shift)).clamp_max(1)
    return x + shift


def train(
    images: Tensor, labels: Tensor, recipe: Recipe, *, epochs: int, say: Callable[[str], None]
) -> tuple[SmallConvNet, list[dict[str, float]]]:
    """Return a trained net and one record per epoch."""
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
            if recipe.eps:
                model.requires_grad_(False)  # the ascent needs no gradients of the weights
                x = ascend(model, x, labels[chosen], eps=recipe.eps, steps=recipe.steps)
                model.requires_grad_(True)
            else:
                x = x + recipe.sigma * torch.randn_like(x)
            loss = nn.functional.cross_entropy(model(x), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(x)
        record = {"epoch": epoch + 1, "loss": total / (steps // epochs * batch), "seconds": time.perf_counter() - start}
        history.append(record)
        say(f"{recipe} epoch {epoch + 1}/{epochs} loss {record['loss']:.4f} ({record['seconds']:.0f} s)")
    return model.eval(), history


@torch.no_grad()
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


def measure(model: nn.Module, images: Tensor, labels: Tensor, *, attacked: bool = True) -> dict[str, float]:
    """Return the accuracies that the log keeps: of test images, in noise, and of the first 1,000 under attack."""
    generator = torch.Generator().manual_seed(SEED)
    noise = torch.randn(images.shape, generator=generator)
    found = {"test_accuracy": accuracy(model, images, labels)}
    for sigma in (0.4, 0.2, 0.1):
        found[f"test_accuracy_noise_{sigma}"] = accuracy(model, images + sigma * noise, labels)
    torch.manual_seed(SEED)
    for eps in (0.5, 1.5) if attacked else ():
        batches = zip(torch.split(images[:1000], 250), torch.split(labels[:1000], 250), strict=True)
        moved = torch.cat([ascend(model, x, y, eps=eps, steps=ATTACK_STEPS) for x, y in batches])
        found[f"accuracy_l2_pgd_{eps}"] = accuracy(model, moved, labels[:1000])
    return found


def main() -> None:
    """Train, measure and write what is asked for: by default everything that ships."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=[*RECIPES, "masked"], help="default: all")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--levels", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    images, labels = load(arguments.data, "train")
    test_images, test_labels = load(arguments.data, "t10k")
    arguments.out.mkdir(parents=True, exist_ok=True)
    machine = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }
    for name in arguments.only or [*RECIPES, "masked"]:
        entry: dict[str, Any]
        model: SmallConvNet
        if name == "masked":
            clean = SmallConvNet()
            clean.load_state_dict(safetensors.torch.load_file(arguments.out / "clean.safetensors"))
            model = quantize(clean, images[:1000], arguments.levels)
            # The defence has no weights of its own: only the range of its activations is stored.
            state = {"high": model.get_buffer("high")}
            entry = {"from": "clean", "levels": arguments.levels, "activation_range": state["high"].tolist()}
        else:
            recipe = RECIPES[name]
            model, history = train(images, labels, recipe, epochs=arguments.epochs, say=print)
            if recipe.half:
                model.half().float()  # what is measured is what is stored
            state = {key: value.half() if recipe.half else value for key, value in model.state_dict().items()}
            entry = {"recipe": dataclasses.asdict(recipe), "seed": SEED, "epochs": arguments.epochs, "history": history}
        entry |= {**machine, **measure(model, test_images, test_labels, attacked=name != "masked")}
        print(name, {key: value for key, value in entry.items() if "accuracy" in key})
        (arguments.out / f"{name}.safetensors").write_bytes(safetensors.torch.save(state))
        write_log(arguments.out / "training_log.json", name, entry)
    np.savez_compressed(
        arguments.out / "fashion_mnist_test.npz",
        images=(test_images[:N_SHIPPED] * 255).round().to(torch.uint8).numpy(),
        labels=test_labels[:N_SHIPPED].numpy(),
    )


def write_log(path: Path, name: str, entry: dict[str, Any]) -> None:
    """Put the entry of one model in the log, which keeps those of the others."""
    log = json.loads(path.read_text()) if path.exists() else {"models": {}}
    log["models"][name] = entry
    path.write_text(json.dumps(log, indent=1) + "\n")


if __name__ == "__main__":
    main()
