"""What went wrong, told apart and told: memory that did not suffice, and errors that the user's code raised."""

from __future__ import annotations

import torch

from isoperimetry.errors import ModelError


def raised(error: BaseException) -> str:
    """Return what the user's code raised, on one line."""
    first_line = str(error).partition("\n")[0]
    return f"raised {type(error).__name__}: {first_line}"


def not_finite(
    consequence: str = "no error rate can be measured on it", *, what: str = "The model", where: str = ""
) -> ModelError:
    """Return the error that says of an answer that it is no finite number.

    Examples
    --------
    >>> str(not_finite())
    'The model returned NaN or infinite values: no error rate can be measured on it.'
    """
    return ModelError(f"{what} returned NaN or infinite values{where}: {consequence}.")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that the memory of the device, or of this machine, did not suffice."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    # The CPU's allocator, the runtimes of devices, and the libraries that they call.
    return any(text in str(error) for text in ("can't allocate memory", "out of memory", "_STATUS_ALLOC_FAILED"))
