"""Attacks: each returns verified errors, so that its distances are upper bounds of that to the nearest error."""

from __future__ import annotations

from isoperimetry_bridges.torch.attacks.base import Attack, NearestErrors
from isoperimetry_bridges.torch.attacks.ddn import DecoupledDirectionNorm
from isoperimetry_bridges.torch.attacks.pgd import ProjectedGradient
from isoperimetry_bridges.torch.attacks.transfer import Transfer

__all__ = ["Attack", "DecoupledDirectionNorm", "NearestErrors", "ProjectedGradient", "Transfer", "named_attack"]

_NAMED = {"pgd": ProjectedGradient, "ddn": DecoupledDirectionNorm}


def named_attack(attack: str | Attack) -> Attack:
    """Return the attack called ``attack`` ("pgd" or "ddn") with its defaults, or the object itself.

    Raises
    ------
    ValueError
        If there is no attack of that name.
    TypeError
        If it is neither a name nor callable.
    """
    if not isinstance(attack, str):
        if not callable(attack):
            raise TypeError(f"attack={attack!r} must be a name or an object that attacks: see attacks.Attack.")
        return attack
    if attack not in _NAMED:
        raise ValueError(f"attack={attack!r} must be one of {', '.join(map(repr, _NAMED))}, or an object that attacks.")
    return _NAMED[attack]()
