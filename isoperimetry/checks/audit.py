"""The audit: whether an attack provably misses errors."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Collection, Sequence
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.bounds.norms import noise_stretch
from isoperimetry.checks._reasons import CHECKABLE, Zeros, audit_reasons
from isoperimetry.checks._signtest import SignTest
from isoperimetry.checks.quantiles import QuantileTest
from isoperimetry.checks.radii import AllRadiiTest, RadiusTest
from isoperimetry.checks.verdict import AttackAudit, AuditPoint, AuditVerdict, Method, Sampling
from isoperimetry.intervals import binomial, order, sequence
from isoperimetry.results import Interval

SAMPLINGS = ("fixed", "sequential")
TESTS = ("sign", "dkw")
METHODS = {"fixed": binomial.METHOD, "sequential": sequence.METHOD}


def audit_attack(
    distances: ArrayLike,
    *,
    errors: SupportsIndex,
    trials: SupportsIndex,
    sigma: float,
    confidence: float = 0.999,
    q: float | Sequence[float] = 0.5,
    radii: float | Sequence[float] | None = None,
    method: Method = "sign",
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
    the other half counts the attack's distances beyond D: at one quantile, or at several quantiles or radii, which
    share it, or at all radii at once.

    Parameters
    ----------
    distances : array, shape (M,)
        One for each noisy start: to the error that the attack found, 0 if the start is already wrong, inf if the attack
        failed. Every error must have been verified.
    errors, trials : int
        Errors among independent draws of the same noise around the same input.
    sigma : float
        Scale of the noise, > 0, in the unit of the distances, one for counts and starts.
    confidence : float
        A failing attack is named with at most probability 1 - confidence if it finds the nearest errors; in (0, 1).
    q : float or sequence of float
        Levels of the quantiles that are tested, in (0, 1), chosen before looking.
    radii : float or sequence of float, optional
        Test these radii instead of quantiles: whether too few distances are within them. In (0, inf), in the unit of
        the distances, chosen before looking; the missed fraction then holds at its radius even if counts and starts
        are the same draws.
    method : {"sign", "dkw"}
        "sign": the sign test at ``q`` or ``radii``. "dkw": the empirical distribution of the distances against the
        whole curve, at whatever radius the attack fails. It convicts from a few more starts than the sign test where
        that looks in the right place, and never says CONSISTENT.
    conditional : bool, optional
        False: every start was attacked or entered as 0, so that D bounds the distances. True: only starts that were not
        already wrong were attacked, or only those shall count (zeros are then left out); the larger bound for correct
        starts is used, :math:`\sigma (\Phi^{-1}(1 - \mu) - \Phi^{-1}((1 - q)(1 - \mu)))`. None, not known: False if any
        distance is 0, which shows that wrong starts were entered, else the larger bound, which holds either way.
    sampling : {"fixed", "sequential"}
        "fixed": ``trials`` was chosen in advance. "sequential": the counts decided when to stop.
    independent : bool
        Whether the starts are other draws than those counted. The verdict does not need it; the radius of
        ``missed_fraction`` does, unless it is one of ``radii`` or ``method`` is "dkw".
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
        If ``distances`` is empty, or holds NaN or a negative number; if a count, ``sigma``, ``confidence``, ``q`` or a
        radius is outside its range; if more than one of ``q``, ``radii`` and "dkw" is asked for; if norm and covariance
        have no known bound; if a name in ``checked`` is not known.

    Notes
    -----
    Sources: the bound is Sudakov, Tsirel'son (1974) and Borell (1975), used for classifiers by Ford, Gilmer, Carlini,
    Cubuk (2019); Clopper, Pearson (1934) limit the error rate; all radii at once: Massart (1990), The tight constant in
    the Dvoretzky-Kiefer-Wolfowitz inequality, Ann. Probab. 18. A conviction says nothing about x0 itself, nor which
    starts were missed. No conviction is no evidence for the attack: the nearest errors may lie far within the bound.

    Examples
    --------
    >>> audit = audit_attack([0.9] * 18 + [0.1] * 2, errors=10, trials=1000, sigma=0.1)
    >>> print(audit)
    ATTACK_FAILING (p = 0.00041): 18 of 20 starts beyond the bound 0.2785, error rate >= 0.0027, confidence 0.999

    Half of the searches fail, which the median does not show, but the upper quartile does:

    >>> half = [0.2] * 100 + [float("inf")] * 100
    >>> [audit_attack(half, errors=10, trials=1000, sigma=0.1, q=q).verdict.name for q in (0.5, (0.5, 0.75))]
    ['UNDECIDED', 'ATTACK_FAILING']
    """
    array = np.sort(as_distances(distances))
    n_errors, n_trials = _validate.as_errors_of_trials(errors, trials)
    scale = as_scale(sigma)
    confidence = _validate.as_confidence(confidence)
    _validate.as_choice("sampling", sampling, SAMPLINGS)
    levels, lengths = _as_levels(q), None if radii is None else _as_radii(radii)
    _as_one_method(method, q, lengths)
    checked = (checked,) if isinstance(checked, str) else checked
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
    tested = array[n_zero:] if conditional and not all_wrong else array
    options = {
        "scale": scale * stretch,
        "conditional": n_zero == 0 if conditional is None else conditional,
        "doubtful": conditional is None,
        "sampling": sampling,
    }
    test: SignTest
    if method == "dkw":
        test = AllRadiiTest(tested, n_errors, n_trials, **options)
    elif lengths is not None:
        test = RadiusTest(tested, n_errors, n_trials, radii=lengths, **options)
    else:
        test = QuantileTest(tested, n_errors, n_trials, q=levels, **options)
    low, high = test.lower(n_errors, n_trials, level / 2), test.upper(n_errors, n_trials, level / 2)
    zeros = _judge_zeros(n_zero, array.size, low, high, level, conditional=conditional)
    testable = zeros not in ("all", "few", "many")

    points = test.points(level, testable=testable)
    # without a limit of the rate no radius is promised for any fraction
    told = min(points, key=lambda point: point.p_value) if low > 0 else _nothing_promised(levels[0], test.size)
    most = max(points, key=lambda point: point.missed_fraction)
    missed = most.missed_fraction
    samples: tuple[float, float] | None = None
    if told.p_value <= level:
        verdict = AuditVerdict.ATTACK_FAILING
    elif testable and test.consistent(level):
        verdict = AuditVerdict.CONSISTENT
    else:
        verdict = AuditVerdict.UNDECIDED
        # more samples do not mend a broken precondition
        samples = test.samples_to_decide(level) if testable else (math.inf, math.inf)

    distance_low, distance_high = test.quantile_limits(told.q, level / 2)
    audit = AttackAudit(
        verdict=verdict,
        p_value=told.p_value,
        bound=told.radius,
        confidence=confidence,
        q=told.q,
        sigma=scale,
        stretch=stretch,
        errors=n_errors,
        trials=n_trials,
        error_rate=Interval(
            low=low, high=1.0, confidence=(1.0 + confidence) / 2, side="lower", method=METHODS[sampling]
        ),
        n_starts=array.size,
        n_tested=test.size,
        n_within=told.n_within,
        n_failed=array.size - int(np.searchsorted(array, math.inf)),
        n_zero=n_zero,
        distance_quantile=test.quantile(told.q),
        distance_low=distance_low,
        distance_high=distance_high,
        missed_fraction=missed,
        missed_radius=most.radius if missed else None,
        samples_to_decide=samples,
        reasons=(),
        conditional=test.conditional,
        sampling=sampling,
        independent=bool(independent),
        norm=float(norm),
        dim=None if dim is None else operator.index(dim),
        method=method,
        radii=lengths,
        points=points,
    )
    farthest = array[np.isfinite(array)].max(initial=0.0)
    reasons = audit_reasons(
        audit,
        zeros=zeros,
        rate_high=high,
        allowance=test.allowance(high, told.q) if isinstance(test, QuantileTest) else math.nan,
        farthest=float(farthest),
        needed=test.least_starts(level),
        checked=checked,
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
    if array.size > 1:
        raise ValueError(
            f"sigma={sigma!r} must be one number: counts and starts must be draws of noise of the same scale, so audit "
            "each scale with the counts that belong to it."
        )
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


def _as_levels(q: float | Sequence[float]) -> tuple[float, ...]:
    array = _validate.as_float("q", q)
    if array.ndim == 0:
        return (order.as_level(float(array)),)
    if array.ndim > 1 or array.size == 0:
        raise ValueError(f"q has shape {array.shape} but must be one level or a sequence of them.")
    _validate.refuse("q", array, ~((array > 0) & (array < 1)), "in (0, 1)", "it is the level of a quantile.")
    return tuple(array.tolist())


def _as_radii(radii: float | Sequence[float]) -> tuple[float, ...]:
    array = np.atleast_1d(_validate.as_float("radii", radii))
    if array.ndim > 1 or array.size == 0:
        raise ValueError(f"radii has shape {array.shape} but must be one radius or a sequence of them.")
    bad = ~((array > 0) & (array < math.inf))
    _validate.refuse("radii", array, bad, "in (0, inf)", "it is a distance that was chosen before looking.")
    return tuple(array.tolist())


def _as_one_method(method: str, q: float | Sequence[float], radii: tuple[float, ...] | None) -> None:
    _validate.as_choice("method", method, TESTS)
    given = [name for name, said in (("q", np.ndim(q) or q != 0.5), ("radii", radii is not None)) if said]
    if method == "dkw" and given:
        raise ValueError(
            f"method='dkw' tests all radii at once: leave out {' and '.join(given)}, or use method='sign'."
        )
    if len(given) == 2:
        raise ValueError("q and radii are both given: test either quantiles or radii, as they share one level.")


def _nothing_promised(q: float, size: int) -> AuditPoint:
    return AuditPoint(q=q, radius=math.inf, n_within=size, p_value=1.0, missed_fraction=0.0)
