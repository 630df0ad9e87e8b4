"""The stages of a check, each over all images: noise scales, counts of errors, attacks; one record per image."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from isoperimetry.bounds import halfspace_distance
from isoperimetry.checks import Measurement
from isoperimetry.progress import Progress
from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import ImageId
from isoperimetry_bridges.torch.attacks import Attack, NearestErrors
from isoperimetry_bridges.torch.audit import attack_scale, verdict
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.measure import measure_error_rate
from isoperimetry_bridges.torch.pictures import Picture, make_picture
from isoperimetry_bridges.torch.records import CheckSettings, ImageCheck
from isoperimetry_bridges.torch.searching import Starts, search_all
from isoperimetry_bridges.torch.sigma import SigmaSearch, SigmaStatus, find_sigma
from isoperimetry_bridges.torch.store import Store
from isoperimetry_bridges.torch.timing import Stopwatch


class Stages:
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
        n_pictures: int,
    ) -> None:
        self.classifier, self.images, self.labels, self.ids = classifier, images, labels, ids
        self.settings, self.attacks, self.root, self.store, self.progress = settings, attacks, root, store, progress
        self.box = classifier.bounds if settings.clip else None
        self.n_pictures = min(n_pictures, len(images))
        self.pictures: tuple[Picture, ...] = ()
        self.clock = Stopwatch()

    def run(self) -> tuple[ImageCheck, ...]:
        """Return the records, in the order of the images."""
        sigmas, statuses, searches = self._scales()
        skipped = (SigmaStatus.ALREADY_WRONG.value, SigmaStatus.NEVER_REACHED.value)
        audited = [index for index, status in enumerate(statuses) if status not in skipped]
        found: dict[int, ImageCheck] = {}
        nearest: dict[int, list[NearestErrors]] = {}
        if audited:
            counted = self._count(audited, [sigmas[index] for index in audited])
            clean, noisy = self._attack(audited, counted)
            for row, index in enumerate(audited):
                one = {name: errors[row] for name, errors in clean.items()}
                copies = {name: errors[row] for name, errors in noisy.items()}
                found[index] = self._record(index, statuses[index], searches[index], counted[row], one, copies)
                nearest[index] = list(one.values())
        self.pictures = tuple(
            make_picture(
                self.images[index], self.ids[index], sigma=found[index].sigma if index in found else None,
                found=nearest.get(index, []), root=self.root, box=self.box,
            )
            for index in range(self.n_pictures)
        )  # fmt: skip
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
        x, y, ids = self.images[audited], self.labels[audited], [self.ids[index] for index in audited]
        itself = Starts(x, y, ids, scales, sigmas=None, n_starts=1, root=self.root, box=self.box)
        copies = dataclasses.replace(
            itself, sigmas=tuple(one.sigma for one in counted), n_starts=self.settings.n_starts
        )  # fmt: skip
        n_drawn = sum(index < self.n_pictures for index in audited)
        for attack in self.attacks:
            with self.clock(attack.name):
                clean[attack.name] = self._from_images(attack, itself, n_drawn)
        for attack in self.attacks:
            with self.clock(attack.name):
                # Their points are not needed, and would fill the memory where there are many images.
                noisy[attack.name] = [
                    dataclasses.replace(one, points=torch.empty(len(one.distances), 0))
                    for one in search_all(self.classifier, attack, copies, self.store, self.progress)
                ]
        return clean, noisy

    def _from_images(self, attack: Attack, starts: Starts, n_drawn: int) -> list[NearestErrors]:
        """Return the errors found from the images; the store keeps the points of the first ones, which are drawn.

        Whole batches keep theirs, so that what is in a batch, and the rounding, does not depend on ``n_drawn``.
        """
        count, size = len(starts.images), self.classifier.batch_size(starts.images[0].numel())
        ends = [first + number for first, _, number in starts.parts(size, self.classifier.device)]
        cut = next((end for end in ends if end >= n_drawn), count) if n_drawn else 0
        found: list[NearestErrors] = []
        for first, last, keep_points in ((0, cut, True), (cut, count, False)):
            if first < last:
                rows = slice(first, last)
                some = dataclasses.replace(
                    starts, images=starts.images[rows], labels=starts.labels[rows], ids=starts.ids[rows],
                    scales=starts.scales[rows],
                )  # fmt: skip
                found += search_all(self.classifier, attack, some, self.store, self.progress, keep_points=keep_points)
        return found

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
