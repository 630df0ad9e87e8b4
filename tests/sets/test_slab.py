from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry.sets import Complement, ErrorSet, HalfSpace, Slab
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import sigmas


def exact(center, half_width):
    """The measure and its log from mpmath, in the exact arithmetic of the given floats."""
    with mpmath.workdps(60 + int(0.44 * (abs(center) + half_width) ** 2)):
        low, high = mpmath.mpf(center) - half_width, mpmath.mpf(center) + half_width
        inside = (mpmath.erfc(low / mpmath.sqrt(2)) - mpmath.erfc(high / mpmath.sqrt(2))) / 2
        return +inside, mpmath.log(inside), mpmath.log1p(-inside)


def test_the_definition():
    slab = Slab([0.0, 2.0], 1.5, 0.5)
    points = np.array([[9.0, 1.0], [0.0, 2.0], [0.0, 2.1], [0.0, 1.25], [0.0, 0.0]])
    assert slab.dim == 2 and isinstance(slab, ErrorSet)
    assert slab.contains(points).tolist() == [True, True, False, True, False]
    assert slab.signed_distance(points) == pytest.approx([0.0, 0.0, 0.1, -0.25, 1.0], abs=1e-15)
    assert repr(slab) == "Slab(normal=[0.0, 2.0], center_offset=1.5, half_width=0.5)"


def test_table_of_published_decimals():
    slab = Slab([1.0], 1.5, 0.5)
    assert slab.volume() == pytest.approx(0.13590512198327784421, rel=1e-14)
    assert slab.enlarged_volume(0.5) == pytest.approx(0.30232787340021076120, rel=1e-14)
    assert Slab([1.0], 40.5, 0.5).log_volume() == pytest.approx(-804.60844201375378817, rel=1e-15)
    assert Slab([1.0], -40.5, 0.5).log_volume() == Slab([1.0], 40.5, 0.5).log_volume()


@pytest.mark.parametrize("center", [0.0, 1e-3, 0.5, -2.0, 3.0, 12.0, 38.0])
@pytest.mark.parametrize("half_width", [1e-12, 1e-3, 0.02, 0.1, 0.49, 0.51, 1.0, 2.0, 9.0])
def test_table(center, half_width):
    slab = Slab([1.0], center, half_width)
    inside, log_inside, log_outside = exact(center, half_width)
    # An end is rounded once, to half an ulp, and the density changes by the factor z over that; the weights of the rule
    # for thin slabs are right to a few ulp.
    ends = 1e-15 + 4e-16 * (abs(center) + half_width) ** 2
    assert_ulp(slab.log_volume(), log_inside, 4, absolute=ends)
    assert_ulp(slab.volume(), inside, 4, absolute=2 * ends * float(inside))
    assert_ulp(
        slab.complement_log_volume(), log_outside, 4, absolute=ends * float(-log_outside) + 1e-16 * float(inside)
    )


@given(st.floats(-9, 9), st.floats(1e-6, 9), st.floats(0, 3), sigmas())
@example(center=1.0, half_width=1.0, length=1.0, sigma=1.0)
def test_complement_and_parts(center, half_width, length, sigma):
    slab = Slab([1.0, 1.0], center * sigma, half_width * sigma)
    other = Complement(slab)
    assert slab.volume(sigma=sigma) + other.volume(sigma=sigma) == pytest.approx(1.0, abs=1e-14)
    assert math.exp(slab.log_volume(sigma=sigma)) == pytest.approx(slab.volume(sigma=sigma), rel=1e-12)
    # What lies above and below adds up.
    above = HalfSpace([1.0, 1.0], (center + half_width) * sigma).volume(sigma=sigma)
    below = HalfSpace([-1.0, -1.0], (half_width - center) * sigma).volume(sigma=sigma)
    assert other.volume(sigma=sigma) == pytest.approx(above + below, rel=1e-9, abs=1e-300)
    # The enlargement of a slab is a slab, and that of its complement the complement of a thinner one.
    eps = length * sigma
    thick = Slab([1.0, 1.0], center * sigma, (half_width + length) * sigma)
    assert slab.enlarged_volume(eps, sigma=sigma) == pytest.approx(thick.volume(sigma=sigma), rel=1e-9)
    if length < half_width:
        thin = Slab([1.0, 1.0], center * sigma, (half_width - length) * sigma)
        assert other.enlarged_volume(eps, sigma=sigma) == pytest.approx(thin.complement_volume(sigma=sigma), rel=1e-9)
    else:
        assert other.enlarged_volume(eps, sigma=sigma) == 1


def test_membership_by_monte_carlo(rng):
    slab, center, sigma, n = Slab([1.0, -2.0, 2.0], 0.5, 0.4), np.array([0.3, 0.0, -0.2]), 0.8, 100_000
    x = center + sigma * rng.standard_normal((n, 3))
    inside, distance = slab.contains(x), slab.signed_distance(x)
    assert np.array_equal(inside, distance <= 0)
    for count, p in (
        (inside.sum(), slab.volume(center, sigma)),
        ((distance <= 0.3).sum(), slab.enlarged_volume(0.3, center, sigma)),
        ((-distance <= 0.3).sum(), slab.complement_enlarged_volume(0.3, center, sigma)),
    ):
        assert abs(count - n * p) < 4.9 * math.sqrt(n * p * (1 - p))  # fails once in a million


def test_edges():
    inf = math.inf
    plane, whole = Slab([1.0], 1.0, 0.0), Slab([1.0], 1.0, inf)
    assert plane.volume() == 0 and plane.log_volume() == -inf and plane.complement_volume() == 1
    assert plane.enlarged_volume(0.5) == Slab([1.0], 1.0, 0.5).volume()
    assert plane.contains([1.0]) and plane.volume([1.0], 0.0) == 1 and plane.volume([1.1], 0.0) == 0
    assert whole.volume([0.0, 1.0, inf][1:2], 0.0) == whole.volume() == whole.volume(sigma=inf) == 1
    assert whole.complement_volume() == whole.complement_enlarged_volume(inf) == 0
    assert whole.signed_distance([3.0]) == -inf
    slab = Slab([1.0], 1.0, 0.5)
    assert slab.volume(sigma=[0.0, inf]).tolist() == [0, 0] and slab.complement_volume(sigma=inf) == 1
    assert slab.volume([1.5], 0.0) == 1 and slab.complement_volume([1.5], 0.0) == 0
    assert slab.complement_enlarged_volume([0.0, 0.4, 0.5, inf], [1.0], 0.0).tolist() == [0, 0, 1, 1]
    assert slab.enlarged_volume(inf) == 1
    assert Slab([1.0], 1e200, 1e-201).volume() == 0 and Slab([1.0], 1e200, 1e-201).log_volume() == -inf
    assert Slab([1.0], 1e150, 1e-160).log_volume() == pytest.approx(-5e299, rel=1e-15)
    for value in (
        slab.volume(sigma=math.nan),
        slab.log_volume([math.nan]),
        slab.enlarged_volume(math.nan),
        slab.complement_enlarged_volume(math.nan),
        slab.complement_enlarged_volume(9.0, sigma=math.nan),
    ):
        assert math.isnan(value)
    assert slab.volume(sigma=[]).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], math.inf, 1.0), "center_offset=inf must be finite"),
        (([1.0], 0.0, -1.0), r"half_width=-1\.0 must be >= 0"),
        (([1.0], 0.0, math.nan), "half_width=nan must be >= 0"),
        (([0.0], 0.0, 1.0), "normal must have a non-zero entry"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Slab(*arguments)


def test_enlargement_in_other_norms():
    slab = Slab([1.0, 1.0], 2.0, 0.5)
    # In l_inf a step of 1 goes along the diagonal, sqrt(2) across the slab; in l_1 along an axis, 1 / sqrt(2).
    for p, reach in ((math.inf, math.sqrt(2)), (2, 1.0), (1, math.sqrt(0.5))):
        assert slab.enlarged_volume(0.3, p=p) == pytest.approx(
            Slab([1.0, 1.0], 2.0, 0.5 + 0.3 * reach).volume(), rel=1e-13
        )
        thin = Complement(Slab([1.0, 1.0], 2.0, 0.5 - 0.3 * reach))
        assert Complement(slab).enlarged_volume(0.3, p=p) == pytest.approx(thin.volume(), rel=1e-13)
