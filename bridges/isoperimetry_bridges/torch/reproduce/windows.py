"""Church windows: the plane through an image, its nearest error found, and a noisy copy that is an error."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import ImageId
from isoperimetry_bridges.torch.attacks import Attack, Best
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.records import ImageCheck, ModelCheck
from isoperimetry_bridges.torch.searching import Starts, search_all
from isoperimetry_bridges.torch.store import Store

REACH = 1.15
"""Half the side of a window, in units of the distance of the farthest of its points."""


def choose_image(models: Sequence[ModelCheck], model: ModelCheck) -> ImageCheck | None:
    """Return the image to draw for ``model``: the one that can be drawn for most models, the first among equals."""
    counts: dict[ImageId, int] = {}
    for one in models:
        for image in one.audited:
            if _can_be_drawn(image):
                counts[image.image] = counts.get(image.image, 0) + 1
    drawable = [image for image in model.audited if _can_be_drawn(image)]
    return max(drawable, key=lambda image: counts[image.image], default=None)


def _can_be_drawn(image: ImageCheck) -> bool:
    return image.errors > 0 and math.isfinite(min(image.clean_distances.values(), default=math.inf))


def noisy_error(
    classifier: Classifier, image: Tensor, label: int, sigma: float, *, stream: Stream, n_draws: int
) -> Tensor | None:
    """Return the first of ``n_draws`` noisy copies that is an error, None if there is none."""
    size = classifier.batch_size(image.numel())
    for first in range(0, n_draws, size):
        draws = noisy_images(image, sigma, stream=stream, first=first, count=size)
        wrong = classifier.wrong(draws, label).nonzero().flatten()
        if len(wrong):
            return draws[wrong[0]]
    return None


def church_window(
    classifier: Classifier, image: Tensor, label: int, error: Tensor, noisy: Tensor, *, grid: int
) -> dict[str, NDArray[Any]]:
    """Return what the model says on a plane: ``classes`` and ``wrong``, (grid, grid), with ``x``, ``y`` and ``points``.

    The first axis points from the image to the error, the second one at a right angle to it towards the noisy copy.
    Coordinates are in the unit of the inputs, from the image on. Row i of the arrays is at y[i].

    Raises
    ------
    ValueError
        If the three points lie on a line.
    """
    center = image.double().flatten()
    first, second = error.double().flatten() - center, noisy.double().flatten() - center
    length = first.norm()
    across = second - (second @ first) / length**2 * first
    height = across.norm()
    if not (length > 0 and height > 1e-6 * second.norm()):
        raise ValueError("image, error and noisy must not lie on a line: they span the plane of the window.")
    axis, normal = first / length, across / height
    points = np.array([[0.0, 0.0], [float(length), 0.0], [float(second @ axis), float(height)]])
    reach = REACH * float(np.linalg.norm(points, axis=1).max())
    ticks = np.linspace(-reach, reach, grid)
    along = torch.from_numpy(ticks)[:, None] * axis
    classes, wrong = np.empty((grid, grid), np.int16), np.empty((grid, grid), bool)
    for row, y in enumerate(ticks):
        x = (center + along + y * normal).to(image.dtype).view(grid, *image.shape)
        # A picture, from which nothing is counted: the batches need not be those of counts.
        classes[row] = classifier.predict(x, fill=False).numpy()
        by_class = classifier.criterion.by_class
        wrong[row] = classes[row] != label if by_class else classifier.wrong(x, label, fill=False).numpy()
    return {"classes": classes, "wrong": wrong, "x": ticks, "y": ticks.copy(), "points": points}


def model_window(
    classifier: Classifier,
    found: ImageCheck,
    image: Tensor,
    label: int,
    *,
    attacks: Sequence[Attack],
    grid: int,
    root: Stream,
    store: Store,
) -> dict[str, NDArray[Any]] | None:
    """Return the window of one model and image with its ``meta``, or None where the three points cannot be had."""
    key = f"window/{found.image!r}/{grid}"
    known: Any = store.get(key)
    if known is not None:
        return _unpacked(known)
    noisy = noisy_error(
        classifier, image, label, found.sigma, stream=noise_stream(root, "count", found.image), n_draws=found.trials
    )
    attack = Best(attacks)
    starts = Starts(
        image.unsqueeze(0), torch.tensor([label]), [found.image], [found.attack_scale],
        sigmas=None, n_starts=1, root=root, box=None,
    )  # fmt: skip
    (nearest,) = search_all(classifier, attack, starts, None, None)
    error = nearest.points[0]
    if noisy is None or not math.isfinite(nearest.distances[0]):
        return None
    window = church_window(classifier, image, label, error, noisy, grid=grid)
    meta = {
        "image": found.image, "sigma": found.sigma, "dim": image.numel(), "label": label,
        "error_rate": found.errors / found.trials, "prediction": found.prediction,
        "attack_distance": float(nearest.distances[0]), "attack": attack.name,
    }  # fmt: skip
    store.add(key, {name: values.tolist() for name, values in window.items()} | {"meta": meta})
    kept: Any = store.get(key)
    return _unpacked(kept)


def _unpacked(known: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    types = {"classes": np.int16, "wrong": bool, "x": float, "y": float, "points": float}
    arrays: dict[str, NDArray[Any]] = {name: np.array(known[name], kind) for name, kind in types.items()}
    return arrays | {"meta": np.array(json.dumps(known["meta"]))}
