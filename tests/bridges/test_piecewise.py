"""Exact crossings of lines with the errors of small networks, against dense scans."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch import Classifier, piecewise, zoo
from isoperimetry_bridges.torch.piecewise import ErrorPieces, is_piecewise_linear


class Residual(nn.Module):
    """A block with a sum, functions and a method, as users write them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(12, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.relu(self.first(x.flatten(1)) / 0.5 - 0.1)
        h = h + nn.functional.relu(self.second(h))
        return self.last(h)


def networks() -> dict[str, nn.Module]:
    torch.manual_seed(5)
    norm = nn.BatchNorm2d(4)
    norm.running_mean.uniform_(-0.3, 0.3)
    norm.running_var.uniform_(0.5, 2.0)
    return {
        "dense": nn.Sequential(nn.Flatten(), nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 10), nn.LeakyReLU(0.2),
                               nn.Linear(10, 4)),
        "convolution": nn.Sequential(nn.Conv2d(3, 4, 2, padding=1), norm, nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
                                     nn.Linear(4, 3)),
        "residual": Residual(),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["dense", "convolution", "residual"])
def test_intervals_are_those_of_a_dense_scan(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piecewise, "NUMBERS", 300)  # lines are cut into parts
    module = networks()[name].double().eval()
    model = Classifier(module, mean=(0.1, 0.2, 0.3) if name == "convolution" else None,
                       std=(0.5, 0.6, 0.7) if name == "convolution" else None)  # fmt: skip
    rng = np.random.default_rng(7)
    points, ways = rng.standard_normal((2, 12, 12))
    for label in (0, 1, 2):
        low, high = ErrorPieces(model, (3, 2, 2), label, reach=6.0)(points, ways)
        crossings = 0
        for point, way, start, end in zip(points, ways, low, high, strict=True):
            t = rng.uniform(-6, 6, 4000)
            x = torch.from_numpy(point + t[:, None] * way).view(-1, 3, 2, 2)
            margin = model.margins(x, torch.full((len(t),), label)).detach().numpy()
            inside = ((t[:, None] >= start) & (t[:, None] <= end)).any(1)
            assert np.array_equal((margin <= 0)[np.abs(margin) > 1e-9], inside[np.abs(margin) > 1e-9])
            ends = np.concatenate((start, end))
            ends = ends[np.abs(ends) < 5.999]
            there = torch.from_numpy(point + ends[:, None] * way).view(-1, 3, 2, 2)
            if len(ends):
                at = model.margins(there, torch.full((len(ends),), label)).detach().numpy()
                assert np.abs(at).max() < 1e-9  # ends are zeros of the margin, to rounding
            crossings += len(ends)
        assert crossings > 0


def test_a_shipped_network_is_followed_exactly() -> None:
    model = zoo.load_classifier("clean")
    assert is_piecewise_linear(model.module)
    images, labels = zoo.load_images()
    pieces = ErrorPieces(model, (1, 28, 28), labels[1], reach=1.0)
    way = np.random.default_rng(3).standard_normal(784)
    low, high = pieces(images[1].double().numpy().reshape(1, -1), 0.02 * way[None])
    assert np.isinf(low).all() and np.isinf(high).all()  # no error so near
    assert pieces.passes > 10


def test_other_networks_are_refused_in_one_sentence() -> None:
    for module, named in (
        (nn.Sequential(nn.Linear(3, 3), nn.Tanh()), "Tanh"),
        (_Product(), "mul"),
        (_Branch(), "traced"),
    ):
        assert not is_piecewise_linear(module.eval())
        with pytest.raises(ModelError, match=f"piecewise linear network.*{named}"):
            ErrorPieces(Classifier(module.eval()), (3,), 0)


class _Product(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x


class _Branch(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x
