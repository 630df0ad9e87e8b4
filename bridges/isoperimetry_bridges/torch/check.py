"""The check of a classifier: search sigma, count errors, attack, audit; one record per image and model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from isoperimetry.bounds import halfspace_distance
from isoperimetry.checks import audit_many
from isoperimetry.intervals import clopper_pearson
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.streams import Stream, add_noise, as_stream
from isoperimetry_bridges.torch.attacks import Attack, named_attack
from isoperimetry_bridges.torch.audit import attack_scale, count_and_attack, verdict
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.measure import ErrorCounter, as_ids, as_tensors
from isoperimetry_bridges.torch.parallel import each_image
from isoperimetry_bridges.torch.records import CheckSettings, ImageCheck, ModelCheck
from isoperimetry_bridges.torch.sigma import SigmaSearch, SigmaStatus, search_sigma
from isoperimetry_bridges.torch.timing import Stopwatch


class _ImageChecker:
    """Checks one image with a classifier of its own; ``clock`` gets the seconds of each stage."""

    def __init__(
        self, classifier: Classifier, attacks: Sequence[Attack], settings: CheckSettings, root: Stream
    ) -> None:
        self.classifier, self.attacks, self.settings, self.root = classifier, attacks, settings, root
        self.clock = Stopwatch()
        self.count = ErrorCounter(classifier, clip=settings.clip, clock=self.clock)

    def __call__(self, image: Tensor, label: int, image_id: int) -> ImageCheck:
        """Search sigma, unless it is given, and audit where there is something to audit."""
        settings, search = self.settings, None
        if settings.sigma is not None:
            right = int(self.classifier.predict(image[None])[0]) == label
            sigma, status = settings.sigma, "given" if right else SigmaStatus.ALREADY_WRONG.value
        else:
            with self.clock("search for sigma"):
                search = search_sigma(
                    self.count,
                    image,
                    label,
                    image_id,
                    root=self.root,
                    error_rate=settings.error_rate,
                    n_samples=settings.n_search,
                    confidence=settings.interval_confidence,
                )
            sigma, status = search.sigma, search.status.value
        if status in (SigmaStatus.ALREADY_WRONG.value, SigmaStatus.NEVER_REACHED.value):
            return ImageCheck(image=image_id, label=label, status=status, search=search)
        return self._audit(image, label, image_id, sigma=sigma, status=status, search=search)

    def _audit(
        self, image: Tensor, label: int, image_id: int, *, sigma: float, status: str, search: SigmaSearch | None
    ) -> ImageCheck:
        settings, n_samples = self.settings, self.settings.n_samples
        errors, found = count_and_attack(
            self.count,
            self.attacks,
            image,
            label,
            image_id,
            sigma=sigma,
            root=self.root,
            n_samples=n_samples,
            n_starts=settings.n_starts,
            clip=settings.clip,
        )
        rate = clopper_pearson(errors, n_samples, confidence=settings.interval_confidence)
        prediction_low, prediction_high = rate.distance(sigma)
        noisy = {name: errors_found.distances[1:] for name, errors_found in found.items()}
        return ImageCheck(
            image=image_id,
            label=label,
            status=status,
            search=search,
            sigma=sigma,
            errors=errors,
            trials=n_samples,
            error_rate=rate,
            prediction=float(halfspace_distance(errors / n_samples, sigma)),
            prediction_low=prediction_low,
            prediction_high=prediction_high,
            attack_scale=attack_scale(errors, n_samples, sigma),
            clean_distances={name: float(errors_found.distances[0]) for name, errors_found in found.items()},
            audit=verdict(
                noisy[self.attacks[0].name],
                errors=errors,
                trials=n_samples,
                sigma=sigma,
                confidence=settings.confidence,
            ),
            noisy_distances={name: tuple(distances.tolist()) for name, distances in noisy.items()},
            blocked={name: float(errors_found.blocked[1:].mean()) for name, errors_found in found.items()},
        )


def check_model(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    settings: CheckSettings | None = None,
    others: Sequence[str | Attack] = ("ddn",),
    rng: Any = None,
    image_ids: Sequence[int] | None = None,
    on_image: Callable[[ImageCheck], object] | None = None,
    progress: ProgressLike = None,
) -> ModelCheck:
    """Check one classifier against the bound, image by image, and audit an attack on it.

    For each image: find sigma on draws of their own, count errors at it on fresh draws, attack the clean image and
    fresh noisy copies, and judge. Images that the model gets wrong without noise, and images whose error rate never
    reaches the wanted one, are reported and not audited.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
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
    on_image : callable, optional
        Gets the record of each image as soon as it is there, in any order: keep it, and nothing is lost.
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
    classifier, (x, y) = as_classifier(classifier), as_tensors(images, labels)
    classifier.check(x, y)
    ids, root = as_ids(image_ids, len(x)), as_stream(rng)
    fingerprint = classifier.fingerprint()  # before the model works: it may keep notes in its buffers
    attacks = _attacks(settings.attack, others)
    add_noise(np.zeros(1), 1.0, stream=root, out=np.empty((1, 1), np.float32))  # compiled before any clock runs

    def check_image(tools: tuple[Classifier, list[Attack]], i: int) -> tuple[ImageCheck, Stopwatch]:
        checker = _ImageChecker(*tools, settings, root)
        return checker(x[i], int(y[i]), ids[i]), checker.clock

    def keep(result: tuple[ImageCheck, Stopwatch]) -> None:
        if on_image is not None:
            on_image(result[0])

    with as_progress(progress).start(classifier.name, len(x)) as stage:
        tools = (classifier, attacks)
        results = each_image(tools, check_image, len(x), stage, device=classifier.device, done=keep)
    checked = tuple(image for image, _ in results)
    audits = [image.audit for image in checked if image.audit is not None]
    family = audit_many(audits, confidence=settings.confidence) if audits else None
    return ModelCheck(
        name=classifier.name,
        fingerprint=fingerprint,
        device=str(classifier.device),
        bounds=classifier.bounds,
        batch_size=classifier.batch_size(x[0].numel()),
        attack=attacks[0].name,
        others=tuple(attack.name for attack in attacks[1:]),
        attacks=tuple(map(repr, attacks)),
        images=checked,
        family=family,
        joint_missed=_joint_missed(checked, attacks[0].name, settings),
        seconds=Stopwatch.total(clock for _, clock in results),
    )


def _joint_missed(images: Sequence[ImageCheck], attack: str, settings: CheckSettings) -> tuple[float, ...]:
    """Return the certified missed fraction of each audited image, with the error level shared by all of them."""
    audited = [image for image in images if image.audit is not None]
    level = (1 - settings.confidence) / max(len(audited), 1)
    return tuple(
        verdict(
            np.array(image.noisy_distances[attack]),
            errors=image.errors,
            trials=image.trials,
            sigma=image.sigma,
            confidence=1 - level,
        ).missed_fraction
        for image in audited
    )


def _attacks(audited: str, others: Sequence[str | Attack]) -> list[Attack]:
    """Return the audited attack and then the others, each once."""
    attacks = [named_attack(audited)]
    for attack in map(named_attack, others):
        if attack.name not in [other.name for other in attacks]:
            attacks.append(attack)
        elif attack not in attacks:
            raise ValueError(f"others has a second attack called {attack.name!r}: attacks are told apart by name.")
    return attacks
