"""Plain Monte Carlo: draw, test, count. The only estimator whose two-sided interval rests on nothing, for any set."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, Literal

import numpy as np

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.errors import FunctionError
from isoperimetry.estimators.base import Method, Pair, Plan, Run, Summary
from isoperimetry.estimators.problem import Problem
from isoperimetry.intervals import binomial, sequence
from isoperimetry.results import Guarantee


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrudeMonteCarlo(Method):
    """Count errors among plain draws.

    Clopper-Pearson for a number of draws that was fixed in advance, else the beta-binomial confidence sequence, which
    holds at every number of draws. FINITE_SAMPLE. A relative width of r takes about 15 / (r**2 mu) draws.

    Parameters
    ----------
    reduce : bool
        Whether sets of ours and functions of a `Reduction` are sampled in the few coordinates that matter; False draws
        sets of ours in full dimension.
    dtype : {"float64", "float32"}
        Of the noise where sets of ours are drawn in full dimension; float32 is twice as fast, and its normals end at
        6.76 sigma.
    block_size : int, optional
        Draws in a block; it does not change a bit of the result.
    """

    name: ClassVar[str] = "crude"
    needs_margin: ClassVar[bool] = False
    guarded: ClassVar[bool] = False

    reduce: bool = True
    dtype: Literal["float64", "float32"] = "float64"
    block_size: int | None = None

    def __post_init__(self) -> None:
        _validate.as_choice("dtype", self.dtype, ("float64", "float32"))
        if self.block_size is not None:
            _validate.as_count("block_size", self.block_size, low=1)

    @property
    def reduces(self) -> bool:  # type: ignore[override]
        """Whether the problem is reduced first."""
        return self.reduce

    def plan(self, problem: Problem, run: Run) -> Plan:
        """Return the plan that counts errors."""
        return CountPlan(problem, run.stream.split("crude").key)


class CountPlan(Plan):
    """Counts the errors among plain draws; with a cover, those outside it."""

    unit = "draws"

    def __init__(self, problem: Problem, key: int, cover: tuple[Array, Array] | None = None) -> None:
        self.task = CountTask(problem, key, cover)
        self.step, self.threads = problem.batch, problem.releases_gil
        self.errors = 0

    def add(self, result: Any) -> None:
        """Take the count of a block."""
        self.errors += result["errors"]
        self.n_units += result["draws"]
        self.n_calls += result["draws"]

    def log_limits(self, confidence: float, *, sequential: bool) -> Pair:
        """Return the logarithms of the two-sided limits of the rate."""
        interval = sequence.beta_binomial if sequential else binomial.clopper_pearson
        limits = interval(self.errors, self.n_units, confidence=confidence)
        return log(limits.low), log(limits.high)

    def log_upper(self, confidence: float, *, sequential: bool) -> float:
        """Return the logarithm of the one-sided upper limit of the rate."""
        interval = sequence.beta_binomial if sequential else binomial.clopper_pearson
        return log(interval(self.errors, self.n_units, confidence=confidence, side="upper").high)

    def summary(self, confidence: float, *, sequential: bool) -> Summary:
        """Return the share of errors and its interval, which serves as the spread too."""
        limits = self.log_limits(confidence, sequential=sequential)
        return Summary(
            log_value=log(self.errors / self.n_units), log_interval=limits, log_spread=limits,
            guarantee=Guarantee.FINITE_SAMPLE,
        )  # fmt: skip

    def details(self) -> dict[str, Any]:
        """Return the counts."""
        return {"errors": self.errors, "draws": self.n_units}


@dataclasses.dataclass(frozen=True, slots=True)
class CountTask:
    """Counts the errors among the draws first, ..., first + n - 1."""

    problem: Problem
    key: int
    cover: tuple[Array, Array] | None

    def __call__(self, first: int, n: int) -> dict[str, int]:
        """Return the count."""
        if self.cover is None:
            try:
                return {"errors": self.problem.count(self.key, first, n), "draws": n}
            except FunctionError:
                raise
            except Exception as error:  # of a user's compiled function
                raise FunctionError(f"function raised {type(error).__name__}: {error}.") from error
        normals, offsets = self.cover
        errors = 0
        for start, rows in self.problem.batches(first, n):
            u = self.problem.normals(self.key, start, rows)
            outside = (u @ normals.T < offsets).all(axis=1)
            errors += int(np.count_nonzero(self.problem.contains(u) & outside))
        return {"errors": errors, "draws": n}


def log(rate: float) -> float:
    """Return log(rate), -inf for 0."""
    return math.log(rate) if rate > 0 else -math.inf
