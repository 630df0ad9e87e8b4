"""What all functions of an error rate have in common: NaN, shapes, edges, and single precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoperimetry import bounds
from isoperimetry.bounds import ball, cube, generator, hamming, laplace, logconcave, sphere
from isoperimetry.testing import error_rates

# The function, further arguments, the name of its scale, and its values at mu = 0 and mu = 1.
CASES = [
    (bounds.halfspace_distance, {}, "sigma", math.inf, -math.inf),
    (bounds.median_distance_bound, {}, "sigma", math.inf, 0),
    (bounds.median_distance_bound, {"conditional": True}, "sigma", math.inf, None),
    (bounds.quantile_distance_bound, {"q": 0.9}, "sigma", math.inf, 0),
    (bounds.mean_distance_bound, {}, "sigma", math.inf, 0),
    (bounds.second_moment_distance_bound, {}, "sigma", math.inf, 0),
    (bounds.gaussian_profile, {}, "sigma", 0, 0),
    (bounds.enlargement, {"eps": 0.7}, "sigma", 0, 1),
    (bounds.log_enlargement, {"eps": 0.7}, "sigma", -math.inf, 0),
    (bounds.log_enlargement_complement, {"eps": 0.7}, "sigma", 0, -math.inf),
    (bounds.error_rate_at_sigma, {"sigma_new": 0.3}, "sigma", 0, 1),
    (bounds.worst_case_distance, {"dim": 3}, "sigma", math.inf, 0),
    (bounds.median_distance_bound_norm, {"dim": 9, "p": 1}, "sigma", math.inf, 0),
    (bounds.halfspace_distance_norm, {"normal": [1.0, 2.0]}, "sigma", math.inf, -math.inf),
    (bounds.noise_stability, {}, "rho", 0, 1),
    (sphere.enlargement, {"eps": 0.7, "dim": 5}, "radius", 0, 1),
    (ball.enlargement, {"eps": 0.7, "dim": 5}, "radius", 0, 1),
    (cube.enlargement, {"eps": 0.7}, "side", 0, 1),
    (cube.mean_distance_bound, {}, "side", math.inf, 0),
    (laplace.enlargement, {"eps": 0.7}, "scale", 0, 1),
    (logconcave.enlargement, {"eps": 0.7}, "sigma", 0, 1),
    (generator.enlargement, {"eps": 0.7}, "lipschitz", 0, 1),
    (hamming.product_median_distance_bound, {"dim": 9}, None, math.inf, 0),
]
CASES_OF_DISTANCE = [
    (bounds.halfspace_distance, math.inf, -math.inf), (bounds.median_distance_bound, math.inf, 0),
    (bounds.mean_distance_bound, math.inf, 0),
]  # fmt: skip
GROWTHS = [
    (bounds.enlargement, {}), (sphere.enlargement, {"dim": 5}), (ball.enlargement, {"dim": 5}), (cube.enlargement, {}),
    (laplace.enlargement, {}), (logconcave.enlargement, {"sigma": 1.0}), (generator.enlargement, {"lipschitz": 1.0}),
]  # fmt: skip
ids = [f"{case[0].__module__.split('.')[2]}-{case[0].__name__}" for case in CASES]


@pytest.mark.parametrize(("function", "others", "scale", "at_zero", "at_one"), CASES, ids=ids)
@settings(max_examples=20)
@given(st.lists(error_rates(low=1e-30), min_size=3, max_size=3), st.floats(0.125, 0.875))
def test_arrays_edges_and_single_precision(function, others, scale, at_zero, at_one, rates, size):
    scales = {} if scale is None else {scale: size}
    mu = np.array([0.0, math.nan, 1.0, *rates])
    kept, values = mu.copy(), function(mu, **others, **scales)
    assert np.array_equal(mu, kept, equal_nan=True)
    assert values.dtype == np.float64 and np.array_equal(np.isnan(values), np.isnan(mu))
    assert values[0] == at_zero and (at_one is None or values[2] == at_one)
    assert [function(rate, **others, **scales) for rate in rates] == pytest.approx(values[3:].tolist(), rel=1e-14)
    if scale is not None:
        assert function(mu, **others, **{scale: np.full((2, 1), size)}).shape == (2, mu.size)
        assert math.isnan(function(0.3, **others, **{scale: math.nan}))
    single = np.array(rates).astype(np.float32).clip(1e-30, 1 - 1e-7)
    exact = function(single.astype(np.float64), **others, **scales)
    assert np.array_equal(function(single, **others, **scales), exact)  # computed in double precision


@pytest.mark.parametrize(("function", "others"), GROWTHS, ids=[case[0].__module__.split(".")[2] for case in GROWTHS])
def test_edges_of_the_distance(function, others):
    mu = [0.0, 5e-324, 0.3, 1.0]
    steps = np.array([[0.0], [math.inf], [math.nan]])
    assert np.array_equal(function(mu, steps, **others), [mu, [0, 1, 1, 1], [math.nan] * 4], equal_nan=True)
    for wrong in ({"mu": -0.1, "eps": 1}, {"mu": 1.1, "eps": 1}, {"log_mu": [0.1], "eps": 1}, {"mu": 0.5, "eps": -1}):
        with pytest.raises(ValueError, match="must be"):
            function(**wrong, **others)


def test_edges_of_the_noise_scale():
    inf = math.inf
    for function, at_zero, at_one in CASES_OF_DISTANCE:
        assert function([0.0, 1.0], 0.0).tolist() == [at_zero, at_one]
        assert function([0.0, 0.3], inf).tolist() == [inf, inf]
        with pytest.raises(ValueError, match="sigma"):
            function(0.3, 0.0)
    assert bounds.median_distance_bound([0.5, 0.7], inf).tolist() == [0, 0]
    assert bounds.enlargement([0.0, 0.3, 1.0], 2.0, inf).tolist() == [0, 0.3, 1]
    assert math.copysign(1, bounds.halfspace_distance(0.5)) == math.copysign(1, bounds.median_distance_bound(0.5)) == 1
