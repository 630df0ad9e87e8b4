"""Attacks of the Adversarial Robustness Toolbox."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor, nn

from isoperimetry_bridges.torch.attacks.adapters.common import Adapter, View


@dataclasses.dataclass(frozen=True, slots=True)
class Art(Adapter):
    """An evasion attack of ART: a function that makes it for an estimator and a radius.

    For instance ``lambda model, eps: ProjectedGradientDescent(model, norm=2, eps=eps, eps_step=eps / 5)``. Lengths are
    in the unit of the inputs.

    ART clamps to the ``clip_values`` of its estimator. These are the box; without one they leave two radii around all
    starts, so that only an attack that ignores the radius is clamped.

    Parameters
    ----------
    attack : callable
        ``attack(estimator, eps)``, an attack with ``generate(x, y)``; ``estimator`` is an ART ``PyTorchClassifier``.
    radius, seed, name
        See `Adapter`.

    Examples
    --------
    >>> def deepfool(estimator, eps):
    ...     from art.attacks.evasion import DeepFool
    ...
    ...     return DeepFool(estimator, verbose=False)
    >>> Art(deepfool).name
    'art deepfool'
    """

    attack: Callable[[Any, float], Any] = dataclasses.field(repr=False)

    package: ClassVar[str] = "art.estimators.classification"
    install: ClassVar[str] = "adversarial-robustness-toolbox"
    unit: ClassVar[bool] = False

    def _find(self, package: Any, view: View, x: Tensor, labels: Tensor) -> Any:
        estimator = package.PyTorchClassifier(
            view,
            loss=nn.CrossEntropyLoss(),
            input_shape=tuple(x.shape[1:]),
            nb_classes=view.n_classes,
            clip_values=view.bounds,
            device_type="gpu" if x.is_cuda else "cpu",
        )
        return self.attack(estimator, view.eps).generate(x.cpu().numpy(), labels.cpu().numpy())
