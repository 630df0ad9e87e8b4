"""What counts in noise say about the smoothed classifier and about the base classifier, beside bounds at the image.

One count of errors at one noise scale gives two numbers of opposite meaning, both made of ``-sigma * ndtri(rate)``.
From the *upper* limit of the rate: no point within that distance of the image has an error rate of one half, so that
the classifier which answers by majority over noise keeps its answer (Cohen, Rosenfeld, Kolter 2019). From the *lower*
limit: at least half of all noisy copies of the image have an error of the classifier itself within that distance
(Gaussian isoperimetry). The first is a lower bound and speaks of the smoothed classifier at the image, the second an
upper bound and speaks of the base classifier at noisy copies. Neither bounds the distance from the image to the nearest
error of the base classifier: for that there are a certified distance from below, and a verified error from above.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor, nn

from isoperimetry.bounds import certified_radius, halfspace_distance
from isoperimetry.checks import Measurement
from isoperimetry.errors import ModelError
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.results import Interval, Record, at_least, at_most
from isoperimetry_bridges.torch.arguments import ImageId, as_ids, as_sigmas, as_tensors
from isoperimetry_bridges.torch.attacks import Attack, ready_attack
from isoperimetry_bridges.torch.audit import attack_scale
from isoperimetry_bridges.torch.certify import CertifiedDistance, certified_distance
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.measure import measure_error_rate
from isoperimetry_bridges.torch.parallel import each_image
from isoperimetry_bridges.torch.store import Store

Certify = bool | Literal["auto"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sandwich(Record):
    """Five distances about one image; all l2, in the unit of the images. `sentences` says what each one means.

    Attributes
    ----------
    image : int or str
        Its id.
    label : int or None
        None where the classifier's error criterion takes something else than a class.
    sigma : float
        Scale of the noise.
    errors, trials : int
        Counted in noise.
    confidence : float
        That both limits of the error rate hold: each with an error level of half of what is left to 1. Of each image
        for itself.
    error_rate : Interval
        The limits.
    smoothed_radius : float
        *Theorem, smoothed classifier*: it keeps the label within this distance of the image; 0: nothing certified.
    sample_bound : float
        *Theorem, base classifier*: at least half of all noisy copies have an error within this distance of themselves;
        inf: no error was counted.
    prediction, prediction_low, prediction_high : float
        *Prediction, no bound*: the distance from the image to the nearest error of the base classifier if its errors
        were a half-space, for the measured rate and for its limits; inf: no error was counted; negative: the image
        would be inside.
    certified : CertifiedDistance or None
        *Proof, base classifier*: no error of it is nearer to the image.
    not_certified : str
        Why there is none.
    attacked : float or None
        *Verified, base classifier*: it errs at this distance from the image; inf: the attack found nothing.
    attack : str
        By what; empty if nothing was tried.
    """

    image: ImageId
    label: int | None
    sigma: float
    errors: int
    trials: int
    confidence: float
    error_rate: Interval
    smoothed_radius: float
    sample_bound: float
    prediction: float
    prediction_low: float
    prediction_high: float
    certified: CertifiedDistance | None
    not_certified: str
    attacked: float | None
    attack: str

    @property
    def bracket(self) -> tuple[float, float]:
        """Between what the distance from the image to the nearest error of the base classifier lies."""
        low = 0.0 if self.certified is None else self.certified.distance
        return low, math.inf if self.attacked is None else self.attacked

    def sentences(self) -> tuple[str, ...]:
        """Return what was found, a sentence for each number, with what it rests on.

        Examples
        --------
        >>> import torch
        >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False)).eval()
        >>> _ = net[1].weight.data.copy_(torch.tensor([[3.0, 4.0, 0.0, 0.0], [0.0] * 4]))
        >>> (found,) = sandwich(net, torch.full((1, 1, 2, 2), 0.5), torch.tensor([0]), sigma=0.5, rng=0)
        >>> for sentence in found.sentences()[1:]:
        ...     print(sentence.partition(":")[0])
        Theorem, smoothed classifier
        Theorem, base classifier
        Prediction, no bound
        Proof, base classifier
        Verified, base classifier
        """
        certain = at_least(self.confidence, 6)
        return (
            f"Counted: {self.errors} errors in {self.trials} noisy copies at sigma = {self.sigma:g}; the error rate is "
            f"in {self.error_rate}, from which the two theorems hold together with confidence {certain}.",
            f"Theorem, smoothed classifier: {self._smoothed()}",
            f"Theorem, base classifier: {self._samples()}",
            f"Prediction, no bound: {self._predicted()}",
            f"Proof, base classifier: {self._proved()}",
            f"Verified, base classifier: {self._verified()}",
        )

    def _smoothed(self) -> str:
        if self.smoothed_radius == 0:
            return "half of the noisy copies may be errors, so that nothing is certified for the majority over noise."
        kept = "the label" if self.label is None else f"class {self.label}"
        return (
            f"the majority over noise of this scale answers {kept} everywhere within "
            f"{at_least(self.smoothed_radius, 4)} of the image."
        )

    def _samples(self) -> str:
        if self.sample_bound == math.inf:
            return "no error was counted, so that nothing is known about noisy copies."
        if self.sample_bound == 0:
            return "at least half of all noisy copies are errors themselves."
        return (
            f"at least half of all noisy copies have an error within {at_most(self.sample_bound, 4)} of themselves, "
            "whatever the errors look like."
        )

    def _predicted(self) -> str:
        low, high = at_least(self.prediction_low, 4), at_most(self.prediction_high, 4)
        if self.prediction == math.inf:
            return (
                f"no error was counted; were the errors a half-space, the nearest one would be {low} or more from the "
                "image; no error rate bounds that distance."
            )
        if self.prediction < 0:
            return "were the errors a half-space, the image would lie inside it, as most noisy copies are errors."
        return (
            f"were the errors a half-space, the nearest one would be {self.prediction:.4g} from the image ({low} to "
            f"{high}); no error rate bounds that distance."
        )

    def _proved(self) -> str:
        if self.attacked == 0:
            return "none can be, as the image itself is an error."
        if self.certified is None:
            return f"none was tried: {self.not_certified}"
        return f"{self.certified}, seen from the image."

    def _verified(self) -> str:
        if self.attacked is None:
            return "no attack was run."
        if self.attacked == math.inf:
            return f"{self.attack} found no error from the image."
        if self.attacked == 0:
            return "the image itself is an error."
        return f"an error {at_most(self.attacked, 4)} from the image, found by {self.attack}."

    def __str__(self) -> str:
        low, high = self.bracket
        proved = f"no error within {at_least(low, 4)}" if low else "nothing certified"
        found = "no error found" if high == math.inf else f"an error found at {at_most(high, 4)}"
        about = "the image itself is an error" if high == 0 else f"{proved}, {found}"
        smoothed, samples = f"certain within {at_least(self.smoothed_radius, 4)}", "have no bound, as none was an error"
        if self.smoothed_radius == 0:
            smoothed = "not certain at all"
        if self.sample_bound == 0:
            samples = "are errors themselves"
        elif self.sample_bound < math.inf:
            samples = f"have an error within {at_most(self.sample_bound, 4)}"
        return f"image {self.image}: {about}; the smoothed classifier is {smoothed}; half of the noisy copies {samples}"


def sandwich(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    sigma: float | Sequence[float] | None = None,
    measurements: Sequence[Measurement] | None = None,
    n_samples: int = 10_000,
    attack: str | Attack | None = "auto",
    certify: Certify = "auto",
    confidence: float = 0.95,
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    progress: ProgressLike = None,
) -> list[Sandwich]:
    """Bound distances about each image from below and from above, from one count of errors in noise and at the image.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
    images : Tensor or array, shape (n, ...)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes; or what the classifier's error criterion takes, shape (n, ...).
    sigma : float or sequence of n floats, optional
        Standard deviation of the noise, in the unit of the images; needed unless there are ``measurements``.
    measurements : sequence of n Measurement, optional
        Counts that `measure_error_rate` made before, one for each image, without clipping; nothing is counted then.
    n_samples : int, default 10,000
        Draws per image.
    attack : {"auto", "tangent", "ddn", "pgd", "boundary"} or Attack or None
        Searches for the nearest error from the image, which is verified; it may leave the box. "auto": "tangent", or
        "boundary" where the classifier has no gradients or, as with ``error=`` alone, no margin. None: no attack.
    certify : bool or "auto"
        Certify a distance at the image by the network's layers, see `certified_distance`; "auto": where all layers are
        supported, and say why not where they are not.
    confidence : float, default 0.95
        That both theorems hold, for each image; in (0, 1). Both limits of the rate have half of the error level.
    rng : None, int, SeedSequence, Generator or Stream
        Seed of the noise; the draws are those of `measure_error_rate`.
    image_ids : sequence of n distinct int or str, optional
        Names of the images in the noise's key and in the results, by default those of the measurements, or 0, 1, ...
    store : Store or path, optional
        Keep counts in this folder, and begin with those that it holds.
    progress : optional
        See `isoperimetry.progress`.

    Returns
    -------
    list of Sandwich, one per image

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, or measurements are of another classifier or number of images.
    ModelError
        If the model cannot be judged; with ``certify=True`` also if a layer of it is not supported.

    Notes
    -----
    Theorems: `certified_radius` and `median_distance_bound` in `isoperimetry.bounds`. They turn the same formula round:
    the first says how far a noisy *majority* is right, the second how near the errors are that most *single* noisy
    copies have. So the first may well exceed the distance to an error of the base classifier, and the second may well
    be less than the certified distance at the image: they contradict neither one another nor the bracket.
    """
    classifier = as_classifier(classifier)
    x, y = as_tensors(images, labels, classifier)
    classifier.check(x, y)
    if certify not in (True, False, "auto"):
        raise ValueError(f"certify={certify!r} must be True, False or 'auto'.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence!r} must be in (0, 1): it is a probability.")
    if (sigma is None) == (measurements is None):
        raise TypeError("Pass either sigma=, to count errors in noise, or measurements=, counted before.")
    if isinstance(attack, str) and attack == "auto":
        attack = "tangent" if classifier.differentiable else "boundary"
    chosen, bars = None if attack is None else ready_attack(attack, classifier), as_progress(progress)
    if measurements is None:
        scales = as_sigmas(sigma, len(x))
        counted = measure_error_rate(
            classifier,
            x,
            y,
            sigma=scales,
            n_samples=n_samples,
            rng=rng,
            image_ids=image_ids,
            store=store,
            progress=bars,
        )
    else:
        counted = _checked(measurements, classifier, x)
    if image_ids is None:
        image_ids = [one.provenance.get("image", i) for i, one in enumerate(counted)]  # type: ignore[misc]
    ids = as_ids(image_ids, len(x))
    proofs, reason = _proofs(classifier, x, y, certify, bars)
    nearest = [None] * len(x) if chosen is None else _attacked(classifier, x, y, counted, chosen, bars)
    return [
        _assembled(
            counted[i],
            image=ids[i],
            label=int(y[i]) if classifier.criterion.by_class else None,
            confidence=confidence,
            certified=None if proofs is None else proofs[i],
            not_certified=reason,
            attacked=nearest[i],
            attack="" if chosen is None else chosen.name,
        )
        for i in range(len(x))
    ]


def _checked(measurements: Sequence[Measurement], classifier: Classifier, x: Tensor) -> list[Measurement]:
    if len(measurements) != len(x):
        raise ValueError(f"measurements has {len(measurements)} entries but there are {len(x)} images: give one each.")
    model = classifier.fingerprint()
    for i, one in enumerate(measurements):
        if not isinstance(one, Measurement):
            raise TypeError(f"measurements[{i}] is a {type(one).__name__}: it must be a Measurement.")
        if one.clipping:
            raise ValueError(f"measurements[{i}] was counted on clipped noise: count on noise that is not clipped.")
        if one.dim not in (None, x[i].numel()):
            raise ValueError(f"measurements[{i}] has dim={one.dim} but images[{i}] has {x[i].numel()} values.")
        if one.provenance.get("model", model) != model:
            raise ValueError(f"measurements[{i}] was counted on the model {one.provenance['model']}, this is {model}.")
    return list(measurements)


def _proofs(
    classifier: Classifier, x: Tensor, y: Tensor, certify: Certify, bars: Any
) -> tuple[list[CertifiedDistance] | None, str]:
    if certify is False:
        return None, "it was not asked for."
    try:
        return certified_distance(classifier, x, y, progress=bars), ""
    except ModelError as error:
        if certify is True:
            raise
        return None, str(error)


def _attacked(
    classifier: Classifier, x: Tensor, y: Tensor, counted: Sequence[Measurement], attack: Attack, bars: Any
) -> list[float]:
    scales = [attack_scale(one.errors, one.trials, one.sigma) for one in counted]

    def search(tools: tuple[Classifier, Attack], i: int) -> float:
        worker, run = tools
        return float(run(worker, x[i : i + 1], y[i : i + 1], scale=scales[i]).distances[0])

    with bars.start(f"{classifier.name}: {attack.name}", len(x)) as stage:
        return each_image((classifier, attack), search, len(x), stage, device=classifier.device)


def _assembled(counted: Measurement, *, confidence: float, **about: Any) -> Sandwich:
    rate = counted.error_rate(confidence=confidence)  # two sides: half of the error level for each limit
    low, high = rate.distance(counted.sigma)
    # The logarithm keeps the digits of a limit far below 1e-300.
    radius = 0.0 if rate.high >= 0.5 else certified_radius(log_error_rate=rate.log_high, sigma=counted.sigma)
    return Sandwich(
        sigma=counted.sigma,
        errors=counted.errors,
        trials=counted.trials,
        confidence=confidence,
        error_rate=rate,
        smoothed_radius=float(radius),
        sample_bound=rate.distance_upper_bound(counted.sigma),
        prediction=float(halfspace_distance(counted.errors / counted.trials, counted.sigma)),
        prediction_low=low,
        prediction_high=high,
        **about,
    )
