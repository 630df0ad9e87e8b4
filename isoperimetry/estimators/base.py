"""What all estimators share: the plan that a method makes, the run that carries it out, and the one rule for stopping.

A method turns a problem into a `Plan`. A plan has units of work by index (draws, lines, replicas), a task that does a
range of them, and a summary of what was added so far. `drive` runs it: in blocks on any executor, looking at the
summary at counts of units that depend on nothing but the plan, until a wanted relative width or the budget is reached.
"""

from __future__ import annotations

import abc
import dataclasses
import itertools
import math
from typing import Any, ClassVar

from isoperimetry.errors import FunctionError
from isoperimetry.estimate import Step, relative_width, say_log
from isoperimetry.estimators.execution import Blocks, ExecutorFailed, Task
from isoperimetry.estimators.problem import Problem
from isoperimetry.progress import Progress
from isoperimetry.results import Guarantee
from isoperimetry.streams import Stream

Pair = tuple[float, float]

GROWTH = 1.25
"""From one look at the interval to the next; a run so takes at most a quarter more than it needs."""

BLOCKS_A_LOOK = 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a plan knows: logarithms of the estimate and its limits.

    Attributes
    ----------
    log_value : float
        Of the estimate; -inf for 0.
    log_interval : tuple
        The limits that the guarantee gives, 0 above where nothing bounds it.
    log_spread : tuple
        The ASYMPTOTIC two-sided limits.
    guarantee : Guarantee
        What the interval rests on.
    given : str
        The fact that the guarantee needs.
    """

    log_value: float
    log_interval: Pair
    log_spread: Pair
    guarantee: Guarantee
    given: str = ""

    def rel_error(self) -> float:
        """Return half the relative width: of the interval if its guarantee is two-sided, else of the spread."""
        sure = self.guarantee is Guarantee.FINITE_SAMPLE
        return relative_width(self.log_value, *(self.log_interval if sure else self.log_spread))


class Plan(abc.ABC):
    """A method applied to a problem: tasks, and what was learned from their results.

    A subclass sets ``task``, a picklable callable of (first, n), and adds results in the order of the units.

    Attributes
    ----------
    unit : str
        What is counted: "draws", "lines", "replicas".
    step : int
        Ends of blocks and looks are multiples of it, but for the last.
    first_look : int
        Units before the first look.
    threads : bool
        Whether the task releases the GIL.
    n_calls, n_gradients : int
        What the units took so far.
    n_units : int
        How many were added.
    cost : float
        Calls that a unit is expected to take, > 0.
    outside : tuple of arrays or None
        Half-spaces, as in `Problem.cover`, to which the plan's estimate is confined: the guard counts the errors
        outside. None: it estimates the whole measure, and the guard counts all errors.
    proved : bool
        Whether it is proved that nothing is outside, so that no guard is needed.
    """

    unit: ClassVar[str] = "draws"
    step: int = 1
    first_look: int = 1000
    threads: bool = False
    n_calls: int = 0
    n_gradients: int = 0
    n_units: int = 0
    cost: float = 1.0
    outside: tuple[Any, Any] | None = None
    proved: bool = False

    task: Task

    @abc.abstractmethod
    def add(self, result: Any) -> None:
        """Take the result of a block; it must add to the counts."""

    @abc.abstractmethod
    def summary(self, confidence: float, *, sequential: bool) -> Summary:
        """Return what is known, at the confidence, valid at every look if ``sequential``."""

    def details(self) -> dict[str, Any]:
        """Return diagnostics for `Estimate.details`."""
        return {}

    def notes(self) -> tuple[str, ...]:
        """Return sentences that a reader of the number should know."""
        return ()


class Method(abc.ABC):
    """An estimator: a frozen dataclass of its settings, which makes a plan for a problem."""

    name: ClassVar[str]
    needs_margin: ClassVar[bool] = True
    guarded: ClassVar[bool] = True
    reduces: bool = True

    @abc.abstractmethod
    def plan(self, problem: Problem, run: Run) -> Plan:
        """Return the plan for a problem; searches and pilots are counted in ``run``."""

    def settings(self) -> dict[str, Any]:
        """Return the name and the settings, JSON-safe."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        # The size of blocks changes no result: a run may be resumed with another one.
        names = [field.name for field in fields if field.name != "block_size"]
        return {"name": self.name} | {name: getattr(self, name) for name in names}


@dataclasses.dataclass(slots=True)
class Run:
    """One call of `volume`: how long it may take, where it runs, and what was spent.

    Attributes
    ----------
    stream : Stream
        The noise; split it by purpose.
    confidence : float
        Of the interval.
    rel_error : float or None
        The wanted relative width.
    n_samples : int
        The budget in calls.
    blocks : Blocks
        The executor.
    progress : Progress
        Where to show it.
    n_search, n_search_gradients : int
        Calls and gradients of searches and pilots.
    notes : list of str
        See `Estimate.notes`.
    block_size : int or None
        Units in a block; None: a sixteenth of what is left to the next look.
    memo : dict
        What a search found, for whoever needs it next.
    """

    stream: Stream
    confidence: float
    rel_error: float | None
    n_samples: int
    blocks: Blocks
    progress: Progress
    n_search: int = 0
    n_search_gradients: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)
    block_size: int | None = None
    memo: dict[str, Any] = dataclasses.field(default_factory=dict)

    def spend(self, calls: int, gradients: int = 0) -> None:
        """Count calls of a search or a pilot."""
        self.n_search += calls
        self.n_search_gradients += gradients

    def ask_margin(self, problem: Problem, u: Any) -> Any:
        """Return margins for a search, counted."""
        self.spend(len(u))
        return problem.margin(u)

    def ask_gradient(self, problem: Problem, u: Any) -> Any:
        """Return gradients for a search, counted."""
        calls, gradients = problem.gradient_cost
        self.spend(calls * len(u), gradients * len(u))
        return problem.gradient(u)


@dataclasses.dataclass(slots=True)
class Outcome:
    """How a plan ended; without a summary if nothing was finished."""

    summary: Summary | None
    stopped: str
    trace: list[Step]
    error: Exception | None = None


def drive(plan: Plan, run: Run, name: str, budget: int, confidence: float) -> Outcome:
    """Run a plan until its width or the budget is reached.

    A KeyboardInterrupt, a function or an executor that fails end it early, with what was finished.
    """
    trace: list[Step] = []
    sequential = run.rel_error is not None
    stopped, error = "n_samples", None
    summary: Summary | None = None
    look = plan.first_look
    with run.progress.start(f"volume: {name}", total=budget) as stage:
        try:
            while (target := _next(plan, budget, look)) > plan.n_units:
                for result in run.blocks.map(name, plan.task, _split(plan, target, run), threads=plan.threads):
                    before = plan.n_calls
                    plan.add(result)
                    stage.advance(plan.n_calls - before)
                summary = plan.summary(confidence, sequential=sequential)
                shown = summary.log_interval if summary.log_interval[1] < 0 else summary.log_spread
                trace.append(
                    Step(n_calls=plan.n_calls, log_value=summary.log_value, log_low=shown[0], log_high=shown[1])
                )
                stage.describe(
                    f"volume: {name} {say_log(summary.log_value)} [{say_log(shown[0])}, {say_log(shown[1])}]"
                )
                if run.rel_error is not None and summary.rel_error() <= run.rel_error:
                    stopped = "rel_error"
                    break
                look = math.ceil(GROWTH * target)
        except KeyboardInterrupt:
            stopped = "interrupted"
        except (FunctionError, ExecutorFailed) as failure:
            stopped, error = "failed", failure
        # Between looks, or before the first one here, the last summary is not that of all units.
        if stopped in ("interrupted", "failed") or summary is None:
            early = sequential or stopped != "n_samples"
            summary = plan.summary(confidence, sequential=early) if plan.n_units else None
        return Outcome(summary, stopped, trace, error)


def _next(plan: Plan, budget: int, look: int) -> int:
    """Return the units at the next look: a multiple of the step, or what the budget allows."""
    affordable = plan.n_units + int((budget - plan.n_calls) / plan.cost)
    wanted = -(-max(look, plan.n_units + 1) // plan.step) * plan.step
    return min(wanted, affordable)


def _split(plan: Plan, target: int, run: Run) -> list[tuple[int, int]]:
    """Return the blocks from the units that were added to ``target``."""
    first = plan.n_units
    size = run.block_size or max(1, -(-(target - first) // BLOCKS_A_LOOK))
    size = -(-size // plan.step) * plan.step
    cuts = [first, *range((first // size + 1) * size, target, size), target]
    return [(low, high - low) for low, high in itertools.pairwise(cuts) if high > low]
