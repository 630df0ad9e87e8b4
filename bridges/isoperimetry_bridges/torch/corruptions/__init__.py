"""The common corruptions of ImageNet-C and CIFAR-10-C in torch: in batches, on any device, the same from the same seed.

D. Hendrycks and T. Dietterich (2019). Benchmarking neural network robustness to common corruptions and perturbations.
ICLR, arXiv:1903.12261.
"""

from isoperimetry_bridges.torch.corruptions.corrupting import Files, corrupt
from isoperimetry_bridges.torch.corruptions.errors import corruption_errors
from isoperimetry_bridges.torch.corruptions.frost import frost_source
from isoperimetry_bridges.torch.corruptions.parameters import (
    CORRUPTIONS,
    EXTRA,
    FAMILIES,
    PARAMETERS,
    STANDARD,
    ParameterSet,
)
from isoperimetry_bridges.torch.corruptions.rates import ALEXNET, NOT_NOISE, CorruptionErrors, corruptions_record

__all__ = [
    "ALEXNET",
    "CORRUPTIONS",
    "EXTRA",
    "FAMILIES",
    "NOT_NOISE",
    "PARAMETERS",
    "STANDARD",
    "CorruptionErrors",
    "Files",
    "ParameterSet",
    "corrupt",
    "corruption_errors",
    "corruptions_record",
    "frost_source",
]
