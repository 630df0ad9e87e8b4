"""Error rates agree with the exact ones, add up over ranges of draws, and repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from isoperimetry.special import ndtr
from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch import Classifier, measure_error_rate
from isoperimetry_bridges.torch.measure import ErrorCounter
from isoperimetry_bridges.torch.noise import noise_stream
from isoperimetry_bridges.torch.timing import Stopwatch

LABEL = torch.tensor([0])


@pytest.mark.parametrize(("distance", "sigma"), [(0.5, 0.25), (1.0, 0.4), (0.1, 1.0), (-0.3, 0.5), (0.0, 0.2)])
@pytest.mark.parametrize("kind", ["half_space", "quantized"])
def test_counts_agree_with_the_exact_rate(
    exact: Any, seed: int, surely: Callable[..., None], kind: str, distance: float, sigma: float
) -> None:
    classifier = Classifier(getattr(exact, kind)(distance))
    (measured,) = measure_error_rate(classifier, exact.images(), LABEL, sigma=sigma, n_samples=20_000, rng=seed)
    surely(measured.errors, 20_000, float(ndtr(-distance / sigma)))


def test_counts_agree_for_a_slab_and_with_the_other_label(exact: Any, seed: int, surely: Callable[..., None]) -> None:
    classifier, sigma = Classifier(exact.slab(0.3, 0.2)), 0.5
    images = exact.images(2)
    found = measure_error_rate(classifier, images, torch.tensor([0, 1]), sigma=sigma, n_samples=20_000, rng=seed)
    rate = float(ndtr(0.7 / sigma) - ndtr(0.3 / sigma))
    surely(found[0].errors, 20_000, rate)
    surely(found[1].errors, 20_000, 1 - rate)


def test_a_constant_model_is_never_or_always_wrong(exact: Any) -> None:
    classifier = Classifier(exact.constant(1))
    found = measure_error_rate(classifier, exact.images(2), [0, 1], sigma=1.0, n_samples=700, rng=0)
    assert [m.errors for m in found] == [700, 0]


def test_clipped_noise_is_counted_after_clipping(exact: Any, seed: int, surely: Callable[..., None]) -> None:
    # Error set {x_1 >= 0.9}: clipping to [0, 1] does not change it, clipping to [0, 0.8] makes it empty.
    module = exact.module(lambda x: torch.stack([torch.full((len(x),), 0.9), x[:, 0, 0, 0]], 1))
    rate = float(ndtr(-0.4 / 0.5))
    (wide,) = measure_error_rate(
        Classifier(module), exact.images(), LABEL, sigma=0.5, n_samples=20_000, rng=seed, clip=True
    )
    surely(wide.errors, 20_000, rate)
    assert wide.clipping
    (narrow,) = measure_error_rate(
        Classifier(module, bounds=(0.0, 0.8)), exact.images(), LABEL, sigma=0.5, n_samples=2000, rng=seed, clip=True
    )
    assert narrow.errors == 0


@pytest.mark.parametrize("sizes", [(1000,), (1, 999), (511, 1, 488), (600, 400)])
def test_counts_add_up_over_ranges(exact: Any, seed: int, sizes: tuple[int, ...]) -> None:
    count = ErrorCounter(Classifier(exact.half_space(0.3)))
    stream = noise_stream(as_stream(seed), "count", 0)
    whole = ErrorCounter(Classifier(exact.half_space(0.3)))(
        exact.images()[0], 0, 0.5, stream=stream, first=0, count=1000
    )
    first, errors = 0, 0
    for size in sizes:
        errors += count(exact.images()[0], 0, 0.5, stream=stream, first=first, count=size)
        first += size
    assert errors == whole > 0
    assert count.n_calls == 1000


def test_the_batch_size_does_not_change_the_counts(exact: Any, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier(exact.half_space(0.3))
    (plain,) = measure_error_rate(classifier, exact.images(), LABEL, sigma=0.5, n_samples=1500, rng=seed)
    monkeypatch.setattr(Classifier, "batch_size", lambda self, dim: 37)
    (other,) = measure_error_rate(classifier, exact.images(), LABEL, sigma=0.5, n_samples=1500, rng=seed)
    assert other.errors == plain.errors


def test_it_repeats_and_images_have_their_own_draws(exact: Any, seed: int) -> None:
    classifier = Classifier(exact.half_space(0.3))

    def errors(images: int, **options: Any) -> list[int]:
        labels = [0] * images
        found = measure_error_rate(classifier, exact.images(images), labels, sigma=0.5, n_samples=3000, **options)
        return [m.errors for m in found]

    eight = errors(8, rng=seed)
    assert errors(8, rng=seed) == eight
    assert errors(8, rng=seed + 1) != eight
    assert len(set(eight)) > 2  # eight equal images, eight sets of draws
    # An image keeps its draws whatever its neighbours are.
    assert errors(3, rng=seed, image_ids=[5, 2, 7]) == [eight[5], eight[2], eight[7]]


def test_each_image_can_have_its_sigma(exact: Any, seed: int) -> None:
    classifier = Classifier(exact.half_space(0.3))
    found = measure_error_rate(classifier, exact.images(2), [0, 0], sigma=[0.1, 2.0], n_samples=2000, rng=seed)
    assert [m.sigma for m in found] == [0.1, 2.0]
    assert found[0].errors < found[1].errors


def test_what_is_recorded(exact: Any) -> None:
    classifier = Classifier(exact.half_space(0.3))
    (measured,) = measure_error_rate(
        classifier, exact.images(), LABEL, sigma=0.5, n_samples=100, rng=11, image_ids=[42]
    )
    assert (measured.trials, measured.sigma, measured.dim, measured.clipping) == (100, 0.5, exact.dim, False)
    assert measured.provenance == {"model": classifier.fingerprint(), "seed": 11, "image": 42}


@pytest.mark.parametrize("make", [np.asarray, np.float64, np.float16, lambda x: x[:, ::-1].copy()[:, ::-1]])
def test_arrays_do(exact: Any, make: Callable[[Any], Any]) -> None:
    classifier = Classifier(exact.half_space(0.3))
    (one,) = measure_error_rate(classifier, exact.images(), LABEL, sigma=0.5, n_samples=500, rng=0)
    images = make(exact.images().numpy())
    (other,) = measure_error_rate(classifier, images, np.array([0], np.uint8), sigma=0.5, n_samples=500, rng=0)
    assert other.errors == one.errors


def test_read_only_arrays_do_and_nothing_is_changed(exact: Any) -> None:
    images, labels = exact.images().numpy(), np.array([0])
    before = images.copy()
    images.flags.writeable = labels.flags.writeable = False
    classifier = Classifier(exact.half_space(0.3))
    measure_error_rate(classifier, images, labels, sigma=0.5, n_samples=50, rng=0, clip=True)
    assert np.array_equal(images, before)
    tensor = torch.from_numpy(before.copy())
    measure_error_rate(classifier, tensor, labels, sigma=0.5, n_samples=50, rng=0, clip=True)
    assert np.array_equal(tensor.numpy(), before)


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "8-bit images": ({"images": torch.zeros(1, 1, 4, 4, dtype=torch.uint8)}, TypeError, "divide 8-bit images by 255"),
    "labels are no integers": ({"labels": torch.tensor([0.0])}, TypeError, "labels has dtype"),
    "labels are bools": ({"labels": torch.tensor([False])}, TypeError, "labels has dtype"),
    "label out of range": ({"labels": torch.tensor([2])}, ValueError, r"labels\[0\]=2"),
    "outside the box": ({"images": torch.full((1, 1, 4, 4), 1.5)}, ValueError, r"images\[0\]"),
    "no draws": ({"n_samples": 0}, ValueError, "n_samples=0"),
    "negative draws": ({"n_samples": -5}, ValueError, "n_samples=-5"),
    "draws are no integer": ({"n_samples": 10.0}, TypeError, r"n_samples=10\.0"),
    "sigma zero": ({"sigma": 0.0}, ValueError, "sigma=0.0 must be finite and > 0"),
    "sigma negative": ({"sigma": -1.0}, ValueError, "sigma=-1.0 must"),
    "sigma NaN": ({"sigma": float("nan")}, ValueError, "sigma=nan must"),
    "sigma infinite": ({"sigma": float("inf")}, ValueError, "sigma=inf must"),
    "sigma of another length": ({"sigma": [0.1, 0.2]}, ValueError, "sigma has shape"),
    "duplicate ids": (
        {"images": torch.zeros(2, 1, 4, 4), "labels": torch.tensor([0, 0]), "image_ids": [3, 3]},
        ValueError,
        "image_ids has 1 distinct",
    ),
    "ids missing": ({"image_ids": []}, ValueError, "image_ids has 0 distinct"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused(exact: Any, name: str) -> None:
    change, error, words = BAD[name]
    given: dict[str, Any] = {"images": exact.images(), "labels": LABEL, "sigma": 0.5, "n_samples": 10, "rng": 0}
    given |= change
    with pytest.raises(error, match=words) as caught:
        measure_error_rate(Classifier(exact.half_space(0.3)), given.pop("images"), given.pop("labels"), **given)
    assert "\n" not in str(caught.value)


def test_progress_and_clock(exact: Any) -> None:
    seen: list[tuple[int, int | None]] = []
    measure_error_rate(
        Classifier(exact.constant()),
        exact.images(3),
        [0, 0, 0],
        sigma=1.0,
        n_samples=5,
        rng=0,
        progress=lambda done, total, text: seen.append((done, total)),
    )
    assert seen[-1] == (3, 3)
    clock = Stopwatch()
    stream = noise_stream(as_stream(0), "count", 0)
    ErrorCounter(Classifier(exact.constant()), clock=clock)(
        exact.images()[0], 0, 1.0, stream=stream, first=0, count=1000
    )
    assert set(clock.seconds) == {"noise", "forward", "tally"}
    assert all(seconds > 0 for seconds in clock.seconds.values())
