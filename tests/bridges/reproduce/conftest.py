"""A subject of four nets whose errors are half-spaces at known distances, and settings that take a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from isoperimetry_bridges.torch import Classifier, TangentProjection, Transfer
from isoperimetry_bridges.torch.output import Output
from isoperimetry_bridges.torch.reproduce.settings import ReproduceSettings
from isoperimetry_bridges.torch.reproduce.subjects import Subject

DISTANCES = {"near": 0.3, "middle": 0.5, "far": 0.8}


@pytest.fixture(scope="module", autouse=True)
def _no_figure() -> Iterator[None]:
    """Leave out figure.png, which takes longer than all else; what draws it has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Output, "_draw", lambda self, checked: [])
        yield


@pytest.fixture(scope="session")
def half_spaces(exact: Any) -> Subject:
    nets = {name: Classifier(exact.half_space(distance), name=name) for name, distance in DISTANCES.items()}
    nets["hidden"] = Classifier(exact.quantized(0.5), name="hidden")
    return Subject(
        name="half-spaces",
        classifiers=tuple(nets.values()),
        images=exact.images(2),
        labels=torch.zeros(2, dtype=torch.int64),
        backing={"hidden": (Transfer(source=nets["middle"], attack=TangentProjection(steps=30)),)},
        defects=("middle", "hidden"),
    )


@pytest.fixture(scope="session")
def small() -> ReproduceSettings:
    return ReproduceSettings(
        n_images=1, n_search=300, n_samples=2000, n_starts=20, sigmas=(0.2,), n_sweep_samples=300, n_sweep_starts=12,
        n_noise_images=2, n_noise_draws=500, n_corrupted=0, grid=21, n_defect_images=1, n_defect_starts=20,
    )  # fmt: skip
