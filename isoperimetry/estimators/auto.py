"""The choice of a method: a closed form if there is one, else what suits, tried on a few draws each.

In the order of what the methods can prove. Plain draws count where errors are not rare. The half-space-tail mixture has
a two-sided interval at any rate, if a fair share of what it draws are errors. Lines and rays then, whichever scatters
less for a call; splitting where no direction tells where the errors are.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from isoperimetry._validate import Array
from isoperimetry.errors import NotExact
from isoperimetry.estimate import Estimate, relative_width
from isoperimetry.estimators.assemble import exact
from isoperimetry.estimators.base import Method, Plan, Run
from isoperimetry.estimators.crude import CountPlan, CrudeMonteCarlo
from isoperimetry.estimators.design import NoDesignPoint, design_points
from isoperimetry.estimators.directional import DirectionalSampling
from isoperimetry.estimators.line import LineSampling
from isoperimetry.estimators.mixture import HalfSpaceMixture
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.splitting import Splitting
from isoperimetry.sets.base import ComplementedSet

PLAIN, PLAIN_HITS = 1000, 10
"""Plain draws that tell rare errors from others, and the errors among them from which on they are not rare."""

TRIED = {"mixture": 200, "line": 24, "directional": 24}
"""Units of a method on which it is tried."""

TRIAL_SHARE, LEAST_TRIED = 0.1, 4
"""Of the budget, for the units of a trial; a trial of fewer units says nothing."""

SEARCH_SHARE = 0.5
"""Of the budget: when so much has been spent nothing more is tried, and a search that costs about as much is not begun.
"""

DESCENT = 4
"""Gradients that a descent takes at least."""

SCATTER = {"mixture": 15.0, "line": 5.0, "directional": 5.0}
"""The largest coefficient of variation of a unit with which a method is taken: of a mixture, 1 % errors among draws."""

BLIND = math.log(3.0)
"""How much less a method may find than another one, on the pilot draws, as a logarithm."""


def closed_form(error_set: Any, center: Array, sigma: float, confidence: float, *, wanted: bool) -> Estimate | None:
    """Return the exact measure, None if there is none; raise NotExact instead if it is ``wanted``."""
    if not isinstance(error_set, ComplementedSet):
        if wanted:
            raise NotExact(
                f"method='exact' needs a set of isoperimetry.sets, not a {type(error_set).__name__}: use method='auto'."
            )
        return None
    try:
        log_value = float(error_set.log_volume(center, sigma))
    except NotExact:
        if wanted:
            raise
        return None
    return exact(log_value, sigma, confidence)


def choose(problem: Problem, run: Run) -> Method:
    """Return the method that suits the problem.

    It is chosen by draws of its own: those of the estimate chose nothing.
    """
    if not problem.has_margin:
        return CrudeMonteCarlo()
    pilot = dataclasses.replace(run, stream=run.stream.split("pilot"), n_search=0, n_search_gradients=0, notes=[])
    try:
        return _choose(problem, pilot, run)
    finally:
        run.spend(pilot.n_search, pilot.n_search_gradients)


def _choose(problem: Problem, pilot: Run, run: Run) -> Method:
    draws = min(PLAIN, run.n_samples // 10)
    plain = CountPlan(problem, pilot.stream.key)
    plain.add(plain.task(0, draws))
    pilot.spend(draws)
    if plain.errors >= min(PLAIN_HITS, draws // 10):
        return CrudeMonteCarlo()
    tried: list[tuple[float, float, Method]] = []
    for method in (HalfSpaceMixture(), LineSampling(), DirectionalSampling()):
        most = SEARCH_SHARE * run.n_samples
        dear = not isinstance(method, DirectionalSampling) and DESCENT * sum(problem.gradient_cost) > most
        if dear or run.n_search + pilot.n_search > most:
            continue
        try:
            plan = method.plan(problem, pilot)
        except NoDesignPoint:
            continue
        units = min(TRIED[method.name], int(TRIAL_SHARE * run.n_samples / plan.cost))
        if units < LEAST_TRIED:
            continue
        log_value, scatter = _try(plan, units, pilot)
        if scatter <= SCATTER[method.name]:
            tried.append((log_value, scatter * scatter * plan.cost, method))
    # A method that finds much less than another one is blind to a part: half-spaces at design points to an error set
    # that bulges out of them, a direction to all the others.
    most = max((log_value for log_value, _, _ in tried), default=0.0)
    seeing = [(cost, method) for log_value, cost, method in tried if log_value >= most - BLIND]
    if not seeing:
        return Splitting()
    return seeing[0][1] if isinstance(seeing[0][1], HalfSpaceMixture) else min(seeing, key=lambda entry: entry[0])[1]


def _try(plan: Plan, units: int, pilot: Run) -> tuple[float, float]:
    """Return the log of an estimate from a few units, and the coefficient of variation of one; inf without errors."""
    plan.add(plan.task(0, units))
    pilot.spend(plan.n_calls, plan.n_gradients)
    summary = plan.summary(0.95, sequential=False)
    if summary.log_value == -math.inf:
        return -math.inf, math.inf
    return summary.log_value, relative_width(summary.log_value, *summary.log_spread) * math.sqrt(units) / 1.96


def in_inputs(method: Method, reduced: Problem, full: Problem, run: Run) -> tuple[Method, Problem]:
    """Return a method that was chosen in the coordinates of a set for the space of its inputs, where lines are known.

    The direction of lines is taken along, because a search for it there could cost more than the budget.
    """
    if isinstance(method, LineSampling) and reduced.basis is not None:
        along = design_points(reduced, run).directions[0][: reduced.basis.shape[1]]
        if float(along @ along) < 0.25:  # it points along the length of the rest, which is no direction of the inputs
            return method, reduced
        method = LineSampling(direction=reduced.basis @ along)
    run.memo.clear()
    return method, full
