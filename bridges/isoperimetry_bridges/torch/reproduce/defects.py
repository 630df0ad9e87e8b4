"""What the shortcomings of the published pipeline do to the numbers: each is measured on the same nets and images.

Ford, Gilmer, Carlini, Cubuk (2019). Adversarial Examples Are a Natural Consequence of Test Error in Noise. ICML.
"""

from __future__ import annotations

import json
import math
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from isoperimetry.bounds import median_distance_bound, quantile_distance_bound
from isoperimetry.intervals import clopper_pearson
from isoperimetry.progress import Progress
from isoperimetry.results import to_json
from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import run_header
from isoperimetry_bridges.torch.attacks.base import finish
from isoperimetry_bridges.torch.audit import nearest_error
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.measure import measure_error_rate
from isoperimetry_bridges.torch.noise import noise_stream
from isoperimetry_bridges.torch.records import ImageCheck, ModelCheck
from isoperimetry_bridges.torch.reproduce.published import correct_starts, published_attack
from isoperimetry_bridges.torch.reproduce.settings import ReproduceSettings
from isoperimetry_bridges.torch.sigma import find_sigma
from isoperimetry_bridges.torch.store import Store

PUBLISHED_DRAWS, PUBLISHED_COUNT = 1000, 50_000
"""Draws of the published search and of the published error rate."""
LARGE_RATE = 0.2
"""At which correct starts and all starts differ enough to be told apart."""


def measure_defects(
    classifier: Classifier,
    checked: ModelCheck,
    images: Tensor,
    labels: Tensor,
    *,
    settings: ReproduceSettings,
    root: Stream,
    store: Store,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Return for each of the first audited images of a net what `defect_rows` puts into words; JSON-safe.

    Parameters
    ----------
    classifier : Classifier
    checked : ModelCheck
        Of this classifier: where the strict pipeline stands.
    images, labels : Tensor
        Those of the check; an image's id is its place.
    settings : ReproduceSettings
    root : Stream
    store : Store
        Keeps what is measured, image by image.
    progress : Progress
    """
    store.begin(run_header(classifier, root, clip=False))
    chosen = checked.audited[: settings.n_defect_images]
    found = []
    with progress.start(f"{classifier.name}: shortcomings", len(chosen)):
        for image in chosen:
            key = f"defects/{json.dumps(image.image)}/{settings.n_defect_starts}/{settings.n_samples}"
            if store.get(key) is None:
                place = int(image.image)
                one = _measure(classifier, image, images[place], int(labels[place]), settings, root)
                store.add(key, to_json(one))
            found.append(store.get(key) or {})
            progress.advance(1)
    return found


def _measure(
    classifier: Classifier, checked: ImageCheck, image: Tensor, label: int, settings: ReproduceSettings, root: Stream
) -> dict[str, Any]:
    x, y, ids, draws = image.unsqueeze(0), np.array([label]), [checked.image], min(PUBLISHED_DRAWS, settings.n_search)
    options: dict[str, Any] = {"image_ids": ids, "error_rate": settings.error_rate}
    # Without a seed two runs are two seeds.
    searches = [
        find_sigma(classifier, x, y, n_samples=draws, rng=root.split("unseeded", run), preset="ford2019", **options)[0]
        for run in range(2)
    ]
    published = searches[0]
    repeated = [find_sigma(classifier, x, y, n_samples=draws, rng=root, **options)[0] for _ in range(2)]
    (fresh,) = measure_error_rate(
        classifier, x, y, sigma=max(published.sigma, 1e-6), n_samples=settings.n_samples, rng=root, image_ids=ids,
        n_agreement=0,
    )  # fmt: skip
    low, high = clopper_pearson(published.errors, published.trials).distance()
    one: dict[str, Any] = {
        "image": checked.image,
        "published": [search.sigma for search in searches],
        "published_status": published.status.value,
        "reported": [published.errors, published.trials],
        "fresh": [fresh.errors, fresh.trials],
        "width": [low, high],
        "strict": [repeated[0].sigma, repeated[0].low, repeated[0].high],
        "repeated": repeated[0] == repeated[1],
        "strict_distance": [checked.prediction_low / checked.sigma, checked.prediction_high / checked.sigma],
    }
    return (
        one | _attacked(classifier, checked, image, label, settings, root) | _starts(classifier, x, y, settings, root)
    )


def _attacked(
    classifier: Classifier, checked: ImageCheck, image: Tensor, label: int, settings: ReproduceSettings, root: Stream
) -> dict[str, Any]:
    """Return what the published attack does from correct starts at the strict scale."""
    sigma, stream = checked.sigma, noise_stream(root, "start", checked.image)
    starts = correct_starts(classifier, image, label, sigma, stream=stream, count=settings.n_defect_starts)
    if not len(starts):
        return {}
    ran = published_attack(classifier, starts, label, sigma)
    walked = finish(classifier, starts, ran.points, label)
    adjusted = published_attack(classifier, starts, label, sigma, adjusted=True, stop=False)
    return {
        "returned": ran.distances, "found": ran.found, "last_wrong": ran.last_wrong, "walked": walked.distances,
        "travelled": float(adjusted.travelled.max()),
    }  # fmt: skip


def _starts(
    classifier: Classifier, x: Tensor, y: np.ndarray[Any, Any], settings: ReproduceSettings, root: Stream
) -> dict[str, Any]:
    """Return distances from all starts at a larger error rate, 0 where the start is wrong, and the rate."""
    root = root.split("large rate")
    (search,) = find_sigma(classifier, x, y, error_rate=LARGE_RATE, n_samples=min(300, settings.n_search), rng=root)
    if not 0 < search.sigma < math.inf:
        return {}
    options: dict[str, Any] = {"sigma": search.sigma, "rng": root}
    (counted,) = measure_error_rate(classifier, x, y, n_samples=settings.n_samples, n_agreement=0, **options)
    (found,) = nearest_error(classifier, x, y, n_starts=2 * settings.n_defect_starts, **options)
    return {"large": {"sigma": search.sigma, "mu": counted.errors / counted.trials, "distances": found.distances}}


def start_medians(large: dict[str, Any]) -> dict[str, float] | None:
    """Return the medians over all and over correct starts in units of sigma, and the bounds on both."""
    distances, mu = np.array(large["distances"], float), float(large["mu"])
    correct = distances[distances > 0]
    if not 0 < mu < 0.5 or not len(correct):
        return None
    return {
        "mu": mu,
        "all": float(np.quantile(distances, 0.5, method="lower")) / large["sigma"],
        "correct": float(np.quantile(correct, 0.5, method="lower")) / large["sigma"],
        "bound_all": float(median_distance_bound(mu, 1.0)),
        "bound_correct": float(quantile_distance_bound(mu, 1.0, q=0.5, conditional=True)),
    }


def memory_of_count(
    classifier: Classifier, image: Tensor, label: int, sigma: float, *, n_samples: int = PUBLISHED_COUNT
) -> int | None:
    """Return by how many bytes the process grows while ``n_samples`` noisy copies are counted; None: not known.

    The resident memory is looked at a hundred times a second, where the system tells it.
    """
    if _resident() is None:
        return None
    x, y = image.unsqueeze(0), np.array([label])
    options: dict[str, Any] = {"sigma": sigma, "rng": 0, "n_agreement": 0}
    measure_error_rate(classifier, x, y, n_samples=classifier.batch_size(image.numel()), **options)  # all is loaded
    before = peak = _resident() or 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, _resident() or 0)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        measure_error_rate(classifier, x, y, n_samples=n_samples, **options)
    finally:
        done.set()
        watcher.join()
    return max(0, peak - before)


def _resident() -> int | None:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None
