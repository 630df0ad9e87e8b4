"""What a reproduction holds beside its checks: the thesis as rank correlations, and what the published code lost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from isoperimetry import plots
from isoperimetry.report import tables
from isoperimetry.report.audits import as_number
from isoperimetry.report.figures import Figure, csv_uri, draw_figure, plain
from isoperimetry.report.folder import Results

TITLES = {
    "thesis": "Do errors in noise, under corruptions and near images go together?",
    "defects": "What the published pipeline's shortcomings do to the numbers",
}


def extras(*results: Results) -> Iterator[dict[str, Any]]:
    """Yield each file of this kind: "key", "title", "of" (whose it is) and "record"."""
    for key, title in TITLES.items():
        for run in results:
            for held in dict.fromkeys((run, *run.leaves())):
                record = getattr(held, key)
                if record:
                    of = run.name if held is run else f"{run.name}: {held.name}"
                    yield {"key": key, "title": title, "of": of, "record": record}


def shown(extra: Mapping[str, Any], *, prefix: str) -> dict[str, Any]:
    """Return what a page shows of it: sentences, tables and figures."""
    told, found = tables.any_tables(extra["record"])
    drawn = _agreements(extra["record"], prefix) if extra["key"] == "thesis" else []
    return {**extra, "id": prefix, "told": told, "tables": found, "figures": drawn}


def _agreements(record: Mapping[str, Any], prefix: str) -> list[Figure]:
    """Return a figure for each two quantities that at least three nets have, in a form that this version knows."""
    quantities, nets = record.get("quantities"), record.get("nets")
    if not isinstance(quantities, dict) or not isinstance(nets, list):
        return []
    entries = {"nets", "x", "y", "rho", "low", "high", "n"}
    correlations = [one for one in record.get("correlations", []) if entries <= set(one)]
    drawn = []
    for number, (x, y) in enumerate(combinations(quantities, 2)):
        known = [net for net in nets if {"name", x, y} <= set(net)]
        points = [(as_number(net[x]), as_number(net[y]), str(net["name"]), bool(net.get("defence"))) for net in known]
        points = [point for point in points if not math.isnan(point[0]) and not math.isnan(point[1])]
        if len(points) < 3:
            continue
        rhos = [
            f"{one['nets']}: \u03c1 = {as_number(one['rho']):.2f} [{as_number(one['low']):.2f}, "
            f"{as_number(one['high']):.2f}], n = {one['n']}"
            for one in correlations
            if (one["x"], one["y"]) == (x, y)
        ]
        labels = x.replace("_", " "), y.replace("_", " ")

        def draw(points: Any = tuple(points), labels: tuple[str, str] = labels) -> Any:
            xs, ys, names, behind = zip(*points, strict=True)
            return plots.rank_agreement(
                xs, ys, names=[plain(name) for name in names], x_label=labels[0], y_label=labels[1],
                groups=["behind a defence" if one else "net" for one in behind],
            )  # fmt: skip

        drawn.append(
            draw_figure(
                draw,
                name=f"{prefix}-agreement{number}",
                title=f"{labels[0][:1].upper()}{labels[0][1:]}, and {labels[1]}",
                caption=f"Across: {quantities[x]}. Up: {quantities[y]}. Each mark is a net. "
                + (f"Rank correlation of {'; of '.join(rhos)}." if rhos else "Too few nets for a rank correlation."),
                file=f"{x}-{y}.csv".replace("_", "-"),
                data=csv_uri({"net": name, x: a, y: b} for a, b, name, _ in points),
            )
        )
    return drawn
