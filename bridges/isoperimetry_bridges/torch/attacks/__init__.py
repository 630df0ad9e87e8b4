"""Attacks: each returns verified errors, so that its distances are upper bounds of that to the nearest error."""

from __future__ import annotations

from isoperimetry_bridges.torch.attacks.base import Attack, NearestErrors
from isoperimetry_bridges.torch.attacks.best import Best
from isoperimetry_bridges.torch.attacks.boundary import BoundaryDescent
from isoperimetry_bridges.torch.attacks.choice import named_attack, ready_attack
from isoperimetry_bridges.torch.attacks.ddn import DecoupledDirectionNorm
from isoperimetry_bridges.torch.attacks.pgd import ProjectedGradient
from isoperimetry_bridges.torch.attacks.tangent import TangentProjection
from isoperimetry_bridges.torch.attacks.transfer import Transfer

__all__ = [
    "Attack",
    "Best",
    "BoundaryDescent",
    "DecoupledDirectionNorm",
    "NearestErrors",
    "ProjectedGradient",
    "TangentProjection",
    "Transfer",
    "named_attack",
    "ready_attack",
]
