from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, find, given, settings
from hypothesis.errors import NoSuchExample

from isoperimetry.checks import AuditVerdict, audit_attack
from isoperimetry.sets import (
    Ball,
    Complement,
    Cone,
    Cylinder,
    HalfSpace,
    Moved,
    Paraboloid,
    Shell,
    Slab,
    UnionOfHalfSpaces,
    Wedge,
)
from isoperimetry.testing.strategies import dims, error_rates, error_sets, log_error_rates, measurements, sigmas


@given(error_rates(), log_error_rates(), sigmas(), dims(), error_rates(low=0.1, high=0.2), sigmas(low=3.0, high=3.5))
def test_numbers_stay_in_their_range(mu, log_mu, sigma, dim, narrow, scale):
    assert 1e-300 <= mu <= 1 - 1e-12 and -1e6 <= log_mu <= -1e-6 and 1e-6 <= sigma <= 1e6
    assert dim in {1, 2, 3, 10, 784, 150528} and 0.1 <= narrow <= 0.2 and 3.0 <= scale <= 3.5


def test_all_kinds_and_scales_are_drawn():
    assert find(error_rates(), lambda mu: mu < 1e-200) < 1e-200
    assert find(log_error_rates(), lambda log: -1e-3 < log) > -1e-3
    assert find(sigmas(), lambda sigma: sigma > 1e5) > 1e5
    assert find(dims(), lambda dim: dim > 784) == 150528
    for kind in (HalfSpace, Slab, Ball, Cylinder, Shell, UnionOfHalfSpaces, Moved, Complement):
        assert isinstance(find(error_sets(), lambda drawn, kind=kind: isinstance(drawn, kind)), kind)
    for name, kind in (("cone", Cone), ("wedge", Wedge), ("paraboloid", Paraboloid)):
        drawn = find(error_sets(kinds=(name,)), lambda drawn: not isinstance(drawn, Complement))
        assert isinstance(drawn, kind)
    assert find(error_sets(), lambda drawn: drawn.dim == 784).dim == 784
    with pytest.raises(ValueError, match=r"kinds=.'torus',. must name some of half-space, slab"):
        error_sets(kinds=("torus",))


@given(error_sets(dim=2, half_spaces=False), error_sets(dim=1, scale=100.0))
@example(Ball([0.0, 0.0], 1.0), Complement(UnionOfHalfSpaces([[1.0], [-1.0]], [0.0, -100.0])))
def test_error_sets_are_exact_and_reach_the_noise(error_set, large):
    assert not isinstance(error_set, HalfSpace) and error_set.dim == 2
    assert {"volume", "enlarged_volume"} <= error_set.capabilities
    nothing = error_set.signed_distance(np.zeros(2)) == math.inf
    assert math.isfinite(error_set.log_volume()) != nothing and 0 <= error_set.volume() <= 1
    gap = large.signed_distance(np.zeros(1))
    if math.isinf(gap):  # half-spaces may cover the line, and leave nothing to the complement
        assert large.log_volume(sigma=100.0) == (0.0 if gap < 0 else -math.inf)
    else:
        assert abs(gap) <= 2500 and math.isfinite(large.log_volume(sigma=100.0))


def test_failures_shrink_to_what_is_simple():
    simplest = find(error_sets(), lambda drawn: True)
    assert isinstance(simplest, HalfSpace) and simplest.dim == 1 and simplest.offset == 0
    slab = find(error_sets(half_spaces=False), lambda drawn: drawn.volume() < 0.2)
    assert isinstance(slab, Slab) and slab.dim == 1 and slab.center_offset == 0
    ball = find(error_sets(kinds=("ball",), dim=3), lambda drawn: True)
    assert isinstance(ball, Ball) and not ball.center.any()


@given(measurements(), measurements(factor=3.0, max_trials=10))
def test_measurements_are_those_of_a_half_space(measurement, wrong):
    mu = measurement.provenance["mu"]
    assert 1e-3 <= mu <= 0.5 and measurement.origin == "noisy" and measurement.kind == "found"
    # Eight standard deviations: a wrong side or scale is off by hundreds.
    slack = 8 * math.sqrt(mu * (1 - mu) / measurement.trials) + 1 / measurement.trials
    assert abs(measurement.errors / measurement.trials - mu) <= slack
    assert wrong.trials <= 10 and len(wrong.distances) <= 60


def test_measurements_convict_an_attack_that_is_too_long_and_no_other():
    long = find(measurements(factor=3.0), lambda m: audit(m).verdict is AuditVerdict.ATTACK_FAILING)
    assert min(d for d in long.distances if d > 0) > 0 and audit(long).p_value <= 1e-3
    with pytest.raises(NoSuchExample):
        find(
            measurements(),
            lambda m: audit(m).verdict is AuditVerdict.ATTACK_FAILING,
            settings=settings(max_examples=300),
        )


def audit(measurement):
    return audit_attack(
        measurement.distances, errors=measurement.errors, trials=measurement.trials, sigma=measurement.sigma,
        confidence=0.999, conditional=measurement.conditional,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: error_sets(kinds=("half-space",), half_spaces=False), "not half-spaces alone"),
        (lambda: error_sets(kinds=("wedge",), dim=3), "has no wedge with dim=3"),
        (lambda: error_sets(scale=-1.0), r"scale=-1\.0 must be > 0"),
        (lambda: error_sets(dim=0), "dim=0 must be >= 1"),
        (lambda: error_rates(low=0.0), "must be rates with 0 < low < high < 1"),
        (lambda: log_error_rates(high=0.0), "must be logarithms with"),
        (lambda: sigmas(low=3.0, high=2.0), "must be scales with"),
    ],
)
def test_wrong_arguments_are_refused_at_once(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    with pytest.raises(TypeError, match="must be a sequence of names"):
        error_sets(kinds="ball")
