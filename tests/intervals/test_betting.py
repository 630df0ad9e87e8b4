from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from isoperimetry.intervals import (
    beta_binomial,
    betting_interval,
    betting_lower_bound,
    clopper_pearson,
    log_betting_lower_bound,
)
from isoperimetry.intervals.betting import (
    _bettors,
    _log_capital,
    log_lower_limit,
    log_mean_interval,
    log_upper_limit,
)
from isoperimetry.kernels.wealth import fill_signals
from isoperimetry.results import Interval

# The complement of each value is exact.
samples = st.lists(st.integers(0, 2**20).map(lambda i: i / 2**20) | st.sampled_from([0.0, 1.0, 0.25]), max_size=40)
confidences = st.floats(0.5, 1 - 1e-9)


def logs(x) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(x, dtype=float))


def width(interval: Interval) -> float:
    return interval.high - interval.low


def bernoulli(rate: float):
    return lambda rng, n: (rng.random(n) < rate) * 1.0


def tilted_weights(rng: np.random.Generator, n: int, log_mu: float) -> np.ndarray:
    """Return the logs of importance weights of a half-space of measure mu, drawn around its nearest point."""
    beta = -float(special.ndtri_exp(log_mu))
    z = rng.standard_normal(n)
    return np.where(z >= 0, -beta * z - beta**2 / 2, -math.inf)


# name: (mean, draws of values in [0, 1])
DISTRIBUTIONS = {
    "bernoulli .01": (0.01, bernoulli(0.01)),
    "bernoulli .3": (0.3, bernoulli(0.3)),
    "bernoulli .9": (0.9, bernoulli(0.9)),
    "beta": (2 / 7, lambda rng, n: rng.beta(2, 5, n)),
    "equal": (0.3, lambda rng, n: np.full(n, 0.3)),
    "rare and large": (1e-3 + 0.999e-2, lambda rng, n: np.where(rng.random(n) < 0.01, 1.0, 1e-3)),
    "tiny": (1e-6, lambda rng, n: 2e-6 * rng.random(n)),
}


@pytest.mark.parametrize("expected_draws", [None, 300])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_coverage_at_every_stopping_time(name: str, expected_draws: int | None, rng: np.random.Generator) -> None:
    """A limit holds all earlier ones, so that the last one says whether the mean was ever beyond one."""
    mean, draw = DISTRIBUTIONS[name]
    n_runs, level, below, above = 400, 0.2, 0, 0
    for _ in range(n_runs):
        interval = betting_interval(draw(rng, 600), confidence=1 - level, expected_draws=expected_draws)
        below += interval.low > mean * (1 + 1e-12)
        above += interval.high < mean * (1 - 1e-12)
    # each fails with probability 1e-6 if the limit were passed exactly as often as allowed
    assert max(below, above) <= stats.binom.isf(1e-6, n_runs, level / 2)
    if name in ("bernoulli .3", "bernoulli .9", "beta"):
        assert below > 0 and above > 0  # the test sees passages at all


def test_coverage_by_enumeration() -> None:
    """All sequences of 7 draws of three values: no simulation, every level, a proof for these rates."""
    values = np.array([0.0, 0.4, 1.0])
    sequences = [values[list(draws)] for draws in itertools.product(range(3), repeat=7)]
    for level in (0.9, 0.5, 0.2, 0.05):
        limits = [log_mean_interval(logs(x), 0.0, level=level, expected_draws=7) for x in sequences]
        low, high = np.exp(np.array(limits).T)
        for chances in ([0.5, 0.3, 0.2], [0.02, 0.08, 0.9], [0.9, 0.05, 0.05], [0.0, 0.9, 0.1]):
            mean = float(values @ np.array(chances))
            probability = np.array(
                [np.prod([chances[int(np.flatnonzero(values == v)[0])] for v in x]) for x in sequences]
            )
            assert probability[low > mean].sum() <= level / 2
            assert probability[high < mean].sum() <= level / 2


@pytest.mark.parametrize("log_mu", [math.log(1e-12), -1e4])
def test_coverage_of_weights(log_mu: float, rng: np.random.Generator) -> None:
    n_runs, level = 300, 0.2
    bounds = [log_betting_lower_bound(tilted_weights(rng, 500, log_mu), confidence=1 - level) for _ in range(n_runs)]
    passed = int(np.sum(np.array(bounds) > log_mu))
    assert passed <= stats.binom.isf(1e-6, n_runs, level)
    assert passed > 0 or log_mu < -100


def test_later_draws_may_depend_on_earlier(rng: np.random.Generator) -> None:
    """Only the mean of each draw given the past must be the same: here an adversary chooses the rest."""
    n_runs, level, passed = 300, 0.2, 0
    for _ in range(n_runs):
        x, excess = [], 1.0
        for u in rng.random(300).tolist():
            step = math.copysign(1.0, excess) * (0.02 if u < 0.9 else -0.18)
            x.append(0.2 + step)
            excess += step
        interval = betting_interval(x, confidence=1 - level)
        passed += not interval.low <= 0.2 <= interval.high
    assert passed <= stats.binom.isf(1e-6, n_runs, level)


@pytest.mark.parametrize("rate", [0.9, 0.3, 0.01])
def test_widths(rate: float, rng: np.random.Generator) -> None:
    """Mean widths at 2000 draws lie between those of the exact interval and of the sequence from counts."""
    x = (rng.random((150, 2000)) < rate) * 1.0
    counts = [int(row.sum()) for row in x]
    exact = np.mean([width(clopper_pearson(k, 2000)) for k in counts])
    mixture = np.mean([width(beta_binomial(k, 2000)) for k in counts]) / exact
    plain = np.mean([width(betting_interval(row)) for row in x]) / exact
    tuned = np.mean([width(betting_interval(row, expected_draws=2000)) for row in x]) / exact
    assert 1 < tuned < plain < mixture
    # measured: at most 1.28 and 1.47, with 400 rows; five standard errors
    assert tuned < 1.34 and plain < 1.56


def test_width_of_weights(rng: np.random.Generator) -> None:
    log_mu = math.log(1e-12)
    bounds = [log_betting_lower_bound(tilted_weights(rng, 2000, log_mu)) for _ in range(300)]
    assert math.exp(np.median(bounds) - log_mu) > 0.81  # measured: 0.840 with 2000 runs; five standard errors


def test_tiny_means(rng: np.random.Generator) -> None:
    """Relative widths do not depend on the size of the values: the cap only bears on the upper limit."""
    x = rng.random(5000)
    lows = [betting_interval(x * scale).low / (0.5 * scale) for scale in (1.0, 1e-6, 1e-12)]
    assert lows == pytest.approx([lows[0]] * 3, rel=1e-9)
    assert lows[0] > 0.97
    high = betting_interval(1e-6 * x).high
    assert 3 / 5000 < high < 6 / 5000  # no value can rule out that 1 comes once in 3 / n draws


@given(samples, confidences)
def test_laws(x: list[float], confidence: float) -> None:
    interval = betting_interval(x, confidence=confidence)
    assert 0 <= interval.low <= interval.high <= 1
    # Each limit carries half of the error probability.
    half = 0.5 + confidence / 2
    low = betting_interval(x, confidence=half, side="lower")
    high = betting_interval(x, confidence=half, side="upper")
    assert (low.high, high.low) == (1.0, 0.0)
    assert (interval.low, interval.high) == pytest.approx(sorted([low.low, high.high]), rel=1e-9)
    # More confidence, fewer values: wider.
    for wider in (betting_interval(x, confidence=half), betting_interval(x[:-1], confidence=confidence)):
        if low.low <= high.high:
            assert wider.low <= interval.low * (1 + 1e-8)
            assert wider.high >= interval.high * (1 - 1e-8)
    # The limits of 1 - x are those of x.
    mirrored = betting_interval([1 - v for v in x], confidence=confidence)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((interval.low, interval.high), abs=1e-7)


@given(samples, st.floats(0, 1), st.integers(0, 39))
def test_limits_grow_with_the_values(x: list[float], value: float, index: int) -> None:
    """The stakes of later draws may fall when an earlier value rises; the last value alone decides no stake."""
    if not x:
        return
    raised = [*x[:-1], max(x[-1], value)]
    assert betting_interval(raised).low >= betting_interval(x).low * (1 - 1e-8)
    assert betting_interval(raised).high >= betting_interval(x).high * (1 - 1e-8)


@given(st.lists(st.floats(1e-3, 1e3) | st.just(0.0), min_size=1, max_size=40), confidences)
def test_weights_laws(x: list[float], confidence: float) -> None:
    array = np.array(x)
    log_low = log_betting_lower_bound(logs(array), confidence=confidence)
    assert betting_lower_bound(array, confidence=confidence).low == pytest.approx(min(math.exp(log_low), 1), rel=1e-9)
    assert log_betting_lower_bound(logs(array) - 1e6, confidence=confidence) == pytest.approx(log_low - 1e6, abs=1e-7)
    assert betting_lower_bound(1e-300 * array, confidence=confidence).low == pytest.approx(
        1e-300 * math.exp(log_low), rel=1e-9
    )
    if array.max() <= 1:
        same = betting_interval(array, confidence=confidence, side="lower")
        assert same.low == betting_lower_bound(array, confidence=confidence).low


@given(samples, st.floats(-1e3, 0), st.sampled_from([None, 1, 50, 10**9]))
def test_log_form_equals_linear(x: list[float], log_cap: float, expected_draws: int | None) -> None:
    interval = betting_interval(x, confidence=0.9, expected_draws=expected_draws)
    log_x = logs(x)
    # Rounded logarithms move the values by 1e-13, those next to the cap by as much of what is missing.
    low, high = log_mean_interval(log_x + log_cap, log_cap, level=0.1, expected_draws=expected_draws)
    assert math.exp(low - log_cap) == pytest.approx(interval.low, abs=1e-9, rel=1e-6)
    assert math.exp(high - log_cap) == pytest.approx(interval.high, abs=1e-9, rel=1e-6)
    assert high <= log_cap


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=1, max_size=30), confidences)
def test_limits_are_roots(x: list[float], confidence: float) -> None:
    """The capital against a limit is just what refutes; a step further in it is less."""
    level, log_x = 1 - confidence, logs(x)
    capital = _log_capital(level, None)
    low, high = math.exp(log_lower_limit(log_x, level=level)), math.exp(log_upper_limit(log_x, 0.0, level=level))
    array, signals = np.array(x), np.empty(len(x))
    if low > 0:
        fill_signals(log_x, signals)
        assert capital(array, low, low, signals) >= -1e-11
        m = low * (1 + 1e-6)
        assert capital(array, m, m, signals) < 0
    if high < 1:
        fill_signals(logs(1 - array), signals)
        m = 1 - high
        assert capital(1 - array, m, m, signals) >= -1e-6
        assert capital(1 - array, m * (1 + 1e-6), m * (1 + 1e-6), signals) < 0


def test_limits() -> None:
    for x in ([], np.empty(0), np.empty(0, dtype=object)):
        assert (betting_interval(x).low, betting_interval(x).high) == (0.0, 1.0)
        assert (betting_lower_bound(x).low, log_betting_lower_bound(x)) == (0.0, -math.inf)
    zeros, ones = betting_interval(np.zeros(1000)), betting_interval(np.ones(1000))
    assert zeros.low == 0 and 3 / 1000 < zeros.high < 6 / 1000
    assert ones.high == 1 and ones.low == pytest.approx(1 - zeros.high, abs=1e-12)
    for value in (0.0, 0.3, 1.0):
        single = betting_interval([value])
        assert single.low <= 0.02 * value and single.high >= 0.98 + 0.02 * value
    equal = betting_interval(np.full(1000, 0.3))
    assert 0.29 < equal.low < 0.3 < equal.high < 0.31
    assert log_mean_interval(np.empty(0), -50.0, level=0.05) == (-math.inf, -50.0)
    assert log_mean_interval(np.full(9, -math.inf), -50.0, level=0.05)[0] == -math.inf
    assert log_mean_interval(np.full(9, -50.0), -50.0, level=0.05)[1] == -50.0
    # Weights that refute any rate: the limit of a rate is still one.
    assert betting_lower_bound(np.full(1000, 5.0)).low == 1.0
    assert log_betting_lower_bound(np.full(1000, math.log(5.0))) > 1
    assert betting_lower_bound(np.r_[5e-324, np.zeros(9)]).low == 0.0
    # Where the values drift, as they must not, the limits cross.
    drifting = betting_interval(np.r_[np.ones(300), np.zeros(300)])
    assert 0 < drifting.low < drifting.high < 1


@pytest.mark.parametrize("level", [5e-301, 1e-100, 1e-9, 0.999, 1 - 1e-12, 1 - 2.0**-53])
def test_extreme_levels(level: float, rng: np.random.Generator) -> None:
    for x in (rng.random(200), bernoulli(0.05)(rng, 200), np.full(200, 0.5)):
        low, high = log_lower_limit(logs(x), level=level), log_upper_limit(logs(x), 0.0, level=level)
        assert low <= math.log(x.max()) and math.log(max(x.min(), 1e-300)) <= high <= 0
        if level < 0.9:
            assert low < math.log(x.mean()) < high


def test_any_memory_layout(rng: np.random.Generator) -> None:
    x = rng.random(50)
    spread = np.zeros((50, 3))
    spread[:, 1] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    for same in (spread[:, 1], x[::-1][::-1], frozen, list(x), x.astype(object).astype(float)):
        before = np.array(same)
        assert betting_interval(same) == betting_interval(x)
        assert log_betting_lower_bound(same) == log_betting_lower_bound(x)
        assert np.array_equal(before, same)
    assert betting_interval(np.array([True, False])) == betting_interval([1, 0])


@pytest.mark.parametrize("expected_draws", [None, 1, 2000, 10**12])
def test_bettors(expected_draws: int | None) -> None:
    fractions, multiples, most, weights = _bettors(expected_draws)
    assert weights.sum() == pytest.approx(1, abs=1e-15) and np.all(weights > 0)
    assert fractions.max() == 1 and fractions.min() > 0 and np.all(multiples > 0) and 0 < most < 1
    assert weights.shape == (2, fractions.size) and fractions.size % 4 == 0 and multiples.shape == fractions.shape


def test_time(rng: np.random.Generator) -> None:
    """About 30 ms on an idle core: 12 passes over the values. The factor is for busy machines."""
    x = rng.random(100_000)
    betting_interval(x[:10])  # compiles
    start = time.perf_counter()
    betting_interval(x)
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: betting_interval([0.5, 1.5]), ValueError, r"x has 1 entry .* x\[1\]=1.5: all must be in \[0, 1\]"),
        (lambda: betting_interval([0.5, math.nan]), ValueError, r"x\[1\]=nan: all must be in"),
        (lambda: betting_interval([-1e-300]), ValueError, r"x\[0\]=-1e-300: all must be in"),
        (lambda: betting_interval([[0.5]]), ValueError, r"x has shape \(1, 1\) but must have one axis"),
        (lambda: betting_interval(0.5), ValueError, r"x has shape \(\) but must have one axis"),
        (lambda: betting_interval(["a"]), TypeError, "x=.* must be a real number or an array of real numbers"),
        (lambda: betting_interval([0.5], confidence=95), ValueError, "confidence=95 must be one number in"),
        (lambda: betting_interval([0.5], side="both"), ValueError, "side='both' must be one of"),
        (lambda: betting_interval([0.5], expected_draws=0), ValueError, "expected_draws=0 must be >= 1"),
        (lambda: betting_interval([0.5], expected_draws=2.5), TypeError, "expected_draws=2.5 must be an integer"),
        (lambda: betting_lower_bound([-1.0]), ValueError, r"x\[0\]=-1.0: all must be finite and >= 0"),
        (lambda: betting_lower_bound([math.inf]), ValueError, r"x\[0\]=inf: all must be finite and >= 0"),
        (lambda: betting_lower_bound([math.nan]), ValueError, r"x\[0\]=nan: all must be finite and >= 0"),
        (lambda: betting_lower_bound([1.0], confidence=0.0), ValueError, "confidence=0.0 must be one number in"),
        (lambda: log_betting_lower_bound([math.nan]), ValueError, r"log_x\[0\]=nan: all must be < inf and no NaN"),
        (lambda: log_betting_lower_bound([math.inf]), ValueError, r"log_x\[0\]=inf: all must be < inf"),
        (lambda: log_betting_lower_bound([[0.0]]), ValueError, r"log_x has shape \(1, 1\)"),
    ],
)
def test_bad_input(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
