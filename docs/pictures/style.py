"""The house style of the pictures, and the table of the pages that their functions fill."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from isoperimetry.bounds import THEOREMS

# Okabe and Ito (2008): told apart with every common form of colour blindness. The bound has the accent, sets have greys
# and what is false is red and dashed.
BOUND, WRONG, OTHER, INK, PALE, FILL = "#0072B2", "#D55E00", "#009E73", "#333333", "#8a8a8a", "#e3eef6"
GREYS = ("#222222", "#555555", "#7a7a7a", "#9a9a9a")
NAMES = "#555555"
TINTS = ("#6db0da", "#3b8fc6", BOUND, "#00456b")
WIDTH, HEIGHT, DPI, COLOURS = 7.0, 4.5, 100, 64
RC = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "mathtext.fontset": "cm",
}


@dataclass(frozen=True)
class Page:
    """What a page says beside the record: its title, a call to run, its neighbours, and how to draw the picture."""

    name: str
    title: str
    example: str
    near: tuple[str, ...]
    draw: Callable[[Any], None]

    @property
    def caption(self) -> str:
        """What is to be seen: the docstring of the function that draws."""
        return " ".join((inspect.getdoc(self.draw) or "").split())


PAGES: dict[str, Page] = {}


def page(
    name: str, title: str, *, example: str, near: Sequence[str]
) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Enter a drawing function, and what else is special about a theorem's page, in the table."""

    def enter(draw: Callable[[Any], None]) -> Callable[[Any], None]:
        PAGES[name] = Page(name, title, inspect.cleandoc(example), tuple(near), draw)
        return draw

    return enter


def figure(name: str) -> Figure:
    """Return the picture of a theorem: its formula on top, what its function draws below."""
    with matplotlib.rc_context(RC):
        fig = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        ax = fig.add_subplot()
        PAGES[name].draw(ax)
        formula = THEOREMS[name].formula.replace("\\frac", "\\dfrac")  # in displayed size
        title = ax.set_title(f"${formula}$", fontsize=15, pad=8, va="bottom", color=INK)
        fig.draw_without_rendering()
        box = title.get_window_extent()
        # A long formula is made smaller until it fits, and stands over the middle of the picture.
        title.set_fontsize(min(15.0, 15.0 * 0.96 * WIDTH * DPI / box.width))
        fig.draw_without_rendering()
        box, axes = title.get_window_extent(), ax.get_window_extent()
        middle = (axes.x0 + axes.x1) / 2
        room = WIDTH * DPI - 8 - box.width / 2
        title.set_x(0.5 + (min(max(middle, 8 + box.width / 2), room) - middle) / axes.width)
    return fig


def save(name: str, path: Path) -> bool:
    """Write the picture with few colours and without a date; False if the file shows the same picture already."""
    stream = io.BytesIO()
    with matplotlib.rc_context(RC):
        figure(name).savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
    image = Image.open(stream).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    if path.exists() and np.array_equal(Image.open(path).convert("RGB"), image.convert("RGB")):
        return False
    image.save(path, optimize=True)
    return True


def label(ax: Any, x: float, y: float, text: str, color: str = INK, **options: Any) -> None:
    """Write beside a line, in its colour, with a pale edge that keeps other lines out of the letters.

    ``to=(x, y)`` adds a thin line from the words to a point.
    """
    from matplotlib.patheffects import withStroke

    to = options.pop("to", None)
    options = {"fontsize": 10.5, "va": "center", "linespacing": 1.05, **options}
    edge = [withStroke(linewidth=3, foreground="white")]
    if to is None:
        ax.text(x, y, text, color=color, path_effects=edge, **options)
    else:
        line = {"arrowstyle": "-", "color": color, "linewidth": 0.8, "shrinkA": 1, "shrinkB": 2}
        ax.annotate(text, to, (x, y), color=color, path_effects=edge, arrowprops=line, **options)


def axes(ax: Any, x: str, y: str, **options: Any) -> None:
    """Name the axes and set their limits and scales."""
    ax.set(xlabel=x, ylabel=y, **options)


def percent(axis: Any) -> None:
    """Show rates as percentages."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda rate, _: f"{100 * rate:.10g} %"))
    axis.set_minor_formatter(NullFormatter())


def of_measure(make: Callable[[float], Any], mu: float, low: float, high: float) -> Any:
    """Return the set of a family, by one parameter between two values, that has measure mu in standard noise."""
    from scipy.optimize import brentq

    return make(brentq(lambda size: make(size).volume() - mu, low, high, xtol=1e-13))
