"""The methods by the names that ``method=`` takes."""

from __future__ import annotations

from isoperimetry.estimators.base import Method
from isoperimetry.estimators.crude import CrudeMonteCarlo
from isoperimetry.estimators.directional import DirectionalSampling
from isoperimetry.estimators.importance import ImportanceSampling
from isoperimetry.estimators.line import LineSampling
from isoperimetry.estimators.mixture import HalfSpaceMixture
from isoperimetry.estimators.splitting import Splitting

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        CrudeMonteCarlo, HalfSpaceMixture, LineSampling, DirectionalSampling, ImportanceSampling, Splitting,
    )
}  # fmt: skip
