"""Best rational approximations of functions of one variable to any number of digits (Remez' exchange, in mpmath)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import mp

Function = Callable[[Any], Any]


def chebyshev(low: Any, high: Any, count: int) -> list[Any]:
    """Return the extrema of the Chebyshev polynomial of degree ``count - 1`` on [low, high]."""
    return [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * k / (count - 1)) for k in range(count)]


def horner(coefficients: list[Any], x: Any) -> Any:
    """Evaluate a polynomial whose constant term comes first."""
    return mp.polyval(coefficients[::-1], x)


def minimax(
    function: Function, low: Any, high: Any, top: int, bottom: int = 0, *, weight: Function = lambda x: 1,
    variable: Function = lambda u: u, grid: int = 40, rounds: int = 25,
) -> tuple[list[Any], list[Any], Any]:  # fmt: skip
    """Return P and Q with ``P(x) / Q(x)`` nearest to ``function``, and the largest weighted error.

    Parameters
    ----------
    function, weight : callable
        Of x. The maximum of ``weight |P / Q - function|`` is made least.
    low, high : number
        The range of u; nodes are spread over it as Chebyshev's.
    top, bottom : int
        Degrees of P and Q; Q has the constant term 1.
    variable : callable
        x as an increasing or decreasing function of u.
    grid, rounds : int
        Points searched for each extremum of the error, and the most rounds of exchange.

    Returns
    -------
    tuple
        Coefficients of P and of Q, constant terms first, and the error on the grid.
    """
    count = top + bottom + 2
    points = [variable(u) for u in chebyshev(mp.mpf(low), mp.mpf(high), grid * count)]
    values, weights = [function(x) for x in points], [weight(x) for x in points]
    chosen = [round(k * (len(points) - 1) / (count - 1)) for k in range(count)]
    q: list[Any] = [mp.mpf(1)]
    best: tuple[Any, list[Any], list[Any]] | None = None
    for _ in range(rounds):
        for _ in range(4):  # the equations are linear once the factor Q of the error is that of the last solution
            matrix, right = mp.matrix(count, count), mp.matrix(count, 1)
            for row, i in enumerate(chosen):
                # Equations are scaled so that none is far larger than the others.
                scale = power = 1 / max(mp.mpf(1), abs(points[i])) ** max(top, bottom)
                for k in range(max(top, bottom) + 1):
                    if k <= top:
                        matrix[row, k] = power
                    if 1 <= k <= bottom:
                        matrix[row, top + k] = -values[i] * power
                    power *= points[i]
                matrix[row, count - 1] = (-1) ** row * scale * horner(q, points[i]) / weights[i]
                right[row] = scale * values[i]
            solution = mp.lu_solve(matrix, right)
            p, q = list(solution[: top + 1]), [mp.mpf(1), *solution[top + 1 : count - 1]]
            if not bottom:
                break
        errors = [w * (horner(p, x) / horner(q, x) - f) for x, f, w in zip(points, values, weights, strict=True)]
        peaks: list[int] = []
        for i, error in enumerate(errors):
            if not peaks or (error > 0) != (errors[peaks[-1]] > 0):
                peaks.append(i)
            elif abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = i
        largest = max(map(abs, errors))
        if best is None or largest < best[0]:
            best = largest, p, q
        while len(peaks) > count:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) < count or largest < abs(solution[count - 1]) * mp.mpf("1.01"):
            break
        chosen = peaks
    assert best is not None
    return best[1], best[2], best[0]
