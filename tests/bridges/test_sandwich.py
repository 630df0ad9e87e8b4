"""From one count two theorems of opposite direction, and about the image a proof from below and an error from above."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import beta, norm
from torch import Tensor, nn

from isoperimetry.checks import Measurement
from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch import Classifier, DecoupledDirectionNorm, NearestErrors, measure_error_rate
from isoperimetry_bridges.torch.sandwich import sandwich

SIGMA = 0.5


def half_space(normal: Tensor, image: Tensor, distance: float) -> nn.Sequential:
    """Return a net of layers whose errors for label 0 are a half-space at ``distance`` from the image."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(normal.numel(), 2)).eval()
    net[1].weight.data = torch.stack([-normal, normal]) / 2
    net[1].bias.data = torch.tensor([0.5, -0.5]) * (float(normal @ image.flatten()) + distance)
    return net


@pytest.fixture
def net(exact: SimpleNamespace) -> nn.Sequential:
    return half_space(exact.normal(), exact.images()[0], 0.8)


def test_all_five_numbers(net: nn.Sequential, exact: SimpleNamespace, seed: int) -> None:
    (found,) = sandwich(net, exact.images(), torch.tensor([0]), sigma=SIGMA, confidence=1 - 1e-6, rng=seed)
    (counted,) = measure_error_rate(net, exact.images(), torch.tensor([0]), sigma=SIGMA, rng=seed)
    assert (found.errors, found.trials) == (counted.errors, counted.trials), "the draws of measure_error_rate"
    # Of a half-space all are about the same length; the limits hold but with probability 1e-6.
    assert found.smoothed_radius < 0.8 < found.sample_bound
    assert found.smoothed_radius == pytest.approx(found.prediction_low, rel=1e-12)
    assert found.sample_bound == pytest.approx(found.prediction_high, rel=1e-12)
    assert found.prediction_low < found.prediction < found.prediction_high
    assert found.certified is not None
    assert found.attacked is not None
    low, high = found.bracket
    assert (low, high) == (found.certified.distance, found.attacked)
    assert 0.8 * (1 - 1e-5) < low <= 0.8 * (1 + 1e-6)  # the weights are float32
    assert 0.8 * (1 - 1e-5) < high < 0.8 * 1.01


def test_level_is_split() -> None:
    # The two-sided Clopper-Pearson interval: each one-sided limit has half of the level.
    net, x = nn.Sequential(nn.Linear(2, 2)).eval(), torch.full((1, 2), 0.5)
    counted = [Measurement(errors=30, trials=1000, sigma=2.0)]
    (found,) = sandwich(net, x, [0], measurements=counted, confidence=0.9, attack=None, certify=False)
    upper, lower = beta.ppf(0.95, 31, 970), beta.ppf(0.05, 30, 971)
    assert found.smoothed_radius == pytest.approx(-2.0 * norm.ppf(upper), rel=1e-9)
    assert found.sample_bound == pytest.approx(-2.0 * norm.ppf(lower), rel=1e-9)
    assert found.prediction == pytest.approx(-2.0 * norm.ppf(0.03), rel=1e-9)


def test_both_hold_together(exact: SimpleNamespace, seed: int, at_most: Callable[[int, int, float], None]) -> None:
    # Both theorems are equalities for a half-space: one of them fails as soon as one limit does.
    runs, trials, distance = 400, 300, 0.9
    rate = float(norm.cdf(-distance / SIGMA))
    errors = np.random.default_rng([seed, 7]).binomial(trials, rate, runs)
    counted = [Measurement(errors=int(k), trials=trials, sigma=SIGMA) for k in errors]
    net, x = half_space(exact.normal(), exact.images()[0], distance), exact.images(runs)
    labels = torch.zeros(runs, dtype=torch.int64)
    found = sandwich(net, x, labels, measurements=counted, confidence=0.8, attack=None, certify=False)
    failures = sum(not one.smoothed_radius <= distance <= one.sample_bound for one in found)
    at_most(failures, runs, 0.2)
    # At the confidence of one side alone this would fail: the level is used up, and not thrown away.
    assert failures > 0.02 * runs


class SmallSteps:
    """An attack that does not step over a thin slab."""

    name = "small steps"

    def __call__(self, classifier: Classifier, starts: Tensor, labels: Any, **options: Any) -> NearestErrors:
        return DecoupledDirectionNorm()(classifier, starts, labels, scale=0.05)


def test_smoothing_is_true_and_says_nothing_about_the_base_classifier(exact: SimpleNamespace, seed: int) -> None:
    # Errors lie in a thin slab, one tenth of sigma away: the base classifier errs there, the majority never does.
    net = Classifier(exact.slab(0.05, 0.05))
    (found,) = sandwich(net, exact.images(), torch.tensor([0]), sigma=SIGMA, attack=SmallSteps(), rng=seed)
    assert found.attack == "small steps"
    assert found.attacked is not None
    assert found.attacked < 0.06 < 0.5 < found.smoothed_radius
    at_edge = exact.images()[0] + found.smoothed_radius * exact.normal().view(exact.shape)
    (moved,) = measure_error_rate(net, at_edge[None].clamp(0, 1), torch.tensor([0]), sigma=SIGMA, rng=seed + 1)
    assert moved.errors < 0.5 * moved.trials


def test_samples_can_be_nearer_than_the_image(exact: SimpleNamespace, seed: int) -> None:
    # Errors far outside a ball about the image: no noisy copy stays near the image in 16 dimensions.
    center = exact.images()[0].flatten()
    shell = exact.module(lambda x: torch.stack([torch.zeros(len(x)), (x.flatten(1) - center).norm(dim=1) - 2.6], 1))
    (found,) = sandwich(shell, exact.images(), torch.tensor([0]), sigma=SIGMA, rng=seed, attack=None)
    assert found.errors > 10
    assert found.sample_bound < 2.6  # so the theorem's number is no bound for the image
    assert "cannot be certified" in found.not_certified
    noise = np.random.default_rng([seed, 3]).standard_normal((4000, 16))
    distances = np.maximum(0.0, 2.6 - SIGMA * np.linalg.norm(noise, axis=1))
    assert np.median(distances) <= found.sample_bound  # as the theorem says


def test_no_errors_counted(net: nn.Sequential, exact: SimpleNamespace) -> None:
    counted = [Measurement(errors=0, trials=1000, sigma=SIGMA)]
    (found,) = sandwich(net, exact.images(), [0], measurements=counted)
    assert found.sample_bound == found.prediction == found.prediction_high == math.inf
    assert 0 < found.smoothed_radius == pytest.approx(-SIGMA * norm.ppf(1 - 0.025 ** (1 / 1000)), rel=1e-9)
    assert "nothing is known about noisy copies" in " ".join(found.sentences())
    assert "inf" not in " ".join((str(found), *found.sentences()[1:]))
    assert json.loads(json.dumps(found.to_dict()))["sample_bound"] == "inf"


def test_mostly_errors(net: nn.Sequential, exact: SimpleNamespace) -> None:
    counted = [Measurement(errors=900, trials=1000, sigma=SIGMA)]
    (found,) = sandwich(net, exact.images(), [1], measurements=counted)
    assert found.smoothed_radius == found.sample_bound == 0
    assert found.prediction < 0
    assert found.attacked == 0
    assert found.bracket == (0, 0)
    words = " ".join(found.sentences())
    assert "nothing is certified for the majority" in words
    assert "at least half of all noisy copies are errors themselves" in words
    assert "the image itself is an error" in words
    assert "the image would lie inside" in words
    assert str(found) == (
        "image 0: the image itself is an error; the smoothed classifier is not certain at all; half of the noisy "
        "copies are errors themselves"
    )


def test_sentences(net: nn.Sequential, exact: SimpleNamespace, seed: int) -> None:
    (found,) = sandwich(net, exact.images(), [0], sigma=SIGMA, rng=seed, image_ids=["cat"])
    first, smoothed, samples, predicted, proved, verified = found.sentences()
    assert "confidence 0.95" in first
    assert "answers class 0 everywhere within" in smoothed
    assert "at least half of all noisy copies have an error within" in samples
    assert "no error rate bounds that distance" in predicted
    assert proved.startswith("Proof, base classifier: no error within 0.")
    assert verified.startswith("Verified, base classifier: an error 0.8")
    assert verified.endswith("found by tangent.")
    assert str(found).startswith("image cat: no error within 0.")
    assert "\n" not in str(found)


def test_certify(exact: SimpleNamespace) -> None:
    counted = [Measurement(errors=10, trials=1000, sigma=SIGMA)]
    odd = exact.module(lambda x: torch.stack([torch.sin(x.flatten(1)[:, 0]), torch.zeros(len(x))], 1))
    arguments: Any = (odd, exact.images(), [0])
    (found,) = sandwich(*arguments, measurements=counted, attack=None)
    assert found.certified is None
    assert "cannot be certified" in found.not_certified
    assert found.bracket == (0.0, math.inf)
    with pytest.raises(ModelError, match="cannot be certified"):
        sandwich(*arguments, measurements=counted, attack=None, certify=True)
    (found,) = sandwich(*arguments, measurements=counted, attack=None, certify=False)
    assert "it was not asked for" in found.sentences()[4]
    assert "no attack was run" in found.sentences()[5]
    assert "nothing certified, no error found" in str(found)


def test_own_criterion(exact: SimpleNamespace, seed: int) -> None:
    classifier = Classifier(exact.half_space(0.5), margin=lambda outputs, labels: labels - outputs[:, 1])
    (found,) = sandwich(classifier, exact.images(), torch.tensor([0.25]), sigma=SIGMA, rng=seed)
    assert found.label is None
    assert found.smoothed_radius < 0.75 < found.sample_bound
    assert found.attacked == pytest.approx(0.75, rel=0.02)
    assert "error= or margin=" in found.not_certified
    assert "answers the label" in found.sentences()[1]
    masks = torch.zeros(1, *exact.shape[1:])
    classifier = Classifier(
        exact.half_space(0.5), margin=lambda outputs, labels: 0.25 - outputs[:, 1] + labels[:, 0, 0]
    )
    (found,) = sandwich(classifier, exact.images(), masks, sigma=SIGMA, rng=seed)
    assert found.attacked == pytest.approx(0.75, rel=0.02)
    assert "error= or margin=" in found.not_certified


def test_truth_values_alone_suffice(exact: SimpleNamespace) -> None:
    module, rows = exact.half_space(0.8), [0]
    module.register_forward_hook(lambda module, inputs, outputs: rows.append(len(inputs[0])))
    classifier = Classifier(module, error=lambda outputs, labels: outputs.argmax(1) != labels)
    counted = [Measurement(errors=10, trials=1000, sigma=SIGMA)]
    (found,) = sandwich(classifier, exact.images(), [0], measurements=counted)
    assert found.attack == "boundary"
    assert found.attacked is not None
    assert 0.8 * (1 - 1e-5) <= found.attacked < 0.9
    before = sum(rows)
    with pytest.raises(ModelError, match="tangent follows gradients but 'Margin' has no margin: use attack=") as caught:
        sandwich(classifier, exact.images(), [0], sigma=SIGMA, attack="tangent")
    assert "give the Classifier margin=" in str(caught.value)
    assert sum(rows) <= before + 2  # nothing was counted


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, TypeError, "either sigma="),
        ({"sigma": 0.0}, ValueError, "finite and > 0"),
        ({"sigma": 0.5, "certify": "maybe"}, ValueError, "certify='maybe'"),
        ({"sigma": 0.5, "confidence": 1.0}, ValueError, r"confidence=1\.0 must be in \(0, 1\)"),
        ({"measurements": []}, ValueError, "measurements has 0 entries"),
        ({"measurements": [3]}, TypeError, r"measurements\[0\] is a int"),
        ({"measurements": [Measurement(errors=0, trials=9, sigma=1.0, clipping=True)]}, ValueError, "clipped noise"),
        ({"measurements": [Measurement(errors=0, trials=9, sigma=1.0, dim=5)]}, ValueError, "dim=5"),
        (
            {"measurements": [Measurement(errors=0, trials=9, sigma=1.0, provenance={"model": "other"})]},
            ValueError,
            "the model other",
        ),
        ({"sigma": 0.5, "attack": "cw"}, ValueError, "attack='cw'"),
    ],
)
def test_refused(
    net: nn.Sequential, exact: SimpleNamespace, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        sandwich(net, exact.images(), torch.tensor([0]), **options)
