"""The shipped classifiers of Fashion-MNIST and test images: what ``isoperimetry check`` looks at by default.

``clean`` was trained plainly, ``noisy`` on images with Gaussian noise of scale 0.4, and ``masked`` is ``clean`` behind
a defence that hides its gradients: activations are saturated and quantised. `train` made them; its log is kept.
"""

from __future__ import annotations

import io
from importlib.resources import files

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.zoo.networks import QuantizedConvNet, SmallConvNet

MODELS = ("clean", "noisy", "masked")


def _read(name: str) -> bytes:
    return (files(__package__) / name).read_bytes()


def load_classifier(name: str, *, device: str | torch.device | None = None) -> Classifier:
    """Return a shipped classifier: "clean", "noisy" or "masked".

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> load_classifier("clean").name
    'clean'
    """
    if name not in MODELS:
        raise ValueError(f"name={name!r} must be one of {', '.join(map(repr, MODELS))}.")
    parts = ("clean", "masked") if name == "masked" else (name,)
    state = {}
    for part in parts:
        state.update(safetensors.torch.load(_read(f"{part}.safetensors")))
    network = QuantizedConvNet() if name == "masked" else SmallConvNet()
    network.load_state_dict(state)
    return Classifier(network.eval(), name=name, device=device)


def load_images() -> tuple[Tensor, Tensor]:
    """Return the shipped images, shape (400, 1, 28, 28) in [0, 1], and labels, shape (400,): test images 0 to 399.

    Examples
    --------
    >>> images, labels = load_images()
    >>> tuple(images.shape), int(labels.max())
    ((400, 1, 28, 28), 9)
    """
    with np.load(io.BytesIO(_read("fashion_mnist_test.npz")), allow_pickle=False) as data:
        images, labels = data["images"], data["labels"]
    return torch.from_numpy(images).float() / 255, torch.from_numpy(labels).long()
