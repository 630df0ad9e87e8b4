"""Attacks reach the exact distance where it is known, return only verified errors, and own up to failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry_bridges.torch import (
    Attack,
    Classifier,
    DecoupledDirectionNorm,
    NearestErrors,
    ProjectedGradient,
    Transfer,
    nearest_error,
)
from isoperimetry_bridges.torch.attacks import TangentProjection, named_attack
from isoperimetry_bridges.torch.attacks.base import norms
from isoperimetry_bridges.torch.attacks.gradients import Gradients

ATTACKS: list[Attack] = [ProjectedGradient(), DecoupledDirectionNorm(), TangentProjection()]
ATTACK_NAMES = [attack.name for attack in ATTACKS]
each_attack = pytest.mark.parametrize("attack", ATTACKS, ids=ATTACK_NAMES)
Starts = Callable[..., Tensor]


def true_distances(starts: Tensor, module: nn.Module) -> np.ndarray[Any, Any]:
    """Return the distances to the half-space of a `Margin`, from the float32 weights that it really has."""
    normal, offset = (module.get_buffer(name).double() for name in ("normal", "offset"))
    beyond = (offset - starts.double().flatten(1) @ normal) / normal.norm()
    distances: np.ndarray[Any, Any] = beyond.clamp_min(0).numpy()
    return distances


def check_verified(classifier: Classifier, starts: Tensor, found: NearestErrors, label: int = 0) -> None:
    """Recheck what every attack promises."""
    m = len(starts)
    assert found.distances.shape == found.blocked.shape == (m,)
    assert found.points.shape == starts.shape
    assert not np.isnan(found.distances).any()
    assert torch.isfinite(found.points).all()
    finite = torch.from_numpy(np.isfinite(found.distances))
    assert (classifier.predict(found.points[finite]) != label).all()
    length = (found.points.double() - starts.double()).flatten(1).norm(dim=1).numpy()
    assert np.array_equal(found.distances[finite], length[finite])
    assert torch.equal(found.points[~finite], starts[~finite])
    wrong = (classifier.predict(starts) != label).numpy()
    assert np.array_equal(found.distances == 0, wrong)


# --- distances --------------------------------------------------------------------------------------------------------


@each_attack
@pytest.mark.parametrize("distance", [0.3, 1.0, 3.0])
def test_the_distance_to_a_half_space_is_reached(
    exact: Any, noisy_starts: Starts, attack: Attack, distance: float
) -> None:
    module = exact.half_space(distance)
    classifier, starts = Classifier(module), noisy_starts(40, distance / 2)
    found = attack(classifier, starts, 0, scale=distance)
    check_verified(classifier, starts, found)
    truth = true_distances(starts, module)
    assert not found.blocked.any()
    # The walk back stops within 2**-16 of a segment that is at most eps / 150 (PGD: 0.0245 * scale, at least 0.007) or
    # 10 % (DDN) longer than the distance; float32 decides sides to about 1e-6. Where that decides, the point is moved
    # outwards by 2**-14 of the segment, rarely by 2**-10.
    excess, segment = found.distances - truth, 1.1 * truth + 0.03 * distance
    assert excess.min() >= -2e-6
    assert np.median(excess - 2.0**-16 * segment) <= 2e-6
    assert (excess <= 2.0**-9.9 * segment + 2e-6).all()


@each_attack
def test_starts_that_are_wrong_already_count_zero(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    classifier, starts = Classifier(exact.half_space(0.05)), noisy_starts(60)
    found = attack(classifier, starts, 0, scale=0.5)
    check_verified(classifier, starts, found)
    wrong = (classifier.predict(starts) != 0).numpy()
    assert 10 < wrong.sum() < 50
    assert torch.equal(found.points[torch.from_numpy(wrong)], starts[torch.from_numpy(wrong)])
    everywhere = attack(Classifier(exact.constant(1)), starts, 0, scale=0.5)
    assert (everywhere.distances == 0).all()
    assert not everywhere.blocked.any()


@each_attack
def test_the_other_label(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    # Label 1 is right inside the half-space only: the error set is the complement.
    classifier, starts = Classifier(exact.half_space(-1.0)), noisy_starts(20, 0.3)
    found = attack(classifier, starts, 1, scale=1.0)
    check_verified(classifier, starts, found, label=1)
    assert np.isfinite(found.distances).all()
    assert 0.3 < np.median(found.distances) < 1.7


@each_attack
def test_a_slab_is_found_from_both_sides(exact: Any, attack: Attack) -> None:
    module = exact.slab(0.3, 0.1)
    normal = exact.normal().view(1, *exact.shape)
    starts = exact.images() + torch.tensor([-0.2, 0.0, 0.4, 0.9]).view(4, 1, 1, 1) * normal
    found = attack(Classifier(module), starts, 0, scale=0.3)
    check_verified(Classifier(module), starts, found)
    assert found.distances == pytest.approx([0.5, 0.3, 0.0, 0.4], abs=1e-4)


def test_ddn_finds_the_nearest_point_of_a_curved_boundary(exact: Any, noisy_starts: Starts) -> None:
    # Errors lie outside of an ellipsoid: the first gradient is not the best direction.
    weights = torch.linspace(0.3, 3.0, exact.dim)
    module = exact.module(lambda x: torch.stack([torch.ones(len(x)), ((x.flatten(1) - 0.5) ** 2 * weights).sum(1)], 1))
    starts = noisy_starts(30, 0.1)
    classifier = Classifier(module)
    found = DecoupledDirectionNorm()(classifier, starts, 0, scale=0.5)
    check_verified(classifier, starts, found)

    def distance(start: Tensor) -> float:
        # Stationary points are x_i = s_i / (1 - t w_i); the one of the nearest point has the least t >= 0.
        s, w = start.double().flatten() - 0.5, weights.double()
        low, high = 0.0, float(1 / w.max())
        for _ in range(100):
            t = (low + high) / 2
            low, high = (t, high) if float((w * (s / (1 - t * w)) ** 2).sum()) < 1 else (low, t)
        return float((s / (1 - low * w) - s).norm())

    ratios = found.distances / np.array([distance(start) for start in starts])
    assert ratios.min() > 1 - 1e-4
    assert np.median(ratios) < 1.02
    pgd = ProjectedGradient()(classifier, starts, 0, scale=0.5)
    assert (found.distances <= pgd.distances * (1 + 1e-4)).mean() > 0.9


# --- failure ----------------------------------------------------------------------------------------------------------


@each_attack
@pytest.mark.parametrize("kind", ["quantized", "constant", "no graph", "NaN gradient"])
def test_without_a_gradient_the_attack_is_blocked(exact: Any, noisy_starts: Starts, attack: Attack, kind: str) -> None:
    module = {
        "quantized": exact.quantized(2.0),
        "constant": exact.constant(),
        "no graph": exact.margin(2.0, lambda margin: margin.detach()).eval(),
        # The derivative of the square root at 0 is infinite, and is multiplied by 0.
        "NaN gradient": exact.margin(2.0, lambda margin: margin + torch.sqrt(0 * margin)).eval(),
    }[kind]
    starts = noisy_starts(12)
    classifier = Classifier(module)
    found = attack(classifier, starts, 0, scale=10.0)
    check_verified(classifier, starts, found)
    assert np.isinf(found.distances).all()
    assert found.blocked.all()


@each_attack
@pytest.mark.parametrize("scale", [0.5, 20.0])
def test_blocked_rows_do_not_disturb_the_others(exact: Any, noisy_starts: Starts, attack: Attack, scale: float) -> None:
    module = exact.hinged(0.7, reach=0.7)
    classifier, starts = Classifier(module), noisy_starts(30)
    truth = true_distances(starts, module)
    open_rows = truth < 0.699
    assert 5 < open_rows.sum() < 25
    found = attack(classifier, starts, 0, scale=scale)
    check_verified(classifier, starts, found)
    assert np.array_equal(found.blocked, truth > 0.7)
    assert np.isinf(found.distances[found.blocked]).all()
    assert found.distances[open_rows] == pytest.approx(truth[open_rows], rel=1e-3, abs=1e-4 * scale)


@each_attack
def test_a_tiny_gradient_is_a_gradient(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    # Confident to exp(-70): the gradient is about 1e-30, and its squares underflow in float32.
    module = exact.margin(1.0, lambda margin: 70 * margin).eval()
    classifier, starts = Classifier(module), noisy_starts(10, 0.05)
    found = attack(classifier, starts, 0, scale=1.0)
    check_verified(classifier, starts, found)
    assert not found.blocked.any()
    assert found.distances == pytest.approx(true_distances(starts, module), rel=1e-3)


@each_attack
def test_an_error_out_of_reach_is_no_error(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    # DDN's norm grows 1.05**100 = 131 times, PGD stops at 3.67 times.
    classifier, starts = Classifier(exact.margin(500.0, lambda margin: margin / 100).eval()), noisy_starts(6)
    found = attack(classifier, starts, 0, scale=1.0)
    check_verified(classifier, starts, found)
    assert np.isinf(found.distances).all()
    assert not found.blocked.any()


@each_attack
def test_a_candidate_that_is_not_confirmed_is_no_error(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    # In the batches of `predict` the errors are out of reach; in those of the attack they seem near.
    size = Classifier(exact.constant()).batch_size(exact.dim)
    near, far = exact.half_space(0.5), exact.half_space(500.0)
    module = exact.module(lambda x: (far if len(x) == size else near)(x))
    starts = noisy_starts(12, 0.1)
    found = attack(Classifier(module), starts, 0, scale=1.0)
    check_verified(Classifier(module), starts, found)
    assert np.isinf(found.distances).all()


def test_the_last_iterate_of_pgd_is_evaluated(exact: Any) -> None:
    # Steps of 0.105: the tenth point is at 1.05 and the first beyond 1.
    classifier = Classifier(exact.half_space(1.0))

    def distance(steps: int) -> float:
        attack = ProjectedGradient(steps=steps, steps_to_edge=10, smallest_radius=1.05)
        return float(attack(classifier, exact.images(), 0, scale=0.1).distances[0])

    assert distance(10) == pytest.approx(1.0, rel=1e-4)
    assert distance(9) == np.inf


def test_pgd_stays_in_its_ball(exact: Any) -> None:
    attack = ProjectedGradient(steps=100, steps_to_edge=10, radius=2.0, smallest_radius=0.1)
    for distance, reached in ((1.98, True), (2.02, False)):
        found = attack(Classifier(exact.half_space(distance)), exact.images(), 0, scale=1.0)
        assert np.isfinite(found.distances[0]) == reached


def test_the_last_iterate_of_ddn_is_evaluated(exact: Any) -> None:
    # Norms 1.05, 1.1025, 1.157625: the third is the first beyond 1.12.
    classifier = Classifier(exact.half_space(1.12))
    distances = [
        float(DecoupledDirectionNorm(steps=steps)(classifier, exact.images(), 0, scale=1.0).distances[0])
        for steps in (2, 3)
    ]
    assert distances == [np.inf, pytest.approx(1.12, rel=1e-4)]


# --- rows, boxes, memory ----------------------------------------------------------------------------------------------


@each_attack
def test_rows_do_not_depend_on_one_another(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    classifier, starts = Classifier(exact.hinged(0.7, reach=0.7)), noisy_starts(30)
    together = attack(classifier, starts, 0, scale=0.7)
    for rows in (slice(0, 1), slice(7, 8), slice(20, 30)):
        alone = attack(classifier, starts[rows], 0, scale=0.7)
        # Matrix products of other sizes may round differently: a few 1e-7.
        assert alone.distances == pytest.approx(together.distances[rows], rel=2e-5, abs=2e-6)
        assert np.array_equal(alone.blocked, together.blocked[rows])


@each_attack
def test_more_starts_than_a_batch(exact: Any, noisy_starts: Starts, attack: Attack, monkeypatch: Any) -> None:
    module, starts = exact.half_space(0.5), noisy_starts(23)
    monkeypatch.setattr(Classifier, "batch_size", lambda self, dim: 5)
    found = attack(Classifier(module), starts, 0, scale=1.0)
    check_verified(Classifier(module), starts, found)
    assert found.distances == pytest.approx(true_distances(starts, module), rel=1e-3, abs=1e-4)


def nearest_in_box(start: Tensor, module: nn.Module) -> float:
    """Return the distance to the half-space's part in [0, 1]: the multiplier of the normal by bisection."""
    normal, offset = module.get_buffer("normal").double(), float(module.get_buffer("offset"))
    x = start.double().flatten()
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        inside = float((x + middle * normal).clamp(0, 1) @ normal) >= offset
        low, high = (low, middle) if inside else (middle, high)
    return float(((x + high * normal).clamp(0, 1) - x).norm())


@each_attack
def test_the_box_is_respected_where_there_is_one(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    module = exact.half_space(0.8)
    classifier, starts = Classifier(module), noisy_starts(40).clamp(0, 1)
    found = attack(classifier, starts, 0, scale=0.8, box=(0.0, 1.0))
    check_verified(classifier, starts, found)
    assert float(found.points.min()) >= 0.0
    assert float(found.points.max()) <= 1.0
    best = np.array([nearest_in_box(start, module) for start in starts])
    assert (best > true_distances(starts, module) + 0.01).any(), "the box makes no difference"
    assert (found.distances >= best - 2e-6).all()
    right = found.distances > 0
    assert np.median(found.distances[right] / best[right]) < 1.05


@each_attack
def test_nothing_is_clipped_without_a_box(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    module, starts = exact.half_space(2.0), noisy_starts(20)
    found = attack(Classifier(module), starts, 0, scale=2.0)
    assert found.distances == pytest.approx(true_distances(starts, module), rel=1e-3)
    assert (found.points.flatten(1).amin(1) < 0).any()
    assert (found.points.flatten(1).amax(1) > 1).any()


@each_attack
def test_nothing_of_the_callers_is_changed(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    starts = noisy_starts(10).clamp(0, 1)
    before = starts.clone()
    random = torch.get_rng_state()
    attack(Classifier(module), starts, 0, scale=0.5, box=(0.0, 1.0))
    assert torch.equal(starts, before)
    assert not starts.requires_grad
    assert all(torch.equal(module.state_dict()[name], value) for name, value in state.items())
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert torch.equal(torch.get_rng_state(), random)


@each_attack
def test_it_works_where_gradients_are_switched_off(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    module, starts = exact.half_space(0.5), noisy_starts(5)
    with torch.no_grad():
        found = attack(Classifier(module), starts, 0, scale=1.0)
    assert found.distances == pytest.approx(true_distances(starts, module), rel=1e-3, abs=1e-5)


# --- transfer ---------------------------------------------------------------------------------------------------------


def test_transfer_finds_the_errors_that_quantisation_hides(exact: Any, noisy_starts: Starts) -> None:
    source, target = Classifier(exact.half_space(0.6), name="source"), Classifier(exact.quantized(0.6))
    starts = noisy_starts(40)
    found = Transfer(source=source, attack=ProjectedGradient())(target, starts, 0, scale=1.0)
    check_verified(target, starts, found)
    assert found.distances == pytest.approx(true_distances(starts, target.module), rel=1e-3, abs=1e-4)
    assert not found.blocked.any()


def test_transfer_pushes_outwards(exact: Any, noisy_starts: Starts) -> None:
    source, target = Classifier(exact.half_space(0.6)), Classifier(exact.quantized(1.0))
    starts = noisy_starts(10, 0.05)
    found = Transfer(source=source, attack=ProjectedGradient())(target, starts, 0, scale=1.0)
    check_verified(target, starts, found)
    assert found.distances == pytest.approx(true_distances(starts, target.module), rel=1e-3)
    beyond = Classifier(exact.quantized(1.5))
    found = Transfer(source=source, attack=ProjectedGradient())(beyond, starts, 0, scale=0.6)
    check_verified(beyond, starts, found)
    assert np.isinf(found.distances).all()


def test_transfer_where_source_and_target_disagree_about_the_start(exact: Any) -> None:
    normal = exact.normal().view(1, *exact.shape)
    starts = exact.images() + torch.tensor([0.0, 0.5]).view(2, 1, 1, 1) * normal
    near, far = Classifier(exact.half_space(0.3)), Classifier(exact.half_space(0.7))
    attack = ProjectedGradient()
    # Wrong for the target only: distance 0. Wrong for the source only: there is no direction to follow.
    found = Transfer(source=far, attack=attack)(near, starts, 0, scale=0.5)
    check_verified(near, starts, found)
    assert found.distances == pytest.approx([0.3, 0.0], rel=1e-3)
    found = Transfer(source=near, attack=attack, factors=(1.0,))(far, starts, 0, scale=0.5)
    check_verified(far, starts, found)
    assert np.isinf(found.distances).all()


def test_transfer_stays_in_the_box(exact: Any, noisy_starts: Starts) -> None:
    source, target = Classifier(exact.half_space(0.6)), Classifier(exact.quantized(0.8))
    starts = noisy_starts(30).clamp(0, 1)
    attack = Transfer(source=source, attack=ProjectedGradient())
    found = attack(target, starts, 0, scale=0.6, box=(0.0, 1.0))
    check_verified(target, starts, found)
    assert np.isfinite(found.distances).sum() > 10
    assert 0.0 <= float(found.points.min()) <= float(found.points.max()) <= 1.0


# --- parts ------------------------------------------------------------------------------------------------------------


def test_the_gradient_is_that_of_the_cross_entropy(exact: Any, noisy_starts: Starts) -> None:
    classifier, starts = Classifier(exact.half_space(0.3)), noisy_starts(5)
    labels = torch.zeros(5, dtype=torch.int64)
    slope = Gradients(classifier, "PGD")(starts, labels)
    gradient, logits = slope.gradient, classifier.logits(starts)
    assert torch.equal(slope.margins, classifier.margins(starts, labels).double())
    assert torch.equal(slope.wrong, classifier.predict(starts) != labels)
    by_hand = torch.sigmoid(logits[:, 1]).view(-1, 1) * exact.normal()
    assert torch.allclose(gradient.flatten(1), by_hand, rtol=1e-5, atol=1e-9)


def test_nearest_errors_are_told_on_a_line() -> None:
    found = NearestErrors(
        distances=np.array([0.5, np.inf, 0.0, 0.25, 1.0]),
        points=torch.zeros(5, 1, 4, 4),
        blocked=np.array([False, True, False, False, False]),
    )
    assert str(found) == (
        "errors found from 4 of 5 starts, at a median distance of 0.375 (0 to 1); 1 wrong already, 1 blocked"
    )


def test_norms_neither_underflow_nor_overflow() -> None:
    x = torch.tensor([[3e-30, 4e-30], [3e30, 4e30], [0.0, 0.0], [3.0, 4.0]]).view(4, 2, 1, 1)
    assert norms(x).flatten().tolist() == pytest.approx([5e-30, 5e30, 0.0, 5.0], rel=1e-6)


@each_attack
def test_a_boundary_that_depends_on_the_batch_is_passed(exact: Any, noisy_starts: Starts, attack: Attack) -> None:
    # In full batches, where errors are verified, the boundary is a little farther than the short batches say.
    size = Classifier(exact.constant()).batch_size(exact.dim)
    short, full = exact.half_space(0.5), exact.half_space(0.5001)
    classifier = Classifier(exact.module(lambda x: (full if len(x) == size else short)(x)))
    starts = noisy_starts(12, 0.02)
    found = attack(classifier, starts, 0, scale=0.5)
    check_verified(classifier, starts, found)
    truth = true_distances(starts, full)
    assert (found.distances >= truth - 2e-6).all()
    assert (found.distances <= truth + 6e-4).all()  # moved outwards by 2**-10 of the segment


def test_named_attack() -> None:
    assert named_attack("pgd") == ProjectedGradient()
    assert named_attack("ddn") == DecoupledDirectionNorm()
    mine = ProjectedGradient(steps=3)
    assert named_attack(mine) is mine
    with pytest.raises(ValueError, match="attack='fgsm' must be one of 'tangent', 'ddn', 'pgd', 'boundary'"):
        named_attack("fgsm")
    with pytest.raises(TypeError, match="attack=3"):
        named_attack(3)  # type: ignore[arg-type]


def test_names_tell_attacks_apart(exact: Any) -> None:
    source = Classifier(exact.half_space(1.0), name="source")
    names = [attack.name for attack in (*ATTACKS, Transfer(source=source, attack=ProjectedGradient()))]
    assert len(set(names)) == 4
    assert "source" in names[3]


# --- nearest_error ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ["pgd", "ddn", "tangent", "boundary"])
def test_nearest_error(exact: Any, attack: str) -> None:
    normal = exact.normal().view(exact.shape)
    images = torch.stack([exact.images()[0], exact.images()[0] + 0.1 * normal, exact.images()[0] + 0.5 * normal])
    found = nearest_error(Classifier(exact.half_space(0.4)), images, [0, 0, 0], attack=attack, scale=[0.4, 0.3, 0.1])
    exactness = 0.03 if attack == "boundary" else 1e-3  # without gradients the normal is an estimate
    assert [float(one.distances[0]) for one in found] == pytest.approx([0.4, 0.3, 0.0], rel=exactness)
    assert all(one.points.shape == (1, *exact.shape) for one in found)


def test_nearest_error_can_stay_in_the_box(exact: Any) -> None:
    classifier = Classifier(exact.half_space(1.4))
    (free,) = nearest_error(classifier, exact.images(), [0], scale=1.4)
    (boxed,) = nearest_error(classifier, exact.images(), [0], scale=1.4, clip=True)
    assert free.distances[0] == pytest.approx(1.4, rel=1e-3)
    assert boxed.distances[0] > 1.401
    assert float(boxed.points.max()) <= 1.0 < float(free.points.max())


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan"), [1.0, 2.0]])
def test_nearest_error_refuses_a_bad_scale(exact: Any, scale: Any) -> None:
    with pytest.raises(ValueError, match="scale"):
        nearest_error(Classifier(exact.half_space(1.0)), exact.images(), [0], scale=scale)


def test_tangent_stays_finite_where_the_slope_nearly_vanishes() -> None:
    # A margin of 1 that falls by 1e-36 a unit: the plane is 1e36 away, and a step there would overflow float32.
    class Faint(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            first = x.flatten(1)[:, :1]
            margin = torch.where(first < 0.5, 1 - 1e-36 * first, 0.5 - first)
            return torch.cat([margin, torch.zeros_like(margin)], 1)

    start = torch.zeros(1, 1, 2, 2)
    found = TangentProjection(steps=30)(Classifier(Faint().eval()), start, torch.tensor([0]), scale=1.0)
    assert found.distances[0] == pytest.approx(0.5, rel=1e-2)
