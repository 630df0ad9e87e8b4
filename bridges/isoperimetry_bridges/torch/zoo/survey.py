"""Print the tables of this folder's README: accuracies, what defences do to attacks, and how fast they are.

Run from a checkout with Debian's package ``dataset-fashion-mnist``; some minutes on one core::

    python -m isoperimetry_bridges.torch.zoo.survey
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isoperimetry_bridges.torch.attacks import (
    Attack,
    BoundaryDescent,
    DecoupledDirectionNorm,
    NearestErrors,
    ProjectedGradient,
    TangentProjection,
    Transfer,
)
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.zoo import DEFENCES, NETWORKS, load_classifier, load_images
from isoperimetry_bridges.torch.zoo.train import SEED, accuracy, load, measure


def images_per_second(classifier: Classifier, images: Tensor) -> float:
    """Return how many noisy images are judged in a second of one core, in batches of 128: the best of 60 calls."""
    batch = images[:128] + 0.2 * torch.randn(images[:128].shape, generator=torch.Generator().manual_seed(SEED))
    labels, seconds = torch.zeros(len(batch), dtype=torch.int64), []
    for _ in range(60):
        start = time.process_time()  # of this process alone, whatever else the machine does
        classifier.judge(batch, labels)
        seconds.append(time.process_time() - start)
    return len(batch) / min(seconds)


def describe(found: NearestErrors) -> str:
    """Return the median distance, or where there is none how many errors were found, and how many were blocked."""
    median = float(np.median(found.distances))
    blocked = f"{100 * found.blocked.mean():.0f} % blocked"
    if np.isinf(median):
        return f"none ({blocked}, {np.isfinite(found.distances).sum()} of {len(found.distances)} found)"
    return f"{median:.2f} ({blocked})" if found.blocked.any() else f"{median:.2f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--images", type=int, default=20, help="how many are attacked, of those that all get right")
    parser.add_argument("--only", nargs="+", choices=NETWORKS + DEFENCES, default=NETWORKS + DEFENCES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    classifiers = {name: load_classifier(name) for name in NETWORKS + DEFENCES}
    x, y = load(arguments.data, "t10k")

    print(
        "| network | accuracy, % | noise 0.1 | noise 0.2 | noise 0.4 | l2 attack 0.5 | l2 attack 1.5 |",
        "| --- " * 7 + "|",
        sep="\n",
    )
    for name in (name for name in NETWORKS if name in arguments.only):
        found = measure(classifiers[name].module, x, y)
        keys = [
            "test_accuracy",
            *(f"test_accuracy_noise_{s}" for s in (0.1, 0.2, 0.4)),
            *(f"accuracy_l2_pgd_{e}" for e in (0.5, 1.5)),
        ]
        print(f"| `{name}` |", " | ".join(f"{100 * found[key]:.1f}" for key in keys), "|", flush=True)

    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(SEED))
    print("\n| defence | settings | accuracy, % | noise 0.2 | noise 0.4 | images/s |", "| --- " * 6 + "|", sep="\n")
    for name in (name for name in ("clean", *DEFENCES) if name in arguments.only):
        module = classifiers[name].module
        rates = [accuracy(module, x + sigma * noise, y) for sigma in (0.0, 0.2, 0.4)]
        speed = images_per_second(classifiers[name], x)
        settings = module.extra_repr()
        print(
            f"| `{name}` | {settings} |",
            " | ".join(f"{100 * rate:.1f}" for rate in rates),
            f"| {speed:.0f} |",
            flush=True,
        )

    starts, labels = load_images()
    right = torch.stack([classifiers[name].predict(starts) == labels for name in DEFENCES]).all(0)
    starts, labels = starts[right][: arguments.images], labels[right][: arguments.images]
    transfer = Transfer(source=classifiers["clean"], attack=DecoupledDirectionNorm())
    attacks: dict[str, Attack] = {
        "PGD": ProjectedGradient(),
        "DDN": DecoupledDirectionNorm(),
        "tangent": TangentProjection(),
        "transfer": transfer,
        "boundary": BoundaryDescent(),
        "boundary after transfer": BoundaryDescent(begin=transfer),
    }
    print(f"\n| defence | {' | '.join(attacks)} |", "| --- " * (1 + len(attacks)) + "|", sep="\n")
    for name in (name for name in ("clean", *DEFENCES) if name in arguments.only):
        # Batches are filled up: larger ones would be filled with copies.
        classifier = Classifier(classifiers[name].module, name=name, batch_size=len(starts))
        errors = [attack(classifier, starts, labels, scale=1.0) for attack in attacks.values()]
        print(f"| `{name}` |", " | ".join(map(describe, errors)), "|", flush=True)


if __name__ == "__main__":
    main()
