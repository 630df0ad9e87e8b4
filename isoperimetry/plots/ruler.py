"""All distances of one image on one ruler, each with what kind of number it is: found, bound, prediction or noise."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from isoperimetry import _validate
from isoperimetry.plots.records import as_audit, field, number
from isoperimetry.plots.style import axes, characters, current, ink, is_narrow, is_own, title, wrap
from isoperimetry.results import at_least, at_most

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SPREAD = 8.0  # largest over smallest distance from which on the ruler is logarithmic


class _Row(NamedTuple):
    """One line of the ruler."""

    text: str
    kind: str
    value: float
    said: str
    low: float = math.nan
    high: float = math.nan


# kind -> marker, place of its colour among the theme's, whether the marker is filled
_KINDS: dict[str, tuple[str, int, bool]] = {
    "found": ("o", 0, True),
    "found from noisy": ("s", 1, True),
    "bound": ("|", 1, True),
    "prediction": ("D", 2, False),
    "certified": ("|", 0, True),
    "noise": ("*", 3, True),
}


def distance_ruler(
    card: Any, *, dim: int | None = None, certified: float | None = None, ax: Axes | None = None
) -> Axes:
    r"""Draw the distances that belong to one image on one ruler.

    Parameters
    ----------
    card : record or mapping
        What a check measured at the image, or its dictionary in ``results.json``: "image", "sigma", "clean_distances",
        "prediction", "prediction_low", "prediction_high", "audit" and "noisy_distances"; what is absent is left out.
    dim : int, optional
        Dimension of the inputs, for the noise shell.
    certified : float, optional
        A distance from the clean image within which it is proved that there is no error, >= 0.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        x: distance in the unit of the inputs, on a log scale if the distances spread over more than a factor of 8; a
        row for each distance, from the top, with words and number.

    Raises
    ------
    ValueError
        If the record has no distance, or ``certified`` or ``dim`` is outside its range.
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    Four kinds are kept apart by symbol and word. *Found* (filled): an attack's verified error is there, so the nearest
    error is no farther. *Bound* (bar with an arrow to the left): a theorem, about noisy images alone. *Prediction*
    (hollow diamond): assumes that the errors are a half-space; bounds nothing. *Typical noisy image* (star):
    :math:`\sigma\sqrt{n}`. Triangles at the right edge: no error was found; at the left edge of a log scale: 0.

    Examples
    --------
    >>> ax = distance_ruler({"image": 3, "sigma": 0.1, "clean_distances": {"pgd": 0.3}, "prediction": 0.2326}, dim=784)
    >>> for text in ax.texts[::2]:
    ...     print(text.get_text())
    found from the clean image by pgd
    prediction for the clean image, if the errors are a half-space
    typical noisy image (noise shell)
    """
    rows = _rows(card, dim, certified)
    if not rows:
        status = field(card, "status")
        why = f"its status is {status!r}" if status else "nothing was measured"
        raise ValueError(f"card of image {field(card, 'image', '?')} has no distance to draw: {why}.")
    ax, theme = axes("distance_ruler", ax, height=1.0), current()
    figure: Any = ax.figure.get_figure(root=True)
    width = float(figure.get_size_inches()[0])
    texts = [wrap(row.text, characters((0.54 if is_narrow(ax) else 0.72) * width, 9)) for row in rows]
    # Under each text its mark, a line further down; rows are as high as their text.
    places, depth = [], 0.1
    for text in texts:
        depth += text.count("\n") + 1
        places.append(depth + 0.55)
        depth += 1.45
    if is_own(ax):
        figure.set_size_inches(width, 1.0 + 0.17 * depth)
    shown = [value for row in rows for value in (row.value, row.low, row.high) if 0 < value < math.inf] or [1.0]
    logarithmic = max(shown) > _SPREAD * min(shown)
    left, right = (min(shown) / 1.6, max(shown) * 1.6) if logarithmic else (0.0, 1.12 * max(shown))
    ax.set(xscale="log" if logarithmic else "linear", xlim=(left, right), ylim=(depth + 0.3, 0.0), yticks=[])
    if logarithmic:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if right / left < 200 else (1,)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda distance, _: f"{distance:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    for row, text, place in zip(rows, texts, places, strict=True):
        _draw(ax, row, place)
        written: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "fontsize": 9, "color": theme.ink}
        ax.text(0.0, place - 0.55, text, ha="left", va="bottom", **written)
        ax.text(1.0, place - 0.55, row.said, ha="right", va="bottom", fontweight="bold", **written)
    ax.grid(True, axis="x", color=theme.ink, alpha=0.12, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_xlabel("distance (unit of the inputs" + (", log scale)" if logarithmic else ")"))
    sigma = number("sigma", field(card, "sigma"))
    title(ax, f"Image {field(card, 'image', '')}: its distances" + (f", $\\sigma = {sigma:.4g}$" if sigma > 0 else ""))
    ink(ax)
    ax.spines["left"].set_visible(False)
    return ax


def _rows(card: Any, dim: int | None, certified: float | None) -> list[_Row]:
    """Return the rows of the ruler, from the top."""
    rows = []
    for attack, distance in (field(card, "clean_distances") or {}).items():
        rows.append(_found(f"found from the clean image by {attack}", "found", number(attack, distance)))
    if certified is not None:
        proved = float(_validate.as_nonnegative("certified", certified, "a distance"))
        if not math.isfinite(proved):
            raise ValueError(f"certified={certified!r} must be finite and >= 0: it is a distance.")
        rows.append(_Row("proved: no error is nearer to the clean image", "certified", proved, at_least(proved, 4)))
    predicted, low, high = (
        number(name, field(card, name)) for name in ("prediction", "prediction_low", "prediction_high")
    )
    if not math.isnan(predicted):
        limits = f" ({low:.4g} to {high:.4g})" if not math.isnan(low) else ""
        text = "prediction for the clean image, if the errors are a half-space"
        rows.append(_Row(text, "prediction", predicted, f"{predicted:.4g}{limits}", low, high))
    for attack, distances in (field(card, "noisy_distances") or {}).items():
        median = statistics.median_low([number(attack, distance) for distance in distances])
        rows.append(_found(f"found from noisy images by {attack}, median", "found from noisy", median))
    audit = field(card, "audit")
    if audit is not None:
        audit = as_audit("card['audit']", audit)
        part = "half" if audit.q == 0.5 else f"{100 * audit.q:g} %"
        text = f"bound: {part} of the {'correct ' if audit.conditional else ''}noisy images have an error within this"
        said = at_most(audit.bound, 4) if math.isfinite(audit.bound) else "none: no error was counted"
        rows.append(_Row(text, "bound", audit.bound, said))
    sigma = number("sigma", field(card, "sigma"))
    if dim is not None and sigma > 0:
        shell = sigma * math.sqrt(_validate.as_count("dim", dim, low=1))
        rows.append(_Row("typical noisy image (noise shell)", "noise", shell, f"{shell:.4g}"))
    return rows


def _found(text: str, kind: str, distance: float) -> _Row:
    if math.isnan(distance) or distance < 0:
        raise ValueError(f"card has the distance {distance!r} {text}: it must be >= 0, or inf where none was found.")
    return _Row(text, kind, distance, f"{distance:.4g}" if math.isfinite(distance) else "no error found")


def _draw(ax: Axes, row: _Row, place: float) -> None:
    theme, (left, right) = current(), ax.get_xlim()
    marker, colour_place, filled = _KINDS[row.kind]
    colour = theme.colours[colour_place]
    look: dict[str, Any] = {"color": colour, "linewidth": 2.0, "zorder": 2, "solid_capstyle": "butt"}
    ends = [min(max(end, left), right) for end in (row.low, row.high) if not math.isnan(end)]
    if len(ends) == 2:
        ax.plot(ends, [place, place], label="_limits", **look)
    if row.kind == "certified" and row.value > left:
        ax.plot([left, row.value], [place, place], label="_proved", **look)
    if row.kind == "bound" and left < row.value < math.inf:
        tip = ax.transAxes.inverted().transform(ax.transData.transform((row.value, place)))
        ax.annotate(
            "", (max(tip[0] - 0.07, 0.0), tip[1]), tuple(tip), xycoords="axes fraction",
            arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
    x, transform = row.value, ax.transData
    if x <= left or x > right:  # 0 on a log scale, or infinite
        x, marker, transform = (0.012, "<", ax.get_yaxis_transform()) if x <= left else (
            0.988, ">", ax.get_yaxis_transform()
        )  # fmt: skip
    size = {"|": 15.0, "*": 13.0}.get(marker, 8.0)
    ax.plot(
        [x], [place], marker=marker, markersize=size, color=colour, markerfacecolor=colour if filled else theme.paper,
        markeredgewidth=2.4 if marker == "|" else 1.6, linestyle="none", transform=transform, zorder=3,
        label=f"_{row.kind}", clip_on=False,
    )  # fmt: skip
