"""Theorems: a plain function and a `Theorem` record for each; all records in `THEOREMS`.

A function of an error rate takes exactly one of ``mu``, ``log_mu=``, ``accuracy=``, ``log_accuracy=``.
"""

from __future__ import annotations

from isoperimetry.bounds.catalog import THEOREMS, Catalogue
from isoperimetry.bounds.gaussian import (
    GAUSSIAN_DISTANCE,
    GAUSSIAN_ENLARGEMENT,
    GAUSSIAN_MEAN_DISTANCE,
    GAUSSIAN_PROFILE,
    GAUSSIAN_REQUIRED_RATE,
    GAUSSIAN_REQUIRED_SIGMA,
    GAUSSIAN_SECOND_MOMENT,
    HALFSPACE_DISTANCE,
    HALFSPACE_RATE,
    enlargement,
    error_rate_at_sigma,
    gaussian_profile,
    half_space_of_measure,
    halfspace_distance,
    log_enlargement,
    log_enlargement_complement,
    log_error_rate_at_sigma,
    log_gaussian_profile,
    log_mean_distance_bound,
    log_required_error_rate,
    mean_distance_bound,
    median_distance_bound,
    quantile_distance_bound,
    required_error_rate,
    required_sigma,
    second_moment_distance_bound,
)
from isoperimetry.bounds.theorem import Assumption, Theorem

__all__ = [
    "GAUSSIAN_DISTANCE",
    "GAUSSIAN_ENLARGEMENT",
    "GAUSSIAN_MEAN_DISTANCE",
    "GAUSSIAN_PROFILE",
    "GAUSSIAN_REQUIRED_RATE",
    "GAUSSIAN_REQUIRED_SIGMA",
    "GAUSSIAN_SECOND_MOMENT",
    "HALFSPACE_DISTANCE",
    "HALFSPACE_RATE",
    "THEOREMS",
    "Assumption",
    "Catalogue",
    "Theorem",
    "enlargement",
    "error_rate_at_sigma",
    "gaussian_profile",
    "half_space_of_measure",
    "halfspace_distance",
    "log_enlargement",
    "log_enlargement_complement",
    "log_error_rate_at_sigma",
    "log_gaussian_profile",
    "log_mean_distance_bound",
    "log_required_error_rate",
    "mean_distance_bound",
    "median_distance_bound",
    "quantile_distance_bound",
    "required_error_rate",
    "required_sigma",
    "second_moment_distance_bound",
]
