"""Tiny error rates of a shipped network: our estimates, plain methods, a plain count and an independent reference.

``python -m benchmarks.rare_networks --count`` draws plain noise around one image and counts errors, for hours if need
be: it appends a line to its file for every 100,000 draws and goes on where it was. Without it, the reference (2e6 draws
of importance sampling, written here with torch alone) is computed once and kept in the results, then every method runs
with ``--seeds`` seeds, and the table is printed.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import isoperimetry as iso
from benchmarks.timing import machine
from isoperimetry.estimators import HalfSpaceMixture, ImportanceSampling, LineSampling, Splitting
from isoperimetry.streams import Stream
from isoperimetry_bridges.torch import zoo
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.volume import volume

RESULTS = Path(__file__).parent / "results" / "rare_networks.json"
COUNTS = Path(__file__).parent / "results" / "rare_networks_count.jsonl"
IMAGE, MODEL = 1, "clean"
PROBLEMS = {"1e-6": 0.062, "1e-8": 0.054}
PIECE, ROWS = 100_000, 200
DRAWS = 2_000_000
BUDGETS = (2_000, 5_600)
MORE = 3  # times as many seeds for the bridge, as its scatter is what is asked for


def count(path: Path, total: int) -> None:
    """Count errors among plain draws at the first scale, in pieces; resume."""
    classifier = zoo.load_classifier(MODEL)
    images, labels = zoo.load_images()
    stream = noise_stream(Stream(seed=1), "count", IMAGE)
    done = counted(path)["draws"]
    buffer = np.empty((ROWS, images[0].numel()), np.float32)
    while done < total:
        errors = 0
        for first in range(done, done + PIECE, ROWS):
            x = noisy_images(
                images[IMAGE], PROBLEMS["1e-6"], stream=stream, first=first, count=ROWS, buffer=buffer
            )  # fmt: skip
            errors += int(classifier.wrong(x, int(labels[IMAGE])).sum())
        with path.open("a") as file:
            file.write(json.dumps({"first": done, "errors": errors}) + "\n")
        done += PIECE


def counted(path: Path) -> dict[str, Any]:
    """Return draws, errors and the Clopper-Pearson interval of a count; a half-written last line is left out."""
    draws = errors = 0
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            piece = json.loads(line)
        except ValueError:
            continue
        if piece["first"] != draws:
            raise SystemExit(f"{path}: the piece at {piece['first']} does not follow {draws} draws.")
        draws, errors = draws + PIECE, errors + piece["errors"]
    if draws == 0:
        return {"draws": 0, "errors": 0, "interval": [0.0, 1.0]}
    limits = iso.intervals.clopper_pearson(errors, draws)
    return {"draws": draws, "errors": errors, "interval": [limits.low, limits.high]}


class Reference:
    """Importance sampling by a shift of the mean, with torch and nothing of the estimators."""

    def __init__(self, sigma: float) -> None:
        self.classifier = zoo.load_classifier(MODEL)
        images, labels = zoo.load_images()
        self.image, self.label, self.sigma = images[IMAGE], int(labels[IMAGE]), sigma

    def margin(self, u: torch.Tensor) -> torch.Tensor:
        """Return margins at ``image + sigma u``."""
        x = self.image + self.sigma * u.view(-1, *self.image.shape)
        return self.classifier.margins(x, torch.full((len(u),), self.label))

    def slope(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return margins and their gradients."""
        u = u.detach().requires_grad_(True)
        found = self.margin(u)
        return found.detach(), torch.autograd.grad(found.sum(), u)[0]

    def design_point(self) -> torch.Tensor:
        """Return about the nearest error, by damped linear steps."""
        u = torch.zeros(1, self.image.numel())
        for step in range(60):
            margin, slope = self.slope(u)
            target = slope * ((slope * u).sum() - margin) / slope.square().sum()
            u = u + (1.0 if step < 2 else 0.3) * (target - u)
        return u[0]

    def mean_normal(self, start: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the shift along the mean normal of the boundary, where lines cross it on average."""
        along = start / start.norm()
        for _ in range(5):
            base = torch.randn(400, len(along), generator=generator)
            base -= torch.outer(base @ along, along)
            low, high = torch.full((400,), -2.0), torch.full((400,), 25.0)
            with torch.no_grad():
                for _ in range(20):
                    middle = (low + high) / 2
                    inside = self.margin(base + middle[:, None] * along) <= 0
                    low, high = torch.where(inside, low, middle), torch.where(inside, middle, high)
            slopes = self.slope(base + high[:, None] * along)[1]
            normal = (slopes / (slopes @ along)[:, None]).mean(0)
            along = normal / normal.norm()
        return along * high.mean()

    @torch.no_grad()
    def run(self, shift: torch.Tensor, draws: int, generator: torch.Generator) -> dict[str, Any]:
        """Return the mean weight with its normal interval and the lower limit by bets."""
        shift = shift.double()
        logs = np.full(draws, -np.inf)
        for first in range(0, draws, 500):
            z = torch.randn(500, len(shift), generator=generator)
            wrong = (self.margin((z + shift).float()) <= 0).numpy()
            logs[first : first + 500][wrong] = (-(z.double() @ shift) - 0.5 * (shift @ shift)).numpy()[wrong]
        weights = np.exp(logs)
        mean, error = float(weights.mean()), float(weights.std() / math.sqrt(draws))
        low = float(np.exp(iso.intervals.log_betting_lower_bound(logs)))
        return {
            "draws": draws, "value": mean, "interval": [mean - 1.96 * error, mean + 1.96 * error], "lower": low,
            "rel_std_error": error / mean, "largest_share": float(weights.max() / weights.sum()),
        }  # fmt: skip


def reference(sigma: float, draws: int = DRAWS) -> dict[str, Any]:
    """Return both references: the shift to the design point, and that along the mean normal."""
    generator = torch.Generator().manual_seed(20261124)
    problem = Reference(sigma)
    point = problem.design_point()
    return {
        "design_point": problem.run(point, draws, generator),
        "mean_normal": problem.run(problem.mean_normal(point, generator), draws, generator),
    }


METHODS = {
    "volume": "auto", "line": LineSampling(), "mixture": HalfSpaceMixture(), "importance": ImportanceSampling(),
    "splitting": Splitting(),
}  # fmt: skip


def measure(name: str, sigma: float, budget: int, seeds: int) -> dict[str, Any]:
    """Return estimates of one method over seeds with what they cost; "volume" is the bridge, the others plain ones."""
    classifier = zoo.load_classifier(MODEL)
    images, labels = zoo.load_images()
    started = time.perf_counter()
    found = [
        volume(classifier, images[IMAGE], int(labels[IMAGE]), sigma=sigma, n_samples=budget, rng=1000 + seed)
        if name == "volume"
        else plain(classifier, images[IMAGE], int(labels[IMAGE]), sigma, METHODS[name], budget, 1000 + seed)
        for seed in range(seeds)
    ]
    values = np.array([estimate.value for estimate in found])
    own = [estimate.n_calls - estimate.n_guard - estimate.n_search for estimate in found]
    return {
        "method": name, "budget": budget, "seeds": seeds, "mean": float(values.mean()),
        "cv": float(values.std(ddof=1) / values.mean()), "calls_of_estimate": float(np.mean(own)),
        "calls_of_search": float(np.mean([estimate.n_search for estimate in found])),
        "calls_of_guard": float(np.mean([estimate.n_guard for estimate in found])),
        "calls": float(np.mean([estimate.n_calls for estimate in found])),
        "gradients": float(np.mean([estimate.n_gradients for estimate in found])),
        "seconds": (time.perf_counter() - started) / seeds, "guarantee": found[0].guarantee.name,
        "spread_of_first": list(found[0].spread), "residual_of_first": found[0].residual, "values": values.tolist(),
    }  # fmt: skip


def plain(classifier: Any, image: Any, label: int, sigma: float, method: Any, budget: int, seed: int) -> iso.Estimate:
    """Return an estimate of a method of the library without the bridge: a margin by hand, no help with the search."""
    labels = torch.tensor([label])

    def margin(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            points = torch.from_numpy(x).float().view(-1, *image.shape)
            return classifier.margins(points, labels.expand(len(x))).double().numpy()

    def gradient(x: np.ndarray) -> np.ndarray:
        points = torch.from_numpy(x).float().view(-1, *image.shape).requires_grad_(True)
        slopes = torch.autograd.grad(classifier.margins(points, labels.expand(len(x))).sum(), points)[0]
        return slopes.double().numpy().reshape(len(x), -1)

    center = image.double().numpy().reshape(-1)
    rare = iso.Margin(margin, dim=center.size, gradient=gradient)
    return iso.volume(rare, center=center, sigma=sigma, method=method, n_samples=budget, rng=seed)


def check(sigma: float) -> None:
    """Raise unless margins of the reference and of the bridge agree where it matters: at the design point."""
    problem = Reference(sigma)
    point = problem.design_point()
    ahead, behind = problem.margin(1.1 * point[None]).detach(), problem.margin(0.9 * point[None]).detach()
    if not float(ahead[0]) < 0 < float(behind[0]):
        raise SystemExit(f"sigma={sigma}: the reference's design point is not on the boundary.")


def table(results: dict[str, Any]) -> str:
    """Return the results as lines of text."""
    lines = []
    for name, problem in results["problems"].items():
        lines.append(f"mu about {name}: {results['model']}, image {results['image']}, sigma={problem['sigma']}")
        if problem.get("count", {}).get("draws"):
            found = problem["count"]
            low, high = found["interval"]
            lines.append(f"  plain count: {found['errors']} of {found['draws']:.1e} [{low:.3e}, {high:.3e}]")
        for shift, found in problem["reference"].items():
            low, high = found["interval"]
            lines.append(f"  importance sampling, {shift}: {found['value']:.4e} [{low:.4e}, {high:.4e}]")
        lines.append("  method      budget      mean     cv   calls: own  search   guard  gradients  seconds")
        lines += [
            f"  {run['method']:<10} {run['budget']:>7} {run['mean']:>9.3e} {run['cv']:>6.3f} "
            f"{run['calls_of_estimate']:>11.0f} {run['calls_of_search']:>7.0f} {run['calls_of_guard']:>7.0f} "
            f"{run['gradients']:>10.0f} {run['seconds']:>8.2f}"
            for run in problem["runs"]
        ]
    return "\n".join(lines)


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", action="store_true", help="continue the plain count")
    parser.add_argument("--draws", type=float, default=1e8, help="of the plain count")
    parser.add_argument("--counts", type=Path, default=COUNTS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--methods", default="volume,line,mixture,importance,splitting")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--only-reference", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.count:
        count(arguments.counts, int(arguments.draws))
        return
    results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {"problems": {}}
    results |= {"machine": machine(), "torch": torch.__version__, "model": MODEL, "image": IMAGE}
    for name, sigma in PROBLEMS.items():
        check(sigma)
        problem = results["problems"].setdefault(name, {"sigma": sigma, "runs": []})
        if "reference" not in problem:
            problem["reference"] = reference(sigma)
        if name == "1e-6":
            problem["count"] = counted(arguments.counts)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")
        if arguments.only_reference:
            continue
        problem["runs"] = []
        for method in arguments.methods.split(","):
            for budget in BUDGETS:
                seeds = arguments.seeds * (MORE if method == "volume" else 1)
                problem["runs"].append(measure(method, sigma, budget, seeds))
                arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
