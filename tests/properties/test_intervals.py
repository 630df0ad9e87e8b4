"""Intervals of an error rate, of the distance that goes with it, and of a median."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.intervals import beta_binomial, clopper_pearson, quantile_lower_bound
from isoperimetry.intervals.order import lower_rank
from isoperimetry.intervals.sequence import log_martingale
from isoperimetry.special import ndtri
from isoperimetry.testing import sigmas

counts = st.integers(1, 10**5).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.floats(0.5, 1 - 1e-6)


@given(counts, confidences)
@example(count=(65534, 65535), confidence=0.96875)
def test_binomial_limits(count, confidence):
    errors, trials = count
    interval, level = clopper_pearson(errors, trials, confidence=confidence), (1 - confidence) / 2
    low, high = interval.low, interval.high
    assert low <= errors / trials <= high
    mirrored = clopper_pearson(trials - errors, trials, confidence=confidence)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((low, high), abs=1e-15)
    tail = pytest.approx(level, rel=1e-10, abs=2e-16 * trials)  # half an ulp of the rate, and at most n times as steep
    assert low == 0 if errors == 0 else stats.binom.sf(errors - 1, trials, low) == tail
    assert high == 1 if errors == trials else stats.binom.cdf(errors, trials, high) == tail
    wider, more = clopper_pearson(errors, trials, confidence=(1 + confidence) / 2), min(errors + 1, trials)
    assert wider.low <= low and high <= wider.high
    assert clopper_pearson(more, trials, confidence=confidence).low >= low
    longer = clopper_pearson(4 * errors, 4 * trials, confidence=confidence)
    assert longer.high - longer.low < high - low


@given(counts, confidences, sigmas())
def test_distance_limits_are_the_rate_limits_in_reverse_order(count, confidence, sigma):
    interval = clopper_pearson(*count, confidence=confidence)
    low, high = interval.distance(sigma)
    assert (low, high) == pytest.approx((-sigma * ndtri(interval.high), -sigma * ndtri(interval.low)), rel=1e-15)
    assert low < high and (high == math.inf) == (count[0] == 0) and (low == -math.inf) == (count[0] == count[1])
    assert interval.distance(4 * sigma) == (4 * low, 4 * high)


@given(
    st.lists(st.booleans(), min_size=1, max_size=60), st.floats(-5, 5), st.floats(0.05, 50), st.floats(0.05, 50),
    confidences, st.randoms(),
)  # fmt: skip
def test_mixture_martingale_and_its_interval(draws, logit, a, b, confidence, random):
    def log_m(rate):
        return log_martingale(errors, trials, math.log(rate / (1 - rate)), a, b)

    errors, trials, rate = sum(draws), len(draws), 1 / (1 + math.exp(-logit))
    random.shuffle(draws)  # the order cannot matter
    bets = [((a + sum(draws[:i])) / (a + b + i) - rate) / (rate * (1 - rate)) for i in range(trials)]
    product = sum(math.log1p(bet * (draw - rate)) for bet, draw in zip(bets, draws, strict=True))
    assert log_m(rate) == pytest.approx(product, abs=1e-10, rel=1e-10)
    h = 0.01 * min(rate, 1 - rate)
    assert 2 * log_m(rate) <= log_m(rate - h) + log_m(rate + h) + 1e-10
    if 0 < errors < trials:
        assert log_m(errors / trials) <= log_m(rate) + 1e-10
    interval = beta_binomial(errors, trials, confidence=confidence, a=a, b=b)
    mirrored = beta_binomial(trials - errors, trials, confidence=confidence, a=b, b=a)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((interval.low, interval.high), abs=1e-10)
    ends = [end for end in (interval.low, interval.high) if 1e-12 < end < 1 - 1e-6]
    assert [log_m(end) for end in ends] == pytest.approx([-math.log(1 - confidence)] * len(ends), abs=1e-8)
    wider = beta_binomial(errors, trials, confidence=(1 + confidence) / 2, a=a, b=b)
    assert wider.low <= interval.low and interval.high <= wider.high


@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, math.inf]), min_size=1, max_size=80), st.floats(0.02, 0.9),
    st.floats(1e-6, 0.4), st.sampled_from([0.0, 0.5, 0.7, 1.0, 2.0]),
)  # fmt: skip
def test_order_statistic_of_a_quantile(values, q, level, limit):
    size = len(values)
    rank = lower_rank(size, q, level)
    assert rank <= lower_rank(size + 1, q, level)
    assert rank <= lower_rank(size, q * 1.1, level) and rank <= lower_rank(size, q, 2 * level)
    chance = stats.binom.cdf(sum(value <= limit for value in values), size, q)
    if abs(chance - level) > 1e-12:
        assert (quantile_lower_bound(values, q=q, confidence=1 - level) > limit) == (chance <= level)
