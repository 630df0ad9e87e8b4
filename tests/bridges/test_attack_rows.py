"""An attack takes each row by itself, with a label and scale of its own, in any shape, type and error criterion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch import Attack, Classifier, DecoupledDirectionNorm, ProjectedGradient
from isoperimetry_bridges.torch.attacks import Best, BoundaryDescent, TangentProjection
from isoperimetry_bridges.torch.attacks import base as attack_base
from isoperimetry_bridges.torch.attacks.base import finish
from isoperimetry_bridges.torch.attacks.gradients import Gradients

GRADIENT_ATTACKS: list[Attack] = [ProjectedGradient(), DecoupledDirectionNorm(), TangentProjection()]
ATTACKS = [*GRADIENT_ATTACKS, BoundaryDescent(n_calls=1500)]
each_attack = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
each_gradient_attack = pytest.mark.parametrize("attack", GRADIENT_ATTACKS, ids=lambda attack: attack.name)


def exactness(attack: Attack) -> float:
    """Without gradients the normal is an estimate."""
    return 0.05 if isinstance(attack, BoundaryDescent) else 1e-3


class Linear(nn.Module):
    """Class 1 where the first entry is above ``offset``; inputs of any shape."""

    def __init__(self, offset: float, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(offset, dtype=dtype))
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        above = x.flatten(1)[:, 0] - self.offset
        return torch.stack([-above / 2, above / 2], 1)


# --- labels, scales, shapes, types ------------------------------------------------------------------------------------


@each_attack
def test_labels_and_scales_are_mixed_in_a_batch(attack: Attack) -> None:
    classifier = Classifier(Linear(0.5))
    starts = torch.zeros(6, 5)
    starts[:, 0] = torch.tensor([0.0, 1.0, 0.2, 0.4, 0.9, 0.6])
    labels, scales = torch.tensor([0, 1, 0, 1, 1, 0]), torch.tensor([0.5, 0.4, 0.3, 0.2, 1.0, 0.1])
    found = attack(classifier, starts, labels, scale=scales)
    assert found.distances == pytest.approx([0.5, 0.5, 0.3, 0.0, 0.4, 0.0], rel=exactness(attack))
    assert classifier.wrong(found.points, labels).all()
    for row in range(6):
        rows = slice(row, row + 1)
        alone = attack(classifier, starts[rows], labels[rows], scale=scales[rows])
        assert alone.distances == pytest.approx(found.distances[rows], rel=2e-5)


@each_attack
@pytest.mark.parametrize("shape", [(7,), (2, 3), (2, 2, 2), (1, 2, 2, 2)])
def test_any_shape(attack: Attack, shape: tuple[int, ...]) -> None:
    found = attack(Classifier(Linear(0.7)), torch.zeros(3, *shape), 0, scale=0.7)
    assert found.points.shape == (3, *shape)
    assert found.distances == pytest.approx([0.7] * 3, rel=exactness(attack))


@each_gradient_attack
def test_float64_keeps_its_digits(attack: Attack) -> None:
    # In float32 a distance of 1e-9 from 1 cannot be told from none.
    classifier = Classifier(Linear(1 + 1e-9, torch.float64))
    found = attack(classifier, torch.ones(2, 3, dtype=torch.float64), 0, scale=1e-9)
    assert found.points.dtype == torch.float64
    assert found.distances == pytest.approx([1e-9] * 2, rel=1e-3)
    assert classifier.wrong(found.points, 0).all()


@each_gradient_attack
def test_wrong_numbers_of_labels_and_scales_are_refused(attack: Attack) -> None:
    classifier, starts = Classifier(Linear(0.5)), torch.zeros(3, 2)
    with pytest.raises(ValueError, match="labels has 2 entries but there are 3 starts"):
        attack(classifier, starts, torch.tensor([0, 0]), scale=1.0)
    with pytest.raises(ValueError, match=r"scale has shape \(2,\)"):
        attack(classifier, starts, 0, scale=torch.ones(2))
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="scale must be finite and > 0"):
            attack(classifier, starts, 0, scale=bad)


# --- other criteria ---------------------------------------------------------------------------------------------------


class Identity(nn.Module):
    """Returns an object that holds the input: a function of the user's says what an error is."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"field": x}


def field_margin(outputs: dict[str, Tensor], labels: Tensor) -> Tensor:
    """How far the mean of the field is below the label's mean plus 1/4, times the root of its size."""
    field = outputs["field"].flatten(1)
    margins: Tensor = (labels.flatten(1).mean(1) + 0.25 - field.mean(1)) * field.shape[1] ** 0.5
    return margins


@each_attack
@pytest.mark.parametrize("criterion", ["margin", "margin and error"])
def test_labels_of_a_criterion_may_be_fields(attack: Attack, criterion: str) -> None:
    rules: dict[str, Any] = {"margin": field_margin}
    if criterion != "margin":
        rules["error"] = lambda outputs, labels: field_margin(outputs, labels) <= 0
    classifier = Classifier(Identity().eval(), **rules)
    starts = torch.zeros(3, 2, 2, 2)
    labels = torch.stack([torch.full((2, 2), level) for level in (0.0, 0.25, 0.5)])
    # The margin has a gradient of length 1: it is the distance.
    found = attack(classifier, starts, labels, scale=1.0)
    assert found.distances == pytest.approx(0.25 * 8**0.5 * np.array([1.0, 2.0, 3.0]), rel=exactness(attack))


def test_without_a_margin_gradients_are_refused_and_answers_suffice(exact: Any) -> None:
    def error(outputs: Tensor, labels: Tensor) -> Tensor:
        return outputs.argmax(1) != labels

    classifier = Classifier(exact.half_space(0.5), error=error, name="mine")
    for attack in GRADIENT_ATTACKS:
        with pytest.raises(ModelError, match="follows gradients but 'mine' has no margin") as caught:
            attack(classifier, exact.images(), 0, scale=0.5)
        assert "\n" not in str(caught.value)
    found = BoundaryDescent()(classifier, exact.images(), 0, scale=0.5)
    assert 0.5 - 1e-6 <= found.distances[0] <= 0.53


def test_a_session_without_gradients_is_refused(exact: Any) -> None:
    module = exact.half_space(0.5)
    module.differentiable = False
    for attack in GRADIENT_ATTACKS:
        with pytest.raises(ModelError, match="follows gradients but 'session' has no gradients"):
            attack(Classifier(module, name="session"), exact.images(), 0, scale=0.5)
    assert BoundaryDescent()(Classifier(module), exact.images(), 0, scale=0.5).distances[0] <= 0.53


def test_one_logit(exact: Any) -> None:
    half_space = exact.half_space(0.5)
    classifier = Classifier(exact.module(lambda x: half_space(x)[:, 1]))
    for attack in GRADIENT_ATTACKS:
        assert attack(classifier, exact.images(), 0, scale=0.5).distances[0] == pytest.approx(0.5, rel=1e-3)


# --- memory -----------------------------------------------------------------------------------------------------------


@each_gradient_attack
def test_gradients_that_do_not_fit_halve_their_own_batch(exact: Any, noisy_starts: Any, attack: Attack) -> None:
    half_space, most, sizes = exact.half_space(0.5), 5, []

    def logits(x: Tensor) -> Tensor:
        if x.requires_grad:
            sizes.append(len(x))
            if len(x) > most:
                raise torch.OutOfMemoryError("CUDA out of memory.")
        found: Tensor = half_space(x)
        return found

    classifier = Classifier(exact.module(logits))
    size = classifier.batch_size(exact.dim)
    starts = noisy_starts(16, 0.1)
    found = attack(classifier, starts, 0, scale=0.5)
    assert found.distances == pytest.approx(attack(Classifier(half_space), starts, 0, scale=0.5).distances, rel=1e-4)
    assert sizes[:3] == [16, 8, 4]
    assert sum(size > most for size in sizes) == 2  # it is remembered
    assert classifier.batch_size(exact.dim) == size  # counts keep their batch
    most = 0
    with pytest.raises(ModelError, match="memory does not suffice for the gradient at one input"):
        attack(classifier, starts, 0, scale=0.5)


# --- the walk back ----------------------------------------------------------------------------------------------------


def count_looks(monkeypatch: Any) -> list[int]:
    """Return a list to which every look of the walk back adds its number of rows."""
    looks: list[int] = []
    probe = attack_base.probe

    def counted(classifier: Classifier, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        looks.append(len(x))
        return probe(classifier, x, labels)

    monkeypatch.setattr(attack_base, "probe", counted)
    return looks


@pytest.mark.parametrize("kind", ["margin", "no margin"])
@pytest.mark.parametrize("overshoot", [1.0001, 1.01, 3.0, 1000.0])
def test_the_boundary_is_located_in_few_looks(exact: Any, monkeypatch: Any, kind: str, overshoot: float) -> None:
    # A margin that bends: its secant from either end is wrong.
    module = exact.margin(0.5, lambda margin: torch.where(margin < 0, margin, 5 * margin + margin**2)).eval()
    rules: dict[str, Any] = {} if kind == "margin" else {"error": lambda outputs, y: outputs.argmax(1) != y}
    looks = count_looks(monkeypatch)
    starts = exact.images()
    candidates = starts + 0.5 * overshoot * exact.normal().view_as(starts)
    found = finish(Classifier(module, **rules), starts, candidates, 0)
    assert found.distances[0] == pytest.approx(0.5, rel=1e-4)
    assert found.distances[0] >= 0.5 - 1e-6
    assert not found.blocked.any()
    assert len(looks) <= (32 if overshoot == 1000 else 21), len(looks)  # bisection: 2 ends and 16, or 26, halvings


def test_the_walk_follows_a_straight_margin(exact: Any, monkeypatch: Any) -> None:
    looks = count_looks(monkeypatch)
    starts = exact.images(3)
    candidates = starts + torch.tensor([0.51, 0.6, 1.3]).view(3, 1, 1, 1) * exact.normal().view(exact.shape)
    found = finish(Classifier(exact.half_space(0.5)), starts, candidates, 0)
    assert found.distances == pytest.approx([0.5] * 3, rel=1e-4)
    assert len(looks) <= 7, len(looks)


def test_candidates_that_are_no_numbers_are_not_used(exact: Any) -> None:
    starts = exact.images(3)
    candidates = starts.clone()
    candidates[0] = torch.nan
    candidates[1, 0, 0, 0] = torch.inf
    candidates[2] += exact.normal().view(exact.shape)
    found = finish(Classifier(exact.half_space(0.5)), starts, candidates, 0)
    assert found.distances == pytest.approx([np.inf, np.inf, 0.5], rel=1e-4)
    assert torch.equal(found.points[:2], starts[:2])


# --- restarts, presets, combinations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ProjectedGradient, DecoupledDirectionNorm])
def test_restarts_find_what_the_start_does_not_show(exact: Any, noisy_starts: Any, kind: Any) -> None:
    # No gradient around the starts: a random point half a scale away may see one.
    module = exact.hinged(0.7, reach=0.6)
    classifier, starts = Classifier(module), exact.images(4)
    once = kind()(classifier, starts, 0, scale=1.0)
    assert once.blocked.all()
    attack = kind(restarts=12, rng=3)
    again = attack(classifier, starts, 0, scale=1.0)
    assert (again.distances >= 0.7 - 1e-6).all()
    # PGD goes along the normal from where it began, aside of the start.
    assert (again.distances <= (0.701 if kind is DecoupledDirectionNorm else 0.9)).all()
    assert not again.blocked.any()
    # The same for each row, and again.
    assert np.array_equal(attack(classifier, starts, 0, scale=1.0).distances, again.distances)
    assert attack(classifier, starts[2:3], 0, scale=1.0).distances == pytest.approx(again.distances[2:3], rel=2e-5)
    assert attack == kind(restarts=12, rng=3) != kind(restarts=12, rng=4)
    assert kind(restarts=1) != kind(restarts=1)  # a fresh seed, which the record shows
    assert "12 restarts" in attack.name
    with pytest.raises(ValueError, match="restarts=-1"):
        kind(restarts=-1)


def test_the_published_preset() -> None:
    # eps = max(2 * 4.264890794 sigma, 1).
    small, large = ProjectedGradient.ford2019(0.1), ProjectedGradient.ford2019(0.5)
    assert (small.steps, small.steps_to_edge, small.radius, small.smallest_radius) == (200, 150.0, 0.0, 1.0)
    assert large.smallest_radius == pytest.approx(4.264890794, rel=1e-9)
    assert ProjectedGradient.ford2019(0.1, adjusted=True).steps_to_edge == 225.0
    assert small.restarts == 0


def test_the_adjusted_preset_does_not_reach_the_edge_of_its_ball(exact: Any) -> None:
    # Steps of 1 / 225: 200 of them reach 0.889; of 1 / 150: the edge.
    classifier = Classifier(exact.half_space(0.95))
    plain = ProjectedGradient.ford2019(0.1)(classifier, exact.images(), 0, scale=1.0)
    adjusted = ProjectedGradient.ford2019(0.1, adjusted=True)(classifier, exact.images(), 0, scale=1.0)
    assert plain.distances == pytest.approx([0.95], rel=1e-4)
    assert np.isinf(adjusted.distances).all()


def test_best_is_the_nearest_of_all(exact: Any, noisy_starts: Any) -> None:
    classifier, starts = Classifier(exact.hinged(0.7, reach=0.7)), noisy_starts(20)
    attacks: list[Attack] = [ProjectedGradient(), BoundaryDescent(n_calls=1000)]
    parts = [attack(classifier, starts, 0, scale=0.7) for attack in attacks]
    found = Best(attacks)(classifier, starts, 0, scale=0.7)
    assert np.array_equal(found.distances, np.minimum(parts[0].distances, parts[1].distances))
    assert np.isfinite(found.distances).all()
    assert parts[0].blocked.any()
    assert not found.blocked.any()
    moved = (found.points.double() - starts.double()).flatten(1).norm(dim=1).numpy()
    assert np.array_equal(moved, found.distances)
    assert Best(attacks).name == "best of PGD, boundary"
    with pytest.raises(ValueError, match="at least one attack"):
        Best(())


# --- gradients --------------------------------------------------------------------------------------------------------


def test_the_gradient_of_the_margin_and_of_a_target(exact: Any) -> None:
    weights = torch.tensor([[1.0, 2.0], [0.5, -1.0], [-3.0, 0.25]])
    classifier = Classifier(exact.module(lambda x: x @ weights.T))
    slopes = Gradients(classifier, "mine", margin=True)
    x, labels = torch.tensor([[1.0, 1.0]]), torch.tensor([0])
    found = slopes(x, labels)
    assert found.margins.tolist() == [3.5]  # 3 less -0.5
    assert found.gradient.tolist() == [[-0.5, -3.0]]
    assert not found.wrong.any()
    target = slopes(x, labels, torch.tensor([2]))
    assert target.margins.tolist() == [5.75]
    assert target.gradient.tolist() == [[-4.0, -1.75]]
