"""Print the tables of the kernels of the normal distribution with their errors: python tests/reference/fit_normal.py.

Each is the best approximation in the sense of Remez (tests/reference/remez.py), of a polynomial or a quotient of two,
in the error that it causes in the final result; a coefficient is rounded once. The highest power comes first.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpmath import mp, mpf

from isoperimetry.testing import reference

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that it runs as a script too

from tests.reference.remez import minimax

DIGITS = 80
INNER = "1.125"
CENTER_SQUARE, SCALE, WIDTH, SHIFT, OUTER_SHIFT, OUTER_CONSTANT = mpf(185) / 1024, 5, 12.25, 0.5, 2.25, 0.75

Table = tuple[list[Any], list[Any], Any]


def exact(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run with DIGITS digits, and once for each argument."""

    @functools.cache
    @functools.wraps(function)
    def wrapped(*args: Any) -> Any:
        with mp.workdps(DIGITS):
            return function(*args)

    return wrapped


@exact
def exponential() -> Table:
    """(exp(r) - 1 - r) / r**2 for |r| <= log(2) / 2; error relative to exp(r) - 1."""

    def f(r: Any) -> Any:
        return (mp.expm1(r) - r) / r**2

    half = mp.log(2) / 2
    return minimax(f, -half, half, 9, weight=lambda r: abs(r**2 / mp.expm1(r)))


@exact
def logarithm() -> Table:
    """(2 atanh(s) - 2 s) / s**3 in z = s**2 for |s| <= 1 / (3 + sqrt(8)); error relative to the logarithm."""

    def f(z: Any) -> Any:
        s = mp.sqrt(z)
        return 2 * (mp.atanh(s) - s) / s**3

    high = 1 / (3 + mp.sqrt(8)) ** 2
    return minimax(f, high / 10**9, high, 6, weight=lambda z: z / 2)


@exact
def _scaled(x: Any) -> Any:
    return reference.mills_ratio(x, digits=DIGITS) / mp.sqrt(2 * mp.pi)


@exact
def tail() -> Table:
    """(x + SHIFT) W(x) in t = 1 - WIDTH / (x + SCALE) for x >= INNER; relative error."""

    def f(t: Any) -> Any:
        if t == 1:
            return 1 / mp.sqrt(2 * mp.pi)
        x = WIDTH / (1 - t) - SCALE
        return (x + SHIFT) * _scaled(x)

    return minimax(f, -1, 1, 21, weight=lambda t: 1 / f(t))


@exact
def tail_slope() -> Table:
    """The derivative of the former; error relative to the former, where t has the error of 1 - t."""
    p = tail()[0]
    derivative = [k * c for k, c in enumerate(p)][1:]
    return minimax(lambda t: mp.polyval(derivative[::-1], t), -1, 1, 3, weight=lambda t: (mpf("1.01") - t) / p[0])


@exact
def inner() -> Table:
    """((Phi(x) - 1/2) / x - 1 / sqrt(2 pi)) / t in t = x**2 for |x| <= INNER; error relative to Phi(-x)."""

    def f(t: Any) -> Any:
        x = mp.sqrt(t)
        return (mp.erf(x / mp.sqrt(2)) / (2 * x) - 1 / mp.sqrt(2 * mp.pi)) / t

    def weight(t: Any) -> Any:
        x = mp.sqrt(t)
        return x**3 / reference.ndtr(-x, digits=DIGITS)

    return minimax(f, mpf(10) ** -9, mpf(INNER) ** 2, 9, weight=weight)


@exact
def log_of_complement() -> Table:
    """(-log(1 - p) - p - p**2 / 2) / p**3 for 0 <= p <= 0.131; error relative to the logarithm."""

    def f(p: Any) -> Any:
        return (-mp.log1p(-p) - p - p**2 / 2) / p**3

    return minimax(f, mpf(10) ** -9, mpf("0.131"), 3, 3, weight=lambda p: -(p**3) / mp.log1p(-p))


@exact
def _center(t: Any) -> Any:
    return reference.ndtri(mpf(1) / 2 + mp.sqrt(t), digits=DIGITS)


@exact
def center() -> Table:
    """((Phi^-1(1/2 + q) / q - sqrt(2 pi)) / t - C) / t in v = CENTER_SQUARE - t, with t = q**2 and C = (2 pi)**1.5 / 6.

    Error relative to the quantile.
    """

    def f(v: Any) -> Any:
        t = CENTER_SQUARE - v
        return ((_center(t) / mp.sqrt(t) - mp.sqrt(2 * mp.pi)) / t - mp.sqrt(2 * mp.pi) ** 3 / 6) / t

    def weight(v: Any) -> Any:
        t = CENTER_SQUARE - v
        return mp.sqrt(t) * t * t / _center(t)

    return minimax(
        f, mpf(10) ** -9, mp.sqrt(CENTER_SQUARE), 7, 7, weight=weight, variable=lambda u: CENTER_SQUARE - u * u
    )


@exact
def center_slope() -> Table:
    """The derivative of Phi^-1(1/2 + q), in q**2; relative error."""

    def f(t: Any) -> Any:
        return mp.sqrt(2 * mp.pi) * mp.exp(_center(t) ** 2 / 2)

    return minimax(f, 0, CENTER_SQUARE, 4, weight=lambda t: 1 / f(t))


@exact
def _gap(r: Any) -> Any:
    return r + reference.ndtri_exp(-r * r / 2, digits=DIGITS)


@exact
def outer() -> Table:
    """r + Phi^-1(exp(-r**2 / 2)) - OUTER_CONSTANT in s = r - OUTER_SHIFT; error relative to the quantile."""
    low, high = mp.sqrt(-2 * mp.log(mpf("0.07505"))), mpf("38.7")
    return minimax(
        lambda s: _gap(s + OUTER_SHIFT) - OUTER_CONSTANT, mp.log(low), mp.log(high), 11, 10,
        weight=lambda s: 1 / (s + OUTER_SHIFT - _gap(s + OUTER_SHIFT)), variable=lambda u: mp.exp(u) - OUTER_SHIFT,
    )  # fmt: skip


@exact
def deep() -> Table:
    """((r + Phi^-1(exp(-r**2 / 2))) r - g) r**2 in g = log(r sqrt(2 pi)); error relative to the quantile."""

    def f(g: Any) -> Any:
        r = mp.exp(g) / mp.sqrt(2 * mp.pi)
        return (_gap(r) * r - g) * r**2

    low, high = (mp.log(mpf(r) * mp.sqrt(2 * mp.pi)) for r in ("38.4", "1e9"))
    return minimax(
        f, 0, 1, 9, weight=lambda g: (mp.sqrt(2 * mp.pi) / mp.exp(g)) ** 4,
        variable=lambda u: low + (high - low) * u**3,
    )  # fmt: skip


TABLES = (
    "exponential", "logarithm", "tail", "tail_slope", "inner", "log_of_complement", "center", "center_slope", "outer",
    "deep",
)  # fmt: skip


def show(name: str, coefficients: list[Any]) -> None:
    """Print a table, the highest power first."""
    print(f"{name} = (")
    for c in reversed(coefficients):
        print(f"    {float(c)!r},")
    print(")")


def main() -> None:
    for name in TABLES:
        table = globals()[name]
        p, q, error = table()
        print(f"# {table.__doc__.strip()} Error {mp.nstr(error, 2)}")
        with mp.workdps(DIGITS):
            low = float(p[0] - mpf(float(p[0])))
        show(name, p)
        if name == "tail":
            print(f"# What the last one leaves out: {low!r}")
        if len(q) > 1:
            show(name + ", bottom", q)


if __name__ == "__main__":
    main()
