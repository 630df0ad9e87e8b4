"""Each shipped defence does what its publication says, hides gradients exactly where we say so, and changes little."""

from __future__ import annotations

import copy
import io
import itertools
import math
import sys
from collections.abc import Callable

import numpy as np
import pytest
import scipy.ndimage
import torch
from torch import Tensor, nn

from isoperimetry.errors import MissingDependency, ModelError
from isoperimetry_bridges.torch import Classifier, DecoupledDirectionNorm, Transfer, zoo
from isoperimetry_bridges.torch.attacks import Attack, BoundaryDescent
from isoperimetry_bridges.torch.attacks.gradients import Gradients
from isoperimetry_bridges.torch.zoo.defences import (
    BitDepth,
    Defence,
    JpegCompression,
    MedianSmoothing,
    PixelDeflection,
    SaturatedSoftmax,
    TotalVariation,
)

NONE = nn.Identity()
INSIDE = tuple(name for name in zoo.DEFENCES if name not in ("masked", "saturated"))


@pytest.fixture(scope="module")
def models() -> dict[str, Classifier]:
    return {name: zoo.load_classifier(name) for name in ("clean", *zoo.DEFENCES)}


@pytest.fixture(scope="module")
def shipped() -> tuple[Tensor, Tensor]:
    return zoo.load_images()


@pytest.fixture(scope="module")
def noisy(shipped: tuple[Tensor, Tensor]) -> Tensor:
    """Sixty images in noise, many values of them outside of [0, 1]."""
    return shipped[0][:60] + 0.2 * torch.randn(60, 1, 28, 28, generator=torch.Generator().manual_seed(11))


def rough(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(12))


# --- what holds of all -----------------------------------------------------------------------------------------------


def test_there_are_seven_and_no_two_are_taken_for_one_another(models: dict[str, Classifier]) -> None:
    assert zoo.DEFENCES == (
        "masked", "bit-depth", "jpeg", "median", "total-variation", "pixel-deflection", "saturated",
    )  # fmt: skip
    assert len({model.fingerprint() for model in models.values()}) == 8
    assert all(model.name == name for name, model in models.items())
    again = zoo.load_classifier("pixel-deflection")
    assert again.fingerprint() == models["pixel-deflection"].fingerprint()


@pytest.mark.parametrize(
    "make",
    [
        lambda k: BitDepth(NONE, bits=k),
        lambda k: JpegCompression(NONE, quality=10 * k),
        lambda k: MedianSmoothing(NONE, window=k),
        lambda k: TotalVariation(NONE, weight=k / 10),
        lambda k: TotalVariation(NONE, steps=k),
        lambda k: PixelDeflection(NONE, deflections=k),
        lambda k: PixelDeflection(NONE, window=k),
        lambda k: PixelDeflection(NONE, sigma=k / 10),
        lambda k: PixelDeflection(NONE, seed=k),
        lambda k: SaturatedSoftmax(NONE, temperature=k),
    ],
)
def test_settings_are_in_the_fingerprint(make: Callable[[int], nn.Module]) -> None:
    prints = [Classifier(make(k).eval()).fingerprint() for k in (2, 3, 3)]
    assert prints[0] != prints[1] == prints[2]


@pytest.mark.parametrize("name", zoo.DEFENCES)
def test_few_clean_predictions_change(models: dict[str, Classifier], shipped: tuple[Tensor, Tensor], name: str) -> None:
    x, labels = shipped[0][:200], shipped[1][:200]
    models[name].check(x, labels)
    found, clean = models[name].predict(x), models["clean"].predict(x)
    assert int((found != clean).sum()) <= 20
    assert int((found == labels).sum()) >= 0.85 * 200
    assert torch.equal(found, models[name].predict(x))
    assert torch.equal(found, copy.deepcopy(models[name]).predict(x))


@pytest.mark.parametrize("name", INSIDE)
def test_images_are_clipped_and_treated_by_themselves(models: dict[str, Classifier], noisy: Tensor, name: str) -> None:
    module = models[name].module
    assert isinstance(module, Defence)
    logits = module(noisy)
    assert torch.equal(logits, module(noisy.clamp(0, 1)))
    changed = module.transform(noisy.clamp(0, 1))
    assert changed.shape == noisy.shape
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    assert (changed != noisy.clamp(0, 1)).flatten(1).any(1).all()
    alone = torch.cat([module.transform(image[None].clamp(0, 1)) for image in noisy[:3]])
    torch.testing.assert_close(alone, changed[:3], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [*INSIDE, "masked"])
@pytest.mark.parametrize("margin", [False, True])
def test_the_gradient_is_exactly_zero(
    models: dict[str, Classifier], shipped: tuple[Tensor, Tensor], noisy: Tensor, name: str, margin: bool
) -> None:
    starts, labels = torch.cat([shipped[0][:20], noisy[:20]]), shipped[1][:20].repeat(2)
    assert not Gradients(models[name], "PGD", margin=margin)(starts, labels).gradient.any()
    assert Gradients(models["clean"], "PGD", margin=margin)(starts, labels).gradient.flatten(1).any(1).all()


@pytest.mark.parametrize("margin", [False, True])
def test_the_saturated_gradient_is_exactly_zero_where_the_lead_is_clear(
    models: dict[str, Classifier], shipped: tuple[Tensor, Tensor], noisy: Tensor, margin: bool
) -> None:
    starts, labels = torch.cat([shipped[0][:150], noisy]), torch.cat([shipped[1][:150], shipped[1][:60]])
    with torch.no_grad():
        top = models["clean"].logits(starts).topk(2).values
    lead = top[:, 0] - top[:, 1]
    moving = Gradients(models["saturated"], "PGD", margin=margin)(starts, labels).gradient.flatten(1).any(1)
    assert not moving[lead > 1.05].any()
    assert moving[lead < 0.8].all()
    assert 0.5 < float((lead > 1.05).float().mean()) < 1.0
    assert int((lead < 0.8).sum()) >= 5


def test_saturated_logits_decide_as_before(models: dict[str, Classifier], noisy: Tensor) -> None:
    assert torch.equal(models["saturated"].predict(noisy), models["clean"].predict(noisy))
    with torch.no_grad():
        answers = models["saturated"].module(noisy)
        expected = (100 * models["clean"].module(noisy).double()).softmax(1)
    assert float((answers - expected).abs().max()) < 1e-4


@pytest.mark.parametrize("name", [*INSIDE, "saturated"])
def test_gradients_find_nothing_where_other_attacks_find_errors(
    models: dict[str, Classifier], shipped: tuple[Tensor, Tensor], name: str
) -> None:
    model = Classifier(models[name].module, batch_size=8)
    starts, labels = shipped[0][:8], shipped[1][:8]
    right = ~model.wrong(starts, labels).numpy()
    assert right.sum() >= 6
    attack = DecoupledDirectionNorm(steps=20)
    blind = attack(model, starts, labels, scale=1.0)
    assert np.isinf(blind.distances[blind.blocked]).all()
    assert blind.blocked.sum() >= (4 if name == "saturated" else right.sum())
    # Smoothing takes away most of what another network's errors add to an image.
    smoothed = name in ("median", "total-variation")
    other: Attack = BoundaryDescent(n_calls=300) if smoothed else Transfer(source=models["clean"], attack=attack)
    found = other(model, starts, labels, scale=1.0)
    errors = right & np.isfinite(found.distances)
    assert errors.sum() >= 5
    assert model.wrong(found.points, labels).numpy()[errors].all()


# --- each against a literal version ----------------------------------------------------------------------------------


def test_bit_depth_keeps_as_many_levels() -> None:
    for bits in (1, 3, 8):
        values = BitDepth(NONE, bits=bits)(torch.linspace(-1, 2, 6001).view(1, 1, 1, -1)).flatten()
        assert torch.equal(values.unique(), torch.arange(2**bits) / (2**bits - 1))
        assert float((values[2000:4001] - torch.linspace(0, 1, 2001)).abs().max()) <= 0.5001 / (2**bits - 1)


def pillow(picture: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=quality)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("shape", [(28, 28), (13, 33), (8, 16), (1, 1)])
@pytest.mark.parametrize("quality", [10, 75])
def test_jpeg_is_that_of_pillow_image_by_image(shape: tuple[int, int], quality: int) -> None:
    for channels in (1, 3):
        x = rough(5, channels, *shape)
        found = (255 * JpegCompression(NONE, quality=quality)(x)).round().to(torch.uint8).numpy()
        for image, coded in zip((255 * x).round().to(torch.uint8).numpy(), found, strict=True):
            literal = pillow(image[0] if channels == 1 else image.transpose(1, 2, 0).copy(), quality)
            assert np.array_equal(coded[0] if channels == 1 else coded.transpose(1, 2, 0), literal)


def test_more_images_than_one_jpeg_holds() -> None:
    x = rough(2050, 1, 28, 28)
    found = (255 * JpegCompression(NONE)(x)).round().to(torch.uint8).numpy()
    for k in (0, 2044, 2045, 2046, 2047, 2049):
        assert np.array_equal(found[k, 0], pillow((255 * x[k, 0]).round().to(torch.uint8).numpy(), 75))


@pytest.mark.parametrize("window", [2, 3, 4, 5])
@pytest.mark.parametrize("shape", [(9, 14), (3, 2)])
def test_medians_are_those_of_scipy(window: int, shape: tuple[int, int]) -> None:
    x = rough(2, 3, *shape)
    found = MedianSmoothing(NONE, window=window)(x).numpy()
    for image, smooth in zip(x.numpy().reshape(-1, *shape), found.reshape(-1, *shape), strict=True):
        assert np.array_equal(smooth, scipy.ndimage.median_filter(image, size=window, mode="reflect"))


def slopes(u: np.ndarray) -> np.ndarray:
    found = np.zeros((2, *u.shape))
    found[0, :-1], found[1, :, :-1] = np.diff(u, axis=0), np.diff(u, axis=1)
    return found


def chambolle(x: np.ndarray, weight: float, steps: int) -> np.ndarray:
    """Minimise by the semi-implicit iteration of Chambolle (2004), as it is written there."""
    p = np.zeros((2, *x.shape))
    for step in range(steps + 1):
        divergence = np.zeros_like(x)
        for axis in (0, 1):
            kept = np.moveaxis(p[axis], axis, 0)
            part = np.moveaxis(divergence, axis, 0)
            part[:-1] += kept[:-1]
            part[1:] -= kept[:-1]
        if step < steps:
            ascent = slopes(divergence + x / weight)
            p = (p + 0.125 * ascent) / (1 + 0.125 * np.hypot(*ascent))
    return x + weight * divergence


@pytest.mark.parametrize("weight", [0.05, 0.2])
def test_total_variation_is_minimised(weight: float) -> None:
    x = rough(2, 1, 6, 9)
    reference = np.stack([chambolle(image.astype(float), weight, 2000) for image in x[:, 0].numpy()])
    long = TotalVariation(NONE, weight=weight, steps=400)
    assert float(np.abs(long(x)[:, 0].numpy() - reference).max()) < 2e-3
    least = [
        ((u - image) ** 2).sum() / 2 + weight * np.hypot(*slopes(u)).sum()
        for u, image in zip(reference, x[:, 0].numpy().astype(float), strict=True)
    ]
    values = [
        long.objective(u, x).numpy()
        for u in (x, *(TotalVariation(NONE, weight=weight, steps=n)(x) for n in (1, 2, 4, 10)))
    ]
    for before, after in itertools.pairwise(values):
        assert (after < before).all()
    assert np.allclose(long.objective(long(x), x).numpy(), least, rtol=1e-4)
    assert (values[-1] - least < 0.03 * (values[0] - least)).all()


def test_total_variation_leaves_flat_images_alone() -> None:
    flat = torch.full((1, 1, 6, 6), 0.3)
    assert torch.equal(TotalVariation(NONE)(flat), flat)


def test_deflected_pixels_come_from_nearby() -> None:
    kept = PixelDeflection(NONE, deflections=0, sigma=1e-12)
    x = rough(2, 1, 28, 28)
    torch.testing.assert_close(kept(x), x, rtol=0, atol=1e-6)
    one = [PixelDeflection(NONE, deflections=1, window=2, seed=seed) for seed in range(40)]
    moved = [
        np.subtract(divmod(int(d.sources[at]), 28), divmod(at, 28))
        for d in one
        for at in (d.sources != torch.arange(784)).nonzero().flatten().tolist()
    ]
    assert 25 <= len(moved) <= 40  # one of 25 or less picks itself
    assert np.abs(moved).max() == 2
    many = PixelDeflection(NONE, deflections=50, sigma=1e-12)
    changed = many.sources != torch.arange(784)
    assert 35 <= int(changed.sum()) <= 50
    torch.testing.assert_close(many(x).flatten(1), x.flatten(1)[:, many.sources], rtol=0, atol=1e-6)
    colours = PixelDeflection(NONE, deflections=60, shape=(3, 12, 12)).sources
    assert torch.equal(colours.view(3, -1) // 144, torch.arange(3)[:, None].expand(3, 144))
    assert ((colours != torch.arange(432)).view(3, -1).sum(1) > 5).all()


@pytest.mark.parametrize("shape", [(6, 8), (5, 7)])
def test_wavelet_coefficients_are_shrunk_as_bayes_shrink_says(shape: tuple[int, int]) -> None:
    sigma = 0.1
    x = rough(2, 1, *shape)
    found = PixelDeflection(NONE, deflections=0, sigma=sigma, shape=(1, *shape))(x).numpy()
    for image, smooth in zip(x[:, 0].numpy().astype(float), found[:, 0], strict=True):
        u = np.pad(image, [(0, size % 2) for size in shape], mode="edge")
        signs = [np.array([[1, 1], [1, 1]]), np.array([[1, -1], [1, -1]]), np.array([[1, 1], [-1, -1]])]
        signs.append(signs[1] * signs[2])
        out = np.zeros_like(u)
        for k, sign in enumerate(signs):
            each = {
                (i, j): (sign * u[i : i + 2, j : j + 2]).sum() / 2
                for i in range(0, u.shape[0], 2)
                for j in range(0, u.shape[1], 2)
            }
            power = np.mean(np.square(list(each.values())))
            threshold = sigma**2 / math.sqrt(max(power - sigma**2, np.finfo(np.float32).eps)) if k else 0.0
            for (i, j), value in each.items():
                out[i : i + 2, j : j + 2] += sign * math.copysign(max(abs(value) - threshold, 0.0), value) / 2
        assert np.allclose(smooth, np.clip(out[: shape[0], : shape[1]], 0, 1), atol=1e-5)
        assert np.abs(smooth - image).max() > 0.01


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: BitDepth(NONE, bits=9), r"bits=9 must be an integer in \[1, 8\]: it is what is kept of 8 bits\."),
        (lambda: BitDepth(NONE, bits=True), "bits=True must be an integer"),
        (lambda: JpegCompression(NONE, quality=0), r"quality=0 must be an integer in \[1, 100\]"),
        (lambda: MedianSmoothing(NONE, window=1), r"window=1 must be an integer in \[2, 7\]"),
        (
            lambda: TotalVariation(NONE, weight=0.0),
            "weight=0.0 must be finite and > 0: it is what total variation costs",
        ),
        (
            lambda: TotalVariation(NONE, steps=0),
            "steps=0 must be an integer >= 1: it is a number of steps of the solver",
        ),
        (lambda: PixelDeflection(NONE, deflections=-1), "deflections=-1 must be an integer >= 0"),
        (lambda: PixelDeflection(NONE, window=2.5), "window=2.5 must be an integer >= 1"),  # type: ignore[arg-type]
        (lambda: PixelDeflection(NONE, sigma=math.nan), "sigma=nan must be finite and > 0: it is a scale of noise"),
        (lambda: SaturatedSoftmax(NONE, temperature=math.inf), "temperature=inf must be finite and > 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Callable[[], nn.Module], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_images_that_do_not_fit_are_refused(models: dict[str, Classifier]) -> None:
    with pytest.raises(ModelError, match="x has 2 channels but JPEG takes 1"):
        Classifier(JpegCompression(NONE).eval()).outputs(torch.zeros(1, 2, 8, 8))
    with pytest.raises(ModelError, match=r"x has images of shape \(1, 8, 8\) but shape=\(1, 28, 28\) was given"):
        models["pixel-deflection"].outputs(torch.zeros(1, 1, 8, 8))


def test_jpeg_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingDependency, match="JpegCompression needs the package 'pillow'"):
        zoo.load_classifier("jpeg")
    zoo.load_classifier("median")
