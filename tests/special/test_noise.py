"""The checked front of the normals: the noise of streams by key and counter, in any shape, with errors in words."""

from __future__ import annotations

import doctest
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.kernels import philox
from isoperimetry.special import philox_normals
from isoperimetry.streams import Stream, standard_normals

DTYPES = (np.float32, np.float64)
WORDS = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 10), st.integers(2**64 - 10, 2**64 - 1))


@pytest.mark.parametrize("dtype", DTYPES)
@given(key=WORDS, counter=WORDS, coordinate=st.integers(0, 20))
def test_each_number_is_the_kernel_s(dtype: Any, key: int, counter: int, coordinate: int) -> None:
    kernel, per_block = (philox.normals32, 4) if dtype is np.float32 else (philox.normals64, 2)
    block = kernel(np.uint64(key), np.uint64(counter), np.uint64(coordinate // per_block))
    z = philox_normals(key, counter, coordinate + 1, dtype)
    assert z.dtype == dtype and z[coordinate] == dtype(block[coordinate % per_block])


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    first=st.one_of(st.integers(0, 99), st.integers(2**63, 2**64 - 30)), n=st.integers(0, 30), dim=st.integers(0, 40)
)
def test_it_is_the_noise_of_streams(dtype: Any, first: int, n: int, dim: int) -> None:
    stream = Stream(seed=3).split("a", 1)
    expected = standard_normals(n, dim, stream=stream, first=first, dtype=dtype)
    got = philox_normals(stream.key, first, (n, dim), dtype)
    assert got.shape == expected.shape and got.dtype == dtype and (got == expected).all()


@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=st.lists(st.integers(0, 6), min_size=1, max_size=4).map(tuple), data=st.data())
def test_leading_axes_count_samples(dtype: Any, shape: tuple[int, ...], data: st.DataObject) -> None:
    z = philox_normals(5, 100, shape, dtype)
    assert z.shape == shape and z.flags.c_contiguous and z.flags.writeable
    if z.size:
        place = tuple(data.draw(st.integers(0, size - 1)) for size in shape[:-1])
        sample = 100 + int(np.ravel_multi_index(place, shape[:-1])) if place else 100
        assert (z[place] == philox_normals(5, sample, shape[-1], dtype)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_next_unused_counter_goes_on(dtype: Any) -> None:
    shape = (2, 3, 5)
    following = 10 + math.prod(shape[:-1])
    parts = [philox_normals(1, start, shape, dtype).reshape(-1, 5) for start in (following, 10)]  # in any order
    assert (np.concatenate(parts[::-1]) == philox_normals(1, 10, (12, 5), dtype)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@given(start=st.integers(0, 70), dim=st.integers(0, 30), n=st.integers(0, 4))
def test_any_part_of_a_sample_can_be_made_alone(dtype: Any, start: int, dim: int, n: int) -> None:
    whole = philox_normals(3, 50, (n, 100), dtype)
    part = philox_normals(3, 50, (n, dim), dtype, start=start)
    assert part.shape == (n, dim) and part.flags.c_contiguous and (part == whole[:, start : start + dim]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_last_coordinates(dtype: Any) -> None:
    kernel, per_block = (philox.normals32, 4) if dtype is np.float32 else (philox.normals64, 2)
    block = kernel(np.uint64(3), np.uint64(4), np.uint64(2**63 // per_block - 1))
    assert (philox_normals(3, 4, per_block, dtype, start=2**63 - per_block) == np.array(block, dtype)).all()
    assert (philox_normals(3, 4, 1, dtype, start=2**63 - 1) == dtype(block[-1])).all()


def test_threads_and_processes_do_not_change_a_bit() -> None:
    whole = philox_normals(9, 0, (32, 501))
    for n_threads in (1, 2, 7):
        assert (philox_normals(9, 0, (32, 501), n_threads=n_threads) == whole).all()
    with ThreadPoolExecutor(4) as pool:
        assert (np.stack(list(pool.map(lambda i: philox_normals(9, i, 501), range(32)))) == whole).all()
    code = "from isoperimetry.special import philox_normals as f; print(f(9, 31, (1, 501)).tobytes().hex())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == whole[31:].tobytes().hex()


def test_types_of_arguments() -> None:
    z = philox_normals(7, 8, (2, 3))
    assert z.dtype == np.float64
    for key, counter, shape in ((np.uint64(7), np.int8(8), (np.int64(2), 3)), (np.array(7), 8, [2, 3])):
        assert (philox_normals(key, counter, shape, "float64") == z).all()  # type: ignore[arg-type]
    assert (philox_normals(7, 8, np.uint8(3)) == z[0]).all()  # type: ignore[arg-type]


def test_limits() -> None:
    last = 2**64 - 1
    assert np.isfinite(philox_normals(last, last, 3)).all()
    assert philox_normals(last, last - 1, (2, 1)).shape == (2, 1)
    assert philox_normals(0, last, (0, 4)).shape == (0, 4)
    assert philox_normals(0, last, 0).shape == (0,)


def test_neighbouring_keys_and_counters_are_unrelated() -> None:
    # |correlation| * sqrt(n) <= 6 fails for good noise once in 5e8 comparisons; the full evidence is in benchmarks.
    for dtype in DTYPES:
        at = [
            philox_normals(key, counter, 100_000, dtype).astype(float)
            for key in (0, 1, 2, 1 << 63)
            for counter in (0, 1)
        ]
        correlation = np.corrcoef(at)[np.triu_indices(len(at), 1)]
        assert abs(correlation).max() * math.sqrt(100_000) < 6


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-1, 0, 3), ValueError, r"^key=-1 must be in \[0, 2\*\*64\): it has 64 bits\.$"),
        ((2**64, 0, 3), ValueError, r"^key=18446744073709551616 must be in \[0, 2\*\*64\): "),
        ((1.0, 0, 3), TypeError, r"^key=1.0 must be an integer: the key of a named stream is "),
        (("a", 0, 3), TypeError, r"^key='a' must be an integer: "),
        ((True, 0, 3), TypeError, r"^key=True must be an integer: .*: a bool is taken for a mistake\.$"),
        ((Stream(seed=1), 0, 3), TypeError, r"^key=Stream\(seed=1, path=\(\)\) must be an integer: "),
        ((0, -1, 3), ValueError, r"^counter=-1 must be >= 0: "),
        ((0, 2**64, 3), ValueError, r"^counter=18446744073709551616 must be at most 2\*\*64 - 1: "),
        ((0, 2**64 - 3, (2, 2, 5)), ValueError, r"^counter=18446744073709551613 must be at most 2\*\*64 - 4: "),
        ((0, 0.0, 3), TypeError, r"^counter=0.0 must be an integer: "),
        ((0, 0, ()), ValueError, r"^shape=\(\) must have an axis, .* write shape=1\.$"),
        ((0, 0, (3, -1)), ValueError, r"^shape=-1 must be >= 0: "),
        ((0, 0, (3, 1.5)), TypeError, r"^shape=1.5 must be an integer: "),
        ((0, 0, 3, np.int64), TypeError, r"^dtype=int64 must be float32 or float64\.$"),
        ((0, 0, 3, ">f8"), TypeError, r"^dtype=>f8 must be float32 or float64\.$"),
    ],
)
def test_errors(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        philox_normals(*arguments)


def test_errors_of_options() -> None:
    with pytest.raises(ValueError, match=r"^start=-1 must be >= 0: "):
        philox_normals(0, 0, 3, start=-1)
    with pytest.raises(ValueError, match=r"^start=9223372036854775806 must be at most 2\*\*63 - 3: "):
        philox_normals(0, 0, 3, start=2**63 - 2)
    with pytest.raises(ValueError, match=r"^n_threads=0 must be >= 1: "):
        philox_normals(0, 0, 3, n_threads=0)


def test_examples_of_the_page_on_noise() -> None:
    outcome = doctest.testfile(str(Path(__file__).parents[2] / "docs" / "noise.md"), module_relative=False)
    assert outcome.attempted >= 9 and outcome.failed == 0


def test_import_is_cheap() -> None:
    code = "import sys, isoperimetry.special; print({'numba', 'scipy', 'llvmlite'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
