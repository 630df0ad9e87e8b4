"""Published defences around a network, all of which hide its gradients; what else they do is for a measurement to say.

Each is a module that changes the input, or the output, of a network that it wraps. All are deterministic and treat
each image by itself. Inputs in noise leave the box [0, 1]: those defences that work on pictures clip to it first, as
published. What is done here without gradients was published so: as a step before the network, outside of torch.
"""

from __future__ import annotations

from isoperimetry_bridges.torch.zoo.defences.base import Defence
from isoperimetry_bridges.torch.zoo.defences.coding import BitDepth, JpegCompression
from isoperimetry_bridges.torch.zoo.defences.deflection import PixelDeflection
from isoperimetry_bridges.torch.zoo.defences.saturation import SaturatedSoftmax
from isoperimetry_bridges.torch.zoo.defences.smoothing import MedianSmoothing, TotalVariation

__all__ = [
    "BitDepth",
    "Defence",
    "JpegCompression",
    "MedianSmoothing",
    "PixelDeflection",
    "SaturatedSoftmax",
    "TotalVariation",
]
