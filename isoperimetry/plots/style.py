"""What the figures share: colours, the axes that they draw on, and the legend below them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from isoperimetry.errors import MissingDependency

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

# Okabe and Ito (2008): told apart with every common form of colour blindness. The upward triangle is not among the
# markers: it stands for a distance that is off the scale.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "D", "v", "P", "X", "p")
INK, PALE, MISSED = "#333333", "#8a8a8a", "#f6e3dc"


def axes(function: str, ax: Axes | None) -> Axes:
    """Return where to draw: ``ax``, or a new figure."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise MissingDependency(f"plots.{function}", "matplotlib", "report") from None
    # A figure of its own instead of pyplot's: no global list keeps it alive, and no window system is touched.
    return ax if ax is not None else Figure(figsize=(9, 5.4), dpi=100, layout="constrained").subplots()


def key(label: str, marker: str, *, colour: str = PALE, face: str | None = None) -> Line2D:
    """Return an entry of the legend."""
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], color=colour, marker=marker, linestyle="none", markersize=12 if marker == "_" else 7,
        markerfacecolor=face or colour, markeredgewidth=1.4, label=label,
    )  # fmt: skip


def finish(ax: Axes, handles: Iterable[Line2D]) -> None:
    """Draw grid and legend."""
    ax.grid(True, which="major", color="#000000", alpha=0.08, linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0}
    ax.legend(handles=list(handles), frameon=False, fontsize=9.5, **place)
