"""How many draws and starts an audit needs: the exact power of its test, and the precision of the distance."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, SupportsIndex

from isoperimetry import _validate
from isoperimetry.checks._power import MOST_DRAWS, MOST_STARTS, HalfspacePower, least_draws, least_starts_for
from isoperimetry.checks.audit import as_scale
from isoperimetry.checks.precision import distance_standard_error
from isoperimetry.intervals import order
from isoperimetry.results import Record, at_least

# The cost falls with the starts and then rises, but for the jumps of counts: so many in a row show that it rises.
PATIENCE = 10
# Starts of the alternatives, as multiples of those that are recommended.
ALTERNATIVES = (0.5, 0.7, 1.0, 1.5, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAudit(Record):
    """One way to reach a power: draws, starts, what they reach, and what they cost.

    Attributes
    ----------
    draws, starts : int
        Noise draws for the error rate; noisy points to attack (of correct ones if ``conditional`` was planned).
    power : float
        Probability of the verdict ATTACK_FAILING, exact for a half-space, in [0, 1].
    standard_error : float
        Of the half-space distance from these draws, in the unit of sigma, see `distance_standard_error`.
    cost : float
        ``draws`` plus ``start_cost`` for each start: in forward passes.
    """

    draws: int
    starts: int
    power: float
    standard_error: float
    cost: float

    def __str__(self) -> str:
        return (
            f"{self.draws} draws and {self.starts} starts: power {at_least(self.power)}, standard error of the "
            f"distance {self.standard_error:.3g}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Record):
    """The result of `plan`.

    Attributes
    ----------
    draws, starts, power, standard_error, cost
        As in `PlannedAudit`.
    mu, sigma, factor, failing, confidence, q, conditional
        The arguments.
    target : float or None
        The power that was asked for; None if ``draws`` and ``starts`` were both given.
    alternatives : tuple of PlannedAudit
        Ways to the same power from fewer starts to more, this one among them; empty if a number was given.
    """

    draws: int
    starts: int
    power: float
    standard_error: float
    cost: float
    mu: float
    sigma: float
    factor: float
    failing: float
    confidence: float
    q: float
    conditional: bool
    target: float | None
    alternatives: tuple[PlannedAudit, ...]

    def __str__(self) -> str:
        attack = f"{self.factor:g} times too long" if self.factor != 1 else "of the nearest errors"
        if self.failing:
            attack += f", {self.failing:g} of the searches failing"
        return (
            f"{self.draws} draws and {self.starts} starts: power {at_least(self.power)} against distances {attack} "
            f"(half-space of mu = {self.mu:g}, confidence {at_least(self.confidence, 6)}); standard error of the "
            f"distance {self.standard_error:.3g}"
        )

    def _repr_html_(self) -> str:
        names = ("draws", "starts", "power", "standard_error", "cost")
        head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_cell(getattr(row, name))}</td>" for name in names) + "</tr>"
            for row in self.alternatives or (self,)
        )
        return f"<table><caption>{html.escape(str(self))}</caption><tr>{head}</tr>{rows}</table>"


def plan(
    mu: float,
    sigma: float = 1.0,
    *,
    factor: float = 1.5,
    failing: float = 0.0,
    power: float = 0.9,
    standard_error: float | None = None,
    draws: SupportsIndex | None = None,
    starts: SupportsIndex | None = None,
    confidence: float = 0.999,
    q: float = 0.5,
    conditional: bool = False,
    start_cost: float = 200.0,
) -> Plan:
    r"""Plan an audit: how many noise draws, and how many attacked starts.

    The power is exact for error sets that are half-spaces, where the true distances are as large as the theorem allows,
    and an attack all of whose distances are ``factor`` times too long: a sum over the numbers of errors, for each of
    which the distances within the bound are binomial. Where the errors are nearer than that, the power is lower.

    Parameters
    ----------
    mu : float
        Error rate that is expected, in (0, 1); in (0, q) unless ``conditional``, since there is no bound beyond.
    sigma : float
        Scale of the noise, > 0, in the unit of the inputs.
    factor : float
        Found distance / nearest distance, >= 1.
    failing : float
        Share of the starts not already wrong from which the attack finds nothing, in [0, 1), whatever the others give.
    power : float
        Probability of a conviction that is wanted, in (0, 1).
    standard_error : float, optional
        Wanted standard error of the half-space distance, > 0, in the unit of ``sigma``; sets the least number of draws.
    draws, starts : int, optional
        What is given already, >= 1. The other is the least that reaches ``power``; with both, their power is told.
        With neither, the pair of least cost.
    confidence, q, conditional
        Of `audit_attack`; ``conditional`` True plans for correct starts alone.
    start_cost : float
        What an attack from one start costs, > 0, in forward passes such as one draw takes.

    Returns
    -------
    Plan
        With alternatives of fewer and more starts if neither was given.

    Raises
    ------
    TypeError
        If a number of draws or starts is no integer.
    ValueError
        If an argument is out of range, or no number of the other kind can reach the power.

    Notes
    -----
    For a number of draws that is fixed in advance (sampling="fixed"). The least numbers are least up to the small jumps
    of the power that counts make. Not in the power: that wrong starts disagree with the error rate by chance, which
    stops an audit with at most the probability 1 - confidence.

    Examples
    --------
    >>> print(plan(0.01, sigma=0.1, factor=1.5, draws=10_000))
    10000 draws and 78 starts: power 0.913 against distances 1.5 times too long (half-space of mu = 0.01, confidence
    0.999); standard error of the distance 0.00373
    """
    rate, scale = _one_in("mu", mu, 0, 1, "it is the error rate that is expected"), as_scale(sigma)
    confidence, q, conditional = _validate.as_confidence(confidence), order.as_level(q), bool(conditional)
    if rate >= q and not conditional:
        raise ValueError(
            f"mu={mu!r} must be < q={q:g}: beyond, the bound of all starts is 0 and convicts nothing. Take a smaller "
            "sigma, or conditional=True."
        )
    factor, failing = _as_attack(factor, failing)
    target = _one_in("power", power, 0, 1, "it is the probability of a conviction")
    price = _one_in("start_cost", start_cost, 0, math.inf, "it is the cost of an attack in draws")
    n_draws = None if draws is None else _validate.as_count("draws", draws, low=1, below=2**63)
    n_starts = None if starts is None else _validate.as_count("starts", starts, low=1, below=2**63)
    fewest = 1
    if standard_error is not None:
        wanted = _one_in("standard_error", standard_error, 0, math.inf, "it is a length in the unit of sigma")
        fewest = _draws_for(rate, wanted / scale)
    model = HalfspacePower(rate, factor=factor, failing=failing, confidence=confidence, q=q, conditional=conditional)

    def audit(n_draws: int, n_starts: int) -> PlannedAudit:
        return PlannedAudit(
            draws=n_draws,
            starts=n_starts,
            power=model.power(n_draws, n_starts),
            standard_error=float(distance_standard_error(rate, n_draws, scale)),
            cost=n_draws + price * n_starts,
        )

    others: tuple[PlannedAudit, ...] = ()
    if n_draws is not None and n_draws < fewest:
        raise ValueError(f"draws={n_draws} give a larger standard error than {standard_error!r}: it takes {fewest}.")
    if n_draws is not None and n_starts is not None:
        chosen = audit(n_draws, n_starts)
    elif n_draws is not None:
        found = least_starts_for(model, n_draws, target)
        if not found:
            raise ValueError(f"draws={n_draws} {_too_few(factor, failing, target)}: plan more draws.")
        chosen = audit(n_draws, found)
    elif n_starts is not None:
        found = least_draws(model, n_starts, target, fewest=fewest)
        if not found:
            raise ValueError(f"starts={n_starts} {_too_few(factor, failing, target)}: plan more starts.")
        chosen = audit(found, n_starts)
    else:
        chosen, others = _cheapest(model, target, fewest, price, audit)
    return Plan(
        draws=chosen.draws,
        starts=chosen.starts,
        power=chosen.power,
        standard_error=chosen.standard_error,
        cost=chosen.cost,
        mu=rate,
        sigma=scale,
        factor=factor,
        failing=failing,
        confidence=confidence,
        q=q,
        conditional=conditional,
        target=None if draws is not None and starts is not None else target,
        alternatives=others,
    )


def _cheapest(
    model: HalfspacePower, target: float, fewest: int, price: float, audit: Callable[[int, int], PlannedAudit]
) -> tuple[PlannedAudit, tuple[PlannedAudit, ...]]:
    # Starts are taken where one more may lie within the bound: between, more starts have less power.
    best, best_cost, within, worse = (0, 0), math.inf, 0, 0
    while worse < PATIENCE:
        starts = model.starts_for(within)
        if price * starts + fewest >= best_cost or starts > MOST_STARTS:
            break
        most = MOST_DRAWS if best_cost == math.inf else int(min(MOST_DRAWS, best_cost))
        n_draws = least_draws(model, starts, target, fewest=fewest, most=most, exact=False)
        cost = n_draws + price * starts if n_draws else math.inf
        if cost < best_cost:
            best, best_cost, worse = (n_draws, starts), cost, 0
        elif best_cost < math.inf:
            worse += 1
        within = max(within + 1, math.ceil(1.1 * within))
    if not best[1]:
        raise ValueError(
            f"factor={model.factor!r} with failing={model.failing!r} takes more than {MOST_DRAWS:.0e} draws or "
            f"{MOST_STARTS:.0e} starts to tell from an attack that finds the nearest errors: plan for a larger factor."
        )
    others = {}
    for multiple in ALTERNATIVES:
        starts = model.starts_for(max(model.convicting(round(multiple * best[1])), 0))
        found = least_draws(model, starts, target, fewest=fewest)
        if found:
            others[starts] = audit(found, starts)
    return others[best[1]], tuple(others.values())


def _draws_for(rate: float, error: float) -> int:
    unit = float(distance_standard_error(rate, 1))
    return math.ceil((unit / error) ** 2 * (1.0 - 1e-14))


def _too_few(factor: float, failing: float, target: float) -> str:
    also = f" with failing={failing:g}" if failing else ""
    return f"cannot reach power={target:g} against factor={factor:g}{also}, whatever the other number"


def _one_in(name: str, value: float, low: float, high: float, what: str) -> float:
    array = _validate.as_float(name, value)
    if array.ndim or not low < array < high:
        raise ValueError(f"{name}={value!r} must be one number in ({low:g}, {high:g}): {what}.")
    return float(array)


def _as_attack(factor: float, failing: float) -> tuple[float, float]:
    length, share = _validate.as_float("factor", factor), _validate.as_float("failing", failing)
    if length.ndim or not 1 <= length < math.inf:
        raise ValueError(f"factor={factor!r} must be one number in [1, inf): it is found / nearest distance.")
    if share.ndim or not 0 <= share < 1:
        raise ValueError(f"failing={failing!r} must be one number in [0, 1): it is a share of the searches.")
    if length == 1 and share == 0:
        raise ValueError(
            "factor=1.0 with failing=0.0 is an attack that finds the nearest errors: plan for a worse one."
        )
    return float(length), float(share)


def _cell(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"
