"""Intervals that hold at a stated confidence, from counts and from samples.

`clopper_pearson` is for a number of draws fixed in advance; `beta_binomial` and `BetaBinomialSequence` stay valid
however the draws are stopped; `quantile_lower_bound` and `quantile_upper_bound` bound a quantile of any distribution.
"""

from __future__ import annotations

from isoperimetry.intervals.binomial import clopper_pearson
from isoperimetry.intervals.order import quantile_lower_bound, quantile_upper_bound
from isoperimetry.intervals.sequence import BetaBinomialSequence, beta_binomial

__all__ = [
    "BetaBinomialSequence",
    "beta_binomial",
    "clopper_pearson",
    "quantile_lower_bound",
    "quantile_upper_bound",
]
