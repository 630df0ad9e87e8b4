"""The ResNet-18 for images of 32 x 32 pixels, with the names that published weights for CIFAR-10 have.

He, Zhang, Ren, Sun (2016). Deep residual learning for image recognition. CVPR. For small images the first convolution
has stride 1 and no pooling follows it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _conv(channels: int, planes: int, size: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, planes, size, stride=stride, padding=size // 2, bias=False)


class _Block(nn.Module):
    """Two convolutions, and a way round them that is a convolution where the shape changes."""

    def __init__(self, channels: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(channels, planes, 3, stride), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = _conv(planes, planes, 3, 1), nn.BatchNorm2d(planes)
        same = stride == 1 and channels == planes
        self.shortcut = nn.Sequential(*([] if same else [_conv(channels, planes, 1, stride), nn.BatchNorm2d(planes)]))

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(inner)) + self.shortcut(x))


class SmallResNet18(nn.Module):
    """Four stages of two residual blocks, 64 to 512 planes; logits of 10 classes for images (batch, 3, 32, 32)."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(3, 64, 3, 1), nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(_Block(64, 64, 1), _Block(64, 64, 1))
        self.layer2 = nn.Sequential(_Block(64, 128, 2), _Block(128, 128, 1))
        self.layer3 = nn.Sequential(_Block(128, 256, 2), _Block(256, 256, 1))
        self.layer4 = nn.Sequential(_Block(256, 512, 2), _Block(512, 512, 1))
        self.linear = nn.Linear(512, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of shape (batch, n_classes)."""
        x = torch.relu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        logits: Tensor = self.linear(x.mean((2, 3)))
        return logits
