from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.errors import NotExact
from isoperimetry.sets import Ball, Complement, ErrorSet, Shell
from isoperimetry.testing import reference
from isoperimetry.testing.strategies import dims, sigmas
from tests.sets.routes import assert_laws, assert_nan_passes, assert_simulation_agrees


def center_at(dim, distance):
    return np.concatenate([[distance], np.zeros(dim - 1)])


def test_the_definition():
    shell = Shell([0.0, 1.0], 3.0, 5.0)
    points = np.array([[0.0, 1.0], [0.0, 4.0], [3.0, 5.0], [0.0, 4.5], [0.0, 5.75], [0.0, 8.0]])
    assert shell.dim == 2 and isinstance(shell, ErrorSet)
    assert shell.contains(points).tolist() == [False, True, True, True, True, False]
    assert shell.signed_distance(points).tolist() == [3, 0, 0, -0.5, -0.25, 2]
    assert repr(shell) == "Shell(center=[0.0, 1.0], inner=3.0, outer=5.0)"


@pytest.mark.parametrize("dim", [1, 2, 784, 150528])
@pytest.mark.parametrize("distance", [0.0, 2.0, 30.0])
@pytest.mark.parametrize("log_width", [-12, -3, -1, 0])
def test_table(dim, distance, log_width):
    """The difference of two tails, in as many digits as it takes: in the bulk, and far out on both sides."""
    for inner in (1.0, 3.0, 0.9 * math.sqrt(dim + distance**2), math.sqrt(dim + distance**2) + 3.0):
        outer = inner + 10.0**log_width
        digits = 45
        low, high = (
            reference.log_ball_probability(r, dim=dim, center_distance=distance, digits=digits) for r in (inner, outer)
        )
        if high > -0.1:
            high, low = (
                reference.log_ball_complement(r, dim=dim, center_distance=distance, digits=digits)
                for r in (inner, outer)
            )
        with mpmath.workdps(digits):
            truth = high + mpmath.log(-mpmath.expm1(low - high))
        value = Shell(center_at(dim, distance), inner, outer).log_volume()
        assert abs(float(value - truth)) < 1e-12 + 2e-15 * abs(float(truth))


@given(dims(max_dim=784), st.floats(0, 9), st.floats(0.01, 9), st.floats(1e-6, 9), sigmas(), st.floats(0, 3))
@example(dim=2, distance=0.0, inner=1.0, width=1e-5, sigma=1.0, eps=1.0)
def test_laws(dim, distance, inner, width, sigma, eps):
    inner += math.sqrt(dim) if inner > 4 else 0.0
    shell = Shell(center_at(dim, distance * sigma), inner * sigma, (inner + width) * sigma)
    assert_laws(shell, np.zeros(dim), sigma, eps * sigma)
    # What lies within and beyond adds up.
    within = Ball(shell.center, shell.inner).volume(sigma=sigma)
    beyond = Complement(Ball(shell.center, shell.outer)).volume(sigma=sigma)
    assert shell.complement_volume(sigma=sigma) == pytest.approx(within + beyond, rel=1e-12)
    # Erosion comes from both sides, until the middle is reached.
    thick = shell.complement_enlarged_volume(0.25 * width * sigma, sigma=sigma)
    thin = Shell(shell.center, (inner + 0.25 * width) * sigma, (inner + 0.75 * width) * sigma)
    assert thick == pytest.approx(thin.complement_volume(sigma=sigma), rel=1e-9)
    assert shell.complement_enlarged_volume(0.501 * width * sigma, sigma=sigma) == 1


def test_enlarged_over_the_hole_it_is_a_ball():
    shell, ball = Shell([1.0, 0.5, 0.0], 0.7, 1.6), Ball([1.0, 0.5, 0.0], 1.6)
    assert shell.enlarged_volume(0.7) == ball.enlarged_volume(0.7)
    assert shell.enlarged_volume(0.6) < ball.enlarged_volume(0.6)
    plain = Shell(ball.center, 0.0, 1.6)
    x = np.random.default_rng(0).standard_normal((50, 3))
    assert np.array_equal(plain.signed_distance(x), ball.signed_distance(x))
    for name in ("log_volume", "complement_log_volume"):
        assert getattr(plain, name)(sigma=0.3) == getattr(ball, name)(sigma=0.3)
    assert plain.complement_enlarged_volume(0.2) == ball.complement_enlarged_volume(0.2)
    outside = Shell(ball.center, 1.6, math.inf)
    assert outside.log_volume() == ball.complement_log_volume() and outside.volume(sigma=math.inf) == 1
    assert np.array_equal(outside.signed_distance(x), -ball.signed_distance(x))
    assert outside.enlarged_volume(0.2) == ball.complement_enlarged_volume(0.2)


def test_by_simulation(rng):
    assert_simulation_agrees(Shell([1.0, -0.5, 0.3], 0.7, 1.6), np.array([0.3, 0.0, -0.2]), 0.8, 0.3, rng)


def test_edges():
    inf, shell = math.inf, Shell([3.0, 4.0], 2.0, 4.0)
    sphere = Shell([3.0, 4.0], 2.0, 2.0)
    assert sphere.volume() == 0 and sphere.log_volume() == -inf and sphere.complement_volume() == 1
    assert sphere.contains([3.0, 6.0]) and sphere.enlarged_volume(0.5) == Shell([3.0, 4.0], 1.5, 2.5).volume()
    assert sphere.complement_enlarged_volume(0.1) == 1
    assert shell.volume(sigma=[0.0, inf, 5e-324]).tolist() == [0, 0, 0]
    assert shell.enlarged_volume([0.9, 1.0], sigma=0.0).tolist() == [0, 1]
    assert shell.complement_enlarged_volume([0.0, 0.4, 0.5, 1.0], [3.0, 6.5], 0.0).tolist() == [0, 0, 1, 1]
    assert shell.volume(sigma=1e-200) == 0 and shell.volume([3.0, 7.0], [1e-200, 5e-324]).tolist() == [1, 1]
    whole = Shell([0.0], 0.0, inf)
    assert whole.volume(sigma=[0.0, 1.0, inf]).tolist() == [1, 1, 1] and whole.complement_enlarged_volume(inf) == 0
    assert whole.signed_distance([0.0]) == -inf
    assert Shell([0.0], 1e200, 2e200).log_volume() == -inf
    assert Shell([0.0, 0.0], 1e-12, 2e-12).volume() == pytest.approx(1.5e-24, rel=1e-11)
    assert_nan_passes(shell)
    assert_nan_passes(whole)


def test_other_norms_are_refused():
    with pytest.raises(NotExact, match="Shell has no exact measure of its enlargement for p=1"):
        Shell([0.0, 0.0], 1.0, 2.0).enlarged_volume(0.1, p=1)
    line = Shell([0.0], 1.0, 2.0)
    assert line.enlarged_volume(0.1, p=1) == line.enlarged_volume(0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0], 2.0, 1.0), r"outer=1\.0 must be >= inner=2\.0: pass the smaller radius first"),
        (([0.0], math.inf, math.inf), "inner=inf must be finite: it is the radius of the hole"),
        (([0.0], -1.0, 1.0), r"inner=-1\.0 must be >= 0"),
        (([0.0], 1.0, math.nan), "outer=nan must be >= 0"),
        (([math.inf], 1.0, 2.0), r"the first is center\[0\]=inf"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Shell(*arguments)
