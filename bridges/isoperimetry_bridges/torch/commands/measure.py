"""The command ``isoperimetry measure``."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from isoperimetry.bounds import median_distance_bound
from isoperimetry.checks import Measurement
from isoperimetry.errors import MissingDependency, RecordError
from isoperimetry.progress import as_progress
from isoperimetry.results import at_most
from isoperimetry.terminal import write_out
from isoperimetry_bridges.torch import zoo
from isoperimetry_bridges.torch.commands.common import saying_out, stopping_in_order
from isoperimetry_bridges.torch.distributed import on_all_ranks, ranks
from isoperimetry_bridges.torch.export import export_parquet
from isoperimetry_bridges.torch.files import write_json
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
        int,
        typer.Option(min=1, help="Noisy copies per image and scale; at most so many with --rel-error or --threshold."),
    ] = 10_000,
    rel_error: Annotated[
        float | None,
        typer.Option(help="Stop early where the half-space distance is known up to this part of it, as 0.05."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Stop early where the error rate is shown to be above or below this, as 0.01.")
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

    Counts are kept in the folder store of --out as they come.

    After any interruption the same command goes on from there; with a larger --samples it goes further.

    Several processes: torchrun --nproc-per-node 4 -m isoperimetry_bridges.torch measure ...
    """
    if (model is None) != (data is None):
        raise ValueError("--model and --data must be given together: your model, and images it can classify.")
    if export is not None:
        _check_export(export)
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

    with saying_out(), stopping_in_order(out / "store"):
        measured, _ = on_all_ranks(run, len(x))
    if measured is None:
        return
    written = [_save(out / "measurements.json", measured, source, confidence)]
    if export is not None:
        export_parquet(measured, export, confidence=confidence)
        written.append(export)
    _show(measured, confidence)
    write_out(f"Written: {' and '.join(map(str, written))}\n")


def _check_export(path: Path) -> None:
    """Refuse, before hours of work, what could not be written after them."""
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise ValueError(f"--export={str(path)!r} must end in .parquet or .csv: the name says what to write.")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"--export={str(path)!r}: the folder {str(path.parent)!r} does not exist: make it first.")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise MissingDependency(f"Writing {path}", "pyarrow", "parquet")


def _save(path: Path, measured: Sequence[Measurement], source: dict[str, str], confidence: float) -> Path:
    record = {
        "format": 1,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "confidence": confidence,
        **source,
        **environment(),
        "measurements": [one.to_dict() for one in measured],
    }
    try:
        write_json(path, record)
    except OSError as error:
        raise RecordError(
            f"{str(path)!r} cannot be written ({error.strerror or error}): what was measured is kept in the store "
            "beside it, so free some space and run the same command again."
        ) from error
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
            str(one.provenance["ties"]), at_most(float(bound), 4),
        )  # fmt: skip
    wrong = {str(one.provenance["image"]): bool(one.provenance["wrong_without_noise"]) for one in measured}
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
        n_wrong = sum(wrong.values())
        if 2 * n_wrong > len(wrong):
            console.print(
                f"{n_wrong} of {len(wrong)} images are wrong without noise: check labels and normalisation.",
                highlight=False,
            )
    write_out(capture.get())
