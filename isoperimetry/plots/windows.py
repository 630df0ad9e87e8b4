"""Church windows: what a model predicts in the plane through a clean image and two of its errors."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate, bounds
from isoperimetry._validate import Array
from isoperimetry.plots.records import number
from isoperimetry.plots.style import HATCHES, axes, current, finish, key, new_figure, patch, settle, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_CLASSES = 8  # told apart by lightness and hatching; rarer ones share a filling
_POINTS = ("clean image", "nearest error found", "misclassified noisy image")
_SYMBOLS = ("o", "X", "s")


def church_window(
    classes: ArrayLike,
    wrong: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    points: ArrayLike,
    *,
    sigma: float,
    dim: int,
    error_rate: float,
    labels: Sequence[str] | Mapping[int, str] | None = None,
    name: str = "",
    ax: Axes | None = None,
) -> Axes:
    r"""Draw the plane through a clean image, its nearest known error and a noisy image that is an error.

    Parameters
    ----------
    classes : array of int, shape (h, w)
        The class predicted at each point of the grid; rows go along ``y``.
    wrong : array of bool, shape (h, w)
        Where the prediction is an error.
    x, y : array, shapes (w,) and (h,)
        Coordinates of the grid, increasing, in the unit of the inputs; the clean image is at (0, 0).
    points : array, shape (3, 2)
        Coordinates of the clean image, the nearest error found and the noisy image.
    sigma : float
        Scale of the noise, > 0, in the unit of the inputs.
    dim : int
        Dimension of the inputs.
    error_rate : float
        Error rate in that noise, in (0, 1): the half-space prediction is drawn for it.
    labels : sequence or mapping of str, optional
        Names of the classes by their number.
    name : str
        Of the model, for the title.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure of 9 x 5.4 inches.

    Returns
    -------
    matplotlib.axes.Axes
        Both axes in the unit of the inputs, equal lengths alike.

    Raises
    ------
    ValueError
        If shapes do not belong together, a coordinate is not finite, the grid does not increase, or a number is outside
        its range.
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    Classes are told apart by lightness and hatching, that of the clean image is plain; a heavy line is drawn around the
    errors. The noise shell is the circle in which this plane cuts the sphere of radius :math:`\sigma\sqrt{n}`: the
    legend says where it leaves the picture. The dashed circle is the half-space *prediction* of the distance from the
    clean image: other error sets may be nearer or farther.

    Source: Ford, Gilmer, Carlini, Cubuk (2019), Adversarial Examples Are a Natural Consequence of Test Error in Noise,
    figure 3.

    Examples
    --------
    >>> import numpy as np
    >>> x = y = np.linspace(-1.0, 3.0, 21)
    >>> wrong = np.broadcast_to(x > 0.25, (21, 21))
    >>> ax = church_window(
    ...     wrong.astype(int), wrong, x, y, [[0, 0], [0.25, 0], [0.3, 2.7]], sigma=0.1, dim=784, error_rate=0.01
    ... )
    >>> [round(float(circle.radius), 4) for circle in ax.patches]  # shell and prediction
    [2.8, 0.2326]
    """
    grid_x, grid_y = (_coordinates(axis, values) for axis, values in (("x", x), ("y", y)))
    predicted, errors = np.asarray(classes), np.asarray(wrong)
    for what, array in (("classes", predicted), ("wrong", errors)):
        if array.shape != (grid_y.size, grid_x.size):
            raise ValueError(
                f"{what} has shape {array.shape} but must be ({grid_y.size}, {grid_x.size}): a row for each of y, a "
                "column for each of x."
            )
    if predicted.dtype.kind not in "iu":
        raise TypeError(f"classes has dtype {predicted.dtype} but must hold integers: the predicted classes.")
    if errors.dtype.kind != "b":
        raise TypeError(f"wrong has dtype {errors.dtype} but must hold booleans: where the prediction is an error.")
    three = _validate.as_float("points", points)
    if three.shape != (3, 2) or not np.isfinite(three).all():
        raise ValueError(
            f"points has shape {three.shape} but must be three pairs of finite numbers: {', '.join(_POINTS)}."
        )
    sigma = float(_validate.as_positive("sigma", sigma, "the scale of the noise"))
    if not math.isfinite(sigma):
        raise ValueError(f"sigma={sigma!r} must be finite and > 0: it is the scale of the noise.")
    dim = _validate.as_count("dim", dim, low=1)
    error_rate = _validate.as_confidence(error_rate, "error_rate")
    own = ax is None
    ax, theme = axes("church_window", ax, height=6.0), current()
    handles = [*_fill(ax, predicted, grid_x, grid_y, labels), *_outline(ax, errors, grid_x, grid_y)]
    view = (grid_x[0], grid_x[-1]), (grid_y[0], grid_y[-1])
    radius, distance = sigma * math.sqrt(dim), float(bounds.halfspace_distance(error_rate, sigma))
    shell = f"noise shell $\\sigma\\sqrt{{n}}$ = {radius:.4g}{_outside(radius, *view)}"
    handles.append(_circle(ax, radius, shell, linestyle=(0, (1, 1.2)), linewidth=2.2, color=theme.colours[1]))
    if distance > 0:
        label = f"half-space prediction: {distance:.4g}{_outside(distance, *view)}"
        handles.append(_circle(ax, distance, label, linestyle=(0, (5, 2)), linewidth=1.8, color=theme.colours[0]))
    for (px, py), said, symbol, colour in zip(three, _POINTS, _SYMBOLS, (0, 4, 1), strict=True):
        look: dict[str, Any] = {"marker": symbol, "color": theme.colours[colour], "markeredgecolor": theme.ink}
        ax.plot([px], [py], markersize=10, linestyle="none", zorder=6, clip_on=True, label=f"_{said}", **look)
        away = "" if said == _POINTS[0] else f", {math.hypot(px - three[0, 0], py - three[0, 1]):.4g} away"
        entry = key(said + away, symbol, colour=theme.colours[colour])
        entry.set_markeredgecolor(theme.ink)
        handles.append(entry)
    ax.set(xlim=view[0], ylim=view[1], aspect="equal")
    ax.set_xlabel("towards the nearest error found (unit of the inputs)")
    ax.set_ylabel("across, towards the noisy image (unit of the inputs)")
    title(ax, f"{name}: a plane through three images" if name else "A plane through three images")
    finish(ax, handles, grid=False)
    if own:
        settle(ax)
    return ax


def church_windows(windows: str | os.PathLike[str] | Mapping[str, Any]) -> NDArray[np.object_]:
    """Draw the church windows of several models, each in its own axes.

    Parameters
    ----------
    windows : path or mapping
        A file ``windows.npz`` of a folder of results, or what it holds: for each model ``{name}/classes``,
        ``{name}/wrong``, ``{name}/x``, ``{name}/y``, ``{name}/points`` as in `church_window`, and ``{name}/meta``, JSON
        with "sigma", "dim" and "error_rate", and "labels" where the classes have names.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (n_models,)
        In the order of the names in the file; one figure.

    Raises
    ------
    ValueError
        If there is no window, or one lacks a part, or cannot be drawn (see `church_window`).
    FileNotFoundError
        If there is no such file.
    MissingDependency
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1.0, 3.0, 21)
    >>> wrong = np.broadcast_to(x > 0.25, (21, 21))
    >>> window = {"classes": wrong.astype(int), "wrong": wrong, "x": x, "y": x, "points": [[0, 0], [0.25, 0], [0, 2.8]]}
    >>> meta = {"meta": '{"sigma": 0.1, "dim": 784, "error_rate": 0.01}'}
    >>> axes = church_windows({f"net/{part}": value for part, value in (window | meta).items()})
    >>> axes[0].get_title(loc="left")
    'net: a plane through three images'
    """
    if isinstance(windows, str | os.PathLike):
        with np.load(windows, allow_pickle=False) as file:
            windows = {part: file[part] for part in file.files}
    names = list(dict.fromkeys(part.rpartition("/")[0] for part in windows))
    if not names:
        raise ValueError("windows holds no window: there is nothing to draw.")
    drawn = []
    for name in names:
        lacking = [part for part in ("classes", "wrong", "x", "y", "points", "meta") if f"{name}/{part}" not in windows]
        if lacking:
            raise ValueError(f"windows lacks {name}/{lacking[0]}: it is no file of church windows, or not a whole one.")
        meta = json.loads(str(windows[f"{name}/meta"]))
        absent = [part for part in ("sigma", "dim", "error_rate") if part not in meta]
        if absent:
            raise ValueError(f"windows[{name + '/meta'!r}] lacks {absent[0]!r}: the circles cannot be drawn.")
        drawn.append((name, meta))
    figure = new_figure("church_windows", 6.0 * len(names))
    panels = np.atleast_1d(np.asarray(figure.subplots(len(names), 1), dtype=object))
    for ax, (name, meta) in zip(panels, drawn, strict=True):
        labels = meta.get("labels")
        church_window(
            *(windows[f"{name}/{part}"] for part in ("classes", "wrong", "x", "y", "points")),
            sigma=number("sigma", meta["sigma"]), dim=meta["dim"], error_rate=number("error_rate", meta["error_rate"]),
            labels={int(key): text for key, text in labels.items()} if isinstance(labels, dict) else labels,
            name=name, ax=ax,
        )  # fmt: skip
    settle(panels[0])
    return panels


def _coordinates(axis: str, values: ArrayLike) -> Array:
    array = _validate.as_float(axis, values)
    if array.ndim != 1 or array.size < 2 or not np.isfinite(array).all() or not (np.diff(array) > 0).all():
        raise ValueError(f"{axis} must be at least two finite numbers that increase: the coordinates of the grid.")
    return array


def _fill(
    ax: Axes, predicted: NDArray[Any], x: Array, y: Array, labels: Sequence[str] | Mapping[int, str] | None
) -> list[Any]:
    """Fill the region of each class; return the entries of the legend."""
    theme = current()
    found, counts = np.unique(predicted, return_counts=True)
    own = int(predicted[np.argmin(np.abs(y)), np.argmin(np.abs(x))])
    order = [own, *(int(found[i]) for i in np.argsort(-counts, kind="stable") if found[i] != own)]
    entries = []
    fills = (theme.paper, *(theme.shades[i % len(theme.shades)] for i in range(_MOST_CLASSES - 1)))
    for place, label in enumerate(order[:_MOST_CLASSES]):
        rest = place == _MOST_CLASSES - 1 and len(order) > _MOST_CLASSES
        region = np.isin(predicted, order[place:]) if rest else predicted == label
        look: dict[str, Any] = {"facecolor": fills[place], "hatch": HATCHES[place] or None, "edgecolor": theme.pale}
        if place == 0:
            # The plain one lies under the others, so that no gaps show where three classes meet.
            ax.fill_between([x[0], x[-1]], [y[0]] * 2, [y[-1]] * 2, facecolor=fills[0], linewidth=0, zorder=0)
        else:
            filled = ax.contourf(
                x, y, region, levels=[0.5, 1.5], colors=[fills[place]], hatches=[HATCHES[place]], zorder=1
            )
            filled.set_edgecolor(theme.pale)
            filled.set_linewidth(0.0)
        says = f"{len(order) - place} rarer classes" if rest else _say_class(label, labels)
        entries.append(patch(says, **look))
    return entries


def _say_class(label: int, labels: Sequence[str] | Mapping[int, str] | None) -> str:
    if isinstance(labels, Mapping):
        return f"predicted: {labels.get(label, f'class {label}')}"
    if labels is not None and 0 <= label < len(labels):
        return f"predicted: {labels[label]}"
    return f"predicted: class {label}"


def _outline(ax: Axes, wrong: NDArray[np.bool_], x: Array, y: Array) -> list[Any]:
    """Draw a line around the errors."""
    theme = current()
    if wrong.any() and not wrong.all():
        ax.contour(x, y, wrong, levels=[0.5], colors=[theme.ink], linewidths=2.6, zorder=3)
        return [key("edge of the errors", "", colour=theme.ink, linestyle="solid", linewidth=2.6)]
    return [patch("all of it is an error" if wrong.all() else "no error in this window", facecolor="none", linewidth=0)]


def _circle(ax: Axes, radius: float, label: str, **line: Any) -> Any:
    from matplotlib.patches import Circle

    ax.add_patch(
        Circle(
            (0.0, 0.0), radius, fill=False, edgecolor=line["color"], linestyle=line["linestyle"],
            linewidth=line["linewidth"], zorder=4,
        )
    )  # fmt: skip
    return key(label, "", colour=line["color"], linestyle=line["linestyle"], linewidth=line["linewidth"])


def _outside(radius: float, x: tuple[float, float], y: tuple[float, float]) -> str:
    """Say how much of a circle around the clean image leaves the picture."""
    angles = np.linspace(0.0, 2 * math.pi, 720, endpoint=False)
    across, along = radius * np.cos(angles), radius * np.sin(angles)
    inside = (x[0] <= across) & (across <= x[1]) & (y[0] <= along) & (along <= y[1])
    if inside.all():
        return ""
    return " (in part outside the picture)" if inside.any() else " (outside the picture)"
