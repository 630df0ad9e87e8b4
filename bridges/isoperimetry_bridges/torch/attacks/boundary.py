"""An attack that asks for no gradient: errors found in noise, moved along the boundary towards the start."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor

from isoperimetry.streams import RandomLike, Stream, as_stream, standard_normals
from isoperimetry_bridges.torch.attacks.base import (
    Attack,
    Box,
    NearestErrors,
    attack_in_batches,
    by_row,
    into_box,
    norms,
    probe,
)
from isoperimetry_bridges.torch.attacks.settings import check_attack, refuse_no_integer
from isoperimetry_bridges.torch.classifier import Classifier

# Noise scales in units of 1 / 2.33 of the scale, where a half-space of that distance has an error rate of 1 %; draws at
# each until an error is met, and how many errors are walked back to see which is nearest.
LEVELS, DRAWS, SEEDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0), 50, 4
HALVINGS = 8
# Probes lie so far from the boundary point, relative to its distance, step by step: far ones see through quantisation,
# near ones follow a boundary that bends.
PROBES = (1.0, 0.3, 0.1)
# Angles that are tried in the plane of a step, and halvings between the last one that errs and the next.
ANGLES = tuple(math.radians(angle) for angle in (1.0, 2.0, 4.0, 7.0, 12.0, 20.0, 33.0, 50.0))
ANGLE_HALVINGS = 3
# What an estimate of the normal keeps of the one before.
MEMORY = 0.7


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryDescent:
    """Descent along the boundary by answers alone, for models without gradients and defences that hide them.

    Noise of growing scale around the start finds errors; bisection brings them to the boundary, and the nearest one
    goes on. Each step then looks around it with ``n_probes`` random probes, whose margins, or mere truth values where
    there are none, tell roughly where the boundary's normal points. In the plane of that direction and the start, the
    point nearest to the start on a straight boundary lies on the circle whose diameter is the way to the start: angles
    on it are tried, the largest one that errs is taken, and bisection towards the start ends the step. No step goes
    farther away. No start is ever blocked.

    Source: probes as in HopSkipJump (Chen, Jordan, Wainwright 2020); the circle is that of SurFree (Maho, Furon, Le
    Merrer 2021), where its direction is random. The average over steps, and margins in the place of signs, are ours.

    Parameters
    ----------
    n_calls : int, default 2000
        Inputs that the model sees for each start, at most, beside the final check.
    n_probes : int, default 100
        Of them for each step's normal.
    begin : Attack, optional
        Begin at the errors of this attack, a `Transfer` for instance, and in noise where it found none.
    rng : None, int, SeedSequence, Generator or Stream, default 0
        Noise and probes: the same for all starts, so that none depends on the others.
    """

    n_calls: int = 2000
    n_probes: int = 100
    begin: Attack | None = None
    rng: RandomLike = 0

    def __post_init__(self) -> None:
        for name in ("n_calls", "n_probes"):
            refuse_no_integer(name, getattr(self, name), why="it is a number of model calls")
        object.__setattr__(self, "rng", as_stream(self.rng))

    @property
    def name(self) -> str:
        """How reports call the attack."""
        return "boundary" if self.begin is None else f"boundary after {self.begin.name}"

    def check(self, classifier: Classifier) -> None:
        """Refuse what the attack that it begins with refuses."""
        check_attack(self.begin, classifier)

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
        stream = as_stream(self.rng).split("attack")

        def search(x: Tensor, y: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
            walk = _Walk(classifier, x, y, box, stream)
            if self.begin is not None:
                walk.take(self.begin(classifier, x, y, scale=scales.cpu(), box=box).points.to(x))
            walk.seek(scales)
            used = len(LEVELS) * DRAWS + SEEDS * HALVINGS
            cost = self.n_probes + len(ANGLES) + ANGLE_HALVINGS + HALVINGS
            for step in range(max(self.n_calls - used, 0) // cost):
                walk.step(step, self.n_probes)
            return x + walk.d, torch.zeros(len(x), dtype=torch.bool)

        return attack_in_batches(classifier, starts, labels, scale=scale, box=box, search=search)


class _Walk:
    """The search from one batch of starts: ``d`` are the displacements to the errors met so far, zero for none."""

    def __init__(self, classifier: Classifier, starts: Tensor, labels: Tensor, box: Box | None, stream: Stream) -> None:
        self.classifier, self.starts, self.labels, self.box, self.stream = classifier, starts, labels, box, stream
        self.d, self.normal = torch.zeros_like(starts), torch.zeros_like(starts)
        self.right = ~probe(classifier, starts, labels)[0]

    def _open(self) -> Tensor:
        return (self.right & (self.d != 0).flatten(1).any(1)).nonzero().flatten()

    def _draws(self, first: int, count: int, *names: str | int) -> Tensor:
        kind = np.float64 if self.starts.dtype == torch.float64 else np.float32
        shape = self.starts.shape[1:]
        drawn = standard_normals(count, shape.numel(), stream=self.stream.split(*names), first=first, dtype=kind)
        return torch.from_numpy(drawn).view(count, *shape).to(self.starts)

    def _look(self, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return sides and margins of k points for each of ``rows``: ``x`` has shape (rows, k, ...)."""
        labels = self.labels[rows].repeat_interleave(x.shape[1], 0)
        wrong, margins = probe(self.classifier, into_box(x.flatten(0, 1), self.box), labels)
        return wrong.view(x.shape[:2]), margins.view(x.shape[:2])

    def _pieces(self, rows: Tensor, count: int) -> list[slice]:
        """Return ranges of ``count`` points for each row that fill about a batch."""
        size = max(1, self.classifier.batch_size(self.starts[0].numel()) // len(rows))
        return [slice(first, min(first + size, count)) for first in range(0, count, size)]

    def take(self, points: Tensor) -> None:
        """Begin at ``points`` where these are errors of right starts."""
        wrong, _ = probe(self.classifier, points, self.labels)
        self.d = torch.where(by_row(wrong & self.right, points), points - self.starts, self.d)

    def seek(self, scales: Tensor) -> None:
        """Find errors in noise, and keep the one that is nearest when walked back."""
        for level, factor in enumerate(LEVELS):
            rows = (self.right & ~(self.d != 0).flatten(1).any(1)).nonzero().flatten()
            if not len(rows):
                return
            sigma = by_row(scales[rows] * factor / 2.33, self.starts)[:, None]
            met = torch.zeros(len(rows), DRAWS, dtype=torch.bool, device=rows.device)
            for piece in self._pieces(rows, DRAWS):
                z = self._draws(piece.start, piece.stop - piece.start, "seed", level)
                met[:, piece] = self._look(self.starts[rows, None] + sigma * z, rows)[0]
            z = self._draws(0, DRAWS, "seed", level)
            order = met.int().argsort(dim=1, descending=True, stable=True)
            for index in range(SEEDS):
                chosen = order[:, index]
                error = met.gather(1, chosen[:, None])[:, 0]
                here = error.nonzero().flatten()
                if not len(here):
                    break
                away = into_box(self.starts[rows[here]] + sigma[here, 0] * z[chosen[here]], self.box)
                self._keep(rows[here], self._back(rows[here], away - self.starts[rows[here]]))

    def _keep(self, rows: Tensor, d: Tensor) -> None:
        length, before = norms(d), norms(self.d[rows])
        self.d[rows] = torch.where((before == 0) | (length < before), d, self.d[rows])

    def _back(self, rows: Tensor, d: Tensor) -> Tensor:
        """Return the displacements to errors, walked back towards the starts by bisection."""
        near, far = torch.zeros(len(rows)).to(d), torch.ones(len(rows)).to(d)
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            wrong = self._look((self.starts[rows] + by_row(middle, d) * d)[:, None], rows)[0][:, 0]
            near, far = torch.where(wrong, near, middle), torch.where(wrong, middle, far)
        return by_row(far, d) * d

    def step(self, index: int, n_probes: int) -> None:
        """Estimate the normal, turn towards it on the circle, and walk back."""
        rows = self._open()
        if not len(rows):
            return
        d = self.d[rows]
        length = norms(d)
        self.normal[rows] = MEMORY * self.normal[rows] + self._normal(index, n_probes, rows, d)
        along = d / length
        across = self.normal[rows] - (self.normal[rows] * along).flatten(1).sum(1).view_as(length) * along
        size = norms(across)
        across = torch.where(size > 0, across / size, 0.0)

        def on_circle(angles: Tensor) -> Tensor:
            """Return displacements at angles of shape (rows, k), shape (rows, k, ...)."""
            shape = (*angles.shape, *[1] * (d.ndim - 1))
            cosine, sine = torch.cos(angles).view(shape), torch.sin(angles).view(shape)
            return length[:, None] * cosine * (cosine * along[:, None] + sine * across[:, None])

        angles = torch.tensor(ANGLES).to(d).expand(len(rows), -1)
        wrong = torch.cat(
            [
                self._look(self.starts[rows, None] + on_circle(angles[:, piece]), rows)[0]
                for piece in self._pieces(rows, len(ANGLES))
            ],
            1,
        )
        # The last angle that errs, 0 where none does, and the next.
        order = torch.arange(1, len(ANGLES) + 1, device=d.device)
        last = (wrong * order).amax(1)
        ends = torch.cat([angles.new_zeros(len(rows), 1), angles, angles[:, -1:] * 1.5], 1)
        low, high = ends.gather(1, last[:, None]), ends.gather(1, last[:, None] + 1)
        for _ in range(ANGLE_HALVINGS):
            middle = (low + high) / 2
            wrong = self._look(self.starts[rows, None] + on_circle(middle), rows)[0]
            low, high = torch.where(wrong, middle, low), torch.where(wrong, high, middle)
        turned = into_box(self.starts[rows] + on_circle(low)[:, 0], self.box) - self.starts[rows]
        self._keep(rows, self._back(rows, turned))

    def _normal(self, index: int, n_probes: int, rows: Tensor, d: Tensor) -> Tensor:
        """Return an estimate of the direction into the errors at the boundary points, of unit length or zero."""
        length = norms(d)[:, None] * PROBES[index % len(PROBES)]
        total, weights = torch.zeros_like(d), []
        draws = []
        for piece in self._pieces(rows, n_probes):
            z = self._draws(piece.start, piece.stop - piece.start, "probe", index)
            z = z / norms(z)
            wrong, margins = self._look((self.starts[rows] + d)[:, None] + length * z, rows)
            weights.append(torch.where(margins.isnan(), torch.where(wrong, 1.0, -1.0), -margins).to(d.dtype))
            draws.append(z)
        weight, z = torch.cat(weights, 1), torch.cat(draws)
        weight = weight - weight.mean(1, keepdim=True)
        total = (weight @ z.flatten(1)).view_as(d)
        size = norms(total)
        return torch.where(size > 0, total / size, 0.0)
