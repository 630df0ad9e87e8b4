"""A defence with the gradient of the network behind it, for an attack that is then transferred to the defence."""

from __future__ import annotations

from torch import Tensor, nn

from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.zoo.defences import Defence


class StraightThrough(nn.Module):
    """The same answers as a defence, but its change of the input counts as none in the gradient.

    Source: Athalye, Carlini, Wagner (2018), "Obfuscated gradients give a false sense of security: circumventing
    defenses to adversarial examples", section 4.1 (backward pass differentiable approximation).

    Parameters
    ----------
    defence : Defence
        What stands before a network: `transform`, and ``network``.
    """

    def __init__(self, defence: Defence) -> None:
        super().__init__()
        self.defence = defence

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of the defence, differentiable as the network behind it."""
        seen = self.defence.transform(x.detach().clamp(0, 1))
        logits: Tensor = self.defence.network(x + (seen - x).detach())
        return logits


def straight_through(classifier: Classifier) -> Classifier | None:
    """Return the twin of a defended classifier whose gradient can be followed; None for other classifiers.

    Examples
    --------
    >>> from isoperimetry_bridges.torch import zoo
    >>> straight_through(zoo.load_classifier("bit-depth")).name
    'straight-through bit-depth'
    """
    if not isinstance(classifier.module, Defence):
        return None
    return Classifier(
        StraightThrough(classifier.module).eval(), bounds=classifier.bounds,
        name=f"straight-through {classifier.name}", device=classifier.device,
    )  # fmt: skip
