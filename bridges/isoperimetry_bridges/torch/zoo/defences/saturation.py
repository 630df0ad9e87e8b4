"""The defence that saturates what a network answers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch.zoo.defences.base import refuse_no_positive


class SaturatedSoftmax(nn.Module):
    """A softmax of logits that were multiplied by ``temperature``: it answers with probabilities, nearly all 0 or 1.

    Source: Papernot, McDaniel, Wu, Jha, Swami (2016), "Distillation as a defense to adversarial perturbations against
    deep neural networks". A network that was trained with its logits divided by a temperature, and is used without the
    division, has logits as many times too large; this is that without the training. It masks because the softmax is
    flat where it is saturated: with float32 the gradient is exactly zero where the logit on top leads by more than
    104 / temperature. Inputs are not clipped: the network sees them as they are.

    Parameters
    ----------
    network : torch.nn.Module
    temperature : float, default 100
        > 0.

    Examples
    --------
    >>> SaturatedSoftmax(torch.nn.Identity())(torch.tensor([[0.0, 2.0]]))
    tensor([[0., 1.]])
    """

    def __init__(self, network: nn.Module, *, temperature: float = 100.0) -> None:
        super().__init__()
        refuse_no_positive("temperature", temperature, "logits are multiplied by it")
        self.network, self.temperature = network, float(temperature)

    def extra_repr(self) -> str:
        """Return what tells two of these apart."""
        return f"temperature={self.temperature}"

    def forward(self, x: Tensor) -> Tensor:
        """Return probabilities of shape (batch, classes)."""
        logits: Tensor = self.network(x)
        return torch.softmax(logits * self.temperature, 1)
