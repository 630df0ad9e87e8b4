"""What defences share: a network behind a step that no gradient passes, and checks of settings."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def refuse_no_integer(name: str, value: object, low: int, high: float, why: str) -> None:
    """Refuse a setting that is no integer from ``low`` to ``high``; ``why`` says what it is."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        limits = f">= {low}" if high == math.inf else f"in [{low}, {high}]"
        raise ValueError(f"{name}={value!r} must be an integer {limits}: {why}.")


def refuse_no_positive(name: str, value: float, why: str) -> None:
    """Refuse a setting that is not finite and > 0."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name}={value!r} must be finite and > 0: {why}.")


class Defence(nn.Module):
    """A network behind a change of its input: `transform`, which sees images clipped to [0, 1] and has no gradient.

    Parameters
    ----------
    network : torch.nn.Module
        Maps images of shape (batch, channels, height, width), with values in [0, 1], to logits.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def transform(self, x: Tensor) -> Tensor:
        """Return what the network gets to see of images in [0, 1]: the same shape."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of the changed images, shape (batch, classes)."""
        with torch.no_grad():
            x = self.transform(x.clamp(0, 1))
        logits: Tensor = self.network(x)
        return logits
