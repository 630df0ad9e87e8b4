"""Line sampling: follow parallel lines into the error set, and add up what is beyond the crossings in closed form."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate, special
from isoperimetry._validate import Array
from isoperimetry.estimators.aim import Aim, aim
from isoperimetry.estimators.base import Method, Plan, Run, Summary
from isoperimetry.estimators.bundles import Bundle, opposites_differ, pair_means
from isoperimetry.estimators.courses import EVERY, NOTICED, Course, survey
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.roots import Lines
from isoperimetry.estimators.spaces import Features, Inputs
from isoperimetry.estimators.values import log_mean, relative_deviation, summarise

PAIRS = 16
"""Pairs of lines that are searched together."""

ASIDE = 0.7
"""Cosine with the direction of the lines below which a design point is one of another part of the set."""

PILOT_PAIRS = 8
"""Before the first: they predict the crossings, and show whether lines cross the set more than once."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineSampling(Method):
    r"""Measure parallel lines: ``u = v + t a`` with v normal across the direction a, which points to near errors.

    .. math:: \mu = E \Big[\sum_i \Phi(high_i(v)) - \Phi(low_i(v))\Big]

    over the intervals of t on the line of v that are errors. The cost hardly depends on how rare errors are, or on the
    dimension; it grows with how much the boundary bends away from a plane.

    Where all crossings are known in closed form (sets of the library, a `Margin` with ``pieces``), a line counts as one
    call, the values are unbiased, and the interval has a lower limit that is proved: LOWER_ONLY. For other margins the
    crossing of a line is searched by two or three calls, and one line in 16 is scanned for others; as a scan has gaps,
    the interval is ASYMPTOTIC.

    Parameters
    ----------
    direction : array, shape (dim,), optional
        Direction of the lines, in the coordinates of the inputs, of any length; None: that of the nearest design
        points, which are searched, turned to the mean slope of the boundary where lines enter, if there is a gradient.
        A wrong one costs calls, and for a margin that is searched, possibly errors behind others. With a `Reduction`,
        the part of it that the features see is taken.
    scan : {"auto", "all"}
        Which lines of a margin are scanned for all their crossings: one in 16, and all if pilot lines have more than
        one that matters; or all.
    block_size : int, optional
        Pairs of lines in a block, rounded up to a multiple of 16; it does not change a bit of the result.

    Notes
    -----
    Sources: Koutsourelakis, Pradlwarter, Schuëller (2004), Reliability of structures in high dimensions, Probabilistic
    Engineering Mechanics 19; de Angelis, Patelli, Beer (2015), Advanced line sampling, Structural Safety 52.
    Sets of the library are sampled in full dimension, in which their lines are known.

    Examples
    --------
    >>> from isoperimetry.estimators import volume
    >>> from isoperimetry.sets import Paraboloid
    >>> axis = [1.0] + [0.0] * 783
    >>> estimate = volume(Paraboloid(4.0, 0.002, dim=784), method=LineSampling(direction=axis), n_samples=1000, rng=1)
    >>> abs(estimate.log_value - Paraboloid(4.0, 0.002, dim=784).log_volume()) < 0.02
    True
    """

    name: ClassVar[str] = "line"

    direction: ArrayLike | None = None
    scan: Literal["auto", "all"] = "auto"
    block_size: int | None = None

    def __post_init__(self) -> None:
        _validate.as_choice("scan", self.scan, ("auto", "all"))
        if self.block_size is not None:
            _validate.as_count("block_size", self.block_size, low=1)
        if self.direction is not None:
            along = _validate.as_float("direction", self.direction).copy()
            if along.ndim != 1 or not np.isfinite(along).all() or not along.any():
                raise ValueError(f"direction has shape {along.shape} but must be one finite vector that is not zero.")
            object.__setattr__(self, "direction", along / np.abs(along).max())

    @property
    def reduces(self) -> bool:  # type: ignore[override]
        """False: in full dimension the lines of a set are known."""
        return False

    def settings(self) -> dict[str, Any]:
        """Return the name and the settings, the direction as a digest."""
        along = None if self.direction is None else hashlib.blake2b(np.asarray(self.direction).tobytes()).hexdigest()
        return Method.settings(self) | {"direction": along}

    def plan(self, problem: Problem, run: Run) -> Plan:
        """Return the plan, after a search for the direction and pilot lines."""
        if not problem.knows_lines and not problem.has_margin:
            raise ValueError("method='line' needs a set whose lines are known, or a margin: use method='crude'.")
        if self.direction is None:
            if not problem.has_margin:
                raise ValueError("direction=None needs a margin, by which it is searched: pass the direction.")
            from isoperimetry.estimators.design import design_points

            points = design_points(problem, run)
            tails = np.asarray(special.log_ndtr(-points.betas))
            beside = points.directions @ points.directions[0] >= ASIDE
            middle = np.exp(tails - tails[0])[beside] @ points.directions[beside]
            laid = aim(problem, run, middle / math.sqrt(float(middle @ middle)), float(points.betas[0]))
            aside = points.directions @ laid.direction < ASIDE
            if np.exp(tails[aside] - tails[0]).sum() > 0.01:
                run.notes.append(
                    f"The search found {len(tails)} design points; lines follow the nearest and see the errors at "
                    f"{np.count_nonzero(aside)} others only where they pass them: method='mixture' follows all."
                )
        else:
            along = _in_normals(np.asarray(self.direction), problem)
            laid = Aim(along / math.sqrt(float(along @ along)), math.nan)
        along, beta = laid.direction, laid.beta
        afford = (run.n_samples - run.n_search) // 100
        pilot = Bundle(problem, run.stream.split("line", "pilot").key, along, True, laid.stretch)
        base = pilot.base(0, min(max(afford, 2), PILOT_PAIRS))
        key = run.stream.split("line").key
        if problem.knows_lines:
            log_x = _measure_known(problem, base, along)
            run.spend(len(base))
            mirrored = laid.stretch is None and opposites_differ(base, log_x, problem.dim - 1)
            return LinePlan(LineTask(Bundle(problem, key, along, mirrored, laid.stretch), None))
        course, mirrored, cost = survey(problem, base, along, beta, run, everywhere=self.scan == "all")
        mirrored = mirrored and laid.stretch is None  # where the boundary bends, opposite lines are alike
        return LinePlan(LineTask(Bundle(problem, key, along, mirrored, laid.stretch), course), cost)


def _in_normals(direction: Array, problem: Problem) -> Array:
    """Return a direction of the inputs in the coordinates of the noise."""
    space, size = problem.space, problem.dim
    if isinstance(space, Inputs | Features):
        size = problem.input_dim
    if direction.shape != (size,):
        raise ValueError(f"direction has shape {direction.shape} but must have shape ({size},), as the inputs have.")
    if not isinstance(space, Features):
        return direction
    seen = np.asarray(direction @ space.reduction.basis)
    if not float(seen @ seen) > 1e-20 * float(direction @ direction):
        raise ValueError("direction must move the features of the reduction: they do not see this one.")
    return seen


def _measure_known(problem: Problem, base: Array, along: Array) -> Array:
    from isoperimetry.estimators.crossings import log_line_measure

    return log_line_measure(problem.line_pieces(base, along))


@dataclasses.dataclass(frozen=True, slots=True)
class LineTask:
    """Measures pairs of lines: in closed form, or on a course."""

    bundle: Bundle
    course: Course | None

    def __call__(self, first: int, n: int) -> dict[str, Any]:
        """Return the logarithms of the values of the pairs first, ..., first + n - 1, and counts."""
        result: dict[str, Any] = dict.fromkeys(("calls", "scanned", "others", "within", "none"), 0)
        values: list[float] = []
        while n > 0:
            size = min(PAIRS - first % PAIRS, n)  # lines are searched in the same company whatever the block is
            base, log_x = self._measure(first, size, result)
            values += pair_means(self.bundle.weighed(base, log_x)).tolist()
            result["within"] += int(np.count_nonzero(log_x > -0.1))
            result["none"] += int(np.count_nonzero(log_x == -np.inf))
            first, n = first + size, n - size
        return result | {"log_values": values}

    def _measure(self, first: int, n: int, result: dict[str, Any]) -> tuple[Array, Array]:
        """Return base points and the logarithms of the measures of their lines."""
        base = self.bundle.base(first, n)
        if self.course is None:
            result["calls"] += 2 * n
            return base, _measure_known(self.bundle.problem, base, self.bundle.direction)
        lines = Lines(self.bundle.problem, base, self.bundle.direction)
        scanned = np.repeat((np.arange(first, first + n) % EVERY == 0) | self.course.everywhere, 2)
        log_x, roots, _ = self.course.measure(lines, base, scanned)
        single = np.asarray(special.log_ndtr(-roots))
        result["calls"] += lines.calls
        result["scanned"] += int(np.count_nonzero(scanned))
        with np.errstate(invalid="ignore"):
            result["others"] += int(np.count_nonzero(scanned & (np.abs(np.expm1(single - log_x)) > NOTICED)))
        return base, log_x


class LinePlan(Plan):
    """The values of pairs of lines."""

    unit = "pairs of lines"
    step = PAIRS
    first_look = PAIRS

    def __init__(self, task: LineTask, cost: float = 2.0) -> None:
        self.task: LineTask = task
        self.cost = cost
        self.threads = task.bundle.problem.releases_gil
        self._values: list[float] = []
        self._counts = dict.fromkeys(("scanned", "others", "within", "none"), 0)

    def add(self, result: Any) -> None:
        """Take the values of a block."""
        self._values += result["log_values"]
        self.n_units = len(self._values)
        self.n_calls += result["calls"]
        self.cost = self.n_calls / self.n_units
        for name in self._counts:
            self._counts[name] += result[name]

    def summary(self, confidence: float, *, sequential: bool) -> Summary:
        """Return the mean of the values, its spread, and a lower limit where all crossings are known."""
        course = self.task.course
        known = course is None
        target = self.task.bundle.problem.target
        given = "that pieces returns all intervals" if known and hasattr(target, "record") else ""
        return summarise(self._values, confidence, bias=0.0 if course is None else course.tolerance, given=given)

    def details(self) -> dict[str, Any]:
        """Return what the lines met."""
        course = self.task.course
        found: dict[str, Any] = {
            "lines": 2 * self.n_units, "mirrored": self.task.bundle.mirrored, "stretches": self._stretches,
            "deviation_of_pairs": relative_deviation(np.array(self._values)) if self._values else math.inf,
            "lines_without_error": self._counts["none"], "lines_within": self._counts["within"],
        }  # fmt: skip
        if course is None:
            return found
        return found | {
            "calls_per_line": self.n_calls / max(2 * self.n_units, 1), "lines_scanned": self._counts["scanned"],
            "lines_with_other_crossings": self._counts["others"],
        }  # fmt: skip

    @property
    def _stretches(self) -> list[float]:
        stretch = self.task.bundle.stretch
        return [] if stretch is None else stretch.scales.tolist()

    def notes(self) -> tuple[str, ...]:
        """Return what the lines met that a reader should know."""
        counts, course, notes = self._counts, self.task.course, []
        if course is not None and counts["others"] and not course.everywhere:
            notes.append(
                f"{counts['others']} of {counts['scanned']} scanned lines cross the set elsewhere too, which the other "
                "lines do not show: the estimate may be too low; LineSampling(scan='all') scans all."
            )
        if counts["within"] and log_mean(np.array(self._values)) < math.log(0.1):
            notes.append(
                f"{counts['within']} of {2 * self.n_units} lines lie in the set nearly all along: such lines are rare "
                "and weigh much, so that the spread is unreliable."
            )
        if self.n_units and counts["none"] == 2 * self.n_units:
            notes.append("No line met an error: the method saw nothing of the set.")
        return tuple(notes)
