"""Error sets whose Gaussian volume, and that of whose enlargement, is exact. A set knows no theorem.

The signed distance of every set is positive outside and negative inside. Lengths share the unit of the inputs.
"""

from __future__ import annotations

from isoperimetry.sets.base import Capability, ErrorSet
from isoperimetry.sets.halfspace import HalfSpace
from isoperimetry.sets.law import DistanceLaw
from isoperimetry.sets.slab import Slab
from isoperimetry.sets.transform import Complement

__all__ = ["Capability", "Complement", "DistanceLaw", "ErrorSet", "HalfSpace", "Slab"]
