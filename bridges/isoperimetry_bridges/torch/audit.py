"""The audit of an attack on a torch model: fresh counts, fresh noisy starts, the attack, the verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from isoperimetry.bounds import median_distance_bound
from isoperimetry.checks import AttackAudit, audit_attack
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry_bridges.torch.arguments import (
    ImageId,
    as_count,
    as_ids,
    as_root,
    as_sigmas,
    as_tensors,
    check_stored_images,
    run_header,
)
from isoperimetry_bridges.torch.attacks import Attack, NearestErrors, ready_attack
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.measure import measure_error_rate
from isoperimetry_bridges.torch.searching import Starts, search_all
from isoperimetry_bridges.torch.sigma import find_sigma
from isoperimetry_bridges.torch.store import Store, as_store


def attack_scale(errors: int, trials: int, sigma: float) -> float:
    """Return the length scale handed to attacks: the half-space distance of the measured rate, at least sigma.

    Laplace's rule keeps it finite where no error was counted. It tunes the attacks and enters no bound.
    """
    return max(float(median_distance_bound((errors + 1) / (trials + 2), sigma)), sigma)


def verdict(
    distances: NDArray[np.float64], *, errors: int, trials: int, sigma: float, confidence: float
) -> AttackAudit:
    """Return the audit of distances from all draws of purpose "start", against counts of this bridge.

    Every start was attacked, wrong or not; errors were verified, and the model was asked twice for the same answer.
    """
    return audit_attack(
        distances,
        errors=errors,
        trials=trials,
        sigma=sigma,
        confidence=confidence,
        conditional=False,
        checked=("verified", "deterministic"),
    )


def nearest_error(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    attack: str | Attack = "tangent",
    scale: float | Sequence[float] | None = None,
    sigma: float | Sequence[float] | None = None,
    n_starts: int = 1,
    clip: bool = False,
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    keep_points: bool | None = None,
    progress: ProgressLike = None,
) -> list[NearestErrors]:
    """Attack each image from where it is, or from noisy copies, and return verified errors.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
    images : Tensor or array, shape (n, ...), as a rule (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes; or what the classifier's error criterion takes, shape (n, ...).
    attack : {"tangent", "ddn", "pgd", "boundary"} or Attack
        See `isoperimetry_bridges.torch.attacks`. "boundary" needs no gradient.
    scale : float or sequence of n floats, optional
        Distance at which an error is expected, > 0: it sizes steps. Default: the half-space distance at the noise scale
        where about 1 % of 100 noisy copies are wrong, found by `find_sigma`, or at ``sigma``; the width of the box
        where there is none.
    sigma : float or sequence of n floats, optional
        Attack ``n_starts`` noisy copies of each image at this scale, the draws of purpose "start", which `audit`
        attacks too. Default: the image itself.
    n_starts : int, default 1
        Noisy copies of each image; needs ``sigma``.
    clip : bool, default False
        Confine the attack to the input box, and clip noisy copies to it.
    rng : None, int, SeedSequence, Generator or Stream
        Seed of all noise; with ``store`` it must be given.
    image_ids : sequence of n distinct int or str, optional
        Names of the images, by default 0, 1, ...
    store : Store or path, optional
        Keep what is found in this folder, a batch of starts at a time, and begin with what it holds.
    keep_points : bool, optional
        Keep the errors themselves in the store, not their distances alone; what a store holds without them is searched
        again. Default: where the starts are the images themselves. Without it, as for noisy copies by default, the
        points of an image whose errors were read from the store have shape (M, 0).
    progress : optional
        See `isoperimetry.progress`; its unit is a batch of starts.

    Returns
    -------
    list of NearestErrors, one per image, each with one start or ``n_starts``
        Their distances are upper bounds of the distance to the nearest error; no error rate bounds that from above.

    Examples
    --------
    >>> import torch
    >>> half_space = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)).eval()
    >>> with torch.no_grad():
    ...     _ = half_space[1].weight.copy_(torch.tensor([[0.0] * 4, [1.0, 0.0, 0.0, 0.0]]))
    ...     _ = half_space[1].bias.copy_(torch.tensor([0.0, -0.75]))
    >>> (found,) = nearest_error(half_space, torch.zeros(1, 1, 2, 2), [0], scale=1.0)
    >>> found.distances.round(4)
    array([0.75])
    """
    classifier = as_classifier(classifier)
    x, y = as_tensors(images, labels, classifier)
    classifier.check(x, y)
    ids, n_starts = as_ids(image_ids, len(x)), as_count("n_starts", n_starts)
    chosen, bars, root = ready_attack(attack, classifier), as_progress(progress), as_root(rng, store)
    if sigma is None and n_starts != 1:
        raise ValueError(f"n_starts={n_starts} needs sigma=, the scale of the noise: without noise all starts are one.")
    sigmas = None if sigma is None else as_sigmas(sigma, len(x))
    with as_store(store) as opened:
        kept = None if store is None else opened
        if kept is not None:
            kept.begin(run_header(classifier, root, clip=bool(clip)))
            check_stored_images(kept, x, y, ids)
        if scale is not None:
            lengths = as_sigmas(scale, len(x), name="scale")
        elif sigmas is not None:
            lengths = tuple(attack_scale(1, 100, one) for one in sigmas)
        else:
            width = classifier.bounds[1] - classifier.bounds[0]
            searches = find_sigma(
                classifier, x, y, n_samples=100, rng=root, image_ids=ids, clip=clip, store=kept, progress=bars
            )
            found = [search.sigma if 0 < search.sigma < np.inf else width for search in searches]
            lengths = tuple(attack_scale(1, 100, one) for one in found)
        starts = Starts(
            x, y, ids, lengths, sigmas=sigmas, n_starts=n_starts, root=root, box=classifier.bounds if clip else None
        )
        with_points = sigmas is None if keep_points is None else bool(keep_points)
        return search_all(classifier, chosen, starts, kept, bars, keep_points=with_points)


def audit(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    sigma: float | Sequence[float],
    attack: str | Attack = "pgd",
    n_samples: int = 10_000,
    n_starts: int = 200,
    confidence: float = 0.999,
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    clip: bool = False,
    store: Store | str | os.PathLike[str] | None = None,
    progress: ProgressLike = None,
) -> list[AttackAudit]:
    """Ask, image by image, whether an attack provably misses errors.

    The error rate is counted on ``n_samples`` draws (purpose "count") and the attack is run from ``n_starts`` others
    (purpose "start"), all with the image's own label. The verdict is that of `isoperimetry.checks.audit_attack`.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
    images : Tensor or array, shape (n, ...), as a rule (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes; or what the classifier's error criterion takes, shape (n, ...).
    sigma : float or sequence of n floats
        Noise scale of each image, in the unit of the images, chosen without these draws: `find_sigma` uses others of
        the same ``rng``, `measure_error_rate` uses the very ones that are counted here.
    attack : {"pgd", "ddn", "tangent", "boundary"} or Attack
    n_samples, n_starts : int
        Draws for the error rate, and attacked starts, per image.
    confidence : float, default 0.999
        Of each verdict; for several images see `isoperimetry.checks.audit_many`.
    rng, image_ids, clip
        As in `measure_error_rate`; with ``clip`` the starts are clipped too and the attack stays in the box.
    store : Store or path, optional
        Keep counts and distances in this folder, a batch at a time, and begin with those that it holds.
    progress : optional
        See `isoperimetry.progress`.

    Returns
    -------
    list of AttackAudit, one per image
    """
    classifier = as_classifier(classifier)
    x, y = as_tensors(images, labels, classifier)
    classifier.check(x, y)
    ids, sigmas, root = as_ids(image_ids, len(x)), as_sigmas(sigma, len(x)), as_root(rng, store)
    n_samples, n_starts = as_count("n_samples", n_samples), as_count("n_starts", n_starts)
    verdict(np.zeros(1), errors=0, trials=1, sigma=1.0, confidence=confidence)  # refuses it before hours of work
    chosen, bars = ready_attack(attack, classifier), as_progress(progress)
    with as_store(store) as kept:
        counted = measure_error_rate(
            classifier, x, y, sigma=sigmas, n_samples=n_samples, rng=root, image_ids=ids, clip=clip, n_agreement=0,
            store=None if store is None else kept, progress=bars,
        )  # fmt: skip
        lengths = tuple(attack_scale(one.errors, n_samples, one.sigma) for one in counted)
        starts = Starts(
            x, y, ids, lengths, sigmas=sigmas, n_starts=n_starts, root=root, box=classifier.bounds if clip else None
        )
        found = search_all(classifier, chosen, starts, None if store is None else kept, bars)
    return [
        verdict(one.distances, errors=count.errors, trials=n_samples, sigma=count.sigma, confidence=confidence)
        for one, count in zip(found, counted, strict=True)
    ]
