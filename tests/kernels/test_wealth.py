from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from isoperimetry.kernels import wealth

FORMS = ["compiled", "py_func"]
FRACTIONS = np.array([1.0, 0.5, 0.1, 0.01])
MULTIPLES = np.array([4.0, 1.0, 0.3, 0.02])
WEIGHTS = np.array([[0.1, 0.2, 0.1, 0.1], [0.05, 0.15, 0.2, 0.1]])
MOST = 0.75


def kernel(name: str, form: str) -> Any:
    function = getattr(wealth, name)
    return function if form == "compiled" else function.py_func


def signals_of(log_x: np.ndarray, form: str = "compiled") -> np.ndarray:
    out = np.full(log_x.shape, math.nan)
    kernel("fill_signals", form)(log_x, out)
    return out


def slow_signals(x: np.ndarray) -> np.ndarray:
    """Return the signals from all draws before each, in the unit of the values."""
    result = [1.0]
    for i in range(1, len(x)):
        past = x[:i]
        if past.max() == 0:
            result.append(1 / math.sqrt(i + 1))
            continue
        variance = (np.ptp(past) ** 2 / 4 + past.var() * i) / (i + 1)
        result.append(min(past.mean() / math.sqrt(variance), 1e6) if variance > 0 else 1e6)
    return np.array(result[: len(x)])


def slow_logs(values: np.ndarray, point: float, unit: float, signals: np.ndarray) -> np.ndarray:
    """Return the logarithm of the capital before the first draw and after each."""
    adaptive = np.minimum(MULTIPLES[:, None] * signals, MOST)
    stakes = np.concatenate([np.broadcast_to(FRACTIONS[:, None], adaptive.shape), adaptive])
    with np.errstate(divide="ignore"):
        logs = np.cumsum(np.log1p(stakes * ((values - point) / unit)), axis=1)
    logs = np.concatenate([np.zeros((8, 1)), logs], axis=1) + np.log(WEIGHTS.ravel())[:, None]
    return np.logaddexp.reduce(logs, axis=0)


def peak(values: np.ndarray, point: float, unit: float, signals: np.ndarray, form: str = "compiled") -> float:
    return kernel("log_peak_capital", form)(values, point, unit, signals, FRACTIONS, MULTIPLES, MOST, WEIGHTS)


SAMPLES = {
    "uniform": lambda rng: rng.random(300),
    "rare": lambda rng: (rng.random(300) < 0.02) * 1.0,
    "skewed": lambda rng: np.exp(3 * rng.standard_normal(300)),
    "equal": lambda rng: np.full(50, 0.5),
    "zeros": lambda rng: np.zeros(50),
    "late": lambda rng: np.r_[np.zeros(40), 1.0, np.zeros(9)],
    "growing": lambda rng: 2.0 ** np.arange(100),
    "one": lambda rng: np.array([0.3]),
    "none": lambda rng: np.empty(0),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SAMPLES)
def test_naive(name: str, form: str, rng: np.random.Generator) -> None:
    x = SAMPLES[name](rng)
    with np.errstate(divide="ignore"):
        signals = signals_of(np.log(x), form)
    assert signals == pytest.approx(slow_signals(x), rel=1e-9)
    center = x.mean() if x.any() else 0.5
    for ratio in (1e-3, 0.5, 0.9, 1.0, 1.2):
        m = ratio * center
        assert peak(x, m, m, signals, form) == pytest.approx(slow_logs(x, m, m, signals).max(), abs=1e-11, rel=1e-11)
        if m < 1 and x.max(initial=0) <= 1:
            expected = slow_logs(-x, -m, 1 - m, signals).max()
            assert peak(-x, -m, 1 - m, signals, form) == pytest.approx(expected, abs=1e-11, rel=1e-11)


@pytest.mark.parametrize("form", FORMS)
def test_capital_beyond_the_floats(form: str) -> None:
    x = np.r_[np.ones(3000), np.zeros(5000), np.ones(100)]  # up to exp(2070) and down to exp(-5000)
    signals = np.full(x.size, 0.1)
    logs = slow_logs(x, 0.5, 0.5, signals)
    assert logs.max() > 2000
    assert peak(x, 0.5, 0.5, signals, form) == pytest.approx(logs.max(), rel=1e-12)
    down_first = np.r_[np.zeros(300), np.ones(3000)]  # the bettors of 0.01 alone come back, from exp(-6)
    expected = slow_logs(down_first, 0.5, 0.5, np.full(3300, 1e-3)).max()
    assert peak(down_first, 0.5, 0.5, np.full(3300, 1e-3), form) == pytest.approx(expected, rel=1e-12)
    gain = np.array([1e290, 1e290])  # two such gains are no float: less is allowed, infinity and NaN are not
    with np.errstate(over="ignore"):
        assert math.log(1e300) < peak(gain, 1.0, 1.0, np.ones(2), form) < 2 * math.log(1e290)


def test_all_bets_are_predictable() -> None:
    """At the mean the capital after all draws has the expectation 1: the sum over all sequences of three values."""
    values, chances = np.array([0.0, 0.2, 1.0]), np.array([0.5, 0.3, 0.2])
    m = float(values @ chances)
    expected = above = below = 0.0
    for draws in itertools.product(range(3), repeat=7):
        x, probability = values[list(draws)], float(np.prod(chances[list(draws)]))
        with np.errstate(divide="ignore"):
            up, down = signals_of(np.log(x)), signals_of(np.log1p(-x))
        expected += probability
        above += probability * math.exp(slow_logs(x, m, m, up)[-1])
        below += probability * math.exp(slow_logs(1 - x, 1 - m, 1 - m, down)[-1])
    assert (expected, above, below) == pytest.approx((1, 1, 1), rel=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_signals_know_no_scale_and_no_future(form: str, rng: np.random.Generator) -> None:
    log_x = 20 * rng.standard_normal(200)
    log_x[rng.random(200) < 0.3] = -math.inf
    signals = signals_of(log_x, form)
    assert signals_of(log_x - 2.0**20, form) == pytest.approx(signals, rel=1e-7)  # an ulp of 2**20 is 2**-32
    changed = log_x.copy()
    changed[100:] = 5000.0
    assert np.array_equal(signals_of(changed, form)[:101], signals[:101])
    assert np.all((signals >= 0) & (signals <= wealth.MOST))


def test_ruin_ends_the_game() -> None:
    weights = np.zeros((2, 4))
    weights[0, 0] = 1.0  # all on the bettor who stakes everything
    x = np.r_[1.0, 0.0, np.ones(100)]
    assert wealth.log_peak_capital(x, 0.5, 0.5, np.ones(102), FRACTIONS, MULTIPLES, MOST, weights) == math.log(2)
