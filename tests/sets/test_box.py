from __future__ import annotations

import dataclasses
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.errors import NotExact
from isoperimetry.sets import Box, Complement, ErrorSet, Slab
from isoperimetry.testing.strategies import sigmas
from tests.sets.routes import assert_nan_passes

INF = math.inf


def exact_logs(low, high, digits=50):
    """The logs of the measure and of its complement, for sigma 1 and the origin, from mpmath."""
    with mpmath.workdps(digits):
        root, product = mpmath.sqrt(2), mpmath.mpf(1)
        for a, b in zip(low, high, strict=True):
            left, right = (mpmath.mpf(a), mpmath.mpf(b)) if a + b > 0 else (-mpmath.mpf(b), -mpmath.mpf(a))
            product *= (mpmath.erfc(left / root) - mpmath.erfc(right / root)) / 2
        return mpmath.log(product), mpmath.log1p(-product)


def test_the_definition():
    box = Box([-1.0, 0.0, -INF], [1.0, 2.0, 5.0])
    points = np.array([[0.0, 1.0, -9.0], [1.0, 2.0, 5.0], [4.0, 6.0, 17.0], [0.0, 1.5, 4.9], [math.nan, 0.0, 0.0]])
    assert box.dim == 3 and isinstance(box, ErrorSet)
    assert box.contains(points).tolist() == [True, True, False, True, False]
    assert box.signed_distance(points)[:4] == pytest.approx([-1.0, 0.0, 13.0, -0.1], rel=1e-14)
    assert math.isnan(box.signed_distance(points[4]))
    assert box.contains(points[0]) is True and isinstance(box.signed_distance(points[0]), float)
    assert box.signed_distance(points.reshape(5, 1, 3)).shape == box.contains(points.reshape(5, 1, 3)).shape == (5, 1)
    assert (
        repr(box) == "Box(low=[-1.0, 0.0, -inf], high=[1.0, 2.0, 5.0])"
        and repr(Box([0.0] * 9, [1] * 9)) == "Box(dim=9)"
    )
    for end in (box.low, box.high):
        with pytest.raises(ValueError, match="read-only"):
            end[0] = 3.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        box.low = [0.0]


def test_inputs_stay_as_they_are():
    low, high = np.array([-1.0, -2.0]), np.array([1.0, 2.0])
    box = Box(low, high)
    low[0] = -9.0
    x, center, eps, sigma = np.ones((2, 2)), np.array([0.5, 0.0]), np.array([0.0, 1.0]), np.array([1.0, 2.0])
    copies = [array.copy() for array in (x, center, eps, sigma)]
    box.contains(x), box.signed_distance(x), box.enlarged_volume(eps, center, sigma, p=INF)
    box.complement_enlarged_volume(eps, center, sigma), box.complement_log_volume(center, sigma)
    assert box.low.tolist() == [-1.0, -2.0]
    assert all(np.array_equal(a, b) for a, b in zip(copies, (x, center, eps, sigma), strict=True))


def test_table_of_published_decimals():
    assert Box([-1.0] * 10, [1.0] * 10).volume() == pytest.approx(0.021990352093377346645, rel=1e-14)
    assert Box([-1.0] * 784, [1.0] * 784).log_volume() == pytest.approx(-299.26467470086684066, rel=1e-15)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ([-1.0, 0.5, 3.0], [1.0, 0.75, 4.0]), ([-9.0, -12.0], [9.0, 10.0]), ([-5.0, -6.0], [INF, 7.0]),
        ([35.0, -60.0, 0.0], [36.0, -59.0, 1e-9]), ([-2.0, -40.0], [1.0, 45.0]), ([-0.25], [0.5]),
        ([-38.0, -50.0], [39.0, INF]),
    ],
)  # fmt: skip
def test_logs_against_mpmath(low, high):
    box = Box(low, high)
    inside, outside = exact_logs(low, high, digits=2000)
    assert box.log_volume() == pytest.approx(float(inside), rel=2e-15, abs=1e-15)
    # Relative to the complement's measure, its log being far from 0 where it is small.
    assert box.complement_log_volume() == pytest.approx(float(outside), rel=2e-14, abs=0)
    assert Complement(box).log_volume() == box.complement_log_volume()


def test_deep_tails_and_many_inputs():
    n = 150_528
    box, center = Box(np.full(n, -1.0), np.full(n, 1.0)), np.full(n, 0.25)
    one = Box([-1.0], [1.0])
    assert box.log_volume(center) == pytest.approx(n * one.log_volume([0.25]), rel=1e-13)
    assert box.volume(center) == 0 and box.complement_volume(center) == 1
    assert box.complement_log_volume() == 0
    # Far faces: n times the tail of one of them, here below the smallest float.
    far = Box(np.full(n, -450.0), np.full(n, 450.0))
    expected = float(mpmath.log(mpmath.erfc(450 / mpmath.sqrt(2)))) + math.log(n)
    assert far.complement_log_volume() == pytest.approx(expected, rel=1e-13) and expected < -1e5
    assert far.log_volume() == 0 and far.complement_volume() == 0
    # A thousand sigma away.
    assert Box([1000.0, 0.0], [1001.0, 1e-3]).log_volume() == pytest.approx(
        float(mpmath.log(mpmath.erfc(1000 / mpmath.sqrt(2)) / 2)) + Box([0.0], [1e-3]).log_volume(), rel=1e-14
    )
    assert Complement(far).enlarged_volume(449.0) == pytest.approx(1.0)  # 1 - 0.68**150528
    assert Complement(far).enlarged_volume(440.0) == pytest.approx(n * 2 * 7.619853024160527e-24, rel=1e-12)


@given(st.integers(1, 4), sigmas(), st.floats(0, 2), st.data())
def test_laws(dim, sigma, length, data):
    numbers = st.lists(st.floats(-4, 4), min_size=dim, max_size=dim)
    first, second, center = (sigma * np.array(data.draw(numbers)) for _ in range(3))
    box, eps = Box(np.minimum(first, second), np.maximum(first, second)), length * sigma
    other = Complement(box)
    mu, rest = box.volume(center, sigma), other.volume(center, sigma)
    assert mu + rest == pytest.approx(1, abs=1e-14)
    assert math.exp(box.log_volume(center, sigma)) == pytest.approx(mu, rel=1e-12, abs=1e-300)
    # The measure is a product of slabs.
    slabs = [
        Slab(axis, 0.5 * (a + b), 0.5 * (b - a)) for axis, a, b in zip(np.eye(dim), box.low, box.high, strict=True)
    ]
    logs = sum(slab.log_volume(center, sigma) for slab in slabs)
    if np.all(box.high - box.low > 1e-6 * sigma):  # the middle of a slab is rounded
        assert box.log_volume(center, sigma) == pytest.approx(logs, rel=1e-8)
    # In the largest-entry norm a box grows to a box; in every norm its complement's growth is a smaller box.
    large = Box(box.low - eps, box.high + eps)
    assert box.enlarged_volume(eps, center, sigma, p=INF) == pytest.approx(large.volume(center, sigma), rel=1e-9)
    grown = [other.enlarged_volume(eps, center, sigma, p=p) for p in (1, 2, 3, INF)]
    assert grown == [grown[0]] * 4 and grown[0] >= rest * (1 - 1e-13)
    if np.any(box.high - box.low <= 2 * eps):
        assert grown[0] == 1 or eps == 0
    elif np.all(box.high - box.low > 2.001 * eps):
        small = Box(box.low + eps, box.high - eps)
        assert grown[0] == pytest.approx(small.complement_volume(center, sigma), rel=1e-9)


def test_membership_by_monte_carlo(rng):
    box, center, sigma, eps, n = Box([-1.0, 0.2, -INF], [0.7, 1.5, 0.4]), np.array([0.3, 1.1, -0.2]), 0.8, 0.2, 100_000
    x = center + sigma * rng.standard_normal((n, 3))
    inside, distance = box.contains(x), box.signed_distance(x)
    beyond = np.maximum(box.low - x, x - box.high).max(axis=1)
    assert np.array_equal(inside, distance <= 0)
    for count, p in (
        (inside.sum(), box.volume(center, sigma)),
        ((beyond <= eps).sum(), box.enlarged_volume(eps, center, sigma, p=INF)),
        ((-distance <= eps).sum(), box.complement_enlarged_volume(eps, center, sigma)),
        ((-distance <= eps).sum(), box.complement_enlarged_volume(eps, center, sigma, p=1)),
    ):
        assert abs(count - n * p) < 4.9 * math.sqrt(n * p * (1 - p))  # fails once in a million


def test_edges():
    box, flat, whole = Box([0.0, 0.0], [1.0, 2.0]), Box([1.0, 0.0], [1.0, 2.0]), Box([-INF, -INF], [INF, INF])
    assert flat.volume() == 0 and flat.log_volume() == -INF and flat.complement_log_volume() == 0
    assert flat.enlarged_volume(0.5, p=INF) == pytest.approx(Box([0.5, -0.5], [1.5, 2.5]).volume(), rel=1e-14)
    assert Complement(flat).enlarged_volume(5e-324) == 1 and flat.signed_distance([1.0, 1.0]) == 0
    assert whole.volume(sigma=[0.0, 1.0, INF]).tolist() == [1, 1, 1] and whole.signed_distance([3.0, 4.0]) == -INF
    assert (
        whole.complement_volume() == whole.complement_enlarged_volume(INF) == 0
        and whole.complement_log_volume() == -INF
    )
    assert whole.enlarged_volume([0.0, 1.0, INF]).tolist() == [1, 1, 1]
    # Without noise the center decides; the boundary belongs to the box.
    assert [box.volume(c, 0.0) for c in ([0.0, 0.0], [1.0, 2.0], [1.1, 1.0])] == [1, 1, 0]
    assert box.enlarged_volume([0.0, 0.5, 1.0, INF], [2.0, 3.0], 0.0, p=INF).tolist() == [0, 0, 1, 1]
    assert box.complement_enlarged_volume([0.0, 0.4, 0.5, INF], [0.5, 1.0], 0.0).tolist() == [0, 0, 1, 1]
    assert box.complement_enlarged_volume([0.4, 0.5], [0.5, 1.0], 0.0, p=1).tolist() == [0, 1]
    assert box.enlarged_volume(INF) == box.enlarged_volume(INF, p=1) == 1
    # Without limit of the noise, only what is open on a side has a share.
    assert box.volume(sigma=INF) == 0 and Box([0.0, -INF], [INF, 3.0]).volume(sigma=INF) == 0.25
    assert box.log_volume(sigma=[5e-324, 1e-200]) == pytest.approx([2 * math.log(0.5)] * 2)
    assert Box([-1e308, 0.0], [1e308, INF]).volume(sigma=1e307) == pytest.approx(0.5)
    assert Box([1e200], [1e200 * (1 + 1e-15)]).log_volume() == -INF
    assert_nan_passes(Box([-INF, 1.0], [INF, 2.0]))
    assert math.isnan(box.enlarged_volume(1.0, [0.0, math.nan], p=INF))
    assert math.isnan(Complement(box).enlarged_volume(math.nan))


def test_what_is_exact():
    box, slab = Box([0.0, 0.0], [1.0, 1.0]), Box([0.0, -INF], [1.0, INF])
    with pytest.raises(NotExact, match=r"Box has no exact measure of its enlargement for p=2: use a set"):
        box.enlarged_volume([0.0, 0.1])
    with pytest.raises(NotExact, match="for p=1"):
        box.enlarged_volume(0.1, p=1)
    with pytest.raises(NotExact):
        box.distance_law()
    assert box.enlarged_volume(0.0) == box.volume()
    assert "enlarged_volume" not in box.capabilities and "enlarged_volume" in slab.capabilities
    for p in (1, 2, INF):
        same = Slab([1.0, 0.0], 0.5, 0.5).enlarged_volume(0.3, [0.2, 9.0], 2.0, p=p)
        assert slab.enlarged_volume(0.3, [0.2, 9.0], 2.0, p=p) == pytest.approx(same, rel=1e-14)
    assert slab.distance_law().quantile(0.5) == pytest.approx(Slab([1.0, 0.0], 0.5, 0.5).distance_law().quantile(0.5))


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        ([0.0], [0.0, 1.0], r"low has shape \(1,\) but high has shape \(2,\)"),
        ([0.0, 2.0], [1.0, 1.0], r"low has 1 entry outside its range, the first is low\[1\]=2\.0: all must be <= high"),
        ([INF], [INF], "below inf"), ([-INF], [-INF], "above -inf"), ([math.nan], [1.0], "a number"),
        (0.0, 1.0, r"must have shape \(dim,\)"), ([], [], r"must have shape \(dim,\)"),
    ],
)  # fmt: skip
def test_wrong_arguments(low, high, message):
    with pytest.raises(ValueError, match=message):
        Box(low, high)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda box: box.contains([1.0]), r"Box has dim=2 but x has shape \(1,\)"),
        (lambda box: box.volume([1.0, 2.0, 3.0]), r"Box has dim=2 but center has shape \(3,\)"),
        (lambda box: box.volume(np.ones((2, 2))), "it is one point"),
        (lambda box: box.volume([1.0, INF]), "must be finite"),
        (lambda box: box.volume(sigma=-1.0), r"sigma=-1\.0 must be >= 0"),
        (lambda box: box.complement_enlarged_volume(-1.0), r"eps=-1\.0 must be >= 0"),
        (lambda box: box.complement_enlarged_volume(1.0, p=0.5), r"p=0\.5 must be >= 1"),
        (lambda box: box.complement_enlarged_volume(1.0, p=math.nan), "p=nan must be >= 1"),
        (lambda box: box.complement_enlarged_volume([1.0, 2.0], sigma=[1.0, 2.0, 3.0]), "do not broadcast"),
    ],
)
def test_wrong_questions(call, message):
    with pytest.raises(ValueError, match=message):
        call(Box([0.0, 0.0], [1.0, 1.0]))
    with pytest.raises(TypeError, match="real number"):
        Box([0.0], ["a"])
