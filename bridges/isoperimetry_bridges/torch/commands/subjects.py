"""What a command checks: the shipped classifiers and images, or a user's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from isoperimetry_bridges.torch import zoo
from isoperimetry_bridges.torch.attacks import Attack, ProjectedGradient, Transfer
from isoperimetry_bridges.torch.check import BACKING
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.models import load_data, load_factory
from isoperimetry_bridges.torch.output import file_digest


class Subject(NamedTuple):
    """Classifiers with the attacks that back the audited one, images and labels, and where all that came from."""

    classifiers: Sequence[tuple[Classifier, Sequence[str | Attack]]]
    images: Tensor
    labels: Tensor
    about: dict[str, Any]


def shipped(device: str | None) -> Subject:
    """Return the shipped classifiers; errors of the clean one are carried over to the one that hides its gradients."""
    models = {name: zoo.load_classifier(name, device=device) for name in zoo.MODELS}
    others: dict[str, list[str | Attack]] = {name: ["pgd", *BACKING] for name in models}
    others["masked"].append(Transfer(source=models["clean"], attack=ProjectedGradient()))
    classifiers = [(models[name], others[name]) for name in models]
    return Subject(classifiers, *zoo.load_images(), {"source": "shipped classifiers and images"})


def own(model: str, data: Path, device: str | None) -> Subject:
    """Return what a factory and an NPZ file of a user hold."""
    x, y = load_data(data)
    about = {"source": model, "data": str(data), "data_sha256": file_digest(data)}
    classifier = load_factory(model, device=device)
    return Subject([(classifier, ["pgd", *BACKING] if classifier.differentiable else [])], x, y, about)
