from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry import bounds
from isoperimetry.bounds import GENERATOR_ENLARGEMENT, generator
from isoperimetry.special import ndtr, ndtri
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import error_rates, sigmas

lengths = st.floats(0, 10)
weights = st.lists(st.floats(0.01, 1), min_size=2, max_size=8)


def shares_of(weights):
    return np.array(weights) / np.sum(weights)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.2, 0.3, 0.5], [0.9, 0.0625, 0.0375], [0.1] * 10])
def test_table(shares):
    for eps in (0.01, 1.0, 6.0):
        truth = reference.generator_multiclass(*shares, eps=eps, lipschitz=2, digits=25)
        # A sum of differences of numbers below 1, each right to an ulp or two; the shares are rounded, too.
        assert_ulp(generator.multiclass(shares, eps, lipschitz=2.0), truth, 2, absolute=5e-16 * len(shares))


def test_table_of_published_decimals():
    assert generator.multiclass([0.1] * 10, 1.0, lipschitz=1.0) == pytest.approx(0.88742085487395234624, rel=1e-14)
    assert generator.multiclass([0.5, 0.5], 3.0, lipschitz=3.0) == pytest.approx(0.68268949213708589717, rel=1e-14)
    assert generator.multiclass([1 / 3] * 3, 0.5, lipschitz=1.0) == pytest.approx(0.47200803314596356868, rel=1e-14)


@given(error_rates(), lengths, sigmas())
def test_equality_on_extremal(mu, length, lipschitz):
    half_space = GENERATOR_ENLARGEMENT.extremal(mu, lipschitz, dim=2)
    truth = half_space.enlarged_volume(length * lipschitz, sigma=lipschitz)
    actual = generator.enlargement(mu, length * lipschitz, lipschitz=lipschitz)
    assert actual == pytest.approx(truth, rel=1e-11, abs=1e-15)


@given(st.floats(0, 1), lengths)
def test_two_classes(p, c):
    # Divided by a hyperplane: the slab around it.
    z = ndtri(p)
    truth = ndtr(z + c) - ndtr(z - c)
    assert generator.multiclass([p, 1 - p], c, lipschitz=1.0) == pytest.approx(truth, abs=1e-14)


@given(st.floats(0.01, 4), lengths, sigmas(), st.integers(1, 10))
def test_holds(cut, step, lipschitz, dim):
    # g(z) = L |z| in some dimensions, which is L-Lipschitz: half-lines and bounded intervals of lengths.
    law, eps = stats.chi(dim), step * lipschitz
    for mu, truth in (
        (law.sf(cut), law.sf(max(cut - step, 0.0))),
        (law.cdf(cut), law.cdf(cut + step)),
        (law.cdf(cut + 1) - law.cdf(cut), law.cdf(cut + 1 + step) - law.cdf(max(cut - step, 0.0))),
    ):
        assert generator.enlargement(mu, eps, lipschitz=lipschitz) <= truth + 1e-12
    # g(z) = L min(z, 0), which has an atom.
    mu, truth = ndtr(-cut), 1.0 if step >= cut else ndtr(step - cut)
    assert generator.enlargement(mu, eps, lipschitz=lipschitz) <= truth + 1e-12


@given(weights, lengths)
def test_holds_for_intervals_as_classes(weights, c):
    # Classes side by side on the line: another one is near where a cut is.
    shares = shares_of(weights)
    cuts = ndtri(np.clip(np.cumsum(shares)[:-1], 0, 1))
    low = np.concatenate([[-math.inf], cuts]) + c
    high = np.concatenate([cuts, [math.inf]]) - c
    low[0], high[-1] = -math.inf, math.inf
    truth = 1 - np.sum(np.maximum(ndtr(high) - ndtr(low), 0))
    assert generator.multiclass(shares, c, lipschitz=1.0) <= truth + 1e-12


def test_holds_for_sectors(rng):
    # Three sectors of the plane; from the middle line of one its borders are at 60 degrees.
    n = 40_000
    x = rng.standard_normal((n, 2))
    turn = np.abs((np.degrees(np.arctan2(x[:, 1], x[:, 0])) + 180) % 120 - 60)
    distance = np.linalg.norm(x, axis=1) * np.sin(np.radians(60 - turn))
    truth = np.mean(distance <= 0.5)
    assert truth == pytest.approx(0.5102, abs=4.9 * math.sqrt(0.25 / n))
    assert generator.multiclass([1 / 3] * 3, 0.5, lipschitz=1.0) <= truth


@given(weights, error_rates(), lengths, lengths, sigmas())
def test_laws(weights, mu, first, second, lipschitz):
    shares = shares_of(weights)
    once = generator.multiclass(shares, first, lipschitz=1.0)
    assert 0 <= once <= 1 and generator.multiclass(shares, 0.0, lipschitz=lipschitz) == 0
    assert once <= generator.multiclass(shares, first + second, lipschitz=1.0) + 1e-15
    assert generator.multiclass(shares[::-1], first, lipschitz=1.0) == pytest.approx(once, rel=1e-12, abs=1e-15)
    scaled = generator.multiclass(shares, first * lipschitz, lipschitz=lipschitz)
    assert scaled == pytest.approx(once, rel=1e-11, abs=1e-15)
    if shares.max() <= 0.5:
        normal = 1 - 2 * ndtr(-first)
        assert once >= normal - 1e-14 and normal >= -math.expm1(-(first**2) / 2) - 1e-14
    merged = generator.multiclass([shares[0], 1 - shares[0]], first, lipschitz=1.0)
    assert merged <= once + 1e-14  # more classes, more borders
    arguments = {"eps": first, "lipschitz": lipschitz}
    assert generator.enlargement(mu, **arguments) == bounds.enlargement(mu, first, lipschitz)
    assert generator.log_enlargement(mu, **arguments) == bounds.log_enlargement(mu, first, lipschitz)


def test_limits():
    inf = math.inf
    grid = generator.multiclass([[0.5, 0.5], [0.0, 1.0]], [[0.0], [1.0], [inf]], lipschitz=1.0)
    assert grid[:, 1].tolist() == [0, 0, 0]
    assert generator.multiclass([0.5, 0.5], [0.0, inf], lipschitz=1.0).tolist() == [0, 1]
    assert generator.multiclass([[0.2, 0.8]] * 4, [1.0] * 4, lipschitz=2.0).shape == (4,)
    assert generator.multiclass([1.0], 1.0, lipschitz=1.0) == 0
    assert generator.multiclass([5e-324, 1.0], 1.0, lipschitz=1.0) >= 0
    assert math.isnan(generator.multiclass([0.5, math.nan], 1.0, lipschitz=1.0))
    assert math.isnan(generator.multiclass([0.5, 0.5], math.nan, lipschitz=1.0))
    assert generator.enlargement([0.0, 0.3, 1.0], 0.0, lipschitz=1.0).tolist() == [0, 0.3, 1]
    for shares, message in (
        ([0.5, 0.4], r"sum\(probabilities\)=0\.9 must be 1"),
        ([1.5, -0.5], "probabilities has 2 entries outside its range"),
        (0.5, r"probabilities has shape \(\)"),
        ([], r"probabilities has shape \(0,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            generator.multiclass(shares, 1.0, lipschitz=1.0)
    with pytest.raises(ValueError, match=r"lipschitz=0\.0 must be > 0"):
        generator.enlargement(0.3, 1.0, lipschitz=0.0)


def test_assumptions_matter():
    # A generator that jumps: two classes far apart, between which nothing is.
    assert generator.multiclass([0.5, 0.5], 1.0, lipschitz=1.0) > 0.6  # the truth is 0
    # A smaller constant than the largest stretch, here that of z -> 2 z.
    mu, truth = ndtr(-2.0), ndtr(-2.0 + 0.5)
    assert generator.enlargement(mu, 1.0, lipschitz=2.0) == pytest.approx(truth, rel=1e-13)
    assert generator.enlargement(mu, 1.0, lipschitz=1.0) > 2 * truth
    # Without the partition: classes that leave out half of the samples. What is near is counted twice.
    assert 1 - np.sum(ndtr(ndtri([0.25, 0.25]) - 0.0)) == 0.5  # at eps = 0, where no other class is near


@given(st.floats(0, 6))
def test_the_factor_of_the_simple_form(c):
    # Two halves: 1 before the exponential suffices, sqrt(pi / 2) is weaker, and 1/2 would claim too much.
    truth, tail = ndtr(c) - ndtr(-c), math.exp(-c * c / 2)
    assert generator.multiclass([0.5, 0.5], c, lipschitz=1.0) == pytest.approx(truth, abs=1e-14)
    assert 1 - math.sqrt(math.pi / 2) * tail <= 1 - tail <= truth + 1e-15
    assert c > 1 or 1 - 0.5 * tail > truth
