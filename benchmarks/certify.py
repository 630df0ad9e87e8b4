"""Certified distances of the shipped nets beside verified errors, and the sandwich of each image.

    python -m benchmarks.certify                 # some minutes on two cores
    python -m benchmarks.certify --images 2

For ten images: the certified distance by linear bounds and by interval bounds alone, the nearest error that DDN found
and verified, and what 10,000 counts in noise say about the smoothed classifier and about noisy copies. Writes
``results/certify.json``; it fails if a certified distance exceeds a verified one. There is no peer in the table:
auto_LiRPA, the usual package of such bounds, does not install beside this version of torch.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
import torch

from benchmarks import timing
from isoperimetry.checks import check
from isoperimetry_bridges.torch import find_sigma, measure_error_rate, zoo
from isoperimetry_bridges.torch.certify import certified_distance
from isoperimetry_bridges.torch.sandwich import sandwich

SEED = 0
METHODS = ("linear", "interval")
NAMES = ("clean", "noisy")


def image_rows(name: str, n_images: int) -> list[dict[str, Any]]:
    """Return a row for each image, the first ones that the model gets right."""
    classifier, (x, y) = zoo.load_classifier(name), zoo.load_images()
    right = ~classifier.wrong(x, y)
    kept = right.nonzero().flatten()[:n_images]
    images, labels = x[kept], y[kept]
    scales = [search.sigma for search in find_sigma(classifier, images, labels, rng=SEED)]
    found = {method: certified_distance(classifier, images, labels, method=method) for method in METHODS}
    began = time.perf_counter()
    certified_distance(classifier, images[:1], labels[:1])
    alone = time.perf_counter() - began
    about = sandwich(
        classifier, images, labels, sigma=scales, rng=SEED, image_ids=kept.tolist(), certify=False, attack="ddn"
    )
    rows = []
    for i, one in enumerate(about):
        linear, interval = (found[method][i] for method in METHODS)
        if one.attacked is None or not max(linear.distance, interval.distance) <= one.attacked:
            raise AssertionError(f"{name}, image {one.image}: certified {linear.distance}, attacked {one.attacked}")
        rows.append(
            {
                "model": name,
                "image": one.image,
                "label": one.label,
                "sigma": one.sigma,
                "errors": one.errors,
                "certified": linear.distance,
                "certified_interval": interval.distance,
                "attacked": one.attacked,
                "ratio": linear.distance / one.attacked,
                "smoothed_radius": one.smoothed_radius,
                "sample_bound": one.sample_bound,
                "prediction": one.prediction,
                "balls": linear.n_balls,
                "seconds": linear.seconds,
                "seconds_interval": interval.seconds,
                "seconds_alone": alone,
            }
        )
    return rows


def noisy_row(name: str, n_starts: int) -> dict[str, Any]:
    """Return what certified distances from noisy copies of one image say beside the theorem about them."""
    classifier, (x, y) = zoo.load_classifier(name), zoo.load_images()
    image, label = x[:1], y[:1]
    (search,) = find_sigma(classifier, image, label, rng=SEED)
    (counted,) = measure_error_rate(classifier, image, label, sigma=search.sigma, rng=SEED)
    noise = np.random.default_rng(SEED).standard_normal((n_starts, *image.shape[1:]))
    starts = image + search.sigma * torch.from_numpy(noise).float()
    distances = [one.distance for one in certified_distance(classifier, starts, label.expand(n_starts))]
    measured = counted.with_distances(distances, sigma=search.sigma, kind="certified", conditional=False)
    verdict = check(measured)
    return {
        "model": name,
        "starts": n_starts,
        "sigma": search.sigma,
        "median_certified": statistics.median(distances),
        "bound": verdict.bound,
        "verdict": verdict.kind.name,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--starts", type=int, default=20)
    arguments = parser.parse_args()
    record: dict[str, Any] = {"machine": timing.machine(), "seed": SEED, "images": [], "noisy": []}
    for name in NAMES:
        rows = image_rows(name, arguments.images)
        record["images"] += rows
        print(f"\n{name}\n  image  certified  intervals  attacked  ratio   smoothed   half of copies  seconds")
        for row in rows:
            print(
                f"  {row['image']:5d}  {row['certified']:9.4f}  {row['certified_interval']:9.5f}"
                f"  {row['attacked']:8.4f}  {row['ratio']:5.2f}  {row['smoothed_radius']:9.4f}"
                f"  {row['sample_bound']:15.4f}  {row['seconds']:7.2f}",
                flush=True,
            )
        middle = {
            key: statistics.median(row[key] for row in rows) for key in rows[0] if isinstance(rows[0][key], float)
        }
        record[f"medians_{name}"] = middle
        print("  medians: " + ", ".join(f"{key} {value:.4g}" for key, value in middle.items()), flush=True)
        record["noisy"].append(noisy_row(name, arguments.starts))
        print(f"  from noisy copies: {record['noisy'][-1]}", flush=True)
    if arguments.images >= 10:
        timing.write("certify", record)


if __name__ == "__main__":
    main()
