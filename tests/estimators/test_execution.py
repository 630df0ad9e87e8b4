"""Same bits for any executor, number of workers and block size, and after a worker was killed."""

from __future__ import annotations

import functools
import os
import signal
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from isoperimetry import sets
from isoperimetry.errors import FunctionError, RunFailed
from isoperimetry.estimators import CrudeMonteCarlo, Margin, Membership, volume

RNG = 11


def corner(x):
    return (x > 0.7).all(axis=1)


def slow_corner(x):
    time.sleep(0.01)
    return corner(x)


def far(x):
    return 4.0 - x[:, 0]


def far_gradient(x):
    gradient = np.zeros_like(x)
    gradient[:, 0] = -1.0
    return gradient


class Backwards(Executor):
    """Runs what was submitted in the reverse order, when the first result is asked for."""

    def __init__(self):
        self.waiting = []

    def submit(self, function, /, *args, **kwargs):
        future = _Lazy(self)
        self.waiting.append((future, functools.partial(function, *args, **kwargs)))
        return future

    def work(self):
        for future, call in reversed(self.waiting):
            if future.set_running_or_notify_cancel():
                future.set_result(call())
        self.waiting.clear()


class _Lazy(Future):
    def __init__(self, executor):
        super().__init__()
        self._executor = executor

    def result(self, timeout=None):
        if not self.done():
            self._executor.work()
        return super().result(timeout)


PROBLEMS = {
    "membership": (Membership(corner, dim=3), {}),
    "set in full dimension": (sets.HalfSpace([1.0, 2.0, 2.0], 1.0), {"method": CrudeMonteCarlo(reduce=False)}),
    "reduced set": (sets.Ball([1.0] * 40, 6.0), {"method": "crude"}),
    "margin": (Margin(far, dim=4, gradient=far_gradient), {}),
    "lines": (sets.UnionOfHalfSpaces([[1, 0, 0], [1, 1, 0], [1, 1, 1]], [3.0, 3.5, 3.2]), {"method": "line"}),
}


@functools.cache
def alone(name):
    error_set, options = PROBLEMS[name]
    return volume(error_set, n_samples=12_000, rng=RNG, **options)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(1), lambda: ThreadPoolExecutor(5), Backwards])
def test_same_bits_on_any_executor(name, make):
    error_set, options = PROBLEMS[name]
    with make() as executor:
        assert volume(error_set, n_samples=12_000, rng=RNG, executor=executor, **options) == alone(name)


@pytest.mark.parametrize("size", [1, 700, 4096, 10**6])
def test_same_bits_for_any_block_size(size):
    error_set = sets.HalfSpace([1.0, 2.0, 2.0], 1.0)
    options = {"n_samples": 12_000, "rng": RNG}
    whole = volume(error_set, method=CrudeMonteCarlo(reduce=False), **options)
    assert volume(error_set, method=CrudeMonteCarlo(reduce=False, block_size=size), **options) == whole


def test_processes():
    error_set, options = PROBLEMS["membership"]
    with ProcessPoolExecutor(2) as executor:
        assert volume(error_set, n_samples=12_000, rng=RNG, executor=executor, **options) == alone("membership")


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_an_executor_that_dies_is_named_and_nothing_is_lost(tmp_path):
    options = {"method": CrudeMonteCarlo(block_size=500), "n_samples": 8000, "rng": RNG}
    error_set, record = Membership(corner, dim=3, batch=500), tmp_path / "run"
    with ProcessPoolExecutor(1) as pool:
        with pytest.raises(RunFailed, match="executor=_DiesAfter failed at block crude/") as caught:
            volume(error_set, executor=_DiesAfter(pool, 6), record=record, **options)
    partial = caught.value.estimate
    assert partial.stopped == "failed" and 0 < partial.details["draws"] < 8000
    assert partial.interval.low < 0.0142 < partial.interval.high
    with ThreadPoolExecutor(2) as executor:
        resumed = volume(error_set, executor=executor, record=record, **options)
    assert resumed == volume(error_set, **options)


class _DiesAfter(Executor):
    """Kills the worker of a pool of processes after so many blocks."""

    def __init__(self, pool, blocks):
        self.pool, self.blocks = pool, blocks

    def submit(self, function, /, *args, **kwargs):
        self.blocks -= 1
        if self.blocks == 0:
            return self.pool.submit(os.kill, self.pool.submit(os.getpid).result(), signal.SIGKILL)
        return self.pool.submit(function, *args, **kwargs)


def fails_late(x):
    if fails_late.calls > 3000:
        raise OSError("the device is gone")
    fails_late.calls += len(x)
    return corner(x)


def test_a_function_that_fails_later_keeps_what_was_measured():
    fails_late.calls = 0
    with pytest.raises(RunFailed, match="function raised OSError: the device is gone") as caught:
        volume(
            Membership(fails_late, dim=3, batch=500), method=CrudeMonteCarlo(block_size=500), n_samples=8000, rng=RNG
        )
    partial = caught.value.estimate
    assert isinstance(caught.value.__cause__, FunctionError)
    assert partial.stopped == "failed" and 2000 <= partial.details["draws"] <= 3500
    assert partial.interval.low < 0.0142 < partial.interval.high


def test_an_interrupt_returns_what_was_measured():
    asked = []

    def interrupted(x):
        asked.append(len(x))
        if sum(asked) > 4000:
            raise KeyboardInterrupt
        return corner(x)

    membership = Membership(interrupted, dim=3, batch=500)
    estimate = volume(membership, method=CrudeMonteCarlo(block_size=500), n_samples=100_000, rng=RNG)
    assert estimate.stopped == "interrupted" and 3000 <= estimate.details["draws"] <= 4000
    # The interval holds at every number of draws: it is wider than that of a fixed number.
    from isoperimetry.intervals import beta_binomial

    held = beta_binomial(estimate.details["errors"], estimate.details["draws"])
    assert (estimate.interval.low, estimate.interval.high) == pytest.approx((held.low, held.high), rel=1e-12)


def test_an_interrupt_before_anything_was_measured_is_raised():
    asked = []

    def interrupted(x):
        asked.append(len(x))
        if len(asked) > 3:
            raise KeyboardInterrupt
        return corner(x)

    with pytest.raises(KeyboardInterrupt):
        volume(Membership(interrupted, dim=3), n_samples=10_000, rng=RNG)


def test_progress_tells_the_estimate():
    told = []
    volume(
        Membership(corner, dim=3), rel_error=0.3, rng=RNG, progress=lambda done, total, text: told.append((done, text))
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][1].startswith("volume: crude 0.01") and "[" in told[-1][1]
