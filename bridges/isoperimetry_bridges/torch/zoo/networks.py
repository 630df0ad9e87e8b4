"""The architectures of the shipped classifiers: one small convolutional net, plain or behind a defence."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Mean and standard deviation of the 60,000 Fashion-MNIST training images, pixel values in [0, 1].
PIXEL_MEAN, PIXEL_STD = 0.2860, 0.3530


class SmallConvNet(nn.Module):
    """Three strided convolutions and a linear layer: 49,002 weights, logits for 10 classes.

    Input: images of shape (batch, 1, 28, 28) with pixel values in [0, 1]; the normalisation is inside.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(24, 48, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(48, 64, 3, stride=2, padding=1)
        self.linear = nn.Linear(64 * 4 * 4, 10)

    def activate(self, x: Tensor, layer: int) -> Tensor:
        """Return the activation of one layer (0, 1 or 2); a defence replaces this."""
        return torch.relu(x)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of shape (batch, 10)."""
        x = (x - PIXEL_MEAN) / PIXEL_STD
        for layer, conv in enumerate((self.conv1, self.conv2, self.conv3)):
            x = self.activate(conv(x), layer)
        logits: Tensor = self.linear(x.flatten(1))
        return logits


class QuantizedConvNet(SmallConvNet):
    """`SmallConvNet` with activations saturated at ``high`` and rounded to ``levels`` values.

    Quantised and saturated activations were published as defences: rounding has derivative zero almost everywhere, so
    that an attack which follows gradients does not move. The errors stay where they were.
    """

    def __init__(self, levels: int = 32) -> None:
        super().__init__()
        self.levels = levels
        self.high: Tensor
        self.register_buffer("high", torch.ones(3))

    def extra_repr(self) -> str:
        """Return what tells two of these apart, as `repr` shows it."""
        return f"levels={self.levels}"

    def activate(self, x: Tensor, layer: int) -> Tensor:
        """Return the activation, clamped to [0, high] and rounded to a multiple of high / (levels - 1)."""
        high = self.high[layer]
        step = high / (self.levels - 1)
        return torch.round(torch.clamp(x, min=torch.zeros_like(high), max=high) / step) * step
