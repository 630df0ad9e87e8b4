from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import LIPSCHITZ_TAIL, lipschitz_tail, log_lipschitz_tail
from isoperimetry.sets import HalfSpace, Slab
from isoperimetry.special import log_chi2_sf, ndtr
from isoperimetry.testing import reference
from isoperimetry.testing.strategies import sigmas

lengths = st.floats(0, 40)


@pytest.mark.parametrize("around", ["median", "mean"])
@pytest.mark.parametrize("t", [1e-9, 0.3, 2.0, 30.0, 1e4])
def test_table(t, around):
    expected = float(reference.log_lipschitz_tail(t, 2, 0.25, around=around, digits=20))
    assert log_lipschitz_tail(t, 2.0, 0.25, around=around) == pytest.approx(expected, rel=4e-15)
    expected = float(reference.lipschitz_tail(t, 2, 0.25, around=around, digits=20))
    # exp of an exponent that is right to an ulp
    assert lipschitz_tail(t, 2.0, 0.25, around=around) == pytest.approx(expected, rel=1e-15 * (2 + 2 * t * t) * 4)


@given(lengths, st.floats(0.1, 10.0), sigmas())
def test_equality_on_extremal(t, lipschitz, sigma):
    """F = L x_1 has the median 0 and exceeds t on a half-space."""
    half_space = HalfSpace([1.0, 0.0], t * sigma)
    level = t * sigma * lipschitz
    truth = half_space.log_volume(sigma=sigma)
    assert log_lipschitz_tail(level, lipschitz, sigma) == pytest.approx(truth, rel=1e-12)
    assert lipschitz_tail(level, lipschitz, sigma) == pytest.approx(math.exp(truth), rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("dim", [1, 2, 10, 784])
def test_holds_for_the_norm(dim):
    """|G| is 1-Lipschitz: its tail about the median and about the mean, on both sides, against the exact law."""
    norms = np.sqrt(dim) + np.linspace(-3, 5, 200)
    norms = norms[norms > 0]
    tail = np.exp(log_chi2_sf(norms**2, dim=dim))
    median, mean = np.interp(0.5, tail[::-1], norms[::-1]), float(reference.noise_norm(dim, digits=20))
    above = norms > median + 1e-9
    assert (tail[above] <= lipschitz_tail(norms[above] - median, 1.0) + 1e-3).all()  # the median is interpolated
    assert (1 - tail[~above] <= lipschitz_tail(median - norms[~above], 1.0) + 1e-3).all()
    above = norms >= mean
    assert (tail[above] <= lipschitz_tail(norms[above] - mean, 1.0, around="mean")).all()
    assert abs(mean - median) <= 1 / math.sqrt(2 * math.pi)


@given(st.floats(-2.0, 2.0), st.floats(0.1, 2.0), st.floats(0.01, 4.0))
def test_holds_for_the_distance_to_a_slab(center, half_width, t):
    """The distance to a set is 1-Lipschitz; its law is known for a slab."""
    slab = Slab([1.0], center, half_width)
    low, high = 0.0, 10.0
    if slab.volume() < 0.5:
        for _ in range(60):
            median = (low + high) / 2
            low, high = (median, high) if slab.enlarged_volume(median) < 0.5 else (low, median)
        assert 1 - slab.enlarged_volume(high + t) <= lipschitz_tail(t, 1.0) + 1e-12
        if high > t:
            assert slab.enlarged_volume(high - t) <= lipschitz_tail(t, 1.0) + 1e-12


@given(lengths, lengths, st.floats(0.1, 10.0), sigmas())
def test_laws(first, second, lipschitz, sigma):
    small, large = sorted((first, second))
    for around in ("median", "mean"):
        value = lipschitz_tail(small, lipschitz, sigma, around=around)
        assert value >= lipschitz_tail(large, lipschitz, sigma, around=around)
        assert value <= lipschitz_tail(small, 2 * lipschitz, sigma, around=around)
        assert lipschitz_tail(4 * small, lipschitz, 4 * sigma, around=around) == value
        assert lipschitz_tail(4 * small, 4 * lipschitz, sigma, around=around) == value
        log = log_lipschitz_tail(small, lipschitz, sigma, around=around)
        if log > -600:
            assert math.exp(log) == pytest.approx(value, rel=1e-12)
    # the tail of a normal number has the factor 1/2
    assert log_lipschitz_tail(small, lipschitz, sigma) <= log_lipschitz_tail(
        small, lipschitz, sigma, around="mean"
    ) - math.log(2) + 1e-15 * (1 + (small / lipschitz / sigma) ** 2)


def test_limits():
    inf = math.inf
    assert lipschitz_tail([0.0, 1.0, inf], 0.0).tolist() == [0.5, 0, 0]
    assert lipschitz_tail([0.0, 1.0, inf], 1.0, 0.0).tolist() == [0.5, 0, 0]
    assert lipschitz_tail([0.0, 1.0, inf], 1.0, inf).tolist() == [0.5, 0.5, 0]
    assert lipschitz_tail([0.0, inf], 1.0, around="mean").tolist() == [1, 0]
    assert log_lipschitz_tail([0.0, inf], 1.0, around="mean").tolist() == [0, -inf]
    assert math.copysign(1, log_lipschitz_tail(0.0, 1.0, around="mean")) == 1
    assert log_lipschitz_tail(1e200, 1.0) == -inf
    assert math.isnan(lipschitz_tail(math.nan, 1.0)) and math.isnan(lipschitz_tail(1.0, 1.0, math.nan))
    assert lipschitz_tail([], 1.0).shape == (0,) and type(lipschitz_tail(1, 1)) is float
    assert LIPSCHITZ_TAIL(2.0, 1.0) == lipschitz_tail(2.0, 1.0)
    for bad in ((-1.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, -1.0)):
        with pytest.raises(ValueError, match="must be >= 0"):
            lipschitz_tail(*bad)
    with pytest.raises(ValueError, match="around='mode' must be one of 'median', 'mean'"):
        lipschitz_tail(1.0, 1.0, around="mode")


def test_assumptions_matter():
    """A function that is steeper than claimed, F = 2 x_1 for L = 1, exceeds the limit."""
    assert ndtr(-1.0) > 6 * lipschitz_tail(2.0, 1.0)


def test_mean_and_median_differ_by_the_constant():
    """max(x_1, 0) has the median 0 and the mean 1 / sqrt(2 pi): no smaller constant is true, sqrt(pi / 2) is loose."""
    x, weights = np.polynomial.legendre.leggauss(60)
    t = 10 * (x + 1)
    mean = float(10 * weights @ (t * np.exp(-t * t / 2))) / math.sqrt(2 * math.pi)
    assert mean == pytest.approx(1 / math.sqrt(2 * math.pi), rel=1e-12)
    assert mean > 0.3989 and math.sqrt(math.pi / 2) / mean == pytest.approx(math.pi, rel=1e-12)


def test_the_limit_around_the_median_fails_around_the_mean():
    """-max(x_1, 0) exceeds its mean -0.399 by 0.399 with probability 1/2."""
    t = 1 / math.sqrt(2 * math.pi) - 1e-9
    assert 0.5 > lipschitz_tail(t, 1.0) + 0.1
    assert 0.5 <= lipschitz_tail(t, 1.0, around="mean")


def test_the_factor_one_half_of_the_tail_is_the_least():
    """Phi(-t) <= c exp(-t**2 / 2) holds with c = 1/2, the usual c = 1 is loose, and any c < 1/2 fails at t = 0."""
    t = np.linspace(0, 30, 301)
    gap = log_lipschitz_tail(t, 1.0) + t * t / 2
    assert (gap <= math.log(0.5) + 1e-12).all() and gap[0] > math.log(0.499)
