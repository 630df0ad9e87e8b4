"""Streams: keys that differ, noise that depends on nothing but (stream, index), normals that are normal."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isoperimetry import _noise
from isoperimetry.streams import Stream, add_noise, as_stream, standard_normals

DTYPES = (np.float32, np.float64)
FAILURE = 1e-6  # the probability with which a statistical check below fails for a good stream
NORMAL_LIMIT = stats.norm.isf(FAILURE / 2)
names = st.one_of(st.integers(-(2**70), 2**70), st.text(max_size=4))


# Streams and keys


def test_key_is_as_documented() -> None:
    # The hash of b"i" + length 1 + 05, b"s" + length 5 + "count" and b"i" + length 2 + (-300), by hand.
    words = b"i\1\0\0\0\0\0\0\0\5s\5\0\0\0\0\0\0\0counti\2\0\0\0\0\0\0\0" + (-300 % 65536).to_bytes(2, "little")
    digest = hashlib.blake2b(words, digest_size=8, person=b"isoperimetry").digest()
    assert Stream(seed=5).split("count", -300).key == int.from_bytes(digest, "little")


def test_keys_and_noise_do_not_change() -> None:
    """A change of these values changes everybody's results: it is a breaking change and needs a major version."""
    assert Stream(seed=0).key == 17604267996937090358
    assert Stream(seed=2**200).split("é", 1, "1").key == 8545717607492472352
    single = standard_normals(1, 2, stream=Stream(seed=0), first=3, dtype=np.float32)
    assert [float(z).hex() for z in single[0]] == ["-0x1.bfbc720000000p-2", "0x1.a832a00000000p-1"]
    double = standard_normals(1, 2, stream=Stream(seed=0), first=3)
    assert [float(z).hex() for z in double[0]] == ["-0x1.c9188b3978cf9p+0", "0x1.95768f0fc2ccdp-3"]


@given(st.lists(st.tuples(st.integers(0, 2**130), st.lists(names, max_size=4).map(tuple)), unique=True, max_size=20))
def test_different_streams_have_different_keys(roots: list[tuple[int, tuple[str | int, ...]]]) -> None:
    keys = {Stream(seed=seed, path=path).key for seed, path in roots}
    assert len(keys) == len(roots)
    assert all(0 <= key < 2**64 for key in keys)


def test_look_alikes_have_different_keys() -> None:
    paths: list[tuple[str | int, ...]] = [
        (), ("",), ("", ""), ("a", "bc"), ("ab", "c"), ("abc",), (1,), ("1",), (49,), (0,), (-1,), (255,), (1, 2),
        (12,), ("1", 2), ("\0",), ("\udc80",), (256,), (0, 1), ("i",), ("a", 0), (0, "a"),
    ]  # fmt: skip
    roots = [Stream(seed=seed, path=path) for seed in (0, 1, 49, 2**64, 2**64 + 1) for path in paths]
    assert len({stream.key for stream in roots}) == len(roots)
    indices = {Stream(seed=3).split("start", i).key for i in range(20_000)}
    assert len(indices) == 20_000


@given(st.integers(0, 2**100), st.lists(names, min_size=2, max_size=5), st.data())
def test_split_goes_by_the_whole_path(seed: int, path: list[str | int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(path) - 1))
    stream = Stream(seed=seed).split(*path)
    assert stream == Stream(seed=seed).split(*path[:cut]).split(*path[cut:]) == Stream(seed=seed, path=tuple(path))
    assert stream.path == tuple(path)
    assert Stream(**json.loads(json.dumps(stream.to_dict()))) == stream
    assert eval(repr(stream), {"Stream": Stream}) == stream


def test_numpy_integers_are_integers() -> None:
    stream = Stream(seed=np.uint8(5)).split(np.int64(7))  # type: ignore[arg-type]
    assert stream == Stream(seed=5, path=(7,)) and type(stream.seed) is type(stream.path[0]) is int


def test_a_stream_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Stream(seed=1).seed = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Stream(seed=-1), ValueError, r"^seed=-1 must be >= 0: "),
        (lambda: Stream(seed=1.0), TypeError, r"^seed=1.0 must be an integer >= 0\.$"),
        (lambda: Stream(seed=True), TypeError, r"^seed=True must be an integer >= 0: "),
        (lambda: Stream(seed="1"), TypeError, r"^seed='1' must be an integer"),
        (lambda: Stream(seed=1).split(), ValueError, r"^names=\(\) must hold at least one name: "),
        (lambda: Stream(seed=1).split(0.5), TypeError, r"^name=0.5 must be a str or an int: "),
        (lambda: Stream(seed=1).split("a", None), TypeError, r"^name=None must be a str or an int: "),
        (lambda: Stream(seed=1).split(False), TypeError, r"^name=False must be a str or an int: "),
        (lambda: Stream(seed=1).split(("a", "b")), TypeError, r"^name=\('a', 'b'\) must be a str or an int: "),
    ],
)
def test_errors_of_streams(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


# as_stream


def test_as_stream_keeps_a_stream_and_takes_a_seed() -> None:
    stream = Stream(seed=5).split("a")
    assert as_stream(stream) is stream
    assert as_stream(0) == Stream(seed=0) and as_stream(2**300) == Stream(seed=2**300)
    assert as_stream(np.uint64(2**64 - 1)) == Stream(seed=2**64 - 1) and type(as_stream(np.int8(3)).seed) is int


def test_as_stream_without_argument_is_fresh_and_can_be_repeated() -> None:
    seeds = {as_stream().seed for _ in range(100)}
    assert len(seeds) == 100  # fails with probability 3e-16
    stream = as_stream(None)
    assert as_stream(stream.seed).key == stream.key


def test_as_stream_of_a_seed_sequence_does_not_change_it() -> None:
    sequence = np.random.SeedSequence(7)
    assert as_stream(sequence) == as_stream(sequence) == as_stream(np.random.SeedSequence(7))
    children = [as_stream(child).key for child in sequence.spawn(10)]
    assert len({as_stream(sequence).key, as_stream(np.random.SeedSequence(8)).key, *children}) == 12


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_as_stream_of_a_generator_moves_it_on(bits: Any) -> None:
    generator, twin = np.random.Generator(bits(3)), np.random.Generator(bits(3))
    first, second = as_stream(generator), as_stream(generator)
    assert first.key != second.key
    assert (as_stream(twin), as_stream(twin)) == (first, second)


@pytest.mark.parametrize(
    "wrong",
    [1.0, np.float64(2), True, np.True_, "1", (1, 2), [1], np.array(1), np.random.RandomState(1), np.random, 1j],
)
def test_as_stream_refuses_other_types(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^rng=.* must be None, an int >= 0, .*: pass an int to repeat a run\.$"):
        as_stream(wrong)


@pytest.mark.parametrize("wrong", [-1, np.int64(-7), -(2**80)])
def test_as_stream_refuses_negative_seeds(wrong: Any) -> None:
    with pytest.raises(ValueError, match=rf"^rng={int(wrong)} must be >= 0: "):
        as_stream(wrong)


def test_nothing_global_is_read_or_changed() -> None:
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first = standard_normals(2, 3, stream=as_stream(1))
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    assert (standard_normals(2, 3, stream=as_stream(1)) == first).all()


# Noise: the same bits however it is asked for


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    first=st.one_of(st.integers(0, 1000), st.integers(2**64 - 2000, 2**64 - 100), st.integers(2**31, 2**33)),
    n=st.integers(0, 60),
    dim=st.one_of(st.integers(0, 40), st.sampled_from([784, 1023, 1025, 2049])),
    data=st.data(),
)
def test_rows_do_not_depend_on_the_block(dtype: Any, first: int, n: int, dim: int, data: st.DataObject) -> None:
    stream = Stream(seed=11)
    whole = standard_normals(n, dim, stream=stream, first=first, dtype=dtype)
    assert whole.shape == (n, dim) and whole.dtype == dtype
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=3)))
    order = data.draw(st.permutations(range(len(cuts) + 1)))
    edges = [0, *cuts, n]
    for part in order:
        low, high = edges[part], edges[part + 1]
        block = standard_normals(high - low, dim, stream=stream, first=first + low, dtype=dtype)
        assert (block == whole[low:high]).all()
    fewer = data.draw(st.integers(0, dim))
    assert (standard_normals(n, fewer, stream=stream, first=first, dtype=dtype) == whole[:, :fewer]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "dim"), [(1, 5), (7, 1), (3, 784), (2, 30_001), (5, 3)])
def test_threads_do_not_change_a_bit(dtype: Any, n: int, dim: int) -> None:
    single = standard_normals(n, dim, stream=Stream(seed=2), dtype=dtype, n_threads=1)
    for n_threads in (2, 3, 8, 100):
        several = standard_normals(n, dim, stream=Stream(seed=2), dtype=dtype, n_threads=n_threads)
        assert (several == single).all()


def test_large_work_is_parted_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from isoperimetry.kernels import philox

    seen, threads = [], set()
    meeting = threading.Barrier(3, timeout=60)  # breaks, and the test fails, unless three threads come to it

    def spy(out: Any, center: Any, sigma: Any, key: Any, first: Any, begin: int, end: int, skip: int) -> None:
        seen.append((begin, end))
        if out.size >= _noise.PARALLEL_FROM and threading.get_ident() not in threads:
            threads.add(threading.get_ident())
            meeting.wait()

    monkeypatch.setattr(philox, "add_normals32", spy)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 3)
    n_blocks = _noise.PARALLEL_FROM // 4
    standard_normals(1, _noise.PARALLEL_FROM - 1, stream=Stream(seed=2), dtype=np.float32)
    assert seen == [(0, n_blocks)]
    seen.clear()
    standard_normals(1, _noise.PARALLEL_FROM, stream=Stream(seed=2), dtype=np.float32)
    begins, ends = zip(*sorted(seen), strict=True)
    assert begins == (0, *ends[:-1]) and ends[-1] == n_blocks and len(threads) == 3


def test_an_error_in_a_thread_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    from isoperimetry.kernels import philox

    caller = threading.get_ident()
    helped = threading.Event()

    def fail_elsewhere(*arguments: Any) -> None:
        if threading.get_ident() != caller:
            helped.set()
            raise MemoryError("no room")
        assert helped.wait(60)

    monkeypatch.setattr(philox, "add_normals64", fail_elsewhere)
    with pytest.raises(MemoryError, match="no room"):
        standard_normals(10, 10, stream=Stream(seed=2), n_threads=2)


def test_callers_may_use_threads_of_their_own() -> None:
    whole = standard_normals(64, 500, stream=Stream(seed=4))
    with ThreadPoolExecutor(8) as pool:
        rows = list(
            pool.map(lambda i: standard_normals(1, 500, stream=Stream(seed=4), first=i, n_threads=2), range(64))
        )
    assert (np.concatenate(rows) == whole).all()


@pytest.mark.parametrize("dtype", DTYPES)
@given(sigma=st.floats(1e-3, 1e3), n=st.integers(1, 5), dim=st.integers(1, 50))
def test_add_noise_is_center_plus_scaled_normals(dtype: Any, sigma: float, n: int, dim: int) -> None:
    stream, center = Stream(seed=9), np.linspace(-2, 2, dim).astype(dtype)
    out = np.empty((n, dim), dtype)
    assert add_noise(center, sigma, stream=stream, first=3, out=out) is out
    z = standard_normals(n, dim, stream=stream, first=3, dtype=dtype).astype(np.longdouble)
    exact = center.astype(np.longdouble) + np.longdouble(dtype(sigma)) * z
    # Half an ulp, and what a long double of 53 bits adds on machines that have no longer one.
    slack = 2 * np.finfo(np.float64).eps * (abs(center) + sigma * abs(z))
    assert (abs(out - exact) <= np.spacing(abs(out)) / 2 + slack).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_kinds_of_center(dtype: Any) -> None:
    values = [0, 1, 2, 250]
    plain = np.array(values, dtype)
    frozen, spread, wide = plain.copy(), np.zeros(8, dtype), np.array(values, np.float64)
    frozen.flags.writeable = False
    spread[::2] = plain
    expected = add_noise(plain, 0.5, stream=Stream(seed=1), out=np.empty((3, 4), dtype))
    for center in (values, np.array(values, np.uint8), frozen, spread[::2], wide, wide.astype(">f8")):
        got = add_noise(center, 0.5, stream=Stream(seed=1), out=np.empty((3, 4), dtype))
        assert (got == expected).all()
    assert (plain == values).all()
    out = np.zeros((3, 4), dtype)
    out[0] = plain
    assert (add_noise(out[0], 0.5, stream=Stream(seed=1), out=out) == expected).all()


def test_zero_sigma_gives_the_center_and_nan_stays() -> None:
    center = np.array([1.5, -2.0, np.nan, np.inf])
    out = add_noise(center, 0, stream=Stream(seed=1), out=np.empty((2, 4)))
    np.testing.assert_array_equal(out, [center, center])


def test_empty_work() -> None:
    for shape in ((0, 4), (3, 0), (0, 0)):
        out = np.empty(shape)
        assert add_noise(np.zeros(shape[1]), 1.0, stream=Stream(seed=1), out=out) is out


GOOD: dict[str, Any] = {"center": np.zeros(3), "sigma": 1.0, "stream": Stream(seed=1), "out": np.empty((2, 3))}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"out": [[0.0]]}, TypeError, r"^out is list but must be a numpy array of float32 or float64: "),
        ({"out": np.empty((2, 3), int)}, TypeError, r"^out is dtype int64 but must be"),
        ({"out": np.empty((2, 3), np.float16)}, TypeError, r"^out is dtype float16 but must be"),
        ({"out": np.empty((2, 3), ">f8")}, TypeError, r"^out is dtype >f8 but must be"),
        ({"out": np.empty(3)}, ValueError, r"^out has shape \(3,\) but must be \(n, dim\): "),
        ({"out": np.empty((2, 1, 3))}, ValueError, r"^out has shape \(2, 1, 3\) but must be \(n, dim\): "),
        ({"out": np.empty((3, 2)).T}, ValueError, r"^out must be C-contiguous, "),
        ({"out": np.broadcast_to(np.zeros(3), (2, 3))}, ValueError, r"^out must be C-contiguous, "),
        ({"center": np.zeros(4)}, ValueError, r"^center has shape \(4,\) but out has shape \(2, 3\): "),
        ({"center": 0.0}, ValueError, r"^center has shape \(\) but out has shape \(2, 3\): "),
        ({"center": np.zeros((2, 3))}, ValueError, r"^center has shape \(2, 3\) but out has"),
        ({"center": ["a", "b", "c"]}, TypeError, r"^center=.* must be a real number or an array of real numbers\.$"),
        ({"center": np.zeros(3, complex)}, TypeError, r"^center=.* must be a real number"),
        ({"sigma": -0.1}, ValueError, r"^sigma=-0.1 must be >= 0: it is the scale of the noise\.$"),
        ({"sigma": math.nan}, ValueError, r"^sigma=nan must be one finite number >= 0: "),
        ({"sigma": math.inf}, ValueError, r"^sigma=inf must be one finite number >= 0: "),
        ({"sigma": [0.1, 0.2]}, ValueError, r"^sigma=\[0.1, 0.2\] must be one finite number >= 0: "),
        ({"sigma": "1"}, TypeError, r"^sigma='1' must be a real number"),
        ({"sigma": 1e39, "out": np.empty((2, 3), np.float32)}, ValueError, r"^sigma=1e\+39 must be within the range"),
        ({"sigma": 1e-46, "out": np.empty((2, 3), np.float32)}, ValueError, r"^sigma=1e-46 must be within the range"),
        ({"stream": 5}, TypeError, r"^stream=5 must be a Stream: make one with as_stream\(rng\)\.$"),
        ({"first": -1}, ValueError, r"^first=-1 must be >= 0: "),
        ({"first": 1.5}, TypeError, r"^first=1.5 must be an integer: "),
        ({"first": 2**64 - 1}, ValueError, rf"^first={2**64 - 1} must be at most 2\*\*64 - 2: "),
        ({"n_threads": 0}, ValueError, r"^n_threads=0 must be >= 1: "),
    ],
)
def test_errors_of_add_noise(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {**GOOD, **change}
    with pytest.raises(error, match=message):
        add_noise(arguments.pop("center"), arguments.pop("sigma"), **arguments)


def test_errors_of_standard_normals() -> None:
    with pytest.raises(ValueError, match=r"^n=-1 must be >= 0"):
        standard_normals(-1, 3, stream=Stream(seed=1))
    with pytest.raises(TypeError, match=r"^dim=2.0 must be an integer"):
        standard_normals(1, 2.0, stream=Stream(seed=1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^dtype=int64 must be float32 or float64\.$"):
        standard_normals(1, 2, stream=Stream(seed=1), dtype=np.int64)


# Noise: it is normal and independent. Fixed seeds; every comparison fails with probability FAILURE for a good stream.


@pytest.fixture(scope="module", params=DTYPES, ids=["float32", "float64"])
def sample(request: pytest.FixtureRequest) -> Any:
    """Return 400,000 normals in rows whose ends fall inside blocks."""
    stream = Stream(seed=int(os.environ.get("ISOPERIMETRY_TEST_SEED", "0"))).split("test_streams")
    return standard_normals(510, 785, stream=stream, dtype=request.param).astype(np.float64)


def test_moments(sample: Any) -> None:
    n = sample.size
    # Means of He_k(z) / sqrt(k!), which have mean 0 and variance 1 each: errors in z, its square, and so on.
    hermite = [sample, sample**2 - 1, sample**3 - 3 * sample, sample**4 - 6 * sample**2 + 3]
    for k, values in enumerate(hermite, start=1):
        assert abs(values.mean()) * math.sqrt(n / math.factorial(k)) < NORMAL_LIMIT, k


def test_distribution(sample: Any) -> None:
    flat = sample.ravel()
    assert stats.kstest(flat, "norm").pvalue > FAILURE
    bins = np.clip((stats.norm.cdf(flat) * 1000).astype(int), 0, 999)
    assert FAILURE / 2 < stats.chisquare(np.bincount(bins, minlength=1000)).pvalue < 1 - FAILURE / 2
    for level in (2.0, 3.0, 4.0):
        count = int((abs(flat) > level).sum())
        assert stats.binomtest(count, flat.size, 2 * stats.norm.sf(level)).pvalue > FAILURE


def test_no_correlation_between_coordinates_and_samples(sample: Any) -> None:
    rows, columns = [0, 1, 2, 64, 255], [0, 1, 2, 3, 4, 8, 64, 512]
    for function in (lambda z: z, lambda z: (z**2 - 1) / math.sqrt(2), abs):
        values = function(sample)
        values = (values - values.mean()) / values.std()
        for down in rows:
            for right in columns:
                if down or right:
                    product = values[: len(values) - down, : values.shape[1] - right] * values[down:, right:]
                    assert abs(product.mean()) * math.sqrt(product.size) < NORMAL_LIMIT, (down, right)


def test_squared_norms_of_rows(sample: Any) -> None:
    assert stats.kstest((sample**2).sum(axis=1), "chi2", args=(785,)).pvalue > FAILURE


def test_streams_that_differ_a_little_are_independent(rng: np.random.Generator) -> None:
    root = as_stream(rng)
    others = [root.split("count"), root.split("start"), root.split("count", 0), root.split("count", 1), root]
    noise = np.stack([standard_normals(100, 1000, stream=stream).ravel() for stream in others])
    correlation = np.corrcoef(noise)[np.triu_indices(len(others), 1)]
    assert abs(correlation).max() * math.sqrt(noise.shape[1]) < NORMAL_LIMIT


def test_import_is_cheap() -> None:
    code = "import sys, isoperimetry.streams; print({'numba', 'scipy', 'llvmlite'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
