from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry import bounds
from isoperimetry.bounds import ball, sphere
from isoperimetry.testing import reference
from isoperimetry.testing.strategies import dims, error_rates, sigmas


@pytest.mark.parametrize("dim", [1, 2, 10, 784])
def test_table(dim):
    for mu in (1e-20, 0.01, 0.3, 0.8):
        for eps in (0.5 / math.sqrt(dim), 1.9):
            truth = reference.ball_enlargement(mu, eps, dim=dim, radius=1.5, digits=25)
            assert abs(ball.enlargement(mu, eps, dim=dim, radius=1.5) - truth) <= 1e-12 * truth


def test_table_of_published_decimals():
    assert ball.enlargement(0.01, 0.2, dim=10) == pytest.approx(0.053702441461181838920, rel=1e-14)
    assert ball.gaussian_enlargement(0.01, 0.2, dim=10) == pytest.approx(0.045142871211104556186, rel=1e-14)


def test_equality_on_extremal():
    # It is attained to first order on an interval, cut in the middle: half of the line, growing by eps / 2.
    for eps in (1e-3, 1e-2):
        gain = ball.enlargement(0.5, eps, dim=1) - 0.5
        assert gain <= eps / 2 and gain == pytest.approx(eps / 2, rel=eps**2)


@given(dims(), st.floats(0.001, 1), st.floats(0, 1))
def test_holds(dim, start, step):
    # A smaller ball in the middle, and what is around it.
    for inner in (start, start ** (1 / dim)):
        eps, log_mu = step * (1 - inner), dim * math.log(inner)
        grown = dim * math.log(inner + eps)
        bound = ball.log_enlargement(log_mu=log_mu, eps=2 * eps, dim=dim, radius=2.0)
        assert bound <= grown + 1e-10 * (1 - grown)
        eps = step * inner
        if log_mu < 0 and eps < inner:
            rest = dim * math.log(inner - eps)
            limit = ball.log_enlargement_complement(log_accuracy=log_mu, eps=eps, dim=dim)
            assert rest <= limit + 1e-10 * (1 - rest)


@given(dims(), st.floats(0, 1), st.floats(0, 1))
def test_holds_for_slices(dim, start, step):
    # The slice x_1 >= t has the measure of the cap of which it is the projection; for t <= 0 it grows to t - eps.
    t, eps = -start, step * (1 - start)
    log_rest = sphere.log_cap_measure(math.acos(-t), dim=dim + 2)
    truth = sphere.log_cap_measure(math.acos(min(eps - t, 1.0)), dim=dim + 2)
    bound = ball.log_enlargement_complement(log_accuracy=log_rest, eps=eps, dim=dim)
    assert truth <= bound + 1e-9 * (1 - bound) if truth > -math.inf else True


@given(dims(), error_rates(), st.floats(0, 4), sigmas(), st.floats(0.05, 0.95))
def test_laws(dim, mu, step, radius, q):
    eps = min(step / math.sqrt(dim), 1.9)
    here = ball.enlargement(mu, eps, dim=dim)
    # The form of the Gaussian bound is weaker; the sphere is that of two dimensions more.
    assert ball.gaussian_enlargement(mu, eps, dim=dim) <= here + 1e-12
    assert here == sphere.enlargement(mu, eps, dim=dim + 2, metric="chord")
    assert ball.enlargement(mu, eps * radius, dim=dim, radius=radius) == pytest.approx(here, rel=1e-11)
    assert mu <= here <= 1 and ball.enlargement(mu, 0.0, dim=dim) == mu
    assert math.exp(ball.log_enlargement(mu, eps, dim=dim)) == pytest.approx(here, rel=1e-12)
    distance = ball.quantile_distance_bound(mu, dim=dim, q=q)
    assert 0 <= distance <= 2 and (distance == 0) == (mu >= q)
    if distance > 0:
        assert ball.enlargement(mu, distance, dim=dim) == pytest.approx(q, rel=1e-10)
    a = max(bounds.halfspace_distance(mu), 0.0)
    assert ball.median_distance_bound(mu, dim=dim) <= a / math.sqrt(dim) * (1 + 1e-12)
    assert 0 < ball.mean_distance_bound(mu, dim=dim) <= 2


def test_limits():
    inf = math.inf
    assert ball.enlargement([0.0, 0.3, 1.0], [[0.0], [2.0], [inf]], dim=3).tolist() == [
        [0, 0.3, 1],
        [0, 1, 1],
        [0, 1, 1],
    ]
    assert ball.log_enlargement_complement([0.0, 0.5], 2.0, dim=3).tolist() == [0, -inf]
    assert ball.median_distance_bound([0.0, 0.5, 1.0], dim=[1, 2, 3]).tolist() == [inf, 0, 0]
    assert ball.mean_distance_bound([0.0, 1.0], dim=3).tolist() == [inf, 0]
    assert math.isnan(ball.median_distance_bound(math.nan, dim=3))
    assert math.isnan(ball.mean_distance_bound(0.0, dim=3, radius=math.nan))
    with pytest.raises(ValueError, match=r"dim=0\.0 must be >= 1"):
        ball.enlargement(0.3, 1.0, dim=0)
    with pytest.raises(ValueError, match=r"radius=0\.0 must be > 0"):
        ball.median_distance_bound(0.3, dim=1, radius=0.0)


def test_assumptions_matter():
    # Gaussian noise with the spread of a coordinate in the ball: far out, half-spaces grow more slowly than that.
    spread = 1 / math.sqrt(12)  # of a uniform point of the ball in ten dimensions
    assert ball.enlargement(1e-6, 0.2, dim=10) > 1.1 * bounds.enlargement(1e-6, 0.2, spread)
    # A ball that is larger than claimed: its half grows to the slice x_1 >= -eps.
    truth = 1 - sphere.cap_measure(math.acos(0.2 / 2.0), dim=12)
    assert ball.enlargement(0.5, 0.2, dim=10, radius=1.0) > truth + 0.05
    assert ball.enlargement(0.5, 0.2, dim=10, radius=2.0) <= truth
