"""The check of a classifier: search sigma, count errors, attack, audit; one record per image and model."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isoperimetry.bounds import halfspace_distance
from isoperimetry.checks import AttackAudit, AuditFamily, audit_attack, audit_many
from isoperimetry.intervals import clopper_pearson
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.results import Interval, Record
from isoperimetry.streams import Stream, as_stream
from isoperimetry_bridges.torch.attacks import Attack, NearestErrors, named_attack
from isoperimetry_bridges.torch.audit import attack_scale, noisy_starts
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.measure import ErrorCounter, as_ids, as_tensors
from isoperimetry_bridges.torch.noise import noise_stream
from isoperimetry_bridges.torch.sigma import SigmaSearch, SigmaStatus, find_sigma
from isoperimetry_bridges.torch.timing import Stopwatch


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
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)!r} must be >= 1: it is a number of draws.")
        named_attack(self.attack)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageCheck(Record):
    """What was measured at one image.

    Attributes
    ----------
    image, label : int
    status : str
        The status of the search for sigma; "given" where sigma was; "already wrong" where the model errs without noise.
    search : SigmaSearch or None
    sigma : float
        The scale at which all below was measured.
    errors, trials : int
        Fresh counts at ``sigma``.
    error_rate : Interval or None
        Their two-sided interval.
    prediction, prediction_low, prediction_high : float
        The half-space distance from the clean image for the measured rate, and for the limits of its interval. A
        prediction: no theorem bounds this distance by the error rate.
    clean_distances : dict of str to float
        Verified distance of the nearest error that each attack found from the clean image.
    audit : AttackAudit or None
        The verdict on the audited attack at noisy samples, about which the theorem is.
    noisy_distances : dict of str to tuple of float
        For each attack the distances from the noisy starts, in order of draw.
    blocked : dict of str to float
        For each attack the fraction of noisy starts where it met a gradient of exactly zero.
    """

    image: int
    label: int
    status: str
    search: SigmaSearch | None = None
    sigma: float = math.nan
    errors: int = 0
    trials: int = 0
    error_rate: Interval | None = None
    prediction: float = math.nan
    prediction_low: float = math.nan
    prediction_high: float = math.nan
    clean_distances: dict[str, float] = dataclasses.field(default_factory=dict)
    audit: AttackAudit | None = None
    noisy_distances: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    blocked: dict[str, float] = dataclasses.field(default_factory=dict)

    def noisy_median(self, attack: str) -> float:
        """Return the median distance from noisy starts found by ``attack``; inf if it failed on half of them."""
        return statistics.median_low(self.noisy_distances[attack])

    def best_noisy_median(self) -> float:
        """Return the median, over the noisy starts, of the nearest error that any of the attacks found."""
        return statistics.median_low(np.min(list(self.noisy_distances.values()), axis=0).tolist())

    def __str__(self) -> str:
        return f"image {self.image}: {self.audit or self.status}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheck(Record):
    """What was measured on one model.

    Attributes
    ----------
    name, fingerprint : str
        The fingerprint names weights and settings.
    attack : str
        The audited attack.
    others : tuple of str
        The attacks that back or contradict its distances.
    images : tuple of ImageCheck
    family : AuditFamily or None
        How many images are convicted, at the family's confidence; None where no image could be audited.
    seconds : dict of str to float
        Where the time went.
    """

    name: str
    fingerprint: str
    attack: str
    others: tuple[str, ...]
    images: tuple[ImageCheck, ...]
    family: AuditFamily | None
    seconds: dict[str, float]

    @property
    def audited(self) -> tuple[ImageCheck, ...]:
        """The images with a verdict."""
        return tuple(image for image in self.images if image.audit is not None)

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


class _ImageChecker:
    """Counts, attacks and judges one image after the other."""

    def __init__(
        self, classifier: Classifier, attacks: Sequence[Attack], settings: CheckSettings, root: Stream, clock: Stopwatch
    ) -> None:
        self.classifier, self.attacks, self.settings, self.root, self.clock = classifier, attacks, settings, root, clock
        self.count = ErrorCounter(classifier, clip=settings.clip, clock=clock)

    def __call__(
        self, image: Tensor, label: int, image_id: int, *, sigma: float, search: SigmaSearch | None
    ) -> ImageCheck:
        settings, n_samples = self.settings, self.settings.n_samples
        with self.clock("error rate"):
            stream = noise_stream(self.root, "count", image_id)
            errors = self.count(image, label, sigma, stream=stream, first=0, count=n_samples)
        rate = clopper_pearson(errors, n_samples, confidence=settings.interval_confidence)
        prediction_low, prediction_high = rate.distance(sigma)
        clean, noisy = self._attack(image, label, image_id, sigma=sigma, scale=attack_scale(errors, n_samples, sigma))
        return ImageCheck(
            image=image_id,
            label=label,
            status="given" if search is None else search.status.value,
            search=search,
            sigma=sigma,
            errors=errors,
            trials=n_samples,
            error_rate=rate,
            prediction=float(halfspace_distance(errors / n_samples, sigma)),
            prediction_low=prediction_low,
            prediction_high=prediction_high,
            clean_distances=clean,
            audit=audit_attack(
                noisy[self.attacks[0].name].distances,
                errors=errors,
                trials=n_samples,
                sigma=sigma,
                confidence=settings.confidence,
            ),
            noisy_distances={name: tuple(found.distances.tolist()) for name, found in noisy.items()},
            blocked={name: float(found.blocked.mean()) for name, found in noisy.items()},
        )

    def _attack(
        self, image: Tensor, label: int, image_id: int, *, sigma: float, scale: float
    ) -> tuple[dict[str, float], dict[str, NearestErrors]]:
        """Return the distance from the clean image, and the errors near the noisy starts, for each attack."""
        clip, n_starts = self.settings.clip, self.settings.n_starts
        box = self.classifier.bounds if clip else None
        starts = noisy_starts(
            self.classifier, image, sigma, root=self.root, image_id=image_id, n_starts=n_starts, clip=clip
        )
        clean, noisy = {}, {}
        for attack in self.attacks:
            with self.clock(attack.name):
                # One call for the clean image and its noisy copies: an attack treats each row on its own.
                found = attack(self.classifier, torch.cat([image[None], starts]), label, scale=scale, box=box)
            clean[attack.name] = float(found.distances[0])
            noisy[attack.name] = NearestErrors(
                distances=found.distances[1:], points=found.points[1:], blocked=found.blocked[1:]
            )
        return clean, noisy


def check_model(
    classifier: Classifier,
    images: Any,
    labels: Any,
    *,
    settings: CheckSettings | None = None,
    others: Sequence[str | Attack] = ("ddn",),
    rng: Any = None,
    image_ids: Sequence[int] | None = None,
    progress: ProgressLike = None,
) -> ModelCheck:
    """Check one classifier against the bound, image by image, and audit an attack on it.

    For each image: find sigma on draws of their own, count errors at it on fresh draws, attack the clean image and
    fresh noisy copies, and judge. Images that the model gets wrong without noise, and images whose error rate never
    reaches the wanted one, are reported and not audited.

    Parameters
    ----------
    classifier : Classifier
    images : Tensor or array, shape (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes.
    settings : CheckSettings, optional
    others : sequence of str or Attack
        Further attacks, run from the same starts, that back the audited one's distances or show what it missed.
    rng : None, int, SeedSequence, Generator or Stream
        Seed of all noise.
    image_ids : sequence of n distinct int, optional
        Names of the images in the noise's key, by default 0, 1, ...
    progress : optional
        See `isoperimetry.progress`.

    Returns
    -------
    ModelCheck

    Raises
    ------
    ValueError, TypeError, ModelError
        If an argument is out of range or the model cannot be judged.
    """
    settings = settings or CheckSettings()
    x, y = as_tensors(images, labels)
    classifier.check(x, y)
    ids, root, clock, bars = as_ids(image_ids, len(x)), as_stream(rng), Stopwatch(), as_progress(progress)
    attacks = [named_attack(settings.attack), *(other for other in map(named_attack, others))]
    attacks = list({attack.name: attack for attack in attacks}.values())

    searches: list[SigmaSearch | None] = [None] * len(x)
    if settings.sigma is None:
        with clock("search for sigma"):
            searches = list(
                find_sigma(
                    classifier,
                    x,
                    y,
                    error_rate=settings.error_rate,
                    n_samples=settings.n_search,
                    rng=root,
                    confidence=settings.interval_confidence,
                    image_ids=ids,
                    clip=settings.clip,
                    clock=clock,
                    progress=bars,
                )
            )
    right = (classifier.predict(x) == y).tolist()
    check_image = _ImageChecker(classifier, attacks, settings, root, clock)
    checked = []
    with bars.start(f"{classifier.name}: counts, attacks, audit", len(x)) as stage:
        for i, search in enumerate(searches):
            sigma = settings.sigma if search is None else search.sigma
            if not right[i]:
                outcome = ImageCheck(
                    image=ids[i], label=int(y[i]), status=SigmaStatus.ALREADY_WRONG.value, search=search
                )
            elif sigma is None or not math.isfinite(sigma):
                outcome = ImageCheck(
                    image=ids[i], label=int(y[i]), status=SigmaStatus.NEVER_REACHED.value, search=search
                )
            else:
                outcome = check_image(x[i], int(y[i]), ids[i], sigma=sigma, search=search)
            checked.append(outcome)
            stage.advance(1)
    audits = [image.audit for image in checked if image.audit is not None]
    return ModelCheck(
        name=classifier.name,
        fingerprint=classifier.fingerprint(),
        attack=attacks[0].name,
        others=tuple(attack.name for attack in attacks[1:]),
        images=tuple(checked),
        family=audit_many(audits, confidence=settings.confidence) if audits else None,
        seconds=clock.seconds,
    )
