"""The share of noise and tally in counting errors, against the model's own forward time, on the shipped nets
with images side by side, as the check runs them.

    python -m benchmarks.noise_share

Writes ``benchmarks/results/noise_share.json``. The aim is a share of at most 10 %.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

from isoperimetry.progress import as_progress
from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch import zoo
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.judging import Judge
from isoperimetry_bridges.torch.noise import Run, noise_stream
from isoperimetry_bridges.torch.output import environment
from isoperimetry_bridges.torch.parallel import each_image
from isoperimetry_bridges.torch.timing import Stopwatch

IMAGES, DRAWS, REPEATS = 4, 10_240, 9


def measure(name: str) -> dict[str, object]:
    classifier = zoo.load_classifier(name)
    images, labels = zoo.load_images()
    root = as_stream(0)

    def job(worker: Classifier, i: int) -> tuple[int, Stopwatch]:
        clock = Stopwatch()
        with Judge(worker, images, labels, clock=clock, workers=1) as judge:
            errors, _ = judge.count([Run(i, 0.4, noise_stream(root, "count", i), 0, DRAWS)])
        return int(errors[0]), clock

    shares, seconds, counts = [], [], set()
    for repeat in range(-1, REPEATS):  # the first one warms up
        began = time.perf_counter()
        with as_progress(None).start(name, IMAGES) as stage:
            results = each_image(classifier, job, IMAGES, stage, device=classifier.device)
        if repeat >= 0:
            seconds.append(time.perf_counter() - began)
            spent = Stopwatch.total(clock for _, clock in results)
            shares.append((spent["noise"] + spent["tally"]) / spent["forward"])
        counts.add(tuple(errors for errors, _ in results))
    assert len(counts) == 1, "the same draws must give the same counts"
    return {
        "share_median": statistics.median(shares),
        "share_range": [min(shares), max(shares)],
        "images_per_second_median": IMAGES * DRAWS / statistics.median(seconds),
    }


def main() -> None:
    record = {
        "command": "python -m benchmarks.noise_share",
        "images": IMAGES,
        "draws": DRAWS,
        "repeats": REPEATS,
        "models": {name: measure(name) for name in zoo.MODELS},
        **environment(),
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
