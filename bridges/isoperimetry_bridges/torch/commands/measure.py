"""The command ``isoperimetry measure``."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from isoperimetry.bounds import median_distance_bound
from isoperimetry.checks import Measurement
from isoperimetry.progress import as_progress
from isoperimetry.terminal import write_out
from isoperimetry_bridges.torch import zoo
from isoperimetry_bridges.torch.commands.common import stopping_in_order
from isoperimetry_bridges.torch.distributed import on_all_ranks, ranks
from isoperimetry_bridges.torch.export import export_parquet
from isoperimetry_bridges.torch.measure import measure_error_rate
from isoperimetry_bridges.torch.models import load_data, load_factory
from isoperimetry_bridges.torch.output import environment, file_digest
from isoperimetry_bridges.torch.store import Store


def measure(
    sigma: Annotated[list[float], typer.Option(help="Noise scale, in the unit of the images; may be repeated.")],
    model: Annotated[
        str | None, typer.Option(help="Your classifier, MODULE:FACTORY; default: the shipped one called clean.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="NPZ file with 'images' in [0, 1] (or 8-bit) and 'labels'.")] = None,
    images: Annotated[int | None, typer.Option(min=1, help="How many images, from the first on; default: all.")] = None,
    samples: Annotated[
        int, typer.Option(min=1, help="Noisy copies per image and scale; the budget of the two rules.")
    ] = 10_000,
    rel_error: Annotated[
        float | None, typer.Option(help="Stop an image at this half-width of its half-space distance, relative to it.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Stop an image when its error rate is shown to be above or below this.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    clip: Annotated[bool, typer.Option("--clip", help="Clip noisy copies to the input box.")] = False,
    device: Annotated[str | None, typer.Option(help="Where the model runs, for instance cuda.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all noise.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for measurements.json and the store.")] = Path("isoperimetry-rates"),
    export: Annotated[Path | None, typer.Option(help="Write a table too: a file .parquet or .csv.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Measure error rates in Gaussian noise: many images, several scales, hours if need be.

    Counts are kept in OUT/store as they come; after any interruption the same command goes on from there, and with a
    larger --samples it goes further. Run by torchrun (python -m isoperimetry_bridges.torch measure ...), each process
    takes its share of the images.
    """
    if (model is None) != (data is None):
        raise ValueError("--model and --data must be given together: your model, and images it can classify.")
    if export is not None and export.suffix not in (".parquet", ".csv"):
        raise ValueError(f"--export={str(export)!r} must end in .parquet or .csv: the name says what to write.")
    device = ranks().device(device)
    if model is None or data is None:
        classifier, (x, y) = zoo.load_classifier("clean", device=device), zoo.load_images()
        source: dict[str, str] = {"source": "shipped classifier 'clean' and images"}
    else:
        classifier, (x, y) = load_factory(model, device=device), load_data(data)
        source = {"source": model, "data": str(data), "data_sha256": file_digest(data)}
    x, y = x[:images], y[:images]
    classifier.check(x, y)
    bars = as_progress(not quiet)

    def run(rank: int, chosen: Sequence[int]) -> list[Measurement]:
        rows = list(chosen)
        with Store(out / "store", rank=rank) as store:
            return measure_error_rate(
                classifier, x[rows], y[rows], sigma=[sigma], n_samples=samples, rel_error=rel_error,
                threshold=threshold, confidence=confidence, rng=seed, image_ids=rows, clip=clip, store=store,
                progress=bars if rank == 0 else None,
            )  # fmt: skip

    with stopping_in_order(out / "store"):
        measured, _ = on_all_ranks(run, len(x))
    if measured is None:
        return
    written = [_save(out / "measurements.json", measured, source, confidence)]
    if export is not None:
        export_parquet(measured, export, confidence=confidence)
        written.append(export)
    _show(measured, confidence)
    write_out(f"Written: {' and '.join(map(str, written))}\n")


def _save(path: Path, measured: Sequence[Measurement], source: dict[str, str], confidence: float) -> Path:
    record = {
        "format": 1,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "confidence": confidence,
        **source,
        **environment(),
        "measurements": [one.to_dict() for one in measured],
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    partial.replace(path)
    return path


def _show(measured: Sequence[Measurement], confidence: float) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("image", "sigma", "errors", "draws", "error rate, %", "interval", "ties", "bound"):
        table.add_column(name, justify="right")
    for one in measured:
        rate = one.error_rate(confidence=confidence)
        lower = one.error_rate(confidence=confidence, side="lower").low
        bound = median_distance_bound(lower, one.sigma)
        table.add_row(
            str(one.provenance["image"]), f"{one.sigma:g}", str(one.errors), str(one.trials),
            f"{100 * one.errors / one.trials:.3g}", f"[{100 * rate.low:.3g}, {100 * rate.high:.3g}]",
            str(one.provenance["ties"]), f"{bound:.4g}",
        )  # fmt: skip
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(width=120, emoji=False)
    with console.capture() as capture:
        console.print(table)
        console.print(
            f"bound: at least half of all noisy copies have an error within this distance, by the theorem, at "
            f"confidence {confidence:g} for each row.",
            highlight=False,
        )
    write_out(capture.get())
