"""The search for sigma(x0, mu): its interval covers, it returns only what it measured, and it says how it ended."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binom

from isoperimetry.special import ndtri
from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch import Classifier, SigmaSearch, SigmaStatus, find_sigma, measure_error_rate
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.regions import plan_looks
from isoperimetry_bridges.torch.zoo import load_classifier, load_images


def search(module: Any, count: int = 1, **options: Any) -> list[SigmaSearch]:
    images = torch.full((count, 1, 4, 4), 0.5)
    return find_sigma(Classifier(module), images, [0] * count, **options)


@pytest.mark.parametrize(
    ("distance", "error_rate", "n_samples", "confidence", "count"),
    [(0.5, 0.01, 1000, 0.95, 60), (0.2, 0.2, 200, 0.5, 60), (0.7, 0.05, 400, 0.9, 30)],
)
def test_the_interval_contains_the_truth(
    exact: Any, seed: int, at_most: Callable[..., None], distance: float, error_rate: float, n_samples: int,
    confidence: float, count: int,
) -> None:  # fmt: skip
    truth = distance / -float(ndtri(error_rate))
    found = search(
        exact.half_space(distance), count, error_rate=error_rate, n_samples=n_samples, confidence=confidence, rng=seed
    )
    missed = sum(not result.low <= truth <= result.high for result in found)
    at_most(missed, count, 1 - confidence)
    assert all(0 < result.low < result.high < math.inf for result in found)
    assert all(result.confidence == confidence for result in found)


def crossings(exact: Any, seed: int, distance: float, count: int, image_id: int = 0) -> Any:
    """Return the scale at which each draw enters the half-space, inf for those that go the other way; sorted."""
    stream = noise_stream(as_stream(seed), "search", image_id)
    draws = noisy_images(torch.zeros(exact.shape), 1.0, stream=stream, first=0, count=count)
    along = draws.flatten(1).double() @ exact.normal().double()
    return np.sort(np.where(along > 0, distance / along, np.inf))


def test_the_search_finds_the_passages_that_all_draws_judged_at_all_scales_would_show(exact: Any, seed: int) -> None:
    step = 2 ** (1 / 1024)  # the grid
    for image_id, result in enumerate(search(exact.half_space(0.5), 6, rng=seed)):
        assert result.status is SigmaStatus.BRACKETED
        assert (result.sigma, result.errors, result.trials) in result.looks
        assert (result.trials, result.error_rate, result.errors) == (1000, 0.01, 10)
        entries = crossings(exact, seed, 0.5, 1000, image_id)
        # 4 to 17 errors of 1000 are not rejected at a rate of 1 %: binom.cdf(3) and binom.sf(17) are below 2.5 %.
        assert result.low < entries[3] * (1 + 1e-5) <= result.low * step * (1 + 2e-5)
        assert result.high >= entries[17] * (1 - 1e-5) >= result.high / step * (1 - 2e-5)
        assert result.sigma >= entries[9] * (1 - 1e-5) >= result.sigma / step * (1 - 2e-5)


def test_the_interval_inverts_the_binomial_test(exact: Any, seed: int) -> None:
    for result in search(exact.half_space(0.5), 3, confidence=0.9, n_samples=2000, rng=seed):
        errors = {sigma: count for sigma, count, trials in result.looks if trials == 2000}
        assert binom.cdf(errors[result.low], 2000, 0.01) <= 0.05 < binom.cdf(errors[result.low] + 3, 2000, 0.01)
        # Two draws may enter in one step of the grid, seldom three.
        assert binom.sf(errors[result.high] - 1, 2000, 0.01) <= 0.05 < binom.sf(errors[result.high] - 4, 2000, 0.01)


def test_common_random_numbers_make_the_counts_of_a_half_space_monotone(exact: Any, seed: int) -> None:
    for result in search(exact.half_space(0.5), 3, rng=seed):
        sigmas = [sigma for sigma, _, _ in result.looks]
        assert sigmas == sorted(set(sigmas))
        for size in (16, 1000):
            errors = [count for _, count, trials in result.looks if trials == size]
            assert len(errors) > 2
            assert errors == sorted(errors)


def test_only_the_draws_that_matter_are_followed(exact: Any, seed: int) -> None:
    for result in search(exact.half_space(0.5), 4, rng=seed, n_samples=4000):
        errors_at_upper = {sigma: count for sigma, count, _ in result.looks}[result.upper]
        assert result.n_checked == max(64, errors_at_upper // 2)
        assert errors_at_upper + result.n_checked == result.n_followed
        assert result.n_reentered == 0
        # Sixteen draws at each octave, all draws once; the rest is a fraction of the draws.
        assert 4000 + 15 * 16 < result.n_calls < 1.6 * 4000


def test_the_distances_are_those_of_a_half_space(exact: Any, seed: int) -> None:
    (result,) = search(exact.half_space(0.5), rng=seed)
    z = -float(ndtri(0.01))
    assert result.distance == pytest.approx(z * result.sigma, rel=1e-12)
    assert result.distance_low == pytest.approx(z * result.low, rel=1e-12)
    assert result.distance_high == pytest.approx(z * result.high, rel=1e-12)
    assert result.distance_low < 0.5 < result.distance_high
    (never,) = search(exact.constant(), n_samples=200, rng=seed)
    assert never.distance == never.distance_high == math.inf
    assert never.distance_low == 0.0  # 200 draws without an error do not reject 1 %


# --- a wanted precision -----------------------------------------------------------------------------------------------


def test_the_wanted_precision_is_reached(exact: Any, seed: int, at_most: Callable[..., None]) -> None:
    truth = 0.5 / -float(ndtri(0.01))
    found = search(exact.half_space(0.5), 40, rel_error=0.08, rng=seed)
    assert all(result.status is SigmaStatus.BRACKETED for result in found)
    assert all(0 < result.rel_error <= 0.08 for result in found)
    assert all(result.trials == look for result in found for look in [result.trials] if look in sizes(0.08))
    assert len({result.trials for result in found}) > 1
    at_most(sum(not result.low <= truth <= result.high for result in found), 40, 0.05)
    for result in found[:2]:
        entries = crossings(exact, seed, 0.5, result.trials, result.image)
        look = next(look for look in looks(0.08) if look.trials == result.trials)
        assert result.low == pytest.approx(entries[look.least - 1], rel=1e-3)
        assert result.high == pytest.approx(entries[look.most], rel=1e-3)


def looks(rel_error: float) -> Any:
    return plan_looks(100_000, error_rate=0.01, confidence=0.95, rel_error=rel_error)


def sizes(rel_error: float) -> list[int]:
    return [look.trials for look in looks(rel_error)]


def test_the_budget_ends_a_search_for_precision(exact: Any, seed: int) -> None:
    (result,) = search(exact.half_space(0.5), rel_error=0.01, n_samples=2000, rng=seed)
    assert result.trials == 2000
    assert result.rel_error > 0.01
    assert result.status is SigmaStatus.BRACKETED


@pytest.mark.parametrize(("rate", "rel_error"), [(0.01, 0.1), (0.2, 0.02)])
def test_the_regions_hold_at_all_looks_at_once(seed: int, rate: float, rel_error: float) -> None:
    planned = plan_looks(60_000, error_rate=rate, confidence=0.9, rel_error=rel_error)
    sizes = np.array([look.trials for look in planned])
    assert len(sizes) >= 8
    rng = np.random.default_rng([seed, 1])
    walks = np.cumsum(rng.binomial(np.diff(sizes, prepend=0), rate, (100_000, len(sizes))), axis=1)
    left = (walks < [look.least for look in planned]) | (walks > [look.most for look in planned])
    share = left.any(axis=1).mean()
    # Of the 10 % nearly all is spent (counts are whole numbers), and no more: 5 standard errors are 0.5 %.
    assert 0.08 < share < 0.105
    assert 0.03 < (walks < [look.least for look in planned]).any(axis=1).mean() < 0.054
    assert left[:, 0].mean() < 0.1 * share  # most is kept for the looks at which a search may well stop
    assert left[:, :4].any(axis=1).mean() > 0.2 * share


@pytest.mark.parametrize(("trials", "rate"), [(1000, 0.01), (100, 0.01), (500, 0.3), (100_000, 0.5), (30, 0.9)])
def test_one_look_has_the_region_of_the_binomial_test(trials: int, rate: float) -> None:
    (look,) = plan_looks(trials, error_rate=rate, confidence=0.95, rel_error=None)
    assert binom.cdf(look.least - 1, trials, rate) <= 0.025 < binom.cdf(look.least, trials, rate)
    assert binom.sf(look.most, trials, rate) <= 0.025 < binom.sf(look.most - 1, trials, rate)


# --- draws that leave the errors again --------------------------------------------------------------------------------


def with_gap(exact: Any, distance: float) -> Any:
    """Errors lie in a half-space at ``distance`` with a gap from 1.15 to 1.3 distances: rays leave them again."""

    def change(margin: torch.Tensor) -> torch.Tensor:
        return torch.maximum(torch.minimum(margin, 0.15 * distance - margin), margin - 0.3 * distance)

    return exact.margin(distance, change).eval()


def count_all(module: Any, exact: Any, seed: int, sigma: float, trials: int, image_id: int = 0) -> int:
    stream = noise_stream(as_stream(seed), "search", image_id)
    draws = noisy_images(exact.images()[0], sigma, stream=stream, first=0, count=trials)
    return int(Classifier(module).wrong(draws, 0).sum())


@pytest.mark.parametrize("margins", [True, False])
def test_draws_that_enter_again_are_counted(exact: Any, seed: int, margins: bool) -> None:
    module = with_gap(exact, 0.5)
    rule = {} if margins else {"error": lambda logits, labels: logits.argmax(1) != labels}
    n, reentered = 1000 if margins else 300, 0
    for image_id, result in enumerate(
        find_sigma(Classifier(module, **rule), exact.images(3), [0] * 3, n_samples=n, error_rate=0.05, rng=seed)
    ):
        reentered += result.n_reentered
        (look,) = plan_looks(n, error_rate=0.05, confidence=0.95, rel_error=None)
        assert result.errors == count_all(module, exact, seed, result.sigma, n, image_id)
        assert abs(result.errors - 0.05 * n) <= 0.02 * n
        assert count_all(module, exact, seed, result.low, n, image_id) < look.least
        assert count_all(module, exact, seed, result.high, n, image_id) > look.most
    assert reentered > 0


def test_the_grid_covers_the_box(exact: Any, seed: int) -> None:
    classifier = Classifier(exact.half_space(0.5), bounds=(-1.0, 3.0))
    (wide,) = find_sigma(classifier, exact.images(), [0], n_samples=100, rng=seed)
    (unit,) = search(exact.half_space(0.5), n_samples=100, rng=seed)
    assert wide.looks[0][0] == 4 * unit.looks[0][0] == 4 * 2**-12
    assert wide.looks[-1][0] == 4 * unit.looks[-1][0] == 16


def test_it_can_be_refined_by_more_draws(exact: Any, seed: int) -> None:
    (few,) = search(exact.half_space(0.5), n_samples=1500, rng=seed)
    (many,) = search(exact.half_space(0.5), n_samples=20_000, rng=seed)
    assert many.high / many.low < few.high / few.low
    assert many.high / many.low < 1.06


# --- how a search ends ------------------------------------------------------------------------------------------------


def test_never_reached(exact: Any, seed: int) -> None:
    for module in (exact.constant(), exact.half_space(100.0)):
        (result,) = search(module, rng=seed)
        assert result.status is SigmaStatus.NEVER_REACHED
        assert result.sigma == math.inf
        assert (4.0, result.errors, result.trials) in result.looks
        assert result.low == 4.0
        assert result.high == math.inf


def test_already_wrong(exact: Any, seed: int) -> None:
    (result,) = search(exact.half_space(-0.2), rng=seed)
    assert result.status is SigmaStatus.ALREADY_WRONG
    assert (result.sigma, result.low, result.high) == (0.0, 0.0, 0.0)
    assert (result.errors, result.trials, result.looks) == (0, 0, ())


@pytest.mark.parametrize("kind", ["half_space", "slab"])
def test_below_range(exact: Any, seed: int, kind: str) -> None:
    # The slab's rate falls again at large scales; that the smallest is too large already comes first.
    module = exact.half_space(1e-4) if kind == "half_space" else exact.slab(1e-4, 0.01)
    (result,) = search(module, n_samples=4000, rng=seed)
    assert result.status is SigmaStatus.BELOW_RANGE
    assert result.sigma == result.looks[0][0] == 2.0**-12
    assert result.errors == result.looks[0][1] > 40
    assert result.looks[0][2] == 4000
    assert result.low == 0.0
    assert result.high == result.sigma
    (precise,) = search(module, rel_error=0.05, rng=seed)  # more draws would not help: the first look is the last
    assert precise.status is SigmaStatus.BELOW_RANGE
    assert precise.trials == sizes(0.05)[0]


def test_not_monotone(exact: Any, seed: int) -> None:
    # A slab of width 0.02 at 0.3: the rate has its maximum 1.6 % near sigma = 0.3 and is 0.2 % at sigma = 4.
    (result,) = search(exact.slab(0.3, 0.01), n_samples=8000, rng=seed)
    assert result.status is SigmaStatus.NOT_MONOTONE
    assert (result.sigma, result.errors, 8000) in result.looks
    assert 0.1 < result.sigma < 0.4
    sigma, errors, trials = result.looks[-1]
    assert sigma == 4
    assert errors < 0.01 * trials
    assert binom.cdf(errors, trials, 0.01) < 0.05 / 15  # with confidence, for all octaves
    assert result.errors == count_all(exact.slab(0.3, 0.01), exact, seed, result.sigma, 8000)


def test_statuses_are_per_image(exact: Any, seed: int) -> None:
    normal = exact.normal().view(exact.shape)
    images = torch.stack([exact.images()[0] + step * normal for step in (0.0, 0.6, -0.2)])
    found = find_sigma(Classifier(exact.half_space(0.5)), images, [0, 0, 0], image_ids=[7, 8, 9], rng=seed)
    assert [result.image for result in found] == [7, 8, 9]
    assert [result.status.value for result in found] == ["bracketed", "already wrong", "bracketed"]
    assert found[0].sigma < found[2].sigma


# --- draws ------------------------------------------------------------------------------------------------------------


def test_it_repeats_whatever_the_neighbours(exact: Any, seed: int) -> None:
    three = search(exact.half_space(0.5), 3, n_samples=200, rng=seed)
    assert search(exact.half_space(0.5), 3, n_samples=200, rng=seed) == three
    assert search(exact.half_space(0.5), 1, n_samples=200, rng=seed, image_ids=[2]) == three[2:]
    assert len({result.looks for result in three}) == 3
    for size in (1, 7, 64):
        classifier = Classifier(exact.half_space(0.5), batch_size=size)
        images = torch.full((3, *exact.shape), 0.5)
        assert find_sigma(classifier, images, [0] * 3, n_samples=200, rng=seed) == three
    assert search(exact.half_space(0.5), 3, n_samples=200, rng=seed + 1) != three


def test_search_draws_are_not_count_draws(exact: Any, seed: int) -> None:
    seen: list[torch.Tensor] = []
    module = exact.half_space(0.5)
    module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))

    def directions(run: Callable[[], object]) -> set[tuple[float, ...]]:
        seen.clear()
        run()
        noise = torch.cat(seen).flatten(1) - 0.5
        noise = noise[noise.norm(dim=1) > 0]
        return {tuple(row) for row in (noise / noise.norm(dim=1, keepdim=True)).mul(2000).round().tolist()}

    searched = directions(lambda: search(module, n_samples=300, rng=seed))
    again = directions(lambda: search(module, n_samples=300, rng=seed))
    counted = directions(
        lambda: measure_error_rate(Classifier(module), exact.images(), [0], sigma=0.3, n_samples=300, rng=seed)
    )
    assert len(searched & again) >= 300  # the comparison does recognise a draw
    assert len(counted) >= 300
    assert not searched & counted


def test_clipping_is_passed_on(exact: Any, seed: int) -> None:
    # Clipped to [0, 1], a point of the box is never farther than 2 from the image: no error at any scale.
    (result,) = search(exact.half_space(2.5), n_samples=300, rng=seed, clip=True)
    assert result.status is SigmaStatus.NEVER_REACHED
    (result,) = search(exact.half_space(2.5), n_samples=300, rng=seed)
    assert result.status is SigmaStatus.BRACKETED


# --- arguments and record ---------------------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "rate of zero": ({"error_rate": 0.0}, ValueError, "error_rate=0.0 must"),
    "a percentage": ({"error_rate": 1.0}, ValueError, "error_rate=1.0 must"),
    "NaN rate": ({"error_rate": float("nan")}, ValueError, "error_rate=nan must"),
    "too few draws": ({"n_samples": 99}, ValueError, "n_samples=99 must be at least 100"),
    "draws are no integer": ({"n_samples": 1000.0}, TypeError, r"n_samples=1000\.0"),
    "confidence in per cent": ({"confidence": 95}, ValueError, "confidence=95 must"),
    "no precision": ({"rel_error": 0.0}, ValueError, r"rel_error=0\.0 must"),
    "preset": ({"preset": "ford"}, ValueError, "preset='ford' must"),
    "precision as published": ({"preset": "ford2019", "rel_error": 0.05}, ValueError, "rel_error must be None"),
    "duplicate ids": ({"count": 2, "image_ids": [1, 1]}, ValueError, "image_ids"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused(exact: Any, name: str) -> None:
    options, error, words = BAD[name]
    with pytest.raises(error, match=words) as caught:
        search(exact.half_space(0.5), rng=0, **options)
    assert "\n" not in str(caught.value)


def test_the_record(exact: Any, seed: int) -> None:
    for module in (exact.half_space(0.5), exact.constant(), exact.half_space(-1.0)):
        (result,) = search(module, n_samples=100, rng=seed)
        text = json.dumps(result.to_dict(), allow_nan=False)
        assert json.loads(text)["status"] == result.status.value
        assert "\n" not in str(result)
        assert result.status.value in str(result)


def test_a_record_comes_back_from_json(exact: Any, seed: int) -> None:
    for module in (exact.half_space(0.5), exact.constant(), exact.half_space(-1.0)):
        (result,) = search(module, n_samples=100, rng=seed, image_ids=["nan"])
        back = SigmaSearch.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
        assert repr(back) == repr(result)  # not ==: NaN is not itself


def test_every_octave_is_seen(exact: Any, seed: int) -> None:
    (result,) = search(exact.half_space(0.5), rng=seed)
    octaves = {round(math.log2(sigma), 6) for sigma, _, _ in result.looks} & set(range(-12, 3))
    assert octaves == set(range(-12, 3))  # a rate that falls again is seen
    assert all(a < b for a, b in itertools.pairwise(sigma for sigma, _, _ in result.looks))


@pytest.mark.parametrize("octave", [-11.5, -6.0, 0.0])
def test_scales_of_all_sizes_are_found(exact: Any, seed: int, octave: float) -> None:
    truth = 2.0**octave
    (result,) = search(exact.half_space(truth * -float(ndtri(0.01))), rng=seed)
    assert result.status is SigmaStatus.BRACKETED
    assert 0.6 * truth < result.sigma < 1.6 * truth


def test_n_calls_is_the_number_of_forward_passes(exact: Any, seed: int) -> None:
    seen = []
    module = exact.half_space(0.5)
    module.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    for module_preset in ("strict", "ford2019"):
        seen.clear()
        (result,) = find_sigma(
            Classifier(module, batch_size=1), exact.images(), [0], n_samples=300, rng=seed, preset=module_preset
        )
        assert sum(seen) == result.n_calls + 2  # two for the check of the model


# --- a store ----------------------------------------------------------------------------------------------------------


def test_what_is_stored_is_not_searched_again(exact: Any, seed: int, tmp_path: Any) -> None:
    options: dict[str, Any] = {"n_samples": 200, "rng": seed}
    plain = search(exact.half_space(0.5), 4, **options)
    assert search(exact.half_space(0.5), 2, store=tmp_path / "run", **options) == plain[:2]
    module, passes = exact.half_space(0.5), []
    module.register_forward_pre_hook(lambda _, inputs: passes.append(len(inputs[0])))
    assert search(module, 4, store=tmp_path / "run", **options) == plain
    assert passes
    passes.clear()
    assert search(module, 4, store=tmp_path / "run", **options) == plain
    assert sum(passes) == 8  # the check of the model asks twice
    longer = search(module, 4, store=tmp_path / "run", n_samples=300, rng=seed)
    assert longer == search(module, 4, n_samples=300, rng=seed) != plain
    with pytest.raises(ValueError, match="another model"):
        search(exact.half_space(0.6), 4, store=tmp_path / "run", **options)
    with pytest.raises(ValueError, match="rng=None"):
        search(module, 4, store=tmp_path / "run", n_samples=200)


def test_a_search_that_is_interrupted_keeps_the_images_that_are_finished(exact: Any, seed: int, tmp_path: Any) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int | None, description: str) -> None:
        if done >= 70:
            raise Stop

    options: dict[str, Any] = {"n_samples": 100, "rng": seed, "store": tmp_path / "run"}
    with pytest.raises(Stop):
        search(exact.half_space(0.5), 200, progress=stop, **options)
    kept = sum('"sigma/' in line for path in (tmp_path / "run").iterdir() for line in path.read_text().splitlines())
    assert 70 <= kept < 200
    assert search(exact.half_space(0.5), 200, **options) == search(exact.half_space(0.5), 200, n_samples=100, rng=seed)


def test_the_shipped_net_takes_a_fraction_of_the_published_passes(seed: int) -> None:
    images, labels = load_images()
    classifier = load_classifier("clean")
    arguments: Any = (classifier, images[:1], labels[:1])
    (ours,) = find_sigma(*arguments, n_samples=4000, rng=seed)
    # The published search judges all draws at each look: a tenth of them shows how many looks there are.
    (published,) = find_sigma(*arguments, n_samples=400, rng=seed, preset="ford2019")
    assert ours.status is published.status is SigmaStatus.BRACKETED
    assert ours.rel_error < 0.06
    assert ours.low / 1.2 < published.sigma < ours.high * 1.2
    assert ours.n_calls <= 10 * published.n_calls / 5
