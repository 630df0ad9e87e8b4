"""Blurs and digital corruptions: against the published algorithms in plain NumPy, and against imagecorruptions."""

from __future__ import annotations

import colorsys
import io
import math
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import correlate, gaussian_filter, map_coordinates

torch = pytest.importorskip("torch")

from isoperimetry.streams import as_stream  # noqa: E402
from isoperimetry_bridges.torch.corruptions import PARAMETERS, blur, corrupt, digital  # noqa: E402
from isoperimetry_bridges.torch.corruptions.random import NoiseFor  # noqa: E402

Floats = NDArray[np.float64]
CASES = [(name, severity) for name in PARAMETERS for severity in range(5)]
FIXED = ("defocus_blur", "brightness", "contrast", "pixelate", "jpeg_compression", "saturate")
CLOSE = 3e-6
"""Of float32 sums of numbers in [0, 1]; a grey level is 4e-3."""


def images(seed: int, count: int, height: int, width: int) -> Any:
    """Return random images of 8 bits, with black, white and grey pixels among them."""
    rng = np.random.default_rng([seed, 3])
    x = rng.integers(0, 256, (count, 3, height, width)) / 255
    x[:, :, :2] = x[:, :1, :2]
    x[:, :, 0, :3], x[:, :, 1, :3] = 0, 1
    return torch.from_numpy(x).float()


def noise_for(seed: int, count: int) -> NoiseFor:
    return NoiseFor([as_stream(seed).split("blur", image) for image in range(count)])


def parameters(table: str, name: str, severity: int) -> tuple[float, ...]:
    return PARAMETERS[table][name][severity]


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_gaussian_blur(table: str, severity: int, seed: int) -> None:
    x, (sigma,) = images(seed, 2, 70, 45), parameters(table, "gaussian_blur", severity)
    found = blur.gaussian_blur(x, (sigma,), noise_for(seed, 2))
    expected = gaussian_filter(x.double().numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=4.0)
    np.testing.assert_allclose(found, expected, atol=CLOSE)


def literal_disk(radius: float, softening: float) -> Floats:
    reach, soft = (8, 1) if radius <= 8 else (int(radius), 2)
    size = 2 * reach + 1
    disk = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            disk[row, column] = (row - reach) ** 2 + (column - reach) ** 2 <= radius**2
    disk /= disk.sum()
    line = np.array([math.exp(-(i**2) / (2 * softening**2)) for i in range(-soft, soft + 1)])
    return np.asarray(correlate(disk, np.outer(line, line) / line.sum() ** 2, mode="mirror"))


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_defocus_blur(table: str, severity: int, seed: int) -> None:
    x, given = images(seed, 2, 37, 52), parameters(table, "defocus_blur", severity)
    found = blur.defocus_blur(x, given, noise_for(seed, 2))
    disk = literal_disk(*given)
    expected = [[correlate(channel, disk, mode="mirror") for channel in image] for image in x.double().numpy()]
    np.testing.assert_allclose(found, expected, atol=CLOSE)


def test_defocus_blur_of_an_image_smaller_than_the_disk(seed: int) -> None:
    x = images(seed, 1, 4, 30)
    found = blur.defocus_blur(x, (10, 0.5), noise_for(seed, 1))
    expected = [correlate(channel, literal_disk(10, 0.5), mode="mirror") for channel in x[0].double().numpy()]
    np.testing.assert_allclose(found[0], expected, atol=CLOSE)


def literal_glass(levels: Any, reach: int, moves: list[Any]) -> Any:
    """Return levels, shape (h, w, 3), after rounds in which pixels are exchanged through views, from the last on."""
    x = levels.copy()
    height, width, _ = x.shape
    for right, down in moves:
        for h in range(height - reach, reach, -1):
            for w in range(width - reach, reach, -1):
                dx, dy = right[h - reach - 1, w - reach - 1], down[h - reach - 1, w - reach - 1]
                x[h, w], x[h + dy, w + dx] = x[h + dy, w + dx], x[h, w]
    return x


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_glass_blur(table: str, severity: int, seed: int) -> None:
    height, width = 40, 33
    x, (sigma, reach, rounds) = images(seed, 2, height, width), parameters(table, "glass_blur", severity)
    found = blur.glass_blur(x, (sigma, reach, rounds), noise_for(seed, 2))
    numbers, reach = noise_for(seed, 2), int(reach)
    shape = (2, height - 2 * reach, width - 2 * reach)
    moves = [numbers.integers(*shape, low=-reach, high=reach).numpy() for _ in range(int(rounds))]
    for index in range(2):
        image = x[index].double().permute(1, 2, 0).numpy()
        smooth = gaussian_filter(image, (sigma, sigma, 0), mode="nearest", truncate=4.0)
        levels = np.uint8(255 * smooth + 2**-10)  # what is a hair below a whole number is that number
        mixed = literal_glass(levels, reach, [one[index] for one in moves])
        expected = gaussian_filter(mixed / 255, (sigma, sigma, 0), mode="nearest", truncate=4.0)
        # Here and there a sum of float32 falls on the other side of a whole number.
        difference = np.abs(found[index].permute(1, 2, 0).numpy() - expected)
        assert difference.max() < 1.01 / 255 and (difference > CLOSE).mean() < 0.01


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_contrast(table: str, severity: int, seed: int) -> None:
    x, (left,) = images(seed, 2, 20, 30), parameters(table, "contrast", severity)
    means = x.double().numpy().mean((2, 3), keepdims=True)
    expected = (x.double().numpy() - means) * left + means
    np.testing.assert_allclose(digital.contrast(x, (left,), noise_for(seed, 2)), expected, atol=CLOSE)


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_brightness_and_saturation(table: str, severity: int, seed: int) -> None:
    """As through hue, saturation and value, pixel by pixel."""
    x = images(seed, 1, 8, 12)
    (added,), (factor, more) = parameters(table, "brightness", severity), parameters(table, "saturate", severity)
    bright = digital.brightness(x, (added,), noise_for(seed, 1))[0].clamp(0, 1)
    vivid = digital.saturate(x, (factor, more), noise_for(seed, 1))[0].clamp(0, 1)
    for row in range(8):
        for column in range(12):
            h, s, v = colorsys.rgb_to_hsv(*x[0, :, row, column].double().tolist())
            expected = colorsys.hsv_to_rgb(h, s, min(1.0, v + added))
            np.testing.assert_allclose(bright[:, row, column], expected, atol=CLOSE)
            expected = colorsys.hsv_to_rgb(h, min(1.0, max(0.0, factor * s + more)), v)
            np.testing.assert_allclose(vivid[:, row, column], expected, atol=CLOSE)


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_elastic_transform(table: str, severity: int, seed: int) -> None:
    height, width = 41, 57
    x = images(seed, 2, height, width)
    # Smooth, so that a coordinate's rounding is not a grey level.
    x = torch.from_numpy(gaussian_filter(x.numpy(), (0, 0, 2, 2)))
    length, sigma, reach = parameters(table, "elastic_transform", severity)
    reach = min(reach, 6.0)  # the square is small here, and must not be turned over
    found = digital.elastic_transform(x, (length, sigma, reach), noise_for(seed, 2))
    numbers = noise_for(seed, 2)
    moves = numbers.uniforms(3, 2, low=-reach, high=reach).double().numpy()
    shifts = (
        numbers.uniforms(2, height, width, low=-1.0, high=1.0).double().numpy() if length else np.zeros((2, 2, 1, 1))
    )
    rows, columns = np.mgrid[:height, :width]
    side = min(height, width) // 3
    corners = np.array([[1, 1], [1, -1], [-1, -1]]) * side + [height // 2, width // 2]
    for index in range(2):
        moved = np.column_stack([corners + moves[index], np.ones(3)])
        across, down, start = np.linalg.solve(moved, corners)
        x_place, y_place = (across[i] * columns + down[i] * rows + start[i] for i in range(2))
        right, low = (
            length * gaussian_filter(one, sigma, mode="reflect", truncate=3.0) if length else 0 for one in shifts[index]
        )
        for channel in range(3):
            mapped = map_coordinates(x[index, channel].double().numpy(), [y_place, x_place], order=1, mode="mirror")
            expected = map_coordinates(mapped, [rows + low, columns + right], order=1, mode="reflect")
            np.testing.assert_allclose(found[index, channel], expected, atol=2e-4)


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_pixelate_and_jpeg_are_those_of_pillow(table: str, severity: int, seed: int) -> None:
    image_module = pytest.importorskip("PIL.Image")
    for height, width in ((32, 32), (224, 224), (61, 90)):
        x = images(seed, 2, height, width)
        (scale,), (quality,) = parameters(table, "pixelate", severity), parameters(table, "jpeg_compression", severity)
        coarse = digital.pixelate(x, (scale,), noise_for(seed, 2))
        pressed = digital.jpeg_compression(x, (quality,), noise_for(seed, 2))
        for index, array in enumerate((255 * x).round().byte().permute(0, 2, 3, 1).numpy()):
            image = image_module.fromarray(array)
            small = image.resize((int(width * scale), int(height * scale)), image_module.Resampling.BOX)
            expected = np.asarray(small.resize((width, height), image_module.Resampling.BOX))
            assert ((255 * coarse[index]).round().permute(1, 2, 0).numpy() == expected).all()
            image.save(file := io.BytesIO(), "JPEG", quality=quality)
            expected = np.asarray(image_module.open(file))
            assert ((255 * pressed[index]).round().permute(1, 2, 0).numpy() == expected).all()


@pytest.mark.parametrize("name", FIXED)
def test_against_imagecorruptions(name: str, seed: int) -> None:
    """Image by image, at most one grey level apart."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imagecorruptions = pytest.importorskip("imagecorruptions")
    x = images(seed, 2, 224, 224)
    x[1] = torch.from_numpy(gaussian_filter(x[1].numpy(), (0, 3, 3))).mul(255).round().div(255)
    for severity in range(1, 6):
        ours = (255 * corrupt(x, name, severity, rng=seed)).round().permute(0, 2, 3, 1).numpy()
        for image, found in zip((255 * x).round().byte().permute(0, 2, 3, 1).numpy(), ours, strict=True):
            theirs = imagecorruptions.corrupt(image, severity=severity, corruption_name=name)
            assert np.abs(found - theirs.astype(float)).max() <= 1, severity


def test_elastic_transform_against_imagecorruptions(seed: int) -> None:
    """Given its displacements, which are not the authors', a ramp is changed as much, at every severity."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imagecorruptions = pytest.importorskip("imagecorruptions")
    size = 200
    ramp = np.broadcast_to(np.linspace(0, 255, size).round().astype(np.uint8)[:, None, None], (size, size, 3)).copy()
    x = torch.from_numpy(ramp).permute(2, 0, 1).unsqueeze(0).float() / 255
    np.random.seed(seed)  # noqa: NPY002, TID251  # what the package draws from
    for severity, factor in enumerate((0.05, 0.065, 0.085, 0.1, 0.12), 1):
        theirs = imagecorruptions.corrupt(ramp, severity=severity, corruption_name="elastic_transform").astype(float)
        given = (250 * factor * 0.005 * size, 0.01 * size, 0)
        ours = np.floor(255 * digital.elastic_transform(x, given, noise_for(seed, 1))[0, 0].double().numpy())
        inner = (slice(20, -20), slice(20, -20))
        mine, other = (np.mean((one[inner] - ramp[..., 0][inner]) ** 2.0) for one in (ours, theirs[..., 0]))
        # The displacements are correlated over about 4 pi sigma**2 pixels, 50: 500 independent squares, each with a
        # relative deviation of sqrt 2. Two such means differ by 0.09 relative, five of which are allowed.
        assert abs(mine / other - 1) < 0.45, (severity, mine, other)
