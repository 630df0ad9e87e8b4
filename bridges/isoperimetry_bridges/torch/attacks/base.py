"""What all attacks share: the call, the record they return, the walk back to the boundary, the final check.

A distance counts only if the classifier is wrong at the returned point, asked again in the batches in which error rates
are counted. It is then an upper bound on the distance to the nearest error; infinity says that none was found.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoperimetry.results import at_least, at_most
from isoperimetry_bridges.torch.classifier import Classifier, spread_labels
from isoperimetry_bridges.torch.faults import is_out_of_memory, not_finite

Box: TypeAlias = tuple[float, float]

# The boundary is located on the segment from start to error to this part of the distance, or of the segment where the
# start lies at the boundary.
TOLERANCE, SMALLEST_TOLERANCE = 2.0**-16, 2.0**-40
# How the walk follows the margin: looks that it may spend beyond those of bisection, and how much a guess is moved
# towards the middle, relative to the square of the interval.
SPARE_LOOKS, TRUNCATION = 2, 0.05


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NearestErrors:
    """Verified errors near M starting points.

    Attributes
    ----------
    distances : array, shape (M,), float64
        l2 distance from each start to its error: 0 where the start is wrong already, inf where none was found.
    points : Tensor, shape (M, ...), the type of the starts, on the CPU
        The errors; the start itself where none was found.
    blocked : array, shape (M,), bool
        True where the attack stopped because the gradient was exactly zero.
    """

    distances: NDArray[np.float64]
    points: Tensor
    blocked: NDArray[np.bool_]

    def __str__(self) -> str:
        found = self.distances[np.isfinite(self.distances)]
        text = f"errors found from {len(found)} of {len(self.distances)} starts"
        if len(found):
            text += f", at a median distance of {at_most(float(np.median(found)), 4)}"
            text += f" ({at_least(float(found.min()), 4)} to {at_most(float(found.max()), 4)})"
        wrong, blocked = np.count_nonzero(self.distances == 0), np.count_nonzero(self.blocked)
        return f"{text}; {wrong} wrong already, {blocked} blocked"


class Attack(Protocol):
    """Searches for the nearest error of each starting point.

    It may have a method ``check(classifier)`` too, which refuses a classifier that it cannot attack before anything is
    counted.
    """

    @property
    def name(self) -> str:
        """How reports call the attack."""

    def __call__(
        self,
        classifier: Classifier,
        starts: Tensor,
        labels: Tensor | int,
        *,
        scale: float | Tensor,
        box: Box | None = None,
    ) -> NearestErrors:
        """Attack each of M starts, whatever the others are.

        Parameters
        ----------
        classifier : Classifier
        starts : Tensor, shape (M, ...), float32 or float64
        labels : Tensor, shape (M, ...), or int
            One label for each start, or one class for all.
        scale : float or Tensor, shape (M,)
            Distance at which an error is expected, > 0; an attack may search farther.
        box : (float, float), optional
            Stay in this box, where the starts must be.
        """


Search: TypeAlias = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""``search(starts, labels, scales)`` on the device: a candidate for each start, and which starts are blocked."""


def attack_in_batches(
    classifier: Classifier,
    starts: Tensor,
    labels: Tensor | int,
    *,
    scale: float | Tensor,
    box: Box | None,
    search: Search,
) -> NearestErrors:
    """Search from all starts, in batches of the classifier's size, and finish what was found.

    Raises
    ------
    ValueError
        If there are not as many labels or scales as starts, or a scale is not finite and > 0.
    """
    labels, scales = spread_labels(labels, len(starts)), _spread_scale(scale, starts)
    if len(labels) != len(starts):
        raise ValueError(f"labels has {len(labels)} entries but there are {len(starts)} starts: give one each.")
    candidates, blocked = starts.detach().cpu().clone(), np.zeros(len(starts), bool)
    for first in range(0, len(starts), size := classifier.batch_size(starts[0].numel())):
        rows = slice(first, first + size)
        # Copied: a search may write to its starts.
        given = starts[rows].detach().to(classifier.device, copy=True)
        points, stuck = search(given, labels[rows].to(classifier.device), scales[rows].to(classifier.device))
        candidates[rows], blocked[rows] = points.cpu(), stuck.cpu().numpy()
    return finish(classifier, starts, candidates, labels, blocked, box=box)


def _spread_scale(scale: float | Tensor, starts: Tensor) -> Tensor:
    scales = torch.as_tensor(scale, dtype=starts.dtype).detach().cpu()
    if scales.shape not in ((), (len(starts),)):
        raise ValueError(f"scale has shape {tuple(scales.shape)} but must be one number or ({len(starts)},).")
    if not (torch.isfinite(scales) & (scales > 0)).all():
        raise ValueError("scale must be finite and > 0: it is the distance at which an error is expected.")
    return scales.expand(len(starts))


def into_box(x: Tensor, box: Box | None) -> Tensor:
    """Return ``x`` clamped to the box, or as it is where there is none."""
    return x if box is None else x.clamp(*box)


def by_row(values: Tensor, x: Tensor) -> Tensor:
    """Return one value for each row of ``x``, shaped so that it broadcasts against ``x``."""
    return values.view(-1, *[1] * (x.ndim - 1))


def norms(x: Tensor) -> Tensor:
    """Return the l2 norm of each row of ``x``, shaped so that it broadcasts against ``x``.

    The squares are added in float64: in float32 the gradient of a confident model, 1e-23 say, would have no length.
    """
    length: Tensor = torch.linalg.vector_norm(x.flatten(1), dim=1, dtype=torch.float64).to(x.dtype)
    return by_row(length, x)


def probe(classifier: Classifier, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return which rows of ``x`` are errors, and their margins (NaN where there are none), both on the device.

    One batch as long as memory allows it. The answers guide a search; what counts is what `Classifier.wrong` says.
    """
    wrong, margins = [], []
    first = 0
    while first < len(x):
        size = classifier.batch_size(x[0].numel())
        try:
            found = classifier.judge(x[first : first + size].to(classifier.device), labels[first : first + size])
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            classifier.shrink_batch(min(size, len(x) - first))
            continue
        if found.broken.any():
            raise not_finite("no error can be searched for on it")
        wrong.append(found.wrong)
        margins.append(found.margins.double())
        first += size
    return torch.cat(wrong), torch.cat(margins)


def finish(
    classifier: Classifier,
    starts: Tensor,
    candidates: Tensor,
    labels: Tensor | int,
    blocked: NDArray[np.bool_] | None = None,
    *,
    box: Box | None = None,
) -> NearestErrors:
    """Walk each candidate error back towards its start, verify it, and measure.

    Every segment from start to candidate is searched for a change of sides, along the margin where there is one and by
    bisection. Candidates that are no error, or no finite numbers, are not used: their distance is inf. A start that is
    wrong already is its own error.

    Parameters
    ----------
    classifier, starts, labels, box
        As in `Attack`; candidates are moved into the box.
    candidates : Tensor, shape (M, ...)
        Where an attack ended.
    blocked : array, shape (M,), bool, optional
        Default: none is.
    """
    count = len(starts)
    labels, starts = spread_labels(labels, count), starts.detach().cpu()
    distances, points = np.empty(count), starts.clone()
    first = 0
    while first < count:
        rows = slice(first, first + classifier.batch_size(starts[0].numel()))
        near = starts[rows].to(classifier.device)
        far = into_box(candidates[rows].detach().to(near), box)
        found, verified = _finish(classifier, near, far, labels[rows].to(classifier.device), box)
        away = torch.linalg.vector_norm((found.double() - near.double()).flatten(1), dim=1)
        distances[rows] = torch.where(verified, away, torch.inf).cpu().numpy()
        points[rows] = found.cpu()
        first = rows.stop
    nowhere = np.zeros(count, bool)
    return NearestErrors(distances=distances, points=points, blocked=nowhere if blocked is None else blocked)


def _finish(
    classifier: Classifier, starts: Tensor, candidates: Tensor, labels: Tensor, box: Box | None
) -> tuple[Tensor, Tensor]:
    """Return an error on each segment of one batch, or the start, and whether it is an error; on the device."""

    def is_error(x: Tensor) -> Tensor:
        return classifier.wrong(x, labels).to(x.device)

    finite = by_row(torch.isfinite(candidates).flatten(1).all(1), candidates)
    candidates = torch.where(finite, candidates, starts)
    wrong_start = is_error(starts)
    found = is_error(candidates) | wrong_start
    # An attack that closes in on the boundary may end where only its own, smaller batches say that the model is wrong.
    for push in (2.0**-14, 2.0**-10):
        near_miss = ~found & (candidates != starts).flatten(1).any(1)
        if not near_miss.any():
            break
        pushed = into_box(starts + (1 + push) * (candidates - starts), box)
        candidates = torch.where(by_row(near_miss, pushed), pushed, candidates)
        found = found | (near_miss & is_error(candidates))
    offset, far = candidates - starts, torch.zeros(len(starts), dtype=torch.float64, device=starts.device)
    rows = (found & ~wrong_start).nonzero().flatten()
    if len(rows):
        far[rows] = _cross(classifier, starts[rows], offset[rows], labels[rows])

    def at(fraction: Tensor) -> Tensor:
        return into_box(starts + by_row(fraction, starts).to(starts.dtype) * offset, box)

    points = at(far)
    verified = is_error(points)
    # The last word belongs to the very points that are returned. A point so near to the boundary that rounding decides
    # is moved outwards by little, rather than lost.
    for retreat in (2.0**-14, 2.0**-10, 2.0**-6, None):
        lost = found & ~verified
        if not lost.any():
            break
        moved = candidates if retreat is None else at((far * (1 + retreat)).clamp(max=1.0))
        points = torch.where(by_row(lost, points), moved, points)
        verified = is_error(points)
    return torch.where(by_row(verified, points), points, starts), verified


def _cross(classifier: Classifier, starts: Tensor, offset: Tensor, labels: Tensor) -> Tensor:
    """Return where the segments from ``starts`` to the errors ``starts + offset`` enter the errors: a fraction each.

    The secant of the margin, moved towards the middle and kept so near to it that few more looks are needed than by
    bisection, whatever the margin does: Oliveira, Takahashi (2020), "An enhancement of the bisection method average
    performance preserving minmax optimality". Where there is no margin, or it contradicts the sides, it is bisection.
    Each row goes its own way.
    """
    everything = torch.arange(len(starts), device=starts.device)

    def look(fraction: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        x = starts[rows] + by_row(fraction, starts).to(starts.dtype) * offset[rows]
        return probe(classifier, x, labels[rows])

    near, far = torch.zeros_like(everything, dtype=torch.float64), torch.ones_like(everything, dtype=torch.float64)
    near_margin, far_margin = look(near, everything)[1], look(far, everything)[1]
    looks = math.log2(1 / TOLERANCE) + SPARE_LOOKS
    while True:
        tolerance = (TOLERANCE * far).clamp_min(SMALLEST_TOLERANCE)
        rows = (far - near > tolerance).nonzero().flatten()
        if not len(rows):
            return far
        low, high, gap = near[rows], far[rows], tolerance[rows]
        above, below, width = near_margin[rows], far_margin[rows], high - low
        middle = (low + high) / 2
        secant = low + width * above / (above - below)
        side = torch.sign(middle - secant)
        towards = torch.minimum(TRUNCATION * width**2, (middle - secant).abs())
        # Nearer than the tolerance to an end a look would not end the search.
        guess = torch.minimum(torch.maximum(secant + side * towards, low + 0.99 * gap), high - 0.99 * gap)
        reach = (gap / 2 * 2.0**looks - width / 2).clamp_min(0.0)
        guess = torch.minimum(torch.maximum(guess, middle - reach), middle + reach)
        at = torch.where((above >= 0) & (below <= 0) & (above > below), guess, middle)
        error, margin = look(at, rows)
        far[rows], near[rows] = torch.where(error, at, high), torch.where(error, low, at)
        far_margin[rows], near_margin[rows] = torch.where(error, margin, below), torch.where(error, above, margin)
        looks -= 1
