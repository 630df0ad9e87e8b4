"""Exact dimension reduction: a problem that looks at noise through k directions is one in k dimensions."""

from __future__ import annotations

from isoperimetry.estimators.reduction.linear import Reduction, reduce
from isoperimetry.estimators.reduction.sets import SetReduction, reduce_set

__all__ = ["Reduction", "SetReduction", "reduce", "reduce_set"]
