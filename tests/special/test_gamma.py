from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isoperimetry import special
from tests.tables import error_in_units, load_several

NAMES = ["log_chi2_cdf", "log_chi2_sf", "log_ball_probability", "log_ball_complement"]


def call(name: str, x: Any, dim: Any = 5.0, **options: Any) -> Any:
    return getattr(special, name)(x, dim=dim, **options)


@pytest.mark.parametrize("name", NAMES)
def test_table(name: str) -> None:
    rows = load_several(name)
    x, dim, *rest = (np.array(column) for column in zip(*(arguments for arguments, _ in rows), strict=True))
    values = call(name, x, dim, **({"center_distance": rest[0]} if rest else {}))
    for value, (arguments, truth) in zip(values, rows, strict=True):
        assert error_in_units(float(value), truth) <= 16, arguments


@pytest.mark.parametrize("name", NAMES[:2])
def test_not_behind_scipy(name: str) -> None:
    """Where scipy's probability is neither 0 nor 1, ours is as near to the truth, or within the promise."""
    peer = pytest.importorskip("scipy.stats").chi2
    theirs = {"log_chi2_cdf": peer.logcdf, "log_chi2_sf": peer.logsf}[name]
    for (x, dim), truth in load_several(name):
        with np.errstate(all="ignore"):
            other = float(theirs(x, dim))
        assert error_in_units(call(name, x, dim), truth) <= max(16, error_in_units(other, truth))


@pytest.mark.parametrize("name", NAMES)
def test_scalars_and_shapes(name: str) -> None:
    for x, dim in ((4, 3), (4.0, 3.0), (np.float32(4), np.int8(3)), (np.array(4.0), 3)):
        assert type(call(name, x, dim)) is float
        assert call(name, x, dim) == call(name, 4.0, 3.0)
    grid = call(name, np.arange(4.0)[:, None], [1, 2, 3])
    assert grid.shape == (4, 3)
    assert grid[2, 1] == call(name, 2.0, 2.0)
    assert call(name, []).shape == (0,)
    out = np.empty((3, 4)).T
    assert call(name, np.arange(4.0)[:, None], [1, 2, 3], out=out) is out
    np.testing.assert_array_equal(out, grid)


def test_center_distance() -> None:
    values = special.log_ball_probability([1.0, 2.0], dim=3, center_distance=[[0.0], [-1.0], [1.0]])
    assert values.shape == (3, 2)
    np.testing.assert_array_equal(values[0], special.log_ball_probability([1.0, 2.0], dim=3))
    np.testing.assert_array_equal(values[1], values[2])


@pytest.mark.parametrize("name", NAMES)
def test_errors(name: str) -> None:
    with pytest.raises(TypeError, match="must be a real number"):
        call(name, "1.0")
    with pytest.raises(TypeError, match="dim=None must be a real number"):
        call(name, 1.0, None)
    with pytest.raises(TypeError, match="out has dtype float32"):
        call(name, np.zeros(3), out=np.zeros(3, np.float32))
    with pytest.raises(ValueError, match=r"out has shape \(4,\)"):
        call(name, np.zeros(3), out=np.zeros(4))
    with pytest.raises(ValueError, match="broadcast"):
        call(name, np.zeros(3), np.zeros(4))


@pytest.mark.parametrize("name", NAMES)
@given(arrays=hnp.arrays(np.float64, (2, 7), elements=st.floats()))
def test_elements_are_scalars_and_nothing_warns(name: str, arrays: np.ndarray) -> None:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        result = call(name, arrays[0], arrays[1])
        scalars = np.array([call(name, float(x), float(dim)) for x, dim in arrays.T])
    np.testing.assert_array_equal(result, scalars)
    outside = ~((arrays[0] >= 0) & (arrays[1] >= 1e-30) & (arrays[1] <= 1e30))
    np.testing.assert_array_equal(np.isnan(result), outside)


def test_known_values() -> None:
    assert special.log_ball_probability(350.0, dim=150528, center_distance=30.0) == pytest.approx(
        -1582.8029073849649288, rel=1e-15
    )
    assert special.log_chi2_cdf(1e4, dim=150528) < -1e5 and math.isfinite(special.log_chi2_cdf(1e4, dim=150528))
