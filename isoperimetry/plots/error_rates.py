"""Distances from noisy samples against the error rate in noise, with the curve that no error set exceeds."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isoperimetry import bounds
from isoperimetry.checks import AttackAudit
from isoperimetry.plots.records import as_filled, as_groups
from isoperimetry.plots.style import MARKERS, axes, current, finish, key, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

STRIP = 0.955  # height of the strip for infinite distances, as a fraction of the axes
# A second curve is drawn where it leaves the first by more than this part of the height, about twice the line's width.
_VISIBLE = 0.01


def distance_against_error_rate(
    groups: Mapping[str, Sequence[AttackAudit | Mapping[str, Any]]],
    *,
    convicted: Mapping[str, Collection[int]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    r"""Draw the attack's distance from noisy samples against the error rate in noise, with the optimal curve.

    One point an audit: the measured error rate and the sample quantile of the distances in units of ``sigma``. The
    curve is the largest quantile that any error set of that measure allows, attained by half-spaces: beyond it, an
    attack misses nearer errors. The points are estimates; filled are those for which this is proved, from the ends of
    their bars.

    Parameters
    ----------
    groups : mapping from str to sequence of AttackAudit
        The audits under the name of their model, or their dictionaries; at least one, and the same ``q`` in all.
    convicted : mapping from str to collection of int, optional
        For each model the places in its sequence of the audits that are convicted all at once, for instance
        ``audit_many(...).convicted``; a model that is left out has none. None: each audit's own verdict is shown, and
        the legend says that each was judged alone.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure of 9 x 5.4 inches.

    Returns
    -------
    matplotlib.axes.Axes
        x: error rate in noise, in [0, 1], on a log scale; y: distance / sigma, a pure number (for other norms and
        covariances also divided by the ``stretch`` of the audit). Save with ``ax.figure.savefig(path)``.

    Raises
    ------
    TypeError
        If something is no audit and no dictionary of one.
    ValueError
        If there is no audit, or they differ in ``q`` and so have no curve in common; if ``convicted`` names what is not
        in ``groups``.
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    The bars reach to the lower limit of the error rate which the test used and, of the distance, over the
    order-statistic limits of the quantile. Triangles at the upper edge: the quantile is infinite, as the attack found
    no error from too many starts. Triangles at the left edge: no error was drawn. Audits with the larger bound for
    correct starts have a second, dotted curve where the two can be told apart at one of these points.

    Source: Ford, Gilmer, Carlini, Cubuk (2019), Adversarial Examples Are a Natural Consequence of Test Error in Noise,
    figure 4, with one scale of noise an image.

    Examples
    --------
    >>> from isoperimetry.checks import audit_attack
    >>> audit = audit_attack([0.1, 0.2, 0.3], errors=10, trials=1000, sigma=0.1)
    >>> distance_against_error_rate({"plain": [audit]}).get_ylabel()
    'median distance of the error found / $\\sigma$'
    """
    read = as_groups(groups)
    audits = [audit for group in read.values() for audit in group]
    q = audits[0].q
    filled = as_filled(read, convicted)
    ax, theme = axes("distance_against_error_rate", ax), current()
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    rates = np.array([audit.errors / audit.trials for audit in audits if audit.errors])
    left, right = (rates.min() / 3, min(1.0, rates.max() * 3)) if rates.size else (1e-3, 1.0)
    x = np.geomspace(left, right, 400)
    heights = [height for audit in audits for height in _heights(audit) if math.isfinite(height)]
    top = 1.18 * max([float(_curve(left, q, True)), *heights]) or 1.0
    kinds = sorted({audit.conditional for audit in audits})
    if len(kinds) == 2:
        correct = np.array([audit.errors / audit.trials for audit in audits if audit.errors and audit.conditional])
        if (_curve(correct, q, True) - _curve(correct, q, False)).max(initial=0.0) <= _VISIBLE * top:
            kinds = [False]
    ax.fill_between(x, _curve(x, q, kinds[-1]), top, color=theme.missed, linewidth=0, zorder=0)
    lines = [
        ax.plot(
            x, _curve(x, q, kind), color=theme.ink, linewidth=1.8, zorder=1.5,
            linestyle="solid" if kind is kinds[0] else (0, (1, 1.2)),
            label="optimal curve, correct starts" if kind else _curve_label(q),
        )[0]
        for kind in kinds
    ]  # fmt: skip
    ax.set(xscale="log", xlim=(left, right), ylim=(0, top))
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if right / left < 300 else (1,)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{100 * rate:g} %"))
    ax.xaxis.set_minor_formatter(NullFormatter())

    handles = []
    for (name, group), colour, marker in zip(read.items(), cycle(theme.colours), cycle(MARKERS)):
        handles.append(key(name, marker, colour=colour))
        for index, audit in enumerate(group):
            _draw_audit(ax, audit, name, colour if index in filled[name] else theme.paper, colour, marker, left, top)
    handles += verdict_keys(
        n_filled=sum(map(len, filled.values())),
        n_audits=len(audits),
        judged="each alone" if convicted is None else "all at once",
        failed=any(math.isinf(audit.distance_quantile) for audit in audits),
    )
    if rates.size < len(audits):
        handles.append(key("no error drawn in noise", "<", face=theme.paper))
    if rates.size:
        handles.append(key("confidence limits", "_"))
    say_beyond(ax, f"beyond the bound: no error set\nof this rate allows this {'median' if q == 0.5 else 'quantile'}")
    ax.set_xlabel("error rate in noise (errors / draws, log scale)")
    unit = r"$\sigma$" if all(audit.stretch == 1 for audit in audits) else r"(stretch $\times\ \sigma$)"
    ax.set_ylabel(f"{say_quantile(q)} distance of the error found / {unit}")
    title(ax, "Attack from noisy samples, against the error rate in noise")
    finish(ax, [*lines, *handles])
    return ax


def verdict_keys(*, n_filled: int, n_audits: int, judged: str, failed: bool) -> list[Line2D]:
    """Return what the legend says about filled, hollow and triangular markers."""
    keys = {
        f"proved to miss errors ({judged})": ("o", None, n_filled > 0),
        f"not proved ({judged})": ("o", current().paper, n_filled < n_audits),
        "no error found (off the scale)": ("^", None, failed),
    }
    return [key(label, symbol, face=face) for label, (symbol, face, shown) in keys.items() if shown]


def say_beyond(ax: Axes, text: str, *, side: str = "right") -> None:
    """Write into the region beyond the bound, in its corner."""
    theme = current()
    ax.text(
        0.985 if side == "right" else 0.015, 0.885, text, transform=ax.transAxes, ha=side, va="top",
        color=theme.missed_ink, fontsize=10, linespacing=1.3,
        bbox={"facecolor": theme.missed, "edgecolor": "none", "alpha": 0.85, "pad": 2},
    )  # fmt: skip


def say_quantile(q: float) -> str:
    """Return which quantile of the distances is meant."""
    return "median" if q == 0.5 else f"{q:g}-quantile of the"


def _heights(audit: AttackAudit) -> tuple[float, float, float]:
    """Return the lower limit, the sample value and the upper limit of the quantile of the distances, over sigma."""
    unit = audit.sigma * audit.stretch
    return audit.distance_low / unit, audit.distance_quantile / unit, audit.distance_high / unit


def _curve(rate: float | NDArray[np.float64], q: float, conditional: bool) -> NDArray[np.float64]:
    return np.asarray(bounds.quantile_distance_bound(rate, 1.0, q=q, conditional=conditional))


def _draw_audit(
    ax: Axes, audit: AttackAudit, name: str, face: str, colour: str, marker: str, left: float, top: float
) -> None:
    low, height, high = _heights(audit)
    rate = audit.errors / max(audit.trials, 1)
    transform, x, y = ax.transData, rate, height
    if math.isinf(height):
        transform, marker, y = ax.get_xaxis_transform(), "^", STRIP
    if audit.errors == 0:
        transform, marker, x = ax.get_yaxis_transform(), "<", 0.012
        if math.isinf(height):
            transform, y = ax.transAxes, STRIP
    else:
        bar: dict[str, Any] = {"color": colour, "linewidth": 1.0, "alpha": 0.45, "zorder": 2}
        ax.plot([max(audit.error_rate.low, left), rate], [y, y], transform=transform, **bar)
        if math.isfinite(low):
            ax.plot([rate, rate], [low, min(high, top)], **bar)
    ax.plot(
        [x], [y], transform=transform, color=colour, marker=marker, markersize=7, markeredgecolor=colour,
        markeredgewidth=1.4, markerfacecolor=face, linestyle="none", zorder=3, label=f"_{name}",
    )  # fmt: skip


def _curve_label(q: float) -> str:
    start = "" if q == 0.5 else rf"\Phi^{{-1}}({q:g}) "
    return rf"optimal curve: ${start}-\Phi^{{-1}}$(rate)"
