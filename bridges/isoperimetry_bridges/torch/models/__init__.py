"""Models of other libraries and runtimes, and of the command line, as classifiers.

A plain `torch.nn.Module` needs none of this: `Classifier` takes it.
"""

from __future__ import annotations

from isoperimetry_bridges.torch.models.art import from_art
from isoperimetry_bridges.torch.models.expectation import expectation
from isoperimetry_bridges.torch.models.factory import load_data, load_factory
from isoperimetry_bridges.torch.models.foolbox import from_foolbox
from isoperimetry_bridges.torch.models.hf import from_hf
from isoperimetry_bridges.torch.models.onnx import from_onnx
from isoperimetry_bridges.torch.models.timm import from_timm

__all__ = ["expectation", "from_art", "from_foolbox", "from_hf", "from_onnx", "from_timm", "load_data", "load_factory"]
