"""Motion and zoom blur: against the published algorithms written out in NumPy, and against imagecorruptions."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import zoom

torch = pytest.importorskip("torch")

from isoperimetry.streams import as_stream  # noqa: E402
from isoperimetry_bridges.torch.corruptions import movement  # noqa: E402
from isoperimetry_bridges.torch.corruptions.parameters import PARAMETERS  # noqa: E402
from isoperimetry_bridges.torch.corruptions.random import NoiseFor  # noqa: E402

Floats = NDArray[np.float64]
ROUNDING = 1e-6
"""Of float32 sums of numbers in [0, 1]; a grey level is 4e-3."""

ANGLES = [0.0, 30.0, -45.0, 45.0, 12.3, -7.7, 90.0, -101.0, 180.0]
CASES = [(name, severity) for name in PARAMETERS for severity in range(5)]


def images(seed: int, *shape: int) -> Any:
    return torch.from_numpy(np.random.default_rng([seed, 1]).random(shape).astype(np.float32))


def noise_for(seed: int, ids: Any) -> NoiseFor:
    return NoiseFor([as_stream(seed).split(image) for image in ids])


def literal_motion_blur(image: Floats, radius: int, sigma: float, angle: float) -> Floats:
    """Return an image of shape (c, h, w), each pixel the weighted mean of those that lie ahead of it."""
    width = 2 * radius + 1
    weights = [math.exp(-(i**2) / (2 * sigma**2)) for i in range(width)]
    wide = np.pad(image, ((0, 0), (width, width), (width, width)), mode="edge")
    _, h, w = image.shape
    out = np.zeros(image.shape)
    for i, weight in enumerate(weights):
        # The published program divides by the length of the vector (width sin, width cos), which is width.
        row = math.ceil(i * (width * math.sin(math.radians(angle))) / width - 0.5)
        column = math.ceil(i * (width * math.cos(math.radians(angle))) / width - 0.5)
        out += weight / sum(weights) * wide[:, width + row : width + row + h, width + column : width + column + w]
    return out


def literal_zoom_blur(image: Floats, factors: Floats) -> Floats:
    _, h, w = image.shape
    total = image.copy()
    for factor in factors:
        rows, columns = math.ceil(h / factor), math.ceil(w / factor)
        top, left = (h - rows) // 2, (w - columns) // 2
        part = image[:, top : top + rows, left : left + columns]
        total += zoom(part, (1, factor, factor), order=1)[:, :h, :w]
    return total / (len(factors) + 1)


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_motion_blur_at_an_angle(seed: int, table: str, severity: int) -> None:
    radius, sigma = PARAMETERS[table]["motion_blur"][severity]
    x = images(seed, len(ANGLES), 3, 33, 40)
    found = movement.blur_along(x, int(radius), sigma, ANGLES)
    for image, angle, blurred in zip(x, ANGLES, found, strict=True):
        expected = literal_motion_blur(image.double().numpy(), int(radius), sigma, angle)
        assert np.abs(blurred.numpy() - expected).max() < ROUNDING


def test_motion_blur_on_a_device_is_the_same(seed: int) -> None:
    x, weights = images(seed, len(ANGLES), 1, 20, 24), [0.5, 0.3, 0.2]
    places = [movement._line(3, angle) for angle in ANGLES]
    expected = torch.empty_like(x)
    for image, place, out in zip(x, places, expected, strict=True):
        movement._add_shifted(image, place, weights, out)
    assert float((movement._gather_shifted(x, places, weights) - expected).abs().max()) < ROUNDING


def test_motion_blur_draws_angles(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Angles between -45 and 45: of 400, the mean is within 5.3 standard errors, and the ends are reached (1e-6)."""
    drawn: list[float] = []
    monkeypatch.setattr(movement, "blur_along", lambda x, radius, sigma, angles: drawn.extend(angles) or x)
    movement.motion_blur(images(seed, 400, 1, 2, 2), (6, 1), noise_for(seed, range(400)))
    angles = np.array(drawn)
    assert angles.shape == (400,)
    assert abs(angles).max() <= 45
    assert angles.min() < -41.5 and angles.max() > 41.5  # a miss has a probability of 0.961**400, 1e-7
    assert abs(angles.mean()) < 5.3 * 90 / math.sqrt(12 * 400)


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_zoom_blur(seed: int, table: str, severity: int) -> None:
    x = images(seed, 2, 3, 40, 33)
    parameters = PARAMETERS[table]["zoom_blur"][severity]
    found = movement.zoom_blur(x, parameters, noise_for(seed, range(2)))
    for image, blurred in zip(x, found, strict=True):
        expected = literal_zoom_blur(image.double().numpy(), np.arange(1, *parameters))
        assert np.abs(blurred.numpy() - expected).max() < 5 * ROUNDING


def test_zoom_blur_has_the_factors_of_the_published_program() -> None:
    """The published calls are arange(1, 1.11, 0.01) and so on, some of which end one step late."""
    lengths = {name: [len(np.arange(1, *p)) for p in table["zoom_blur"]] for name, table in PARAMETERS.items()}
    assert lengths == {"imagenet-c": [12, 16, 11, 13, 11], "cifar-c": [7, 12, 16, 21, 26]}


@pytest.mark.parametrize("name", ["motion_blur", "zoom_blur"])
def test_batches_change_nothing(seed: int, name: str) -> None:
    x = images(seed, 5, 3, 24, 24)
    function, parameters = getattr(movement, name), PARAMETERS["cifar-c"][name][2]
    together = function(x, parameters, noise_for(seed, range(5)))
    alone = function(x[3:4], parameters, noise_for(seed, [3]))
    assert torch.equal(together[3:4], alone)
    backwards = function(x.flip(0), parameters, noise_for(seed, range(4, -1, -1)))
    assert torch.equal(together, backwards.flip(0))


@pytest.mark.parametrize("name", ["motion_blur", "zoom_blur"])
def test_grey_images_are_one_channel_of_three(seed: int, name: str) -> None:
    x = images(seed, 2, 1, 17, 23)
    function, parameters = getattr(movement, name), PARAMETERS["imagenet-c"][name][0]
    grey = function(x, parameters, noise_for(seed, range(2)))
    colour = function(x.expand(2, 3, 17, 23), parameters, noise_for(seed, range(2)))
    assert grey.shape == x.shape
    assert float((colour - grey).abs().max()) < ROUNDING


def test_imagecorruptions(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package itself, given our angle, where it is installed: less than a grey level apart."""
    image_module = pytest.importorskip("PIL.Image")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        published = pytest.importorskip("imagecorruptions.corruptions")
    levels = (images(seed, 64, 72, 3).numpy() * 255).astype(np.uint8)
    x = torch.from_numpy(levels).permute(2, 0, 1)[None] / 255
    angle = float(noise_for(seed, [0]).uniforms(low=-45.0, high=45.0))
    monkeypatch.setattr(np.random, "uniform", lambda low, high: angle)
    for name in ("motion_blur", "zoom_blur"):
        for severity, parameters in enumerate(PARAMETERS["imagenet-c"][name], 1):
            found = getattr(movement, name)(x, parameters, noise_for(seed, [0])).clamp(0, 1)
            expected = getattr(published, name)(image_module.fromarray(levels), severity)
            assert np.abs(255 * found[0].permute(1, 2, 0).numpy() - expected).max() < 0.01, (name, severity)
