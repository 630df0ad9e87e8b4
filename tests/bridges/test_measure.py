"""Error rates agree with the exact ones, add up over ranges of draws, and repeat."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from isoperimetry.bounds import halfspace_distance
from isoperimetry.intervals import beta_binomial
from isoperimetry.special import ndtr
from isoperimetry_bridges.torch import Classifier, measure_error_rate
from isoperimetry_bridges.torch.stopping import looks
from isoperimetry_bridges.torch.store import Store

LABEL = torch.tensor([0])


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


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
    about = {"model": classifier.fingerprint(), "seed": 11, "path": [], "image": 42, "ties": 0, "clip": False}
    about |= {"slack": classifier.slack, "device": "cpu", "dtype": "float32", "autocast": None, "batch_size": 512}
    assert about.items() <= measured.provenance.items()
    assert measured.sampling == "fixed" and "looks" not in measured.provenance
    assert "agreement" not in measured.provenance  # it is float32 itself
    assert type(measured.errors) is int


def test_an_image_that_is_wrong_without_noise_says_so(exact: Any, seed: int) -> None:
    module, rows = exact.half_space(0.5), [0]
    module.register_forward_hook(lambda module, inputs, outputs: rows.append(len(inputs[0])))
    classifier = Classifier(module)
    found = measure_error_rate(classifier, exact.images(2), [1, 0], sigma=[[0.1, 0.2]], n_samples=50, rng=seed)
    assert [one.provenance["wrong_without_noise"] for one in found] == [True, True, False, False]
    assert ["wrong without noise already" in str(one) for one in found] == [True, True, False, False]
    assert rows.count(2) == 3  # in the check, asked twice, and once more


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
        r"image_ids\[1\]=3 is image_ids\[0\] again",
    ),
    "ids missing": ({"image_ids": []}, ValueError, "image_ids has 0 entries"),
    "ids are no integers": ({"image_ids": [1.5]}, TypeError, r"image_ids\[0\]=1\.5 must be an integer or a string"),
    "a scale twice": ({"sigma": [[0.1, 0.1]]}, ValueError, r"sigma\[0\]=.* must not hold a scale twice"),
    "scales for other images": ({"sigma": [[0.1], [0.2]]}, ValueError, "sigma has shape"),
    "rel_error zero": ({"rel_error": 0.0}, ValueError, "rel_error=0.0 must"),
    "threshold one": ({"threshold": 1.0}, ValueError, "threshold=1.0 must"),
    "confidence one": ({"confidence": 1.0}, ValueError, "confidence=1.0 must"),
    "margins": ({"margins": 3}, TypeError, "margins=3 must be a function"),
    "a store without a seed": ({"store": "x", "rng": None}, ValueError, "rng=None is another seed"),
    "negative agreement": ({"n_agreement": -1}, ValueError, "n_agreement=-1 must be >= 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused(exact: Any, name: str) -> None:
    change, error, words = BAD[name]
    given: dict[str, Any] = {"images": exact.images(), "labels": LABEL, "sigma": 0.5, "n_samples": 10, "rng": 0}
    given |= change
    with pytest.raises(error, match=words) as caught:
        measure_error_rate(Classifier(exact.half_space(0.3)), given.pop("images"), given.pop("labels"), **given)
    assert "\n" not in str(caught.value)


def test_progress_is_in_draws(exact: Any) -> None:
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
    assert seen[-1] == (15, 15)  # draws


def grid(exact: Any, seed: int, **options: Any) -> list[Any]:
    """Measure three images at four scales."""
    classifier = Classifier(exact.half_space(0.3), batch_size=options.pop("batch_size", None))
    given = {"sigma": [[0.1, 0.2, 0.4, 1.6]], "n_samples": 3000, "rng": seed} | options
    return measure_error_rate(classifier, exact.images(3), [0, 0, 0], **given)


def counts(measured: list[Any]) -> list[Any]:
    return [(m.provenance["image"], m.sigma, m.errors, m.trials, m.provenance.get("looks")) for m in measured]


def test_several_scales_share_draws(exact: Any, seed: int, surely: Callable[..., None]) -> None:
    found = grid(exact, seed)
    assert [(m.provenance["image"], m.sigma) for m in found] == [(i, s) for i in range(3) for s in (0.1, 0.2, 0.4, 1.6)]
    for m in found:
        surely(m.errors, m.trials, float(ndtr(-0.3 / m.sigma)))
    for image in range(3):  # the same z: an error of a half-space stays one as the scale grows
        errors = [m.errors for m in found[4 * image : 4 * image + 4]]
        assert errors == sorted(errors)
        (alone,) = measure_error_rate(
            Classifier(exact.half_space(0.3)),
            exact.images(),
            LABEL,
            sigma=0.4,
            n_samples=3000,
            rng=seed,
            image_ids=[image],
        )
        assert alone.errors == errors[2]


@pytest.mark.parametrize("options", [{}, {"rel_error": 0.1}, {"threshold": 0.1}, {"rel_error": 0.02, "threshold": 0.2}])
def test_batches_and_workers_do_not_change_when_a_count_stops(
    exact: Any, seed: int, options: dict[str, Any], threads: Callable[[int], None]
) -> None:
    one = grid(exact, seed, **options)
    assert counts(grid(exact, seed, batch_size=7, **options)) == counts(one)
    threads(3)
    assert counts(grid(exact, seed, batch_size=100, **options)) == counts(one)


def test_it_stops_at_the_first_look_that_suffices(exact: Any, seed: int) -> None:
    for m in grid(exact, seed, sigma=[[0.2, 0.4]], n_samples=60_000, rel_error=0.1):
        assert m.sampling == "sequential"
        seen = m.provenance["looks"]
        assert [draws for draws, _ in seen] == list(looks(60_000)[: len(seen)])
        assert seen[-1] == [m.trials, m.errors]

        def width(errors: int, draws: int, sigma: float = m.sigma) -> float:
            low, high = beta_binomial(errors, draws).distance(sigma)
            middle = float(halfspace_distance(errors / draws, sigma))
            return (high - low) / 2 / middle if np.isfinite(middle) else np.inf

        assert width(m.errors, m.trials) <= 0.1 and m.trials < 60_000
        assert all(width(errors, draws) > 0.1 for draws, errors in seen[:-1])


def test_a_decision_stops_and_what_cannot_be_known_takes_the_budget(exact: Any, seed: int) -> None:
    low, high = grid(exact, seed, sigma=[[0.1, 1.6]], n_samples=20_000, threshold=0.1)[:2]
    assert low.trials < 1000 and low.error_rate().high < 0.1
    assert high.trials < 1000 and high.error_rate().low > 0.1
    (never,) = measure_error_rate(
        Classifier(exact.constant()), exact.images(), LABEL, sigma=1.0, n_samples=900, rel_error=0.5, rng=0
    )
    assert (never.errors, never.trials, never.sampling) == (0, 900, "sequential")
    (half,) = measure_error_rate(
        Classifier(exact.half_space(0.0)), exact.images(), LABEL, sigma=1.0, n_samples=3000, rel_error=0.2, rng=seed
    )
    assert half.trials == 3000


@pytest.mark.parametrize("options", [{}, {"rel_error": 0.1}])
def test_margins_are_those_of_the_counted_draws(exact: Any, seed: int, options: dict[str, Any]) -> None:
    got: dict[Any, list[Any]] = {}

    def keep(image_id: Any, sigma: float, first: int, values: Any) -> None:
        before = got.setdefault((image_id, sigma), [])
        assert first == sum(map(len, before)) and values.dtype == np.float32
        before.append(values.copy())

    for m in grid(exact, seed, margins=keep, **options):
        values = np.concatenate(got[m.provenance["image"], m.sigma])
        assert (len(values), int((values < 0).sum())) == (m.trials, m.errors)


def test_ties_are_counted(exact: Any, seed: int) -> None:
    module = exact.module(lambda x: torch.stack([torch.ones(len(x)), 1 + torch.round(2 * (x[:, 0, 0, 0] - 0.5))], 1))
    seen: list[Any] = []
    (m,) = measure_error_rate(
        Classifier(module),
        exact.images(),
        LABEL,
        sigma=0.5,
        n_samples=4000,
        rng=seed,
        margins=lambda *a: seen.append(a[3]),
    )
    margins = np.concatenate(seen)
    assert m.provenance["ties"] == (margins == 0).sum() > 1000
    assert m.errors == (margins < 0).sum() > 500  # the first of equal logits is the class


def test_what_a_store_has_is_not_judged_again(exact: Any, seed: int, tmp_path: Any) -> None:
    judged: list[Any] = []
    for options in ({}, {"rel_error": 0.05}):
        plain = grid(exact, seed, **options)
        folder = tmp_path / f"{len(options)}"
        assert grid(exact, seed, store=folder, **options) == plain
        assert grid(exact, seed, store=folder, margins=lambda *a: judged.append(a), **options) == plain
        assert not judged
    more = grid(exact, seed, store=tmp_path / "0", n_samples=5000, margins=lambda *a: judged.append(a[2]))
    assert counts(more) == counts(grid(exact, seed, n_samples=5000))
    assert min(judged) == 3000


def test_a_store_of_something_else_is_refused(exact: Any, seed: int, tmp_path: Any) -> None:
    grid(exact, seed, store=tmp_path / "a")
    with pytest.raises(ValueError, match="seed"):
        grid(exact, seed + 1, store=tmp_path / "a")
    classifier, options = Classifier(exact.half_space(0.3)), {"sigma": 0.4, "n_samples": 10, "store": tmp_path / "a"}
    with pytest.raises(ValueError, match="another model"):
        measure_error_rate(Classifier(exact.half_space(0.31)), exact.images(), LABEL, rng=seed, **options)
    with pytest.raises(ValueError, match="another image or label with the id 0"):
        measure_error_rate(classifier, exact.images() + 0.1, LABEL, rng=seed, **options)
    with pytest.raises(ValueError, match="another image or label with the id 0"):
        measure_error_rate(classifier, exact.images(), torch.tensor([1]), rng=seed, **options)


def test_an_interrupt_loses_no_round(exact: Any, seed: int, tmp_path: Any) -> None:
    def stop(done: int, total: int | None, text: str) -> None:
        if done > 2000:
            raise KeyboardInterrupt

    options = {"n_samples": 3000, "sigma": 0.4, "batch_size": 16}
    with pytest.raises(KeyboardInterrupt):
        grid(exact, seed, store=tmp_path, progress=stop, **options)
    with Store(tmp_path) as store:
        kept = sum(store.get(name)[0] for name in store.names() if name.startswith("count/"))
    assert 2000 < kept < 9000
    judged: list[int] = []
    resumed = grid(exact, seed, store=tmp_path, margins=lambda *a: judged.append(len(a[3])), **options)
    assert counts(resumed) == counts(grid(exact, seed, **options))
    assert sum(judged) == 9000 - kept


KILLED = """
import sys, time, torch
from isoperimetry_bridges.torch import Classifier, measure_error_rate
torch.set_num_threads(1)
class Slow(torch.nn.Module):
    def forward(self, x):
        time.sleep(0.0005)
        margin = x.flatten(1) @ torch.linspace(-1.0, 1.3, 16) - 2.0
        return torch.stack([torch.zeros_like(margin), margin], 1)
def run(folder, **options):
    return measure_error_rate(Classifier(Slow().eval(), batch_size=32), torch.full((2, 1, 4, 4), 0.5), [0, 0],
                              sigma=[[0.5, 0.7]], n_samples=4000, rng=5, store=folder, **options)
if __name__ == "__main__":
    print("ready", flush=True)
    run(sys.argv[1], rel_error=None if sys.argv[2] == "fixed" else 0.03)
"""


@pytest.mark.parametrize("kind", ["fixed", "looks"])
def test_a_killed_run_goes_on(tmp_path: Any, seed: int, kind: str) -> None:
    script, folder = tmp_path / "killed.py", tmp_path / "store"
    script.write_text(KILLED)
    times = np.random.default_rng(seed).uniform(0.05, 0.3, size=2)
    for seconds in times:
        with subprocess.Popen(
            [sys.executable, str(script), str(folder), kind], stdout=subprocess.PIPE, text=True
        ) as run:
            assert run.stdout is not None and run.stdout.readline() == "ready\n"
            time.sleep(float(seconds))
            run.kill()
    names: dict[str, Any] = {"__name__": "killed"}
    exec(script.read_text(), names)
    rule = {} if kind == "fixed" else {"rel_error": 0.03}
    assert counts(names["run"](folder, **rule)) == counts(names["run"](None, **rule))
