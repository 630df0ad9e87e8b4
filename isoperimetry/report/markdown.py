"""The report as Markdown, for a pull request or a terminal."""

from __future__ import annotations

from typing import Any

from isoperimetry.report import tables
from isoperimetry.report.about import provenance
from isoperimetry.report.cells import Table
from isoperimetry.report.folder import Results
from isoperimetry.report.page import preconditions
from isoperimetry.report.summary import summary
from isoperimetry.report.text import escape, to_markdown


def markdown_page(*results: Results) -> str:
    """Return a report as GitHub's Markdown: the verdicts, tables, preconditions and provenance of `html_page`.

    Parameters
    ----------
    *results : Results
        One or more, from `load`; the second and later ones are compared with the first, image by image.

    Returns
    -------
    str
        With a newline at its end.

    Raises
    ------
    ValueError
        As `summary`.

    Examples
    --------
    After ``isoperimetry check --out run`` it is ``markdown_page(load("run"))``.

    >>> markdown_page()
    Traceback (most recent call last):
        ...
    ValueError: results must hold at least one folder's results: a report is about something.
    """
    record = summary(*results)
    leaves = [leaf for run in results for leaf in run.leaves()]
    lines = [f"# {escape(record['headline'])}"]
    for told in record["chapters"]:
        if len(leaves) > 1:
            lines.append(f"## {escape(told['title'])}")
        for gate in told["gates"]:
            lines.append(
                f"- **{escape(gate['model'])}: gate {'met' if gate['met'] else 'not met'}.** {gate['sentence']}"
            )
        lines += [
            "\n".join(
                f"- **{escape(v['model'])}: {escape(v['word'])}.** {escape(' '.join(v['sentences']))}"
                for v in told["verdicts"]
            )
        ]
    lines += _comparisons("## Runs compared, image by image", record["comparisons"])
    for extra in record["extras"]:
        sentences, found = tables.any_tables(extra["record"])
        lines += [f"## {extra['title']} ({escape(extra['of'])})", *map(escape, sentences), *map(_table, found)]
    for number, (leaf, told) in enumerate(zip(leaves, record["chapters"], strict=True)):
        lines += _chapter(leaf, told, number)
    return "\n\n".join(line for line in lines if line) + "\n"


def _chapter(leaf: Results, told: dict[str, Any], number: int) -> list[str]:
    lines = [
        f"## {escape(told['title'])}: what was measured",
        escape(told["measured"]),
        _table(tables.models_table(told)),
        _table(tables.images_table(told, f"c{number}")),
    ]
    if leaf.corruptions:
        lines += ["### Corruptions", _table(tables.corruptions_table(leaf.corruptions))]
    lines += _comparisons("### Models compared, image by image", told["comparisons"])
    rests = [f"- {kind}: {escape(text)}" for kind, texts in preconditions(leaf).items() for text in texts]
    lines += ["### What the verdicts rest on", "\n".join(rests)]
    lines += ["### Provenance", "\n".join(f"- {name}: {escape(value)}" for name, value in provenance(told))]
    fingerprints = [f"- fingerprint of {escape(model.name)}: `{model.fingerprint}`" for model in leaf.models]
    return [*lines, "\n".join(fingerprints), "### How to repeat it", f"```\n{told['command']}\n```"]


def _comparisons(title: str, comparisons: list[dict[str, Any]]) -> list[str]:
    lines = [title] if comparisons else []
    for one in comparisons:
        said = [*(measure["sentence"] for measure in one["measures"]), *one["notes"]]
        lines.append(f"**{escape(one['first'])} and {escape(one['second'])}**, {len(one['images'])} shared images")
        lines.append("\n".join(f"- {escape(sentence)}" for sentence in said))
    return lines


def _table(table: Table) -> str:
    # A bar inside of a cell is `to_markdown`'s own concern.
    rows = [{name: escape(text).replace("\\|", "|") for name, text in row.items()} for row in table.plain()]
    return f"{escape(table.caption)}\n\n{to_markdown(rows, [name for name, _ in table.columns])}"
