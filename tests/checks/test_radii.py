from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from isoperimetry.checks import AttackAudit, AuditVerdict, Measurement, audit_attack
from isoperimetry.checks.radii import AllRadiiTest, fraction_within

FAILING, CONSISTENT, UNDECIDED = AuditVerdict.ATTACK_FAILING, AuditVerdict.CONSISTENT, AuditVerdict.UNDECIDED

samples = st.lists(st.sampled_from([0.0, 0.5, 1.5, 2.0, 2.4, 2.6, 3.0, math.inf]), min_size=1, max_size=80)


def some_audit(distances: object, **changes: object) -> AttackAudit:
    arguments: dict = {"errors": 10, "trials": 1000, "sigma": 1.0, "conditional": False, **changes}
    return audit_attack(distances, **arguments)


def all_radii(distances: object, **changes: object) -> AttackAudit:
    return some_audit(distances, method="dkw", **changes)


def rate_low(errors: int, trials: int, level: float) -> float:
    return float(special.betaincinv(errors, trials - errors + 1, level)) if errors else 0.0


def promised(rate: float, radius: float, conditional: bool) -> float:
    """The theorem, from scipy's survival function."""
    if rate == 0:
        return 0.0
    beyond = float(stats.norm.sf(radius - stats.norm.isf(rate)))
    return 1 - beyond / (1 - rate) if conditional else 1 - beyond


# --- the curve


@pytest.mark.parametrize("rate", [0.0, 1e-12, 0.01, 0.4, 0.9])
@pytest.mark.parametrize("conditional", [False, True])
def test_curve(rate: float, conditional: bool) -> None:
    radii = np.array([0.0, 0.3, 2.0, 5.0])
    expected = [promised(rate, radius, conditional) for radius in radii]
    found = fraction_within(rate, 2 * radii, 2.0, conditional=conditional)
    assert found.tolist() == pytest.approx(expected, rel=1e-9, abs=2e-15)


def test_curve_claims_no_certainty() -> None:
    for conditional in (False, True):
        for rate in (0.01, 1.0):
            assert fraction_within(rate, np.array([40.0, math.inf]), 1.0, conditional=conditional).max() < 1
        assert fraction_within(0.0, np.array([40.0]), 1.0, conditional=conditional) == 0


# --- radii that were fixed in advance


@given(samples, st.integers(0, 40), st.lists(st.floats(0.2, 4), min_size=1, max_size=3), st.booleans())
@example([3.0] * 60, 10, [2.5], True)
@example([3.0] * 60, 10, [1.0, 2.5, 3.0], False)
def test_p_value_at_radii_by_root_finding(
    distances: list[float], errors: int, radii: list[float], conditional: bool
) -> None:
    audit = some_audit(distances, errors=errors, radii=radii, conditional=conditional)
    if audit.reasons[0].startswith("found: all") or any("broken" in reason for reason in audit.reasons):
        assert audit.p_value == 1
        return
    counted = [distance for distance in distances if distance > 0 or not conditional]

    def excess(log_level: float, radius: float) -> float:
        level = math.exp(log_level)
        fraction = promised(rate_low(errors, 1000, level / 2), radius, conditional)
        within = sum(distance <= radius for distance in counted)
        return float(stats.binom.cdf(within, len(counted), fraction)) - level / 2 / len(radii)

    for point, radius in zip(audit.points, radii, strict=True):
        assert point.radius == radius
        if excess(0.0, radius) > 0:
            assert point.p_value == 1
        elif excess(-300.0, radius) > 0:
            expected = math.exp(optimize.brentq(excess, -300.0, 0.0, args=(radius,), xtol=1e-12))
            assert point.p_value == pytest.approx(expected, rel=1e-6)
    if errors:
        assert audit.p_value == min(point.p_value for point in audit.points)
        assert audit.bound in radii and audit.radii == tuple(radii)
    assert (audit.missed_fraction > 0) == (audit.verdict is FAILING)


def test_missed_fraction_at_a_radius() -> None:
    distances = [0.0] + [1.0] * 9 + [math.inf] * 50
    audit = some_audit(distances, radii=2.5, independent=False)
    low = rate_low(10, 1000, 0.0005)
    expected = promised(low, 2.5, False) - stats.beta.isf(0.0005, 11, 50)
    assert audit.verdict is FAILING and audit.missed_radius == 2.5 and audit.exact_radius
    assert audit.missed_fraction == pytest.approx(expected, rel=1e-9)
    assert audit.q == pytest.approx(promised(low, 2.5, False), rel=1e-9)
    assert not any("some radius of at most" in reason for reason in audit.reasons)
    assert any("assumed: the radius was chosen before looking" in reason for reason in audit.reasons)


def test_radii_can_be_consistent() -> None:
    near = [0.0] + [0.5] * 199
    assert some_audit(near, radii=(2.0, 3.0)).verdict is CONSISTENT
    assert "at each of the radii" in some_audit(near, radii=(2.0, 3.0)).reasons[0]
    # no start within the smaller radius, where some half-space of this rate has errors of its starts
    assert some_audit([0.0] + [1.9] * 199, radii=(1.5, 3.0)).verdict is not CONSISTENT


# --- all radii at once


def deviation_exceeds(distances: list[float], rate: float, band: float, conditional: bool) -> bool:
    """The definition, on a grid of radii that holds a point just before each jump."""
    grid = np.unique(np.concatenate([np.linspace(0, 9, 400), np.array([d for d in distances if 0 < d < 9]) - 1e-9]))
    ordered = np.sort(distances)
    found = np.searchsorted(ordered, grid, side="right") / len(distances)
    return bool(any(f + band < promised(rate, t, conditional) for f, t in zip(found, grid, strict=True)))


@given(samples, st.integers(0, 60), st.booleans(), st.sampled_from([0.001, 0.05, 0.5, 1.0]))
@example([0.0] * 3 + [2.4] * 77, 30, False, 0.05)
@example([math.inf] * 80, 1, False, 1.0)
def test_all_radii_against_the_definition(distances: list[float], errors: int, conditional: bool, level: float) -> None:
    test = AllRadiiTest(
        np.sort(distances), errors, 1000, scale=1.0, conditional=conditional, doubtful=False, sampling="fixed"
    )
    band = math.sqrt(math.log(2 / level) / (2 * len(distances)))
    rate = rate_low(errors, 1000, level / 2)
    below, above = (deviation_exceeds(distances, rate, band + slack, conditional) for slack in (1e-6, -1e-6))
    if below == above:  # else the grid cannot tell
        assert test.rejects(level) is below


@given(st.lists(st.floats(0, 6) | st.just(math.inf), min_size=1, max_size=300), st.floats(1e-6, 0.9))
def test_blocks_hide_no_jump(distances: list[float], rate: float) -> None:
    compare_with_every_jump(np.sort(distances), rate)


def test_blocks_hide_no_jump_where_all_are_alike(rng: np.random.Generator) -> None:
    """Distances that follow the curve: its gaps are much the same everywhere."""
    for size in (1, 2, 30, 99, 1000, 1001):
        for _ in range(20):
            compare_with_every_jump(np.sort(halfspace_distances(rng, size)), 0.05)


def compare_with_every_jump(array: np.ndarray, rate: float) -> None:
    test = AllRadiiTest(array, 10, 1000, scale=1.0, conditional=False, doubtful=False, sampling="fixed")
    gaps = fraction_within(rate, np.nextafter(array, 0.0), 1.0, conditional=False) - np.arange(array.size) / array.size
    assert test._excess(rate) == gaps[array > 0].max(initial=-1.0)


def test_the_share_of_wrong_starts_is_no_deviation() -> None:
    """Below a distance of 0 there is no radius: wrong starts, fewer than the error rate, alone convict nobody."""
    audit = all_radii([0.0] * 30 + [1e-9] * 20, errors=900)
    assert audit.verdict is not FAILING and audit.p_value == 1


@given(samples, st.integers(0, 40))
def test_p_value_of_all_radii_and_verdict_agree(distances: list[float], errors: int) -> None:
    audit = all_radii(distances, errors=errors)
    assert (audit.verdict is FAILING) == (audit.p_value <= 1 - audit.confidence) == (audit.missed_fraction > 0)
    assert audit.verdict is not CONSISTENT
    assert audit.distance_low <= audit.distance_quantile <= audit.distance_high
    assert 0 <= audit.q < 1
    for other in (0.5, 0.9):
        again = all_radii(distances, errors=errors, confidence=other)
        if not any("broken" in reason for reason in (*again.reasons, *audit.reasons)):
            assert again.p_value == pytest.approx(audit.p_value, rel=1e-6)
    longer = [1.3 * distance for distance in distances]
    assert all_radii(longer, errors=errors).p_value <= audit.p_value * (1 + 1e-9)


def test_all_radii_see_where_the_median_does_not_look() -> None:
    """The searches that should come far fail: the median is as it should be."""
    quantiles = np.maximum(stats.norm.ppf((np.arange(400) + 0.5) / 400) + 2.33, 0)
    distances = np.where(quantiles > 2.6, math.inf, quantiles)
    audit = all_radii(distances, errors=100, trials=10_000)
    assert some_audit(distances, errors=100, trials=10_000).verdict is not FAILING
    assert audit.verdict is FAILING
    assert audit.missed_radius is not None and 2.6 < audit.missed_radius < 8
    band = math.sqrt(math.log(1 / 0.0005) / 800)
    share = float(np.mean(distances <= audit.missed_radius))
    low = rate_low(100, 10_000, 0.0005)
    assert audit.missed_fraction == pytest.approx(promised(low, audit.missed_radius, False) - share - band, rel=1e-6)
    # no radius gives more than this by more than a start's share
    best = max(promised(low, t, False) - float(np.mean(distances <= t)) for t in np.linspace(0, 9, 4000)) - band
    assert best - 1 / 400 - 1e-3 < audit.missed_fraction <= best + 1e-3


def test_samples_to_decide_for_all_radii() -> None:
    distances = [0.0] + [1.0] * 84 + [math.inf] * 15
    audit = all_radii(distances)
    assert audit.verdict is UNDECIDED and audit.samples_to_decide is not None
    trials, starts = audit.samples_to_decide
    assert trials == 1000 and 100 < starts < 1000
    for number, failed, verdict in (
        (starts, math.ceil(0.15 * starts), FAILING),
        (0.95 * starts, math.floor(0.15 * 0.95 * starts), UNDECIDED),
    ):
        again = all_radii([0.0] * 2 + [1.0] * (math.ceil(number) - 2 - failed) + [math.inf] * failed)
        assert again.verdict is verdict


def test_four_starts_are_the_least_for_all_radii() -> None:
    assert all_radii([9.0] * 4, errors=400, conditional=True).verdict is FAILING
    three = all_radii([9.0] * 3, errors=400, conditional=True)
    assert any("3 starts can never convict at confidence 0.999: it takes at least 4" in text for text in three.reasons)


@pytest.mark.parametrize("options", [{"radii": (1.0, 2.5)}, {"method": "dkw"}])
def test_no_errors_no_information(options: dict) -> None:
    audit = some_audit([math.inf] * 60, errors=0, **options)
    assert audit.verdict is UNDECIDED and audit.bound == math.inf and audit.p_value == 1
    assert any("the bound is +inf: no information" in reason for reason in audit.reasons)
    wrong = some_audit([0.0] * 60, errors=990, **options)
    assert wrong.verdict is UNDECIDED and "all 60 starts are already wrong" in wrong.reasons[0]


# --- level, and what is certified, by simulation


def halfspace_distances(rng: np.random.Generator, size: int) -> np.ndarray:
    """Exact distances to a half-space of measure 0.05."""
    return np.maximum(rng.standard_normal(size) + 1.6448536269514722, 0)


@pytest.mark.parametrize("options", [{"radii": (1.0, 1.7, 2.5)}, {"method": "dkw"}])
@pytest.mark.parametrize(
    ("trials", "starts", "conditional"), [(100_000, 60, False), (300, 400, False), (300, 400, True)]
)
def test_level(options: dict, trials: int, starts: int, conditional: bool, rng: np.random.Generator) -> None:
    confidence, n_runs, convicted = 0.9, 120, 0
    for _ in range(n_runs):
        distances = halfspace_distances(rng, starts)
        audit = some_audit(
            distances[distances > 0] if conditional else distances,
            errors=rng.binomial(trials, 0.05),
            trials=trials,
            confidence=confidence,
            conditional=conditional,
            **options,
        )
        convicted += audit.verdict is FAILING
    # fails with probability 1e-6 if the attack were convicted exactly as often as allowed
    assert convicted <= stats.binom.isf(1e-6, n_runs, 1 - confidence)


@pytest.mark.parametrize("options", [{"radii": (1.5, 2.0)}, {"method": "dkw"}])
def test_missed_fraction_holds_at_its_radius_though_counts_and_starts_are_the_same_draws(
    options: dict, rng: np.random.Generator
) -> None:
    """Three in five searches fail on a half-space, whose errors are counted among the very starts."""
    n_runs, wrong, seen = 200, 0, 0
    for _ in range(n_runs):
        distances = halfspace_distances(rng, 2000)
        missed = (rng.random(2000) < 0.6) & (distances > 0)
        audit = some_audit(
            np.where(missed, math.inf, distances),
            errors=int((distances == 0).sum()),
            trials=2000,
            confidence=0.9,
            independent=False,
            **options,
        )
        if audit.missed_radius is not None:
            seen += 1
            wrong += audit.missed_fraction > 0.6 * (promised(0.05, audit.missed_radius, False) - 0.05)
    assert seen > 0.9 * n_runs
    assert wrong <= stats.binom.isf(1e-6, n_runs, 0.1)


# --- arguments


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"radii": 0.0},
            r"radii has 1 entry outside its range, the first is radii\[0\]=0.0: all must be in \(0, inf\)",
        ),
        ({"radii": [1.0, math.inf]}, r"radii\[1\]=inf"),
        ({"radii": [math.nan]}, r"radii\[0\]=nan"),
        ({"radii": []}, r"radii has shape \(0,\)"),
        ({"radii": 1.0, "q": 0.25}, "q and radii are both given"),
        ({"radii": 1.0, "q": (0.5,)}, "q and radii are both given"),
        ({"radii": 1.0, "method": "dkw"}, "method='dkw' tests all radii at once: leave out radii"),
        ({"q": 0.9, "method": "dkw"}, "leave out q"),
        ({"method": "ks"}, "method='ks' must be one of 'sign', 'dkw'"),
    ],
)
def test_bad_input(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        some_audit([1.0], **changes)


def test_records_say_what_was_tested() -> None:
    audit = some_audit([0.0] + [9.0] * 59, radii=(1.0, 2.5))
    fields = audit.to_dict()
    assert fields["radii"] == [1.0, 2.5] and len(fields["points"]) == 2 and fields["method"] == "sign"
    assert fields["points"][1]["radius"] == 2.5
    assert all_radii([0.0] + [9.0] * 59).to_dict()["method"] == "dkw"
    # what Measurement and check use is unchanged
    assert Measurement(errors=1, trials=2, sigma=1.0).distances == ()
