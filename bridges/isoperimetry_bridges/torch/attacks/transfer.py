"""An attack on another model, whose errors are then looked for on the target: it needs no gradient of the target."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from isoperimetry_bridges.torch.attacks.base import Attack, Box, NearestErrors, finish, into_box
from isoperimetry_bridges.torch.attacks.settings import check_attack
from isoperimetry_bridges.torch.classifier import Classifier, spread_labels


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Errors of ``source``, pushed outwards along the same direction until the target errs, then walked back.

    Source: Papernot, McDaniel, Goodfellow (2016), "Transferability in machine learning: from phenomena to black-box
    attacks using adversarial samples".
    """

    source: Classifier
    attack: Attack
    factors: tuple[float, ...] = (1.0, 1.05, 1.1, 1.2, 1.4, 1.7, 2.0)

    @property
    def name(self) -> str:
        """How reports call the attack."""
        return f"transfer of {self.attack.name} from {self.source.name}"

    def check(self, classifier: Classifier) -> None:
        """Refuse a source that the attack refuses; of ``classifier`` only answers are asked."""
        check_attack(self.attack, self.source)

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
        starts, labels = starts.detach().cpu(), spread_labels(labels, len(starts))
        found = self.attack(self.source, starts, labels, scale=scale, box=box)
        # A start that only the source gets wrong has no direction to follow: it stays where it is.
        candidates = found.points.clone()
        open_rows = torch.from_numpy(found.distances).isfinite()
        for factor in self.factors:
            rows = open_rows.nonzero().flatten()
            if not len(rows):
                break
            candidates[rows] = into_box(starts[rows] + factor * (found.points[rows] - starts[rows]), box)
            open_rows[rows] = ~classifier.wrong(candidates[rows], labels[rows.to(labels.device)])
        return finish(classifier, starts, candidates, labels, found.blocked, box=box)
