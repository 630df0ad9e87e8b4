"""Uniform distribution on a sphere: caps grow the least (Lévy), in geodesic and in chord distance.

``dim`` is the dimension n of the space around the sphere, which is S^(n-1) with ``radius``.
"""

from __future__ import annotations

from isoperimetry.bounds.sphere.caps import cap_angle, cap_measure, log_cap_measure
from isoperimetry.bounds.sphere.distances import (
    SPHERE_DISTANCE,
    SPHERE_MEAN_DISTANCE,
    mean_distance_bound,
    median_distance_bound,
    quantile_distance_bound,
)
from isoperimetry.bounds.sphere.enlargements import (
    SPHERE_ENLARGEMENT,
    SPHERE_GAUSSIAN_ENLARGEMENT,
    enlargement,
    gaussian_enlargement,
    log_enlargement,
    log_enlargement_complement,
)

__all__ = [
    "SPHERE_DISTANCE",
    "SPHERE_ENLARGEMENT",
    "SPHERE_GAUSSIAN_ENLARGEMENT",
    "SPHERE_MEAN_DISTANCE",
    "cap_angle",
    "cap_measure",
    "enlargement",
    "gaussian_enlargement",
    "log_cap_measure",
    "log_enlargement",
    "log_enlargement_complement",
    "mean_distance_bound",
    "median_distance_bound",
    "quantile_distance_bound",
]
