"""What a set with exact volumes says about the quantity that a theorem bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import special
from isoperimetry.bounds import Theorem
from isoperimetry.sets import Complement, DistanceLaw, ErrorSet, HalfSpace, Slab, UnionOfHalfSpaces
from isoperimetry.sets.base import ComplementedSet


class Case(NamedTuple):
    """One comparison: what, its true value, its bound, the unit of the slack, and the side if not the theorem's."""

    what: str
    truth: float
    bound: float
    unit: float
    side: str = ""


class Witness:
    """The exact distribution of the distance of a noisy sample to a set; it knows no theorem."""

    def __init__(self, error_set: ErrorSet, center: ArrayLike | None, sigma: float) -> None:
        if not 0 < sigma < math.inf:
            raise ValueError(f"sigma={sigma!r} must be finite and > 0: the distances are measured in its unit.")
        self.error_set, self.sigma = error_set, sigma
        self.center = np.zeros(error_set.dim) if center is None else np.asarray(center, np.float64)
        self.law = DistanceLaw(error_set, self.center, sigma)
        self.mu = self.within(0.0)
        self.rate = {"log_mu": float(error_set.log_volume(self.center, sigma))}
        if self.mu > 0.5 and isinstance(error_set, ComplementedSet):
            self.rate = {"log_accuracy": float(error_set.complement_log_volume(self.center, sigma))}

    def within(self, eps: float) -> float:
        """Return the share of the samples within ``eps``."""
        return float(self.law.cdf(eps))

    def quantile(self, q: float, *, conditional: bool = False) -> float:
        """Return the least distance with a share ``q`` within, of all samples or of those outside."""
        return float(self.law.quantile(q, conditional=conditional))


Cases = Callable[[Theorem, Witness, Sequence[float]], Iterator[Case]]


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
            # Near 0 it is a difference of probits of order 1.
            unit = bound + 1e-6 * witness.sigma
            yield Case(what, witness.quantile(q, conditional=conditional), bound, unit)


def _moment(power: int) -> Cases:
    def cases(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
        moment = witness.law.moment(power)
        for conditional in _conditions(witness):
            bound = theorem(**witness.rate, sigma=witness.sigma, conditional=conditional)
            share = 1 - witness.mu if conditional else 1.0
            what = f"the mean of distance**{power} (conditional={conditional})"
            yield Case(what, moment / share, bound, bound / share)

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


def _worst_case(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    truth = max(0.0, float(witness.error_set.signed_distance(witness.center)))
    bound = float(theorem(**witness.rate, sigma=witness.sigma, dim=witness.error_set.dim))
    yield Case("the distance of the center", truth, bound, max(witness.sigma, truth))


def _convex(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    error_set = witness.error_set
    parts = len(error_set.units) if isinstance(error_set, UnionOfHalfSpaces) else 1
    if parts > 1 or theorem.check(error_set)["convex error set"]:  # True, and not what looking cannot decide
        truth = max(0.0, float(error_set.signed_distance(witness.center)))
        bound = float(theorem(**witness.rate, sigma=witness.sigma, parts=parts))
        yield Case("the distance of the center", truth, bound, max(witness.sigma, truth))


def _affine(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    faces = _n_faces(witness.error_set)
    truth = float(witness.error_set.signed_distance(witness.center))
    if faces is None or truth < 0:  # of a center that is classified wrongly nothing is claimed
        return
    limits: Any = theorem(**witness.rate, sigma=witness.sigma, classes=faces + 1)
    low, high = limits
    unit = max(witness.sigma, truth)
    yield Case("the distance of the center", truth, low, unit, "lower")
    yield Case("the distance of the center", truth, high, unit, "upper")


def _n_faces(error_set: ErrorSet) -> int | None:
    """Return of how many half-spaces a set is the union, if it is one."""
    if isinstance(error_set, Complement) and isinstance(error_set.error_set, Slab):
        return 2
    return len(error_set.units) if isinstance(error_set, UnionOfHalfSpaces) else 1 if _is_one(error_set) else None


def _is_one(error_set: ErrorSet) -> bool:
    return isinstance(error_set, HalfSpace) or (isinstance(error_set, Complement) and _is_one(error_set.error_set))


def _norm_median(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    error_set = witness.error_set
    for p in (2.0, math.inf) if "enlarged_volume_inf" in error_set.capabilities else (2.0,):
        bound = float(theorem(**witness.rate, sigma=witness.sigma, dim=error_set.dim, p=p))
        if bound != math.inf:  # NaN is no bound, and fails
            share = float(error_set.enlarged_volume(bound, witness.center, witness.sigma, p=p))
            yield Case(f"P[d <= {bound!r}] for p={p}", share, 0.5, 1.0, "lower")


def _halfspace_norm(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    error_set = witness.error_set
    if isinstance(error_set, HalfSpace):
        for p in (1.0, 2.0, math.inf):
            dual = {1.0: math.inf, 2.0: 2.0, math.inf: 1.0}[p]
            truth = float(error_set.signed_distance(witness.center)) / float(np.linalg.norm(error_set.unit, ord=dual))
            bound = float(theorem(**witness.rate, normal=error_set.normal, p=p, sigma=witness.sigma))
            yield Case(f"the distance of the center for p={p}", truth, bound, max(witness.sigma, abs(truth)))


def _smoothing(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    """Compare the error rate at a step of the certified radius, in some directions, with 1/2."""
    if witness.mu < 0.5:
        forms = {"log_mu": "log_error_rate"}
        radius = float(theorem(sigma=witness.sigma, **{forms[name]: value for name, value in witness.rate.items()}))
        if radius != math.inf:
            rng = np.random.default_rng(witness.error_set.dim)
            normal = getattr(witness.error_set, "unit", None)
            for direction in (normal, np.eye(1, witness.error_set.dim)[0], rng.standard_normal(witness.error_set.dim)):
                if direction is not None:
                    step = radius * direction / np.linalg.norm(direction)
                    for there in (witness.center + step, witness.center - step):
                        truth = float(witness.error_set.volume(there, witness.sigma))
                        yield Case("the error rate at the certified radius", truth, 0.5, 1.0, "upper")


def _lipschitz(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    """Take the distance itself, which is a Lipschitz function with constant 1."""
    median = witness.quantile(0.5)
    if median < math.inf:
        for t in (4 * witness.sigma * level for level in levels):
            beyond = 1 - witness.within(median + t)
            yield Case(f"P[d > median + {t!r}]", beyond, float(theorem(t, 1.0, witness.sigma)), 1.0)


def _stability(theorem: Theorem, witness: Witness, levels: Sequence[float]) -> Iterator[Case]:
    error_set = witness.error_set
    if isinstance(error_set, HalfSpace):
        h = (error_set.offset - float(error_set.unit @ witness.center)) / witness.sigma
        for rho in levels:
            truth = math.exp(special.log_binormal_sf(h, h, rho))
            yield Case(f"P[both in the set] for rho={rho}", truth, float(theorem(**witness.rate, rho=rho)), truth)


WITNESSES: dict[str, Cases] = {
    "GAUSSIAN_ENLARGEMENT": _enlargement,
    "GAUSSIAN_DISTANCE": _quantile,
    "GAUSSIAN_MEAN_DISTANCE": _moment(1),
    "GAUSSIAN_SECOND_MOMENT": _moment(2),
    "GAUSSIAN_REQUIRED_RATE": _required_rate,
    "GAUSSIAN_REQUIRED_SIGMA": _required_sigma,
    "GAUSSIAN_PROFILE": _profile,
    "HALFSPACE_DISTANCE": _distance,
    "HALFSPACE_RATE": _rate_at_sigma,
    "CENTER_WORST_CASE": _worst_case,
    "CENTER_CONVEX": _convex,
    "CENTER_AFFINE": _affine,
    "NORM_DISTANCE": _norm_median,
    "HALFSPACE_DISTANCE_NORM": _halfspace_norm,
    "SMOOTHING_RADIUS": _smoothing,
    "LIPSCHITZ_TAIL": _lipschitz,
    "NOISE_STABILITY": _stability,
}
"""By the name of the theorem, what to compare; a new theorem about error sets in Gaussian noise gets its line here."""
