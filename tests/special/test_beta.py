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

# In units of tests.tables.error_in_units, times 1 / min(a, b) of a quantile; see tests/kernels/test_beta.py.
PROMISED = {"log_betainc": 24, "log_betaincc": 24, "log_betainc_inv": 8, "log_betaincc_inv": 8}


def function(name: str) -> Any:
    return getattr(special, name)


@pytest.mark.parametrize("name", PROMISED)
def test_table(name: str) -> None:
    rows = load_several(name)
    values = function(name)(*(np.array(column) for column in zip(*(arguments for arguments, _ in rows), strict=True)))
    for value, ((a, b, x), truth) in zip(values, rows, strict=True):
        scale = max(1.0, 1 / min(a, b)) if name.endswith("inv") else 1.0
        assert error_in_units(float(value), truth) <= PROMISED[name] * scale, (a, b, x)


@pytest.mark.parametrize("name", ["betainc", "betaincc"])
def test_not_behind_scipy(name: str) -> None:
    """Where scipy's probability is no underflow, ours is as near to the truth, or within the promise."""
    peer = getattr(pytest.importorskip("scipy.special"), name)
    for arguments, truth in load_several(f"log_{name}"):
        probability = float(peer(*arguments))
        if probability > 1e-290:
            other = error_in_units(math.log(probability), truth)
            assert error_in_units(function(f"log_{name}")(*arguments), truth) <= max(24, other), arguments


@pytest.mark.parametrize("name", PROMISED)
def test_scalars_and_shapes(name: str) -> None:
    sign = -1 if name.endswith("inv") else 1
    for a, b, x in ((2, 3, sign * 0.5), (2.0, 3.0, sign * 0.5), (np.int8(2), np.float32(3), np.array(sign * 0.5))):
        assert type(function(name)(a, b, x)) is float
        assert function(name)(a, b, x) == function(name)(2.0, 3.0, sign * 0.5)
    x = sign * np.array([0.25, 0.5])
    grid = function(name)([[1.0], [2.0], [3.0]], 3.0, x)
    assert grid.shape == (3, 2)
    assert grid[1, 1] == function(name)(2.0, 3.0, sign * 0.5)
    out = np.empty((2, 3)).T
    assert function(name)([[1.0], [2.0], [3.0]], 3.0, x, out=out) is out
    np.testing.assert_array_equal(out, grid)
    assert function(name)(1.0, 1.0, []).shape == (0,)


@pytest.mark.parametrize("name", PROMISED)
def test_errors(name: str) -> None:
    with pytest.raises(TypeError, match="a='1' must be a real number"):
        function(name)("1", 1.0, 0.5)
    with pytest.raises(TypeError, match="out has dtype float32"):
        function(name)(1.0, 1.0, np.zeros(3), out=np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="broadcast"):
        function(name)(np.ones(2), 1.0, np.zeros(3))


@pytest.mark.parametrize("name", PROMISED)
@given(arrays=hnp.arrays(np.float64, (3, 7), elements=st.floats() | st.floats(0, 1)))
def test_elements_are_scalars_and_nothing_warns(name: str, arrays: np.ndarray) -> None:
    if name.endswith("inv"):
        arrays[2] = -np.abs(arrays[2])
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        result = function(name)(*arrays)
        scalars = np.array([function(name)(*map(float, column)) for column in arrays.T])
    np.testing.assert_array_equal(result, scalars)


def test_betaln() -> None:
    for (a, b), truth in load_several("betaln"):
        assert abs(special.betaln(a, b) - float(truth)) <= 12 * 2.0**-52 * max(1.0, abs(float(truth)))
    assert special.betaln([1, 2], [[3], [4]]).shape == (2, 2)


def test_known_values() -> None:
    """Clopper-Pearson limits of 10 errors in 1000 draws, and the cap of height 0.1 in 150528 dimensions."""
    lower = math.exp(special.log_betainc_inv(10, 991, math.log(0.025)))
    upper = math.exp(special.log_betaincc_inv(11, 990, math.log(0.025)))
    # exp and the rounded log of the level cost an ulp of the log each
    assert (lower, upper) == pytest.approx((0.0048055106910493071916, 0.018313243055112452223), rel=3e-15)
    cap = special.log_betaincc(0.5, 75263.5, 0.1**2) - math.log(2)
    assert cap == pytest.approx(-761.00141308831452590, rel=2e-15)  # 0.1**2 is rounded
