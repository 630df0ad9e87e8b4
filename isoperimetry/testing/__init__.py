"""Gifts for users' own test suites: Hypothesis strategies, assertions, and `reference`, the functions in mpmath.

Names are resolved on first use, so that each needs only the package that it is built on.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from isoperimetry.errors import MissingDependency as _MissingDependency

if TYPE_CHECKING:
    from isoperimetry.testing import reference
    from isoperimetry.testing.assertions import assert_theorem, assert_ulp
    from isoperimetry.testing.attacks import assert_attack_not_failing
    from isoperimetry.testing.coverage import assert_covers
    from isoperimetry.testing.strategies import dims, error_rates, error_sets, log_error_rates, measurements, sigmas

__all__ = [
    "assert_attack_not_failing",
    "assert_covers",
    "assert_theorem",
    "assert_ulp",
    "dims",
    "error_rates",
    "error_sets",
    "log_error_rates",
    "measurements",
    "reference",
    "sigmas",
]

_HOMES = {
    "assert_attack_not_failing": "attacks",
    "assert_covers": "coverage",
    "assert_theorem": "assertions",
    "assert_ulp": "assertions",
    "reference": "reference",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'isoperimetry.testing' has no attribute {name!r}")
    module = _HOMES.get(name, "strategies")
    try:
        home = _import_module(f"isoperimetry.testing.{module}")
    except ModuleNotFoundError as error:
        if error.name not in ("hypothesis", "mpmath"):
            raise
        raise _MissingDependency(f"isoperimetry.testing.{name}", error.name, "testing") from None
    return home if name == "reference" else getattr(home, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
