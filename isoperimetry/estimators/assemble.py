"""From a method and a problem to an `Estimate`: search, guard, run, and what the parts say together."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isoperimetry import special
from isoperimetry.errors import RunFailed
from isoperimetry.estimate import Estimate
from isoperimetry.estimators.base import Method, Outcome, Pair, Plan, Run, Summary, drive
from isoperimetry.estimators.crude import CountPlan, CrudeMonteCarlo, log
from isoperimetry.estimators.design import NoDesignPoint
from isoperimetry.estimators.execution import ExecutorFailed
from isoperimetry.estimators.problem import Problem
from isoperimetry.intervals import binomial
from isoperimetry.results import Guarantee

GUARD_LEAST, GUARD_SHARE = 10_000, 0.1
"""Plain draws beside every method that follows a margin: at least so many, and this share of its calls."""

ACCIDENT = 1e-5
"""With errors among plain draws that are less likely than this, a method has missed a region: one error is no proof."""


def estimate(method: Method, problem: Problem, run: Run) -> Estimate:
    """Carry out a method: its own search, then plain draws as the guard, then its plan; return what is known.

    A guard sees what a method cannot: every method that follows the margin from the center misses a region that shows
    itself only from near by. Half of the error level pays for the upper limit that the guard gives, unless the plan has
    PROVED that nothing is outside its cover.
    """
    try:
        plan = method.plan(problem, run)
    except NoDesignPoint as failure:
        run.notes.append(f"method={method.name!r} could not begin, and the estimate is that of plain draws. {failure}")
        return estimate(CrudeMonteCarlo(), problem, run)
    left = max(run.n_samples - run.n_search, 2)
    if not method.guarded or plan.proved:
        outcome = drive(plan, run, method.name, left, run.confidence)
        return _finish(method, problem, plan, outcome, run)
    half = 1.0 - 0.5 * (1.0 - run.confidence)
    guard = CountPlan(problem, run.stream.split("guard").key, plan.outside)
    share = math.ceil(GUARD_SHARE * left) if run.rel_error is None else 0
    guarded = _count(guard, run, min(max(GUARD_LEAST, share), left // 2))
    if guarded.stopped != "n_samples":
        return _finish(method, problem, plan, Outcome(None, guarded.stopped, [], guarded.error), run, guard, half)
    most = min(left - guard.n_units, int(left / (1.0 + GUARD_SHARE)))  # what more guard it may need is in the budget
    outcome = drive(plan, run, method.name, most, half)
    # More guard for a long run. Its length was decided without looking at the guard, so that the count is still one of
    # a fixed number of draws.
    wanted = math.ceil(GUARD_SHARE * plan.n_calls)
    if outcome.stopped in ("rel_error", "n_samples") and wanted > guard.n_units:
        guarded = _count(guard, run, wanted)
        if guarded.stopped != "n_samples":  # what ended the guard ended the run
            outcome = dataclasses.replace(outcome, stopped=guarded.stopped, error=guarded.error)
    return _finish(method, problem, plan, outcome, run, guard, half, sequential=guarded.stopped != "n_samples")


def _count(guard: CountPlan, run: Run, draws: int) -> Outcome:
    """Draw until the guard has so many."""
    return drive(guard, dataclasses.replace(run, rel_error=None), "guard", draws, run.confidence)


def _finish(
    method: Method,
    problem: Problem,
    plan: Plan,
    outcome: Outcome,
    run: Run,
    guard: CountPlan | None = None,
    confidence: float = 0.0,
    *,
    sequential: bool = False,
) -> Estimate:
    """Return the estimate of a run that has ended, however it did."""
    summary, residual, notes = outcome.summary, 0.0, list(run.notes)
    if summary is not None and guard is not None:
        summary, residual = combine(plan, summary, guard, confidence, sequential, notes)
    elif guard is not None and guard.n_units:
        summary = _of_guard(plan, guard, run.confidence)
        where = "" if plan.outside is None else " outside the half-spaces, whose own measure is in the upper limit"
        notes.append(f"The run ended before the method had begun: the estimate is that of the plain draws{where}.")
    if summary is None:
        if isinstance(outcome.error, ExecutorFailed):
            raise RunFailed(str(outcome.error)) from outcome.error
        raise outcome.error if outcome.error is not None else KeyboardInterrupt
    found = min(summary.log_value, 0.0)
    summary, residual = sharpen(summary, residual, problem.log_limits)
    if min(summary.log_value, 0.0) != found:
        side = "lower" if summary.log_value > found else "upper"
        notes.append(f"The value is the {side} limit that was proved from the parts of the set: the draws told less.")
    n_guard = guard.n_units if guard is not None else 0
    result = Estimate(
        log_value=min(summary.log_value, 0.0), log_interval=_inside(summary.log_interval),
        log_spread=_inside(summary.log_spread), confidence=run.confidence, guarantee=summary.guarantee,
        given=summary.given, residual=residual, n_calls=plan.n_calls + n_guard + run.n_search,
        n_gradients=plan.n_gradients + run.n_search_gradients, n_guard=n_guard, n_search=run.n_search,
        sigma=problem.sigma, method=method.name, stream=run.stream, stopped=outcome.stopped,
        notes=(*notes, *plan.notes()), trace=tuple(outcome.trace),
        details=plan.details() | ({"guard_errors": guard.errors} if guard is not None else {}),
    )  # fmt: skip
    if outcome.stopped == "rel_error" and run.rel_error is not None and result.rel_error > run.rel_error:
        result = dataclasses.replace(result, stopped="guard")
    result = dataclasses.replace(result, notes=result.notes + _missed(result, outcome, run))
    if outcome.error is not None:
        message = f"{outcome.error} What was measured before is in error.estimate: {result}"
        raise RunFailed(message, result) from outcome.error
    return result


def _of_guard(plan: Plan, guard: CountPlan, confidence: float) -> Summary:
    """Return what plain draws alone say; what a plan has inside its cover is at most the measure of the cover."""
    found = guard.summary(confidence, sequential=True)
    if plan.outside is None:
        return found
    inside = float(np.logaddexp.reduce(special.log_ndtr(-plan.outside[1])))
    limits = found.log_interval[0], float(np.logaddexp(found.log_interval[1], inside))
    return dataclasses.replace(found, log_interval=limits, log_spread=limits)


def _missed(result: Estimate, outcome: Outcome, run: Run) -> tuple[str, ...]:
    """Return what of the wanted width, or of the interval, the end of the run left open."""
    notes = []
    if result.stopped == "guard":
        notes.append(
            f"The method reached the wanted relative error of {run.rel_error or 0.0:g} by itself; with what plain "
            f"draws found beside it the error is {result.rel_error:.2g}."
        )
    large = result.guarantee in (Guarantee.ASYMPTOTIC, Guarantee.IDEAL_MOVES)
    if outcome.summary is not None and outcome.stopped in ("interrupted", "failed") and large:
        notes.append(
            f"The run was ended early, and an interval that is {result.guarantee.name} does not hold at every number "
            "of calls at once."
        )
    return tuple(notes)


def combine(
    plan: Plan, found: Summary, guard: CountPlan, confidence: float, sequential: bool, notes: list[str]
) -> tuple[Summary, float]:
    """Return what a plan and its guard say together, and the residual in the upper limit.

    A plan with a cover knows the errors inside it, the guard bounds those outside: the limits add. For other plans the
    guard bounds the whole measure; if it finds significantly more than the plan, the plan has missed a region, and the
    plain draws are the estimate.
    """
    low, high = found.log_interval
    if plan.outside is not None:
        log_rest = guard.log_upper(confidence, sequential=sequential)
        beyond = log(guard.errors / guard.n_units)
        value = float(np.logaddexp(found.log_value, beyond))
        around = guard.log_limits(confidence, sequential=sequential) if guard.errors else (beyond, beyond)
        spread = _sum(found.log_spread, around)
        limits = (low, float(np.logaddexp(high, log_rest)))
        given = _join(found.given, "the limit of plain draws for errors outside the half-spaces")
        if guard.errors:
            notes.append(
                f"Plain draws found {guard.errors} errors outside the half-spaces, among {guard.n_units} draws: their "
                "share is in the estimate, and known no better than so few errors tell."
            )
        summary = dataclasses.replace(found, log_value=value, log_interval=limits, log_spread=spread, given=given)
        return summary, math.exp(log_rest)
    least, most = guard.log_limits(confidence, sequential=sequential)
    if guard.errors > 0 and _unlikely(guard, found.log_spread[1]):
        notes.append(
            f"Plain draws found {guard.errors} errors among {guard.n_units}, more than {found.guarantee.name.lower()} "
            "sampling along the margin explains: it has missed a region, and the estimate is that of the plain draws."
        )
        value = log(guard.errors / guard.n_units)
        limits = (least, most)
        return Summary(log_value=value, log_interval=limits, log_spread=limits, guarantee=Guarantee.FINITE_SAMPLE), 0.0
    # Both limits of the guard are in use, the lower one above, so that each has half of its error level.
    if found.guarantee is Guarantee.IDEAL_MOVES:
        return found, math.exp(most)  # the two limits stand on the same assumption; the residual stands beside them
    upper = max(most, found.log_spread[1])
    given = _join(found.given, "the limit of plain draws above")
    summary = dataclasses.replace(found, log_interval=(low, upper), given=given)
    return summary, math.exp(most)


def sharpen(summary: Summary, residual: float, proved: Pair) -> tuple[Summary, float]:
    """Return what is known together with limits that were proved without a draw, and what is left of the residual."""
    (low, high), (least, most) = summary.log_interval, proved
    high = min(high, 0.0)  # nothing is needed to prove that much
    if least <= low and most >= high:
        return summary, residual
    guarantee = summary.guarantee
    if most < high:
        residual = 0.0
        guarantee = Guarantee.FINITE_SAMPLE if guarantee is Guarantee.LOWER_ONLY else guarantee
    if least >= low and most <= high:
        guarantee = Guarantee.FINITE_SAMPLE  # whatever the lower limit of the run rests on, it is not needed
    both = (max(low, least), min(high, most))
    return dataclasses.replace(
        summary, log_value=min(max(summary.log_value, least), most), log_interval=both, guarantee=guarantee,
        given=_join(summary.given if most >= high or low > least else "", "limits proved from the parts of the set"),
    ), residual  # fmt: skip


def _sum(first: Pair, second: Pair) -> Pair:
    return float(np.logaddexp(first[0], second[0])), float(np.logaddexp(first[1], second[1]))


def _unlikely(guard: CountPlan, log_rate: float) -> bool:
    """Return whether so many errors among plain draws would be a rare accident at a rate."""
    rate = math.exp(min(log_rate, 0.0))
    return binomial.probability_at_least(guard.errors, guard.n_units, rate) < ACCIDENT


def _join(first: str, second: str) -> str:
    return f"{first}, and {second}" if first else second


def _inside(limits: Pair) -> Pair:
    return min(limits[0], 0.0), min(limits[1], 0.0)


def exact(log_value: float, sigma: float, confidence: float) -> Estimate:
    """Return an exact value as an estimate."""
    limits = (log_value, log_value)
    return Estimate(
        log_value=log_value, log_interval=limits, log_spread=limits, confidence=confidence, guarantee=Guarantee.EXACT,
        sigma=sigma,
    )  # fmt: skip
