"""The torch bridge: measured error rates, noise scales and attack distances of torch classifiers.

Lengths (sigma, distances) share the unit of the images, usually pixel values in [0, 1].
"""

from __future__ import annotations

from importlib.util import find_spec

from isoperimetry.errors import MissingDependency

for _package in ("torch", "safetensors"):
    if find_spec(_package) is None:
        raise MissingDependency("isoperimetry_bridges.torch", _package, "torch")

from isoperimetry_bridges.torch.attacks import (  # noqa: E402
    Attack,
    DecoupledDirectionNorm,
    NearestErrors,
    ProjectedGradient,
    Transfer,
)
from isoperimetry_bridges.torch.audit import audit, nearest_error  # noqa: E402
from isoperimetry_bridges.torch.check import check_model  # noqa: E402
from isoperimetry_bridges.torch.classifier import Classifier  # noqa: E402
from isoperimetry_bridges.torch.measure import measure_error_rate  # noqa: E402
from isoperimetry_bridges.torch.records import CheckSettings, ImageCheck, ModelCheck  # noqa: E402
from isoperimetry_bridges.torch.sigma import SigmaSearch, SigmaStatus, find_sigma  # noqa: E402

__all__ = [
    "Attack",
    "CheckSettings",
    "Classifier",
    "DecoupledDirectionNorm",
    "ImageCheck",
    "ModelCheck",
    "NearestErrors",
    "ProjectedGradient",
    "SigmaSearch",
    "SigmaStatus",
    "Transfer",
    "audit",
    "check_model",
    "find_sigma",
    "measure_error_rate",
    "nearest_error",
]
