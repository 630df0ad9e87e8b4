from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry import bounds
from isoperimetry.bounds import laplace
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import error_rates, log_error_rates, sigmas

FACTOR = 2 * math.sqrt(6)
lengths = st.floats(0, 50)


def cdf(x):
    return np.where(np.less(x, 0), 0.5 * np.exp(-np.abs(x)), 1 - 0.5 * np.exp(-np.abs(x)))


@pytest.mark.parametrize(
    "rate",
    [{"mu": mu} for mu in (1e-300, 0.01, 0.5, 0.6, 0.999)]
    + [{"accuracy": 1e-30}, {"log_mu": -1e6}, {"log_accuracy": -1e6}],
)
def test_table(rate):
    for eps in (1e-3, 1.0, 30.0, 1e5):
        for name in ("enlargement", "log_enlargement", "log_enlargement_complement"):
            truth = getattr(reference, f"laplace_{name}")(eps=eps, scale=0.5, digits=25, **rate)
            actual = getattr(laplace, name)(eps=eps, scale=0.5, **rate)
            # The logs of the rate and the step are each right to an ulp, and so is what becomes of their sum; next to
            # the median the log of the other side is that of a difference.
            logs = (reference.laplace_log_enlargement, reference.laplace_log_enlargement_complement)
            size = max(eps, *(abs(float(log(eps=0, digits=25, **rate))) for log in logs))
            slack = 1e-15 * min(size, 1e3) * min(1.0, abs(float(truth))) + 5e-324
            assert_ulp(actual, truth, 8, absolute=slack)


def test_table_of_published_decimals():
    assert 1 / FACTOR == pytest.approx(0.20412414523193150818, rel=1e-15)
    # A rate below 1/2 is multiplied until it is 1/2.
    assert laplace.enlargement(0.01, FACTOR) == pytest.approx(0.01 * math.e, rel=1e-14)


@given(error_rates(), lengths, sigmas())
def test_equality_on_extremal(mu, step, scale):
    # Not attained: a half-space across an axis grows as on the line, which is 2 sqrt(6) times as far.
    x = math.log(2 * mu) if mu <= 0.5 else -math.log(2 * (1 - mu))
    assert laplace.enlargement(mu, FACTOR * step * scale, scale=scale) == pytest.approx(cdf(x + step), rel=1e-11)


@given(st.floats(-30, 30), st.floats(0, 30), lengths)
def test_holds(start, width, eps):
    # Half-spaces across an axis, slabs, what is outside of a slab, and the diagonal half-space in the plane.
    x, y = start, start + width
    assert laplace.enlargement(cdf(x), eps) <= cdf(x + eps) + 1e-12
    assert laplace.enlargement(max(cdf(y) - cdf(x), 0.0), eps) <= cdf(y + eps) - cdf(x - eps) + 1e-12
    outside = min(cdf(x) + cdf(-y), 1.0)
    left = max(cdf(y - eps) - cdf(x + eps), 0.0) if width > 2 * eps else 0.0
    assert laplace.enlargement(outside, eps) <= 1 - left + 1e-12
    assert laplace.enlargement(diagonal(start), eps) <= diagonal(start + math.sqrt(2) * eps) + 1e-12


def diagonal(s):
    """Return P[X + Y <= s] for two Laplace numbers."""
    tail = 0.25 * math.exp(-abs(s)) * (2 + abs(s))
    return tail if s < 0 else 1 - tail


def test_holds_for_balls_and_boxes(rng):
    x = rng.laplace(size=(20_000, 10))
    slack = 2 * 4.9 * math.sqrt(0.25 / len(x))  # 4.9 standard deviations of the truth and of mu
    for distance in (np.linalg.norm(x, axis=1) - 3.5, 4.5 - np.linalg.norm(x, axis=1), x.max(axis=1) - 2.0):
        for eps in (0.2, 1.0):
            mu, truth = np.mean(distance <= 0), np.mean(distance <= eps)
            assert laplace.enlargement(mu, eps) <= truth + slack


@given(error_rates(), log_error_rates(), lengths, lengths, sigmas(), st.floats(0.05, 0.95))
def test_laws(mu, log_mu, first, second, scale, q):
    once = laplace.enlargement(mu, first)
    assert mu <= once <= 1 and laplace.enlargement(mu, 0.0, scale=scale) == mu
    assert once <= laplace.enlargement(mu, first + second) * (1 + 1e-13)
    assert laplace.enlargement(mu, first * scale, scale=scale) == pytest.approx(once, rel=1e-12)
    assert math.exp(laplace.log_enlargement(mu, first)) == pytest.approx(once, rel=1e-12)
    assert -math.expm1(laplace.log_enlargement_complement(mu, first)) == pytest.approx(once, rel=1e-12)
    assert laplace.log_enlargement(log_mu=log_mu, eps=0.0) == log_mu
    half_way = laplace.log_enlargement(log_mu=log_mu, eps=first)
    if half_way < -1e-3:
        twice = laplace.log_enlargement(log_mu=half_way, eps=second)
        assert twice == pytest.approx(laplace.log_enlargement(log_mu=log_mu, eps=first + second), rel=1e-11)
    rest = laplace.log_enlargement_complement(mu, first)
    assert laplace.log_enlargement_complement(log_mu=rest, eps=first) == pytest.approx(
        math.log(mu), rel=1e-11, abs=1e-11
    )
    distance = laplace.quantile_distance_bound(mu, q=q)
    assert (distance == 0) == (mu >= q)
    if distance > 0:
        assert laplace.enlargement(mu, distance) == pytest.approx(q, rel=1e-12)
    assert laplace.median_distance_bound(mu, scale=2.0) == 2 * laplace.quantile_distance_bound(mu, q=0.5)


def test_limits():
    inf = math.inf
    assert laplace.enlargement([0.0, 0.3, 1.0], [[0.0], [1.0], [inf]])[:, [0, 2]].tolist() == [[0, 1]] * 3
    assert laplace.enlargement(0.3, [0.0, inf]).tolist() == [0.3, 1]
    assert laplace.log_enlargement([0.0, 1.0], 1.0).tolist() == [-inf, 0]
    assert laplace.log_enlargement_complement([0.0, 0.3, 1.0], inf).tolist() == [0, -inf, -inf]
    assert laplace.log_enlargement(log_mu=-1e300, eps=[0.0, 1e299]).tolist()[0] == -1e300
    assert laplace.median_distance_bound([0.0, 0.5, 1.0]).tolist() == [inf, 0, 0]
    assert laplace.median_distance_bound(0.1, scale=inf) == inf and laplace.enlargement(0.1, 1.0, scale=inf) == 0.1
    for value in (
        laplace.enlargement(math.nan, 0.0),
        laplace.enlargement(0.0, math.nan),
        laplace.enlargement(0.3, 1.0, scale=math.nan),
        laplace.median_distance_bound(math.nan),
        laplace.quantile_distance_bound(0.9, q=math.nan),
    ):
        assert math.isnan(value)
    with pytest.raises(ValueError, match=r"scale=0\.0 must be > 0"):
        laplace.enlargement(0.3, 1.0, scale=0.0)
    with pytest.raises(TypeError, match="eps must be given too"):
        laplace.enlargement(0.3)


def test_assumptions_matter():
    # Heavier tails: a far half-line of a Cauchy distribution hardly grows.
    mu, truth = (0.5 - math.atan(x) / math.pi for x in (1000.0, 990.0))
    assert laplace.enlargement(mu, 10.0) > 5 * truth


def test_neither_the_constant_of_the_line_nor_a_gaussian_form():
    # The diagonal half-space in the plane refutes the constant 1 in place of 2 sqrt(6).
    for eps in (0.01, 0.1):
        truth = diagonal(math.sqrt(2) * eps)
        assert laplace.enlargement(0.5, eps) < truth < laplace.enlargement(0.5, FACTOR * eps)
    # Far out a half-space grows by a factor only, which no probit does.
    log_mu = -1000.0
    truth = log_mu + 1.0
    assert laplace.log_enlargement(log_mu=log_mu, eps=1.0) < truth
    assert bounds.log_enlargement(log_mu=log_mu, eps=1.0, sigma=10.0) > truth
