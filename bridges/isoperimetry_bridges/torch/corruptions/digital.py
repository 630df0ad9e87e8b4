"""What computers do to images: contrast, brightness, saturation, elastic maps, coarse pixels, JPEG."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from isoperimetry_bridges.torch.corruptions.files import bytes_of, pillow_images, through_jpeg, through_pillow
from isoperimetry_bridges.torch.corruptions.filters import gaussian_filter
from isoperimetry_bridges.torch.corruptions.parameters import Parameters
from isoperimetry_bridges.torch.corruptions.random import NoiseFor

_BLACK = 1e-30
"""What is darker has no hue."""


def contrast(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x drawn together around the mean of each channel."""
    return torch.lerp(x.mean((2, 3), keepdim=True), x, parameters[0])


def brightness(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x with its value, in the sense of hue, saturation and value, raised up to 1.

    Colours are proportional to their value, and black becomes grey.
    """
    value = x.amax(1, keepdim=True)
    raised = (value + parameters[0]).clamp_(max=1.0)
    black = (value < _BLACK).float()
    return (x * (raised / value.clamp_(min=_BLACK))).add_(black.mul_(raised))


def saturate(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x with its saturation multiplied and raised; the hue of grey pixels is red, as in the published code.

    Images of one channel have no saturation and stay as they are.
    """
    factor, added = parameters
    if x.shape[1] == 1:
        return x
    value = x.amax(1, keepdim=True)
    spread = value - x.amin(1, keepdim=True)
    saturation = spread / value.clamp(min=_BLACK)
    wanted = (factor * saturation).add_(added).clamp_(0.0, 1.0)
    # The distance of each channel to the largest grows with the saturation; grey pixels have none.
    out = value - (value - x).mul_(wanted / saturation.clamp_(min=_BLACK))
    if added:
        out[:, 1:] -= (spread == 0).float().mul_(wanted).mul_(value)
    return out


def elastic_transform(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x under a random affine map of its middle, and then under smooth random displacements."""
    length, sigma, reach = parameters
    if reach:
        x = _mapped(x, noise.uniforms(3, 2, low=-reach, high=reach))
    if length:
        shifts = noise.uniforms(2, *x.shape[2:], low=-1.0, high=1.0)
        x = _displaced(x, gaussian_filter(shifts, sigma, border="reflect", truncate=3.0), length)
    return x


def _mapped(x: Tensor, moves: Tensor) -> Tensor:
    """Return images under the affine maps that move three corners of a square; mirrored, the last pixel not repeated.

    Parameters
    ----------
    x : Tensor, shape (n, c, h, w)
    moves : Tensor, shape (n, 3, 2)
        Of the corners, along the width and the height, in pixels.
    """
    height, width = x.shape[-2:]
    middle = torch.tensor([height // 2, width // 2], dtype=torch.float64)  # the published code takes the height for x
    side = min(height, width) // 3
    corners = (middle + side * torch.tensor([[1, 1], [1, -1], [-1, -1]], dtype=torch.float64)).to(x.device)
    moved = torch.cat([corners + moves, torch.ones_like(moves[..., :1])], 2)
    # From places of the result to places of the image, and these to [-1, 1].
    back = torch.linalg.solve(moved, corners.expand(len(x), 3, 2))
    scales = torch.tensor([2 / max(1, width - 1), 2 / max(1, height - 1)], dtype=torch.float64, device=x.device)
    across, down, start = (back * scales).float().view(-1, 3, 1, 1, 2).unbind(1)
    columns, rows = (torch.arange(size, device=x.device, dtype=torch.float32) for size in (width, height))
    places = columns.view(-1, 1) * across + (rows.view(-1, 1, 1) * down + (start - 1))
    return grid_sample(x, places, padding_mode="reflection", align_corners=True)


def _displaced(x: Tensor, shifts: Tensor, length: float) -> Tensor:
    """Return images read at other places, ``length * shifts`` away; mirrored with the last pixel.

    Parameters
    ----------
    x : Tensor, shape (n, c, h, w)
    shifts : Tensor, shape (n, 2, h, w)
        Along the width and the height.
    length : float
        In pixels.
    """
    places = torch.empty((*shifts[:, 0].shape, 2), device=x.device)
    for axis, shape in ((0, (1, -1)), (1, (-1, 1))):
        scale = 2 / x.shape[3 - axis]
        line = torch.arange(x.shape[3 - axis], device=x.device, dtype=torch.float32).view(shape)
        torch.add(line * scale + (0.5 * scale - 1), shifts[:, axis], alpha=length * scale, out=places[..., axis])
    return grid_sample(x, places, padding_mode="reflection", align_corners=False)


def jpeg_compression(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x, rounded to 8 bits, out of a JPEG file of low quality; uint8 of uint8."""
    return _like(x, through_jpeg(bytes_of(x), int(parameters[0])))


def pixelate(x: Tensor, parameters: Parameters, noise: NoiseFor) -> Tensor:
    """Return x, rounded to 8 bits, scaled down by means over boxes of whole pixels and up again; uint8 of uint8.

    As in Pillow, which does it on a CPU if it is there: columns are averaged before rows, both are rounded to 8 bits,
    and enlarged pixels have sharp borders. Without Pillow the result is the same.
    """
    height, width = x.shape[-2:]
    rows, columns = max(1, int(height * parameters[0])), max(1, int(width * parameters[0]))
    pillow = pillow_images() if x.device.type == "cpu" else None
    if pillow is not None:
        same = _is_nearest(rows, height) and _is_nearest(columns, width)
        down, up = pillow.Resampling.BOX, pillow.Resampling.NEAREST if same else pillow.Resampling.BOX

        def coarse(image: Any) -> Any:
            # One axis after the other: Pillow begins with the rows of images that are much higher than wide.
            return image.resize((columns, height), down).resize((columns, rows), down).resize((width, height), up)

        return _like(x, through_pillow(bytes_of(x), pillow, coarse))
    small = _averaged(bytes_of(x).contiguous().float(), columns, -1)
    small = _averaged(small, rows, -2)
    wide = _selected(small, -1, _nearest(columns, width).to(x.device))
    return _like(x, _selected(wide, -2, _nearest(rows, height).to(x.device)))


def _like(x: Tensor, levels: Tensor) -> Tensor:
    """Return whole grey levels in the type of x, and in its unit."""
    return levels.to(torch.uint8) if x.dtype == torch.uint8 else levels.to(x.dtype).div_(255)


def _averaged(levels: Tensor, size: int, axis: int) -> Tensor:
    """Return means over boxes along an axis, rounded to whole levels as Pillow rounds them."""
    places, inside, counts, rounding = (part.to(levels.device) for part in _boxes(levels.shape[axis], size, axis == -2))
    total = _selected(levels, axis, places[0])
    for number in range(1, len(places)):
        further = _selected(levels, axis, places[number])
        total += further if bool(inside[number].all()) else further.mul_(inside[number])
    return total.div_(counts).add_(rounding).floor_()


@functools.lru_cache(maxsize=64)
def _boxes(size: int, small: int, upright: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return which pixels of a line of ``size`` are averaged for each of ``small`` ones.

    Returns
    -------
    places : Tensor of int32, shape (largest number of pixels in a box, small)
    inside : Tensor of float32, the same shape, with a last axis of length 1 if ``upright``
        1 where the place is in the box.
    counts, rounding : Tensor of float32, shape (small,) or (small, 1)
        Pixels in the box, and what is added to the mean before its fraction is dropped: less than 1/2 where the weight
        of 22 bits, with which Pillow computes, is less than the exact one.
    """
    scale = size / small
    boxes = []
    for number in range(small):
        center = (number + 0.5) * scale
        first, end = max(0, int(center - 0.5 * scale + 0.5)), min(size, int(center + 0.5 * scale + 0.5))
        boxes.append([place for place in range(first, end) if -0.5 < (place - center + 0.5) / scale <= 0.5])
    counts = torch.tensor([len(box) for box in boxes])
    largest = int(counts.max())
    line = [[box[min(number, len(box) - 1)] for box in boxes] for number in range(largest)]
    places = torch.tensor(line, dtype=torch.int32)
    inside = (torch.arange(largest).unsqueeze(1) < counts).float()
    weights = (2**22 / counts.double() + 0.5).floor()
    rounding = torch.where(weights * counts < 2**22, 0.5 - 0.25 / counts, 0.5)
    if upright:
        return places, inside.unsqueeze(2), counts.float().unsqueeze(1), rounding.unsqueeze(1)
    return places, inside, counts.float(), rounding


@functools.lru_cache(maxsize=64)
def _nearest(small: int, size: int) -> Tensor:
    """Return the pixel of the small image that each one of the large image lies in."""
    scale = small / size
    return torch.tensor([min(small - 1, int((place + 0.5) * scale)) for place in range(size)], dtype=torch.int32)


@functools.lru_cache(maxsize=64)
def _is_nearest(small: int, size: int) -> bool:
    """Return whether Pillow's nearest pixel is this one also where two are equally near; it is the faster way."""
    ramp = torch.arange(small, dtype=torch.int32).numpy().tobytes()
    pillow = cast(ModuleType, pillow_images())
    image = pillow.frombytes("I", (small, 1), ramp).resize((size, 1), pillow.Resampling.NEAREST)
    return bool(image.tobytes() == _nearest(small, size).numpy().tobytes())


def _selected(x: Tensor, axis: int, places: Tensor) -> Tensor:
    """Return ``x.index_select(axis, places)``, of the last axis twice as fast on a CPU."""
    if axis == -2 or x.device.type != "cpu":
        return x.index_select(axis, places)
    n_rows, width = x.numel() // x.shape[-1], x.shape[-1]
    flat = torch.arange(0, n_rows * width, width, dtype=torch.int32).unsqueeze(1) + places
    return x.reshape(-1).index_select(0, flat.view(-1)).view(*x.shape[:-1], len(places))
