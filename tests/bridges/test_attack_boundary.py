"""Without gradients: errors that defences hide are found, near the boundary's nearest point, by answers alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from isoperimetry_bridges.torch import Classifier, ProjectedGradient, Transfer, zoo
from isoperimetry_bridges.torch.attacks import BoundaryDescent, TangentProjection


def test_hidden_errors_of_a_half_space_are_found(exact: Any, noisy_starts: Any) -> None:
    classifier, starts = Classifier(exact.quantized(0.8)), noisy_starts(12, 0.2)
    found = BoundaryDescent()(classifier, starts, 0, scale=1.0)
    normal, offset = (classifier.module.get_buffer(name).double() for name in ("normal", "offset"))
    truth = ((offset - starts.double().flatten(1) @ normal) / normal.norm()).clamp_min(0).numpy()
    assert (found.distances >= truth - 2e-6).all()
    assert np.median(found.distances / truth) < 1.05
    assert (found.distances < 1.15 * truth + 1e-3).all()
    assert classifier.wrong(found.points, 0).all()
    assert not found.blocked.any()


def test_no_error_is_found_where_there_is_none(exact: Any) -> None:
    found = BoundaryDescent(n_calls=400)(Classifier(exact.constant()), exact.images(2), 0, scale=1.0)
    assert np.isinf(found.distances).all()
    assert torch.equal(found.points, exact.images(2))
    wrong = BoundaryDescent(n_calls=400)(Classifier(exact.constant(1)), exact.images(2), 0, scale=1.0)
    assert (wrong.distances == 0).all()


def test_calls_are_counted(exact: Any) -> None:
    half_space, seen = exact.half_space(0.5), [0]

    def logits(x: Tensor) -> Tensor:
        assert not x.requires_grad
        seen[0] += len(x)
        found: Tensor = half_space(x)
        return found

    classifier = Classifier(exact.module(logits), batch_size=10)
    distances = []
    for n_calls in (500, 1000, 2000):
        seen[0] = 0
        found = BoundaryDescent(n_calls=n_calls)(classifier, exact.images(), 0, scale=0.5)
        assert seen[0] <= n_calls + 120  # the first look, and the final check in batches of 10
        distances.append(float(found.distances[0]))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < distances[0]


def test_rows_and_seeds(exact: Any, noisy_starts: Any) -> None:
    classifier, starts = Classifier(exact.half_space(0.6)), noisy_starts(9, 0.1)
    attack = BoundaryDescent(n_calls=1000, rng=5)
    together = attack(classifier, starts, 0, scale=0.6)
    for rows in (slice(0, 1), slice(4, 9)):
        # The same probes; rounding may turn a comparison of sides very near to the boundary.
        assert attack(classifier, starts[rows], 0, scale=0.6).distances == pytest.approx(
            together.distances[rows], rel=1e-3
        )
    assert np.array_equal(attack(classifier, starts, 0, scale=0.6).distances, together.distances)
    other = BoundaryDescent(n_calls=1000, rng=6)(classifier, starts, 0, scale=0.6)
    assert not np.array_equal(other.distances, together.distances)


def test_it_stays_in_the_box(exact: Any, noisy_starts: Any) -> None:
    classifier, starts = Classifier(exact.quantized(0.8)), noisy_starts(10).clamp(0, 1)
    found = BoundaryDescent(n_calls=1000)(classifier, starts, 0, scale=0.8, box=(0.0, 1.0))
    assert np.isfinite(found.distances).all()
    assert 0.0 <= float(found.points.min()) <= float(found.points.max()) <= 1.0


def test_it_may_begin_at_transferred_errors(exact: Any) -> None:
    source, target = Classifier(exact.half_space(0.6)), Classifier(exact.quantized(0.6))
    transfer = Transfer(source=source, attack=ProjectedGradient())
    attack = BoundaryDescent(n_calls=332, begin=transfer)
    assert attack(target, exact.images(), 0, scale=0.6).distances == pytest.approx([0.6], rel=0.01)
    assert "after transfer of PGD" in attack.name


def test_errors_of_the_masked_net_are_found() -> None:
    clean, masked = zoo.load_classifier("clean"), zoo.load_classifier("masked")
    images, labels = zoo.load_images()
    right = ((clean.predict(images) == labels) & (masked.predict(images) == labels)).nonzero().flatten()[:4]
    x, y = images[right], labels[right]
    blocked = TangentProjection()(masked, x, y, scale=0.4)
    assert blocked.blocked.all()
    assert np.isinf(blocked.distances).all()
    nearest = TangentProjection()(clean, x, y, scale=0.4).distances
    found = BoundaryDescent(n_calls=2000)(masked, x, y, scale=0.4).distances
    assert np.isfinite(found).all()
    assert np.median(found / nearest) < 2.2
    by_answers = Classifier(clean.module, error=lambda outputs, labels: outputs.argmax(1) != labels)
    found = BoundaryDescent(n_calls=2000)(by_answers, x, y, scale=0.4).distances
    assert np.median(found / nearest) < 2.2


@pytest.mark.parametrize("name", ["n_calls", "n_probes"])
def test_bad_settings_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}=0"):
        BoundaryDescent(**{name: 0})  # type: ignore[arg-type]
