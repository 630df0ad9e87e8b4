"""The checks of arguments, with one form of message: ``name=value``, what must hold, what to do.

NaN passes every check of a range: functions of numbers return NaN for it (a count or an option is never NaN).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def as_float(name: str, value: ArrayLike) -> Array:
    """Return ``value`` as a float64 array (0-d for a scalar); TypeError unless it holds real numbers."""
    if hasattr(value, "mask") and hasattr(value, "filled"):
        raise TypeError(
            f"{name} is a masked array: its mask would be lost. Pass {name}.filled(nan), or the data alone."
        )
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        if array.dtype.kind == "O" and array.size == 0:
            return array.astype(np.float64)
        raise TypeError(f"{name}={value!r} must be a real number or an array of real numbers.")
    return array.astype(np.float64, copy=False)


def refuse(name: str, array: Array, bad: NDArray[np.bool_], rule: str, advice: str) -> None:
    """Raise ValueError naming the first entry where ``bad`` is true, if there is one."""
    if not bad.any():
        return
    if array.ndim == 0:
        raise ValueError(f"{name}={array.item()!r} must be {rule}: {advice}")
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    where = ", ".join(map(str, first))
    count = int(bad.sum())
    entries = "1 entry" if count == 1 else f"{count} entries"
    raise ValueError(
        f"{name} has {entries} outside its range, the first is {name}[{where}]={array[first].item()!r}: "
        f"all must be {rule}; {advice}"
    )


def as_rate(name: str, value: ArrayLike) -> Array:
    """Return probabilities, each in [0, 1] or NaN."""
    array = as_float(name, value)
    refuse(
        name, array, (array < 0) | (array > 1), "in [0, 1]",
        "it is a probability. A percentage must be divided by 100.",
    )  # fmt: skip
    return array


def as_level(name: str, value: ArrayLike) -> Array:
    """Return levels of quantiles, each in (0, 1) or NaN."""
    array = as_rate(name, value)
    refuse(name, array, (array == 0) | (array == 1), "in (0, 1)", "it is the level of a quantile.")
    return array


def as_log_rate(name: str, value: ArrayLike) -> Array:
    """Return logarithms of probabilities, each <= 0 or NaN."""
    array = as_float(name, value)
    refuse(name, array, array > 0, "<= 0", "it is the natural logarithm of a probability.")
    return array


def as_nonnegative(name: str, value: ArrayLike, what: str) -> Array:
    """Return numbers that are >= 0 or NaN; ``what`` says in words what they are."""
    array = as_float(name, value)
    refuse(name, array, array < 0, ">= 0", f"it is {what}.")
    return array


def as_positive(name: str, value: ArrayLike, what: str) -> Array:
    """Return numbers that are > 0 or NaN; ``what`` says in words what they are."""
    array = as_float(name, value)
    refuse(name, array, array <= 0, "> 0", f"it is {what}.")
    return array


def as_confidence(value: float, name: str = "confidence") -> float:
    """Return a confidence strictly between 0 and 1."""
    array = as_float(name, value)
    if array.ndim or not 0 < array < 1:
        raise ValueError(f"{name}={value!r} must be one number in (0, 1): write 0.95, not 95 and not 0.05.")
    return float(array)


def as_count(name: str, value: Any, *, low: int = 0, below: int | None = None) -> int:
    """Return an integer >= ``low``, and < ``below`` if that is given; a float, even a whole one, is refused."""
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r} must be an integer: it is a count.") from None
    if count < low:
        raise ValueError(f"{name}={count} must be >= {low}: it is a count.")
    if below is not None and count >= below:
        raise ValueError(f"{name} has {count.bit_length()} bits but must be below {below}: it is a count of draws.")
    return count


def as_expected(name: str, value: Any) -> int | None:
    """Return the number of draws for which an interval is to be narrowest, None if none is named."""
    return None if value is None else as_count(name, value, low=1, below=2**63)


def as_errors_of_trials(errors: Any, trials: Any) -> tuple[int, int]:
    """Return (errors, trials) with 0 <= errors <= trials."""
    n_errors, n_trials = as_count("errors", errors, below=2**63), as_count("trials", trials, below=2**63)
    if n_errors > n_trials:
        raise ValueError(f"errors={n_errors} must be <= trials={n_trials}: pass errors first, then trials.")
    return n_errors, n_trials


def as_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``."""
    allowed = tuple(choices)
    if value not in allowed:
        raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, allowed))}.")
    return str(value)


def as_points(name: str, value: ArrayLike, *, dim: int, owner: str) -> Array:
    """Return points of shape (..., dim)."""
    array = as_float(name, value)
    if array.ndim == 0 or array.shape[-1] != dim:
        hint = " Flatten images with reshape(len(x), -1)." if array.ndim > 2 and array[0].size == dim else ""
        raise ValueError(
            f"{owner} has dim={dim} but {name} has shape {array.shape}: the last axis must equal dim.{hint}"
        )
    return array


def like_input(result: Array) -> float | Array:
    """Return a Python float for a 0-d result, otherwise the array."""
    return float(result) if np.ndim(result) == 0 else result


def broadcast_shape(**arguments: Array) -> tuple[int, ...]:
    """Return the common shape of arrays; ValueError that names them where there is none."""
    try:
        return np.broadcast_shapes(*(array.shape for array in arguments.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arguments.items())
        raise ValueError(f"The shapes of {shapes} do not broadcast: make them equal or of length 1.") from None


def broadcast(function: Callable[..., Array], **arguments: Array) -> Array:
    """Apply ``function`` to arrays after checking that their shapes broadcast; the error names the arguments."""
    broadcast_shape(**arguments)
    return function(*arguments.values())
