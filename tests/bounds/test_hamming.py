from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from isoperimetry import bounds
from isoperimetry.bounds import hamming
from isoperimetry.special import ndtri
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import error_rates


def grow(sets, dim):
    """Enlarge sets by one bit; sets has shape (..., 2**dim), one flag for each word."""
    words = np.arange(2**dim)
    grown = sets.copy()
    for bit in range(dim):
        grown |= sets[..., words ^ (1 << bit)]
    return grown


def balls(dim):
    """Return the numbers of words in the balls of radius 0, 1, ..., dim."""
    return np.cumsum([math.comb(dim, i) for i in range(dim + 1)]).tolist()


@pytest.mark.parametrize("dim", [1, 2, 31, 1000])
def test_table(dim):
    for radius in sorted({0, 1, dim // 3, dim // 2, dim - 1, dim}):
        truth = reference.hamming_log_ball_measure(radius, dim, digits=25)
        # Near 0 the log is the measure of the other side, which comes from its own log.
        depth = max(1.0, -math.log(-float(truth))) if truth else 1.0
        assert_ulp(hamming.log_ball_measure(radius, dim=dim), truth, 24 * depth)
    for mu in (1e-300, 1e-5, 0.01, 0.3, 0.5, 0.99):
        for steps in (1, 3, dim):
            truth = reference.hamming_enlargement(mu, steps, dim=dim, digits=25)
            truth = max(float(truth), mu)
            assert hamming.enlargement(mu, steps, dim=dim) == pytest.approx(truth, rel=1e-12)
        for q in (0.1, 0.5, 0.999):
            truth = reference.hamming_quantile_distance_bound(mu, dim=dim, q=q)
            assert hamming.quantile_distance_bound(mu, dim=dim, q=q) == (0 if mu >= q else truth)


def test_table_of_published_decimals():
    measures = np.exp(hamming.log_ball_measure([38, 48, 5, 7], dim=[100, 100, 20, 20]))
    published = [0.010489367838925858561, 0.38217671720133340210, 0.020694732666015625, 0.1315879821777343750]
    assert measures == pytest.approx(published, rel=1e-14)
    assert hamming.median_distance_bound(0.010489367838925858561, dim=100) == 12
    assert hamming.enlargement(0.010489367838925858561, 10, dim=100) == pytest.approx(published[1], rel=1e-14)
    assert hamming.product_median_distance_bound(0.01, dim=100) == pytest.approx(21.061321406428836964, rel=1e-15)
    # Talagrand's bound of the median, where exp(-t**2 / n) / mu = 1/2, is larger.
    assert math.sqrt(100 * math.log(2 / 0.01)) == pytest.approx(23.018074130013650378, rel=1e-15)
    assert hamming.product_tail(0.01, 23.018074130013650378, dim=100) < 0.5


@given(st.sampled_from([1, 2, 10, 100, 784, 150528]), st.floats(0, 1), st.floats(0, 1))
def test_equality_on_extremal(dim, start, step):
    radius = int(start * dim)
    steps = int(step * (dim - radius))
    log_mu, grown = hamming.log_ball_measure([radius, radius + steps], dim=dim)
    assert hamming.log_enlargement(log_mu=log_mu, steps=steps, dim=dim) == pytest.approx(grown, rel=1e-12, abs=1e-15)
    outside = hamming.log_ball_measure(dim - radius - steps - 1, dim=dim) if radius + steps < dim else -math.inf
    rest = hamming.log_enlargement_complement(log_mu=log_mu, steps=steps, dim=dim)
    # Next to 1 the log of the measure has lost which of the balls it was, but never makes it a larger one.
    if log_mu < -1e-3:
        assert rest == pytest.approx(outside, rel=1e-12)
        assert hamming.median_distance_bound(log_mu=log_mu, dim=dim) == max(0, dim // 2 - radius)
    elif log_mu < 0:
        assert rest >= outside * (1 + 1e-12)


def test_holds_for_all_sets_of_four_bits():
    codes = np.arange(1, 2**16)
    sets = (codes[:, np.newaxis] >> np.arange(16)) & 1 == 1
    sizes, grown, least = sets.sum(axis=1), sets, []
    for steps in range(5):
        truth = grown.sum(axis=1)
        bound = 16 * hamming.enlargement(np.arange(1, 17) / 16, steps, dim=4)
        assert (bound[sizes - 1] <= truth + 1e-9).all()
        least.append([truth[sizes == size].min() for size in range(1, 17)])
        for k, size in enumerate(balls(4)):  # and no more than a ball has
            assert bound[size - 1] == pytest.approx(least[steps][size - 1], rel=1e-14) and k < 5
        grown = grow(grown, 4)
    assert least[1] == [5, 8, 10, 11, 11, 13, 14, 14, 15, 15, 15, 16, 16, 16, 16, 16]
    # Distances to the sets, and the theorem for products of any kind.
    distances, reached = np.full(sets.shape, 4), sets
    for steps in range(4):
        distances[reached & (distances == 4)] = steps
        reached = grow(reached, 4)
    rates, medians = np.arange(1, 17) / 16, np.sort(distances, axis=1)[:, 7]
    assert (medians <= hamming.median_distance_bound(rates, dim=4)[sizes - 1]).all()
    assert (medians <= hamming.product_median_distance_bound(rates, dim=4)[sizes - 1]).all()
    assert (distances.mean(axis=1) <= hamming.product_mean_distance_bound(rates, dim=4)[sizes - 1] + 1e-12).all()
    for t in range(1, 5):
        assert ((distances >= t).mean(axis=1) <= hamming.product_tail(rates, t, dim=4)[sizes - 1] + 1e-12).all()


@given(st.integers(1, 10), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_holds(dim, share, seed):
    words = np.random.default_rng(seed).random(2**dim) < share
    words[0] = True
    mu, grown = words.mean(), words
    for steps in range(dim + 1):
        assert hamming.enlargement(mu, steps, dim=dim) <= grown.mean() + 1e-12
        beyond = 1 - grown.mean()
        assert beyond <= hamming.product_tail(mu, steps + 1, dim=dim) + 1e-12
        grown = grow(grown, dim)


@pytest.mark.parametrize("dim", [5, 20, 100, 1000])
@pytest.mark.parametrize("p", [0.5, 0.1])
def test_products_hold_on_balls(dim, p):
    # Letters 1 with probability p: the set of words with at most k of them, whose distance is (S - k)+.
    heads = np.arange(dim + 1)
    weights = binom.pmf(heads, dim, p)
    for k in range(dim + 1):
        mu = min(binom.cdf(k, dim, p), 1.0)
        if mu < 1e-300:
            continue
        away = np.arange(1, dim - k + 1)
        assert (binom.sf(k + away - 1, dim, p) <= hamming.product_tail(mu, away, dim=dim) * (1 + 1e-9) + 1e-15).all()
        mean = np.sum(weights * np.maximum(heads - k, 0))
        assert mean <= hamming.product_mean_distance_bound(mu, dim=dim) + 1e-9
        median = max(0, binom.ppf(0.5, dim, p) - k)
        assert median <= hamming.product_median_distance_bound(mu, dim=dim)
        if p == 0.5:  # Harper's theorem is exact there
            assert hamming.median_distance_bound(mu, dim=dim) <= hamming.product_median_distance_bound(mu, dim=dim)


@given(st.sampled_from([1, 2, 10, 784, 150528]), error_rates(), st.integers(0, 400), st.floats(0.05, 0.95))
def test_laws(dim, mu, steps, q):
    assert hamming.log_ball_measure(dim, dim=dim) == 0
    once = hamming.enlargement(mu, steps, dim=dim)
    assert mu <= once <= 1 and hamming.enlargement(mu, 0, dim=dim) == mu
    assert once <= hamming.enlargement(mu, steps + 1, dim=dim)
    assert hamming.enlargement(mu / 2, steps, dim=dim) <= once
    assert math.exp(hamming.log_enlargement(mu, steps, dim=dim)) == pytest.approx(once, rel=1e-12)
    assert -math.expm1(hamming.log_enlargement_complement(mu, steps, dim=dim)) == pytest.approx(once, rel=1e-12)
    distance = hamming.quantile_distance_bound(mu, dim=dim, q=q)
    if distance > 0:
        assert hamming.enlargement(mu, int(distance), dim=dim) >= q * (1 - 1e-12)
        assert distance == 1 or hamming.enlargement(mu, int(distance) - 1, dim=dim) < q
    # The tail of products: log, decreasing, and below 1/2 beyond the bound of the median.
    tail = hamming.product_tail(mu, steps, dim=dim)
    assert math.exp(hamming.log_product_tail(mu, steps, dim=dim)) == pytest.approx(tail, rel=1e-12)
    median = hamming.product_median_distance_bound(mu, dim=dim)
    assert hamming.product_tail(mu, median + 1e-9 * dim, dim=dim) <= 0.5
    talagrand = math.exp(min(700.0, -(steps**2) / dim - math.log(mu)))
    assert tail <= talagrand * (1 + 1e-9)
    assert hamming.product_quantile_distance_bound(mu, dim=dim, q=0.5) == median


@pytest.mark.parametrize("mu", [1e-6, 0.01, 0.3])
def test_many_bits_are_like_gaussian_noise(mu):
    dim = 10**8
    median = hamming.median_distance_bound(mu, dim=dim) / (math.sqrt(dim) / 2)
    assert median == pytest.approx(bounds.median_distance_bound(mu), abs=1e-3)
    assert hamming.quantile_distance_bound(mu, dim=dim, q=0.9) / (math.sqrt(dim) / 2) == pytest.approx(
        ndtri(0.9) - ndtri(mu), abs=1e-3
    )


def test_limits():
    inf = math.inf
    assert hamming.enlargement([0.0, 0.3, 1.0], [[0], [5]], dim=5).tolist() == [[0, 0.3, 1], [0, 1, 1]]
    assert hamming.log_enlargement([0.0, 1.0], 1, dim=5).tolist() == [-inf, 0]
    assert hamming.log_enlargement_complement([0.0, 0.5, 1.0], 5, dim=5).tolist() == [0, -inf, -inf]
    # A positive rate below that of one word: still a word, if any.
    assert hamming.enlargement(1e-300, 1, dim=10) == pytest.approx(11 / 1024, rel=1e-14)
    assert hamming.log_enlargement(log_mu=-1e300, steps=150528, dim=150528) == 0
    assert hamming.median_distance_bound([0.0, 1e-300, 0.5, 1.0], dim=10).tolist() == [inf, 5, 0, 0]
    assert hamming.product_median_distance_bound([0.0, 0.5, 1.0], dim=10).tolist() == [inf, 0, 0]
    assert hamming.product_mean_distance_bound([0.0, 1.0], dim=10).tolist() == [inf, 0]
    tails = hamming.product_tail([0.0, 0.3, 1.0], [[0.0], [0.5], [inf]], dim=2)
    assert tails == pytest.approx(np.array([[1, 1, 1], [1, 0.7, 0], [1, 0, 0]]), rel=1e-15)
    assert hamming.log_product_tail(1.0, 1.0, dim=2) == -inf
    for value in (
        hamming.enlargement(math.nan, 1, dim=5),
        hamming.median_distance_bound(math.nan, dim=5),
        hamming.product_tail(0.3, math.nan, dim=5),
        hamming.product_tail(math.nan, 0.0, dim=5),
        hamming.product_median_distance_bound(math.nan, dim=5),
    ):
        assert math.isnan(value)
    with pytest.raises(TypeError, match=r"steps=1\.5 must be an integer"):
        hamming.enlargement(0.3, 1.5, dim=5)
    with pytest.raises(ValueError, match=r"steps=-1\.0 must be >= 0"):
        hamming.enlargement(0.3, -1, dim=5)
    with pytest.raises(ValueError, match=r"dim=0\.0 must be >= 1"):
        hamming.product_tail(0.3, 1, dim=0)


def test_assumptions_matter():
    # Bits that are all equal are not independent: one half of the words, those with a 1, is n bits from the other.
    truth = 0.5
    assert hamming.enlargement(0.5, 10, dim=100) > truth + 0.4
    assert hamming.product_tail(0.5, 100, dim=100) < truth - 0.4
    assert (
        hamming.median_distance_bound(0.499, dim=100) < 100 and hamming.product_mean_distance_bound(0.5, dim=100) < 50
    )


def test_without_the_shift_the_tail_is_too_small():
    for dim, t, mu, truth in ((1, 1, 0.5, 0.5), (3, 2, 0.5, 0.125)):
        assert truth <= hamming.product_tail(mu, t, dim=dim)
        assert truth > math.exp(-2 * t**2 / dim)
