"""One figure of a page: drawn by `isoperimetry.plots`, with its data to take away."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from isoperimetry import plots, results
from isoperimetry.plots.style import settle

# In inches, 96 pixels of a page each: for the column of text, and for a telephone.
WIDTHS = {"wide": 9.0, "narrow": 358 / 96}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a page.

    Attributes
    ----------
    name : str
        Unlike that of any other figure of the page.
    title, caption : str
    drawings : dict of str to str
        An ``<svg>`` element for each of `WIDTHS`.
    file : str
        Name for its data.
    data : str
        ``data:`` URI of them.
    """

    name: str
    title: str
    caption: str
    drawings: dict[str, str]
    file: str
    data: str


def csv_uri(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as a CSV table in a ``data:`` URI; NaN is an empty cell.

    Examples
    --------
    >>> csv_uri([{"model": "a", "distance": float("inf")}])
    'data:text/csv;charset=utf-8,model%2Cdistance%0D%0Aa%2Cinf%0D%0A'
    """
    rows = list(rows)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(dict.fromkeys(key for row in rows for key in row)))
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "" if value != value else value for key, value in row.items()})
    return "data:text/csv;charset=utf-8," + quote(buffer.getvalue())


def json_uri(value: Any) -> str:
    """Return JSON in a ``data:`` URI."""
    return "data:application/json;charset=utf-8," + quote(json.dumps(results.to_json(value), allow_nan=False))


def arrays_uri(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return arrays as a compressed NPZ file in a ``data:`` URI: as numbers they would outweigh the page."""
    buffer = io.BytesIO()
    named: Any = arrays
    np.savez_compressed(buffer, **named)
    return "data:application/octet-stream;base64," + base64.b64encode(buffer.getvalue()).decode()


def draw_figure(
    draw: Callable[[], Any], *, name: str, title: str, caption: str, file: str, data: str, own_titles: bool = False
) -> Figure:
    """Return a figure, drawn in each of `WIDTHS`; with ``own_titles``, or of several axes, each keeps its own.

    ``draw`` returns matplotlib Axes.
    """
    drawings = {}
    for width, inches in WIDTHS.items():
        with plots.use(width=inches):
            ax = draw()
            figure = ax.get_figure(root=True)
            if figure is not None and len(figure.axes) == 1 and not own_titles:
                ax.set_title("", loc="left")  # the page has a title of its own
                if ax.get_aspect() != "auto":
                    settle(ax)  # one round of layout, as a draw does, leaves labels outside
            drawings[width] = plots.to_svg(ax, name=f"{name}-{width}", title=title, description=caption)
    return Figure(name=name, title=title, caption=caption, drawings=drawings, file=file, data=data)


def plain(name: str) -> str:
    """Return a name in which matplotlib sees no formula."""
    return name.replace("$", r"\$")
