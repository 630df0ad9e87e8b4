"""Snow, frost, fog and spatter: against the published algorithms written out in NumPy, given the same numbers."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter, zoom

torch = pytest.importorskip("torch")

from isoperimetry.streams import as_stream  # noqa: E402
from isoperimetry_bridges.torch.corruptions import frost as frosts  # noqa: E402
from isoperimetry_bridges.torch.corruptions import outlines, weather  # noqa: E402
from isoperimetry_bridges.torch.corruptions.parameters import PARAMETERS  # noqa: E402
from isoperimetry_bridges.torch.corruptions.random import NoiseFor  # noqa: E402

Floats = NDArray[np.float64]
LEVEL = 1 / 255
CASES = [(name, severity) for name in PARAMETERS for severity in range(5)]
NAMES = ["snow", "frost", "fog", "spatter"]

Z = 5.3
"""Standard errors that a comparison of means may be off: a probability of 1.2e-7 each, 1e-6 for the eight of a test."""


def images(seed: int, *shape: int) -> Any:
    return torch.from_numpy(np.random.default_rng([seed, 1]).random(shape).astype(np.float32))


def noise_for(seed: int, ids: Any) -> NoiseFor:
    return NoiseFor([as_stream(seed).split(image) for image in ids])


def corrupted(name: str, x: Any, parameters: Any, noise: NoiseFor) -> Any:
    keywords = {"folder": frosts.TEXTURE} if name == "frost" else {}
    return getattr(weather, name)(x, parameters, noise, **keywords)


# --- outlines -------------------------------------------------------------------------------------------------------


def blobs(seed: int, count: int, size: int) -> Floats:
    """Return grey images with the shapes that spatter has, some with sharp rims and some with faint ones."""
    rng = np.random.default_rng([seed, 2])
    out = []
    for number in range(count):
        layer = gaussian_filter(rng.normal(0.6, 0.3, (size, size)), (0.7, 1.0, 2.0)[number % 3], mode="nearest")
        out.append(np.where(layer < (0.69, 0.0)[number % 2], 0, layer.clip(0, 1)))
    return np.floor(255 * np.array(out))


def literal_edges(image: Floats, low: float, high: float) -> NDArray[np.bool_]:
    """Canny's algorithm pixel by pixel, with the integers of OpenCV."""
    n_rows, n_columns = image.shape
    wide = np.pad(image, 1, mode="edge")
    slopes, kept = np.zeros((n_rows + 2, n_columns + 2)), np.zeros((n_rows + 2, n_columns + 2), dtype=int)
    vectors = {}
    for r, c in itertools.product(range(n_rows), range(n_columns)):
        around = wide[r : r + 3, c : c + 3]
        right = np.array([1, 2, 1]) @ (around[:, 2] - around[:, 0])
        down = np.array([1, 2, 1]) @ (around[2] - around[0])
        vectors[r + 1, c + 1] = (int(right), int(down))
        slopes[r + 1, c + 1] = abs(right) + abs(down)
    for (r, c), (right, down) in vectors.items():
        here, x, y = slopes[r, c], abs(right), abs(down) << 15
        if here <= low:
            continue
        if y < x * 13573:
            crest = here > slopes[r, c - 1] and here >= slopes[r, c + 1]
        elif y > x * (13573 + (1 << 16)):
            crest = here > slopes[r - 1, c] and here >= slopes[r + 1, c]
        else:
            step = -1 if (right < 0) != (down < 0) else 1
            crest = here > slopes[r - 1, c - step] and here > slopes[r + 1, c + step]
        kept[r, c] = crest * (2 if here > high else 1)
    todo = list(zip(*np.nonzero(kept == 2), strict=True))
    while todo:
        r, c = todo.pop()
        for near in itertools.product((r - 1, r, r + 1), (c - 1, c, c + 1)):
            if kept[near] == 1:
                kept[near] = 2
                todo.append(near)
    return kept[1:-1, 1:-1] == 2


def literal_distances(marked: NDArray[np.bool_]) -> Floats:
    """The length of the shortest walk by steps of 1, 1.4 and 2.1969, all rounded to 2**-16, in units of that."""
    moves = [(r, c) for r, c in itertools.product(range(-2, 3), repeat=2) if math.gcd(r, c) == 1]
    lengths = {1: 2**16, 2: round(1.4 * 2**16), 3: round(2.1969 * 2**16)}
    h, w = marked.shape
    wide = np.full((h + 4, w + 4), np.inf)
    wide[2:-2, 2:-2][marked] = 0
    while True:
        before = wide[2:-2, 2:-2].copy()
        for r, c in moves:
            moved = wide[2 + r : 2 + r + h, 2 + c : 2 + c + w] + lengths[abs(r) + abs(c)]
            wide[2:-2, 2:-2] = np.minimum(wide[2:-2, 2:-2], moved)
        if np.array_equal(before, wide[2:-2, 2:-2]):
            return np.minimum(before, 20 * 2**16)


def literal_equalized(image: Floats) -> Floats:
    levels, counts = np.unique(image, return_counts=True)
    if len(levels) == 1:
        return image
    scale = np.float32(255) / np.float32(image.size - counts[0])
    table = np.rint(np.float32(counts.cumsum() - counts[0]) * scale)
    return np.asarray(table[np.searchsorted(levels, image)], dtype=np.float64)


def literal_light(liquid: Floats) -> Floats:
    """Return what the published program makes of a liquid by OpenCV, before it is multiplied by it."""
    mean = np.ones((3, 3))
    depth = np.floor(convolve(literal_distances(literal_edges(liquid, 50, 150)), mean, mode="mirror") / (9 * 2**16))
    kernel = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    light = convolve(literal_equalized(depth), kernel[::-1, ::-1], mode="mirror").clip(0, 255)
    return np.asarray(np.rint(convolve(light, mean, mode="mirror") / 9))


def test_edges_and_distances(seed: int) -> None:
    shapes = blobs(seed, 6, 40)
    found = outlines.edges(torch.from_numpy(shapes).float(), 50, 150)
    far = outlines.distances(found)
    assert 500 < int(found.sum()) < found.numel() // 2
    for image, edges, away in zip(shapes, found.numpy(), far.numpy(), strict=True):
        expected = literal_edges(image, 50, 150)
        assert np.array_equal(edges, expected)
        assert np.array_equal(away, literal_distances(expected))


def test_weak_edges_are_kept_if_they_lead_to_a_strong_one() -> None:
    x = torch.zeros(1, 20, 20)
    x[0, :, 10:] = torch.linspace(10, 60, 20).round().view(20, 1)  # slopes 40 to 240
    found = outlines.edges(x, 60, 150)[0]
    assert found[:, 10].int().sum() > 12
    assert np.array_equal(found.numpy(), literal_edges(x[0].double().numpy(), 60, 150))
    assert not outlines.edges(x, 60, 250).any()


def test_distances_end_at_the_farthest() -> None:
    none = torch.zeros(1, 5, 5, dtype=torch.bool)
    assert bool((outlines.distances(none) == 20 * 2**16).all())
    one = torch.zeros(2, 50, 50, dtype=torch.bool)
    one[0, 0, 0] = one[1, 49, 20] = True
    for marked, found in zip(one, outlines.distances(one), strict=True):
        assert np.array_equal(found.numpy(), literal_distances(marked.numpy()))


def test_opencv(seed: int) -> None:
    """The functions of OpenCV that the published program calls, where it is installed: the same bits."""
    cv2 = pytest.importorskip("cv2")
    cv2.ipp.setUseIPP(False)
    for image in blobs(seed, 6, 64):
        edges = cv2.Canny(image.astype(np.uint8), 50, 150)
        depth = np.minimum(cv2.distanceTransform(255 - edges, cv2.DIST_L2, 5), 20)
        depth = cv2.equalizeHist(cv2.blur(depth, (3, 3)).astype(np.uint8))
        light = cv2.filter2D(depth, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
        x = torch.from_numpy(image).float()[None]
        ours = outlines.box_sums(outlines.distances(outlines.edges(x, 50, 150))).div(9 * outlines.UNIT).floor()
        ours = outlines.box_sums(outlines.emboss(outlines.equalized(ours, 21))).div(9).round()
        assert np.array_equal(ours[0].numpy(), cv2.blur(light, (3, 3)))


# --- the corruptions, given their random numbers --------------------------------------------------------------------


def literal_blur(layer: Floats, radius: int, sigma: float, angle: float) -> Floats:
    width, (h, w) = 2 * radius + 1, layer.shape
    weights = np.exp(-(np.arange(width) ** 2) / (2 * sigma**2))
    wide, out = np.pad(layer, width, mode="edge"), np.zeros((h, w))
    for i, weight in enumerate(weights / weights.sum()):
        r, c = (math.ceil(i * part(math.radians(angle)) - 0.5) for part in (math.sin, math.cos))
        out += weight * wide[width + r : width + r + h, width + c : width + c + w]
    return out


def literal_snow(image: Floats, normals: Floats, angle: float, parameters: Any) -> Floats:
    """``normals`` has the shape of the image, as in the published program."""
    mean, deviation, factor, threshold, radius, sigma, weight = parameters
    _, h, w = image.shape
    rows, columns = math.ceil(h / factor), math.ceil(w / factor)
    top, left = (h - rows) // 2, (w - columns) // 2
    layer = zoom((mean + deviation * normals)[top : top + rows, left : left + columns], factor, order=1)
    layer = np.where(layer < threshold, 0, layer).clip(0, 1)
    layer = (np.rint(255 * literal_blur(layer, int(radius), sigma, angle)) / 255)[:h, :w]
    grey = np.array([0.299, 0.587, 0.114]) @ image.reshape(3, -1)
    bright = np.maximum(image, 1.5 * grey.reshape(h, w) + 0.5)
    return np.asarray(weight * image + (1 - weight) * bright + layer + np.rot90(layer, 2))


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_snow(seed: int, table: str, severity: int) -> None:
    parameters = PARAMETERS[table]["snow"][severity]
    x = images(seed, 2, 3, 40, 44)
    rows, columns = math.ceil(40 / parameters[2]), math.ceil(44 / parameters[2])
    noise = noise_for(seed, range(2))
    flakes, angles = noise.normals(rows, columns).double().numpy(), noise.uniforms(low=-135, high=-45).tolist()
    found = weather.snow(x, parameters, noise_for(seed, range(2)))
    for image, middle, angle, snowy in zip(x, flakes, angles, found, strict=True):
        normals = np.zeros((40, 44))
        top, left = (40 - rows) // 2, (44 - columns) // 2
        normals[top : top + rows, left : left + columns] = middle
        off = np.abs(snowy.numpy() - literal_snow(image.double().numpy(), normals, angle, parameters))
        assert off.max() < 2.01 * LEVEL  # where the 8 bits of the layer are rounded another way, twice at worst
        assert (off > 1e-5).mean() < 0.005


def literal_plasma(uniforms: Any, size: int, decay: float) -> Floats:
    """The published loops; ``uniforms(stride, kind, shape)`` are numbers in [-1, 1]."""
    field, stride, wobble = np.zeros((size, size)), size, 100.0
    while stride >= 2:
        half = stride // 2

        def step(total: Floats, kind: int, stride: int = stride, wobble: float = wobble) -> Floats:
            return np.asarray(total / 4 + wobble * wobble * uniforms(stride, kind, total.shape))

        corners = field[::stride, ::stride]
        total = corners + np.roll(corners, -1, 0)
        field[half::stride, half::stride] = step(total + np.roll(total, -1, 1), 0)
        middles = field[half::stride, half::stride]
        total = middles + np.roll(middles, 1, 0) + corners + np.roll(corners, -1, 1)
        field[::stride, half::stride] = step(total, 1)
        total = middles + np.roll(middles, 1, 1) + corners + np.roll(corners, -1, 0)
        field[half::stride, ::stride] = step(total, 2)
        stride, wobble = half, wobble / decay
    field -= field.min()
    return field / field.max()


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_fog(seed: int, table: str, severity: int) -> None:
    weight, decay = PARAMETERS[table]["fog"][severity]
    x = 0.8 * images(seed, 2, 3, 30, 25)
    draws = noise_for(seed, range(2)).uniforms(32, 32, low=-1.0).double().numpy()
    found = weather.fog(x, (weight, decay), noise_for(seed, range(2)))
    for image, draw, foggy in zip(x.double().numpy(), draws, found, strict=True):

        def uniforms(stride: int, kind: int, shape: Any, draw: Floats = draw) -> Floats:
            half = stride // 2
            return draw[(half, 0, half)[kind] :: stride, (half, half, 0)[kind] :: stride]

        expected = image + weight * literal_plasma(uniforms, 32, decay)[:30, :25]
        assert np.abs(foggy.numpy() - expected * image.max() / (image.max() + weight)).max() < 1e-5


def literal_spatter(image: Floats, normals: Floats, parameters: Any) -> Floats:
    mean, deviation, sigma, threshold, strength, mud = parameters
    liquid = gaussian_filter(mean + deviation * normals, sigma, mode="nearest", truncate=4.0)
    liquid[liquid < threshold] = 0
    if mud:
        cover = gaussian_filter((liquid > threshold).astype(float), strength, mode="nearest", truncate=4.0)
        cover[cover < 0.8] = 0
        return image * (1 - cover) + cover * np.array([63, 42, 20]).reshape(3, 1, 1) / 255
    liquid = np.floor(255 * liquid)
    layer = liquid * literal_light(liquid)
    # The published program divides by the largest value, and by 0 where no drop reaches the threshold.
    return image + strength * layer / max(layer.max(), 1) * np.array([175, 238, 238]).reshape(3, 1, 1) / 255


@pytest.mark.parametrize(("table", "severity"), CASES)
def test_spatter(seed: int, table: str, severity: int) -> None:
    parameters = PARAMETERS[table]["spatter"][severity]
    x = images(seed, 4, 3, 48, 40)
    normals = noise_for(seed, range(4)).normals(48, 40).double().numpy()
    found = weather.spatter(x, parameters, noise_for(seed, range(4)))
    assert float((found - x).abs().max()) > 0.1
    for image, normal, wet in zip(x.double().numpy(), normals, found, strict=True):
        # A pixel at the threshold, or a grey level, can fall to either side of it by the rounding of float32.
        assert (np.abs(wet.numpy() - literal_spatter(image, normal, parameters)) > 1e-4).mean() < 0.005


# --- the corruptions as random functions ----------------------------------------------------------------------------


def assert_equal_means(found: Floats, expected: Floats) -> None:
    """Compare the means of the columns of two samples, one row for each image."""
    error = np.sqrt(found.var(0) / len(found) + expected.var(0) / len(expected))
    off = (found.mean(0) - expected.mean(0)) / error
    assert np.abs(off).max() < Z, off


def test_the_fog_is_a_plasma_fractal(seed: int) -> None:
    """Mean, deviation and the power in six octaves of 300 fields each, ours and NumPy's."""
    rng = np.random.default_rng([seed, 3])
    count, size, decay = 300, 32, 1.75
    ours = weather.plasma(noise_for(seed, range(count)).uniforms(size, size, low=-1.0), decay).double().numpy()
    theirs = np.array([literal_plasma(lambda _, __, s: rng.uniform(-1, 1, s), size, decay) for _ in range(count)])
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(size, 1 / size)] * 2))

    def features(fields: Floats) -> Floats:
        power = np.abs(np.fft.fft2(fields)) ** 2
        bands = [power[:, (frequency >= 2**k) & (frequency < 2 ** (k + 1))].sum(1) for k in range(5)]
        bands.append(power[:, frequency >= 16].sum(1))
        return np.column_stack([fields.mean((1, 2)), fields.std((1, 2)), *np.log(bands)])

    assert_equal_means(features(ours), features(theirs))


@pytest.mark.parametrize("severity", [0, 2, 4])
def test_snow_falls_as_published(seed: int, severity: int) -> None:
    """Brightness, its deviation and its steps along both sides of 100 images each, the numbers drawn by NumPy."""
    rng = np.random.default_rng([seed, 4])
    parameters, count = PARAMETERS["imagenet-c"]["snow"][severity], 100
    dark = torch.full((count, 3, 48, 48), 0.1)
    ours = weather.snow(dark, parameters, noise_for(seed, range(count))).clamp(0, 1).double().numpy()
    theirs = np.array(
        [
            literal_snow(image, rng.normal(size=(48, 48)), rng.uniform(-135, -45), parameters).clip(0, 1)
            for image in dark.double().numpy()
        ]
    )

    def features(x: Floats) -> Floats:
        steps = [np.abs(np.diff(x[:, 0], axis=axis)).mean((1, 2)) for axis in (1, 2)]
        return np.column_stack([x.mean((1, 2, 3)), x.std((1, 2, 3)), *steps])

    assert_equal_means(features(ours), features(theirs))


@pytest.mark.parametrize("name", NAMES)
def test_batches_change_nothing(seed: int, name: str) -> None:
    for severity in (0, 4):
        parameters = PARAMETERS["cifar-c"][name][severity]
        x = images(seed, 5, 3, 32, 32)
        together = corrupted(name, x, parameters, noise_for(seed, range(5)))
        alone = corrupted(name, x[3:4], parameters, noise_for(seed, [3]))
        assert torch.allclose(together[3:4], alone, atol=1e-6, rtol=0)
        backwards = corrupted(name, x.flip(0), parameters, noise_for(seed, range(4, -1, -1)))
        assert torch.allclose(together, backwards.flip(0), atol=1e-6, rtol=0)
        again = corrupted(name, x[3:4].repeat(2, 1, 1, 1), parameters, noise_for(seed + 1, [3, 4]))
        assert not torch.allclose(again[0], alone[0], atol=LEVEL)
        assert not torch.allclose(again[0], again[1], atol=LEVEL)


@pytest.mark.parametrize("severity", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_grey_images(seed: int, name: str, severity: int) -> None:
    """A grey image becomes the grey of what it becomes in colour."""
    parameters = PARAMETERS["imagenet-c"][name][severity]
    x = images(seed, 2, 1, 30, 41)
    grey = corrupted(name, x, parameters, noise_for(seed, range(2)))
    colour = corrupted(name, x.expand(2, 3, 30, 41), parameters, noise_for(seed, range(2)))
    assert grey.shape == x.shape
    assert torch.allclose(
        grey, torch.tensordot(colour, torch.tensor([0.299, 0.587, 0.114]), ([1], [0]))[:, None], atol=1e-5
    )


def test_images_that_divide_by_zero(seed: int) -> None:
    black = torch.zeros(1, 3, 16, 16)
    assert torch.equal(weather.fog(black, (1.5, 2), noise_for(seed, [0])), black)
    dry = (0.65, 0.1, 1, 2.0, 0.5, 0)  # no drop reaches the threshold
    x = images(seed, 2, 3, 16, 16)
    assert torch.equal(weather.spatter(x, dry, noise_for(seed, range(2))), x)


# --- frost ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five small pictures under the published names, with an alpha channel in the PNG files, as published."""
    image_module = pytest.importorskip("PIL.Image")
    folder = tmp_path_factory.mktemp("frost")
    rng = np.random.default_rng(5)
    for number, name in enumerate(frosts.PHOTOGRAPHS):
        levels = rng.integers(0, 256, (60, 80 + number, 4 if name.endswith("png") else 3), dtype=np.uint8)
        image_module.fromarray(levels).save(folder / name)
    return folder


def places(crop: Any, picture: Any) -> list[tuple[int, int]]:
    """Return where a crop is in a picture."""
    h, w = crop.shape[-2:]
    corner = (picture - crop[:, :1, :1]).abs().amax(0) < 1e-5
    return [
        (r, c)
        for r, c in corner.nonzero().tolist()
        if picture[:, r : r + h, c : c + w].shape == crop.shape
        and float((picture[:, r : r + h, c : c + w] - crop).abs().max()) < 1e-5
    ]


@pytest.mark.parametrize(("step", "size"), [(1, (24, 20)), (5, (8, 7))])
def test_frost_is_a_random_part_of_a_photograph(seed: int, photographs: Path, step: int, size: tuple[int, int]) -> None:
    """All five are used by 120 images, and the whole range of rows, but for a probability below 1e-6."""
    image_module = pytest.importorskip("PIL.Image")
    x = 0.5 * images(seed, 120, 3, *size)
    found = weather.frost(x, (0.7, 0.4, step), noise_for(seed, range(120)), folder=photographs)
    crops = (found - 0.7 * x) / 0.4
    pictures = []
    for name in frosts.PHOTOGRAPHS:
        levels = np.array(image_module.open(photographs / name).convert("RGB"))[step // 2 :: step, step // 2 :: step]
        pictures.append(torch.from_numpy(levels).permute(2, 0, 1) / 255)
    hits = [[(k, *place) for k, picture in enumerate(pictures) for place in places(crop, picture)] for crop in crops]
    assert all(len(hit) == 1 for hit in hits)
    which, rows, columns = (set(values) for values in zip(*(hit[0] for hit in hits), strict=True))
    assert which == {0, 1, 2, 3, 4}
    n_rows = 60 // step - size[0]  # the last row that fits is never drawn, as published
    assert min(rows) <= n_rows / 4 and n_rows * 3 / 4 - 1 <= max(rows) < n_rows
    assert len(columns) > 5


def test_frost_covers_images_larger_than_the_photographs(seed: int, photographs: Path) -> None:
    x = torch.zeros(3, 1, 100, 64)
    found = weather.frost(x, (1, 1.0, 1), noise_for(seed, range(3)), folder=photographs)
    assert found.shape == x.shape
    assert float(found.min()) >= 0 and float(found.max()) <= 1
    assert float(found.std()) > 0.05


def test_frost_source_names_the_pictures(photographs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    texture, found = frosts.frost_source(frosts.TEXTURE), frosts.frost_source(photographs)
    assert texture == {"pictures": "texture", "version": 1}
    assert found["pictures"] == "photographs" and len(found["sha256"]) == 64
    json.dumps([texture, found])
    package = tmp_path / "package"
    (package / "frost").mkdir(parents=True)
    for name in frosts.PHOTOGRAPHS:
        (package / "frost" / name).write_bytes((photographs / name).read_bytes())
    installed = SimpleNamespace(submodule_search_locations=[str(package)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: installed if name == "imagecorruptions" else None)
    assert frosts.frost_source() == found
    (package / "frost" / "frost5.jpg").write_bytes(b"another")
    assert frosts.frost_source() != found
    (package / "frost" / "frost5.jpg").unlink()
    assert frosts.frost_source() == texture
    with pytest.raises(ValueError, match=r"has no file frost5\.jpg: it must be the folder 'frost' of the package"):
        frosts.frost_source(package / "frost")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert frosts.frost_source() == texture


def test_the_texture_is_frost() -> None:
    """Five pictures, larger than images of 224 pixels; bluish; bright and rough as the published photographs are."""
    pictures = frosts.frost_pictures(frosts.TEXTURE, 1, (224, 224), 3, torch.device("cpu"))
    assert len(pictures) == 5
    grey = torch.stack([picture.mean(0) for picture in pictures])
    # The photographs that are drawn have means of 133, 204, 204, 158 and 115 grey levels: 163.
    assert abs(255 * float(grey.mean()) - 163) < 8
    assert bool((255 * grey.std((1, 2)) > 15).all()) and bool((255 * grey.std((1, 2)) < 40).all())
    assert all(bool((picture[2] >= picture[0]).all()) for picture in pictures)
    assert torch.equal(torch.stack(pictures) * 255, (torch.stack(pictures) * 255).round())
    small = frosts.frost_pictures(frosts.TEXTURE, 5, (32, 32), 3, torch.device("cpu"))
    assert torch.equal(small[2], pictures[2][:, 2::5, 2::5])


# --- the package itself ---------------------------------------------------------------------------------------------


def test_imagecorruptions(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published functions, given our random numbers, where they are installed: one grey level at most."""
    image_module = pytest.importorskip("PIL.Image")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        published = pytest.importorskip("imagecorruptions.corruptions")
    pytest.importorskip("cv2").ipp.setUseIPP(False)
    levels = (gaussian_filter(images(seed, 96, 96, 3).numpy(), (3, 3, 0)) * 255).astype(np.uint8)
    x = torch.from_numpy(levels).permute(2, 0, 1)[None] / 255
    for name, severity in itertools.product(("snow", "spatter"), range(5)):
        parameters = PARAMETERS["imagenet-c"][name][severity]
        noise = noise_for(seed, [severity])
        rows = math.ceil(96 / parameters[2]) if name == "snow" else 96
        top = (96 - rows) // 2
        layer = np.zeros((96, 96))
        layer[top : top + rows, top : top + rows] = (
            parameters[0] + parameters[1] * noise.normals(rows, rows)[0].double()
        )
        angle = float(noise.uniforms(low=-135, high=-45))
        monkeypatch.setattr(np.random, "normal", lambda size, loc, scale, layer=layer: layer)
        monkeypatch.setattr(np.random, "uniform", lambda low, high, angle=angle: angle)
        expected = getattr(published, name)(image_module.fromarray(levels), severity + 1)
        found = getattr(weather, name)(x, parameters, noise_for(seed, [severity])).clamp(0, 1)
        off = np.abs(255 * found[0].permute(1, 2, 0).numpy() - expected)
        assert off.max() < 2.01 and (off > 0.01).mean() < 0.002, (name, severity)
