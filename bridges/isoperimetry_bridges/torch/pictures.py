"""The first images of a check, noisy copies of them and the nearest errors found: kept as a file to be looked at."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import ImageId
from isoperimetry_bridges.torch.attacks import NearestErrors
from isoperimetry_bridges.torch.files import save_arrays
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images

if TYPE_CHECKING:
    from isoperimetry_bridges.torch.records import ModelCheck

N_NOISY = 3
_CHANNELS = (1, 3)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """An image of a check, and what was made of it; values are in the unit of the inputs.

    Attributes
    ----------
    image : int or str
        Its id.
    clean : array, shape (...)
    noisy : array, shape (m, ...)
        The first draws that were attacked; none where the image was not audited.
    error : array, shape (...), or None
        The nearest verified error that any of the attacks found from the image.
    """

    image: ImageId
    clean: NDArray[Any]
    noisy: NDArray[Any]
    error: NDArray[Any] | None


def make_picture(
    image: Tensor,
    image_id: ImageId,
    *,
    sigma: float | None = None,
    found: Iterable[NearestErrors] = (),
    root: Stream,
    box: tuple[float, float] | None = None,
) -> Picture:
    """Return the picture of one image.

    Parameters
    ----------
    image : Tensor, shape (...)
    image_id : int or str
    sigma : float, optional
        Scale of the noise; without it there are no noisy copies.
    found : iterable of NearestErrors
        What each attack found from the image itself, one row each.
    root : Stream
        The stream of the check.
    box : (float, float), optional
        Where noisy copies are clipped to, as in the check.
    """
    noisy = image[None][:0]
    if sigma is not None:
        stream = noise_stream(root, "start", image_id)
        noisy = noisy_images(image, sigma, stream=stream, first=0, count=N_NOISY, bounds=box)
    nearest = min(found, key=lambda one: float(one.distances[0]), default=None)
    error = None
    if nearest is not None and math.isfinite(nearest.distances[0]) and nearest.points.shape[1:] == image.shape:
        error = nearest.points[0].numpy().copy()
    return Picture(image=image_id, clean=image.numpy().copy(), noisy=noisy.numpy().copy(), error=error)


def why_not_drawn(checked: Sequence[ModelCheck]) -> str | None:
    """Return in a sentence why there are no pictures of a check; None where all can be drawn."""
    pictures = [picture for model in checked for picture in model.pictures]
    if not pictures:
        return "No pictures were asked for."
    for picture in pictures:
        shape = picture.clean.shape
        if len(shape) != 3 or shape[0] not in _CHANNELS:
            return (
                f"Inputs of shape {shape} cannot be drawn: only images of one or three channels can, (1 or 3, height, "
                "width)."
            )
    return None


def save_pictures(path: Path, checked: Sequence[ModelCheck]) -> None:
    """Write the pictures of all models to an NPZ file, whole or not at all.

    The arrays of model k and image id i (as JSON, so that 3 and "3" differ) are ``model{k}/{i}/image``, ``/noisy`` and
    ``/error``, 8 bits a value: the model's input box is mapped to 0 ... 255 and what is outside is cut off; and
    ``/difference``, float16: error - image in the unit of the inputs, nothing cut off.

    Parameters
    ----------
    path : Path
    checked : sequence of ModelCheck
        With pictures that can be drawn, see `why_not_drawn`.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for number, model in enumerate(checked):
        for picture in model.pictures:
            name = f"model{number}/{json.dumps(picture.image)}"
            arrays[f"{name}/image"] = _shown(picture.clean, model.bounds)
            if len(picture.noisy):
                arrays[f"{name}/noisy"] = _shown(picture.noisy, model.bounds)
            if picture.error is not None:
                difference = picture.error.astype(np.float64) - picture.clean
                limit = float(np.finfo(np.float16).max)
                arrays[f"{name}/error"] = _shown(picture.error, model.bounds)
                arrays[f"{name}/difference"] = difference.clip(-limit, limit).astype(np.float16)
    save_arrays(path, arrays)


def _shown(values: NDArray[Any], bounds: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = bounds
    scaled = 255 * ((values.astype(np.float64) - low) / (high - low))
    return scaled.round().clip(0, 255).astype(np.uint8)
