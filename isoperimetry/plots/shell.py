"""The noise shell and the boundary of a half-space, to scale: noise goes far, and the nearest error is near."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from isoperimetry import _validate, bounds, special
from isoperimetry.plots.style import HATCHES, axes, current, finish, is_own, key, patch, settle, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Where the boundary is nearer to the centre than this part of the shell's radius, a second picture magnifies it.
_SEEN = 1 / 40
_SHELL = 0.95  # of the noisy samples lie within the drawn thickness


def noise_shell(mu: float, sigma: float, dim: int, *, ax: Axes | None = None) -> Axes:
    r"""Draw to scale how far noise goes and where the boundary is, if the errors are a half-space.

    Noisy images lie in a thin shell at about :math:`\sigma \sqrt{n}`, while a half-space in which a fraction ``mu`` of
    them falls begins at :math:`-\sigma \Phi^{-1}(\mu)`, whatever the dimension is.

    Parameters
    ----------
    mu : float
        Error rate in noise, in (0, 1).
    sigma : float
        Scale of the noise, > 0, in the unit of the inputs.
    dim : int
        Dimension of the inputs, at least 2.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure of 9 x 5.4 inches.

    Returns
    -------
    matplotlib.axes.Axes
        x: along the normal of the boundary; y: along any direction across it; both in the unit of the inputs, from the
        clean image. Where the boundary is too near to be seen, ``ax.child_axes`` holds a magnified picture.

    Raises
    ------
    TypeError
        If ``dim`` is no integer.
    ValueError
        If ``mu`` is not in (0, 1), ``sigma`` not finite and > 0, or ``dim`` below 2.
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    At the clean image the boundary is a prediction: it assumes a half-space. About noisy images it is a theorem: half
    of them have an error within that distance, whatever the error set is (0 from a rate of 1/2 on).

    Source: Ford, Gilmer, Carlini, Cubuk (2019), Adversarial Examples Are a Natural Consequence of Test Error in Noise,
    figure 1; the shell holds 95 % of the noisy images, by the chi-square distribution of their squared lengths.

    Examples
    --------
    >>> ax = noise_shell(0.01, sigma=0.1, dim=3072)
    >>> [round(float(x), 4) for x in ax.lines[0].get_xdata()]  # the boundary
    [0.2326, 0.2326]
    """
    mu = _validate.as_confidence(mu, "mu")
    sigma = float(_validate.as_positive("sigma", sigma, "the scale of the noise"))
    dim = _validate.as_count("dim", dim, low=2)
    if not math.isfinite(sigma):
        raise ValueError(f"sigma={sigma!r} must be finite and > 0: it is the scale of the noise.")
    ax, theme = axes("noise_shell", ax), current()
    boundary, radius = float(bounds.halfspace_distance(mu, sigma)), sigma * math.sqrt(dim)
    inner, outer = (
        sigma * math.exp(special.log_chi2_ppf(math.log(level), dim=float(dim)) / 2)
        for level in ((1 - _SHELL) / 2, (1 + _SHELL) / 2)
    )
    view = 1.12 * max(outer, abs(boundary))
    _draw(ax, boundary, inner, outer, (-view, view))
    # A noisy image has about sigma along the normal, and all of the rest across it.
    ax.plot([0], [radius], marker="s", markersize=8, color=theme.colours[1], linestyle="none", zorder=4)
    ax.set(xlim=(-view, view), ylim=(-view, view), aspect="equal")
    if abs(boundary) < _SEEN * radius:
        _magnify(ax, boundary, inner, outer, view)
    kind = "prediction" if boundary > 0 else "prediction; the clean image lies inside"
    handles = [
        key("clean image", "o", colour=theme.colours[0]),
        key(f"a typical noisy image, $\\sigma\\sqrt{{n}}$ = {radius:.4g} away", "s", colour=theme.colours[1]),
        patch(
            f"noise shell: {100 * _SHELL:g} % of noisy images, {inner:.4g} to {outer:.4g} away",
            facecolor=theme.shades[2], edgecolor=theme.pale,
        ),
        key(
            f"boundary, if the errors are a half-space: $-\\sigma\\Phi^{{-1}}(\\mu)$ = {boundary:.4g} ({kind})",
            "", colour=theme.ink, linestyle=(0, (5, 3)),
        ),
        patch(
            f"its errors: {100 * mu:.4g} % of noisy images", facecolor=theme.missed, edgecolor=theme.missed_ink,
            hatch=HATCHES[1], linewidth=0,
        ),
    ]  # fmt: skip
    ax.set_xlabel("towards the boundary (unit of the inputs)")
    ax.set_ylabel("across (unit of the inputs)")
    title(ax, f"Error rate {100 * mu:.4g} % in noise of $\\sigma = {sigma:g}$, in {dim:,} dimensions")
    finish(ax, handles, grid=False)
    if is_own(ax):
        settle(ax)
    return ax


def _draw(ax: Axes, boundary: float, inner: float, outer: float, view: tuple[float, float]) -> None:
    """Draw boundary, errors, shell and clean image."""
    from matplotlib.patches import Annulus

    theme = current()
    edge: dict[str, Any] = {"edgecolor": theme.missed_ink, "linewidth": 0}
    low = max(boundary, view[0])
    ax.plot([boundary, boundary], [3 * view[0], 3 * view[1]], color=theme.ink, linestyle=(0, (5, 3)), zorder=3)
    ax.fill_between(
        [low, view[1]], [3 * view[0]] * 2, [3 * view[1]] * 2, facecolor=theme.missed, hatch=HATCHES[1], zorder=0,
        alpha=0.7, **edge,
    )  # fmt: skip
    ax.add_patch(
        Annulus(
            (0, 0), outer, max(outer - inner, 1e-3 * outer), facecolor=theme.shades[2], edgecolor=theme.pale,
            linewidth=0.8, zorder=1,
        )
    )  # fmt: skip
    ax.plot([0], [0], marker="o", markersize=8, color=theme.colours[0], linestyle="none", zorder=4)


def _magnify(ax: Axes, boundary: float, inner: float, outer: float, view: float) -> None:
    """Draw the surroundings of the clean image again, so large that the boundary is seen."""
    from matplotlib.patches import Rectangle

    theme = current()
    reach = 3 * abs(boundary) or 0.02 * outer
    inset = ax.inset_axes((0.55, 0.33, 0.32, 0.32), zorder=5)
    # A drawing of its own: backgrounds of axes are left out where the page is seen through the picture.
    inset.add_patch(Rectangle((0, 0), 1, 1, transform=inset.transAxes, facecolor=theme.paper, linewidth=0, zorder=-1))
    _draw(inset, boundary, inner, outer, (-reach, reach))
    inset.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
    for spine in inset.spines.values():
        spine.set_color(theme.ink)
    inset.set_title(f"{0.32 * view / reach:.3g} times as large", fontsize=9, color=theme.ink, pad=3).set_bbox(
        {"facecolor": theme.missed, "edgecolor": "none", "pad": 1}
    )
    if boundary > 0:
        inset.annotate(
            "", (boundary, 0), (0, 0), arrowprops={"arrowstyle": "<->", "color": theme.ink, "shrinkA": 0, "shrinkB": 0}
        )
        inset.text(
            boundary / 2, -0.08 * reach, f"{boundary:.4g}", ha="center", va="top", fontsize=9, color=theme.ink,
            bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 1},
        )  # fmt: skip
