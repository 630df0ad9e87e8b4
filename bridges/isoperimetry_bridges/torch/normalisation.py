"""The normalisation ``(x - mean) / std`` of inputs: read, refused where it cannot fit them, and done."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from isoperimetry_bridges.torch.identity import channels_last_hint


def as_normalisation(
    mean: Sequence[float] | None, std: Sequence[float] | None, bounds: tuple[float, float], device: torch.device
) -> tuple[Tensor | None, Tensor | None]:
    """Return mean and std as tensors on ``device``, shape (channels,), or None for both.

    Raises
    ------
    ValueError
        If one of them is missing, they do not have one entry each for the same channels, an entry is out of range, or
        lies so far outside the box ``bounds`` that it must be in another unit.
    """
    if (mean is None) != (std is None):
        raise ValueError("mean and std must be given together: the normalisation is (x - mean) / std.")
    if mean is None or std is None:
        return None, None
    means, stds = _as_tensor(mean), _as_tensor(std)
    for name, given, values in (("mean", mean, means), ("std", std, stds)):
        if values.ndim != 1 or not len(values):
            raise ValueError(f"{name}={given!r} must be a sequence of numbers: one for each channel.")
    if len(means) != len(stds):
        raise ValueError(f"mean has {len(means)} entries but std has {len(stds)}: give one each for each channel.")
    if not torch.isfinite(means).all():
        raise ValueError(f"mean={mean!r} must be finite for each channel: it is subtracted from inputs.")
    if not ((stds > 0) & torch.isfinite(stds)).all():
        raise ValueError(f"std={std!r} must be finite and > 0 for each channel: inputs are divided by it.")
    low, high = bounds
    width = high - low
    far = {"mean": ((means < low - width) | (means > high + width)).any(), "std": (stds > 4 * width).any()}
    for name, given in (("mean", mean), ("std", std)):
        if far[name]:
            raise ValueError(
                f"{name}={given!r} must be in the unit of the inputs, whose box is [{low:g}, {high:g}]: divide what is "
                "meant for 8-bit images by 255."
            )
    return means.to(device), stds.to(device)


def _as_tensor(values: Sequence[float]) -> Tensor:
    given = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    try:
        made = torch.tensor(given)
    except (TypeError, ValueError, RuntimeError):
        return torch.empty(0)
    return made if made.is_floating_point() else made.to(torch.get_default_dtype())


def normalised(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return ``(x - mean) / std`` for inputs of shape (batch, channels, ...).

    Raises
    ------
    ValueError
        If there is not one entry for each channel: another number would be spread over all of them.
    """
    if x.ndim < 2 or x.shape[1] != len(mean):
        channels = x.shape[1] if x.ndim > 1 else 0
        raise ValueError(
            f"mean and std have {len(mean)} entries but inputs of shape {tuple(x.shape)} have {channels} channels: "
            f"give one each for each channel{channels_last_hint(tuple(x.shape))}."
        )
    shape = (-1, *[1] * (x.ndim - 2))
    return (x - mean.to(x.dtype).view(shape)) / std.to(x.dtype).view(shape)
