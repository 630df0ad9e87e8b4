"""Models of timm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from isoperimetry.errors import MissingDependency
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.faults import raised
from isoperimetry_bridges.torch.models.packages import needed


def from_timm(
    model: str | nn.Module, *, pretrained: bool = True, name: str | None = None, **settings: Any
) -> Classifier:
    """Return the classifier of a timm model, with the normalisation that it was trained with.

    Inputs are images in [0, 1] of the size that the model takes; ``model.pretrained_cfg["input_size"]`` names it.

    Parameters
    ----------
    model : str or torch.nn.Module
        A name that ``timm.create_model`` knows, or a model that it made, in evaluation mode.
    pretrained : bool, default True
        Whether weights are loaded (over the network) for a name; False leaves random ones.
    name : str, optional
        Default: the name of the architecture.
    **settings
        Passed to `Classifier`.

    Returns
    -------
    Classifier

    Raises
    ------
    MissingDependency
        If a name is given and timm is not installed.
    ValueError
        If timm, or torchvision which it needs, does not load, or does not know the name.
    TypeError
        If the module has no ``pretrained_cfg``.
    """
    if isinstance(model, str):
        try:
            timm = needed("timm", "from_timm", "pip install timm")
        except MissingDependency:
            raise
        except Exception as error:  # torchvision's operators are compiled for one version and build of torch
            raise ValueError(
                f"timm cannot be imported: it {raised(error)}. Install the torchvision that belongs to this torch."
            ) from error
        try:
            model = timm.create_model(model, pretrained=pretrained).eval()
        except Exception as error:
            raise ValueError(f"model={model!r}: timm.create_model {raised(error)}") from error
    config = getattr(model, "pretrained_cfg", None)
    if config is None or not isinstance(model, nn.Module):
        raise TypeError(f"model={type(model).__name__} must be a name, or a model that timm.create_model made.")
    entries: Mapping[str, Any] = config if isinstance(config, Mapping) else vars(config)
    name = name or entries.get("architecture") or type(model).__name__
    return Classifier(model, mean=entries["mean"], std=entries["std"], name=name, **settings)
