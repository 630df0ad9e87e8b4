"""What a classifier is asked about, and which classifier it is: data that fit it, and the hash that names it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor


def channels_last_hint(shape: tuple[int, ...]) -> str:
    """Return what to do about a batch of images whose channels seem to be last, in brackets; empty if they do not.

    Examples
    --------
    >>> channels_last_hint((8, 32, 32, 3))
    ' (the channels seem to be last, but must be the second axis: images.permute(0, 3, 1, 2) moves them)'
    """
    if len(shape) != 4 or shape[3] not in (1, 3) or shape[1] in (1, 3):
        return ""
    return " (the channels seem to be last, but must be the second axis: images.permute(0, 3, 1, 2) moves them)"


def check_data(images: Tensor, labels: Tensor, bounds: tuple[float, float], *, by_class: bool) -> None:
    """Refuse images outside the box, and labels that are not one for each image, in one sentence."""
    if images.ndim and len(images) and labels.numel() == 1 and len(images) > 1 and images.ndim <= 3:
        raise ValueError(
            f"images has shape {tuple(images.shape)} but there is one label: one image must have the axis of a batch "
            "too, pass images[None] and labels of shape (1,)."
        )
    if images.ndim < 2 or len(images) == 0:
        raise ValueError(
            f"images has shape {tuple(images.shape)} but must be (n, channels, height, width), or (n, ...), with "
            "n >= 1."
        )
    if labels.shape[:1] != (len(images),) or (by_class and labels.ndim != 1):
        raise ValueError(f"labels has shape {tuple(labels.shape)} but must be ({len(images)},): one for each image.")
    low, high = bounds
    outside = ~((images >= low) & (images <= high)).flatten(1).all(1)
    if outside.any():
        first = int(outside.nonzero()[0])
        if images[first].isnan().any():
            raise ValueError(f"images[{first}] holds NaN but all values must be in the box [{low:g}, {high:g}].")
        raise ValueError(
            f"images[{first}] has values in [{float(images[first].min()):g}, {float(images[first].max()):g}] "
            f"but all must be in the box [{low:g}, {high:g}]: rescale the images (8-bit ones: divide by 255)."
        )


def digest(settings: Iterable[str], values: Iterable[tuple[str, object]]) -> str:
    """Return 16 hexadecimal digits that name settings and tensors; what is no tensor counts by its name alone."""
    found = hashlib.sha256()
    for text in settings:
        found.update(text.encode())
    for name, value in values:
        found.update(name.encode())
        if isinstance(value, Tensor):
            found.update(str((value.dtype, tuple(value.shape))).encode())
            flat = value.detach().cpu().reshape(-1).clone(memory_format=torch.contiguous_format)
            found.update(flat.view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]
