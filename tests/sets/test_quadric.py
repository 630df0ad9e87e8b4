from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from isoperimetry import special
from isoperimetry.errors import NotExact
from isoperimetry.sets import Complement, ErrorSet, HalfSpace, Quadric
from isoperimetry.sets import quadric as module
from isoperimetry.testing.strategies import sigmas

ELLIPSE = Quadric([-2.0, -0.5], [4.0, 0.0], -1.0)  # 2 (x - 1)**2 + y**2 / 2 <= 1


def inside_sphere(dim, radius):
    return Quadric(-np.ones(dim), np.zeros(dim), radius**2)


def paraboloid(offset, curvature, dim):
    """x_1 >= offset + curvature / 2 |x'|**2"""
    bend = np.full(dim, -curvature / 2)
    bend[0] = 0
    return Quadric(bend, np.eye(dim)[0], -offset)


def test_published_decimals():
    assert isinstance(ELLIPSE, ErrorSet) and ELLIPSE.dim == 2
    assert ELLIPSE.volume() == pytest.approx(0.24240677013563195916, rel=1e-13)
    assert paraboloid(2.0, 0.5, 3).volume() == pytest.approx(0.0099730410670269967168, rel=1e-13)
    form = Quadric([2.0, 1.0, 1.0], [4.0, 0.0, 0.0], -2.0)  # 2 (g + 1)**2 + chi2_2 >= 4
    assert form.complement_volume() == pytest.approx(0.45235314363749307119, rel=1e-13)
    chis = Quadric(np.repeat([1.0, 0.5, 0.25], [6, 4, 2]), np.zeros(12), -8.0)
    assert chis.volume() == pytest.approx(0.4898777912177, abs=5e-14)


@given(st.sampled_from([1, 3, 50, 784]), st.floats(0, 40), st.floats(0.3, 2), sigmas())
def test_equal_weights_are_a_noncentral_chi_square(dim, distance, ratio, sigma):
    center = np.full(dim, distance / math.sqrt(dim)) * sigma
    radius = ratio * math.sqrt(dim + distance**2)
    ball = inside_sphere(dim, radius * sigma)
    # the constant, c - |center|**2, is rounded at its largest part
    slack = 1e-12 + 1e-15 * (dim + distance**2 + radius**2) * (1 + distance / radius)
    for value, function in (
        (ball.log_volume(center, sigma), special.log_ball_probability),
        (ball.complement_log_volume(center, sigma), special.log_ball_complement),
    ):
        assert value == pytest.approx(function(radius, dim=dim, center_distance=distance), rel=1e-14, abs=slack)


def test_a_large_dimension_in_the_deep_tail():
    dim = 150528
    for radius in (5.0, 350.0, 380.0):
        value = inside_sphere(dim, radius).log_volume()
        assert value == pytest.approx(
            special.log_ball_probability(radius, dim=dim, center_distance=0.0), rel=1e-14, abs=1e-10
        )
    assert inside_sphere(dim, 5.0).log_volume() < -5e5


@pytest.mark.parametrize("offset", [-3.0, 0.0, 2.0, 8.0])
@pytest.mark.parametrize("curvature", [0.05, 0.5, 3.0])
def test_paraboloids(offset, curvature):
    lift = offset / curvature + 1 / (2 * curvature**2)
    truth = special.ndtr(-offset) - math.exp(lift + special.log_ndtr(-(offset + 1 / curvature)))
    lost = special.ndtr(-offset) / truth  # by the difference above
    assert paraboloid(offset, curvature, 3).volume() == pytest.approx(truth, rel=1e-12 + 1e-14 * lost * (1 + lift))


@pytest.mark.parametrize("dim", [2, 3, 50, 784])
@pytest.mark.parametrize("angle", [0.3, 1.0, 1.4])
def test_a_double_cone_is_two_caps(dim, angle):
    bend = np.full(dim, -(math.cos(angle) ** 2))
    bend[0] = math.sin(angle) ** 2
    cone = Quadric(bend, np.zeros(dim), 0.0)
    caps = special.log_betainc((dim - 1) / 2, 0.5, math.sin(angle) ** 2)
    for sigma in (1e-3, 1.0, math.inf):
        # d log / d log tan(angle)**2 is at most dim / 2
        assert cone.log_volume(sigma=sigma) == pytest.approx(caps, rel=1e-13, abs=1e-12 + 4e-16 * dim / math.cos(angle))


def test_a_half_space(rng):
    b, x = rng.standard_normal(5), rng.standard_normal((20, 5))
    plane = HalfSpace(b, 1.3)
    forms = np.zeros(5), np.zeros((5, 5)), (np.zeros((5, 0)), np.zeros(0)), (rng.standard_normal((5, 2)), np.zeros(2))
    for form in forms:
        same = Quadric(form, b, -1.3 * np.linalg.norm(b))
        assert same.signed_distance(x) == pytest.approx(plane.signed_distance(x), abs=1e-14)
        for sigma in (1e-2, 0.2, 5.0):
            truth = plane.log_volume(x[0], sigma)
            assert same.log_volume(x[0], sigma) == pytest.approx(truth, rel=1e-13, abs=1e-12)


def test_three_forms_of_one_set(rng):
    x = rng.standard_normal((50, 6))
    for b in (rng.standard_normal(6), np.zeros(6)):
        factors, weights = rng.standard_normal((6, 2)), np.array([1.0, -0.6])
        flat = Quadric((factors, weights), b, 0.4)
        full = Quadric((factors * weights) @ factors.T, b, 0.4)
        _agree(flat, full, x)
    diagonal, b = rng.standard_normal(6), rng.standard_normal(6)
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    plain = Quadric(diagonal, b, 0.4)
    turned = Quadric((turn * diagonal) @ turn.T, turn @ b, 0.4)
    _agree(plain, Quadric(np.diag(diagonal), b, 0.4), x)
    _agree(plain, Quadric((np.eye(6), diagonal), b, 0.4), x)
    _agree(plain, turned, x, x @ turn.T)


def _agree(one, other, x, y=None):
    y = x if y is None else y
    assert np.array_equal(one.contains(x), other.contains(y))
    assert other.signed_distance(y) == pytest.approx(one.signed_distance(x), rel=1e-9, abs=1e-12)
    for sigma in (0.1, 1.0, 30.0):
        assert other.log_volume(y[0], sigma) == pytest.approx(one.log_volume(x[0], sigma), rel=1e-11)
        assert other.complement_log_volume(y[0], sigma) == pytest.approx(
            one.complement_log_volume(x[0], sigma), rel=1e-11
        )


@pytest.mark.parametrize("dim", [3, 10, 50])
def test_monte_carlo(dim, rng):
    n, center, sigma = 40_000, rng.standard_normal(dim), 0.7
    for _ in range(3):
        matrix = rng.standard_normal((dim, dim))
        errors = Quadric(matrix + matrix.T, rng.standard_normal(dim), float(rng.standard_normal()))
        x = center + sigma * rng.standard_normal((n, dim))
        inside, p = errors.contains(x), errors.volume(center, sigma)
        assert abs(inside.sum() - n * p) < 4.9 * math.sqrt(n * p * (1 - p))  # fails once in a million
        assert np.array_equal(inside[:500], errors.signed_distance(x[:500]) <= 0)


def test_complement(rng):
    center = rng.standard_normal(4)
    errors = Quadric(rng.standard_normal(4), rng.standard_normal(4), 0.3)
    other = Quadric(-errors.A, -errors.b, -0.3)
    assert errors.volume(center) + errors.complement_volume(center) == pytest.approx(1, abs=1e-14)
    assert Complement(errors).log_volume(center) == pytest.approx(other.log_volume(center), rel=1e-12)
    assert other.signed_distance(center) == -errors.signed_distance(center)


@pytest.mark.parametrize(
    ("errors", "curve"),
    [
        (ELLIPSE, lambda t: (1 + np.sqrt(0.5) * np.cos(t), np.sqrt(2) * np.sin(t))),
        (Quadric([2.0, 0.5], [-4.0, 0.0], 1.0), lambda t: (1 + np.sqrt(0.5) * np.cos(t), np.sqrt(2) * np.sin(t))),
        (
            Quadric([1.0, -4.0], [0.0, 0.0], -1.0),
            lambda t: (np.copysign(np.cosh(2 * np.abs(t) - 3), t), np.sinh(2 * np.abs(t) - 3) / 2),
        ),
        (Quadric([0.0, -0.7], [1.0, 0.0], -0.5), lambda t: (0.5 + 0.7 * t**2, t)),
    ],
)
def test_nearest_points_of_plane_curves(errors, curve, rng):
    t = np.linspace(-math.pi, math.pi, 60_001)
    points = np.stack(curve(t), axis=1)
    x = np.concatenate([rng.uniform(-2, 2, (60, 2)), np.zeros((1, 2)), [[1.0, 0.0], [0.0, 1.0], [1.0, 1e-12]]])
    if errors.contains([9.0, 9.0]) == errors.contains([1.0, 0.0]):
        x = np.concatenate([x, [[9.0, 0.0], [0.0, 9.0]]])
    brute = np.array([np.linalg.norm(points - row, axis=1).min() for row in x])
    # a polygon with sides of 1e-3 at most is 1e-6 off near the curve, 1e-3 never
    assert np.abs(errors.signed_distance(x)) == pytest.approx(brute, abs=2e-4)
    far = brute > 0.05
    assert np.abs(errors.signed_distance(x))[far] == pytest.approx(brute[far], abs=2e-5)


def test_nearest_points_by_optimisation(rng):
    for diagonal in ([1.0, 1.0, -0.5, 0.0], [-1.0, -0.3, -0.2, -0.1], [2.0, 0.5, 0.5, 1e-6], [-1.0, 0.0, 0.0, 3.0]):
        errors = Quadric(np.array(diagonal), rng.standard_normal(4), 0.7)

        def value(y, errors=errors):
            return float((errors.A * y + errors.b) @ y + errors.c)

        for x in 2 * rng.standard_normal((4, 4)):
            least = math.inf
            for start in x + rng.standard_normal((8, 4)):
                found = optimize.minimize(
                    lambda y, x=x: (y - x) @ (y - x), start, method="SLSQP", options={"ftol": 1e-15, "maxiter": 300},
                    constraints={"type": "eq", "fun": value},
                )  # fmt: skip
                if found.success and abs(value(found.x)) < 1e-9:
                    least = min(least, math.sqrt(found.fun))
            gap = errors.signed_distance(x)
            assert abs(gap) == pytest.approx(least, rel=1e-6) and (gap <= 0) == errors.contains(x)


def test_spheres(rng):
    x = np.concatenate([[np.zeros(40)], rng.standard_normal((30, 40)), 1e-150 * np.ones((1, 40))])
    for radius in (1e-3, 1.0, 30.0):
        truth = np.linalg.norm(x, axis=1) - radius
        ball = inside_sphere(40, radius)
        assert ball.signed_distance(x) == pytest.approx(truth, rel=1e-12)
        assert Quadric(np.ones(40), np.zeros(40), -(radius**2)).signed_distance(x) == pytest.approx(-truth, rel=1e-12)


def test_the_hard_case():
    """The nearest points of an ellipsoid to points on its long axis near the center lie off that axis."""
    errors = Quadric([1.0, 4.0], [0.0, 0.0], -4.0)  # outside x**2 / 4 + y**2 = 1
    x = np.array([0.0, 0.5, 1.2, 1.5, 1.7, 1.9])
    truth = np.where(x < 1.5, np.sqrt(np.maximum(1 - x**2 / 3, 0)), 2 - x)
    points = np.stack([x, np.zeros(6)], axis=1)
    assert errors.signed_distance(points) == pytest.approx(truth, rel=1e-14)
    points[:, 1] = 1e-9
    assert errors.signed_distance(points) == pytest.approx(truth, rel=1e-7)


def test_edges():
    inf, n = math.inf, 3
    empty, whole = Quadric(-np.ones(n), np.zeros(n), -1.0), Quadric(np.ones(n), np.zeros(n), 0.0)
    point = Quadric(-np.ones(n), np.zeros(n), 0.0)
    x = np.ones(n)
    for errors, share, gap in ((empty, 0.0, inf), (whole, 1.0, -inf), (point, 0.0, math.sqrt(3))):
        assert errors.volume(x, [1e-200, 1.0, 1e200, inf]).tolist() == [share] * 4
        assert errors.complement_volume(x, [1e-3, 1.0]).tolist() == [1 - share] * 2
        assert errors.signed_distance(x) == gap
    assert point.contains(np.zeros(n)) and point.signed_distance(np.zeros(n)) == 0 and point.volume(sigma=0.0) == 1
    for constant in (-1.0, 0.0, 1.0):
        for form in (np.zeros(n), (np.zeros((n, 0)), np.zeros(0))):
            errors = Quadric(form, np.zeros(n), constant)
            assert errors.volume(sigma=[0.0, 1.0, inf]).tolist() == [constant >= 0] * 3
            assert errors.signed_distance(x) == (-inf if constant >= 0 else inf)
    assert ELLIPSE.volume(sigma=[0.0, 1e-250, 1e200, inf]).tolist() == [0, 0, 0, 0]
    assert ELLIPSE.complement_volume(sigma=[0.0, 1e-250, 1e200, inf]).tolist() == [1, 1, 1, 1]
    assert ELLIPSE.volume([1.0, 0.0], [0.0, 1e-250]).tolist() == [1, 1]
    assert np.isnan(ELLIPSE.volume(sigma=math.nan)) and np.isnan(ELLIPSE.log_volume([math.nan, 0.0]))
    assert ELLIPSE.volume(sigma=[]).shape == (0,) and ELLIPSE.signed_distance(np.zeros((0, 2))).shape == (0,)
    assert math.isnan(ELLIPSE.signed_distance([math.nan, 0.0])) and not ELLIPSE.contains([math.nan, 0.0])
    plane = Quadric([0.0, 0.0], [3.0, 4.0], 0.0)
    assert plane.volume(sigma=[1e-200, inf]) == pytest.approx(0.5, rel=1e-14)
    read_only = np.zeros((2, 2))
    read_only.flags.writeable = False
    assert ELLIPSE.signed_distance(read_only).tolist() == pytest.approx([1 - math.sqrt(0.5)] * 2, rel=1e-14)


def test_what_is_not_exact_is_refused(monkeypatch):
    with pytest.raises(NotExact, match="Quadric has no exact measure of its enlargement"):
        ELLIPSE.enlarged_volume(0.1)
    with pytest.raises(NotExact, match="Quadric has no exact measure of its enlargement"):
        ELLIPSE.distance_law()
    monkeypatch.setattr(module, "loop", lambda *_: lambda *_: (math.nan, math.nan, 1))
    with pytest.raises(NotExact, match=r"has no exact measure for sigma=2\.0: its integral did not settle"):
        ELLIPSE.volume(sigma=2.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1.0, 2.0], 0.0), r"A has shape \(1,\) but must have \(dim, dim\)"),
        (([[1.0, 2.0]], [1.0, 2.0], 0.0), r"A has shape \(1, 2\) but must have"),
        (((np.ones((3, 1)), [1.0]), [1.0, 2.0], 0.0), r"A has shapes \(3, 1\) and \(1,\) but must have"),
        (((np.ones((2, 1)), [1.0, 1.0]), [1.0, 2.0], 0.0), r"A has shapes \(2, 1\) and \(2,\) but must have"),
        (([[1.0, 2.0], [0.0, 1.0]], [1.0, 2.0], 0.0), "that of a symmetric matrix; pass"),
        (([1.0, math.inf], [1.0, 2.0], 0.0), r"A\[1\]=inf: all must be finite"),
        (((np.ones((2, 1)), [math.nan]), [1.0, 2.0], 0.0), r"A\[1\] has 1 entry"),
        (([1.0, 1.0], [1.0, math.nan], 0.0), r"b\[1\]=nan: all must be finite"),
        (([1.0, 1.0], 1.0, 0.0), r"b has shape \(\) but must have shape \(dim,\)"),
        (([1.0, 1.0], [1.0, 1.0], math.inf), "c=inf must be finite"),
        (([1.0, 1.0], [1.0, 1.0], [1.0]), r"c has shape \(1,\) but must be one number"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Quadric(*arguments)


def test_wrong_types():
    with pytest.raises(TypeError, match=r"A=.* must be a real number"):
        Quadric("identity", [1.0], 0.0)


def test_repr():
    assert repr(ELLIPSE) == "Quadric(A=[-2.0, -0.5], b=[4.0, 0.0], c=-1.0)"
    assert repr(inside_sphere(9, 1.0)) == "Quadric(A diagonal, dim=9, c=1.0)"
