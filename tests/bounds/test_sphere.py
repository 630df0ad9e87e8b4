from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry import bounds
from isoperimetry.bounds import sphere
from isoperimetry.special import log_ndtr, ndtr
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import dims, error_rates, log_error_rates

spheres = dims().filter(lambda dim: dim > 1)
RATES = [{"mu": mu} for mu in (1e-300, 0.01, 0.3, 0.4999, 0.5001, 0.9)] + [
    {"accuracy": 1e-10},
    {"log_mu": -1e4},
    {"log_accuracy": -1e3},
]


def is_close(actual, truth, absolute=0.0):
    """Say whether a float is the truth to 1e-12, relative or absolute; an infinity exactly."""
    if mpmath.isinf(truth) or not math.isfinite(actual):
        return actual == truth
    return abs(mpmath.mpf(actual) - truth) <= 1e-12 * abs(truth) + absolute


@pytest.mark.parametrize("dim", [2, 3, 10, 784, 150528])
def test_table(dim):
    for theta in (1e-200, 1e-9, 2e-8, 1e-3, 0.78, 0.79, 1.5, 1.5707, 1.58):
        assert_ulp(sphere.log_cap_measure(theta, dim=dim), reference.sphere_log_cap_measure(theta, dim, digits=25), 24)
    unit = 1 / math.sqrt(dim)
    steps = [(0.1 * unit, "geodesic"), (0.9 * unit, "chord"), (min(1.9, 20 * unit), "geodesic")]
    for i, rate in enumerate(RATES if dim < 1000 else RATES[1::3]):
        truth = reference.sphere_cap_angle(dim=dim, digits=25, **rate)
        assert is_close(sphere.cap_angle(dim=dim, **rate), truth, 1e-300)
        eps, metric = steps[i % 3]
        arguments = {"dim": dim, "eps": eps, **rate}
        truth = reference.sphere_log_enlargement(chord=metric == "chord", digits=25, **arguments)
        assert is_close(sphere.log_enlargement(metric=metric, **arguments), truth, 1e-12)
        truth = reference.sphere_log_enlargement_complement(chord=metric == "chord", digits=25, **arguments)
        assert is_close(sphere.log_enlargement_complement(metric=metric, **arguments), truth, 1e-12)
    assert is_close(
        sphere.quantile_distance_bound(1e-3, dim=dim, q=0.9, metric="chord"),
        reference.sphere_quantile_distance_bound(1e-3, dim=dim, q=0.9, chord=True, digits=25),
    )
    mu, metric = (0.3, "geodesic") if dim % 4 == 2 else (0.999, "chord")
    truth = reference.sphere_mean_distance_bound(mu, dim=dim, chord=metric == "chord", digits=20)
    assert is_close(sphere.mean_distance_bound(mu, dim=dim, metric=metric), truth)


def test_table_of_published_decimals():
    root = {n: math.sqrt(n) for n in (784, 150528)}
    assert sphere.cap_measure(1.0, dim=3) == pytest.approx(0.22984884706593014130, rel=1e-14)
    assert sphere.cap_measure(1.2, dim=10) == pytest.approx(0.13672650125788708759, rel=1e-14)
    assert sphere.log_cap_measure(1.0, dim=784) == pytest.approx(-138.78699741522591436, rel=1e-14)
    assert sphere.log_cap_measure(math.acos(0.1), dim=150528) == pytest.approx(-761.00141308831452590, rel=1e-13)
    angles = [0.20033484232311959269, 1.4876808256235475062, 1.5648002542982098517]
    assert sphere.cap_angle(0.01, dim=[3, 784, 150528]) == pytest.approx(angles, rel=1e-15)
    for dim, geodesic, chord, grown, below in (
        (784, 2.3272340327977751655, 2.3265642170235001881, 0.092384682731184551690, 0.092151143113445627974),
        (150528, 2.3263524950686384201, 2.3263490101083453698, 0.092362363246548264670, 0.092361148340931682945),
    ):
        assert sphere.median_distance_bound(0.01, dim=dim, radius=root[dim]) == pytest.approx(geodesic, rel=1e-14)
        actual = sphere.median_distance_bound(0.01, dim=dim, radius=root[dim], metric="chord")
        assert actual == pytest.approx(chord, rel=1e-14)
        assert sphere.enlargement(0.01, 1.0, dim=dim, radius=root[dim]) == pytest.approx(grown, rel=1e-13)
        assert sphere.gaussian_enlargement(0.01, 1.0, dim=dim, radius=root[dim]) == pytest.approx(below, rel=1e-13)


@given(spheres, st.floats(0, 1), st.floats(0, 1))
def test_equality_on_extremal(dim, start, step):
    # Caps: the rim at theta moves to theta + eps, all from the incomplete beta function of the angles themselves.
    theta, eps = start * math.pi / 2, step * math.pi / 2
    log_mu, radius = sphere.log_cap_measure(theta, dim=dim), 3.0
    if log_mu > -math.inf:
        truth = sphere.log_cap_measure(min(theta + eps, math.pi), dim=dim)
        actual = sphere.log_enlargement(log_mu=log_mu, eps=eps * radius, dim=dim, radius=radius)
        # An ulp of log_mu moves a rim near the equator by an ulp over sqrt(dim), a rim elsewhere by an ulp.
        assert actual == pytest.approx(truth, rel=1e-11, abs=1e-11)
        chord = sphere.log_enlargement(log_mu=log_mu, eps=2 * math.sin(eps / 2), dim=dim, metric="chord")
        assert chord == pytest.approx(truth, rel=1e-11, abs=1e-11)
    median = sphere.median_distance_bound(log_mu=log_mu, dim=dim)
    assert median == pytest.approx(math.pi / 2 - theta if log_mu > -math.inf else math.pi, abs=1e-13)


@given(spheres, st.floats(0.001, 1), st.floats(0, 1))
def test_holds(dim, start, step):
    theta, eps = start * math.pi / 2, step * math.pi / 2
    # Two opposite caps, and what is between them: both grow at two rims.
    one = sphere.log_cap_measure(theta, dim=dim)
    if one > -1e300:
        two = min(one + math.log(2), 0.0)
        grown = min(sphere.log_cap_measure(min(theta + eps, math.pi / 2), dim=dim) + math.log(2), 0.0)
        bound = sphere.log_enlargement(log_mu=two, eps=eps, dim=dim)
        assert bound <= grown + 1e-11 * (1 - grown)
        if eps < theta:
            rest = min(sphere.log_cap_measure(theta - eps, dim=dim) + math.log(2), 0.0)
            assert rest <= sphere.log_enlargement_complement(log_accuracy=two, eps=eps, dim=dim) + 1e-11 * (1 - rest)


@given(spheres, st.floats(0, math.pi), st.floats(0, math.pi))
@example(dim=3, theta=math.pi / 2, other=0.0)
def test_laws_of_caps(dim, theta, other):
    assert sphere.cap_measure(math.pi / 2, dim=dim) == 0.5
    here, there = sphere.cap_measure(theta, dim=dim), sphere.cap_measure(math.pi - theta, dim=dim)
    # pi - theta is rounded, and the density of the angle is at most sqrt(dim) / 2.
    assert here + there == pytest.approx(1, abs=1e-15 * (1 + math.sqrt(dim)))
    if other < theta:
        assert sphere.log_cap_measure(other, dim=dim) <= sphere.log_cap_measure(theta, dim=dim)
    closed = {2: theta / math.pi, 3: math.sin(theta / 2) ** 2}
    if dim in closed:
        assert here == pytest.approx(closed[dim], rel=1e-14)
    log = sphere.log_cap_measure(min(theta, math.pi - theta), dim=dim)
    if log > -math.inf:
        nearer = sphere.cap_angle(log_mu=log, dim=dim)
        assert nearer == pytest.approx(min(theta, math.pi - theta), abs=1e-10)
        assert sphere.cap_angle(log_accuracy=log, dim=dim) == pytest.approx(math.pi - nearer, rel=1e-15)


@given(spheres, error_rates(), log_error_rates(), st.floats(0, 3), st.floats(0, 3), st.floats(0.05, 0.95))
def test_laws(dim, mu, log_mu, first, second, q):
    unit = 1 / math.sqrt(dim)
    first, second = first * unit, second * unit
    small, large = sorted((first, second))
    assert sphere.enlargement(mu, 0.0, dim=dim) == mu
    assert sphere.log_enlargement(log_mu=log_mu, eps=0.0, dim=dim) == log_mu
    steps = [sphere.enlargement(mu, eps, dim=dim) for eps in (small, large)]
    assert mu <= steps[0] <= steps[1] * (1 + 1e-12) <= 1 + 1e-12
    # Radius and distance scale together; a chord reaches farther than an arc of that length.
    assert sphere.enlargement(mu, 4 * first, dim=dim, radius=4.0) == sphere.enlargement(mu, first, dim=dim)
    chord = sphere.log_enlargement(log_mu=log_mu, eps=first, dim=dim, metric="chord")
    assert chord >= sphere.log_enlargement(log_mu=log_mu, eps=first, dim=dim) * (1 + 1e-12)
    # In two steps as far as in one.
    half_way = sphere.log_enlargement(log_mu=log_mu, eps=first, dim=dim)
    if half_way < -1e-3:
        twice = sphere.log_enlargement(log_mu=half_way, eps=second, dim=dim)
        assert twice == pytest.approx(sphere.log_enlargement(log_mu=log_mu, eps=first + second, dim=dim), rel=1e-10)
    # Distances: bounds of quantiles invert the enlargement, and the mean is their integral over the levels.
    distance = sphere.quantile_distance_bound(log_mu=log_mu, dim=dim, q=q)
    assert sphere.median_distance_bound(log_mu=log_mu, dim=dim) <= distance or q < 0.5
    if distance > 0:
        assert sphere.enlargement(log_mu=log_mu, eps=distance, dim=dim) == pytest.approx(q, rel=1e-10)
    median, mean = sphere.median_distance_bound(mu, dim=dim), sphere.mean_distance_bound(mu, dim=dim)
    assert mean >= median
    chords = [
        bound(mu, dim=dim, metric="chord") for bound in (sphere.median_distance_bound, sphere.mean_distance_bound)
    ]
    assert chords[0] == pytest.approx(2 * math.sin(median / 2), rel=1e-14) and chords[1] <= mean


@pytest.mark.parametrize(("dim", "mu"), [(2, 0.2), (5, 0.01), (5, 0.8), (784, 0.3)])
def test_the_mean_is_the_average_of_the_quantiles(dim, mu):
    # q = (1 + tanh(t)) / 2 spreads the levels; the trapezoidal rule is exact for it.
    t = np.linspace(-17, 17, 1361)
    q, weight = 0.5 * (1 + np.tanh(t)), 0.5 / np.cosh(t) ** 2 * (t[1] - t[0])
    inside = (q > 0) & (q < 1)
    for metric in ("geodesic", "chord"):
        quantiles = sphere.quantile_distance_bound(mu, dim=dim, q=q[inside], metric=metric)
        # The kink at q = mu costs the square of the step.
        average = np.sum(quantiles * weight[inside])
        assert sphere.mean_distance_bound(mu, dim=dim, metric=metric) == pytest.approx(average, rel=2e-4)


@pytest.mark.parametrize("dim", [10, 100, 784, 150528, 10**9])
def test_tends_to_gaussian_noise(dim):
    radius = math.sqrt(dim)
    for mu in (1e-6, 0.01, 0.3, 0.5):
        a = bounds.halfspace_distance(mu)
        median = sphere.median_distance_bound(mu, dim=dim, radius=radius)
        assert abs(median - a) <= 5 * (a**3 + a + 1) / dim
        assert sphere.median_distance_bound(mu, dim=dim, radius=radius, metric="chord") <= median
        assert median <= a * radius / math.sqrt(dim - 2) * (1 + 1e-14)
        for eps in (0.1, 1.0, 3.0):
            assert abs(sphere.enlargement(mu, eps, dim=dim, radius=radius) - bounds.enlargement(mu, eps)) <= 5 / dim


@given(spheres.filter(lambda dim: dim > 2), error_rates(), log_error_rates(), st.floats(0, 4))
def test_gaussian_comparison(dim, mu, log_mu, step):
    eps = min(step / math.sqrt(dim), 3.0)
    assert sphere.gaussian_enlargement(mu, eps, dim=dim) <= sphere.enlargement(mu, eps, dim=dim) + 1e-12
    z, shift = float(bounds.halfspace_distance(log_mu=log_mu)), eps * math.sqrt(dim - 2)
    assert log_ndtr(shift - z) <= sphere.log_enlargement(log_mu=log_mu, eps=eps, dim=dim) * (1 - 1e-11) + 1e-12
    # From 1/2 on in elementary terms: n - 1 in the exponent, and the factor 1/2.
    tail = sphere.log_enlargement_complement(0.5, eps, dim=dim)
    if eps < math.pi / 2:
        cosine = math.log(0.5) + (dim - 1) * math.log1p(-2 * math.sin(eps / 2) ** 2)
        assert tail <= cosine + 1e-12 <= math.log(0.5) - (dim - 1) * eps**2 / 2 + 2e-12


@pytest.mark.parametrize("dim", [3, 5, 10, 100, 1000])
def test_the_comparison_fails_with_one_dimension_more(dim):
    eps = 0.01 / math.sqrt(dim)
    truth = sphere.enlargement(0.5, eps, dim=dim)  # half of the sphere, which is a cap
    assert ndtr(eps * math.sqrt(dim - 2)) < truth - 1e-9
    assert ndtr(eps * math.sqrt(dim - 1)) > truth + 1e-9


def test_an_arc_is_no_chord():
    # Taking an arc for a chord claims more than a cap has; the other way round it is only too weak.
    theta, eps = 1.0, 1.2
    mu, truth = sphere.cap_measure(theta, dim=10), sphere.cap_measure(theta + eps, dim=10)
    assert sphere.enlargement(mu, eps, dim=10) == pytest.approx(truth, rel=1e-13)
    assert sphere.enlargement(mu, eps, dim=10, metric="chord") > truth + 0.01


def test_limits():
    inf, nan = math.inf, math.nan
    grid = sphere.enlargement([[0.0, 0.3, 1.0]], [[0.0], [1.0], [4.0], [inf]], dim=3)
    assert grid[0].tolist() == [0, 0.3, 1] and grid[:, 0].tolist() == [0, 0, 0, 0]
    assert grid[2:, 1].tolist() == [1, 1] and grid[:, 2].tolist() == [1, 1, 1, 1] and 0.3 < grid[1, 1] < 1
    assert sphere.enlargement(5e-324, math.pi, dim=3) == 1 == sphere.enlargement(5e-324, 2.0, dim=3, metric="chord")
    assert sphere.log_enlargement([0.0, 1.0], 1.0, dim=3).tolist() == [-inf, 0]
    assert sphere.log_enlargement_complement([0.0, 0.5, 1.0], 2.0, dim=3).tolist() == [0, -inf, -inf]
    assert sphere.log_enlargement(log_mu=-1e300, eps=[0.0, 1.0], dim=3).tolist()[0] == -1e300
    assert sphere.log_enlargement(log_mu=-1e300, eps=1.0, dim=3) == pytest.approx(math.log(math.sin(0.5) ** 2))
    # Without a point in it there is no distance; with one it is at most that of the opposite point.
    assert sphere.median_distance_bound([0.0, 0.5, 1.0], dim=3, radius=2.0).tolist() == [2 * math.pi, 0, 0]
    assert sphere.mean_distance_bound([0.0, 1.0], dim=3, metric="chord").tolist() == [2, 0]
    assert sphere.median_distance_bound(5e-324, dim=2, metric="chord") == pytest.approx(math.sqrt(2))
    assert sphere.mean_distance_bound(log_mu=-1e300, dim=784) == pytest.approx(math.pi / 2)
    assert 0 < sphere.mean_distance_bound(log_accuracy=-600.0, dim=150528) < 1e-250
    assert sphere.cap_angle([0.0, 0.5, 1.0], dim=784) == pytest.approx([0, math.pi / 2, math.pi], rel=1e-16)
    assert sphere.cap_measure([0.0, math.pi], dim=[2, 150528]).tolist() == [0, 1]
    assert sphere.log_cap_measure([0.0, math.pi], dim=10).tolist() == [-inf, 0]
    assert sphere.enlargement(0.3, 1.0, dim=3, radius=inf) == 0.3 and sphere.cap_angle([], dim=3).shape == (0,)
    for value in (
        sphere.enlargement(nan, 0.0, dim=3),
        sphere.enlargement(0.3, nan, dim=3),
        sphere.enlargement(0.0, nan, dim=3),
        sphere.enlargement(0.3, 1.0, dim=3, radius=nan),
        sphere.median_distance_bound(nan, dim=3),
        sphere.median_distance_bound(0.0, dim=3, radius=nan),
        sphere.mean_distance_bound(nan, dim=3, metric="chord"),
        sphere.quantile_distance_bound(0.3, dim=3, q=nan),
        sphere.cap_measure(nan, dim=2),
    ):
        assert math.isnan(value)
    for wrong, message in (
        (lambda: sphere.enlargement(0.3, -1.0, dim=3), "eps=-1.0 must be >= 0"),
        (lambda: sphere.enlargement(0.3, 1.0, dim=1), "dim=1.0 must be >= 2"),
        (lambda: sphere.gaussian_enlargement(0.3, 1.0, dim=2), "dim=2.0 must be >= 3"),
        (lambda: sphere.enlargement(0.3, 1.0, dim=3, radius=0.0), "radius=0.0 must be > 0"),
        (lambda: sphere.enlargement(0.3, 1.0, dim=3, metric="euclid"), "metric='euclid' must be one of"),
        (lambda: sphere.cap_measure(3.2, dim=3), "theta=3.2 must be <= pi"),
        (lambda: sphere.quantile_distance_bound(0.3, dim=3, q=1.0), "q=1.0 must be in"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    with pytest.raises(TypeError, match=r"dim=3\.5 must be an integer"):
        sphere.enlargement(0.3, 1.0, dim=3.5)
    with pytest.raises(TypeError, match="eps must be given too"):
        sphere.enlargement(log_mu=-1.0, dim=3)


def test_assumptions_matter():
    # Points not uniform on the sphere: 99 % of them are within an angle of 0.5 from one pole, and uniform there, the
    # others uniform on the rest. A cap around the other pole gains few points.
    rest = 0.01 / (1 - sphere.cap_measure(0.5, dim=10))
    mu, grown = (rest * sphere.cap_measure(theta, dim=10) for theta in (0.6, 1.1))
    assert sphere.enlargement(mu, 0.5, dim=10) > 2 * grown
    # A sphere that is larger than claimed.
    half = sphere.enlargement(0.5, 0.1, dim=10, radius=2.0)
    assert sphere.enlargement(0.5, 0.1, dim=10, radius=1.0) > half + 0.05
