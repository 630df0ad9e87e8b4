from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from isoperimetry import bounds
from isoperimetry.bounds import LOGCONCAVE_ENLARGEMENT, logconcave
from isoperimetry.testing.strategies import error_rates, sigmas

LINE = [stats.laplace, stats.logistic, stats.gumbel_r, stats.gumbel_l, stats.expon, stats.norm, stats.uniform]
lines = st.sampled_from(LINE)
lengths = st.floats(0, 4)


def on_line(law, mu, eps, tails=True):
    more = {"sf": law.sf, "isf": law.isf} if tails else {}
    return logconcave.enlargement_on_line(mu, eps, cdf=law.cdf, ppf=law.ppf, **more)


@pytest.mark.parametrize("mu", [1e-10, 0.01, 0.3, 0.5, 0.9])
def test_table(mu):
    for eps in (0.1, 1.0, 3.0):
        # Closed forms: of the two half-lines, the one on the side of the heavier tail.
        assert on_line(stats.logistic, mu, eps) == pytest.approx(1 / (1 + (1 - mu) / mu * math.exp(-eps)), rel=1e-12)
        truth = min(mu * math.exp(eps), 1 - (1 - mu) * math.exp(-eps))
        assert on_line(stats.expon, mu, eps) == pytest.approx(truth, rel=1e-12)
        assert on_line(stats.norm, mu, eps) == pytest.approx(bounds.enlargement(mu, eps), rel=1e-12)
        assert on_line(stats.uniform, mu, eps) == pytest.approx(min(mu + eps, 1), rel=1e-12)


@given(lines, error_rates(low=1e-12, high=1 - 1e-9), lengths)
def test_equality_on_extremal(law, mu, eps):
    left, right = law.cdf(law.ppf(mu) + eps), law.sf(law.isf(mu) - eps)
    assert on_line(law, mu, eps) == pytest.approx(min(left, right), rel=1e-9)


@given(error_rates(), lengths, sigmas())
def test_equality_in_gaussian_noise(mu, length, sigma):
    half_space = LOGCONCAVE_ENLARGEMENT.extremal(mu, sigma, dim=2)
    truth = half_space.enlarged_volume(length * sigma, sigma=sigma)
    assert logconcave.enlargement(mu, length * sigma, sigma=sigma) == pytest.approx(truth, rel=1e-11, abs=1e-15)


@given(lines, st.floats(0.001, 0.999), st.floats(0.001, 0.999), lengths)
def test_holds(law, first, second, eps):
    low, high = sorted((law.ppf(first), law.ppf(second)))
    # An interval, and what is outside of it.
    inside = law.cdf(high) - law.cdf(low)
    grown = law.cdf(high + eps) - law.cdf(low - eps)
    assert on_line(law, inside, eps) <= grown + 1e-9
    left = law.cdf(high - eps) - law.cdf(low + eps) if high - low > 2 * eps else 0.0
    assert on_line(law, 1 - inside, eps) <= 1 - left + 1e-9


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 2))
def test_holds_for_a_more_curved_density(one, other, eps):
    low, high = sorted((one, other))

    def measure(a, b):  # of the density exp(-x**2 / 2 - x**4) up to its norm
        return integrate.quad(lambda x: math.exp(-x * x / 2 - x**4), max(a, -4), min(b, 4))[0] if b > a else 0.0

    whole = measure(-4, 4)
    mu, grown = measure(low, high) / whole, measure(low - eps, high + eps) / whole
    assert logconcave.enlargement(min(mu, 1.0), eps, sigma=1.0) <= grown + 1e-7
    beyond = measure(high, 4) / whole
    assert logconcave.enlargement(min(beyond, 1.0), eps, sigma=1.0) <= measure(high - eps, 4) / whole + 1e-7


@given(lines, error_rates(low=1e-9, high=1 - 1e-9), lengths, lengths)
def test_laws(law, mu, first, second):
    once = on_line(law, mu, first)
    assert mu <= once <= 1 and on_line(law, mu, 0.0) == mu
    small, large = sorted((first, second))
    assert on_line(law, mu, small) <= on_line(law, mu, large) + 1e-12
    assert on_line(law, mu / 2, first) <= once + 1e-12
    assert on_line(law, mu, first, tails=False) == pytest.approx(once, rel=1e-6, abs=1e-13)
    again = logconcave.enlargement_on_line(accuracy=1 - mu, eps=first, cdf=law.cdf, ppf=law.ppf, sf=law.sf, isf=law.isf)
    assert again == pytest.approx(once, rel=1e-6)
    # A shift changes nothing, a scale goes with the distance.
    moved = law(loc=3.0, scale=2.0)
    assert on_line(moved, mu, 2 * first) == pytest.approx(once, rel=1e-6, abs=1e-12)
    assert logconcave.enlargement(mu, first, sigma=0.5) == bounds.enlargement(mu, first, 0.5)
    assert logconcave.log_enlargement(mu, first, sigma=0.5) == bounds.log_enlargement(mu, first, 0.5)
    rest = logconcave.log_enlargement_complement(mu, first, sigma=0.5)
    assert rest == bounds.log_enlargement_complement(mu, first, 0.5)


def test_limits():
    inf = math.inf
    for law in LINE:
        grid = on_line(law, [0.0, 0.3, 1.0], [[0.0], [inf]])
        assert grid.tolist() == [[0, 0.3, 1], [0, 1, 1]]
        assert on_line(law, [math.nan, 0.3], [0.0, math.nan]).tolist() == pytest.approx([math.nan] * 2, nan_ok=True)
    assert on_line(stats.expon, 0.3, 0.5, tails=False) == pytest.approx(0.3 * math.exp(0.5))
    tiny = logconcave.enlargement_on_line(
        accuracy=1e-200, eps=1.0, cdf=stats.expon.cdf, ppf=stats.expon.ppf, sf=stats.expon.sf, isf=stats.expon.isf
    )
    assert tiny == 1
    assert on_line(stats.laplace, [], 1.0).shape == (0,)
    with pytest.raises(ValueError, match=r"cdf\(x\)=nan must be in \[0, 1\]"):  # exchanged
        logconcave.enlargement_on_line(0.3, 1.0, cdf=stats.norm.ppf, ppf=stats.norm.cdf)
    with pytest.raises(ValueError, match=r"mu=0\.3 must be equal to cdf\(ppf\(mu\)\)"):
        logconcave.enlargement_on_line(0.3, 1.0, cdf=stats.norm.cdf, ppf=stats.laplace.ppf)
    with pytest.raises(ValueError, match="must be equal to cdf"):  # a law with atoms
        logconcave.enlargement_on_line(0.3, 1.0, cdf=stats.binom(3, 0.5).cdf, ppf=stats.binom(3, 0.5).ppf)
    with pytest.raises(ValueError, match=r"ppf returned shape \(\) for shape \(2,\)"):
        logconcave.enlargement_on_line([0.3, 0.4], 1.0, cdf=stats.norm.cdf, ppf=lambda p: 0.0)
    with pytest.raises(TypeError, match="eps must be given too"):
        logconcave.enlargement_on_line(log_mu=-1.0, cdf=stats.norm.cdf, ppf=stats.norm.ppf)


def test_assumptions_matter():
    # Heavy tails: two far half-lines of a Cauchy distribution grow more slowly than one.
    law, eps = stats.cauchy, 5.0
    mu, truth = 2 * law.sf(100.0), 2 * law.sf(100.0 - eps)
    assert on_line(law, mu, eps) > truth * 1.04

    # Two separate lumps: the left one does not grow.
    def cdf(x):
        return 0.5 * (stats.norm.cdf(x, -20) + stats.norm.cdf(x, 20))

    assert logconcave.enlargement(0.5, 2.0, sigma=1.0) > cdf(2.0) + 0.4
    # Log-concave, but no more than that: far out, a half-line in Laplace noise grows by a factor only.
    log_mu, spread = -1000.0, math.sqrt(2)
    assert logconcave.log_enlargement(log_mu=log_mu, eps=1.0, sigma=spread) > log_mu + 1.0 + 20
