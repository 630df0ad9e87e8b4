"""Fused counts against membership of stored samples, and against exact volumes."""

from __future__ import annotations

import itertools
import math
import pickle
import threading
from typing import Any

import numba
import numpy as np
import pytest

from isoperimetry import sets
from isoperimetry.estimators.fused import (
    FusedCount,
    compiled_count,
    compiled_rows,
    compiled_value,
    fused_count,
)
from isoperimetry.streams import Stream, add_noise

STREAM = Stream(seed=20260118).split("fused")  # the problems are drawn from numpy's generators, with seeds of their own
DTYPES = (np.float32, np.float64)
KINDS = ("half-space", "slab", "ball", "shell", "box", "union", "box complement", "union complement")
DIMS = (1, 2, 3, 5, 784, 3073)


def problem(kind: str, dim: int) -> tuple[Any, Any, float]:
    """Return a set, a center and a scale for which the set has a middling volume."""
    draw = np.random.default_rng([dim, KINDS.index(kind)])
    center, sigma = draw.uniform(-1, 1, dim), 0.37
    normal = draw.standard_normal(dim)
    unit = normal / np.linalg.norm(normal)
    away = draw.standard_normal(dim) * (0.3 / math.sqrt(dim))
    middle = center + away
    radius = math.sqrt(sigma**2 * dim + away @ away)
    end = sigma * (0.5 + math.sqrt(2 * math.log(dim)))
    box = sets.Box(center - end, np.where(np.arange(dim) % 3 == 1, np.inf, center + 1.1 * end))
    normals = draw.standard_normal((7, dim))
    along = normals @ center / np.linalg.norm(normals, axis=1)
    union = sets.UnionOfHalfSpaces(normals, along + 1.3 * sigma)
    made = {
        "half-space": sets.HalfSpace(normal, unit @ center + 0.3 * sigma),
        "slab": sets.Slab(normal, unit @ center + 0.1 * sigma, 0.7 * sigma),
        "ball": sets.Ball(middle, radius),
        "shell": sets.Shell(middle, 0.98 * radius, 1.3 * radius),
        "box": box,
        "union": union,
        "box complement": sets.Complement(box),
        "union complement": sets.Complement(union),
    }
    return made[kind], center, sigma


def samples(center: Any, sigma: float, n: int, first: int, dtype: Any) -> Any:
    return add_noise(center, sigma, stream=STREAM, first=first, out=np.empty((n, center.size), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("kind", KINDS)
def test_counts_are_those_of_stored_samples(kind: str, dim: int, dtype: Any) -> None:
    error_set, center, sigma = problem(kind, dim)
    n, first = (400, 2**32 - 150) if dim < 3000 else (120, 70)
    count = fused_count(error_set, center, sigma, dtype)
    assert isinstance(count, FusedCount)
    x = samples(center, sigma, n, first, dtype).astype(float)
    inside = error_set.contains(x)
    if "box" not in kind:  # whose counts are the same to the bit; no sample may be within rounding of the boundary
        rounding = 1e-12 if dtype is np.float64 else 3e-6 * math.sqrt(dim)
        gap = np.abs(error_set.signed_distance(x))
        assert (gap < rounding).sum() <= (0 if dtype is np.float64 else 2)
        inside = np.where(gap < rounding, 0, inside)
        doubtful = int((gap < rounding).sum())
    else:
        doubtful = 0
    whole = count(STREAM.key, first, n)
    assert 0 < whole < n
    assert inside.sum() <= whole <= inside.sum() + doubtful
    cuts = [0, 1, 33, n // 2, n]
    assert sum(count(STREAM.key, first + a, b - a) for a, b in itertools.pairwise(cuts)) == whole


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["half-space", "ball", "box", "union"])
def test_images(kind: str, dtype: Any) -> None:
    error_set, center, sigma = problem(kind, 150_528)
    x = samples(center, sigma, 3, 2**63, dtype).astype(float)
    count = fused_count(error_set, center, sigma, dtype)
    assert count is not None
    assert [count(STREAM.key, 2**63 + i, 1) for i in range(3)] == error_set.contains(x).astype(int).tolist()
    assert count(STREAM.key, 2**63, 3) == error_set.contains(x).sum()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["half-space", "slab", "ball", "shell", "box", "two half-spaces"])
@pytest.mark.parametrize("dim", [2, 4, 100])
def test_volumes(kind: str, dim: int, dtype: Any) -> None:
    """Within 5 standard errors of the exact volume: 6e-7 for each of the 36."""
    error_set, center, sigma = problem("union" if kind == "two half-spaces" else kind, dim)
    if kind == "two half-spaces":
        error_set = sets.UnionOfHalfSpaces(error_set.normals[:2], error_set.offsets[:2])
    n = 200_000
    share, exact = fused_count(error_set, center, sigma, dtype)(STREAM.key, 0, n) / n, error_set.volume(center, sigma)
    assert 0.02 < exact < 0.98
    assert abs(share - exact) < 5 * math.sqrt(exact * (1 - exact) / n)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_of_many_squares_keep_their_digits(dtype: Any) -> None:
    """In float32 a plain sum of 150,528 squares loses 1e-3 of its spread; the strands do not."""
    dim, n = 150_528, 130
    x = samples(np.zeros(dim), 1.0, n, 0, dtype)
    squares = np.array([np.dot(row, row) for row in x.astype(float)])
    ordered = np.sort(squares)
    radii = np.sqrt((ordered[1:] + ordered[:-1]) / 2)[::60]
    gaps = np.diff(ordered)[::60]
    assert gaps.min() > (2e-3 if dtype is np.float32 else 1e-8)  # the spread is 549
    for k, radius in enumerate(radii):
        assert fused_count(sets.Ball(np.zeros(dim), radius), np.zeros(dim), 1.0, dtype)(STREAM.key, 0, n) == 60 * k + 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [1e-30, 1e-12, 1.0, 1e12, 1e30])
def test_units_do_not_matter(dtype: Any, factor: float) -> None:
    """Scaled by powers of 2 all counts are the same; squares of such lengths would overflow float32."""
    factor = 2.0 ** round(math.log2(factor))

    def scaled(error_set: Any) -> Any:
        if isinstance(error_set, sets.Ball):
            return sets.Ball(error_set.center * factor, error_set.radius * factor)
        if isinstance(error_set, sets.Shell):
            return sets.Shell(error_set.center * factor, error_set.inner * factor, error_set.outer * factor)
        if isinstance(error_set, sets.HalfSpace):
            return sets.HalfSpace(error_set.normal, error_set.offset * factor)
        return sets.Slab(error_set.normal, error_set.center_offset * factor, error_set.half_width * factor)

    for kind in ("half-space", "slab", "ball", "shell"):
        error_set, center, sigma = problem(kind, 5)
        count = fused_count(error_set, center, sigma, dtype)(STREAM.key, 0, 500)
        again = fused_count(scaled(error_set), center * factor, sigma * factor, dtype)(STREAM.key, 0, 500)
        assert count == again > 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_edges(dtype: Any) -> None:
    zero, one = np.zeros(3), np.ones(3)

    def count(error_set: Any, sigma: float = 1.0, center: Any = zero) -> int:
        return fused_count(error_set, center, sigma, dtype)(STREAM.key, 0, 50)

    everything = [
        sets.HalfSpace(one, -math.inf), sets.Slab(one, 0.0, math.inf), sets.Ball(one, math.inf), sets.Ball(one, 1e200),
        sets.Shell(one, 0.0, math.inf), sets.Box([-np.inf] * 3, [np.inf] * 3), sets.Box([-1e300] * 3, [1e300] * 3),
    ]  # fmt: skip
    nothing = [sets.HalfSpace(one, math.inf), sets.Ball(one, 0.0), sets.Shell(one, 1e200, math.inf)]
    for error_set in everything:
        assert count(error_set) == 50 and count(sets.Complement(error_set)) == 0
    for error_set in nothing:
        assert count(error_set) == 0 and count(sets.Complement(error_set)) == 50
    # Without noise all samples are the center.
    assert count(sets.Ball(one, 0.0), 0.0, one) == count(sets.HalfSpace([2.0, 0, 0], 1.0), 0.0, one) == 50
    assert count(sets.Box(one, one), 0.0, one) == count(sets.UnionOfHalfSpaces(np.eye(3), [1.0] * 3), 0.0, one) == 50
    assert count(sets.Ball(one, 0.5), 0.0, zero) == count(sets.HalfSpace(one, 1e-9), 0.0, zero) == 0
    for error_set in (everything[0], nothing[1]):
        assert fused_count(error_set, zero, 1.0, dtype)(STREAM.key, 0, 0) == 0


def test_the_ends_of_a_box_are_not_rounded_into_it() -> None:
    """0.1 in float32 is above 0.1: a point there is outside a box that ends at 0.1."""
    point = float(np.float32(0.1))
    assert point > 0.1
    for box, expected in (
        (sets.Box([-1.0], [0.1]), 0), (sets.Box([-1.0], [point]), 1), (sets.Box([0.1], [1.0]), 1),
        (sets.Box([math.nextafter(point, 1)], [1.0]), 0),
    ):  # fmt: skip
        assert fused_count(box, np.array([0.1]), 0.0, np.float32)(STREAM.key, 0, 1) == expected


def test_other_sets_have_no_loop() -> None:
    cone = sets.Cone(1.0, 4)
    assert fused_count(cone, np.zeros(4), 1.0) is None
    assert fused_count(sets.Complement(cone), np.zeros(4), 1.0) is None


@pytest.mark.parametrize("kind", KINDS)
def test_pickled_counts_count_alike(kind: str) -> None:
    for dtype in DTYPES:
        count = fused_count(*problem(kind, 5), dtype)
        again = pickle.loads(pickle.dumps(count))
        assert again(STREAM.key, 0, 300) == count(STREAM.key, 0, 300)
        assert repr(again) == repr(count)
        assert 0 < count.noise_bytes == again.noise_bytes <= 65536


def test_threads_count_alike() -> None:
    count = fused_count(*problem("union", 784))
    assert count is not None
    found = [0] * 4

    def work(part: int) -> None:
        found[part] = count(STREAM.key, 250 * part, 250)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == count(STREAM.key, 0, 1000)


def test_a_call_lets_other_threads_run() -> None:
    """While a count of a second is under way, another thread goes on."""
    count = fused_count(*problem("half-space", 3073))
    assert count is not None
    count(STREAM.key, 0, 1)
    done, seen = threading.Event(), []

    def work() -> None:
        count(STREAM.key, 0, 60_000)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.wait(0.005):
        seen.append(None)
    thread.join()
    assert len(seen) > 10


@numba.njit  # noqa: TID251  as a user would
def in_ball(x):  # type: ignore[no-untyped-def]
    total = 0.0
    for value in x:
        total += value * value
    return total <= 0.9 * x.size


@pytest.mark.parametrize("dim", [1, 2, 3, 784, 3073])
def test_compiled_functions(dim: int) -> None:
    center = np.full(dim, 0.1)
    sigma = 0.93
    x = samples(center, sigma, 300, 5, np.float64)
    inside = compiled_rows(in_ball, x)
    np.testing.assert_array_equal(inside, (x * x).sum(axis=1) <= 0.9 * dim)
    assert inside.dtype == np.bool_
    count = compiled_count(in_ball, center, sigma)
    assert count(STREAM.key, 5, 300) == inside.sum() > 0
    assert count(STREAM.key, 5, 99) + count(STREAM.key, 104, 201) == inside.sum()
    assert count.noise_bytes <= max(65536, 8 * dim)
    assert pickle.loads(pickle.dumps(count))(STREAM.key, 5, 300) == inside.sum()


def test_rows_may_have_any_layout() -> None:
    x = samples(np.zeros(6), 1.0, 50, 0, np.float64)
    frozen = x.copy()
    frozen.flags.writeable = False
    expected = compiled_rows(in_ball, x).tolist()
    for same in (np.asfortranarray(x), frozen, np.repeat(x, 2, axis=1)[:, ::2]):
        assert compiled_rows(in_ball, same).tolist() == expected
    assert compiled_rows(in_ball, x[:0]).tolist() == []


def test_what_a_function_returns_can_be_looked_at() -> None:
    score = numba.njit(lambda x: x[0] - 1.0)  # noqa: TID251
    assert compiled_value(score, np.array([0.25])) == -0.75
    assert compiled_value(in_ball, np.array([0.25])) is True
    with pytest.raises(numba.TypingError):
        compiled_value(numba.njit(lambda x: x.no_such_thing), np.array([0.25]))  # noqa: TID251
