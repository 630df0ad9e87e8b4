"""What all attacks share: the record they return, the loss they climb, the walk back to the boundary, the final check.

A distance counts only if the classifier is wrong at the returned point, asked again in the batches in which error rates
are counted. It is then an upper bound on the distance to the nearest error; infinity says that none was found.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.classifier import Classifier, raised

Box: TypeAlias = tuple[float, float]

# Halvings of the segment from start to error: the boundary is located to 2**-BISECTIONS of the segment.
BISECTIONS = 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NearestErrors:
    """Verified errors near M starting points.

    Attributes
    ----------
    distances : array, shape (M,), float64
        l2 distance from each start to its error: 0 where the start is wrong already, inf where none was found.
    points : Tensor, shape (M, channels, height, width), float32
        The errors; the start itself where none was found.
    blocked : array, shape (M,), bool
        True where the attack stopped because the gradient was exactly zero.
    """

    distances: NDArray[np.float64]
    points: Tensor
    blocked: NDArray[np.bool_]


class Attack(Protocol):
    """Searches for the nearest error of each starting point."""

    @property
    def name(self) -> str:
        """How reports call the attack."""

    def __call__(
        self, classifier: Classifier, starts: Tensor, label: int, *, scale: float, box: Box | None = None
    ) -> NearestErrors:
        """Attack ``starts``, shape (M, channels, height, width), all of class ``label``.

        ``scale`` is the distance at which an error is expected; an attack may search farther. With ``box`` it stays in
        that box, where the starts must be.
        """


def input_gradient(classifier: Classifier, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits at ``x`` and the gradient of the cross-entropy with respect to ``x``.

    Defences hide gradients in several ways. Where the logits do not depend on ``x`` by differentiable steps, or an
    entry of the gradient is no finite number, it counts as zero: there is nothing to follow.
    """
    x = x.detach().requires_grad_(True)
    with torch.enable_grad():
        logits = classifier.logits(x)
        loss = nn.functional.cross_entropy(logits, labels, reduction="sum")
    try:
        gradient = torch.autograd.grad(loss, x, allow_unused=True)[0] if loss.requires_grad else None
    except Exception as error:  # whatever the user's code raises
        raise ModelError(f"The model's gradient cannot be computed: it {raised(error)}") from error
    gradient = torch.zeros_like(x) if gradient is None else gradient.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    return logits.detach(), gradient


def into_box(x: Tensor, box: Box | None) -> Tensor:
    """Return ``x`` clamped to the box, or as it is where there is none."""
    return x if box is None else x.clamp(*box)


def norms(x: Tensor) -> Tensor:
    """Return the l2 norm of each row of ``x``, shaped so that it broadcasts against ``x``.

    The squares are added in float64: in float32 the gradient of a confident model, 1e-23 say, would have no length.
    """
    length: Tensor = torch.linalg.vector_norm(x.flatten(1), dim=1, dtype=torch.float64).to(x.dtype)
    return length.view(-1, *[1] * (x.ndim - 1))


def finish(
    classifier: Classifier,
    starts: Tensor,
    candidates: Tensor,
    label: int,
    blocked: NDArray[np.bool_],
    *,
    box: Box | None = None,
) -> NearestErrors:
    """Walk each candidate error back towards its start, verify it, and measure.

    Every segment from start to candidate is bisected for a change of sides. Candidates that are no error are not used:
    their distance is inf. A start that is wrong already is its own error.
    """

    def is_error(x: Tensor, *, fill: bool = True) -> NDArray[np.bool_]:
        wrong: NDArray[np.bool_] = classifier.predict(x, fill=fill).numpy() != label
        return wrong

    def at(fraction: Tensor, chosen: Tensor) -> Tensor:
        return starts[chosen] + fraction.view(-1, 1, 1, 1) * offset[chosen]

    starts, candidates = starts.cpu(), candidates.cpu().clone()
    wrong_start = is_error(starts)
    found = is_error(candidates) | wrong_start
    # An attack that closes in on the boundary may end where only its own, smaller batches say that the model is wrong.
    for push in (2.0**-14, 2.0**-10):
        near_miss = torch.from_numpy(~found) & (candidates != starts).flatten(1).any(1)
        if not near_miss.any():
            break
        pushed = starts[near_miss] + (1 + push) * (candidates[near_miss] - starts[near_miss])
        candidates[near_miss] = into_box(pushed, box)
        found[near_miss.numpy()] = is_error(candidates[near_miss])
    offset = candidates - starts
    rows = torch.from_numpy(np.flatnonzero(found & ~wrong_start))
    near, far = torch.zeros(len(starts)), torch.zeros(len(starts))
    far[rows] = 1.0
    for _ in range(BISECTIONS if len(rows) else 0):
        middle = (near[rows] + far[rows]) / 2
        error = torch.from_numpy(is_error(at(middle, rows), fill=False))
        far[rows] = torch.where(error, middle, far[rows])
        near[rows] = torch.where(error, near[rows], middle)
    points = at(far, torch.arange(len(starts)))
    verified = is_error(points)
    # The last word belongs to the very points that are returned. A point so near to the boundary that rounding decides
    # is moved outwards by little, rather than lost.
    for retreat in (2.0**-14, 2.0**-10, 2.0**-6, 1.0):
        lost = torch.from_numpy(np.flatnonzero(found & ~verified))
        if not len(lost):
            break
        points[lost] = at((far[lost] + retreat).clamp(max=1.0), lost) if retreat < 1 else candidates[lost]
        verified = is_error(points)
    distances = (points.double() - starts.double()).flatten(1).norm(dim=1).numpy()
    distances[~verified] = np.inf
    points[torch.from_numpy(~verified)] = starts[torch.from_numpy(~verified)]
    return NearestErrors(distances=distances, points=points, blocked=blocked)
