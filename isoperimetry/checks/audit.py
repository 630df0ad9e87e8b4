"""The audit: whether an attack provably misses errors."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Collection
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.bounds.norms import noise_stretch
from isoperimetry.checks._reasons import CHECKABLE, Zeros, audit_reasons
from isoperimetry.checks._signtest import SignTest
from isoperimetry.checks.verdict import AttackAudit, AuditVerdict, Sampling
from isoperimetry.intervals import binomial, order, sequence
from isoperimetry.results import Interval

SAMPLINGS = ("fixed", "sequential")
METHODS = {"fixed": binomial.METHOD, "sequential": sequence.METHOD}


def audit_attack(
    distances: ArrayLike,
    *,
    errors: SupportsIndex,
    trials: SupportsIndex,
    sigma: float,
    confidence: float = 0.999,
    q: float = 0.5,
    conditional: bool | None = None,
    sampling: Sampling = "fixed",
    independent: bool = True,
    norm: float = 2,
    dim: SupportsIndex | None = None,
    cov: ArrayLike | None = None,
    checked: Collection[str] = (),
) -> AttackAudit:
    r"""Test whether an attack misses errors that provably lie nearer.

    At least a fraction q of the noisy points X ~ N(x0, sigma**2 I) has an error within

    .. math:: D = \sigma \max(0, \Phi^{-1}(q) - \Phi^{-1}(\mu)),

    whatever the error set is. The error rate is replaced by its lower limit at half of the level, and a sign test at
    the other half counts the attack's distances beyond D.

    Parameters
    ----------
    distances : array, shape (M,)
        One for each noisy start: to the error that the attack found, 0 if the start is already wrong, inf if the attack
        failed. Every error must have been verified.
    errors, trials : int
        Errors among independent draws of the same noise around the same input.
    sigma : float
        Scale of the noise, > 0, in the unit of the distances.
    confidence : float
        A failing attack is named with at most probability 1 - confidence if it finds the nearest errors; in (0, 1).
    q : float
        Level of the quantile that is tested, in (0, 1), chosen before looking.
    conditional : bool, optional
        False: every start was attacked or entered as 0, so that D bounds the distances. True: only starts that were not
        already wrong were attacked, or only those shall count (zeros are then left out); the larger bound for correct
        starts is used, :math:`\sigma (\Phi^{-1}(1 - \mu) - \Phi^{-1}((1 - q)(1 - \mu)))`. None, not known: False if any
        distance is 0, which shows that wrong starts were entered, else the larger bound, which holds either way.
    sampling : {"fixed", "sequential"}
        "fixed": ``trials`` was chosen in advance. "sequential": the counts decided when to stop.
    independent : bool
        Whether the starts are other draws than those counted. The verdict does not need it; the radius of
        ``missed_fraction`` does.
    norm : float
        p of the l_p norm of the distances, in [1, inf].
    dim : int, optional
        Dimension of the inputs; needed for p < 2.
    cov : array of shape (dim,) or (dim, dim), optional
        Covariance of the noise at sigma = 1, see `isoperimetry.bounds.norms.noise_stretch`.
    checked : collection of {"verified", "deterministic"}
        What the caller has checked, and the reasons then do not call assumed: that every finite distance is to an error
        which was verified; that the classifier, asked twice, answers the same.

    Returns
    -------
    AttackAudit
        With the verdict, its p-value and reasons.

    Raises
    ------
    TypeError
        If a count is no integer or a distance no number.
    ValueError
        If ``distances`` is empty, or holds NaN or a negative number; if a count, ``sigma``, ``confidence`` or ``q`` is
        outside its range; if norm and covariance have no known bound; if a name in ``checked`` is not known.

    Notes
    -----
    Sources: the bound is Sudakov, Tsirel'son (1974) and Borell (1975), used for classifiers by Ford, Gilmer, Carlini,
    Cubuk (2019); Clopper, Pearson (1934) limit the error rate. A conviction says nothing about x0 itself, nor which
    starts were missed. No conviction is no evidence for the attack: the nearest errors may lie far within the bound.

    Examples
    --------
    >>> audit = audit_attack([0.9] * 18 + [0.1] * 2, errors=10, trials=1000, sigma=0.1)
    >>> print(audit)
    ATTACK_FAILING (p = 0.00041): 18 of 20 starts beyond the bound 0.2785, error rate >= 0.0027, confidence 0.999
    """
    array = np.sort(as_distances(distances))
    n_errors, n_trials = _validate.as_errors_of_trials(errors, trials)
    scale = as_scale(sigma)
    confidence = _validate.as_confidence(confidence)
    q = order.as_level(q)
    _validate.as_choice("sampling", sampling, SAMPLINGS)
    for name in checked:
        _validate.as_choice("checked", name, CHECKABLE)
    if conditional is not None:
        conditional = bool(conditional)
    stretch = noise_stretch(norm, dim=dim, cov=cov)
    if stretch == 0:
        raise ValueError("cov is zero: without noise there is nothing to test.")

    level = 1.0 - confidence
    n_zero = int(np.searchsorted(array, 0.0, side="right"))
    all_wrong = n_zero == array.size
    test = SignTest(
        array[n_zero:] if conditional and not all_wrong else array,
        n_errors,
        n_trials,
        scale=scale * stretch,
        q=q,
        conditional=n_zero == 0 if conditional is None else conditional,
        doubtful=conditional is None,
        sampling=sampling,
    )
    low, high = test.lower(n_errors, n_trials, level / 2), test.upper(n_errors, n_trials, level / 2)
    bound = test.bound(low)
    n_within = test.count_within(bound)
    zeros = _judge_zeros(n_zero, array.size, low, high, level, conditional=conditional)

    testable = zeros not in ("all", "few", "many")
    p_value = test.p_value(level) if testable else 1.0
    missed = 0.0
    samples: tuple[float, float] | None = None
    if p_value <= level:
        verdict = AuditVerdict.ATTACK_FAILING
        missed = max(0.0, q - binomial.upper_limit(n_within, test.size, level / 2))
    elif testable and test.consistent(level):
        verdict = AuditVerdict.CONSISTENT
    else:
        verdict = AuditVerdict.UNDECIDED
        # more samples do not mend a broken precondition
        samples = test.samples_to_decide(level) if testable else (math.inf, math.inf)

    distance_low, distance_high = test.quantile_limits(level / 2)
    audit = AttackAudit(
        verdict=verdict,
        p_value=p_value,
        bound=bound,
        confidence=confidence,
        q=q,
        sigma=scale,
        stretch=stretch,
        errors=n_errors,
        trials=n_trials,
        error_rate=Interval(
            low=low, high=1.0, confidence=(1.0 + confidence) / 2, side="lower", method=METHODS[sampling]
        ),
        n_starts=array.size,
        n_tested=test.size,
        n_within=n_within,
        n_failed=array.size - int(np.searchsorted(array, math.inf)),
        n_zero=n_zero,
        distance_quantile=test.quantile(),
        distance_low=distance_low,
        distance_high=distance_high,
        missed_fraction=missed,
        missed_radius=bound if missed else None,
        samples_to_decide=samples,
        reasons=(),
        conditional=test.conditional,
        sampling=sampling,
        independent=bool(independent),
        norm=float(norm),
        dim=None if dim is None else operator.index(dim),
    )
    farthest = array[np.isfinite(array)].max(initial=0.0)
    allowance = test.allowance(high)
    reasons = audit_reasons(
        audit, zeros=zeros, rate_high=high, allowance=allowance, farthest=float(farthest), checked=checked
    )
    return dataclasses.replace(audit, reasons=reasons)


def as_distances(distances: ArrayLike) -> Array:
    """Return distances of starts: at least one, each in [0, inf]."""
    array = order.as_sample("distances", distances, "pass one distance for each start.")
    _validate.refuse("distances", array, np.isnan(array), "a number", "enter inf for an attack that failed.")
    _validate.refuse("distances", array, array < 0, ">= 0", "enter 0 for a start that is already wrong.")
    return array


def as_scale(sigma: float) -> float:
    """Return the scale of a noise that was drawn."""
    array = _validate.as_float("sigma", sigma)
    if array.ndim or not 0 < array < math.inf:
        raise ValueError(f"sigma={sigma!r} must be one finite number > 0: it is the scale of the noise.")
    return float(array)


def _judge_zeros(
    n_zero: int, n_starts: int, low: float, high: float, level: float, *, conditional: bool | None
) -> Zeros:
    # Wrong starts come at the error rate. Where the two limits at half of the level each exclude that, the starts are
    # not what they should be, which can happen by chance with at most the test's own level.
    if n_zero == n_starts:
        return "all"
    if conditional:
        return "left out"
    if n_zero == 0 and conditional is None:
        return "none"
    if binomial.upper_limit(n_zero, n_starts, level / 2) < low:
        return "few"
    if binomial.lower_limit(n_zero, n_starts, level / 2) > high:
        return "many"
    return "agree"
