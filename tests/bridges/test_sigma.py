"""The search for sigma(x0, mu): its interval covers, it returns only what it measured, and it says how it ended."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy.stats import binom

from isoperimetry.special import ndtri
from isoperimetry_bridges.torch import Classifier, SigmaSearch, SigmaStatus, find_sigma, measure_error_rate


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


def test_sigma_is_measured_and_near_the_truth(exact: Any, seed: int) -> None:
    for result in search(exact.half_space(0.5), 10, rng=seed):
        assert result.status is SigmaStatus.BRACKETED
        assert (result.sigma, result.errors) in result.looks
        assert result.trials == 1000
        assert result.error_rate == 0.01
        assert result.low <= result.sigma <= result.high
        # The neighbours in the grid are 4.4 % apart: both counts next to the wanted 10 were measured.
        sigmas = [sigma for sigma, _ in result.looks]
        position = sigmas.index(result.sigma)
        assert any(sigmas[i + 1] / sigmas[i] == pytest.approx(2 ** (1 / 16)) for i in (position - 1, position))
        # d / sigma = 2.33 at a rate of 1 %; 2.8 and 1.9 are rates of 0.26 and 2.9 %, where 10 errors of 1000 are next
        # to impossible (1e-4 and 1e-5 for this seed's ten images, taken alone).
        assert 0.5 / 2.8 < result.sigma < 0.5 / 1.9


def test_the_limits_share_their_confidence_among_all_scales(exact: Any, seed: int) -> None:
    # 225 scales from 2**-12 to 4, 16 an octave: each side of each has a 450th of the level.
    level = (1 - 0.9) / (2 * (16 * 14 + 1))
    for result in search(exact.half_space(0.5), 5, confidence=0.9, n_samples=2000, rng=seed):
        errors = dict(result.looks)
        assert binom.cdf(errors[result.low], 2000, 0.01) <= level
        assert binom.sf(errors[result.high] - 1, 2000, 0.01) <= level


def test_common_random_numbers_make_the_counts_of_a_half_space_monotone(exact: Any, seed: int) -> None:
    for result in search(exact.half_space(0.5), 3, rng=seed):
        sigmas, errors = zip(*result.looks, strict=True)
        assert list(sigmas) == sorted(set(sigmas))
        assert list(errors) == sorted(errors)


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
    assert many.high / many.low < 1.3


# --- how a search ends ------------------------------------------------------------------------------------------------


def test_never_reached(exact: Any, seed: int) -> None:
    for module in (exact.constant(), exact.half_space(100.0)):
        (result,) = search(module, rng=seed)
        assert result.status is SigmaStatus.NEVER_REACHED
        assert result.sigma == math.inf
        assert (4.0, result.errors) in result.looks
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
    assert result.low == 0.0
    assert result.high == result.sigma


def test_not_monotone(exact: Any, seed: int) -> None:
    # A slab of width 0.02 at 0.3: the rate has its maximum 1.6 % near sigma = 0.3 and is 0.2 % at sigma = 4.
    (result,) = search(exact.slab(0.3, 0.01), n_samples=8000, rng=seed)
    assert result.status is SigmaStatus.NOT_MONOTONE
    assert (result.sigma, result.errors) in result.looks
    assert 0.1 < result.sigma < 0.4
    assert result.looks[-1][1] < 80


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


def test_looks_are_few(exact: Any, seed: int) -> None:
    (result,) = search(exact.half_space(0.5), rng=seed)
    octaves = {round(math.log2(sigma), 6) for sigma, _ in result.looks} & set(range(-12, 3))
    assert octaves == set(range(-12, 3))  # a rate that falls again is seen
    assert len(result.looks) <= 15 + 3 * 4
    assert all(a < b for a, b in itertools.pairwise(sigma for sigma, _ in result.looks))
