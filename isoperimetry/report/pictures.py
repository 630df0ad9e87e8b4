"""Pictures of a results folder, as PNG in data URIs."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoperimetry.errors import MissingDependency
from isoperimetry.report.files import read_arrays
from isoperimetry.results import at_least

# A picture narrower than this is shown with its pixels.
SMALL = 96
_FACTORS = tuple(digit * 10**power for power in range(4) for digit in (1, 2, 5))


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """One picture for a page.

    Attributes
    ----------
    uri : str
        ``data:image/png;base64,...``
    width, height : int
        In pixels of the input.
    caption : str
    """

    uri: str
    width: int
    height: int
    caption: str

    @property
    def small(self) -> bool:
        """Whether its pixels are to be seen."""
        return max(self.width, self.height) <= SMALL


class Pictures:
    """The pictures of a folder.

    Parameters
    ----------
    file : Path
        ``pictures.npz``; it may be missing.
    note : str
        Why there are none, as the record says.
    """

    def __init__(self, file: Path, *, note: str = "") -> None:
        self.note = note
        self._arrays = read_arrays(file)

    def get(self, model: int, image: int | str, kind: str) -> NDArray[Any] | None:
        """Return an array by the number of its model, the image's id and "image", "noisy", "error" or "difference"."""
        return self._arrays.get(f"model{model}/{json.dumps(image)}/{kind}")

    def dim(self, model: int) -> int | None:
        """Return the dimension of the inputs of a model, from the first of its pictures."""
        prefix = f"model{model}/"
        sizes = [a.size for key, a in self._arrays.items() if key.startswith(prefix) and key.endswith("/image")]
        return int(sizes[0]) if sizes else None

    def of(self, model: int, image: int | str, bounds: tuple[float, float]) -> tuple[list[Picture], str]:
        """Return the pictures of an image, and why there are none."""
        base = self.get(model, image, "image")
        if base is None:
            return [], self.note
        noisy, error, difference = (self.get(model, image, kind) for kind in ("noisy", "error", "difference"))
        try:
            shown = [_picture(base, "the image")]
            for number, draw in enumerate(() if noisy is None else noisy, 1):
                shown.append(_picture(draw, f"noisy copy {number}"))
            if error is not None:
                shown.append(_picture(error, "nearest error found"))
            if difference is not None:
                levels, factor = magnified(difference, bounds)
                shown.append(_picture(levels, f"difference \u00d7{factor:g}"))
        except (ValueError, TypeError) as reason:
            return [], f"The pictures of this image cannot be drawn: {reason}."
        return shown, ""


def magnified(difference: NDArray[Any], bounds: tuple[float, float]) -> tuple[NDArray[np.uint8], float]:
    """Return a difference on mid-grey, magnified by a round factor, and the factor.

    Parameters
    ----------
    difference : array
        In the unit of the inputs.
    bounds : (float, float)
        The input box, whose width is the whole range from black to white.

    Returns
    -------
    levels : array of uint8
    factor : float
        The largest of 1, 2, 5, 10, ... that keeps all pixels within the range; below 1, with one digit, where even 1
        does not.

    Examples
    --------
    >>> levels, factor = magnified(np.array([0.0, 0.04, -0.02]), (0.0, 1.0))
    >>> levels.tolist(), factor
    ([128, 230, 77], 10)
    """
    part = np.asarray(difference, dtype=np.float64) / (bounds[1] - bounds[0])
    largest = float(np.abs(part).max(initial=0.0))
    if not math.isfinite(largest):
        raise ValueError("it holds an infinite number or NaN")
    within = [factor for factor in _FACTORS if factor * largest <= 0.5]
    factor = (within[-1] if largest else 1) if within else float(at_least(0.5 / largest, 1))
    levels = np.clip(np.floor(255 * (0.5 + factor * part) + 0.5), 0, 255)
    return levels.astype(np.uint8), factor


def _picture(array: NDArray[Any], caption: str) -> Picture:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "PIL":
            raise
        raise MissingDependency("report.html_page", "pillow", "report") from None
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[0] not in (1, 3) or not array.size:
        raise ValueError(f"an array of {array.dtype} and shape {array.shape} is no (1 or 3, height, width) of 8 bits")
    pixels = array[0] if array.shape[0] == 1 else np.ascontiguousarray(array.transpose(1, 2, 0))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", optimize=False)
    uri = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(uri=uri, width=array.shape[2], height=array.shape[1], caption=caption)
