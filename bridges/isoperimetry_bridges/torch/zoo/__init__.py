"""The shipped classifiers of Fashion-MNIST and test images: what ``isoperimetry check`` looks at by default.

Networks of one architecture: ``clean`` was trained plainly, ``noise0.1``, ``noise0.2`` and ``noisy`` on images with
Gaussian noise of scale 0.1, 0.2 and 0.4, and ``adversarial`` on the images that an attack makes of them. Defences are
``clean`` behind something that was published to hide its gradients (see `defences`): saturated and quantised
activations (``masked``), and six others. `train` made the networks; its log is kept.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.resources import files

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.zoo import defences
from isoperimetry_bridges.torch.zoo.networks import QuantizedConvNet, SmallConvNet

MODELS = ("clean", "noisy", "masked")
"""What ``isoperimetry check`` compares."""

NETWORKS = ("clean", "noise0.1", "noise0.2", "noisy", "adversarial")
"""Networks with weights of their own."""

_WRAPPED: dict[str, Callable[[nn.Module], nn.Module]] = {
    "bit-depth": defences.BitDepth,
    "jpeg": defences.JpegCompression,
    "median": defences.MedianSmoothing,
    "total-variation": defences.TotalVariation,
    "pixel-deflection": defences.PixelDeflection,
    "saturated": defences.SaturatedSoftmax,
}

DEFENCES = ("masked", *_WRAPPED)
"""Defences around ``clean`` that mask its gradients."""


def _read(name: str) -> bytes:
    return (files(__package__) / name).read_bytes()


def _state(name: str) -> dict[str, Tensor]:
    return safetensors.torch.load(_read(f"{name}.safetensors"))


def load_classifier(name: str, *, device: str | torch.device | None = None) -> Classifier:
    """Return a shipped classifier: one of `NETWORKS` or `DEFENCES`.

    Parameters
    ----------
    name : str
        For instance "clean", "noisy", "adversarial", "masked" or "jpeg".
    device : str or torch.device, optional
        Where it runs; default: the CPU.

    Returns
    -------
    Classifier
        Of images (n, 1, 28, 28) in [0, 1], in evaluation mode.

    Raises
    ------
    ValueError
        If there is none of that name.
    MissingDependency
        For "jpeg" without Pillow, which the extra ``report`` installs.

    Examples
    --------
    >>> load_classifier("clean").name
    'clean'
    >>> load_classifier("bit-depth").module.extra_repr()
    'bits=3'
    """
    if name not in NETWORKS + DEFENCES:
        raise ValueError(f"name={name!r} must be one of {', '.join(map(repr, NETWORKS + DEFENCES))}.")
    state = _state("clean" if name in DEFENCES else name)
    network: nn.Module
    if name == "masked":
        network = QuantizedConvNet()
        network.load_state_dict(state | _state("masked"))
    else:
        network = SmallConvNet()
        network.load_state_dict(state)
    if name in _WRAPPED:
        network = _WRAPPED[name](network)
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
