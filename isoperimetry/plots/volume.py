"""Figures of a volume's run: its estimate and limits as the calls went by, and the levels of splitting."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from isoperimetry.estimate import Estimate, say_log
from isoperimetry.plots.style import axes, current, finish, key, patch, title
from isoperimetry.results import Guarantee, at_most

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TEN = math.log(10.0)


def volume_run(estimate: Estimate, *, log_truth: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw how an estimate and its limits came about: against the calls of the estimator, on a log scale.

    Parameters
    ----------
    estimate : Estimate
        From `isoperimetry.volume`; exact values have no run and are refused.
    log_truth : float, optional
        Natural logarithm of the true measure, drawn as a line.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure of 9 x 5.4 inches.

    Returns
    -------
    matplotlib.axes.Axes
        x: calls of the estimator, without search and guard; y: measure in powers of ten, also below the smallest float.

    Raises
    ------
    ValueError
        If the estimate has no run, or never saw an error.
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    The band is what the estimator itself knew at each look; where its interval has no upper limit, its asymptotic
    spread. The bar at the right end is the final interval, with the residual of the plain draws.

    Examples
    --------
    >>> from isoperimetry import Membership, volume
    >>> estimate = volume(Membership(lambda x: x[:, 0] > 1.0, dim=2), rel_error=0.1, rng=1)
    >>> volume_run(estimate).get_xlabel()
    'calls of the estimator'
    """
    steps = [step for step in estimate.trace if step.log_value > -math.inf]
    if not steps:
        why = "it is exact" if estimate.guarantee is Guarantee.EXACT else "no error was seen"
        raise ValueError(f"estimate={estimate} has no run to draw: {why}.")
    ax, theme = axes("volume_run", ax), current()
    calls = np.array([step.n_calls for step in steps])
    middle, low, high = (
        np.array([getattr(step, name) for step in steps]) / _TEN for name in ("log_value", "log_low", "log_high")
    )
    final = [limit / _TEN for limit in estimate.log_interval]
    shown = [value for value in (*middle, *low, *high) if math.isfinite(value)]
    if log_truth is not None:
        shown.append(log_truth / _TEN)
    bottom, top = min(shown), max(shown)
    # An upper limit far above what the estimator knew, as a residual is, is named and not drawn to scale.
    beyond = final[1] > top + max(2.0 * (top - bottom), 0.3)
    top = top if beyond else max(top, final[1])
    bottom = min(bottom, final[0]) if math.isfinite(final[0]) and final[0] > bottom - 1.0 else bottom
    # Within a decade heights are the measures themselves, else their logarithms: a log axis ends at the smallest float.
    narrow = top - bottom < 1.0 and bottom > -290.0
    scale = np.power if narrow else lambda _, exponent: exponent
    ends = scale(10.0, np.array([bottom, top]))
    pad = 0.06 * max(ends[1] - ends[0], 1e-3 * abs(ends[1]))
    floor = ends[0] - pad
    middle, low, high = (scale(10.0, exponents) for exponents in (middle, low, high))
    colour = theme.colours[0]
    ax.fill_between(calls, np.maximum(low, floor), high, color=colour, alpha=0.18, linewidth=0)
    ax.plot(calls, middle, color=colour, linewidth=1.8, marker="o" if len(steps) == 1 else None)
    end = float(calls[-1]) * (calls[-1] / calls[0]) ** 0.03 if len(steps) > 1 else float(calls[-1]) * 1.05
    limits = scale(10.0, np.array(final))
    roof = ends[1] + 0.6 * pad if beyond else limits[1]
    ax.plot([end, end], [max(limits[0], floor), roof], color=theme.ink, linewidth=2.2, solid_capstyle="butt")
    if beyond:
        ax.plot(end, roof, color=theme.ink, marker="^", markersize=7)
        text = f"upper limit {say_log(estimate.log_interval[1], at_most)}"
        ax.annotate(text, (end, roof), (-8, 0), textcoords="offset points", ha="right", va="center", color=theme.ink)
    ax.set_xscale("log")
    if calls[-1] < 300 * calls[0]:
        from matplotlib.ticker import LogLocator, NullFormatter

        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_ylim(floor, ends[1] + pad)
    ax.set_xlabel("calls of the estimator")
    ax.set_ylabel("measure of the error set")
    if not narrow:
        from matplotlib.ticker import MaxNLocator

        ax.yaxis.set_major_locator(MaxNLocator(integer=top - bottom > 4.0))
        ax.yaxis.set_major_formatter(lambda value, _: say_log(value * _TEN))
    title(ax, f"{estimate.method}: {say_log(estimate.log_value)}, stopped by {estimate.stopped}", size=11)
    handles = [
        key("estimate", "_", colour=colour),
        patch("its limits at each look", facecolor=colour, alpha=0.18),
        key(f"interval ({estimate.guarantee.value})", "|", colour=theme.ink),
    ]
    if log_truth is not None:
        ax.axhline(float(scale(10.0, log_truth / _TEN)), color=theme.colours[1], linewidth=1.4, linestyle="--")
        handles.append(key("truth", "_", colour=theme.colours[1]))
    finish(ax, handles)
    return ax


def splitting_levels(estimate: Estimate, *, ax: Axes | None = None) -> Axes:
    """Draw the levels through which splitting came down to the error set: margin against the measure of what is below.

    Parameters
    ----------
    estimate : Estimate
        Of the method "splitting".
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure of 9 x 5.4 inches.

    Returns
    -------
    matplotlib.axes.Axes
        x: measure of ``{margin <= level}`` in powers of ten; y: level, in the unit of the margin, 0 at the error set.

    Raises
    ------
    ValueError
        If the estimate is of another method.
    MissingDependency
        If matplotlib is not installed.
    """
    levels = estimate.details.get("levels")
    if not levels:
        raise ValueError(f"estimate={estimate} has no levels: they are those of method='splitting'.")
    ax, theme = axes("splitting_levels", ax), current()
    height = levels["level"]
    measure = np.array(levels["log_value"]) / _TEN
    ax.plot(measure, height, color=theme.colours[0], linewidth=1.4, marker="o", markersize=3.5)
    ax.axhline(0.0, color=theme.pale, linewidth=1.0)
    ax.invert_xaxis()
    ax.set_xlabel("measure of what is below the level")
    ax.set_ylabel("level of the margin")
    if max(measure) - min(measure) > 2.0:
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter(lambda value, _: say_log(value * _TEN))
    title(ax, f"splitting: {len(height)} levels of the first replica", size=11)
    finish(ax, [key("level", "o", colour=theme.colours[0]), key("error set", "_", colour=theme.pale)])
    return ax
