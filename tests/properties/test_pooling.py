"""Several inputs: the average of the bounds is a bound, the bound of the average rate is none."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isoperimetry.bounds import enlargement, mean_distance_bound
from isoperimetry.testing import error_rates, sigmas


@given(st.lists(error_rates(), min_size=1, max_size=20), st.floats(0, 40), sigmas())
def test_the_bound_of_the_average_rate_claims_more_than_the_average_bound(rates, step, sigma):
    average = np.mean(enlargement(rates, step * sigma, sigma))
    assert average <= enlargement(np.mean(rates), step * sigma, sigma) + 1e-15
    assert np.mean(mean_distance_bound(rates, sigma)) >= mean_distance_bound(np.mean(rates), sigma) * (1 - 1e-13)
