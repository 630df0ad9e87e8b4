"""Image classifiers of Hugging Face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.faults import raised


def from_hf(
    model: nn.Module,
    *,
    processor: Any = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    name: str | None = None,
    **settings: Any,
) -> Classifier:
    """Return the classifier of an image classification model of transformers, whose answer has ``logits``.

    Inputs are images of the size that the model takes, shape (n, channels, height, width), in [0, 1]. Resizing and
    cropping are no part of the classifier: distances are in the model's own pixels.

    Parameters
    ----------
    model : torch.nn.Module
        For instance ``ViTForImageClassification.from_pretrained(...)``, in evaluation mode.
    processor : image processor, optional
        What the model was published with; needed unless there are ``mean`` and ``std``. It is asked what it makes of
        black and white images, from which these follow, so that rescaling and all conventions are in.
    mean, std : sequence of float, one per channel, optional
        Instead of ``processor``, for images in [0, 1]. Zeros and ones: the model takes images as they are.
    name : str, optional
        Default: where the weights came from, or the class of the model.
    **settings
        Passed to `Classifier`.

    Returns
    -------
    Classifier

    Raises
    ------
    ValueError
        If not one of ``processor`` and ``mean`` is given, or the processor does more than rescale and normalise.

    Examples
    --------
    >>> import torch, types
    >>> class Small(torch.nn.Linear):
    ...     def forward(self, pixel_values):
    ...         return types.SimpleNamespace(logits=super().forward(pixel_values.flatten(1)))
    >>> from_hf(Small(12, 5).eval(), mean=(0.5,) * 3, std=(0.5,) * 3).predict(torch.zeros(1, 3, 2, 2)).shape
    torch.Size([1])
    """
    if processor is not None:
        if mean is not None or std is not None:
            raise ValueError("mean and std must not be given with processor=, which has them.")
        mean, std = _asked(processor)
    elif mean is None and std is None:
        raise ValueError(
            f"from_hf({type(model).__name__}) needs processor=, the image processor that the model was published with, "
            "or mean= and std=: its normalisation is not in the model; Classifier takes any other module."
        )
    config = getattr(model, "config", None)
    name = name or getattr(config, "name_or_path", "") or type(model).__name__
    return Classifier(model, mean=mean, std=std, name=name, **settings)


def _asked(processor: Any) -> tuple[list[float], list[float]]:
    """Return the mean and std of a processor for images in [0, 1], from its answers to grey images."""
    answers = []
    for level in (0, 128, 255):
        image = np.full((512, 512, 3), level, np.uint8)  # large enough to be cropped, not padded
        try:
            values = np.asarray(processor(image, return_tensors="np")["pixel_values"], float)
        except Exception as error:
            raise ValueError(f"processor={type(processor).__name__} cannot be asked: it {raised(error)}") from error
        answers.append(values.reshape(-1, *values.shape[-2:]))
    black, grey, white = (values.mean((1, 2)) for values in answers)
    flat = all(np.ptp(values, (1, 2)).max() <= 1e-5 * np.ptp([black, white]) for values in answers)
    if not flat or not np.allclose(grey, black + (white - black) * 128 / 255, atol=1e-4) or not (white > black).all():
        raise ValueError(
            f"processor={type(processor).__name__} does more than rescale and normalise: put the rest into the model "
            "and pass mean= and std=."
        )
    std = 1 / (white - black)
    return [float(value) for value in -black * std], [float(value) for value in std]
