"""Reading the reference tables of tests/reference/tables, and errors in units in the last place."""

from __future__ import annotations

import decimal
import math
from decimal import Decimal
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "reference" / "tables"
_CONTEXT = decimal.Context(prec=60, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)


def load(name: str) -> list[tuple[float, Decimal]]:
    """Return the rows (input, true value) of one table; the inputs are hexadecimal floats."""
    lines = (FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines if line and not line.startswith("#")]
    return [(float.fromhex(x), Decimal(value)) for x, value in rows[1:]]


def load_several(name: str) -> list[tuple[tuple[float, ...], Decimal]]:
    """Return the rows (inputs, true value) of the table of a function of several arguments."""
    lines = (FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines if line and not line.startswith("#")]
    return [(tuple(map(float.fromhex, inputs)), Decimal(value)) for *inputs, value in rows[1:]]


def error_in_ulp(value: float, truth: Decimal) -> float:
    """Return |value - truth| in units of the last place of the float64 that is nearest to the truth."""
    nearest = float(truth)
    if not math.isfinite(value):
        return 0.0 if value == nearest else math.inf
    return float(abs(_CONTEXT.subtract(Decimal(value), truth)) / Decimal(math.ulp(nearest)))


def worst_error(values: np.ndarray | list[float], truths: list[Decimal]) -> tuple[float, int]:
    """Return the largest error in ulp and the index where it is."""
    errors = [error_in_ulp(float(value), truth) for value, truth in zip(values, truths, strict=True)]
    worst = int(np.argmax(errors))
    return errors[worst], worst


def error_in_units(value: float, truth: Decimal) -> float:
    """Return the error of a log-probability in units that any algorithm needs some of.

    The unit is 2**-52 of the result, times the log of the result where that is small: the result is then the other
    probability, which comes from its own logarithm. Results below the normal numbers have an absolute unit.
    """
    nearest = float(truth)
    if not math.isfinite(value) or not math.isfinite(nearest):
        return 0.0 if value == nearest else math.inf
    size = abs(nearest)
    unit = 2.0**-52 * size * max(1.0, -math.log(size)) if size >= 2.0**-1022 else 5e-324
    return float(abs(_CONTEXT.subtract(Decimal(value), truth)) / Decimal(unit))
