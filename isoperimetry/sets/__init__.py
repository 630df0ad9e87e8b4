"""Error sets whose Gaussian volume, and that of whose enlargement, is exact. A set knows no theorem.

The signed distance of every set is positive outside and negative inside. Lengths share the unit of the inputs.
"""

from __future__ import annotations

from isoperimetry.sets.ball import Ball
from isoperimetry.sets.base import Capability, ErrorSet
from isoperimetry.sets.box import Box
from isoperimetry.sets.cone import Cone
from isoperimetry.sets.cylinder import Cylinder
from isoperimetry.sets.description import describe, from_description
from isoperimetry.sets.halfspace import HalfSpace
from isoperimetry.sets.halfspaces import UnionOfHalfSpaces
from isoperimetry.sets.law import DistanceLaw
from isoperimetry.sets.moved import Moved, rotate, scale, translate
from isoperimetry.sets.orthant import Orthant
from isoperimetry.sets.paraboloid import Paraboloid
from isoperimetry.sets.quadric import Quadric
from isoperimetry.sets.shell import Shell
from isoperimetry.sets.slab import Slab
from isoperimetry.sets.transform import Complement
from isoperimetry.sets.union import Union
from isoperimetry.sets.wedge import Wedge

__all__ = [
    "Ball",
    "Box",
    "Capability",
    "Complement",
    "Cone",
    "Cylinder",
    "DistanceLaw",
    "ErrorSet",
    "HalfSpace",
    "Moved",
    "Orthant",
    "Paraboloid",
    "Quadric",
    "Shell",
    "Slab",
    "Union",
    "UnionOfHalfSpaces",
    "Wedge",
    "describe",
    "from_description",
    "rotate",
    "scale",
    "translate",
]
