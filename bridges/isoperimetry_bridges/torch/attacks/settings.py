"""What attacks share about their settings: whole numbers, and whether they can run on a classifier at all."""

from __future__ import annotations

from typing import Any

from isoperimetry_bridges.torch.classifier import Classifier


def refuse_no_integer(name: str, value: Any, *, least: int = 1, why: str = "") -> None:
    """Refuse a setting that is no integer >= ``least``; ``why`` says what it is.

    Examples
    --------
    >>> refuse_no_integer("steps", 2.5, why="it is a number of gradients")
    Traceback (most recent call last):
        ...
    ValueError: steps=2.5 must be an integer >= 1: it is a number of gradients.
    """
    try:
        whole = not isinstance(value, bool) and int(value) == value and value >= least
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise ValueError(f"{name}={value!r} must be an integer >= {least}{': ' if why else ''}{why}.")


def check_attack(attack: Any, classifier: Classifier) -> None:
    """Ask an attack that has a method ``check(classifier)`` to refuse a classifier on which it cannot run."""
    check = getattr(attack, "check", None)
    if callable(check):
        check(classifier)
