"""``isoperimetry theorems``: the theorems that the bounds rest on."""

from __future__ import annotations

from typing import Annotated

import typer

from isoperimetry.cli.program import app
from isoperimetry.cli.table import print_table
from isoperimetry.terminal import write_out


@app.command()
def theorems(
    name: Annotated[str | None, typer.Argument(help="Show this theorem whole.")] = None,
    space: Annotated[str | None, typer.Option(help="Only those in a space, for instance sphere.")] = None,
    assumption: Annotated[
        str | None, typer.Option(help="Only those that assume this, for instance half-space.")
    ] = None,
    direction: Annotated[str | None, typer.Option(help="Only those that bound this, for instance upper.")] = None,
    label: Annotated[str | None, typer.Option(help="Only those with this label, for instance prediction.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List the theorems that the bounds rest on, or show one with its source."""
    from isoperimetry import bounds, report

    if name is not None:
        theorem = bounds.THEOREMS[name]
        write_out(report.to_json(theorem) + "\n" if json else theorem.describe())
        return
    chosen = bounds.THEOREMS.search(space=space, assumption=assumption, direction=direction, label=label)
    if json:
        write_out(report.to_json(list(chosen)) + "\n")
    elif not chosen:
        write_out("No theorem matches. isoperimetry theorems lists them all.\n")
    else:
        rows = [[theorem.name, f"{theorem.label}. {theorem.statement}"] for theorem in chosen]
        print_table("Theorems (isoperimetry theorems NAME shows one whole)", ["name", "statement"], rows, wrap=1)
