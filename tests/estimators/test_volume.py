"""`volume`: what it chooses, what it says about the number, and how it answers bad input."""

from __future__ import annotations

import dataclasses
import doctest
import json
import math

import numba
import numpy as np
import pytest

import isoperimetry as iso
from isoperimetry import estimate as estimate_module
from isoperimetry import sets
from isoperimetry.errors import FunctionError, NotExact
from isoperimetry.estimators import CrudeMonteCarlo, Margin, Membership, front, functions, reduce, volume
from isoperimetry.results import Guarantee

CORNER = Membership(lambda x: (x > 1.0).all(axis=1), dim=2)
CORRELATED = sets.UnionOfHalfSpaces([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]], [1.0, 1.5, 1.0])


def far_margin(distance, dim, *, calls=None):
    """A half-space at a distance along the diagonal, as a black box."""
    unit = np.full(dim, 1.0 / math.sqrt(dim))

    def margin(x):
        if calls is not None:
            calls.append(len(x))
        return distance - x @ unit

    return Margin(margin, dim=dim, gradient=lambda x: np.tile(-unit, (len(x), 1)))


@pytest.mark.parametrize("module", [front, functions, estimate_module])
def test_examples_run(module):
    assert doctest.testmod(module).failed == 0


def test_closed_forms_take_no_call():
    ball = sets.Ball(np.full(150_528, 0.1), 350.0)
    estimate = volume(ball, sigma=1.0)
    assert estimate.guarantee is Guarantee.EXACT and estimate.method == "exact" and estimate.n_calls == 0
    assert estimate.log_value == ball.log_volume() == estimate.log_interval[0] == estimate.log_interval[1]
    assert estimate.rel_error == 0.0 and estimate.stream is None


def test_rare_errors_of_a_black_box_in_logs():
    calls = []
    estimate = volume(far_margin(43.0, 300, calls=calls), rng=1, n_samples=30_000)  # mu is about 1e-404
    assert estimate.value == 0.0 and estimate.log_value == pytest.approx(iso.special.log_ndtr(-43.0), rel=1e-10)
    assert estimate.log_interval[0] < estimate.log_value
    assert sum(calls) == estimate.n_calls <= 31_000  # what is said to be counted is what was asked
    assert estimate.residual > 1e-4 and estimate.interval.high >= estimate.residual
    assert estimate.distance.value == pytest.approx(43.0, rel=1e-12)
    assert estimate.distance.low < 4.0 < 43.0 <= estimate.distance.high < 43.01
    assert str(estimate).startswith("2.897e-404 [") and "e-404, 0.000" in str(estimate)


def test_the_distance_carries_the_interval_to_another_sigma():
    estimate = volume(CORNER, n_samples=5000, rng=1, sigma=2.0, center=[1.0, 1.0])
    distance = estimate.distance
    low, high = estimate.interval.distance(2.0)
    assert (distance.low, distance.high) == pytest.approx((low, high), rel=1e-12)
    half = estimate.distance(sigma=1.0)
    assert (half.value, half.low, half.high, half.sigma) == (
        distance.value / 2, distance.low / 2, distance.high / 2, 1.0,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"sigma=0\.0 must be finite and > 0"):
        distance(0.0)


def test_common_errors_are_counted():
    estimate = volume(far_margin(0.5, 10), rng=1, n_samples=20_000)
    assert estimate.method == "crude" and estimate.guarantee is Guarantee.FINITE_SAMPLE and estimate.residual == 0.0
    assert estimate.interval.low < iso.special.ndtr(-0.5) < estimate.interval.high


def test_errors_almost_everywhere():
    estimate = volume(far_margin(-40.0, 10), rng=1, n_samples=5000)
    assert estimate.value == 1.0 and estimate.log_interval[1] == 0.0 and estimate.interval.low > 0.999


def test_no_error_at_all():
    estimate = volume(Membership(lambda x: np.zeros(len(x), bool), dim=3), rng=1, n_samples=3000)
    assert estimate.log_value == -math.inf and estimate.interval.low == 0.0
    assert estimate.interval.high == pytest.approx(-math.expm1(math.log(0.025) / 3000 * 3000 / (3000 - 17)), rel=1e-6)
    assert estimate.rel_error == math.inf and estimate.distance.high == math.inf
    assert estimate.guarantee is Guarantee.FINITE_SAMPLE
    assert "0 [0, 0.00" in str(estimate)
    json.dumps(estimate.to_dict(), allow_nan=False)


def test_a_region_that_only_plain_draws_see_is_in_the_residual():
    # A visible half-space at 5, and one at 3.2 that is a cliff seen only from 2.9 on: 2,400 times as large.
    def margin(x):
        return np.minimum(5.0 - x[:, 0], np.clip(12.0 * (3.2 - x[:, 1]), None, 3.6))

    def gradient(x):
        slope = np.zeros_like(x)
        first = 5.0 - x[:, 0] <= np.clip(12.0 * (3.2 - x[:, 1]), None, 3.6)
        slope[first, 0] = -1.0
        slope[~first & (x[:, 1] > 2.9), 1] = -12.0
        return slope

    truth = iso.special.ndtr(-5.0) + iso.special.ndtr(-3.2)
    for method in ("mixture", "line"):
        estimate = volume(Margin(margin, dim=50, gradient=gradient), method=method, rng=3, n_samples=30_000)
        assert estimate.interval.low <= truth <= estimate.interval.high, method
        assert estimate.residual > 0 or estimate.notes


def test_a_wanted_width_is_reached_or_what_was_not_is_said():
    reached = volume(CORNER, rel_error=0.1, rng=1)
    assert reached.stopped == "rel_error" and reached.rel_error <= 0.1
    missed = volume(CORNER, rel_error=0.001, n_samples=5000, rng=1)
    assert missed.stopped == "n_samples" and missed.rel_error > 0.001
    assert missed.n_calls == pytest.approx(5000, abs=10)


def test_the_same_rng_repeats_a_run_and_its_stream_does_too():
    first = volume(CORNER, n_samples=5000, rng=5)
    assert volume(CORNER, n_samples=5000, rng=5) == first
    assert volume(CORNER, n_samples=5000, rng=first.stream) == first
    assert volume(CORNER, n_samples=5000, rng=6) != first


def test_a_compiled_membership_is_compiled_into_the_loop():
    @numba.njit
    def corner(x):
        return x[0] > 1.0 and x[1] > 1.0

    batch = Membership(lambda x: (x[:, :2] > 1.0).all(axis=1), dim=5)
    compiled = volume(Membership(corner, dim=5), n_samples=20_000, rng=1)
    assert compiled.details == volume(batch, n_samples=20_000, rng=1).details


def test_functions_of_projections_are_sampled_in_few_dimensions():
    rng = np.random.default_rng(np.random.SeedSequence(1, spawn_key=(9,)))
    weights = rng.standard_normal((3, 20_000)) / math.sqrt(20_000)
    seen = []

    def margin(y):
        seen.append(y.shape)
        return 5.0 - y.max(axis=1)

    estimate = volume(Margin(margin, reduction=reduce(weights)), rng=1, n_samples=30_000)
    single = iso.special.ndtr(-5.0 / np.linalg.norm(weights, axis=1))
    exact = single.sum()  # but for the overlaps, a share of 1e-6 of it
    assert {shape[1] for shape in seen} == {3}
    assert estimate.n_gradients == 0 and estimate.value == pytest.approx(exact, rel=1e-3)


def test_a_function_of_a_radius_is_sampled_in_one_dimension():
    dim, center = 150_528, np.full(150_528, 0.3)
    reduction = reduce(np.zeros((1, dim)), rest=True)
    outside = Margin(lambda y: 392.0 * 0.5 - y[:, 1], reduction=reduction)  # of |x - center|, sigma = 1/2
    exact = sets.Complement(sets.Ball(center, 392.0 * 0.5)).log_volume(center, 0.5)
    estimate = volume(outside, center=center, sigma=0.5, rng=1, n_samples=30_000)
    assert estimate.log_value == pytest.approx(exact, abs=1e-6) and -20 < exact < -15
    far = Membership(lambda y: y[:, 1] > 388.5 * 0.5, reduction=reduction)
    exact = sets.Complement(sets.Ball(center, 388.5 * 0.5)).volume(center, 0.5)
    estimate = volume(far, center=center, sigma=0.5, rng=1, n_samples=30_000)
    assert estimate.interval.low < exact < estimate.interval.high


@dataclasses.dataclass
class Theirs:
    """A set of a user's, with the least that a set must have."""

    dim: int = 3

    def contains(self, x):
        return x[:, 0] > 1.0


class Measured(Theirs):
    def signed_distance(self, x):
        return 1.0 - x[:, 0]


class Torn(Theirs):
    def signed_distance(self, x):
        return x[:, 0] - 1.0


def test_sets_of_users_are_taken():
    for error_set in (Theirs(), Measured()):
        estimate = volume(error_set, n_samples=4000, rng=1)
        assert estimate.interval.low < iso.special.ndtr(-1.0) < estimate.interval.high
    with pytest.raises(ValueError, match="Torn disagrees with itself"):
        volume(Torn())


class Drifting:
    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return x[:, 0] > self.calls


def changing(x):
    x[:] = 0.0
    return np.zeros(len(x), bool)


BAD_FUNCTIONS = {
    "shape": (Membership(lambda x: x > 0, dim=2), "function returned shape"),
    "one answer": (Membership(lambda x: True, dim=2), "function returned shape"),
    "a score as membership": (Membership(lambda x: x[:, 0], dim=2), "must return bool"),
    "random": (Membership(Drifting(), dim=2), "answered differently when asked twice"),
    "looks at its neighbours": (Membership(lambda x: np.full(len(x), len(x) > 3), dim=2), "alone and among others"),
    "changes its argument": (Membership(changing, dim=2), "changed the points"),
    "a compiled score": (Membership(numba.njit(lambda x: x[0]), dim=2), "function returned float but must return bool"),
    "a compiled batch": (Membership(numba.njit(lambda x: x[:, 0] > 0), dim=2), "function raised Typ"),
    "raises": (Membership(lambda x: 1 / 0, dim=2), "function raised ZeroDivisionError"),
    "NaN": (Margin(lambda x: np.full(len(x), math.nan), dim=2), "returned 8 NaN among 8"),
    "bool margin": (Margin(lambda x: x[:, 0] > 0, dim=2), "must return real numbers"),
    "margin shape": (Margin(lambda x: x, dim=2), "function returned shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FUNCTIONS)
def test_functions_that_cannot_be_used_are_refused_at_once(name):
    error_set, message = BAD_FUNCTIONS[name]
    with pytest.raises(FunctionError, match=message) as caught:
        volume(error_set, rng=1)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".")


def test_a_gradient_of_the_wrong_shape_is_named():
    error_set = Margin(lambda x: 5.0 - x[:, 0], dim=3, gradient=lambda x: x[:, 0])
    with pytest.raises(FunctionError, match=r"gradient returned shape \(\d+,\) but must return"):
        volume(error_set, rng=1, method="mixture")


BAD_ARGUMENTS = [
    ({"sigma": 0.0}, ValueError, "sigma=0.0 must be one finite number > 0: without noise"),
    ({"sigma": -1.0}, ValueError, "sigma=-1.0 must be"),
    ({"sigma": [1.0, 2.0]}, ValueError, "must be one finite number"),
    ({"sigma": "1"}, TypeError, "sigma='1' must be a real number"),
    ({"center": [0.0]}, ValueError, r"dim=2 but center has shape \(1,\)"),
    ({"center": [0.0, math.nan]}, ValueError, "center has 1 entry outside its range"),
    ({"center": 1.0}, ValueError, "must be a point of shape"),
    ({"method": "monte carlo"}, ValueError, "method='monte carlo' must be one of 'auto'"),
    ({"method": CrudeMonteCarlo}, TypeError, r"is a class: pass an object of it, CrudeMonteCarlo\(\)"),
    ({"method": 3}, TypeError, "method=3 must be a name or a method"),
    ({"method": "mixture"}, ValueError, "method='mixture' needs a Margin"),
    ({"method": "exact"}, NotExact, "needs a set of isoperimetry.sets"),
    ({"rel_error": 0.0}, ValueError, "rel_error=0.0 must be one finite number > 0"),
    ({"rel_error": "10%"}, TypeError, "rel_error='10%' must be a real number"),
    ({"n_samples": 10}, ValueError, "n_samples=10 must be >= 100"),
    ({"n_samples": 1e6}, TypeError, "n_samples=1000000.0 must be an integer"),
    ({"confidence": 95}, ValueError, r"confidence=95 must be one number in \(0, 1\)"),
    ({"rng": -1}, ValueError, "rng=-1 must be >= 0"),
    ({"executor": 4}, TypeError, r"executor=4 must have submit\(\)"),
    ({"progress": 1}, TypeError, "progress=1 must be None"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD_ARGUMENTS)
def test_bad_arguments_are_refused_in_one_sentence(arguments, kind, message):
    with pytest.raises(kind, match=message) as caught:
        volume(CORNER, **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: volume(3.0), TypeError, "error_set=3.0 must be a set"),
        (lambda: volume(lambda x: x), TypeError, "wrap a function as Membership"),
        (lambda: volume(CORRELATED, method="exact"), NotExact, "has no exact measure here"),
        (lambda: Membership(3, dim=2), TypeError, "function=3 must be callable"),
        (lambda: Membership(len), TypeError, "dim= is missing"),
        (lambda: Membership(len, dim=2, compiled=True), TypeError, r"must be compiled by numba\.njit"),
        (lambda: Membership(len, dim=0), ValueError, "dim=0 must be >= 1"),
        (lambda: Margin(len, dim=2, gradient=1), TypeError, "gradient=1 must be callable"),
        (lambda: Margin(len, dim=2, batch=0), ValueError, "batch=0 must be >= 1"),
        (lambda: Margin(len, dim=2, reduction=3), TypeError, "must be made by reduce"),
        (lambda: Margin(len, dim=2, reduction=reduce(np.ones((1, 3)))), ValueError, "dim=2 must be 3"),
        (lambda: CrudeMonteCarlo(dtype="float16"), ValueError, "dtype='float16' must be one of"),
        (lambda: CrudeMonteCarlo(block_size=0), ValueError, "block_size=0 must be >= 1"),
    ],
)
def test_other_bad_input(make, kind, message):
    with pytest.raises(kind, match=message):
        make()
