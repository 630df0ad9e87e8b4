"""Minimum-norm l2 attacks against those of foolbox and torchattacks: median verified distance at the same gradients.

    python -m pip install -c constraints.txt -e ".[torch]" --group bench
    python -m pip install --no-deps torchattacks==3.5.1 && python -m pip install requests
    python -m benchmarks.attacks

Problems: the shipped nets from clean images in the box [0, 1] and from noisy copies without a box, and
EfficientNet-Lite0 from photographs. All attacks have the same starts and box. Every input that goes backward through
the model is counted. Whatever an attack returns is walked back to the boundary and verified by our `finish`, as our own
are. torchattacks clamps to [0, 1]: without a box its model is given inputs scaled from [-4, 5], and its lengths are
scaled with them. Writes ``benchmarks/results/attacks.json`` and prints a table.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch import Classifier, find_sigma, zoo
from isoperimetry_bridges.torch.attacks import Attack, DecoupledDirectionNorm, ProjectedGradient, TangentProjection
from isoperimetry_bridges.torch.attacks.base import Box, finish
from isoperimetry_bridges.torch.audit import attack_scale
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.output import environment

WIDE: Box = (-4.0, 5.0)


class _CountRows(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, counter: Counter) -> Tensor:
        context.counter = counter
        return x.view_as(x)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        context.counter.backward += len(gradients[0])
        return gradients[0], None


class Counter(nn.Module):
    """A module that counts the inputs whose gradients go through it."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module, self.backward = module, 0

    def forward(self, x: Tensor) -> Any:
        """Return the module's outputs."""
        return self.module(_CountRows.apply(x, self) if x.requires_grad else x)  # type: ignore[no-untyped-call]


class Scaled(nn.Module):
    """The classifier on inputs in [0, 1] that stand for those in ``box``."""

    def __init__(self, classifier: Classifier, box: Box) -> None:
        super().__init__()
        self.classifier, self.low, self.width = classifier, box[0], box[1] - box[0]

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier.logits(self.low + self.width * x)


@dataclasses.dataclass(kw_only=True)
class Problem:
    """Starts of one model, all classified correctly; ``scales`` are the expected distances."""

    name: str
    classifier: Classifier
    counter: Counter
    starts: Tensor
    labels: Tensor
    scales: Tensor
    box: Box | None
    gradients: int

    @property
    def scale(self) -> float:
        """The median of the scales, for packages that take one length."""
        return float(self.scales.median())


def counted(classifier: Classifier) -> tuple[Classifier, Counter]:
    counter = Counter(classifier.module).eval()
    classifier.module = counter
    return classifier, counter


def problems(n_images: int, n_photographs: int, gradients: int, photograph_gradients: int) -> list[Problem]:
    made = []
    for name, noise in (("clean", 0.12), ("noisy", 0.35)):
        classifier, counter = counted(zoo.load_classifier(name))
        x, y = zoo.load_images()
        right = (classifier.predict(x) == y).nonzero().flatten()[:n_images]
        x, y = x[right], y[right]
        searches = find_sigma(classifier, x, y, n_samples=100, rng=1)
        scales = torch.tensor([attack_scale(1, 100, one.sigma) for one in searches], dtype=torch.float64)
        options: dict[str, Any] = {"classifier": classifier, "counter": counter, "gradients": gradients}
        made.append(
            Problem(name=f"{name}, images", starts=x, labels=y, scales=scales, box=classifier.bounds, **options)
        )
        copies = [
            noisy_images(image, noise, stream=noise_stream(as_stream(2), "start", i), first=0, count=1)
            for i, image in enumerate(x)
        ]
        starts = torch.cat(copies)
        still = classifier.predict(starts) == y
        made.append(
            Problem(
                name=f"{name}, noisy copies",
                starts=starts[still],
                labels=y[still],
                scales=scales[still],
                box=None,
                **options,
            )
        )
    if n_photographs:
        from benchmarks.imagenet import load_classifier, load_photographs

        classifier, counter = counted(load_classifier())
        x, y = load_photographs()
        right = (classifier.predict(x) == y).nonzero().flatten()[:n_photographs]
        made.append(
            Problem(
                name="EfficientNet-Lite0, photographs",
                classifier=classifier,
                counter=counter,
                starts=x[right],
                labels=y[right],
                scales=torch.full((len(right),), 0.3, dtype=torch.float64),
                box=classifier.bounds,
                gradients=photograph_gradients,
            )
        )
    return made


Search = Callable[[Problem], Tensor]

# The second one takes a gradient for each of a thousand classes, at every step.
HOURS_ON_PHOTOGRAPHS = ("foolbox: Carlini-Wagner, 10 times the gradients", "torchattacks: DeepFool")


def ours(attack: Callable[[int], Attack]) -> Search:
    def search(p: Problem) -> Tensor:
        return attack(p.gradients)(p.classifier, p.starts, p.labels, scale=p.scales, box=p.box).points

    return search


def foolbox_attack(make: Callable[[Any, Problem], Any]) -> Search:
    def search(p: Problem) -> Tensor:
        import foolbox
        from foolbox.models.pytorch import PyTorchModel

        module = Scaled(p.classifier, (0.0, 1.0)).eval()
        model = PyTorchModel(module, bounds=p.box or WIDE, device=p.classifier.device)
        _, clipped, _ = make(foolbox.attacks, p)(model, p.starts, p.labels, epsilons=None)
        found: Tensor = clipped
        return found.detach()

    return search


def torchattacks_attack(make: Callable[[Any, Any, Problem, float], Any]) -> Search:
    def search(p: Problem) -> Tensor:
        import torchattacks  # type: ignore[import-not-found,unused-ignore]

        low, high = p.box or WIDE
        module = Scaled(p.classifier, (low, high)).eval()
        attack = make(torchattacks, module, p, high - low)
        found: Tensor = attack((p.starts - low) / (high - low), p.labels)
        return low + (high - low) * found.detach()

    return search


def searches() -> dict[str, Search]:
    """Return the attacks; g gradients are spent as each one's own settings allow."""
    return {
        "ours: tangent": ours(lambda g: TangentProjection(steps=g)),
        "ours: DDN": ours(lambda g: DecoupledDirectionNorm(steps=g - 1)),
        "ours: PGD": ours(lambda g: ProjectedGradient(steps=g - 1, steps_to_edge=0.75 * g)),
        "foolbox: FMN": foolbox_attack(lambda a, p: a.L2FMNAttack(steps=p.gradients)),
        "foolbox: DDN": foolbox_attack(lambda a, p: a.DDNAttack(init_epsilon=p.scale, steps=p.gradients)),
        "foolbox: Carlini-Wagner": foolbox_attack(
            lambda a, p: a.L2CarliniWagnerAttack(binary_search_steps=5, steps=p.gradients // 5, stepsize=0.05)
        ),
        "foolbox: Carlini-Wagner, 10 times the gradients": foolbox_attack(
            lambda a, p: a.L2CarliniWagnerAttack(binary_search_steps=5, steps=2 * p.gradients)
        ),
        "foolbox: Brendel-Bethge": foolbox_attack(lambda a, p: a.L2BrendelBethgeAttack(steps=p.gradients)),
        "foolbox: DeepFool": foolbox_attack(lambda a, p: a.L2DeepFoolAttack(steps=50)),
        "torchattacks: CW": torchattacks_attack(lambda t, m, p, w: t.CW(m, c=10, steps=p.gradients, lr=0.05 / w)),
        "torchattacks: DeepFool": torchattacks_attack(lambda t, m, p, w: t.DeepFool(m, steps=50)),
        "torchattacks: EADEN": torchattacks_attack(
            lambda t, m, p, w: t.EADEN(m, max_iterations=p.gradients // 5, binary_search_steps=5)
        ),
        "torchattacks: FAB": torchattacks_attack(
            lambda t, m, p, w: t.FAB(
                m, norm="L2", eps=100.0, steps=max(1, p.gradients // 10), n_classes=10, multi_targeted=False
            )
        ),
        "torchattacks: PGDL2": torchattacks_attack(
            lambda t, m, p, w: t.PGDL2(
                m, eps=2 * p.scale / w, alpha=0.05 * p.scale / w, steps=p.gradients, random_start=False
            )
        ),
    }


def measure(p: Problem, search: Search) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    p.counter.backward = 0
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002, TID251  # what the packages draw from
    began = time.perf_counter()
    points = search(p)
    seconds = time.perf_counter() - began
    row = {"gradients": p.counter.backward / len(p.starts), "seconds": seconds}
    distances = finish(p.classifier, p.starts, points, p.labels, box=p.box).distances
    return row | {"median": float(np.median(distances)), "failed": int(np.isinf(distances).sum())}, distances


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--photographs", type=int, default=4)
    parser.add_argument("--gradients", type=int, default=100)
    parser.add_argument("--photograph-gradients", type=int, default=50)
    parser.add_argument("--problem", default="", help="problems whose name has this in it; the others stay as they are")
    parser.add_argument("--only", default="", help="attacks whose name has this in it")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "attacks.json")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")  # those of the packages
    torch.set_num_threads(1)  # small nets: threads would wait for one another
    results: dict[str, Any] = {"environment": environment(), "problems": []}
    if arguments.problem and arguments.out.is_file():
        results = json.loads(arguments.out.read_text())
    for p in problems(arguments.images, arguments.photographs, arguments.gradients, arguments.photograph_gradients):
        if arguments.problem not in p.name:
            continue
        rows, distances = {}, {}
        print(f"\n{p.name}: {len(p.starts)} starts, {p.gradients} gradients for each", flush=True)
        for name, search in searches().items():
            if arguments.only not in name or ("photographs" in p.name and name in HOURS_ON_PHOTOGRAPHS):
                continue
            try:
                rows[name], distances[name] = measure(p, search)
            except Exception as error:  # a package that is missing or fails: said, not hidden
                rows[name] = {"error": f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"}
            print(f"  {name:48s} {rows[name]}", flush=True)
        nearest = np.min(list(distances.values()), axis=0)
        for name, found in distances.items():
            rows[name]["mean_ratio"] = float((found / nearest).mean())
            rows[name]["distances"] = found.tolist()
        results["problems"] = [other for other in results["problems"] if other["name"] != p.name]
        results["problems"].append(
            {"name": p.name, "starts": len(p.starts), "gradients": p.gradients, "box": p.box, "attacks": rows}
        )
        print(f"\n  {'':48s} median  mean ratio to the nearest  failed  gradients")
        for name, row in rows.items():
            if "error" not in row:
                print(
                    f"  {name:48s} {row['median']:.4f}  {row['mean_ratio']:25.4f}  {row['failed']:6d}  "
                    f"{row['gradients']:9.1f}"
                )
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
