from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    HALFSPACE_DISTANCE_NORM,
    NORM_DISTANCE,
    enlargement,
    halfspace_distance,
    halfspace_distance_norm,
    median_distance_bound,
    median_distance_bound_norm,
)
from isoperimetry.bounds.norms import noise_stretch
from isoperimetry.sets import HalfSpace
from isoperimetry.special import ndtr
from isoperimetry.testing import reference
from isoperimetry.testing.strategies import error_rates, log_error_rates, sigmas

norms = st.sampled_from([1.0, 1.3, 2.0, 3.0, math.inf])
vectors = st.lists(st.floats(-3, 3), min_size=2, max_size=5).filter(lambda w: max(map(abs, w)) > 1e-3)
deviations = st.lists(st.floats(0.1, 3), min_size=2, max_size=5)


def lp(w, p):
    return float(np.linalg.norm(w, p))


def covariance(seed, dim):
    root = np.random.default_rng(seed).standard_normal((dim, dim))
    return root @ root.T


@pytest.mark.parametrize("p", [1, 1.25, 2, 5, math.inf])
@pytest.mark.parametrize("cov", [None, [4.0, 1.0, 0.25], [[2.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]]])
def test_table(p, cov):
    w = [3.0, -4.0, 0.5]
    expected = float(reference.halfspace_distance_norm(0.01, w, p=p, sigma=0.25, cov=cov, digits=20))
    assert halfspace_distance_norm(0.01, w, p=p, sigma=0.25, cov=cov) == pytest.approx(expected, rel=4e-15)
    if cov is None or not isinstance(cov[0], list) or p in (2, math.inf):
        expected = float(reference.median_distance_bound_norm(0.01, dim=3, p=p, sigma=0.25, cov=cov, digits=20))
        value = median_distance_bound_norm(0.01, dim=3, p=p, sigma=0.25, cov=cov)
        assert value == pytest.approx(expected, rel=4e-15)


def test_table_of_published_decimals():
    assert halfspace_distance_norm(0.01, [3.0, 4.0], cov=[4.0, 1.0]) == pytest.approx(3.3551066177683578156, rel=1e-14)
    assert median_distance_bound_norm(0.01, cov=[4.0, 1.0]) == pytest.approx(4.6526957480816822018, rel=1e-14)
    ones = np.ones(784)
    assert halfspace_distance_norm(0.01, ones, p=math.inf) == pytest.approx(0.083083852644315753603, rel=1e-14)
    assert halfspace_distance_norm(0.01, ones, p=1) == pytest.approx(65.137740473143550825, rel=1e-14)
    w = [3.0, -4.0, 0.0]
    assert halfspace_distance_norm(0.01, w, p=math.inf) == pytest.approx(1.6616770528863150721, rel=1e-14)
    assert halfspace_distance_norm(0.01, w, p=1) == pytest.approx(2.9079348425510513761, rel=1e-14)


@given(error_rates(high=0.499), deviations, norms, sigmas())
def test_equality_on_extremal(mu, scales, p, sigma):
    """The extremal half-space is as far from the center as the bound says, and typical samples are as far as that."""
    cov = np.array(scales) ** 2
    half_space = NORM_DISTANCE.extremal(mu, sigma, p=p, cov=cov)
    bound = median_distance_bound_norm(mu, p=p, sigma=sigma, cov=cov)
    assert halfspace_distance_norm(mu, half_space.normal, p=p, sigma=sigma, cov=cov) == pytest.approx(bound, rel=1e-12)
    spread = math.sqrt(float(np.sum(cov * half_space.normal**2))) * sigma / np.linalg.norm(half_space.normal)
    assert ndtr(-half_space.offset / spread) == pytest.approx(mu, rel=1e-9)


def test_equality_on_extremal_of_dense_covariances():
    cov = covariance(0, 4)
    for p in (2, math.inf):
        w = NORM_DISTANCE.extremal(0.01, 0.5, p=p, cov=cov).normal
        bound = median_distance_bound_norm(0.01, p=p, sigma=0.5, cov=cov)
        assert halfspace_distance_norm(0.01, w, p=p, sigma=0.5, cov=cov) == pytest.approx(bound, rel=1e-12)
    isotropic = HALFSPACE_DISTANCE_NORM.extremal(0.01, 0.5, dim=3)
    assert isotropic.offset == halfspace_distance(0.01, 0.5)


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, math.inf]))
def test_low_rank_covariance_is_its_dense_one(seed, p):
    rng = np.random.default_rng(seed)
    factors, weights, w = rng.standard_normal((5, 2)), rng.random(2) + 0.1, rng.standard_normal(5)
    pair, dense = (factors, weights), factors @ np.diag(weights) @ factors.T
    assert noise_stretch(p, dim=5, sigma=0.5, cov=pair) == pytest.approx(
        noise_stretch(p, sigma=0.5, cov=dense), rel=1e-12
    )
    expected = halfspace_distance_norm(0.01, w, p=p, cov=dense)
    assert halfspace_distance_norm(0.01, w, p=p, cov=pair) == pytest.approx(expected, rel=1e-9)
    best = NORM_DISTANCE.extremal(0.01, p=p, cov=pair).normal
    bound = median_distance_bound_norm(0.01, p=p, cov=pair)
    assert halfspace_distance_norm(0.01, best, p=p, cov=pair) == pytest.approx(bound, rel=1e-12)


def test_low_rank_covariance_of_an_image():
    factors = np.zeros((150528, 2))
    factors[0, 0] = factors[1, 1] = 1.0
    assert median_distance_bound_norm(0.01, cov=(factors, [4.0, 9.0])) == pytest.approx(halfspace_distance(0.01, 3.0))
    mistakes = [
        ((factors,), "tuple of 1"),
        ((factors, [1.0]), r"weights of shape \(1,\)"),
        ((factors, [1.0, -1.0]), r"cov\[1\]"),
        ((factors + math.inf, [1.0, 1.0]), r"cov\[0\]"),
    ]
    for bad, message in mistakes:
        with pytest.raises(ValueError, match=message):
            noise_stretch(cov=bad)
    with pytest.raises(ValueError, match="no known scale in closed form"):
        median_distance_bound_norm(0.01, p=1, cov=(factors, [4.0, 9.0]))
    with pytest.raises(ValueError, match="but dim=3"):
        noise_stretch(dim=3, cov=(factors, [4.0, 9.0]))


@given(vectors, st.floats(1e-6, 0.4), norms, st.floats(-2.0, 2.0))
def test_holds(w, mu, p, start):
    """The distance is the least l_p length of a step to the boundary: no smaller step arrives, the dual one does."""
    w = np.array(w)
    distance = halfspace_distance_norm(mu, w, p=p)
    offset = halfspace_distance(mu) * np.linalg.norm(w)
    steps = np.random.default_rng(abs(hash(start)) % 2**32).standard_normal((200, w.size))
    steps /= np.linalg.norm(steps, p, axis=1)[:, None]
    assert (steps @ w * distance).max() <= offset * (1 + 1e-12)
    size = abs(w) / abs(w).max()
    if p == 1:
        best = np.where(size == 1, np.sign(w), 0) / np.count_nonzero(size == 1)
    else:
        best = np.sign(w) if p == math.inf else np.sign(w) * size ** (1 / (p - 1))
    assert lp(best * distance / lp(best, p), p) == pytest.approx(distance, rel=1e-12)
    assert best @ w * distance / lp(best, p) == pytest.approx(offset, rel=1e-9)


@given(vectors, st.integers(0, 2**32 - 1), norms)
def test_no_half_space_exceeds_the_stretch(w, seed, p):
    """sqrt(w' cov w) / |w|_q is at most Lambda, for diagonal and dense covariances."""
    dense = covariance(seed, len(w))
    for cov in (np.diagonal(dense), dense):
        if cov.ndim == 1 or p in (2, math.inf):
            stretch = noise_stretch(p, cov=cov)
            assert halfspace_distance_norm(ndtr(-1.0), w, p=p, cov=cov) <= stretch * (1 + 1e-12)
            best = NORM_DISTANCE.extremal(ndtr(-1.0), p=p, cov=cov).normal
            assert halfspace_distance_norm(ndtr(-1.0), best, p=p, cov=cov) == pytest.approx(stretch, rel=1e-10)


@given(error_rates(high=0.499), vectors, sigmas())
def test_half_space_distances_fall_with_p(mu, w, sigma):
    values = [halfspace_distance_norm(mu, w, p=p, sigma=sigma) for p in (1, 1.5, 2, 4, math.inf)]
    assert all(first >= second * (1 - 1e-12) for first, second in itertools.pairwise(values))
    assert values[2] == pytest.approx(halfspace_distance(mu, sigma), rel=1e-14)
    root = math.sqrt(len(w))
    assert values[0] <= root * values[2] * (1 + 1e-12) and values[2] <= root * values[4] * (1 + 1e-12)


@given(error_rates(high=0.499), st.integers(0, 2**32 - 1), st.integers(2, 5), st.floats(0.1, 3))
def test_anisotropic_noise(mu, seed, dim, scale):
    """cov = s**2 I is isotropic; more noise in the order of matrices stretches more; half-spaces lie in between."""
    assert median_distance_bound_norm(mu, cov=np.full(dim, scale**2)) == pytest.approx(
        median_distance_bound(mu, scale), rel=1e-13
    )
    rng = np.random.default_rng(seed)
    cov = covariance(seed, dim)
    more = cov + covariance(seed + 1, dim)
    for p in (2, math.inf):
        assert noise_stretch(p, cov=cov) <= noise_stretch(p, cov=more) * (1 + 1e-12)
    values = np.linalg.eigvalsh(cov)
    distance = halfspace_distance_norm(mu, rng.standard_normal(dim), cov=cov)
    a = halfspace_distance(mu)
    assert math.sqrt(max(values[0], 0)) * a * (1 - 1e-9) <= distance <= math.sqrt(values[-1]) * a * (1 + 1e-9)


@given(error_rates(), log_error_rates(), vectors, norms, sigmas())
def test_laws(mu, log_mu, w, p, sigma):
    distance = halfspace_distance_norm(mu, w, p=p, sigma=sigma)
    assert halfspace_distance_norm(mu, 8 * np.array(w), p=p, sigma=sigma) == distance
    assert halfspace_distance_norm(mu, w[::-1], p=p, sigma=sigma) == pytest.approx(distance, rel=1e-13)
    assert halfspace_distance_norm(accuracy=mu, normal=w, p=p, sigma=sigma) == -distance
    assert halfspace_distance_norm(mu, w, p=p, sigma=2 * sigma) == 2 * distance
    bound = median_distance_bound_norm(log_mu=log_mu, dim=len(w), p=p, sigma=sigma)
    assert halfspace_distance_norm(log_mu=log_mu, normal=w, p=p, sigma=sigma) <= bound * (1 + 1e-12)
    assert median_distance_bound_norm(log_mu=log_mu, dim=len(w), p=p, sigma=2 * sigma) == 2 * bound
    if p >= 2:
        assert bound == median_distance_bound_norm(log_mu=log_mu, sigma=sigma)
        assert bound == median_distance_bound(log_mu=log_mu, sigma=sigma)


def test_limits():
    inf = math.inf
    assert halfspace_distance_norm([0.0, 0.5, 1.0], [1.0, 2.0], p=1).tolist() == [inf, 0, -inf]
    assert median_distance_bound_norm([0.0, 0.5, 1.0], dim=4, p=1).tolist() == [inf, 0, 0]
    assert halfspace_distance_norm([0.0, 1.0], [0.0, 1.0], cov=[1.0, 0.0]).tolist() == [inf, -inf]
    assert halfspace_distance_norm(0.3, [1e-300, 1e300], p=1.5) == pytest.approx(halfspace_distance(0.3), rel=1e-12)
    assert halfspace_distance_norm(0.3, [5e-324, 0.0]) == pytest.approx(halfspace_distance(0.3), rel=1e-14)
    assert halfspace_distance_norm([0.1, 0.2], [1.0, 1.0], sigma=[[1.0], [2.0]]).shape == (2, 2)
    assert math.isnan(halfspace_distance_norm(math.nan, [1.0])) and math.isnan(median_distance_bound_norm(math.nan))
    assert median_distance_bound_norm([], dim=2).shape == (0,)
    singular = [[1.0, 1.0], [1.0, 1.0]]
    assert median_distance_bound_norm(0.01, cov=singular) == pytest.approx(halfspace_distance(0.01, math.sqrt(2)))
    with pytest.raises(ValueError, match=r"sigma.*> 0 where 0 < mu < 1"):
        halfspace_distance_norm(0.3, [0.0, 1.0], cov=[1.0, 0.0])
    with pytest.raises(ValueError, match=r"normal has shape .* not zero"):
        halfspace_distance_norm(0.3, [0.0, 0.0])
    with pytest.raises(TypeError, match="normal must be given too"):
        halfspace_distance_norm(0.3)
    with pytest.raises(ValueError, match=r"p=0\.5 must be one number in \[1, inf\]"):
        halfspace_distance_norm(0.3, [1.0], p=0.5)
    with pytest.raises(ValueError, match=r"p=0\.5 must be one number in \[1, inf\]"):
        median_distance_bound_norm(0.3, dim=3, p=0.5)
    with pytest.raises(ValueError, match="cov has shape"):
        halfspace_distance_norm(0.3, [1.0, 2.0], cov=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="positive semi-definite"):
        halfspace_distance_norm(0.3, [1.0, 2.0], cov=[[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ValueError, match="needs dim"):
        median_distance_bound_norm(0.3, p=1)
    with pytest.raises(ValueError, match="dim must be given"):
        NORM_DISTANCE.extremal(0.3)


def test_assumptions_matter():
    """The smallest deviation, or an average, in place of the largest: a half-space along the widest axis refutes it."""
    deviations = np.array([2.0, 1.0, 0.5])
    mu = ndtr(-2.0)
    wall = HalfSpace([1.0, 0.0, 0.0], 2.0 * halfspace_distance(mu))
    truth = ndtr((1.0 - wall.offset) / 2.0)  # within 1
    assert truth == pytest.approx(enlargement(mu, 1.0, noise_stretch(2, cov=deviations**2)), rel=1e-12)
    assert truth == pytest.approx(0.067, abs=5e-4)
    assert truth < enlargement(mu, 1.0, float(np.mean(deviations))) < enlargement(mu, 1.0, 0.5)
    assert enlargement(mu, 1.0, 0.5) == pytest.approx(0.5)


def test_nothing_is_gained_in_l_inf():
    """A half-space across one coordinate has the l_inf distance sigma a; a bound smaller by sqrt(dim) is refuted."""
    dim = 784
    w = np.eye(1, dim)[0]
    truth = halfspace_distance_norm(0.01, w, p=math.inf)
    assert truth == median_distance_bound_norm(0.01, dim=dim, p=math.inf) == halfspace_distance(0.01)
    assert truth > 20 * halfspace_distance(0.01) / math.sqrt(dim)
