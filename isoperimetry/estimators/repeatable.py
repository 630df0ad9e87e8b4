"""A user's function is tried out before anything is measured: a function of the point alone, its gradient its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoperimetry.errors import FunctionError
from isoperimetry.estimators.functions import Membership
from isoperimetry.estimators.problem import Problem, SetTarget, ask_function

DIFFERENCE = 1e-2
"""Of those that check a gradient: far above the rounding of float32."""


def check_function(problem: Problem, key: int) -> tuple[int, list[float]]:
    """Ask a user's function about a few noisy points, twice and in parts; return the calls and the answers.

    Raises FunctionError if the answers differ, and if a margin and a membership do.
    """
    n = min(8, problem.batch)
    points = problem.space.draw(key, 0, n)
    target = problem.target
    if isinstance(target, SetTarget):
        return 0, []
    record = getattr(target, "record", None)
    if isinstance(record, Membership) and record.compiled:
        from isoperimetry.estimators.fused import compiled_value

        value = ask_function("function", lambda x: compiled_value(record.function, x[0]), points)
        if not isinstance(value, bool | np.bool_ | int | np.integer):
            raise FunctionError(
                f"function returned {type(value).__name__} but must return bool: a compiled membership says of one "
                "point whether it is an error."
            )
    ask: Any = target.margin if target.has_margin else target.contains
    untouched = points.copy()
    once = ask(points)
    if not np.array_equal(points, untouched):
        raise FunctionError("function changed the points that it was given: it must leave its argument as it is.")
    again, alone = ask(points.copy()), ask(points[:1].copy())
    scale = max(1.0, float(np.abs(once).max())) if target.has_margin else 0.0
    for other, part, what in ((again, once, "asked twice"), (alone, once[:1], "asked alone and among others")):
        # float32 models round differently in batches of another size: that much is no sign of randomness
        same = np.array_equal(other, part) if scale == 0 else np.allclose(other, part, rtol=1e-3, atol=1e-3 * scale)
        if not same:
            raise FunctionError(
                f"function answered differently when {what} about the same point ({other[0]} and {part[0]}): it must "
                "be a function of the point alone (a model in evaluation mode, no randomness)."
            )
    calls = 2 * n + 1
    if target.has_gradient:
        calls += _check_gradient(problem, key)
    return calls, once.astype(np.float64).tolist()


def _check_gradient(problem: Problem, key: int) -> int:
    """Compare a gradient with differences of the margin along it; return the calls.

    A kink between the two points may spoil one comparison, and rounding of float32 a difference, but not all of them.
    """
    n = min(4, problem.batch)
    u = problem.normals(key, 8, n)
    gradient = problem.gradient(u)
    slopes = np.linalg.norm(gradient, axis=1)
    steep = slopes > 0
    if not steep.any():
        return 0
    u, slopes = u[steep], slopes[steep]
    ahead = gradient[steep] / slopes[:, None]
    found = (problem.margin(u + DIFFERENCE * ahead) - problem.margin(u - DIFFERENCE * ahead)) / (2 * DIFFERENCE)
    if np.all(np.abs(found - slopes) > 0.5 * np.maximum(np.abs(found), slopes)):
        raise FunctionError(
            f"gradient disagrees with function: along it the margin changes by {found[0]:.3g} per sigma, and it says "
            f"{slopes[0]:.3g}; it must be the derivative of the margin, shape (n, dim), or be left out."
        )
    return 2 * len(u)
