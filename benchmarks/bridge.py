"""The torch bridge at scale: speed against the bare forward pass, memory, and the rows of ``benchmarks.bridge_*``.

    python -m pip install -c constraints.txt -e ".[torch,report]" --group bench
    python -m benchmarks.bridge                        # all rows; or their names, see --help
    python -m benchmarks.bridge images/s --models clean

Writes ``benchmarks/results/bridge.json``, a record for each row that was run, and keeps the others. What is compared
takes turns in one process, because the machine is noisy: quote ratios.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import pkgutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import benchmarks
from benchmarks.imagenet import load_classifier, load_photographs
from benchmarks.timing import machine
from isoperimetry_bridges.torch import Classifier, measure_error_rate, zoo

RESULTS = Path(__file__).parent / "results" / "bridge.json"
LITE0 = "EfficientNet-Lite0"


def load(name: str) -> tuple[Classifier, Tensor, Tensor]:
    """Return a classifier with images that it gets right, and their labels."""
    if name == LITE0:
        classifier, (images, labels) = load_classifier(), load_photographs()
    else:
        classifier, (images, labels) = zoo.load_classifier(name), zoo.load_images()
    images, labels = images[:8], labels[:8]
    right = classifier.predict(images) == labels
    return classifier, images[right][:4], labels[right][:4]


class Bare:
    """The module alone on one batch, again and again: a thread for each thread of torch, with a copy of the module.

    On an accelerator one thread, and one wait at the end.
    """

    def __init__(self, classifier: Classifier, batch: Tensor, autocast: torch.dtype | None = None) -> None:
        self.device, self.autocast = classifier.device, autocast
        self.batch = batch.to(self.device, classifier.dtype)
        if classifier.channels_last:
            self.batch = self.batch.contiguous(memory_format=torch.channels_last)
        threads = torch.get_num_threads() if self.device.type == "cpu" else 1
        self.modules: list[nn.Module] = [copy.deepcopy(classifier).module for _ in range(threads)]

    @torch.no_grad()
    def _work(self, module: nn.Module, batches: Sequence[int] | Any) -> None:
        if len(self.modules) > 1:
            torch.get_num_threads()
            torch.set_num_threads(1)
        with torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            for _ in batches:
                module(self.batch)
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def __call__(self, n_batches: int) -> None:
        threads = torch.get_num_threads()
        batches = iter(range(n_batches))  # shared: to take the next one is a single step under the GIL
        if len(self.modules) == 1:
            self._work(self.modules[0], batches)
            return
        pool = [threading.Thread(target=self._work, args=(module, batches)) for module in self.modules]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join()
        torch.set_num_threads(threads)


def speed(name: str, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Return images/s of the bare module and of `measure_error_rate`, fixed and with a rule to stop, in turns."""
    classifier, images, labels = load(name)
    size = classifier.batch_size(images[0].numel())
    bare = Bare(classifier, images[torch.arange(size) % len(images)])
    bare(4)
    began = time.perf_counter()
    bare(8)
    step = torch.get_num_threads() * size
    draws = max(step, round(seconds * 8 * size / (time.perf_counter() - began) / len(images) / step) * step)
    total = draws * len(images)

    def ours(**options: Any) -> Callable[[], object]:
        return lambda: measure_error_rate(classifier, images, labels, sigma=0.1, n_samples=draws, rng=0, **options)

    cases = {
        "bare": lambda: bare(-(-total // size)),
        "fixed": ours(),
        "sequential": ours(rel_error=1e-9),  # a rule that is looked at and never holds: as many draws
    }
    times: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
    for number in range(rounds + 1):
        for case, run in cases.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            run()
            if number:  # the first round warms up
                times[case].append((time.perf_counter() - start, time.process_time() - start_cpu))
    row: dict[str, Any] = {"model": name, "device": str(classifier.device), "batch": size, "images": len(images)}
    wall = {case: statistics.median(seconds for seconds, _ in found) for case, found in times.items()}
    row |= {"draws": draws, "microseconds_bare": round(1e6 * wall["bare"] / total, 2)}
    for case in ("fixed", "sequential"):
        # On a busy machine processor time is the better witness; it does not see workers that wait for one another.
        shares, of_cpu = (
            sorted(b[kind] / o[kind] for b, o in zip(times["bare"], times[case], strict=True)) for kind in (0, 1)
        )
        row[case] = {
            "images_per_second": round(total / wall[case], 1),
            "share_of_bare": round(statistics.median(shares), 4),
            "range": [round(shares[0], 4), round(shares[-1], 4)],
            "share_of_bare_in_processor_time": round(statistics.median(of_cpu), 4),
            "range_in_processor_time": [round(of_cpu[0], 4), round(of_cpu[-1], 4)],
        }
    return row


def images_per_second(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    table = []
    for name in arguments.models:
        row = speed(name, rounds=arguments.rounds, seconds=arguments.seconds)
        table.append(row)
        print(f"{name}, batch {row['batch']}, bare {row['microseconds_bare']} us an image", flush=True)
        for case in ("fixed", "sequential"):
            low, high = row[case]["range"]
            found = f"{100 * row[case]['share_of_bare']:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
            print(f"  {case}: {row[case]['images_per_second']} images/s, {found} of the bare forward pass", flush=True)
            low, high = row[case]["range_in_processor_time"]
            cpu = 100 * row[case]["share_of_bare_in_processor_time"]
            print(f"    in processor time {cpu:.1f} % [{100 * low:.1f}, {100 * high:.1f}]", flush=True)
    return table


def peak_memory(n_samples: int) -> dict[str, float]:
    """Return in MB the peak of a process that holds Lite0 and photographs, and how much counting on one adds to it."""
    code = f"""
import resource, torch
from benchmarks.bridge import LITE0, load, measure_error_rate
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
classifier, images, labels = load(LITE0)
before = peak()
measure_error_rate(classifier, images[:1], labels[:1], sigma=0.1, n_samples={n_samples}, rng=0)
print(before, peak())
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    before, after = map(float, shown.split())
    return {"n_samples": n_samples, "model": round(before), "beyond": round(after - before)}


def memory(arguments: argparse.Namespace) -> list[dict[str, float]]:
    table = [peak_memory(n_samples) for n_samples in (64, 256, 1024)]
    for row in table:
        print(
            f"n = 150,528, {row['n_samples']} draws: {row['beyond']} MB beyond the model's {row['model']} MB",
            flush=True,
        )
    return table


Row = Callable[[argparse.Namespace], Any]
ROWS: dict[str, Row] = {"images/s": images_per_second, "memory": memory}


def all_rows() -> dict[str, Row]:
    """Return the rows by name: those above, and the ``ROWS`` of each module ``benchmarks.bridge_*``."""
    rows = dict(ROWS)
    for module in sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name.startswith("bridge_")):
        rows |= importlib.import_module(f"benchmarks.{module}").ROWS
    return rows


def main() -> None:
    rows = all_rows()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"of {', '.join(rows)}; default: all")
    parser.add_argument("--models", nargs="+", default=[*zoo.MODELS, LITE0], help="for images/s")
    parser.add_argument("--rounds", type=int, default=7, help="repeats in turns, >= 1")
    parser.add_argument("--seconds", type=float, default=5.0, help="of the bare forward passes of a repeat")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(rows):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    record = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for name in arguments.rows or rows:
        about = {"command": " ".join(["python -m benchmarks.bridge", *sys.argv[1:]]), **machine()}
        about |= {"threads": torch.get_num_threads()}
        record[name] = {"rows": rows[name](arguments), **about}
        arguments.out.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    print(f"Written: {arguments.out}")


if __name__ == "__main__":
    main()
