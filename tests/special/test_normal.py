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

NAMES = ["ndtr", "log_ndtr", "ndtri", "ndtri_exp", "mills_ratio", "log_profile", "log_profile_exp"]
EPS = 2.0**-52
# Lengths about those of words, vectors and groups of the loops.
LENGTHS = (1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 2000)


def bits(values: Any) -> np.ndarray:
    """Return the bits of numbers; NaN has one form, as its sign says nothing."""
    return np.where(np.isnan(values), math.nan, values).view(np.int64)


@pytest.fixture(params=NAMES)
def function(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return getattr(special, request.param)


@pytest.mark.parametrize("name", NAMES)
def test_table(name: str) -> None:
    rows = load(name)
    values = getattr(special, name)(np.array([x for x, _ in rows]))
    error, i = worst_error(values, [truth for _, truth in rows])
    assert error <= 1, f"{name}({rows[i][0]!r}) is {error:.3g} ulp off"


@pytest.mark.parametrize("name", ["ndtr", "log_ndtr", "ndtri", "ndtri_exp", "mills_ratio"])
def test_not_behind_scipy(name: str) -> None:
    """On each tenth of the table the worst error is not above scipy's, or within one ulp."""
    scipy_special = pytest.importorskip("scipy.special")
    peer = getattr(scipy_special, name, None) or (
        lambda x: math.sqrt(math.pi / 2) * scipy_special.erfcx(x / math.sqrt(2))
    )
    rows = load(name)
    for part in np.array_split(np.arange(len(rows)), 10):
        x, truths = np.array([rows[i][0] for i in part]), [rows[i][1] for i in part]
        ours, _ = worst_error(getattr(special, name)(x), truths)
        theirs, _ = worst_error(peer(x), truths)
        assert ours <= max(theirs, 1.0), (x[0], x[-1], ours, theirs)


@pytest.mark.parametrize("name", NAMES)
def test_elements_of_all_pieces_are_scalars_at_any_length(name: str, rng: np.random.Generator) -> None:
    function = getattr(special, name)
    table = np.array([x for x, _ in load(name)] + [math.nan, math.inf, -math.inf, 0.0, -0.0, 2.0, -1000.0])
    for length in LENGTHS:
        for few in (0.0, 0.05, 0.5, 1.0):  # the share of elements that may be of any piece; the others are of one
            x = np.where(rng.random(length) < few, rng.choice(table, length), table[0])
            expected = np.array([function(float(point)) for point in x])
            np.testing.assert_array_equal(bits(function(x)), bits(expected))
            function(x, out=x)
            np.testing.assert_array_equal(bits(x), bits(expected))


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
    with pytest.raises(TypeError, match=r"is a masked array: its mask would be lost"):
        function(np.ma.masked_array([0.1, 0.2], [True, False]))
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
    np.testing.assert_array_equal(bits(array), bits(scalars))


def test_import_is_light() -> None:
    heavy = {"numba", "llvmlite", "scipy", "mpmath", "hypothesis", "torch", "matplotlib", "rich", "typer"}
    program = f"import sys, isoperimetry.special; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
