"""Attacks of torchattacks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor, nn

from isoperimetry_bridges.torch.attacks.adapters.common import Adapter, View


@dataclasses.dataclass(frozen=True, slots=True)
class Torchattacks(Adapter):
    """An attack of torchattacks: a function that makes it for a model and a radius.

    For instance ``lambda model, eps: torchattacks.PGDL2(model, eps=eps, alpha=eps / 5, steps=50)``.

    torchattacks clamps to [0, 1], whatever the inputs are. So it is given a model on [0, 1] onto which the box is
    mapped, or, without one, an interval that leaves two radii around all starts. Lengths in its settings are in that
    unit: write them in parts of ``eps``.

    Parameters
    ----------
    attack : callable
        ``attack(model, eps)``, an attack of torchattacks.
    radius, seed, name
        See `Adapter`.

    Examples
    --------
    >>> def pgd(model, eps):
    ...     import torchattacks
    ...
    ...     return torchattacks.PGDL2(model, eps=eps, alpha=eps / 5, steps=50)
    >>> Torchattacks(pgd).name
    'torchattacks pgd'
    """

    attack: Callable[[nn.Module, float], Any] = dataclasses.field(repr=False)

    package: ClassVar[str] = "torchattacks"
    install: ClassVar[str] = "--no-deps torchattacks"
    unit: ClassVar[bool] = True

    def _find(self, package: Any, view: View, x: Tensor, labels: Tensor) -> Any:
        return self.attack(view, view.eps)(x, labels)
