"""What a set with exact volumes says about the quantity that a theorem bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.bounds import Theorem
from isoperimetry.sets import ErrorSet
from isoperimetry.sets.base import ComplementedSet


class Case(NamedTuple):
    """One comparison: what, its true value, its bound, and the unit of the slack."""

    what: str
    truth: float
    bound: float
    unit: float


class Witness:
    """The exact distribution of the distance of a noisy sample to a set; it knows no theorem."""

    def __init__(self, error_set: ErrorSet, center: ArrayLike | None, sigma: float) -> None:
        if not 0 < sigma < math.inf:
            raise ValueError(f"sigma={sigma!r} must be finite and > 0: the distances are measured in its unit.")
        self.error_set, self.sigma = error_set, sigma
        self.center = np.zeros(error_set.dim) if center is None else center
        self.mu = self.within(0.0)
        self.rate = {"log_mu": float(error_set.log_volume(self.center, sigma))}
        if self.mu > 0.5 and isinstance(error_set, ComplementedSet):
            self.rate = {"log_accuracy": float(error_set.complement_log_volume(self.center, sigma))}

    def within(self, eps: float) -> float:
        """Return the share of the samples within ``eps``."""
        return float(self.error_set.enlarged_volume(eps, self.center, self.sigma))

    def quantile(self, q: float, *, conditional: bool = False) -> float:
        """Return the least distance with a share ``q`` within, of all samples or of those outside, by bisection."""
        level = self.mu + (1 - self.mu) * q if conditional else q
        if self.mu >= level:
            return 0.0
        if self.within(math.inf) < level:
            return math.inf
        low, high = 0.0, self.sigma
        while self.within(high) < level:
            low, high = high, 2 * high
        while high - low > 1e-13 * high:
            middle = (low + high) / 2
            low, high = (low, middle) if self.within(middle) >= level else (middle, high)
        return low

    def moment(self, power: int) -> float:
        """Return the mean of ``(distance / sigma)**power``, an integral of the survival function."""
        if self.within(math.inf) < 1:
            return math.inf

        def integrand(t: Array) -> Array:
            return (
                power * t ** (power - 1) * (1 - self.error_set.enlarged_volume(t * self.sigma, self.center, self.sigma))
            )

        median = self.quantile(0.5) / self.sigma
        return _integral(integrand, np.linspace(0.0, median + 40.0, 9))


def _integral(function: Callable[[Array], Array], edges: Array) -> float:
    """Integrate over all panels between ``edges``, halving those where two rules disagree: survival may have a kink."""
    nodes, weights = np.polynomial.legendre.leggauss(10)

    def rule(left: Array, right: Array) -> Array:
        half = 0.5 * (right - left)
        points = (left + half)[:, None] + half[:, None] * nodes
        return np.asarray(half * (function(points) @ weights))

    left, right, total = edges[:-1], edges[1:], 0.0
    coarse = rule(left, right)
    while left.size:
        middle = 0.5 * (left + right)
        fine_left, fine_right = rule(left, middle), rule(middle, right)
        done = (np.abs(fine_left + fine_right - coarse) < 1e-13) | (right - left < 1e-13 * edges[-1])
        total += float(np.sum((fine_left + fine_right)[done]))
        left, middle, right = left[~done], middle[~done], right[~done]
        coarse = np.concatenate([fine_left[~done], fine_right[~done]])
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    return total


def _conditions(witness: Witness) -> tuple[bool, ...]:
    """Return for which of (all samples, samples outside) 1 - mu has the digits that a comparison needs."""
    return (False, True) if witness.mu < 1 - 1e-6 else (False,)


def _enlargement(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    for eps in (4 * witness.sigma * level for level in levels):
        bound = theorem(**witness.rate, eps=eps, sigma=witness.sigma)
        yield Case(f"P[d <= {eps!r}]", witness.within(eps), bound, 1.0)


def _quantile(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    for conditional in _conditions(witness):
        for q in levels:
            bound = theorem(**witness.rate, sigma=witness.sigma, q=q, conditional=conditional)
            what = f"the {q}-quantile of the distance (conditional={conditional})"
            yield Case(what, witness.quantile(q, conditional=conditional), bound, max(witness.sigma, bound))


def _moment(power: int) -> Callable[[Theorem, Witness, Sequence[float]], Iterator[Case]]:
    def cases(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
        unit, moment = witness.sigma**power, witness.moment(power)
        for conditional in _conditions(witness):
            bound = theorem(**witness.rate, sigma=witness.sigma, conditional=conditional)
            truth = unit * moment / (1 - witness.mu if conditional else 1.0)
            what = f"the mean of distance**{power} (conditional={conditional})"
            yield Case(what, truth, bound, max(unit, bound) / (1 - witness.mu if conditional else 1.0))

    return cases


def _robust(witness: Witness, levels: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Return distances and the shares of the samples beyond them; from shorter ones the shares lose their digits."""
    for eps in map(witness.quantile, levels):
        if 1e-6 * witness.sigma < eps < math.inf:
            yield eps, 1 - witness.within(eps)


def _required_rate(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    for eps, fraction in _robust(witness, levels):
        bound = theorem(eps, witness.sigma, robust_fraction=fraction)
        yield Case(f"the error rate where P[d > {eps!r}] = {fraction!r}", witness.mu, bound, 1.0)


def _required_sigma(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    for eps, fraction in _robust(witness, levels):
        bound = theorem(eps, **witness.rate, robust_fraction=fraction)
        # The bound is eps over a difference of that order, whose rounding counts the more the nearer eps is to 0.
        unit = witness.sigma * (1 + witness.sigma / eps)
        yield Case(f"sigma where P[d > {eps!r}] = {fraction!r}", witness.sigma, bound, unit)


def _profile(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    step = 1e-4 * witness.sigma

    def slope(eps: float) -> float:
        return (witness.within(eps) - witness.mu) / eps

    bound = theorem(**witness.rate, sigma=witness.sigma)
    growth = 2 * slope(step / 2) - slope(step)  # extrapolated to 0: error about 1e-8 / sigma
    yield Case("the growth of the measure", growth, bound, 1e3 / witness.sigma)


def _distance(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    truth = float(witness.error_set.signed_distance(witness.center))
    bound = theorem(**witness.rate, sigma=witness.sigma)
    yield Case("the signed distance of the center", truth, bound, max(witness.sigma, abs(truth)))


def _rate_at_sigma(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    for sigma_new in (0.5 * witness.sigma, 3.0 * witness.sigma):
        truth = float(witness.error_set.volume(witness.center, sigma_new))
        bound = theorem(**witness.rate, sigma=witness.sigma, sigma_new=sigma_new)
        yield Case(f"the error rate at sigma={sigma_new!r}", truth, bound, 1.0)


WITNESSES: dict[str, Callable[[Theorem, Witness, Sequence[float]], Iterator[Case]]] = {
    "GAUSSIAN_ENLARGEMENT": _enlargement,
    "GAUSSIAN_DISTANCE": _quantile,
    "GAUSSIAN_MEAN_DISTANCE": _moment(1),
    "GAUSSIAN_SECOND_MOMENT": _moment(2),
    "GAUSSIAN_REQUIRED_RATE": _required_rate,
    "GAUSSIAN_REQUIRED_SIGMA": _required_sigma,
    "GAUSSIAN_PROFILE": _profile,
    "HALFSPACE_DISTANCE": _distance,
    "HALFSPACE_RATE": _rate_at_sigma,
}
"""By the name of the theorem, what to compare; a new theorem gets its line here."""
