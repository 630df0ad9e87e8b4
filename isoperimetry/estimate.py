"""`Estimate`: the measure of an error set as a Monte Carlo run found it, with its interval, guarantee and cost."""

from __future__ import annotations

import dataclasses
import html
import math
from typing import Any

from isoperimetry import special
from isoperimetry.results import Guarantee, Interval, Record, at_least, at_most, to_json
from isoperimetry.streams import Stream


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Distance(Record):
    """The half-space distance of an estimated measure, with its interval.

    Call it for another noise scale: ``estimate.distance(sigma=0.5)``.

    Attributes
    ----------
    value, low, high : float
        ``-sigma * ndtri(mu)`` for the estimate and, as the map decreases, for the upper and the lower limit of mu; in
        the unit of ``sigma``. It bounds the median distance of noisy samples for every error set, at ``high`` with
        the confidence of the interval; for the center itself it is a prediction.
    sigma : float
        Scale of the noise, in the unit of the inputs.
    """

    value: float
    low: float
    high: float
    sigma: float

    def __call__(self, sigma: float = 1.0) -> Distance:
        """Return the distance, for the same measure, at another noise scale > 0."""
        if not 0 < sigma < math.inf:
            raise ValueError(f"sigma={sigma!r} must be finite and > 0: it is the scale of the noise.")
        factor = sigma / self.sigma
        return Distance(value=self.value * factor, low=self.low * factor, high=self.high * factor, sigma=sigma)

    def __str__(self) -> str:
        return f"{self.value:.4g} [{at_least(self.low, 4)}, {at_most(self.high, 4)}] (sigma={self.sigma:g})"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step(Record):
    """What a run knew after so many calls: a point of its trace.

    Attributes
    ----------
    n_calls : int
        Rows of the function that the estimator itself had asked for.
    log_value : float
        Logarithm of its estimate, -inf before the first error.
    log_low, log_high : float
        Logarithms of the limits of its interval, or, where that has no upper limit, of its spread.
    """

    n_calls: int
    log_value: float
    log_low: float
    log_high: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Record):
    """The measure mu of an error set under Gaussian noise, and what the number rests on.

    Attributes
    ----------
    log_value : float
        Natural logarithm of the estimate; right where the estimate underflows. -inf: no error was found.
    log_interval : tuple of 2 floats
        Logarithms of the limits of mu that the guarantee gives; 0 above where nothing bounds it.
    log_spread : tuple of 2 floats
        Logarithms of the ASYMPTOTIC two-sided limits: how far the estimator scatters, without the residual.
    confidence : float
        That of the interval.
    guarantee : Guarantee
        What the interval rests on.
    given : str
        The fact that the guarantee needs, "" if it needs none.
    residual : float
        The part of the upper limit that stands for what the method cannot see: the upper limit that plain draws give
        to it; under IDEAL_MOVES it stands beside the interval. 0 where there is nothing of the kind.
    n_calls : int
        Rows of the function in all: estimator, guard and search.
    n_gradients : int
        Rows of the gradient.
    n_guard : int
        Those of ``n_calls`` that were plain draws against a hidden region.
    n_search : int
        Those of ``n_calls`` that looked for design points, tuned the method or checked the function.
    sigma : float
        Scale of the noise, in the unit of the inputs.
    method : str
        The method, as ``method=`` names it.
    stream : Stream or None
        The noise: passed as ``rng=``, it repeats the run. None for exact values.
    stopped : str
        Why the run ended: "exact", "rel_error" (the wanted width was reached), "guard" (the method had reached it, but
        plain draws beside it found more), "n_samples" (the budget was spent), "interrupted" or "failed".
    notes : tuple of str
        What a reader of the number should know, a sentence each.
    trace : tuple of Step
        The estimate and its limits as the calls went by.
    details : dict
        Diagnostics of the method: design points, levels, acceptance rates, shares.
    seconds : float
        Wall time; not compared between estimates.
    """

    log_value: float
    log_interval: tuple[float, float]
    log_spread: tuple[float, float]
    confidence: float
    guarantee: Guarantee
    given: str = ""
    residual: float = 0.0
    n_calls: int = 0
    n_gradients: int = 0
    n_guard: int = 0
    n_search: int = 0
    sigma: float = 1.0
    method: str = "exact"
    stream: Stream | None = None
    stopped: str = "exact"
    notes: tuple[str, ...] = ()
    trace: tuple[Step, ...] = ()
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    seconds: float = dataclasses.field(default=0.0, compare=False)

    @property
    def value(self) -> float:
        """The estimate of mu; 0 where it underflows, see ``log_value``."""
        return math.exp(self.log_value)

    @property
    def interval(self) -> Interval:
        """The limits of mu that the guarantee gives; for the digits of tiny limits see ``log_interval``."""
        low, high = (math.exp(limit) for limit in self.log_interval)
        if high == 0.0 and self.log_interval[1] > -math.inf:
            high = 5e-324  # an upper limit is not rounded to 0
        return Interval(
            low=low, high=min(high, 1.0), confidence=self.confidence, side="two-sided", method=self.method,
            guarantee=self.guarantee, log_low=self.log_interval[0], log_high=self.log_interval[1],
        )  # fmt: skip

    @property
    def spread(self) -> tuple[float, float]:
        """The ASYMPTOTIC two-sided limits of mu."""
        low, high = self.log_spread
        return math.exp(low), math.exp(high)

    @property
    def distance(self) -> Distance:
        """The half-space distance ``-sigma * ndtri(mu)`` with its interval; call it for another ``sigma``."""
        low, high = self.log_interval
        value, least, most = (halfspace_distance(log_mu, self.sigma) for log_mu in (self.log_value, high, low))
        return Distance(value=value, low=least, high=most, sigma=self.sigma)

    @property
    def rel_error(self) -> float:
        """Half the width of what a wanted relative error is compared with, over the estimate.

        That is the interval where its guarantee is two-sided without a residual, else the spread; 0 for exact values,
        inf where no error was found.
        """
        sure = self.guarantee in (Guarantee.EXACT, Guarantee.FINITE_SAMPLE) and self.residual == 0
        return relative_width(self.log_value, *(self.log_interval if sure else self.log_spread))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and the value, interval and distance that follow from them, as JSON-safe values."""
        derived = {"value": self.value, "interval": self.interval, "spread": self.spread, "distance": self.distance}
        return Record.to_dict(self) | {name: to_json(value) for name, value in derived.items()}

    def rows(self) -> list[tuple[str, str, str]]:
        """Return what a reader wants to know, as rows of (quantity, value, what it is)."""
        low, high = self.log_interval
        distance, exact = self.distance, self.guarantee is Guarantee.EXACT
        given = f", given {self.given}" if self.given else ""
        rows = [("measure", say_log(self.log_value), "probability of the set")]
        if math.isfinite(self.log_value):
            rows.append(("its log", f"{self.log_value:.10g}", "natural logarithm"))
        if not exact:
            limits = f"[{say_log(low, at_least)}, {say_log(high, at_most)}]"
            rows.append(("interval", limits, f"confidence {at_least(self.confidence, 6)}"))
        if self.log_spread != self.log_interval:
            spread = ", ".join(say_log(limit) for limit in self.log_spread)
            rows.append(("spread", f"[{spread}]", "asymptotic, without what the method cannot see"))
        rows.append(("guarantee", self.guarantee.name, f"{self.guarantee.value}{given}"))
        if self.residual:
            what = "of the upper limit: what only plain draws would see"
            rows.append(("residual", at_most(self.residual, 4), what))
        found = f"{distance.value:.6g}"
        if not exact:
            found += f" [{at_least(distance.low, 4)}, {at_most(distance.high, 4)}]"
        rows.append(("half-space distance", found, f"-sigma ndtri(measure), sigma = {self.sigma:g}"))
        if not exact:
            parts = f"{self.n_guard:,} guard, {self.n_search:,} search, {self.n_gradients:,} gradients"
            rows.append(("calls", f"{self.n_calls:,}", parts))
            rows.append(("method", self.method, f"stopped: {self.stopped}; {self.seconds:.2g} s"))
        if self.stream is not None:
            rows.append(("seed", str(self.stream.seed), "repeats the run"))
        return rows

    def _repr_html_(self) -> str:
        cells = ((html.escape(cell) for cell in row) for row in self.rows())
        rows = "".join(f"<tr><th>{name}</th><td>{value}</td><td>{what}</td></tr>" for name, value, what in cells)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return f"<table><caption>Estimate</caption>{rows}</table>" + (f"<ul>{notes}</ul>" if notes else "")

    def __str__(self) -> str:
        low, high = self.log_interval
        given = f", given {self.given}" if self.given else ""
        if self.guarantee is Guarantee.EXACT:
            return f"{say_log(self.log_value)} ({self.guarantee.name}{given})"
        residual = f"; residual {at_most(self.residual, 4)}" if self.residual else ""
        notes = f"; {len(self.notes)} notes" if len(self.notes) > 1 else "; 1 note" if self.notes else ""
        return (
            f"{say_log(self.log_value)} [{say_log(low, at_least)}, {say_log(high, at_most)}] "
            f"({self.guarantee.name}{given}, confidence {at_least(self.confidence, 6)}{residual}; {self.method}, "
            f"{self.n_calls:,} calls, stopped: {self.stopped}{notes})"
        )

    __repr__ = __str__


def halfspace_distance(log_mu: float, sigma: float) -> float:
    """Return ``-sigma * ndtri(mu)`` from log(mu)."""
    return -sigma * float(special.ndtri_exp(log_mu)) + 0.0


def relative_width(log_value: float, log_low: float, log_high: float) -> float:
    """Return half the width of an interval over the value inside it, from logarithms; inf for a value of 0."""
    if log_value == -math.inf:
        return math.inf
    with_limits = [math.exp(min(limit - log_value, 700.0)) for limit in (log_low, log_high)]
    return 0.5 * (with_limits[1] - with_limits[0])


def say_log(log_rate: float, rounded: Any = None) -> str:
    """Return a rate in decimal from its natural logarithm, also far below the smallest float; at most 1.

    ``rounded`` is `at_least` or `at_most` for limits.
    """
    if log_rate == -math.inf:
        return "0"
    if log_rate > -690.0:
        rate = math.exp(min(log_rate, 0.0))
        return str(rounded(rate, 4)) if rounded else f"{rate:.4g}".replace("e-0", "e-")
    decades = log_rate / math.log(10.0)
    exponent = math.floor(decades)
    mantissa = 10.0 ** (decades - exponent)
    if rounded is at_most:
        mantissa = min(math.ceil(mantissa * 1000.0 + 1e-6) / 1000.0, 10.0)
    elif rounded is at_least:
        mantissa = math.floor(mantissa * 1000.0 - 1e-6) / 1000.0
    return f"{mantissa:.4g}e{exponent:d}"
