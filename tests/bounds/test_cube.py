from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry import bounds
from isoperimetry.bounds import cube
from isoperimetry.testing import reference
from isoperimetry.testing.assertions import assert_ulp
from isoperimetry.testing.strategies import error_rates, sigmas

shares = st.floats(0, 1)


@pytest.mark.parametrize("mu", [1e-20, 0.01, 0.3, 0.5, 0.9])
def test_table(mu):
    # The probit, the factor and their sum are each right to an ulp or so of at most 10.
    for eps in (0.01, 0.5, 1.5):
        assert_ulp(cube.enlargement(mu, eps, side=1.5), reference.cube_enlargement(mu, eps, side=1.5, digits=25), 100)
    assert_ulp(cube.mean_distance_bound(mu, side=2), reference.cube_mean_distance_bound(mu, side=2, digits=25), 20)


def test_table_of_published_decimals():
    assert cube.enlargement(0.01, 0.5) == pytest.approx(0.14162798978500117974, rel=1e-14)
    assert cube.median_distance_bound(0.01) == pytest.approx(0.92807852587687801880, rel=1e-14)
    assert cube.mean_distance_bound(0.01) == pytest.approx(0.92943040700634005704, rel=1e-14)


@given(st.floats(1e-9, 1e-4), st.sampled_from([2, 3, 10, math.inf]), sigmas())
def test_equality_on_extremal(eps, p, side):
    # Half-cubes gain eps / side; at mu = 1/2 the bound is tangent to that, here to the third order of eps.
    gain = cube.enlargement(0.5, eps * side, side=side, p=p) - 0.5
    assert gain == pytest.approx(eps, rel=1.1 * eps**2 + 1e-6)
    assert gain <= eps * (1 + 1e-15 / eps)


@given(shares, shares, sigmas())
def test_holds(mu, step, side):
    eps = step * (1 - mu)
    assert cube.enlargement(mu, eps * side, side=side) <= mu + eps + 1e-12
    assert cube.median_distance_bound(mu, side=side) >= max(0.5 - mu, 0) * side * (1 - 1e-12)
    assert cube.mean_distance_bound(mu, side=side) >= 0.5 * (1 - mu) ** 2 * side * (1 - 1e-12)


@given(st.floats(0.001, 0.999), shares, st.sampled_from([2, 3, 30, 784]))
def test_holds_for_smaller_cubes(width, step, dim):
    # A cube in the middle, or in a corner, of a cube: in l_inf both grow to cubes again.
    middle = width + 2 * step * (1 - width) / 2
    for grown, eps in ((middle, step * (1 - width) / 2), (width + step * (1 - width), step * (1 - width))):
        bound = cube.log_enlargement(log_mu=dim * math.log(width), eps=eps, p=math.inf)
        assert bound <= dim * math.log(grown) + 1e-10 * (1 - bound)
    # In the plane all l_p enlargements are known (Steiner): the corners are rounded, or cut.
    h, eps, mu = width, step * (1 - width) / 2, width**2
    assert cube.enlargement(mu, eps) <= h * h + 4 * h * eps + math.pi * eps**2 + 1e-12
    assert cube.enlargement(mu, eps, p=1, dim=2) <= h * h + 4 * h * eps + 2 * eps**2 + 1e-12
    assert (
        cube.enlargement(mu, 2 * eps) <= h * h + 4 * h * eps + math.pi * eps**2 + 1e-12
    )  # in the corner, twice as far
    assert cube.enlargement(1 - mu, eps) <= 1 - max(h - 2 * eps, 0) ** 2 + 1e-12


def test_holds_for_balls(rng):
    x = rng.random((20_000, 5))
    for center, radius, eps in ((0.5, 0.45, 0.1), (0.0, 0.5, 0.2), (1.0, 0.9, 0.05)):
        distance = np.linalg.norm(x - center, axis=1)
        mu, truth = np.mean(distance <= radius), np.mean(distance <= radius + eps)
        # Twice 4.9 standard deviations of a rate, as the slope of the bound in mu is below 2 here.
        assert cube.enlargement(mu, eps) <= truth + 4 * 4.9 * math.sqrt(0.25 / len(x))


@given(error_rates(), st.floats(0, 2), sigmas(), st.floats(1, 2), st.sampled_from([1, 2, 10, 784]))
def test_laws(mu, step, side, p, dim):
    eps = step * side
    once = cube.enlargement(mu, eps, side=side)
    assert once == pytest.approx(cube.enlargement(mu, step), rel=1e-11)  # it is a matter of eps / side
    assert once == cube.enlargement(mu, eps, side=side, p=2, dim=dim) == cube.enlargement(mu, eps, side=side, p=7)
    assert mu <= once <= 1 and cube.enlargement(mu, 0.0, side=side) == mu
    assert math.exp(cube.log_enlargement(mu, eps, side=side)) == pytest.approx(once, rel=1e-12)
    rest = cube.log_enlargement_complement(mu, eps, side=side)
    assert -math.expm1(rest) == pytest.approx(once, rel=1e-12)
    # Below p = 2 distances are longer, by n**(1/p - 1/2) at most.
    stretch = dim ** (1 / p - 0.5)
    assert cube.enlargement(mu, stretch * eps, side=side, p=p, dim=dim) == pytest.approx(once, rel=1e-10)
    for bound in (cube.median_distance_bound, cube.mean_distance_bound):
        assert bound(mu, side=side, p=p, dim=dim) == pytest.approx(stretch * bound(mu, side=side), rel=1e-12)
    assert cube.quantile_distance_bound(mu, side=side, q=0.5) == cube.median_distance_bound(mu, side=side)


def test_limits():
    inf = math.inf
    assert cube.enlargement([0.0, 0.3, 1.0], [[0.0], [inf]]).tolist() == [[0, 0.3, 1], [0, 1, 1]]
    assert cube.log_enlargement([0.0, 1.0], 1.0).tolist() == [-inf, 0]
    assert cube.median_distance_bound([0.0, 0.5, 1.0]).tolist() == [inf, 0, 0]
    assert cube.mean_distance_bound([0.0, 1.0]).tolist() == [inf, 0]
    assert cube.enlargement(0.3, 1.0, side=inf) == 0.3
    assert cube.enlargement(0.3, 1.0, p=1, dim=[1, 4]).shape == (2,) and cube.enlargement([], 1.0).shape == (0,)
    assert math.isnan(cube.enlargement(math.nan, 1.0)) and math.isnan(cube.median_distance_bound(0.1, side=math.nan))
    for arguments, message in (
        ({"side": 0.0}, "side=0.0 must be > 0"),
        ({"p": 0.5}, "p=0.5 must be one number in"),
        ({"p": 1.5}, "p=1.5 needs dim"),
        ({"p": 1, "dim": 0}, "dim=0.0 must be >= 1"),
    ):
        with pytest.raises(ValueError, match=message):
            cube.enlargement(0.3, 1.0, **arguments)


def test_assumptions_matter():
    # Coordinates that are 0 or 1: nothing is near the half with x_1 = 0.
    assert cube.enlargement(0.5, 0.9) > 0.95
    # A longer side than claimed: the half-cube grows by eps / 2 only.
    assert cube.enlargement(0.5, 0.2, side=1.0) > 0.5 + 0.2 / 2 + 0.05


@given(st.floats(0.01, 0.4), st.floats(0.496, 0.504))
def test_the_factor_multiplies_the_distance_and_is_sharp_in_the_middle_only(mu, middle):
    eps = 1e-3  # half-cubes gain just that
    assert cube.enlargement(mu, eps) < mu + 0.98 * eps
    assert middle + 0.999 * eps < cube.enlargement(middle, eps) <= middle + eps
    for sigma in (1 / (2 * math.pi), 0.99 / math.sqrt(2 * math.pi)):
        assert bounds.enlargement(middle, eps, sigma) > middle + eps
    assert bounds.enlargement(middle, eps, math.sqrt(2 * math.pi)) < middle + 0.2 * eps  # divided: valid, far too weak
