"""Pictures of frost: the published photographs where they are at hand, else a texture that is made here.

The photographs of ImageNet-C and CIFAR-10-C come without a word on who took them or under which licence, so that they
are not part of this package. The package imagecorruptions has them; where it is installed they are read from it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.corruptions.filters import gaussian_filter, luma
from isoperimetry_bridges.torch.corruptions.random import NoiseFor

Floats = NDArray[np.float64]

PHOTOGRAPHS = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
"""Names of the published photographs: numbers 2 and 3 are the same picture, and a sixth is never drawn."""

TEXTURE = "texture"
"""As a folder: the texture, even where there are photographs."""

_VERSION = 1
"""Of the texture; to be raised with any change of it."""

_HEIGHT, _WIDTH = 600, 900

_LOOKS = ((0.52, 0.08, 600), (0.80, 0.08, 1000), (0.72, 0.08, 900), (0.62, 0.11, 600), (0.45, 0.14, 450))
"""Of each texture: mean and standard deviation of its grey, and the number of ferns."""

_TINT = (0.90, 1.0, 1.08)


def frost_source(folder: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Return which pictures of frost are used, for a record: error rates under frost depend on them.

    Parameters
    ----------
    folder : path, optional
        Folder with the files `PHOTOGRAPHS`, or "texture" for the texture of this package. By default the photographs of
        the package imagecorruptions if it is installed, else the texture.

    Returns
    -------
    dict
        ``{"pictures": "photographs", "sha256": ...}``, of the contents of all five files, or
        ``{"pictures": "texture", "version": 1}``; JSON-safe.

    Raises
    ------
    ValueError
        If a file is missing in the folder.

    Examples
    --------
    >>> frost_source("texture")
    {'pictures': 'texture', 'version': 1}
    """
    found = photographs_folder(folder)
    if found is None:
        return {"pictures": "texture", "version": _VERSION}
    digest = hashlib.sha256()
    for name in PHOTOGRAPHS:
        digest.update((found / name).read_bytes())
    return {"pictures": "photographs", "sha256": digest.hexdigest()}


def frost_pictures(
    folder: str | os.PathLike[str] | None, step: int, size: tuple[int, int], n_channels: int, device: torch.device
) -> tuple[Tensor, ...]:
    """Return the five pictures, each larger than images of a size, float32 in [0, 1], shapes (c, H, W).

    Parameters
    ----------
    folder : path, optional
        See `frost_source`.
    step : int
        Only every ``step``-th pixel is taken.
    size : (int, int)
        Height and width of the images. Smaller pictures are enlarged, to a tenth more than they need.
    n_channels : int
        1 or 3.
    device : torch.device
    """
    return _fitted(photographs_folder(folder), step, size, n_channels, str(device))


def photographs_folder(folder: str | os.PathLike[str] | None, name: str = "folder") -> Path | None:
    """Return the folder of the photographs, None for the texture; ``name`` is that of the argument."""
    if folder == TEXTURE:
        return None
    if folder is None:
        spec = importlib.util.find_spec("imagecorruptions")
        places = [Path(place) / "frost" for place in (spec and spec.submodule_search_locations) or ()]
        return next((place for place in places if all((place / name).is_file() for name in PHOTOGRAPHS)), None)
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"{name}={folder!r} must be a path, 'texture' or None: it says where pictures of frost are.")
    missing = [file for file in PHOTOGRAPHS if not (Path(folder) / file).is_file()]
    if missing:
        raise ValueError(
            f"{name}={os.fspath(folder)!r} has no file {missing[0]}: it must be the folder 'frost' of the package "
            f"imagecorruptions, with {', '.join(PHOTOGRAPHS)}, or 'texture'."
        )
    return Path(folder)


@functools.lru_cache(maxsize=8)
def _fitted(folder: Path | None, step: int, size: tuple[int, int], n_channels: int, device: str) -> tuple[Tensor, ...]:
    fitted = []
    for picture in _texture() if folder is None else _photographs(folder):
        height, width = (round(side / step) for side in picture.shape[-2:])
        picture = picture[:, step // 2 :: step, step // 2 :: step][None, :, :height, :width]
        need = max(size[0] / picture.shape[2], size[1] / picture.shape[3])
        if need >= 1:
            wanted = [math.ceil(1.1 * need * side) for side in picture.shape[-2:]]
            picture = functional.interpolate(picture, size=wanted, mode="bicubic", align_corners=False).clamp_(0, 1)
        fitted.append((luma(picture) if n_channels == 1 else picture)[0].contiguous().to(device))
    return tuple(fitted)


def _photographs(folder: Path) -> list[Tensor]:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("The photographs of frost need the package 'pillow'. Install it to use them.") from None
    pictures = []
    for name in PHOTOGRAPHS:
        with Image.open(folder / name) as file:
            levels = torch.from_numpy(np.array(file.convert("RGB")))
        pictures.append(levels.permute(2, 0, 1).float().div_(255))
    return pictures


@functools.lru_cache(maxsize=1)
def _texture() -> list[Tensor]:
    """Return five pictures of ferns of frost on a window, of 8 bits, the same at each call.

    Their grey levels have about the means and deviations of the published photographs; nothing else is taken from them.
    """
    return [_window(number, *look) for number, look in enumerate(_LOOKS)]


def _window(number: int, mean: float, deviation: float, n_ferns: int) -> Tensor:
    noise = NoiseFor([Stream(seed=2019, path=("frost", number))])
    ice = gaussian_filter(_ferns(noise, n_ferns), 0.5)
    light = ice - functional.pad(ice[None], (1, 0, 2, 0), mode="replicate")[0, :-2, :-1]  # gives needles a relief
    coarse = gaussian_filter(noise.normals(_HEIGHT // 10, _WIDTH // 10), 6.0, border="reflect")
    coarse = functional.interpolate(coarse[None], size=(_HEIGHT, _WIDTH), mode="bicubic")[0, 0]
    grey = 0.8 * ice / ice.std() + 0.6 * light / light.std() + 0.4 * coarse / coarse.std()
    grey = (grey - grey.mean()) / grey.std() * deviation + mean
    tint = torch.tensor(_TINT).view(3, 1, 1)
    return (grey * tint).clamp_(0, 1).mul_(255).round_().div_(255)


def _ferns(noise: NoiseFor, count: int) -> Tensor:
    """Return how much ice is where: stems with branches, and twigs on these, each shorter towards the tip."""
    x, y, angle, length = (noise.uniforms(count)[0].double().numpy() for _ in range(4))
    stems = np.stack([(1.2 * x - 0.1) * _WIDTH, (1.2 * y - 0.1) * _HEIGHT, 2 * np.pi * angle, 20 + 130 * length**2])
    branches = _sprouts(stems, 6.0, 0.45, noise)
    twigs = _sprouts(branches, 3.0, 0.5, noise)
    ice = np.zeros(_HEIGHT * _WIDTH)
    for lines, weight in ((stems, 1.6), (branches, 1.0), (twigs, 0.45)):
        ice += weight * _drawn(lines)
    return torch.from_numpy(1 - np.exp(-ice)).float().view(_HEIGHT, _WIDTH)


def _sprouts(lines: Floats, every: float, share: float, noise: NoiseFor) -> Floats:
    """Return the lines that leave others to both sides, at about 50 degrees, ``every`` pixels."""
    x, y, angle, length = lines
    counts = np.maximum(0, length / every - 1).astype(np.int64)
    parent = np.repeat(np.arange(len(x)), counts)
    place = (np.arange(len(parent)) - np.repeat(counts.cumsum() - counts, counts) + 1) * every
    parent, place = np.tile(parent, 2), np.tile(place, 2)
    side = np.repeat([-1.0, 1.0], len(parent) // 2)
    wobble, growth = (noise.uniforms(len(parent))[0].double().numpy() for _ in range(2))
    return np.stack(
        [
            x[parent] + place * np.cos(angle[parent]),
            y[parent] + place * np.sin(angle[parent]),
            angle[parent] + side * (0.87 + 0.3 * (wobble - 0.5)),
            share * (length[parent] - place) * (0.4 + 0.9 * growth),
        ]
    )


def _drawn(lines: Floats) -> Floats:
    """Return lines as drawn pixel by pixel, each spread over the four around it."""
    x, y, angle, length = lines
    counts = np.maximum(1, length).astype(np.int64)
    line = np.repeat(np.arange(len(x)), counts)
    place = np.arange(len(line)) - np.repeat(counts.cumsum() - counts, counts)
    fade = 1 - 0.7 * place / counts[line]
    x, y = x[line] + place * np.cos(angle[line]), y[line] + place * np.sin(angle[line])
    ice = np.zeros(_HEIGHT * _WIDTH)
    left, top = np.floor(x), np.floor(y)
    for right, down in ((0, 0), (0, 1), (1, 0), (1, 1)):
        column, row = (left + right).astype(np.int64), (top + down).astype(np.int64)
        weight = fade * (1 - np.abs(x - column)) * (1 - np.abs(y - row))
        inside = (column >= 0) & (column < _WIDTH) & (row >= 0) & (row < _HEIGHT)
        ice += np.bincount((row * _WIDTH + column)[inside], weight[inside], _HEIGHT * _WIDTH)
    return ice
