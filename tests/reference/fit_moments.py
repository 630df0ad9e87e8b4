"""Print the tables of the kernels of the moments with their errors: python tests/reference/fit_moments.py.

Best approximations in the sense of Remez (tests/reference/remez.py) by a quotient of two polynomials in
``t = 1 - 2 SCALE / (x + SCALE)``, which takes x in [0, inf] to [-1, 1]; the highest power comes first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpmath import mp, mpf

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that it runs as a script too

from tests.reference.fit_normal import DIGITS, Table, exact
from tests.reference.remez import minimax

SCALE = 4
EXCESS_SHIFT, EXCESS_CONSTANT, SQUARE_SHIFT, SQUARE_CONSTANT = mpf("1.25"), mpf("1.0625"), mpf("1.5"), mpf("2.25")


@exact
def excess(x: Any) -> Any:
    """Return E[G - x | G > x] for a standard normal G: 1 / M(x) - x with the Mills ratio M."""
    if x > 60:
        return 1 / (x + _fraction(x))
    return mp.exp(-x * x / 2) / (mp.sqrt(mp.pi / 2) * mp.erfc(x / mp.sqrt(2))) - x


@exact
def square(x: Any) -> Any:
    """Return E[(G - x)**2 | G > x] = 1 - x excess(x)."""
    return _fraction(x) / (x + _fraction(x)) if x > 60 else 1 - x * excess(x)


def _fraction(x: Any) -> Any:
    """Return J in excess(x) = 1 / (x + J), J = 2 / (x + 3 / (x + ...)), which cancels nothing where x is large."""
    tail = mpf(0)
    for level in range(200, 1, -1):
        tail = level / (x + tail)
    return tail


def _in_t(function: Callable[[Any], Any], at_infinity: int) -> Callable[[Any], Any]:
    return lambda t: mpf(at_infinity) if t == 1 else function(2 * SCALE / (1 - t) - SCALE)


@exact
def excess_table() -> Table:
    """(x + EXCESS_SHIFT) excess(x) - EXCESS_CONSTANT; error relative to the excess."""
    f = _in_t(lambda x: (x + EXCESS_SHIFT) * excess(x), 1)
    return minimax(lambda t: f(t) - EXCESS_CONSTANT, -1, 1, 11, 11, weight=lambda t: 1 / f(t), grid=20)


@exact
def square_table() -> Table:
    """((x + SQUARE_SHIFT)**2 square(x) - SQUARE_CONSTANT) / (1 + t), so that square(0) is 1; relative error."""
    f = _in_t(lambda x: (x + SQUARE_SHIFT) ** 2 * square(x), 2)
    low = mpf(10) ** -9 - 1
    return minimax(
        lambda t: (f(t) - SQUARE_CONSTANT) / (1 + t), low, 1, 11, 12, weight=lambda t: (1 + t) / f(t), grid=20
    )


def main() -> None:
    for table in (excess_table, square_table):
        top, bottom, error = table()
        print(f"{table.__name__}: error {mp.nstr(error, 2)}")
        for name, coefficients in (("TOP", top), ("BOTTOM", bottom)):
            print(f"{name} = (")
            for coefficient in reversed(coefficients):
                print(f"    {float(coefficient)!r},")
            print(")")


if __name__ == "__main__":
    with mp.workdps(DIGITS):
        main()
