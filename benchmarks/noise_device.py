"""Noisy images written on a device, against the bandwidth of writing alone and against torch's own normals.

    python -m benchmarks.noise_device
    python -m benchmarks.noise_device --device cuda

``write`` is ``out.fill_(0.5)``: nothing that writes the batch is faster. ``torch`` is ``torch.randn`` into the batch,
scaled and added to the image in place. ``fill`` is `NoiseSource.fill`, from the names of the draws on; ``kernel`` is
its work on the device alone. The draws are compared with the kernel of the CPU before anything is timed. The aim on a
GPU is ``kernel`` at 80 % of ``write`` in float32.

Writes ``benchmarks/results/noise_device.json``, which keeps one record for each device.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks import timing
from isoperimetry.special import philox_normals
from isoperimetry.streams import as_stream
from isoperimetry_bridges.torch import noise
from isoperimetry_bridges.torch.noise import Engine, NoiseSource, Run

SHAPES = {"cpu": ((2048, 784), (512, 3072), (8, 150_528)), "cuda": ((32_768, 784), (32_768, 3072), (1024, 150_528))}
N_IMAGES, N_RUNS = 4, 8
LAUNCHES = {"cpu": 1, "cuda": 20}
"""Calls between two looks at the clock, which on a GPU wait for all that was begun."""
ULPS = 8
SIGMA = 0.25
PLAIN_ROWS = 16
"""The engine ``torch`` is a hundred times slower on a CPU: fewer rows of it."""


def make_runs(n: int, n_runs: int) -> list[Run]:
    root = as_stream(1)
    cuts = [n * i // n_runs for i in range(n_runs + 1)]
    return [Run(i % N_IMAGES, SIGMA, root.split(i), 10**6 * i, cuts[i + 1] - cuts[i]) for i in range(n_runs)]


def check(engine: Engine, device: torch.device, dtype: torch.dtype) -> float:
    """Return the largest difference from the CPU's kernel, in units of the last place of a normal, if it is small."""
    dim, runs = 5003, [Run(i, 1.0, as_stream(2).split(i), 2**64 - 7 if i else 0, 7) for i in range(N_IMAGES)]
    source = NoiseSource(torch.zeros(N_IMAGES, dim, dtype=dtype), device=device, engine=engine)
    out = torch.full((7 * N_IMAGES, dim), torch.nan, dtype=dtype, device=device)
    z = source.fill(runs, out).cpu().numpy()
    true = np.concatenate([philox_normals(run.stream.key, run.first, (7, dim), z.dtype) for run in runs])
    ulps = float((np.abs(z.astype(float) - true) / np.spacing(np.abs(true))).max())
    if not ulps <= ULPS:
        raise SystemExit(f"engine {engine}: a normal is {ulps} units off, so that there is nothing to time.")
    return ulps


def together(run: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """Return a function that runs this so often that the clock tells the truth, and waits for the end."""

    def many() -> None:
        for _ in range(LAUNCHES[device.type]):
            run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return many


def cases(
    n: int, dim: int, dtype: torch.dtype, device: torch.device, engine: Engine
) -> dict[str, Callable[[], object]]:
    """Return ways to fill the same batch; those that make noise of ours write the same draws."""
    images = torch.rand(N_IMAGES, dim, dtype=dtype, generator=torch.Generator().manual_seed(1))
    out, image = torch.empty(n, dim, dtype=dtype, device=device), images[0].to(device)
    plain, clipped = (NoiseSource(images, device=device, bounds=box, engine=engine) for box in (None, (0.0, 1.0)))
    runs = make_runs(n, N_RUNS)
    found: dict[str, Callable[[], object]] = {
        "write": lambda: out.fill_(0.5),
        "torch": lambda: torch.randn(out.shape, dtype=dtype, device=device, out=out).mul_(SIGMA).add_(image),
        "fill": lambda: plain.fill(runs, out),
        "fill, clipped": lambda: clipped.fill(runs, out),
    }
    if plain._add_noise is not None:  # else there is nothing but the kernel
        work, table = plain._add_noise, plain._send(noise._table(runs, n, dtype))
        found["kernel"] = lambda: work(out, plain._centers, table, None)
    return found


def measure(n: int, dim: int, dtype: torch.dtype, device: torch.device, engine: Engine) -> list[dict[str, Any]]:
    """Return a row for each case: its time, its share of the bandwidth of writing, how much faster than torch it is."""
    numbers = n * dim * LAUNCHES[device.type]
    ways = {name: together(run, device) for name, run in cases(n, dim, dtype, device, engine).items()}
    times = timing.time_in_turns(ways, numbers)
    table = []
    for name, found in times.items():
        ns = statistics.median(found)
        shares = timing.ratios(times, name, "write")
        share, low, high = statistics.median(shares), shares[0], shares[-1]
        faster, *faster_range = timing.spread(times, name, "torch")
        row = {"rows": n, "dim": dim, "type": str(dtype).removeprefix("torch."), "engine": engine, "case": name}
        row |= {"ns": round(ns, 4), "GB_per_s": round(dtype.itemsize / ns, 2)}
        row |= {"share_of_write": round(share, 4), "share_of_write_range": [round(low, 4), round(high, 4)]}
        table.append({**row, "times_torch": faster, "times_torch_range": faster_range})
        print(
            f"  {n:6d} x {dim:<7d}{row['type']:8s} {engine:9s}{name:14s}{ns:9.4f} ns{row['GB_per_s']:9.2f} GB/s"
            f"   {100 * share:6.2f} % of write [{100 * low:.2f}, {100 * high:.2f}]   {faster:.2f} times torch"
        )
    return table


def cost_of_a_run(device: torch.device, engine: Engine) -> dict[str, float]:
    """Return microseconds a run has cost beyond its draws: runs of one draw against one run of as many."""
    n, dim = 1024, 16
    source = NoiseSource(torch.zeros(N_IMAGES, dim), device=device, engine=engine)
    out = torch.empty(n, dim, device=device)
    many, one = make_runs(n, n), make_runs(n, 1)
    ways = {"many": lambda: source.fill(many, out), "one": lambda: source.fill(one, out)}
    times = timing.time_in_turns({name: together(way, device) for name, way in ways.items()}, n)
    extra = sorted((a - b) / LAUNCHES[device.type] / 1000 for a, b in zip(times["many"], times["one"], strict=True))
    print(f"  a run costs {statistics.median(extra):.1f} microseconds [{extra[0]:.1f}, {extra[-1]:.1f}]")
    return {
        "microseconds": round(statistics.median(extra), 2),
        "least": round(extra[0], 2),
        "most": round(extra[-1], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    device = torch.device(parser.parse_args().device)
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else timing.processor()
    engine = noise._best_engine(device)
    machine = timing.machine()
    print(f"{name}, engine {engine}")
    table = []
    ulps = {}
    for dtype in (torch.float32, torch.float64):
        for one in dict.fromkeys((engine, "torch")):
            ulps[f"{one} {dtype}"] = check(one, device, dtype)
        for n, dim in SHAPES[device.type]:
            table += measure(n, dim, dtype, device, engine)
        if engine != "torch":
            n, dim = SHAPES[device.type][1]
            table += measure(PLAIN_ROWS if device.type == "cpu" else n, dim, dtype, device, "torch")
    record = {
        "command": f"python -m benchmarks.noise_device --device {device.type}",
        "engine": engine,
        "largest_difference_in_ulps": ulps,
        "cost_of_a_run": cost_of_a_run(device, engine),
        **machine,
        "torch_threads": 1,
        "rows": table,
    }
    if device.type == "cuda":
        record["cuda"] = torch.version.cuda
    path = timing.RESULTS / "noise_device.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    timing.write("noise_device", {**kept, name: record})


if __name__ == "__main__":
    main()
