"""Cube, ball, words of bits, and generated data."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry.bounds import ball, cube, generator, hamming, sphere
from isoperimetry.special import ndtr, ndtri
from isoperimetry.testing import dims, error_rates, sigmas


@given(error_rates(), st.floats(0, 1), sigmas())
def test_cube_grows_less_than_its_halves_and_as_fast_at_one_half(mu, share, side):
    eps = share * (1 - mu)
    grown = cube.enlargement(mu, eps * side, side=side)
    assert grown <= mu + eps + 1e-14
    assert grown == pytest.approx(cube.enlargement(mu, eps), rel=1e-12)
    assert cube.enlargement(0.5, 1e-4) == pytest.approx(0.5 + 1e-4, abs=1e-11)  # error (2 pi / 6) eps**3
    assert cube.enlargement(0.5, 0.3) < 0.79


@given(dims(), error_rates(), st.floats(0, 2), sigmas())
def test_ball_is_a_projected_sphere_and_beats_its_gaussian_form(dim, mu, step, radius):
    grown = ball.enlargement(mu, step * radius, dim=dim, radius=radius)
    assert grown >= ball.gaussian_enlargement(mu, step * radius, dim=dim, radius=radius) - 1e-12
    lifted = sphere.enlargement(mu, step * radius, dim=dim + 2, radius=radius, metric="chord")
    assert grown == pytest.approx(lifted, rel=1e-12)


@functools.cache
def least_growth(n, steps):
    """The least number of words within some steps of a set, for each size of the set: by trying all sets."""
    words = 2**n
    grown = np.arange(2**words, dtype=np.uint32)  # a set of words as the bits of a number
    sizes = np.bitwise_count(grown)
    for _ in range(steps):
        neighbours = grown.copy()
        for i in range(n):
            clear = sum(1 << word for word in range(words) if not word >> i & 1)
            neighbours |= (grown & clear) << (1 << i) | grown >> (1 << i) & clear
        grown = neighbours
    return [int(np.bitwise_count(grown[sizes == size]).min()) for size in range(1, words + 1)]


@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 5, 20, 100, 1000]), st.floats(0, 1), st.floats(0, 1))
def test_words_of_bits_grow_as_balls_do(n, steps, dim, start, step):
    sizes, least = np.arange(1, 2**n + 1), least_growth(n, steps)
    bound = hamming.enlargement(sizes / 2**n, steps, dim=n) * 2**n
    balls = [size - 1 for size in np.cumsum([math.comb(n, k) for k in range(n + 1)])]
    assert (bound <= np.add(least, 1e-9)).all() and bound[balls] == pytest.approx(np.array(least)[balls], rel=1e-12)
    assert least_growth(4, 1) == [5, 8, 10, 11, 11, 13, 14, 14, 15, 15, 15, 16, 16, 16, 16, 16]
    k, t = int(start * dim), int(step * dim) + 1
    log_mu = hamming.log_ball_measure(k, dim=dim)
    truth = -math.expm1(hamming.log_ball_measure(min(k + t - 1, dim), dim=dim))  # at a distance of t or more
    assert truth <= hamming.product_tail(log_mu=log_mu, distance=t, dim=dim) + 1e-12
    assert hamming.log_ball_measure(dim, dim=dim) == 0
    rest = stats.binom.sf(min(k + t, dim), dim, 0.5)
    assert 1 - hamming.enlargement(log_mu=log_mu, steps=t, dim=dim) == pytest.approx(rest, abs=1e-12)
    smaller = hamming.enlargement(log_mu=min(log_mu - 0.1, log_mu * 1.1), steps=t, dim=dim)
    assert smaller <= hamming.enlargement(log_mu=log_mu, steps=t, dim=dim) + 1e-15


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=12), error_rates(low=1e-12), st.floats(0, 8), sigmas())
def test_classes_of_generated_data_come_near_each_other(sizes, p, step, lipschitz):
    two = generator.multiclass([p, 1 - p], step * lipschitz, lipschitz=lipschitz)
    z = ndtri(p)
    assert two == pytest.approx(ndtr(z + step) - ndtr(z - step), abs=1e-14)
    shares = np.array(sizes) / sum(sizes)
    if shares.max() <= 0.5:
        near = generator.multiclass(shares, step * lipschitz, lipschitz=lipschitz)
        assert near >= -math.expm1(-(step**2) / 2) - 1e-14
