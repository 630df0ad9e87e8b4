"""What users pass as images, labels, ids, scales and numbers of draws: read into one form, or refused."""

from __future__ import annotations

import hashlib
import json
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isoperimetry.streams import Stream, as_stream
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.store import Store

ImageId = int | str


def _as_tensor(values: Any) -> Tensor:
    # torch takes no array that runs backwards, and warns of one that cannot be written to: both are copied.
    if isinstance(values, np.ndarray) and not (values.flags.writeable and min(values.strides, default=0) >= 0):
        values = values.copy()
    return torch.as_tensor(values)


def as_count(name: str, value: Any, *, least: int = 1) -> int:
    """Return a number of draws, an integer >= ``least``."""
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r} must be an integer: it is a number of draws.") from None
    if count < least:
        raise ValueError(f"{name}={count} must be >= {least}: it is a number of draws.")
    return count


def as_tensors(images: Any, labels: Any, classifier: Classifier | None = None) -> tuple[Tensor, Tensor]:
    """Return images and labels on the CPU from tensors or arrays.

    Images become float32, or float64 where the classifier computes in that. Labels become int64 classes, unless the
    classifier has an error criterion of its own: then they stay what they are.

    Raises
    ------
    TypeError
        If images are not floating-point numbers, or labels of classes are not integers.
    """
    x, y = _as_tensor(images), _as_tensor(labels)
    if not x.is_floating_point():
        raise TypeError(f"images has dtype {x.dtype} but must be floating point: divide 8-bit images by 255.")
    x = x.detach().to("cpu", torch.float32 if classifier is None else classifier.input_dtype).contiguous()
    if classifier is not None and not classifier.criterion.by_class:
        return x, y.detach().cpu()
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise TypeError(f"labels has dtype {y.dtype} but must be integers: the index of each image's class.")
    return x, y.detach().to("cpu", torch.int64)


def as_ids(image_ids: Sequence[ImageId] | None, count: int) -> tuple[ImageId, ...]:
    """Return the ids that key the noise, by default 0, 1, ...; integers or strings, all distinct."""
    if image_ids is None:
        return tuple(range(count))
    ids = tuple(_as_id(index, value) for index, value in enumerate(image_ids))
    if len(ids) != count:
        raise ValueError(f"image_ids has {len(ids)} entries but there are {count} images: give one each.")
    seen: dict[ImageId, int] = {}
    for index, value in enumerate(ids):
        if value in seen:
            raise ValueError(
                f"image_ids[{index}]={value!r} is image_ids[{seen[value]}] again: ids must be distinct, as each keys "
                "the noise of its image."
            )
        seen[value] = index
    return ids


def _as_id(index: int, value: Any) -> ImageId:
    if isinstance(value, str):
        return str(value)
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"image_ids[{index}]={value!r} must be an integer or a string.") from None


def as_sigmas(sigma: Any, count: int, name: str = "sigma") -> tuple[float, ...]:
    """Return one finite length > 0 per image."""
    values = np.asarray(sigma, float)
    if values.shape not in ((), (count,)):
        raise ValueError(f"{name} has shape {values.shape} but must be one number or ({count},): one for each image.")
    _check_lengths(name, sigma, values)
    return tuple(float(s) for s in np.broadcast_to(values, (count,)))


def as_scales(sigma: Any, count: int) -> tuple[tuple[float, ...], ...]:
    """Return for each image its finite noise scales > 0: from one number, one an image, or (count, k) or (1, k)."""
    values = np.asarray(sigma, float)
    if values.ndim < 2:
        return tuple((s,) for s in as_sigmas(sigma, count))
    if values.ndim > 2 or values.shape[0] not in (1, count) or not values.shape[1]:
        raise ValueError(
            f"sigma has shape {values.shape} but must be one number, ({count},), or ({count}, k) or (1, k) for k "
            "scales at each image."
        )
    _check_lengths("sigma", sigma, values)
    for row, scales in enumerate(values):
        if len(np.unique(scales)) != len(scales):
            raise ValueError(f"sigma[{row}]={scales.tolist()} must not hold a scale twice: it would be counted twice.")
    return tuple(tuple(map(float, row)) for row in np.broadcast_to(values, (count, values.shape[1])))


def _check_lengths(name: str, given: Any, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"{name}={given!r} must be finite and > 0: it is a length in the unit of the images.")


def as_root(rng: Any, store: object) -> Stream:
    """Return the stream that ``rng=`` stands for; with a store, it must be one that can be named again."""
    if store is not None and rng is None:
        raise ValueError("rng=None is another seed each time: give an integer with store=, so that the run can go on.")
    return as_stream(rng)


def run_header(classifier: Classifier, root: Stream, *, clip: bool) -> dict[str, Any]:
    """Return what all counts of a run depend on, but for images: the header of a `Store`."""
    return {
        "model": classifier.fingerprint(),
        "seed": root.seed,
        "path": list(root.path),
        "clip": clip,
        "slack": classifier.slack,
    }


def check_stored_images(store: Store, images: Tensor, labels: Tensor, ids: Sequence[ImageId]) -> None:
    """Enter a digest of each image and label in a store that was begun.

    Raises
    ------
    ValueError
        If the store has another image or label under one of the ids.
    """
    for image, label, image_id in zip(images, labels, ids, strict=True):
        digest = hashlib.sha256(repr((image.dtype, tuple(image.shape), label.dtype, tuple(label.shape))).encode())
        for part in (image, label):
            digest.update(part.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
        name, value = f"image/{json.dumps(image_id)}", digest.hexdigest()[:16]
        if store.get(name) not in (None, value):
            raise ValueError(
                f"store={str(store.folder)!r} was written for another image or label with the id {image_id!r}: give "
                "this run a new folder, or the image another id."
            )
        store.add(name, value)
