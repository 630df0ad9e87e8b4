"""One measurement against the theorem, or against the half-space formula where the theorem is silent."""

from __future__ import annotations

import math

import numpy as np

from isoperimetry import _validate
from isoperimetry.bounds.norms import noise_stretch
from isoperimetry.checks._reasons import DETERMINISTIC, LARGER_BOUND, MODEL, NOISE, no_information, stopping
from isoperimetry.checks.audit import audit_attack
from isoperimetry.checks.measurement import Measurement
from isoperimetry.checks.quantiles import QuantileTest
from isoperimetry.checks.verdict import Verdict, VerdictKind, say_p_value
from isoperimetry.results import at_least, at_most

CLIPPED = "assumed: the distances are measured from the clipped points, for which the bound holds too."


def check(measurement: Measurement, *, confidence: float = 0.999) -> Verdict:
    """Judge a measurement.

    Distances from noisy points that were found are put to `audit_attack`; certified ones to the same test, which then
    says CONTRADICTION, as a true lower bound cannot exceed what the theorem allows. Distances from the clean input are
    compared with the half-space formula: a PREDICTION, since the theorem does not speak of that point.

    Parameters
    ----------
    measurement : Measurement
        With at least one distance.
    confidence : float
        Of the conclusion, or of the predicted interval; in (0, 1).

    Returns
    -------
    Verdict
        With its kind, margin and reasons.

    Raises
    ------
    TypeError
        If ``measurement`` is no Measurement.
    ValueError
        If it has no distances, ``confidence`` is outside (0, 1), or distances from the clean input are not l2.

    Notes
    -----
    Sources as in `audit_attack`. The half-space formula: Ford, Gilmer, Carlini, Cubuk (2019).

    Examples
    --------
    >>> clean = Measurement(errors=10, trials=1000, sigma=0.1, origin="clean", distances=[0.41])
    >>> verdict = check(clean, confidence=0.95)
    >>> verdict.kind.name, [round(limit, 4) for limit in verdict.predicted], round(verdict.margin, 4)
    ('PREDICTION', [0.209, 0.259], 0.151)
    """
    if not isinstance(measurement, Measurement):
        raise TypeError(f"measurement is a {type(measurement).__name__}: it must be a Measurement.")
    if not measurement.distances:
        raise ValueError("measurement has no distances: there is nothing to check; see its error_rate().")
    confidence = _validate.as_confidence(confidence)
    if measurement.origin == "clean":
        return _predict(measurement, confidence)
    if measurement.kind == "certified":
        return _check_certified(measurement, confidence)
    return _check_found(measurement, confidence)


def _check_found(measurement: Measurement, confidence: float) -> Verdict:
    audit = audit_attack(
        measurement.distances,
        errors=measurement.errors,
        trials=measurement.trials,
        sigma=measurement.sigma,
        confidence=confidence,
        conditional=measurement.conditional,
        sampling=measurement.sampling,
        independent=measurement.independent,
        norm=measurement.norm,
        dim=measurement.dim,
    )
    return Verdict(
        kind=VerdictKind[audit.verdict.name],
        confidence=confidence,
        p_value=audit.p_value,
        bound=audit.bound,
        predicted=None,
        margin=_margin(audit.distance_low, audit.bound),
        samples_to_decide=audit.samples_to_decide,
        reasons=audit.reasons + ((CLIPPED,) if measurement.clipping else ()),
        audit=audit,
    )


def _check_certified(measurement: Measurement, confidence: float) -> Verdict:
    # A zero here says that nothing was certified, not that the start is wrong: zeros are never left out, and do not
    # tell that wrong starts are among them.
    level = 1.0 - confidence
    array = np.sort(np.asarray(measurement.distances))
    test = QuantileTest(
        array,
        measurement.errors,
        measurement.trials,
        scale=measurement.sigma * noise_stretch(measurement.norm, dim=measurement.dim),
        q=(0.5,),
        conditional=measurement.conditional is not False,
        doubtful=measurement.conditional is None,
        sampling=measurement.sampling,
    )
    rate = test.lower(measurement.errors, measurement.trials, level / 2)
    (point,) = test.points(level, testable=True)
    bound, p_value = point.radius, point.p_value
    beyond = array.size - point.n_within
    found = (
        f"found: {beyond} of {array.size} certified distances exceed the bound {at_most(bound, 4)}, within which at "
        f"least half of the points have an error (error rate >= {at_least(rate)}): {say_p_value(p_value)}"
    )
    samples = None
    if p_value <= level:
        kind = VerdictKind.CONTRADICTION
        found += ": the certificates, the counts, the noise or the code are wrong."
    elif test.consistent(level):
        kind = VerdictKind.CONSISTENT
        found += ": the certificates do not contradict the error rate."
    else:
        kind, samples = VerdictKind.UNDECIDED, test.samples_to_decide(level)
        found += ": undecided."
    reasons = (
        found,
        no_information(measurement.errors, measurement.trials, rate),
        LARGER_BOUND if measurement.conditional is None else "",
        stopping(measurement.sampling, measurement.trials),
        NOISE,
        MODEL,
        DETERMINISTIC,
        CLIPPED if measurement.clipping else "",
    )
    return Verdict(
        kind=kind,
        confidence=confidence,
        p_value=p_value,
        bound=bound,
        predicted=None,
        margin=_margin(test.quantile_limits(0.5, level / 2)[0], bound),
        samples_to_decide=samples,
        reasons=tuple(reason for reason in reasons if reason),
        audit=None,
    )


def _predict(measurement: Measurement, confidence: float) -> Verdict:
    if measurement.norm != 2:
        raise ValueError(
            f"measurement has norm={measurement.norm:g} and origin='clean': the half-space formula predicts l2 "
            "distances, in other norms it depends on the direction of the half-space."
        )
    low, high = measurement.error_rate(confidence=confidence).distance(measurement.sigma)
    low, high = max(low, 0.0), max(high, 0.0)
    found = measurement.kind == "found"
    distance = min(measurement.distances) if found else max(measurement.distances)
    margin = 0.0
    if not low <= distance <= high:
        margin = distance - (high if distance > high else low)
    where = "within" if margin == 0 else "beyond" if margin > 0 else "below"
    what = "nearest error found" if found else "largest certified radius"
    reasons = (
        f"found: the {what} is {distance:.4g} from the clean input, {where} what the half-space formula predicts from "
        f"the error rate, {at_least(low, 4)} to {at_most(high, 4)} (confidence {at_least(confidence, 6)}).",
        "used: the half-space formula, a prediction and no bound: the theorem speaks of noisy points, not of the clean "
        "input, so nothing is convicted here.",
        stopping(measurement.sampling, measurement.trials),
        NOISE,
        "assumed: the set of errors is a half-space, and the noise was not clipped."
        if not measurement.clipping
        else "broken: the noise was clipped, so that even for a half-space the formula is only approximate.",
    )
    return Verdict(
        kind=VerdictKind.PREDICTION,
        confidence=confidence,
        p_value=None,
        bound=None,
        predicted=(low, high),
        margin=margin,
        samples_to_decide=None,
        reasons=reasons,
        audit=None,
    )


def _margin(distance_low: float, bound: float) -> float:
    return -math.inf if bound == math.inf else distance_low - bound
