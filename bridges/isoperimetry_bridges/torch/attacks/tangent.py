"""The nearest point of the linearised boundary, again and again: our minimum-norm l2 attack."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from isoperimetry_bridges.torch.attacks.base import Box, NearestErrors, attack_in_batches, norms, probe
from isoperimetry_bridges.torch.attacks.gradients import Gradients, Slope
from isoperimetry_bridges.torch.attacks.settings import refuse_no_integer
from isoperimetry_bridges.torch.classifier import Classifier

# The share of the way back to the start that a step gives up before it projects: from the first to the last step.
FIRST_PULL, REFINING_PULL, LAST_PULL = 1.0, 0.3, 0.02
# How far beyond the linearised boundary a step aims, relative to the distance.
FIRST_EXCESS, LAST_EXCESS = 0.05, 0.001
# Steps for each way of the exploration, and the least number of steps for which another way is worth it.
EXPLORATION, STEPS_PER_WAY = 20, 25
# An iterate is at most so far away: from its start in scales, or beyond the nearest error met, and twice the last one.
FARTHEST, BEYOND = 100.0, 1.2
# Newton steps of the projection into the box.
PROJECTION_STEPS = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TangentProjection:
    """Steps to the nearest point of the tangent plane of the margin, in the box, that pull less and less.

    At x0 + d with margin m and gradient g, the errors are taken to be {m + g.(d' - d) <= 0}. The next d' is the point
    of this half-space, and of the box, that is nearest to (1 - a) d: to the start itself at a = 1, which finds the
    distance to a half-space in one step, and near to d as a falls to 0.02 by a cosine, which settles where the boundary
    bends or the model is made of linear pieces. It solves the problem min |d'|**2 + (1 - a) / a |d' - d|**2. The
    nearest wrong iterate is kept. No step size depends on the scale.

    Where errors are other classes there are several nearest points, one for each class. The first steps go ``n_ways``
    ways, of 20 steps each: one against whatever class is next, the others against the classes whose linearised
    boundaries are nearest at the start; all further steps refine the nearest error found.

    A start whose gradient is exactly zero cannot move: it is given up and marked as blocked.

    Source: the step with a = 1 is that of Hasofer, Lind (1974) and Rackwitz, Fiessler (1978) in structural reliability,
    and of DeepFool (Moosavi-Dezfooli, Fawzi, Frossard 2016) seen from the start; projecting into the box with a pull
    towards the start is the idea of FAB (Croce, Hein 2020, "Minimally distorted adversarial examples with a fast
    adaptive boundary attack"). The annealed pull, the ways and the walk back to the boundary are ours.

    Parameters
    ----------
    steps : int, default 100
        Gradients at each start, at most.
    n_ways : int, default 3
        At most one for each 25 steps.
    """

    steps: int = 100
    n_ways: int = 3

    def __post_init__(self) -> None:
        for name in ("steps", "n_ways"):
            refuse_no_integer(name, getattr(self, name))

    @property
    def name(self) -> str:
        """How reports call the attack."""
        return "tangent"

    def check(self, classifier: Classifier) -> None:
        """Refuse a classifier without gradients or margin."""
        Gradients(classifier, self.name, margin=True)

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
        slopes = Gradients(classifier, self.name, margin=True)

        def search(x: Tensor, y: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
            first = slopes(x, y)
            blocked = ~first.wrong & (norms(first.gradient).flatten() == 0)
            rows = (~(first.wrong | blocked)).nonzero().flatten()
            if len(rows):
                here = Slope(wrong=first.wrong[rows], margins=first.margins[rows], gradient=first.gradient[rows])
                x[rows] += _Descent(slopes, x[rows], y[rows], scales[rows], box).run(here, self.steps - 1, self.n_ways)
            return x, blocked

        return attack_in_batches(classifier, starts, labels, scale=scale, box=box, search=search)


OUTWARDS = (1.01, 1.05, 1.2, 1.5, 2.0, 4.0)
"""Multiples of the last displacement that are looked at where no error was met."""


class _Descent:
    """The search from one batch of starts; displacements and gradients have shape (rows, dim), margins (rows, 1)."""

    def __init__(self, slopes: Gradients, starts: Tensor, labels: Tensor, scales: Tensor, box: Box | None) -> None:
        self.slopes, self.starts, self.labels = slopes, starts, labels
        flat = starts.flatten(1)
        self.limits = None if box is None else (box[0] - flat, box[1] - flat)
        self.scales = scales[:, None].double()
        self.best, self.best_norm = torch.zeros_like(flat), torch.full_like(self.scales, math.inf)
        self.best_margin, self.best_gradient = torch.zeros_like(self.scales), torch.zeros_like(flat)

    def run(self, first: Slope, steps: int, n_ways: int) -> Tensor:
        """Return the shortest wrong displacement of each row, zero where none was met; ``first`` is that at 0."""
        nowhere, margin, gradient = torch.zeros_like(self.best), first.margins[:, None], first.gradient.flatten(1)
        n_ways = min(n_ways, (steps + 1) // STEPS_PER_WAY)
        targets = self._targets(n_ways) if n_ways > 1 else []
        if not targets:
            self._look_beyond(self._descend(nowhere, margin, gradient, None, steps))
            return self.best.view_as(self.starts)
        self._descend(nowhere, margin, gradient, None, EXPLORATION)
        seen = [self.slopes(self.starts, self.labels, target) for target in targets]
        margins = torch.stack([one.margins for one in seen])
        gradients = torch.stack([one.gradient.flatten(1) for one in seen])
        reach = margins / torch.linalg.vector_norm(gradients, dim=2, dtype=torch.float64)
        order = reach.nan_to_num(nan=math.inf).argsort(0)[: n_ways - 1]
        everything = torch.arange(len(margin), device=margin.device)
        for way in order:
            target = torch.stack(targets)[way, everything]
            self._descend(nowhere, margins[way, everything][:, None], gradients[way, everything], target, EXPLORATION)
        found = torch.isfinite(self.best_norm)
        last = self._descend(
            self.best,
            torch.where(found, self.best_margin, margin),
            torch.where(found, self.best_gradient, gradient),
            None,
            steps - len(targets) - (1 + len(order)) * EXPLORATION,
            first_pull=REFINING_PULL,
        )
        self._look_beyond(last)
        return self.best.view_as(self.starts)

    def _look_beyond(self, last: Tensor) -> None:
        """Look outwards from where a search ended that closed in on the boundary and met no error.

        So it goes where the margin has kinks all over, as the worst of many pixels has.
        """
        for factor in OUTWARDS:
            lost = ~torch.isfinite(self.best_norm)
            if not lost.any():
                return
            d = factor * last
            if self.limits is not None:
                d = torch.minimum(torch.maximum(d, self.limits[0]), self.limits[1])
            wrong, _ = probe(self.slopes.classifier, self.starts + d.view_as(self.starts), self.labels)
            hit = lost & wrong[:, None]
            self.best = torch.where(hit, d, self.best)
            self.best_norm = torch.where(hit, _dots(d, d).sqrt(), self.best_norm)

    def _targets(self, n_ways: int) -> list[Tensor]:
        """Return the classes that come after the next one at the start, one more than will be chosen."""
        if not self.slopes.classifier.criterion.by_class:
            return []
        with torch.no_grad():
            logits = self.slopes.classifier.logits(self.starts)
        others = logits.scatter(1, self.labels[:, None], -torch.inf).argsort(1, descending=True)[:, 1:-1]
        return list(others[:, :n_ways].T)

    def _descend(
        self,
        d: Tensor,
        margin: Tensor,
        gradient: Tensor,
        targets: Tensor | None,
        steps: int,
        first_pull: float = FIRST_PULL,
    ) -> Tensor:
        """Keep the shortest errors met on the way from ``d``, and return where it ended."""
        for step in range(steps):
            done = step / max(steps - 1, 1)
            pull = LAST_PULL + (first_pull - LAST_PULL) * (1 + math.cos(math.pi * done)) / 2
            excess = FIRST_EXCESS * (LAST_EXCESS / FIRST_EXCESS) ** done
            d = self._next(d, margin, gradient, pull, excess)
            slope = self.slopes(self.starts + d.view_as(self.starts), self.labels, targets)
            margin, gradient = slope.margins[:, None], slope.gradient.flatten(1)
            length = _dots(d, d).sqrt()
            nearer = slope.wrong[:, None] & (length < self.best_norm)
            self.best, self.best_norm = torch.where(nearer, d, self.best), torch.where(nearer, length, self.best_norm)
            self.best_margin = torch.where(nearer, margin, self.best_margin)
            self.best_gradient = torch.where(nearer, gradient, self.best_gradient)
        return d

    def _next(self, d: Tensor, margin: Tensor, gradient: Tensor, pull: float, excess: float) -> Tensor:
        slope, length = norms(gradient).double(), _dots(d, d).sqrt()
        flat = slope == 0
        slope = torch.where(flat, 1.0, slope)
        normal = (gradient / slope).to(d.dtype)
        limit = torch.minimum(2 * torch.maximum(length, self.scales), FARTHEST * self.scales)
        limit = torch.where(torch.isfinite(self.best_norm), BEYOND * self.best_norm, limit)
        # Where the slope nearly vanishes, the plane is so far away that float32 would have no number for it.
        farthest = 1e12 * limit
        beyond = (_dots(normal, d) + margin / slope + excess * length).clamp(-farthest, farthest)
        moved = self._project((1 - pull) * d, normal, beyond)
        # Where a step meets no gradient, it goes on outwards, or back from an error, without a direction of its own.
        moved = torch.where(flat, torch.where(margin > 0, 1.1, 0.9).to(d.dtype) * d, moved)
        return moved * (limit / _dots(moved, moved).sqrt().clamp_min(1e-300)).clamp(max=1.0).to(d.dtype)

    def _project(self, d: Tensor, normal: Tensor, offset: Tensor) -> Tensor:
        """Return the point of {d': normal . d' = offset} in the box that is nearest to ``d``, or what comes near it.

        It is clip(d + t normal), and what t reaches is concave until it is there: Newton's steps do not overshoot.
        """
        if self.limits is None:
            return d + (offset - _dots(normal, d)).to(d.dtype) * normal
        low, high = self.limits
        t, moved = torch.zeros_like(offset), d
        for _ in range(PROJECTION_STEPS):
            free = (moved > low) & (moved < high)
            weight = _dots(torch.where(free, normal, 0.0), normal)
            t = t + (offset - _dots(normal, moved)) / weight.clamp_min(1e-12)
            moved = torch.minimum(torch.maximum(d + t.to(d.dtype) * normal, low), high)
        return moved


def _dots(a: Tensor, b: Tensor) -> Tensor:
    """Return the scalar product of each row, shape (rows, 1), added in float64."""
    return (a * b).sum(1, keepdim=True, dtype=torch.float64)
