"""Which attack is meant, and whether it can run on a classifier: told before hours of counting."""

from __future__ import annotations

from collections.abc import Callable

from isoperimetry_bridges.torch.attacks.base import Attack
from isoperimetry_bridges.torch.attacks.boundary import BoundaryDescent
from isoperimetry_bridges.torch.attacks.ddn import DecoupledDirectionNorm
from isoperimetry_bridges.torch.attacks.pgd import ProjectedGradient
from isoperimetry_bridges.torch.attacks.settings import check_attack
from isoperimetry_bridges.torch.attacks.tangent import TangentProjection
from isoperimetry_bridges.torch.classifier import Classifier

_NAMED: dict[str, Callable[[], Attack]] = {
    "tangent": TangentProjection,
    "ddn": DecoupledDirectionNorm,
    "pgd": ProjectedGradient,
    "boundary": BoundaryDescent,
}
# Packages whose attacks have an adapter, and how it takes one.
_ADAPTERS = {
    "foolbox": "Foolbox(attack)",
    "torchattacks": "Torchattacks(lambda model, eps: ...)",
    "art": "Art(lambda estimator, eps: ...)",
    "pyautoattack": "AutoAttack()",
    "autoattack": "AutoAttack()",
}


def named_attack(attack: str | Attack) -> Attack:
    """Return the attack of a name ("tangent", "ddn", "pgd", "boundary") with its defaults, or the object itself.

    Raises
    ------
    ValueError
        If there is no attack of that name.
    TypeError
        If it is neither a name nor an attack; for attacks of other packages the sentence names the adapter.
    """
    if isinstance(attack, str) and attack in _NAMED:
        return _NAMED[attack]()
    names = ", ".join(map(repr, _NAMED))
    if isinstance(attack, str):
        raise ValueError(f"attack={attack!r} must be one of {names}, or an object that attacks.")
    kinds = attack.__mro__ if isinstance(attack, type) else type(attack).__mro__
    package = next((name for kind in kinds if (name := kind.__module__.partition(".")[0]) in _ADAPTERS), None)
    if package is not None:
        raise TypeError(
            f"attack is {kinds[0].__name__} of the package {package!r}: hand it over as "
            f"isoperimetry_bridges.torch.attacks.adapters.{_ADAPTERS[package]}."
        )
    if isinstance(attack, type):
        raise TypeError(f"attack={attack.__name__} is a class: pass an object of it, {attack.__name__}(...).")
    if not callable(attack):
        raise TypeError(f"attack={attack!r} must be one of {names}, or an object that attacks.")
    if not isinstance(getattr(attack, "name", None), str):
        raise TypeError(
            f"attack={type(attack).__name__} must have a name, a text by which reports call it: set attack.name, and "
            "see isoperimetry_bridges.torch.attacks.Attack for how it is called."
        )
    return attack


def ready_attack(attack: str | Attack, classifier: Classifier) -> Attack:
    """Return the attack that is meant, if it can run on the classifier as far as can be told beforehand.

    An attack may have a method ``check(classifier)`` that refuses a classifier which it cannot attack.

    Raises
    ------
    ValueError, TypeError
        As for `named_attack`.
    ModelError
        If the attack needs gradients or a margin that the classifier does not have.
    """
    chosen = named_attack(attack)
    check_attack(chosen, classifier)
    return chosen
