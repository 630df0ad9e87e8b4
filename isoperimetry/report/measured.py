"""What was measured on models and images, as a report needs it."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from isoperimetry.checks import AttackAudit, AuditFamily
from isoperimetry.results import Record


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageResults(Record):
    """What was measured at one image; lengths are in the unit of the inputs.

    Attributes
    ----------
    image : int or str
        Its id.
    label : int or None
    status : str
        How the noise scale came about, or why there is no audit.
    sigma : float
        Scale of the noise, with ``sigma_low`` and ``sigma_high`` where it was searched for; NaN: not known.
    errors, trials : int
        Counts at ``sigma``, with the limits ``rate_low`` and ``rate_high`` of the error rate.
    prediction, prediction_low, prediction_high : float
        Half-space distance from the image itself. No bound.
    clean_distances : dict of str to float
        For each attack: the nearest error found from the image itself.
    noisy_distances : dict of str to tuple of float
        For each attack: the distances from the noisy starts.
    blocked : dict of str to float
        For each attack: the part of the starts at which the gradient was exactly zero.
    audit : AttackAudit or None
        Made again from the distances.
    convicted : bool
        Whether the attack is convicted here, all images of the model taken together.
    p_value : float
        Holm's, for all images of the model.
    """

    image: int | str
    label: int | None
    status: str
    sigma: float
    sigma_low: float
    sigma_high: float
    errors: int
    trials: int
    rate_low: float
    rate_high: float
    prediction: float
    prediction_low: float
    prediction_high: float
    clean_distances: dict[str, float]
    noisy_distances: dict[str, tuple[float, ...]]
    blocked: dict[str, float]
    audit: AttackAudit | None
    convicted: bool = False
    p_value: float = math.nan

    @property
    def nearest(self) -> float:
        """Distance from the image to the nearest error that any attack found: inf if none did, NaN if none was run."""
        return min(self.clean_distances.values(), default=math.nan)

    @property
    def rate(self) -> float:
        """Measured error rate; NaN without draws."""
        return self.errors / self.trials if self.trials else math.nan

    @property
    def verdict(self) -> str:
        """What is said about the attack here, in one or two words."""
        if self.audit is None:
            return "not audited"
        return "convicted" if self.convicted else self.audit.verdict.value

    def noisy_median(self, attack: str) -> float:
        """Return the median distance from the noisy starts; NaN if there is none."""
        return lower_median(self.noisy_distances.get(attack, ()))

    def best_noisy_median(self) -> float:
        """Return the median, over the noisy starts, of the nearest error that any of the attacks found."""
        rows = list(self.noisy_distances.values())
        return lower_median(np.min(rows, axis=0).tolist()) if rows else math.nan


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelResults(Record):
    """What was measured on one model.

    Attributes
    ----------
    name, fingerprint, device : str
    bounds : (float, float)
        The input box, in the unit of all lengths.
    attack : str
        The audited attack.
    others, attacks : tuple of str
        The other attacks by name, and all of them with their parameters.
    images : tuple of ImageResults
    family : AuditFamily or None
        None where no image was audited.
    seconds : dict of str to float
        Where the time went.
    dim : int or None
        Dimension of the inputs, where it is known.
    """

    name: str
    fingerprint: str
    device: str
    bounds: tuple[float, float]
    attack: str
    others: tuple[str, ...]
    attacks: tuple[str, ...]
    images: tuple[ImageResults, ...]
    family: AuditFamily | None
    seconds: dict[str, float]
    dim: int | None = None

    @property
    def audited(self) -> tuple[ImageResults, ...]:
        """The images with a verdict."""
        return tuple(image for image in self.images if image.audit is not None)

    @property
    def audits(self) -> list[AttackAudit]:
        """The verdicts, in the order of `audited`."""
        return [image.audit for image in self.images if image.audit is not None]

    @property
    def n_convicted(self) -> int:
        """On at least how many images the attack is convicted."""
        return 0 if self.family is None else self.family.n_convicted

    @property
    def statuses(self) -> Counter[str]:
        """How many images have each verdict."""
        return Counter(image.verdict for image in self.images)

    @property
    def bound_share(self) -> float:
        """Median over images of the nearest error found from noisy copies, as part of the bound; NaN without bounds."""
        pairs = [(image, image.audit.bound) for image in self.images if image.audit is not None]
        return median(image.best_noisy_median() / bound for image, bound in pairs if 0 < bound < math.inf)


def lower_median(values: Sequence[float]) -> float:
    """Return the lower median, which is a value even if half of them are inf; NaN if there is none."""
    return float(statistics.median_low(values)) if len(values) else math.nan


def median(values: Iterable[float]) -> float:
    """Return the median of the numbers that are no NaN; NaN if there is none."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return math.nan
    # The mean of two middle values: inf only if one of them is.
    return float(statistics.median(known))
