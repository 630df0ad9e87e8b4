"""The published attack as it was released: it returns where it ended, whether the model errs there or not.

Ford, Gilmer, Carlini, Cubuk (2019). Adversarial Examples Are a Natural Consequence of Test Error in Noise. ICML. The
attack that replaces it is `ProjectedGradient`; this one is for comparison, and none of its distances enters a verdict.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoperimetry.bounds import halfspace_distance
from isoperimetry.progress import Progress
from isoperimetry.special import ndtri
from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import ImageId
from isoperimetry_bridges.torch.attacks.base import norms
from isoperimetry_bridges.torch.attacks.gradients import Gradients
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.records import ImageCheck, ModelCheck
from isoperimetry_bridges.torch.reproduce.settings import ReproduceSettings
from isoperimetry_bridges.torch.sigma import SigmaStatus, find_sigma
from isoperimetry_bridges.torch.store import Store
from isoperimetry_bridges.torch.timing import Stopwatch

STEPS, NAME = 200, "PGD as published"
_QUANTILE = float(ndtri(0.99999))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PublishedErrors:
    """Where the published attack ended, for M starts.

    Attributes
    ----------
    points : Tensor, shape (M, ...)
        The first wrong iterate, or the last iterate where none was seen to be wrong.
    distances : array, shape (M,)
        How far that is from the start: what was returned for the distance to an error.
    found : array of bool, shape (M,)
        Whether an iterate was seen to be wrong.
    steps : array of int, shape (M,)
        Steps taken.
    last_wrong : array of bool, shape (M,)
        Not found, although the last iterate, which is never looked at, is wrong.
    travelled : array, shape (M,)
        The farthest that an iterate was from its start, in units of the radius that it may go.
    """

    points: Tensor
    distances: NDArray[np.float64]
    found: NDArray[np.bool_]
    steps: NDArray[np.int64]
    last_wrong: NDArray[np.bool_]
    travelled: NDArray[np.float64]


def published_attack(
    classifier: Classifier, starts: Tensor, label: int, sigma: float, *, adjusted: bool = False, stop: bool = True
) -> PublishedErrors:
    """Attack ``starts`` as published: no line search, the last step is not looked at, failures are returned as found.

    Where the gradient is zero no step is taken: the published code leaves open what it would do.

    Parameters
    ----------
    classifier : Classifier
    starts : Tensor, shape (M, ...)
    label : int
    sigma : float
        Of the noise: eps is twice its 99.999 % quantile, at least 1.
    adjusted : bool, default False
        The mode that divides the step eps / 150 by 1.5.
    stop : bool, default True
        False: go on after the first error, to see how far the steps lead.
    """
    slopes, size = Gradients(classifier, NAME), classifier.batch_size(starts[0].numel())
    eps = max(2 * _QUANTILE * sigma, 1.0)
    step = eps / (225.0 if adjusted else 150.0)
    parts = []
    for first in range(0, len(starts), size):
        center = starts[first : first + size].to(classifier.device)
        parts.append(_climb(slopes, center, torch.full((len(center),), label, device=center.device), eps, step, stop))
    points = torch.cat([part[0] for part in parts])
    found, steps, travelled = (torch.cat([part[k] for part in parts]).cpu().numpy() for k in (1, 2, 3))
    away = torch.linalg.vector_norm((points.double() - starts.to(points).double()).flatten(1), dim=1).cpu().numpy()
    last = classifier.wrong(points, label).numpy() & ~found
    return PublishedErrors(
        points=points.cpu(), distances=away, found=found, steps=steps, last_wrong=last, travelled=travelled / eps
    )


def _climb(
    slopes: Gradients, center: Tensor, labels: Tensor, eps: float, step: float, stop: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x, count = center.clone(), len(center)
    found = torch.zeros(count, dtype=torch.bool, device=x.device)
    steps = torch.zeros(count, dtype=torch.int64, device=x.device)
    farthest = torch.zeros(count, dtype=torch.float64, device=x.device)
    for _ in range(STEPS):
        going = (~found if stop else torch.ones_like(found)).nonzero().flatten()
        if not len(going):
            break
        slope = slopes(x[going], labels[going])
        found[going] |= slope.wrong
        moving = ~slope.wrong if stop else torch.ones_like(slope.wrong)
        going, gradient = going[moving], slope.gradient[moving]
        length = norms(gradient)
        delta = x[going] + step * torch.where(length > 0, gradient / length, 0.0) - center[going]
        delta = delta * (eps / norms(delta).clamp_min(eps))
        x[going], steps[going] = center[going] + delta, steps[going] + 1
        farthest[going] = torch.maximum(farthest[going], norms(delta).flatten().double())
    return x, found, steps, farthest


def correct_starts(
    classifier: Classifier, image: Tensor, label: int, sigma: float, *, stream: Stream, count: int
) -> Tensor:
    """Return the first ``count`` noisy copies that the model gets right, of at most 20 times as many draws."""
    kept: list[Tensor] = []
    for first in range(0, 20 * count, count):
        draws = noisy_images(image, sigma, stream=stream, first=first, count=count)
        kept.append(draws[~classifier.wrong(draws, label)])
        if sum(map(len, kept)) >= count:
            break
    return torch.cat(kept)[:count]


def published_check(
    classifier: Classifier,
    images: Tensor,
    labels: Tensor,
    ids: Sequence[ImageId],
    *,
    settings: ReproduceSettings,
    root: Stream,
    store: Store,
    progress: Progress,
) -> ModelCheck:
    """Return what the published pipeline would say of a model: numbers without intervals, and no verdict.

    The error rate is that of the last look of its search, which was at another scale than the one it returns.
    """
    clock, records = Stopwatch(), []
    with clock("search for sigma"):
        searches = find_sigma(
            classifier, images, labels, error_rate=settings.error_rate, n_samples=settings.n_search, rng=root,
            image_ids=ids, preset="ford2019", store=store, progress=progress,
        )  # fmt: skip
    with progress.start(f"{classifier.name}: {NAME}", len(images)), clock(NAME):
        for image, label, image_id, search in zip(images, labels.tolist(), ids, searches, strict=True):
            fields: dict[str, Any] = {"image": image_id, "label": label, "status": search.status.value}
            if search.status is not SigmaStatus.ALREADY_WRONG:
                fields |= _attacked(classifier, image, label, image_id, search.sigma, settings, root, store)
                fields |= {
                    "sigma": search.sigma, "errors": search.errors, "trials": search.trials,
                    "prediction": float(halfspace_distance(settings.error_rate, search.sigma)),
                    "attack_scale": search.sigma,
                }  # fmt: skip
            records.append(ImageCheck(search=search, **fields))
            progress.advance(1)
    return ModelCheck(
        name=classifier.name, fingerprint=classifier.fingerprint(), device=str(classifier.device),
        bounds=classifier.bounds, batch_size=classifier.batch_size(images[0].numel()), attack=NAME, others=(),
        attacks=(NAME,), images=tuple(records), family=None, joint_missed=(), seconds=clock.seconds,
    )  # fmt: skip


def _attacked(
    classifier: Classifier,
    image: Tensor,
    label: int,
    image_id: ImageId,
    sigma: float,
    settings: ReproduceSettings,
    root: Stream,
    store: Store,
) -> dict[str, Any]:
    name = f"published/{image_id!r}/{sigma.hex()}/{settings.n_starts}"
    if store.get(name) is None:
        stream = noise_stream(root, "start", image_id)
        starts = correct_starts(classifier, image, label, sigma, stream=stream, count=settings.n_starts)
        noisy = list(published_attack(classifier, starts, label, sigma).distances) if len(starts) else []
        clean = published_attack(classifier, image.unsqueeze(0), label, sigma).distances
        store.add(name, {"clean": float(clean[0]), "noisy": noisy})
    known: Any = store.get(name)
    return {
        "clean_distances": {NAME: float(known["clean"])},
        "noisy_distances": {NAME: tuple(float(one) for one in known["noisy"])} if known["noisy"] else {},
    }
