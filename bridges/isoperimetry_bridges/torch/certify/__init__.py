"""Distances certified from below: within them no input is an error, by linear bounds of the network's layers.

What is certified is the classifier in exact arithmetic. See `linear` for the bounds and why rounding cannot break them.
"""

from __future__ import annotations

from isoperimetry_bridges.torch.certify.ball import Method
from isoperimetry_bridges.torch.certify.distance import CertifiedDistance, certified_distance
from isoperimetry_bridges.torch.certify.modules import register_layers

__all__ = ["CertifiedDistance", "Method", "certified_distance", "register_layers"]
