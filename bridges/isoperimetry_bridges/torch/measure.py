"""Error rates in Gaussian noise: how often the model is wrong on image + sigma * z."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from isoperimetry.checks import Measurement
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry_bridges.torch.agreement import Agreement, as_agreement, compare
from isoperimetry_bridges.torch.arguments import (
    ImageId,
    as_count,
    as_ids,
    as_root,
    as_scales,
    as_tensors,
    check_stored_images,
    run_header,
)
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.counting import Cell, Counts, OnMargins
from isoperimetry_bridges.torch.judging import Judge
from isoperimetry_bridges.torch.noise import noise_stream
from isoperimetry_bridges.torch.stopping import StoppingRule
from isoperimetry_bridges.torch.store import Store, as_store


def measure_error_rate(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    sigma: float | Sequence[float] | Sequence[Sequence[float]],
    n_samples: int = 10_000,
    rel_error: float | None = None,
    threshold: float | None = None,
    confidence: float = 0.95,
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    clip: bool = False,
    n_agreement: int = 200,
    margins: OnMargins | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    progress: ProgressLike = None,
) -> list[Measurement]:
    """Count the errors of a classifier in Gaussian noise around each image, at one or several scales.

    Batches mix images and scales. The counts do not depend on the batch size, the number of threads or where a run was
    interrupted and resumed, but for draws so close to the decision that another rounding might decide otherwise: these
    are counted as ties.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
    images : Tensor or array, shape (n, ...), as a rule (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes, kept for every noisy image; or what the classifier's error criterion takes, shape (n, ...).
    sigma : float or array, shape (n,), (n, k) or (1, k)
        Standard deviation of the noise, in the unit of the images: one for all, one for each image, or k at each image.
        The scales of an image share its draws, scaled: their counts are not independent.
    n_samples : int, default 10,000
        Draws per image and scale. Without a rule to stop the number is fixed in advance, and Clopper-Pearson intervals
        are valid; with one it is the budget.
    rel_error : float, optional
        Stop at an image and scale when the interval of its half-space distance has a half-width of at most this
        fraction of the distance. It is valid at all looks at once (`isoperimetry.intervals.beta_binomial`). While there
        is no error, and near a rate of 1/2, where the distance is 0, no relative precision is reached: there the budget
        ends the count.
    threshold : float, optional
        Stop when the interval of the error rate lies on one side of this. With both rules the first one to hold stops.
    confidence : float, default 0.95
        Of the intervals that decide when to stop, and of that of the agreement.
    rng : None, int, SeedSequence, Generator or Stream
        Seed of the noise; each draw is keyed by it, the purpose "count", the image's id and the draw's index. `audit`
        counts on the same draws: with the same ``rng``, do not choose its sigma by what comes out here.
    image_ids : sequence of n distinct int or str, optional
        Names of the images in the key, by default 0, 1, ...
    clip : bool, default False
        Clip the noisy images to the box; recorded.
    n_agreement : int, default 200
        Draws per image and scale on which a classifier that does not run in plain float32 is compared with its float32
        version; 0 for none. See `agreement`.
    margins : callable, optional
        ``margins(image_id, sigma, first, values)`` gets the margins of all counted draws from ``first`` on, float32, in
        the order of an image's draws. Draws that are read from a store are not judged again, and have none.
    store : Store or path, optional
        Keep counts in this folder every few seconds, and begin with those that it holds.
    progress : optional
        See `isoperimetry.progress`; its unit is a draw.

    Returns
    -------
    list of Measurement, image by image, scale by scale
        With ``errors``, ``trials`` and ``sigma``; ``sampling`` is "sequential" where there was a rule to stop.
        ``provenance`` has the ``ties``; whether the image is ``wrong_without_noise``, which for most images says that
        labels or normalisation do not fit; all that the counts depend on; the ``looks`` of a sequential count, pairs
        (draws, errors); and the ``agreement`` with float32.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, or the store is of another run.
    ModelError
        If the model cannot be judged, an answer is NaN or infinite, or memory does not suffice for one image.

    Examples
    --------
    >>> import torch
    >>> half_space = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False)).eval()
    >>> _ = half_space[1].weight.data.copy_(torch.tensor([[0.0] * 4, [1.0, 0.0, 0.0, 0.0]]))
    >>> measured = measure_error_rate(
    ...     Classifier(half_space), torch.zeros(1, 1, 2, 2), torch.tensor([0]), sigma=1.0, n_samples=1000, rng=0
    ... )
    >>> 440 < measured[0].errors < 560
    True
    """
    classifier = as_classifier(classifier)
    x, y = as_tensors(images, labels, classifier)
    classifier.check(x, y)
    ids, scales = as_ids(image_ids, len(x)), as_scales(sigma, len(x))
    n_samples, n_agreement = as_count("n_samples", n_samples), as_count("n_agreement", n_agreement, least=0)
    rule = StoppingRule(rel_error=rel_error, threshold=threshold, confidence=confidence)
    if margins is not None and not callable(margins):
        raise TypeError(f"margins={margins!r} must be a function of (image_id, sigma, first, values).")
    root = as_root(rng, store)
    header = run_header(classifier, root, clip=bool(clip))  # before the model works: it may keep notes in its buffers
    wrong = classifier.wrong(x, y, fill=classifier.compiled).tolist()
    if n_agreement and not classifier.exact_arithmetic:  # what cannot be compared is told before hours of counting
        classifier.reference().wrong(x[:1], y[:1], fill=False)
    cells = [
        Cell(index=i, image_id=ids[i], sigma=scale, stream=noise_stream(root, "count", ids[i]))
        for i in range(len(x))
        for scale in scales[i]
    ]
    with as_store(store) as kept, Judge(classifier, x, y, clip=clip) as judge:
        kept.begin(header)
        if store is not None:
            check_stored_images(kept, x, y, ids)
        counts = Counts(cells, rule, n_samples, None if store is None else kept, margins)
        with as_progress(progress).start(f"{classifier.name}: error rates", n_samples * len(cells)) as stage:
            stage.advance(counts.n_done)
            counts.run(judge, stage)
        about = header | _arithmetic(classifier) | {"batch_size": judge.batch_size}
        agreed: list[Agreement] = []
        if n_agreement and not classifier.exact_arithmetic:
            options: dict[str, Any] = {"root": root, "n_samples": n_agreement, "clip": bool(clip)}
            agreed = _agreement(classifier, x, y, cells, kept, confidence=confidence, **options)
    found = []
    for number, cell in enumerate(cells):
        provenance = {**about, "image": cell.image_id, "ties": cell.ties, "wrong_without_noise": wrong[cell.index]}
        if rule.sequential:
            provenance["looks"] = cell.looks
        if agreed:
            provenance["agreement"] = agreed[number].to_dict()
        found.append(
            Measurement(
                errors=cell.errors,
                trials=cell.draws,
                sigma=cell.sigma,
                sampling="sequential" if rule.sequential else "fixed",
                dim=x[cell.index].numel(),
                clipping=clip,
                provenance=provenance,
            )
        )
    return found


def _arithmetic(classifier: Classifier) -> dict[str, Any]:
    """Return what rounding depends on, JSON-safe."""
    return {
        "device": str(classifier.device),
        "dtype": str(classifier.dtype).removeprefix("torch."),
        "autocast": None if classifier.autocast is None else str(classifier.autocast).removeprefix("torch."),
        "channels_last": classifier.channels_last,
        "compiled": classifier.compiled,
    }


def _agreement(
    classifier: Classifier,
    images: Tensor,
    labels: Tensor,
    cells: Sequence[Cell],
    store: Store,
    *,
    n_samples: int,
    confidence: float,
    **options: Any,
) -> list[Agreement]:
    """Compare with float32 at each cell, but for what the store has."""
    names = [f"agreement/{json.dumps(cell.image_id)}/{cell.sigma.hex()}/{n_samples}" for cell in cells]
    missing = [number for number, name in enumerate(names) if store.get(name) is None]
    places = [(cells[number].index, cells[number].image_id, cells[number].sigma) for number in missing]
    for number, counts in zip(
        missing, compare(classifier, images, labels, places, n_samples=n_samples, **options), strict=True
    ):
        store.add(names[number], counts)
    return [
        as_agreement(cell.image_id, cell.sigma, n_samples, store.get(name) or (), confidence)
        for cell, name in zip(cells, names, strict=True)
    ]
