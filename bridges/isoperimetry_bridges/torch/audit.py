"""The audit of an attack on a torch model: fresh counts, fresh noisy starts, the attack, the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from isoperimetry.bounds import median_distance_bound
from isoperimetry.checks import AttackAudit, audit_attack
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.streams import Stream, as_stream
from isoperimetry_bridges.torch.attacks import Attack, NearestErrors, named_attack
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.measure import ErrorCounter, as_count, as_ids, as_sigmas, as_tensors
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.parallel import each_image
from isoperimetry_bridges.torch.sigma import find_sigma


def attack_scale(errors: int, trials: int, sigma: float) -> float:
    """Return the length scale handed to attacks: the half-space distance of the measured rate, at least sigma.

    Laplace's rule keeps it finite where no error was counted. It tunes the attacks and enters no bound.
    """
    return max(float(median_distance_bound((errors + 1) / (trials + 2), sigma)), sigma)


def count_and_attack(
    count: ErrorCounter,
    attacks: Sequence[Attack],
    image: Tensor,
    label: int,
    image_id: int,
    *,
    sigma: float,
    root: Stream,
    n_samples: int,
    n_starts: int,
    clip: bool,
) -> tuple[int, dict[str, NearestErrors]]:
    """Count errors on the draws of purpose "count", and attack those of purpose "start", whatever the model says.

    Row 0 of what each attack found belongs to the image itself, rows 1 on to its noisy copies, all attacked in one
    call: an attack treats each row on its own.
    """
    classifier, clock = count.classifier, count.clock
    with clock("error rate"):
        stream = noise_stream(root, "count", image_id)
        errors = count(image, label, sigma, stream=stream, first=0, count=n_samples)
    box = classifier.bounds if clip else None
    stream = noise_stream(root, "start", image_id)
    copies = noisy_images(image, sigma, stream=stream, first=0, count=n_starts, bounds=box)
    starts, scale = torch.cat([image[None], copies]), attack_scale(errors, n_samples, sigma)
    found = {}
    for attack in attacks:
        with clock(attack.name):
            found[attack.name] = attack(classifier, starts, label, scale=scale, box=box)
    return errors, found


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
    attack: str | Attack = "pgd",
    scale: float | Sequence[float] | None = None,
    clip: bool = False,
    rng: Any = None,
    progress: ProgressLike = None,
) -> list[NearestErrors]:
    """Attack each image from where it is (no noise) and return verified errors.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
    images : Tensor or array, shape (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes.
    attack : {"pgd", "ddn"} or Attack
    scale : float or sequence of n floats, optional
        Distance at which an error is expected, > 0: it sizes the steps. Default: the half-space distance at the noise
        scale where about 1 % of 100 noisy copies are wrong, found by `find_sigma`; the width of the box where there is
        none.
    clip : bool, default False
        Confine the attack to the input box.
    rng : None, int, SeedSequence, Generator or Stream
        Seed of that search.
    progress : optional
        See `isoperimetry.progress`.

    Returns
    -------
    list of NearestErrors, one per image, each with one start
        Their distances are upper bounds of the distance to the nearest error; no error rate bounds that from above.
    """
    classifier, (x, y) = as_classifier(classifier), as_tensors(images, labels)
    classifier.check(x, y)
    chosen, bars = named_attack(attack), as_progress(progress)
    box = classifier.bounds if clip else None
    if scale is None:
        width = classifier.bounds[1] - classifier.bounds[0]
        searches = find_sigma(classifier, x, y, n_samples=100, rng=rng, clip=clip, progress=bars)
        sigmas = [search.sigma if 0 < search.sigma < np.inf else width for search in searches]
        lengths = tuple(attack_scale(1, 100, sigma) for sigma in sigmas)
    else:
        lengths = as_sigmas(scale, len(x), name="scale")

    def search(tools: tuple[Classifier, Attack], i: int) -> NearestErrors:
        worker, run = tools
        return run(worker, x[i : i + 1], int(y[i]), scale=lengths[i], box=box)

    with bars.start(f"{classifier.name}: {chosen.name}", len(x)) as stage:
        return each_image((classifier, chosen), search, len(x), stage, device=classifier.device)


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
    image_ids: Sequence[int] | None = None,
    clip: bool = False,
    progress: ProgressLike = None,
) -> list[AttackAudit]:
    """Ask, image by image, whether an attack provably misses errors.

    The error rate is counted on ``n_samples`` draws (purpose "count") and the attack is run from ``n_starts`` others
    (purpose "start"), all with the image's own label. The verdict is that of `isoperimetry.checks.audit_attack`.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
    images : Tensor or array, shape (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes.
    sigma : float or sequence of n floats
        Noise scale of each image, in the unit of the images, chosen without these draws: `find_sigma` uses others of
        the same ``rng``, `measure_error_rate` uses the very ones that are counted here.
    attack : {"pgd", "ddn"} or Attack
    n_samples, n_starts : int
        Draws for the error rate, and attacked starts, per image.
    confidence : float, default 0.999
        Of each verdict; for several images see `isoperimetry.checks.audit_many`.
    rng, image_ids, clip, progress
        As in `measure_error_rate`; with ``clip`` the starts are clipped too and the attack stays in the box.

    Returns
    -------
    list of AttackAudit, one per image
    """
    classifier, (x, y) = as_classifier(classifier), as_tensors(images, labels)
    classifier.check(x, y)
    ids, sigmas, root = as_ids(image_ids, len(x)), as_sigmas(sigma, len(x)), as_stream(rng)
    n_samples, n_starts = as_count("n_samples", n_samples), as_count("n_starts", n_starts)
    chosen = named_attack(attack)

    def judge(tools: tuple[Classifier, Attack], i: int) -> AttackAudit:
        worker, run = tools
        errors, found = count_and_attack(
            ErrorCounter(worker, clip=clip),
            [run],
            x[i],
            int(y[i]),
            ids[i],
            sigma=sigmas[i],
            root=root,
            n_samples=n_samples,
            n_starts=n_starts,
            clip=clip,
        )
        distances = found[run.name].distances[1:]
        return verdict(distances, errors=errors, trials=n_samples, sigma=sigmas[i], confidence=confidence)

    with as_progress(progress).start(f"{classifier.name}: audit of {chosen.name}", len(x)) as stage:
        return each_image((classifier, chosen), judge, len(x), stage, device=classifier.device)
