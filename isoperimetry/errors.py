"""Exceptions that a caller may want to catch. Wrong values raise ValueError and wrong types TypeError."""

from __future__ import annotations


class IsoperimetryError(Exception):
    """The base of the exceptions that are the library's own."""


class MissingDependency(IsoperimetryError, ImportError):
    """A feature needs a package that is not installed.

    Parameters
    ----------
    feature : str
        What the caller asked for, as the caller would write it.
    package : str
        The distribution that is missing.
    extra : str
        The extra of isoperimetry that installs it.
    """

    def __init__(self, feature: str, package: str, extra: str) -> None:
        self.feature, self.package, self.extra = feature, package, extra
        super().__init__(
            f"{feature} needs the package '{package}'. Install it with: pip install \"isoperimetry[{extra}]\""
        )


class ModelError(IsoperimetryError, ValueError):
    """A model cannot be judged: it answers with NaN, answers differently twice, or is in training mode."""


class NotExact(IsoperimetryError, ValueError):
    """What was asked of an error set has no exact answer: it is refused, and never approximated in silence.

    `isoperimetry.volume` estimates a measure that has no closed form, with an interval.
    """


class FunctionError(IsoperimetryError, ValueError):
    """A user's function raised an exception, or its answer cannot be used: wrong shape or type, NaN, or not repeatable.

    Raised by a run that had measured something, it comes as the cause of a `RunFailed`.
    """


class RecordError(IsoperimetryError, OSError):
    """A file of results cannot be written, because the disk is full or fails; what was written before can be read."""


class RunFailed(IsoperimetryError, RuntimeError):
    """A run ended early because a function or an executor failed; what it had measured is in ``estimate``.

    Parameters
    ----------
    message : str
        What failed, and what to do.
    estimate : Estimate or None
        The estimate from the blocks that were finished, with an interval that may be read at any time; None if there
        was none.
    """

    def __init__(self, message: str, estimate: object = None) -> None:
        self.estimate = estimate
        super().__init__(message)
