from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.checks import audit_attack, audit_many
from isoperimetry.checks.multiplicity import holm

p_values = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.01, 0.02, 0.025])), min_size=1, max_size=7)


def closed_testing(p: list[float]) -> list[float]:
    """The largest Bonferroni p-value among all sets of hypotheses that contain each."""
    groups = [group for size in range(1, len(p) + 1) for group in itertools.combinations(range(len(p)), size)]
    worst = {group: min(1.0, len(group) * min(p[i] for i in group)) for group in groups}
    return [max(value for group, value in worst.items() if i in group) for i in range(len(p))]


@given(p_values)
def test_holm_is_closed_testing(p: list[float]) -> None:
    assert list(holm(p)) == pytest.approx(closed_testing(p), rel=1e-12)


@given(p_values, st.randoms())
def test_holm_laws(p: list[float], random) -> None:
    adjusted = holm(p)
    assert all(old <= new <= 1 for old, new in zip(p, adjusted, strict=True))
    order = list(range(len(p)))
    random.shuffle(order)
    assert list(holm([p[i] for i in order])) == [adjusted[i] for i in order]


def test_family() -> None:
    def audit(beyond: int):
        return audit_attack([9.0] * beyond + [1.0] * (60 - beyond), errors=10, trials=1000, sigma=1.0)

    audits = [audit(20), audit(60), audit(44), audit(42), audit(60)]
    family = audit_many(audits, confidence=0.999)
    assert family.adjusted_p_values == holm([one.p_value for one in audits])
    assert family.convicted == (1, 4)
    assert (family.n_convicted, family.n_audits) == (2, 5)
    assert audits[2].p_value <= 0.001 < family.adjusted_p_values[2]  # convicted alone, not among five
    assert str(family) == "the attack fails on at least 2 of 5 (all at once, confidence 0.999)"
    assert family.to_dict()["convicted"] == [1, 4]
    assert audit_many(audits[:1], confidence=0.5).n_convicted == 0


@pytest.mark.parametrize(
    ("audits", "confidence", "error", "message"),
    [
        ([], 0.999, ValueError, "audits is empty"),
        ([0.01], 0.999, TypeError, r"audits\[0\] is a float"),
        ([], math.nan, ValueError, "confidence=nan"),
    ],
)
def test_bad_input(audits: list, confidence: float, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        audit_many(audits, confidence=confidence)
