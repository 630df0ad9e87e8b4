"""Other heads, other criteria and other types of number, through `wrong`, `predict` and the check."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.attacks import DecoupledDirectionNorm
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.criterion import Criterion


def spread(exact: Any, depths: list[float]) -> Tensor:
    """Return images at these signed distances from the boundary of half_space(0)."""
    shifts = torch.tensor(depths)[:, None] * exact.normal()
    images: Tensor = exact.images(len(depths)) + shifts.view(-1, *exact.shape)
    return images


HEADS = {
    "one logit, (n,)": lambda margin: margin,
    "one logit, (n, 1)": lambda margin: margin[:, None],
    "two logits": lambda margin: torch.stack([-margin, margin], 1),
    "an object": lambda margin: SimpleNamespace(logits=torch.stack([-margin, margin], 1)),
}


@pytest.mark.parametrize("head", HEADS)
def test_binary_heads(exact: Any, head: str) -> None:
    half_space = exact.half_space(0.0)
    classifier = Classifier(exact.module(lambda x: HEADS[head](half_space(x)[:, 1])))
    depths = [-0.4, -0.1, 0.1, 0.4]
    images, labels = spread(exact, depths), torch.tensor([0, 1, 0, 1])
    classifier.check(images, labels)
    assert classifier.predict(images).tolist() == [0, 0, 1, 1]
    assert classifier.wrong(images, labels).tolist() == [False, True, True, False]
    found = DecoupledDirectionNorm()(classifier, images, torch.tensor([0, 0, 1, 1]), scale=0.3)
    assert found.distances == pytest.approx(np.abs(depths), rel=2e-3)


class Segmenter(nn.Module):
    """Two maps: a pixel is of class 1 where it is brighter than one half."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"out": torch.cat([torch.full_like(x, 0.5), x], 1)}


def pixel_errors(outputs: dict[str, Tensor], labels: Tensor) -> Tensor:
    return outputs["out"].argmax(1) != labels


def many_pixels_wrong(outputs: dict[str, Tensor], labels: Tensor) -> Tensor:
    return pixel_errors(outputs, labels).flatten(1).float().mean(1) >= 0.25


def fourth_worst_pixel(outputs: dict[str, Tensor], labels: Tensor) -> Tensor:
    """Return the fourth smallest margin of a pixel: at most 0 where four pixels, a quarter, are wrong."""
    own = torch.where(labels == 1, 1.0, -1.0) * (outputs["out"][:, 1] - outputs["out"][:, 0])
    return own.flatten(1).kthvalue(4, 1).values


def test_segmentation(exact: Any) -> None:
    images = torch.full((3, 1, 4, 4), 0.4)
    images[1].view(-1)[:3] = 0.7
    images[2].view(-1)[:4] = 0.7
    labels = torch.zeros(3, 4, 4, dtype=torch.int64)
    by_error = Classifier(Segmenter().eval(), error=many_pixels_wrong)
    by_margin = Classifier(Segmenter().eval(), margin=fourth_worst_pixel)
    for classifier in (by_error, by_margin):
        classifier.check(images, labels)
        assert classifier.wrong(images, labels).tolist() == [False, False, True]
    assert not by_error.differentiable and by_margin.differentiable
    with pytest.raises(ModelError, match="margin"):
        by_error.margins(images, labels)
    # Four pixels must rise by 0.1 each; one more where three are wrong already.
    found = DecoupledDirectionNorm(steps=300)(by_margin, images, labels, scale=0.2)
    assert found.distances == pytest.approx([0.2, 0.1, 0.0], rel=0.1, abs=1e-6)
    assert by_margin.wrong(found.points, labels).all()


class Detector(nn.Module):
    """Answers a dictionary of boxes and scores: the brightest pixel, and how bright it is."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        scores, place = x.flatten(1).max(1)
        return {"boxes": torch.stack([place // 4, place % 4], 1), "scores": scores}


def missed(outputs: dict[str, Tensor], labels: Tensor) -> Tensor:
    """Whether the object is not found: a low score, or another place."""
    return (outputs["scores"] < 0.5) | (outputs["boxes"] != labels).any(1)


def test_detection() -> None:
    images = torch.full((3, 1, 4, 4), 0.1)
    images[0, 0, 1, 2], images[1, 0, 3, 0], images[2, 0, 2, 2] = 0.9, 0.9, 0.4
    labels = torch.tensor([[1, 2], [1, 2], [2, 2]])
    classifier = Classifier(Detector().eval(), error=missed, batch_size=2)
    classifier.check(images, labels)
    assert classifier.wrong(images, labels).tolist() == [False, True, True]
    with pytest.raises(ModelError, match="returned dict"):
        Classifier(Detector().eval()).wrong(images, 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_types(exact: Any, dtype: torch.dtype) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()
    net[1].weight.data = torch.stack([-exact.normal(), exact.normal()])
    net[1].bias.data = torch.tensor([1.0, -1.0]) * float(exact.normal() @ exact.images().flatten())
    classifier = Classifier(net.to(dtype), batch_size=4)
    images = spread(exact, [-0.3, -0.2, 0.2, 0.3]).to(classifier.input_dtype)
    labels = torch.tensor([0, 1, 1, 0])
    classifier.check(images.clamp(0, 1), labels)
    assert classifier.input_dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert classifier.wrong(images, labels).tolist() == [False, True, False, True]
    assert classifier.exact_arithmetic == (dtype == torch.float64)
    assert classifier.slack == (64 if dtype == torch.float64 else 8) * torch.finfo(dtype).eps
    found = DecoupledDirectionNorm()(classifier, images, torch.tensor([0, 0, 1, 1]), scale=0.2)
    tolerance = 1e-3 if dtype == torch.float64 else 0.05
    assert found.distances == pytest.approx([0.3, 0.2, 0.2, 0.3], rel=tolerance)
    assert found.points.dtype == classifier.input_dtype


def test_outputs_that_are_no_number_are_refused(exact: Any) -> None:
    broken = exact.module(lambda x: torch.stack([x.flatten(1)[:, 0] * torch.nan, x.flatten(1)[:, 1]], 1))
    # NaN is not greater than 0: without a look at the outputs this counts no error at all.
    classifier = Classifier(broken, error=lambda outputs, labels: outputs[:, 0] > 0)
    with pytest.raises(ModelError, match="The model returned NaN"):
        classifier.check(exact.images(2), torch.tensor([0, 0]))
    with pytest.raises(ModelError, match="returned NaN"):
        classifier.wrong(exact.images(2), torch.tensor([0, 0]))


def test_what_a_criterion_holds_is_part_of_its_name() -> None:
    def closed(value: float) -> Criterion:
        return Criterion(margin=lambda outputs, labels: outputs[:, 0] - value)

    def by_default(value: float) -> Criterion:
        return Criterion(margin=lambda outputs, labels, value=value: outputs[:, 0] - value)

    def partly(value: float) -> Criterion:
        return Criterion(margin=functools.partial(lambda outputs, labels, value: outputs[:, 0] - value, value=value))

    for make in (closed, by_default, partly):
        assert make(0.5).description() == make(0.5).description() != make(0.25).description()


def test_the_name_of_a_criterion_has_no_address() -> None:
    def nested(outputs: Tensor, labels: Tensor) -> Tensor:
        return torch.stack([(lambda row: row[0])(row) for row in outputs])

    assert " at 0x" not in Criterion(margin=nested).description()
