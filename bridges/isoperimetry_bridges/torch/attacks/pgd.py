"""Projected gradient descent in l2 on the cross-entropy, as published, with a line search back to the boundary."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from isoperimetry_bridges.torch.attacks.base import Box, NearestErrors, finish, input_gradient, into_box, norms
from isoperimetry_bridges.torch.classifier import Classifier


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedGradient:
    """l2 PGD: ``steps`` steps of eps / ``steps_to_edge`` along the normalised gradient, in the ball of radius eps.

    The radius is eps = max(``radius`` * scale, ``smallest_radius``): 2 * 4.265 = 8.53 times sigma in the published
    setting, where a half-space with an error rate of 1 % is 2.33 sigma away. No random start and no clipping; a start
    is finished at the first iterate that is wrong, the last one included. A start whose gradient is exactly zero
    cannot move: it is given up and marked as blocked.

    Source: Madry, Makelov, Schmidt, Tsipras, Vladu (2018), "Towards deep learning models resistant to adversarial
    attacks"; parameters of Ford, Gilmer, Carlini, Cubuk (2019). The walk back to the boundary is ours.
    """

    steps: int = 200
    steps_to_edge: float = 150.0
    radius: float = 3.67
    smallest_radius: float = 1.0

    @property
    def name(self) -> str:
        """How reports call the attack."""
        return "PGD"

    def __call__(
        self, classifier: Classifier, starts: Tensor, label: int, *, scale: float, box: Box | None = None
    ) -> NearestErrors:
        """Attack ``starts``; see `Attack`."""
        eps = max(self.radius * scale, self.smallest_radius)
        points = starts.cpu().clone()
        blocked = np.zeros(len(starts), bool)
        for first in range(0, len(starts), size := classifier.batch_size(starts[0].numel())):
            rows = slice(first, first + size)
            points[rows], blocked[rows] = self._climb(classifier, starts[rows], label, eps, box)
        return finish(classifier, starts, points, label, blocked, box=box)

    def _climb(
        self, classifier: Classifier, starts: Tensor, label: int, eps: float, box: Box | None
    ) -> tuple[Tensor, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        center = starts.to(classifier.device)
        x, final = center.clone(), center.clone()
        active = torch.arange(len(x), device=x.device)
        blocked = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        labels = torch.full((len(x),), label, device=x.device)
        for step in range(self.steps + 1):
            logits, gradient = input_gradient(classifier, x, labels[: len(x)])
            length = norms(gradient)
            wrong = logits.argmax(1) != label
            stuck = ~wrong & (length.flatten() == 0)
            going = ~(wrong | stuck)
            final[active] = x
            blocked[active[stuck]] = True
            if step == self.steps or not going.any():
                break
            active, x, center = active[going], x[going], center[going]
            delta = x + (eps / self.steps_to_edge) * gradient[going] / length[going] - center
            x = into_box(center + delta * (eps / norms(delta).clamp_min(eps)), box)
        return final.cpu(), blocked.cpu().numpy()
