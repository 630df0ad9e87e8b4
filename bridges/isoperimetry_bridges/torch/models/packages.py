"""Packages that are imported only when they are used."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from isoperimetry.errors import MissingDependency


def needed(module: str, feature: str, command: str) -> Any:
    """Return a module of another package.

    Parameters
    ----------
    module : str
        Its full name.
    feature : str
        What the caller asked for, as the caller would write it.
    command : str
        What installs the package.

    Raises
    ------
    MissingDependency
        If the package, or one that it imports, is not installed.
    """
    try:
        with warnings.catch_warnings():  # what a package imports itself is its own affair
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        missing = MissingDependency(feature, package, "attacks")
        missing.msg = f"{feature} needs the package '{package}'. Install it with: {command}"
        raise missing from error
