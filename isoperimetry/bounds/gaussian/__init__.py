"""Bounds in Gaussian noise: one module for each kind of question, and each front function with its inverse."""

from __future__ import annotations

from isoperimetry.bounds.gaussian.center import (
    CENTER_AFFINE,
    CENTER_CONVEX,
    CENTER_WORST_CASE,
    affine_classifier_distance,
    convex_distance_bound,
    worst_case_distance,
)
from isoperimetry.bounds.gaussian.enlargements import (
    GAUSSIAN_ENLARGEMENT,
    enlargement,
    log_enlargement,
    log_enlargement_complement,
)
from isoperimetry.bounds.gaussian.functional import GAUSSIAN_FUNCTIONAL, bobkov_gap
from isoperimetry.bounds.gaussian.halfspace import (
    HALFSPACE_DISTANCE,
    HALFSPACE_RATE,
    error_rate_at_sigma,
    half_space_of_measure,
    halfspace_distance,
    log_error_rate_at_sigma,
)
from isoperimetry.bounds.gaussian.inverse import (
    GAUSSIAN_REQUIRED_RATE,
    GAUSSIAN_REQUIRED_SIGMA,
    log_required_error_rate,
    required_error_rate,
    required_sigma,
)
from isoperimetry.bounds.gaussian.moments import (
    GAUSSIAN_MEAN_DISTANCE,
    GAUSSIAN_SECOND_MOMENT,
    log_mean_distance_bound,
    mean_distance_bound,
    second_moment_distance_bound,
)
from isoperimetry.bounds.gaussian.noise import NOISE_NORM, noise_norm
from isoperimetry.bounds.gaussian.norms import (
    HALFSPACE_DISTANCE_NORM,
    NORM_DISTANCE,
    halfspace_distance_norm,
    median_distance_bound_norm,
)
from isoperimetry.bounds.gaussian.profile import GAUSSIAN_PROFILE, gaussian_profile, log_gaussian_profile
from isoperimetry.bounds.gaussian.quantiles import GAUSSIAN_DISTANCE, median_distance_bound, quantile_distance_bound
from isoperimetry.bounds.gaussian.stability import NOISE_STABILITY, log_noise_stability, noise_stability

__all__ = [
    "CENTER_AFFINE",
    "CENTER_CONVEX",
    "CENTER_WORST_CASE",
    "GAUSSIAN_DISTANCE",
    "GAUSSIAN_ENLARGEMENT",
    "GAUSSIAN_FUNCTIONAL",
    "GAUSSIAN_MEAN_DISTANCE",
    "GAUSSIAN_PROFILE",
    "GAUSSIAN_REQUIRED_RATE",
    "GAUSSIAN_REQUIRED_SIGMA",
    "GAUSSIAN_SECOND_MOMENT",
    "HALFSPACE_DISTANCE",
    "HALFSPACE_DISTANCE_NORM",
    "HALFSPACE_RATE",
    "NOISE_NORM",
    "NOISE_STABILITY",
    "NORM_DISTANCE",
    "affine_classifier_distance",
    "bobkov_gap",
    "convex_distance_bound",
    "enlargement",
    "error_rate_at_sigma",
    "gaussian_profile",
    "half_space_of_measure",
    "halfspace_distance",
    "halfspace_distance_norm",
    "log_enlargement",
    "log_enlargement_complement",
    "log_error_rate_at_sigma",
    "log_gaussian_profile",
    "log_mean_distance_bound",
    "log_noise_stability",
    "log_required_error_rate",
    "mean_distance_bound",
    "median_distance_bound",
    "median_distance_bound_norm",
    "noise_norm",
    "noise_stability",
    "quantile_distance_bound",
    "required_error_rate",
    "required_sigma",
    "second_moment_distance_bound",
    "worst_case_distance",
]
