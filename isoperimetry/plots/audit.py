"""The figures of Ford, Gilmer, Carlini and Cubuk (2019) as functions of records; each takes and returns Axes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate, bounds
from isoperimetry.checks import AttackAudit, AuditVerdict
from isoperimetry.plots.style import COLOURS, INK, MARKERS, MISSED, PALE, axes, finish, key

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STRIP = 0.955  # height of the strip for infinite distances, as a fraction of the axes
# A second curve is drawn where it leaves the first by more than this part of the height, about twice the line's width.
_VISIBLE = 0.01


def distance_against_error_rate(
    groups: Mapping[str, Sequence[AttackAudit]],
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
        The audits under the name of their model; at least one, and the same ``q`` in all.
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
    audits = [audit for group in groups.values() for audit in group]
    if not audits:
        raise ValueError("groups must hold at least one audit: there is nothing to draw.")
    levels = sorted({audit.q for audit in audits})
    if len(levels) > 1:
        raise ValueError(f"groups mixes audits of q = {', '.join(map(str, levels))}: they have no curve in common.")
    q = levels[0]
    filled = _filled(groups, convicted)
    ax = axes("distance_against_error_rate", ax)
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
    ax.fill_between(x, _curve(x, q, kinds[-1]), top, color=MISSED, linewidth=0, zorder=0)
    lines = [
        ax.plot(
            x, _curve(x, q, kind), color=INK, linewidth=1.8, zorder=1.5,
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
    for (name, group), colour, marker in zip(groups.items(), cycle(COLOURS), cycle(MARKERS)):
        handles.append(key(name, marker, colour=colour))
        for index, audit in enumerate(group):
            _draw_audit(ax, audit, name, colour if index in filled[name] else "white", colour, marker, left, top)
    n_filled = sum(map(len, filled.values()))
    judged = "each alone" if convicted is None else "all at once"
    keys = {
        f"proved to miss errors ({judged})": ("o", PALE, n_filled > 0),
        f"not proved ({judged})": ("o", "white", n_filled < len(audits)),
        "no error found (off the scale)": ("^", PALE, any(math.isinf(_heights(audit)[1]) for audit in audits)),
        "no error drawn in noise": ("<", "white", rates.size < len(audits)),
        "confidence limits": ("_", PALE, rates.size > 0),
    }
    handles += [key(label, symbol, face=face) for label, (symbol, face, shown) in keys.items() if shown]
    ax.text(
        0.985, 0.885,
        f"beyond the bound: no error set\nof this rate allows this {'median' if q == 0.5 else 'quantile'}",
        transform=ax.transAxes, ha="right", va="top", color="#9c4a2f", fontsize=10, linespacing=1.3,
        bbox={"facecolor": MISSED, "edgecolor": "none", "alpha": 0.85, "pad": 2},
    )  # fmt: skip
    ax.set_xlabel("error rate in noise (errors / draws, log scale)")
    unit = r"$\sigma$" if all(audit.stretch == 1 for audit in audits) else r"(stretch $\times\ \sigma$)"
    ax.set_ylabel(f"{'median' if q == 0.5 else f'{q:g}-quantile of the'} distance of the error found / {unit}")
    ax.set_title("Attack from noisy samples, against the error rate in noise", loc="left", fontsize=12)
    finish(ax, [*lines, *handles])
    return ax


def halfspace_prediction(
    points: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, error_rate: float = 0.01, ax: Axes | None = None
) -> Axes:
    r"""Draw the attack's distance from clean images against the scale of noise that reaches an error rate.

    The dashed line is the half-space *prediction* :math:`-\Phi^{-1}(\mu)\,\sigma(x_0, \mu)`: what the distance would
    be if the error set were a half-space. It bounds nothing at a clean image, on neither side.

    Parameters
    ----------
    points : mapping from str to (sigmas, distances)
        For each model two sequences of equal length: sigma(x0, error_rate) of each image, > 0, and the distance of the
        error which the attack found from the clean image, >= 0 (inf: none found), both in the unit of the inputs.
    error_rate : float
        The error rate in (0, 1) at which each sigma was found.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure of 9 x 5.4 inches.

    Returns
    -------
    matplotlib.axes.Axes
        x: sigma, y: distance, both in the unit of the inputs. Save with ``ax.figure.savefig(path)``.

    Raises
    ------
    ValueError
        If there is no point, a pair has unequal lengths, or a number is outside its range (NaN: leave the image out).
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    Source: Ford, Gilmer, Carlini, Cubuk (2019), Adversarial Examples Are a Natural Consequence of Test Error in Noise,
    figure 2.

    Examples
    --------
    >>> halfspace_prediction({"plain": ([0.1, 0.2], [0.2, 0.5])}).get_xlabel()
    '$\\sigma$ at which the error rate in noise is 1 % (unit of the inputs)'
    """
    pairs = {name: _pair(name, *pair) for name, pair in points.items()}
    sigmas = np.concatenate([sigma for sigma, _ in pairs.values()]) if pairs else np.empty(0)
    if not sigmas.size:
        raise ValueError("points must hold at least one image: there is nothing to draw.")
    error_rate = _validate.as_confidence(error_rate, "error_rate")
    ax = axes("halfspace_prediction", ax)
    slope = float(bounds.halfspace_distance(error_rate))
    right = 1.08 * float(sigmas.max())
    finite = [float(d) for _, distance in pairs.values() for d in distance if math.isfinite(d)]
    failed = any(math.inf in distance for _, distance in pairs.values())
    top = (1.18 if failed else 1.08) * max([slope * right, 0.0, *finite]) or 0.1 * right
    (line,) = ax.plot(
        [0, right], [0, slope * right], color=INK, linewidth=1.6, linestyle=(0, (5, 3)), zorder=1.5,
        label=f"half-space prediction: {slope:.4g} $\\sigma$",
    )  # fmt: skip
    ax.set(xlim=(0, right), ylim=(min(0.0, slope * right), top))
    handles = []
    for (name, (sigma, distance)), colour, marker in zip(pairs.items(), cycle(COLOURS), cycle(MARKERS)):
        handles.append(key(name, marker, colour=colour))
        found = np.isfinite(distance)
        style: dict[str, Any] = {"color": colour, "linestyle": "none", "markeredgecolor": "white", "markersize": 7.5}
        ax.plot(sigma[found], distance[found], marker=marker, **style)
        lost = sigma[~found]
        if lost.size:
            ax.plot(lost, np.full(lost.size, _STRIP), marker="^", transform=ax.get_xaxis_transform(), **style)
    if failed:
        handles.append(key("no error found (off the scale)", "^"))
    ax.set_xlabel(f"$\\sigma$ at which the error rate in noise is {100 * error_rate:.4g} % (unit of the inputs)")
    ax.set_ylabel("distance of the error found from the clean image\n(unit of the inputs)")
    ax.set_title("Attack from clean images: a prediction, not a bound", loc="left", fontsize=12)
    finish(ax, [line, *handles])
    return ax


def _heights(audit: AttackAudit) -> tuple[float, float, float]:
    """Return the lower limit, the sample value and the upper limit of the quantile of the distances, over sigma."""
    unit = audit.sigma * audit.stretch
    return audit.distance_low / unit, audit.distance_quantile / unit, audit.distance_high / unit


def _curve(rate: float | NDArray[np.float64], q: float, conditional: bool) -> NDArray[np.float64]:
    return np.asarray(bounds.quantile_distance_bound(rate, 1.0, q=q, conditional=conditional))


def _filled(
    groups: Mapping[str, Sequence[AttackAudit]], convicted: Mapping[str, Collection[int]] | None
) -> dict[str, set[int]]:
    """Return the places of the convicted audits in each group."""
    if convicted is None:
        return {
            name: {i for i, audit in enumerate(group) if audit.verdict is AuditVerdict.ATTACK_FAILING}
            for name, group in groups.items()
        }
    for name, places in convicted.items():
        if name not in groups:
            raise ValueError(f"convicted names {name!r}, which is not in groups: use the same names.")
        for place in places:
            if not 0 <= place < len(groups[name]):
                raise ValueError(
                    f"convicted[{name!r}] holds {place}, but there are {len(groups[name])} audits: count from 0."
                )
    return {name: set(convicted.get(name, ())) for name in groups}


def _draw_audit(
    ax: Axes, audit: AttackAudit, name: str, face: str, colour: str, marker: str, left: float, top: float
) -> None:
    low, height, high = _heights(audit)
    rate = audit.errors / max(audit.trials, 1)
    transform, x, y = ax.transData, rate, height
    if math.isinf(height):
        transform, marker, y = ax.get_xaxis_transform(), "^", _STRIP
    if audit.errors == 0:
        transform, marker, x = ax.get_yaxis_transform(), "<", 0.012
        if math.isinf(height):
            transform, y = ax.transAxes, _STRIP
    else:
        bar: dict[str, Any] = {"color": colour, "linewidth": 1.0, "alpha": 0.45, "zorder": 2}
        ax.plot([max(audit.error_rate.low, left), rate], [y, y], transform=transform, **bar)
        if math.isfinite(low):
            ax.plot([rate, rate], [low, min(high, top)], **bar)
    ax.plot(
        [x], [y], transform=transform, marker=marker, markersize=7, markeredgecolor=colour, markeredgewidth=1.4,
        markerfacecolor=face, linestyle="none", zorder=3, label=f"_{name}",
    )  # fmt: skip


def _pair(name: str, sigmas: ArrayLike, distances: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sigma = _validate.as_positive(f"sigmas of {name!r}", sigmas, "a scale of noise")
    distance = _validate.as_nonnegative(f"distances of {name!r}", distances, "a distance")
    if sigma.ndim != 1 or sigma.shape != distance.shape:
        raise ValueError(
            f"points[{name!r}] has {sigma.size} sigmas and {distance.size} distances: give one of each an image."
        )
    unknown = ~np.isfinite(sigma) | np.isnan(distance)
    if unknown.any():
        raise ValueError(f"points[{name!r}] has no number for image {int(unknown.argmax())}: leave such images out.")
    return sigma, distance


def _curve_label(q: float) -> str:
    start = "" if q == 0.5 else rf"\Phi^{{-1}}({q:g}) "
    return rf"optimal curve: ${start}-\Phi^{{-1}}$(rate)"
