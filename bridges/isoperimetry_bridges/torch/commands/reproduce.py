"""The command ``isoperimetry reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from isoperimetry.progress import as_progress
from isoperimetry.terminal import write_out
from isoperimetry_bridges.torch.commands.common import command_line, saying_out, stopping_in_order
from isoperimetry_bridges.torch.reproduce.folder import refuse_other
from isoperimetry_bridges.torch.reproduce.run import reproduce as run
from isoperimetry_bridges.torch.reproduce.settings import default_settings
from isoperimetry_bridges.torch.reproduce.subjects import load_subject
from isoperimetry_bridges.torch.reproduce.summary import told

_DEFAULT = ["fashion-mnist"]


def reproduce(
    context: typer.Context,
    subject: Annotated[
        list[str], typer.Option(help="fashion-mnist, imagenet or cifar10; may be given several times.")
    ] = _DEFAULT,
    preset: Annotated[
        str, typer.Option(help="strict; or ford2019, what the published pipeline would return, without verdicts.")
    ] = "strict",
    out: Annotated[Path, typer.Option(help="Folder of the results; the same command goes on in it.")] = Path(
        "isoperimetry-reproduction"
    ),
    images: Annotated[
        int | None, typer.Option(min=1, help="How many images are looked at one by one; default: by subject.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small version, for a first look: two minutes for fashion-mnist.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all noise.")] = 0,
    device: Annotated[str | None, typer.Option(help="Where the models run, for instance cuda.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Reproduce the figures of Ford, Gilmer, Carlini and Cubuk (2019) on nets that packages ship.

    Everything measured is kept at once: after an interruption the same command goes on.
    """
    chosen: Any = preset
    default_settings(subject[0], preset=chosen)  # refuses a preset that does not exist
    loaded = [load_subject(name, device=device) for name in dict.fromkeys(subject)]
    refuse_other(out)
    for one in loaded:
        with saying_out(), stopping_in_order(out / one.name / "store"):
            done = run(
                out, subjects=[one], preset=chosen, n_images=images, quick=quick, rng=seed,
                command=command_line(context), progress=as_progress(not quiet),
            )  # fmt: skip
        write_out(f"{one.name}, {one.source}\n\n{told(done.subjects[0])}\n")
    if quick:
        write_out("This was a quick look, too small for conclusions: leave out --quick for the full run.\n")
    write_out(f"Written: {out}. For a page of it: isoperimetry report {out} --html\n")
