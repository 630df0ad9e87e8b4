"""A better direction for lines: the mean slope of the boundary where lines enter, and the ways in which it bends.

That of a design point suits a plane. The boundary of a network is made of many planes, and lines along their mean
normal meet it at the most even distance. Where it bends towards the center along a few directions, a few lines hold
most of the measure: base points are stretched along these, and weighed for it, so that such lines are met often. All is
learned from lines of their own; the lines that count stay independent, and their values unbiased.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isoperimetry._validate import Array
from isoperimetry.estimators.base import Run
from isoperimetry.estimators.bundles import Bundle, Stretch, Trend
from isoperimetry.estimators.courses import Course
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.roots import DOUBT, Lines

ROUNDS = (16, 32, 64, 128)
"""Lines from which directions are learned, one after the other."""

SHARE, LINE_CALLS = 0.2, 3
"""Of the budget that is left, for these lines; and the calls that one is expected to take."""

EVEN = 0.15
"""Scatter of the logarithm of the measures of lines below which there is nothing to gain."""

COARSE = 0.05
"""Relative error of the measure of a line that is good enough here."""

GRAZING = 0.1
"""Cosine of a gradient with the direction below which a line grazes the boundary, and its slope says nothing."""

BENDS, RIDGE, BENT, FARTHEST = 8, 0.3, 0.02, 2.0
"""Directions of bends at most; the prior weight of no bend, in lines; the stretch that is worth it, and the largest."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """How lines are laid.

    Attributes
    ----------
    direction : array, shape (dim,)
        Of length 1.
    beta : float
        About where lines enter the set.
    stretch : Stretch or None
        Of the base points.
    """

    direction: Array
    beta: float
    stretch: Stretch | None = None


def aim(problem: Problem, run: Run, along: Array, beta: float) -> Aim:
    """Return the aim that rounds of lines suggest, from a first direction and the distance of the set along it.

    Without a gradient, or where lines along the first direction hold about the same measure, that is kept.
    """
    first = Aim(along, beta)
    if not (problem.has_margin and problem.target.has_gradient) or not beta > 0 or problem.dim < 2:
        return first
    stream = run.stream.split("line", "aim")
    allowed = run.n_search + SHARE * max(run.n_samples - run.n_search, 0)
    found, slope, scatters = first, math.nan, []
    bases: list[Array] = []
    slopes: list[Array] = []
    for number, lines in enumerate(ROUNDS):
        if number > 0 and run.n_search + LINE_CALLS * lines > allowed:
            break
        bundle = Bundle(problem, stream.split(number).key, found.direction, number == 0, found.stretch)
        base = bundle.base(0, lines // 2)
        roots, gradients = _enter(problem, run, found, base, slope)
        ahead = gradients @ found.direction
        good = -ahead > GRAZING * np.sqrt(np.einsum("ij,ij->i", gradients, gradients))
        if good.sum() < 4:
            return first
        entry = roots[good]
        scatters.append(float(bundle.weighed(base[good], -max(found.beta, 1.0) * entry).std()))
        if scatters[0] < EVEN:
            return first
        slope = float(np.median(ahead[good]))
        bases.append(base[good])
        slopes.append(gradients[good] / ahead[good, None])  # of the entry, less the direction itself: along it, 1
        turned = slopes[-1].mean(axis=0)
        found = Aim(turned / math.sqrt(float(turned @ turned)), max(float(entry.mean()), 0.5))
        # The next lines are stretched, so that slopes are seen where the measure is.
        found = dataclasses.replace(found, stretch=_bends(found, np.concatenate(bases), slopes))
    if len(scatters) > 1 and scatters[-1] > 1.5 * scatters[0]:
        return first
    return found


def _enter(problem: Problem, run: Run, found: Aim, base: Array, slope: float) -> tuple[Array, Array]:
    """Return where lines enter the set, and the gradients of the margin there, of those that do."""
    beta = found.beta
    course = Course(
        Trend(beta, 0.0, problem.dim - 1), beta, beta, slope, 1.0 if math.isnan(slope) else 5 * DOUBT,
        beta + 8.0, False, COARSE,
    )  # fmt: skip
    lines = Lines(problem, base, found.direction)
    _, roots, _ = course.measure(lines, base, np.zeros(len(base), np.bool_))
    run.spend(lines.calls)
    met = np.flatnonzero(np.isfinite(roots))
    gradients = np.zeros(base.shape)
    if met.size:
        gradients[met] = run.ask_gradient(problem, base[met] + roots[met, None] * found.direction)
    return np.where(np.isfinite(roots), roots, 0.0), gradients


def _bends(found: Aim, base: Array, slopes: list[Array]) -> Stretch | None:
    """Return the stretch for a boundary whose slopes change with the base as those that were seen.

    The directions are those in which slopes vary most; in these, the matrix of the change is fitted to all slopes.
    ``exp(-beta entry)`` is about the measure of a line: the law of base points that goes with it is a normal one.
    """
    spread = np.concatenate([part - part.mean(axis=0) for part in slopes])
    spread -= np.outer(spread @ found.direction, found.direction)
    axes = np.linalg.svd(spread, full_matrices=False)[2][:BENDS]
    z, change = base @ axes.T, -spread @ axes.T
    gram = z.T @ z
    gram[np.diag_indices_from(gram)] += RIDGE * len(z)
    fit = np.linalg.solve(gram, z.T @ change)
    bends, ways = np.linalg.eigh(0.5 * (fit + fit.T))
    hazard = found.beta + 1.0 / max(found.beta, 1.0)
    scales = 1.0 / np.sqrt(np.clip(1.0 + hazard * bends, FARTHEST**-2, 1.0))
    worth = scales > 1.0 + BENT
    return Stretch((ways.T @ axes)[worth], scales[worth]) if worth.any() else None
