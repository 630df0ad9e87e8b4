from __future__ import annotations

import json
import math

import numpy as np
import pytest

from isoperimetry.checks import Measurement, VerdictKind, audit_attack, check
from isoperimetry.intervals import beta_binomial, clopper_pearson


def some(**changes: object) -> Measurement:
    return Measurement(**{"errors": 10, "trials": 1000, "sigma": 1.0, "distances": [3.0] * 60, **changes})


# --- the record


def test_record_normalises_and_serialises() -> None:
    measurement = some(distances=np.array([0, 1, math.inf]), norm=2, dim=np.int64(784), provenance={"seed": 1})
    assert measurement.distances == (0.0, 1.0, math.inf) and measurement.dim == 784
    assert measurement == some(distances=(0.0, 1.0, math.inf), dim=784, provenance={"seed": 1})
    assert hash(measurement) == hash(some(distances=(0.0, 1.0, math.inf), dim=784))
    fields = json.loads(json.dumps(measurement.to_dict(), allow_nan=False))
    assert fields["distances"] == [0.0, 1.0, "inf"] and fields["provenance"] == {"seed": 1}
    assert str(measurement) == (
        "10 errors in 1000 draws at sigma = 1: rate in [0.004805, 0.01832] (two-sided, 0.95, Clopper-Pearson), 3 found "
        "distances from noisy points: 0 to inf"
    )
    about = {"ties": 2, "wrong_without_noise": True}
    assert str(Measurement(errors=990, trials=1000, sigma=1.0, provenance=about)).endswith(
        "(two-sided, 0.95, Clopper-Pearson), 2 ties, wrong without noise already, no distances"
    )
    assert str(some(origin="clean", distances=[math.inf])).endswith("from the clean input: inf (nothing found)")


def test_error_rate_is_valid_for_the_sampling() -> None:
    assert some().error_rate(confidence=0.9, side="lower") == clopper_pearson(10, 1000, confidence=0.9, side="lower")
    assert some(sampling="sequential").error_rate() == beta_binomial(10, 1000)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"errors": 1001}, ValueError, "errors=1001 must be <= trials=1000"),
        ({"sigma": -1.0}, ValueError, "sigma=-1.0 must be one finite number > 0"),
        ({"distances": [math.nan]}, ValueError, r"distances\[0\]=nan"),
        ({"distances": [-1.0]}, ValueError, r"distances\[0\]=-1.0"),
        ({"origin": "x0"}, ValueError, "origin='x0' must be one of 'noisy', 'clean'"),
        ({"kind": "estimated"}, ValueError, "kind='estimated' must be one of 'found', 'certified'"),
        ({"sampling": "all"}, ValueError, "sampling='all' must be one of"),
        ({"norm": 1}, ValueError, "norm=1 needs dim"),
        ({"dim": 0}, ValueError, "dim=0 must be >= 1"),
    ],
)
def test_bad_measurement(changes: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        some(**changes)


def test_with_distances() -> None:
    counted = some(distances=(), dim=4, sampling="sequential", provenance={"seed": 1})
    joined = counted.with_distances([3.0] * 60, sigma=1.0, conditional=True, independent=False, norm=1)
    assert joined == some(
        dim=4, sampling="sequential", provenance={"seed": 1}, conditional=True, independent=False, norm=1
    )
    certified = counted.with_distances(np.array([3.0]), sigma=1, origin="clean", kind="certified")
    assert (certified.origin, certified.kind, certified.distances) == ("clean", "certified", (3.0,))
    with pytest.raises(ValueError, match=r"sigma=0\.5 of the distances differs from sigma=1\.0 of the counts"):
        counted.with_distances([3.0], sigma=0.5)
    with pytest.raises(ValueError, match=r"distances\[0\]=-1"):
        counted.with_distances([-1.0], sigma=1.0)


# --- the check


def test_found_distances_are_audited() -> None:
    for distances, kind in (([3.0] * 60, "ATTACK_FAILING"), ([1.0] * 60, "CONSISTENT"), ([3.0] * 10, "UNDECIDED")):
        verdict = check(some(distances=distances))
        audit = audit_attack(distances, errors=10, trials=1000, sigma=1.0)
        assert verdict.kind is VerdictKind[kind] and verdict.audit == audit
        assert (verdict.p_value, verdict.bound) == (audit.p_value, audit.bound)
        assert verdict.samples_to_decide == audit.samples_to_decide
        assert verdict.margin == audit.distance_low - audit.bound
        assert (verdict.margin > 0) == (kind == "ATTACK_FAILING")
        assert str(verdict).startswith(f"{kind}: found: ")


def test_arguments_reach_the_audit() -> None:
    verdict = check(some(conditional=True, sampling="sequential", independent=False, norm=1, dim=4), confidence=0.9)
    expected = audit_attack(
        [3.0] * 60, errors=10, trials=1000, sigma=1.0, confidence=0.9, conditional=True, sampling="sequential",
        independent=False, norm=1, dim=4,
    )  # fmt: skip
    assert verdict.audit == expected
    for conditional in (None, False):
        expected = audit_attack([3.0] * 60, errors=10, trials=1000, sigma=1.0, conditional=conditional)
        assert check(some(conditional=conditional)).audit == expected
    clipped = check(some(clipping=True))
    assert any("clipped points" in reason for reason in clipped.reasons)


def test_certified_distances_can_contradict() -> None:
    verdict = check(some(kind="certified"))
    assert verdict.kind is VerdictKind.CONTRADICTION and verdict.audit is None
    assert verdict.p_value == audit_attack([3.0] * 60, errors=10, trials=1000, sigma=1.0).p_value
    assert "the certificates, the counts, the noise or the code are wrong" in str(verdict)
    assert verdict.predicted is None and verdict.margin > 0
    assert check(some(kind="certified", distances=[0.5] * 60)).kind is VerdictKind.CONSISTENT
    undecided = check(some(kind="certified", distances=[2.0] * 60))
    assert undecided.kind is VerdictKind.UNDECIDED and undecided.samples_to_decide is not None


def test_certified_zeros_are_not_wrong_starts() -> None:
    """A zero says that nothing was certified: it counts as within the bound, also where wrong starts were left out."""
    distances = [0.0] * 40 + [9.0] * 60
    assert check(some(kind="certified", distances=distances, conditional=True)).kind is VerdictKind.UNDECIDED
    # nor do zeros tell that wrong starts were entered: unless that is said, the larger bound is used
    bounds = {
        said: check(some(kind="certified", distances=distances, errors=300, conditional=said)).bound
        for said in (None, True, False)
    }
    assert bounds[None] == bounds[True] > bounds[False]
    all_zero = check(some(kind="certified", distances=[0.0] * 60))
    assert all_zero.kind is VerdictKind.CONSISTENT


def test_certified_true_distances_do_not_contradict(rng: np.random.Generator) -> None:
    """Exact distances to a half-space are certified; at confidence 0.999, 50 checks contradict with p < 0.05."""
    distances = np.maximum(rng.standard_normal((50, 60)) + 2.3263478740408411, 0)
    counts = rng.binomial(100_000, 0.01, size=50)
    kinds = [
        check(some(kind="certified", distances=row, errors=int(k), trials=100_000)).kind
        for row, k in zip(distances, counts, strict=True)
    ]
    assert sum(kind is VerdictKind.CONTRADICTION for kind in kinds) <= 2  # three have probability 2e-5


@pytest.mark.parametrize(
    ("distances", "margin"),
    [
        ([0.41], 0.41 - 0.25895186599142424),
        ([0.41, 0.1, math.inf], 0.1 - 0.20899033109951947),
        ([0.23], 0.0),
        ([math.inf], math.inf),
    ],
)
def test_clean_distances_are_predicted_never_convicted(distances: list[float], margin: float) -> None:
    verdict = check(some(sigma=0.1, origin="clean", distances=distances), confidence=0.95)
    assert verdict.kind is VerdictKind.PREDICTION
    assert verdict.predicted == pytest.approx((0.20899033109951947, 0.25895186599142424), rel=1e-13)
    assert verdict.margin == pytest.approx(margin, rel=1e-12)
    assert verdict.p_value is None and verdict.bound is None and verdict.audit is None
    assert any("a prediction and no bound" in reason for reason in verdict.reasons)


def test_clean_certified_radius_contradicts_nothing() -> None:
    verdict = check(some(origin="clean", kind="certified", distances=[50.0]))
    assert verdict.kind is VerdictKind.PREDICTION and verdict.margin > 0
    assert "largest certified radius" in verdict.reasons[0]


def test_no_errors() -> None:
    noisy = check(some(errors=0, distances=[math.inf] * 60))
    assert noisy.kind is VerdictKind.UNDECIDED and noisy.bound == math.inf and noisy.margin == -math.inf
    clean = check(some(errors=0, origin="clean", distances=[math.inf]))
    assert clean.predicted is not None and clean.predicted[1] == math.inf and clean.margin == 0


@pytest.mark.parametrize(
    ("measurement", "error", "message"),
    [
        ({"errors": 1}, TypeError, "measurement is a dict"),
        (some(distances=()), ValueError, "measurement has no distances"),
        (some(origin="clean", norm=math.inf), ValueError, "the half-space formula predicts l2 distances"),
    ],
)
def test_bad_check(measurement: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check(measurement)  # type: ignore[arg-type]


def test_bad_confidence() -> None:
    with pytest.raises(ValueError, match=r"confidence=1\.0 must be one number"):
        check(some(), confidence=1.0)
