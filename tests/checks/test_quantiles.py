from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import special, stats

from isoperimetry.checks import AttackAudit, AuditVerdict, audit_attack
from isoperimetry.intervals.binomial import probability_at_least, probability_at_most

FAILING, CONSISTENT, UNDECIDED = AuditVerdict.ATTACK_FAILING, AuditVerdict.CONSISTENT, AuditVerdict.UNDECIDED
QUARTILES = (0.25, 0.5, 0.75)


def some_audit(distances: object, q: object = QUARTILES, **changes: object) -> AttackAudit:
    arguments: dict = {"errors": 10, "trials": 1000, "sigma": 1.0, "conditional": True, **changes}
    return audit_attack(distances, q=q, **arguments)


def least_level(distances: list[float], errors: int, q: float, share: int) -> float:
    """The level at which one of ``share`` quantiles convicts: its bound must lie under the next larger distance."""
    ordered, size, best = sorted(distances), len(distances), 1.0
    for count in range(size):
        low, high = 1e-12, 1 - 1e-12  # the rate at which the conditional bound is that distance
        distance = ordered[count]
        for _ in range(60 if distance < math.inf else 0):
            rate = math.sqrt(low * high) if low < 0.5 * high else 0.5 * (low + high)
            bound = -special.ndtri(rate) - special.ndtri((1 - q) * (1 - rate))
            low, high = (rate, high) if bound > distance else (low, rate)
        rate = high if distance < math.inf else 0.0
        beyond = probability_at_least(errors, 1000, rate) if rate else 0.0
        best = min(best, max(2 * beyond, 2 * share * probability_at_most(count, size, q)))
    return best


@given(
    st.lists(st.sampled_from([0.5, 1.5, 2.0, 2.4, 2.6, 3.0, math.inf]), min_size=1, max_size=60),
    st.integers(1, 60),
    st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9]), min_size=1, max_size=4, unique=True),
)
@example([0.5] * 30 + [math.inf] * 30, 20, [0.5, 0.75])
@example([2.6] * 60, 10, [0.5, 0.25])
def test_p_value_against_brute_force(distances: list[float], errors: int, levels: list[float]) -> None:
    audit = some_audit(distances, tuple(levels), errors=errors)
    expected = [max(least_level(distances, errors, q, len(levels)), 1e-300) for q in levels]
    assert [point.p_value for point in audit.points] == pytest.approx(expected, rel=1e-6)
    assert audit.p_value == min(point.p_value for point in audit.points)
    assert (audit.verdict is FAILING) == (audit.p_value <= 1 - audit.confidence)


def test_one_quantile_in_a_sequence_is_that_quantile() -> None:
    distances = [1.0] * 10 + [3.0] * 50
    assert some_audit(distances, [0.5]) == some_audit(distances, 0.5)


def test_the_point_with_the_least_p_value_is_told() -> None:
    """Half of the searches fail: the upper quartile shows it, the median and the lower one do not."""
    distances = [2.0] * 100 + [math.inf] * 100
    audit = some_audit(distances)
    assert audit.verdict is FAILING and audit.q == 0.75
    lower, median, upper = audit.points
    assert upper.p_value < 1e-3 < min(lower.p_value, median.p_value)
    assert (audit.bound, audit.n_within, audit.p_value) == (upper.radius, upper.n_within, upper.p_value)
    # a third of half of the level
    assert upper.missed_fraction == pytest.approx(0.75 - stats.beta.isf(0.0005 / 3, 101, 100), rel=1e-12)
    assert lower.missed_fraction == median.missed_fraction == 0
    assert audit.missed_fraction == upper.missed_fraction and audit.missed_radius == upper.radius
    assert some_audit(distances, 0.5).verdict is UNDECIDED
    assert any("3 quantiles (0.25, 0.5, 0.75) were chosen before looking" in reason for reason in audit.reasons)


def test_all_quantiles_must_be_consistent() -> None:
    near = [0.5] * 200
    assert some_audit(near).verdict is CONSISTENT
    assert "at each of the quantiles" in some_audit(near).reasons[0]
    # the median of these is within its bound, the upper quartile is nowhere shown to be
    half = [0.5] * 140 + [3.2] * 60
    assert some_audit(half, 0.5).verdict is CONSISTENT
    assert some_audit(half).verdict is UNDECIDED


def test_too_few_starts() -> None:
    audit = some_audit([9.0] * 5, (0.5, 0.75), errors=500)
    # 0.25**6 is the first power below 0.00025
    assert any("5 starts can never convict at confidence 0.999: it takes at least 6" in text for text in audit.reasons)
    assert some_audit([9.0] * 6, (0.5, 0.75), errors=500).verdict is FAILING


def test_samples_to_decide() -> None:
    distances = [1.0] * 38 + [9.0] * 22
    audit = some_audit(distances)
    assert audit.verdict is UNDECIDED and audit.samples_to_decide is not None
    trials, starts = audit.samples_to_decide
    factor = math.ceil(max(trials / 1000, starts / 60))
    assert factor > 1
    larger = some_audit(distances * factor, errors=10 * factor, trials=1000 * factor)
    assert larger.verdict is FAILING


@pytest.mark.parametrize(("trials", "starts"), [(100_000, 60), (300, 400)])
def test_level(trials: int, starts: int, rng: np.random.Generator) -> None:
    """A half-space with exact distances: the worst case."""
    confidence, n_runs, convicted = 0.9, 150, 0
    for _ in range(n_runs):
        distances = np.maximum(rng.standard_normal(starts) + 1.6448536269514722, 0)
        audit = some_audit(
            distances, errors=rng.binomial(trials, 0.05), trials=trials, confidence=confidence, conditional=False
        )
        convicted += audit.verdict is FAILING
    # fails with probability 1e-6 if the attack were convicted exactly as often as allowed
    assert convicted <= stats.binom.isf(1e-6, n_runs, 1 - confidence)


@pytest.mark.parametrize(
    ("q", "error", "message"),
    [
        ((0.5, 1.0), ValueError, r"q has 1 entry outside its range, the first is q\[1\]=1.0"),
        ((0.5, math.nan), ValueError, r"q\[1\]=nan"),
        ((), ValueError, r"q has shape \(0,\) but must be one level or a sequence"),
        ([[0.5]], ValueError, r"q has shape \(1, 1\)"),
        (1.5, ValueError, r"q=1.5 must be one number in \(0, 1\)"),
        ("half", TypeError, "q='half' must be a real number"),
    ],
)
def test_bad_levels(q: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        some_audit([1.0], q)
