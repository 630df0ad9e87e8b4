"""Attacks of other packages as attacks of ours: their errors are verified and measured here.

A package gets the classifier in the inputs of the classifier, normalisation inside, on its device. What it changes in
the process (seeds, flags, the mode of the model) is put back, so that one search runs at a time; see `Adapter`.
"""

from __future__ import annotations

from isoperimetry_bridges.torch.attacks.adapters.art import Art
from isoperimetry_bridges.torch.attacks.adapters.autoattack import AutoAttack
from isoperimetry_bridges.torch.attacks.adapters.common import AttackFailed
from isoperimetry_bridges.torch.attacks.adapters.foolbox import Foolbox
from isoperimetry_bridges.torch.attacks.adapters.torchattacks import Torchattacks

__all__ = ["Art", "AttackFailed", "AutoAttack", "Foolbox", "Torchattacks"]
