"""Whether two measures order models alike: a scatter of models with their names and intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.plots.records import floats
from isoperimetry.plots.style import MARKERS, axes, current, finish, is_own, key, settle, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STRIP = 0.965
# A name's size, in points: that of a letter, and of all; a line leads from names farther away to their point.
_LONG, _TALL, _FAR = 5.3, 11.0, 13.0
# Where a name may be written, from its point: beside, above and below it first, then on rings around it.
_SIDES = (
    (7.0, 0.0), (-7.0, 0.0), (0.0, 7.0), (0.0, -7.0),
    *(
        (radius * math.cos(math.radians(angle)), radius * math.sin(math.radians(angle)))
        for radius in (9.0, 20.0, 32.0, 46.0, 62.0, 80.0)
        for angle in range(15, 360, 30)
    ),
)  # fmt: skip
_Box = tuple[float, float, float, float]  # left, bottom, right, top


def rank_agreement(
    x: Sequence[float],
    y: Sequence[float],
    *,
    names: Sequence[str],
    x_label: str,
    y_label: str,
    text: str = "",
    x_limits: tuple[Sequence[float], Sequence[float]] | None = None,
    y_limits: tuple[Sequence[float], Sequence[float]] | None = None,
    groups: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw models as points by two measures, with their names.

    Parameters
    ----------
    x, y : sequence of float, length n
        Both measures of each model; inf (an attack that finds nothing) is drawn at the edge.
    names : sequence of str, length n
        Of the models.
    x_label, y_label : str
        What was measured, with its unit.
    text : str
        The title, for instance the rank correlation with its interval.
    x_limits, y_limits : (lows, highs), optional
        Confidence limits of each number.
    groups : sequence of str, length n, optional
        A kind for each model, which gives it marker and colour; None: one kind.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure of 9 x 5.4 inches.

    Returns
    -------
    matplotlib.axes.Axes
        A point a model, named beside it.

    Raises
    ------
    ValueError
        If there is no model, lengths differ, or a number is NaN.
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    The thesis of Ford, Gilmer, Carlini, Cubuk (2019), Adversarial Examples Are a Natural Consequence of Test Error in
    Noise, as a picture: error in noise, error under corruptions and distance of the nearest error go together.

    Examples
    --------
    >>> ax = rank_agreement(
    ...     [0.05, 0.02], [0.2, 0.6], names=["plain", "noisy"], x_label="error rate in noise", y_label="distance"
    ... )
    >>> [text.get_text() for text in ax.texts]
    ['plain', 'noisy']
    """
    count = len(names)
    if not count:
        raise ValueError("names must hold at least one model: there is nothing to draw.")
    points = {"x": _numbers("x", x, count), "y": _numbers("y", y, count)}
    limits = {
        name: None if pair is None else tuple(_numbers(f"{name}_limits", side, count) for side in pair)
        for name, pair in (("x", x_limits), ("y", y_limits))
    }
    kinds = [""] * count if groups is None else list(groups)
    if len(kinds) != count:
        raise ValueError(f"groups has length {len(kinds)} but there are {count} names: give one of each a model.")
    ax, theme = axes("rank_agreement", ax), current()
    spans = {name: _span(points[name], limits[name]) for name in points}
    ax.set(xlim=spans["x"], ylim=spans["y"])
    seen = list(dict.fromkeys(kinds))
    transform = {
        (False, False): ax.transData,
        (True, False): ax.get_yaxis_transform(),
        (False, True): ax.get_xaxis_transform(),
        (True, True): ax.transAxes,
    }
    for i, kind in enumerate(kinds):
        colour, marker = (list_[seen.index(kind) % len(list_)] for list_ in (theme.colours, MARKERS))
        off = math.isinf(points["x"][i]), math.isinf(points["y"][i])
        marker = ">" if off[0] else "^" if off[1] else marker
        place = [_STRIP if away else float(points[name][i]) for name, away in zip("xy", off, strict=True)]
        bar: dict[str, Any] = {"color": colour, "alpha": 0.5, "linewidth": 1.2, "zorder": 2, "label": "_limits"}
        for axis, name in enumerate("xy"):
            pair = limits[name]
            if pair is None or off[axis]:
                continue
            ends = np.clip([pair[0][i], pair[1][i]], *spans[name])
            other = [place[1 - axis]] * 2
            ax.plot(*((ends, other) if axis == 0 else (other, ends)), transform=transform[off], **bar)
        ax.plot(
            *([value] for value in place), transform=transform[off], marker=marker, markersize=8, color=colour,
            markeredgecolor=theme.paper, linestyle="none", zorder=3, label=f"_{names[i]}",
        )  # fmt: skip
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    title(ax, text)
    handles = [
        key(kind, MARKERS[i % len(MARKERS)], colour=theme.colours[i % len(theme.colours)])
        for i, kind in enumerate(seen)
        if kind
    ]
    if any(np.isinf(points[name]).any() for name in points):
        handles.append(key("off the scale: no error found", "^"))
    if any(pair is not None for pair in limits.values()):
        handles.append(key("confidence limits", "_"))
    finish(ax, handles)
    if is_own(ax):
        settle(ax)
    _write_names(ax, list(names), points, limits)
    return ax


def _numbers(name: str, values: ArrayLike, count: int) -> Array:
    array = _validate.as_float(name, floats(values))
    if array.shape != (count,):
        raise ValueError(
            f"{name} has shape {array.shape} but there are {count} names: give one number of each a model."
        )
    _validate.refuse(name, array, np.isnan(array), "a number", "leave out models that were not measured.")
    return array


def _span(values: Array, limits: tuple[Array, ...] | None) -> tuple[float, float]:
    """Return the ends of an axis: around the numbers and, up to their own spread beyond them, around their limits."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    spread = high - low or abs(high) or 1.0
    ends = [] if limits is None else [float(end) for side in limits for end in side if math.isfinite(end)]
    low = max(min([low, *ends]), low - spread)
    high = min(max([high, *ends]), high + spread)
    pad = 0.08 * (high - low) or 0.1 * (abs(high) or 1.0)
    # Names and off-scale marks need room above; a quantity that cannot be negative is not shown as if it could.
    return (max(low - pad, 0.0) if low >= 0 else low - pad), high + (2.2 if finite.size < values.size else 1.2) * pad


def _write_names(
    ax: Axes, names: list[str], points: dict[str, Array], limits: dict[str, tuple[Array, ...] | None]
) -> None:
    """Write each name near its point, where it meets the least of other names, points and bars."""
    extent = ax.get_window_extent()
    root: Any = ax.figure.get_figure(root=True)
    width, height = 72.0 * float(extent.width) / root.dpi, 72.0 * float(extent.height) / root.dpi
    at = [
        (width * _fraction(x, ax.get_xlim()), height * _fraction(y, ax.get_ylim()))
        for x, y in zip(points["x"], points["y"], strict=True)
    ]
    taken: list[_Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in at]
    for i, (x, y) in enumerate(at):
        for name, span, length in (("x", ax.get_xlim(), width), ("y", ax.get_ylim(), height)):
            pair = limits[name]
            if pair is not None and math.isfinite(points[name][i]):
                low, high = (length * min(max(_fraction(float(side[i]), span), 0.0), 1.0) for side in pair)
                taken.append((low, y - 1.5, high, y + 1.5) if name == "x" else (x - 1.5, low, x + 1.5, high))
    for i, (name, (x, y)) in enumerate(zip(names, at, strict=True)):
        tried = []
        for side, (dx, dy) in enumerate(_SIDES):
            ha, va = "left" if dx > 4 else "right" if dx < -4 else "center", "bottom" if dy > 4 else "top"
            va = "center" if abs(dy) <= 4 else va
            left = x + dx - _LONG * len(name) * {"left": 0.0, "center": 0.5, "right": 1.0}[ha]
            bottom = y + dy - _TALL * {"bottom": 0.0, "center": 0.5, "top": 1.0}[va]
            box = (left, bottom, left + _LONG * len(name), bottom + _TALL)
            cost = math.hypot(dx, dy) + sum(_overlap(box, other) for j, other in enumerate(taken) if j != i)
            cost += 50 * (max(0.0, -left) + max(0.0, box[2] - width) + max(0.0, -bottom) + max(0.0, box[3] - height))
            tried.append((cost, side, box, (dx, dy), (ha, va)))
        _, _, box, offset, (ha, va) = min(tried)
        taken.append(box)
        leader = {"arrowstyle": "-", "color": current().pale, "linewidth": 0.8, "shrinkB": 4}
        ax.annotate(
            name, (x / width, y / height), offset, xycoords="axes fraction", textcoords="offset points", ha=ha, va=va,
            fontsize=9, color=current().ink, zorder=4, arrowprops=leader if math.hypot(*offset) > _FAR else None,
        )  # fmt: skip


def _fraction(value: float, span: tuple[float, float]) -> float:
    return _STRIP if math.isinf(value) else (value - span[0]) / (span[1] - span[0])


def _overlap(a: _Box, b: _Box) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
