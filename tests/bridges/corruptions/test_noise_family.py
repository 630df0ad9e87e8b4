"""Gaussian, shot, impulse and speckle noise have exactly the laws of the published functions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare, poisson

torch = pytest.importorskip("torch")

from isoperimetry.streams import as_stream, standard_normals  # noqa: E402
from isoperimetry_bridges.torch.corruptions import PARAMETERS, corrupt  # noqa: E402
from isoperimetry_bridges.torch.corruptions.noise import (  # noqa: E402
    gaussian_noise,
    impulse_noise,
    shot_noise,
    speckle_noise,
)
from isoperimetry_bridges.torch.corruptions.random import NoiseFor  # noqa: E402

SIDE = 160


def noise_for(seed: int, count: int) -> NoiseFor:
    return NoiseFor([as_stream(seed).split("noise", image) for image in range(count)])


def test_gaussian_and_speckle_are_the_normals_of_the_streams(seed: int) -> None:
    x = torch.rand(3, 3, 9, 11, generator=torch.Generator().manual_seed(seed))
    noise = noise_for(seed, 3)
    z = np.concatenate([standard_normals(1, 297, stream=one, dtype=np.float32) for one in noise.streams])
    z = z.reshape(x.shape)
    np.testing.assert_allclose(gaussian_noise(x, (0.26,), noise_for(seed, 3)), x.numpy() + 0.26 * z, atol=1e-6)
    np.testing.assert_allclose(speckle_noise(x, (0.6,), noise_for(seed, 3)), x.numpy() * (1 + 0.6 * z), atol=1e-6)


@pytest.mark.parametrize("amount", [row[0] for table in PARAMETERS.values() for row in table["impulse_noise"]])
def test_impulse(amount: float, seed: int, surely: Any) -> None:
    x = torch.full((2, 3, SIDE, SIDE), 0.4)
    found = impulse_noise(x, (amount,), noise_for(seed, 2)).clamp(0, 1)
    assert set(torch.unique(found).tolist()) <= {0.0, x[0, 0, 0, 0].item(), 1.0}
    for value in (0.0, 1.0):
        surely(int((found == value).sum()), x.numel(), amount / 2)
    # Channels are hit on their own.
    hit = (found != x).double()
    surely(int((hit[:, 0] * hit[:, 1]).sum()), 2 * SIDE**2, amount**2)


@pytest.mark.parametrize("photons", sorted({row[0] for table in PARAMETERS.values() for row in table["shot_noise"]}))
def test_shot(photons: float, seed: int) -> None:
    """Photons are Poisson numbers at grey levels and between them; a chi-square test each, p > 1e-7 in 9 of 9."""
    values = torch.tensor([0.0, 1 / 255, 3 / 255, 0.5 / 255, 37 / 255, 128.37 / 255, 200 / 255, 0.99999, 1.0])
    x = values.view(-1, 1, 1, 1).expand(-1, 3, SIDE, SIDE).contiguous()
    counts = (photons * shot_noise(x, (photons,), noise_for(seed, len(values)))).round().long()
    assert not counts[0].any()
    for value, count in zip(values[1:].double().tolist(), counts[1:].flatten(1), strict=True):
        seen = torch.bincount(count).numpy()
        mean, n = photons * value, count.numel()
        numbers = np.arange(max(len(seen), 5) + 1)
        expected = n * poisson.pmf(numbers, mean)
        seen = np.pad(seen, (0, len(numbers) - len(seen)))
        often = expected >= 8
        seen, expected = np.append(seen[often], n - seen[often].sum()), np.append(expected[often], 0)
        expected[-1] = n - expected.sum()
        if expected[-1] < 8:  # too few to be a cell of its own
            seen[-2] += seen[-1]
            expected[-2] += expected[-1]
            seen, expected = seen[:-1], expected[:-1]
        assert chisquare(seen, expected).pvalue > 1e-7, (value, photons)


@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"])
def test_against_imagecorruptions(name: str, seed: int) -> None:
    """The same share of pixels at both ends, and the same mean and spread, at every severity."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imagecorruptions = pytest.importorskip("imagecorruptions")
    ramp = np.linspace(0, 255, 200).round().astype(np.uint8)
    image = np.broadcast_to(ramp[:, None, None], (200, 200, 3))
    np.random.seed(seed)  # noqa: NPY002, TID251  # what the package draws from
    for severity in range(1, 6):
        theirs = imagecorruptions.corrupt(image.copy(), severity=severity, corruption_name=name).astype(float)
        x = torch.from_numpy(image.copy()).permute(2, 0, 1).unsqueeze(0).float() / 255
        ours = (255 * corrupt(x, name, severity, rng=seed)[0].double()).round().permute(1, 2, 0).numpy()
        for what in (lambda y: y == 0, lambda y: y == 255, lambda y: y, lambda y: (y - image) ** 2.0):
            mine, other = (np.asarray(what(y), float).mean((1, 2)) for y in (ours, theirs))
            spread = np.sqrt(sum(np.asarray(what(y), float).var((1, 2)).mean() for y in (ours, theirs)) / image.size)
            # 5.9 standard errors: 4e-9 each, 1e-6 for all.
            assert abs((mine - other).mean()) <= 5.9 * spread + 1e-9, (severity, mine.mean(), other.mean())
