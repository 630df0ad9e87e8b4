"""Forward passes and wall time for sigma(x0, 1 %): `find_sigma` and the published search, side by side.

    python -m pip install -c constraints.txt -e ".[torch,report]" --group bench
    python -m benchmarks.bridge_sigma                                      # the shipped nets
    python -m benchmarks.bridge_sigma --models EfficientNet-Lite0 --images 1     # hours on two slow cores

Three searches of each image, in one process:

- ``strict 4000``: 4,000 draws, a number at which the half-width of a half-space's interval is about 5 %;
- ``ford2019``: the published search with 4,000 draws at each look, which so has the same precision. It has no interval:
  here it gets that of its last look, with the slope of the rate that the strict search measured;
- ``strict 5 %``: as many draws as it takes until the interval of this image has a half-width of 5 %.

``--published-looks`` runs the published search on 200 draws instead and multiplies its passes: for slow models.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.imagenet import load_classifier, load_photographs
from isoperimetry.intervals import clopper_pearson
from isoperimetry_bridges.torch import Classifier, SigmaSearch, find_sigma, zoo
from isoperimetry_bridges.torch.output import environment

RESULTS = Path(__file__).parent / "results" / "bridge_sigma.json"
LITE0 = "EfficientNet-Lite0"
DRAWS, FEW = 4000, 200


def load(name: str, count: int) -> tuple[Classifier, Any, Any, list[int]]:
    """Return a classifier, images that it gets right, their labels and numbers."""
    if name == LITE0:
        classifier, (images, labels) = load_classifier(), load_photographs()
    else:
        classifier, (images, labels) = zoo.load_classifier(name), zoo.load_images()
    images, labels = images[: 2 * count + 2], labels[: 2 * count + 2]
    chosen = (classifier.predict(images) == labels).nonzero()[:count, 0].tolist()
    return classifier, images[chosen], labels[chosen], chosen


def half_width(found: SigmaSearch, strict: SigmaSearch) -> float:
    """Return the relative half-width of the published search: the interval of its rate over the slope of the rate.

    The slope, of the rate by log sigma, is that between the ends of the strict search's interval.
    """
    counts = {sigma: errors / trials for sigma, errors, trials in strict.looks}
    slope = (counts[strict.high] - counts[strict.low]) / math.log(strict.high / strict.low)
    interval = clopper_pearson(found.errors, found.trials)
    return (interval.high - interval.low) / 2 / slope


def measure(name: str, count: int, seed: int, *, few: bool) -> dict[str, Any]:
    """Return the record of one model."""
    classifier, images, labels, ids = load(name, count)
    draws = FEW if few else DRAWS
    ways: dict[str, dict[str, Any]] = {
        "strict 4000": {"n_samples": DRAWS},
        "ford2019": {"n_samples": draws, "preset": "ford2019"},
        "strict 5 %": {"rel_error": 0.05},
    }
    find_sigma(classifier, images[:1], labels[:1], n_samples=100, rng=seed)  # warm
    found: dict[str, list[SigmaSearch]] = {}
    seconds: dict[str, float] = {}
    for way, options in ways.items():
        began = time.perf_counter()
        found[way] = find_sigma(classifier, images, labels, image_ids=ids, rng=seed, **options)
        seconds[way] = time.perf_counter() - began
    rows = []
    for strict, ford, precise in zip(*found.values(), strict=True):
        passes = (ford.n_calls - 1) * DRAWS // draws
        comparable = 0 < strict.low < strict.high < math.inf
        row = {
            "image": strict.image,
            "strict 4000": strict.to_dict() | {"rel_error": strict.rel_error},
            "ford2019": ford.to_dict()
            | {"passes": passes, "looks_taken": len(ford.looks)}
            | {"rel_error": half_width(ford, strict) if comparable and not few else None},
            "strict 5 %": precise.to_dict() | {"rel_error": precise.rel_error},
            "share_4000": strict.n_calls / passes,
            "share_5_percent": precise.n_calls / passes,
        }
        rows.append(row)
        print(
            f"{name} {strict.image}: sigma {strict.sigma:.4f} +-{strict.rel_error:.1%} ({strict.n_calls} passes); "
            f"+-{precise.rel_error:.1%} ({precise.n_calls}); ford2019 {ford.sigma:.4f} ({passes}); "
            f"share {row['share_4000']:.3f}, {row['share_5_percent']:.3f}; {precise.status.value}, "
            f"entered again {precise.n_reentered}",
            flush=True,
        )
    summary = {
        key: {"median": statistics.median(row[key] for row in rows), "largest": max(row[key] for row in rows)}
        for key in ("share_4000", "share_5_percent")
    }
    print(f"{name}: {summary}; seconds { ({way: round(spent, 1) for way, spent in seconds.items()}) }", flush=True)
    return {"model": name, "draws_of_ford2019": draws, "summary": summary, "seconds": seconds, "images": rows}


def sigma_row(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the records of the models of `benchmarks.bridge`: one image of the slow one, ten of the others."""
    return [
        measure(name, 1 if name == LITE0 else 10, 0, few=name == LITE0) for name in arguments.models if name != "masked"
    ]


ROWS = {"sigma": sigma_row}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["clean", "noisy"])
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--published-looks", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    for name in arguments.models:
        record = measure(name, arguments.images, arguments.seed, few=arguments.published_looks)
        command = " ".join(["python -m benchmarks.bridge_sigma", *sys.argv[1:]])
        records = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
        records[name] = {"command": command, "seed": arguments.seed, **record, **environment()}
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(records, indent=1, allow_nan=False) + "\n")
    print(f"Written: {arguments.out}")


if __name__ == "__main__":
    main()
