"""Counts of samples that are never stored: the noise is that of `philox`, each sum has its bits, parts add up."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.kernels import _bits, philox, sampling, tiles
from tests.kernels import test_assembly as machine_code

U = np.uint64
DTYPES = (np.float32, np.float64)
KEY, FIRST = U(0x0123456789ABCDEF), U(1 << 40)
PLAIN = bool(numba.config.DISABLE_JIT)  # then a block of 32 samples takes some 20 ms
compiled_only = pytest.mark.skipif(PLAIN, reason="too many samples for plain Python")


def kernels(dtype: type) -> tuple[Any, Any, int]:
    """Return the loops for sums and for unions, and the size of a block."""
    if dtype is np.float32:
        return sampling.count_sums32, sampling.count_union32, philox.PER_BLOCK32
    return sampling.count_sums64, sampling.count_union64, philox.PER_BLOCK64


def noise(dtype: type, n: int, dim: int, first: Any = FIRST) -> Any:
    out = np.empty((n, dim), dtype)
    loop, per_block = (philox.add_normals32, 4) if dtype is np.float32 else (philox.add_normals64, 2)
    loop(out, np.zeros(dim, dtype), dtype(1), KEY, first, 0, n * -(-dim // per_block))
    return out


def terms_of(dtype: type, rows: list[Any], filling: tuple[float, ...]) -> Any:
    """Return the terms in whole blocks."""
    size = kernels(dtype)[2]
    dim = len(rows[0])
    out = np.empty((len(rows), -(-dim // size) * size), dtype)
    for k, row in enumerate(rows):
        out[k, :dim], out[k, dim:] = row, filling[k]
    return out


def strands(dtype: type, z: Any, add: Any) -> float:
    """Return a sum in the documented order: ``add(total, j, z_j)`` within a strand, strands in float64."""
    length = sampling.STRAND * kernels(dtype)[2]
    total = 0.0
    for start in range(0, len(z), length):
        strand = dtype(0)
        for j in range(start, min(start + length, len(z))):
            strand = add(strand, j, z[j])
        total += float(strand)
    return total


def dims(*sizes: int) -> list[int]:
    return [size for size in sizes if size <= 8 or not PLAIN]


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    first=st.one_of(st.integers(0, 2**64 - 40), st.just(2**32 - 9), st.just(2**64 - 5)),
    block=st.one_of(st.integers(0, 20), st.integers(0, 2**32 - 1)),
    key=st.integers(0, 2**64 - 1),
)
def test_a_tile_has_the_noise_of_philox(dtype: type, first: int, block: int, key: int) -> None:
    tag, scalar = (philox._TAG32, philox.normals32) if dtype is np.float32 else (philox._TAG64, philox.normals64)
    rows = int(tiles.rows_of_tile(U(first), 32))
    assert rows == min(32, 2**32 - first % 2**32)
    parts = np.empty(2 * tiles.SAMPLES, U)
    tiles.begin_tile(parts, tag, U(first), U(key), rows)
    size = 4 if dtype is np.float32 else 2
    z = np.full((size, tiles.SAMPLES), np.nan, dtype)
    if dtype is np.float32:
        words = np.empty(4 * tiles.SAMPLES, np.uint32)
        tiles.make_words32(words, parts, U(block), U(first), U(key), rows)
        tiles.hold32(z.reshape(-1), words, 0, rows)
    else:
        words = np.empty(2 * tiles.SAMPLES, U)
        tiles.make_words64(words, parts, U(block), U(first), U(key), rows)
        tiles.hold64(z.reshape(-1), words, 0, rows)
    for i in {0, rows // 2, rows - 1}:
        sample = (first + i) % 2**64
        assert tuple(z[:, i]) == tuple(map(dtype, scalar(U(key), U(sample), U(block))))


@pytest.mark.parametrize("left", [1, 287, 288, 289, 10**6])
def test_tiles_end_where_the_upper_half_of_the_index_changes(left: int) -> None:
    for low in (0, 1, 2**32 - 1, 2**32 - 5, 2**32 - tiles.SAMPLES):
        rows = tiles.rows_of_tile(U((7 << 32) + low), left)
        assert rows == min(left, tiles.SAMPLES, 2**32 - low)
        assert rows <= tiles.whole_rows(rows) <= tiles.SAMPLES and tiles.whole_rows(rows) % tiles.LANES == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", dims(1, 2, 3, 5, 300, 784, 3073))
def test_products_have_their_bits(dtype: type, dim: int) -> None:
    loop = kernels(dtype)[0]
    w = np.random.default_rng(dim).standard_normal(dim).astype(dtype)
    terms = terms_of(dtype, [w], (0.0,))
    for i, z in enumerate(noise(dtype, 2, dim)):
        total = strands(dtype, z, lambda strand, j, z: _bits.fma(z, w[j], strand))
        value = 0.25 + 0.5 * total
        sample = FIRST + U(i)
        for low, high, expected in (
            (value, value, 1), (math.nextafter(value, math.inf), math.inf, 0),
            (-math.inf, math.nextafter(value, -math.inf), 0), (-math.inf, math.inf, 1),
        ):  # fmt: skip
            assert loop(sampling.PRODUCTS, terms, 0.25, 0.5, low, high, KEY, sample, 1) == expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", dims(1, 2, 3, 5, 300, 3073))
def test_squares_have_their_bits(dtype: type, dim: int) -> None:
    loop = kernels(dtype)[0]
    scale, shift = np.random.default_rng(dim).standard_normal((2, dim)).astype(dtype)
    terms = terms_of(dtype, [scale, shift], (0.0, 0.0))

    def add(strand: Any, j: int, z: Any) -> Any:
        gap = _bits.fma(scale[j], z, shift[j])
        return _bits.fma(gap, gap, strand)

    for i, z in enumerate(noise(dtype, 2, dim)):
        total = strands(dtype, z, add)
        sample = FIRST + U(i)
        for low, high, expected in (
            (total, total, 1),
            (math.nextafter(total, math.inf), math.inf, 0),
            (0, math.inf, 1),
        ):
            assert loop(sampling.SQUARES, terms, 0.0, 1.0, low, high, KEY, sample, 1) == expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", dims(1, 2, 3, 5, 785, 3073))
def test_faces_are_closed(dtype: type, dim: int) -> None:
    """A sample is in the box that ends at it, and in none that ends one number nearer in any coordinate."""
    loop = kernels(dtype)[0]
    scale, shift = dtype(0.7), np.random.default_rng(dim).standard_normal(dim).astype(dtype)
    x = np.array([_bits.fma(scale, z, c) for z, c in zip(noise(dtype, 1, dim)[0], shift, strict=True)], dtype)
    filling = (0.0, 0.0, -np.inf, np.inf)

    def count(low: Any, high: Any) -> int:
        terms = terms_of(dtype, [np.full(dim, scale), shift, low, high], filling)
        return int(loop(sampling.FACES, terms, 0.0, 1.0, -math.inf, 0.0, KEY, FIRST, 1))

    assert count(x, x) == 1
    for j in {0, dim // 2, dim - 1}:
        tight = x.copy()
        tight[j] = np.nextafter(x[j], dtype(np.inf))
        assert count(tight, np.full(dim, np.inf)) == 0
        tight[j] = np.nextafter(x[j], dtype(-np.inf))
        assert count(np.full(dim, -np.inf), tight) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", dims(1, 3, 8, 300, 3073))
def test_projections_have_their_bits(dtype: type, dim: int) -> None:
    loop = kernels(dtype)[1]
    m, columns = 5, 8
    rows = -(-dim // sampling.COLUMNS) * sampling.COLUMNS
    normals = np.zeros((rows, columns), dtype)
    normals[:dim, :m] = np.random.default_rng(dim).standard_normal((dim, m))
    middles = np.linspace(-1, 1, columns)
    z = noise(dtype, 1, dim)[0]
    far = np.full(columns, np.inf)
    assert loop(normals, middles, 0.5, far, KEY, FIRST, 1) == 0
    for k in range(m):
        w = normals[:, k]
        total = strands(dtype, z, lambda strand, j, z: _bits.fma(z, w[j], strand))  # noqa: B023
        offsets = far.copy()
        offsets[k] = middles[k] + 0.5 * total
        assert loop(normals, middles, 0.5, offsets, KEY, FIRST, 1) == 1
        offsets[k] = math.nextafter(offsets[k], math.inf)
        assert loop(normals, middles, 0.5, offsets, KEY, FIRST, 1) == 0


def counters(dtype: type, dim: int) -> list[Any]:
    """Return functions of (first, n), one for each kind of set."""
    sums, union, _ = kernels(dtype)
    draw = np.random.default_rng(dim)
    w = draw.standard_normal((8, dim)).astype(dtype) / np.sqrt(dtype(dim))
    ones, shift = np.ones(dim), draw.standard_normal(dim)
    products = terms_of(dtype, [w[0]], (0.0,))
    squares = terms_of(dtype, [ones, shift], (0.0, 0.0))
    end = 0.7 + math.sqrt(2 * math.log(dim + 1))
    faces = terms_of(dtype, [ones, 0 * ones, -end * ones, end * ones], (0.0, 0.0, -np.inf, np.inf))
    normals = np.zeros((-(-dim // 8) * 8, 8), dtype)
    normals[:dim] = w.T
    mean = dim + float(shift @ shift)
    return [
        lambda first, n: sums(sampling.PRODUCTS, products, 0.0, 1.0, 0.1, 0.9, KEY, first, n),
        lambda first, n: sums(sampling.SQUARES, squares, 0.0, 1.0, 0.8 * mean, mean, KEY, first, n),
        lambda first, n: sums(sampling.FACES, faces, 0.0, 1.0, -math.inf, 0.0, KEY, first, n),
        lambda first, n: union(normals, np.zeros(8), 1.0, np.full(8, 1.2), KEY, first, n),
    ]


@compiled_only
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [1, 5, 300])
@pytest.mark.parametrize("first", [0, 2**32 - 500, 2**64 - 1000])
def test_parts_add_up(dtype: type, dim: int, first: int) -> None:
    n = 1000
    for count in counters(dtype, dim):
        whole = count(U(first), n)
        assert 0 < whole < n
        alone = [count(U(first + i), 1) for i in range(n)]
        assert sum(alone) == whole
        for cuts in ([0, 1, n], [0, 288, 576, n], [0, 31, 333, 999, n]):
            for begin, end in itertools.pairwise(cuts):
                assert count(U(first + begin), end - begin) == sum(alone[begin:end])
        assert count(U(first), 0) == 0


# Of both types: products, squares, faces, union.
GOLDEN = {np.float32: (5, 4, 30, 12), np.float64: (16, 7, 29, 12)}


@pytest.mark.parametrize("dtype", DTYPES)
def test_counts_do_not_change(dtype: type) -> None:
    """Compiled or as plain Python, on any machine: these are results of users."""
    assert tuple(int(count(FIRST, 32)) for count in counters(dtype, 5)) == GOLDEN[dtype]


@compiled_only
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_outer_loops_as_plain_python(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [count(FIRST, 40) for count in counters(dtype, 300)]
    with np.errstate(over="ignore"):
        plain = {name: getattr(sampling, name).py_func for name in dir(sampling) if name.startswith("count_")}
        for name, function in plain.items():
            monkeypatch.setattr(sampling, name, function)
        assert [count(FIRST, 40) for count in counters(dtype, 300)] == expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("what", ["sums", "union"])
def test_noise_takes_no_more_memory_than_stated(dtype: type, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is allocated beside the sums, which are the arrays of zeros and those of float64 as long as these."""
    made: list[Any] = []

    class Recorder:
        float32, uint32, uint64 = np.float32, np.uint32, np.uint64

        def empty(self, size: int, dtype: Any = np.float64) -> Any:
            made.append(np.empty(size, dtype))
            return made[-1]

        def zeros(self, size: int, dtype: Any = np.float64) -> Any:
            zeros.append(np.zeros(size, dtype))
            return zeros[-1]

    zeros: list[Any] = []
    monkeypatch.setattr(sampling, "np", Recorder())
    loop = kernels(dtype)[what == "union"].py_func
    with np.errstate(over="ignore"):
        if what == "sums":
            loop(sampling.PRODUCTS, np.ones((1, 8), dtype), 0.0, 1.0, 0.0, math.inf, KEY, FIRST, 1)
        else:
            loop(np.ones((8, 12), dtype), np.zeros(12), 1.0, np.ones(12), KEY, FIRST, 1)
    monkeypatch.undo()
    (sums,) = zeros
    totals = [array for array in made if array.dtype == np.float64 and array.size == sums.size]
    rest = sum(array.nbytes for array in made) - sum(array.nbytes for array in totals)
    assert len(totals) == 1
    assert 0 < rest <= sampling.NOISE_BYTES <= 65536


def in_corner(x: Any) -> bool:
    return bool(x[0] > 0.2 and x[-1] > -0.3)


CORNER = numba.njit(in_corner)  # noqa: TID251  as a user would


@pytest.mark.parametrize("dim", dims(1, 2, 3, 5, 784, 40_000))
def test_a_function_sees_the_rows_of_philox(dim: int) -> None:
    n = 20 if PLAIN else 500
    center = np.linspace(-0.2, 0.1, dim)
    rows = np.empty((n, dim))
    philox.add_normals64(rows, center, 0.8, KEY, FIRST, 0, n * -(-dim // 2))
    expected = (rows[:, 0] > 0.2) & (rows[:, -1] > -0.3)
    out = np.empty(n, np.bool_)
    sampling.fill_function(CORNER, rows, out)
    np.testing.assert_array_equal(out, expected)
    assert sampling.count_function(CORNER, center, 0.8, KEY, FIRST, n) == expected.sum()
    parts = [(0, 1), (1, n - 8), (n - 7, 7)]
    assert sum(sampling.count_function(CORNER, center, 0.8, KEY, FIRST + U(a), b) for a, b in parts) == expected.sum()
    assert 0 < expected.sum() < n


def test_the_function_is_asked_whole_vectors() -> None:
    sizes = numba.njit(lambda x: x.size == 7 and x.ndim == 1)  # noqa: TID251
    assert sampling.count_function(sizes, np.zeros(7), 1.0, KEY, FIRST, 12) == 12


def test_two_functions_do_not_share_code() -> None:
    positive, negative = numba.njit(lambda x: x[0] > 0), numba.njit(lambda x: x[0] < 0)  # noqa: TID251
    counts = [sampling.count_function(f, np.zeros(1), 1.0, KEY, FIRST, 100) for f in (positive, negative)]
    assert sum(counts) == 100 and min(counts) > 10


def test_the_value_of_a_function_can_be_looked_at() -> None:
    x = np.array([0.5, 0.25])
    for function, kind in (
        (lambda x: x[0] > 0, (bool, np.bool_)),
        (lambda x: x[0] + 1.0, float),
        (lambda x: None, type(None)),
    ):
        assert isinstance(sampling.value_of(numba.njit(function), x), kind)  # noqa: TID251


@compiled_only
def test_loops_around_functions_of_users_are_not_kept_on_disk() -> None:
    for loop in (sampling.count_function, sampling.fill_function, sampling.value_of):
        assert loop.stats.cache_path is None  # type: ignore[attr-defined]
    assert sampling.count_sums64.stats.cache_path is not None  # type: ignore[attr-defined]


ROWS = tiles.SAMPLES
Z, Z32, SUMS, SUMS32 = np.zeros(8 * ROWS), np.zeros(8 * ROWS, np.float32), np.zeros(ROWS), np.zeros(ROWS, np.float32)
WORDS, WORDS32 = np.zeros(2 * ROWS, U), np.zeros(4 * ROWS, np.uint32)


@pytest.mark.skipif(PLAIN or not machine_code.has_vectors(), reason="no vectors")
@pytest.mark.parametrize("name", ["products", "squares", "faces", "projections"])
def test_machine_code_is_vectors(name: str) -> None:
    for kind, sums, words, z in (("d", SUMS, WORDS, Z), ("s", SUMS32, WORDS32, Z32)):
        terms = np.zeros((8, 8), sums.dtype)
        if name == "projections":
            loop, arguments = tiles.add_projections, (z, z, terms, 0, 0, 0, 9)
        else:
            loop, arguments = getattr(tiles, f"add_{name}{'64' if kind == 'd' else '32'}"), (sums, words, terms, 0, 9)
        text = machine_code.assembly(loop, arguments)
        assert machine_code.count_vector_loops(text, kind) >= 1
        assert machine_code.called(text) == set()


@pytest.mark.skipif(PLAIN or not machine_code.has_vectors() or not machine_code.X86, reason="no vectors")
def test_words_are_made_in_vectors() -> None:
    for loop, words in ((tiles.make_words32, WORDS32), (tiles.make_words64, WORDS)):
        text = machine_code.assembly(loop, (words, WORDS, U(1), U(2), U(3), 9))
        assert text.count("\tvpmuludq\t") >= 14  # two in each round; the compiler may write the last ones otherwise
