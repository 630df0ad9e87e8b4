"""The pictures of a check show what was measured: the images, the draws that were attacked, the nearest errors."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch import CheckSettings, Classifier, ModelCheck, TangentProjection, check_model
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.pictures import save_pictures, why_not_drawn

FIXED = CheckSettings(sigma=0.4, n_samples=200, n_starts=5)
DISTANCE = 0.85


def checked(classifier: Classifier, images: torch.Tensor, seed: int, **options: Any) -> ModelCheck:
    return check_model(classifier, images, [0] * len(images), **{"settings": FIXED, "rng": seed, **options})


def load(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("clip", [False, True])
def test_what_is_drawn(exact: Any, seed: int, tmp_path: Path, clip: bool) -> None:
    # A box of another size, an image that is wrong already, and one more than is asked for.
    classifier, box = Classifier(exact.half_space(DISTANCE), bounds=(-2.0, 3.0)), (-2.0, 3.0)
    images = exact.images(3)
    images[0] += 0.9 * exact.normal().view(exact.shape)
    settings = dataclasses.replace(FIXED, clip=clip)
    model = checked(classifier, images, seed, settings=settings, image_ids=["a/b", 7, 8], n_pictures=2)
    assert why_not_drawn([model]) is None
    save_pictures(tmp_path / "pictures.npz", [model])
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.npz"]
    found = load(tmp_path / "pictures.npz")
    parts = ("image", "noisy", "error", "difference")
    assert set(found) == {'model0/"a/b"/image', *(f"model0/7/{part}" for part in parts)}
    image, noisy, error, difference = (found[f"model0/7/{part}"] for part in parts)
    assert image.dtype == noisy.dtype == error.dtype == np.uint8
    assert image.shape == error.shape == difference.shape == exact.shape
    assert (image == round(255 * 2.5 / 5)).all()
    stream = noise_stream(as_stream(seed), "start", 7)
    draws = noisy_images(images[1], 0.4, stream=stream, first=0, count=3, bounds=box if clip else None)
    assert np.array_equal(noisy, (255 * (draws.double() + 2) / 5).round().clip(0, 255).numpy())
    assert difference.dtype == np.float16
    nearest = min(model.images[1].clean_distances.values())
    assert np.linalg.norm(difference.astype(float)) == pytest.approx(nearest, rel=1e-3)
    assert np.allclose(difference.ravel(), DISTANCE * exact.normal().numpy(), atol=2e-3)
    shown = (255 * (0.5 + difference.astype(float) + 2) / 5).round()
    assert np.abs(error - shown).max() <= 1
    # They are no part of the record.
    assert "pictures" not in model.to_dict()
    assert model == dataclasses.replace(model, pictures=())


def test_the_nearest_error_of_all_attacks_is_drawn(exact: Any, seed: int) -> None:
    class Lost:
        name = "lost"

        def __call__(self, classifier: Classifier, starts: Any, labels: Any, **options: Any) -> Any:
            found = TangentProjection()(classifier, starts, labels, **options)
            return dataclasses.replace(found, distances=np.full(len(starts), math.inf))

    masked = Classifier(exact.quantized(DISTANCE))
    (picture,) = checked(masked, exact.images(), seed, others=[Lost()], n_pictures=1).pictures
    assert picture.error is None
    (picture,) = checked(Classifier(exact.half_space(DISTANCE)), exact.images(), seed, n_pictures=1).pictures
    assert picture.error is not None
    assert masked.wrong(torch.from_numpy(picture.error)[None], torch.tensor([0])).all()


def test_how_many_are_drawn_changes_nothing_else(exact: Any, seed: int) -> None:
    # More images than share a batch; a network that bends, so that batches could be told by their rounding.
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)).eval()
    images = torch.rand(10, *exact.shape)
    classifier = Classifier(net)
    labels = classifier.predict(images)
    settings = dataclasses.replace(FIXED, n_samples=20, n_starts=1, attack="ddn")
    none, some, more = (
        check_model(classifier, images, labels, settings=settings, others=[], rng=seed, n_pictures=count)
        for count in (0, 3, 12)
    )
    assert none.images == some.images == more.images
    assert list(map(len, (none.pictures, some.pictures, more.pictures))) == [0, 3, 10]
    with pytest.raises(ValueError, match="n_pictures=-1"):
        check_model(classifier, images, labels, settings=settings, rng=seed, n_pictures=-1)


def test_pictures_survive_a_resume(exact: Any, seed: int, tmp_path: Path, monkeypatch: Any) -> None:
    classifier, store = Classifier(exact.half_space(DISTANCE)), tmp_path / "store"
    whole = checked(classifier, exact.images(2), seed, store=store, n_pictures=1)
    # A first run that drew nothing kept no points: they are searched again, the rest is not.
    bare = tmp_path / "bare"
    checked(classifier, exact.images(2), seed, store=bare)
    again = checked(classifier, exact.images(2), seed, store=bare, n_pictures=1)
    for attack in ("DecoupledDirectionNorm", "ProjectedGradient", "TangentProjection"):
        monkeypatch.setattr(f"isoperimetry_bridges.torch.{attack}.__call__", lambda *_, **__: pytest.fail("searched"))
    resumed = checked(classifier, exact.images(2), seed, store=store, n_pictures=1)
    assert whole.images == resumed.images
    for other in (resumed, again):
        assert np.array_equal(whole.pictures[0].error, other.pictures[0].error)  # type: ignore[arg-type]
        assert np.array_equal(whole.pictures[0].noisy, other.pictures[0].noisy)


def test_why_there_are_none(exact: Any, seed: int) -> None:
    classifier = Classifier(exact.half_space(DISTANCE))
    words = why_not_drawn([checked(classifier, exact.images().view(1, 16), seed, n_pictures=1)])
    assert words is not None
    assert words.startswith("Inputs of shape (16,) cannot be drawn")
    assert why_not_drawn([checked(classifier, exact.images(), seed)]) == "No pictures were asked for."


def test_a_file_that_cannot_be_written_leaves_nothing(exact: Any, seed: int, tmp_path: Path, monkeypatch: Any) -> None:
    model = checked(Classifier(exact.half_space(DISTANCE)), exact.images(), seed, n_pictures=1)
    (tmp_path / "pictures.npz").write_bytes(b"before")

    def full(file: Any, **_: Any) -> None:
        file.write(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space"):
        save_pictures(tmp_path / "pictures.npz", [model])
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.npz"]
    assert (tmp_path / "pictures.npz").read_bytes() == b"before"
