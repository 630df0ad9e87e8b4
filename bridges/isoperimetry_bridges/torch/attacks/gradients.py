"""Gradient passes of an attack: which inputs are errors, their margins, and which way the loss rises."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.criterion import read_logits
from isoperimetry_bridges.torch.faults import is_out_of_memory, not_finite, raised


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """What one gradient pass found, on the device.

    Attributes
    ----------
    wrong : Tensor, shape (rows,), bool
        Whether the input is an error.
    margins : Tensor, shape (rows,), float64
        At most 0 at errors.
    gradient : Tensor, shape (rows, ...)
        Of the loss, which rises towards errors. Zero where there is nothing to follow.
    """

    wrong: Tensor
    margins: Tensor
    gradient: Tensor


class Gradients:
    """The gradient passes of one attack on one classifier; memory that does not suffice halves their batch.

    Parameters
    ----------
    classifier : Classifier
    attack : str
        How the sentence calls the attack that a classifier without gradients refuses.
    margin : bool, default False
        Follow the margin down. Otherwise, where errors are other classes, the cross-entropy up.

    Raises
    ------
    ModelError
        If the classifier has no gradients or no margin.
    """

    def __init__(self, classifier: Classifier, attack: str, *, margin: bool = False) -> None:
        if not classifier.differentiable:
            lacks, advice = "gradients", "transfer the errors of another model (Transfer)"
            if not classifier.criterion.has_margin:
                lacks, advice = "margin", "give the Classifier margin= beside error=, a number that is <= 0 at errors"
            raise ModelError(
                f'{attack} follows gradients but {classifier.name!r} has no {lacks}: use attack="boundary", which '
                f"asks for answers alone, or {advice}."
            )
        self.classifier = classifier
        self.cross_entropy = classifier.criterion.by_class and not margin
        self._size: int | None = None

    def __call__(self, x: Tensor, labels: Tensor, targets: Tensor | None = None) -> Slope:
        """Return sides, margins and gradients at ``x``; all arguments are on the classifier's device.

        With ``targets``, shape (rows,), classes, the margin is that against the target alone, and is followed.
        """
        parts: list[Slope] = []
        first = 0
        while first < len(x):
            rows = slice(first, first + (self._size or len(x)))
            try:
                parts.append(self._pass(x[rows], labels[rows], None if targets is None else targets[rows]))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                size = min(self._size or len(x), len(x) - first)
                if size == 1:
                    raise ModelError(
                        "The memory does not suffice for the gradient at one input: use a device with more, or a "
                        "smaller model."
                    ) from error
                self._size = size // 2
                continue
            first = rows.stop
        if len(parts) == 1:
            return parts[0]
        return Slope(
            **{
                field.name: torch.cat([getattr(part, field.name) for part in parts])
                for field in dataclasses.fields(Slope)
            }
        )

    def _pass(self, x: Tensor, labels: Tensor, targets: Tensor | None) -> Slope:
        """Defences hide gradients in several ways.

        Where the outputs do not depend on ``x`` by differentiable steps, or an entry of the gradient is no finite
        number, it counts as zero: there is nothing to follow.
        """
        classifier, x = self.classifier, x.detach().requires_grad_(True)
        with torch.enable_grad():
            outputs = classifier.outputs(x)
            if targets is None:
                margins = classifier.criterion.margins(outputs, labels, len(x))
            else:
                both = _logits(outputs, len(x)).gather(1, torch.stack([labels, targets], 1))
                margins = both[:, 0] - both[:, 1]
            if self.cross_entropy:
                loss = nn.functional.cross_entropy(_logits(outputs, len(x)), labels, reduction="sum")
            else:
                loss = -margins.sum()
        with torch.no_grad():
            found = classifier.criterion.judge(outputs, labels, len(x), classifier.slack)
        if found.broken.any():
            raise not_finite("no error can be searched for on it")
        try:
            gradient = torch.autograd.grad(loss, x, allow_unused=True)[0] if loss.requires_grad else None
        except Exception as error:  # whatever the user's code raises
            if is_out_of_memory(error):
                raise
            raise ModelError(f"The model's gradient cannot be computed: it {raised(error)}") from error
        gradient = torch.zeros_like(x) if gradient is None else gradient.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        return Slope(wrong=found.wrong, margins=margins.detach().double(), gradient=gradient.detach())


def _logits(outputs: Any, rows: int) -> Tensor:
    logits = read_logits(outputs, rows)
    return logits if logits.dtype == torch.float64 else logits.float()
