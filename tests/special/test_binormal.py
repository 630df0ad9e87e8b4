from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isoperimetry.special import log_binormal_sf, log_ndtr
from isoperimetry.testing._binormal import log_binormal_sf as truth


def test_scalars_and_shapes() -> None:
    for h in (1, 1.0, np.float32(1), np.array(1.0)):
        assert type(log_binormal_sf(h, 2.0, 0.5)) is float
        assert log_binormal_sf(h, 2.0, 0.5) == log_binormal_sf(1.0, 2.0, 0.5)
    grid = log_binormal_sf(np.arange(4.0)[:, None], [1, 2, 3], -0.5)
    assert grid.shape == (4, 3)
    assert grid[2, 1] == log_binormal_sf(2.0, 2.0, -0.5)
    assert log_binormal_sf([], 1.0, 0.5).shape == (0,)
    out = np.empty(3)
    assert log_binormal_sf(0.0, 0.0, [0.1, 0.2, 0.3], out=out) is out


def test_root() -> None:
    assert log_binormal_sf(2.0, 1.0, 0.6, root=0.8) == pytest.approx(log_binormal_sf(2.0, 1.0, 0.6), rel=1e-15)
    angle = 1e-5  # with the correlation alone, the two half-spaces would be one
    assert log_binormal_sf(2e5, 2e5, 1.0, root=angle) < log_binormal_sf(2e5, 2e5, 1.0) - 0.5
    assert log_binormal_sf(2e5, 2e5, 1.0) == log_ndtr(-2e5)
    assert log_binormal_sf(1.0, -1.0, -1.0, root=angle) == pytest.approx(
        float(truth(1.0, -1.0, -1.0, angle, digits=20)), rel=1e-14
    )


def test_independent() -> None:
    """rho = 0 is the product, whose logs add."""
    h = np.array([-30.0, -2.0, 0.0, 1.0, 50.0])
    product = log_ndtr(-h[:, None]) + log_ndtr(-h)
    np.testing.assert_allclose(log_binormal_sf(h[:, None], h, 0.0), product, rtol=1e-13)


@pytest.mark.parametrize("rho", [-0.7, 0.2, 0.97])
def test_frequencies(rho: float, rng: np.random.Generator) -> None:
    n = 200_000
    first = rng.standard_normal(n)
    second = rho * first + math.sqrt(1 - rho**2) * rng.standard_normal(n)
    for h, k in ((0.0, 0.5), (-1.0, 1.0), (0.8, 1.0)):
        p = math.exp(log_binormal_sf(h, k, rho))
        count = np.count_nonzero((first >= h) & (second >= k))
        assert abs(count - n * p) <= 4.9 * math.sqrt(n * p * (1 - p)) + 1


def test_errors() -> None:
    with pytest.raises(TypeError, match="rho='1' must be a real number"):
        log_binormal_sf(1.0, 1.0, "1")
    with pytest.raises(TypeError, match="h=None must be a real number"):
        log_binormal_sf(None, 1.0, 0.5)
    with pytest.raises(ValueError, match="broadcast"):
        log_binormal_sf(np.zeros(3), np.zeros(4), 0.5)
    assert math.isnan(log_binormal_sf(1.0, 1.0, 1.5))


@given(hnp.arrays(np.float64, (2, 5), elements=st.floats()), hnp.arrays(np.float64, 5, elements=st.floats(-2, 2)))
def test_elements_are_scalars_and_nothing_warns(pair: np.ndarray, rho: np.ndarray) -> None:
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        result = log_binormal_sf(pair[0], pair[1], rho)
        scalars = [log_binormal_sf(float(h), float(k), float(r)) for h, k, r in zip(*pair, rho, strict=True)]
    np.testing.assert_array_equal(result, scalars)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(pair).any(axis=0) | (abs(rho) > 1))
