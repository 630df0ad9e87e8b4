"""The page: everything in one file, that asks for nothing from anywhere else."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
from typing import Any

from isoperimetry import plots
from isoperimetry.errors import MissingDependency
from isoperimetry.report import tables
from isoperimetry.report.about import provenance
from isoperimetry.report.cards import card
from isoperimetry.report.drawings import figures
from isoperimetry.report.extras import shown
from isoperimetry.report.figures import json_uri
from isoperimetry.report.folder import Results
from isoperimetry.report.summary import summary
from isoperimetry.report.text import reason_kind


def html_page(*results: Results) -> str:
    """Return a report as one HTML page that needs no other file and no network.

    Verdicts come first; then what was measured, tables that sort, figures with their data, a card for each image,
    preconditions, provenance, and how to repeat it all. It follows the reader's choice of light or dark, works by
    keyboard and with screen readers, and prints.

    Parameters
    ----------
    *results : Results
        One or more, from `load`; the second and later ones are compared with the first, image by image.

    Returns
    -------
    str
        Text for a file in UTF-8.

    Raises
    ------
    ValueError
        As `summary`.
    MissingDependency
        If Jinja2 or matplotlib is not installed.

    Examples
    --------
    After ``isoperimetry check --out run`` it is ``html_page(load("run"))``.

    >>> html_page()
    Traceback (most recent call last):
        ...
    ValueError: results must hold at least one folder's results: a report is about something.
    """
    try:
        import jinja2
        import markupsafe
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("jinja2", "markupsafe"):
            raise
        raise MissingDependency("report.html_page", "jinja2", "report") from None
    files = importlib.resources.files(__package__)
    style, script, template = ((files / f"page.{end}").read_text("utf-8") for end in ("css", "js", "html.j2"))
    record = summary(*results)
    leaves = [leaf for run in results for leaf in run.leaves()]
    chapters = [
        _chapter(leaf, told, prefix=f"c{number}")
        for number, (leaf, told) in enumerate(zip(leaves, record["chapters"], strict=True))
    ]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["safe_svg"] = markupsafe.Markup
    text = environment.from_string(template).render(
        report=record,
        chapters=chapters,
        comparisons=_compared(record["comparisons"]),
        extras=[shown(extra, prefix=f"x{number}") for number, extra in enumerate(record["extras"])],
        style=markupsafe.Markup(plots.svg_css() + style),
        script=markupsafe.Markup(script),
        data=json_uri(record),
        version=importlib.metadata.version("isoperimetry"),
    )
    return text.lstrip()  # macros leave empty lines before the document


def _chapter(leaf: Results, told: dict[str, Any], *, prefix: str) -> dict[str, Any]:
    """Return what the template shows of one check."""
    shared = shared_reasons(leaf)
    cards = [
        (
            model.name,
            [
                card(leaf, number, image, name=f"{prefix}-m{number}-i{place}", shared=shared)
                for place, image in enumerate(model.images)
            ],
        )
        for number, model in enumerate(leaf.models)
    ]
    return {
        "id": prefix,
        "told": told,
        "models_table": tables.models_table(told),
        "images_table": tables.images_table(told, prefix),
        "corruptions_table": tables.corruptions_table(leaf.corruptions) if leaf.corruptions else None,
        "corruptions_more": tables.any_tables({"summary": (leaf.corruptions or {}).get("summary")})[1],
        "comparisons": _compared(told["comparisons"]),
        "figures": figures(leaf, prefix=prefix),
        "cards": cards,
        "preconditions": preconditions(leaf),
        "provenance": provenance(told),
    }


def shared_reasons(leaf: Results) -> list[str]:
    """Return the reasons that all audits of a check have, but for what was found."""
    audits = [audit for model in leaf.models for audit in model.audits]
    reasons = audits[0].reasons if audits else ()
    return [r for r in reasons if not r.startswith("found:") and all(r in audit.reasons for audit in audits)]


def preconditions(leaf: Results) -> dict[str, list[str]]:
    """Return what the verdicts of a check rest on, by kind: what is broken anywhere, and what all audits share."""
    audits = [audit for model in leaf.models for audit in model.audits]
    broken = dict.fromkeys(r for audit in audits for r in audit.reasons if r.startswith("broken:"))
    kinds: dict[str, list[str]] = {}
    for kind, text in map(reason_kind, dict.fromkeys([*broken, *shared_reasons(leaf)])):
        kinds.setdefault(kind, []).append(text)
    return kinds


def _compared(comparisons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**comparison, "table": tables.pairs_table(comparison)} for comparison in comparisons]
