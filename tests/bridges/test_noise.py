"""Draws are named by (seed, purpose, image, draw), and are Gaussian."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from isoperimetry.streams import add_noise, as_stream
from isoperimetry_bridges.torch.noise import NoiseSource, Run, noise_stream, noisy_images

PURPOSES = ("search", "count", "start", "attack")


@pytest.fixture
def draws(exact: Any, seed: int) -> Callable[..., Tensor]:
    def make(
        first: int, count: int, purpose: Any = "count", image_id: int = 0, sigma: float = 0.5, **options: Any
    ) -> Tensor:
        stream = noise_stream(as_stream(options.pop("seed", seed)), purpose, image_id)
        return noisy_images(exact.images()[0], sigma, stream=stream, first=first, count=count, **options)

    return make


@pytest.mark.parametrize("sizes", [(1, 999), (7, 300, 693), (500, 500), (999, 1), (64,) * 15 + (40,)])
def test_a_draw_depends_on_its_index_alone(draws: Callable[..., Tensor], sizes: tuple[int, ...]) -> None:
    whole = draws(0, 1000)
    starts = itertools.accumulate((0, *sizes[:-1]))
    parts = [draws(first, count) for first, count in zip(starts, sizes, strict=True)]
    assert torch.equal(torch.cat(parts), whole)


def test_the_buffer_does_not_change_the_draws(draws: Callable[..., Tensor], exact: Any) -> None:
    buffer = np.full((64, exact.dim), np.nan, np.float32)
    assert torch.equal(draws(5, 64, buffer=buffer), draws(5, 64))
    assert torch.equal(draws(9, 3, buffer=buffer), draws(9, 3))
    assert not np.isnan(buffer).any()


def test_no_draws(draws: Callable[..., Tensor], exact: Any) -> None:
    assert draws(0, 0).shape == (0, *exact.shape)


def test_seeds_repeat_and_differ(draws: Callable[..., Tensor]) -> None:
    assert torch.equal(draws(0, 20, seed=4), draws(0, 20, seed=4))
    assert not torch.equal(draws(0, 20, seed=4), draws(0, 20, seed=5))


def test_purposes_and_images_have_draws_of_their_own(draws: Callable[..., Tensor], exact: Any) -> None:
    # Two streams that shared one draw, at whatever index, would have two rows in common.
    rows = torch.cat([draws(0, 50, purpose, image_id) for purpose in PURPOSES for image_id in (0, 1, 17)])
    assert len(torch.unique(rows.flatten(1), dim=0)) == len(rows)


def test_draws_of_different_streams_are_uncorrelated(draws: Callable[..., Tensor]) -> None:
    count = 4000
    streams = [draws(0, count, purpose, image_id) for purpose in PURPOSES for image_id in (0, 1)]
    for one, other in itertools.combinations(streams, 2):
        product = ((one - 0.5) * (other - 0.5) / 0.25).double()
        # 28 pairs: mean of 64,000 products of standard deviation 1; 6.2 deviations have probability 6e-10 each.
        assert abs(float(product.mean())) < 6.2 / math.sqrt(product.numel())


def test_moments(draws: Callable[..., Tensor], exact: Any) -> None:
    sigma, count = 0.25, 20_000
    z = ((draws(0, count, sigma=sigma) - 0.5) / sigma).double().flatten(1)
    n = z.numel()
    # Each within 5.2 deviations of its own: failure probability 2e-7 each.
    assert abs(float(z.mean())) < 5.2 / math.sqrt(n)
    assert abs(float((z**2).mean()) - 1) < 5.2 * math.sqrt(2 / n)
    assert abs(float((z**3).mean())) < 5.2 * math.sqrt(15 / n)
    assert abs(float((z**4).mean()) - 3) < 5.2 * math.sqrt(96 / n)
    covariance = z.T @ z / count - torch.eye(exact.dim)
    # 136 entries of deviation at most sqrt(2 / count): 6.2 deviations, failure probability 8e-8 in all.
    assert float(covariance.abs().max()) < 6.2 * math.sqrt(2 / count)


def test_draws_are_normal(draws: Callable[..., Tensor]) -> None:
    from scipy.stats import kstest

    z = (draws(0, 2000, sigma=1.0) - 0.5).double().flatten().numpy()
    assert kstest(z, "norm").pvalue > 1e-6


def test_sigma_scales_the_same_draws(draws: Callable[..., Tensor]) -> None:
    one, two = draws(3, 40, sigma=0.25), draws(3, 40, sigma=0.5)
    assert torch.allclose(2 * (one - 0.5), two - 0.5, rtol=0, atol=4e-7)


def test_clipped_draws_are_the_clamp_of_the_others(draws: Callable[..., Tensor]) -> None:
    plain = draws(0, 300, sigma=1.0)
    clipped = draws(0, 300, sigma=1.0, bounds=(0.0, 1.0))
    assert torch.equal(clipped, plain.clamp(0.0, 1.0))
    assert not torch.equal(clipped, plain)


def test_the_image_is_not_changed(exact: Any, seed: int) -> None:
    image = exact.images()[0]
    before = image.clone()
    stream = noise_stream(as_stream(seed), "start", 0)
    batch = noisy_images(image, 1.0, stream=stream, first=0, count=10, bounds=(0.4, 0.6))
    batch += 7
    assert torch.equal(image, before)
    assert batch.dtype == torch.float32
    assert batch.shape == (10, *exact.shape)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_any_shape_and_type(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> None:
    image = torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    stream = noise_stream(as_stream(seed), "count", "a name")
    found = noisy_images(image, 0.25, stream=stream, first=2**40, count=7)
    kind = np.float64 if dtype == torch.float64 else np.float32
    true = np.empty((7, image.numel()), kind)
    add_noise(image.reshape(-1).numpy().astype(kind), 0.25, stream=stream, first=2**40, out=true)
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert found.shape == (7, *shape)
    assert np.array_equal(found.reshape(7, -1).numpy(), true)


@pytest.mark.parametrize("bounds", [None, (0.25, 0.75)])
def test_runs_are_written_one_after_the_other(bounds: tuple[float, float] | None, exact: Any, seed: int) -> None:
    images = torch.rand(3, *exact.shape, generator=torch.Generator().manual_seed(seed))
    before, root = images.clone(), as_stream(seed)
    places = [(2, 0.1, 5, 4), (0, 0.5, 0, 1), (2, 0.0, 9, 2), (1, 0.3, 2**64 - 3, 3), (1, 0.3, 7, 0), (0, 0.5, 1, 1)]
    runs = [
        Run(image, sigma, noise_stream(root, "count", image), first, count) for image, sigma, first, count in places
    ]
    out = torch.full((20, *exact.shape), math.nan)
    rows = NoiseSource(images, bounds=bounds).fill(runs, out)
    true = torch.cat(
        [
            noisy_images(
                images[run.image], run.sigma, stream=run.stream, first=run.first, count=run.count, bounds=bounds
            )
            for run in runs
        ]
    )
    assert torch.equal(rows, true)
    assert rows.data_ptr() == out.data_ptr()  # no copy
    assert out[len(rows) :].isnan().all()
    assert torch.equal(images, before)


def test_how_runs_are_cut_does_not_matter(exact: Any, seed: int) -> None:
    source, stream = NoiseSource(exact.images()), as_stream(seed).split("count", 0)
    whole = source.fill([Run(0, 0.5, stream, 3, 40)], torch.empty(40, *exact.shape))
    ones = source.fill([Run(0, 0.5, stream, 3 + i, 1) for i in range(40)], torch.empty(40, *exact.shape))
    assert torch.equal(whole, ones)


@pytest.mark.parametrize(
    ("out", "error", "text"),
    [
        (torch.empty(3, 1, 4, 4, dtype=torch.float64), TypeError, "must be torch.float32 on cpu"),
        (torch.empty(3, 1, 4, 4, device="meta"), TypeError, "on meta but must be"),
        (torch.empty(2, 1, 4, 4), ValueError, "or more rows"),
        (torch.empty(3, 4, 4), ValueError, "or more rows"),
        (torch.empty(3, 1, 4, 8)[..., ::2], ValueError, "contiguous"),
    ],
)
def test_batches_that_do_not_fit(out: Tensor, error: type[Exception], text: str, exact: Any) -> None:
    with pytest.raises(error, match=text):
        NoiseSource(exact.images()).fill([Run(0, 0.5, as_stream(1), 0, 3)], out)
