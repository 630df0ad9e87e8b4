"""Tiny error rates of classifiers: linear ones, whose rate is known, and small networks against plain draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import isoperimetry as iso
from isoperimetry.errors import ModelError
from isoperimetry.results import Guarantee
from isoperimetry.special import log_ndtr, ndtri_exp
from isoperimetry_bridges.torch import Classifier, NearestErrors
from isoperimetry_bridges.torch.face import Face
from isoperimetry_bridges.torch.volume import volume


def linear(weights: np.ndarray, bias: np.ndarray) -> Classifier:
    module = nn.Linear(weights.shape[1], weights.shape[0]).double()
    module.weight.data.copy_(torch.from_numpy(weights))
    module.bias.data.copy_(torch.from_numpy(bias))
    return Classifier(module.eval(), bounds=(-10, 10), name="linear")


def relu_net(seed: int = 3, classes: int = 3) -> Classifier:
    generator = torch.Generator().manual_seed(seed)
    module = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, classes))
    for parameter in module.parameters():
        parameter.data.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return Classifier(module.eval(), bounds=(-10, 10))


@pytest.mark.parametrize("log_mu", [math.log(1e-4), math.log(1e-12), -700.0])
def test_two_classes(log_mu: float, seed: int) -> None:
    direction = np.random.default_rng(3).standard_normal(20)
    direction /= np.linalg.norm(direction)
    sigma = 0.3
    distance = -sigma * float(ndtri_exp(log_mu))
    model = linear(np.stack((np.zeros(20), direction)), np.array([distance, 0.0]))
    estimate = volume(model, np.zeros(20), 0, sigma=sigma, n_samples=2000, rng=seed)
    assert estimate.log_value == pytest.approx(log_mu, abs=3e-4 * max(1.0, abs(log_mu) / 30))
    assert estimate.log_interval[0] <= log_mu + 3e-4 * max(1.0, abs(log_mu) / 30)
    assert estimate.distance.value == pytest.approx(distance, rel=1e-4)
    assert estimate.n_calls <= 2200 and estimate.n_gradients > 0


def test_ten_classes_far_apart(seed: int) -> None:
    # Half-spaces whose normals are orthogonal: the rate is 1 less the product of what each leaves, here the sum.
    distances = np.linspace(5.2, 5.6, 9)
    model = linear(np.vstack((np.zeros(30), np.eye(9, 30))), np.concatenate(([0.0], -distances)))
    truth = float(np.logaddexp.reduce(log_ndtr(-distances)))
    estimate = volume(model, np.zeros(30), 0, sigma=1.0, n_samples=4000, rng=seed)
    assert estimate.method == "mixture" and estimate.details["half_spaces"] == 9
    assert estimate.log_value == pytest.approx(truth, abs=1e-3)
    assert estimate.guarantee is Guarantee.FINITE_SAMPLE and estimate.residual > 0


def test_a_network_agrees_with_plain_draws(seed: int) -> None:
    model, image = relu_net(), np.full(12, 0.2, np.float32)
    label = int(model.predict(torch.from_numpy(image)[None])[0])
    sigma, draws = 0.12, 400_000
    z = np.random.default_rng(99).standard_normal((draws, 12)).astype(np.float32)
    errors = int(model.wrong(torch.from_numpy(image + np.float32(sigma) * z), label).sum())
    assert 50 < errors < 5000
    counted = iso.intervals.clopper_pearson(errors, draws, confidence=1 - 1e-6)
    estimate = volume(model, image, label, sigma=sigma, method="line", n_samples=20_000, confidence=0.999999, rng=seed)
    assert estimate.spread[0] < counted.high and estimate.spread[1] > counted.low
    assert abs(math.log(estimate.value * draws / errors)) < 0.35


def test_exact_lines_prove_the_lower_limit(seed: int) -> None:
    model, image = relu_net(), np.full(12, 0.2, np.float32)
    label = int(model.predict(torch.from_numpy(image)[None])[0])
    settings: dict[str, Any] = {"sigma": 0.08, "n_samples": 1000, "method": "line", "rng": seed}
    searched, exact = (volume(model, image, label, exact_lines=how, **settings) for how in (False, True))
    assert exact.guarantee is Guarantee.LOWER_ONLY and "pieces" in exact.given
    assert exact.interval.low < exact.value
    assert exact.spread[0] < searched.spread[1] and searched.spread[0] < exact.spread[1]


def test_the_batch_size_of_the_classifier_does_not_matter(seed: int) -> None:
    image = np.full(12, 0.2, np.float32)
    found = []
    for size in (1, 7, None):
        small = Classifier(relu_net().module.double(), bounds=(-10, 10), batch_size=size)
        label = int(small.predict(torch.from_numpy(image)[None].double())[0])
        found.append(volume(small, image, label, sigma=0.08, n_samples=1500, rng=seed))
    assert [one.log_value for one in found] == pytest.approx(
        [found[0].log_value] * 3, abs=5e-3
    )  # rounding moves the direction that is learned


def test_out_of_memory_halves_the_batch(seed: int) -> None:
    class Greedy(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) > 3:
                raise torch.OutOfMemoryError("too many")
            return super().forward(x)

    module = Greedy(4, 2)
    module.weight.data.copy_(torch.tensor([[0.0, 0, 0, 0], [1.0, 0, 0, 0]]))
    module.bias.data.copy_(torch.tensor([5.0, 0.0]))
    model = Classifier(module.eval(), bounds=(-9, 9), batch_size=3)
    model._given_size = 64
    model.check = lambda images, labels: None  # type: ignore[method-assign]
    estimate = volume(model, np.zeros(4), 0, sigma=1.0, n_samples=500, rng=seed)
    assert model.batch_size(4) <= 3
    assert estimate.log_value == pytest.approx(float(log_ndtr(-5.0)), abs=1e-3)


def test_the_gradient_alone_may_be_too_large_for_the_memory(seed: int) -> None:
    class Greedy(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) > 2 and torch.is_grad_enabled():
                raise torch.OutOfMemoryError("too many")
            return super().forward(x)

    module = Greedy(4, 6)
    module.weight.data.copy_(torch.vstack([torch.zeros(4), torch.eye(4), -torch.eye(4)[:1]]))
    module.bias.data.copy_(torch.tensor([5.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    model = Classifier(module.eval(), bounds=(-9, 9))
    estimate = volume(model, np.zeros(4), 0, sigma=1.0, n_samples=600, rng=seed)
    assert model.batch_size(4) > 2  # answers are asked for as before
    assert estimate.log_value == pytest.approx(math.log(5) + float(log_ndtr(-5.0)), abs=0.05)


def test_slopes_end_where_the_noise_is_clipped() -> None:
    model = linear(np.stack((np.zeros(3), np.ones(3))), np.array([5.0, 0.0]))
    face = Face(model, torch.zeros(3, dtype=torch.float64), torch.tensor([0]), clip=True)
    points = np.array([[0.0, 9.0, 11.0], [-12.0, 0.0, 0.0]])
    assert face.gradient(points).tolist() == [[-1.0, -1.0, 0.0], [0.0, -1.0, -1.0]]
    assert face(points).tolist() == [5.0 - 19.0, 5.0 + 10.0]


def test_clipping_is_part_of_the_classifier(seed: int) -> None:
    # Errors beyond the box do not exist for what is clipped to it.
    model = linear(np.stack((np.zeros(3), np.eye(3)[0])), np.array([10.5, 0.0]))
    estimate = volume(model, np.zeros(3), 0, sigma=3.0, clip=True, method="crude", n_samples=5000, rng=seed)
    assert estimate.value == 0.0
    assert volume(model, np.zeros(3), 0, sigma=3.0, n_samples=5000, rng=seed).value == pytest.approx(
        float(iso.special.ndtr(-3.5)), rel=0.1
    )


def test_frequent_errors_are_counted(seed: int) -> None:
    model = linear(np.stack((np.zeros(3), np.eye(3)[0])), np.array([0.5, 0.0]))
    estimate = volume(model, np.zeros(3), 0, sigma=1.0, n_samples=3000, confidence=0.999999, rng=seed)
    assert estimate.method == "crude"
    assert estimate.interval.low < float(iso.special.ndtr(-0.5)) < estimate.interval.high
    assert volume(model, np.full(3, 2.0), 0, sigma=1.0, n_samples=300, rng=seed).method == "crude"  # an error itself


def test_without_gradients_particles_come_down(exact: Any, seed: int) -> None:
    model = Classifier(exact.quantized(0.9), name="quantized")
    estimate = volume(model, exact.images()[0], 0, sigma=0.25, n_samples=30_000, rng=seed)
    assert estimate.method == "splitting" and estimate.n_gradients <= 1
    assert abs(estimate.log_value - float(log_ndtr(-3.6))) < 1.5


def test_without_a_margin_only_plain_draws_are_left(exact: Any, seed: int) -> None:
    rule = lambda outputs, labels: outputs.argmax(1) != labels  # noqa: E731
    model = Classifier(exact.half_space(0.2), error=rule)
    estimate = volume(model, exact.images()[0], 0, sigma=0.1, n_samples=4000, confidence=0.999999, rng=seed)
    assert estimate.method == "crude" and estimate.interval.low < 0.02275 < estimate.interval.high
    with pytest.raises(ValueError, match=r"error= alone has not: pass margin= to the Classifier too.*method=.crude"):
        volume(model, exact.images()[0], 0, sigma=0.1, method="line", rng=seed)
    with pytest.raises(ValueError, match="exact_lines=True needs a margin"):
        volume(model, exact.images()[0], 0, sigma=0.1, exact_lines=True, rng=seed)


def test_an_attack_starts_the_search(exact: Any, seed: int) -> None:
    class Oracle:
        name = "oracle"
        asked: list[float]

        def __call__(self, classifier: Any, starts: Any, labels: Any, *, scale: float, box: Any = None) -> Any:
            self.asked = [scale]
            points = starts + 2.5 * exact.normal().view(1, *exact.shape)
            return NearestErrors(distances=np.array([2.5]), points=points, blocked=np.array([False]))

    oracle = Oracle()
    # The gradient is zero around the image: descents from there find nothing, the attack's point shows the way.
    model = Classifier(exact.hinged(2.0, 0.5), bounds=(-9, 9))
    estimate = volume(
        model, exact.images()[0], 0, sigma=0.25, method="line", attack=oracle, n_samples=3000, rng=seed
    )  # fmt: skip
    assert oracle.asked == [0.25]
    assert estimate.log_value == pytest.approx(float(log_ndtr(-8.0)), abs=1.0)


def test_it_resumes_from_its_record(tmp_path: Any, seed: int) -> None:
    model, image = relu_net(), np.full(12, 0.2, np.float32)
    label = int(model.predict(torch.from_numpy(image)[None])[0])
    settings: dict[str, Any] = {"sigma": 0.08, "n_samples": 1500, "record": tmp_path / "run.jsonl", "rng": seed}
    once, again = (volume(model, image, label, **settings) for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sigma": 0.0}, ValueError, "sigma=0.0 must be finite and > 0"),
        ({"sigma": math.nan}, ValueError, "sigma=nan must be finite and > 0"),
        ({"sigma": "wide"}, TypeError, "sigma='wide' must be one number"),
        ({"image": np.full(3, 99.0)}, ValueError, "all must be in the box"),
        ({"image": np.full(3, np.nan)}, ValueError, "holds NaN"),
        ({"image": np.zeros(3, int)}, TypeError, "must be floating point"),
        ({"image": np.zeros(4)}, ModelError, "cannot take images"),
        ({"image": np.zeros((1, 3))}, ModelError, r"image has shape \(1, 3\), .*pass image\[0\]"),
        ({"label": [0]}, ValueError, r"label has shape \(1,\) but must be one class: .*labels\[i\]"),
        ({"attack": "fgsm"}, ValueError, "attack='fgsm'"),
        ({"label": 2}, ValueError, "must be in \\[0, 1\\]"),
        ({"label": 0.5}, TypeError, "must be integers"),
        ({"method": "fast"}, ValueError, "method='fast'"),
        ({"n_samples": 10}, ValueError, "n_samples=10 must be >= 100"),
        ({"rel_error": -1.0}, ValueError, "rel_error=-1.0"),
        ({"clip": True, "exact_lines": True, "method": "line"}, ValueError, "clip=False"),
    ],
)
def test_bad_arguments(change: dict[str, Any], error: type[Exception], message: str) -> None:
    model = linear(np.stack((np.zeros(3), np.eye(3)[0])), np.array([5.0, 0.0]))
    arguments: dict[str, Any] = {"image": np.zeros(3), "label": 0, "sigma": 1.0, "rng": 1} | change
    with pytest.raises(error, match=message):
        volume(model, arguments.pop("image"), arguments.pop("label"), **arguments)


def test_a_module_in_training_mode_is_refused() -> None:
    with pytest.raises(ModelError, match="evaluation mode"):
        volume(nn.Linear(3, 2), np.zeros(3), 0, sigma=1.0)
