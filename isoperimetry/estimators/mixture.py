"""Sampling in the tails of half-spaces: bounded values at any measure, and so a two-sided interval that is rigorous."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.estimators.base import Method, Pair, Plan, Run, Summary
from isoperimetry.estimators.crude import log
from isoperimetry.estimators.design import NoDesignPoint, design_points
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.spaces import Features, Inputs
from isoperimetry.estimators.tails import Pilot, Tails, pilot
from isoperimetry.estimators.values import normal_log_spread
from isoperimetry.intervals import binomial, sequence
from isoperimetry.results import Guarantee

SLACKS = (0.0, 0.5, 1.0, 2.0)
"""By which half-spaces at design points may be enlarged, in units of 1 / beta: 1 makes them about e times as large."""

MOST_BETS = 1 << 21
"""Draws up to which they are kept one by one for bets: a look at so many takes some seconds."""

SHOWN = 64
"""Distances of half-spaces in the details."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HalfSpaceMixture(Method):
    """Draw from the tails of half-spaces that hold the errors, and count how often a draw is an error.

    The half-spaces are a proved cover of the errors where the set has one; those that the caller passes; or those at
    the design points of the margin. The number of draws for a wanted width depends on the share of errors in the
    half-spaces, not on the measure or the dimension: none to speak of if the errors are half-spaces, some hundreds for
    a curved boundary or a network. FINITE_SAMPLE, given the proof, or with the limit that plain draws put on the errors
    outside.

    Parameters
    ----------
    normals : array, shape (m, dim), optional
        Directions into half-spaces that hold the errors, in the space of the inputs; their lengths do not matter.
    offsets : array, shape (m,), optional
        Signed distances of their boundaries from the origin, along the normals, in the unit of the inputs.
    slack : float, optional
        By how much half-spaces at design points are enlarged, >= 0, in units of the noise; None: as pilot draws advise.
    starts : int, optional
        Descents of the search for design points, >= 1; None: until many in a row found nothing new.
    block_size : int, optional
        Draws in a block; it does not change a bit of the result.

    Notes
    -----
    Sources: Owen, Maximov, Chertkov (2019), Importance sampling the union of rare events with an application to power
    systems analysis, Electron. J. Stat. 13; Karp, Luby (1983), Monte-Carlo algorithms for enumeration and reliability
    problems, FOCS. Intervals: Clopper-Pearson for one half-space and a fixed number of draws, and for several with
    values rounded at random to 0 or the largest; bets on the values where the width decides when to stop, and where
    pilot draws say that rounding costs more.

    Examples
    --------
    >>> from isoperimetry.estimators import Margin, volume
    >>> two = Margin(lambda x: np.minimum(30.0 - x[:, 0], 30.0 + x[:, 1] - 0.01 * x[:, 0] ** 2), dim=2)
    >>> estimate = volume(two, method=HalfSpaceMixture(), rng=1)
    >>> estimate.guarantee.name, estimate.details["half_spaces"]
    ('FINITE_SAMPLE', 2)
    """

    name: ClassVar[str] = "mixture"

    normals: ArrayLike | None = None
    offsets: ArrayLike | None = None
    slack: float | None = None
    starts: int | None = None
    block_size: int | None = None

    def __post_init__(self) -> None:
        if (self.normals is None) != (self.offsets is None):
            raise TypeError("normals= and offsets= are the half-spaces together: pass both or none.")
        if self.normals is not None:
            normals, offsets = (_validate.as_float(name, getattr(self, name)) for name in ("normals", "offsets"))
            if normals.ndim != 2 or normals.size == 0 or offsets.shape != (len(normals),):
                raise ValueError(
                    f"normals and offsets have shapes {normals.shape} and {offsets.shape} but must have shapes (m, dim)"
                    " and (m,): one offset for each normal."
                )
            _validate.refuse("normals", normals, ~np.isfinite(normals), "finite", "they are directions.")
            _validate.refuse("offsets", offsets, ~np.isfinite(offsets), "finite", "they are signed distances.")
            lengths = np.abs(normals).max(axis=1)
            _validate.refuse("lengths of normals", lengths, lengths == 0, "> 0", "they are directions.")
        if self.slack is not None:
            slack = _validate.as_nonnegative("slack", self.slack, "a distance in units of the noise")
            if slack.ndim or not math.isfinite(float(slack)):
                raise ValueError(f"slack={self.slack!r} must be one finite number >= 0: it enlarges all half-spaces.")
        for name in ("starts", "block_size"):
            if getattr(self, name) is not None:
                _validate.as_count(name, getattr(self, name), low=1)

    @property
    def reduces(self) -> bool:  # type: ignore[override]
        """Whether sets of ours are reduced first: not where half-spaces of the input space are passed."""
        return self.normals is None

    @property
    def needs_margin(self) -> bool:  # type: ignore[override]
        """Whether a margin is needed: not where half-spaces are passed, as there is nothing to search."""
        return self.normals is None

    def _is_useless(self, problem: Problem, run: Run) -> bool:
        """Return whether no draw from a proved cover is an error, but half-spaces at design points may hold many.

        The measure of the cover stays a limit of the estimate; see `Problem.log_limits`.
        """
        if not problem.has_margin or problem.cover is None:
            return False
        name = "mixture pilot of the cover"
        if name not in run.memo:
            run.memo[name] = pilot(problem, run, problem.cover[0], [problem.cover[1]]).errors == 0
        if run.memo[name]:
            try:
                design_points(problem, run, starts=self.starts)
            except NoDesignPoint:
                return False
        return bool(run.memo[name])

    def settings(self) -> dict[str, Any]:
        """Return the name and the settings, JSON-safe: of half-spaces a digest."""
        settings: dict[str, Any] = {"name": self.name, "slack": self.slack, "starts": self.starts}
        if self.normals is not None:
            parts = (np.asarray(part, dtype=np.float64).tobytes() for part in (self.normals, self.offsets))
            settings["half_spaces"] = hashlib.blake2b(b"".join(parts), digest_size=16).hexdigest()
        return settings

    def plan(self, problem: Problem, run: Run) -> Plan:
        """Return the plan; the design points are searched, and the slack is tried out, here."""
        given, proved = "", False
        fixed = 0.0 if self.slack is None else float(self.slack)
        if self.normals is not None:
            normals, betas = _in_noise(problem.space, np.asarray(self.normals, float), np.asarray(self.offsets, float))
            given = "the half-spaces passed by the caller"
            tries = [betas - fixed]
        elif problem.cover is not None and not self._is_useless(problem, run):
            normals, betas = problem.cover
            given, proved = "a proved cover by half-spaces", True
            tries = [betas - fixed]
        else:
            points = design_points(problem, run, starts=self.starts)
            normals, betas = points.directions, points.betas
            slacks = [slack / np.maximum(betas, 1.0) for slack in SLACKS] if self.slack is None else [fixed]
            tries = [betas - slack for slack in slacks]
        tried = None
        if len(tries) > 1 or len(betas) > 1 or run.rel_error is not None:
            name = f"mixture pilot {len(betas)} {self.slack} {self.starts} {given}"
            if name not in run.memo:
                run.memo[name] = pilot(problem, run, normals, tries)
            tried = run.memo[name]
        offsets = tries[0 if tried is None else tried.best]
        tails = Tails.of(problem, normals, offsets, run.stream.split("mixture"))
        return MixturePlan(tails, betas, run, tried, given=given, proved=proved)


def _in_noise(space: Any, normals: Array, offsets: Array) -> tuple[Array, Array]:
    """Return half-spaces of the inputs in units of the noise."""
    dim = space.center.size if isinstance(space, Inputs) else space.reduction.dim
    if normals.shape[1] != dim:
        raise ValueError(
            f"normals has shape {normals.shape} but must have shape (m, {dim}): inputs have that dimension."
        )
    units = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    if isinstance(space, Inputs):
        return units, (offsets - units @ space.center) / space.sigma
    if not isinstance(space, Features):
        raise TypeError(
            f"normals= are half-spaces of the inputs, which a {type(space).__name__} problem does not know."
        )
    reduction = space.reduction
    seen = units @ reduction.basis
    if np.abs(seen @ reduction.basis.T - units).max() > 1e-9:
        raise ValueError("normals must be combinations of the rows of A: the function looks at A x alone.")
    center = np.linalg.lstsq(reduction.factor, space.start, rcond=None)[0]  # its coordinates in the basis
    lengths = np.linalg.norm(seen, axis=1)
    return seen / lengths[:, None], (offsets - seen @ center) / (space.sigma * lengths)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class MixtureTask:
    """Counts the errors among the draws first, ..., first + n - 1, by the number of half-spaces that hold them."""

    tails: Tails
    ordered: bool

    def __call__(self, first: int, n: int) -> dict[str, Any]:
        """Return the counts; ``whole`` are values rounded to 1 at random, ``places`` and ``held`` all errors."""
        tails = self.tails
        held: list[Any] = []
        whole = 0
        for start, rows in tails.batches(first, n):
            u, products, uniform = tails.draw(start, rows)
            errors = tails.problem.contains(u)
            counts = (products >= tails.offsets).sum(axis=1)
            whole += int(np.count_nonzero(errors & (uniform * counts <= 1.0)))
            held.append(np.where(errors, counts, 0))
        counts = np.concatenate(held)
        places = np.flatnonzero(counts)
        numbers, times = np.unique(counts[places], return_counts=True)
        result: dict[str, Any] = {"draws": n, "whole": whole, "counts": [numbers.tolist(), times.tolist()]}
        if self.ordered:
            result |= {"places": places.tolist(), "held": counts[places].tolist()}
        return result


class MixturePlan(Plan):
    """The measure of the errors in a union of half-spaces, from counts."""

    unit = "draws"

    def __init__(self, tails: Tails, betas: Array, run: Run, tried: Pilot | None, *, given: str, proved: bool) -> None:
        self.expected = _expected_draws(run, tried)
        bets = run.rel_error is not None or (tried is not None and tried.bets)
        self.ordered = bets and self.expected <= MOST_BETS
        self.task = MixtureTask(tails, self.ordered)
        self.tails, self.betas, self.tried, self.given = tails, betas, tried, given
        self.step, self.first_look, self.threads = tails.rows, 256, tails.problem.releases_gil
        self.proved = proved
        self.outside = None if proved else (tails.normals, tails.offsets)
        self.whole = 0
        self.counts: dict[int, int] = {}
        self.places: list[int] = []
        self.held: list[int] = []

    def add(self, result: Any) -> None:
        """Take the counts of a block."""
        if self.ordered:
            self.places += [self.n_units + place for place in result["places"]]
            self.held += result["held"]
        self.n_units += result["draws"]
        self.n_calls += result["draws"]
        self.whole += result["whole"]
        for number, times in zip(*result["counts"], strict=True):
            self.counts[number] = self.counts.get(number, 0) + times

    @property
    def errors(self) -> int:
        """Draws that were errors."""
        return sum(self.counts.values())

    @property
    def share(self) -> float:
        """The estimate over the sum of the measures of the half-spaces; before the first draw what the pilot saw."""
        if self.n_units == 0:
            return 0.0 if self.tried is None else self.tried.share
        return math.fsum(times / number for number, times in self.counts.items()) / self.n_units

    def summary(self, confidence: float, *, sequential: bool) -> Summary:
        """Return the estimate of the measure within the half-spaces."""
        log_total, share = self.tails.log_total, self.share
        low, high = self._limits(confidence, sequential=sequential)
        low, high = min(low, log(share)), max(high, log(share))
        square = math.fsum(times / number**2 for number, times in self.counts.items()) / self.n_units
        # As if there had been one draw more, as far from the mean as values can be: equal values prove little.
        farthest = max(share, 1.0 - share)
        variance = (max(square - share**2, 0.0) * self.n_units + farthest**2) / (self.n_units + 1)
        error = math.sqrt(variance / self.n_units) / share if share > 0 else math.inf
        spread = normal_log_spread(log(share), error, high, confidence)
        return Summary(
            log_value=log_total + log(share), log_interval=(log_total + low, log_total + high),
            log_spread=(log_total + spread[0], log_total + min(spread[1], 0.0)), guarantee=Guarantee.FINITE_SAMPLE,
            given=self.given,
        )  # fmt: skip

    def _limits(self, confidence: float, *, sequential: bool) -> Pair:
        """Return the logs of the limits of the share, which is the mean of values in [0, 1]."""
        if self.ordered:
            from isoperimetry.intervals.betting import log_mean_interval

            logs = np.full(self.n_units, -math.inf)
            logs[self.places] = -np.log(self.held)
            return log_mean_interval(logs, 0.0, level=1.0 - confidence, expected_draws=self.expected)
        interval = sequence.beta_binomial if sequential else binomial.clopper_pearson
        limits = interval(self.whole, self.n_units, confidence=confidence)
        return log(limits.low), log(limits.high)

    def details(self) -> dict[str, Any]:
        """Return the half-spaces and how full of errors they are."""
        slack = float((self.betas - self.tails.offsets).max())
        return {
            "half_spaces": len(self.betas), "betas": np.sort(self.betas)[:SHOWN].tolist(), "slack": slack,
            "q": self.share, "log_half_spaces": self.tails.log_total, "draws": self.n_units, "errors": self.errors,
        }  # fmt: skip


def _expected_draws(run: Run, tried: Pilot | None) -> int:
    """Return about how many draws there will be."""
    if run.rel_error is None or tried is None or not math.isfinite(tried.rel_variance):
        return max(run.n_samples - run.n_search, 1)
    return int(min(max(7.0 * tried.rel_variance / run.rel_error**2, 256.0), run.n_samples))
