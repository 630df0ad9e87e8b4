"""The check of a classifier: search sigma, count errors, attack, audit; one record per image and model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from isoperimetry.bounds import halfspace_distance
from isoperimetry.checks import Measurement, audit_many
from isoperimetry.progress import Progress, ProgressLike, as_progress
from isoperimetry.streams import Stream, add_noise
from isoperimetry_bridges.torch.arguments import ImageId, as_ids, as_root, as_tensors, check_stored_images, run_header
from isoperimetry_bridges.torch.attacks import Attack, NearestErrors, named_attack
from isoperimetry_bridges.torch.audit import attack_scale, verdict
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.measure import measure_error_rate
from isoperimetry_bridges.torch.records import CheckSettings, ImageCheck, ModelCheck
from isoperimetry_bridges.torch.searching import Starts, search_all
from isoperimetry_bridges.torch.sigma import SigmaSearch, SigmaStatus, find_sigma
from isoperimetry_bridges.torch.store import Store, as_store
from isoperimetry_bridges.torch.timing import Stopwatch


class _Check:
    """The stages of one check, each over all images, and each kept in the store as it goes."""

    def __init__(
        self,
        classifier: Classifier,
        images: Tensor,
        labels: Tensor,
        ids: tuple[ImageId, ...],
        *,
        settings: CheckSettings,
        attacks: Sequence[Attack],
        root: Stream,
        store: Store,
        progress: Progress,
    ) -> None:
        self.classifier, self.images, self.labels, self.ids = classifier, images, labels, ids
        self.settings, self.attacks, self.root, self.store, self.progress = settings, attacks, root, store, progress
        self.clock = Stopwatch()

    def run(self) -> tuple[ImageCheck, ...]:
        """Return the records, in the order of the images."""
        sigmas, statuses, searches = self._scales()
        skipped = (SigmaStatus.ALREADY_WRONG.value, SigmaStatus.NEVER_REACHED.value)
        audited = [index for index, status in enumerate(statuses) if status not in skipped]
        found: dict[int, ImageCheck] = {}
        if audited:
            counted = self._count(audited, [sigmas[index] for index in audited])
            clean, noisy = self._attack(audited, counted)
            for row, index in enumerate(audited):
                one = {name: errors[row] for name, errors in clean.items()}
                copies = {name: errors[row] for name, errors in noisy.items()}
                found[index] = self._record(index, statuses[index], searches[index], counted[row], one, copies)
        return tuple(
            found.get(index)
            or ImageCheck(image=self.ids[index], label=self._label(index), status=status, search=searches[index])
            for index, status in enumerate(statuses)
        )

    def _scales(self) -> tuple[list[float], list[str], list[SigmaSearch | None]]:
        """Return the noise scale of each image, how it came about, and the search for it, if there was one."""
        settings, count = self.settings, len(self.images)
        if settings.sigma is not None:
            wrong = self.classifier.wrong(self.images, self.labels).tolist()
            statuses = [SigmaStatus.ALREADY_WRONG.value if one else "given" for one in wrong]
            return [settings.sigma] * count, statuses, [None] * count
        with self.clock("search for sigma"):
            searches = find_sigma(
                self.classifier, self.images, self.labels, error_rate=settings.error_rate, n_samples=settings.n_search,
                confidence=settings.interval_confidence, rng=self.root, image_ids=self.ids, clip=settings.clip,
                store=self.store, progress=self.progress,
            )  # fmt: skip
        return [one.sigma for one in searches], [one.status.value for one in searches], [*searches]

    def _count(self, audited: list[int], sigmas: list[float]) -> list[Measurement]:
        """Count errors on the draws of purpose "count"."""
        settings = self.settings
        with self.clock("error rate"):
            return measure_error_rate(
                self.classifier, self.images[audited], self.labels[audited], sigma=sigmas,
                n_samples=settings.n_samples, rng=self.root, image_ids=[self.ids[index] for index in audited],
                clip=settings.clip, n_agreement=0, store=self.store, progress=self.progress,
            )  # fmt: skip

    def _attack(
        self, audited: list[int], counted: Sequence[Measurement]
    ) -> tuple[dict[str, list[NearestErrors]], dict[str, list[NearestErrors]]]:
        """Return the errors that each attack found from the images, and from the draws of purpose "start"."""
        clean: dict[str, list[NearestErrors]] = {}
        noisy: dict[str, list[NearestErrors]] = {}
        scales = tuple(attack_scale(one.errors, one.trials, one.sigma) for one in counted)
        sigmas = tuple(one.sigma for one in counted)
        for found, noise, n_starts in ((clean, None, 1), (noisy, sigmas, self.settings.n_starts)):
            starts = Starts(
                self.images[audited], self.labels[audited], [self.ids[index] for index in audited], scales,
                sigmas=noise, n_starts=n_starts, root=self.root,
                box=self.classifier.bounds if self.settings.clip else None,
            )  # fmt: skip
            for attack in self.attacks:
                with self.clock(attack.name):
                    found[attack.name] = search_all(self.classifier, attack, starts, self.store, self.progress)
        return clean, noisy

    def _record(
        self,
        index: int,
        status: str,
        search: SigmaSearch | None,
        counted: Measurement,
        clean: dict[str, NearestErrors],
        noisy: dict[str, NearestErrors],
    ) -> ImageCheck:
        settings, sigma = self.settings, counted.sigma
        errors, trials = counted.errors, counted.trials
        rate = counted.error_rate(confidence=settings.interval_confidence)
        prediction_low, prediction_high = rate.distance(sigma)
        return ImageCheck(
            image=self.ids[index],
            label=self._label(index),
            status=status,
            search=search,
            sigma=sigma,
            errors=errors,
            trials=trials,
            ties=int(str(counted.provenance["ties"])),
            error_rate=rate,
            prediction=float(halfspace_distance(errors / trials, sigma)),
            prediction_low=prediction_low,
            prediction_high=prediction_high,
            attack_scale=attack_scale(errors, trials, sigma),
            clean_distances={name: float(found.distances[0]) for name, found in clean.items()},
            audit=verdict(
                noisy[self.attacks[0].name].distances,
                errors=errors,
                trials=trials,
                sigma=sigma,
                confidence=settings.confidence,
            ),
            noisy_distances={name: tuple(found.distances.tolist()) for name, found in noisy.items()},
            blocked={name: float(found.blocked.mean()) for name, found in noisy.items()},
        )

    def _label(self, index: int) -> int | None:
        return int(self.labels[index]) if self.classifier.criterion.by_class else None


def check_model(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    settings: CheckSettings | None = None,
    others: Sequence[str | Attack] = ("ddn",),
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    store: Store | str | os.PathLike[str] | None = None,
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
    images : Tensor or array, shape (n, ...), as a rule (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes; or what the classifier's error criterion takes, shape (n, ...).
    settings : CheckSettings, optional
    others : sequence of str or Attack
        Further attacks, run from the same starts, that back the audited one's distances or show what it missed.
    rng : None, int, SeedSequence, Generator or Stream
        Seed of all noise; with ``store`` it must be given.
    image_ids : sequence of n distinct int or str, optional
        Names of the images in the noise's key, by default 0, 1, ...
    store : Store or path, optional
        Keep all that is measured in this folder as it comes, and begin with what it holds: a check that was killed goes
        on, with the same result. Other images may be checked with the same folder.
    progress : optional
        See `isoperimetry.progress`.

    Returns
    -------
    ModelCheck

    Raises
    ------
    ValueError, TypeError, ModelError
        If an argument is out of range, the store is of another run, or the model cannot be judged.
    """
    settings = settings or CheckSettings()
    classifier = as_classifier(classifier)
    x, y = as_tensors(images, labels, classifier)
    classifier.check(x, y)
    ids, root = as_ids(image_ids, len(x)), as_root(rng, store)
    fingerprint = classifier.fingerprint()  # before the model works: it may keep notes in its buffers
    attacks = _attacks(settings.attack, others)
    add_noise(np.zeros(1), 1.0, stream=root, out=np.empty((1, 1), np.float32))  # compiled before any clock runs
    with as_store(store) as kept:
        kept.begin(run_header(classifier, root, clip=settings.clip))
        check_stored_images(kept, x, y, ids)
        check = _Check(
            classifier, x, y, ids,
            settings=settings, attacks=attacks, root=root, store=kept, progress=as_progress(progress),
        )  # fmt: skip
        checked = check.run()
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
        seconds=check.clock.seconds,
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
