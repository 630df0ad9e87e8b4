"""Models wrapped for foolbox."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch.classifier import Classifier


class Preprocessed(nn.Module):
    """A module after flipping an axis and normalising, as foolbox does it."""

    mean: Tensor | None
    std: Tensor | None

    def __init__(self, module: nn.Module, mean: Tensor | None, std: Tensor | None, flip: int | None) -> None:
        super().__init__()
        self.module, self.flip = module, flip
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.training = False

    def extra_repr(self) -> str:
        """Return what belongs to the fingerprint of a classifier, besides the module."""
        return f"flip={self.flip}"

    def forward(self, x: Tensor) -> Any:
        """Return what the module returns."""
        x = x if self.flip is None else x.flip(self.flip)
        x = x if self.mean is None else x - self.mean
        return self.module(x if self.std is None else x / self.std)


def from_foolbox(model: Any, *, name: str | None = None, **settings: Any) -> Classifier:
    """Return the classifier of a ``foolbox.PyTorchModel``: its module, bounds, preprocessing and device.

    Parameters
    ----------
    model : foolbox.PyTorchModel
        Its module must be in evaluation mode.
    name : str, optional
        Default: the class of the module.
    **settings
        Passed to `Classifier`, which takes ``bounds`` and ``device`` from the model.

    Returns
    -------
    Classifier

    Raises
    ------
    TypeError
        If it is another kind of model.
    """
    call = getattr(model, "_model", None)
    module = inspect.getclosurevars(call).nonlocals.get("model") if inspect.isfunction(call) else None
    if not isinstance(module, nn.Module):
        raise TypeError(f"model={type(model).__name__} must be a foolbox.PyTorchModel: unwrap others.")
    mean, std, flip = model._preprocess_args
    mean, std = (None if value is None else torch.as_tensor(value.raw).detach().clone() for value in (mean, std))
    wrapped = module if mean is None and std is None and flip is None else Preprocessed(module, mean, std, flip)
    low, high = model.bounds
    return Classifier(wrapped, bounds=(low, high), device=model.device, name=name or type(module).__name__, **settings)
