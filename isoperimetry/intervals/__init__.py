"""Intervals that hold at a stated confidence, from counts and from samples.

`clopper_pearson` is for a number of draws fixed in advance; `beta_binomial` and `BetaBinomialSequence` stay valid
however the draws are stopped, and so do `betting_interval` for the mean of values in [0, 1] and `betting_lower_bound`
for that of importance weights; `quantile_lower_bound` and `quantile_upper_bound` bound a quantile of any distribution,
`rate_quantile` one of rates, and `dkw_band` the whole distribution.
"""

from __future__ import annotations

from isoperimetry.intervals.betting import betting_interval, betting_lower_bound, log_betting_lower_bound
from isoperimetry.intervals.binomial import clopper_pearson
from isoperimetry.intervals.dkw import DistributionBand, dkw_band
from isoperimetry.intervals.order import quantile_lower_bound, quantile_upper_bound, rate_quantile
from isoperimetry.intervals.sequence import BetaBinomialSequence, beta_binomial

__all__ = [
    "BetaBinomialSequence",
    "DistributionBand",
    "beta_binomial",
    "betting_interval",
    "betting_lower_bound",
    "clopper_pearson",
    "dkw_band",
    "log_betting_lower_bound",
    "quantile_lower_bound",
    "quantile_upper_bound",
    "rate_quantile",
]
