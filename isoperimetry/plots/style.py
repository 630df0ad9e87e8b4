"""What the figures share: themes of colours, the axes that they draw on, texts that fit, and the legend.

All ink (text, frames, reference lines) has one colour of the theme, so that a page can give it its own: see `svg`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from isoperimetry import _validate
from isoperimetry.errors import MissingDependency

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours of figures, each as #rrggbb and each different, so that a page can replace them one by one.

    Attributes
    ----------
    ink, pale, paper : str
        Text, frames and reference lines; what is less important; the background, and the inside of hollow markers.
    missed, missed_ink : str
        The region beyond a bound, and the text in it.
    shades : tuple of str
        Fillings of regions, from near the paper to farther away from it.
    colours : tuple of str
        One for each model. Markers and line styles tell the models apart too.
    """

    ink: str
    pale: str
    paper: str
    missed: str
    missed_ink: str
    shades: tuple[str, ...]
    colours: tuple[str, ...]


# Okabe and Ito (2008): told apart with every common form of colour blindness.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
LIGHT = Theme(
    ink="#333333", pale="#757575", paper="#ffffff", missed="#f6e3dc", missed_ink="#9c4a2f",
    shades=("#eaeaea", "#d5d5d5", "#c0c0c0", "#ababab"), colours=COLOURS,
)  # fmt: skip
# The same hues, lighter: at least 4.5 : 1 against the dark paper.
DARK = Theme(
    ink="#e4e4e4", pale="#9a9a9a", paper="#16181d", missed="#41261d", missed_ink="#f2a98f",
    shades=("#2a2d33", "#3a3e45", "#4b5058", "#5d636c"),
    colours=("#3d9be0", "#f07f36", "#1fbf92", "#e2a0c8", "#f5c242", "#9ad7fb"),
)  # fmt: skip
THEMES = {"light": LIGHT, "dark": DARK}
# The upward triangle is not among the markers: it stands for a distance that is off the scale.
MARKERS = ("o", "s", "D", "v", "P", "X", "p")
DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (9, 3)))
HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---", "++", "oo")

_ROUNDS = 5
NARROW = 6.5  # inches: below this the legend does not fit beside the axes
# No part of the picture and not in the SVG: marks figures whose size is ours to choose.
_OWN = "a figure of isoperimetry.plots"
_theme: ContextVar[Theme] = ContextVar("theme", default=LIGHT)
_width: ContextVar[float] = ContextVar("width", default=9.0)


@contextlib.contextmanager
def use(*, theme: Literal["light", "dark"] = "light", width: float = 9.0) -> Iterator[None]:
    """Draw what is drawn inside in a theme, and new figures in a width.

    Parameters
    ----------
    theme : {"light", "dark"}
        Colours of everything that is drawn.
    width : float
        Of figures that are made here, in inches, at least 3; 96 pixels of a page are an inch. Below 6.5 the legend goes
        under the axes. Axes that are passed in keep their size.

    Raises
    ------
    ValueError
        If there is no such theme, or the width is below 3.

    Examples
    --------
    >>> from isoperimetry import plots
    >>> with plots.use(theme="dark", width=390 / 96):
    ...     figure = plots.noise_shell(0.01, sigma=0.1, dim=3072).figure
    >>> figure.get_facecolor() == (22 / 255, 24 / 255, 29 / 255, 1.0), float(figure.get_figwidth()) * 96
    (True, 390.0)
    """
    _validate.as_choice("theme", theme, THEMES)
    if not 3 <= width < float("inf"):
        raise ValueError(f"width={width!r} must be at least 3 inches: narrower figures cannot be read.")
    tokens = _theme.set(THEMES[theme]), _width.set(float(width))
    try:
        yield
    finally:
        _theme.reset(tokens[0])
        _width.reset(tokens[1])


def current() -> Theme:
    """Return the theme that is drawn in."""
    return _theme.get()


def new_figure(function: str, height: float) -> Figure:
    """Return a figure of the width in use; ``height`` is that of a figure of 9 inches."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise MissingDependency(f"plots.{function}", "matplotlib", "report") from None
    width = _width.get()
    size = (width, height * max(width, NARROW) / 9.0)
    # A figure of its own instead of pyplot's: no global list keeps it alive, and no window system is touched.
    figure = Figure(figsize=size, dpi=100, layout="constrained", facecolor=current().paper, label=_OWN)
    engine: Any = figure.get_layout_engine()
    engine.set(w_pad=0.08, h_pad=0.08)
    return figure


def axes(function: str, ax: Axes | None, *, height: float = 5.4) -> Axes:
    """Return where to draw: ``ax``, or a new figure."""
    own = new_figure(function, height).subplots() if ax is None else ax
    own.set_facecolor(current().paper)
    return own


def is_own(ax: Axes) -> bool:
    """Whether the figure was made by `axes`, so that its size and its margins are ours."""
    return bool(ax.figure.get_label() == _OWN)


def is_narrow(ax: Axes) -> bool:
    """Whether a legend has no room beside the axes."""
    return bool(_inches(ax)[0] < NARROW)


def key(label: str, marker: str, *, colour: str | None = None, face: str | None = None, **line: Any) -> Line2D:
    """Return an entry of the legend: a marker, without a line unless ``linestyle`` is given."""
    from matplotlib.lines import Line2D

    colour = colour or current().pale
    return Line2D(
        [], [], color=colour, marker=marker, markersize=12 if marker in ("_", "|") else 7,
        markerfacecolor=face or colour, markeredgewidth=1.4, label=label, **({"linestyle": "none"} | line),
    )  # fmt: skip


def patch(label: str, **look: Any) -> Artist:
    """Return an entry of the legend: a filled box."""
    from matplotlib.patches import Patch

    return Patch(label=label, **look)


def wrap(text: str, width: int) -> str:
    """Return ``text`` in lines of at most about ``width`` shown characters; a formula between dollars is one word.

    The lines are about equally long: no more of them than are needed, and each as short as that allows.
    """
    longest = max(1, int(0.85 * width))  # a word without blanks is wider than as many characters of a sentence
    best = _wrap(text, width, longest)
    for narrower in range(width - 1, width // 2, -1):
        tried = _wrap(text, narrower, longest)
        if tried.count("\n") > best.count("\n"):
            break
        best = tried
    return best


def _wrap(text: str, width: int, longest: int) -> str:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line: list[str] = []
        words = re.findall(r"(?:\\\$|\$[^$]*\$|\S)+", paragraph)
        for word in itertools.chain.from_iterable(_parts(whole, longest) for whole in words):
            if line and _shown(" ".join([*line, word])) > width:
                lines.append(" ".join(line))
                line = []
            line.append(word)
        lines.append(" ".join(line))
    return "\n".join(lines)


def _parts(word: str, width: int) -> list[str]:
    """Return a word in parts that fit, broken after a hyphen or the like where there is one; formulas stay whole."""
    if _shown(word) <= width or "$" in word.replace(r"\$", ""):
        return [word]
    some = rf"(?:\\\$|[^\\]|\\(?!\$)){{1,{width}}}"
    return re.findall(rf"{some}$|{some}(?<=[-_/.:])|{some}", word)


def _shown(text: str) -> int:
    """Return about how many characters are seen of a text with formulas."""
    return len(re.sub(r"[${}^_\\]", "", re.sub(r"\\[a-zA-Z]+", "x", text)))


def characters(inches: float, size: float) -> int:
    """Return how many characters of a font of ``size`` points fit, at the font's average width."""
    return max(8, int(inches * 72.0 / (0.56 * size)))


def _inches(ax: Axes) -> tuple[float, float]:
    """Return width and height that belong to the axes: of the whole figure if it is ours."""
    root: Any = ax.figure.get_figure(root=True)
    width, height = (float(length) for length in root.get_size_inches())
    if is_own(ax):
        return width, height
    place = ax.get_position()
    # A legend beside the axes needs as much room again as axes of a third of the width leave.
    return width * float(place.width) * 1.2, height * float(place.height)


def ink(ax: Axes) -> None:
    """Give text, ticks and frame the theme's ink, and leave out the frame's upper and right side."""
    colour = current().ink
    ax.tick_params(which="both", colors=colour, labelcolor=colour)
    for name, spine in ax.spines.items():
        spine.set_color(colour)
        spine.set_visible(name not in ("top", "right"))
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        text.set_color(colour)


def title(ax: Axes, text: str, *, size: float = 12, left: float = 0.8, **place: Any) -> None:
    """Write a title that fits the width, less what is ``left`` of the axes, in inches."""
    room = _inches(ax)[0]
    size = min(size, 11) if room < NARROW else size
    ax.set_title(wrap(text, characters(room - left, size)), loc="left", fontsize=size, color=current().ink, **place)


def settle(ax: Axes) -> None:
    """Lay out a figure of ours.

    A draw does that too, but where axes have a fixed shape, or margins that grow with them, in too few rounds.
    """
    figure: Any = ax.figure.get_figure(root=True)
    before = None
    for _ in range(_ROUNDS):
        figure.get_layout_engine().execute(figure)
        places = [round(end, 4) for each in figure.axes for end in each.get_position().extents]
        if places == before:
            break
        before = places


def finish(ax: Axes, handles: Iterable[Artist], *, grid: bool = True, beside: float = 0.0) -> None:
    """Draw grid and legend: beside the axes (and what takes the part ``beside`` of their width), or below them."""
    if grid:
        ax.grid(True, which="major", color=current().ink, alpha=0.12, linewidth=0.8)
    ax.set_axisbelow(True)
    ink(ax)
    width, height = _inches(ax)
    narrow = is_narrow(ax)
    reach = width - 0.8 if narrow or not is_own(ax) else 0.62 * width
    ax.set_xlabel(wrap(ax.get_xlabel(), characters(reach, 10)))
    ax.set_ylabel(wrap(ax.get_ylabel(), characters((0.7 if narrow else 0.85) * height, 10)))
    shown = list(handles)
    if not shown:
        return
    labels = [wrap(str(handle.get_label()), characters(width - 1.25, 9) if narrow else 38) for handle in shown]
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01 + beside, 1.0)}
    if narrow:
        from matplotlib.transforms import ScaledTranslation

        figure: Any = ax.figure.get_figure(root=True)
        below = 0.38 + 0.18 * (ax.get_xlabel().count("\n") + 1) if ax.get_xlabel() else 0.35
        shift = ScaledTranslation(0, -below, figure.dpi_scale_trans)
        place = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": ax.transAxes + shift}
        if is_own(ax):
            lines = sum(label.count("\n") + 1 for label in labels)
            figure.set_size_inches(width, height + 0.16 * lines + 0.06 * len(labels))
    ax.legend(
        handles=shown, labels=labels, frameon=False, fontsize=9 if narrow else 9.5, labelcolor=current().ink,
        borderaxespad=0, **place,
    )  # fmt: skip
