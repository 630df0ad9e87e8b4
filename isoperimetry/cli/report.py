"""``isoperimetry report DIR``: results folders as one page, as Markdown or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isoperimetry.cli.program import app
from isoperimetry.terminal import write_out


@app.command()
def report(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Results folders; the second and later ones are compared with the first.", metavar="DIR"),
    ],
    html: Annotated[bool, typer.Option("--html", help="One page that needs no other file and no network.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Markdown; without --html and --json the default.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The same report as JSON.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write to; else report.html in the first DIR for --html, and standard output."),
    ] = None,
) -> None:
    """Turn results folders into a report: the verdict first, then tables, figures, images and what it all rests on.

    Every audit is made again from the distances and counts in the folder. Two or more folders are compared image by
    image, where they are about the same images.
    """
    if html + markdown + json > 1:
        raise ValueError("--html, --markdown and --json exclude each other: one call writes one of them.")
    from isoperimetry import report as reports

    results = [reports.load(folder) for folder in folders]
    if html:
        text, out = reports.html_page(*results), out or folders[0] / "report.html"
    elif json:
        text = reports.to_json(reports.summary(*results)) + "\n"
    else:
        text = reports.markdown_page(*results)
    if out is None:
        write_out(text)
        return
    out.write_text(text, encoding="utf-8")
    write_out(f"Written: {out}\n")
