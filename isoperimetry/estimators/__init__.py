"""Measures of error sets by Monte Carlo, each with the interval and the guarantee that it carries.

`volume` chooses the method; the methods are classes for those who want their settings. A set of yours is a `Membership`
or, for rare errors, a `Margin`; `reduce` says that it looks only at ``A x``.
"""

from __future__ import annotations

from isoperimetry.errors import FunctionError, RunFailed
from isoperimetry.estimate import Distance, Estimate, Step
from isoperimetry.estimators.base import Method
from isoperimetry.estimators.crude import CrudeMonteCarlo
from isoperimetry.estimators.directional import DirectionalSampling
from isoperimetry.estimators.front import volume
from isoperimetry.estimators.functions import Margin, Membership
from isoperimetry.estimators.importance import ImportanceSampling
from isoperimetry.estimators.line import LineSampling
from isoperimetry.estimators.mixture import HalfSpaceMixture
from isoperimetry.estimators.reduction import Reduction, reduce
from isoperimetry.estimators.splitting import Splitting

__all__ = [
    "CrudeMonteCarlo",
    "DirectionalSampling",
    "Distance",
    "Estimate",
    "FunctionError",
    "HalfSpaceMixture",
    "ImportanceSampling",
    "LineSampling",
    "Margin",
    "Membership",
    "Method",
    "Reduction",
    "RunFailed",
    "Splitting",
    "Step",
    "reduce",
    "volume",
]
