from __future__ import annotations

import math

import pytest

from isoperimetry.intervals import clopper_pearson
from isoperimetry.testing import assert_covers


@pytest.mark.parametrize("side", ["two-sided", "lower", "upper"])
def test_clopper_pearson_covers(side):
    assert_covers(
        lambda errors, trials: clopper_pearson(errors, trials, confidence=0.9, side=side),
        confidence=0.9,
        trials=(1, 2, 7, 40),
        rates=(0.0, 0.5, 1.0),
    )


def test_what_undercovers_is_refuted():
    # A two-sided 90 % interval covers 95 % on each side, not 97 %; Wilson's interval does not cover near 0.
    def lower(errors, trials):
        return clopper_pearson(errors, trials, confidence=0.9).low, 1.0

    assert_covers(lower, confidence=0.95, trials=(30,))
    with pytest.raises(AssertionError, match=r"The interval of 30 trials covers the rate .* with probability 0\.9"):
        assert_covers(lower, confidence=0.97, trials=(30,))

    def wilson(errors, trials, z=1.96):
        rate, share = errors / trials, z * z / trials
        middle = (rate + share / 2) / (1 + share)
        margin = z / (1 + share) * math.sqrt(rate * (1 - rate) / trials + share / trials / 4)
        return middle - margin, middle + margin

    with pytest.raises(AssertionError, match=r": 0\.95 was promised"):
        assert_covers(wilson, trials=(20,))


def test_the_coverage_of_one_trial_by_hand():
    # [0, 0.8] after no error and [0.2, 1] after one: at rate 0.2 covered always, just below by no error alone.
    limits = {0: (0.0, 0.8), 1: (0.2, 1.0)}
    assert_covers(lambda errors, trials: limits[errors], confidence=0.8, trials=(1,))
    with pytest.raises(AssertionError, match=r"with probability 0\.8000: 0\.81 was promised"):
        assert_covers(lambda errors, trials: limits[errors], confidence=0.81, trials=(1,))


def test_what_is_no_interval_is_refuted():
    for pair in ((0.5, 0.4), (math.nan, 1.0)):
        with pytest.raises(AssertionError, match="The interval of 0 errors in 3 trials is"):
            assert_covers(lambda errors, trials, pair=pair: pair, trials=(3,))
    with pytest.raises(ValueError, match="confidence=95 must be one number in"):
        assert_covers(clopper_pearson, confidence=95)
    with pytest.raises(ValueError, match="trials=0 must be >= 1"):
        assert_covers(clopper_pearson, trials=(0,))
