from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import NOISE_NORM, halfspace_distance, noise_norm
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import sigmas


@pytest.mark.parametrize("dim", [*range(1, 12), 50, 98, 99, 100, 101, 150, 784, 150528, 10**9, 10**15])
def test_table(dim):
    assert_ulp(noise_norm(dim), reference.noise_norm(dim, digits=30), 4)
    assert noise_norm(dim, 0.25) == 0.25 * noise_norm(dim)


def test_table_of_published_decimals():
    known = {3: 1.5957691216057307118, 784: 27.991072854400867072, 3072: 55.421115476835411280,
             150528: 387.97873653182388424}  # fmt: skip
    np.testing.assert_allclose(noise_norm(list(known)), list(known.values()), rtol=4e-16)
    for dim, ratio in ((3072, 23.825166674634245762), (150528, 166.77616672243972034)):
        assert math.sqrt(dim) / halfspace_distance(0.01) == pytest.approx(ratio, rel=1e-14)


@given(st.integers(1, 10**9))
def test_holds(dim):
    """Between sqrt(n - 1/2) and sqrt(2 n**2 / (2 n + 1)), the variance between 1/4 and 1/2."""
    value = noise_norm(dim)
    assert math.sqrt(dim - 0.5) * (1 - 1e-15) <= value <= math.sqrt(2 * dim**2 / (2 * dim + 1)) * (1 + 1e-15)
    assert value <= math.sqrt(dim)
    if dim < 10**4:
        assert 0.25 < dim - value**2 < 0.5


@given(st.integers(1, 10**9), sigmas())
def test_laws(dim, sigma):
    """Neighbours multiply to the dimension."""
    assert noise_norm(dim) * noise_norm(dim + 1) == pytest.approx(dim, rel=2e-15)
    assert noise_norm(dim, 2 * sigma) == 2 * noise_norm(dim, sigma)
    assert noise_norm(dim) < noise_norm(dim + 1) or dim > 10**7


def test_frequencies(rng):
    for dim in (1, 5, 300):
        norms = np.linalg.norm(rng.standard_normal((4000, dim)), axis=1)
        assert abs(norms.mean() - noise_norm(dim)) <= 4.9 * math.sqrt(0.5 / 4000)


def test_limits():
    assert noise_norm(1) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-15)
    assert noise_norm([1, 100], [[0.0], [math.inf]]).tolist() == [[0, 0], [math.inf, math.inf]]
    assert math.isnan(noise_norm(3, math.nan)) and noise_norm([]).shape == (0,)
    assert NOISE_NORM(784, 0.5) == noise_norm(784, 0.5) and NOISE_NORM.extremal is None
    for bad in (0, -1):
        with pytest.raises(ValueError, match=f"dim={bad}.* must be >= 1"):
            noise_norm(bad)
    with pytest.raises(TypeError, match=r"dim=2\.5 must be an integer"):
        noise_norm(2.5)
    with pytest.raises(ValueError, match=r"sigma=-1\.0 must be >= 0"):
        noise_norm(3, -1.0)
