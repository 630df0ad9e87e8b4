"""The check of a classifier: search sigma, count errors, attack, audit; one record per image and model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from isoperimetry.checks import audit_many
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.streams import add_noise
from isoperimetry_bridges.torch.arguments import (
    ImageId,
    as_ids,
    as_root,
    as_tensors,
    check_stored_images,
    run_header,
)
from isoperimetry_bridges.torch.attacks import Attack, ready_attack
from isoperimetry_bridges.torch.attacks.settings import refuse_no_integer
from isoperimetry_bridges.torch.audit import verdict
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.records import CheckSettings, ImageCheck, ModelCheck
from isoperimetry_bridges.torch.stages import Stages
from isoperimetry_bridges.torch.store import Store, as_store

# What backs the audited attack: of the searches that follow gradients, the one that finds the shortest distances here.
BACKING = ("tangent",)


def check_model(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    settings: CheckSettings | None = None,
    others: Sequence[str | Attack] | None = None,
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    n_pictures: int = 0,
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
    others : sequence of str or Attack, optional
        Further attacks, run from the same starts, that back the audited one's distances or show what it missed. By
        default "tangent", which follows gradients; none on a classifier without.
    rng : None, int, SeedSequence, Generator or Stream
        Seed of all noise; with ``store`` it must be given.
    image_ids : sequence of n distinct int or str, optional
        Names of the images in the noise's key, by default 0, 1, ...
    store : Store or path, optional
        Keep all that is measured in this folder as it comes, and begin with what it holds: a check that was killed goes
        on, with the same result. Other images may be checked with the same folder.
    n_pictures : int, default 0
        Make pictures of so many images, from the first on: noisy copies, and the nearest errors found.
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
    refuse_no_integer("n_pictures", n_pictures, least=0, why="it is a number of images")
    ids, root = as_ids(image_ids, len(x)), as_root(rng, store)
    fingerprint = classifier.fingerprint()  # before the model works: it may keep notes in its buffers
    attacks = _attacks(settings.attack, others, classifier)
    add_noise(np.zeros(1), 1.0, stream=root, out=np.empty((1, 1), np.float32))  # compiled before any clock runs
    with as_store(store) as kept:
        kept.begin(run_header(classifier, root, clip=settings.clip))
        check_stored_images(kept, x, y, ids)
        stages = Stages(
            classifier, x, y, ids,
            settings=settings, attacks=attacks, root=root, store=kept, progress=as_progress(progress),
            n_pictures=n_pictures,
        )  # fmt: skip
        checked = stages.run()
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
        seconds=stages.clock.seconds,
        pictures=stages.pictures,
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


def _attacks(audited: str, others: Sequence[str | Attack] | None, classifier: Classifier) -> list[Attack]:
    """Return the audited attack and then the others, each once."""
    if others is None:
        others = BACKING if classifier.differentiable else ()
    attacks = [ready_attack(audited, classifier)]
    for other in others:
        attack = ready_attack(other, classifier)
        if attack.name not in [one.name for one in attacks]:
            attacks.append(attack)
        elif attack not in attacks:
            raise ValueError(f"others has a second attack called {attack.name!r}: attacks are told apart by name.")
    return attacks
