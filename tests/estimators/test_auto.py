"""Which method is chosen for which kind of error set, and that draws which chose are not those of the estimate."""

from __future__ import annotations

import math

import numpy as np
import pytest

import isoperimetry as iso
from isoperimetry import sets
from isoperimetry.estimators import Margin, Membership, volume
from isoperimetry.results import Guarantee

DIM = 784


@pytest.fixture(scope="module")
def axis():
    rng = np.random.default_rng(np.random.SeedSequence(2, spawn_key=(8,)))
    w = rng.standard_normal(DIM)
    return w / np.linalg.norm(w)


def half_space(axis):
    return Margin(lambda x: 6.0 - x @ axis, dim=DIM, gradient=lambda x: np.tile(-axis, (len(x), 1)))


def far_ball(axis):
    center, radius = 200.0 * axis, 197.2178
    return Margin(
        lambda x: (((x - center) ** 2).sum(axis=1) - radius**2) / 400.0, dim=DIM, gradient=lambda x: (x - center) / 200
    )


def outside_a_ball(axis):
    square = math.exp(iso.special.log_chi2_isf(math.log(1e-6), dim=DIM))
    return Margin(lambda x: square - (x * x).sum(axis=1), dim=DIM, gradient=lambda x: -2.0 * x)


CASES = {
    "half-space": (half_space, "mixture", iso.special.log_ndtr(-6.0)),
    "far ball": (far_ball, "line", sets.Ball([200.0] + [0.0] * (DIM - 1), 197.2178).log_volume()),
    "outside a ball": (outside_a_ball, "directional", math.log(1e-6)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_method_suits_the_set(axis, name):
    make, method, log_truth = CASES[name]
    estimate = volume(make(axis), rng=1, n_samples=20_000)
    assert estimate.method == method
    # 1e-6 of misses: 4.9 standard errors, of which the spread shows 1.96 on each side
    width = max(estimate.log_spread[1] - estimate.log_spread[0], 1e-6)
    assert abs(estimate.log_value - log_truth) < 0.5 * width * 4.9 / 1.96 + 1e-3
    assert estimate.log_interval[0] <= log_truth <= estimate.log_interval[1]
    assert estimate.n_search + estimate.n_guard < estimate.n_calls <= 20_400


def test_steps_without_a_slope_are_left_to_splitting():
    steps = Margin(lambda x: np.ceil(4.5 - x[:, 0]), dim=3)
    estimate = volume(steps, rng=1, n_samples=50_000)
    assert estimate.method == "splitting" and estimate.guarantee is Guarantee.LOWER_ONLY
    assert estimate.interval.low <= iso.special.ndtr(-4.5) <= estimate.interval.high


def test_a_membership_leaves_plain_draws():
    assert volume(Membership(lambda x: x[:, 0] > 2.0, dim=3), rng=1, n_samples=2000).method == "crude"


def test_common_errors_are_counted_though_there_is_a_margin(axis):
    common = Margin(lambda x: 1.0 - x @ axis, dim=DIM)
    assert volume(common, rng=1, n_samples=4000).method == "crude"


def test_a_proved_cover_needs_no_guard():
    union = sets.UnionOfHalfSpaces([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]], [4.0, 4.5, 4.2])
    estimate = volume(union, rng=1, n_samples=5000)
    assert estimate.method == "mixture" and estimate.n_guard == 0 and estimate.residual == 0.0
    assert estimate.guarantee is Guarantee.FINITE_SAMPLE and estimate.given == "a proved cover by half-spaces"
    assert estimate.rel_error < 0.1


def test_what_chose_the_method_is_not_drawn_again(axis):
    seen = []

    def margin(x):
        seen.append(x[:, :3].copy())
        return 6.0 - x @ axis

    estimate = volume(Margin(margin, dim=DIM), rng=1, n_samples=20_000)
    rows = [row.tobytes() for row in np.concatenate(seen)]
    assert len(rows) == estimate.n_calls
    check, pilot, later = rows[:17], rows[17:1017], rows[1017:]
    assert len(set(pilot)) == 1000 and not set(pilot) & set(later) and not set(check) & set(later)
