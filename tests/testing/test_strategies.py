from __future__ import annotations

import math

import numpy as np
from hypothesis import find, given

from isoperimetry.sets import Complement, HalfSpace, Slab
from isoperimetry.testing.strategies import dims, error_rates, error_sets, log_error_rates, sigmas


@given(error_rates(), log_error_rates(), sigmas(), dims(), error_rates(low=0.1, high=0.2), sigmas(low=3.0, high=3.5))
def test_numbers_stay_in_their_range(mu, log_mu, sigma, dim, narrow, scale):
    assert 1e-300 <= mu <= 1 - 1e-12 and -1e6 <= log_mu <= -1e-6 and 1e-6 <= sigma <= 1e6
    assert dim in {1, 2, 3, 10, 784, 150528} and 0.1 <= narrow <= 0.2 and 3.0 <= scale <= 3.5


def test_all_kinds_and_scales_are_drawn():
    assert find(error_rates(), lambda mu: mu < 1e-200) < 1e-200
    assert find(log_error_rates(), lambda log: -1e-3 < log) > -1e-3
    assert find(sigmas(), lambda sigma: sigma > 1e5) > 1e5
    assert find(dims(), lambda dim: dim > 784) == 150528
    for kind in (HalfSpace, Slab, Complement):
        assert isinstance(find(error_sets(), lambda drawn, kind=kind: isinstance(drawn, kind)), kind)
    assert find(error_sets(), lambda drawn: drawn.dim == 784).dim == 784


@given(error_sets(dim=2, half_spaces=False), error_sets(dim=1, scale=100.0))
def test_error_sets_are_exact_and_reach_the_noise(error_set, large):
    assert not isinstance(error_set, HalfSpace) and error_set.dim == 2
    assert {"volume", "enlarged_volume"} <= error_set.capabilities
    assert math.isfinite(error_set.log_volume()) and 0 <= error_set.volume() <= 1
    assert abs(large.signed_distance(np.zeros(1))) <= 1600
    assert math.isfinite(large.log_volume(sigma=100.0))
