"""The audit of an attack."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.checks import AuditVerdict, audit_attack
from isoperimetry.sets import Ball, HalfSpace, Slab
from isoperimetry.testing import measurements

lengths = st.floats(0.01, 5) | st.just(math.inf)


def p_value(distances, errors=10, sigma=1.0):
    return audit_attack(distances, errors=errors, trials=1000, sigma=sigma, conditional=True).p_value


@settings(max_examples=50)
@given(st.lists(st.tuples(lengths, st.sampled_from([0.0, 0.3, 2.0])), min_size=1, max_size=60), st.data())
def test_p_value_depends_on_how_far_the_distances_are(pairs, data):
    distances = [length for length, _ in pairs]
    p = p_value(distances)
    assert p_value(data.draw(st.permutations(distances))) == p
    assert p_value([0.25 * length for length in distances], sigma=0.25) == p
    assert p_value([length + more for length, more in pairs]) <= p * (1 + 1e-9)
    assert p_value(distances, errors=0) == 1


@pytest.mark.parametrize(
    "error_set", [HalfSpace([0.6, 0.8], 1.6), Slab([0.0, 1.0], 2.0, 0.5), Ball([2.0, 1.0, 0.0], 1.2)]
)
def test_nearest_errors_are_convicted_no_more_often_than_the_level(error_set, rng):
    mu, confidence, n_runs = error_set.volume(), 0.9, 150
    convictions = 0
    for _ in range(n_runs):
        distances = np.maximum(error_set.signed_distance(rng.standard_normal((60, error_set.dim))), 0)
        errors = rng.binomial(2000, mu)
        audit = audit_attack(distances, errors=errors, trials=2000, sigma=1.0, confidence=confidence, conditional=False)
        convictions += audit.verdict is AuditVerdict.ATTACK_FAILING
    # fails with probability 1e-6 if it were convicted exactly as often as allowed
    assert convictions <= stats.binom.isf(1e-6, n_runs, 1 - confidence)


@given(measurements(factor=3.0, max_starts=200))
def test_longer_distances_are_convicted_at_least_as_surely(measurement):
    audits = [
        audit_attack(
            np.array(measurement.distances) * factor, errors=measurement.errors, trials=measurement.trials,
            sigma=measurement.sigma, conditional=False,
        )
        for factor in (1 / 3, 1.0)
    ]  # fmt: skip
    assert audits[1].p_value <= audits[0].p_value * (1 + 1e-9)
