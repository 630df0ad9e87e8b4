"""Attacks of other packages: exact distances on half-spaces, no clamping where there is no box, failures are infinite.

All tests with ``either`` run over stand-ins and over the real packages; those that are not installed are skipped.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch.classifier import Classifier

BOX = (0.0, 1.0)


def both_sides(exact: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return starts at exact distances from the boundary of half_space(0), on both sides, and their classes."""
    depths = torch.tensor([-0.3, 0.2, -0.05, 0.4])
    starts = exact.images(4) + (depths[:, None] * exact.normal()).view(4, *exact.shape)
    return starts, (depths > 0).long(), depths.abs()


def test_exact_distances_with_a_label_for_each_row(exact: Any, either: Any) -> None:
    starts, labels, distances = both_sides(exact)
    found = either(Classifier(exact.half_space(0.0)), starts, labels, scale=0.3)
    # Along the normal all of them go straight; one that starts at random may end beside it.
    assert (found.distances >= distances.numpy() * (1 - 1e-5)).all()
    assert (found.distances <= distances.numpy() * 1.5 + 0.02).all()
    assert not found.blocked.any()


def test_what_is_wrong_already_has_distance_0_and_stays(exact: Any, either: Any) -> None:
    starts, labels, _ = both_sides(exact)
    labels[1] = 0
    found = either(Classifier(exact.half_space(0.0)), starts, labels, scale=0.3)
    assert found.distances[1] == 0
    assert torch.equal(found.points[1], starts[1])
    assert (found.distances[[0, 2, 3]] > 0).all()


def test_errors_outside_of_0_1_are_found_without_a_box_and_not_with_one(exact: Any, either: Any) -> None:
    # No corner of [0, 1]^16 is so far from the center in this direction.
    distance = 0.5 * float(exact.normal().abs().sum()) + 0.3
    classifier = Classifier(exact.half_space(distance))
    free = either(classifier, exact.images(2), 0, scale=distance)
    assert free.distances == pytest.approx([distance] * 2, rel=0.3)
    assert free.points.max() > 1 or free.points.min() < 0
    boxed = either(classifier, exact.images(2), 0, scale=distance, box=BOX)
    assert (boxed.distances == math.inf).all()
    assert torch.equal(boxed.points, exact.images(2))


def test_noisy_starts_are_not_moved_into_the_box(exact: Any, either: Any, noisy_starts: Any) -> None:
    starts = noisy_starts(6, sigma=1.0)
    assert (starts.flatten(1).amax(1) > 1).all()  # otherwise the test says nothing
    depths = 2.0 - (starts - exact.images()).flatten(1) @ exact.normal()
    found = either(Classifier(exact.half_space(2.0)), starts, 0, scale=1.5)
    expected = depths.clamp(min=0).numpy()
    assert (found.distances >= expected - 1e-5).all()
    assert (found.distances <= 1.5 * expected + 0.05).all()


def test_points_stay_in_the_box(exact: Any, either: Any) -> None:
    found = either(Classifier(exact.half_space(1.0)), exact.images(3), 0, scale=1.2, box=BOX)
    assert np.isfinite(found.distances).all()
    assert found.points.min() >= 0 and found.points.max() <= 1
    assert (found.distances >= 1.0 - 1e-5).all()


def test_each_row_has_its_own_radius(exact: Any, either: Any) -> None:
    scales = torch.tensor([0.01, 1.0, 0.01])
    found = either(Classifier(exact.half_space(1.0)), exact.images(3), 0, scale=scales)
    # An attack without a radius is stopped by the bounds, which lie at two radii.
    assert np.isfinite(found.distances).tolist() == [False, True, False]


def test_no_error_is_infinity(exact: Any, either: Any) -> None:
    # The second class never wins, but has a gradient.
    never = exact.margin(0.0, lambda margin: -1 - torch.sigmoid(-margin)).eval()
    found = either(Classifier(never), exact.images(2), 0, scale=0.5)
    assert (found.distances == math.inf).all()
    assert torch.equal(found.points, exact.images(2))


def test_the_normalisation_is_inside(exact: Any, either: Any) -> None:
    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.half_space = exact.half_space(0.5)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.half_space(x * 0.25 + 0.4)
            return answer

    classifier = Classifier(Inner().eval(), mean=[0.4], std=[0.25])
    found = either(classifier, exact.images(2), 0, scale=0.5)
    assert (found.distances >= 0.5 - 1e-5).all()
    assert found.distances == pytest.approx([0.5] * 2, rel=0.4)


def test_vectors_and_float64(exact: Any, either: Any) -> None:
    inner = nn.Linear(16, 2, dtype=torch.float64).eval()
    weight = torch.zeros(2, 16, dtype=torch.float64)
    weight[1] = exact.normal().double()
    inner.weight.data, inner.bias.data = weight, torch.tensor([0.0, -0.4], dtype=torch.float64)
    classifier = Classifier(inner)
    found = either(classifier, torch.zeros(3, 16, dtype=torch.float64), 0, scale=0.4)
    assert found.points.dtype == torch.float64 and found.points.shape == (3, 16)
    assert (found.distances >= 0.4 * (1 - 1e-6)).all()
    assert found.distances == pytest.approx([0.4] * 3, rel=0.4)


def test_a_search_can_be_repeated_and_leaves_no_trace(exact: Any, either: Any, noisy_starts: Any) -> None:
    starts = noisy_starts(4)
    classifier = Classifier(exact.half_space(1.5))
    torch.manual_seed(5)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = either(classifier, starts, 0, scale=1.0)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    torch.manual_seed(6)
    again = either(classifier, starts, 0, scale=1.0)
    assert (first.distances == again.distances).all()
    assert torch.equal(first.points, again.points)


def test_more_starts_than_a_batch(exact: Any, either: Any) -> None:
    starts, labels, distances = both_sides(exact)
    classifier = Classifier(exact.half_space(0.0), batch_size=3)
    found = either(classifier, starts.repeat(2, 1, 1, 1), labels.repeat(2), scale=0.3)
    assert (found.distances >= distances.repeat(2).numpy() * (1 - 1e-5)).all()
    assert np.isfinite(found.distances).all()
