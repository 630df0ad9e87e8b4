"""The tests can fail: generators broken on purpose go through the same code."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.randomness.battery import normals
from benchmarks.randomness.pvalues import FAILURE, Result, holm
from benchmarks.randomness.sources import BROKEN, Source
from benchmarks.randomness.words import words

NORMALS, COUNTERS = 2**19, 2**15


def caught(results: list[Result]) -> list[tuple[float, Result]]:
    """Return the results that fail, worst first, with their adjusted p-values."""
    adjusted = zip(holm([result.p for result in results]), results, strict=True)
    return sorted((pair for pair in adjusted if pair[0] < FAILURE), key=lambda pair: pair[0])


def self_check(seed: int) -> dict[str, Any]:
    """Return for each generator, the library's own among them, how many of the tests fail, and the worst."""
    record = {}
    for name, make in {"the library's": Source, **BROKEN}.items():
        source = make(seed)
        results = normals(source, np.float64, NORMALS)[0]
        if name == "the library's" or type(source).raw is not Source.raw:  # the others have good words
            results += words(source, COUNTERS)[0]
        failed = caught(results)
        record[name] = {"tests": len(results), "failed": len(failed)}
        if failed:
            record[name]["worst"] = f"{failed[0][1].group}: {failed[0][1].test}, p = {failed[0][0]:.1e}"
    return record


def is_sound(record: dict[str, Any]) -> bool:
    """Return whether every broken generator was caught, and the library's own was not."""
    return all((row["failed"] > 0) == (name in BROKEN) for name, row in record.items())
