"""Decoupled direction and norm: a minimum-norm l2 attack, stronger than PGD at the same number of gradients."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor

from isoperimetry_bridges.torch.attacks.base import Box, NearestErrors, finish, input_gradient, into_box, norms
from isoperimetry_bridges.torch.classifier import Classifier


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DecoupledDirectionNorm:
    """DDN: the gradient chooses the direction; the norm grows by ``gamma`` while right and shrinks while wrong.

    The step along the gradient anneals from ``scale`` to ``scale`` / 100 by a cosine. The nearest wrong iterate is
    kept. A start whose gradient is exactly zero cannot move: it is given up and marked as blocked.

    Source: Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger (2019), "Decoupling direction and norm for efficient
    gradient-based l2 adversarial attacks and defenses", algorithm 1, without the quantisation of pixel values. The
    initial norm is ``scale`` (there 1); the walk back to the boundary is ours.
    """

    steps: int = 100
    gamma: float = 0.05

    @property
    def name(self) -> str:
        """How reports call the attack."""
        return "DDN"

    def __call__(
        self, classifier: Classifier, starts: Tensor, label: int, *, scale: float, box: Box | None = None
    ) -> NearestErrors:
        """Attack ``starts``; see `Attack`."""
        points = starts.cpu().clone()
        blocked = np.zeros(len(starts), bool)
        for first in range(0, len(starts), size := classifier.batch_size(starts[0].numel())):
            rows = slice(first, first + size)
            points[rows], blocked[rows] = self._search(classifier, starts[rows], label, scale, box)
        return finish(classifier, starts, points, label, blocked, box=box)

    def _search(
        self, classifier: Classifier, starts: Tensor, label: int, scale: float, box: Box | None
    ) -> tuple[Tensor, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        everything = starts.to(classifier.device, copy=True)  # written to below
        labels = torch.full((len(everything),), label, device=everything.device)
        logits, gradient = input_gradient(classifier, everything, labels)
        wrong_start = logits.argmax(1) != label
        blocked = ~wrong_start & (norms(gradient).flatten() == 0)
        going = ~(wrong_start | blocked)
        if going.any():
            center = everything[going]
            everything[going] = center + self._nearest(classifier, center, labels[going], gradient[going], scale, box)
        return everything.cpu(), blocked.cpu().numpy()

    def _nearest(
        self, classifier: Classifier, center: Tensor, labels: Tensor, gradient: Tensor, scale: float, box: Box | None
    ) -> Tensor:
        """Return the shortest wrong displacement of each row, zero where none was met; ``gradient`` is that at 0."""
        delta = torch.zeros_like(center)
        norm = torch.full_like(norms(center), scale)
        wrong = torch.zeros_like(norm, dtype=torch.bool)
        best, best_norm = torch.zeros_like(center), torch.full_like(norm, math.inf)
        for step in range(self.steps):
            slope = norms(gradient)
            alpha = scale * (0.01 + 0.99 * (1 + math.cos(math.pi * step / self.steps)) / 2)
            delta = delta + torch.where(slope > 0, alpha * gradient / slope, 0.0)
            norm = torch.where(wrong, norm * (1 - self.gamma), norm * (1 + self.gamma))
            length = norms(delta)
            delta = into_box(center + delta * torch.where(length > 0, norm / length, 0.0), box) - center
            logits, gradient = input_gradient(classifier, center + delta, labels)
            wrong = (logits.argmax(1) != labels).view_as(norm)
            length = norms(delta)
            nearer = wrong & (length < best_norm)
            best, best_norm = torch.where(nearer, delta, best), torch.where(nearer, length, best_norm)
        return best
