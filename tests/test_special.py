from __future__ import annotations

import math
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isoperimetry import special
from tests.tables import load, worst_error

NAMES = ["ndtr", "log_ndtr", "ndtri", "ndtri_exp", "mills_ratio"]
PROMISED = {"ndtr": 3, "log_ndtr": 3, "ndtri": 2, "ndtri_exp": 3, "mills_ratio": 3}
EPS = 2.0**-52


@pytest.fixture(params=NAMES)
def function(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return getattr(special, request.param)


@pytest.mark.parametrize("name", NAMES)
def test_table(name: str) -> None:
    rows = load(name)
    values = getattr(special, name)(np.array([x for x, _ in rows]))
    error, i = worst_error(values, [truth for _, truth in rows])
    assert error <= PROMISED[name], f"{name}({rows[i][0]!r}) is {error:.3g} ulp off"


@pytest.mark.parametrize("name", NAMES)
def test_not_behind_scipy(name: str) -> None:
    """On each tenth of the table the worst error is not above scipy's, or within two ulp."""
    scipy_special = pytest.importorskip("scipy.special")
    peer = getattr(scipy_special, name, None) or (
        lambda x: math.sqrt(math.pi / 2) * scipy_special.erfcx(x / math.sqrt(2))
    )
    rows = load(name)
    for part in np.array_split(np.arange(len(rows)), 10):
        x, truths = np.array([rows[i][0] for i in part]), [rows[i][1] for i in part]
        ours, _ = worst_error(getattr(special, name)(x), truths)
        theirs, _ = worst_error(peer(x), truths)
        assert ours <= max(theirs, 2.0), (x[0], x[-1], ours, theirs)


def test_scalars_give_floats(function: Callable[..., Any]) -> None:
    for x in (0, 0.0, False, np.float64(0), np.float32(0), np.int8(0), np.array(0.0), np.array(0)):
        assert type(function(x)) is float
        assert function(x) == function(0.0)


def test_shapes(function: Callable[..., Any], rng: np.random.Generator) -> None:
    for shape in ((0,), (1,), (7,), (2, 0), (2, 3), (2, 1, 3)):
        x = -rng.random(shape)
        result = function(x)
        assert result.shape == shape and result.dtype == np.float64
    assert function([[-0.5, -1.0]]).shape == (1, 2)
    assert function([]).shape == (0,)


def test_layout_and_type_do_not_matter(function: Callable[..., Any], rng: np.random.Generator) -> None:
    x = -rng.random((6, 8)).astype(np.float32).astype(np.float64)
    expected = function(x)
    big_endian = x.astype(">f8")
    wide = np.zeros((6, 16))
    wide[:, ::2] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    for same in (np.asfortranarray(x), big_endian, wide[:, ::2], x.astype(np.float32), x.tolist(), read_only):
        np.testing.assert_array_equal(function(same), expected)
    np.testing.assert_array_equal(function(x[::-1, ::-1]), expected[::-1, ::-1])
    np.testing.assert_array_equal(function(x.T), expected.T)


def test_input_is_not_changed(function: Callable[..., Any], rng: np.random.Generator) -> None:
    x = -rng.random(100)
    before = x.copy()
    function(x)
    np.testing.assert_array_equal(x, before)


def test_out(function: Callable[..., Any], rng: np.random.Generator) -> None:
    x = -rng.random((4, 5))
    expected = function(x)
    for out in (np.empty((4, 5)), np.empty((5, 4)).T, np.empty((4, 10))[:, ::2]):
        assert function(x, out=out) is out
        np.testing.assert_array_equal(out, expected)
    zero_d = np.empty(())
    assert function(-0.5, out=zero_d) is zero_d and np.array_equal(zero_d, function(-0.5), equal_nan=True)
    in_place = x.copy()
    function(in_place, out=in_place)
    np.testing.assert_array_equal(in_place, expected)
    buffer = np.concatenate([x[0], [0.0]])
    function(buffer[:-1], out=buffer[1:])  # overlaps, shifted by one
    np.testing.assert_array_equal(buffer[1:], expected[0])


def test_errors(function: Callable[..., Any]) -> None:
    for wrong in ("0.5", 1j, None, np.array(["a"]), {}):
        with pytest.raises(TypeError, match="must be a real number"):
            function(wrong)
    with pytest.raises(TypeError, match="out has dtype float32: it must be a float64 array"):
        function(np.zeros(3), out=np.zeros(3, np.float32))
    with pytest.raises(TypeError, match="out has type list"):
        function(np.zeros(3), out=[0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"out has shape \(4,\) but the result has shape \(3,\)"):
        function(np.zeros(3), out=np.zeros(4))
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        function(np.zeros(3), out=frozen)


def test_edges() -> None:
    nan, inf = math.nan, math.inf
    np.testing.assert_array_equal(special.ndtri([0, 0.5, 1, -0.1, 1.1, -inf, inf, nan]), [-inf, 0, inf, *[nan] * 5])
    np.testing.assert_array_equal(special.ndtri_exp([-inf, 0, 1, inf, nan]), [-inf, inf, nan, nan, nan])
    np.testing.assert_array_equal(special.ndtr([-inf, 0, inf, nan]), [0, 0.5, 1, nan])
    np.testing.assert_array_equal(special.log_ndtr([-inf, inf, nan]), [-inf, 0, nan])
    np.testing.assert_array_equal(special.mills_ratio([-inf, inf, nan]), [inf, 0, nan])
    assert math.copysign(1, special.ndtri(0.5)) == 1
    assert special.ndtri_exp(-math.log(2)) == pytest.approx(2.90649415689003e-17, rel=1e-12)


@given(hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats()))
@pytest.mark.parametrize("name", NAMES)
def test_elements_are_scalars_and_nothing_warns(name: str, x: np.ndarray) -> None:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        array = getattr(special, name)(x)
        scalars = np.array([getattr(special, name)(float(element)) for element in x])
    np.testing.assert_array_equal(array.view(np.int64), scalars.view(np.int64), strict=False)


def test_import_is_light() -> None:
    heavy = {"numba", "llvmlite", "scipy", "mpmath", "hypothesis", "torch", "matplotlib", "rich", "typer"}
    program = f"import sys, isoperimetry.special; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
