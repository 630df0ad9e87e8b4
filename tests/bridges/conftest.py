"""Tiny models on images of shape (1, 4, 4) whose error rate and nearest error are known exactly.

The image is at the center of the box and has label 0. A half-space's margin is the signed distance to its boundary.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

if find_spec("torch") is None or find_spec("safetensors") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import torch
    from torch import Tensor, nn

    torch.set_num_threads(1)  # the models are tiny: threads would only wait for one another

SHAPE = (1, 4, 4)
DIM = 16


def make_normal() -> Tensor:
    """Return a fixed unit vector with entries of both signs and different sizes."""
    normal = torch.linspace(-1.0, 1.3, DIM, dtype=torch.float64)
    return torch.divide(normal, torch.linalg.vector_norm(normal)).float()


def make_images(count: int = 1) -> Tensor:
    return torch.full((count, *SHAPE), 0.5)


def make_module(logits: Callable[[Tensor], Tensor]) -> nn.Module:
    """Return a module in evaluation mode from a function of the images."""

    class Module(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return logits(x)

    return Module().eval()


class Margin(nn.Module):
    """Logits (0, change(margin)); margin is the signed distance into a half-space at ``distance`` from the image."""

    def __init__(self, distance: float, change: Callable[[Tensor], Tensor] = lambda margin: margin) -> None:
        super().__init__()
        self.change = change
        normal = make_normal()
        self.register_buffer("normal", normal)
        self.register_buffer("offset", (normal.double() @ make_images().double().flatten() + distance).float())

    def forward(self, x: Tensor) -> Tensor:
        margin = x.flatten(1) @ self.get_buffer("normal") - self.get_buffer("offset")
        margin = self.change(margin)
        return torch.stack([torch.zeros_like(margin), margin], 1)


def half_space(distance: float) -> nn.Module:
    return Margin(distance).eval()


def slab(distance: float, half_width: float) -> nn.Module:
    """Errors lie in a slab whose near side is ``distance`` away."""
    return Margin(distance + half_width, lambda margin: half_width - margin.abs()).eval()


def quantized(distance: float) -> nn.Module:
    """Return the same errors as `half_space`, but the margin is rounded to 64ths: its gradient is zero."""
    return Margin(distance, lambda margin: torch.round(64 * margin + 0.5) / 64).eval()


def hinged(distance: float, reach: float) -> nn.Module:
    """Return the same errors as `half_space`, but no gradient where the margin is below -reach."""
    return Margin(distance, lambda margin: torch.relu(margin + reach) - reach).eval()


def constant(label: int = 0) -> nn.Module:
    """Return the same logits whatever comes in; they do not depend on the input at all."""
    return make_module(lambda x: nn.functional.one_hot(torch.full((len(x),), label), 2).float())


@pytest.fixture(scope="session")
def exact() -> SimpleNamespace:
    """The tiny models, and what they are made of."""
    return SimpleNamespace(
        shape=SHAPE,
        dim=DIM,
        normal=make_normal,
        images=make_images,
        module=make_module,
        margin=Margin,
        half_space=half_space,
        slab=slab,
        quantized=quantized,
        hinged=hinged,
        constant=constant,
    )


@pytest.fixture(scope="session")
def seed() -> int:
    """Fixed, unless ISOPERIMETRY_TEST_SEED re-rolls all."""
    return int(os.environ.get("ISOPERIMETRY_TEST_SEED", "20250"))


@pytest.fixture
def noisy_starts(exact: Any, seed: int) -> Callable[..., Tensor]:
    """Return a function that makes starts around the image, by a generator of its own."""

    def make(count: int, sigma: float = 0.5) -> Tensor:
        noise = np.random.default_rng(seed).standard_normal((count, *exact.shape))
        starts: Tensor = exact.images() + sigma * torch.from_numpy(noise)
        return starts.float()

    return make


@pytest.fixture(scope="session")
def surely() -> Callable[[int, int, float], None]:
    """Return an exact binomial test on both sides, with failure probability 1e-6 under the truth."""

    def test(successes: int, trials: int, rate: float) -> None:
        from scipy.stats import binomtest

        p = binomtest(successes, trials, rate).pvalue
        assert p > 1e-6, f"{successes} of {trials} at a rate of {rate}: p = {p:.1e}"

    return test


@pytest.fixture(scope="session")
def at_most() -> Callable[[int, int, float], None]:
    """Return the test that the rate is at most ``rate``, with failure probability 1e-6 under the truth."""

    def test(failures: int, trials: int, rate: float) -> None:
        from scipy.stats import binom

        p = binom.sf(failures - 1, trials, rate)
        assert p > 1e-6, f"{failures} of {trials} although at most {rate} is allowed: p = {p:.1e}"

    return test
