"""The stages of a reproduction, each for one net, each kept in a store as it goes."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from isoperimetry.progress import Progress
from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import run_header
from isoperimetry_bridges.torch.attacks import Attack, named_attack
from isoperimetry_bridges.torch.check import check_model
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.corruptions import CORRUPTIONS, CorruptionErrors, corruption_errors
from isoperimetry_bridges.torch.measure import measure_error_rate
from isoperimetry_bridges.torch.records import ModelCheck
from isoperimetry_bridges.torch.reproduce.published import published_check
from isoperimetry_bridges.torch.reproduce.settings import ReproduceSettings
from isoperimetry_bridges.torch.reproduce.subjects import Subject
from isoperimetry_bridges.torch.reproduce.windows import choose_image, model_window
from isoperimetry_bridges.torch.store import Store

OTHERS = ("tangent", "ddn")
"""Attacks that back the audited one on every net."""
N_PICTURES = 6
"""Images of each net of which pictures are kept."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """What the stages of one subject share.

    Attributes
    ----------
    subject : Subject
    settings : ReproduceSettings
    root : Stream
        Of all noise.
    folder : Path
        Of the subject; stores are in its folder ``store``.
    notes : Store
        Times and small results of the subject.
    progress : Progress
    """

    subject: Subject
    settings: ReproduceSettings
    root: Stream
    folder: Path
    notes: Store
    progress: Progress

    @property
    def rows(self) -> range:
        """The places of the images that are looked at one by one, which are also their ids."""
        return range(min(self.settings.n_images, len(self.subject.images)))

    def attacks(self, classifier: Classifier, *, fewest: bool = False) -> tuple[Attack, ...]:
        """Return the attacks that back the audited one on a net; ``fewest``: the one that finds most, alone."""
        attacks = (*map(named_attack, OTHERS), *self.subject.backing.get(classifier.name, ()))
        return attacks if not fewest else (attacks[-1] if len(attacks) > len(OTHERS) else attacks[0],)

    def store_of(self, classifier: Classifier, stage: str) -> Path:
        """Return the folder of the store of one net and stage."""
        return self.folder / "store" / quote(classifier.name, safe=" ") / stage

    @contextmanager
    def timed(self, stage: str, name: str) -> Iterator[None]:
        """Note the seconds, of the clock and of the processors, that a stage takes for a net; the first time counts."""
        began, used = time.perf_counter(), time.process_time()
        yield
        key = f"time/{stage}/{name}"
        if self.notes.get(key) is None:
            self.notes.add(key, [time.perf_counter() - began, time.process_time() - used])

    def check(self, classifier: Classifier, sigma: float | None = None) -> ModelCheck:
        """Find sigma, count, attack and audit at each image's own scale, or at one for all."""
        rows, subject = list(self.rows), self.subject
        stage = "check" if sigma is None else f"sigma-{sigma:g}"
        published = self.settings.preset == "ford2019" and sigma is None
        with self.timed(stage, classifier.name), Store(self.store_of(classifier, stage)) as store:
            x, y = subject.images[rows], subject.labels[rows]
            if published:
                store.begin(run_header(classifier, self.root, clip=False))
                return published_check(
                    classifier, x, y, rows, settings=self.settings, root=self.root, store=store,
                    progress=self.progress,
                )  # fmt: skip
            return check_model(
                classifier, x, y, settings=self.settings.check(sigma),
                others=self.attacks(classifier, fewest=sigma is not None), rng=self.root, image_ids=rows, store=store,
                n_pictures=N_PICTURES if sigma is None else 0, progress=self.progress,
            )  # fmt: skip

    def noise(self, classifier: Classifier) -> dict[str, dict[str, int]]:
        """Return the errors in noise of all images together, at each fixed scale."""
        subject, settings = self.subject, self.settings
        count = min(settings.n_noise_images, len(subject.images))
        with self.timed("noise", classifier.name), Store(self.store_of(classifier, "noise")) as store:
            counted = measure_error_rate(
                classifier, subject.images[:count], subject.labels[:count], sigma=[list(settings.sigmas)],
                n_samples=settings.n_noise_draws, rng=self.root, n_agreement=0, store=store, progress=self.progress,
            )  # fmt: skip
        found = {f"{sigma:g}": {"errors": 0, "trials": 0} for sigma in settings.sigmas}
        for one in counted:
            found[f"{one.sigma:g}"]["errors"] += one.errors
            found[f"{one.sigma:g}"]["trials"] += one.trials
        return found

    def corruptions(self, classifier: Classifier) -> CorruptionErrors:
        """Return the errors on corrupted images, the first ones of the subject."""
        subject, count = self.subject, min(self.settings.n_corrupted, len(self.subject.images))
        parameters: Any = subject.parameters
        with self.timed("corruptions", classifier.name), Store(self.store_of(classifier, "corruptions")) as store:
            return corruption_errors(
                classifier, subject.images[:count], subject.labels[:count], names=CORRUPTIONS, parameters=parameters,
                rng=self.root, store=store, progress=self.progress,
            )  # fmt: skip

    def windows(self, checked: Sequence[ModelCheck]) -> dict[str, NDArray[Any]]:
        """Return the church windows of all nets, under the names they have in ``windows.npz``."""
        arrays: dict[str, NDArray[Any]] = {}
        for classifier, model in zip(self.subject.classifiers, checked, strict=True):
            chosen = choose_image(checked, model)
            if chosen is None:
                continue
            place = int(chosen.image)
            with self.timed("windows", classifier.name), Store(self.store_of(classifier, "windows")) as store:
                store.begin(run_header(classifier, self.root, clip=False))
                window = model_window(
                    classifier, chosen, self.subject.images[place], int(self.subject.labels[place]),
                    attacks=self.attacks(classifier), grid=self.settings.grid, root=self.root, store=store,
                )  # fmt: skip
            if window is not None:
                arrays |= {f"{classifier.name}/{name}": values for name, values in window.items()}
        return arrays

    def times(self) -> dict[str, dict[str, float]]:
        """Return for each stage the seconds of the clock and of the processors, summed over nets."""
        found: dict[str, dict[str, float]] = {}
        for key in self.notes.names():
            if key.startswith("time/"):
                stage = found.setdefault(key.split("/")[1], {"seconds": 0.0, "processor_seconds": 0.0})
                wall, used = np.array(self.notes.get(key), float).tolist()
                stage["seconds"] += wall
                stage["processor_seconds"] += used
        return found
