"""Attacks: each returns verified errors, so that its distances are upper bounds of that to the nearest error."""

from __future__ import annotations

from collections.abc import Callable

from isoperimetry_bridges.torch.attacks.base import Attack, NearestErrors
from isoperimetry_bridges.torch.attacks.best import Best
from isoperimetry_bridges.torch.attacks.boundary import BoundaryDescent
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
]

_NAMED: dict[str, Callable[[], Attack]] = {
    "tangent": TangentProjection,
    "ddn": DecoupledDirectionNorm,
    "pgd": ProjectedGradient,
    "boundary": BoundaryDescent,
}


def named_attack(attack: str | Attack) -> Attack:
    """Return the attack of a name ("tangent", "ddn", "pgd", "boundary") with its defaults, or the object itself.

    Raises
    ------
    ValueError
        If there is no attack of that name.
    TypeError
        If it is neither a name nor callable.
    """
    if isinstance(attack, str) and attack in _NAMED:
        return _NAMED[attack]()
    names = ", ".join(map(repr, _NAMED))
    if isinstance(attack, str):
        raise ValueError(f"attack={attack!r} must be one of {names}, or an object that attacks.")
    if not callable(attack):
        raise TypeError(f"attack={attack!r} must be one of {names}, or an object that attacks.")
    return attack
