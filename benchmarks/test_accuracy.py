"""The promised accuracy of `isoperimetry.special`: ``python -m pytest benchmarks/test_accuracy.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.accuracy_special import measure
from benchmarks.regions import REGIONS, Region
from benchmarks.truth import Workers

POINTS = 20_000


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers() as found:
        yield found


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: f"{region.function}: {region.name}")
def test_promise(region: Region, workers: Workers) -> None:
    record = measure(region, POINTS, workers).to_dict()
    assert float(record["errors"]["ours"]["worst"]) <= region.limit, record["errors"]["ours"]
