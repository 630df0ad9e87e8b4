"""How lines of a margin are searched: what pilot lines say about where, how steep and how often the others cross.

What is learned is fixed before the first line that counts, so that lines stay independent and their bits do not depend
on the order of the work.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.estimators.base import Run
from isoperimetry.estimators.bundles import Trend, opposites_differ
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.roots import DOUBT, TOLERANCE, Lines, Reach, scan, search
from isoperimetry.estimators.values import relative_deviation

EVERY = 16
"""One pair of lines in so many is scanned all along."""

SLACK = 40.0
"""Logarithm of how much less than the usual line one may hold before its search is given up."""

FARTHEST = 1e4
"""Where the line through the center is given up, by strides that double: there the measure is exp(-5e7)."""

GUESS = 3.0
"""Where lines are first asked if the one through the center meets no error."""

CARELESS, MOST_CARELESS = 1e-3, 3e-3
"""Of the scatter between lines, the relative error that a search may leave; and the largest. Calls are saved so."""

NOTICED = 1e-3
"""Relative change of the measure of lines by what a scan finds beside the first crossing that is worth a word."""


def _rate(t: Array) -> Array:
    """Return about by which part the measure beyond t changes with t."""
    return np.maximum(t, 1.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Course:
    """How lines of a margin are searched, as the pilot lines suggest.

    Attributes
    ----------
    trend : Trend
        Predicts where a line enters the set.
    least, most : float
        Range of the predictions.
    slope, doubt : float
        Of the margin along lines where they enter, and its relative spread.
    ceiling : float
        Where a search is given up.
    everywhere : bool
        Whether all lines are scanned.
    tolerance : float
        Relative error of the measure of a line that the search leaves, about.
    """

    trend: Trend
    least: float
    most: float
    slope: float
    doubt: float
    ceiling: float
    everywhere: bool
    tolerance: float = TOLERANCE

    def measure(self, lines: Lines, base: Array, scanned: Array) -> tuple[Array, Array, Array]:
        """Return the logarithms of the measures of lines, where they enter the set, and the slopes there."""
        from isoperimetry.estimators.crossings import log_line_measure

        guess = np.clip(self.trend(base), self.least, self.most)
        reach = Reach(-(max(self.most, 1.0) + 4.0), self.ceiling, _rate, self.tolerance)
        rows = np.arange(len(base))
        roots, slopes = search(lines, rows, guess, reach, slope=self.slope, doubt=self.doubt)
        log_x = np.array(special.log_ndtr(-roots))
        rows = np.flatnonzero(scanned)
        if rows.size:
            center = np.where(np.isfinite(roots[rows]), roots[rows], guess[rows])
            pieces = scan(lines, rows, _nodes(center, self.most), roots[rows], reach)
            log_x[rows] = log_line_measure(pieces)
        return log_x, roots, slopes


def _nodes(center: Array, most: float) -> Array:
    """Return where a scan looks: above a root for the end of a thin piece, below it down to where another would matter.

    Beyond ``root + 2 / root`` a seventh of the measure is left, beyond ``root + 6 / root`` a part of 0.002; the lowest
    node is the point of as small a measure on the far side.
    """
    scale = 1.0 / np.maximum(np.abs(center), 1.0)
    count = int(np.clip(math.ceil(abs(most)), 3, 8))
    lowest = np.minimum(-(center + 4.0 * scale), center - 4.0)
    share = np.arange(count) / count
    below = lowest[:, None] + (center - lowest)[:, None] * share
    above = center[:, None] + scale[:, None] * np.array([2.0, 6.0])
    return np.column_stack((below, above))


def survey(
    problem: Problem, base: Array, along: Array, beta: float, run: Run, *, everywhere: bool
) -> tuple[Course, bool, float]:
    """Return the course that pilot lines suggest, whether to mirror lines, and the calls that a pair takes.

    ``beta`` is about where the line through the center enters the set; NaN if that is not known.
    """
    # The line through the center first: how steep the margin is where it enters keeps the others from overshooting.
    axis = Lines(problem, np.zeros((1, problem.dim)), along)
    far = Reach(-64.0, FARTHEST, _rate)
    entry = search(axis, np.zeros(1, np.intp), np.array([beta if beta > 0 else 0.0]), far)
    run.spend(axis.calls)
    if math.isfinite(entry.roots[0]):
        beta, slope = float(entry.roots[0]), float(entry.slopes[0])
    else:
        beta, slope = beta if beta > 0 else GUESS, math.nan
    dof = problem.dim - 1
    start = Course(Trend(beta, 0.0, dof), beta, beta, slope, 1.0, max(2.0 * beta, beta + 64.0), everywhere)
    lines = Lines(problem, base, along)
    log_x, roots, slopes = start.measure(lines, base, np.ones(len(base), np.bool_))
    run.spend(lines.calls)
    met = np.isfinite(roots)
    mirrored = opposites_differ(base, roots, dof)
    total, single = np.logaddexp.reduce(log_x), np.logaddexp.reduce(np.asarray(special.log_ndtr(-roots)))
    everywhere = everywhere or bool(total > -math.inf and not abs(math.expm1(min(single - total, 1.0))) <= NOTICED)
    if met.sum() < 2:
        course = dataclasses.replace(start, everywhere=True)
        return course, mirrored, lines.calls / len(base) * 2.0
    trend = Trend.fit(base[met], roots[met], dof)
    spread = max(1.0, float(np.ptp(roots[met])))
    least, most = float(roots[met].min()) - spread, float(roots[met].max()) + spread
    known = slopes[met & np.isfinite(slopes)]
    slope, doubt = math.nan, 1.0
    if known.size:
        slope = float(np.median(known))
        doubt = max(DOUBT, float(np.abs(known / slope - 1.0).max()))
    tolerance = min(max(TOLERANCE, CARELESS * relative_deviation(log_x)), MOST_CARELESS)
    ceiling = math.sqrt(max(most, 0.0) ** 2 + 2.0 * SLACK)
    course = Course(trend, least, most, slope, doubt, ceiling, everywhere, tolerance)
    share = 1.0 if everywhere else 1.0 / EVERY
    nodes = _nodes(np.array([trend.middle]), most).size
    return course, mirrored, 2.0 * (3.0 + share * nodes)
