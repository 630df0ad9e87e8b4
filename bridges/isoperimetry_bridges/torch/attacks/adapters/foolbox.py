"""Attacks of foolbox."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from torch import Tensor

from isoperimetry_bridges.torch.attacks.adapters.common import Adapter, View


@dataclasses.dataclass(frozen=True, slots=True)
class Foolbox(Adapter):
    """An attack of foolbox, for instance ``foolbox.attacks.DDNAttack(steps=100)``.

    Lengths in its settings are in the unit of the inputs. An attack that takes ``epsilons`` gets the radius; a
    minimum-norm attack is not limited.

    foolbox clamps to the bounds of its model. These are the box; without one they leave two radii around all starts, so
    that only a minimum-norm attack that goes farther is clamped.

    Parameters
    ----------
    attack : foolbox.attacks.Attack
    radius, seed, name
        See `Adapter`.
    """

    attack: Any

    package: ClassVar[str] = "foolbox"
    install: ClassVar[str] = "foolbox"
    unit: ClassVar[bool] = False

    def _described(self) -> str:
        return type(self.attack).__name__

    def _find(self, package: Any, view: View, x: Tensor, labels: Tensor) -> Any:
        model = package.PyTorchModel(view, bounds=view.bounds, device=x.device)
        inner = getattr(self.attack, "attack", self.attack)  # of `attack.repeat(times)`
        unlimited = isinstance(inner, package.attacks.base.MinimizationAttack)
        return self.attack(model, x, labels, epsilons=None if unlimited else view.eps)[1]
