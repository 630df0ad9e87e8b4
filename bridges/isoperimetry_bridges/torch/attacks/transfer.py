"""An attack on another model, whose errors are then looked for on the target: it needs no gradient of the target."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from isoperimetry_bridges.torch.attacks.base import Attack, Box, NearestErrors, finish, into_box
from isoperimetry_bridges.torch.classifier import Classifier


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

    def __call__(
        self, classifier: Classifier, starts: Tensor, label: int, *, scale: float, box: Box | None = None
    ) -> NearestErrors:
        """Attack ``starts``; see `Attack`."""
        starts = starts.cpu()
        found = self.attack(self.source, starts, label, scale=scale, box=box)
        # A start that only the source gets wrong has no direction to follow: it stays where it is.
        candidates = found.points.clone()
        open_rows = torch.from_numpy(np.isfinite(found.distances))
        for factor in self.factors:
            rows = open_rows.nonzero().flatten()
            if not len(rows):
                break
            candidates[rows] = into_box(starts[rows] + factor * (found.points[rows] - starts[rows]), box)
            open_rows[rows] = classifier.predict(candidates[rows]) == label
        return finish(classifier, starts, candidates, label, found.blocked, box=box)
