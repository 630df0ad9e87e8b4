"""Distances from clean images against the scale of noise, with the half-space line: a prediction, no bound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from isoperimetry import _validate, bounds
from isoperimetry._validate import Array
from isoperimetry.plots.error_rates import STRIP
from isoperimetry.plots.records import floats
from isoperimetry.plots.style import DASHES, MARKERS, axes, current, finish, ink, key, settle, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HISTOGRAM_FROM = 10  # images: fewer are seen better one by one
_BINS = 16


class _Points(NamedTuple):
    """Of one model: scales of noise, distances, and limits of the scales."""

    sigma: Array
    distance: Array
    low: Array
    high: Array


def halfspace_prediction(
    points: Mapping[str, Sequence[Sequence[float]]], *, error_rate: float = 0.01, ax: Axes | None = None
) -> Axes:
    r"""Draw the attack's distance from clean images against the scale of noise that reaches an error rate.

    The dashed line is the half-space *prediction* :math:`-\Phi^{-1}(\mu)\,\sigma(x_0, \mu)`: what the distance would
    be if the error set were a half-space. It bounds nothing at a clean image, on neither side.

    Parameters
    ----------
    points : mapping from str to (sigmas, distances) or (sigmas, distances, lows, highs)
        For each model two or four sequences of equal length: sigma(x0, error_rate) of each image, > 0, the distance of
        the error which the attack found from the clean image, >= 0 (inf: none found), and the limits of sigma, with 0
        and inf where nothing bounds it; all in the unit of the inputs.
    error_rate : float
        The error rate in (0, 1) at which each sigma was found.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure of 9 x 5.4 inches, which has histograms at its sides from 10 images on.

    Returns
    -------
    matplotlib.axes.Axes
        x: sigma, y: distance, both in the unit of the inputs. Save with ``ax.figure.savefig(path)``.

    Raises
    ------
    ValueError
        If there is no point, sequences have unequal lengths, or a number is outside its range (NaN: leave the image
        out).
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    Bars are the limits of sigma. The histograms count images along each axis; an image from which the attack found no
    error is a triangle at the upper edge, and in the histogram of sigma alone.

    Source: Ford, Gilmer, Carlini, Cubuk (2019), Adversarial Examples Are a Natural Consequence of Test Error in Noise,
    figure 2.

    Examples
    --------
    >>> halfspace_prediction({"plain": ([0.1, 0.2], [0.2, 0.5])}).get_xlabel()
    '$\\sigma$ at which the error rate in noise is 1 % (unit of the inputs)'
    """
    read = {name: _read(name, sequences) for name, sequences in points.items()}
    sigmas = np.concatenate([model.sigma for model in read.values()]) if read else np.empty(0)
    if not sigmas.size:
        raise ValueError("points must hold at least one image: there is nothing to draw.")
    error_rate = _validate.as_confidence(error_rate, "error_rate")
    own = ax is None
    ax, theme = axes("halfspace_prediction", ax), current()
    slope = float(bounds.halfspace_distance(error_rate))
    right = 1.08 * float(sigmas.max())
    finite = [float(d) for model in read.values() for d in model.distance if math.isfinite(d)]
    failed = any(math.inf in model.distance for model in read.values())
    top = (1.18 if failed else 1.08) * max([slope * right, 0.0, *finite]) or 0.1 * right
    (line,) = ax.plot(
        [0, right], [0, slope * right], color=theme.ink, linewidth=1.6, linestyle=(0, (5, 3)), zorder=1.5,
        label=f"half-space prediction: {slope:.4g} $\\sigma$",
    )  # fmt: skip
    ax.set(xlim=(0, right), ylim=(min(0.0, slope * right), top))
    handles, bars = [], False
    for (name, model), colour, marker in zip(read.items(), cycle(theme.colours), cycle(MARKERS)):
        handles.append(key(name, marker, colour=colour))
        found = np.isfinite(model.distance)
        style: dict[str, Any] = {
            "color": colour,
            "linestyle": "none",
            "markeredgecolor": theme.paper,
            "markersize": 7.5,
        }
        ax.plot(model.sigma[found], model.distance[found], marker=marker, **style)
        heights = np.where(found, model.distance, STRIP)
        for where, transform in ((found, ax.transData), (~found, ax.get_xaxis_transform())):
            limited = where & np.isfinite(model.low)
            if limited.any():
                bars = True
                ax.hlines(
                    heights[limited], model.low[limited], np.minimum(model.high[limited], right), colors=colour,
                    linewidth=1.2, alpha=0.5, zorder=1.8, transform=transform,
                )  # fmt: skip
        lost = model.sigma[~found]
        if lost.size:
            ax.plot(lost, np.full(lost.size, STRIP), marker="^", transform=ax.get_xaxis_transform(), **style)
    ax.set(xlim=(0, right), ylim=(min(0.0, slope * right), top))
    if failed:
        handles.append(key("no error found (off the scale)", "^"))
    if bars:
        handles.append(key("confidence limits of $\\sigma$", "_"))
    ax.set_xlabel(f"$\\sigma$ at which the error rate in noise is {100 * error_rate:.4g} % (unit of the inputs)")
    ax.set_ylabel("distance of the error found from the clean image\n(unit of the inputs)")
    text = "Attack from clean images: a prediction, not a bound"
    if own and sigmas.size >= _HISTOGRAM_FROM:
        _draw_histograms(ax, read)
        title(ax, text, y=1.19)
    else:
        title(ax, text)
    finish(ax, [line, *handles], beside=0.17 if ax.child_axes else 0.0)
    if ax.child_axes:
        settle(ax)
    return ax


def _draw_histograms(ax: Axes, read: Mapping[str, _Points]) -> None:
    """Count the images of each model along both axes, above and beside them."""
    above = ax.inset_axes((0.0, 1.03, 1.0, 0.14), sharex=ax)
    beside = ax.inset_axes((1.02, 0.0, 0.14, 1.0), sharey=ax)
    bins = (np.linspace(*ax.get_xlim(), _BINS + 1), np.linspace(*ax.get_ylim(), _BINS + 1))
    for side, edges, lengthwise in ((above, bins[0], False), (beside, bins[1], True)):
        tallest = 0
        for model, colour, dashes in zip(read.values(), cycle(current().colours), cycle(DASHES)):
            values = model.distance[np.isfinite(model.distance)] if lengthwise else model.sigma
            counts, _ = np.histogram(values, edges)
            tallest = max(tallest, int(counts.max()))
            side.stairs(
                counts, edges, orientation="horizontal" if lengthwise else "vertical", color=colour, linestyle=dashes,
                linewidth=1.6,
            )  # fmt: skip
        ink(side)
        side.set_facecolor("none")
        side.tick_params(labelbottom=False, labeltop=lengthwise, labelleft=not lengthwise, labelsize=8.5)
        if lengthwise:  # below it is the label of the large axes
            side.tick_params(axis="x", top=True, bottom=False)
            side.xaxis.set_label_position("top")
            side.spines["top"].set_visible(True)
            side.spines["bottom"].set_visible(False)
        count, place = (side.xaxis, side.yaxis) if lengthwise else (side.yaxis, side.xaxis)
        (side.set_xlim if lengthwise else side.set_ylim)(0, 1.1 * max(tallest, 1))
        count.set_ticks([0, tallest] if tallest else [0])
        place.set_tick_params(length=0)
        (side.set_xlabel if lengthwise else side.set_ylabel)("images", fontsize=8.5)


def _read(name: str, sequences: Sequence[Sequence[float]]) -> _Points:
    if len(sequences) not in (2, 4):
        raise ValueError(
            f"points[{name!r}] has {len(sequences)} sequences: give sigmas and distances, or these and two limits."
        )
    sigma = _validate.as_positive(f"sigmas of {name!r}", floats(sequences[0]), "a scale of noise")
    distance = _validate.as_nonnegative(f"distances of {name!r}", floats(sequences[1]), "a distance")
    if sigma.ndim != 1 or sigma.shape != distance.shape:
        raise ValueError(
            f"points[{name!r}] has {sigma.size} sigmas and {distance.size} distances: give one of each an image."
        )
    unknown = ~np.isfinite(sigma) | np.isnan(distance)
    if unknown.any():
        raise ValueError(f"points[{name!r}] has no number for image {int(unknown.argmax())}: leave such images out.")
    if len(sequences) == 2:
        none = np.full(sigma.shape, np.nan)
        return _Points(sigma, distance, none, none)
    low, high = (
        _validate.as_nonnegative(f"limits of sigma of {name!r}", floats(limits), "a limit of a scale of noise")
        for limits in sequences[2:]
    )
    if low.shape != sigma.shape or high.shape != sigma.shape:
        raise ValueError(
            f"points[{name!r}] has {low.size} lower and {high.size} upper limits of {sigma.size} sigmas: give one of "
            "each an image."
        )
    crossed = (low > sigma) | (high < sigma)
    if crossed.any():
        raise ValueError(f"points[{name!r}] has limits that leave out sigma at image {int(crossed.argmax())}.")
    return _Points(sigma, distance, low, high)
