"""Assertions for test suites: numbers to the last digits, and theorems on sets whose volumes are exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
from numpy.typing import ArrayLike

from isoperimetry.bounds import Theorem
from isoperimetry.sets import ErrorSet
from isoperimetry.testing._witness import WITNESSES, Witness


def assert_ulp(actual: ArrayLike, expected: Any, ulp: float, *, absolute: float = 0.0) -> None:
    """Assert that numbers are within some units in the last place of the truth.

    Parameters
    ----------
    actual : float or array, shape S
        What was computed, in float64.
    expected : float, str, mpmath.mpf, or nested sequence of them, shape S
        The truth, read exactly; a string is a decimal number.
    ulp : float
        Largest difference in units of the spacing of float64 at the truth, >= 0; it may be fractional.
    absolute : float
        A difference up to this passes too, >= 0: for truths near 0.

    Raises
    ------
    AssertionError
        Naming the worst entry and its difference. Infinities and NaN must agree exactly.

    Examples
    --------
    >>> assert_ulp(0.1 + 0.2, "0.3", 1)
    >>> assert_ulp(0.31, "0.3", 1)
    Traceback (most recent call last):
        ...
    AssertionError: 0.31 differs from 0.3 by 1.8e+14 ulp: at most 1 allowed.
    """
    numbers, truths = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=object)
    if numbers.shape != truths.shape:
        raise AssertionError(f"The shapes differ: {numbers.shape} and {truths.shape}.")
    worst: tuple[float, str] = (-1.0, "")
    for index in np.ndindex(numbers.shape):
        number, truth = float(numbers[index]), truths[index]
        difference = _ulp_difference(number, truth, absolute)
        if difference > worst[0]:
            where = f"[{', '.join(map(str, index))}] = " if index else ""
            with mpmath.workdps(60):
                worst = difference, f"{where}{number!r} differs from {mpmath.nstr(mpmath.mpf(truth), 20)}"
    if worst[0] > ulp:
        raise AssertionError(f"{worst[1]} by {worst[0]:.2g} ulp: at most {ulp:g} allowed.")


def _ulp_difference(number: float, truth: Any, absolute: float) -> float:
    with mpmath.workdps(60):
        exact = mpmath.mpf(truth)
        if mpmath.isnan(exact) or math.isnan(number):
            return 0.0 if mpmath.isnan(exact) and math.isnan(number) else math.inf
        if mpmath.isinf(exact) or math.isinf(number):
            return 0.0 if exact == number else math.inf
        gap = abs(mpmath.mpf(number) - exact)
        return 0.0 if gap <= absolute else float(gap / float(np.spacing(abs(float(exact)))))


def assert_theorem(
    theorem: Theorem,
    error_set: ErrorSet,
    *,
    center: ArrayLike | None = None,
    sigma: float = 1.0,
    levels: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
    tolerance: float = 1e-9,
) -> None:
    """Assert that a theorem of the library holds for a set whose volumes are exact.

    The truth comes from the set alone: from the exact measure of its enlargements, which is the distribution function
    of the distance of a noisy sample.

    Parameters
    ----------
    theorem : Theorem
        One of `isoperimetry.bounds.THEOREMS` about error sets in Gaussian noise, or one of yours: with the ``name`` of
        such a theorem, ``dataclasses.replace(theorem, bound=function)`` puts your function to the same test.
    error_set : ErrorSet
        A set with exact "volume" and "enlarged_volume" among its `capabilities`.
    center : array, shape (dim,), optional
        Center of the noise; None: the origin.
    sigma : float
        Scale of the noise, > 0 and finite, in the unit of the inputs.
    levels : sequence of float
        Where to look: levels in (0, 1) of the distribution of the distance.
    tolerance : float
        Slack for rounding and quadrature: of probabilities, and of lengths in units of ``sigma``.

    Raises
    ------
    AssertionError
        If the exact numbers of the set contradict the theorem.
    ValueError
        If the theorem does not apply to the set, the set is not exact, or the theorem is unknown here.

    Examples
    --------
    >>> from isoperimetry.bounds import GAUSSIAN_DISTANCE
    >>> from isoperimetry.sets import Slab
    >>> assert_theorem(GAUSSIAN_DISTANCE, Slab([1.0, 0.0], center_offset=3.0, half_width=1.0), sigma=0.7)
    """
    if not isinstance(theorem, Theorem):
        raise TypeError(
            f"theorem={theorem!r} must be a Theorem: pass one of THEOREMS, "
            "or dataclasses.replace(THEOREMS[name], bound=function)."
        )
    if not isinstance(error_set, ErrorSet):
        raise TypeError(f"error_set={error_set!r} must be a set of isoperimetry.sets.")
    refuted = [name for name, holds in theorem.check(error_set).items() if holds is False]
    if refuted:
        raise ValueError(f"{theorem.name} does not apply to {error_set!r}: it assumes {' and '.join(refuted)}.")
    if not {"volume", "log_volume", "enlarged_volume"} <= error_set.capabilities:
        raise ValueError(f"error_set={error_set!r} must have exact volumes: the theorem is compared with them.")
    if theorem.name not in WITNESSES:
        raise ValueError(
            f"theorem={theorem.name!r} must be one about error sets in Gaussian noise: {', '.join(WITNESSES)}."
        )
    for case in WITNESSES[theorem.name](theorem, Witness(error_set, center, sigma), levels):
        slack = tolerance * case.unit
        # Written so that NaN fails.
        side = case.side or theorem.direction
        low_enough = case.truth <= case.bound + slack or side.startswith("lower")
        high_enough = case.truth >= case.bound - slack or side.startswith("upper")
        if not (low_enough and high_enough):
            raise AssertionError(
                f"{theorem.name} fails for {error_set!r} with sigma={sigma!r}: "
                f"{case.what} is {case.truth!r}, the bound {case.bound!r}."
            )
