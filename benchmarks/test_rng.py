"""Gaussian noise and plain normals against numpy's, torch's and MKL's on one core, and what a second thread brings.

Run ``python -m benchmarks.test_rng`` for the tables, or ``python -m pytest benchmarks/test_rng.py`` for the goals. All
are timed in turns in one process, so that the ratios are good on a noisy machine: compare those, not the times.

Ours and Philox make the number of a given index from that index alone; numpy's PCG64, torch's Mersenne twister and
MKL's SFMT are sequential, and MKL's ARS5 needs AES instructions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks import mkl, timing
from isoperimetry.streams import Stream, add_noise, standard_normals

STREAM = Stream(seed=1)
SHAPES = ((128, 784), (1334, 784), (13_340, 784), (8, 150_528), (330_000, 3))
NORMALS = ((1, 1000), (1334, 784))
MANY = (12_756, 784)  # 1e7 normals
THREADS_FROM = 4_000_000  # a second thread has work for milliseconds from here on
DTYPES = (np.float32, np.float64)
# Plain normals, 1e6 on one core: how many times faster than which peer.
GOALS: dict[Any, dict[str, float]] = {
    np.float64: {"numpy": 5, "MKL Philox": 2.5},
    np.float32: {"numpy": 9, "torch": 3.5},
}

Cases = dict[str, Callable[[], object]]


def noise_cases(dtype: Any, n: int, dim: int) -> Cases:
    """Return ways to make ``center + sigma * z`` in the shape (n, dim), each into memory of its own."""
    generator, center = np.random.default_rng(1), np.linspace(0, 1, dim).astype(dtype)
    ours, theirs = np.empty((n, dim), dtype), np.empty((n, dim), dtype)
    sigma = dtype(0.4)

    def numpy_way() -> None:
        generator.standard_normal(out=theirs, dtype=dtype)
        np.multiply(theirs, sigma, out=theirs)
        np.add(theirs, center, out=theirs)

    cases: Cases = {
        "numpy": numpy_way,
        "numpy, z alone": lambda: generator.standard_normal(out=theirs, dtype=dtype),
        "ours": lambda: add_noise(center, 0.4, stream=STREAM, out=ours, n_threads=1),
    }
    if n * dim >= THREADS_FROM:
        cases["ours, two threads"] = lambda: add_noise(center, 0.4, stream=STREAM, out=ours, n_threads=2)
    torch = single_threaded_torch()
    if torch is None:
        return cases
    tensor, middle = torch.empty((n, dim), dtype=getattr(torch, np.dtype(dtype).name)), torch.from_numpy(center)
    return {**cases, "torch": lambda: tensor.normal_().mul_(0.4).add_(middle)}


def normal_cases(dtype: Any, n: int, dim: int) -> Cases:
    """Return ways to fill an array of shape (n, dim) with standard normals, all into the same memory and checked."""
    generator, out, center = np.random.default_rng(1), np.empty((n, dim), dtype), np.zeros(dim, dtype)
    cases: Cases = {
        "numpy": lambda: generator.standard_normal(out=out, dtype=dtype),
        "ours": lambda: add_noise(center, 1.0, stream=STREAM, out=out, n_threads=1),
    }
    torch = single_threaded_torch()
    if torch is not None:
        tensor = torch.from_numpy(out)
        cases["torch"] = lambda: tensor.normal_()
    if mkl.library() is not None:
        # The faster method of each stream; Philox with Box-Muller is there because ours is that too.
        cases |= {f"MKL {stream}": mkl.normals(stream, out) for stream in ("Philox", "SFMT", "ARS5")}
        cases["MKL Philox BoxMuller2"] = mkl.normals("Philox", out, "BoxMuller2")
    for name, run in cases.items():
        out.fill(np.nan)
        run()
        mean, variance = out.mean(dtype=float), out.var(dtype=float)
        right = abs(mean) < 6 / out.size**0.5 and abs(variance - 1) < 6 * (2 / out.size) ** 0.5  # 6 standard errors
        assert right, f"{name}: mean {mean} and variance {variance} are not those of standard normals"
    return cases


def thread_cases(dtype: Any) -> Cases:
    """Return 1e7 normals by one and by two threads, after a check that they are the same to the bit."""
    center, first, second = np.zeros(MANY[1], dtype), np.empty(MANY, dtype), np.empty(MANY, dtype)
    add_noise(center, 1.0, stream=STREAM, out=first, n_threads=1)
    add_noise(center, 1.0, stream=STREAM, out=second, n_threads=2)
    assert first.tobytes() == second.tobytes(), "two threads must give the same bits as one"
    return {
        "one thread": lambda: add_noise(center, 1.0, stream=STREAM, out=first, n_threads=1),
        "two threads": lambda: add_noise(center, 1.0, stream=STREAM, out=second, n_threads=2),
    }


def single_threaded_torch() -> Any:
    """Return the module torch, or None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    return torch


def check_answer(dtype: Any) -> None:
    z = standard_normals(1000, 784, stream=STREAM, dtype=dtype).astype(float)
    assert abs(z.mean()) < 0.006 and abs(z.var() - 1) < 0.008  # 5 standard errors


@pytest.mark.parametrize("dtype", DTYPES)
def test_noise(dtype: Any) -> None:
    """Noise about a center, one core, 1e6 numbers: at least 5 times numpy in float64, 9 times in float32."""
    check_answer(dtype)
    times = timing.time_in_turns(noise_cases(dtype, 1334, 784), 1334 * 784)
    assert timing.median_ratio(times, "ours", "numpy") >= GOALS[dtype]["numpy"], timing.spread(times, "ours", "numpy")


@pytest.mark.parametrize("dtype", DTYPES)
def test_normals(dtype: Any) -> None:
    check_answer(dtype)
    times = timing.time_in_turns(normal_cases(dtype, 1334, 784), 1334 * 784)
    found = {peer: timing.spread(times, "ours", peer) for peer in GOALS[dtype] if peer in times}
    short = {peer: ratio for peer, ratio in found.items() if ratio[0] < GOALS[dtype][peer]}
    assert not short, f"{np.dtype(dtype)}: times faster than (median, range) {short}, the goal is {GOALS[dtype]}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_threads(dtype: Any) -> None:
    """1e7 normals: two threads at least 1.8 times one, the same bits. It needs two cores that are free."""
    times = timing.time_in_turns(thread_cases(dtype), MANY[0] * MANY[1])
    found = timing.spread(times, "two threads", "one thread")
    assert found[0] >= 1.8, f"{np.dtype(dtype)}: two threads are (median, range) {found} times one"


def main() -> None:
    start = time.perf_counter()
    standard_normals(1, 1, stream=STREAM, dtype=np.float32)
    standard_normals(1, 1, stream=STREAM)
    first_call = time.perf_counter() - start
    machine = timing.machine()
    print(machine)
    for name in timing.missing_peers():
        print(f"{name} is not installed: its rows are left out.")
    print(f"first call of both types, with the import of Numba: {first_call:.2f} s")
    record: dict[str, Any] = {"machine": machine, "rounds": timing.ROUNDS, "first_call_s": round(first_call, 2)}
    record |= {"rows": [], "normals": [], "threads": []}

    def add(key: str, title: str, cases: Cases, dtype: Any, shape: tuple[int, int], *, to: str, ours: str) -> None:
        times = timing.time_in_turns(cases, shape[0] * shape[1])
        table = timing.rows(times, to, ours=ours, dtype=str(np.dtype(dtype)), shape=list(shape))
        timing.show(f"{title}, {np.dtype(dtype)}, {shape}", table, to)
        record[key] += table

    for dtype in DTYPES:
        check_answer(dtype)
        for shape in NORMALS:
            add("normals", "plain normals", normal_cases(dtype, *shape), dtype, shape, to="numpy", ours="ours")
        add("threads", "threads", thread_cases(dtype), dtype, MANY, to="one thread", ours="two threads")
        for shape in SHAPES:
            add("rows", "center + sigma z", noise_cases(dtype, *shape), dtype, shape, to="numpy", ours="ours")
    timing.write("rng", record)


if __name__ == "__main__":
    main()
