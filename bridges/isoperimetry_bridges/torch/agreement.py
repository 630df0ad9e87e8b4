"""How often a classifier in reduced precision, or compiled, decides otherwise than in plain float32."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from isoperimetry.intervals import clopper_pearson
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.results import Interval, Record
from isoperimetry.streams import Stream, as_stream
from isoperimetry_bridges.torch.arguments import ImageId, as_count, as_ids, as_scales, as_tensors
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.judging import ROWS_AT_ONCE, Judge
from isoperimetry_bridges.torch.noise import Run, noise_stream


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Record):
    """Decisions of a classifier and of its plain float32 version on the same noisy images.

    Attributes
    ----------
    image : int or str
        The image's id.
    sigma : float
        Scale of the noise.
    trials, disagreements : int
        Draws, and those which one of the two calls an error and the other does not.
    outside_slack : int
        Disagreements at draws that the classifier did not call a tie: more than a few say that its ``slack`` is too
        small for its arithmetic.
    errors, reference_errors : int
        Of the classifier, and of its float32 version.
    rate : Interval
        Of disagreement, by Clopper and Pearson.
    """

    image: ImageId
    sigma: float
    trials: int
    disagreements: int
    outside_slack: int
    errors: int
    reference_errors: int
    rate: Interval

    def __str__(self) -> str:
        return (
            f"image {self.image}, sigma={self.sigma:.4g}: {self.disagreements} of {self.trials} decisions differ from "
            f"float32, rate in {self.rate}"
        )


def agreement(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    sigma: float | Sequence[float] | Sequence[Sequence[float]],
    n_samples: int = 1000,
    confidence: float = 0.95,
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    clip: bool = False,
    progress: ProgressLike = None,
) -> list[Agreement]:
    """Compare a classifier's decisions with those of `Classifier.reference`, draw by draw.

    A classifier in mixed or half precision, or compiled, is another one than in plain float32. Its error rate and its
    bounds are its own; this says how far they speak about the float32 model. The reference has the same weights: those
    of a half-precision module are not made more precise.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
    images : Tensor or array, shape (n, ...)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes, or what the classifier's error criterion takes.
    sigma : float or array, shape (n,), (n, k) or (1, k)
        As in `measure_error_rate`.
    n_samples : int, default 1000
        Draws per image and scale, of the purpose "agreement": none of them is counted anywhere else.
    confidence : float, default 0.95
        Of each interval.
    rng, image_ids, clip, progress
        As in `measure_error_rate`.

    Returns
    -------
    list of Agreement, image by image, scale by scale

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)).eval()
    >>> mixed = Classifier(net, autocast=torch.bfloat16)
    >>> label = mixed.predict(torch.zeros(1, 1, 2, 2))
    >>> (found,) = agreement(mixed, torch.zeros(1, 1, 2, 2), label, sigma=1.0, n_samples=500, rng=0)
    >>> found.disagreements < 25
    True
    """
    classifier = as_classifier(classifier)
    x, y = as_tensors(images, labels, classifier)
    classifier.check(x, y)
    ids, scales, n_samples = as_ids(image_ids, len(x)), as_scales(sigma, len(x)), as_count("n_samples", n_samples)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence!r} must be in (0, 1): write 0.95 for 95 per cent.")
    cells = [(i, ids[i], scale) for i in range(len(x)) for scale in scales[i]]
    with as_progress(progress).start(f"{classifier.name}: agreement with float32", len(cells)) as stage:
        found = []
        for cell, counts in zip(
            cells, compare(classifier, x, y, cells, root=as_stream(rng), n_samples=n_samples, clip=clip), strict=True
        ):
            found.append(as_agreement(*cell[1:], n_samples, counts, confidence))
            stage.advance(1)
    return found


def as_agreement(image_id: ImageId, sigma: float, trials: int, counts: Sequence[int], confidence: float) -> Agreement:
    """Return the record of what `compare` counted."""
    disagreements, outside_slack, errors, reference_errors = counts
    return Agreement(
        image=image_id,
        sigma=sigma,
        trials=trials,
        disagreements=disagreements,
        outside_slack=outside_slack,
        errors=errors,
        reference_errors=reference_errors,
        rate=clopper_pearson(disagreements, trials, confidence=confidence),
    )


def compare(
    classifier: Classifier,
    images: Tensor,
    labels: Tensor,
    cells: Sequence[tuple[int, ImageId, float]],
    *,
    root: Stream,
    n_samples: int,
    clip: bool,
) -> Iterator[tuple[int, int, int, int]]:
    """Yield for each of ``cells``, (index of the image, its id, sigma), four counts of draws.

    Disagreements, those that the classifier did not call ties, its errors, and those of its float32 version. The
    arguments were checked by the caller.
    """
    reference = classifier.reference()
    with Judge(classifier, images, labels, clip=clip) as ours, Judge(reference, images, labels, clip=clip) as plain:
        for index, image_id, sigma in cells:
            stream = noise_stream(root, "agreement", image_id)
            counts = np.zeros(4, np.int64)
            for first in range(0, n_samples, ROWS_AT_ONCE):
                runs = [Run(index, sigma, stream, first, min(ROWS_AT_ONCE, n_samples - first))]
                one, other = ours.judge(runs), plain.judge(runs)
                apart = one.wrong != other.wrong
                counts += [np.count_nonzero(row) for row in (apart, apart & ~one.near, one.wrong, other.wrong)]
            differ, outside, errors, reference_errors = map(int, counts)
            yield differ, outside, errors, reference_errors
