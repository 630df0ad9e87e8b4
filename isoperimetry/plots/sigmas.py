"""Distances from noisy samples against the scale of noise at which a model has one error rate."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from isoperimetry import _validate, bounds
from isoperimetry.checks import AttackAudit
from isoperimetry.plots.error_rates import STRIP, say_beyond, say_quantile, verdict_keys
from isoperimetry.plots.records import as_filled, as_groups
from isoperimetry.plots.style import MARKERS, axes, current, finish, key, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def distance_against_sigma(
    groups: Mapping[str, Sequence[AttackAudit | Mapping[str, Any]]],
    *,
    error_rate: float = 0.01,
    convicted: Mapping[str, Collection[int]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    r"""Draw the attack's distance from noisy samples against the scale of noise that reaches an error rate.

    One point an audit at its scale of noise, where the model's error rate is about ``error_rate``. The line
    :math:`-\Phi^{-1}(\mu)\,\sigma` is the largest median that an error set of exactly that rate allows, attained by
    half-spaces. Filled are the audits for which it is proved, at the rate that was counted there, that the attack
    misses nearer errors.

    Parameters
    ----------
    groups : mapping from str to sequence of AttackAudit
        The audits under the name of their model, or their dictionaries; at least one, the same ``q`` in all.
    error_rate : float
        The error rate in (0, 1) for which the scales were searched.
    convicted : mapping from str to collection of int, optional
        As in `distance_against_error_rate`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure of 9 x 5.4 inches.

    Returns
    -------
    matplotlib.axes.Axes
        x: sigma; y: distance, in the unit of the inputs.

    Raises
    ------
    TypeError
        If something is no audit and no dictionary of one.
    ValueError
        If there is no audit, if they differ in ``q`` or in ``stretch`` and so have no line in common, if
        ``error_rate`` is not in (0, 1) or ``convicted`` names what is not in ``groups``.
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    The bars are the order-statistic limits of the quantile of the distances. Triangles at the upper edge: the quantile
    is infinite. The rate counted at a scale differs a little from ``error_rate``, so that a point may lie beyond the
    line without being proved to miss errors, and the other way round: `distance_against_error_rate` shows the counts.
    Where only correct starts were attacked, their larger bound is drawn, dotted.

    Source: Ford, Gilmer, Carlini, Cubuk (2019), Adversarial Examples Are a Natural Consequence of Test Error in Noise,
    figure 4, bottom.

    Examples
    --------
    >>> from isoperimetry.checks import audit_attack
    >>> audit = audit_attack([0.0, 0.1, 0.2], errors=10, trials=1000, sigma=0.1)
    >>> ax = distance_against_sigma({"plain": [audit]}, error_rate=0.01)
    >>> ax.lines[0].get_label()
    'largest median for 1 % errors: 2.326 $\\sigma$'
    """
    error_rate = _validate.as_confidence(error_rate, "error_rate")
    read = as_groups(groups)
    audits = [audit for group in read.values() for audit in group]
    stretches = {audit.stretch for audit in audits}
    if len(stretches) > 1:
        raise ValueError("groups mixes audits of different norms or covariances: they have no line in common.")
    filled = as_filled(read, convicted)
    ax, theme = axes("distance_against_sigma", ax), current()
    q, right = audits[0].q, 1.08 * max(audit.sigma for audit in audits)
    heights = [h for audit in audits for h in (audit.distance_quantile, audit.distance_high) if math.isfinite(h)]
    failed = any(math.isinf(audit.distance_quantile) for audit in audits)
    slopes = {
        kind: stretches.copy().pop() * float(bounds.quantile_distance_bound(error_rate, 1.0, q=q, conditional=kind))
        for kind in sorted({audit.conditional for audit in audits})
    }
    # An upper limit far above all points would press them to the bottom: its bar leaves the picture.
    points = [audit.distance_quantile for audit in audits if math.isfinite(audit.distance_quantile)]
    ends = [slope * right for slope in slopes.values()]
    top = 1.18 * min(max([*ends, *heights]), 2.0 * max([*ends, *points])) or right
    ax.fill_between([0, right], [0, max(ends)], [top, top], color=theme.missed, linewidth=0, zorder=0)
    which = "median" if q == 0.5 else f"{q:g}-quantile"
    lines = [
        ax.plot(
            [0, right], [0, slope * right], color=theme.ink, linewidth=1.8, zorder=1.5,
            linestyle="solid" if kind is min(slopes) else (0, (1, 1.2)),
            label=f"largest {which}{' of correct starts' if kind else ''} for {100 * error_rate:.4g} % errors: "
            f"{slope:.4g} $\\sigma$",
        )[0]
        for kind, slope in slopes.items()
    ]  # fmt: skip
    ax.set(xlim=(0, right), ylim=(0, top))
    handles = []
    for (name, group), colour, marker in zip(read.items(), cycle(theme.colours), cycle(MARKERS)):
        handles.append(key(name, marker, colour=colour))
        for index, audit in enumerate(group):
            face = colour if index in filled[name] else theme.paper
            _draw(ax, audit, face, {"color": colour, "marker": marker, "label": f"_{name}"}, top)
    handles += verdict_keys(
        n_filled=sum(map(len, filled.values())),
        n_audits=len(audits),
        judged="each alone" if convicted is None else "all at once",
        failed=failed,
    )
    handles.append(key("confidence limits of the distance", "|"))
    say_beyond(ax, f"beyond the line: no error set of\nthis rate allows this {which}", side="left")
    ax.set_xlabel(f"$\\sigma$ at which the error rate in noise is about {100 * error_rate:.4g} % (unit of the inputs)")
    ax.set_ylabel(f"{say_quantile(q)} distance of the error found from noisy samples (unit of the inputs)")
    title(ax, f"Attack from noisy samples, at {100 * error_rate:.4g} % errors in noise")
    finish(ax, [*lines, *handles])
    return ax


def _draw(ax: Axes, audit: AttackAudit, face: str, look: dict[str, Any], top: float) -> None:
    sigma, height = audit.sigma, audit.distance_quantile
    if math.isfinite(audit.distance_low):
        limits = np.minimum([audit.distance_low, audit.distance_high], top)
        ax.plot([sigma, sigma], limits, color=look["color"], linewidth=1.0, alpha=0.45, zorder=2)
    off = math.isinf(height)
    ax.plot(
        [sigma], [STRIP if off else height], transform=ax.get_xaxis_transform() if off else ax.transData,
        linestyle="none", markersize=7, markeredgecolor=look["color"], markeredgewidth=1.4, markerfacecolor=face,
        zorder=3, **look | ({"marker": "^"} if off else {}),
    )  # fmt: skip
