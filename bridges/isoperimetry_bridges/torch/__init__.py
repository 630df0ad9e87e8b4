"""The torch bridge: measured error rates, noise scales and attack distances of torch classifiers.

Lengths (sigma, distances) share the unit of the images, usually pixel values in [0, 1].
"""

from __future__ import annotations

from importlib.util import find_spec

from isoperimetry.errors import MissingDependency

for _package in ("torch", "safetensors"):
    if find_spec(_package) is None:
        raise MissingDependency("isoperimetry_bridges.torch", _package, "torch")

from isoperimetry_bridges.torch import corruptions  # noqa: E402
from isoperimetry_bridges.torch.agreement import Agreement, agreement  # noqa: E402
from isoperimetry_bridges.torch.attacks import (  # noqa: E402
    Attack,
    Best,
    BoundaryDescent,
    DecoupledDirectionNorm,
    NearestErrors,
    ProjectedGradient,
    TangentProjection,
    Transfer,
    adapters,
)
from isoperimetry_bridges.torch.audit import audit, nearest_error  # noqa: E402
from isoperimetry_bridges.torch.certify import CertifiedDistance, certified_distance, register_layers  # noqa: E402
from isoperimetry_bridges.torch.check import check_model  # noqa: E402
from isoperimetry_bridges.torch.classifier import Classifier  # noqa: E402
from isoperimetry_bridges.torch.export import export_parquet  # noqa: E402
from isoperimetry_bridges.torch.measure import measure_error_rate  # noqa: E402
from isoperimetry_bridges.torch.models import (  # noqa: E402
    expectation,
    from_art,
    from_foolbox,
    from_hf,
    from_onnx,
    from_timm,
)
from isoperimetry_bridges.torch.records import CheckSettings, ImageCheck, ModelCheck  # noqa: E402
from isoperimetry_bridges.torch.reproduce import reproduce  # noqa: E402
from isoperimetry_bridges.torch.sandwich import Sandwich, sandwich  # noqa: E402
from isoperimetry_bridges.torch.sigma import SigmaSearch, SigmaStatus, find_sigma  # noqa: E402
from isoperimetry_bridges.torch.store import Store, merge_stores  # noqa: E402
from isoperimetry_bridges.torch.volume import volume  # noqa: E402

__all__ = [
    "Agreement",
    "Attack",
    "Best",
    "BoundaryDescent",
    "CertifiedDistance",
    "CheckSettings",
    "Classifier",
    "DecoupledDirectionNorm",
    "ImageCheck",
    "ModelCheck",
    "NearestErrors",
    "ProjectedGradient",
    "Sandwich",
    "SigmaSearch",
    "SigmaStatus",
    "Store",
    "TangentProjection",
    "Transfer",
    "adapters",
    "agreement",
    "audit",
    "certified_distance",
    "check_model",
    "corruptions",
    "expectation",
    "export_parquet",
    "find_sigma",
    "from_art",
    "from_foolbox",
    "from_hf",
    "from_onnx",
    "from_timm",
    "measure_error_rate",
    "merge_stores",
    "nearest_error",
    "register_layers",
    "reproduce",
    "sandwich",
    "volume",
]
