"""The records that a check returns."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Literal

from isoperimetry.results import Interval, Record, at_least, at_most

Sampling = Literal["fixed", "sequential"]
Method = Literal["sign", "dkw"]

# P-values are not followed below this: exp(-690) is near the smallest double, and any larger value is valid too.
LEAST_P_VALUE = 1e-300


def say_p_value(p_value: float) -> str:
    """Return a p-value in words, rounded up."""
    return f"p {'<=' if p_value <= LEAST_P_VALUE else '='} {at_most(p_value)}"


class AuditVerdict(enum.Enum):
    """What the audit of an attack concludes."""

    ATTACK_FAILING = "attack failing"
    CONSISTENT = "consistent"
    UNDECIDED = "undecided"


class VerdictKind(enum.Enum):
    """What the check of a measurement concludes.

    CONTRADICTION: certified lower bounds of distances exceed what the theorem allows, so the measurement, the model of
    the noise or the code is wrong. PREDICTION: the distances are from the clean input, about which the theorem says
    nothing; they are compared with the half-space formula, and nothing is convicted.
    """

    ATTACK_FAILING = "attack failing"
    CONSISTENT = "consistent"
    UNDECIDED = "undecided"
    CONTRADICTION = "contradiction"
    PREDICTION = "prediction"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPoint(Record):
    """Where distances were counted: from at least a fraction ``q`` of the starts an error lies within ``radius``.

    Attributes
    ----------
    q : float
        That fraction, at the lower limit of the error rate.
    radius : float
        In the unit of the distances; inf if that limit is 0.
    n_within : int
        Tested starts with a distance <= ``radius``.
    p_value : float
        The least level of the whole audit at which this point convicts; the points share it.
    missed_fraction : float
        From at least this fraction an error lies within ``radius`` that the attack missed; all points hold at once.
    """

    q: float
    radius: float
    n_within: int
    p_value: float
    missed_fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackAudit(Record):
    """The result of `audit_attack`. Distances are in the unit of ``sigma``, in the norm ``norm``.

    Attributes
    ----------
    verdict : AuditVerdict
        ATTACK_FAILING: at ``confidence``, the attack misses nearer errors. CONSISTENT: at ``confidence``, the
        ``q``-quantile of its distances is within the bound, so this test can never convict it at this confidence (which
        does not make it a good attack); of several quantiles or radii, this is shown for each. UNDECIDED: neither.
    p_value : float
        The least level at which the test convicts, 1 if none; values below 1e-300 are reported as 1e-300.
    bound : float
        What the ``q``-quantile of the nearest distances cannot exceed at the lower limit of the error rate; inf if that
        limit is 0.
    confidence, sigma, norm, dim, conditional, sampling, independent, method, radii
        The arguments. ``conditional`` says which bound was used: it is True also where no distance is 0 and the caller
        did not say that every start was attacked.
    q : float
        The level that was tested; of several, and of radii, that of the point with the least p-value.
    stretch : float
        What multiplies sigma in the bound: 1 for isotropic noise and a norm with p >= 2.
    errors, trials : int
        The counts behind the error rate.
    error_rate : Interval
        Its one-sided lower limit, at half of the test's level.
    n_starts, n_zero, n_failed : int
        All starts; those already wrong (distance 0); those where the attack found nothing (inf).
    n_tested, n_within : int
        Starts that the test counts (without the wrong ones if the caller said ``conditional=True``), and those among
        them with a distance <= ``bound``.
    distance_quantile, distance_low, distance_high : float
        Lower ``q``-quantile of the tested distances, and the limits of the true quantile, each at half of the level
        (its share of that, if there are several points).
    missed_fraction : float
        Of the noisy points (of the correct ones if ``conditional``), at least this fraction has an error within
        ``missed_radius`` that the attack missed; 0 unless convicted.
    missed_radius : float or None
        That radius. Unless `exact_radius`, it is an upper bound of the radius at which the fraction holds.
    samples_to_decide : (float, float) or None
        Trials and starts at which today's proportions would decide, inf if none would; None if decided.
    reasons : tuple of str
        What was found, and each precondition: "checked", "assumed" or "broken".
    points : tuple of AuditPoint
        The quantiles or radii in the order given, or the radius that says most of all; ``bound``, ``q`` and
        ``n_within`` are those of the point with the least p-value, ``missed_fraction`` is the largest of all.
    """

    verdict: AuditVerdict
    p_value: float
    bound: float
    confidence: float
    q: float
    sigma: float
    stretch: float = 1.0
    errors: int
    trials: int
    error_rate: Interval
    n_starts: int
    n_tested: int
    n_within: int
    n_failed: int
    n_zero: int
    distance_quantile: float
    distance_low: float
    distance_high: float
    missed_fraction: float
    missed_radius: float | None
    samples_to_decide: tuple[float, float] | None
    reasons: tuple[str, ...]
    conditional: bool
    sampling: Sampling
    independent: bool
    norm: float
    dim: int | None
    method: Method = "sign"
    radii: tuple[float, ...] | None = None
    points: tuple[AuditPoint, ...] = ()

    @property
    def exact_radius(self) -> bool:
        """Whether ``missed_fraction`` holds at ``missed_radius`` itself.

        It does at a radius that was fixed in advance, and if all radii are tested at once; a radius that the counts
        decided needs starts that are ``independent`` of them.
        """
        return self.independent or self.method == "dkw" or self.radii is not None

    def __str__(self) -> str:
        confidence = f"confidence {at_least(self.confidence, 6)}"
        if self.n_zero == self.n_starts:
            return (
                f"{self.verdict.name}: all {self.n_starts} starts are errors already, so that no attack was tested, "
                f"{confidence}"
            )
        if math.isinf(self.bound):
            return (
                f"{self.verdict.name}: {self.errors} errors in {self.trials} draws bound no distance, so that none of "
                f"{self.n_tested} starts can be beyond a bound, {confidence}"
            )
        starts = f"{self.n_tested - self.n_within} of {self.n_tested} starts"
        where = f"beyond the bound {at_most(self.bound, 4)}"
        if self.bound == 0:
            where = f"are no errors, where at least {at_least(self.q, 6)} of all noisy points must be"
        return (
            f"{self.verdict.name} ({say_p_value(self.p_value)}): {starts} {where}, "
            f"error rate >= {at_least(self.error_rate.low)}, {confidence}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Record):
    """The result of `check`.

    Attributes
    ----------
    kind : VerdictKind
        The conclusion.
    confidence : float
        At which it holds.
    p_value : float or None
        Of the test; None for a prediction, which is no test.
    bound : float or None
        What the q-quantile of the distances from noisy points cannot exceed; None for a prediction.
    predicted : (float, float) or None
        For distances from the clean input: the interval of the half-space formula.
    margin : float
        In the unit of the distances. Noisy points: the lower limit of their q-quantile minus ``bound``, positive if
        beyond it. Clean input: how far the distance lies outside ``predicted``, 0 inside, negative below.
    samples_to_decide : (float, float) or None
        Trials and starts at which today's proportions would decide, inf if none would; None unless undecided.
    reasons : tuple of str
        What was found, and each precondition: "checked", "assumed" or "broken".
    audit : AttackAudit or None
        The audit behind a verdict on an attack.
    """

    kind: VerdictKind
    confidence: float
    p_value: float | None
    bound: float | None
    predicted: tuple[float, float] | None
    margin: float
    samples_to_decide: tuple[float, float] | None
    reasons: tuple[str, ...]
    audit: AttackAudit | None

    def __str__(self) -> str:
        return f"{self.kind.name}: {self.reasons[0]}"
