"""Uniform distribution on a cube or a box: the image of Gaussian noise under a map that stretches no distance."""

from __future__ import annotations

from isoperimetry.bounds.cube.distances import (
    CUBE_DISTANCE,
    mean_distance_bound,
    median_distance_bound,
    quantile_distance_bound,
)
from isoperimetry.bounds.cube.enlargements import (
    CUBE_ENLARGEMENT,
    enlargement,
    log_enlargement,
    log_enlargement_complement,
)

__all__ = [
    "CUBE_DISTANCE",
    "CUBE_ENLARGEMENT",
    "enlargement",
    "log_enlargement",
    "log_enlargement_complement",
    "mean_distance_bound",
    "median_distance_bound",
    "quantile_distance_bound",
]
