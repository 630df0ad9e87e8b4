"""The picture of docs/accuracy.md: worst error in ulp along the argument, ours beside the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from scipy.special import ndtri

from benchmarks.truth import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from benchmarks.accuracy_special import Measured

# Okabe and Ito (2008): told apart with every common form of colour blindness; the lines differ in width and dashes too.
_STYLES: dict[str, dict[str, Any]] = {
    "scipy": {"color": "#D55E00", "linewidth": 1.2, "linestyle": "-"},
    "torch": {"color": "#009E73", "linewidth": 1.2, "linestyle": (0, (4, 1.5))},
    "MKL HA": {"color": "#CC79A7", "linewidth": 1.6, "linestyle": (0, (1.2, 1))},
    "ours": {"color": "#0072B2", "linewidth": 2.4, "linestyle": "-"},
}
_INK, _PALE = "#333333", "#d9d9d9"
_LOW, _HIGH = 0.3, 1e17  # from 1e16 ulp on no digit is right; what is not finite is drawn at the upper limit
_TICKS = (0.5, 1, 2, 5, 10, 100, *(10.0**power for power in range(3, 17)))
_BINS = 90


@dataclass(frozen=True, kw_only=True)
class _Panel:
    title: str
    place: Callable[[Array], Array]  # of an argument on the axis: even steps are equally worth seeing
    ticks: Sequence[tuple[float, str]]


def _by_decades(y: Array) -> Array:
    """Place -1e300 on the left, log(1/2) in the middle and -1e-300 on the right, wide about the middle."""
    decades: Array = np.log10(-y / math.log(2))
    return -np.arcsinh(decades)


def _far(x: Array) -> Array:
    """Place x almost evenly up to 10 or so, then by decades of decades."""
    size: Array = np.log1p(np.log1p(np.abs(x) / 4))
    return np.copysign(size, x)


_PANELS = {
    "ndtri": _Panel(
        title=r"ndtri(p) = $\Phi^{-1}(p)$",
        place=ndtri,
        ticks=[
            (1e-300, "1e-300"),
            (1e-100, "1e-100"),
            (1e-30, "1e-30"),
            (1e-5, "1e-5"),
            (0.5, "0.5"),
            (1 - 2**-53, "1"),
        ],
    ),
    "ndtri_exp": _Panel(
        title=r"ndtri_exp(y) = $\Phi^{-1}(e^y)$",
        place=_by_decades,
        ticks=[
            (-1e300, "-1e300"),
            (-1e5, "-1e5"),
            (math.log(0.5), "log 0.5"),
            (-1e-5, "-1e-5"),
            (-1e-300, "-1e-300"),
        ],
    ),
    "ndtr": _Panel(
        title=r"ndtr(x) = $\Phi(x)$", place=lambda x: x, ticks=[(x, f"{x}") for x in (-35, -25, -15, -5, 0, 5)]
    ),
    "log_ndtr": _Panel(
        title=r"log_ndtr(x) = $\log\Phi(x)$",
        place=_far,
        ticks=[(-1e154, "-1e154"), (-1e20, "-1e20"), (-1e3, "-1e3"), (-10, "-10"), (0, "0"), (37, "37")],
    ),
    "mills_ratio": _Panel(
        title=r"mills_ratio(x) = $\Phi(-x)/\varphi(x)$",
        place=_far,
        ticks=[(-30, "-30"), (0, "0"), (30, "30"), (1e5, "1e5"), (1e30, "1e30"), (1e300, "1e300")],
    ),
}


def draw(measured: Sequence[Measured]) -> Figure:
    """Return the figure: a panel for each function, the sixth place for the legend."""
    figure = Figure(figsize=(14, 8.4), layout=ConstrainedLayoutEngine(hspace=0.06, wspace=0.04))
    axes = figure.subplots(2, 3)
    for ax, function in zip(axes.flat, _PANELS, strict=False):
        _draw_panel(ax, _PANELS[function], [one for one in measured if one.region.function == function])
    for ax in axes[:, 0]:
        ax.set_ylabel("worst error, ulp")
    _draw_legend(axes.flat[-1], {name for one in measured for name in one.errors})
    return figure


def _draw_panel(ax: Axes, panel: _Panel, measured: Sequence[Measured]) -> None:
    place = np.concatenate([panel.place(one.x) for one in measured])
    edges = np.linspace(place.min(), place.max(), _BINS + 1)
    index = np.clip(np.searchsorted(edges, place, side="right") - 1, 0, _BINS - 1)
    highest = 5.0
    for name, style in _STYLES.items():
        if name not in measured[0].errors:
            continue
        errors = np.concatenate([one.errors[name] for one in measured])
        filled = np.unique(index)
        worst = np.clip([errors[index == i].max() for i in filled], _LOW, _HIGH)
        highest = max(highest, worst.max())
        ax.plot((edges[filled] + edges[filled + 1]) / 2, worst, solid_joinstyle="round", **style)
    ax.axhline(1, color=_INK, linewidth=0.9, linestyle=":")
    ax.set_title(panel.title, color=_INK, loc="left", fontsize=12)
    ax.set_yscale("log")
    ax.set_ylim(_LOW, 1.7 * highest)
    decades = math.log10(highest / _LOW)
    shown = [tick for tick in _TICKS if tick <= highest * 1.7 and (decades < 2 or _is_labelled(tick, decades))]
    ax.set_yticks(shown, [f"{tick:g}" if tick < 1000 else f"1e{math.log10(tick):.0f}" for tick in shown])
    ax.minorticks_off()
    ax.set_xticks(panel.place(np.array([x for x, _ in panel.ticks])), [label for _, label in panel.ticks])
    ax.set_xlim(edges[0], edges[-1])
    ax.tick_params(colors=_INK, labelleft=True)
    ax.grid(color=_PALE, linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _is_labelled(tick: float, decades: float) -> bool:
    """Say whether the tick is labelled on an axis of so many decades: every power of ten, or every third."""
    power = math.log10(tick)
    return power.is_integer() and (decades < 7 or power % 3 == 0)


def _draw_legend(ax: Axes, present: set[str]) -> None:
    ax.axis("off")
    names = {"ours": "isoperimetry", "MKL HA": "MKL, high accuracy"}
    for name in reversed(_STYLES):
        if name in present:
            ax.plot([], [], label=names.get(name, name), **_STYLES[name])
    ax.legend(loc="upper left", frameon=False, fontsize=12, handlelength=3, labelcolor=_INK)
    words = (
        "The worst error near each argument against 60-digit\nmpmath. 0.5 ulp is perfect rounding; dotted: 1 ulp;\n"
        "1e16 ulp: no digit is right.\nThe panels' scales differ: see their numbers. Arguments\n"
        "are spread so that the hard places can be seen."
    )
    ax.text(0.02, 0.52, words, transform=ax.transAxes, color=_INK, fontsize=11, va="top", linespacing=1.5)
