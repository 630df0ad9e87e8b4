"""Decisions in reduced precision are compared with float32 on the same draws, and what differs is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from isoperimetry.special import ndtri
from isoperimetry_bridges.torch import Classifier, measure_error_rate
from isoperimetry_bridges.torch.agreement import agreement

LABEL = torch.tensor([0])


def linear(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()


def test_float32_agrees_with_itself_and_reduced_precision_almost(exact: Any, seed: int) -> None:
    module = linear(seed % 1000)
    label = module(exact.images()).argmax(1)
    (same,) = agreement(Classifier(module), exact.images(), label, sigma=1.0, n_samples=600, rng=seed)
    assert (same.trials, same.disagreements, same.rate.low) == (600, 0, 0.0)
    mixed = Classifier(module, autocast=torch.bfloat16)
    (found,) = agreement(mixed, exact.images(), label, sigma=1.0, n_samples=3000, rng=seed)
    assert 0 < found.disagreements < 150 and found.outside_slack == 0
    assert abs(found.errors - found.reference_errors) <= found.disagreements
    assert found.rate.low < found.disagreements / 3000 < found.rate.high


def test_disagreements_are_counted(exact: Any, seed: int, surely: Callable[..., None]) -> None:
    # In bfloat16 the model answers for its label where the first value is above a quantile; in float32 it never errs.
    bar = 0.5 + float(ndtri(0.9))

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, x: Any) -> Any:
            reduced = self.weight.dtype == torch.bfloat16
            wrong = (x[:, 0, 0, 0] > bar) & reduced
            return torch.stack([1.0 - 2.0 * wrong.float(), torch.zeros(len(x))], 1)

    classifier = Classifier(Two().eval().bfloat16(), slack=0.0)
    (found,) = agreement(classifier, exact.images(), LABEL, sigma=1.0, n_samples=5000, rng=seed)
    assert found.reference_errors == 0
    assert found.disagreements == found.errors == found.outside_slack
    assert abs(found.errors / 5000 - 0.1) < 0.03  # the bar is rounded to 8 bits with the images
    (measured,) = measure_error_rate(
        classifier, exact.images(), LABEL, sigma=1.0, n_samples=300, n_agreement=1000, rng=seed
    )
    recorded: Any = measured.provenance["agreement"]
    assert recorded["trials"] == 1000 and 0 < recorded["disagreements"] < 300
    assert measured.provenance["dtype"] == "bfloat16"


def test_it_is_kept_in_a_store_and_can_be_left_out(exact: Any, seed: int, tmp_path: Any) -> None:
    module = linear(seed % 1000)
    label = module(exact.images()).argmax(1)
    options: Any = {"sigma": [[0.5, 1.0]], "n_samples": 50, "rng": seed}
    classifier = Classifier(module, autocast=torch.bfloat16)
    first = measure_error_rate(classifier, exact.images(), label, store=tmp_path, **options)
    again = measure_error_rate(classifier, exact.images(), label, store=tmp_path, **options)
    assert again == first
    assert [m.provenance["agreement"] for m in again] == [m.provenance["agreement"] for m in first]
    without = measure_error_rate(classifier, exact.images(), label, n_agreement=0, **options)
    assert "agreement" not in without[0].provenance
    assert first[0].provenance["autocast"] == "bfloat16"


@pytest.mark.parametrize(("change", "words"), [({"n_samples": 0}, "n_samples=0"), ({"confidence": 1}, "confidence=1")])
def test_bad_arguments(exact: Any, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        agreement(Classifier(linear(0)), exact.images(), LABEL, **{"sigma": 1.0, "rng": 0} | change)
