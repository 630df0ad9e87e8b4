from __future__ import annotations

import math

import numpy as np
import pytest

from isoperimetry.kernels import boxes


def slow_gap(x, low, high):
    """The distance to the nearest point of the box, or minus that to the nearest face."""
    if np.isnan(x).any():
        return math.nan
    beyond = np.maximum(low - x, x - high)
    return math.hypot(*np.maximum(beyond, 0.0)) if beyond.max() > 0 else beyond.max()


def both(function, *arguments):
    """The answer of the compiled loop, after checking that plain Python gives the same bits."""
    dtype = np.bool_ if function is boxes.fill_in_box else np.float64
    outs = [np.empty(len(arguments[0]), dtype) for _ in range(2)]
    function(*arguments, outs[0])
    with np.errstate(all="ignore"):
        function.py_func(*arguments, outs[1])
    assert np.array_equal(*outs, equal_nan=dtype is not np.bool_)
    return outs[0]


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 8, 11, 300])
def test_against_a_slow_version(dim, rng):
    low, width = rng.normal(size=dim) - 1, rng.exponential(size=dim) * 2
    low[rng.random(dim) < 0.2] = -math.inf
    high = np.where(rng.random(dim) < 0.2, math.inf, low + width)
    high[low == -math.inf] = 1.0
    x = rng.normal(size=(40, dim)) * rng.choice([0.1, 1.0, 3.0], size=(40, 1))
    x[:10] = np.clip(x[:10], low, high)  # inside, some on the boundary
    x[3] = np.where(np.isfinite(high), high - 1e-3, low + 1.0)
    x[5, dim // 2] = math.nan
    gaps, inside = both(boxes.fill_box_gaps, x, low, high), both(boxes.fill_in_box, x, low, high)
    expected = np.array([slow_gap(row, low, high) for row in x])
    # The sum of dim squares in any order.
    np.testing.assert_allclose(gaps, expected, rtol=2.3e-16 * (dim + 2))
    assert np.array_equal(inside, np.all((low <= x) & (x <= high), axis=1)) and not inside[5]
    assert np.array_equal(inside, gaps <= 0)


def test_extremes():
    low, high = np.zeros(6), np.ones(6)
    inf = math.inf
    rows = [
        ([3e200, 4e200, 0, 0, 0, 0], 5e200),  # squares overflow
        ([-3e-200, -4e-200, 0, 0, 0, 0], 5e-200),  # and underflow
        ([-5e-324, 0, 0, 0, 0, 0], 5e-324),
        ([0.5, inf, -inf, 0.5, 0.5, 0.5], inf),  # an infinity is no NaN
        ([inf, math.nan, 0, 0, 0, 0], math.nan),
        ([0.5, 0.5, 0.5, 0.5, 0.5, 0.75], -0.25),
        ([1.0, 0.5, 0.5, 0.5, 0.5, 0.5], 0.0),
    ]
    x = np.array([row for row, _ in rows])
    np.testing.assert_allclose(both(boxes.fill_box_gaps, x, low, high), [gap for _, gap in rows], rtol=4e-16)
    assert both(boxes.fill_in_box, x, low, high).tolist() == [False] * 5 + [True] * 2
    open_low, open_high = np.full(6, -inf), np.full(6, inf)
    assert both(boxes.fill_box_gaps, x[:4], open_low, open_high).tolist() == [-inf] * 4
    assert both(boxes.fill_in_box, x[:4], open_low, open_high).all()
    assert both(boxes.fill_box_gaps, np.empty((0, 6)), low, high).shape == (0,)
