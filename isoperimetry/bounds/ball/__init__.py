"""Uniform distribution on a Euclidean ball: the projection of a sphere of two dimensions more."""

from __future__ import annotations

from isoperimetry.bounds.ball.distances import (
    BALL_DISTANCE,
    mean_distance_bound,
    median_distance_bound,
    quantile_distance_bound,
)
from isoperimetry.bounds.ball.enlargements import (
    BALL_ENLARGEMENT,
    enlargement,
    gaussian_enlargement,
    log_enlargement,
    log_enlargement_complement,
)

__all__ = [
    "BALL_DISTANCE",
    "BALL_ENLARGEMENT",
    "enlargement",
    "gaussian_enlargement",
    "log_enlargement",
    "log_enlargement_complement",
    "mean_distance_bound",
    "median_distance_bound",
    "quantile_distance_bound",
]
