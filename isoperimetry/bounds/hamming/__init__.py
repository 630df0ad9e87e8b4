"""Words of n letters and the number of letters in which they differ: Harper's theorem on bits, McDiarmid's for all."""

from __future__ import annotations

from isoperimetry.bounds.hamming.distances import HAMMING_DISTANCE, median_distance_bound, quantile_distance_bound
from isoperimetry.bounds.hamming.enlargements import (
    HAMMING_ENLARGEMENT,
    enlargement,
    log_ball_measure,
    log_enlargement,
    log_enlargement_complement,
)
from isoperimetry.bounds.hamming.products import (
    PRODUCT_DISTANCE,
    log_product_tail,
    product_mean_distance_bound,
    product_median_distance_bound,
    product_quantile_distance_bound,
    product_tail,
)

__all__ = [
    "HAMMING_DISTANCE",
    "HAMMING_ENLARGEMENT",
    "PRODUCT_DISTANCE",
    "enlargement",
    "log_ball_measure",
    "log_enlargement",
    "log_enlargement_complement",
    "log_product_tail",
    "median_distance_bound",
    "product_mean_distance_bound",
    "product_median_distance_bound",
    "product_quantile_distance_bound",
    "product_tail",
    "quantile_distance_bound",
]
