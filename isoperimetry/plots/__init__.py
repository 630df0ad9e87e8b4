"""Figures of records: each function takes and returns matplotlib Axes, and imports matplotlib when it is called."""

from isoperimetry.plots.audit import distance_against_error_rate, halfspace_prediction
from isoperimetry.plots.volume import splitting_levels, volume_run

__all__ = ["distance_against_error_rate", "halfspace_prediction", "splitting_levels", "volume_run"]
