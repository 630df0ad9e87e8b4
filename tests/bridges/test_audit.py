"""The audit convicts attacks that miss errors, and no attack that finds the nearest ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from isoperimetry.bounds import halfspace_distance, median_distance_bound
from isoperimetry.checks import AttackAudit, AuditVerdict, audit_attack, audit_many
from isoperimetry.errors import ModelError
from isoperimetry.special import ndtr
from isoperimetry_bridges.torch import (
    Classifier,
    NearestErrors,
    ProjectedGradient,
    SigmaStatus,
    Transfer,
    audit,
    find_sigma,
    nearest_error,
)
from isoperimetry_bridges.torch.attacks import Best, BoundaryDescent, adapters
from isoperimetry_bridges.torch.audit import attack_scale

# An error rate of 1.7 %, and a bound of about 2.1 sigma.
DISTANCE, SIGMA = 0.85, 0.4


@dataclasses.dataclass
class Straight:
    """Goes straight to the half-space, by ``factor`` times the distance; remembers where it was sent from."""

    factor: float = 1.0
    name: str = "straight"
    starts: list[Tensor] = dataclasses.field(default_factory=list, repr=False)
    boxes: list[Any] = dataclasses.field(default_factory=list, repr=False)
    scales: list[float] = dataclasses.field(default_factory=list, repr=False)
    labels: list[Any] = dataclasses.field(default_factory=list, repr=False)
    stops_after: int = dataclasses.field(default=1000, repr=False)

    def __deepcopy__(self, memo: object) -> Straight:
        return self  # every image gets a copy of the attack: this one remembers them all

    def __call__(
        self, classifier: Classifier, starts: Tensor, labels: Any, *, scale: Any, box: Any = None
    ) -> NearestErrors:
        if len(self.starts) == self.stops_after:
            raise KeyboardInterrupt
        self.starts.append(starts.clone())
        self.boxes.append(box)
        self.scales += scale.tolist() if isinstance(scale, Tensor) else [scale]
        self.labels.append(labels)
        normal, offset = (classifier.module.get_buffer(name) for name in ("normal", "offset"))
        away = (offset - starts.flatten(1) @ normal).clamp_min(0)
        step = torch.where(away > 0, self.factor * away + 2e-6, 0.0)
        points = starts + (step.view(-1, 1) * normal).view_as(starts)
        assert classifier.wrong(points, labels).all()  # longer or not, all are verified errors
        distances = (points.double() - starts.double()).flatten(1).norm(dim=1).numpy()
        return NearestErrors(distances=distances, points=points, blocked=np.zeros(len(starts), bool))


class Stays(Straight):
    """Finds nothing."""

    def __call__(
        self, classifier: Classifier, starts: Tensor, labels: Any, *, scale: Any, box: Any = None
    ) -> NearestErrors:
        self.scales.append(scale)
        nowhere = np.full(len(starts), np.inf)
        return NearestErrors(distances=nowhere, points=starts, blocked=np.zeros(len(starts), bool))


def run(module: Any, count: int = 1, **options: Any) -> list[AttackAudit]:
    settings = {"sigma": SIGMA, "n_samples": 3000, "n_starts": 60} | options
    return audit(Classifier(module), torch.full((count, 1, 4, 4), 0.5), [0] * count, **settings)


# --- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ["pgd", "ddn"])
def test_an_attack_on_a_half_space_is_not_convicted(exact: Any, seed: int, attack: str) -> None:
    results = run(exact.half_space(DISTANCE), 5, attack=attack, rng=seed)
    assert all(result.verdict is not AuditVerdict.ATTACK_FAILING for result in results)
    assert all(result.n_failed == 0 and result.missed_fraction == 0 for result in results)


def test_an_attack_that_goes_too_far_is_convicted(exact: Any, seed: int) -> None:
    far, exactly = Straight(1.5), Straight()
    (convicted,) = run(exact.half_space(DISTANCE), attack=far, n_samples=10_000, n_starts=300, rng=seed)
    assert convicted.verdict is AuditVerdict.ATTACK_FAILING
    assert convicted.p_value < 1e-3
    assert convicted.n_failed == 0  # it found an error everywhere: it is convicted of the distance alone
    assert convicted.missed_fraction > 0
    (cleared,) = run(exact.half_space(DISTANCE), attack=exactly, n_samples=10_000, n_starts=300, rng=seed)
    assert cleared.verdict is not AuditVerdict.ATTACK_FAILING
    assert torch.equal(far.starts[0], exactly.starts[0])


def test_what_is_said_to_be_missed_is_there(exact: Any, seed: int) -> None:
    # The claim: at least this fraction of noisy points has an error within the radius that the attack missed. Here
    # the fraction is known exactly: distance <= radius < 1.5 * distance.
    found = run(exact.half_space(DISTANCE), 4, attack=Straight(1.5), n_samples=10_000, n_starts=300, rng=seed)
    for result in found:
        radius = result.missed_radius
        assert radius is not None
        missed = float(ndtr((radius - DISTANCE) / SIGMA) - ndtr((radius / 1.5 - DISTANCE) / SIGMA))
        assert 0 < result.missed_fraction <= missed


def test_hidden_gradients_are_convicted_and_transfer_is_not(exact: Any, seed: int) -> None:
    module = exact.quantized(DISTANCE)
    for attack in ("pgd", "ddn"):
        (result,) = run(module, attack=attack, rng=seed)
        assert result.verdict is AuditVerdict.ATTACK_FAILING
        assert result.p_value < 1e-6
        assert result.n_failed == 60 - result.n_zero
        assert 0.2 < result.missed_fraction <= 0.5
    source = Classifier(exact.half_space(DISTANCE))
    (result,) = run(module, attack=Transfer(source=source, attack=ProjectedGradient()), rng=seed)
    assert result.verdict is not AuditVerdict.ATTACK_FAILING
    assert result.n_failed == 0


def test_an_attack_on_a_model_without_errors_is_not_convicted(exact: Any, seed: int) -> None:
    (result,) = run(exact.constant(), rng=seed)
    assert result.verdict is AuditVerdict.UNDECIDED
    assert result.errors == 0
    assert math.isinf(result.bound)
    assert result.n_failed == 60


def test_level(exact: Any, seed: int, at_most: Callable[..., None]) -> None:
    # Perfect distances, at a confidence of 0.8: at most one conviction in five, whatever the error rate.
    count = 60
    for distance in (0.1, 0.4, DISTANCE):
        found = run(exact.half_space(distance), count, attack=Straight(), n_samples=500, confidence=0.8, rng=seed)
        at_most(sum(result.verdict is AuditVerdict.ATTACK_FAILING for result in found), count, 0.2)


def test_holm_names_the_masked_images(exact: Any, seed: int) -> None:
    family = audit_many(run(exact.quantized(DISTANCE), 4, rng=seed), confidence=0.999)
    assert family.n_convicted == 4
    assert audit_many(run(exact.half_space(DISTANCE), 4, rng=seed), confidence=0.999).n_convicted == 0


def test_clipped(exact: Any, seed: int) -> None:
    sound, masked = Straight(), Straight(1.5)
    for attack, module in ((sound, exact.half_space(DISTANCE)), (masked, exact.half_space(DISTANCE))):
        run(module, attack=attack, clip=True, rng=seed)
        assert attack.boxes == [(0.0, 1.0)]
        assert 0.0 <= float(attack.starts[0].min()) <= float(attack.starts[0].max()) <= 1.0
    # With the noise clipped and PGD in the box the theorem still holds.
    (result,) = run(exact.half_space(DISTANCE), clip=True, rng=seed)
    assert result.verdict is not AuditVerdict.ATTACK_FAILING
    (result,) = run(exact.quantized(DISTANCE), clip=True, rng=seed)
    assert result.verdict is AuditVerdict.ATTACK_FAILING


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_it_is_the_audit_of_the_counts_and_distances(exact: Any, seed: int, surely: Callable[..., None]) -> None:
    attack = Straight(1.2)
    (result,) = run(exact.half_space(DISTANCE), attack=attack, n_samples=20_000, confidence=0.99, rng=seed)
    surely(result.errors, 20_000, float(ndtr(-DISTANCE / SIGMA)))
    assert (result.trials, result.sigma, result.confidence, result.n_starts) == (20_000, SIGMA, 0.99, 60)
    assert len(attack.starts[0]) == 60
    again = attack(Classifier(exact.half_space(DISTANCE)), attack.starts[0], 0, scale=1.0)
    by_hand = audit_attack(
        again.distances, errors=result.errors, trials=20_000, sigma=SIGMA, confidence=0.99, conditional=False,
        checked=("verified", "deterministic"),
    )  # fmt: skip
    assert by_hand == result


def test_starts_are_taken_whatever_the_model_says(exact: Any, seed: int, surely: Callable[..., None]) -> None:
    (result,) = run(exact.half_space(0.1), attack=Straight(), n_starts=1000, rng=seed)
    surely(result.n_zero, 1000, float(ndtr(-0.1 / SIGMA)))
    assert result.n_starts == 1000


def test_starts_are_gaussian_around_the_image(exact: Any, seed: int) -> None:
    attack = Straight()
    run(exact.half_space(DISTANCE), attack=attack, n_starts=4000, rng=seed)
    starts = torch.cat(attack.starts)
    assert len(starts) == 4000
    z = ((starts - 0.5) / SIGMA).double()
    # 64,000 values: 5.2 deviations have probability 2e-7.
    assert abs(float(z.mean())) < 5.2 / math.sqrt(z.numel())
    assert abs(float((z**2).mean()) - 1) < 5.2 * math.sqrt(2 / z.numel())


def test_the_scale_of_the_attack(exact: Any, seed: int) -> None:
    assert attack_scale(100, 10_000, 0.5) == pytest.approx(median_distance_bound(101 / 10_002, 0.5))
    assert attack_scale(100, 10_000, 0.5) == pytest.approx(halfspace_distance(0.01, 0.5), rel=0.01)
    assert attack_scale(0, 10_000, 0.5) < 2.5  # no error was seen: finite all the same
    assert attack_scale(9000, 10_000, 0.5) == 0.5
    attack = Straight()
    (result,) = run(exact.half_space(DISTANCE), attack=attack, rng=seed)
    assert attack.scales == [attack_scale(result.errors, result.trials, SIGMA)]


# --- draws ------------------------------------------------------------------------------------------------------------


def test_counts_starts_and_search_use_different_draws(exact: Any, seed: int) -> None:
    seen: list[Tensor] = []
    module = exact.half_space(DISTANCE)
    module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))

    def directions(batch: Tensor) -> set[tuple[float, ...]]:
        noise = batch.flatten(1) - 0.5
        noise = noise[noise.norm(dim=1) > 0]
        return {tuple(row) for row in (noise / noise.norm(dim=1, keepdim=True)).mul(2000).round().tolist()}

    attack = Straight()
    (search,) = find_sigma(Classifier(module), exact.images(), [0], n_samples=200, rng=seed)
    searched = directions(torch.cat(seen))
    seen.clear()
    run(module, attack=attack, sigma=search.sigma, n_samples=200, n_starts=200, rng=seed)
    used = directions(torch.cat(seen))
    started = directions(attack.starts[0])
    assert len(searched) >= 200
    assert len(started) == 200
    assert len(used - started) >= 200  # the counts, and the attack's own points
    assert not searched & used
    assert not searched & started
    seen.clear()
    run(module, attack=Straight(), sigma=search.sigma, n_samples=200, n_starts=1, rng=seed)
    counted = directions(torch.cat(seen[:2]))
    assert not counted & started - directions(attack.starts[0][:1])


def test_it_repeats_whatever_the_neighbours(exact: Any, seed: int) -> None:
    module = exact.half_space(DISTANCE)
    three = run(module, 3, attack="ddn", n_samples=500, rng=seed)
    assert run(module, 3, attack="ddn", n_samples=500, rng=seed) == three
    assert run(module, 1, attack="ddn", n_samples=500, rng=seed, image_ids=[2]) == three[2:]
    assert len({result.errors for result in three}) > 1 or three[0] != three[1]
    assert run(module, 3, attack="ddn", n_samples=500, rng=seed + 1) != three


def test_each_image_has_its_sigma_and_label(exact: Any, seed: int) -> None:
    attack = Straight()
    found = audit(
        Classifier(exact.half_space(DISTANCE)), exact.images(2), np.array([0, 0]), sigma=[0.4, 0.8], attack=attack,
        n_samples=2000, n_starts=20, rng=seed,
    )  # fmt: skip
    assert [result.sigma for result in found] == [0.4, 0.8]
    assert found[0].errors < found[1].errors
    (wrong,) = audit(Classifier(exact.constant(1)), exact.images(), [0], sigma=0.4, n_samples=50, n_starts=10, rng=seed)
    assert (wrong.errors, wrong.n_zero) == (50, 10)


# --- without noise ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ["pgd", "ddn"])
def test_nearest_errors_need_no_scale(exact: Any, seed: int, attack: str) -> None:
    images = exact.images(3)
    images[1] += 0.5 * exact.normal().view(exact.shape)  # 0.15 inside the errors
    images[2] += 0.2 * exact.normal().view(exact.shape)
    for distance in (0.35, 1e-3):
        classifier = Classifier(exact.half_space(distance))
        found = nearest_error(classifier, images, [0, 0, 0], attack=attack, rng=seed)
        expected = [distance, 0.0, max(distance - 0.2, 0.0)]
        assert [float(one.distances[0]) for one in found] == pytest.approx(expected, rel=1e-3, abs=1e-6)
        for one, image in zip(found, images, strict=True):
            assert classifier.predict(one.points).tolist() == [1]
            moved = float((one.points[0].double() - image.double()).norm())
            assert moved == pytest.approx(float(one.distances[0]), abs=1e-7)


@pytest.mark.parametrize("attack", ["pgd", "ddn"])
def test_an_error_that_noise_never_shows_is_found(exact: Any, seed: int, attack: str) -> None:
    # A paraboloid of errors, its apex at 0.5: the 15 other directions of the noise always lead out of it.
    normal = exact.normal()

    def logits(x: Tensor) -> Tensor:
        offset = (x - 0.5).flatten(1)
        along = offset @ normal
        across = (offset - along[:, None] * normal).square().sum(1)
        return torch.stack([torch.zeros_like(along), along - 0.5 - across], 1)

    classifier = Classifier(exact.module(logits))
    (search,) = find_sigma(classifier, exact.images(), [0], n_samples=100, rng=seed)
    assert search.status is SigmaStatus.NEVER_REACHED
    (found,) = nearest_error(classifier, exact.images(), [0], attack=attack, rng=seed)
    assert found.distances == pytest.approx([0.5], rel=1e-3)


def test_the_scale_of_nearest_errors(exact: Any, seed: int) -> None:
    classifier, images = Classifier(exact.half_space(DISTANCE), bounds=(-1.0, 2.0)), exact.images(2)
    attack = Straight()
    nearest_error(classifier, images, [0, 0], attack=attack, scale=[0.3, 2.0], rng=seed)
    assert attack.scales == [0.3, 2.0]
    searches = find_sigma(classifier, images, [0, 0], n_samples=100, rng=seed)
    nearest_error(classifier, images, [0, 0], attack=attack, rng=seed)
    assert attack.scales[2:] == [attack_scale(1, 100, search.sigma) for search in searches]
    assert attack.scales[2:] == pytest.approx([DISTANCE] * 2, rel=0.5)
    # Already wrong, and never reached: the width of the box stands for the scale of the noise.
    for wrong in (0, 1):
        module = exact.constant(wrong)
        module.register_buffer("normal", exact.normal())
        module.register_buffer("offset", torch.tensor(-1e3))  # the stub of an attack goes nowhere
        never = Straight() if wrong else Stays()
        nearest_error(Classifier(module, bounds=(-1.0, 2.0)), images[:1], [0], attack=never, rng=seed)
        assert never.scales == [attack_scale(1, 100, 3.0)]


# --- what is refused --------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "unknown attack": ({"attack": "fgsm"}, ValueError, "attack='fgsm'"),
    "no starts": ({"n_starts": 0}, ValueError, "n_starts=0"),
    "no draws": ({"n_samples": 0}, ValueError, "n_samples=0"),
    "starts are no integer": ({"n_starts": 20.0}, TypeError, r"n_starts=20\.0"),
    "sigma zero": ({"sigma": 0}, ValueError, "sigma=0"),
    "confidence in per cent": ({"confidence": 99.9}, ValueError, r"confidence=99\.9"),
    "duplicate ids": ({"count": 2, "image_ids": [4, 4]}, ValueError, "image_ids"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused(exact: Any, name: str) -> None:
    options, error, words = BAD[name]
    with pytest.raises(error, match=words) as caught:
        run(exact.half_space(DISTANCE), rng=0, **options)
    assert "\n" not in str(caught.value)


FOREIGN = {
    "foolbox": r"Foolbox\(attack\)",
    "torchattacks": r"Torchattacks\(lambda model, eps",
    "art": r"Art\(lambda estimator",
    "pyautoattack": r"AutoAttack\(\)",
}


@pytest.mark.parametrize("call", [audit, nearest_error])
def test_an_attack_that_cannot_run_is_refused_before_anything_is_counted(exact: Any, call: Any) -> None:
    module, rows = exact.half_space(DISTANCE), [0]
    module.register_forward_hook(lambda module, inputs, outputs: rows.append(len(inputs[0])))
    options: dict[str, Any] = {"sigma": SIGMA, "rng": 0}

    def refused(attack: Any, kind: type[Exception], words: str, **settings: Any) -> None:
        with pytest.raises(kind, match=words) as caught:
            call(Classifier(module, **settings), exact.images(), [0], attack=attack, **options)
        assert "\n" not in str(caught.value)

    for package, words in FOREIGN.items():
        foreign = type("Attack", (), {"__module__": f"{package}.attacks.pgd", "__call__": lambda self: None})
        for attack in (foreign, foreign()):  # a class, and an object of it
            refused(attack, TypeError, f"Attack of the package '{package}'.*adapters.{words}")
    refused(ProjectedGradient, TypeError, r"pass an object of it, ProjectedGradient\(\.\.\.\)")
    refused(lambda *arguments, **options: None, TypeError, "must have a name")

    def error(outputs: Tensor, labels: Tensor) -> Tensor:
        return outputs.argmax(1) != labels

    source = Classifier(module, error=error)
    pgd = ProjectedGradient()
    for attack in ("pgd", "ddn", "tangent", Best((pgd,)), BoundaryDescent(begin=pgd)):
        refused(attack, ModelError, "has no margin: use attack=.boundary.*give the Classifier margin=", error=error)
    refused(Transfer(source=source, attack=pgd), ModelError, "has no margin")
    refused(adapters.AutoAttack(), ValueError, "other packages know logits only", error=error)
    assert sum(rows) <= 2 * 17  # the image twice, in each check


def test_progress(exact: Any, seed: int) -> None:
    seen: list[tuple[int, int | None]] = []
    run(
        exact.half_space(DISTANCE), 2, attack=Straight(), n_samples=50, n_starts=5, rng=seed,
        progress=lambda done, total, text: seen.append((done, total)),
    )  # fmt: skip
    assert seen[0] == (0, 100)  # draws for the error rate
    assert (100, 100) in seen
    assert seen[-1] == (2, 2)  # batches of starts


# --- stores and noisy starts ------------------------------------------------------------------------------------------


def test_nearest_errors_of_noisy_copies_are_those_that_the_audit_attacks(exact: Any, seed: int) -> None:
    classifier, attack = Classifier(exact.half_space(DISTANCE)), Straight()
    found = nearest_error(
        classifier, exact.images(2), [0, 0], attack=attack, sigma=[SIGMA, 2 * SIGMA], n_starts=60, rng=seed
    )
    assert [one.distances.shape for one in found] == [(60,), (60,)]
    assert attack.scales == [attack_scale(1, 100, sigma) for sigma in (SIGMA, 2 * SIGMA)]
    audited = Straight()
    run(exact.half_space(DISTANCE), attack=audited, rng=seed)
    assert torch.equal(audited.starts[0], attack.starts[0])
    with pytest.raises(ValueError, match="n_starts=3 needs sigma="):
        nearest_error(classifier, exact.images(), [0], n_starts=3, scale=1.0)


@pytest.mark.parametrize("keep_points", [False, True, None])
def test_nearest_errors_are_kept_and_resumed(exact: Any, seed: int, tmp_path: Any, keep_points: bool | None) -> None:
    classifier, images = Classifier(exact.half_space(0.4)), exact.images(11)
    images += 0.02 * torch.arange(11).view(-1, 1, 1, 1) * exact.normal().view(exact.shape)
    options: dict[str, Any] = {"scale": 0.4, "rng": seed, "store": tmp_path / "run", "keep_points": keep_points}
    attack = Straight()
    # Only the first 8 images: they are a batch of 11 as well.
    nearest_error(classifier, images[:8], [0] * 8, attack=attack, **options)
    found = nearest_error(classifier, images, [0] * 11, attack=attack, **options)
    assert [len(starts) for starts in attack.starts] == [8, 3]
    again = nearest_error(classifier, images, [0] * 11, attack=attack, **options)
    assert len(attack.starts) == 2
    plain = nearest_error(classifier, images, [0] * 11, attack=Straight(), scale=0.4, rng=seed)
    for one, other, fresh in zip(found, again, plain, strict=True):
        assert np.array_equal(one.distances, fresh.distances)
        assert np.array_equal(other.distances, fresh.distances)
        if keep_points is False:
            assert other.points.shape == (1, 0)
        else:  # by default the points are kept, where the images themselves were attacked
            assert torch.equal(other.points, fresh.points)
    with pytest.raises(ValueError, match="'straight' found around the image 0 with other settings"):
        nearest_error(classifier, images, [0] * 11, attack=attack, **(options | {"scale": 0.5}))
    with pytest.raises(ValueError, match="rng=None"):
        nearest_error(classifier, images, [0] * 11, **(options | {"rng": None}))
    with pytest.raises(ValueError, match="model"):
        nearest_error(Classifier(exact.half_space(0.5)), images, [0] * 11, attack=attack, **options)


@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_points_that_a_store_lacks_are_searched_again(
    exact: Any, seed: int, tmp_path: Any, sigma: float | None
) -> None:
    classifier, images, attack = Classifier(exact.half_space(0.4)), exact.images(2), Straight()
    n_starts = 1 if sigma is None else 3
    options: dict[str, Any] = {"scale": 0.4, "sigma": sigma, "n_starts": n_starts, "rng": seed, "attack": attack}
    plain = nearest_error(classifier, images, [0, 0], **options)
    options["store"], searched = tmp_path / "run", len(attack.starts)
    counts = []
    for keep_points in (False, True, True, False):
        found = nearest_error(classifier, images, [0, 0], keep_points=keep_points, **options)
        counts.append(len(attack.starts) // searched)
        for one, fresh in zip(found, plain, strict=True):
            assert np.array_equal(one.distances, fresh.distances)
            assert torch.equal(one.points, fresh.points)
    assert counts == [2, 3, 3, 3]
    found = nearest_error(classifier, images, [0, 0], **options)  # by default, those of noisy copies need not be there
    assert len(attack.starts) == 3 * searched
    options["store"] = tmp_path / "default"
    for _ in range(2):
        found = nearest_error(classifier, images, [0, 0], **options)
    shapes = {one.points.shape for one in found}
    assert shapes == ({(1, *exact.shape)} if sigma is None else {(3, 0)})


def test_the_scale_that_nearest_errors_search_is_kept(exact: Any, seed: int, tmp_path: Any) -> None:
    module, attack, rows = exact.half_space(0.4), Straight(), [0]
    module.register_forward_hook(lambda module, inputs, outputs: rows.append(len(inputs[0])))
    for _ in range(2):
        before = sum(rows)
        nearest_error(Classifier(module), exact.images(), [0], attack=attack, rng=seed, store=tmp_path / "run")
        spent = sum(rows) - before
    assert len(attack.scales) == 1
    assert spent <= 4  # the image alone, in the checks of both functions


def test_more_starts_around_a_vector_are_joined_with_stored_ones(seed: int, tmp_path: Any) -> None:
    linear = torch.nn.Linear(5, 2).eval()
    classifier, images = Classifier(linear, batch_size=4), torch.full((1, 5), 0.5)
    labels = classifier.predict(images)
    options: dict[str, Any] = {"sigma": 0.2, "scale": 1.0, "rng": seed}
    nearest_error(classifier, images, labels, n_starts=4, store=tmp_path / "run", **options)
    (found,) = nearest_error(classifier, images, labels, n_starts=8, store=tmp_path / "run", **options)
    (plain,) = nearest_error(classifier, images, labels, n_starts=8, **options)
    assert np.array_equal(found.distances, plain.distances)


def test_an_audit_is_resumed(exact: Any, seed: int, tmp_path: Any) -> None:
    module = exact.half_space(DISTANCE)
    options: dict[str, Any] = {"n_starts": 1100, "rng": seed, "store": tmp_path / "run"}
    whole = run(module, 2, attack=Straight(1.5), n_starts=1100, rng=seed)
    with pytest.raises(KeyboardInterrupt):
        run(module, 2, attack=Straight(1.5, stops_after=2), **options)
    rest = Straight(1.5)
    resumed = run(module, 2, attack=rest, **options)
    assert resumed == whole
    assert [len(starts) for starts in rest.starts] == [76, 512, 512, 76]
