from __future__ import annotations

import math

import mpmath
import numba
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp

from isoperimetry.kernels import gamma, quadratic
from isoperimetry.kernels.normal import log_ndtr
from isoperimetry.testing._quadratic import log_quadratic_tails as ruben

PROMISED = 1e-12  # relative error of a probability, beyond the roundings of its logarithm


def tails(weights, counts, squares, constant, edge=math.nan):
    """log P[W >= 0] and log P[W < 0]"""
    arrays = [np.array(values, dtype=float) for values in (weights, counts, squares)]
    above, below, status = quadratic.log_quadratic_tails(*arrays, float(constant), float(edge))
    assert status == quadratic.DONE
    return above, below


def close(value, truth, condition=0.0):
    """Whether a log is right; the rounding of the constant moves it by ``condition`` ulp as well."""
    return value == truth or abs(value - truth) <= PROMISED + 2.0**-52 * (2 * abs(truth) + condition)


def test_published_decimals():
    above, _ = tails([1.0, 0.5, 0.25], [6, 4, 2], [0, 0, 0], -8.0)
    assert math.exp(above) == pytest.approx(0.4898777912177, abs=5e-14)
    _, below = tails([2.0, 1.0], [1, 2], [16.0, 0.0], -2.0)  # 2 (g + 1)**2 + chi2_2 - 4
    assert math.exp(below) == pytest.approx(0.45235314363749307119, rel=1e-13)
    _, below = tails([2.0, 0.5], [1, 1], [16.0, 0.0], 1.0)  # 2 (g - 1)**2 + g**2 / 2 - 1
    assert math.exp(below) == pytest.approx(0.24240677013563195916, rel=1e-13)


@pytest.mark.parametrize("dim", [1, 2, 3, 10, 784, 150528])
@pytest.mark.parametrize("distance", [0.0, 0.5, 30.0, 3000.0])
def test_equal_weights_are_a_ball(dim, distance):
    typical = math.sqrt(dim + distance**2)
    for radius in (1e-10, 1e-3, 0.5, 0.7 * typical, typical, 1.3 * typical, 1e4):
        constant = distance**2 - radius**2
        outside, inside = tails([1.0], [dim], [4 * distance**2], constant, -(radius**2))
        # the kernel of the ball has 16 units of its own
        slack = 20 * dim + 4 * abs(constant) * abs(distance / radius - 1 if distance > radius else 0.5)
        for value, function in ((inside, gamma.log_ball_probability), (outside, gamma.log_ball_complement)):
            truth = function(radius, float(dim), distance)
            assert close(value, truth, min(slack, 20 * (1 + abs(truth)) + 4 * dim)), (radius, truth)


@pytest.mark.parametrize(
    ("weights", "counts", "shifts"),
    [
        ([1.0, 0.5, 0.25], [6, 4, 2], [0.0, 0.0, 0.0]),
        ([1.0, 0.3], [1, 1], [0.0, 2.0]),
        ([0.75, 0.5, 1.0], [1, 12, 3], [3.0, 0.0, 1.5]),
    ],
)
def test_positive_weights(weights, counts, shifts):
    mean = sum(w * (h + d) for w, h, d in zip(weights, counts, shifts, strict=True))
    squares = [4 * w * w * d for w, d in zip(weights, shifts, strict=True)]
    offset = sum(w * d for w, d in zip(weights, shifts, strict=True))
    for ratio in (1e-9, 1e-3, 0.3, 1.0, 2.0, 6.0):
        with mp.workdps(20):
            below, above = (float(value) for value in ruben(weights, counts, shifts, ratio * mean))
        got_above, got_below = tails(weights, counts, squares, offset - ratio * mean, -ratio * mean)
        assert close(got_below, below, 8) and close(got_above, above, 8), ratio


@pytest.mark.parametrize("degrees", [1, 2, 7])
@pytest.mark.parametrize("weight", [1e-6, 0.1, 1.0])
@pytest.mark.parametrize("constant", [-4.0, -0.1, 0.0, 3.0])
def test_two_weights_of_either_sign(degrees, weight, constant):
    """weight * g**2 - chi2(degrees) + constant, given the chi-square t**2"""
    with mp.workdps(30):
        deep = max(-mp.mpf(constant), 0) / (2 * mp.mpf(weight))  # taken out: the errors of quad are absolute

        def given_chi(t):
            rest = (t * t - mp.mpf(constant)) / mp.mpf(weight)
            tail = mpmath.erfc(mp.sqrt(rest / 2)) if rest > 0 else mp.mpf(1)
            density = t ** (degrees - 1) * mp.exp(deep - t * t / 2)
            return tail * density / (mp.mpf(2) ** (mp.mpf(degrees) / 2 - 1) * mp.gamma(mp.mpf(degrees) / 2))

        kink = mp.sqrt(constant) if constant > 0 else mp.mpf(0)
        width = mp.sqrt(weight) * max(1, degrees / 2)
        points = sorted({mp.mpf(0), kink / 2, kink, *(kink + step * width for step in (0.5, 2, 8, 20)), kink + 25})
        above = mpmath.quad(given_chi, points)
        above, below = float(mp.log(above) - deep), float(mp.log1p(-above * mp.exp(-deep)))
    got_above, got_below = tails([weight, -1.0], [1, degrees], [0.0, 0.0], constant)
    assert close(got_above, above, 8 * (1 + abs(constant) / weight)) and close(got_below, below, 8)


@pytest.mark.parametrize("curvature", [1e-14, 1e-3, 0.3, 1.0])
@pytest.mark.parametrize("constant", [-20.0, -3.0, -0.5, 1.0, 4.0])
def test_a_weight_and_a_line(curvature, constant):
    """curvature * g**2 + 0.4 g + 0.7 normal + constant"""
    with mp.workdps(30):
        a, scale = mp.mpf(curvature), mp.mpf("0.7") * mp.sqrt(2)

        def given_g(g, sign):
            mean = a * g * g + mp.mpf("0.4") * g + constant
            return mp.npdf(g) * mpmath.erfc(-sign * mean / scale) / 2

        above, below = (
            float(mp.log(mpmath.quad(lambda g: given_g(g, sign), list(range(-44, 45, 1)))))  # noqa: B023
            for sign in (1, -1)
        )
        squares = [float(mp.mpf("0.16")), float(mp.mpf("0.49"))]
    got = tails([curvature, 0.0], [1, 1], squares, constant)
    assert close(got[0], above, 8) and close(got[1], below, 8)


@pytest.mark.parametrize("constant", [-1e150, -40.0, -1.0, 0.0, 1e-3, 8.0, 300.0])
def test_a_line(constant):
    above, below = tails([0.0], [3], [1.0], constant)
    assert close(above, log_ndtr(constant)) and close(below, log_ndtr(-constant))


sizes = st.floats(-12, 0).map(lambda t: 10**t)
terms = st.tuples(sizes, st.sampled_from([-1, 0, 1]), st.sampled_from([1, 2, 5, 1000]), st.just(0.0) | sizes)


@given(st.lists(terms, min_size=1, max_size=5), st.floats(-6, 6))
def test_both_paths_of_any_form(form, z):
    """Paths on either side of the pole, computed apart, add up to one; a form turned over is the other."""
    weights = np.array([size * sign for size, sign, _, _ in form])
    counts = np.array([float(h) for _, _, h, _ in form])
    squares = np.array([m for _, _, _, m in form])
    scale = max(np.abs(weights).max(), math.sqrt(squares.max()))
    assume(scale > 0)
    weights, squares = weights / scale, squares / scale**2
    mean, deviation = weights @ counts, math.sqrt(2 * weights**2 @ counts + squares.sum())
    constant = z * deviation - mean
    above, below = tails(weights, counts, squares, constant)
    for value, other in zip((below, above), tails(-weights, counts, squares, -constant), strict=True):
        assert close(value, other)
    if max(above, below) < -1e-9:
        edge = constant - np.divide(squares, 4 * weights, out=np.zeros(len(form)), where=weights != 0).sum()
        (one, first), (two, second) = (
            quadratic._log_tail(upper, weights, counts, squares, constant, edge) for upper in (True, False)
        )
        assert first == second == quadratic.DONE
        # the sum of the terms is rounded once more in each
        size = abs(mean) + abs(constant) + deviation
        assert math.exp(one) + math.exp(two) == pytest.approx(1, abs=1e-12 + 2.0**-50 * size / deviation)


def test_equal_weights_are_one(rng):
    squares = rng.random(6)
    one = tails([0.7, -0.2], [4, 2], [squares[:4].sum(), squares[4:].sum()], -9.0)
    six = tails([0.7] * 4 + [-0.2] * 2, [1] * 6, squares, -9.0)
    assert six == pytest.approx(one, rel=1e-14)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="150,528 weights take minutes as plain Python")
def test_many_weights(rng):
    """150 528 weights one by one, in tails where a plain sum of that many terms would lose what is promised."""
    half, squares = 75264, rng.random(2)
    weights, parts = np.repeat([1.0, 0.37], half), np.repeat(squares / half, half)
    for constant in (-80000.0, -150000.0):
        one = tails(weights, np.ones(2 * half), parts, constant)
        two = tails([1.0, 0.37], [half, half], squares, constant)
        assert close(one[0], two[0], half) and close(one[1], two[1], half)


def test_edges():
    inf = math.inf
    assert tails([0.0], [1], [0.0], 0.0) == tails([0.0], [1], [0.0], 1.0) == (0.0, -inf)
    assert tails([0.0], [1], [0.0], -1.0) == (-inf, 0.0)
    assert tails([1.0, 0.0], [2, 3], [4.0, 0.0], 1.0) == (0.0, -inf)  # (g + 1)**2 + g**2 >= 0
    assert tails([-1.0], [2], [4.0], -1.0) == (-inf, 0.0)
    assert tails([-1.0], [2], [0.0], -1.0) == (-inf, 0.0)
    assert tails([1.0, -1.0], [1, 1], [0.0, 0.0], inf) == (0.0, -inf)
    assert tails([1.0, -1.0], [1, 1], [0.0, 0.0], -inf) == (-inf, 0.0)
    assert tails([1.0, -1.0], [1, 1], [0.0, 0.0], 0.0) == pytest.approx([-math.log(2)] * 2, rel=1e-14)
    assert tails([0.0], [1], [1.0], -1e200) == (-inf, 0.0)
    above, _ = tails([1.0], [1], [0.0], -1e200)
    assert above == pytest.approx(-5e199, rel=1e-14)


def test_plain_python_has_the_bits_of_the_compiled_code():
    arguments = np.array([1.0, -0.3, 0.0]), np.array([3.0, 1.0, 1.0]), np.array([0.1, 0.0, 0.2]), -7.0, math.nan
    assert quadratic.log_quadratic_tails.py_func(*arguments) == quadratic.log_quadratic_tails(*arguments)
