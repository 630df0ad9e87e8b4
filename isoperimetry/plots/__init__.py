"""Figures of records: each function takes and returns matplotlib Axes, and imports matplotlib when it is called.

A function without ``ax`` makes a figure of its own; `use` sets its theme and width, `to_svg` turns it into a part of a
page. Models are told apart by markers, line styles and hatching as well as by colour.
"""

from isoperimetry.plots.agreement import rank_agreement
from isoperimetry.plots.corruptions import corruption_accuracy, corruption_change
from isoperimetry.plots.error_rates import distance_against_error_rate
from isoperimetry.plots.prediction import halfspace_prediction
from isoperimetry.plots.ruler import distance_ruler
from isoperimetry.plots.shell import noise_shell
from isoperimetry.plots.sigmas import distance_against_sigma
from isoperimetry.plots.style import use
from isoperimetry.plots.svg import svg_css, to_svg
from isoperimetry.plots.volume import splitting_levels, volume_run
from isoperimetry.plots.windows import church_window, church_windows

__all__ = [
    "church_window",
    "church_windows",
    "corruption_accuracy",
    "corruption_change",
    "distance_against_error_rate",
    "distance_against_sigma",
    "distance_ruler",
    "halfspace_prediction",
    "noise_shell",
    "rank_agreement",
    "splitting_levels",
    "svg_css",
    "to_svg",
    "use",
    "volume_run",
]
