"""The share of noise and tally in counting errors, against the model's own forward time, on the shipped nets.

    python -m benchmarks.noise_share

Writes ``benchmarks/results/noise_share.json``. The aim is a share of at most 10 %.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

import torch
from isoperimetry_bridges.torch import zoo
from isoperimetry_bridges.torch.measure import ErrorCounter
from isoperimetry_bridges.torch.noise import noise_stream
from isoperimetry_bridges.torch.timing import Stopwatch

from isoperimetry.streams import as_stream

DRAWS, REPEATS = 20_480, 9


def measure(name: str) -> dict[str, object]:
    classifier = zoo.load_classifier(name)
    images, labels = zoo.load_images()
    stream = noise_stream(as_stream(0), "count", 0)
    shares, rates, counts = [], [], set()
    for repeat in range(-1, REPEATS):  # the first one warms up
        clock = Stopwatch()
        count = ErrorCounter(classifier, clock=clock)
        counts.add(count(images[0], int(labels[0]), 0.4, stream=stream, first=0, count=DRAWS))
        if repeat >= 0:
            spent = clock.seconds
            shares.append((spent["noise"] + spent["tally"]) / spent["forward"])
            rates.append(DRAWS / sum(spent.values()))
    assert len(counts) == 1, "the same draws must give the same count"
    return {
        "share_median": statistics.median(shares),
        "share_range": [min(shares), max(shares)],
        "images_per_second_median": statistics.median(rates),
    }


def main() -> None:
    record = {
        "command": "python -m benchmarks.noise_share",
        "draws": DRAWS,
        "repeats": REPEATS,
        "models": {name: measure(name) for name in zoo.MODELS},
        "versions": {name: version(name) for name in ("isoperimetry", "torch", "numba")},
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "threads": torch.get_num_threads()},
    }
    for name, row in record["models"].items():  # type: ignore[attr-defined]
        low, high = row["share_range"]
        print(
            f"{name}: noise and tally {100 * row['share_median']:.1f} % of forward "
            f"({100 * low:.1f} to {100 * high:.1f} %), {row['images_per_second_median']:.0f} images/s"
        )
    path = Path(__file__).parent / "results" / "noise_share.json"
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
