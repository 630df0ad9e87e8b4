"""The front function: the same images from the same seed in any batch, 8 bits, grey images, and what is refused."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from isoperimetry.streams import as_stream  # noqa: E402
from isoperimetry_bridges.torch.corruptions import (  # noqa: E402
    CORRUPTIONS,
    EXTRA,
    FAMILIES,
    PARAMETERS,
    STANDARD,
    corrupt,
)
from isoperimetry_bridges.torch.corruptions.random import NoiseFor  # noqa: E402

RANDOM = {name for name in CORRUPTIONS if "noise" in name} | {
    "glass_blur", "motion_blur", "snow", "frost", "fog", "elastic_transform", "spatter",
}  # fmt: skip
NEEDS_PILLOW = {"jpeg_compression"}
SIZES = ((1, 3), (5, 2), (32, 32), (60, 84), (75, 100), (61, 97), (224, 224), (10, 250))


def images(seed: int, count: int = 3, channels: int = 3, height: int = 36, width: int = 41) -> Any:
    """Return smooth random images of 8 bits."""
    coarse = np.random.default_rng([seed, 7]).random((count, channels, 6, 6), dtype=np.float32)
    fine = torch.nn.functional.interpolate(torch.from_numpy(coarse), (height, width), mode="bicubic")
    return (255 * fine.clamp(0, 1)).round() / 255


def need(name: str) -> None:
    if name in NEEDS_PILLOW:
        pytest.importorskip("PIL")


def levels(x: Any) -> Any:
    return (255 * x.double()).round()


def test_names_and_tables() -> None:
    assert len(STANDARD) == 15 and len(EXTRA) == 4 and STANDARD + EXTRA == CORRUPTIONS
    assert sorted(name for names in FAMILIES.values() for name in names) == sorted(CORRUPTIONS)
    for table in PARAMETERS.values():
        assert tuple(sorted(table)) == tuple(sorted(CORRUPTIONS))
        assert all(len(rows) == 5 and len({len(row) for row in rows}) == 1 for rows in table.values())


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_image_is_corrupted_alike_in_any_batch(name: str, seed: int) -> None:
    need(name)
    x = images(seed)
    before = x.clone()
    whole = corrupt(x, name, 3, rng=seed, parameters="cifar-c")
    assert torch.equal(x, before)
    assert whole.shape == x.shape and whole.dtype == x.dtype and not torch.equal(whole, x)
    assert float((255 * whole.double() - levels(whole)).abs().max()) < 1e-4
    assert 0 <= float(whole.min()) and float(whole.max()) <= 1
    turned = corrupt(x.flip(0), name, 3, rng=seed, parameters="cifar-c", image_ids=[2, 1, 0])
    alone = corrupt(x[1:2].double(), name, 3, rng=as_stream(seed), parameters="cifar-c", image_ids=[1])
    # The same numbers; sums may be rounded otherwise in another batch, and now and then cross a whole grey level.
    for one, other in ((whole, turned.flip(0)), (whole[1:2], alone)):
        difference = (levels(one) - levels(other)).abs()
        assert float(difference.max()) <= 1 and float((difference > 0).double().mean()) < 2e-3
    if name in RANDOM:
        same = torch.stack([x[0], x[0]])
        one, other = corrupt(same, name, 3, rng=seed, parameters="cifar-c")
        assert not torch.equal(one, other)
        assert not torch.equal(whole, corrupt(x, name, 3, rng=seed + 1, parameters="cifar-c"))


@pytest.mark.parametrize("files", ["memory", "jpeg"])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_images_of_8_bits(name: str, files: Any, seed: int) -> None:
    """Bytes give the bytes of the same images as floating point, and lie in memory as they came."""
    if files == "jpeg":
        pytest.importorskip("PIL")
    need(name)
    options: dict[str, Any] = {"rng": seed, "parameters": "cifar-c", "files": files, "frost_folder": "texture"}
    for channels in (1, 3):
        x = images(seed, 2, channels)
        expected = corrupt(x, name, 3, **options)
        woven = levels(x).byte().contiguous(memory_format=torch.channels_last)
        pixels = levels(x).byte().permute(0, 2, 3, 1).contiguous()  # as data sets are stored
        odd = torch.zeros(2, channels, 36, 90, dtype=torch.uint8)[..., ::2][..., :41]
        odd.copy_(woven)
        for given in (levels(x).byte(), woven, pixels.permute(0, 3, 1, 2), odd):
            before = given.clone()
            found = corrupt(given, name, 3, **options)
            assert found.dtype == torch.uint8 and torch.equal(given, before)
            assert torch.equal(found, levels(expected).byte())
            if given is not odd:
                assert found.stride() == given.stride()
        lying = corrupt(x.contiguous(memory_format=torch.channels_last), name, 3, **options)
        assert torch.equal(lying, expected) and lying.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("table", PARAMETERS)
def test_pixelate_is_the_same_without_pillow(table: Any, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    # Among them sides where a pixel's middle falls on a border of large ones, and of few pixels.
    cases = [(levels(images(seed, 1, c, *size)).byte(), s) for c in (1, 3) for size in SIZES for s in range(1, 6)]
    with_pillow = [corrupt(x, "pixelate", s, parameters=table) for x, s in cases]
    monkeypatch.setattr("isoperimetry_bridges.torch.corruptions.digital.pillow_images", lambda: None)
    for (x, severity), found in zip(cases, with_pillow, strict=True):
        assert torch.equal(corrupt(x, "pixelate", severity, parameters=table), found)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_grey_images(name: str, seed: int) -> None:
    """A grey image is corrupted as r = g = b; noise has one value a pixel, not three."""
    need(name)
    x = images(seed, channels=1)
    grey = corrupt(x, name, 2, rng=seed, parameters="cifar-c")
    assert grey.shape == x.shape
    if name == "saturate":
        assert torch.equal(grey, x)
    elif "noise" not in name:
        colour = levels(corrupt(x.expand(-1, 3, -1, -1), name, 2, rng=seed, parameters="cifar-c"))
        red, green, blue = colour.split(1, 1)
        luma = (0.299 * red + 0.587 * green + 0.114 * blue).round()
        inside = colour.amax(1, keepdim=True) < 255  # where no channel was clamped on its own
        assert float(inside.double().mean()) > 0.2
        assert float(((levels(grey) - luma).abs() * inside).max()) <= 1 + (name == "frost")  # a picture of 8 bits


def test_files(seed: int) -> None:
    """JPEG of quality 85 is what Pillow makes of the 8-bit images."""
    image_module = pytest.importorskip("PIL.Image")
    for channels in (1, 3):
        x = images(seed, channels=channels)
        memory = corrupt(x, "gaussian_noise", 1, rng=seed)
        found = corrupt(x, "gaussian_noise", 1, rng=seed, files="jpeg")
        for one, other in zip(memory, found, strict=True):
            file = io.BytesIO()
            array = levels(one).byte().permute(1, 2, 0).numpy()
            image_module.fromarray(array.squeeze()).save(file, "JPEG", quality=85, optimize=True)
            back = np.asarray(image_module.open(file)).reshape(array.shape)
            assert (levels(other).byte().permute(1, 2, 0).numpy() == back).all()
        assert not torch.equal(found, memory)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "gausian noise"}, "name='gausian noise' is no corruption: did you mean 'gaussian_noise'?"),
        ({"name": "rain"}, "name='rain' is no corruption: "),
        ({"severity": 6}, "severity=6 must be 1, 2, 3, 4 or 5"),
        ({"severity": 0}, "severity=0 must be"),
        ({"severity": 2.5}, "severity=2.5 must be"),
        ({"severity": True}, "severity=True must be"),
        ({"parameters": "imagenet"}, "parameters='imagenet' must be one of 'imagenet-c', 'cifar-c'"),
        ({"files": "png"}, "files='png' must be 'memory' or 'jpeg'"),
        ({"images": torch.zeros(2, 4, 8, 8)}, "images has shape (2, 4, 8, 8) but must be (n, 3, h, w) or (n, 1, h, w)"),
        ({"images": torch.zeros(3, 8, 8)}, "images has shape (3, 8, 8) but must be"),
        ({"images": torch.zeros(0, 3, 8, 8)}, "images has shape (0, 3, 8, 8) but must be"),
        ({"images": torch.full((1, 3, 8, 8), 255.0)}, "images has values from 255 to 255 but must be in [0, 1]"),
        ({"images": torch.full((1, 3, 8, 8), torch.nan)}, "images has NaN or infinite values"),
        ({"images": torch.zeros(1, 3, 8, 8, dtype=torch.int16)}, "images has dtype torch.int16"),
        ({"images": torch.zeros(8, 8, 3, dtype=torch.uint8)}, "images has shape (8, 8, 3) but must be"),
        ({"name": "frost", "frost_folder": "nowhere"}, "frost_folder='nowhere' has no file frost1.png: it must be"),
        ({"images": np.zeros((1, 3, 8, 8))}, "images has type ndarray"),
        ({"image_ids": [1, 1]}, "image_ids[1]=1 is image_ids[0] again"),
        ({"rng": 0.5}, "rng=0.5 must be"),
    ],
)
def test_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"images": torch.zeros(2, 3, 8, 8), "name": "fog", "severity": 3, "rng": 0} | change
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        corrupt(arguments.pop("images"), arguments.pop("name"), arguments.pop("severity"), **arguments)


def test_numbers_of_an_image(seed: int, surely: Any) -> None:
    """Draws are named by image and call, uniform in law, and of any number of images at once."""
    streams = [as_stream(seed).split("test", image) for image in range(4)]
    both, alone = NoiseFor(streams), NoiseFor(streams[2:3])
    for shape in ((50_000,), (3, 5), ()):
        first = [both.normals(*shape), both.uniforms(*shape, low=-2.0, high=1.0), both.integers(*shape, low=-3, high=2)]
        again = [
            alone.normals(*shape),
            alone.uniforms(*shape, low=-2.0, high=1.0),
            alone.integers(*shape, low=-3, high=2),
        ]
        for one, other in zip(first, again, strict=True):
            assert one.shape == (4, *shape) and torch.equal(one[2:3], other)
        assert -2 <= float(first[1].min()) and float(first[1].max()) <= 1
    numbers = NoiseFor(streams)
    uniform, integer, word = numbers.uniforms(50_000), numbers.integers(50_000, low=-3, high=2), numbers.words(50_001)
    for share in (0.01, 0.3, 0.5, 0.9):
        surely(int((uniform < share).sum()), uniform.numel(), share)
        surely(int((word < share * 2**32).sum()), word.numel(), share)
    for value in range(-3, 2):
        surely(int((integer == value).sum()), integer.numel(), 0.2)
    for bit in (0, 13, 31):
        surely(int((word >> bit & 1).sum()), word.numel(), 0.5)
    assert len(torch.unique(word)) > 0.999 * word.numel()  # about 5 of 200,004 words of 32 bits meet by chance
