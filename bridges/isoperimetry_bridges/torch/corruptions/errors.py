"""How often a classifier is wrong on corrupted images, and the means and ratios by which the benchmark reports it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry_bridges.torch.arguments import ImageId, as_ids, as_root, as_tensors, check_stored_images
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.corruptions.corrupting import SEVERITIES, Files, check_files, corrupt, parameters_of
from isoperimetry_bridges.torch.corruptions.frost import TEXTURE, frost_source, photographs_folder
from isoperimetry_bridges.torch.corruptions.parameters import STANDARD, ParameterSet
from isoperimetry_bridges.torch.corruptions.rates import CorruptionErrors
from isoperimetry_bridges.torch.store import Store, as_store

_CLEAN = "clean"
_BLOCK = 512
"""Images whose errors are one entry of a store, about: what is lost when a run is killed."""


def corruption_errors(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    names: Sequence[str] = STANDARD,
    severities: Sequence[int] = SEVERITIES,
    parameters: ParameterSet = "imagenet-c",
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    files: Files = "memory",
    frost_folder: str | os.PathLike[str] | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    progress: ProgressLike = None,
) -> CorruptionErrors:
    """Count the errors of a classifier on corrupted images, and on the images as they are.

    Each image is corrupted once for each corruption and severity, on the classifier's device, as `corrupt` does with
    the same ``rng`` and ``image_ids``. Nothing is kept on disk but counts.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1]. Another box is taken as black and white.
    images : Tensor or array, shape (n, 3, h, w) or (n, 1, h, w)
        Floating point, in the classifier's box; or uint8, whose 0 and 255 are the ends of the box.
    labels : Tensor or array, shape (n,)
        Integer classes; or what the classifier's error criterion takes, shape (n, ...).
    names : sequence of str
        Of `CORRUPTIONS`; default: the 15 standard ones.
    severities : sequence of int
        Default: 1 to 5.
    parameters, files, frost_folder
        See `corrupt`; recorded, of the folder what its pictures are.
    rng : None, int, SeedSequence, Generator or Stream
        Seed; an integer is needed with ``store``.
    image_ids : sequence of n distinct int or str, optional
        Names of the images in the key, by default 0, 1, ...
    store : Store or path, optional
        Keep counts in this folder, and begin with those that it holds.
    progress : optional
        See `isoperimetry.progress`; its unit is a judged image.

    Returns
    -------
    CorruptionErrors

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, or the store is of another run.
    ModelError
        If the model cannot be judged.

    Examples
    --------
    >>> import torch
    >>> dark = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)).eval()
    >>> with torch.no_grad():
    ...     _ = dark[1].weight.copy_(torch.tensor([[-1.0], [1.0]]) / 192), dark[1].bias.copy_(torch.tensor([0.4, -0.4]))
    >>> images = 0.3 + 0.1 * torch.rand(20, 3, 8, 8)
    >>> found = corruption_errors(dark, images, torch.zeros(20, dtype=torch.int64), names=["brightness"], rng=0)
    >>> found.clean, found.errors
    (0, {'brightness': (20, 20, 20, 20, 20)})
    """
    classifier = as_classifier(classifier)
    x, y = as_tensors(_to_floats(images, classifier), labels, classifier)
    classifier.check(x, y)
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(
            f"images has shape {tuple(x.shape)} but must be (n, 3, h, w) or (n, 1, h, w): corruptions are of colour or "
            "grey images."
        )
    wanted, levels = _distinct("names", names), _distinct("severities", severities)
    for name in wanted:
        for severity in levels:
            parameters_of(name, severity, parameters)
    check_files(files)
    folder = (photographs_folder(frost_folder, "frost_folder") or TEXTURE) if "frost" in wanted else None
    ids, root = as_ids(image_ids, len(x)), as_root(rng, store)
    cells = [(_CLEAN, 0), *((name, int(severity)) for name in wanted for severity in levels)]
    header: dict[str, Any] = {
        "model": classifier.fingerprint(),
        "seed": root.seed,
        "path": list(root.path),
        "parameters": parameters,
        "files": files,
    }
    about = {**header, "device": str(classifier.device)}
    size = classifier.batch_size(x[0].numel())
    step = size * max(1, _BLOCK // size)
    counts = dict.fromkeys(cells, 0)
    with (
        as_store(store) as kept,
        as_progress(progress).start(f"{classifier.name}: corruptions", len(cells) * len(x)) as stage,
    ):
        kept.begin(header)
        if store is not None:
            check_stored_images(kept, x, y, ids)
        if "frost" in wanted:
            about["frost"] = frost_source(folder)
            kept.add("frost", about["frost"])  # refused if the store was made with other pictures
        for name, severity in cells:
            for start in range(0, len(x), step):
                block = slice(start, start + step)
                key = f"errors/{name}/{severity}/{_digest(ids[block])}"
                if kept.get(key) is None:
                    images = _to_unit(x[block].to(classifier.device), classifier.bounds)
                    if name != _CLEAN:
                        images = corrupt(
                            images,
                            name,
                            severity,
                            parameters=parameters,
                            rng=root,
                            image_ids=ids[block],
                            files=files,
                            frost_folder=folder,
                        )
                    wrong = classifier.wrong(_to_box(images, classifier.bounds), y[block])
                    kept.add(key, int(wrong.sum()))
                counts[name, severity] += kept.get(key) or 0
                stage.advance(len(ids[block]))
    return CorruptionErrors(
        name=classifier.name,
        parameters=parameters,
        files=files,
        severities=tuple(map(int, levels)),
        trials=len(x),
        clean=counts[_CLEAN, 0],
        errors={name: tuple(counts[name, int(severity)] for severity in levels) for name in wanted},
        seed=root.seed,
        provenance={**about, "batch_size": size},
    )


def _distinct(name: str, values: Sequence[Any]) -> tuple[Any, ...]:
    found = () if isinstance(values, str) else tuple(values)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"{name}={values!r} must be a sequence of distinct values, at least one.")
    return found


def _digest(ids: Sequence[ImageId]) -> str:
    """Return a name of a block of images."""
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:16]


def _to_floats(images: Any, classifier: Classifier) -> Any:
    """Return images of 8 bits as the classifier takes them, others as they are."""
    if getattr(images, "dtype", None) not in (torch.uint8, np.uint8):
        return images
    levels = torch.from_numpy(images.copy()) if isinstance(images, np.ndarray) else images
    return _to_box(levels.to(classifier.input_dtype).div_(255), classifier.bounds)


def _to_unit(x: Tensor, bounds: tuple[float, float]) -> Tensor:
    low, high = bounds
    return x if bounds == (0.0, 1.0) else (x - low).div_(high - low).clamp_(0.0, 1.0)


def _to_box(x: Tensor, bounds: tuple[float, float]) -> Tensor:
    low, high = bounds
    return x if bounds == (0.0, 1.0) else (x * (high - low)).add_(low).clamp_(low, high)
