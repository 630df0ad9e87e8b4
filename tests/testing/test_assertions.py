from __future__ import annotations

import dataclasses
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings

from isoperimetry import bounds
from isoperimetry.bounds import GAUSSIAN_DISTANCE, GAUSSIAN_ENLARGEMENT, HALFSPACE_DISTANCE, THEOREMS
from isoperimetry.sets import Complement, HalfSpace, Slab
from isoperimetry.testing._witness import WITNESSES, Witness
from isoperimetry.testing.assertions import assert_theorem, assert_ulp
from isoperimetry.testing.strategies import error_sets

TWO_SIDED = ("CENTER_AFFINE",)


def test_ulp_counts_in_units_of_the_spacing():
    assert_ulp(1.0, 1.0, 0)
    assert_ulp(1.0 + 2**-52, 1.0, 1)
    assert_ulp([0.1, 0.2], ["0.1", "0.2"], 0.5)
    assert_ulp(np.pi, mpmath.pi, 0.5)
    assert_ulp([math.inf, math.nan, 0.0], [math.inf, math.nan, 0], 0)
    assert_ulp(1e-20, 0.0, 0, absolute=1e-20)
    with mpmath.workdps(40):
        third = mpmath.mpf(1) / 3
    with pytest.raises(AssertionError, match=r"differs from 0\.3333333333\d+ by .* ulp: at most 0\.1 allowed"):
        assert_ulp(1 / 3, third, 0.1)
    with pytest.raises(AssertionError, match=r"^\[1\] = 0\.5 differs from 0\.25 by"):
        assert_ulp([0.25, 0.5], [0.25, 0.25], 1)
    for actual, truth in ((math.nan, 1.0), (1.0, math.nan), (math.inf, 1.0), (-math.inf, math.inf), (1.0, math.inf)):
        with pytest.raises(AssertionError, match="by inf ulp"):
            assert_ulp(actual, truth, 1e300)
    with pytest.raises(AssertionError, match="shapes differ"):
        assert_ulp([1.0], 1.0, 1)
    # An empty truth is close to anything of its shape, which is nothing.
    assert_ulp([], [], 0)


def test_every_theorem_about_error_sets_has_a_witness():
    # The others speak of other spaces, or of functions and the noise itself: their own tests have their sets.
    others = ("GAUSSIAN_FUNCTIONAL", "NOISE_NORM", "SMOOTHING_RADIUS_LAPLACE", "SMOOTHING_RADIUS_UNIFORM")
    about_sets = {theorem.name for theorem in THEOREMS.search(space="R^n with noise") if theorem.name not in others}
    assert set(WITNESSES) == about_sets


@given(error_sets())
def test_every_theorem_holds(error_set):
    for name in WITNESSES:
        if all(holds is not False for holds in THEOREMS[name].check(error_set).values()):
            assert_theorem(THEOREMS[name], error_set, sigma=0.7)


@settings(max_examples=5)
@given(error_sets(dim=3, kinds=("cone", "paraboloid")))
def test_the_enlargement_holds_for_bodies_of_revolution(error_set):
    for name in ("GAUSSIAN_ENLARGEMENT", "GAUSSIAN_PROFILE", "CENTER_WORST_CASE"):
        assert_theorem(THEOREMS[name], error_set, sigma=0.7, levels=(0.1, 0.5))


def exaggerated(theorem, factor):
    """Return the theorem with a bound off by a factor."""

    def bound(*args, **kwargs):
        value = theorem.bound(*args, **kwargs)
        return tuple(factor * limit for limit in value) if isinstance(value, tuple) else factor * value

    return dataclasses.replace(theorem, bound=bound)


@pytest.mark.parametrize("name", WITNESSES)
@pytest.mark.parametrize("factor", [0.999, 1.001])
def test_every_witness_can_refute(name, factor):
    # Its extremal set attains each bound, so that a bound off by a thousandth on the wrong side is refuted.
    theorem = THEOREMS[name]
    extremal = HalfSpace([3.0, 4.0], 0.7)
    if name == "CENTER_WORST_CASE":
        extremal = theorem.extremal(0.1, 0.5, dim=2)
    if name == "NORM_DISTANCE":
        extremal = HalfSpace([1.0, 0.0], 0.7)  # extremal for p >= 2, and so for 2 and inf
    claim = exaggerated(theorem, factor)
    kind = theorem.direction.split()[0]
    if name in TWO_SIDED or kind == "equal" or (kind == "upper") == (factor < 1):
        with pytest.raises(AssertionError, match=f"^{theorem.name} fails for "):
            assert_theorem(claim, extremal, sigma=0.5)
    else:
        assert_theorem(claim, extremal, sigma=0.5)
    with pytest.raises(AssertionError):
        assert_theorem(exaggerated(theorem, math.nan), extremal, sigma=0.5)


def test_what_cannot_be_asserted_is_refused():
    slab = Slab([1.0], 1.0, 0.5)
    with pytest.raises(ValueError, match=r"HALFSPACE_DISTANCE does not apply to Slab\(.*it assumes half-space"):
        assert_theorem(HALFSPACE_DISTANCE, slab)
    for sigma in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="must be finite and > 0"):
            assert_theorem(GAUSSIAN_DISTANCE, slab, sigma=sigma)
    with pytest.raises(
        ValueError, match="theorem='OTHER' must be one about error sets in Gaussian noise: GAUSSIAN_ENLARGEMENT"
    ):
        assert_theorem(dataclasses.replace(GAUSSIAN_DISTANCE, name="OTHER"), slab)

    class Inexact(Slab):
        capabilities = frozenset({"contains"})

    with pytest.raises(ValueError, match="must have exact volumes"):
        assert_theorem(GAUSSIAN_DISTANCE, Inexact([1.0], 1.0, 0.5))


def test_the_witness_knows_the_distribution_of_the_distance(rng):
    error_set, sigma, n = Complement(Slab([1.0, 0.0], 0.3, 1.2)), 0.8, 200_000
    witness = Witness(error_set, None, sigma)
    distance = np.maximum(error_set.signed_distance(sigma * rng.standard_normal((n, 2))), 0)
    for q in (0.25, 0.5, 0.9):
        assert np.mean(distance <= witness.quantile(q)) == pytest.approx(q, abs=5 * math.sqrt(q * (1 - q) / n))
        outside = distance[distance > 0]
        share = np.mean(outside <= witness.quantile(q, conditional=True))
        assert share == pytest.approx(q, abs=5 * math.sqrt(q * (1 - q) / len(outside)))
    for power in (1, 2):
        samples = (distance / sigma) ** power
        assert witness.law.moment(power) / sigma**power == pytest.approx(
            samples.mean(), abs=5 * samples.std() / math.sqrt(n)
        )
    assert Witness(HalfSpace([1.0], math.inf), None, 1.0).quantile(0.5) == math.inf
    assert Witness(HalfSpace([1.0], math.inf), None, 1.0).law.moment(1) == math.inf
    half_space = HalfSpace([1.0], 1.0)
    assert Witness(half_space, None, 1.0).law.moment(1) == pytest.approx(
        bounds.mean_distance_bound(half_space.volume()), rel=1e-12
    )
    assert GAUSSIAN_ENLARGEMENT.name in WITNESSES


def test_what_is_no_theorem_or_no_set_is_named():
    with pytest.raises(TypeError, match=r"theorem='GAUSSIAN_DISTANCE' must be a Theorem: pass one of THEOREMS"):
        assert_theorem("GAUSSIAN_DISTANCE", HalfSpace([1.0], 1.0))
    with pytest.raises(TypeError, match=r"must be a set of isoperimetry\.sets"):
        assert_theorem(GAUSSIAN_DISTANCE, 1.0)
    with pytest.raises(ValueError, match="CENTER_AFFINE does not apply to Slab"):
        assert_theorem(THEOREMS["CENTER_AFFINE"], Slab([1.0], 0.0, 1.0))
