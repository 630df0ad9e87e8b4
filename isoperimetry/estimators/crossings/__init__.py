"""Where straight lines cross the sets of the library, in closed form, so that nothing has to be searched along them."""

from __future__ import annotations

from isoperimetry.estimators.crossings.measures import log_line_measure, log_radial_measure
from isoperimetry.estimators.crossings.pieces import Pieces
from isoperimetry.estimators.crossings.shapes import line_pieces

__all__ = ["Pieces", "line_pieces", "log_line_measure", "log_radial_measure"]
