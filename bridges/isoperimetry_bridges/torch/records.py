"""What a check is asked for and what it returns: settings, one record per image, one per model."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from isoperimetry.checks import AttackAudit, AuditFamily
from isoperimetry.results import Interval, Record
from isoperimetry_bridges.torch.arguments import ImageId, as_count
from isoperimetry_bridges.torch.attacks import named_attack
from isoperimetry_bridges.torch.pictures import Picture
from isoperimetry_bridges.torch.sigma import SigmaSearch, SigmaStatus, check_search


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings(Record):
    """What a check does; lengths are in the unit of the images.

    Attributes
    ----------
    sigma : float or None
        Noise scale for all images; None: `find_sigma` chooses each image's by ``error_rate``.
    error_rate : float
        Wanted by the search, and used for nothing else.
    n_search, n_samples, n_starts : int
        Draws per look of the search, for the error rate, and attacked noisy starts; per image.
    confidence : float
        Of each verdict, and of the family of verdicts of a model (Holm).
    interval_confidence : float
        Of the intervals that are shown for error rates, predictions and sigma.
    attack : str
        The attack that is audited.
    clip : bool
        Clip noise, and confine the attacks, to the input box.
    """

    sigma: float | None = None
    error_rate: float = 0.01
    n_search: int = 1000
    n_samples: int = 10_000
    n_starts: int = 200
    confidence: float = 0.999
    interval_confidence: float = 0.95
    attack: str = "pgd"
    clip: bool = False

    def __post_init__(self) -> None:
        """Refuse what no check can be made with."""
        if self.sigma is not None and not 0 < self.sigma < math.inf:
            raise ValueError(f"sigma={self.sigma!r} must be finite and > 0: it is the scale of the noise.")
        for name in ("confidence", "interval_confidence", "error_rate"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)!r} must be in (0, 1): it is a probability.")
        for name in ("n_search", "n_samples", "n_starts"):
            as_count(name, getattr(self, name))
        named_attack(self.attack)
        if self.sigma is None:
            check_search(self.error_rate, self.n_search, self.interval_confidence)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageCheck(Record):
    """What was measured at one image.

    Attributes
    ----------
    image : int or str
        The image's id.
    label : int or None
        None where the classifier has an error criterion of its own.
    status : str
        The status of the search for sigma; "given" where sigma was; "already wrong" where the model errs without noise.
    search : SigmaSearch or None
    sigma : float
        The scale at which all below was measured.
    errors, trials : int
        Fresh counts at ``sigma``.
    ties : int
        Of these draws, how many lie so near to the decision that other arithmetic might decide otherwise.
    error_rate : Interval or None
        Their two-sided interval.
    prediction, prediction_low, prediction_high : float
        The half-space distance from the clean image for the measured rate, and for the limits of its interval. A
        prediction: no theorem bounds this distance by the error rate.
    attack_scale : float
        The length handed to the attacks, by which they size their steps.
    clean_distances : dict of str to float
        Verified distance of the nearest error that each attack found from the clean image.
    audit : AttackAudit or None
        The verdict on the audited attack at noisy samples, about which the theorem is.
    noisy_distances : dict of str to tuple of float
        For each attack the distances from the noisy starts, in order of draw.
    blocked : dict of str to float
        For each attack the fraction of noisy starts where it met a gradient of exactly zero.
    """

    image: ImageId
    label: int | None
    status: str
    search: SigmaSearch | None = None
    sigma: float = math.nan
    errors: int = 0
    trials: int = 0
    ties: int = 0
    error_rate: Interval | None = None
    prediction: float = math.nan
    prediction_low: float = math.nan
    prediction_high: float = math.nan
    attack_scale: float = math.nan
    clean_distances: dict[str, float] = dataclasses.field(default_factory=dict)
    audit: AttackAudit | None = None
    noisy_distances: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    blocked: dict[str, float] = dataclasses.field(default_factory=dict)

    def noisy_median(self, attack: str) -> float:
        """Return the median distance from noisy starts found by ``attack``; inf if it failed on half of them."""
        return statistics.median_low(self.noisy_distances[attack])

    def best_noisy_median(self) -> float:
        """Return the median, over the noisy starts, of the nearest error that any of the attacks found."""
        return float(statistics.median_low(np.min(list(self.noisy_distances.values()), axis=0)))

    def __str__(self) -> str:
        return f"image {self.image}: {self.audit or self.status}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheck(Record):
    """What was measured on one model.

    Attributes
    ----------
    name, fingerprint : str
        The fingerprint names weights and settings.
    device : str
    bounds : (float, float)
        The input box; lengths are in the unit of the inputs.
    batch_size : int
        In which errors are counted and verified.
    attack : str
        The audited attack.
    others : tuple of str
        The attacks that back or contradict its distances.
    attacks : tuple of str
        All of them with their parameters, as `repr` shows them.
    images : tuple of ImageCheck
    family : AuditFamily or None
        How many images are convicted, at the family's confidence; None where no image could be audited.
    joint_missed : tuple of float, one per audited image
        The least fraction of noisy copies with a missed nearer error, all images at once at the family's confidence; 0
        where none is certified.
    seconds : dict of str to float
        Where the time went: the search for sigma, the error rate, each attack.
    pictures : tuple of Picture
        Of the first images, as many as were asked for; not part of `to_dict`, nor of what makes two records equal.
    """

    name: str
    fingerprint: str
    device: str
    bounds: tuple[float, float]
    batch_size: int
    attack: str
    others: tuple[str, ...]
    attacks: tuple[str, ...]
    images: tuple[ImageCheck, ...]
    family: AuditFamily | None
    joint_missed: tuple[float, ...]
    seconds: dict[str, float]
    pictures: tuple[Picture, ...] = dataclasses.field(default=(), compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields but for the pictures as JSON-safe values; infinity is the string "inf"."""
        record = Record.to_dict(dataclasses.replace(self, pictures=()))
        del record["pictures"]
        return record

    @property
    def audited(self) -> tuple[ImageCheck, ...]:
        """The images with a verdict."""
        return tuple(image for image in self.images if image.audit is not None)

    @property
    def wrong(self) -> tuple[ImageCheck, ...]:
        """The images on which the model errs without noise."""
        return tuple(image for image in self.images if image.status == SigmaStatus.ALREADY_WRONG.value)

    @property
    def suspect(self) -> bool:
        """Whether more than half of the images are wrong without noise, as with shifted labels or a wrong scaling."""
        return 2 * len(self.wrong) > len(self.images)

    @property
    def n_convicted(self) -> int:
        """On at least how many images the attack is convicted, at the family's confidence."""
        return 0 if self.family is None else self.family.n_convicted

    def convicted_images(self) -> tuple[ImageCheck, ...]:
        """Return the images that Holm's procedure names."""
        return () if self.family is None else tuple(self.audited[i] for i in self.family.convicted)

    def median(self, values: Sequence[float]) -> float:
        """Return the median of one number per audited image; NaN where there is none."""
        return statistics.median(values) if values else math.nan

    def __str__(self) -> str:
        return f"{self.name}: {self.attack} convicted on {self.n_convicted} of {len(self.audited)} images"
