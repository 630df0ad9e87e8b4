"""sigma(x0, mu): the noise scale at which a model errs on a wanted fraction of noisy copies of an image."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from isoperimetry.intervals import clopper_pearson
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.results import Interval, Record
from isoperimetry.streams import Stream, as_stream
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.measure import ErrorCounter, as_count, as_ids, as_tensors
from isoperimetry_bridges.torch.noise import noise_stream
from isoperimetry_bridges.torch.parallel import each_image

# The scales that may be looked at: 16 an octave, from 2**-12 to 4 times the width of the input box. The grid is fixed
# before any draw, so that a confidence shared by all its points holds for the few that the search chooses to look at,
# although it chooses them by the same draws.
STEPS_PER_OCTAVE = 16
OCTAVES = (-12, 2)


class SigmaStatus(enum.Enum):
    """How a search for sigma(x0, mu) ended."""

    BRACKETED = "bracketed"
    NEVER_REACHED = "never reached"
    ALREADY_WRONG = "already wrong"
    BELOW_RANGE = "below range"
    NOT_MONOTONE = "not monotone"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SigmaSearch(Record):
    """The result of `find_sigma` for one image; every number in it was measured.

    Attributes
    ----------
    image : int
        The image's id.
    status : SigmaStatus
        BRACKETED: the rate passes the wanted one between two neighbours of the grid, and was not seen below it again.
        NOT_MONOTONE: it passes at ``sigma``, but at a larger scale it is below again with confidence. NEVER_REACHED: at
        the largest scale of the grid the rate is still lower; ``sigma`` is inf. BELOW_RANGE: at the smallest scale it
        is higher already. ALREADY_WRONG: the model is wrong without noise; ``sigma`` is 0.
    sigma : float
        The scale of the grid, next to the passage, at which the measured rate is nearest to the wanted one.
    errors, trials : int
        The counts at ``sigma``.
    error_rate : float
        The wanted rate.
    low, high : float
        With probability ``confidence`` the rate is below the wanted one at ``low`` and above at ``high``: an interval
        of sigma(x0, mu) if the rate increases between them. 0 and inf where nothing bounds it.
    confidence : float
        Of that interval; it holds for all scales of the grid at once.
    looks : tuple of (sigma, errors)
        All that was measured, in order of sigma.
    """

    image: int
    status: SigmaStatus
    sigma: float
    errors: int
    trials: int
    error_rate: float
    low: float
    high: float
    confidence: float
    looks: tuple[tuple[float, int], ...]

    def __str__(self) -> str:
        return (
            f"image {self.image}: sigma={self.sigma:.4g} in [{self.low:.4g}, {self.high:.4g}], "
            f"{self.errors} errors of {self.trials} ({self.status.value})"
        )


class _Grid:
    """Counts on a fixed grid of scales, each measured once and at most."""

    def __init__(
        self, count: Callable[[float], int], *, width: float, trials: int, error_rate: float, confidence: float
    ) -> None:
        low, high = OCTAVES
        steps = np.arange(low * STEPS_PER_OCTAVE, high * STEPS_PER_OCTAVE + 1)
        self.sigmas = [float(s) for s in width * 2.0 ** (steps / STEPS_PER_OCTAVE)]
        self.last = len(self.sigmas) - 1
        self.looks: dict[int, int] = {}
        self.trials, self.error_rate = trials, error_rate
        self._count = count
        self._confidence = 1 - (1 - confidence) / len(self.sigmas)

    def errors(self, index: int) -> int:
        if index not in self.looks:
            self.looks[index] = self._count(self.sigmas[index])
        return self.looks[index]

    def interval(self, index: int) -> Interval:
        return clopper_pearson(self.errors(index), self.trials, confidence=self._confidence)

    def reached(self, index: int) -> bool:
        return self.errors(index) >= self.error_rate * self.trials

    def surely_below(self, index: int) -> bool:
        return self.interval(index).high < self.error_rate

    def surely_above(self, index: int) -> bool:
        return self.interval(index).low > self.error_rate

    def passage(self, holds: Callable[[int], bool], start: int) -> tuple[int, int]:
        """Return neighbours (i, i + 1) with ``holds`` false at i and true at i + 1, after ``start``; bisection.

        (last, last + 1) where it holds at no octave after ``start``.
        """
        low = start
        for high in [*range(start + STEPS_PER_OCTAVE, self.last, STEPS_PER_OCTAVE), self.last]:
            if holds(high):
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (low, middle) if holds(middle) else (middle, high)
                return low, high
            low = high
        return self.last, self.last + 1


def _search(grid: _Grid, image: int, confidence: float) -> SigmaSearch:
    # One look an octave over the whole range, so that a rate that falls again is seen.
    for index in range(0, grid.last + 1, STEPS_PER_OCTAVE):
        grid.errors(index)
    if grid.reached(0):
        chosen, status = 0, SigmaStatus.BELOW_RANGE
    else:
        below, above = grid.passage(grid.reached, 0)
        if above > grid.last:
            chosen, status = grid.last, SigmaStatus.NEVER_REACHED
        else:
            target = grid.error_rate * grid.trials
            nearer_below = 0 < grid.errors(below) and target - grid.errors(below) < grid.errors(above) - target
            chosen, status = (below if nearer_below else above), SigmaStatus.BRACKETED
    # Ends of the interval: the passages of "surely below" (ends) and of "surely above" (begins).
    low = high = None
    if grid.surely_below(0):
        low = grid.passage(lambda index: not grid.surely_below(index), 0)[0]
    if grid.surely_above(0):
        high = 0
    elif (above := grid.passage(grid.surely_above, 0)[1]) <= grid.last:
        high = above
    falls_again = any(index > chosen and grid.surely_below(index) for index in grid.looks)
    if falls_again and status is SigmaStatus.BRACKETED:
        status = SigmaStatus.NOT_MONOTONE
    never = status is SigmaStatus.NEVER_REACHED
    return SigmaSearch(
        image=image,
        status=status,
        sigma=math.inf if never else grid.sigmas[chosen],
        errors=grid.errors(chosen),
        trials=grid.trials,
        error_rate=grid.error_rate,
        low=0.0 if low is None else grid.sigmas[low],
        high=math.inf if high is None else grid.sigmas[high],
        confidence=confidence,
        looks=tuple((grid.sigmas[index], errors) for index, errors in sorted(grid.looks.items())),
    )


def check_search(error_rate: float, n_samples: int, confidence: float) -> None:
    """Refuse a search that cannot find the wanted rate."""
    if not 0 < error_rate < 1:
        raise ValueError(f"error_rate={error_rate!r} must be in (0, 1): write 0.01 for one per cent.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence!r} must be in (0, 1): write 0.95 for 95 per cent.")
    as_count("n_samples", n_samples)
    if n_samples * error_rate < 1:
        raise ValueError(
            f"n_samples={n_samples} must be at least {math.ceil(1 / error_rate)} at error_rate={error_rate!r}: "
            "fewer draws show no error at that rate."
        )


def search_sigma(
    count: ErrorCounter,
    image: Tensor,
    label: int,
    image_id: int,
    *,
    root: Stream,
    error_rate: float,
    n_samples: int,
    confidence: float,
) -> SigmaSearch:
    """Search the grid for one image, on the draws of purpose "search"; the arguments were checked by the caller."""
    if int(count.classifier.predict(image[None])[0]) != label:
        return SigmaSearch(
            image=image_id,
            status=SigmaStatus.ALREADY_WRONG,
            sigma=0.0,
            errors=0,
            trials=0,
            error_rate=error_rate,
            low=0.0,
            high=0.0,
            confidence=confidence,
            looks=(),
        )
    stream = noise_stream(root, "search", image_id)
    low, high = count.classifier.bounds
    grid = _Grid(
        lambda sigma: count(image, label, sigma, stream=stream, first=0, count=n_samples),
        width=high - low,
        trials=n_samples,
        error_rate=error_rate,
        confidence=confidence,
    )
    return _search(grid, image_id, confidence)


def find_sigma(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    error_rate: float = 0.01,
    n_samples: int = 1000,
    confidence: float = 0.95,
    rng: Any = None,
    image_ids: Sequence[int] | None = None,
    clip: bool = False,
    progress: ProgressLike = None,
) -> list[SigmaSearch]:
    """Find for each image the noise scale at which the model errs at a wanted rate.

    The same draws serve all scales (common random numbers), scaled; they are never used for anything else: measure the
    rate at the returned scale again, with `measure_error_rate`, before it enters a theorem.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
    images : Tensor or array, shape (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes.
    error_rate : float, default 0.01
        The wanted rate, in (0, 1).
    n_samples : int, default 1000
        Draws per look; ``error_rate * n_samples`` must be at least 1. Below about 9 / ``error_rate`` not even zero
        errors show that a rate is lower, at a confidence shared by the whole grid: ``low`` is then 0.
    confidence : float, default 0.95
        Of the interval of sigma.
    rng : None, int, SeedSequence, Generator or Stream
        Seed; draws are keyed by it, the purpose "search", the image's id and the draw's index.
    image_ids, clip, progress
        As in `measure_error_rate`.

    Returns
    -------
    list of SigmaSearch, one per image

    Raises
    ------
    ValueError, TypeError, ModelError
        If an argument is out of range or the model cannot be judged.
    """
    classifier, (x, y) = as_classifier(classifier), as_tensors(images, labels)
    classifier.check(x, y)
    check_search(error_rate, n_samples, confidence)
    ids, root = as_ids(image_ids, len(x)), as_stream(rng)

    def search(worker: Classifier, i: int) -> SigmaSearch:
        count = ErrorCounter(worker, clip=clip)
        return search_sigma(
            count, x[i], int(y[i]), ids[i], root=root, error_rate=error_rate, n_samples=n_samples, confidence=confidence
        )

    with as_progress(progress).start(f"{classifier.name}: sigma(x0, {error_rate:g})", len(x)) as stage:
        return each_image(classifier, search, len(x), stage, device=classifier.device)
