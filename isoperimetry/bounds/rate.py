"""An error rate in one of four forms, turned into its probit once."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate, special
from isoperimetry._validate import Array

Form = Literal["mu", "log_mu", "accuracy", "log_accuracy"]
FORMS: tuple[Form, ...] = ("mu", "log_mu", "accuracy", "log_accuracy")
Rates = tuple[ArrayLike | None, ArrayLike | None, ArrayLike | None, ArrayLike | None]


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate as it was given, and its probit ``z = ndtri(mu)``, on which the formulas work.

    The given value is kept because what it says exactly (``mu`` itself, or its complement near 1) cannot be read back
    from ``z`` without a loss.
    """

    form: Form
    value: Array
    z: Array

    @property
    def linear(self) -> Array:
        """The error rate."""
        return self._read("mu", "accuracy")

    @property
    def complement(self) -> Array:
        """The accuracy, 1 - mu."""
        return self._read("accuracy", "mu")

    @property
    def log(self) -> Array:
        """The logarithm of the error rate."""
        return self._read_log("mu", "accuracy")

    @property
    def log_complement(self) -> Array:
        """The logarithm of the accuracy."""
        return self._read_log("accuracy", "mu")

    def _read(self, same: str, other: str) -> Array:
        if self.form == same:
            return self.value
        if self.form == other:
            return 1.0 - self.value
        return np.exp(self.value) if self.form == f"log_{same}" else -np.expm1(self.value)

    def _read_log(self, same: str, other: str) -> Array:
        if self.form == f"log_{same}":
            return self.value
        if self.form == f"log_{other}":
            return log1mexp(self.value)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.value) if self.form == same else np.log1p(-self.value))


def read_rate(
    mu: ArrayLike | None, log_mu: ArrayLike | None, accuracy: ArrayLike | None, log_accuracy: ArrayLike | None
) -> Rate:
    """Return the one rate that was given; TypeError unless it is exactly one, ValueError outside its range."""
    forms: dict[Form, ArrayLike | None] = {
        "mu": mu, "log_mu": log_mu, "accuracy": accuracy, "log_accuracy": log_accuracy
    }  # fmt: skip
    given = [form for form, value in forms.items() if value is not None]
    if len(given) != 1:
        raise _not_one_form(given)
    form = given[0]
    if form == "mu" or form == "accuracy":
        value = _validate.as_rate(form, forms[form])  # type: ignore[arg-type]
        z = np.asarray(special.ndtri(value))
    else:
        value = _validate.as_log_rate(form, forms[form])  # type: ignore[arg-type]
        z = np.asarray(special.ndtri_exp(value))
    return Rate(form, value, z if form in ("mu", "log_mu") else 0.0 - z)


def _not_one_form(given: list[Any]) -> TypeError:
    return TypeError(
        f"The error rate was given as {' and '.join(given) or 'nothing'}: "
        "pass exactly one of mu, log_mu=, accuracy=, log_accuracy=."
    )


def read_sigma(sigma: ArrayLike, rate: Rate) -> Array:
    """Return the noise scales; without noise the rate must be 0 or 1, as a sample is right or wrong."""
    scale = _validate.as_nonnegative("sigma", sigma, "the scale of the noise, in the unit of the inputs")
    in_between = _validate.broadcast(
        lambda z, scale: np.where(np.isfinite(z), scale, math.nan), **{rate.form: rate.z, "sigma": scale}
    )
    _validate.refuse(
        "sigma", np.broadcast_to(scale, in_between.shape), in_between == 0, "> 0 where 0 < mu < 1",
        "without noise the one sample is right or wrong, so the error rate is 0 or 1.",
    )  # fmt: skip
    return scale


def given(**arguments: ArrayLike | None) -> list[ArrayLike]:
    """Return arguments that must not be left out though ``mu``, which stands before them, may be."""
    missing = [name for name, value in arguments.items() if value is None]
    if missing:
        raise TypeError(f"{' and '.join(missing)} must be given too: by name where the error rate is given by name.")
    return [value for value in arguments.values() if value is not None]


def evaluate(formula: Callable[..., Array], rate: Rate | None = None, **arguments: Array) -> float | Array:
    """Return ``formula(**arguments)``, where ``rate`` is used too, after checking that all shapes broadcast.

    A float for scalars. The formulas decide what infinities give, so NumPy need not warn of them.
    """
    shapes = {rate.form: rate.value, **arguments} if rate else arguments
    with np.errstate(all="ignore"):
        result = _validate.broadcast(lambda *_: formula(**arguments), **shapes)
    return _validate.like_input(np.asarray(result))


def compiled(
    kernel: str,
    rates: Rates | None = None,
    *,
    options: tuple[int, ...] = (),
    **arguments: ArrayLike | None,
) -> float | Array:
    """Return a bound from its loop ``kernels.<kernel>(rate, form, *arguments, *options, out)``; a float for scalars.

    The loop counts what is out of range. Only then are the arguments checked one by one, for the message.

    Parameters
    ----------
    kernel : str
        Module and name, such as ``distances.halfspace_distance`` for ``fill_halfspace_distance`` there.
    rates : tuple
        ``mu, log_mu, accuracy, log_accuracy`` as they were given, exactly one of them not None; None for a bound that
        needs no rate.
    options : tuple of int
        What the loop takes after the arrays.
    **arguments
        The other arguments in the order of the loop, which is that of their checks too, by the names in `CHECKS`.
    """
    form, values = 0, arguments
    if rates is not None:
        found = [i for i in range(4) if rates[i] is not None]
        if len(found) != 1:
            raise _not_one_form([FORMS[i] for i in found])
        form = found[0]
        values = {FORMS[form]: rates[form], **arguments}
    arrays = [_validate.as_float(name, value) for name, value in zip(values, given(**values), strict=True)]
    shape = arrays[0].shape
    if any(array.shape != shape for array in arrays):
        try:
            shape = np.broadcast_shapes(*(array.shape for array in arrays))
        except ValueError:  # the checks come first
            _check(rates, arguments)
            _validate.broadcast_shape(**dict(zip(values, arrays, strict=True)))
            raise
    out = np.empty(shape)
    if not out.size:
        _check(rates, arguments)
        return out
    flat: list[Any] = [_flat(array, shape) for array in arrays]
    if rates is not None:
        flat[:1] = [flat[0] if flat[0].size == out.size else np.full(out.size, flat[0]), form]
    if _loop(kernel)(*flat, *options, out.reshape(-1)):
        _check(rates, arguments)
    return out if shape else float(out)


@functools.cache
def _loop(kernel: str) -> Callable[..., int]:
    module, name = kernel.split(".")
    loop: Callable[..., int] = getattr(import_module(f"isoperimetry.kernels.{module}"), f"fill_{name}")
    return loop


def _flat(array: Array, shape: tuple[int, ...]) -> Array:
    """Return the one number of an array, or all those of the result's shape; never read-only, for that is compiled."""
    if array.size != 1 and array.shape != shape:
        array = np.broadcast_to(array, shape)
    flags = array.flags
    return (array if flags.carray else np.require(array, requirements=["C", "A", "W"])).reshape(-1)


def _check(rates: Rates | None, arguments: dict[str, ArrayLike | None]) -> None:
    """Raise the error of the first argument that has one."""
    rate = None if rates is None else read_rate(*rates)
    for name, value in arguments.items():
        assert value is not None
        if name == "sigma" and rate is not None:
            read_sigma(value, rate)
        else:
            CHECKS[name](value)


def _nonnegative(name: str, what: str) -> Callable[[ArrayLike], Array]:
    return lambda value: _validate.as_nonnegative(name, value, what)


CHECKS: dict[str, Callable[[ArrayLike], Array]] = {
    "eps": _nonnegative("eps", "a distance"),
    "q": lambda value: _validate.as_level("q", value),
    "robust_fraction": lambda value: _validate.as_rate("robust_fraction", value),
    "sigma": _nonnegative("sigma", "the scale of the noise, in the unit of the inputs"),
    "sigma_new": _nonnegative("sigma_new", "a scale of the noise, in the unit of the inputs"),
}
"""The check of each argument of `compiled`, but for ``sigma`` beside a rate, which `read_sigma` checks."""


def stretch(length: Array, sigma: Array) -> Array:
    """Return ``length * sigma`` where 0 stays 0 without bound on the noise and inf stays inf without noise."""
    decided = ((length == 0) | np.isinf(length)) & ~np.isnan(sigma)
    return np.where(decided, length, length * sigma) + 0.0  # + 0.0: never -0.0


def shrink(eps: Array, sigma: Array) -> Array:
    """Return ``eps / sigma`` for lengths >= 0 where 0 stays 0 without noise and inf stays inf in boundless noise."""
    decided = ((eps == 0) | np.isinf(eps)) & ~np.isnan(sigma)
    return np.where(decided, eps, eps / sigma)


def log1mexp(x: Array) -> Array:
    """Return ``log(1 - exp(x))`` for x <= 0 without cancellation (Maechler 2012)."""
    with np.errstate(divide="ignore"):
        return np.where(x > -math.log(2), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))
