"""Tables of a report, once for the page, where they sort, and for Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from isoperimetry.report.cells import (
    Cell,
    Table,
    any_cell,
    bound_cell,
    found_cell,
    length_cell,
    make_table,
    or_nan,
    percent_cell,
    ratio_cell,
    sortable,
    text_cell,
)
from isoperimetry.report.text import format_value
from isoperimetry.results import at_least, at_most

_CAPTIONS = {
    "nets": "What was measured of each net.",
    "correlations": "Rank correlations, with their intervals.",
    "rows": "Each shortcoming, and its measured effect: the published pipeline beside the strict one.",
    "summary": "Means over corruptions.",
}
# Of rank correlations: too long for cells.
_LEFT_OUT = ("guarantee", "method", "p_value_method")
TONES = {"convicted": "bad", "attack failing": "bad", "consistent": "good", "undecided": "open", "not audited": "none"}


def models_table(chapter: Mapping[str, Any]) -> Table:
    """Return a row for each model of a check: medians over its audited images."""
    rows = [
        (
            text_cell(m["name"]),
            Cell(f"{m['n_convicted']} of {m['n_audited']}", m["n_convicted"], "bad" if m["n_convicted"] else "open"),
            length_cell(m["sigma"]),
            percent_cell(m["error_rate"]),
            length_cell(m["prediction"]),
            found_cell(m["attack_nearest"]),
            found_cell(m["nearest"]),
            ratio_cell(m["bound_share"]),
            percent_cell(m["blocked"]),
        )
        for m in chapter["models"]
    ]
    headings = (
        "model", "images convicted, at least", "noise scale σ", "errors in noise", "predicted distance",  # noqa: RUF001
        "nearest error, audited attack", "nearest error, any attack", "from noise: found / bound", "gradient zero",
    )  # fmt: skip
    return make_table(
        "Medians over the audited images. Convicted: at least so many images, all together. Distances are in the unit "
        "of the inputs; the prediction is no bound.",
        headings, rows, words=1,
    )  # fmt: skip


def images_table(chapter: Mapping[str, Any], prefix: str) -> Table:
    """Return a row for each model and image of a check; the ids of the cards begin with ``prefix``."""
    rows = []
    for number, m in enumerate(chapter["models"]):
        for place, i in enumerate(m["images"]):
            p = or_nan(i["p_value"])
            missed = or_nan(i["missed_fraction"])
            rows.append(
                (
                    Cell(format_value(i["image"]), sortable(i["image"]), href=f"#{prefix}-m{number}-i{place}"),
                    text_cell(m["name"]),
                    Cell(i["verdict"], i["verdict"], TONES[i["verdict"]]),
                    Cell("–" if math.isnan(p) else at_most(p), p),  # noqa: RUF001
                    Cell(f"{at_least(100 * missed, 2)} %" if missed > 0 else "–", missed),  # noqa: RUF001
                    length_cell(i["sigma"]) if i["trials"] else Cell(i["status"], math.nan),
                    percent_cell(i["error_rate"]),
                    bound_cell(i["bound"]),
                    found_cell(i["noisy_median"]),
                    found_cell(i["best_noisy_median"]),
                    length_cell(i["prediction"]),
                    found_cell(i["nearest"]),
                    ratio_cell(i["ratio"]),
                )
            )
    headings = (
        "image", "model", "verdict", "p (Holm)", "missed on, at least", "noise scale σ",  # noqa: RUF001
        "errors in noise", "noise: bound", "noise: audited attack", "noise: any attack", "image: predicted",
        "image: nearest error", "found / predicted",
    )  # fmt: skip
    return make_table(
        "Every image. Noise: median distance from noisy copies, on which the bound is a theorem; image: from the image "
        "itself, where the half-space formula is a prediction. Undecided: it is shown "
        "neither that the attack misses errors nor that its median is within the bound.",
        headings, rows, words=3,
    )  # fmt: skip


def pairs_table(comparison: Mapping[str, Any]) -> Table:
    """Return a row for each image of a comparison."""
    first, second = comparison["first"], comparison["second"]
    rows = [
        (
            Cell(format_value(p["image"]), sortable(p["image"])),
            *(length_cell(p[f"sigma_{place}"]) for place in ("first", "second")),
            *(percent_cell(p[f"rate_{place}"]) for place in ("first", "second")),
            *(found_cell(p[f"nearest_{place}"]) for place in ("first", "second")),
            *(Cell(v := p[f"verdict_{place}"], v, TONES[v]) for place in ("first", "second")),
        )
        for p in comparison["pairs"]
    ]
    what = ("noise scale σ", "errors in noise", "nearest error", "verdict")  # noqa: RUF001
    headings = ("image", *(f"{name}, {model}" for name in what for model in (first, second)))
    return make_table(f"Image by image: {first} and {second}.", headings, rows, words=1)


def corruptions_table(corruptions: Mapping[str, Any]) -> Table:
    """Return the mean error over severities, a row for each corruption and a column for each model."""
    models = corruptions["models"]
    names = list(dict.fromkeys(name for entry in models.values() for name in entry["errors"]))

    def mean(entry: Mapping[str, Any], chosen: Iterable[str]) -> float:
        rates = [sum(entry["errors"][n]) / (len(entry["errors"][n]) * entry["trials"]) for n in chosen]
        return sum(rates) / len(rates) if rates else math.nan

    def row(name: str, chosen: Sequence[str]) -> tuple[Cell, ...]:
        known = (mean(entry, [n for n in chosen if n in entry["errors"]]) for entry in models.values())
        return (text_cell(name), *map(percent_cell, known))

    rows = [row(name.replace("_", " "), [name]) for name in names]
    rows.append(row("mean of all", names))
    if {"fog", "contrast"} & set(names):
        rows.append(row("mean without fog and contrast", [name for name in names if name not in ("fog", "contrast")]))
    clean = [entry.get("clean_error") for entry in models.values()]
    if corruptions.get("clean_error") is None and all(clean):
        rows.append((text_cell("no corruption"), *(percent_cell(c["errors"] / c["trials"]) for c in clean if c)))
    how = f"{corruptions.get('parameters', '')} parameters, {corruptions.get('files', 'memory')}"
    return make_table(
        f"Error under corruptions, mean over severities ({how}). A mean of errors is no mCE, which divides by a "
        "baseline.",
        ("corruption", *models), rows, words=1,
    )  # fmt: skip


def any_tables(record: Mapping[str, Any]) -> tuple[list[str], list[Table]]:
    """Return what a file without a fixed form says: its sentences, and its lists and mappings as tables."""
    told, tables = [], []
    for key, value in record.items():
        rows: list[dict[str, Any]] = []
        if isinstance(value, str) and key not in ("kind", "subject"):
            told.append(value)
        elif isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            rows = value
        elif isinstance(value, dict) and value and all(isinstance(row, dict) for row in value.values()):
            rows = [{"name": name, **row} for name, row in value.items()]
        if rows:
            columns = [column for column in dict.fromkeys(c for row in rows for c in row) if column not in _LEFT_OUT]
            body = [tuple(any_cell(row.get(column)) for column in columns) for row in rows]
            numeric = [all(isinstance(row[i].value, float) for row in body) for i in range(len(columns))]
            headings = tuple((c.replace("_", " "), n) for c, n in zip(columns, numeric, strict=True))
            tables.append(Table(caption=_CAPTIONS.get(key, key.replace("_", " ")), columns=headings, rows=tuple(body)))
    return told, tables
