"""Decoupled direction and norm: a minimum-norm l2 attack, stronger than PGD at the same number of gradients."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from isoperimetry.streams import RandomLike
from isoperimetry_bridges.torch.attacks.base import Box, NearestErrors, attack_in_batches, by_row, into_box, norms
from isoperimetry_bridges.torch.attacks.best import restart_stream, search_again, shifted
from isoperimetry_bridges.torch.attacks.gradients import Gradients
from isoperimetry_bridges.torch.classifier import Classifier


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DecoupledDirectionNorm:
    """DDN: the gradient chooses the direction; the norm grows by ``gamma`` while right and shrinks while wrong.

    The step along the gradient anneals from ``scale`` to ``scale`` / 100 by a cosine. The nearest wrong iterate is
    kept. A start whose gradient is exactly zero cannot move: it is given up and marked as blocked. The loss is the
    cross-entropy, or the margin where errors are not other classes.

    Source: Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger (2019), "Decoupling direction and norm for efficient
    gradient-based l2 adversarial attacks and defenses", algorithm 1, without the quantisation of pixel values. The
    initial norm is ``scale`` (there 1); the walk back to the boundary is ours.

    Parameters
    ----------
    steps : int, default 100
    gamma : float, default 0.05
    restarts : int, default 0
        Further searches, from random points half a scale away from the start.
    rng : None, int, SeedSequence, Generator or Stream
        Of the restarts.
    """

    steps: int = 100
    gamma: float = 0.05
    restarts: int = 0
    rng: RandomLike = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rng", restart_stream(self.restarts, self.rng))

    @property
    def name(self) -> str:
        """How reports call the attack."""
        return "DDN" if not self.restarts else f"DDN, {self.restarts} restarts"

    def check(self, classifier: Classifier) -> None:
        """Refuse a classifier without gradients or margin."""
        Gradients(classifier, self.name)

    def __call__(
        self,
        classifier: Classifier,
        starts: Tensor,
        labels: Tensor | int,
        *,
        scale: float | Tensor,
        box: Box | None = None,
    ) -> NearestErrors:
        """Attack ``starts``; see `Attack`."""
        slopes = Gradients(classifier, self.name)

        def run(direction: Tensor | None) -> NearestErrors:
            def search(x: Tensor, y: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
                return self._search(slopes, x, y, scales, direction, box)

            return attack_in_batches(classifier, starts, labels, scale=scale, box=box, search=search)

        return search_again(run, starts, self.restarts, self.rng)  # type: ignore[arg-type]

    def _search(
        self,
        slopes: Gradients,
        center: Tensor,
        labels: Tensor,
        scales: Tensor,
        direction: Tensor | None,
        box: Box | None,
    ) -> tuple[Tensor, Tensor]:
        x = shifted(center, scales, direction, box)
        slope = slopes(x, labels)
        blocked = ~slope.wrong & (norms(slope.gradient).flatten() == 0)
        going = ~blocked if direction is not None else ~(slope.wrong | blocked)
        if going.any():
            found = self._nearest(
                slopes, center[going], x[going] - center[going], labels[going], slope.gradient[going],
                slope.wrong[going], by_row(scales[going], center), box,
            )  # fmt: skip
            x[going] = center[going] + found
        return x, blocked

    def _nearest(
        self,
        slopes: Gradients,
        center: Tensor,
        delta: Tensor,
        labels: Tensor,
        gradient: Tensor,
        wrong_first: Tensor,
        scale: Tensor,
        box: Box | None,
    ) -> Tensor:
        """Return the shortest wrong displacement of each row, zero where none was met; ``gradient`` is at ``delta``."""
        norm, wrong = scale, by_row(wrong_first, center)
        best = torch.where(wrong, delta, torch.zeros_like(delta))
        best_norm = torch.where(wrong, norms(delta), torch.inf)
        for step in range(self.steps):
            slope = norms(gradient)
            alpha = scale * (0.01 + 0.99 * (1 + math.cos(math.pi * step / self.steps)) / 2)
            delta = delta + torch.where(slope > 0, alpha * gradient / slope, 0.0)
            norm = torch.where(wrong, norm * (1 - self.gamma), norm * (1 + self.gamma))
            length = norms(delta)
            delta = into_box(center + delta * torch.where(length > 0, norm / length, 0.0), box) - center
            met = slopes(center + delta, labels)
            gradient, wrong = met.gradient, by_row(met.wrong, center)
            length = norms(delta)
            nearer = wrong & (length < best_norm)
            best, best_norm = torch.where(nearer, delta, best), torch.where(nearer, length, best_norm)
        return best
