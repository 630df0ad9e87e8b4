"""``isoperimetry volume``: the measure of an error set that JSON describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isoperimetry.cli.program import app
from isoperimetry.cli.table import print_table
from isoperimetry.terminal import write_out

if TYPE_CHECKING:
    from isoperimetry.estimate import Estimate


@app.command()
def volume(
    error_set: Annotated[
        str, typer.Argument(metavar="SET", help="JSON file that describes the set, or the JSON itself.")
    ],
    sigma: Annotated[float, typer.Option(help="Standard deviation of the noise, in the unit of the inputs.")] = 1.0,
    center: Annotated[
        str | None, typer.Option(help="Center of the noise: JSON or a file of it; without: the origin.")
    ] = None,
    method: Annotated[str, typer.Option(help="auto, exact, crude, mixture, line, directional, ...")] = "auto",
    rel_error: Annotated[
        float | None, typer.Option(help="Stop at this half-width of the interval, relative to the estimate.")
    ] = None,
    n_samples: Annotated[int | None, typer.Option("--samples", help="Stop after about so many calls.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the interval, in (0, 1).")] = 0.95,
    seed: Annotated[int | None, typer.Option(help="Repeats a run; without: another one each time.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Keep finished blocks in this file; the same call goes on from there.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw estimate and interval against calls to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Measure an error set under Gaussian noise: estimate, interval, what it rests on, and what it cost.

    SET is, for instance, '{"type": "Ball", "center": [3, 0], "radius": 1}', or a union: '{"type": "Union", "sets":
    [...]}'; docs/volumes.md lists the types. Exact where the set has a closed form, else estimated. Ctrl-C stops with
    what has been measured.
    """
    from isoperimetry import report
    from isoperimetry.estimators import volume as measure
    from isoperimetry.sets import describe, from_description

    if plot is not None:
        _check_figure(plot)
    subject = from_description(_read("SET", error_set))
    middle = None if center is None else _vector(_read("--center", center), subject.dim)
    estimate = measure(
        subject, center=middle, sigma=sigma, method=method, rel_error=rel_error, n_samples=n_samples,
        confidence=confidence, rng=seed, progress=not quiet, record=record,
    )  # fmt: skip
    if as_json:
        write_out(report.to_json(estimate) + "\n")
    else:
        _print(describe(subject)["type"], estimate)
    if plot is not None and estimate.trace:
        from isoperimetry.plots import volume_run

        figure: Any = volume_run(estimate).figure
        figure.savefig(plot, dpi=150, bbox_inches="tight")
        if not as_json:
            write_out(f"\nDrawn to {plot}\n")
    elif plot is not None and not as_json:
        write_out("\nNothing is drawn: an exact value has no run.\n")


def _check_figure(path: Path) -> None:
    """Refuse a figure that cannot be written, before anything is measured."""
    from isoperimetry.plots.style import axes

    canvas: Any = axes("volume_run", None).figure.canvas
    kinds = sorted(canvas.get_supported_filetypes())
    if path.suffix.lstrip(".").lower() not in kinds:
        raise ValueError(
            f"--plot={str(path)!r} must end in one of {', '.join(kinds)}: the ending says what is written."
        )


def _read(name: str, text: str) -> Any:
    """Return what a file or a text says in JSON."""
    stripped = text.strip()
    if not stripped.startswith(("{", "[", '"')):
        path = Path(text)
        if not path.is_file():
            raise ValueError(f"{name}={text!r} must be JSON or the path of a file of it: there is no such file.")
        stripped = path.read_text(encoding="utf-8")
    try:
        return json.loads(stripped)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name} must be JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error


def _vector(description: Any, dim: int) -> Any:
    from isoperimetry.sets.description import read_vector

    point = read_vector(description, "--center")
    if len(point) != dim:
        raise ValueError(f"--center has {len(point)} numbers but must have {dim}: as many as the set's dimension.")
    return point


def _print(title: str, estimate: Estimate) -> None:
    print_table(f"{title} under Gaussian noise", ["quantity", "value", "what it is"], estimate.rows(), wrap=2)
    for note in estimate.notes:
        write_out(f"- {note}\n")
