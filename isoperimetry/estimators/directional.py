"""Directional sampling: rays from the center in all directions, and the law of the length of noise along each."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.estimators.base import Method, Plan, Run, Summary
from isoperimetry.estimators.bundles import pair_means
from isoperimetry.estimators.crossings.lines import dots
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.roots import TOLERANCE, Lines, Reach, scan
from isoperimetry.estimators.values import relative_deviation, summarise

LINES = 16
"""Lines that are scanned together."""

PILOT_LINES = 8

INNER, OUTER, FAR = 8.0, 12.0, 48.0
"""Below ``sqrt(dim) - INNER`` there is less than 2e-14 of the noise, above ``sqrt(dim) + OUTER`` less than 1e-31. If
pilot rays meet errors only further out, the scan goes on to ``sqrt(dim) + FAR``, beyond which there is 1e-500."""

STRIDE = 2.0
"""Between the nodes of a scan."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DirectionalSampling(Method):
    r"""Measure rays: ``u = r v`` with v uniform on the sphere and r a chi variate of ``dim`` degrees of freedom.

    .. math:: \mu = E \Big[\sum_i P[low_i(v) \le \chi_{dim} \le high_i(v)]\Big]

    over the intervals of the ray of v that are errors; the opposite rays of a line are averaged. It suits errors all
    around the center, and few dimensions. An error set on one side in many dimensions is met by hardly any ray near
    enough to matter: use `LineSampling` there.

    Where all crossings are known in closed form (sets of the library, a `Margin` with ``pieces``), a line counts as one
    call, the values are unbiased, and the interval has a lower limit that is proved: LOWER_ONLY. Other margins are
    scanned at lengths 2 sigma apart, where noise is, with every sign change searched: ASYMPTOTIC, as a scan has gaps.

    Parameters
    ----------
    block_size : int, optional
        Lines in a block, rounded up to a multiple of 16; it does not change a bit of the result.

    Notes
    -----
    Sources: Ditlevsen, Melchers, Gluver (1990), General multi-dimensional probability integration by directional
    simulation, Computers & Structures 36. Sets of the library are sampled in full dimension.

    Examples
    --------
    >>> from isoperimetry.estimators import volume
    >>> from isoperimetry.sets import Ball, Complement
    >>> outside = Complement(Ball([0.0] * 784, 33.0))
    >>> estimate = volume(outside, method=DirectionalSampling(), n_samples=100, rng=1)
    >>> abs(estimate.log_value - outside.log_volume()) < 1e-9
    True
    """

    name: ClassVar[str] = "directional"

    block_size: int | None = None

    def __post_init__(self) -> None:
        if self.block_size is not None:
            _validate.as_count("block_size", self.block_size, low=1)

    @property
    def reduces(self) -> bool:  # type: ignore[override]
        """False: in full dimension the lines of a set are known."""
        return False

    def plan(self, problem: Problem, run: Run) -> Plan:
        """Return the plan, after pilot rays that say how far a margin is scanned."""
        if not problem.knows_lines and not problem.has_margin:
            raise ValueError("method='directional' needs a set whose lines are known, or a margin: use method='crude'.")
        key = run.stream.split("directional").key
        if problem.knows_lines:
            return DirectionalPlan(RayTask(problem, key, None))
        near = RayTask(problem, run.stream.split("directional", "pilot").key, OUTER)
        pilot = min(PILOT_LINES, max(run.n_samples // 400, 1))
        found = near(0, pilot)
        run.spend(found["calls"])
        outer = OUTER
        if found["none"] == pilot:
            found = dataclasses.replace(near, outer=FAR)(0, pilot)
            run.spend(found["calls"])
            outer = OUTER if found["none"] == pilot else FAR
        return DirectionalPlan(RayTask(problem, key, outer), found["calls"] / pilot)


@dataclasses.dataclass(frozen=True, slots=True)
class _Hazard:
    """About by which part the chi measure beyond r, or up to r, changes with r."""

    dim: int

    def __call__(self, r: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.fmin(np.maximum(np.abs(r - (self.dim - 1) / r), 1.0), 1e6)


@dataclasses.dataclass(frozen=True, slots=True)
class RayTask:
    """Measures both rays of lines through the center: in closed form, or by a scan up to ``sqrt(dim) + outer``."""

    problem: Problem
    key: int
    outer: float | None

    def __call__(self, first: int, n: int) -> dict[str, Any]:
        """Return the logarithms of the values of the lines first, ..., first + n - 1, and counts."""
        result: dict[str, Any] = {"calls": 0, "none": 0}
        values: list[float] = []
        while n > 0:
            size = min(LINES - first % LINES, n)  # rays are scanned in the same company whatever the block is
            log_x, calls = self._measure(first, size)
            values += log_x.tolist()
            result["calls"] += calls
            result["none"] += int(np.count_nonzero(log_x == -np.inf))
            first, n = first + size, n - size
        return result | {"log_values": values}

    def _measure(self, first: int, n: int) -> tuple[Array, int]:
        from isoperimetry.estimators.crossings import Pieces, log_radial_measure

        problem = self.problem
        v = problem.normals(self.key, first, n)
        v /= np.sqrt(dots(v, v))[:, None]
        if self.outer is None:
            pieces = problem.line_pieces(np.zeros_like(v), v)
            ahead = log_radial_measure(pieces, problem.dim)
            behind = log_radial_measure(Pieces.of(-pieces.high, -pieces.low), problem.dim)
            return pair_means(np.column_stack((ahead, behind)).ravel()), n
        rays = np.empty((2 * n, problem.dim))
        rays[0::2], rays[1::2] = v, -v
        middle = math.sqrt(problem.dim)
        start, stop = max(middle - INNER, 0.0), middle + self.outer
        nodes = np.linspace(start, stop, math.ceil((stop - start) / STRIDE) + 1)
        lines = Lines(problem, np.zeros_like(rays), rays)
        pieces = scan(
            lines, np.arange(2 * n), np.tile(nodes, (2 * n, 1)), np.full(2 * n, np.nan),
            Reach(0.0, stop, _Hazard(problem.dim)),
        )  # fmt: skip
        return pair_means(log_radial_measure(pieces, problem.dim)), lines.calls


class DirectionalPlan(Plan):
    """The values of lines through the center."""

    unit = "lines"
    step = LINES
    first_look = LINES

    def __init__(self, task: RayTask, cost: float = 1.0) -> None:
        self.task: RayTask = task
        self.cost = cost
        self.threads = task.problem.releases_gil
        self._values: list[float] = []
        self._none = 0

    def add(self, result: Any) -> None:
        """Take the values of a block."""
        self._values += result["log_values"]
        self._none += result["none"]
        self.n_units = len(self._values)
        self.n_calls += result["calls"]
        self.cost = self.n_calls / self.n_units

    def summary(self, confidence: float, *, sequential: bool) -> Summary:
        """Return the mean of the values, its spread, and a lower limit where all crossings are known."""
        known = self.task.outer is None
        given = "that pieces returns all intervals" if known and hasattr(self.task.problem.target, "record") else ""
        return summarise(self._values, confidence, bias=0.0 if known else TOLERANCE, given=given)

    def details(self) -> dict[str, Any]:
        """Return what the lines met."""
        deviation = relative_deviation(np.array(self._values)) if self._values else math.inf
        return {"lines": self.n_units, "deviation_of_lines": deviation, "lines_without_error": self._none}

    def notes(self) -> tuple[str, ...]:
        """Return what the lines met that a reader should know."""
        if self.n_units and self._none == self.n_units:
            return ("No line met an error: the method saw nothing of the set.",)
        return ()
