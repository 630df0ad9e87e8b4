"""The front function `corrupt`: checks, streams, pieces of a batch that fit a cache, 8 bits at the end."""

from __future__ import annotations

import difflib
import functools
import importlib
import operator
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import torch
from torch import Tensor

from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch.arguments import ImageId, as_ids
from isoperimetry_bridges.torch.corruptions.files import QUALITY, bytes_of, floats_of, through_jpeg, write
from isoperimetry_bridges.torch.corruptions.filters import truncated
from isoperimetry_bridges.torch.corruptions.frost import TEXTURE, photographs_folder
from isoperimetry_bridges.torch.corruptions.parameters import CORRUPTIONS, PARAMETERS, Parameters, ParameterSet
from isoperimetry_bridges.torch.corruptions.random import NoiseFor

Files = Literal["memory", "jpeg"]
Corruption = Callable[[Tensor, Parameters, NoiseFor], Tensor]

SEVERITIES = (1, 2, 3, 4, 5)

_MODULES = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
    "blur": ("defocus_blur", "glass_blur", "gaussian_blur"),
    "movement": ("motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "spatter"),
    "digital": ("brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression", "saturate"),
}
"""Where the functions are: a file for those that share methods."""

_OF_BYTES = ("pixelate", "jpeg_compression")
"""These take and return uint8, as the published ones begin by rounding to it; nothing in them is random."""

_VALUES = {"cpu": 1 << 18, "many": 1 << 20, "other": 1 << 26}
"""Values of images at work at once: they stay in a CPU's cache, and fit the memory of an accelerator."""

_MANY = ("motion_blur", *_MODULES["weather"])
"""Of many small steps, so that several images at once are faster on a CPU as well."""


def corrupt(
    images: Tensor,
    name: str,
    severity: int,
    *,
    parameters: ParameterSet = "imagenet-c",
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    files: Files = "memory",
    frost_folder: str | os.PathLike[str] | None = None,
) -> Tensor:
    """Return corrupted images, as the published functions make them, on the device of the images.

    The random numbers of an image are keyed by the seed, the corruption, the severity and the image's id: the same
    image is corrupted alike whatever else is in the batch, in any order and, up to the rounding of float32, on any
    device.

    Parameters
    ----------
    images : Tensor, shape (n, 3, h, w) or (n, 1, h, w)
        Floating point in [0, 1], or uint8. A grey image is corrupted as one with r = g = b; what would come out in
        colour (the drops of `spatter`, the frost) comes out as its grey, and `saturate` changes nothing.
    name : str
        One of `CORRUPTIONS`.
    severity : int
        From 1 to 5.
    parameters : {"imagenet-c", "cifar-c"}
        The authors' tables for images of 224 and of 32 pixels. Lengths in them are pixels, whatever the size of the
        images.
    rng : None, int, SeedSequence, Generator or Stream
        Seed.
    image_ids : sequence of n distinct int or str, optional
        Names of the images in the key, by default 0, 1, ...
    files : {"memory", "jpeg"}
        What the images are at the end: 8 bits, without the fraction, as the published functions return them and
        CIFAR-10-C holds them; or these as they come back from a JPEG file of quality 85, as ImageNet-C was published
        (needs Pillow).
    frost_folder : path, optional
        Folder of the published photographs of frost, or "texture" for that of this package; see `frost_source`. Only
        read for "frost".

    Returns
    -------
    Tensor, of the shape, type, device and memory format of ``images``
        Whole numbers from 0 to 255 as uint8, or divided by 255 as floating point: the same images.

    Raises
    ------
    ValueError
        If there is no such corruption, severity or table, the images are not what is said above, or a photograph of
        frost is missing.
    TypeError
        If the images are no tensor of floating-point numbers or uint8, or the folder is no path.

    Examples
    --------
    >>> photographs = torch.rand(4, 3, 64, 64)
    >>> foggy = corrupt(photographs, "fog", 3, rng=0)
    >>> alone = corrupt(photographs[2:3], "fog", 3, rng=0, image_ids=[2])
    >>> bool((foggy[2] == alone[0]).all())
    True
    """
    _check_images(images)
    values, function = parameters_of(name, severity, parameters), _function(name, frost_folder)
    check_files(files)
    stream, ids = as_stream(rng).split("corruption", name, int(severity)), as_ids(image_ids, len(images))
    of_bytes = name in _OF_BYTES
    streams = () if of_bytes else [stream.split(image_id) for image_id in ids]
    values_at_once = _VALUES["other" if images.device.type != "cpu" else "many" if name in _MANY else "cpu"]
    step = max(1, values_at_once // images[0].numel())
    with torch.no_grad():
        if of_bytes and images.dtype == torch.uint8:  # nothing to convert
            levels = function(images, values, NoiseFor((), images.device))
            return through_jpeg(levels, QUALITY, optimize=True) if files == "jpeg" else levels
        out = torch.empty_like(images)
        for part in (slice(start, start + step) for start in range(0, len(images), step)):
            x = bytes_of(images[part]) if of_bytes else floats_of(images[part])
            y = function(x, values, NoiseFor(streams[part], x.device))
            levels = y if of_bytes else truncated(y.clone() if y is x else y)
            if files == "jpeg":
                levels = through_jpeg(levels, QUALITY, optimize=True)
            write(levels, out[part])
    return out


def parameters_of(name: str, severity: int, parameters: str) -> Parameters:
    """Return the parameters of a corruption, or say in one sentence what does not exist."""
    if parameters not in PARAMETERS:
        raise ValueError(f"parameters={parameters!r} must be one of {', '.join(map(repr, PARAMETERS))}.")
    if name not in CORRUPTIONS:
        near = difflib.get_close_matches(str(name).lower().replace(" ", "_").replace("-", "_"), CORRUPTIONS, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(CORRUPTIONS)}."
        raise ValueError(f"name={name!r} is no corruption: {hint}")
    try:
        level = 0 if isinstance(severity, bool) else operator.index(severity)
    except TypeError:
        level = 0
    if level not in SEVERITIES:
        raise ValueError(f"severity={severity!r} must be 1, 2, 3, 4 or 5: it picks the parameters.")
    return PARAMETERS[parameters][name][level - 1]


def check_files(files: str) -> None:
    """Refuse what `corrupt` does not know."""
    if files not in ("memory", "jpeg"):
        raise ValueError(f"files={files!r} must be 'memory' or 'jpeg': what the images are at the end.")


def _function(name: str, frost_folder: str | os.PathLike[str] | None) -> Corruption:
    module = next(module for module, names in _MODULES.items() if name in names)
    # Imported when it is asked for, as most need what others do not.
    function = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    if name == "frost":
        function = functools.partial(function, folder=photographs_folder(frost_folder, "frost_folder") or TEXTURE)
    return cast(Corruption, function)


def _check_images(images: Any) -> None:
    if not isinstance(images, Tensor) or not (images.is_floating_point() or images.dtype == torch.uint8):
        kind = f"dtype {images.dtype}" if isinstance(images, Tensor) else f"type {type(images).__name__}"
        raise TypeError(f"images has {kind} but must be a tensor of floating-point numbers in [0, 1] or of uint8.")
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[1] not in (1, 3) or 0 in shape:
        raise ValueError(
            f"images has shape {shape} but must be (n, 3, h, w) or (n, 1, h, w), none of them 0: corruptions are of "
            "colour or grey images."
        )
    if images.dtype == torch.uint8:
        return
    low, high = (float(limit) for limit in images.detach().aminmax())
    if not (low >= 0 and high <= 1):  # NaN among them
        what = (
            "NaN or infinite values" if low != low or high - low == float("inf") else f"values from {low:g} to {high:g}"
        )
        raise ValueError(f"images has {what} but must be in [0, 1]: give 8-bit images as uint8.")
