"""Noise of any covariance, and distances in other norms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import (
    NORM_DISTANCE,
    halfspace_distance,
    halfspace_distance_norm,
    median_distance_bound,
    median_distance_bound_norm,
)
from isoperimetry.bounds.norms import noise_stretch
from isoperimetry.testing import log_error_rates, sigmas

seeds, small = st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3, 10])
rates = log_error_rates(high=math.log(0.4))
norms = st.sampled_from([1, 1.5, 2, 3, math.inf])


def normals(*shape, seed):
    return np.random.default_rng(seed).standard_normal(shape)


@given(rates, small, sigmas(), st.floats(-2, 2), seeds)
def test_covariance_enters_by_its_largest_deviation(log_mu, dim, sigma, decade, seed):
    root, s = normals(dim, dim, seed=seed), 10.0**decade
    cov = root @ root.T
    larger = cov + np.outer(root[0], root[0])
    isotropic = median_distance_bound_norm(log_mu=log_mu, cov=np.full(dim, s**2), sigma=sigma)
    assert isotropic == pytest.approx(median_distance_bound(log_mu=log_mu, sigma=s * sigma), rel=1e-14)
    for p in (2, math.inf):
        assert noise_stretch(p, cov=cov) <= noise_stretch(p, cov=larger) * (1 + 1e-12)
    distance = halfspace_distance_norm(log_mu=log_mu, normal=root[-1], cov=cov, sigma=sigma)
    low, high = np.sqrt(np.clip(np.linalg.eigvalsh(cov)[[0, -1]], 0, None)) * halfspace_distance(log_mu=log_mu) * sigma
    assert low * (1 - 1e-9) <= distance <= high * (1 + 1e-12)


@given(norms, small, seeds, st.booleans())
def test_stretch_is_the_largest_ratio_over_all_normals(p, dim, seed, diagonal):
    root = normals(dim, dim, seed=seed)
    cov = np.diag(np.diag(root) ** 2) if diagonal or p not in (2, math.inf) else root @ root.T
    dual = {1: math.inf, math.inf: 1}.get(p) or p / (p - 1)
    best = NORM_DISTANCE.extremal(0.1, cov=cov, p=p).unit

    def ratio(w):
        return math.sqrt(max(w @ cov @ w, 0.0)) / np.linalg.norm(w, dual)

    stretch = noise_stretch(p, cov=cov)
    assert max(ratio(w) for w in normals(20, dim, seed=seed + 1)) <= stretch * (1 + 1e-12)
    assert ratio(best) == pytest.approx(stretch, rel=1e-12)


@given(rates, st.sampled_from([1, 2, 10, 784, 150528]), seeds, sigmas(), st.floats(1, 20), st.floats(1, 20))
def test_halfspace_distances_decrease_in_the_power_of_the_norm(log_mu, dim, seed, sigma, p, other):
    def distance(p):
        return halfspace_distance_norm(log_mu=log_mu, normal=normal, p=p, sigma=sigma)

    normal, slack = normals(dim, seed=seed), 1 + 1e-12
    low, high = sorted((p, other))
    assert distance(high) <= distance(low) * slack
    assert distance(math.inf) <= distance(2) * slack <= distance(1) * slack**2
    assert distance(1) <= math.sqrt(dim) * distance(2) * slack
    assert distance(2) == pytest.approx(halfspace_distance(log_mu=log_mu, sigma=sigma), rel=1e-12)
