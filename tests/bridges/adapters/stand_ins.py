"""Small packages with the interfaces of the real ones: what the adapters call, and what the real ones do to us.

Each walks along the gradient to the edge of its radius and clamps where the real package clamps.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def climb(model: Any, x: Tensor, y: Tensor, eps: float, low: float, high: float, *, steps: int = 20) -> Tensor:
    """Return the last point of ``steps`` normalised gradient steps in the ball of radius ``eps``, clamped."""
    start = x.clone()
    for _ in range(steps):
        x = x.detach().requires_grad_(True)
        loss = nn.functional.cross_entropy(model(x), y, reduction="sum")
        gradient = torch.autograd.grad(loss, x)[0].flatten(1)
        step = gradient / gradient.norm(dim=1, keepdim=True).clamp(min=1e-30) * eps / 5
        delta = (x.detach() - start).flatten(1) + step
        delta = delta * (eps / delta.norm(dim=1, keepdim=True).clamp(min=1e-30)).clamp(max=1)
        x = (start + delta.view_as(start)).clamp(low, high)
    return x


# foolbox ------------------------------------------------------------------------------------------------------------


class MinimizationAttack:
    """foolbox: called with epsilons=None it is not limited; it returns raw points, clipped ones, and success."""

    def __call__(self, model: Any, inputs: Tensor, criterion: Tensor, *, epsilons: Any) -> Any:
        assert epsilons is None
        assert inputs.min() >= model.bounds[0] and inputs.max() <= model.bounds[1]  # as foolbox asserts
        ends = climb(model, inputs, criterion, 8.0, *model.bounds, steps=60)
        return ends, ends, None


class FixedEpsilonAttack:
    """foolbox: it must be told a radius, in the unit of the inputs."""

    def __call__(self, model: Any, inputs: Tensor, criterion: Tensor, *, epsilons: Any) -> Any:
        ends = climb(model, inputs, criterion, float(epsilons), *model.bounds)
        return ends, ends, None


class PyTorchModel:
    def __init__(self, model: nn.Module, bounds: tuple[float, float], device: Any = None) -> None:
        assert not model.training
        self.bounds, self._model = bounds, model.to(device)

    def __call__(self, x: Tensor) -> Tensor:
        with torch.set_grad_enabled(x.requires_grad):
            answer: Tensor = self._model(x)
        return answer


def foolbox() -> Any:
    base = SimpleNamespace(MinimizationAttack=MinimizationAttack)
    return SimpleNamespace(PyTorchModel=PyTorchModel, attacks=SimpleNamespace(base=base))


# torchattacks -------------------------------------------------------------------------------------------------------


class PGDL2:
    """torchattacks: inputs in [0, 1]; it asks the first parameter for the device, and sets the mode of the model."""

    def __init__(self, model: nn.Module, eps: float) -> None:
        self.model, self.eps, self.device = model, eps, next(model.parameters()).device

    def __call__(self, inputs: Tensor, labels: Tensor) -> Tensor:
        assert inputs.min() >= 0 and inputs.max() <= 1 and inputs.ndim == 4
        self.model.train()
        self.model.eval()
        return climb(self.model, inputs.to(self.device), labels, self.eps, 0.0, 1.0)


# ART ----------------------------------------------------------------------------------------------------------------


class PyTorchClassifier:
    def __init__(
        self, model: nn.Module, loss: nn.Module, input_shape: Any, nb_classes: int, clip_values: Any, device_type: str
    ) -> None:
        assert device_type == "cpu" and nb_classes >= 2
        self.model, self.input_shape, self.clip_values = model, input_shape, clip_values


class Evasion:
    """ART: NumPy arrays in and out."""

    def __init__(self, estimator: Any, eps: float) -> None:
        self.estimator, self.eps = estimator, eps

    def generate(self, x: Any, y: Any) -> Any:
        assert isinstance(x, np.ndarray) and x.dtype == np.float32 and x.shape[1:] == self.estimator.input_shape
        low, high = self.estimator.clip_values
        return climb(self.estimator.model, torch.from_numpy(x), torch.from_numpy(y), self.eps, low, high).numpy()


def art() -> Any:
    return SimpleNamespace(PyTorchClassifier=PyTorchClassifier)


# pyautoattack -------------------------------------------------------------------------------------------------------


class AutoAttack:
    """pyautoattack: inputs in [0, 1]; what it found no error for comes back unmoved."""

    def __init__(
        self, model: Any, *, attacks: Any = None, device: Any = "cpu", eps: float, norm: str, seed: Any, version: str
    ) -> None:
        assert norm == "L2" and version == "custom" and set(attacks) <= {"apgd-ce", "apgd-t", "fab", "fab-t", "square"}
        self.model, self.eps, self.seed = model, eps, seed
        self.apgd, self.fab, self.apgd_targeted = SimpleNamespace(), SimpleNamespace(), SimpleNamespace()

    @torch.no_grad()
    def run_standard_evaluation(self, x: Tensor, y: Tensor, /, *, batch_size: int = 250) -> tuple[Tensor, Tensor]:
        assert x.min() >= 0 and x.max() <= 1 and x.ndim == 4
        torch.manual_seed(self.seed)
        with torch.enable_grad():
            ends = climb(self.model, x, y, self.eps, 0.0, 1.0)
        found = self.model(ends).argmax(1)
        return torch.where((found != y).view(-1, 1, 1, 1), ends, x), found


def pyautoattack() -> Any:
    return SimpleNamespace(AutoAttack=AutoAttack)
