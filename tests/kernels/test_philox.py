"""The normals by counter: published vectors, an independent evaluation from the same bits, and bits that must stay."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import math
import os
import random
import subprocess
import sys
from fractions import Fraction
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.kernels import _bits, _jit, philox

U = np.uint64
DTYPES = (np.float32, np.float64)
KEY, FIRST = U(0x0123456789ABCDEF), U(1 << 40)

# Random123, tests/kat_vectors, all three lines "philox4x32 10": counter, key, result.
KNOWN_ANSWERS = (
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
)


def plain_module() -> ModuleType:
    """Return the module compiled by nobody: every kernel and every call among them is plain Python."""
    spec = importlib.util.spec_from_file_location("plain_philox", philox.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_jit, "kernel", lambda function=None, *, inline=False: function or (lambda plain: plain))
        spec.loader.exec_module(module)
    return module


PLAIN = plain_module()


def naive_philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x32-10 as the paper writes it."""
    for _ in range(10):
        high_0, low_0 = divmod(0xD2511F53 * counter[0], 1 << 32)
        high_1, low_1 = divmod(0xCD9E8D57 * counter[2], 1 << 32)
        counter = [high_1 ^ counter[1] ^ key[0], low_1, high_0 ^ counter[3] ^ key[1], low_0]
        key = [(key[0] + 0x9E3779B9) % (1 << 32), (key[1] + 0xBB67AE85) % (1 << 32)]
    return counter


def naive_inverse(words: list[int], key: list[int]) -> list[int]:
    """Return the counter of these words: every round is undone, so no two counters of a key share theirs."""
    key = [(key[0] + 10 * 0x9E3779B9) % (1 << 32), (key[1] + 10 * 0xBB67AE85) % (1 << 32)]
    for _ in range(10):
        key = [(key[0] - 0x9E3779B9) % (1 << 32), (key[1] - 0xBB67AE85) % (1 << 32)]
        c0 = words[3] * pow(0xD2511F53, -1, 1 << 32) % (1 << 32)
        c2 = words[1] * pow(0xCD9E8D57, -1, 1 << 32) % (1 << 32)
        words = [c0, (0xCD9E8D57 * c2 >> 32) ^ words[0] ^ key[0], c2, (0xD2511F53 * c0 >> 32) ^ words[2] ^ key[1]]
    return words


def naive_pair(a: int, b: int, bits: int) -> tuple[Any, Any]:
    """Box and Muller's pair, to 40 digits, from the bits of the words as the module's docstring reads them."""
    with mpmath.workdps(40):
        if bits == 64:
            u = (mpmath.mpf(a >> 12) + 0.5) / 2**52
            w = mpmath.mpf((b >> 10) % 2**52 | 1) / 2**52 - 0.5
        else:
            u = (mpmath.mpf(a) + 0.5) / 2**32
            w = mpmath.mpf(((b * 4 + 2 + 2**31) % 2**32) - 2**31) / 2**32
        sign = -1 if (b >> (bits - 2)) & 1 else 1
        radius, angle = mpmath.sqrt(-2 * mpmath.log(u)), mpmath.pi / 2 * w
        x, y = radius * mpmath.cos(angle) * sign, radius * mpmath.sin(angle)
        return (y, x) if b >> (bits - 1) else (x, y)


def naive_normal(key: int, sample: int, coordinate: int, dtype: type) -> Any:
    """One normal by the documented map from (sample, coordinate) to the counter."""
    per_block, tag = (4, 1) if dtype is np.float32 else (2, 2)
    block, place = divmod(coordinate, per_block)
    words = naive_philox(
        [block % 2**32, (block >> 32) + (tag << 30), sample % 2**32, sample >> 32], [key % 2**32, key >> 32]
    )
    if dtype is np.float32:
        return naive_pair(words[place // 2 * 2], words[place // 2 * 2 + 1], 32)[place % 2]
    return naive_pair(words[0] + (words[1] << 32), words[2] + (words[3] << 32), 64)[place]


def ulps(got: Any, exact: Any) -> float:
    """Distance in units in the last place of the type of ``got``."""
    spacing = np.spacing(type(got)(abs(float(exact))))
    return float(abs(mpmath.mpf(float(got)) - exact) / mpmath.mpf(float(spacing)))


def fill(dtype: type, n: int, dim: int, *, module: Any = philox, **choice: Any) -> Any:
    """Return rows of noise; ``choice`` may hold center, sigma, first, begin, end, skip and out."""
    suffix = "32" if dtype is np.float32 else "64"
    row_blocks = -(-dim // getattr(module, "PER_BLOCK" + suffix))
    out = choice.get("out", np.full((n, dim), np.nan, dtype))
    center, sigma = choice.get("center", np.zeros(dim, dtype)), dtype(choice.get("sigma", 1.0))
    begin, end = choice.get("begin", 0), choice.get("end", n * row_blocks)
    getattr(module, "add_normals" + suffix)(
        out, center, sigma, KEY, choice.get("first", FIRST), begin, end, choice.get("skip", 0)
    )
    return out


@pytest.mark.parametrize("module", [philox, PLAIN], ids=["compiled", "plain"])
@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_known_answers(module: Any, counter: str, key: str, expected: str) -> None:
    c, k, e = ([int(word, 16) for word in words.split()] for words in (counter, key, expected))
    low, high, whole_key = c[0] | c[1] << 32, c[2] | c[3] << 32, k[0] | k[1] << 32
    assert [int(word) for word in module.philox4x32(U(low), U(high), U(whole_key))] == e
    assert naive_philox(c, k) == e


def hard_words(bits: int) -> list[tuple[int, int]]:
    """Words at the ends and at the places where the transform changes its formula, and random ones."""
    draw = random.Random(20111)
    top, root = 2**bits - 1, int(math.sqrt(0.5) * 2**bits)
    edges = [0, 1, top // 4, top // 4 + 1, top // 2, top // 2 + 1, root - 1, root, root + 1, top - 1, top]
    pairs = [(a, b) for a in edges for b in edges]
    pairs += [(draw.getrandbits(bits), draw.getrandbits(bits)) for _ in range(1500)]
    for _ in range(500):
        small = draw.getrandbits(draw.randint(1, bits - 2))
        pairs += [(small, top - small), (top - small, small), (root - small // 2, top // 4 + small)]
    return pairs


@pytest.mark.parametrize(("bits", "limit"), [(64, 4.0), (32, 6.0)])
def test_transform_is_accurate_to_a_few_ulp(bits: int, limit: float) -> None:
    # The limits are from counting roundings: 1/2 ulp each in p, s, their product and the sum with the exponent, halved
    # by the square root, then the root, the sine and two products; up to twice that where the result has a mantissa
    # near 1. The largest seen in 70 million pairs of float32 is 4.6 ulp, in 40,000 of float64 2.9.
    transform, plain = getattr(philox, f"_box_muller{bits}"), getattr(PLAIN, f"_box_muller{bits}")
    dtype = np.float64 if bits == 64 else np.float32
    worst = 0.0
    for a, b in hard_words(bits):
        pair = transform(U(a), U(b))
        assert pair == plain(U(a), U(b))
        for got, exact in zip(map(dtype, pair), naive_pair(a, b, bits), strict=True):
            assert got != 0 and math.isfinite(got) and (got > 0) == (exact > 0)
            worst = max(worst, ulps(got, exact))
    assert 0.5 < worst <= limit


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    key=st.integers(0, 2**64 - 1),
    sample=st.integers(0, 2**64 - 1),
    coordinate=st.one_of(st.integers(0, 20), st.integers(0, 2**62 - 1)),
)
def test_counter_is_as_documented(dtype: type, key: int, sample: int, coordinate: int) -> None:
    kernel, per_block = (philox.normals32, 4) if dtype is np.float32 else (philox.normals64, 2)
    block = kernel(U(key), U(sample), U(coordinate // per_block))
    got = dtype(block[coordinate % per_block])
    assert ulps(got, naive_normal(key, sample, coordinate, dtype)) <= 6


def read_counter(low: int, high: int) -> tuple[type, int, int]:
    """Return the type, sample and block that a counter is that of: the documented map has this inverse."""
    return {1: np.float32, 2: np.float64}[low >> 62], high, low % 2**62


@given(
    key=st.integers(0, 2**64 - 1),
    sample=st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 2**32 - 1, 2**32, 2**64 - 1])),
    block=st.one_of(st.integers(0, 2**62 - 1), st.sampled_from([0, 2**32 - 1, 2**32, 2**62 - 1])),
)
def test_the_map_to_counters_is_injective(key: int, sample: int, block: int) -> None:
    # It has an inverse, on the counters that the scalar kernels do give to the generator.
    seen: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PLAIN, "philox4x32", lambda low, high, key: seen.append((int(low), int(high))) or (U(1),) * 4)
        for kernel in (PLAIN.normals32, PLAIN.normals64):
            kernel(U(key), U(sample), U(block))
    assert [read_counter(*counter) for counter in seen] == [(dtype, sample, block) for dtype in DTYPES]


@given(
    first=st.one_of(st.integers(0, 2**64 - 60), st.just(2**32 - 7)), n=st.integers(1, 50), dim=st.integers(1, 1200),
    skip=st.one_of(st.just(0), st.integers(0, 2**62 - 2000)),
    part=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)  # fmt: skip
def test_loops_give_each_block_its_own_counter(first: int, n: int, dim: int, skip: int, part: list[float]) -> None:
    group = philox._GROUP
    for per_block, tag in ((4, philox._TAG32), (2, philox._TAG64)):
        n_blocks = -(-dim // per_block)
        begin, end = (int(share * n * n_blocks) for share in part)
        counters, seen = np.empty(2 * group, np.uint64), []
        for start in range(begin, end, group):
            size, row = min(group, end - start), start // n_blocks
            philox._list_counters(counters, tag + U(skip), U(first + row), start - row * n_blocks, n_blocks, size)
            seen += [
                read_counter(*pair)[1:]
                for pair in zip(counters[:size].tolist(), counters[group : group + size].tolist(), strict=True)
            ]
        assert seen == [(first + i // n_blocks, skip + i % n_blocks) for i in range(begin, end)]


@given(st.lists(st.integers(0, 2**32 - 1), min_size=4, max_size=4), st.tuples(*[st.integers(0, 2**32 - 1)] * 2))
def test_no_two_counters_of_a_key_share_their_words(counter: list[int], key: tuple[int, int]) -> None:
    low, high, whole_key = (U(a | b << 32) for a, b in (counter[:2], counter[2:], key))
    words = [int(word) for word in philox.philox4x32(low, high, whole_key)]
    assert naive_inverse(words, list(key)) == counter


@pytest.mark.parametrize(("bits", "end", "no_offset"), [(64, 106, 1 << 61), (32, 66, 0)])
def test_tails_end_where_documented(bits: int, end: int, no_offset: int) -> None:
    transform = getattr(philox, f"_box_muller{bits}")
    largest, least = transform(U(0), U(no_offset))  # the least u, and the angle next to 0
    assert largest == pytest.approx(math.sqrt(end * math.log(2)), rel=1e-6)
    assert 0 < least < 1e-7
    assert transform(U(0), U(no_offset | 1 << (bits - 2))) == (-largest, least)
    assert transform(U(0), U(no_offset | 1 << (bits - 1))) == (least, largest)
    assert all(z > 0 for z in transform(U((1 << bits) - 1), U(no_offset)))  # the largest u: its radius is not 0 either


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 784, 1030])
def test_loop_is_the_scalar_kernel(dtype: type, dim: int) -> None:
    kernel = philox.normals32 if dtype is np.float32 else philox.normals64
    n = max(3, 2000 // dim)  # several groups of counters, with a last one that is not full
    expected = [
        [z for block in range(-(-dim // 2)) for z in kernel(KEY, FIRST + U(row), U(block))][:dim] for row in range(n)
    ]
    assert (fill(dtype, n, dim) == np.array(expected, dtype)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@given(n=st.integers(1, 40), dim=st.integers(1, 300), data=st.data())
def test_any_range_of_blocks_writes_its_part_only(dtype: type, n: int, dim: int, data: st.DataObject) -> None:
    per_block = 4 if dtype is np.float32 else 2
    row_blocks = -(-dim // per_block)
    cuts = sorted(data.draw(st.lists(st.integers(0, n * row_blocks), min_size=1, max_size=4), label="cuts"))
    whole = fill(dtype, n, dim)
    out = np.full((n, dim), np.nan, dtype)
    fill(dtype, n, dim, out=out, begin=cuts[0], end=cuts[-1])
    index = np.arange(n)[:, None] * row_blocks + np.arange(dim) // per_block
    inside = (index >= cuts[0]) & (index < cuts[-1])
    assert (out[inside] == whole[inside]).all() and np.isnan(out[~inside]).all()
    edges = [0, *cuts, n * row_blocks]
    for begin, end in reversed(list(itertools.pairwise(edges))):
        fill(dtype, n, dim, out=out, begin=begin, end=end)
    assert (out == whole).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_loop_starts_at_any_block(dtype: type) -> None:
    kernel, per_block = (philox.normals32, 4) if dtype is np.float32 else (philox.normals64, 2)
    whole = fill(dtype, 5, 100)
    for skip in (1, 2, 24):
        assert (fill(dtype, 5, 100 - skip * per_block, skip=skip) == whole[:, skip * per_block :]).all()
    for skip in (2**32 - 1, 2**62 - 3):
        expected = [[z for b in range(3) for z in kernel(KEY, FIRST + U(row), U(skip + b))] for row in range(2)]
        for module in (philox, PLAIN):
            assert (fill(dtype, 2, 3 * per_block, skip=skip, module=module) == np.array(expected, dtype)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_plain_python_gives_the_same_bits(dtype: type) -> None:
    center = np.linspace(-3, 3, 37).astype(dtype)
    arguments = {"center": center, "sigma": 0.3, "first": U(2**64 - 5)}
    assert (fill(dtype, 5, 37, module=PLAIN, **arguments) == fill(dtype, 5, 37, **arguments)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_center_and_scale_are_added_with_one_rounding(dtype: type) -> None:
    center, sigma = np.linspace(-1, 1, 50).astype(dtype), dtype(0.7)
    z = fill(dtype, 4, 50)
    for row, noise in zip(fill(dtype, 4, 50, center=center, sigma=sigma), z, strict=True):
        for got, c, x in zip(row, center, noise, strict=True):
            error = abs(Fraction(float(got)) - Fraction(float(sigma)) * Fraction(float(x)) - Fraction(float(c)))
            assert error <= Fraction(float(np.spacing(abs(got)))) / 2


def test_types_are_independent_noise() -> None:
    single, double = (fill(dtype, 100, 1000).astype(float).ravel() for dtype in DTYPES)
    for shift in range(4):  # |correlation| * sqrt(1e5) <= 5.5: fails for one good key in 6 million, four times
        assert abs(np.mean(single * np.roll(double, shift))) * math.sqrt(single.size) < 5.5


def checksum() -> str:
    """Hash of both types with a center, in rows that end inside a group and inside a block."""
    digest = hashlib.sha256()
    for dtype in DTYPES:
        digest.update(fill(dtype, 30, 785, center=np.linspace(0, 1, 785).astype(dtype), sigma=0.3).astype("<f8"))
    return digest.hexdigest()[:16]


GOLDEN = "7bcc07c4cadf3afb"
GOLDEN_NORMALS = {
    np.float32: ("-0x1.ede6b60000000p-3", "-0x1.12247c0000000p+0", "0x1.7e33920000000p+0", "0x1.d0ea780000000p-1"),
    np.float64: ("0x1.0213a4a867737p-1", "0x1.dbd2267676d15p-2"),
}


def test_bits_do_not_change() -> None:
    """A change of these values changes everybody's results: it is a breaking change and needs a major version."""
    assert checksum() == GOLDEN
    for dtype, expected in GOLDEN_NORMALS.items():
        kernel = philox.normals32 if dtype is np.float32 else philox.normals64
        assert tuple(float(z).hex() for z in kernel(U(1), U(2), U(3))) == expected


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled")
def test_bits_do_not_depend_on_the_processor(tmp_path: Any) -> None:
    # Without vector registers beyond the baseline and without fused multiply-add in hardware.
    paths = [os.path.dirname(__file__), *sys.path]
    code = f"import sys; sys.path[:0] = {paths!r}; import test_philox; print(test_philox.checksum())"
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **plain}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == GOLDEN


def test_fma_beyond_the_range_and_at_zero() -> None:
    assert _bits.fma(1e308, 2.0, -1e308) == 1e308 and _bits.fma(-1e308, 2.0, -1e308) == -math.inf
    assert math.copysign(1, _bits.fma(-0.0, 1.0, -0.0)) == -1 and math.copysign(1, _bits.fma(1.0, 1.0, -1.0)) == 1


def test_fma_is_rounded_once() -> None:
    draw = random.Random(7)
    for dtype, bits in ((np.float32, 24), (np.float64, 53)):
        for _ in range(500):
            a, b, c = (dtype(draw.uniform(-2, 2) * 2.0 ** draw.randint(-bits, 3)) for _ in range(3))
            exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
            got = _bits.fma(a, b, c)
            assert type(got) is dtype
            assert abs(Fraction(float(got)) - exact) <= Fraction(float(np.spacing(abs(got)))) / 2
        assert math.isinf(_bits.fma(dtype(math.inf), dtype(1), dtype(2)))
        assert math.isnan(_bits.fma(dtype(1), dtype(1), dtype(math.nan)))
