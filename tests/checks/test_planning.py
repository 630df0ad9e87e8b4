from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from isoperimetry import bounds
from isoperimetry.checks import AuditVerdict, audit_attack, distance_standard_error, plan

# --- the standard error


def test_standard_error_table() -> None:
    assert distance_standard_error(0.01, 1000) == pytest.approx(0.11805529628692337324, rel=1e-14)
    assert plan(0.01, standard_error=0.05, draws=5575, starts=1).standard_error <= 0.05
    assert plan(0.01, standard_error=0.05, starts=60, factor=9.0).draws == 5575  # ceil(5574.82...)
    # the cheapest rate is 1/2: N = (pi / 2) (sigma / tau)**2
    assert distance_standard_error(0.5, 100, sigma=3.0) == pytest.approx(0.3 * math.sqrt(math.pi / 2), rel=1e-14)


@given(st.floats(1e-12, 0.999), st.integers(1, 10**9), st.floats(1e-6, 1e6))
def test_standard_error_laws(mu: float, trials: int, sigma: float) -> None:
    error = distance_standard_error(mu, trials, sigma)
    assert error == pytest.approx(
        sigma * math.sqrt(mu * (1 - mu) / trials) / stats.norm.pdf(stats.norm.ppf(mu)), rel=1e-9
    )
    assert distance_standard_error(log_mu=math.log(mu), trials=trials, sigma=sigma) == pytest.approx(error, rel=1e-9)
    assert distance_standard_error(accuracy=mu, trials=trials, sigma=sigma) == pytest.approx(error, rel=1e-12)
    assert distance_standard_error(log_accuracy=math.log(mu), trials=trials, sigma=sigma) == pytest.approx(
        error, rel=1e-9
    )
    assert distance_standard_error(mu, 4 * trials, 2 * sigma) == pytest.approx(error, rel=1e-12)


def test_standard_error_is_that_of_simulated_distances(rng: np.random.Generator) -> None:
    rates = rng.binomial(100_000, 0.02, size=4000) / 100_000
    found = bounds.halfspace_distance(rates, 0.5).std()
    # the standard deviation of 4000 has a standard error of 1.1 %, five of which are 1e-6; 0.1 % is the delta method's
    assert found == pytest.approx(distance_standard_error(0.02, 100_000, 0.5), rel=0.057)


def test_standard_error_limits() -> None:
    assert distance_standard_error(0.0, 10) == distance_standard_error(1.0, 10) == math.inf
    assert math.isnan(distance_standard_error(math.nan, 10))
    assert distance_standard_error([0.1, 0.2], [[10], [20], [30]]).shape == (3, 2)
    assert 0 < distance_standard_error(1e-300, 10**6) < math.inf
    for arguments, error, message in (
        ((0.1,), TypeError, "trials must be given too"),
        ((0.1, 0), ValueError, "trials=0.0 must be > 0"),
        ((1.1, 10), ValueError, "mu=1.1 must be in"),
        ((0.1, 10, -1.0), ValueError, "sigma=-1.0 must be >= 0"),
        ((None, 10), TypeError, "pass exactly one of mu"),
    ):
        with pytest.raises(error, match=message):
            distance_standard_error(*arguments)


# --- the power


def exact_power(rate, factor, failing, draws, starts, *, level=0.001, q=0.5, conditional=False) -> float:
    """The sum over all numbers of errors, from scipy."""
    convicting = stats.binom.ppf(level / 2, starts, q)
    while convicting >= 0 and stats.binom.cdf(convicting, starts, q) > level / 2:
        convicting -= 1
    total = 0.0
    for errors in range(1, draws + 1):
        low = stats.beta.ppf(level / 2, errors, draws - errors + 1)
        if conditional:
            bound = stats.norm.ppf(1 - low) - stats.norm.ppf((1 - q) * (1 - low))
        else:
            bound = max(0.0, stats.norm.ppf(q) - stats.norm.ppf(low))
        near = stats.norm.cdf(stats.norm.ppf(rate) + bound / factor) - rate
        within = (1 - failing) * near / (1 - rate) if conditional else rate + (1 - failing) * near
        total += stats.binom.pmf(errors, draws, rate) * stats.binom.cdf(convicting, starts, within)
    return total


@pytest.mark.parametrize(
    ("rate", "options", "draws", "starts"),
    [
        (0.05, {"factor": 1.5}, 400, 40),
        (0.05, {"factor": 1.5, "conditional": True}, 400, 40),
        (0.3, {"factor": 1.7, "failing": 0.4}, 300, 60),
        (0.01, {"factor": 1.0, "failing": 0.7}, 200, 30),
        (0.05, {"factor": 1.3, "q": 0.8}, 500, 25),
        (0.02, {"factor": 2.0, "confidence": 0.9}, 30, 200),
        (0.02, {"factor": 5.0}, 100, 10),  # ten can never convict
    ],
)
def test_power_is_the_sum_over_all_counts(rate: float, options: dict, draws: int, starts: int) -> None:
    found = plan(rate, 7.0, draws=draws, starts=starts, **options)
    options = {"failing": 0.0, **options}
    level = 1 - options.pop("confidence", 0.999)
    expected = exact_power(rate, options.pop("factor"), options.pop("failing"), draws, starts, level=level, **options)
    assert found.power == pytest.approx(expected, rel=1e-9, abs=1e-13)
    assert found.target is None and found.alternatives == ()


def test_blocks_of_counts_change_little() -> None:
    """More than 2000 numbers of errors are taken in blocks: as fine ones as they come."""
    from isoperimetry.checks._power import HalfspacePower

    model = HalfspacePower(0.01, factor=1.1, failing=0.0, confidence=0.999, q=0.5, conditional=False)
    draws, starts = 4_000_000, 780
    fine, coarse = model.power(draws, starts, blocks=10**6), model.power(draws, starts)
    assert len(model.spread(draws, blocks=10**6)[0]) > 3000
    assert 0.2 < fine < 0.9
    assert coarse == pytest.approx(fine, abs=1e-6)
    assert sum(model.spread(draws)[0]) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "conditional"), [({"factor": 1.4}, False), ({"factor": 1.2, "failing": 0.3}, True)]
)
def test_power_is_that_of_the_audit(options: dict, conditional: bool, rng: np.random.Generator) -> None:
    rate, draws, starts, n_runs, convicted = 0.05, 2000, 60, 250, 0
    planned = plan(rate, draws=draws, starts=starts, confidence=0.99, conditional=conditional, **options)
    for _ in range(n_runs):
        nearest = np.maximum(rng.standard_normal(4 * starts) - stats.norm.ppf(rate), 0)
        nearest = nearest[nearest > 0][:starts] if conditional else nearest[:starts]
        failed = (rng.random(starts) < options.get("failing", 0.0)) & (nearest > 0)
        audit = audit_attack(
            np.where(failed, math.inf, options["factor"] * nearest),
            errors=rng.binomial(draws, rate),
            trials=draws,
            sigma=1.0,
            confidence=0.99,
            conditional=conditional,
        )
        convicted += audit.verdict is AuditVerdict.ATTACK_FAILING
    low, high = stats.binom.ppf([5e-7], n_runs, planned.power)[0], stats.binom.isf(5e-7, n_runs, planned.power)
    assert 0.05 < planned.power < 0.95
    assert low <= convicted <= high  # fails with probability 1e-6


# --- the least numbers


def power(rate: float, draws: int, starts: int, **options: float) -> float:
    return plan(rate, draws=draws, starts=starts, **options).power


@pytest.mark.parametrize("options", [{"factor": 1.5}, {"factor": 2.0, "q": 0.3}, {"failing": 0.6, "factor": 1.0}])
def test_no_fewer_starts_have_the_power(options: dict) -> None:
    planned = plan(0.02, draws=3000, power=0.8, **options)
    assert planned.power >= 0.8 and planned.draws == 3000 and planned.target == 0.8
    assert max(power(0.02, 3000, starts, **options) for starts in range(1, planned.starts)) < 0.8


def test_hardly_fewer_draws_have_the_power() -> None:
    planned = plan(0.02, starts=120, power=0.8)
    assert planned.power >= 0.8 and planned.starts == 120
    # the power jumps a little with the counts: 2 % fewer draws are too few, whatever the jump
    assert max(power(0.02, draws, 120) for draws in range(planned.draws // 2, int(0.98 * planned.draws), 7)) < 0.8


@settings(max_examples=10)
@given(st.floats(1e-5, 0.2), st.floats(1.15, 3.0), st.floats(0.5, 0.99), st.floats(1.0, 2000.0))
def test_the_cheapest_pair(mu: float, factor: float, target: float, price: float) -> None:
    planned = plan(mu, factor=factor, power=target, start_cost=price)
    assert planned.power >= target and planned.cost == planned.draws + price * planned.starts
    assert (planned.draws, planned.starts) in [(row.draws, row.starts) for row in planned.alternatives]
    for row in planned.alternatives:
        assert row.power >= target
        assert planned.cost <= 1.05 * row.cost  # the search steps by a tenth
    starts = [row.starts for row in planned.alternatives]
    assert starts == sorted(starts) and len(starts) >= 3


def test_laws() -> None:
    easy, hard = plan(0.01, factor=2.0), plan(0.01, factor=1.2)
    assert easy.cost < hard.cost
    assert plan(0.01, factor=1.5, power=0.99).cost > plan(0.01, factor=1.5, power=0.5).cost
    scaled = plan(0.01, 0.1, factor=1.5)
    assert (scaled.draws, scaled.starts) == (plan(0.01, factor=1.5).draws, plan(0.01, factor=1.5).starts)
    # a precision that needs more draws than the power does leaves the rest to the starts
    precise = plan(0.01, factor=1.5, standard_error=0.01)
    assert precise.standard_error <= 0.01 < plan(0.01, factor=1.5).standard_error
    assert precise.starts < plan(0.01, factor=1.5).starts


def test_speed() -> None:
    plan(0.01)
    for options in ({}, {"factor": 1.05}, {"failing": 0.5, "factor": 1.0}, {"mu": 1e-6}):
        best = math.inf
        for _ in range(3):
            start = time.perf_counter()
            plan(**{"mu": 0.01, **options})
            best = min(best, time.perf_counter() - start)
        assert best < 1.0  # 0.1 to 0.5 s on one core of 2024


def test_record() -> None:
    planned = plan(0.01, 0.1, factor=2.0)
    assert json.loads(json.dumps(planned.to_dict(), allow_nan=False))["alternatives"][0]["starts"] > 0
    html = planned._repr_html_()
    assert html.count("<tr>") == 1 + len(planned.alternatives) and str(planned) in html
    assert "\n" not in str(planned) and "2 times too long" in str(planned)
    assert "0.5 of the searches failing" in str(plan(0.01, draws=1000, starts=60, failing=0.5))
    assert str(planned.alternatives[0]).startswith(f"{planned.alternatives[0].draws} draws and ")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"mu": 0.0}, ValueError, r"mu=0.0 must be one number in \(0, 1\): it is the error rate"),
        ({"mu": 0.5}, ValueError, "mu=0.5 must be < q=0.5: beyond, the bound of all starts is 0"),
        ({"mu": math.nan}, ValueError, "mu=nan"),
        ({"sigma": 0.0}, ValueError, "sigma=0.0 must be one finite number > 0"),
        ({"factor": 0.9}, ValueError, r"factor=0.9 must be one number in \[1, inf\)"),
        ({"factor": 1.0}, ValueError, "an attack that finds the nearest errors: plan for a worse one"),
        ({"failing": 1.0}, ValueError, r"failing=1.0 must be one number in \[0, 1\)"),
        ({"power": 90}, ValueError, r"power=90 must be one number in \(0, 1\)"),
        ({"standard_error": 0.0}, ValueError, "standard_error=0.0"),
        ({"draws": 10.5}, TypeError, "draws=10.5 must be an integer"),
        ({"starts": 0}, ValueError, "starts=0 must be >= 1"),
        ({"start_cost": 0}, ValueError, "start_cost=0"),
        ({"confidence": 1.0}, ValueError, "confidence=1.0"),
        ({"draws": 100, "factor": 1.1}, ValueError, "draws=100 cannot reach power=0.9 against factor=1.1, whatever"),
        ({"starts": 10}, ValueError, "starts=10 cannot reach power=0.9 against factor=1.5.*plan more starts"),
        ({"draws": 100, "standard_error": 0.01}, ValueError, "draws=100 give a larger standard error than 0.01"),
        ({"factor": 1.000001}, ValueError, "factor=1.000001 with failing=0.0 takes more than 1e[+]12 draws or 1e[+]09"),
    ],
)
def test_bad_input(arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plan(**{"mu": 0.01, **arguments})
