"""The audit of an attack on a torch model: fresh counts, fresh noisy starts, the attack, the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from isoperimetry.bounds import median_distance_bound
from isoperimetry.checks import AttackAudit, audit_attack
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.streams import Stream, as_stream
from isoperimetry_bridges.torch.attacks import Attack, NearestErrors, named_attack
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.measure import ErrorCounter, as_count, as_ids, as_sigmas, as_tensors
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.parallel import each_image


def noisy_starts(
    classifier: Classifier, image: Tensor, sigma: float, *, root: Stream, image_id: int, n_starts: int, clip: bool
) -> Tensor:
    """Return the starts of an audit: draws 0, 1, ... of the purpose "start", whatever the model says about them."""
    stream = noise_stream(root, "start", image_id)
    bounds = classifier.bounds if clip else None
    return noisy_images(image, sigma, stream=stream, first=0, count=n_starts, bounds=bounds)


def attack_scale(errors: int, trials: int, sigma: float) -> float:
    """Return the length scale handed to attacks: the half-space distance of the measured rate, at least sigma.

    Laplace's rule keeps it finite where no error was counted. It tunes the attacks and enters no bound.
    """
    return max(float(median_distance_bound((errors + 1) / (trials + 2), sigma)), sigma)


def nearest_error(
    classifier: Classifier,
    images: Any,
    labels: Any,
    *,
    attack: str | Attack = "pgd",
    scale: float | Sequence[float],
    clip: bool = False,
) -> list[NearestErrors]:
    """Attack each image from where it is (no noise) and return verified errors.

    Parameters
    ----------
    classifier : Classifier
    images : Tensor or array, shape (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes.
    attack : {"pgd", "ddn"} or Attack
    scale : float or sequence of n floats
        Distance at which an error is expected, for instance `isoperimetry.halfspace_distance`; > 0.
    clip : bool, default False
        Confine the attack to the input box.

    Returns
    -------
    list of NearestErrors, one per image, each with one start
    """
    x, y = as_tensors(images, labels)
    classifier.check(x, y)
    run = named_attack(attack)
    box = classifier.bounds if clip else None
    return [
        run(classifier, x[i : i + 1], int(y[i]), scale=length, box=box)
        for i, length in enumerate(as_sigmas(scale, len(x), name="scale"))
    ]


def audit(
    classifier: Classifier,
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
    classifier : Classifier
    images : Tensor or array, shape (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes.
    sigma : float or sequence of n floats
        Noise scale of each image, chosen without these draws, in the unit of the images.
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
    x, y = as_tensors(images, labels)
    classifier.check(x, y)
    ids, sigmas, root = as_ids(image_ids, len(x)), as_sigmas(sigma, len(x)), as_stream(rng)
    n_samples, n_starts = as_count("n_samples", n_samples), as_count("n_starts", n_starts)
    chosen = named_attack(attack)
    box = classifier.bounds if clip else None

    def judge(tools: tuple[Classifier, Attack], i: int) -> AttackAudit:
        worker, run = tools
        count = ErrorCounter(worker, clip=clip)
        stream = noise_stream(root, "count", ids[i])
        errors = count(x[i], int(y[i]), sigmas[i], stream=stream, first=0, count=n_samples)
        starts = noisy_starts(worker, x[i], sigmas[i], root=root, image_id=ids[i], n_starts=n_starts, clip=clip)
        found = run(worker, starts, int(y[i]), scale=attack_scale(errors, n_samples, sigmas[i]), box=box)
        return audit_attack(found.distances, errors=errors, trials=n_samples, sigma=sigmas[i], confidence=confidence)

    with as_progress(progress).start(f"{classifier.name}: audit of {chosen.name}", len(x)) as stage:
        return each_image((classifier, chosen), judge, len(x), stage, device=classifier.device)
