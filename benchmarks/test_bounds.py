"""Speed of the Gaussian bounds on one core: their times beside those of the special functions in their formulas.

Run ``python -m benchmarks.test_bounds`` for the table, or ``python -m pytest benchmarks/test_bounds.py`` for the goal:
a bound of a million error rates takes at most 1.5 times as long as its special functions, each called once on the
numbers that the formula hands it. Both take turns in one process: compare the ratios, not the times. Every answer is
compared with that of the formula, in NumPy, before it is timed.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from benchmarks import timing
from isoperimetry import bounds, special

SIZE, GOAL = 1_000_000, 1.5
SIGMA, EPS, Q = 0.1, 0.2, 0.7
RELATIVE, ABSOLUTE = 1e-9, 1e-14  # of the formulas in NumPy, some of which cancel

Array = np.ndarray
Call = tuple[Callable[..., Any], Array]


@dataclass(frozen=True)
class Rates:
    """The rates that a bound is given, and what the formulas make of them."""

    form: str
    value: Array

    @property
    def quantile(self) -> Call:
        return (special.ndtri_exp if self.form == "log_mu" else special.ndtri), self.value

    @property
    def mu(self) -> Array:
        return np.exp(self.value) if self.form == "log_mu" else self.value

    @property
    def log(self) -> Array:
        return self.value if self.form == "log_mu" else np.log(self.value)

    @property
    def z(self) -> Array:
        function, value = self.quantile
        return np.asarray(function(value))


# Rates from 1/2 on have a smaller complement, which some formulas work on.
RATES: dict[str, Callable[[np.random.Generator, int], Rates]] = {
    "mu, uniform in (0, 1)": lambda rng, n: Rates("mu", rng.uniform(1e-9, 1 - 1e-9, n)),
    "mu, uniform in (0, 1/2)": lambda rng, n: Rates("mu", rng.uniform(1e-9, 0.5, n)),
    "log_mu, log-uniform in (1e-300, 1/2)": lambda rng, n: Rates("log_mu", rng.uniform(-690.0, np.log(0.5), n)),
}


def probit(rates: Rates) -> list[Call]:
    return [rates.quantile]


def moved(function: Callable[..., Any], sign: float, factor: float, shift: float) -> Callable[[Rates], list[Call]]:
    """Return the calls of a formula with ``function`` at ``sign (factor z + shift)``."""
    return lambda rates: [rates.quantile, (function, sign * (factor * rates.z + shift))]


def with_mills(rates: Rates) -> list[Call]:
    return [rates.quantile, (special.mills_ratio, np.abs(rates.z))]


def conditional_quantile(rates: Rates) -> list[Call]:
    """Two probits; where they nearly cancel, one step of Newton's method with two Mills ratios."""
    z, log_rest = rates.z, np.log1p(-rates.mu) + np.log1p(-Q)
    upper = z > 0
    ends = -np.asarray(special.ndtri_exp(log_rest))
    calls: list[Call] = [rates.quantile, (special.ndtri_exp, log_rest)]
    return calls + [(special.mills_ratio, x[upper]) for x in (z, ends) if upper.any()]


def mean(rates: Rates, z: Array, mills: Array) -> Array:
    return np.maximum(-z, 0) + np.minimum(rates.mu, 1 - rates.mu) * (1 / mills - np.abs(z))


def second_moment(rates: Rates, z: Array, mills: Array) -> Array:
    x = np.abs(z)
    beyond = np.minimum(rates.mu, 1 - rates.mu) * (1 + x * x - x / mills)
    return np.where(z > 0, beyond, 1 + x * x - beyond)


@dataclass(frozen=True)
class Case:
    """A bound, the calls of its special functions, and the answer from their results."""

    bound: Callable[..., Any]
    options: dict[str, Any]
    calls: Callable[[Rates], list[Call]]
    answer: Callable[..., Array]


RATIO = EPS / SIGMA
CASES: dict[str, Case] = {
    "halfspace_distance": Case(bounds.halfspace_distance, {}, probit, lambda r, z: -SIGMA * z),
    "median_distance_bound": Case(
        bounds.median_distance_bound, {}, probit, lambda r, z: SIGMA * np.maximum(0, -z)
    ),
    "quantile_distance_bound": Case(
        bounds.quantile_distance_bound, {"q": Q}, probit, lambda r, z: SIGMA * np.maximum(0, special.ndtri(Q) - z)
    ),
    "quantile_distance_bound, conditional": Case(
        bounds.quantile_distance_bound, {"q": Q, "conditional": True}, conditional_quantile,
        lambda r, z, end, *mills: SIGMA * (-z - end),
    ),
    "enlargement": Case(
        bounds.enlargement, {"eps": EPS}, moved(special.ndtr, 1, 1, RATIO), lambda r, z, value: value
    ),
    "log_enlargement": Case(
        bounds.log_enlargement, {"eps": EPS}, moved(special.log_ndtr, 1, 1, RATIO), lambda r, z, value: value
    ),
    "log_enlargement_complement": Case(
        bounds.log_enlargement_complement, {"eps": EPS}, moved(special.log_ndtr, -1, 1, RATIO),
        lambda r, z, value: value,
    ),
    "error_rate_at_sigma": Case(
        bounds.error_rate_at_sigma, {"sigma_new": 2 * SIGMA}, moved(special.ndtr, 1, 0.5, 0),
        lambda r, z, value: value,
    ),
    "log_error_rate_at_sigma": Case(
        bounds.log_error_rate_at_sigma, {"sigma_new": 2 * SIGMA}, moved(special.log_ndtr, 1, 0.5, 0),
        lambda r, z, value: value,
    ),
    "mean_distance_bound": Case(
        bounds.mean_distance_bound, {}, with_mills, lambda *given: SIGMA * mean(*given)
    ),
    "mean_distance_bound, conditional": Case(
        bounds.mean_distance_bound, {"conditional": True}, with_mills,
        lambda r, z, mills: SIGMA * mean(r, z, mills) / (1 - r.mu),
    ),
    "log_mean_distance_bound": Case(
        bounds.log_mean_distance_bound, {}, with_mills, lambda *given: np.log(SIGMA * mean(*given))
    ),
    "second_moment_distance_bound": Case(
        bounds.second_moment_distance_bound, {}, with_mills, lambda *given: SIGMA**2 * second_moment(*given)
    ),
    "gaussian_profile": Case(
        bounds.gaussian_profile, {}, with_mills,
        lambda r, z, mills: np.minimum(r.mu, 1 - r.mu) / mills / SIGMA,
    ),
    "log_gaussian_profile": Case(
        bounds.log_gaussian_profile, {},
        lambda r: [((special.log_profile_exp if r.form == "log_mu" else special.log_profile), r.value)],
        lambda r, value: value - np.log(SIGMA),
    ),
    "required_sigma": Case(
        bounds.required_sigma, {"eps": EPS}, probit, lambda r, z: np.where(z < 0, EPS / np.maximum(-z, 1e-300), np.inf)
    ),
}  # fmt: skip
# These need no rate, but a million distances; the level is one number.
DISTANCES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "required_error_rate": (bounds.required_error_rate, special.ndtr),
    "log_required_error_rate": (bounds.log_required_error_rate, special.log_ndtr),
}


def bind(name: str, rates: str, size: int) -> tuple[Callable[[], Any], list[Call], Callable[..., Array]]:
    """Return a call of the bound, those of its special functions, and the answer from their results."""
    rng = np.random.default_rng(1)
    if name in DISTANCES:
        bound, function = DISTANCES[name]
        eps = rng.uniform(0, 0.4, size)
        return lambda: bound(eps, SIGMA), [(function, -eps / SIGMA)], lambda value: value
    case, given = CASES[name], RATES[rates](rng, size)
    options = {**({} if name == "required_sigma" else {"sigma": SIGMA}), **case.options, given.form: given.value}
    return lambda: case.bound(**options), case.calls(given), lambda *results: case.answer(given, *results)


def run(name: str, rates: str, size: int = SIZE, rounds: int = timing.ROUNDS) -> dict[str, Any]:
    """Check the answer, and return the median times and their ratio."""
    ours, calls, answer = bind(name, rates, size)
    np.testing.assert_allclose(ours(), answer(*(function(x) for function, x in calls)), RELATIVE, ABSOLUTE)
    cases: dict[str, Callable[[], object]] = {
        "ours": ours, "special": lambda: [function(x) for function, x in calls]
    }  # fmt: skip
    times = timing.time_in_turns(cases, size, rounds=rounds)
    ratio, low, high = timing.spread(times, "special", "ours")
    return {
        "bound": name,
        "arguments": rates,
        "special_functions": [function.__name__ for function, _ in calls],
        "ns": round(statistics.median(times["ours"]), 3),
        "special_ns": round(statistics.median(times["special"]), 3),
        "ratio": ratio,
        "ratio_range": [low, high],
    }


ALL = [(name, rates) for name in CASES for rates in RATES] + [(name, "eps, uniform in (0, 0.4)") for name in DISTANCES]


@pytest.mark.parametrize(("name", "rates"), ALL, ids=[f"{name}: {rates}" for name, rates in ALL])
def test_goals(name: str, rates: str) -> None:
    row = run(name, rates)
    assert row["ratio"] <= GOAL, f"{name}, {rates}: {row['ratio']} {row['ratio_range']} times its special functions"


def main() -> None:
    machine = timing.machine()
    print(machine)
    print(f"\n{'':38s}{'ns/rate':>9s}   {'of its special functions':>24s}")
    rows, last = [], ""
    for name, rates in ALL:
        row = run(name, rates)
        if name != last:
            print(name)
        last, (low, high) = name, row["ratio_range"]
        ratio = f"{row['ratio']:.2f} [{low:.2f}, {high:.2f}]"
        print(f"  {rates:36s}{row['ns']:9.2f}   {ratio:>24s}", flush=True)
        rows.append(row)
    timing.write("bounds", {"machine": machine, "size": SIZE, "rounds": timing.ROUNDS, "goal": GOAL, "rows": rows})


if __name__ == "__main__":
    main()
